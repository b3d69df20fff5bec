//! Alerts, incidents, sign-ins and directory audits of Microsoft Graph as event sources. The document has none: a connection brings
//! them only where `event_sources` names them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::answer;
use super::sign_in::GRAPH;
use super::write_back;
use crate::core::catalogue::{Fetched, Gap, Page, Position, Quick, Source, Window};
use crate::core::connection::Connection;
use crate::core::entity::EntityKind::{CloudResource, Device, Domain, File, Hash, Host, Ip, Mail, TenantObject, Url, User};
use crate::core::event::{Event, Severity, SeverityOrigin};
use crate::core::mapping::{Mapping, key_at, text_at};
use crate::core::outcome::Failure;
use crate::core::request::{Method, Request, Target};
use crate::core::talk::Talk;

/// The stretch that is fetched whole before it is stored: what breaks off loses no more than this.
const SLICE: SignedDuration = SignedDuration::from_hours(6);
/// More pages than this in one slice are an endless list.
const MOST_PAGES: usize = 2_000;
const FAILED: &str = "Fetch Event failed.";

/// One kind of record.
struct Kind {
    name: &'static str,
    event_type: &'static str,
    path: &'static str,
    /// The time that windows go by: the last change where there is one.
    clock: &'static str,
    /// When it happened.
    occurred: &'static str,
    top: u32,
    expand: Option<&'static str>,
    overlap: u64,
    mapping: fn() -> Mapping,
    describe: fn(&Value, &mut Event),
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "alerts",
        event_type: "Alerts",
        path: "/v1.0/security/alerts_v2",
        clock: "lastUpdateDateTime",
        occurred: "createdDateTime",
        top: 500,
        expand: None,
        overlap: 900,
        mapping: alert_mapping,
        describe: describe_alert,
    },
    Kind {
        name: "incidents",
        event_type: "Incidents",
        path: "/v1.0/security/incidents",
        clock: "lastUpdateDateTime",
        occurred: "createdDateTime",
        top: 50,
        // What an incident is about stands in its alerts.
        expand: Some("alerts"),
        overlap: 900,
        mapping: incident_mapping,
        describe: describe_incident,
    },
    Kind {
        name: "sign-ins",
        event_type: "Sign-Ins",
        path: "/v1.0/auditLogs/signIns",
        clock: "createdDateTime",
        occurred: "createdDateTime",
        top: 1_000,
        expand: None,
        // Sign-ins turn up minutes to an hour late.
        overlap: 3_600,
        mapping: sign_in_mapping,
        describe: describe_sign_in,
    },
    Kind {
        name: "directory-audits",
        event_type: "Directory Audits",
        path: "/v1.0/auditLogs/directoryAudits",
        clock: "activityDateTime",
        occurred: "activityDateTime",
        top: 1_000,
        expand: None,
        overlap: 3_600,
        mapping: audit_mapping,
        describe: describe_audit,
    },
];

/// The event sources.
pub fn sources() -> Vec<Source> {
    KINDS
        .iter()
        .map(|kind| {
            let mut source = Source::new(kind.name, kind.event_type, (kind.mapping)(), Duration::from_secs(kind.overlap), fetch);
            source.by_default = false;
            source.write_back(write_back::of(kind.name)).quick(quick(kind.name))
        })
        .collect()
}

/// What is offered on the events of a source.
fn quick(source: &str) -> fn(&Value) -> Vec<Quick> {
    match source {
        "alerts" => |_| {
            vec![
                Quick::new('s', "Change state", "graph-update-alert"),
                Quick::new('c', "Comment", "graph-comment-alert"),
                Quick::new('i', "Isolate the machine", "defender-isolate-machine"),
            ]
        },
        "incidents" => |_| vec![Quick::new('s', "Change state", "graph-update-incident")],
        "sign-ins" => |_| {
            vec![
                Quick::new('s', "Sign-ins of the user", "graph-sign-ins-of-user"),
                Quick::new('f', "Sign-ins from the address", "graph-sign-ins-from-ip"),
                Quick::new('r', "End all sessions of the user", "graph-revoke-sign-in-sessions"),
                Quick::new('e', "Disable or enable the account", "graph-set-account-enabled"),
                Quick::new('c', "Confirm as compromised", "graph-confirm-compromised"),
            ]
        },
        "directory-audits" => |_| vec![Quick::new('s', "Audits by the user", "graph-directory-audits-by-user")],
        _ => |_| Vec::new(),
    }
}

async fn fetch(talk: Talk, _connection: Arc<Connection>, window: Window) -> Fetched {
    let Some(kind) = KINDS.iter().find(|kind| kind.name == window.source) else {
        return Fetched::failed(&window, Failure::new(FAILED, format!("There is no event source {}.", window.source)));
    };
    let mapping = (kind.mapping)();
    let mut fetched = Fetched::default();
    let mut delivered = 0;
    // What lies wholly before the place where an earlier fetch stopped is stored already.
    let mut from = window.resume.as_ref().map_or(window.from, |at| at.time.clamp(window.from, window.to));
    while from < window.to {
        let to = (from + SLICE).min(window.to);
        let records = match slice(&talk, kind, from, to).await {
            Ok(records) => records,
            Err(failure) => {
                fetched.complete_to = Some(from);
                fetched.gaps.push(Gap { from, to: window.to, reason: failure.message.clone(), lasting: false });
                fetched.errors.push(failure);
                return fetched;
            }
        };
        let events = records.into_iter().map(|raw| event(kind, &mapping, raw, from));
        let events = events.filter(|(position, _)| (from..to).contains(&position.time)).collect();
        let (events, cut) = window.select(events, delivered);
        delivered += events.len();
        let position = events.last().map(|(position, _)| position.clone());
        let events = events.into_iter().map(|(_, event)| event).collect();
        let covered = (!cut).then_some((from, to));
        talk.deliver(Page { events, covered, position }).await;
        if cut {
            fetched.complete_to = Some(from);
            fetched.truncated = true;
            return fetched;
        }
        from = to;
    }
    fetched.complete_to = Some(window.to);
    fetched
}

/// Every record of a slice, all pages.
async fn slice(talk: &Talk, kind: &Kind, from: Timestamp, to: Timestamp) -> Result<Vec<Value>, Failure> {
    // Graph is asked in whole seconds; what that brings beyond the slice belongs to its neighbour and is dropped.
    let filter = format!("{0} ge {1} and {0} lt {2}", kind.clock, seconds(from), seconds(to + SignedDuration::from_secs(1)));
    let mut request = Request::get(GRAPH, kind.path).query("$filter", filter).query("$top", kind.top.to_string());
    if let Some(expand) = kind.expand {
        request = request.query("$expand", expand);
    }
    request = request.header("Accept", "application/json").purpose(format!("{} from {} to {}", kind.name, seconds(from), seconds(to)));
    let mut records = Vec::new();
    let (mut asked, mut ids) = (HashSet::new(), HashSet::new());
    for page in 1.. {
        let reply = talk.send(request).await.map_err(|trouble| trouble.failure(FAILED))?;
        if !reply.is_success() {
            let mut failure = Failure::new(FAILED, answer::reason(&reply)).status(reply.status);
            failure.request_id.clone_from(&reply.request_id);
            failure.hint = answer::hint(&reply).map(str::to_owned);
            return Err(failure);
        }
        let mut json =
            reply.json().map_err(|error| Failure::new(FAILED, format!("the answer is not JSON: {error}.")).status(reply.status))?;
        let Some(Value::Array(items)) = json.get_mut("value").map(Value::take) else {
            return Err(Failure::new(FAILED, "the answer holds no list \"value\".").status(reply.status));
        };
        if items.iter().any(|item| !item.is_object()) {
            return Err(Failure::new(FAILED, "the list \"value\" holds something that is no object.").status(reply.status));
        }
        records.extend(items.into_iter().filter(|item| ids.insert(key_at(item, ".id"))));
        let Some(next) = json.get("@odata.nextLink").and_then(Value::as_str).filter(|next| !next.is_empty()) else { break };
        if page >= MOST_PAGES || !asked.insert(next.to_owned()) {
            return Err(Failure::new(
                FAILED,
                format!("the list of {} does not end: page {page} leads back to one that was read.", kind.name),
            ));
        }
        request = Request::to(Method::Get, Target::Link(next.to_owned())).purpose(format!("page {} of {}", page + 1, kind.name));
    }
    Ok(records)
}

fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn time(raw: &Value, name: &str) -> Option<Timestamp> {
    raw.get(name)?.as_str()?.parse().ok()
}

/// A record as an event; one that tells no time is placed at the beginning of where it was found.
fn event(kind: &Kind, mapping: &Mapping, raw: Value, unless: Timestamp) -> (Position, Event) {
    let key = key_at(&raw, ".id");
    let clock = time(&raw, kind.clock).or_else(|| time(&raw, kind.occurred)).unwrap_or(unless);
    let mut event = Event {
        event_type: kind.event_type.into(),
        key: key.clone(),
        occurred_at: time(&raw, kind.occurred).unwrap_or(clock),
        updated_at: (kind.clock != kind.occurred).then_some(clock),
        fields: mapping.fields_of(&raw),
        entities: mapping.entities_of(&raw),
        ..Event::default()
    };
    (kind.describe)(&raw, &mut event);
    event.raw = raw;
    (Position { time: clock, key }, event)
}

/// The vendor's severity, if it is one that we know.
fn vendor_severity(raw: &Value, event: &mut Event) {
    if let Some(severity) = text_at(raw, "severity") {
        event.severity = Severity::parse(&severity).unwrap_or_default();
        event.severity_origin = if event.severity == Severity::Unknown { SeverityOrigin::None } else { SeverityOrigin::Vendor };
        event.vendor_severity = Some(severity);
    }
}

fn describe_alert(raw: &Value, event: &mut Event) {
    vendor_severity(raw, event);
    event.title = text_at(raw, "title").unwrap_or_else(|| "Alert without a title".into());
    event.vendor_status = text_at(raw, "status");
    event.vendor_means = event.vendor_status.as_deref().and_then(write_back::meaning);
    event.assignee = text_at(raw, "assignedTo");
}

fn describe_incident(raw: &Value, event: &mut Event) {
    vendor_severity(raw, event);
    event.title = text_at(raw, "displayName").unwrap_or_else(|| "Incident without a name".into());
    event.vendor_status = text_at(raw, "status");
    event.vendor_means = event.vendor_status.as_deref().and_then(write_back::meaning);
    event.assignee = text_at(raw, "assignedTo");
}

/// A sign-in has a risk level where Entra saw one; without one its result decides, and that is ours.
fn describe_sign_in(raw: &Value, event: &mut Event) {
    let code = raw.pointer("/status/errorCode").and_then(Value::as_i64).unwrap_or(0);
    let who = text_at(raw, "userPrincipalName").or_else(|| text_at(raw, "userDisplayName")).unwrap_or_else(|| "unknown user".into());
    let what = text_at(raw, "appDisplayName").unwrap_or_else(|| "unknown application".into());
    let from = text_at(raw, "ipAddress").map(|ip| format!(" from {ip}")).unwrap_or_default();
    let verb = if code == 0 { "Sign-in".to_owned() } else { format!("Failed sign-in ({code})") };
    event.title = format!("{verb}: {who} to {what}{from}");
    event.vendor_status =
        Some(if code == 0 { "success".into() } else { text_at(raw, "status.failureReason").unwrap_or_else(|| code.to_string()) });
    let risk = text_at(raw, "riskLevelDuringSignIn").or_else(|| text_at(raw, "riskLevelAggregated"));
    event.vendor_severity.clone_from(&risk);
    (event.severity, event.severity_origin) =
        match risk.as_deref().and_then(Severity::parse).filter(|severity| *severity > Severity::Informational) {
            Some(severity) => (severity, SeverityOrigin::Vendor),
            None if code == 0 => (Severity::Informational, SeverityOrigin::Derived),
            None => (Severity::Low, SeverityOrigin::Derived),
        };
}

/// Changes of rights, credentials and policies weigh more than others; the vendor has no severity.
fn describe_audit(raw: &Value, event: &mut Event) {
    let activity = text_at(raw, "activityDisplayName").unwrap_or_else(|| "Unknown activity".into());
    let who = text_at(raw, "initiatedBy.user.userPrincipalName").or_else(|| text_at(raw, "initiatedBy.app.displayName"));
    event.title = match &who {
        Some(who) => format!("{activity} by {who}"),
        None => activity.clone(),
    };
    event.vendor_status = text_at(raw, "result");
    let lower = activity.to_lowercase();
    let weighty = ["role", "consent", "credential", "secret", "conditional access"].iter().any(|word| lower.contains(word));
    event.severity = if weighty { Severity::Medium } else { Severity::Informational };
    event.severity_origin = SeverityOrigin::Derived;
}

fn alert_mapping() -> Mapping {
    Mapping::new(
        "$.value",
        &[
            ("Alert ID", ".id"),
            ("Rule name", ".title"),
            ("Description", ".description"),
            ("Category", ".category"),
            ("Severity", ".severity"),
            ("Status", ".status"),
            ("Classification", ".classification"),
            ("Determination", ".determination"),
            ("Service source", ".serviceSource"),
            ("Detection source", ".detectionSource"),
            ("Incident ID", ".incidentId"),
            ("Assigned to", ".assignedTo"),
            ("MITRE techniques", ".mitreTechniques[*]"),
            ("Threat", ".threatDisplayName"),
            ("User", ".evidence[*].userAccount.userPrincipalName"),
            ("Device", ".evidence[*].deviceDnsName"),
            ("IP address", ".evidence[*].ipAddress"),
            ("File", ".evidence[*].fileDetails.fileName"),
            ("Recommended actions", ".recommendedActions"),
            ("Web link", ".alertWebUrl"),
            ("Created", ".createdDateTime"),
            ("Last update", ".lastUpdateDateTime"),
        ],
        &[
            (Mail, ".evidence[*].userAccount.userPrincipalName"),
            (User, ".evidence[*].userAccount.accountName"),
            (User, ".evidence[*].userAccount.azureAdUserId"),
            (Ip, ".evidence[*].ipAddress"),
            (Ip, ".evidence[*].ipInterfaces[*]"),
            (Ip, ".evidence[*].senderIp"),
            (Host, ".evidence[*].deviceDnsName"),
            (Device, ".evidence[*].azureAdDeviceId"),
            (Device, ".evidence[*].mdeDeviceId"),
            (Hash, ".evidence[*].fileDetails.sha256"),
            (Hash, ".evidence[*].fileDetails.sha1"),
            (File, ".evidence[*].fileDetails.fileName"),
            (Url, ".evidence[*].url"),
            (Url, ".evidence[*].urls[*]"),
            (Mail, ".evidence[*].p1Sender.emailAddress"),
            (Mail, ".evidence[*].p2Sender.emailAddress"),
            (Domain, ".evidence[*].p2Sender.domainName"),
            (Mail, ".evidence[*].recipientEmailAddress"),
            (TenantObject, ".evidence[*].objectId"),
            (CloudResource, ".evidence[*].resourceId"),
        ],
    )
}

fn incident_mapping() -> Mapping {
    Mapping::new(
        "$.value",
        &[
            ("Incident ID", ".id"),
            ("Rule name", ".displayName"),
            ("Severity", ".severity"),
            ("Status", ".status"),
            ("Classification", ".classification"),
            ("Determination", ".determination"),
            ("Assigned to", ".assignedTo"),
            ("Custom tags", ".customTags[*]"),
            ("Summary", ".summary"),
            ("Web link", ".incidentWebUrl"),
            ("Created", ".createdDateTime"),
            ("Last update", ".lastUpdateDateTime"),
        ],
        &[
            (Mail, ".assignedTo"),
            (Mail, ".alerts[*].evidence[*].userAccount.userPrincipalName"),
            (User, ".alerts[*].evidence[*].userAccount.accountName"),
            (User, ".alerts[*].evidence[*].userAccount.azureAdUserId"),
            (Ip, ".alerts[*].evidence[*].ipAddress"),
            (Host, ".alerts[*].evidence[*].deviceDnsName"),
            (Device, ".alerts[*].evidence[*].azureAdDeviceId"),
            (Device, ".alerts[*].evidence[*].mdeDeviceId"),
            (Hash, ".alerts[*].evidence[*].fileDetails.sha256"),
            (Hash, ".alerts[*].evidence[*].fileDetails.sha1"),
            (File, ".alerts[*].evidence[*].fileDetails.fileName"),
            (Url, ".alerts[*].evidence[*].url"),
            (Mail, ".alerts[*].evidence[*].p2Sender.emailAddress"),
            (TenantObject, ".alerts[*].evidence[*].objectId"),
            (TenantObject, ".id"),
        ],
    )
}

fn sign_in_mapping() -> Mapping {
    Mapping::new(
        "$.value",
        &[
            ("Sign-in ID", ".id"),
            ("User", ".userPrincipalName"),
            ("Display name", ".userDisplayName"),
            ("Application", ".appDisplayName"),
            ("Resource", ".resourceDisplayName"),
            ("IP address", ".ipAddress"),
            ("Client", ".clientAppUsed"),
            ("Error code", ".status.errorCode"),
            ("Failure reason", ".status.failureReason"),
            ("Conditional access", ".conditionalAccessStatus"),
            ("Risk during sign-in", ".riskLevelDuringSignIn"),
            ("Risk state", ".riskState"),
            ("Device", ".deviceDetail.displayName"),
            ("Operating system", ".deviceDetail.operatingSystem"),
            ("Browser", ".deviceDetail.browser"),
            ("City", ".location.city"),
            ("Country", ".location.countryOrRegion"),
            ("Interactive", ".isInteractive"),
            ("Correlation ID", ".correlationId"),
            ("Created", ".createdDateTime"),
        ],
        &[
            (Mail, ".userPrincipalName"),
            (User, ".userId"),
            (Ip, ".ipAddress"),
            (Host, ".deviceDetail.displayName"),
            (Device, ".deviceDetail.deviceId"),
            (TenantObject, ".appId"),
        ],
    )
}

fn audit_mapping() -> Mapping {
    Mapping::new(
        "$.value",
        &[
            ("Audit ID", ".id"),
            ("Activity", ".activityDisplayName"),
            ("Category", ".category"),
            ("Result", ".result"),
            ("Result reason", ".resultReason"),
            ("Service", ".loggedByService"),
            ("Operation", ".operationType"),
            ("Initiated by", ".initiatedBy.user.userPrincipalName"),
            ("Initiated by application", ".initiatedBy.app.displayName"),
            ("IP address", ".initiatedBy.user.ipAddress"),
            ("Target", ".targetResources[*].displayName"),
            ("Target type", ".targetResources[*].type"),
            ("Correlation ID", ".correlationId"),
            ("Time", ".activityDateTime"),
        ],
        &[
            (Mail, ".initiatedBy.user.userPrincipalName"),
            (User, ".initiatedBy.user.id"),
            (Ip, ".initiatedBy.user.ipAddress"),
            (Mail, ".targetResources[*].userPrincipalName"),
            (TenantObject, ".targetResources[*].id"),
            (TenantObject, ".initiatedBy.app.servicePrincipalId"),
        ],
    )
}
