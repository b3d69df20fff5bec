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
use super::mapping::scalar;
use super::search::{haystack, needle, texts};

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

/// Levels of parentheses and negations that a query may nest.
const DEEPEST: usize = 64;
/// Terms that a query may have; the store's database bounds how long a condition may be.
const MOST_TERMS: usize = 500;

/// The fields by name.
pub const FIELDS: [(&str, Field); 27] = [
    ("severity", Field::Severity),
    ("status", Field::Status),
    ("vendor", Field::Vendor),
    ("connection", Field::Connection),
    ("type", Field::Type),
    ("entity", Field::Entity),
    ("title", Field::Title),
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

/// What a completion offers: the text that replaces the word from `start` (a byte offset) on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Where the word begins.
    pub start: usize,
    /// The text that replaces it.
    pub text: String,
}

impl Query {
    /// Parses a query; an empty one matches everything.
    ///
    /// # Errors
    /// What is wrong, and at which column.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let tokens = tokens(text)?;
        if let Some(token) = tokens.get(MOST_TERMS) {
            return Err(QueryError {
                column: token.column,
                message: format!("the query is too long; it may have {MOST_TERMS} words and signs"),
            });
        }
        let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, end: text.chars().count() + 1 };
        if parser.peek().is_none() {
            return Ok(Self::default());
        }
        let root = parser.any()?;
        match parser.peek() {
            None => Ok(Self { root: Some(root) }),
            Some(token) => Err(QueryError { column: token.column, message: "there is no ( for this )".into() }),
        }
    }

    /// Whether an event matches, at this time.
    pub fn matches(&self, event: &StoredEvent, now: Timestamp) -> bool {
        self.root.as_ref().is_none_or(|term| term.matches(event, now))
    }

    /// What could stand at the cursor (a byte offset).
    pub fn complete(text: &str, cursor: usize) -> Vec<Suggestion> {
        let before = text.get(..cursor).unwrap_or(text);
        // A blank within quotes ends no word, and a dash within one negates nothing.
        let mut quoted = false;
        let mut start = 0;
        for (at, c) in before.char_indices() {
            match c {
                '"' => quoted = !quoted,
                ' ' | '(' if !quoted => start = at + 1,
                '-' if !quoted && start == at => start = at + 1,
                _ => {}
            }
        }
        let word = before.get(start..).unwrap_or_default();
        let offer = |texts: Vec<String>| {
            texts
                .into_iter()
                .filter(|text| text.len() > word.len() && text.starts_with(word))
                .map(|text| Suggestion { start, text })
                .collect()
        };
        match word.split_once(':') {
            None => offer(FIELDS.iter().map(|(name, _)| format!("{name}:")).collect()),
            Some((name, _)) => {
                let values: Vec<&str> = match name {
                    "severity" => Severity::ALL.iter().map(|(name, _)| *name).collect(),
                    "status" => Status::ALL.iter().map(|(name, _)| *name).collect(),
                    "disposition" => Disposition::ALL.iter().map(|(name, _, _)| *name).collect(),
                    "vendor" => vec!["azure-api", "wiz", "eset-protect-cloud", "management-activity", "lacework-edge"],
                    "drift" => vec!["yes", "no"],
                    "age" => vec!["<1h", "<24h", "<7d"],
                    _ => Vec::new(),
                };
                let operators = ["", ">=", "<=", "="];
                offer(values.iter().flat_map(|value| operators.iter().map(move |operator| format!("{name}:{operator}{value}"))).collect())
            }
        }
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
    fn matches(&self, event: &StoredEvent, compare: Compare, value: &str, now: Timestamp) -> bool {
        let inner = &event.event;
        let text = |have: &str| compare_text(have, compare, value);
        match self {
            Self::Severity => Severity::parse(value).map_or_else(
                || compare == Compare::Like && text(inner.severity.as_str()),
                |wanted| holds(compare, inner.severity.rank().cmp(&wanted.rank())),
            ),
            Self::Status => text(event.status.as_str()),
            Self::Vendor => text(&event.vendor),
            Self::Connection => text(&event.connection),
            Self::Type => text(&inner.event_type),
            Self::Entity => inner.entities.iter().any(|entity| text(&entity.value)),
            Self::Title => text(&inner.title),
            Self::Assignee => text(event.taken_by.as_deref().or(inner.assignee.as_deref()).unwrap_or_default()),
            Self::Disposition => text(event.disposition.map_or("", Disposition::as_str)),
            Self::Drift => text(if event.drifted() { "yes" } else { "no" }),
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

/// The moment that lies so long ago.
pub fn age_bound(value: &str, now: Timestamp) -> Option<Timestamp> {
    now.checked_sub(parse_span(value)?).ok()
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
        Compare::Like if want.contains('*') => pattern(&have, &want),
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

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Open,
    Close,
    Minus,
    Word { text: String, quoted: bool },
    Field { name: String, quoted: bool, compare: Compare, value: String, value_column: usize },
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    column: usize,
}

fn tokens(text: &str) -> Result<Vec<Token>, QueryError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    let get = |at: usize| chars.get(at).copied();
    while let Some(c) = get(at) {
        let column = at + 1;
        let kind = match c {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '(' => {
                at += 1;
                Kind::Open
            }
            ')' => {
                at += 1;
                Kind::Close
            }
            '-' if get(at + 1).is_some_and(|next| !next.is_whitespace()) => {
                at += 1;
                Kind::Minus
            }
            _ => {
                let quoted = c == '"';
                if !quoted && is_pasted(&chars, at) {
                    let text = read(&chars, &mut at, false)?;
                    tokens.push(Token { kind: Kind::Word { text, quoted: true }, column });
                    continue;
                }
                let name = read(&chars, &mut at, true)?;
                if get(at) == Some(':') {
                    at += 1;
                    let compare = operator(&chars, &mut at);
                    let value_column = at + 1;
                    if get(at).is_none_or(|c| c.is_whitespace() || c == ')') {
                        return Err(QueryError { column: value_column, message: format!("a value must follow {name}:") });
                    }
                    let value = read(&chars, &mut at, false)?;
                    Kind::Field { name, quoted, compare, value, value_column }
                } else {
                    Kind::Word { text: name, quoted }
                }
            }
        };
        tokens.push(Token { kind, column });
    }
    Ok(tokens)
}

/// Whether a word with colons is an address, a path or a link that was pasted, not a field with its value.
fn is_pasted(chars: &[char], at: usize) -> bool {
    let word: String = chars.iter().skip(at).take_while(|c| !c.is_whitespace() && !matches!(c, '(' | ')')).collect();
    let Some((name, rest)) = word.split_once(':') else { return false };
    let path = name.len() == 1 && name.chars().all(char::is_alphabetic) && rest.starts_with(['\\', '/']);
    rest.starts_with("//") || path || word.starts_with('[') || word.parse::<std::net::IpAddr>().is_ok()
}

fn operator(chars: &[char], at: &mut usize) -> Compare {
    let two = (chars.get(*at).copied(), chars.get(*at + 1).copied());
    let (compare, long) = match two {
        (Some('>'), Some('=')) => (Compare::MoreOrSame, 2),
        (Some('<'), Some('=')) => (Compare::LessOrSame, 2),
        (Some('>'), _) => (Compare::More, 1),
        (Some('<'), _) => (Compare::Less, 1),
        (Some('='), _) => (Compare::Is, 1),
        _ => (Compare::Like, 0),
    };
    *at += long;
    compare
}

/// Reads a word, or a text in quotes. A field's name ends at its colon; a value may hold colons.
fn read(chars: &[char], at: &mut usize, name: bool) -> Result<String, QueryError> {
    let start = *at;
    let mut text = String::new();
    if chars.get(*at) == Some(&'"') {
        *at += 1;
        loop {
            match chars.get(*at) {
                None => return Err(QueryError { column: start + 1, message: "this quote is not closed".into() }),
                Some('"') => {
                    *at += 1;
                    return Ok(text);
                }
                Some('\\') if matches!(chars.get(*at + 1), Some('"' | '\\')) => {
                    text.extend(chars.get(*at + 1));
                    *at += 2;
                }
                Some(c) => {
                    text.push(*c);
                    *at += 1;
                }
            }
        }
    }
    while let Some(c) = chars.get(*at) {
        if c.is_whitespace() || matches!(c, '(' | ')') || (name && *c == ':') {
            break;
        }
        text.push(*c);
        *at += 1;
    }
    if text.is_empty() {
        Err(QueryError { column: start + 1, message: "a field's name must stand before the colon".into() })
    } else {
        Ok(text)
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    end: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token { kind: Kind::Word { text, quoted: false }, .. }) if text.eq_ignore_ascii_case(word))
    }

    fn any(&mut self) -> Result<Term, QueryError> {
        let mut terms = vec![self.all()?];
        while self.is_word("or") {
            self.at += 1;
            terms.push(self.all()?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Term::Or(terms) })
    }

    fn all(&mut self) -> Result<Term, QueryError> {
        let mut terms = vec![self.one()?];
        while self.peek().is_some_and(|token| token.kind != Kind::Close) && !self.is_word("or") {
            if self.is_word("and") {
                self.at += 1;
            }
            terms.push(self.one()?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Term::And(terms) })
    }

    fn one(&mut self) -> Result<Term, QueryError> {
        if self.depth == DEEPEST {
            let column = self.peek().map_or(self.end, |token| token.column);
            return Err(QueryError { column, message: format!("the query nests deeper than {DEEPEST} levels") });
        }
        self.depth += 1;
        let term = self.single();
        self.depth -= 1;
        term
    }

    fn single(&mut self) -> Result<Term, QueryError> {
        let wrong = |column, message: &str| Err(QueryError { column, message: message.into() });
        if self.is_word("not") {
            self.at += 1;
            return Ok(Term::Not(Box::new(self.one()?)));
        }
        let Some(token) = self.peek().cloned() else { return wrong(self.end, "a term is missing here") };
        self.at += 1;
        match token.kind {
            Kind::Minus => Ok(Term::Not(Box::new(self.one()?))),
            Kind::Open => {
                let inner = self.any()?;
                match self.peek().map(|token| &token.kind) {
                    Some(Kind::Close) => {
                        self.at += 1;
                        Ok(inner)
                    }
                    _ => wrong(token.column, "this ( is not closed"),
                }
            }
            Kind::Close => wrong(token.column, "a term is missing before this )"),
            Kind::Word { text, quoted: false } if text.eq_ignore_ascii_case("or") => wrong(token.column, "a term is missing before or"),
            Kind::Word { text, .. } if needle(&text).is_empty() => {
                wrong(token.column, &format!("{text:?} has no letter and no digit to look for"))
            }
            Kind::Word { text, .. } => Ok(Term::Word(text)),
            Kind::Field { name, quoted, compare, value, value_column } => field(name, quoted, compare, value, token.column, value_column),
        }
    }
}

fn field(name: String, quoted: bool, compare: Compare, value: String, column: usize, value_column: usize) -> Result<Term, QueryError> {
    let found = FIELDS.iter().find(|(known, _)| !quoted && known.eq_ignore_ascii_case(&name)).map(|(_, field)| field.clone());
    let ordered = !matches!(compare, Compare::Like | Compare::Is);
    let wrong = |message: String| Err(QueryError { column: value_column, message });
    match &found {
        Some(Field::Severity)
            if Severity::parse(&value).is_none()
                && (ordered || !Severity::ALL.iter().any(|(known, _)| compare_text(known, compare, &value))) =>
        {
            return wrong(format!("{value} is not a severity; there are critical, high, medium, low, informational, unknown"));
        }
        Some(Field::Age) if parse_span(&value).is_none() => return wrong(format!("{value} is not a span; give 30m, 24h or 7d")),
        Some(Field::Occurred) if parse_time(&value, Timestamp::UNIX_EPOCH).is_none() => {
            return wrong(format!("{value} is not a time; give 2026-03-01, \"2026-03-01 10:00\" or -24h"));
        }
        // A mapped field's name may be one word; in lower case and without quotes it is more likely a slip.
        None if !quoted && name.chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
            let known: Vec<_> = FIELDS.iter().map(|(known, _)| *known).filter(|known| *known != "time").collect();
            return Err(QueryError {
                column,
                message: format!("{name} is not a field; there are {}, and mapped fields in quotes", known.join(", ")),
            });
        }
        _ => {}
    }
    Ok(Term::Field(found.unwrap_or(Field::Mapped(name)), compare, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::entity::Entity;
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
            "age:<1h",
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
    fn errors_point_at_the_column() {
        for (query, column) in [
            ("(a", 1),
            ("a )", 3),
            ("severity:bad", 10),
            ("a \"b", 3),
            ("sevrity:high", 1),
            ("age:<soon", 6),
            ("title:", 7),
            ("a or", 5),
            ("not", 4),
            ("Severity:>nonsense", 11),
            ("a - b", 3),
            ("a \"\"", 3),
        ] {
            assert_eq!(Query::parse(query).unwrap_err().column, column, "{query}");
        }
    }

    #[test]
    fn completion_offers_fields_and_values() {
        let texts = |text: &str| Query::complete(text, text.len()).into_iter().map(|one| one.text).collect::<Vec<_>>();
        assert_eq!(texts("a sev"), ["severity:"]);
        assert!(texts("severity:h").contains(&"severity:high".to_owned()));
        assert_eq!(Query::complete("a -ven", 6).first().map(|one| one.start), Some(3));
        assert_eq!(texts("(vendor:eset-p"), ["vendor:eset-protect-cloud"]);
        assert!(texts("\"a sev").is_empty());
    }
    #[test]
    fn a_pasted_address_path_or_link_is_a_word() {
        for text in ["https://evil.example/a?b=c", "2001:db8::1", "::1", "C:\\Windows\\a.exe", "[2001:db8::1]:443"] {
            assert_eq!(Query::parse(text).unwrap().root, Some(Term::Word(text.into())), "{text}");
            assert_eq!(Query::parse(&format!("-{text}")).unwrap().root, Some(Term::Not(Box::new(Term::Word(text.into())))), "{text}");
        }
        assert!(matches!(Query::parse("age:<1h").unwrap().root, Some(Term::Field(Field::Age, ..))));
    }

    #[test]
    fn a_query_too_deep_or_too_long_is_refused() {
        for text in ["(".repeat(100_000), "-".repeat(100_000) + "a", "not ".repeat(100_000) + "a", "a ".repeat(10_000)] {
            let message = Query::parse(&text).unwrap_err().message;
            assert!(message.contains("deeper than") || message.contains("too long"), "{message}");
        }
        let deep = format!("{}a{}", "(".repeat(100), ")".repeat(100));
        assert!(Query::parse(&deep).unwrap_err().message.contains("deeper than"));
        assert!(Query::parse(&format!("{}a{}", "(".repeat(40), ")".repeat(40))).is_ok());
    }
}
