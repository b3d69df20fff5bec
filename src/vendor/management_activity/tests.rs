//! Sources and sign-in, with their steps answered by hand.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{VENDOR, open};
use crate::core::catalogue::{Auth, Entry, Fetched, Page, Position, Window};
use crate::core::connection::Connection;
use crate::core::request::{Body, Reply, Request, Target, Trouble};
use crate::core::talk::{Counts, Input, Step, Talk};

const TENANT: &str = "11111111-2222-4333-8444-555555555555";

fn connection(parameters: &Value) -> Connection {
    let mut all = json!({"base_url": "https://manage.office.com/api/v1.0/", "client_id": "c", "tenant_id": TENANT, "content_types": ["Audit.General"]});
    for (name, value) in parameters.as_object().unwrap() {
        all[name] = value.clone();
    }
    let Value::Object(parameters) = all else { panic!("parameters are an object") };
    let secrets = ["client_secret".to_owned()].into();
    Connection { name: "m".into(), vendor: VENDOR.id.into(), parameters, secrets, ..Connection::default() }
}

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

/// A blob: how many minutes ago it became available, its id, and its records or the error that it is answered with.
type Blob = (i64, &'static str, Result<Vec<Value>, &'static str>);

/// A feed of blobs.
struct Feed {
    blobs: Vec<Blob>,
    asked: Vec<String>,
    recalled: Option<String>,
    remembered: Option<String>,
}

impl Feed {
    fn new(blobs: &[Blob]) -> Self {
        Self { blobs: blobs.to_vec(), asked: Vec::new(), recalled: None, remembered: None }
    }

    fn answer(&mut self, request: &Request) -> Result<Reply, Trouble> {
        let reply = |status: u16, body: &Value| Ok(Reply { status, body: body.to_string().into_bytes().into(), ..Reply::default() });
        if let Target::Link(url) = &request.target {
            let id = url.rsplit('/').next().unwrap().to_owned();
            self.asked.push(id.clone());
            return match self.blobs.iter().find(|(_, known, _)| *known == id).map(|(_, _, content)| content) {
                Some(Ok(records)) => reply(200, &Value::from(records.clone())),
                Some(Err(code)) => reply(400, &json!({"error": {"code": code, "message": "no"}})),
                None => reply(404, &json!({})),
            };
        }
        let bound = |name: &str| -> Timestamp {
            let (_, value) = request.query.iter().find(|(known, _)| known == name).unwrap();
            format!("{}Z", value.shown()).parse().unwrap()
        };
        let (from, to) = (bound("startTime"), bound("endTime"));
        assert!(from < to && to.duration_since(from) <= SignedDuration::from_hours(24), "a listing is a day at most");
        assert!(from >= now() - SignedDuration::from_hours(168), "a listing goes back a week at most");
        let listed: Vec<Value> = self
            .blobs
            .iter()
            .map(|(minutes, id, _)| (now() - SignedDuration::from_mins(*minutes), id))
            .filter(|(created, _)| from <= *created && *created < to)
            .map(|(created, id)| {
                json!({"contentUri": format!("https://manage.office.com/api/v1.0/{TENANT}/activity/feed/audit/{id}"), "contentId": id,
                    "contentType": "Audit.General", "contentCreated": created.to_string()})
            })
            .collect();
        reply(200, &Value::from(listed))
    }

    fn fetch(&mut self, window: Window) -> (Fetched, Vec<Page>) {
        let connection = Arc::new(connection(&json!({})));
        let entry = open(&connection).unwrap();
        let source = entry.source("Audit.General").unwrap();
        let mut talking = (source.fetcher)(Talk::new(now(), false), connection, window);
        let (mut input, mut pages) = (Input::Start, Vec::new());
        loop {
            input = match talking.resume(input) {
                Step::Send(requests) => Input::Answers(requests.iter().map(|request| self.answer(request)).collect()),
                Step::Deliver(page) => {
                    pages.push(page);
                    Input::Stored(Counts::default())
                }
                Step::Recall(_) => Input::Recalled(self.recalled.clone()),
                Step::Remember(_, value) => {
                    self.remembered = value;
                    Input::Done
                }
                Step::Done(fetched) => return (fetched, pages),
                _ => Input::Done,
            };
        }
    }
}

fn window(hours: i64) -> Window {
    Window { source: "Audit.General".into(), from: now() - SignedDuration::from_hours(hours), to: now(), max: None, resume: None }
}

fn record(id: &str) -> Value {
    json!({"Id": id, "Operation": "FileAccessed", "CreationTime": "2026-03-10T10:00:00"})
}

fn keys(pages: &[Page]) -> Vec<String> {
    pages.iter().flat_map(|page| page.events.iter().map(|event| event.key.clone())).collect()
}

#[test]
fn what_failed_holds_the_watermark_and_the_rest_is_delivered() {
    let mut feed = Feed::new(&[(50, "a", Ok(vec![record("1")])), (40, "b", Err("AF20050")), (30, "c", Ok(vec![record("2"), record("1")]))]);
    let (fetched, pages) = feed.fetch(window(2));
    assert_eq!(keys(&pages), ["1", "2"], "a record that comes twice counts once");
    assert_eq!(fetched.complete_to, Some(now() - SignedDuration::from_mins(40)));
    assert!(!fetched.gaps[0].lasting && fetched.errors[0].item.as_deref() == Some("b"));
    assert!(pages.iter().all(|page| page.position.is_none() && page.covered.is_none()), "nobody goes on from behind the gap");
}

#[test]
fn what_is_gone_for_good_is_a_lasting_gap_and_not_asked_for_again() {
    let mut feed = Feed::new(&[(50, "a", Ok(vec![record("1")])), (40, "b", Err("AF20051"))]);
    let (fetched, _) = feed.fetch(window(2));
    assert_eq!(fetched.complete_to, Some(now()));
    assert!(fetched.gaps[0].lasting && fetched.errors.len() == 1);
    assert_eq!(feed.remembered.as_deref(), Some("b"));
    feed.recalled = feed.remembered.take();
    feed.asked.clear();
    let (fetched, _) = feed.fetch(window(2));
    assert!(fetched.gaps.is_empty() && fetched.errors.is_empty());
    assert_eq!(feed.asked, ["a"]);
}

#[test]
fn a_maximum_loses_nothing_that_shares_its_instant() {
    let blobs: Vec<Blob> = vec![
        (50, "a", Ok(vec![record("9"), record("3")])),
        (50, "b", Ok(vec![record("1"), record("5")])),
        (20, "c", Ok(vec![record("2")])),
    ];
    let (mut all, mut resume, mut rounds) = (Vec::new(), None::<Position>, 0);
    loop {
        let mut feed = Feed::new(&blobs);
        // The window has moved on; where the last fetch was cut short decides.
        let (fetched, pages) = feed.fetch(Window { max: Some(1), resume: resume.clone(), ..window(if rounds == 0 { 2 } else { 0 }) });
        all.extend(keys(&pages));
        resume = pages.iter().rev().find_map(|page| page.position.clone()).or(resume);
        rounds += 1;
        if !fetched.truncated || rounds > 10 {
            break;
        }
    }
    assert_eq!(all, ["1", "3", "5", "9", "2"]);
}

#[test]
fn what_is_older_than_a_week_is_a_lasting_gap_and_no_request() {
    let (fetched, _) = Feed::new(&[]).fetch(window(200));
    assert_eq!((fetched.gaps.len(), fetched.gaps[0].lasting, fetched.complete_to), (1, true, Some(now())));
    assert!(fetched.errors.is_empty());
    let (fetched, _) = Feed::new(&[]).fetch(window(168));
    assert!(fetched.gaps.is_empty(), "a week is within the service's limit");
    let old = Window { to: now() - SignedDuration::from_hours(190), ..window(200) };
    let (fetched, pages) = Feed::new(&[]).fetch(old);
    assert!(fetched.gaps[0].lasting && pages.is_empty());
}

fn form(entry: &Entry) -> (String, Vec<(String, String)>) {
    let Auth::SignIn(sign_in) = &entry.roots[0].auth else { panic!("the feed needs a token") };
    let request = sign_in.code.as_ref().map(|code| &code.request).or(sign_in.grant.as_ref()).unwrap();
    let Target::Service { path, .. } = &request.target else { panic!("below a root") };
    let fields = if let Body::Form(fields) = &request.body { fields } else { &request.query };
    (path.clone(), fields.iter().map(|(name, value)| (name.clone(), value.shown())).collect())
}

#[test]
fn each_way_to_sign_in_asks_as_entra_wants_it() {
    let has = |fields: &[(String, String)], name: &str, value: &str| fields.contains(&(name.to_owned(), value.to_owned()));
    let (path, fields) = form(&open(&connection(&json!({}))).unwrap());
    assert_eq!(path, format!("/{TENANT}/oauth2/token"));
    assert!(has(&fields, "grant_type", "client_credentials") && has(&fields, "resource", "https://manage.office.com"));
    assert!(has(&fields, "client_secret", "***"));
    let mut other = connection(
        &json!({"certificate_thumbprint": "84E05C1D98BCE3A5421D225B140B36E86A3D5534", "base_url": "https://manage-gcc.office.com/api/v1.0"}),
    );
    other.secrets = ["private_key".to_owned()].into();
    let (_, fields) = form(&open(&other).unwrap());
    assert!(has(&fields, "client_assertion", "***") && has(&fields, "resource", "https://manage-gcc.office.com"));
    assert!(!fields.iter().any(|(name, _)| name == "client_secret"));
    let mut code = connection(&json!({"redirect_uri": "http://localhost"}));
    code.secrets.insert("auth_code".into());
    let (_, fields) = form(&open(&code).unwrap());
    assert!(has(&fields, "grant_type", "authorization_code") && has(&fields, "redirect_uri", "http://localhost"));
    let identity = json!({"managed_identity": true, "managed_identity_client_id": "u"});
    let (path, fields) = form(&open(&connection(&identity)).unwrap());
    assert_eq!(path, "/metadata/identity/oauth2/token");
    assert!(has(&fields, "resource", "https://manage.office.com/") && has(&fields, "client_id", "u"));
}

#[test]
fn what_cannot_work_is_refused_with_the_parameter_at_fault() {
    let refused = |parameters: &Value| -> String { open(&connection(parameters)).unwrap_err().remove(0).parameter };
    assert_eq!(refused(&json!({"first_fetch": "8 days"})), "first_fetch");
    assert_eq!(refused(&json!({"first_fetch": "soon"})), "first_fetch");
    assert_eq!(refused(&json!({"client_id": ""})), "client_id");
    assert_eq!(refused(&json!({"base_url": "http://manage.office.com"})), "base_url");
    assert_eq!(refused(&json!({"base_url": "http://169.254.169.254"})), "base_url");
    assert_eq!(refused(&json!({"content_types": ["Audit.Nothing"]})), "content_types");
    assert_eq!(refused(&json!({"record_types": ["NoSuchType"]})), "record_types");
    let mut bare = connection(&json!({}));
    bare.secrets.clear();
    assert_eq!(open(&bare).unwrap_err()[0].message, "Key or Certificate Thumbprint and Private Key must be provided.");
    let government = connection(&json!({"base_url": "https://manage.office365.us/api/v1.0/"}));
    assert_eq!(open(&government).unwrap().roots[1].url, "https://login.microsoftonline.us");
}
