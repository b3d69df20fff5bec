//! Searching, against the plain way over `serde_json`'s idea of each text.

use proptest::prelude::*;

use super::super::{Document, Find, Hit, Needle, Node};
use super::{json_text, parse};

fn plain_hits(document: &Document, needle: &Needle) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut todo: Vec<Node> = document.root().into_iter().collect();
    while let Some(node) = todo.pop() {
        let read = |raw: &[u8]| match raw.first() {
            Some(b'"') => serde_json::from_slice::<String>(raw).unwrap(),
            _ => String::from_utf8(raw.to_vec()).unwrap(),
        };
        let in_key = document.key(node).is_some_and(|key| !needle.ranges(&key).is_empty());
        let in_value = !document.kind(node).is_container() && !needle.ranges(&read(document.raw(node))).is_empty();
        if in_key || in_value {
            hits.push(Hit { node, in_key, in_value });
        }
        let mut children: Vec<Node> = document.children(node).map(|child| child.node).collect();
        children.reverse();
        todo.extend(children);
    }
    hits
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn finds_what_the_plain_way_finds(text in json_text(), needle in "[a-dA1éÉ0x\"\\\\ ]{1,2}", budget in 1..2000_usize) {
        let document = parse(&text);
        let needle = Needle::new(&needle);
        let mut find = Find::new(&document, needle.clone());
        while !find.advance(budget) {}
        let expected = plain_hits(&document, &needle);
        prop_assert_eq!(find.total(), expected.len());
        prop_assert_eq!(find.hits(), &expected[..]);
        prop_assert_eq!(document.has(document.root().unwrap(), &needle), !expected.is_empty());
    }

    #[test]
    fn steps_go_round(text in json_text()) {
        let document = parse(&text);
        let find = Find::new(&document, Needle::new("a")).finish();
        let mut node = document.root().unwrap();
        let mut seen = Vec::new();
        for _ in find.hits() {
            let (_, hit) = find.next_after(node).unwrap();
            prop_assert_eq!(find.previous_before(hit.node).map(|(at, _)| (at + 1) % find.hits().len()), find.next_after(node).map(|(at, _)| at));
            node = hit.node;
            seen.push(node);
        }
        seen.sort();
        prop_assert_eq!(seen, find.hits().iter().map(|hit| hit.node).collect::<Vec<_>>());
    }
}

fn paths(json: &str, needle: &str) -> Vec<String> {
    let document = parse(json);
    Find::new(&document, Needle::new(needle)).finish().hits().iter().map(|hit| document.path(hit.node)).collect()
}

#[test]
fn case_counts_only_when_asked() {
    let json = r#"{"Host": "WEB-01", "note": "web host", "caf\u00e9": "CAF\u00c9", "n": 1234, "t": true}"#;
    assert_eq!(paths(json, "host"), ["$.Host", "$.note"]);
    assert_eq!(paths(json, "Host"), ["$.Host"]);
    assert_eq!(paths(json, "WEB"), ["$.Host"]);
    assert_eq!(paths(json, "café"), ["$[\"café\"]"]);
    assert_eq!(paths(json, "23"), ["$.n"]);
    assert_eq!(paths(json, "tru"), ["$.t"]);
    assert_eq!(paths(json, "\": \""), Vec::<String>::new(), "what stands between tokens is no text");
    assert_eq!(paths(json, ""), Vec::<String>::new());
}

#[test]
fn ranges_are_for_highlighting() {
    assert_eq!(Needle::new("ab").ranges("xABabxAb"), [1..3, 3..5, 6..8]);
    assert_eq!(Needle::new("aa").ranges("aaaaa"), [0..2, 2..4]);
    assert_eq!(Needle::new("é").ranges("É é"), [0..2, 3..5]);
    assert_eq!(Needle::new("Ab").ranges("ab Ab Ab"), [3..5, 6..8]);
    assert_eq!(Needle::new("").ranges("ab"), Vec::<std::ops::Range<usize>>::new());
}

#[test]
fn a_cut_document_is_searched_as_far_as_it_reads() {
    assert_eq!(paths(r#"{"a": ["x", "x1", "x"#, "x"), ["$.a[0]", "$.a[1]"]);
    assert_eq!(paths(r#"{"a": 1, "ab": "#, "a"), ["$.a"]);
}
