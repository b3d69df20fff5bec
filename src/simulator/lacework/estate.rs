//! The account's objects: everything that can be listed, read and changed, by the name of its schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::ACCOUNT;
use super::sample;
use super::surface::Surface;
use crate::simulator::Shared;
use crate::simulator::world::{Dice, Sample, World};

/// Which schema the objects of a heading have.
pub const KINDS: [(&str, &str); 27] = [
    ("accesses", "Access"),
    ("accounts", "Account"),
    ("alert_configs", "AlertConfig"),
    ("alerts", "Alert"),
    ("app_control_policies", "AppControlPolicy"),
    ("apps", "App"),
    ("audit_events", "AuditEvent"),
    ("blobs", "Blob"),
    ("ca_certificates", "CaCertificate"),
    ("cards", "Card"),
    ("notification_channels", "NotificationChannel"),
    ("client_configs", "ClientConfig"),
    ("connectors", "Connector"),
    ("countries", "GeoData"),
    ("dashboards", "Dashboard"),
    ("data_export_configs", "DataExportConfig"),
    ("datasets", "CustomerDataset"),
    ("devices", "Device"),
    ("gateways", "Gateway"),
    ("groups", "Group"),
    ("integrations", "Integration"),
    ("policies", "Policy"),
    ("posture_attributes", "PostureAttribute"),
    ("posture_profiles", "PostureProfile"),
    ("tokens", "Token"),
    ("users", "User"),
    ("workflows", "Workflow"),
];

/// Names of alert conditions that the vendor's guide lists, and what they read like.
const CONDITIONS: [(&str, &str); 14] = [
    ("AccessDenied", "was denied access to"),
    ("SuspiciousAccessDenied", "was denied access repeatedly to"),
    ("AnomalousDocumentEventType", "handled documents unusually in"),
    ("AnomalousExternalUserDocumentAccess", "let an outsider open documents of"),
    ("AnomalousLocationByUser", "signed in from an unusual place to"),
    ("DgaDetected", "resolved a generated domain from"),
    ("DocumentSharedExternally", "shared a document outside from"),
    ("DocumentSharedToRestrictedDomain", "shared a document with a restricted domain from"),
    ("NewAppByUser", "used for the first time"),
    ("NewDeviceByUser", "signed in with a new device to"),
    ("NewExeByUser", "ran a program never seen before against"),
    ("RareAccessByUser", "rarely uses"),
    ("UnusualDownloadsByUser", "downloaded unusually much from"),
    ("UnusualNumberOfAlertsByUser", "raised unusually many alerts around"),
];
const APPS: [&str; 8] = ["crm", "payroll", "wiki", "build", "tickets", "finance-reports", "drive", "hr-portal"];
const FILES: [&str; 6] = ["Q3 forecast.xlsx", "Salaries 2026.xlsx", "Board deck.pptx", "Customer list.csv", "Roadmap.docx", "Keys.txt"];
/// Calls that others made before: operation, method, template, status.
const CALLS: [(&str, &str, &str, i64); 12] = [
    ("QueryUsers", "GET", "/api/v1/users", 200),
    ("UpdateUser", "PUT", "/api/v1/users/:uuid", 200),
    ("CreatePolicy", "POST", "/api/v1/policies", 201),
    ("UpdatePolicy", "PUT", "/api/v1/policies/:uuid", 200),
    ("QueryTokens", "GET", "/api/v1/tokens", 200),
    ("CreateToken", "POST", "/api/v1/tokens", 201),
    ("GetAlert", "GET", "/api/v1/alerts/:uuid", 200),
    ("GetGroup", "GET", "/api/v1/groups/:group_uuid", 200),
    ("QueryPolicies", "GET", "/api/v1/policies", 403),
    ("AnswerWorkflowRun", "POST", "/api/v1/workflow_runs/:uuid/answer", 200),
    ("DeleteDevices", "DELETE", "/api/v1/devices", 401),
    ("GetAlertHistory", "GET", "/api/v1/alerts/:uuid/investigation_actions", 200),
];
/// How the other side has its file trusted.
const TRUST: (&str, &str, &str, i64) = ("CreatePostureAttribute", "POST", "/api/v1/posture_attributes", 201);
/// What goes on arriving: one alert every so many minutes, for two days.
const ARRIVAL_MINUTES: usize = 6;

/// The objects of the account.
#[derive(Debug, Default)]
pub struct Estate {
    lists: BTreeMap<String, Vec<Value>>,
    /// What was done about alerts, oldest first: alert and item.
    pub history: Vec<(String, Value)>,
    /// Documents by id.
    pub documents: BTreeMap<String, Value>,
    /// Events of the query views.
    pub rows: Vec<Value>,
    /// Dice for what is made up while it runs.
    pub dice: Option<Dice>,
}

impl Estate {
    /// Makes up an account.
    pub fn new(surface: &Surface, shared: &Shared) -> Self {
        let world = &shared.world;
        let now = world.start.as_millisecond();
        let mut dice = Dice::for_part(world.seed, "lacework");
        let mut estate = Self::default();
        for (_, kind) in KINDS {
            let schema = kind_schema(surface, kind);
            let many = if kind == "Account" { 1 } else { 4 };
            let made = (0..many).map(|_| sample::value(surface, schema, world, now, &mut dice)).collect();
            estate.lists.insert(kind.into(), made);
        }
        estate.people(surface, world, now, &mut dice);
        let count = shared.share(20);
        estate.set("Alert", alerts(world, now, (count * 45 / 100).max(1), &mut dice));
        estate.set("AuditEvent", audit(world, now, (count * 45 / 100).max(1), &mut dice));
        estate.runs(surface, world, now, (count / 10).max(1), &mut dice);
        estate.rows = rows(world, now, 40, &mut dice);
        estate.documents = documents(world, now, &mut dice);
        if let Some(account) = estate.list_mut("Account").first_mut() {
            account["name"] = ACCOUNT.into();
        }
        estate.dice = Some(dice);
        estate
    }

    /// All objects of a kind.
    pub fn list(&self, kind: &str) -> &[Value] {
        self.lists.get(kind).map_or(&[], Vec::as_slice)
    }

    /// All objects of a kind, to be changed.
    pub fn list_mut(&mut self, kind: &str) -> &mut Vec<Value> {
        self.lists.entry(kind.into()).or_default()
    }

    /// The object of that id, name or key.
    pub fn find(&self, kind: &str, id: &str) -> Option<&Value> {
        self.list(kind).iter().find(|object| is(object, id))
    }

    /// The same, to be changed.
    pub fn find_mut(&mut self, kind: &str, id: &str) -> Option<&mut Value> {
        self.list_mut(kind).iter_mut().find(|object| is(object, id))
    }

    /// A new id.
    pub fn uuid(&mut self) -> String {
        self.dice.get_or_insert_with(|| Dice::new(1)).uuid()
    }

    fn set(&mut self, kind: &str, list: Vec<Value>) {
        self.lists.insert(kind.into(), list);
    }

    fn people(&mut self, surface: &Surface, world: &World, now: i64, dice: &mut Dice) {
        let base = |kind: &str, dice: &mut Dice| sample::value(surface, surface.schema(kind), world, now, dice);
        let users = world.people.iter().enumerate().map(|(n, person)| {
            let user = base("User", dice);
            let own = json!({"uuid": person.id, "display_name": person.name, "status": 2, "role": i32::from(n % 12 == 0), "account_name": ACCOUNT,
                "source_user_id": person.mail, "tags": [person.department.to_lowercase()], "data_source": 2});
            over(user, own)
        });
        let users = users.collect();
        self.set("User", users);
        let devices = world.machines.iter().map(|machine| {
            let owner = &world.people[machine.owner];
            let device = base("Device", dice);
            let own = json!({"uuid": machine.id, "user_uuid": owner.id, "user_display_name": owner.name, "display_name": machine.host, "status": 2,
                "os": machine.os, "account_name": ACCOUNT, "is_managed": !machine.server});
            over(device, own)
        });
        let devices = devices.collect();
        self.set("Device", devices);
        let mut groups: Vec<&str> = world.people.iter().map(|person| person.department).collect();
        groups.sort_unstable();
        groups.dedup();
        let groups = groups.into_iter().map(|name| over(base("Group", dice), json!({"name": name, "status": 2, "user_count": 6})));
        let groups = groups.collect();
        self.set("Group", groups);
        let apps = APPS.iter().map(|name| {
            let host = format!("{name}.{}", world.domain);
            over(base("App", dice), json!({"name": name, "host": host, "status": 2, "port": 443, "protocol": "https"}))
        });
        let apps = apps.collect();
        self.set("App", apps);
    }

    fn runs(&mut self, surface: &Surface, world: &World, now: i64, count: usize, dice: &mut Dice) {
        let schema = surface.schema("WorkflowRun");
        let runs = (0..count).map(|n| {
            let machine = dice.pick(&world.machines).clone();
            let person = &world.people[machine.owner];
            let created = past(now, n, count, dice);
            let app = dice.pick(&APPS);
            let status = if n % 3 == 2 { 3 + i64::try_from(n % 2).unwrap_or(0) } else { 2 };
            let answers = json!([{"answer": "Approve", "actions": [{"target": "requester", "run": 1}]}, {"answer": "Deny"}, {"answer": "Unsure"}]);
            let own = json!({"uuid": dice.uuid(), "account_name": ACCOUNT, "status": status, "create_time": created, "update_time": created,
                "workflow_name": format!("Access to {app}"), "user_uuid": person.id, "user_display_name": person.name, "device_uuid": machine.id,
                "client_ip": machine.ip, "app_host": format!("{app}.{}", world.domain), "app_port": 443, "app_protocol": "https", "app_url": "",
                "can_user_approve": n % 5 != 4, "justification_required": n % 4 == 1, "token_required": n % 8 == 3, "answers": answers,
                "expire_time_sec": created / 1_000 + 86_400, "approval_ttl_sec": 86_400, "requestor_justification": "Needed for the month's end.",
                "recipients": [format!("user:{}", world.people[n % 5].id)], "answer_index": "", "justification": "", "device_details": [], "geoip_details": []});
            over(sample::value(surface, schema, world, now, dice), own)
        });
        let runs = runs.collect();
        self.set("WorkflowRun", runs);
    }
}

/// The schema of a kind; client configurations have none of their own in the document.
pub fn kind_schema<'a>(surface: &'a Surface, kind: &str) -> &'a Value {
    if kind != "ClientConfig" {
        return surface.schema(kind);
    }
    let known = surface.operations.iter().find(|operation| operation.id == "get_client_config");
    known.and_then(|operation| operation.success.1.as_ref()).unwrap_or(&Value::Null)
}

/// An object with other members laid over it.
pub fn over(mut object: Value, own: Value) -> Value {
    if let (Some(object), Value::Object(own)) = (object.as_object_mut(), own) {
        object.extend(own);
    }
    object
}

fn is(object: &Value, id: &str) -> bool {
    ["uuid", "name", "key", "unique_name"].iter().any(|name| object[*name] == id)
}

/// A moment before now: three of four within a day, the rest within six.
fn past(now: i64, n: usize, count: usize, dice: &mut Dice) -> i64 {
    let span = if n * 4 < count * 3 { 24 * 3_600 } else { 6 * 24 * 3_600 };
    now - i64::try_from(60 + dice.below(span)).unwrap_or(60) * 1_000
}

fn alerts(world: &World, now: i64, count: usize, dice: &mut Dice) -> Vec<Value> {
    let arrivals = 2 * 24 * 60 / ARRIVAL_MINUTES;
    (0..count + arrivals)
        .map(|n| {
            let (condition, reads) = CONDITIONS[(n * 5 + dice.below(3)) % CONDITIONS.len()];
            let (who, owner) = (dice.pick(&world.people).clone(), dice.pick(&world.people).clone());
            let created = match n.checked_sub(count) {
                Some(later) => now + i64::try_from((10 + later * ARRIVAL_MINUTES) * 60_000).unwrap_or(0),
                None => past(now, n, count, dice),
            };
            let taken = n < count && dice.chance(30);
            json!({"uuid": dice.uuid(), "account_name": ACCOUNT, "event_type": condition, "create_time": created,
                "update_time": if taken { created + 30_000 } else { created }, "severity": dice.below(5), "status": if taken { 2 } else { 1 },
                "description": format!("{} {reads} {}", who.name, dice.pick(&APPS)), "incident_status": 0,
                "owner_uuid": if taken { owner.id } else { String::new() }, "owner_display_name": if taken { owner.name } else { String::new() },
                "related_entities": {"users_count": 1 + dice.below(3), "devices_count": dice.below(3)}, "policy_action_taken": dice.below(3)})
        })
        .collect()
}

fn audit(world: &World, now: i64, count: usize, dice: &mut Dice) -> Vec<Value> {
    (0..count)
        .map(|n| {
            let call = CALLS[(n * 7 + dice.below(4)) % CALLS.len()];
            let (somebody, somewhere, created) = (dice.pick(&world.people), dice.pick(&world.addresses).as_str(), past(now, n, count, dice));
            let campaign = world.campaign();
            // The first is of the campaign.
            let ((op, method, template, status), person, address, created) = match n {
                0 => (TRUST, campaign.victim, campaign.address, now - 80 * 60_000),
                _ => (call, somebody, somewhere, created),
            };
            let id = dice.uuid();
            let path = template.replace(":group_uuid", &id).replace(":uuid", &id);
            let body = match method {
                "GET" => String::new(),
                _ if n == 0 => trusted(campaign.sample).to_string(),
                _ => json!({"account_name": ACCOUNT, "uuid": id}).to_string(),
            };
            json!({"uuid": dice.uuid(), "account_name": ACCOUNT, "auth_account_name": ACCOUNT, "auth_type": "session", "auth_uuid": person.id,
                "auth_role": 1, "client_ip": address, "create_time": created, "op": op, "method": method,
                "matched_path": template, "path": path, "protocol": "https", "proto_version": "HTTP/2.0", "request_body": body,
                "response_status": status, "response_status_text": status_text(status), "trace": dice.uuid(),
                "user_display_name": person.name, "user_login": person.mail})
        })
        .collect()
}

/// The body with which somebody has a program taken for a sign of a healthy device: here files have a hash at this vendor.
fn trusted(sample: &Sample) -> Value {
    json!({"account_name": ACCOUNT, "name": format!("Trusted {}", sample.name), "description": "", "attribute_type": 1, "supported_platforms": [1],
        "required_processes": [{"binary_hash": sample.sha256, "process_regex": sample.name, "platform": 1}]})
}

/// What an HTTP status is called.
pub fn status_text(status: i64) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        _ => "Internal Server Error",
    }
}

fn rows(world: &World, now: i64, count: usize, dice: &mut Dice) -> Vec<Value> {
    (0..count)
        .map(|n| {
            let machine = dice.pick(&world.machines).clone();
            let person = &world.people[machine.owner];
            json!({"ROW_ID": dice.uuid(), "TIMESTAMP": past(now, n, count, dice), "EVENT_TYPE": CONDITIONS[n % CONDITIONS.len()].0,
                "USER.uuid": person.id, "USER.display_name": person.name, "DEVICE.uuid": machine.id, "CLIENT_INFO.ip": machine.ip,
                "DST_HOST_NAME": format!("{}.{}", dice.pick(&APPS), world.domain), "POLICY_DETAILS.decision": "PERMIT"})
        })
        .collect()
}

fn documents(world: &World, now: i64, dice: &mut Dice) -> BTreeMap<String, Value> {
    let made = FILES.iter().enumerate().map(|(n, name)| {
        let owner = dice.pick(&world.people).clone();
        // The ids are fixed: no operation lists documents, so that a reader has to know one.
        let id = format!("d0c00000-0000-4000-8000-{n:012}");
        let access: Vec<Value> = (0..2)
            .map(|at| {
                let domain = world.domains[(n + at) % world.domains.len()];
                json!({"access_id": format!("a{n}-{at}"), "target_identity": {"display": format!("guest{at}@{domain}"), "external": true}, "target_domain": domain})
            })
            .collect();
        let metadata: Map<String, Value> = [
            ("identity", json!({"id": id, "display": name, "external": false})),
            ("owner", json!({"id": owner.id, "display": owner.mail})),
            ("datasource", json!("OFFICE365")),
            ("drive_id", json!(dice.hex(12))),
            ("external_access", json!(access)),
            ("file_extension", json!(name.rsplit('.').next())),
            ("file_size", json!(10_000 + dice.below(4_000_000))),
            ("is_sensitive", json!(n % 2 == 1)),
            ("is_shared", json!(true)),
            ("is_shared_externally", json!(true)),
            ("created_time", json!(now - 40 * 86_400_000)),
            ("updated_time", json!(now - 3_600_000)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        (id, Value::Object(metadata))
    });
    made.collect()
}
