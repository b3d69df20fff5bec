//! A document as pretty-printed text.

use ratatui::layout::Rect;

use super::super::paint::Paint;
use super::Manner;
use crate::core::console::explorer::Explorer;

/// Draws the text; says how many rows it has room for.
pub fn draw(paint: &mut Paint, area: Rect, explorer: &Explorer, manner: &Manner) -> usize {
    super::rows(paint, area, (explorer, &explorer.raw), manner, |paint, line, row| {
        let (text, _) = explorer.document.line_head(row, usize::from(line.width) * 4);
        paint.text(line.x, line.y, line.width, &text, paint.theme.text);
    })
}
