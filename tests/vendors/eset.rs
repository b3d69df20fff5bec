//! ESET PROTECT Cloud: every command, its states and wordings, and what happens when the API or the way to it fails.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightdesk::core::outcome::{Outcome, ReturnData};
use nightdesk::simulator::Fault;
use nightdesk::simulator::eset::READER;
use serde_json::{Value, json};

use crate::eset_faults::{NOBODY, VENDOR, as_user, good, machine, strings, told};
use crate::support::{Desk, desk};

const EITHER: &str = "Either or both Device UUIDs parameter and Device Group UUIDs parameter should have values.";

/// The task commands with what each needs beyond name, description and targets, and its action.
const TASKS: [(&str, &str, &str); 8] = [
    ("isolate-endpoints", "StartNetworkIsolation", "{}"),
    ("unisolate-endpoints", "EndNetworkIsolation", "{}"),
    ("on-demand-scan", "OnDemandScan", r#"{"shutdown_enabled": true, "shutdown_locked": true, "postpone": "One Day"}"#),
    ("run-command", "RunCommand", r#"{"command_line": "whoami /all"}"#),
    ("shutdown-or-reboots-endpoints", "ShutdownComputer", r#"{"restart": true, "postpone": "Three Hours", "cancel_action": true}"#),
    ("stop-managing-endpoints", "StopManaging", "{}"),
    ("uninstall-third-party-av-software", "ThirdPartyAVRemove", "{}"),
    ("update-operating-system", "SystemUpdate", r#"{"postpone": "One Hours", "accept_eula": true}"#),
];

async fn eset(faults: &[Fault]) -> Desk {
    desk(VENDOR, 800, faults).await
}

fn order(extra: &str, devices: &[&str]) -> Value {
    let mut given: Value = serde_json::from_str(extra).unwrap();
    given["task_name"] = json!("Case 4471");
    given["task_description"] = json!("Seen on the phone of the owner");
    if !devices.is_empty() {
        given["device_uuids"] = json!(devices);
    }
    given
}

/// What a task's run on the only device has come to.
async fn state(desk: &Desk, outcome: &Outcome) -> String {
    let follow = outcome.follow.clone().unwrap();
    let runs = desk.run(&follow.command, Value::Object(follow.arguments)).await;
    good(&runs).raw_data["Results"][0]["taskRuns"][0]["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_task_command_is_accepted_and_then_runs() {
    let desk = eset(&[]).await;
    for (at, (command, action, extra)) in TASKS.into_iter().enumerate() {
        let device = machine(&desk, 41 + at).to_owned();
        let outcome = desk.run(command, order(extra, &[&device])).await;
        let task = &good(&outcome).raw_data["task"];
        assert_eq!((&task["action"]["name"], &task["targets"]["devicesUuids"]), (&json!(action), &json!([device])), "{command}");
        assert_eq!(outcome.key_fields["TaskUUID"], task["uuid"]);
        assert!(outcome.message.contains("accepted"), "accepted is not done: {}", outcome.message);
        desk.simulation.shared.clock.advance(Duration::from_mins(2));
        let ended = state(&desk, &outcome).await;
        let follow = outcome.follow.unwrap();
        assert!(follow.done.contains(&ended) || follow.failed.contains(&ended), "{command}: {ended}");
    }
}

#[tokio::test]
async fn without_a_target_nothing_is_sent() {
    let desk = eset(&[]).await;
    let needs = [("add-endpoints-to-task", json!({"task_uuid": NOBODY})), ("assign-policy-to-endpoints", json!({"policy_uuid": NOBODY}))];
    let tasks = TASKS.into_iter().map(|(command, _, extra)| (command, order(extra, &[])));
    for (command, given) in needs.into_iter().chain(tasks) {
        for blank in [json!([]), json!([""])] {
            let mut given = given.clone();
            given["device_uuids"] = blank;
            let complaints = desk.complaints(command, &given);
            assert_eq!(complaints.iter().map(|one| (one.message.as_str(), one.status_code)).collect::<Vec<_>>(), [(EITHER, Some(400))]);
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused_before_anything_is_sent() {
    let desk = eset(&[]).await;
    let device = machine(&desk, 0);
    let wrong = |command: &str, extra: Value| {
        let mut given = order("{}", &[device]);
        given.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        desk.complaints(command, &given).into_iter().map(|one| one.parameter).collect::<Vec<_>>()
    };
    assert_eq!(wrong("on-demand-scan", json!({"scan_profile": "Custom"})), ["custom_profile_name"]);
    assert_eq!(wrong("on-demand-scan", json!({"postpone": "Two Days"})), ["postpone"]);
    assert_eq!(wrong("isolate-endpoints", json!({"expire_time": "2001-01-01 00:00"})), ["expire_time"]);
    assert_eq!(wrong("isolate-endpoints", json!({"task_description": "x".repeat(1001)})), ["task_description"]);
    assert!(wrong("isolate-endpoints", json!({"task_description": "ü".repeat(1000)})).is_empty(), "characters, not bytes");
    assert_eq!(wrong("shutdown-or-reboots-endpoints", json!({})), ["restart"]);
    assert_eq!(wrong("run-command", json!({"command_line": ""})), ["command_line"]);
    let backwards = json!({"start_time": "2026-02-02 00:00", "end_time": "2026-02-01 00:00"});
    assert_eq!(desk.complaints("fetch-event", &backwards)[0].status_code, Some(400));
    assert_eq!(desk.complaints("fetch-event", &json!({}))[0].parameter, "end_time");
}

#[tokio::test]
async fn a_vendors_refusal_of_a_task_keeps_its_status() {
    let desk = eset(&[]).await;
    let outcome = desk.run("isolate-endpoints", order("{}", &[NOBODY])).await;
    assert_eq!(told(&outcome), (ReturnData::Failed, vec![(Some(404), "Not Found.", None)]));
    assert_eq!(outcome.errors[0].failure_indicator, "Isolate Endpoints failed.");
    assert!(outcome.errors[0].request_id.is_some());
    let reader = as_user(READER.0, READER.1).await;
    good(&reader.run("list-device-tasks", json!({})).await);
    let refused = reader.run("isolate-endpoints", order("{}", &[machine(&reader, 0)])).await;
    assert_eq!(told(&refused), (ReturnData::Failed, vec![(Some(403), "Forbidden.", None)]));
}

#[tokio::test]
async fn an_answer_that_comes_later_is_collected_and_the_task_made_once() {
    let desk = eset(&[]).await;
    // Of four tasks the simulator answers one later.
    for at in 0..4 {
        let mut given = order("{}", &[machine(&desk, at)]);
        given["task_name"] = json!(format!("Later {at}"));
        good(&desk.run("isolate-endpoints", given).await);
    }
    let listed = desk.run("list-device-tasks", json!({})).await;
    let names = good(&listed).raw_data["tasks"].as_array().unwrap().iter().map(|task| task["displayName"].as_str().unwrap());
    assert_eq!(names.filter(|name| name.starts_with("Later")).collect::<Vec<_>>(), ["Later 0", "Later 1", "Later 2", "Later 3"]);
    let policies = desk.run("list-policies", json!({})).await;
    assert_eq!(good(&policies).result[0].name, "Policies Count");
    assert_eq!(strings(&policies.key_fields["PolicyUUIDs"]).len(), 14);
}

#[tokio::test]
async fn endpoints_are_added_to_those_that_a_task_has() {
    let desk = eset(&[]).await;
    let made = desk.run("on-demand-scan", order("{}", &[machine(&desk, 0)])).await;
    let task = made.key_fields["TaskUUID"].as_str().unwrap().to_owned();
    let given = json!({"task_uuid": task, "device_uuids": [machine(&desk, 1), machine(&desk, 0)]});
    let plan = desk.plan("add-endpoints-to-task", &given);
    assert_eq!(plan.iter().map(|step| step["method"].as_str().unwrap()).collect::<Vec<_>>(), ["GET", "POST"]);
    good(&desk.run("add-endpoints-to-task", given).await);
    let tasks = desk.run("list-device-tasks", json!({})).await.raw_data;
    let found = tasks["tasks"].as_array().unwrap().iter().find(|one| one["uuid"] == json!(task)).unwrap().clone();
    assert_eq!(found["targets"]["devicesUuids"], json!([machine(&desk, 0), machine(&desk, 1)]));
    let runs = desk.run("list-task-history", json!({"task_uuids": [task], "device_uuid": machine(&desk, 1)})).await;
    assert_eq!(good(&runs).result[0].value, json!(1), "it starts on the new one at once");
    let unknown = desk.run("add-endpoints-to-task", json!({"task_uuid": NOBODY, "device_uuids": [machine(&desk, 0)]})).await;
    assert_eq!(told(&unknown), (ReturnData::Failed, vec![(Some(404), "Not Found.", Some(NOBODY))]));
}

#[tokio::test]
async fn policies_are_assigned_in_order_and_taken_away_again() {
    let desk = eset(&[]).await;
    let policies = strings(&desk.run("list-policies", json!({})).await.key_fields["PolicyUUIDs"]);
    let group = desk.run("list-device-groups", json!({})).await.key_fields["DeviceGroupUUIDs"][1].clone();
    let device = machine(&desk, 0);
    let given = json!({"policy_uuid": [policies[0]], "device_uuids": [device, NOBODY], "device_group_uuids": [group]});
    assert_eq!(desk.plan("assign-policy-to-endpoints", &given).len(), 3);
    let partly = desk.run("assign-policy-to-endpoints", given).await;
    assert_eq!(told(&partly), (ReturnData::PartiallySuccessful, vec![(Some(404), "Not Found.", Some(NOBODY))]));
    let all = json!({"policy_uuid": policies[1], "device_uuids": [device]});
    good(&desk.run("assign-policy-to-endpoints", all).await);
    let targets = json!({"device_uuids": [device, device], "device_group_uuids": [group]});
    let listed = desk.run("list-policy-assignments", targets).await;
    let rows = good(&listed).raw_data["assignments"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["rank"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 1]);
    let only = desk.run("list-policy-assignments", json!({"policy_uuid": policies[1], "device_uuids": [device]})).await;
    assert_eq!(only.raw_data["assignments"].as_array().unwrap().len(), 1);
    let first = rows[0]["uuid"].as_str().unwrap();
    let partly = desk.run("delete-policy-assignments", json!({"policy_assignment_uuids": [first, policies[1]]})).await;
    let text = format!("Policy Assignment UUID: {} does not exist.", policies[1]);
    assert_eq!(told(&partly), (ReturnData::PartiallySuccessful, vec![(Some(400), text.as_str(), Some(policies[1].as_str()))]));
    let left = only.raw_data["assignments"][0]["uuid"].as_str().unwrap();
    assert!(partly.errors[0].hint.as_deref().unwrap().contains(left), "a policy's uuid deletes nothing; its assignments are named");
    let again = desk.run("delete-policy-assignments", json!({"policy_assignment_uuids": [first]})).await;
    assert_eq!((again.return_data, again.errors[0].failure_indicator.as_str()), (ReturnData::Failed, "Delete Policy Assignments failed."));
    let nothing = desk.run("list-policy-assignments", json!({"device_uuids": [machine(&desk, 1)]})).await;
    assert_eq!(good(&nothing).raw_data, json!({"assignments": []}));
}

#[tokio::test]
async fn the_members_of_subgroups_belong_to_a_group() {
    let desk = eset(&[]).await;
    let groups = desk.run("list-device-groups", json!({})).await;
    let rows = good(&groups).raw_data["deviceGroups"].as_array().unwrap();
    let of = |name: &str| rows.iter().find(|row| row["displayName"] == name).unwrap()["uuid"].as_str().unwrap();
    let (all, servers) = (of("All"), of("Servers"));
    let outcome = desk.run("get-device-group-endpoints", json!({"device_group_uuids": [all, servers]})).await;
    let counts: Vec<_> =
        good(&outcome).raw_data["Results"].as_array().unwrap().iter().map(|one| one["devices"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [72, 16]);
    assert_eq!(strings(&outcome.key_fields["DeviceUUIDs"]).len(), 72);
    let partly = desk.run("get-device-group-endpoints", json!({"device_group_uuids": [NOBODY, servers]})).await;
    let text = format!("Request failed for Device Group UUID: {NOBODY}.");
    assert_eq!(told(&partly), (ReturnData::PartiallySuccessful, vec![(Some(400), text.as_str(), Some(NOBODY))]));
    assert_eq!(partly.raw_data["Results"].as_array().unwrap().len(), 1);
    let none = desk.run("get-device-group-endpoints", json!({"device_group_uuids": [NOBODY]})).await;
    assert_eq!(none.return_data, ReturnData::Failed);
}

#[tokio::test]
async fn one_unknown_device_does_not_spoil_the_details_of_the_others() {
    let desk = eset(&[]).await;
    let devices: Vec<String> = desk.simulation.shared.world.machines.iter().map(|machine| machine.id.clone()).collect();
    let outcome = desk.run("get-endpoint-details", json!({"device_uuids": devices})).await;
    assert_eq!(strings(&good(&outcome).key_fields["DeviceUUIDs"]), devices);
    assert_eq!(desk.plan("get-endpoint-details", &json!({"device_uuids": devices})).len(), 2, "fifty in a call");
    let partly = desk.run("get-endpoint-details", json!({"device_uuids": [devices[0], NOBODY, devices[1]]})).await;
    assert_eq!(told(&partly), (ReturnData::PartiallySuccessful, vec![(Some(400), "Bad Request.", Some(NOBODY))]));
    let hosts: Vec<_> = partly.raw_data["devices"].as_array().unwrap().iter().map(|one| one["displayName"].as_str().unwrap()).collect();
    assert_eq!(hosts, [&desk.simulation.shared.world.machines[0].host, &desk.simulation.shared.world.machines[1].host]);
}

#[tokio::test]
async fn history_and_triggers_succeed_in_part_with_the_documents_words() {
    let desk = eset(&[]).await;
    let made = desk.run("isolate-endpoints", order("{}", &[machine(&desk, 4)])).await;
    let task = made.key_fields["TaskUUID"].as_str().unwrap();
    let given = json!({"task_uuids": [task, NOBODY]});
    let history = desk.run("list-task-history", given.clone()).await;
    let text = format!("Request failed for Task UUID: {NOBODY}.");
    assert_eq!(told(&history), (ReturnData::PartiallySuccessful, vec![(Some(400), text.as_str(), Some(NOBODY))]));
    assert_eq!(history.errors[0].failure_indicator, "List Task History failed.");
    let trigger = desk.run("update-task-trigger", given).await;
    let text = format!("Request failed when when updating trigger for TaskUUID: {NOBODY}.");
    assert_eq!(told(&trigger), (ReturnData::PartiallySuccessful, vec![(Some(400), text.as_str(), Some(NOBODY))]));
    let soon = (Timestamp::now() + SignedDuration::from_mins(5)).to_string();
    // The device is off: its run waits until the trigger expires.
    good(&desk.run("update-task-trigger", json!({"task_uuids": [task], "expire_time": soon})).await);
    assert_eq!(state(&desk, &made).await, "TASK_RUN_STATUS_QUEUED");
    desk.simulation.shared.clock.advance(Duration::from_mins(6));
    assert_eq!(state(&desk, &made).await, "TASK_RUN_STATUS_FAILED");
    let none = desk.run("list-task-history", json!({"task_uuids": [NOBODY]})).await;
    assert_eq!(none.return_data, ReturnData::Failed);
}

#[tokio::test]
async fn fetch_event_brings_the_oldest_of_the_window_with_both_ends() {
    let desk = eset(&[]).await;
    let all = desk.run("fetch-event", json!({"start_time": "-7d", "end_time": "now", "number_of_events_fetched": 0})).await;
    let rows = good(&all).raw_data["detections"].as_array().unwrap().clone();
    let times: Vec<Timestamp> = rows.iter().map(|row| row["occurTime"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted() && rows.len() > 150, "{}", rows.len());
    let fields = |name: &str| all.events.iter().filter(|event| event.fields.contains_key(name)).count();
    assert!(["Remote IP Address", "Object Hash SHA1", "Response Name", "Process file path"].into_iter().all(|name| fields(name) > 5));
    assert!(all.events.iter().all(|event| event.fields.get("Event Type").is_none_or(|kind| kind != "nil")), "nil is no value");
    let twenty = desk.run("fetch-event", json!({"start_time": "-7d", "end_time": "now", "number_of_events_fetched": 20})).await;
    assert_eq!(twenty.raw_data["detections"], Value::from(rows[..20].to_vec()));
    assert!(twenty.message.contains("oldest first"), "{}", twenty.message);
    let whole = times.iter().position(|time| time.subsec_nanosecond() == 0 && *time > times[30]).unwrap();
    let exact = desk.run("fetch-event", json!({"start_time": rows[whole]["occurTime"], "end_time": rows[whole]["occurTime"]})).await;
    assert_eq!(exact.events.len(), times.iter().filter(|time| **time == times[whole]).count(), "both ends belong to the window");
    let device = rows[0]["context"]["deviceUuid"].as_str().unwrap();
    let on_one = desk.run("fetch-event", json!({"end_time": "now", "device_uuid": device})).await;
    assert!(on_one.events.iter().all(|event| event.fields["Device UUID"] == json!(device)) && !on_one.events.is_empty());
    let none = desk.run("fetch-event", json!({"start_time": "2001-01-01", "end_time": "2001-01-02"})).await;
    assert_eq!(none.return_data, ReturnData::SuccessfulWithNoEventData);
    let unknown = desk.run("fetch-event", json!({"end_time": "now", "device_uuid": NOBODY})).await;
    assert_eq!(told(&unknown), (ReturnData::Failed, vec![(Some(400), "Bad Request.", None)]));
}
