//! What running a command can do to the world, and whether it can be taken back.

use serde::{Deserialize, Serialize};

use super::Arguments;

/// Whether a command changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Changes something that can be changed back.
    Write,
    /// Cannot be undone, or loses data.
    Destructive,
}

/// How far a change reaches; decides how it is confirmed on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Nobody but the record is touched.
    Note,
    /// Noticed, and easily reversed.
    Reversible,
    /// Interrupts somebody's work.
    Disruptive,
    /// Cannot be reversed.
    Irreversible,
}

/// Whether there is a way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// The inverse restores what was.
    Exact,
    /// The inverse works while a condition holds.
    Conditional,
    /// Something is lost on the way.
    Lossy,
    /// There is none.
    None,
}

/// Effect, reach and undo of a command, given its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Class {
    /// Whether it changes anything.
    pub effect: Effect,
    /// How far the change reaches.
    pub reach: Reach,
    /// Whether there is a way back.
    pub undo: Undo,
}

impl Class {
    /// Changes nothing.
    pub const READ: Self = Self { effect: Effect::Read, reach: Reach::Note, undo: Undo::None };
    /// Adds to the record only.
    pub const NOTE: Self = Self { effect: Effect::Write, reach: Reach::Note, undo: Undo::None };
    /// Changes something that the inverse restores.
    pub const REVERSIBLE: Self = Self { effect: Effect::Write, reach: Reach::Reversible, undo: Undo::Exact };
    /// Cannot be undone.
    pub const IRREVERSIBLE: Self = Self { effect: Effect::Destructive, reach: Reach::Irreversible, undo: Undo::None };

    /// A class of its own.
    pub const fn new(effect: Effect, reach: Reach, undo: Undo) -> Self {
        Self { effect, reach, undo }
    }
}

/// The command that takes another one back.
#[derive(Clone)]
pub struct Inverse {
    /// Name of the inverse command, of the same connection.
    pub command: String,
    /// The inverse's arguments, from the arguments and the outcome of what is to be undone; `None` when there is nothing to undo.
    pub arguments: fn(&Arguments, &super::super::outcome::Outcome) -> Option<serde_json::Map<String, serde_json::Value>>,
    /// Under which condition it works, in words (`while the task has not run`).
    pub condition: String,
}

impl std::fmt::Debug for Inverse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inverse").field("command", &self.command).field("condition", &self.condition).finish_non_exhaustive()
    }
}
