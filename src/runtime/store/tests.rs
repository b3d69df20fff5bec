//! Tests of the store.

use std::os::unix::fs::PermissionsExt;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, json};
use tempfile::TempDir;

use super::{Intent, Store};
use crate::core::catalogue::{Effect, Fetched, Gap, Page, Position, Window};
use crate::core::entity::{Entity, EntityKind};
use crate::core::event::{Event, Severity};
use crate::core::query::Query;
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
