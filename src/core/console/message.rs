//! Messages: everything that can happen to the console.

use serde_json::{Map, Value};

use super::action::Action;
use super::detail::Shown;
use super::effect::{CaseChange, Gather};
use super::form::body::Fault;
use super::keys::Key;
use super::notice::Tone;
use super::play::StepDone;
use super::reading::Reading;
use super::task::{Report, TaskId};
use super::views::Saved;
use super::work::{Arrived, Ticket, Work};
use crate::core::case::{Case, Dossier};
use crate::core::event::StoredEvent;
use crate::core::health::Health;
use crate::core::listing::{Grouping, Listed, Listing, Tally, View, Which};
use crate::core::lookup::Named;
use crate::core::outbox::Letter;
use crate::core::outcome::ReturnData;
use crate::core::playbook::Playbook;
use crate::core::triage::{Before, Change};

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// A change of events.
    Change(Vec<i64>, Change),
    /// A change taken back.
    Restored(Vec<Before>),
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Message {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The wheel turned: rows down, or up where negative.
    Scroll(isize),
    /// The terminal has this size now.
    Resized(u16, u16),
    /// Time passed that was asked for.
    Tick,
    /// The store was changed, by whomever.
    Changed,
    /// The terminal is ours again.
    Returned,
    /// The process was told to end.
    Stop,
    /// The answer to `Effect::Rows`.
    Rows(u64, Result<Listing, String>),
    /// The answer to `Effect::Tally`.
    Tallied(View, Option<Grouping>, Result<Tally, String>),
    /// The answer to `Effect::Members`: rows of a group.
    Members(u64, String, Result<Vec<Listed>, String>),
    /// The answer to `Effect::Mark`.
    Marked(View, Which, Option<Action>, Result<Vec<i64>, String>),
    /// The answer to `Effect::Show`.
    Shown(i64, Result<Box<Shown>, String>),
    /// The answer to `Effect::Gather`.
    Gathered(Gather, Result<Vec<StoredEvent>, String>),
    /// The answer to `Effect::Decide` and `Effect::Restore`: how the events were that it was recorded for, and why not for all.
    Decided(Decided, Vec<Before>, Option<String>),
    /// A task went on.
    Progress(TaskId, String, usize, Option<usize>),
    /// A task ended.
    Ended(TaskId, ReturnData, String, Option<Box<Report>>),
    /// A step of a playbook ended, of that task.
    Step(TaskId, Box<StepDone>),
    /// A playbook of that name was written, or not: all playbooks, and what was done.
    Playbooks(String, Result<(Vec<Playbook>, String), String>),
    /// What was accepted was observed to end, or not; of that task, where it is of this session.
    Followed(Option<TaskId>, Tone, String),
    /// The answer to `Effect::Pick`: values with their names.
    Picks(u64, String, Result<Named, String>),
    /// The answer to `Effect::Name`: the same for values that are there already.
    Names(u64, String, Result<Named, String>),
    /// The answer to `Effect::Check`: what is wrong with that text of a form's field.
    Checked(u64, String, u64, Vec<Fault>),
    /// What a connection does of itself just now; none when that ended.
    Job(String, Option<&'static str>),
    /// The answer to `Effect::Health`.
    Health(Vec<Health>),
    /// The answer to `Effect::Outbox` and to what changes it.
    Outbox(Result<Vec<Letter>, String>),
    /// A letter was held: the vendor says otherwise now.
    Held(TaskId, Box<Letter>),
    /// The answer to `Effect::Count`.
    Counts(Vec<(String, usize)>),
    /// The answer to `Effect::KeepView` and `Effect::ForgetView`: the analyst's own views, and what was done.
    Views(Result<(Vec<Saved>, String), String>),
    /// The answer to `Effect::Open`, and what it brings.
    Opened(u64, Box<Self>),
    /// A page to show.
    Page(String, Vec<String>),
    /// The answer to `Effect::Cases`.
    Cases(Result<Vec<Case>, String>),
    /// The answer to `Effect::Case`.
    Case(String, Result<Box<Dossier>, String>),
    /// The answer to `Effect::OnCase`: what was done.
    OnCase(CaseChange, Result<String, String>),
    /// A document to show on top.
    Document(Result<Box<Reading>, String>),
    /// The answer to `Effect::Draft`.
    Draft(u64, Map<String, Value>),
    /// The answer to `Effect::AddConnection`: vendor and name, and why not.
    Added(String, String, Result<(), String>),
    /// The answers to `Effect::Read`.
    Read(Ticket, Arrived),
    /// Work on a document is so many percent done.
    Working(Ticket, usize),
    /// The answer to `Effect::Work`.
    Worked(Box<Work>),
    /// Something to tell.
    Notice(Tone, String),
}
