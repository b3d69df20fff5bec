//! What the console shows, read from the store and made into its own plain data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::jobs::Kind;
use super::run::{RunReport, Runner};
use super::store::{Coverage, HappenedKind, Mentioned, Precedent, Precedents, Store, StoreError};
use crate::core::console::detail::{Known, Past, Shown};
use crate::core::console::explorer::{Explorer, Face};
use crate::core::console::reading::Reading;
use crate::core::event::{Disposition, StoredEvent};
use crate::core::health::{Health, Stretch};
use crate::core::json::{self, Document};
use crate::core::listing::{Grouping, Listed, Listing, Tally, View, Which};
use crate::core::mapping::scalar;
use crate::core::query::Query;

/// Parts of the last day that the sparkline shows.
const PARTS: usize = 24;
/// The most pages that a pick list or the history reads.
const MOST: usize = 500;
/// The most values that a document of matches or changes has.
const MATCHES: usize = 100_000;

fn text(error: &StoreError) -> String {
    error.to_string()
}

/// The most groups of a view that are told apart; analysts look at the largest.
const GROUPS: usize = 2_000;

fn parsed(view: &View) -> Result<Query, String> {
    Query::parse(&view.query).map_err(|error| error.to_string())
}

/// How many events each query finds; one that cannot be asked is left out.
pub async fn counts(store: &Store, queries: Vec<(String, String)>) -> Vec<(String, usize)> {
    let mut counts = Vec::new();
    for (name, query) in queries {
        if let Ok(query) = Query::parse(&query)
            && let Ok(count) = store.count(&query, Timestamp::now()).await
        {
            counts.push((name, count));
        }
    }
    counts
}

/// The queue's first rows.
///
/// # Errors
/// What is wrong with the query, or that the store failed.
pub async fn listing(store: &Store, view: &View, limit: usize) -> Result<Listing, String> {
    let (query, now) = (parsed(view)?, Timestamp::now());
    let mut rows = store.rows(&query, view.order, Some(limit + 1), 0, now).await.map_err(|error| text(&error))?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Listing { rows, more })
}

/// The first rows of a group.
///
/// # Errors
/// What is wrong with the query, or that the store failed.
pub async fn members(store: &Store, view: &View, grouping: Grouping, group: &str, limit: usize) -> Result<Vec<Listed>, String> {
    let (query, now) = (parsed(view)?, Timestamp::now());
    let which = Which::Group(grouping, group.to_owned());
    store.rows_within(&query, which, view.order, Some(limit), now).await.map_err(|error| text(&error))
}

/// The events of a view that are meant.
///
/// # Errors
/// What is wrong with the query, or that the store failed.
pub async fn meant(store: &Store, view: &View, which: &Which) -> Result<Vec<i64>, String> {
    store.ids_within(&parsed(view)?, which.clone(), Timestamp::now()).await.map_err(|error| text(&error))
}

/// What the store counts over all events of a view.
///
/// # Errors
/// What is wrong with the query, or that the store failed.
pub async fn tally(store: &Store, view: &View, grouping: Option<Grouping>) -> Result<Tally, String> {
    let (query, now) = (parsed(view)?, Timestamp::now());
    let total = store.count(&query, now).await.map_err(|error| text(&error))?;
    let arrivals = store.arrivals(&query, PARTS, now).await.map_err(|error| text(&error))?;
    let groups = match grouping {
        Some(grouping) => store.groups(&query, grouping, GROUPS, now).await.map_err(|error| text(&error))?,
        None => Vec::new(),
    };
    Ok(Tally { total, arrivals, groups })
}

/// An event with all that is known about it. It counts as looked at.
///
/// # Errors
/// When it is not there, or the store failed.
pub async fn shown(store: &Store, id: i64) -> Result<Shown, String> {
    let event = store.event(id).await.map_err(|error| text(&error))?.ok_or_else(|| format!("Event {id} is not in the store any more."))?;
    let mentioned = store.mentioned(&event.event.entities).await.map_err(|error| text(&error))?;
    let entities = event.event.entities.iter().zip(mentioned).map(|(entity, Mentioned { shares, same_file })| Known {
        entity: entity.clone(),
        events: shares.iter().map(|share| share.count).sum(),
        vendors: shares.len(),
        first: shares.iter().map(|share| share.first).min(),
        last: shares.iter().map(|share| share.last).max(),
        same_file,
    });
    let mut entities: Vec<Known> = entities.collect();
    let mut seen = std::collections::BTreeSet::new();
    entities.retain(|known| seen.insert((known.entity.kind, known.entity.value.to_lowercase())));
    let precedent = store.precedents(id).await.map(|found| precedents(&found)).map_err(|error| text(&error))?;
    let alike = store.alike(id).await.map_err(|error| text(&error))?;
    let happened = store.history(id).await.map_err(|error| text(&error))?;
    let mut revisions = 0;
    let mut history: Vec<Past> = Vec::new();
    for one in happened {
        let what = match one.kind {
            HappenedKind::Arrived => "came in",
            HappenedKind::Revised => "revised",
            HappenedKind::Note => "note",
            HappenedKind::Recorded => "record",
        };
        let who = if one.actor.is_empty() { "the vendor".to_owned() } else { one.actor };
        let time = one.time.strftime("%Y-%m-%d %H:%M:%S UTC");
        let text = match one.kind {
            HappenedKind::Arrived => format!("{time}  {what}"),
            _ => format!("{time}  {what:<8}  {who}: {}", one.text),
        };
        let came = matches!(one.kind, HappenedKind::Arrived | HappenedKind::Revised);
        revisions += u32::from(came);
        history.push(Past { text, revision: came.then_some(revisions) });
    }
    history.reverse();
    if event.unread {
        store.mark_read(vec![id]).await.map_err(|error| text(&error))?;
    }
    let bytes = event.event.raw.to_string().into_bytes();
    let explorer = Explorer::new(Document::parse(bytes));
    Ok(Shown { event, explorer, precedent, alike, entities, history })
}

/// What a JSONPath picks in a document.
///
/// # Errors
/// That it picks nothing, or why it cannot be answered.
pub async fn extract(document: Document, path: String) -> Result<Box<Reading>, String> {
    let work = move || {
        let found = document.extract(&path, MATCHES).map_err(|error| error.to_string())?;
        if found.count == 0 {
            return Err(format!("{path} picks nothing in this document; the arrow up in the line brings it back."));
        }
        let more = if found.more { " at least" } else { "" };
        Ok(Box::new(Reading::by_path(format!("{path}:{more} {}", found.count), found.document, Face::Tree)))
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}

/// What a revision of an event changed.
///
/// # Errors
/// When a revision is not there, nothing changed, or the store failed.
pub async fn changes(store: &Store, id: i64, revision: u32) -> Result<Box<Reading>, String> {
    let mut sides = Vec::new();
    for number in [revision.saturating_sub(1), revision] {
        let raw = store.revision(id, number).await.map_err(|error| text(&error))?;
        let raw = raw.ok_or_else(|| format!("Revision {number} of event {id} is not kept."))?;
        sides.push(Document::parse(raw.to_string().into_bytes()));
    }
    let [was, is] = sides.as_slice() else { return Err(format!("Event {id} has no revision {revision}.")) };
    let found = json::changes(was, is, MATCHES);
    if found.count == 0 {
        return Err(format!("Revision {revision} says the same as the one before, in other words."));
    }
    let more = if found.more { "more than " } else { "" };
    let title = format!("Event {id}: revision {revision} changed {more}{}", found.count);
    Ok(Box::new(Reading::by_path(title, found.document, Face::Table)))
}

/// How the same was closed before, the most telling first: same rule and entity, then the same rule.
fn precedents(precedents: &Precedents) -> Vec<String> {
    let name = |disposition: Option<Disposition>| {
        disposition.map_or_else(|| "without a verdict".to_owned(), |disposition| disposition.as_str().replace('_', " "))
    };
    let counts = |precedent: &Precedent| {
        let verdicts: Vec<String> = precedent.verdicts.iter().map(|(verdict, count)| format!("{count} {}", name(*verdict))).collect();
        format!("{} closed: {}", precedent.closed, verdicts.join(", "))
    };
    let last = |precedent: &Precedent| {
        let lines = precedent.last.iter().take(2).map(|closed| {
            let who = closed.actor.as_deref().unwrap_or("somebody");
            let when = closed.time.map(|time| time.strftime(" on %Y-%m-%d %H:%M").to_string()).unwrap_or_default();
            let note = closed.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            format!("  {} by {who}{when}{note}", name(closed.disposition))
        });
        lines.collect::<Vec<_>>()
    };
    let (same, alike) = (&precedents.same, &precedents.alike);
    let mut lines = Vec::new();
    if same.closed > 0 {
        let entity = precedents.entity.as_deref().unwrap_or_default();
        lines.push(format!("same rule and {entity}: {}", counts(same)));
        lines.extend(last(same));
    }
    if alike.closed > same.closed {
        lines.push(format!("same rule: {}", counts(alike)));
        if same.closed == 0 {
            lines.extend(last(alike));
        }
    }
    lines
}

/// Events by number, in that order.
///
/// # Errors
/// When the store failed.
pub async fn events(store: &Store, ids: &[i64]) -> Result<Vec<StoredEvent>, String> {
    let mut events = Vec::new();
    for id in ids.iter().take(MOST) {
        events.extend(store.event(*id).await.map_err(|error| text(&error))?);
    }
    Ok(events)
}

/// How the connections are.
pub async fn health(runner: &Runner) -> Vec<Health> {
    let store = runner.store();
    let fetches = runner.jobs_of(Kind::Fetch).await;
    let mut all = Vec::new();
    for opened in runner.connections() {
        let name = &opened.connection.name;
        let known = store.health(name).await.unwrap_or_default();
        let coverage = store.coverage(name).await.unwrap_or_default();
        let gaps = coverage.iter().flat_map(|source| {
            source.gaps.iter().map(|gap| Stretch {
                from: gap.from,
                to: gap.to,
                reason: format!("{}: {}", source.source, gap.reason),
                lasting: gap.lasting,
            })
        });
        let gaps = gaps.collect();
        let next_run = match fetches.iter().find(|job| job.opened.connection.name == *name && job.every_minutes.is_some()) {
            Some(job) => runner.job_state(job).await.next_run_at,
            None => None,
        };
        let covered_to = coverage.iter().filter(|source| !is_untouched(source)).filter_map(|source| source.watermark).min();
        all.push(Health {
            connection: name.clone(),
            last_success: known.last_success_at,
            last_error: known.last_error,
            failures: known.consecutive_failures,
            next_run,
            covered_to,
            untouched: coverage.iter().filter(|source| is_untouched(source)).map(|source| source.source.clone()).collect(),
            unfetched: covered_to.is_none() && opened.connection.active && !super::fetch::wanted(opened).is_empty(),
            gaps,
        });
    }
    all
}

/// Whether nothing of a source was fetched and nothing was missed.
fn is_untouched(source: &Coverage) -> bool {
    source.covered.is_empty() && source.gaps.is_empty()
}

/// The record, newest first.
///
/// # Errors
/// When the store failed.
pub async fn history(store: &Store, zone: &TimeZone) -> Result<Vec<String>, StoreError> {
    let mut entries = store.audit_list(None, 0).await?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.seq));
    Ok(entries
        .into_iter()
        .take(MOST)
        .map(|entry| {
            let connection = entry.connection.as_deref().unwrap_or("here");
            let items = subjects(&entry.items);
            let time = entry.time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z");
            format!("{time}  {:<20}  {connection}: {}{items} · {} · #{}", entry.state, entry.command, entry.actor, entry.seq)
        })
        .collect())
}

/// What an entry is about in few words: the events it came from, and the vendor's items.
fn subjects(items: &[String]) -> String {
    let (events, others): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.starts_with("event "));
    let events = match events.as_slice() {
        [] => None,
        [only] => Some((*only).clone()),
        several => Some(format!("{} events", several.len())),
    };
    let others = match others.as_slice() {
        [] => None,
        [only] => Some((*only).clone()),
        [first, rest @ ..] => Some(format!("{first} and {} more", rest.len())),
    };
    events.into_iter().chain(others).flat_map(|part| [" · ".to_owned(), part]).collect()
}

/// The requests of a dry run as lines.
pub fn plan(report: &RunReport, names: &BTreeMap<String, String>) -> Vec<String> {
    let mut lines = Vec::new();
    for failure in &report.outcome.errors {
        lines.push(format!("{} {}", failure.failure_indicator, failure.message));
    }
    for (number, request) in report.requests.iter().flatten().enumerate() {
        let text = |name: &str| request.get(name).and_then(scalar).unwrap_or_default();
        lines.push(format!("{}. {} {}", number + 1, text("method"), text("url")));
        if let Some(step) = request.get("depends_on").and_then(Value::as_u64) {
            lines.push(format!("   needs the answer of step {step}"));
        }
        for (name, value) in request.get("headers").and_then(Value::as_object).into_iter().flatten() {
            lines.push(format!("   {name}: {}", scalar(value).unwrap_or_default()));
        }
        match request.get("body") {
            None | Some(Value::Null) => {}
            Some(Value::String(body)) => lines.extend(body.lines().map(|line| format!("   {line}"))),
            Some(body) => lines.extend(serde_json::to_string_pretty(body).unwrap_or_default().lines().map(|line| format!("   {line}"))),
        }
        let said = request.to_string();
        let among = names.iter().filter(|(id, _)| said.contains(id.as_str()));
        lines.extend(among.map(|(id, name)| format!("   where {id} is {name}")));
        lines.push(String::new());
    }
    if lines.is_empty() {
        lines.push("This command sends nothing.".into());
    }
    lines
}
