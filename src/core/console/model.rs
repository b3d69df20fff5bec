//! The model: every fact on the screen or in flight. The loop owns it and nobody else.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::action::{Action, Context};
use super::add::Connectable;
use super::confirm::Ready;
use super::detail::Detail;
use super::effect::Effect;
use super::explorer::{Explorer, Face};
use super::keys::{Key, Keymap};
use super::layer::Layer;
use super::meter::Meter;
use super::notice::{Notices, Tone};
use super::opening::Opening;
use super::queue::{FIRST_LIMIT, Queue};
use super::recording::Recording;
use super::task::{TaskId, Tasks};
use super::views::Saved;
use crate::core::catalogue::Command;
use crate::core::event::Disposition;
use crate::core::health::{Connected, Health, Misconfigured};
use crate::core::outbox::Outbox;
use crate::core::playbook::Playbook;
use crate::core::triage::Before;

/// A pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The connections.
    Connections,
    /// The queue.
    #[default]
    Queue,
    /// The event on show.
    Record,
    /// The tasks.
    Tasks,
}

impl Pane {
    /// The panes in the order of tab.
    pub const ALL: [Self; 4] = [Self::Connections, Self::Queue, Self::Record, Self::Tasks];
}

/// What the last drawing found out: how many rows each part has. Keys are never routed by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// Rows of the queue.
    pub queue: usize,
    /// Rows of the event pane's body.
    pub record: usize,
    /// Rows of the top layer's body.
    pub layer: usize,
    /// Tasks that fit.
    pub tasks: usize,
    /// First connection on the screen.
    pub connections: usize,
    /// Lines of the question on top, at the width that there is.
    pub question: usize,
    /// First line of the page on top when its end is on the screen.
    pub page_end: usize,
}

/// Something that can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub enum Undoable {
    /// A decision: what the events were before.
    Decision(Vec<Before>),
    /// A run.
    Run(Way),
}

/// The way back from a run: the form that takes it back.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// The run.
    pub task: TaskId,
    /// The connection.
    pub connection: String,
    /// The command that takes it back, its arguments, and under which condition it does.
    pub back: (String, Map<String, Value>, String),
    /// The same for as long as the run was accepted and not observed yet.
    pub recall: Option<(String, Map<String, Value>, String)>,
}

/// What comes after the console.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Exit {
    /// The shell.
    #[default]
    Shell,
    /// The console again, as the connections are others now; with something to tell.
    Again(String),
    /// The demo.
    Demo,
}

/// Whether the vendor is told of a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tell {
    /// When the analyst says so.
    #[default]
    Ask,
    /// Whenever it can be told.
    Always,
    /// Not even offered.
    Never,
}

/// How the console is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The connections and what they can do.
    pub connected: Vec<Connected>,
    /// Systems that connections can be made to.
    pub vendors: Vec<Connectable>,
    /// Connections that cannot be used as they are configured.
    pub misconfigured: Vec<Misconfigured>,
    /// The keys.
    pub keymap: Keymap,
    /// Names of the colour themes.
    pub themes: Vec<String>,
    /// The colours to begin with.
    pub theme: String,
    /// The theme that settings and environment ask for; the analyst may have chosen another since.
    pub given_theme: String,
    /// The analyst's own views.
    pub views: Vec<Saved>,
    /// The playbooks, by name.
    pub playbooks: Vec<Playbook>,
    /// Whether nothing may be changed.
    pub read_only: bool,
    /// Whether only ASCII is drawn.
    pub ascii: bool,
    /// The analyst's name.
    pub analyst: String,
    /// The local time zone, for times shown on request.
    pub zone: jiff::tz::TimeZone,
    /// Where simulators stand behind the connections.
    pub demo: bool,
    /// Where there is nothing but a document: no connections and no store.
    pub alone: bool,
    /// Milliseconds before a question about a change can be answered.
    pub arm_millis: i64,
    /// Closing notes of the settings, offered before ours.
    pub templates: Vec<String>,
    /// Whether the vendor is told of decisions.
    pub tell: Tell,
}

/// What has no meaning where there is nothing but a document.
const NEEDS_CONNECTIONS: &[Action] = &[
    Action::Filter,
    Action::NextPane,
    Action::PreviousPane,
    Action::ShowConnections,
    Action::ShowQueue,
    Action::ShowRecord,
    Action::ShowTasks,
    Action::Zoom,
    Action::Views,
    Action::SaveView,
    Action::ForgetView,
    Action::History,
    Action::OpenOutbox,
    Action::ShowCases,
];

/// The query that the console opens with: what is still to be decided.
pub const OPEN: &str = "-status:closed";

/// Every fact on the screen or in flight.
#[derive(Clone, Debug)]
pub struct Model {
    /// The time; the loop sets it before every message.
    pub now: Timestamp,
    /// The terminal's size.
    pub size: (u16, u16),
    /// How the console is set up.
    pub setup: Setup,
    /// The pane in focus.
    pub focus: Pane,
    /// Whether that pane has the whole screen.
    pub zoomed: bool,
    /// What lies over the panes.
    pub layers: Vec<Layer>,
    /// The keys of a chord so far.
    pub pending: Vec<Key>,
    /// Keys for what is not there yet: a view of the queue, marks, what is about to open. They are taken when it is.
    pub early: Vec<Key>,
    /// What is about to open.
    pub opening: Option<Opening>,
    /// Counter of what was asked for to be opened.
    pub openings: u64,
    /// The queue.
    pub queue: Queue,
    /// The event on show.
    pub detail: Detail,
    /// How the connections are.
    pub health: Vec<Health>,
    /// What connections do of themselves just now, by connection.
    pub jobs: BTreeMap<String, &'static str>,
    /// Which connection is selected, by name.
    pub connection: Option<String>,
    /// The tasks.
    pub tasks: Tasks,
    /// The notices.
    pub notices: Notices,
    /// The key and time meter.
    pub meter: Meter,
    /// Decisions that are being recorded.
    pub deciding: usize,
    /// What can be taken back, the last at the end.
    pub undo: Vec<Undoable>,
    /// The last verdict and note.
    pub last_verdict: Option<(Disposition, String)>,
    /// Whether the vendor was told of it when it was given on the sheet.
    pub last_told: bool,
    /// Whether it was repeated since without telling the vendor again.
    pub only_here: bool,
    /// The events whose vendors were told of the verdict that they have, or had, here.
    pub told: BTreeSet<i64>,
    /// The last run.
    pub last_run: Option<Ready>,
    /// The recording under way.
    pub recording: Option<Recording>,
    /// The outbox.
    pub outbox: Outbox,
    /// Notes that were put away with escape, the last at the end.
    pub put_away: Vec<Layer>,
    /// When what is being typed is kept, unless more is typed.
    pub keep_at: Option<Timestamp>,
    /// Earlier queries.
    pub queries: Vec<String>,
    /// Earlier JSONPaths.
    pub paths: Vec<String>,
    /// Whether times are shown in local time.
    pub local_time: bool,
    /// Whether documents show timestamps and numbers since an epoch as times.
    pub times: bool,
    /// Whether letters stand beside the rows, and the next key is one of them.
    pub jumping: bool,
    /// Whether the mouse is on.
    pub mouse: bool,
    /// What the last drawing found out.
    pub screen: Screen,
    /// Whether the end has come.
    pub leaving: bool,
    /// What comes after it.
    pub exit: Exit,
    /// Counter of form numbers.
    pub next_form: u64,
}

impl Model {
    /// The console before anything was read.
    pub fn new(setup: Setup, now: Timestamp) -> Self {
        let mut queue = Queue::default();
        queue.view.query = OPEN.into();
        queue.limit = FIRST_LIMIT;
        let connection = setup.connected.first().map(|connected| connected.name.clone());
        Self {
            now,
            size: (80, 24),
            setup,
            focus: Pane::Queue,
            zoomed: false,
            layers: Vec::new(),
            pending: Vec::new(),
            early: Vec::new(),
            opening: None,
            openings: 0,
            queue,
            detail: Detail::default(),
            health: Vec::new(),
            jobs: BTreeMap::new(),
            connection,
            tasks: Tasks::default(),
            notices: Notices::default(),
            meter: Meter::new(now),
            deciding: 0,
            undo: Vec::new(),
            last_verdict: None,
            last_told: false,
            only_here: false,
            told: BTreeSet::new(),
            last_run: None,
            recording: None,
            outbox: Outbox::default(),
            put_away: Vec::new(),
            keep_at: None,
            queries: Vec::new(),
            paths: Vec::new(),
            local_time: false,
            times: false,
            jumping: false,
            mouse: false,
            screen: Screen::default(),
            leaving: false,
            exit: Exit::Shell,
            next_form: 0,
        }
    }

    /// What is asked for when the console opens.
    pub fn start(&mut self) -> Vec<Effect> {
        vec![self.list(), Effect::Health, Effect::Outbox]
    }

    /// Asks for the queue's rows.
    pub fn list(&mut self) -> Effect {
        self.queue.generation += 1;
        self.queue.loading = true;
        Effect::Rows { generation: self.queue.generation, view: self.queue.view.clone(), limit: self.queue.limit.max(FIRST_LIMIT) }
    }

    /// Whether nothing is configured yet, so that there is nothing but a welcome to show.
    pub fn is_new(&self) -> bool {
        !self.setup.alone && self.setup.connected.is_empty() && self.setup.misconfigured.is_empty()
    }

    /// A connection by name.
    pub fn connected(&self, name: &str) -> Option<&Connected> {
        self.setup.connected.iter().find(|connected| connected.name == name)
    }

    /// A command of a connection.
    pub fn command(&self, connection: &str, command: &str) -> Option<&Command> {
        self.connected(connection)?.entry.command(command)
    }

    /// How a connection is.
    pub fn health_of(&self, name: &str) -> Option<&Health> {
        self.health.iter().find(|health| health.connection == name)
    }

    /// Tells the analyst something.
    pub fn tell(&mut self, tone: Tone, text: impl Into<String>) {
        self.notices.add(self.now, tone, text);
    }

    /// Which of what can be taken back is next: the last of all, or on an outcome the last way back of what is shown.
    pub fn undoable(&self) -> Option<usize> {
        match self.layers.last() {
            None => self.undo.len().checked_sub(1),
            Some(Layer::Outcome(view)) => self.way_back(view.task),
            Some(_) => None,
        }
    }

    /// The last way back of a run, or of a playbook's steps.
    pub fn way_back(&self, task: TaskId) -> Option<usize> {
        let of = |run: TaskId| run == task || self.tasks.get(run).is_some_and(|step| step.part_of == Some(task));
        self.undo.iter().rposition(|known| matches!(known, Undoable::Run(way) if of(way.task)))
    }

    /// The face of the document under the keys, if there is one.
    pub fn face(&self) -> Option<Face> {
        match self.layers.last() {
            Some(Layer::Outcome(view)) => view.explorer.as_ref().and(view.side.face()),
            Some(Layer::Document(reading)) => Some(reading.face),
            Some(_) => None,
            None if self.focus == Pane::Record => self.detail.shown.as_ref().and(self.detail.face()),
            None => None,
        }
    }

    /// The document under the keys, whichever side of it is shown.
    pub fn explorer(&self) -> Option<&Explorer> {
        match self.layers.last() {
            Some(Layer::Outcome(view)) => view.explorer.as_ref(),
            Some(Layer::Document(reading)) => Some(&reading.explorer),
            Some(_) => None,
            None => self.detail.shown.as_ref().map(|shown| &shown.explorer),
        }
    }

    /// The document under the keys, or under the list of its columns, with the face that shows it.
    pub fn explorer_mut(&mut self) -> Option<(Face, &mut Explorer)> {
        match self.layers.iter_mut().rev().find(|layer| !matches!(layer, Layer::Columns(_))) {
            Some(Layer::Outcome(view)) => view.side.face().zip(view.explorer.as_mut()),
            Some(Layer::Document(reading)) => Some((reading.face, &mut reading.explorer)),
            Some(_) => None,
            None if self.focus == Pane::Record => self.detail.tab.face().zip(self.detail.shown.as_mut().map(|shown| &mut shown.explorer)),
            None => None,
        }
    }

    /// Every document that is open.
    pub fn explorers_mut(&mut self) -> impl Iterator<Item = &mut Explorer> {
        let shown = self.detail.shown.as_mut().map(|shown| &mut shown.explorer);
        let layers = self.layers.iter_mut().filter_map(|layer| match layer {
            Layer::Outcome(view) => view.explorer.as_mut(),
            Layer::Document(reading) => Some(&mut reading.explorer),
            _ => None,
        });
        shown.into_iter().chain(layers)
    }

    /// Where keys are looked up now, first to last. Empty where they are text.
    pub fn contexts(&self) -> Vec<Context> {
        let face = match self.face() {
            Some(Face::Table) => Some(Context::Table),
            Some(_) => Some(Context::Tree),
            None => None,
        };
        let mut contexts: Vec<Context> = face.into_iter().collect();
        match self.layers.last() {
            Some(Layer::Page(_) | Layer::Outcome(_) | Layer::Document(_)) => contexts.extend([Context::Page, Context::Global]),
            Some(Layer::Columns(_)) => contexts.push(Context::Checklist),
            Some(Layer::Sheet(_)) => contexts.extend([Context::Sheet, Context::Global]),
            Some(Layer::Cases(_)) => contexts.extend([Context::Cases, Context::Global]),
            Some(Layer::Case(_)) => contexts.extend([Context::Case, Context::Global]),
            Some(Layer::Outbox) => contexts.extend([Context::Outbox, Context::Global]),
            Some(Layer::Form(_)) => contexts.push(Context::Form),
            Some(Layer::Chooser(_)) => contexts.push(Context::Chooser),
            Some(Layer::Guide(_)) => contexts.push(Context::SignIn),
            Some(Layer::Confirm(_) | Layer::Prompt(_) | Layer::Dispose(_)) => {}
            None if self.is_new() => contexts.extend([Context::Welcome, Context::Global]),
            None => {
                contexts.push(match self.focus {
                    Pane::Connections => Context::Connections,
                    Pane::Queue => Context::Queue,
                    Pane::Record => Context::Record,
                    Pane::Tasks => Context::Tasks,
                });
                contexts.push(Context::Global);
            }
        }
        contexts
    }

    /// Whether an action can be taken now, and if not, why.
    ///
    /// # Errors
    /// The reason.
    pub fn availability(&self, action: Action) -> Result<(), String> {
        let row = action.row();
        let contexts = self.contexts();
        if !row.contexts.iter().any(|context| contexts.contains(context)) {
            let places: Vec<_> = row.contexts.iter().map(|context| context.as_str()).collect();
            return Err(format!("works in: {}", places.join(", ")));
        }
        if self.setup.alone && NEEDS_CONNECTIONS.contains(&action) {
            return Err("only a document is open here; nightdesk without a verb opens the console".into());
        }
        if action == Action::Act && !self.layers.is_empty() {
            let answered = matches!(self.layers.last(), Some(Layer::Outcome(view)) if self.tasks.get(view.task).is_some_and(|task| task.report.is_some()));
            return if answered { Ok(()) } else { Err("works on an event, and on the outcome of a command".into()) };
        }
        let on_case = matches!(self.layers.last(), Some(Layer::Case(_)));
        if action.needs_event() && !on_case && !self.has_targets() {
            return Err("no event is selected".into());
        }
        if let Some(reason) = self.rowless(action) {
            return Err(reason.into());
        }
        match action {
            Action::Again if self.last_verdict.is_none() => Err("nothing was closed yet".into()),
            Action::Undo if self.deciding > 0 => Err("the last decision is still being recorded".into()),
            Action::ForgetView if self.setup.views.is_empty() => Err("no view of your own is saved yet".into()),
            Action::Playbooks if self.targets().len() > 1 => {
                Err(format!("a playbook is for one event; {} are chosen", self.targets().len()))
            }
            Action::SignIn if super::guide::of(self).is_none() => Err("this connection signs in by itself".into()),
            Action::Undo if self.undoable().is_none() => Err(match self.layers.last() {
                None => "nothing to take back".into(),
                Some(_) => format!("nothing takes this back from here; {} goes back", self.key(Action::Back)),
            }),
            Action::Cancel if matches!(self.layers.last(), Some(Layer::Outbox)) => match self.outbox.current() {
                Some(letter) if letter.standing.is_open() => Ok(()),
                Some(letter) => Err(format!("it is {}", letter.standing.as_str())),
                None => Err("the outbox is empty".into()),
            },
            Action::NextPlace | Action::WriteOut if !super::edit::in_json(self) => Err("works in a field of JSON".into()),
            Action::RetryFailed => super::post::can_retry(self),
            Action::KeepForLater => super::post::can_keep(self),
            Action::WriteBack if self.setup.read_only => Err("the console is read-only".into()),
            Action::Cancel if !self.tasks.current().is_some_and(super::task::Task::is_running) => Err("the task does not run".into()),
            Action::Changes if self.detail.shown.is_none() => Err("no event is on show".into()),
            Action::Related if self.last_run.is_none() => Err("nothing was run yet".into()),
            _ => Ok(()),
        }
    }

    /// Why what is for a selected row cannot be done: there is none.
    fn rowless(&self, action: Action) -> Option<&'static str> {
        use Action::{Alike, CaseQueue, CloseCase, Dismiss, Mark, MarkAlike, MarkAll, MarkRange, Open, Send};
        match (self.layers.last(), action, self.focus) {
            (Some(Layer::Outbox), Send, _) if self.outbox.current().is_none() => Some("the outbox is empty"),
            (Some(Layer::Cases(cases)), Open | CaseQueue | CloseCase, _) if cases.current().is_none() => Some("there is no case yet"),
            (None, Open | Mark | MarkRange | MarkAlike | MarkAll | Alike, Pane::Queue) if self.queue.selected.is_none() => {
                Some("no event is selected")
            }
            (None, Open | Dismiss, Pane::Tasks) if self.tasks.current().is_none() => Some("nothing was run yet"),
            _ => None,
        }
    }

    /// The events that a decision is about: the marked ones, else the one on show or selected.
    pub fn targets(&self) -> Vec<i64> {
        match (self.focus, self.detail.wanted) {
            (Pane::Record, Some(id)) if self.queue.marks.is_empty() => vec![id],
            _ => self.queue.targets(),
        }
    }

    /// The key of an action, for hints; where it has none, how the palette finds it.
    pub fn key(&self, action: Action) -> String {
        self.setup.keymap.hint(action).unwrap_or_else(|| format!(": {}", action.row().title))
    }

    /// The zone in which times are shown.
    pub fn zone(&self) -> TimeZone {
        if self.local_time { self.setup.zone.clone() } else { TimeZone::UTC }
    }

    /// Whether there is an event that a decision could be about.
    pub fn has_targets(&self) -> bool {
        (self.focus == Pane::Record && self.detail.wanted.is_some()) || self.queue.has_targets()
    }

    /// Takes up what a drawing found out, and scrolls so that selections can be seen.
    pub fn settle(&mut self, screen: Screen) {
        self.screen = screen;
        self.queue.follow(screen.queue);
        self.detail.follow(screen.record);
        if let (Some(face), Some(shown)) = (self.detail.face(), self.detail.shown.as_mut()) {
            shown.explorer.follow(face, screen.record);
        }
        match self.layers.last_mut() {
            Some(Layer::Chooser(chooser)) => chooser.follow(screen.layer),
            Some(Layer::Columns(columns)) => columns.follow(screen.layer),
            Some(Layer::Confirm(confirm)) => confirm.scroll = confirm.scroll.drawn(screen.layer, screen.question),
            Some(Layer::Page(page)) => page.first = page.first.min(screen.page_end),
            Some(Layer::Cases(cases)) => cases.follow(screen.layer),
            Some(Layer::Case(view)) => view.follow(screen.layer),
            Some(Layer::Document(reading)) => reading.explorer.follow(reading.face, screen.layer),
            Some(Layer::Outcome(view)) => {
                if let (Some(face), Some(explorer)) = (view.side.face(), view.explorer.as_mut()) {
                    explorer.follow(face, screen.layer);
                }
            }
            _ => {}
        }
    }
}
