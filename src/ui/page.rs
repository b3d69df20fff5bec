//! A page of text.

use ratatui::layout::Rect;

use super::paint::{Paint, short};
use crate::core::console::layer::Page;

/// Draws the page; says how many rows it has room for, and its first line when its end is on the screen.
pub fn draw(paint: &mut Paint, area: Rect, page: &Page) -> (usize, usize) {
    paint.clear(area, paint.theme.text);
    let title = match page.lines.len() {
        0 => page.title.clone(),
        all => format!("{} · {} of {all}", page.title, (page.first + 1).min(all)),
    };
    let inside = paint.frame(area, &title, true);
    let theme = paint.theme;
    let height = usize::from(inside.height);
    if page.lines.is_empty() {
        paint.text(inside.x, inside.y, inside.width, "Nothing yet.", theme.dim);
    }
    let needle = page.needle.to_lowercase();
    // Nothing is cut at the edge: a text that was made to be read is broken there, a list of ours goes on below its last column.
    let broken = |line: &String| {
        let room = usize::from(inside.width);
        if page.source.is_some() { Paint::wrapped(line, room) } else { Paint::hung(line, room) }
    };
    let mut rows = 0;
    let fitting = page.lines.iter().rev().take_while(|line| {
        rows += broken(line).len();
        rows <= height
    });
    let end = page.lines.len() - fitting.count().max(1).min(page.lines.len());
    for (at, line) in page.lines.iter().skip(page.first.min(end)).take(height).flat_map(broken).take(height).enumerate() {
        let hit = !needle.is_empty() && line.to_lowercase().contains(&needle);
        let heading = !line.starts_with(' ') && !line.is_empty() && line.chars().all(|c| c.is_uppercase() || c == ' ');
        let style = match (hit, heading) {
            (true, _) => theme.hit,
            (_, true) => theme.title,
            _ => theme.text,
        };
        paint.text(inside.x, inside.y + short(at), inside.width, &line, style);
    }
    (height, end)
}
