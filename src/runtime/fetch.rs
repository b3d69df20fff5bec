//! Fetching: every event source of a connection, from its watermark on, committed page by page.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::converse::{random_hex, send_all};
use super::errand::{Errand, errands};
use super::http::Door;
use super::opened::Opened;
use super::run::{Progress, RunOptions, Runner};
use crate::core::catalogue::{Fetched, Gap, Source, Window};
use crate::core::outcome::{Failure, ReturnData};
use crate::core::talk::{Counts, Input, Step, Talk};
use crate::secrets::vault::{lock, try_lock};

/// How far back the first plain fetch of a connection goes (contract, Fetching).
pub(super) const FIRST: SignedDuration = SignedDuration::from_hours(24);
/// Who waits so long for a lock is told of it.
const LONG_FOR_A_LOCK: Duration = Duration::from_millis(500);
/// How long one source may take.
const SOURCE_TIME: Duration = Duration::from_secs(1800);

/// What to fetch.
#[derive(Clone, Debug, Default)]
pub struct FetchOptions {
    /// Start of a window that is read again whatever the watermark says.
    pub from: Option<Timestamp>,
    /// End of such a window.
    pub to: Option<Timestamp>,
    /// The most events of a connection.
    pub max: Option<usize>,
    /// Give way when another process fetches the same connection, instead of waiting.
    pub give_way: bool,
    /// Cancel, progress and the like.
    pub run: RunOptions,
}

/// What came of a connection's fetch.
#[derive(Clone, Debug)]
pub struct FetchReport {
    /// The connection.
    pub connection: String,
    /// Its vendor.
    pub vendor: String,
    /// The state.
    pub return_data: ReturnData,
    /// What became of the events.
    pub counts: Counts,
    /// Start of what was asked for.
    pub from: Timestamp,
    /// End of what was asked for.
    pub to: Timestamp,
    /// What was not fetched.
    pub gaps: Vec<Gap>,
    /// What failed.
    pub errors: Vec<Failure>,
    /// Whether the call itself was wrong: nothing was asked for.
    pub refused: bool,
    /// What the analyst should know beside that.
    pub notice: Option<String>,
}

impl FetchReport {
    /// As `fetch` prints it.
    pub fn json(&self) -> Value {
        json!({
            "connection": self.connection, "vendor": self.vendor, "return_data": self.return_data,
            "fetched": self.counts.total(), "new": self.counts.new, "updated": self.counts.updated, "unchanged": self.counts.unchanged,
            "from": self.from, "to": self.to, "gaps": self.gaps, "errors": self.errors,
        })
    }
}

impl Runner {
    /// Fetches a connection's events. One fetch of a connection at a time, over all processes.
    pub async fn fetch(&self, opened: &Arc<Opened>, options: &FetchOptions) -> FetchReport {
        let now = Timestamp::now();
        let mut report = FetchReport {
            connection: opened.connection.name.clone(),
            vendor: opened.vendor.id.into(),
            return_data: ReturnData::Failed,
            counts: Counts::default(),
            from: options.from.unwrap_or(now),
            to: options.to.unwrap_or(now),
            gaps: Vec::new(),
            errors: Vec::new(),
            refused: false,
            notice: None,
        };
        let door = match self.door(opened).await {
            Ok(door) => door,
            Err(invalid) => {
                report.errors.push(Failure::new("Fetch Event failed.", invalid.message));
                report.refused = true;
                return self.concluded(report).await;
            }
        };
        let _lock = match self.fetch_lock(&opened.connection.name, options).await {
            Ok(lock) => lock,
            Err(reason) => {
                report.errors.push(Failure::new("Fetch Event failed.", reason));
                return report;
            }
        };
        let mut sources = Vec::new();
        for source in wanted(opened) {
            match self.store().mark(&opened.connection.name, &source.name).await {
                Ok(mark) => sources.push((source, mark)),
                Err(error) => report.errors.push(Failure::new("Fetch Event failed.", error.to_string())),
            }
        }
        // Who waited longest goes first, so that a small maximum starves nobody.
        sources.sort_by_key(|(_, mark)| mark.watermark);
        let several = sources.len() > 1;
        let mut whole = 0;
        for Errand { source, mut window, plain } in errands(&sources, options, now) {
            window.max = options.max.map(|max| max.saturating_sub(report.counts.total()));
            // A source whose turn does not come this time is still owed what is asked for now.
            if let Err(error) = self.store().begin_fetch(&opened.connection.name, &window, plain).await {
                report.errors.push(Failure::new("Fetch Event failed.", format!("Where the fetch begins could not be kept: {error}.")));
                continue;
            }
            let mut fetched = if window.max == Some(0) {
                Fetched { truncated: true, ..Fetched::default() }
            } else {
                report.from = report.from.min(window.from);
                self.fetch_source(opened, &door, source, &window, options, &mut report.counts).await
            };
            // Before anything of it is kept.
            for gap in &mut fetched.gaps {
                gap.reason = self.redactor().text(&gap.reason);
            }
            if fetched.errors.is_empty() {
                whole += 1;
            }
            // By the vendor's clock there is more to come before the end of the window.
            fetched.complete_to = fetched.complete_to.map(|to| to.min(present(&door, now)));
            fetched.present = door.vendors_present();
            let finished =
                self.store().finish_fetch(&opened.connection.name, &source.name, &window, &fetched, plain, Timestamp::now()).await;
            if let Err(error) = finished {
                report.errors.push(Failure::new("Fetch Event failed.", format!("The watermark could not be kept: {error}.")));
            }
            report.gaps.extend(fetched.gaps);
            // Several sources may fail alike: which one did is said with each.
            report.errors.extend(fetched.errors.into_iter().map(|failure| match failure.item {
                None if several => failure.item(source.event_type.clone()),
                _ => failure,
            }));
        }
        report.return_data = match (report.errors.is_empty(), whole, report.counts.total()) {
            (true, _, 0) => ReturnData::SuccessfulWithNoEventData,
            (true, _, _) => ReturnData::Successful,
            (false, 0, 0) => ReturnData::Failed,
            (false, _, _) => ReturnData::PartiallySuccessful,
        };
        report.notice = door.clock_ahead().map(|ahead| clocks_differ(&report.connection, ahead));
        // What was called off says nothing about the vendor.
        if !report.errors.is_empty() && options.run.cancel.is_cancelled() {
            report.errors.iter_mut().for_each(|failure| self.mask_failure(failure));
            return report;
        }
        self.concluded(report).await
    }

    /// A fetch that came to its end, or could not begin: what it says is masked, and how the connection is is kept.
    async fn concluded(&self, mut report: FetchReport) -> FetchReport {
        report.errors.iter_mut().for_each(|failure| self.mask_failure(failure));
        self.keep_health(&report.connection, report.errors.first().map(Failure::whole)).await;
        report
    }

    async fn fetch_lock(&self, connection: &str, options: &FetchOptions) -> Result<std::fs::File, String> {
        let (dir, file) = (self.lock_dir(), self.lock_dir().join(format!("{connection}.fetch.lock")));
        let give_way = options.give_way;
        let mut taken = tokio::task::spawn_blocking(move || {
            crate::config::files::private_dir(&dir)?;
            take(&file, give_way)
        });
        let taken = tokio::select! {
            taken = &mut taken => taken,
            () = tokio::time::sleep(LONG_FOR_A_LOCK) => {
                if let Some(progress) = &options.run.progress {
                    let text = "waits for another fetch of this connection to end".into();
                    // Nobody waits for it to be read.
                    let _ = progress.try_send(Progress { text, done: 0, total: None });
                }
                // What is taken after that is let go by itself.
                tokio::select! {
                    taken = taken => taken,
                    () = options.run.cancel.cancelled() => return Err("Cancelled while another fetch of this connection went on.".into()),
                }
            }
        };
        match taken {
            Ok(Ok(Some(lock))) => Ok(lock),
            Ok(Ok(None)) => Err("Another nightdesk is fetching this connection; its events will turn up here.".into()),
            Ok(Err(error)) => Err(format!("The connection's lock cannot be had: {error}.")),
            Err(error) => Err(format!("The connection's lock cannot be had: {error}.")),
        }
    }

    async fn fetch_source(
        &self,
        opened: &Arc<Opened>,
        door: &Door,
        source: &Source,
        window: &Window,
        options: &FetchOptions,
        counts: &mut Counts,
    ) -> Fetched {
        let begun = Timestamp::now();
        let talk = Talk::new(window.to.max(begun), false);
        let mut conversation = (source.fetcher)(talk, Arc::clone(&opened.connection), window.clone());
        let scope = self.scope(&options.run, Instant::now() + options.run.timeout.unwrap_or(SOURCE_TIME));
        let mut input = Input::Start;
        loop {
            input = match conversation.resume(input) {
                Step::Done(fetched) => return fetched,
                Step::Send(requests) => Input::Answers(send_all(door, requests, &scope).await),
                Step::Wait(time) => {
                    tokio::select! {
                        () = scope.cancel.cancelled() => {}
                        () = tokio::time::sleep_until((Instant::now() + time).min(scope.deadline)) => {}
                    }
                    Input::Done
                }
                Step::Deliver(mut page) => {
                    page.events.iter_mut().for_each(|event| self.clean(opened, event));
                    page.covered = page.covered.map(|(from, to)| (from, to.min(present(door, begun))));
                    match self.store().commit_page(&opened.connection.name, opened.vendor.id, &source.name, page, Timestamp::now()).await {
                        Ok(stored) => {
                            *counts += stored;
                            Input::Stored(stored)
                        }
                        // What is not stored is not fetched: the watermark stays.
                        Err(error) => {
                            return Fetched::failed(
                                window,
                                Failure::new("Fetch Event failed.", format!("The events could not be stored: {error}.")),
                            );
                        }
                    }
                }
                Step::Progress { text, done, total } => {
                    if let Some(progress) = &options.run.progress {
                        let _ = progress.try_send(super::run::Progress { text, done, total });
                    }
                    Input::Done
                }
                Step::Recall(name) => Input::Recalled(door.tokens().recall(&name).await),
                Step::Random(bytes) => Input::Random(random_hex(bytes)),
                Step::Remember(name, value) => {
                    let kept = door.tokens().remember(&name, value.as_deref()).await;
                    kept.map_or_else(Input::Failed, |()| Input::Done)
                }
                Step::ForgetTokens | Step::KeepRefreshToken { .. } => Input::Done,
            };
        }
    }
}

/// The sources that a plain fetch brings: those named, else those that the document has.
fn wanted(opened: &Opened) -> Vec<Source> {
    match &opened.connection.event_sources {
        Some(names) => names.iter().filter_map(|name| opened.entry.source(name)).cloned().collect(),
        None => opened.entry.sources.iter().filter(|source| source.by_default).cloned().collect(),
    }
}

/// What the vendor's clock showed when ours showed `now`, where ours is ahead of it: later events cannot have been listed. Clocks that are
/// more than a day apart are not compared: the vendor's answer may be an old one.
fn present(door: &Door, now: Timestamp) -> Timestamp {
    match door.clock_ahead() {
        Some(ahead) if ahead.is_positive() && ahead <= FIRST => now.checked_sub(ahead).unwrap_or(now),
        // Ours is behind, or they agree: whatever a window says is right.
        _ => Timestamp::MAX,
    }
}

fn clocks_differ(connection: &str, ahead: SignedDuration) -> String {
    let which = if ahead.is_positive() { "ahead of" } else { "behind" };
    let much = match ahead.abs().as_mins() {
        minutes if minutes < 2 * 24 * 60 => format!("{minutes} minutes"),
        minutes => format!("{} days", minutes / (24 * 60)),
    };
    format!("This machine's clock is {much} {which} that of {connection}; set it, or times here and there will not agree.")
}

fn take(file: &Path, give_way: bool) -> std::io::Result<Option<std::fs::File>> {
    if give_way { try_lock(file) } else { lock(file).map(Some) }
}
