//! What is typed as a note stays a note: it tells nobody, and it is not lost.

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
