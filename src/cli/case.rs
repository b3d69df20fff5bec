//! `nightdesk case`: events that belong together, and all that was done on them.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::named;
use super::output::complain;
use super::triage::{FormatName, ROW, failed, row, wrong};
use crate::core::case::Case as Stored;
use crate::core::export::Format;
use crate::runtime::cases;
use crate::runtime::run::actor;
use crate::runtime::store::{Store, StoreError, WholeCase};

/// Verbs of `nightdesk case`.
#[derive(Debug, Subcommand)]
pub enum Case {
    /// List the cases
    List,
    /// Print a case: events, files, timeline
    Show {
        /// Its name
        name: String,
    },
    /// Open a case
    Create {
        /// What it is about
        title: String,
        /// Its name (default: the next number)
        #[arg(long, value_parser = named)]
        name: Option<String>,
        #[command(flatten)]
        only: Only,
    },
    /// Put events into a case; one that is not there is opened
    Add {
        /// Its name
        name: String,
        /// The events
        #[arg(required = true)]
        ids: Vec<i64>,
        #[command(flatten)]
        only: Only,
    },
    /// Take events out of a case
    Remove {
        /// Its name
        name: String,
        /// The events
        #[arg(required = true)]
        ids: Vec<i64>,
        #[command(flatten)]
        only: Only,
    },
    /// Write a note into a case
    Note {
        /// Its name
        name: String,
        /// What it says
        text: String,
        #[command(flatten)]
        only: Only,
    },
    /// Close a case
    Close {
        /// Its name
        name: String,
        #[command(flatten)]
        only: Only,
    },
    /// Open a closed case again
    Reopen {
        /// Its name
        name: String,
        #[command(flatten)]
        only: Only,
    },
    /// Put a file into a case: archived in the quarantine, with its SHA-256
    File {
        /// Its name
        name: String,
        /// The file
        path: std::path::PathBuf,
        #[command(flatten)]
        only: Only,
    },
    /// Write a case: in Markdown all that belongs to it, in the other formats its events
    Export {
        /// Its name
        name: String,
        /// The format (default: markdown; jsonl where `--output json` is asked for)
        #[arg(long, value_enum)]
        format: Option<FormatName>,
    },
}

/// Whether for real.
#[derive(Clone, Copy, Debug, Args)]
pub struct Only {
    /// Say what would change and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What every change of a case needs.
struct Desk<'a> {
    context: &'a Context,
    store: &'a Store,
    actor: String,
    now: Timestamp,
}

impl Case {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let store = match context.store() {
            Ok(store) => store,
            Err(cannot) => return cannot.say(),
        };
        let desk = Desk { context, store: &store, actor: actor(), now: Timestamp::now() };
        match self.act(&desk).await {
            Ok(code) => code,
            // The call names what is not there, or what is there already.
            Err(error @ (StoreError::NoCase(_) | StoreError::Taken(_))) => wrong(&error.to_string()),
            Err(error) => failed(&error),
        }
    }

    async fn act(self, desk: &Desk<'_>) -> Result<u8, StoreError> {
        let Desk { context, store, actor, now } = desk;
        match self {
            Self::List => {
                let columns = [("CASE", "name"), ("TITLE", "title"), ("OPEN", "open"), ("EVENTS", "events"), ("OPENED", "opened_at")];
                let rows: Vec<Value> = store.case_list().await?.iter().map(line).collect();
                context.output.rows(&rows, &columns);
                Ok(0)
            }
            Self::Show { name } => {
                let whole = desk.whole(&name).await?;
                show(context, &whole);
                Ok(0)
            }
            Self::Create { title, name, only } => {
                if let Some(name) = &name
                    && store.case_show(name).await?.is_some()
                {
                    return Err(StoreError::Taken(name.clone()));
                }
                let name = if only.dry_run { name } else { Some(store.case_create(name.as_deref(), &title, actor, *now).await?) };
                let row = json!({"name": name, "title": title, "done": !only.dry_run});
                context.output.rows(&[row], &[("CASE", "name"), ("TITLE", "title"), ("DONE", "done")]);
                Ok(0)
            }
            Self::Add { name, ids, only } => desk.add(&name, ids, only).await,
            Self::Remove { name, ids, only } => desk.remove(&name, ids, only).await,
            Self::Note { name, text, only } => {
                if text.trim().is_empty() {
                    return Ok(wrong("a note says something; give its text"));
                }
                desk.whole(&name).await?;
                if !only.dry_run {
                    store.case_note(&name, &text, actor, *now).await?;
                }
                Ok(desk.done(&name, only))
            }
            Self::Close { name, only } => desk.close(&name, true, only).await,
            Self::Reopen { name, only } => desk.close(&name, false, only).await,
            Self::File { name, path, only } => {
                desk.whole(&name).await?;
                if only.dry_run {
                    return match std::fs::metadata(&path) {
                        Ok(_) => Ok(desk.done(&name, only)),
                        Err(error) => Ok(wrong(&format!("{}: {error}", path.display()))),
                    };
                }
                match cases::add_file(store, &context.paths.quarantine(), &name, &path, actor).await {
                    Ok(added) => {
                        let line = json!({"name": name, "path": added.path, "sha256": added.sha256, "size": added.size, "done": true});
                        context.output.rows(&[line], &[("CASE", "name"), ("FILE", "path"), ("SHA256", "sha256"), ("SIZE", "size")]);
                        Ok(0)
                    }
                    Err(message) => Ok(wrong(&message)),
                }
            }
            Self::Export { name, format } => {
                let fitting = if context.output.json_asked { Format::Jsonl } else { Format::Markdown };
                match cases::export(store, &name, format.map_or(fitting, FormatName::format)).await {
                    Ok(text) => {
                        context.output.bytes(text.as_bytes());
                        Ok(0)
                    }
                    Err(message) => Ok(wrong(&message)),
                }
            }
        }
    }
}

impl Desk<'_> {
    async fn whole(&self, name: &str) -> Result<WholeCase, StoreError> {
        self.store.case_show(name).await?.ok_or_else(|| StoreError::NoCase(name.to_owned()))
    }

    fn done(&self, name: &str, only: Only) -> u8 {
        self.context.output.rows(&[json!({"name": name, "done": !only.dry_run})], &[("CASE", "name"), ("DONE", "done")]);
        0
    }

    async fn close(&self, name: &str, closed: bool, only: Only) -> Result<u8, StoreError> {
        self.whole(name).await?;
        if !only.dry_run {
            self.store.case_close(name, closed, &self.actor, self.now).await?;
        }
        Ok(self.done(name, only))
    }

    /// Puts events in. What is in already is no complaint; what does not exist is.
    async fn add(&self, name: &str, ids: Vec<i64>, only: Only) -> Result<u8, StoreError> {
        let here: Vec<i64> = self.store.events_of(ids.clone()).await?.into_iter().map(|event| event.id).collect();
        let missing: Vec<i64> = ids.iter().filter(|id| !here.contains(id)).copied().collect();
        missing.iter().for_each(|id| complain(&format!("there is no event {id}")));
        if here.is_empty() {
            return Ok(1);
        }
        let case = self.store.case_show(name).await?;
        let within = |id: &i64| case.as_ref().is_some_and(|whole| whole.events.iter().any(|row| row.id == *id));
        let added = if only.dry_run {
            here.into_iter().filter(|id| !within(id)).collect()
        } else {
            self.store.case_add(name, here, &self.actor, self.now).await?
        };
        if case.is_none() {
            complain(&format!("there was no case {name}; it {} opened", if only.dry_run { "would be" } else { "was" }));
        }
        let row = json!({"name": name, "events": added, "opened": case.is_none(), "done": !only.dry_run});
        self.context.output.rows(&[row], &[("CASE", "name"), ("ADDED", "events"), ("DONE", "done")]);
        Ok(if missing.is_empty() { 0 } else { 3 })
    }

    async fn remove(&self, name: &str, ids: Vec<i64>, only: Only) -> Result<u8, StoreError> {
        let whole = self.whole(name).await?;
        let (within, missing): (Vec<i64>, Vec<i64>) = ids.into_iter().partition(|id| whole.events.iter().any(|row| row.id == *id));
        missing.iter().for_each(|id| complain(&format!("event {id} is not in case {name}")));
        if within.is_empty() {
            return Ok(1);
        }
        let removed = if only.dry_run { within } else { self.store.case_remove(name, within, &self.actor, self.now).await? };
        let row = json!({"name": name, "events": removed, "done": !only.dry_run});
        self.context.output.rows(&[row], &[("CASE", "name"), ("REMOVED", "events"), ("DONE", "done")]);
        Ok(if missing.is_empty() { 0 } else { 3 })
    }
}

fn show(context: &Context, whole: &WholeCase) {
    let timeline: Vec<Value> =
        whole.entries.iter().map(|entry| json!({"time": entry.time, "actor": entry.actor, "text": entry.text})).collect();
    let events: Vec<Value> = whole.events.iter().map(row).collect();
    let files: Vec<Value> = whole.files.iter().map(|file| json!({"path": file.path, "sha256": file.sha256, "size": file.size})).collect();
    if context.output.is_json() {
        let mut line = line(&whole.case);
        line["events"] = events.into();
        line["files"] = files.into();
        line["timeline"] = timeline.into();
        context.output.json(&line);
    } else {
        context.output.line(&format!("{}  {}", whole.case.name, whole.case.title));
        context.output.rows(&events, &ROW);
        context.output.rows(&files, &[("FILE", "path"), ("SHA256", "sha256"), ("SIZE", "size")]);
        context.output.rows(&timeline, &[("TIME", "time"), ("WHO", "actor"), ("WHAT", "text")]);
    }
}

fn line(case: &Stored) -> Value {
    json!({"name": case.name, "title": case.title, "open": case.open, "opened_at": case.opened_at, "closed_at": case.closed_at, "events": case.events})
}
