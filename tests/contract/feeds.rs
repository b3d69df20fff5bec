//! What a vendor's answer to a fetch may look like: every record is stored, whatever it lacks; what is no list is no empty list.

use serde_json::{Value, json};

use super::desk::{Desk, Ran, ran};
use super::hostile::{self, Hostile, serve};

/// A connection of each vendor whose lists this server answers, with the member of its answer that holds the records and a record.
fn feeds(root: &str) -> Vec<(&'static str, String, Value)> {
    let now = jiff::Timestamp::now();
    let at = |minutes: i64| now.checked_sub(jiff::SignedDuration::from_mins(minutes)).unwrap();
    let block = |name: &str, vendor: &str, more: &str, parameters: &str| {
        format!("[[connection]]\nname = \"{name}\"\nvendor = \"{vendor}\"\n{more}[connection.parameters]\n{parameters}")
    };
    let azure = hostile::azure(root).replace("vendor = \"azure-api\"\n", "vendor = \"azure-api\"\nevent_sources = [\"alerts\"]\n");
    let eset = block(
        "eset",
        "eset-protect-cloud",
        "",
        &format!(
            "region = \"EU\"\nusername = \"a@b.example\"\npassword = {{ env = \"CANARY_SECRET\" }}\n\
             endpoints = {{ auth = \"{root}\", device = \"{root}\", automation = \"{root}\", policy = \"{root}\", incident = \"{root}\" }}\n"
        ),
    );
    let lacework = block(
        "lacework",
        "lacework-edge",
        "event_sources = [\"alerts\"]\n",
        &format!("api_url = \"{root}/api/v1\"\naccount = \"acme\"\napi_token = {{ env = \"CANARY_SECRET\" }}\n"),
    );
    vec![
        ("value", azure, json!({"id": "a", "title": "t", "createdDateTime": at(9), "lastUpdateDateTime": at(9)})),
        ("detections", eset, json!({"uuid": "a", "displayName": "t", "occurTime": at(9)})),
        ("alerts", lacework, json!({"uuid": "a", "description": "t", "create_time": at(9).as_millisecond()})),
    ]
}

/// Answers every list with this text and hands out tokens of every kind.
fn answering(text: impl Fn() -> String + Send + Sync + 'static) -> Hostile {
    serve(move |request, stream| hostile::signed_in(request, stream, &text))
}

fn fetch(desk: &Desk) -> Ran {
    ran(desk.command(&["fetch"]).env("CANARY_SECRET", "canary-client-secret"))
}

fn desk(configuration: &str) -> Desk {
    let desk = Desk::bare();
    desk.configure(configuration);
    desk
}

#[test]
fn what_is_no_list_is_no_empty_list() {
    let text = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let shown = std::sync::Arc::clone(&text);
    let server = answering(move || shown.lock().unwrap().clone());
    for (member, configuration, _) in feeds(&server.root) {
        let wrong =
            ["", "null", "[]", "\"x\"", "0", "<html>Sign in</html>", "{\"error\":{\"code\":\"x\",\"message\":\"m\"}}"].map(str::to_owned);
        let wrong = wrong.into_iter().chain(["{}", "\"x\"", "[null]", "[1]"].map(|value| format!("{{\"{member}\":{value}}}")));
        for answer in wrong {
            text.lock().unwrap().clone_from(&answer);
            let line = fetch(&desk(&configuration)).ended(1).line();
            assert_eq!(line["return_data"], "Failed", "{member}: {answer}: {line}");
            assert!(!line["errors"][0]["message"].as_str().unwrap().is_empty() && !line["gaps"].as_array().unwrap().is_empty(), "{line}");
        }
        text.lock().unwrap().clone_from(&format!("{{\"{member}\":[]}}"));
        assert_eq!(fetch(&desk(&configuration)).ended(0).line()["return_data"], "Successful with No Event Data", "{member}");
    }
}

#[test]
fn records_are_stored_whatever_their_id_is() {
    let text = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let shown = std::sync::Arc::clone(&text);
    let server = answering(move || shown.lock().unwrap().clone());
    for (member, configuration, record) in feeds(&server.root) {
        let id = if member == "value" { "id" } else { "uuid" };
        let variants: Vec<Value> = [json!("a"), json!(17), json!(null), json!(null), json!("")]
            .into_iter()
            .enumerate()
            .map(|(n, key)| {
                let mut record = record.clone();
                record[id] = key;
                record["n"] = n.into();
                record
            })
            .collect();
        text.lock().unwrap().clone_from(&json!({member: variants}).to_string());
        let desk = desk(&configuration);
        assert_eq!(fetch(&desk).ended(0).line()["new"], 5, "{member}");
        let events = desk.events();
        let mut keys: Vec<&str> = events.iter().map(|event| event["key"].as_str().unwrap()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 5, "{keys:?}");
        assert!(keys.contains(&"17"), "{keys:?}");
        assert_eq!(fetch(&desk).ended(0).line()["new"], 0, "{member}");
    }
}

#[test]
fn what_the_vendor_lists_is_stored_whatever_its_time() {
    let server = answering(|| json!({"alerts": [{"uuid": "old", "description": "t", "create_time": 1_600_000_000_000_i64}]}).to_string());
    let (_, configuration, _) = feeds(&server.root).remove(2);
    let desk = desk(&configuration);
    let line = fetch(&desk).ended(0).line();
    assert_eq!((&line["fetched"], &line["new"]), (&json!(1), &json!(1)), "each once, however many stretches list it: {line}");
    assert_eq!(desk.events()[0]["occurred_at"], "2020-09-13T12:26:40Z");
}

/// A relay in front of all services is one host for all of them.
#[test]
fn the_services_of_a_vendor_may_share_a_host() {
    let server = answering(|| json!({"deviceGroups": []}).to_string());
    let (_, configuration, _) = feeds(&server.root).remove(1);
    let desk = desk(&configuration);
    let report = ran(desk.command(&["run", "eset", "list-device-groups"]).env("CANARY_SECRET", "canary-client-secret")).ended(0).line();
    assert_eq!(report["return_data"], "Successful");
    let asked = server.received.lock().unwrap();
    let told: Vec<(&str, bool)> = asked.iter().map(|request| (request.path.as_str(), request.head.contains("authorization:"))).collect();
    assert_eq!(told, [("/oauth/token", false), ("/v1/device_groups?pageSize=1000", true)]);
}
