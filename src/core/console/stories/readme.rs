//! The README names no key that does not do what it says there.

use std::collections::BTreeSet;

use super::super::action::Action;
use super::super::chooser::Purpose;
use super::super::keys::parse_chord;
use super::super::layer::Asks;
use super::*;

const README: &str = include_str!("../../../../README.md");

/// What lies on top.
fn top(session: &Session) -> &Layer {
    session.model.layers.last().unwrap_or_else(|| panic!("nothing lies on top"))
}

fn asks(session: &Session, wanted: Asks) -> bool {
    matches!(top(session), Layer::Prompt(prompt) if prompt.asks == wanted)
}

fn asked(session: &Session, wanted: impl Fn(&Effect) -> bool) -> bool {
    !session.asked_for(wanted).is_empty()
}

fn closed_as(session: &Session, verdict: Disposition) -> bool {
    matches!(&decisions(session)[..], [Effect::Decide(_, Change::Close(as_what, _))] if *as_what == verdict)
}

/// The note of the sheet that is open.
fn noted(session: &Session) -> String {
    match top(session) {
        Layer::Dispose(dispose) => dispose.note.text(),
        other => panic!("{other:?}"),
    }
}

/// Beginning of a row of the table, keys to press as it says, and what must be so then.
type Row = (&'static str, &'static str, fn(&Session) -> bool);

const ROWS: [Row; 26] = [
    ("filter", "/ ctrl-u d i s k enter", |session| session.model.queue.total == 4),
    ("see everything any vendor said", "p i", |session| session.model.queue.view.query.starts_with("ip:=")),
    ("go back from there", "p i H", |session| session.model.queue.view.query == OPEN),
    ("mark this event", "space", |session| session.model.queue.marks.len() == 1),
    ("mark this event", "j j *", |session| session.model.queue.marks.len() > 1),
    ("close as", "d f enter", |session| closed_as(session, Disposition::FalsePositive)),
    ("close as", "d b enter", |session| closed_as(session, Disposition::Benign)),
    ("close as", "d t enter", |session| closed_as(session, Disposition::TruePositive)),
    ("put a note template in", "d b 1", |session| noted(session) == "Known administrative activity."),
    ("put a note template in", "d b x y enter d b .", |session| noted(session) == "xy"),
    ("tell the vendor too", "j d f w enter", |session| asked(session, |effect| matches!(effect, Effect::Tell(..)))),
    ("tell the vendor too", "W", |session| asked(session, |effect| matches!(effect, Effect::Gather(..)))),
    ("close the next one the same way", "d b enter .", |session| decisions(session).len() == 2),
    ("take an event", "t", |session| matches!(&decisions(session)[..], [Effect::Decide(_, Change::Take)])),
    ("write a note", "m", |session| asks(session, Asks::Note)),
    ("put it into a case", "c", |session| asks(session, Asks::Case)),
    ("put it into a case", "g k", |session| matches!(top(session), Layer::Cases(_))),
    ("see what a revision changed", "enter R", |session| asked(session, |effect| matches!(effect, Effect::Changes(..)))),
    ("see what a revision changed", "enter ] ] ] / d e t a i l s enter D", |session| matches!(top(session), Layer::Document(_))),
    ("see what a revision changed", "enter ] ] ] $", |session| asks(session, Asks::Path)),
    ("go to a row by its letter", "'", |session| session.model.jumping),
    (
        "do something about it",
        "a",
        |session| matches!(top(session), Layer::Chooser(chooser) if matches!(chooser.purpose, Purpose::Act(..))),
    ),
    ("do what this kind of event is for", "x", |session| {
        asked(session, |effect| matches!(effect, Effect::Gather(_, super::super::effect::Gather::Quick)))
    }),
    ("take the last thing back", "d b enter u", |session| asked(session, |effect| matches!(effect, Effect::Restore(_)))),
    ("fetch now", "f", |session| asked(session, |effect| matches!(effect, Effect::Fetch { .. }))),
    ("look into a JSON file", "g o", |session| asks(session, Asks::Open)),
];

/// Keys of the text, and the actions that must have them.
const PROSE: [(&str, Action); 36] = [
    ("j", Action::Down),
    ("k", Action::Up),
    ("enter", Action::Open),
    ("esc", Action::Back),
    ("?", Action::Help),
    (":", Action::Palette),
    ("q", Action::Quit),
    ("d", Action::Dispose),
    ("a", Action::Act),
    ("x", Action::Quick),
    ("p", Action::Pivot),
    ("u", Action::Undo),
    ("n", Action::AddConnection),
    ("P", Action::Playbooks),
    ("Q", Action::Record),
    ("R", Action::RetryFailed),
    ("T", Action::ViewTable),
    ("l", Action::Expand),
    ("h", Action::Collapse),
    ("]", Action::NextTab),
    ("[", Action::PreviousTab),
    ("/", Action::Find),
    ("&", Action::Alike),
    ("ctrl-l", Action::PickValue),
    ("ctrl-p", Action::Preview),
    ("ctrl-s", Action::Submit),
    ("ctrl-t", Action::NextPlace),
    ("ctrl-o", Action::WriteOut),
    ("g b", Action::OpenOutbox),
    ("g h", Action::History),
    ("g s", Action::Stats),
    ("g v", Action::Views),
    ("g w", Action::SaveView),
    ("g x", Action::ForgetView),
    ("g k", Action::ShowCases),
    ("g o", Action::OpenFile),
];

/// What stands between backticks in a line and reads as keys.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let is_key = |text: &&str| {
        // What a command line takes for stdin is no key.
        if *text == "-" {
            return false;
        }
        let word = matches!(*text, "enter" | "esc" | "space" | "tab") || text.strip_prefix("ctrl-").is_some_and(|rest| rest.len() == 1);
        word || text.chars().count() == 1 && text.is_ascii() || text.len() == 3 && (text.starts_with("g ") || text.starts_with("z "))
    };
    line.split('`').skip(1).step_by(2).filter(is_key)
}

/// The README without its blocks of code.
fn text() -> String {
    README.split("```").step_by(2).collect()
}

#[test]
fn every_row_of_the_first_ten_minutes_does_what_it_says() {
    let text = text();
    let rows: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(what, _)| !what.starts_with("you want"))
        .collect();
    assert!(rows.len() > 15, "{rows:?}");
    for (what, keys) in rows {
        let pressed: Vec<&str> =
            ROWS.iter().filter(|(begin, ..)| what.starts_with(begin)).flat_map(|(_, keys, _)| keys.split(' ')).collect();
        for key in named(keys).flat_map(|key| key.split(' ')) {
            assert!(pressed.contains(&key), "{what}: {key} is pressed by no story");
        }
    }
    for (begin, keys, holds) in ROWS {
        assert!(text.contains(&format!("| {begin}")), "the README has no row {begin:?} any more");
        let mut session = hiding();
        session.press(keys);
        assert!(holds(&session), "{begin}: {keys:?} does something else");
    }
}

#[test]
fn every_key_of_the_text_belongs_to_the_action_that_it_stands_for() {
    let keymap = setup().keymap;
    for (key, action) in PROSE {
        assert!(keymap.chords(action).iter().any(|chord| chord == key), "{key}: {:?}", keymap.chords(action));
    }
    // Inside a sheet or a list keys have a meaning of their own; those are pressed above.
    let known: BTreeSet<&str> = PROSE.iter().map(|(key, _)| *key).chain(ROWS.iter().flat_map(|(_, keys, _)| keys.split(' '))).collect();
    let text = text();
    for line in text.lines() {
        for key in named(line) {
            assert!(known.contains(key) && parse_chord(key).is_ok(), "{key} is tested nowhere: {line}");
        }
    }
}
