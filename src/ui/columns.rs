//! The columns of a table, to tick and to put in order.

use ratatui::layout::Rect;

use super::middle;
use super::paint::{Paint, short};
use crate::core::console::columns::Columns;

/// Draws the list; says how many rows it has room for.
pub fn draw(paint: &mut Paint, area: Rect, columns: &Columns) -> usize {
    let theme = paint.theme;
    let area = middle(area, 60, short(columns.ticks.len() + 2).clamp(6, area.height.max(6)));
    paint.clear(area, theme.text);
    let shown = columns.ticks.iter().filter(|tick| tick.shown).count();
    let inside = paint.frame(area, &format!("Columns · {shown} of {} shown", columns.ticks.len()), true);
    let height = usize::from(inside.height);
    let first = columns.first.min(columns.at).max((columns.at + 1).saturating_sub(height.max(1)));
    for (at, tick) in columns.ticks.iter().enumerate().skip(first).take(height) {
        let y = inside.y + short(at - first);
        let (mark, style) = if tick.shown { ("[x] ", theme.text) } else { ("[ ] ", theme.dim) };
        let seen = format!("  in {} row{}", tick.seen, if tick.seen == 1 { "" } else { "s" });
        paint.pieces(
            inside.x + 1,
            y,
            inside.width.saturating_sub(1),
            &[(mark, theme.key), (&tick.field.title(), style), (&seen, theme.dim)],
        );
        if at == columns.at {
            paint.tint(Rect { y, height: 1, ..inside }, theme.selection);
        }
        paint.jump_letter(inside.x, y, at - first, true);
    }
    height
}
