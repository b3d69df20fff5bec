//! Clocks that are wrong: years off, set back while a token lives, an hour beside the vendor's.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::desk::{Desk, Ran, ran};
use super::hostile::{self, serve};

/// What puts a process's clock off, built once.
fn shim() -> &'static PathBuf {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let build = || {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("clock.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/clock.c");
        assert!(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&file).args([source, "-ldl"]).status().unwrap().success());
        (dir, file)
    };
    &BUILT.get_or_init(build).1
}

/// Makes a call whose clock is so many seconds off.
pub fn off_by(desk: &Desk, seconds: i64, arguments: &[&str]) -> Ran {
    let mut command = desk.command(arguments);
    command.env("LD_PRELOAD", shim()).env("NIGHTDESK_TEST_CLOCK", seconds.to_string());
    ran(command.env("CANARY_SECRET", "canary-client-secret"))
}

const HOUR: i64 = 3_600;

#[test]
fn no_year_is_too_odd() {
    let desk = Desk::with(&["azure-demo", "eset-demo", "lacework-demo", "microsoft-demo", "wiz-demo"], &["--events", "200"]);
    desk.call(&["fetch"]).ended(0);
    let now = Timestamp::now().as_second();
    let event = desk.call(&["events", "--limit", "1"]).line()["id"].to_string();
    for (year, then) in [("1970", "1970-01-01T00:00:10Z"), ("9999", "9999-12-30T00:00:00Z")] {
        let seconds = then.parse::<Timestamp>().unwrap().as_second() - now;
        for call in [
            &["events", "--limit", "3"][..],
            &["events", "age:<24h"],
            &["events", "--output", "table"],
            &["connections", "list"],
            &["connections", "test"],
            &["jobs", "list"],
            &["run", "microsoft-demo", "list-content", "content_type=Audit.General"],
            &["run", "wiz-demo", "fetch-event", "event_type=Issues"],
            &["event", "take", &event],
            &["jobs", "run", "wiz-demo/health-check"],
            &["report", "handover"],
            &["audit", "list"],
            &["audit", "verify"],
        ] {
            let told = off_by(&desk, seconds, call);
            assert!((0..=3).contains(&told.code), "{year} {call:?}: {told:?}");
            assert!(!told.stderr.contains("fault of its own") && !told.stderr.contains("panicked"), "{year} {call:?}: {told:?}");
        }
        assert!(off_by(&desk, seconds, &["audit", "list"]).lines()[0]["time"].as_str().unwrap().len() > 10);
    }
    // Back in the present everything is as it was.
    desk.call(&["audit", "verify"]).ended(0);
}

#[test]
fn a_fetch_by_a_clock_that_was_years_off_costs_nothing_once_it_is_right() {
    let desk = Desk::with(&["wiz-demo"], &["--events", "400"]);
    let brought = desk.call(&["fetch"]).ended(0).line()["new"].clone();
    let years = 10 * 365 * 24 * HOUR;
    for off in [years, -years] {
        let told = off_by(&desk, off, &["fetch"]);
        assert!(told.stderr.contains("This machine's clock is 36") && told.stderr.contains(" days "), "{told:?}");
        let times = |line: &Value| ["from", "to"].map(|name| line[name].as_str().unwrap().parse::<Timestamp>().unwrap());
        // What may have been passed over is read again, and from then on it goes on as ever.
        let [from, to] = times(&desk.call(&["fetch"]).ended(0).line());
        assert!(from < to && to.duration_since(from) > jiff::SignedDuration::from_mins(1), "{from} to {to}");
        let next = desk.call(&["fetch"]).ended(0).line();
        assert!(times(&next)[0] > from && next["new"] == 0, "{next}");
    }
    assert!(desk.events().len() as u64 >= brought.as_u64().unwrap());
}

#[test]
fn a_clock_set_back_while_a_token_lives_makes_it_neither_immortal_nor_useless() {
    let count = Arc::new(AtomicUsize::new(0));
    let grants = Arc::clone(&count);
    let server = serve(move |request, stream| {
        if request.path.contains("token") {
            grants.fetch_add(1, Ordering::SeqCst);
            return hostile::token(stream);
        }
        hostile::json(stream, "{}");
    });
    // When the clock is how far off, and how many tokens were asked for by then: a token lives for an hour, and is used for 55 minutes.
    for times in [
        &[(0, 1), (1_800, 1), (3_240, 1), (3_320, 2)][..],
        &[(240 * HOUR, 1), (0, 2), (60, 2)],
        &[(0, 1), (-2 * HOUR, 2), (-2 * HOUR + 60, 2)],
        &[(0, 1), (-30, 1), (0, 1)],
    ] {
        count.store(0, Ordering::SeqCst);
        let desk = Desk::bare();
        desk.configure(&hostile::azure(&server.root));
        for (seconds, tokens) in times {
            off_by(&desk, *seconds, &["run", "azure", "ping"]).ended(0);
            assert_eq!(count.load(Ordering::SeqCst), *tokens, "{seconds} of {times:?}");
        }
    }
}

#[test]
fn a_session_that_ends_by_the_vendors_clock_is_used_for_as_long_by_ours() {
    let count = Arc::new(AtomicUsize::new(0));
    let grants = Arc::clone(&count);
    let server = serve(move |request, stream| {
        let date = format!("content-type: application/json\r\ndate: {}\r\n", jiff::fmt::rfc2822::to_string(&jiff::Zoned::now()).unwrap());
        let body = if request.path.contains("login") {
            grants.fetch_add(1, Ordering::SeqCst);
            json!({"token": "canary-session", "expire_time_sec": Timestamp::now().as_second() + HOUR})
        } else {
            json!({"alerts": []})
        };
        hostile::answer(stream, "200 OK", &date, body.to_string().as_bytes());
    });
    for skew in [0, HOUR, -HOUR] {
        count.store(0, Ordering::SeqCst);
        let desk = Desk::bare();
        desk.configure(&format!(
            "[[connection]]\nname = \"lacework\"\nvendor = \"lacework-edge\"\nevent_sources = [\"alerts\"]\n[connection.parameters]\n\
             api_url = \"{}/api/v1\"\naccount = \"acme\"\napi_token = {{ env = \"CANARY_SECRET\" }}\n",
            server.root
        ));
        for (later, logins) in [(0, 1), (60, 1), (HOUR + 60, 2)] {
            off_by(&desk, skew + later, &["fetch"]).ended(0);
            assert_eq!(count.load(Ordering::SeqCst), logins, "an hour's session, {later} s later, our clock {skew} s ahead");
        }
    }
}

#[test]
fn a_clock_beside_the_vendors_is_told_and_nothing_is_passed_over() {
    for (skew, word) in [(HOUR, "ahead of"), (-HOUR, "behind"), (30, "")] {
        let desk = Desk::with(&["wiz-demo"], &["--events", "400"]);
        let told = off_by(&desk, skew, &["fetch"]).ended(0);
        let says = told.stderr.contains("This machine's clock is 59 minutes") || told.stderr.contains("This machine's clock is 60 minutes");
        assert_eq!((says, told.stderr.contains(word)), (!word.is_empty(), true), "{skew}: {}", told.stderr);
        let db = rusqlite::Connection::open(desk.data_dir().join("nightdesk.db")).unwrap();
        let last = |column: &str, table: &str| -> Timestamp {
            let nanos: i64 = db.query_row(&format!("SELECT max({column}) FROM {table}"), [], |row| row.get(0)).unwrap();
            Timestamp::from_nanosecond(i128::from(nanos)).unwrap()
        };
        // By the vendor's clock, which is the true one here.
        let latest = Timestamp::now() + jiff::SignedDuration::from_secs(31);
        assert!(last("watermark", "mark") <= latest && last("end", "coverage") <= latest, "what has not happened yet was not fetched");
        let lines: Vec<Value> = off_by(&desk, skew, &["fetch"]).ended(0).lines();
        assert_eq!(lines[0]["gaps"], json!([]), "{skew}");
    }
}
