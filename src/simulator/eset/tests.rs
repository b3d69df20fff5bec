//! The simulated ESET, asked over HTTP as a client asks it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Account, FULL, READER};
use crate::simulator::{Fault, Options, Simulation};

struct Client {
    simulation: Simulation,
    http: reqwest::Client,
    token: String,
}

/// Status, the two ids of the answer, body.
struct Answer {
    status: u16,
    request: bool,
    later: Option<String>,
    json: Value,
    text: String,
}

impl Client {
    async fn new(faults: &[Fault]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options { events: 800, faults: faults.to_vec(), ..Options::default() };
        let simulation = Simulation::start(options).await.unwrap();
        let mut client = Self { simulation, http: reqwest::Client::builder().no_proxy().build().unwrap(), token: String::new() };
        client.sign_in(FULL).await;
        client
    }

    fn root(&self, service: &str) -> String {
        self.simulation.endpoints()[&format!("eset.{service}")].clone()
    }

    async fn form(&self, kind: &str, fields: &[(&str, &str)]) -> Answer {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(format!("{}/oauth/token", self.root("auth"))).header("content-type", kind).body(body);
        read(request.send().await.unwrap()).await
    }

    async fn grant(&self, fields: &[(&str, &str)]) -> Answer {
        self.form("application/x-www-form-urlencoded", fields).await
    }

    async fn sign_in(&mut self, account: Account) -> Value {
        let answer = self.grant(&[("grant_type", "password"), ("username", account.0), ("password", account.1)]).await;
        self.token = answer.json["access_token"].as_str().unwrap().to_owned();
        answer.json
    }

    async fn send(&self, method: &str, service: &str, path: &str, body: &Value, later: Option<&str>) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.root(service)));
        if !self.token.is_empty() {
            request = request.header("authorization", self.token_header());
        }
        if let Some(id) = later {
            request = request.header("response-id", id);
        }
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        read(request.send().await.unwrap()).await
    }

    fn token_header(&self) -> String {
        if self.token == "garbled" { "garbled".into() } else { format!("Bearer {}", self.token) }
    }

    /// Asks with a second gone by, so that the rate never matters, and collects what comes later.
    async fn ask(&self, method: &str, service: &str, path: &str, body: Value) -> Answer {
        self.simulation.shared.clock.advance(Duration::from_secs(1));
        let mut answer = self.send(method, service, path, &body, None).await;
        while answer.status == 202 {
            answer = self.send(method, service, path, &body, answer.later.as_deref()).await;
        }
        answer
    }

    async fn get(&self, service: &str, path: &str) -> Answer {
        self.ask("GET", service, path, Value::Null).await
    }

    fn machine(&self, at: usize) -> &str {
        &self.simulation.shared.world.machines[at].id
    }
}

async fn read(answer: reqwest::Response) -> Answer {
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, request, later) = (answer.status().as_u16(), header("request-id").is_some(), header("response-id"));
    let text = answer.text().await.unwrap();
    Answer { status, request, later, json: serde_json::from_str(&text).unwrap_or_default(), text }
}

fn isolation(name: &str, device: &str) -> Value {
    json!({"task": {"displayName": name, "description": "x", "action": {"name": "StartNetworkIsolation"},
        "targets": {"devicesUuids": [device]}, "triggers": [{"manual": {"expireTime": "2099-01-01T00:00:00Z"}}]}})
}

#[tokio::test]
async fn a_refresh_token_works_once_and_wrong_credentials_are_an_invalid_grant() {
    let mut client = Client::new(&[]).await;
    assert_eq!(client.form("application/json", &[("grant_type", "password")]).await.status, 415);
    let wrong = client.grant(&[("grant_type", "password"), ("username", FULL.0), ("password", "no")]).await;
    assert_eq!((wrong.status, &wrong.json["error"], wrong.request), (400, &json!("invalid_grant"), true));
    let refresh = client.sign_in(FULL).await["refresh_token"].as_str().unwrap().to_owned();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let fresh = client.grant(&fields).await;
    assert_eq!(fresh.status, 200);
    assert_ne!(fresh.json["refresh_token"], json!(refresh));
    assert_eq!(client.grant(&fields).await.status, 400);
    assert_eq!(client.grant(&[("grant_type", "client_credentials")]).await.status, 400);
}

#[tokio::test]
async fn who_may_not_ask_is_refused_without_a_body() {
    let mut client = Client::new(&[]).await;
    let (good, path) = (client.token.clone(), "/v1/device_groups");
    for (token, status) in [("", 400), ("garbled", 400), ("unknown", 401)] {
        client.token = token.into();
        let answer = client.get("device", path).await;
        assert_eq!((answer.status, answer.text.as_str(), answer.request), (status, "", true), "{token}");
    }
    client.token = good;
    assert_eq!(client.get("automation", path).await.status, 404, "each service has its own paths");
    assert_eq!(client.get("device", &format!("{path}?sort=x")).await.status, 400);
    assert_eq!(client.get("device", &format!("{path}?page_size=3")).await.json["deviceGroups"].as_array().unwrap().len(), 3);
    let text = client.http.post(format!("{}/v1/device_tasks", client.root("automation"))).header("content-type", "text/plain").body("{}");
    assert_eq!(read(text.header("authorization", client.token_header()).send().await.unwrap()).await.status, 415);
    client.simulation.shared.clock.advance(Duration::from_hours(2));
    assert_eq!(client.get("device", path).await.status, 401, "tokens expire");
    client.sign_in(READER).await;
    assert_eq!(client.get("device", path).await.status, 200);
    let refused = client.ask("POST", "automation", "/v1/device_tasks", isolation("a", client.machine(0))).await;
    assert_eq!((refused.status, refused.text.as_str()), (403, ""));
}

#[tokio::test]
async fn what_is_not_ready_is_collected_by_the_same_request_and_done_once() {
    let client = Client::new(&[]).await;
    let path = "/v2/policies";
    let first = client.send("GET", "policy", path, &Value::Null, None).await;
    let id = first.later.clone();
    assert_eq!((first.status, first.text.as_str(), id.is_some()), (202, "", true));
    assert_eq!(client.send("GET", "policy", "/v2/policies?pageSize=1", &Value::Null, id.as_deref()).await.status, 404);
    assert_eq!(client.send("GET", "policy", path, &Value::Null, id.as_deref()).await.status, 202);
    let answer = client.send("GET", "policy", path, &Value::Null, id.as_deref()).await;
    assert_eq!((answer.status, answer.json["policies"].as_array().unwrap().len()), (200, 14));
    assert_eq!(client.send("GET", "policy", path, &Value::Null, id.as_deref()).await.status, 404);
    client.simulation.shared.clock.advance(Duration::from_secs(1));
    let mut pending = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let body = isolation(name, client.machine(0));
        let answer = client.send("POST", "automation", "/v1/device_tasks", &body, None).await;
        if answer.status == 202 {
            let done = client.send("POST", "automation", "/v1/device_tasks", &body, answer.later.as_deref()).await;
            assert_eq!((done.status, &done.json["task"]["displayName"]), (200, &json!(name)));
            pending.push(name);
        }
    }
    let listed = client.get("automation", "/v1/device_tasks").await.json;
    let once = listed["tasks"].as_array().unwrap().iter().filter(|task| task["displayName"] == pending[0]).count();
    assert_eq!((pending.len(), once), (1, 1));
}

#[tokio::test]
async fn pages_cover_a_window_whose_end_is_outside() {
    let client = Client::new(&[]).await;
    let path = "/v1/detections?pageSize=60";
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = client.get("incident", &format!("{path}&pageToken={token}")).await.json;
        all.extend(page["detections"].as_array().unwrap().clone());
        token = page["nextPageToken"].as_str().unwrap_or_default().to_owned();
        if token.is_empty() {
            break;
        }
        assert_eq!(client.get("incident", &format!("/v1/detections?endTime=2099-01-01T00:00:00Z&pageToken={token}")).await.status, 400);
    }
    let time = |at: usize| all[at]["occurTime"].as_str().unwrap();
    let times: Vec<jiff::Timestamp> = (0..all.len()).map(|at| time(at).parse().unwrap()).collect();
    assert!(times.is_sorted() && times.len() >= 200, "{}", times.len());
    assert!((0..all.len()).any(|at| time(at).contains('.')), "some times have fractions");
    let (start, end) = (time(20).to_owned(), time(150).to_owned());
    let window = client.get("incident", &format!("/v1/detections?startTime={start}&endTime={end}&pageSize=1000")).await.json;
    let expected = times.iter().filter(|time| **time >= times[20] && **time < times[150]).count();
    assert_eq!(window["detections"].as_array().unwrap().len(), expected);
    client.simulation.shared.clock.advance(Duration::from_mins(30));
    let newer = client.get("incident", &format!("/v1/detections?startTime={}", time(all.len() - 1))).await.json;
    assert!(newer["detections"].as_array().unwrap().len() > 3, "detections go on arriving");
}

#[tokio::test]
async fn a_task_runs_on_its_device_by_the_clock() {
    let client = Client::new(&[]).await;
    let (on, off) = (client.machine(0).to_owned(), client.machine(4).to_owned());
    let mut body = isolation("both", &on);
    body["task"]["action"] =
        json!({"name": "OnDemandScan", "params": {"@type": "type.googleapis.com/Era.Common.DataDefinition.Task.ESS.OnDemandScan"}});
    body["task"]["targets"]["devicesUuids"] = json!([on, off]);
    let task = client.ask("POST", "automation", "/v1/device_tasks", body.clone()).await.json;
    let uuid = task["task"]["uuid"].as_str().unwrap().to_owned();
    let state = async |device: &str| {
        let runs = client.get("automation", &format!("/v1/device_tasks/{uuid}/runs?deviceUuid={device}&listOnlyLastRuns=true")).await.json;
        runs["taskRuns"][0]["status"].as_str().unwrap().trim_start_matches("TASK_RUN_STATUS_").to_owned()
    };
    assert_eq!(state(&off).await, "QUEUED");
    client.simulation.shared.clock.advance(Duration::from_secs(25));
    assert_eq!((state(&on).await.as_str(), state(&off).await.as_str()), ("RUNNING", "QUEUED"));
    client.simulation.shared.clock.advance(Duration::from_mins(1));
    assert_eq!((state(&on).await.as_str(), state(&off).await.as_str()), ("FINISHED", "QUEUED"));
    let again = client.ask("POST", "automation", "/v1/device_tasks", body.clone()).await.json;
    assert_eq!(again["task"]["uuid"], json!(uuid), "the same configuration is the same task");
    assert_ne!(again["task"]["versionId"], task["task"]["versionId"]);
    for (pointer, value, status) in [
        ("/task/action/name", json!("Reboot"), 400),
        ("/task/action/params", json!({}), 400),
        ("/task/triggers", json!([]), 400),
        ("/task/triggers/0/manual/expireTime", json!("2001-01-01T00:00:00Z"), 400),
        ("/task/targets/devicesUuids", json!([]), 400),
        ("/task/targets/devicesUuids", json!([""]), 400),
        ("/task/targets/devicesUuids", json!(["nobody"]), 404),
    ] {
        let mut wrong = body.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        wrong.pointer_mut(parent).unwrap()[name] = value;
        assert_eq!(client.ask("POST", "automation", "/v1/device_tasks", wrong).await.status, status, "{pointer}");
    }
    let gone = client.ask("POST", "automation", "/v1/device_tasks/none:updateTaskTriggers", json!({"triggers": []})).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn assignments_are_ranked_and_move_up() {
    let client = Client::new(&[]).await;
    let policies = client.get("policy", "/v2/policies").await.json;
    let device = client.machine(0);
    let mut assigned = Vec::new();
    for at in 0..3 {
        let body = json!({"assignment": {"policyUuid": policies["policies"][at]["uuid"], "target": {"deviceUuid": device}}});
        assigned.push(client.ask("POST", "policy", "/v2/policy-assignments", body).await.json["assignment"].clone());
    }
    assert_eq!(assigned.iter().map(|one| one["rank"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    let path = format!("/v2/policy-assignments/{}", assigned[0]["uuid"].as_str().unwrap());
    assert_eq!(client.ask("DELETE", "policy", &path, Value::Null).await.status, 200);
    assert_eq!(client.ask("DELETE", "policy", &path, Value::Null).await.status, 404);
    let left = client.get("policy", &format!("/v2/policy-assignments?target.deviceUuid={device}")).await.json;
    let ranks: Vec<_> = left["assignments"].as_array().unwrap().iter().map(|one| (one["uuid"].clone(), one["rank"].clone())).collect();
    assert_eq!(ranks, [(assigned[1]["uuid"].clone(), json!(1)), (assigned[2]["uuid"].clone(), json!(2))]);
    let two =
        json!({"assignment": {"policyUuid": policies["policies"][0]["uuid"], "target": {"deviceUuid": device, "deviceGroupUuid": "x"}}});
    assert_eq!(client.ask("POST", "policy", "/v2/policy-assignments", two).await.status, 400);
}

#[tokio::test]
async fn a_batch_is_all_or_nothing_and_groups_recurse_when_asked() {
    let client = Client::new(&[]).await;
    let (a, b) = (client.machine(0), client.machine(1));
    let batch = client.get("device", &format!("/v1/devices:batchGet?devicesUuids={a}&devicesUuids={b}")).await;
    assert_eq!(batch.json["devices"].as_array().unwrap().len(), 2);
    assert_eq!(client.get("device", &format!("/v1/devices:batchGet?devicesUuids={a}&devicesUuids=none")).await.status, 404);
    assert_eq!(client.get("device", "/v1/devices:batchGet").await.status, 400);
    let groups = client.get("device", "/v1/device_groups?pageSize=1000").await.json;
    let all = groups["deviceGroups"].as_array().unwrap().iter().find(|group| group["displayName"] == "All").unwrap();
    let path = format!("/v1/device_groups/{}/devices", all["uuid"].as_str().unwrap());
    assert_eq!(client.get("device", &path).await.json["totalSize"], json!(0));
    assert_eq!(client.get("device", &format!("{path}?recurseSubgroups=true")).await.json["totalSize"], json!(72));
}
