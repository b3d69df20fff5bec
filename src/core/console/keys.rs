//! Keys and chords: how they are written, read and looked up. What they do is said in [`super::action`].

use std::collections::BTreeMap;
use std::fmt;

use super::action::{Action, Context};

/// A key without its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A character, as it arrives: `G` is `Char('G')`.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key.
    F(u8),
}

const NAMES: [(&str, Code); 16] = [
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backtab", Code::BackTab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("insert", Code::Insert),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("space", Code::Char(' ')),
];

/// One key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// With control.
    pub ctrl: bool,
    /// With alt.
    pub alt: bool,
    /// With shift, where the code does not say so already.
    pub shift: bool,
}

impl Key {
    /// A key alone.
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// A character alone.
    pub const fn char(c: char) -> Self {
        Self::plain(Code::Char(c))
    }

    /// The character, if it is one that would be typed.
    pub fn typed(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// The character that was pressed after escape, where both together arrived as one key.
    pub fn behind_escape(self) -> Option<Self> {
        match self.code {
            Code::Char(c) if self.alt && !self.ctrl => Some(Self::char(c)),
            _ => None,
        }
    }

    /// A key as it is written: `ctrl-p`, `G`, `enter`, `space`, `alt-left`, `f5`.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut key = Self::plain(Code::Esc);
        let mut rest = text;
        loop {
            let lower = rest.to_ascii_lowercase();
            if rest.chars().count() > 1 && lower.starts_with("ctrl-") {
                key.ctrl = true;
            } else if rest.chars().count() > 1 && lower.starts_with("alt-") {
                key.alt = true;
            } else if lower.starts_with("shift-") {
                key.shift = true;
            } else {
                break;
            }
            rest = rest.split_once('-').map_or("", |(_, rest)| rest);
        }
        let mut letters = rest.chars();
        key.code = match (letters.next(), letters.next()) {
            (Some(one), None) => Code::Char(one),
            _ => named(rest).ok_or_else(|| format!("There is no key {text:?}; write a character, enter, esc, f5, ctrl-p, alt-left."))?,
        };
        Ok(key)
    }
}

fn named(text: &str) -> Option<Code> {
    let lower = text.to_ascii_lowercase();
    if let Some(number) = lower.strip_prefix('f').and_then(|number| number.parse::<u8>().ok()) {
        return (1..=24).contains(&number).then_some(Code::F(number));
    }
    NAMES.iter().find(|(name, _)| *name == lower).map(|(_, code)| *code)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match (self.code, NAMES.iter().find(|(_, code)| *code == self.code)) {
            (_, Some((name, _))) => f.write_str(name),
            (Code::Char(c), None) => write!(f, "{c}"),
            (Code::F(number), None) => write!(f, "f{number}"),
            _ => Ok(()),
        }
    }
}

/// Several keys, one after the other: `g g`.
///
/// # Errors
/// What cannot be read.
pub fn parse_chord(text: &str) -> Result<Vec<Key>, String> {
    let keys = text.split_whitespace().map(Key::parse).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err("A chord has at least one key.".to_owned()) } else { Ok(keys) }
}

/// A chord as it is written.
pub fn chord_text(chord: &[Key]) -> String {
    chord.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
}

/// One chord that asks for one action in one context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where.
    pub context: Context,
    /// By which keys.
    pub chord: Vec<Key>,
    /// What.
    pub action: Action,
}

/// What some keys mean so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// An action.
    Action(Action),
    /// The beginning of several chords.
    Pending,
    /// Nothing.
    None,
}

/// All chords, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Default for Keymap {
    fn default() -> Self {
        let mut bindings = Vec::new();
        for row in Action::table() {
            for context in row.contexts {
                // The table's chords are checked by a test; one that could not be read would be left out here.
                for chord in row.keys.iter().filter_map(|keys| parse_chord(keys).ok()) {
                    bindings.push(Binding { context: *context, chord, action: row.action });
                }
            }
        }
        Self { bindings }
    }
}

impl Keymap {
    /// The default keys with the user's instead: action id → chords. An empty list takes the keys away.
    ///
    /// # Errors
    /// Every unknown action, unreadable chord and conflict.
    pub fn with_overrides(overrides: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<String>> {
        let mut map = Self::default();
        let mut complaints = Vec::new();
        for (id, chords) in overrides {
            let Some(row) = Action::table().iter().find(|row| row.id == id) else {
                complaints.push(format!("There is no action {id:?}; `nightdesk keys` lists them."));
                continue;
            };
            map.bindings.retain(|binding| binding.action != row.action);
            for chord in chords {
                match parse_chord(chord) {
                    Ok(chord) => {
                        map.bindings.extend(row.contexts.iter().map(|context| Binding {
                            context: *context,
                            chord: chord.clone(),
                            action: row.action,
                        }));
                    }
                    Err(message) => complaints.push(format!("{id}: {message}")),
                }
            }
        }
        complaints.extend(map.conflicts());
        if complaints.is_empty() { Ok(map) } else { Err(complaints) }
    }

    /// Chords of one context that hide each other, with both names.
    pub fn conflicts(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (at, one) in self.bindings.iter().enumerate() {
            for other in self.bindings.iter().skip(at + 1).filter(|other| other.context == one.context && other.action != one.action) {
                if one.chord.starts_with(&other.chord) || other.chord.starts_with(&one.chord) {
                    found.push(format!(
                        "In {}, {} ({}) and {} ({}) hide each other.",
                        one.context.as_str(),
                        one.action.row().id,
                        chord_text(&one.chord),
                        other.action.row().id,
                        chord_text(&other.chord)
                    ));
                }
            }
        }
        found
    }

    /// What keys mean in contexts, the first that knows them winning.
    pub fn find(&self, contexts: &[Context], keys: &[Key]) -> Match {
        for context in contexts {
            let mut pending = false;
            for binding in self.bindings.iter().filter(|binding| binding.context == *context) {
                if binding.chord == keys {
                    return Match::Action(binding.action);
                }
                pending |= binding.chord.starts_with(keys);
            }
            if pending {
                return Match::Pending;
            }
        }
        Match::None
    }

    /// What a chord, or one that begins so, means where it means something.
    pub fn anywhere(&self, keys: &[Key]) -> Option<&Binding> {
        let whole = self.bindings.iter().find(|binding| binding.chord == keys);
        whole.or_else(|| self.bindings.iter().find(|binding| binding.chord.starts_with(keys)))
    }

    /// The chords that begin so in these contexts: what which-key shows.
    pub fn continuations(&self, contexts: &[Context], keys: &[Key]) -> Vec<&Binding> {
        let begins =
            |binding: &&Binding| contexts.contains(&binding.context) && binding.chord.starts_with(keys) && binding.chord.len() > keys.len();
        self.bindings.iter().filter(begins).collect()
    }

    /// The chords of an action, as configured, each once.
    pub fn chords(&self, action: Action) -> Vec<String> {
        let mut chords = Vec::new();
        for binding in self.bindings.iter().filter(|binding| binding.action == action) {
            let text = chord_text(&binding.chord);
            if !chords.contains(&text) {
                chords.push(text);
            }
        }
        chords
    }

    /// The first chord of an action, for hints.
    pub fn hint(&self, action: Action) -> Option<String> {
        self.bindings.iter().find(|binding| binding.action == action).map(|binding| chord_text(&binding.chord))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_they_are_read() {
        for text in ["ctrl-p", "G", "enter", "space", "alt-left", "f5", "-", "ctrl--", "*", "backtab"] {
            assert_eq!(Key::parse(text).unwrap().to_string(), text);
        }
        assert!(Key::parse("hyper-x").is_err());
        assert!(parse_chord("  ").is_err());
    }

    #[test]
    fn the_default_keys_can_be_read_and_do_not_hide_each_other() {
        for row in Action::table() {
            for chord in row.keys {
                assert!(parse_chord(chord).is_ok(), "{}: {chord}", row.id);
            }
        }
        assert_eq!(Keymap::default().conflicts(), Vec::<String>::new());
    }

    #[test]
    fn overrides_replace_and_conflicts_name_both() {
        let map = Keymap::with_overrides(&[("quit".to_owned(), vec!["Z".to_owned()])].into()).unwrap();
        assert_eq!(map.find(&[Context::Global], &[Key::char('q')]), Match::None);
        assert_eq!(map.find(&[Context::Global], &[Key::char('Z')]), Match::Action(Action::Quit));
        let complaints =
            Keymap::with_overrides(&[("quit".to_owned(), vec!["?".to_owned()]), ("nope".to_owned(), vec![])].into()).unwrap_err();
        assert!(complaints.iter().any(|complaint| complaint.contains("quit") && complaint.contains("help")), "{complaints:?}");
        assert!(complaints.iter().any(|complaint| complaint.contains("nope")));
    }

    #[test]
    fn a_chord_is_pending_until_it_is_whole() {
        let map = Keymap::default();
        let g = Key::char('g');
        assert_eq!(map.find(&[Context::Queue, Context::Global], &[g]), Match::Pending);
        assert_eq!(map.find(&[Context::Queue, Context::Global], &[g, g]), Match::Action(Action::Top));
        assert!(!map.continuations(&[Context::Queue, Context::Global], &[g]).is_empty());
    }
}
