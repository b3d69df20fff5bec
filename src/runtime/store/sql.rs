//! A query as SQL. It finds what [`Query::matches`] finds; a property test says so.

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};
use serde_json::{Map, Value as Json};

use super::nanos;
use super::pivot::Wanted;
use super::same_file;
use crate::core::catalogue::parse_time;
use crate::core::entity::{Entity, EntityKind};
use crate::core::event::{Severity, Status};
use crate::core::mapping::scalar;
use crate::core::query::{Compare, Field, NO, Query, Term, YES, age_bound, compare_text, part, vendor_fits};
use crate::core::search::{SHORT, haystack, needle, plain};

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
/// Words that more events than this hold are looked for row by row: then the newest fitting rows are found sooner than all of them.
const MANY: usize = if cfg!(test) { 4 } else { 20_000 };

/// What is not closed, as the indexes of what is open have it.
pub(super) const OPEN: &str = "event.status <> 2";

/// The statuses that a comparison means.
fn statuses(compare: Compare, value: &str) -> Vec<Status> {
    Status::ALL.iter().filter(|(name, _)| compare_text(name, compare, value)).map(|(_, status)| *status).collect()
}

/// The condition of a query.
pub(super) fn condition(db: &Connection, query: &Query, now: Timestamp) -> rusqlite::Result<Condition> {
    let mut maker = Maker { db, now, made: Condition::default() };
    match &query.root {
        None => maker.made.sql.push_str("TRUE"),
        Some(term) => maker.term(term)?,
    }
    Ok(maker.made)
}

/// Makes a condition; looks into the index of words how many events hold them.
struct Maker<'a> {
    db: &'a Connection,
    now: Timestamp,
    made: Condition,
}

impl Maker<'_> {
    fn term(&mut self, term: &Term) -> rusqlite::Result<()> {
        match term {
            Term::And(terms) => self.join(terms, "AND"),
            Term::Or(terms) => self.join(terms, "OR"),
            // Nothing is known to be closed by an index: what is not closed is.
            Term::Not(term) if matches!(&**term, Term::Field(Field::Status, compare, value) if statuses(*compare, value) == [Status::Closed]) =>
            {
                self.sql(OPEN);
                Ok(())
            }
            Term::Not(term) => {
                self.sql("NOT (");
                self.term(term)?;
                self.sql(")");
                Ok(())
            }
            Term::Word(word) => self.words(&[needle(word)], "AND"),
            Term::Field(field, compare, value) => self.field(field, *compare, value),
        }
    }

    /// Terms of which all or one must fit; the words among them are one question to the index.
    fn join(&mut self, terms: &[Term], all: &str) -> rusqlite::Result<()> {
        let word = |term: &Term| if let Term::Word(word) = term { Some(needle(word)) } else { None };
        let words: Vec<String> = terms.iter().filter_map(word).collect();
        self.sql("(");
        if !words.is_empty() {
            self.words(&words, all)?;
        }
        for (at, term) in terms.iter().filter(|term| !matches!(term, Term::Word(_))).enumerate() {
            if at > 0 || !words.is_empty() {
                self.sql(&format!(" {all} "));
            }
            self.term(term)?;
        }
        self.sql(")");
        Ok(())
    }

    /// What all, or one, of these must be found by: by the index where it names few events, else row by row.
    fn words(&mut self, needles: &[String], all: &str) -> rusqlite::Result<()> {
        match few(self.db, needles, all)? {
            Some(ids) => self.push("event.id IN (SELECT value FROM json_each(?))", Json::from(ids).to_string()),
            None => {
                let holds = vec!["instr(event.words, ?) > 0"; needles.len()].join(&format!(" {all} "));
                self.sql(&format!("({holds})"));
                self.made.values.extend(needles.iter().cloned().map(Value::from));
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &Field, compare: Compare, value: &str) -> rusqlite::Result<()> {
        match field {
            Field::Severity => match Severity::parse(value) {
                Some(severity) => self.push(&format!("event.severity {} ?", sign(compare)), i64::from(severity.rank())),
                None if compare == Compare::Like => {
                    let names = Severity::ALL.iter().map(|(name, severity)| (*name, i64::from(severity.rank())));
                    self.one_of("event.severity", names, compare, value);
                }
                None => self.sql("FALSE"),
            },
            Field::Status => match statuses(compare, value)[..] {
                [Status::New, Status::InProgress] => self.sql(OPEN),
                ref some => {
                    let numbers: Vec<String> = some.iter().map(|status| (*status as u8).to_string()).collect();
                    self.sql(&format!("event.status IN ({})", numbers.join(", ")));
                }
            },
            Field::Drift => {
                let (open, closed) = (format!("event.status <> {CLOSED}"), format!("event.status = {CLOSED}"));
                let drifted = format!(
                    "coalesce((event.vendor_means = {CLOSED} AND {open}) OR (event.vendor_means <> {CLOSED} AND {closed} AND {MOVED}), 0)"
                );
                self.one_of(&drifted, [(NO, 0), (YES, 1)].into_iter(), compare, value);
            }
            Field::Vendor => self.push(&format!("nd_vendor(event.vendor, {}, ?)", code(compare)), value.to_owned()),
            Field::Connection => self.text("event.connection", compare, value),
            Field::Type => self.text("event.event_type", compare, value),
            Field::Title => {
                self.narrow(compare, value)?;
                self.text("event.title", compare, value);
                self.sql(")");
            }
            Field::Rule => {
                // What varies from title to title is left out of a rule, so its words do not stand one after the other in the index.
                match compare {
                    Compare::Is | Compare::Like if value.contains('…') => self.narrow(Compare::Like, &value.replace('…', "*"))?,
                    _ => self.narrow(compare, value)?,
                }
                self.text("event.rule", compare, value);
                self.sql(")");
            }
            Field::Key => self.text("event.key", compare, value),
            Field::Assignee => self.text("coalesce(event.assignee, event.vendor_assignee, '')", compare, value),
            Field::Disposition => self.text("coalesce(event.disposition, '')", compare, value),
            Field::Case => {
                self.sql("EXISTS (SELECT 1 FROM case_event JOIN \"case\" AS c ON c.id = case_event.\"case\" WHERE case_event.event = event.id AND ");
                self.text("c.name", compare, value);
                self.sql(")");
            }
            Field::Entity => {
                self.narrow(compare, value)?;
                self.push(&format!("nd_entity(event.entities, {}, ?))", code(compare)), value.to_owned());
            }
            Field::Mention(kind) => self.mention(*kind, compare, value)?,
            Field::Mapped(name) => {
                self.narrow(compare, value)?;
                self.push("nd_mapped(event.fields, ?, ", name.clone());
                self.push(&format!("{}, ?))", code(compare)), value.to_owned());
            }
            Field::Age => match age_bound(value, self.now) {
                Some(bound) => self.push(&format!("? {} event.occurred_at", sign(compare)), nanos(bound)),
                None => self.sql("FALSE"),
            },
            Field::Occurred => match parse_time(value, self.now) {
                Some(time) => self.push(&format!("event.occurred_at {} ?", sign(compare)), nanos(time)),
                None => self.sql("FALSE"),
            },
        }
        Ok(())
    }

    /// What mentions an entity: the index of entities knows every spelling of it, and for a hash what else names that file.
    fn mention(&mut self, kind: EntityKind, compare: Compare, value: &str) -> rusqlite::Result<()> {
        if compare == Compare::Is {
            let (within, values) = Wanted::new(self.db, kind, value)?.sql();
            self.sql(&format!("event.id IN ({within})"));
            self.made.values.extend(values);
            return Ok(());
        }
        let part = part(kind, value);
        self.push("event.id IN (SELECT event FROM entity WHERE kind = ?", kind.as_str().to_owned());
        // The index is in order, so that what begins alike stands together; links alone are kept with their case.
        let start = part.split('*').next().unwrap_or_default();
        if compare == Compare::Like && kind != EntityKind::Url && !start.is_empty() {
            self.push(" AND normal >= ?", start.to_owned());
            self.push(" AND normal < ?", format!("{start}{}", char::MAX));
        }
        self.push(&format!(" AND nd_fits(normal, {}, ?))", code(compare)), part);
        Ok(())
    }

    fn one_of<'a>(&mut self, column: &str, names: impl Iterator<Item = (&'a str, i64)>, compare: Compare, value: &str) {
        let fitting: Vec<String> =
            names.filter(|(name, _)| compare_text(name, compare, value)).map(|(_, number)| number.to_string()).collect();
        self.sql(&format!("{column} IN ({})", fitting.join(", ")));
    }

    fn text(&mut self, column: &str, compare: Compare, value: &str) {
        self.push(&format!("nd_fits({column}, {}, ?)", code(compare)), value.to_owned());
    }

    /// Opens a condition that first leaves out, cheaply, what cannot fit: all values stand in the index, and one that equals, begins with
    /// or fits a pattern holds the pattern's pieces.
    fn narrow(&mut self, compare: Compare, value: &str) -> rusqlite::Result<()> {
        self.sql("(");
        match compare {
            Compare::Is => self.first_words(&format!("{} ", plain(value)))?,
            Compare::Like => {
                let mut pieces = value.split('*');
                let first = pieces.next().unwrap_or_default();
                // A word before a sign is a whole one.
                let end = if first.ends_with(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()) { " " } else { "" };
                let first = plain(first) + end;
                // What follows a star may begin within a word, so its first word is no word of the index.
                let inner = pieces.map(|piece| plain(piece).trim_start().to_owned()).max_by_key(String::len).unwrap_or_default();
                if first.trim().is_empty() && !inner.is_empty() {
                    self.push("instr(event.words, ?) > 0 AND ", inner);
                } else {
                    self.first_words(&first)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn first_words(&mut self, words: &str) -> rusqlite::Result<()> {
        // What may go on after a letter or two is half of everything; the words before it are enough.
        let begun = words.rfind(' ').filter(|at| words.len() - at <= SHORT);
        let whole = begun.map_or(words, |at| words.get(..=at).unwrap_or_default());
        if !whole.trim().is_empty() {
            self.words(&[whole.to_owned()], "AND")?;
            self.sql(" AND ");
        }
        Ok(())
    }

    fn sql(&mut self, sql: &str) {
        self.made.sql.push_str(sql);
    }

    fn push(&mut self, sql: &str, value: impl Into<Value>) {
        self.sql(sql);
        self.made.values.push(value.into());
    }
}

/// The events that the index names for all or one of these needles, if they are few.
fn few(db: &Connection, needles: &[String], all: &str) -> rusqlite::Result<Option<Vec<i64>>> {
    let named = |open: &str| {
        let sql = format!("SELECT rowid FROM event_words WHERE event_words MATCH ? LIMIT {MANY}");
        let phrases: Vec<String> = needles.iter().map(|needle| phrase(needle, open)).collect();
        let ids =
            db.prepare_cached(&sql)?.query_map([phrases.join(&format!(" {all} "))], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
        Ok((ids.len() < MANY).then_some(ids))
    };
    // To find all words that begin with one costs as much as there are; so whole words, which cost nothing, are asked for first.
    match named("")? {
        Some(ids) if needles.iter().all(|needle| needle.ends_with(' ')) => Ok(Some(ids)),
        Some(_) => named(" *"),
        None => Ok(None),
    }
}

/// A needle as the index takes it: words one after the other, the last of which may go on where `open` says so and no blank follows it.
/// There is nothing else in it than letters, digits and blanks, so nothing of it is syntax.
fn phrase(needle: &str, open: &str) -> String {
    let open = if needle.ends_with(' ') { "" } else { open };
    format!("\"{}\"{open}", needle.trim())
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
pub(super) fn functions(db: &Connection) -> rusqlite::Result<()> {
    use rusqlite::functions::{Context, FunctionFlags};
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let text = |value: ValueRef<'_>| value.as_str().map(str::to_owned).unwrap_or_default();
    let compare = |context: &Context<'_>, at: usize| -> rusqlite::Result<Compare> {
        let code: i64 = context.get(at)?;
        Ok(usize::try_from(code).ok().and_then(|code| COMPARES.get(code)).copied().unwrap_or(Compare::Is))
    };
    db.create_scalar_function("nd_haystack", 1, flags, move |context| Ok(haystack(text(context.get_raw(0)).lines())))?;
    db.create_scalar_function("nd_fits", 3, flags, move |context| {
        Ok(compare_text(&text(context.get_raw(0)), compare(context, 1)?, &text(context.get_raw(2))))
    })?;
    db.create_scalar_function("nd_vendor", 3, flags, move |context| {
        Ok(vendor_fits(&text(context.get_raw(0)), compare(context, 1)?, &text(context.get_raw(2))))
    })?;
    db.create_scalar_function("nd_same_files", 1, flags, move |context| {
        let record = serde_json::from_str::<Json>(&text(context.get_raw(0))).unwrap_or_default();
        Ok(serde_json::to_string(&same_file::pairs(&record)).unwrap_or_default())
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
