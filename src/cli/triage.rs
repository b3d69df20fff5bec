//! The command-line twins of triage: `event`, `entities`, `case`, `export`, `report handover`.

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::output::complain;
use super::{WRONG_CALL, write_back};
use crate::core::entity::EntityKind;
use crate::core::event::{Disposition, Status};
use crate::core::export::{self, Format};
use crate::core::listing::Listed;
use crate::core::query::Query;
use crate::core::same_file::Digest;
use crate::runtime::cases;
use crate::runtime::report;
use crate::runtime::run::actor;
use crate::runtime::store::{Decision, Store, StoreError};

/// Verbs of `nightdesk event`.
#[derive(Debug, Subcommand)]
pub enum Event {
    /// Print events whole
    Show {
        /// Their numbers
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Take events: assign them to yourself and set them in progress
    Take {
        #[command(flatten)]
        decide: Decide,
        #[command(flatten)]
        tell: Tell,
    },
    /// Set the status of events
    Status {
        /// new, in_progress or closed
        status: String,
        #[command(flatten)]
        decide: Decide,
        #[command(flatten)]
        tell: Tell,
    },
    /// Close events with a disposition
    Close {
        #[command(flatten)]
        decide: Decide,
        /// true_positive, false_positive, benign, duplicate or undetermined
        #[arg(long)]
        disposition: String,
        /// Why
        #[arg(long)]
        note: Option<String>,
        #[command(flatten)]
        tell: Tell,
    },
    /// Write a note on events
    Note {
        #[command(flatten)]
        decide: Decide,
        /// What it says
        #[arg(long)]
        text: String,
    },
}

/// Which events, and whether for real.
#[derive(Debug, Args)]
pub struct Decide {
    /// Their numbers
    #[arg(required = true)]
    pub(super) ids: Vec<i64>,
    /// Say what would change and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Whether the vendor is told too.
#[derive(Clone, Copy, Debug, Args)]
pub struct Tell {
    /// Set the vendor's own status too, where that can be done; needs --yes where it cannot be undone
    #[arg(long)]
    write_back: bool,
    /// Confirm a write-back that cannot be undone
    #[arg(long)]
    pub(super) yes: bool,
}

impl Event {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let store = match context.store() {
            Ok(store) => store,
            Err(cannot) => return cannot.say(),
        };
        let untold = Tell { write_back: false, yes: false };
        let (decide, decision, tell) = match self {
            Self::Show { ids } => return show(context, &store, &ids).await,
            Self::Take { decide, tell } => {
                (decide, Decision { status: Some(Status::InProgress), assignee: Some(Some(actor())), ..Decision::default() }, tell)
            }
            Self::Status { status, decide, tell } => match Status::parse(&status) {
                Some(status) => (decide, Decision { status: Some(status), ..Decision::default() }, tell),
                None => return wrong(&format!("{status} is not a status; there are new, in_progress, closed")),
            },
            Self::Close { decide, disposition, note, tell } => match Disposition::parse(&disposition) {
                Some(verdict) => {
                    let note = note.filter(|note| !note.is_empty());
                    (decide, Decision { status: Some(Status::Closed), disposition: Some(Some(verdict)), note, ..Decision::default() }, tell)
                }
                None => {
                    let known: Vec<_> = Disposition::ALL.iter().map(|(name, _, _)| *name).collect();
                    return wrong(&format!("{disposition} is not a disposition; there are {}", known.join(", ")));
                }
            },
            Self::Note { decide, text } => (decide, Decision { note: Some(text), ..Decision::default() }, untold),
        };
        let decision = Decision { actor: actor(), ..decision };
        if tell.write_back {
            return write_back::decide(context, &decide, decision, tell.yes).await;
        }
        let done = if decide.dry_run {
            present(&store, &decide.ids).await
        } else {
            store.decide(decide.ids.clone(), decision, Timestamp::now()).await.map(|before| before.into_iter().map(|was| was.id).collect())
        };
        match done {
            Ok(done) => {
                let missing: Vec<i64> = decide.ids.iter().filter(|id| !done.contains(id)).copied().collect();
                missing.iter().for_each(|id| complain(&format!("there is no event {id}")));
                let rows: Vec<Value> = done.iter().map(|id| json!({"id": id, "done": !decide.dry_run})).collect();
                context.output.rows(&rows, &[("EVENT", "id"), ("DONE", "done")]);
                match (done.is_empty(), missing.is_empty()) {
                    (true, _) => 1,
                    (false, true) => 0,
                    (false, false) => 3,
                }
            }
            Err(error) => failed(&error),
        }
    }
}

async fn present(store: &Store, ids: &[i64]) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    for id in ids {
        if store.event(*id).await?.is_some() {
            found.push(*id);
        }
    }
    Ok(found)
}

async fn show(context: &Context, store: &Store, ids: &[i64]) -> u8 {
    let (mut found, mut missing) = (0, 0);
    for id in ids {
        match store.event(*id).await {
            Ok(Some(event)) => {
                found += 1;
                if context.output.is_json() {
                    context.output.json(&export::line(&event));
                } else {
                    export::export(&[event], Format::Markdown).lines().skip(2).for_each(|line| context.output.line(line));
                }
            }
            Ok(None) => {
                missing += 1;
                complain(&format!("there is no event {id}"));
            }
            Err(error) => return failed(&error),
        }
    }
    match (found, missing) {
        (0, _) => 1,
        (_, 0) => 0,
        _ => 3,
    }
}

/// Arguments of `nightdesk entities`.
#[derive(Debug, Args)]
pub struct Entities {
    /// ip, host, device, user, mail, hash, domain, url, file, cve, cloud_resource or tenant_object
    kind: String,
    /// Its value, in any vendor's spelling
    value: String,
}

impl Entities {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let Some(kind) = EntityKind::parse(&self.kind) else {
            let known: Vec<_> = EntityKind::ALL.iter().map(|(name, _)| *name).collect();
            return wrong(&format!("{} is not a kind of entity; there are {}", self.kind, known.join(", ")));
        };
        let store = match context.store() {
            Ok(store) => store,
            Err(cannot) => return cannot.say(),
        };
        match store.pivot(kind, &self.value).await {
            Ok(pivot) => {
                let shares: Vec<Value> = pivot
                    .per_vendor
                    .iter()
                    .map(|share| json!({"vendor": share.vendor, "events": share.count, "first_seen_at": share.first, "last_seen_at": share.last}))
                    .collect();
                let digest = |value: &str| (kind == EntityKind::Hash).then(|| Digest::of(value)).flatten();
                let spelt: Vec<Value> = pivot
                    .spelt
                    .iter()
                    .map(|spelt| json!({"vendor": spelt.vendor, "value": spelt.value, "digest": digest(&spelt.value), "events": spelt.count}))
                    .collect();
                let same = &pivot.same_file;
                if context.output.is_json() {
                    let events: Vec<i64> = pivot.rows.iter().map(|row| row.id).collect();
                    context.output.json(&json!({"kind": kind, "value": self.value, "vendors": shares, "events": events,
                        "spellings": spelt, "same_file": same.others, "disputed": same.disputed}));
                } else {
                    same.others.iter().for_each(|other| {
                        let told = other.told_by.join(", ");
                        context.output.line(&format!("The same file: {} {}, as {told} tells.", other.digest.as_str(), other.value));
                    });
                    same.disputed.iter().for_each(|digest| {
                        context.output.line(&format!("More than one {} is told of it: none is followed.", digest.as_str()));
                    });
                    context
                        .output
                        .rows(&shares, &[("VENDOR", "vendor"), ("EVENTS", "events"), ("FIRST", "first_seen_at"), ("LAST", "last_seen_at")]);
                    context.output.rows(&spelt, &[("VENDOR", "vendor"), ("SPELT", "value"), ("EVENTS", "events")]);
                    context.output.rows(&pivot.rows.iter().map(row).collect::<Vec<_>>(), &ROW);
                }
                0
            }
            Err(error) => failed(&error),
        }
    }
}

const ROW: [(&str, &str); 6] =
    [("ID", "id"), ("SEVERITY", "severity"), ("STATUS", "status"), ("OCCURRED", "occurred_at"), ("VENDOR", "vendor"), ("TITLE", "title")];

fn row(row: &Listed) -> Value {
    json!({"id": row.id, "severity": row.severity, "status": row.status, "occurred_at": row.occurred_at, "vendor": row.vendor, "title": row.title})
}

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
        #[arg(long)]
        name: Option<String>,
    },
    /// Put events into a case
    Add {
        /// Its name
        name: String,
        /// The events
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Take events out of a case
    Remove {
        /// Its name
        name: String,
        /// The events
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Write a note into a case
    Note {
        /// Its name
        name: String,
        /// What it says
        text: String,
    },
    /// Close a case
    Close {
        /// Its name
        name: String,
    },
    /// Open a closed case again
    Reopen {
        /// Its name
        name: String,
    },
    /// Put a file into a case: archived in the quarantine, with its SHA-256
    File {
        /// Its name
        name: String,
        /// The file
        path: std::path::PathBuf,
    },
    /// Write a case: in Markdown all that belongs to it, in the other formats its events
    Export {
        /// Its name
        name: String,
        /// The format
        #[arg(long, value_enum, default_value = "markdown")]
        format: FormatName,
    },
}

impl Case {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let store = match context.store() {
            Ok(store) => store,
            Err(cannot) => return cannot.say(),
        };
        match self.act(context, &store).await {
            Ok(code) => code,
            Err(error) => failed(&error),
        }
    }

    async fn act(self, context: &Context, store: &Store) -> Result<u8, StoreError> {
        let (now, actor) = (Timestamp::now(), actor());
        match self {
            Self::List => {
                let columns = [("CASE", "name"), ("TITLE", "title"), ("OPEN", "open"), ("EVENTS", "events"), ("OPENED", "opened_at")];
                let rows: Vec<Value> = store.case_list().await?.iter().map(case).collect();
                context.output.rows(&rows, &columns);
            }
            Self::Show { name } => match store.case_show(&name).await? {
                Some(whole) => {
                    let timeline: Vec<Value> =
                        whole.entries.iter().map(|entry| json!({"time": entry.time, "actor": entry.actor, "text": entry.text})).collect();
                    let events: Vec<Value> = whole.events.iter().map(row).collect();
                    let files: Vec<Value> =
                        whole.files.iter().map(|file| json!({"path": file.path, "sha256": file.sha256, "size": file.size})).collect();
                    if context.output.is_json() {
                        let mut line = case(&whole.case);
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
                None => return Ok(wrong(&format!("there is no case {name}"))),
            },
            Self::Create { title, name } => {
                let name = store.case_create(name.as_deref(), &title, &actor, now).await?;
                context.output.rows(&[json!({"name": name, "title": title})], &[("CASE", "name"), ("TITLE", "title")]);
            }
            Self::Add { name, ids } => {
                let done = store.case_add(&name, ids, &actor, now).await?;
                context.output.rows(&[json!({"name": name, "events": done})], &[("CASE", "name"), ("ADDED", "events")]);
            }
            Self::Remove { name, ids } => {
                let done = store.case_remove(&name, ids, &actor, now).await?;
                context.output.rows(&[json!({"name": name, "events": done})], &[("CASE", "name"), ("REMOVED", "events")]);
            }
            Self::Note { name, text } => store.case_note(&name, &text, &actor, now).await?,
            Self::Close { name } => store.case_close(&name, true, &actor, now).await?,
            Self::Reopen { name } => store.case_close(&name, false, &actor, now).await?,
            Self::File { name, path } => match cases::add_file(store, &context.paths.quarantine(), &name, &path, &actor).await {
                Ok(added) => {
                    let line = json!({"name": name, "path": added.path, "sha256": added.sha256, "size": added.size});
                    context.output.rows(&[line], &[("CASE", "name"), ("FILE", "path"), ("SHA256", "sha256"), ("SIZE", "size")]);
                }
                Err(message) => return Ok(wrong(&message)),
            },
            Self::Export { name, format } => match cases::export(store, &name, format.format()).await {
                Ok(text) => context.output.bytes(text.as_bytes()),
                Err(message) => return Ok(wrong(&message)),
            },
        }
        Ok(0)
    }
}

fn case(case: &crate::core::case::Case) -> Value {
    json!({"name": case.name, "title": case.title, "open": case.open, "opened_at": case.opened_at, "closed_at": case.closed_at, "events": case.events})
}

/// Formats as the command line spells them.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FormatName {
    /// One event a line.
    Jsonl,
    /// A table whose cells are no formulas.
    Csv,
    /// A page to read.
    Markdown,
    /// OCSF Detection Findings.
    Ocsf,
}

impl FormatName {
    fn format(self) -> Format {
        match self {
            Self::Jsonl => Format::Jsonl,
            Self::Csv => Format::Csv,
            Self::Markdown => Format::Markdown,
            Self::Ocsf => Format::Ocsf,
        }
    }
}

/// Arguments of `nightdesk export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Which events, as a query; `case:NAME` for those of a case
    query: Vec<String>,
    /// The format
    #[arg(long, value_enum, default_value = "jsonl")]
    format: FormatName,
}

impl Export {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let query = match Query::parse(&self.query.join(" ")) {
            Ok(query) => query,
            Err(error) => return wrong(&error.to_string()),
        };
        let store = match context.store() {
            Ok(store) => store,
            Err(cannot) => return cannot.say(),
        };
        let format = self.format.format();
        match store.events(&query, None, 0, Timestamp::now()).await {
            Ok(events) => {
                context.output.bytes(export::export(&events, format).as_bytes());
                0
            }
            Err(error) => failed(&error),
        }
    }
}

/// Verbs of `nightdesk report`.
#[derive(Debug, Subcommand)]
pub enum Report {
    /// The shift hand-over, as Markdown unless `--output json` is asked for: open items, actions, how they ended and whether they were taken
    /// back, gaps, head of the record
    Handover {
        /// How far back the shift goes (8h, 1d)
        #[arg(long, default_value = "8h")]
        since: String,
    },
}

impl Report {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let Self::Handover { since } = self;
        let now = Timestamp::now();
        let Some(from) = crate::core::query::age_bound(&since, now) else { return wrong(&format!("{since} is not a span; give 8h or 1d")) };
        let runner = match context.runner_of_usable() {
            Ok(runner) => runner,
            Err(cannot) => return cannot.say(),
        };
        match report::handover(&runner, from, now).await {
            Ok(handover) if context.output.json_asked => context.output.json(&json!(handover)),
            Ok(handover) => context.output.bytes(handover.markdown().as_bytes()),
            Err(error) => return failed(&error),
        }
        0
    }
}

fn wrong(reason: &str) -> u8 {
    complain(reason);
    WRONG_CALL
}

fn failed(error: &StoreError) -> u8 {
    complain(&error.to_string());
    1
}
