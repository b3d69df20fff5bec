//! Looking for text in keys and values: as people read it, so `caf\u00e9` is found by `café`.
//!
//! The bytes are read without the tree, in steps that a task can stop between: a stretch that cannot have it is passed over by its bytes alone,
//! any other is read token by token.

use std::ops::Range;

use memchr::{memchr2, memmem};

use super::document::{Document, Node, inside};
use super::{scan, text};

/// Bytes that are looked at together before their tokens are read. Tests have documents of many stretches.
const STRETCH: usize = if cfg!(test) { 64 } else { 4 * 1024 };
/// Letters and digits, roughly the commonest in records first; what is not here is rarer.
const COMMON: &[u8] = b"\"e a0123456789toinsrcdlbfhumpgwy-_.:/vkxjqz";

/// What is looked for. Without a capital letter it finds either case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    text: String,
    exact: bool,
    /// Place of its rarest byte: what is looked for first.
    rare: usize,
}

impl Needle {
    /// Smart case: a capital letter in `text` asks for that very case.
    pub fn new(text: &str) -> Self {
        let rank = |byte: u8| COMMON.iter().position(|known| *known == byte.to_ascii_lowercase()).unwrap_or(COMMON.len());
        let rare = text.bytes().enumerate().max_by_key(|(_, byte)| rank(*byte)).map_or(0, |(at, _)| at);
        Self { text: text.to_owned(), exact: text.chars().any(char::is_uppercase), rare }
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
        if self.exact || self.text.is_ascii() {
            return self.is_spelt_in(bytes);
        }
        !bytes.is_ascii() && {
            let text = String::from_utf8_lossy(bytes);
            text.char_indices().any(|(at, _)| text.get(at..).is_some_and(|rest| self.prefix_of(rest).is_some()))
        }
    }

    /// The same byte for byte; without a capital letter in either case of ASCII.
    fn is_spelt_in(&self, bytes: &[u8]) -> bool {
        let needle = self.text.as_bytes();
        let Some(rare) = needle.get(self.rare) else { return true };
        let cases = if self.exact { (*rare, *rare) } else { (rare.to_ascii_lowercase(), rare.to_ascii_uppercase()) };
        let mut from = self.rare;
        while let Some(step) = bytes.get(from..).and_then(|rest| memchr2(cases.0, cases.1, rest)) {
            let start = from + step - self.rare;
            match bytes.get(start..start + needle.len()) {
                None => return false,
                Some(found) if found == needle || (!self.exact && found.eq_ignore_ascii_case(needle)) => return true,
                Some(_) => from += step + 1,
            }
        }
        false
    }

    /// Whether JSON text may have it in one of its tokens; no is certain.
    fn may_be_in(&self, json: &[u8]) -> bool {
        let has = |bytes: &[u8]| bytes.iter().any(|byte| self.text.as_bytes().contains(byte));
        let always_escaped = has(b"\"\\") || self.text.bytes().any(|byte| byte < 0x20);
        let folded_otherwise = !self.exact && !self.text.is_ascii();
        always_escaped
            || folded_otherwise
            || self.is_spelt_in(json)
            || memmem::find(json, b"\\u").is_some()
            || (has(b"/") && memmem::find(json, b"\\/").is_some())
    }

    /// The same on a JSON token: the inside of a string, or a number or word.
    fn is_in_token(&self, token: &[u8], escaped: bool) -> bool {
        if escaped { self.is_in(&text::unescape(token)) } else { self.is_in_bytes(token) }
    }
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
            let edge = self.edge();
            if bytes.get(self.at..edge).is_some_and(|stretch| self.needle.may_be_in(stretch)) {
                while self.at < edge {
                    self.token(&bytes);
                }
            }
            self.at = edge.max(self.at);
        }
        self.at >= self.end
    }

    /// Where the stretch ends that is looked at next: between two tokens.
    fn edge(&self) -> usize {
        let target = self.at + STRETCH;
        if target >= self.end {
            return self.end;
        }
        let index = &self.document.index;
        let known = index.entries.get(index.first_from(super::index::offset(target))).map(|entry| entry.start as usize);
        known.filter(|start| *start < target + STRETCH).unwrap_or_else(|| self.document.token_from(target)).min(self.end)
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
