//! Events: a vendor's record, normalised for the queue; the record itself is kept as it came.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entity::Entity;

/// How bad an event is, in the order of rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The vendor's value could not be mapped, or there is none.
    #[default]
    Unknown,
    /// For information.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// Every severity with its name, by rank.
    pub const ALL: [(&'static str, Self); 6] = [
        ("unknown", Self::Unknown),
        ("informational", Self::Informational),
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
        ("critical", Self::Critical),
    ];

    /// The severity's name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, severity)| *severity == self).map_or("unknown", |(name, _)| name)
    }

    /// The severity of that name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, severity)| *severity)
    }

    /// Its rank, 0 (unknown) to 5 (critical).
    pub fn rank(self) -> u8 {
        self as u8
    }
}

/// Where a severity comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeverityOrigin {
    /// The vendor says so.
    Vendor,
    /// The event source's own rules say so.
    Derived,
    /// Nobody says so.
    #[default]
    None,
}

/// The analyst's status of an event, which is not the vendor's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has taken it.
    #[default]
    New,
    /// Somebody works on it.
    InProgress,
    /// Done with.
    Closed,
}

impl Status {
    /// Every status with its name.
    pub const ALL: [(&'static str, Self); 3] = [("new", Self::New), ("in_progress", Self::InProgress), ("closed", Self::Closed)];

    /// The status's name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, status)| *status == self).map_or("new", |(name, _)| name)
    }

    /// The status of that name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, status)| *status)
    }
}

/// The analyst's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It was what it looked like.
    TruePositive,
    /// The detection was wrong.
    FalsePositive,
    /// It was so, and harmless.
    Benign,
    /// It is handled elsewhere.
    Duplicate,
    /// It cannot be told.
    Undetermined,
}

impl Disposition {
    /// Every disposition with its name and the letter that chooses it.
    pub const ALL: [(&'static str, char, Self); 5] = [
        ("true_positive", 't', Self::TruePositive),
        ("false_positive", 'f', Self::FalsePositive),
        ("benign", 'b', Self::Benign),
        ("duplicate", 'd', Self::Duplicate),
        ("undetermined", 'u', Self::Undetermined),
    ];

    /// The disposition's name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, _, disposition)| *disposition == self).map_or("", |(name, _, _)| name)
    }

    /// The disposition of that name, in any case; `-` and blanks count as `_`.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.replace(['-', ' '], "_");
        Self::ALL.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(&name)).map(|(_, _, disposition)| *disposition)
    }
}

/// Whether the vendor's status and ours have parted: the vendor is done with what is open here, or has opened again what is closed
/// here. What is closed here only was never the vendor's, so it counts only once the vendor has moved.
pub fn drifted(ours: Status, theirs: Option<Status>, moved: bool) -> bool {
    match theirs {
        Some(Status::Closed) => ours != Status::Closed,
        Some(_) => ours == Status::Closed && moved,
        None => false,
    }
}

/// An event as a source brings it, before it is stored.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The document's name of its event type: `Issues`.
    pub event_type: String,
    /// Unique among the events of that type of its connection; holds the vendor's id.
    pub key: String,
    /// One line that says what it is.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Who says so.
    pub severity_origin: SeverityOrigin,
    /// The vendor's own severity.
    pub vendor_severity: Option<String>,
    /// The vendor's own status.
    pub vendor_status: Option<String>,
    /// What that means in ours, where it is known.
    pub vendor_means: Option<Status>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When the vendor last changed it.
    pub updated_at: Option<Timestamp>,
    /// Whom the vendor has it assigned to.
    pub assignee: Option<String>,
    /// What it mentions.
    pub entities: Vec<Entity>,
    /// The document's mapped fields, by the document's field names, in its order.
    pub fields: Map<String, Value>,
    /// The vendor's record, unchanged in value.
    pub raw: Value,
}

/// A stored event: what the vendor said, and what became of it here.
#[derive(Clone, Debug, Default)]
pub struct StoredEvent {
    /// Its number in this store; never changes. What is not stored, like a command's answer, has 0.
    pub id: i64,
    /// Connection that brought it.
    pub connection: String,
    /// Vendor of that connection.
    pub vendor: String,
    /// What the vendor said.
    pub event: Event,
    /// When it was first stored.
    pub first_seen_at: Timestamp,
    /// The analyst's status.
    pub status: Status,
    /// Who has it here.
    pub taken_by: Option<String>,
    /// The analyst's verdict.
    pub disposition: Option<Disposition>,
    /// Whether the vendor has set another status since it was decided about here, or since the vendor was told.
    pub vendor_moved: bool,
    /// How many revisions the vendor has sent.
    pub revisions: u32,
    /// Whether it changed since somebody looked at it here.
    pub unread: bool,
    /// The cases it belongs to.
    pub cases: Vec<String>,
}

impl StoredEvent {
    /// Whether the vendor's status and ours have parted.
    pub fn drifted(&self) -> bool {
        drifted(self.status, self.event.vendor_means, self.vendor_moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_what_somebody_should_look_at_again() {
        use Status::{Closed, InProgress, New};
        // (ours, theirs, moved, drifted)
        let cases = [
            (New, Some(Closed), false, true),
            (InProgress, Some(Closed), true, true),
            (Closed, Some(Closed), true, false),
            (Closed, Some(New), false, false),
            (Closed, Some(New), true, true),
            (Closed, Some(InProgress), true, true),
            (New, Some(InProgress), true, false),
            (Closed, None, true, false),
        ];
        for (ours, theirs, moved, expected) in cases {
            assert_eq!(drifted(ours, theirs, moved), expected, "{ours:?} {theirs:?} {moved}");
        }
    }
}
