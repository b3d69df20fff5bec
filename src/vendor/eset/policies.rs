//! Policies and their assignments to devices and groups.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::EITHER;
use super::api::{json as call, page_size, pages, segment};
use super::devices::{device_names, device_uuids, every_group, group_uuids, listed, not_attempted, partial, uuids};
use super::tasks::uuids as given;
use crate::core::catalogue::{Arguments, Class, Command, Effect, Parameter, Pick, Reach, Type, Undo};
use crate::core::connection::Connection;
use crate::core::outcome::Outcome;
use crate::core::request::{Method, Request};
use crate::core::talk::Talk;

const ASSIGN: &str = "Assign Policy To Endpoints";
const DELETE: &str = "Delete Policy Assignments";
const POLICIES: &str = "List Policies";
const ASSIGNMENTS: &str = "List Policy Assignments";

fn every_policy() -> Pick {
    Pick::new("list-policies", "$.policies[*].uuid", "$.policies[*].displayName")
}

/// An assignment has no name: it is a policy on a target.
fn every_assignment() -> Pick {
    Pick::new("list-policy-assignments", "$.assignments[*].uuid", "")
        .label("$.assignments[*].policyUuid", Some(every_policy()))
        .label("$.assignments[*].target.deviceGroupUuid", Some(every_group()))
        .label("$.assignments[*].target.deviceUuid", Some(device_names()))
}

fn policy(help: &str) -> Parameter {
    Parameter::new("Policy UUID", Type::TEXT, help).pick_from(every_policy()).named_by(every_policy())
}

/// Assign Policy To Endpoints.
pub(super) fn assign() -> Command {
    Command::new(ASSIGN, "Assigns a policy to devices and groups; each new assignment ranks last on its target.", assign_policy)
        .permission("Write access to PROTECT")
        .class(Class::new(Effect::Write, Reach::Reversible, Undo::Lossy))
        .parameter(policy("The policy.").required())
        .parameter(device_uuids("The devices. Devices, groups, or both must be given."))
        .parameter(group_uuids("The device groups. Devices, groups, or both must be given."))
        .one_of(&["device_uuids", "device_group_uuids"], EITHER)
        .key_field("PolicyAssignmentUUIDs", "$.Results[*].assignment.uuid")
        .count("Assignments Count")
}

/// Delete Policy Assignments.
pub(super) fn delete() -> Command {
    Command::new(DELETE, "Deletes assignments of policies; those that remain on the target move up.", delete_assignments)
        .permission("Write access to PROTECT")
        .class(Class::new(Effect::Write, Reach::Reversible, Undo::Lossy))
        .parameter(
            Parameter::new("Policy Assignment UUIDs", Type::texts(1), "The assignments: their own uuid, not the policy's.")
                .required()
                .pick_from(every_assignment())
                .named_by(every_assignment()),
        )
        .key_field("PolicyAssignmentUUIDs", "$.Results[*].assignment.uuid")
        .count("Assignments Count")
}

/// List Policies.
pub(super) fn list() -> Command {
    Command::new(POLICIES, "Lists the policies.", policies)
        .permission("Read access to PROTECT")
        .key_field("PolicyUUIDs", "$.policies[*].uuid")
        .count("Policies Count")
}

/// List Policy Assignments.
pub(super) fn list_assignments() -> Command {
    Command::new(ASSIGNMENTS, "Lists direct assignments of policies, all or those of a policy, devices or groups.", assignments)
        .permission("Read access to PROTECT")
        .parameter(policy("Only assignments of this policy."))
        .parameter(device_uuids("Only assignments to these devices."))
        .parameter(group_uuids("Only assignments to these groups."))
        .key_field("PolicyAssignmentUUIDs", "$.assignments[*].uuid")
        .count("Policy Assignments Count")
}

async fn assign_policy(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let policy = arguments.text("policy_uuid").unwrap_or_default().to_owned();
    let targets: Vec<(&str, String)> = given(&arguments, "device_uuids")
        .into_iter()
        .map(|uuid| ("deviceUuid", uuid))
        .chain(given(&arguments, "device_group_uuids").into_iter().map(|uuid| ("deviceGroupUuid", uuid)))
        .collect();
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    // One after another: the order decides the rank.
    for (at, (member, uuid)) in targets.iter().enumerate() {
        let mut target = Map::new();
        target.insert((*member).into(), uuid.as_str().into());
        let request = Request::post("policy", "/v2/policy-assignments")
            .json(json!({"assignment": {"policyUuid": policy, "target": target}}))
            .purpose(format!("the policy on {uuid}"));
        match call(&talk, &connection, request).await {
            Ok(answer) => results.push(answer),
            Err(refused) => {
                errors.push(refused.failure(&connection, ASSIGN, None).item(uuid));
                if refused.stops() && !refused.is_planned() {
                    errors.extend(not_attempted(ASSIGN, targets.iter().skip(at + 1).map(|(_, uuid)| uuid)));
                    break;
                }
            }
        }
    }
    let made: Vec<String> = results.iter().filter_map(|answer| answer.pointer("/assignment/uuid")?.as_str().map(str::to_owned)).collect();
    let count = results.len();
    partial(count, errors.len())
        .raw(json!({"Results": results}))
        .key_field("PolicyAssignmentUUIDs", made)
        .result("Assignments Count", count)
        .message(format!("Assigned the policy to {count} of {} targets.", targets.len()))
        .errors(errors)
}

async fn delete_assignments(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let wanted = arguments.distinct("policy_assignment_uuids");
    let (mut results, mut done, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (at, uuid) in wanted.iter().enumerate() {
        let request = Request::new(Method::Delete, "policy", format!("/v2/policy-assignments/{}", segment(uuid)))
            .purpose(format!("assignment {uuid}"));
        match call(&talk, &connection, request).await {
            Ok(answer) => {
                results.push(answer);
                done.push(uuid.clone());
            }
            Err(refused) => {
                let text = format!("Policy Assignment UUID: {uuid} does not exist.");
                let mut failure = refused.failure(&connection, DELETE, Some(text)).item(uuid);
                if refused.status() == Some(404) {
                    // The document's note points at the policy's uuid; say which assignments that one has, and delete none of them.
                    let request = Request::get("policy", "/v2/policy-assignments")
                        .query("policyUuid", uuid.as_str())
                        .purpose("assignments of that policy");
                    if let Ok(answer) = call(&talk, &connection, request).await {
                        let found = uuids(&answer, "assignments");
                        if !found.is_empty() {
                            failure.hint = Some(format!("This is a policy's uuid; its assignments are {}.", found.join(", ")));
                        }
                    }
                }
                errors.push(failure);
                if refused.stops() && !refused.is_planned() {
                    errors.extend(not_attempted(DELETE, wanted.iter().skip(at + 1)));
                    break;
                }
            }
        }
    }
    let count = done.len();
    partial(count, errors.len())
        .raw(json!({"Results": results}))
        .key_field("PolicyAssignmentUUIDs", done)
        .result("Assignments Count", count)
        .message(format!("Deleted {count} of {} assignments.", wanted.len()))
        .errors(errors)
}

async fn policies(talk: Talk, connection: Arc<Connection>, _: Arguments) -> Outcome {
    let request = Request::get("policy", "/v2/policies").query("pageSize", page_size(&connection)).purpose("policies");
    listed(pages(&talk, &connection, request, "policies", |_| false).await, &connection, POLICIES, "policies", "Policy")
}

/// The API filters by one target only, so each is asked for by itself (vendors/eset-connect.md §10.12).
async fn assignments(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let mut base = Request::get("policy", "/v2/policy-assignments").query("pageSize", page_size(&connection)).purpose("policy assignments");
    if let Some(policy) = arguments.text("policy_uuid") {
        base = base.query("policyUuid", policy);
    }
    let devices = arguments.distinct("device_uuids").into_iter().map(|uuid| base.clone().query("target.deviceUuid", uuid));
    let groups = arguments.distinct("device_group_uuids").into_iter().map(|uuid| base.clone().query("target.deviceGroupUuid", uuid));
    let mut requests: Vec<Request> = devices.chain(groups).collect();
    if requests.is_empty() {
        requests.push(base.clone());
    }
    let mut rows: Vec<Value> = Vec::new();
    for request in requests {
        match pages(&talk, &connection, request, "assignments", |_| false).await {
            Ok(mut answer) => {
                let more = answer.get_mut("assignments").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
                for row in more {
                    if !rows.iter().any(|known| known.get("uuid").is_some() && known.get("uuid") == row.get("uuid")) {
                        rows.push(row);
                    }
                }
            }
            Err(refused) if refused.is_planned() => {}
            Err(refused) => return Outcome::failed(refused.failure(&connection, ASSIGNMENTS, Some("Bad Request.".into()))),
        }
    }
    listed(Ok(json!({"assignments": rows})), &connection, ASSIGNMENTS, "assignments", "Policy Assignment")
}
