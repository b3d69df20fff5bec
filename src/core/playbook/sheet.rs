//! The dry run of a playbook: what each step would do to what, worked out without asking anybody.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::plan::{Call, Next, Run};
use super::{Addressee, Step, here};
use crate::core::catalogue::{Class, Command, Effect, Given, Undo, validate};
use crate::core::fill::names_of;
use crate::core::health::Connected;
use crate::core::target::targets_of;

/// What a playbook is carried out with.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// The connections and what they can do.
    pub connected: &'a [Connected],
    /// The connection to take for a vendor that has several.
    pub chosen: &'a BTreeMap<String, String>,
    /// Whether nothing may be changed.
    pub read_only: bool,
}

/// What becomes of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is run.
    Run,
    /// It is left out, and why.
    LeftOut(String),
    /// It cannot be run, and why; so the playbook cannot.
    Blocked(String),
}

/// A step as it would be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The step.
    pub step: String,
    /// Its command.
    pub command: String,
    /// Its command's name for people.
    pub title: String,
    /// The connection that it goes to; empty where there is none.
    pub connection: String,
    /// Where the connection belongs.
    pub environment: String,
    /// What it is given, secrets masked.
    pub arguments: Map<String, Value>,
    /// The same as it is handed on.
    pub given: Vec<(String, Given)>,
    /// What it acts on, by name where that is known.
    pub targets: Vec<String>,
    /// What one of these is.
    pub noun: &'static str,
    /// What it can do.
    pub class: Class,
    /// What takes it back.
    pub way_back: Option<String>,
    /// Earlier steps whose results it needs.
    pub pending: Vec<String>,
    /// What becomes of it.
    pub fate: Fate,
}

/// The steps of a playbook as they would be run; what needs the result of a step shows the placeholder.
pub fn rehearse(run: &Run, desk: &Desk, now: Timestamp) -> Vec<Planned> {
    let mut run = run.clone();
    let mut all = Vec::new();
    let step = |run: &Run, name: &str| run.playbook().steps.iter().find(|step| step.name == name).cloned();
    loop {
        let planned = match run.next_call() {
            Next::Done => return all,
            Next::Skipped(name, reason) => step(&run, &name).map(|step| bare(&step, Fate::LeftOut(reason))),
            Next::Failed(name, reason) => step(&run, &name).map(|step| stopped(&step, reason)),
            Next::Call(call) => {
                let planned = step(&run, &call.step).map(|step| planned(&run, &step, &call, desk, now));
                run.ended(crate::core::outcome::ReturnData::Successful, None);
                planned
            }
        };
        all.extend(planned);
    }
}

fn bare(step: &Step, fate: Fate) -> Planned {
    Planned {
        step: step.name.clone(),
        command: step.command.clone(),
        title: step.command.clone(),
        connection: String::new(),
        environment: String::new(),
        arguments: step.arguments.clone(),
        given: Vec::new(),
        targets: Vec::new(),
        noun: "target",
        class: Class::READ,
        way_back: None,
        pending: Vec::new(),
        fate,
    }
}

/// A step that cannot be run: the playbook goes on without it where it may fail.
fn stopped(step: &Step, reason: String) -> Planned {
    bare(step, if step.continue_on_error { Fate::LeftOut(reason) } else { Fate::Blocked(reason) })
}

fn planned(run: &Run, step: &Step, call: &Call, desk: &Desk, now: Timestamp) -> Planned {
    let known: Vec<Place> = desk.connected.iter().map(|one| (one.name.as_str(), one.vendor.as_str(), one.active)).collect();
    let connection = match connection_for(&known, &call.to, desk.chosen) {
        Ok(connection) => connection,
        Err(reason) => return stopped(step, reason),
    };
    let connected = desk.connected.iter().find(|known| known.name == connection && !is_here(&call.to));
    let own = here::command(&call.command).filter(|_| is_here(&call.to));
    let Some(command) = own.as_ref().or_else(|| connected?.entry.command(&call.command)) else {
        return stopped(step, no_command(&connection, &call.command));
    };
    let given: Vec<(String, Given)> = call.arguments.iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect();
    let (class, arguments, problem) = match validate(command, given.clone(), now) {
        Ok(arguments) => (command.class_of(&arguments), arguments.masked(), None),
        Err(complaints) => {
            let text: Vec<String> = complaints.into_iter().map(|complaint| complaint.message).collect();
            (command.class, call.arguments.clone(), Some(text.join(" ")))
        }
    };
    let names = run.event().map(|event| names_of(std::slice::from_ref(event))).unwrap_or_default();
    let (targets, noun) = targets_of(&command.parameters, &call.arguments);
    let targets = targets.into_iter().filter(|target| !target.starts_with("${"));
    let changes = class.effect != Effect::Read;
    let fate = match problem {
        Some(problem) if call.pending.is_empty() => stopped(step, problem).fate,
        _ if changes && desk.read_only => Fate::Blocked("the console is read-only".into()),
        _ if changes && connected.is_some_and(|known| known.read_only) => stopped(step, format!("{connection} is read-only")).fate,
        _ => Fate::Run,
    };
    Planned {
        title: command.title.clone(),
        environment: connected.map(|known| known.environment.clone()).unwrap_or_default(),
        arguments,
        given,
        targets: targets.map(|target| names.get(&target).cloned().unwrap_or(target)).collect(),
        noun,
        class,
        way_back: way_back(command, connected),
        pending: call.pending.clone(),
        connection,
        ..bare(step, fate)
    }
}

/// The command that takes another one back, with its condition.
pub fn way_back(command: &Command, connected: Option<&Connected>) -> Option<String> {
    let inverse = command.inverse.as_ref()?;
    let title = connected.and_then(|known| known.entry.command(&inverse.command)).map_or(&inverse.command, |found| &found.title);
    Some(if inverse.condition.is_empty() { title.clone() } else { format!("{title}, {}", inverse.condition) })
}

/// The most that the steps can do, all of them together.
pub fn most(planned: &[Planned]) -> Class {
    planned.iter().filter(|step| step.fate == Fate::Run).fold(Class::READ, |most, step| {
        let undo = if step.class.reach > most.reach || most.undo == Undo::None { step.class.undo } else { most.undo };
        Class { effect: most.effect.max(step.class.effect), reach: most.reach.max(step.class.reach), undo }
    })
}

/// A connection as steps look for it: its name, its vendor, whether it is active.
pub type Place<'a> = (&'a str, &'a str, bool);

fn is_here(to: &Addressee) -> bool {
    matches!(to, Addressee::Vendor(vendor) if vendor == here::VENDOR)
}

/// What is said of a command that a connection does not have.
pub fn no_command(connection: &str, command: &str) -> String {
    format!("{connection} has no command {command}; see: nightdesk commands {connection}")
}

/// The connection that a step goes to.
///
/// # Errors
/// When there is none, or several and none was chosen.
pub fn connection_for(known: &[Place], to: &Addressee, chosen: &BTreeMap<String, String>) -> Result<String, String> {
    let vendor = match to {
        Addressee::Connection(name) => return Ok(name.clone()),
        Addressee::Vendor(vendor) if vendor == here::VENDOR => return Ok(vendor.clone()),
        Addressee::Vendor(vendor) => vendor.as_str(),
    };
    if let Some(name) = chosen.get(vendor) {
        return match known.iter().find(|(known, _, _)| known == name) {
            Some((_, of, _)) if *of == vendor => Ok(name.clone()),
            Some((_, of, _)) => Err(format!("{name} is a connection to {of}, not to {vendor}.")),
            None => Err(format!("There is no connection {name}.")),
        };
    }
    let names: Vec<&str> = known.iter().filter(|(_, of, active)| *active && *of == vendor).map(|(name, _, _)| *name).collect();
    match names.as_slice() {
        [name] => Ok((*name).to_owned()),
        [] => Err(format!("There is no active connection to {vendor}; add one with: nightdesk connections add")),
        _ => Err(format!("There are several connections to {vendor} ({}); choose one with --connection {vendor}=NAME", names.join(", "))),
    }
}
