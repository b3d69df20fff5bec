//! JSON documents, read as they came: bytes and a flat index, never a tree of values.
//!
//! ```text
//! Document::open(bytes) ─ advance(budget)… ─ head() ─ finish() ─▶ Document      off the loop, in steps
//! Document: root, children, child_at, key, text, path, lookup, trail            pure questions, cheap at any size
//! Tree:     rows(first, n), move_by, toggle, to_depth, reveal                   folds and selection; tree pane
//! Tree::raw + Document::line                                                    pretty text by line; raw pane
//! ```
//!
//! A value is a [`Node`]: the offset of its first byte. Nodes of a head are nodes of the whole document, so a tree made
//! for the head goes on after [`Tree::rebase`]. A document that ends early or breaks off keeps what can be read and says
//! what is wrong ([`Document::trouble`]). Nothing recurses; nesting ends at [`DEPTH_LIMIT`].
//!
//! Texts come from outside: whoever draws them makes control and bidirectional characters visible first.

mod document;
mod index;
pub mod path;
mod raw;
mod scan;
mod text;
mod tree;

#[cfg(test)]
mod tests;

pub use document::{Child, Children, Document, Kind, Node, Place, Step};
pub use index::{DEPTH_LIMIT, Fault, FaultKind, Opening, Progress};
pub use scan::Flaw;
pub use text::quoted;
pub use tree::{Face, Fold, MARK_LIMIT, Row, Tree};
