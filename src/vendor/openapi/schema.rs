//! JSON Schemas: what type of parameter they make, a skeleton to start from, and whether a value satisfies them.

use serde_json::{Map, Value, json};

use super::document::Document;
use crate::core::catalogue::{Choice, TimeForm, Type};
use crate::core::mapping::scalar;

/// How deep a schema is written out for forms; below, anything is allowed there.
const DEPTH: usize = 6;
/// The most nodes of a schema that is written out for forms.
const NODES: usize = 600;

/// The type of a parameter with this schema.
pub fn type_of(document: &Document, schema: &Value) -> Type {
    let schema = lone(document, schema);
    if is_open(schema) && schema["enum"].is_array() {
        return Type::Json { schema: Some(written_out(document, schema)) };
    }
    if let Some(choices) = choices(schema) {
        return Type::Choice(choices);
    }
    let bound = |name: &str| schema[name].as_i64();
    match (kind(schema), schema["x-unit"].as_str(), schema["format"].as_str()) {
        (Some("integer" | "string"), Some("epoch_ms"), _) => Type::Time(TimeForm::EpochMillis),
        (Some("integer"), Some("epoch_s"), _) => Type::Time(TimeForm::EpochSeconds),
        (Some("string"), _, Some("date-time")) => Type::Time(TimeForm::Rfc3339),
        (Some("string"), ..) => {
            let max_chars = schema["maxLength"].as_u64().and_then(|most| usize::try_from(most).ok());
            Type::Text { max_chars, multiline: false }
        }
        (Some("integer"), ..) => {
            let exclusive = |name: &str, limit: &str| schema[name].as_i64().or_else(|| bound(limit).filter(|_| schema[name] == true));
            let least = exclusive("exclusiveMinimum", "minimum").map(|least| least.saturating_add(1)).or_else(|| bound("minimum"));
            let most = exclusive("exclusiveMaximum", "maximum").map(|most| most.saturating_sub(1)).or_else(|| bound("maximum"));
            Type::Integer { minimum: least, maximum: most }
        }
        (Some("number"), ..) => Type::Number { minimum: schema["minimum"].as_f64(), maximum: schema["maximum"].as_f64() },
        (Some("boolean"), ..) => Type::Boolean,
        (Some("array"), ..) => {
            let size = |name: &str| schema[name].as_u64().and_then(|size| usize::try_from(size).ok());
            let of = Box::new(type_of(document, &schema["items"]));
            Type::List { of, minimum: size("minItems").unwrap_or(0), maximum: size("maxItems") }
        }
        (Some("object"), ..) => Type::Object { schema: Some(written_out(document, schema)) },
        _ if document.members(schema).is_some() => Type::Object { schema: Some(written_out(document, schema)) },
        _ => Type::Json { schema: Some(written_out(document, schema)) },
    }
}

/// A schema without `$ref` and without a lone `allOf` around it.
fn lone<'a>(document: &'a Document, schema: &'a Value) -> &'a Value {
    let schema = document.resolve(schema);
    match schema["allOf"].as_array().map(Vec::as_slice) {
        Some([only]) if schema.get("properties").is_none() => lone(document, only),
        _ => schema,
    }
}

/// Whether a number may be given by a name that the document does not print (extension `x-names`).
pub fn is_open(schema: &Value) -> bool {
    schema["x-names"] == true && schema["type"] == "integer"
}

/// A value's name as protobuf writes it: `ROLE_USER`.
fn is_name(value: &Value) -> bool {
    let sign = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    value.as_str().is_some_and(|text| text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(sign))
}

/// The type that a schema names; of several (3.1) the first that is not `null`.
fn kind(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    }
}

/// The values of an enum. A number with a known name is shown with it: `3 SUSPENDED`.
fn choices(schema: &Value) -> Option<Vec<Choice>> {
    let single = schema.get("const").cloned().map(|only| vec![only]);
    let values = schema["enum"].as_array().cloned().or(single)?;
    let names = schema["x-enum-varnames"].as_array();
    let choice = |(at, value): (usize, &Value)| {
        let shown = scalar(value)?;
        let name = names.and_then(|names| names.get(at)?.as_str()).filter(|_| value.is_number());
        Some(Choice { label: name.map_or(shown.clone(), |name| format!("{shown} {name}")), wire: value.clone() })
    };
    let choices: Vec<Choice> = values.iter().enumerate().filter(|(_, value)| !value.is_null()).filter_map(choice).collect();
    (!choices.is_empty()).then_some(choices)
}

/// A schema without `$ref`s, as deep as a form needs it.
fn written_out(document: &Document, schema: &Value) -> Value {
    let mut nodes = NODES;
    write_out(document, schema, DEPTH, &mut nodes)
}

fn write_out(document: &Document, schema: &Value, depth: usize, nodes: &mut usize) -> Value {
    let schema = document.resolve(schema);
    let Some(members) = schema.as_object() else { return schema.clone() };
    if depth == 0 || *nodes == 0 {
        return json!({});
    }
    *nodes = nodes.saturating_sub(1);
    let mut out = Map::new();
    for (name, value) in members {
        let written = match (name.as_str(), value) {
            ("properties" | "patternProperties", Value::Object(inner)) => {
                inner.iter().map(|(name, inner)| (name.clone(), write_out(document, inner, depth - 1, nodes))).collect()
            }
            ("items" | "additionalProperties" | "not", Value::Object(_)) => write_out(document, value, depth - 1, nodes),
            ("allOf" | "oneOf" | "anyOf", Value::Array(parts)) => {
                parts.iter().map(|part| write_out(document, part, depth - 1, nodes)).collect()
            }
            ("example" | "examples" | "externalDocs" | "xml", _) => continue,
            _ => value.clone(),
        };
        out.insert(name.clone(), written);
    }
    Value::Object(out)
}

/// A value to start from: every member of an object that may be written, with its default, its first choice or nothing in it.
pub fn skeleton(document: &Document, schema: &Value) -> Value {
    skeleton_of(document, schema, DEPTH)
}

fn skeleton_of(document: &Document, schema: &Value, depth: usize) -> Value {
    let schema = lone(document, schema);
    if let Some(default) = schema.get("default").or_else(|| schema.get("const")) {
        return default.clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some((members, _)) = document.members(schema) {
        if depth == 0 {
            return json!({});
        }
        let writable = members.into_iter().filter(|(_, inner)| document.resolve(inner)["readOnly"] != true);
        return Value::Object(writable.map(|(name, inner)| (name, skeleton_of(document, &inner, depth - 1))).collect());
    }
    if let Some(first) = ["oneOf", "anyOf"].iter().find_map(|name| schema[*name].as_array()?.first()) {
        return if depth == 0 { Value::Null } else { skeleton_of(document, first, depth - 1) };
    }
    match kind(schema) {
        Some("array") => json!([]),
        Some("object") => json!({}),
        Some("integer" | "number") => json!(0),
        Some("boolean") => json!(false),
        Some("string") => json!(""),
        _ => Value::Null,
    }
}

/// What is wrong with a value, by place; empty when it satisfies the schema. Keywords that are not known allow anything.
pub fn complaints(document: &Document, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "", &mut found);
    found
}

fn check(document: &Document, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let schema = document.resolve(schema);
    // A few complaints are as good as all; a value that is wrong throughout must not take for ever.
    if found.len() > 20 || !schema.is_object() {
        return;
    }
    let at = if place.is_empty() { "the value" } else { place };
    if value.is_null() && (schema["nullable"] == true || kind(schema).is_none() || may_be_null(schema)) {
        return;
    }
    if let Some(names) = type_names(schema)
        && !names.iter().any(|name| is(name, value, schema))
    {
        found.push(format!("{at} must be {}, not {}", names.join(" or "), short(value)));
        return;
    }
    if let Some(values) = schema["enum"].as_array() {
        let named = schema["x-enum-varnames"].as_array().is_some_and(|names| names.contains(value)) || (is_open(schema) && is_name(value));
        let same = |known: &Value| known == value || (known.is_number() && scalar(known) == scalar(value));
        if !named && !values.iter().any(same) {
            let known: Vec<String> = values.iter().take(12).map(short).collect();
            found.push(format!("{at} must be one of {}, not {}", known.join(", "), short(value)));
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(document, part, value, place, found);
    }
    for several in ["anyOf", "oneOf"].iter().filter_map(|name| schema[*name].as_array()) {
        if !several.is_empty() && several.iter().all(|part| !complaints(document, part, value).is_empty()) {
            found.push(format!("{at} fits none of its {} forms", several.len()));
        }
    }
    match value {
        Value::String(text) => check_text(schema, text, at, found),
        Value::Number(number) => check_number(schema, number.as_f64().unwrap_or(0.0), at, found),
        Value::Array(items) => {
            let size = items.len() as u64;
            if schema["minItems"].as_u64().is_some_and(|least| size < least) || schema["maxItems"].as_u64().is_some_and(|most| size > most)
            {
                found.push(format!("{at} has {size} entries, which is not allowed"));
            }
            for (n, item) in items.iter().enumerate() {
                check(document, &schema["items"], item, &format!("{place}[{n}]"), found);
            }
        }
        Value::Object(members) => check_members(document, schema, members, place, found),
        _ => {}
    }
}

fn check_members(document: &Document, schema: &Value, members: &Map<String, Value>, place: &str, found: &mut Vec<String>) {
    let join = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let read_only = document.resolve(&schema["properties"][name])["readOnly"] == true;
        if !members.contains_key(name) && !read_only {
            found.push(format!("{} is required", join(name)));
        }
    }
    let known = schema["properties"].as_object();
    for (name, member) in members {
        match (known.and_then(|known| known.get(name)), &schema["additionalProperties"]) {
            (Some(inner), _) => check(document, inner, member, &join(name), found),
            (None, Value::Bool(false)) => found.push(format!("{} is not a known field", join(name))),
            (None, other @ Value::Object(_)) => check(document, other, member, &join(name), found),
            _ => {}
        }
    }
}

fn check_text(schema: &Value, text: &str, at: &str, found: &mut Vec<String>) {
    let length = text.chars().count() as u64;
    if schema["maxLength"].as_u64().is_some_and(|most| length > most) {
        found.push(format!("{at} has {length} characters; at most {} are allowed", schema["maxLength"]));
    }
    if schema["minLength"].as_u64().is_some_and(|least| length < least) {
        found.push(format!("{at} has {length} characters; at least {} are needed", schema["minLength"]));
    }
}

fn check_number(schema: &Value, number: f64, at: &str, found: &mut Vec<String>) {
    let limit = |name: &str| schema[name].as_f64();
    let below = limit("minimum").is_some_and(|least| number < least) || limit("exclusiveMinimum").is_some_and(|least| number <= least);
    let above = limit("maximum").is_some_and(|most| number > most) || limit("exclusiveMaximum").is_some_and(|most| number >= most);
    if below || above {
        found.push(format!("{at} is {number}, which is out of its limits"));
    }
}

fn may_be_null(schema: &Value) -> bool {
    schema["type"].as_array().is_some_and(|names| names.iter().any(|name| name == "null"))
}

fn type_names(schema: &Value) -> Option<Vec<&str>> {
    match &schema["type"] {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn is(name: &str, value: &Value, schema: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        // A 64-bit number may stand in quotes, and an enum's number may be given by its name.
        "integer" => {
            let named =
                schema["x-enum-varnames"].as_array().is_some_and(|names| names.contains(value)) || (is_open(schema) && is_name(value));
            let wide = schema["format"].as_str().is_some_and(|format| format.ends_with("int64"));
            let quoted = (wide || is_open(schema) || schema.get("x-unit").is_some())
                && value.as_str().is_some_and(|text| text.parse::<i64>().is_ok());
            named || quoted || value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        _ => true,
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 40 { text.chars().take(40).chain("…".chars()).collect() } else { text }
}
