//! A query as SQL. It finds what [`Query::matches`] finds; a property test says so.

use jiff::Timestamp;
use rusqlite::types::{Value, ValueRef};
use serde_json::{Map, Value as Json};

use super::nanos;
use crate::core::catalogue::parse_time;
use crate::core::entity::Entity;
use crate::core::event::{Severity, Status};
use crate::core::mapping::scalar;
use crate::core::query::{Compare, Field, Query, Term, age_bound, compare_text};

/// Whether the vendor has set another status since an event was decided about here, or since the vendor was told.
pub(super) const MOVED: &str =
    "(event.revisions > coalesce(event.decided_revision, event.revisions) AND event.vendor_status IS NOT event.vendor_status_at_decision)";

/// A condition on the table `event` with its values, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    /// SQL of the condition.
    pub(super) sql: String,
    /// What its question marks stand for.
    pub(super) values: Vec<Value>,
}

const CLOSED: u8 = Status::Closed as u8;

/// The condition of a query.
pub(super) fn condition(query: &Query, now: Timestamp) -> Condition {
    let mut condition = Condition::default();
    match &query.root {
        None => condition.sql.push_str("TRUE"),
        Some(term) => condition.term(term, now),
    }
    condition
}

impl Condition {
    fn term(&mut self, term: &Term, now: Timestamp) {
        match term {
            Term::And(terms) => self.join(terms, " AND ", now),
            Term::Or(terms) => self.join(terms, " OR ", now),
            Term::Not(term) => {
                self.sql.push_str("NOT (");
                self.term(term, now);
                self.sql.push(')');
            }
            Term::Word(word) => self.push("instr(event.words, ?) > 0", word.to_lowercase()),
            Term::Field(field, compare, value) => self.field(field, *compare, value, now),
        }
    }

    fn join(&mut self, terms: &[Term], word: &str, now: Timestamp) {
        self.sql.push('(');
        for (at, term) in terms.iter().enumerate() {
            if at > 0 {
                self.sql.push_str(word);
            }
            self.term(term, now);
        }
        self.sql.push(')');
    }

    fn field(&mut self, field: &Field, compare: Compare, value: &str, now: Timestamp) {
        match field {
            Field::Severity => match Severity::parse(value) {
                Some(severity) => self.push(&format!("event.severity {} ?", sign(compare)), i64::from(severity.rank())),
                None if compare == Compare::Like => {
                    let names = Severity::ALL.iter().map(|(name, severity)| (*name, i64::from(severity.rank())));
                    self.one_of("event.severity", names, compare, value);
                }
                None => self.sql.push_str("FALSE"),
            },
            Field::Status => {
                self.one_of("event.status", Status::ALL.iter().map(|(name, status)| (*name, i64::from(*status as u8))), compare, value);
            }
            Field::Drift => {
                let (open, closed) = (format!("event.status <> {CLOSED}"), format!("event.status = {CLOSED}"));
                let drifted = format!(
                    "coalesce((event.vendor_means = {CLOSED} AND {open}) OR (event.vendor_means <> {CLOSED} AND {closed} AND {MOVED}), 0)"
                );
                self.one_of(&drifted, [("no", 0), ("yes", 1)].into_iter(), compare, value);
            }
            Field::Vendor => self.text("event.vendor", compare, value),
            Field::Connection => self.text("event.connection", compare, value),
            Field::Type => self.text("event.event_type", compare, value),
            Field::Title => self.text("event.title", compare, value),
            Field::Key => self.text("event.key", compare, value),
            Field::Assignee => self.text("coalesce(event.assignee, event.vendor_assignee, '')", compare, value),
            Field::Disposition => self.text("coalesce(event.disposition, '')", compare, value),
            Field::Case => {
                self.sql.push_str("EXISTS (SELECT 1 FROM case_event JOIN \"case\" AS c ON c.id = case_event.\"case\" WHERE case_event.event = event.id AND ");
                self.text("c.name", compare, value);
                self.sql.push(')');
            }
            Field::Entity => {
                self.narrow(compare, value);
                self.push(&format!("nd_entity(event.entities, {}, ?))", code(compare)), value.to_owned());
            }
            Field::Mapped(name) => {
                self.narrow(compare, value);
                self.push("nd_mapped(event.fields, ?, ", name.clone());
                self.push(&format!("{}, ?))", code(compare)), value.to_owned());
            }
            Field::Age => match age_bound(value, now) {
                Some(bound) => self.push(&format!("? {} event.occurred_at", sign(compare)), nanos(bound)),
                None => self.sql.push_str("FALSE"),
            },
            Field::Occurred => match parse_time(value, now) {
                Some(time) => self.push(&format!("event.occurred_at {} ?", sign(compare)), nanos(time)),
                None => self.sql.push_str("FALSE"),
            },
        }
    }

    fn one_of<'a>(&mut self, column: &str, names: impl Iterator<Item = (&'a str, i64)>, compare: Compare, value: &str) {
        let fitting: Vec<String> =
            names.filter(|(name, _)| compare_text(name, compare, value)).map(|(_, number)| number.to_string()).collect();
        self.sql.push_str(&format!("{column} IN ({})", fitting.join(", ")));
    }

    fn text(&mut self, column: &str, compare: Compare, value: &str) {
        self.push(&format!("nd_fits({column}, {}, ?)", code(compare)), value.to_owned());
    }

    /// Opens a condition that first leaves out, cheaply, what cannot fit: a value that equals, begins with or fits a pattern holds
    /// the pattern's longest piece, and all values stand in `words`.
    fn narrow(&mut self, compare: Compare, value: &str) {
        let value = value.to_lowercase();
        let piece = match compare {
            Compare::Is => value.as_str(),
            Compare::Like => value.split('*').max_by_key(|piece| piece.len()).unwrap_or_default(),
            _ => "",
        };
        if piece.is_empty() {
            self.sql.push('(');
        } else {
            self.push("(instr(event.words, ?) > 0 AND ", piece.to_owned());
        }
    }

    fn push(&mut self, sql: &str, value: impl Into<Value>) {
        self.sql.push_str(sql);
        self.values.push(value.into());
    }
}

fn sign(compare: Compare) -> &'static str {
    match compare {
        Compare::Like | Compare::Is => "=",
        Compare::Less => "<",
        Compare::LessOrSame => "<=",
        Compare::More => ">",
        Compare::MoreOrSame => ">=",
    }
}

/// Every comparison; its place is how SQL names it to the functions below.
const COMPARES: [Compare; 6] = [Compare::Like, Compare::Is, Compare::Less, Compare::LessOrSame, Compare::More, Compare::MoreOrSame];

fn code(compare: Compare) -> usize {
    COMPARES.iter().position(|known| *known == compare).unwrap_or_default()
}

/// Functions that conditions use: they compare as the queries themselves do.
pub(super) fn functions(db: &rusqlite::Connection) -> rusqlite::Result<()> {
    use rusqlite::functions::{Context, FunctionFlags};
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let text = |value: ValueRef<'_>| value.as_str().map(str::to_owned).unwrap_or_default();
    let compare = |context: &Context<'_>, at: usize| -> rusqlite::Result<Compare> {
        let code: i64 = context.get(at)?;
        Ok(usize::try_from(code).ok().and_then(|code| COMPARES.get(code)).copied().unwrap_or(Compare::Is))
    };
    db.create_scalar_function("nd_fits", 3, flags, move |context| {
        Ok(compare_text(&text(context.get_raw(0)), compare(context, 1)?, &text(context.get_raw(2))))
    })?;
    db.create_scalar_function("nd_entity", 3, flags, move |context| {
        let entities: Vec<Entity> = serde_json::from_str(&text(context.get_raw(0))).unwrap_or_default();
        let (compare, want) = (compare(context, 1)?, text(context.get_raw(2)));
        Ok(entities.iter().any(|entity| compare_text(&entity.value, compare, &want)))
    })?;
    db.create_scalar_function("nd_mapped", 4, flags, move |context| {
        let fields: Map<String, Json> = serde_json::from_str(&text(context.get_raw(0))).unwrap_or_default();
        let (name, compare, want) = (text(context.get_raw(1)), compare(context, 2)?, text(context.get_raw(3)));
        let found = fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        Ok(found.is_some_and(|(_, value)| compare_text(&scalar(value).unwrap_or_else(|| value.to_string()), compare, &want)))
    })
}
