//! Cases: events that belong together, with notes, files and a timeline. What is done to a case stands in the record.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value, json};

use super::audit::{AuditEntry, INTENT, Intent, about_case, record};
use super::rows::{rows_of_case, size};
use super::triage::{Happened, HappenedKind};
use super::{Store, StoreError, moment, nanos};
use crate::core::case::{Case, CaseFile};
use crate::core::catalogue::Effect;
use crate::core::listing::Listed;
use crate::core::outcome::Attachment;

/// A case with all that belongs to it.
#[derive(Clone, Debug)]
pub struct WholeCase {
    /// The case.
    pub case: Case,
    /// Its events, in order of time.
    pub events: Vec<Listed>,
    /// Its files.
    pub files: Vec<CaseFile>,
    /// What was done and written on it and on its events, in order of time.
    pub entries: Vec<Happened>,
    /// What was run on its events, in order of time: of each run its end, or its intent where that never ended.
    pub runs: Vec<AuditEntry>,
}

/// One change of a case, by whom and when.
struct Change<'a> {
    name: &'a str,
    actor: &'a str,
    at: Timestamp,
}

impl Store {
    /// Opens a case. Without a name it gets the next number: `case-7`.
    ///
    /// # Errors
    /// When there is one of that name, or the store fails.
    pub async fn case_create(&self, name: Option<&str>, title: &str, actor: &str, at: Timestamp) -> Result<String, StoreError> {
        let (name, title, actor) = (name.map(str::to_owned), title.to_owned(), actor.to_owned());
        self.change(move |db| {
            let name = match name {
                Some(name) => name,
                None => next_name(db)?,
            };
            if id_of(db, &name)?.is_some() {
                return Err(StoreError::Taken(name));
            }
            create(db, &Change { name: &name, actor: &actor, at }, &title)?;
            Ok(name)
        })
        .await
    }

    /// The cases, open ones first, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn case_list(&self) -> Result<Vec<Case>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(&format!("{CASE} ORDER BY state = 'open' DESC, opened_at DESC, id DESC"))?;
            Ok(statement.query_map([], case)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// A case with all that belongs to it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn case_show(&self, name: &str) -> Result<Option<WholeCase>, StoreError> {
        let name = name.to_owned();
        self.search(move |db| {
            let found = db.prepare_cached(&format!("{CASE} WHERE name = ?1"))?.query_row([&name], case).optional()?;
            let (Some(case), Some(id)) = (found, id_of(db, &name)?) else { return Ok(None) };
            let mut runs = about_case(db, id, &name)?;
            let entries = entries(db, id, &runs)?;
            runs.retain(|entry| entry.connection.is_some());
            Ok(Some(WholeCase { case, events: rows_of_case(db, id)?, files: files(db, id)?, entries, runs }))
        })
        .await
    }

    /// Puts events into a case; one that is not there is opened. Gives those that were not in it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn case_add(&self, name: &str, ids: Vec<i64>, actor: &str, at: Timestamp) -> Result<Vec<i64>, StoreError> {
        let (name, actor) = (name.to_owned(), actor.to_owned());
        self.change(move |db| {
            let change = Change { name: &name, actor: &actor, at };
            let case = match id_of(db, &name)? {
                Some(id) => id,
                None => create(db, &change, "")?,
            };
            let mut insert =
                db.prepare_cached("INSERT OR IGNORE INTO case_event (\"case\", event) SELECT ?1, id FROM event WHERE id = ?2")?;
            let mut added = Vec::new();
            for id in ids {
                if insert.execute([case, id])? > 0 {
                    added.push(id);
                }
            }
            if !added.is_empty() {
                note_down(db, &change, "case add", &added, json!({}))?;
            }
            Ok(added)
        })
        .await
    }

    /// Takes events out of a case; gives those that were in it.
    ///
    /// # Errors
    /// When there is no such case, or the store fails.
    pub async fn case_remove(&self, name: &str, ids: Vec<i64>, actor: &str, at: Timestamp) -> Result<Vec<i64>, StoreError> {
        let (name, actor) = (name.to_owned(), actor.to_owned());
        self.change(move |db| {
            let case = existing(db, &name)?;
            let mut delete = db.prepare_cached("DELETE FROM case_event WHERE \"case\" = ?1 AND event = ?2")?;
            let mut removed = Vec::new();
            for id in ids {
                if delete.execute([case, id])? > 0 {
                    removed.push(id);
                }
            }
            if !removed.is_empty() {
                note_down(db, &Change { name: &name, actor: &actor, at }, "case remove", &removed, json!({}))?;
            }
            Ok(removed)
        })
        .await
    }

    /// Writes a note on a case.
    ///
    /// # Errors
    /// When there is no such case, or the store fails.
    pub async fn case_note(&self, name: &str, text: &str, actor: &str, at: Timestamp) -> Result<(), StoreError> {
        let (name, text, actor) = (name.to_owned(), text.to_owned(), actor.to_owned());
        self.change(move |db| {
            db.execute(
                "INSERT INTO case_entry (\"case\", time, actor, kind, text) VALUES (?1, ?2, ?3, 'note', ?4)",
                params![existing(db, &name)?, nanos(at), actor, text],
            )?;
            note_down(db, &Change { name: &name, actor: &actor, at }, "case note", &[], json!({"note": text}))
        })
        .await
    }
}

impl Store {
    /// Adds a file to a case.
    ///
    /// # Errors
    /// When there is no such case, or the store fails.
    pub async fn case_file(&self, name: &str, path: &str, sha256: &str, size: u64, actor: &str, at: Timestamp) -> Result<(), StoreError> {
        let (name, path, sha256, actor) = (name.to_owned(), path.to_owned(), sha256.to_owned(), actor.to_owned());
        self.change(move |db| put_file(db, &Change { name: &name, actor: &actor, at }, &path, &sha256, size)).await
    }

    /// Adds what runs on events saved to the cases of those events that are open.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn case_attachments(&self, events: &[i64], attachments: &[Attachment], actor: &str, at: Timestamp) -> Result<(), StoreError> {
        let (events, attachments, actor) = (json!(events).to_string(), attachments.to_vec(), actor.to_owned());
        self.change(move |db| {
            let mut statement = db.prepare_cached(
                "SELECT DISTINCT c.name FROM \"case\" AS c JOIN case_event ON case_event.\"case\" = c.id
                 WHERE c.state = 'open' AND case_event.event IN (SELECT value FROM json_each(?1))",
            )?;
            let names: Vec<String> = statement.query_map([events], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for (name, file) in names.iter().flat_map(|name| attachments.iter().map(move |file| (name, file))) {
                put_file(db, &Change { name, actor: &actor, at }, &file.path, &file.sha256, file.size)?;
            }
            Ok(())
        })
        .await
    }

    /// Closes a case, or opens it again.
    ///
    /// # Errors
    /// When there is no such case, or the store fails.
    pub async fn case_close(&self, name: &str, closed: bool, actor: &str, at: Timestamp) -> Result<(), StoreError> {
        let (name, actor) = (name.to_owned(), actor.to_owned());
        self.change(move |db| {
            db.execute(
                "UPDATE \"case\" SET state = ?2, closed_at = ?3 WHERE id = ?1",
                params![existing(db, &name)?, if closed { "closed" } else { "open" }, closed.then(|| nanos(at))],
            )?;
            let command = if closed { "case close" } else { "case reopen" };
            note_down(db, &Change { name: &name, actor: &actor, at }, command, &[], json!({}))
        })
        .await
    }

    /// What happened in a case, in order of time: its events as they occurred, and what was done and written.
    ///
    /// # Errors
    /// When there is no such case, or the store fails.
    pub async fn case_timeline(&self, name: &str) -> Result<Vec<Happened>, StoreError> {
        let name = name.to_owned();
        self.search(move |db| {
            let id = existing(db, &name)?;
            let mut all = entries(db, id, &about_case(db, id, &name)?)?;
            all.extend(rows_of_case(db, id)?.into_iter().map(|row| Happened {
                time: row.occurred_at,
                kind: HappenedKind::Arrived,
                actor: String::new(),
                text: format!("{}: {}", row.connection, row.title),
            }));
            all.sort_by_key(|one| one.time);
            Ok(all)
        })
        .await
    }
}

const CASE: &str =
    "SELECT name, title, state = 'open', opened_at, closed_at, (SELECT count(*) FROM case_event WHERE \"case\" = c.id) FROM \"case\" AS c";

fn case(row: &rusqlite::Row<'_>) -> rusqlite::Result<Case> {
    Ok(Case {
        name: row.get(0)?,
        title: row.get(1)?,
        open: row.get(2)?,
        opened_at: moment(row.get(3)?),
        closed_at: row.get::<_, Option<i64>>(4)?.map(moment),
        events: size(row, 5)?,
    })
}

fn id_of(db: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
    Ok(db.prepare_cached("SELECT id FROM \"case\" WHERE name = ?1")?.query_row([name], |row| row.get(0)).optional()?)
}

fn existing(db: &Connection, name: &str) -> Result<i64, StoreError> {
    id_of(db, name)?.ok_or_else(|| StoreError::NoCase(name.into()))
}

fn next_name(db: &Connection) -> Result<String, StoreError> {
    let mut number: i64 = db.query_row("SELECT coalesce(max(id), 0) + 1 FROM \"case\"", [], |row| row.get(0))?;
    while id_of(db, &format!("case-{number}"))?.is_some() {
        number += 1;
    }
    Ok(format!("case-{number}"))
}

fn create(db: &Connection, change: &Change<'_>, title: &str) -> Result<i64, StoreError> {
    db.execute("INSERT INTO \"case\" (name, title, opened_at) VALUES (?1, ?2, ?3)", params![change.name, title, nanos(change.at)])?;
    let id = db.last_insert_rowid();
    note_down(db, change, "case open", &[], json!({"title": title}))?;
    Ok(id)
}

/// Adds a file to a case.
fn put_file(db: &Connection, change: &Change<'_>, path: &str, sha256: &str, size: u64) -> Result<(), StoreError> {
    db.execute(
        "INSERT OR IGNORE INTO case_file (\"case\", path, sha256, size, added_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![existing(db, change.name)?, path, sha256, i64::try_from(size).unwrap_or(i64::MAX), nanos(change.at)],
    )?;
    note_down(db, change, "case file", &[], json!({"path": path, "sha256": sha256, "size": size}))
}

/// Puts a change of a case into the record.
fn note_down(db: &Connection, change: &Change<'_>, command: &str, events: &[i64], arguments: Value) -> Result<(), StoreError> {
    let items = std::iter::once(format!("case {}", change.name)).chain(events.iter().map(|id| format!("event {id}"))).collect();
    let intent = Intent {
        actor: change.actor.into(),
        connection: String::new(),
        command: command.into(),
        arguments: if let Value::Object(arguments) = arguments { arguments } else { Map::new() },
        items,
        effect: Effect::Write,
    };
    record(db, &intent, "Successful", &Value::Null, change.at)?;
    Ok(())
}

fn files(db: &Connection, case: i64) -> Result<Vec<CaseFile>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT path, sha256, size, added_at FROM case_file WHERE \"case\" = ?1 ORDER BY added_at, path")?;
    let files = statement.query_map([case], |row| {
        let size = u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
        Ok(CaseFile { path: row.get(0)?, sha256: row.get(1)?, size, added_at: moment(row.get(3)?) })
    })?;
    Ok(files.collect::<Result<_, _>>()?)
}

/// What was done and written on a case and on its events, in order of time.
fn entries(db: &Connection, case: i64, record: &[AuditEntry]) -> Result<Vec<Happened>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT time, actor, text, NULL FROM case_entry WHERE \"case\" = ?1
         UNION ALL SELECT note.time, note.actor, note.text, note.event FROM note JOIN case_event USING (event) WHERE case_event.\"case\" = ?1",
    )?;
    let notes = statement.query_map([case], |row| {
        let (text, event): (String, Option<i64>) = (row.get(2)?, row.get(3)?);
        let text = event.map_or_else(|| text.clone(), |id| format!("{text} (event {id})"));
        Ok(Happened { time: moment(row.get(0)?), kind: HappenedKind::Note, actor: row.get(1)?, text })
    })?;
    let mut all: Vec<Happened> = notes.collect::<Result<_, _>>()?;
    // Notes have been told already.
    let told = |entry: &&AuditEntry| !matches!(entry.command.as_str(), "case note" | "event note");
    all.extend(record.iter().filter(told).map(|entry| Happened {
        time: entry.time,
        kind: HappenedKind::Recorded,
        actor: entry.actor.clone(),
        text: line_of(entry),
    }));
    all.sort_by_key(|one| one.time);
    Ok(all)
}

/// An entry of the record in a line: what, where, how it ended, and on which events.
fn line_of(entry: &AuditEntry) -> String {
    let place = entry.connection.as_ref().map_or_else(String::new, |name| format!(" on {name}"));
    let state = if entry.state == INTENT { "its end is unknown" } else { &entry.state };
    let events: Vec<&String> = entry.items.iter().filter(|item| item.starts_with("event ")).collect();
    let about = match events.as_slice() {
        [] => String::new(),
        [only] => format!(" ({only})"),
        several => format!(" ({} events)", several.len()),
    };
    format!("{}{place}: {state}{about}", entry.command)
}
