//! Stories of documents: decoded values, paths, times, columns, revisions, letters to jump by.

use serde_json::json;

use crate::core::console::effect::Effect;
use crate::core::console::explorer::Face;
use crate::core::console::layer::{Layer, Page};
use crate::core::console::message::Message;
use crate::core::console::model::Pane;
use crate::core::console::queue::Item;
use crate::core::console::reading::Reading;
use crate::core::console::session::{Session, events, setup};

/// A console on an event whose record hides something in each value.
pub(crate) fn hiding() -> Session {
    let mut events = events();
    events[0].revisions = 3;
    events[0].event.raw = json!({
        "command": "dwBoAG8AYQBtAGkA", "details": "{\"ips\":[\"10.0.0.1\"],\"more\":\"eyJkZWVwIjoxfQ==\"}", "at": 1_751_457_600,
        "seen": "2026-07-02T11:30:00Z", "rows": [{"a": 1, "b": "x", "c": true}, {"a": 2, "b": "y"}],
    });
    Session::with(setup(), events)
}

fn reading(session: &Session) -> &Reading {
    match session.model.layers.last() {
        Some(Layer::Document(reading)) => reading,
        other => panic!("no document on top: {other:?}"),
    }
}

#[test]
fn what_a_value_hides_opens_on_top_and_escape_goes_back() {
    let mut session = hiding();
    session.press("enter ] ] ] / c o m m a n d enter D");
    assert!(matches!(session.model.layers.last(), Some(Layer::Page(Page { lines, .. })) if lines == &["whoami"]));
    session.press("esc / d e t a i l s enter D");
    assert_eq!(reading(&session).title, "$.details: JSON in a string");
    // And what is hidden in that.
    session.press("G D");
    assert_eq!((reading(&session).title.as_str(), session.model.layers.len()), ("$.more: Base64", 2));
    session.press("j y y");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::Copy(_))), [Effect::Copy("1".into())]);
    session.press("esc esc");
    assert!(session.model.layers.is_empty() && session.model.focus == Pane::Record);
    session.press("/ a t enter D");
    assert!(session.model.layers.is_empty(), "a number hides nothing");
}

#[test]
fn a_whole_path_can_be_put_in_behind_the_beginning() {
    let mut session = hiding();
    session.press("enter ] ] ] $").text("$.rows[0].a").press("enter");
    assert_eq!(reading(&session).title, "$.rows[0].a");
}

#[test]
fn a_path_opens_what_it_picks_and_is_mended_where_it_was_typed() {
    let mut session = hiding();
    session.press("enter ] ] ] $").text("rows[").press("enter");
    let Some(Layer::Prompt(prompt)) = session.model.layers.last() else { panic!("the line is gone") };
    assert!(prompt.error.as_ref().unwrap().contains("JSONPath"), "{:?}", prompt.error);
    session.text("*].a").press("enter");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::Extract(_, path) if path == "$.rows[*].a")).len(), 1);
    let found = reading(&session);
    assert_eq!(found.explorer.document.compact(found.explorer.document.root().unwrap()), r#"{"$.rows[0].a":1,"$.rows[1].a":2}"#);
    session.press("G y p");
    assert_eq!(session.asked.last(), Some(&Effect::Copy("$.rows[1].a".into())), "the path in the document that it came from");
    // A document on top is written, piped and searched like any other.
    session.press("w enter");
    assert!(matches!(session.asked.last(), Some(Effect::Save(_, text)) if text.parts().any(|part| part.contains("$.rows[1].a"))));
}

#[test]
fn columns_are_ticked_and_moved_in_a_list() {
    let mut session = hiding();
    session.press("enter ] ] ] ] C j space");
    let titles = |session: &Session| -> Vec<String> {
        let grid = session.model.detail.shown.as_ref().unwrap().explorer.grid.as_ref().unwrap();
        grid.table.shown().map(crate::core::json::Field::title).collect()
    };
    assert_eq!(titles(&session), ["a", "c"]);
    session.press("space K");
    assert_eq!(titles(&session), ["b", "a", "c"]);
    session.press("esc l l");
    assert!(session.model.layers.is_empty());
    session.press("enter");
    assert_eq!(reading(&session).title, "$.rows[0]", "enter opens the row");
}

#[test]
fn what_a_revision_changed_is_one_key_or_chosen_in_the_history() {
    let mut session = hiding();
    session.press("enter R");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::Changes(..))), [Effect::Changes(1, 3)]);
    assert_eq!((reading(&session).face, reading(&session).explorer.grid.as_ref().unwrap().table.len()), (Face::Table, 1));
    session.press("esc [ j enter");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::Changes(..)))[1], Effect::Changes(1, 2));
    session.press("esc j enter");
    assert!(session.model.layers.is_empty(), "before the first there is nothing");
    session.press("2 j enter R");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::Changes(..))).len(), 2, "an event that came once has no changes");
}

#[test]
fn a_letter_goes_to_its_row_in_every_list() {
    let mut session = Session::new();
    session.press("' d");
    assert_eq!(session.model.queue.selected, Some(Item::Event(3)), "asd: the third row");
    session.press("' a");
    assert_eq!(session.model.queue.selected, Some(Item::Event(1)));
    // A paste or a key that is no letter takes the letters away and does nothing.
    session.press("' esc");
    assert!(!session.model.jumping);
    session.press("'").send(Message::Paste("d".into()));
    assert_eq!((session.model.jumping, &session.model.queue.selected), (false, &Some(Item::Event(1))));
    session.press("enter ] ] ] ' s y p");
    assert_eq!(session.asked.last(), Some(&Effect::Copy("$.id".into())));
    session.press("1 ' s");
    assert_eq!(session.model.connection.as_deref(), Some("wiz-prod"));
    session.press("? '");
    assert!(!session.model.jumping, "a page of text has no rows");
}
