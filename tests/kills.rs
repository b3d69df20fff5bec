//! A fetch that is killed at any point loses no event and stores none twice.
//!
//! `NIGHTDESK_KILLS=200 cargo test --test kills` kills as often as that.
#![cfg(test)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Kills when nothing else is asked for.
const KILLS: u64 = 8;

struct Simulators(Child);

impl Drop for Simulators {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn nightdesk(config: &Path, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nightdesk"));
    command.arg("--config-dir").arg(config).arg("--data-dir").arg(data).args(["--output", "json"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn lines(command: &mut Command) -> Vec<Value> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn simulators(config: &Path) -> Simulators {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nightdesk"));
    command.args(["sim", "--seed", "7", "--events", "1500", "--write-config"]).arg(config);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.contains("\"ready\":true"), "{ready}");
    Simulators(child)
}

/// Every stored event by what makes it one, with the vendor's record.
fn stored(config: &Path, data: &Path) -> BTreeMap<(String, String, String), (Timestamp, Value)> {
    let mut all = BTreeMap::new();
    for mut event in lines(nightdesk(config, data).args(["events", "--limit", "1000000"])) {
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        let key = (text("connection"), text("event_type"), text("key"));
        let time = text("occurred_at").parse().unwrap();
        assert!(all.insert(key, (time, event["raw"].take())).is_none(), "stored twice: {event}");
    }
    all
}

#[test]
fn a_killed_fetch_loses_nothing_and_doubles_nothing() {
    let kills = std::env::var("NIGHTDESK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let home = tempfile::tempdir().unwrap();
    let [config, clean, killed] = ["config", "clean", "killed"].map(|name| home.path().join(name));
    let _simulators = simulators(&config);
    let start = Instant::now();
    lines(nightdesk(&config, &clean).arg("fetch"));
    let whole = u64::try_from(start.elapsed().as_millis()).unwrap().max(10);
    // Points over the whole length of a fetch, in an order that is always the same.
    let mut hits = 0;
    for kill in 0..kills {
        let mut fetch = nightdesk(&config, &killed).arg("fetch").spawn().unwrap();
        std::thread::sleep(Duration::from_millis((kill * 7_919 + 13) * 31 % whole));
        hits += u64::from(fetch.try_wait().unwrap().is_none());
        let _ = fetch.kill();
        fetch.wait().unwrap();
    }
    assert!(hits > 0, "no kill hit a fetch that was under way");
    let until = Timestamp::now();
    lines(nightdesk(&config, &killed).arg("fetch"));
    lines(nightdesk(&config, &clean).arg("fetch"));
    // What lies at the edges may be in one window and not in the other.
    let hour = SignedDuration::from_hours(1);
    let (from, to) = (until - 23 * hour, until);
    let inner = |all: BTreeMap<_, (Timestamp, Value)>| -> BTreeMap<_, Value> {
        all.into_iter().filter(|(_, (time, _))| (from..to).contains(time)).map(|(key, (_, raw))| (key, raw)).collect()
    };
    let (expected, found) = (inner(stored(&config, &clean)), inner(stored(&config, &killed)));
    assert!(expected.len() > 100, "the simulators brought too little: {}", expected.len());
    let missing: Vec<_> = expected.keys().filter(|key| !found.contains_key(*key)).collect();
    assert!(missing.is_empty(), "lost: {missing:?}");
    assert!(found == expected, "a record is not the vendor's");
    let again = lines(nightdesk(&config, &killed).arg("fetch"));
    assert!(again.iter().all(|line| line["gaps"] == Value::Array(Vec::new())), "{again:?}");
    let db = rusqlite::Connection::open(killed.join("nightdesk.db")).unwrap();
    let integrity: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok");
    lines(nightdesk(&config, &killed).args(["audit", "verify"]));
}
