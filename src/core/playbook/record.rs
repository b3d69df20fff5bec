//! Recording: a playbook from what was done on an event.

use serde_json::{Map, Value};

use super::{Playbook, Step, Target};
use crate::core::catalogue::{Parameter, Type};
use crate::core::entity::{EntityKind, normalise};
use crate::core::event::StoredEvent;

/// A command that was run on an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// Its connection.
    pub connection: String,
    /// The vendor of that, where the connection is still there.
    pub vendor: Option<String>,
    /// The command.
    pub command: String,
    /// Its arguments, secrets masked.
    pub arguments: Map<String, Value>,
    /// What it gave back that a later command may have been given: path in its raw data, and value.
    pub results: Vec<(String, Value)>,
}

/// The kinds that a value is compared with, the telling ones first: the same text may stand for several.
const TELLING: [EntityKind; 12] = [
    EntityKind::Device,
    EntityKind::Mail,
    EntityKind::User,
    EntityKind::Host,
    EntityKind::Ip,
    EntityKind::Hash,
    EntityKind::CloudResource,
    EntityKind::TenantObject,
    EntityKind::Cve,
    EntityKind::Url,
    EntityKind::Domain,
    EntityKind::File,
];

/// Turns what was done on an event into a playbook: values that the event names become placeholders, masked ones become inputs.
pub fn record(name: &str, event: &StoredEvent, done: &[Done]) -> Playbook {
    let mut inputs: Vec<Parameter> = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    // Values that came from a step, with the placeholder that finds them again.
    let mut results: Vec<(Value, String)> = Vec::new();
    for run in done {
        let mut arguments = Map::new();
        for (parameter, value) in &run.arguments {
            let value = if value.as_str() == Some("***") {
                if !inputs.iter().any(|input| input.name == *parameter) {
                    let mut input = Parameter::new(parameter, Type::TEXT, "Was secret, so that it was not recorded.").named(parameter);
                    (input.required, input.secret) = (true, true);
                    inputs.push(input);
                }
                Value::from(format!("[Input.{parameter}]"))
            } else {
                general(value, event, &results)
            };
            arguments.insert(parameter.clone(), value);
        }
        let target = run.vendor.clone().map_or_else(|| Target::Connection(run.connection.clone()), Target::Vendor);
        let same = steps.iter().filter(|step| step.command == run.command).count();
        let name = if same == 0 { run.command.clone() } else { format!("{}-{}", run.command, same + 1) };
        results.extend(run.results.iter().map(|(path, value)| (value.clone(), format!("${{steps.{name}.{path}}}"))));
        let step = Step { name, target, command: run.command.clone(), arguments, when: None, for_each: None, continue_on_error: false };
        steps.push(step);
    }
    let title = name.replace(['-', '_'], " ");
    let help = format!("Recorded on: {}", event.event.title);
    Playbook { name: name.into(), title, help, inputs, steps }
}

/// A value with what the event names replaced.
fn general(value: &Value, event: &StoredEvent, results: &[(Value, String)]) -> Value {
    match value {
        Value::String(text) => placeholder(text, event)
            .or_else(|| results.iter().find(|(known, _)| known == value).map(|(_, place)| place.clone()))
            .map_or_else(|| value.clone(), Value::from),
        Value::Array(items) => {
            let mut all: Vec<Value> = Vec::new();
            for item in items.iter().map(|item| general(item, event, results)) {
                // A placeholder stands for all entities of its kind.
                let again = item.as_str().is_some_and(|text| text.starts_with("${entity.")) && all.contains(&item);
                if !again {
                    all.push(item);
                }
            }
            Value::Array(all)
        }
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), general(value, event, results))).collect())
        }
        other => other.clone(),
    }
}

fn placeholder(text: &str, event: &StoredEvent) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    let own = ["id", "uuid", "Id"].into_iter().find(|name| event.event.raw.get(*name).and_then(Value::as_str) == Some(text));
    if let Some(name) = own {
        return Some(format!("${{event.$.{name}}}"));
    }
    let same = |kind: EntityKind| {
        let wanted = normalise(kind, text);
        event.event.entities.iter().any(|entity| entity.kind == kind && normalise(kind, &entity.value) == wanted)
    };
    TELLING.into_iter().find(|kind| same(*kind)).map(|kind| format!("${{entity.{}}}", kind.as_str()))
}
