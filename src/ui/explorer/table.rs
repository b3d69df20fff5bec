//! A list of a document as rows and columns.

use ratatui::layout::Rect;

use super::super::paint::{Paint, short, width};
use super::Manner;
use crate::core::console::explorer::Explorer;
use crate::core::json::{Field, Table, TableRow};

/// Draws the table; says how many rows it has room for.
pub fn draw(paint: &mut Paint, area: Rect, explorer: &Explorer, manner: &Manner) -> usize {
    let (document, theme) = (&explorer.document, paint.theme);
    let height = usize::from(area.height.saturating_sub(1));
    let Some(grid) = &explorer.grid else {
        paint.text(area.x, area.y, area.width, "There is no list in this document to show as a table.", theme.dim);
        return height;
    };
    let first = super::fit(grid.first, grid.row, height);
    let rows = grid.table.rows(document, first, height);
    let fields: Vec<&Field> = grid.table.shown().collect();
    let cell = |row: &TableRow, field: &Field, most: usize| {
        let time = Table::cell(document, row.node, field).and_then(|node| manner.time(document, node));
        time.unwrap_or_else(|| Table::cell_text(document, row.node, field, most))
    };
    // As wide as what is on the screen, within bounds.
    let widths: Vec<u16> = fields
        .iter()
        .map(|field| {
            let cells = rows.iter().map(|row| width(&cell(row, field, 40))).max().unwrap_or(0);
            short(cells.max(width(&field.title()) + 2).clamp(3, 40))
        })
        .collect();
    // Columns scroll so that the selected one can be seen.
    let mut start = 0;
    while start < grid.column && widths.iter().take(grid.column + 1).skip(start).map(|wide| wide + 1).sum::<u16>() > area.width {
        start += 1;
    }
    let mut x = area.x;
    for (at, (field, wide)) in fields.iter().zip(&widths).enumerate().skip(start) {
        if x >= area.right() {
            break;
        }
        let room = (*wide).min(area.right() - x);
        let sorted = grid.table.sort().filter(|sort| sort.field == **field);
        let arrow = match (sorted.map(|sort| sort.descending), paint.ascii) {
            (None, _) => "",
            (Some(true), false) => "▼",
            (Some(false), false) => "▲",
            (Some(true), true) => "v",
            (Some(false), true) => "^",
        };
        let style = if at == grid.column { theme.focus } else { theme.title };
        paint.text(x, area.y, room, &format!("{}{arrow}", field.title()), style);
        for (line, row) in rows.iter().enumerate() {
            let style = if first + line == grid.row && at == grid.column { theme.accent } else { theme.text };
            paint.text(x, area.y + 1 + short(line), room, &cell(row, field, usize::from(room) * 2), style);
        }
        x = x.saturating_add(*wide + 1);
    }
    if grid.row >= first && grid.row < first + height && !rows.is_empty() {
        paint.tint(Rect { y: area.y + 1 + short(grid.row - first), height: 1, ..area }, theme.selection);
    }
    for line in 0..rows.len() {
        paint.jump_letter(area.x, area.y + 1 + short(line), line, manner.keys);
    }
    height
}
