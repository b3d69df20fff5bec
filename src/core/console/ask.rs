//! Lines to type: what is asked, and what becomes of the answer.

use super::act;
use super::action::Action;
use super::cases;
use super::decide;
use super::effect::{Effect, Source};
use super::explore;
use super::layer::{Asks, Layer, Prompt};
use super::model::{Model, Pane};
use super::opening;
use super::reading;
use super::recording;
use super::resume;
use super::views;
use crate::core::json::Document;
use crate::core::listing::View;
use crate::core::query::Query;
use crate::core::triage::Change;

/// Opens a line to type that begins with a text.
pub fn prompt(model: &mut Model, asks: Asks, text: &str) -> Vec<Effect> {
    let mut prompt = Prompt::new(asks, text);
    if asks == Asks::Path {
        prompt.earlier.clone_from(&model.paths);
    }
    model.layers.push(Layer::Prompt(Box::new(prompt)));
    Vec::new()
}

/// Opens the line that an action needs.
pub fn open(model: &mut Model, action: Action) -> Vec<Effect> {
    if matches!(model.layers.last(), Some(Layer::Case(_))) && matches!(action, Action::Memo | Action::Save) {
        return cases::ask(model, if action == Action::Memo { Asks::CaseNote } else { Asks::Export });
    }
    let (asks, text) = match action {
        Action::Filter => (Asks::Filter, model.queue.view.query.clone()),
        Action::Find => (Asks::Find, String::new()),
        Action::Memo => (Asks::Note, String::new()),
        Action::Case => (Asks::Case, String::new()),
        Action::Pipe => (Asks::Pipe, "jq .".to_owned()),
        Action::OpenFile => (Asks::Open, String::new()),
        _ => (Asks::Save, "document.json".to_owned()),
    };
    let mut prompt = Prompt::new(asks, &text);
    if asks == Asks::Filter {
        // What is open already stays, and one can type on; an empty line shows everything.
        if !prompt.line.is_empty() {
            prompt.line.set(&format!("{text} "));
        }
        prompt.earlier.clone_from(&model.queries);
    }
    if matches!(asks, Asks::Note | Asks::Case) {
        prompt.events = model.targets();
    }
    model.layers.push(Layer::Prompt(Box::new(prompt)));
    resume::bring_back(model);
    if asks == Asks::Case { vec![Effect::Cases] } else { Vec::new() }
}

/// Enter in a prompt.
pub fn answer(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Prompt(prompt)) = model.layers.last() else { return Vec::new() };
    let (asks, typed, events) = (prompt.asks, prompt.line.text(), prompt.events.clone());
    // A whole path may be put in behind the beginning that stands there already.
    let whole = typed.trim().strip_prefix("$.").filter(|path| asks == Asks::Path && path.starts_with('$'));
    let text = whole.unwrap_or(typed.trim()).to_owned();
    let complaint = match asks {
        Asks::Filter => Query::parse(&text).err().map(|error| (error.to_string(), Some(error.column))),
        // An empty document answers every path that can be read.
        Asks::Path => Document::parse(b"{}".to_vec()).select(&text, 1).err().map(|error| (error.to_string(), None)),
        _ => None,
    };
    if let Some((complaint, column)) = complaint {
        // What is wrong is mended where it was typed, and shown there.
        if let Some(Layer::Prompt(prompt)) = model.layers.last_mut() {
            let blanks = prompt.line.text().chars().take_while(|letter| letter.is_whitespace()).count();
            prompt.spot = column.map(|column| blanks + column.saturating_sub(1));
            prompt.error = Some(complaint);
        }
        return Vec::new();
    }
    let case = prompt.case.clone();
    if matches!(asks, Asks::Recording | Asks::Playbook) {
        return name_playbook(model, asks, &text, &events);
    }
    model.layers.pop();
    match asks {
        Asks::Recording | Asks::Playbook => Vec::new(),
        Asks::Filter => {
            // The queue is what one wants to see now.
            model.layers.retain(|layer| matches!(layer, Layer::Form(_) | Layer::Confirm(_)));
            keep(&mut model.queries, &text);
            model.focus = Pane::Queue;
            let order = model.queue.view.order;
            act::go(model, View { query: text, title: String::new(), order })
        }
        Asks::Find => explore::find(model, &text),
        Asks::Path => {
            keep(&mut model.paths, &text);
            reading::select(model, text)
        }
        Asks::NewCase | Asks::CaseNote | Asks::CaseFile | Asks::Export => cases::answer(asks, case, text),
        Asks::Open if text.is_empty() => Vec::new(),
        Asks::Open => explore::open(model, Source::File(text)),
        Asks::View => views::save(model, text),
        Asks::Note if text.is_empty() => Vec::new(),
        Asks::Note => decide::record(model, events, Change::Note(text)),
        Asks::Case if text.is_empty() => Vec::new(),
        Asks::Case => decide::record(model, events, Change::Case(text)),
        Asks::Pipe => match act::document(model) {
            Some(document) => opening::ask(model, format!("| {text}"), Effect::Pipe(text, document)),
            None => Vec::new(),
        },
        Asks::Save => act::document(model).map(|body| vec![Effect::Save(text, body)]).unwrap_or_default(),
    }
}

/// Keeps a line to be brought back by the arrow key, each once.
fn keep(lines: &mut Vec<String>, text: &str) {
    lines.retain(|line| line != text);
    lines.push(text.to_owned());
    if lines.len() > 50 {
        lines.remove(0);
    }
}

/// Enter in the name of a playbook; one that cannot be is mended where it was typed.
fn name_playbook(model: &mut Model, asks: Asks, text: &str, events: &[i64]) -> Vec<Effect> {
    match recording::name_of(model, text) {
        Err(message) => {
            if let Some(Layer::Prompt(prompt)) = model.layers.last_mut() {
                prompt.error = Some(message);
            }
            Vec::new()
        }
        Ok(name) => {
            model.layers.pop();
            match (asks, events) {
                (Asks::Recording, _) => recording::save(model, name),
                (_, [event, ..]) => vec![Effect::RecordEvent(*event, name)],
                _ => Vec::new(),
            }
        }
    }
}
