//! A text that is to be read before it is answered: where one is in it, and how far it has been on the screen.

use super::keys::{Code, Key};

/// How much of a text was seen. Nothing is known of one that was not drawn yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// First line on the screen.
    pub first: usize,
    /// Lines that there is room for.
    rows: usize,
    /// Lines of the text, at the width that it was drawn with.
    lines: usize,
    /// Lines from its beginning that have been on the screen.
    seen: usize,
}

impl Scroll {
    /// The same once so many lines were drawn on so many rows.
    #[must_use]
    pub fn drawn(mut self, rows: usize, lines: usize) -> Self {
        // At another width it is another text: what was seen is not counted, unless it was all of it.
        if lines != self.lines {
            let whole = self.lines > 0 && self.left() == 0;
            self.first = 0;
            self.seen = if whole { lines } else { 0 };
        }
        self.lines = lines;
        self.rows = rows;
        self.first = self.first.min(lines.saturating_sub(rows));
        self.seen = self.seen.max((self.first + rows).min(lines));
        self
    }

    /// Lines that have not been on the screen yet.
    pub fn left(&self) -> usize {
        self.lines - self.seen
    }

    /// Whether there is more than fits.
    pub fn is_long(&self) -> bool {
        self.lines > self.rows
    }

    /// Takes a key that goes up or down. No step is larger than what is on the screen: nothing is skipped.
    pub fn input(&mut self, key: Key) -> bool {
        let page = self.rows.saturating_sub(1).max(1);
        let last = self.lines.saturating_sub(self.rows);
        match key.code {
            Code::Down => self.first = (self.first + 1).min(last),
            Code::Up => self.first = self.first.saturating_sub(1),
            Code::PageDown => self.first = (self.first + page).min(last),
            Code::PageUp => self.first = self.first.saturating_sub(page),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_seen_when_every_line_was_on_the_screen() {
        let mut scroll = Scroll::default().drawn(4, 4);
        assert_eq!((scroll.left(), scroll.is_long()), (0, false));
        scroll = Scroll::default().drawn(4, 10);
        assert_eq!(scroll.left(), 6);
        scroll.input(Key::plain(Code::PageDown));
        // A wider window breaks it into fewer lines; it begins anew.
        scroll = scroll.drawn(4, 8);
        assert_eq!((scroll.first, scroll.left()), (0, 4));
        for _ in 0..2 {
            scroll.input(Key::plain(Code::PageDown));
            scroll = scroll.drawn(4, 8);
        }
        assert_eq!((scroll.first, scroll.left()), (4, 0));
        // What was read whole stays read.
        assert_eq!(scroll.drawn(2, 20).left(), 0);
    }
}
