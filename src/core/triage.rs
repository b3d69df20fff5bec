//! Triage: what an analyst decides about events, and the way back.

use super::event::{Disposition, Status};

/// What an analyst decides about events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Closed with a verdict and a note, which may be empty.
    Close(Disposition, String),
    /// Taken.
    Take,
    /// Set back to new.
    Reopen,
    /// A note was written.
    Note(String),
    /// Put into a case.
    Case(String),
}

/// The state of an event before a decision.
pub type Before = (i64, Status, Option<Disposition>);
