//! What Lacework Edge is told of a decision: an investigation action on the alert.
//!
//! The vendor prints no names for the numbers of an alert's status and incident status (vendors/lacework-edge.md §5); only what the user
//! named under `[connection.options]` is sent.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::core::catalogue::{Look, Ruling, Telling, Words, WriteBack, arguments};
use crate::core::connection::Connection;
use crate::core::event::{Disposition, Event, Status};
use crate::core::mapping::scalar;

/// Numbers by our statuses, and by our dispositions.
pub const STATUS: &str = "enum.alert_status";
pub const INCIDENT_STATUS: &str = "enum.incident_status";

/// What an alert's status means here: closed where it says when it was, else by what the user named.
pub fn meaning(connection: &Connection, record: &Value) -> Option<Status> {
    let closed = record.get("closed_time").and_then(scalar).and_then(|time| time.parse::<i64>().ok());
    if closed.is_some_and(|time| time > 0) {
        return Some(Status::Closed);
    }
    let status = record.get("status").and_then(scalar)?;
    let named = connection.option(STATUS)?.as_object()?;
    named.iter().find(|(_, number)| scalar(number).as_ref() == Some(&status)).and_then(|(name, _)| Status::parse(name))
}

/// What a number reads like: `in progress (2)` where the user named it, else `unknown (7)`. What is no number says itself what it is.
fn worded(names: Option<&Value>, status: &str) -> String {
    if status.parse::<i64>().is_err() {
        return status.to_owned();
    }
    let known =
        names.and_then(Value::as_object).and_then(|names| names.iter().find(|(_, number)| scalar(number).as_deref() == Some(status)));
    format!("{} ({status})", known.map_or("unknown".into(), |(name, _)| name.replace('_', " ")))
}

/// Words for the status of a kind of event. An audit event's is the call's HTTP status.
pub fn words(kind: &str, connection: &Connection) -> Option<Words> {
    let names = match kind {
        "alerts" => connection.option(STATUS).cloned(),
        "workflow-runs" => None,
        _ => return None,
    };
    Some(Arc::new(move |status: &str| worded(names.as_ref(), status)))
}

/// How decisions about a kind of event are written back.
pub fn of(kind: &str, connection: &Connection) -> Result<WriteBack, &'static str> {
    match kind {
        "alerts" => {
            let (statuses, incident_statuses) = (connection.option(STATUS).cloned(), connection.option(INCIDENT_STATUS).cloned());
            let tell = move |ruling: &Ruling, event: &Event| {
                let named = |names: &Option<Value>, name: &str| names.as_ref().and_then(|names| names.get(name)).cloned();
                tell(ruling, event, statuses.as_ref(), |name| named(&statuses, name), |name| named(&incident_statuses, name))
            };
            Ok(WriteBack { tell: Arc::new(tell), look, watched: &[".status", ".incident_status", ".owner_display_name", ".severity"] })
        }
        "workflow-runs" => Err("A workflow run is answered, not closed: answer-workflow-run does that."),
        _ => Err("Audit events are records; they have no status that could be set."),
    }
}

fn look(event: &Event) -> Look {
    Look { command: "get-alert", arguments: arguments([("uuid", json!(event.key))]), record: "$" }
}

fn tell(
    ruling: &Ruling,
    event: &Event,
    names: Option<&Value>,
    status: impl Fn(&str) -> Option<Value>,
    incident_status: impl Fn(&str) -> Option<Value>,
) -> Result<Telling, String> {
    if event.vendor_means == Some(ruling.status) {
        return Err(format!("Lacework Edge has it as {} already.", ruling.status.as_str().replace('_', " ")));
    }
    let unnamed = |option: &str, name: &str| {
        format!(
            "The vendor prints no number for {name}; name it in connections.toml: [connection.options] {option} = {{ {name} = NUMBER }}."
        )
    };
    // As the vendor's next record spells it: the number, where it is known.
    let (action, sets, status) = if ruling.status == Status::Closed {
        let name = ruling.disposition.map_or("closed", Disposition::as_str);
        let number = incident_status(name).ok_or_else(|| unnamed(INCIDENT_STATUS, name))?;
        let sets = format!("closed (incident status {})", scalar(&number).unwrap_or_default());
        let closed = status("closed").and_then(|number| scalar(&number)).unwrap_or_else(|| "closed".into());
        (json!({"close_with_reason": {"incident_status": number, "note_text": ruling.note}}), sets, closed)
    } else {
        let name = ruling.status.as_str();
        let number = status(name).ok_or_else(|| unnamed(STATUS, name))?;
        let text = scalar(&number).unwrap_or_default();
        (json!({"alert_status_change": {"new_status": number}}), worded(names, &text), text)
    };
    let mut given = arguments([("uuid", json!(event.key)), ("action", action)]);
    // The vendor refuses it when somebody has changed the alert since.
    if let Some(seen) = event.raw.get("update_time").filter(|time| !time.is_null()) {
        given.insert("alert_update_time".into(), seen.clone());
    }
    Ok(Telling { command: "perform-investigation-action", arguments: given, status, sets, item: "uuid" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_the_user_named_are_sent() {
        let mut connection = Connection::default();
        connection.options.insert(INCIDENT_STATUS.into(), json!({"false_positive": 2}));
        connection.options.insert(STATUS.into(), json!({"in_progress": 7}));
        let raw = json!({"uuid": "a", "status": 1, "update_time": 5});
        let event = Event { key: "a".into(), vendor_means: meaning(&connection, &raw), raw, ..Event::default() };
        let told = |status, disposition| {
            let ruling = Ruling { status, disposition, note: "n".into() };
            (of("alerts", &connection).unwrap().tell)(&ruling, &event)
        };
        let closed = told(Status::Closed, Some(Disposition::FalsePositive)).unwrap();
        let expected =
            json!({"uuid": "a", "action": {"close_with_reason": {"incident_status": 2, "note_text": "n"}}, "alert_update_time": 5});
        assert_eq!(json!(closed.arguments), expected);
        assert!(told(Status::Closed, Some(Disposition::Benign)).unwrap_err().contains("enum.incident_status = { benign = NUMBER }"));
        let taken = told(Status::InProgress, None).unwrap();
        assert_eq!((taken.sets.as_str(), taken.status.as_str()), ("in progress (7)", "7"), "for people, and as the next record has it");
        let words = words("alerts", &connection).unwrap();
        let read = ["7", "3", "closed", "ALERT_OPEN"].map(|status| words(status));
        assert_eq!(read, ["in progress (7)", "unknown (3)", "closed", "ALERT_OPEN"]);
        assert_eq!(meaning(&connection, &json!({"status": "7"})), Some(Status::InProgress), "numbers come as texts too");
        assert_eq!(meaning(&connection, &json!({"status": 3, "closed_time": 9})), Some(Status::Closed));
    }
}
