//! A document on top of what it was taken from.

use ratatui::layout::Rect;

use super::explorer;
use super::paint::{Paint, short, width};
use crate::core::console::explorer::Face;
use crate::core::console::model::Model;
use crate::core::console::reading::Reading;
use crate::core::json::Document;

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
    if let Some(coming) = &reading.coming {
        let document = &reading.explorer.document;
        let (state, style) = match (&coming.fault, &coming.progress) {
            (Some(fault), _) => (fault.clone(), theme.error),
            (None, Some(progress)) => (format!("{progress} …"), theme.accent),
            (None, None) => (extent(document), theme.dim),
        };
        if document.bytes().is_empty() && (coming.fault.is_some() || coming.progress.is_some()) {
            for (line, y) in Paint::wrapped(&state, usize::from(body.width)).iter().zip(body.top()..body.bottom()) {
                paint.text(body.x, y, body.width, line, style);
            }
            return usize::from(body.height);
        }
        // How far it is stands at the right, where it disturbs least.
        let start = inside.right().saturating_sub(short(width(&state)) + 1).max(x + 1);
        paint.text(start, inside.y, inside.right().saturating_sub(start), &state, style);
    }
    explorer::draw(paint, body, &reading.explorer, reading.face, model, true)
}

/// How large a document is.
fn extent(document: &Document) -> String {
    let several = match document.root() {
        Some(root) if document.is_sequence() => format!("{} values, ", document.count(root)),
        _ => String::new(),
    };
    let bytes = document.bytes().len();
    several
        + &match bytes {
            0..10_000 => format!("{bytes} bytes"),
            10_000..1_000_000 => format!("{} kB", bytes / 1000),
            _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        }
}
