//! The rows of an answer: a list of records, or no answer at all, never an empty list by mistake.

use serde_json::{Map, Value};

/// Takes the list out of a page. A service that leaves out what is empty may leave out the list, too; whatever else is no list of objects
/// is not taken for an empty one.
///
/// # Errors
/// What is wrong with the page.
pub fn take_rows(page: &mut Map<String, Value>, member: &str) -> Result<Vec<Value>, String> {
    let items = match page.remove(member) {
        Some(Value::Array(items)) => items,
        Some(Value::Null) | None => {
            return page
                .keys()
                .find(|key| tells_of_an_error(key))
                .map_or_else(|| Ok(Vec::new()), |key| Err(format!("the answer has no list \"{member}\", but \"{key}\": {}", page[key])));
        }
        Some(_) => return Err(format!("\"{member}\" is no list")),
    };
    match items.iter().position(|item| !item.is_object()) {
        Some(at) => Err(format!("entry {} of \"{member}\" is no object", at + 1)),
        None => Ok(items),
    }
}

/// The same of an answer as it came.
///
/// # Errors
/// What is wrong with the answer.
pub fn rows(answer: Value, member: &str) -> Result<Vec<Value>, String> {
    match answer {
        Value::Object(mut page) => take_rows(&mut page, member),
        _ => Err("the answer is no JSON object".into()),
    }
}

fn tells_of_an_error(key: &str) -> bool {
    matches!(key, "error" | "errors" | "message")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_list_that_was_left_out_is_empty() {
        for empty in [json!({}), json!({"a": []}), json!({"a": null, "next": ""})] {
            assert_eq!(rows(empty, "a"), Ok(Vec::new()));
        }
        assert_eq!(rows(json!({"a": [{"b": 1}]}), "a"), Ok(vec![json!({"b": 1})]));
        for wrong in [
            Value::Null,
            json!([]),
            json!("a"),
            json!(0),
            json!({"a": {}}),
            json!({"a": "x"}),
            json!({"a": [null]}),
            json!({"a": [{}, 1]}),
            json!({"error": {"code": "x"}}),
            json!({"message": "no"}),
        ] {
            assert!(rows(wrong.clone(), "a").is_err(), "{wrong}");
        }
    }
}
