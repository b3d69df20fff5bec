//! The part of OData that the client uses: `$filter`, `$select`, `$orderby`, `$top`, `$skip`, `$count`, `$expand`.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A condition on a record.
#[derive(Debug, PartialEq)]
pub enum Filter {
    /// Both hold.
    And(Box<Filter>, Box<Filter>),
    /// One holds.
    Or(Box<Filter>, Box<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// A property compared with a value.
    Compare(Vec<String>, String, Value),
    /// A property that is one of the values.
    In(Vec<String>, Vec<Value>),
    /// `startswith`, `endswith` or `contains`.
    Text(String, Vec<String>, String),
    /// Some element of a collection fits.
    Any(Vec<String>, Box<Filter>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next() {
                        Some('\'') if chars.peek() == Some(&'\'') => {
                            chars.next();
                            value.push('\'');
                        }
                        Some('\'') => break,
                        Some(c) => value.push(c),
                        None => return Err("There is an unterminated string literal".into()),
                    }
                }
                out.push(Token::Text(value));
            }
            '(' | ')' | ',' => out.push(Token::Sign(c)),
            c => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | ',' | '\'')) {
                    word.push(c);
                }
                out.push(Token::Word(word));
            }
        }
    }
    Ok(out)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word(&mut self, word: &str) -> bool {
        let hit = matches!(self.peek(), Some(Token::Word(have)) if have == word);
        self.at += usize::from(hit);
        hit
    }

    fn sign(&mut self, sign: char) -> Result<(), String> {
        match self.next() {
            Some(Token::Sign(have)) if have == sign => Ok(()),
            other => Err(format!("expected '{sign}', found {other:?}")),
        }
    }

    fn either(&mut self) -> Result<Filter, String> {
        let mut left = self.both()?;
        while self.word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Filter, String> {
        let mut left = self.single()?;
        while self.word("and") {
            left = Filter::And(Box::new(left), Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Filter, String> {
        if self.word("not") {
            return Ok(Filter::Not(Box::new(self.single()?)));
        }
        match self.next() {
            Some(Token::Sign('(')) => {
                let inside = self.either()?;
                self.sign(')')?;
                Ok(inside)
            }
            Some(Token::Word(word)) if matches!(word.as_str(), "startswith" | "endswith" | "contains") => {
                self.sign('(')?;
                let path = self.path()?;
                self.sign(',')?;
                let Some(Token::Text(value)) = self.next() else { return Err(format!("{word} needs a text")) };
                self.sign(')')?;
                Ok(Filter::Text(word, path, value))
            }
            Some(Token::Word(word)) if word.ends_with("/any") && self.peek() == Some(&Token::Sign('(')) => self.any(&word),
            Some(Token::Word(word)) => self.comparison(path(&word)),
            other => Err(format!("unexpected {other:?}")),
        }
    }

    fn any(&mut self, word: &str) -> Result<Filter, String> {
        self.sign('(')?;
        let Some(Token::Word(lambda)) = self.next() else { return Err("any needs a variable".into()) };
        let Some((variable, rest)) = lambda.split_once(':') else { return Err("any needs a variable and a colon".into()) };
        if !rest.is_empty() {
            self.at -= 1;
            if let Some(token) = self.tokens.get_mut(self.at) {
                *token = Token::Word(rest.to_owned());
            }
        }
        let inner = self.either()?;
        self.sign(')')?;
        Ok(Filter::Any(path(word.trim_end_matches("/any")), Box::new(unbind(inner, variable))))
    }

    fn path(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            Some(Token::Word(word)) => Ok(path(&word)),
            other => Err(format!("expected a property, found {other:?}")),
        }
    }

    fn comparison(&mut self, path: Vec<String>) -> Result<Filter, String> {
        let Some(Token::Word(operator)) = self.next() else { return Err("expected an operator".into()) };
        match operator.as_str() {
            "eq" | "ne" | "gt" | "ge" | "lt" | "le" => Ok(Filter::Compare(path, operator, self.value()?)),
            "in" => {
                self.sign('(')?;
                let mut values = vec![self.value()?];
                while self.peek() == Some(&Token::Sign(',')) {
                    self.next();
                    values.push(self.value()?);
                }
                self.sign(')')?;
                Ok(Filter::In(path, values))
            }
            _ => Err(format!("unknown operator {operator}")),
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text.into()),
            Some(Token::Word(word)) => Ok(serde_json::from_str(&word).unwrap_or_else(|_| Value::String(word))),
            other => Err(format!("expected a value, found {other:?}")),
        }
    }
}

fn path(word: &str) -> Vec<String> {
    word.split('/').map(str::to_owned).collect()
}

/// Takes the lambda's variable off the paths inside it: the element itself is the empty path.
fn unbind(filter: Filter, variable: &str) -> Filter {
    let off = |mut path: Vec<String>| {
        if path.first().is_some_and(|first| first == variable) {
            path.remove(0);
        }
        path
    };
    match filter {
        Filter::And(a, b) => Filter::And(Box::new(unbind(*a, variable)), Box::new(unbind(*b, variable))),
        Filter::Or(a, b) => Filter::Or(Box::new(unbind(*a, variable)), Box::new(unbind(*b, variable))),
        Filter::Not(a) => Filter::Not(Box::new(unbind(*a, variable))),
        Filter::Compare(path, operator, value) => Filter::Compare(off(path), operator, value),
        Filter::In(path, values) => Filter::In(off(path), values),
        Filter::Text(kind, path, value) => Filter::Text(kind, off(path), value),
        Filter::Any(path, inner) => Filter::Any(off(path), inner),
    }
}

/// Reads a `$filter`.
pub fn parse(text: &str) -> Result<Filter, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let filter = parser.either()?;
    match parser.peek() {
        None => Ok(filter),
        Some(token) => Err(format!("unexpected {token:?} at the end")),
    }
}

fn at<'a>(record: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(record, |value, name| value.get(name).unwrap_or(&Value::Null))
}

fn compare(have: &Value, want: &Value) -> Option<Ordering> {
    match (have, want) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => match (a.parse::<Timestamp>(), b.parse::<Timestamp>()) {
            (Ok(a), Ok(b)) => Some(a.cmp(&b)),
            _ => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        },
        _ => None,
    }
}

impl Filter {
    /// The properties that it goes by, as they begin.
    pub fn properties(&self) -> Vec<&str> {
        match self {
            Self::And(a, b) | Self::Or(a, b) => [a.properties(), b.properties()].concat(),
            Self::Not(a) => a.properties(),
            Self::Compare(path, ..) | Self::In(path, _) | Self::Text(_, path, _) | Self::Any(path, _) => {
                path.first().map(String::as_str).into_iter().collect()
            }
        }
    }

    /// Whether a record fits.
    pub fn fits(&self, record: &Value) -> bool {
        match self {
            Self::And(a, b) => a.fits(record) && b.fits(record),
            Self::Or(a, b) => a.fits(record) || b.fits(record),
            Self::Not(a) => !a.fits(record),
            Self::Compare(path, operator, want) => {
                let order = compare(at(record, path), want);
                match operator.as_str() {
                    "eq" => order == Some(Ordering::Equal),
                    "ne" => order != Some(Ordering::Equal),
                    "gt" => order == Some(Ordering::Greater),
                    "ge" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                    "lt" => order == Some(Ordering::Less),
                    _ => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                }
            }
            Self::In(path, values) => values.iter().any(|want| compare(at(record, path), want) == Some(Ordering::Equal)),
            Self::Text(kind, path, want) => at(record, path).as_str().is_some_and(|have| {
                let (have, want) = (have.to_lowercase(), want.to_lowercase());
                match kind.as_str() {
                    "startswith" => have.starts_with(&want),
                    "endswith" => have.ends_with(&want),
                    _ => have.contains(&want),
                }
            }),
            Self::Any(path, inner) => at(record, path).as_array().is_some_and(|items| items.iter().any(|item| inner.fits(item))),
        }
    }
}

/// Only the properties asked for, in the order asked; without a list, all that are not hidden.
pub fn select(record: &Value, names: Option<&str>) -> Value {
    let Value::Object(record) = record else { return record.clone() };
    let mut out = Map::new();
    match names {
        None => out.extend(record.iter().filter(|(name, _)| !name.starts_with('_')).map(|(name, value)| (name.clone(), value.clone()))),
        Some(names) => {
            for name in std::iter::once("id").chain(names.split(',').map(str::trim)) {
                if let Some(value) = record.get(name).filter(|_| !name.starts_with('_')) {
                    out.insert(name.to_owned(), value.clone());
                }
            }
        }
    }
    Value::Object(out)
}

/// Sorts by `property [asc|desc]`.
pub fn order(records: &mut [Value], by: &str) {
    let mut words = by.split_whitespace();
    let path = path(words.next().unwrap_or_default());
    let down = words.next() == Some("desc");
    records.sort_by(|a, b| {
        let order = compare(at(a, &path), at(b, &path)).unwrap_or(Ordering::Equal);
        if down { order.reverse() } else { order }
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_of_the_templates_are_understood() {
        let record = json!({
            "userPrincipalName": "dana@x.example", "createdDateTime": "2030-03-02T08:15:00Z", "status": {"errorCode": 50126},
            "signInEventTypes": ["interactiveUser"], "title": "it's"
        });
        for (filter, fits) in [
            ("userPrincipalName eq 'DANA@x.example' and createdDateTime ge 2030-03-02T00:00:00Z", true),
            ("createdDateTime lt 2030-03-02T00:00:00Z", false),
            ("status/errorCode eq 50126 or status/errorCode eq 50053", true),
            ("status/errorCode in (50053, 50076)", false),
            ("signInEventTypes/any(t:t eq 'interactiveUser')", true),
            ("signInEventTypes/any(t: t eq 'nonInteractiveUser')", false),
            ("not (title eq 'it''s')", false),
            ("startswith(title,'it')", true),
        ] {
            assert_eq!(parse(filter).unwrap().fits(&record), fits, "{filter}");
        }
        for wrong in ["userPrincipalName", "a eq 'x", "a like 'x'", "a eq 1 b eq 2"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
