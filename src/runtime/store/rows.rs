//! Light rows for the queue, and what the console counts over them: groups, arrivals, likeness.

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, Row as Record, params, params_from_iter};

use super::read::{json, origin, severity, status};
use super::sql::{self, MOVED};
use super::{Store, StoreError, limit_of, moment, nanos};
use crate::core::entity::{Entity, EntityKind};
use crate::core::event::{Disposition, Severity, SeverityOrigin, Status};
use crate::core::query::Query;

/// An event as a list shows it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its number in this store.
    pub id: i64,
    /// Connection that brought it.
    pub connection: String,
    /// Vendor of that connection.
    pub vendor: String,
    /// The document's name of its event type.
    pub event_type: String,
    /// Its key.
    pub key: String,
    /// What it is.
    pub title: String,
    /// What makes events of its type alike.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// Who says so.
    pub severity_origin: SeverityOrigin,
    /// The analyst's status.
    pub status: Status,
    /// The vendor's status.
    pub vendor_status: Option<String>,
    /// What that means in ours.
    pub vendor_means: Option<Status>,
    /// Whether the vendor has moved since it was decided about here.
    pub vendor_moved: bool,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the vendor last changed it.
    pub updated_at: Option<Timestamp>,
    /// When it was first stored.
    pub first_seen_at: Timestamp,
    /// Who has it: here, else at the vendor.
    pub assignee: Option<String>,
    /// The analyst's verdict.
    pub disposition: Option<Disposition>,
    /// The entity that stands for it.
    pub main_entity: Option<Entity>,
    /// Whether it changed since somebody looked at it here.
    pub unread: bool,
    /// How many revisions the vendor has sent.
    pub revisions: u32,
    /// The cases it belongs to.
    pub cases: Vec<String>,
}

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// When it happened.
    #[default]
    Occurred,
    /// When it was first stored.
    FirstSeen,
    /// When the vendor last changed it.
    Updated,
    /// How bad it is.
    Severity,
    /// The analyst's status.
    Status,
    /// The vendor.
    Vendor,
    /// The connection.
    Connection,
    /// The event type.
    EventType,
    /// The title.
    Title,
}

/// The order of rows; equal ones stand newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub by: SortBy,
    /// From the greatest down.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { by: SortBy::Occurred, descending: true }
    }
}

impl Sort {
    pub(super) fn sql(self) -> String {
        let column = match self.by {
            SortBy::Occurred => "event.occurred_at",
            SortBy::FirstSeen => "event.first_seen_at",
            SortBy::Updated => "coalesce(event.updated_at, event.occurred_at)",
            SortBy::Severity => "event.severity",
            SortBy::Status => "event.status",
            SortBy::Vendor => "event.vendor",
            SortBy::Connection => "event.connection",
            SortBy::EventType => "event.event_type",
            SortBy::Title => "event.title COLLATE NOCASE",
        };
        match (self.by, self.descending) {
            (SortBy::Occurred, true) => "event.occurred_at DESC, event.id DESC".into(),
            (SortBy::Occurred, false) => "event.occurred_at, event.id".into(),
            (_, true) => format!("{column} DESC, event.occurred_at DESC, event.id DESC"),
            (_, false) => format!("{column}, event.occurred_at DESC, event.id DESC"),
        }
    }
}

/// What rows are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// What makes them alike.
    Rule,
    /// The entity that stands for them.
    Entity,
    /// The vendor.
    Vendor,
    /// The event type.
    EventType,
    /// How bad they are.
    Severity,
    /// The analyst's status.
    Status,
    /// The connection.
    Connection,
}

impl GroupBy {
    fn column(self) -> &'static str {
        match self {
            Self::Rule => "event.rule",
            Self::Entity => "coalesce(event.entity_value, '')",
            Self::Vendor => "event.vendor",
            Self::EventType => "event.event_type",
            Self::Severity => "event.severity",
            Self::Status => "event.status",
            Self::Connection => "event.connection",
        }
    }

    /// The columns of the index that the group is counted by.
    fn counted_by(self) -> &'static str {
        match self {
            Self::Vendor => "event.vendor",
            Self::EventType => "event.vendor, event.event_type",
            Self::Rule => "event.vendor, event.event_type, event.rule",
            Self::Connection => "event.vendor, event.event_type, event.rule, event.connection",
            Self::Entity | Self::Severity | Self::Status => self.column(),
        }
    }

    /// The value of a group as the column holds it.
    fn key(self, value: &str) -> Value {
        match self {
            Self::Severity => Value::from(i64::from(Severity::parse(value).unwrap_or_default().rank())),
            Self::Status => Value::from(Status::parse(value).unwrap_or_default() as i64),
            _ => Value::from(value.to_owned()),
        }
    }
}

/// Some of the events that a query finds.
#[derive(Clone, Debug)]
pub enum Within {
    /// All of them.
    All,
    /// Those of the vendor, type and rule of this one that are not closed, and this one.
    Like(i64),
    /// Those of a group.
    Group(GroupBy, String),
}

impl Within {
    /// A condition that finds only these.
    fn among(&self, mut condition: sql::Condition) -> sql::Condition {
        match self {
            Self::All => {}
            Self::Like(id) => {
                let like = "(event.vendor, event.event_type, event.rule) = (SELECT vendor, event_type, rule FROM event WHERE id = ?)";
                condition.sql = format!("({}) AND {like} AND (event.status <> 2 OR event.id = ?)", condition.sql);
                condition.values.extend([Value::from(*id), Value::from(*id)]);
            }
            Self::Group(by, value) => {
                condition.sql = format!("({}) AND {} = ?", condition.sql, by.column());
                condition.values.push(by.key(value));
            }
        }
        condition
    }
}

/// A group of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they share.
    pub value: String,
    /// How many there are.
    pub count: usize,
}

/// Columns of a row, in the order that [`light`] reads them.
const LIGHT: &str = "event.id, event.connection, event.vendor, event.event_type, event.key, event.title, event.rule, event.severity,
    event.severity_origin, event.status, event.vendor_status, event.occurred_at, event.updated_at, event.first_seen_at,
    coalesce(event.assignee, event.vendor_assignee), event.disposition, event.entity_kind, event.entity_value, event.unread, event.revisions,
    (SELECT json_group_array(c.name) FROM case_event JOIN \"case\" AS c ON c.id = case_event.\"case\" WHERE case_event.event = event.id),
    event.vendor_means";

impl Store {
    /// Rows of the events that a query finds, in an order.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rows(
        &self,
        query: &Query,
        sort: Sort,
        limit: Option<usize>,
        offset: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        let query = query.clone();
        self.search(move |db| {
            let mut condition = sql::condition(db, &query, now)?;
            condition.values.extend([Value::from(limit_of(limit)), Value::from(limit_of(Some(offset)))]);
            rows(db, &format!("WHERE {} ORDER BY {} LIMIT ? OFFSET ?", condition.sql, sort.sql()), condition.values)
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
        within: Within,
        sort: Sort,
        limit: Option<usize>,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        let query = query.clone();
        self.search(move |db| {
            let mut condition = within.among(sql::condition(db, &query, now)?);
            condition.values.push(Value::from(limit_of(limit)));
            rows(db, &format!("WHERE {} ORDER BY {} LIMIT ?", condition.sql, sort.sql()), condition.values)
        })
        .await
    }

    /// The ids of some of the events that a query finds, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ids_within(&self, query: &Query, within: Within, now: Timestamp) -> Result<Vec<i64>, StoreError> {
        let query = query.clone();
        self.search(move |db| {
            let condition = within.among(sql::condition(db, &query, now)?);
            let sql = format!("SELECT event.id FROM event WHERE {} ORDER BY {}", condition.sql, Sort::default().sql());
            let mut statement = db.prepare(&sql)?;
            Ok(statement.query_map(params_from_iter(condition.values), |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The groups of the events that a query finds, the largest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn groups(&self, query: &Query, by: GroupBy, limit: usize, now: Timestamp) -> Result<Vec<Group>, StoreError> {
        let query = query.clone();
        self.tally(move |db| {
            let condition = sql::condition(db, &query, now)?;
            let (column, order) = (by.column(), by.counted_by());
            // An index has the parts in this order, so that counting them needs nothing else.
            let sql = format!(
                "SELECT value, sum(part) FROM (SELECT {column} AS value, count(*) AS part FROM event WHERE {} GROUP BY {order})
                 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {limit}",
                condition.sql
            );
            let mut statement = db.prepare(&sql)?;
            let groups = statement.query_map(params_from_iter(condition.values), |row| {
                let value = match by {
                    GroupBy::Severity => severity(row.get(0)?).as_str().to_owned(),
                    GroupBy::Status => status(row.get(0)?).as_str().to_owned(),
                    _ => row.get(0)?,
                };
                Ok(Group { value, count: size(row, 1)? })
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

pub(super) fn rows(db: &Connection, rest: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
    let mut statement = db.prepare(&format!("SELECT {LIGHT}, {MOVED} FROM event {rest}"))?;
    Ok(statement.query_map(params_from_iter(values), light)?.collect::<Result<_, _>>()?)
}

/// The rows of these events, in order of time.
pub(super) fn rows_of_case(db: &Connection, case: i64) -> Result<Vec<Row>, StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {LIGHT}, {MOVED} FROM event JOIN case_event ON case_event.event = event.id WHERE case_event.\"case\" = ?1 ORDER BY event.occurred_at, event.id"
    ))?;
    Ok(statement.query_map(params![case], light)?.collect::<Result<_, _>>()?)
}

pub(super) fn size(row: &Record<'_>, column: usize) -> rusqlite::Result<usize> {
    Ok(usize::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}

fn light(row: &Record<'_>) -> rusqlite::Result<Row> {
    let kind: Option<String> = row.get(16)?;
    let value: Option<String> = row.get(17)?;
    let kind = kind.as_deref().and_then(EntityKind::parse);
    Ok(Row {
        id: row.get(0)?,
        connection: row.get(1)?,
        vendor: row.get(2)?,
        event_type: row.get(3)?,
        key: row.get(4)?,
        title: row.get(5)?,
        rule: row.get(6)?,
        severity: severity(row.get(7)?),
        severity_origin: origin(&row.get::<_, String>(8)?),
        status: status(row.get(9)?),
        vendor_status: row.get(10)?,
        occurred_at: moment(row.get(11)?),
        updated_at: row.get::<_, Option<i64>>(12)?.map(moment),
        first_seen_at: moment(row.get(13)?),
        assignee: row.get(14)?,
        disposition: row.get::<_, Option<String>>(15)?.as_deref().and_then(Disposition::parse),
        main_entity: kind.zip(value).map(|(kind, value)| Entity { kind, value, path: String::new() }),
        unread: row.get(18)?,
        revisions: row.get(19)?,
        cases: json(row, 20)?,
        vendor_means: row.get::<_, Option<u8>>(21)?.map(status),
        vendor_moved: row.get(22)?,
    })
}
