//! One line of text under edit.

use super::keys::{Code, Key};

/// One line of text with a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    text: Vec<char>,
    cursor: usize,
}

impl Line {
    /// A line with a text, the cursor at its end.
    pub fn new(text: &str) -> Self {
        let text = one_line(text);
        Self { cursor: text.len(), text }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text before the cursor.
    pub fn before(&self) -> String {
        self.text.iter().take(self.cursor).collect()
    }

    /// The text from the cursor on.
    pub fn after(&self) -> String {
        self.text.iter().skip(self.cursor).collect()
    }

    /// Replaces the text.
    pub fn set(&mut self, text: &str) {
        *self = Self::new(text);
    }

    /// Replaces the text between a place and the cursor.
    pub fn replace_from(&mut self, place: usize, text: &str) {
        let place = place.min(self.cursor);
        let new = Self::new(text).text;
        let end = place + new.len();
        self.text.splice(place..self.cursor.min(self.text.len()), new);
        self.cursor = end;
    }

    /// Puts in pasted text, as one line.
    pub fn paste(&mut self, text: &str) {
        let pasted = one_line(text);
        let at = self.cursor.min(self.text.len());
        self.cursor = at + pasted.len();
        self.text.splice(at..at, pasted);
    }

    fn insert(&mut self, c: char) {
        self.text.insert(self.cursor.min(self.text.len()), c);
        self.cursor += 1;
    }

    fn word_start(&self) -> usize {
        let mut at = self.cursor;
        let blank = |at: usize| self.text.get(at).is_none_or(|c| !c.is_alphanumeric());
        while at > 0 && blank(at - 1) {
            at -= 1;
        }
        while at > 0 && !blank(at - 1) {
            at -= 1;
        }
        at
    }

    /// Takes a key; says whether it was one of editing.
    pub fn input(&mut self, key: Key) -> bool {
        let end = self.text.len();
        match (key.code, key.ctrl, key.alt) {
            (Code::Char(c), false, false) => self.insert(c),
            (Code::Backspace, false, false) | (Code::Char('h'), true, false) => {
                if self.cursor > 0 {
                    self.cursor -= 1;
                    self.text.remove(self.cursor);
                }
            }
            (Code::Delete, false, false) | (Code::Char('d'), true, false) => {
                if self.cursor < end {
                    self.text.remove(self.cursor);
                }
            }
            (Code::Left, false, false) => self.cursor = self.cursor.saturating_sub(1),
            (Code::Right, false, false) => self.cursor = (self.cursor + 1).min(end),
            (Code::Home, ..) | (Code::Char('a'), true, false) => self.cursor = 0,
            (Code::End, ..) | (Code::Char('e'), true, false) => self.cursor = end,
            (Code::Left, true, _) | (Code::Char('b'), false, true) => self.cursor = self.word_start(),
            (Code::Char('u'), true, false) => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            (Code::Char('k'), true, false) => self.text.truncate(self.cursor),
            (Code::Char('w'), true, false) | (Code::Backspace, _, true) => {
                let from = self.word_start();
                self.text.drain(from..self.cursor);
                self.cursor = from;
            }
            _ => return false,
        }
        true
    }
}

/// What ends a line, terminals' own lone carriage return included.
const LINE_ENDS: [char; 7] = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];

/// A text as one line: a run of line ends between words becomes one blank, as does a tab; other control characters are dropped.
fn one_line(text: &str) -> Vec<char> {
    let lines: Vec<&str> = text.split(LINE_ENDS).filter(|line| !line.is_empty()).collect();
    lines.join(" ").chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing_keeps_to_whole_characters() {
        let mut line = Line::new("año 42");
        assert!(line.input(Key { ctrl: true, ..Key::char('w') }));
        assert_eq!(line.text(), "año ");
        line.input(Key::plain(Code::Home));
        line.input(Key::plain(Code::Right));
        line.input(Key::plain(Code::Delete));
        line.paste("\u{1b}[31mn\r\nx\n");
        assert_eq!(line.text(), "a[31mn xo ");
        assert_eq!((line.before().as_str(), line.after().as_str()), ("a[31mn x", "o "));
        assert!(!line.input(Key::plain(Code::Enter)));
    }

    #[test]
    fn pasted_lines_become_one_with_a_blank_between_them() {
        for ends in ["\r", "\n", "\r\n", "\r\r", "\u{2028}"] {
            let mut line = Line::default();
            line.paste(&format!("{ends}first line{ends}second\tline 10.0.0.1{ends}"));
            assert_eq!(line.text(), "first line second line 10.0.0.1", "{ends:?}");
        }
        assert_eq!(Line::new("a\nb").text(), "a b");
    }
}
