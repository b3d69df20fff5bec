//! What the console looks like: (&Model, &Theme) → cells. Panes first, then the layers in order.
//!
//! Every text goes through [`paint::Paint`], which makes it visible, measures it and cuts it.

mod cases;
mod chooser;
mod columns;
mod confirm;
mod connections;
#[cfg(test)]
mod contrast;
mod dispose;
mod explorer;
mod form;
mod guide;
mod outbox;
mod outcome;
mod page;
mod paint;
mod prompt;
mod queue;
mod reading;
mod record;
mod sheet;
mod status;
mod tasks;
pub mod theme;
pub mod time;
mod welcome;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use theme::Theme;

use crate::core::console::act::WIDE;
use crate::core::console::layer::Layer;
use crate::core::console::model::{Model, Pane, Screen};
use paint::Paint;

/// Draws everything; gives back what it found out about room, and where the terminal's cursor belongs.
pub fn draw(model: &Model, theme: &Theme, cells: &mut Buffer) -> (Screen, Option<(u16, u16)>) {
    let area = cells.area;
    let mut paint = Paint { cells, theme, ascii: model.setup.ascii, letters: model.jumping && model.layers.is_empty() };
    paint.clear(area, theme.text);
    let mut screen = Screen::default();
    if area.width < 20 || area.height < 5 {
        paint.text(area.x, area.y, area.width, "too small", theme.warning);
        return (screen, None);
    }
    let head = Rect { height: 1, ..area };
    let foot = Rect { y: area.bottom() - 1, height: 1, ..area };
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    status::head(&mut paint, head, model);
    if model.setup.alone {
        // The document covers all.
    } else if model.is_new() {
        welcome::draw(&mut paint, body, model);
    } else {
        panes(&mut paint, body, model, &mut screen);
    }
    let mut cursor = None;
    let layers = model.layers.len();
    let covering = model.layers.iter().rposition(Layer::covers);
    for (at, layer) in model.layers.iter().enumerate().skip(covering.unwrap_or(0)) {
        let top = at + 1 == layers;
        // What lies on top is drawn, and below it what covers the screen, or a form under its question or list.
        if !top && covering != Some(at) && !matches!(layer, Layer::Form(_)) {
            continue;
        }
        paint.letters = model.jumping && top;
        match layer {
            Layer::Page(view) => (screen.layer, screen.page_end) = page::draw(&mut paint, body, view),
            Layer::Outcome(view) => screen.layer = outcome::draw(&mut paint, body, view, model),
            Layer::Document(view) => screen.layer = reading::draw(&mut paint, body, view, model),
            Layer::Cases(view) => screen.layer = cases::list(&mut paint, body, view, model),
            Layer::Case(view) => screen.layer = cases::one(&mut paint, body, view, model),
            Layer::Columns(view) => screen.layer = columns::draw(&mut paint, body, view),
            Layer::Chooser(view) => (screen.layer, cursor) = chooser::draw(&mut paint, body, view),
            Layer::Form(view) => cursor = form::draw(&mut paint, body, view, model),
            Layer::Sheet(view) => screen.layer = sheet::draw(&mut paint, body, view),
            Layer::Confirm(view) => ((screen.layer, screen.question), cursor) = confirm::draw(&mut paint, body, view, model),
            Layer::Prompt(view) => cursor = Some(prompt::draw(&mut paint, area, view)),
            Layer::Guide(view) => cursor = guide::draw(&mut paint, body, view, model),
            Layer::Outbox => screen.layer = outbox::draw(&mut paint, body, model),
            Layer::Dispose(view) => cursor = dispose::draw(&mut paint, body, view, model),
        }
    }
    if !matches!(model.layers.last(), Some(Layer::Prompt(_))) {
        status::foot(&mut paint, foot, model);
    }
    status::which_key(&mut paint, body, model);
    (screen, cursor)
}

fn panes(paint: &mut Paint, body: Rect, model: &Model, screen: &mut Screen) {
    let one = model.zoomed || body.width < 60 || body.height < 18;
    if one {
        return pane(paint, body, model, model.focus, screen);
    }
    let (width, height) = (body.width, body.height);
    if width >= WIDE && height >= 28 {
        // Connections and tasks at the left, the queue over the event at the right.
        let left = 34;
        let upper = height * 3 / 5;
        pane(paint, Rect { width: left, height: upper, ..body }, model, Pane::Connections, screen);
        pane(paint, Rect { y: body.y + upper, width: left, height: height - upper, ..body }, model, Pane::Tasks, screen);
        let right = Rect { x: body.x + left, width: width - left, ..body };
        let upper = if model.focus == Pane::Record { height * 2 / 5 } else { height / 2 };
        pane(paint, Rect { height: upper, ..right }, model, Pane::Queue, screen);
        pane(paint, Rect { y: body.y + upper, height: height - upper, ..right }, model, Pane::Record, screen);
        return;
    }
    match model.focus {
        // The queue keeps a few rows above the event, so that one sees where one is.
        Pane::Record => {
            let upper = (height / 4).max(5);
            pane(paint, Rect { height: upper, ..body }, model, Pane::Queue, screen);
            pane(paint, Rect { y: body.y + upper, height: height - upper, ..body }, model, Pane::Record, screen);
        }
        focus => pane(paint, body, model, focus, screen),
    }
}

fn pane(paint: &mut Paint, area: Rect, model: &Model, pane: Pane, screen: &mut Screen) {
    match pane {
        Pane::Connections => screen.connections = connections::draw(paint, area, model),
        Pane::Queue => screen.queue = queue::draw(paint, area, model),
        Pane::Record => screen.record = record::draw(paint, area, model),
        Pane::Tasks => screen.tasks = tasks::draw(paint, area, model),
    }
}

/// A window in the middle: so wide and so high at most.
fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

#[cfg(test)]
mod snapshots;
