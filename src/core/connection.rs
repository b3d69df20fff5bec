//! A configured connection, as the core sees it: its plain values, and the names (never the values) of its secrets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// One `[[connection]]` of the configuration, checked against its vendor's parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connection {
    /// Its name, unique.
    pub name: String,
    /// Its vendor, as the configuration spells it.
    pub vendor: String,
    /// Whether it takes part in `fetch` and jobs.
    pub active: bool,
    /// Plain parameters in canonical form, defaults filled in.
    pub parameters: Map<String, Value>,
    /// Names of the secret parameters that are configured.
    pub secrets: BTreeSet<String>,
    /// The switches of `[connection.options]`, defaults filled in; dotted names are flat keys (`scan_targets.empty`).
    pub options: Map<String, Value>,
    /// The event sources that `fetch` is narrowed to.
    pub event_sources: Option<Vec<String>>,
    /// The environment it belongs to.
    pub environment: String,
    /// Whether commands that change anything are refused.
    pub read_only: bool,
    /// Extra certificate authorities (path of a PEM file).
    pub ca_file: Option<String>,
    /// Proxy: `None` is none, `Some("environment")` those of the environment, otherwise its URL.
    pub proxy: Option<String>,
    /// Whether certificates are not checked.
    pub insecure: bool,
    /// Minutes between health checks.
    pub health_check_minutes: Option<u32>,
    /// Minutes between fetches.
    pub fetch_minutes: Option<u32>,
    /// Minutes between renewals of a delegated refresh token.
    pub token_renewal_minutes: Option<u32>,
    /// Failures in a row that raise the alarm.
    pub alarm_after: u32,
    /// Contents of files that parameters name and the vendor's entry is built from (an OpenAPI document), by parameter name.
    pub documents: BTreeMap<String, std::sync::Arc<str>>,
}

impl Connection {
    /// A plain parameter as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A plain parameter as text, or nothing as the empty text.
    pub fn text_or_empty(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    /// A plain yes or no.
    pub fn flag(&self, name: &str) -> bool {
        self.parameters.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A plain whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.parameters.get(name).and_then(Value::as_i64)
    }

    /// A plain list of texts.
    pub fn texts(&self, name: &str) -> Vec<String> {
        match self.parameters.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            Some(Value::String(text)) => text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a parameter, secret or plain, is configured.
    pub fn has(&self, name: &str) -> bool {
        self.secrets.contains(name) || self.parameters.get(name).is_some_and(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A switch of `[connection.options]`.
    pub fn option(&self, name: &str) -> Option<&Value> {
        self.options.get(name)
    }

    /// A switch as text.
    pub fn option_text(&self, name: &str) -> Option<&str> {
        self.option(name)?.as_str()
    }

    /// A switch as yes or no.
    pub fn option_flag(&self, name: &str) -> bool {
        self.option(name).and_then(Value::as_bool).unwrap_or(false)
    }
}
