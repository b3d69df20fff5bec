//! `[Input.name]`: places in a request that are filled by name (seed 000, "Playbook block configuration").

use serde_json::{Map, Value};
use url::form_urlencoded;

/// Where a text stands, which decides how a value is written into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a URL: percent-encoded, so that a value can change neither the path nor the host.
    Url,
    /// Anywhere else: as it is.
    Plain,
}

/// Fills every place of a text.
///
/// # Errors
/// A place that no input fills, or a value that may not stand there.
pub fn fill(text: &str, inputs: &Map<String, Value>, place: Place) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("[Input.") {
        let (before, from) = rest.split_at(at);
        let Some(end) = from.find(']') else { break };
        let name = &from["[Input.".len()..end];
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.')) {
            filled.push_str(before);
            filled.push_str("[Input.");
            rest = &from["[Input.".len()..];
            continue;
        }
        filled.push_str(before);
        let value = inputs.get(name).ok_or_else(|| format!("the place [Input.{name}] is not filled; give it in inputs."))?;
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match place {
            Place::Plain => filled.push_str(&value),
            Place::Url => {
                if filled.matches('/').count() < 3 && filled.contains("://") || value.chars().any(char::is_control) {
                    return Err(format!("the value of [Input.{name}] may not stand in the host, and not hold control characters."));
                }
                filled.push_str(&encode(&value));
            }
        }
        rest = &from[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Fills the texts of a JSON value.
///
/// # Errors
/// As [`fill`].
pub fn fill_json(value: &Value, inputs: &Map<String, Value>) -> Result<Value, String> {
    Ok(match value {
        // A place that is the whole text keeps the type of its value.
        Value::String(text) => match whole(text).and_then(|name| inputs.get(name)) {
            Some(value) => value.clone(),
            None => Value::String(fill(text, inputs, Place::Plain)?),
        },
        Value::Array(items) => items.iter().map(|item| fill_json(item, inputs)).collect::<Result<_, _>>()?,
        Value::Object(object) => {
            let filled: Result<Map<_, _>, String> =
                object.iter().map(|(name, inner)| Ok((name.clone(), fill_json(inner, inputs)?))).collect();
            Value::Object(filled?)
        }
        plain => plain.clone(),
    })
}

fn whole(text: &str) -> Option<&str> {
    text.strip_prefix("[Input.")?.strip_suffix(']').filter(|name| !name.contains(['[', ']']))
}

/// A value percent-encoded for one segment or query value.
pub fn encode(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_stay_in_their_place() {
        let inputs = json!({"table_name": "a/b?c#d@e", "sys_id": 7, "bad": "x\r\ny"});
        let Value::Object(inputs) = inputs else { return };
        let url = fill("https://host.example/[Input.table_name]/[Input.sys_id]", &inputs, Place::Url);
        assert_eq!(url.as_deref(), Ok("https://host.example/a%2Fb%3Fc%23d%40e/7"));
        assert!(fill("https://[Input.table_name]/x", &inputs, Place::Url).is_err());
        assert!(fill("/x/[Input.bad]", &inputs, Place::Url).is_err());
        assert!(fill("/x/[Input.gone]", &inputs, Place::Url).unwrap_err().contains("[Input.gone]"));
        assert_eq!(fill("[Input.] [Input", &inputs, Place::Plain).as_deref(), Ok("[Input.] [Input"));
        let body = fill_json(&json!({"work_notes": "see [Input.sys_id]", "n": "[Input.sys_id]"}), &inputs).unwrap();
        assert_eq!(body, json!({"work_notes": "see 7", "n": 7}));
    }
}
