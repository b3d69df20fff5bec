//! JSON Schemas: what may stand at a place, what is wrong with a value, and a sketch to start from. One check serves the form, while it is
//! typed in, and the command line.

mod check;
mod sketch;

use serde_json::{Map, Value};

pub use check::{Complaint, complaints};
pub use sketch::{Extent, is_placeholder, placeholder, settle, sketch};

use super::json::path::Part;
use super::mapping::scalar;

/// How deep parts of a schema (`allOf` within `allOf`) are followed.
const HOPS: usize = 32;
/// The most choices that are written out in a sentence.
const CHOICES: usize = 12;

/// What follows the references of schemas.
pub trait Refs {
    /// The schema that is meant.
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value;
}

/// Schemas that are written out: there is nothing to follow.
#[derive(Clone, Copy, Debug)]
pub struct WrittenOut;

impl Refs for WrittenOut {
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        schema
    }
}

/// The type that a schema names; of several (3.1) the first that is not `null`.
pub fn kind(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    }
}

/// The values of an enum, each as it is shown and as it is sent. A number with a known name is shown with it: `3 SUSPENDED`.
pub fn choices(schema: &Value) -> Vec<(String, Value)> {
    let single = schema.get("const").cloned().map(|only| vec![only]);
    let values = schema["enum"].as_array().cloned().or(single).unwrap_or_default();
    let names = schema["x-enum-varnames"].as_array();
    let choice = |(at, value): (usize, Value)| {
        let shown = scalar(&value)?;
        let name = names.and_then(|names| names.get(at)?.as_str()).filter(|_| value.is_number());
        Some((name.map_or(shown.clone(), |name| format!("{shown} {name}")), value))
    };
    values.into_iter().enumerate().filter(|(_, value)| !value.is_null()).filter_map(choice).collect()
}

/// Whether a number may be given by a name that the document does not print (extension `x-names`).
pub fn is_open(schema: &Value) -> bool {
    schema["x-names"] == true && schema["type"] == "integer"
}

/// Whether a value is never shown.
pub fn is_secret(schema: &Value) -> bool {
    schema["format"] == "password"
}

/// Whether a value is made by the vendor and cannot be given.
pub fn is_read_only(schema: &Value) -> bool {
    schema["readOnly"] == true
}

/// The members of an object's schema: own ones and those of its `allOf`, with the names of those that must be there. Nothing where it is no
/// object.
pub fn members(refs: &impl Refs, schema: &Value) -> Option<(Map<String, Value>, Vec<String>)> {
    let (mut members, mut required) = (Map::new(), Vec::new());
    gather(refs, schema, &mut members, &mut required, 0);
    (!members.is_empty()).then_some((members, required))
}

fn gather(refs: &impl Refs, schema: &Value, members: &mut Map<String, Value>, required: &mut Vec<String>, depth: usize) {
    let schema = refs.resolve(schema);
    if depth > HOPS {
        return;
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        gather(refs, part, members, required, depth + 1);
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        members.insert(name.clone(), inner.clone());
    }
    required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
}

/// A schema without a lone `allOf` around it.
pub fn lone<'a>(refs: &'a impl Refs, schema: &'a Value) -> &'a Value {
    let schema = refs.resolve(schema);
    match schema["allOf"].as_array().map(Vec::as_slice) {
        Some([only]) if schema.get("properties").is_none() => lone(refs, only),
        _ => schema,
    }
}

/// The schema of a place, and whether something must stand there. Of several forms the first that knows the place is taken.
pub fn at(schema: &Value, path: &[Part]) -> Option<(Value, bool)> {
    let schema = lone(&WrittenOut, schema);
    let Some((first, rest)) = path.split_first() else { return Some((schema.clone(), false)) };
    let found = match first {
        Part::Index(_) => schema.get("items").map(|items| (items.clone(), false)),
        Part::Key(name) => {
            members(&WrittenOut, schema).and_then(|(members, required)| Some((members.get(name)?.clone(), required.contains(name))))
        }
    };
    let found = found.or_else(|| match (first, &schema["additionalProperties"]) {
        (Part::Key(_), Value::Object(other)) => Some((Value::Object(other.clone()), false)),
        _ => None,
    });
    match found {
        Some((inner, required)) if rest.is_empty() => Some((lone(&WrittenOut, &inner).clone(), required)),
        Some((inner, _)) => at(&inner, rest),
        None => ["oneOf", "anyOf"].iter().filter_map(|name| schema[*name].as_array()).flatten().find_map(|form| at(form, path)),
    }
}

/// What a place takes, in words: `text, at most 200 characters`.
pub fn takes(schema: &Value) -> String {
    let schema = lone(&WrittenOut, schema);
    let all = choices(schema);
    if !all.is_empty() {
        let shown: Vec<&str> = all.iter().take(CHOICES).map(|(shown, _)| shown.as_str()).collect();
        let more = if all.len() > CHOICES { format!(" and {} more", all.len() - CHOICES) } else { String::new() };
        return format!("one of {}{more}", shown.join(", "));
    }
    let number = |name: &str| schema[name].is_number().then(|| schema[name].to_string());
    let range = |least: &str, most: &str| match (number(least), number(most)) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    };
    let format = schema["x-unit"].as_str().or(schema["format"].as_str()).filter(|format| *format != "password");
    let format = format.map(|format| format!(" ({format})")).unwrap_or_default();
    match kind(schema) {
        Some("string") => {
            let limit = range("minLength", "maxLength");
            let signs = if limit.is_empty() { "" } else { " characters" };
            format!("{}{format}{limit}{signs}", if is_secret(schema) { "secret text" } else { "text" })
        }
        Some("integer") => format!("whole number{format}{}", range("minimum", "maximum")),
        Some("number") => format!("number{format}{}", range("minimum", "maximum")),
        Some("boolean") => "true or false".into(),
        Some("array") => format!("list{} of {}", range("minItems", "maxItems"), takes(&schema["items"])),
        Some("object") => "object".into(),
        _ if members(&WrittenOut, schema).is_some() => "object".into(),
        _ => "any value".into(),
    }
}

/// A value with the members replaced that its schema calls secret.
pub fn masked(schema: &Value, value: &Value) -> Value {
    let schema = lone(&WrittenOut, schema);
    match value {
        _ if is_secret(schema) && !value.is_null() => Value::from("***"),
        Value::Object(inner) => {
            let known = members(&WrittenOut, schema).map(|(members, _)| members).unwrap_or_default();
            inner
                .iter()
                .map(|(name, value)| (name.clone(), known.get(name).map_or_else(|| value.clone(), |schema| masked(schema, value))))
                .collect()
        }
        Value::Array(items) => items.iter().map(|item| masked(&schema["items"], item)).collect(),
        other => other.clone(),
    }
}

/// Whether a schema calls anything within it secret.
pub fn has_secrets(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => is_secret(schema) || members.values().any(has_secrets),
        Value::Array(items) => items.iter().any(has_secrets),
        _ => false,
    }
}

/// Calls a place secret: `workflow_run.token`, `details[].key`.
pub fn make_secret(schema: &mut Value, path: &str) {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, listed) = first.strip_suffix("[]").map_or((first, false), |name| (name, true));
    for part in schema["allOf"].as_array_mut().into_iter().flatten() {
        make_secret(part, path);
    }
    let Some(inner) = schema.get_mut("properties").and_then(|members| members.get_mut(name)) else { return };
    let inner = if listed { inner.get_mut("items") } else { Some(inner) };
    match inner {
        Some(inner) if rest.is_empty() => {
            if let Some(inner) = inner.as_object_mut() {
                inner.insert("format".into(), "password".into());
            }
        }
        Some(inner) => make_secret(inner, rest),
        None => {}
    }
}

#[cfg(test)]
pub(crate) mod tests;
