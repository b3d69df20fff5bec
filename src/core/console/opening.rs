//! What was asked for and opens something when it comes. Until then keys wait for it, so that they reach what they were meant for, as if it
//! had been there at once; escape gives it up, and what comes of it after that opens nothing.

use super::effect::Effect;
use super::layer::Layer;
use super::message::Message;
use super::model::Model;
use super::run;
use super::update::update;

/// What is about to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    number: u64,
    /// What it is, for the last line.
    pub what: String,
}

/// Asks for what opens something.
pub fn ask(model: &mut Model, what: impl Into<String>, effect: Effect) -> Vec<Effect> {
    model.openings += 1;
    model.opening = Some(Opening { number: model.openings, what: what.into() });
    vec![Effect::Open(model.openings, Box::new(effect))]
}

/// The answer is there: it opens what it brings, and takes the keys that waited, unless it was given up.
pub fn opened(model: &mut Model, number: u64, answer: Message) -> Vec<Effect> {
    if model.opening.as_ref().is_none_or(|opening| opening.number != number) {
        return Vec::new();
    }
    model.opening = None;
    let early = std::mem::take(&mut model.early);
    let mut effects = update(model, answer);
    effects.extend(run::replay(model, early));
    effects
}

/// Gives up what is about to open, and the keys that wait for it.
pub fn give_up(model: &mut Model) {
    model.early.clear();
    model.opening = None;
    if matches!(model.layers.last(), Some(Layer::Chooser(chooser)) if chooser.loading) {
        model.layers.pop();
    }
}
