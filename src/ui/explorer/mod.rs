//! A JSON document: tree, table and text.

mod raw;
mod table;
mod tree;

use ratatui::layout::Rect;

use super::paint::{Paint, short, width};
use crate::core::explorer::{Explorer, Face};
use crate::core::json::Document;

/// Bytes that are shown of what is no JSON.
const PLAIN: usize = 64 * 1024;

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
    let find = match &explorer.pending {
        Some(pending) => format!("  {} {} % (esc stops)", pending.doing, pending.percent),
        None => explorer.find.as_ref().map(|find| format!("  {} found", find.total())).unwrap_or_default(),
    };
    let trouble = explorer.document.trouble().map(|trouble| format!("  {trouble}")).unwrap_or_default();
    let theme = paint.theme;
    // A long path does not push out what is wrong.
    let rest = short(width(&find) + width(&trouble)).min(area.width * 2 / 3);
    let used = paint.text(area.x, foot, area.width - rest, &path, theme.dim);
    paint.pieces(area.x + used, foot, area.width - used, &[(&find, theme.accent), (&trouble, theme.warning)]);
    rows
}

/// The beginning of what is no JSON, as it is.
fn plain(paint: &mut Paint, area: Rect, document: &Document) {
    let bytes = document.bytes();
    let text = String::from_utf8_lossy(bytes.get(..PLAIN).unwrap_or(bytes));
    let style = paint.theme.dim;
    if text.trim().is_empty() {
        paint.text(area.x, area.y, area.width, "This document is empty.", style);
    }
    for (y, line) in (area.y..area.bottom()).zip(text.lines()) {
        paint.text(area.x, y, area.width, line, style);
    }
}

fn fit(first: usize, selected: usize, height: usize) -> usize {
    first.min(selected).max((selected + 1).saturating_sub(height.max(1)))
}
