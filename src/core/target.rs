//! What a command acts on: ids with their names.

use std::fmt;

use serde_json::{Map, Value};

use super::catalogue::Parameter;
use super::entity::EntityKind;
use super::mapping::scalar;

/// What things are whose label does not tell.
const UNNAMED: &str = "item";

/// Something that a command acts on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// As it is sent.
    pub id: String,
    /// What it is called, where that is known.
    pub name: Option<String>,
}

impl Target {
    /// What people call it.
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

impl From<String> for Target {
    fn from(id: String) -> Self {
        Self { id, name: None }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.id),
            None => f.write_str(&self.id),
        }
    }
}

/// Whether a parameter's values are ids that something tells the names of.
pub fn has_names(parameter: &Parameter) -> bool {
    parameter.pick.is_some() || parameter.names.is_some() || !parameter.prefill.is_empty()
}

/// What one value of a parameter is.
pub fn noun_of(parameter: &Parameter) -> &'static str {
    let said = noun_in(&parameter.label);
    match parameter.prefill.first().filter(|_| said == UNNAMED) {
        Some(EntityKind::Device | EntityKind::Host) => "host",
        Some(EntityKind::User) => "user",
        Some(EntityKind::Mail) => "address",
        Some(EntityKind::Ip) => "ip",
        Some(EntityKind::Hash | EntityKind::File) => "file",
        _ => said,
    }
}

/// What a label's ids are ids of: `Policy Assignment UUIDs` are assignments.
fn noun_in(label: &str) -> &'static str {
    const NOUNS: [&str; 7] = ["assignment", "policy", "group", "task", "issue", "alert", "user"];
    let before = label.split_whitespace().rev().find(|word| !["uuid", "id"].iter().any(|id| word.to_lowercase().starts_with(id)));
    let word = before.unwrap_or_default().to_lowercase();
    NOUNS.into_iter().find(|noun| *noun == word).unwrap_or(UNNAMED)
}

/// What arguments would act on, and what one of these is.
pub fn targets_of(parameters: &[Parameter], arguments: &Map<String, Value>) -> (Vec<String>, &'static str) {
    let values = |parameter: &Parameter| match arguments.get(&parameter.name) {
        Some(Value::Array(items)) => items.iter().filter_map(scalar).collect(),
        Some(one) => scalar(one).into_iter().collect::<Vec<_>>(),
        None => Vec::new(),
    };
    let target = target_among(parameters.iter().filter(|parameter| !values(parameter).is_empty()));
    target.map_or((Vec::new(), "target"), |parameter| (values(parameter), noun_of(parameter)))
}

/// The parameter that says what a command acts on, of those that hold something: one for entities, else one for what a record or a list names.
pub fn target_among<'a>(parameters: impl Iterator<Item = &'a Parameter> + Clone) -> Option<&'a Parameter> {
    parameters.clone().find(|parameter| !parameter.prefill.is_empty()).or_else(|| {
        let mut parameters = parameters;
        parameters.find(|parameter| !parameter.prefill_paths.is_empty() || parameter.pick.is_some())
    })
}
