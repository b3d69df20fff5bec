//! From keys to actions: layers of text get the key first, then chords are looked up where the focus is.

use super::act;
use super::action::{Action, Context};
use super::ask;
use super::choose;
use super::chooser::Picked;
use super::confirm::{Answer, Subject};
use super::decide;
use super::dispose::Verdict;
use super::edit;
use super::effect::Effect;
use super::guide;
use super::jump;
use super::keys::{Code, Key, Match};
use super::layer::{Asks, Layer};
use super::model::{Model, Pane};
use super::notice::Tone;
use super::opening;
use super::post;
use super::resume;
use super::run;
use crate::core::query::complete::{Known, complete};

/// A key was pressed.
pub fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    model.notices.seen = true;
    let typed = match model.layers.last() {
        Some(Layer::Prompt(prompt)) => matches!(prompt.asks, Asks::Note | Asks::CaseNote) && key.typed().is_some(),
        Some(Layer::Dispose(dispose)) => !dispose.is_own(key),
        _ => false,
    };
    model.meter.key(typed);
    if key.ctrl && key.code == Code::Char('c') {
        return act::interrupt(model);
    }
    // Another view, marks, or what was asked for are on their way: what is pressed now is meant for them, not for what is on show still.
    let awaited = model.layers.is_empty() && ((model.queue.opening && model.focus == Pane::Queue) || model.queue.marking);
    if (awaited || model.opening.is_some()) && key.code != Code::Esc {
        model.early.push(key);
        return Vec::new();
    }
    // Escape takes back what was typed ahead; it must not overtake it.
    if key.code == Code::Esc && !model.early.is_empty() {
        model.early.clear();
        return Vec::new();
    }
    if model.opening.is_some() {
        opening::give_up(model);
        return Vec::new();
    }
    if model.jumping {
        return jump::take(model, key);
    }
    dispatch(model, key)
}

/// Hands a key to what is on top.
fn dispatch(model: &mut Model, key: Key) -> Vec<Effect> {
    match model.layers.last() {
        Some(Layer::Confirm(_)) => confirm(model, key),
        Some(Layer::Prompt(_)) => prompt(model, key),
        Some(Layer::Dispose(_)) => dispose(model, key),
        Some(Layer::Chooser(_)) => chooser(model, key),
        Some(Layer::Form(_)) => form(model, key),
        Some(Layer::Guide(_)) => guide::key(model, key),
        _ => chord(model, key),
    }
}

/// Looks a key up, together with those before it.
fn chord(model: &mut Model, key: Key) -> Vec<Effect> {
    if !model.pending.is_empty() && key.code == Code::Esc {
        model.pending.clear();
        return Vec::new();
    }
    model.pending.push(key);
    let contexts = model.contexts();
    match model.setup.keymap.find(&contexts, &model.pending) {
        Match::Action(action) => {
            model.pending.clear();
            act::perform(model, action)
        }
        Match::Pending => Vec::new(),
        // Escape and a letter in one packet, as a slow line brings them, look like a letter with alt.
        Match::None if let Some(letter) = key.behind_escape() => {
            model.pending.pop();
            model.meter.key(false);
            let mut effects = chord(model, Key::plain(Code::Esc));
            effects.extend(dispatch(model, letter));
            effects
        }
        Match::None => {
            let keys = super::keys::chord_text(&model.pending);
            let elsewhere = model.setup.keymap.anywhere(&model.pending);
            let elsewhere = elsewhere.map(|binding| format!("in the {} it is: {}", binding.context.as_str(), binding.action.row().title));
            model.pending.clear();
            let more = elsewhere.unwrap_or_else(|| {
                // A list takes letters itself.
                let in_list = matches!(model.layers.last(), Some(Layer::Chooser(_)));
                if in_list { "esc goes back".into() } else { format!("{} shows the keys", model.key(Action::Help)) }
            });
            model.tell(Tone::Info, format!("{keys} does nothing here; {more}"));
            Vec::new()
        }
    }
}

fn confirm(model: &mut Model, key: Key) -> Vec<Effect> {
    // The exact requests can be looked at before one says yes.
    if model.setup.keymap.find(&[Context::Form], &[key]) == Match::Action(Action::Preview) {
        return run::preview(model);
    }
    let now = model.now;
    let Some(Layer::Confirm(confirm)) = model.layers.last_mut() else { return Vec::new() };
    match confirm.input(key, now) {
        Answer::Open => Vec::new(),
        Answer::No => {
            model.layers.pop();
            Vec::new()
        }
        Answer::Yes => {
            let subject = confirm.subject.clone();
            model.layers.pop();
            match subject {
                Subject::Run(ready) => run::start(model, ready),
                Subject::Play(play) => super::play::start(model, *play),
                Subject::Tell(calls) => post::start(model, calls),
                Subject::Post(letter, differences) => post::post_confirmed(model, letter, differences),
                Subject::Quit => act::leave(model),
            }
        }
    }
}

fn prompt(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(Layer::Prompt(prompt)) = model.layers.last_mut() else { return Vec::new() };
    match key.code {
        Code::Esc => {
            resume::put_away(model);
            return Vec::new();
        }
        Code::Enter => return ask::answer(model),
        Code::Up => prompt.recall(true),
        Code::Down => prompt.recall(false),
        Code::Tab => prompt.next_candidate(),
        _ => {
            if prompt.line.input(key) {
                prompt.candidate = None;
                prompt.error = None;
                prompt.spot = None;
            }
        }
    }
    if key.code != Code::Tab && prompt.asks == Asks::Filter {
        prompt.completion = complete(&prompt.line.before(), &Known::of(&model.setup.connected));
    }
    Vec::new()
}

fn dispose(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(Layer::Dispose(dispose)) = model.layers.last_mut() else { return Vec::new() };
    match dispose.input(key) {
        Verdict::Open => Vec::new(),
        Verdict::GivenUp => {
            resume::put_away(model);
            Vec::new()
        }
        Verdict::Done => {
            let (events, disposition, note, tell) = (dispose.events.clone(), dispose.disposition, dispose.note.text(), dispose.tell);
            model.layers.pop();
            disposition.map(|disposition| decide::close(model, events, disposition, note, tell)).unwrap_or_default()
        }
    }
}

fn chooser(model: &mut Model, key: Key) -> Vec<Effect> {
    if key.code == Code::Esc {
        model.layers.pop();
        return Vec::new();
    }
    let Some(Layer::Chooser(chooser)) = model.layers.last_mut() else { return Vec::new() };
    match chooser.input(key) {
        Picked::Used => Vec::new(),
        Picked::Choice(choice) => choose::chosen(model, &choice),
        Picked::NotMine => chord(model, key),
    }
}

fn form(model: &mut Model, key: Key) -> Vec<Effect> {
    if let Match::Action(action) = model.setup.keymap.find(&[Context::Form], &[key]) {
        return act::perform(model, action);
    }
    let now = model.now;
    let Some(Layer::Form(form)) = model.layers.last_mut() else { return Vec::new() };
    let several = matches!(form.field().map(|field| &field.entry), Some(super::form::Entry::Area(_)));
    match key.code {
        Code::Esc => return run::put_away(model),
        Code::Tab | Code::BackTab => {
            form.move_by(if key.code == Code::Tab { 1 } else { -1 }, now);
            run::expand(model);
        }
        Code::Down if !several => form.move_by(1, now),
        Code::Up if !several => form.move_by(-1, now),
        Code::Enter if !several => return run::submit(model),
        _ => {
            if let Some(field) = form.field() {
                field.input(key);
                return edit::pause(model);
            }
        }
    }
    Vec::new()
}

/// Text was pasted. It goes into the text under edit or nowhere: a paste triggers nothing.
pub fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    model.pending.clear();
    model.jumping = false;
    match model.layers.last_mut() {
        // What it is meant for is not there yet.
        _ if model.opening.is_some() => model.tell(Tone::Info, "Nothing was pasted: what it is meant for is not open yet."),
        Some(Layer::Prompt(prompt)) => {
            prompt.line.paste(text);
            prompt.completion.texts.clear();
        }
        Some(Layer::Form(form)) => {
            if let Some(field) = form.field() {
                field.paste(text);
                return edit::pause(model);
            }
        }
        Some(Layer::Dispose(dispose)) if dispose.disposition.is_some() => dispose.paste(text),
        Some(Layer::Guide(guide)) if guide.done.is_none() => {
            guide.line.paste(text);
            guide.fault = None;
        }
        // A confirmation is typed by hand.
        _ => model.tell(Tone::Info, "Pasted text is only taken where text is typed; nothing was done."),
    }
    Vec::new()
}

/// The wheel turned.
pub fn scroll(model: &mut Model, rows: isize) -> Vec<Effect> {
    act::move_by(model, rows)
}
