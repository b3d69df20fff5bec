//! What Wiz is told of a decision: Update Issues, for issues only.

use std::sync::Arc;

use serde_json::json;

use super::NOTE;
use crate::core::catalogue::{Look, Ruling, Telling, WriteBack, arguments};
use crate::core::event::{Disposition, Event, Status};

/// What a status of Wiz's means here.
pub fn meaning(status: &str) -> Option<Status> {
    match status {
        "OPEN" => Some(Status::New),
        "IN_PROGRESS" => Some(Status::InProgress),
        "RESOLVED" | "REJECTED" => Some(Status::Closed),
        _ => None,
    }
}

/// How decisions about an event type are written back.
pub fn of(event_type: &str) -> Result<WriteBack, &'static str> {
    if event_type != "Issues" {
        return Err("Wiz has no command that changes a finding: Update Issues is for issues only.");
    }
    // What was written at Wiz and whom it concerns counts as much as the status.
    Ok(WriteBack { tell: Arc::new(tell), look, watched: &[".status", ".resolutionReason", ".severity", ".dueAt", ".notes[*].text"] })
}

fn look(event: &Event) -> Look {
    let wanted = json!({"id": [event.key]});
    // The command wants a window; an issue is older than none of these.
    let asked = [("event_type", json!("Issues")), ("start_time", json!("2015-01-01")), ("additional_filters", wanted)];
    Look { command: "fetch-event", arguments: arguments(asked), record: "$.data.nodes[0]" }
}

fn tell(ruling: &Ruling, event: &Event) -> Result<Telling, String> {
    let now = event.vendor_status.as_deref().unwrap_or_default();
    let (label, status, reason) = wanted(ruling)?;
    match (now, status) {
        (now, wanted) if now == wanted => return Err(format!("Wiz says {now} already.")),
        ("RESOLVED", _) => return Err("Wiz has resolved it itself after a scan, and opens it again when the cause comes back.".into()),
        ("REJECTED", "IN_PROGRESS") => return Err("It is REJECTED at Wiz; reopen it first.".into()),
        _ => {}
    }
    let mut given = arguments([("issue_ids", json!([event.key])), ("status", json!(label))]);
    if let Some(reason) = reason {
        given.insert("reject_reason".into(), json!(reason));
        let note = ruling.note.trim();
        let long = note.chars().count();
        if long > NOTE {
            return Err(format!("The note has {long} characters; Wiz takes {NOTE} at most."));
        }
        if !note.is_empty() {
            given.insert("note".into(), json!(note));
        }
    }
    let sets = reason.map_or_else(|| status.to_owned(), |reason| format!("{status} ({reason})"));
    Ok(Telling { command: "update-issues", arguments: given, status: status.into(), sets, item: "issue_ids" })
}

/// The command's label, the status and the reject reason that stand for a decision.
fn wanted(ruling: &Ruling) -> Result<(&'static str, &'static str, Option<&'static str>), String> {
    Ok(match (ruling.status, ruling.disposition) {
        (Status::New, _) => ("Open", "OPEN", None),
        (Status::InProgress, _) => ("In Progress", "IN_PROGRESS", None),
        (Status::Closed, Some(Disposition::FalsePositive)) => ("Rejected", "REJECTED", Some("False Positive")),
        (Status::Closed, Some(Disposition::Benign)) => ("Rejected", "REJECTED", Some("Exception")),
        (Status::Closed, Some(Disposition::TruePositive)) => {
            return Err("Wiz sets RESOLVED itself once a scan finds the cause gone; it cannot be set by hand.".into());
        }
        (Status::Closed, _) => {
            return Err("Wiz rejects an issue as False Positive, Exception or Won't Fix only; none of them says this.".into());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_legal_transitions_are_made_and_each_refusal_has_its_reason() {
        use Disposition as D;
        let event = |status: &str| Event { key: "i-1".into(), vendor_status: Some(status.into()), ..Event::default() };
        let told =
            |now: &str, status: Status, disposition: Option<D>| tell(&Ruling { status, disposition, note: "why".into() }, &event(now));
        let rejected = told("OPEN", Status::Closed, Some(D::FalsePositive)).unwrap();
        assert_eq!((rejected.sets.as_str(), rejected.status.as_str()), ("REJECTED (False Positive)", "REJECTED"));
        let expected = json!({"issue_ids": ["i-1"], "status": "Rejected", "reject_reason": "False Positive", "note": "why"});
        assert_eq!(json!(rejected.arguments), expected);
        let taken = told("OPEN", Status::InProgress, None).unwrap();
        assert_eq!(json!(taken.arguments), json!({"issue_ids": ["i-1"], "status": "In Progress"}), "a note goes with Rejected only");
        assert_eq!(told("REJECTED", Status::New, None).unwrap().sets, "OPEN");
        for (now, status, disposition, reason) in [
            ("OPEN", Status::Closed, Some(D::TruePositive), "cannot be set by hand"),
            ("OPEN", Status::Closed, Some(D::Duplicate), "none of them"),
            ("REJECTED", Status::Closed, Some(D::Benign), "already"),
            ("RESOLVED", Status::New, None, "after a scan"),
            ("REJECTED", Status::InProgress, None, "reopen it first"),
            ("OPEN", Status::New, None, "already"),
        ] {
            let refused = told(now, status, disposition).unwrap_err();
            assert!(refused.contains(reason), "{now} {status:?} {disposition:?}: {refused}");
        }
        let long = Ruling { status: Status::Closed, disposition: Some(D::Benign), note: "x".repeat(NOTE + 1) };
        assert!(tell(&long, &event("OPEN")).unwrap_err().contains("1400"));
        assert!(of("Vulnerability Findings").is_err());
    }
}
