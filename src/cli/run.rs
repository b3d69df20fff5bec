//! `nightdesk run`: one vendor command, the same code path as the console's.

use std::fmt::Write;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::context::{Context, confirm, interruptible};
use super::output::{cell, complain};
use super::{INTERRUPTED, Output};
use crate::core::catalogue::{Command, Effect, Given, Vendor, named};
use crate::core::fill::prefilled;
use crate::core::outcome::Failure;
use crate::core::text::visible;
use crate::runtime::http::body::DEPTH_LIMIT;
use crate::runtime::run::{Prepared, Progress, RunOptions, RunReport, Runner};
use crate::secrets::redact::mask_fields;

/// Arguments of `nightdesk run`.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "dry_run is the flag's name")]
pub struct Run {
    /// The connection
    connection: String,
    /// The command; see `nightdesk commands CONNECTION`
    #[arg(id = "command", value_name = "COMMAND")]
    name: String,
    /// Parameters, as NAME=VALUE
    #[arg(value_name = "NAME=VALUE")]
    pairs: Vec<String>,
    /// A JSON object of parameters (a file, or - for stdin); NAME=VALUE wins over it
    #[arg(long, value_name = "FILE|-", allow_hyphen_values = true)]
    params: Option<String>,
    /// Show the requests, secrets masked, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Confirm a destructive command
    #[arg(long)]
    yes: bool,
    /// Where an attachment is written
    #[arg(long, value_name = "DIR")]
    save_dir: Option<PathBuf>,
    /// Bounds the whole run, polling included
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    timeout: Option<Duration>,
    /// Fill what is not given from this event, as the console's form does, and name it in the record
    #[arg(long, value_name = "ID")]
    event: Option<i64>,
}

/// A time to wait. One that is longer than anything lasts is as good as none.
fn seconds(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);
    let number: f64 = text.parse().ok().filter(|number: &f64| !number.is_nan()).ok_or("must be a number of seconds")?;
    let time = Duration::try_from_secs_f64(number.min(LONGEST.as_secs_f64())).unwrap_or_default();
    if time.is_zero() { Err("must be above 0".into()) } else { Ok(time) }
}

impl Run {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let begun = context.runner_for(std::slice::from_ref(&self.connection));
        let opened = begun.as_ref().ok().and_then(|runner| runner.connection(&self.connection));
        let command = opened.map_or_else(|| self.sample(context), |opened| opened.entry.command(&self.name).cloned());
        // Whatever becomes of the call, what it was given has been seen.
        for name in command.iter().flat_map(|command| self.secrets_on_the_command_line(command)) {
            complain(&format!(
                "warning: {name} is secret and was given on the command line, where others can read it; use --params - instead"
            ));
        }
        let wrong = |reasons: &[String], code: Option<u16>| {
            let report = self.refused(context, command.as_ref(), reasons, code);
            print(context.output, &report, &[]);
            report.exit_code()
        };
        let runner = match begun {
            Ok(runner) => runner,
            Err(cannot) => return wrong(&cannot.reasons, cannot.status_code),
        };
        let mut given = match self.given() {
            Ok(given) => given,
            Err(reason) => return wrong(&[reason], None),
        };
        if let Some(id) = self.event {
            match self.what_event_knows(&runner, id, &given).await {
                Ok(filled) => {
                    for (name, value, origin) in filled {
                        if context.verbose > 0 {
                            complain(&format!("{name} = {} ({origin})", cell(&value)));
                        }
                        given.push((name, Given::Json(value)));
                    }
                }
                Err(reason) => return wrong(&[reason], None),
            }
        }
        let prepared = match runner.prepare(&self.connection, &self.name, given) {
            Ok(prepared) => prepared,
            Err(report) => {
                print(context.output, &report, &[]);
                return report.exit_code();
            }
        };
        let secret_fields = prepared.opened.entry.secret_fields.clone();
        if !self.dry_run
            && !self.yes
            && prepared.class.effect == Effect::Destructive
            && let Err(reason) = confirmed(&prepared)
        {
            let report = runner.refuse(&prepared, &reason);
            print(context.output, &report, &[]);
            return report.exit_code();
        }
        let cancel = interruptible();
        let (send, mut receive) = mpsc::channel::<Progress>(16);
        let verbose = context.verbose > 0;
        let said = tokio::spawn(async move {
            while let Some(progress) = receive.recv().await {
                if verbose {
                    complain(visible(&progress.text).as_ref());
                }
            }
        });
        let options = RunOptions {
            dry_run: self.dry_run,
            timeout: self.timeout,
            save_dir: self.save_dir.clone(),
            cancel: cancel.clone(),
            progress: Some(send),
            events: self.event.into_iter().collect(),
            unrecorded: false,
        };
        let report = runner.execute(prepared, options).await;
        let _ = said.await;
        print(context.output, &report, &secret_fields);
        if cancel.is_cancelled() { INTERRUPTED } else { report.exit_code() }
    }

    /// What was given: the file first, then the pairs over it.
    fn given(&self) -> Result<Vec<(String, Given)>, String> {
        let mut given: Vec<(String, Given)> = match &self.params {
            None => Vec::new(),
            Some(from) => {
                let mut text = String::new();
                let read = if from == "-" {
                    std::io::stdin().lock().read_to_string(&mut text).map(|_| ())
                } else {
                    std::fs::read_to_string(from).map(|read| text = read)
                };
                read.map_err(|error| format!("--params {from} cannot be read: {error}"))?;
                let object: Map<String, Value> = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
                    let what = if is_too_deep(&error) {
                        format!("is nested deeper than {DEPTH_LIMIT} levels; that is the limit")
                    } else {
                        "is not a JSON object".into()
                    };
                    format!("--params {from} {what} (line {}, column {})", error.line(), error.column())
                })?;
                object.into_iter().map(|(name, value)| (name, Given::Json(value))).collect()
            }
        };
        for (at, pair) in self.pairs.iter().enumerate() {
            let (name, value) = pair.split_once('=').ok_or_else(|| format!("{pair} is not NAME=VALUE"))?;
            // Which of two is meant is not ours to guess.
            if self.pairs[..at].iter().any(|earlier| earlier.split_once('=').is_some_and(|(known, _)| known == name)) {
                return Err(format!("{name} is given twice; where it takes several values, they are one list: {name}=a,b"));
            }
            given.retain(|(known, _)| known != name);
            given.push((name.to_owned(), Given::Text(value.to_owned())));
        }
        Ok(given)
    }

    /// What the event knows of the command's parameters, where nothing was given.
    async fn what_event_knows(&self, runner: &Runner, id: i64, given: &[(String, Given)]) -> Result<Vec<(String, Value, String)>, String> {
        let event = runner.store().event(id).await.map_err(|error| error.to_string())?.ok_or_else(|| format!("There is no event {id}."))?;
        let Some(opened) = runner.connection(&self.connection) else { return Ok(Vec::new()) };
        let Some(command) = opened.entry.command(&self.name) else { return Ok(Vec::new()) };
        let mut filled = prefilled(command, opened.vendor.id, &[event]);
        filled.retain(|(name, _, _)| !given.iter().any(|(known, _)| known == name));
        Ok(filled)
    }

    fn secrets_on_the_command_line(&self, command: &Command) -> Vec<&str> {
        let given = self.pairs.iter().filter_map(|pair| pair.split_once('=')).filter(|(_, value)| !value.is_empty());
        given.map(|(name, _)| name).filter(|name| named(&command.parameters, name).is_some_and(|parameter| parameter.secret)).collect()
    }

    /// The connection's vendor, where the configuration still tells it.
    fn vendor(&self, context: &Context) -> Option<Vendor> {
        crate::vendor::find(&crate::config::connections::vendor_of(&context.paths, &self.connection)?)
    }

    /// The command as its vendor has it for any connection.
    fn sample(&self, context: &Context) -> Option<Command> {
        self.vendor(context)?.sample()?.command(&self.name).cloned()
    }

    /// A report of a call that could not even begin.
    fn refused(&self, context: &Context, command: Option<&Command>, reasons: &[String], status_code: Option<u16>) -> RunReport {
        let vendor = self.vendor(context);
        let indicator = command.map_or("Run failed.", |command| command.indicator.as_str());
        let failures = reasons.iter().map(|reason| Failure { status_code, ..Failure::new(indicator, reason.clone()) }).collect();
        RunReport::refused(&self.connection, vendor.map(|vendor| vendor.id), &self.name, command, failures)
    }
}

/// Whether JSON was not read to its end because of its depth; there is no kind of error for that.
fn is_too_deep(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("recursion limit exceeded")
}

/// Prints the report of a call whose arguments could not even be read.
pub(super) fn misread(context: &Context, connection: String, name: String, reason: &str) {
    let run =
        Run { connection, name, pairs: Vec::new(), params: None, dry_run: false, yes: false, save_dir: None, timeout: None, event: None };
    if context.output.is_json() {
        print(context.output, &run.refused(context, run.sample(context).as_ref(), &[reason.to_owned()], None), &[]);
    }
}

/// Asks before something destructive, where somebody can answer.
fn confirmed(prepared: &Prepared) -> Result<(), String> {
    let what = format!("{} on {}", prepared.command.title, prepared.opened.connection.name);
    if !std::io::stdin().is_terminal() {
        return Err(format!("{what} is destructive; confirm it with --yes. Nothing was sent."));
    }
    let arguments = Value::from(prepared.arguments.masked());
    if confirm(&format!("{what} is destructive and cannot be undone.\n{arguments}\nGo on? [y/N]")) {
        Ok(())
    } else {
        Err(format!("{what} was not confirmed. Nothing was sent."))
    }
}

/// Prints a report. Only JSON shows the fields that the catalogue calls secret.
pub(super) fn print(output: Output, report: &RunReport, secret_fields: &[String]) {
    if output.is_json() {
        output.json(&report.json());
        return;
    }
    let outcome = &report.outcome;
    if let Some(requests) = &report.requests {
        requests.iter().enumerate().for_each(|(at, request)| print_request(output, at + 1, request));
        output.line(&outcome.message);
        return;
    }
    output.line(&format!("{}  {} {}", outcome.return_data.as_str(), report.connection, report.command));
    // A message may have several lines; what a vendor said within it stays on one.
    let told = outcome.errors.iter().map(|failure| failure.message.as_str()).filter(|text| text.contains(['\n', '\r']));
    let message = told.fold(outcome.message.clone(), |message, text| message.replace(text, visible(text).as_ref()));
    message.lines().for_each(|line| output.line(line));
    for item in &outcome.result {
        output.line(&format!("{}: {}", item.name, cell(&item.value)));
    }
    let mut raw = outcome.raw_data.clone();
    mask_fields(&mut raw, secret_fields);
    if let Some((columns, rows)) = records(&raw) {
        print_records(output, &columns, rows);
    } else if !raw.is_null() {
        output.line(&raw.to_string());
    }
    for attachment in &outcome.attachments {
        let password = if attachment.encrypted { ", password: infected; open with 7z" } else { "" };
        output.line(&format!("saved {} ({} bytes, sha256 {}{password})", attachment.path, attachment.size, attachment.sha256));
    }
    for failure in &outcome.errors {
        output.line(&failure_line(failure));
    }
}

fn print_request(output: Output, number: usize, request: &Value) {
    let get = |name: &str| request.get(name).unwrap_or(&Value::Null);
    output.line(&format!("{number}. {} {}", cell(get("method")), cell(get("url"))));
    for (name, value) in get("headers").as_object().into_iter().flatten() {
        output.line(&format!("   {name}: {}", cell(value)));
    }
    if !get("body").is_null() {
        output.line(&format!("   {}", cell(get("body"))));
    }
}

/// A failure on one line.
pub(super) fn failure_line(failure: &Failure) -> String {
    let mut line = failure.failure_indicator.clone();
    if let Some(item) = &failure.item {
        let _ = write!(line, " {item}:");
    }
    if let Some(code) = failure.status_code {
        let _ = write!(line, " Status Code: {code}.");
    }
    let _ = write!(line, " Message: {}", failure.message);
    if let Some(id) = &failure.request_id {
        let _ = write!(line, " (request {id})");
    }
    if let Some(hint) = &failure.hint {
        let _ = write!(line, " {hint}");
    }
    line
}

/// The first list of objects in an answer that make a table.
fn records(value: &Value) -> Option<(Vec<&str>, &Vec<Value>)> {
    match value {
        Value::Array(items) => Some((columns(items), items)).filter(|(columns, _)| !columns.is_empty()),
        Value::Object(object) => object.values().find_map(records),
        _ => None,
    }
}

/// The members of records that fit into a cell, as many as fit beside each other.
fn columns(rows: &[Value]) -> Vec<&str> {
    let mut columns: Vec<&str> = Vec::new();
    for row in rows.iter().take(20).filter_map(Value::as_object) {
        for (name, value) in row {
            let nested = value.is_object() || value.is_array();
            if !nested && !columns.contains(&name.as_str()) && columns.len() < 7 {
                columns.push(name);
            }
        }
    }
    columns
}

fn print_records(output: Output, columns: &[&str], rows: &[Value]) {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|name| cell(row.get(*name).unwrap_or(&Value::Null))).collect()).collect();
    output.table(columns, &cells);
}
