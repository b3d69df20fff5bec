//! Light rows for the queue, and what the console counts over them: groups, arrivals, likeness.

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, Row as Record, params, params_from_iter};

use super::read::{origin, severity, status};
use super::sql::{self, MOVED};
use super::{Store, StoreError, limit_of, moment, nanos};
use crate::core::event::{Disposition, Severity, SeverityOrigin};
use crate::core::listing::{Column, Grouping, Listed, NO_ENTITY, Order, Which};
use crate::core::query::Query;

/// The order as SQL; equal ones stand newest first.
pub(super) fn order_by(order: Order) -> String {
    let column = match order.column {
        Column::Age => "event.occurred_at",
        Column::Seen => "event.first_seen_at",
        Column::Severity => "event.severity",
        Column::Status => "event.status",
        Column::Vendor => "event.vendor",
        Column::Connection => "event.connection",
        Column::EventType => "event.event_type",
        Column::Title => "event.title COLLATE NOCASE",
    };
    match (order.column, order.descending) {
        (Column::Age, true) => "event.occurred_at DESC, event.id DESC".into(),
        (Column::Age, false) => "event.occurred_at, event.id".into(),
        (_, true) => format!("{column} DESC, event.occurred_at DESC, event.id DESC"),
        (_, false) => format!("{column}, event.occurred_at DESC, event.id DESC"),
    }
}

/// What a grouping tells events apart by.
fn column(grouping: Grouping) -> &'static str {
    match grouping {
        Grouping::Rule => "event.rule",
        Grouping::Entity => "coalesce(event.entity_value, '')",
        Grouping::Vendor => "event.vendor",
        Grouping::EventType => "event.event_type",
        Grouping::Severity => "event.severity",
        Grouping::Connection => "event.connection",
    }
}

/// The columns of the index that a grouping is counted by.
fn counted_by(grouping: Grouping) -> &'static str {
    match grouping {
        Grouping::Vendor => "event.vendor",
        Grouping::EventType => "event.vendor, event.event_type",
        Grouping::Rule => "event.vendor, event.event_type, event.rule",
        Grouping::Connection => "event.vendor, event.event_type, event.rule, event.connection",
        Grouping::Entity | Grouping::Severity => column(grouping),
    }
}

/// A group's name as its column holds it.
fn key(grouping: Grouping, name: &str) -> Value {
    match grouping {
        Grouping::Severity => Value::from(i64::from(Severity::parse(name).unwrap_or_default().rank())),
        Grouping::Entity if name == NO_ENTITY => Value::from(String::new()),
        _ => Value::from(name.to_owned()),
    }
}

/// A condition that finds only those that are meant.
fn among(which: &Which, mut condition: sql::Condition) -> sql::Condition {
    match which {
        Which::All => {}
        Which::Like(id) => {
            let like = "(event.vendor, event.event_type, event.rule) = (SELECT vendor, event_type, rule FROM event WHERE id = ?)";
            condition.sql = format!("({}) AND {like} AND (event.status <> 2 OR event.id = ?)", condition.sql);
            condition.values.extend([Value::from(*id), Value::from(*id)]);
        }
        Which::Group(grouping, name) => {
            condition.sql = format!("({}) AND {} = ?", condition.sql, column(*grouping));
            condition.values.push(key(*grouping, name));
        }
    }
    condition
}

/// Columns of a row, in the order that [`light`] reads them.
const LIGHT: &str = "event.id, event.connection, event.vendor, event.event_type, event.key, event.title, event.rule, event.severity,
    event.severity_origin, event.status, event.vendor_status, event.occurred_at, coalesce(event.assignee, event.vendor_assignee),
    event.disposition, event.entity_value, event.unread, event.revisions, event.vendor_means";

impl Store {
    /// Rows of the events that a query finds, in an order.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rows(
        &self,
        query: &Query,
        order: Order,
        limit: Option<usize>,
        offset: usize,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        let query = query.clone();
        self.search(move |db| {
            let mut condition = sql::condition(db, &query, now)?;
            condition.values.extend([Value::from(limit_of(limit)), Value::from(limit_of(Some(offset)))]);
            rows(db, &format!("WHERE {} ORDER BY {} LIMIT ? OFFSET ?", condition.sql, order_by(order)), condition.values)
        })
        .await
    }

    /// Rows of some of the events that a query finds, in an order.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rows_within(
        &self,
        query: &Query,
        which: Which,
        order: Order,
        limit: Option<usize>,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        let query = query.clone();
        self.search(move |db| {
            let mut condition = among(&which, sql::condition(db, &query, now)?);
            condition.values.push(Value::from(limit_of(limit)));
            rows(db, &format!("WHERE {} ORDER BY {} LIMIT ?", condition.sql, order_by(order)), condition.values)
        })
        .await
    }

    /// The ids of some of the events that a query finds, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ids_within(&self, query: &Query, which: Which, now: Timestamp) -> Result<Vec<i64>, StoreError> {
        let query = query.clone();
        self.search(move |db| {
            let condition = among(&which, sql::condition(db, &query, now)?);
            let sql = format!("SELECT event.id FROM event WHERE {} ORDER BY {}", condition.sql, order_by(Order::default()));
            let mut statement = db.prepare(&sql)?;
            Ok(statement.query_map(params_from_iter(condition.values), |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The groups of the events that a query finds with how many each has, the largest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn groups(&self, query: &Query, by: Grouping, limit: usize, now: Timestamp) -> Result<Vec<(String, usize)>, StoreError> {
        let query = query.clone();
        self.tally(move |db| {
            let condition = sql::condition(db, &query, now)?;
            let (column, order) = (column(by), counted_by(by));
            // An index has the parts in this order, so that counting them needs nothing else.
            let sql = format!(
                "SELECT value, sum(part) FROM (SELECT {column} AS value, count(*) AS part FROM event WHERE {} GROUP BY {order})
                 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {limit}",
                condition.sql
            );
            let mut statement = db.prepare(&sql)?;
            let groups = statement.query_map(params_from_iter(condition.values), |row| {
                let name = match by {
                    Grouping::Severity => severity(row.get(0)?).as_str().to_owned(),
                    _ => row.get(0)?,
                };
                Ok((if by == Grouping::Entity && name.is_empty() { NO_ENTITY.to_owned() } else { name }, size(row, 1)?))
            })?;
            Ok(groups.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// How many of the events that a query finds happened in each of so many equal parts of the last 24 hours, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn arrivals(&self, query: &Query, buckets: usize, now: Timestamp) -> Result<Vec<u64>, StoreError> {
        let query = query.clone();
        self.tally(move |db| {
            let condition = sql::condition(db, &query, now)?;
            let mut counts = vec![0; buckets];
            let day = SignedDuration::from_hours(24);
            let start = nanos(now.checked_sub(day).unwrap_or(Timestamp::MIN));
            let part = i64::try_from(day.as_nanos()).unwrap_or(i64::MAX) / i64::try_from(buckets.max(1)).unwrap_or(1);
            let sql = format!(
                "SELECT (event.occurred_at - {start}) / {}, count(*) FROM event
                 WHERE event.occurred_at >= {start} AND event.occurred_at < {} AND ({}) GROUP BY 1",
                part.max(1),
                nanos(now),
                condition.sql
            );
            let mut statement = db.prepare(&sql)?;
            let mut found = statement.query(params_from_iter(condition.values))?;
            while let Some(row) = found.next()? {
                if let Some(count) = counts.get_mut(size(row, 0)?) {
                    *count = u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default();
                }
            }
            Ok(counts)
        })
        .await
    }

    /// How many other events are of the same vendor, type and rule.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn alike(&self, id: i64) -> Result<usize, StoreError> {
        self.search(move |db| {
            let mut statement = db.prepare_cached(
                "SELECT count(*) FROM event AS this JOIN event AS other USING (vendor, event_type, rule) WHERE this.id = ?1 AND other.id <> ?1",
            )?;
            Ok(statement.query_row([id], |row| size(row, 0))?)
        })
        .await
    }
}

pub(super) fn rows(db: &Connection, rest: &str, values: Vec<Value>) -> Result<Vec<Listed>, StoreError> {
    let mut statement = db.prepare(&format!("SELECT {LIGHT}, {MOVED} FROM event {rest}"))?;
    Ok(statement.query_map(params_from_iter(values), light)?.collect::<Result<_, _>>()?)
}

/// The rows of these events, in order of time.
pub(super) fn rows_of_case(db: &Connection, case: i64) -> Result<Vec<Listed>, StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {LIGHT}, {MOVED} FROM event JOIN case_event ON case_event.event = event.id WHERE case_event.\"case\" = ?1 ORDER BY event.occurred_at, event.id"
    ))?;
    Ok(statement.query_map(params![case], light)?.collect::<Result<_, _>>()?)
}

pub(super) fn size(row: &Record<'_>, column: usize) -> rusqlite::Result<usize> {
    Ok(usize::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}

fn light(row: &Record<'_>) -> rusqlite::Result<Listed> {
    Ok(Listed {
        id: row.get(0)?,
        connection: row.get(1)?,
        vendor: row.get(2)?,
        event_type: row.get(3)?,
        key: row.get(4)?,
        title: row.get(5)?,
        rule: row.get(6)?,
        severity: severity(row.get(7)?),
        derived: origin(&row.get::<_, String>(8)?) == SeverityOrigin::Derived,
        status: status(row.get(9)?),
        vendor_status: row.get(10)?,
        occurred_at: moment(row.get(11)?),
        taken_by: row.get(12)?,
        disposition: row.get::<_, Option<String>>(13)?.as_deref().and_then(Disposition::parse),
        entity: row.get::<_, Option<String>>(14)?.unwrap_or_default(),
        unread: row.get(15)?,
        revisions: row.get(16)?,
        vendor_means: row.get::<_, Option<u8>>(17)?.map(status),
        vendor_moved: row.get(18)?,
    })
}
