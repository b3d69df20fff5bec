//! What goes wrong under the hand: wrong keys, empty lists, the same thing twice.

use crate::core::console::action::Action;
use crate::core::console::help::footer;
use crate::core::console::layer::Layer;
use crate::core::console::model::{Pane, Screen};
use crate::core::console::session::Session;

fn said(session: &Session) -> String {
    session.model.notices.list.last().map(|notice| notice.text.clone()).unwrap_or_default()
}

#[test]
fn a_list_of_nothing_offers_nothing_that_needs_a_row() {
    let mut session = Session::new();
    session.press("/ ctrl-u").text("nothingofthekind").press("enter");
    let offered: Vec<&str> = footer(&session.model).into_iter().map(|(_, title)| title).collect();
    for action in [Action::Open, Action::Mark, Action::MarkAlike] {
        assert!(!offered.contains(&action.row().title), "{offered:?}");
    }
    session.press("enter");
    assert_eq!(said(&session), "Open: no event is selected");
    session.press("g b enter");
    assert_eq!(said(&session), "Send: the outbox is empty");
}

#[test]
fn a_key_that_does_nothing_here_says_where_it_does_something() {
    let mut session = Session::new();
    session.press("T");
    assert_eq!(said(&session), "T does nothing here; in the tree it is: As table");
    session.press("f9");
    assert_eq!(said(&session), "f9 does nothing here; ? shows the keys");
    session.press("p z");
    assert!(said(&session).starts_with("z does nothing here"), "{}", said(&session));
    assert!(matches!(session.model.layers.last(), Some(Layer::Chooser(_))));
}

#[test]
fn what_is_open_is_not_opened_over_itself() {
    let mut session = Session::new();
    for keys in ["g b g b", "g n g n", "? ?", "g k g k"] {
        session.press(keys);
        assert_eq!(session.model.layers.len(), 1, "{keys}");
        session.press("esc");
    }
}

#[test]
fn a_filter_shows_the_queue_wherever_it_was_typed() {
    let mut session = Session::new();
    session.press("1 /").text("disk").press("enter");
    assert_eq!(session.model.focus, Pane::Queue);
}

#[test]
fn a_wrong_query_shows_the_place_and_a_path_that_picks_nothing_comes_back() {
    let mut session = Session::new();
    session.press("/ ctrl-u").text("disk severity:hihg").press("enter");
    let Some(Layer::Prompt(prompt)) = session.model.layers.last() else { panic!("the prompt is gone") };
    assert_eq!(prompt.spot, Some("disk severity:".len()));
    session.press("x");
    let Some(Layer::Prompt(prompt)) = session.model.layers.last() else { panic!("the prompt is gone") };
    assert_eq!((prompt.spot, &prompt.error), (None, &None));
    session.press("esc enter ] ] ] $").text("nothing").press("enter $ up");
    let Some(Layer::Prompt(prompt)) = session.model.layers.last() else { panic!("no prompt") };
    assert_eq!(prompt.line.text(), "$.nothing");
}

#[test]
fn a_question_that_was_not_read_to_its_end_is_not_answered() {
    let mut session = Session::new();
    session.press("a").text("iso").press("enter enter").wait(900);
    let small = Screen { layer: 3, question: 8, ..Screen::default() };
    session.model.settle(small);
    session.text("1 host").press("enter");
    let Some(Layer::Confirm(confirm)) = session.model.layers.last() else { panic!("it was answered unread") };
    assert!(confirm.line.is_empty() && confirm.dropped > 0);
    for _ in 0..3 {
        session.press("pagedown");
        session.model.settle(small);
    }
    session.text("1 host").press("enter");
    assert!(!matches!(session.model.layers.last(), Some(Layer::Confirm(_))));
    assert_eq!(session.asked_for(|effect| matches!(effect, crate::core::console::effect::Effect::Run(..))).len(), 1);
}

#[test]
fn several_events_are_told_apart_before_they_are_closed_as_one() {
    let mut session = Session::new();
    session.press("space j space");
    let spread = session.model.queue.spread(&[1, 3]);
    assert_eq!(spread, ["2 eset-eu; up to critical", "2 different rules"]);
    assert_eq!(session.model.queue.spread(&[3, 4, 99])[0], "2 eset-eu; up to low; 1 more are not listed here");
    assert!(session.model.queue.spread(&[1]).is_empty());
    // Once the records are there, all are told of, listed or not.
    session.most = Some(2);
    session.press("esc ctrl-a d");
    let Some(Layer::Dispose(sheet)) = session.model.layers.last() else { panic!("no sheet") };
    assert_eq!(sheet.spread, ["7 eset-eu, 5 wiz-prod; up to critical", "4 different rules"]);
}

#[test]
fn marks_that_end_with_their_view_are_told_of() {
    let mut session = Session::new();
    session.press("space space / ctrl-u").text("severity:high").press("enter");
    assert!(session.model.queue.marks.is_empty());
    assert_eq!(session.model.notices.current().unwrap().text, "2 marks were let go: marks are of one view");
}
