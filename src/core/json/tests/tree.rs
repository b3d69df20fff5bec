//! Rows by arithmetic against rows by listing.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::{Document, Face, Fold, Node, Row, Tree};
use super::{json_text, parse};

/// The plain way: list every row.
struct Listing<'d> {
    document: &'d Document,
    folds: HashMap<Node, Fold>,
    closing: bool,
}

impl Listing<'_> {
    fn rows(&self) -> Vec<(Node, Face, usize)> {
        let mut rows = Vec::new();
        self.list(self.document.root().unwrap(), Fold::Shut, 0, &mut rows);
        rows
    }

    fn list(&self, node: Node, inherited: Fold, depth: usize, rows: &mut Vec<(Node, Face, usize)>) {
        rows.push((node, Face::Value, depth));
        let fold = *self.folds.get(&node).unwrap_or(&inherited);
        if fold == Fold::Shut || self.document.count(node) == 0 {
            return;
        }
        let below = if fold == Fold::Deep { Fold::Deep } else { Fold::Shut };
        for child in self.document.children(node) {
            self.list(child.node, below, depth + 1, rows);
        }
        if self.closing {
            rows.push((node, Face::Close, depth));
        }
    }

    fn set(&mut self, node: Node, fold: Fold) {
        if self.document.count(node) == 0 {
            return;
        }
        if fold == Fold::Deep {
            let span = self.document.span(node);
            self.folds.retain(|known, _| !span.contains(&known.offset()));
        }
        self.folds.insert(node, fold);
    }
}

fn plain(rows: &[Row]) -> Vec<(Node, Face, usize)> {
    rows.iter().map(|row| (row.node, row.face, row.depth)).collect()
}

fn fold() -> impl Strategy<Value = Fold> {
    prop::sample::select(vec![Fold::Shut, Fold::Open, Fold::Open, Fold::Deep])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_those_of_the_listing(
        text in json_text(),
        raw in any::<bool>(),
        acts in prop::collection::vec((any::<prop::sample::Index>(), fold()), 0..12),
    ) {
        let document = parse(&text);
        let root = document.root().unwrap();
        let mut tree = if raw { Tree::raw(&document) } else { Tree::new(&document) };
        let mut listing = Listing { document: &document, folds: HashMap::new(), closing: raw };
        listing.set(root, if raw { Fold::Deep } else { Fold::Open });
        for (at, fold) in acts {
            // Acts fall on visible rows, as keys do.
            let rows = listing.rows();
            let (node, ..) = rows[at.index(rows.len())];
            tree.set(&document, node, fold);
            listing.set(node, fold);
        }
        let expected = listing.rows();
        prop_assert_eq!(tree.len(&document), expected.len());
        prop_assert_eq!(plain(&tree.rows(&document, 0, usize::MAX)), expected.clone());
        for (at, (node, face, _)) in expected.iter().enumerate().step_by(expected.len() / 60 + 1) {
            prop_assert_eq!(plain(&tree.rows(&document, at, 3)), expected[at..expected.len().min(at + 3)].to_vec());
            prop_assert_eq!(tree.row_of(&document, *node, *face), at);
        }
        prop_assert!(tree.row(&document, expected.len()).is_none());
    }

    #[test]
    fn raw_rows_are_the_pretty_lines(text in json_text()) {
        let document = parse(&text);
        let rows = Tree::raw(&document).rows(&document, 0, usize::MAX);
        let pretty = rows.iter().map(|row| document.line(row)).collect::<Vec<_>>().join("\n");
        let mut expected = Vec::new();
        let mut writer = serde_json::Serializer::pretty(&mut expected);
        serde_transcode(&text, &mut writer);
        // Escapes may differ in writing, never in meaning; duplicate keys stay.
        prop_assert_eq!(&strip(&pretty), &strip(&text));
        prop_assert_eq!(pretty.lines().count(), String::from_utf8(expected).unwrap().lines().count());
    }

    #[test]
    fn unfolding_to_a_depth_shows_that_depth(text in json_text(), depth in 0..5_usize) {
        let document = parse(&text);
        let mut tree = Tree::new(&document);
        prop_assert!(tree.to_depth(&document, depth));
        let mut expected = Vec::new();
        list_to(&document, document.root().unwrap(), 0, depth, &mut expected);
        let shown: Vec<Node> = tree.rows(&document, 0, usize::MAX).iter().map(|row| row.node).collect();
        prop_assert_eq!(shown, expected);
    }

    #[test]
    fn revealing_shows_the_value_and_selects_it(text in json_text(), at in any::<prop::sample::Index>()) {
        let document = parse(&text);
        let mut all = Vec::new();
        list_to(&document, document.root().unwrap(), 0, usize::MAX, &mut all);
        let node = all[at.index(all.len())];
        let mut tree = Tree::new(&document);
        tree.to_depth(&document, 0);
        tree.reveal(&document, node);
        prop_assert_eq!(tree.selected(), node);
        let row = tree.selected_row(&document);
        prop_assert_eq!(tree.row(&document, row).map(|row| row.node), Some(node));
    }
}

fn list_to(document: &Document, node: Node, at: usize, depth: usize, out: &mut Vec<Node>) {
    out.push(node);
    if at < depth {
        for child in document.children(node) {
            list_to(document, child.node, at + 1, depth, out);
        }
    }
}

/// JSON without the white space between its tokens.
fn strip(text: &str) -> String {
    let mut out = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for letter in text.chars() {
        if quoted || !letter.is_ascii_whitespace() {
            out.push(letter);
        }
        if letter == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = letter == '\\' && !escaped;
    }
    out
}

/// Writes `text` with serde's own line breaks, duplicate keys kept.
fn serde_transcode(text: &str, writer: &mut serde_json::Serializer<&mut Vec<u8>, serde_json::ser::PrettyFormatter<'_>>) {
    use serde::Serialize as _;
    Ordered::read(text).serialize(writer).unwrap();
}

enum Ordered {
    Scalar(Box<serde_json::value::RawValue>),
    Array(Vec<Ordered>),
    Object(Vec<(String, Ordered)>),
}

impl Ordered {
    fn read(text: &str) -> Self {
        let document = parse(text);
        Self::of(&document, document.root().unwrap())
    }

    fn of(document: &Document, node: Node) -> Self {
        match document.kind(node) {
            super::super::Kind::Array => Self::Array(document.children(node).map(|child| Self::of(document, child.node)).collect()),
            super::super::Kind::Object => Self::Object(
                document
                    .children(node)
                    .map(|child| (document.key(child.node).unwrap().into_owned(), Self::of(document, child.node)))
                    .collect(),
            ),
            _ => Self::Scalar(serde_json::from_slice(document.raw(node)).unwrap()),
        }
    }
}

impl serde::Serialize for Ordered {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Scalar(raw) => raw.serialize(serializer),
            Self::Array(all) => serializer.collect_seq(all),
            Self::Object(all) => serializer.collect_map(all.iter().map(|(key, value)| (key, value))),
        }
    }
}

#[test]
fn keys_walk_a_small_tree() {
    let document = parse(r#"{"a": {"b": [1, 2, {"c": true}]}, "d": [], "e": "x"}"#);
    let mut tree = Tree::new(&document);
    let path = |tree: &Tree| document.path(tree.selected());
    tree.move_by(&document, 1);
    assert_eq!(path(&tree), "$.a");
    tree.enter(&document);
    tree.enter(&document);
    assert_eq!(path(&tree), "$.a.b");
    tree.enter(&document);
    tree.move_by(&document, 3);
    assert_eq!(path(&tree), "$.a.b[2]");
    tree.select_sibling(&document, false);
    assert_eq!(path(&tree), "$.a.b[1]");
    tree.leave(&document);
    assert_eq!(path(&tree), "$.a.b");
    tree.leave(&document);
    tree.leave(&document);
    assert_eq!(path(&tree), "$.a");
    tree.leave(&document);
    assert_eq!((path(&tree), tree.len(&document)), ("$.a".to_owned(), 4));
    tree.move_by(&document, 100);
    assert_eq!(path(&tree), "$.e");
    tree.move_by(&document, -100);
    assert_eq!(path(&tree), "$");
    tree.open_all(&document);
    assert_eq!(tree.len(&document), 9);
    tree.move_by(&document, 6);
    assert_eq!(path(&tree), "$.a.b[2].c");
    tree.shut_all(&document);
    assert_eq!(path(&tree), "$.a");
}

#[test]
fn what_was_open_inside_opens_again() {
    let document = parse(r#"{"a": {"b": [1, 2]}}"#);
    let mut tree = Tree::new(&document);
    let (a, b) = (document.lookup("$.a").unwrap(), document.lookup("$.a.b").unwrap());
    tree.set(&document, a, Fold::Open);
    tree.set(&document, b, Fold::Open);
    assert_eq!(tree.len(&document), 5);
    tree.set(&document, a, Fold::Shut);
    assert_eq!(tree.len(&document), 2);
    tree.set(&document, a, Fold::Open);
    assert_eq!(tree.len(&document), 5);
}

#[test]
fn the_head_of_a_document_grows_under_the_same_tree() {
    let text = format!("[{}]", (0..500).map(|n| format!("{{\"id\": {n}, \"in\": [{n}]}}")).collect::<Vec<_>>().join(","));
    let mut opening = Document::open(text.into_bytes());
    opening.advance(2_000);
    let head = opening.head();
    let mut tree = Tree::new(&head);
    tree.move_by(&head, 3);
    tree.enter(&head);
    let (selected, shown) = (tree.selected(), tree.len(&head));
    assert!(shown > 10 && shown < 500, "{shown}");
    let document = opening.finish();
    tree.rebase(&document);
    assert_eq!(tree.selected(), selected);
    assert_eq!(tree.len(&document), 1 + 500 + 2);
    assert_eq!(tree.selected_row(&document), 3);
}
