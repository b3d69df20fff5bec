//! Values as text to show and to copy.

use super::document::{Document, Kind, Node};
use super::text::head_of;
use super::tree::{Face, Row, Tree};

impl Document {
    /// A row of [`Tree::raw`] as a line of pretty-printed JSON, two blanks a level. Strings and numbers stay as they came.
    pub fn line(&self, row: &Row) -> String {
        self.line_head(row, usize::MAX).0
    }

    /// The same to draw: a value is cut after about `most` bytes, however long it is. `true`: it was cut.
    pub fn line_head(&self, row: &Row, most: usize) -> (String, bool) {
        let mut line = " ".repeat(row.depth * 2);
        let object = self.kind(row.node) == Kind::Object;
        if row.face == Face::Close {
            line.push(if object { '}' } else { ']' });
        } else {
            if let Some(key) = self.key_span(row.node).and_then(|span| self.bytes().get(span)) {
                line.push_str(&String::from_utf8_lossy(key));
                line.push_str(": ");
            }
            if row.open {
                line.push(if object { '{' } else { '[' });
                return (line, false);
            }
            if self.push_compact(&mut line, row.node, most) {
                return (line, true);
            }
        }
        if !row.last {
            line.push(',');
        }
        (line, false)
    }

    /// A value on one line without white space between its tokens, cut after about `most` bytes. `true`: it was cut.
    fn push_compact(&self, out: &mut String, node: Node, most: usize) -> bool {
        if self.is_sequence() && self.root() == Some(node) {
            return self.push_sequence(out, node, most);
        }
        let raw = self.raw(node);
        let mut kept = Vec::with_capacity(raw.len().min(most).min(4096));
        let (mut quoted, mut escaped) = (false, false);
        for byte in raw {
            if kept.len() >= most {
                out.push_str(&String::from_utf8_lossy(whole_letters(&kept)));
                return true;
            }
            if quoted || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                kept.push(*byte);
            }
            if *byte == b'"' && !escaped {
                quoted = !quoted;
            }
            escaped = *byte == b'\\' && !escaped;
        }
        out.push_str(&String::from_utf8_lossy(&kept));
        false
    }

    /// The same for values that only follow one another.
    fn push_sequence(&self, out: &mut String, root: Node, most: usize) -> bool {
        let start = out.len();
        out.push('[');
        for child in self.children(root) {
            if child.ordinal > 0 {
                out.push(',');
            }
            let left = most.saturating_sub(out.len() - start);
            if self.push_compact(out, child.node, left) {
                return true;
            }
        }
        out.push(']');
        false
    }

    /// A value on one line, at most `most` characters, for the row of a shut container. `true`: something was left off.
    pub fn preview(&self, node: Node, most: usize) -> (String, bool) {
        let mut out = String::new();
        let cut = self.push_compact(&mut out, node, most.saturating_mul(4).saturating_add(4));
        let (head, shorter) = head_of(&out, most);
        (head.to_owned(), cut || shorter)
    }

    /// A value as compact JSON: what "copy JSON" puts on the clipboard. All its bytes are copied.
    pub fn compact(&self, node: Node) -> String {
        let mut out = String::new();
        self.push_compact(&mut out, node, usize::MAX);
        out
    }

    /// A value pretty-printed, its own indent taken off; `None` when it has more than `most` lines.
    pub fn pretty(&self, node: Node, most: usize) -> Option<String> {
        let shape = self.shape(node);
        let lines = 1 + shape.below as usize + shape.closers as usize;
        if lines > most {
            return None;
        }
        let tree = Tree::raw(self);
        let first = tree.row_of(self, node, Face::Value);
        let depth = self.depth(node);
        let mut out = String::new();
        for (at, mut row) in tree.rows(self, first, lines).into_iter().enumerate() {
            row.depth = row.depth.saturating_sub(depth);
            row.last |= row.node == node;
            let line = self.line(&row);
            if at == 0 {
                // The key belongs to the container, not to the value.
                let start =
                    self.key_span(node).map_or(0, |span| String::from_utf8_lossy(self.bytes().get(span).unwrap_or_default()).len() + 2);
                out.push_str(line.get(start..).unwrap_or(&line));
            } else {
                out.push('\n');
                out.push_str(&line);
            }
        }
        Some(out)
    }
}

/// Lines of a document that are made at a time.
const LINES: usize = 512;

/// A document pretty-printed, some lines at a time: whoever writes it out needs no room for the whole.
#[derive(Debug)]
pub struct Pretty<'d> {
    document: &'d Document,
    tree: Tree,
    next: usize,
}

impl Iterator for Pretty<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let rows = self.tree.rows(self.document, self.next, LINES);
        self.next += rows.len();
        (!rows.is_empty()).then(|| rows.iter().map(|row| self.document.line(row) + "\n").collect())
    }
}

impl Document {
    /// All of it pretty-printed, in parts of whole lines.
    pub fn pretty_parts(&self) -> Pretty<'_> {
        Pretty { document: self, tree: Tree::raw(self), next: 0 }
    }
}

/// Without the part of a character that a cut left at the end.
fn whole_letters(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.get(..error.valid_up_to()).unwrap_or(bytes),
        _ => bytes,
    }
}
