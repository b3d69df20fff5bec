//! Following what a vendor accepted until it ran, failed or expired: "accepted" is not "done".

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::run::{RunOptions, Runner, given};
use crate::core::console::message::Message;
use crate::core::console::notice::Tone;
use crate::core::console::task::TaskId;
use crate::core::mapping::{scalar, values_at};
use crate::core::outcome::{Follow, ReturnData};

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
    let until = accepted.until();
    let Accepted { connection, follow, audit, at } = accepted;
    let mut looks = 0;
    let (tone, text) = loop {
        tokio::time::sleep(pause(looks)).await;
        looks += 1;
        let options = RunOptions { unrecorded: true, ..RunOptions::default() };
        let report = runner.run(&connection, &follow.command, given(&follow.arguments), options).await;
        let failed = report.outcome.return_data == ReturnData::Failed;
        let found = if failed { Found::Pending } else { look(&report.outcome.raw_data, &follow, at) };
        match found {
            Found::Done => break (Tone::Done, format!("Observed: {} on {connection} was carried out.", follow.title)),
            Found::Failed(state) => break (Tone::Error, format!("Observed: {} on {connection} failed ({state}).", follow.title)),
            Found::Pending if Timestamp::now() > until => {
                let text = format!(
                    "Not observed: {} on {connection} was accepted but was not seen to run by {until}. Look at the vendor before you rely on it.",
                    follow.title
                );
                break (Tone::Warning, text);
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

/// All of it must have ended since it was asked for; one failure is a failure.
fn look(answer: &Value, follow: &Follow, asked: Option<Timestamp>) -> Found {
    let mut states = Vec::new();
    for (path, state) in values_at(answer, &follow.state) {
        let beside = follow.ended.as_ref().zip(path.rsplit_once('.')).map(|(ended, (parent, _))| format!("{parent}.{ended}"));
        let ended = beside.and_then(|path| values_at(answer, &path).pop()?.1.as_str()?.parse::<Timestamp>().ok());
        // What ended before it was asked for is the end of an earlier one.
        let earlier = ended.zip(asked).is_some_and(|(ended, asked)| ended < floor(asked));
        if let Some(state) = scalar(state).filter(|_| !earlier) {
            states.push(state);
        }
    }
    if let Some(failed) = states.iter().find(|state| follow.failed.contains(state)) {
        return Found::Failed(failed.clone());
    }
    let all = states.len() >= follow.least.max(1) && states.iter().all(|state| follow.done.contains(state));
    if all { Found::Done } else { Found::Pending }
}

/// The second that a time is in: vendors tell no finer.
fn floor(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
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
        _ => "Not observed",
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
    /// When it was asked for, by the vendor's clock.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

impl Accepted {
    /// Until when it is looked for: until it expires, else for a day.
    fn until(&self) -> Timestamp {
        let expires = self.follow.expires_at.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
        expires.or_else(|| self.at.unwrap_or_else(Timestamp::now).checked_add(PATIENCE).ok()).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn isolate() -> Follow {
        Follow {
            title: "Isolate".into(),
            command: "list".into(),
            arguments: serde_json::Map::new(),
            state: "$.runs[*].status".into(),
            done: vec!["FINISHED".into()],
            failed: vec!["FAILED".into()],
            ended: Some("endTime".into()),
            least: 1,
            expires_at: None,
        }
    }

    #[test]
    fn it_is_done_when_all_of_it_is() {
        let follow = isolate();
        let at = |states: &[&str]| {
            let runs: Vec<Value> = states.iter().map(|state| json!({ "status": state })).collect();
            look(&json!({ "runs": runs }), &follow, None)
        };
        assert_eq!(at(&[]), Found::Pending);
        assert_eq!(at(&["FINISHED", "RUNNING"]), Found::Pending);
        assert_eq!(at(&["FINISHED", "FINISHED"]), Found::Done);
        assert_eq!(at(&["RUNNING", "FAILED"]), Found::Failed("FAILED".into()));
        let two = Follow { least: 2, ..isolate() };
        let one = json!({"runs": [{"status": "FINISHED"}]});
        assert_eq!(look(&one, &two, None), Found::Pending, "the other device has no run yet");
        let accepted = Accepted { connection: "eset".into(), follow, audit: Some(7), at: None };
        assert_eq!(serde_json::from_value::<Accepted>(json!(accepted)).unwrap(), accepted);
        let waits: Vec<u64> = [0, 1, 20, 21, 22, 30, 4_000].map(|looks| pause(looks).as_secs()).into();
        assert_eq!(waits, [3, 3, 3, 6, 12, 60, 60]);
    }

    #[test]
    fn an_earlier_end_is_not_this_ones() {
        let follow = isolate();
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let ended = |state: &str, at: &str| json!({"runs": [{"status": state, "endTime": at}]});
        let asked = Some(time("2026-11-28T12:00:00.7Z"));
        assert_eq!(look(&ended("FINISHED", "2026-11-28T09:00:00Z"), &follow, asked), Found::Pending);
        assert_eq!(look(&ended("FAILED", "2026-11-28T09:00:00Z"), &follow, asked), Found::Pending);
        assert_eq!(look(&ended("FINISHED", "2026-11-28T12:00:00Z"), &follow, asked), Found::Done, "vendors tell whole seconds");
        let accepted = Accepted { connection: "eset".into(), follow, audit: None, at: asked };
        assert_eq!(accepted.until(), time("2026-11-29T12:00:00.7Z"), "a console that is opened again begins no new day");
    }
}
