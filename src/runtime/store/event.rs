//! Writing events: new, revised or unchanged, by the hash of what the vendor sent.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use super::{Store, StoreError, micros};
use crate::core::catalogue::Page;
use crate::core::entity::lookups;
use crate::core::event::Event;
use crate::core::mapping::scalar;
use crate::core::talk::Counts;

impl Store {
    /// Commits a page: its events, the place to go on from, and the stretch it completes, together or not at all.
    ///
    /// # Errors
    /// When the store fails; nothing of the page is kept then.
    pub async fn commit_page(&self, connection: &str, vendor: &str, source: &str, page: Page, at: Timestamp) -> Result<Counts, StoreError> {
        let (connection, vendor, source) = (connection.to_owned(), vendor.to_owned(), source.to_owned());
        self.write(move |db| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let counts = put_all(&transaction, &connection, &vendor, &page.events, at)?;
            super::fetched::advance(&transaction, &connection, &source, &page)?;
            transaction.commit()?;
            Ok(counts)
        })
        .await
    }

    /// Stores events that a command brought, without touching any watermark.
    ///
    /// # Errors
    /// When the store fails; none is kept then.
    pub async fn store_events(&self, connection: &str, vendor: &str, events: Vec<Event>, at: Timestamp) -> Result<Counts, StoreError> {
        let (connection, vendor) = (connection.to_owned(), vendor.to_owned());
        self.write(move |db| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let counts = put_all(&transaction, &connection, &vendor, &events, at)?;
            transaction.commit()?;
            Ok(counts)
        })
        .await
    }
}

fn put_all(transaction: &Transaction<'_>, connection: &str, vendor: &str, events: &[Event], at: Timestamp) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    for event in events {
        put(transaction, connection, vendor, event, at, &mut counts)?;
    }
    Ok(counts)
}

fn put(db: &Connection, connection: &str, vendor: &str, event: &Event, at: Timestamp, counts: &mut Counts) -> Result<(), StoreError> {
    let raw = event.raw.to_string();
    let hash = Sha256::digest(raw.as_bytes()).to_vec();
    let known: Option<(i64, Vec<u8>, i64)> = db
        .prepare_cached("SELECT id, payload_hash, revisions FROM event WHERE connection = ?1 AND event_type = ?2 AND key = ?3")?
        .query_row(params![connection, event.event_type, event.key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match known {
        Some((_, known, _)) if known == hash => {
            counts.unchanged += 1;
            Ok(())
        }
        Some((id, _, revisions)) => {
            counts.updated += 1;
            db.prepare_cached("INSERT INTO revision (event, number, seen_at, raw) SELECT id, ?2, ?3, raw FROM event WHERE id = ?1")?
                .execute(params![id, revisions, micros(at)])?;
            db.prepare_cached(
                "UPDATE event SET title = ?2, severity = ?3, severity_origin = ?4, vendor_severity = ?5, vendor_status = ?6, vendor_assignee = ?7,
                 occurred_at = ?8, updated_at = ?9, payload_hash = ?10, fields = ?11, entities = ?12, raw = ?13, revisions = revisions + 1, unread = 1
                 WHERE id = ?1",
            )?
            .execute(params![
                id,
                event.title,
                event.severity.rank(),
                origin(event),
                event.vendor_severity,
                event.vendor_status,
                event.assignee,
                micros(event.occurred_at),
                event.updated_at.map(micros),
                hash,
                fields(event),
                entities(event)?,
                raw,
            ])?;
            db.prepare_cached("DELETE FROM entity WHERE event = ?1")?.execute([id])?;
            db.prepare_cached("DELETE FROM search WHERE rowid = ?1")?.execute([id])?;
            index(db, id, event)
        }
        None => {
            counts.new += 1;
            db.prepare_cached(
                "INSERT INTO event (connection, vendor, event_type, key, title, severity, severity_origin, vendor_severity, vendor_status,
                 vendor_assignee, occurred_at, updated_at, first_seen_at, payload_hash, fields, entities, raw)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            )?
            .execute(params![
                connection,
                vendor,
                event.event_type,
                event.key,
                event.title,
                event.severity.rank(),
                origin(event),
                event.vendor_severity,
                event.vendor_status,
                event.assignee,
                micros(event.occurred_at),
                event.updated_at.map(micros),
                micros(at),
                hash,
                fields(event),
                entities(event)?,
                raw,
            ])?;
            index(db, db.last_insert_rowid(), event)
        }
    }
}

/// Puts an event's entities and words where a look-up finds them.
fn index(db: &Connection, id: i64, event: &Event) -> Result<(), StoreError> {
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO entity (kind, normal, event) VALUES (?1, ?2, ?3)")?;
    let mut content = event.title.clone();
    for entity in &event.entities {
        for (kind, normal) in lookups(entity.kind, &entity.value) {
            insert.execute(params![kind.as_str(), normal, id])?;
        }
        content.push('\n');
        content.push_str(&entity.value);
    }
    for value in event.fields.values() {
        content.push('\n');
        content.push_str(&scalar(value).unwrap_or_else(|| value.to_string()));
    }
    db.prepare_cached("INSERT INTO search (rowid, content) VALUES (?1, ?2)")?.execute(params![id, content])?;
    Ok(())
}

fn origin(event: &Event) -> String {
    serde_json::to_value(event.severity_origin).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn fields(event: &Event) -> String {
    serde_json::Value::from(event.fields.clone()).to_string()
}

fn entities(event: &Event) -> Result<String, StoreError> {
    serde_json::to_string(&event.entities).map_err(|error| StoreError::Damaged(error.to_string()))
}
