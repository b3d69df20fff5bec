//! Events in the formats that leave the house: JSON Lines, CSV, Markdown, OCSF. Values were written by attackers; each format makes them
//! harmless in its own way.

use serde_json::{Value, json};

use super::entity::EntityKind;
use super::event::{Disposition, Severity, Status, StoredEvent};
use super::mapping::scalar;
use super::text::{defanged, formula_safe, markdown_safe};

/// A format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One event a line, as `events` prints it.
    Jsonl,
    /// A table whose cells are no formulas and hold nothing that cannot be seen.
    Csv,
    /// A page to read, with links defanged.
    Markdown,
    /// OCSF Detection Findings (class 2004), one a line.
    Ocsf,
}

impl Format {
    /// Every format with its name.
    pub const ALL: [(&'static str, Self); 4] =
        [("jsonl", Self::Jsonl), ("csv", Self::Csv), ("markdown", Self::Markdown), ("ocsf", Self::Ocsf)];

    /// The format of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }
}

/// An event as `events` prints it (contract, What `events` prints).
pub fn line(stored: &StoredEvent) -> Value {
    let event = &stored.event;
    json!({
        "id": stored.id, "connection": stored.connection, "vendor": stored.vendor, "event_type": event.event_type, "key": event.key,
        "title": event.title, "severity": event.severity, "severity_origin": event.severity_origin, "vendor_severity": event.vendor_severity,
        "status": stored.status, "vendor_status": event.vendor_status, "occurred_at": event.occurred_at, "updated_at": event.updated_at,
        "first_seen_at": stored.first_seen_at, "assignee": stored.taken_by.as_ref().or(event.assignee.as_ref()),
        "disposition": stored.disposition, "drift": stored.drifted(), "cases": stored.cases, "entities": event.entities, "fields": event.fields, "raw": event.raw,
    })
}

/// Events in a format, ready to be written.
pub fn export(events: &[StoredEvent], format: Format) -> String {
    match format {
        Format::Jsonl => lines(events.iter().map(line)),
        Format::Ocsf => lines(events.iter().map(ocsf)),
        Format::Csv => csv(events),
        Format::Markdown => markdown(events),
    }
}

fn lines(values: impl Iterator<Item = Value>) -> String {
    values.map(|value| value.to_string() + "\n").collect()
}

const HEADINGS: [&str; 13] = [
    "id",
    "occurred_at",
    "severity",
    "status",
    "disposition",
    "vendor",
    "connection",
    "event_type",
    "title",
    "assignee",
    "entities",
    "key",
    "fields",
];

fn csv(events: &[StoredEvent]) -> String {
    let quote = |text: &str| format!("\"{}\"", formula_safe(text).replace('"', "\"\""));
    let mut out = HEADINGS.map(quote).join(",") + "\r\n";
    for stored in events {
        let event = &stored.event;
        let entities =
            event.entities.iter().map(|entity| format!("{} {}", entity.kind.as_str(), entity.value)).collect::<Vec<_>>().join("; ");
        let fields = event.fields.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect::<Vec<_>>().join("; ");
        let cells = [
            stored.id.to_string(),
            event.occurred_at.to_string(),
            event.severity.as_str().into(),
            stored.status.as_str().into(),
            stored.disposition.map_or("", Disposition::as_str).into(),
            stored.vendor.clone(),
            stored.connection.clone(),
            event.event_type.clone(),
            event.title.clone(),
            stored.taken_by.clone().or_else(|| event.assignee.clone()).unwrap_or_default(),
            entities,
            event.key.clone(),
            fields,
        ];
        out.push_str(&cells.map(|cell| quote(&cell)).join(","));
        out.push_str("\r\n");
    }
    out
}

fn markdown(events: &[StoredEvent]) -> String {
    let safe: fn(&str) -> String = |text| markdown_safe(&defanged(text));
    let mut out = format!("# {} events\n\n", events.len());
    for stored in events {
        let event = &stored.event;
        out.push_str(&format!("## {} {}\n\n", stored.id, safe(&event.title)));
        let mut row = |name: &str, value: &str, shown: fn(&str) -> String| {
            if !value.is_empty() {
                out.push_str(&format!("- **{}**: {}\n", safe(name), shown(value)));
            }
        };
        // Our own time, not the vendor's text: its dots are no addresses.
        row("occurred", &event.occurred_at.to_string(), markdown_safe);
        row("severity", event.severity.as_str(), safe);
        row("status", stored.status.as_str(), safe);
        row("disposition", stored.disposition.map_or("", Disposition::as_str), safe);
        row("source", &format!("{} {} {}", stored.vendor, stored.connection, event.event_type), safe);
        row("key", &event.key, safe);
        for entity in &event.entities {
            row(entity.kind.as_str(), &entity.value, safe);
        }
        for (name, value) in &event.fields {
            row(name, &text(value), safe);
        }
        out.push('\n');
    }
    out
}

/// An event as an OCSF 1.x Detection Finding; what has no place there is in `unmapped`.
fn ocsf(stored: &StoredEvent) -> Value {
    let event = &stored.event;
    let severity_id = match event.severity {
        Severity::Unknown => 0,
        Severity::Informational => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    };
    let status_id = match stored.status {
        Status::New => 1,
        Status::InProgress => 2,
        Status::Closed => 4,
    };
    let observables: Vec<Value> = event
        .entities
        .iter()
        .map(|entity| {
            let type_id = match entity.kind {
                EntityKind::Host => 1,
                EntityKind::Ip => 2,
                EntityKind::User => 4,
                EntityKind::Mail => 5,
                EntityKind::Url => 6,
                EntityKind::File => 7,
                EntityKind::Hash => 8,
                EntityKind::Device => 20,
                _ => 99,
            };
            json!({"name": entity.path, "type": entity.kind, "type_id": type_id, "value": entity.value})
        })
        .collect();
    json!({
        "class_uid": 2004, "class_name": "Detection Finding", "category_uid": 2, "category_name": "Findings", "activity_id": 1, "type_uid": 200_401,
        "time": event.occurred_at.as_millisecond(), "severity_id": severity_id, "severity": event.severity, "status_id": status_id, "status": stored.status,
        "finding_info": {"uid": event.key, "title": event.title, "types": [event.event_type], "created_time": event.occurred_at.as_millisecond(),
            "first_seen_time": stored.first_seen_at.as_millisecond()},
        "metadata": {"version": "1.3.0", "product": {"name": stored.vendor, "vendor_name": stored.vendor}, "log_provider": "nightdesk", "uid": stored.id.to_string()},
        "observables": observables, "raw_data": event.raw.to_string(),
        "unmapped": {"connection": stored.connection, "fields": event.fields, "disposition": stored.disposition, "vendor_severity": event.vendor_severity},
    })
}

fn text(value: &Value) -> String {
    scalar(value).unwrap_or_else(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::event::Event;

    fn hostile() -> StoredEvent {
        let event = Event {
            title: "=HYPERLINK(\"https://evil.example\")<script>alert(1)</script> [x](https://evil.example)".into(),
            key: "@SUM(1)".into(),
            occurred_at: "2026-03-01T10:00:00.598Z".parse().unwrap(),
            ..Event::default()
        };
        StoredEvent { id: 7, vendor: "wiz".into(), event, ..StoredEvent::default() }
    }

    #[test]
    fn no_cell_of_a_csv_is_a_formula() {
        let text = export(&[hostile()], Format::Csv);
        let row = text.lines().nth(1).unwrap();
        assert!(row.contains("\"'=HYPERLINK(\"\"https") && row.contains("\"'@SUM(1)\""), "{row}");
    }

    #[test]
    fn markdown_holds_no_link_and_no_markup_of_the_vendor() {
        let text = export(&[hostile()], Format::Markdown);
        assert!(text.contains(&markdown_safe(&hostile().event.occurred_at.to_string())), "our own times stay as they are: {text}");
        assert!(!text.contains("https://") && !text.replace("\\<", "").contains('<') && !text.contains("](h"), "{text}");
    }

    #[test]
    fn ocsf_is_a_detection_finding() {
        let value: Value = serde_json::from_str(&export(&[hostile()], Format::Ocsf)).unwrap();
        assert_eq!((value["class_uid"].as_i64(), value["finding_info"]["uid"].as_str()), (Some(2004), Some("@SUM(1)")));
    }
}
