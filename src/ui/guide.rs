//! A guided sign-in: the link, the place for the address, what became of it.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::middle;
use super::paint::{Paint, short};
use crate::core::console::action::Action;
use crate::core::console::guide::Guide;
use crate::core::console::model::Model;
use crate::core::console::task::Task;

/// Draws the guide; says where the cursor is.
pub fn draw(paint: &mut Paint, area: Rect, guide: &Guide, model: &Model) -> Option<(u16, u16)> {
    let theme = paint.theme;
    let room = usize::from(area.width.min(110).saturating_sub(4));
    let key = |action: Action| model.key(action);
    let mut lines: Vec<(String, Style)> = Vec::new();
    let mut say = |text: &str, style: Style| lines.extend(Paint::wrapped(text, room).into_iter().map(|line| (line, style)));
    say("1  Open this link in a browser and sign in as the user whose rights are wanted:", theme.title);
    say(&guide.link, theme.accent);
    say(&format!("{} copies it, {} makes another", key(Action::CopyLink), key(Action::NewLink)), theme.dim);
    say("", theme.text);
    say("2  Paste the whole address that the browser ends at. A page that cannot be reached is as it should be.", theme.title);
    let typed = lines.len();
    let count = guide.line.text().chars().count();
    let mask = if count == 0 { String::new() } else { format!("{} {count} characters", "*".repeat(count.min(room.saturating_sub(30)))) };
    lines.push((format!("> {mask}"), theme.text));
    lines.push((String::new(), theme.text));
    let running = guide.task.and_then(|task| model.tasks.get(task)).is_some_and(Task::is_running);
    let mut say = |text: &str, style: Style| lines.extend(Paint::wrapped(text, room).into_iter().map(|line| (line, style)));
    match (&guide.done, &guide.fault) {
        (Some(done), _) => {
            say(done, theme.good);
            let next =
                format!("Next: enter closes this; {} tests the connection, {} fetches its events.", key(Action::Test), key(Action::Fetch));
            say(&next, theme.text);
        }
        (None, Some(fault)) => say(fault, theme.error),
        (None, None) if running => say("Exchanging it for a token …", theme.accent),
        (None, None) => say("enter exchanges it for a token; it is neither shown nor kept. esc leaves.", theme.dim),
    }
    let area = middle(area, 110, short(lines.len() + 2));
    paint.clear(area, theme.text);
    let inside = paint.framed(area, &format!("Sign in · {}", guide.connection), theme.focus);
    // What is typed and what became of it stays visible, however small the screen.
    let first = lines.len().saturating_sub(usize::from(inside.height)).min(typed.saturating_sub(1));
    for (y, (line, style)) in (inside.y..inside.bottom()).zip(lines.iter().skip(first)) {
        paint.text(inside.x + 1, y, inside.width.saturating_sub(1), line, *style);
    }
    let y = inside.y + short(typed - first);
    (guide.done.is_none() && y < inside.bottom()).then_some((inside.x + 3 + short(mask.chars().count().min(count)), y))
}
