//! Fetching: the Fetch Event command, and the sources behind `fetch`.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::api::Refused;
use super::events::{self, EventType, TYPES};
use super::list::{From, Stopped, Stretches, WHOLE, bounds};
use crate::core::catalogue::{Arguments, Fetched, Gap, Invalid, Page, Position, Window};
use crate::core::connection::Connection;
use crate::core::event::Event;
use crate::core::mapping::Mapping;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::talk::Talk;

/// What is said when the command fails (seed 001, Fetch Event).
const INDICATOR: &str = "Fetch Event failed.";
/// The most text, in bytes, that one run of the command brings; in memory it takes many times that.
const MOST_TEXT: usize = 24 << 20;
/// About how many records one stored page of a source holds.
const CHUNK: usize = 2_000;

/// The window of the command: from and to.
fn window(arguments: &Arguments) -> (Timestamp, Timestamp) {
    let to = arguments.time("end_time").unwrap_or_else(|| arguments.now());
    let from = arguments.time("start_time").unwrap_or_else(|| to - SignedDuration::from_hours(24));
    (from, to)
}

fn event_type(arguments: &Arguments) -> &'static EventType {
    static FIRST: &EventType = &TYPES[0];
    arguments.text("event_type").and_then(events::find).unwrap_or(FIRST)
}

/// Start Time must lie before End Time.
pub fn check_window(arguments: &Arguments) -> Result<(), Invalid> {
    let (from, to) = window(arguments);
    if from < to {
        return Ok(());
    }
    Err(Invalid::new("start_time", format!("Start Time must lie before End Time; {from} does not lie before {to}.")))
}

/// Findings have no status IN_PROGRESS that could be asked for.
pub fn check_statuses(arguments: &Arguments) -> Result<(), Invalid> {
    let kind = event_type(arguments);
    match arguments.texts("issue_statuses").iter().find(|status| !kind.statuses.contains(&status.as_str())) {
        None => Ok(()),
        Some(status) => {
            let message = format!("{} have the statuses {}; {status} is not one of them.", kind.name, kind.statuses.join(", "));
            Err(Invalid::new("issue_statuses", message))
        }
    }
}

/// What the arguments ask for beside the time: the filter, and which of its keys Additional Filters replaced.
fn filter(kind: &EventType, connection: &Connection, arguments: &Arguments, time: Value) -> (Map<String, Value>, Vec<String>) {
    let mut filter = Map::new();
    filter.insert(kind.clock.into(), time);
    let statuses = arguments.texts("issue_statuses");
    if !statuses.is_empty() {
        filter.insert("status".into(), Value::from(statuses));
    }
    if let Some(severity) = arguments.wire("severity") {
        let all = if let Value::Array(all) = severity { all } else { vec![severity] };
        let uncertain = connection.option_text(super::LOWEST).filter(|_| kind.type_name == "ConfigurationFinding");
        let lowest = uncertain.unwrap_or(kind.lowest);
        let spelt = |one: Value| if one == "INFORMATIONAL" { Value::from(lowest) } else { one };
        filter.insert("severity".into(), all.into_iter().map(spelt).collect());
    }
    let mut replaced = Vec::new();
    if let Some(Value::Object(additional)) = arguments.get("additional_filters") {
        for (key, value) in additional {
            if filter.insert(key.clone(), value.clone()).is_some() {
                replaced.push(key.clone());
            }
        }
    }
    (filter, replaced)
}

/// Fetch Event.
pub async fn fetch_event(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let kind = event_type(&arguments);
    let (from, to) = window(&arguments);
    let most = arguments.integer("number_of_events_fetched").and_then(|most| usize::try_from(most).ok());
    let (asked, replaced) = filter(kind, &connection, &arguments, json!({"after": from.to_string(), "before": to.to_string()}));
    let timed = !replaced.iter().any(|key| key == kind.clock);
    let gathered = gather(&talk, kind, asked, timed.then_some((from, to)), most).await;
    let (mut nodes, refused) = match gathered {
        Ok(nodes) => (nodes, None),
        Err(refused) => (Vec::new(), Some(refused)),
    };
    let found = nodes.len();
    nodes.sort_by(|a, b| kind.time(b).cmp(&kind.time(a)).then_with(|| id(a).cmp(id(b))));
    nodes.truncate(most.unwrap_or(usize::MAX));
    let mapping = kind.mapping();
    let events: Vec<Event> = nodes.iter().map(|node| kind.event(&mapping, node.clone(), talk.now())).collect();
    let texts = |name: &str| nodes.iter().map(|node| node.get(name).cloned().unwrap_or_default()).collect::<Vec<_>>();
    let state = match (&refused, nodes.is_empty()) {
        (Some(_), _) => ReturnData::Failed,
        (None, true) => ReturnData::SuccessfulWithNoEventData,
        (None, false) => ReturnData::Successful,
    };
    let mut outcome = Outcome::new(state)
        .key_field("EventIDs", texts("id"))
        .key_field("Statuses", texts("status"))
        .result("Start Time (UTC)", stamp(from))
        .result("End Time (UTC)", stamp(to))
        .result("Events Count", nodes.len());
    outcome.message = summary(kind, nodes.len(), found, &replaced);
    outcome.raw_data = json!({"data": {"nodes": nodes}});
    outcome.events = events;
    if let Some(refused) = refused {
        outcome.message.clone_from(&refused.failure.message);
        outcome.raw_data = refused.raw;
        outcome.errors.push(refused.failure);
    }
    outcome
}

fn summary(kind: &EventType, shown: usize, found: usize, replaced: &[String]) -> String {
    let mut text = match (shown, found) {
        (0, _) => format!("No {} found.", kind.name),
        (shown, found) if shown < found => format!("The newest {shown} {} by {}; there are more.", kind.name, kind.clock),
        _ => format!("{shown} {}, newest {} first.", kind.name, kind.clock),
    };
    if !replaced.is_empty() {
        text = format!("{text} Additional Filters replaced: {}.", replaced.join(", "));
    }
    text
}

fn id(node: &Value) -> &str {
    node.get("id").and_then(Value::as_str).unwrap_or_default()
}

/// A time as the document's summary prints it.
fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// All records that a filter lets pass, or at least the newest `most`. Without a window the list cannot be cut into stretches.
async fn gather(
    talk: &Talk,
    kind: &EventType,
    mut filter: Map<String, Value>,
    window: Option<(Timestamp, Timestamp)>,
    most: Option<usize>,
) -> Result<Vec<Value>, Box<Refused>> {
    let too_many = |total: usize| {
        let message = format!("{total} {} match, and Wiz gives no more than {WHOLE} for sure; narrow the filter.", kind.name);
        Box::new(Refused::nonsense(INDICATOR, message, Value::Null))
    };
    let (start, end) = window.unwrap_or((talk.now(), talk.now()));
    let mut stretches = Stretches::new(start, end, if most.is_some() { From::Newest } else { From::Oldest });
    let (mut nodes, mut seen, mut text): (Vec<Value>, HashSet<String>, usize) = (Vec::new(), HashSet::new(), 0);
    while let Some((from, to)) = stretches.next() {
        // The first bound stays as it was given; where a stretch was cut, the edge belongs to the later part.
        if window.is_some() && (from, to) != (start, end) {
            let mut time = bounds(from, to);
            if let (true, Some(after)) = (from == start, time.get_mut("after")) {
                *after = Value::from(start.to_string());
            }
            filter.insert(kind.clock.into(), time);
        }
        let walk = match kind.list.walk(talk, INDICATOR, &filter, WHOLE).await {
            Ok(walk) => walk,
            Err(Stopped::TooMany(total)) if window.is_some() && stretches.cut((from, to), total, WHOLE) => continue,
            Err(Stopped::TooMany(total)) => return Err(too_many(total)),
            Err(Stopped::Failed(refused)) => return Err(refused),
        };
        for node in walk.nodes {
            if seen.insert(id(&node).to_owned()) || id(&node).is_empty() {
                text += node.to_string().len();
                nodes.push(node);
            }
        }
        if text > MOST_TEXT {
            let message = format!(
                "The {} are more than {} MB of text, which is the limit of one run; narrow the time, or bring them with `nightdesk fetch`.",
                kind.name,
                MOST_TEXT >> 20
            );
            return Err(Box::new(Refused::nonsense(INDICATOR, message, Value::Null)));
        }
        if most.is_some_and(|most| nodes.len() >= most) {
            break;
        }
    }
    Ok(nodes)
}

/// Brings one event type into the store: stretch by stretch, oldest first, each stored with the time that it covers.
pub async fn fetch_source(talk: Talk, _: Arc<Connection>, window: Window) -> Fetched {
    let Some(kind) = events::find(&window.source) else {
        return Fetched::failed(&window, Failure::new(INDICATOR, format!("There is no event source {}.", window.source)));
    };
    let mapping = kind.mapping();
    let from = window.resume.as_ref().map_or(window.from, |resume| window.from.max(resume.time));
    let mut done = from;
    let mut delivered = 0;
    let mut stretches = Stretches::new(from, window.to, From::Oldest);
    while let Some(stretch) = stretches.next().filter(|(from, to)| from < to) {
        if window.max.is_some_and(|max| delivered >= max) {
            return Fetched { complete_to: Some(done), truncated: true, ..Fetched::default() };
        }
        let records = match read(&talk, kind, stretch, &mut stretches).await {
            Ok(Some(records)) => records,
            Ok(None) => continue,
            Err(failure) => {
                let gap = Gap { from: done, to: window.to, reason: failure.message.clone(), lasting: false };
                return Fetched { complete_to: Some(done), gaps: vec![gap], errors: vec![failure], ..Fetched::default() };
            }
        };
        let events = records.into_iter().map(|record| position(kind, &mapping, record, stretch.0, talk.now())).collect();
        let (events, cut) = window.select(events, delivered);
        delivered += events.len();
        // Only a fetch with a maximum ends in the middle of a stretch; any other begins again behind its watermark, where records may
        // have turned up since.
        let position = window.max.and_then(|_| events.last().map(|(position, _)| position.clone()));
        let events = events.into_iter().map(|(_, event)| event).collect();
        talk.deliver(Page { events, covered: (!cut).then_some(stretch), position }).await;
        if cut {
            return Fetched { complete_to: Some(done), truncated: true, ..Fetched::default() };
        }
        done = stretch.1;
    }
    Fetched { complete_to: Some(window.to), ..Fetched::default() }
}

/// The records of a stretch; nothing where it held too many and was put back in parts.
async fn read(
    talk: &Talk,
    kind: &EventType,
    stretch: (Timestamp, Timestamp),
    stretches: &mut Stretches,
) -> Result<Option<Vec<Value>>, Failure> {
    let filter = Map::from_iter([(kind.clock.to_owned(), bounds(stretch.0, stretch.1))]);
    let mut walked = kind.list.walk(talk, INDICATOR, &filter, CHUNK).await;
    if let Err(Stopped::TooMany(total)) = walked {
        if stretches.cut(stretch, total, CHUNK) {
            return Ok(None);
        }
        // A scan may write thousands of records with one time stamp.
        walked = kind.list.walk(talk, INDICATOR, &filter, WHOLE).await;
    }
    match walked {
        Ok(walk) => Ok(Some(walk.nodes)),
        Err(Stopped::Failed(refused)) => Err(refused.failure),
        Err(Stopped::TooMany(total)) => {
            let message = format!("{total} {} share less than a second, and Wiz gives no more than {WHOLE} of them for sure.", kind.name);
            Err(Failure::new(INDICATOR, message))
        }
    }
}

fn position(kind: &EventType, mapping: &Mapping, record: Value, from: Timestamp, now: Timestamp) -> (Position, Event) {
    let time = kind.time(&record).unwrap_or(from);
    let event = kind.event(mapping, record, now);
    (Position { time, key: event.key.clone() }, event)
}
