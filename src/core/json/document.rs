//! A document: its bytes, its index, and every question one can ask about a value in it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::index::{Fault, Index, Milestone, Opening};
use super::scan::{self, Flaw, Shape};
use super::text;

/// A value of a document, named by the offset of its first byte. Stays valid from [`Opening::head`] to the whole document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub(super) u32);

impl Node {
    /// Byte offset of the value.
    pub fn offset(self) -> usize {
        self.0 as usize
    }

    pub(super) fn at(offset: usize) -> Self {
        Self(super::index::offset(offset))
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, of any length.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// Arrays and objects.
    pub fn is_container(self) -> bool {
        matches!(self, Self::Array | Self::Object)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// A byte offset as people count: both from 1, columns in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in bytes.
    pub column: usize,
}

/// JSON bytes with their index. Cloning is cheap: both are shared.
#[derive(Debug, Clone)]
pub struct Document {
    bytes: Arc<Vec<u8>>,
    pub(super) index: Arc<Index>,
    trouble: Option<Arc<str>>,
}

impl Document {
    /// Begins a document; large ones are read in steps off the loop.
    pub fn open(bytes: impl Into<Arc<Vec<u8>>>) -> Opening {
        Opening::new(bytes)
    }

    /// Reads a document in one go. Never fails: see [`Document::fault`].
    pub fn parse(bytes: impl Into<Arc<Vec<u8>>>) -> Self {
        Opening::new(bytes).finish()
    }

    pub(super) fn from_parts(bytes: Arc<Vec<u8>>, index: Index) -> Self {
        let mut document = Self { bytes, index: Arc::new(index), trouble: None };
        document.trouble = document.find_trouble().map(Arc::from);
        document
    }

    /// Several values one after another (JSON Lines), shown as the elements of one array. The first byte is a bracket of ours.
    pub fn is_sequence(&self) -> bool {
        self.index.sequence
    }

    /// The bytes as they came; those of a sequence with a bracket before them.
    pub fn bytes(&self) -> &Arc<Vec<u8>> {
        &self.bytes
    }

    /// The outermost value; none when the bytes hold not even its beginning.
    pub fn root(&self) -> Option<Node> {
        self.index.root.map(Node)
    }

    /// Read to the end, without a fault.
    pub fn is_whole(&self) -> bool {
        self.index.whole
    }

    /// Why it is not whole, when reading stopped.
    pub fn fault(&self) -> Option<&Fault> {
        self.index.fault.as_ref()
    }

    /// How many strings hold something that is not quite JSON, and the first of them.
    pub fn flaws(&self) -> (u64, Option<(usize, Flaw)>) {
        (self.index.flaws, self.index.first_flaw)
    }

    /// The fault, or else the first flaw, in one line for people.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    fn find_trouble(&self) -> Option<String> {
        let (at, what) = match (&self.index.fault, self.index.first_flaw) {
            (Some(fault), _) => (fault.at, fault.kind.to_string()),
            (None, Some((at, flaw))) => (at, flaw.to_string()),
            (None, None) => return None,
        };
        let place = self.place(at);
        let at = at - usize::from(self.is_sequence());
        Some(format!("{what} at line {}, column {} (byte {at})", place.line, place.column))
    }

    /// Bytes known to the index.
    pub fn scanned(&self) -> usize {
        self.index.scanned
    }

    /// Bytes the index itself takes.
    pub fn index_bytes(&self) -> usize {
        let milestones: usize = self.index.milestones.values().map(|list| std::mem::size_of_val(&**list) + 32).sum();
        self.index.entries.capacity() * std::mem::size_of::<super::index::Entry>() + milestones
    }

    /// Line and column of an offset. Reads all bytes before it.
    pub fn place(&self, offset: usize) -> Place {
        let before = self.bytes.get(usize::from(self.is_sequence())..offset.min(self.bytes.len())).unwrap_or_default();
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = 1 + before.iter().fold(0, |sum, byte| sum + usize::from(*byte == b'\n'));
        Place { line, column: before.len() - line_start + 1 }
    }

    /// What a value is.
    pub fn kind(&self, node: Node) -> Kind {
        match self.bytes.get(node.offset()) {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    pub(super) fn is_object(&self, node: Node) -> bool {
        self.bytes.get(node.offset()) == Some(&b'{')
    }

    pub(super) fn is_container(&self, node: Node) -> bool {
        matches!(self.bytes.get(node.offset()), Some(b'{' | b'['))
    }

    /// Where a value's bytes are.
    pub fn span(&self, node: Node) -> Range<usize> {
        let end = match self.index.entry_at(node.0).and_then(|entry| self.index.entries.get(entry)) {
            Some(entry) => entry.end as usize,
            None => scan::value(&self.bytes, node.offset()),
        };
        node.offset()..end.max(node.offset())
    }

    /// A value's bytes as they came.
    pub fn raw(&self, node: Node) -> &[u8] {
        self.bytes.get(self.span(node)).unwrap_or_default()
    }

    /// How many members or elements; 0 for what has none.
    pub fn count(&self, node: Node) -> usize {
        self.shape(node).count as usize
    }

    /// How many values are inside, at any depth.
    pub fn count_below(&self, node: Node) -> usize {
        self.shape(node).below as usize
    }

    pub(super) fn shape(&self, node: Node) -> Shape {
        if !self.is_container(node) {
            return Shape { end: self.span(node).end, count: 0, below: 0, closers: 0 };
        }
        match self.index.entry_at(node.0).and_then(|entry| self.index.entries.get(entry)) {
            Some(entry) => entry.shape(),
            None => scan::small_shape(&self.bytes, node.offset()),
        }
    }

    /// A scalar as people read it: a string without quotes and escapes, anything else as it is written. Containers give
    /// their bytes. Reads the whole value; use [`Document::text_head`] to draw.
    pub fn text(&self, node: Node) -> Cow<'_, str> {
        let raw = self.raw(node);
        match self.kind(node) {
            Kind::String => text::unescape(inside(raw)),
            _ => String::from_utf8_lossy(raw),
        }
    }

    /// The first `most` characters of [`Document::text`], and whether something was left off. Cost follows `most`.
    pub fn text_head(&self, node: Node, most: usize) -> (String, bool) {
        let raw = self.raw(node);
        // Twelve bytes are the longest escape of one character.
        let reach = most.saturating_add(1).saturating_mul(12);
        let whole = if self.kind(node) == Kind::String {
            let inner = inside(raw);
            text::unescape(inner.get(..reach).unwrap_or(inner))
        } else {
            String::from_utf8_lossy(raw.get(..reach).unwrap_or(raw))
        };
        let (head, cut) = text::head_of(&whole, most);
        (head.to_owned(), cut)
    }

    /// The string, when it is one.
    pub fn as_str(&self, node: Node) -> Option<Cow<'_, str>> {
        (self.kind(node) == Kind::String).then(|| self.text(node))
    }

    /// The number, when it is one, as near as `f64` comes. [`Document::text`] has all its digits.
    pub fn as_f64(&self, node: Node) -> Option<f64> {
        if self.kind(node) != Kind::Number {
            return None;
        }
        std::str::from_utf8(self.raw(node)).ok()?.parse().ok()
    }

    /// The key under which an object holds this value.
    pub fn key(&self, node: Node) -> Option<Cow<'_, str>> {
        self.key_span(node).and_then(|span| self.bytes.get(span)).map(|raw| text::unescape(inside(raw)))
    }

    /// The bytes of that key, its quotes included.
    pub(super) fn key_span(&self, node: Node) -> Option<Range<usize>> {
        let before = self.bytes.get(..node.offset())?;
        let before = before.strip_suffix_blanks().strip_suffix(b":")?.strip_suffix_blanks();
        let close = before.len().checked_sub(1)?;
        let mut at = close;
        // Backwards, the opening quote is the first one that no backslash comes before: what stands before a key is a
        // bracket, a comma or white space.
        loop {
            at = before.get(..at)?.iter().rposition(|byte| *byte == b'"')?;
            if at == 0 || before.get(at - 1) != Some(&b'\\') {
                return Some(at..close + 1);
            }
        }
    }

    /// The members or elements in order, without reading into them.
    pub fn children(&self, node: Node) -> Children<'_> {
        self.children_from(node, None)
    }

    pub(super) fn milestones(&self, node: Node) -> &[Milestone] {
        self.index.milestones.get(&node.0).map(|list| &**list).unwrap_or_default()
    }

    /// The children from a milestone on.
    pub(super) fn children_from(&self, node: Node, milestone: Option<&Milestone>) -> Children<'_> {
        let object = self.is_object(node);
        let start = milestone.map_or(node.0.saturating_add(1), |known| known.at);
        let cursor = self.index.first_from(start);
        let end = match self.index.entry_at(node.0).and_then(|entry| self.index.entries.get(entry)) {
            _ if !self.is_container(node) => 0,
            Some(entry) => entry.end as usize,
            None => self.bytes.len(),
        };
        Children { document: self, at: start as usize, end, object, ordinal: milestone.map_or(0, |known| known.ordinal as usize), cursor }
    }

    /// The children from a known one on.
    pub(super) fn children_after(&self, node: Node, child: &Child) -> Children<'_> {
        let start = Milestone { ordinal: super::index::offset(child.ordinal), at: super::index::offset(child.start), below: 0, closers: 0 };
        self.children_from(node, Some(&start))
    }

    /// Child number `ordinal`, found from the nearest milestone.
    pub fn child_at(&self, node: Node, ordinal: usize) -> Option<Child> {
        let milestones = self.milestones(node);
        let before = milestones.partition_point(|known| known.ordinal as usize <= ordinal);
        let milestone = before.checked_sub(1).and_then(|at| milestones.get(at));
        let from = milestone.map_or(0, |known| known.ordinal as usize);
        self.children_from(node, milestone).nth(ordinal - from)
    }

    /// The child whose key or value covers `offset`.
    pub(super) fn child_covering(&self, node: Node, offset: usize) -> Option<Child> {
        let milestones = self.milestones(node);
        let before = milestones.partition_point(|known| known.at as usize <= offset);
        let milestone = before.checked_sub(1).and_then(|at| milestones.get(at));
        self.children_from(node, milestone).find(|child| child.end > offset)
    }

    /// The way from the root (included, number 0) to the value, each step with its number in its container. Empty for an
    /// offset that is no value of this document.
    pub fn trail(&self, node: Node) -> Vec<Step> {
        let Some(root) = self.root() else { return Vec::new() };
        let mut steps = vec![Step { node: root, ordinal: 0 }];
        let mut here = root;
        while here != node {
            match self.child_covering(here, node.offset()) {
                Some(child) if child.node <= node => {
                    steps.push(Step { node: child.node, ordinal: child.ordinal });
                    here = child.node;
                }
                _ => return Vec::new(),
            }
        }
        steps
    }

    /// The value that covers a byte (of the value itself, its key, or what lies between its children).
    pub fn node_covering(&self, offset: usize) -> Option<Node> {
        let mut here = self.root()?;
        while let Some(child) = self.child_covering(here, offset) {
            if child.start > offset {
                break;
            }
            here = child.node;
            if child.node.offset() > offset {
                break;
            }
        }
        Some(here)
    }

    /// Where a token begins or ends, at or behind an offset inside the document.
    pub(super) fn token_from(&self, offset: usize) -> usize {
        let Some(mut here) = self.root() else { return self.bytes.len() };
        while let Some(child) = self.child_covering(here, offset) {
            if child.start >= offset {
                return child.start;
            }
            if child.node.offset() >= offset {
                return child.node.offset();
            }
            here = child.node;
        }
        self.span(here).end.max(offset)
    }

    /// The container that holds this value.
    pub fn parent(&self, node: Node) -> Option<Node> {
        let trail = self.trail(node);
        trail.get(trail.len().checked_sub(2)?).map(|step| step.node)
    }

    /// Which child of its container it is, from 0.
    pub fn ordinal(&self, node: Node) -> Option<usize> {
        self.trail(node).last().map(|step| step.ordinal)
    }

    /// How deep it lies; the root is 0.
    pub fn depth(&self, node: Node) -> usize {
        self.trail(node).len().saturating_sub(1)
    }

    /// A member by key. Of duplicates the last counts, as in most readers of JSON.
    pub fn member(&self, node: Node, key: &str) -> Option<Node> {
        if !self.is_object(node) {
            return None;
        }
        self.children(node).filter(|child| self.key_is(child, key)).last().map(|child| child.node)
    }

    pub(super) fn key_is(&self, child: &Child, key: &str) -> bool {
        let raw = self.bytes.get(child.key_range()).map(inside).unwrap_or_default();
        raw == key.as_bytes() || (raw.contains(&b'\\') && text::unescape(raw) == key)
    }

    /// The key of a child, while its container is walked.
    pub fn child_key(&self, child: &Child) -> Option<Cow<'_, str>> {
        let raw = self.bytes.get(child.key_range()).filter(|raw| !raw.is_empty())?;
        Some(text::unescape(inside(raw)))
    }

    /// Values named as one writes them in a mapping: `["a", "b", "0"]`; numbers go into arrays.
    pub fn at<'k>(&self, from: Node, way: impl IntoIterator<Item = &'k str>) -> Option<Node> {
        way.into_iter().try_fold(from, |here, key| match self.kind(here) {
            Kind::Object => self.member(here, key),
            Kind::Array => self.child_at(here, key.parse().ok()?).map(|child| child.node),
            _ => None,
        })
    }
}

/// The bytes between a string's quotes.
pub(super) fn inside(raw: &[u8]) -> &[u8] {
    raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default()
}

trait StripBlanks {
    fn strip_suffix_blanks(&self) -> &Self;
}

impl StripBlanks for [u8] {
    fn strip_suffix_blanks(&self) -> &Self {
        let keep = self.iter().rposition(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).map_or(0, |at| at + 1);
        self.get(..keep).unwrap_or_default()
    }
}

/// One step of a [`Document::trail`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The value.
    pub node: Node,
    /// Its number among its siblings.
    pub ordinal: usize,
}

/// A child as its container's walk meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Child {
    /// The value.
    pub node: Node,
    /// Its number in the container.
    pub ordinal: usize,
    pub(super) start: usize,
    key_end: usize,
    pub(super) end: usize,
    pub(super) entry: Option<usize>,
}

impl Child {
    fn key_range(&self) -> Range<usize> {
        self.start..self.key_end
    }
}

/// The walk over a container's children.
#[derive(Debug, Clone)]
pub struct Children<'d> {
    document: &'d Document,
    at: usize,
    end: usize,
    object: bool,
    ordinal: usize,
    cursor: usize,
}

impl Iterator for Children<'_> {
    type Item = Child;

    fn next(&mut self) -> Option<Child> {
        let bytes = &**self.document.bytes;
        let mut at = scan::blanks(bytes, self.at);
        if bytes.get(at) == Some(&b',') {
            at = scan::blanks(bytes, at + 1);
        }
        if at >= self.end || matches!(bytes.get(at), None | Some(b']' | b'}')) {
            self.at = self.end;
            return None;
        }
        let start = at;
        let mut key_end = start;
        if self.object {
            key_end = scan::string(bytes, at)?.end;
            at = scan::blanks(bytes, scan::blanks(bytes, key_end) + 1);
            if at >= self.end {
                // A member that was cut before its value.
                self.at = self.end;
                return None;
            }
        }
        let (end, entry) = self.skip(bytes, at);
        self.at = end;
        let ordinal = self.ordinal;
        self.ordinal += 1;
        Some(Child { node: Node::at(at), ordinal, start, key_end, end, entry })
    }
}

impl Children<'_> {
    fn skip(&mut self, bytes: &[u8], at: usize) -> (usize, Option<usize>) {
        if let Some(entry) = self.document.index.entries.get(self.cursor)
            && entry.start as usize == at
        {
            let known = self.cursor;
            self.cursor = self.document.index.next_from(known, entry.end);
            return (entry.end as usize, Some(known));
        }
        (scan::value(bytes, at), None)
    }
}

impl Child {
    /// What the child holds.
    pub(super) fn shape(&self, document: &Document) -> Shape {
        match self.entry.and_then(|entry| document.index.entries.get(entry)) {
            Some(entry) => entry.shape(),
            None => document.shape(self.node),
        }
    }
}
