//! The JSON document engine.
pub mod path;
mod document;
mod index;
mod scan;
mod text;
mod tree;

pub use document::{Child, Children, Document, Kind, Node, Place, Step};
pub use index::{DEPTH_LIMIT, Fault, FaultKind, Opening, Progress};
pub use scan::Flaw;
pub use text::quoted;
pub use tree::{Face, Fold, MARK_LIMIT, Row, Tree};
