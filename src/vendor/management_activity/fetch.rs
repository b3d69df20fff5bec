//! The sources behind `fetch`: one a content type, on the clock of the feed (when content became available).
//!
//! What could not be read holds the watermark back; what the service says is gone for good does not, and is remembered, so that the
//! overlap does not ask for it again.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::commands::subscriptions;
use super::content::{Blob, is_gone, stretch};
use super::feed::{Feed, Refused};
use super::list_content::{BATCH, none_enabled};
use super::record_types::Filter;
use super::{content_type, events, record_filter, times};
use crate::core::catalogue::{Fetched, Gap, Page, Position, Window};
use crate::core::connection::Connection;
use crate::core::event::Event;
use crate::core::outcome::Failure;
use crate::core::talk::Talk;

const INDICATOR: &str = "Fetch Event failed.";
/// The most blobs that are remembered as gone.
const MOST_GONE: usize = 500;

/// Brings the content of one content type into the store.
pub(super) async fn fetch_source(talk: Talk, connection: Arc<Connection>, window: Window) -> Fetched {
    let feed = Feed { talk: &talk, connection: &connection, indicator: INDICATOR, timeout: None };
    let Some(name) = content_type(&window.source) else {
        return Fetched::failed(&window, Failure::new(INDICATOR, format!("There is no content type {}.", window.source)));
    };
    // Nobody asked for this one by name: it is brought only where it is subscribed to.
    if connection.texts("content_types").is_empty() && connection.event_sources.is_none() {
        match subscriptions(&feed).await {
            Ok((_, enabled)) if enabled.is_empty() => return Fetched::failed(&window, none_enabled(&feed)),
            Ok((_, enabled)) if !enabled.iter().any(|one| one.eq_ignore_ascii_case(name)) => return Fetched::default(),
            Ok(_) => {}
            Err(refused) => return Fetched::failed(&window, refused.failure),
        }
    }
    let memory = format!("gone:{name}");
    let known = talk.recall(&memory).await.unwrap_or_default();
    let mut fetch = Fetch::new(feed, name, &window, known.lines().map(str::to_owned).collect());
    fetch.all_days().await;
    if fetch.found_gone {
        let lines: Vec<&str> = fetch.gone.iter().rev().take(MOST_GONE).rev().map(String::as_str).collect();
        talk.remember(&memory, Some(&lines.join("\n"))).await;
    }
    fetch.fetched
}

struct Fetch<'a> {
    feed: Feed<'a>,
    content_type: &'static str,
    window: &'a Window,
    filter: Filter,
    mapping: crate::core::mapping::Mapping,
    /// Keys that were delivered already.
    seen: HashSet<String>,
    /// Blobs that are gone for good, in the order in which that was found out.
    gone: Vec<String>,
    found_gone: bool,
    delivered: usize,
    /// The earliest time at which something is missing.
    missing: Option<Timestamp>,
    fetched: Fetched,
}

impl<'a> Fetch<'a> {
    fn new(feed: Feed<'a>, content_type: &'static str, window: &'a Window, gone: Vec<String>) -> Self {
        let connection = feed.connection;
        let filter = Filter::new(&record_filter(connection), &connection.texts("workloads"), &connection.texts("operations"));
        Self {
            feed,
            content_type,
            window,
            filter,
            mapping: events::mapping(),
            seen: HashSet::new(),
            gone,
            found_gone: false,
            delivered: 0,
            missing: None,
            fetched: Fetched::default(),
        }
    }

    async fn all_days(&mut self) {
        let window = self.window;
        // Where an earlier fetch was cut short decides, even if the window has moved on since.
        let asked = window.resume.as_ref().map_or(window.from, |resume| resume.time);
        let now = self.feed.talk.now();
        let mut from = asked;
        if asked < times::oldest(now) {
            let end = times::earliest(now).min(window.to);
            let reason = "The content is older than 7 days, for which the service keeps it; it is gone for good.".into();
            self.fetched.gaps.push(Gap { from: asked, to: end, reason, lasting: true });
        }
        from = from.max(times::earliest(now));
        for day in times::days(from, window.to) {
            if from >= window.to {
                break;
            }
            match self.day(day).await {
                Day::Done => {}
                Day::Full => {
                    self.fetched.truncated = true;
                    self.fetched.complete_to = Some(self.missing.unwrap_or(day.0).min(day.0));
                    return;
                }
                Day::Stopped => break,
            }
        }
        self.fetched.complete_to = Some(self.missing.map_or(window.to, |missing| missing.min(window.to)));
    }

    /// Reads one day: its list, then its blobs, oldest first.
    async fn day(&mut self, (from, to): (Timestamp, Timestamp)) -> Day {
        if self.window.max.is_some_and(|max| self.delivered >= max) {
            return Day::Full;
        }
        let listing = self.feed.list_blobs(self.content_type, from, to).await;
        let mut stop = false;
        if let Some(refused) = listing.refused {
            // Content is not listed by its time, so that what was listed proves nothing about what was not.
            self.miss(from, self.window.to, refused);
            stop = true;
        }
        let (start, end) = (self.window.resume.as_ref().map_or(self.window.from, |resume| resume.time), self.window.to);
        let gone: HashSet<&String> = self.gone.iter().collect();
        let blobs = listing.blobs.into_iter().filter(|blob| start <= blob.created && blob.created < end && !gone.contains(&blob.id));
        let blobs: Vec<Blob> = blobs.collect();
        let total = blobs.len();
        let mut done = 0;
        for batch in batches(&blobs) {
            match self.batch(batch).await {
                Day::Done => {}
                other => return other,
            }
            done += batch.len();
            self.feed.talk.progress(format!("blobs of {}", self.content_type), done, Some(total)).await;
            if self.window.max.is_some_and(|max| self.delivered >= max) && done < total {
                return Day::Full;
            }
        }
        if stop {
            return Day::Stopped;
        }
        if self.missing.is_none() {
            let covered = (from.max(start), to.min(end));
            self.feed.talk.deliver(Page { covered: (covered.0 < covered.1).then_some(covered), ..Page::default() }).await;
        }
        Day::Done
    }

    async fn batch(&mut self, blobs: &[Blob]) -> Day {
        let mut events: Vec<(Position, Event)> = Vec::new();
        let mut fatal = false;
        let before = self.missing;
        for (blob, result) in blobs.iter().zip(self.feed.read_blobs(blobs).await) {
            match result {
                Ok(records) => {
                    for (n, record) in records.into_iter().enumerate().filter(|(_, record)| self.filter.wants(record)) {
                        let event = events::event(self.content_type, &self.mapping, record, blob, n);
                        events.push((Position { time: blob.created, key: event.key.clone() }, event));
                    }
                }
                Err(refused) if is_gone(&refused) => {
                    self.gone.push(blob.id.clone());
                    self.found_gone = true;
                    let (from, to) = stretch(blob);
                    self.fetched.gaps.push(Gap { from, to, reason: refused.failure.message.clone(), lasting: true });
                    self.fetched.errors.push(refused.failure);
                }
                Err(refused) => {
                    fatal |= refused.fatal;
                    let (from, to) = stretch(blob);
                    self.miss(from, to, refused);
                }
            }
        }
        let (mut events, cut) = self.window.select(events, self.delivered);
        let last = events.last().map(|(position, _)| position.clone());
        events.retain(|(position, _)| self.seen.insert(position.key.clone()));
        self.delivered += events.len();
        // Nobody may go on from behind something that is missing.
        let position = last.filter(|_| before.is_none() && self.missing.is_none());
        let events = events.into_iter().map(|(_, event)| event).collect();
        self.feed.talk.deliver(Page { events, covered: None, position }).await;
        match (cut, fatal) {
            (true, _) => Day::Full,
            (false, true) => Day::Stopped,
            (false, false) => Day::Done,
        }
    }

    /// Notes that something could not be read: the watermark will not move past it.
    fn miss(&mut self, from: Timestamp, to: Timestamp, refused: Refused) {
        self.missing = Some(self.missing.map_or(from, |missing| missing.min(from)));
        self.fetched.gaps.push(Gap { from, to, reason: refused.failure.message.clone(), lasting: false });
        self.fetched.errors.push(refused.failure);
    }
}

/// Blobs in portions. What became available at one instant stays together, since a place in the order is a time and a key.
fn batches(blobs: &[Blob]) -> Vec<&[Blob]> {
    let mut all = Vec::new();
    let mut rest = blobs;
    while !rest.is_empty() {
        let mut end = rest.len().min(BATCH);
        while end < rest.len() && rest.get(end).map(|blob| blob.created) == rest.get(end - 1).map(|blob| blob.created) {
            end += 1;
        }
        let (batch, after) = rest.split_at(end);
        all.push(batch);
        rest = after;
    }
    all
}

enum Day {
    Done,
    /// The maximum is reached.
    Full,
    /// Nothing further will succeed.
    Stopped,
}
