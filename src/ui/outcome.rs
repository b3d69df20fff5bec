//! What a task gave back: Return Data, Result, Raw, Key fields, Error, as the source documents call them.

use ratatui::layout::Rect;

use super::explorer;
use super::paint::{Line, Paint, short};
use super::tasks;
use crate::core::console::action::Action;
use crate::core::console::layer::{OutcomeView, Side};
use crate::core::console::model::Model;
use crate::core::console::post::can_keep;
use crate::core::console::task::{Report, Stage, Task};
use crate::core::mapping::scalar;
use crate::core::outcome::{Failure, ReturnData};

/// Draws the outcome; says how many rows its body has.
pub fn draw(paint: &mut Paint, area: Rect, view: &OutcomeView, model: &Model) -> usize {
    let theme = paint.theme;
    paint.clear(area, theme.text);
    let Some(task) = model.tasks.get(view.task) else {
        paint.frame(area, "This task is not kept any more", true);
        return 0;
    };
    let inside = paint.frame(area, &task.title, true);
    let Some(report) = &task.report else {
        paint.text(inside.x, inside.y, inside.width, &tasks::state(task, model), theme.text);
        for (at, line) in
            Paint::wrapped(&task.message, usize::from(inside.width)).iter().enumerate().skip(1).take(usize::from(inside.height))
        {
            paint.text(inside.x, inside.y + short(at), inside.width, line, theme.text);
        }
        if task.is_running() {
            paint.text(
                inside.x,
                inside.y + 2,
                inside.width,
                &format!(
                    "{} leaves it running; {} lists the tasks, {} cancels one there.",
                    model.key(Action::Back),
                    model.key(Action::ShowTasks),
                    model.key(Action::Cancel)
                ),
                theme.dim,
            );
        }
        return usize::from(inside.height);
    };
    let mut x = inside.x;
    for (title, side) in Side::ALL {
        let count = match side {
            Side::Error => report.outcome.errors.len(),
            Side::Result => report.outcome.result.len(),
            Side::KeyFields => report.outcome.key_fields.len(),
            _ => 0,
        };
        let text = if count > 0 { format!(" {title} {count} ") } else { format!(" {title} ") };
        let style = match (side == view.side, side == Side::Error && count > 0) {
            (true, _) => theme.selection,
            (false, true) => theme.error,
            _ => theme.dim,
        };
        x += paint.text(x, inside.y, inside.right().saturating_sub(x), &text, style);
    }
    let body = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    if let (Some(face), Some(explorer)) = (view.side.face(), &view.explorer) {
        return explorer::draw(paint, body, explorer, face, model, true);
    }
    let lines = match view.side {
        Side::Result => pairs(paint, report.outcome.result.iter().map(|item| (item.name.clone(), &item.value))),
        Side::KeyFields => pairs(paint, report.outcome.key_fields.iter().map(|(name, value)| (name.clone(), value))),
        Side::Error => report.outcome.errors.iter().flat_map(|failure| failure_lines(paint, failure, body.width)).collect(),
        _ => overview(paint, task, report, model, body.width),
    };
    let height = usize::from(body.height);
    if lines.is_empty() {
        let text = match view.side {
            Side::Error => "Nothing went wrong.",
            Side::Result => "The document gives this command no result summary.",
            _ => "The document names no key fields for this command.",
        };
        paint.text(body.x, body.y, body.width, text, theme.dim);
    }
    let first = view.first.min(lines.len().saturating_sub(height.max(1)));
    for (at, line) in lines.iter().skip(first).take(height).enumerate() {
        paint.line(body.x, body.y + short(at), body.width, line);
    }
    height
}

fn overview(paint: &Paint, task: &Task, report: &Report, model: &Model, width: u16) -> Vec<Line> {
    let (theme, outcome) = (paint.theme, &report.outcome);
    let style = match outcome.return_data {
        ReturnData::Successful | ReturnData::SuccessfulWithNoEventData => theme.good,
        ReturnData::PartiallySuccessful => theme.warning,
        ReturnData::Failed => theme.error,
    };
    let mut lines: Vec<Line> = vec![vec![(outcome.return_data.as_str().to_owned(), style)], Vec::new()];
    lines.extend(Paint::wrapped(&outcome.message, usize::from(width)).into_iter().map(|line| vec![(line, theme.text)]));
    if !outcome.events.is_empty() {
        lines.push(vec![(format!("{} events came with it and are in the queue.", outcome.events.len()), theme.dim)]);
    }
    for attachment in &outcome.attachments {
        lines.push(vec![
            ("Saved ".into(), theme.dim),
            (attachment.path.clone(), theme.accent),
            (format!("  sha256 {}", attachment.sha256), theme.dim),
        ]);
    }
    match (&task.stage, &outcome.follow) {
        (Some(Stage::Observed { well }), _) => {
            lines.push(vec![(task.message.clone(), if *well { theme.good } else { theme.error })]);
        }
        (_, Some(follow)) => {
            lines.push(vec![("Accepted, not yet observed: ".into(), theme.warning), (follow.title.clone(), theme.text)]);
        }
        _ => {}
    }
    if model.way_back(task.id).is_some()
        && let Some(key) = model.setup.keymap.hint(Action::Undo)
    {
        lines.push(vec![(key, theme.key), (" offers what takes it back.".into(), theme.text)]);
    }
    if report.unsent {
        lines.push(vec![("Nothing was sent: the vendor could not be reached. ".into(), theme.warning)]);
        if let Some(key) = can_keep(model).is_ok().then(|| model.setup.keymap.hint(Action::KeepForLater)).flatten() {
            lines.push(vec![(key, theme.key), (" puts it into the outbox until it can be.".into(), theme.text)]);
        }
    }
    if !outcome.errors.is_empty() {
        lines.push(Vec::new());
        lines.extend(outcome.errors.iter().flat_map(|failure| failure_lines(paint, failure, width)));
    }
    lines
}

fn failure_lines(paint: &Paint, failure: &Failure, width: u16) -> Vec<Line> {
    let theme = paint.theme;
    let code = failure.status_code.map(|code| format!("  {code}")).unwrap_or_default();
    let item = failure.item.as_ref().map(|item| format!("  {item}")).unwrap_or_default();
    let mut lines = vec![vec![
        ("x ".into(), theme.error),
        (failure.failure_indicator.clone(), theme.error),
        (code, theme.warning),
        (item, theme.accent),
    ]];
    let indent = |text: &str| {
        Paint::wrapped(text, usize::from(width.saturating_sub(2))).into_iter().map(|line| format!("  {line}")).collect::<Vec<_>>()
    };
    lines.extend(indent(&failure.message).into_iter().map(|line| vec![(line, theme.text)]));
    if let Some(hint) = &failure.hint {
        lines.extend(indent(hint).into_iter().map(|line| vec![(line, theme.accent)]));
    }
    if let Some(request) = &failure.request_id {
        lines.push(vec![(format!("  request id {request}"), theme.dim)]);
    }
    lines
}

fn pairs<'a>(paint: &Paint, pairs: impl Iterator<Item = (String, &'a serde_json::Value)>) -> Vec<Line> {
    let theme = paint.theme;
    let pairs: Vec<_> = pairs.collect();
    let wide = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(36);
    pairs
        .into_iter()
        .map(|(name, value)| {
            vec![(format!("{name:<wide$}  "), theme.dim), (scalar(value).unwrap_or_else(|| value.to_string()), theme.text)]
        })
        .collect()
}
