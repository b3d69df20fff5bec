//! The simulated feed and sign-in, asked over HTTP as a client asks them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::credentials::{BARE_CLIENT_ID, CERTIFICATE_THUMBPRINT, CLIENT_ID, CLIENT_SECRET, MANAGED_IDENTITY, PRIVATE_KEY};
use crate::simulator::{Fault, Options, Simulation};

const OWN: &str = "c0ffee00-1234-4567-89ab-0123456789ab";

struct Client {
    simulation: Simulation,
    http: reqwest::Client,
    token: String,
}

struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    json: Value,
    text: String,
}

impl Answer {
    fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }
}

impl Client {
    async fn new(faults: &[Fault]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options { events: 8_000, faults: faults.to_vec(), ..Options::default() };
        let simulation = Simulation::start(options).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut client = Self { simulation, http, token: String::new() };
        let answer = client.grant("oauth2/token", &[("resource", "https://manage.office.com")]).await;
        assert_eq!(answer.json["expires_in"], "3599", "v1 writes numbers as text");
        answer.json["access_token"].as_str().unwrap().clone_into(&mut client.token);
        client
    }

    fn root(&self, name: &str) -> String {
        self.simulation.endpoints()[&format!("management-activity.{name}")].clone()
    }

    fn tenant(&self) -> &str {
        &self.simulation.shared.world.tenant
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let text = answer.text().await.unwrap();
        Answer { status, headers, json: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    async fn post(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// A token request; client credentials with the secret where nothing else is said.
    async fn grant(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut all: Vec<(&str, &str)> =
            vec![("grant_type", "client_credentials"), ("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
        for (name, value) in fields {
            all.retain(|(known, _)| known != name);
            all.push((name, value));
        }
        all.retain(|(_, value)| !value.is_empty());
        self.post(&format!("{}/{}/{path}", self.root("login"), self.tenant()), &all).await
    }

    async fn feed(&self, method: &str, path: &str) -> Answer {
        let join = if path.contains('?') { '&' } else { '?' };
        let url = if path.starts_with("http") {
            format!("{path}{join}PublisherIdentifier={OWN}")
        } else {
            format!("{}/api/v1.0/{}/activity/feed{path}{join}PublisherIdentifier={OWN}", self.root("api"), self.tenant())
        };
        let request = if method == "POST" { self.http.post(url).header("content-length", "0") } else { self.http.get(url) };
        self.send(request.header("authorization", format!("Bearer {}", self.token))).await
    }

    fn ago(&self, hours: i64) -> String {
        (self.simulation.shared.clock.now() - SignedDuration::from_hours(hours)).strftime("%Y-%m-%dT%H:%M:%S").to_string()
    }

    /// All descriptors of a window, over all pages.
    async fn list(&self, content_type: &str, from: i64, to: i64) -> Vec<Value> {
        let mut path = format!("/subscriptions/content?contentType={content_type}&startTime={}&endTime={}", self.ago(from), self.ago(to));
        let mut all = Vec::new();
        loop {
            let answer = self.feed("GET", &path).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            all.extend(answer.json.as_array().unwrap().iter().cloned());
            match answer.headers.get("nextpageuri") {
                Some(next) => path = next.clone(),
                None => return all,
            }
        }
    }

    /// A blob's records, asked for again while it stumbles.
    async fn blob(&self, descriptor: &Value) -> Vec<Value> {
        for _ in 0..3 {
            let answer = self.feed("GET", descriptor["contentUri"].as_str().unwrap()).await;
            if answer.status == 200 {
                return answer.json.as_array().unwrap().clone();
            }
            assert!(matches!(answer.code(), "AF50000" | "AF429"), "{}", answer.text);
        }
        panic!("a blob stumbles once only");
    }
}

#[tokio::test]
async fn whoever_is_not_who_they_say_gets_no_token() {
    let client = Client::new(&[]).await;
    for (fields, status, number) in [
        (vec![("client_secret", "wrong")], 401, 7_000_215),
        (vec![("client_secret", "")], 401, 7_000_218),
        (vec![("client_id", "00000000-0000-4000-8000-000000000000")], 400, 700_016),
        (vec![("grant_type", "password")], 400, 70_003),
        (vec![("resource", "https://elsewhere.example")], 400, 500_011),
    ] {
        let answer = client.grant("oauth2/token", &fields).await;
        assert_eq!((answer.status, answer.json["error_codes"][0].as_i64()), (status, Some(number)), "{fields:?}");
    }
    let two = client.grant("oauth2/v2.0/token", &[("scope", "https://manage.office.com/.default")]).await;
    assert_eq!(two.json["expires_in"], 3599, "v2 writes numbers as numbers");
}

#[tokio::test]
async fn an_assertion_must_be_signed_by_the_registered_certificate_for_this_endpoint() {
    let client = Client::new(&[]).await;
    let endpoint = format!("{}/{}/oauth2/token", client.root("login"), client.tenant());
    let now = client.simulation.shared.clock.now().as_second();
    let claims = |audience: &str| json!({"aud": audience, "iss": CLIENT_ID, "sub": CLIENT_ID, "jti": uuid::Uuid::new_v4().to_string(), "nbf": now, "exp": now + 600});
    let thumbprint: Vec<u8> = (0..20).map(|n| u8::from_str_radix(&CERTIFICATE_THUMBPRINT[n * 2..n * 2 + 2], 16).unwrap()).collect();
    let pad = format!("{}=", URL_SAFE_NO_PAD.encode(&thumbprint));
    let ask = async |head: Value, claims: Value| {
        let assertion = sign(&head, &claims);
        let form = [
            ("client_secret", ""),
            ("client_assertion", assertion.as_str()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ];
        let answer = client.grant("oauth2/token", &form).await;
        (answer.status, answer.json["error_codes"][0].as_i64().unwrap_or(0))
    };
    let head = json!({"alg": "RS256", "typ": "JWT", "x5t": URL_SAFE_NO_PAD.encode(&thumbprint)});
    assert_eq!(ask(head.clone(), claims(&endpoint)).await, (200, 0));
    assert_eq!(ask(json!({"alg": "RS256", "x5t": pad}), claims(&endpoint)).await, (200, 0), "padding is taken");
    assert_eq!(ask(json!({"alg": "RS256", "x5t": "AAAA"}), claims(&endpoint)).await, (401, 700_027));
    assert_eq!(ask(head.clone(), claims("https://login.microsoftonline.com/common/oauth2/token")).await, (401, 700_023));
    let mut old = claims(&endpoint);
    old["exp"] = json!(now - 1);
    assert_eq!(ask(head.clone(), old).await, (401, 700_024));
    let mut other = claims(&endpoint);
    other["sub"] = json!(BARE_CLIENT_ID);
    assert_eq!(ask(head, other).await, (401, 700_021));
}

fn sign(head: &Value, claims: &Value) -> String {
    let body: String = PRIVATE_KEY.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = ring::signature::RsaKeyPair::from_pkcs8(&base64::engine::general_purpose::STANDARD.decode(body).unwrap()).unwrap();
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(head.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&ring::signature::RSA_PKCS1_SHA256, &ring::rand::SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_code_works_once_and_a_refresh_token_is_replaced() {
    let client = Client::new(&[]).await;
    let url = format!(
        "{}/common/oauth2/v2.0/authorize?response_type=code&client_id={CLIENT_ID}&redirect_uri=http%3A%2F%2Flocalhost&scope=offline_access%20https%3A%2F%2Fmanage.office.com%2F.default",
        client.root("login")
    );
    let answer = client.send(client.http.get(url)).await;
    let location = answer.headers["location"].clone();
    let code = location.split_once("code=").unwrap().1.split('&').next().unwrap().to_owned();
    let redeem = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", "http://localhost")];
    let first = client.grant("oauth2/token", &redeem).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = client.grant("oauth2/token", &redeem).await;
    assert_eq!((again.status, again.json["error_codes"][0].as_i64()), (400, Some(54_005)));
    let refresh = first.json["refresh_token"].as_str().unwrap();
    let renew = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let second = client.grant("oauth2/token", &renew).await;
    assert_ne!(second.json["refresh_token"].as_str().unwrap(), refresh);
    assert_eq!(client.grant("oauth2/token", &renew).await.json["error"], "invalid_grant");
}

#[tokio::test]
async fn the_metadata_service_wants_its_header_and_knows_its_identities() {
    let client = Client::new(&[]).await;
    let url = format!("{}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://manage.office.com/", client.root("imds"));
    assert_eq!(client.send(client.http.get(&url)).await.status, 400);
    let ask = async |url: String| client.send(client.http.get(url).header("Metadata", "True")).await;
    let answer = ask(format!("{url}&client_id={MANAGED_IDENTITY}")).await;
    assert_eq!((answer.status, answer.json["expires_in"].as_str()), (200, Some("86399")));
    assert_eq!(ask(format!("{url}&client_id={OWN}")).await.json["error_description"], "Identity not found");
    assert_eq!(ask(url).await.status, 200);
}

#[tokio::test]
async fn the_feed_takes_its_own_tokens_only_and_names_what_is_missing() {
    let mut client = Client::new(&[]).await;
    let good = std::mem::take(&mut client.token);
    assert_eq!(client.feed("GET", "/subscriptions/list").await.status, 401);
    for (fields, status, code) in [
        (vec![("resource", "https://graph.microsoft.com")], 401, ""),
        (vec![], 401, ""),
        (vec![("client_id", BARE_CLIENT_ID), ("resource", "https://manage.office.com")], 403, "AF10001"),
    ] {
        client.token = client.grant("oauth2/token", &fields).await.json["access_token"].as_str().unwrap().to_owned();
        let answer = client.feed("GET", "/subscriptions/list").await;
        assert_eq!((answer.status, answer.code()), (status, code));
    }
    client.token = good;
    let other = client.feed("GET", &format!("{}/api/v1.0/{OWN}/activity/feed/subscriptions/list", client.root("api"))).await;
    assert_eq!(other.code(), "AF20010");
    let list = client.feed("GET", "/subscriptions/list").await;
    assert_eq!(list.json.as_array().unwrap().len(), 4, "one content type waits to be started");
    client.simulation.shared.clock.advance(Duration::from_hours(1));
    assert_eq!(client.feed("GET", "/subscriptions/list").await.status, 401, "the token has run out");
}

#[tokio::test]
async fn subscriptions_start_and_stop_and_what_lies_between_is_lost() {
    let client = Client::new(&[]).await;
    assert_eq!(client.feed("GET", "/subscriptions/content?contentType=DLP.All").await.code(), "AF20022");
    assert_eq!(client.feed("POST", "/subscriptions/start?contentType=dlp.all").await.json["contentType"], "DLP.All");
    assert_eq!(client.feed("POST", "/subscriptions/start?contentType=DLP.All").await.code(), "AF20024");
    assert_eq!(client.feed("POST", "/subscriptions/start?contentType=Audit.Nothing").await.code(), "AF20020");
    assert_eq!(client.feed("POST", "/subscriptions/start").await.code(), "AF20001");
    assert!(!client.list("DLP.All", 20, 0).await.is_empty(), "a first subscription is filled back");
    let before = client.list("Audit.General", 24, 0).await.len();
    assert_eq!(client.feed("POST", "/subscriptions/stop?contentType=Audit.General").await.status, 200);
    assert_eq!(client.feed("GET", "/subscriptions/content?contentType=Audit.General").await.code(), "AF20022");
    client.simulation.shared.clock.advance(Duration::from_mins(50));
    assert_eq!(client.feed("POST", "/subscriptions/start?contentType=Audit.General").await.status, 200);
    assert!(client.list("Audit.General", 24, 0).await.len() <= before);
}

#[tokio::test]
async fn windows_are_half_open_and_within_their_limits() {
    let client = Client::new(&[]).await;
    let all = client.list("Audit.Exchange", 24, 0).await;
    let ids: HashSet<_> = all.iter().map(|blob| blob["contentId"].as_str().unwrap()).collect();
    assert!(all.len() > 12 && ids.len() == all.len(), "several pages, nothing twice");
    let times: Vec<_> = all.iter().map(|blob| blob["contentCreated"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
    let (late, early) = (client.list("Audit.Exchange", 10, 0).await, client.list("Audit.Exchange", 24, 10).await);
    assert_eq!(late.len() + early.len(), all.len());
    for (from, to, code) in [
        (client.ago(26), client.ago(1), "AF20055"),
        (client.ago(200), client.ago(190), "AF20055"),
        (client.ago(1), client.ago(2), "AF20055"),
        (format!("{}Z", client.ago(2)), client.ago(1), "AF20002"),
    ] {
        let path = format!("/subscriptions/content?contentType=Audit.Exchange&startTime={from}&endTime={to}");
        assert_eq!(client.feed("GET", &path).await.code(), code, "{path}");
    }
    let path = format!("/subscriptions/content?contentType=Audit.Exchange&startTime={}", client.ago(2));
    assert_eq!(client.feed("GET", &path).await.code(), "AF20030");
}

#[tokio::test]
async fn records_are_many_and_of_many_kinds() {
    let client = Client::new(&[]).await;
    let (mut operations, mut ids, mut records) = (HashSet::new(), HashSet::new(), 0);
    for content_type in ["Audit.AzureActiveDirectory", "Audit.Exchange", "Audit.SharePoint", "Audit.General"] {
        for descriptor in client.list(content_type, 24, 0).await {
            for record in client.blob(&descriptor).await {
                operations.insert(record["Operation"].as_str().unwrap().to_owned());
                records += 1;
                assert!(!record["CreationTime"].as_str().unwrap().ends_with('Z'));
                if let Some(id) = record["Id"].as_str() {
                    ids.insert(id.to_owned());
                }
            }
        }
    }
    assert!(operations.len() >= 25, "{operations:?}");
    assert!(records > 300 && ids.len() < records, "{records} records, and some come twice");
    let edge = client.list("Audit.SharePoint", 167, 165).await;
    let gone = client.feed("GET", edge[0]["contentUri"].as_str().unwrap()).await;
    assert_eq!(gone.code(), "AF20051");
    let root = format!("{}/api/v1.0/{}/activity/feed/audit", client.root("api"), client.tenant());
    assert_eq!(client.feed("GET", &format!("{root}/a$b$c$d$e$f")).await.code(), "AF20050");
    assert_eq!(client.feed("GET", &format!("{root}/nonsense")).await.code(), "AF20052");
}

#[tokio::test]
async fn new_content_arrives_and_late_content_shows_on_the_second_look() {
    let client = Client::new(&[Fault::LateRecords]).await;
    let (first, second) = (client.list("Audit.SharePoint", 3, 0).await, client.list("Audit.SharePoint", 3, 0).await);
    assert!(second.len() > first.len(), "{} and {}", first.len(), second.len());
    let before = client.list("Audit.SharePoint", 2, 0).await.len();
    client.simulation.shared.clock.advance(Duration::from_mins(30));
    client.list("Audit.SharePoint", 2, 0).await;
    assert!(client.list("Audit.SharePoint", 3, 0).await.len() > before);
}

#[tokio::test]
async fn faults_of_the_feed_are_what_they_are_called() {
    let client = Client::new(&[Fault::ForeignNextLink, Fault::DuplicateRecords, Fault::HostileText]).await;
    let path = format!("/subscriptions/content?contentType=Audit.SharePoint&startTime={}&endTime={}", client.ago(24), client.ago(0));
    let answer = client.feed("GET", &path).await;
    let foreign = &client.simulation.shared.foreign;
    assert!(answer.headers["nextpageuri"].starts_with(foreign));
    let page = answer.json.as_array().unwrap();
    assert!(page[0]["contentUri"].as_str().unwrap().starts_with(foreign));
    assert_eq!(page[0]["contentId"], page[page.len() - 1]["contentId"]);
    let records = client.blob(&page[1]).await;
    let ids: HashSet<_> = records.iter().map(|record| record["Id"].to_string()).collect();
    assert!(ids.len() < records.len());
    assert!(records[0]["ObjectId"].as_str().unwrap().contains('\u{1b}'));
}

#[tokio::test]
async fn without_a_publisher_the_quota_is_soon_used_up() {
    let client = Client::new(&[]).await;
    let url = format!("{}/api/v1.0/{}/activity/feed/subscriptions/list", client.root("api"), client.tenant());
    let ask = async || client.send(client.http.get(&url).header("authorization", format!("Bearer {}", client.token))).await;
    let mut last = ask().await;
    for _ in 0..200 {
        last = ask().await;
    }
    assert_eq!((last.status, last.code()), (429, "AF429"));
    assert!(last.text.contains("00000000-0000-0000-0000-000000000000"));
    assert_eq!(client.feed("GET", "/subscriptions/list").await.status, 200, "whoever says who they are has a quota of their own");
}
