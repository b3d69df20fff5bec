//! What stands there while no connection is configured.

use ratatui::layout::Rect;

use super::paint::{Paint, short};

const LINES: [&str; 15] = [
    "Welcome to nightdesk.",
    "",
    "No connection is configured yet. Three ways to begin:",
    "",
    "  nightdesk demo",
    "      five simulated vendors on this machine, no account needed",
    "",
    "  nightdesk connections add wiz-prod --vendor wiz --set api_endpoint_url=… --set client_id=… --secret client_secret=-",
    "      adds a connection; the secret is asked for and goes into the encrypted vault",
    "",
    "  nightdesk config path",
    "      says where connections.toml belongs, for those who rather write it by hand",
    "",
    "q leaves.  ? shows the keys.  : lists everything that can be done.",
    "",
];

/// Draws the welcome.
pub fn draw(paint: &mut Paint, area: Rect) {
    let inside = paint.frame(area, "nightdesk", true);
    let mut y = 0;
    for line in LINES {
        for part in Paint::wrapped(line, usize::from(inside.width.saturating_sub(2))) {
            let style = if line.starts_with("  nightdesk") { paint.theme.accent } else { paint.theme.text };
            if y < inside.height {
                paint.text(inside.x + 1, inside.y + y, inside.width.saturating_sub(2), &part, style);
            }
            y += short(1);
        }
    }
}
