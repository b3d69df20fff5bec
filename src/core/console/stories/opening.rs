//! Stories of what opens later than it was asked for: it opens nothing over what was opened since, and keys reach what they were meant for.

use crate::core::console::chooser::Purpose;
use crate::core::console::effect::Effect;
use crate::core::console::layer::Layer;
use crate::core::console::message::Message;
use crate::core::console::notice::Tone;
use crate::core::console::session::Session;

/// The titles of what lies over the panes.
fn layers(session: &Session) -> Vec<String> {
    session.model.layers.iter().map(|layer| layer.title(&session.model.tasks)).collect()
}

#[test]
fn keys_wait_for_the_page_that_was_asked_for() {
    let mut session = Session::new();
    session.type_ahead("g l g s");
    assert!(layers(&session).is_empty(), "neither is there yet, nor were the keys taken by the queue");
    session.settle();
    assert_eq!(layers(&session), ["Log", "Keys and time"]);
    session.press("esc esc");
    assert_eq!(session.model.meter.keys, 6, "a key that waited is counted once");
}

#[test]
fn what_was_given_up_opens_nothing_over_what_was_opened_since() {
    let mut session = Session::new();
    session.type_ahead("g l esc g s").settle();
    assert_eq!(layers(&session), ["Keys and time"]);
    // Escape takes back the keys first, then what they wait for.
    session.press("esc").type_ahead("g l g s esc").settle();
    assert_eq!(layers(&session), ["Log"]);
    // As does the interrupt, which else would leave the console.
    session.press("esc").type_ahead("g l ctrl-c").settle();
    assert!(layers(&session).is_empty() && !session.model.leaving);
}

#[test]
fn a_list_is_that_of_the_event_it_was_asked_for_whatever_comes_first() {
    let mut session = Session::new();
    session.type_ahead("a esc j j a");
    // The first answer comes last.
    let late = session.open.iter().position(|effect| matches!(effect, Effect::Open(..))).unwrap();
    let late = session.open.remove(late);
    session.settle();
    session.open.push(late);
    session.settle();
    let Some(Layer::Chooser(chooser)) = session.model.layers.last() else { panic!("{:?}", layers(&session)) };
    let Purpose::Act(events, _) = &chooser.purpose else { panic!("{:?}", chooser.purpose) };
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [3]);
    assert_eq!(session.model.layers.len(), 1);
}

#[test]
fn what_does_not_come_is_told_and_no_key_waits_any_more() {
    let mut session = Session::new();
    session.type_ahead("g l");
    let Some(Effect::Open(number, _)) = session.open.pop() else { panic!("nothing was asked for") };
    session.send(Message::Opened(number, Box::new(Message::Notice(Tone::Error, "No log is kept.".into()))));
    assert!(session.model.opening.is_none() && session.model.notices.current().is_some_and(|notice| notice.text == "No log is kept."));
    session.press("g s");
    assert_eq!(layers(&session), ["Keys and time"]);
}

#[test]
fn a_paste_does_not_land_beside_what_it_was_meant_for() {
    let mut session = Session::new();
    session.press("/").type_ahead("g l");
    session.send(Message::Paste("x".into()));
    assert_eq!(layers(&session).len(), 1, "a line that is open takes the letters itself");
    session.press("esc").type_ahead("g l");
    session.send(Message::Paste("x".into())).settle();
    assert!(session.model.notices.current().is_some_and(|notice| notice.text.starts_with("Nothing was pasted")));
    assert_eq!(layers(&session), ["Log"]);
}
