//! JSON under edit, as far as it can be understood: which value stands where in the text. Nothing here demands that the text is whole.

use std::ops::Range;

use super::path::Part;
use super::scan;

/// A value in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its path.
    pub path: Vec<Part>,
    /// Where it begins, its name included.
    pub start: usize,
    /// Where the value itself stands, in bytes.
    pub value: Range<usize>,
}

/// Something that is open: the part that leads to what comes next, and the spot of the container itself.
struct Frame {
    object: bool,
    next: usize,
    name: Option<(String, usize)>,
    spot: usize,
}

/// Every value of a text in the order of its beginnings; containers that are not closed end with the text.
pub fn outline(text: &str) -> Vec<Spot> {
    let bytes = text.as_bytes();
    let mut spots: Vec<Spot> = Vec::new();
    let mut open: Vec<Frame> = Vec::new();
    let mut at = 0;
    loop {
        at = scan::blanks(bytes, at);
        let Some(byte) = bytes.get(at) else { break };
        match byte {
            b'{' | b'[' => {
                begin(&mut spots, &mut open, at, bytes.len());
                open.push(Frame { object: *byte == b'{', next: 0, name: None, spot: spots.len() - 1 });
                at += 1;
            }
            b'}' | b']' => {
                at += 1;
                if let Some(frame) = open.pop()
                    && let Some(spot) = spots.get_mut(frame.spot)
                {
                    spot.value.end = at;
                }
            }
            b',' => {
                if let Some(frame) = open.last_mut() {
                    frame.next += 1;
                    frame.name = None;
                }
                at += 1;
            }
            b'"' => {
                let end = scan::string(bytes, at).map_or(bytes.len(), |token| token.end);
                match open.last_mut() {
                    Some(frame) if frame.object && frame.name.is_none() => {
                        let raw = text.get(at..end).unwrap_or_default();
                        let name = serde_json::from_str(raw).unwrap_or_else(|_| raw.trim_matches('"').to_owned());
                        frame.name = Some((name, at));
                    }
                    _ => begin(&mut spots, &mut open, at, end),
                }
                at = end;
            }
            b':' => at += 1,
            _ => {
                let end = scan::word(bytes, at).max(at + 1);
                begin(&mut spots, &mut open, at, end);
                at = end;
            }
        }
    }
    spots
}

/// Notes a value that begins here.
fn begin(spots: &mut Vec<Spot>, open: &mut [Frame], at: usize, end: usize) {
    let mut path: Vec<Part> = Vec::with_capacity(open.len());
    let mut start = at;
    for frame in &*open {
        match &frame.name {
            Some((name, named_at)) if frame.object => {
                path.push(Part::Key(name.clone()));
                start = *named_at;
            }
            _ => {
                path.push(Part::Index(frame.next));
                start = at;
            }
        }
    }
    spots.push(Spot { path, start, value: at..end });
}

/// The value that a place of the text belongs to: the innermost that begins before it and has not ended, with its name.
pub fn spot_at(spots: &[Spot], place: usize) -> Option<&Spot> {
    spots.iter().rev().find(|spot| spot.start <= place && place <= spot.value.end)
}

/// The value at a path, or what holds it most closely.
pub fn nearest<'a>(spots: &'a [Spot], path: &[Part]) -> Option<&'a Spot> {
    let holds = spots.iter().filter(|spot| path.starts_with(&spot.path));
    holds.max_by_key(|spot| spot.path.len())
}

/// Line and column of a place, both from one, the column in characters.
pub fn line_column(text: &str, place: usize) -> (usize, usize) {
    let before = text.get(..place).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    (line, column)
}

/// The place of a line and column, both from nought, the column in characters.
pub fn place_of(text: &str, line: usize, column: usize) -> usize {
    let start = text.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::json::path::write;

    fn paths(text: &str) -> Vec<String> {
        outline(text).iter().map(|spot| format!("{}={}", write(&spot.path), &text[spot.value.clone()])).collect()
    }

    #[test]
    fn values_are_found_with_their_paths_in_whole_and_in_broken_text() {
        assert_eq!(
            paths(r#"{"a": [1, {"b": "x"}], "c d": true}"#),
            [
                r#"$={"a": [1, {"b": "x"}], "c d": true}"#,
                r#"$.a=[1, {"b": "x"}]"#,
                "$.a[0]=1",
                r#"$.a[1]={"b": "x"}"#,
                r#"$.a[1].b="x""#,
                r#"$["c d"]=true"#
            ]
        );
        assert_eq!(paths("{\"a\": {\"b\": \"x"), ["$={\"a\": {\"b\": \"x", "$.a={\"b\": \"x", "$.a.b=\"x"]);
        assert_eq!(paths("{\"a\": , \"b\": 2"), ["$={\"a\": , \"b\": 2", "$.b=2"]);
        assert!(paths("").is_empty());
        assert_eq!(paths("}}]").len(), 0);
    }

    #[test]
    fn a_place_belongs_to_the_innermost_value() {
        let text = "{\n  \"a\": {\"b\": 12}\n}";
        let spots = outline(text);
        let at = |line, column| write(&spot_at(&spots, place_of(text, line, column)).unwrap().path);
        assert_eq!(
            (at(0, 1), at(1, 3), at(1, 12), at(1, 15), at(2, 0)),
            ("$".into(), "$.a".into(), "$.a.b".into(), "$.a.b".into(), "$".into())
        );
        assert_eq!(line_column(text, place_of(text, 1, 12)), (2, 13));
        let missing = nearest(&spots, &[Part::Key("a".into()), Part::Key("gone".into())]).unwrap();
        assert_eq!(write(&missing.path), "$.a");
    }

    #[test]
    fn any_text_ends() {
        for text in ["\"", "{\"a", "[[[[", "{]", "é{\"ü\":\"", ":,:,"] {
            outline(text);
        }
    }
}
