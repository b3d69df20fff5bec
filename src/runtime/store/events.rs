//! Writing events: new, revised or unchanged, by the hash of what the vendor sent.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::{Store, StoreError, nanos};
use crate::core::catalogue::Page;
use crate::core::entity::{Entity, EntityKind, lookups};
use crate::core::event::Event;
use crate::core::listing::rule;
use crate::core::search::{haystack, texts};
use crate::core::talk::Counts;

impl Store {
    /// Commits a page: its events, the place to go on from, and the stretch it completes, together or not at all.
    ///
    /// # Errors
    /// When the store fails; nothing of the page is kept then.
    pub async fn commit_page(&self, connection: &str, vendor: &str, source: &str, page: Page, at: Timestamp) -> Result<Counts, StoreError> {
        let (connection, vendor, source) = (connection.to_owned(), vendor.to_owned(), source.to_owned());
        self.change(move |db| {
            let counts = put_all(db, &connection, &vendor, &page.events, at)?;
            super::fetched::advance(db, &connection, &source, &page)?;
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
        self.change(move |db| put_all(db, &connection, &vendor, &events, at)).await
    }
}

fn put_all(db: &Connection, connection: &str, vendor: &str, events: &[Event], at: Timestamp) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    for event in events {
        put(db, connection, vendor, event, at, &mut counts)?;
    }
    Ok(counts)
}

fn put(db: &Connection, connection: &str, vendor: &str, event: &Event, at: Timestamp, counts: &mut Counts) -> Result<(), StoreError> {
    let raw = event.raw.to_string();
    let hash = Sha256::digest(raw.as_bytes()).to_vec();
    let main = main_entity(event);
    let known: Option<(i64, Vec<u8>, i64)> = db
        .prepare_cached("SELECT id, payload_hash, revisions FROM event WHERE connection = ?1 AND event_type = ?2 AND key = ?3")?
        .query_row(params![connection, event.event_type, event.key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    if let Some((id, known, _)) = &known
        && *known == hash
    {
        counts.unchanged += 1;
        // What the vendor was told to set gives way to what it says.
        db.prepare_cached(
            "UPDATE event SET vendor_status = ?2, vendor_means = ?3 WHERE id = ?1 AND (vendor_status IS NOT ?2 OR vendor_means IS NOT ?3)",
        )?
        .execute(params![id, event.vendor_status, event.vendor_means.map(|status| status as u8)])?;
        return Ok(());
    }
    match known {
        Some((id, _, revisions)) => {
            counts.updated += 1;
            db.prepare_cached(
                "INSERT INTO revision (event, number, seen_at, raw) SELECT event, ?2, ?3, raw FROM payload WHERE event = ?1",
            )?
            .execute(params![id, revisions, nanos(at)])?;
            db.prepare_cached("DELETE FROM entity WHERE event = ?1")?.execute([id])?;
        }
        None => counts.new += 1,
    }
    let id: i64 = db
        .prepare_cached(
            "INSERT INTO event (connection, vendor, event_type, key, title, severity, severity_origin, vendor_severity, vendor_status,
             vendor_assignee, occurred_at, updated_at, first_seen_at, payload_hash, fields, entities, words, rule, entity_kind, entity_value, vendor_means)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
             ON CONFLICT (connection, event_type, key) DO UPDATE SET title = excluded.title, severity = excluded.severity,
             severity_origin = excluded.severity_origin, vendor_severity = excluded.vendor_severity, vendor_status = excluded.vendor_status,
             vendor_assignee = excluded.vendor_assignee, occurred_at = excluded.occurred_at, updated_at = excluded.updated_at,
             payload_hash = excluded.payload_hash, fields = excluded.fields, entities = excluded.entities, words = excluded.words,
             rule = excluded.rule, entity_kind = excluded.entity_kind, entity_value = excluded.entity_value,
             vendor_means = excluded.vendor_means, revisions = revisions + 1, unread = 1
             RETURNING id",
        )?
        .query_row(
            params![
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
                nanos(event.occurred_at),
                event.updated_at.map(nanos),
                nanos(at),
                hash,
                fields(event),
                entities(event)?,
                haystack(texts(event)),
                rule(event),
                main.map(|entity| entity.kind.as_str()),
                main.map(|entity| &entity.value),
                event.vendor_means.map(|status| status as u8),
            ],
            |row| row.get(0),
        )?;
    db.prepare_cached("INSERT INTO payload (event, raw) VALUES (?1, ?2) ON CONFLICT (event) DO UPDATE SET raw = excluded.raw")?
        .execute(params![id, raw])?;
    index(db, id, event)
}

/// Puts an event's entities where a pivot finds them.
fn index(db: &Connection, id: i64, event: &Event) -> Result<(), StoreError> {
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO entity (kind, normal, event) VALUES (?1, ?2, ?3)")?;
    for entity in &event.entities {
        for (kind, normal) in lookups(entity.kind, &entity.value) {
            insert.execute(params![kind.as_str(), normal, id])?;
        }
    }
    super::same_file::learn(db, id, &event.raw)
}

/// The entity that stands for an event in a list: who, else where, else what.
fn main_entity(event: &Event) -> Option<&Entity> {
    const ORDER: [EntityKind; 8] = [
        EntityKind::User,
        EntityKind::Mail,
        EntityKind::Host,
        EntityKind::CloudResource,
        EntityKind::Device,
        EntityKind::Ip,
        EntityKind::Hash,
        EntityKind::Domain,
    ];
    let place = |entity: &&Entity| ORDER.iter().position(|kind| *kind == entity.kind).unwrap_or(ORDER.len());
    event.entities.iter().min_by_key(place)
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
