//! One line to type, at the foot.

use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::paint::{Paint, beyond, short, width};
use crate::core::console::layer::Prompt;

/// Draws the line; says where the cursor is.
pub fn draw(paint: &mut Paint, area: Rect, prompt: &Prompt) -> (u16, u16) {
    let theme = paint.theme;
    let label = format!("{} ", prompt.asks.label());
    let label = label.as_str();
    let y = area.bottom() - 1;
    let above = Rect { y: y.saturating_sub(1), height: 1, ..area };
    paint.clear(Rect { y, height: 1, ..area }, theme.text);
    if let Some(error) = &prompt.error {
        // All of it, as it says what could stand there instead.
        let lines = Paint::wrapped(error, usize::from(area.width));
        let rows = short(lines.len()).min(y - area.y);
        paint.clear(Rect { y: y - rows, height: rows, ..area }, theme.text);
        for (at, line) in (y - rows..y).zip(&lines) {
            paint.text(area.x, at, area.width, line, theme.error);
        }
    } else if !prompt.completion.texts.is_empty() {
        paint.clear(above, theme.text);
        let mut x = above.x + paint.text(above.x, above.y, above.width, "tab: ", theme.key);
        for (at, candidate) in prompt.completion.texts.iter().enumerate() {
            let style = if prompt.candidate == Some(at) { theme.selection } else { theme.dim };
            x += paint.text(x, above.y, above.right().saturating_sub(x), &format!("{candidate} "), style);
        }
    }
    let before = prompt.line.before();
    let room = usize::from(area.width).saturating_sub(width(label) + 2);
    let skip = width(&before).saturating_sub(room);
    let text = beyond(&prompt.line.text(), skip);
    paint.pieces(area.x, y, area.width, &[(label, theme.key), (&text, theme.text)]);
    if let Some(spot) = prompt.spot {
        // From where it is wrong to the end of the word.
        let whole = prompt.line.text();
        let head: String = whole.chars().take(spot).collect();
        let word: String = whole.chars().skip(spot).take_while(|letter| *letter != ' ').collect();
        let (from, wide) = (width(&head).saturating_sub(skip), width(&word).max(1));
        let x = area.x + short(width(label) + from);
        let wrong = Rect { x, y, width: short(wide).min(area.right().saturating_sub(x)), height: 1 };
        paint.tint(wrong, theme.error.add_modifier(Modifier::UNDERLINED | Modifier::REVERSED));
    }
    let x = area.x + short(width(label) + width(&before).saturating_sub(skip));
    (x.min(area.right() - 1), y)
}
