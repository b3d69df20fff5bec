//! Carrying playbooks out: where they are kept, which connection a step goes to, and the steps one after the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::run::{Progress, RunOptions, RunReport, Runner, given};
use super::store::{AuditEntry, Store, StoreError};
use crate::config::files::{private_dir, write_private};
use crate::core::catalogue::{Class, Effect};
use crate::core::event::StoredEvent;
use crate::core::outcome::{ReturnData, UNKNOWN};
use crate::core::playbook::{self, Addressee, Call, Done, HERE, Next, Place, Playbook, Problem, Run, Step, taken_by};

/// How a playbook is to be run.
#[derive(Clone, Debug, Default)]
pub struct PlaybookOptions {
    /// Show the requests instead of sending them.
    pub dry_run: bool,
    /// Whether destructive steps are confirmed.
    pub yes: bool,
    /// The most that steps may do, where that was shown and confirmed; what would do more is refused.
    pub most: Option<Class>,
    /// The connection to take for a vendor that has several.
    pub chosen: BTreeMap<String, String>,
    /// Bounds each step.
    pub timeout: Option<Duration>,
    /// Cancels what is under way and leaves the rest out.
    pub cancel: CancellationToken,
    /// Is told how far a step is.
    pub progress: Option<mpsc::Sender<Progress>>,
}

/// How a playbook goes.
#[derive(Clone, Debug)]
pub enum Told {
    /// A step begins.
    Begins {
        /// The step.
        step: String,
        /// Its number, from 1.
        at: usize,
        /// How many there are.
        of: usize,
    },
    /// A step ended, or was left out.
    Ended(Box<StepReport>),
}

/// What came of one step.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// The playbook.
    pub playbook: String,
    /// The step.
    pub step: String,
    /// Its command.
    pub command: String,
    /// What it was given.
    pub arguments: Map<String, Value>,
    /// The value of `for_each` that it was for.
    pub item: Option<Value>,
    /// What running it gave back; none where it was not run.
    pub report: Option<RunReport>,
    /// Why it was not run, or only in part.
    pub reason: String,
    /// Whether it counts as failed.
    pub failed: bool,
}

impl StepReport {
    /// As `playbook run` prints it.
    pub fn json(&self) -> Value {
        let mut line = json!({"playbook": self.playbook, "step": self.step, "item": self.item});
        if let Some(report) = &self.report {
            if let (Some(line), Value::Object(members)) = (line.as_object_mut(), report.json()) {
                line.extend(members);
            }
        } else {
            let state = if self.failed { json!(ReturnData::Failed) } else { Value::Null };
            line["connection"] = Value::Null;
            line["command"] = json!(self.command);
            line["return_data"] = state;
            line["message"] = json!(self.reason);
        }
        line["skipped"] = json!(self.report.is_none() && !self.failed);
        line
    }
}

/// The folder of the user's own playbooks.
pub fn folder(config_dir: &Path) -> PathBuf {
    config_dir.join("playbooks")
}

/// Every playbook by name: the user's own, then those that come with the program and have no namesake; and what is wrong with files.
pub fn library(config_dir: &Path) -> (Vec<Playbook>, Vec<Problem>) {
    let (mut found, mut problems): (Vec<Playbook>, Vec<Problem>) = (Vec::new(), Vec::new());
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(config_dir)).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "toml"));
    files.sort();
    for file in files {
        let name = file.display().to_string();
        let problem = |message: String| Problem { file: name.clone(), line: None, key: "name".into(), message };
        match std::fs::read_to_string(&file) {
            Err(error) => problems.push(Problem { key: String::new(), ..problem(format!("cannot be read: {error}")) }),
            Ok(text) => match playbook::parse(&name, &text) {
                Err(wrong) => problems.extend(wrong),
                Ok(own) if found.iter().any(|known| known.name == own.name) => {
                    problems.push(problem(format!("another file is called {} too; this one is left out", own.name)));
                }
                Ok(own) => found.push(own),
            },
        }
    }
    for shipped in playbook::shipped() {
        if !found.iter().any(|own| own.name == shipped.name) {
            found.push(shipped);
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    (found, problems)
}

/// Writes a playbook into the user's folder; gives the file.
///
/// # Errors
/// When there is one of that name already and it is not to be replaced, or the file cannot be written.
pub fn save(config_dir: &Path, playbook: &Playbook, replace: bool) -> Result<PathBuf, String> {
    let dir = folder(config_dir);
    let file = dir.join(format!("{}.toml", playbook.name));
    if file.exists() && !replace {
        return Err(format!("{} is there already; replace it with --force, or take another name", file.display()));
    }
    let text = playbook::to_toml(playbook);
    // What cannot be read again is not written.
    playbook::parse(&file.display().to_string(), &text)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    private_dir(&dir).and_then(|()| write_private(&file, text.as_bytes())).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

/// The connection that a step goes to.
///
/// # Errors
/// When there is none, or several and none was chosen.
pub fn connection_for(runner: &Runner, to: &Addressee, chosen: &BTreeMap<String, String>) -> Result<String, String> {
    let known: Vec<Place> =
        runner.connections().iter().map(|opened| (opened.connection.name.as_str(), opened.vendor.id, opened.connection.active)).collect();
    playbook::connection_for(&known, to, chosen)
}

/// What speaks against running a playbook, before anything is sent: connections, commands, confirmation. A step that may fail is no
/// obstacle by its connection or command.
pub fn obstacles(runner: &Runner, playbook: &Playbook, options: &PlaybookOptions) -> Vec<String> {
    playbook.steps.iter().filter_map(|step| obstacle(runner, step, options).err()).collect()
}

fn obstacle(runner: &Runner, step: &Step, options: &PlaybookOptions) -> Result<(), String> {
    let label = |reason: String| format!("Step {}: {reason}", step.name);
    let name = match connection_for(runner, &step.to, &options.chosen) {
        Ok(name) => name,
        Err(_) if step.continue_on_error => return Ok(()),
        Err(reason) => return Err(label(reason)),
    };
    let opened = runner.connection(&name);
    let own = playbook::command_of(&step.command).filter(|_| step.to == Addressee::Vendor(HERE.into()));
    let Some(command) = own.as_ref().or_else(|| opened?.entry.command(&step.command)) else {
        let reason = match opened {
            _ if step.continue_on_error => return Ok(()),
            None if name != HERE => format!("There is no connection {name}."),
            _ => playbook::no_command(&name, &step.command),
        };
        return Err(label(reason));
    };
    if command.class.effect == Effect::Destructive && !options.yes && !options.dry_run {
        return Err(label(format!("{} on {name} is destructive; look at it with --dry-run, then confirm it with --yes.", command.title)));
    }
    Ok(())
}

/// Runs the steps one after the other; each is told as it begins and ends. Gives the exit code of the whole: 0 everything was done, 1 nothing
/// was, 2 it was refused and nothing was sent, 3 some of it was.
pub async fn carry_out(runner: &Runner, mut run: Run, options: &PlaybookOptions, mut tell: impl FnMut(Told)) -> u8 {
    let (mut done, mut failed, mut refused) = (0_usize, 0_usize, 0_usize);
    let playbook = run.playbook().name.clone();
    let event = run.event().map(|event| event.id);
    let bare = |step: String, command: String, reason: String, failed: bool| StepReport {
        playbook: playbook.clone(),
        step,
        command,
        arguments: Map::new(),
        item: None,
        report: None,
        reason,
        failed,
    };
    while !options.cancel.is_cancelled() {
        let command = |run: &Run, step: &str| {
            run.playbook().steps.iter().find(|known| known.name == step).map_or_else(String::new, |step| step.command.clone())
        };
        match run.next_call() {
            Next::Done => break,
            Next::Skipped(step, reason) => {
                let command = command(&run, &step);
                tell(Told::Ended(Box::new(bare(step, command, reason, false))));
            }
            Next::Failed(step, reason) => {
                failed += 1;
                let command = command(&run, &step);
                tell(Told::Ended(Box::new(bare(step, command, reason, true))));
            }
            Next::Call(call) => {
                let steps = &run.playbook().steps;
                let at = steps.iter().position(|step| step.name == call.step).map_or(0, |at| at + 1);
                tell(Told::Begins { step: call.step.clone(), at, of: steps.len() });
                let mut report = one(runner, &playbook, event, call, options).await;
                let state = match &report.report {
                    Some(report) => report.outcome.return_data,
                    None if report.failed => ReturnData::Failed,
                    None => ReturnData::Successful,
                };
                report.failed = state == ReturnData::Failed;
                match state {
                    ReturnData::Failed if report.report.as_ref().is_none_or(|report| report.refused) => refused += 1,
                    ReturnData::Failed => failed += 1,
                    ReturnData::PartiallySuccessful => {
                        done += 1;
                        failed += 1;
                    }
                    _ => done += 1,
                }
                let raw = if options.dry_run { None } else { report.report.as_ref().map(|report| report.outcome.raw_data.clone()) };
                // A failure gives no result; what needs it says so.
                run.ended(state, if report.failed && !options.dry_run { Some(Value::Null) } else { raw });
                tell(Told::Ended(Box::new(report)));
            }
        }
    }
    match (done, failed, refused) {
        (_, 0, 0) => 0,
        (0, 0, _) => 2,
        (0, _, _) => 1,
        _ => 3,
    }
}

/// Runs one call.
async fn one(runner: &Runner, playbook: &str, event: Option<i64>, call: Call, options: &PlaybookOptions) -> StepReport {
    let mut step = StepReport {
        playbook: playbook.to_owned(),
        step: call.step.clone(),
        command: call.command.clone(),
        arguments: call.arguments.clone(),
        item: call.item.clone(),
        report: None,
        reason: String::new(),
        failed: false,
    };
    let connection = match connection_for(runner, &call.to, &options.chosen) {
        Ok(name) => name,
        Err(reason) => return StepReport { reason, failed: true, ..step },
    };
    if connection == HERE && call.to == Addressee::Vendor(HERE.into()) {
        step.report = Some(super::play::decided(runner, event, &call, options.dry_run).await);
        return step;
    }
    let waits = (!call.pending.is_empty())
        .then(|| format!("It needs the result of {}; its requests show the placeholder.", call.pending.join(", ")));
    let report = match runner.prepare(&connection, &call.command, given(&call.arguments)) {
        Err(_) if options.dry_run && waits.is_some() => {
            step.reason = format!("It needs the result of {}; its requests are known when that has run.", call.pending.join(", "));
            return step;
        }
        Err(report) => *report,
        Ok(prepared) if prepared.class.effect == Effect::Destructive && !options.yes && !options.dry_run => {
            let what = format!("{} on {connection} is destructive; confirm it with --yes. Nothing was sent.", prepared.command.title);
            runner.refuse(&prepared, &what)
        }
        Ok(prepared) if options.most.is_some_and(|most| prepared.class.effect > most.effect || prepared.class.reach > most.reach) => {
            let what = format!("{} on {connection} would do more than was shown before; it was not sent.", prepared.command.title);
            runner.refuse(&prepared, &what)
        }
        Ok(prepared) => {
            let run = RunOptions {
                dry_run: options.dry_run,
                timeout: options.timeout,
                save_dir: None,
                cancel: options.cancel.clone(),
                progress: options.progress.clone(),
                events: event.into_iter().collect(),
                unrecorded: false,
            };
            let mut report = runner.execute(prepared, run).await;
            if let Some(waits) = waits {
                report.outcome.message = format!("{} {waits}", report.outcome.message);
            }
            report
        }
    };
    step.report = Some(report);
    step
}

/// What was run on an event, oldest first, as a playbook takes it: what succeeded at least in part, without what is the default anyway.
///
/// # Errors
/// When the store fails.
pub async fn done_on(runner: &Runner, store: &Store, event: &StoredEvent) -> Result<Vec<Done>, StoreError> {
    let named = format!("event {}", event.id);
    let mut entries: Vec<AuditEntry> = store.audit_list(None, 0).await?;
    entries.retain(|entry| entry.items.contains(&named) && entry.connection.is_some());
    entries.retain(|entry| entry.refers_to.is_some() && ![ReturnData::Failed.as_str(), UNKNOWN].contains(&entry.state.as_str()));
    entries.sort_by_key(|entry| entry.refers_to);
    Ok(entries.into_iter().filter_map(|entry| done(runner, entry)).collect())
}

fn done(runner: &Runner, entry: AuditEntry) -> Option<Done> {
    let connection = entry.connection?;
    let opened = runner.connection(&connection);
    let command = opened.and_then(|opened| opened.entry.command(&entry.command));
    let default = |name: &str| command?.parameters.iter().find(|parameter| parameter.name == name)?.default.clone();
    let arguments = entry.arguments.as_object()?.iter().filter(|(name, value)| default(name).as_ref() != Some(*value));
    let arguments = arguments.map(|(name, value)| (name.clone(), value.clone())).collect();
    // The record keeps the results by their label; the catalogue knows where the value of that name stands.
    let place = |label: &str| {
        let name: String = label.split(' ').collect();
        command?.key_fields.iter().find(|field| field.name.eq_ignore_ascii_case(&name)).map(|field| field.path.clone())
    };
    let kept = entry.detail.get("result").and_then(Value::as_array).into_iter().flatten();
    let results = kept.filter_map(|item| Some((place(item.get("name")?.as_str()?)?, item.get("value")?.clone()))).collect();
    let takes = command.map(taken_by).unwrap_or_default();
    Some(Done { vendor: opened.map(|opened| opened.vendor.id.to_owned()), connection, command: entry.command, arguments, takes, results })
}
