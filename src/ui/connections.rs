//! The connections: state, last success, failures, next run, coverage.

use ratatui::layout::Rect;

use super::paint::Paint;
use super::time::{age, ago, moment};
use crate::core::console::model::{Model, Pane};
use crate::core::health::{Connected, Health, Misconfigured};

/// Draws the pane; says which connection is the first on the screen.
pub fn draw(paint: &mut Paint, area: Rect, model: &Model) -> usize {
    let count = model.setup.connected.len() + model.setup.misconfigured.len();
    let inside = paint.frame(area, &format!("1 Connections · {count}"), model.focus == Pane::Connections);
    let wide = inside.width >= 60;
    let selected = |connected: &Connected| Some(&connected.name) == model.connection.as_ref();
    let lines = |connected: &Connected| if selected(connected) || wide { 3 } else { 2 };
    let place = model.setup.connected.iter().position(selected).unwrap_or(0);
    let first = first_of(&model.setup.connected, lines, place, inside.height);
    let mut y = inside.y;
    for (at, connected) in model.setup.connected.iter().enumerate().skip(first) {
        if y >= inside.bottom() {
            break;
        }
        let health = model.health_of(&connected.name);
        let lines = lines(connected);
        one(paint, Rect { y, height: lines.min(inside.bottom() - y), ..inside }, model, connected, health);
        if selected(connected) {
            let style = if model.focus == Pane::Connections { paint.theme.selection } else { paint.theme.text.patch(paint.theme.title) };
            paint.tint(Rect { y, height: 1, ..inside }, style);
        }
        paint.jump_letter(inside.x, y, at - first, model.focus == Pane::Connections);
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
fn first_of(all: &[Connected], lines: impl Fn(&Connected) -> u16, place: usize, rows: u16) -> usize {
    let mut first = 0;
    while first < place && all.iter().take(place + 1).skip(first).map(&lines).sum::<u16>() > rows {
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

fn one(paint: &mut Paint, area: Rect, model: &Model, connected: &Connected, health: Option<&Health>) {
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
    if area.height > 2 {
        let gap = health.and_then(|health| health.gaps.first());
        let (text, style) = match (gap, health) {
            (Some(gap), _) => {
                let zone = &model.setup.zone;
                let kind = if gap.lasting { "gone" } else { "gap" };
                let hours = |at| moment(at, zone, model.local_time).chars().skip(5).take(11).collect::<String>();
                (
                    format!("{kind} {}–{}: {}", hours(gap.from), hours(gap.to), gap.reason),
                    if gap.lasting { theme.warning } else { theme.error },
                )
            }
            (None, Some(health)) if health.last_error.is_some() && health.failures > 0 => {
                (health.last_error.clone().unwrap_or_default(), theme.error)
            }
            (None, Some(health)) => match health.covered_to {
                Some(at) => {
                    let bare =
                        if health.untouched.is_empty() { String::new() } else { format!("; nothing of {}", health.untouched.join(", ")) };
                    (format!("whole up to {}{bare}", ago(at, model.now).trim_start_matches("just ")), theme.dim)
                }
                None => ("nothing fetched yet: f fetches".to_owned(), theme.dim),
            },
            (None, None) => (String::new(), theme.dim),
        };
        paint.text(area.x + 2, area.y + 2, area.width.saturating_sub(2), &text, style);
    }
}
