//! The outbox at work: putting off what could not be sent, and sending it later: once, and only if what it rests on still holds.

use std::fs::File;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::run::{RunOptions, Runner, given};
use super::store::StoreError;
use crate::config::files;
use crate::core::catalogue::{Class, Effect, Given};
use crate::core::event::{Event, StoredEvent};
use crate::core::mapping::{text_at, values_at};
use crate::core::outbox::{Difference, Letter, LetterId, Seen, Standing, differences, watch};
use crate::core::outcome::{Fate, Outcome, ReturnData};
use crate::core::telling::{self, Call};
use crate::secrets::vault::try_lock;

/// What came of sending a letter.
#[derive(Clone, Debug)]
pub enum Posted {
    /// It was sent; its run's outcome.
    Sent(Box<Outcome>),
    /// The vendor still cannot be reached; it waits on.
    Unreached(String),
    /// The vendor says otherwise now, or it does not fit any more; nothing was sent.
    Held(Box<Letter>),
    /// It cannot be sent; nothing was.
    Not(String),
}

/// What looking at an event found.
enum Looked {
    Record(Value),
    Unreached(String),
    Failed(String),
}

impl Runner {
    /// Puts off a call that tells a vendor.
    ///
    /// # Errors
    /// When it could not be kept.
    pub async fn put_off_call(&self, call: Call, why: &str) -> Result<LetterId, StoreError> {
        let events: Vec<i64> = call.events.iter().map(|(id, _)| *id).collect();
        let destructive = self.class_of(&call.connection, &call.command, call.given()).effect == Effect::Destructive;
        let about = self.store().events_of(events.clone()).await?.into_iter().next().map(|event| event.event.title);
        let letter = Letter {
            title: about.map_or_else(|| call.title(), |about| format!("{}: {about}", call.title())),
            connection: call.connection.clone(),
            command: call.command.clone(),
            arguments: call.arguments.clone(),
            seen: self.seen(&call.connection, &events).await?,
            call: Some(call),
            ..self.blank(events, destructive, why)
        };
        self.store().put_letter(letter).await
    }

    /// Puts off a run.
    ///
    /// # Errors
    /// Why it cannot be kept.
    pub async fn put_off(
        &self,
        connection: &str,
        command: &str,
        title: &str,
        given: Vec<(String, Given)>,
        events: Vec<i64>,
        why: &str,
    ) -> Result<LetterId, String> {
        let prepared = self.prepare(connection, command, given).map_err(|report| report.outcome.message)?;
        let arguments = prepared.arguments.values().clone();
        if prepared.arguments.masked() != arguments || arguments.values().any(|value| self.redactor().holds(&value.to_string())) {
            return Err("It holds a secret, which is kept nowhere but in the vault; run it again when the vendor can be reached.".into());
        }
        let letter = Letter {
            title: title.into(),
            connection: connection.into(),
            command: command.into(),
            arguments,
            seen: self.seen(connection, &events).await.map_err(|error| error.to_string())?,
            ..self.blank(events, prepared.class.effect == Effect::Destructive, why)
        };
        self.store().put_letter(letter).await.map_err(|error| error.to_string())
    }

    fn blank(&self, events: Vec<i64>, destructive: bool, why: &str) -> Letter {
        let now = Timestamp::now();
        Letter {
            id: 0,
            made_at: now,
            changed_at: now,
            actor: self.actor().to_owned(),
            connection: String::new(),
            command: String::new(),
            title: String::new(),
            arguments: Map::new(),
            events,
            call: None,
            seen: Vec::new(),
            destructive,
            standing: Standing::Waiting,
            detail: why.to_owned(),
            differences: Vec::new(),
        }
    }

    fn class_of(&self, connection: &str, command: &str, given: Vec<(String, Given)>) -> Class {
        self.prepare(connection, command, given).map_or(Class::READ, |prepared| prepared.class)
    }

    /// What decisions about these events rest on, as it is stored now.
    async fn seen(&self, connection: &str, events: &[i64]) -> Result<Vec<Seen>, StoreError> {
        let stored = self.store().events_of(events.to_vec()).await?;
        let Some(opened) = self.connection(connection) else { return Ok(Vec::new()) };
        let watched = stored.iter().filter(|event| event.connection == connection).filter_map(|event| {
            let how = opened.entry.write_back(&event.event.event_type).ok()?;
            let mut values = watch(&event.event.raw, how.watched);
            // The vendor may have confirmed another status since the record was fetched.
            if let (Some((_, status)), Some(confirmed)) = (values.first_mut(), &event.event.vendor_status) {
                status.clone_from(confirmed);
            }
            Some(Seen { event: event.id, values })
        });
        Ok(watched.collect())
    }

    /// The letters. One that was being sent by a process that is gone is unknown from now on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn letters(&self, all: bool) -> Result<Vec<Letter>, StoreError> {
        let letters = self.store().letters(all).await?;
        let mut orphaned = false;
        for letter in letters.iter().filter(|letter| letter.standing == Standing::Sending) {
            // Who sends holds the lock until the end is on the disk.
            if let Ok(Some(_lock)) = self.letter_lock(letter.id) {
                let detail = "The nightdesk that sent it ended before an answer came. Look at the vendor; it is never sent again.";
                let settled =
                    self.store().settle_letter(letter.id, &[Standing::Sending], Standing::Unknown, detail, Vec::new(), Timestamp::now());
                orphaned |= settled.await?;
            }
        }
        if orphaned { self.store().letters(all).await } else { Ok(letters) }
    }

    fn letter_lock(&self, id: LetterId) -> std::io::Result<Option<File>> {
        let dir = self.lock_dir();
        files::private_dir(&dir)?;
        try_lock(&dir.join(format!("outbox.{id}.lock")))
    }

    /// Sends a letter. First it looks at what the vendor says now; what differs from what the decision rested on must have been
    /// confirmed. Then the letter is claimed, and only then sent: whatever happens after that, it is not sent again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn post(&self, id: LetterId, confirmed: Option<Vec<Difference>>, options: RunOptions) -> Result<Posted, StoreError> {
        let _lock = match self.letter_lock(id) {
            Ok(Some(lock)) => lock,
            Ok(None) => return Ok(Posted::Not("Another nightdesk is sending it now.".into())),
            Err(error) => return Ok(Posted::Not(format!("Its lock cannot be had: {error}."))),
        };
        let Some(letter) = self.store().letter(id).await? else { return Ok(Posted::Not(format!("There is no letter {id}."))) };
        if !letter.standing.is_open() {
            return Ok(Posted::Not(match letter.standing {
                Standing::Sending | Standing::Unknown => {
                    "It may have been sent already; it is never sent again. Look at the vendor.".into()
                }
                other => format!("It is {} already.", other.as_str()),
            }));
        }
        let events = self.store().events_of(letter.events.clone()).await?;
        let mut now: Vec<StoredEvent> = Vec::new();
        let mut differ = Vec::new();
        for event in events {
            let Some(seen) = letter.seen.iter().find(|seen| seen.event == event.id) else {
                now.push(event);
                continue;
            };
            match self.look(&event, &options).await {
                Looked::Record(record) => {
                    differ.extend(differences(seen, &record));
                    now.push(self.as_now(event, record));
                }
                Looked::Unreached(why) => {
                    self.settle(&letter, letter.standing, &why, letter.differences.clone()).await?;
                    return Ok(Posted::Unreached(why));
                }
                Looked::Failed(why) => {
                    return self.hold_back(&letter, &format!("It cannot be seen how it is at the vendor: {why}"), Vec::new()).await;
                }
            }
        }
        if !differ.is_empty() && confirmed.as_ref() != Some(&differ) {
            let detail = "The vendor says otherwise now than when it was decided; look, then send it or take it back.";
            return self.hold_back(&letter, detail, differ).await;
        }
        // A call is made anew, since it may carry what has changed, and must still be a legal one.
        let arguments = match (&letter.call, now.as_slice()) {
            (Some(call), [event]) => match self.side(&letter.connection).ok_or_else(|| "The connection is gone.".to_owned()) {
                Ok(side) => match telling::call(side, event, call.ruling.clone()) {
                    Ok(fresh) => fresh.arguments,
                    Err(reason) => return self.hold_back(&letter, &reason, differ).await,
                },
                Err(reason) => return self.hold_back(&letter, &reason, differ).await,
            },
            _ => letter.arguments.clone(),
        };
        self.send_claimed(&letter, &arguments, options).await
    }

    async fn send_claimed(&self, letter: &Letter, arguments: &Map<String, Value>, options: RunOptions) -> Result<Posted, StoreError> {
        let prepared = match self.prepare(&letter.connection, &letter.command, given(arguments)) {
            Ok(prepared) => prepared,
            Err(report) => return self.hold_back(letter, &report.outcome.message, Vec::new()).await,
        };
        if !self.store().claim_letter(letter.id, Timestamp::now()).await? {
            return Ok(Posted::Not("Somebody else has sent it or taken it back meanwhile.".into()));
        }
        let report = self.execute(prepared, RunOptions { events: letter.events.clone(), ..options }).await;
        let outcome = report.outcome;
        let unknown = outcome.errors.iter().any(|failure| failure.fate == Fate::Unknown);
        let failed = outcome.return_data == ReturnData::Failed;
        let standing = match () {
            // Nothing has left: it may be tried again.
            () if report.unsent || report.refused => Standing::Waiting,
            () if unknown => Standing::Unknown,
            () if failed => Standing::Refused,
            () => Standing::Sent,
        };
        let first = outcome.errors.first().map_or(outcome.message.as_str(), |failure| failure.message.as_str()).to_owned();
        let settled = self.store().settle_letter(letter.id, &[Standing::Sending], standing, &first, Vec::new(), Timestamp::now());
        settled.await?;
        if let (Standing::Sent, Some(call)) = (standing, &letter.call) {
            let told = call.events.iter().map(|(id, _)| (*id, call.status.clone(), call.ruling.status)).collect();
            self.store().told(told).await?;
        }
        Ok(if standing == Standing::Waiting { Posted::Unreached(first) } else { Posted::Sent(Box::new(outcome)) })
    }

    async fn settle(&self, letter: &Letter, to: Standing, detail: &str, differ: Vec<Difference>) -> Result<bool, StoreError> {
        let open: &'static [Standing] = &[Standing::Waiting, Standing::Held];
        self.store().settle_letter(letter.id, open, to, detail, differ, Timestamp::now()).await
    }

    async fn hold_back(&self, letter: &Letter, detail: &str, differ: Vec<Difference>) -> Result<Posted, StoreError> {
        self.settle(letter, Standing::Held, detail, differ.clone()).await?;
        let held = Letter { standing: Standing::Held, detail: detail.into(), differences: differ, ..letter.clone() };
        Ok(Posted::Held(Box::new(held)))
    }

    /// The event's record as the vendor has it now.
    async fn look(&self, event: &StoredEvent, options: &RunOptions) -> Looked {
        let Some(opened) = self.connection(&event.connection) else { return Looked::Failed("the connection is gone.".into()) };
        let how = match opened.entry.write_back(&event.event.event_type) {
            Ok(how) => how,
            Err(reason) => return Looked::Failed(reason),
        };
        let look = (how.look)(&event.event);
        let own = RunOptions { events: vec![event.id], cancel: options.cancel.clone(), ..RunOptions::default() };
        let report = self.run(&event.connection, look.command, given(&look.arguments), own).await;
        if report.outcome.return_data == ReturnData::Failed {
            let failure = report.outcome.errors.into_iter().next();
            let (fate, why) = failure.map_or((Fate::Plain, report.outcome.message), |failure| (failure.fate, failure.message));
            return if fate == Fate::Plain { Looked::Failed(why) } else { Looked::Unreached(why) };
        }
        match values_at(&report.outcome.raw_data, look.record).into_iter().next() {
            Some((_, record)) if record.is_object() => Looked::Record(record.clone()),
            _ => Looked::Failed("the vendor does not know it any more.".into()),
        }
    }

    /// An event with its record as it is now, as far as a call depends on it.
    fn as_now(&self, event: StoredEvent, record: Value) -> StoredEvent {
        let opened = self.connection(&event.connection);
        let how = opened.and_then(|opened| opened.entry.write_back(&event.event.event_type).ok());
        let status = how.and_then(|how| how.watched.first()).and_then(|path| text_at(&record, path));
        // What the status means is known for the record that was fetched only.
        let same = status == event.event.vendor_status;
        let vendor_means = event.event.vendor_means.filter(|_| same);
        StoredEvent { event: Event { vendor_status: status, vendor_means, raw: record, ..event.event }, ..event }
    }

    /// Sends what waits for a connection that works again, but for what goes by hand only; what differs is held.
    pub async fn flush(&self, connection: &str, options: &RunOptions) -> Vec<(Letter, Posted)> {
        let mut done = Vec::new();
        let letters = self.letters(false).await.unwrap_or_default();
        // The oldest first, as they were meant.
        for letter in letters.into_iter().rev().filter(|letter| letter.connection == connection) {
            if letter.standing != Standing::Waiting || letter.by_hand() {
                continue;
            }
            match self.post(letter.id, None, RunOptions { cancel: options.cancel.clone(), ..RunOptions::default() }).await {
                Ok(posted) => {
                    let stop = matches!(posted, Posted::Unreached(_));
                    done.push((letter, posted));
                    if stop {
                        break;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the outbox could not be read");
                    break;
                }
            }
        }
        done
    }
}
