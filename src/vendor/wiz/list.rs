//! Lists: paged to their end, and cut into stretches of time where there are more than one query gives.
//!
//! A query gives at most 10,000 results over all its pages (vendors/wiz.md §2), and says so nowhere; the count that comes with the first
//! page tells when a stretch must be halved.

use std::collections::{HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::api::{Document, Refused, call};
use crate::core::talk::Talk;

/// The most nodes of one page (vendors/wiz.md §2).
pub const PAGE: usize = 500;
/// The most results of one query. Where there are so many, there may be more: the count itself may be cut off there.
const QUERY_CAP: usize = 10_000;
/// The most results that are surely all of them.
pub const WHOLE: usize = QUERY_CAP - 1;
/// Pages without a node that are followed before the list counts as broken.
const EMPTY_PAGES: usize = 3;
/// The smallest page that is tried when the API calls a query too complex.
const LEAST_PAGE: usize = 25;

/// A list that can be asked for.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// The query.
    pub document: Document,
    /// Where in `data` its connection stands.
    pub root: &'static str,
    /// Name for people: `issues`.
    pub title: &'static str,
    /// Nodes asked for in a page.
    pub page: usize,
}

/// What one walk over a list gave.
#[derive(Debug, Default)]
pub struct Walk {
    /// Its nodes, each once.
    pub nodes: Vec<Value>,
    /// How many there are by the API's count, where it gave one.
    pub total: Option<usize>,
}

/// Why a walk ended early.
#[derive(Debug)]
pub enum Stopped {
    /// There are too many for one walk.
    TooMany(usize),
    /// It failed.
    Failed(Box<Refused>),
}

impl List {
    /// Walks the whole list, unless its first page says that there are more than `most`.
    pub async fn walk(&self, talk: &Talk, indicator: &str, filter: &Map<String, Value>, most: usize) -> Result<Walk, Stopped> {
        let mut walk = Walk::default();
        let mut seen: HashSet<String> = HashSet::new();
        let mut cursors: HashSet<String> = HashSet::new();
        let (mut after, mut first, mut page, mut empty, mut come) = (Value::Null, self.page, 1, 0, 0_usize);
        if talk.planning() {
            self.plan(talk, filter, 1);
            return Ok(walk);
        }
        loop {
            let purpose = format!("page {page} of {}", self.title);
            let data = match call(talk, indicator, self.document, variables(filter, first, &after), &purpose).await {
                Ok(data) => data,
                Err(refused) if refused.code == "QUERY_COMPLEXITY_LIMIT_EXCEEDED" && first > LEAST_PAGE => {
                    first = (first / 2).max(LEAST_PAGE);
                    continue;
                }
                Err(refused) => return Err(Stopped::Failed(Box::new(refused))),
            };
            let read = Page::read(&data, self.root).map_err(|why| {
                let message = format!("Page {page} of the {} makes no sense: {why}.", self.title);
                Stopped::Failed(Box::new(Refused::nonsense(indicator, message, data.clone())))
            })?;
            if page == 1 {
                walk.total = read.total;
                if let Some(total) = read.total.filter(|total| *total > most) {
                    return Err(Stopped::TooMany(total));
                }
            }
            come += read.nodes.len();
            empty = if read.nodes.is_empty() { empty + 1 } else { 0 };
            // Records come twice when the list moves under the walk; the first of them is as good as the second.
            for node in read.nodes {
                let id = node.get("id").and_then(Value::as_str).map(str::to_owned);
                if id.is_none_or(|id| seen.insert(id)) {
                    walk.nodes.push(node);
                }
            }
            if come > WHOLE {
                return Err(Stopped::TooMany(come));
            }
            let Some(cursor) = read.next else { return Ok(walk) };
            let broken = if cursor.is_empty() {
                Some("there is a next page, but no cursor to it")
            } else if !cursors.insert(cursor.clone()) {
                Some("its cursor leads back to a page that was read already")
            } else if empty >= EMPTY_PAGES {
                Some("several pages in a row are empty")
            } else {
                None
            };
            if let Some(why) = broken {
                let message = format!("Page {page} of the {} makes no sense: {why}.", self.title);
                return Err(Stopped::Failed(Box::new(Refused::nonsense(indicator, message, Value::Null))));
            }
            if come >= most {
                return Err(Stopped::TooMany(come + 1));
            }
            if page % 5 == 0 {
                talk.progress(format!("{come} {} read", self.title), come, walk.total).await;
            }
            after = Value::from(cursor);
            page += 1;
        }
    }

    /// What a dry run shows: the first page as request number `step`, and the next one as far as it is known.
    pub fn plan(&self, talk: &Talk, filter: &Map<String, Value>, step: usize) {
        let request = |after: Value, purpose: String| self.document.request(&variables(filter, self.page, &after), purpose);
        talk.plan(request(Value::Null, format!("page 1 of {}", self.title)));
        let next = Value::from(format!("<from step {step}: data.{}.pageInfo.endCursor, while hasNextPage is true>", self.root));
        talk.plan(request(next, format!("page 2 of {}, and so on", self.title)).depends_on(step));
    }
}

/// The variables of one page.
fn variables(filter: &Map<String, Value>, first: usize, after: &Value) -> Value {
    json!({"filterBy": filter, "first": first, "after": after})
}

struct Page {
    nodes: Vec<Value>,
    /// The cursor, where there is a next page.
    next: Option<String>,
    total: Option<usize>,
}

impl Page {
    fn read(data: &Value, root: &str) -> Result<Self, &'static str> {
        let list = data.get(root).and_then(Value::as_object).ok_or("the list is missing")?;
        let nodes = list.get("nodes").and_then(Value::as_array).ok_or("it has no nodes")?.clone();
        if nodes.iter().any(|node| !node.is_object()) {
            return Err("a node is not an object");
        }
        let info = list.get("pageInfo").and_then(Value::as_object).ok_or("it has no pageInfo")?;
        let more = info.get("hasNextPage").and_then(Value::as_bool).ok_or("pageInfo does not say whether there are more")?;
        let cursor = || info.get("endCursor").and_then(Value::as_str).unwrap_or_default().to_owned();
        let total = list.get("totalCount").and_then(Value::as_u64).and_then(|total| usize::try_from(total).ok());
        Ok(Self { nodes, next: more.then(cursor), total })
    }
}

/// From which end stretches of time are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Oldest first.
    Oldest,
    /// Newest first.
    Newest,
}

/// Stretches of time still to be read, in order.
#[derive(Debug)]
pub struct Stretches {
    left: VecDeque<(Timestamp, Timestamp)>,
    end: From,
}

impl Stretches {
    /// One stretch, from `from` (inclusive) to `to` (exclusive).
    pub fn new(from: Timestamp, to: Timestamp, end: From) -> Self {
        Self { left: VecDeque::from([(from, to)]), end }
    }

    /// The next stretch.
    pub fn next(&mut self) -> Option<(Timestamp, Timestamp)> {
        match self.end {
            From::Oldest => self.left.pop_front(),
            From::Newest => self.left.pop_back(),
        }
    }

    /// Puts a stretch that holds `total` records back in parts that hold about `most` each. Says whether it can be cut: not below half
    /// a second.
    pub fn cut(&mut self, (from, to): (Timestamp, Timestamp), total: usize, most: usize) -> bool {
        let parts = i32::try_from((total / most.max(1) + 1).clamp(2, 64)).unwrap_or(2);
        let step = to.duration_since(from).checked_div(parts).filter(|step| *step >= SignedDuration::from_millis(500));
        let Some(step) = step else { return false };
        let edges: Vec<Timestamp> = (0..parts).map(|n| from + step * n).chain([to]).collect();
        let pieces = edges.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?)));
        match self.end {
            From::Oldest => pieces.rev().for_each(|piece| self.left.push_front(piece)),
            From::Newest => self.left.extend(pieces),
        }
        true
    }
}

/// Bounds of a time filter that lets pass what lies in `[from, to)`: both bounds of the API are exclusive, so the lower one is a
/// microsecond earlier.
pub fn bounds(from: Timestamp, to: Timestamp) -> Value {
    json!({"after": (from - SignedDuration::from_micros(1)).to_string(), "before": to.to_string()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_cut_without_a_gap_and_not_below_a_second() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for end in [From::Oldest, From::Newest] {
            let mut stretches = Stretches::new(at(0), at(1_000), end);
            let whole = stretches.next().unwrap();
            assert!(stretches.cut(whole, 25_000, 2_000));
            let mut parts: Vec<_> = std::iter::from_fn(|| stretches.next()).collect();
            assert_eq!(parts[0].0 == at(0), end == From::Oldest);
            parts.sort();
            assert_eq!((parts[0].0, parts.last().unwrap().1, parts.len()), (at(0), at(1_000), 13));
            assert!(parts.windows(2).all(|pair| pair[0].1 == pair[1].0));
            assert!(!stretches.cut((at(0), at(1)), 1_000_000, 2_000));
        }
    }

    #[test]
    fn pages_that_make_no_sense_are_refused() {
        let page = |list: Value| Page::read(&json!({"issues": list}), "issues").err();
        assert_eq!(page(json!({"nodes": [], "pageInfo": {"hasNextPage": false}})), None);
        for list in [
            json!(null),
            json!({"nodes": null, "pageInfo": {"hasNextPage": false}}),
            json!({"nodes": [1], "pageInfo": {"hasNextPage": false}}),
            json!({"nodes": []}),
            json!({"nodes": [], "pageInfo": {"endCursor": "x"}}),
        ] {
            assert!(page(list.clone()).is_some(), "{list}");
        }
    }
}
