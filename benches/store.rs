//! How long the store takes: `NIGHTDESK_BENCH_EVENTS=1000000 cargo bench --bench store` (without it: 100,000 events). The store is
//! made in a folder that is thrown away, or, to look at it afterwards, in `NIGHTDESK_BENCH_DIR`.

use std::path::Path;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use nightdesk::core::catalogue::Page;
use nightdesk::core::entity::{Entity, EntityKind};
use nightdesk::core::event::{Event, Severity};
use nightdesk::core::listing::{Column, Grouping, Order};
use nightdesk::core::query::Query;
use nightdesk::runtime::store::{Store, StoreError};
use serde_json::json;

/// Events of a page.
const PAGE: usize = 500;
/// Events of the store that the large one is compared with.
const FEW: usize = 1_000;

/// Connections that take turns in bringing pages: name, vendor, event type.
const SOURCES: [(&str, &str, &str); 3] =
    [("wiz-prod", "wiz", "Issues"), ("eset-eu", "eset-protect-cloud", "Detections"), ("edge", "lacework-edge", "alerts")];

fn event(number: usize, event_type: &str, now: Timestamp) -> Event {
    let severities = Severity::ALL;
    let (user, host) = (format!("user{}@northwind.example", number % 5_000), format!("ws-{:05}", number % 20_000));
    let entity = |kind, value: &str| Entity { kind, value: value.into(), path: "$".into() };
    let ago = SignedDuration::from_secs(i64::try_from(number).unwrap_or_default() * 3);
    let (sha1, sha256) = (format!("{:040x}", number % 10_000), format!("{:064x}", number % 10_000));
    let raw = json!({
        "file": {"sha1": sha1, "sha256": sha256},
        "id": format!("0b9f6c1e-{number:012}"), "rule": {"id": number % 40, "name": format!("Rule {}", number % 40)}, "user": user, "host": host,
        "description": "A user signed in from an address that was never seen before, shortly after a failed attempt from another country.",
        "evidence": [{"type": "ip", "value": format!("203.0.{}.{}", number / 256 % 256, number % 256)}],
    });
    Event {
        event_type: event_type.into(),
        key: format!("0b9f6c1e-{number:012}"),
        title: format!("Sign-in from a new place on {host}"),
        severity: severities.get(number % severities.len()).map(|(_, severity)| *severity).unwrap_or_default(),
        occurred_at: now.checked_sub(ago).unwrap_or(now),
        entities: vec![
            entity(EntityKind::Mail, &user),
            entity(EntityKind::Host, &host),
            entity(EntityKind::Hash, &sha1),
            entity(EntityKind::Hash, &sha256),
        ],
        fields: json!({"Rule name": format!("Rule {}", number % 40), "User": user, "Host": host}).as_object().cloned().unwrap_or_default(),
        raw,
        ..Event::default()
    }
}

/// Takes the time of something: the best of three, as the machine may be busy.
async fn timed<T, F: Future<Output = Result<T, StoreError>>>(
    times: &mut Vec<(String, f64)>,
    what: &str,
    work: impl Fn() -> F,
) -> Result<(), StoreError> {
    let mut best = f64::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        work().await?;
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
    }
    times.push((what.to_owned(), best));
    Ok(())
}

async fn fill(store: &Store, count: usize, now: Timestamp) -> Result<(), StoreError> {
    for page in 0..count.div_ceil(PAGE) {
        let (connection, vendor, event_type) = SOURCES[page % SOURCES.len()];
        let events = (page * PAGE..(page * PAGE + PAGE).min(count)).map(|number| event(number, event_type, now)).collect();
        store.commit_page(connection, vendor, event_type, Page { events, covered: None, position: None }, now).await?;
    }
    Ok(())
}

/// Reads as the console and the command line do: first rows, then counts.
#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
async fn measure(dir: &Path, count: usize) -> Result<Vec<(String, f64)>, StoreError> {
    let (store, now) = (Store::open(dir)?, Timestamp::now());
    let mut times = Vec::new();
    if store.count(&Query::default(), now).await? < count {
        let start = Instant::now();
        fill(&store, count, now).await?;
        times.push(("writing an event".to_owned(), start.elapsed().as_secs_f64() * 1e3 / count as f64));
    }
    let size = std::fs::metadata(dir.join("nightdesk.db")).map_or(0, |meta| meta.len());
    times.push(("bytes an event".to_owned(), size as f64 / count as f64));
    for text in [
        "-status:closed",
        "",
        "severity:>=high",
        "severity:>=high -status:closed",
        "ws-00017",
        "place",
        "place -status:closed",
        "\"a new place\" severity:critical",
        "nowhere",
        "sev",
        "entity:=\"user17@northwind.example\"",
        "entity:user17@",
        "user:=user17",
        "hash:=00000000000000000000000000000000000000a1",
        "\"Rule name\":=\"Rule 7\"",
        "connection:=edge",
        "-vendor:wiz",
        "age:<24h",
    ] {
        let Ok(query) = Query::parse(text) else { continue };
        timed(&mut times, &format!("rows   {text}"), || store.rows(&query, Order::default(), Some(500), 0, now)).await?;
        timed(&mut times, &format!("count  {text}"), || store.count(&query, now)).await?;
    }
    let all = Query::default();
    let open = Query::parse("-status:closed").unwrap_or_default();
    for column in [Column::Severity, Column::Seen, Column::Vendor, Column::Title] {
        let order = Order { column, descending: true };
        timed(&mut times, &format!("rows   by {column:?}"), || store.rows(&open, order, Some(500), 0, now)).await?;
    }
    for by in [Grouping::Rule, Grouping::Entity, Grouping::Vendor, Grouping::Severity] {
        timed(&mut times, &format!("groups by {by:?}"), || store.groups(&open, by, 2_000, now)).await?;
    }
    timed(&mut times, "arrivals", || store.arrivals(&open, 24, now)).await?;
    timed(&mut times, "events --limit 100", || store.events(&all, Some(100), 0, now)).await?;
    timed(&mut times, "pivot", || store.pivot(EntityKind::User, "user17")).await?;
    timed(&mut times, "pivot on a hash", || store.pivot(EntityKind::Hash, "00000000000000000000000000000000000000a1")).await?;
    timed(&mut times, "one event", || store.event(1)).await?;
    timed(&mut times, "precedent", || store.precedents(1)).await?;
    timed(&mut times, "history", || store.history(1)).await?;
    Ok(times)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::var("NIGHTDESK_BENCH_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let thrown_away = tempfile::tempdir()?;
    let dir = std::env::var_os("NIGHTDESK_BENCH_DIR").map_or_else(|| thrown_away.path().to_owned(), Into::into);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let few = runtime.block_on(measure(&dir.join("few"), FEW))?;
    let many = runtime.block_on(measure(&dir.join("many"), count))?;
    println!("{:<48} {FEW:>12} {count:>12}    ratio", "");
    for (what, many) in many {
        if let Some((_, few)) = few.iter().find(|(known, _)| *known == what) {
            println!("{what:<48} {few:>12.3} {many:>12.3} {:>8.1}", many / few);
        }
    }
    Ok(())
}
