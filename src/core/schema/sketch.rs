//! A value to start from. Where something is still to be said stands a placeholder, which is never sent: what must be there is named as
//! missing, everything else is left out.

use serde_json::{Map, Value, json};

use super::{Refs, WrittenOut, choices, is_read_only, is_secret, kind, lone, members};

/// How deep a sketch goes.
const DEPTH: usize = 6;
/// The most places of a sketch; what lies beyond can be added one by one.
const PLACES: usize = 120;
/// The most choices that a placeholder names.
const CHOICES: usize = 3;

/// How much of a schema a sketch has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What must be there.
    Required,
    /// Everything that may be there, what must be there first.
    All,
}

/// A value to start from.
pub fn sketch(refs: &impl Refs, schema: &Value, extent: Extent) -> Value {
    let mut places = PLACES;
    sketched(refs, schema, extent, DEPTH, &mut places)
}

fn sketched(refs: &impl Refs, schema: &Value, extent: Extent, depth: usize, places: &mut usize) -> Value {
    let schema = lone(refs, schema);
    *places = places.saturating_sub(1);
    if let Some(default) = schema.get("default").or_else(|| schema.get("const")) {
        return default.clone();
    }
    if let Some((members, required)) = members(refs, schema) {
        let wanted = |name: &String| required.contains(name);
        let writable = |inner: &Value| !is_read_only(refs.resolve(inner));
        let first = members.iter().filter(|(name, inner)| wanted(name) && writable(inner));
        let rest = members.iter().filter(|(name, inner)| !wanted(name) && writable(inner) && extent == Extent::All);
        let mut out = Map::new();
        for (name, inner) in first.chain(rest) {
            if depth > 0 && *places > 0 {
                out.insert(name.clone(), sketched(refs, inner, extent, depth - 1, places));
            }
        }
        return Value::Object(out);
    }
    if let Some(form) = ["oneOf", "anyOf"].iter().find_map(|name| schema[*name].as_array()?.first()) {
        return if depth == 0 { Value::Null } else { sketched(refs, form, extent, depth - 1, places) };
    }
    match kind(schema) {
        Some("array") if depth > 0 && *places > 0 => match sketched(refs, &schema["items"], extent, depth - 1, places) {
            Value::Object(empty) if empty.is_empty() => json!([]),
            item => json!([item]),
        },
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => placeholder(schema),
    }
}

/// What stands for a value that is still to be said: `<text>`, `<0 OPEN | 1 CLOSED>`.
pub fn placeholder(schema: &Value) -> Value {
    let all = choices(schema);
    if let [(_, only)] = all.as_slice() {
        return only.clone();
    }
    let shown: Vec<&str> = all.iter().take(CHOICES).map(|(shown, _)| shown.as_str()).collect();
    let text = match kind(schema) {
        _ if !shown.is_empty() => format!("<{}{}>", shown.join(" | "), if all.len() > CHOICES { " | …" } else { "" }),
        _ if is_secret(schema) => "<secret>".into(),
        Some("string") => match schema["format"].as_str() {
            Some("uuid") => "<uuid>".into(),
            Some("date-time") => "<time>".into(),
            _ => "<text>".into(),
        },
        Some("integer") => "<whole number>".into(),
        Some("number") => "<number>".into(),
        Some("boolean") => "<true or false>".into(),
        _ => "<value>".into(),
    };
    Value::from(text)
}

/// Whether a value is what stands for one that is still to be said.
pub fn is_placeholder(schema: &Value, value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with('<') && text.ends_with('>')) && *value == placeholder(schema)
}

/// A value without its placeholders; nothing where nothing else was in it. An object that must be there stays, so that what it lacks can be
/// named.
pub fn settle(schema: &Value, value: Value, required: bool) -> Option<Value> {
    let schema = lone(&WrittenOut, schema);
    match value {
        value if is_placeholder(schema, &value) => None,
        Value::Object(inner) => {
            let before = inner.clone();
            let (known, wanted) = members(&WrittenOut, schema).unwrap_or_default();
            let form = ["oneOf", "anyOf"].iter().find_map(|name| schema[*name].as_array()?.first());
            let (known, wanted) = match form {
                Some(form) if known.is_empty() => members(&WrittenOut, form).unwrap_or_default(),
                _ => (known, wanted),
            };
            let kept: Map<String, Value> = inner
                .into_iter()
                .filter_map(|(name, value)| {
                    let inner = known.get(&name).unwrap_or(&Value::Null);
                    let value = settle(inner, value, wanted.contains(&name))?;
                    Some((name, value))
                })
                .collect();
            // What only had placeholders in it was not begun.
            (required || kept == before || !only_frames(&kept)).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let filled = !items.is_empty();
            let kept: Vec<Value> = items.into_iter().filter_map(|item| settle(&schema["items"], item, false)).collect();
            (!filled || !kept.is_empty()).then_some(Value::Array(kept))
        }
        other => Some(other),
    }
}

/// Whether nothing is left but objects that had to stay.
fn only_frames(members: &Map<String, Value>) -> bool {
    members.values().all(|value| value.as_object().is_some_and(only_frames))
}
