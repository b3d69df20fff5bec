//! Outcomes: what running a command gives back. Failures are data.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event::Event;

/// The four states of a run, spelt as the source documents spell them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReturnData {
    /// Everything was done.
    Successful,
    /// Everything was done, and there was nothing to bring.
    #[serde(rename = "Successful with No Event Data")]
    SuccessfulWithNoEventData,
    /// Some of it was done.
    #[serde(rename = "Partially Successful")]
    PartiallySuccessful,
    /// Nothing was done.
    Failed,
}

impl ReturnData {
    /// The state's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Successful => "Successful",
            Self::SuccessfulWithNoEventData => "Successful with No Event Data",
            Self::PartiallySuccessful => "Partially Successful",
            Self::Failed => "Failed",
        }
    }

    /// The process exit code that stands for it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Successful | Self::SuccessfulWithNoEventData => 0,
            Self::Failed => 1,
            Self::PartiallySuccessful => 3,
        }
    }

    /// The state of a command over several items, where partial success is documented.
    pub fn of(done: usize, failed: usize) -> Self {
        match (done, failed) {
            (_, 0) => Self::Successful,
            (0, _) => Self::Failed,
            _ => Self::PartiallySuccessful,
        }
    }
}

/// What became of a request that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was answered, or never made: what failed is plain.
    #[default]
    Plain,
    /// The vendor could not be reached, so nothing was sent.
    Unsent,
    /// It was sent and got no answer: whether it was carried out is not known.
    Unknown,
}

impl Fate {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    fn is_plain(&self) -> bool {
        *self == Self::Plain
    }
}

/// Something that went wrong: what, with which answer, for which item, and what to do next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What failed, in the source document's words: `Update Issues failed.`
    pub failure_indicator: String,
    /// The HTTP status, or the one that the document gives this error.
    pub status_code: Option<u16>,
    /// What happened; a vendor's own words included.
    pub message: String,
    /// The id that it concerns.
    pub item: Option<String>,
    /// The vendor's id of the failed request.
    pub request_id: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
    /// What became of the request.
    #[serde(skip_serializing_if = "Fate::is_plain", default)]
    pub fate: Fate,
}

impl Failure {
    /// A failure without an answer.
    pub fn new(indicator: impl Into<String>, message: impl Into<String>) -> Self {
        Self { failure_indicator: indicator.into(), message: message.into(), ..Self::default() }
    }

    /// The same with a status code.
    #[must_use]
    pub fn status(mut self, code: u16) -> Self {
        self.status_code = Some(code);
        self
    }

    /// The same for an item.
    #[must_use]
    pub fn item(mut self, item: impl Into<String>) -> Self {
        self.item = Some(item.into());
        self
    }

    /// The same with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What happened, and what to do next.
    pub fn whole(&self) -> String {
        [Some(self.message.as_str()), self.hint.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// A file that a run brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Where it lies.
    pub path: String,
    /// SHA-256 of the content (not of the archive), hexadecimal.
    pub sha256: String,
    /// Whether the archive needs a password.
    pub encrypted: bool,
    /// Size of the content in bytes.
    pub size: u64,
}

/// One line of a result summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultItem {
    /// Name in the document: `Issues Count`.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// What a command gives back.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The state.
    pub return_data: ReturnData,
    /// The vendor's answer; of a list command with all pages merged.
    pub raw_data: Value,
    /// Context data, for vendors that have it.
    pub context: Option<Value>,
    /// The fields that the document names, filled with what succeeded.
    pub key_fields: Map<String, Value>,
    /// The result summary.
    pub result: Vec<ResultItem>,
    /// The document's human-readable output.
    pub message: String,
    /// What went wrong.
    pub errors: Vec<Failure>,
    /// Files that were saved.
    pub attachments: Vec<Attachment>,
    /// Events that were brought; they are stored as well.
    pub events: Vec<Event>,
    /// What has been accepted but not yet observed, and how to look: the runtime follows it.
    pub follow: Option<Follow>,
}

/// How to follow something that the vendor accepted until it ran, failed or expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// What is followed, for people: `Isolate Endpoints on WS-DANAW-07`.
    pub title: String,
    /// Command of the same connection that tells its state.
    pub command: String,
    /// That command's arguments.
    pub arguments: Map<String, Value>,
    /// JSONPath to the state in the raw data.
    pub state: String,
    /// States that mean it was done.
    pub done: Vec<String>,
    /// States that mean it failed.
    pub failed: Vec<String>,
    /// Name beside the state under which it says when it ended: what ended before it was asked for is an earlier one's end.
    #[serde(default)]
    pub ended: Option<String>,
    /// How many states there must be at least before all of it was done.
    #[serde(default)]
    pub least: usize,
    /// When it can no longer happen (RFC 3339).
    pub expires_at: Option<String>,
}

/// How the record calls the end of a run that may have been carried out although no answer came.
pub const UNKNOWN: &str = "unknown";

impl Outcome {
    /// What the record says of it.
    pub fn recorded_as(&self) -> &'static str {
        let unknown = self.errors.iter().any(|failure| failure.fate == Fate::Unknown);
        if unknown && self.return_data == ReturnData::Failed { UNKNOWN } else { self.return_data.as_str() }
    }

    /// An outcome in a state, empty otherwise.
    pub fn new(return_data: ReturnData) -> Self {
        Self {
            return_data,
            raw_data: Value::Null,
            context: None,
            key_fields: Map::new(),
            result: Vec::new(),
            message: String::new(),
            errors: Vec::new(),
            attachments: Vec::new(),
            events: Vec::new(),
            follow: None,
        }
    }

    /// A successful outcome with its raw data.
    pub fn successful(raw_data: Value) -> Self {
        Self::new(ReturnData::Successful).raw(raw_data)
    }

    /// A failed outcome.
    pub fn failed(failure: Failure) -> Self {
        let mut outcome = Self::new(ReturnData::Failed);
        outcome.message.clone_from(&failure.message);
        outcome.errors.push(failure);
        outcome
    }

    /// The same with raw data.
    #[must_use]
    pub fn raw(mut self, raw_data: Value) -> Self {
        self.raw_data = raw_data;
        self
    }

    /// The same with a key field.
    #[must_use]
    pub fn key_field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.key_fields.insert(name.into(), value.into());
        self
    }

    /// The same with a line of the result summary.
    #[must_use]
    pub fn result(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.result.push(ResultItem { name: name.into(), value: value.into() });
        self
    }

    /// The same with its human-readable output.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// The same with what went wrong.
    #[must_use]
    pub fn errors(mut self, errors: Vec<Failure>) -> Self {
        self.errors = errors;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_carried_out_is_not_recorded_as_failed() {
        let failed = |fate| Outcome::failed(Failure { fate, ..Failure::new("Isolate failed.", "No answer.") });
        assert_eq!(failed(Fate::Unknown).recorded_as(), UNKNOWN);
        assert_eq!((failed(Fate::Plain).recorded_as(), failed(Fate::Unsent).recorded_as()), ("Failed", "Failed"));
        let mut partly = failed(Fate::Unknown);
        partly.return_data = ReturnData::PartiallySuccessful;
        assert_eq!(partly.recorded_as(), "Partially Successful");
    }
}
