//! From text to a query.

use jiff::Timestamp;

use super::{Compare, FIELDS, Field, Query, QueryError, Term, compare_text};
use crate::core::catalogue::{parse_span, parse_time};
use crate::core::search::needle;

/// Levels of parentheses and negations that a query may nest.
const DEEPEST: usize = 64;
/// Terms that a query may have; the store's database bounds how long a condition may be.
const MOST_TERMS: usize = 500;

/// Parses a query; an empty one matches everything.
///
/// # Errors
/// What is wrong, and at which column.
pub fn query(text: &str) -> Result<Query, QueryError> {
    let tokens = tokens(text)?;
    if let Some(token) = tokens.get(MOST_TERMS) {
        return Err(QueryError {
            column: token.column,
            message: format!("the query is too long; it may have {MOST_TERMS} words and signs"),
        });
    }
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, end: text.chars().count() + 1 };
    if parser.peek().is_none() {
        return Ok(Query::default());
    }
    let root = parser.any()?;
    match parser.peek() {
        None => Ok(Query { root: Some(root) }),
        Some(token) => Err(QueryError { column: token.column, message: "there is no ( for this )".into() }),
    }
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
    let wrong = |message: String| Err(QueryError { column: value_column, message });
    // What nobody has judged has an empty disposition.
    let none = found == Some(Field::Disposition) && value.is_empty();
    if let Some((kind, members)) = found.as_ref().and_then(Field::members)
        && !(none || fits(&members, compare, &value))
    {
        return wrong(format!("{value} is not a {kind}; there are {}", members.join(", ")));
    }
    match &found {
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

/// Whether a value of which there are only these can be meant: it equals or begins one, or is a pattern that one fits. An order needs one whole.
fn fits(members: &[&str], compare: Compare, value: &str) -> bool {
    let compare = if compare == Compare::Like { Compare::Like } else { Compare::Is };
    members.iter().any(|known| compare_text(known, compare, value))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("status:open", 8),
            ("status:in-progress", 8),
            ("-status:=clo", 10),
            ("a disposition:fp", 15),
            ("disposition:*x*", 13),
            ("drift:maybe", 7),
            ("drift:=y", 8),
            ("status:>clo", 9),
            ("a - b", 3),
            ("a \"\"", 3),
        ] {
            assert_eq!(Query::parse(query).unwrap_err().column, column, "{query}");
        }
    }

    #[test]
    fn a_value_that_no_event_can_have_is_told_the_ones_there_are() {
        for (query, told) in [
            ("status:open", "open is not a status; there are new, in_progress, closed"),
            ("drift:maybe", "maybe is not a drift; there are yes, no"),
            ("severity:bad", "bad is not a severity; there are critical, high, medium, low, informational, unknown"),
        ] {
            assert_eq!(Query::parse(query).unwrap_err().message, told, "{query}");
        }
        for query in
            ["status:clo*", "status:N", "severity:hi", "disposition:false", "disposition:*", "disposition:=\"\"", "-assignee:*", "drift:y"]
        {
            assert!(Query::parse(query).is_ok(), "{query}");
        }
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
