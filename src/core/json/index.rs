//! The index of a document: one flat entry a container, in the order of their opening brackets, built step by step.
//!
//! Containers shorter than [`SMALL`] bytes have no entry: walking them costs no more than finding the entry would, and an
//! answer made of thousands of tiny objects keeps its index a small part of its bytes. Long containers also get a
//! [`Milestone`] every [`STRIDE`] children, and long strings an entry like a container, so that "child 200,000 of this array" and "which child is this" need no walk.

use std::collections::HashMap;
use std::sync::Arc;

use super::Document;
use super::scan::{self, Flaw, Shape};

/// Containers below this many bytes are walked when shown.
pub(super) const SMALL: usize = 96;
/// Strings from this length on have an entry like a container, so that passing over one is no walk.
const LONG: usize = 4096;
/// A document may have an index as large as itself and this much more.
const INDEX_ALLOWANCE: usize = 1024 * 1024;
/// A milestone at least every so many children …
const STRIDE: u32 = 64;
/// … or so many bytes.
const STRETCH: u32 = 32 * 1024;
/// Nesting beyond this ends the index: no vendor nests so deep, and an answer of nothing but brackets must not cost memory.
pub const DEPTH_LIMIT: usize = 1024;

/// One container, or one long string.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) count: u32,
    pub(super) below: u32,
    pub(super) closers: u32,
}

impl Entry {
    pub(super) fn shape(self) -> Shape {
        Shape { end: self.end as usize, count: self.count, below: self.below, closers: self.closers }
    }
}

/// A known place among a container's children.
#[derive(Debug, Clone, Copy)]
pub(super) struct Milestone {
    /// How many children come before.
    pub(super) ordinal: u32,
    /// Where the next child starts (its key, in an object).
    pub(super) at: u32,
    /// Values inside the children before, themselves not counted.
    pub(super) below: u32,
    /// Closing lines of the children before.
    pub(super) closers: u32,
}

/// Everything known about the containers of a document.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    pub(super) entries: Vec<Entry>,
    pub(super) milestones: HashMap<u32, Box<[Milestone]>>,
    pub(super) root: Option<u32>,
    /// The bytes up to here are known.
    pub(super) scanned: usize,
    pub(super) whole: bool,
    pub(super) fault: Option<Fault>,
    pub(super) flaws: u64,
    pub(super) first_flaw: Option<(usize, Flaw)>,
    /// The first byte is a bracket of ours: several values one after another, shown as the elements of one array.
    pub(super) sequence: bool,
}

impl Index {
    /// The entry of the container that starts at `start`.
    pub(super) fn entry_at(&self, start: u32) -> Option<usize> {
        self.entries.binary_search_by_key(&start, |entry| entry.start).ok()
    }

    /// The first entry at or after `at`.
    pub(super) fn first_from(&self, at: u32) -> usize {
        self.entries.partition_point(|entry| entry.start < at)
    }

    /// The first entry at or after `at`, looked for close behind entry `from`.
    #[inline]
    pub(super) fn next_from(&self, from: usize, at: u32) -> usize {
        let tail = self.entries.get(from..).unwrap_or_default();
        let mut reach = 1;
        while tail.get(reach).is_some_and(|entry| entry.start < at) {
            reach *= 2;
        }
        let window = tail.get(reach / 2..tail.len().min(reach + 1)).unwrap_or_default();
        from + reach / 2 + window.partition_point(|entry| entry.start < at)
    }
}

/// Why a document is not whole. What comes before [`Fault::at`] stays readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Byte offset of the trouble.
    pub at: usize,
    /// What it is.
    pub kind: FaultKind,
}

/// The kinds of [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no value at all.
    Empty,
    /// The bytes end before the document does.
    Truncated,
    /// Something else stood where this was due.
    Expected(&'static str),
    /// A word or number that JSON does not have.
    BadScalar,
    /// More bytes after the document's end.
    Trailing,
    /// Nested deeper than [`DEPTH_LIMIT`].
    TooDeep,
    /// Brackets around brackets and little else: the index would outgrow the document.
    TooDense,
    /// Longer than 4 GiB.
    TooLarge,
}

impl std::fmt::Display for FaultKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("no JSON value here"),
            Self::Truncated => f.write_str("truncated"),
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::BadScalar => f.write_str("not a JSON value"),
            Self::Trailing => f.write_str("more text after the end of the document"),
            Self::TooDeep => write!(f, "nested deeper than {DEPTH_LIMIT} levels"),
            Self::TooDense => f.write_str("hardly anything but nested brackets: the index would outgrow the document"),
            Self::TooLarge => f.write_str("larger than 4 GiB"),
        }
    }
}

#[derive(Debug, Clone)]
struct Frame {
    entry: usize,
    object: bool,
    count: u32,
    below: u32,
    closers: u32,
    last_ordinal: u32,
    last_at: u32,
    milestones: Vec<Milestone>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Value,
    ValueOrEnd,
    Member,
    MemberOrEnd,
    CommaOrEnd,
    /// Another value of a sequence, or its end.
    Next,
    Nothing,
}

/// How far an [`Opening`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub scanned: usize,
    /// Bytes in all.
    pub total: usize,
    /// Nothing is left to do.
    pub done: bool,
}

/// A document on its way: feed it budgets off the loop, show [`Opening::head`] meanwhile, take [`Opening::finish`].
pub struct Opening {
    bytes: Arc<Vec<u8>>,
    index: Index,
    frames: Vec<Frame>,
    due: Due,
    at: usize,
    /// Just past the last whole value or opening bracket: where a cut document ends for the reader.
    cut: usize,
    /// Start of the member whose value is due.
    member: Option<usize>,
    done: bool,
}

impl Document {
    /// What can be shown of a document of which only the beginning has come. That it breaks off is no fault.
    pub fn head_of(prefix: &[u8]) -> Self {
        let mut opening = Opening::new(prefix.to_vec());
        opening.drain();
        if opening.is_sequence() {
            opening = opening.into_sequence();
            opening.drain();
        }
        if opening.index.fault.as_ref().is_some_and(|fault| fault.kind == FaultKind::Truncated || fault.kind == FaultKind::Empty) {
            opening.index.fault = None;
        }
        opening.index.whole = false;
        opening.head()
    }
}

impl Opening {
    /// Begins with the bytes as they came. They are shared, never copied.
    pub fn new(bytes: impl Into<Arc<Vec<u8>>>) -> Self {
        let bytes = bytes.into();
        let at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let mut opening =
            Self { bytes, index: Index::default(), frames: Vec::new(), due: Due::Value, at, cut: at, member: None, done: false };
        if u32::try_from(opening.bytes.len()).is_err() {
            opening.fail(0, FaultKind::TooLarge);
        }
        opening
    }

    /// Begins with bytes whose first is a bracket of ours, put before several values that follow one another: JSON Lines.
    fn sequence(bytes: Vec<u8>) -> Self {
        let mut opening = Self::new(bytes);
        opening.index.sequence = true;
        if !opening.done {
            opening.open(0, false);
            opening.due = Due::Next;
        }
        opening
    }

    /// Whether another value begins where the document ended.
    pub fn is_sequence(&self) -> bool {
        let next = self.index.fault.as_ref().filter(|fault| fault.kind == FaultKind::Trailing).and_then(|fault| self.bytes.get(fault.at));
        matches!(next, Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9'))
    }

    /// Begins anew with all values of [`Opening::is_sequence`] as the elements of one array.
    #[must_use]
    pub fn into_sequence(self) -> Self {
        Self::sequence(bracketed(Arc::try_unwrap(self.bytes).unwrap_or_else(|shared| shared.to_vec())))
    }

    /// Reads on for about `budget` bytes (a single long string is read whole).
    pub fn advance(&mut self, budget: usize) -> Progress {
        let until = self.at.saturating_add(budget.max(1));
        let bytes = Arc::clone(&self.bytes);
        while !self.done && self.at < until {
            self.step(&bytes);
        }
        self.index.scanned = self.at;
        self.progress()
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        Progress { scanned: self.at.min(self.bytes.len()), total: self.bytes.len(), done: self.done }
    }

    /// What is known so far, as a document of its own: containers still open end where the reading stands. Copies the
    /// index, so it is meant for the head of a document.
    pub fn head(&self) -> Document {
        let mut index = self.index.clone();
        close_open(&mut index, &self.frames, self.cut);
        Document::from_parts(Arc::clone(&self.bytes), index)
    }

    fn drain(&mut self) {
        while !self.advance(usize::MAX / 2).done {}
    }

    /// Reads the rest and gives the document, whole or with its [`Fault`].
    pub fn finish(mut self) -> Document {
        self.drain();
        self.index.scanned = self.at.min(self.bytes.len());
        close_open(&mut self.index, &self.frames, self.cut);
        self.index.entries.shrink_to_fit();
        Document::from_parts(self.bytes, self.index)
    }

    fn fail(&mut self, at: usize, kind: FaultKind) {
        self.index.fault = Some(Fault { at, kind });
        self.done = true;
    }

    fn step(&mut self, bytes: &[u8]) {
        self.at = scan::blanks(bytes, self.at);
        let at = self.at;
        let Some(&byte) = bytes.get(at) else {
            self.end_of_bytes(at);
            return;
        };
        match (self.due, byte) {
            (Due::ValueOrEnd, b']') | (Due::MemberOrEnd, b'}') => self.close(),
            (Due::Value | Due::ValueOrEnd | Due::Next, _) => self.value(bytes, byte),
            (Due::Member | Due::MemberOrEnd, b'"') => self.key(bytes),
            (Due::CommaOrEnd, _) => self.comma_or_end(byte),
            (Due::Member | Due::MemberOrEnd, _) => self.fail(at, FaultKind::Expected("a key in quotes")),
            (Due::Nothing, _) => self.fail(at, FaultKind::Trailing),
        }
    }

    fn end_of_bytes(&mut self, at: usize) {
        match self.due {
            Due::Nothing => {
                self.index.whole = true;
                self.done = true;
            }
            Due::Next => {
                self.at = at;
                self.index.whole = true;
                self.done = true;
                self.cut = at;
            }
            _ if self.index.root.is_none() => self.fail(at, FaultKind::Empty),
            _ => self.fail(at, FaultKind::Truncated),
        }
    }

    fn comma_or_end(&mut self, byte: u8) {
        let object = self.frames.last().is_some_and(|frame| frame.object);
        match (byte, object) {
            (b',', _) => {
                self.at += 1;
                self.due = if object { Due::Member } else { Due::Value };
            }
            (b'}', true) | (b']', false) => self.close(),
            (_, true) => self.fail(self.at, FaultKind::Expected("`,` or `}`")),
            (_, false) => self.fail(self.at, FaultKind::Expected("`,` or `]`")),
        }
    }

    fn key(&mut self, bytes: &[u8]) {
        let open = self.at;
        let Some(end) = self.string(bytes, open) else { return };
        let colon = scan::blanks(bytes, end);
        match bytes.get(colon) {
            Some(b':') => {
                self.member = Some(open);
                self.at = colon + 1;
                self.due = Due::Value;
            }
            Some(_) => self.fail(colon, FaultKind::Expected("`:`")),
            None => self.fail(colon, FaultKind::Truncated),
        }
    }

    /// Past a string, its flaws noted.
    fn string(&mut self, bytes: &[u8], open: usize) -> Option<usize> {
        let Some(token) = scan::string(bytes, open) else {
            self.fail(bytes.len(), FaultKind::Truncated);
            return None;
        };
        if (token.escaped || token.wide || token.control)
            && let Some(inside) = bytes.get(open + 1..token.end - 1)
            && let Some((at, flaw)) = scan::string_flaw(inside)
        {
            self.index.flaws += 1;
            self.index.first_flaw.get_or_insert((open + 1 + at, flaw));
        }
        Some(token.end)
    }

    fn value(&mut self, bytes: &[u8], byte: u8) {
        let start = self.at;
        let end = match byte {
            b'{' | b'[' => return self.open(start, byte == b'{'),
            b'"' => match self.string(bytes, start) {
                Some(end) => end,
                None => return,
            },
            _ => {
                let end = scan::word(bytes, start);
                if end == start {
                    return self.fail(start, FaultKind::Expected("a value"));
                }
                if !bytes.get(start..end).is_some_and(scan::is_plain_scalar) {
                    let kind = if end == bytes.len() { FaultKind::Truncated } else { FaultKind::BadScalar };
                    return self.fail(start, kind);
                }
                end
            }
        };
        if end - start >= LONG && !self.enter(Entry { start: offset(start), end: offset(end), count: 0, below: 0, closers: 0 }) {
            return self.fail(start, FaultKind::TooDense);
        }
        self.child(start);
        self.at = end;
        self.cut = end;
        self.due = self.due_behind();
    }

    /// What is due behind a value.
    fn due_behind(&self) -> Due {
        match self.frames.len() {
            0 => Due::Nothing,
            1 if self.index.sequence => Due::Next,
            _ => Due::CommaOrEnd,
        }
    }

    /// Counts a value that begins at `start` with its container.
    fn child(&mut self, start: usize) {
        let member = self.member.take().unwrap_or(start);
        let Some(frame) = self.frames.last_mut() else {
            self.index.root = Some(offset(start));
            return;
        };
        let at = offset(member);
        if frame.count - frame.last_ordinal >= STRIDE || at - frame.last_at >= STRETCH {
            frame.milestones.push(Milestone { ordinal: frame.count, at, below: frame.below, closers: frame.closers });
            frame.last_ordinal = frame.count;
            frame.last_at = at;
        }
        frame.count += 1;
    }

    fn open(&mut self, start: usize, object: bool) {
        if self.frames.len() >= DEPTH_LIMIT {
            return self.fail(start, FaultKind::TooDeep);
        }
        let start_at = offset(start);
        let entry = self.index.entries.len();
        if !self.enter(Entry { start: start_at, end: start_at, count: 0, below: 0, closers: 0 }) {
            return self.fail(start, FaultKind::TooDense);
        }
        self.child(start);
        self.frames.push(Frame {
            entry,
            object,
            count: 0,
            below: 0,
            closers: 0,
            last_ordinal: 0,
            last_at: start_at,
            milestones: Vec::new(),
        });
        self.at = start + 1;
        self.cut = start + 1;
        self.due = if object { Due::MemberOrEnd } else { Due::ValueOrEnd };
    }

    /// Adds to the index. `false`: it has grown too large.
    fn enter(&mut self, entry: Entry) -> bool {
        let known = self.index.entries.len();
        if known == self.index.entries.capacity() {
            if known * std::mem::size_of::<Entry>() > self.at + INDEX_ALLOWANCE {
                return false;
            }
            // A quarter at a time: doubling would show in the peak of memory.
            self.index.entries.reserve_exact(known / 4 + 256);
        }
        self.index.entries.push(entry);
        true
    }

    fn close(&mut self) {
        self.at += 1;
        self.cut = self.at;
        let Some(frame) = self.frames.pop() else { return };
        let (below, closers) = (frame.below + frame.count, frame.closers + u32::from(frame.count > 0));
        if let Some(entry) = self.index.entries.get_mut(frame.entry) {
            entry.end = offset(self.at);
            (entry.count, entry.below, entry.closers) = (frame.count, below, closers);
            if self.at - (entry.start as usize) < SMALL && frame.entry > 0 {
                self.index.entries.truncate(frame.entry);
            } else if !frame.milestones.is_empty() {
                self.index.milestones.insert(entry.start, frame.milestones.into_boxed_slice());
            }
        }
        if let Some(parent) = self.frames.last_mut() {
            parent.below += below;
            parent.closers += closers;
        }
        self.due = self.due_behind();
    }
}

/// Several values with the bracket of ours before them. In place where there is room for it.
fn bracketed(mut values: Vec<u8>) -> Vec<u8> {
    let mark = if values.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    values.splice(..mark, [b'[']);
    values
}

/// Ends the containers that are still open at `cut`, from the inside out.
fn close_open(index: &mut Index, frames: &[Frame], cut: usize) {
    let (mut below, mut closers) = (0, 0);
    for frame in frames.iter().rev() {
        below += frame.below + frame.count;
        closers += frame.closers + u32::from(frame.count > 0);
        if let Some(entry) = index.entries.get_mut(frame.entry) {
            entry.end = offset(cut);
            (entry.count, entry.below, entry.closers) = (frame.count, below, closers);
            if !frame.milestones.is_empty() {
                index.milestones.insert(entry.start, frame.milestones.clone().into_boxed_slice());
            }
        }
    }
}

/// Offsets fit: an [`Opening`] refuses anything longer before it reads a byte.
#[inline]
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
