//! Names beside ids in questions and previews.

use crate::core::console::confirm::{Confirm, Need};
use crate::core::console::effect::Effect;
use crate::core::console::layer::Layer;
use crate::core::console::message::Message;
use crate::core::console::session::{Session, events, setup};
use crate::core::entity::EntityKind;

/// A console whose first event knows a device and no host.
pub(super) fn nameless() -> Session {
    let mut events = events();
    events[0].event.entities.retain(|entity| entity.kind != EntityKind::Host);
    Session::with(setup(), events)
}

fn question(session: &Session) -> &Confirm {
    match session.model.layers.iter().rev().find(|layer| matches!(layer, Layer::Confirm(_))) {
        Some(Layer::Confirm(confirm)) => confirm,
        other => panic!("{other:?}"),
    }
}

/// Opens the question and leaves what it asked for unanswered, but for what fills the form.
fn asked(session: &mut Session) -> (u64, String) {
    session.press("a").text("iso").type_ahead("enter");
    let names = session.asked_for(|effect| matches!(effect, Effect::Name { .. }));
    let [Effect::Name { form, field, asked, pick, .. }] = &names[..] else { panic!("{names:?}") };
    assert_eq!((asked.values.as_slice(), pick.command.as_str()), (&["dev-7".to_owned()][..], "list-devices"));
    let found = (*form, field.clone());
    session.open.clear();
    session.type_ahead("enter");
    found
}

#[test]
fn a_question_shows_the_id_at_once_and_the_name_when_it_is_there() {
    let mut session = nameless();
    let (form, field) = asked(&mut session);
    assert_eq!(question(&session).lines[1], "Target       dev-7");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::Name { .. })).len(), 1, "a name is asked for once");
    session.send(Message::Names(form, field, Ok(vec![("dev-7".into(), "WS-DANAW-07".into())])));
    assert_eq!(question(&session).lines[1], "Target       WS-DANAW-07 (dev-7)");
    assert_eq!(question(&session).need, Need::Text("1 host".into()));
    session.open.clear();
    session.type_ahead("ctrl-p");
    let plans = session.asked_for(|effect| matches!(effect, Effect::Plan { .. }));
    let [Effect::Plan { names, .. }] = &plans[..] else { panic!("{plans:?}") };
    assert_eq!(names.get("dev-7").map(String::as_str), Some("WS-DANAW-07"));
}

#[test]
fn a_question_does_not_wait_for_names_and_says_when_they_cannot_be_had() {
    let mut session = nameless();
    let (form, field) = asked(&mut session);
    session.wait(801);
    session.text("1 ho");
    session.send(Message::Names(form, field, Err("the vendor is down".into())));
    let lines = question(&session).lines.join("\n");
    assert!(lines.contains("Names        not to be had: the vendor is down"), "{lines}");
    session.text("st").press("enter");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::Run(..))).len(), 1, "what was typed stays");
}

#[test]
fn what_an_event_knows_the_name_of_is_not_asked_for() {
    let mut session = Session::new();
    session.press("a").text("iso").press("enter enter");
    assert!(session.asked_for(|effect| matches!(effect, Effect::Name { .. })).is_empty());
    assert_eq!(question(&session).lines[1], "Target       ws-danaw-07 (dev-7)");
}
