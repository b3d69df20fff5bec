//! Playbooks in the console: choose, fill in, see the dry run, confirm, run step by step.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::act;
use super::chooser::{Choice, Purpose};
use super::confirm::Confirm;
use super::effect::{Effect, Gather};
use super::form::Form;
use super::layer::{Layer, OutcomeView};
use super::model::{Model, Undoable};
use super::notice::Tone;
use super::opening;
use super::task::{Report, State, TaskId};
use super::{fit, recording, run};
use crate::core::catalogue::{Class, Effect as Changes, Given, Pick};
use crate::core::event::StoredEvent;
use crate::core::fill::names_of;
use crate::core::health::Connected;
use crate::core::outcome::ReturnData;
use crate::core::playbook::{Addressee, Desk, Fate, HERE, Planned, Playbook, Run, Step, most, rehearse, takes_input};
use crate::core::target;

/// A playbook that only waits to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    /// The playbook with its inputs and its event.
    pub run: Run,
    /// The connection to take for a vendor that has several.
    pub chosen: BTreeMap<String, String>,
    /// The most that its steps may do: what was shown.
    pub most: Class,
}

/// The dry run of a playbook on show.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// What would be run.
    pub play: Play,
    /// Its steps.
    pub steps: Vec<Planned>,
    /// The selected step.
    pub at: usize,
    /// What ids are called, where that is known.
    pub names: BTreeMap<String, String>,
}

impl Sheet {
    /// An id with its name, where that is known.
    pub fn target(&self, id: &str) -> target::Target {
        target::Target { id: id.to_owned(), name: self.names.get(id).filter(|name| *name != id).cloned() }
    }
}

/// What came of one step.
#[derive(Clone, Debug)]
pub struct StepDone {
    /// The step.
    pub step: String,
    /// What it did, for people: `Isolate Endpoints on eset`.
    pub title: String,
    /// The connection.
    pub connection: String,
    /// The command.
    pub command: String,
    /// What it was given.
    pub given: Vec<(String, Given)>,
    /// The same, secrets masked.
    pub arguments: Map<String, Value>,
    /// Whether it changes anything.
    pub changes: bool,
    /// Why it was not run, or what it says.
    pub message: String,
    /// What it gave back, where it was run.
    pub report: Option<Report>,
}

/// Opens the list of playbooks, those that the event fills first.
pub fn list(model: &mut Model) -> Vec<Effect> {
    act::gather(model, Purpose::Playbook(Vec::new()), "Playbooks", Gather::Playbooks, false)
}

/// The event of the list of playbooks is there.
pub fn fill(model: &mut Model, events: Vec<StoredEvent>) {
    let mut choices = fit::playbooks(&model.setup.playbooks, &model.setup.connected, events.first());
    if !events.is_empty() {
        choices.push(Choice {
            id: "k:".into(),
            title: "Record what was done on this event".into(),
            note: "as a playbook, from the record".into(),
            ..Choice::default()
        });
    }
    if let Some(Layer::Chooser(chooser)) = model.layers.last_mut() {
        chooser.purpose = Purpose::Playbook(events);
        chooser.fill(choices);
    }
}

/// Asks for the event that a playbook is to be run on, if one is selected.
pub fn ask(model: &mut Model, name: &str) -> Vec<Effect> {
    let mut events = model.targets();
    if events.len() > 1 {
        events.clear();
    }
    opening::ask(model, name, Effect::Gather(events, Gather::Play(name.to_owned())))
}

/// Opens a playbook: its inputs, or, where it takes none, its dry run.
pub fn open(model: &mut Model, name: &str, event: Option<StoredEvent>) -> Vec<Effect> {
    let Some(playbook) = model.setup.playbooks.iter().find(|playbook| playbook.name == name).cloned() else {
        model.tell(Tone::Error, format!("There is no playbook {name} any more."));
        return Vec::new();
    };
    let several = several(model, &playbook, event.as_ref());
    let class = playbook.steps.iter().filter_map(|step| class(model, step)).fold(Class::READ, |most, class| Class {
        effect: most.effect.max(class.effect),
        reach: most.reach.max(class.reach),
        ..class
    });
    if playbook.inputs.is_empty() && several.is_empty() {
        return show(model, playbook, event, &[], BTreeMap::new());
    }
    model.next_form += 1;
    let form = Form::for_playbook(model.next_form, playbook, event, &several, class);
    let (id, name) = (form.id, form.draft_name());
    model.layers.push(Layer::Form(Box::new(form)));
    let mut effects = seek_names(model);
    effects.push(Effect::Draft(id, String::new(), name));
    effects
}

/// Asks what the values of the inputs are called: a step that takes an input knows where that is told.
fn seek_names(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Form(form)) = model.layers.last() else { return Vec::new() };
    let Some((playbook, event)) = form.playbook.as_deref() else { return Vec::new() };
    let sources: Vec<_> = form.fields.iter().map(|field| naming(model, playbook, event.as_ref(), &field.parameter.name)).collect();
    let Some(Layer::Form(form)) = model.layers.last_mut() else { return Vec::new() };
    let asks = sources.into_iter().enumerate().filter_map(|(at, source)| {
        let (connection, pick) = source?;
        let (field, values) = form.nameless_values(at)?;
        Some(Effect::Name { form: form.id, field, connection, asked: form.asked(&pick, values), pick })
    });
    asks.collect()
}

/// The connection and the list that tell names of an input's values: those of the first step that takes the input as it is.
fn naming(model: &Model, playbook: &Playbook, event: Option<&StoredEvent>, input: &str) -> Option<(String, Pick)> {
    playbook.steps.iter().find_map(|step| {
        let connected = connection_of(model, step, event)?;
        let command = connected.entry.command(&step.command)?;
        step.arguments.iter().filter(|(_, value)| takes_input(value, input)).find_map(|(name, _)| {
            let parameter = command.parameters.iter().find(|parameter| parameter.name == *name)?;
            Some((connected.name.clone(), parameter.names.clone().or_else(|| parameter.pick.clone())?))
        })
    })
}

/// The connection that a step goes to, as long as no other is chosen: the one that brought the event knows what it is about.
fn connection_of<'a>(model: &'a Model, step: &Step, event: Option<&StoredEvent>) -> Option<&'a Connected> {
    let vendor = match &step.to {
        Addressee::Connection(name) => return model.connected(name),
        Addressee::Vendor(vendor) => vendor,
    };
    let own = |known: &&Connected| event.is_some_and(|event| event.connection == known.name);
    of_vendor(model, vendor).find(own).or_else(|| of_vendor(model, vendor).next())
}

/// The connections that a step to a vendor may go to.
fn of_vendor<'a>(model: &'a Model, vendor: &str) -> impl Iterator<Item = &'a Connected> {
    model.setup.connected.iter().filter(move |known| known.active && known.vendor == vendor)
}

/// The vendors that have several connections to choose from, with their names.
fn several(model: &Model, playbook: &Playbook, event: Option<&StoredEvent>) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for step in &playbook.steps {
        let Addressee::Vendor(vendor) = &step.to else { continue };
        let mut names: Vec<String> = of_vendor(model, vendor).map(|known| known.name.clone()).collect();
        if names.len() > 1 && !found.iter().any(|(known, _)| known == vendor) {
            // The one that brought the event knows what it is about.
            let own = |name: &String| event.is_some_and(|event| event.connection == *name);
            names.sort_by_key(|name| !own(name));
            found.push((vendor.clone(), names));
        }
    }
    found
}

fn class(model: &Model, step: &Step) -> Option<Class> {
    let connected = match &step.to {
        Addressee::Connection(name) => model.connected(name),
        Addressee::Vendor(vendor) => of_vendor(model, vendor).next(),
    };
    connected?.entry.command(&step.command).map(|command| command.class)
}

/// Checks the inputs of the form; shows the dry run.
pub fn submit(model: &mut Model) -> Vec<Effect> {
    if !run::expand(model) {
        return Vec::new();
    }
    let now = model.now;
    let Some(Layer::Form(form)) = model.layers.last_mut() else { return Vec::new() };
    let Some((playbook, event)) = form.playbook.as_deref().cloned() else { return Vec::new() };
    if form.check(now).is_none() {
        return Vec::new();
    }
    let (chosen, given): (Vec<_>, Vec<_>) = form.given(now).into_iter().partition(|(name, _)| name.starts_with(CONNECTION));
    let chosen = chosen.into_iter().filter_map(|(name, given)| match given {
        Given::Text(connection) => Some((name.strip_prefix(CONNECTION)?.to_owned(), connection)),
        Given::Json(_) => None,
    });
    let chosen = chosen.collect();
    show(model, playbook, event, &given, chosen)
}

/// What the name of a field begins with that chooses the connection to a vendor.
pub const CONNECTION: &str = "connection:";

fn show(
    model: &mut Model,
    playbook: Playbook,
    event: Option<StoredEvent>,
    given: &[(String, Given)],
    chosen: BTreeMap<String, String>,
) -> Vec<Effect> {
    let run = match Run::begin(playbook, given, event, model.now) {
        Ok(run) => run,
        Err(complaints) => {
            let text: Vec<&str> = complaints.iter().map(|complaint| complaint.message.as_str()).collect();
            let text = text.join(" ");
            match model.layers.last_mut() {
                Some(Layer::Form(form)) => form.complain(&complaints),
                _ => model.tell(Tone::Warning, text),
            }
            return Vec::new();
        }
    };
    let desk = Desk { connected: &model.setup.connected, chosen: &chosen, read_only: model.setup.read_only };
    let steps = rehearse(&run, &desk, model.now);
    let most = most(&steps);
    let mut names = run.event().map(|event| names_of(std::slice::from_ref(event))).unwrap_or_default();
    let effects = seek_names(model);
    if let Some(Layer::Form(form)) = model.layers.last() {
        names.extend(form.known_names());
    }
    model.layers.push(Layer::Sheet(Box::new(Sheet { play: Play { run, chosen, most }, steps, at: 0, names })));
    effects
}

/// Shows the exact requests of the selected step.
pub fn preview(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Sheet(sheet)) = model.layers.last() else { return Vec::new() };
    let Some(step) = sheet.steps.get(sheet.at).cloned() else { return Vec::new() };
    match step.fate {
        Fate::LeftOut(reason) | Fate::Blocked(reason) => model.tell(Tone::Info, format!("Step {}: {reason}", step.step)),
        Fate::Run if step.connection == HERE => model.tell(Tone::Info, "This is decided here; no request is sent."),
        Fate::Run => {
            let names = sheet.names.clone();
            let plan = Effect::Plan { connection: step.connection, command: step.command, given: step.given, names };
            return opening::ask(model, "Requests", plan);
        }
    }
    Vec::new()
}

/// Runs what only reads, asks about the rest.
pub fn go(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Sheet(sheet)) = model.layers.last() else { return Vec::new() };
    let blocked = sheet.steps.iter().find_map(|step| match &step.fate {
        Fate::Blocked(reason) => Some(format!("Step {} cannot be run, so nothing is: {reason}", step.step)),
        _ => None,
    });
    let idle = !sheet.steps.iter().any(|step| step.fate == Fate::Run);
    if let Some(reason) = blocked.or_else(|| idle.then(|| "Every step is left out; there is nothing to run.".to_owned())) {
        model.tell(Tone::Warning, reason);
        return Vec::new();
    }
    if sheet.play.most.effect == Changes::Read {
        let play = sheet.play.clone();
        return start(model, play);
    }
    let armed_at = model.now + jiff::SignedDuration::from_millis(model.setup.arm_millis);
    let confirm = Confirm::for_play(sheet, armed_at);
    model.layers.push(Layer::Confirm(Box::new(confirm)));
    vec![Effect::Wake(armed_at)]
}

/// Starts the run: it becomes a task, and how far it is is shown.
pub fn start(model: &mut Model, play: Play) -> Vec<Effect> {
    let mut effects = Vec::new();
    if matches!(model.layers.last(), Some(Layer::Sheet(_))) {
        model.layers.pop();
    }
    if let Some(Layer::Form(form)) = model.layers.last() {
        effects.push(Effect::KeepDraft(form.connection.clone(), form.draft_name(), Map::new()));
        model.layers.pop();
    }
    let playbook = play.run.playbook();
    let title = format!("Playbook {}", playbook.title);
    let task = model.tasks.begin(model.now, title.clone(), "", &playbook.name);
    let changes = play.most.effect != Changes::Read;
    if let Some(begun) = model.tasks.get_mut(task) {
        begun.arguments = play.run.masked_inputs();
        begun.events = play.run.event().map(|event| event.id).into_iter().collect();
        begun.changes = changes;
    }
    if changes {
        model.meter.decide(model.now, &format!("ran {title}"), 1);
    }
    model.layers.push(Layer::Outcome(Box::new(OutcomeView::new(task))));
    effects.push(Effect::Play(task, Box::new(play)));
    effects
}

/// A step ended: what it gave back is kept as a task of its own, and what takes it back is remembered.
pub fn step_done(model: &mut Model, id: TaskId, done: StepDone) -> Vec<Effect> {
    let Some(parent) = model.tasks.get_mut(id) else { return Vec::new() };
    let state = done.report.as_ref().map(|report| report.outcome.return_data);
    let (events, started_at) = (parent.events.clone(), parent.started_at);
    let line = match state {
        Some(state) => format!("{}: {}", done.step, state.as_str()),
        None => format!("{}: left out: {}", done.step, done.message),
    };
    parent.message = format!("{}\n{line}", parent.message);
    let (Some(report), Some(state)) = (done.report, state) else { return Vec::new() };
    let title = format!("{} · {}", done.step, done.title);
    let child = model.tasks.insert_below(id, model.now, title, &done.connection, &done.command);
    if done.connection == HERE {
        remember_decision(model, &events, &done.command, state);
    } else if state != ReturnData::Failed {
        let back =
            child.and_then(|child| run::inverse(model, child, &done.connection, &done.command, &done.given, started_at, &report.outcome));
        model.undo.extend(back);
    }
    if let Some(child) = child.and_then(|child| model.tasks.get_mut(child)) {
        child.arguments = done.arguments;
        child.given = Some(done.given);
        child.events = events;
        child.changes = done.changes;
        child.part_of = Some(id);
        child.message = done.message;
        child.state = State::Ended(state);
        child.report = Some(Box::new(report));
        let child = child.id;
        recording::ran(model, child);
    }
    Vec::new()
}

/// What an event was before a step decided about it; the list still shows that.
fn remember_decision(model: &mut Model, events: &[i64], command: &str, state: ReturnData) {
    if state == ReturnData::Successful && matches!(command, "take" | "reopen" | "close") {
        let rows = events.iter().filter_map(|id| model.queue.row(*id));
        let before: Vec<_> = rows.map(|row| (row.id, row.status, row.disposition)).collect();
        if !before.is_empty() {
            model.undo.push(Undoable::Decision(before));
        }
    }
}

/// Something was chosen from the list of playbooks.
pub fn chosen(model: &mut Model, id: &str, events: Vec<StoredEvent>) -> Vec<Effect> {
    match id.split_once(':') {
        Some(("p", name)) => open(model, name, events.into_iter().next()),
        _ => {
            let ids = events.iter().map(|event| event.id).collect();
            recording::ask_name(model, ids)
        }
    }
}
