//! What events know of a command's parameters.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer;
use super::catalogue::{Command, Parameter, Type};
use super::entity::EntityKind;
use super::event::StoredEvent;
use super::mapping::{scalar, values_at};
use super::target::target_among;

/// Values for a parameter from events, with where they come from. Ids that only one vendor knows stay with that vendor.
pub fn prefill(parameter: &Parameter, vendor: &str, events: &[StoredEvent]) -> Option<(Vec<String>, String)> {
    let mut values: Vec<String> = Vec::new();
    let mut origin = String::new();
    for event in events {
        let own = event.vendor == vendor;
        let source = if event.id == 0 { "the answer" } else { "the event" };
        let paths = parameter
            .prefill_paths
            .iter()
            .filter(|(event_type, _)| own && (event_type.is_empty() || *event_type == event.event.event_type));
        let mut found: Vec<String> = if own && event.id == 0 { answer::given_for(event, &parameter.name) } else { Vec::new() };
        if !found.is_empty() {
            origin = format!("from {source}");
        }
        for (_, path) in paths {
            if !found.is_empty() {
                break;
            }
            found.extend(values_at(&event.event.raw, path).into_iter().filter_map(|(_, value)| scalar(value)));
            if !found.is_empty() {
                origin = format!("from {source}, {path}");
            }
        }
        if found.is_empty() {
            for kind in &parameter.prefill {
                if kind.is_local() && !own {
                    continue;
                }
                found.extend(event.event.entities.iter().filter(|entity| entity.kind == *kind).map(|entity| entity.value.clone()));
                if !found.is_empty() {
                    origin = format!("from {source}, {}", kind.as_str());
                    break;
                }
            }
        }
        for value in found {
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    (!values.is_empty()).then_some((values, origin))
}

/// The value that a parameter takes from events, and where it comes from.
pub fn filled(parameter: &Parameter, vendor: &str, events: &[StoredEvent]) -> Option<(Value, String)> {
    let (values, origin) = prefill(parameter, vendor, events)?;
    let value = if takes_many(parameter) { Value::from(values) } else { Value::from(values.into_iter().next()?) };
    Some((value, origin))
}

fn takes_many(parameter: &Parameter) -> bool {
    matches!(parameter.r#type, Type::List { .. })
}

/// Why several events do not fill a command: what it acts on, or what it needs, is one value, and they have several.
pub fn refusal(command: &Command, vendor: &str, events: &[StoredEvent]) -> Option<String> {
    if events.len() < 2 {
        return None;
    }
    let values = |parameter: &Parameter| prefill(parameter, vendor, events).map_or(0, |(values, _)| values.len());
    let target = target_among(command.parameters.iter().filter(|parameter| values(parameter) > 0));
    let needed = command.parameters.iter().filter(|parameter| parameter.required);
    let several = target.into_iter().chain(needed).any(|parameter| !takes_many(parameter) && values(parameter) > 1);
    several.then(|| "one event at a time".to_owned())
}

/// What events know of a command's parameters: name, value, where it comes from.
pub fn prefilled(command: &Command, vendor: &str, events: &[StoredEvent]) -> Vec<(String, Value, String)> {
    let fill = |parameter: &Parameter| filled(parameter, vendor, events).map(|(value, origin)| (parameter.name.clone(), value, origin));
    command.parameters.iter().filter_map(fill).collect()
}

/// Device id → host name, where an event has one of each.
pub fn names_of(events: &[StoredEvent]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for event in events {
        let of =
            |kind: EntityKind| event.event.entities.iter().filter(move |entity| entity.kind == kind).map(|entity| entity.value.clone());
        let (devices, hosts): (Vec<_>, Vec<_>) = (of(EntityKind::Device).collect(), of(EntityKind::Host).collect());
        if let ([device], [host]) = (devices.as_slice(), hosts.as_slice()) {
            names.insert(device.clone(), host.clone());
        }
    }
    names
}
