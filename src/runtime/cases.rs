//! Cases as the console and the command line use them: read whole, changed, given files, written out.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::attachment::Quarantine;
use super::run::Runner;
use super::store::{HappenedKind, Store};
use crate::core::case::{self, Dossier, Moment, NOTE, Ran};
use crate::core::console::effect::CaseChange;
use crate::core::export::Format;
use crate::core::outcome::{Attachment, UNKNOWN};
use crate::core::query::{Query, quoted};
use crate::core::request::Sink;

/// A case with all that belongs to it.
///
/// # Errors
/// When there is no such case, or the store failed.
pub async fn dossier(store: &Store, name: &str) -> Result<Dossier, String> {
    let whole =
        store.case_show(name).await.map_err(|error| error.to_string())?.ok_or_else(|| format!("There is no case {name} any more."))?;
    let told = whole.entries.into_iter().map(|one| Moment {
        time: one.time,
        kind: match one.kind {
            HappenedKind::Arrived => "event",
            HappenedKind::Revised => "revision",
            HappenedKind::Note => NOTE,
            HappenedKind::Recorded => "record",
        },
        actor: one.actor,
        text: one.text,
    });
    let events = whole.events.iter().map(|row| Moment {
        time: row.occurred_at,
        kind: "event",
        actor: String::new(),
        text: format!("{}: {}", row.connection, row.title),
    });
    let mut timeline: Vec<Moment> = told.chain(events).collect();
    timeline.sort_by_key(|moment| moment.time);
    let runs = whole.runs.into_iter().rev().map(|entry| Ran {
        seq: entry.seq,
        time: entry.time,
        actor: entry.actor,
        connection: entry.connection.unwrap_or_default(),
        command: entry.command,
        state: Some(entry.state).filter(|state| state != "intent" && state != UNKNOWN),
        items: entry.items,
        arguments: entry.arguments,
        outcome: entry.detail,
    });
    let runs = runs.collect();
    Ok(Dossier { case: whole.case, events: whole.events, timeline, runs, files: whole.files })
}

/// Changes a case; says what was done.
///
/// # Errors
/// When the file cannot be read, there is no such case, or the store failed.
pub async fn change(runner: &Runner, name: &str, change: &CaseChange) -> Result<String, String> {
    let (store, actor, now) = (runner.store(), runner.actor(), Timestamp::now());
    match change {
        CaseChange::Open(title) => {
            let name = store.case_create(None, title, actor, now).await.map_err(|error| error.to_string())?;
            Ok(format!("Case {name} opened"))
        }
        CaseChange::Note(note) => {
            store.case_note(name, note, actor, now).await.map_err(|error| error.to_string())?;
            Ok(format!("Note written on case {name}"))
        }
        CaseChange::Close | CaseChange::Reopen => {
            let closed = *change == CaseChange::Close;
            store.case_close(name, closed, actor, now).await.map_err(|error| error.to_string())?;
            Ok(format!("Case {name} {}", if closed { "closed" } else { "opened again" }))
        }
        CaseChange::Remove(ids) => {
            let removed = store.case_remove(name, ids.clone(), actor, now).await.map_err(|error| error.to_string())?;
            Ok(format!("{} event(s) taken out of case {name}", removed.len()))
        }
        CaseChange::File(path) => {
            let added = add_file(store, &runner.paths().quarantine(), name, Path::new(path), actor).await?;
            Ok(format!("{path} put into case {name} as {}, SHA-256 {}", added.path, added.sha256))
        }
    }
}

/// Puts a file into a case: into an archive in the quarantine, with its sum on the case.
///
/// # Errors
/// When the file cannot be read or archived, there is no such case, or the store failed.
pub async fn add_file(store: &Store, quarantine: &Path, name: &str, path: &Path, actor: &str) -> Result<Attachment, String> {
    // Looked up first: an archive of no case would be left over.
    store
        .case_show(name)
        .await
        .map_err(|error| error.to_string())?
        .ok_or_else(|| format!("there is no case {name}; look at the list of cases, or open one"))?;
    let (dir, source) = (quarantine.to_owned(), at_home(path));
    let archived = tokio::task::spawn_blocking(move || archive(dir, &source)).await.map_err(|error| error.to_string())??;
    store
        .case_file(name, &archived.path, &archived.sha256, archived.size, actor, Timestamp::now())
        .await
        .map_err(|error| error.to_string())?;
    Ok(archived)
}

fn archive(dir: PathBuf, source: &Path) -> Result<Attachment, String> {
    let fail = |error: io::Error| format!("{}: {error}", source.display());
    let mut file = std::fs::File::open(source).map_err(fail)?;
    if !file.metadata().map_err(fail)?.is_file() {
        return Err(format!("{} is no file", source.display()));
    }
    let mut archive = Quarantine { dir }.begin(&Sink { password: true, legacy: false, only_success: false })?;
    io::copy(&mut file, &mut archive).map_err(fail)?;
    archive.finish()
}

/// A path with its `~` filled in.
fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => path.to_owned(),
    }
}

/// A case in a format, ready to be written.
///
/// # Errors
/// When there is no such case, or the store failed.
pub async fn export(store: &Store, name: &str, format: Format) -> Result<String, String> {
    let dossier = dossier(store, name).await?;
    let query = Query::parse(&format!("case:={}", quoted(name))).map_err(|error| error.to_string())?;
    let events = store.events(&query, None, 0, Timestamp::now()).await.map_err(|error| error.to_string())?;
    Ok(case::export(&dossier, &events, format))
}
