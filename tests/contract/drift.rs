//! Vendors change their records without notice: whatever becomes of any field, the record is stored, and nothing falls over.

use serde_json::{Value, json};

use super::desk::{Desk, ran};
use super::hostile::{self, serve};

/// What may become of a value; `None` takes it away.
fn fates() -> Vec<Option<Value>> {
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    vec![
        None,
        Some(json!(null)),
        Some(json!(true)),
        Some(serde_json::from_str("12345678901234567890123").unwrap()),
        Some(json!(-1)),
        Some(json!(99)),
        Some(json!("")),
        Some(json!("A_VALUE_THAT_IS_NEW")),
        Some(json!("neither a time nor a number \u{202e}\u{1b}[2J")),
        Some(json!([null, {}, "x"])),
        Some(json!({"a": {"b": []}})),
        Some(deep),
    ]
}

/// The JSON pointers of everything within a value.
fn pointers(value: &Value, here: &str, found: &mut Vec<String>) {
    let mut below = |name: &str, inner: &Value| {
        let pointer = format!("{here}/{}", name.replace('~', "~0").replace('/', "~1"));
        pointers(inner, &pointer, found);
        found.push(pointer);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, inner)| below(name, inner)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, inner)| below(&at.to_string(), inner)),
        _ => {}
    }
}

fn change(record: &Value, pointer: &str, fate: Option<Value>) -> Value {
    let mut record = record.clone();
    match fate {
        Some(value) => *record.pointer_mut(pointer).unwrap() = value,
        None => {
            let (above, last) = pointer.rsplit_once('/').unwrap();
            match record.pointer_mut(above).unwrap() {
                Value::Object(members) => drop(members.remove(&last.replace("~1", "/").replace("~0", "~"))),
                Value::Array(items) => drop(items.remove(last.parse().unwrap())),
                _ => unreachable!("something has members or items"),
            }
        }
    }
    record
}

/// Every mutation of a record, each with an id of its own; the id itself stays a text.
fn mutations(record: &Value, id: &str) -> Vec<Value> {
    let mut places = Vec::new();
    pointers(record, "", &mut places);
    places.retain(|place| *place != format!("/{id}"));
    let mutated = places.iter().flat_map(|place| fates().into_iter().map(|fate| change(record, place, fate)));
    let mut all: Vec<Value> = mutated.collect();
    for (number, record) in all.iter_mut().enumerate() {
        record[id] = format!("mutation-{number}").into();
    }
    all
}

/// The answer of a vendor whose lists hold these records.
fn list(vendor: &str, root: &str, path: &str, records: &[Value]) -> Value {
    match vendor {
        "azure-api" => json!({"value": records}),
        "eset-protect-cloud" => json!({"detections": records}),
        "lacework-edge" => json!({"alerts": records}),
        "wiz" => json!({"data": {"issues": {
            "nodes": records, "pageInfo": {"hasNextPage": false, "endCursor": null}, "totalCount": records.len(),
        }}}),
        _ if path.contains("/subscriptions/list") => json!([{"contentType": "Audit.General", "status": "enabled"}]),
        _ if path.contains("/subscriptions/content") => json!([{
            "contentUri": format!("{root}/api/v1.0/x/activity/feed/audit/b"), "contentId": "b", "contentType": "Audit.General",
            "contentCreated": jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_mins(2)).unwrap(),
        }]),
        _ => json!(records),
    }
}

/// The connection's vendor and event source, the type of event that it brings, where the record has its id, and where its severity.
const FEEDS: [(&str, &str, &str, &str, &str, &str); 5] = [
    ("azure-demo", "azure-api", "alerts", "Alerts", "id", "severity"),
    ("wiz-demo", "wiz", "Issues", "Issues", "id", "severity"),
    ("eset-demo", "eset-protect-cloud", "", "Detections", "uuid", "severityLevel"),
    ("microsoft-demo", "management-activity", "Audit.General", "Audit.General", "Id", ""),
    ("lacework-demo", "lacework-edge", "alerts", "alerts", "uuid", "severity"),
];

/// The event is there with the vendor's record as it came, and with a severity that nobody made up.
fn is_told_as_it_came(event: &Value, record: &Value, severity: &str) {
    // What was masked is not compared.
    assert!(event["raw"] == *record || event["raw"].to_string().contains("***"), "{event}\n{record}");
    let (rank, origin) = (event["severity"].as_str().unwrap(), event["severity_origin"].as_str().unwrap());
    assert!(["critical", "high", "medium", "low", "informational", "unknown"].contains(&rank), "{event}");
    assert!(origin != "none" || rank == "unknown", "{event}");
    let odd = |value: &Value| match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) => text.is_empty() || text.contains(' ') || text == "A_VALUE_THAT_IS_NEW",
        _ => false,
    };
    assert!(!record.get(severity).is_none_or(odd) || origin != "vendor" || rank == "unknown", "{event}");
}

#[test]
fn a_record_is_stored_whatever_becomes_of_any_of_its_fields() {
    let samples = Desk::with(&FEEDS.map(|(name, ..)| name), &["--events", "1500"]);
    samples.call(&["fetch"]).ended(0);
    let events = samples.events();
    for (name, vendor, source, event_type, id, severity) in FEEDS {
        let of = |event: &&Value| event["connection"] == name && event["event_type"] == event_type;
        let sample = events.iter().filter(of).max_by_key(|event| event["raw"].to_string().len()).unwrap();
        let records = mutations(&sample["raw"], id);
        assert!(records.len() > 100, "{name}: {}", records.len());
        let (expected, root) = (records.len(), std::sync::Arc::new(std::sync::OnceLock::<String>::new()));
        let known = std::sync::Arc::clone(&root);
        let by_id: std::collections::HashMap<String, Value> =
            records.iter().map(|record| (record[id].to_string(), record.clone())).collect();
        let server = serve(move |request, stream| {
            hostile::signed_in(request, stream, || list(vendor, known.get().unwrap(), &request.path, &records).to_string());
        });
        root.set(server.root.clone()).unwrap();
        let desk = Desk::bare();
        desk.configure(&configuration(name, vendor, source, &server.root));
        let fetch = || ran(desk.command(&["fetch"]).env("CANARY_SECRET", "canary-client-secret")).ended(0).line();
        let first = fetch();
        assert_eq!(first["new"], expected, "{name}: {first}");
        assert_eq!(fetch()["new"], 0, "{name}");
        let table = desk.call(&["events", "--limit", "100000", "--output", "table"]).ended(0);
        assert!(!table.stdout.contains(['\u{202e}', '\u{1b}']), "{name}");
        let events = desk.events();
        assert_eq!(events.len(), expected);
        events.iter().for_each(|event| is_told_as_it_came(event, &by_id[&event["raw"][id].to_string()], severity));
    }
}

fn configuration(name: &str, vendor: &str, source: &str, root: &str) -> String {
    let parameters = match vendor {
        "azure-api" => format!(
            "login_api_root = \"{root}\"\ngraph_api_root = \"{root}\"\nclient_id = \"a\"\ntenant_id = \"t\"\ntest_url = \"{root}/x\"\n\
             client_secret = {{ env = \"CANARY_SECRET\" }}\n"
        ),
        "wiz" => format!(
            "api_endpoint_url = \"{root}\"\nauth_url = \"{root}/oauth/token\"\nclient_id = \"a\"\nclient_secret = {{ env = \"CANARY_SECRET\" }}\n"
        ),
        "eset-protect-cloud" => format!(
            "region = \"EU\"\nusername = \"a@b.example\"\npassword = {{ env = \"CANARY_SECRET\" }}\n\
             endpoints = {{ auth = \"{root}\", device = \"{root}\", automation = \"{root}\", policy = \"{root}\", incident = \"{root}\" }}\n"
        ),
        "management-activity" => format!(
            "base_url = \"{root}/api/v1.0/\"\nlogin_url = \"{root}\"\nclient_id = \"a\"\n\
             tenant_id = \"11111111-2222-4333-8444-555555555555\"\nclient_secret = {{ env = \"CANARY_SECRET\" }}\n"
        ),
        _ => format!("api_url = \"{root}/api/v1\"\naccount = \"acme\"\napi_token = {{ env = \"CANARY_SECRET\" }}\n"),
    };
    let sources = if source.is_empty() { String::new() } else { format!("event_sources = [\"{source}\"]\n") };
    format!("[[connection]]\nname = \"{name}\"\nvendor = \"{vendor}\"\n{sources}[connection.parameters]\n{parameters}")
}
