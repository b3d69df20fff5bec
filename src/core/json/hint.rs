//! What a value may mean beyond what it says: a time, text in Base64, a document in a string.

use super::document::{Document, Kind, Node};
use super::time::{self, Moment, Unit};

/// A reading of a value, to be offered and never to replace it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// A count since an epoch.
    Epoch(Moment, Unit),
    /// A time as text, in UTC.
    Time(Moment),
    /// Text that was written in Base64.
    Base64(String),
    /// Base64 of UTF-16, as PowerShell takes its encoded commands.
    EncodedCommand(String),
    /// A JSON document; [`Document::nested`] opens it.
    Json,
}

/// Longer strings are not looked into.
const HINT_LIMIT: usize = 1024 * 1024;
/// Longer values are no times.
const TIME_LIMIT: usize = 48;

impl Document {
    /// The readings of a value, the likeliest first. Empty for containers.
    pub fn hints(&self, node: Node) -> Vec<Hint> {
        match self.kind(node) {
            // Cheap enough to ask whenever the selection moves.
            _ if self.span(node).len() > HINT_LIMIT => self.long_hint(node).into_iter().collect(),
            Kind::Number => epoch(&self.text(node)).into_iter().collect(),
            Kind::String => {
                let text = self.text(node);
                if looks_like_json(&text) {
                    return self.nested(node).map(|_| Hint::Json).into_iter().collect();
                }
                time::from_text(&text).map(Hint::Time).or_else(|| epoch(&text)).or_else(|| base64_text(&text)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The time that a value stands for: a timestamp, or a number since an epoch.
    pub fn moment(&self, node: Node) -> Option<Moment> {
        if !matches!(self.kind(node), Kind::Number | Kind::String) || self.span(node).len() > TIME_LIMIT {
            return None;
        }
        let text = self.text(node);
        time::from_text(&text).or_else(|| time::from_epoch(&text).map(|(moment, _)| moment))
    }

    /// A long string that begins and ends like JSON, and is opened only when asked for.
    fn long_hint(&self, node: Node) -> Option<Hint> {
        let inner = super::document::inside(self.raw(node)).trim_ascii();
        let ends = [inner.first(), inner.last()];
        (self.kind(node) == Kind::String && matches!(ends, [Some(b'{'), Some(b'}')] | [Some(b'['), Some(b']')])).then_some(Hint::Json)
    }

    /// The document that a string holds.
    pub fn nested(&self, node: Node) -> Option<Self> {
        let text = self.as_str(node)?;
        looks_like_json(&text).then(|| Self::parse(text.into_owned().into_bytes())).filter(Self::is_whole)
    }
}

fn epoch(text: &str) -> Option<Hint> {
    time::from_epoch(text).map(|(moment, unit)| Hint::Epoch(moment, unit))
}

fn looks_like_json(text: &str) -> bool {
    let text = text.trim();
    text.len() > 2 && ((text.starts_with('{') && text.ends_with('}')) || (text.starts_with('[') && text.ends_with(']')))
}

fn base64_text(text: &str) -> Option<Hint> {
    if text.len() < 12 {
        return None;
    }
    let bytes = base64(text)?;
    if let Some(text) = std::str::from_utf8(&bytes).ok().filter(|text| is_readable(text)) {
        return Some(Hint::Base64(text.to_owned()));
    }
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| pair.iter().rev().fold(0, |sum, byte| sum << 8 | u16::from(*byte))).collect();
    let text = String::from_utf16(&units).ok().filter(|text| bytes.len() % 2 == 0 && text.is_ascii() && is_readable(text))?;
    Some(Hint::EncodedCommand(text))
}

fn is_readable(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// Both alphabets, padded or not; nothing else may be in it.
fn base64(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    if text.len() - body.len() > 2 || body.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() / 4 * 3 + 2);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in body.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xFF).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(json: &str) -> Vec<Hint> {
        let document = Document::parse(json.as_bytes().to_vec());
        document.hints(document.root().unwrap())
    }

    #[test]
    fn readings_of_values() {
        assert_eq!(hints("1700000000"), [Hint::Epoch(Moment(1_700_000_000_000_000), Unit::Seconds)]);
        assert_eq!(hints("\"1700000000000\""), [Hint::Epoch(Moment(1_700_000_000_000_000), Unit::Milliseconds)]);
        assert_eq!(hints("\"2023-11-14T22:13:20Z\""), [Hint::Time(Moment(1_700_000_000_000_000))]);
        assert_eq!(hints("\"aGVsbG8sIHdvcmxk\""), [Hint::Base64("hello, world".to_owned())]);
        assert_eq!(hints("\"dwBoAG8AYQBtAGkA\""), [Hint::EncodedCommand("whoami".to_owned())]);
        assert_eq!(hints(r#""{\"a\": [1]}""#), [Hint::Json]);
    }

    #[test]
    fn ordinary_values_have_none() {
        for json in [
            "5",
            "true",
            "null",
            "{}",
            "[1700000000]",
            "\"administrator\"",
            "\"powershell.exe\"",
            "\"{oops\"",
            "\"{oops}\"",
            "\"\"",
            "1.7e9",
            "\"S-1-5-21-3623811015\"",
        ] {
            assert_eq!(hints(json), [], "{json}");
        }
    }

    #[test]
    fn times_are_told_from_other_values() {
        let document = Document::parse(br#"["2023-11-14T22:13:20Z", 1700000000, "1700000000000", 5, "x", null, {}]"#.to_vec());
        let root = document.root().unwrap();
        let moments: Vec<bool> = document.children(root).map(|child| document.moment(child.node).is_some()).collect();
        assert_eq!(moments, [true, true, true, false, false, false, false]);
    }

    #[test]
    fn a_string_opens_as_a_document() {
        let outer = Document::parse(br#"{"details": "{\"ips\":[\"10.0.0.1\"]}"}"#.to_vec());
        let inner = outer.nested(outer.lookup("details").unwrap()).unwrap();
        assert_eq!(inner.lookup("ips[0]").map(|node| inner.text(node).into_owned()), Some("10.0.0.1".into()));
        assert!(outer.nested(outer.root().unwrap()).is_none());
    }
}
