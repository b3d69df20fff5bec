//! Tests of the search for words.

use serde_json::json;

use super::{Store, event, now, page, store};
use crate::core::entity::{Entity, EntityKind};
use crate::core::event::Event;
use crate::core::query::Query;

/// The keys of the events that a query finds, in order.
async fn found(store: &Store, query: &str) -> Vec<String> {
    let found = store.events(&Query::parse(query).unwrap(), None, 0, now()).await.unwrap();
    let mut keys: Vec<String> = found.into_iter().map(|event| event.event.key).collect();
    keys.sort();
    keys
}

async fn commit(store: &Store, event: Event) {
    store.commit_page("wiz-1", "wiz", "Issues", page(vec![event]), now()).await.unwrap();
}

fn malware() -> Event {
    let entity = |kind, value: &str| Entity { kind, value: value.into(), path: "$".into() };
    Event {
        entities: vec![
            entity(EntityKind::Host, "WS-DANAW-07.corp.example"),
            entity(EntityKind::Ip, "10.0.0.7"),
            entity(EntityKind::Hash, "d41d8cd98f00b204e9800998ecf8427e"),
            entity(EntityKind::File, r"C:\Users\Dana Müller\a.exe"),
        ],
        fields: json!({"Rule name": "マルウェアを検知", "Link": "https://evil.example/x?id=9"}).as_object().cloned().unwrap(),
        ..event("a", "Malware \"quoted\" found")
    }
}

#[tokio::test]
async fn words_phrases_and_beginnings_are_found_in_title_fields_and_entities() {
    let (_dir, store) = store();
    commit(&store, malware()).await;
    commit(&store, event("b", "Failed sign-in from 10.0.0.71")).await;
    for query in [
        "malware",
        "malw",
        "MALWARE",
        "danaw",
        "ws-danaw",
        "danaw-07.corp",
        "10.0.0.7",
        "d41d8cd9",
        "muller",
        "müll",
        r"Users\dana",
        "a.exe",
        "検知",
        "マルウェア",
        "https://evil.example/x",
        "\"quoted found\"",
        "\"quoted\\\" found\"",
        "malware danaw",
        "malware -sign",
        "malware or nowhere",
        "-(sign or nowhere)",
    ] {
        assert_eq!(found(&store, query).await, ["a"], "{query}");
    }
    for query in ["anaw", "nowhere", "10.0.0.7 sign", "found quoted", "\"found quoted\"", "malware evil.org", "\"07 10\""] {
        let expected: &[&str] = if query == "found quoted" { &["a"] } else { &[] };
        assert_eq!(found(&store, query).await, expected, "{query}");
    }
    assert_eq!(found(&store, "sign-in").await, ["b"]);
    assert_eq!(found(&store, "found or sign").await, ["a", "b"]);
}

#[tokio::test]
async fn what_looks_like_the_index_s_own_language_is_only_words() {
    let (_dir, store) = store();
    commit(&store, malware()).await;
    commit(&store, event("b", "words: x OR y AND NOT NEAR(z, 2) ^w")).await;
    for (query, keys) in [
        ("\"NEAR(z, 2)\"", vec!["b"]),
        ("\"x OR y\"", vec!["b"]),
        ("\"x AND y\"", vec![]),
        ("\"malware* OR words\"", vec![]),
        ("\"words:x\"", vec!["b"]),
        ("\"words : malware\"", vec![]),
        ("^w", vec!["b"]),
        ("\"\\\" OR rowid > 0 --\"", vec![]),
        ("mal*", vec!["a"]),
        ("{words}", vec!["b"]),
        ("+malware+", vec!["a"]),
        ("'malware'", vec!["a"]),
        ("\u{0}malware", vec!["a"]),
    ] {
        assert_eq!(found(&store, query).await, keys, "{query}");
    }
    // As many words as a query may have are one question.
    let many = (0..400).map(|number| format!("nowhere{number}")).collect::<Vec<_>>();
    assert!(found(&store, &many.join(" ")).await.is_empty());
    assert_eq!(found(&store, &format!("(({} or malware))", many[..200].join(" or "))).await, ["a"]);
}

#[tokio::test]
async fn the_index_follows_updates_and_deletes() {
    let (_dir, store) = store();
    for number in 0..9 {
        commit(&store, event(&format!("k{number}"), "Common words")).await;
    }
    commit(&store, event("k3", "Something rare")).await;
    assert_eq!(found(&store, "rare").await, ["k3"]);
    assert_eq!(found(&store, "common").await.len(), 8);
    commit(&store, event("k3", "Something else")).await;
    assert!(found(&store, "rare").await.is_empty());
    let delete = |db: &rusqlite::Transaction<'_>| Ok(db.execute("DELETE FROM event WHERE key = 'k3'", [])?);
    store.change(delete).await.unwrap();
    assert!(found(&store, "else").await.is_empty());
    // The index itself says that it holds what the events hold.
    let check =
        |db: &rusqlite::Transaction<'_>| Ok(db.execute("INSERT INTO event_words (event_words, rank) VALUES ('integrity-check', 1)", [])?);
    store.change(check).await.unwrap();
}

#[tokio::test]
async fn a_store_of_before_the_index_is_searched_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(dir.path().join("nightdesk.db")).unwrap();
    old.execute_batch(include_str!("../migrations/0001_store.sql")).unwrap();
    let insert = "INSERT INTO event (connection, vendor, event_type, key, title, rule, severity, severity_origin, occurred_at, first_seen_at, payload_hash, fields, entities, words)
         VALUES ('wiz-1', 'wiz', 'Issues', ?1, ?2, '', 3, 'vendor', 1, 1, x'00', '{}', '[]', ?3)";
    old.execute(insert, ["a", "Brute force on WS-DANAW-07", "brute force on ws-danaw-07\nmüller@northwind.example"]).unwrap();
    old.execute_batch("INSERT INTO payload (event, raw) VALUES (1, '{}'); PRAGMA user_version = 1").unwrap();
    drop(old);
    let store = Store::open(dir.path()).unwrap();
    for query in ["danaw", "muller", "\"force on\"", "title:brute*danaw*"] {
        assert_eq!(found(&store, query).await, ["a"], "{query}");
    }
    // No phrase across values, and what comes in later is found beside it.
    assert!(found(&store, "\"07 muller\"").await.is_empty());
    commit(&store, event("b", "Brute force elsewhere")).await;
    assert_eq!(found(&store, "brute").await, ["a", "b"]);
}
