//! What analysts decide about events. Every decision stands in the record, in the same transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::audit::{Intent, record};
use super::read::status;
use super::rows::size;
use super::{Store, StoreError, moment, nanos};
use crate::core::catalogue::Effect;
use crate::core::event::{Disposition, Status};

/// A decision about events; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// Who decides.
    pub actor: String,
    /// The status.
    pub status: Option<Status>,
    /// The verdict, or none any more.
    pub disposition: Option<Option<Disposition>>,
    /// Who has it, or nobody any more.
    pub assignee: Option<Option<String>>,
    /// A note on it.
    pub note: Option<String>,
}

/// How an event was before a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Was {
    /// The event.
    pub id: i64,
    /// Its status.
    pub status: Status,
    /// Its verdict.
    pub disposition: Option<Disposition>,
    /// Who had it.
    pub assignee: Option<String>,
}

/// A note on an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When it was written.
    pub time: Timestamp,
    /// Who wrote it.
    pub actor: String,
    /// What it says.
    pub text: String,
}

/// What kind of thing happened to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HappenedKind {
    /// It came in.
    Arrived,
    /// The vendor changed it.
    Revised,
    /// Somebody wrote a note.
    Note,
    /// Something was decided or run.
    Recorded,
}

/// Something that happened to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub time: Timestamp,
    /// What kind of thing.
    pub kind: HappenedKind,
    /// By whom; empty for the vendor.
    pub actor: String,
    /// What, in a line.
    pub text: String,
}

/// How an event alike was closed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The event.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// The verdict.
    pub disposition: Option<Disposition>,
    /// When.
    pub time: Option<Timestamp>,
    /// By whom.
    pub actor: Option<String>,
    /// The last note on it.
    pub note: Option<String>,
}

/// How some events were closed before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precedent {
    /// How many were closed.
    pub closed: usize,
    /// With which verdicts, the most frequent first.
    pub verdicts: Vec<(Option<Disposition>, usize)>,
    /// The last ones, newest first.
    pub last: Vec<Closed>,
}

/// How the same was closed before: first what has the same main entity too, then whatever has the same rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precedents {
    /// The main entity, if there is one.
    pub entity: Option<String>,
    /// Those of the same rule and entity.
    pub same: Precedent,
    /// Those of the same rule, whatever the entity.
    pub alike: Precedent,
}

impl Decision {
    /// What the record calls it.
    fn command(&self) -> &'static str {
        match (self.status, self.disposition, &self.assignee) {
            (Some(Status::Closed), _, _) => "event close",
            (Some(Status::InProgress), _, _) => "event take",
            (Some(Status::New), _, _) => "event reopen",
            (None, Some(_), _) => "event judge",
            (None, None, Some(_)) => "event assign",
            (None, None, None) => "event note",
        }
    }

    fn arguments(&self) -> Map<String, Value> {
        let mut arguments = Map::new();
        if let Some(status) = self.status {
            arguments.insert("status".into(), status.as_str().into());
        }
        if let Some(disposition) = self.disposition {
            arguments.insert("disposition".into(), disposition.map(Disposition::as_str).into());
        }
        if let Some(assignee) = &self.assignee {
            arguments.insert("assignee".into(), assignee.clone().into());
        }
        if let Some(note) = &self.note {
            arguments.insert("note".into(), note.clone().into());
        }
        arguments
    }
}

impl Store {
    /// Decides about events in one transaction; gives how those were that are there. The record keeps it too.
    ///
    /// # Errors
    /// When the store fails; nothing is decided then.
    pub async fn decide(&self, ids: Vec<i64>, decision: Decision, at: Timestamp) -> Result<Vec<Was>, StoreError> {
        self.change(move |db| {
            let mut before = Vec::new();
            for id in ids {
                before.extend(decide(db, id, &decision, at)?);
            }
            if !before.is_empty() {
                let intent = Intent {
                    actor: decision.actor.clone(),
                    connection: String::new(),
                    command: decision.command().into(),
                    arguments: decision.arguments(),
                    items: before.iter().map(|was| format!("event {}", was.id)).collect(),
                    effect: Effect::Write,
                };
                record(db, &intent, "Successful", &json!({"before": before}), at)?;
            }
            Ok(before)
        })
        .await
    }

    /// Notes what vendors have set for events, as they confirmed it, with what that means here: they count as moved only when they say
    /// something else later. The next fetch says what is true.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn told(&self, told: Vec<(i64, String, Status)>) -> Result<(), StoreError> {
        self.change(move |db| {
            let sql = "UPDATE event SET vendor_status = ?2, vendor_means = ?3, vendor_status_at_decision = ?2, decided_revision = revisions
                       WHERE id = ?1";
            let mut update = db.prepare_cached(sql)?;
            told.iter().try_for_each(|(id, status, means)| update.execute(params![id, status, *means as u8]).map(|_| ()))?;
            Ok(())
        })
        .await
    }

    /// Writes a note on an event; whether it is there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn add_note(&self, id: i64, actor: &str, text: &str, at: Timestamp) -> Result<bool, StoreError> {
        let decision = Decision { actor: actor.into(), note: Some(text.into()), ..Decision::default() };
        Ok(!self.decide(vec![id], decision, at).await?.is_empty())
    }

    /// The notes on an event, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn notes(&self, id: i64) -> Result<Vec<Note>, StoreError> {
        self.read(move |db| notes(db, id)).await
    }

    /// Notes that somebody has looked at events.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn mark_read(&self, ids: Vec<i64>) -> Result<(), StoreError> {
        self.change(move |db| {
            let mut update = db.prepare_cached("UPDATE event SET unread = 0 WHERE id = ?1 AND unread = 1")?;
            ids.iter().try_for_each(|id| update.execute([id]).map(|_| ()))?;
            Ok(())
        })
        .await
    }

    /// What happened to an event, in order of time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn history(&self, id: i64) -> Result<Vec<Happened>, StoreError> {
        self.search(move |db| history(db, id)).await
    }

    /// A revision of an event's record, from 1 (as it first came) to the number of its revisions (as it is now).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revision(&self, id: i64, number: u32) -> Result<Option<Value>, StoreError> {
        self.read(move |db| {
            let sql = "SELECT raw FROM revision WHERE event = ?1 AND number = ?2
                       UNION ALL SELECT payload.raw FROM payload JOIN event ON event.id = payload.event WHERE event.id = ?1 AND event.revisions = ?2";
            Ok(db.prepare_cached(sql)?.query_row(params![id, number], |row| super::read::json(row, 0)).optional()?)
        })
        .await
    }

    /// How events alike (same vendor, type and rule) were closed before, and of these the ones with the same main entity.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn precedents(&self, id: i64) -> Result<Precedents, StoreError> {
        self.search(move |db| {
            const ENTITY: &str = "AND other.entity_kind = this.entity_kind AND other.entity_value = this.entity_value COLLATE NOCASE";
            let entity = db
                .prepare_cached("SELECT entity_value FROM event WHERE id = ?1")?
                .query_row([id], |row| row.get::<_, Option<String>>(0))
                .optional()?;
            Ok(Precedents { entity: entity.flatten(), same: precedent(db, id, ENTITY)?, alike: precedent(db, id, "")? })
        })
        .await
    }
}

/// Decides about one event; gives how it was, if it is there.
fn decide(db: &Connection, id: i64, decision: &Decision, at: Timestamp) -> Result<Option<Was>, StoreError> {
    let was = db
        .prepare_cached("SELECT status, disposition, assignee FROM event WHERE id = ?1")?
        .query_row([id], |row| {
            let disposition = row.get::<_, Option<String>>(1)?;
            Ok(Was {
                id,
                status: status(row.get(0)?),
                disposition: disposition.as_deref().and_then(Disposition::parse),
                assignee: row.get(2)?,
            })
        })
        .optional()?;
    let Some(was) = was else { return Ok(None) };
    if decision.status.is_some() || decision.disposition.is_some() || decision.assignee.is_some() {
        db.prepare_cached(
            "UPDATE event SET status = ?2, disposition = ?3, assignee = ?4, decided_at = ?5, decided_by = ?6,
             vendor_status_at_decision = vendor_status, decided_revision = revisions, unread = 0 WHERE id = ?1",
        )?
        .execute(params![
            id,
            decision.status.unwrap_or(was.status) as u8,
            decision.disposition.unwrap_or(was.disposition).map(Disposition::as_str),
            decision.assignee.as_ref().unwrap_or(&was.assignee),
            nanos(at),
            decision.actor,
        ])?;
    }
    if let Some(text) = decision.note.as_deref().filter(|text| !text.trim().is_empty()) {
        db.prepare_cached("INSERT INTO note (event, time, actor, text) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            id,
            nanos(at),
            decision.actor,
            text
        ])?;
    }
    Ok(Some(was))
}

fn notes(db: &Connection, id: i64) -> Result<Vec<Note>, StoreError> {
    let mut statement = db.prepare_cached("SELECT time, actor, text FROM note WHERE event = ?1 ORDER BY id")?;
    let notes = statement.query_map([id], |row| Ok(Note { time: moment(row.get(0)?), actor: row.get(1)?, text: row.get(2)? }))?;
    Ok(notes.collect::<Result<_, _>>()?)
}

fn history(db: &Connection, id: i64) -> Result<Vec<Happened>, StoreError> {
    let vendor = |time, kind, text| Happened { time, kind, actor: String::new(), text };
    let mut all = Vec::new();
    let arrived: Option<i64> =
        db.prepare_cached("SELECT first_seen_at FROM event WHERE id = ?1")?.query_row([id], |row| row.get(0)).optional()?;
    all.extend(arrived.map(|time| vendor(moment(time), HappenedKind::Arrived, "came in".into())));
    let mut statement = db.prepare_cached("SELECT seen_at, number FROM revision WHERE event = ?1 ORDER BY number")?;
    for row in statement.query_map([id], |row| Ok((moment(row.get(0)?), row.get::<_, i64>(1)?)))? {
        let (time, number) = row?;
        all.push(vendor(time, HappenedKind::Revised, format!("revision {}", number + 1)));
    }
    all.extend(notes(db, id)?.into_iter().map(|note| Happened {
        time: note.time,
        kind: HappenedKind::Note,
        actor: note.actor,
        text: note.text,
    }));
    all.extend(recorded(db, &format!("event {id}"))?);
    all.sort_by_key(|one| one.time);
    Ok(all)
}

/// What the record says about an item.
pub(super) fn recorded(db: &Connection, item: &str) -> Result<Vec<Happened>, StoreError> {
    // An intent that has ended is told by its end.
    let mut statement = db.prepare_cached(
        "SELECT time, actor, connection, command, state FROM audit AS this WHERE instr(items, ?1) > 0 AND command NOT IN ('event note', 'case note')
         AND NOT EXISTS (SELECT 1 FROM audit AS later WHERE later.refers_to = this.seq) ORDER BY seq",
    )?;
    let entries = statement.query_map([Value::from(item).to_string()], |row| {
        let (time, actor, connection): (String, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (command, state): (String, String) = (row.get(3)?, row.get(4)?);
        let state = if state == super::audit::INTENT { "its end is unknown".into() } else { state };
        let place = connection.map_or_else(String::new, |name| format!(" on {name}"));
        Ok(Happened {
            time: time.parse().unwrap_or_default(),
            kind: HappenedKind::Recorded,
            actor,
            text: format!("{command}{place}: {state}"),
        })
    })?;
    Ok(entries.collect::<Result<_, _>>()?)
}

fn precedent(db: &Connection, id: i64, further: &str) -> Result<Precedent, StoreError> {
    let alike = format!(
        "FROM event AS this JOIN event AS other USING (event_type, rule, vendor)
         WHERE this.id = ?1 AND other.id <> ?1 AND other.status = 2 {further}"
    );
    let parse = |name: Option<String>| name.as_deref().and_then(Disposition::parse);
    let mut statement = db.prepare_cached(&format!("SELECT other.disposition, count(*) {alike} GROUP BY 1 ORDER BY 2 DESC, 1"))?;
    let verdicts: Vec<(Option<Disposition>, usize)> =
        statement.query_map([id], |row| Ok((parse(row.get(0)?), size(row, 1)?)))?.collect::<Result<_, _>>()?;
    let mut statement = db.prepare_cached(&format!(
        "SELECT other.id, other.title, other.disposition, other.decided_at, other.decided_by,
         (SELECT text FROM note WHERE note.event = other.id ORDER BY note.id DESC LIMIT 1)
         {alike} ORDER BY other.decided_at DESC, other.id DESC LIMIT 5"
    ))?;
    let last = statement.query_map([id], |row| {
        Ok(Closed {
            id: row.get(0)?,
            title: row.get(1)?,
            disposition: parse(row.get(2)?),
            time: row.get::<_, Option<i64>>(3)?.map(moment),
            actor: row.get(4)?,
            note: row.get(5)?,
        })
    })?;
    Ok(Precedent { closed: verdicts.iter().map(|(_, count)| count).sum(), verdicts, last: last.collect::<Result<_, _>>()? })
}
