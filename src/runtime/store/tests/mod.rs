//! Tests of the store.

mod search;
mod triage;

use std::os::unix::fs::PermissionsExt;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::{Intent, Rest, Store};
use crate::core::catalogue::{Effect, Fetched, Gap, Page, Position, Window};
use crate::core::entity::{Entity, EntityKind};
use crate::core::event::{Event, Severity};
use crate::core::listing::{Which, rule};
use crate::core::query::{Query, quoted};
use crate::core::talk::Counts;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-03-02T00:00:00Z")
}

fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn event(key: &str, title: &str) -> Event {
    Event {
        event_type: "Issues".into(),
        key: key.into(),
        title: title.into(),
        severity: Severity::High,
        occurred_at: at("2026-03-01T10:00:00.1234567Z"),
        entities: vec![Entity { kind: EntityKind::Mail, value: "Dana.Weiss@northwind.example".into(), path: "$.user".into() }],
        fields: json!({"Rule name": "Brute force", "Port": 443}).as_object().cloned().unwrap(),
        raw: json!({"id": key, "title": title, "big": 12_345_678_901_234_567_890_u64}),
        ..Event::default()
    }
}

fn page(events: Vec<Event>) -> Page {
    Page { events, covered: None, position: None }
}

fn counts(new: usize, updated: usize, unchanged: usize) -> Counts {
    Counts { new, updated, unchanged }
}

async fn all(store: &Store) -> Vec<crate::core::event::StoredEvent> {
    store.events(&Query::default(), None, 0, now()).await.unwrap()
}

#[tokio::test]
async fn an_update_keeps_what_the_event_is_here_and_the_old_record() {
    let (_dir, store) = store();
    let commit = |event| store.commit_page("wiz-1", "wiz", "Issues", page(vec![event]), now());
    assert_eq!(commit(event("a", "one")).await.unwrap(), counts(1, 0, 0));
    assert_eq!(commit(event("a", "one")).await.unwrap(), counts(0, 0, 1));
    let before = all(&store).await.remove(0);
    assert_eq!(commit(event("a", "two")).await.unwrap(), counts(0, 1, 0));
    let after = all(&store).await.remove(0);
    assert_eq!((after.id, after.first_seen_at, after.revisions), (before.id, before.first_seen_at, 2));
    assert_eq!(after.event.title, "two");
    assert_eq!(after.event.raw, event("a", "two").raw);
    assert_eq!(after.event.occurred_at, event("a", "two").occurred_at);
}

#[tokio::test]
async fn a_key_is_one_event_of_its_connection_and_type_only() {
    let (_dir, store) = store();
    let twice = vec![event("a", "one"), event("a", "one"), event("a", "two"), Event { event_type: "Other".into(), ..event("a", "one") }];
    assert_eq!(store.store_events("wiz-1", "wiz", twice, now()).await.unwrap(), counts(2, 1, 1));
    assert_eq!(store.store_events("wiz-2", "wiz", vec![event("a", "one")], now()).await.unwrap(), counts(1, 0, 0));
    assert_eq!(all(&store).await.len(), 3);
}

fn window(from: &str, to: &str) -> Window {
    Window { source: "Issues".into(), from: at(from), to: at(to), max: None, resume: None }
}

fn complete(to: &str) -> Fetched {
    Fetched { complete_to: Some(at(to)), ..Fetched::default() }
}

fn gap(from: &str, to: &str, lasting: bool) -> Gap {
    Gap { from: at(from), to: at(to), reason: "no answer".into(), lasting }
}

#[tokio::test]
async fn only_a_plain_fetch_moves_the_watermark_and_never_back() {
    let (_dir, store) = store();
    let end = async |window: Window, fetched: Fetched, plain: bool| {
        store.finish_fetch("wiz-1", "Issues", &window, &fetched, plain, now()).await.unwrap();
        store.mark("wiz-1", "Issues").await.unwrap().watermark
    };
    assert_eq!(end(window("2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z"), complete("2026-03-01T06:00:00Z"), false).await, None);
    let six = Some(at("2026-03-01T06:00:00Z"));
    assert_eq!(end(window("2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z"), complete("2026-03-01T06:00:00Z"), true).await, six);
    assert_eq!(end(window("2026-03-01T00:00:00Z", "2026-03-01T03:00:00Z"), complete("2026-03-01T03:00:00Z"), true).await, six);
    // A first one that fails begins at the same place when it is tried again.
    let failed = Fetched { gaps: vec![gap("2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z", false)], ..Fetched::default() };
    store.finish_fetch("wiz-1", "Other", &window("2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z"), &failed, true, now()).await.unwrap();
    assert_eq!(store.mark("wiz-1", "Other").await.unwrap().watermark, Some(at("2026-03-01T00:00:00Z")));
    let failed = Fetched { gaps: vec![gap("2026-03-01T06:00:00Z", "2026-03-01T09:00:00Z", false)], ..Fetched::default() };
    assert_eq!(end(window("2026-03-01T06:00:00Z", "2026-03-01T09:00:00Z"), failed, true).await, six);
}

#[tokio::test]
async fn a_fetch_that_ended_at_its_maximum_goes_on_after_its_last_event() {
    let (_dir, store) = store();
    let place = |key: &str| Position { time: at("2026-03-01T05:00:00.123456789Z"), key: key.into() };
    let deliver = async |key: &str| {
        let page = Page { events: vec![event(key, "one")], covered: None, position: Some(place(key)) };
        store.commit_page("wiz-1", "wiz", "Issues", page, now()).await.unwrap();
    };
    let end = async |fetched: Fetched, plain: bool| {
        let window = window("2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z");
        store.finish_fetch("wiz-1", "Issues", &window, &fetched, plain, now()).await.unwrap();
        store.mark("wiz-1", "Issues").await.unwrap()
    };
    let truncated = || Fetched { truncated: true, ..Fetched::default() };
    deliver("a").await;
    let mark = end(truncated(), true).await;
    assert_eq!((mark.watermark, mark.resume), (Some(at("2026-03-01T00:00:00Z")), Some(place("a"))));
    // A window that was asked for does not touch the place.
    deliver("z").await;
    assert_eq!(end(truncated(), false).await.resume, Some(place("a")));
    // Neither does a maximum that brought nothing.
    assert_eq!(end(truncated(), true).await.resume, Some(place("a")));
    deliver("b").await;
    let mark = end(complete("2026-03-01T06:00:00Z"), true).await;
    assert_eq!((mark.watermark, mark.resume), (Some(at("2026-03-01T06:00:00Z")), None));
}

#[tokio::test]
async fn what_a_maximum_cuts_off_of_a_window_is_owed_until_it_is_covered() {
    let (_dir, store) = store();
    let (start, six) = ("2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z");
    let end = async |window: Window, fetched: Fetched, plain: bool| {
        store.finish_fetch("wiz-1", "Issues", &window, &fetched, plain, now()).await.unwrap();
        store.mark("wiz-1", "Issues").await.unwrap()
    };
    let rest = |from: &str, to: &str, key: Option<&str>| Rest { from: at(from), to: at(to), key: key.map(str::to_owned) };
    let truncated = || Fetched { truncated: true, ..Fetched::default() };
    // Its turn did not come at all.
    assert_eq!(end(window(start, six), truncated(), false).await.rests, [rest(start, six, None)]);
    let position = Some(Position { time: at("2026-03-01T05:00:00Z"), key: "a".into() });
    let page = Page { events: vec![event("a", "one")], covered: None, position: position.clone() };
    store.commit_page("wiz-1", "wiz", "Issues", page, now()).await.unwrap();
    let mark = end(window(start, six), truncated(), false).await;
    assert_eq!((mark.rests, mark.watermark), (vec![rest("2026-03-01T05:00:00Z", six, Some("a"))], None));
    assert_eq!(mark.covered, [(at(start), at("2026-03-01T05:00:00Z"))]);
    // One that goes on and gets nowhere keeps the place.
    let on = Window { resume: position, ..window("2026-03-01T05:00:00Z", six) };
    assert_eq!(end(on, truncated(), false).await.rests, [rest("2026-03-01T05:00:00Z", six, Some("a"))]);
    let part = window("2026-03-01T05:20:00Z", "2026-03-01T05:40:00Z");
    let parts = [rest("2026-03-01T05:00:00Z", "2026-03-01T05:20:00Z", Some("a")), rest("2026-03-01T05:40:00Z", six, None)];
    assert_eq!(end(part, complete("2026-03-01T05:40:00Z"), false).await.rests, parts);
    assert_eq!(end(window(start, six), complete(six), true).await.rests, []);
}

#[tokio::test]
async fn gaps_stay_until_they_are_covered_and_lasting_ones_for_good() {
    let (_dir, store) = store();
    let end = async |window: Window, fetched: Fetched| {
        store.finish_fetch("wiz-1", "Issues", &window, &fetched, true, now()).await.unwrap();
        store.coverage("wiz-1").await.unwrap().remove(0)
    };
    let missing = |gaps: Vec<Gap>| Fetched { gaps, ..Fetched::default() };
    let (start, six, nine) = ("2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z", "2026-03-01T09:00:00Z");
    let lost = gap("2026-02-20T00:00:00Z", "2026-02-21T00:00:00Z", true);
    end(window(start, six), missing(vec![gap(start, six, false), lost.clone()])).await;
    // The next try fails as well: one gap, not two.
    let after = end(window(start, nine), missing(vec![gap(start, nine, false), lost.clone()])).await;
    assert_eq!(after.gaps, [lost.clone(), gap(start, nine, false)]);
    let after = end(window(start, six), complete(six)).await;
    assert_eq!(after.gaps, [lost.clone(), gap(six, nine, false)]);
    let after = end(window(six, nine), complete(nine)).await;
    assert_eq!((after.gaps, after.covered), (vec![lost.clone()], vec![(at(start), at(nine))]));
    assert_eq!(store.mark("wiz-1", "Issues").await.unwrap().lasting_gaps, [lost]);
}

#[tokio::test]
async fn two_handles_on_one_folder_share_events_and_one_chain() {
    let (dir, one) = store();
    let other = Store::open(dir.path()).unwrap();
    let before = other.data_version().await.unwrap();
    let write = async |store: &Store, prefix: &str| {
        for number in 0..20 {
            store.store_events("wiz-1", "wiz", vec![event(&format!("{prefix}{number}"), "one")], now()).await.unwrap();
            let seq = store.begin_intent(intent()).await.unwrap();
            store.end_intent(seq, "Successful", json!({})).await.unwrap();
        }
    };
    tokio::join!(write(&one, "a"), write(&other, "b"));
    assert_eq!(all(&one).await.len(), 40);
    let verdict = other.audit_verify().await.unwrap();
    assert!(verdict.ok, "{verdict:?}");
    assert_eq!(verdict.entries, 80);
    assert_ne!(other.data_version().await.unwrap(), before);
}

#[tokio::test]
async fn the_store_is_private_whatever_the_folder_was() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::write(dir.path().join("nightdesk.db"), "").unwrap();
    std::fs::set_permissions(dir.path().join("nightdesk.db"), std::fs::Permissions::from_mode(0o666)).unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.store_events("wiz-1", "wiz", vec![event("a", "one")], now()).await.unwrap();
    let mode = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(""), 0o700);
    for name in ["nightdesk.db", "nightdesk.db-wal", "nightdesk.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_stored_and_keeps_no_half_page() {
    let (_dir, store) = store();
    let big = |key: &str| Event { raw: json!({"text": "x".repeat(5_000)}), ..event(key, "one") };
    store.store_events("wiz-1", "wiz", vec![big("a")], now()).await.unwrap();
    let limit = async |store: &Store, more: i64| {
        let set = move |db: &rusqlite::Transaction<'_>| {
            let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            Ok(db.query_row(&format!("PRAGMA max_page_count = {}", pages + more), [], |row| row.get::<_, i64>(0))?)
        };
        store.change(set).await.unwrap()
    };
    limit(&store, 1).await;
    let page = Page {
        position: Some(Position { time: now(), key: "z".into() }),
        covered: Some((at("2026-03-01T00:00:00Z"), now())),
        ..page((0..50).map(|number| big(&format!("k{number}"))).collect())
    };
    let error = store.commit_page("wiz-1", "wiz", "Issues", page.clone(), now()).await.unwrap_err();
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert_eq!(all(&store).await.len(), 1);
    assert!(store.coverage("wiz-1").await.unwrap().is_empty());
    limit(&store, 10_000).await;
    assert_eq!(store.commit_page("wiz-1", "wiz", "Issues", page, now()).await.unwrap(), counts(50, 0, 0));
    assert!(store.audit_verify().await.unwrap().ok);
}

#[test]
fn a_newer_store_is_refused_and_a_damaged_one_says_so() {
    let (dir, store) = store();
    drop(store);
    let file = dir.path().join("nightdesk.db");
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(Store::open(dir.path()).unwrap_err().to_string().contains("newer nightdesk"));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("nightdesk.db"), "this is no database, however long it may be".repeat(100)).unwrap();
    assert!(Store::open(dir.path()).unwrap_err().to_string().contains("damaged"));
}

fn intent() -> Intent {
    Intent {
        actor: "dana".into(),
        connection: "wiz-1".into(),
        command: "update-issues".into(),
        arguments: json!({"issue_ids": ["a"]}).as_object().cloned().unwrap(),
        items: vec!["a".into()],
        effect: Effect::Write,
    }
}

#[tokio::test]
async fn the_record_lists_an_intent_and_its_end() {
    let (_dir, store) = store();
    let seq = store.begin_intent(intent()).await.unwrap();
    store.end_intent(seq, "Failed", json!({"message": "no"})).await.unwrap();
    let entries = store.audit_list(None, 0).await.unwrap();
    assert_eq!(
        entries.iter().map(|entry| (entry.seq, entry.state.as_str(), entry.refers_to)).collect::<Vec<_>>(),
        [(2, "Failed", Some(1)), (1, "intent", None)]
    );
    assert_eq!(entries[0].previous, entries[1].hash);
    assert_eq!(store.audit_list(Some(1), 1).await.unwrap()[0].seq, 1);
    assert_eq!(store.audit_verify().await.unwrap().head.as_ref(), Some(&entries[0].hash));
    assert!(store.end_intent(99, "Failed", json!({})).await.is_err());
}

/// Does something to the record behind the store's back and gives the entry that is then named as the first bad one.
async fn tampered(sql: &str) -> Option<i64> {
    let (dir, store) = store();
    for _ in 0..3 {
        let seq = store.begin_intent(intent()).await.unwrap();
        store.end_intent(seq, "Successful", json!({"message": "done"})).await.unwrap();
    }
    assert!(store.audit_verify().await.unwrap().ok);
    rusqlite::Connection::open(dir.path().join("nightdesk.db")).unwrap().execute_batch(sql).unwrap();
    let verdict = store.audit_verify().await.unwrap();
    assert_eq!(verdict.ok, verdict.first_bad.is_none());
    // What is written afterwards hides nothing.
    store.begin_intent(intent()).await.unwrap();
    assert_eq!(store.audit_verify().await.unwrap().ok, verdict.ok, "{sql}");
    verdict.first_bad.map(|(seq, _)| seq)
}

#[tokio::test]
async fn every_change_of_the_record_shows() {
    for (column, value) in [
        ("time", "'2020-01-01T00:00:00Z'"),
        ("actor", "'x'"),
        ("connection", "'x'"),
        ("connection", "NULL"),
        ("command", "'x'"),
        ("items", "'[]'"),
        ("effect", "'read'"),
        ("state", "'Failed'"),
        ("refers_to", "2"),
        ("refers_to", "NULL"),
        ("arguments", "'{}'"),
        ("detail", "'{}'"),
        ("previous", "'x'"),
        ("hash", "'x'"),
        ("command", "CAST(x'ff' AS TEXT)"),
    ] {
        assert_eq!(tampered(&format!("UPDATE audit SET {column} = {value} WHERE seq = 4")).await, Some(4), "{column}");
    }
    let copy = "SELECT 7, time, actor, connection, command, items, effect, state, refers_to, arguments, detail, hash, hash FROM audit WHERE seq = 6";
    for (sql, bad) in [
        ("DELETE FROM audit WHERE seq = 2".to_owned(), 2),
        ("DELETE FROM audit WHERE seq = 1".to_owned(), 1),
        ("DELETE FROM audit WHERE seq = 6".to_owned(), 6),
        ("DELETE FROM audit WHERE seq > 4".to_owned(), 5),
        ("DELETE FROM audit".to_owned(), 1),
        ("DELETE FROM audit_head".to_owned(), 6),
        (format!("INSERT INTO audit {copy}"), 7),
        (
            "UPDATE audit SET seq = 100 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 100"
                .into(),
            3,
        ),
        ("UPDATE audit SET seq = 10 WHERE seq = 6".to_owned(), 6),
    ] {
        assert_eq!(tampered(&sql).await, Some(bad), "{sql}");
    }
    assert_eq!(tampered("SELECT 1").await, None);
}

/// Events with what trips comparisons: case, signs of patterns, numbers, several values.
fn any_event() -> impl Strategy<Value = Event> {
    let word = prop::sample::select(vec!["Agent", "agent_1", "100%", "ΣΑΣ", "Straße", "a\\b", "443", "9", "x y", "Agent 9 x", "İd", ""]);
    let severity = prop::sample::select(Severity::ALL.map(|(_, severity)| severity).to_vec());
    (word.clone(), word.clone(), word.clone(), word, severity, 0..100i64, any::<bool>()).prop_map(
        |(title, rule, host, who, severity, hours, flag)| Event {
            event_type: if flag { "Issues" } else { "Detections" }.into(),
            title: title.into(),
            severity,
            occurred_at: at("2026-02-27T00:00:00Z") + jiff::SignedDuration::from_hours(hours),
            assignee: (!who.is_empty()).then(|| who.into()),
            entities: vec![Entity { kind: EntityKind::Host, value: host.into(), path: "$".into() }],
            fields: json!({"Rule name": rule, "Port": hours, "Open": flag, "Score": 1.50, "Tags": [rule, "t"]})
                .as_object()
                .cloned()
                .unwrap(),
            raw: json!({"hours": hours}),
            ..Event::default()
        },
    )
}

fn any_query() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        "agent",
        "Agent_1",
        "100%",
        "10",
        "σας",
        "ς",
        "strasse",
        "straße",
        "\"a\\\\b\"",
        "443",
        "\"x y\"",
        "*gent*",
        "a*1",
        "true",
        "1.50",
        "9",
        "_1",
        "\"agent … x\"",
    ]);
    let field = prop::sample::select(vec![
        "title",
        "rule",
        "entity",
        "assignee",
        "\"Rule name\"",
        "\"port\"",
        "\"Open\"",
        "\"Score\"",
        "\"Tags\"",
        "type",
        "vendor",
        "key",
        "user",
        "host",
        "url",
        "file",
    ]);
    let compare = prop::sample::select(vec!["", "=", "<", "<=", ">", ">="]);
    let fixed = prop::sample::select(vec![
        "severity:>=medium",
        "severity:hi*",
        "severity:low",
        "status:new",
        "status:clo*",
        "age:<24h",
        "age:>2d",
        "age:<99999999d",
        "assignee:*",
        "disposition:*",
        "occurred:>=2026-03-01",
        "vendor:eset",
        "vendor:m365",
        "vendor:m3*",
        "vendor:=m365",
        "disposition:false",
        "disposition:=\"\"",
        "drift:no",
        "case:c1",
        "type:issues",
        "connection:=eset-1",
    ]);
    let leaf = prop_oneof![
        (field, compare, value.clone()).prop_map(|(field, compare, value)| format!("{field}:{compare}{value}")),
        value.prop_map(str::to_owned),
        fixed.prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("-({one})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} or {other})")),
            (inner.clone(), inner).prop_map(|(one, other)| format!("{one} {other}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_store_finds_what_the_query_matches(
        events in prop::collection::vec(any_event(), 12),
        queries in prop::collection::vec(any_query(), 40),
    ) {
        let events: Vec<Event> = events.into_iter().enumerate().map(|(at, event)| Event { key: format!("k{at}"), ..event }).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_dir, store) = store();
            let (some, others) = events.split_at(8);
            store.store_events("eset-1", "eset-protect-cloud", some.to_vec(), now()).await.unwrap();
            store.store_events("m365", "management-activity", others.to_vec(), now()).await.unwrap();
            let all = all(&store).await;
            for event in &all {
                let (event_type, rule) = (quoted(&event.event.event_type), quoted(&rule(&event.event)));
                let alike = Query::parse(&format!("vendor:={} type:={event_type} rule:={rule}", event.vendor)).unwrap();
                let marked = store.ids_within(&Query::default(), Which::Like(event.id), now()).await.unwrap();
                prop_assert_eq!(store.event_ids(&alike, None, 0, now()).await.unwrap(), marked, "{}", rule);
            }
            for text in queries {
                let query = Query::parse(&text).unwrap();
                let expected: Vec<i64> = all.iter().filter(|event| query.matches(event, now())).map(|event| event.id).collect();
                let found = store.events(&query, None, 0, now()).await.unwrap();
                let found: Vec<i64> = found.iter().map(|event| event.id).collect();
                prop_assert_eq!(&found, &expected, "{}", &text);
                let ids = store.event_ids(&query, Some(5), 1, now()).await.unwrap();
                prop_assert_eq!(ids.as_slice(), expected.get(1..expected.len().min(6)).unwrap_or_default(), "{}", &text);
                let some = store.events_of(ids.clone()).await.unwrap();
                prop_assert_eq!(some.iter().map(|event| event.id).collect::<Vec<_>>(), ids);
                prop_assert_eq!(store.count(&query, now()).await.unwrap(), expected.len(), "{}", &text);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_search_keeps_nothing_else_waiting_and_is_left_undone_when_nobody_wants_it() {
    let (_dir, store) = store();
    store.store_events("wiz-1", "wiz", vec![event("a", "one")], now()).await.unwrap();
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let searching = store.clone();
    let slow = tokio::spawn(async move {
        let work = move |_: &mut rusqlite::Connection| {
            let _ = began.send(());
            Ok(wait.recv().is_ok())
        };
        searching.search(work).await
    });
    has_begun.await.unwrap();
    // While the search lasts, an event is read and a page stored.
    assert!(store.event(1).await.unwrap().is_some());
    store.store_events("wiz-1", "wiz", vec![event("b", "two")], now()).await.unwrap();
    // A search that was given up while it waited is never begun.
    let (touched, was_touched) = std::sync::mpsc::channel::<()>();
    {
        let mut given_up = Box::pin(store.search(move |_| Ok(touched.send(()).is_ok())));
        assert!(futures::poll!(given_up.as_mut()).is_pending());
    }
    go_on.send(()).unwrap();
    assert!(slow.await.unwrap().unwrap());
    assert_eq!(store.count(&Query::default(), now()).await.unwrap(), 2);
    assert!(was_touched.recv().is_err());
}

#[tokio::test]
async fn a_search_that_nobody_waits_for_any_more_is_broken_off() {
    let (_dir, store) = store();
    let (ended, has_ended) = std::sync::mpsc::channel();
    let endless = "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let counting = store.clone();
    let counting = tokio::spawn(async move {
        let work = move |db: &mut rusqlite::Connection| {
            let _ = began.send(());
            let result = db.query_row(endless, [], |row| row.get::<_, i64>(0));
            let _ = ended.send(result.is_err());
            Ok(())
        };
        counting.search(work).await
    });
    has_begun.await.unwrap();
    counting.abort();
    assert!(tokio::task::spawn_blocking(move || has_ended.recv()).await.unwrap().unwrap());
    // The thread is whole and goes on.
    assert!(store.events(&Query::default(), None, 0, now()).await.unwrap().is_empty());
}
