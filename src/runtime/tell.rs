//! Telling vendors what was decided: each call is a run with its own intent; what cannot be sent goes into the outbox.

use serde_json::{Value, json};

use super::run::{Progress, RunOptions, Runner};
use crate::core::catalogue::Ruling;
use crate::core::event::StoredEvent;
use crate::core::outbox::LetterId;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::telling::{self, Became, Call, Plan, Side};

/// What became of one event.
#[derive(Clone, Debug)]
pub struct Told {
    /// The event.
    pub event: i64,
    /// The vendor's id of it.
    pub item: String,
    /// What was to be set, and where.
    pub sets: String,
    /// What became of it.
    pub became: Became,
    /// Why, where it was not done.
    pub message: Option<String>,
    /// The letter that waits in its stead.
    pub letter: Option<LetterId>,
}

impl Told {
    /// As the command line prints it.
    pub fn json(&self) -> Value {
        json!({"event": self.event, "id": self.item, "sets": self.sets, "became": self.became.as_str(), "message": self.message, "outbox": self.letter})
    }
}

impl Runner {
    /// A connection as far as telling is concerned.
    pub fn side(&self, name: &str) -> Option<Side<'_>> {
        let opened = self.connection(name)?;
        Some(Side { title: opened.vendor.title, read_only: opened.connection.read_only, entry: &opened.entry })
    }

    /// What it would take to tell the vendors of these events.
    pub fn plan_telling(&self, events: &[StoredEvent], ruling: impl Fn(&StoredEvent) -> Ruling) -> Plan {
        telling::plan(|name| self.side(name), events, ruling)
    }

    /// Makes the calls, one after the other, and puts into the outbox what could not be sent.
    pub async fn tell(&self, calls: &[Call], options: RunOptions) -> (Vec<Told>, Outcome) {
        let mut told = Vec::new();
        let mut errors: Vec<Failure> = Vec::new();
        let total: usize = calls.iter().map(|call| call.events.len()).sum();
        for call in calls {
            let own = RunOptions { events: call.events.iter().map(|(id, _)| *id).collect(), progress: None, ..options.clone() };
            let report = self.run(&call.connection, &call.command, call.given(), own).await;
            let failed = report.outcome.return_data == ReturnData::Failed;
            for (event, item) in &call.events {
                let (became, failure) = Became::of(item, failed, &report.outcome.errors);
                let mut one = Told {
                    event: *event,
                    item: item.clone(),
                    sets: format!("{} at {}", call.sets, call.vendor),
                    became,
                    message: failure.map(|failure| failure.message.clone()),
                    letter: None,
                };
                errors.extend(failure.map(|failure| failure.clone().item(item)));
                if became == Became::Unsent
                    && let Some(alone) = call.narrowed(|id| id == *event)
                {
                    match self.put_off_call(alone, one.message.as_deref().unwrap_or_default()).await {
                        Ok(letter) => one.letter = Some(letter),
                        Err(error) => one.message = Some(format!("It could not be kept in the outbox: {error}")),
                    }
                }
                told.push(one);
            }
            let done = told.iter().filter(|one| one.became == Became::Done && call.events.iter().any(|(id, _)| *id == one.event));
            let done = done.map(|one| (one.event, call.status.clone(), call.ruling.status)).collect();
            if let Err(error) = self.store().told(done).await {
                tracing::warn!(%error, "what the vendor was told could not be noted");
            }
            if let Some(progress) = &options.progress {
                let _ =
                    progress.try_send(Progress { text: format!("{} of {total} told", told.len()), done: told.len(), total: Some(total) });
            }
            if options.cancel.is_cancelled() {
                break;
            }
        }
        let outcome = outcome(&told, errors, total);
        (told, outcome)
    }
}

fn outcome(told: &[Told], errors: Vec<Failure>, total: usize) -> Outcome {
    let count = |became: Became| told.iter().filter(|one| one.became == became).count();
    let done = count(Became::Done);
    let kept = told.iter().filter(|one| one.letter.is_some()).count();
    let mut message = match told {
        [only] if only.became == Became::Done => "The vendor has it.".to_owned(),
        _ if kept == total => "not sent yet, as the vendor cannot be reached; it waits in the outbox.".into(),
        _ if kept > 0 => format!("{done} of {total} told; {kept} in the outbox until the vendor can be reached."),
        _ => format!("{done} of {total} told."),
    };
    for (became, text) in [(Became::Refused, "refused"), (Became::Unknown, "without an answer: look at the vendor; not repeated")] {
        if count(became) > 0 {
            message.push_str(&format!(" {} {text}.", count(became)));
        }
    }
    let rows: Vec<Value> = told.iter().map(Told::json).collect();
    Outcome::new(ReturnData::of(done, total - done)).raw(json!({"Results": rows})).message(message).errors(errors).result("Told", done)
}
