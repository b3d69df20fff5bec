//! A document on top of what it was taken from.

use ratatui::layout::Rect;

use super::explorer;
use super::paint::Paint;
use crate::core::explorer::Face;
use crate::core::model::Model;
use crate::core::reading::Reading;

/// Draws the document; says how many rows it has room for.
pub fn draw(paint: &mut Paint, area: Rect, reading: &Reading, model: &Model) -> usize {
    let theme = paint.theme;
    paint.clear(area, theme.text);
    let inside = paint.frame(area, &reading.title, true);
    let mut x = inside.x;
    for (title, face) in Face::ALL {
        let style = if face == reading.face { theme.selection } else { theme.dim };
        x += paint.text(x, inside.y, inside.right().saturating_sub(x), &format!(" {title} "), style);
    }
    let body = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    explorer::draw(paint, body, &reading.explorer, reading.face, model, true)
}
