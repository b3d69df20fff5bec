//! The list of cases, and one case.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Line, Paint, short, sign};
use super::tasks;
use super::time::{age, moment};
use crate::core::case::{Case, Dossier, Ran};
use crate::core::console::action::Action;
use crate::core::console::cases::{CaseView, Cases, Side};
use crate::core::console::model::Model;
use crate::core::event::Status;
use crate::core::listing::Listed;
use crate::core::outcome::ReturnData;

/// Draws the list; says how many rows it has room for.
pub fn list(paint: &mut Paint, area: Rect, cases: &Cases, model: &Model) -> usize {
    paint.clear(area, paint.theme.text);
    let open = cases.list.iter().flatten().filter(|case| case.open).count();
    let inside = paint.frame(area, &format!("Cases · {open} open"), true);
    let theme = paint.theme;
    if let Some(fault) = &cases.fault {
        paint.text(inside.x, inside.y, inside.width, fault, theme.error);
    } else if cases.list.as_ref().is_none_or(Vec::is_empty) {
        let (new, put) = (model.key(Action::NewCase), model.key(Action::Case));
        let none = format!("There is no case yet: {new} opens one, {put} in the queue puts events into one.");
        let text = if cases.list.is_none() { "Reading …" } else { &none };
        paint.text(inside.x, inside.y, inside.width, text, theme.dim);
    }
    let lines: Vec<Line> = cases.list.iter().flatten().map(|case| case_line(paint, case, model)).collect();
    rows(paint, inside, &lines, cases.place(), cases.first)
}

fn case_line(paint: &Paint, case: &Case, model: &Model) -> Line {
    let theme = paint.theme;
    let (state, style) = if case.open { ("open  ", theme.accent) } else { ("closed", theme.dim) };
    let text = if case.open { theme.text } else { theme.dim };
    vec![
        (format!("  {state}  "), style),
        (format!("{:<16} ", case.name), text),
        (format!("{:>4} event{}  ", case.events, if case.events == 1 { " " } else { "s" }), theme.dim),
        (format!("{:>4}  ", age(case.opened_at, model.now)), theme.dim),
        (case.title.clone(), text),
    ]
}

/// Draws one case; says how many rows its side has room for.
pub fn one(paint: &mut Paint, area: Rect, view: &CaseView, model: &Model) -> usize {
    paint.clear(area, paint.theme.text);
    let title = match &view.dossier {
        Some(dossier) if !dossier.case.title.is_empty() => format!("Case {} · {}", view.name, dossier.case.title),
        _ => format!("Case {}", view.name),
    };
    let inside = paint.frame(area, &title, true);
    let theme = paint.theme;
    if let Some(fault) = &view.fault {
        paint.text(inside.x, inside.y, inside.width, fault, theme.error);
        return 0;
    }
    let Some(dossier) = &view.dossier else {
        paint.text(inside.x, inside.y, inside.width, "Reading …", theme.dim);
        return 0;
    };
    state(paint, inside, &dossier.case, model);
    let tabs = Rect { y: inside.y + 1, height: 1, ..inside };
    let mut x = tabs.x;
    for (title, side) in Side::ALL {
        let style = if side == view.side { theme.selection } else { theme.dim };
        let text = format!(" {title} {} ", view.rows(side, &model.tasks));
        x += paint.text(x, tabs.y, tabs.right().saturating_sub(x), &text, style);
    }
    let body = Rect { y: inside.y + 2, height: inside.height.saturating_sub(2), ..inside };
    let lines = lines(paint, view, dossier, model, body.width < 60);
    if lines.is_empty() {
        paint.text(body.x, body.y, body.width, &nothing(view.side, model), theme.dim);
    }
    rows(paint, body, &lines, view.at, view.first)
}

fn state(paint: &mut Paint, line: Rect, case: &Case, model: &Model) {
    let theme = paint.theme;
    let zone = model.zone();
    let at = |time| moment(time, &zone);
    let opened = format!("opened {}", at(case.opened_at));
    let (state, style) = match case.closed_at.filter(|_| !case.open) {
        Some(time) => (format!("closed {}  ", at(time)), theme.good),
        None => ("open  ".to_owned(), theme.accent),
    };
    paint.pieces(line.x, line.y, line.width, &[(&state, style), (&opened, theme.dim)]);
}

fn nothing(side: Side, model: &Model) -> String {
    let key = |action| model.key(action);
    match side {
        Side::Events => format!("No event is in this case: {} in the queue puts one in.", key(Action::Case)),
        Side::Timeline => "Nothing happened yet.".into(),
        Side::Notes => format!("Nothing was written yet: {} writes a note.", key(Action::Memo)),
        Side::Runs => "Nothing was run on its events yet.".into(),
        Side::Files => {
            format!("No file is in this case: {} adds one; what a run on its events saves is added by itself.", key(Action::AddFile))
        }
    }
}

fn lines(paint: &Paint, view: &CaseView, dossier: &Dossier, model: &Model, narrow: bool) -> Vec<Line> {
    let theme = paint.theme;
    // Where there is little room, a time is how long ago it was.
    let zone = model.zone();
    let shown = |at| if narrow { format!("{:>4}", age(at, model.now)) } else { moment(at, &zone) };
    let time = |at| (format!("  {}  ", shown(at)), theme.dim);
    let told = |moment: &crate::core::case::Moment, kind: bool| {
        let who = if moment.actor.is_empty() { "the vendor" } else { &moment.actor };
        let kind = if kind { format!("{:<8} ", moment.kind) } else { String::new() };
        vec![time(moment.time), (kind, theme.accent), (format!("{who}: "), theme.dim), (moment.text.clone(), theme.text)]
    };
    match view.side {
        Side::Events => dossier.events.iter().map(|row| event_line(paint, row, model, narrow)).collect(),
        Side::Timeline => dossier.timeline.iter().map(|moment| told(moment, true)).collect(),
        Side::Notes => dossier.notes().map(|moment| told(moment, false)).collect(),
        Side::Runs => {
            let running = view.running(&model.tasks);
            let live = running.iter().map(|task| {
                vec![("  ~ ".into(), theme.accent), (format!("{}  ", task.title), theme.text), (tasks::state(task, model), theme.dim)]
            });
            live.chain(dossier.runs.iter().map(|ran| run_line(paint, ran, time(ran.time)))).collect()
        }
        Side::Files => dossier
            .files
            .iter()
            .map(|file| {
                let sum: String = file.sha256.chars().take(16).collect();
                let size = format!("{:>10} bytes  ", file.size);
                vec![time(file.added_at), (size, theme.dim), (format!("{sum}…  "), theme.accent), (file.path.clone(), theme.text)]
            })
            .collect(),
    }
}

fn event_line(paint: &Paint, row: &Listed, model: &Model, narrow: bool) -> Line {
    let theme = paint.theme;
    let severity = theme.severity(row.severity);
    let state = match (row.status, row.disposition) {
        (Status::Closed, Some(disposition)) => disposition.as_str().replace('_', " "),
        (status, _) => status.as_str().replace('_', " "),
    };
    let closed = row.status == Status::Closed;
    vec![
        (format!("  {} ", sign(row.severity, paint.ascii)), severity),
        (format!("{:>4}  ", age(row.occurred_at, model.now)), theme.dim),
        (if narrow { format!("{state:<4.4} ") } else { format!("{state:<14} ") }, if closed { theme.good } else { theme.dim }),
        (if narrow { String::new() } else { format!("{:<12} ", row.connection) }, theme.dim),
        (row.title.clone(), if closed { theme.dim } else { theme.text }),
        (format!("  {}", row.entity), theme.accent),
    ]
}

fn run_line(paint: &Paint, ran: &Ran, time: (String, Style)) -> Line {
    let theme = paint.theme;
    let style = match ran.state.as_deref() {
        Some(state) if state == ReturnData::Failed.as_str() => theme.error,
        Some(state) if state == ReturnData::PartiallySuccessful.as_str() => theme.warning,
        Some(_) => theme.good,
        None => theme.warning,
    };
    let about = ran.items.iter().filter(|item| !item.starts_with("event ")).cloned().collect::<Vec<_>>().join(", ");
    vec![
        time,
        (format!("{}  ", ran.ending()), style),
        (format!("{} on {}  ", ran.command, ran.connection), theme.text),
        (format!("{about}  "), theme.accent),
        (ran.actor.clone(), theme.dim),
    ]
}

/// Draws rows of which one is selected; says how many there is room for.
fn rows(paint: &mut Paint, area: Rect, lines: &[Line], selected: usize, first: usize) -> usize {
    let height = usize::from(area.height);
    let first = first.min(selected).max((selected + 1).saturating_sub(height.max(1)));
    for (at, line) in lines.iter().enumerate().skip(first).take(height) {
        let y = area.y + short(at - first);
        paint.line(area.x, y, area.width, line);
        if at == selected {
            paint.tint(Rect { y, height: 1, ..area }, paint.theme.selection);
        }
        paint.jump_letter(area.x, y, at - first, true);
    }
    height
}
