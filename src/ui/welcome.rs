//! What stands there while no connection is configured.

use ratatui::layout::Rect;

use super::paint::{Paint, short};
use crate::core::console::action::Action;
use crate::core::console::model::Model;

/// Draws the welcome.
pub fn draw(paint: &mut Paint, area: Rect, model: &Model) {
    let inside = paint.frame(area, "nightdesk", true);
    let key = |action: Action| model.key(action);
    let lines = [
        (true, "Welcome to nightdesk.".to_owned()),
        (false, String::new()),
        (false, "No connection is configured yet.".into()),
        (false, String::new()),
        (true, format!("  {}   add a connection", key(Action::AddConnection))),
        (false, "      a form of what your vendor's system needs; secrets go into the encrypted vault".into()),
        (false, String::new()),
        (true, format!("  {}   start the demo", key(Action::Demo))),
        (false, "      five simulated vendors on this machine, no account needed; thrown away when you leave".into()),
        (false, String::new()),
        (false, "On the command line: nightdesk connections add wiz-prod --vendor wiz …, and nightdesk demo.".into()),
        (false, "nightdesk config path says where connections.toml belongs, for those who rather write it by hand.".into()),
        (false, String::new()),
        (
            false,
            format!(
                "{} leaves.  {} shows the keys.  {} lists everything that can be done.",
                key(Action::Quit),
                key(Action::Help),
                key(Action::Palette)
            ),
        ),
    ];
    let mut y = 0;
    for (leads, line) in lines {
        for part in Paint::wrapped(&line, usize::from(inside.width.saturating_sub(2))) {
            let style = if leads { paint.theme.accent } else { paint.theme.text };
            if y < inside.height {
                paint.text(inside.x + 1, inside.y + y, inside.width.saturating_sub(2), &part, style);
            }
            y += short(1);
        }
    }
}
