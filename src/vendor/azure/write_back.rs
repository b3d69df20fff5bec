//! What Microsoft is told of a decision: the update of an alert with the note as its comment, or of an incident (templates T40, T41 and T43).
//! For incidents the page knows neither comments nor another place for a note.

use std::sync::Arc;

use serde_json::json;

use super::placeholders::encode;
use crate::core::catalogue::{Look, Ruling, Telling, WriteBack, arguments};
use crate::core::event::{Disposition, Event, Status};

const WATCHED: &[&str] = &[".status", ".classification", ".determination", ".assignedTo", ".severity"];

/// What a status of an alert or incident means here.
pub fn meaning(status: &str) -> Option<Status> {
    match status {
        "new" | "active" => Some(Status::New),
        "inProgress" => Some(Status::InProgress),
        // A redirected incident lives on in another.
        "resolved" | "redirected" => Some(Status::Closed),
        _ => None,
    }
}

/// How decisions about a source's events are written back.
pub fn of(source: &str) -> Result<WriteBack, &'static str> {
    match source {
        "alerts" => Ok(WriteBack {
            tell: Arc::new(|ruling, event| tell(ruling, event, "new", "graph-update-alert", ["alert_id", "alert_status"])),
            look: |event| look("alerts_v2", event),
            watched: WATCHED,
        }),
        "incidents" => Ok(WriteBack {
            tell: Arc::new(|ruling, event| tell(ruling, event, "active", "graph-update-incident", ["incident_id", "incident_status"])),
            look: |event| look("incidents", event),
            watched: WATCHED,
        }),
        _ => Err("Sign-ins and directory audits are records; they have no status that could be set."),
    }
}

fn look(kind: &str, event: &Event) -> Look {
    let path = format!("/v1.0/security/{kind}/{}", encode(&event.key));
    Look { command: "execute-http-request", arguments: arguments([("url_path", json!(path))]), record: "$.response_data" }
}

fn tell(
    ruling: &Ruling,
    event: &Event,
    open: &'static str,
    command: &'static str,
    [id, field]: [&'static str; 2],
) -> Result<Telling, String> {
    let (status, classification, determination) = match (ruling.status, ruling.disposition) {
        (Status::New, _) => (open, None, None),
        (Status::InProgress, _) => ("inProgress", None, None),
        (Status::Closed, Some(Disposition::FalsePositive)) => ("resolved", Some("falsePositive"), Some("clean")),
        (Status::Closed, Some(Disposition::Benign)) => ("resolved", Some("informationalExpectedActivity"), Some("other")),
        // What kind of attack it was, nobody said here.
        (Status::Closed, Some(Disposition::TruePositive)) => ("resolved", Some("truePositive"), None),
        (Status::Closed, _) => ("resolved", Some("unknown"), None),
    };
    match event.vendor_status.as_deref() {
        Some("redirected") => return Err("Microsoft has merged it into another incident; decide about that one.".into()),
        Some(now) if now == status => return Err(format!("Microsoft says {now} already.")),
        _ => {}
    }
    let mut given = arguments([(id, json!(event.key)), (field, json!(status))]);
    for (name, value) in [("classification", classification), ("determination", determination)] {
        given.extend(value.map(|value| (name.to_owned(), json!(value))));
    }
    if command == "graph-update-alert" && !ruling.note.trim().is_empty() {
        given.insert("comment".into(), json!(ruling.note));
    }
    let sets = classification.map_or_else(|| status.to_owned(), |classification| format!("{status} ({classification})"));
    Ok(Telling { command, arguments: given, status: status.into(), sets, item: id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_becomes_status_classification_and_determination() {
        let event = |status: &str| Event { key: "a-1".into(), vendor_status: Some(status.into()), ..Event::default() };
        let told = |source: &str, now: &str, status, disposition| {
            (of(source).unwrap().tell)(&Ruling { status, disposition, note: String::new() }, &event(now))
        };
        let closed = told("alerts", "new", Status::Closed, Some(Disposition::FalsePositive)).unwrap();
        let expected = json!({"alert_id": "a-1", "alert_status": "resolved", "classification": "falsePositive", "determination": "clean"});
        assert_eq!((json!(closed.arguments), closed.sets.as_str()), (expected, "resolved (falsePositive)"));
        let noted = |source: &str| {
            let ruling = Ruling { status: Status::Closed, disposition: Some(Disposition::Benign), note: "scanner".into() };
            (of(source).unwrap().tell)(&ruling, &event("active")).unwrap().arguments.get("comment").cloned()
        };
        assert_eq!((noted("alerts"), noted("incidents")), (Some(json!("scanner")), None));
        let reopened = told("incidents", "resolved", Status::New, None).unwrap();
        assert_eq!(json!(reopened.arguments), json!({"incident_id": "a-1", "incident_status": "active"}));
        assert!(told("alerts", "inProgress", Status::InProgress, None).unwrap_err().contains("already"));
        assert!(told("incidents", "redirected", Status::Closed, None).unwrap_err().contains("merged"));
        assert!(of("sign-ins").is_err());
    }
}
