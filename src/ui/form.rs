//! A form.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::middle;
use super::paint::{Paint, short, width};
use crate::core::catalogue::{Effect, Reach};
use crate::core::form::{Entry, Field, Form};

/// Draws the form; says where the cursor is.
pub fn draw(paint: &mut Paint, area: Rect, form: &Form) -> Option<(u16, u16)> {
    let theme = paint.theme;
    let facts = form.quick.as_deref().map(|quick| quick.facts.as_slice()).unwrap_or_default();
    // A short form stays short: what it is about can be seen around it.
    let high = if form.quick.is_some() { short(form.fields.len() * 3 + facts.len() + 6) } else { area.height };
    let area = middle(area, 110, high);
    paint.clear(area, theme.text);
    let title = match form.playbook.as_deref() {
        Some((playbook, Some(event))) => format!("Playbook {} · event {}: {}", playbook.title, event.id, event.event.title),
        Some((playbook, None)) => format!("Playbook {}", playbook.title),
        None => format!("{} · {} ({})", form.command.title, form.connection, form.environment),
    };
    let frame = if form.command.class.reach >= Reach::Disruptive { theme.error } else { theme.focus };
    let inside = paint.framed(area, &title, frame);
    let mut y = inside.y;
    let class = form.command.class;
    let effect = match (class.effect, class.reach) {
        _ if form.adds => ("changes the configuration", theme.warning),
        (Effect::Read, _) => ("reads", theme.good),
        (_, Reach::Note) => ("adds to the record", theme.good),
        (_, Reach::Reversible) => ("changes something, reversibly", theme.warning),
        (_, Reach::Disruptive) => ("interrupts somebody's work", theme.error),
        (_, Reach::Irreversible) => ("CANNOT BE UNDONE", theme.danger),
    };
    let assumed = if form.command.assumed { " · its route is assumed, not documented" } else { "" };
    paint.pieces(
        inside.x,
        y,
        inside.width,
        &[(effect.0, effect.1), (assumed, theme.warning), (" · ", theme.dim), (&form.command.help, theme.dim)],
    );
    y += 1;
    if !form.command.permission.is_empty() && inside.height > 10 {
        paint.pieces(inside.x, y, inside.width, &[("needs ", theme.dim), (&form.command.permission, theme.dim)]);
        y += 1;
    }
    if let Some(complaint) = &form.complaint {
        paint.text(inside.x, y, inside.width, complaint, theme.error);
        y += 1;
    }
    for (name, value) in facts {
        paint.pieces(inside.x, y, inside.width, &[(&format!("{name:<12} "), theme.dim), (value, theme.text)]);
        y += 1;
    }
    if form.fields.is_empty() {
        paint.text(inside.x, y + 1, inside.width, "It takes nothing. enter runs it.", theme.text);
        return None;
    }
    // Two lines a field: its value, and below the one in focus what it takes.
    let heights: Vec<u16> = form.fields.iter().enumerate().map(|(at, field)| lines_of(field, at == form.at)).collect();
    let room = inside.bottom().saturating_sub(y);
    let mut first = 0;
    while first < form.at && heights.iter().take(form.at + 1).skip(first).sum::<u16>() > room {
        first += 1;
    }
    let wide = form.fields.iter().map(|field| width(&field.parameter.label) + 1).max().unwrap_or(8).min(usize::from(inside.width) / 3);
    let mut cursor = None;
    for (at, (field, height)) in form.fields.iter().zip(&heights).enumerate().skip(first) {
        if y >= inside.bottom() {
            break;
        }
        let line = Rect { y, height: (*height).min(inside.bottom() - y), ..inside };
        let found = one(paint, line, field, at == form.at, short(wide), form);
        cursor = cursor.or(found);
        y += *height;
    }
    cursor
}

fn lines_of(field: &Field, focused: bool) -> u16 {
    let value = match &field.entry {
        Entry::Area(area) if focused => short(area.lines().len().clamp(3, 6)),
        _ => 1,
    };
    value + u16::from(focused) * 2 + u16::from(!focused && field.error.is_some())
}

fn one(paint: &mut Paint, area: Rect, field: &Field, focused: bool, wide: u16, form: &Form) -> Option<(u16, u16)> {
    let theme = paint.theme;
    let label = format!("{}{}", field.parameter.label, if field.parameter.required { "*" } else { "" });
    let style = if focused { theme.focus } else { theme.text };
    paint.text(area.x, area.y, wide, &label, style);
    let x = area.x + wide + 1;
    let room = area.width.saturating_sub(wide + 1);
    let mut cursor = None;
    let mut y = area.y;
    match &field.entry {
        Entry::Area(text) if focused => {
            let lines = text.lines();
            let place = text.cursor();
            let height = lines.len().clamp(3, 6);
            let first = (place.0 + 1).saturating_sub(height);
            for (at, line) in lines.iter().enumerate().skip(first).take(height) {
                paint.text(x, y + short(at - first), room, line, theme.text);
            }
            let before: String = lines.get(place.0).map(|line| line.chars().take(place.1).collect()).unwrap_or_default();
            cursor = Some((x + short(width(&before)).min(room.saturating_sub(1)), y + short(place.0 - first.min(place.0))));
            y += short(height);
        }
        Entry::Line(line) if field.parameter.secret => {
            let stars = "*".repeat(line.text().chars().count());
            paint.text(x, y, room, &stars, theme.text);
            cursor = Some((x + short(width(&stars)).min(room.saturating_sub(1)), y));
            y += 1;
        }
        Entry::Line(line) => {
            // The end near the cursor is what one looks at.
            let before = line.before();
            let skip = if focused { width(&before).saturating_sub(usize::from(room.saturating_sub(2))) } else { 0 };
            let text: String = line.text().chars().skip(skip).collect();
            paint.text(x, y, room, &text, theme.text);
            cursor = Some((x + short(width(&before) - skip.min(width(&before))), y));
            y += 1;
        }
        Entry::Choice(_) | Entry::Flag(_) => {
            let text = field.text();
            let shown = if text.is_empty() { "–".to_owned() } else { text };
            let sides = if focused { ["< ", " >"] } else { ["", ""] };
            paint.pieces(x, y, room, &[(sides[0], theme.key), (&shown, theme.text), (sides[1], theme.key)]);
            y += 1;
        }
        Entry::Area(_) => {
            paint.text(x, y, room, &field.text().replace('\n', " "), theme.text);
            y += 1;
        }
    }
    if !focused {
        if let Some(origin) = &field.origin {
            let text = names(field, form).unwrap_or_else(|| origin.clone());
            let used = short(width(&field.text())).min(room) + 2;
            paint.text(x + used, area.y, room.saturating_sub(used), &text, theme.dim);
        }
        if let Some(error) = &field.error {
            paint.text(x, y, room, error, theme.error);
        }
        return None;
    }
    let below: (String, Style) = match (&field.error, names(field, form)) {
        (Some(error), _) => (error.clone(), theme.error),
        (None, Some(names)) => (names, theme.accent),
        (None, None) => (field.origin.clone().unwrap_or_else(|| field.parameter.help.clone()), theme.dim),
    };
    if y < area.bottom() {
        paint.text(x, y, room, &field.rules(), theme.dim);
    }
    if y + 1 < area.bottom() {
        paint.text(x, y + 1, room, &below.0, below.1);
    }
    cursor
}

/// Names of the values, where they are known.
fn names(field: &Field, form: &Form) -> Option<String> {
    if matches!(field.entry, Entry::Area(_)) {
        return None;
    }
    let named: Vec<String> = field.values().iter().filter_map(|value| form.name_of(field, value)).cloned().collect();
    (!named.is_empty()).then(|| named.join(", "))
}
