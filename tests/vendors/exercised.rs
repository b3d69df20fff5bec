//! Every command of the five source documents over real HTTP: what each asks for and the states it was seen in. `tests/exercised.md`
//! is made of it; `NIGHTDESK_TEST_RENEW=1 cargo test --test vendors exercised` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use nightdesk::core::catalogue::Effect;
use nightdesk::core::outcome::{Outcome, ReturnData};
use nightdesk::simulator::eset::READER;
use nightdesk::simulator::lacework::READER_TOKEN;
use nightdesk::simulator::wiz::ISSUES_ONLY;
use serde_json::{Value, json};

use crate::eset_faults::{NOBODY, as_user, machine};
use crate::support::{Desk, desk, desk_with};

const GOOD: &str = "Successful";
const PARTLY: &str = "Partially Successful";
/// With any status.
const FAILED: &str = "Failed";
const EMPTY: &str = "Successful with No Event Data";
/// The call was wrong: nothing was sent.
const REFUSED: &str = "refused unsent";
/// A document that the simulated tenant has.
const DOCUMENT: &str = "d0c00000-0000-4000-8000-000000000002";

/// What was seen of one command.
#[derive(Default)]
struct Row {
    requests: BTreeSet<String>,
    states: BTreeSet<String>,
}

/// What was seen of one vendor's commands, and what was not as expected.
#[derive(Default)]
struct Seen {
    rows: BTreeMap<String, Row>,
    wrong: Vec<String>,
}

impl Seen {
    /// Runs a command, and holds its state against what is expected: the state's name, with the status where it failed.
    async fn case(&mut self, desk: &Desk, command: &str, given: Value, expected: &str) -> Outcome {
        desk.take_sent();
        let row = self.rows.entry(command.to_owned()).or_default();
        let (outcome, state) = if desk.complaints(command, &given).is_empty() {
            let outcome = desk.run(command, given.clone()).await;
            let state = state_of(&outcome);
            (outcome, state)
        } else {
            (Outcome::new(ReturnData::Failed), REFUSED.to_owned())
        };
        let sent = desk.take_sent();
        // ESET answers some requests later, where a 404 is no news about the request; the words say so.
        let right = state == expected || (expected == FAILED && state.starts_with(FAILED));
        if !right || (state == REFUSED && !sent.is_empty()) {
            self.wrong.push(format!("{command} {given}: {state}, not {expected}: {:?}", outcome.errors));
        }
        row.requests.extend(sent.iter().map(|request| pattern(request)));
        row.states.insert(if expected == FAILED { FAILED.to_owned() } else { state });
        outcome
    }
}

fn state_of(outcome: &Outcome) -> String {
    match outcome.errors.first().and_then(|error| error.status_code) {
        Some(code) if outcome.return_data == ReturnData::Failed => format!("Failed {code}"),
        _ => outcome.return_data.as_str().to_owned(),
    }
}

/// A request with `{id}` where ids stand.
fn pattern(request: &str) -> String {
    let id = |segment: &str| !segment.contains(' ') && segment.chars().filter(char::is_ascii_digit).count() > 2;
    let segments: Vec<_> = request.split('/').map(|segment| if id(segment) { "{id}" } else { segment }).collect();
    segments.join("/")
}

/// Where a browser ends up when somebody signs in at this link.
async fn landed(link: &str) -> String {
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let answer = browser.get(link).send().await.unwrap();
    answer.headers()["location"].to_str().unwrap().to_owned()
}

async fn azure() -> Seen {
    let desk = desk("azure-api", 400, &[]).await;
    let mut seen = Seen::default();
    let request = "execute-http-request";
    seen.case(&desk, "ping", json!({}), GOOD).await;
    seen.case(&desk, request, json!({"url_path": "/v1.0/users"}), GOOD).await;
    let states = json!({"url_path": "/probe/states/3", "expected_response_values": {"state": "finished"}});
    seen.case(&desk, request, states, GOOD).await;
    seen.case(&desk, request, json!({"url_path": "/v1.0/users/nobody"}), "Failed 404").await;
    seen.case(&desk, request, json!({"url_path": "/v1.0/users", "request_timeout": 0}), REFUSED).await;
    let never = json!({"url_path": "/probe/states/900", "expected_response_values": {"state": "finished"}, "poll_timeout": 10});
    seen.case(&desk, request, never, "Failed 200").await;
    let shown = seen.case(&desk, "get-authorization", json!({}), GOOD).await;
    let landed = landed(shown.result[0].value.as_str().unwrap()).await;
    seen.case(&desk, "generate-token", json!({"authorization_url": "http://localhost/?x=1"}), REFUSED).await;
    let declined = json!({"authorization_url": "http://localhost/?error=access_denied"});
    seen.case(&desk, "generate-token", declined, "Failed").await;
    seen.case(&desk, "generate-token", json!({"authorization_url": landed}), GOOD).await;
    // A code works once, and no request is needed to know that.
    seen.case(&desk, "generate-token", json!({"authorization_url": landed}), "Failed").await;
    // The job is no command; it is a row of the document all the same.
    desk.renew("graph").await.unwrap();
    let job = Row { requests: BTreeSet::from(["POST /{tenant}/oauth2/v2.0/token".to_owned()]), states: BTreeSet::from([GOOD.to_owned()]) };
    seen.rows.insert("refresh-token-renewal (job)".into(), job);
    let wrong = desk_with("azure-api", 10, &[], |text| text.replace("client_id = \"", "client_id = \"0")).await;
    seen.case(&wrong, "ping", json!({}), "Failed 400").await;
    seen
}

async fn wiz() -> Seen {
    let desk = desk("wiz", 1_500, &[]).await;
    let mut seen = Seen::default();
    for event_type in ["Issues", "Cloud Configuration Findings", "Vulnerability Findings"] {
        seen.case(&desk, "fetch-event", json!({"event_type": event_type, "start_time": "-7d"}), GOOD).await;
    }
    let open = json!({"start_time": "-60d", "additional_filters": {"status": ["OPEN"]}});
    let id = seen.case(&desk, "fetch-event", open, GOOD).await.key_fields["EventIDs"][0].clone();
    seen.case(&desk, "fetch-event", json!({"start_time": "2001-01-01", "end_time": "2001-01-02"}), EMPTY).await;
    seen.case(&desk, "fetch-event", json!({"additional_filters": {"kind": 1}}), "Failed 400").await;
    seen.case(&desk, "fetch-event", json!({"number_of_events_fetched": 501}), REFUSED).await;
    seen.case(&desk, "add-issue-comments", json!({"issue_ids": [id], "note_text": "Seen."}), GOOD).await;
    seen.case(&desk, "add-issue-comments", json!({"issue_ids": [NOBODY], "note_text": "Seen."}), "Failed 404").await;
    seen.case(&desk, "add-issue-comments", json!({"issue_ids": [id]}), REFUSED).await;
    seen.case(&desk, "update-issues", json!({"issue_ids": [id], "status": "In Progress"}), GOOD).await;
    seen.case(&desk, "update-issues", json!({"issue_ids": [id, NOBODY], "status": "Open"}), PARTLY).await;
    seen.case(&desk, "update-issues", json!({"issue_ids": [NOBODY], "status": "Open"}), "Failed 404").await;
    seen.case(&desk, "update-issues", json!({"issue_ids": [id], "note": "only when rejecting"}), REFUSED).await;
    seen.case(&desk, "list-projects", json!({"impact": "High and Medium"}), GOOD).await;
    seen.case(&desk, "list-projects", json!({"impact": "Huge"}), REFUSED).await;
    seen.case(&desk, "test-connection", json!({}), GOOD).await;
    let narrow = |text: String| {
        let line = text.lines().find(|line| line.starts_with("client_secret")).unwrap().to_owned();
        text.replace("wiz-demo-client", ISSUES_ONLY.0).replace(&line, &format!("client_secret = \"{}\"", ISSUES_ONLY.1))
    };
    let narrow = desk_with("wiz", 200, &[], narrow).await;
    seen.case(&narrow, "list-projects", json!({}), "Failed 403").await;
    let nobody = desk_with("wiz", 10, &[], |text| text.replace("wiz-demo-client", "somebody")).await;
    seen.case(&nobody, "test-connection", json!({}), "Failed 401").await;
    seen
}

async fn management_activity() -> Seen {
    let desk = desk("management-activity", 1_500, &[]).await;
    let mut seen = Seen::default();
    let of = |content_type: &str| json!({"content_type": content_type});
    seen.case(&desk, "list-subscriptions", json!({}), GOOD).await;
    seen.case(&desk, "start-subscription", of("DLP.All"), GOOD).await;
    seen.case(&desk, "start-subscription", of("Audit.Nothing"), REFUSED).await;
    seen.case(&desk, "list-content", of("Audit.Exchange"), GOOD).await;
    seen.case(&desk, "list-content", json!({"content_type": "Audit.Exchange", "start_time": "-48h"}), REFUSED).await;
    seen.case(&desk, "stop-subscription", of("DLP.All"), GOOD).await;
    seen.case(&desk, "list-content", of("DLP.All"), "Failed 400").await;
    let shown = json!({"content_types": ["Audit.General"], "number_of_events_fetched": 20});
    seen.case(&desk, "fetch-event", shown, GOOD).await;
    let none = json!({"content_types": "Audit.General", "operations_filter": "NoSuchOperation"});
    seen.case(&desk, "fetch-event", none, EMPTY).await;
    seen.case(&desk, "test-connection", json!({}), GOOD).await;
    seen.case(&desk, "auth-reset", json!({}), GOOD).await;
    let coded = |text: String| text.replace("[connection.parameters]", "[connection.parameters]\nredirect_uri = \"http://localhost\"");
    let coded = desk_with("management-activity", 10, &[], coded).await;
    let shown = seen.case(&coded, "generate-login-url", json!({}), GOOD).await;
    let landed = landed(shown.raw_data["login_url"].as_str().unwrap()).await;
    seen.case(&coded, "use-authorization-code", json!({"authorization_code": "http://localhost/?error=access_denied"}), "Failed").await;
    seen.case(&coded, "use-authorization-code", json!({"authorization_code": landed}), GOOD).await;
    seen.case(&desk, "generate-login-url", json!({}), REFUSED).await;
    let nobody = desk_with("management-activity", 10, &[], |text| text.replace("client_id = \"", "client_id = \"0")).await;
    for command in ["test-connection", "list-subscriptions"] {
        seen.case(&nobody, command, json!({}), "Failed 400").await;
    }
    for command in ["start-subscription", "stop-subscription"] {
        seen.case(&nobody, command, of("Audit.Exchange"), "Failed 400").await;
    }
    seen
}

async fn eset() -> Seen {
    let desk = desk("eset-protect-cloud", 800, &[]).await;
    let reader = as_user(READER.0, READER.1).await;
    let mut seen = Seen::default();
    let order = |extra: Value, device: &str| {
        let mut given = json!({"task_name": "Case 4471", "task_description": "Seen on the phone", "device_uuids": [device]});
        given.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        given
    };
    let device = machine(&desk, 0).to_owned();
    let mut task = Value::Null;
    for (command, extra) in [
        ("isolate-endpoints", json!({})),
        ("unisolate-endpoints", json!({})),
        ("on-demand-scan", json!({"shutdown_enabled": true})),
        ("run-command", json!({"command_line": "whoami /all"})),
        ("shutdown-or-reboots-endpoints", json!({"restart": true})),
        ("stop-managing-endpoints", json!({})),
        ("uninstall-third-party-av-software", json!({})),
        ("update-operating-system", json!({"accept_eula": true})),
    ] {
        task = seen.case(&desk, command, order(extra.clone(), &device), GOOD).await.key_fields["TaskUUID"].clone();
        seen.case(&desk, command, order(extra.clone(), NOBODY), FAILED).await;
        seen.case(&reader, command, order(extra.clone(), machine(&reader, 0)), "Failed 403").await;
        let mut bare = order(extra, &device);
        bare["device_uuids"] = json!([]);
        seen.case(&desk, command, bare, REFUSED).await;
    }
    seen.case(&desk, "list-device-tasks", json!({}), GOOD).await;
    seen.case(&desk, "add-endpoints-to-task", json!({"task_uuid": task, "device_uuids": [machine(&desk, 1)]}), GOOD).await;
    seen.case(&desk, "add-endpoints-to-task", json!({"task_uuid": NOBODY, "device_uuids": [device]}), "Failed 404").await;
    seen.case(&desk, "add-endpoints-to-task", json!({"task_uuid": task}), REFUSED).await;
    let both = json!({"task_uuids": [task, NOBODY]});
    for command in ["list-task-history", "update-task-trigger"] {
        seen.case(&desk, command, json!({"task_uuids": [task]}), GOOD).await;
        seen.case(&desk, command, both.clone(), PARTLY).await;
        seen.case(&desk, command, json!({"task_uuids": [NOBODY]}), "Failed 400").await;
        seen.case(&desk, command, json!({}), REFUSED).await;
    }
    let policies = seen.case(&desk, "list-policies", json!({}), GOOD).await.key_fields["PolicyUUIDs"].clone();
    let groups = seen.case(&desk, "list-device-groups", json!({}), GOOD).await.key_fields["DeviceGroupUUIDs"].clone();
    let assign = |devices: Value| json!({"policy_uuid": policies[0], "device_uuids": devices});
    seen.case(&desk, "assign-policy-to-endpoints", assign(json!([device])), GOOD).await;
    seen.case(&desk, "assign-policy-to-endpoints", assign(json!([machine(&desk, 2), NOBODY])), PARTLY).await;
    seen.case(&desk, "assign-policy-to-endpoints", assign(json!([NOBODY])), "Failed 404").await;
    seen.case(&desk, "assign-policy-to-endpoints", assign(json!([])), REFUSED).await;
    let assigned =
        seen.case(&desk, "list-policy-assignments", json!({"device_uuids": [device]}), GOOD).await.raw_data["assignments"][0]["uuid"]
            .clone();
    let delete = |assignments: Value| json!({"policy_assignment_uuids": assignments});
    seen.case(&desk, "delete-policy-assignments", delete(json!([assigned, NOBODY])), PARTLY).await;
    seen.case(&desk, "delete-policy-assignments", delete(json!([assigned])), "Failed 400").await;
    let second = seen.case(&desk, "list-policy-assignments", json!({"device_uuids": [machine(&desk, 2)]}), GOOD).await;
    seen.case(&desk, "delete-policy-assignments", delete(json!([second.raw_data["assignments"][0]["uuid"]])), GOOD).await;
    seen.case(&desk, "delete-policy-assignments", delete(json!([])), REFUSED).await;
    for (command, name, good) in [
        ("get-device-group-endpoints", "device_group_uuids", groups[0].clone()),
        ("get-endpoint-details", "device_uuids", json!(machine(&desk, 1))),
    ] {
        seen.case(&desk, command, json!({name: [good]}), GOOD).await;
        seen.case(&desk, command, json!({name: [good, NOBODY]}), PARTLY).await;
        seen.case(&desk, command, json!({name: [NOBODY]}), "Failed 400").await;
        seen.case(&desk, command, json!({}), REFUSED).await;
    }
    seen.case(&desk, "fetch-event", json!({"start_time": "-7d", "end_time": "now"}), GOOD).await;
    seen.case(&desk, "fetch-event", json!({"start_time": "2001-01-01", "end_time": "2001-01-02"}), EMPTY).await;
    seen.case(&desk, "fetch-event", json!({"end_time": "now", "device_uuid": NOBODY}), "Failed 400").await;
    seen.case(&desk, "fetch-event", json!({}), REFUSED).await;
    seen.case(&desk, "test-connection", json!({}), GOOD).await;
    let nobody = as_user("nobody@northwind.example", "wrong").await;
    for command in ["test-connection", "list-device-tasks", "list-policies", "list-device-groups"] {
        seen.case(&nobody, command, json!({}), "Failed 400").await;
    }
    seen
}

async fn lacework() -> Seen {
    let desk = desk("lacework-edge", 2_000, &[]).await;
    let reader = |text: String| {
        let line = text.lines().find(|line| line.starts_with("api_token")).unwrap().to_owned();
        text.replace(&line, &format!("api_token = \"{READER_TOKEN}\""))
    };
    let reader = desk_with("lacework-edge", 2_000, &[], reader).await;
    let table = operations(&desk).await;
    let mut seen = Seen::default();
    for (command, given) in &table {
        let described = desk.entry.command(command).unwrap();
        // Signing in is the one change that a reader may make.
        if described.class.effect != Effect::Read && !command.ends_with("login") {
            seen.case(&reader, command, given.clone(), "Failed 403").await;
        }
        if given.get("uuid").is_some() {
            let mut unknown = given.clone();
            unknown["uuid"] = json!(NOBODY);
            seen.case(&desk, command, unknown, "Failed 404").await;
        }
        if !desk.complaints(command, &json!({})).is_empty() {
            seen.case(&desk, command, json!({}), REFUSED).await;
        }
        seen.case(&desk, command, given.clone(), GOOD).await;
    }
    seen
}

async fn first(desk: &Desk, command: &str, arguments: Value, list: &str) -> Value {
    let outcome = desk.run(command, arguments).await;
    assert_eq!(outcome.return_data, ReturnData::Successful, "{command}: {:?}", outcome.errors);
    outcome.raw_data[list][0].clone()
}

/// The 107 operations with what each is given.
async fn operations(desk: &Desk) -> Vec<(&'static str, Value)> {
    let span = json!({"start_time": "-7d", "end_time": "now"});
    let user = first(desk, "query-users", json!({}), "users").await["uuid"].clone();
    let alerts = desk.run("query-alerts", span.clone()).await.raw_data["alerts"].clone();
    let runs = desk.run("query-workflow-runs", json!({"status": "PENDING"})).await.raw_data["workflow_runs"].clone();
    let easy = |run: &&Value| run["can_user_approve"] == true && run["token_required"] != true && run["justification_required"] != true;
    let run = runs.as_array().unwrap().iter().find(easy).unwrap()["uuid"].clone();
    let device = first(desk, "query-user-devices", json!({"uuid": user}), "devices").await["uuid"].clone();
    let row = first(desk, "query-qs-view", json!({"view": "activity", "start_time": "-7d", "end_time": "now"}), "rows").await;
    let id = async |command: &str, list: &str| first(desk, command, json!({}), list).await["uuid"].clone();
    let names = json!({"resolveDisplayNames": "true"});
    let audit = first(desk, "query-audit-events", span.clone(), "audit_events").await["uuid"].clone();
    let blob = first(desk, "query-blobs", json!({"prefix": "key"}), "blobs").await["key"].clone();
    let connector = first(desk, "query-connectors", json!({}), "connectors").await["name"].clone();
    let config = desk.run("create-client-config", json!({"name": "x"})).await.raw_data["uuid"].clone();
    let export = id("query-data-export-configs", "data_export_configs").await;
    let policy = first(desk, "query-policies", json!({}), "policies").await["uuid"].clone();
    let access = first(desk, "query-accesses", json!({}), "accesses").await["uuid"].clone();
    let channel = first(desk, "query-notification-channels", names.clone(), "channels").await["uuid"].clone();
    let (app, group) = (id("query-apps", "apps").await, id("query-groups", "groups").await);
    let note = |alert: &Value| json!({"alert_uuid": alert["uuid"], "action": {"note": {"note_text": "seen"}}});
    vec![
        ("query-accesses", json!({})),
        ("create-access", json!({"description": "x", "status": "ACTIVE"})),
        ("update-access", json!({"uuid": access, "access": {"description": "y"}})),
        ("get-access", json!({"uuid": access})),
        ("get-account", json!({"name": "northwind"})),
        ("query-alert-configs", json!({})),
        ("create-alert-config", json!({"name": "rule", "recipients": ["user:x"]})),
        ("get-alert-config", json!({"uuid": id("query-alert-configs", "configs").await})),
        ("query-alerts", span.clone()),
        (
            "promote-event-to-alert",
            json!({"event_id": row["ROW_ID"], "start_time": "-7d", "end_time": "now", "bypass_notifications": true}),
        ),
        ("get-alert", json!({"uuid": alerts[0]["uuid"]})),
        ("get-alert-history", json!({"uuid": alerts[0]["uuid"]})),
        (
            "perform-investigation-action",
            json!({"uuid": alerts[0]["uuid"], "alert_update_time": alerts[0]["update_time"],
            "action": {"update_owner": {"owner_uuid": user}}}),
        ),
        ("perform-investigation-actions", json!({"investigation_actions": [note(&alerts[1]), note(&alerts[2])]})),
        ("query-app-control-policies", json!({"status": "ACTIVE"})),
        ("get-app-control-policy", json!({"uuid": id("query-app-control-policies", "app_control_policies").await})),
        ("update-app-control-policy", json!({"uuid": id("query-app-control-policies", "app_control_policies").await, "name": "z"})),
        ("create-app-control-policy", json!({"name": "no printing"})),
        ("query-apps", json!({"status": "ACTIVE"})),
        ("create-app", json!({"app": {"name": "new", "host": "new.northwind.example"}})),
        ("get-app", json!({"uuid": app})),
        ("deploy-app", json!({"app": {"name": "new"}})),
        ("query-audit-events", json!({"start_time": "-24h"})),
        ("get-audit-event", json!({"uuid": audit})),
        ("query-blobs", json!({"prefix": "key"})),
        ("create-blob", json!({"key": "notes/1", "data": "aGk=", "name": "note"})),
        ("get-blob", json!({"key": blob})),
        ("query-ca-certificates", json!({})),
        ("create-ca-certificate", json!({"public_key_pem": "-----BEGIN", "description": "x"})),
        ("get-ca-certificate", json!({"uuid": id("query-ca-certificates", "certificates").await})),
        ("update-ca-certificate", json!({"uuid": id("query-ca-certificates", "certificates").await, "description": "x"})),
        ("query-cards", json!({})),
        ("create-card", json!({"card": {"name": "x"}})),
        ("get-card", json!({"uuid": id("query-cards", "cards").await})),
        ("query-notification-channels", names.clone()),
        ("create-notification-channel", json!({"name": "soc", "recipients": ["user:x"]})),
        ("get-notification-channel", json!({"uuid": channel})),
        ("download-client-config", json!({})),
        ("create-client-config", json!({"name": "laptops", "enable_browser_proxy": 1})),
        ("get-client-config", json!({"uuid": config})),
        ("update-client-config", json!({"uuid": config, "name": "all laptops"})),
        ("query-connectors", json!({})),
        ("create-connector", json!({"unique_name": "dc-1", "name": "dc 1"})),
        ("get-connector", json!({"name": connector})),
        ("query-countries", json!({})),
        ("query-dashboards", json!({})),
        ("create-dashboard", json!({"dashboard": {"name": "x"}})),
        ("get-dashboard", json!({"uuid": id("query-dashboards", "dashboards").await})),
        ("query-data-export-configs", json!({})),
        ("create-data-export-config", json!({"s3_bucket_name": "logs"})),
        ("update-data-export-config", json!({"uuid": export, "data_export_types": [1]})),
        ("get-s3-bucket-policy", json!({"s3_bucket_name": "logs"})),
        ("validate-data-export-config", json!({"uuid": export})),
        ("query-datasets", json!({})),
        ("create-dataset", json!({})),
        ("get-dataset-items", json!({"uuid": id("query-datasets", "customer_datasets").await})),
        ("deploy-connector", json!({})),
        ("get-deployment-connector-options", json!({})),
        ("register-device", json!({"device_uuid": "d-1", "device": {"display_name": "new"}})),
        ("get-user-device", json!({"uuid": device, "user_uuid": user})),
        ("delete-devices", json!({"devices": [{"uuid": device, "user_uuid": user}]})),
        ("get-document-metadata", json!({"uuid": DOCUMENT})),
        ("revoke-document-access", json!({"uuid": DOCUMENT, "access_id": "a2-0"})),
        ("revoke-document-sharing", json!({"uuid": DOCUMENT, "external_only": true})),
        ("query-gateways", json!({})),
        ("query-groups", json!({})),
        ("get-group", json!({"uuid": group})),
        ("update-group", json!({"uuid": group, "description": "x"})),
        ("create-integration", json!({"display_name": "okta", "credentials": {"client_id": "a"}})),
        ("query-integrations", json!({})),
        ("update-integration", json!({"uuid": id("query-integrations", "integrations").await, "filter_domains": ["northwind.example"]})),
        ("validate-integration", json!({"uuid": id("query-integrations", "integrations").await})),
        ("login", json!({})),
        ("get-onboarding", json!({})),
        ("update-onboarding", json!({"onboarding": {"eula_signed": true}})),
        ("query-policies", json!({})),
        ("create-policy", json!({"name": "x", "status": 1})),
        ("get-policy", json!({"uuid": policy})),
        ("update-policy", json!({"uuid": policy, "policy": {"description": "x"}})),
        ("query-posture-attributes", json!({})),
        ("create-posture-attribute", json!({"name": "disk"})),
        ("get-posture-attribute", json!({"uuid": id("query-posture-attributes", "posture_attributes").await})),
        ("update-posture-attribute", json!({"uuid": id("query-posture-attributes", "posture_attributes").await, "name": "disks"})),
        ("query-posture-profiles", json!({})),
        ("create-posture-profile", json!({"name": "good"})),
        ("get-posture-profile", json!({"uuid": id("query-posture-profiles", "posture_profiles").await})),
        ("update-posture-profile", json!({"uuid": id("query-posture-profiles", "posture_profiles").await, "name": "better"})),
        ("query-qs-view", json!({"view": "activity", "start_time": "-7d", "end_time": "now"})),
        ("query-users-untitled", json!({})),
        ("create-temporary-access-token", json!({"user_uuid": user, "ttl_sec": 600})),
        ("token-login", json!({})),
        ("query-tokens", json!({"get_all": true})),
        ("create-token", json!({"name": "console"})),
        ("update-token", json!({"uuid": id("query-tokens", "tokens").await, "status": "SUSPENDED"})),
        ("query-users", json!({"status": "ACTIVE"})),
        ("create-user", json!({"user": {"display_name": "New One"}, "user_pii": {"email": "new@northwind.example"}})),
        ("get-user", json!({"uuid": user})),
        ("update-user", json!({"uuid": user, "user": {"status": 3}})),
        ("query-user-devices", json!({"uuid": user})),
        ("query-workflow-runs", json!({"status": "PENDING"})),
        ("create-workflow-run", json!({"workflow_run": {"workflow_name": "Access to crm"}})),
        ("get-workflow-run", json!({"uuid": run})),
        ("answer-workflow-run", json!({"uuid": run, "answer_index": "0"})),
        ("query-workflows", json!({})),
        ("create-workflow", json!({"name": "ask", "title": "Ask"})),
        ("get-workflow", json!({"uuid": id("query-workflows", "workflows").await})),
        ("update-workflow", json!({"uuid": id("query-workflows", "workflows").await, "title": "Ask twice"})),
    ]
}

#[tokio::test]
async fn every_command_of_the_five_documents() {
    // Each keeps to its vendor's rate, so that they had better go side by side.
    let (azure, wiz, eset, microsoft, lacework) = tokio::join!(azure(), wiz(), eset(), management_activity(), lacework());
    let vendors = [
        ("Azure API", azure, 5),
        ("Wiz", wiz, 5),
        ("ESET PROTECT Cloud", eset, 21),
        // The document's six; our fetch, test and pasted code come on top.
        ("Microsoft Management Activity", microsoft, 6 + 3),
        ("Lacework Edge", lacework, 107),
    ];
    let mut text = String::from(
        "# Commands exercised over HTTP\n\nMade by `tests/vendors/exercised.rs` against the simulators; do not edit. *Refused unsent* means that the\n\
        call was wrong and no request left; a number is the status that the failure carried.\n",
    );
    for (vendor, seen, count) in vendors {
        assert!(seen.wrong.is_empty(), "{vendor}: {:#?}", seen.wrong);
        assert_eq!(seen.rows.len(), count, "{vendor}: {:?}", seen.rows.keys());
        writeln!(text, "\n## {vendor}\n\n| command | requests | states |\n|---|---|---|").unwrap();
        for (command, row) in seen.rows {
            assert!(row.states.contains(GOOD), "{vendor} {command} never succeeded");
            let requests: Vec<_> = row.requests.iter().map(|request| format!("`{request}`")).collect();
            let states: Vec<_> = row.states.into_iter().collect();
            let requests = if requests.is_empty() { "none: made here".to_owned() } else { requests.join(", ") };
            writeln!(text, "| {command} | {requests} | {} |", states.join(", ")).unwrap();
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exercised.md");
    if std::env::var_os("NIGHTDESK_TEST_RENEW").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), text, "renew it with NIGHTDESK_TEST_RENEW=1");
}
