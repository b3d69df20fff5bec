//! A verdict under way.

use ratatui::layout::Rect;

use super::paint::{Paint, short, width};
use crate::core::event::Disposition;
use crate::core::layer::Dispose;
use crate::core::model::Model;

/// Draws the verdict; says where the cursor is.
pub fn draw(paint: &mut Paint, area: Rect, dispose: &Dispose, model: &Model) -> Option<(u16, u16)> {
    let theme = paint.theme;
    let height = 9.min(area.height);
    let area = Rect { y: area.bottom() - height, height, width: area.width.min(90), x: area.x };
    paint.clear(area, theme.text);
    let what = match dispose.events.as_slice() {
        [only] => model.queue.row(*only).map_or_else(|| "1 event".to_owned(), |row| row.title.clone()),
        several => format!("{} events", several.len()),
    };
    let inside = paint.frame(area, &format!("Close: {what}"), true);
    let Some(disposition) = dispose.disposition else {
        let mut lines: Vec<(String, String)> =
            Disposition::ALL.iter().map(|(name, letter, _)| (letter.to_string(), name.replace('_', " "))).collect();
        if let Some((last, note)) = &dispose.last {
            lines.push((".".into(), format!("again: {} {note}", last.as_str().replace('_', " "))));
        }
        for (at, (key, text)) in lines.iter().enumerate().take(usize::from(inside.height)) {
            paint.pieces(inside.x, inside.y + short(at), inside.width, &[(key, theme.key), ("  ", theme.text), (text, theme.text)]);
        }
        return None;
    };
    paint.pieces(inside.x, inside.y, inside.width, &[("as ", theme.dim), (&disposition.as_str().replace('_', " "), theme.title)]);
    let y = inside.y + 1;
    paint.pieces(inside.x, y, inside.width, &[("note ", theme.key), (&dispose.note.text(), theme.text)]);
    let keys =
        [("enter ", "records, with or without a note"), ("tab   ", "next template"), (".     ", "last note"), ("esc   ", "leaves it")];
    for (at, (key, text)) in keys.iter().enumerate().take(usize::from(inside.height.saturating_sub(3))) {
        paint.pieces(inside.x, inside.y + 3 + short(at), inside.width, &[(key, theme.key), (text, theme.dim)]);
    }
    let x = inside.x + 5 + short(width(&dispose.note.before()));
    Some((x.min(inside.right().saturating_sub(1)), y))
}
