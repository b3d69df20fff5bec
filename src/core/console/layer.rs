//! The overlay stack: the top layer gets the key first.

use super::cases::{CaseView, Cases};
use super::chooser::Chooser;
use super::columns::Columns;
use super::confirm::Confirm;
use super::dispose::Dispose;
use super::explorer::{Explorer, Face};
use super::form::Form;
use super::guide::Guide;
use super::line::Line;
use super::play::Sheet;
use super::reading::Reading;
use super::task::{TaskId, Tasks};
use crate::core::outcome::ReturnData;
use crate::core::query::complete::Completion;

/// What lies over the panes.
#[derive(Clone, Debug)]
pub enum Layer {
    /// A page of text.
    Page(Page),
    /// A document: from outside, or taken from what lies below.
    Document(Box<Reading>),
    /// The list of cases.
    Cases(Box<Cases>),
    /// A case.
    Case(Box<CaseView>),
    /// The columns of the table below.
    Columns(Box<Columns>),
    /// What a task gave back.
    Outcome(Box<OutcomeView>),
    /// A list to choose from.
    Chooser(Box<Chooser>),
    /// A form.
    Form(Box<Form>),
    /// The dry run of a playbook.
    Sheet(Box<Sheet>),
    /// A question.
    Confirm(Box<Confirm>),
    /// One line to type.
    Prompt(Box<Prompt>),
    /// A verdict.
    Dispose(Box<Dispose>),
    /// A guided sign-in.
    Guide(Box<Guide>),
    /// The outbox.
    Outbox,
}

impl Layer {
    /// Whether it covers all panes and what lies below it.
    pub fn covers(&self) -> bool {
        matches!(self, Self::Page(_) | Self::Outcome(_) | Self::Document(_) | Self::Sheet(_) | Self::Cases(_) | Self::Case(_))
    }

    /// What it is, in a few words.
    pub fn title(&self, tasks: &Tasks) -> String {
        match self {
            Self::Page(page) => page.title.clone(),
            Self::Document(reading) => reading.title.clone(),
            Self::Columns(_) => "Columns".into(),
            Self::Cases(_) => "Cases".into(),
            Self::Case(view) => format!("Case {}", view.name),
            Self::Outcome(view) => tasks.get(view.task).map(|task| task.title.clone()).unwrap_or_default(),
            Self::Chooser(chooser) => chooser.title.clone(),
            Self::Form(form) => form.command.title.clone(),
            Self::Confirm(confirm) => confirm.title.clone(),
            Self::Prompt(prompt) => prompt.asks.label().into(),
            Self::Dispose(_) => "Close".into(),
            Self::Sheet(sheet) => format!("Dry run of {}", sheet.play.run.playbook().title),
            Self::Guide(guide) => format!("Sign in · {}", guide.connection),
            Self::Outbox => "Outbox".into(),
        }
    }
}

/// A page of text.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What it is.
    pub title: String,
    /// Its lines.
    pub lines: Vec<String>,
    /// First line on the screen.
    pub first: usize,
    /// What was searched for.
    pub needle: String,
    /// What it was made from, where its lines are broken to be read; this is what leaves the console then.
    pub source: Option<String>,
}

/// Longer lines are broken where a text is shown to be read: what lies beyond the screen could not be scrolled to.
const LINE: usize = 1000;

impl Page {
    /// A text to be read.
    pub fn of_text(title: String, text: String) -> Self {
        let mut lines = Vec::new();
        for line in text.lines() {
            let letters: Vec<char> = line.chars().collect();
            lines.extend(letters.chunks(LINE).map(|part| part.iter().collect::<String>()));
            if letters.is_empty() {
                lines.push(String::new());
            }
        }
        Self { title, lines, source: Some(text), ..Self::default() }
    }

    /// What leaves the console when the page is copied, piped or written.
    pub fn text(&self) -> String {
        self.source.clone().unwrap_or_else(|| self.lines.join("\n"))
    }

    /// Goes to the next or previous line that has what was searched for.
    pub fn next_hit(&mut self, forward: bool) -> bool {
        let needle = self.needle.to_lowercase();
        let has = |line: &String| line.to_lowercase().contains(&needle);
        let found = if forward {
            self.lines.iter().skip(self.first + 1).position(has).map(|at| at + self.first + 1)
        } else {
            self.lines.iter().take(self.first).rposition(has)
        };
        self.first = found.unwrap_or(self.first);
        found.is_some()
    }
}

/// A side of an outcome, named as the source documents name them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// State and message.
    #[default]
    ReturnData,
    /// The result summary.
    Result,
    /// The raw data as a tree.
    Raw,
    /// The raw data as a table.
    Table,
    /// The key fields.
    KeyFields,
    /// What went wrong.
    Error,
}

impl Side {
    /// Every side with its title.
    pub const ALL: [(&'static str, Self); 6] = [
        ("Return Data", Self::ReturnData),
        ("Result", Self::Result),
        ("Raw", Self::Raw),
        ("Table", Self::Table),
        ("Key fields", Self::KeyFields),
        ("Error", Self::Error),
    ];

    /// The face of the document that it shows.
    pub fn face(self) -> Option<Face> {
        match self {
            Self::Raw => Some(Face::Tree),
            Self::Table => Some(Face::Table),
            _ => None,
        }
    }
}

/// What a task gave back, on show.
#[derive(Clone, Debug)]
pub struct OutcomeView {
    /// The task.
    pub task: TaskId,
    /// The side on show.
    pub side: Side,
    /// The raw data, once it is there.
    pub explorer: Option<Explorer>,
    /// First line on the screen.
    pub first: usize,
}

impl OutcomeView {
    /// A view of a task.
    pub fn new(task: TaskId) -> Self {
        Self { task, side: Side::ReturnData, explorer: None, first: 0 }
    }

    /// Takes up the end of the task: what went wrong is shown first.
    pub fn fill(&mut self, explorer: Explorer, return_data: ReturnData, errors: usize) {
        self.explorer = Some(explorer);
        if errors > 0 && return_data != ReturnData::Successful {
            self.side = Side::ReturnData;
        }
    }

    /// Goes to the side beside this.
    pub fn turn(&mut self, forward: bool) {
        let count = Side::ALL.len();
        let at = Side::ALL.iter().position(|(_, side)| *side == self.side).unwrap_or(0);
        let at = if forward { (at + 1) % count } else { (at + count - 1) % count };
        self.side = Side::ALL.get(at).map_or(Side::ReturnData, |(_, side)| *side);
        self.first = 0;
        if self.side == Side::Table
            && let Some(explorer) = &mut self.explorer
        {
            explorer.show_table();
        }
    }
}

/// What a typed line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// The queue's query.
    Filter,
    /// Something to search for in what is on show.
    Find,
    /// A note.
    Note,
    /// A case.
    Case,
    /// A shell line that gets the document.
    Pipe,
    /// A file to write the document to.
    Save,
    /// A file to open.
    Open,
    /// A JSONPath that picks values of the document.
    Path,
    /// What a new case is about.
    NewCase,
    /// A note on a case.
    CaseNote,
    /// A file to put into a case.
    CaseFile,
    /// A file to write a case to.
    Export,
    /// The name of a view.
    View,
    /// The name of the playbook that is being recorded.
    Recording,
    /// The name of a playbook made from what was done on an event.
    Playbook,
}

impl Asks {
    /// What stands before the line.
    pub fn label(self) -> &'static str {
        match self {
            Self::Filter => "/",
            Self::Find => "search",
            Self::Note => "note",
            Self::Case => "case",
            Self::Pipe => "|",
            Self::Save => "write to",
            Self::Open => "open",
            Self::Path => "path",
            Self::NewCase => "what the case is about",
            Self::CaseNote => "note on the case",
            Self::CaseFile => "file to add",
            Self::Export => "write the case to (.md .csv .jsonl .ocsf.jsonl)",
            Self::View => "save this view as",
            Self::Recording | Self::Playbook => "name of the playbook",
        }
    }
}

/// One line to type.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What it is for.
    pub asks: Asks,
    /// The events that it is about.
    pub events: Vec<i64>,
    /// The case that it is about.
    pub case: Option<String>,
    /// What was typed.
    pub line: Line,
    /// Why it is not accepted.
    pub error: Option<String>,
    /// Where that is in the line, in characters.
    pub spot: Option<usize>,
    /// What could come next.
    pub completion: Completion,
    /// Which of its texts was put in last.
    pub candidate: Option<usize>,
    /// Earlier lines, oldest first.
    pub earlier: Vec<String>,
    /// Which of them is shown.
    pub recalled: Option<usize>,
}

impl Prompt {
    /// A prompt with a text to begin with.
    pub fn new(asks: Asks, text: &str) -> Self {
        Self {
            asks,
            events: Vec::new(),
            case: None,
            line: Line::new(text),
            error: None,
            spot: None,
            completion: Completion::default(),
            candidate: None,
            earlier: Vec::new(),
            recalled: None,
        }
    }

    /// Puts the next candidate in.
    pub fn next_candidate(&mut self) {
        let next = self.candidate.map_or(0, |at| (at + 1) % self.completion.texts.len().max(1));
        if let Some(text) = self.completion.texts.get(next) {
            self.candidate = Some(next);
            self.line.replace_from(self.completion.from, text);
        }
    }

    /// Brings an earlier line back, or a later one.
    pub fn recall(&mut self, back: bool) {
        let last = self.earlier.len().checked_sub(1);
        self.recalled = match (self.recalled, back) {
            (None, true) => last,
            (Some(at), true) => Some(at.saturating_sub(1)),
            (Some(at), false) if Some(at) < last => Some(at + 1),
            _ => None,
        };
        let text = self.recalled.and_then(|at| self.earlier.get(at).cloned()).unwrap_or_default();
        self.line.set(&text);
    }
}
