//! Following what a vendor accepted until it ran, failed or expired: "accepted" is not "done".

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::run::{RunOptions, Runner, given};
use crate::core::mapping::{scalar, values_at};
use crate::core::message::Message;
use crate::core::notice::Tone;
use crate::core::outcome::{Follow, ReturnData};
use crate::core::task::TaskId;

/// The first looks, and the longest wait between two looks.
const SOON: Duration = Duration::from_secs(3);
/// So many looks are taken soon after each other: a device that is on answers within a minute.
const EARLY: u32 = 20;
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
pub async fn follow(runner: Runner, id: String, accepted: Accepted, task: Option<TaskId>, inbox: mpsc::Sender<Message>) {
    let Accepted { connection, follow, audit } = accepted;
    let expires = follow.expires_at.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
    let until = expires.or_else(|| Timestamp::now().checked_add(PATIENCE).ok()).unwrap_or(Timestamp::MAX);
    let mut looks = 0;
    let (tone, text) = loop {
        tokio::time::sleep(pause(looks)).await;
        looks += 1;
        let options = RunOptions { unrecorded: true, ..RunOptions::default() };
        let report = runner.run(&connection, &follow.command, given(&follow.arguments), options).await;
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
    if let Some(seq) = audit
        && let Err(error) = runner.store().end_intent(seq, recorded(tone), json!({ "message": text })).await
    {
        tracing::warn!(%error, "what was observed could not be recorded");
    }
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

/// How long to wait before a look.
fn pause(looks: u32) -> Duration {
    (SOON * 2_u32.saturating_pow(looks.saturating_sub(EARLY).min(8))).min(LATE)
}

/// How the record calls the end.
fn recorded(tone: Tone) -> &'static str {
    match tone {
        Tone::Done => "Observed: carried out",
        Tone::Error => "Observed: failed",
        _ => "Not observed before it expired",
    }
}

/// What a vendor accepted, as it is kept while it is followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// The connection.
    pub connection: String,
    /// How to look.
    pub follow: Follow,
    /// The entry of the record that asked for it.
    #[serde(default)]
    pub audit: Option<i64>,
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
        let accepted = Accepted { connection: "eset".into(), follow, audit: Some(7) };
        assert_eq!(serde_json::from_value::<Accepted>(json!(accepted)).unwrap(), accepted);
        let waits: Vec<u64> = [0, 1, 20, 21, 22, 30, 4_000].map(|looks| pause(looks).as_secs()).into();
        assert_eq!(waits, [3, 3, 3, 6, 12, 60, 60]);
    }
}
