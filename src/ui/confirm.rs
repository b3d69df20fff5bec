//! A question.

use ratatui::layout::Rect;

use super::middle;
use super::paint::{Paint, short, width};
use crate::core::console::action::Action;
use crate::core::console::confirm::{Confirm, Need, Subject};
use crate::core::console::model::Model;
use crate::core::console::run::is_dangerous;

/// Draws the question; says how many rows it has for how many lines, and where the cursor is.
pub fn draw(paint: &mut Paint, area: Rect, confirm: &Confirm, model: &Model) -> ((usize, usize), Option<(u16, u16)>) {
    let theme = paint.theme;
    let room = usize::from(area.width.min(84).saturating_sub(4));
    let parts = |line: &String| Paint::hung(line, room).into_iter().map(|part| (is_grave(line), part)).collect::<Vec<_>>();
    let mut lines: Vec<(bool, String)> = confirm.lines.iter().flat_map(parts).collect();
    let area = middle(area, 84, short(lines.len() + 5));
    paint.clear(area, theme.text);
    let style = if is_dangerous(confirm.reach) { theme.danger } else { theme.focus };
    let inside = paint.framed(area, &confirm.title, style);
    // What answers it stays visible, however small the screen; where not all fits, what cannot be undone is read first.
    let rows = usize::from(inside.height.saturating_sub(2));
    let scroll = confirm.scroll.drawn(rows, lines.len());
    if scroll.is_long() {
        lines.sort_by_key(|(grave, _)| !grave);
    }
    for (y, (grave, line)) in (inside.y..).zip(lines.iter().skip(scroll.first).take(rows)) {
        let style = if *grave { theme.danger } else { theme.text };
        paint.text(inside.x + 1, y, inside.width.saturating_sub(1), line, style);
    }
    let y = inside.bottom().saturating_sub(1);
    let hint = match (&confirm.subject, model.setup.keymap.hint(Action::Preview)) {
        (Subject::Run(_), Some(key)) => format!("{key} shows the exact requests"),
        _ => String::new(),
    };
    let below = lines.len().saturating_sub(scroll.first + rows);
    let hint = if scroll.is_long() { format!("up down: line {} of {}", scroll.first + 1, lines.len()) } else { hint };
    paint.text(inside.x + 1, y.saturating_sub(1), inside.width.saturating_sub(1), &hint, theme.dim);
    (
        (rows, lines.len()),
        answer(
            paint,
            Rect { x: inside.x + 1, y, width: inside.width.saturating_sub(1), height: 1 },
            confirm,
            model,
            (scroll.left(), below),
        ),
    )
}

/// Draws what answers the question, or why it cannot be answered yet; says where the cursor is.
fn answer(paint: &mut Paint, area: Rect, confirm: &Confirm, model: &Model, (left, below): (usize, usize)) -> Option<(u16, u16)> {
    let theme = paint.theme;
    let Rect { x, y, width: room, .. } = area;
    if left > 0 {
        let more = format!("{below} more line{}: down; esc leaves it", if below == 1 { "" } else { "s" });
        paint.text(x, y, room, &more, theme.warning);
        return None;
    }
    if !confirm.is_armed(model.now) {
        paint.text(x, y, room, "Read first …", theme.dim);
        return None;
    }
    match &confirm.need {
        Need::Key => {
            let (yes, no) = if confirm.on_yes { (theme.selection, theme.text) } else { (theme.text, theme.selection) };
            paint.pieces(x, y, room, &[(" Cancel (esc) ", no), ("   ", theme.text), (" Yes (y) ", yes)]);
            None
        }
        Need::Text(wanted) => {
            let ask = format!("Type {wanted} and enter, or esc: ");
            let style = if confirm.is_typed() { theme.good } else { theme.text };
            let right = (x + room).saturating_sub(1);
            let beside = short(width(&ask));
            if beside + short(width(wanted)) < room {
                paint.pieces(x, y, room, &[(&ask, theme.title), (&confirm.line.text(), style)]);
                return Some(((x + beside + short(width(&confirm.line.before()))).min(right), y));
            }
            // What is typed has a row of its own where it would not fit beside the request.
            let above = Rect { y: y.saturating_sub(1), ..area };
            paint.clear(above, theme.text);
            paint.text(x, above.y, room, &format!("Type {wanted}, or esc:"), theme.title);
            paint.text(x, y, room, &confirm.line.text(), style);
            Some(((x + short(width(&confirm.line.before()))).min(right), y))
        }
    }
}

fn is_grave(line: &str) -> bool {
    line.contains("CANNOT BE UNDONE")
}
