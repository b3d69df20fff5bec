//! A form.

use ratatui::layout::Rect;
use ratatui::style::Style;
use tui_textarea::TextArea;

use super::middle;
use super::paint::{Paint, beyond, short, width};
use crate::core::catalogue::{Effect, Reach};
use crate::core::console::action::Action;
use crate::core::console::form::{Entry, Field, Form};
use crate::core::console::model::Model;

/// The most faults of a text that are shown one by one.
const FAULTS: usize = 3;

/// Draws the form; says where the cursor is.
pub fn draw(paint: &mut Paint, area: Rect, form: &Form, model: &Model) -> Option<(u16, u16)> {
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
    let about = [(effect.0, effect.1), (assumed, theme.warning), (" · ", theme.dim), (&form.command.help, theme.dim)]
        .map(|(text, style)| (text.to_owned(), style));
    // What it does is read before it is done: it is cut only where there is hardly room for the fields.
    let about = Paint::broken_at(about.into(), 0, usize::from(inside.width));
    let rows = if inside.height > 14 { 4 } else { 1 };
    for (at, line) in about.iter().take(rows).enumerate() {
        let rest = if at + 1 == rows { about.get(at..).unwrap_or_default().concat() } else { line.clone() };
        paint.line(inside.x, y, inside.width, &rest);
        y += 1;
    }
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
    // A line a field, and below the one in focus what it takes.
    let room = inside.bottom().saturating_sub(y);
    let wide = form.fields.iter().map(|field| width(&field.parameter.label) + 1).max().unwrap_or(8).min(usize::from(inside.width) / 3);
    let told = form.fields.get(form.at).map(|field| told(paint, field, form, model, usize::from(inside.width).saturating_sub(wide + 1)));
    let told = told.unwrap_or_default();
    let height = |(at, field)| lines_of(field, (at == form.at).then_some(told.len()), room);
    let heights: Vec<u16> = form.fields.iter().enumerate().map(height).collect();
    let mut first = 0;
    while first < form.at && heights.iter().take(form.at + 1).skip(first).sum::<u16>() > room {
        first += 1;
    }
    let mut cursor = None;
    for (at, (field, height)) in form.fields.iter().zip(&heights).enumerate().skip(first) {
        if y >= inside.bottom() {
            break;
        }
        let line = Rect { y, height: (*height).min(inside.bottom() - y), ..inside };
        let found = one(paint, line, field, (at == form.at).then_some(told.as_slice()), short(wide), form);
        cursor = cursor.or(found);
        y += *height;
    }
    cursor
}

/// How many lines a field takes; of the one in focus so many say what it takes.
fn lines_of(field: &Field, told: Option<usize>, room: u16) -> u16 {
    match (&field.entry, told) {
        (Entry::Area(area), Some(told)) => short(area_height(field, area.lines().len(), room) + told),
        (_, Some(told)) => short(1 + told),
        (_, None) => 1 + u16::from(field.error.is_some()),
    }
}

/// How many lines of a text are shown: of JSON, in which one finds one's way by its shape, as many as leave room for the rest.
fn area_height(field: &Field, lines: usize, room: u16) -> usize {
    let most = if field.body.is_some() { usize::from(room) * 3 / 5 } else { 6 };
    lines.clamp(3, most.max(6))
}

fn one(paint: &mut Paint, area: Rect, field: &Field, told: Option<&[Told]>, wide: u16, form: &Form) -> Option<(u16, u16)> {
    let theme = paint.theme;
    let focused = told.is_some();
    let label = format!("{}{}", field.parameter.label, if field.parameter.required { "*" } else { "" });
    let style = if focused { theme.focus } else { theme.text };
    paint.text(area.x, area.y, wide, &label, style);
    let x = area.x + wide + 1;
    let room = area.width.saturating_sub(wide + 1);
    let mut cursor = None;
    let mut y = area.y;
    match &field.entry {
        Entry::Area(text) if focused => {
            let below = told.map_or(0, <[Told]>::len);
            let height = text.lines().len().clamp(3, usize::from(area.height).saturating_sub(below).max(3)).min(usize::from(area.height));
            let frame = Rect { x, y, width: room, height: short(height) };
            cursor = Some(self::area(paint, frame, field, text));
            y += short(height);
        }
        Entry::Line(line) if field.parameter.secret => {
            let stars = "*".repeat(line.text().chars().count());
            paint.text(x, y, room, &stars, theme.text);
            cursor = Some((x + short(width(&stars)).min(room.saturating_sub(1)), y));
            y += 1;
        }
        Entry::Line(line) => {
            let before = line.before();
            let skip = if focused { width(&before).saturating_sub(usize::from(room.saturating_sub(2))) } else { 0 };
            let text = beyond(&line.text(), skip);
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
            let text = field.text();
            let text = field.body.as_ref().map_or(text.clone(), |body| body.masked(&text));
            let style = if field.is_blank() { theme.dim } else { theme.text };
            let words: Vec<&str> = text.split_whitespace().take(usize::from(room)).collect();
            paint.text(x, y, room, &words.join(" "), style);
            y += 1;
        }
    }
    if let Some(told) = told {
        for (text, style) in told.iter().take(usize::from(area.bottom().saturating_sub(y))) {
            paint.text(x, y, room, text, *style);
            y += 1;
        }
        return cursor;
    }
    if let Some(text) = names(field, form).or_else(|| field.origin.clone()) {
        let used = short(width(&field.text())).min(room) + 2;
        paint.text(x + used, area.y, room.saturating_sub(used), &text, theme.dim);
    }
    if let Some(error) = &field.error {
        paint.text(x, y, room, error, theme.error);
    }
    None
}

/// A line below a field.
type Told = (String, Style);

/// What is said of the field in focus: what is wrong with it, what it takes, and what it is or what its values are called.
fn told(paint: &Paint, field: &Field, form: &Form, model: &Model, room: usize) -> Vec<Told> {
    /// The most lines of one thing.
    const MOST: usize = 3;
    let theme = paint.theme;
    let rules = (field.rules(&model.key(Action::PickValue)), theme.dim);
    let texts = match (&field.error, names(field, form)) {
        (Some(error), _) => [(error.clone(), theme.error), rules],
        (None, Some(names)) => [rules, (names, theme.accent)],
        (None, None) => [rules, (help(field), theme.dim)],
    };
    let broken = |(text, style): Told| Paint::wrapped(&text, room).into_iter().take(MOST).map(move |line| (line, style));
    faults(field, paint).into_iter().chain(texts.into_iter().flat_map(broken)).collect()
}

/// Draws the lines of a text around its cursor, and says where that is.
fn area(paint: &mut Paint, frame: Rect, field: &Field, text: &TextArea<'_>) -> (u16, u16) {
    let theme = paint.theme;
    let place = text.cursor();
    let masked = field.body.as_ref().map(|body| body.masked(&field.text()));
    let lines: Vec<&str> = match &masked {
        Some(masked) => masked.split('\n').collect(),
        None => text.lines().iter().map(String::as_str).collect(),
    };
    let first = (place.0 + 1).saturating_sub(usize::from(frame.height));
    let column =
        |line: usize, until: usize| -> String { lines.get(line).map(|line| line.chars().take(until).collect()).unwrap_or_default() };
    let before = width(&column(place.0, place.1));
    let room = usize::from(frame.width.saturating_sub(1));
    let skip = before.saturating_sub(room);
    for (y, line) in (frame.y..frame.bottom()).zip(lines.iter().skip(first)) {
        let shown = beyond(line, skip);
        paint.text(frame.x, y, frame.width, &shown, theme.text);
    }
    let chosen = text.selection_range().filter(|(start, end)| start.0 == place.0 && end.0 == place.0);
    let y = frame.y + short(place.0 - first.min(place.0));
    if let Some((start, end)) = chosen {
        let (from, to) = (width(&column(start.0, start.1)).saturating_sub(skip), width(&column(end.0, end.1)).saturating_sub(skip));
        let wide = short(to.saturating_sub(from)).min(frame.width.saturating_sub(short(from)));
        paint.tint(Rect { x: frame.x + short(from), y, width: wide, height: 1 }, theme.selection);
    }
    (frame.x + short(before.saturating_sub(skip)), y)
}

/// What is wrong with a field's JSON, the gravest first; what is only not said yet is no error.
fn faults(field: &Field, paint: &Paint) -> Vec<(String, Style)> {
    let Some(body) = &field.body else { return Vec::new() };
    let style = |open: bool| if open { paint.theme.warning } else { paint.theme.error };
    let mut lines: Vec<_> = body.faults.iter().take(FAULTS).map(|fault| (fault.to_string(), style(fault.open))).collect();
    if body.faults.len() > FAULTS {
        lines.push((format!("and {} more", body.faults.len() - FAULTS), paint.theme.dim));
    }
    lines
}

/// What is said about the field, or about the place in it that the cursor is at.
fn help(field: &Field) -> String {
    let at_cursor = field.body.as_ref().filter(|body| !body.stale).and_then(|body| body.help(&field.text(), field.place()));
    at_cursor.or_else(|| field.origin.clone()).unwrap_or_else(|| field.parameter.help.clone())
}

/// Names of the values, where they are known.
fn names(field: &Field, form: &Form) -> Option<String> {
    if matches!(field.entry, Entry::Area(_)) {
        return None;
    }
    let named: Vec<String> = field.values().iter().filter_map(|value| form.name_of(field, value)).cloned().collect();
    (!named.is_empty()).then(|| named.join(", "))
}
