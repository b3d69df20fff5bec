//! A list to choose from, narrowed as one types: the palette, actions on an event, pick lists, pivots.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::keys::{Code, Key};
use super::line::Line;
use crate::core::event::StoredEvent;
use crate::core::json::path::Part;

/// One thing to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What is handed on when it is chosen.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What is said about it, in dim letters.
    pub note: String,
    /// Its key, shown at the right.
    pub hint: String,
    /// Why it cannot be chosen now.
    pub reason: Option<String>,
    /// The letter that chooses it, in lists that take letters.
    pub letter: Option<char>,
}

/// What is chosen, and for what.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// An action, a command, a view.
    Palette,
    /// A command for what is known from events or an answer, and the numbers of the events that it is about.
    Act(Vec<StoredEvent>, Vec<i64>),
    /// A quick command for events.
    Quick(Vec<StoredEvent>),
    /// A command of a connection.
    Command(String),
    /// A playbook for events.
    Playbook(Vec<StoredEvent>),
    /// The queue's order.
    Sort,
    /// The queue's grouping.
    Group,
    /// The colours.
    Theme,
    /// A saved view.
    View,
    /// A saved view to remove.
    ForgetView,
    /// An entity to pivot on.
    Pivot,
    /// A system to connect to.
    Vendor,
    /// A value for the field of the form below.
    Value {
        /// The form.
        form: u64,
        /// The parameter.
        field: String,
    },
    /// A value or a member for a place of the JSON in a field of the form below.
    Place {
        /// The form.
        form: u64,
        /// The parameter.
        field: String,
        /// The place.
        path: Vec<Part>,
    },
}

/// A list to choose from.
#[derive(Clone, Debug)]
pub struct Chooser {
    /// What is chosen, and for what.
    pub purpose: Purpose,
    /// What it is called.
    pub title: String,
    /// Everything that could be chosen, best first.
    pub choices: Vec<Choice>,
    /// What was typed.
    pub line: Line,
    /// Numbers of the choices that match, best first.
    pub matches: Vec<usize>,
    /// The selected match.
    pub at: usize,
    /// First row on the screen.
    pub first: usize,
    /// Whether the choices are still to come.
    pub loading: bool,
    /// Whether letters choose at once instead of narrowing.
    pub letters: bool,
}

/// What a key did to a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked {
    /// Nothing that concerns others.
    Used,
    /// This was chosen.
    Choice(Choice),
    /// The key is not one of a list.
    NotMine,
}

impl Chooser {
    /// A list.
    pub fn new(purpose: Purpose, title: &str, choices: Vec<Choice>) -> Self {
        let matches = (0..choices.len()).collect();
        Self { purpose, title: title.into(), choices, line: Line::default(), matches, at: 0, first: 0, loading: false, letters: false }
    }

    /// A list whose choices are still to come.
    pub fn loading(purpose: Purpose, title: &str) -> Self {
        Self { loading: true, ..Self::new(purpose, title, Vec::new()) }
    }

    /// Takes up the choices.
    pub fn fill(&mut self, choices: Vec<Choice>) {
        self.choices = choices;
        self.loading = false;
        self.narrow();
    }

    /// The selected choice.
    pub fn current(&self) -> Option<&Choice> {
        self.matches.get(self.at).and_then(|at| self.choices.get(*at))
    }

    /// Moves the selection.
    pub fn move_by(&mut self, rows: isize) {
        self.at = self.at.saturating_add_signed(rows).min(self.matches.len().saturating_sub(1));
    }

    /// Scrolls so that the selection can be seen on so many rows.
    pub fn follow(&mut self, height: usize) {
        self.first = self.first.min(self.at).max((self.at + 1).saturating_sub(height.max(1)));
    }

    /// Takes a key.
    pub fn input(&mut self, key: Key) -> Picked {
        if key.code == Code::Enter {
            return match self.current() {
                Some(choice) if choice.reason.is_none() => Picked::Choice(choice.clone()),
                _ => Picked::Used,
            };
        }
        if self.letters {
            return self.letter(key);
        }
        if self.line.input(key) {
            self.narrow();
            return Picked::Used;
        }
        Picked::NotMine
    }

    /// A letter chooses the only one that has it; if several do, the list is narrowed to them and they are numbered.
    fn letter(&mut self, key: Key) -> Picked {
        let Some(letter) = key.typed() else { return Picked::NotMine };
        let having: Vec<usize> =
            self.matches.iter().copied().filter(|at| self.choices.get(*at).is_some_and(|c| c.letter == Some(letter))).collect();
        match having.as_slice() {
            [] => match letter {
                'j' => self.move_by(1),
                'k' => self.move_by(-1),
                _ => return Picked::NotMine,
            },
            [only] => {
                if let Some(choice) = self.choices.get(*only).filter(|choice| choice.reason.is_none()) {
                    return Picked::Choice(choice.clone());
                }
            }
            several => {
                for (number, at) in ('1'..='9').zip(several) {
                    if let Some(choice) = self.choices.get_mut(*at) {
                        choice.letter = Some(number);
                    }
                }
                self.matches = several.to_vec();
                self.at = 0;
            }
        }
        Picked::Used
    }

    fn narrow(&mut self) {
        let text = self.line.text();
        self.at = 0;
        self.first = 0;
        if text.trim().is_empty() {
            self.matches = (0..self.choices.len()).collect();
            return;
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(text.trim(), CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (at, choice) in self.choices.iter().enumerate() {
            let title = pattern.score(Utf32Str::new(&choice.title, &mut buffer), &mut matcher).map(|score| score * 2 + 1);
            let rest = format!("{} {} {} {}", choice.title, choice.note, choice.id, choice.hint);
            let score = title.or_else(|| pattern.score(Utf32Str::new(&rest, &mut buffer), &mut matcher));
            if let Some(score) = score {
                scored.push((if choice.reason.is_some() { score / 4 } else { score }, at));
            }
        }
        // Equal scores keep the order, which is "best first".
        scored.sort_by_key(|(score, at)| (std::cmp::Reverse(*score), *at));
        self.matches = scored.into_iter().map(|(_, at)| at).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(title: &str, letter: char) -> Choice {
        Choice { id: title.into(), title: title.into(), letter: Some(letter), ..Choice::default() }
    }

    #[test]
    fn typing_narrows_and_enter_chooses() {
        let mut chooser = Chooser::new(Purpose::Palette, "x", vec![choice("Isolate Endpoints", 'i'), choice("List Policies", 'l')]);
        for c in "pol".chars() {
            assert_eq!(chooser.input(Key::char(c)), Picked::Used);
        }
        assert!(matches!(chooser.input(Key::plain(Code::Enter)), Picked::Choice(choice) if choice.title == "List Policies"));
    }

    #[test]
    fn several_with_one_letter_are_numbered() {
        let mut chooser = Chooser::new(Purpose::Pivot, "x", vec![choice("10.0.0.1", 'i'), choice("ana", 'u'), choice("10.0.0.2", 'i')]);
        chooser.letters = true;
        assert_eq!(chooser.input(Key::char('i')), Picked::Used);
        assert_eq!(chooser.matches, [0, 2]);
        assert!(matches!(chooser.input(Key::char('2')), Picked::Choice(choice) if choice.title == "10.0.0.2"));
    }

    #[test]
    fn what_cannot_be_chosen_says_so_and_is_not_chosen() {
        let blocked = Choice { reason: Some("read-only".into()), ..choice("Isolate", 'i') };
        let mut chooser = Chooser::new(Purpose::Palette, "x", vec![blocked]);
        assert_eq!(chooser.input(Key::plain(Code::Enter)), Picked::Used);
    }
}
