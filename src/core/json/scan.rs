//! Bytes of JSON, one token at a time. Nothing here recurses and nothing here allocates.
//!
//! The scanner is strict about structure (RFC 8259) and lenient about what a string holds: a bad escape, a raw control
//! character or broken UTF-8 leaves the structure readable, so it is reported as a flaw instead of an end.

/// Where a string ends, and what was seen in it.
pub(super) struct StringToken {
    /// Just past the closing quote.
    pub(super) end: usize,
    /// It has a backslash.
    pub(super) escaped: bool,
    /// It may have bytes beyond ASCII.
    pub(super) wide: bool,
    /// It has a raw control character.
    pub(super) control: bool,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// The lowest marked byte is exact; bytes above it may be marked wrongly (a borrow runs upwards only).
const fn marks_of(word: u64, byte: u8) -> u64 {
    let folded = word ^ (ONES * byte as u64);
    folded.wrapping_sub(ONES) & !folded & TOPS
}

const fn marks_of_control(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & TOPS
}

fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.first_chunk::<8>().map(|chunk| u64::from_le_bytes(*chunk))
}

/// Reads a string whose opening quote is at `open`. `None`: the bytes end first.
#[inline]
pub(super) fn string(bytes: &[u8], open: usize) -> Option<StringToken> {
    let mut at = open + 1;
    let (mut escaped, mut control, mut high) = (false, false, 0_u64);
    loop {
        while let Some(word) = word_at(bytes, at) {
            high |= word;
            let stop = marks_of(word, b'"') | marks_of(word, b'\\') | marks_of_control(word);
            if stop != 0 {
                at += (stop.trailing_zeros() / 8) as usize;
                break;
            }
            at += 8;
        }
        let byte = *bytes.get(at)?;
        match byte {
            b'"' => return Some(StringToken { end: at + 1, escaped, wide: high & TOPS != 0, control }),
            b'\\' => {
                escaped = true;
                at += 2;
            }
            _ => {
                control |= byte < 0x20;
                high |= u64::from(byte);
                at += 1;
            }
        }
    }
}

/// Past any white space.
#[inline]
pub(super) fn blanks(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// Past the run of bytes that can belong to a number or a word.
#[inline]
pub(super) fn word(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.' | b'_')) {
        at += 1;
    }
    at
}

/// Whether these bytes are one of the three words or a number as RFC 8259 writes it.
pub(super) fn is_plain_scalar(text: &[u8]) -> bool {
    matches!(text, b"true" | b"false" | b"null") || is_number(text)
}

fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, rest) = digits(text);
    if whole == 0 || (whole > 1 && text.first() == Some(&b'0')) {
        return false;
    }
    let rest = match rest.split_first() {
        Some((b'.', tail)) => match digits(tail) {
            (0, _) => return false,
            (_, tail) => tail,
        },
        _ => rest,
    };
    match rest.split_first() {
        None => true,
        Some((b'e' | b'E', tail)) => {
            let tail = tail.strip_prefix(b"+").or_else(|| tail.strip_prefix(b"-")).unwrap_or(tail);
            matches!(digits(tail), (1.., []))
        }
        Some(_) => false,
    }
}

fn digits(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count, text.get(count..).unwrap_or_default())
}

/// Past the value at `at`, which a builder has already found well-formed. Stops at the end of the bytes otherwise.
pub(super) fn value(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => string(bytes, at).map_or(bytes.len(), |token| token.end),
        Some(b'{' | b'[') => small_shape(bytes, at).end,
        Some(_) => word(bytes, at).max(at + 1),
        None => bytes.len(),
    }
}

/// The extent of a container and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Just past the closing bracket.
    pub(super) end: usize,
    /// Direct members or elements.
    pub(super) count: u32,
    /// All values inside, at any depth.
    pub(super) below: u32,
    /// Containers that are not empty, this one included: as many closing lines has its pretty form.
    pub(super) closers: u32,
}

/// Walks a container that is too small to have an entry in the index.
pub(super) fn small_shape(bytes: &[u8], open: usize) -> Shape {
    let mut shape = Shape { end: bytes.len(), count: 0, below: 0, closers: 0 };
    let mut depth = 1_u32;
    let mut at = open + 1;
    let mut fresh = true;
    while let Some(&byte) = bytes.get(at) {
        if !matches!(byte, b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t') && fresh {
            shape.closers += 1;
            fresh = false;
        }
        match byte {
            b'"' => {
                at = string(bytes, at).map_or(bytes.len(), |token| token.end);
                let after = blanks(bytes, at);
                if bytes.get(after) == Some(&b':') {
                    at = after + 1;
                } else {
                    note_value(&mut shape, depth);
                }
                continue;
            }
            b'{' | b'[' => {
                note_value(&mut shape, depth);
                depth += 1;
                fresh = true;
            }
            b'}' | b']' => {
                depth -= 1;
                fresh = false;
                if depth == 0 {
                    shape.end = at + 1;
                    return shape;
                }
            }
            b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => {
                note_value(&mut shape, depth);
                at = word(bytes, at).max(at + 1);
                continue;
            }
        }
        at += 1;
    }
    shape
}

fn note_value(shape: &mut Shape, depth: u32) {
    shape.below += 1;
    shape.count += u32::from(depth == 1);
}

/// The first flaw of a string's inside (between the quotes), if it has one.
pub(super) fn string_flaw(inside: &[u8]) -> Option<(usize, Flaw)> {
    let utf8 = std::str::from_utf8(inside).err().map(|error| (error.valid_up_to(), Flaw::NotUtf8));
    let control = inside.iter().position(|byte| *byte < 0x20).map(|at| (at, Flaw::ControlCharacter));
    [utf8, control, escape_flaw(inside)].into_iter().flatten().min_by_key(|(at, _)| *at)
}

fn escape_flaw(inside: &[u8]) -> Option<(usize, Flaw)> {
    let mut at = 0;
    while let Some(step) = inside.get(at..)?.iter().position(|byte| *byte == b'\\') {
        at += step;
        match inside.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
            Some(b'u') => match unit_at(inside, at) {
                None => return Some((at, Flaw::BadEscape)),
                Some(0xD800..=0xDBFF) => match unit_at(inside, at + 6) {
                    Some(0xDC00..=0xDFFF) => at += 12,
                    _ => return Some((at, Flaw::LoneSurrogate)),
                },
                Some(0xDC00..=0xDFFF) => return Some((at, Flaw::LoneSurrogate)),
                Some(_) => at += 6,
            },
            _ => return Some((at, Flaw::BadEscape)),
        }
    }
    None
}

/// The UTF-16 unit that `\uXXXX` at `at` stands for.
pub(super) fn unit_at(inside: &[u8], at: usize) -> Option<u32> {
    let escape = inside.get(at..at.checked_add(6)?)?;
    let hex = escape.strip_prefix(b"\\u")?;
    hex.iter().try_fold(0, |sum, byte| char::from(*byte).to_digit(16).map(|digit| sum * 16 + digit))
}

/// What is wrong inside a string whose bounds are clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Bytes that are not UTF-8; shown as U+FFFD.
    NotUtf8,
    /// A control character that should have been escaped.
    ControlCharacter,
    /// A backslash followed by something JSON does not know.
    BadEscape,
    /// Half of a UTF-16 pair; shown as U+FFFD.
    LoneSurrogate,
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "bytes that are not UTF-8",
            Self::ControlCharacter => "a raw control character in a string",
            Self::BadEscape => "an escape that JSON does not know",
            Self::LoneSurrogate => "half of a surrogate pair",
        })
    }
}
