//! The queue.

use ratatui::layout::Rect;

use super::paint::{Paint, short, sign, width};
use super::time::age;
use crate::core::console::action::Action;
use crate::core::console::model::{Model, OPEN, Pane};
use crate::core::console::queue::Item;
use crate::core::event::{Disposition, Severity, Status, drifted};
use crate::core::listing::{Listed, short_vendor};

/// What is said where no event is listed. That there is none and that it was not fetched never look alike.
fn empty(model: &Model) -> String {
    let open = model.queue.view.query == OPEN;
    let back = if open { String::new() } else { format!(" {} goes back.", model.key(Action::Back)) };
    let nothing = if open { "Nothing is open" } else { "Nothing matches this query" };
    let fetching = !model.jobs.is_empty() || model.tasks.running().any(|task| task.command.is_empty());
    let unfetched = model.health.iter().filter(|health| health.unfetched).count();
    let gaps = model.health.iter().filter(|health| !health.gaps.is_empty()).count();
    let active = model.setup.connected.iter().filter(|connected| connected.active).count();
    let (show, fetch) = (model.key(Action::ShowConnections), model.key(Action::Fetch));
    match (unfetched, fetching) {
        _ if model.queue.loading => "Reading …".into(),
        (0, true) => format!("{nothing} yet; events are being fetched.{back}"),
        (0, false) if gaps > 0 => format!("{nothing}, but {gaps} connections have gaps: {show} shows them.{back}"),
        (0, false) => format!("{nothing}.{back}"),
        (_, true) => format!("Being fetched: nothing came yet from {unfetched} of {active} connections; {show} shows them.{back}"),
        (_, false) => {
            format!("Nothing was fetched yet from {unfetched} of {active} connections: {show} shows them, {fetch} fetches.{back}")
        }
    }
}

struct Columns {
    age: u16,
    vendor: u16,
    kind: u16,
    entity: u16,
    status: u16,
    word: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        match width {
            0..50 => Self { age: 4, vendor: 0, kind: 0, entity: 0, status: 3, word: 0 },
            50..90 => Self { age: 4, vendor: 6, kind: 0, entity: 16, status: 4, word: 4 },
            90..110 => Self { age: 5, vendor: 8, kind: 14, entity: 20, status: 8, word: 8 },
            _ => Self { age: 5, vendor: 10, kind: 18, entity: 24, status: 12, word: 9 },
        }
    }
}

/// Draws the pane; says how many rows it has room for.
pub fn draw(paint: &mut Paint, area: Rect, model: &Model) -> usize {
    let queue = &model.queue;
    let marks = if queue.marks.is_empty() { String::new() } else { format!(" · {} marked", queue.marks.len()) };
    let turn = if queue.view.order.descending { "down" } else { "up" };
    let loading = if queue.loading { " · …" } else { "" };
    let filter = queue.view.name();
    let total = if queue.counted { queue.total.to_string() } else { format!("{}+", queue.total) };
    // What is cut where there is no room is the query, which can be read in the first line too.
    let grouped = queue.grouping.map(|grouping| format!(" · by {}", grouping.as_str())).unwrap_or_default();
    let title = format!("2 Queue · {total}{marks}{loading}{grouped} · {} {turn} · {filter}", queue.view.order.column.as_str());
    let inside = paint.frame(area, &title, model.focus == Pane::Queue);
    sparkline(paint, area, &queue.arrivals, width(&title));
    let theme = paint.theme;
    let height = usize::from(inside.height);
    if let Some(fault) = &queue.fault {
        paint.text(inside.x, inside.y, inside.width, fault, theme.error);
        return height;
    }
    if queue.items().is_empty() {
        for (at, line) in Paint::wrapped(&empty(model), usize::from(inside.width)).iter().enumerate().take(height) {
            paint.text(inside.x, inside.y + short(at), inside.width, line, theme.dim);
        }
        return height;
    }
    let place = queue.place();
    let first = queue.first.min(place).max((place + 1).saturating_sub(height.max(1)));
    for (at, item) in queue.items().iter().enumerate().skip(first).take(height) {
        let line = Rect { y: inside.y + short(at - first), height: 1, ..inside };
        match item {
            Item::Event(id) => {
                if let Some(row) = queue.row(*id) {
                    event(paint, line, model, row);
                }
            }
            Item::Group(name) => {
                let folded = !queue.unfolded.contains(name);
                let sign = match (folded, paint.ascii) {
                    (true, false) => "▸",
                    (false, false) => "▾",
                    (true, true) => "+",
                    (false, true) => "-",
                };
                let text = format!("{sign} {:>5}  {name}", queue.count(name));
                paint.text(line.x, line.y, line.width, &text, theme.title);
            }
        }
        if at == place {
            let style = if model.focus == Pane::Queue { theme.selection } else { theme.text.patch(theme.title) };
            paint.tint(line, style);
        }
        paint.jump_letter(line.x, line.y, at - first, model.focus == Pane::Queue);
    }
    height
}

fn event(paint: &mut Paint, line: Rect, model: &Model, row: &Listed) {
    let theme = paint.theme;
    let columns = Columns::of(line.width);
    let marked = model.queue.marks.contains(&row.id);
    let unread = match (row.unread, row.revisions > 1) {
        (true, true) => "~",
        (true, false) => "*",
        _ => " ",
    };
    let mut x = line.x;
    let cell = |paint: &mut Paint, x: &mut u16, wide: u16, text: &str, style| {
        if wide > 0 && *x < line.right() {
            paint.text(*x, line.y, wide.min(line.right() - *x), text, style);
            *x += wide + 1;
        }
    };
    let closed = row.status == Status::Closed;
    let plain = if closed { theme.dim } else { theme.text };
    let glyph = format!("{}{}{}", if marked { ">" } else { " " }, unread, sign(row.severity, paint.ascii));
    let severity = theme.severity(row.severity);
    let style = if marked { theme.mark } else { severity };
    cell(paint, &mut x, 3, &glyph, style);
    if columns.word > 0 {
        let name = if row.severity == Severity::Informational { "info" } else { row.severity.as_str() };
        let word = if row.derived { format!("{name}~") } else { name.to_owned() };
        let word = if columns.word < 8 { word.chars().take(if word.starts_with("medium") { 3 } else { 4 }).collect() } else { word };
        cell(paint, &mut x, columns.word.max(4), &word, severity);
    }
    cell(paint, &mut x, columns.age, &format!("{:>4}", age(row.occurred_at, model.now)), theme.dim);
    cell(paint, &mut x, columns.vendor, short_vendor(&row.vendor), theme.dim);
    cell(paint, &mut x, columns.kind, &row.event_type, theme.dim);
    let right = if columns.entity > 0 { columns.entity + 1 } else { 0 } + columns.status + 1;
    let room = line.right().saturating_sub(x + right);
    cell(paint, &mut x, room, &row.title, plain);
    cell(paint, &mut x, columns.entity, &row.entity, theme.accent);
    let style = match (drifted(row.status, row.vendor_means, row.vendor_moved), closed) {
        (true, _) => theme.warning,
        (false, true) => theme.good,
        _ => theme.dim,
    };
    cell(paint, &mut x, columns.status, &status(row, columns.status, paint.ascii), style);
}

fn status(row: &Listed, room: u16, ascii: bool) -> String {
    let word = match (row.status, row.disposition) {
        _ if room < 8 => short_status(row),
        (Status::New, _) => "new",
        (Status::InProgress, _) => "in progress",
        (Status::Closed, Some(Disposition::TruePositive)) => "true pos.",
        (Status::Closed, Some(Disposition::FalsePositive)) => "false pos.",
        (Status::Closed, Some(other)) => other.as_str(),
        (Status::Closed, None) => "closed",
    };
    match (drifted(row.status, row.vendor_means, row.vendor_moved), ascii) {
        (true, false) => format!("≠{word}"),
        (true, true) => format!("!{word}"),
        _ => word.to_owned(),
    }
}

/// The status in the few letters that a narrow queue has for it.
fn short_status(row: &Listed) -> &'static str {
    match (row.status, row.disposition) {
        (Status::New, _) => "new",
        (Status::InProgress, _) => "tkn",
        (Status::Closed, Some(Disposition::TruePositive)) => "TP",
        (Status::Closed, Some(Disposition::FalsePositive)) => "FP",
        (Status::Closed, Some(Disposition::Benign)) => "ben",
        (Status::Closed, Some(Disposition::Duplicate)) => "dup",
        (Status::Closed, Some(Disposition::Undetermined)) => "und",
        (Status::Closed, None) => "cl.",
    }
}

/// Arrivals of the last day on the pane's upper edge.
fn sparkline(paint: &mut Paint, area: Rect, arrivals: &[u64], title: usize) {
    const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const ASCII: [&str; 8] = [".", ".", ":", ":", "-", "=", "#", "#"];
    let most = arrivals.iter().copied().max().unwrap_or(0);
    let wide = short(arrivals.len());
    if most == 0 || usize::from(area.width) < usize::from(wide) + title + 9 {
        return;
    }
    let theme = paint.theme;
    let bars = if paint.ascii { ASCII } else { BARS };
    for (x, count) in (area.right() - wide - 3..).zip(arrivals) {
        let at = usize::try_from(count * 7 / most).unwrap_or(0);
        let bar = if *count == 0 { " " } else { bars.get(at).copied().unwrap_or(" ") };
        paint.text(x, area.y, 1, bar, theme.accent);
    }
}
