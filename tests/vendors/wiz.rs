//! Wiz: every command, its states, and what happens when the API or the way to it fails.

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightdesk::core::outcome::ReturnData;
use nightdesk::simulator::Fault;
use nightdesk::simulator::wiz::ISSUES_ONLY;
use serde_json::{Value, json};

use crate::support::{Desk, desk, desk_with};

async fn wiz(faults: &[Fault]) -> Desk {
    desk("wiz", 1_500, faults).await
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// Ids of issues that a filter lets pass.
async fn issues(desk: &Desk, filter: Value) -> Vec<String> {
    let outcome = desk.run("fetch-event", json!({"start_time": "-60d", "additional_filters": filter})).await;
    assert_eq!(outcome.return_data, ReturnData::Successful, "{:?}", outcome.errors);
    strings(&outcome.key_fields["EventIDs"])
}

#[tokio::test]
async fn each_event_type_is_brought_whole_newest_first() {
    let desk = wiz(&[]).await;
    for (event_type, clock, type_name) in [
        ("Issues", "statusChangedAt", "Issue"),
        ("Cloud Configuration Findings", "firstSeenAt", "ConfigurationFinding"),
        ("Vulnerability Findings", "updatedAt", "VulnerabilityFinding"),
    ] {
        let outcome = desk.run("fetch-event", json!({"event_type": event_type, "start_time": "-7d"})).await;
        assert_eq!(outcome.return_data, ReturnData::Successful, "{event_type}: {:?}", outcome.errors);
        let nodes = outcome.raw_data["data"]["nodes"].as_array().unwrap();
        assert!(nodes.iter().all(|node| node["__typename"] == type_name));
        let times: Vec<Timestamp> = nodes.iter().map(|node| node[clock].as_str().unwrap().parse().unwrap()).collect();
        assert!(times.is_sorted_by(|a, b| a >= b) && times.len() > 50, "{event_type}: {}", times.len());
        assert_eq!(outcome.events.len(), nodes.len());
        assert!(outcome.events.iter().all(|event| event.fields["Event Type"] == event_type && event.fields["Status"].is_string()));
        let single = json!({"event_type": event_type, "start_time": "-7d", "number_of_events_fetched": 1, "severity": "Critical and High"});
        let newest = desk.run("fetch-event", single).await;
        let node = &newest.raw_data["data"]["nodes"][0];
        let severity = node.get("severity").filter(|_| event_type != "Vulnerability Findings").unwrap_or(&node["vendorSeverity"]);
        assert!(["CRITICAL", "HIGH"].contains(&severity.as_str().unwrap()));
    }
    let none = desk.run("fetch-event", json!({"start_time": "2001-01-01", "end_time": "2001-01-02"})).await;
    assert_eq!(none.return_data, ReturnData::SuccessfulWithNoEventData);
}

#[tokio::test]
async fn additional_filters_reach_the_api_and_its_refusal_reaches_the_user() {
    let desk = wiz(&[]).await;
    let all = issues(&desk, json!({})).await.len();
    let toxic = issues(&desk, json!({"type": ["TOXIC_COMBINATION"]})).await.len();
    assert!(toxic > 0 && toxic < all);
    let wrong = desk.run("fetch-event", json!({"additional_filters": {"kind": 1}})).await;
    assert_eq!((wrong.return_data, wrong.errors[0].status_code), (ReturnData::Failed, Some(400)));
    assert!(wrong.errors[0].message.contains("kind"), "{}", wrong.errors[0].message);
    assert_eq!(wrong.errors[0].failure_indicator, "Fetch Event failed.");
}

#[tokio::test]
async fn a_comment_is_seen_on_the_issue() {
    let desk = wiz(&[]).await;
    let ids = issues(&desk, json!({"status": ["OPEN"]})).await[..2].to_vec();
    let outcome = desk.run("add-issue-comments", json!({"issue_ids": ids, "note_text": "Demo note"})).await;
    assert_eq!((outcome.return_data, &outcome.key_fields["IssueIDs"]), (ReturnData::Successful, &json!(ids)));
    let note = &outcome.raw_data["Results"][1]["data"]["createIssueNote"]["issueNote"];
    assert_eq!((&note["text"], &note["user"]), (&json!("Demo note"), &Value::Null));
    let seen = desk.run("fetch-event", json!({"start_time": "-60d", "additional_filters": {"id": ids[0]}})).await;
    assert!(seen.events[0].fields["Notes"].as_str().unwrap().contains("Demo note"));
    let unknown = json!({"issue_ids": [ids[0], "5a54ab0e-52ab-4f1c-9e5d-2f0a0a1a1a1a"], "note_text": "x"});
    let partly = desk.run("add-issue-comments", unknown).await;
    assert_eq!((partly.return_data, partly.errors[0].status_code), (ReturnData::Failed, Some(404)));
    assert_eq!(partly.key_fields["IssueIDs"], json!([ids[0]]));
}

#[tokio::test]
async fn updates_change_the_issue_and_can_succeed_in_part() {
    let desk = wiz(&[]).await;
    let id = issues(&desk, json!({"status": ["OPEN"]})).await.remove(0);
    let missing = "5a54ab0e-52ab-4f1c-9e5d-2f0a0a1a1a1a";
    let arguments = json!({"issue_ids": [id, missing], "status": "Rejected", "reject_reason": "False Positive", "note": "This is a test note",
        "due_time": "2007-12-03T10:15:30Z"});
    let outcome = desk.run("update-issues", arguments).await;
    assert_eq!(outcome.return_data, ReturnData::PartiallySuccessful);
    let issue = json!({"id": id, "note": "This is a test note", "status": "REJECTED", "dueAt": "2007-12-03T10:15:30Z",
        "resolutionReason": "FALSE_POSITIVE"});
    assert_eq!(outcome.raw_data, json!({"Results": [{"data": {"updateIssue": {"issue": issue}}}]}));
    assert_eq!(Value::from(outcome.key_fields), json!({"IssueIDs": [id], "IssueStatuses": ["REJECTED"]}));
    assert_eq!((outcome.errors[0].item.as_deref(), outcome.errors[0].status_code), (Some(missing), Some(404)));
    let again = desk.run("update-issues", json!({"issue_ids": id, "status": "In Progress"})).await;
    assert_eq!(again.key_fields["IssueStatuses"], json!(["IN_PROGRESS"]));
    let refused = desk.run("update-issues", json!({"issue_ids": [id], "status": "Rejected"})).await;
    assert_eq!((refused.return_data, refused.errors[0].status_code), (ReturnData::Failed, Some(400)));
}

#[tokio::test]
async fn projects_are_listed_by_name_and_impact() {
    let desk = wiz(&[]).await;
    let names = async |arguments: Value| {
        let outcome = desk.run("list-projects", arguments).await;
        assert_eq!(outcome.return_data, ReturnData::Successful, "{:?}", outcome.errors);
        assert_eq!(outcome.result[0].value, json!(outcome.raw_data["data"]["projects"]["nodes"].as_array().unwrap().len()));
        strings(&outcome.key_fields["ProjectNames"])
    };
    assert_eq!(names(json!({"project_name": "pay"})).await, ["Payments", "Payments Sandbox"]);
    assert_eq!(names(json!({"project_name": "pay", "impact": "High"})).await, ["Payments"]);
    let (high, medium, both) =
        (names(json!({"impact": "High"})).await, names(json!({"impact": "MBI"})).await, names(json!({"impact": "High and Medium"})).await);
    assert_eq!(both, [high, medium].concat());
    let shown = desk.run("list-projects", json!({"project_name": "Labs"})).await;
    let node = shown.raw_data["data"]["projects"]["nodes"][0].as_object().unwrap().clone();
    assert_eq!(node.keys().collect::<Vec<_>>(), ["id", "name", "isFolder", "archived", "businessUnit", "description"]);
    let archived = desk_with("wiz", 10, &[], |text| format!("{text}[connection.options]\ninclude_archived_projects = true\n")).await;
    assert_eq!(archived.run("list-projects", json!({"project_name": "Old Web Shop"})).await.result[0].value, json!(1));
}

#[tokio::test]
async fn the_test_signs_in_and_tells_why_it_cannot() {
    assert_eq!(wiz(&[]).await.run("test-connection", json!({})).await.return_data, ReturnData::Successful);
    let wrong = desk_with("wiz", 10, &[], |text| text.replace("wiz-demo-client", "somebody")).await;
    let outcome = wrong.run("test-connection", json!({})).await;
    let error = &outcome.errors[0];
    assert_eq!((outcome.return_data, error.status_code), (ReturnData::Failed, Some(401)));
    assert_eq!(error.failure_indicator, "Test Connection failed. Failed to check the connector.");
    assert!(error.message.contains("Unauthorized"), "{}", error.message);
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let change = |text: String| {
        let line = text.lines().find(|line| line.starts_with("client_secret")).unwrap().to_owned();
        text.replace("wiz-demo-client", ISSUES_ONLY.0).replace(&line, &format!("client_secret = \"{}\"", ISSUES_ONLY.1))
    };
    let desk = desk_with("wiz", 200, &[], change).await;
    let projects = desk.run("list-projects", json!({})).await;
    assert_eq!((projects.return_data, projects.errors[0].status_code), (ReturnData::Failed, Some(403)));
    assert!(projects.errors[0].message.contains("read:projects"), "{}", projects.errors[0].message);
    let ids = issues(&desk, json!({})).await[..3].to_vec();
    let refused = desk.run("add-issue-comments", json!({"issue_ids": ids, "note_text": "x"})).await;
    assert_eq!((refused.errors.len(), refused.errors[2].item.as_deref()), (3, Some(ids[2].as_str())));
    assert!(refused.errors[0].message.contains("write:issue_comments"));
}

#[tokio::test]
async fn one_refused_token_a_full_second_and_a_broken_server_are_got_over() {
    for fault in [Fault::UnauthorizedOnce, Fault::Throttled, Fault::ServerErrors] {
        let desk = wiz(&[fault]).await;
        let outcome = desk.run("list-projects", json!({})).await;
        assert_eq!(outcome.return_data, ReturnData::Successful, "{fault}: {:?}", outcome.errors);
    }
    // The API counts ten calls a second; twenty in a row stay below that.
    let desk = wiz(&[]).await;
    let ids = issues(&desk, json!({})).await[..20].to_vec();
    let outcome = desk.run("add-issue-comments", json!({"issue_ids": ids, "note_text": "x"})).await;
    assert_eq!(outcome.return_data, ReturnData::Successful, "{:?}", outcome.errors);
}

#[tokio::test]
async fn what_cannot_be_got_over_fails_with_its_reason() {
    for (fault, status) in [(Fault::Forbidden, Some(403)), (Fault::ExpiredToken, Some(401)), (Fault::CutBody, None)] {
        let desk = wiz(&[fault]).await;
        let outcome = desk.run("fetch-event", json!({})).await;
        assert_eq!((outcome.return_data, outcome.errors[0].status_code), (ReturnData::Failed, status), "{fault}");
        assert!(!outcome.errors[0].message.is_empty());
        let (from, to) = (Timestamp::now() - SignedDuration::from_hours(1), Timestamp::now());
        let (fetched, pages) = desk.fetch("Issues", from, to).await;
        assert!(pages.is_empty() && fetched.complete_to == Some(from), "{fault}: nothing was covered");
        assert_eq!((fetched.gaps[0].from, fetched.gaps[0].to), (from, to));
    }
}

#[tokio::test]
async fn a_change_is_sent_once_even_when_its_answer_is_lost() {
    let desk = wiz(&[]).await;
    let id = issues(&desk, json!({"hasNote": false, "status": ["OPEN"]})).await.remove(0);
    desk.simulation.shared.faults.set(Fault::CutBody, true);
    let lost = desk.run("add-issue-comments", json!({"issue_ids": [id], "note_text": "once"})).await;
    assert_eq!(lost.return_data, ReturnData::Failed);
    assert!(lost.errors[0].hint.as_deref().unwrap().contains("not known"));
    desk.simulation.shared.faults.set(Fault::CutBody, false);
    let seen = desk.run("fetch-event", json!({"start_time": "-60d", "additional_filters": {"id": [id]}})).await;
    assert_eq!(seen.raw_data["data"]["nodes"][0]["notes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn records_that_come_twice_or_late_are_each_had_once() {
    let desk = wiz(&[Fault::DuplicateRecords, Fault::LateRecords]).await;
    let now = Timestamp::now();
    let keys = async |from: Timestamp| {
        let (fetched, pages) = desk.fetch("Issues", from, now).await;
        assert!(fetched.errors.is_empty() && fetched.complete_to == Some(now));
        pages.into_iter().flat_map(|page| page.events).map(|event| event.key).collect::<Vec<_>>()
    };
    let first = keys(now - SignedDuration::from_hours(24)).await;
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), first.len());
    // The increment reaches back behind the watermark and finds what was late.
    let overlap = SignedDuration::try_from(desk.entry.source("Issues").unwrap().overlap).unwrap();
    let second = keys(now - overlap).await;
    assert!(second.iter().any(|key| !first.contains(key)));
}

#[tokio::test]
async fn of_many_updates_those_of_deleted_issues_are_told_apart() {
    let desk = wiz(&[Fault::DeletedRecords]).await;
    let ids = issues(&desk, json!({"status": ["OPEN"]})).await[..8].to_vec();
    let outcome = desk.run("update-issues", json!({"issue_ids": ids, "status": "In Progress"})).await;
    assert_eq!(outcome.return_data, ReturnData::PartiallySuccessful);
    let mut told = strings(&outcome.key_fields["IssueIDs"]);
    told.extend(outcome.errors.iter().map(|error| error.item.clone().unwrap()));
    assert_eq!(told.iter().collect::<HashSet<_>>(), ids.iter().collect::<HashSet<_>>(), "each is either done or named");
    let left = issues(&desk, json!({"id": ids})).await;
    assert_eq!(left.len(), ids.len() - outcome.errors.len(), "what is gone is listed no more");
}

#[tokio::test]
async fn a_changed_status_is_brought_by_the_next_fetch() {
    let desk = wiz(&[]).await;
    let id = issues(&desk, json!({"status": ["OPEN"], "createdAt": {"before": "2999-01-01T00:00:00Z"}})).await.pop().unwrap();
    let before = Timestamp::now();
    desk.run("update-issues", json!({"issue_ids": [id], "status": "In Progress"})).await;
    let (_, pages) = desk.fetch("Issues", before, Timestamp::now() + SignedDuration::from_secs(1)).await;
    let event = pages.into_iter().flat_map(|page| page.events).find(|event| event.key == id).unwrap();
    assert_eq!(event.vendor_status.as_deref(), Some("IN_PROGRESS"));
    // So is what arrives as time goes by.
    desk.simulation.shared.clock.advance(Duration::from_hours(1));
    let (_, pages) = desk.fetch("Issues", before, before + SignedDuration::from_hours(2)).await;
    assert!(pages.iter().flat_map(|page| &page.events).count() > 1);
}

#[tokio::test]
async fn hostile_text_stays_as_it_is_in_the_record() {
    let desk = wiz(&[Fault::HostileText]).await;
    let outcome = desk.run("fetch-event", json!({"start_time": "-7d"})).await;
    assert!(outcome.events.iter().any(|event| event.title.contains('\u{1b}')), "the screen's door cleans it, not the vendor");
    assert!(outcome.raw_data.to_string().contains("\\u001b]52;"));
}

#[tokio::test]
async fn no_secret_is_in_the_files_in_clear() {
    let desk = wiz(&[]).await;
    desk.run("test-connection", json!({})).await;
    let data = std::fs::read_dir(desk.home().join("data")).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let kept: Vec<Vec<u8>> = data.map(|path| std::fs::read(path).unwrap()).collect();
    assert!(!kept.is_empty(), "the vault is there");
    let secret = nightdesk::simulator::wiz::FULL.1.as_bytes();
    assert!(kept.iter().all(|bytes| !bytes.windows(secret.len()).any(|part| part == secret)));
    assert!(kept.iter().all(|bytes| !bytes.windows(3).any(|part| part == b"eyJ")), "nor a token");
}
