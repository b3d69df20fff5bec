//! What a word of a query is looked for in: texts as plain words, so that the store's index, a row and a query agree on what a word is.
//!
//! ```text
//! "Failed sign-in from Müller@WS-DANAW-07"  →  " failed sign in from muller ws danaw 07"
//! ```
//!
//! A word of a query finds words that begin with it; signs in it make it a phrase, of which the last word may go on. So a part of an
//! address, a host name, a path or a mail address is found when it begins where a sign, a blank or the text itself does. Words of one or
//! two signs find themselves only: `10.0.0.7` is not `10.0.0.71`, and a letter is not half of everything.

use std::borrow::Cow;

use unicode_normalization::char::decompose_compatible;

use super::event::Event;
use super::mapping::scalar;

/// Stands between two values, so that no phrase reaches from one into the next. No word holds it.
const BORDER: &str = " ¶";

/// Signs that a word must have to find longer ones.
pub const SHORT: usize = 3;

/// A text's words in lower case and without accents, a blank before each. What stands between words is of no account.
pub fn plain(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + 1);
    let mut within = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            push(&mut words, &mut within, c.to_ascii_lowercase());
        } else if c.is_ascii() {
            within = false;
        } else {
            // Each sign for itself, so that a text that begins another gives words that begin the other's.
            decompose_compatible(c, |part| {
                if !is_accent(part) {
                    part.to_lowercase().filter(|c| !is_accent(*c)).for_each(|c| push(&mut words, &mut within, c));
                }
            });
        }
    }
    words
}

/// What must stand in a [`haystack`] that a word or phrase of a query finds: a blank at its end where its last word may not go on.
/// Empty where there is nothing to look for.
pub fn needle(word: &str) -> String {
    let mut words = plain(word);
    if words.chars().rev().take_while(|c| *c != ' ').count() < SHORT && !words.is_empty() {
        words.push(' ');
    }
    words
}

/// Values as one text to look through.
pub fn haystack<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> String {
    let mut all = String::new();
    for value in values {
        let words = plain(value.as_ref());
        if !words.is_empty() {
            all.push_str(&words);
            all.push_str(BORDER);
        }
    }
    all
}

/// What words are looked for in: an event's title, the values of its mapped fields, its entities.
pub fn texts(event: &Event) -> impl Iterator<Item = Cow<'_, str>> {
    let fields = event.fields.values().map(|value| Cow::from(scalar(value).unwrap_or_else(|| value.to_string())));
    let entities = event.entities.iter().map(|entity| Cow::from(entity.value.as_str()));
    std::iter::once(Cow::from(event.title.as_str())).chain(fields).chain(entities)
}

fn push(words: &mut String, within: &mut bool, c: char) {
    if !c.is_alphanumeric() {
        *within = false;
        return;
    }
    // Chinese and Japanese have no blanks: there every sign is a word, and a word of several is a phrase.
    let alone = stands_alone(c);
    if alone || !*within {
        words.push(' ');
    }
    words.push(if c == 'ς' { 'σ' } else { c });
    *within = !alone;
}

fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(text: &str, word: &str) -> bool {
        haystack([text]).contains(&needle(word))
    }

    #[test]
    fn words_are_what_stands_between_signs() {
        assert_eq!(plain("Failed sign-in from Müller@WS-DANAW-07 (10.0.0.7)"), " failed sign in from muller ws danaw 07 10 0 0 7");
        assert_eq!(plain(" .-_/ "), "");
        assert_eq!(plain("ΣΑΣ ς İd ﬁle ½"), " σασ σ id file 1 2");
        assert_eq!(plain("侵入を検知 abc"), " 侵 入 を 検 知 abc");
    }

    #[test]
    fn a_word_finds_what_begins_with_it_and_signs_make_a_phrase() {
        let text = r"C:\Users\Dana\a.exe on WS-DANAW-07 by dana.weiss@northwind.example, 203.0.113.9, Straße";
        for word in
            ["danaw", "ws-danaw", "DANA.weiss@north", "203.0.113", "113.9", "on ws", "07", r"users\dana", "a.exe", "STRAßE", "northwind"]
        {
            assert!(finds(text, word), "{word}");
        }
        for word in ["anaw", "203.0.11", "0.113.9.1", "wind", "ws-07", "nor thwind", "st"] {
            assert!(!finds(text, word), "{word}");
        }
    }

    #[test]
    fn no_phrase_reaches_from_one_value_into_the_next() {
        let values = haystack(["one two", "", "three"]);
        assert!(values.contains(&needle("one two")) && !values.contains(&needle("two three")));
    }
}
