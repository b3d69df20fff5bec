//! `nightdesk playbook`: list, show, run and record playbooks.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::context::{Context, interruptible};
use super::output::{cell, complain};
use super::{INTERRUPTED, WRONG_CALL};
use crate::core::catalogue::Given;
use crate::core::event::StoredEvent;
use crate::core::playbook::{self as core, Addressee, Playbook as Written};
use crate::runtime::playbook::{self, PlaybookOptions, StepReport, Told, carry_out, library, obstacles};
use crate::runtime::run::{Progress, Runner};

/// Verbs of `nightdesk playbook`.
#[derive(Debug, Subcommand)]
pub enum Playbook {
    /// List the playbooks
    List,
    /// Print a playbook as its file
    Show {
        /// The playbook
        name: String,
    },
    /// Run a playbook, or see what it would do
    Run(RunPlaybook),
    /// Make a playbook from what was done on an event
    Record {
        /// Name of the new playbook
        name: String,
        /// The event
        #[arg(long, value_name = "ID")]
        event: i64,
        /// Replace a playbook of your own of that name
        #[arg(long)]
        force: bool,
    },
}

/// Arguments of `nightdesk playbook run`.
#[derive(Debug, Args)]
pub struct RunPlaybook {
    /// The playbook
    name: String,
    /// Inputs, as INPUT=VALUE
    #[arg(value_name = "INPUT=VALUE")]
    pairs: Vec<String>,
    /// The event that inputs and placeholders are filled from
    #[arg(long, value_name = "ID")]
    event: Option<i64>,
    /// The connection to take for a vendor that has several
    #[arg(long, value_name = "VENDOR=NAME")]
    connection: Vec<String>,
    /// Show the requests of each step, secrets masked, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Confirm destructive steps
    #[arg(long)]
    yes: bool,
}

impl Playbook {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let (all, problems) = library(&context.paths.config_dir);
        problems.iter().for_each(|problem| complain(&format!("warning: {problem}")));
        match self {
            Self::List => {
                let mut rows: Vec<Value> = all.iter().map(row).collect();
                if !context.output.is_json() {
                    for row in &mut rows {
                        row["inputs"] = names(&row["inputs"]);
                        row["steps"] = names(&row["steps"]);
                    }
                }
                context.output.rows(&rows, &[("NAME", "name"), ("INPUTS", "inputs"), ("STEPS", "steps")]);
                0
            }
            Self::Show { name } => match find(&all, &name) {
                Ok(found) if context.output.is_json() => {
                    let mut line = row(found);
                    line["toml"] = core::to_toml(found).into();
                    context.output.json(&line);
                    0
                }
                Ok(found) => {
                    core::to_toml(found).lines().for_each(|line| context.output.line(line));
                    0
                }
                Err(code) => code,
            },
            Self::Run(run) => match find(&all, &run.name) {
                Ok(found) => run.carry_out(context, found.clone()).await,
                Err(code) => code,
            },
            Self::Record { name, event, force } => record(context, &name, event, force).await,
        }
    }
}

fn wrong(text: &str) -> u8 {
    complain(text);
    WRONG_CALL
}

fn find<'a>(all: &'a [Written], name: &str) -> Result<&'a Written, u8> {
    all.iter().find(|playbook| playbook.name == name).ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|playbook| playbook.name.as_str()).collect();
        wrong(&format!("there is no playbook {name}; there are {}", known.join(", ")))
    })
}

/// The names of a list, for a table.
fn names(list: &Value) -> Value {
    list.as_array().into_iter().flatten().filter_map(|item| item.get("name")).cloned().collect()
}

fn row(playbook: &Written) -> Value {
    let inputs: Vec<Value> = playbook
        .inputs
        .iter()
        .map(|input| {
            json!({"name": input.name, "type": input.r#type.name(), "required": input.required, "default": input.default, "help": input.help,
                   "from": input.prefill.iter().map(|kind| kind.as_str()).collect::<Vec<_>>()})
        })
        .collect();
    let steps: Vec<Value> = playbook
        .steps
        .iter()
        .map(|step| match &step.to {
            Addressee::Vendor(vendor) => json!({"name": step.name, "vendor": vendor, "command": step.command}),
            Addressee::Connection(connection) => json!({"name": step.name, "connection": connection, "command": step.command}),
        })
        .collect();
    json!({"name": playbook.name, "title": playbook.title, "help": playbook.help, "inputs": inputs, "steps": steps})
}

/// The event of that number.
async fn event_of(runner: &Runner, id: i64) -> Result<StoredEvent, u8> {
    match runner.store().event(id).await {
        Ok(Some(event)) => Ok(event),
        Ok(None) => Err(wrong(&format!("there is no event {id}"))),
        Err(error) => {
            complain(&error.to_string());
            Err(1)
        }
    }
}

fn pair(text: &str) -> Result<(String, String), u8> {
    let (name, value) = text.split_once('=').ok_or_else(|| wrong(&format!("{text} is not NAME=VALUE")))?;
    Ok((name.to_owned(), value.to_owned()))
}

impl RunPlaybook {
    async fn carry_out(self, context: &Context, playbook: Written) -> u8 {
        match self.tried(context, playbook).await {
            Ok(code) | Err(code) => code,
        }
    }

    async fn tried(self, context: &Context, playbook: Written) -> Result<u8, u8> {
        let pairs = self.pairs.iter().map(|text| pair(text)).collect::<Result<Vec<_>, _>>()?;
        let given: Vec<(String, Given)> = pairs.into_iter().map(|(name, value)| (name, Given::Text(value))).collect();
        let chosen = self.connection.iter().map(|text| pair(text)).collect::<Result<BTreeMap<_, _>, _>>()?;
        let runner = context.runner().map_err(|cannot| cannot.say())?;
        let event = match self.event {
            Some(id) => Some(event_of(&runner, id).await?),
            None => None,
        };
        let cancel = interruptible();
        let (send, mut receive) = mpsc::channel::<Progress>(16);
        let options = PlaybookOptions {
            dry_run: self.dry_run,
            yes: self.yes,
            most: None,
            chosen,
            timeout: None,
            cancel: cancel.clone(),
            progress: Some(send),
        };
        let against = obstacles(&runner, &playbook, &options);
        if !against.is_empty() {
            against.iter().for_each(|reason| complain(reason));
            complain("Nothing was sent.");
            return Err(WRONG_CALL);
        }
        let run = core::Run::begin(playbook, &given, event, Timestamp::now()).map_err(|complaints| {
            complaints.iter().for_each(|complaint| complain(&complaint.message));
            complain("Nothing was sent.");
            WRONG_CALL
        })?;
        let verbose = context.verbose > 0;
        let said = tokio::spawn(async move {
            while let Some(progress) = receive.recv().await {
                if verbose {
                    complain(&progress.text);
                }
            }
        });
        let code = carry_out(&runner, run, &options, |told| {
            if let Told::Ended(step) = told {
                print(context, &runner, &step);
            }
        })
        .await;
        drop(options);
        let _ = said.await;
        Ok(if cancel.is_cancelled() { INTERRUPTED } else { code })
    }
}

fn print(context: &Context, runner: &Runner, step: &StepReport) {
    let output = context.output;
    if output.is_json() {
        output.json(&step.json());
        return;
    }
    let item = step.item.as_ref().map_or_else(String::new, |item| format!(" ({})", cell(item)));
    output.line(&format!("── {}{item}", step.step));
    if let Some(report) = &step.report {
        let secret = runner.connection(&report.connection).map(|opened| opened.entry.secret_fields.clone()).unwrap_or_default();
        super::run::print(output, report, &secret);
    } else {
        output.line(&format!("{}: {}", if step.failed { "failed" } else { "left out" }, step.reason));
    }
}

async fn record(context: &Context, name: &str, id: i64, force: bool) -> u8 {
    let runner = match context.runner() {
        Ok(runner) => runner,
        Err(cannot) => return cannot.say(),
    };
    let event = match event_of(&runner, id).await {
        Ok(event) => event,
        Err(code) => return code,
    };
    let done = match playbook::done_on(&runner, runner.store(), &event).await {
        Ok(done) => done,
        Err(error) => {
            complain(&error.to_string());
            return 1;
        }
    };
    if done.is_empty() {
        complain(&format!("no command was run on event {id} yet; run one from the console, or a playbook with --event {id}"));
        return 1;
    }
    let recorded = core::record(name, &[event], &done);
    match playbook::save(&context.paths.config_dir, &recorded, force) {
        Ok(file) => {
            let mut line = row(&recorded);
            line["file"] = json!(file);
            context.output.rows(&[line], &[("NAME", "name"), ("FILE", "file")]);
            0
        }
        Err(reason) => wrong(&reason),
    }
}
