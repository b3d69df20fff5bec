//! Requests and answers of the commands, held by hand.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{VENDOR, default_expiry, open};
use crate::core::catalogue::{Auth, Entry, Given, validate};
use crate::core::connection::Connection;
use crate::core::outcome::{Outcome, ReturnData};
use crate::core::request::{Body, Reply, Request, Target, Trouble};
use crate::core::talk::{Input, Step, Talk};

fn connection(parameters: Value) -> Connection {
    let Value::Object(parameters) = parameters else { panic!("parameters are an object") };
    Connection { name: "eset".into(), vendor: VENDOR.id.into(), parameters, ..Connection::default() }
}

fn american() -> Connection {
    connection(json!({"region": "US", "username": "u@x.example"}))
}

fn with_option(name: &str, value: Value) -> Connection {
    let mut connection = american();
    connection.options.insert(name.into(), value);
    connection
}

fn now() -> Timestamp {
    "2026-08-31T12:00:00Z".parse().unwrap()
}

fn reply(status: u16, id: Option<&str>, body: &Value) -> Reply {
    let headers = id.map(|id| ("response-id".to_owned(), id.to_owned())).into_iter().collect();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Reply { status, headers, body: body.into_bytes().into(), ..Reply::default() }
}

/// Runs a command against answers in their order; gives what was asked, too.
fn run(connection: Connection, command: &str, arguments: &Value, answers: Vec<Reply>) -> (Outcome, Vec<Request>) {
    let entry = open(&connection).unwrap();
    let command = entry.command(command).unwrap();
    let given = arguments.as_object().unwrap().iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect();
    let arguments = validate(command, given, now()).unwrap();
    let mut talking = command.start(Talk::new(now(), false), Arc::new(connection), arguments);
    let (mut answers, mut asked, mut input) = (answers.into_iter(), Vec::new(), Input::Start);
    loop {
        input = match talking.resume(input) {
            Step::Send(requests) => {
                let next = |_| answers.next().ok_or(Trouble::Transport("no answer left".into()));
                let replies = requests.iter().map(next).collect();
                asked.extend(requests);
                Input::Answers(replies)
            }
            Step::Done(outcome) => return (outcome, asked),
            _ => Input::Done,
        };
    }
}

/// The body with which a task command asks.
fn task(connection: Connection, command: &str, extra: &Value) -> (Value, String) {
    let mut arguments = json!({"task_name": "n", "task_description": "d", "device_uuids": ["a"]});
    arguments.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let (outcome, asked) = run(connection, command, &arguments, vec![reply(200, None, &json!({"task": {"uuid": "t"}}))]);
    let Body::Json(body) = &asked[0].body else { panic!("a task is JSON") };
    (body["task"].clone(), outcome.message)
}

fn header(request: &Request, name: &str) -> Option<String> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.shown())
}

#[test]
fn every_region_has_its_hosts_and_no_other_word_is_one() {
    let host = |entry: &Entry, at: usize| entry.roots[at].url.clone();
    let japan = open(&connection(json!({"region": "jp"}))).unwrap();
    assert_eq!(host(&japan, 0), "https://jpn.business-account.iam.eset.systems");
    assert_eq!(host(&japan, 4), "https://jpn.incident-management.eset.systems");
    assert!(matches!(japan.roots[0].auth, Auth::None) && matches!(japan.roots[1].auth, Auth::SignIn(_)));
    assert_eq!(open(&connection(json!({"region": "Mars"}))).unwrap_err()[0].parameter, "region");
    let one = json!({"region": "EU", "endpoints": {"device": "http://127.0.0.1:1/"}});
    let mixed = open(&connection(one)).unwrap();
    assert_eq!((host(&mixed, 1), host(&mixed, 2)), ("http://127.0.0.1:1".into(), "https://eu.automation.eset.systems".into()));
    let wrong = json!({"region": "EU", "endpoints": {"devices": "http://127.0.0.1:1"}});
    assert_eq!(open(&connection(wrong)).unwrap_err()[0].parameter, "endpoints");
}

#[test]
fn six_months_are_calendar_months_that_end_with_the_month() {
    let wire = |from: &str| super::wire_time(default_expiry(&american(), from.parse().unwrap()));
    assert_eq!(wire("2026-08-31T12:00:00.5Z"), "2027-02-28T12:00:00Z");
    assert_eq!(wire("2027-08-31T12:00:00Z"), "2028-02-29T12:00:00Z");
    assert_eq!(wire("2026-01-15T23:59:59Z"), "2026-07-15T23:59:59Z");
    let (made, _) = task(american(), "isolate-endpoints", &json!({}));
    assert_eq!(made["triggers"], json!([{"manual": {"expireTime": "2027-02-28T12:00:00Z"}}]));
    assert_eq!(made["action"], json!({"name": "StartNetworkIsolation"}), "no params where there are none");
    let (short, _) = task(with_option("expire.default_months", json!(1)), "isolate-endpoints", &json!({}));
    assert_eq!(short["triggers"][0]["manual"]["expireTime"], "2026-09-30T12:00:00Z");
}

#[test]
fn a_scan_sends_what_counts_and_says_what_does_not() {
    let params = |extra: Value| {
        let (made, message) = task(american(), "on-demand-scan", &extra);
        (made["action"]["params"].clone(), message)
    };
    let (plain, message) = params(json!({}));
    let expected = json!({
        "@type": "type.googleapis.com/Era.Common.DataDefinition.Task.ESS.OnDemandScan", "scanProfile": "InDepth",
        "scanTargets": ["eset://AllTargets"], "cleaningEnabled": true, "shutdownEnabled": false, "shutdownLocked": false,
        "powerActions": {"cancelAction": false, "postpone": "Cannot"},
    });
    assert_eq!(plain, expected);
    assert!(!message.contains("not sent"), "{message}");
    let (void, message) = params(json!({"shutdown_locked": true, "postpone": "One Day", "custom_profile_name": "Night"}));
    assert_eq!(void, expected);
    assert!(["Postpone", "Shutdown Locked", "Custom Profile Name"].iter().all(|name| message.contains(&format!("{name} was not sent"))));
    let given = json!({"shutdown_enabled": true, "shutdown_locked": true, "postpone": "One Hours", "cancel_action": true,
        "scan_profile": "Custom", "custom_profile_name": "Night", "scan_targets": ["C:\\"], "cleaning_enabled": false});
    let (full, message) = params(given);
    assert_eq!(full["powerActions"], json!({"cancelAction": true, "postpone": "OneHour"}));
    assert_eq!(
        (&full["shutdownLocked"], &full["customProfileName"], &full["cleaningEnabled"]),
        (&json!(true), &json!("Night"), &json!(false))
    );
    assert_eq!(full["scanTargets"], json!(["C:\\"]));
    assert!(!message.contains("not sent"), "{message}");
    let (empty, _) = task(with_option("scan.empty_targets", json!("omit")), "on-demand-scan", &json!({}));
    assert!(empty["action"]["params"].get("scanTargets").is_none());
}

#[test]
fn what_the_user_may_do_has_a_name_of_its_own_in_each_task() {
    let params = |command: &str, extra: Value| task(american(), command, &extra).0["action"]["params"].clone();
    let down = params("shutdown-or-reboots-endpoints", json!({"restart": false, "postpone": "Three Hours"}));
    assert_eq!((&down["restart"], &down["actions"]), (&json!(false), &json!({"cancelAction": false, "postpone": "ThreeHours"})));
    let update = params("update-operating-system", json!({"postpone": "One Day"}));
    assert_eq!((&update["allowReboot"], &update["rebootActions"]["postpone"]), (&json!(true), &json!("OneDay")));
    let still = params("update-operating-system", json!({"postpone": "One Day", "allow_reboot": false}));
    assert_eq!(still["rebootActions"]["postpone"], "Cannot");
    let run = params("run-command", json!({"command_line": "dir"}));
    assert_eq!(run.as_object().unwrap().keys().collect::<Vec<_>>(), ["@type", "commandLine"], "no empty directory is sent");
}

#[test]
fn a_pending_answer_is_collected_with_the_newest_id() {
    let answers = vec![reply(202, Some("first"), &Value::Null), reply(202, Some("second"), &Value::Null), reply(202, None, &Value::Null)];
    let end = reply(200, None, &json!({"task": {"uuid": "t"}}));
    let given = json!({"task_name": "n", "task_description": "d", "device_uuids": ["a"]});
    let (outcome, asked) = run(american(), "isolate-endpoints", &given, [answers, vec![end]].concat());
    assert_eq!(outcome.return_data, ReturnData::Successful);
    let ids: Vec<_> = asked.iter().map(|one| header(one, "response-id").unwrap_or_default()).collect();
    assert_eq!(ids, ["", "first", "second", "second"]);
    assert!(asked.iter().all(|one| matches!((&one.body, &asked[0].body), (Body::Json(a), Body::Json(b)) if a == b)));
}

#[test]
fn an_answer_that_is_gone_is_asked_for_again_only_where_nothing_changes() {
    let lost = || vec![reply(202, Some("first"), &Value::Null), reply(404, None, &Value::Null)];
    let answers = [lost(), vec![reply(200, None, &json!({"policies": [{"uuid": "p"}]}))]].concat();
    let (outcome, asked) = run(american(), "list-policies", &json!({}), answers);
    assert_eq!((outcome.return_data, &outcome.key_fields["PolicyUUIDs"]), (ReturnData::Successful, &json!(["p"])));
    assert_eq!(header(&asked[2], "response-id"), None);
    let given = json!({"task_name": "n", "task_description": "d", "device_uuids": ["a"]});
    for answers in [lost(), vec![reply(202, None, &Value::Null)]] {
        let count = answers.len();
        let (outcome, asked) = run(american(), "isolate-endpoints", &given, answers);
        assert_eq!((outcome.return_data, asked.len()), (ReturnData::Failed, count));
        assert!(outcome.errors[0].message.contains("unknown"), "{:?}", outcome.errors);
    }
}

#[test]
fn a_list_ends_with_any_spelling_of_no_further_page_and_never_turns_round() {
    let page = |token: Value| reply(200, None, &json!({"policies": [{"uuid": token.to_string()}], "nextPageToken": token}));
    for last in [json!(""), Value::Null] {
        let (outcome, asked) = run(american(), "list-policies", &json!({}), vec![page(json!("a b&c")), page(last)]);
        assert_eq!((outcome.return_data, asked.len()), (ReturnData::Successful, 2));
        assert!(matches!(&asked[1].target, Target::Service { .. }));
        assert!(asked[1].query.iter().any(|(name, value)| name == "pageToken" && value.shown() == "a b&c"));
    }
    let (round, _) = run(american(), "list-policies", &json!({}), vec![page(json!("a")), page(json!("a"))]);
    assert_eq!(round.return_data, ReturnData::Failed);
}
