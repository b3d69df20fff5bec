//! Lacework Edge without a network: the catalogue, routes and mappings.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{VENDOR, events};
use crate::core::catalogue::{Arguments, Effect, Entry, Given, Invalid, Reach, validate};
use crate::core::connection::Connection;
use crate::core::console::form::Form;
use crate::core::event::Severity;

fn connection(parameters: &Value) -> Connection {
    let mut all = json!({"api_url": "https://edge.example/api/v1", "account": "northwind", "path_style": "snake"});
    all.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
    Connection { parameters: all.as_object().unwrap().clone(), secrets: ["api_token".to_owned()].into(), ..Connection::default() }
}

fn entry(parameters: &Value) -> Entry {
    (VENDOR.open)(&connection(parameters)).unwrap()
}

fn arguments(entry: &Entry, command: &str, given: &Value) -> Result<Arguments, Vec<Invalid>> {
    let given = given.as_object().unwrap().iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), Given::Text(text))
    });
    validate(entry.command(command).unwrap(), given.collect(), Timestamp::UNIX_EPOCH)
}

#[test]
fn the_document_makes_every_command_with_its_effect() {
    let entry = entry(&json!({}));
    let of = |effect: Effect| entry.commands.iter().filter(|command| !command.group.is_empty() && command.class.effect == effect).count();
    assert_eq!((of(Effect::Read), of(Effect::Write), of(Effect::Destructive)), (58, 43, 6));
    let generated: Vec<_> = entry.commands.iter().filter(|command| !command.group.is_empty()).collect();
    assert_eq!(generated.len(), 107);
    assert_eq!(generated.iter().filter(|command| command.assumed).count(), 102);
    let hidden: Vec<_> = generated.iter().filter(|command| command.hidden).map(|command| command.name.as_str()).collect();
    assert_eq!(hidden, ["query-users-untitled"]);
    let query: Vec<_> =
        entry.command("query-alerts").unwrap().parameters.iter().map(|one| (one.name.as_str(), one.r#type.name())).collect();
    assert_eq!(query, [("start_time", "time"), ("end_time", "time"), ("status_filter", "text")]);
    for name in ["secret", "token", "client_secret", "mfa_passcode"] {
        assert!(entry.secret_fields.iter().any(|known| known == name), "{name}");
    }
}

#[test]
fn a_write_weighs_as_much_as_what_it_does() {
    let entry = entry(&json!({}));
    for (command, given, effect) in [
        ("update-token", json!({"uuid": "a", "name": "b"}), (Effect::Write, Reach::Reversible)),
        ("update-token", json!({"uuid": "a", "status": "4"}), (Effect::Destructive, Reach::Irreversible)),
        ("update-token", json!({"uuid": "a", "status": "SUSPENDED"}), (Effect::Write, Reach::Disruptive)),
        ("update-token", json!({"uuid": "a", "status": "3", "attributes_to_delete": ["role"]}), (Effect::Destructive, Reach::Irreversible)),
        ("update-token", json!({"uuid": "a", "status": "2"}), (Effect::Write, Reach::Reversible)),
        ("update-user", json!({"uuid": "a", "user": {"status": 3}}), (Effect::Write, Reach::Disruptive)),
        ("update-user", json!({"uuid": "a", "body": {"user": {"status": 4}}}), (Effect::Destructive, Reach::Irreversible)),
        ("perform-investigation-action", json!({"uuid": "a", "action": {"note": {"note_text": "x"}}}), (Effect::Write, Reach::Note)),
        ("perform-investigation-action", json!({"uuid": "a", "action": {"close_with_reason": {}}}), (Effect::Write, Reach::Reversible)),
        ("perform-investigation-action", json!({"uuid": "a", "action": {"run_workflow": {}}}), (Effect::Destructive, Reach::Irreversible)),
        ("create-token", json!({"name": "x"}), (Effect::Write, Reach::Disruptive)),
        ("create-workflow-run", json!({"execute_now": "true"}), (Effect::Destructive, Reach::Irreversible)),
        ("answer-workflow-run", json!({"uuid": "a", "answer_index": "0"}), (Effect::Destructive, Reach::Irreversible)),
        ("delete-devices", json!({"devices": [{"uuid": "a"}]}), (Effect::Destructive, Reach::Irreversible)),
    ] {
        let checked = arguments(&entry, command, &given).unwrap();
        let class = entry.command(command).unwrap().class_of(&checked);
        assert_eq!((class.effect, class.reach), effect, "{command} {given}");
    }
}

#[test]
fn bodies_are_checked_against_their_schema() {
    let entry = entry(&json!({}));
    for (command, given, parameter) in [
        ("update-token", json!({"uuid": "a", "status": "7"}), "status"),
        ("update-user", json!({"uuid": "a", "user": {"status": "often"}}), "user"),
        ("update-user", json!({"user": {"status": 3}}), "uuid"),
        ("query-alerts", json!({"start_time": "-24h"}), "end_time"),
        ("query-workflow-runs", json!({"status": "WAITING"}), "status"),
    ] {
        let complaints = arguments(&entry, command, &given).unwrap_err();
        assert_eq!(complaints[0].parameter, parameter, "{command} {given}: {complaints:?}");
    }
    // The vendor's own examples send names, of which few are printed.
    for (command, given, good) in [
        ("create-token", json!({"name": "n", "role": "ROLE_ADMIN"}), true),
        ("create-token", json!({"name": "n", "role": 10}), true),
        ("create-token", json!({"name": "n", "role": 99}), false),
        ("create-token", json!({"name": "n", "role": "an admin"}), false),
        ("create-user", json!({"user": {"role": "ROLE_USER", "status": "ACTIVE"}}), true),
        ("create-user", json!({"user": {"role": "some role"}}), false),
        ("create-user", json!({"user": {"status": "ROLE_USER"}}), false),
    ] {
        assert_eq!(arguments(&entry, command, &given).is_ok(), good, "{command} {given}");
    }
}

#[test]
fn routes_of_the_configuration_are_checked() {
    for (routes, good) in [
        (json!({"get_alert_history": "GET /alerts/:uuid/history"}), true),
        (json!({"get-alert-history": "PUT /history/{anything}"}), true),
        (json!({"get_alert_histories": "GET /alerts"}), false),
        (json!({"get_alert": "FETCH /alerts/{uuid}"}), false),
        (json!({"get_alert": "GET alerts"}), false),
        (json!({"query_alerts": "GET /alerts/{uuid}"}), false),
    ] {
        let opened = (VENDOR.open)(&connection(&json!({"routes": routes})));
        assert_eq!(opened.is_ok(), good, "{routes}");
    }
    assert!((VENDOR.open)(&connection(&json!({"api_url": "http://edge.example/api"}))).is_err());
    let own = entry(&json!({"routes": {"get_alert_history": "GET /alerts/:uuid/history"}}));
    assert!(!own.command("get-alert-history").unwrap().assumed);
}

#[test]
fn severities_are_the_users_names_or_ours_or_unknown() {
    let kind = |name: &str| events::find(name).unwrap();
    let mut named = connection(&json!({}));
    named.options.insert("enum.alert_severity".into(), json!({"3": "high"}));
    let event =
        |name: &str, record: Value| kind(name).event(&kind(name).mapping(), record, &named, &["secret".into()], Timestamp::UNIX_EPOCH);
    let alert = event("alerts", json!({"uuid": "a", "severity": 3, "event_type": "NewDeviceByUser", "create_time": "1700000000000"}));
    assert_eq!((alert.severity, alert.title.as_str()), (Severity::High, "New device by user"));
    assert_eq!(alert.occurred_at.to_string(), "2023-11-14T22:13:20Z");
    let unknown = event("alerts", json!({"uuid": "a", "severity": "4"}));
    assert_eq!((unknown.severity, unknown.vendor_severity.as_deref()), (Severity::Unknown, Some("4")));
    let word = event("alerts", json!({"uuid": "a", "severity": "SEVERITY_CRITICAL"}));
    assert_eq!((word.severity, word.vendor_severity.as_deref()), (Severity::Critical, Some("SEVERITY_CRITICAL")));
    let audit = |method: &str, status: u16| {
        let record = json!({"uuid": "a", "op": "UpdateToken", "method": method, "matched_path": "/api/v1/tokens/:uuid", "response_status": status,
            "user_login": "dana@northwind.example", "client_ip": "203.0.113.9", "request_body": "{\"secret\":\"hush\",\"n\":1}"});
        event("audit-events", record)
    };
    assert_eq!(
        [audit("PUT", 403), audit("PUT", 200), audit("GET", 200)].map(|event| event.severity),
        [Severity::Medium, Severity::Low, Severity::Informational]
    );
    assert_eq!(audit("PUT", 200).raw["request_body"], "{\"secret\":\"***\",\"n\":1}");
    assert_eq!(audit("PUT", 200).entities.len(), 2);
}

/// The short form of a quick command, its questions answered in order.
fn quick(entry: &Entry, source: &str, record: &Value, letter: char, answers: &[&str]) -> Result<Value, String> {
    let source = entry.source(source).unwrap();
    let quick = (source.quick)(record).into_iter().find(|quick| quick.letter == letter).unwrap();
    let command = entry.command(&quick.command).unwrap();
    let mut form = Form::new(1, "edge", "Default", "lacework-edge", command, &[]).shortened(quick, "lacework-edge", &[]);
    assert_eq!(form.fields.len(), answers.len(), "{letter}");
    for (field, answer) in form.fields.iter_mut().zip(answers) {
        field.add(answer);
        field.names.insert((*answer).to_owned(), format!("Name of {answer}"));
    }
    let checked = form.check(Timestamp::UNIX_EPOCH).ok_or_else(|| format!("{:?} {:?}", form.complaint, form.fields[0].error))?;
    Ok(Value::from(checked.values().clone()))
}

#[test]
fn an_alert_is_worked_on_by_quick_commands() {
    let entry = entry(&json!({}));
    let alert = json!({"uuid": "a", "update_time": 1_700_000_000_000_i64, "create_time": 1_700_000_000_000_i64, "status": 1});
    let act = |letter: char, answers: &[&str]| {
        let made = quick(&entry, "alerts", &alert, letter, answers).unwrap();
        assert_eq!((&made["uuid"], &made["alert_update_time"]), (&json!("a"), &json!(1_700_000_000_000_i64)), "the lock goes with it");
        made["action"].clone()
    };
    assert_eq!(act('n', &["Seen."]), json!({"note": {"note_text": "Seen."}}));
    assert_eq!(act('a', &["u1"]), json!({"update_owner": {"owner_uuid": "u1", "owner_display_name": "Name of u1"}}));
    assert_eq!(act('s', &["2"]), json!({"alert_status_change": {"new_status": 2}}));
    assert_eq!(act('c', &["3", "Test."]), json!({"close_with_reason": {"incident_status": 3, "note_text": "Test."}}));
    assert_eq!(act('w', &["w1"]), json!({"run_workflow": {"workflow_uuid": "w1"}}));
    assert_eq!(quick(&entry, "alerts", &alert, 'h', &[]).unwrap(), json!({"uuid": "a"}));
    let promoted = quick(&entry, "alerts", &alert, 'p', &[]).unwrap();
    assert_eq!((&promoted["event_id"], &promoted["bypass_notifications"]), (&json!("a"), &json!(true)));
    assert!(quick(&entry, "alerts", &alert, 's', &["often"]).unwrap_err().contains("whole number"));
}

#[test]
fn a_run_is_answered_by_quick_commands() {
    let entry = entry(&json!({}));
    let answers = json!([{"answer": "Approve", "actions": [{"target": "requester"}]}, {"answer": "Deny"}, {"answer": "Ask again"}]);
    let run = json!({"uuid": "r", "answers": answers, "can_user_approve": true, "user_display_name": "Dana", "answer_index": ""});
    let all = (entry.source("workflow-runs").unwrap().quick)(&run);
    let letters: String = all.iter().map(|quick| quick.letter).collect();
    assert_eq!(letters, "hads", "each answer has a letter of its own");
    assert!(all[1].facts.iter().any(|(name, does)| name == "Does" && does.contains("requester")), "{:?}", all[1].facts);
    assert_eq!(quick(&entry, "workflow-runs", &run, 'd', &[]).unwrap(), json!({"uuid": "r", "answer_index": "1"}));
    let mut strict = run.clone();
    for name in ["justification_required", "token_required"] {
        strict[name] = json!(true);
    }
    let answered = quick(&entry, "workflow-runs", &strict, 'a', &["Month's end.", "4711"]).unwrap();
    assert_eq!(answered, json!({"uuid": "r", "answer_index": "0", "justification": "Month's end.", "token": 4711}));
    for (name, value, why) in [("can_user_approve", json!(false), "approvers"), ("answer_index", json!("1"), "answered already")] {
        let mut other = run.clone();
        other[name] = value;
        let all = (entry.source("workflow-runs").unwrap().quick)(&other);
        assert!(all[1].reason.as_ref().is_some_and(|reason| reason.contains(why)) && all[0].reason.is_none(), "{name}");
    }
}

#[test]
fn a_history_reads_as_a_timeline() {
    let history = json!({"investigation_actions": [
        {"timestamp": 1_700_000_060_000_i64, "actor_display_name": "Bo", "action": {"close_with_reason": {"incident_status": 3, "note_text": "Test."}}},
        {"timestamp": "1700000000000", "actor_display_name": "Ana", "action": {"note": {"note_text": "Seen."}}},
        {"action": {"action_type": 9}},
    ]});
    let lines = super::quick::timeline(&history);
    assert_eq!(lines[1..], ["2023-11-14 22:13:20  Ana: note: Seen.", "2023-11-14 22:14:20  Bo: closed, reason 3: Test."]);
    assert!(lines[0].ends_with("somebody: action 9"), "{}", lines[0]);
}
