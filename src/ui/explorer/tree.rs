//! A document as a foldable tree.

use ratatui::layout::Rect;

use super::super::paint::{Paint, short};
use super::Manner;
use crate::core::console::explorer::Explorer;
use crate::core::json::Kind;

/// Draws the tree; says how many rows it has room for.
pub fn draw(paint: &mut Paint, area: Rect, explorer: &Explorer, manner: &Manner) -> usize {
    let document = &explorer.document;
    super::rows(paint, area, (explorer, &explorer.tree), manner, |paint, line, row| {
        let theme = paint.theme;
        let indent = short((row.depth * 2).min(usize::from(line.width) / 2));
        let kind = document.kind(row.node);
        let sign = match (kind.is_container(), row.open, paint.ascii) {
            (false, ..) => "  ",
            (true, true, false) => "▾ ",
            (true, false, false) => "▸ ",
            (true, true, true) => "- ",
            (true, false, true) => "+ ",
        };
        let key = match document.key(row.node) {
            Some(key) => format!("{key}: "),
            None if row.depth > 0 => format!("[{}] ", row.ordinal),
            None => String::new(),
        };
        let style = match kind {
            Kind::String => theme.json_string,
            Kind::Number => theme.json_number,
            _ if kind.is_container() => theme.dim,
            _ => theme.json_word,
        };
        let value = if kind.is_container() {
            let brackets = if kind == Kind::Object { ('{', '}') } else { ('[', ']') };
            let count = document.count(row.node);
            if row.open {
                format!("{}{count}{}", brackets.0, brackets.1)
            } else {
                format!("{}{count}{} {}", brackets.0, brackets.1, document.preview(row.node, usize::from(line.width)).0)
            }
        } else {
            manner.time(document, row.node).unwrap_or_else(|| document.text_head(row.node, usize::from(line.width) * 2).0)
        };
        let hit = explorer.find.as_ref().is_some_and(|find| find.hits().binary_search_by_key(&row.node, |hit| hit.node).is_ok());
        let style = if hit { theme.hit } else { style };
        let room = line.width.saturating_sub(indent);
        paint.pieces(line.x + indent, line.y, room, &[(sign, theme.dim), (&key, theme.json_key), (&value, style)]);
    })
}
