//! The connections as the console shows them: what they can do, how they are, what was fetched whole.

use std::sync::Arc;

use jiff::Timestamp;

use super::catalogue::Entry;

/// A connection and what it can do.
#[derive(Clone, Debug)]
pub struct Connected {
    /// Its name.
    pub name: String,
    /// Its vendor's id.
    pub vendor: String,
    /// Its vendor's name for people.
    pub title: String,
    /// Where it belongs.
    pub environment: String,
    /// Whether commands that change anything are refused.
    pub read_only: bool,
    /// Whether it takes part in fetches.
    pub active: bool,
    /// What it can do.
    pub entry: Arc<Entry>,
}

/// A connection that cannot be used as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misconfigured {
    /// Its name.
    pub name: String,
    /// Its vendor.
    pub vendor: String,
    /// What is wrong, and where.
    pub reason: String,
}

/// A stretch that was not fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Start.
    pub from: Timestamp,
    /// End.
    pub to: Timestamp,
    /// Why.
    pub reason: String,
    /// Whether it is gone for good.
    pub lasting: bool,
}

/// How a connection is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Its name.
    pub connection: String,
    /// When something last went well.
    pub last_success: Option<Timestamp>,
    /// What last failed.
    pub last_error: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// When the next job is due.
    pub next_run: Option<Timestamp>,
    /// Up to where everything was fetched, of the sources that anything was fetched of.
    pub covered_to: Option<Timestamp>,
    /// Sources of which nothing was ever fetched, as nothing that the vendor has not switched on is.
    pub untouched: Vec<String>,
    /// Whether it takes part in fetches and has something to bring, but nothing was ever fetched whole.
    pub unfetched: bool,
    /// What was not fetched.
    pub gaps: Vec<Stretch>,
}

impl Health {
    /// The first gap that can be fetched again.
    pub fn open_gap(&self) -> Option<&Stretch> {
        self.gaps.iter().find(|gap| !gap.lasting)
    }
}
