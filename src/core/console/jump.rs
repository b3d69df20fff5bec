//! Jumping: a letter beside each row, and the next key goes to the row that has it.

use super::act;
use super::effect::Effect;
use super::keys::Key;
use super::layer::Layer;
use super::model::{Model, Pane};
use super::notice::Tone;

/// The letters in the order of rows: those under the fingers first.
const LETTERS: &str = "asdfghjklqwertyuiopzxcvbnmASDFGHJKLQWERTYUIOPZXCVBNM1234567890";

/// The letter beside a row of the screen.
pub fn letter(row: usize) -> Option<char> {
    LETTERS.chars().nth(row)
}

/// Shows the letters, where there are rows.
pub fn begin(model: &mut Model) -> Vec<Effect> {
    model.jumping = place(model).is_some();
    if !model.jumping {
        model.tell(Tone::Info, "There are no rows to jump to here.");
    }
    Vec::new()
}

/// Goes to the row of a letter; any other key only takes the letters away.
pub fn take(model: &mut Model, key: Key) -> Vec<Effect> {
    model.jumping = false;
    let row = key.typed().and_then(|typed| LETTERS.chars().position(|letter| letter == typed));
    match (row.and_then(|row| isize::try_from(row).ok()), place(model)) {
        (Some(row), Some((first, selected))) => {
            let start = isize::try_from(first).unwrap_or(0) - isize::try_from(selected).unwrap_or(0);
            act::move_by(model, start + row)
        }
        _ => Vec::new(),
    }
}

/// The first row on the screen and the selected one, of what has the keys.
fn place(model: &mut Model) -> Option<(usize, usize)> {
    match model.layers.last() {
        Some(Layer::Columns(columns)) => return Some((columns.first, columns.at)),
        Some(Layer::Cases(cases)) => return Some((cases.first, cases.place())),
        Some(Layer::Case(view)) => return Some((view.first, view.at)),
        _ => {}
    }
    if let Some((face, explorer)) = model.explorer_mut() {
        return explorer.place(face);
    }
    if !model.layers.is_empty() {
        return None;
    }
    match model.focus {
        Pane::Queue => Some((model.queue.first, model.queue.place())),
        Pane::Record => model.detail.lines().map(|_| (model.detail.first, model.detail.line)),
        Pane::Connections => {
            let selected = model.setup.connected.iter().position(|connected| Some(&connected.name) == model.connection.as_ref());
            Some((model.screen.connections, selected.unwrap_or(0)))
        }
        Pane::Tasks => Some((model.tasks.first(model.screen.tasks), model.tasks.place())),
    }
}
