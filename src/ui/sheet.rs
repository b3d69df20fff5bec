//! The dry run of a playbook.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Line, Paint, width};
use crate::core::catalogue::{Effect, Reach};
use crate::core::console::play::Sheet;
use crate::core::console::run::is_dangerous;
use crate::core::mapping::scalar;
use crate::core::playbook::{Fate, HERE, Planned};

/// Draws the steps; says how many rows there is room for.
pub fn draw(paint: &mut Paint, area: Rect, sheet: &Sheet) -> usize {
    let theme = paint.theme;
    paint.clear(area, theme.text);
    let playbook = sheet.play.run.playbook();
    let title = format!("{} · dry run: nothing was sent", playbook.title);
    let frame = if is_dangerous(sheet.play.most.reach) { theme.error } else { theme.focus };
    let inside = paint.framed(area, &title, frame);
    let mut y = inside.y;
    let on = sheet.play.run.event().map(|event| format!("on event {}: {}", event.id, event.event.title));
    let count = sheet.steps.iter().filter(|step| step.fate == Fate::Run).count();
    let about = format!("{count} of {} steps would run{}", sheet.steps.len(), on.map(|on| format!(" {on}")).unwrap_or_default());
    paint.text(inside.x, y, inside.width, &about, theme.dim);
    y += 1;
    let blocks: Vec<Vec<Line>> =
        sheet.steps.iter().enumerate().map(|(at, step)| lines(paint, at, step, sheet, usize::from(inside.width))).collect();
    let heights: Vec<usize> = blocks.iter().map(Vec::len).collect();
    let room = usize::from(inside.bottom().saturating_sub(y));
    let mut first = 0;
    while first < sheet.at && heights.iter().take(sheet.at + 1).skip(first).sum::<usize>() > room {
        first += 1;
    }
    for (at, block) in blocks.iter().enumerate().skip(first) {
        for line in block {
            if y >= inside.bottom() {
                return room;
            }
            paint.line(inside.x, y, inside.width, line);
            if at == sheet.at {
                paint.tint(Rect { y, height: 1, ..inside }, theme.selection);
            }
            y += 1;
        }
    }
    room
}

/// A step: what it is and does; to what; with what; and whether there is a way back.
fn lines(paint: &Paint, at: usize, step: &Planned, sheet: &Sheet, room: usize) -> Vec<Line> {
    let theme = paint.theme;
    let place = match step.connection.as_str() {
        "" => String::new(),
        HERE => " here".to_owned(),
        connection if step.environment.is_empty() => format!(" on {connection}"),
        connection => format!(" on {connection} ({})", step.environment),
    };
    let mut head: Line = vec![
        (format!("{:>2} ", at + 1), theme.dim),
        (format!("{}: ", step.step), theme.title),
        (step.title.clone(), theme.text),
        (place, theme.dim),
        ("  ".into(), theme.dim),
    ];
    let broken = |lines: Vec<Line>| lines.into_iter().flat_map(|line| Paint::broken(line, room)).collect();
    let indent = |text: String, style: Style| vec![("     ".to_owned(), theme.dim), (text, style)];
    match &step.fate {
        Fate::LeftOut(reason) => {
            head.push(("left out".into(), theme.dim));
            return broken(vec![head, indent(reason.clone(), theme.dim)]);
        }
        Fate::Blocked(reason) => {
            head.push(("cannot be run".into(), theme.error));
            return broken(vec![head, indent(reason.clone(), theme.error)]);
        }
        Fate::Run => head.push(effect(paint, step)),
    }
    let mut lines = vec![head];
    if !step.targets.is_empty() {
        let named: Vec<String> = step.targets.iter().map(|id| sheet.target(id).to_string()).collect();
        lines.push(indent(few(&named), theme.accent));
    }
    let given = arguments(step);
    if !given.is_empty() {
        lines.push(indent(given, theme.dim));
    }
    if !step.pending.is_empty() {
        lines.push(indent(format!("with what {} gives back", step.pending.join(", ")), theme.warning));
    }
    if step.class.effect != Effect::Read && step.connection != HERE {
        let back = step.way_back.clone().unwrap_or_else(|| "none".into());
        lines.push(indent(format!("way back: {back}"), theme.dim));
    }
    broken(lines)
}

fn effect(paint: &Paint, step: &Planned) -> (String, Style) {
    let theme = paint.theme;
    let (text, style) = match (step.class.effect, step.class.reach) {
        (Effect::Read, _) => ("reads", theme.good),
        (Effect::Destructive, _) | (_, Reach::Irreversible) => ("CANNOT BE UNDONE", theme.danger),
        (_, Reach::Disruptive) => ("interrupts somebody's work", theme.error),
        (_, Reach::Reversible) => ("changes something, reversibly", theme.warning),
        (_, Reach::Note) => ("adds to the record", theme.good),
    };
    (text.to_owned(), style)
}

fn few(values: &[String]) -> String {
    let shown: Vec<&str> = values.iter().take(4).map(String::as_str).collect();
    let more = values.len().saturating_sub(4);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// What is given beside the targets, short.
fn arguments(step: &Planned) -> String {
    let parts = step.given.iter().filter_map(|(name, _)| {
        let value = step.arguments.get(name)?;
        let is_target = |value: &serde_json::Value| scalar(value).is_some_and(|text| step.targets.contains(&text));
        if value.as_array().map_or_else(|| is_target(value), |items| !items.is_empty() && items.iter().all(is_target)) {
            return None;
        }
        let text = match value {
            serde_json::Value::Array(items) => {
                few(&items.iter().map(|item| scalar(item).unwrap_or_else(|| item.to_string())).collect::<Vec<_>>())
            }
            other => scalar(other).unwrap_or_else(|| other.to_string()),
        };
        let text = text.replace('\n', " ");
        let short: String = if width(&text) > 60 { text.chars().take(57).chain("…".chars()).collect() } else { text };
        Some(format!("{name} = {short}"))
    });
    parts.collect::<Vec<_>>().join(" · ")
}
