//! Tasks: what runs, what ran, and which results are still wanted.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::confirm::Ready;
use crate::core::catalogue::Given;
use crate::core::json::Document;
use crate::core::outcome::{Outcome, ReturnData};
use crate::core::telling::Call;

/// Number of a task.
pub type TaskId = u64;

/// How far a task is.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It runs.
    Running {
        /// What it does just now.
        text: String,
        /// How much is done.
        done: usize,
        /// Of how much, where that is known.
        total: Option<usize>,
    },
    /// It was asked to stop.
    Cancelling,
    /// It ended.
    Ended(ReturnData),
}

/// How far it is with what the vendor accepted: accepted is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The vendor took it; it has not been seen to run.
    Accepted,
    /// It was seen to have ended, well or not.
    Observed {
        /// Whether it ended well.
        well: bool,
    },
}

/// The whole of what a command gave back.
#[derive(Clone, Debug)]
pub struct Report {
    /// The outcome.
    pub outcome: Outcome,
    /// Its raw data, as a document.
    pub document: Document,
    /// Whether nothing was sent, because the vendor could not be reached.
    pub unsent: bool,
}

/// Something that runs or ran.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// What it is, for people: `Isolate Endpoints on eset`.
    pub title: String,
    /// The connection.
    pub connection: String,
    /// The command; empty for a fetch.
    pub command: String,
    /// What it was given, secrets masked.
    pub arguments: Map<String, Value>,
    /// The same as it was given; none for fetches, tests and playbooks.
    pub given: Option<Vec<(String, Given)>>,
    /// The events that it is about.
    pub events: Vec<i64>,
    /// Whether it changes anything.
    pub changes: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The run of a playbook that it was a step of.
    pub part_of: Option<TaskId>,
    /// How far it is.
    pub state: State,
    /// What it says at its end.
    pub message: String,
    /// What it gave back.
    pub report: Option<Box<Report>>,
    /// How far it is with what the vendor accepted, where that is followed.
    pub stage: Option<Stage>,
    /// The run, where it is one that changes something.
    pub ready: Option<Box<Ready>>,
    /// The calls that tell vendors, where that is what it does.
    pub calls: Vec<Call>,
    /// Whether its run is in the outbox.
    pub kept: bool,
}

impl Task {
    /// Whether it has not ended.
    pub fn is_running(&self) -> bool {
        !matches!(self.state, State::Ended(_))
    }
}

/// The tasks, newest first.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    /// The tasks.
    pub list: Vec<Task>,
    /// Which is selected.
    pub selected: Option<TaskId>,
    next: TaskId,
}

/// How many ended tasks are kept.
const KEPT: usize = 200;

impl Tasks {
    /// Begins a task.
    pub fn begin(&mut self, now: Timestamp, title: String, connection: &str, command: &str) -> TaskId {
        let id = self.insert(0, now, title, connection, command);
        self.selected = Some(id);
        id
    }

    /// Puts a task that ended just now below another one; nothing where that is not kept any more.
    pub fn insert_below(&mut self, above: TaskId, now: Timestamp, title: String, connection: &str, command: &str) -> Option<TaskId> {
        let place = self.list.iter().position(|task| task.id == above)? + 1;
        let id = self.insert(place, now, title, connection, command);
        self.get_mut(id)?.ended_at = Some(now);
        Some(id)
    }

    fn insert(&mut self, place: usize, now: Timestamp, title: String, connection: &str, command: &str) -> TaskId {
        self.next += 1;
        let id = self.next;
        let task = Task {
            id,
            title,
            connection: connection.into(),
            command: command.into(),
            arguments: Map::new(),
            given: None,
            events: Vec::new(),
            changes: false,
            part_of: None,
            started_at: now,
            ended_at: None,
            state: State::Running { text: "starting".into(), done: 0, total: None },
            message: String::new(),
            report: None,
            stage: None,
            ready: None,
            calls: Vec::new(),
            kept: false,
        };
        self.list.insert(place, task);
        if self.list.len() > KEPT
            && let Some(at) = self.list.iter().rposition(|task| !task.is_running())
        {
            self.list.remove(at);
        }
        id
    }

    /// A task by number.
    pub fn get(&self, id: TaskId) -> Option<&Task> {
        self.list.iter().find(|task| task.id == id)
    }

    /// A task by number, to change.
    pub fn get_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        self.list.iter_mut().find(|task| task.id == id)
    }

    /// What runs.
    pub fn running(&self) -> impl Iterator<Item = &Task> {
        self.list.iter().filter(|task| task.is_running())
    }

    /// What the last command answered.
    pub fn last_answer(&self) -> Option<&serde_json::Value> {
        let ended = self.list.iter().filter(|task| !task.command.is_empty());
        ended.filter_map(|task| task.report.as_ref()).map(|report| &report.outcome.raw_data).next()
    }

    /// The selected task.
    pub fn current(&self) -> Option<&Task> {
        self.selected.and_then(|id| self.get(id))
    }

    /// The place of the selection.
    pub fn place(&self) -> usize {
        self.list.iter().position(|task| Some(task.id) == self.selected).unwrap_or(0)
    }

    /// The first task on a screen that has room for so many.
    pub fn first(&self, room: usize) -> usize {
        (self.place() + 1).saturating_sub(room.max(1))
    }

    /// Moves the selection.
    pub fn move_by(&mut self, rows: isize) {
        let place = self.place().saturating_add_signed(rows).min(self.list.len().saturating_sub(1));
        self.selected = self.list.get(place).map(|task| task.id);
    }

    /// Takes an ended task off the list.
    pub fn dismiss(&mut self) {
        let place = self.place();
        if self.list.get(place).is_some_and(|task| !task.is_running()) {
            self.list.remove(place);
            self.selected = self.list.get(place.min(self.list.len().saturating_sub(1))).map(|task| task.id);
        }
    }
}
