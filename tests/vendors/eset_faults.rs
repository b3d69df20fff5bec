//! ESET PROTECT Cloud: what a fetch brings, and what happens when the API or the way to it fails.

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightdesk::core::catalogue::Window;
use nightdesk::core::outcome::{Outcome, ReturnData};
use nightdesk::simulator::Fault;
use nightdesk::simulator::eset::FULL;
use serde_json::{Value, json};

use crate::support::{Desk, desk, desk_with};

pub const VENDOR: &str = "eset-protect-cloud";
/// Nothing has this uuid.
pub const NOBODY: &str = "5a54ab0e-52ab-4f1c-9e5d-2f0a0a1a1a1a";
const SOURCE: &str = "Detections";

/// Of an error: status, message, item.
type Told<'a> = (Option<u16>, &'a str, Option<&'a str>);

/// A connection of somebody else, or with another password.
pub async fn as_user(user: &str, password: &str) -> Desk {
    let (user, password) = (format!("\"{user}\""), format!("password = \"{password}\""));
    desk_with(VENDOR, 40, &[], |text| {
        let line = text.lines().find(|line| line.starts_with("password")).unwrap().to_owned();
        text.replace(&format!("\"{}\"", FULL.0), &user).replace(&line, &password)
    })
    .await
}

pub fn machine(desk: &Desk, at: usize) -> &str {
    &desk.simulation.shared.world.machines[at].id
}

pub fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[track_caller]
pub fn good(outcome: &Outcome) -> &Outcome {
    assert_eq!(outcome.return_data, ReturnData::Successful, "{:?}", outcome.errors);
    outcome
}

/// State, and of each error: status, message, item.
pub fn told(outcome: &Outcome) -> (ReturnData, Vec<Told<'_>>) {
    let errors = outcome.errors.iter().map(|error| (error.status_code, error.message.as_str(), error.item.as_deref()));
    (outcome.return_data, errors.collect())
}

async fn eset(faults: &[Fault]) -> Desk {
    desk(VENDOR, 800, faults).await
}

async fn keys(desk: &Desk, window: Window) -> Vec<String> {
    let (fetched, pages) = desk.fetch_window(window).await;
    assert!(fetched.errors.is_empty(), "{:?}", fetched.errors);
    pages.into_iter().flat_map(|page| page.events).map(|event| event.key).collect()
}

/// The last day, to now.
fn day() -> Window {
    let now = Timestamp::now();
    Window { source: SOURCE.into(), from: now - SignedDuration::from_hours(24), to: now, max: None, resume: None }
}

#[tokio::test]
async fn a_fetch_is_whole_and_goes_on_where_its_maximum_cut_it() {
    let desk = eset(&[]).await;
    let whole = keys(&desk, day()).await;
    assert!(whole.len() > 100 && whole.iter().collect::<HashSet<_>>().len() == whole.len());
    let (mut got, mut resume, window) = (Vec::new(), None, day());
    loop {
        let (fetched, pages) = desk.fetch_window(Window { max: Some(40), resume: resume.clone(), ..window.clone() }).await;
        resume = pages.iter().rev().find_map(|page| page.position.clone()).or(resume);
        got.extend(pages.into_iter().flat_map(|page| page.events).map(|event| event.key));
        if !fetched.truncated {
            assert_eq!(fetched.complete_to, Some(window.to));
            break;
        }
        assert!(fetched.complete_to < Some(window.to));
    }
    let (got, whole): (HashSet<_>, HashSet<_>) = (got.into_iter().collect(), keys(&desk, window).await.into_iter().collect());
    assert_eq!(got, whole, "nothing is lost between two runs");
}

#[tokio::test]
async fn a_page_at_a_time_covers_the_window_too() {
    let small = desk_with(VENDOR, 800, &[], |text| format!("{text}[connection.options]\npage_size = 25\n")).await;
    let window = day();
    let (fetched, pages) = small.fetch_window(window.clone()).await;
    assert_eq!((fetched.complete_to, fetched.errors.len()), (Some(window.to), 0));
    assert!(pages.len() > 4);
    let covered: Vec<_> = pages.iter().filter_map(|page| page.covered).collect();
    assert!(covered.iter().all(|(from, _)| *from == window.from) && covered.is_sorted_by_key(|(_, to)| *to));
    assert_eq!(covered.last().unwrap().1, window.to);
}

#[tokio::test]
async fn detections_that_come_twice_or_late_are_each_had_once() {
    let desk = eset(&[Fault::DuplicateRecords, Fault::LateRecords]).await;
    let first = keys(&desk, day()).await;
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), first.len());
    // The increment reaches back behind the watermark and finds what was late.
    let overlap = SignedDuration::try_from(desk.entry.source(SOURCE).unwrap().overlap).unwrap();
    let second = keys(&desk, Window { from: Timestamp::now() - overlap, ..day() }).await;
    assert!(second.iter().any(|key| !first.contains(key)));
    let groups = desk.run("list-device-groups", json!({})).await;
    let uuids = strings(&good(&groups).key_fields["DeviceGroupUUIDs"]);
    assert_eq!(uuids.iter().collect::<HashSet<_>>().len(), uuids.len());
    // What arrives as time goes by is brought as well.
    desk.simulation.shared.clock.advance(Duration::from_hours(1));
    let now = Timestamp::now();
    assert!(!keys(&desk, Window { from: now, to: now + SignedDuration::from_hours(1), ..day() }).await.is_empty());
}

#[tokio::test]
async fn one_refused_token_a_full_second_and_a_broken_server_are_got_over() {
    for fault in [Fault::UnauthorizedOnce, Fault::Throttled, Fault::ServerErrors] {
        let desk = eset(&[fault]).await;
        good(&desk.run("list-device-groups", json!({})).await);
    }
    // Throttled requests were not carried out: a change may follow.
    let desk = eset(&[Fault::Throttled]).await;
    let given = json!({"task_name": "a", "task_description": "b", "device_uuids": [machine(&desk, 0)]});
    good(&desk.run("isolate-endpoints", given).await);
    // More calls than ESET takes in a second are spread.
    let desk = eset(&[]).await;
    let groups = desk.run("list-device-groups", json!({})).await.key_fields["DeviceGroupUUIDs"].clone();
    let twice = [strings(&groups), strings(&groups)].concat();
    good(&desk.run("get-device-group-endpoints", json!({"device_group_uuids": twice})).await);
}

#[tokio::test]
async fn a_token_that_expired_is_renewed_and_a_dead_refresh_token_healed() {
    let desk = eset(&[]).await;
    for hours in [0, 2, 30] {
        desk.simulation.shared.clock.advance(Duration::from_hours(hours));
        good(&desk.run("test-connection", json!({})).await);
    }
}

#[tokio::test]
async fn the_test_tells_in_the_documents_words_and_why() {
    let wrong = as_user(FULL.0, "wrong").await.run("test-connection", json!({})).await;
    assert_eq!(told(&wrong), (ReturnData::Failed, vec![(Some(400), "Errors in Test Connection function.", None)]));
    assert_eq!(wrong.errors[0].failure_indicator, "Test Connection failed. Failed to check the connector.");
    assert!(wrong.errors[0].hint.as_deref().unwrap().contains("invalid credentials"));
    let listed = as_user(FULL.0, "wrong").await.run("list-policies", json!({})).await;
    assert!(listed.errors[0].message.contains("refused the credentials"), "{:?}", listed.errors);
}

#[tokio::test]
async fn what_cannot_be_got_over_fails_with_its_reason() {
    for (fault, status) in [(Fault::Forbidden, Some(403)), (Fault::ExpiredToken, Some(401)), (Fault::CutBody, None)] {
        let desk = eset(&[fault]).await;
        for (command, given) in
            [("list-device-tasks", json!({})), ("fetch-event", json!({"end_time": "now"})), ("test-connection", json!({}))]
        {
            let outcome = desk.run(command, given).await;
            assert_eq!((outcome.return_data, outcome.errors[0].status_code), (ReturnData::Failed, status), "{fault} {command}");
            assert!(!outcome.errors[0].message.is_empty());
        }
        let window = day();
        let (fetched, pages) = desk.fetch_window(window.clone()).await;
        assert!(pages.is_empty() && fetched.complete_to.is_none_or(|to| to == window.from), "{fault}: nothing was covered");
        assert_eq!((fetched.gaps[0].from, fetched.gaps[0].to), (window.from, window.to));
    }
}

#[tokio::test]
async fn refused_credentials_end_a_loop_and_the_rest_is_not_attempted() {
    let desk = eset(&[Fault::ExpiredToken]).await;
    let outcome = desk.run("list-task-history", json!({"task_uuids": ["a", "b", "c"]})).await;
    assert_eq!((outcome.return_data, outcome.errors.len(), outcome.errors[0].status_code), (ReturnData::Failed, 3, Some(401)));
    assert!(outcome.errors[1..].iter().all(|error| error.message.starts_with("Not attempted") && error.status_code.is_none()));
}

#[tokio::test]
async fn a_change_is_sent_once_even_when_its_answer_is_lost() {
    let desk = eset(&[Fault::CutBody]).await;
    let given = json!({"task_name": "once", "task_description": "x", "device_uuids": [machine(&desk, 0)]});
    let lost = desk.run("isolate-endpoints", given).await;
    assert_eq!((lost.return_data, lost.errors[0].status_code), (ReturnData::Failed, None));
    desk.simulation.shared.faults.set(Fault::CutBody, false);
    let tasks = desk.run("list-device-tasks", json!({})).await.raw_data;
    let made: Vec<_> = tasks["tasks"].as_array().unwrap().iter().filter(|task| task["displayName"] == "once").collect();
    assert_eq!((made.len(), made[0]["versionId"].as_str()), (1, Some("808")), "the version counts every creation");
}

#[tokio::test]
async fn hostile_text_stays_as_it_is_in_the_record() {
    let desk = eset(&[Fault::HostileText]).await;
    let outcome = desk.run("fetch-event", json!({"start_time": "-7d", "end_time": "now", "number_of_events_fetched": 0})).await;
    assert!(outcome.events.iter().any(|event| event.title.contains('\u{1b}')), "the screen's door cleans it, not the vendor");
}
