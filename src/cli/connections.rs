//! `nightdesk connections`: list, test, add, edit, remove.

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::context::{Context, interruptible, read_secret};
use super::output::complain;
use super::{INTERRUPTED, WRONG_CALL, exit_code};
use crate::config::edit::{self, Change};
use crate::config::{Misconfigured, SecretRef, connections};
use crate::core::catalogue::Vendor;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::runtime::run::RunOptions;
use crate::vendor;

/// Verbs of `nightdesk connections`.
#[derive(Debug, Subcommand)]
pub enum Connections {
    /// List the connections and how they are
    List,
    /// Run each one's test command
    Test {
        /// The connections (default: all active ones)
        names: Vec<String>,
    },
    /// Add a connection to connections.toml
    Add {
        /// Its name: letters, digits, - and _
        name: String,
        /// Its vendor: azure-api, wiz, eset-protect-cloud, management-activity, lacework-edge, openapi
        #[arg(long)]
        vendor: String,
        #[command(flatten)]
        values: Values,
    },
    /// Change a connection in connections.toml
    Edit {
        /// Its name
        name: String,
        #[command(flatten)]
        values: Values,
    },
    /// Remove a connection from connections.toml
    Remove {
        /// Its name
        name: String,
    },
}

/// What to set.
#[derive(Debug, Args)]
pub struct Values {
    /// A parameter, one of the connection's own keys, or options.NAME
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where a secret parameter comes from; - reads it from stdin or a prompt into the vault
    #[arg(long, value_name = "KEY=env:X|file:P|vault:N|keyring:N|-")]
    secret: Vec<String>,
}

impl Connections {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        match self {
            Self::List => list(context).await,
            Self::Test { names } => test(context, names).await,
            Self::Add { name, vendor, values } => {
                let Some(vendor) = vendor::find(&vendor) else {
                    let known: Vec<_> = vendor::all().iter().map(|vendor| vendor.id).collect();
                    complain(&format!("{vendor} is not a vendor; there are {}", known.join(", ")));
                    return WRONG_CALL;
                };
                change(context, &name, Some(vendor), &values, |change| edit::add(&context.paths, &name, vendor, change))
            }
            Self::Edit { name, values } => {
                let vendor = connections::vendor_of(&context.paths, &name).and_then(|id| vendor::find(&id));
                change(context, &name, vendor, &values, |change| edit::edit(&context.paths, &name, &vendor::all(), change))
            }
            Self::Remove { name } => keep(context, edit::remove(&context.paths, &name)),
        }
    }
}

async fn list(context: &Context) -> u8 {
    let (connections, store) = match (context.connections(), context.store()) {
        (Ok(connections), Ok(store)) => (connections, store),
        (Err(cannot), _) | (_, Err(cannot)) => return cannot.say(),
    };
    let mut rows = Vec::new();
    for configured in connections.all {
        let connection = configured.connection;
        let health = store.health(&connection.name).await.unwrap_or_default();
        rows.push(json!({
            "name": connection.name, "vendor": connection.vendor, "active": connection.active,
            "last_success_at": health.last_success_at, "last_error": health.last_error, "consecutive_failures": health.consecutive_failures,
        }));
    }
    let columns = [
        ("NAME", "name"),
        ("VENDOR", "vendor"),
        ("ACTIVE", "active"),
        ("LAST SUCCESS", "last_success_at"),
        ("FAILURES", "consecutive_failures"),
        ("LAST ERROR", "last_error"),
    ];
    context.output.rows(&rows, &columns);
    0
}

async fn test(context: &Context, names: Vec<String>) -> u8 {
    let runner = match context.runner_of_usable() {
        Ok(runner) => runner,
        Err(cannot) => return cannot.say(),
    };
    let (bad, right): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|name| runner.misconfigured().iter().any(|one| one.name == *name));
    let chosen = match super::fetch::choose(&runner, &right) {
        Ok(_) if right.is_empty() && !bad.is_empty() => Vec::new(),
        Ok(chosen) => chosen,
        Err(reason) => {
            complain(&reason);
            return WRONG_CALL;
        }
    };
    let cancel = interruptible();
    let mut ended = Vec::new();
    for opened in chosen {
        let options = RunOptions { cancel: cancel.clone(), ..RunOptions::default() };
        let report = runner.test(&opened, options).await;
        ended.push((report.outcome.return_data, report.refused));
        tested(context, &report.connection, report.vendor.as_deref(), &report.outcome);
    }
    for one in runner.misconfigured() {
        one.problems.iter().for_each(|problem| complain(&format!("warning: {problem}")));
        if names.is_empty() || bad.contains(&one.name) {
            ended.push((ReturnData::Failed, true));
            misconfigured(context, one);
        }
    }
    match exit_code(&ended) {
        _ if cancel.is_cancelled() => INTERRUPTED,
        WRONG_CALL => WRONG_CALL,
        _ => u8::from(ended.iter().any(|(state, _)| *state == ReturnData::Failed)),
    }
}

fn tested(context: &Context, connection: &str, vendor: Option<&str>, outcome: &Outcome) {
    let row = json!({
        "connection": connection, "vendor": vendor, "return_data": outcome.return_data,
        "message": outcome.message, "errors": outcome.errors,
    });
    context.output.rows(&[row], &[("CONNECTION", "connection"), ("RETURN DATA", "return_data"), ("MESSAGE", "message")]);
}

/// A connection that is misconfigured has failed its test, in the words of its document.
fn misconfigured(context: &Context, one: &Misconfigured) {
    let entry = vendor::find(&one.vendor).and_then(|vendor| vendor.sample());
    let test = entry.as_ref().and_then(|entry| entry.command(&entry.test));
    let indicator = test.map_or("Test Connection failed.", |command| command.indicator.as_str());
    let failures =
        one.problems.iter().map(|problem| Failure { status_code: problem.status_code, ..Failure::new(indicator, problem.to_string()) });
    let mut outcome = Outcome::new(ReturnData::Failed).errors(failures.collect());
    outcome.message = outcome.errors.iter().map(|failure| failure.message.as_str()).collect::<Vec<_>>().join(" ");
    tested(context, &one.name, Some(&one.vendor), &outcome);
}

fn change(
    context: &Context,
    name: &str,
    vendor: Option<Vendor>,
    values: &Values,
    make: impl FnOnce(&Change) -> Result<String, crate::config::Problem>,
) -> u8 {
    match in_clear(vendor, values).map_or_else(|| changes(context, name, values), Err) {
        Ok(change) => keep(context, make(&change)),
        Err(reason) => {
            complain(&reason);
            WRONG_CALL
        }
    }
}

/// What is said where a secret itself was given.
fn in_clear(vendor: Option<Vendor>, values: &Values) -> Option<String> {
    let parameters = vendor.map(|vendor| (vendor.parameters)()).unwrap_or_default();
    let mut keys = values.set.iter().filter_map(|pair| pair.split_once('=')).map(|(key, _)| key);
    let key = keys.find(|key| parameters.iter().any(|parameter| parameter.secret && parameter.name == *key))?;
    Some(format!("{key} is secret, and a secret never stands on a command line; give --secret {key}=env:NAME, file:PATH, vault:NAME or -"))
}

fn changes(context: &Context, name: &str, values: &Values) -> Result<Change, String> {
    let pair = |text: &String| {
        text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| format!("{text} is not KEY=VALUE"))
    };
    let set = values.set.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    let mut secrets = Vec::new();
    for (key, from) in values.secret.iter().map(pair).collect::<Result<Vec<_>, _>>()? {
        let place = match SecretRef::place(&from) {
            _ if from == "-" => {
                let value = read_secret(&format!("{key} of {name}"))?;
                let entry = edit::vault_entry(name, &key);
                let vault = context.vault().map_err(|cannot| cannot.reasons.join(" "))?;
                vault.set_secret(&entry, Some(value.expose_secret())).map_err(|error| error.to_string())?;
                SecretRef::Vault(entry)
            }
            Some(place) => place,
            None => {
                return Err(format!(
                    "--secret {key}=… takes env:NAME, file:PATH, vault:NAME, keyring:NAME or -; a secret itself never stands on a command line"
                ));
            }
        };
        secrets.push((key, place));
    }
    Ok(Change { set, secrets })
}

/// Checks the new text as a whole and writes it only when it is right.
fn keep(context: &Context, text: Result<String, crate::config::Problem>) -> u8 {
    let problems = match text {
        Err(problem) => vec![problem],
        Ok(text) => match connections::parse(&context.paths.connections(), &text, &vendor::all()) {
            Err(problems) => problems,
            Ok(_) => match edit::write(&context.paths, &text) {
                Ok(()) => return 0,
                Err(problem) => vec![problem],
            },
        },
    };
    problems.iter().for_each(|problem| complain(&problem.to_string()));
    complain("connections.toml was left as it is.");
    WRONG_CALL
}

/// A connection as JSON, for the console's welcome and `config check`.
pub(super) fn names(connections: &crate::config::Connections) -> Value {
    connections.all.iter().map(|configured| Value::from(configured.connection.name.as_str())).collect()
}
