//! Tests of decisions, cases, and what the console counts.

use serde_json::json;

use super::{at, event, now, store};
use crate::core::entity::{Entity, EntityKind};
use crate::core::event::{Disposition, Event, Severity, Status};
use crate::core::listing::{Column, Grouping, Order, Which};
use crate::core::query::Query;
use crate::runtime::store::{Decision, HappenedKind, Intent, Store, Was};

async fn filled() -> (tempfile::TempDir, Store) {
    let (dir, store) = store();
    let user = |value: &str| vec![Entity { kind: EntityKind::User, value: value.into(), path: "$".into() }];
    let wiz = vec![event("a", "one"), Event { severity: Severity::Low, occurred_at: at("2026-03-01T20:00:00Z"), ..event("b", "two") }];
    store.store_events("wiz-1", "wiz", wiz, now()).await.unwrap();
    let eset = vec![Event { entities: user("CORP\\dana.weiss"), event_type: "Detections".into(), ..event("c", "three") }];
    store.store_events("eset-1", "eset-protect-cloud", eset, now()).await.unwrap();
    (dir, store)
}

fn close(verdict: Disposition, note: &str) -> Decision {
    Decision {
        actor: "dana".into(),
        status: Some(Status::Closed),
        disposition: Some(Some(verdict)),
        note: Some(note.into()),
        ..Decision::default()
    }
}

#[tokio::test]
async fn a_decision_stands_in_the_record_and_outlives_an_update() {
    let (_dir, store) = filled().await;
    let decided = store.decide(vec![1, 99], close(Disposition::Benign, "a test"), now()).await.unwrap();
    let was = Was { id: 1, status: Status::New, disposition: None, assignee: None };
    assert_eq!(decided, [was], "how those were that are there");
    store.store_events("wiz-1", "wiz", vec![event("a", "changed")], now()).await.unwrap();
    let after = store.event(1).await.unwrap().unwrap();
    assert_eq!((after.status, after.disposition, after.unread), (Status::Closed, Some(Disposition::Benign), true));
    let entry = store.audit_list(Some(1), 0).await.unwrap().remove(0);
    assert_eq!((entry.command.as_str(), entry.connection, entry.items), ("event close", None, vec!["event 1".to_owned()]));
    assert_eq!(entry.detail["before"][0]["status"], "new");
    let kinds: Vec<HappenedKind> = store.history(1).await.unwrap().into_iter().map(|one| one.kind).collect();
    for kind in [HappenedKind::Arrived, HappenedKind::Revised, HappenedKind::Note, HappenedKind::Recorded] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    assert_eq!(store.revision(1, 1).await.unwrap().unwrap()["title"], "one");
    assert_eq!(store.revision(1, 2).await.unwrap().unwrap()["title"], "changed");
    assert_eq!(store.revision(1, 3).await.unwrap(), None);
    assert_eq!(store.notes(1).await.unwrap()[0].text, "a test");
    assert!(store.audit_verify().await.unwrap().ok);
}

#[tokio::test]
async fn precedent_tells_how_the_same_rule_was_closed() {
    let (_dir, store) = filled().await;
    assert_eq!((store.alike(2).await.unwrap(), store.alike(3).await.unwrap()), (1, 0));
    assert_eq!(store.precedents(2).await.unwrap().alike.closed, 0);
    store.decide(vec![1], close(Disposition::FalsePositive, "scanner"), now()).await.unwrap();
    let precedent = store.precedents(2).await.unwrap().alike;
    assert_eq!(precedent.verdicts, [(Some(Disposition::FalsePositive), 1)]);
    assert_eq!((precedent.last[0].id, precedent.last[0].note.as_deref()), (1, Some("scanner")));
    // Another vendor's is no precedent, nor is the event's own.
    assert_eq!(store.precedents(3).await.unwrap().alike.closed, 0);
    assert_eq!(store.precedents(1).await.unwrap().alike.closed, 0);
}

#[tokio::test]
async fn precedent_begins_with_what_concerned_the_same_entity() {
    let (_dir, store) = filled().await;
    let other = Entity { kind: EntityKind::User, value: "ilse".into(), path: "$".into() };
    store.store_events("wiz-1", "wiz", vec![Event { entities: vec![other], ..event("d", "four") }], now()).await.unwrap();
    store.decide(vec![1], close(Disposition::FalsePositive, "scanner"), now()).await.unwrap();
    store.decide(vec![4], close(Disposition::TruePositive, "real"), now()).await.unwrap();
    let found = store.precedents(2).await.unwrap();
    assert_eq!(found.entity.as_deref(), Some("Dana.Weiss@northwind.example"));
    assert_eq!((found.same.closed, found.same.last[0].id), (1, 1));
    assert_eq!(found.alike.closed, 2);
}

#[tokio::test]
async fn drift_is_seen_once_the_vendor_has_moved_and_not_before() {
    let (_dir, store) = filled().await;
    let says = |status: &str, title: &str| Event {
        vendor_status: Some(status.into()),
        vendor_means: Some(if status == "OPEN" { Status::New } else { Status::Closed }),
        ..event("a", title)
    };
    let drifted = async || {
        let query = Query::parse("drift:yes").unwrap();
        let rows = store.rows(&query, Order::default(), None, 0, now()).await.unwrap();
        let event = store.event(1).await.unwrap().unwrap();
        assert_eq!(event.drifted(), query.matches(&event, now()));
        assert_eq!(event.drifted(), rows.iter().any(|row| row.id == 1));
        event.drifted()
    };
    let send = async |event| store.store_events("wiz-1", "wiz", vec![event], now()).await.unwrap();
    send(says("RESOLVED", "1")).await;
    assert!(drifted().await, "done there, open here");
    send(says("OPEN", "2")).await;
    store.decide(vec![1], close(Disposition::Benign, ""), now()).await.unwrap();
    assert!(!drifted().await, "closed here only: the vendor was not told");
    send(says("OPEN", "3")).await;
    assert!(!drifted().await, "another revision, the same status");
    store.told(vec![(1, "REJECTED".into(), Status::Closed)]).await.unwrap();
    assert!(!drifted().await, "what it was told counts until it says something else");
    assert_eq!(store.event(1).await.unwrap().unwrap().event.vendor_status.as_deref(), Some("REJECTED"));
    send(says("OPEN", "3")).await;
    assert_eq!(store.event(1).await.unwrap().unwrap().event.vendor_status.as_deref(), Some("OPEN"), "its own word wins, changed or not");
    send(says("REJECTED", "4")).await;
    assert!(!drifted().await);
    send(says("OPEN", "5")).await;
    assert!(drifted().await, "opened again there");
}

#[tokio::test]
async fn a_pivot_finds_every_vendors_spelling() {
    let (_dir, store) = filled().await;
    let pivot = store.pivot(EntityKind::User, "DANA.WEISS@northwind.example").await.unwrap();
    let shares: Vec<_> = pivot.per_vendor.iter().map(|share| (share.vendor.as_str(), share.count)).collect();
    assert_eq!(shares, [("wiz", 2), ("eset-protect-cloud", 1)]);
    assert_eq!(pivot.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [2, 3, 1]);
    assert!(store.pivot(EntityKind::User, "ilse.okafor").await.unwrap().rows.is_empty());
}

fn names_file(key: &str, hashes: &[&str], raw: serde_json::Value) -> Event {
    let entities = hashes.iter().map(|hash| Entity { kind: EntityKind::Hash, value: (*hash).into(), path: "$".into() }).collect();
    Event { entities, raw, ..event(key, key) }
}

#[tokio::test]
async fn a_pivot_on_a_hash_finds_the_file_under_its_other_digests() {
    let (_dir, store) = store();
    let (sha1, sha256, other) = ("AB".repeat(20), "cd".repeat(32), "ef".repeat(32));
    let put = async |connection: &str, vendor: &str, event| store.store_events(connection, vendor, vec![event], now()).await.unwrap();
    put("eset-1", "eset-protect-cloud", names_file("a", &[&sha1], json!({"objectHashSha1": sha1}))).await;
    put("wiz-1", "wiz", names_file("b", &[&sha256], json!({"text": sha256}))).await;
    // Both in one event, but of nobody knows which files.
    put("wiz-1", "wiz", names_file("c", &[&sha1, &sha256], json!({"text": [sha1, sha256]}))).await;
    let found = async |hash: &str| {
        let pivot = store.pivot(EntityKind::Hash, hash).await.unwrap();
        let query = Query::parse(&format!("hash:={hash}")).unwrap();
        assert_eq!(store.count(&query, now()).await.unwrap(), pivot.rows.len(), "the queue finds what the pivot finds");
        pivot
    };
    assert_eq!((found(&sha1).await.rows.len(), found(&sha256).await.rows.len()), (2, 2), "being in one event joins nothing");
    let raw = json!({"evidence": [{"fileDetails": {"sha1": sha1.to_lowercase(), "sha256": sha256}}]});
    put("azure-1", "azure-api", names_file("d", &[&sha1.to_lowercase(), &sha256], raw)).await;
    for hash in [&sha1, &sha256, &sha1.to_lowercase()] {
        let pivot = found(hash).await;
        let vendors: Vec<&str> = pivot.per_vendor.iter().map(|share| share.vendor.as_str()).collect();
        assert_eq!((pivot.rows.len(), vendors), (4, vec!["wiz", "azure-api", "eset-protect-cloud"]), "{hash}");
        assert_eq!(pivot.same_file.others[0].told_by, ["azure-api"]);
        assert!(pivot.spelt.iter().any(|spelt| spelt.vendor == "eset-protect-cloud" && spelt.value == sha1));
    }
    // Somebody tells another thing of the SHA-1: neither is believed, and that is said.
    put("wiz-1", "wiz", names_file("e", &[&sha1, &other], json!({"file": {"sha1": sha1, "sha256": other}}))).await;
    let disputed = found(&sha1).await;
    assert_eq!((disputed.rows.len(), disputed.same_file.disputed.len()), (4, 1), "what names the SHA-1 itself");
    assert_eq!(found(&other).await.rows.len(), 1);
    // Taken back by the event's next revision, it is as before.
    put("wiz-1", "wiz", names_file("e", &[&other], json!({"file": {"sha256": other}}))).await;
    assert_eq!(found(&sha1).await.rows.len(), 4);
    assert_eq!(found(&sha1).await.same_file.disputed, []);
}

#[tokio::test]
async fn an_older_store_learns_what_its_events_told() {
    let (dir, store) = store();
    let (sha1, sha256) = ("ab".repeat(20), "cd".repeat(32));
    let event = names_file("a", &[&sha1, &sha256], json!({"file": {"sha1": sha1, "sha256": sha256}}));
    store.store_events("azure-1", "azure-api", vec![event], now()).await.unwrap();
    store.store_events("eset-1", "eset-protect-cloud", vec![names_file("b", &[&sha1], json!({}))], now()).await.unwrap();
    drop(store);
    // As it was before there was the table.
    let db = rusqlite::Connection::open(dir.path().join("nightdesk.db")).unwrap();
    db.execute_batch("DROP TABLE same_file; PRAGMA user_version = 5").unwrap();
    drop(db);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.pivot(EntityKind::Hash, &sha256).await.unwrap().rows.len(), 2);
}

#[tokio::test]
async fn events_are_alike_by_what_the_vendor_calls_them_though_nothing_else_of_the_title_stays() {
    let (dir, store) = store();
    let detection = |key: &str, name: &str, file: &str| Event {
        title: format!("{name}: {file}"),
        fields: json!({"Event name": name}).as_object().cloned().unwrap(),
        ..event(key, "")
    };
    let found = vec![
        detection("a", "Python/Spy.Stealer.K", r"C:\Users\jonas\a.py"),
        detection("b", "Python/Spy.Stealer.K", r"C:\Users\dana\b.py"),
        detection("c", "Win32/Botnet.generic", "198.51.100.1"),
    ];
    store.store_events("eset-1", "eset-protect-cloud", found, now()).await.unwrap();
    assert_eq!((store.alike(1).await.unwrap(), store.alike(3).await.unwrap()), (1, 0));
    drop(store);
    // A store in which they were alike because nothing of their titles was left.
    let db = rusqlite::Connection::open(dir.path().join("nightdesk.db")).unwrap();
    db.execute_batch("UPDATE event SET rule = '… …'; PRAGMA user_version = 6").unwrap();
    drop(db);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!((store.alike(1).await.unwrap(), store.alike(3).await.unwrap()), (1, 0));
    assert_eq!(crate::core::listing::rule_of("CVE-2024-1: web-1"), "CVE-2024-1: web-1", "what is all varying is like itself only");
}

#[tokio::test]
async fn rows_groups_and_arrivals_agree_with_the_query() {
    let (_dir, store) = filled().await;
    let all = Query::default();
    let sort = Order { column: Column::Severity, descending: false };
    let rows = store.rows(&all, sort, None, 0, now()).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [2, 3, 1]);
    assert_eq!(rows[0].entity, "Dana.Weiss@northwind.example");
    assert_eq!(rows[0].rule, "Brute force");
    let rows = store.rows(&Query::parse("vendor:wiz").unwrap(), Order::default(), Some(1), 1, now()).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [1]);
    let groups = store.groups(&all, Grouping::Vendor, 1, now()).await.unwrap();
    assert_eq!(groups.len(), 1, "the largest only");
    assert_eq!(groups, [("wiz".to_owned(), 2)]);
    for (by, count) in
        [(Grouping::Rule, 1), (Grouping::Entity, 2), (Grouping::EventType, 2), (Grouping::Severity, 2), (Grouping::Connection, 2)]
    {
        let groups = store.groups(&all, by, 9, now()).await.unwrap();
        assert_eq!((groups.len(), groups.iter().map(|(_, count)| count).sum::<usize>()), (count, 3), "{by:?}");
    }
    assert_eq!(store.arrivals(&all, 2, now()).await.unwrap(), [2, 1]);
}

#[tokio::test]
async fn some_of_what_a_query_finds_is_told_by_group_and_by_likeness() {
    let (_dir, store) = filled().await;
    let all = Query::default();
    let ids = async |query: &Query, within| store.ids_within(query, within, now()).await.unwrap();
    assert_eq!(ids(&all, Which::All).await, [2, 3, 1]);
    assert_eq!(ids(&all, Which::Group(Grouping::Vendor, "wiz".into())).await, [2, 1]);
    assert_eq!(
        ids(&all, Which::Group(Grouping::Severity, "high".into())).await.len(),
        store.count(&Query::parse("severity:high").unwrap(), now()).await.unwrap()
    );
    let rows = store.rows_within(&all, Which::Group(Grouping::Vendor, "wiz".into()), Order::default(), Some(1), now()).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [2]);
    assert_eq!(ids(&all, Which::Like(1)).await, [2, 1], "of one vendor, type and rule");
    store.decide(vec![1], close(Disposition::Benign, ""), now()).await.unwrap();
    assert_eq!(ids(&all, Which::Like(2)).await, [2], "what is closed is not meant");
    assert_eq!(ids(&all, Which::Like(1)).await, [2, 1], "but the event itself is");
    assert_eq!(ids(&Query::parse("-status:closed").unwrap(), Which::Group(Grouping::Vendor, "wiz".into())).await, [2]);
}

#[tokio::test]
async fn a_case_holds_events_notes_and_files_and_is_searched_for() {
    let (_dir, store) = filled().await;
    let name = store.case_create(None, "Brute force on Dana", "dana", now()).await.unwrap();
    assert!(store.case_create(Some(&name), "", "dana", now()).await.unwrap_err().to_string().contains("already"));
    assert_eq!(store.case_add(&name, vec![1, 3, 99], "dana", now()).await.unwrap(), [1, 3]);
    assert_eq!(store.case_add("other", vec![1], "dana", now()).await.unwrap(), [1]);
    store.case_note(&name, "asked Dana", "dana", now()).await.unwrap();
    store.case_file(&name, "/q/report.zip", "ab", 12, "dana", now()).await.unwrap();
    assert_eq!(store.case_remove(&name, vec![3], "dana", now()).await.unwrap(), [3]);
    let query = Query::parse(&format!("case:={name}")).unwrap();
    let found = store.events(&query, None, 0, now()).await.unwrap();
    assert_eq!(found.iter().map(|event| event.id).collect::<Vec<_>>(), [1]);
    assert!(query.matches(&found[0], now()));
    store.case_close(&name, true, "dana", now()).await.unwrap();
    let whole = store.case_show(&name).await.unwrap().unwrap();
    assert!(!whole.case.open);
    assert_eq!((whole.events.len(), whole.files.len(), whole.case.events), (1, 1, 1));
    let timeline: Vec<String> = store.case_timeline(&name).await.unwrap().into_iter().map(|one| one.text).collect();
    for text in ["wiz-1: one", "case open: Successful", "asked Dana", "case close: Successful"] {
        assert!(timeline.iter().any(|line| line == text), "{text}: {timeline:?}");
    }
    // What was done on its events is in its log, once however many of them it was about; what was run is told apart.
    store.case_add(&name, vec![2], "dana", now()).await.unwrap();
    store
        .decide(
            vec![1, 2],
            Decision { actor: "dana".into(), note: Some("seen".into()), status: Some(Status::InProgress), ..Decision::default() },
            now(),
        )
        .await
        .unwrap();
    let intent = Intent {
        actor: "dana".into(),
        connection: "wiz-1".into(),
        command: "update-issues".into(),
        arguments: serde_json::Map::new(),
        items: vec!["event 2".into(), "ISSUE-1".into()],
        effect: crate::core::catalogue::Effect::Write,
    };
    let seq = store.begin_intent(intent).await.unwrap();
    let whole = store.case_show(&name).await.unwrap().unwrap();
    assert_eq!((whole.runs.len(), whole.runs[0].state.as_str()), (1, "intent"));
    store.end_intent(seq, "Successful", json!({"message": "ok"})).await.unwrap();
    let whole = store.case_show(&name).await.unwrap().unwrap();
    assert_eq!((whole.runs.len(), whole.runs[0].state.as_str()), (1, "Successful"));
    let log: Vec<&str> = whole.entries.iter().map(|one| one.text.as_str()).collect();
    for text in ["event take: Successful (2 events)", "update-issues on wiz-1: Successful (event 2)", "seen (event 1)", "seen (event 2)"] {
        assert_eq!(log.iter().filter(|line| **line == text).count(), 1, "{text}: {log:?}");
    }
    // What a run on its events saved is put into the case while it is open.
    let saved =
        |sha256: &str| crate::core::outcome::Attachment { path: "/q/s.zip".into(), sha256: sha256.into(), encrypted: true, size: 9 };
    store.case_attachments(&[2], &[saved("cd")], "dana", now()).await.unwrap();
    assert_eq!(store.case_show(&name).await.unwrap().unwrap().files.len(), 1, "a closed case takes nothing");
    store.case_close(&name, false, "dana", now()).await.unwrap();
    store.case_attachments(&[2, 3], &[saved("cd")], "dana", now()).await.unwrap();
    assert_eq!(store.case_show(&name).await.unwrap().unwrap().files.len(), 2);
    assert!(store.case_note("none", "x", "dana", now()).await.unwrap_err().to_string().contains("no case none"));
    assert_eq!(store.case_list().await.unwrap().iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["other", name.as_str()]);
}

#[tokio::test]
async fn health_jobs_and_what_the_console_keeps_are_found_again() {
    let (_dir, store) = store();
    for error in [Some("no answer"), Some("still none")] {
        store.record_health("wiz-1", error, now()).await.unwrap();
    }
    let health = store.health("wiz-1").await.unwrap();
    assert_eq!((health.last_success_at, health.last_error.as_deref(), health.consecutive_failures), (None, Some("still none"), 2));
    store.record_health("wiz-1", None, now()).await.unwrap();
    let health = store.health("wiz-1").await.unwrap();
    assert_eq!((health.last_success_at, health.last_error, health.consecutive_failures), (Some(now()), None, 0));
    for _ in 0..150 {
        store.job_run("wiz-1/fetch", now(), now(), "Successful").await.unwrap();
    }
    store.job_run("wiz-1/fetch", now(), now(), "Failed").await.unwrap();
    assert_eq!(store.last_job("wiz-1/fetch").await.unwrap().unwrap().result, "Failed");
    assert_eq!(store.last_job("wiz-1/health-check").await.unwrap(), None);
    let input = |text: &str| json!({"a": text}).as_object().cloned().unwrap();
    for text in ["one", "two", "one"] {
        store.push_form_history("wiz-1", "x", input(text)).await.unwrap();
    }
    assert_eq!(store.form_history("wiz-1", "x").await.unwrap(), [input("one"), input("two")]);
    store.set_draft("wiz-1", "x", input("one")).await.unwrap();
    assert_eq!(store.draft("wiz-1", "x").await.unwrap(), Some(input("one")));
    store.set_draft("wiz-1", "x", serde_json::Map::new()).await.unwrap();
    assert_eq!(store.draft("wiz-1", "x").await.unwrap(), None);
}
