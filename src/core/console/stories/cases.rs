//! Stories of cases: put together, looked at, written on, closed, written out.

use serde_json::json;

use crate::core::case::{Moment, Ran};
use crate::core::console::cases::Side;
use crate::core::console::effect::{CaseChange, Effect};
use crate::core::console::layer::{Asks, Layer};
use crate::core::console::message::Message;
use crate::core::console::model::Pane;
use crate::core::console::queue::Item;
use crate::core::console::session::{Session, noon};

/// A console with a case of three events, on which something was run.
pub(crate) fn with_case() -> Session {
    let mut session = Session::new();
    session.press("j j * c").text("sprayed").press("enter");
    let dossier = &mut session.cases[0];
    dossier.case.title = "Password spraying from one address".into();
    dossier.timeline.push(Moment {
        time: noon(),
        kind: "record",
        actor: "ana".into(),
        text: "isolate-endpoints on eset-eu: Successful".into(),
    });
    dossier.runs.push(Ran {
        seq: 12,
        time: noon(),
        actor: "ana".into(),
        connection: "eset-eu".into(),
        command: "isolate-endpoints".into(),
        state: Some("Successful".into()),
        items: vec!["event 3".into(), "dev-3".into()],
        arguments: json!({"device_uuids": ["dev-3"]}),
        outcome: json!({"message": "Isolate Endpoints done."}),
    });
    session
}

fn changes(session: &Session) -> Vec<Effect> {
    session.asked_for(|effect| matches!(effect, Effect::OnCase(..)))
}

#[test]
fn a_case_is_listed_opened_written_on_and_closed() {
    let mut session = with_case();
    session.press("g k enter");
    let Some(Layer::Case(view)) = session.model.layers.last() else { panic!("{:?}", session.model.layers) };
    assert_eq!((view.name.as_str(), view.dossier.as_ref().unwrap().events.len()), ("sprayed", 6));
    session.press("m").text("Asked Dana.").press("enter");
    session.press("j x X");
    let done = |change| Effect::OnCase("sprayed".into(), change);
    assert_eq!(
        changes(&session),
        [done(CaseChange::Note("Asked Dana.".into())), done(CaseChange::Remove(vec![4])), done(CaseChange::Close)]
    );
    session.press("X");
    assert_eq!(changes(&session).last(), Some(&done(CaseChange::Reopen)), "the same key opens it again");
    session.press("] ]");
    let Some(Layer::Case(view)) = session.model.layers.last() else { panic!("no case") };
    assert_eq!((view.side, view.rows(Side::Notes, &session.model.tasks)), (Side::Notes, 1));
    session.press("x");
    assert_eq!(changes(&session).len(), 4, "only an event is taken out");
    session.press("a").text("/tmp/mail.eml").press("enter w enter");
    assert_eq!(changes(&session).last(), Some(&done(CaseChange::File("/tmp/mail.eml".into()))));
    assert_eq!(session.asked.last(), Some(&Effect::ExportCase("sprayed".into(), "sprayed.md".into())));
    session.press("esc");
    assert!(matches!(session.model.layers.last(), Some(Layer::Cases(_))), "escape goes back to the list");
    session.press("n").text("Phishing, July").press("enter");
    assert_eq!(changes(&session).last(), Some(&Effect::OnCase(String::new(), CaseChange::Open("Phishing, July".into()))));
    session.press("j enter");
    assert!(matches!(session.model.layers.last(), Some(Layer::Case(view)) if view.name == "case-2"));
}

#[test]
fn what_belongs_to_a_case_opens_where_it_belongs() {
    let mut session = with_case();
    session.press("g k enter ] ] ] enter");
    let Some(Layer::Document(reading)) = session.model.layers.last() else { panic!("{:?}", session.model.layers) };
    assert_eq!(reading.title, "isolate-endpoints on eset-eu");
    session.press("esc ] ] ' d enter");
    assert_eq!((session.model.focus, session.model.detail.wanted), (Pane::Record, Some(5)), "the third event");
    assert_eq!(session.model.queue.view.query, "case:=\"sprayed\"");
    assert_eq!(session.model.queue.selected, Some(Item::Event(5)));
    session.press("g k p");
    assert!(session.model.layers.is_empty() && session.model.focus == Pane::Queue);
}

#[test]
fn tasks_that_run_on_its_events_are_shown_while_they_run() {
    let mut session = with_case();
    let task = session.model.tasks.begin(noon(), "End Isolation on eset-eu".into(), "eset-eu", "end-isolation");
    session.model.tasks.get_mut(task).unwrap().events = vec![3];
    session.press("g k enter ] ] ] enter");
    assert!(matches!(session.model.layers.last(), Some(Layer::Outcome(view)) if view.task == task));
}

#[test]
fn a_case_is_picked_from_those_that_are_open_and_changes_of_others_show() {
    let mut session = with_case();
    session.press("c tab");
    let Some(Layer::Prompt(prompt)) = session.model.layers.last() else { panic!("no line") };
    assert_eq!((prompt.line.text().as_str(), prompt.asks), ("sprayed", Asks::Case));
    session.press("esc g k enter j");
    session.cases[0].events.remove(0);
    session.send(Message::Changed).settle();
    let Some(Layer::Case(view)) = session.model.layers.last() else { panic!("no case") };
    assert_eq!((view.dossier.as_ref().unwrap().events.len(), view.at), (5, 0), "the selection stays on its event");
    // A case that is gone says so.
    session.cases.clear();
    session.send(Message::Changed).settle();
    let Some(Layer::Case(view)) = session.model.layers.last() else { panic!("no case") };
    assert!(view.fault.as_ref().unwrap().contains("sprayed"));
}

#[test]
fn a_note_on_a_case_that_was_being_typed_is_kept() {
    let mut session = with_case();
    session.press("g k enter m").text("half a note");
    let kept = crate::core::console::resume::session(&session.model);
    let mut back = Session::new();
    crate::core::console::resume::resume(&mut back.model, &kept);
    back.settle().press("enter");
    assert_eq!(changes(&back), [Effect::OnCase("sprayed".into(), CaseChange::Note("half a note".into()))]);
}
