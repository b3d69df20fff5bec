//! Looking for text in keys and values: as people read it, so `caf\u00e9` is found by `café`.
//!
//! The bytes are read token by token, without the tree, in steps that a task can stop between.

use std::ops::Range;

use super::document::{Document, Node, inside};
use super::{scan, text};

/// What is looked for. Without a capital letter it finds either case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    text: String,
    exact: bool,
}

impl Needle {
    /// Smart case: a capital letter in `text` asks for that very case.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), exact: text.chars().any(char::is_uppercase) }
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Where `text` has it, for highlighting. Hits do not overlap.
    pub fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut free = 0;
        if self.is_empty() {
            return found;
        }
        for (at, _) in text.char_indices() {
            if at >= free
                && let Some(length) = text.get(at..).and_then(|rest| self.prefix_of(rest))
            {
                found.push(at..at + length);
                free = at + length;
            }
        }
        found
    }

    /// Whether `text` has it.
    pub fn is_in(&self, text: &str) -> bool {
        self.is_in_bytes(text.as_bytes())
    }

    /// How many bytes of `text`'s beginning are the needle.
    fn prefix_of(&self, text: &str) -> Option<usize> {
        if self.exact {
            return text.starts_with(&self.text).then_some(self.text.len());
        }
        let mut letters = text.char_indices();
        for wanted in self.text.chars() {
            let (_, letter) = letters.next()?;
            if letter != wanted && !letter.to_lowercase().eq([wanted]) {
                return None;
            }
        }
        Some(letters.next().map_or(text.len(), |(at, _)| at))
    }

    /// The same on bytes that hold no escape.
    fn is_in_bytes(&self, bytes: &[u8]) -> bool {
        let needle = self.text.as_bytes();
        if self.exact {
            return contains(bytes, needle, |a, b| a == b);
        }
        if self.text.is_ascii() {
            return contains(bytes, needle, |a, b| a.eq_ignore_ascii_case(&b));
        }
        !bytes.is_ascii() && {
            let text = String::from_utf8_lossy(bytes);
            text.char_indices().any(|(at, _)| text.get(at..).is_some_and(|rest| self.prefix_of(rest).is_some()))
        }
    }

    /// The same on a JSON token: the inside of a string, or a number or word.
    fn is_in_token(&self, token: &[u8], escaped: bool) -> bool {
        if escaped { self.is_in(&text::unescape(token)) } else { self.is_in_bytes(token) }
    }
}

#[inline]
fn contains(bytes: &[u8], needle: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let Some((&first, rest)) = needle.split_first() else { return true };
    let Some(last) = bytes.len().checked_sub(needle.len()) else { return false };
    bytes.iter().take(last + 1).enumerate().any(|(at, byte)| {
        same(*byte, first) && bytes.get(at + 1..).is_some_and(|tail| rest.iter().zip(tail).all(|(wanted, byte)| same(*byte, *wanted)))
    })
}

/// A value that has the needle in its key, in its text, or in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The value.
    pub node: Node,
    /// In its key.
    pub in_key: bool,
    /// In its own text.
    pub in_value: bool,
}

/// Most hits that are kept; more are counted.
pub const HIT_LIMIT: usize = 1_000_000;

/// A search under way.
#[derive(Debug, Clone)]
pub struct Find {
    document: Document,
    needle: Needle,
    at: usize,
    end: usize,
    hits: Vec<Hit>,
    total: usize,
}

impl Find {
    /// Looks through the whole document.
    pub fn new(document: &Document, needle: Needle) -> Self {
        let span = document.root().map_or(0..0, |root| document.span(root));
        Self::over(document, needle, span)
    }

    /// Looks through one value.
    pub fn within(document: &Document, needle: Needle, node: Node) -> Self {
        Self::over(document, needle, document.span(node))
    }

    fn over(document: &Document, needle: Needle, span: Range<usize>) -> Self {
        let end = if needle.is_empty() { span.start } else { span.end };
        Self { document: document.clone(), needle, at: span.start, end, hits: Vec::new(), total: 0 }
    }

    /// Reads on for about `budget` bytes. `true`: done.
    pub fn advance(&mut self, budget: usize) -> bool {
        let until = self.at.saturating_add(budget.max(1)).min(self.end);
        let bytes = std::sync::Arc::clone(self.document.bytes());
        while self.at < until {
            self.token(&bytes);
        }
        self.at >= self.end
    }

    /// Reads to the end.
    #[must_use]
    pub fn finish(mut self) -> Self {
        self.advance(usize::MAX);
        self
    }

    /// What is looked for.
    pub fn needle(&self) -> &Needle {
        &self.needle
    }

    /// Bytes still to read.
    pub fn left(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// The hits so far in the order of the document, at most [`HIT_LIMIT`].
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }

    /// How many values were hit so far.
    pub fn total(&self) -> usize {
        self.total
    }

    /// The first hit behind a value; from the end it begins again at the top. With it its number, from 0.
    pub fn next_after(&self, node: Node) -> Option<(usize, Hit)> {
        let at = self.hits.partition_point(|hit| hit.node <= node);
        let at = if at < self.hits.len() { at } else { 0 };
        self.hits.get(at).map(|hit| (at, *hit))
    }

    /// The last hit before a value; from the top it goes on at the end.
    pub fn previous_before(&self, node: Node) -> Option<(usize, Hit)> {
        let before = self.hits.partition_point(|hit| hit.node < node);
        let at = before.checked_sub(1).or(self.hits.len().checked_sub(1))?;
        self.hits.get(at).map(|hit| (at, *hit))
    }

    #[inline]
    fn token(&mut self, bytes: &[u8]) {
        let start = self.at;
        match bytes.get(start) {
            Some(b'"') => {
                let Some(token) = scan::string(bytes, start).filter(|token| token.end <= self.end) else {
                    self.at = self.end;
                    return;
                };
                self.at = token.end;
                let body = bytes.get(start..token.end).map(inside).unwrap_or_default();
                if self.needle.is_in_token(body, token.escaped) {
                    self.note(bytes, start, token.end);
                }
            }
            Some(b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\n' | b'\r' | b'\t') | None => self.at += 1,
            Some(_) => {
                self.at = scan::word(bytes, start).max(start + 1);
                if bytes.get(start..self.at).is_some_and(|word| self.needle.is_in_token(word, false)) {
                    self.hit(Hit { node: Node::at(start), in_key: false, in_value: true });
                }
            }
        }
    }

    /// A string that has it: a key belongs to the value behind it.
    fn note(&mut self, bytes: &[u8], start: usize, end: usize) {
        let after = scan::blanks(bytes, end);
        if bytes.get(after) != Some(&b':') {
            self.hit(Hit { node: Node::at(start), in_key: false, in_value: true });
            return;
        }
        let value = scan::blanks(bytes, after + 1);
        if value < self.end {
            self.hit(Hit { node: Node::at(value), in_key: true, in_value: false });
        }
    }

    fn hit(&mut self, hit: Hit) {
        match self.hits.last_mut() {
            Some(last) if last.node == hit.node => last.in_value = true,
            _ => {
                self.total += 1;
                if self.hits.len() < HIT_LIMIT {
                    self.hits.push(hit);
                }
            }
        }
    }
}

impl Document {
    /// Whether a value has the needle anywhere in it.
    pub fn has(&self, node: Node, needle: &Needle) -> bool {
        let mut find = Find::within(self, needle.clone(), node);
        loop {
            let done = find.advance(4096);
            if find.total > 0 || done {
                return needle.is_empty() || find.total > 0;
            }
        }
    }
}
