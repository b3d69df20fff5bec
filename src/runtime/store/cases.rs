//! Cases: events that belong together, with notes, files and a timeline. What is done to a case stands in the record.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value, json};

use super::audit::{Intent, record};
use super::rows::{Row, rows_of_case, size};
use super::triage::{Happened, HappenedKind, recorded};
use super::{Store, StoreError, moment, nanos};
use crate::core::catalogue::Effect;

/// A case as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name, by which it is called.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// Whether it is open.
    pub open: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// How many events it has.
    pub events: usize,
}

/// A file of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFile {
    /// Where it lies.
    pub path: String,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was added.
    pub added_at: Timestamp,
}

/// A case with all that belongs to it.
#[derive(Clone, Debug)]
pub struct WholeCase {
    /// The case.
    pub case: Case,
    /// Its events, in order of time.
    pub events: Vec<Row>,
    /// Its files.
    pub files: Vec<CaseFile>,
    /// What was done and written, in order of time.
    pub entries: Vec<Happened>,
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
        self.read(move |db| {
            let found = db.prepare_cached(&format!("{CASE} WHERE name = ?1"))?.query_row([&name], case).optional()?;
            let (Some(case), Some(id)) = (found, id_of(db, &name)?) else { return Ok(None) };
            Ok(Some(WholeCase { case, events: rows_of_case(db, id)?, files: files(db, id)?, entries: entries(db, id, &name)? }))
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
        self.change(move |db| {
            db.execute(
                "INSERT OR IGNORE INTO case_file (\"case\", path, sha256, size, added_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![existing(db, &name)?, path, sha256, i64::try_from(size).unwrap_or(i64::MAX), nanos(at)],
            )?;
            let file = json!({"path": path, "sha256": sha256, "size": size});
            note_down(db, &Change { name: &name, actor: &actor, at }, "case file", &[], file)
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
        self.read(move |db| {
            let id = existing(db, &name)?;
            let mut all = entries(db, id, &name)?;
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

/// What was done to a case and written on it.
fn entries(db: &Connection, case: i64, name: &str) -> Result<Vec<Happened>, StoreError> {
    let mut statement = db.prepare_cached("SELECT time, actor, text FROM case_entry WHERE \"case\" = ?1 ORDER BY id")?;
    let notes = statement.query_map([case], |row| {
        Ok(Happened { time: moment(row.get(0)?), kind: HappenedKind::Note, actor: row.get(1)?, text: row.get(2)? })
    })?;
    let mut all: Vec<Happened> = notes.collect::<Result<_, _>>()?;
    all.extend(recorded(db, &format!("case {name}"))?);
    all.sort_by_key(|one| one.time);
    Ok(all)
}
