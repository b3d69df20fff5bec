//! List Content, and Fetch Event over it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::commands::subscriptions;
use super::content::Blob;
use super::events;
use super::feed::{Feed, Refused};
use super::record_types::{self, Filter};
use super::times;
use super::{content_type, seconds};
use crate::core::catalogue::{Arguments, Invalid};
use crate::core::connection::Connection;
use crate::core::event::Event;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::request::Method;
use crate::core::talk::Talk;

/// Blobs that are asked for in one go.
pub(super) const BATCH: usize = 24;
/// The most text, in bytes, that one run brings; in memory it takes many times that.
const MOST_TEXT: usize = 24 << 20;
/// The most lines of the table in a message.
const MOST_LINES: usize = 500;

/// The window that is asked for.
fn window(arguments: &Arguments) -> (Timestamp, Timestamp) {
    match (arguments.time("start_time"), arguments.time("end_time")) {
        (Some(start), Some(end)) => (times::floor(start).max(times::earliest(arguments.now()).min(times::floor(end))), end),
        _ => {
            let end = times::ceil(arguments.now());
            (times::day_before(end), end)
        }
    }
}

/// Start and end: both or neither, in this order, at most seven days back (seed 003, list-content).
pub(super) fn check_times(arguments: &Arguments) -> Result<(), Invalid> {
    match (arguments.time("start_time"), arguments.time("end_time")) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(Invalid::new("end_time", "If start_time is specified, end_time must also be specified.")),
        (None, Some(_)) => Err(Invalid::new("start_time", "If end_time is specified, start_time must be also specified.")),
        (Some(start), Some(end)) if start >= end => Err(Invalid::new("start_time", "The start_time must be before the end_time.")),
        (Some(start), Some(_)) if start < times::oldest(arguments.now()) => {
            Err(Invalid::new("start_time", "The start_time can be at most 7 days ago."))
        }
        _ => Ok(()),
    }
}

/// A listing covers at most a day.
pub(super) fn check_day(arguments: &Arguments) -> Result<(), Invalid> {
    match (arguments.time("start_time"), arguments.time("end_time")) {
        (Some(start), Some(end)) if times::over_a_day(start, end) => {
            Err(Invalid::new("start_time", "The start_time has to be within 24 hours from end_time."))
        }
        _ => Ok(()),
    }
}

/// Record types are numbers or names that the table knows.
pub(super) fn check_record_types(arguments: &Arguments) -> Result<(), Invalid> {
    match listed(arguments, "record_types_filter").iter().find(|name| record_types::parse(name).is_none()) {
        Some(name) => Err(Invalid::new("record_types_filter", record_types::unknown(name))),
        None => Ok(()),
    }
}

/// A comma list, in whichever way it was given.
fn listed(arguments: &Arguments, name: &str) -> Vec<String> {
    let items = arguments.texts(name);
    items.iter().flat_map(|item| item.split(',')).map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn filter(arguments: &Arguments) -> Filter {
    let list = |name: &str| listed(arguments, name);
    Filter::new(&list("record_types_filter"), &list("workloads_filter"), &list("operations_filter"))
}

/// What a walk over a window brought.
#[derive(Default)]
struct Walk {
    /// Record, its blob, and its place there.
    records: Vec<(Value, Blob, usize)>,
    blobs_read: usize,
    failures: Vec<Failure>,
    planned: bool,
}

/// Reads a window of a content type, day by day, as far as it can be read.
async fn walk(feed: &Feed<'_>, content_type: &str, window: (Timestamp, Timestamp), filter: &Filter, walk: &mut Walk) {
    let mut seen: HashMap<String, HashSet<String>> = HashMap::new();
    let mut text = 0;
    for (from, to) in times::days(window.0, window.1) {
        let listing = feed.list_blobs(content_type, from, to).await;
        let fatal = listing.refused.as_ref().is_some_and(|refused| refused.fatal);
        if let Some(refused) = listing.refused {
            walk.planned = refused.planned;
            walk.failures.push(refused.failure);
        }
        for batch in listing.blobs.chunks(BATCH) {
            for (blob, result) in batch.iter().zip(feed.read_blobs(batch).await) {
                match result {
                    Ok(records) => {
                        walk.blobs_read += 1;
                        for (n, record) in records.into_iter().enumerate().filter(|(_, record)| filter.wants(record)) {
                            // The same record may come in several blobs; another one under the same id is another record.
                            let whole = record.to_string();
                            let length = whole.len();
                            if seen.entry(events::key(&record, blob, n)).or_default().insert(whole) {
                                text += length;
                                walk.records.push((record, blob.clone(), n));
                            }
                        }
                    }
                    Err(Refused { failure, .. }) => walk.failures.push(failure),
                }
            }
            let total = listing.blobs.len();
            feed.talk.progress(format!("blobs of {content_type}"), walk.blobs_read, Some(total)).await;
            if text > MOST_TEXT {
                let message = format!(
                    "The content is more than {} MB of text, which is the limit of one run; narrow the time, or bring it with `nightdesk fetch`.",
                    MOST_TEXT >> 20
                );
                walk.failures.push(Failure::new(feed.indicator, message));
                return;
            }
        }
        if fatal {
            return;
        }
    }
}

/// In a dry run, notes the request for a blob, whose address only the listing tells.
fn plan_blob(feed: &Feed<'_>) {
    let request = feed.call(Method::Get, "/audit/<from step 1: contentId>").purpose("every blob of the list");
    feed.talk.plan(request.depends_on(1));
}

/// List Content.
pub(super) async fn list_content(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let timeout = arguments.integer("timeout").and_then(seconds);
    let feed = Feed { talk: &talk, connection: &connection, indicator: "List Content failed.", timeout };
    let name = arguments.text("content_type").unwrap_or_default();
    let mut found = Walk::default();
    walk(&feed, name, window(&arguments), &filter(&arguments), &mut found).await;
    if found.planned {
        plan_blob(&feed);
    }
    let records: Vec<Value> = found.records.into_iter().map(|(record, _, _)| record).collect();
    let shown = arguments.as_given("content_type").unwrap_or(name);
    let state = state(found.blobs_read, &found.failures, ReturnData::Successful);
    let mut outcome = Outcome::new(state).result("Records", records.len());
    outcome.message = table(shown, &records, &found.failures, state);
    let context: Vec<Value> = records.iter().map(|record| Value::from(events::fields(record))).collect();
    outcome.context = Some(json!({"MicrosoftManagement": {"ContentRecord": context}}));
    outcome.raw_data = Value::from(records);
    outcome.errors = found.failures;
    outcome
}

fn state(read: usize, failures: &[Failure], whole: ReturnData) -> ReturnData {
    match (failures.is_empty(), read) {
        (true, _) => whole,
        (false, 0) => ReturnData::Failed,
        (false, _) => ReturnData::PartiallySuccessful,
    }
}

/// The document's table: ID, CreationTime, Workload, Operation.
fn table(content_type: &str, records: &[Value], failures: &[Failure], state: ReturnData) -> String {
    if let (ReturnData::Failed, Some(failure)) = (state, failures.first()) {
        return failure.message.clone();
    }
    let mut lines = vec![format!("Content for content type {content_type}")];
    if records.is_empty() {
        lines.push("No entries.".into());
    } else {
        lines.push("ID | CreationTime | Workload | Operation".into());
    }
    for record in records.iter().take(MOST_LINES) {
        let cell = |name: &str| record.get(name).and_then(crate::core::mapping::scalar).unwrap_or_default();
        lines.push(format!("{} | {} | {} | {}", cell("Id"), cell("CreationTime"), cell("Workload"), cell("Operation")));
    }
    if records.len() > MOST_LINES {
        lines.push(format!("… and {} more", records.len() - MOST_LINES));
    }
    if !failures.is_empty() {
        lines.push(format!("{} part(s) of the content could not be read.", failures.len()));
    }
    lines.join("\n")
}

/// Which content types are brought where nobody names them: those of the connection, else the enabled ones.
async fn content_types(feed: &Feed<'_>, arguments: &Arguments) -> Result<Vec<&'static str>, Failure> {
    let known = |names: Vec<String>| -> Vec<&'static str> { names.iter().filter_map(|name| content_type(name)).collect() };
    for named in [known(arguments.texts("content_types")), known(feed.connection.texts("content_types"))] {
        if !named.is_empty() {
            return Ok(named);
        }
    }
    let (_, enabled) = subscriptions(feed).await.map_err(|refused| refused.failure)?;
    let enabled = known(enabled);
    if enabled.is_empty() { Err(none_enabled(feed)) } else { Ok(enabled) }
}

/// What is said where there is nothing to bring anything from.
pub(super) fn none_enabled(feed: &Feed<'_>) -> Failure {
    let name = &feed.connection.name;
    Failure::new(feed.indicator, "No subscription is enabled, so there is no content; start one with start-subscription.")
        .hint(format!("Run: nightdesk run {name} start-subscription content_type=Audit.General"))
}

/// Fetch Event.
pub(super) async fn fetch_event(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let feed = Feed { talk: &talk, connection: &connection, indicator: "Fetch Event failed.", timeout: None };
    let names = match content_types(&feed, &arguments).await {
        Ok(names) => names,
        Err(failure) => return Outcome::failed(failure),
    };
    let mapping = events::mapping();
    let most = arguments.integer("number_of_events_fetched").and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let mut all: Vec<Event> = Vec::new();
    let (mut read, mut failures) = (0, Vec::new());
    for name in names {
        let mut found = Walk::default();
        walk(&feed, name, window(&arguments), &filter(&arguments), &mut found).await;
        if found.planned {
            plan_blob(&feed);
        }
        read += found.blobs_read;
        failures.append(&mut found.failures);
        all.extend(found.records.into_iter().map(|(record, blob, n)| events::event(name, &mapping, record, &blob, n)));
    }
    all.sort_by(|a, b| (a.occurred_at, &a.key).cmp(&(b.occurred_at, &b.key)));
    all.truncate(most);
    let whole = if all.is_empty() { ReturnData::SuccessfulWithNoEventData } else { ReturnData::Successful };
    let records: Vec<Value> = all.iter().map(|event| event.raw.clone()).collect();
    let mut outcome = Outcome::new(state(read, &failures, whole))
        .key_field("EventIDs", all.iter().map(|event| event.key.clone()).collect::<Vec<_>>())
        .result("Events Count", all.len());
    let context: Vec<Value> = records.iter().map(|record| Value::from(events::fields(record))).collect();
    outcome.context = Some(json!({"MicrosoftManagement": {"ContentRecord": context}}));
    outcome.message = match failures.first() {
        Some(failure) if outcome.return_data == ReturnData::Failed => failure.message.clone(),
        _ => format!("{} events.", all.len()),
    };
    outcome.raw_data = Value::from(records);
    outcome.errors = failures;
    outcome.events = all;
    outcome
}
