//! Filters, order, cursors and caps of the list fields.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::engine::Refusal;

/// The most nodes of one page.
pub const PAGE_CAP: usize = 500;
/// The most results of one query, over all its pages.
pub const RESULT_CAP: usize = 10_000;

/// What a list field was asked for.
pub struct Query<'a> {
    arguments: &'a Map<String, Value>,
    now: Timestamp,
}

/// By what a list is ordered: the field's name in the cursor, and whether the greatest comes first.
#[derive(Clone, Copy)]
pub struct Order {
    /// Field, as the cursor spells it.
    pub field: &'static str,
    /// Greatest first.
    pub descending: bool,
}

impl<'a> Query<'a> {
    /// A query from a field's arguments.
    pub fn new(arguments: &'a Map<String, Value>, now: Timestamp) -> Self {
        Self { arguments, now }
    }

    /// Whether the filter has that key.
    pub fn has(&self, key: &str) -> bool {
        self.filter(key).is_some()
    }

    /// The filter's value of that key.
    pub fn filter(&self, key: &str) -> Option<&'a Value> {
        self.arguments.get("filterBy")?.get(key).filter(|value| !value.is_null())
    }

    /// The cursor, where this is not the first page.
    pub fn after(&self) -> Option<&'a str> {
        self.arguments.get("after")?.as_str()
    }

    /// How many nodes are wanted.
    pub fn first(&self) -> Option<i64> {
        self.arguments.get("first")?.as_i64()
    }

    /// The order asked for: field and direction.
    pub fn order(&self) -> Option<(&'a str, bool)> {
        let order = self.arguments.get("orderBy")?;
        Some((order.get("field")?.as_str()?, order.get("direction")?.as_str()? == "DESC"))
    }

    /// Whether a value is among those that the filter lists under a key; no list, or an empty one, lets everything pass.
    pub fn lists(&self, key: &str, value: &str) -> bool {
        listed(self.filter(key), value)
    }

    /// Whether a flag is as the filter wants it.
    pub fn flag(&self, key: &str, value: bool) -> bool {
        self.filter(key).and_then(Value::as_bool).is_none_or(|wanted| wanted == value)
    }

    /// Whether a moment lies where the filter wants it. Both bounds are exclusive, and what has no such moment is dropped.
    pub fn date(&self, key: &str) -> Result<impl Fn(Option<Timestamp>) -> bool + use<>, Refusal> {
        let filter = self.filter(key);
        let bound = |name: &str| match filter.and_then(|filter| filter.get(name)).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => match value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
                Some(time) => Ok(Some(time)),
                None => Err(Refusal::bad_input(format!("{key}.{name} is not an RFC 3339 date-time: {value}"))),
            },
        };
        let ago = |name: &str| filter.and_then(|filter| span(filter.get(name)?)).map(|span| self.now - span);
        let after = bound("after")?.max(ago("inLast"));
        let before = match (bound("before")?, ago("beforeLast")) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let any = filter.is_none();
        Ok(move |time: Option<Timestamp>| {
            any || time.is_some_and(|time| after.is_none_or(|after| time > after) && before.is_none_or(|before| time < before))
        })
    }

    /// Cuts one page out of all results: ordered by key, then id. `duplicate` makes records come twice.
    pub fn page<T>(
        &self,
        mut all: Vec<(i64, &str, T)>,
        order: Order,
        duplicate: bool,
        render: impl Fn(&T) -> Value,
    ) -> Result<Value, Refusal> {
        let Some(first) = self.first() else {
            return Err(Refusal::bad_input("first is required"));
        };
        let first = usize::try_from(first).unwrap_or(0);
        if first == 0 || first > PAGE_CAP {
            return Err(Refusal::bad_input(format!("first must be between 1 and {PAGE_CAP}")));
        }
        all.sort_by(|a, b| {
            let keys = if order.descending { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) };
            keys.then_with(|| a.1.cmp(b.1))
        });
        let start = match self.after() {
            None => 0,
            Some(cursor) => {
                let (key, id) = open_cursor(cursor).ok_or_else(|| Refusal::bad_input("after is not a cursor of this query"))?;
                all.partition_point(|one| {
                    let keys = if order.descending { key.cmp(&one.0) } else { one.0.cmp(&key) };
                    keys.then_with(|| one.1.cmp(id.as_str())).is_le()
                })
            }
        };
        if start >= RESULT_CAP {
            return Err(Refusal::bad_input(format!("a query gives at most {RESULT_CAP} results; narrow the filter")));
        }
        let end = (start + first).min(all.len()).min(RESULT_CAP);
        let page = all.get(start..end).unwrap_or_default();
        let mut nodes: Vec<Value> = page.iter().map(|one| render(&one.2)).collect();
        if duplicate {
            nodes.extend(page.first().map(|one| render(&one.2)));
            if let Some(previous) = start.checked_sub(1).and_then(|at| all.get(at)) {
                nodes.insert(0, render(&previous.2));
            }
        }
        let cursor = page.last().map(|(key, id, _)| cursor(order.field, *key, id));
        Ok(json!({"nodes": nodes, "pageInfo": {"hasNextPage": end < all.len(), "endCursor": cursor}, "totalCount": all.len()}))
    }
}

/// Whether a value is in a list, which may be one value instead.
pub fn listed(list: Option<&Value>, value: &str) -> bool {
    match list {
        Some(Value::Array(items)) if !items.is_empty() => items.iter().any(|item| item.as_str() == Some(value)),
        Some(Value::String(one)) => one == value,
        _ => true,
    }
}

fn span(value: &Value) -> Option<SignedDuration> {
    let hours = match value.get("unit")?.as_str()?.trim_start_matches("DurationFilterValueUnit") {
        "Minutes" => return Some(SignedDuration::from_mins(value.get("amount")?.as_i64()?)),
        "Hours" => 1,
        "Days" => 24,
        "Weeks" => 7 * 24,
        _ => 30 * 24,
    };
    Some(SignedDuration::from_hours(value.get("amount")?.as_i64()?.checked_mul(hours)?))
}

fn cursor(field: &str, key: i64, id: &str) -> String {
    BASE64.encode(json!({"fields": [{"Field": field, "Value": key}, {"Field": "Id", "Value": id}]}).to_string())
}

fn open_cursor(cursor: &str) -> Option<(i64, String)> {
    let json: Value = serde_json::from_slice(&BASE64.decode(cursor).ok()?).ok()?;
    let value = |at: usize| json.get("fields")?.get(at)?.get("Value");
    Some((value(0)?.as_i64()?, value(1)?.as_str()?.to_owned()))
}
