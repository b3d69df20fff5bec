//! Running a command: one code path for the screen and the command line.
//!
//! The runner checks the arguments, records the intent, holds the conversation, and masks what must not be seen. It knows steps, never
//! commands.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::converse::Left;
use super::http::Door;
use super::opened::Opened;
use super::store::{Intent, Store};
use crate::config::{Connections, Misconfigured, Paths, Settings};
use crate::core::catalogue::{Arguments, Class, Command, Effect, Given, Invalid, Vendor, validate};
use crate::core::event::Event;
use crate::core::nearest::meant;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::talk::Counts;
use crate::secrets::{Redactor, Vault};

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What was just done.
    pub text: String,
    /// Parts done.
    pub done: usize,
    /// Parts in all, where that is known.
    pub total: Option<usize>,
}

/// How a command is to be run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Show the requests instead of sending them.
    pub dry_run: bool,
    /// Bounds the whole run, polling included.
    pub timeout: Option<Duration>,
    /// Where attachments go, if not into the quarantine.
    pub save_dir: Option<PathBuf>,
    /// Cancels the run.
    pub cancel: CancellationToken,
    /// Is told how far it is.
    pub progress: Option<mpsc::Sender<Progress>>,
    /// Stored events that the run was started from; they are named in the audit record.
    pub events: Vec<i64>,
    /// Leaves a read out of the record: a look that nobody asked for.
    pub unrecorded: bool,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Connection as it was named.
    pub connection: String,
    /// Its vendor, where the connection is known.
    pub vendor: Option<String>,
    /// Command as it was named.
    pub command: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The requests of a dry run, as previews.
    pub requests: Option<Vec<Value>>,
    /// Whether the call itself was wrong: no request was sent.
    pub refused: bool,
    /// Whether it failed because the vendor could not be reached, and nothing that changes anything was sent.
    pub unsent: bool,
    /// Number of the audit record, where one was made.
    pub audit: Option<i64>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

impl RunReport {
    /// The report of a call that was refused before anything was sent; `found` is the command, where the name is that of one.
    pub fn refused(connection: &str, vendor: Option<&str>, command: &str, found: Option<&Command>, failures: Vec<Failure>) -> Self {
        let said = failures.iter().map(|failure| failure.message.as_str()).collect::<Vec<_>>().join(" ");
        // What the document says before the reasons.
        let lament = found.map_or("", |found| found.lament.as_str());
        let mut outcome = Outcome::new(ReturnData::Failed).message(format!("{lament}{said}"));
        outcome.errors = failures;
        if let Some(found) = found {
            found.complete(&mut outcome);
        }
        let now = Timestamp::now();
        Self {
            connection: connection.into(),
            vendor: vendor.map(str::to_owned),
            command: command.into(),
            outcome,
            requests: None,
            refused: true,
            unsent: false,
            audit: None,
            started_at: now,
            finished_at: now,
        }
    }

    /// The process exit code that stands for it.
    pub fn exit_code(&self) -> u8 {
        if self.refused {
            2
        } else if self.requests.is_some() {
            0
        } else {
            self.outcome.return_data.exit_code()
        }
    }

    /// As `run` prints it.
    pub fn json(&self) -> Value {
        let outcome = &self.outcome;
        let mut line = json!({
            "connection": self.connection, "vendor": self.vendor, "command": self.command,
            "return_data": outcome.return_data, "raw_data": outcome.raw_data, "context": outcome.context,
            "key_fields": outcome.key_fields, "result": outcome.result, "message": outcome.message,
            "errors": outcome.errors, "attachments": outcome.attachments,
            "started_at": self.started_at, "finished_at": self.finished_at,
        });
        if let Some(requests) = &self.requests {
            line["requests"] = Value::from(requests.clone());
        }
        line
    }
}

/// A command that was looked up, with its arguments checked.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its connection.
    pub opened: Arc<Opened>,
    /// The command.
    pub command: Command,
    /// Its arguments.
    pub arguments: Arguments,
    /// Effect, reach and undo of these arguments.
    pub class: Class,
}

/// Runs commands on the configured connections.
#[derive(Clone, Debug)]
pub struct Runner {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    paths: Paths,
    connections: Vec<Arc<Opened>>,
    misconfigured: Vec<Misconfigured>,
    vault: Vault,
    redactor: Redactor,
    store: Store,
    actor: String,
}

impl Runner {
    /// A runner over the configured connections.
    ///
    /// # Errors
    /// What a vendor has to complain of.
    pub fn new(
        paths: Paths,
        settings: &Settings,
        connections: Connections,
        vendors: &[Vendor],
        store: Store,
    ) -> Result<Self, Vec<Invalid>> {
        let vault = Vault::new(&paths.data_dir, &paths.config_dir, settings);
        let mut opened = Vec::new();
        for configured in connections.all {
            let vendor = vendors.iter().find(|vendor| vendor.id == configured.connection.vendor).copied();
            let vendor = vendor.ok_or_else(|| vec![Invalid::new("vendor", format!("{} is not a vendor", configured.connection.vendor))])?;
            opened.push(Arc::new(Opened::new(configured, vendor)?));
        }
        let inner = Inner {
            paths,
            connections: opened,
            misconfigured: connections.misconfigured,
            vault,
            redactor: Redactor::default(),
            store,
            actor: actor(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The connections, in the order of the file.
    pub fn connections(&self) -> &[Arc<Opened>] {
        &self.inner.connections
    }

    /// The connections that cannot be used as they are configured.
    pub fn misconfigured(&self) -> &[Misconfigured] {
        &self.inner.misconfigured
    }

    /// The connection of that name.
    pub fn connection(&self, name: &str) -> Option<&Arc<Opened>> {
        self.inner.connections.iter().find(|opened| opened.connection.name == name)
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    /// The values that must not be seen.
    pub fn redactor(&self) -> &Redactor {
        &self.inner.redactor
    }

    /// Where things are.
    pub fn paths(&self) -> &Paths {
        &self.inner.paths
    }

    /// Who runs this, for the audit record.
    pub fn actor(&self) -> &str {
        &self.inner.actor
    }

    /// A connection's way out.
    ///
    /// # Errors
    /// Which secret cannot be had, and why.
    pub async fn door(&self, opened: &Opened) -> Result<Arc<Door>, Invalid> {
        opened.door(&self.inner.vault, &self.lock_dir(), &self.inner.redactor).await
    }

    /// What a connection's vendor calls a time of this machine: their clocks may differ.
    pub async fn vendors_time(&self, connection: &str, here: Timestamp) -> Timestamp {
        let Some(opened) = self.connection(connection) else { return here };
        let ahead = self.door(opened).await.ok().and_then(|door| door.clock_ahead());
        ahead.and_then(|ahead| here.checked_sub(ahead).ok()).unwrap_or(here)
    }

    /// The folder of the lock files that processes share.
    pub fn lock_dir(&self) -> PathBuf {
        self.inner.paths.data_dir.join("locks")
    }

    /// Looks a command up and checks what was given for it. Nothing is sent.
    ///
    /// # Errors
    /// A report that says what is wrong.
    pub fn prepare(&self, connection: &str, command: &str, given: Vec<(String, Given)>) -> Result<Prepared, Box<RunReport>> {
        let now = Timestamp::now();
        let refuse = |vendor: Option<&str>, found: Option<&Command>, failures: Vec<Failure>| {
            Box::new(RunReport::refused(connection, vendor, command, found, failures))
        };
        let Some(opened) = self.connection(connection) else {
            return Err(refuse(None, None, vec![Failure::new("Run failed.", self.unknown_connection(connection))]));
        };
        let vendor = Some(opened.vendor.id);
        let Some(found) = opened.entry.command(command) else {
            let meant = meant(command, opened.entry.commands.iter().map(|known| known.name.as_str()));
            let text = format!("{} has no command {command}{meant} See: nightdesk commands {connection}", opened.vendor.title);
            return Err(refuse(vendor, None, vec![Failure::new("Run failed.", text)]));
        };
        let indicator = found.indicator.clone();
        let arguments = validate(found, given, now).map_err(|complaints| {
            let failures = complaints.into_iter().map(|complaint| failure(&indicator, complaint)).collect();
            refuse(vendor, Some(found), failures)
        })?;
        let class = found.class_of(&arguments);
        if opened.connection.read_only && class.effect != Effect::Read {
            let text = format!("{connection} is read-only (read_only = true in connections.toml); {} would change something.", found.title);
            return Err(refuse(vendor, Some(found), vec![Failure::new(indicator, text)]));
        }
        Ok(Prepared { opened: Arc::clone(opened), command: found.clone(), arguments, class })
    }

    /// What is said of a connection that nobody configured.
    pub fn unknown_connection(&self, name: &str) -> String {
        let known: Vec<_> = self.connections().iter().map(|opened| opened.connection.name.as_str()).collect();
        if known.is_empty() {
            return format!("There is no connection {name}; none is configured. Add one with: nightdesk connections add");
        }
        format!("There is no connection {name}; there are {}{}", known.join(", "), meant(name, known.iter().copied()))
    }

    /// A report that refuses a prepared command, for want of a confirmation, say.
    pub fn refuse(&self, prepared: &Prepared, message: &str) -> RunReport {
        let indicator = prepared.command.indicator.clone();
        let vendor = Some(prepared.opened.vendor.id);
        let (name, command) = (&prepared.opened.connection.name, &prepared.command);
        RunReport::refused(name, vendor, &command.name, Some(command), vec![Failure::new(indicator, message)])
    }

    /// Looks up, checks and runs.
    pub async fn run(&self, connection: &str, command: &str, given: Vec<(String, Given)>, options: RunOptions) -> RunReport {
        match self.prepare(connection, command, given) {
            Ok(prepared) => self.execute(prepared, options).await,
            Err(report) => *report,
        }
    }

    /// Runs a prepared command.
    pub async fn execute(&self, prepared: Prepared, options: RunOptions) -> RunReport {
        let started_at = prepared.arguments.now();
        let name = prepared.opened.connection.name.clone();
        let vendor = Some(prepared.opened.vendor.id.to_owned());
        let command = prepared.command.name.clone();
        let report = |outcome: Outcome, requests, refused, audit| RunReport {
            connection: name.clone(),
            vendor: vendor.clone(),
            command: command.clone(),
            outcome,
            requests,
            refused,
            unsent: false,
            audit,
            started_at,
            finished_at: Timestamp::now(),
        };
        if options.dry_run {
            let requests = self.plan(&prepared);
            let outcome =
                Outcome::successful(Value::Null).message(format!("{} request(s) would be sent; nothing was sent.", requests.len()));
            return report(outcome, Some(requests), false, None);
        }
        let indicator = prepared.command.indicator.clone();
        let door = match self.door(&prepared.opened).await {
            Ok(door) => door,
            Err(invalid) => {
                let mut outcome = Outcome::failed(failure(&indicator, invalid));
                outcome.message.insert_str(0, &prepared.command.lament);
                prepared.command.complete(&mut outcome);
                return report(outcome, None, true, None);
            }
        };
        self.learn(&prepared.arguments);
        let changes = prepared.class.effect != Effect::Read;
        let mut audit = None;
        if changes {
            match self.inner.store.begin_intent(self.intent(&prepared, &options)).await {
                Ok(seq) => audit = Some(seq),
                Err(error) => {
                    let text = format!("The intent could not be recorded, so nothing was sent: {error}.");
                    return report(Outcome::failed(Failure::new(indicator, text)), None, true, None);
                }
            }
        }
        let mut left = Left::default();
        let mut outcome = self.hold(&prepared, &door, &options, &mut left).await;
        self.mask(&mut outcome);
        prepared.command.complete(&mut outcome);
        indicators(&mut outcome);
        let stored = self.keep_events(&prepared.opened, std::mem::take(&mut outcome.events)).await;
        if let Err(error) = stored {
            outcome.errors.push(Failure::new(indicator, format!("The events could not be stored: {error}.")));
            outcome.return_data = ReturnData::PartiallySuccessful;
        }
        if !outcome.attachments.is_empty() && !options.events.is_empty() {
            let kept = self.inner.store.case_attachments(&options.events, &outcome.attachments, &self.inner.actor, Timestamp::now()).await;
            if let Err(error) = kept {
                tracing::warn!(%error, "what was saved could not be put into the cases of its events");
            }
        }
        if let Some(seq) = audit {
            let ended = self.inner.store.end_intent(seq, outcome.recorded_as(), self.recorded(&outcome)).await;
            if let Err(error) = ended {
                tracing::warn!(%error, "the outcome could not be recorded; the record shows it as unknown");
            }
        } else if !options.unrecorded {
            // Reads are recorded too, once, when they are over.
            let seq = self.inner.store.begin_intent(self.intent(&prepared, &options)).await;
            if let Ok(seq) = seq {
                audit = Some(seq);
                let _ = self.inner.store.end_intent(seq, outcome.return_data.as_str(), self.recorded(&outcome)).await;
            }
        }
        let unsent = changes && outcome.return_data == ReturnData::Failed && left.is_unsent();
        RunReport { unsent, ..report(outcome, None, false, audit) }
    }

    pub(super) fn intent(&self, prepared: &Prepared, options: &RunOptions) -> Intent {
        let mut arguments = prepared.arguments.masked();
        for value in arguments.values_mut() {
            self.inner.redactor.json(value);
        }
        let items = arguments.values().filter_map(Value::as_array).flatten().filter_map(|item| item.as_str().map(str::to_owned));
        let events = options.events.iter().map(|id| format!("event {id}"));
        Intent {
            actor: self.inner.actor.clone(),
            connection: prepared.opened.connection.name.clone(),
            command: prepared.command.name.clone(),
            items: events.chain(items).take(200).collect(),
            effect: prepared.class.effect,
            arguments,
        }
    }

    /// What the record keeps of an outcome: the failures and the summary, not the answer.
    fn recorded(&self, outcome: &Outcome) -> Value {
        let mut detail =
            json!({"message": outcome.message, "errors": outcome.errors, "result": outcome.result, "attachments": outcome.attachments});
        self.inner.redactor.json(&mut detail);
        detail
    }

    pub(super) async fn keep_events(&self, opened: &Opened, mut events: Vec<Event>) -> Result<Counts, super::store::StoreError> {
        if events.is_empty() {
            return Ok(Counts::default());
        }
        events.iter_mut().for_each(|event| self.clean(opened, event));
        self.inner.store.store_events(&opened.connection.name, opened.vendor.id, events, Timestamp::now()).await
    }
}

/// Puts what else the answer mentions beside the document's key fields.
fn indicators(outcome: &mut Outcome) {
    let found = crate::core::entity::extract(&outcome.raw_data);
    if !found.is_empty() {
        outcome.key_fields.insert("indicators".into(), json!(found));
    }
}

fn failure(indicator: &str, invalid: Invalid) -> Failure {
    let mut failure = Failure::new(indicator, invalid.message);
    failure.status_code = invalid.status_code;
    failure
}

/// Who runs this: the login, and where from over SSH.
pub fn actor() -> String {
    let login = std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| format!("uid{}", rustix::process::geteuid().as_raw()));
    match std::env::var("SSH_CLIENT").ok().and_then(|client| client.split(' ').next().map(str::to_owned)) {
        Some(from) if !from.is_empty() => format!("{login}@{from}"),
        _ => login,
    }
}

/// Arguments as given values, for callers that have JSON.
pub fn given(values: &Map<String, Value>) -> Vec<(String, Given)> {
    values.iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect()
}
