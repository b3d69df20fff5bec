//! A document from a file.

use ratatui::layout::Rect;

use super::explorer;
use super::paint::{Paint, short, width};
use crate::core::layer::DocumentView;

/// What the document is called on the screen.
pub fn name(view: &DocumentView) -> &str {
    if view.name == "-" { "standard input" } else { &view.name }
}

/// Draws the document, as far as it is known; says how many rows its body has.
pub fn draw(paint: &mut Paint, area: Rect, view: &DocumentView) -> usize {
    let theme = paint.theme;
    paint.clear(area, theme.text);
    let inside = paint.frame(area, name(view), true);
    if inside.height == 0 {
        return 0;
    }
    let mut x = inside.x;
    for (title, face) in DocumentView::FACES {
        let style = if face == view.face { theme.selection } else { theme.dim };
        x += paint.text(x, inside.y, inside.right().saturating_sub(x), &format!(" {title} "), style);
    }
    let body = Rect { y: inside.y + 1, height: inside.height - 1, ..inside };
    let (state, style) = match (&view.fault, &view.reading) {
        (Some(fault), _) => (fault.clone(), theme.error),
        (None, Some(reading)) => (format!("{reading} …"), theme.accent),
        (None, None) => (kind(view), theme.dim),
    };
    let Some(explorer) = &view.explorer else {
        for (at, line) in Paint::wrapped(&state, usize::from(body.width)).iter().enumerate().take(usize::from(body.height)) {
            paint.text(body.x, body.y + short(at), body.width, line, style);
        }
        return usize::from(body.height);
    };
    // How far it is stands at the right, where it disturbs least.
    let start = inside.right().saturating_sub(short(width(&state)) + 1).max(x + 1);
    paint.text(start, inside.y, inside.right().saturating_sub(start), &state, style);
    explorer::draw(paint, body, explorer, view.face)
}

/// How large the document is.
fn kind(view: &DocumentView) -> String {
    let Some(explorer) = &view.explorer else { return String::new() };
    let document = &explorer.document;
    let several = match document.root() {
        Some(root) if document.is_sequence() => format!("{} values, ", document.count(root)),
        _ => String::new(),
    };
    format!("{several}{}", size(document.bytes().len()))
}

/// Bytes as people read them.
fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}
