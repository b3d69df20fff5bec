//! The tasks, newest first.

use ratatui::layout::Rect;

use super::paint::{Paint, short, width};
use super::time::{ago, lasted};
use crate::core::console::action::Action;
use crate::core::console::model::{Model, Pane};
use crate::core::console::task::{Stage, State, Task};
use crate::core::outcome::ReturnData;

/// Draws the pane; says how many tasks it has room for.
pub fn draw(paint: &mut Paint, area: Rect, model: &Model) -> usize {
    let running = model.tasks.running().count();
    let mut title = if running == 0 { "4 Tasks".to_owned() } else { format!("4 Tasks · {running} running") };
    if model.outbox.open() > 0 {
        title.push_str(&format!(" · {} in the outbox", model.outbox.open()));
    }
    let inside = paint.frame(area, &title, model.focus == Pane::Tasks);
    let theme = paint.theme;
    if model.tasks.list.is_empty() {
        // What connections do of themselves is no task, but it is not nothing.
        let text = match model.jobs.len() {
            0 => "Nothing was run yet.".to_owned(),
            1 => format!("1 connection is at work of itself; {} shows it.", model.key(Action::ShowConnections)),
            busy => format!("{busy} connections are at work of themselves; {} shows them.", model.key(Action::ShowConnections)),
        };
        for (at, line) in Paint::wrapped(&text, usize::from(inside.width)).iter().enumerate().take(usize::from(inside.height)) {
            paint.text(inside.x, inside.y + short(at), inside.width, line, theme.dim);
        }
        return 0;
    }
    let (inside, rest) = split(inside, model);
    let height = usize::from(inside.height / 2).max(1);
    let place = model.tasks.place();
    let first = model.tasks.first(height);
    for (at, task) in model.tasks.list.iter().enumerate().skip(first).take(height) {
        let y = inside.y + short((at - first) * 2);
        let (sign, style) = match task.state {
            State::Running { .. } | State::Cancelling => ("~", theme.accent),
            State::Ended(_) if task.stage == Some(Stage::Accepted) => ("~", theme.warning),
            State::Ended(_) if task.stage == Some(Stage::Observed { well: false }) => ("x", theme.error),
            State::Ended(ReturnData::Failed) => ("x", theme.error),
            State::Ended(ReturnData::PartiallySuccessful) => ("!", theme.warning),
            State::Ended(_) => ("+", theme.good),
        };
        paint.pieces(inside.x, y, inside.width, &[(sign, style), (" ", theme.text), (&task.title, theme.text)]);
        if y + 1 < inside.bottom() {
            paint.text(inside.x + 2, y + 1, inside.width.saturating_sub(2), &state(task, model), theme.dim);
        }
        if at == place && model.focus == Pane::Tasks {
            paint.tint(Rect { y, height: 1, ..inside }, theme.selection);
        }
        paint.jump_letter(inside.x, y, at - first, model.focus == Pane::Tasks);
    }
    for (at, line) in rest.iter().enumerate() {
        paint.text(inside.x, inside.bottom() + short(at), inside.width, line, theme.text);
    }
    height
}

/// Room for the tasks, and below them the whole text of the selected one, where its line cuts it and there is room for both.
fn split(inside: Rect, model: &Model) -> (Rect, Vec<String>) {
    const LINES: usize = 4;
    let selected = model.tasks.current().filter(|_| model.focus == Pane::Tasks && inside.height >= 8);
    let text = selected.map(|task| state(task, model)).unwrap_or_default();
    if width(&text) <= usize::from(inside.width.saturating_sub(2)) {
        return (inside, Vec::new());
    }
    let mut lines = Paint::wrapped(&text, usize::from(inside.width));
    lines.truncate(LINES);
    (Rect { height: inside.height - short(lines.len()), ..inside }, lines)
}

/// The state of a task in words.
pub fn state(task: &Task, model: &Model) -> String {
    match &task.state {
        State::Running { text, done, total } => {
            let text = if task.changes && text == "starting" { "requested" } else { text };
            let done = match (total, done) {
                (Some(total), done) => format!(" · {done} of {total}"),
                (None, 0) => String::new(),
                (None, done) => format!(" · {done}"),
            };
            format!("{text}{done} · {}", lasted(model.now.duration_since(task.started_at)))
        }
        State::Cancelling => "cancelling …".into(),
        State::Ended(state) => {
            let ended = task.ended_at.map(|at| ago(at, model.now)).unwrap_or_default();
            let first = task.message.lines().next().unwrap_or_default();
            match task.stage {
                Some(Stage::Accepted) => return format!("accepted {ended}, not yet observed · {first}"),
                Some(Stage::Observed { .. }) => return first.to_owned(),
                None => {}
            }
            match state {
                // Why comes first: what is cut at the edge is the least of it.
                ReturnData::Failed if !first.is_empty() => format!("{first} · failed {ended}"),
                _ if first.is_empty() => format!("{} · {ended}", state.as_str()),
                _ => format!("{} · {first} · {ended}", state.as_str()),
            }
        }
    }
}
