//! What is typed as a note stays a note: it tells nobody, and it is not lost.

use super::super::model::Tell;
use super::*;

fn told(session: &Session) -> bool {
    !session.asked_for(|effect| matches!(effect, Effect::Tell(..))).is_empty()
}

#[test]
fn a_note_that_begins_like_a_key_is_a_note_and_tells_no_vendor() {
    for note in ["was announced by IT", "www.example.com is ours", "w1", "10.0.0.5 is our scanner", "1st level knows it", ".net update"] {
        let mut session = Session::new();
        session.press("d b").text("Known.").press("enter d f").text(note).press("enter");
        let closed = Effect::Decide(vec![2], Change::Close(Disposition::FalsePositive, note.into()));
        assert_eq!(decisions(&session)[1], closed);
        assert!(!told(&session), "{note} was taken for a key");
    }
    let mut session = Session::new();
    session.press("j d f w enter");
    assert!(told(&session), "it was meant");
    assert_eq!(session.model.meter.decisions[0].keys, 5, "one to go there, four to close and tell");
}

#[test]
fn pasted_lines_are_not_glued() {
    let (pasted, line) = ("first line\rsecond line 10.0.0.1", "first line second line 10.0.0.1");
    let paste = |keys: &str| {
        let mut session = Session::new();
        session.press(keys).send(Message::Paste(pasted.into()));
        session
    };
    let mut session = paste("m");
    session.press("enter");
    assert_eq!(decisions(&session), [Effect::Decide(vec![1], Change::Note(line.into()))]);
    let mut session = paste("d b");
    session.press("enter");
    assert_eq!(decisions(&session), [Effect::Decide(vec![1], Change::Close(Disposition::Benign, line.into()))]);
    let mut session = paste("/ ctrl-u");
    session.press("enter");
    assert_eq!(session.model.queue.view.query, line);
    // A field of several lines keeps them.
    let session = paste("a i s o enter tab");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert_eq!(form.fields[1].text(), pasted.replace('\r', "\n"));
}

#[test]
fn the_same_again_tells_no_vendor_and_says_so() {
    let mut session = Session::new();
    session.press("j d f w enter");
    let tells = |session: &Session| session.asked_for(|effect| matches!(effect, Effect::Tell(..))).len();
    assert_eq!(tells(&session), 1);
    // Both ways to repeat it are the same: the verdict and the note, here.
    session.model.queue.selected = Some(Item::Event(9));
    session.press(".");
    assert_eq!(decisions(&session)[1], Effect::Decide(vec![9], Change::Close(Disposition::FalsePositive, String::new())));
    assert!(session.model.notices.current().is_some_and(|notice| notice.text.ends_with("the vendor was not told again: W tells it")));
    session.model.queue.selected = Some(Item::Event(10));
    session.press("d . enter");
    assert_eq!(decisions(&session).len(), 3);
    assert_eq!(tells(&session), 1, "no vendor hears of it by a key that shows nothing before");
    assert!(session.model.notices.current().is_some_and(|notice| !notice.text.contains("vendor")));
    // Where vendors are always told, it is no surprise.
    let mut setup = setup();
    setup.tell = Tell::Always;
    let mut session = Session::with(setup, events());
    session.press("d f enter .");
    assert_eq!(tells(&session), 1, "the second one is Wiz's");
}

#[test]
fn a_note_that_was_put_away_comes_back_for_the_same_event() {
    let mut session = Session::new();
    session.press("m").text("half a thou").press("esc j m");
    let line = |session: &Session| match session.model.layers.last() {
        Some(Layer::Prompt(prompt)) => prompt.line.text(),
        other => panic!("{other:?}"),
    };
    assert_eq!(line(&session), "", "this is another event");
    session.press("esc k m").text("ght").press("enter");
    assert_eq!(decisions(&session), [Effect::Decide(vec![1], Change::Note("half a thought".into()))]);
    session.press("m");
    assert_eq!(line(&session), "", "it was written");
    // A verdict's note too, its verdict with it; but nobody is told.
    session.press("esc j d f w right").text("needs a look").press("esc d");
    let Some(Layer::Dispose(dispose)) = session.model.layers.last() else { panic!("no sheet") };
    assert_eq!((dispose.note.text().as_str(), dispose.tell), ("needs a look", false));
    session.press("enter");
    assert_eq!(decisions(&session)[1], Effect::Decide(vec![2], Change::Close(Disposition::FalsePositive, "needs a look".into())));
    assert!(!told(&session));
}
