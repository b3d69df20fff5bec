//! JSON under edit in a form: what its keys do, and when a large text is checked.

use jiff::SignedDuration;

use super::chooser::{Chooser, Purpose};
use super::effect::Effect;
use super::form::body::{Fault, PAUSE};
use super::layer::Layer;
use super::model::Model;
use super::notice::Tone;
use super::run;
use crate::core::json::path::{Part, write};

/// Whether what is under edit is JSON of a known shape.
pub fn in_json(model: &Model) -> bool {
    let form = model.layers.iter().rev().find_map(|layer| if let Layer::Form(form) = layer { Some(form) } else { None });
    form.and_then(|form| form.fields.get(form.at)).is_some_and(|field| field.body.is_some())
}

/// Goes to the next place that is still to be filled in.
pub fn next_place(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Form(form)) = model.layers.last_mut() else { return Vec::new() };
    if !form.field().is_some_and(super::form::Field::next_open) {
        model.tell(Tone::Info, "Nothing here is left to be filled in.");
    }
    Vec::new()
}

/// Writes everything out that there may be.
pub fn write_out(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Form(form)) = model.layers.last_mut() else { return Vec::new() };
    if let Some(Err(why)) = form.field().map(super::form::Field::write_out) {
        model.tell(Tone::Info, why);
    }
    pause(model)
}

/// Opens the list of what can be put in at the cursor.
pub fn offer(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Form(form)) = model.layers.last_mut() else { return Vec::new() };
    let Some(field) = form.fields.get(form.at) else { return Vec::new() };
    let Some(body) = &field.body else { return Vec::new() };
    match body.offers(&field.text(), field.place()) {
        Ok((path, choices)) => {
            let title = format!("{} {}", field.parameter.label, write(&path));
            let purpose = Purpose::Place { form: form.id, field: field.parameter.name.clone(), path };
            model.layers.push(Layer::Chooser(Box::new(Chooser::new(purpose, &title, choices))));
        }
        Err(why) => model.tell(Tone::Info, why),
    }
    Vec::new()
}

/// Puts in what was chosen.
pub fn put(model: &mut Model, id: u64, name: &str, path: &[Part], chosen: &str) -> Vec<Effect> {
    let field = run::form_mut(model, id).and_then(|form| form.fields.iter_mut().find(|field| field.parameter.name == name));
    if let Some(Err(why)) = field.map(|field| field.put(path, chosen)) {
        model.tell(Tone::Info, why);
    }
    pause(model)
}

/// A large text is checked when typing pauses.
pub fn pause(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let Some(Layer::Form(form)) = model.layers.last_mut() else { return Vec::new() };
    let stale = form.field().is_some_and(|field| field.body.as_ref().is_some_and(|body| body.stale));
    if !stale {
        return Vec::new();
    }
    let at = now + SignedDuration::from_millis(PAUSE);
    form.check_at = Some(at);
    vec![Effect::Wake(at)]
}

/// Time passed: the large text of the form on top is checked, if typing has paused.
pub fn paused(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let Some(Layer::Form(form)) = model.layers.last_mut() else { return Vec::new() };
    if form.check_at.is_none_or(|at| at > now) {
        return Vec::new();
    }
    form.check_at = None;
    let id = form.id;
    let mut checks = Vec::new();
    for field in &mut form.fields {
        let text = field.text();
        let Some(body) = field.body.as_mut().filter(|body| body.stale) else { continue };
        body.stale = false;
        let (name, rules) = (field.parameter.name.clone(), body.rules.clone());
        checks.push(Effect::Check { form: id, field: name, revision: body.revision, text, rules });
    }
    checks
}

/// What is wrong with a text is known; one that has changed meanwhile is checked anew.
pub fn checked(model: &mut Model, id: u64, name: &str, revision: u64, faults: Vec<Fault>) -> Vec<Effect> {
    let field = run::form_mut(model, id).and_then(|form| form.fields.iter_mut().find(|field| field.parameter.name == name));
    if let Some(body) = field.and_then(|field| field.body.as_mut()).filter(|body| body.revision == revision) {
        body.faults = faults;
    }
    Vec::new()
}
