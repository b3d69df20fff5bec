//! Devices and their groups: lists and details; and the test of the connection.

use std::sync::Arc;

use serde_json::{Value, json};

use super::api::{Refused, json as call, page_size, pages, segment};
use crate::core::catalogue::{Arguments, Command, Feed, Parameter, Pick, Type};
use crate::core::connection::Connection;
use crate::core::entity::EntityKind;
use crate::core::outcome::{Outcome, ReturnData};
use crate::core::request::Request;
use crate::core::talk::Talk;

const GROUP_ENDPOINTS: &str = "Get Device Group Endpoints";
const DETAILS: &str = "Get Endpoint Details";
const GROUPS: &str = "List Device Groups";
const TEST: &str = "Test Connection";
/// Said by lists that the document gives no text of their own (seed 002, Error Sample Data).
pub(super) const TEST_TEXT: &str = "Errors in Test Connection function.";

/// Device UUIDs, with the list to pick from.
pub(super) fn device_uuids(help: &str) -> Parameter {
    of_devices(Parameter::new("Device UUIDs", Type::texts(0), help))
}

/// Device UUID, with the list to pick from.
pub(super) fn device_uuid(help: &str) -> Parameter {
    of_devices(Parameter::new("Device UUID", Type::TEXT, help))
}

/// Devices are listed by group: by those that the form names, else by the one that holds every device. Its uuid is not fixed, its name is
/// (vendors/eset-connect.md §10.9).
fn of_devices(parameter: Parameter) -> Parameter {
    let every = Feed::List(Box::new(every_group()), "All".into());
    let list = Pick::new("get-device-group-endpoints", "$.Results[*].devices[*].uuid", "$.Results[*].devices[*].displayName");
    parameter
        .prefill(&[EntityKind::Device])
        .pick_from(list.give("device_group_uuids", &[Feed::Field("device_group_uuids".into()), every]))
        .named_by(device_names())
}

/// What devices are called.
pub(super) fn device_names() -> Pick {
    Pick::new("get-endpoint-details", "$.devices[*].uuid", "$.devices[*].displayName").give("device_uuids", &[Feed::Values])
}

/// All groups.
pub(super) fn every_group() -> Pick {
    Pick::new("list-device-groups", "$.deviceGroups[*].uuid", "$.deviceGroups[*].displayName")
}

/// Device Group UUIDs, with the list to pick from.
pub(super) fn group_uuids(help: &str) -> Parameter {
    Parameter::new("Device Group UUIDs", Type::texts(0), help).pick_from(every_group()).named_by(every_group())
}

/// Get Device Group Endpoints and Get Endpoint Details.
pub(super) fn commands() -> [Command; 2] {
    let read = "Read access to PROTECT";
    let mut details = device_uuids("The devices to describe.").required();
    details.r#type = Type::texts(1);
    [
        Command::new(GROUP_ENDPOINTS, "Lists the devices of device groups and of their subgroups.", group_endpoints)
            .permission(read)
            .parameter(group_uuids("The groups whose members are listed; the group named All holds every device.").required())
            .key_field("DeviceUUIDs", "$.Results[*].devices[*].uuid")
            .count("Devices Count"),
        Command::new(DETAILS, "Describes devices: system, hardware, products, addresses.", endpoint_details)
            .permission(read)
            .parameter(details)
            .key_field("DeviceUUIDs", "$.devices[*].uuid")
            .count("Devices Count"),
    ]
}

/// List Device Groups.
pub(super) fn list_groups() -> Command {
    Command::new(GROUPS, "Lists the device groups.", groups)
        .permission("Read access to PROTECT")
        .key_field("DeviceGroupUUIDs", "$.deviceGroups[*].uuid")
        .count("Device Groups Count")
}

/// Test Connection.
pub(super) fn test_connection() -> Command {
    Command::new(TEST, "Checks the connection: signs in and lists one device group.", test)
        .permission("Read access to PROTECT")
        .indicator(&super::api::indicator(TEST))
}

async fn group_endpoints(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let (mut results, mut errors, mut devices) = (Vec::new(), Vec::new(), Vec::new());
    let groups = arguments.distinct("device_group_uuids");
    for (at, group) in groups.iter().enumerate() {
        let request = Request::get("device", format!("/v1/device_groups/{}/devices", segment(group)))
            .query("recurseSubgroups", "true")
            .query("pageSize", page_size(&connection))
            .purpose(format!("devices of group {group}"));
        match pages(&talk, &connection, request, "devices", |_| false).await {
            Ok(answer) => {
                devices.extend(uuids(&answer, "devices"));
                results.push(answer);
            }
            Err(refused) => {
                let text = format!("Request failed for Device Group UUID: {group}.");
                errors.push(refused.failure(&connection, GROUP_ENDPOINTS, Some(text)).item(group));
                if refused.stops() && !refused.is_planned() {
                    errors.extend(not_attempted(GROUP_ENDPOINTS, groups.iter().skip(at + 1)));
                    break;
                }
            }
        }
        talk.progress(format!("{} of {} groups", at + 1, groups.len()), at + 1, Some(groups.len())).await;
    }
    let mut seen = std::collections::HashSet::new();
    devices.retain(|device: &String| seen.insert(device.clone()));
    partial(results.len(), errors.len())
        .raw(json!({"Results": results}))
        .key_field("DeviceUUIDs", devices.clone())
        .result("Devices Count", devices.len())
        .message(format!("{} devices in {} of {} groups.", devices.len(), results.len(), groups.len()))
        .errors(errors)
}

async fn endpoint_details(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let wanted = arguments.distinct("device_uuids");
    let size = connection.option("details.batch_size").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok()).unwrap_or(50);
    let (mut devices, mut errors) = (Vec::new(), Vec::new());
    let mut stopped = false;
    for batch in wanted.chunks(size.max(1)) {
        if stopped {
            errors.extend(not_attempted(DETAILS, batch.iter()));
            continue;
        }
        let mut request = Request::get("device", "/v1/devices:batchGet").purpose(format!("{} devices", batch.len()));
        for uuid in batch {
            request = request.query("devicesUuids", uuid.as_str());
        }
        match call(&talk, &connection, request).await {
            Ok(answer) => devices.extend(answer.get("devices").and_then(Value::as_array).cloned().unwrap_or_default()),
            // A batch is all or nothing; one by one tells which of them is at fault (vendors/eset-connect.md §10.6).
            Err(refused) if matches!(refused.status(), Some(400 | 403 | 404)) => {
                for (at, uuid) in batch.iter().enumerate() {
                    let request = Request::get("device", format!("/v1/devices/{}", segment(uuid))).purpose(format!("device {uuid}"));
                    match call(&talk, &connection, request).await {
                        Ok(mut answer) => devices.push(answer.get_mut("device").map(Value::take).unwrap_or(answer)),
                        Err(refused) => {
                            errors.push(refused.failure(&connection, DETAILS, Some("Bad Request.".into())).item(uuid));
                            stopped = refused.stops() && !refused.is_planned();
                            if stopped {
                                errors.extend(not_attempted(DETAILS, batch.iter().skip(at + 1)));
                                break;
                            }
                        }
                    }
                }
            }
            Err(refused) => {
                stopped = refused.stops() && !refused.is_planned();
                errors.extend(batch.iter().map(|uuid| refused.failure(&connection, DETAILS, Some("Bad Request.".into())).item(uuid)));
            }
        }
    }
    let found: Vec<String> = devices.iter().filter_map(|device| device.get("uuid")?.as_str().map(str::to_owned)).collect();
    let count = devices.len();
    partial(count, errors.len())
        .raw(json!({"devices": devices}))
        .key_field("DeviceUUIDs", found)
        .result("Devices Count", count)
        .message(format!("{count} of {} devices.", wanted.len()))
        .errors(errors)
}

async fn groups(talk: Talk, connection: Arc<Connection>, _: Arguments) -> Outcome {
    let request = Request::get("device", "/v1/device_groups").query("pageSize", page_size(&connection)).purpose("device groups");
    listed(pages(&talk, &connection, request, "deviceGroups", |_| false).await, &connection, GROUPS, "deviceGroups", "Device Group")
}

async fn test(talk: Talk, connection: Arc<Connection>, _: Arguments) -> Outcome {
    let request = Request::get("device", "/v1/device_groups").query("pageSize", "1").purpose("one device group");
    match call(&talk, &connection, request).await {
        Ok(answer) => Outcome::successful(answer).message("The connection works."),
        Err(refused) => Outcome::failed(refused.failure(&connection, TEST, Some(TEST_TEXT.into()))),
    }
}

/// The outcome of a list: `word` is what one row is called.
pub(super) fn listed(answer: Result<Value, Refused>, connection: &Connection, command: &str, member: &str, word: &str) -> Outcome {
    match answer {
        Ok(answer) => {
            let rows = uuids(&answer, member);
            let key = format!("{}UUIDs", word.replace(' ', ""));
            Outcome::successful(answer)
                .key_field(&key, rows.clone())
                .result(&format!("{} Count", plural(word)), rows.len())
                .message(format!("{} rows.", rows.len()))
        }
        Err(refused) => Outcome::failed(refused.failure(connection, command, Some(TEST_TEXT.into()))),
    }
}

fn plural(word: &str) -> String {
    word.strip_suffix('y').map_or_else(|| format!("{word}s"), |stem| format!("{stem}ies"))
}

/// The uuids of a list's rows.
pub(super) fn uuids(answer: &Value, member: &str) -> Vec<String> {
    let rows = answer.get(member).and_then(Value::as_array);
    rows.into_iter().flatten().filter_map(|row| row.get("uuid")?.as_str().map(str::to_owned)).collect()
}

/// An outcome where partial success is documented; its message is that of the first error where nothing was done.
pub(super) fn partial(done: usize, failed: usize) -> Outcome {
    Outcome::new(ReturnData::of(done, failed))
}

/// Failures of items that were not reached.
pub(super) fn not_attempted<'a>(
    command: &'a str,
    items: impl Iterator<Item = &'a String> + 'a,
) -> impl Iterator<Item = crate::core::outcome::Failure> + 'a {
    items.map(move |item| {
        crate::core::outcome::Failure::new(super::api::indicator(command), "Not attempted: the request before it was refused.").item(item)
    })
}
