//! The engine against `serde_json` and against plain, slow ways of saying the same.

mod document;
mod find;
mod query;
mod table;
mod tree;

use proptest::prelude::*;

use super::Document;

/// White space that may stand between any two tokens.
fn gap() -> impl Strategy<Value = String> {
    prop_oneof![6 => Just(String::new()), 1 => "[ \n\r\t]{1,3}"]
}

/// A string as JSON text: plain, escaped in every way, and beyond ASCII.
fn string_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[ -!#-\\[\\]-~]{0,12}",
        1 => "[à-ÿ中-文😀-😄\u{7f}-\u{9f}]{1,3}",
        1 => prop::sample::select(vec!["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0041", "\\u00e9", "\\ud83d\\ude00", "\\u0000"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn key_text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "\"[a-d]\"", 2 => string_text(), 1 => Just("\"\\u0061\"".to_owned())]
}

fn scalar_text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "{}",
            "[]",
            "{ }",
            "[\n]",
            "0",
            "-0",
            "1e400",
            "-1.5E-7",
            "18446744073709551616"
        ])
        .prop_map(str::to_owned),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
        string_text(),
    ]
}

/// A whole document as text. Wide enough for milestones, deep enough for nested entries.
pub(super) fn json_text() -> impl Strategy<Value = String> {
    let value = scalar_text().prop_recursive(6, 400, 40, |inner| {
        let element = (gap(), inner.clone(), gap()).prop_map(|(before, value, after)| format!("{before}{value}{after}"));
        let member = (gap(), key_text(), gap(), gap(), inner.clone(), gap())
            .prop_map(|(a, key, b, c, value, d)| format!("{a}{key}{b}:{c}{value}{d}"));
        prop_oneof![
            prop::collection::vec(element, 0..40).prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec(member, 0..40).prop_map(|all| format!("{{{}}}", all.join(","))),
            // The same value many times over: what makes milestones.
            (inner, 60..200_usize).prop_map(|(value, times)| format!("[{}]", vec![value; times].join(", "))),
        ]
    });
    (gap(), value, gap()).prop_map(|(before, value, after)| format!("{before}{value}{after}"))
}

pub(super) fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes().to_vec())
}
