//! A list to choose from.

use ratatui::layout::Rect;

use super::middle;
use super::paint::{Paint, short, width};
use crate::core::console::chooser::Chooser;

/// Draws the list; says how many rows it has room for, and where the cursor is.
pub fn draw(paint: &mut Paint, area: Rect, chooser: &Chooser) -> (usize, Option<(u16, u16)>) {
    let theme = paint.theme;
    let height = short(chooser.choices.len() + 4).clamp(8, area.height.max(8)).min(area.height);
    let area = middle(area, 96, height);
    paint.clear(area, theme.text);
    let inside = paint.frame(area, &chooser.title, true);
    let mut cursor = None;
    let mut top = inside.y;
    if !chooser.letters {
        let used = paint.pieces(inside.x, top, inside.width, &[("> ", theme.key), (&chooser.line.text(), theme.text)]);
        let at = inside.x + 2 + short(width(&chooser.line.before()));
        cursor = Some((at.min(inside.x + used.max(2)), top));
        top += 1;
    }
    let rows = usize::from(inside.bottom().saturating_sub(top));
    if chooser.loading {
        paint.text(inside.x, top, inside.width, "Reading …", theme.dim);
        return (rows, cursor);
    }
    if chooser.matches.is_empty() {
        paint.text(inside.x, top, inside.width, "Nothing has that name.", theme.dim);
    }
    let first = chooser.first.min(chooser.at).max((chooser.at + 1).saturating_sub(rows.max(1)));
    let letters = chooser.letters;
    for (at, number) in chooser.matches.iter().enumerate().skip(first).take(rows) {
        let Some(choice) = chooser.choices.get(*number) else { continue };
        let y = top + short(at - first);
        let style = if choice.reason.is_some() { theme.dim } else { theme.text };
        let letter = choice.letter.filter(|_| letters).map(|letter| format!("{letter}  ")).unwrap_or_default();
        let right = choice.reason.clone().unwrap_or_else(|| choice.hint.clone());
        let wide = short(width(&right)).min(inside.width / 2);
        let room = inside.width.saturating_sub(wide + 1);
        paint.pieces(inside.x, y, room, &[(&letter, theme.key), (&choice.title, style), ("  ", style), (&choice.note, theme.dim)]);
        let hint = if choice.reason.is_some() { theme.warning } else { theme.key };
        paint.text(inside.right().saturating_sub(wide), y, wide, &right, hint);
        if at == chooser.at {
            paint.tint(Rect { y, height: 1, ..inside }, theme.selection);
        }
    }
    (rows, cursor)
}
