//! How long the store takes with a million events (or as many as the first argument says): `cargo bench --bench store`.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use nightdesk::core::catalogue::Page;
use nightdesk::core::entity::{Entity, EntityKind};
use nightdesk::core::event::{Event, Severity};
use nightdesk::core::query::Query;
use nightdesk::runtime::store::{GroupBy, Sort, SortBy, Store, StoreError};
use serde_json::json;

/// Events of a page.
const PAGE: usize = 500;

fn event(number: usize, now: Timestamp) -> Event {
    let severities = Severity::ALL;
    let (user, host) = (format!("user{}@northwind.example", number % 5_000), format!("ws-{:05}", number % 20_000));
    let entity = |kind, value: &str| Entity { kind, value: value.into(), path: "$".into() };
    let ago = SignedDuration::from_secs(i64::try_from(number).unwrap_or_default() * 3);
    let raw = json!({
        "id": format!("0b9f6c1e-{number:012}"), "rule": {"id": number % 40, "name": format!("Rule {}", number % 40)}, "user": user, "host": host,
        "description": "A user signed in from an address that was never seen before, shortly after a failed attempt from another country.",
        "evidence": [{"type": "ip", "value": format!("203.0.{}.{}", number / 256 % 256, number % 256)}],
    });
    Event {
        event_type: "Issues".into(),
        key: format!("0b9f6c1e-{number:012}"),
        title: format!("Sign-in from a new place on {host}"),
        severity: severities.get(number % severities.len()).map(|(_, severity)| *severity).unwrap_or_default(),
        occurred_at: now.checked_sub(ago).unwrap_or(now),
        entities: vec![entity(EntityKind::Mail, &user), entity(EntityKind::Host, &host)],
        fields: json!({"Rule name": format!("Rule {}", number % 40), "User": user, "Host": host}).as_object().cloned().unwrap_or_default(),
        raw,
        ..Event::default()
    }
}

async fn timed<T>(what: &str, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let start = Instant::now();
    let done = work.await?;
    println!("{what:<44} {:>10.1} ms", start.elapsed().as_secs_f64() * 1e3);
    Ok(done)
}

async fn measure(count: usize) -> Result<(), StoreError> {
    let dir = tempfile::tempdir().map_err(|error| StoreError::File("a temporary folder".into(), error))?;
    let (store, now) = (Store::open(dir.path())?, Timestamp::now());
    let start = Instant::now();
    for page in 0..count.div_ceil(PAGE) {
        let events = (page * PAGE..(page * PAGE + PAGE).min(count)).map(|number| event(number, now)).collect();
        let page = Page { events, covered: None, position: None };
        store.commit_page("wiz-prod", "wiz", "Issues", page, now).await?;
    }
    println!("{count} events written, {} a second", count as u128 * 1_000 / start.elapsed().as_millis().max(1));
    let size = std::fs::metadata(dir.path().join("nightdesk.db")).map_or(0, |meta| meta.len());
    println!("{} MB on the disk", size / 1_000_000);
    for text in
        ["", "ws-00017", "nowhere", "severity:>=high status:new", "\"Rule name\":=\"Rule 7\"", "entity:user17@", "-vendor:wiz", "age:<24h"]
    {
        let Ok(query) = Query::parse(text) else { continue };
        timed(&format!("rows  {text}"), store.rows(&query, Sort::default(), Some(200), 0, now)).await?;
        timed(&format!("count {text}"), store.count(&query, now)).await?;
    }
    let all = Query::default();
    timed("rows by severity", store.rows(&all, Sort { by: SortBy::Severity, descending: true }, Some(200), 0, now)).await?;
    timed("groups by rule", store.groups(&all, GroupBy::Rule, now)).await?;
    timed("arrivals", store.arrivals(&all, 24, now)).await?;
    timed("pivot", store.pivot(EntityKind::User, "user17")).await?;
    timed("one event", store.event(1)).await?;
    timed("similar", store.similar(1)).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    tokio::runtime::Builder::new_current_thread().build()?.block_on(measure(count))?;
    Ok(())
}
