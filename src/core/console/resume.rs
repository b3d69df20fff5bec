//! The session that is kept: the same row, the same view, what was being typed; never anything armed.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::detail::Tab;
use super::dispose::Dispose;
use super::effect::Effect;
use super::form::Form;
use super::layer::{Asks, Layer, Prompt};
use super::line::Line;
use super::model::{Model, OPEN, Pane};
use super::notice::Tone;
use super::queue::Item;
use super::run;
use crate::core::event::Disposition;
use crate::core::listing::{Column, Grouping};

/// How long the typing pauses before what was typed is kept.
const PAUSE: SignedDuration = SignedDuration::from_secs(2);

/// The state of the session that is worth keeping.
pub fn session(model: &Model) -> Value {
    json!({
        "query": model.queue.view.query,
        "title": model.queue.view.title,
        "column": model.queue.view.order.column.as_str(),
        "descending": model.queue.view.order.descending,
        "grouping": model.queue.grouping.map(Grouping::as_str),
        "event": match model.queue.selected { Some(Item::Event(id)) => Some(id), _ => None },
        "focus": model.focus as u8,
        "tab": model.detail.tab as u8,
        "theme": model.setup.theme,
        "given_theme": model.setup.given_theme,
        "local_time": model.local_time,
        "times": model.times,
        "queries": model.queries,
        "typing": model.layers.iter().rev().find_map(typing),
    })
}

/// What is being typed, if it is worth keeping. Secrets are not.
fn typing(layer: &Layer) -> Option<Value> {
    match layer {
        Layer::Form(form) if form.playbook.is_none() && !form.adds => Some(json!({
            "connection": form.connection, "command": form.command.name, "values": form.held(), "events": form.events,
            "source": form.source,
        })),
        Layer::Dispose(dispose) => Some(json!({
            "disposition": dispose.disposition.map(Disposition::as_str), "note": dispose.note.text(), "events": dispose.events,
        })),
        Layer::Prompt(prompt) if prompt.asks == Asks::CaseNote => Some(json!({ "note": prompt.line.text(), "case": prompt.case })),
        Layer::Prompt(prompt) if prompt.asks == Asks::Note => Some(json!({ "note": prompt.line.text(), "events": prompt.events })),
        _ => None,
    }
}

/// Whether a layer holds something typed that is worth keeping.
fn is_typing(layer: &Layer) -> bool {
    match layer {
        Layer::Form(_) | Layer::Dispose(_) => true,
        Layer::Prompt(prompt) => matches!(prompt.asks, Asks::CaseNote | Asks::Note),
        _ => false,
    }
}

/// So many notes are kept that were put away.
const PUT_AWAY: usize = 50;

/// Closes what is on top. What was typed there is kept for the next time that the same is asked about the same.
pub fn put_away(model: &mut Model) {
    let Some(mut layer) = model.layers.pop() else { return };
    let typed = match &mut layer {
        Layer::Prompt(prompt) => matches!(prompt.asks, Asks::CaseNote | Asks::Note) && !prompt.line.is_empty(),
        Layer::Dispose(dispose) => {
            // Nothing armed is kept.
            dispose.tell = false;
            dispose.first = None;
            dispose.typed && !dispose.note.is_empty()
        }
        _ => false,
    };
    if !typed {
        return;
    }
    model.put_away.push(layer);
    if model.put_away.len() > PUT_AWAY {
        model.put_away.remove(0);
    }
    model.tell(Tone::Info, "Put away; what you typed comes back when you ask for the same again.");
}

/// Puts what was typed earlier about the same into what is on top.
pub fn bring_back(model: &mut Model) {
    let Some(top) = model.layers.last_mut() else { return };
    let same = |kept: &Layer| match (kept, &*top) {
        (Layer::Prompt(kept), Layer::Prompt(top)) => (kept.asks, &kept.events, &kept.case) == (top.asks, &top.events, &top.case),
        (Layer::Dispose(kept), Layer::Dispose(top)) => kept.events == top.events,
        _ => false,
    };
    let Some(at) = model.put_away.iter().rposition(same) else { return };
    match (model.put_away.remove(at), top) {
        (Layer::Prompt(kept), Layer::Prompt(top)) => top.line = kept.line,
        (Layer::Dispose(kept), Layer::Dispose(top)) => {
            top.disposition = kept.disposition;
            top.note = kept.note;
            top.typed = true;
        }
        _ => {}
    }
    model.tell(Tone::Info, "What you typed before is back; nothing is recorded until you press enter.");
}

/// Something was typed: it is kept when the typing pauses, since nobody is told of a power cut.
pub fn touched(model: &mut Model) -> Option<Effect> {
    if !model.layers.last().is_some_and(is_typing) {
        return None;
    }
    let at = model.now + PAUSE;
    model.keep_at.replace(at).is_none().then_some(Effect::Wake(at))
}

/// Time passed: what was typed is kept, if the typing has paused.
pub fn paused(model: &mut Model) -> Vec<Effect> {
    match model.keep_at {
        Some(at) if at <= model.now => {
            model.keep_at = None;
            keep(model)
        }
        Some(at) => vec![Effect::Wake(at)],
        None => Vec::new(),
    }
}

/// What is kept when the console is left, however it is left.
pub fn keep(model: &Model) -> Vec<Effect> {
    let mut effects = vec![Effect::Keep(session(model))];
    effects.extend(model.layers.iter().filter_map(|layer| match layer {
        Layer::Form(form) => run::keep_draft(form),
        _ => None,
    }));
    effects
}

/// Takes up a kept session.
pub fn resume(model: &mut Model, session: &Value) {
    let text = |name: &str| session.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| session.get(name).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
    let view = &mut model.queue.view;
    view.query = text("query").unwrap_or_else(|| OPEN.into());
    view.title = text("title").unwrap_or_default();
    if let Some(column) = text("column").and_then(|id| Column::parse(&id)) {
        view.order.column = column;
        view.order.descending = session.get("descending").and_then(Value::as_bool).unwrap_or(true);
    }
    model.queue.grouping = text("grouping").and_then(|id| Grouping::parse(&id));
    model.queue.selected = session.get("event").and_then(Value::as_i64).map(Item::Event);
    model.queue.moved = model.queue.selected.is_some();
    if let Some(pane) = number("focus").and_then(|at| Pane::ALL.get(at)) {
        model.focus = *pane;
    }
    if let Some((_, tab)) = number("tab").and_then(|at| Tab::ALL.get(at)) {
        model.detail.tab = *tab;
    }
    // What was chosen over one theme says nothing where another is asked for, such as the one without colours.
    let same = text("given_theme").is_some_and(|given| given == model.setup.given_theme);
    if let Some(theme) = text("theme").filter(|theme| same && model.setup.themes.contains(theme)) {
        model.setup.theme = theme;
    }
    let flag = |name: &str| session.get(name).and_then(Value::as_bool).unwrap_or(false);
    model.local_time = flag("local_time");
    model.times = flag("times");
    if let Some(queries) = session.get("queries").and_then(Value::as_array) {
        model.queries = queries.iter().filter_map(|query| query.as_str().map(str::to_owned)).collect();
    }
    if let Some(typing) = session.get("typing").filter(|typing| typing.is_object())
        && let Some(layer) = typed(model, typing)
    {
        model.layers.push(layer);
        model.tell(Tone::Info, "What you were typing is back; nothing was sent and nothing is confirmed.");
    }
}

/// The layer in which something was being typed.
fn typed(model: &mut Model, typing: &Value) -> Option<Layer> {
    let text = |name: &str| typing.get(name).and_then(Value::as_str);
    let events: Vec<i64> = typing.get("events").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect();
    if let (Some(connection), Some(command)) = (text("connection"), text("command")) {
        let connected = model.connected(connection)?;
        let found = connected.entry.command(command)?;
        let mut form = Form::new(model.next_form + 1, connection, &connected.environment, &connected.vendor, found, &[]);
        form.restore(typing.get("values").and_then(Value::as_object).unwrap_or(&Map::new()));
        form.events = events;
        text("source").unwrap_or_default().clone_into(&mut form.source);
        form.drafted = true;
        model.next_form += 1;
        return Some(Layer::Form(Box::new(form)));
    }
    let note = Line::new(text("note")?);
    if typing.get("disposition").is_some() {
        let disposition = text("disposition").and_then(Disposition::parse);
        let own = model.setup.templates.clone();
        let typed = !note.is_empty();
        return Some(Layer::Dispose(Box::new(Dispose { events, disposition, note, own, typed, ..Dispose::default() })));
    }
    if let Some(case) = text("case") {
        let prompt = Prompt { case: Some(case.into()), ..Prompt::new(Asks::CaseNote, &note.text()) };
        return Some(Layer::Prompt(Box::new(prompt)));
    }
    let mut prompt = Prompt::new(Asks::Note, &note.text());
    prompt.events = events;
    Some(Layer::Prompt(Box::new(prompt)))
}
