//! A query as SQL. It must find what [`Query::matches`] finds; a property test says so.

use jiff::Timestamp;
use rusqlite::types::Value;

use super::micros;
use crate::core::catalogue::parse_time;
use crate::core::event::{Severity, Status};
use crate::core::query::{Compare, Field, Query, Term, age_bound};

/// A mapped field's value as the evaluator reads it: SQLite makes numbers of true and false.
const FIELD: &str = "CASE f.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE f.value END";

/// A condition on the table `event` with its values, in order.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// SQL of the condition.
    pub sql: String,
    /// What its question marks stand for.
    pub values: Vec<Value>,
}

/// The condition of a query.
pub fn condition(query: &Query, now: Timestamp) -> Condition {
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
            Term::Word(word) => {
                let pattern = format!("%{}%", escaped(&word.to_lowercase()));
                // The word index finds whole words; a part of one is looked for in the text itself.
                self.push("(nd_lower(title) LIKE ? ESCAPE '\\'", pattern.clone());
                self.push(
                    &format!(" OR EXISTS (SELECT 1 FROM json_each(event.fields) AS f WHERE nd_lower({FIELD}) LIKE ? ESCAPE '\\')"),
                    pattern.clone(),
                );
                self.push(
                    " OR EXISTS (SELECT 1 FROM json_each(event.entities) AS e WHERE nd_lower(e.value ->> 'value') LIKE ? ESCAPE '\\'))",
                    pattern,
                );
            }
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
                Some(severity) => self.push(&format!("severity {} ?", sign(compare)), i64::from(severity.rank())),
                None => {
                    let names = Severity::ALL.iter().map(|(name, severity)| (*name, i64::from(severity.rank())));
                    self.one_of("severity", names, compare, value);
                }
            },
            Field::Status => self.one_of("status", Status::ALL.iter().map(|(name, status)| (*name, *status as i64)), compare, value),
            Field::Vendor => self.text("vendor", compare, value),
            Field::Connection => self.text("connection", compare, value),
            Field::Type => self.text("event_type", compare, value),
            Field::Title => self.text("title", compare, value),
            Field::Key => self.text("key", compare, value),
            Field::Assignee => self.text("coalesce(assignee, vendor_assignee, '')", compare, value),
            Field::Disposition => self.text("coalesce(disposition, '')", compare, value),
            Field::Entity => {
                self.sql.push_str("EXISTS (SELECT 1 FROM json_each(event.entities) AS e WHERE ");
                self.text("e.value ->> 'value'", compare, value);
                self.sql.push(')');
            }
            Field::Case => {
                self.sql.push_str(
                    "EXISTS (SELECT 1 FROM case_event AS ce JOIN \"case\" AS c ON c.id = ce.\"case\" WHERE ce.event = event.id AND ",
                );
                self.text("c.name", compare, value);
                self.sql.push(')');
            }
            Field::Age => match age_bound(value, now) {
                Some(bound) => self.push(&format!("? {} occurred_at", sign(compare)), micros(bound)),
                None => self.sql.push_str("FALSE"),
            },
            Field::Occurred => match parse_time(value, now) {
                Some(time) => self.push(&format!("occurred_at {} ?", sign(compare)), micros(time)),
                None => self.sql.push_str("FALSE"),
            },
            Field::Mapped(name) => {
                self.push("EXISTS (SELECT 1 FROM json_each(event.fields) AS f WHERE nd_lower(f.key) = ? AND ", name.to_lowercase());
                self.text(FIELD, compare, value);
                self.sql.push(')');
            }
        }
    }

    fn one_of<'a>(&mut self, column: &str, names: impl Iterator<Item = (&'a str, i64)>, compare: Compare, value: &str) {
        let fitting: Vec<String> = names
            .filter(|(name, _)| crate::core::query::compare_text(name, compare, value))
            .map(|(_, number)| number.to_string())
            .collect();
        self.sql.push_str(&format!("{column} IN ({})", fitting.join(", ")));
    }

    fn text(&mut self, column: &str, compare: Compare, value: &str) {
        let value = value.to_lowercase();
        match compare {
            Compare::Is => self.push(&format!("nd_lower({column}) = ?"), value),
            Compare::Like => {
                let pattern = if value.contains('*') { escaped(&value).replace('*', "%") } else { format!("{}%", escaped(&value)) };
                self.push(&format!("nd_lower({column}) LIKE ? ESCAPE '\\'"), pattern);
            }
            // Numbers compare as numbers, which SQL alone would not do.
            _ => self.push(&format!("nd_order({column}, ?) {} 0", sign(compare)), value),
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

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Functions that conditions use: Unicode lower case, and the order of texts that may be numbers.
pub fn functions(db: &rusqlite::Connection) -> rusqlite::Result<()> {
    use rusqlite::functions::FunctionFlags;
    use rusqlite::types::ValueRef;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).to_lowercase(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Null | ValueRef::Blob(_) => String::new(),
    };
    db.create_scalar_function("nd_lower", 1, flags, move |context| Ok(text(context.get_raw(0))))?;
    db.create_scalar_function("nd_order", 2, flags, move |context| {
        let (have, want) = (text(context.get_raw(0)), text(context.get_raw(1)));
        let order = match (have.parse::<f64>(), want.parse::<f64>()) {
            (Ok(a), Ok(b)) => a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal),
            _ => have.cmp(&want),
        };
        Ok(order as i64)
    })
}
