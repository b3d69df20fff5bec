//! What feeds the queue, and how its records become events (vendors/lacework-edge.md §9).

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::write_back;
use crate::core::connection::Connection;
use crate::core::entity::EntityKind;
use crate::core::event::{Event, Severity, SeverityOrigin};
use crate::core::mapping::{Mapping, key_at, scalar, text_at};

/// One kind of event.
pub struct Kind {
    /// Name of the source and of the event type.
    pub name: &'static str,
    /// Operation that lists it.
    pub operation: &'static str,
    /// Member of the answer that holds the list.
    pub member: &'static str,
    fields: &'static [(&'static str, &'static str)],
    entities: &'static [(EntityKind, &'static str)],
}

/// The three kinds, in the order of the contract.
pub const KINDS: [Kind; 3] = [
    Kind {
        name: "alerts",
        operation: "query_alerts",
        member: "alerts",
        fields: &[
            ("Alert ID", ".uuid"),
            ("Condition", ".event_type"),
            ("Description", ".description"),
            ("Severity", ".severity"),
            ("Status", ".status"),
            ("Incident status", ".incident_status"),
            ("Policy action taken", ".policy_action_taken"),
            ("Owner", ".owner_display_name"),
            ("Users", ".related_entities.users_count"),
            ("Devices", ".related_entities.devices_count"),
            ("Created", ".create_time"),
            ("Updated", ".update_time"),
            ("Assigned", ".assignment_time"),
            ("Closed", ".closed_time"),
        ],
        entities: &[],
    },
    Kind {
        name: "audit-events",
        operation: "query_audit_events",
        member: "audit_events",
        fields: &[
            ("Event ID", ".uuid"),
            ("Operation", ".op"),
            ("Method", ".method"),
            ("Path", ".path"),
            ("Route", ".matched_path"),
            ("Response status", ".response_status"),
            ("User", ".user_display_name"),
            ("Login", ".user_login"),
            ("Signed in by", ".auth_type"),
            ("Client address", ".client_ip"),
            ("Trace", ".trace"),
            ("Created", ".create_time"),
        ],
        entities: &[(EntityKind::User, ".user_login"), (EntityKind::User, ".auth_uuid"), (EntityKind::Ip, ".client_ip")],
    },
    Kind {
        name: "workflow-runs",
        operation: "query_workflow_runs",
        member: "workflow_runs",
        fields: &[
            ("Run ID", ".uuid"),
            ("Workflow", ".workflow_name"),
            ("Requester", ".user_display_name"),
            ("App", ".app_host"),
            ("App URL", ".app_url"),
            ("Justification", ".requestor_justification"),
            ("Can be answered here", ".can_user_approve"),
            ("Justification required", ".justification_required"),
            ("Token required", ".token_required"),
            ("Answers", ".answers[*].answer"),
            ("Recipients", ".recipients[*]"),
            ("Client address", ".client_ip"),
            ("Created", ".create_time"),
            ("Updated", ".update_time"),
            ("Expires", ".expire_time_sec"),
        ],
        entities: &[
            (EntityKind::User, ".user_uuid"),
            (EntityKind::Device, ".device_uuid"),
            (EntityKind::Ip, ".client_ip"),
            (EntityKind::Host, ".app_host"),
        ],
    },
];

/// The kind of that name.
pub fn find(name: &str) -> Option<&'static Kind> {
    const ALL: &[Kind; 3] = &KINDS;
    ALL.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
}

/// A moment of a record. Below 1e11 it is seconds, up to 1e14 milliseconds, up to 1e17 microseconds; 0 is not set (§4).
pub fn moment(record: &Value, name: &str) -> Option<Timestamp> {
    let number: i64 = scalar(record.get(name)?)?.parse().ok()?;
    match number {
        ..=0 => None,
        1..100_000_000_000 => Timestamp::from_second(number).ok(),
        100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(number).ok(),
        100_000_000_000_000..100_000_000_000_000_000 => Timestamp::from_microsecond(number).ok(),
        _ => None,
    }
}

impl Kind {
    /// The mapping of fields and entities.
    pub fn mapping(&self) -> Mapping {
        Mapping::new(&format!("$.{}", self.member), self.fields, self.entities)
    }

    /// A record as an event; `received` stands in where it does not say when it happened.
    pub fn event(&self, mapping: &Mapping, mut record: Value, connection: &Connection, secrets: &[String], received: Timestamp) -> Event {
        mask_request(&mut record, secrets);
        let text = |path: &str| text_at(&record, path);
        let vendor_severity = (self.name == "alerts").then(|| text(".severity")).flatten();
        let (severity, severity_origin) = match self.name {
            "alerts" => named_severity(connection, vendor_severity.as_deref()),
            "audit-events" => (audit_severity(&record), SeverityOrigin::Derived),
            _ => (run_severity(&record, received), SeverityOrigin::Derived),
        };
        let title = match self.name {
            "alerts" => text(".description").or_else(|| text(".event_type").map(|name| spelled(&name))),
            "audit-events" => {
                let op = text(".op").or_else(|| Some(format!("{} {}", text(".method")?, text(".matched_path")?)));
                op.map(|op| {
                    format!("{op} by {}", text(".user_display_name").or_else(|| text(".user_login")).unwrap_or_else(|| "somebody".into()))
                })
            }
            _ => text(".workflow_name").map(|name| {
                let app = text(".app_url").or_else(|| match (text(".app_host"), text(".app_port")) {
                    (Some(host), Some(port)) => Some(format!("{host}:{port}")),
                    (host, _) => host.or_else(|| text(".webapp")),
                });
                let who = text(".user_display_name").unwrap_or_else(|| "somebody".into());
                format!("{name}: {who} to {}", app.unwrap_or_else(|| "an app".into()))
            }),
        };
        Event {
            event_type: self.name.into(),
            key: key_at(&record, ".uuid"),
            title: title.unwrap_or_else(|| format!("{} without a name", self.name)),
            severity,
            severity_origin,
            vendor_severity,
            vendor_means: if self.name == "alerts" { write_back::meaning(connection, &record) } else { None },
            vendor_status: text(if self.name == "audit-events" { ".response_status" } else { ".status" }),
            occurred_at: moment(&record, "create_time").or_else(|| moment(&record, "update_time")).unwrap_or(received),
            updated_at: moment(&record, "update_time"),
            assignee: text(".owner_display_name").or_else(|| text(".owner_uuid")),
            entities: mapping.entities_of(&record),
            fields: readable(mapping.fields_of(&record), &record),
            raw: record,
        }
    }
}

/// Times of mapped fields in a form that can be read.
fn readable(mut fields: Map<String, Value>, record: &Value) -> Map<String, Value> {
    for (name, member) in [
        ("Created", "create_time"),
        ("Updated", "update_time"),
        ("Assigned", "assignment_time"),
        ("Closed", "closed_time"),
        ("Expires", "expire_time_sec"),
    ] {
        if let (Some(field), Some(time)) = (fields.get_mut(name), moment(record, member)) {
            *field = time.to_string().into();
        }
    }
    fields
}

/// The body of an audited call is JSON in a text: what is secret in it is masked before anybody keeps it.
fn mask_request(record: &mut Value, secrets: &[String]) {
    let Some(mut body) = record["request_body"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) else { return };
    if mask(&mut body, secrets) {
        record["request_body"] = body.to_string().into();
    }
}

fn mask(value: &mut Value, secrets: &[String]) -> bool {
    match value {
        Value::Object(members) => members.iter_mut().fold(false, |changed, (name, member)| {
            if secrets.iter().any(|secret| secret == name) && !member.is_null() {
                *member = "***".into();
                return true;
            }
            mask(member, secrets) || changed
        }),
        Value::Array(items) => items.iter_mut().map(|item| mask(item, secrets)).fold(false, |all, one| all | one),
        _ => false,
    }
}

/// The vendor prints no scale: only what the user named is known (§5). A severity that comes as a word (`HIGH`, `SEVERITY_HIGH`) says it
/// itself.
fn named_severity(connection: &Connection, number: Option<&str>) -> (Severity, SeverityOrigin) {
    let names = connection.option("enum.alert_severity").and_then(Value::as_object);
    let name = number.and_then(|number| names.and_then(|names| names.get(number)?.as_str()).or_else(|| number.rsplit('_').next()));
    match name.and_then(Severity::parse) {
        Some(severity) => (severity, SeverityOrigin::Vendor),
        None => (Severity::Unknown, if number.is_some() { SeverityOrigin::Vendor } else { SeverityOrigin::None }),
    }
}

fn audit_severity(record: &Value) -> Severity {
    let status = text_at(record, ".response_status").unwrap_or_default();
    let method = text_at(record, ".method").unwrap_or_default();
    let route = text_at(record, ".matched_path").or_else(|| text_at(record, ".path")).unwrap_or_default();
    let guarded = ["token", "polic", "user", "device"].iter().any(|word| route.contains(word));
    match status.as_str() {
        "401" | "403" => Severity::Medium,
        _ if guarded && !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS") => Severity::Low,
        _ => Severity::Informational,
    }
}

fn run_severity(record: &Value, now: Timestamp) -> Severity {
    let left = moment(record, "expire_time_sec").map(|end| end.as_second() - now.as_second());
    if left.is_some_and(|left| (0..3_600).contains(&left)) { Severity::High } else { Severity::Medium }
}

/// `NewDeviceByUser` as `New device by user`.
fn spelled(name: &str) -> String {
    let mut out = String::new();
    for (at, c) in name.char_indices() {
        if c.is_uppercase() && at > 0 {
            out.push(' ');
            out.extend(c.to_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}
