//! Reading, walking, naming.

use proptest::prelude::*;
use serde_json::Value;

use super::super::{DEPTH_LIMIT, Document, FaultKind, Flaw, Kind, Node, Tree};
use super::{json_text, parse};

/// Every value below and including `node` says what `serde_json` says of it. Slow on purpose.
fn assert_same(document: &Document, node: Node, raw: &str) {
    assert_eq!(std::str::from_utf8(document.raw(node)).unwrap(), raw);
    match document.kind(node) {
        Kind::Array => {
            let expected: Vec<&serde_json::value::RawValue> = serde_json::from_str(raw).unwrap();
            assert_eq!(document.count(node), expected.len());
            let children: Vec<_> = document.children(node).collect();
            assert_eq!(children.len(), expected.len());
            for (ordinal, (child, expected)) in children.iter().zip(&expected).enumerate() {
                assert_eq!(child.ordinal, ordinal);
                assert_eq!(document.key(child.node), None);
                assert_eq!(document.child_at(node, ordinal).unwrap(), *child);
                assert_same(document, child.node, expected.get());
            }
            assert!(document.child_at(node, expected.len()).is_none());
        }
        Kind::Object => {
            let value: Value = serde_json::from_str(raw).unwrap();
            for child in document.children(node) {
                let key = document.key(child.node).unwrap();
                assert_eq!(document.child_key(&child).unwrap(), key);
                let member = document.member(node, &key).unwrap();
                let same: Value = serde_json::from_slice(document.raw(member)).unwrap();
                assert_eq!(Some(&same), value.get(&*key), "duplicates: the last one counts");
                assert_same(document, child.node, std::str::from_utf8(document.raw(child.node)).unwrap());
            }
        }
        Kind::String => assert_eq!(document.text(node), serde_json::from_str::<String>(raw).unwrap()),
        _ => assert_eq!(document.text(node), raw),
    }
}

fn count_below(value: &Value) -> usize {
    match value {
        Value::Array(all) => all.iter().map(|inner| 1 + count_below(inner)).sum(),
        Value::Object(all) => all.values().map(|inner| 1 + count_below(inner)).sum(),
        _ => 0,
    }
}

fn has_duplicates(document: &Document) -> bool {
    let mut todo: Vec<Node> = document.root().into_iter().collect();
    while let Some(node) = todo.pop() {
        let mut seen = std::collections::HashSet::new();
        for child in document.children(node) {
            if document.child_key(&child).is_some_and(|key| !seen.insert(key.into_owned())) {
                return true;
            }
            todo.push(child.node);
        }
    }
    false
}

fn all_nodes(document: &Document) -> Vec<Node> {
    let mut todo: Vec<Node> = document.root().into_iter().collect();
    let mut all = Vec::new();
    while let Some(node) = todo.pop() {
        all.push(node);
        todo.extend(document.children(node).map(|child| child.node));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn says_what_serde_says(text in json_text()) {
        let document = parse(&text);
        prop_assert!(document.is_whole(), "{:?}", document.trouble());
        prop_assert_eq!(document.trouble(), None);
        assert_same(&document, document.root().unwrap(), text.trim_matches([' ', '\n', '\r', '\t']));
        if !has_duplicates(&document) {
            let value: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(document.count_below(document.root().unwrap()), count_below(&value));
        }
    }

    #[test]
    fn steps_and_one_go_give_the_same(text in json_text(), budget in 1..400_usize) {
        let mut opening = Document::open(text.as_bytes().to_vec());
        let mut heads = Vec::new();
        while !opening.advance(budget).done {
            heads.push(opening.head());
        }
        let document = opening.finish();
        let whole = parse(&text);
        prop_assert_eq!(all_nodes(&document), all_nodes(&whole));
        let all: std::collections::HashSet<Node> = all_nodes(&whole).into_iter().collect();
        for head in heads.iter().step_by(heads.len() / 8 + 1) {
            for node in all_nodes(head) {
                prop_assert!(all.contains(&node), "a head's node {} is none of the whole document", node.offset());
            }
        }
    }

    #[test]
    fn every_value_is_found_by_its_path(text in json_text()) {
        let document = parse(&text);
        let unique = !has_duplicates(&document);
        for node in all_nodes(&document) {
            let trail = document.trail(node);
            prop_assert_eq!(trail.last().map(|step| step.node), Some(node));
            prop_assert_eq!(document.node_covering(node.offset()), Some(node));
            let parts = document.parts(node);
            let path = document.path(node);
            prop_assert_eq!(super::super::path::read(&path), Some(parts));
            if unique {
                prop_assert_eq!(document.lookup(&path), Some(node), "{}", path);
            }
            if let Some(parent) = document.parent(node) {
                let ordinal = document.ordinal(node).unwrap();
                prop_assert_eq!(document.child_at(parent, ordinal).map(|child| child.node), Some(node));
            }
        }
    }

    #[test]
    fn accepts_exactly_what_serde_accepts(text in json_text(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let document = Document::parse(bytes.clone());
        let accepted = serde_json::from_slice::<Value>(&bytes).is_ok();
        prop_assert_eq!(document.trouble().is_none(), accepted, "{:?} in {:?}", document.trouble(), String::from_utf8_lossy(&bytes));
        walk_all(&document);
    }

    #[test]
    fn cut_documents_stay_readable(text in json_text(), at in any::<prop::sample::Index>()) {
        let at = at.index(text.len());
        let bytes = text.as_bytes()[..at].to_vec();
        let accepted = serde_json::from_slice::<Value>(&bytes).is_ok();
        let cut = Document::parse(bytes);
        prop_assert_eq!(cut.trouble().is_none(), accepted);
        let whole = parse(&text);
        let known: std::collections::HashSet<Node> = all_nodes(&whole).into_iter().collect();
        for node in all_nodes(&cut) {
            // A number may be cut into a shorter number, but no value appears that was not there.
            prop_assert!(known.contains(&node));
            prop_assert_eq!(cut.path(node), whole.path(node));
        }
        walk_all(&cut);
    }

    #[test]
    fn never_panics_on_anything(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"[]{}\",:\\u0 1e".to_vec())], 0..300)) {
        walk_all(&Document::parse(bytes));
    }
}

/// Asks everything of every value; counts must agree with the walk.
fn walk_all(document: &Document) {
    for node in all_nodes(document) {
        assert_eq!(document.children(node).count(), document.count(node));
        let below: usize = document.children(node).map(|child| 1 + document.count_below(child.node)).sum();
        assert_eq!(document.count_below(node), below);
        assert_eq!(document.trail(node).last().map(|step| step.node), Some(node));
        let _ = (document.text(node), document.text_head(node, 5), document.key(node), document.span(node));
    }
}

#[test]
fn a_hundred_levels_are_fine_and_a_million_are_named() {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    for levels in [100, DEPTH_LIMIT] {
        let document = parse(&deep(levels));
        assert_eq!(document.trouble(), None);
        assert_eq!(document.count_below(document.root().unwrap()), levels);
        let inner = document.node_covering(levels).unwrap();
        assert_eq!((document.text(inner).as_ref(), document.depth(inner)), ("1", levels));
    }
    let document = parse(&deep(1_000_000));
    assert_eq!(document.fault().unwrap().kind, FaultKind::TooDeep);
    assert_eq!(document.fault().unwrap().at, DEPTH_LIMIT);
    assert_eq!(document.count_below(document.root().unwrap()), DEPTH_LIMIT - 1);
    assert!(document.trouble().unwrap().contains("1024 levels"));
}

#[test]
fn trouble_has_line_and_column() {
    let document = parse("{\n  \"a\": 1,\n  \"b\": [2, 3");
    assert_eq!(document.trouble().unwrap(), "truncated at line 3, column 13 (byte 24)");
    assert_eq!(document.lookup("$.b[1]").map(|node| document.text(node).into_owned()), Some("3".into()));
    for (text, kind) in [
        ("", FaultKind::Empty),
        (" \n", FaultKind::Empty),
        ("[1 2]", FaultKind::Expected("`,` or `]`")),
        ("{\"a\" 1}", FaultKind::Expected("`:`")),
        ("{a: 1}", FaultKind::Expected("a key in quotes")),
        ("[1,]", FaultKind::Expected("a value")),
        ("[01]", FaultKind::BadScalar),
        ("[nul]", FaultKind::BadScalar),
        ("[nul", FaultKind::Truncated),
        ("1 2", FaultKind::Trailing),
    ] {
        assert_eq!(parse(text).fault().unwrap().kind, kind, "{text}");
    }
}

#[test]
fn flawed_strings_are_shown_and_named() {
    let document = Document::parse(b"[\"ok\", \"a\xFFb\", \"\\ud800x\", \"\\q\", \"a\x01\"]".to_vec());
    assert!(document.is_whole());
    assert_eq!(document.flaws(), (4, Some((9, Flaw::NotUtf8))));
    let texts: Vec<String> = document.children(document.root().unwrap()).map(|child| document.text(child.node).into_owned()).collect();
    assert_eq!(texts, ["ok", "a\u{fffd}b", "\u{fffd}x", "\u{fffd}q", "a\u{1}"]);
}

#[test]
fn numbers_and_key_order_survive() {
    let text = r#"{"z": 123456789012345678901234567890.12345678901234567890, "a": 1e999, "m": -0.0}"#;
    let document = parse(text);
    let root = document.root().unwrap();
    let members: Vec<(String, String)> = document
        .children(root)
        .map(|child| (document.key(child.node).unwrap().into_owned(), document.text(child.node).into_owned()))
        .collect();
    assert_eq!(
        members,
        [
            ("z".to_owned(), "123456789012345678901234567890.12345678901234567890".to_owned()),
            ("a".to_owned(), "1e999".to_owned()),
            ("m".to_owned(), "-0.0".to_owned())
        ]
    );
}

#[test]
fn the_index_stays_small_beside_the_bytes() {
    let record = r#"{"id":1234567,"user":{"name":"alice"},"ips":["10.0.0.1"],"tags":[],"severity":"high"}"#;
    let text = format!("[{}]", vec![record; 5_000].join(","));
    let document = parse(&text);
    assert_eq!(document.count_below(document.root().unwrap()), 5_000 * 8);
    assert!(document.index_bytes() * 10 < text.len() * 3, "{} bytes for {}", document.index_bytes(), text.len());
}

#[test]
fn nothing_but_brackets_is_named_before_it_costs_memory() {
    let chain = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let text = format!("[{}]", vec![chain; 300].join(","));
    let document = parse(&text);
    assert_eq!(document.fault().map(|fault| fault.kind), Some(FaultKind::TooDense));
    assert!(document.index_bytes() < text.len() * 2 + 1024 * 1024 * 2);
    walk_some(&document);
}

/// Asks a few values in a document too large to ask all.
fn walk_some(document: &Document) {
    for at in (0..document.scanned()).step_by(document.scanned() / 50 + 1) {
        let node = document.node_covering(at).unwrap();
        assert_eq!(document.lookup(&document.path(node)), Some(node));
    }
}

#[test]
fn long_strings_are_passed_over_and_cut_for_show() {
    let long = "ä\\n".repeat(20_000);
    let text = format!("[1, \"{long}\", {{\"k\": \"{long}\", \"l\": [\"{long}\"]}}, 2]");
    let document = parse(&text);
    let root = document.root().unwrap();
    assert_eq!(document.count_below(root), 7);
    walk_all(&document);
    assert_eq!(document.lookup("$[3]").map(|node| document.text(node).into_owned()), Some("2".into()));
    for path in ["$[1]", "$[2].k", "$[2].l[0]"] {
        let node = document.lookup(path).unwrap();
        assert_eq!(document.path(node), path);
        assert_eq!(document.node_covering(node.offset() + 99), Some(node));
        assert_eq!(document.text(node).chars().count(), 40_000);
        assert_eq!(document.text_head(node, 3), ("ä\nä".to_owned(), true));
        assert_eq!(document.hints(node), []);
    }
    let raw = Tree::raw(&document);
    let lines: Vec<(String, bool)> = raw.rows(&document, 0, 100).iter().map(|row| document.line_head(row, 6)).collect();
    let shown: Vec<&str> = lines.iter().map(|(line, _)| line.as_str()).collect();
    assert_eq!(shown, ["[", "  1,", "  \"ä\\n", "  {", "    \"k\": \"ä\\n", "    \"l\": [", "      \"ä\\n", "    ]", "  },", "  2", "]"]);
    assert_eq!(lines.iter().filter(|(_, cut)| *cut).count(), 3);
    assert_eq!(document.pretty(root, 3), None);
    assert_eq!(document.pretty(root, 99).map(|text| text.lines().count()), Some(11));
}

#[test]
fn values_are_copied_as_json() {
    let document = parse("{ \"a\" : { \"b c\" : [ 1 , \"x  y\" ] , \"e\" : { } }, \"z\": 1 }");
    let node = document.lookup("a").unwrap();
    assert_eq!(document.compact(node), r#"{"b c":[1,"x  y"],"e":{}}"#);
    assert_eq!(document.pretty(node, 9).unwrap(), "{\n  \"b c\": [\n    1,\n    \"x  y\"\n  ],\n  \"e\": {}\n}");
    assert_eq!(document.preview(node, 8), ("{\"b c\":[".to_owned(), true));
    assert_eq!(document.preview(document.lookup("a.e").unwrap(), 8), ("{}".to_owned(), false));
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let document = parse("\u{feff}{\"a\": 1}");
    assert_eq!(document.trouble(), None);
    assert_eq!(document.lookup("a").map(Node::offset), Some(9));
}

#[test]
fn paths_are_read_in_either_quotes() {
    let document = parse(r#"{"a": {"it's": [1, {"\\'": 2, "": 3}]}}"#);
    for path in ["$.a['it\\'s'][1][\"\\\\'\"]", "a[\"it's\"][1]['\\\\\\'']", "$['a']['it\\u0027s'][1]['\\\\\\'']"] {
        assert_eq!(document.lookup(path).map(|node| document.text(node).into_owned()), Some("2".into()), "{path}");
    }
    assert_eq!(document.lookup("$.a[\"it's\"][1]['']").map(|node| document.text(node).into_owned()), Some("3".into()));
    for path in ["$.", "$[", "$[x]", "$.a[0", "$['a]", "$.a[0]", "$.b"] {
        assert_eq!(document.lookup(path), None, "{path}");
    }
}

/// Reads values that follow one another.
fn sequence(text: &str) -> Document {
    let mut opening = Document::open(text.as_bytes().to_vec());
    while !opening.advance(7).done {}
    assert!(opening.is_sequence(), "{text}");
    opening.into_sequence().finish()
}

#[test]
fn values_one_after_another_are_the_elements_of_one_array() {
    for text in ["{\"a\":1}\n{\"a\":[2,3]}\n\"x\"\n4", "\u{feff}{\"a\":1}{\"a\":[2,3]}\"x\" 4\r\n\n"] {
        let document = sequence(text);
        let root = document.root().unwrap();
        assert!(document.is_whole() && document.is_sequence());
        assert_eq!((document.count(root), document.trouble()), (4, None));
        walk_all(&document);
        assert_eq!(document.lookup("$[1].a[0]").map(|node| document.text(node).into_owned()), Some("2".into()));
        assert_eq!(document.compact(root), r#"[{"a":1},{"a":[2,3]},"x",4]"#);
        assert_eq!(document.preview(root, 9), ("[{\"a\":1},".to_owned(), true));
        let parts: String = document.pretty_parts().collect();
        assert_eq!(parts, "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": [\n      2,\n      3\n    ]\n  },\n  \"x\",\n  4\n]\n");
    }
}

#[test]
fn a_sequence_says_where_it_stops_making_sense() {
    let document = sequence("{\"a\":1}\n{\"a\":2}\noops\n{\"a\":3}\n");
    assert_eq!(document.count(document.root().unwrap()), 2);
    assert_eq!(document.trouble(), Some("not a JSON value at line 3, column 1 (byte 16)"));
    // A document with a remark behind it is no sequence.
    let document = parse("{\"a\":1} done");
    assert_eq!(document.trouble(), Some("more text after the end of the document at line 1, column 9 (byte 8)"));
    assert!(!document.is_sequence());
}

#[test]
fn the_beginning_of_a_document_is_shown_without_complaint() {
    let text = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";
    for cut in 0..text.len() {
        let head = Document::head_of(&text.as_bytes()[..cut]);
        assert_eq!(head.trouble(), None, "{cut}");
        assert!(!head.is_whole());
        assert_eq!(head.is_sequence(), cut > 8, "{cut}");
    }
    let head = Document::head_of(b"[{\"a\": [1, 2");
    assert_eq!(head.lookup("$[0].a").map(|node| head.count(node)), Some(2));
}
