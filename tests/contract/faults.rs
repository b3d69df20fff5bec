//! What goes wrong with vendors, sign-ins and the process itself: each is told in plain words, costs nothing but its own part, and sends
//! no change twice.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::desk::{BINARY, Desk, ran};
use super::fetching::keyed;
use super::hostile::{self, Hostile, serve};

/// An Azure API connection whose alerts are fetched with a refresh token.
fn delegated(root: &str) -> String {
    hostile::azure(root).replace("vendor = \"azure-api\"\n", "vendor = \"azure-api\"\nevent_sources = [\"alerts\"]\n")
        + "refresh_token = { env = \"CANARY_REFRESH\" }\n"
}

/// An alert of five minutes ago.
fn alert() -> Value {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(5);
    json!({"id": "a", "title": "t", "createdDateTime": at, "lastUpdateDateTime": at})
}

#[test]
fn a_revoked_sign_in_says_so_and_stops_only_its_own_feed() {
    let (revoked, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (state, count, alert) = (Arc::clone(&revoked), Arc::clone(&asked), alert());
    let server = serve(move |request, stream| match (request.method.as_str(), state.load(Ordering::SeqCst)) {
        ("POST", true) => {
            count.fetch_add(1, Ordering::SeqCst);
            let told =
                br#"{"error":"invalid_grant","error_description":"AADSTS50173: The provided grant has expired due to it being revoked."}"#;
            hostile::answer(stream, "400 Bad Request", "", told);
        }
        ("POST", false) => hostile::json(
            stream,
            r#"{"token_type":"Bearer","expires_in":3600,"access_token":"canary-access","refresh_token":"canary-rotated"}"#,
        ),
        (_, true) => {
            hostile::answer(stream, "401 Unauthorized", "", br#"{"error":{"code":"InvalidAuthenticationToken","message":"revoked"}}"#);
        }
        (_, false) => hostile::json(stream, &json!({"value": [alert]}).to_string()),
    });
    let desk = Desk::with(&["wiz-demo"], &[]);
    desk.configure(&format!("{}\n{}", desk.connections(), delegated(&server.root)));
    let call = |arguments: &[&str]| {
        let mut command = desk.command(arguments);
        ran(command.env("CANARY_SECRET", "canary-client-secret").env("CANARY_REFRESH", "canary-refresh-0"))
    };
    let of = |lines: Vec<Value>, name: &str| lines.into_iter().find(|line| line["connection"] == name || line["name"] == name).unwrap();
    let first = of(call(&["fetch"]).ended(0).lines(), "azure");
    assert_eq!(first["new"], 1, "{first}");
    revoked.store(true, Ordering::SeqCst);
    let told = call(&["fetch"]).ended(3);
    let (azure, wiz) = (of(told.lines(), "azure"), of(told.lines(), "wiz-demo"));
    assert_eq!((&azure["return_data"], azure["gaps"].as_array().unwrap().len()), (&json!("Failed"), 1), "{azure}");
    let said = azure["errors"][0].to_string();
    assert!(said.contains("AADSTS50173") && said.contains("fresh sign-in is needed"), "what to do next is said: {said}");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "a dead token is tried once a fetch");
    assert_ne!(wiz["return_data"], "Failed", "the others go on: {wiz}");
    let how = of(call(&["connections", "list"]).ended(0).lines(), "azure");
    let why = how["last_error"].as_str().unwrap();
    assert!(why.contains("AADSTS50173") && why.contains("fresh sign-in is needed"), "{how}");
    // Triage goes on, with what is there already.
    let event = call(&["events", "connection:azure"]).ended(0).line()["id"].to_string();
    call(&["event", "take", &event]).ended(0);
    // The old token is kept: where the revocation was a mistake, nothing has to be configured anew, and nothing was skipped.
    revoked.store(false, Ordering::SeqCst);
    let again = of(call(&["fetch"]).ended(0).lines(), "azure");
    assert!(again["from"].as_str() <= azure["to"].as_str() && again["gaps"] == json!([]), "{again}");
}

#[test]
fn what_turns_up_late_in_a_closed_window_is_found_by_the_next_fetch() {
    let names = ["eset-demo", "lacework-demo", "microsoft-demo", "wiz-demo"];
    let desk = Desk::with(&names, &["--events", "1500", "--fault", "late-records"]);
    desk.call(&["fetch"]).ended(0);
    // Whoever comes second is shown everything.
    let fresh = Desk::bare();
    fresh.configure(&desk.connections());
    fresh.call(&["fetch"]).ended(0);
    for line in desk.call(&["fetch"]).ended(0).lines() {
        assert!(line["new"].as_u64().unwrap() > 0 && line["gaps"] == json!([]), "{line}");
    }
    // What is read by when it became available is found however old it is.
    let found = keyed(&desk);
    let missed: Vec<_> = keyed(&fresh).into_keys().filter(|key| key.contains("microsoft-demo") && !found.contains_key(key)).collect();
    assert!(missed.is_empty(), "{} missed, such as {:?}", missed.len(), missed.first());
}

#[test]
fn after_eight_days_away_the_day_that_is_gone_is_a_gap_with_its_exact_ends() {
    let desk = Desk::with(&["microsoft-demo"], &[]);
    desk.call(&["fetch"]).ended(0);
    // Nobody was here for eight days.
    let away = 8 * 86_400 * 1_000_000_000_i64;
    let db = rusqlite::Connection::open(desk.data_dir().join("nightdesk.db")).unwrap();
    db.execute("UPDATE mark SET watermark = watermark - ?1", [away]).unwrap();
    let marks: Vec<i64> = {
        let mut found = db.prepare("SELECT watermark FROM mark").unwrap();
        found.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    // What expires while it is listed is told too, as failed.
    let line = desk.call(&["fetch"]).line();
    let week = |gap: &&Value| gap["reason"].as_str().unwrap().contains("older than 7 days, for which");
    let gaps: Vec<&Value> = line["gaps"].as_array().unwrap().iter().filter(week).collect();
    assert_eq!(gaps.len(), 4, "one for each content type that is subscribed to: {line}");
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let overlap = jiff::SignedDuration::from_mins(120);
    for gap in &gaps {
        let begins = |mark: &i64| jiff::Timestamp::from_nanosecond(i128::from(*mark)).unwrap() - overlap;
        assert!(marks.iter().map(begins).any(|begin| begin == time(&gap["from"])), "{gap}");
        let week = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(168);
        assert!(time(&gap["to"]).duration_since(week).abs() < jiff::SignedDuration::from_mins(5), "{gap}");
        assert!(gap["reason"].as_str().unwrap().contains("gone for good"), "{gap}");
    }
    assert_eq!(desk.call(&["fetch"]).ended(0).line()["gaps"], json!([]), "it is told once");
    let handover = desk.call(&["report", "handover"]).ended(0).stdout;
    let [from, to] = ["from", "to"].map(|name| time(&gaps[0][name]).strftime("%Y-%m-%d %H:%M UTC").to_string());
    assert!(handover.contains("for good") && handover.contains(&format!("{from} to {to}")), "{handover}");
}

#[test]
fn a_burst_of_server_errors_costs_a_bounded_number_of_requests_and_no_event() {
    let (broken, asked) = (Arc::new(AtomicUsize::new(usize::MAX)), Arc::new(AtomicUsize::new(0)));
    let (state, count) = (Arc::clone(&broken), Arc::clone(&asked));
    let alert = alert();
    let server = serve(move |request, stream| {
        if request.path.contains("token") {
            return hostile::token(stream);
        }
        let number = count.fetch_add(1, Ordering::SeqCst);
        // Every answer, every second one, or none is an error.
        match state.load(Ordering::SeqCst) {
            0 => hostile::json(stream, &json!({"value": [alert]}).to_string()),
            every if number % 2 == 0 || every > 2 => hostile::answer(stream, "503 Busy", "", b"{}"),
            _ => hostile::json(stream, &json!({"value": [alert]}).to_string()),
        }
    });
    let desk = Desk::bare();
    desk.configure(
        &hostile::azure(&server.root).replace("vendor = \"azure-api\"\n", "vendor = \"azure-api\"\nevent_sources = [\"alerts\"]\n"),
    );
    let fetch = |code: i32| ran(desk.command(&["fetch"]).env("CANARY_SECRET", "canary-client-secret")).ended(code).line();
    let failed = fetch(1);
    assert!(asked.swap(0, Ordering::SeqCst) <= 4 && failed["gaps"].as_array().unwrap().len() == 1, "{failed}");
    broken.store(2, Ordering::SeqCst);
    let caught_up = fetch(0);
    assert_eq!((&caught_up["new"], &caught_up["gaps"]), (&json!(1), &json!([])), "{caught_up}");
    assert!(caught_up["from"].as_str() <= failed["to"].as_str());
    let cost = asked.swap(0, Ordering::SeqCst);
    broken.store(0, Ordering::SeqCst);
    let whole = ["fetch", "--from", caught_up["from"].as_str().unwrap(), "--to", caught_up["to"].as_str().unwrap()];
    ran(desk.command(&whole).env("CANARY_SECRET", "canary-client-secret")).ended(0);
    let needed = asked.load(Ordering::SeqCst);
    assert!(cost <= 2 * needed, "{cost} requests where {needed} were needed and every second one failed");
}

/// A server that says when a request has come, and answers those only that `holds` lets go.
fn telling(holds: impl Fn(&hostile::Received) -> bool + Send + Sync + 'static) -> (Hostile, mpsc::Receiver<String>) {
    let (arrived, arrivals) = mpsc::channel();
    let arrived = Mutex::new(arrived);
    let server = serve(move |request, stream| {
        let held = holds(request);
        if !held {
            if request.path.contains("token") { hostile::token(stream) } else { hostile::json(stream, "{\"done\":true}") }
        }
        let _ = arrived.lock().unwrap().send(request.path.clone());
        if held {
            // The other end goes first.
            let _ = stream.read(&mut [0]);
        }
    });
    (server, arrivals)
}

#[test]
fn a_kill_around_an_action_sends_it_once_at_most_and_leaves_a_record_that_says_so() {
    // Where it is killed: before anything goes out, at the sign-in, once the vendor has the request, once it has answered.
    for (point, sent) in [("begin", 0), ("token", 0), ("asked", 1), ("answered", 1)] {
        let (server, arrivals) = telling(move |request| match point {
            "token" => request.path.contains("token"),
            "asked" => !request.path.contains("token"),
            _ => false,
        });
        let desk = Desk::bare();
        desk.configure(&hostile::azure(&server.root));
        let call = |arguments: &[&str]| {
            let mut command = desk.command(arguments);
            command.env("CANARY_SECRET", "canary-client-secret");
            command
        };
        let mut acting = call(&["run", "azure", "execute-http-request", "url_path=/v1.0/x", "method=POST"]).spawn().unwrap();
        let mut reached = point == "begin";
        while !reached {
            reached = arrivals.recv_timeout(Duration::from_secs(60)).unwrap().contains("token") == (point == "token");
        }
        acting.kill().unwrap();
        acting.wait().unwrap();
        // Whatever comes after it resends nothing.
        ran(&mut call(&["outbox", "send"])).ended(0);
        ran(&mut call(&["fetch"]));
        let posted = server.asked().iter().filter(|request| request.method == "POST").count();
        assert!(posted == sent || point == "begin" && posted <= 1, "{point}: {posted}");
        ran(&mut call(&["audit", "verify"])).ended(0);
        let record = ran(&mut call(&["audit", "list"])).ended(0).lines();
        if sent > 0 {
            // Where it was answered, the end may just have been recorded.
            let told = |state: &Value| state == "intent" || point == "answered" && state == "Successful";
            assert!(record.iter().any(|entry| entry["command"] == "execute-http-request" && told(&entry["state"])), "{point}: {record:?}");
        }
        if point == "asked" {
            let handover = ran(&mut call(&["report", "handover"])).ended(0).stdout;
            assert!(handover.contains("its end is not known: look before it is repeated"), "{handover}");
        }
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let desk = Desk::with(&["wiz-demo"], &["--events", "3000"]);
    desk.call(&["fetch"]).ended(0);
    for call in
        ["events --limit 100000", "events --limit 100000 --output table", "commands", "audit list", "man", "completions bash", "--help"]
    {
        let script = format!("{BINARY} {call} | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}");
        let mut shell = std::process::Command::new("bash");
        shell.args(["-c", &script]).env("NIGHTDESK_CONFIG_DIR", desk.config_dir()).env("NIGHTDESK_DATA_DIR", desk.data_dir());
        let told = ran(&mut shell);
        assert!(["0", "141"].contains(&told.stdout.trim()) && told.stderr.is_empty(), "{call}: {told:?}");
    }
}

#[test]
fn a_signal_ends_a_call_within_five_seconds() {
    let (server, arrivals) = telling(|request| !request.path.contains("token"));
    let desk = Desk::bare();
    desk.configure(&hostile::azure(&server.root));
    for (signal, code) in [("INT", Some(130)), ("TERM", Some(130)), ("PIPE", Some(130))] {
        let mut command = desk.command(&["run", "azure", "execute-http-request", "url_path=/v1.0/x"]);
        let mut calling = command.env("CANARY_SECRET", "canary-client-secret").spawn().unwrap();
        while arrivals.recv_timeout(Duration::from_secs(60)).unwrap().contains("token") {}
        let kill = |name: &str| std::process::Command::new("kill").args(["-s", name, &calling.id().to_string()]).status().unwrap();
        kill(signal);
        if signal == "PIPE" {
            // It is ignored: a closed pipe is told where it is written to. What follows ends the call.
            kill("INT");
        }
        let begun = Instant::now();
        assert_eq!(calling.wait().unwrap().code(), code, "{signal}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{signal}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_program_that_gives_a_secret_may_fail_in_any_way() {
    let server = serve(|_, stream| hostile::token(stream));
    let desk = Desk::bare();
    // The program, and what is said of it; nothing of what it prints may be seen.
    let cases = [
        ("\"sh\", \"-c\", \"echo canary-secret >&2; exit 3\"", "ended with exit status: 3"),
        ("\"yes\", \"canary-secret\"", "more than 64 KiB"),
        ("\"printf\", 'canary-secret\\nuser: dana'", "several lines"),
        ("\"printf\", 'canary-secret\\rhost=evil.example'", "several lines"),
        ("\"printf\", 'canary-secret\\000x'", "NUL"),
        ("\"printf\", '\\377\\376'", "not UTF-8"),
        ("\"true\"", "is empty"),
        ("\"nightdesk-no-such-program\"", "could not be started"),
        // No shell reads it.
        ("\"echo; touch owned\"", "could not be started"),
        ("\"sleep\", \"100\"", "gave nothing within 10 s"),
    ];
    for (program, said) in cases {
        desk.configure(&hostile::azure(&server.root).replace("{ env = \"CANARY_SECRET\" }", &format!("{{ command = [{program}] }}")));
        let mut command = desk.command(&["run", "azure", "ping"]);
        let told = ran(command.current_dir(desk.home.path()).stderr(Stdio::piped())).ended(2);
        assert!(told.stdout.contains(said), "{program}: {told:?}");
        assert!(!told.stdout.contains("canary-secret") && !told.stderr.contains("canary-secret"), "{program}: {told:?}");
    }
    assert!(!desk.home.path().join("owned").exists());
    assert!(server.received.lock().unwrap().is_empty(), "nothing was sent");
}

#[test]
fn a_program_that_gives_a_secret_is_asked_once_a_process() {
    let server = serve(|request, stream| if request.path.contains("token") { hostile::token(stream) } else { hostile::json(stream, "{}") });
    let desk = Desk::bare();
    let asked = desk.home.path().join("asked");
    let program = format!("\"sh\", \"-c\", \"echo >> {}; echo canary-secret\"", asked.display());
    desk.configure(&hostile::azure(&server.root).replace("{ env = \"CANARY_SECRET\" }", &format!("{{ command = [{program}] }}")));
    desk.call(&["run", "azure", "ping"]).ended(0);
    assert_eq!(BufReader::new(std::fs::File::open(&asked).unwrap()).lines().count(), 1);
}

#[test]
fn a_sample_is_never_on_the_disk_in_clear_not_even_after_a_kill() {
    const MARK: &[u8] = b"a-sample-that-must-not-be-found-in-clear";
    let whole = Arc::new(AtomicBool::new(false));
    let (arrived, arrivals) = mpsc::channel();
    let (state, arrived) = (Arc::clone(&whole), Mutex::new(arrived));
    let server = serve(move |request, stream| {
        if request.path.contains("token") {
            return hostile::token(stream);
        }
        let body = MARK.repeat(20_000);
        let length = body.len();
        if state.load(Ordering::SeqCst) {
            return hostile::answer(stream, "200 OK", "content-type: application/octet-stream\r\n", &body);
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..length / 2])).unwrap();
        arrived.lock().unwrap().send(()).unwrap();
        // The rest never comes.
        let _ = stream.read(&mut [0]);
    });
    let desk = Desk::bare();
    desk.configure(&hostile::azure(&server.root));
    let call = || {
        let mut command = desk.command(&["run", "azure", "execute-http-request", "url_path=/v1.0/sample", "save_to_case_wall=true"]);
        // Nothing may lie beside the desk either.
        command.env("CANARY_SECRET", "canary-client-secret").env("TMPDIR", desk.data_dir());
        command
    };
    let in_clear = || {
        let holds = |file: &std::path::PathBuf| std::fs::read(file).unwrap().windows(MARK.len()).any(|window| window == MARK);
        desk.files().into_iter().filter(holds).collect::<Vec<_>>()
    };
    std::fs::create_dir_all(desk.data_dir()).unwrap();
    let mut saving = call().spawn().unwrap();
    arrivals.recv_timeout(Duration::from_secs(60)).unwrap();
    saving.kill().unwrap();
    saving.wait().unwrap();
    assert_eq!(in_clear(), [] as [std::path::PathBuf; 0]);
    whole.store(true, Ordering::SeqCst);
    let report = ran(&mut call()).ended(0).line();
    let attachment = &report["attachments"][0];
    assert_eq!(attachment["encrypted"], true, "{report}");
    assert_eq!(in_clear(), [] as [std::path::PathBuf; 0]);
    let archive = std::fs::read(attachment["path"].as_str().unwrap()).unwrap();
    // A local header, encrypted, by the method that stands for AES.
    assert_eq!((&archive[..4], archive[6] & 1, u16::from_le_bytes([archive[8], archive[9]])), (&b"PK\x03\x04"[..], 1, 99));
}
