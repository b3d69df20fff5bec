//! The first line, the last line, and the keys that can follow a chord.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Paint, short, width};
use crate::core::console::action::Action;
use crate::core::console::help;
use crate::core::console::keys::chord_text;
use crate::core::console::layer::Layer;
use crate::core::console::model::{Model, Pane};
use crate::core::console::notice::Tone;
use crate::core::listing::View;
use crate::core::text::visible;

/// The first line: where one is, and what needs a look.
pub fn head(paint: &mut Paint, area: Rect, model: &Model) {
    let theme = paint.theme;
    paint.clear(area, theme.header);
    let name = if model.setup.demo { " nightdesk demo" } else { " nightdesk" };
    let mut right: Vec<(String, Style)> = Vec::new();
    if let Some(recording) = &model.recording {
        let sign = if paint.ascii { "REC" } else { "● REC" };
        right.push((format!("{sign} {}", recording.done.len()), theme.danger));
    }
    let gaps: usize = model.health.iter().map(|health| health.gaps.iter().filter(|gap| !gap.lasting).count()).sum();
    let failing = model.health.iter().filter(|health| health.failures > 0).count();
    if gaps > 0 {
        right.push((format!("{gaps} gap{}", if gaps == 1 { "" } else { "s" }), theme.danger));
    }
    if failing > 0 {
        right.push((format!("{failing} failing"), theme.danger));
    }
    let waiting = model.outbox.open();
    if waiting > 0 {
        right.push((format!("{waiting} in outbox"), theme.danger));
    }
    let running = model.tasks.running().count();
    if running > 0 {
        right.push((format!("{running} running"), theme.header));
    }
    right.push((model.now.to_zoned(model.zone()).strftime("%H:%M %Z ").to_string(), theme.header));
    let wide: usize = right.iter().map(|(text, _)| width(text) + 1).sum();
    let room = area.width.saturating_sub(short(wide) + 1);
    let mut x = area.x + paint.text(area.x, area.y, room, name, theme.header);
    if model.setup.read_only {
        x += paint.text(x + 1, area.y, room.saturating_sub(x + 1 - area.x), "READ-ONLY", theme.danger) + 1;
    }
    let left = (area.x + room).saturating_sub(x);
    paint.text(x, area.y, left, &trail(crumbs(model), usize::from(left)), theme.header);
    let mut x = area.right().saturating_sub(short(wide));
    for (text, style) in right {
        x += paint.text(x, area.y, area.right().saturating_sub(x), &text, style) + 1;
    }
}

/// Where one is: views, event, layers.
fn crumbs(model: &Model) -> Vec<String> {
    let queue = &model.queue;
    let mut crumbs: Vec<String> = queue.past.iter().map(|(view, _)| view).chain([&queue.view]).map(View::name).collect();
    if model.setup.alone {
        crumbs.clear();
    }
    if model.focus == Pane::Record
        && let Some(shown) = &model.detail.shown
    {
        crumbs.push(shown.event.event.title.clone());
    }
    // A line to type is seen where it is typed.
    let layers = model.layers.iter().filter(|layer| !matches!(layer, Layer::Prompt(_)));
    crumbs.extend(layers.map(|layer| layer.title(&model.tasks)));
    crumbs
}

/// Crumbs in a line. Where there is no room for all, the first ones are left out: the last says where one is.
fn trail(crumbs: Vec<String>, room: usize) -> String {
    const CRUMB: usize = 40;
    let mut line = String::new();
    let last = crumbs.len().saturating_sub(1);
    for (at, crumb) in crumbs.into_iter().enumerate().rev() {
        let crumb = if at == last { visible(&crumb) } else { visible(&crumb).cut(CRUMB) };
        if at < last && width(&line) + crumb.width() + 5 > room {
            return format!(" › …{line}");
        }
        line = format!(" › {crumb}{line}");
    }
    line
}

/// The last line: the last notice, or the keys that work here.
pub fn foot(paint: &mut Paint, area: Rect, model: &Model) {
    let theme = paint.theme;
    paint.clear(area, theme.text);
    if !model.pending.is_empty() {
        paint.pieces(area.x, area.y, area.width, &[(&chord_text(&model.pending), theme.key), (" …", theme.dim)]);
        return;
    }
    if model.jumping {
        let pieces = [("a letter", theme.key), (" goes to its row  ", theme.dim), ("esc", theme.key), (" stays", theme.dim)];
        paint.pieces(area.x, area.y, area.width, &pieces);
        return;
    }
    if let Some(opening) = &model.opening {
        let what = visible(&opening.what).cut(usize::from(area.width).saturating_sub(24)).to_string();
        paint.pieces(
            area.x,
            area.y,
            area.width,
            &[(&what, theme.text), (" comes …  ", theme.dim), ("esc", theme.key), (" leaves it", theme.dim)],
        );
        return;
    }
    if let Some(notice) = model.notices.current() {
        let (sign, style) = match notice.tone {
            Tone::Info => ("i ", theme.accent),
            Tone::Done => ("+ ", theme.good),
            Tone::Warning => ("! ", theme.warning),
            Tone::Error => ("x ", theme.error),
        };
        let lines = notice_lines(&notice.text, usize::from(area.width.saturating_sub(2)), model);
        let rows = short(lines.len());
        let top = Rect { y: area.bottom().saturating_sub(rows), height: rows, ..area };
        paint.clear(top, theme.text);
        for (at, line) in lines.iter().enumerate() {
            paint.pieces(top.x, top.y + short(at), top.width, &[(if at == 0 { sign } else { "  " }, style), (line, style)]);
        }
        return;
    }
    let mut x = area.x;
    for (key, title) in help::footer(model) {
        let wide = short(width(&key) + width(title) + 3);
        if x + wide > area.right() {
            continue;
        }
        x += paint.pieces(x, area.y, area.right() - x, &[(&key, theme.key), (" ", theme.dim), (title, theme.dim), ("  ", theme.dim)]);
    }
}

/// A notice on as many lines as it needs, up to a few; where that is not enough, the last says which key shows the rest.
fn notice_lines(text: &str, room: usize, model: &Model) -> Vec<String> {
    const MOST: usize = 3;
    let mut lines = Paint::wrapped(text, room);
    if lines.len() > MOST {
        lines.truncate(MOST);
        let key = model.setup.keymap.hint(Action::Notices).map(|key| format!(" … {key} shows all")).unwrap_or_default();
        if let Some(last) = lines.last_mut() {
            *last = format!("{}{key}", visible(last).cut(room.saturating_sub(width(&key))));
        }
    }
    lines
}

/// The keys that can follow those of a chord so far.
pub fn which_key(paint: &mut Paint, body: Rect, model: &Model) {
    if model.pending.is_empty() {
        return;
    }
    let contexts = model.contexts();
    let mut lines: Vec<(String, &str)> = Vec::new();
    for binding in model.setup.keymap.continuations(&contexts, &model.pending) {
        let rest = chord_text(binding.chord.get(model.pending.len()..).unwrap_or_default());
        let title = binding.action.row().title;
        if !lines.iter().any(|(keys, _)| *keys == rest) {
            lines.push((rest, title));
        }
    }
    let height = short(lines.len() + 2).min(body.height);
    let area = Rect { x: body.right().saturating_sub(32), y: body.bottom() - height, width: 32.min(body.width), height };
    paint.clear(area, paint.theme.text);
    let inside = paint.frame(area, &chord_text(&model.pending), true);
    for (at, (key, title)) in lines.iter().enumerate().take(usize::from(inside.height)) {
        let theme = paint.theme;
        paint.pieces(inside.x, inside.y + short(at), inside.width, &[(&format!("{key:>4}  "), theme.key), (title, theme.text)]);
    }
}
