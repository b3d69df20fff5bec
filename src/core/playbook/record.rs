//! Recording: a playbook from what was done on events.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Addressee, Playbook, Step};
use crate::core::catalogue::{Command, Parameter, Type};
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
    /// Of what kinds of entity its arguments take values, the best first.
    pub takes: BTreeMap<String, Vec<EntityKind>>,
    /// What it gave back that a later command may have been given: path in its raw data, and value.
    pub results: Vec<(String, Value)>,
}

/// Of what kinds of entity a command's parameters take values.
pub fn taken_by(command: &Command) -> BTreeMap<String, Vec<EntityKind>> {
    command.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.prefill.clone())).collect()
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

/// Turns what was done on events into a playbook: values that the events name become typed inputs, which another event fills; masked ones
/// become secret inputs; what a step gave back is taken from that step.
pub fn record(name: &str, events: &[StoredEvent], done: &[Done]) -> Playbook {
    let nothing = BTreeMap::new();
    let mut recorder = Recorder { events, inputs: Vec::new(), results: Vec::new(), takes: &nothing };
    let mut steps: Vec<Step> = Vec::new();
    for run in done {
        recorder.takes = &run.takes;
        let arguments = run.arguments.iter().map(|(parameter, value)| (parameter.clone(), recorder.argument(parameter, value))).collect();
        let to = run.vendor.clone().map_or_else(|| Addressee::Connection(run.connection.clone()), Addressee::Vendor);
        let same = steps.iter().filter(|step| step.command == run.command).count();
        let name = if same == 0 { run.command.clone() } else { format!("{}-{}", run.command, same + 1) };
        recorder.results.extend(run.results.iter().map(|(path, value)| (value.clone(), format!("${{steps.{name}.{path}}}"))));
        let step = Step { name, to, command: run.command.clone(), arguments, when: None, for_each: None, continue_on_error: false };
        steps.push(step);
    }
    let title = name.replace(['-', '_'], " ");
    let help = events.first().map_or_else(|| "Recorded.".to_owned(), |event| format!("Recorded on: {}", event.event.title));
    let inputs = recorder.inputs.into_iter().map(|input| input.parameter).collect();
    Playbook { name: name.into(), title, help, inputs, steps }
}

/// What a value is of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// The record's own id, in the member of that name.
    Id(&'static str),
    /// An entity of a kind.
    Entity(EntityKind),
    /// A secret, whatever it was.
    Secret,
}

/// An input, with the values that it stands for, normalised.
struct Input {
    parameter: Parameter,
    known: Known,
    values: Vec<String>,
}

struct Recorder<'a> {
    events: &'a [StoredEvent],
    inputs: Vec<Input>,
    /// Values that came from a step, with the placeholder that finds them again.
    results: Vec<(Value, String)>,
    /// Of what kinds of entity the present run's arguments take values.
    takes: &'a BTreeMap<String, Vec<EntityKind>>,
}

impl Recorder<'_> {
    fn argument(&mut self, parameter: &str, value: &Value) -> Value {
        match value.as_str() {
            Some("***") => Value::from(self.input(parameter, Known::Secret, vec![parameter.to_owned()], false)),
            _ => self.general(parameter, value),
        }
    }

    /// A value with what the events name replaced.
    fn general(&mut self, parameter: &str, value: &Value) -> Value {
        match value {
            Value::String(text) => match self.known(text) {
                Some(known) => Value::from(self.input(parameter, known, vec![plain(known, text)], false)),
                None => self.result(value).unwrap_or_else(|| value.clone()),
            },
            Value::Array(items) => self.list(parameter, items),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), self.general(parameter, value))).collect())
            }
            other => other.clone(),
        }
    }

    fn result(&self, value: &Value) -> Option<Value> {
        self.results.iter().find(|(known, _)| known == value).map(|(_, place)| Value::from(place.as_str()))
    }

    /// A list: what it has of one kind becomes one input.
    fn list(&mut self, parameter: &str, items: &[Value]) -> Value {
        let known: Vec<Option<Known>> = items.iter().map(|item| self.known(item.as_str()?)).collect();
        let mut all: Vec<Value> = Vec::new();
        for (item, is) in items.iter().zip(&known) {
            let Some(is) = is else {
                all.push(self.general(parameter, item));
                continue;
            };
            let alike = items.iter().zip(&known).filter(|(_, other)| **other == Some(*is)).filter_map(|(item, _)| item.as_str());
            let mut values: Vec<String> = alike.map(|text| plain(*is, text)).collect();
            values.sort();
            values.dedup();
            let place = Value::from(self.input(parameter, *is, values, true));
            if !all.contains(&place) {
                all.push(place);
            }
        }
        Value::Array(all)
    }

    /// The placeholder of the input that stands for these values; made where there is none yet.
    fn input(&mut self, parameter: &str, known: Known, values: Vec<String>, many: bool) -> String {
        // Another vendor's event may name the same thing otherwise: a user by mail address where this one has an object id.
        let kinds: Vec<EntityKind> = match known {
            Known::Entity(kind) => {
                let others = self.takes.get(parameter).into_iter().flatten().filter(|other| **other != kind);
                std::iter::once(kind).chain(others.copied()).collect()
            }
            Known::Id(_) | Known::Secret => Vec::new(),
        };
        if let Some(input) = self.inputs.iter_mut().find(|input| input.known == known && input.values == values) {
            // What fills it must do for all whom it is given to.
            input.parameter.prefill.retain(|kind| kinds.contains(kind));
            if many {
                input.parameter.r#type = Type::texts(1);
            }
            return format!("[Input.{}]", input.parameter.name);
        }
        let signs = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let wanted: String = if let Known::Entity(kind) = known { kind.as_str().into() } else { parameter.chars().map(signs).collect() };
        let taken = |name: &String| self.inputs.iter().any(|input| input.parameter.name == *name);
        let mut names = std::iter::once(wanted.clone()).chain((2..).map(|number| format!("{wanted}-{number}")));
        let name = names.find(|name| !taken(name)).unwrap_or_default();
        let r#type = if many { Type::texts(1) } else { Type::TEXT };
        let help = match known {
            Known::Secret => "Was secret, so that it was not recorded.".to_owned(),
            _ => format!("Was {} when it was recorded.", values.join(", ")),
        };
        let made = Parameter::new(&name, r#type, &help).named(&name).required();
        let parameter = match known {
            Known::Entity(_) => made.prefill(&kinds),
            Known::Id(member) => made.prefill_path("", &format!("$.{member}")),
            Known::Secret => made.secret(),
        };
        self.inputs.push(Input { parameter, known, values });
        format!("[Input.{name}]")
    }

    /// What a text is of these events.
    fn known(&self, text: &str) -> Option<Known> {
        if text.is_empty() {
            return None;
        }
        let is_id = |member: &&str| self.events.iter().any(|event| event.event.raw.get(*member).and_then(Value::as_str) == Some(text));
        let is_entity = |kind: &EntityKind| {
            let mut all = self.events.iter().flat_map(|event| &event.event.entities);
            all.any(|entity| entity.kind == *kind && normalise(*kind, &entity.value) == normalise(*kind, text))
        };
        let id = ["id", "uuid", "Id"].into_iter().find(is_id).map(Known::Id);
        id.or_else(|| TELLING.into_iter().find(is_entity).map(Known::Entity))
    }
}

/// A text as it is compared.
fn plain(known: Known, text: &str) -> String {
    if let Known::Entity(kind) = known { normalise(kind, text) } else { text.to_owned() }
}
