//! One line to type, at the foot.

use ratatui::layout::Rect;

use super::paint::{Paint, short, width};
use crate::core::layer::Prompt;

/// Draws the line; says where the cursor is.
pub fn draw(paint: &mut Paint, area: Rect, prompt: &Prompt) -> (u16, u16) {
    let theme = paint.theme;
    let label = format!("{} ", prompt.asks.label());
    let label = label.as_str();
    let y = area.bottom() - 1;
    let above = Rect { y: y.saturating_sub(1), height: 1, ..area };
    paint.clear(Rect { y, height: 1, ..area }, theme.text);
    if let Some(error) = &prompt.error {
        paint.clear(above, theme.text);
        paint.text(above.x, above.y, above.width, error, theme.error);
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
    let text: String = prompt.line.text().chars().skip(skip).collect();
    paint.pieces(area.x, y, area.width, &[(label, theme.key), (&text, theme.text)]);
    let x = area.x + short(width(label) + width(&before).saturating_sub(skip));
    (x.min(area.right() - 1), y)
}
