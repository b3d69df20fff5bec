//! What one command answers feeds the next.

use crate::core::console::layer::Layer;
use crate::core::console::session::Session;

/// A console in which the devices were just listed.
fn listed() -> Session {
    let mut session = Session::new();
    session.press(":").text("eset-eu: List Devices").press("enter enter");
    assert!(matches!(session.model.layers.last(), Some(Layer::Outcome(_))), "{:?}", session.model.layers.last());
    session
}

fn field(session: &Session, at: usize) -> String {
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form: {:?}", session.model.layers.last()) };
    form.fields[at].text()
}

#[test]
fn an_outcome_offers_the_commands_that_it_can_fill() {
    let mut session = listed();
    session.press("a");
    let Some(Layer::Chooser(chooser)) = session.model.layers.last() else { panic!("no list") };
    assert!(chooser.choices.iter().any(|choice| choice.title == "Isolate Endpoints"), "{:?}", chooser.choices);
    session.text("iso").press("enter");
    assert_eq!(field(&session, 0), "dev-7, dev-9", "the whole answer");
    // On a row, that row alone; and the outcome lies below.
    session.press("esc ] ] ] j a").text("iso").press("enter");
    assert_eq!(field(&session, 0), "dev-9");
    session.press("esc");
    assert!(matches!(session.model.layers.last(), Some(Layer::Outcome(_))));
}

#[test]
fn an_answer_that_names_nothing_says_so() {
    let mut session = Session::new();
    session.press(":").text("wiz-prod: List Projects").press("enter enter a");
    assert!(matches!(session.model.layers.last(), Some(Layer::Outcome(_))));
    assert!(session.model.notices.list.last().unwrap().text.contains("No command takes"));
}

#[test]
fn a_form_takes_values_from_the_last_answer_by_their_path() {
    let mut session = listed();
    session.press("esc a").text("iso").press("enter ctrl-u").text("${last.$.devices[1].uuid}").press("tab");
    assert_eq!(field(&session, 0), "dev-9", "what is sent is seen before");
    session.press("backtab ctrl-u").text("${last.$.devices[*].uuid}, dev-1").press("tab");
    assert_eq!(field(&session, 0), "dev-7, dev-9, dev-1");
    session.press("backtab ctrl-u").text("${last.$.nothing}").press("tab");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert_eq!((form.at, form.fields[0].error.as_deref()), (0, Some("${last.$.nothing}: the last answer has no such value.")));
    session.press("ctrl-s");
    assert!(matches!(session.model.layers.last(), Some(Layer::Form(_))), "it is not run");
}
