//! JSON documents, read as they came: bytes and a flat index, never a tree of values.
//!
//! ```text
//! Document::open(bytes) ─ advance(budget)… ─ head() ─ finish() ─▶ Document      off the loop, in steps
//! Document: root, children, child_at, key, text, path, lookup, trail            pure questions, cheap at any size
//! Tree:     rows(first, n), move_by, toggle, to_depth, reveal                   folds and selection; tree pane
//! Tree::raw + Document::line_head                                               pretty text by line; raw pane
//! Table:    columns, rows(first, n), cell_text, arrange                         any array as a table; table pane
//! Find:     advance(budget)…, next_after, previous_before; Needle::ranges       search; highlighting
//! Document: select, extract (JSONPath), hints, decoded, nested, preview, compact, pretty; diff, changes    what else one does with a value
//! ```
//!
//! Several values one after another (JSON Lines) become the elements of one array: [`Opening::into_sequence`].
//! What can be shown of bytes that are still coming: [`Document::head_of`].
//!
//! A value is a [`Node`]: the offset of its first byte. Nodes of a head are nodes of the whole document, so a tree made
//! for the head goes on after [`Tree::rebase`]. A document that ends early or breaks off keeps what can be read and says
//! what is wrong ([`Document::trouble`]). Nothing recurses; nesting ends at [`DEPTH_LIMIT`].
//!
//! Texts come from outside: whoever draws them makes control and bidirectional characters visible first.

mod diff;
mod document;
mod extract;
mod find;
mod hint;
mod index;
pub mod outline;
pub mod path;
mod query;
mod raw;
mod scan;
mod table;
mod text;
pub mod time;
mod tree;

#[cfg(test)]
mod tests;

pub use diff::{Change, diff};
pub use document::{Child, Children, Document, Kind, Node, Place, Step};
pub use extract::{Decoded, Extract, changes};
pub use find::{Find, HIT_LIMIT, Hit, Needle};
pub use hint::Hint;
pub use index::{DEPTH_LIMIT, Fault, FaultKind, Opening, Progress};
pub use query::{Picked, QueryError, TREE_LIMIT};
pub use raw::Pretty;
pub use scan::Flaw;
pub use table::{COLUMN_DEPTH, Column, Field, SORT_LIMIT, Sort, Table, TableRow};
pub use text::quoted;
pub use tree::{Face, Fold, MARK_LIMIT, Row, Tree};
