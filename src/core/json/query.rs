//! Picking values out of a document by JSONPath (RFC 9535).
//!
//! Names, indexes, wildcards, slices and `..` are read straight from the bytes, at any size. Anything else (filters) goes
//! through a full implementation, which needs a tree of values and so a document of at most [`TREE_LIMIT`] bytes.

use super::document::{Document, Kind, Node};
use super::path::{Part, bare_name, quoted};

/// The largest document that is turned into a tree of values for a filter.
pub const TREE_LIMIT: usize = 8 * 1024 * 1024;

/// Why a query could not be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// It is no JSONPath.
    Syntax(String),
    /// Filters over a document as large as this one.
    TooLarge,
    /// Filters need a whole document, nested at most 127 levels.
    NotWhole,
}

impl std::fmt::Display for QueryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syntax(what) => write!(f, "not a JSONPath: {what}"),
            Self::TooLarge => write!(
                f,
                "filters [?…] work on documents up to {} MiB; this one takes names, indexes, slices, * and ..",
                TREE_LIMIT / 1024 / 1024
            ),
            Self::NotWhole => f.write_str("filters [?…] need a whole document, nested at most 127 levels"),
        }
    }
}

impl std::error::Error for QueryError {}

/// The values a query picks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// In the order of RFC 9535.
    pub nodes: Vec<Node>,
    /// There are more than were asked for.
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    Name(String),
    Index(i64),
    Every,
    Slice(Option<i64>, Option<i64>, i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    descend: bool,
    selectors: Vec<Selector>,
}

impl Document {
    /// The values that `path` picks, at most `most`. A missing `$` is put in front. Reads what the path leads through:
    /// off the loop for a large document.
    pub fn select(&self, path: &str, most: usize) -> Result<Picked, QueryError> {
        let path = path.trim();
        let full = match path.as_bytes().first() {
            Some(b'$') => path.to_owned(),
            Some(b'.' | b'[') => format!("${path}"),
            _ => format!("$.{path}"),
        };
        match full.get(1..).and_then(segments) {
            Some(segments) => Ok(self.walk(&segments, most)),
            None => self.filter(&full, most),
        }
    }

    fn walk(&self, segments: &[Segment], most: usize) -> Picked {
        let mut nodes: Vec<Node> = self.root().into_iter().collect();
        for (at, segment) in segments.iter().enumerate() {
            // Only the last segment may stop early: an earlier one may pick much that leads nowhere.
            let limit = if at + 1 == segments.len() { most.saturating_add(1) } else { usize::MAX };
            let mut next = Vec::new();
            for node in nodes {
                self.apply(node, segment, limit, &mut next);
                if next.len() >= limit {
                    break;
                }
            }
            nodes = next;
        }
        let more = nodes.len() > most;
        nodes.truncate(most);
        Picked { nodes, more }
    }

    fn apply(&self, node: Node, segment: &Segment, limit: usize, out: &mut Vec<Node>) {
        self.pick(node, &segment.selectors, out);
        if !segment.descend {
            return;
        }
        let mut levels = vec![self.children(node)];
        while let Some(level) = levels.last_mut() {
            match level.next() {
                None => {
                    levels.pop();
                }
                Some(child) if self.is_container(child.node) => {
                    self.pick(child.node, &segment.selectors, out);
                    if out.len() >= limit {
                        return;
                    }
                    levels.push(self.children(child.node));
                }
                Some(_) => {}
            }
        }
    }

    fn pick(&self, node: Node, selectors: &[Selector], out: &mut Vec<Node>) {
        for selector in selectors {
            match selector {
                Selector::Name(name) => out.extend(self.member(node, name)),
                Selector::Every => out.extend(self.children(node).map(|child| child.node)),
                Selector::Index(index) => out.extend(self.element(node, *index)),
                Selector::Slice(from, to, step) if self.kind(node) == Kind::Array => {
                    let numbers = slice(self.count(node), *from, *to, *step);
                    out.extend(numbers.into_iter().filter_map(|number| self.child_at(node, number)).map(|child| child.node));
                }
                Selector::Slice(..) => {}
            }
        }
    }

    fn element(&self, node: Node, index: i64) -> Option<Node> {
        if self.kind(node) != Kind::Array {
            return None;
        }
        let number = match usize::try_from(index) {
            Ok(number) => number,
            Err(_) => self.count(node).checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
        };
        self.child_at(node, number).map(|child| child.node)
    }

    fn filter(&self, path: &str, most: usize) -> Result<Picked, QueryError> {
        let query = serde_json_path::JsonPath::parse(path).map_err(|error| QueryError::Syntax(error.to_string()))?;
        if self.bytes().len() > TREE_LIMIT {
            return Err(QueryError::TooLarge);
        }
        let value: serde_json::Value = serde_json::from_slice(self.bytes()).map_err(|_| QueryError::NotWhole)?;
        let mut nodes = Vec::new();
        let mut more = false;
        for located in query.query_located(&value) {
            if nodes.len() == most {
                more = true;
                break;
            }
            let parts: Vec<Part> = located
                .location()
                .iter()
                .map(|part| match part {
                    serde_json_path::PathElement::Name(name) => Part::Key((*name).to_owned()),
                    serde_json_path::PathElement::Index(index) => Part::Index(*index),
                })
                .collect();
            nodes.extend(self.lookup_parts(&parts));
        }
        Ok(Picked { nodes, more })
    }
}

/// The numbers of RFC 9535 section 2.3.4.2.2.
fn slice(count: usize, from: Option<i64>, to: Option<i64>, step: i64) -> Vec<usize> {
    let Ok(count) = i64::try_from(count) else { return Vec::new() };
    let normal = |at: i64| if at >= 0 { at } else { count.saturating_add(at) };
    let mut numbers = Vec::new();
    if step > 0 {
        let (mut at, end) = (normal(from.unwrap_or(0)).clamp(0, count), normal(to.unwrap_or(count)).clamp(0, count));
        while at < end {
            numbers.extend(usize::try_from(at));
            at = at.saturating_add(step);
        }
    } else if step < 0 {
        let mut at = normal(from.unwrap_or(count - 1)).clamp(-1, count - 1);
        let end = to.map_or(-1, |to| normal(to).clamp(-1, count - 1));
        while at > end {
            numbers.extend(usize::try_from(at));
            at = at.saturating_add(step);
        }
    }
    numbers
}

/// `None`: not in the part of the language that is read here.
fn segments(mut rest: &str) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    while !rest.is_empty() {
        let dots = rest.len() - rest.trim_start_matches('.').len();
        rest = rest.get(dots..)?;
        let (descend, bare) = match dots {
            0 => (false, false),
            1 => (false, true),
            2 => (true, !rest.starts_with('[')),
            _ => return None,
        };
        let (selectors, tail) = if bare { shorthand(rest)? } else { bracketed(rest.strip_prefix('[')?)? };
        segments.push(Segment { descend, selectors });
        rest = tail;
    }
    Some(segments)
}

fn shorthand(text: &str) -> Option<(Vec<Selector>, &str)> {
    let (name, tail) = bare_name(text);
    let fits = |c: char| c == '_' || c == '-' || c.is_alphanumeric();
    match name {
        "*" => Some((vec![Selector::Every], tail)),
        // A hyphen or a leading digit is not RFC 9535, but vendors' own paths have them.
        name if !name.is_empty() && name.chars().all(fits) => Some((vec![Selector::Name(name.to_owned())], tail)),
        _ => None,
    }
}

fn bracketed(mut rest: &str) -> Option<(Vec<Selector>, &str)> {
    let mut selectors = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.starts_with(['"', '\'']) {
            let (name, tail) = quoted(rest)?;
            selectors.push(Selector::Name(name));
            rest = tail;
        } else {
            let end = rest.find([',', ']'])?;
            selectors.push(number_selector(rest.get(..end)?.trim())?);
            rest = rest.get(end..)?;
        }
        rest = rest.trim_start();
        if let Some(tail) = rest.strip_prefix(']') {
            return Some((selectors, tail));
        }
        rest = rest.strip_prefix(',')?;
    }
}

fn number_selector(text: &str) -> Option<Selector> {
    if text == "*" {
        return Some(Selector::Every);
    }
    if !text.contains(':') {
        return integer(text).map(Selector::Index);
    }
    let mut parts = text.split(':').map(str::trim);
    let mut part = || match parts.next() {
        None | Some("") => Some(None),
        Some(digits) => integer(digits).map(Some),
    };
    let (from, to, step) = (part()?, part()?, part()?);
    parts.next().is_none().then_some(Selector::Slice(from, to, step.unwrap_or(1)))
}

/// As RFC 9535 writes them: no plus, no leading nought, no minus nought, within ±(2⁵³ − 1).
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !digits.starts_with('0'));
    text.parse().ok().filter(|value: &i64| plain && value.unsigned_abs() < 1 << 53)
}
