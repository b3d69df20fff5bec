//! What the world answers. Answers that nobody wants any more are dropped.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::act;
use super::action::Action;
use super::chooser::{Choice, Purpose};
use super::detail::Shown;
use super::detail::Tab;
use super::effect::{Effect, Gather};
use super::explorer::Explorer;
use super::fit;
use super::guide;
use super::layer::Layer;
use super::mark;
use super::message::Decided;
use super::model::{Model, Undoable};
use super::notice::Tone;
use super::play;
use super::post;
use super::queue::Item;
use super::quick;
use super::recording;
use super::run;
use super::task::{Report, Stage, State, TaskId};
use crate::core::event::StoredEvent;
use crate::core::listing::Listing;
use crate::core::outbox::{Letter, LetterId};
use crate::core::outcome::{Fate, ReturnData};
use crate::core::triage::{Before, Change};

/// Rows of the queue.
pub fn rows(model: &mut Model, generation: u64, result: Result<Listing, String>) -> Vec<Effect> {
    if generation != model.queue.generation {
        return Vec::new();
    }
    match result {
        Ok(listing) => {
            model.queue.fill(listing);
            let mut effects = act::follow(model);
            effects.extend(mark::count(model));
            effects.extend(mark::members(model, None));
            let early = std::mem::take(&mut model.early);
            effects.extend(run::replay(model, early));
            effects
        }
        Err(message) => {
            model.queue.loading = false;
            model.queue.opening = false;
            model.early.clear();
            model.queue.fault = Some(message);
            Vec::new()
        }
    }
}

/// The event on show.
pub fn shown(model: &mut Model, id: i64, result: Result<Box<Shown>, String>) -> Vec<Effect> {
    if model.detail.wanted != Some(id) {
        return Vec::new();
    }
    match result {
        Ok(mut shown) => {
            if let Some(row) = model.queue.row_mut(id) {
                row.unread = false;
            }
            let same = model.detail.shown.as_ref().is_some_and(|known| known.event.id == id);
            if same && let Some(known) = model.detail.shown.take() {
                // The same record again: folds and cursor stay where they are.
                if known.explorer.document.bytes() == shown.explorer.document.bytes() {
                    shown.explorer = known.explorer;
                }
            } else {
                model.detail.line = 0;
                model.detail.first = 0;
            }
            model.detail.shown = Some(shown);
            model.detail.fault = None;
            if model.detail.tab == Tab::Table {
                model.detail.turn(Tab::Table);
            }
        }
        Err(message) => model.detail.fault = Some(message),
    }
    Vec::new()
}

/// The records of events.
pub fn gathered(model: &mut Model, purpose: Gather, result: Result<Vec<StoredEvent>, String>) -> Vec<Effect> {
    let waits = |model: &Model| matches!(model.layers.last(), Some(Layer::Chooser(chooser)) if chooser.loading);
    let events = match result {
        Ok(events) => events,
        Err(message) => {
            if waits(model) {
                model.layers.pop();
            }
            model.tell(Tone::Error, message);
            return Vec::new();
        }
    };
    match purpose {
        Gather::Form { connection, command, values } => run::open_form(model, &connection, &command, &events, &values),
        Gather::Play(name) => play::open(model, &name, events.into_iter().next()),
        Gather::Record(name) => recording::write(model, &name, &events),
        Gather::Copy => {
            let texts: Vec<String> = events.iter().map(|event| event.event.raw.to_string()).collect();
            vec![Effect::Copy(texts.join("\n"))]
        }
        Gather::Offer => {
            post::offer(model, &events);
            Vec::new()
        }
        Gather::Tell(ruling) => post::gathered(model, &events, ruling.as_ref()),
        Gather::Act | Gather::Pivot | Gather::Quick | Gather::Playbooks if !waits(model) => Vec::new(),
        Gather::Act => {
            run::fill_actions(model, events);
            Vec::new()
        }
        Gather::Quick => {
            quick::fill(model, events);
            Vec::new()
        }
        Gather::Pivot => {
            pivots(model, &events);
            Vec::new()
        }
        Gather::Playbooks => {
            play::fill(model, events);
            Vec::new()
        }
    }
}

/// What can be pivoted on.
fn pivots(model: &mut Model, events: &[StoredEvent]) {
    let choices = fit::entities(events);
    if choices.is_empty() {
        model.layers.pop();
        model.tell(Tone::Info, "This event mentions nothing to pivot on.");
    } else if let Some(Layer::Chooser(chooser)) = model.layers.last_mut() {
        chooser.fill(choices);
    }
}

/// A decision was recorded, or not.
pub fn decided(model: &mut Model, what: &Decided, before: Vec<Before>, fault: Option<String>) -> Vec<Effect> {
    model.deciding = model.deciding.saturating_sub(1);
    // Only what was recorded can be taken back.
    let recorded = before.len();
    let mut back = Vec::new();
    match what {
        Decided::Restored(_) => back = before,
        Decided::Change(_, Change::Close(..) | Change::Take | Change::Reopen) if recorded > 0 => {
            model.undo.push(Undoable::Decision(before));
        }
        Decided::Change(..) => {}
    }
    let letters = unposted(model, &back);
    match fault {
        Some(message) if recorded == 0 => model.tell(Tone::Error, format!("Not recorded: {message}")),
        Some(message) => model.tell(Tone::Error, format!("Recorded for {} only: {message}", count(recorded))),
        None => {
            let undo = model.key(Action::Undo);
            let text = match what {
                Decided::Change(ids, Change::Close(disposition, _)) => {
                    let here = if model.only_here {
                        format!("; the vendor was not told again: {} tells it", model.key(Action::WriteBack))
                    } else {
                        String::new()
                    };
                    format!("{} closed as {}; {undo} takes it back{here}", count(ids.len()), disposition.as_str().replace('_', " "))
                }
                Decided::Change(ids, Change::Take) => format!("{} taken", count(ids.len())),
                Decided::Change(ids, Change::Reopen) => format!("{} reopened", count(ids.len())),
                Decided::Change(ids, Change::Note(_)) => format!("Note written on {}", count(ids.len())),
                Decided::Change(ids, Change::Case(name)) => format!("{} put into case {name}", count(ids.len())),
                Decided::Restored(before) => {
                    let told = if before.iter().any(|(id, _, _)| model.told.contains(id)) {
                        format!("; the vendor was told: {} tells it this too", model.key(Action::WriteBack))
                    } else {
                        String::new()
                    };
                    let letters = if letters.is_empty() { "" } else { "; what waited to be sent of it is taken back too" };
                    format!("Taken back: {}{told}{letters}", count(before.len()))
                }
            };
            model.tell(Tone::Done, text);
            match what {
                Decided::Change(ids, change) => recording::decided(model, ids, change),
                Decided::Restored(before) => recording::restored(model, &before.iter().map(|(id, _, _)| *id).collect::<Vec<_>>()),
            }
        }
    }
    let touched = |id: i64| match what {
        Decided::Change(ids, _) => ids.contains(&id),
        Decided::Restored(before) => before.iter().any(|(known, _, _)| *known == id),
    };
    let mut effects = vec![model.list()];
    effects.extend(letters.into_iter().map(Effect::TakeBack));
    effects.extend(select(model, &back));
    if let Some(id) = model.detail.wanted.filter(|id| touched(*id)) {
        effects.push(Effect::Show(id));
    }
    effects
}

/// The letters that were to tell vendors of what was taken back, and of nothing else.
fn unposted(model: &Model, back: &[Before]) -> Vec<LetterId> {
    let restored: BTreeSet<i64> = back.iter().map(|(id, _, _)| *id).collect();
    let within = |events: &[i64]| !events.is_empty() && events.iter().all(|id| restored.contains(id));
    let about = |letter: &&Letter| letter.standing.is_open() && letter.call.is_some() && within(&letter.events);
    model.outbox.letters.iter().filter(about).map(|letter| letter.id).collect()
}

/// What was taken back is selected again, several are marked: what is pressed next is about them.
fn select(model: &mut Model, back: &[Before]) -> Vec<Effect> {
    let Some((first, _, _)) = back.first() else { return Vec::new() };
    model.queue.moved = true;
    model.queue.selected = Some(Item::Event(*first));
    if back.len() > 1 {
        model.queue.marks = back.iter().map(|(id, _, _)| *id).collect();
    }
    act::follow(model)
}

fn count(events: usize) -> String {
    if events == 1 { "1 event".into() } else { format!("{events} events") }
}

/// A task went on.
pub fn progress(model: &mut Model, task: TaskId, text: String, done: usize, total: Option<usize>) -> Vec<Effect> {
    if let Some(task) = model.tasks.get_mut(task)
        && task.is_running()
        && task.state != State::Cancelling
    {
        task.state = State::Running { text, done, total };
    }
    Vec::new()
}

/// A task ended.
pub fn ended(model: &mut Model, id: TaskId, state: ReturnData, text: String, report: Option<Box<Report>>) -> Vec<Effect> {
    let now = model.now;
    if !model.tasks.get(id).is_some_and(super::task::Task::is_running) {
        return Vec::new();
    }
    let back = report
        .as_ref()
        .filter(|report| report.outcome.return_data != ReturnData::Failed)
        .and_then(|report| run::way_back(model, id, &report.outcome));
    model.undo.extend(back);
    let Some(task) = model.tasks.get_mut(id) else { return Vec::new() };
    let cancelled = task.state == State::Cancelling;
    task.state = State::Ended(state);
    task.ended_at = Some(now);
    task.message = text;
    let errors = report.as_ref().map(|report| report.outcome.errors.as_slice()).unwrap_or_default();
    let waits = !task.calls.is_empty() && !errors.is_empty() && errors.iter().all(|failure| failure.fate == Fate::Unsent);
    let followed = report.as_ref().is_some_and(|report| report.outcome.follow.is_some());
    task.stage = followed.then_some(Stage::Accepted);
    let (title, message, fetched, changes) = (task.title.clone(), task.message.clone(), task.command.is_empty(), task.changes);
    let explorer = report.as_ref().map(|report| (Explorer::new(report.document.clone()), report.outcome.errors.len()));
    if matches!(state, ReturnData::Successful | ReturnData::PartiallySuccessful) {
        model.told.extend(task.calls.iter().flat_map(|call| call.events.iter().map(|(id, _)| *id)));
    }
    task.report = report;
    recording::ran(model, id);
    let watched = matches!(model.layers.last(), Some(Layer::Outcome(view)) if view.task == id);
    if let (Some(Layer::Outcome(view)), Some((explorer, errors)), true) = (model.layers.last_mut(), explorer, watched) {
        view.fill(explorer, state, errors);
    }
    let guided = guide::ended(model, id, state);
    if !watched && !guided {
        let tone = match state {
            ReturnData::Successful | ReturnData::SuccessfulWithNoEventData => Tone::Done,
            ReturnData::PartiallySuccessful => Tone::Warning,
            // What waits in the outbox, or was called off, did not go wrong.
            ReturnData::Failed if waits || cancelled => Tone::Warning,
            ReturnData::Failed => Tone::Error,
        };
        let first = message.lines().next().unwrap_or_default();
        let told = match state {
            ReturnData::Failed if waits || cancelled => format!("{title}: {first}"),
            ReturnData::Failed if !first.is_empty() => format!("{title} failed: {first}"),
            _ => format!("{title}: {} {first}", state.as_str()),
        };
        model.tell(tone, told);
    }
    let mut effects = vec![Effect::Health];
    if fetched || changes {
        effects.push(model.list());
        effects.extend(model.detail.wanted.map(Effect::Show));
    }
    effects
}

/// What was accepted ended.
pub fn followed(model: &mut Model, task: Option<TaskId>, tone: Tone, text: String) -> Vec<Effect> {
    if let Some(task) = task.and_then(|task| model.tasks.get_mut(task)) {
        task.message.clone_from(&text);
        task.stage = Some(Stage::Observed { well: tone == Tone::Done });
    }
    model.tell(tone, text);
    // Its record is part of what is known about the event.
    model.detail.wanted.map(Effect::Show).into_iter().collect()
}

/// The values of a pick list.
pub fn picks(model: &mut Model, form: u64, field: &str, result: Result<Vec<(String, String)>, String>) -> Vec<Effect> {
    if let (Ok(values), Some(form)) = (&result, run::form_mut(model, form)) {
        form.learn_names(field, values.clone());
    }
    let Some(Layer::Chooser(chooser)) = model.layers.last_mut() else { return Vec::new() };
    let wanted = matches!(&chooser.purpose, Purpose::Value { form: id, field: name } if *id == form && name == field);
    if !wanted || !chooser.loading {
        return Vec::new();
    }
    match result {
        Ok(values) if !values.is_empty() => {
            let choice = |(value, name): (String, String)| {
                let title = if name.is_empty() { value.clone() } else { name };
                Choice { note: if title == value { String::new() } else { value.clone() }, id: value, title, ..Choice::default() }
            };
            chooser.fill(values.into_iter().map(choice).collect());
            Vec::new()
        }
        Ok(_) => {
            model.layers.pop();
            model.tell(Tone::Info, "The vendor's list is empty; type the value.");
            Vec::new()
        }
        Err(message) => {
            model.layers.pop();
            model.tell(Tone::Error, format!("The list could not be had: {message}"));
            Vec::new()
        }
    }
}

/// What was typed into a form earlier.
pub fn draft(model: &mut Model, id: u64, values: &Map<String, Value>) -> Vec<Effect> {
    let mut brought = false;
    if let Some(Layer::Form(form)) = model.layers.last_mut()
        && form.id == id
    {
        form.drafted = true;
        brought = form.restore(values);
    }
    if brought {
        model.tell(Tone::Info, "What you typed before is back; nothing is sent until you run it.");
    }
    Vec::new()
}
