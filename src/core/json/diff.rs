//! What changed between two documents.

use std::collections::HashMap;

use super::document::{Document, Kind, Node};
use super::path::{self, Part};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where: the same path in both documents.
    pub path: Vec<Part>,
    /// The value in the old document; none when it is new.
    pub old: Option<Node>,
    /// The value in the new document; none when it is gone.
    pub new: Option<Node>,
}

impl Change {
    /// The path as text.
    pub fn path_text(&self) -> String {
        path::write(&self.path)
    }
}

/// The differences in the order of the new document, those gone from an object or array after its others; at most
/// `most`. Members are matched by key (of duplicates the last), elements by place. White space, the order of members and
/// the spelling of strings do not count; numbers are compared as they are written.
pub fn diff(old: &Document, new: &Document, most: usize) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut todo = vec![Change { path: Vec::new(), old: old.root(), new: new.root() }];
    while let Some(pair) = todo.pop() {
        if changes.len() >= most {
            break;
        }
        let (Some(a), Some(b)) = (pair.old, pair.new) else {
            if pair.old != pair.new {
                changes.push(pair);
            }
            continue;
        };
        if old.raw(a) == new.raw(b) {
            continue;
        }
        match (old.kind(a), new.kind(b)) {
            (Kind::Object, Kind::Object) => push_inner(&mut todo, members(old, a, new, b), &pair.path),
            (Kind::Array, Kind::Array) => push_inner(&mut todo, elements(old, a, new, b), &pair.path),
            (Kind::String, Kind::String) if old.text(a) == new.text(b) => {}
            _ => changes.push(pair),
        }
    }
    changes
}

type Pair = (Part, Option<Node>, Option<Node>);

fn push_inner(todo: &mut Vec<Change>, pairs: Vec<Pair>, around: &[Part]) {
    todo.extend(pairs.into_iter().rev().map(|(part, old, new)| {
        let path = around.iter().cloned().chain([part]).collect();
        Change { path, old, new }
    }));
}

fn by_key(document: &Document, node: Node) -> (Vec<String>, HashMap<String, Node>) {
    let mut keys = Vec::new();
    let mut nodes = HashMap::new();
    for child in document.children(node) {
        let key = document.child_key(&child).unwrap_or_default().into_owned();
        if nodes.insert(key.clone(), child.node).is_none() {
            keys.push(key);
        }
    }
    (keys, nodes)
}

fn members(old: &Document, a: Node, new: &Document, b: Node) -> Vec<Pair> {
    let (old_keys, before) = by_key(old, a);
    let (new_keys, after) = by_key(new, b);
    let kept = new_keys.into_iter().map(|key| (before.get(&key).copied(), after.get(&key).copied(), key));
    let gone = old_keys.into_iter().filter(|key| !after.contains_key(key)).map(|key| (before.get(&key).copied(), None, key));
    kept.chain(gone).map(|(old, new, key)| (Part::Key(key), old, new)).collect()
}

fn elements(old: &Document, a: Node, new: &Document, b: Node) -> Vec<Pair> {
    let mut before = old.children(a).map(|child| child.node);
    let mut after = new.children(b).map(|child| child.node);
    let mut pairs = Vec::new();
    loop {
        let pair = (Part::Index(pairs.len()), before.next(), after.next());
        if pair.1.is_none() && pair.2.is_none() {
            return pairs;
        }
        pairs.push(pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(old: &str, new: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let (old, new) = (Document::parse(old.as_bytes().to_vec()), Document::parse(new.as_bytes().to_vec()));
        diff(&old, &new, 100)
            .iter()
            .map(|change| (change.path_text(), change.old.map(|node| old.compact(node)), change.new.map(|node| new.compact(node))))
            .collect()
    }

    #[test]
    fn changes_have_their_path() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            changes(r#"{"a": 1, "b": [1, {"c": "x"}], "gone": {}}"#, r#"{"b": [1, {"c": "y"}, 3], "a": 1, "new": null}"#),
            [
                ("$.b[1].c".to_owned(), some("\"x\""), some("\"y\"")),
                ("$.b[2]".to_owned(), None, some("3")),
                ("$.new".to_owned(), None, some("null")),
                ("$.gone".to_owned(), some("{}"), None),
            ]
        );
        assert_eq!(changes("[1]", "{}"), [("$".to_owned(), some("[1]"), some("{}"))]);
        assert_eq!(changes("", "1"), [("$".to_owned(), None, some("1"))]);
        assert_eq!(changes("", ""), []);
    }

    #[test]
    fn spelling_is_no_change() {
        assert_eq!(changes(r#"{"a": "\u0041", "b": [1,2]}"#, r#"{ "b" : [ 1, 2 ], "a":"A" }"#), []);
        assert_eq!(changes("1", "1.0").len(), 1);
    }
}
