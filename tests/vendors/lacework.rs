//! Lacework Edge: every operation, the investigation of an alert, fetching, and what happens when the API fails.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightdesk::core::outcome::ReturnData;
use nightdesk::simulator::Fault;
use nightdesk::simulator::lacework::{ADMIN_TOKEN, READER_TOKEN};
use serde_json::{Value, json};

use crate::support::{Desk, desk, desk_with};

const DOCUMENT: &str = "d0c00000-0000-4000-8000-000000000002";

async fn lacework(faults: &[Fault]) -> Desk {
    desk("lacework-edge", 2_000, faults).await
}

async fn first(desk: &Desk, command: &str, arguments: Value, list: &str) -> Value {
    let outcome = desk.run(command, arguments).await;
    assert_eq!(outcome.return_data, ReturnData::Successful, "{command}: {:?}", outcome.errors);
    outcome.raw_data[list][0].clone()
}

#[tokio::test]
async fn every_operation_works() {
    let desk = lacework(&[]).await;
    let span = json!({"start_time": "-7d", "end_time": "now"});
    let user = first(&desk, "query-users", json!({}), "users").await["uuid"].clone();
    let alerts = desk.run("query-alerts", span.clone()).await.raw_data["alerts"].clone();
    let runs = desk.run("query-workflow-runs", json!({"status": "PENDING"})).await.raw_data["workflow_runs"].clone();
    let easy = |run: &&Value| run["can_user_approve"] == true && run["token_required"] != true && run["justification_required"] != true;
    let run = runs.as_array().unwrap().iter().find(easy).unwrap()["uuid"].clone();
    let device = first(&desk, "query-user-devices", json!({"uuid": user}), "devices").await["uuid"].clone();
    let row = first(&desk, "query-qs-view", json!({"view": "activity", "start_time": "-7d", "end_time": "now"}), "rows").await;
    let id = async |command: &str, list: &str| first(&desk, command, json!({}), list).await["uuid"].clone();
    let names = json!({"resolveDisplayNames": "true"});
    let audit = first(&desk, "query-audit-events", span.clone(), "audit_events").await["uuid"].clone();
    let blob = first(&desk, "query-blobs", json!({"prefix": "key"}), "blobs").await["key"].clone();
    let connector = first(&desk, "query-connectors", json!({}), "connectors").await["name"].clone();
    let config = desk.run("create-client-config", json!({"name": "x"})).await.raw_data["uuid"].clone();
    let export = id("query-data-export-configs", "data_export_configs").await;
    let policy = first(&desk, "query-policies", json!({}), "policies").await["uuid"].clone();
    let access = first(&desk, "query-accesses", json!({}), "accesses").await["uuid"].clone();
    let channel = first(&desk, "query-notification-channels", names.clone(), "channels").await["uuid"].clone();
    let (app, group) = (id("query-apps", "apps").await, id("query-groups", "groups").await);
    let note = |alert: &Value| json!({"alert_uuid": alert["uuid"], "action": {"note": {"note_text": "seen"}}});
    let table: Vec<(&str, Value)> = vec![
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
    ];
    let generated = desk.entry.commands.iter().filter(|command| !command.group.is_empty());
    let missing: Vec<_> =
        generated.filter(|command| !table.iter().any(|(name, _)| *name == command.name)).map(|command| &command.name).collect();
    assert_eq!((missing.len(), table.len()), (0, 107), "{missing:?}");
    let mut wrong = Vec::new();
    for (command, arguments) in table {
        let outcome = desk.run(command, arguments).await;
        if outcome.return_data != ReturnData::Successful {
            wrong.push((command, outcome.errors));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn an_alert_is_investigated_step_by_step() {
    let desk = lacework(&[]).await;
    let alert = first(&desk, "query-alerts", json!({"start_time": "-24h", "end_time": "now"}), "alerts").await;
    let uuid = alert["uuid"].clone();
    let mut seen = alert["update_time"].clone();
    for action in [
        json!({"note": {"note_text": "on it"}}),
        json!({"alert_status_change": {"new_status": 2}}),
        json!({"close_with_reason": {"incident_status": 1, "note_text": "benign"}}),
    ] {
        let outcome = desk.run("perform-investigation-action", json!({"uuid": uuid, "alert_update_time": seen, "action": action})).await;
        assert_eq!(outcome.return_data, ReturnData::Successful, "{:?}", outcome.errors);
        let stale = json!({"uuid": uuid, "alert_update_time": seen, "action": {"note": {"note_text": "late"}}});
        let late = desk.run("perform-investigation-action", stale).await;
        assert_eq!((late.return_data, late.errors[0].status_code), (ReturnData::Failed, Some(400)));
        assert!(late.errors[0].message.contains("changed since"), "{}", late.errors[0].message);
        seen = outcome.raw_data["alert_update_time"].clone();
    }
    let history = desk.run("get-alert-history", json!({"uuid": uuid})).await;
    assert_eq!(history.raw_data["investigation_actions"].as_array().unwrap().len(), 3);
    let told: Vec<&str> = history.message.lines().skip(1).map(|line| line.split_once(": ").unwrap().1).collect();
    assert_eq!(told, ["note: on it", "status 2", "closed, reason 1: benign"]);
    // What was read is the event as it is now, with what the next action has to know.
    let read = desk.run("get-alert", json!({"uuid": uuid})).await;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    assert_eq!((&read.raw_data["status"], text(&read.events[0].raw["update_time"])), (&json!(3), text(&seen)));
    assert_eq!((read.events[0].key.as_str().into(), read.events[0].vendor_status.as_deref()), (uuid, Some("3")));
}

#[tokio::test]
async fn a_run_is_answered_with_what_its_quick_command_gives() {
    let desk = lacework(&[]).await;
    let runs = desk.run("query-workflow-runs", json!({"status": "PENDING"})).await.raw_data["workflow_runs"].clone();
    let easy = |run: &&Value| run["can_user_approve"] == true && run["token_required"] != true && run["justification_required"] != true;
    let run = runs.as_array().unwrap().iter().find(easy).unwrap();
    let quick = (desk.entry.source("workflow-runs").unwrap().quick)(run).into_iter().find(|quick| quick.letter == 'd').unwrap();
    let outcome = desk.run(&quick.command, quick.values.into()).await;
    assert_eq!(outcome.return_data, ReturnData::Successful, "{:?}", outcome.errors);
    let (command, arguments) = quick.reread.unwrap();
    let read = desk.run(&command, arguments.into()).await;
    assert_eq!(read.events[0].raw["answer_index"], "1");
    let again = (desk.entry.source("workflow-runs").unwrap().quick)(&read.events[0].raw);
    assert_eq!(again[1].reason.as_deref(), Some("it was answered already"));
}

#[tokio::test]
async fn the_three_sources_bring_events() {
    let desk = lacework(&[Fault::DuplicateRecords]).await;
    let now = Timestamp::now();
    for (source, least) in [("alerts", 100), ("audit-events", 100), ("workflow-runs", 5)] {
        let (fetched, pages) = desk.fetch(source, now - SignedDuration::from_hours(24), now).await;
        assert_eq!(fetched.complete_to, Some(now), "{source}: {:?}", fetched.errors);
        let events: Vec<_> = pages.into_iter().flat_map(|page| page.events).collect();
        assert!(events.len() >= least, "{source}: {}", events.len());
        let mut keys: Vec<_> = events.iter().map(|event| event.key.clone()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), events.len(), "{source}: every record once");
        assert!(
            events.iter().all(|event| !event.title.is_empty() && event.event_type == source && event.raw["uuid"] == event.key.as_str())
        );
        assert!(source == "alerts" || events.iter().all(|event| !event.entities.is_empty()));
    }
    let outcome = desk.run("fetch-event", json!({"event_type": "audit-events", "number_of_events_fetched": 3})).await;
    assert_eq!((outcome.return_data, outcome.events.len()), (ReturnData::Successful, 3));
}

#[tokio::test]
async fn a_session_that_ended_is_renewed_and_a_refusal_is_told() {
    let desk = lacework(&[Fault::UnauthorizedOnce]).await;
    assert_eq!(desk.run("test-connection", json!({})).await.return_data, ReturnData::Successful);
    desk.simulation.shared.clock.advance(Duration::from_hours(2));
    assert_eq!(desk.run("query-users", json!({})).await.return_data, ReturnData::Successful);
    desk.simulation.shared.faults.set(Fault::Forbidden, true);
    let outcome = desk.run("query-users", json!({})).await;
    assert_eq!((outcome.return_data, outcome.errors[0].status_code), (ReturnData::Failed, Some(403)));
    desk.simulation.shared.faults.set(Fault::Forbidden, false);
    desk.simulation.shared.faults.set(Fault::CutBody, true);
    let now = Timestamp::now();
    let (fetched, _) = desk.fetch("alerts", now - SignedDuration::from_hours(1), now).await;
    assert_eq!((fetched.errors.len(), fetched.gaps.len()), (1, 1));
}

#[tokio::test]
async fn a_reader_may_read_and_no_more() {
    let desk = desk_with("lacework-edge", 400, &[], |text| {
        let path = text.split("file = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), ADMIN_TOKEN);
        std::fs::write(path, READER_TOKEN).unwrap();
        text
    })
    .await;
    assert_eq!(desk.run("query-policies", json!({})).await.return_data, ReturnData::Successful);
    let outcome = desk.run("create-workflow", json!({"name": "x"})).await;
    assert_eq!((outcome.return_data, outcome.errors[0].status_code), (ReturnData::Failed, Some(403)));
    assert_eq!(outcome.errors[0].message, "the role does not allow this");
}

#[tokio::test]
async fn routes_can_be_learned_and_replaced() {
    let desk = desk_with("lacework-edge", 2_000, &[], |text| {
        text.replace("account = ", "path_style = \"kebab\"\nroutes = { get_group = \"GET /nowhere/{uuid}\" }\naccount = ")
    })
    .await;
    let configs = desk.run("query-alert-configs", json!({})).await;
    assert_eq!(configs.return_data, ReturnData::Successful, "{:?}", configs.errors);
    let lost = desk.run("get-group", json!({"uuid": "x"})).await;
    assert_eq!(lost.errors[0].status_code, Some(404));
    let learned = desk.run("learn-routes", json!({})).await;
    let toml = learned.raw_data["toml"].as_str().unwrap();
    assert!(toml.contains("get_group = \"GET /groups/{group_uuid}\""), "{toml}");
}
