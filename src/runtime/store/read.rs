//! Reading events: whole ones for the command line and the detail pane, light rows for the queue.

use jiff::Timestamp;
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension, Row as Record, params_from_iter};
use serde::de::DeserializeOwned;

use super::sql::{self, MOVED};
use super::{Store, StoreError, limit_of, moment};
use crate::core::event::{Disposition, Event, Severity, SeverityOrigin, Status, StoredEvent};
use crate::core::query::Query;

/// Columns of a whole event, in the order that [`whole`] reads them.
const WHOLE: &str = "event.id, event.connection, event.vendor, event.event_type, event.key, event.title, event.severity, event.severity_origin,
    event.vendor_severity, event.vendor_status, event.vendor_assignee, event.occurred_at, event.updated_at, event.first_seen_at, event.fields,
    event.entities, event.revisions, event.unread, event.status, event.assignee, event.disposition, payload.raw,
    (SELECT json_group_array(c.name) FROM case_event JOIN \"case\" AS c ON c.id = case_event.\"case\" WHERE case_event.event = event.id),
    event.vendor_means";

impl Store {
    /// Events that a query finds, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events(&self, query: &Query, limit: Option<usize>, offset: usize, now: Timestamp) -> Result<Vec<StoredEvent>, StoreError> {
        let query = query.clone();
        self.search(move |db| {
            let mut condition = sql::condition(db, &query, now)?;
            condition.values.extend([Value::from(limit_of(limit)), Value::from(limit_of(Some(offset)))]);
            let sql = format!(
                "SELECT {WHOLE}, {MOVED} FROM event JOIN payload ON payload.event = event.id WHERE {}
                 ORDER BY event.occurred_at DESC, event.id DESC LIMIT ? OFFSET ?",
                condition.sql
            );
            let mut statement = db.prepare(&sql)?;
            let rows = statement.query_map(params_from_iter(condition.values), whole)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The ids of the events that a query finds, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn event_ids(&self, query: &Query, limit: Option<usize>, offset: usize, now: Timestamp) -> Result<Vec<i64>, StoreError> {
        let query = query.clone();
        self.search(move |db| {
            let mut condition = sql::condition(db, &query, now)?;
            condition.values.extend([Value::from(limit_of(limit)), Value::from(limit_of(Some(offset)))]);
            let sql = format!(
                "SELECT event.id FROM event WHERE {} ORDER BY event.occurred_at DESC, event.id DESC LIMIT ? OFFSET ?",
                condition.sql
            );
            let mut statement = db.prepare(&sql)?;
            let ids = statement.query_map(params_from_iter(condition.values), |row| row.get(0))?;
            Ok(ids.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The events of these ids in their order, without those that are not there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events_of(&self, ids: Vec<i64>) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(move |db| ids.into_iter().filter_map(|id| one(db, id).transpose()).collect()).await
    }

    /// How many events a query finds.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count(&self, query: &Query, now: Timestamp) -> Result<usize, StoreError> {
        let query = query.clone();
        self.tally(move |db| {
            let condition = sql::condition(db, &query, now)?;
            // The database does not know how few are open.
            let index = if condition.sql == sql::OPEN { "INDEXED BY event_open" } else { "" };
            let sql = format!("SELECT count(*) FROM event {index} WHERE {}", condition.sql);
            let count: i64 = db.query_row(&sql, params_from_iter(condition.values), |row| row.get(0))?;
            Ok(usize::try_from(count).unwrap_or(usize::MAX))
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

/// One event.
pub(super) fn one(db: &Connection, id: i64) -> Result<Option<StoredEvent>, StoreError> {
    let sql = format!("SELECT {WHOLE}, {MOVED} FROM event JOIN payload ON payload.event = event.id WHERE event.id = ?1");
    Ok(db.prepare_cached(&sql)?.query_row([id], whole).optional()?)
}

fn whole(row: &Record<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        id: row.get(0)?,
        connection: row.get(1)?,
        vendor: row.get(2)?,
        event: Event {
            event_type: row.get(3)?,
            key: row.get(4)?,
            title: row.get(5)?,
            severity: severity(row.get(6)?),
            severity_origin: origin(&row.get::<_, String>(7)?),
            vendor_severity: row.get(8)?,
            vendor_status: row.get(9)?,
            vendor_means: row.get::<_, Option<u8>>(23)?.map(status),
            assignee: row.get(10)?,
            occurred_at: moment(row.get(11)?),
            updated_at: row.get::<_, Option<i64>>(12)?.map(moment),
            fields: json(row, 14)?,
            entities: json(row, 15)?,
            raw: json(row, 21)?,
        },
        first_seen_at: moment(row.get(13)?),
        revisions: row.get(16)?,
        unread: row.get(17)?,
        status: status(row.get(18)?),
        taken_by: row.get(19)?,
        disposition: row.get::<_, Option<String>>(20)?.as_deref().and_then(Disposition::parse),
        cases: json(row, 22)?,
        vendor_moved: row.get(24)?,
    })
}

/// A column that holds JSON; its depth was bounded before it was stored.
pub(super) fn json<T: DeserializeOwned>(row: &Record<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    T::deserialize(&mut reader).map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

pub(super) fn severity(rank: u8) -> Severity {
    Severity::ALL.iter().find(|(_, severity)| severity.rank() == rank).map(|(_, severity)| *severity).unwrap_or_default()
}

pub(super) fn status(number: u8) -> Status {
    Status::ALL.iter().find(|(_, status)| *status as u8 == number).map(|(_, status)| *status).unwrap_or_default()
}

pub(super) fn origin(name: &str) -> SeverityOrigin {
    serde_json::from_value(serde_json::Value::from(name)).unwrap_or_default()
}
