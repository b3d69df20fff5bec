//! Effects: everything that the console may ask of the world, as plain data.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::action::Action;
use super::add::Wanted;
use super::confirm::Ready;
use super::form::body::Rules;
use super::play::Play;
use super::task::TaskId;
use super::views::Saved;
use super::work::{Ticket, Work};
use crate::core::catalogue::{Given, Pick, Ruling};
use crate::core::json::Document;
use crate::core::listing::{Grouping, View, Which};
use crate::core::lookup::Asked;
use crate::core::outbox::{Difference, LetterId};
use crate::core::playbook::Playbook;
use crate::core::telling::Call;
use crate::core::triage::{Before, Change};

/// What an analyst does to a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseChange {
    /// Opened, about something.
    Open(String),
    /// A note was written.
    Note(String),
    /// Closed.
    Close,
    /// Opened again.
    Reopen,
    /// Events were taken out.
    Remove(Vec<i64>),
    /// A file was put in.
    File(String),
}

/// Why the records of events are wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Gather {
    /// To list what can be done.
    Act,
    /// To list what can be pivoted on.
    Pivot,
    /// To list the quick commands.
    Quick,
    /// To fill a form.
    Form {
        /// The connection.
        connection: String,
        /// The command.
        command: String,
        /// Values that are known already.
        values: Map<String, Value>,
    },
    /// To list the playbooks.
    Playbooks,
    /// To run the playbook of that name.
    Play(String),
    /// To save what was recorded under that name.
    Record(String),
    /// To copy as JSON.
    Copy,
    /// To say in the verdict sheet what the vendors can be told.
    Offer,
    /// To tell the vendors of a ruling; without one, of what each event is here.
    Tell(Option<Ruling>),
}

/// A program that gets a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// `$PAGER`.
    Pager,
    /// `$EDITOR`.
    Editor,
}

/// Where a document comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, by its path.
    File(String),
    /// What is piped in.
    Input,
}

/// A text for the world outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Text {
    /// As it is.
    Plain(String),
    /// A document, pretty-printed; the world does that, since it may be large.
    Pretty(Document),
}

impl Text {
    /// The text, part by part.
    pub fn parts(&self) -> Box<dyn Iterator<Item = String> + Send + '_> {
        match self {
            Self::Plain(text) => Box::new(std::iter::once(text.clone())),
            Self::Pretty(document) if document.root().is_some() => Box::new(document.pretty_parts()),
            Self::Pretty(document) => Box::new(std::iter::once(String::from_utf8_lossy(document.bytes()).into_owned())),
        }
    }
}

/// What the world is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// List events; answered by `Rows`.
    Rows {
        /// Number of the request.
        generation: u64,
        /// What to list.
        view: View,
        /// The most rows.
        limit: usize,
    },
    /// Count all events of a view, by group where it is grouped; answered by `Tallied`.
    Tally(View, Option<Grouping>),
    /// List the events of a group; answered by `Members`.
    Members {
        /// Number of the list.
        generation: u64,
        /// What is listed.
        view: View,
        /// How it is grouped.
        grouping: Grouping,
        /// The group.
        group: String,
    },
    /// Find out which events of a view are meant, to mark them; answered by `Marked`.
    Mark {
        /// The view.
        view: View,
        /// Which of its events.
        which: Which,
        /// What is to be done with them at once.
        then: Option<Action>,
    },
    /// Read one event with all that is known about it; answered by `Shown`. It counts as looked at.
    Show(i64),
    /// Ask for what opens something; answered by `Opened` with that number around the answer itself.
    Open(u64, Box<Self>),
    /// Read events; answered by `Gathered`.
    Gather(Vec<i64>, Gather),
    /// Record a decision; answered by `Decided`.
    Decide(Vec<i64>, Change),
    /// Set events back to what they were; answered by `Decided`.
    Restore(Vec<Before>),
    /// Run a command; answered by `Progress` and one `Ended`.
    Run(TaskId, Ready),
    /// Run a playbook; answered by `Progress`, a `Step` for each of its steps, and one `Ended`.
    Play(TaskId, Box<Play>),
    /// Write a playbook into the analyst's folder; answered by `Playbooks`.
    KeepPlaybook(Box<Playbook>),
    /// Make a playbook of that name from what was done on an event; answered by `Playbooks`.
    RecordEvent(i64, String),
    /// Tell vendors what was decided; answered by `Progress` and one `Ended`.
    Tell(TaskId, Vec<Call>),
    /// Put a task's run into the outbox; answered by `Outbox` and a notice.
    KeepForLater(TaskId, Ready),
    /// Read the outbox; answered by `Outbox`.
    Outbox,
    /// Send a letter, if nothing differs but what was confirmed; answered by `Ended` or `Held`.
    Post(TaskId, LetterId, Option<Vec<Difference>>),
    /// Take a letter back; answered by `Outbox` and a notice.
    TakeBack(LetterId),
    /// Build a command's requests without sending them; answered by `Page`.
    Plan {
        /// The connection.
        connection: String,
        /// The command.
        command: String,
        /// What it is given.
        given: Vec<(String, Given)>,
        /// What the ids in it are called.
        names: BTreeMap<String, String>,
    },
    /// Read a list to choose from; answered by `Picks`.
    Pick {
        /// Number of the form.
        form: u64,
        /// The parameter.
        field: String,
        /// The connection.
        connection: String,
        /// The list.
        pick: Pick,
        /// What it is read for.
        asked: Asked,
    },
    /// Read what values are called; answered by `Names`.
    Name {
        /// Number of the form.
        form: u64,
        /// The parameter.
        field: String,
        /// The connection.
        connection: String,
        /// What tells it.
        pick: Pick,
        /// The values.
        asked: Asked,
    },
    /// Check the large JSON of a form's field, away from the loop; answered by `Checked`.
    Check {
        /// Number of the form.
        form: u64,
        /// The parameter.
        field: String,
        /// Which of its texts it is.
        revision: u64,
        /// The text.
        text: String,
        /// What it is checked against.
        rules: Arc<Rules>,
    },
    /// Bring new events; answered by `Progress` and one `Ended`.
    Fetch {
        /// The task.
        task: TaskId,
        /// The connection.
        connection: String,
        /// The window, where it is not the next increment.
        window: Option<(Timestamp, Timestamp)>,
    },
    /// Run a connection's test; answered by one `Ended`.
    Test(TaskId, String),
    /// Stop a task.
    Cancel(TaskId),
    /// Write a connection into the configuration, its secrets into the vault; answered by `Added`.
    AddConnection(Wanted),
    /// Read the state of the connections; answered by `Health`.
    Health,
    /// Read what was run and decided, times in that zone; answered by `Page`.
    History(TimeZone),
    /// List the cases; answered by `Cases`.
    Cases,
    /// Read a case with all that belongs to it; answered by `Case`.
    Case(String),
    /// Change a case (a new one has no name yet); answered by `OnCase`.
    OnCase(String, CaseChange),
    /// Write a case to a file.
    ExportCase(String, String),
    /// Read what the program logged, times in that zone; answered by `Page`.
    Log(TimeZone),
    /// Find what a JSONPath picks in a document; answered by `Document`.
    Extract(Document, String),
    /// Compare a revision of an event with the one before it; answered by `Document`.
    Changes(i64, u32),
    /// Put a text on the clipboard.
    Copy(String),
    /// Hand a text to a program.
    Outside(Outside, Text),
    /// Pipe a text into a shell line; answered by `Page`, or by a notice where it failed.
    Pipe(String, Text),
    /// Write a text to a file.
    Save(String, Text),
    /// Read a document; answered by `Read` as it comes.
    Read(Ticket, Source),
    /// Work on a large document; answered by `Working` and one `Worked`.
    Work(Box<Work>),
    /// Count the events of queries, each under a name; answered by `Counts`.
    Count(Vec<(String, String)>),
    /// Write a view into the file of views; answered by `Views`.
    KeepView(Saved),
    /// Take a view out of that file; answered by `Views`.
    ForgetView(String),
    /// Keep the state of the session.
    Keep(Value),
    /// Read the draft of a form; answered by `Draft`.
    Draft(u64, String, String),
    /// Keep the draft of a form, or forget it where it is empty.
    KeepDraft(String, String, Map<String, Value>),
    /// Send a `Tick` at that time.
    Wake(Timestamp),
    /// Turn the mouse on or off.
    Mouse(bool),
    /// Draw everything anew.
    Redraw,
    /// Go to the background.
    Suspend,
    /// Leave.
    Quit,
}
