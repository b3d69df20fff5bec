//! Detections: the Fetch Event command and the source behind `fetch`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::api::{self, Refused, page_size};
use super::wire_time;
use crate::core::catalogue::{Arguments, Command, Fetched, Gap, Invalid, Page, Parameter, Position, Quick, Source, TimeForm, Type, Window};
use crate::core::connection::Connection;
use crate::core::entity::EntityKind;
use crate::core::event::{Event, Severity, SeverityOrigin};
use crate::core::mapping::{Mapping, key_at, scalar, text_at};
use crate::core::outcome::{Outcome, ReturnData};
use crate::core::request::{Request, Trouble};
use crate::core::talk::Talk;

const FETCH: &str = "Fetch Event";
/// The event type of detections.
const DETECTIONS: &str = "Detections";
/// A device that was offline reports when it comes back: an increment looks so far behind the watermark.
const OVERLAP: Duration = Duration::from_hours(6);

/// Field mapping of the document (seed 002, Fetch Event Field Mapping), in its order.
const FIELDS: [(&str, &str); 23] = [
    ("Unique Event Key", ".uuid"),
    ("Start Time", ".occurTime"),
    ("Event category", ".category"),
    ("Description", ".responses.description"),
    ("Event name", ".displayName"),
    ("Device UUID", ".context.deviceUuid"),
    ("Process file path", ".context.process.path"),
    ("Username", ".context.userName"),
    ("Network Direction", ".networkCommunication.direction"),
    ("Local IP Address", ".networkCommunication.localIpAddress"),
    ("Local Port", ".networkCommunication.localPort"),
    ("Remote IP Address", ".networkCommunication.remoteIpAddress"),
    ("Remote port", ".networkCommunication.remotePort"),
    ("Protocol info", ".networkCommunication.protocolName"),
    ("Object Type", ".objectTypeName"),
    ("Object Name", ".objectName"),
    ("Object Hash SHA1", ".objectHashSha1"),
    ("Object URL", ".objectUrl"),
    ("Response Description", ".responses.description"),
    ("Response Name", ".responses.displayName"),
    ("Protection Name", ".responses.protectionName"),
    ("Severity", ".severityLevel"),
    ("Event Type", ".typeName"),
];

const ENTITIES: [(EntityKind, &str); 9] = [
    (EntityKind::Device, ".context.deviceUuid"),
    (EntityKind::Host, ".device.displayName"),
    (EntityKind::Hash, ".objectHashSha1"),
    (EntityKind::User, ".context.userName"),
    (EntityKind::Ip, ".networkCommunication.remoteIpAddress"),
    (EntityKind::Ip, ".networkCommunication.localIpAddress"),
    (EntityKind::File, ".objectName"),
    (EntityKind::File, ".context.process.path"),
    (EntityKind::Url, ".objectUrl"),
];

fn mapping() -> Mapping {
    Mapping::new("$.detections", &FIELDS, &ENTITIES)
}

/// The event source.
pub(super) fn source() -> Source {
    let source = Source::new(DETECTIONS, DETECTIONS, mapping(), OVERLAP, fetch)
        .write_back(Err("ESET PROTECT Cloud has no way to write back: none of its commands changes a detection."));
    source.quick(|_| {
        vec![
            Quick::new('i', "Isolate the device", "isolate-endpoints"),
            Quick::new('u', "Unisolate the device", "unisolate-endpoints"),
            Quick::new('s', "Scan the device", "on-demand-scan"),
            Quick::new('d', "Show the device", "get-endpoint-details"),
            Quick::new('t', "Tasks", "list-device-tasks"),
        ]
    })
}

/// Fetch Event.
pub(super) fn command() -> Command {
    let time = |label: &str, help: &str| Parameter::new(label, Type::Time(TimeForm::Rfc3339), help);
    Command::new(FETCH, "Brings detections, the oldest of the window first.", run)
        .permission("Read access to PROTECT")
        .parameter(time("Start Time", "Only detections at or after this, in UTC."))
        .parameter(time("End Time", "Only detections at or before this, in UTC.").required())
        .parameter(Parameter::new("Number of Event(s) Fetched", Type::integer(0, 1000), "The most detections; 0 brings all.").default(100))
        .parameter(super::devices::device_uuid("Only detections on this device."))
        .rule(|arguments| match (arguments.time("start_time"), arguments.time("end_time")) {
            (Some(start), Some(end)) if end < start => {
                Err(Invalid::new("end_time", format!("End Time ({end}) must not lie before Start Time ({start}).")))
            }
            _ => Ok(()),
        })
        .key_field("EventIDs", "$.detections[*].uuid")
        .count("Events Count")
}

/// Where detections are listed; v2 lists those of Cloud Office Security only, and takes no device (vendors/eset-connect.md §10.4).
fn path(connection: &Connection) -> String {
    format!("/{}/detections", connection.option_text("detections.api").unwrap_or("v1"))
}

async fn run(talk: Talk, connection: Arc<Connection>, arguments: Arguments) -> Outcome {
    let end = arguments.time("end_time").unwrap_or_else(|| arguments.now());
    let most = arguments.integer("number_of_events_fetched").and_then(|most| usize::try_from(most).ok()).filter(|most| *most > 0);
    // ESET's end is exclusive, the document's is not (vendors/eset-connect.md §10.4).
    let inclusive = connection.option_flag("fetch.end_inclusive");
    let until = if inclusive { end + SignedDuration::from_secs(1) } else { end };
    let mut request = Request::get("incident", path(&connection)).purpose("detections");
    if let Some(start) = arguments.time("start_time") {
        request = request.query("startTime", wire_time(start));
    }
    request = request.query("endTime", wire_time(until));
    if let Some(device) = arguments.text("device_uuid") {
        request = request.query("deviceUuid", device);
    }
    let size = most.map_or_else(|| page_size(&connection), |most| most.min(1000).to_string());
    let fits = |row: &Value| !inclusive || time_of(row).is_none_or(|time| time <= end);
    let enough = |rows: &[Value]| most.is_some_and(|most| rows.iter().filter(|row| fits(row)).count() >= most);
    match api::pages(&talk, &connection, request.query("pageSize", size), "detections", enough).await {
        Ok(mut answer) => {
            let mut rows = answer.get_mut("detections").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
            rows.retain(fits);
            let cut = most.is_some_and(|most| rows.len() > most) || text_at(&answer, ".nextPageToken").is_some();
            rows.truncate(most.unwrap_or(usize::MAX));
            outcome(answer, rows, cut, most, talk.now())
        }
        Err(refused) => Outcome::failed(refused.failure(&connection, FETCH, Some("Bad Request.".into()))),
    }
}

fn outcome(mut answer: Value, rows: Vec<Value>, cut: bool, most: Option<usize>, now: Timestamp) -> Outcome {
    let mapping = mapping();
    let events: Vec<Event> = rows.iter().map(|row| event(&mapping, row.clone(), now)).collect();
    let keys: Vec<String> = events.iter().map(|event| event.key.clone()).collect();
    let full = most.is_some_and(|most| rows.len() >= most);
    let state = if rows.is_empty() { ReturnData::SuccessfulWithNoEventData } else { ReturnData::Successful };
    let mut message = format!("{} detections.", rows.len());
    if cut || full {
        message.push_str(" The window may hold more: ESET brings the oldest first, so the newest are missing. Ask for a later window, or for all with 0.");
    }
    let count = rows.len();
    answer["detections"] = Value::Array(rows);
    let mut outcome = Outcome::new(state).raw(answer).key_field("EventIDs", keys).result("Events Count", count).message(message);
    outcome.events = events;
    outcome
}

/// Fetches a window page by page, oldest first, as ESET sorts it.
async fn fetch(talk: Talk, connection: Arc<Connection>, window: Window) -> Fetched {
    let mapping = mapping();
    let base = Request::get("incident", path(&connection))
        // Whole seconds on the wire: a little more is asked for on both sides, and cut off here.
        .query("startTime", wire_time(window.resume.as_ref().map_or(window.from, |resume| window.from.max(resume.time))))
        .query("endTime", wire_time(window.to + SignedDuration::from_secs(1)))
        .query("pageSize", page_size(&connection))
        .purpose("detections");
    let (mut token, mut delivered, mut reached, mut seen) = (String::new(), 0, window.from, HashSet::new());
    loop {
        let request = if token.is_empty() { base.clone() } else { base.clone().query("pageToken", token.as_str()) };
        let (rows, next) = match api::page(&talk, &connection, request, "detections").await {
            Ok(page) => (page.rows, page.next),
            Err(refused) => return stopped(&connection, &window, reached, &refused),
        };
        if !next.is_empty() && next == token {
            let twice =
                Refused::Trouble(Trouble::Transport("ESET gave the same page token twice; the list cannot be read to its end.".into()));
            return stopped(&connection, &window, reached, &twice);
        }
        let events: Vec<(Position, Event)> = rows
            .into_iter()
            .map(|row| event(&mapping, row, window.from))
            .filter(|event| event.occurred_at < window.to && seen.insert(event.key.clone()))
            .map(|event| (Position { time: event.occurred_at, key: event.key.clone() }, event))
            .collect();
        let newest = events.iter().map(|(position, _)| position.time).max().filter(|newest| *newest > window.from);
        let (events, cut) = window.select(events, delivered);
        let position = events.last().map(|(position, _)| position.clone());
        delivered += events.len();
        let covered = match (cut, newest, next.is_empty()) {
            (true, _, _) => position.as_ref().map(|position| (window.from, position.time)),
            (false, _, true) => Some((window.from, window.to)),
            (false, Some(newest), false) => Some((window.from, newest)),
            (false, None, false) => None,
        };
        reached = covered.map_or(reached, |(_, to)| to.max(reached));
        talk.deliver(Page { events: events.into_iter().map(|(_, event)| event).collect(), covered, position }).await;
        talk.progress(format!("{delivered} detections"), delivered, None).await;
        if cut {
            return Fetched { complete_to: Some(reached), truncated: true, ..Fetched::default() };
        }
        if next.is_empty() {
            return Fetched { complete_to: Some(window.to), ..Fetched::default() };
        }
        token = next;
    }
}

/// A fetch that ended early: what it reached stays, the rest is a gap.
fn stopped(connection: &Connection, window: &Window, reached: Timestamp, refused: &Refused) -> Fetched {
    let failure = refused.failure(connection, FETCH, Some("Bad Request.".into()));
    let gap = Gap { from: reached, to: window.to, reason: failure.message.clone(), lasting: false };
    let complete_to = (reached > window.from).then_some(reached);
    Fetched { complete_to, gaps: vec![gap], errors: vec![failure], ..Fetched::default() }
}

fn time_of(row: &Value) -> Option<Timestamp> {
    row.get("occurTime")?.as_str()?.parse().ok()
}

/// A detection as an event. `nil`, `0` and unspecified values mean that there is none (§3).
fn event(mapping: &Mapping, raw: Value, unless: Timestamp) -> Event {
    let some = |path: &str| text_at(&raw, path).filter(|text| !is_nothing(text));
    let severity = some(".severityLevel");
    let name = some(".displayName").or_else(|| some(".typeName")).unwrap_or_else(|| "Detection".into());
    let object = some(".objectName").or_else(|| some(".objectUrl")).or_else(|| some(".networkCommunication.remoteIpAddress"));
    let title = object.map_or_else(|| name.clone(), |object| format!("{name}: {object}"));
    let mut fields = mapping.fields_of(&raw);
    fields.retain(|_, value| !scalar(value).is_some_and(|text| is_nothing(&text)));
    let mut entities = mapping.entities_of(&raw);
    let is_web = |value: &str| value.starts_with("http://") || value.starts_with("https://");
    entities.retain(|entity| !is_nothing(&entity.value) && (entity.kind != EntityKind::Url || is_web(&entity.value)));
    let rank = severity.as_deref().and_then(severity_of);
    Event {
        event_type: DETECTIONS.into(),
        key: key_at(&raw, ".uuid"),
        title,
        severity: rank.unwrap_or_default(),
        severity_origin: if rank.is_some() { SeverityOrigin::Vendor } else { SeverityOrigin::None },
        vendor_severity: severity,
        vendor_status: some(".responses.displayName"),
        vendor_means: None,
        // One that tells no time is placed where it was found, so that it is neither lost nor taken for ancient.
        occurred_at: time_of(&raw).unwrap_or(unless),
        updated_at: None,
        assignee: None,
        entities,
        fields,
        raw,
    }
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "0" | "nil") || text.ends_with("_UNSPECIFIED")
}

/// ESET's levels; there is no critical one (§8).
fn severity_of(level: &str) -> Option<Severity> {
    Some(match level.trim_start_matches("SEVERITY_LEVEL_") {
        "HIGH" => Severity::High,
        "MEDIUM" => Severity::Medium,
        "LOW" => Severity::Low,
        "INFORMATIONAL" | "DIAGNOSTIC" => Severity::Informational,
        _ => return None,
    })
}
