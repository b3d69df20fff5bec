//! The outbox: what waits to be sent, what was held, what is not known.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Paint, short};
use super::time::age;
use crate::core::console::action::Action;
use crate::core::console::model::Model;
use crate::core::outbox::{Letter, Standing};

/// Draws the page; says how many rows its body has.
pub fn draw(paint: &mut Paint, area: Rect, model: &Model) -> usize {
    let theme = paint.theme;
    paint.clear(area, theme.text);
    let outbox = &model.outbox;
    let inside = paint.frame(area, &format!("Outbox · {} to be sent", outbox.open()), true);
    if outbox.letters.is_empty() {
        paint.text(
            inside.x,
            inside.y,
            inside.width,
            "Nothing waits. What a vendor who cannot be reached is to be told, waits here.",
            theme.dim,
        );
        return usize::from(inside.height);
    }
    // The letters above, the selected one in full below.
    let lower = (inside.height / 2).min(12);
    let list = Rect { height: inside.height - lower, ..inside };
    let height = usize::from(list.height).max(1);
    let place = outbox.place();
    let first = (place + 1).saturating_sub(height);
    for (at, letter) in outbox.letters.iter().enumerate().skip(first).take(height) {
        let y = list.y + short(at - first);
        let style = style_of(paint, letter.standing);
        let standing = format!("{:<9} ", letter.standing.as_str());
        let when = format!("{:>4}  ", age(letter.made_at, model.now));
        paint.pieces(
            list.x,
            y,
            list.width,
            &[(&standing, style), (&when, theme.dim), (&letter.title, theme.text), (" · ", theme.dim), (&letter.connection, theme.dim)],
        );
        if at == place {
            paint.tint(Rect { y, height: 1, ..list }, theme.selection);
        }
    }
    if let Some(letter) = outbox.current() {
        let below = Rect { y: list.bottom(), height: lower, ..inside };
        for (at, (text, style)) in
            detail(paint, model, letter, usize::from(below.width)).into_iter().enumerate().take(usize::from(below.height))
        {
            paint.text(below.x, below.y + short(at), below.width, &text, style);
        }
    }
    height
}

fn style_of(paint: &Paint, standing: Standing) -> Style {
    let theme = paint.theme;
    match standing {
        Standing::Waiting | Standing::Sending => theme.accent,
        Standing::Held | Standing::Unknown => theme.warning,
        Standing::Sent => theme.good,
        Standing::Refused => theme.error,
        Standing::Cancelled => theme.dim,
    }
}

fn detail(paint: &Paint, model: &Model, letter: &Letter, wide: usize) -> Vec<(String, Style)> {
    let theme = paint.theme;
    let mut lines = vec![(String::new(), theme.text)];
    let events = letter.events.iter().map(|id| format!("event {id}")).collect::<Vec<_>>().join(", ");
    let about = if events.is_empty() { String::new() } else { format!(" about {events}") };
    lines.push((format!("{} {}{about}, by {}", letter.connection, letter.command, letter.actor), theme.dim));
    lines.extend(Paint::wrapped(&letter.detail, wide).into_iter().map(|line| (line, theme.text)));
    if !letter.differences.is_empty() {
        lines.push(("Changed at the vendor since it was decided:".into(), theme.warning));
        lines.extend(letter.differences.iter().map(|difference| (format!("  {}", difference.line()), theme.warning)));
    }
    if letter.standing.is_open() {
        lines.extend(letter.blind().into_iter().flat_map(|text| Paint::wrapped(text, wide)).map(|line| (line, theme.warning)));
    }
    let (send, cancel) = (model.key(Action::Send), model.key(Action::Cancel));
    let text = match letter.standing {
        Standing::Waiting if letter.by_hand() => format!("{send} asks and sends it; {cancel} takes it back. It is never sent by itself."),
        Standing::Waiting => {
            format!("{send} sends it now; {cancel} takes it back. It is sent by itself when the connection works again.")
        }
        Standing::Held => format!("{send} shows what changed and asks; {cancel} takes it back."),
        Standing::Unknown => "It may have been carried out: look at the vendor. It is never sent again.".into(),
        _ => String::new(),
    };
    if !text.is_empty() {
        lines.extend(Paint::wrapped(&text, wide).into_iter().map(|line| (line, theme.dim)));
    }
    lines
}
