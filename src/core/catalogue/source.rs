//! Event sources: what feeds the queue, and what was fetched whole.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Quick, WriteBack};
use crate::core::connection::Connection;
use crate::core::event::Event;
use crate::core::mapping::Mapping;
use crate::core::outcome::Failure;
use crate::core::talk::{Fetching, Talk};

/// How a source is fetched: a conversation that delivers pages and ends in what was covered.
pub type Fetcher = Arc<dyn Fn(Talk, Arc<Connection>, Window) -> Fetching + Send + Sync>;

/// A status of a vendor that gives numbers, in words.
pub type Words = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// One event source of a connection.
#[derive(Clone)]
pub struct Source {
    /// Name in `event_sources`: the document's event type, or `alerts`, `audit-events`, …
    pub name: String,
    /// The event type of what it brings, as the document names it.
    pub event_type: String,
    /// How raw records become events.
    pub mapping: Arc<Mapping>,
    /// How far an increment goes back behind the watermark.
    pub overlap: Duration,
    /// How far back the vendor keeps records; what is older is a lasting gap.
    pub retention: Option<Duration>,
    /// How far back the first plain fetch goes, where it is not the contract's 24 hours.
    pub first_fetch: Option<Duration>,
    /// Whether a plain `fetch` brings it; if not, only when `event_sources` names it.
    pub by_default: bool,
    /// How a decision about its events is written back; or, as a sentence, why none is.
    pub write_back: Result<WriteBack, String>,
    /// What the vendor's status reads like, where it is a number.
    pub status_words: Option<Words>,
    /// What is offered on its events, given the raw record (null for the list as such).
    pub quick: fn(&Value) -> Vec<Quick>,
    /// How it is fetched.
    pub fetcher: Fetcher,
}

impl Source {
    /// A source that a plain `fetch` brings.
    pub fn new<F>(name: &str, event_type: &str, mapping: Mapping, overlap: Duration, fetch: fn(Talk, Arc<Connection>, Window) -> F) -> Self
    where
        F: Future<Output = Fetched> + Send + 'static,
    {
        Self {
            name: name.into(),
            event_type: event_type.into(),
            mapping: Arc::new(mapping),
            overlap,
            retention: None,
            first_fetch: None,
            by_default: true,
            write_back: Err(format!("No command of the vendor changes the status of {event_type}.")),
            status_words: None,
            quick: |_| Vec::new(),
            fetcher: Arc::new(move |talk, connection, window| Fetching::new(&talk.clone(), fetch(talk, connection, window))),
        }
    }

    /// The same with how decisions are written back, or why they are not.
    #[must_use]
    pub fn write_back(mut self, how: Result<WriteBack, &str>) -> Self {
        self.write_back = how.map_err(str::to_owned);
        self
    }
}

impl Source {
    /// The same with what is offered on its events.
    #[must_use]
    pub fn quick(mut self, quick: fn(&Value) -> Vec<Quick>) -> Self {
        self.quick = quick;
        self
    }

    /// The same with words for the vendor's status.
    #[must_use]
    pub fn status_words(mut self, words: Option<Words>) -> Self {
        self.status_words = words;
        self
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a source is asked to bring: everything from `from` (inclusive) to `to` (exclusive) of its own clock.
#[derive(Clone, Debug)]
pub struct Window {
    /// The source's name, for handlers that serve several.
    pub source: String,
    /// Start, inclusive; the overlap is taken off already.
    pub from: Timestamp,
    /// End, exclusive.
    pub to: Timestamp,
    /// The most events to deliver.
    pub max: Option<usize>,
    /// Where a fetch that ended at its maximum goes on: only what lies after this is delivered.
    pub resume: Option<Position>,
}

/// A place in a source's order: time, then key. Sources deliver in this order, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Time on the source's clock (the one that `from` and `to` mean).
    pub time: Timestamp,
    /// Key of the event.
    pub key: String,
}

impl Window {
    /// Puts events in order, drops those at or before where the fetch goes on, and cuts at the maximum less what was delivered already.
    /// Says whether it cut.
    pub fn select(&self, mut events: Vec<(Position, Event)>, delivered: usize) -> (Vec<(Position, Event)>, bool) {
        events.sort_by(|(a, _), (b, _)| a.cmp(b));
        if let Some(resume) = &self.resume {
            events.retain(|(position, _)| position > resume);
        }
        let room = self.max.map_or(usize::MAX, |max| max.saturating_sub(delivered));
        let cut = events.len() > room;
        events.truncate(room);
        (events, cut)
    }
}

/// Part of a window, delivered: stored in one transaction with the coverage it completes.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// The stretch that is whole now, if this page completed one.
    pub covered: Option<(Timestamp, Timestamp)>,
    /// Position of the last event, where the source can go on from it.
    pub position: Option<Position>,
}

/// How a fetch ended.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// Up to where everything was delivered; the watermark moves here and no further. `None` moves nothing.
    pub complete_to: Option<Timestamp>,
    /// Whether it ended only because of the maximum; it goes on from the last page's position.
    pub truncated: bool,
    /// Stretches that were not fetched.
    pub gaps: Vec<Gap>,
    /// What failed.
    pub errors: Vec<Failure>,
    /// What the vendor's clock showed, where it told: a watermark that lies ahead of it was set by a clock that was wrong.
    pub present: Option<Timestamp>,
}

impl Fetched {
    /// A fetch that brought nothing because of one failure.
    pub fn failed(window: &Window, failure: Failure) -> Self {
        let gap = Gap { from: window.from, to: window.to, reason: failure.message.clone(), lasting: false };
        Self { gaps: vec![gap], errors: vec![failure], ..Self::default() }
    }
}

/// A stretch of time that was not fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Start, inclusive.
    pub from: Timestamp,
    /// End, exclusive.
    pub to: Timestamp,
    /// Why, in a sentence.
    pub reason: String,
    /// Whether the vendor says that it is gone for good; such a gap is not asked for again.
    #[serde(skip)]
    pub lasting: bool,
}
