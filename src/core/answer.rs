//! What a command gave back, as something that the next command can be filled from.

use serde_json::{Map, Value};

use super::entity;
use super::event::{Event, StoredEvent};
use super::health::Connected;
use super::mapping::{scalar, values_at};

/// A part of an answer: where it stands, and what it says.
pub type Part = (String, Value);

/// An answer, or a part of it, in the shape of an event: the entities that it mentions, and by the stem of their names the values that it
/// gives for parameters of its own vendor: the command's key fields, and what pick lists take from it.
pub fn of(connected: Option<&Connected>, command: &str, raw: &Value, part: Option<Part>) -> StoredEvent {
    let (place, said) = part.unwrap_or_else(|| ("$".into(), raw.clone()));
    let values = |path: &str| -> Vec<Value> {
        let found = values_at(raw, path).into_iter().filter(|(path, _)| is_within(path, &place));
        found.filter_map(|(_, value)| scalar(value).map(Value::from)).collect()
    };
    let key_fields = connected.and_then(|known| known.entry.command(command)).into_iter().flat_map(|command| &command.key_fields);
    let key_fields = key_fields.map(|field| (stem(&field.name), values(&field.path)));
    let parameters = connected.into_iter().flat_map(|known| &known.entry.commands).flat_map(|command| &command.parameters);
    let picked = parameters.filter_map(|parameter| {
        let pick = parameter.pick.as_ref().filter(|pick| pick.command == command)?;
        Some((stem(&parameter.name), values(&pick.value)))
    });
    let fields: Map<String, Value> =
        picked.chain(key_fields).filter(|(_, values)| !values.is_empty()).map(|(name, values)| (name, Value::Array(values))).collect();
    StoredEvent {
        connection: connected.map(|known| known.name.clone()).unwrap_or_default(),
        vendor: connected.map(|known| known.vendor.clone()).unwrap_or_default(),
        event: Event { entities: entity::extract(&said), fields, ..Event::default() },
        ..StoredEvent::default()
    }
}

/// What an answer says for a parameter of its own vendor.
pub fn given_for(answer: &StoredEvent, parameter: &str) -> Vec<String> {
    let given = answer.event.fields.get(&stem(parameter)).and_then(Value::as_array);
    given.into_iter().flatten().filter_map(scalar).collect()
}

fn is_within(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// A name however it is written, one or several: `TaskUUID`, `task_uuids`.
fn stem(name: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    plain.to_lowercase().trim_end_matches('s').to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::core::catalogue::{Command, Entry, Parameter, Type};
    use crate::core::outcome::{Outcome, ReturnData};

    fn connected() -> Connected {
        let list =
            Command::new("List Devices", "", |_, _, _| async { Outcome::new(ReturnData::Successful) }).key_field("TaskUUID", "$.task");
        let isolate = Command::new("Isolate", "", |_, _, _| async { Outcome::new(ReturnData::Successful) })
            .parameter(Parameter::new("Targets", Type::texts(1), "").pick("list-devices", "$.devices[*].uuid", "$.devices[*].name"));
        Connected {
            name: "eset".into(),
            vendor: "eset".into(),
            title: String::new(),
            environment: String::new(),
            read_only: false,
            active: true,
            entry: Arc::new(Entry { commands: vec![list, isolate], ..Entry::default() }),
        }
    }

    #[test]
    fn an_answer_gives_what_its_key_fields_and_the_pick_lists_name_and_what_it_mentions() {
        let raw = json!({"task": "t-1", "devices": [{"uuid": "d-1", "hostName": "ws-1"}, {"uuid": "d-2", "hostName": "ws-2"}]});
        let whole = of(Some(&connected()), "list-devices", &raw, None);
        assert_eq!(given_for(&whole, "targets"), ["d-1", "d-2"]);
        assert_eq!(given_for(&whole, "task_uuids"), ["t-1"]);
        assert_eq!(whole.event.entities.len(), 2);
        let part = of(Some(&connected()), "list-devices", &raw, Some(("$.devices[1]".into(), raw["devices"][1].clone())));
        assert_eq!(given_for(&part, "targets"), ["d-2"]);
        assert_eq!(given_for(&part, "task_uuid"), Vec::<String>::new());
        assert_eq!(part.event.entities[0].value, "ws-2");
    }
}
