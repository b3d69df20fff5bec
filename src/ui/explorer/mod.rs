//! A JSON document: tree, table and text.

mod raw;
mod table;
mod tree;

use ratatui::layout::Rect;

use super::paint::Paint;
use crate::core::explorer::{Explorer, Face};

/// Draws a face of a document; says how many rows it has room for.
pub fn draw(paint: &mut Paint, area: Rect, explorer: &Explorer, face: Face) -> usize {
    if area.height == 0 || area.width < 4 {
        return 0;
    }
    // The last line says where one is.
    let body = Rect { height: area.height - 1, ..area };
    let foot = area.bottom() - 1;
    let rows = match face {
        Face::Tree => tree::draw(paint, body, explorer),
        Face::Table => table::draw(paint, body, explorer),
        Face::Raw => raw::draw(paint, body, explorer),
    };
    let path = explorer.path_text(face).unwrap_or_default();
    let find = explorer.find.as_ref().map(|find| format!("  {} found", find.total())).unwrap_or_default();
    let trouble = explorer.document.trouble().map(|trouble| format!("  {trouble}")).unwrap_or_default();
    let theme = paint.theme;
    paint.pieces(area.x, foot, area.width, &[(&path, theme.dim), (&find, theme.accent), (&trouble, theme.warning)]);
    rows
}

fn fit(first: usize, selected: usize, height: usize) -> usize {
    first.min(selected).max((selected + 1).saturating_sub(height.max(1)))
}
