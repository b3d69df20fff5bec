//! Write-back: how the vendor is told what was decided here, and why it cannot be.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::core::event::{Disposition, Event, Status};

/// What was decided about an event, as a vendor can be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The status that it has here now.
    pub status: Status,
    /// The verdict, where it was closed with one.
    pub disposition: Option<Disposition>,
    /// The note; may be empty.
    pub note: String,
}

/// The call that sets the vendor's own status.
#[derive(Clone, Debug, PartialEq)]
pub struct Telling {
    /// Name of the command, of the same connection.
    pub command: &'static str,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// The vendor's status afterwards, as its records spell it: `REJECTED`.
    pub status: String,
    /// The same with its reason, for people: `REJECTED (False Positive)`.
    pub sets: String,
    /// The parameter that names the event. Where it takes a list, events with the same other arguments share a call.
    pub item: &'static str,
}

/// The read that shows an event as it is at the vendor now.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Name of the command, of the same connection.
    pub command: &'static str,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// Path of the event's record in the raw data.
    pub record: &'static str,
}

/// What makes the call for an event, or says why none is right for it as it stands.
pub type Teller = Arc<dyn Fn(&Ruling, &Event) -> Result<Telling, String> + Send + Sync>;

/// How a source's events are written back.
#[derive(Clone)]
pub struct WriteBack {
    /// The call that tells the vendor; or, as a sentence, why none is right for this event as it stands.
    pub tell: Teller,
    /// The read that shows the event as it is now.
    pub look: fn(&Event) -> Look,
    /// Paths in the record that a decision rests on, the vendor's status first: what differs in them is shown before a call that was
    /// put off is made.
    pub watched: &'static [&'static str],
}

impl fmt::Debug for WriteBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBack").field("watched", &self.watched).finish_non_exhaustive()
    }
}

/// Arguments out of names and values.
pub fn arguments<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
