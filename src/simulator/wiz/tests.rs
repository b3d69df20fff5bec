//! The simulated Wiz, asked over HTTP as a client asks it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{FULL, ISSUES_ONLY};
use crate::simulator::{Fault, Options, Simulation};

const ISSUES: &str = "query Q($first: Int, $after: String, $filterBy: IssueFilters, $orderBy: IssueOrder) { issues: issuesV2(first: $first, \
    after: $after, filterBy: $filterBy, orderBy: $orderBy) { nodes { id status type statusChangedAt notes { id createdAt text user { email } } \
    projects { id } } pageInfo { hasNextPage endCursor } totalCount } }";
const UPDATE: &str = "mutation UpdateIssue($id: ID!, $patch: UpdateIssuePatch) { updateIssue(input: {id: $id, patch: $patch}) { issue { id \
    status resolutionReason dueAt note statusChangedAt } } }";
const NOTE: &str =
    "mutation Note($input: CreateIssueNoteInput!) { createIssueNote(input: $input) { issueNote { id text createdAt user { id } } } }";

struct Client {
    simulation: Simulation,
    http: reqwest::Client,
    token: String,
}

impl Client {
    async fn new(faults: &[Fault]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options { events: 2_000, faults: faults.to_vec(), ..Options::default() };
        let simulation = Simulation::start(options).await.unwrap();
        let mut client = Self { simulation, http: reqwest::Client::builder().no_proxy().build().unwrap(), token: String::new() };
        client.sign_in(FULL.0, FULL.1).await;
        client
    }

    fn root(&self, name: &str) -> String {
        self.simulation.endpoints()[name].clone()
    }

    async fn sign_in(&mut self, id: &str, secret: &str) -> u16 {
        let form = format!("grant_type=client_credentials&audience=wiz-api&client_id={id}&client_secret={secret}");
        let request = self.http.post(self.root("wiz.auth")).header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let json: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        self.token = json["access_token"].as_str().unwrap_or_default().to_owned();
        status
    }

    async fn raw(&self, content_type: &str, body: String) -> (u16, String) {
        let request = self.http.post(format!("{}/graphql", self.root("wiz.api"))).header("content-type", content_type);
        let answer = request.header("authorization", format!("Bearer {}", self.token)).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Asks, with a second gone by since the last call, so that the rate never matters here.
    async fn ask(&self, document: &str, variables: Value) -> Value {
        self.simulation.shared.clock.advance(Duration::from_secs(1));
        let (status, text) = self.raw("application/json", json!({"query": document, "variables": variables}).to_string()).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn ids(&self, filter: Value) -> Vec<String> {
        let (mut ids, mut after) = (Vec::new(), Value::Null);
        loop {
            let answer = self.ask(ISSUES, json!({"first": 100, "after": after, "filterBy": filter})).await;
            let list = &answer["data"]["issues"];
            ids.extend(list["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned()));
            after = list["pageInfo"]["endCursor"].clone();
            if list["pageInfo"]["hasNextPage"] != json!(true) {
                return ids;
            }
        }
    }
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn requests_that_are_not_right_are_refused_each_in_its_way() {
    let mut client = Client::new(&[]).await;
    let good = json!({"query": ISSUES, "variables": {"first": 1}}).to_string();
    assert_eq!(client.raw("application/json", good.clone()).await.0, 200);
    assert_eq!(client.raw("text/plain", good.clone()).await.0, 415);
    assert_eq!(client.raw("application/json", "{".into()).await.0, 400);
    let wrong = client.ask(ISSUES, json!({"first": 501})).await;
    assert_eq!(code(&wrong), "BAD_USER_INPUT");
    assert_eq!(code(&client.ask(ISSUES, json!({"first": 1, "filterBy": {"createdAt": {"after": "yesterday"}}})).await), "BAD_USER_INPUT");
    assert_eq!(client.sign_in(FULL.0, "wrong").await, 401);
    assert_eq!(client.raw("application/json", good).await.0, 401);
}

#[tokio::test]
async fn a_token_ends_and_a_missing_scope_is_named() {
    let mut client = Client::new(&[]).await;
    client.simulation.shared.clock.advance(Duration::from_secs(86_401));
    assert_eq!(client.raw("application/json", "{}".into()).await.0, 401);
    client.sign_in(ISSUES_ONLY.0, ISSUES_ONLY.1).await;
    let refused = client.ask("{ projects(first: 5) { nodes { id } } }", json!({})).await;
    assert_eq!(code(&refused), "UNAUTHORIZED");
    assert_eq!(refused["errors"][0]["extensions"]["requiredScopes"], json!(["read:projects"]));
    let id = client.ids(json!({})).await.remove(0);
    assert_eq!(code(&client.ask(NOTE, json!({"input": {"issueId": id, "text": "x"}})).await), "UNAUTHORIZED");
}

#[tokio::test]
async fn a_status_window_is_exclusive_ascending_and_paged_without_loss() {
    let client = Client::new(&[]).await;
    let all = client.ask(ISSUES, json!({"first": 500, "filterBy": {"statusChangedAt": {"after": "2000-01-01T00:00:00Z"}}})).await;
    let nodes = all["data"]["issues"]["nodes"].as_array().unwrap();
    let times: Vec<jiff::Timestamp> = nodes.iter().map(|node| node["statusChangedAt"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted() && times.len() > 100);
    assert!(nodes.iter().any(|node| node["projects"].is_null()) && nodes.iter().any(|node| node["notes"].is_null()));
    let (from, to) = (times[10], times[50]);
    let between = client.ids(json!({"statusChangedAt": {"after": from.to_string(), "before": to.to_string()}})).await;
    let expected = times.iter().filter(|time| **time > from && **time < to).count();
    assert_eq!(between.len(), expected);
    let mut paged = client.ids(json!({"statusChangedAt": {"after": "2000-01-01T00:00:00Z"}})).await;
    paged.sort();
    paged.dedup();
    assert_eq!(paged.len(), nodes.len());
}

#[tokio::test]
async fn updates_follow_the_rules_and_stay() {
    let client = Client::new(&[]).await;
    let threat = client.ids(json!({"type": "THREAT_DETECTION", "status": ["OPEN"]})).await.remove(0);
    let toxic = client.ids(json!({"type": ["TOXIC_COMBINATION"], "status": "OPEN"})).await.remove(0);
    let update = |id: &str, patch: Value| client.ask(UPDATE, json!({"id": id, "patch": patch}));
    for patch in [
        json!({"status": "RESOLVED"}),
        json!({"status": "REJECTED"}),
        json!({"status": "REJECTED", "resolutionReason": "ISSUE_FIXED"}),
        json!({"status": "OPEN", "resolutionReason": "EXCEPTION"}),
        json!({"dueAt": "soon"}),
    ] {
        assert_eq!(code(&update(&toxic, patch.clone()).await), "BAD_USER_INPUT", "{patch}");
    }
    assert_eq!(update(&threat, json!({"status": "RESOLVED", "resolutionReason": "SECURITY_TEST_THREAT"})).await.get("errors"), None);
    let missing = update("7a6a3a0e-9f0e-4c9b-8a53-2d2b9a0f4c11", json!({"status": "OPEN"})).await;
    assert_eq!((code(&missing), &missing["data"]), ("NOT_FOUND", &Value::Null));
    let answer = update(&toxic, json!({"status": "REJECTED", "resolutionReason": "FALSE_POSITIVE", "note": "no"})).await;
    let issue = &answer["data"]["updateIssue"]["issue"];
    assert_eq!((&issue["status"], &issue["note"]), (&json!("REJECTED"), &json!("no")));
    assert_eq!(client.ids(json!({"id": toxic, "status": ["REJECTED"]})).await, std::slice::from_ref(&toxic));
    let note = client.ask(NOTE, json!({"input": {"issueId": toxic, "text": "seen"}})).await;
    assert!(note["data"]["createIssueNote"]["issueNote"]["user"].is_null());
    assert_eq!(code(&client.ask(NOTE, json!({"input": {"issueId": toxic, "text": "x".repeat(1_401)}})).await), "BAD_USER_INPUT");
    let found = client.ask(ISSUES, json!({"first": 1, "filterBy": {"id": toxic}})).await;
    let notes = found["data"]["issues"]["nodes"][0]["notes"].as_array().unwrap().clone();
    assert_eq!(notes.last().unwrap()["text"], json!("seen"));
}

#[tokio::test]
async fn late_and_duplicate_records_are_what_they_are_called() {
    let client = Client::new(&[Fault::LateRecords]).await;
    let first = client.ids(json!({})).await.len();
    let second = client.ids(json!({})).await.len();
    assert!(second > first, "{first} then {second}");
    client.simulation.shared.faults.set(Fault::DuplicateRecords, true);
    let mut twice = client.ids(json!({})).await;
    let with = twice.len();
    twice.sort();
    twice.dedup();
    assert_eq!(twice.len(), second);
    assert!(with > second);
}

#[tokio::test]
async fn records_go_on_arriving() {
    let client = Client::new(&[]).await;
    let before = client.ids(json!({})).await.len();
    client.simulation.shared.clock.advance(Duration::from_hours(6));
    assert!(client.ids(json!({})).await.len() > before);
}

#[tokio::test]
async fn every_field_of_every_record_fits_the_schema() {
    const FINDINGS: &str = "query F($first: Int) { configurationFindings(first: $first) { nodes { id firstSeenAt severity result status \
        remediation targetExternalId resource { id name type status subscription { id cloudProvider } projects { id } tags { key value } } \
        rule { id name description } securitySubCategories { id title } ignoreRules { id } evidence { currentValue } } } }";
    const VULNERABILITIES: &str = "query V($first: Int) { vulnerabilityFindings(first: $first) { nodes { id name score status vendorSeverity \
        updatedAt epssSeverity epssProbability vulnerableAsset { __typename ... on VulnerableAssetBase { id type name tags } ... on \
        VulnerableAssetVirtualMachine { operatingSystem ipAddresses imageName } ... on VulnerableAssetContainer { PodName } } } } }";
    const SOURCES: &str = "query I($first: Int) { issuesV2(first: $first) { nodes { id severity entitySnapshot { id status tags } \
        sourceRule { __typename ... on Control { id risks } ... on CloudEventRule { id sourceType } ... on CloudConfigurationRule { id \
        serviceType } } serviceTickets { url } notes { user { name } serviceAccount { name } } resolutionReason description } } }";
    let client = Client::new(&[Fault::HostileText]).await;
    let mut texts = String::new();
    for document in [FINDINGS, VULNERABILITIES, SOURCES] {
        let answer = client.ask(document, json!({"first": 500})).await;
        assert!(answer.get("errors").is_none(), "{}", answer["errors"][0]);
        texts.push_str(&answer.to_string());
    }
    assert!(texts.contains("\\u001b]52;"), "hostile text is in it");
    assert!(texts.contains("{\"__typename\":\"VulnerableAssetRepositoryBranch\"}"), "an unknown member comes back empty");
}
