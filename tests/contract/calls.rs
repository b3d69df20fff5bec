//! Verbs, flags, exit codes and the shapes of what is printed.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::desk::Desk;
use super::hostile::{Hostile, azure, serve};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[track_caller]
fn has(value: &Value, names: &[&str]) {
    let missing: Vec<_> = names.iter().filter(|name| value.get(**name).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?} missing in {value}");
}

const REPORT: [&str; 13] = [
    "connection",
    "vendor",
    "command",
    "return_data",
    "raw_data",
    "context",
    "key_fields",
    "result",
    "message",
    "errors",
    "attachments",
    "started_at",
    "finished_at",
];

#[test]
fn what_is_printed_has_the_keys_of_the_contract() {
    let desk = Desk::with(&["azure-demo", "wiz-demo"], &[]);
    for line in desk.call(&["fetch"]).ended(0).lines() {
        has(&line, &["connection", "vendor", "return_data", "fetched", "new", "updated", "unchanged", "from", "to", "gaps", "errors"]);
        let count = |name: &str| line[name].as_u64().unwrap();
        assert_eq!(count("fetched"), count("new") + count("updated") + count("unchanged"));
    }
    let report = desk.call(&["run", "wiz-demo", "list-projects"]).ended(0).line();
    assert_eq!(keys(&report)[..13], REPORT);
    for line in desk.call(&["connections", "list"]).ended(0).lines() {
        has(&line, &["name", "vendor", "active", "last_success_at", "last_error", "consecutive_failures"]);
    }
    for line in desk.call(&["connections", "test"]).ended(0).lines() {
        has(&line, &["connection", "vendor", "return_data", "message", "errors"]);
    }
    for line in desk.call(&["commands"]).ended(0).lines() {
        has(&line, &["vendor", "name", "title", "permission", "effect", "reach", "undo", "assumed", "parameters"]);
        for parameter in line["parameters"].as_array().unwrap() {
            has(parameter, &["name", "label", "type", "required", "default", "choices", "minimum", "maximum", "help"]);
        }
    }
    for line in desk.call(&["audit", "list"]).ended(0).lines() {
        has(&line, &["seq", "time", "actor", "connection", "command", "items", "effect", "state", "hash", "previous"]);
    }
    let event = desk.call(&["events", "--limit", "1"]).ended(0).line();
    has(
        &event,
        &[
            "id",
            "connection",
            "vendor",
            "event_type",
            "key",
            "title",
            "severity",
            "severity_origin",
            "vendor_severity",
            "status",
            "vendor_status",
            "occurred_at",
            "updated_at",
            "first_seen_at",
            "assignee",
            "disposition",
            "entities",
            "fields",
            "raw",
        ],
    );
    desk.call(&["connections", "edit", "wiz-demo", "--set", "health_check_minutes=5"]).ended(0);
    let health = || desk.call(&["jobs", "list"]).ended(0).lines().into_iter().find(|job| job["name"] == "wiz-demo/health-check").unwrap();
    let job = health();
    has(&job, &["name", "connection", "every_minutes", "last_run_at", "next_run_at", "last_result"]);
    assert_eq!(job["every_minutes"], 5);
    desk.call(&["jobs", "run", "wiz-demo/health-check"]).ended(0);
    assert!(health()["last_run_at"].is_string());
    desk.call(&["audit", "verify"]).ended(0);
}

/// A job that fetches takes the connection's lock itself.
#[test]
fn a_fetch_job_fetches() {
    let desk = Desk::with(&["wiz-demo"], &[]);
    let report = desk.call(&["jobs", "run", "wiz-demo/fetch"]).ended(0).line();
    assert_eq!(report["result"], "Successful", "{report}");
    assert!(report["new"].as_u64().unwrap() > 0, "{report}");
    let listed = desk.call(&["jobs", "list"]).ended(0).lines().into_iter().find(|job| job["name"] == "wiz-demo/fetch").unwrap();
    assert_eq!(listed["last_result"], "Successful");
}

#[test]
fn a_slip_of_the_pen_is_answered_with_what_was_meant() {
    let desk = Desk::with(&["wiz-demo"], &[]);
    for (call, meant) in [
        (&["run", "wiz-dem", "list-projects"][..], "wiz-demo"),
        (&["run", "wiz-demo", "list-project"], "did you mean list-projects?"),
        (&["run", "wiz-demo", "list-projects", "projectname=x"], "did you mean project_name?"),
        (&["fetch", "wizdemo"], "did you mean wiz-demo?"),
        (&["connections", "test", "wizdemo"], "did you mean wiz-demo?"),
        (&["jobs", "run", "wizdemo/fetch"], "did you mean wiz-demo?"),
        (&["commands", "wis"], "did you mean wiz?"),
        (&["commands", "wiz", "update-issue"], "did you mean update-issues?"),
        (&["fecth"], "fetch"),
    ] {
        let told = desk.call(call).ended(2);
        assert!(told.stderr.contains(meant) || told.stdout.contains(meant), "{call:?}: {told:?}");
    }
}

#[test]
fn what_is_named_twice_is_meant_once() {
    let desk = Desk::with(&["wiz-demo"], &[]);
    assert_eq!(desk.call(&["fetch", "wiz-demo", "wiz-demo"]).ended(0).lines().len(), 1);
    assert_eq!(desk.call(&["connections", "test", "wiz-demo", "wiz-demo"]).ended(0).lines().len(), 1);
    let twice = desk.call(&["run", "wiz-demo", "list-projects", "impact=High", "impact=Low"]).ended(2).line();
    assert_eq!(twice["message"], "impact is given twice; where it takes several values, they are one list: impact=a,b");
}

#[test]
fn global_flags_stand_before_or_after() {
    let desk = Desk::with(&["wiz-demo"], &[]);
    let elsewhere = desk.home.path().join("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    for call in [
        &["--data-dir", elsewhere, "--output", "table", "-v", "connections", "list"][..],
        &["connections", "list", "--data-dir", elsewhere, "--output", "table", "-v"],
        &["connections", "--output", "table", "list", "--data-dir", elsewhere],
    ] {
        assert!(desk.call(call).ended(0).stdout.starts_with("NAME"), "{call:?}");
    }
    let report = desk.call(&["run", "--output", "json", "wiz-demo", "--timeout", "20", "list-projects", "--yes"]).ended(0);
    assert_eq!(report.line()["return_data"], "Successful");
    let other = desk.call(&["connections", "list", "--config-dir", elsewhere]).ended(0);
    assert_eq!(other.stdout, "", "another folder, other connections");
}

#[test]
fn a_wrong_call_ends_with_2_and_prints_its_report() {
    let desk = Desk::with(&["azure-demo", "wiz-demo"], &[]);
    for (call, vendor) in [
        (&["run", "nobody", "ping"][..], json!(null)),
        (&["run", "wiz-demo", "bogus"], json!("wiz")),
        (&["run", "wiz-demo", "fetch-event", "bogus=1"], json!("wiz")),
        (&["run", "wiz-demo", "fetch-event", "event_type=Bogus"], json!("wiz")),
        (&["run", "wiz-demo", "fetch-event", "nonsense"], json!("wiz")),
        (&["run", "wiz-demo", "fetch-event", "--params", "/nonexistent"], json!("wiz")),
        (&["run", "wiz-demo", "fetch-event", "--timeout", "soon"], json!("wiz")),
        (&["run", "wiz-demo", "fetch-event", "--bogus"], json!("wiz")),
        (&["run", "wiz-demo"], json!("wiz")),
        (&["run"], json!(null)),
        (&["run", "azure-demo", "execute-http-request", "url_path=/v1.0/users/x", "method=DELETE"], json!("azure-api")),
    ] {
        let report = desk.call(call).ended(2).line();
        has(&report, &REPORT);
        assert_eq!(report["return_data"], "Failed", "{call:?}");
        assert_eq!(report["raw_data"], Value::Null);
        assert_eq!(report["vendor"], vendor, "{call:?}");
        assert!(!report["errors"].as_array().unwrap().is_empty());
    }
    for call in [
        &["fetch", "nobody"][..],
        &["fetch", "--max", "0"],
        &["fetch", "--from", "yesterday"],
        &["fetch", "--from", "now", "--to", "-24h"],
        &["connections", "test", "nobody"],
        &["events", "severity:"],
        &["events", "bogus(("],
        &["commands", "bogus"],
        &["commands", "wiz", "bogus"],
        &["jobs", "run", "bogus"],
        &["bogus"],
        &["completions", "bogus"],
    ] {
        let ran = desk.call(call).ended(2);
        assert_eq!(ran.stdout, "", "{call:?}");
        assert_ne!(ran.stderr, "", "{call:?}");
    }
}

#[test]
fn parameters_come_from_a_file_or_stdin_and_pairs_win() {
    let desk = Desk::with(&["wiz-demo"], &[]);
    let arguments = ["run", "wiz-demo", "fetch-event", "--dry-run", "--params", "-", "event_type=Vulnerability Findings"];
    let report = desk.call_with(&arguments, r#"{"event_type":"Issues","number_of_events_fetched":3}"#).ended(0).line();
    let text = report["requests"].to_string();
    assert!(text.contains("vulnerabilityFindings") && !text.contains("issuesV2"), "{text}");
    for wrong in ["[1]", "{", "\"x\""] {
        assert_eq!(desk.call_with(&arguments, wrong).ended(2).line()["return_data"], "Failed");
    }
}

#[test]
fn a_dry_run_shows_the_requests_and_sends_nothing() {
    let desk = Desk::with(&["azure-demo", "wiz-demo"], &[]);
    let mut desk = desk;
    // Nobody is there to answer, which a dry run does not notice.
    desk.simulators = None;
    for call in [
        &["run", "wiz-demo", "list-projects", "--dry-run"][..],
        &["run", "azure-demo", "execute-http-request", "url_path=/v1.0/users/x", "method=DELETE", "--dry-run"],
    ] {
        let report = desk.call(call).ended(0).line();
        let requests = report["requests"].as_array().unwrap();
        assert!(!requests.is_empty());
        for request in requests {
            has(request, &["method", "url", "headers", "body"]);
        }
    }
    assert_eq!(desk.call(&["audit", "list"]).ended(0).stdout, "");
}

#[test]
fn key_fields_and_counts_are_there_when_they_are_empty_however_a_call_ended() {
    let desk = Desk::with(&["eset-demo", "wiz-demo"], &[]);
    let nowhere = "device_uuid=11111111-2222-4333-8444-555555555555";
    let failed = desk.call(&["run", "eset-demo", "fetch-event", "start_time=-1h", "end_time=now", nowhere]).ended(1).line();
    assert_eq!((&failed["key_fields"], &failed["result"]), (&json!({"EventIDs": []}), &json!([{"name": "Events Count", "value": 0}])));
    let devices = nowhere.replace("uuid", "uuids");
    let unanswered = desk.call(&["run", "eset-demo", "isolate-endpoints", &devices, "task_name=a", "task_description=b"]).ended(1).line();
    assert_eq!(unanswered["key_fields"], json!({"TaskUUID": ""}));
    let refused = desk.call(&["run", "wiz-demo", "update-issues"]).ended(2).line();
    assert_eq!(refused["key_fields"], json!({"IssueIDs": [], "IssueStatuses": []}));
    assert_eq!(refused["result"], json!([{"name": "Issues Count", "value": 0}]));
}

#[test]
fn a_number_is_taken_as_far_as_it_makes_sense_and_refused_in_words_that_fit() {
    let desk = Desk::with(&["wiz-demo"], &[]);
    desk.call(&["events", "--limit", "99999999999999999999"]).ended(0);
    desk.call(&["run", "wiz-demo", "list-projects", "--timeout", "1e300"]).ended(0);
    for (call, reason) in [
        (&["fetch", "--max", "-1"][..], "must be a whole number"),
        (&["audit", "list", "--offset", "-2"], "must be a whole number"),
        (&["run", "wiz-demo", "list-projects", "--timeout", "-1"], "must be above 0"),
        (&["run", "wiz-demo", "list-projects", "--timeout", "soon"], "must be a number of seconds"),
    ] {
        let ran = desk.call(call).ended(2);
        assert!(ran.stderr.contains(reason), "{call:?}: {}", ran.stderr);
    }
    desk.call(&["fetch", "--to", "9999-12-31", "--max", "1"]).ended(0);
}

#[test]
fn a_check_of_the_configuration_is_printed_whatever_is_wrong() {
    let desk = Desk::with(&["wiz-demo"], &[]);
    let ran = desk.call(&["config", "check"]).ended(0).line();
    assert_eq!(ran, json!({"ok": true, "connections": ["wiz-demo"], "warnings": 0}));
    desk.configure("[[connection]\n");
    let ran = desk.call(&["config", "check"]).ended(2).line();
    assert_eq!(ran, json!({"ok": false, "connections": null, "warnings": 0}));
}

#[test]
fn a_vault_without_its_key_is_not_an_empty_one() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with(&["wiz-demo"], &[]);
    desk.call_with(&["secrets", "set", "mine"], "hush").ended(0);
    assert_eq!(desk.call(&["secrets", "list"]).ended(0).lines(), [json!({"name": "mine"})]);
    let key = desk.config_dir().join("vault.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = desk.call(&["secrets", "list"]).ended(2);
    assert!(ran.stderr.contains("key cannot be had"), "{}", ran.stderr);
}

#[test]
fn a_destructive_effect_needs_a_yes() {
    let desk = Desk::with(&["azure-demo"], &[]);
    let user = desk.call(&["run", "azure-demo", "execute-http-request", "url_path=/v1.0/users?$top=1&$select=id"]).ended(0).line();
    let id = user["raw_data"]["response_data"]["value"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("url_path=/v1.0/users/{id}");
    let call = ["run", "azure-demo", "execute-http-request", &path, "method=DELETE"];
    let refused = desk.call(&call).ended(2).line();
    assert!(refused["message"].as_str().unwrap().contains("--yes"), "{refused}");
    assert!(!desk.call(&["audit", "list"]).ended(0).lines().iter().any(|entry| entry["effect"] == "destructive"));
    let done = desk.call(&[&call[..], &["--yes"]].concat());
    assert_ne!(done.code, 2, "{done:?}");
    assert!(desk.call(&["audit", "list"]).ended(0).lines().iter().any(|entry| entry["effect"] == "destructive"));
}

#[test]
fn failures_of_vendors_end_with_1_and_keep_their_code() {
    let desk = Desk::with(&["azure-demo", "wiz-demo"], &["--fault", "forbidden"]);
    let report = desk.call(&["run", "wiz-demo", "list-projects"]).ended(1).line();
    assert_eq!(report["errors"][0]["status_code"], 403, "{report}");
    let report = desk.call(&["run", "azure-demo", "ping"]).ended(1).line();
    assert_eq!(report["errors"][0]["status_code"], 403, "{report}");
    desk.call(&["connections", "test"]).ended(1);
    let fetched = desk.call(&["fetch"]).ended(1);
    assert_eq!(fetched.lines().len(), 2);
    assert!(desk.call(&["connections", "list"]).ended(0).lines()[0]["consecutive_failures"].as_u64().unwrap() > 0);
}

#[test]
fn some_failures_of_several_end_with_3() {
    let desk = Desk::with(&["azure-demo", "wiz-demo"], &[]);
    let text = desk.connections();
    // A port that nobody listens at.
    desk.configure(&text.replace(&desk.endpoint("wiz.api"), "http://127.0.0.1:1"));
    desk.call(&["fetch"]).ended(3);
    desk.call(&["connections", "test"]).ended(1);
    desk.call(&["fetch", "wiz-demo"]).ended(1);
    desk.call(&["fetch", "azure-demo"]).ended(0);
}

#[test]
fn nothing_configured_is_an_empty_list() {
    let desk = Desk::bare();
    for call in [
        &["connections", "list"][..],
        &["events"],
        &["jobs", "list"],
        &["audit", "list"],
        &["secrets", "list"],
        &["fetch"],
        &["connections", "test"],
        &["config", "path"],
        &["config", "check"],
        &["audit", "verify"],
    ] {
        desk.call(call).ended(0).lines();
    }
}

#[test]
fn completions_and_the_man_page_are_printed() {
    let desk = Desk::bare();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(desk.call(&["completions", shell]).ended(0).stdout.contains("nightdesk"), "{shell}");
    }
    assert!(desk.call(&["man"]).ended(0).stdout.contains(".TH nightdesk"));
}

#[test]
fn output_that_is_lost_is_no_success_and_a_closed_pipe_no_failure() {
    let desk = Desk::bare();
    let mut full = desk.command(&["keys"]);
    let told = super::desk::ran(full.stdout(std::fs::File::options().write(true).open("/dev/full").unwrap())).ended(1);
    assert!(told.stderr.contains("the output could not be written"), "{told:?}");
    let mut child = desk.command(&["keys"]).spawn().unwrap();
    drop(child.stdout.take());
    let told = child.wait_with_output().unwrap();
    assert_eq!((told.status.code(), told.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn queries_narrow_and_a_bad_one_points_at_its_column() {
    let desk = Desk::with(&["azure-demo", "wiz-demo"], &[]);
    desk.call(&["fetch"]).ended(0);
    let all = desk.events();
    let count = |query: &[&str]| desk.call(&[&["events", "--limit", "100000"], query].concat()).ended(0).lines().len();
    assert_eq!(count(&["vendor:wiz"]) + count(&["vendor:azure-api"]), all.len());
    assert_eq!(count(&["vendor:azure"]) + count(&["-vendor:azure"]), all.len());
    assert_eq!(count(&["not", "vendor:wiz"]), count(&["-vendor:wiz"]));
    assert_eq!(count(&["severity:>=high or severity:<high or severity:unknown"]), all.len());
    assert_eq!(count(&["vendor:wiz (severity:critical or severity:high)"]), count(&["vendor:wiz severity:>=high"]));
    assert_eq!(count(&["status:new"]), all.len());
    assert_eq!(count(&["age:<40000h"]), all.len());
    assert_eq!(count(&["age:>4000d"]), 0);
    let key = all[0]["key"].as_str().unwrap();
    assert_eq!(desk.call(&["events", &format!("key:={key}")]).ended(0).line()["id"], all[0]["id"]);
    assert_eq!(count(&["type:Issues connection:wiz-demo"]), count(&["type:Issues"]));
    let newest: Vec<_> =
        all.iter().map(|event| (event["occurred_at"].as_str().unwrap().to_owned(), event["id"].as_u64().unwrap())).collect();
    assert!(newest.is_sorted_by(|a, b| a.0 > b.0 || a.0 == b.0 && a.1 > b.1), "newest first");
    assert_eq!(desk.call(&["events", "--limit", "2", "--offset", "1"]).ended(0).lines()[0]["id"], all[1]["id"]);
    assert_eq!(desk.call(&["events", "--limit", "0"]).ended(0).stdout, "");
    let wrong = desk.call(&["events", "severity:high (status:new"]).ended(2);
    assert!(wrong.stderr.contains("column"), "{wrong:?}");
}

/// A desk whose vendor answers nothing while its gate is held, and then with an error.
fn slow_desk(gate: &Arc<Mutex<()>>) -> (Desk, Hostile) {
    let gate = Arc::clone(gate);
    let server = serve(move |_, stream| {
        drop(gate.lock());
        let _ = std::io::Write::write_all(stream, b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    });
    let desk = Desk::bare();
    desk.configure(&azure(&server.root));
    (desk, server)
}

/// Starts a call and sends it a signal as soon as its vendor was asked something.
fn signalled(mut command: Command, server: &Hostile, signal: Signal) -> Child {
    let before = server.received.lock().unwrap().len();
    let child = command.env("CANARY_SECRET", "canary-client-secret").spawn().unwrap();
    while server.received.lock().unwrap().len() == before {
        std::thread::yield_now();
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
    child
}

#[test]
fn an_interrupt_ends_with_130() {
    let gate = Arc::default();
    let (desk, server) = slow_desk(&gate);
    let _held = gate.lock();
    let text = desk.connections();
    desk.configure(&text.replace("vendor = \"azure-api\"\n[", "vendor = \"azure-api\"\nevent_sources = [\"alerts\"]\n["));
    let calls = [&["run", "azure", "ping"][..], &["fetch", "azure"], &["connections", "test"]];
    for (call, signal) in calls.into_iter().zip([Signal::INT, Signal::TERM, Signal::HUP]) {
        let child = signalled(desk.command(call), &server, signal);
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130), "{call:?}");
    }
}

#[test]
fn a_call_that_was_to_outlive_its_terminal_does() {
    let gate = Arc::default();
    let (desk, server) = slow_desk(&gate);
    let held = gate.lock();
    let command = desk.command(&[]);
    let mut nohup = Command::new("sh");
    nohup.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    nohup.args(["run", "azure", "ping"]).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    nohup.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = signalled(nohup, &server, Signal::HUP);
    drop(held);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"Failed\""), "{output:?}");
}

#[test]
fn a_saved_view_is_listed_in_its_order_and_narrowed_further() {
    let desk = Desk::with(&["wiz-demo"], &[]);
    desk.call(&["fetch"]).ended(0);
    let text = "[[view]]\nname = \"Bad ones\"\nquery = \"severity:>=high\"\nsort = \"title\"\n";
    std::fs::write(desk.config_dir().join("views.toml"), text).unwrap();
    let titles = |arguments: &[&str]| -> Vec<String> {
        desk.call(arguments).ended(0).lines().iter().map(|line| line["title"].as_str().unwrap().to_lowercase()).collect()
    };
    let all = titles(&["events", "--view", "bad ones"]);
    assert!(all.len() > 2 && all.is_sorted(), "{all:?}");
    assert_eq!(all.len(), titles(&["events", "severity:>=high"]).len());
    let critical = titles(&["events", "--view", "Bad ones", "severity:critical"]);
    assert_eq!(critical.len(), titles(&["events", "severity:critical"]).len());
    assert!(!titles(&["events", "--view", "Everything"]).is_empty(), "a shipped one");
    let unknown = desk.call(&["events", "--view", "Worse"]).ended(2);
    assert!(unknown.stderr.contains("there is no view Worse; there are: Bad ones; Open"), "{unknown:?}");
    desk.call(&["config", "check"]).ended(0);
    std::fs::write(desk.config_dir().join("views.toml"), "[[view]]\nname = \"x\"\nfilter = \"\"\n").unwrap();
    let wrong = desk.call(&["config", "check"]).ended(2);
    assert!(wrong.stderr.contains("views.toml:3: unknown field `filter`"), "{wrong:?}");
}

#[test]
fn a_call_is_filled_from_an_event_and_what_is_given_wins() {
    let desk = Desk::with(&["wiz-demo"], &[]);
    desk.call(&["fetch"]).ended(0);
    let event = desk.call(&["events", "type:Issues", "--limit", "1"]).ended(0).line();
    let id = event["id"].to_string();
    let run = |more: &[&str]| {
        let mut arguments = vec!["run", "wiz-demo", "add-issue-comments", "note_text=seen", "--dry-run", "--event", &id];
        arguments.extend(more);
        desk.call(&arguments)
    };
    let filled = run(&[]).ended(0);
    let key = event["raw"]["id"].as_str().unwrap();
    assert!(filled.line()["requests"].to_string().contains(key), "{filled:?}");
    assert!(!run(&["issue_ids=other"]).ended(0).line()["requests"].to_string().contains(key));
    let none = desk.call(&["run", "wiz-demo", "list-projects", "--event", "999999"]).ended(2);
    assert!(none.line()["message"].as_str().unwrap().contains("There is no event 999999"), "{none:?}");
}

#[test]
fn parameters_that_are_nested_too_deeply_are_refused_with_the_limit() {
    let desk = Desk::with(&["wiz-demo"], &["--events", "10"]);
    std::fs::write(
        desk.config_dir().join("a.json"),
        r#"{"openapi": "3.0.3", "paths": {"/a": {"post": {"operationId": "a", "responses": {}}}}}"#,
    )
    .unwrap();
    let document = "\n[[connection]]\nname = \"o\"\nvendor = \"openapi\"\n[connection.parameters]\ndocument = \"a.json\"\n\
                    base_url = \"http://127.0.0.1:1\"\n";
    desk.configure(&format!("{}{document}", desk.connections()));
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    for (connection, command, indicator) in [("wiz-demo", "list-projects", "List Projects failed."), ("o", "a", "A failed.")] {
        let error = &desk.call_with(&["run", connection, command, "--params", "-"], &deep).ended(2).line()["errors"][0];
        assert_eq!(error["failure_indicator"], indicator);
        let said = error["message"].as_str().unwrap();
        assert!(said.contains("deeper than 127 levels") && !said.contains("not a JSON object"), "{said}");
    }
}
