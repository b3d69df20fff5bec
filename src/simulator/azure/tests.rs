//! The simulated cloud judged over real HTTP: what it grants, what it refuses, and in which words.

use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy as Redirects;
use serde_json::{Value, json};

use super::*;
use crate::simulator::{Clock, Fault, Faults, Options, World, serve};

struct Cloud {
    azure: Arc<Azure>,
    vendor: Vendor,
    client: Client,
    _foreign: Server,
}

async fn cloud(faults: &[Fault]) -> Cloud {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = Options { events: 3_000, faults: faults.to_vec(), ..Options::default() };
    let foreign = serve::foreign().await.unwrap();
    let clock = Clock::real();
    let world = World::new(options.seed, clock.now());
    let faults = Faults::new(&options.faults);
    let shared = Arc::new(Shared { options, world, clock, faults, foreign: foreign.root.clone() });
    let (vendor, azure) = start_open(&shared).await.unwrap();
    let client = Client::builder().redirect(Redirects::none()).no_proxy().build().unwrap();
    Cloud { azure, vendor, client, _foreign: foreign }
}

impl Cloud {
    fn root(&self, name: &str) -> &str {
        &self.vendor.endpoints.iter().find(|(known, _)| known == name).unwrap().1
    }

    async fn grant(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}/{}/oauth2/v2.0/token", self.root("azure.login"), self.azure.shared.world.tenant);
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    async fn app_token(&self, (id, secret): (String, String), scope: &str) -> String {
        let fields = [("client_id", &*id), ("client_secret", &secret), ("grant_type", "client_credentials"), ("scope", scope)];
        let (status, answer) = self.grant(&fields).await;
        assert_eq!(status, 200, "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    async fn graph_token(&self) -> String {
        self.app_token(self.azure.full_application(), "https://graph.microsoft.com/.default").await
    }

    async fn call(&self, method: &str, url: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.client.request(method.parse().unwrap(), url).header("authorization", format!("Bearer {token}"));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let token = self.graph_token().await;
        self.call("GET", &format!("{}{path}", self.root("azure.graph")), &token, None).await
    }

    async fn sign_in(&self, scope: &str, extra: &str) -> String {
        let (id, _) = self.azure.full_application();
        let tenant = &self.azure.shared.world.tenant;
        let url = format!(
            "{}/{tenant}/oauth2/v2.0/authorize?client_id={id}&redirect_uri=http%3A%2F%2Flocalhost&response_type=code&scope={scope}{extra}",
            self.root("azure.login")
        );
        let answer = self.client.get(url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 302);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn redeem(&self, code: &str, extra: &[(&str, &str)]) -> (u16, Value) {
        let (id, secret) = self.azure.full_application();
        let mut fields = vec![
            ("client_id", &*id),
            ("client_secret", &secret),
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", "http://localhost"),
        ];
        fields.extend_from_slice(extra);
        self.grant(&fields).await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        let (id, secret) = self.azure.full_application();
        let scope = "https://graph.microsoft.com/.default";
        let fields =
            [("client_id", &*id), ("client_secret", &secret), ("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        self.grant(&fields).await
    }
}

fn code_of(location: &str) -> String {
    let url = url::Url::parse(location).unwrap();
    url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
}

#[tokio::test]
async fn sign_in_refuses_what_entra_refuses() {
    let cloud = cloud(&[]).await;
    let (id, secret) = cloud.azure.full_application();
    let scope = "https://graph.microsoft.com/.default";
    let two = "https://graph.microsoft.com/.default https://api.securitycenter.microsoft.com/.default";
    for (fields, status, number) in [
        (vec![("client_id", &*id), ("client_secret", "wrong"), ("grant_type", "client_credentials"), ("scope", scope)], 401, 7_000_215),
        (vec![("client_id", "nobody"), ("client_secret", &secret), ("grant_type", "client_credentials"), ("scope", scope)], 400, 700_016),
        (vec![("client_id", &id), ("client_secret", &secret), ("grant_type", "password"), ("scope", scope)], 400, 70_003),
        (vec![("client_id", &id), ("client_secret", &secret), ("grant_type", "client_credentials"), ("scope", two)], 400, 1_002_012),
        (
            vec![("client_id", &id), ("client_secret", &secret), ("grant_type", "client_credentials"), ("scope", "User.Read")],
            400,
            1_002_012,
        ),
        (
            vec![
                ("client_id", &id),
                ("client_secret", &secret),
                ("grant_type", "client_credentials"),
                ("scope", "https://x.example/.default"),
            ],
            400,
            500_011,
        ),
        (vec![("client_id", &id), ("client_secret", &secret), ("grant_type", "client_credentials")], 400, 900_144),
        (
            vec![("client_id", &id), ("client_secret", &secret), ("grant_type", "refresh_token"), ("refresh_token", "made-up")],
            400,
            9_002_313,
        ),
    ] {
        let (code, answer) = cloud.grant(&fields).await;
        assert_eq!((code, &answer["error_codes"][0]), (status, &json!(number)), "{answer}");
        let text = answer["error_description"].as_str().unwrap();
        assert!(text.starts_with(&format!("AADSTS{number}: ")) && text.contains("\r\nTrace ID: "), "{text}");
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_only_for_its_verifier_and_redirect() {
    let cloud = cloud(&[]).await;
    let location = cloud.sign_in("user.read+offline_access", "&state=s1").await;
    assert!(location.starts_with("http://localhost/?code=") && location.contains("&state=s1&session_state="), "{location}");
    let code = code_of(&location);
    let (_, wrong) = cloud.redeem(&code, &[("redirect_uri", "http://localhost/other")]).await;
    // The form's last value of a name wins here, as at a lenient server.
    assert_eq!(wrong["error_codes"][0], 500_112);
    let (status, first) = cloud.redeem(&code, &[]).await;
    assert_eq!(status, 200);
    assert_eq!(first["scope"], "User.Read");
    assert!(first["refresh_token"].is_string());
    assert_eq!(cloud.redeem(&code, &[]).await.1["error_codes"][0], 54_005);

    let challenged = code_of(&cloud.sign_in("user.read", "&code_challenge=plain-text&code_challenge_method=plain").await);
    assert_eq!(cloud.redeem(&challenged, &[("code_verifier", "else")]).await.1["error_codes"][0], 501_481);
    let (_, granted) = cloud.redeem(&challenged, &[("code_verifier", "plain-text")]).await;
    assert_eq!(granted["refresh_token"], Value::Null, "without offline_access there is no refresh token");
    let old = code_of(&cloud.sign_in("user.read", "").await);
    cloud.azure.advance(Duration::from_secs(601));
    assert_eq!(cloud.redeem(&old, &[]).await.1["error_codes"][0], 70_008);
}

#[tokio::test]
async fn refresh_tokens_rotate_by_either_policy_and_end_when_sessions_are_revoked() {
    let cloud = cloud(&[]).await;
    let code = code_of(&cloud.sign_in("user.read+offline_access", "").await);
    let first = cloud.redeem(&code, &[]).await.1["refresh_token"].as_str().unwrap().to_owned();
    let second = cloud.refresh(&first).await.1["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(cloud.refresh(&first).await.0, 200, "Entra leaves the old one alive");
    cloud.azure.set_policy(|policy| policy.strict_rotation = true);
    assert_eq!(cloud.refresh(&first).await.1["error_codes"][0], 70_000);
    let (status, third) = cloud.refresh(&second).await;
    assert_eq!(status, 200);
    let token = cloud.graph_token().await;
    let person = cloud.azure.shared.world.people[0].mail.clone();
    let url = format!("{}/v1.0/users/{person}/revokeSignInSessions", cloud.root("azure.graph"));
    assert_eq!(
        cloud.call("POST", &url, &token, None).await,
        (200, json!({"@odata.context": format!("{}/v1.0/$metadata#Edm.Boolean", cloud.root("azure.graph")), "value": true}))
    );
    assert_eq!(cloud.refresh(third["refresh_token"].as_str().unwrap()).await.1["error_codes"][0], 50_173);
}

#[tokio::test]
async fn a_permission_that_is_missing_is_named() {
    let cloud = cloud(&[]).await;
    let token = cloud.app_token(cloud.azure.narrow_application(), "https://graph.microsoft.com/.default").await;
    for (path, name) in [
        ("/v1.0/auditLogs/signIns", "AuditLog.Read.All"),
        ("/v1.0/security/alerts_v2", "SecurityAlert.Read.All"),
        ("/v1.0/devices", "Device.Read.All"),
    ] {
        let (status, answer) = cloud.call("GET", &format!("{}{path}", cloud.root("azure.graph")), &token, None).await;
        assert_eq!(status, 403);
        assert_eq!(answer["error"]["code"], "Authorization_RequestDenied");
        assert!(answer["error"]["message"].as_str().unwrap().contains(name), "{answer}");
        assert!(answer["error"]["innerError"]["request-id"].is_string());
    }
    assert_eq!(cloud.call("GET", &format!("{}/v1.0/me", cloud.root("azure.graph")), &token, None).await.0, 400);
    let defender = format!("{}/api/machines", cloud.root("azure.defender"));
    assert_eq!(cloud.call("GET", &defender, &token, None).await.0, 401, "a Graph token is no Defender token");
    let other = cloud.app_token(cloud.azure.full_application(), "https://api.securitycenter.microsoft.com/.default").await;
    assert_eq!(cloud.call("GET", &defender, &other, None).await.0, 200);
}

#[tokio::test]
async fn pages_hold_every_record_once() {
    let cloud = cloud(&[]).await;
    let token = cloud.graph_token().await;
    let mut url = format!("{}/v1.0/auditLogs/signIns?$top=7&$count=true&$select=createdDateTime", cloud.root("azure.graph"));
    let mut ids = Vec::new();
    let mut total = 0;
    loop {
        let (status, page) = cloud.call("GET", &url, &token, None).await;
        assert_eq!(status, 200, "{page}");
        total = page["@odata.count"].as_u64().unwrap_or(total);
        ids.extend(page["value"].as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap().to_owned()));
        match page["@odata.nextLink"].as_str() {
            Some(next) => url = next.to_owned(),
            None => break,
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), u64::try_from(count).unwrap()), (count, total));
    assert!(total > 20);
    for wrong in ["$filter=a%20like%20'x'", "$filter=nope%20eq%20'x'", "$top=0", "$top=5000", "$nonsense=1", "$skiptoken=xyz"] {
        assert_eq!(cloud.get(&format!("/v1.0/auditLogs/signIns?{wrong}")).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn changes_show_in_what_is_read_afterwards() {
    let cloud = cloud(&[]).await;
    let token = cloud.graph_token().await;
    let graph = cloud.root("azure.graph").to_owned();
    let (_, alerts) = cloud.get("/v1.0/security/alerts_v2?$top=1").await;
    let id = alerts["value"][0]["id"].as_str().unwrap().to_owned();
    let url = format!("{graph}/v1.0/security/alerts_v2/{id}");
    assert_eq!(cloud.call("PATCH", &url, &token, Some(json!({"status": "nonsense"}))).await.0, 400);
    let (status, alert) = cloud.call("PATCH", &url, &token, Some(json!({"status": "resolved", "classification": "truePositive"}))).await;
    assert_eq!((status, &alert["status"]), (200, &json!("resolved")));
    assert_eq!(cloud.call("GET", &url, &token, None).await.1["classification"], "truePositive");
    let (_, grants) = cloud.get("/v1.0/oauth2PermissionGrants?$top=1").await;
    let grant = format!("{graph}/v1.0/oauth2PermissionGrants/{}", grants["value"][0]["id"].as_str().unwrap());
    assert_eq!(cloud.call("DELETE", &grant, &token, None).await.0, 204);
    assert_eq!(cloud.call("DELETE", &grant, &token, None).await.0, 404);
}

#[tokio::test]
async fn long_work_is_watched_on_another_host_that_takes_no_credentials() {
    let cloud = cloud(&[]).await;
    let token = cloud.graph_token().await;
    let person = cloud.azure.shared.world.people[0].id.clone();
    let (_, files) = cloud.get(&format!("/v1.0/users/{person}/drive/root/children")).await;
    let item = &files["value"][0];
    let base = format!(
        "{}/v1.0/drives/{}/items/{}",
        cloud.root("azure.graph"),
        item["parentReference"]["driveId"].as_str().unwrap(),
        item["id"].as_str().unwrap()
    );
    let accepted = cloud.client.post(format!("{base}/copy")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(accepted.status().as_u16(), 202);
    let monitor = accepted.headers()["location"].to_str().unwrap().to_owned();
    let mut states = Vec::new();
    for _ in 0..3 {
        let answer = cloud.client.get(&monitor).send().await.unwrap();
        states.push(answer.status().as_u16());
    }
    assert_eq!(states, [202, 202, 200]);
    let moved = cloud.client.get(format!("{base}/content")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(moved.status().as_u16(), 302);
    let content = moved.headers()["location"].to_str().unwrap().to_owned();
    assert!(content.starts_with(cloud.root("azure.content")));
    assert_eq!(cloud.client.get(&content).bearer_auth(&token).send().await.unwrap().status().as_u16(), 400);
    assert_eq!(cloud.azure.leaks(), ["authorization at download"]);
}

#[tokio::test]
async fn faults_show() {
    let cloud = cloud(&[Fault::ForeignNextLink, Fault::HostileText]).await;
    let (_, page) = cloud.get("/v1.0/auditLogs/signIns?$top=5").await;
    assert!(page["@odata.nextLink"].as_str().unwrap().starts_with(&cloud.azure.shared.foreign));
    assert!(page.to_string().contains("\\u001b"));
    cloud.azure.shared.faults.set(Fault::ForeignNextLink, false);
    cloud.azure.shared.faults.set(Fault::LateRecords, true);
    let (_, first) = cloud.get("/v1.0/auditLogs/signIns?$count=true").await;
    let (_, second) = cloud.get("/v1.0/auditLogs/signIns?$count=true").await;
    assert!(first["@odata.count"].as_u64() < second["@odata.count"].as_u64(), "late sign-ins turn up at the second reading");
    cloud.azure.shared.faults.set(Fault::ExpiredToken, true);
    assert_eq!(cloud.get("/v1.0/users").await.0, 401);
}

#[tokio::test]
async fn every_route_of_the_table_answers_an_application_or_says_why_not() {
    let cloud = cloud(&[]).await;
    let token = cloud.graph_token().await;
    for route in catalogue::GRAPH.iter().filter(|route| route.method == "GET" && !route.path.contains('{')) {
        let (status, answer) = cloud.call("GET", &format!("{}/v1.0{}", cloud.root("azure.graph"), route.path), &token, None).await;
        assert_eq!(status, if route.app.is_empty() { 400 } else { 200 }, "{} {answer}", route.path);
        if status == 200 && route.path != "/security/auditLog/queries" {
            assert!(!answer["value"].as_array().unwrap().is_empty(), "{} is filled", route.path);
        }
    }
}
