//! Masking by value: wherever a known secret or a live token turns up, it is replaced, whoever put it there.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

pub use crate::core::secrecy::MASK;

/// The values that must never be seen, shared by everything that writes.
#[derive(Clone, Default)]
pub struct Redactor {
    values: Arc<RwLock<Vec<String>>>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// Adds a value, with the spellings that it takes in URLs, forms and JSON. Short ones are not added: masking them would black out
    /// ordinary text.
    pub fn add(&self, value: &str) {
        if value.len() < 4 {
            return;
        }
        let json = serde_json::to_string(value).unwrap_or_default();
        let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let mut spellings = vec![value.to_owned(), json.trim_matches('"').to_owned(), form.replace('+', "%20"), form];
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        spellings.retain(|spelling| !spelling.is_empty() && !values.contains(spelling));
        values.append(&mut spellings);
        // Longest first, so that a token is not cut open by a shorter secret inside it.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
    }

    /// A text with every known value masked.
    pub fn text(&self, text: &str) -> String {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        let mut masked = text.to_owned();
        for value in values.iter() {
            if masked.contains(value.as_str()) {
                masked = masked.replace(value.as_str(), MASK);
            }
        }
        masked
    }

    /// Whether a text holds a known value.
    pub fn holds(&self, text: &str) -> bool {
        self.values.read().unwrap_or_else(PoisonError::into_inner).iter().any(|value| text.contains(value.as_str()))
    }

    /// Masks every known value in a JSON value, keys included.
    pub fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) if self.holds(text) => {
                *text = self.text(text);
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(object) => {
                if object.keys().any(|key| self.holds(key)) {
                    *object = std::mem::take(object).into_iter().map(|(key, value)| (self.text(&key), value)).collect();
                }
                object.values_mut().for_each(|value| self.json(value));
            }
            _ => {}
        }
    }
}

/// Replaces the values of fields that the catalogue calls secret, by name, at any depth.
pub fn mask_fields(value: &mut Value, names: &[String]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| mask_fields(item, names)),
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                let empty = value.is_null() || value.as_str() == Some("") || value.as_i64() == Some(0);
                if names.iter().any(|name| name == key) && !empty {
                    *value = Value::from(MASK);
                } else {
                    mask_fields(value, names);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_masked_in_every_spelling() {
        let redactor = Redactor::default();
        redactor.add("p&ss \"w\"ord");
        assert_eq!(redactor.text("a p&ss \"w\"ord b p%26ss+%22w%22ord c p%26ss%20%22w%22ord"), "a *** b *** c ***");
        let mut value = json!({"echo": ["x p&ss \"w\"ord"], "n": 1});
        redactor.json(&mut value);
        assert_eq!(value, json!({"echo": ["x ***"], "n": 1}));
        assert_eq!(redactor.text(&json!({"a": "p&ss \"w\"ord"}).to_string()), "{\"a\":\"***\"}");
    }

    #[test]
    fn fields_called_secret_are_masked_at_any_depth() {
        let mut value = json!({"a": [{"token": "x", "b": 1}], "token": ""});
        mask_fields(&mut value, &["token".into()]);
        assert_eq!(value, json!({"a": [{"token": "***", "b": 1}], "token": ""}));
    }
}
