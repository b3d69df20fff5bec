//! Expected Response Values: whether an answer has reached the state that is waited for.
//!
//! Seed 000, "Condition logic" and "JSON parsing behavior": a key is searched for at any depth, every occurrence must satisfy its
//! expectation, a list means any of its values, several keys mean all of them. `vendors/azure-api.md` §6.3 settles what the document
//! leaves open, as a table that is this module's test.

use serde_json::{Map, Value};

/// Checks an expectation before anything is sent.
///
/// # Errors
/// What could never be reached, in a sentence.
pub fn check(expected: &Value) -> Result<(), String> {
    let Value::Object(keys) = expected else { return Err("must be a JSON object of fields and values.".into()) };
    if keys.is_empty() {
        return Err("is empty: name at least one field and the value to wait for.".into());
    }
    keys.iter().try_for_each(|(key, want)| match want {
        Value::Object(_) => check(want).map_err(|why| format!("{key}: {why}")),
        Value::Array(items) if items.is_empty() => Err(format!("waits for {key} to be one of no values, which never happens.")),
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            Err(format!("lists objects for {key}; a list holds plain values, any of which will do."))
        }
        _ => Ok(()),
    })
}

/// Whether an answer satisfies an expectation.
pub fn met(answer: &Value, expected: &Value) -> bool {
    let Value::Object(keys) = expected else { return false };
    !keys.is_empty() && keys.iter().all(|(key, want)| satisfied(answer, key, want, keys))
}

/// What was last seen at each expected key, for people.
pub fn observed(answer: &Value, expected: &Value) -> String {
    let Value::Object(keys) = expected else { return String::new() };
    let line = |key: &String| {
        let mut values = Vec::new();
        match keys.get(key) {
            Some(Value::Object(inner)) => {
                let mut subtrees = Vec::new();
                objects(answer, key, &mut subtrees);
                return subtrees
                    .first()
                    .map_or(format!("{key} is not there"), |one| format!("{key}: {}", observed(one, &Value::Object(inner.clone()))));
            }
            _ => scalars(answer, key, keys, &mut values),
        }
        let shown: Vec<String> = values.iter().take(4).map(ToString::to_string).collect();
        if shown.is_empty() { format!("{key} is not there") } else { format!("{key} = {}", shown.join(", ")) }
    };
    keys.keys().map(line).collect::<Vec<_>>().join("; ")
}

fn satisfied(answer: &Value, key: &str, want: &Value, siblings: &Map<String, Value>) -> bool {
    if let Value::Object(_) = want {
        let mut found = Vec::new();
        objects(answer, key, &mut found);
        return !found.is_empty() && found.into_iter().all(|one| met(one, want));
    }
    let mut found = Vec::new();
    scalars(answer, key, siblings, &mut found);
    let allowed = match want {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    !found.is_empty() && found.into_iter().all(|have| allowed.iter().any(|want| same(have, want)))
}

/// Every plain value under a key. A subtree whose own expectation names the key is judged there, and left out here.
fn scalars<'a>(value: &'a Value, key: &str, siblings: &Map<String, Value>, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| scalars(item, key, siblings, found)),
        Value::Object(object) => {
            for (name, inner) in object {
                if name == key {
                    match inner {
                        Value::Object(_) => {}
                        Value::Array(items) => found.extend(items.iter().filter(|item| !item.is_object() && !item.is_array())),
                        plain => found.push(plain),
                    }
                }
                let judged_there = siblings.get(name).and_then(Value::as_object).is_some_and(|own| own.contains_key(key));
                if !judged_there {
                    scalars(inner, key, siblings, found);
                }
            }
        }
        _ => {}
    }
}

/// Every object under a key, lists walked through.
fn objects<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| objects(item, key, found)),
        Value::Object(object) => {
            for (name, inner) in object {
                match inner {
                    Value::Object(_) if name == key => found.push(inner),
                    Value::Array(items) if name == key => found.extend(items.iter().filter(|item| item.is_object())),
                    _ => {}
                }
                if name != key {
                    objects(inner, key, found);
                }
            }
        }
        _ => {}
    }
}

/// Equality of plain values: texts exactly, numbers by value, a number or a truth value also as its text.
fn same(have: &Value, want: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse::<f64>().ok().filter(|number| number.is_finite()),
        _ => None,
    };
    match (have, want) {
        (Value::Number(_), Value::Number(_) | Value::String(_)) | (Value::String(_), Value::Number(_)) => {
            have == want || matches!((number(have), number(want)), (Some(a), Some(b)) if a.total_cmp(&b).is_eq())
        }
        (Value::Bool(flag), Value::String(text)) | (Value::String(text), Value::Bool(flag)) => *text == flag.to_string(),
        _ => have == want,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_truth_table_holds() {
        let finished = json!({"state": "finished"});
        let pair = json!({"data": {"state": "finished"}, "state": "finished"});
        for (row, answer, expected, result) in [
            (1, json!({"state": "finished"}), finished.clone(), true),
            (2, json!({"data": {"state": "finished"}}), finished.clone(), true),
            (3, json!({"data": {"state": "running"}, "state": "finished"}), finished.clone(), false),
            (4, json!({"data": {"state": "finished"}, "state": "finished"}), finished.clone(), true),
            (5, json!({"state": "error"}), json!({"state": ["finished", "error"]}), true),
            (6, json!({"state": "finished", "percentage": 100}), json!({"state": "finished", "percentage": "100"}), true),
            (7, json!({"percentage": 100}), json!({"percentage": 100}), true),
            (8, json!({"other": 1}), finished.clone(), false),
            (9, json!({}), finished.clone(), false),
            (10, json!([{"state": "finished"}]), finished.clone(), true),
            (11, json!({"value": [{"state": "finished"}, {"state": "running"}]}), finished.clone(), false),
            (12, json!({"value": [{"state": "finished"}, {"state": "finished"}]}), finished.clone(), true),
            (13, json!({"value": []}), finished.clone(), false),
            (14, json!({"state": ["finished"]}), finished.clone(), true),
            (15, json!({"state": null}), json!({"state": null}), true),
            (16, json!({"a": {"state": "finished", "x": 1}}), json!({"a": {"state": "finished"}}), true),
            (17, json!({"done": true}), json!({"done": "true"}), true),
            (18, json!({"state": "Finished"}), finished.clone(), false),
            (19, json!({"state": {"state": "finished"}}), finished.clone(), true),
            (20, json!({"state": "finished"}), json!({"state": []}), false),
            (21, json!("state: finished"), finished.clone(), false),
            (22, json!({"data": {"state": "finished"}, "state": "finished"}), pair.clone(), true),
            (23, json!({"data": {"state": "running"}, "state": "finished"}), pair.clone(), false),
            (24, json!({"data": {"state": "finished"}, "state": "running"}), pair.clone(), false),
            (25, json!({"state": "error", "percentage": "10"}), json!({"state": ["finished", "error"], "percentage": 10}), true),
            (26, json!({"percentage": 100.0}), json!({"percentage": "100"}), true),
            (27, json!({"state": [{"state": "running"}, "finished"]}), finished.clone(), false),
            (28, json!({"data": [{"state": "finished"}, {"state": "running"}]}), json!({"data": {"state": "finished"}}), false),
            (29, json!({"done": "yes"}), json!({"done": true}), false),
        ] {
            assert_eq!(met(&answer, &expected), result, "row {row}: {answer} against {expected}");
        }
    }

    #[test]
    fn what_can_never_be_reached_is_refused() {
        for wrong in [json!([]), json!("finished"), json!({}), json!({"state": []}), json!({"a": {}}), json!({"a": [{"b": 1}]})] {
            assert!(check(&wrong).is_err(), "{wrong}");
        }
        assert!(check(&json!({"state": ["finished", "error"], "data": {"percentage": 1}})).is_ok());
    }

    #[test]
    fn what_was_seen_last_is_said() {
        let seen = observed(&json!({"state": "running", "n": 1}), &json!({"state": "finished", "gone": 1}));
        assert_eq!(seen, "state = \"running\"; gone is not there");
    }
}
