//! Strings as people read them, and as JSON writes them.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::scan;

/// The text of a string's inside (between the quotes). Broken parts become U+FFFD; nothing is refused.
pub(super) fn unescape(inside: &[u8]) -> Cow<'_, str> {
    if !inside.contains(&b'\\') {
        return String::from_utf8_lossy(inside);
    }
    let mut out = Vec::with_capacity(inside.len());
    let mut at = 0;
    while let Some(rest) = inside.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.iter().position(|byte| *byte == b'\\').unwrap_or(rest.len());
        out.extend_from_slice(rest.get(..plain).unwrap_or_default());
        at += plain;
        let Some(&code) = inside.get(at + 1) else {
            if plain < rest.len() {
                push(&mut out, char::REPLACEMENT_CHARACTER);
            }
            break;
        };
        let (letter, length) = escape(inside, at, code);
        push(&mut out, letter);
        at += length;
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

fn push(out: &mut Vec<u8>, letter: char) {
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

fn escape(inside: &[u8], at: usize, code: u8) -> (char, usize) {
    let simple = match code {
        // The last one is not JSON, but JSONPath's single-quoted names have it.
        b'"' | b'\\' | b'/' | b'\'' => char::from(code),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(inside, at),
        _ => return (char::REPLACEMENT_CHARACTER, 1),
    };
    (simple, 2)
}

fn unicode_escape(inside: &[u8], at: usize) -> (char, usize) {
    match scan::unit_at(inside, at) {
        Some(high @ 0xD800..=0xDBFF) => match scan::unit_at(inside, at + 6) {
            Some(low @ 0xDC00..=0xDFFF) => {
                let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
            }
            _ => (char::REPLACEMENT_CHARACTER, 6),
        },
        Some(unit) => (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

/// `text` in quotes, escaped as JSON wants it.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(&mut out, text, '"');
    out
}

/// Appends `text` between two `quote`s, escaped.
pub(super) fn push_quoted(out: &mut String, text: &str, quote: char) {
    out.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            letter if letter == quote => {
                out.push('\\');
                out.push(letter);
            }
            letter if u32::from(letter) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push(quote);
}

/// The first `most` characters, and whether something was left off.
pub(super) fn head_of(text: &str, most: usize) -> (&str, bool) {
    match text.char_indices().nth(most) {
        Some((end, _)) => (text.get(..end).unwrap_or(text), true),
        None => (text, false),
    }
}
