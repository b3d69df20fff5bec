//! Fetching: the Fetch Event command, and the sources behind `fetch`.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::events::{self, Kind, moment};
use super::{Api, secret_fields};
use crate::core::catalogue::{Arguments, Fetched, Gap, Page, Position, Window};
use crate::core::connection::Connection;
use crate::core::event::Event;
use crate::core::mapping::key_at;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::rows::rows;
use crate::core::talk::Talk;

/// How far an increment goes back: nothing says how late a record may turn up.
pub const OVERLAP: Duration = Duration::from_hours(2);
const INDICATOR: &str = "Fetch Event failed.";
/// The longest stretch that is asked for at once: lists have no pages, so the window is what keeps them short.
const STRETCH: SignedDuration = SignedDuration::from_hours(12);

/// Reads one stretch of a kind: each record once, the latest version of it.
async fn read(talk: &Talk, api: &Api, connection: &Connection, kind: &Kind, from: Timestamp, to: Timestamp) -> Result<Vec<Value>, Failure> {
    let times = [("start_time", from.as_millisecond().to_string()), ("end_time", to.as_millisecond().to_string())];
    let queries: Vec<Vec<(&str, String)>> = match kind.name {
        "alerts" => vec![[times.to_vec(), vec![("status_filter", String::new())]].concat()],
        "audit-events" => vec![times.to_vec()],
        // The filter is the only way to know what a run's status number means.
        _ => statuses(connection).into_iter().map(|status| vec![("status", status)]).collect(),
    };
    let mut latest: BTreeMap<String, Value> = BTreeMap::new();
    for query in queries {
        let answer = api.read(talk, kind.operation, &query, INDICATOR).await?;
        let records = rows(answer, kind.member).map_err(|what| Failure::new(INDICATOR, format!("The answer makes no sense: {what}.")))?;
        for record in records {
            let id = key_at(&record, ".uuid");
            if latest.get(&id).is_none_or(|known| moment(known, "update_time") <= moment(&record, "update_time")) {
                latest.insert(id, record);
            }
        }
    }
    Ok(latest.into_values().collect())
}

fn statuses(connection: &Connection) -> Vec<String> {
    let listed = connection.option("workflow_run_statuses").and_then(Value::as_array);
    let listed: Vec<String> = listed.into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect();
    if listed.is_empty() { vec!["PENDING".into()] } else { listed }
}

/// Where a record stands in a stretch: when it was made, or changed if it was made outside. What lies outside altogether was listed for a
/// time that we do not know of; it stands at the beginning.
fn position(record: &Value, from: Timestamp, to: Timestamp) -> Timestamp {
    let inside = |name: &str| moment(record, name).filter(|time| *time >= from && *time < to);
    inside("create_time").or_else(|| inside("update_time")).unwrap_or(from)
}

/// A source of `fetch`.
pub async fn fetch_source(talk: Talk, connection: Arc<Connection>, window: Window) -> Fetched {
    let Some(kind) = events::find(&window.source) else {
        return Fetched::failed(&window, Failure::new(INDICATOR, format!("There is no event source {}.", window.source)));
    };
    let api = match Api::of(&connection) {
        Ok(api) => api,
        Err(why) => return Fetched::failed(&window, Failure::new(INDICATOR, why)),
    };
    let secrets = secret_fields(&api.operations);
    let mapping = kind.mapping();
    let mut done = window.resume.as_ref().map_or(window.from, |resume| window.from.max(resume.time));
    let (mut delivered, mut seen) = (0, HashSet::new());
    while done < window.to {
        if window.max.is_some_and(|max| delivered >= max) {
            return Fetched { complete_to: Some(done), truncated: true, ..Fetched::default() };
        }
        // Runs have no window of their own: the list is read once.
        let end = if kind.name == "workflow-runs" { window.to } else { window.to.min(done.saturating_add(STRETCH).unwrap_or(window.to)) };
        let records = match read(&talk, &api, &connection, kind, done, end).await {
            Ok(records) => records,
            Err(failure) => {
                let gap = Gap { from: done, to: window.to, reason: failure.message.clone(), lasting: false };
                return Fetched { complete_to: Some(done), gaps: vec![gap], errors: vec![failure], ..Fetched::default() };
            }
        };
        let events: Vec<(Position, Event)> = records
            .into_iter()
            .map(|record| {
                let time = position(&record, done, end);
                let event = kind.event(&mapping, record, &connection, &secrets, talk.now());
                (Position { time, key: event.key.clone() }, event)
            })
            // Nothing says by which time a stretch is cut: two may list the same record.
            .filter(|(_, event)| !seen.contains(&(event.key.clone(), event.updated_at)))
            .collect();
        let (events, cut) = window.select(events, delivered);
        delivered += events.len();
        seen.extend(events.iter().map(|(_, event)| (event.key.clone(), event.updated_at)));
        let position = events.last().map(|(position, _)| position.clone());
        let events = events.into_iter().map(|(_, event)| event).collect();
        talk.deliver(Page { events, covered: (!cut).then_some((done, end)), position }).await;
        if cut {
            return Fetched { complete_to: Some(done), truncated: true, ..Fetched::default() };
        }
        done = end;
    }
    Fetched { complete_to: Some(window.to), ..Fetched::default() }
}

/// Fetch Event.
pub async fn fetch_event(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let Some(kind) = events::find(arguments.text("event_type").unwrap_or("alerts")) else {
        return Outcome::failed(Failure::new(INDICATOR, "There is no such event type."));
    };
    let to = arguments.time("end_time").unwrap_or_else(|| arguments.now());
    let from = arguments.time("start_time").unwrap_or_else(|| to.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(to));
    let api = match Api::of(&connection) {
        Ok(api) => api,
        Err(why) => return Outcome::failed(Failure::new(INDICATOR, why)),
    };
    let mut records = match read(&talk, &api, &connection, kind, from, to).await {
        Ok(records) => records,
        Err(failure) => return Outcome::failed(failure),
    };
    records.sort_by_key(|record| std::cmp::Reverse(position(record, from, to)));
    let most = arguments.integer("number_of_events_fetched").and_then(|most| usize::try_from(most).ok());
    records.truncate(most.unwrap_or(usize::MAX));
    let secrets = secret_fields(&api.operations);
    let mapping = kind.mapping();
    let found: Vec<Event> = records.iter().map(|record| kind.event(&mapping, record.clone(), &connection, &secrets, talk.now())).collect();
    let state = if records.is_empty() { ReturnData::SuccessfulWithNoEventData } else { ReturnData::Successful };
    let ids: Vec<&str> = found.iter().map(|event| event.key.as_str()).collect();
    let mut outcome = Outcome::new(state)
        .key_field("EventIDs", ids)
        .result("Start Time (UTC)", from.to_string())
        .result("End Time (UTC)", to.to_string())
        .result("Events Count", records.len())
        .message(format!("{} {} found.", records.len(), kind.name));
    outcome.raw_data = json!({"events": records});
    outcome.events = found;
    outcome
}
