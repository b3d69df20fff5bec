//! Tasks as they are and as they ran; and how long they may still run.

use std::sync::Arc;

use serde_json::{Value, json};

use super::api::{json as call, page_size, pages, segment};
use super::devices::{device_uuid, listed, not_attempted, partial};
use super::tasks::{expire_time, not_past};
use super::{default_expiry, trigger, wire_time};
use crate::core::catalogue::{Arguments, Class, Command, Effect, Parameter, Pick, Reach, Type, Undo};
use crate::core::connection::Connection;
use crate::core::outcome::Outcome;
use crate::core::request::Request;
use crate::core::talk::Talk;

const TASKS: &str = "List Device Tasks";
const HISTORY: &str = "List Task History";
const TRIGGER: &str = "Update Task Trigger";

/// A parameter that takes uuids of tasks.
pub(super) fn of_tasks(parameter: Parameter) -> Parameter {
    let list = Pick::new("list-device-tasks", "$.tasks[*].uuid", "$.tasks[*].displayName");
    parameter.required().pick_from(list.clone()).named_by(list)
}

fn task_uuids(help: &str) -> Parameter {
    of_tasks(Parameter::new("Task UUIDs", Type::texts(1), help))
}

/// List Device Tasks.
pub(super) fn list_tasks() -> Command {
    Command::new(TASKS, "Lists the client tasks.", tasks)
        .permission("Read access to PROTECT")
        .key_field("DeviceTaskUUIDs", "$.tasks[*].uuid")
        .count("Device Tasks Count")
}

/// List Task History.
pub(super) fn history() -> Command {
    Command::new(HISTORY, "Lists the runs of tasks.", runs)
        .permission("Read access to PROTECT")
        .parameter(task_uuids("The tasks."))
        .parameter(device_uuid("Only runs on this device."))
        .parameter(Parameter::new("Last Runs", Type::Boolean, "Only the latest run on each device."))
        .count("Task Runs Count")
}

/// Update Task Trigger.
pub(super) fn update_trigger() -> Command {
    Command::new(
        TRIGGER,
        "Sets until when tasks may run. ESET replaces the trigger, so a task that ran already may run once more.",
        triggers,
    )
    .permission("Write access to PROTECT")
    .class(Class::new(Effect::Write, Reach::Disruptive, Undo::Lossy))
    .parameter(task_uuids("The tasks."))
    .parameter(expire_time("The tasks do not run after this."))
    .rule(not_past)
    .key_field("TaskUUIDs", "$.Results[*].task.uuid")
    .count("Tasks Count")
}

async fn tasks(talk: Talk, connection: Arc<Connection>, _: Arguments) -> Outcome {
    let request = Request::get("automation", "/v1/device_tasks").query("pageSize", page_size(&connection)).purpose("client tasks");
    listed(pages(&talk, &connection, request, "tasks", |_| false).await, &connection, TASKS, "tasks", "Device Task")
}

async fn runs(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let wanted = arguments.distinct("task_uuids");
    let (mut results, mut errors, mut count) = (Vec::new(), Vec::new(), 0);
    for (at, task) in wanted.iter().enumerate() {
        let mut request = Request::get("automation", format!("/v1/device_tasks/{}/runs", segment(task))).purpose(format!("runs of {task}"));
        if let Some(device) = arguments.text("device_uuid") {
            request = request.query("deviceUuid", device);
        }
        if arguments.flag("last_runs") {
            request = request.query("listOnlyLastRuns", "true");
        }
        match pages(&talk, &connection, request.query("pageSize", page_size(&connection)), "taskRuns", |_| false).await {
            Ok(answer) => {
                count += answer.get("taskRuns").and_then(Value::as_array).map_or(0, Vec::len);
                results.push(answer);
            }
            Err(refused) => {
                let text = format!("Request failed for Task UUID: {task}.");
                errors.push(refused.failure(&connection, HISTORY, Some(text)).item(task));
                if refused.stops() && !refused.is_planned() {
                    errors.extend(not_attempted(HISTORY, wanted.iter().skip(at + 1)));
                    break;
                }
            }
        }
    }
    partial(results.len(), errors.len())
        .raw(json!({"Results": results}))
        .result("Task Runs Count", count)
        .message(format!("{count} runs of {} of {} tasks.", results.len(), wanted.len()))
        .errors(errors)
}

async fn triggers(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let expire = arguments.time("expire_time").unwrap_or_else(|| default_expiry(&connection, arguments.now()));
    let wanted = arguments.distinct("task_uuids");
    let (mut results, mut done, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (at, task) in wanted.iter().enumerate() {
        let request = Request::post("automation", format!("/v1/device_tasks/{}:updateTaskTriggers", segment(task)))
            .json(json!({"triggers": trigger(expire)}))
            .purpose(format!("the trigger of {task}"));
        match call(&talk, &connection, request).await {
            Ok(answer) => {
                results.push(answer);
                done.push(task.clone());
            }
            Err(refused) => {
                // The document's own spelling (seed 002, Update Task Trigger).
                let text = format!("Request failed when when updating trigger for TaskUUID: {task}.");
                errors.push(refused.failure(&connection, TRIGGER, Some(text)).item(task));
                if refused.stops() && !refused.is_planned() {
                    errors.extend(not_attempted(TRIGGER, wanted.iter().skip(at + 1)));
                    break;
                }
            }
        }
    }
    let count = done.len();
    partial(count, errors.len())
        .raw(json!({"Results": results}))
        .key_field("TaskUUIDs", done)
        .result("Tasks Count", count)
        .message(format!("{count} of {} tasks may run until {}.", wanted.len(), wire_time(expire)))
        .errors(errors)
}
