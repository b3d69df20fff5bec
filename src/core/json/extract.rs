//! Documents made out of others: what a path picks, what changed between two, what a value decodes to.

use super::diff::diff;
use super::document::{Document, Node};
use super::hint::Hint;
use super::query::QueryError;
use super::text::quoted;

/// The most bytes of a document of matches.
const EXTRACT_LIMIT: usize = 64 * 1024 * 1024;

/// A document made out of another, with how much it holds.
#[derive(Debug, Clone)]
pub struct Extract {
    /// An object with a member for each value, named by its path.
    pub document: Document,
    /// How many values are in it.
    pub count: usize,
    /// Whether there were more.
    pub more: bool,
}

/// What a value says once it is decoded.
#[derive(Debug, Clone)]
pub enum Decoded {
    /// A document.
    Document(Document),
    /// Text.
    Text(String),
}

/// Documents are the same when they say the same, byte for byte.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

/// Collects members of an object as text.
#[derive(Default)]
struct Members {
    text: Vec<u8>,
    count: usize,
}

impl Members {
    fn push(&mut self, name: &str, value: &[u8]) {
        self.text.extend_from_slice(if self.count == 0 { b"{" } else { b"," });
        self.text.extend_from_slice(quoted(name).as_bytes());
        self.text.push(b':');
        self.text.extend_from_slice(value);
        self.count += 1;
    }

    fn close(mut self, more: bool) -> Extract {
        self.text.extend_from_slice(if self.count == 0 { b"{}" } else { b"}" });
        Extract { count: self.count, more, document: Document::parse(self.text) }
    }
}

impl Document {
    /// The values that a JSONPath picks, at most `most`, as an object: path → value. Off the loop for a large document.
    ///
    /// # Errors
    /// When the path cannot be read or answered.
    pub fn extract(&self, path: &str, most: usize) -> Result<Extract, QueryError> {
        let picked = self.select(path, most)?;
        let mut members = Members::default();
        for node in &picked.nodes {
            let value = self.raw(*node);
            if members.text.len() + value.len() > EXTRACT_LIMIT {
                return Ok(members.close(true));
            }
            members.push(&self.path(*node), value);
        }
        Ok(members.close(picked.more))
    }

    /// What a value says once it is decoded, for values with such a [`Hint`].
    pub fn decoded(&self, node: Node) -> Option<(&'static str, Decoded)> {
        match self.hints(node).into_iter().next()? {
            Hint::Json => Some(("JSON in a string", Decoded::Document(self.nested(node)?))),
            Hint::Base64(text) => Some(("Base64", decoded(text))),
            Hint::EncodedCommand(text) => Some(("Base64 of UTF-16", decoded(text))),
            Hint::Epoch(..) | Hint::Time(_) => None,
        }
    }
}

fn decoded(text: String) -> Decoded {
    let document = Document::parse(text.clone().into_bytes());
    let structured = document.is_whole() && document.root().is_some_and(|root| document.kind(root).is_container());
    if structured { Decoded::Document(document) } else { Decoded::Text(text) }
}

/// What changed between two documents, at most `most` places, as an object: path → what it was and what it is. A value that came is
/// no more than `is`, one that went no more than `was`.
pub fn changes(old: &Document, new: &Document, most: usize) -> Extract {
    let mut found = diff(old, new, most.saturating_add(1));
    let more = found.len() > most;
    found.truncate(most);
    let mut members = Members::default();
    for change in &found {
        let mut sides = Members::default();
        for (name, document, node) in [("was", old, change.old), ("is", new, change.new)] {
            if let Some(node) = node {
                sides.push(name, document.raw(node));
            }
        }
        sides.text.push(b'}');
        members.push(&change.path_text(), &sides.text);
    }
    members.close(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(text.as_bytes().to_vec())
    }

    #[test]
    fn what_a_path_picks_keeps_its_path_and_its_spelling() {
        let all = document(r#"{"a": [{"n": 1.50, "x": "\u0041"}, {"n": 2}], "odd key": {"n": 3}}"#);
        let found = all.extract("$..n", 2).unwrap();
        assert_eq!((found.count, found.more), (2, true));
        assert_eq!(found.document, document(r#"{"$.a[0].n":1.50,"$.a[1].n":2}"#));
        assert_eq!(all.extract("$.none", 5).unwrap().document, document("{}"));
        assert_eq!(all.extract("$['odd key']", 5).unwrap().document, document(r#"{"$[\"odd key\"]":{"n": 3}}"#));
        assert!(all.extract("$.[", 5).is_err());
    }

    #[test]
    fn changes_say_what_was_and_what_is() {
        let (old, new) = (document(r#"{"a":1,"gone":true,"same":0}"#), document(r#"{"a":2,"same":0,"came":null}"#));
        let found = changes(&old, &new, 10);
        assert_eq!(found.document, document(r#"{"$.a":{"was":1,"is":2},"$.came":{"is":null},"$.gone":{"was":true}}"#));
        assert_eq!((found.count, found.more, changes(&old, &new, 1).more), (3, false, true));
        assert_eq!(changes(&old, &old, 10).document, document("{}"));
    }

    #[test]
    fn values_decode_to_documents_or_text() {
        let outer = document(
            r#"{"json": "{\"ip\":\"10.0.0.1\"}", "base": "eyJpcCI6IjEwLjAuMC4xIn0=", "command": "dwBoAG8AYQBtAGkA", "plain": "x"}"#,
        );
        let of = |name: &str| outer.decoded(outer.lookup(name).unwrap());
        for name in ["json", "base"] {
            assert!(matches!(of(name), Some((_, Decoded::Document(inner))) if inner.lookup("ip").is_some()), "{name}");
        }
        assert!(matches!(of("command"), Some((_, Decoded::Text(text))) if text == "whoami"));
        assert!(of("plain").is_none());
    }
}
