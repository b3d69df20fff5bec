//! The command-line twins of triage: `event`, `entities`, `export`, `report handover`.

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
            Self::Note { text, .. } if text.trim().is_empty() => return wrong("a note says something; give --text"),
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
        if self.value.trim().is_empty() {
            return wrong("an entity has a value; give one");
        }
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

pub(super) const ROW: [(&str, &str); 6] =
    [("ID", "id"), ("SEVERITY", "severity"), ("STATUS", "status"), ("OCCURRED", "occurred_at"), ("VENDOR", "vendor"), ("TITLE", "title")];

pub(super) fn row(row: &Listed) -> Value {
    json!({"id": row.id, "severity": row.severity, "status": row.status, "occurred_at": row.occurred_at, "vendor": row.vendor, "title": row.title})
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
    pub(super) fn format(self) -> Format {
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

pub(super) fn wrong(reason: &str) -> u8 {
    complain(reason);
    WRONG_CALL
}

pub(super) fn failed(error: &StoreError) -> u8 {
    complain(&error.to_string());
    1
}
