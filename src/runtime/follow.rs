//! Following what a vendor accepted until it ran, failed or expired: "accepted" is not "done".

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::run::{RunOptions, Runner, given};
use crate::core::mapping::{scalar, values_at};
use crate::core::message::Message;
use crate::core::notice::Tone;
use crate::core::outcome::{Follow, ReturnData};
use crate::core::task::TaskId;

/// The first look, and the longest wait between two looks.
const SOON: Duration = Duration::from_secs(3);
const LATE: Duration = Duration::from_secs(60);
/// How long something without an expiry of its own is followed.
const PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// What a look found.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Done,
    Failed(String),
    Pending,
}

/// Follows an action and tells how it ended. It is kept in the store meanwhile, so that a later console goes on.
pub async fn follow(runner: Runner, id: String, connection: String, follow: Follow, task: Option<TaskId>, inbox: mpsc::Sender<Message>) {
    let expires = follow.expires_at.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
    let until = expires.or_else(|| Timestamp::now().checked_add(PATIENCE).ok()).unwrap_or(Timestamp::MAX);
    let mut wait = SOON;
    let (tone, text) = loop {
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LATE);
        let report = runner.run(&connection, &follow.command, given(&follow.arguments), RunOptions::default()).await;
        let found = if report.outcome.return_data == ReturnData::Failed { Found::Pending } else { look(&report.outcome.raw_data, &follow) };
        match found {
            Found::Done => break (Tone::Done, format!("Observed: {} on {connection} was carried out.", follow.title)),
            Found::Failed(state) => break (Tone::Error, format!("Observed: {} on {connection} failed ({state}).", follow.title)),
            Found::Pending if Timestamp::now() > until => {
                break (Tone::Warning, format!("{} on {connection} was accepted but had not run when it expired.", follow.title));
            }
            Found::Pending => {}
        }
    };
    if let Err(error) = runner.store().follow_update(&id, None).await {
        tracing::warn!(%error, "a followed action could not be forgotten");
    }
    let _ = inbox.send(Message::Followed(task, tone, text)).await;
}

/// All of it must have ended; one failure is a failure.
fn look(answer: &Value, follow: &Follow) -> Found {
    let states: Vec<String> = values_at(answer, &follow.state).into_iter().filter_map(|(_, state)| scalar(state)).collect();
    if let Some(failed) = states.iter().find(|state| follow.failed.contains(state)) {
        return Found::Failed(failed.clone());
    }
    if !states.is_empty() && states.iter().all(|state| follow.done.contains(state)) { Found::Done } else { Found::Pending }
}

/// How an action is kept while it is followed.
pub fn kept(connection: &str, follow: &Follow) -> Value {
    json!({ "connection": connection, "follow": follow })
}

/// A kept action.
pub fn read(kept: &Value) -> Option<(String, Follow)> {
    let connection = kept.get("connection")?.as_str()?.to_owned();
    Some((connection, serde_json::from_value(kept.get("follow")?.clone()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_done_when_all_of_it_is() {
        let follow = Follow {
            title: "Isolate".into(),
            command: "list".into(),
            arguments: serde_json::Map::new(),
            state: "$.runs[*].status".into(),
            done: vec!["FINISHED".into()],
            failed: vec!["FAILED".into()],
            expires_at: None,
        };
        let at = |states: &[&str]| {
            let runs: Vec<Value> = states.iter().map(|state| json!({ "status": state })).collect();
            look(&json!({ "runs": runs }), &follow)
        };
        assert_eq!(at(&[]), Found::Pending);
        assert_eq!(at(&["FINISHED", "RUNNING"]), Found::Pending);
        assert_eq!(at(&["FINISHED", "FINISHED"]), Found::Done);
        assert_eq!(at(&["RUNNING", "FAILED"]), Found::Failed("FAILED".into()));
        let (connection, read) = read(&kept("eset", &follow)).unwrap();
        assert_eq!((connection.as_str(), read), ("eset", follow));
    }
}
