//! A JSON document: tree, table and text.

mod raw;
mod table;
mod tree;

use ratatui::layout::Rect;

use super::paint::{Paint, short, width};
use super::time::Clock;
use crate::core::console::action::Action;
use crate::core::console::explorer::{Explorer, Face};
use crate::core::console::model::Model;
use crate::core::json::{Document, Hint, Node, Row, Tree};

/// Bytes that are shown of what is no JSON.
const PLAIN: usize = 64 * 1024;

/// How a document is drawn.
struct Manner {
    /// How times are shown.
    clock: Clock,
    /// Whether they are shown as times.
    times: bool,
    /// Whether it has the keys, and so the letters to jump by.
    keys: bool,
}

impl Manner {
    /// The time that a value stands for, where times are shown so.
    fn time(&self, document: &Document, node: Node) -> Option<String> {
        if self.times { document.moment(node).map(|moment| self.clock.pretty(moment)) } else { None }
    }
}

/// Draws a face of a document; says how many rows it has room for. `keys`: it has the keys.
pub fn draw(paint: &mut Paint, area: Rect, explorer: &Explorer, face: Face, model: &Model, keys: bool) -> usize {
    if area.height == 0 || area.width < 4 {
        return 0;
    }
    let manner = Manner { clock: Clock::of(model), times: model.times, keys };
    // The last line says where one is.
    let body = Rect { height: area.height - 1, ..area };
    let foot = Rect { y: area.bottom() - 1, height: 1, ..area };
    let rows = match face {
        Face::Tree => tree::draw(paint, body, explorer, &manner),
        Face::Table => table::draw(paint, body, explorer, &manner),
        Face::Raw => raw::draw(paint, body, explorer, &manner),
    };
    path_bar(paint, foot, explorer, face, &manner, model);
    rows
}

/// Where one is, what was found, what the value may mean, and what is wrong with the document.
fn path_bar(paint: &mut Paint, area: Rect, explorer: &Explorer, face: Face, manner: &Manner, model: &Model) {
    let theme = paint.theme;
    let path = explorer.path_text(face).unwrap_or_default();
    let find = match &explorer.pending {
        Some(pending) => format!("  {} {} % (esc stops)", pending.doing, pending.percent),
        None => explorer.find.as_ref().map(|find| format!("  {} found", find.total())).unwrap_or_default(),
    };
    let trouble = explorer.document.trouble().map(|trouble| format!("  {trouble}")).unwrap_or_default();
    let hint = explorer.selected(face).and_then(|node| explorer.document.hints(node).into_iter().next());
    let hint = hint.map(|hint| format!("  {}", meaning(&hint, manner, model))).unwrap_or_default();
    // A long path keeps its end: that is where one is.
    let room = usize::from(area.width).saturating_sub(width(&find) + width(&trouble) + width(&hint).min(usize::from(area.width) / 2));
    let path = tail(&path, room.max(8));
    paint.pieces(
        area.x,
        area.y,
        area.width,
        &[(&path, theme.dim), (&find, theme.accent), (&trouble, theme.warning), (&hint, theme.accent)],
    );
}

/// A reading of a value, and the key that opens it.
fn meaning(hint: &Hint, manner: &Manner, model: &Model) -> String {
    let opens = || model.setup.keymap.hint(Action::Decode).map(|key| format!("{key} opens ")).unwrap_or_default();
    match hint {
        Hint::Epoch(moment, unit) => format!("= {} · {}", manner.clock.pretty(*moment), unit.word()),
        Hint::Time(moment) => format!("= {}", manner.clock.pretty(*moment)),
        Hint::Base64(text) => format!("{}Base64: {text}", opens()),
        Hint::EncodedCommand(text) => format!("{}Base64 of UTF-16: {text}", opens()),
        Hint::Json => format!("{}JSON in this string", opens()),
    }
}

/// The end of a text, with a mark where its beginning is missing.
fn tail(text: &str, room: usize) -> String {
    let count = text.chars().count();
    if count <= room {
        return text.to_owned();
    }
    format!("…{}", text.chars().skip(count - room.saturating_sub(1)).collect::<String>())
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

/// Draws the rows of a document, each by `draw` at its line; says how many there is room for.
fn rows(
    paint: &mut Paint,
    area: Rect,
    (explorer, tree): (&Explorer, &Tree),
    manner: &Manner,
    draw: impl Fn(&mut Paint, Rect, &Row),
) -> usize {
    let (document, height) = (&explorer.document, usize::from(area.height));
    if document.root().is_none() {
        plain(paint, area, document);
        return height;
    }
    let selected = tree.selected_row(document);
    let first = fit(explorer.first, selected, height);
    for (at, row) in tree.rows(document, first, height).into_iter().enumerate() {
        let line = Rect { y: area.y + short(at), height: 1, ..area };
        draw(paint, line, &row);
        if first + at == selected {
            paint.tint(line, paint.theme.selection);
        }
        paint.jump_letter(line.x, line.y, at, manner.keys);
    }
    height
}

fn fit(first: usize, selected: usize, height: usize) -> usize {
    first.min(selected).max((selected + 1).saturating_sub(height.max(1)))
}
