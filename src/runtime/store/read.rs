//! Reading events: whole ones for the command line and the detail, light rows for the queue.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params_from_iter};

use super::sql::condition;
use super::{Store, StoreError, moment};
use crate::core::event::{Disposition, Event, Severity, SeverityOrigin, Status, StoredEvent};
use crate::core::query::Query;

const COLUMNS: &str =
    "id, connection, vendor, event_type, key, title, severity, severity_origin, vendor_severity, vendor_status, vendor_assignee,
    occurred_at, updated_at, first_seen_at, fields, entities, raw, revisions, unread, status, assignee, disposition,
    (SELECT json_group_array(c.name) FROM case_event AS ce JOIN \"case\" AS c ON c.id = ce.\"case\" WHERE ce.event = event.id)";

impl Store {
    /// Events that match a query, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events(&self, query: &Query, limit: Option<usize>, offset: usize, now: Timestamp) -> Result<Vec<StoredEvent>, StoreError> {
        let condition = condition(query, now);
        self.read(move |db| {
            let sql = format!("SELECT {COLUMNS} FROM event WHERE {} ORDER BY occurred_at DESC, id DESC LIMIT ? OFFSET ?", condition.sql);
            let mut values = condition.values;
            values.push(Value::Integer(limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX))));
            values.push(Value::Integer(i64::try_from(offset).unwrap_or(i64::MAX)));
            let mut statement = db.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(values), raw_row)?;
            rows.map(|row| whole(row?)).collect()
        })
        .await
    }

    /// How many events match a query.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count(&self, query: &Query, now: Timestamp) -> Result<usize, StoreError> {
        let condition = condition(query, now);
        self.read(move |db| {
            let sql = format!("SELECT count(*) FROM event WHERE {}", condition.sql);
            let count: i64 = db.prepare_cached(&sql)?.query_row(params_from_iter(condition.values), |row| row.get(0))?;
            Ok(usize::try_from(count).unwrap_or(0))
        })
        .await
    }

    /// One event.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn event(&self, id: i64) -> Result<Option<StoredEvent>, StoreError> {
        self.read(move |db| one(db, id)).await
    }
}

pub(super) fn one(db: &Connection, id: i64) -> Result<Option<StoredEvent>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM event WHERE id = ?1");
    let row = db.prepare_cached(&sql)?.query_row([id], raw_row).optional()?;
    row.map(whole).transpose()
}

/// A row with its JSON still as text.
struct Unread {
    event: StoredEvent,
    fields: String,
    entities: String,
    record: String,
    cases: String,
}

fn raw_row(row: &SqlRow<'_>) -> rusqlite::Result<Unread> {
    let origin: String = row.get(7)?;
    let disposition: Option<String> = row.get(21)?;
    let event = Event {
        event_type: row.get(3)?,
        key: row.get(4)?,
        title: row.get(5)?,
        severity: severity(row.get(6)?),
        severity_origin: severity_origin(&origin),
        vendor_severity: row.get(8)?,
        vendor_status: row.get(9)?,
        assignee: row.get(10)?,
        occurred_at: moment(row.get(11)?),
        updated_at: row.get::<_, Option<i64>>(12)?.map(moment),
        ..Event::default()
    };
    let stored = StoredEvent {
        id: row.get(0)?,
        connection: row.get(1)?,
        vendor: row.get(2)?,
        event,
        first_seen_at: moment(row.get(13)?),
        status: status(row.get(19)?),
        taken_by: row.get(20)?,
        disposition: disposition.as_deref().and_then(Disposition::parse),
        revisions: row.get(17)?,
        unread: row.get(18)?,
        cases: Vec::new(),
    };
    Ok(Unread { event: stored, fields: row.get(14)?, entities: row.get(15)?, record: row.get(16)?, cases: row.get(22)? })
}

fn whole(row: Unread) -> Result<StoredEvent, StoreError> {
    let id = row.event.id;
    let damaged = |error: serde_json::Error| StoreError::Damaged(format!("event {id}: {error}"));
    let mut stored = row.event;
    stored.event.fields = serde_json::from_str(&row.fields).map_err(damaged)?;
    stored.event.entities = serde_json::from_str(&row.entities).map_err(damaged)?;
    stored.event.raw = serde_json::from_str(&row.record).map_err(damaged)?;
    stored.cases = serde_json::from_str(&row.cases).map_err(damaged)?;
    Ok(stored)
}

pub(super) fn severity(rank: u8) -> Severity {
    Severity::ALL.iter().map(|(_, severity)| *severity).find(|severity| severity.rank() == rank).unwrap_or_default()
}

pub(super) fn severity_origin(name: &str) -> SeverityOrigin {
    match name {
        "vendor" => SeverityOrigin::Vendor,
        "derived" => SeverityOrigin::Derived,
        _ => SeverityOrigin::None,
    }
}

pub(super) fn status(number: i64) -> Status {
    Status::ALL.iter().map(|(_, status)| *status).find(|status| *status as i64 == number).unwrap_or_default()
}
