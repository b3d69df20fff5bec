//! The verdict sheet: a verdict by its letter, a note typed or taken from a template, and whether the vendor is told too.

use super::keys::{Code, Key};
use super::line::Line;
use crate::core::event::Disposition;

/// What the vendors of some events can be told of a verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// What would be set where, a line each.
    pub sets: Vec<String>,
    /// Why nothing is told of the rest.
    pub reasons: Vec<String>,
}

/// A verdict under way.
#[derive(Clone, Debug, Default)]
pub struct Dispose {
    /// The events.
    pub events: Vec<i64>,
    /// The verdict, once chosen.
    pub disposition: Option<Disposition>,
    /// The note.
    pub note: Line,
    /// Which template was put in last.
    pub template: Option<usize>,
    /// The verdict and note of the last time.
    pub last: Option<(Disposition, String)>,
    /// Notes of the settings, offered before ours.
    pub own: Vec<String>,
    /// What the vendors can be told, by verdict; nothing until the records are there.
    pub offers: Vec<(Disposition, Offer)>,
    /// What several events are, in a line or two: of those that are listed, then, once the records are there, of all.
    pub spread: Vec<String>,
    /// Whether the records are still to come.
    pub loading: bool,
    /// Whether they are told.
    pub tell: bool,
    /// Whether the note was typed at: single keys are text then.
    pub typed: bool,
    /// A single key that did something and may still turn out to be the first letter of a text.
    pub first: Option<First>,
    /// What the last key could not do.
    pub said: Option<String>,
}

/// A single key, and what it is taken back to when a text goes on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// The key.
    pub letter: char,
    note: Line,
    template: Option<usize>,
    tell: bool,
}

/// What a key did to a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing yet.
    Open,
    /// It is to be recorded.
    Done,
    /// It was given up.
    GivenUp,
}

/// Our notes to choose from, by verdict.
fn ours(disposition: Disposition) -> &'static [&'static str] {
    match disposition {
        Disposition::TruePositive => &["Confirmed; contained.", "Confirmed; handed over to incident response."],
        Disposition::FalsePositive => &["Detection matches legitimate software.", "Detection rule is too broad; tuning requested."],
        Disposition::Benign => &["Known administrative activity.", "Expected change, announced.", "Security test."],
        Disposition::Duplicate => &["Same activity as an event already handled."],
        Disposition::Undetermined => &["Not enough data to tell; owner asked."],
    }
}

impl Dispose {
    /// The notes to choose from for the verdict: those of the settings first. One that begins with a verdict's name and a colon
    /// (`benign: Scanner of the network team.`) is for that verdict only.
    pub fn templates(&self) -> Vec<String> {
        let Some(disposition) = self.disposition else { return Vec::new() };
        let fits = |text: &String| match text.split_once(':').and_then(|(name, rest)| Some((Disposition::parse(name.trim())?, rest))) {
            Some((only, rest)) => (only == disposition).then(|| rest.trim().to_owned()),
            None => Some(text.clone()),
        };
        self.own.iter().filter_map(fits).chain(ours(disposition).iter().map(|text| (*text).to_owned())).collect()
    }

    /// What the vendors can be told of the verdict chosen.
    pub fn offer(&self) -> Option<&Offer> {
        self.offers.iter().find(|(known, _)| Some(*known) == self.disposition).map(|(_, offer)| offer)
    }

    /// Whether a key is one of the sheet's own rather than text of the note.
    pub fn is_own(&self, key: Key) -> bool {
        let Some(letter) = key.typed() else { return true };
        self.disposition.is_none()
            || !self.typed
                && self.first.is_none()
                && match letter {
                    '.' => self.last.is_some(),
                    // Where nothing can be told it is no text either: the same key does not do two things.
                    'w' => self.loading || self.offer().is_some_and(|offer| !offer.sets.is_empty() || !offer.reasons.is_empty()),
                    digit => self.numbered(digit).is_some(),
                }
    }

    /// The template of a digit.
    fn numbered(&self, digit: char) -> Option<(usize, String)> {
        let at = usize::try_from(digit.to_digit(10)?).ok()?.checked_sub(1)?;
        self.templates().get(at).map(|text| (at, text.clone()))
    }

    /// Takes a key: first the letter of a verdict (or `.` for the last one), then the note; Enter records. As long as nothing was typed,
    /// a digit puts a template in, `.` the last note, `w` says whether the vendor is told. All three begin texts too: a letter right
    /// after them makes them text, so that nobody is told of anything by a note. A blank begins a note of nothing but one of these.
    pub fn input(&mut self, key: Key) -> Verdict {
        self.said = None;
        if key.code == Code::Esc {
            return Verdict::GivenUp;
        }
        if self.disposition.is_none() {
            self.choose(key);
            return Verdict::Open;
        }
        if let Some(first) = self.first.take() {
            if key.typed().is_some() {
                self.make_text(&first);
            } else if key.code == Code::Backspace {
                self.take_back(&first);
                return Verdict::Open;
            }
        }
        match key.code {
            Code::Enter => return Verdict::Done,
            Code::Tab => {
                let templates = self.templates();
                let next = self.template.map_or(0, |at| (at + 1) % templates.len().max(1));
                self.put(next, templates.get(next).map(String::as_str).unwrap_or_default());
            }
            Code::Backspace if self.note.is_empty() => {
                self.disposition = None;
                self.typed = false;
            }
            Code::Char(' ') if self.note.is_empty() && !self.typed => self.typed = true,
            Code::Char(letter) if self.is_own(key) && key.typed().is_some() => self.act(letter),
            _ => {
                let before = self.note.clone();
                self.note.input(key);
                if self.note != before {
                    self.typed = !self.note.is_empty();
                }
            }
        }
        Verdict::Open
    }

    /// Takes pasted text: it goes into the note, as typed.
    pub fn paste(&mut self, text: &str) {
        if let Some(first) = self.first.take() {
            self.make_text(&first);
        }
        self.note.paste(text);
        self.typed = true;
    }

    /// Takes the letter of a verdict, or `.` for the last one.
    fn choose(&mut self, key: Key) {
        match key.typed() {
            Some('.') => match self.last.clone() {
                Some((disposition, note)) => {
                    self.disposition = Some(disposition);
                    self.note.set(&note);
                }
                None => self.said = Some("Nothing was closed yet that . could repeat.".into()),
            },
            Some(letter) => {
                self.disposition = Disposition::ALL.iter().find(|(_, known, _)| *known == letter).map(|(_, _, disposition)| *disposition);
                if self.disposition.is_none() {
                    self.said = Some(format!("{letter} is no verdict; choose one of the letters, or esc."));
                }
            }
            None => {}
        }
    }

    /// Does what a single key is for.
    fn act(&mut self, letter: char) {
        self.first = Some(First { letter, note: self.note.clone(), template: self.template, tell: self.tell });
        match (letter, self.numbered(letter)) {
            (_, Some((at, text))) => self.put(at, &text),
            ('w', None) if self.loading || self.offer().is_some_and(|offer| !offer.sets.is_empty()) => self.tell = !self.tell,
            ('w', None) => self.said = Some("There is nothing that the vendor could be told.".into()),
            _ => {
                let note = self.last.as_ref().map(|(_, note)| note.clone()).unwrap_or_default();
                self.note.set(&note);
            }
        }
    }

    /// Takes back what a single key did.
    fn take_back(&mut self, first: &First) {
        self.note.clone_from(&first.note);
        self.template = first.template;
        self.tell = first.tell;
    }

    /// A single key was the beginning of a text.
    fn make_text(&mut self, first: &First) {
        self.take_back(first);
        self.note.input(Key::char(first.letter));
        self.typed = true;
    }

    /// Puts a template in; it can still be exchanged for another.
    fn put(&mut self, at: usize, text: &str) {
        self.template = Some(at);
        self.note.set(text);
        self.typed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::parse_chord;
    use super::*;

    fn pressed(dispose: &mut Dispose, keys: &str) -> Verdict {
        parse_chord(keys).unwrap().into_iter().map(|key| dispose.input(key)).last().unwrap()
    }

    #[test]
    fn a_digit_takes_a_template_and_typing_makes_digits_text() {
        let own = vec!["false_positive: Scanner 1.".to_owned(), "Known.".to_owned(), "benign: Announced.".to_owned()];
        let mut sheet = Dispose { own, ..Dispose::default() };
        assert_eq!(pressed(&mut sheet, "b 2"), Verdict::Open);
        assert_eq!(sheet.note.text(), "Announced.");
        assert_eq!(sheet.templates()[..3], ["Known.", "Announced.", "Known administrative activity."]);
        pressed(&mut sheet, "backspace 1 right space 2");
        assert_eq!(sheet.note.text(), "Known. 2", "an arrow keeps the template");
        let mut sheet = Dispose::default();
        pressed(&mut sheet, "b 3 space h o s t s");
        assert_eq!((sheet.note.text().as_str(), sheet.template), ("3 hosts", None));
        assert_eq!(pressed(&mut sheet, "enter"), Verdict::Done);
    }

    #[test]
    fn w_tells_the_vendor_where_there_is_something_to_tell() {
        let offer = Offer { sets: vec!["REJECTED at Wiz".into()], reasons: Vec::new() };
        let mut sheet = Dispose { offers: vec![(Disposition::Benign, offer)], ..Dispose::default() };
        pressed(&mut sheet, "b w tab enter");
        assert!(sheet.tell && !sheet.note.is_empty());
        let mut sheet = Dispose { offers: sheet.offers, ..Dispose::default() };
        pressed(&mut sheet, "t w");
        assert_eq!((sheet.tell, sheet.note.text().as_str()), (false, "w"), "nothing is known of a vendor for a true positive");
        let refused = Offer { sets: Vec::new(), reasons: vec!["Wiz resolves it itself.".into()] };
        let mut sheet = Dispose { offers: vec![(Disposition::TruePositive, refused)], ..Dispose::default() };
        pressed(&mut sheet, "t w");
        assert_eq!((sheet.tell, sheet.note.text().as_str()), (false, ""), "a key that tells the vendor elsewhere is no note here");
        assert!(sheet.said.is_some());
        pressed(&mut sheet, "backspace space w");
        assert_eq!((sheet.note.text().as_str(), &sheet.said), ("w", &None));
        let mut sheet = Dispose::default();
        pressed(&mut sheet, "z");
        assert!(sheet.disposition.is_none() && sheet.said.is_some());
    }

    #[test]
    fn a_single_key_is_taken_back_when_a_text_goes_on_after_it() {
        let offer = Offer { sets: vec!["REJECTED at Wiz".into()], reasons: Vec::new() };
        let fresh = Dispose {
            offers: vec![(Disposition::Benign, offer)],
            last: Some((Disposition::Benign, "Known.".into())),
            ..Dispose::default()
        };
        let after = |keys: &str| {
            let mut sheet = fresh.clone();
            pressed(&mut sheet, &format!("b {keys}"));
            (sheet.tell, sheet.note.text())
        };
        let template = ours(Disposition::Benign)[0];
        // A text that begins like a single key.
        assert_eq!(after("w a s"), (false, "was".into()));
        assert_eq!(after("w w w . x"), (false, "www.x".into()));
        assert_eq!(after("w 1"), (false, "w1".into()), "not even a text of nothing but such keys tells");
        assert_eq!(after("1 w"), (false, "1w".into()));
        assert_eq!(after("1 0 . 0"), (false, "10.0".into()));
        assert_eq!(after(". n e t"), (false, ".net".into()));
        // What is followed by no letter was meant.
        assert_eq!(after("w enter"), (true, String::new()));
        assert_eq!(after("1 enter"), (false, template.into()));
        assert_eq!(after(". enter"), (false, "Known.".into()));
        // Kept, and a text after it.
        assert_eq!(after("w right w a s"), (true, "was".into()));
        assert_eq!(after("1 right w enter"), (true, template.into()));
        assert_eq!(after("1 end x"), (false, format!("{template}x")));
        assert_eq!(after("1 left x"), (false, format!("{}x.", template.trim_end_matches('.'))));
        // Taken back.
        assert_eq!(after("w backspace enter"), (false, String::new()));
        assert_eq!(after("w right 1 backspace enter"), (true, String::new()));
        let mut sheet = fresh.clone();
        pressed(&mut sheet, "b w");
        sheet.paste("as announced");
        assert_eq!((sheet.tell, sheet.note.text().as_str()), (false, "was announced"));
    }

    #[test]
    fn the_last_note_comes_back_with_one_key() {
        let mut sheet = Dispose { last: Some((Disposition::Benign, "Known.".into())), ..Dispose::default() };
        pressed(&mut sheet, "f .");
        assert_eq!((sheet.disposition, sheet.note.text().as_str()), (Some(Disposition::FalsePositive), "Known."));
    }
}
