//! A question.

use ratatui::layout::Rect;

use super::middle;
use super::paint::{Paint, short, width};
use crate::core::action::Action;
use crate::core::confirm::{Confirm, Need, Subject};
use crate::core::model::Model;
use crate::core::run::is_dangerous;

/// Draws the question; says where the cursor is.
pub fn draw(paint: &mut Paint, area: Rect, confirm: &Confirm, model: &Model) -> Option<(u16, u16)> {
    let theme = paint.theme;
    let room = usize::from(area.width.min(84).saturating_sub(4));
    let lines: Vec<String> = confirm.lines.iter().flat_map(|line| Paint::wrapped(line, room)).collect();
    let area = middle(area, 84, short(lines.len() + 5));
    paint.clear(area, theme.text);
    let style = if is_dangerous(confirm.reach) { theme.danger } else { theme.focus };
    let inside = paint.framed(area, &confirm.title, style);
    // What answers it stays visible, however small the screen.
    let lines = shortened(lines, usize::from(inside.height.saturating_sub(2)));
    for (y, line) in (inside.y..).zip(&lines) {
        let style = if is_grave(line) { theme.danger } else { theme.text };
        paint.text(inside.x + 1, y, inside.width.saturating_sub(1), line, style);
    }
    let y = inside.bottom().saturating_sub(1);
    if let (Subject::Run(_), Some(key)) = (&confirm.subject, model.setup.keymap.hint(Action::Preview)) {
        let hint = format!("{key} shows the exact requests");
        paint.text(inside.x + 1, y.saturating_sub(1), inside.width.saturating_sub(1), &hint, theme.dim);
    }
    if !confirm.is_armed(model.now) {
        paint.text(inside.x + 1, y, inside.width, "Read first …", theme.dim);
        return None;
    }
    match &confirm.need {
        Need::Key => {
            let (yes, no) = if confirm.on_yes { (theme.selection, theme.text) } else { (theme.text, theme.selection) };
            paint.pieces(inside.x + 1, y, inside.width, &[(" Cancel (esc) ", no), ("   ", theme.text), (" Yes (y) ", yes)]);
            None
        }
        Need::Text(wanted) => {
            let ask = format!("Type {wanted} and enter, or esc: ");
            let style = if confirm.is_typed() { theme.good } else { theme.text };
            let (x, room) = (inside.x + 1, inside.width.saturating_sub(1));
            let beside = short(width(&ask));
            if beside + short(width(wanted)) < room {
                paint.pieces(x, y, room, &[(&ask, theme.title), (&confirm.line.text(), style)]);
                return Some(((x + beside + short(width(&confirm.line.before()))).min(inside.right().saturating_sub(1)), y));
            }
            // What is typed has a row of its own where it would not fit beside the request.
            let above = Rect { y: y.saturating_sub(1), height: 1, ..inside };
            paint.clear(above, theme.text);
            paint.text(x, above.y, room, &format!("Type {wanted}, or esc:"), theme.title);
            paint.text(x, y, room, &confirm.line.text(), style);
            Some(((x + short(width(&confirm.line.before()))).min(inside.right().saturating_sub(1)), y))
        }
    }
}

fn is_grave(line: &str) -> bool {
    line.contains("CANNOT BE UNDONE")
}

/// The lines that there is room for: what cannot be undone before all else, and at the end how much is missing.
fn shortened(mut lines: Vec<String>, space: usize) -> Vec<String> {
    if lines.len() > space {
        lines.sort_by_key(|line| !is_grave(line));
        let left = lines.len() + 1 - space.max(1);
        lines.truncate(space.saturating_sub(1));
        lines.push(format!("… {left} more lines: enlarge the window"));
    }
    lines
}
