//! The pivot over all five vendors, over HTTP from the simulators: a file, an address and a person that each vendor spells its own way.

use std::collections::BTreeSet;

use serde_json::Value;

use super::desk::Desk;

const ALL: [&str; 5] = ["azure-demo", "eset-demo", "lacework-demo", "microsoft-demo", "wiz-demo"];
const VENDORS: [&str; 5] = ["azure-api", "eset-protect-cloud", "lacework-edge", "management-activity", "wiz"];

/// A desk on which the events of all five were fetched.
fn desk() -> Desk {
    let desk = Desk::with(&ALL, &[]);
    desk.call(&["fetch"]);
    desk
}

/// Values of a kind that an event type's events mention.
fn mentioned(desk: &Desk, query: &str, kind: &str) -> BTreeSet<String> {
    let events = desk.call(&["events", query, "--limit", "10000"]).ended(0).lines();
    let entities = events.iter().flat_map(|event| event["entities"].as_array().cloned().unwrap_or_default());
    entities.filter(|entity| entity["kind"] == kind).filter_map(|entity| entity["value"].as_str().map(str::to_owned)).collect()
}

/// What `entities` says of the first of these that all five vendors know.
#[track_caller]
fn known_to_all(desk: &Desk, kind: &str, values: BTreeSet<String>) -> (String, Value) {
    let told = values.into_iter().map(|value| {
        let line = desk.call(&["entities", kind, &value, "--output", "json"]).ended(0).line();
        (value, line)
    });
    let mut all = told.filter(|(_, line)| line["vendors"].as_array().is_some_and(|vendors| vendors.len() == VENDORS.len()));
    let (value, line) = all.next().unwrap_or_else(|| panic!("no {kind} is known to all five"));
    for vendor in line["vendors"].as_array().unwrap() {
        assert!(VENDORS.contains(&vendor["vendor"].as_str().unwrap()), "{vendor}");
        assert!(vendor["events"].as_u64() > Some(0) && vendor["first_seen_at"].as_str() <= vendor["last_seen_at"].as_str(), "{vendor}");
    }
    // The queue finds the same by the kind's own field, and nothing else.
    let found = desk.call(&["events", &format!("{kind}:=\"{}\"", value.replace('\\', "\\\\")), "--limit", "10000"]).ended(0).lines();
    let counted: u64 = line["vendors"].as_array().unwrap().iter().filter_map(|vendor| vendor["events"].as_u64()).sum();
    assert_eq!(found.len() as u64, counted);
    (value, line)
}

/// How a vendor spells it.
fn spellings(line: &Value, vendor: &str) -> Vec<String> {
    let all = line["spellings"].as_array().unwrap().iter().filter(|spelt| spelt["vendor"] == vendor);
    all.map(|spelt| spelt["value"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_hash_an_address_and_a_user_are_found_at_all_five_vendors_however_they_spell_them() {
    let desk = desk();
    // ESET names a file by its SHA-1 in capitals, Lacework Edge by whatever an administrator wrote into a call.
    let (sha1, told) = known_to_all(&desk, "hash", mentioned(&desk, "vendor:eset", "hash"));
    assert_eq!((sha1.len(), sha1.to_uppercase()), (40, sha1.clone()));
    let other = &told["same_file"][0];
    assert_eq!((other["digest"].as_str(), &other["told_by"]), (Some("sha256"), &serde_json::json!(["azure-api"])));
    let sha256 = other["value"].as_str().unwrap();
    assert_eq!(spellings(&told, "eset-protect-cloud"), [sha1.as_str()]);
    assert_eq!(spellings(&told, "azure-api"), [&*sha1.to_lowercase(), sha256]);
    assert_eq!(spellings(&told, "management-activity"), [sha256.to_uppercase()]);
    assert_eq!(spellings(&told, "wiz"), [sha256]);
    assert_eq!(spellings(&told, "lacework-edge"), [sha256]);
    // From the other side it is the same file.
    let turned = desk.call(&["entities", "hash", &sha256.to_uppercase(), "--output", "json"]).ended(0).line();
    assert_eq!((&turned["vendors"], &turned["events"]), (&told["vendors"], &told["events"]));
    let table = desk.call(&["entities", "hash", &sha1, "--output", "table"]).ended(0).stdout;
    assert!(table.contains(&format!("The same file: sha256 {sha256}, as azure-api tells.")), "{table}");

    // The address that the file's story comes from: Exchange writes it with its port.
    let story = format!("hash:={sha1}");
    let (address, told) = known_to_all(&desk, "ip", mentioned(&desk, &story, "ip"));
    let events = desk.call(&["events", &format!("ip:={address} vendor:management"), "--limit", "100"]).ended(0).lines();
    let clients: BTreeSet<&str> = events.iter().filter_map(|event| event["raw"]["ClientIP"].as_str()).collect();
    assert!(clients.contains(&*address) && clients.iter().any(|client| client.starts_with(&format!("{address}:"))), "{clients:?} {told}");

    // And whose account it was: a login with its domain, a mail address, in capitals.
    let (_, told) = known_to_all(&desk, "user", mentioned(&desk, &format!("{story} vendor:eset"), "user"));
    assert!(spellings(&told, "eset-protect-cloud").iter().all(|user| user.starts_with("CORP\\")), "{told}");
    assert!(spellings(&told, "wiz").iter().all(|user| user.contains('@')), "{told}");
    let shouted = |user: &String| *user == user.to_uppercase();
    assert!(spellings(&told, "azure-api").iter().any(shouted), "{told}");
}
