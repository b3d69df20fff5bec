//! Lacework Edge without a network: the catalogue, routes and mappings.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{VENDOR, events};
use crate::core::catalogue::{Arguments, Effect, Entry, Given, Invalid, validate};
use crate::core::connection::Connection;
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
fn a_write_that_suspends_deletes_or_closes_weighs_more() {
    let entry = entry(&json!({}));
    for (command, given, effect) in [
        ("update-token", json!({"uuid": "a", "name": "b"}), Effect::Write),
        ("update-token", json!({"uuid": "a", "status": "4"}), Effect::Destructive),
        ("update-token", json!({"uuid": "a", "status": "SUSPENDED"}), Effect::Destructive),
        ("update-token", json!({"uuid": "a", "status": "2"}), Effect::Write),
        ("update-user", json!({"uuid": "a", "user": {"status": 3}}), Effect::Destructive),
        ("update-user", json!({"uuid": "a", "body": {"user": {"status": 4}}}), Effect::Destructive),
        ("perform-investigation-action", json!({"uuid": "a", "action": {"note": {"note_text": "x"}}}), Effect::Write),
        ("perform-investigation-action", json!({"uuid": "a", "action": {"close_with_reason": {}}}), Effect::Destructive),
        ("create-token", json!({"name": "x"}), Effect::Destructive),
        ("create-workflow-run", json!({"execute_now": "true"}), Effect::Destructive),
        ("delete-devices", json!({"devices": [{"uuid": "a"}]}), Effect::Destructive),
    ] {
        let checked = arguments(&entry, command, &given).unwrap();
        assert_eq!(entry.command(command).unwrap().class_of(&checked).effect, effect, "{command} {given}");
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
