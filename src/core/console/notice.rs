//! Notices: one line each, shown for a while and kept.

use jiff::Timestamp;

/// How a notice is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// For information.
    Info,
    /// Something was done.
    Done,
    /// Something needs a look.
    Warning,
    /// Something failed.
    Error,
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// How it is meant.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// All notices of this session.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    /// The notices, oldest first.
    pub list: Vec<Notice>,
    /// Whether the last one was seen (a key was pressed since).
    pub seen: bool,
}

impl Notices {
    /// Adds one.
    pub fn add(&mut self, at: Timestamp, tone: Tone, text: impl Into<String>) {
        self.list.push(Notice { at, tone, text: text.into() });
        self.seen = false;
        if self.list.len() > 1000 {
            self.list.drain(..500);
        }
    }

    /// The one to show.
    pub fn current(&self) -> Option<&Notice> {
        self.list.last().filter(|_| !self.seen)
    }
}
