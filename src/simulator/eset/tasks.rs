//! Tasks for devices, and what became of them (vendors/eset-connect.md §9).
//!
//! A run waits for its device, runs and ends, by the simulators' clock. A device that is off never gets to it; when the
//! trigger expires first, the run has failed.

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::devices::{self, Fleet, is_offline};
use super::{Answered, Ask, State, lock};
use crate::simulator::Fault;
use crate::simulator::world::{Dice, World};

/// How long a run waits for a device that is on, in seconds: devices connect now and then, not at once.
const QUEUED: i64 = 20;
/// The expiry of a trigger that names none.
const DEFAULT_EXPIRY: SignedDuration = SignedDuration::from_hours(30 * 24);
const TYPE_PREFIX: &str = "type.googleapis.com/Era.Common.DataDefinition.Task.";
const POSTPONE: [&str; 10] =
    ["Cannot", "OneHour", "ThreeHours", "FiveHours", "OneDay", "ThreeDays", "SevenDays", "FifteenDays", "TwentyDays", "ThirtyDays"];
const PROFILES: [&str; 5] = ["InDepth", "Smart", "ContextMenu", "MyProfile", "Custom"];

/// What a task's action takes: its `@type` behind the prefix, yes-or-no members, text members, and where the allowed actions stand.
struct Action {
    name: &'static str,
    message: &'static str,
    flags: &'static [&'static str],
    texts: &'static [&'static str],
    allowed: &'static str,
    seconds: i64,
}

const fn bare(name: &'static str, seconds: i64) -> Action {
    Action { name, message: "", flags: &[], texts: &[], allowed: "", seconds }
}

const ACTIONS: [Action; 8] = [
    bare("StartNetworkIsolation", 4),
    bare("EndNetworkIsolation", 4),
    bare("StopManaging", 6),
    bare("ThirdPartyAVRemove", 20),
    Action {
        name: "OnDemandScan",
        message: "ESS.OnDemandScan",
        flags: &["cleaningEnabled", "shutdownEnabled", "shutdownLocked"],
        texts: &["scanProfile", "customProfileName"],
        allowed: "powerActions",
        seconds: 45,
    },
    Action { name: "ShutdownComputer", message: "OS.ShutdownComputer", flags: &["restart"], texts: &[], allowed: "actions", seconds: 8 },
    Action {
        name: "RunCommand",
        message: "OS.RunCommand",
        flags: &[],
        texts: &["commandLine", "currentDirectory"],
        allowed: "",
        seconds: 3,
    },
    Action {
        name: "SystemUpdate",
        message: "OS.SystemUpdate",
        flags: &["acceptEula", "installOptionalUpdates", "allowReboot"],
        texts: &[],
        allowed: "rebootActions",
        seconds: 60,
    },
];

struct Run {
    uuid: String,
    device: usize,
    created: Timestamp,
    expires: Timestamp,
    fails: bool,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Queued,
    Running(Timestamp),
    Ended { begun: Option<Timestamp>, at: Timestamp, well: bool },
}

impl Run {
    fn phase(&self, seconds: i64, now: Timestamp) -> Phase {
        let begun = self.created + SignedDuration::from_secs(QUEUED);
        let end = begun + SignedDuration::from_secs(seconds);
        if is_offline(self.device) || begun >= self.expires {
            return match now {
                now if now >= self.expires => Phase::Ended { begun: None, at: self.expires, well: false },
                _ => Phase::Queued,
            };
        }
        match now {
            now if now < begun => Phase::Queued,
            now if now < end => Phase::Running(begun),
            _ => Phase::Ended { begun: Some(begun), at: end, well: !self.fails },
        }
    }
}

struct Task {
    uuid: String,
    version: u64,
    name: String,
    description: String,
    action: Value,
    devices: Vec<String>,
    groups: Vec<String>,
    trigger: Option<(Timestamp, Timestamp)>,
    runs: Vec<Run>,
}

impl Task {
    fn seconds(&self) -> i64 {
        let name = self.action.get("name").and_then(Value::as_str).unwrap_or_default();
        ACTIONS.iter().find(|action| action.name == name).map_or(10, |action| action.seconds)
    }

    fn json(&self) -> Value {
        let triggers: Vec<Value> = self
            .trigger
            .iter()
            .map(|(created, expires)| json!({"manual": {"createTime": stamp(*created), "expireTime": stamp(*expires)}}))
            .collect();
        json!({
            "uuid": self.uuid, "versionId": self.version.to_string(), "displayName": self.name, "description": self.description,
            "action": self.action, "targets": {"devicesUuids": self.devices, "deviceGroupsUuids": self.groups},
            "triggers": triggers, "source": "DEVICE_TASK_SOURCE_UNSPECIFIED", "assetGroupUuid": "",
        })
    }

    fn run_json(&self, run: &Run, device: &str, now: Timestamp) -> Value {
        let mut json = json!({"uuid": run.uuid, "taskUuid": self.uuid, "deviceUuid": device});
        match run.phase(self.seconds(), now) {
            Phase::Queued => json["status"] = "TASK_RUN_STATUS_QUEUED".into(),
            Phase::Running(begun) => {
                json["status"] = "TASK_RUN_STATUS_RUNNING".into();
                json["startTime"] = stamp(begun).into();
            }
            Phase::Ended { begun, at, well } => {
                json["status"] = if well { "TASK_RUN_STATUS_FINISHED" } else { "TASK_RUN_STATUS_FAILED" }.into();
                json["startTime"] = begun.map(stamp).into();
                json["endTime"] = stamp(at).into();
                let text = match (well, begun) {
                    (true, _) => "Task finished successfully",
                    (false, Some(_)) => "Task failed, try to run the task manually on the device",
                    (false, None) => "Task expired before the device connected",
                };
                json["result"] = json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": text});
            }
        }
        json
    }
}

fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A task of the days before: name, description, action, devices, groups, hours ago.
type Past = (&'static str, &'static str, Value, Vec<String>, Vec<String>, i64);

/// Every task.
pub struct Tasks {
    all: Vec<Task>,
    version: u64,
    dice: Dice,
}

impl Tasks {
    /// Makes up what was done in the days before.
    pub fn new(world: &World, fleet: &Fleet) -> Self {
        let mut made = Self { all: Vec::new(), version: 800, dice: Dice::for_part(world.seed, "eset-tasks") };
        let group = |at: usize| fleet.groups.get(at).map(|group| vec![group.uuid.clone()]).unwrap_or_default();
        let device = |at: usize| world.machines.get(at).map(|machine| vec![machine.id.clone()]).unwrap_or_default();
        let scan = json!({"name": "OnDemandScan", "params": {"@type": format!("{TYPE_PREFIX}ESS.OnDemandScan"), "scanProfile": "Smart",
            "customProfileName": "", "scanTargets": ["eset://AllTargets"], "cleaningEnabled": true, "shutdownEnabled": false,
            "shutdownLocked": false, "powerActions": {"cancelAction": false, "postpone": "Cannot"}}});
        let update = json!({"name": "SystemUpdate", "params": {"@type": format!("{TYPE_PREFIX}OS.SystemUpdate"), "acceptEula": false,
            "installOptionalUpdates": false, "allowReboot": true, "rebootActions": {"cancelAction": true, "postpone": "OneDay"}}});
        let past: [Past; 6] = [
            ("Weekly smart scan", "Scheduled by operations", scan, Vec::new(), group(2), 70),
            ("Patch Windows servers", "Change 4471", update, Vec::new(), group(12), 50),
            ("Isolate after phishing", "Ticket 8841", json!({"name": "StartNetworkIsolation"}), device(1), Vec::new(), 30),
            ("End isolation", "Ticket 8841 closed", json!({"name": "EndNetworkIsolation"}), device(1), Vec::new(), 6),
            ("Isolate unreachable laptop", "Ticket 8902", json!({"name": "StartNetworkIsolation"}), device(4), Vec::new(), 5),
            ("Modules update", "Made in the console", json!({"name": "Modules Update"}), Vec::new(), group(0), 90),
        ];
        for (name, description, action, devices, groups, hours) in past {
            let at = world.start - SignedDuration::from_hours(hours);
            let console = action.get("name").and_then(Value::as_str) == Some("Modules Update");
            let trigger = (!console).then(|| (at, at + DEFAULT_EXPIRY));
            let mut task = made.blank(name, description, action, devices, groups);
            task.trigger = trigger;
            made.all.push(task);
            let last = made.all.len() - 1;
            made.launch(last, world, fleet, at, false);
        }
        made
    }

    fn blank(&mut self, name: &str, description: &str, action: Value, devices: Vec<String>, groups: Vec<String>) -> Task {
        self.version += 1;
        Task {
            uuid: self.dice.uuid(),
            version: self.version,
            name: name.into(),
            description: description.into(),
            action,
            devices,
            groups,
            trigger: None,
            runs: Vec::new(),
        }
    }

    /// Has a task run on its devices; `only_new` leaves out those that have a run already.
    fn launch(&mut self, at: usize, world: &World, fleet: &Fleet, now: Timestamp, only_new: bool) {
        let known = devices::by_uuid(world);
        let Some(task) = self.all.get_mut(at) else { return };
        let mut targets: Vec<usize> = task.devices.iter().filter_map(|uuid| known.get(uuid).copied()).collect();
        targets.extend(task.groups.iter().flat_map(|uuid| fleet.members(uuid, true)));
        let mut seen: HashSet<usize> = HashSet::new();
        targets.retain(|device| seen.insert(*device) && !(only_new && task.runs.iter().any(|run| run.device == *device)));
        let expires = task.trigger.map_or(now + DEFAULT_EXPIRY, |(_, expires)| expires);
        for device in targets {
            let fails = device % 10 == 7 && task.action.get("name").and_then(Value::as_str) != Some("EndNetworkIsolation");
            task.runs.push(Run { uuid: self.dice.uuid(), device, created: now, expires, fails });
        }
    }

    /// The runs of an action that ended well, with their device and time.
    fn ended<'a>(&'a self, action: &'a str, now: Timestamp) -> impl Iterator<Item = (usize, Timestamp)> + 'a {
        let tasks = self.all.iter().filter(move |task| task.action.get("name").and_then(Value::as_str) == Some(action));
        tasks.flat_map(move |task| {
            task.runs.iter().filter_map(move |run| match run.phase(task.seconds(), now) {
                Phase::Ended { at, well: true, .. } => Some((run.device, at)),
                _ => None,
            })
        })
    }

    /// Whether a device is cut off from the network.
    pub fn isolated(&self, device: usize, now: Timestamp) -> bool {
        let last = |action: &str| self.ended(action, now).filter(|(at, _)| *at == device).map(|(_, time)| time).max();
        last("StartNetworkIsolation") > last("EndNetworkIsolation")
    }

    /// Devices that are no longer managed.
    pub fn unmanaged(&self, now: Timestamp) -> HashSet<usize> {
        self.ended("StopManaging", now).map(|(device, _)| device).collect()
    }

    fn position(&self, uuid: &str) -> Result<usize, StatusCode> {
        self.all.iter().position(|task| task.uuid == uuid).ok_or(StatusCode::NOT_FOUND)
    }
}

/// Answers a request to the automation service.
pub fn route(state: &State, ask: &Ask<'_>) -> Answered {
    let mut tasks = lock(&state.tasks);
    let repeat = state.shared.faults.has(Fault::DuplicateRecords);
    match (ask.method, ask.path.as_slice(), ask.verb) {
        ("GET", ["v1", "device_tasks"], "") => {
            ask.query.only(&["pageSize", "pageToken"])?;
            Ok(ask.query.page("tasks", &tasks.all, repeat, Task::json)?.into())
        }
        ("GET", ["v1", "device_tasks", uuid], "") => {
            ask.query.only(&[])?;
            let at = tasks.position(uuid)?;
            Ok(json!({"task": tasks.all.get(at).map(Task::json)}))
        }
        ("GET", ["v1", "device_tasks", uuid, "runs"], "") => runs(state, &tasks, uuid, ask),
        ("POST", ["v1", "device_tasks"], "") => create(state, &mut tasks, ask),
        ("POST", ["v1", "device_tasks", uuid], "updateTaskTargets") => {
            ask.query.only(&[])?;
            let at = tasks.position(uuid)?;
            let (devices, groups) = targets(state, ask.body.get("targets"))?;
            tasks.version += 1;
            let version = tasks.version;
            if let Some(task) = tasks.all.get_mut(at) {
                (task.devices, task.groups, task.version) = (devices, groups, version);
                if task.trigger.is_some_and(|(_, expires)| expires > ask.now) {
                    tasks.launch(at, &state.shared.world, &state.fleet, ask.now, true);
                }
            }
            Ok(json!({}))
        }
        ("POST", ["v1", "device_tasks", uuid], "updateTaskTriggers") => {
            ask.query.only(&[])?;
            let at = tasks.position(uuid)?;
            let expires = trigger(ask.body.get("triggers"), ask.now)?;
            tasks.version += 1;
            let version = tasks.version;
            if let Some(task) = tasks.all.get_mut(at) {
                task.version = version;
                task.trigger = Some((ask.now, expires));
                let seconds = task.seconds();
                for run in &mut task.runs {
                    if matches!(run.phase(seconds, ask.now), Phase::Queued) {
                        run.expires = expires;
                    }
                }
            }
            Ok(json!({}))
        }
        _ => Err(StatusCode::NOT_FOUND),
    }
}

fn runs(state: &State, tasks: &Tasks, uuid: &str, ask: &Ask<'_>) -> Answered {
    ask.query.only(&["pageSize", "pageToken", "deviceUuid", "listOnlyLastRuns"])?;
    let at = tasks.position(uuid)?;
    let task = tasks.all.get(at).ok_or(StatusCode::NOT_FOUND)?;
    let world = &state.shared.world;
    let device = match ask.query.one("deviceUuid")? {
        None => None,
        Some(uuid) => Some(devices::find(world, uuid).ok_or(StatusCode::NOT_FOUND)?),
    };
    let mut listed: Vec<&Run> = task.runs.iter().filter(|run| device.is_none_or(|at| run.device == at)).collect();
    if ask.query.flag("listOnlyLastRuns")? {
        let mut last: HashMap<usize, Timestamp> = HashMap::new();
        for run in &listed {
            last.entry(run.device).and_modify(|time| *time = (*time).max(run.created)).or_insert(run.created);
        }
        listed.retain(|run| last.get(&run.device) == Some(&run.created));
    }
    let repeat = state.shared.faults.has(Fault::DuplicateRecords);
    let page = ask.query.page("taskRuns", &listed, repeat, |run| task.run_json(run, &world.machines[run.device].id, ask.now))?;
    Ok(page.into())
}

fn create(state: &State, tasks: &mut Tasks, ask: &Ask<'_>) -> Answered {
    ask.query.only(&[])?;
    let task = ask.body.get("task").and_then(Value::as_object).ok_or(StatusCode::BAD_REQUEST)?;
    let known = ["displayName", "description", "action", "targets", "triggers"];
    if task.keys().any(|key| !known.contains(&key.as_str())) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let text = |name: &str| task.get(name).and_then(Value::as_str).unwrap_or_default();
    let action = task.get("action").filter(|action| allowed(action)).ok_or(StatusCode::BAD_REQUEST)?;
    let expires = trigger(task.get("triggers"), ask.now)?;
    let (devices, groups) = targets(state, task.get("targets"))?;
    if text("displayName").is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    // The same configuration with another trigger is the same task, triggered again.
    let same = tasks.all.iter().position(|known| {
        known.name == text("displayName")
            && known.description == text("description")
            && known.action == *action
            && known.devices == devices
            && known.groups == groups
    });
    let at = same.unwrap_or_else(|| {
        let task = tasks.blank(text("displayName"), text("description"), action.clone(), devices, groups);
        tasks.all.push(task);
        tasks.all.len() - 1
    });
    tasks.version += 1;
    let version = tasks.version;
    let task = tasks.all.get_mut(at).ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    task.version = version;
    task.trigger = Some((ask.now, expires));
    if !state.shared.faults.has(Fault::LostTasks) {
        tasks.launch(at, &state.shared.world, &state.fleet, ask.now, false);
    }
    Ok(json!({"task": tasks.all.get(at).map(Task::json)}))
}

/// The targets of a request: at least one, each known.
fn targets(state: &State, targets: Option<&Value>) -> Result<(Vec<String>, Vec<String>), StatusCode> {
    let targets = targets.and_then(Value::as_object).ok_or(StatusCode::BAD_REQUEST)?;
    if targets.keys().any(|key| key != "devicesUuids" && key != "deviceGroupsUuids") {
        return Err(StatusCode::BAD_REQUEST);
    }
    let list = |name: &str| match targets.get(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().filter(|text| !text.is_empty()).map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().ok_or(StatusCode::BAD_REQUEST)
        }
        Some(_) => Err(StatusCode::BAD_REQUEST),
    };
    let (devices, groups) = (list("devicesUuids")?, list("deviceGroupsUuids")?);
    if devices.is_empty() && groups.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let known = devices.iter().all(|uuid| devices::find(&state.shared.world, uuid).is_some())
        && groups.iter().all(|uuid| state.fleet.group(uuid).is_some());
    if known { Ok((devices, groups)) } else { Err(StatusCode::NOT_FOUND) }
}

/// When the one trigger of a request expires.
fn trigger(triggers: Option<&Value>, now: Timestamp) -> Result<Timestamp, StatusCode> {
    let triggers = triggers.and_then(Value::as_array).filter(|all| !all.is_empty()).ok_or(StatusCode::BAD_REQUEST)?;
    let mut expires = now;
    for one in triggers {
        let manual = one.get("manual").and_then(Value::as_object).ok_or(StatusCode::BAD_REQUEST)?;
        let at = match manual.get("expireTime") {
            None => now + DEFAULT_EXPIRY,
            Some(at) => at.as_str().and_then(|text| text.parse().ok()).ok_or(StatusCode::BAD_REQUEST)?,
        };
        expires = expires.max(at);
    }
    if expires > now { Ok(expires) } else { Err(StatusCode::BAD_REQUEST) }
}

/// Whether an action is known and its parameters are those that it takes.
fn allowed(action: &Value) -> bool {
    let name = action.get("name").and_then(Value::as_str).unwrap_or_default();
    let Some(known) = ACTIONS.iter().find(|known| known.name == name) else { return false };
    let Some(params) = action.get("params") else { return known.message.is_empty() };
    let Some(params) = params.as_object().filter(|_| !known.message.is_empty()) else { return false };
    params.get("@type").and_then(Value::as_str) == Some(&format!("{TYPE_PREFIX}{}", known.message))
        && params.iter().all(|(member, value)| is_member(known, member, value))
        && fits_together(known, params)
}

fn is_member(known: &Action, member: &str, value: &Value) -> bool {
    match member {
        "@type" => true,
        "scanTargets" if known.name == "OnDemandScan" => {
            value.as_array().is_some_and(|all| all.iter().all(|target| target.as_str().is_some_and(|text| !text.is_empty())))
        }
        "scanProfile" => value.as_str().is_some_and(|profile| PROFILES.contains(&profile)) && known.texts.contains(&member),
        member if known.flags.contains(&member) => value.is_boolean(),
        member if known.texts.contains(&member) => value.is_string(),
        member if !member.is_empty() && member == known.allowed => value.as_object().is_some_and(|actions| {
            actions.iter().all(|(name, value)| match name.as_str() {
                "cancelAction" => value.is_boolean(),
                "postpone" => value.as_str().is_some_and(|postpone| POSTPONE.contains(&postpone)),
                _ => false,
            })
        }),
        _ => false,
    }
}

fn fits_together(known: &Action, params: &Map<String, Value>) -> bool {
    let text = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or_default();
    match known.name {
        "OnDemandScan" => (text("scanProfile") == "Custom") != text("customProfileName").is_empty(),
        "RunCommand" => !text("commandLine").is_empty(),
        "ShutdownComputer" => params.contains_key("restart"),
        _ => true,
    }
}
