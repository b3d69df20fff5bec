//! Query strings and pages (vendors/eset-connect.md §3 and §7).

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value};

use crate::simulator::world::Dice;

/// Records of a page when none are asked for, and at most.
const PAGE: (usize, usize) = (50, 1_000);

/// A query string, names in lowerCamelCase.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads it; snake_case names count as lowerCamelCase.
    pub fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (camel(&name), value.into_owned())).collect())
    }

    /// Refuses names that are not known.
    pub fn only(&self, known: &[&str]) -> Result<(), StatusCode> {
        if self.0.iter().all(|(name, _)| known.contains(&name.as_str())) { Ok(()) } else { Err(StatusCode::BAD_REQUEST) }
    }

    /// The only value of a name; two are refused.
    pub fn one(&self, name: &str) -> Result<Option<&str>, StatusCode> {
        let all = self.all(name);
        match all.as_slice() {
            [] | [""] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(StatusCode::BAD_REQUEST),
        }
    }

    /// Every value of a name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// A yes or no.
    pub fn flag(&self, name: &str) -> Result<bool, StatusCode> {
        match self.one(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(StatusCode::BAD_REQUEST),
        }
    }

    /// What a page token of this list is bound to: everything that was asked but the page itself.
    fn binding(&self, list: &str) -> String {
        let asked = self.0.iter().filter(|(name, _)| name != "pageToken" && name != "pageSize");
        let parts: Vec<String> = asked.map(|(name, value)| format!("{name}={value}")).collect();
        let parts = parts.join("&");
        Dice::for_part(0, &format!("{list}?{parts}")).hex(12)
    }

    /// Cuts a page out of a list and renders it: `{NAME: [..], nextPageToken}`. `repeat` begins each page with the last record of the
    /// page before it.
    pub fn page<T>(&self, list: &str, items: &[T], repeat: bool, render: impl Fn(&T) -> Value) -> Result<Map<String, Value>, StatusCode> {
        let size = match self.one("pageSize")? {
            None => PAGE.0,
            Some(text) => match text.parse::<usize>().map_err(|_| StatusCode::BAD_REQUEST)? {
                0 => PAGE.0,
                size => size.min(PAGE.1),
            },
        };
        let binding = self.binding(list);
        let start = match self.one("pageToken")? {
            None => 0,
            Some(token) => {
                let text = BASE64.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(StatusCode::BAD_REQUEST)?;
                let (bound, offset) = text.split_once(':').ok_or(StatusCode::BAD_REQUEST)?;
                let offset = offset.parse::<usize>().ok().filter(|_| bound == binding);
                offset.filter(|offset| *offset <= items.len()).ok_or(StatusCode::BAD_REQUEST)?
            }
        };
        let end = (start + size).min(items.len());
        let first = if repeat { start.saturating_sub(1) } else { start };
        let mut records: Vec<Value> = items.get(first..end).unwrap_or_default().iter().map(render).collect();
        if repeat && let Some(last) = records.last().cloned() {
            records.push(last);
        }
        let next = if end < items.len() { BASE64.encode(format!("{binding}:{end}")) } else { String::new() };
        let mut answer = Map::from_iter([(list.to_owned(), Value::from(records))]);
        // The last page says so in three ways; which one differs from list to list.
        match (next.is_empty(), list.len() % 3) {
            (true, 0) => {}
            (true, 1) => _ = answer.insert("nextPageToken".into(), Value::Null),
            _ => _ = answer.insert("nextPageToken".into(), next.into()),
        }
        Ok(answer)
    }
}

fn camel(name: &str) -> String {
    let mut up = false;
    let mut out = String::new();
    for c in name.chars() {
        if c == '_' {
            up = true;
        } else {
            out.extend(if up { c.to_uppercase().collect::<Vec<_>>() } else { vec![c] });
            up = false;
        }
    }
    out
}
