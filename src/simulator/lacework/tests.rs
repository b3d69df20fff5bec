//! The simulator judged by itself, over HTTP and without the client.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{ACCOUNT, ADMIN_TOKEN, READER_TOKEN, start};
use crate::simulator::{Clock, Fault, Faults, Options, Shared, Vendor, World};

struct Client {
    shared: Arc<Shared>,
    root: String,
    session: String,
    http: reqwest::Client,
    _vendor: Vendor,
}

impl Client {
    async fn new(token: &str, faults: &[Fault]) -> Self {
        let clock = Clock::real();
        let world = World::new(7, clock.now());
        let shared = Arc::new(Shared {
            options: Options::default(),
            world,
            clock,
            faults: Faults::new(faults),
            foreign: "http://127.0.0.1:1".into(),
        });
        let vendor = start(&shared).await.unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let root = vendor.endpoints[0].1.clone();
        let login = http.get(format!("{root}/token_login?account={ACCOUNT}")).bearer_auth(token).send().await.unwrap();
        let session: Value = serde_json::from_str(&login.text().await.unwrap()).unwrap();
        let session = session["token"].as_str().unwrap_or_default().to_owned();
        Self { shared, root, session, http, _vendor: vendor }
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.root)).bearer_auth(&self.session);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }
}

#[tokio::test]
async fn a_session_is_needed_and_ends() {
    let client = Client::new(ADMIN_TOKEN, &[]).await;
    assert_eq!(client.call("GET", "/users", None).await.0, 200);
    client.shared.clock.advance(Duration::from_secs(3_601));
    assert_eq!(client.call("GET", "/users", None).await.0, 401);
    let nobody = Client::new("wrong", &[]).await;
    assert_eq!(nobody.call("GET", "/users", None).await.0, 401);
    let reader = Client::new(READER_TOKEN, &[]).await;
    assert_eq!(reader.call("GET", "/policies?appid=&userid=&resolveDisplayNames=true", None).await.0, 200);
    assert_eq!(reader.call("POST", "/workflows", Some(json!({"name": "x"}))).await.0, 403);
}

#[tokio::test]
async fn calls_are_judged() {
    let client = Client::new(ADMIN_TOKEN, &[]).await;
    for (method, path, body, status) in [
        ("GET", "/policies", None, 400),
        ("GET", "/users?colour=red", None, 400),
        ("GET", "/nowhere", None, 404),
        ("PATCH", "/users", None, 405),
        ("GET", "/auditevents?start_time=0", None, 200),
        ("GET", "/audit-events?start_time=yesterday", None, 400),
        ("POST", "/workflows", Some(json!({"name": "x", "colour": "red"})), 400),
        ("POST", "/workflows", Some(json!({"name": "x", "account_name": "other"})), 400),
        ("POST", "/workflows", Some(json!({"name": "x", "status": "ACTIVE"})), 400),
        ("POST", "/workflows", Some(json!({"name": 5})), 400),
        ("POST", "/workflows", Some(json!({"name": "x", "account_name": ACCOUNT})), 201),
        ("PUT", "/tokens/11111111-1111-4111-8111-111111111111", Some(json!({"status": "SUSPENDED"})), 400),
        ("DELETE", "/devices", Some(json!({"devices": [{"uuid": "a", "user_uuid": "b"}]})), 400),
    ] {
        let (got, answer) = client.call(method, path, body).await;
        assert_eq!(got, status, "{method} {path}: {answer}");
        assert!(status < 400 || answer["message"].is_string());
    }
}

#[tokio::test]
async fn an_alert_is_locked_by_its_update_time_and_keeps_its_history() {
    let client = Client::new(ADMIN_TOKEN, &[]).await;
    let (_, alerts) = client.call("GET", "/alerts?start_time=0&end_time=9999999999999&status_filter=", None).await;
    let alert = alerts["alerts"][0].clone();
    let id = alert["uuid"].as_str().unwrap();
    let seen = &alert["update_time"];
    let path = format!("/alerts/{id}/investigation_actions");
    let note = json!({"alert_uuid": id, "alert_update_time": seen, "action": {"note": {"note_text": "looked at it"}}});
    let (status, first) = client.call("POST", &path, Some(note.clone())).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(client.call("POST", &path, Some(note)).await.0, 400, "the lock has moved on");
    let both = json!({"alert_uuid": id, "action": {"note": {"note_text": "a"}, "update_owner": {"owner_uuid": "b"}}});
    assert_eq!(client.call("POST", &path, Some(both)).await.0, 400);
    let (_, history) = client.call("GET", &path, None).await;
    assert_eq!(history["investigation_actions"].as_array().unwrap().len(), 1);
    let (_, audit) = client.call("GET", "/audit_events?start_time=0", None).await;
    let audit = audit["audit_events"].as_array().unwrap();
    let last = audit.iter().rev().find(|event| event["op"] == "PerformInvestigationAction").unwrap();
    assert_eq!((&last["matched_path"], &last["method"]), (&json!("/api/v1/alerts/:uuid/investigation_actions"), &json!("POST")));
}

#[tokio::test]
async fn changes_are_kept() {
    let client = Client::new(ADMIN_TOKEN, &[]).await;
    let (_, users) = client.call("GET", "/users?status=ACTIVE", None).await;
    let id = users["users"][1]["uuid"].as_str().unwrap().to_owned();
    let body = json!({"uuid": id, "user": {"status": "SUSPENDED", "location": "Riga"}});
    assert_eq!(client.call("PUT", &format!("/users/{id}"), Some(body)).await.1["status"], 3);
    assert_eq!(client.call("GET", &format!("/users/{id}"), None).await.1["location"], "Riga");
    let (_, devices) = client.call("GET", &format!("/users/{id}/devices"), None).await;
    let device = devices["devices"][0].clone();
    let body = json!({"devices": [{"uuid": device["uuid"], "user_uuid": id}]});
    assert_eq!(client.call("DELETE", "/devices", Some(body)).await.0, 200);
    let (_, after) = client.call("GET", &format!("/users/{id}/devices"), None).await;
    assert!(after["devices"].as_array().is_none_or(|left| left.iter().all(|one| one["uuid"] != device["uuid"])));
    let document = "d0c00000-0000-4000-8000-000000000001";
    let body = json!({"normalized_document_uuid": document, "external_only": true});
    assert_eq!(client.call("POST", &format!("/documents/{document}/revoke_sharing"), Some(body)).await.0, 200);
    assert!(client.call("GET", &format!("/documents/{document}"), None).await.1.get("external_access").is_none());
}

#[tokio::test]
async fn faults_show_in_lists_of_events() {
    let client = Client::new(ADMIN_TOKEN, &[Fault::DuplicateRecords, Fault::HostileText]).await;
    let (_, alerts) = client.call("GET", "/alerts?start_time=0&end_time=9999999999999&status_filter=", None).await;
    let alerts = alerts["alerts"].as_array().unwrap();
    assert!(alerts.len() > 300, "{}", alerts.len());
    assert!(alerts.windows(2).any(|two| two[0]["uuid"] == two[1]["uuid"]));
    assert!(alerts.iter().any(|alert| alert["description"].as_str().unwrap().contains('\u{1b}')));
}
