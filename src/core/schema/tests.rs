//! Schemas: sketches, what is left open, complaints by place.

use serde_json::{Value, json};

use super::*;
use crate::core::json::path::read;

/// A body with everything in it that matters here.
pub(crate) fn action() -> Value {
    json!({"type": "object", "required": ["note", "status"], "properties": {
        "owner": {"type": "object", "required": ["uuid"], "properties": {"uuid": {"type": "string", "format": "uuid"}, "mail": {"type": "string"}}},
        "note": {"type": "object", "required": ["text"], "properties": {
            "text": {"type": "string", "maxLength": 10, "title": "Text", "description": "What is noted."},
            "card": {"type": "string"}}},
        "status": {"type": "integer", "enum": [1, 2, 3, 4], "x-enum-varnames": ["OPEN", "BUSY", "CLOSED", "GONE"]},
        "urgent": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "token": {"type": "string", "format": "password"},
        "made": {"type": "string", "readOnly": true}}})
}

fn said(value: &Value) -> Vec<String> {
    complaints(&WrittenOut, &action(), value).iter().map(ToString::to_string).collect()
}

#[test]
fn a_sketch_begins_with_what_must_be_there() {
    assert_eq!(
        sketch(&WrittenOut, &action(), Extent::Required).to_string(),
        r#"{"note":{"text":"<text>"},"status":"<1 OPEN | 2 BUSY | 3 CLOSED | …>"}"#
    );
    let all = sketch(&WrittenOut, &action(), Extent::All);
    assert_eq!(all.as_object().unwrap().keys().collect::<Vec<_>>(), ["note", "status", "owner", "urgent", "tags", "token"]);
    assert_eq!(all["owner"], json!({"uuid": "<uuid>", "mail": "<text>"}));
    assert_eq!((&all["tags"], &all["urgent"], &all["token"]), (&json!(["<text>"]), &json!("<true or false>"), &json!("<secret>")));
}

#[test]
fn what_is_left_open_is_left_out_or_named_as_missing() {
    let all = sketch(&WrittenOut, &action(), Extent::All);
    assert_eq!(settle(&action(), all.clone(), false), None, "nothing was said");
    let open = settle(&action(), all.clone(), true).unwrap();
    assert_eq!(open, json!({"note": {}}));
    assert_eq!(
        said(&open),
        ["$.status is required: one of 1 OPEN, 2 BUSY, 3 CLOSED, 4 GONE", "$.note.text is required: text, at most 10 characters"]
    );
    let mut begun = all;
    begun["owner"]["mail"] = json!("a@b");
    begun["note"]["text"] = json!("<b>");
    begun["status"] = json!(2);
    let sent = settle(&action(), begun, true).unwrap();
    assert_eq!(sent, json!({"note": {"text": "<b>"}, "status": 2, "owner": {"mail": "a@b"}}), "only what was said, in its order");
    assert_eq!(said(&sent), ["$.owner.uuid is required: text (uuid)"]);
    // What was typed as it is stays.
    assert_eq!(settle(&action(), json!({"owner": {}}), false), Some(json!({"owner": {}})));
}

#[test]
fn complaints_name_their_place_and_what_is_allowed() {
    let wrong = json!({"note": {"text": "much too long"}, "status": 7, "urgent": "yes", "tags": ["a", 5], "token": 12345});
    assert_eq!(
        said(&wrong),
        [
            "$.note.text has 13 characters; at most 10 are allowed",
            "$.status must be one of 1 OPEN, 2 BUSY, 3 CLOSED, 4 GONE, not 7",
            "$.urgent must be boolean, not \"yes\"",
            "$.tags[1] must be string, not 5",
            "$.token must be string, not what stands there"
        ]
    );
    assert!(said(&json!({"note": {"text": "ok"}, "status": "CLOSED"})).is_empty(), "a number may be given by its name");
}

#[test]
fn a_place_is_described_by_its_schema() {
    let found = |path: &str| at(&action(), &read(path).unwrap()).map(|(schema, required)| (takes(&schema), required));
    assert_eq!(found("$.note.text"), Some(("text, at most 10 characters".into(), true)));
    assert_eq!(found("$.tags[3]"), Some(("text".into(), false)));
    assert_eq!(found("$.token"), Some(("secret text".into(), false)));
    assert_eq!(found("$.gone"), None);
    let either = json!({"oneOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {"b": {"type": "boolean"}}}]});
    assert_eq!(at(&either, &read("$.b").unwrap()).map(|(schema, _)| takes(&schema)), Some("true or false".into()));
}

#[test]
fn secret_places_are_marked_and_masked() {
    let mut schema = json!({"allOf": [{"properties": {"run": {"properties": {"pin": {"type": "string"}, "list": {"type": "array", "items": {
        "properties": {"k": {"type": "string"}}}}}}}}]});
    assert!(!has_secrets(&schema));
    make_secret(&mut schema, "run.pin");
    make_secret(&mut schema, "run.list[].k");
    make_secret(&mut schema, "run.gone.far");
    assert!(has_secrets(&schema));
    let masked = masked(&schema, &json!({"run": {"pin": "1234", "list": [{"k": "s", "other": 1}]}}));
    assert_eq!(masked, json!({"run": {"pin": "***", "list": [{"k": "***", "other": 1}]}}));
}
