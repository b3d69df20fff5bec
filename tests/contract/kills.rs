//! A fetch that is killed at any moment loses no event and brings none twice.

use std::io::Read;
use std::time::{Duration, Instant};

use super::desk::Desk;
use super::fetching::keyed;

/// How often a fetch is killed: few here, more where `NIGHTDESK_TEST_KILLS` says so.
fn kills() -> u32 {
    std::env::var("NIGHTDESK_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(25)
}

#[test]
fn a_killed_fetch_is_made_up_for() {
    let undisturbed = Desk::with(&["wiz-demo", "azure-demo"], &["--events", "6000"]);
    let begun = Instant::now();
    undisturbed.call(&["fetch"]).ended(0);
    let whole = begun.elapsed();
    let rounds = kills();
    let mut desk = Desk::bare();
    for round in 0..rounds {
        // A new store now and then, so that early and late moments are all met on a store that is still filling.
        if round % 10 == 0 {
            if round > 0 {
                check(&desk);
            }
            desk = Desk::bare();
            desk.configure(&undisturbed.connections());
        }
        let mut child = desk.command(&["fetch", "--max", "400"]).spawn().unwrap();
        // The moments are spread over a whole fetch; which of them meets what does not matter to the result.
        let moment = whole.mul_f64(f64::from(round * 7 % 10) / 10.0 + 0.05);
        std::thread::sleep(moment.min(Duration::from_secs(2)));
        let _ = child.kill();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        child.wait().unwrap();
        assert!(!said.contains("panicked"), "{said}");
    }
    check(&desk);
}

fn check(desk: &Desk) {
    // A store that was never disturbed looks back as far as its own first fetch, which is later than the other's.
    let undisturbed = Desk::bare();
    undisturbed.configure(&desk.connections());
    undisturbed.call(&["fetch"]).ended(0);
    desk.call(&["fetch"]).ended(0);
    let found = keyed(desk);
    let lost: Vec<_> = keyed(&undisturbed).into_keys().filter(|key| !found.contains_key(key)).collect();
    assert!(lost.is_empty(), "{} lost, such as {:?}", lost.len(), lost.first());
    desk.call(&["audit", "verify"]).ended(0);
}
