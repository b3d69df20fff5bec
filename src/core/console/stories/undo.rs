//! Stories of taking back: what comes back is selected, what was said of it is true, and what was put away is not lost.

use crate::core::console::effect::Effect;
use crate::core::console::layer::Layer;
use crate::core::console::message::{Decided, Message};
use crate::core::console::queue::Item;
use crate::core::console::session::{Session, letter};
use crate::core::outbox::Standing;
use crate::core::telling::Call;

fn notice(session: &Session) -> &str {
    session.model.notices.current().map_or("", |notice| &notice.text)
}

#[test]
fn what_comes_back_is_what_the_next_key_is_about() {
    let mut session = Session::new();
    session.press("j d b enter");
    assert_eq!(session.model.queue.selected, Some(Item::Event(3)), "the next one is selected");
    session.press("u");
    assert_eq!(session.model.targets(), [2]);
    // Several are marked again.
    session.press("g g j j space j space d b enter u");
    assert_eq!(session.model.queue.marks.iter().copied().collect::<Vec<_>>(), [3, 5]);
    // Beside the list too, where the event is on show.
    session.press("esc g g enter d b enter u");
    assert_eq!((session.model.targets(), session.model.detail.wanted), (vec![1], Some(1)));
}

#[test]
fn that_the_vendor_was_told_is_said_of_what_it_was_told_of() {
    let mut session = Session::new();
    session.press("j d f w tab enter").press("g g d b enter");
    session.press("u");
    assert_eq!(notice(&session), "Taken back: 1 event", "nobody was told of this one");
    session.press("u");
    assert!(notice(&session).starts_with("Taken back: 1 event; the vendor was told: W tells it this too"), "{}", notice(&session));
}

#[test]
fn what_waits_to_tell_the_vendor_is_taken_back_with_its_verdict() {
    let mut session = Session::new();
    session.press("j d b enter");
    let call = Call { connection: "wiz-prod".into(), vendor: "wiz".into(), ..Call::default() };
    let about = |id, events: &[i64], standing| crate::core::outbox::Letter {
        events: events.to_vec(),
        call: Some(call.clone()),
        standing,
        ..letter(id, "Set RESOLVED at Wiz", "wiz-prod", "update-issues")
    };
    let letters = vec![about(1, &[2], Standing::Waiting), about(2, &[2, 9], Standing::Waiting), about(3, &[2], Standing::Sent)];
    session.letters.clone_from(&letters);
    session.send(Message::Outbox(Ok(letters)));
    session.press("u");
    let back = session.asked_for(|effect| matches!(effect, Effect::TakeBack(_)));
    assert_eq!(back, [Effect::TakeBack(1)], "one that is about others too stays");
    assert!(session.model.notices.list.iter().any(|notice| notice.text.ends_with("what waited to be sent of it is taken back too")));
}

#[test]
fn what_could_not_be_taken_back_takes_nothing_else_back() {
    let mut session = Session::new();
    session.press("j d b enter");
    let call = Call { connection: "wiz-prod".into(), vendor: "wiz".into(), ..Call::default() };
    let waiting = crate::core::outbox::Letter { call: Some(call), ..letter(1, "Set RESOLVED at Wiz", "wiz-prod", "update-issues") };
    session.send(Message::Outbox(Ok(vec![waiting]))).type_ahead("u");
    let restore = session.open.iter().find_map(|effect| if let Effect::Restore(before) = effect { Some(before.clone()) } else { None });
    let selected = session.model.queue.selected.clone();
    session.open.clear();
    session.send(Message::Decided(Decided::Restored(restore.unwrap()), Vec::new(), Some("The disk is full.".into())));
    assert!(session.asked_for(|effect| matches!(effect, Effect::TakeBack(_))).is_empty());
    assert_eq!((session.model.queue.selected.clone(), notice(&session)), (selected, "Not recorded: The disk is full."));
}

#[test]
fn a_way_back_that_was_put_away_is_offered_again_until_it_was_gone() {
    let mut session = Session::new();
    session.press("d b enter u").press("a").text("iso").press("enter enter").wait(801);
    session.text("1 host").press("enter");
    for _ in 0..2 {
        session.press("esc u");
        let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("{:?}", session.model.layers) };
        assert_eq!((form.command.name.as_str(), form.fields[0].text().as_str()), ("end-isolation", "dev-7"));
    }
    session.press("enter").wait(801);
    session.press("y");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::Run(_, ready) if ready.command == "end-isolation")).len(), 1);
    let undo = session.model.undo.len();
    session.press("esc u");
    assert!(!matches!(session.model.layers.last(), Some(Layer::Form(form)) if form.command.name == "end-isolation"), "{undo}");
}

#[test]
fn an_outcome_offers_its_own_way_back_where_it_is_on_show() {
    let mut session = Session::new();
    session.press("a").text("iso").press("enter enter").wait(801);
    session.text("1 host").press("enter");
    assert!(matches!(session.model.layers.last(), Some(Layer::Outcome(_))));
    // What was decided since is not what the page is about.
    let outcome = session.model.layers.pop().unwrap();
    session.press("j d b enter");
    session.model.layers.push(outcome);
    session.press("u");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("{}", notice(&session)) };
    assert_eq!(form.command.name, "end-isolation");
    session.press("enter").wait(801);
    session.press("y");
    assert!(matches!(session.model.layers.last(), Some(Layer::Outcome(_))));
    session.press("u");
    assert_eq!(notice(&session), "Undo: nothing takes this back from here; esc goes back");
    session.press("g n u");
    assert!(notice(&session).starts_with("Undo: nothing takes this back"), "a page of text is nothing that was done");
    assert_eq!(session.model.undo.len(), 1, "the verdict is there still");
}
