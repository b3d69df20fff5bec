//! The connections: state, last success, failures, next run, coverage.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Paint, short};
use super::theme::Theme;
use super::time::{age, ago, moment};
use crate::core::console::action::Action;
use crate::core::console::model::{Model, Pane};
use crate::core::health::{Connected, Health, Misconfigured, Stretch};

/// Draws the pane; says which connection is the first on the screen.
pub fn draw(paint: &mut Paint, area: Rect, model: &Model) -> usize {
    let count = model.setup.connected.len() + model.setup.misconfigured.len();
    let focused = model.focus == Pane::Connections;
    let inside = paint.frame(area, &format!("1 Connections · {count}"), focused);
    let wide = inside.width >= 60;
    let selected = |connected: &Connected| Some(&connected.name) == model.connection.as_ref();
    let room = usize::from(inside.width.saturating_sub(2));
    // Of the one under the keys all is told, of the others what comes first.
    let told = |connected: &Connected| -> Vec<(String, Style)> {
        let facts = model.health_of(&connected.name).map(|health| facts(paint.theme, model, health)).unwrap_or_default();
        if focused && selected(connected) {
            facts.into_iter().flat_map(|(text, style)| Paint::wrapped(&text, room).into_iter().map(move |line| (line, style))).collect()
        } else {
            facts.into_iter().take(usize::from(wide || selected(connected))).collect()
        }
    };
    let told: Vec<_> = model.setup.connected.iter().map(told).collect();
    let heights: Vec<u16> = told.iter().map(|lines| 2 + short(lines.len())).collect();
    let place = model.setup.connected.iter().position(selected).unwrap_or(0);
    let first = first_of(&heights, place, inside.height);
    let mut y = inside.y;
    for (at, connected) in model.setup.connected.iter().enumerate().skip(first) {
        if y >= inside.bottom() {
            break;
        }
        let health = model.health_of(&connected.name);
        let lines = heights[at];
        one(paint, Rect { y, height: lines.min(inside.bottom() - y), ..inside }, model, connected, health, &told[at]);
        if selected(connected) {
            let style = if focused { paint.theme.selection } else { paint.theme.text.patch(paint.theme.title) };
            paint.tint(Rect { y, height: 1, ..inside }, style);
        }
        paint.jump_letter(inside.x, y, at - first, focused);
        y += lines;
    }
    for one in &model.setup.misconfigured {
        if y >= inside.bottom() {
            break;
        }
        y = misconfigured(paint, Rect { y, height: inside.bottom() - y, ..inside }, one);
    }
    first
}

/// The first connection on so many rows on which the selected one can be seen whole.
fn first_of(heights: &[u16], place: usize, rows: u16) -> usize {
    let mut first = 0;
    while first < place && heights.iter().take(place + 1).skip(first).sum::<u16>() > rows {
        first += 1;
    }
    first
}

/// A connection that cannot be used, with all of the reason; says where the next one begins.
fn misconfigured(paint: &mut Paint, area: Rect, one: &Misconfigured) -> u16 {
    let theme = paint.theme;
    paint.pieces(area.x, area.y, area.width, &[("! ", theme.error), (&one.name, theme.text), (" misconfigured", theme.error)]);
    let room = area.width.saturating_sub(2);
    let mut y = area.y + 1;
    for line in Paint::wrapped(&one.reason, usize::from(room)).iter().take(6).take(usize::from(area.bottom().saturating_sub(y))) {
        paint.text(area.x + 2, y, room, line, theme.dim);
        y += 1;
    }
    y
}

fn one(paint: &mut Paint, area: Rect, model: &Model, connected: &Connected, health: Option<&Health>, facts: &[(String, Style)]) {
    let theme = paint.theme;
    let job = model.jobs.get(&connected.name);
    let busy = job.is_some() || model.tasks.running().any(|task| task.connection == connected.name);
    let (sign, style) = match health {
        _ if busy => ("~", theme.accent),
        _ if !connected.active => ("-", theme.dim),
        Some(health) if health.failures > 0 => ("x", theme.error),
        Some(health) if health.last_success.is_some() => ("+", theme.good),
        _ => ("?", theme.dim),
    };
    let lock = if connected.read_only { " read-only" } else { "" };
    paint.pieces(area.x, area.y, area.width, &[(sign, style), (" ", theme.text), (&connected.name, theme.text), (lock, theme.warning)]);
    let state = match health {
        None => "not known yet".to_owned(),
        Some(health) => {
            let mut words: Vec<String> = job.map(|doing| (*doing).to_owned()).into_iter().collect();
            words.push(match health.last_success {
                Some(at) => format!("ok {}", ago(at, model.now)),
                None => "never reached".to_owned(),
            });
            if health.failures > 0 {
                words.push(format!("{} failed", health.failures));
            }
            if let Some(next) = health.next_run {
                words.push(format!("next {}", age(next, model.now)));
            }
            words.join(" · ")
        }
    };
    let failing = health.is_some_and(|health| health.failures > 0);
    if area.height > 1 {
        paint.text(area.x + 2, area.y + 1, area.width.saturating_sub(2), &state, if failing { theme.error } else { theme.dim });
    }
    for (at, (text, style)) in facts.iter().enumerate().take(usize::from(area.height.saturating_sub(2))) {
        paint.text(area.x + 2, area.y + 2 + short(at), area.width.saturating_sub(2), text, *style);
    }
}

/// What is to be known of what was fetched: what is missing, what failed last, up to where it is whole.
fn facts(theme: &Theme, model: &Model, health: &Health) -> Vec<(String, Style)> {
    let zone = model.zone();
    let hours = |at| moment(at, &zone).chars().skip(5).take(11).collect::<String>();
    let gap = |gap: &Stretch| {
        let (kind, style) = if gap.lasting { ("gone", theme.warning) } else { ("gap", theme.error) };
        (format!("{kind} {}–{}: {}", hours(gap.from), hours(gap.to), gap.reason), style)
    };
    let mut facts: Vec<_> = health.gaps.iter().map(gap).collect();
    // A gap's reason is often what failed last.
    let new = |error: &String| health.failures > 0 && health.gaps.iter().all(|gap| gap.reason != *error);
    facts.extend(health.last_error.clone().filter(new).map(|error| (error, theme.error)));
    if facts.is_empty() {
        let untouched = if health.untouched.is_empty() { String::new() } else { format!("; nothing of {}", health.untouched.join(", ")) };
        let text = match health.covered_to {
            Some(at) => format!("whole up to {}{untouched}", ago(at, model.now).trim_start_matches("just ")),
            None => format!("nothing fetched yet: {} fetches", model.key(Action::Fetch)),
        };
        facts.push((text, theme.dim));
    }
    facts
}
