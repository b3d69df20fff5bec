//! The event on show.

use ratatui::layout::Rect;

use super::explorer;
use super::paint::{Line, Paint, short, sign};
use super::time::{age, ago, moment};
use crate::core::console::action::Action;
use crate::core::console::detail::{Known, Past, Shown, Tab};
use crate::core::console::fit::LETTERS;
use crate::core::console::model::{Model, Pane};
use crate::core::mapping::scalar;

/// Draws the pane; says how many rows its body has.
pub fn draw(paint: &mut Paint, area: Rect, model: &Model) -> usize {
    let detail = &model.detail;
    let inside = paint.frame(area, "3 Event", model.focus == Pane::Record);
    let theme = paint.theme;
    let keys = model.focus == Pane::Record;
    if let Some(fault) = &detail.fault {
        paint.text(inside.x, inside.y, inside.width, fault, theme.error);
        return 0;
    }
    let Some(shown) = &detail.shown else {
        let text = if detail.wanted.is_some() {
            "Reading …".into()
        } else {
            format!("{} opens the selected event here.", model.key(Action::Open))
        };
        paint.text(inside.x, inside.y, inside.width, &text, theme.dim);
        return 0;
    };
    tabs(paint, Rect { height: 1, ..inside }, detail.tab);
    let body = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    if let Some(face) = detail.face() {
        return explorer::draw(paint, body, &shown.explorer, face, model, keys);
    }
    let (lines, selectable) = match detail.tab {
        Tab::Fields => (fields(paint, shown), true),
        Tab::Entities => (entities(paint, shown, model), true),
        Tab::History => (shown.history.iter().map(|past| history(paint, past, model)).collect(), true),
        _ => (summary(paint, shown, model, body.width), false),
    };
    let height = usize::from(body.height);
    if lines.is_empty() {
        let text = match detail.tab {
            Tab::Fields => "The document maps no field of this event.",
            Tab::Entities => "This event mentions nothing to pivot on.",
            _ => "Nothing was done with this event yet.",
        };
        paint.text(body.x, body.y, body.width, text, theme.dim);
    }
    // What is wider than the pane goes on below: there is no other way to read it.
    let items: Vec<Vec<Line>> = lines.into_iter().map(|line| Paint::broken(line, usize::from(body.width))).collect();
    if !selectable {
        return text(paint, body, &items.concat(), detail.line);
    }
    let line = detail.line.min(items.len().saturating_sub(1));
    let mut first = detail.first.min(line);
    while first < line && items.iter().take(line + 1).skip(first).map(Vec::len).sum::<usize>() > height {
        first += 1;
    }
    let (mut y, mut shown) = (body.y, 0);
    for (at, item) in items.iter().enumerate().skip(first) {
        let rows = short(item.len());
        if y + rows > body.bottom() && at != line {
            break;
        }
        rows_of(paint, Rect { y, height: body.bottom() - y, ..body }, item);
        if at == line && keys {
            paint.tint(Rect { y, height: rows.min(body.bottom() - y), ..body }, theme.selection);
        }
        paint.jump_letter(body.x, y, at - first, keys);
        y = (y + rows).min(body.bottom());
        shown += 1;
    }
    shown.max(1)
}

/// Draws lines from one on, so that no room is left below the last; says how many rows there are.
fn text(paint: &mut Paint, body: Rect, lines: &[Line], from: usize) -> usize {
    let height = usize::from(body.height);
    let first = from.min(lines.len().saturating_sub(height));
    rows_of(paint, body, lines.get(first..).unwrap_or_default());
    height
}

fn rows_of(paint: &mut Paint, area: Rect, lines: &[Line]) {
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        paint.line(area.x, y, area.width, line);
    }
}

fn tabs(paint: &mut Paint, area: Rect, current: Tab) {
    let theme = paint.theme;
    let mut x = area.x;
    let narrow = area.width < 62;
    for (title, tab) in Tab::ALL {
        let here = tab == current;
        let title = if narrow && !here { title.get(..2).unwrap_or(title) } else { title };
        let style = if here { theme.selection } else { theme.dim };
        x += paint.text(x, area.y, area.right().saturating_sub(x), &format!(" {title} "), style);
    }
}

fn summary(paint: &Paint, shown: &Shown, model: &Model, width: u16) -> Vec<Line> {
    let theme = paint.theme;
    let stored = &shown.event;
    let event = &stored.event;
    let mut lines: Vec<Line> = Vec::new();
    let severity = theme.severity(event.severity);
    let origin = match (&event.vendor_severity, event.severity_origin) {
        (Some(vendor), _) => format!(" (vendor: {vendor})"),
        (None, crate::core::event::SeverityOrigin::Derived) => " (our rule, the vendor gives none)".to_owned(),
        (None, _) => String::new(),
    };
    for (at, part) in Paint::wrapped(&event.title, usize::from(width.saturating_sub(4))).into_iter().enumerate() {
        let sign = if at == 0 { format!("{} ", sign(event.severity, paint.ascii)) } else { "  ".into() };
        lines.push(vec![(sign, severity), (part, theme.title)]);
    }
    let label = |name: &str| (format!("{name:<12}"), theme.dim);
    lines.push(vec![label("Severity"), (event.severity.as_str().to_owned(), severity), (origin, theme.dim)]);
    let zone = model.zone();
    let when = moment(event.occurred_at, &zone);
    lines.push(vec![label("When"), (when, theme.text), (format!("  {}", ago(event.occurred_at, model.now)), theme.dim)]);
    lines.push(vec![label("From"), (format!("{} · {} · {}", stored.connection, stored.vendor, event.event_type), theme.text)]);
    let mut state = stored.status.as_str().replace('_', " ");
    if let Some(disposition) = stored.disposition {
        state = format!("{state} as {}", disposition.as_str().replace('_', " "));
    }
    if let Some(taken) = &stored.taken_by {
        state = format!("{state}, taken by {taken}");
    }
    let connected = model.connected(&stored.connection);
    let worded = |status: &String| connected.map_or_else(|| status.clone(), |known| known.entry.status_words(&event.event_type, status));
    let their_status = event.vendor_status.as_ref().map(worded).unwrap_or_default();
    let theirs = if their_status.is_empty() { String::new() } else { format!("  vendor: {their_status}") };
    lines.push(vec![label("Status"), (state, theme.text), (theirs, theme.dim)]);
    if stored.drifted() {
        let vendor = connected.map_or(stored.vendor.as_str(), |connected| connected.title.as_str());
        let since = event.updated_at.map(|at| format!(" since {}", moment(at, &zone))).unwrap_or_default();
        let text = format!("{vendor} says {their_status}{since}; here it is {}", stored.status.as_str().replace('_', " "));
        lines.push(vec![label("Drift"), (text, theme.warning)]);
    }
    if let Some(assignee) = &event.assignee {
        lines.push(vec![label("Assignee"), (assignee.clone(), theme.text)]);
    }
    if !stored.cases.is_empty() {
        lines.push(vec![label("Cases"), (stored.cases.join(", "), theme.text)]);
    }
    for (at, precedent) in shown.precedent.iter().enumerate() {
        let name = if at == 0 { "Seen before" } else { "" };
        lines.push(vec![label(name), (precedent.clone(), theme.accent)]);
    }
    if shown.precedent.is_empty() {
        lines.push(vec![label("Seen before"), ("the same was not decided here before".into(), theme.dim)]);
    }
    if shown.alike > 0 {
        lines.push(vec![label("Alike"), (format!("{} like it; * marks the open ones", shown.alike), theme.text)]);
    }
    lines.push(Vec::new());
    for known in &shown.entities {
        lines.push(entity_line(paint, known, model));
    }
    let named: Vec<Line> = fields(paint, shown);
    if !named.is_empty() {
        lines.push(Vec::new());
        lines.extend(named);
    }
    lines
}

fn history(paint: &Paint, past: &Past, model: &Model) -> Line {
    let theme = paint.theme;
    let key = model.setup.keymap.hint(Action::Changes).filter(|_| past.revision.is_some_and(|number| number > 1));
    let hint = key.map(|key| format!("  enter or {key} shows what changed")).unwrap_or_default();
    vec![(past.text.clone(), theme.text), (hint, theme.key)]
}

fn fields(paint: &Paint, shown: &Shown) -> Vec<Line> {
    let theme = paint.theme;
    let fields = &shown.event.event.fields;
    let wide = fields.keys().map(|name| name.chars().count()).max().unwrap_or(0).min(32);
    fields
        .iter()
        .map(|(name, value)| {
            let text = scalar(value).unwrap_or_else(|| value.to_string());
            vec![(format!("{name:<wide$}  "), theme.dim), (text, theme.text)]
        })
        .collect()
}

fn entities(paint: &Paint, shown: &Shown, model: &Model) -> Vec<Line> {
    shown.entities.iter().map(|known| entity_line(paint, known, model)).collect()
}

fn entity_line(paint: &Paint, known: &Known, model: &Model) -> Line {
    let theme = paint.theme;
    let kind = known.entity.kind;
    let letter = LETTERS.iter().find(|(other, _)| *other == kind).map_or(' ', |(_, letter)| *letter);
    let mut seen = match known.events {
        0 | 1 => "only here".to_owned(),
        events => format!("{events} events, {} vendor{}", known.vendors, if known.vendors == 1 { "" } else { "s" }),
    };
    if let (Some(first), Some(last)) = (known.first, known.last)
        && known.events > 1
    {
        seen = format!("{seen}, {} to {}", age(first, model.now), ago(last, model.now));
    }
    let mut line = vec![
        (format!("p {letter} "), theme.key),
        (format!("{:<15}", kind.as_str()), theme.dim),
        (known.entity.value.clone(), theme.accent),
        (format!("  {seen}"), theme.dim),
    ];
    let same = &known.same_file;
    line.extend(
        same.others.iter().map(|other| {
            (format!("  = {} {} ({})", other.digest.as_str(), shortened(&other.value), other.told_by.join(", ")), theme.accent)
        }),
    );
    line.extend(
        same.disputed.iter().map(|digest| (format!("  more than one {} is told of it: none is followed", digest.as_str()), theme.warning)),
    );
    line
}

/// The beginning of a hash, enough to know it by.
fn shortened(hash: &str) -> String {
    hash.chars().take(12).chain(['…']).collect()
}
