//! Recording: what is run and decided is taken down, and becomes a playbook.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::action::Action;
use super::effect::{Effect, Gather};
use super::layer::{Asks, Layer, Prompt};
use super::model::Model;
use super::notice::Tone;
use super::task::TaskId;
use crate::core::catalogue::{Given, Type};
use crate::core::event::StoredEvent;
use crate::core::mapping::{scalar, values_at};
use crate::core::playbook::{self, Done, HERE, Playbook, taken_by};
use crate::core::triage::Change;

/// A recording under way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// What was done so far, with the events that it was about.
    pub done: Vec<(Vec<i64>, Done)>,
    /// The name under which it is being saved.
    pub name: Option<String>,
}

impl Recording {
    /// The events that it is about, each once, the first first.
    fn events(&self) -> Vec<i64> {
        let mut all: Vec<i64> = Vec::new();
        for id in self.done.iter().flat_map(|(events, _)| events) {
            if !all.contains(id) {
                all.push(*id);
            }
        }
        all
    }
}

/// Starts to record, or stops and asks for a name.
pub fn toggle(model: &mut Model) -> Vec<Effect> {
    let hint = model.key(Action::Record);
    match &model.recording {
        None => {
            model.recording = Some(Recording::default());
            model.tell(Tone::Info, format!("Recording: the commands you run and what you decide become a playbook; {hint} stops."));
            Vec::new()
        }
        Some(recording) if recording.done.is_empty() => {
            model.recording = None;
            model.tell(Tone::Info, "Nothing was done, so nothing is recorded.");
            Vec::new()
        }
        Some(_) => {
            model.layers.push(Layer::Prompt(Box::new(Prompt::new(Asks::Recording, ""))));
            Vec::new()
        }
    }
}

/// Asks for the name of a playbook made from what was done on events before.
pub fn ask_name(model: &mut Model, events: Vec<i64>) -> Vec<Effect> {
    let prompt = Prompt { events, ..Prompt::new(Asks::Playbook, "") };
    model.layers.push(Layer::Prompt(Box::new(prompt)));
    Vec::new()
}

/// The name that was typed, as playbooks are named.
///
/// # Errors
/// Why it cannot be one.
pub fn name_of(model: &Model, text: &str) -> Result<String, String> {
    let name = text.split_whitespace().collect::<Vec<_>>().join("-");
    if !playbook::is_name(&name) {
        return Err("a name has letters, digits, - and _ only".into());
    }
    match model.setup.playbooks.iter().find(|known| known.name.eq_ignore_ascii_case(&name)) {
        Some(known) => Err(format!("there is a playbook {} already; take another name", known.name)),
        None => Ok(name),
    }
}

/// Saves the recording under a name: reads its events first, whose values become inputs.
pub fn save(model: &mut Model, name: String) -> Vec<Effect> {
    let Some(recording) = &mut model.recording else { return Vec::new() };
    recording.name = Some(name.clone());
    vec![Effect::Gather(recording.events(), Gather::Record(name))]
}

/// The events of the recording are there.
pub fn write(model: &Model, name: &str, events: &[StoredEvent]) -> Vec<Effect> {
    let Some(recording) = &model.recording else { return Vec::new() };
    let done: Vec<Done> = recording.done.iter().map(|(_, done)| done.clone()).collect();
    vec![Effect::KeepPlaybook(Box::new(playbook::record(name, events, &done)))]
}

/// A playbook was written, or not. What could not be written goes on being recorded.
pub fn written(model: &mut Model, name: &str, result: Result<(Vec<Playbook>, String), String>) -> Vec<Effect> {
    match result {
        Ok((playbooks, done)) => {
            model.setup.playbooks = playbooks;
            if model.recording.as_ref().is_some_and(|recording| recording.name.as_deref() == Some(name)) {
                model.recording = None;
            }
            let (palette, playbooks) = (model.key(Action::Palette), model.key(Action::Playbooks));
            model.tell(Tone::Done, format!("{done}; {palette} and {playbooks} list it"));
        }
        Err(message) => model.tell(Tone::Error, message),
    }
    Vec::new()
}

/// Takes down a decision.
pub fn decided(model: &mut Model, events: &[i64], change: &Change) {
    let Some(recording) = &mut model.recording else { return };
    let (command, arguments) = playbook::call_of(change);
    let vendor = Some(HERE.to_owned());
    let done = Done { connection: HERE.into(), vendor, command: command.into(), arguments, takes: BTreeMap::new(), results: Vec::new() };
    recording.done.push((events.to_vec(), done));
}

/// A decision was taken back; so it was none.
pub fn restored(model: &mut Model, events: &[i64]) {
    let Some(recording) = &mut model.recording else { return };
    let same = |(known, done): &(Vec<i64>, Done)| done.connection == HERE && known.iter().all(|id| events.contains(id));
    if let Some(at) = recording.done.iter().rposition(same) {
        recording.done.remove(at);
    }
}

/// Takes down a command that ended; one that failed or gave no answer is not worth doing again.
pub fn ran(model: &mut Model, task: TaskId) {
    let Some(task) = model.tasks.get(task).filter(|_| model.recording.is_some()) else { return };
    let (Some(given), Some(report)) = (&task.given, &task.report) else { return };
    if report.outcome.return_data == crate::core::outcome::ReturnData::Failed {
        return;
    }
    let connected = model.connected(&task.connection);
    let vendor = connected.map_or_else(|| (task.connection == HERE).then(|| HERE.to_owned()), |known| Some(known.vendor.clone()));
    let command = connected.and_then(|known| known.entry.command(&task.command));
    let parameter = |name: &str| command?.parameters.iter().find(|parameter| parameter.name == name);
    let mut arguments = Map::new();
    for (name, value) in &task.arguments {
        let found = parameter(name);
        // A time that was meant from now on is meant from then on.
        let typed = given.iter().find(|(known, _)| known == name).and_then(|(_, given)| match (given, found.map(|found| &found.r#type)) {
            (Given::Text(text), Some(Type::Time(_))) => Some(Value::from(text.trim())),
            _ => None,
        });
        if found.and_then(|found| found.default.as_ref()) != Some(value) {
            arguments.insert(name.clone(), typed.unwrap_or_else(|| value.clone()));
        }
    }
    let fields = command.into_iter().flat_map(|command| &command.key_fields);
    let results = fields.filter_map(|field| match values_at(&report.outcome.raw_data, &field.path).as_slice() {
        [(_, only)] => Some((field.path.clone(), scalar(only).map(Value::from)?)),
        _ => None,
    });
    let results = results.collect();
    let takes = command.map(taken_by).unwrap_or_default();
    let done = Done { connection: task.connection.clone(), vendor, command: task.command.clone(), arguments, takes, results };
    let events = task.events.clone();
    if let Some(recording) = &mut model.recording {
        recording.done.push((events, done));
    }
}
