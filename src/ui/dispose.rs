//! A verdict under way.

use ratatui::layout::Rect;

use super::paint::{Line, Paint, short, width};
use crate::core::console::dispose::Dispose;
use crate::core::console::model::Model;
use crate::core::event::Disposition;

/// Templates that are listed with their digit.
const LISTED: usize = 9;

/// Draws the verdict; says where the cursor is.
pub fn draw(paint: &mut Paint, area: Rect, dispose: &Dispose, model: &Model) -> Option<(u16, u16)> {
    let theme = paint.theme;
    let wide = area.width.min(90);
    let mut lines = match dispose.disposition {
        None => verdicts(paint, dispose, model, usize::from(wide.saturating_sub(4))),
        Some(disposition) => note(paint, dispose, disposition, model, usize::from(wide.saturating_sub(4))),
    };
    if let Some(said) = &dispose.said {
        lines.insert(if dispose.disposition.is_some() { 2 } else { 0 }, vec![(said.clone(), theme.warning)]);
    }
    // As high as what it says, but no less than where it began, so that it does not jump.
    let height = short(lines.len() + 2).max(9).min(area.height);
    let area = Rect { y: area.bottom() - height, height, width: wide, x: area.x };
    paint.clear(area, theme.text);
    let what = match dispose.events.as_slice() {
        [only] => model.queue.row(*only).map_or_else(|| "1 event".to_owned(), |row| row.title.clone()),
        several => format!("{} events", several.len()),
    };
    let inside = paint.frame(area, &format!("Close: {what}"), true);
    for (at, line) in lines.iter().enumerate().take(usize::from(inside.height)) {
        paint.line(inside.x, inside.y + short(at), inside.width, line);
    }
    dispose.disposition?;
    let x = inside.x + 5 + short(width(&dispose.note.before()));
    Some((x.min(inside.right().saturating_sub(1)), inside.y + 1))
}

fn verdicts(paint: &Paint, dispose: &Dispose, model: &Model, wide: usize) -> Vec<Line> {
    let theme = paint.theme;
    // What several have in common, or not, is seen before they are closed as one.
    let spread = dispose.spread.iter().flat_map(|text| Paint::wrapped(text, wide));
    let mut lines: Vec<Line> = spread.map(|text| vec![(text, theme.dim)]).collect();
    lines.extend(Disposition::ALL.iter().map(|(name, letter, disposition)| {
        let offer = dispose.offers.iter().find(|(known, _)| known == disposition);
        let told = offer.and_then(|(_, offer)| offer.sets.first()).map(|sets| format!("w: {sets}")).unwrap_or_default();
        vec![(letter.to_string(), theme.key), (format!("  {:<16}", name.replace('_', " ")), theme.text), (told, theme.dim)]
    }));
    if let Some((last, note)) = &dispose.last {
        lines.push(vec![(".".into(), theme.key), (format!("  again: {} {note}", last.as_str().replace('_', " ")), theme.text)]);
    }
    if model.size.1 >= 20 {
        lines.push(vec![("esc ".into(), theme.key), ("leaves it".into(), theme.dim)]);
    }
    lines
}

fn note(paint: &Paint, dispose: &Dispose, disposition: Disposition, model: &Model, wide: usize) -> Vec<Line> {
    let theme = paint.theme;
    let mut lines: Vec<Line> = vec![
        vec![("as ".into(), theme.dim), (disposition.as_str().replace('_', " "), theme.title)],
        vec![("note ".into(), theme.key), (dispose.note.text(), theme.text)],
    ];
    if let Some(first) = &dispose.first {
        let text = format!("      a letter after {} makes it text; right keeps it, backspace takes it back", first.letter);
        lines.push(vec![(text, theme.dim)]);
    }
    let (sets, reasons) = told(paint, dispose, wide);
    lines.extend(sets);
    let digits = if dispose.typed { theme.dim } else { theme.key };
    for (at, text) in dispose.templates().into_iter().enumerate().take(LISTED) {
        let style = if dispose.template == Some(at) { theme.text } else { theme.dim };
        lines.push(vec![(format!("{}     ", at + 1), digits), (text, style)]);
    }
    let mut keys = vec![("enter ", "records, with or without a note")];
    if dispose.last.is_some() && !dispose.typed {
        keys.push((".     ", "last note"));
    }
    if model.size.1 >= 20 {
        keys.extend([("tab   ", "next template"), ("esc   ", "leaves it")]);
    }
    lines.extend(keys.into_iter().map(|(key, text)| vec![(key.to_owned(), theme.key), (text.to_owned(), theme.dim)]));
    // Why something is not told is the longest and the least: where there is little room, it is what goes below the edge.
    lines.extend(reasons);
    lines
}

/// What the vendors are told, or could be; and what not, with the reason.
fn told(paint: &Paint, dispose: &Dispose, wide: usize) -> (Vec<Line>, Vec<Line>) {
    let theme = paint.theme;
    let Some(offer) = dispose.offer() else { return (Vec::new(), Vec::new()) };
    let set = |sets: &String| {
        let (text, style) =
            if dispose.tell { (format!("also sets {sets}: yes"), theme.good) } else { (format!("also set {sets}: no"), theme.dim) };
        vec![("w     ".into(), theme.key), (text, style)]
    };
    let reason = |reason: &String| {
        let parts = Paint::wrapped(reason, wide.saturating_sub(6));
        parts.into_iter().map(|part| vec![("      ".into(), theme.dim), (part, theme.dim)]).collect::<Vec<Line>>()
    };
    (offer.sets.iter().map(set).collect(), offer.reasons.iter().flat_map(reason).collect())
}
