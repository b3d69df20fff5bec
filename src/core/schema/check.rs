//! What is wrong with a value, by place.

use std::fmt;

use serde_json::{Map, Value};

use super::{Refs, is_open, is_read_only, is_secret, kind};
use crate::core::json::path::{Part, write};
use crate::core::mapping::scalar;

/// The most complaints that are made: a value that is wrong throughout must not take for ever.
const MOST: usize = 20;
/// The most choices that a complaint names.
const CHOICES: usize = 12;

/// Something that is wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The place.
    pub path: Vec<Part>,
    /// What is wrong with it, to follow its path.
    pub message: String,
    /// Whether nothing stands where something must.
    pub missing: bool,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", write(&self.path), self.message)
    }
}

/// What is wrong with a value; empty when it satisfies the schema. Keywords that are not known allow anything.
pub fn complaints(refs: &impl Refs, schema: &Value, value: &Value) -> Vec<Complaint> {
    let mut check = Check { refs, path: Vec::new(), found: Vec::new() };
    check.value(schema, value);
    check.found
}

struct Check<'r, R> {
    refs: &'r R,
    path: Vec<Part>,
    found: Vec<Complaint>,
}

impl<R: Refs> Check<'_, R> {
    fn complain(&mut self, message: String) {
        self.found.push(Complaint { path: self.path.clone(), message, missing: false });
    }

    fn within(&mut self, part: Part, schema: &Value, value: &Value) {
        self.path.push(part);
        self.value(schema, value);
        self.path.pop();
    }

    fn value(&mut self, schema: &Value, value: &Value) {
        let refs = self.refs;
        let schema = refs.resolve(schema);
        if self.found.len() > MOST || !schema.is_object() {
            return;
        }
        if value.is_null() && (schema["nullable"] == true || kind(schema).is_none() || may_be_null(schema)) {
            return;
        }
        let shown = if is_secret(schema) { "what stands there".into() } else { short(value) };
        if let Some(names) = type_names(schema)
            && !names.iter().any(|name| is(name, value, schema))
        {
            self.complain(format!("must be {}, not {shown}", names.join(" or ")));
            return;
        }
        self.choice(schema, value, &shown);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.value(part, value);
        }
        for several in ["anyOf", "oneOf"].iter().filter_map(|name| schema[*name].as_array()) {
            if !several.is_empty() && several.iter().all(|part| !complaints(refs, part, value).is_empty()) {
                self.complain(format!("fits none of its {} forms", several.len()));
            }
        }
        match value {
            Value::String(text) => self.text(schema, text),
            Value::Number(number) => self.number(schema, number.as_f64().unwrap_or(0.0)),
            Value::Array(items) => self.items(schema, items),
            Value::Object(members) => self.members(schema, members),
            _ => {}
        }
    }

    fn choice(&mut self, schema: &Value, value: &Value, shown: &str) {
        let Some(values) = schema["enum"].as_array() else { return };
        let named = schema["x-enum-varnames"].as_array().is_some_and(|names| names.contains(value)) || (is_open(schema) && is_name(value));
        let same = |known: &Value| known == value || (known.is_number() && scalar(known) == scalar(value));
        if named || values.iter().any(same) {
            return;
        }
        let all = super::choices(schema);
        let known: Vec<&str> = all.iter().take(CHOICES).map(|(shown, _)| shown.as_str()).collect();
        let more = if all.len() > CHOICES { format!(" and {} more", all.len() - CHOICES) } else { String::new() };
        self.complain(format!("must be one of {}{more}, not {shown}", known.join(", ")));
    }

    fn items(&mut self, schema: &Value, items: &[Value]) {
        let size = items.len() as u64;
        if let Some(least) = schema["minItems"].as_u64().filter(|least| size < *least) {
            self.complain(format!("has {size} entries; at least {least} are needed"));
        }
        if let Some(most) = schema["maxItems"].as_u64().filter(|most| size > *most) {
            self.complain(format!("has {size} entries; at most {most} are allowed"));
        }
        for (n, item) in items.iter().enumerate() {
            if self.found.len() > MOST {
                return;
            }
            self.within(Part::Index(n), &schema["items"], item);
        }
    }

    fn members(&mut self, schema: &Value, members: &Map<String, Value>) {
        let refs = self.refs;
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let inner = refs.resolve(&schema["properties"][name]);
            if !members.contains_key(name) && !is_read_only(inner) {
                let path = self.path.iter().cloned().chain([Part::Key(name.into())]).collect();
                let message = if inner.is_object() { format!("is required: {}", super::takes(inner)) } else { "is required".into() };
                self.found.push(Complaint { path, message, missing: true });
            }
        }
        let known = schema["properties"].as_object();
        for (name, member) in members {
            match (known.and_then(|known| known.get(name)), &schema["additionalProperties"]) {
                (Some(inner), _) => self.within(Part::Key(name.clone()), inner, member),
                (None, Value::Bool(false)) => {
                    self.path.push(Part::Key(name.clone()));
                    self.complain("is not a known field".into());
                    self.path.pop();
                }
                (None, other @ Value::Object(_)) => self.within(Part::Key(name.clone()), other, member),
                _ => {}
            }
        }
    }

    fn text(&mut self, schema: &Value, text: &str) {
        let length = text.chars().count() as u64;
        if schema["maxLength"].as_u64().is_some_and(|most| length > most) {
            self.complain(format!("has {length} characters; at most {} are allowed", schema["maxLength"]));
        }
        if schema["minLength"].as_u64().is_some_and(|least| length < least) {
            self.complain(format!("has {length} characters; at least {} are needed", schema["minLength"]));
        }
    }

    fn number(&mut self, schema: &Value, number: f64) {
        let limit = |name: &str| schema[name].as_f64();
        let below = limit("minimum").is_some_and(|least| number < least) || limit("exclusiveMinimum").is_some_and(|least| number <= least);
        let above = limit("maximum").is_some_and(|most| number > most) || limit("exclusiveMaximum").is_some_and(|most| number >= most);
        if below || above {
            self.complain(format!("is {number}, which is out of its limits: {}", super::takes(schema)));
        }
    }
}

/// A value's name as protobuf writes it: `ROLE_USER`.
fn is_name(value: &Value) -> bool {
    let sign = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    value.as_str().is_some_and(|text| text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(sign))
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
