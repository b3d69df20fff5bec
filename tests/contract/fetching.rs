//! `fetch`: watermarks, maxima, windows, gaps, and several processes at once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::desk::Desk;

fn number(line: &Value, name: &str) -> u64 {
    line[name].as_u64().unwrap()
}

/// The stored events by what makes them one.
pub fn keyed(desk: &Desk) -> BTreeMap<String, Value> {
    let events = desk.events();
    let count = events.len();
    let keyed: BTreeMap<_, _> =
        events.into_iter().map(|event| (format!("{} {} {}", event["connection"], event["event_type"], event["key"]), event)).collect();
    assert_eq!(keyed.len(), count, "no event is stored twice");
    keyed
}

#[test]
fn a_second_fetch_brings_nothing_new_and_keeps_what_is_known() {
    let desk = Desk::with(&["azure-demo", "wiz-demo"], &[]);
    let first = desk.call(&["fetch"]).ended(0).lines();
    assert!(first.iter().all(|line| number(line, "new") > 0), "{first:?}");
    let before = keyed(&desk);
    for line in desk.call(&["fetch"]).ended(0).lines() {
        assert_eq!((number(&line, "new"), number(&line, "updated")), (0, 0), "{line}");
    }
    for (key, event) in keyed(&desk) {
        assert_eq!(event, before[&key]);
    }
}

#[test]
fn a_maximum_leaves_the_rest_for_the_next_fetch() {
    let whole = Desk::with(&["wiz-demo", "azure-demo"], &["--events", "4000"]);
    whole.call(&["fetch"]).ended(0);
    let all = keyed(&whole);
    // Another store at the same simulators.
    let mut bits = Desk::bare();
    bits.configure(&whole.connections());
    bits.simulators = None;
    let mut rounds = 0;
    loop {
        let lines = bits.call(&["fetch", "--max", "37"]).ended(0).lines();
        assert!(lines.iter().all(|line| number(line, "fetched") <= 37 && line["gaps"].as_array().unwrap().is_empty()), "{lines:?}");
        rounds += 1;
        assert!(rounds < 400, "it never ends");
        // Meanwhile the vendors go on, so that there may be more than that.
        let found = keyed(&bits);
        if all.keys().all(|key| found.contains_key(key)) {
            break;
        }
    }
}

#[test]
fn a_window_is_read_again_whatever_the_watermark() {
    let desk = Desk::with(&["wiz-demo"], &["--events", "2000"]);
    desk.call(&["fetch"]).ended(0);
    let again = desk.call(&["fetch", "--from", "-24h"]).ended(0).line();
    assert!(number(&again, "unchanged") > 0 && number(&again, "new") == 0, "{again}");
    let older = desk.call(&["fetch", "--from", "-72h", "--to", "-24h"]).ended(0).line();
    assert!(number(&older, "new") > 0, "{older}");
    let plain = desk.call(&["fetch"]).ended(0).line();
    assert_eq!(number(&plain, "new"), 0, "the window did not move the watermark: {plain}");
    for form in ["2026-01-01", "2026-01-01 10:00", "2026-01-01T10:00:00", "2026-01-01T10:00:00Z", "-7d"] {
        desk.call(&["fetch", "--from", form, "--to", "-6d"]).ended(0);
    }
}

const DEMOS: [&str; 5] = ["azure-demo", "wiz-demo", "eset-demo", "lacework-demo", "microsoft-demo"];

/// Where all five vendors have old events, which hold still.
fn old_window() -> (String, String) {
    let now = jiff::Timestamp::now();
    let ago = |hours: i64| now.checked_sub(jiff::SignedDuration::from_hours(hours)).unwrap().to_string();
    (ago(100), ago(25))
}

/// Another store at the same simulators.
fn beside(desk: &Desk) -> Desk {
    let other = Desk::bare();
    other.configure(&desk.connections());
    other
}

fn missing(desk: &Desk, all: &BTreeMap<String, Value>) -> Vec<String> {
    let found = keyed(desk);
    all.keys().filter(|key| !found.contains_key(*key)).cloned().collect()
}

#[test]
fn what_a_maximum_cuts_off_of_a_window_comes_with_the_next_fetch() {
    let whole = Desk::with(&DEMOS, &["--events", "2000"]);
    let (from, to) = old_window();
    whole.call(&["fetch", "--from", &from, "--to", &to]).ended(0);
    let all = keyed(&whole);
    for name in DEMOS {
        assert!(all.keys().filter(|key| key.contains(name)).count() > 10, "{name} has too little to cut");
    }
    let bits = beside(&whole);
    bits.configure(&bits.connections().replace("6 days", "6 hours"));
    bits.call(&["fetch"]).ended(0);
    for line in bits.call(&["fetch", "--from", &from, "--to", &to, "--max", "7"]).ended(0).lines() {
        assert_eq!((number(&line, "fetched"), line["gaps"].as_array().unwrap().len()), (7, 0), "{line}");
    }
    assert!(!missing(&bits, &all).is_empty());
    // What is owed obeys a maximum as well.
    for line in bits.call(&["fetch", "--max", "2"]).ended(0).lines() {
        assert_eq!(number(&line, "new"), 2, "{line}");
    }
    bits.call(&["fetch"]).ended(0);
    assert_eq!(missing(&bits, &all), [""; 0]);
    // It is owed no more.
    for line in bits.call(&["fetch"]).ended(0).lines() {
        assert!(line["from"].as_str().unwrap() > to.as_str(), "{line}");
    }
}

#[test]
fn a_window_with_a_maximum_goes_on_when_it_is_asked_for_again() {
    let whole = Desk::with(&DEMOS, &["--events", "1000"]);
    let (from, to) = old_window();
    let window = ["fetch", "--from", &from, "--to", &to];
    whole.call(&window).ended(0);
    let all = keyed(&whole);
    let bits = beside(&whole);
    for name in DEMOS {
        let call = [&window[..], &["--max", "25", name]].concat();
        let count = all.keys().filter(|key| key.starts_with(&format!("\"{name}\""))).count();
        for round in 0.. {
            let line = bits.call(&call).ended(0).line();
            assert_eq!(number(&line, "fetched"), number(&line, "new"), "nothing comes twice: {line}");
            if number(&line, "fetched") < 25 {
                break;
            }
            assert!(round <= count / 25, "it never ends");
        }
    }
    assert_eq!(missing(&bits, &all), [""; 0]);
    // A window that moves on with the time is the same one all the same.
    let moving = beside(&whole);
    let rounds: Vec<u64> = std::iter::repeat_with(|| {
        let line = moving.call(&["fetch", "wiz-demo", "--from", "-100h", "--to", "-25h", "--max", "25"]).ended(0).line();
        number(&line, "new")
    })
    .take_while(|new| *new > 0)
    .collect();
    let known = all.keys().filter(|key| key.starts_with("\"wiz-demo\"")).count() as u64;
    assert!(rounds.len() > 1 && rounds.iter().sum::<u64>() + 5 >= known, "{rounds:?} of {known}");
    // Once it is whole, it is read again.
    let again = bits.call(&[&window[..], &["--max", "25", "wiz-demo"]].concat()).ended(0).line();
    assert_eq!((number(&again, "fetched"), number(&again, "new")), (25, 0), "{again}");
}

#[test]
fn what_was_cut_short_is_asked_for_again() {
    let desk = Desk::with(&["wiz-demo", "azure-demo"], &["--fault", "cut-body"]);
    let lines = desk.call(&["fetch"]).ended(1).lines();
    for line in &lines {
        assert_eq!(line["return_data"], "Failed");
        assert!(!line["errors"].as_array().unwrap().is_empty() && !line["gaps"].as_array().unwrap().is_empty(), "{line}");
    }
    // The simulators recover: new ones, which have the same events.
    let healthy = Desk::with(&["wiz-demo", "azure-demo"], &[]);
    desk.configure(&healthy.connections());
    for (line, failed) in desk.call(&["fetch"]).ended(0).lines().iter().zip(&lines) {
        assert!(line["from"].as_str().unwrap() <= failed["to"].as_str().unwrap(), "{line}");
        assert!(number(line, "new") > 0, "{line}");
    }
}

#[test]
fn records_that_come_twice_are_one_event() {
    let desk = Desk::with(&["wiz-demo", "azure-demo"], &["--fault", "duplicate-records"]);
    desk.call(&["fetch"]).ended(0);
    assert!(!keyed(&desk).is_empty());
}

#[test]
fn processes_share_a_store() {
    let desk = Desk::with(&["azure-demo", "wiz-demo"], &["--events", "2000"]);
    let children: Vec<_> = (0..4)
        .map(|at| if at == 3 { desk.command(&["run", "wiz-demo", "list-projects"]) } else { desk.command(&["fetch"]) })
        .map(|mut command| command.spawn().unwrap())
        .collect();
    let mut new = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            new += line["new"].as_u64().unwrap_or(0);
        }
    }
    assert_eq!(keyed(&desk).len() as u64, new);
    assert_eq!(desk.call(&["audit", "verify"]).ended(0).line()["ok"], true);
    assert_eq!(desk.call(&["fetch"]).ended(0).lines().iter().map(|line| number(line, "new")).sum::<u64>(), 0);
}

#[test]
fn a_tampered_record_is_found() {
    let desk = Desk::with(&["wiz-demo"], &[]);
    for _ in 0..3 {
        desk.call(&["run", "wiz-demo", "list-projects"]).ended(0);
    }
    let entries = desk.call(&["audit", "list"]).ended(0).lines();
    let seq = entries[1]["seq"].as_i64().unwrap();
    let columns: Vec<String> = {
        let db = rusqlite::Connection::open(desk.data_dir().join("nightdesk.db")).unwrap();
        let mut found = db.prepare("SELECT name FROM pragma_table_info('audit')").unwrap();
        found.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert!(columns.len() > 5);
    for column in columns.iter().filter(|column| *column != "seq") {
        let file = desk.data_dir().join("nightdesk.db");
        let copy = Desk::bare();
        std::fs::create_dir_all(copy.data_dir()).unwrap();
        let db = rusqlite::Connection::open(&file).unwrap();
        db.execute("VACUUM INTO ?1", [copy.data_dir().join("nightdesk.db").to_str().unwrap()]).unwrap();
        let db = rusqlite::Connection::open(copy.data_dir().join("nightdesk.db")).unwrap();
        // Whoever writes to the file directly minds no trigger.
        let triggers: Vec<String> = {
            let mut found = db.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'").unwrap();
            found.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        for trigger in triggers {
            db.execute(&format!("DROP TRIGGER {trigger}"), []).unwrap();
        }
        let changed = db.execute(&format!("UPDATE audit SET {column} = CASE WHEN typeof({column}) = 'integer' THEN {column} + 1 ELSE coalesce({column}, '') || 'x' END WHERE seq = ?1"), [seq]);
        if changed.is_err() {
            continue;
        }
        drop(db);
        let verdict = copy.call(&["audit", "verify"]).ended(1).line();
        assert_eq!(verdict["ok"], false, "{column}");
        assert!(verdict["first_bad"].as_i64().unwrap() >= seq, "{column}: {verdict}");
    }
}
