//! The name of a value: a JSONPath of RFC 9535 that finds it again.

use super::document::{Document, Node};
use super::text::push_quoted;

/// One part of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// A member.
    Key(String),
    /// An element.
    Index(usize),
}

/// Writes a path: `$.a[3]["odd key"]`.
pub fn write(parts: &[Part]) -> String {
    let mut out = String::from("$");
    push_parts(&mut out, parts);
    out
}

pub(super) fn push_parts(out: &mut String, parts: &[Part]) {
    for part in parts {
        match part {
            Part::Index(index) => {
                out.push('[');
                out.push_str(&index.to_string());
                out.push(']');
            }
            Part::Key(key) if is_plain(key) => {
                out.push('.');
                out.push_str(key);
            }
            Part::Key(key) => {
                out.push('[');
                push_quoted(out, key, '"');
                out.push(']');
            }
        }
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && !key.starts_with(|c: char| c.is_ascii_digit()) && key.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
}

/// Reads a path that names one value: keys and indexes only. A leading `$` may be missing.
pub fn read(text: &str) -> Option<Vec<Part>> {
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    let mut parts = Vec::new();
    if !rest.is_empty() && !rest.starts_with(['.', '[']) {
        let (name, tail) = bare_name(rest);
        parts.push(Part::Key(name.to_owned()));
        rest = tail;
    }
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('.') {
            let (name, tail) = bare_name(tail);
            if name.is_empty() {
                return None;
            }
            parts.push(Part::Key(name.to_owned()));
            rest = tail;
        } else {
            let (part, tail) = bracket(rest.strip_prefix('[')?)?;
            parts.push(part);
            rest = tail;
        }
    }
    Some(parts)
}

pub(super) fn bare_name(text: &str) -> (&str, &str) {
    text.split_at(text.find(['.', '[']).unwrap_or(text.len()))
}

fn bracket(text: &str) -> Option<(Part, &str)> {
    if text.starts_with(['"', '\'']) {
        let (key, tail) = quoted(text)?;
        return Some((Part::Key(key), tail.strip_prefix(']')?));
    }
    let (digits, tail) = text.split_once(']')?;
    Some((Part::Index(digits.parse().ok()?), tail))
}

/// A string in either kind of quotes, and what comes after it.
pub(super) fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next()?;
    let body = text.get(1..)?;
    let mut escaped = false;
    let close = body.char_indices().find_map(|(at, letter)| {
        let closes = letter == quote && !escaped;
        escaped = letter == '\\' && !escaped;
        closes.then_some(at)
    })?;
    Some((super::text::unescape(body.get(..close)?.as_bytes()).into_owned(), body.get(close + 1..)?))
}

impl Document {
    /// The parts of a value's path.
    pub fn parts(&self, node: Node) -> Vec<Part> {
        let trail = self.trail(node);
        trail.iter().skip(1).map(|step| self.key(step.node).map_or(Part::Index(step.ordinal), |key| Part::Key(key.into_owned()))).collect()
    }

    /// The path of a value: `$.a[3]["odd key"]`.
    pub fn path(&self, node: Node) -> String {
        write(&self.parts(node))
    }

    /// The value at a path of keys and indexes.
    pub fn lookup(&self, path: &str) -> Option<Node> {
        self.lookup_parts(&read(path)?)
    }

    /// The value at these parts.
    pub fn lookup_parts(&self, parts: &[Part]) -> Option<Node> {
        parts.iter().try_fold(self.root()?, |here, part| match part {
            Part::Key(key) => self.member(here, key),
            Part::Index(index) if !self.is_object(here) => self.child_at(here, *index).map(|child| child.node),
            Part::Index(_) => None,
        })
    }
}
