//! What each action does.

use super::action::Action;
use super::chooser::{Chooser, Purpose};
use super::confirm::Confirm;
use super::edit;
use super::effect::{Effect, Gather, Outside, Text};
use super::explorer::Face;
use super::layer::{Asks, Layer, Page};
use super::model::{Model, OPEN, Pane};
use super::notice::Tone;
use super::opening;
use super::queue::{FIRST_LIMIT, Item, MOST};
use super::{
    add, ask, cases, choose, columns, copy, decide, explore, guide, help, jump, mark, play, post, reading, recording, resume, run, views,
};
use crate::core::health::Connected;
use crate::core::listing::View;
use crate::core::query::quoted;

/// Takes an action, if it can be taken now.
pub fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Err(reason) = model.availability(action) {
        model.tell(Tone::Info, format!("{}: {reason}", action.row().title));
        return Vec::new();
    }
    // A group of which the store has more than is here is marked whole first.
    if action.needs_event()
        && model.focus == Pane::Queue
        && let Some(which) = model.queue.half_group()
    {
        return mark::ask(model, which, Some(action));
    }
    match action {
        Action::Down => move_by(model, 1),
        Action::Up => move_by(model, -1),
        Action::PageDown => move_by(model, page(model)),
        Action::PageUp => move_by(model, -page(model)),
        Action::Top => move_by(model, -FAR),
        Action::Bottom => move_by(model, FAR),
        Action::Open => open(model),
        Action::Back => back(model),
        Action::Quit => quit(model),
        Action::Interrupt => interrupt(model),
        Action::ShowConnections => focus(model, Pane::Connections),
        Action::ShowQueue => focus(model, Pane::Queue),
        Action::ShowRecord => focus(model, Pane::Record),
        Action::ShowTasks => focus(model, Pane::Tasks),
        Action::NextPane | Action::PreviousPane => {
            let at = Pane::ALL.iter().position(|pane| *pane == model.focus).unwrap_or(0);
            let step = if action == Action::NextPane { 1 } else { Pane::ALL.len() - 1 };
            let pane = Pane::ALL.get((at + step) % Pane::ALL.len()).copied().unwrap_or_default();
            focus(model, pane)
        }
        Action::Zoom => just(model, |model| model.zoomed = !model.zoomed),
        Action::Mark | Action::MarkRange | Action::MarkAlike | Action::MarkAll | Action::Unmark => mark::perform(model, action),
        Action::Sort | Action::Group | Action::Theme | Action::Palette | Action::Commands => choose::open(model, action),
        Action::Views => views::open(model),
        Action::SaveView => views::ask_name(model),
        Action::ForgetView => views::ask_which(model),
        Action::Reverse => reverse(model),
        Action::Fold => mark::fold(model),
        Action::Alike => only_alike(model),
        Action::ShowCases => cases::open(model),
        Action::NewCase => cases::ask(model, Asks::NewCase),
        Action::AddFile => cases::ask(model, Asks::CaseFile),
        Action::CloseCase => cases::close(model),
        Action::CaseQueue => cases::to_queue(model),
        Action::Withdraw => cases::remove(model),
        Action::Columns => columns::open(model),
        Action::Toggle | Action::MoveLater | Action::MoveEarlier => columns::change(model, action),
        Action::Decode => reading::decode(model),
        Action::SelectPath => reading::ask_path(model),
        Action::Changes => reading::changes(model),
        Action::Times => just(model, |model| model.times = !model.times),
        Action::Jump => jump::begin(model),
        Action::Filter | Action::Find | Action::Memo | Action::Case | Action::Pipe | Action::Save | Action::OpenFile => {
            ask::open(model, action)
        }
        Action::FindNext | Action::FindPrevious => explore::find_next(model, action == Action::FindNext),
        Action::Dispose | Action::Again | Action::Take | Action::Reopen | Action::Undo => decide::perform(model, action),
        Action::Act if !model.layers.is_empty() => run::act_on_answer(model),
        Action::Act => gather(model, Purpose::Act(Vec::new(), Vec::new()), "Do with this", Gather::Act, false),
        Action::Playbooks => play::list(model),
        Action::Record => recording::toggle(model),
        Action::SignIn => guide::begin(model),
        Action::CopyLink => guide::copy(model),
        Action::NewLink => guide::renew(model),
        Action::Quick => gather(model, Purpose::Quick(Vec::new()), "Quick commands", Gather::Quick, true),
        Action::Pivot => pivot(model),
        Action::GoBack | Action::GoForward => {
            let moved = if action == Action::GoBack { model.queue.go_back() } else { model.queue.go_forward() };
            if moved { vec![model.list()] } else { Vec::new() }
        }
        Action::Related => run::again(model),
        Action::NextEvent | Action::PreviousEvent => {
            let next = model.queue.step(action == Action::NextEvent);
            next.map(|id| show(model, id)).unwrap_or_default()
        }
        Action::NextTab | Action::PreviousTab => explore::turn(model, action == Action::NextTab),
        Action::Expand
        | Action::Collapse
        | Action::UnfoldAll
        | Action::FoldAll
        | Action::Depth1
        | Action::Depth2
        | Action::Depth3
        | Action::ViewTable
        | Action::SortColumn
        | Action::HideColumn
        | Action::ShowColumns => explore::perform(model, action),
        Action::CopyValue | Action::CopyPath | Action::CopyJson | Action::CopyId | Action::CopyCall => copy::perform(model, action),
        Action::Pager => outside(model, Outside::Pager),
        Action::Editor => outside(model, Outside::Editor),
        Action::Fetch => run::fetch(model),
        Action::Refill => run::refill(model),
        Action::Test => run::test(model),
        Action::AddConnection => add::open(model),
        Action::Demo => add::demo(model),
        Action::Cancel if matches!(model.layers.last(), Some(Layer::Outbox)) => post::take_back(model),
        Action::Cancel => run::cancel(model),
        Action::RetryFailed => post::retry(model),
        Action::KeepForLater => post::keep(model),
        Action::OpenOutbox => post::open(model),
        Action::Send => post::send(model),
        Action::WriteBack => post::offer_to_tell(model),
        Action::Dismiss => just(model, |model| model.tasks.dismiss()),
        Action::Preview => run::preview(model),
        Action::PickValue => run::pick(model),
        Action::NextPlace => edit::next_place(model),
        Action::WriteOut => edit::write_out(model),
        Action::Submit => run::submit(model),
        Action::Help => help::open(model),
        Action::Notices => {
            let zone = model.zone();
            let time = |at: jiff::Timestamp| at.to_zoned(zone.clone()).strftime("%H:%M:%S %Z").to_string();
            let lines = model.notices.list.iter().rev().map(|notice| format!("{}  {}", time(notice.at), notice.text)).collect();
            page_layer(model, "Notices", lines)
        }
        Action::Stats => {
            let lines = model.meter.lines(model.now);
            page_layer(model, "Keys and time", lines)
        }
        Action::History => opening::ask(model, "History", Effect::History(model.zone())),
        Action::Log => opening::ask(model, "Log", Effect::Log(model.zone())),
        Action::LocalTime => just(model, |model| model.local_time = !model.local_time),
        Action::Mouse => {
            model.mouse = !model.mouse;
            vec![Effect::Mouse(model.mouse)]
        }
        Action::Ascii => {
            model.setup.ascii = !model.setup.ascii;
            vec![Effect::Redraw]
        }
        Action::Redraw => vec![Effect::Redraw],
        Action::Suspend => vec![Effect::Suspend],
    }
}

const FAR: isize = isize::MAX / 4;

fn just(model: &mut Model, change: impl FnOnce(&mut Model)) -> Vec<Effect> {
    change(model);
    Vec::new()
}

fn page(model: &Model) -> isize {
    let rows = match (model.layers.last(), model.focus) {
        (Some(_), _) => model.screen.layer,
        (None, Pane::Record) => model.screen.record,
        _ => model.screen.queue,
    };
    isize::try_from(rows.saturating_sub(1).max(1)).unwrap_or(1)
}

/// Opens a page of text.
pub fn page_layer(model: &mut Model, title: &str, lines: Vec<String>) -> Vec<Effect> {
    lay(model, Layer::Page(Page { title: title.into(), lines, ..Page::default() }));
    Vec::new()
}

/// Lays something over the panes. What is on top already is shown anew, not once more over itself.
pub fn lay(model: &mut Model, layer: Layer) {
    let kind = std::mem::discriminant(&layer);
    let same = |top: &Layer| std::mem::discriminant(top) == kind && top.title(&model.tasks) == layer.title(&model.tasks);
    if model.layers.last().is_some_and(same) {
        model.layers.pop();
    }
    model.layers.push(layer);
}

fn focus(model: &mut Model, pane: Pane) -> Vec<Effect> {
    model.layers.retain(|layer| matches!(layer, Layer::Form(_) | Layer::Confirm(_)));
    model.focus = pane;
    match (pane, &model.queue.selected) {
        (Pane::Record, Some(Item::Event(id))) if model.detail.wanted != Some(*id) => show(model, *id),
        _ => Vec::new(),
    }
}

/// Shows an event in the event pane.
pub fn show(model: &mut Model, id: i64) -> Vec<Effect> {
    model.detail.wanted = Some(id);
    model.detail.fault = None;
    vec![Effect::Show(id)]
}

/// In the wide layout the event pane follows the queue's cursor.
pub fn follow(model: &mut Model) -> Vec<Effect> {
    let wide = model.size.0 >= WIDE && model.size.1 >= 30;
    match model.queue.selected {
        Some(Item::Event(id)) if (wide || model.focus == Pane::Record) && model.detail.wanted != Some(id) => show(model, id),
        _ => Vec::new(),
    }
}

/// From so many columns on, panes lie side by side.
pub const WIDE: u16 = 120;

/// Moves the cursor of what has the focus.
pub fn move_by(model: &mut Model, rows: isize) -> Vec<Effect> {
    let face = model.face();
    match model.layers.last_mut() {
        Some(Layer::Page(page)) => {
            page.first = page.first.saturating_add_signed(rows).min(page.lines.len().saturating_sub(1));
            return Vec::new();
        }
        Some(Layer::Outcome(view)) => {
            match (face, view.explorer.as_mut()) {
                (Some(face), Some(explorer)) => explorer.move_by(face, rows),
                _ => view.first = view.first.saturating_add_signed(rows).min(10_000),
            }
            return Vec::new();
        }
        Some(Layer::Document(reading)) => {
            reading.explorer.move_by(reading.face, rows);
            return Vec::new();
        }
        Some(Layer::Columns(columns)) => {
            columns.move_by(rows);
            return Vec::new();
        }
        Some(Layer::Cases(_) | Layer::Case(_)) => {
            cases::move_by(model, rows);
            return Vec::new();
        }
        Some(Layer::Chooser(chooser)) => {
            chooser.move_by(rows);
            return Vec::new();
        }
        Some(Layer::Sheet(sheet)) => {
            sheet.at = sheet.at.saturating_add_signed(rows).min(sheet.steps.len().saturating_sub(1));
            return Vec::new();
        }
        Some(Layer::Outbox) => {
            model.outbox.move_by(rows);
            return Vec::new();
        }
        Some(_) => return Vec::new(),
        None => {}
    }
    match model.focus {
        Pane::Queue => {
            model.queue.move_by(rows);
            let mut effects = follow(model);
            let near_end = model.queue.place() + 100 > model.queue.rows.len();
            if near_end && model.queue.more && model.queue.rows.len() < MOST && !model.queue.loading && model.queue.grouping.is_none() {
                model.queue.limit = (model.queue.rows.len() * 2).clamp(FIRST_LIMIT, MOST);
                effects.push(model.list());
            }
            effects
        }
        Pane::Record => {
            let detail = &mut model.detail;
            let most = detail.lines().unwrap_or(60);
            match (face, detail.shown.as_mut()) {
                (Some(face), Some(shown)) => shown.explorer.move_by(face, rows),
                (None, Some(_)) => detail.line = detail.line.saturating_add_signed(rows).min(most.saturating_sub(1)),
                _ => {}
            }
            Vec::new()
        }
        Pane::Connections => {
            let names: Vec<&Connected> = model.setup.connected.iter().collect();
            let at = names.iter().position(|connected| Some(&connected.name) == model.connection.as_ref()).unwrap_or(0);
            let at = at.saturating_add_signed(rows).min(names.len().saturating_sub(1));
            model.connection = names.get(at).map(|connected| connected.name.clone());
            Vec::new()
        }
        Pane::Tasks => just(model, |model| model.tasks.move_by(rows)),
    }
}

fn open(model: &mut Model) -> Vec<Effect> {
    if matches!(model.layers.last(), Some(Layer::Sheet(_))) {
        return play::preview(model);
    }
    match model.face() {
        Some(Face::Table) => return reading::open_row(model),
        Some(Face::Tree) => {
            if let Some((_, explorer)) = model.explorer_mut() {
                explorer.tree.toggle(&explorer.document);
            }
            return Vec::new();
        }
        Some(Face::Raw) => return Vec::new(),
        None if !model.layers.is_empty() => return cases::enter(model),
        None => {}
    }
    match model.focus {
        Pane::Queue => match model.queue.selected.clone() {
            Some(Item::Event(id)) => {
                model.queue.moved = true;
                model.focus = Pane::Record;
                show(model, id)
            }
            Some(Item::Group(_)) => mark::fold(model),
            None => Vec::new(),
        },
        Pane::Record => {
            if let Some(entity) = model.detail.entity().cloned() {
                return choose::pivot_on(model, entity.kind.as_str(), &entity.value);
            }
            if model.detail.revision().is_some() {
                return reading::changes(model);
            }
            model.zoomed = !model.zoomed;
            Vec::new()
        }
        Pane::Connections => {
            let Some(name) = model.connection.clone() else { return Vec::new() };
            let query = format!("connection:={name}");
            model.focus = Pane::Queue;
            go(model, View { query, title: name, order: model.queue.view.order })
        }
        Pane::Tasks => {
            let Some(task) = model.tasks.current().map(|task| task.id) else { return Vec::new() };
            run::show_outcome(model, task);
            Vec::new()
        }
    }
}

/// Goes to another view of the queue.
pub fn go(model: &mut Model, view: View) -> Vec<Effect> {
    match model.queue.marks.len() {
        0 => {}
        1 => model.tell(Tone::Info, "1 mark was let go: marks are of one view"),
        several => model.tell(Tone::Info, format!("{several} marks were let go: marks are of one view")),
    }
    model.queue.go(view);
    vec![model.list()]
}

fn back(model: &mut Model) -> Vec<Effect> {
    if explore::stop(model) {
        return Vec::new();
    }
    if model.setup.alone && model.layers.len() == 1 {
        model.tell(Tone::Info, format!("{} leaves", model.key(Action::Quit)));
        return Vec::new();
    }
    if model.layers.pop().is_some() {
        return Vec::new();
    }
    if model.focus != Pane::Queue {
        model.zoomed = false;
        model.focus = Pane::Queue;
        return Vec::new();
    }
    if !model.queue.marks.is_empty() {
        model.queue.marks.clear();
        return Vec::new();
    }
    if model.queue.go_back() {
        return vec![model.list()];
    }
    if model.queue.view.query != OPEN {
        let order = model.queue.view.order;
        model.queue.view = View { query: OPEN.into(), order, title: String::new() };
        return vec![model.list()];
    }
    Vec::new()
}

fn quit(model: &mut Model) -> Vec<Effect> {
    if model.layers.pop().is_some() && !(model.setup.alone && model.layers.is_empty()) {
        return Vec::new();
    }
    let running: Vec<String> = model.tasks.running().map(|task| task.title.clone()).collect();
    if running.is_empty() {
        return leave(model);
    }
    let confirm = Confirm::quit(&running, model.now);
    let wake = Effect::Wake(confirm.armed_at);
    model.layers.push(Layer::Confirm(Box::new(confirm)));
    vec![wake]
}

/// Leaves.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    model.leaving = true;
    let mut effects = resume::keep(model);
    effects.push(Effect::Quit);
    effects
}

/// Closes what is on top, or leaves.
pub fn interrupt(model: &mut Model) -> Vec<Effect> {
    model.pending.clear();
    if model.opening.is_some() {
        opening::give_up(model);
        return Vec::new();
    }
    if matches!(model.layers.last(), Some(Layer::Form(_))) {
        return run::put_away(model);
    }
    quit(model)
}

fn reverse(model: &mut Model) -> Vec<Effect> {
    if model.face() == Some(Face::Table) {
        return explore::perform(model, Action::SortColumn);
    }
    model.queue.view.order.descending = !model.queue.view.order.descending;
    vec![model.list()]
}

fn only_alike(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.queue.current().cloned() else { return Vec::new() };
    let query = format!("vendor:={} type:={} rule:={}", quoted(&row.vendor), quoted(&row.event_type), quoted(&row.rule));
    go(model, View { query, title: format!("alike: {}", row.rule), order: model.queue.view.order })
}

/// What is on show, as a text for the world outside.
pub(super) fn document(model: &Model) -> Option<Text> {
    match model.layers.last() {
        Some(Layer::Page(page)) => Some(Text::Plain(page.text())),
        _ => model.explorer().map(|explorer| Text::Pretty(explorer.document.clone())),
    }
}

pub(super) fn outside(model: &mut Model, program: Outside) -> Vec<Effect> {
    match document(model) {
        Some(text) => vec![Effect::Outside(program, text)],
        None => Vec::new(),
    }
}

/// Asks for the records of the targets, and opens the list that they will fill.
pub(super) fn gather(model: &mut Model, purpose: Purpose, title: &str, why: Gather, letters: bool) -> Vec<Effect> {
    let events = model.targets();
    let chooser = Chooser { letters, ..Chooser::loading(purpose, title) };
    model.layers.push(Layer::Chooser(Box::new(chooser)));
    opening::ask(model, title, Effect::Gather(events, why))
}

fn pivot(model: &mut Model) -> Vec<Effect> {
    gather(model, Purpose::Pivot, "Pivot on", Gather::Pivot, true)
}
