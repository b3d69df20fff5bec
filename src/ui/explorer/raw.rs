//! A document as pretty-printed text.

use ratatui::layout::Rect;

use super::super::paint::{Paint, short};
use super::Manner;
use crate::core::explorer::Explorer;

/// Draws the text; says how many rows it has room for.
pub fn draw(paint: &mut Paint, area: Rect, explorer: &Explorer, manner: &Manner) -> usize {
    let (document, tree, theme) = (&explorer.document, &explorer.raw, paint.theme);
    let height = usize::from(area.height);
    if document.root().is_none() {
        super::plain(paint, area, document);
        return height;
    }
    let selected = tree.selected_row(document);
    let first = super::fit(explorer.first, selected, height);
    for (at, row) in tree.rows(document, first, height).into_iter().enumerate() {
        let y = area.y + short(at);
        paint.text(area.x, y, area.width, &document.line_head(&row, usize::from(area.width) * 4).0, theme.text);
        if first + at == selected {
            paint.tint(Rect { y, height: 1, ..area }, theme.selection);
        }
        paint.jump_letter(area.x, y, at, manner.keys);
    }
    height
}
