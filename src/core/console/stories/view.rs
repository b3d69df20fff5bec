//! A JSON document from a file or a pipe.

use crate::core::console::effect::{Effect, Source};
use crate::core::console::explore;
use crate::core::console::explorer::Face;
use crate::core::console::layer::Layer;
use crate::core::console::message::Message;
use crate::core::console::model::Setup;
use crate::core::console::reading::Reading;
use crate::core::console::session::{Session, setup};
use crate::core::console::work::{Arrived, Ticket};
use crate::core::json::Document;

/// A list of records, larger than what is worked on at once.
fn large() -> Vec<u8> {
    let records: Vec<String> = (0..6000).map(|n| format!(r#"{{"n":{n},"name":"record {n}","text":"{}"}}"#, "x".repeat(200))).collect();
    format!(r#"{{"records":[{}]}}"#, records.join(",")).into_bytes()
}

/// A console with nothing but a document that is still being read.
fn alone() -> (Session, Ticket) {
    let mut session = Session::with(Setup { connected: Vec::new(), alone: true, ..setup() }, Vec::new());
    session.open.clear();
    for effect in explore::open(&mut session.model, Source::Input) {
        session.open.push(effect);
    }
    let Some(Effect::Read(ticket, Source::Input)) = session.open.pop() else { panic!("nothing is read") };
    (session, ticket)
}

fn view(session: &Session) -> &Reading {
    match session.model.layers.first() {
        Some(Layer::Document(view)) => view,
        other => panic!("{other:?}"),
    }
}

fn progress(session: &Session) -> Option<&str> {
    view(session).coming.as_ref().unwrap().progress.as_deref()
}

fn path(session: &Session) -> String {
    let view = view(session);
    view.explorer.path_text(view.face).unwrap_or_default()
}

#[test]
fn a_file_is_opened_in_the_console_and_closed_again() {
    let mut session = Session::new();
    session.press("g o").text("events.json").press("enter j l l");
    assert_eq!(path(&session), "$.events[0]");
    session.press("y p");
    assert_eq!(session.asked.last(), Some(&Effect::Copy("$.events[0]".into())));
    session.press("/").text("needle").press("enter n");
    assert_eq!(path(&session), "$.events[1].note");
    session.press("T ] ]");
    assert_eq!(view(&session).face, Face::Tree);
    session.press("w ctrl-u").text("out.json").press("enter");
    let Some(Effect::Save(name, text)) = session.asked.last() else { panic!("{:?}", session.asked.last()) };
    assert_eq!(name, "out.json");
    assert!(text.parts().collect::<String>().starts_with("{\n  \"events\": [\n"));
    session.press("y c");
    assert_eq!(session.asked.last(), Some(&Effect::Copy("nightdesk view events.json".into())));
    session.press("esc");
    assert!(session.model.layers.is_empty());
    session.press("g o").text("gone.json").press("enter");
    assert_eq!(view(&session).coming.as_ref().unwrap().fault.as_deref(), Some("gone.json: No such file or directory"));
}

#[test]
fn the_head_of_a_document_is_walked_while_the_rest_is_read() {
    let (mut session, ticket) = alone();
    let bytes = large();
    session.send(Message::Read(ticket.clone(), Arrived::Head(Document::head_of(&bytes[..50_000]))));
    session.send(Message::Read(ticket.clone(), Arrived::Progress("indexed 40 %".into())));
    session.press("j j l j j");
    assert_eq!(path(&session), "$.records[0].name");
    assert_eq!(progress(&session), Some("indexed 40 %"));
    session.send(Message::Read(ticket, Arrived::Whole(Document::parse(bytes))));
    assert_eq!(progress(&session), None);
    assert_eq!(path(&session), "$.records[0].name", "the cursor stays");
    session.press("G");
    assert_eq!(path(&session), "$.records[5999]");
    session.press("h h");
    assert_eq!(path(&session), "$.records", "folds stay");
}

#[test]
fn a_large_document_is_searched_away_from_the_loop_and_escape_stops_it() {
    let (mut session, ticket) = alone();
    session.send(Message::Read(ticket, Arrived::Whole(Document::parse(large()))));
    session.type_ahead("/ 5 9 9 9 enter");
    let Some(Effect::Work(work)) = session.open.pop() else { panic!("{:?}", session.open) };
    session.send(Message::Working(work.ticket.clone(), 40));
    assert_eq!(view(&session).explorer.pending.as_ref().map(|pending| pending.percent), Some(40));
    session.type_ahead("esc");
    assert!(!work.ticket.is_wanted(), "whoever searches may stop");
    assert!(matches!(session.model.layers[..], [Layer::Document(_)]));
    // What comes all the same is dropped.
    session.send(Message::Worked(work));
    assert_eq!(path(&session), "$");
    session.press("/").text("5999").press("enter");
    assert_eq!(path(&session), "$.records[5999].n");
    session.press("T s s");
    let sorted = view(&session).explorer.value_text(Face::Table);
    assert!(sorted.unwrap().contains("5999"));
}

#[test]
fn alone_with_a_document_nothing_leads_to_a_console_that_is_not_there() {
    let (mut session, ticket) = alone();
    session.press("1 2 3 4 tab g h g v esc");
    assert!(matches!(session.model.layers[..], [Layer::Document(_)]) && !session.model.leaving);
    session.press("g o").text("events.json").press("enter");
    assert_eq!(session.model.layers.len(), 2);
    session.press("q");
    assert!(!session.model.leaving);
    assert!(ticket.is_wanted());
    session.press("q");
    assert!(session.model.leaving && !ticket.is_wanted(), "the reading stops with its view");
}
