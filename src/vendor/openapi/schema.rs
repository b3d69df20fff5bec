//! JSON Schemas of a document: what type of parameter they make.

use serde_json::{Map, Value, json};

use super::document::Document;
use crate::core::catalogue::{Choice, TimeForm, Type};
use crate::core::schema::{Refs, choices, is_open, kind, lone};

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
    let choices = choices(schema);
    if !choices.is_empty() {
        return Type::Choice(choices.into_iter().map(|(label, wire)| Choice { label, wire }).collect());
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
