//! Untrusted text made visible: the one way from data to a screen, a table, a log or an export.
//!
//! Vendor text is written by attackers. Nothing is deleted silently: whatever would act on a terminal, reorder a line or hide becomes a
//! mark that can be seen (`⟨ESC⟩`, `⟨U+202E⟩`).

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Combining marks that one base character may carry.
const MOST_MARKS: usize = 2;

/// Text that is safe to show: made only by [`visible`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Visible(String);

impl Visible {
    /// The safe text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The safe text, owned.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Columns it takes.
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// Cut to so many columns, with `…` where something is missing.
    #[must_use]
    pub fn cut(&self, columns: usize) -> Self {
        Self(cut(&self.0, columns, "…"))
    }
}

impl fmt::Display for Visible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Visible {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Visible> for String {
    fn from(text: Visible) -> Self {
        text.0
    }
}

/// Text on one line, made visible. Line ends and tabs become marks too.
pub fn visible(text: &str) -> Visible {
    Visible(render(text, "⟨", "⟩"))
}

/// The same with marks of ASCII (`<ESC>`).
pub fn visible_ascii(text: &str) -> Visible {
    Visible(render(text, "<", ">"))
}

/// Text of several lines, each made visible. Only `\n` and `\r\n` end a line.
pub fn visible_lines(text: &str) -> Vec<Visible> {
    text.split('\n').map(|line| visible(&line.strip_suffix('\r').unwrap_or(line).replace('\t', "    "))).collect()
}

/// Whether a text would be shown otherwise than it is.
pub fn is_odd(text: &str) -> bool {
    needs_work(text)
}

fn needs_work(text: &str) -> bool {
    if text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
        return false;
    }
    let mut marks = 0;
    text.chars().any(|c| {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        is_hidden(c) || marks > MOST_MARKS
    })
}

fn render(text: &str, open: &str, close: &str) -> String {
    if !needs_work(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut marks = 0;
    let mut left_out = 0;
    for c in text.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks > MOST_MARKS {
            left_out += 1;
            continue;
        }
        if left_out > 0 {
            out.push_str(&format!("{open}+{left_out} marks{close}"));
            left_out = 0;
        }
        if is_hidden(c) {
            out.push_str(open);
            match name(c) {
                Some(name) => out.push_str(name),
                None => out.push_str(&format!("U+{:04X}", u32::from(c))),
            }
            out.push_str(close);
        } else {
            out.push(c);
        }
    }
    if left_out > 0 {
        out.push_str(&format!("{open}+{left_out} marks{close}"));
    }
    out
}

/// Combining marks: characters of no width that sit on the one before.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c),
        0x0300..=0x036F | 0x0483..=0x0489 | 0x0591..=0x05BD | 0x0610..=0x061A | 0x064B..=0x065F | 0x06D6..=0x06DC | 0x1AB0..=0x1AFF
        | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
        || (c.width() == Some(0) && !is_hidden(c))
}

/// Controls, line and paragraph separators, bidi controls, and everything that is ignored by default (Unicode 16,
/// `Default_Ignorable_Code_Point`).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x2028..=0x202E
            | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A
            | 0xE0000..=0xE0FFF)
}

fn name(c: char) -> Option<&'static str> {
    Some(match c {
        '\n' => "LF",
        '\r' => "CR",
        '\t' => "TAB",
        '\0' => "NUL",
        '\u{7}' => "BEL",
        '\u{8}' => "BS",
        '\u{1B}' => "ESC",
        '\u{7F}' => "DEL",
        '\u{9B}' => "CSI",
        '\u{9D}' => "OSC",
        _ => return None,
    })
}

/// Cuts a text to so many columns; what is missing is shown by `end`.
pub fn cut(text: &str, columns: usize, end: &str) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(end.width());
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let width = grapheme.width();
        if used + width > room {
            break;
        }
        out.push_str(grapheme);
        used += width;
    }
    if columns >= end.width() {
        out.push_str(end);
    }
    out
}

/// Signs that a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '|', '%'];

/// A text in a spreadsheet's cell that is no formula: what cannot be seen becomes a mark, and a sign that would start a formula is preceded
/// by `'`, also behind a line end, a tab or a `;`, which part cells somewhere.
pub fn formula_safe(text: &str) -> String {
    let guarded = |part: &str| {
        let starts = part.trim_start_matches(|c: char| c.is_whitespace() || is_hidden(c)).starts_with(FORMULA);
        format!("{}{}", if starts { "'" } else { "" }, visible(part))
    };
    text.split_inclusive(['\n', '\r', '\t', ';']).map(guarded).collect()
}

/// An indicator that nobody can click: `hxxps://evil[.]example`.
pub fn defanged(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut parts = text.split("://").peekable();
    while let Some(part) = parts.next() {
        out.push_str(part);
        if parts.peek().is_some() {
            let scheme = part.len() - part.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len();
            let name = out.split_off(out.len() - scheme);
            let web = matches!(name.to_ascii_lowercase().as_str(), "http" | "https");
            out.push_str(&if web { name.replace(['t', 'T'], "x") + "://" } else { name + "[:]//" });
        }
    }
    bracketed(&out)
}

/// The dots and at-signs inside names in brackets.
fn bracketed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let chars: Vec<char> = text.chars().collect();
    let letter = |at: usize| chars.get(at).is_some_and(|c| c.is_alphanumeric());
    for (at, c) in chars.iter().enumerate() {
        let inside = at > 0 && letter(at - 1) && letter(at + 1);
        match c {
            '.' if inside => out.push_str("[.]"),
            '@' if inside => out.push_str("[@]"),
            other => out.push(*other),
        }
    }
    out
}

/// A text in Markdown that is only text: signs that mean something are escaped, line ends become blanks. A hyphen inside a word means
/// nothing anywhere.
pub fn markdown_safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let shown = visible(&text.replace(['\n', '\r', '\t'], " ")).into_string();
    let mut chars = shown.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let hyphen = c == '-' && before.is_alphanumeric() && chars.peek().is_some_and(|next| next.is_alphanumeric());
        if c.is_ascii_punctuation() && !hyphen && !matches!(c, '.' | ',' | ':' | ';' | '/' | '%' | '?' | '"' | '\'') {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_becomes_a_mark() {
        assert_eq!(visible("a\u{1B}]52;c;eA==\u{7}b").as_str(), "a⟨ESC⟩]52;c;eA==⟨BEL⟩b");
        assert_eq!(visible("invoice\u{202E}gpj.exe").as_str(), "invoice⟨U+202E⟩gpj.exe");
        assert_eq!(visible("one\r\ntwo\u{2028}three").as_str(), "one⟨CR⟩⟨LF⟩two⟨U+2028⟩three");
        assert_eq!(visible_ascii("\u{9b}31m").as_str(), "<CSI>31m");
        assert_eq!(visible("Søren 東京 👍").as_str(), "Søren 東京 👍");
    }

    #[test]
    fn every_bidi_control_and_ignorable_is_visible() {
        let bidi = [0x061C, 0x200E, 0x200F, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069];
        let ignorable = [
            0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180E, 0x200B, 0x200C, 0x200D, 0x2060, 0x3164, 0xFE0F, 0xFEFF, 0xFFA0,
            0xE0001, 0xE0041, 0xE0100,
        ];
        for code in bidi.into_iter().chain(ignorable).chain(0..0x20).chain(0x7F..0xA0) {
            let c = char::from_u32(code).unwrap();
            let shown = visible(&format!("a{c}b"));
            assert!(!shown.as_str().contains(c) && shown.width() > 2, "U+{code:04X} is hidden");
        }
    }

    #[test]
    fn a_pile_of_marks_is_counted_not_drawn() {
        let pile = format!("z{}", "\u{301}".repeat(100_000));
        assert_eq!(visible(&pile).as_str(), "z\u{301}\u{301}⟨+99998 marks⟩");
        assert_eq!(visible("é e\u{301}").as_str(), "é e\u{301}");
    }

    #[test]
    fn a_cut_never_splits_a_wide_character() {
        assert_eq!(cut("東京都", 5, "…"), "東京…");
        assert_eq!(cut("東京都", 4, "…"), "東…");
        assert_eq!(cut("abc", 3, "…"), "abc");
        assert_eq!(cut("abc", 0, "…"), "");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for formula in ["=1+1", " =1", "\u{A0}+x", "a\n-1", "@SUM", "\t=x", "\u{200B}=x"] {
            assert!(formula_safe(formula).contains('\''), "{formula:?}");
        }
        assert_eq!(formula_safe("a=b"), "a=b");
        assert_eq!(formula_safe("\u{A0}=x\ty\n@z;-1; 2"), "'\u{A0}=x⟨TAB⟩y⟨LF⟩'@z;'-1; 2");
        assert_eq!(formula_safe("a\u{1b}[31m\u{202e}"), "a⟨ESC⟩[31m⟨U+202E⟩");
    }

    #[test]
    fn indicators_are_defanged() {
        assert_eq!(defanged("https://evil.example/a.b?x"), "hxxps://evil[.]example/a[.]b?x");
        assert_eq!(defanged("203.0.113.9, a@b.example"), "203[.]0[.]113[.]9, a[@]b[.]example");
        assert_eq!(defanged("HTTPS://localhost hTTp://x ftp://y ://z"), "HxxPS://localhost hxxp://x ftp[:]//y [:]//z");
    }

    #[test]
    fn nothing_in_markdown_means_anything() {
        assert_eq!(markdown_safe("a-b - $x$ ^1 @team"), "a-b \\- \\$x\\$ \\^1 \\@team");
        assert_eq!(markdown_safe("<b>`c`\n# d"), "\\<b\\>\\`c\\` \\# d");
    }

    /// `Bidi_Control` and `Default_Ignorable_Code_Point` of Unicode 16, controls, and line and paragraph separators.
    const ODD: [(u32, u32); 23] = [
        (0x00, 0x1F),
        (0x7F, 0x9F),
        (0xAD, 0xAD),
        (0x34F, 0x34F),
        (0x61C, 0x61C),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
        (0x2028, 0x202E),
        (0x2060, 0x2064),
        (0x2065, 0x2065),
        (0x2066, 0x206F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFF8),
        (0x1BCA0, 0x1BCA3),
        (0x1D173, 0x1D17A),
        (0xE0000, 0xE007F),
        (0xE0080, 0xE00FF),
        (0xE0100, 0xE0FFF),
    ];

    #[test]
    fn each_odd_code_point_is_marked_by_itself_and_nothing_is_lost() {
        for code in ODD.into_iter().flat_map(|(first, last)| first..=last) {
            let c = char::from_u32(code).unwrap();
            for (shown, open, close) in [(visible(&format!("a{c}{c}b")), '⟨', '⟩'), (visible_ascii(&format!("a{c}{c}b")), '<', '>')] {
                let shown = shown.as_str();
                assert!(!shown.contains(c), "U+{code:04X}");
                assert_eq!((shown.matches(open).count(), shown.matches(close).count()), (2, 2), "U+{code:04X}");
                assert!(shown.starts_with('a') && shown.ends_with('b') && shown.chars().all(|c| !c.is_control()), "U+{code:04X}");
            }
            assert!(is_odd(&c.to_string()));
            assert!(visible_lines(&format!("a{c}b")).iter().all(|line| !line.as_str().contains(c)), "U+{code:04X}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_is_safe_stays_so_and_keeps_every_plain_character(text in "(\\PC|[\\x00-\\x1f\u{7f}\u{9b}\u{202e}\u{200d}\u{fe0f}]|é|京|e\u{301}){0,60}") {
            let shown = visible(&text);
            proptest::prop_assert!(!needs_work(shown.as_str()));
            proptest::prop_assert_eq!(&visible(shown.as_str()), &shown);
            let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric() && !is_hidden(*c) && !is_mark(*c)).collect::<Vec<_>>();
            let (kept, mut rest) = (plain(&text), shown.as_str().chars());
            proptest::prop_assert!(kept.iter().all(|c| rest.any(|other| other == *c)));
            for columns in 0..8 {
                proptest::prop_assert!(shown.cut(columns).width() <= columns);
            }
        }
    }
}
