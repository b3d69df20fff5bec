//! How events are listed: the rows, what they are ordered and grouped by, what one asks the store for, and what it answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::event::{Disposition, Event, Severity, Status};
use super::mapping::scalar;

/// One listed event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its number in the store.
    pub id: i64,
    /// Connection that brought it.
    pub connection: String,
    /// Vendor of that connection.
    pub vendor: String,
    /// The document's name of its event type.
    pub event_type: String,
    /// The vendor's key.
    pub key: String,
    /// What it is.
    pub title: String,
    /// The entity that stands for it.
    pub entity: String,
    /// What makes events alike: the vendor's rule, or the title without what varies.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// Whether the severity is our rule's and not the vendor's.
    pub derived: bool,
    /// The analyst's status.
    pub status: Status,
    /// The vendor's status.
    pub vendor_status: Option<String>,
    /// What that means in ours.
    pub vendor_means: Option<Status>,
    /// Whether the vendor has moved since it was decided about here.
    pub vendor_moved: bool,
    /// The verdict.
    pub disposition: Option<Disposition>,
    /// Who has it.
    pub taken_by: Option<String>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Whether it is new, or changed since it was looked at.
    pub unread: bool,
    /// Revisions that the vendor sent.
    pub revisions: u32,
}

/// The mapped fields that name what makes events of a type alike, the vendor's rule before what it calls the event.
const NAMING: [&str; 5] = ["rule name", "rule", "source rule name", "source rule", "event name"];

/// What makes events of a type alike: what a mapped field names, else the title without what varies.
pub fn rule(event: &Event) -> String {
    let named = |wanted: &str| event.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).and_then(|(_, value)| scalar(value));
    NAMING.into_iter().filter_map(named).find(|rule| !rule.is_empty()).unwrap_or_else(|| rule_of(&event.title))
}

/// A title without what varies from event to event: numbers, ids, host names, paths and quoted names. A title of which nothing else is
/// left stays as it is: it is like itself only, not like every other of that kind.
pub fn rule_of(title: &str) -> String {
    let varies = |word: &str| word.chars().any(|c| c.is_ascii_digit()) || word.contains(['\\', '/', '@', '"', '\'']);
    if title.split_whitespace().all(varies) {
        return title.to_owned();
    }
    title.split_whitespace().map(|word| if varies(word) { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

/// The name of a vendor in lists, where there is room for few letters.
pub fn short_vendor(vendor: &str) -> &str {
    match vendor {
        "eset-protect-cloud" => "eset",
        "management-activity" => "m365",
        "lacework-edge" => "lacework",
        "azure-api" => "azure",
        other => other,
    }
}

/// What several events are, in a line or two, from the connection, the rule and the severity of each: whose, how bad, how many kinds; and
/// how many of `all` these are not.
pub fn spread<'a>(events: impl Iterator<Item = (&'a str, String, Severity)>, all: usize) -> Vec<String> {
    if all < 2 {
        return Vec::new();
    }
    let (mut connections, mut rules): (BTreeMap<&str, usize>, BTreeSet<String>) = Default::default();
    let (mut worst, mut known) = (Severity::default(), 0);
    for (connection, rule, severity) in events {
        *connections.entry(connection).or_default() += 1;
        rules.insert(rule);
        worst = worst.max(severity);
        known += 1;
    }
    let whose: Vec<String> = connections.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let beyond = if known < all { format!("; {} more are not listed here", all - known) } else { String::new() };
    let kinds = match rules.first() {
        Some(only) if rules.len() == 1 => only.clone(),
        _ => format!("{} different rules", rules.len()),
    };
    vec![format!("{}; up to {}{beyond}", whose.join(", "), worst.as_str()), kinds]
}

/// What the queue can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Column {
    /// When it happened.
    #[default]
    Age,
    /// How bad it is.
    Severity,
    /// The vendor.
    Vendor,
    /// The event type.
    EventType,
    /// The title.
    Title,
    /// The analyst's status.
    Status,
    /// The connection.
    Connection,
    /// When it came in.
    Seen,
}

impl Column {
    /// Every column with its id and title.
    pub const ALL: [(&'static str, &'static str, Self); 8] = [
        ("age", "Age", Self::Age),
        ("severity", "Severity", Self::Severity),
        ("vendor", "Vendor", Self::Vendor),
        ("type", "Event type", Self::EventType),
        ("title", "Title", Self::Title),
        ("status", "Status", Self::Status),
        ("connection", "Connection", Self::Connection),
        ("seen", "First seen", Self::Seen),
    ];

    /// The column's id.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, _, column)| *column == self).map_or("age", |(id, _, _)| id)
    }

    /// The column of that id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _, _)| *known == id).map(|(_, _, column)| *column)
    }

    /// Whether one wants its greatest first: the newest, the worst.
    pub fn descends(self) -> bool {
        matches!(self, Self::Age | Self::Severity | Self::Seen)
    }
}

/// The queue's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub column: Column,
    /// From the greatest down.
    pub descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { column: Column::Age, descending: true }
    }
}

/// What the queue can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Alike events.
    Rule,
    /// The entity that stands for the event.
    Entity,
    /// The vendor.
    Vendor,
    /// The event type.
    EventType,
    /// The severity.
    Severity,
    /// The connection.
    Connection,
}

impl Grouping {
    /// Every grouping with its id and title.
    pub const ALL: [(&'static str, &'static str, Self); 6] = [
        ("rule", "Rule", Self::Rule),
        ("entity", "Entity", Self::Entity),
        ("vendor", "Vendor", Self::Vendor),
        ("type", "Event type", Self::EventType),
        ("severity", "Severity", Self::Severity),
        ("connection", "Connection", Self::Connection),
    ];

    /// The grouping of that id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _, _)| *known == id).map(|(_, _, grouping)| *grouping)
    }

    /// The grouping's id.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, _, grouping)| *grouping == self).map_or("", |(id, _, _)| id)
    }

    /// The group that an event belongs to.
    pub fn of(self, row: &Listed) -> String {
        match self {
            Self::Rule => row.rule.clone(),
            Self::Entity if row.entity.is_empty() => NO_ENTITY.to_owned(),
            Self::Entity => row.entity.clone(),
            Self::Vendor => row.vendor.clone(),
            Self::EventType => row.event_type.clone(),
            Self::Severity => row.severity.as_str().to_owned(),
            Self::Connection => row.connection.clone(),
        }
    }
}

/// The group of events that mention nothing.
pub const NO_ENTITY: &str = "no entity";

/// What one asks the store for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The query; empty shows everything.
    pub query: String,
    /// The order.
    pub order: Order,
    /// What it is called, where it is a pivot or a saved view.
    pub title: String,
}

impl View {
    /// What it is called: its title, or what it asks for.
    pub fn name(&self) -> String {
        match (self.title.is_empty(), self.query.is_empty()) {
            (false, _) => self.title.clone(),
            (true, false) => self.query.clone(),
            (true, true) => "everything".into(),
        }
    }
}

/// Which events of a view are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those of the vendor, type and rule of this one that are not closed, and this one.
    Like(i64),
    /// Those of a group.
    Group(Grouping, String),
}

/// The rows that the store answers.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The rows, in order.
    pub rows: Vec<Listed>,
    /// Whether there are more than these.
    pub more: bool,
}

/// What the store counts over all events of a view.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many there are.
    pub total: usize,
    /// Arrivals over the last day, oldest first, for the sparkline.
    pub arrivals: Vec<u64>,
    /// The groups with how many events each has, the largest first; none where the view is not grouped.
    pub groups: Vec<(String, usize)>,
}
