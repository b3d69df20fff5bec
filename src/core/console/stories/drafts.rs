//! What was typed into a form and put away.

use super::super::form::{Field, Form};
use super::super::quick::tests::session;
use super::super::resume;
use super::*;

const BACK: &str = "What you typed before is back; nothing is sent until you run it.";

fn form(session: &Session) -> &Form {
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("{:?}", session.model.layers) };
    form
}

fn texts(session: &Session) -> Vec<String> {
    form(session).fields.iter().map(Field::text).collect()
}

fn told(session: &Session) -> usize {
    session.model.notices.list.iter().filter(|notice| notice.text == BACK).count()
}

fn two() -> Session {
    session(&[json!({"id": "r1"}), json!({"id": "r2"})])
}

#[test]
fn what_was_typed_about_one_event_comes_back_on_that_one_only() {
    let mut session = two();
    session.press("x c");
    let first = texts(&session)[0].clone();
    session.text("about the first").press("esc j x c");
    assert_eq!((texts(&session)[1].as_str(), told(&session)), ("", 0));
    assert_ne!(texts(&session)[0], first);
    session.press("esc k x c");
    assert_eq!((texts(&session), told(&session)), (vec![first, "about the first".into()], 1));
    // Once it is run it is no draft any more.
    session.press("ctrl-s esc esc x c");
    assert_eq!(texts(&session)[1], "");
}

#[test]
fn what_was_changed_of_a_proposal_comes_back_too() {
    let mut session = two();
    session.press("x t ctrl-e").text(", r9").press("esc x t");
    assert_eq!(texts(&session), ["r1, r9"]);
    // What is as it was proposed is nothing that somebody typed.
    session.press("backspace backspace backspace backspace esc");
    assert!(session.drafts.values().all(serde_json::Map::is_empty), "{:?}", session.drafts);
    // What was emptied stays so.
    session.press("x c up ctrl-u esc x c");
    assert_eq!(texts(&session)[0], "");
}

#[test]
fn a_form_that_was_closed_before_it_knew_of_a_draft_forgets_none() {
    let mut session = two();
    session.press("x c").text("kept").press("esc");
    let kept = session.drafts.clone();
    session.press("x c");
    let Some(Layer::Form(form)) = session.model.layers.last_mut() else { panic!("no form") };
    form.fields[1].set("");
    form.drafted = false;
    session.press("esc");
    assert_eq!(session.drafts, kept);
}

#[test]
fn a_form_that_a_resumed_session_brought_back_keeps_its_draft_where_it_was() {
    let mut first = two();
    first.press("x c").text("half a thou");
    let kept = resume::session(&first.model);
    let mut second = two();
    resume::resume(&mut second.model, &kept);
    assert_eq!(texts(&second), texts(&first));
    second.press("tab end").text("ght");
    second.press("esc");
    let typed =
        |session: &Session| session.drafts.iter().map(|((_, name), draft)| (name.clone(), draft["comment"].clone())).collect::<Vec<_>>();
    first.press("esc");
    let ([(name, text)], [(again, more)]) = (&typed(&first)[..], &typed(&second)[..]) else { panic!("{:?}", second.drafts) };
    assert_eq!((again, text, more), (name, &json!("half a thou"), &json!("half a thought")));
}
