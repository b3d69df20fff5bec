//! Checked arguments: what [`super::validate()`] makes of what was typed.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Parameter, Type};
use crate::core::schema::masked;
use crate::core::secrecy::{MASK, is_secret_member, is_secret_query, masked_members, secrets_of_query};

/// How long a text within something larger must be to be looked for elsewhere: a short one would black out ordinary text.
const TELLING: usize = 8;

/// The arguments of one run, checked and in canonical form: a choice is its label, a time is as its
/// [`TimeForm`](super::TimeForm) says, a list is a list. Defaults are filled in.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    values: Map<String, Value>,
    parameters: Vec<Parameter>,
    now: Timestamp,
    as_given: Map<String, Value>,
}

impl Arguments {
    /// Arguments that were checked already.
    pub fn new(values: Map<String, Value>, parameters: Vec<Parameter>, now: Timestamp) -> Self {
        Self { values, parameters, now, as_given: Map::new() }
    }

    /// The same, remembering texts as they were typed.
    #[must_use]
    pub fn with_given(mut self, as_given: Map<String, Value>) -> Self {
        self.as_given = as_given;
        self
    }

    /// A text as it was typed, where output has to repeat it; else its canonical form.
    pub fn as_given(&self, name: &str) -> Option<&str> {
        self.as_given.get(name).and_then(Value::as_str).or_else(|| self.text(name))
    }

    /// When they were accepted; "now" of every relative time and default in them.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// All values by name.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// All values by name, with secret ones replaced: what may be recorded. Members of objects that are secret by their name (a header
    /// `Authorization`) and values of queries (`sig`) are replaced as well.
    pub fn masked(&self) -> Map<String, Value> {
        self.values.iter().map(|(name, value)| (name.clone(), self.masked_value(name, value))).collect()
    }

    fn masked_value(&self, name: &str, value: &Value) -> Value {
        let Some(parameter) = self.parameter(name) else { return masked_members(value, is_secret_member) };
        let queries = parameter.place == "query";
        if parameter.secret || (queries && is_secret_query(name)) {
            return MASK.into();
        }
        let is_secret = if queries { |name: &str| is_secret_member(name) || is_secret_query(name) } else { is_secret_member };
        match &parameter.r#type {
            Type::Object { schema: Some(schema) } | Type::Json { schema: Some(schema) } => {
                masked_members(&masked(schema, value), is_secret)
            }
            _ => masked_members(value, is_secret),
        }
    }

    fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// The texts that [`masked`](Self::masked) replaces, so that they can be masked wherever they turn up.
    pub fn secrets(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, value) in &self.values {
            match value {
                Value::String(text) if self.parameter(name).is_some_and(|parameter| parameter.secret) => found.push(text.clone()),
                _ => {
                    let mut within = Vec::new();
                    replaced(value, &self.masked_value(name, value), &mut within);
                    found.extend(within.into_iter().filter(|text| text.len() >= TELLING));
                }
            }
        }
        found
    }

    /// Whether a value was given or has a default.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The value as it is.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// A text, or the label of a choice.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_str()
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.values.get(name)?.as_i64()
    }

    /// A yes or no; `false` where it is not given and has no default.
    pub fn flag(&self, name: &str) -> bool {
        self.values.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A list of texts (labels, where they are choices); empty where it is not given.
    pub fn texts(&self, name: &str) -> Vec<String> {
        match self.values.get(name) {
            Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect(),
            Some(Value::String(text)) => vec![text.clone()],
            _ => Vec::new(),
        }
    }

    /// A list of texts, each once: an id that was given twice is meant once.
    pub fn distinct(&self, name: &str) -> Vec<String> {
        let mut seen = std::collections::HashSet::new();
        self.texts(name).into_iter().filter(|text| seen.insert(text.clone())).collect()
    }

    /// A moment, whatever its form.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        let value = self.values.get(name)?;
        match self.parameter(name).map(|parameter| &parameter.r#type) {
            Some(Type::Time(super::TimeForm::EpochMillis)) => Timestamp::from_millisecond(value.as_i64()?).ok(),
            Some(Type::Time(super::TimeForm::EpochSeconds)) => Timestamp::from_second(value.as_i64()?).ok(),
            _ => value.as_str()?.parse().ok(),
        }
    }

    /// A choice in the vendor's own spelling.
    pub fn wire(&self, name: &str) -> Option<Value> {
        let value = self.values.get(name)?;
        let parameter = self.parameter(name)?;
        Some(to_wire(&parameter.r#type, value))
    }
}

/// The texts of a value that its masked form does not show.
fn replaced(value: &Value, masked: &Value, found: &mut Vec<String>) {
    match (value, masked) {
        (Value::Object(members), Value::Object(masked)) => {
            members.iter().zip(masked.values()).for_each(|((_, value), masked)| replaced(value, masked, found));
        }
        (Value::Array(items), Value::Array(masked)) => items.iter().zip(masked).for_each(|(item, masked)| replaced(item, masked, found)),
        (Value::Object(members), _) => members.values().for_each(|value| replaced(value, masked, found)),
        (Value::Array(items), _) => items.iter().for_each(|item| replaced(item, masked, found)),
        (Value::String(text), masked) if masked == MASK => found.push(text.clone()),
        (Value::String(text), masked) if masked != text => found.extend(secrets_of_query(text).map(Cow::into_owned)),
        _ => {}
    }
}

fn to_wire(r#type: &Type, value: &Value) -> Value {
    match (r#type, value) {
        (Type::Choice(choices), Value::String(label)) => {
            choices.iter().find(|choice| choice.label == *label).map_or_else(|| value.clone(), |choice| choice.wire.clone())
        }
        (Type::List { of, .. }, Value::Array(items)) => items.iter().map(|item| to_wire(of, item)).collect(),
        _ => value.clone(),
    }
}
