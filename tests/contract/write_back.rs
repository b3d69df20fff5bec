//! Telling the vendor: legal transitions only, partial failure, and the outbox while the vendor cannot be reached: kept, replayed once, held
//! where the vendor has moved, never repeated after a kill.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde_json::{Value, json};

use super::desk::Desk;
use super::hostile::{self, serve};

/// A desk with Wiz on it whose events were fetched.
fn wiz() -> Desk {
    let desk = Desk::with(&["wiz-demo"], &[]);
    desk.call(&["fetch"]).ended(0);
    desk
}

/// Numbers and keys of stored events.
fn ids(desk: &Desk, query: &str, count: usize) -> Vec<(String, String)> {
    let found = desk.call(&["events", query, "--limit", &count.to_string()]).ended(0).lines();
    assert_eq!(found.len(), count, "{query}");
    found.iter().map(|event| (event["id"].to_string(), event["key"].as_str().unwrap().to_owned())).collect()
}

/// The issue as the vendor has it.
fn issue(desk: &Desk, key: &str) -> Value {
    let filter = format!("additional_filters={}", json!({"id": [key]}));
    let found = desk.call(&["run", "wiz-demo", "fetch-event", "start_time=2015-01-01", &filter]).ended(0).line();
    found["raw_data"]["data"]["nodes"][0].clone()
}

/// The configuration with Wiz at an address where nobody listens.
fn unplugged(text: &str) -> String {
    unplugged_at(text, "api_endpoint_url")
}

/// The configuration with this parameter naming an address where nobody listens.
fn unplugged_at(text: &str, parameter: &str) -> String {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let line = text.lines().find(|line| line.starts_with(parameter)).unwrap();
    text.replace(line, &format!("{parameter} = \"http://{free}\""))
}

const CLOSE: [&str; 6] = ["--disposition", "false_positive", "--note", "scanner", "--write-back", "--output=json"];

fn close(desk: &Desk, ids: &[&str]) -> super::desk::Ran {
    desk.call(&[&["event", "close"], ids, &CLOSE[..]].concat())
}

#[test]
fn a_verdict_reaches_the_vendor_where_it_may() {
    let desk = wiz();
    let open = ids(&desk, "type:=Issues \"Status\":OPEN", 2);
    let finding = ids(&desk, "type:\"Vulnerability Findings\"", 1).remove(0).0;
    let dry = desk.call(&["event", "close", &open[0].0, "--disposition", "false_positive", "--write-back", "--dry-run"]).ended(0).line();
    assert_eq!(dry["sets"], "REJECTED (False Positive) at Wiz");
    assert!(dry["requests"][0]["body"].to_string().contains("FALSE_POSITIVE"), "{dry}");
    assert_eq!(issue(&desk, &open[0].1)["status"], "OPEN", "a dry run changes nothing");
    let told = close(&desk, &[&open[0].0, &open[1].0, &finding]).ended(3).lines();
    let became: Vec<_> = told.iter().map(|line| line["write_back"].as_str().unwrap()).collect();
    assert_eq!(became, ["done", "done", "not told"]);
    assert!(told[2]["reason"].as_str().unwrap().contains("issues only"));
    let there = issue(&desk, &open[1].1);
    assert_eq!((&there["status"], &there["resolutionReason"]), (&json!("REJECTED"), &json!("FALSE_POSITIVE")));
    assert!(desk.events().iter().filter(|event| event["status"] == "closed").count() == 3);
    // Now it is there already; a second time is no legal transition.
    let again = close(&desk, &[&open[0].0]).ended(3).line();
    assert!(again["reason"].as_str().unwrap().contains("REJECTED already"), "{again}");
    desk.call(&["audit", "verify"]).ended(0);
}

#[test]
fn alerts_of_microsoft_and_lacework_are_closed_there_too() {
    let desk = Desk::with(&["azure-demo", "lacework-demo"], &[]);
    desk.call(&["fetch"]).ended(0);
    let alert = ids(&desk, "connection:azure-demo type:=Alerts \"Status\":=new", 1).remove(0);
    let other = ids(&desk, "connection:lacework-demo type:=alerts \"Status\":=1", 1).remove(0);
    let told =
        desk.call(&["event", "close", &alert.0, &other.0, "--disposition", "benign", "--note", "known", "--write-back"]).ended(0).lines();
    assert!(told.iter().all(|line| line["write_back"] == "done"), "{told:?}");
    let dry =
        desk.call(&["run", "azure-demo", "graph-update-alert", "alert_id=a", "alert_status=resolved", "comment=c", "--dry-run"]).line();
    let urls: Vec<&str> = dry["requests"].as_array().unwrap().iter().map(|request| request["url"].as_str().unwrap()).collect();
    assert!(urls.iter().any(|url| url.ends_with("/alerts_v2/a/comments")), "the preview shows the comment too: {urls:?}");
    let path = format!("url_path=/v1.0/security/alerts_v2/{}", alert.1);
    let there = desk.call(&["run", "azure-demo", "execute-http-request", &path]).ended(0).line()["raw_data"]["response_data"].clone();
    assert_eq!((&there["status"], &there["classification"]), (&json!("resolved"), &json!("informationalExpectedActivity")));
    assert_eq!(there["comments"][0]["comment"], "known", "the note is the alert's comment: {there}");
    let there = desk.call(&["run", "lacework-demo", "get-alert", &format!("uuid={}", other.1)]).ended(0).line()["raw_data"].clone();
    assert_eq!(there["incident_status"], 3, "{there}");
    assert!(there["closed_time"].as_i64().unwrap() > 0);
    // Once fetched, theirs and ours agree.
    desk.call(&["fetch"]).ended(0);
    assert!(desk.call(&["events", "drift:yes status:closed"]).ended(0).lines().is_empty());
}

#[test]
fn of_several_each_has_its_own_end() {
    let desk = wiz();
    let open = ids(&desk, "type:=Issues \"Status\":OPEN", 3);
    // An issue that the vendor does not know any more.
    let db = rusqlite::Connection::open(desk.data_dir().join("nightdesk.db")).unwrap();
    db.execute("UPDATE event SET key = '5a54ab0e-52ab-4f1c-9e5d-2f0a0a1a1a1a' WHERE id = ?1", [&open[1].0]).unwrap();
    let told = close(&desk, &[&open[0].0, &open[1].0, &open[2].0]).ended(3).lines();
    let became: Vec<_> = told.iter().map(|line| line["write_back"].as_str().unwrap()).collect();
    assert_eq!(became, ["done", "failed", "done"]);
    assert_eq!(told[1]["outbox"], Value::Null, "what the vendor refused is not put off");
}

#[test]
fn the_vendor_is_told_of_taking_and_of_reopening_too() {
    let desk = wiz();
    let (event, key) = ids(&desk, "type:=Issues \"Status\":OPEN", 1).remove(0);
    let finding = ids(&desk, "type:\"Vulnerability Findings\"", 1).remove(0).0;
    let dry = desk.call(&["event", "take", &event, "--write-back", "--dry-run"]).ended(0).line();
    assert_eq!((&dry["sets"], &dry["done"]), (&json!("IN_PROGRESS at Wiz"), &json!(false)), "{dry}");
    assert_eq!(issue(&desk, &key)["status"], "OPEN", "a dry run changes nothing");
    // Without the flag the vendor hears nothing, as before.
    let here = desk.call(&["event", "take", &event]).ended(0).line();
    assert_eq!(here, json!({"id": event.parse::<i64>().unwrap(), "done": true}));
    assert_eq!(issue(&desk, &key)["status"], "OPEN");
    let told = desk.call(&["event", "take", &event, &finding, "--write-back"]).ended(3).lines();
    assert_eq!((&told[0]["write_back"], &told[1]["write_back"]), (&json!("done"), &json!("not told")), "{told:?}");
    assert!(told[1]["reason"].as_str().unwrap().contains("issues only"));
    assert_eq!(issue(&desk, &key)["status"], "IN_PROGRESS");
    desk.call(&["event", "status", "new", &event, "--write-back"]).ended(0);
    assert_eq!(issue(&desk, &key)["status"], "OPEN");
    let again = desk.call(&["event", "status", "new", &event, "--write-back"]).ended(3).line();
    assert!(again["reason"].as_str().unwrap().contains("OPEN already"), "{again}");
    desk.call(&["event", "status", "odd", &event, "--write-back"]).ended(2);
    // What cannot be sent waits in the same outbox.
    let connected = desk.connections();
    desk.configure(&unplugged(&connected));
    let waits = desk.call(&["event", "take", &event, "--write-back"]).ended(3).line();
    assert_eq!(waits["write_back"], "not sent", "{waits}");
    desk.configure(&connected);
    assert_eq!(desk.call(&["outbox", "send"]).ended(0).line()["standing"], "sent");
    assert_eq!(issue(&desk, &key)["status"], "IN_PROGRESS");
    desk.call(&["audit", "verify"]).ended(0);
}

#[test]
fn what_cannot_be_sent_waits_and_is_sent_once() {
    let desk = wiz();
    let (event, key) = ids(&desk, "type:=Issues \"Status\":OPEN", 1).remove(0);
    let connected = desk.connections();
    desk.configure(&unplugged(&connected));
    let told = close(&desk, &[&event]).ended(3).line();
    assert_eq!(told["write_back"], "not sent", "{told}");
    let waits = desk.call(&["outbox", "list"]).ended(0).line();
    assert_eq!((&waits["id"], &waits["standing"]), (&told["outbox"], &json!("waiting")));
    let still = desk.call(&["outbox", "send"]).ended(1).line();
    assert_eq!(still["standing"], "waiting");
    desk.configure(&connected);
    let before = issue(&desk, &key)["notes"].as_array().map_or(0, Vec::len);
    let sent = desk.call(&["outbox", "send"]).ended(0).line();
    assert_eq!(sent["standing"], "sent", "{sent}");
    assert!(desk.call(&["outbox", "send"]).ended(0).lines().is_empty());
    desk.call(&["outbox", "send", &told["outbox"].to_string()]).ended(1);
    let there = issue(&desk, &key);
    assert_eq!((&there["status"], there["notes"].as_array().unwrap().len()), (&json!("REJECTED"), before + 1));
    assert!(desk.call(&["outbox", "list"]).ended(0).lines().is_empty());
    assert!(desk.call(&["events", "drift:yes"]).ended(0).lines().iter().all(|line| line["id"].as_i64() != event.parse().ok()));
    desk.call(&["audit", "verify"]).ended(0);
}

#[test]
fn a_health_check_sends_what_waits_and_holds_what_has_changed() {
    let desk = wiz();
    let open = ids(&desk, "type:=Issues \"Status\":OPEN", 3);
    let connected = desk.connections();
    desk.configure(&unplugged(&connected));
    close(&desk, &[&open[0].0, &open[1].0, &open[2].0]).ended(3);
    let letters: Vec<String> = desk.call(&["outbox", "list"]).ended(0).lines().iter().rev().map(|line| line["id"].to_string()).collect();
    assert_eq!(letters.len(), 3, "one each, so that each can be looked at and taken back");
    desk.call(&["outbox", "cancel", &letters[2]]).ended(0);
    desk.configure(&connected);
    let changed = format!("issue_ids={}", open[1].1);
    desk.call(&["run", "wiz-demo", "update-issues", &changed, "status=In Progress"]).ended(0);
    desk.call(&["jobs", "run", "wiz-demo/health-check"]).ended(0);
    let all = desk.call(&["outbox", "list", "--all"]).ended(0).lines();
    let standings: Vec<_> = all.iter().rev().map(|line| line["standing"].as_str().unwrap()).collect();
    assert_eq!(standings, ["sent", "held", "cancelled"]);
    let difference = &all[1]["differences"][0];
    assert_eq!((&difference["then"], &difference["now"]), (&json!("OPEN"), &json!("IN_PROGRESS")), "{}", all[1]);
    assert_eq!(issue(&desk, &open[1].1)["status"], "IN_PROGRESS", "nothing was overwritten");
    desk.call(&["outbox", "send", &letters[1]]).ended(1);
    desk.call(&["outbox", "send", &letters[1], "--yes"]).ended(0);
    assert_eq!(issue(&desk, &open[1].1)["status"], "REJECTED");
    assert_eq!(issue(&desk, &open[2].1)["status"], "OPEN", "taken back");
}

#[test]
fn an_alert_that_its_vendor_has_moved_is_held_too() {
    let desk = Desk::with(&["azure-demo"], &[]);
    desk.call(&["fetch"]).ended(0);
    let alerts = ids(&desk, "type:=Alerts \"Status\":=new", 2);
    let connected = desk.connections();
    desk.configure(&unplugged_at(&connected, "graph_api_root"));
    close(&desk, &[&alerts[0].0, &alerts[1].0]).ended(3);
    desk.configure(&connected);
    let moved = format!("alert_id={}", alerts[1].1);
    desk.call(&["run", "azure-demo", "graph-update-alert", &moved, "alert_status=inProgress"]).ended(0);
    desk.call(&["outbox", "send"]);
    let all = desk.call(&["outbox", "list", "--all"]).ended(0).lines();
    let standings: Vec<_> = all.iter().rev().map(|line| line["standing"].as_str().unwrap()).collect();
    assert_eq!(standings, ["sent", "held"], "{all:?}");
    assert!(all[0]["differences"].to_string().contains("inProgress"), "{}", all[0]);
    let path = format!("url_path=/v1.0/security/alerts_v2/{}", alerts[1].1);
    let there = desk.call(&["run", "azure-demo", "execute-http-request", &path]).ended(0).line()["raw_data"]["response_data"].clone();
    assert_eq!(there["status"], "inProgress", "nothing was overwritten");
}

#[test]
fn a_kill_between_claim_and_answer_is_unknown_and_never_repeated() {
    let alert = json!({"id": "a-1", "title": "Odd sign-in", "status": "new", "severity": "high", "createdDateTime": jiff::Timestamp::now(),
        "lastUpdateDateTime": jiff::Timestamp::now()});
    let patches = Arc::new(AtomicUsize::new(0));
    let (arrived, arrivals) = mpsc::channel();
    let (count, arrived) = (Arc::clone(&patches), std::sync::Mutex::new(arrived));
    let server = serve(move |request, stream| match request.method.as_str() {
        "PATCH" => {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = arrived.lock().unwrap().send(());
            // It has the request, and never answers.
            std::thread::sleep(Duration::from_secs(120));
        }
        "POST" => hostile::token(stream),
        _ if request.path.contains("alerts_v2/") => hostile::json(stream, &alert.to_string()),
        _ => hostile::json(stream, &json!({"value": [alert]}).to_string()),
    });
    let desk = Desk::bare();
    let call = |arguments: &[&str]| {
        let mut command = desk.command(arguments);
        command.env("CANARY_SECRET", "canary-client-secret");
        command
    };
    let ran = |arguments: &[&str]| super::desk::ran(&mut call(arguments));
    let configuration =
        |root: &str| hostile::azure(root).replace("vendor = \"azure-api\"\n", "vendor = \"azure-api\"\nevent_sources = [\"alerts\"]\n");
    desk.configure(&configuration(&server.root));
    ran(&["fetch"]).ended(0);
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    desk.configure(&configuration(&format!("http://{free}")));
    let told = ran(&["event", "close", "1", "--disposition", "benign", "--write-back"]).ended(3).line();
    assert_eq!(told["write_back"], "not sent", "{told}");
    desk.configure(&configuration(&server.root));
    let mut sending = call(&["outbox", "send"]).spawn().unwrap();
    arrivals.recv_timeout(Duration::from_secs(60)).unwrap();
    sending.kill().unwrap();
    sending.wait().unwrap();
    let left = ran(&["outbox", "list"]).ended(0).line();
    assert_eq!(left["standing"], "unknown", "{left}");
    assert!(ran(&["outbox", "send"]).ended(0).lines().is_empty());
    let refused = ran(&["outbox", "send", "1", "--yes"]).ended(1).line();
    assert!(refused["detail"].as_str().unwrap().contains("never sent again"), "{refused}");
    assert_eq!(patches.load(Ordering::SeqCst), 1);
}
