//! Lacework Edge: every operation, the investigation of an alert, fetching, and what happens when the API fails.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightdesk::core::outcome::ReturnData;
use nightdesk::simulator::Fault;
use nightdesk::simulator::lacework::{ADMIN_TOKEN, READER_TOKEN};
use serde_json::{Value, json};

use crate::support::{Desk, desk, desk_with};

async fn lacework(faults: &[Fault]) -> Desk {
    desk("lacework-edge", 2_000, faults).await
}

async fn first(desk: &Desk, command: &str, arguments: Value, list: &str) -> Value {
    let outcome = desk.run(command, arguments).await;
    assert_eq!(outcome.return_data, ReturnData::Successful, "{command}: {:?}", outcome.errors);
    outcome.raw_data[list][0].clone()
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
async fn records_that_come_late_are_brought_by_the_overlap() {
    let desk = lacework(&[Fault::LateRecords]).await;
    let now = Timestamp::now();
    let keys = async |from: Timestamp| {
        let (fetched, pages) = desk.fetch("alerts", from, now).await;
        assert_eq!(fetched.complete_to, Some(now), "{:?}", fetched.errors);
        pages.into_iter().flat_map(|page| page.events).map(|event| event.key).collect::<Vec<_>>()
    };
    let first = keys(now - SignedDuration::from_hours(24)).await;
    let overlap = SignedDuration::try_from(desk.entry.source("alerts").unwrap().overlap).unwrap();
    let second = keys(now - overlap).await;
    assert!(second.iter().any(|key| !first.contains(key)), "the late ones");
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
