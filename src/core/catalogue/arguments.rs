//! Checked arguments: what [`super::validate()`] makes of what was typed.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Parameter, Type};
use crate::core::schema::masked;

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
    /// `Authorization`) are replaced as well.
    pub fn masked(&self) -> Map<String, Value> {
        let secret = |name: &str| self.parameters.iter().any(|parameter| parameter.name == name && parameter.secret);
        self.values
            .iter()
            .map(|(name, value)| (name.clone(), if secret(name) { Value::from("***") } else { self.masked_by_shape(name, value) }))
            .collect()
    }

    /// A value with the members replaced that its schema or its own name calls secret.
    fn masked_by_shape(&self, name: &str, value: &Value) -> Value {
        match self.parameters.iter().find(|parameter| parameter.name == name).map(|parameter| &parameter.r#type) {
            Some(Type::Object { schema: Some(schema) } | Type::Json { schema: Some(schema) }) => masked_within(&masked(schema, value)),
            _ => masked_within(value),
        }
    }

    /// The values of secret parameters, so that they can be masked wherever they turn up.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().filter(|parameter| parameter.secret).filter_map(|parameter| self.values.get(&parameter.name)?.as_str())
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
        match self.parameters.iter().find(|parameter| parameter.name == name).map(|parameter| &parameter.r#type) {
            Some(Type::Time(super::TimeForm::EpochMillis)) => Timestamp::from_millisecond(value.as_i64()?).ok(),
            Some(Type::Time(super::TimeForm::EpochSeconds)) => Timestamp::from_second(value.as_i64()?).ok(),
            _ => value.as_str()?.parse().ok(),
        }
    }

    /// A choice in the vendor's own spelling.
    pub fn wire(&self, name: &str) -> Option<Value> {
        let value = self.values.get(name)?;
        let parameter = self.parameters.iter().find(|parameter| parameter.name == name)?;
        Some(to_wire(&parameter.r#type, value))
    }
}

/// A value with the members replaced that are secret by their name, however deep they stand.
fn masked_within(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, inner)| (name.clone(), if is_secret_name(name) { Value::from("***") } else { masked_within(inner) }))
            .collect(),
        Value::Array(items) => items.iter().map(masked_within).collect(),
        other => other.clone(),
    }
}

/// Whether a value is a secret by its name (contract, Origins).
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["authorization", "cookie", "key", "token", "secret", "password"].iter().any(|word| name.contains(word))
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
