//! `nightdesk fetch`: new events of the named connections, or of all active ones, into the store.

use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;

use super::context::{Context, interruptible};
use super::output::complain;
use super::{INTERRUPTED, WRONG_CALL, exit_code, rows};
use crate::core::catalogue::parse_time;
use crate::runtime::fetch::{FetchOptions, FetchReport};
use crate::runtime::opened::Opened;
use crate::runtime::run::{RunOptions, Runner};

/// Arguments of `nightdesk fetch`.
#[derive(Debug, Args)]
pub struct Fetch {
    /// The connections (default: all active ones)
    connections: Vec<String>,
    /// Read again from here on (a time, -24h, -7d)
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    from: Option<String>,
    /// Read again up to here
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    to: Option<String>,
    /// The most events of a connection; the rest comes with the next fetch
    #[arg(long, value_name = "N", value_parser = rows, allow_negative_numbers = true)]
    max: Option<usize>,
}

impl Fetch {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let now = Timestamp::now();
        let (from, to) = match (time(self.from.as_deref(), now), time(self.to.as_deref(), now)) {
            (Ok(from), Ok(to)) => (from, to),
            (Err(reason), _) | (_, Err(reason)) => return wrong(&reason),
        };
        if from.is_some_and(|from| from >= to.unwrap_or(now)) {
            return wrong("--from must lie before --to");
        }
        if self.max == Some(0) {
            return wrong("--max must be 1 or more");
        }
        let runner = match context.runner_for(&self.connections) {
            Ok(runner) => runner,
            Err(cannot) => return cannot.say(),
        };
        let chosen = match choose(&runner, &self.connections) {
            Ok(chosen) => chosen,
            Err(reason) => return wrong(&reason),
        };
        let cancel = interruptible();
        let run = RunOptions { cancel: cancel.clone(), ..RunOptions::default() };
        let options = FetchOptions { from, to, max: self.max, give_way: false, run };
        // Vendors do not wait for each other.
        let fetch = |opened: Arc<Opened>| {
            let (runner, options) = (runner.clone(), options.clone());
            tokio::spawn(async move { runner.fetch(&opened, &options).await })
        };
        let tasks: Vec<_> = chosen.into_iter().map(fetch).collect();
        let mut ended = Vec::new();
        for task in tasks {
            match task.await {
                Ok(report) => {
                    if let Some(notice) = &report.notice {
                        complain(&format!("warning: {notice}"));
                    }
                    print(context, &report);
                    ended.push((report.return_data, report.refused));
                }
                Err(error) => complain(&format!("a fetch ended early: {error}")),
            }
        }
        if cancel.is_cancelled() { INTERRUPTED } else { exit_code(&ended) }
    }
}

fn wrong(reason: &str) -> u8 {
    complain(reason);
    WRONG_CALL
}

fn time(text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, String> {
    let Some(text) = text else { return Ok(None) };
    let read = parse_time(text, now);
    read.map(Some).ok_or_else(|| format!("{text} is not a time; give 2026-03-01T10:00:00Z, 2026-03-01 10:00 (UTC), -24h, -7d or now"))
}

/// The named connections, each once, or all active ones.
pub(super) fn choose(runner: &Runner, names: &[String]) -> Result<Vec<Arc<Opened>>, String> {
    if names.is_empty() {
        return Ok(runner.connections().iter().filter(|opened| opened.connection.active).cloned().collect());
    }
    let once = names.iter().enumerate().filter(|(at, name)| !names[..*at].contains(name));
    once.map(|(_, name)| runner.connection(name).cloned().ok_or_else(|| runner.unknown_connection(name))).collect()
}

/// Prints what came of a connection's fetch.
pub(super) fn print(context: &Context, report: &FetchReport) {
    if context.output.is_json() {
        context.output.json(&report.json());
        return;
    }
    let counts = report.counts;
    context.output.line(&format!(
        "{}  {}  fetched {}: {} new, {} updated, {} unchanged  ({} to {})",
        report.connection,
        report.return_data.as_str(),
        counts.total(),
        counts.new,
        counts.updated,
        counts.unchanged,
        report.from,
        report.to
    ));
    for gap in &report.gaps {
        context.output.line(&format!("  gap {} to {}: {}", gap.from, gap.to, gap.reason));
    }
    for failure in &report.errors {
        context.output.line(&format!("  {}", super::run::failure_line(failure)));
    }
}
