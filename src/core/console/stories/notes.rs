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
