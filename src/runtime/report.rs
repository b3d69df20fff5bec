//! What the shift hand-over tells, gathered from the store.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::run::Runner;
use super::store::{AuditEntry, StoreError};
use crate::core::event::{Disposition, StoredEvent};
use crate::core::handover::{Action, Gap, Handover, Item, Open, OpenCase, Record, Waiting, Way, verdict};
use crate::core::outbox::Standing;
use crate::core::outcome::ReturnData;
use crate::core::query::{Query, quoted};

/// The most events of a list.
const MOST: usize = 20;

/// Gathers the hand-over of a shift.
///
/// # Errors
/// When the store fails.
pub async fn handover(runner: &Runner, from: Timestamp, to: Timestamp) -> Result<Handover, StoreError> {
    let store = runner.store();
    let record = store.audit_list(None, 0).await?;
    let verdict = store.audit_verify().await?;
    let decided = decided(record.iter().rev().filter(|entry| entry.time >= from));
    let (closed, found) = closed(runner, &decided).await?;
    Ok(Handover {
        from,
        to,
        by: runner.actor().to_owned(),
        in_progress: open(runner, "status:in_progress", &["status:in_progress"], to).await?,
        urgent: open(runner, "status:new severity:>=high", &["status:new severity:critical", "status:new severity:high"], to).await?,
        cases: cases(runner, to).await?,
        outbox: outbox(runner, from).await?,
        actions: actions(runner, &record, from),
        closed,
        found,
        gaps: gaps(runner).await?,
        record: Record { entries: verdict.entries, whole: verdict.ok, head: verdict.head },
    })
}

fn query(text: &str) -> Query {
    Query::parse(text).unwrap_or_default()
}

/// How many events a query finds, and the first of them in the order of these parts.
async fn open(runner: &Runner, whole: &'static str, parts: &[&str], now: Timestamp) -> Result<Open, StoreError> {
    let mut first = Vec::new();
    for part in parts {
        first.extend(runner.store().events(&query(part), Some(MOST - first.len()), 0, now).await?.into_iter().map(item));
    }
    Ok(Open { query: whole, count: runner.store().count(&query(whole), now).await?, first })
}

fn item(stored: StoredEvent) -> Item {
    Item {
        id: stored.id,
        title: stored.event.title,
        severity: stored.event.severity,
        connection: stored.connection,
        occurred_at: stored.event.occurred_at,
        assignee: stored.taken_by,
        note: None,
    }
}

async fn cases(runner: &Runner, now: Timestamp) -> Result<Vec<OpenCase>, StoreError> {
    let mut cases = Vec::new();
    for case in runner.store().case_list().await?.into_iter().filter(|case| case.open) {
        let open = runner.store().count(&query(&format!("case:={} -status:closed", quoted(&case.name))), now).await?;
        cases.push(OpenCase { name: case.name, title: case.title, events: case.events, open });
    }
    Ok(cases)
}

/// What waits, and what of this shift's letters may have been sent.
async fn outbox(runner: &Runner, from: Timestamp) -> Result<Vec<Waiting>, StoreError> {
    let letters = runner.letters(true).await?.into_iter();
    let told = letters.filter(|letter| letter.standing.is_open() || letter.standing == Standing::Unknown && letter.changed_at >= from);
    let told = told.map(|letter| Waiting {
        id: letter.id,
        title: letter.title,
        connection: letter.connection,
        standing: letter.standing,
        detail: letter.detail,
    });
    Ok(told.collect())
}

/// What was done at vendors since then, in order of time: of each run what is known last.
fn actions(runner: &Runner, record: &[AuditEntry], from: Timestamp) -> Vec<Action> {
    // The newest first, so that the first that refers to an intent is the last word on it.
    let mut last: BTreeMap<i64, &AuditEntry> = BTreeMap::new();
    for entry in record {
        if let Some(intent) = entry.refers_to {
            last.entry(intent).or_insert(entry);
        }
    }
    let sent = |entry: &&AuditEntry| entry.connection.is_some() && entry.effect != "read" && entry.refers_to.is_none();
    let begun: Vec<&AuditEntry> = record.iter().rev().filter(sent).filter(|entry| !entry.command.starts_with("outbox ")).collect();
    let end = |entry: &AuditEntry| last.get(&entry.seq).map(|end| end.state.clone());
    let action = |(at, entry): (usize, &&AuditEntry)| {
        let (events, items): (Vec<_>, Vec<_>) =
            entry.items.iter().map(|item| (item.strip_prefix("event "), item)).partition(|(id, _)| id.is_some());
        let connection = entry.connection.clone().unwrap_or_default();
        let command = runner.connection(&connection).and_then(|opened| opened.entry.command(&entry.command));
        let state = end(entry);
        let nothing = state.as_deref() == Some(ReturnData::Failed.as_str());
        let items: Vec<String> = items.into_iter().map(|(_, item)| item.clone()).collect();
        let inverse = command.and_then(|command| command.inverse.as_ref()).filter(|_| !nothing);
        let undo = inverse.map_or(Way::None, |inverse| {
            let after = begun.iter().skip(at + 1).filter(|later| later.connection == entry.connection && later.command == inverse.command);
            let mut back = after.filter(|later| items.iter().any(|item| later.items.contains(item)));
            let well = |later: &&&&AuditEntry| end(later).is_some_and(|state| state != ReturnData::Failed.as_str());
            match back.find(|later| well(&later)) {
                Some(later) => Way::Taken { at: later.time },
                None => Way::Open { command: inverse.command.clone(), condition: inverse.condition.clone() },
            }
        });
        Action {
            time: entry.time,
            actor: entry.actor.clone(),
            title: command.map_or_else(|| entry.command.clone(), |command| command.title.clone()),
            connection,
            events: events.into_iter().filter_map(|(id, _)| id?.parse().ok()).collect(),
            items,
            state,
            undo,
        }
    };
    begun.iter().enumerate().filter(|(_, entry)| entry.time >= from).map(action).collect()
}

/// How each event was closed last, where it was not opened again.
fn decided<'a>(entries: impl Iterator<Item = &'a AuditEntry>) -> BTreeMap<i64, Option<Disposition>> {
    let mut decided = BTreeMap::new();
    for entry in entries {
        let verdict = entry.arguments.get("disposition").and_then(Value::as_str).and_then(Disposition::parse);
        for id in entry.items.iter().filter_map(|item| item.strip_prefix("event ")?.parse::<i64>().ok()) {
            match entry.command.as_str() {
                "event close" => {
                    decided.insert(id, verdict);
                }
                "event judge" => {
                    decided.entry(id).and_modify(|was| *was = verdict);
                }
                "event take" | "event reopen" => {
                    decided.remove(&id);
                }
                _ => {}
            }
        }
    }
    decided
}

/// How many were closed as what, and the true positives with what was noted on them.
async fn closed(runner: &Runner, decided: &BTreeMap<i64, Option<Disposition>>) -> Result<(Vec<(String, usize)>, Vec<Item>), StoreError> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    decided.values().for_each(|disposition| *counts.entry(verdict(*disposition)).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let true_positives = decided.iter().filter(|(_, verdict)| **verdict == Some(Disposition::TruePositive)).map(|(id, _)| *id);
    let mut found = Vec::new();
    for stored in runner.store().events_of(true_positives.collect()).await? {
        let note = runner.store().notes(stored.id).await?.into_iter().max_by_key(|note| note.time).map(|note| note.text);
        found.push(Item { note, ..item(stored) });
    }
    Ok((counts, found))
}

async fn gaps(runner: &Runner) -> Result<Vec<Gap>, StoreError> {
    let blind = |name: &str| Gap {
        connection: name.to_owned(),
        source: String::new(),
        from: None,
        to: None,
        reason: "it is misconfigured, so nothing is fetched; nightdesk config check says why".into(),
    };
    let mut gaps: Vec<Gap> = runner.misconfigured().iter().map(|one| blind(&one.name)).collect();
    let usable = runner.connections().iter().map(|opened| &opened.connection.name);
    for name in usable.chain(runner.misconfigured().iter().map(|one| &one.name)) {
        for coverage in runner.store().coverage(name).await? {
            gaps.extend(coverage.gaps.into_iter().map(|gap| Gap {
                connection: name.clone(),
                source: coverage.source.clone(),
                from: Some(gap.from),
                to: Some(gap.to),
                reason: format!("{} ({})", gap.reason, if gap.lasting { "for good" } else { "will be asked for again" }),
            }));
        }
    }
    Ok(gaps)
}
