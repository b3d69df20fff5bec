//! What is decided about events: verdicts, takes, and the way back.

use std::collections::BTreeSet;

use super::act;
use super::action::Action;
use super::dispose::Dispose;
use super::effect::{Effect, Gather};
use super::layer::Layer;
use super::model::{Model, Tell, Undoable, Way};
use super::notice::Tone;
use super::post;
use super::queue::Item;
use super::run;
use super::task::Stage;
use crate::core::catalogue::Ruling;
use crate::core::event::{Disposition, Status};
use crate::core::triage::Change;

/// Takes an action that decides about events, or takes back what was done last.
pub fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    let events = model.targets();
    match action {
        Action::Dispose => {
            let tell = post::always(model);
            let dispose = Dispose {
                spread: model.queue.spread(&events),
                events: events.clone(),
                last: model.last_verdict.clone(),
                own: model.setup.templates.clone(),
                tell,
                loading: model.setup.tell != Tell::Never,
                ..Dispose::default()
            };
            model.layers.push(Layer::Dispose(Box::new(dispose)));
            if model.setup.tell == Tell::Never { Vec::new() } else { vec![Effect::Gather(events, Gather::Offer)] }
        }
        Action::Again => match model.last_verdict.clone() {
            Some((disposition, note)) => close(model, events, disposition, note, model.last_told),
            None => Vec::new(),
        },
        Action::Take => {
            for id in &events {
                let analyst = model.setup.analyst.clone();
                if let Some(row) = model.queue.row_mut(*id) {
                    row.status = Status::InProgress;
                    row.taken_by = Some(analyst);
                }
            }
            let mut effects = record(model, events.clone(), Change::Take);
            effects.extend(tell_if_always(model, events, Status::InProgress));
            effects
        }
        Action::Reopen => {
            for id in &events {
                if let Some(row) = model.queue.row_mut(*id) {
                    row.status = Status::New;
                    row.disposition = None;
                }
            }
            let mut effects = record(model, events.clone(), Change::Reopen);
            effects.extend(tell_if_always(model, events, Status::New));
            effects
        }
        _ => undo(model),
    }
}

fn tell_if_always(model: &Model, events: Vec<i64>, status: Status) -> Option<Effect> {
    let ruling = Ruling { status, ..Ruling::default() };
    if post::always(model) { post::tell(model, events, Some(ruling)) } else { None }
}

/// Has a decision recorded.
pub fn record(model: &mut Model, events: Vec<i64>, change: Change) -> Vec<Effect> {
    if events.len() > LONG {
        model.tell(Tone::Info, format!("Recording it for {} events …", events.len()));
    }
    model.deciding += 1;
    vec![Effect::Decide(events, change)]
}

/// So many events take a moment to be recorded.
const LONG: usize = 2_000;

fn undo(model: &mut Model) -> Vec<Effect> {
    match model.undo.last_mut() {
        None => Vec::new(),
        Some(Undoable::Decision(before)) => {
            let before = std::mem::take(before);
            model.undo.pop();
            model.deciding += 1;
            vec![Effect::Restore(before)]
        }
        // It stays offered until it has been gone: a form that is put away takes nothing back.
        Some(Undoable::Run(way)) => {
            if model.tasks.get(way.task).is_none_or(|task| task.stage != Some(Stage::Accepted)) {
                // Once it has run, the other way is the one.
                way.recall = None;
            }
            let way = way.clone();
            let (command, values, condition) = way.recall.clone().unwrap_or_else(|| way.back.clone());
            if !condition.is_empty() {
                model.tell(Tone::Info, format!("The way back works {condition}"));
            }
            let effects = run::open_form(model, &way.connection, &command, &[], &values);
            if let Some(Layer::Form(form)) = model.layers.last_mut() {
                form.takes_back = Some(way);
            }
            effects
        }
    }
}

/// The way back of a run is being gone: what is left of it is the way for later, where that is another one.
pub fn taken_back(model: &mut Model, gone: &Way) {
    let at = model.undo.iter().rposition(|known| matches!(known, Undoable::Run(way) if way == gone));
    if let Some(at) = at
        && let Some(Undoable::Run(way)) = model.undo.get_mut(at)
        && way.recall.take().is_none()
    {
        model.undo.remove(at);
    }
}

/// Closes events, tells their vendors if that is wanted, and goes on to the next.
pub fn close(model: &mut Model, events: Vec<i64>, disposition: Disposition, note: String, tell: bool) -> Vec<Effect> {
    if events.is_empty() {
        return Vec::new();
    }
    for id in &events {
        if let Some(row) = model.queue.row_mut(*id) {
            row.status = Status::Closed;
            row.disposition = Some(disposition);
        }
    }
    model.meter.decide(model.now, &format!("closed as {}", disposition.as_str()), events.len());
    model.last_verdict = Some((disposition, note.clone()));
    model.last_told = tell;
    events.iter().for_each(|id| {
        model.told.remove(id);
    });
    advance(model, &events);
    model.queue.marks.clear();
    model.queue.anchor = None;
    let ruling = Ruling { status: Status::Closed, disposition: Some(disposition), note: note.clone() };
    let mut effects = record(model, events.clone(), Change::Close(disposition, note));
    if tell {
        effects.extend(post::tell(model, events, Some(ruling)));
    }
    effects.extend(act::follow(model));
    effects
}

/// Selects the next event that is still open, below first.
fn advance(model: &mut Model, done: &[i64]) {
    let place = model.queue.place();
    let done: BTreeSet<i64> = done.iter().copied().collect();
    let open = |item: &&Item| match item {
        Item::Event(id) => !done.contains(id) && model.queue.row(*id).is_some_and(|row| row.status != Status::Closed),
        Item::Group(_) => false,
    };
    let items = model.queue.items();
    let next = items.iter().skip(place).find(open).or_else(|| items.iter().take(place).rev().find(open)).cloned();
    if next.is_some() {
        model.queue.moved = true;
        model.queue.selected = next;
    }
}
