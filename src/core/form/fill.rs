//! What events know of a command's parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::field::{Field, plain};
use crate::core::answer;
use crate::core::catalogue::{Command, Given, Parameter, Type};
use crate::core::entity::EntityKind;
use crate::core::event::StoredEvent;
use crate::core::mapping::{scalar, values_at};

/// Fields for parameters, filled from events; what nothing fills gets what its parameter proposes.
pub(super) fn fields_of(parameters: &[Parameter], vendor: &str, events: &[StoredEvent]) -> Vec<Field> {
    let mut fields: Vec<Field> = parameters.iter().map(Field::new).collect();
    for field in &mut fields {
        if let Some((value, origin)) = filled(&field.parameter, vendor, events) {
            field.set(&plain(&value));
            field.origin = Some(origin);
        } else if let Some(proposal) =
            field.parameter.proposal.clone().filter(|text| field.is_blank() && (!events.is_empty() || !text.contains("{title}")))
        {
            let title = events.first().map_or("", |stored| stored.event.title.as_str());
            field.set(proposal.replace("{title}", title).trim());
            field.origin = Some("proposed".into());
        }
    }
    fields
}

pub(super) fn given_of(values: Map<String, Value>) -> Vec<(String, Given)> {
    values.into_iter().map(|(name, value)| (name, Given::Json(value))).collect()
}

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
fn filled(parameter: &Parameter, vendor: &str, events: &[StoredEvent]) -> Option<(Value, String)> {
    let (values, origin) = prefill(parameter, vendor, events)?;
    let many = matches!(parameter.r#type, Type::List { .. });
    let value = if many { Value::from(values) } else { Value::from(values.into_iter().next()?) };
    Some((value, origin))
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
