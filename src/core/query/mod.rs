//! The queue's query language, one for `events QUERY` and the console's `/` (contract, Queries).
//!
//! ```text
//! severity:>=high -vendor:wiz ("Rule name":brute* or title:login) age:<24h
//! ```

use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;

use super::catalogue::{parse_span, parse_time};
use super::entity::{EntityKind, lookups, normalise};
use super::event::{Disposition, Severity, Status, StoredEvent};
use super::listing::{rule, short_vendor};
use super::mapping::scalar;
use super::search::{haystack, needle, texts};

pub mod complete;
mod parse;

/// A value as the query language takes it literally.
pub fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A parsed query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Its root; `None` matches everything.
    pub root: Option<Term>,
}

/// One term of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// All must match.
    And(Vec<Term>),
    /// One must match.
    Or(Vec<Term>),
    /// Must not match.
    Not(Box<Term>),
    /// A word or phrase in title, fields or entities; see [`super::search`].
    Word(String),
    /// A field compared with a value.
    Field(Field, Compare, String),
}

/// What a term looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// Severity, by rank.
    Severity,
    /// The analyst's status.
    Status,
    /// Vendor; a leading part of its name is enough.
    Vendor,
    /// Connection.
    Connection,
    /// Event type.
    Type,
    /// The value of any entity.
    Entity,
    /// Title.
    Title,
    /// What makes events of a vendor and type alike.
    Rule,
    /// Who has it.
    Assignee,
    /// The analyst's verdict.
    Disposition,
    /// How long ago it happened.
    Age,
    /// When it happened.
    Occurred,
    /// A case it belongs to.
    Case,
    /// Whether the vendor's status and ours have parted: yes or no.
    Drift,
    /// Its key.
    Key,
    /// An entity of a kind, in whatever spelling.
    Mention(EntityKind),
    /// A mapped field by the document's name.
    Mapped(String),
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `:` prefix, or a pattern with `*`.
    Like,
    /// `:=` exactly.
    Is,
    /// `:<`
    Less,
    /// `:<=`
    LessOrSame,
    /// `:>`
    More,
    /// `:>=`
    MoreOrSame,
}

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)
    }
}

/// The fields by name.
const FIELDS: [(&str, Field); 28] = [
    ("severity", Field::Severity),
    ("status", Field::Status),
    ("vendor", Field::Vendor),
    ("connection", Field::Connection),
    ("type", Field::Type),
    ("entity", Field::Entity),
    ("title", Field::Title),
    ("rule", Field::Rule),
    ("assignee", Field::Assignee),
    ("disposition", Field::Disposition),
    ("age", Field::Age),
    ("occurred", Field::Occurred),
    ("case", Field::Case),
    ("drift", Field::Drift),
    ("key", Field::Key),
    ("time", Field::Occurred),
    ("ip", Field::Mention(EntityKind::Ip)),
    ("host", Field::Mention(EntityKind::Host)),
    ("device", Field::Mention(EntityKind::Device)),
    ("user", Field::Mention(EntityKind::User)),
    ("mail", Field::Mention(EntityKind::Mail)),
    ("hash", Field::Mention(EntityKind::Hash)),
    ("domain", Field::Mention(EntityKind::Domain)),
    ("url", Field::Mention(EntityKind::Url)),
    ("file", Field::Mention(EntityKind::File)),
    ("cve", Field::Mention(EntityKind::Cve)),
    ("cloud_resource", Field::Mention(EntityKind::CloudResource)),
    ("tenant_object", Field::Mention(EntityKind::TenantObject)),
];

/// Whether the vendor's status and ours have parted.
pub const YES: &str = "yes";
/// Whether they agree.
pub const NO: &str = "no";

impl Query {
    /// Parses a query; an empty one matches everything.
    ///
    /// # Errors
    /// What is wrong, and at which column.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::query(text)
    }

    /// Whether an event matches, at this time.
    pub fn matches(&self, event: &StoredEvent, now: Timestamp) -> bool {
        self.root.as_ref().is_none_or(|term| term.matches(event, now))
    }
}

impl Term {
    fn matches(&self, event: &StoredEvent, now: Timestamp) -> bool {
        match self {
            Self::And(terms) => terms.iter().all(|term| term.matches(event, now)),
            Self::Or(terms) => terms.iter().any(|term| term.matches(event, now)),
            Self::Not(term) => !term.matches(event, now),
            Self::Word(word) => {
                let word = needle(word);
                haystack(texts(&event.event)).contains(&word)
            }
            Self::Field(field, compare, value) => field.matches(event, *compare, value, now),
        }
    }
}

impl Field {
    /// What a value of it is called and which there are, in the order in which they are proposed, where there are no others.
    fn members(&self) -> Option<(&'static str, Vec<&'static str>)> {
        match self {
            Self::Severity => Some(("severity", Severity::ALL.iter().rev().map(|(name, _)| *name).collect())),
            Self::Status => Some(("status", Status::ALL.iter().map(|(name, _)| *name).collect())),
            Self::Disposition => Some(("disposition", Disposition::ALL.iter().map(|(name, _, _)| *name).collect())),
            Self::Drift => Some(("drift", vec![YES, NO])),
            _ => None,
        }
    }

    fn matches(&self, event: &StoredEvent, compare: Compare, value: &str, now: Timestamp) -> bool {
        let inner = &event.event;
        let text = |have: &str| compare_text(have, compare, value);
        match self {
            Self::Severity => Severity::parse(value).map_or_else(
                || compare == Compare::Like && text(inner.severity.as_str()),
                |wanted| holds(compare, inner.severity.rank().cmp(&wanted.rank())),
            ),
            Self::Status => text(event.status.as_str()),
            Self::Vendor => vendor_fits(&event.vendor, compare, value),
            Self::Connection => text(&event.connection),
            Self::Type => text(&inner.event_type),
            Self::Entity => inner.entities.iter().any(|entity| text(&entity.value)),
            Self::Title => text(&inner.title),
            Self::Rule => text(&rule(inner)),
            Self::Assignee => text(event.taken_by.as_deref().or(inner.assignee.as_deref()).unwrap_or_default()),
            Self::Disposition => text(event.disposition.map_or("", Disposition::as_str)),
            Self::Drift => text(if event.drifted() { YES } else { NO }),
            Self::Case => event.cases.iter().any(|case| text(case)),
            Self::Key => text(&inner.key),
            Self::Age => match age_bound(value, now) {
                // Less old means later.
                Some(bound) => holds(compare, bound.cmp(&inner.occurred_at)),
                None => false,
            },
            Self::Occurred => parse_time(value, now).is_some_and(|time| holds(compare, inner.occurred_at.cmp(&time))),
            // What a store has learned of the files that hashes name is known to the store alone.
            Self::Mention(kind) => {
                let wanted = lookups(*kind, value);
                let mut mentions = inner.entities.iter().flat_map(|entity| lookups(entity.kind, &entity.value));
                match compare {
                    Compare::Is => mentions.any(|one| wanted.contains(&one)),
                    _ => mentions.any(|(known, normal)| known == *kind && compare_text(&normal, compare, &part(*kind, value))),
                }
            }
            Self::Mapped(name) => {
                let found = inner.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                found.is_some_and(|(_, value)| text(&scalar(value).unwrap_or_else(|| value.to_string())))
            }
        }
    }
}

/// A part of an entity's value, or a pattern of it, as it is compared with what entities are found by.
pub fn part(kind: EntityKind, value: &str) -> String {
    if kind == EntityKind::Url { value.trim().to_owned() } else { normalise(kind, value) }
}

/// Compares a vendor's id, of which the short name that lists show is a spelling too; exactly is the id alone.
pub fn vendor_fits(vendor: &str, compare: Compare, value: &str) -> bool {
    compare_text(vendor, compare, value) || (compare == Compare::Like && compare_text(short_vendor(vendor), compare, value))
}

/// The moment that lies so long ago; what lies before all time is its beginning.
pub fn age_bound(value: &str, now: Timestamp) -> Option<Timestamp> {
    Some(now.saturating_sub(parse_span(value)?).unwrap_or(Timestamp::MIN))
}

fn holds(compare: Compare, order: Ordering) -> bool {
    match compare {
        Compare::Like | Compare::Is => order == Ordering::Equal,
        Compare::Less => order == Ordering::Less,
        Compare::LessOrSame => order != Ordering::Greater,
        Compare::More => order == Ordering::Greater,
        Compare::MoreOrSame => order != Ordering::Less,
    }
}

/// Compares texts without case: a prefix, a pattern, exactly, or in order (numbers as numbers).
pub fn compare_text(have: &str, compare: Compare, want: &str) -> bool {
    let (have, want) = (have.to_lowercase(), want.to_lowercase());
    match compare {
        // What is not there fits no pattern, so that `*` asks whether anything is.
        Compare::Like if want.contains('*') => !have.is_empty() && pattern(&have, &want),
        Compare::Like => have.starts_with(&want),
        Compare::Is => have == want,
        _ => match (have.parse::<f64>(), want.parse::<f64>()) {
            (Ok(a), Ok(b)) => a.partial_cmp(&b).is_some_and(|order| holds(compare, order)),
            _ => holds(compare, have.cmp(&want)),
        },
    }
}

/// Whether a text fits a pattern in which `*` stands for anything.
fn pattern(text: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return true };
    let Some(rest) = text.strip_prefix(first) else { return false };
    let Some(mut rest) = rest.strip_suffix(last) else { return false };
    for part in parts.get(1..parts.len().saturating_sub(1)).unwrap_or_default() {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::entity::{Entity, EntityKind};
    use crate::core::event::Event;
    use serde_json::json;

    fn event() -> StoredEvent {
        let mut event = StoredEvent {
            vendor: "eset-protect-cloud".into(),
            connection: "eset-1".into(),
            event: Event {
                event_type: "Detections".into(),
                title: "Win32/Agent on WS-DANA".into(),
                severity: Severity::High,
                occurred_at: "2026-03-01T10:00:00Z".parse().unwrap(),
                entities: vec![Entity { kind: EntityKind::Ip, value: "203.0.113.9".into(), path: "$".into() }],
                ..Event::default()
            },
            ..StoredEvent::default()
        };
        event.event.fields.insert("Rule name".into(), json!("Brute force"));
        event.event.fields.insert("Local Port".into(), json!(443));
        event
    }

    fn found(query: &str) -> bool {
        Query::parse(query).unwrap().matches(&event(), "2026-03-01T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn queries_match_as_the_contract_says() {
        for query in [
            "",
            "agent",
            "\"agent on\"",
            "severity:high",
            "severity:>=medium",
            "severity:<critical",
            "vendor:eset",
            "rule:brute",
            "rule:=\"Brute force\"",
            "disposition:=\"\"",
            "-disposition:*false*",
            "drift:n",
            "type:det*",
            "status:new",
            "entity:203.0.113.9",
            "ip:203.0.113.9",
            "ip:=\"::ffff:203.0.113.9\"",
            "ip:203.*.9",
            "-host:203.0.113.9",
            "203.0",
            "113.9",
            "dana",
            "-vendor:wiz",
            "not vendor:wiz",
            "vendor:wiz or severity:high",
            "(vendor:wiz or vendor:eset) agent",
            "\"Rule name\":brute",
            "\"Rule name\":=\"brute force\"",
            "age:<24h",
            "age:>1h",
            "age:<99999999d",
            "-disposition:*",
            "-assignee:*",
            "occurred:>2026-02-28",
            "\"Local Port\":>80",
            "title:*agent*",
            "title:win32*dana",
        ] {
            assert!(found(query), "{query}");
        }
        for query in [
            "wiz",
            "severity:low",
            "severity:>high",
            "vendor:=eset",
            "rule:force",
            "rule:=brute",
            "disposition:false",
            "status:clo*",
            "age:<1h",
            "age:>99999999d",
            "disposition:*",
            "-agent",
            "gent",
            "9.203",
            "\"Rule name\":force",
            "status:closed",
            "title:agent*",
        ] {
            assert!(!found(query), "{query}");
        }
    }

    #[test]
    fn a_vendor_is_found_by_the_short_name_that_lists_show() {
        for (value, fits) in [("m365", true), ("m3", true), ("M3*5", true), ("management", true), ("azure", false)] {
            assert_eq!(vendor_fits("management-activity", Compare::Like, value), fits, "{value}");
        }
        assert!(!vendor_fits("management-activity", Compare::Is, "m365"), "exactly is its id");
    }

    #[test]
    fn a_rule_is_the_vendors_or_what_titles_share() {
        let mut event = event();
        event.event.fields.clear();
        event.event.title = "Sign-in from 203.0.113.9 by dana".into();
        for (query, fits) in [("rule:=\"sign-in from … by dana\"", true), ("rule:sign-in", true), ("rule:*203*", false)] {
            assert_eq!(Query::parse(query).unwrap().matches(&event, Timestamp::UNIX_EPOCH), fits, "{query}");
        }
    }
}
