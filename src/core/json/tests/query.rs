//! JSONPath, against a full implementation of RFC 9535.

use proptest::prelude::*;
use serde_json_path::JsonPath;

use super::super::{QueryError, TREE_LIMIT, path};
use super::{json_text, parse};

fn selector() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => prop::sample::select(vec!["'a'", "\"b\"", "'\\u0061'", "*", "0", "-1", "70"]).prop_map(str::to_owned),
        1 => (prop::option::of(-5..70_i64), prop::option::of(-5..70_i64), prop::option::of(-3..4_i64)).prop_map(|(from, to, step)| {
            let text = |at: Option<i64>| at.map(|at| at.to_string()).unwrap_or_default();
            format!("{}:{}{}", text(from), text(to), step.map(|step| format!(":{step}")).unwrap_or_default())
        }),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        3 => prop::collection::vec(selector(), 1..3).prop_map(|all| format!("[{}]", all.join(","))),
        2 => prop::sample::select(vec![".a", ".b", ".*", "..a", "..*", "..[0]"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(segment, 0..3).prop_map(|all| format!("${}", all.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn picks_what_the_full_implementation_picks(text in json_text(), query in query()) {
        // Duplicate keys have no meaning in RFC 9535.
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let document = parse(&value.to_string());
        let mut expected: Vec<String> = JsonPath::parse(&query).unwrap().query_located(&value).iter()
            .map(|located| path::write(&location(located.location())))
            .collect();
        let picked = document.select(&query, usize::MAX).unwrap();
        let mut found: Vec<String> = picked.nodes.iter().map(|node| document.path(*node)).collect();
        // Where `..` meets a list of selectors the order of the visits is free.
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected, "{}", query);
        prop_assert!(!picked.more);
    }
}

fn location(located: &serde_json_path::NormalizedPath<'_>) -> Vec<path::Part> {
    located
        .iter()
        .map(|part| match part {
            serde_json_path::PathElement::Name(name) => path::Part::Key((*name).to_owned()),
            serde_json_path::PathElement::Index(index) => path::Part::Index(*index),
        })
        .collect()
}

fn picked(json: &str, query: &str) -> Vec<String> {
    let document = parse(json);
    document.select(query, 100).unwrap().nodes.iter().map(|node| document.path(*node)).collect()
}

#[test]
fn names_filters_and_forgotten_roots() {
    let json = r#"{"data": {"items": [{"id": 1, "sev": "high"}, {"id": 2, "sev": "low"}, {"id": 3, "sev": "high"}], "x-y": 1}}"#;
    assert_eq!(picked(json, "data.items[*].id"), ["$.data.items[0].id", "$.data.items[1].id", "$.data.items[2].id"]);
    assert_eq!(picked(json, "$.data.items[?@.sev == 'high'].id"), ["$.data.items[0].id", "$.data.items[2].id"]);
    assert_eq!(picked(json, "..sev"), ["$.data.items[0].sev", "$.data.items[1].sev", "$.data.items[2].sev"]);
    assert_eq!(picked(json, ".data.x-y"), ["$.data[\"x-y\"]"]);
    assert_eq!(picked(json, "$"), ["$"]);
    assert_eq!(picked(json, "$.nothing[3]"), Vec::<String>::new());
}

#[test]
fn what_cannot_be_answered_is_said() {
    let document = parse("[1, 2, 3]");
    assert!(matches!(document.select("$[", 1), Err(QueryError::Syntax(_))));
    assert!(matches!(document.select("$.a.", 1), Err(QueryError::Syntax(_))));
    assert!(document.select("$[*]", 2).unwrap().more);
    assert!(!document.select("$[*]", 3).unwrap().more);
    assert!(document.select("$[?@ > 1]", 1).unwrap().more);
    assert_eq!(parse("[1, 2").select("$[?@ > 1]", 1), Err(QueryError::NotWhole));
    assert_eq!(parse("[1, 2").select("$[-1]", 1).map(|picked| picked.nodes.len()), Ok(1));
    let large = parse(&format!("[{}1]", "\n".repeat(TREE_LIMIT)));
    assert_eq!(large.select("$[?@ > 0]", 1), Err(QueryError::TooLarge));
    assert_eq!(large.select("$[0]", 1).map(|picked| picked.nodes.len()), Ok(1));
}
