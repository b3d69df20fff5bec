//! Client tasks: what ESET is asked to do on devices. A task that was accepted is not done yet; it is followed until it ran.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::api::{Refused, json as call, segment};
use super::devices::{device_uuids, group_uuids};
use super::runs::of_tasks;
use super::{EITHER, default_expiry, trigger, wire_time};
use crate::core::catalogue::{Arguments, Class, Command, Effect, Invalid, Inverse, Parameter, Reach, TimeForm, Type, Undo};
use crate::core::connection::Connection;
use crate::core::outcome::{Follow, Outcome};
use crate::core::request::Request;
use crate::core::talk::Talk;

const ADD: &str = "Add Endpoints To Task";
const WRITE: &str = "Write access to PROTECT";
/// What every `@type` of a task's parameters begins with (vendors/eset-connect.md §9.1).
const PREFIX: &str = "type.googleapis.com/Era.Common.DataDefinition.Task.";
/// Postpone: the document's labels and the wire's words (§8). `One Hours` is the document's own slip.
const POSTPONE: [(&str, &str); 11] = [
    ("Can Not Postpone", "Cannot"),
    ("One Hour", "OneHour"),
    ("Three Hours", "ThreeHours"),
    ("Five Hours", "FiveHours"),
    ("One Day", "OneDay"),
    ("Three Days", "ThreeDays"),
    ("Seven Days", "SevenDays"),
    ("Fifteen Days", "FifteenDays"),
    ("Twenty Days", "TwentyDays"),
    ("Thirty Days", "ThirtyDays"),
    ("One Hours", "OneHour"),
];

/// How a task command differs from its siblings.
struct Kind {
    title: &'static str,
    help: &'static str,
    /// `task.action.name`
    action: &'static str,
    /// `task.action.params`, from the arguments.
    params: fn(&Connection, &Arguments) -> Option<Value>,
}

const ISOLATE: Kind = Kind {
    title: "Isolate Endpoints",
    help: "Cuts devices off from the network; only ESET can still reach them. It happens when the device next connects.",
    action: "StartNetworkIsolation",
    params: |_, _| None,
};
const UNISOLATE: Kind = Kind {
    title: "Unisolate Endpoints",
    help: "Lets isolated devices back onto the network.",
    action: "EndNetworkIsolation",
    params: |_, _| None,
};
const SCAN: Kind = Kind {
    title: "On-Demand Scan",
    help: "Scans devices.",
    action: "OnDemandScan",
    params: |connection, arguments| Some(scan_params(connection, arguments)),
};
const RUN: Kind = Kind {
    title: "Run Command",
    help: "Runs a command line on devices. ESET does not hand its output back.",
    action: "RunCommand",
    params: |_, arguments| {
        let mut params = typed("OS.RunCommand");
        params.insert("commandLine".into(), arguments.text("command_line").unwrap_or_default().into());
        if let Some(directory) = arguments.text("current_directory") {
            params.insert("currentDirectory".into(), directory.into());
        }
        Some(params.into())
    },
};
const SHUTDOWN: Kind = Kind {
    title: "Shutdown or Reboots Endpoints",
    help: "Shuts devices down, or reboots them.",
    action: "ShutdownComputer",
    params: |_, arguments| {
        let mut params = typed("OS.ShutdownComputer");
        params.insert("restart".into(), arguments.flag("restart").into());
        params.insert("actions".into(), allowed(arguments, true));
        Some(params.into())
    },
};
const STOP: Kind = Kind {
    title: "Stop Managing Endpoints",
    help: "Uninstalls the ESET Management Agent. Settings may stay locked, and an isolated device can probably not be released afterwards.",
    action: "StopManaging",
    params: |_, _| None,
};
const UNINSTALL: Kind = Kind {
    title: "Uninstall Third Party AV Software",
    help: "Removes other makers' antivirus software from devices.",
    action: "ThirdPartyAVRemove",
    params: |_, _| None,
};
const UPDATE: Kind = Kind {
    title: "Update Operating System",
    help: "Installs updates of the operating system on devices.",
    action: "SystemUpdate",
    params: |_, arguments| {
        let reboot = arguments.flag("allow_reboot");
        let mut params = typed("OS.SystemUpdate");
        params.insert("acceptEula".into(), arguments.flag("accept_eula").into());
        params.insert("installOptionalUpdates".into(), arguments.flag("install_optional_updates").into());
        params.insert("allowReboot".into(), reboot.into());
        params.insert("rebootActions".into(), allowed(arguments, reboot));
        Some(params.into())
    },
};

/// Isolate Endpoints.
pub(super) fn isolate() -> Command {
    let inverse = Inverse {
        command: "unisolate-endpoints".into(),
        arguments: |arguments, _| Some(opposite(arguments, "Unisolate")),
        condition: "once the isolation has run; a task that has not run yet is better let expire with Update Task Trigger".into(),
    };
    task(&ISOLATE).class(Class::new(Effect::Write, Reach::Disruptive, Undo::Conditional)).inverse(inverse).recall(expire())
}

/// Lets a task that has not run yet expire: the way back of every task that has no opposite.
fn expire() -> Inverse {
    Inverse {
        command: "update-task-trigger".into(),
        arguments: |_, outcome| {
            let task = outcome.key_fields.get("TaskUUID").and_then(Value::as_str).filter(|uuid| !uuid.is_empty())?;
            let mut values = Map::new();
            values.insert("task_uuids".into(), json!([task]));
            values.insert("expire_time".into(), "+1m".into());
            Some(values)
        },
        condition: "by letting the task expire, while it has not run".into(),
    }
}

/// The other task commands.
pub(super) fn others() -> Vec<Command> {
    let flag = |label: &str, help: &str, default: bool| Parameter::new(label, Type::Boolean, help).default(default);
    let postpone = |help: &str| Parameter::new("Postpone", Type::choice(&POSTPONE), help).default("Can Not Postpone");
    let disruptive = Class::new(Effect::Destructive, Reach::Disruptive, Undo::Conditional);
    let irreversible = Class::new(Effect::Destructive, Reach::Irreversible, Undo::Conditional);
    let inverse = Inverse {
        command: "isolate-endpoints".into(),
        arguments: |arguments, _| Some(opposite(arguments, "Isolate")),
        condition: "once the release has run".into(),
    };
    vec![
        scan(flag, postpone),
        task(&RUN)
            .class(irreversible)
            .inverse(expire())
            .parameter(Parameter::new("Command Line", Type::TEXT, "The command line to run.").required())
            .parameter(Parameter::new("Current Directory", Type::TEXT, "Where it runs.")),
        task(&SHUTDOWN)
            .class(disruptive)
            .inverse(expire())
            .parameter(Parameter::new("Restart", Type::Boolean, "True reboots; False shuts down.").required())
            .parameter(postpone("How long the user may put it off."))
            .parameter(flag("Cancel Action", "Whether the user may cancel it.", false)),
        task(&STOP).class(irreversible).inverse(expire()),
        task(&UNINSTALL).class(irreversible).inverse(expire()),
        task(&UNISOLATE).class(Class::new(Effect::Write, Reach::Disruptive, Undo::Conditional)).inverse(inverse).recall(expire()),
        task(&UPDATE)
            .class(disruptive)
            .inverse(expire())
            .parameter(flag("Allow Reboot", "Whether the device restarts where an update needs it.", true))
            .parameter(flag("Accept EULA", "Whether licence terms are accepted (Windows).", false))
            .parameter(flag("Install Optional Updates", "Whether optional updates are installed too (Windows).", false))
            .parameter(postpone("How long the user may put the reboot off; counts only with Allow Reboot."))
            .parameter(flag("Cancel Action", "Whether the user may cancel the reboot.", false)),
    ]
}

fn scan(flag: impl Fn(&str, &str, bool) -> Parameter, postpone: impl Fn(&str) -> Parameter) -> Command {
    let profiles =
        [("In-Depth", "InDepth"), ("Smart", "Smart"), ("Context Menu", "ContextMenu"), ("My Profile", "MyProfile"), ("Custom", "Custom")];
    task(&SCAN)
        .class(Class::new(Effect::Write, Reach::Reversible, Undo::Conditional))
        .inverse(expire())
        .parameter(flag("Shutdown Enabled", "Whether the device shuts down after the scan.", false))
        .parameter(flag("Shutdown Locked", "Whether the user cannot cancel that; counts only with Shutdown Enabled.", false))
        .parameter(postpone("How long the user may put the shutdown off; counts only with Shutdown Enabled."))
        .parameter(flag("Cancel Action", "Whether the user may cancel the action.", false))
        .parameter(flag("Cleaning Enabled", "Whether what is found is cleaned.", true))
        .parameter(
            Parameter::new("Scan Profile", Type::choice(&profiles), "How it scans; Custom needs Custom Profile Name.").default("In-Depth"),
        )
        .parameter(Parameter::new("Custom Profile Name", Type::TEXT, "The client's own profile, for Custom; it must exist there."))
        .parameter(Parameter::new("Scan Targets", Type::texts(0), "What is scanned, such as eset://AllTargets; nothing means everything."))
        .rule(|arguments| {
            let custom = arguments.text("scan_profile") == Some("Custom");
            if custom && !arguments.has("custom_profile_name") {
                let message = "Custom Profile Name must be specified when Scan Profile is Custom.";
                return Err(Invalid::new("custom_profile_name", message));
            }
            Ok(())
        })
}

/// A command that makes a task: name, description, targets, expiry, and what its kind adds.
fn task(kind: &'static Kind) -> Command {
    let run: crate::core::catalogue::Handler = Arc::new(move |talk, connection, arguments| {
        let line = talk.clone();
        crate::core::talk::Conversation::new(&line, create(talk, connection, arguments, kind))
    });
    let name = format!("{} from nightdesk", kind.title);
    Command::dynamic(kind.title, kind.help, run)
        .permission(WRITE)
        .parameter(Parameter::new("Task Name", Type::TEXT, &format!("Name of the task, such as \"{name}\".")).required().propose(&name))
        .parameter(
            Parameter::new("Task Description", Type::Text { max_chars: Some(1000), multiline: true }, "Why; at most 1000 characters.")
                .required()
                .propose("From nightdesk: {title}"),
        )
        .parameter(device_uuids("The devices. Devices, groups, or both must be given."))
        .parameter(group_uuids("The device groups. Devices, groups, or both must be given."))
        .parameter(expire_time("The task does not run after this.").propose("+24h"))
        .one_of(&["device_uuids", "device_group_uuids"], EITHER)
        .rule(not_past)
        .key_field("TaskUUID", "$.task.uuid")
}

pub(super) fn expire_time(help: &str) -> Parameter {
    let help = format!(
        "{help} Without it: six calendar months from now. A day is usually enough: an offline device runs the task when it comes back."
    );
    Parameter::new("Expire Time", Type::Time(TimeForm::Rfc3339), &help)
}

pub(super) fn not_past(arguments: &Arguments) -> Result<(), Invalid> {
    match arguments.time("expire_time") {
        Some(time) if time <= arguments.now() => Err(Invalid::new("expire_time", format!("Expire Time must lie ahead; {time} is past."))),
        _ => Ok(()),
    }
}

async fn create(talk: Talk, connection: Arc<Connection>, arguments: Arguments, kind: &'static Kind) -> Outcome {
    let expire = arguments.time("expire_time").unwrap_or_else(|| default_expiry(&connection, arguments.now()));
    let mut action = Map::new();
    action.insert("name".into(), kind.action.into());
    if let Some(params) = (kind.params)(&connection, &arguments) {
        action.insert("params".into(), params);
    }
    let body = json!({"task": {
        "displayName": arguments.text("task_name"),
        "description": arguments.text("task_description"),
        "action": action,
        "targets": {"devicesUuids": uuids(&arguments, "device_uuids"), "deviceGroupsUuids": uuids(&arguments, "device_group_uuids")},
        "triggers": trigger(expire),
    }});
    let request = Request::post("automation", "/v1/device_tasks").json(body).purpose(kind.title);
    match call(&talk, &connection, request).await {
        Ok(answer) => {
            let mut outcome = accepted(answer, kind.title, expire, uuids(&arguments, "device_uuids").len());
            outcome.message.push_str(&void(&arguments));
            outcome
        }
        Err(refused) => Outcome::failed(refused.failure(&connection, kind.title, None)),
    }
}

fn accepted(answer: Value, title: &str, expire: Timestamp, devices: usize) -> Outcome {
    let uuid = answer.pointer("/task/uuid").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut outcome = Outcome::successful(answer)
        .key_field("TaskUUID", uuid.as_str())
        .result("Task UUID", uuid.as_str())
        .result("Expire Time (UTC)", wire_time(expire))
        .message(format!("ESET accepted the task {uuid}. It runs on each device when that next connects, until {}.", wire_time(expire)));
    if !uuid.is_empty() {
        let mut arguments = Map::new();
        arguments.insert("task_uuids".into(), json!([uuid]));
        arguments.insert("last_runs".into(), true.into());
        outcome.follow = Some(Follow {
            title: title.to_owned(),
            command: "list-task-history".into(),
            arguments,
            state: "$.Results[*].taskRuns[*].status".into(),
            done: vec!["TASK_RUN_STATUS_FINISHED".into()],
            failed: vec!["TASK_RUN_STATUS_FAILED".into()],
            // A task that is the same as an earlier one is that one, asked for again, and has its runs.
            ended: Some("endTime".into()),
            least: devices.max(1),
            expires_at: Some(wire_time(expire)),
        });
    }
    outcome
}

/// Add Endpoints To Task.
pub(super) fn add_endpoints() -> Command {
    Command::new(ADD, "Adds devices and groups to the targets of a task. A task whose trigger has not expired starts on them at once.", add)
        .permission(WRITE)
        .class(Class::new(Effect::Write, Reach::Disruptive, Undo::None))
        .parameter(of_tasks(Parameter::new("Task UUID", Type::TEXT, "The task.")))
        .parameter(device_uuids("The devices to add. Devices, groups, or both must be given."))
        .parameter(group_uuids("The device groups to add. Devices, groups, or both must be given."))
        .one_of(&["device_uuids", "device_group_uuids"], EITHER)
}

/// ESET replaces the targets, so the new ones are sent together with those that are there (vendors/eset-connect.md §10.1).
async fn add(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let uuid = arguments.text("task_uuid").unwrap_or_default().to_owned();
    let path = format!("/v1/device_tasks/{}", segment(&uuid));
    let targets = |devices: Value, groups: Value| {
        Request::post("automation", format!("{path}:updateTaskTargets"))
            .json(json!({"targets": {"devicesUuids": devices, "deviceGroupsUuids": groups}}))
            .purpose("the task's targets")
    };
    let fail = |refused: &Refused| Outcome::failed(refused.failure(&connection, ADD, None).item(&uuid));
    let (devices, groups) = (uuids(&arguments, "device_uuids"), uuids(&arguments, "device_group_uuids"));
    let union = connection.option_text("targets.update_mode") != Some("add");
    let mut known = Value::Null;
    if union {
        let answer = call(&talk, &connection, Request::get("automation", path.as_str()).purpose("the task as it is")).await;
        match answer {
            Ok(mut answer) => known = answer.pointer_mut("/task/targets").map(Value::take).unwrap_or_default(),
            Err(refused) => {
                if refused.is_planned() {
                    let with = |new: &[String]| -> Value {
                        std::iter::once("<from step 1: the task's targets>").chain(new.iter().map(String::as_str)).collect()
                    };
                    talk.plan(targets(with(&devices), with(&groups)).depends_on(1));
                }
                return fail(&refused);
            }
        }
    }
    let merged = |member: &str, new: &[String]| {
        let old = known.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut all: Vec<String> = Vec::new();
        for target in old.chain(new.iter().map(String::as_str)) {
            if !target.is_empty() && !all.iter().any(|known| known == target) {
                all.push(target.to_owned());
            }
        }
        Value::from(all)
    };
    let request = targets(merged("devicesUuids", &devices), merged("deviceGroupsUuids", &groups));
    match call(&talk, &connection, request).await {
        Ok(answer) => Outcome::successful(answer)
            .key_field("TaskUUID", uuid.as_str())
            .result("Endpoints Added", devices.len() + groups.len())
            .message(format!("Added {} devices and {} groups to the task {uuid}.", devices.len(), groups.len())),
        Err(refused) => fail(&refused),
    }
}

fn typed(name: &str) -> Map<String, Value> {
    let mut params = Map::new();
    params.insert("@type".into(), format!("{PREFIX}{name}").into());
    params
}

/// What the user may do about it. Postpone is not sent where it does not count.
fn allowed(arguments: &Arguments, counts: bool) -> Value {
    let postpone = arguments.wire("postpone").filter(|_| counts).unwrap_or_else(|| "Cannot".into());
    json!({"cancelAction": arguments.flag("cancel_action"), "postpone": postpone})
}

/// Says what was given and not sent, because another parameter makes it void (seed 002, On-Demand Scan, Update Operating System).
fn void(arguments: &Arguments) -> String {
    let mut said = String::new();
    let mut say = |label: &str, needs: &str| said.push_str(&format!(" {label} was not sent: it counts only with {needs}."));
    let is_void = |name: &str| arguments.get(name).is_some() && !arguments.flag(name);
    let switch = if is_void("shutdown_enabled") { Some("Shutdown Enabled") } else { None };
    let switch = switch.or(if is_void("allow_reboot") { Some("Allow Reboot") } else { None });
    if let Some(switch) = switch {
        if arguments.wire("postpone").is_some_and(|postpone| postpone != "Cannot") {
            say("Postpone", switch);
        }
        if arguments.flag("shutdown_locked") {
            say("Shutdown Locked", switch);
        }
    }
    if arguments.has("custom_profile_name") && arguments.text("scan_profile") != Some("Custom") {
        say("Custom Profile Name", "Scan Profile Custom");
    }
    said
}

/// UUIDs of a list, without blanks and without repetition.
pub(super) fn uuids(arguments: &Arguments, name: &str) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    arguments
        .texts(name)
        .into_iter()
        .map(|uuid| uuid.trim().to_owned())
        .filter(|uuid| !uuid.is_empty() && seen.insert(uuid.clone()))
        .collect()
}

fn scan_params(connection: &Connection, arguments: &Arguments) -> Value {
    let shutdown = arguments.flag("shutdown_enabled");
    let mut params = typed("ESS.OnDemandScan");
    let profile = arguments.wire("scan_profile").unwrap_or_else(|| "InDepth".into());
    let custom = profile == "Custom";
    params.insert("scanProfile".into(), profile);
    if let Some(name) = arguments.text("custom_profile_name").filter(|_| custom) {
        params.insert("customProfileName".into(), name.into());
    }
    let targets = arguments.texts("scan_targets");
    match connection.option_text("scan.empty_targets") {
        _ if !targets.is_empty() => {
            params.insert("scanTargets".into(), targets.into());
        }
        Some("omit") => {}
        Some("empty") => {
            params.insert("scanTargets".into(), json!([]));
        }
        _ => {
            params.insert("scanTargets".into(), json!(["eset://AllTargets"]));
        }
    }
    params.insert("cleaningEnabled".into(), arguments.flag("cleaning_enabled").into());
    params.insert("shutdownEnabled".into(), shutdown.into());
    params.insert("shutdownLocked".into(), (shutdown && arguments.flag("shutdown_locked")).into());
    params.insert("powerActions".into(), allowed(arguments, shutdown));
    params.into()
}

/// Arguments of the opposite task on the same targets.
fn opposite(arguments: &Arguments, verb: &str) -> Map<String, Value> {
    let mut values = Map::new();
    for name in ["device_uuids", "device_group_uuids"] {
        if let Some(value) = arguments.get(name) {
            values.insert(name.into(), value.clone());
        }
    }
    let name = arguments.text("task_name").unwrap_or_default();
    values.insert("task_name".into(), format!("{verb}: {name}").into());
    values.insert("task_description".into(), format!("Takes back \"{name}\".").into());
    values
}
