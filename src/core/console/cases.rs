//! Cases on the screen: their list, and one of them with its sides.

use super::act;
use super::effect::{CaseChange, Effect};
use super::explorer::Face;
use super::layer::{Asks, Layer, Page, Prompt};
use super::model::{Model, Pane};
use super::notice::Tone;
use super::queue::Item;
use super::reading::Reading;
use super::run;
use super::task::{Task, TaskId, Tasks};
use crate::core::case::{Case, Dossier};
use crate::core::json::Document;
use crate::core::listing::View;
use crate::core::query::complete::Completion;
use crate::core::query::quoted;

/// The list of cases.
#[derive(Clone, Debug, Default)]
pub struct Cases {
    /// The cases, open ones first; none before they were read.
    pub list: Option<Vec<Case>>,
    /// Which is selected, by name.
    pub selected: Option<String>,
    /// Why they could not be read.
    pub fault: Option<String>,
    /// First row on the screen.
    pub first: usize,
}

impl Cases {
    /// The place of the selection.
    pub fn place(&self) -> usize {
        let selected = |case: &Case| Some(&case.name) == self.selected.as_ref();
        self.list.as_ref().and_then(|list| list.iter().position(selected)).unwrap_or(0)
    }

    /// The selected case.
    pub fn current(&self) -> Option<&Case> {
        self.list.as_ref()?.get(self.place())
    }

    /// Scrolls so that the selection can be seen on so many rows.
    pub fn follow(&mut self, height: usize) {
        let place = self.place();
        self.first = self.first.min(place).max((place + 1).saturating_sub(height.max(1)));
    }

    fn move_by(&mut self, rows: isize) {
        let last = self.list.as_ref().map_or(0, Vec::len).saturating_sub(1);
        let place = self.place().saturating_add_signed(rows).min(last);
        self.selected = self.list.as_ref().and_then(|list| list.get(place)).map(|case| case.name.clone());
    }
}

/// A side of a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Its events.
    #[default]
    Events,
    /// Everything that happened, in order of time.
    Timeline,
    /// What was written.
    Notes,
    /// What runs and was run on its events.
    Runs,
    /// Its files.
    Files,
}

impl Side {
    /// Every side with its title.
    pub const ALL: [(&'static str, Self); 5] =
        [("Events", Self::Events), ("Timeline", Self::Timeline), ("Notes", Self::Notes), ("Tasks", Self::Runs), ("Files", Self::Files)];
}

/// One case on the screen.
#[derive(Clone, Debug, Default)]
pub struct CaseView {
    /// Its name.
    pub name: String,
    /// The case, once it was read.
    pub dossier: Option<Box<Dossier>>,
    /// Why it could not be read.
    pub fault: Option<String>,
    /// The side on show.
    pub side: Side,
    /// Selected row of that side.
    pub at: usize,
    /// First row on the screen.
    pub first: usize,
}

impl CaseView {
    /// A case that is still to be read.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The tasks that run on its events now, newest first.
    pub fn running<'t>(&self, tasks: &'t Tasks) -> Vec<&'t Task> {
        let Some(dossier) = &self.dossier else { return Vec::new() };
        let ours = |task: &&Task| task.events.iter().any(|id| dossier.events.iter().any(|row| row.id == *id));
        tasks.running().filter(ours).collect()
    }

    /// How many rows a side has.
    pub fn rows(&self, side: Side, tasks: &Tasks) -> usize {
        let Some(dossier) = &self.dossier else { return 0 };
        match side {
            Side::Events => dossier.events.len(),
            Side::Timeline => dossier.timeline.len(),
            Side::Notes => dossier.notes().count(),
            Side::Runs => self.running(tasks).len() + dossier.runs.len(),
            Side::Files => dossier.files.len(),
        }
    }

    /// Scrolls so that the selection can be seen on so many rows.
    pub fn follow(&mut self, height: usize) {
        self.first = self.first.min(self.at).max((self.at + 1).saturating_sub(height.max(1)));
    }

    fn event(&self) -> Option<i64> {
        let dossier = self.dossier.as_ref().filter(|_| self.side == Side::Events)?;
        dossier.events.get(self.at).map(|row| row.id)
    }

    /// Takes up what was read; the selection stays on its event.
    fn fill(&mut self, dossier: Box<Dossier>) {
        let selected = self.event();
        self.dossier = Some(dossier);
        self.fault = None;
        if let (Some(id), Some(dossier)) = (selected, &self.dossier) {
            self.at = dossier.events.iter().position(|row| row.id == id).unwrap_or(self.at);
        }
    }

    fn turn(&mut self, forward: bool) {
        let count = Side::ALL.len();
        let at = Side::ALL.iter().position(|(_, side)| *side == self.side).unwrap_or(0);
        let at = if forward { (at + 1) % count } else { (at + count - 1) % count };
        self.side = Side::ALL.get(at).map_or(Side::Events, |(_, side)| *side);
        (self.at, self.first) = (0, 0);
    }

    /// The text of the selected row, to be copied.
    pub fn text(&self) -> Option<String> {
        let dossier = self.dossier.as_ref()?;
        match self.side {
            Side::Events => dossier.events.get(self.at).map(|row| row.title.clone()),
            Side::Timeline => dossier.timeline.get(self.at).map(|moment| moment.text.clone()),
            Side::Notes => dossier.notes().nth(self.at).map(|moment| moment.text.clone()),
            Side::Runs => dossier.runs.get(self.at).map(|ran| ran.json().to_string()),
            Side::Files => dossier.files.get(self.at).map(|file| file.sha256.clone()),
        }
    }
}

/// Opens the list of cases; the case of the event on show is selected.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let shown = model.detail.shown.as_ref().filter(|shown| Some(shown.event.id) == model.detail.wanted);
    let selected = shown.and_then(|shown| shown.event.cases.first().cloned());
    act::lay(model, Layer::Cases(Box::new(Cases { selected, ..Cases::default() })));
    vec![Effect::Cases]
}

/// The cases were read: for the list, and for a line that asks for a case.
pub fn listed(model: &mut Model, result: &Result<Vec<Case>, String>) -> Vec<Effect> {
    for layer in &mut model.layers {
        match (layer, result) {
            (Layer::Cases(cases), Ok(list)) => {
                cases.list = Some(list.clone());
                cases.fault = None;
                cases.move_by(0);
            }
            (Layer::Cases(cases), Err(message)) => cases.fault = Some(message.clone()),
            (Layer::Prompt(prompt), Ok(list)) if prompt.asks == Asks::Case => {
                let texts = list.iter().filter(|case| case.open).map(|case| case.name.clone()).collect();
                prompt.completion = Completion { from: 0, texts };
            }
            _ => {}
        }
    }
    Vec::new()
}

/// A case was read.
pub fn read(model: &mut Model, name: &str, result: &Result<Box<Dossier>, String>) -> Vec<Effect> {
    let tasks = &model.tasks;
    for layer in &mut model.layers {
        if let Layer::Case(view) = layer
            && view.name == name
        {
            match result {
                Ok(dossier) => view.fill(dossier.clone()),
                Err(message) => view.fault = Some(message.clone()),
            }
            view.at = view.at.min(view.rows(view.side, tasks).saturating_sub(1));
        }
    }
    Vec::new()
}

/// Asks again for what is on show, after a change.
pub fn refresh(model: &Model) -> Vec<Effect> {
    let ask = |layer: &Layer| match layer {
        Layer::Cases(_) => Some(Effect::Cases),
        Layer::Case(view) => Some(Effect::Case(view.name.clone())),
        _ => None,
    };
    model.layers.iter().filter_map(ask).collect()
}

/// A case was changed, or not.
pub fn changed(model: &mut Model, change: &CaseChange, result: Result<String, String>) -> Vec<Effect> {
    match result {
        Ok(text) => model.tell(Tone::Done, text),
        Err(message) => model.tell(Tone::Error, format!("Not recorded: {message}")),
    }
    let mut effects = refresh(model);
    if matches!(change, CaseChange::Remove(_)) {
        effects.push(model.list());
        effects.extend(model.detail.wanted.map(Effect::Show));
    }
    effects
}

/// Moves the selection.
pub fn move_by(model: &mut Model, rows: isize) {
    let count = match model.layers.last() {
        Some(Layer::Case(view)) => view.rows(view.side, &model.tasks),
        _ => 0,
    };
    match model.layers.last_mut() {
        Some(Layer::Cases(cases)) => cases.move_by(rows),
        Some(Layer::Case(view)) => view.at = view.at.saturating_add_signed(rows).min(count.saturating_sub(1)),
        _ => {}
    }
}

/// Goes to the side beside this.
pub fn turn(model: &mut Model, forward: bool) {
    if let Some(Layer::Case(view)) = model.layers.last_mut() {
        view.turn(forward);
    }
}

/// The name of the case under the keys, and whether it is open.
fn current(model: &Model) -> Option<(String, bool)> {
    match model.layers.last()? {
        Layer::Cases(cases) => cases.current().map(|case| (case.name.clone(), case.open)),
        Layer::Case(view) => Some((view.name.clone(), view.dossier.as_ref().is_none_or(|dossier| dossier.case.open))),
        _ => None,
    }
}

/// What enter opens.
enum Opens {
    Case(String),
    Event(String, i64),
    Task(TaskId),
    Document(String, String),
    Text(String, String),
}

fn opens(model: &Model) -> Option<Opens> {
    let view = match model.layers.last()? {
        Layer::Cases(cases) => return cases.current().map(|case| Opens::Case(case.name.clone())),
        Layer::Case(view) => view,
        _ => return None,
    };
    let dossier = view.dossier.as_ref()?;
    match view.side {
        Side::Events => view.event().map(|id| Opens::Event(view.name.clone(), id)),
        Side::Runs => {
            let running = view.running(&model.tasks);
            match running.get(view.at) {
                Some(task) => Some(Opens::Task(task.id)),
                None => {
                    let ran = dossier.runs.get(view.at - running.len())?;
                    Some(Opens::Document(format!("{} on {}", ran.command, ran.connection), ran.json().to_string()))
                }
            }
        }
        Side::Files => {
            let file = dossier.files.get(view.at)?;
            let text = format!("{}\nSHA-256 {}\n{} bytes\nadded {}", file.path, file.sha256, file.size, file.added_at);
            Some(Opens::Text("File".into(), text))
        }
        Side::Timeline | Side::Notes => view.text().map(|text| Opens::Text(view.name.clone(), text)),
    }
}

/// Opens the selected row.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    match opens(model) {
        None => {}
        Some(Opens::Case(name)) => {
            model.layers.push(Layer::Case(Box::new(CaseView::new(&name))));
            return vec![Effect::Case(name)];
        }
        Some(Opens::Event(case, id)) => {
            let mut effects = show_in_queue(model, &case);
            model.queue.selected = Some(Item::Event(id));
            model.queue.moved = true;
            model.focus = Pane::Record;
            effects.extend(act::show(model, id));
            return effects;
        }
        Some(Opens::Task(task)) => run::show_outcome(model, task),
        Some(Opens::Document(title, text)) => {
            let reading = Reading::new(title, Document::parse(text.into_bytes()), Face::Tree);
            model.layers.push(Layer::Document(Box::new(reading)));
        }
        Some(Opens::Text(title, text)) => model.layers.push(Layer::Page(Page::of_text(title, text))),
    }
    Vec::new()
}

fn show_in_queue(model: &mut Model, case: &str) -> Vec<Effect> {
    model.layers.clear();
    model.focus = Pane::Queue;
    let order = model.queue.view.order;
    act::go(model, View { query: format!("case:={}", quoted(case)), title: format!("case {case}"), order })
}

/// Shows the case's events in the queue.
pub fn to_queue(model: &mut Model) -> Vec<Effect> {
    current(model).map(|(name, _)| show_in_queue(model, &name)).unwrap_or_default()
}

/// Closes the case, or opens it again.
pub fn close(model: &mut Model) -> Vec<Effect> {
    let change = |open| if open { CaseChange::Close } else { CaseChange::Reopen };
    current(model).map(|(name, open)| vec![Effect::OnCase(name, change(open))]).unwrap_or_default()
}

/// Takes the selected event out of the case.
pub fn remove(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Case(view)) = model.layers.last() else { return Vec::new() };
    match view.event() {
        Some(id) => vec![Effect::OnCase(view.name.clone(), CaseChange::Remove(vec![id]))],
        None => {
            model.tell(Tone::Info, "Only an event can be taken out; ] goes to the events.");
            Vec::new()
        }
    }
}

/// Asks for a line about the case.
pub fn ask(model: &mut Model, asks: Asks) -> Vec<Effect> {
    let case = current(model).map(|(name, _)| name);
    let text = match (&case, asks) {
        (Some(name), Asks::Export) => format!("{name}.md"),
        _ => String::new(),
    };
    let prompt = Prompt { case, ..Prompt::new(asks, &text) };
    model.layers.push(Layer::Prompt(Box::new(prompt)));
    super::resume::bring_back(model);
    Vec::new()
}

/// What was typed about a case.
pub fn answer(asks: Asks, case: Option<String>, text: String) -> Vec<Effect> {
    if text.is_empty() {
        return Vec::new();
    }
    match (asks, case) {
        (Asks::NewCase, _) => vec![Effect::OnCase(String::new(), CaseChange::Open(text))],
        (Asks::CaseNote, Some(name)) => vec![Effect::OnCase(name, CaseChange::Note(text))],
        (Asks::CaseFile, Some(name)) => vec![Effect::OnCase(name, CaseChange::File(text))],
        (Asks::Export, Some(name)) => vec![Effect::ExportCase(name, text)],
        _ => Vec::new(),
    }
}
