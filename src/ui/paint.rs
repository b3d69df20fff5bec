//! The one way to the cells: text is made visible, measured and cut here, whoever wrote it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::theme::Theme;
use crate::core::console::jump::letter;
use crate::core::text::{visible, visible_ascii};

/// Cells under the brush.
pub struct Paint<'a> {
    /// The cells.
    pub cells: &'a mut Buffer,
    /// The styles.
    pub theme: &'a Theme,
    /// Whether only ASCII is drawn.
    pub ascii: bool,
    /// Whether letters to jump by stand beside the rows of what has the keys.
    pub letters: bool,
}

/// A number of cells, cut to what a screen can have.
pub fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Our own signs in ASCII.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '·' | '–' => '-',
            '…' => '~',
            '›' => '>',
            c => c,
        })
        .collect()
}

/// A line in pieces, each in its style.
pub type Line = Vec<(String, Style)>;

/// A text without what lies in its first columns: what is near the cursor is what one looks at.
pub fn beyond(text: &str, columns: usize) -> String {
    let mut left = columns;
    text.graphemes(true)
        .skip_while(|piece| {
            let gone = left > 0;
            left = left.saturating_sub(width(piece));
            gone
        })
        .collect()
}

/// How many columns a text takes once it is made visible.
pub fn width(text: &str) -> usize {
    visible(text).width()
}

impl Paint<'_> {
    /// Writes one line, cut to `room` columns; says how many it took.
    pub fn text(&mut self, x: u16, y: u16, room: u16, text: &str, style: Style) -> u16 {
        let area = self.cells.area;
        if y < area.top() || y >= area.bottom() || x >= area.right() {
            return 0;
        }
        let room = usize::from(room.min(area.right() - x));
        // What lies beyond the room cannot be seen: very long texts are not made visible whole.
        let head: String = text.chars().take(room.saturating_mul(4) + 16).collect();
        let shown = if self.ascii { plain(visible_ascii(&head).as_str()) } else { visible(&head).into_string() };
        let shown = shown.as_str();
        let mut used = 0;
        let whole = shown.width() <= room;
        let end = if self.ascii { "~" } else { "…" };
        let fit = if whole { room } else { room.saturating_sub(1) };
        for piece in shown.graphemes(true) {
            let wide = piece.width();
            if wide == 0 {
                continue;
            }
            if used + wide > fit {
                break;
            }
            self.put(x + short(used), y, piece, wide, style);
            used += wide;
        }
        if !whole && room > 0 {
            self.put(x + short(used), y, end, 1, style);
            used += 1;
        }
        short(used)
    }

    fn put(&mut self, x: u16, y: u16, piece: &str, wide: usize, style: Style) {
        if let Some(cell) = self.cells.cell_mut((x, y)) {
            cell.set_symbol(piece).set_style(style);
        }
        for over in 1..wide {
            if let Some(cell) = self.cells.cell_mut((x + short(over), y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }

    /// Writes several pieces on one line; says where it ended.
    pub fn pieces(&mut self, x: u16, y: u16, room: u16, pieces: &[(&str, Style)]) -> u16 {
        let mut at = 0;
        for (text, style) in pieces {
            if at >= room {
                break;
            }
            at += self.text(x + at, y, room - at, text, *style);
        }
        at
    }

    /// Writes a line of pieces that were made for it.
    pub fn line(&mut self, x: u16, y: u16, room: u16, pieces: &[(String, Style)]) {
        let pieces: Vec<(&str, Style)> = pieces.iter().map(|(text, style)| (text.as_str(), *style)).collect();
        self.pieces(x, y, room, &pieces);
    }

    /// Gives an area one style and blanks.
    pub fn clear(&mut self, area: Rect, style: Style) {
        let area = area.intersection(self.cells.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.cells.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
        }
    }

    /// Gives an area a style over what it has.
    pub fn tint(&mut self, area: Rect, style: Style) {
        self.cells.set_style(area.intersection(self.cells.area), style);
    }

    /// Writes the letter of a row over its beginning, where letters are shown and the row belongs to what has the keys.
    pub fn jump_letter(&mut self, x: u16, y: u16, row: usize, keys: bool) {
        if let Some(letter) = letter(row).filter(|_| self.letters && keys) {
            let style = self.theme.key.add_modifier(Modifier::REVERSED | Modifier::BOLD);
            self.clear(Rect { x, y, width: 1, height: 1 }, self.theme.text);
            self.text(x, y, 1, letter.encode_utf8(&mut [0; 4]), style);
        }
    }

    /// Draws a frame with a title; gives back what lies inside.
    pub fn frame(&mut self, area: Rect, title: &str, focused: bool) -> Rect {
        let style = if focused { self.theme.focus } else { self.theme.border };
        self.framed(area, title, style)
    }

    /// Draws a frame in a style; gives back what lies inside.
    pub fn framed(&mut self, area: Rect, title: &str, style: Style) -> Rect {
        if area.width < 2 || area.height < 2 {
            return area;
        }
        let [h, v, tl, tr, bl, br] = if self.ascii { ["-", "|", "+", "+", "+", "+"] } else { ["─", "│", "╭", "╮", "╰", "╯"] };
        let (left, right, top, bottom) = (area.left(), area.right() - 1, area.top(), area.bottom() - 1);
        for x in left..=right {
            self.put(x, top, h, 1, style);
            self.put(x, bottom, h, 1, style);
        }
        for y in top..=bottom {
            self.put(left, y, v, 1, style);
            self.put(right, y, v, 1, style);
        }
        for (x, y, corner) in [(left, top, tl), (right, top, tr), (left, bottom, bl), (right, bottom, br)] {
            self.put(x, y, corner, 1, style);
        }
        let room = area.width.saturating_sub(4);
        if !title.is_empty() && room > 2 {
            // On a ground of its own the frame's style is the one that can be read.
            let filled = style.bg.is_some() || style.add_modifier.contains(Modifier::REVERSED);
            let used = self.text(left + 2, top, room, title, if filled { style } else { self.theme.title });
            self.put(left + 1, top, " ", 1, style);
            self.put(left + 2 + used, top, " ", 1, style);
        }
        Rect { x: left + 1, y: top + 1, width: area.width - 2, height: area.height - 2 }
    }

    /// A line as lines of so many columns, broken at blanks; they begin below the piece that follows the label.
    pub fn broken(line: Line, room: usize) -> Vec<Line> {
        let starts = line.iter().scan(0, |at, (text, _)| Some(std::mem::replace(at, *at + width(text))));
        let hang = starts.filter(|start| *start * 3 <= room).last().unwrap_or(0);
        Self::broken_at(line, hang, room)
    }

    /// A line as lines of so many columns, all but the first of which begin at a column.
    pub fn broken_at(line: Line, hang: usize, room: usize) -> Vec<Line> {
        if line.iter().map(|(text, _)| width(text)).sum::<usize>() <= room {
            return vec![line];
        }
        let mut lines: Vec<Line> = vec![Vec::new()];
        let mut used = 0;
        for (text, style) in line {
            for word in visible(&text).as_str().split_inclusive(' ') {
                let below = used > hang && used + width(word.trim_end()) > room;
                // A word that is wider than a line is broken anywhere.
                for (at, part) in Self::wrapped(word, room.saturating_sub(hang)).into_iter().enumerate() {
                    if below || at > 0 {
                        lines.push(vec![(" ".repeat(hang), style)]);
                        used = hang;
                    }
                    used += width(&part);
                    lines.last_mut().into_iter().for_each(|last| last.push((part.clone(), style)));
                }
            }
        }
        lines
    }

    /// A line of columns, broken as [`Paint::wrapped`] does; what does not fit goes on below the last column that begins early enough.
    pub fn hung(line: &str, room: usize) -> Vec<String> {
        if visible(line).width() <= room {
            return vec![visible(line).into_string()];
        }
        let begins = |at: &usize| line.get(..*at).is_some_and(|head| head.ends_with("  ") && width(head) * 3 <= room * 2);
        let columns = line.char_indices().filter(|(_, letter)| *letter != ' ').map(|(at, _)| at);
        let (head, rest) = line.split_at(columns.rev().find(begins).unwrap_or(0));
        let hang = width(head);
        let parts = Self::wrapped(rest, room.saturating_sub(hang));
        parts.into_iter().enumerate().map(|(at, part)| if at == 0 { format!("{head}{part}") } else { " ".repeat(hang) + &part }).collect()
    }

    /// Text broken into lines of `room` columns at blanks.
    pub fn wrapped(text: &str, room: usize) -> Vec<String> {
        let room = room.max(4);
        let mut lines = Vec::new();
        for line in text.split('\n') {
            let mut current = String::new();
            for word in visible(line).as_str().split_inclusive(' ') {
                if !current.is_empty() && current.width() + word.trim_end().width() > room {
                    lines.push(std::mem::take(&mut current));
                }
                for piece in word.graphemes(true) {
                    if current.width() + piece.width() > room {
                        // A blank at the edge is the break.
                        if piece == " " {
                            continue;
                        }
                        lines.push(std::mem::take(&mut current));
                    }
                    current.push_str(piece);
                }
            }
            lines.push(current);
        }
        lines
    }
}

/// A sign for a severity: told apart without colour.
pub fn sign(severity: crate::core::event::Severity, ascii: bool) -> &'static str {
    use crate::core::event::Severity as S;
    match (severity, ascii) {
        (S::Critical, false) => "◆",
        (S::High, false) => "▲",
        (S::Medium, false) => "■",
        (S::Low, false) => "▽",
        (S::Informational, false) => "·",
        (S::Critical, true) => "!",
        (S::High, true) => "^",
        (S::Medium, true) => "=",
        (S::Low, true) => "v",
        (S::Informational, true) => ".",
        (S::Unknown, _) => "?",
    }
}
