//! JSON bodies in forms: a sketch to begin with, checked as it is typed, nothing sent that nobody said.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::core::catalogue::{Class, Command, Entry, Given, Parameter, Type};
use crate::core::console::effect::Effect;
use crate::core::console::form::{Field, Form};
use crate::core::console::layer::Layer;
use crate::core::console::message::Message;
use crate::core::console::run;
use crate::core::console::session::{Session, events, setup};
use crate::core::outcome::{Outcome, ReturnData};
use crate::core::schema::tests::action;

/// A console with the form of a command open that takes a nested body.
pub(crate) fn session() -> Session {
    let command = Command::new("Act On It", "Does one thing about it.", |_, _, _| async { Outcome::new(ReturnData::Successful) });
    let mut action = Parameter::new("Action", Type::Object { schema: Some(action()) }, "What is done.").required();
    action.place = "body".into();
    let note = Parameter::new("Reason", Type::TEXT, "Why.");
    let mut setup = setup();
    let commands = vec![command.class(Class::REVERSIBLE).parameter(action).parameter(note)];
    setup.connected[0].entry = Arc::new(Entry { commands, ..Entry::default() });
    let mut session = Session::with(setup, events());
    let effects = run::open_form(&mut session.model, "eset-eu", "act-on-it", &[], &Map::new());
    session.open.extend(effects);
    session.settle();
    session
}

fn form(session: &Session) -> &Form {
    match session.model.layers.iter().find(|layer| matches!(layer, Layer::Form(_))) {
        Some(Layer::Form(form)) => form,
        other => panic!("{other:?}"),
    }
}

fn field(session: &Session) -> &Field {
    &form(session).fields[0]
}

fn faults(session: &Session) -> Vec<String> {
    field(session).body.as_ref().unwrap().faults.iter().map(ToString::to_string).collect()
}

fn help(session: &Session) -> String {
    let field = field(session);
    field.body.as_ref().unwrap().help(&field.text(), field.place()).unwrap_or_default()
}

fn runs(session: &Session) -> Vec<Value> {
    let runs = session.asked.iter().filter_map(|effect| if let Effect::Run(_, ready) = effect { Some(ready) } else { None });
    runs.flat_map(|ready| ready.given.iter().map(|(_, given)| if let Given::Json(value) = given { value.clone() } else { Value::Null }))
        .collect()
}

#[test]
fn what_must_be_there_is_filled_in_place_by_place() {
    let mut session = session();
    let open =
        ["3:13 $.note.text is required: text, at most 10 characters", "5:13 $.status is required: one of 1 OPEN, 2 BUSY, 3 CLOSED, 4 GONE"];
    assert_eq!(faults(&session), open);
    session.press("ctrl-s");
    let error = field(&session).error.clone().unwrap();
    assert!(error.contains("$.note.text is required") && error.contains("$.status is required"), "{error}");
    assert!(matches!(session.model.layers.last(), Some(Layer::Form(_))) && runs(&session).is_empty(), "nothing is asked or sent");
    session.press("ctrl-t");
    assert_eq!(help(&session), "$.note.text · Text · text, at most 10 characters · required · What is noted.");
    session.text("Seen by an analyst");
    assert!(faults(&session)[0].starts_with("3:13 $.note.text has 18 characters; at most 10 are allowed"), "{:?}", faults(&session));
    for _ in 0..14 {
        session.press("backspace");
    }
    session.press("ctrl-t ctrl-l").text("busy").press("enter");
    assert_eq!(field(&session).text(), "{\n  \"note\": {\n    \"text\": \"Seen\"\n  },\n  \"status\": 2\n}");
    assert_eq!(
        (faults(&session), help(&session)),
        (Vec::new(), "$.status · one of 1 OPEN, 2 BUSY, 3 CLOSED, 4 GONE · required · now 2 BUSY".into())
    );
    session.press("ctrl-t");
    assert!(session.model.notices.current().unwrap().text.contains("Nothing here is left"));
    session.press("ctrl-s").wait(801);
    session.press("y");
    assert_eq!(runs(&session), [json!({"note": {"text": "Seen"}, "status": 2})]);
}

#[test]
fn optional_fields_are_added_one_by_one_or_all_at_once_and_what_is_left_open_is_not_sent() {
    let mut session = session();
    session.press("ctrl-l");
    let Some(Layer::Chooser(chooser)) = session.model.layers.last() else { panic!("{:?}", session.model.layers) };
    let names: Vec<&str> = chooser.choices.iter().map(|choice| choice.id.as_str()).collect();
    assert_eq!(names, ["owner", "urgent", "tags", "token"], "what is there is not offered, nor what the vendor makes");
    session.text("urgent").press("enter").text("true");
    assert!(field(&session).text().contains("\"urgent\": true"), "{}", field(&session).text());
    session.press("ctrl-o");
    let text = field(&session).text();
    assert!(text.contains("\"uuid\": \"<uuid>\"") && text.contains("\"urgent\": true"), "{text}");
    // The cursor is at the first place to fill in.
    session.text("Seen").press("ctrl-t ctrl-t ctrl-l").text("closed").press("enter ctrl-s").wait(801);
    session.press("y");
    assert_eq!(runs(&session), [json!({"note": {"text": "Seen"}, "status": 3, "urgent": true})]);
}

#[test]
fn what_is_wrong_is_told_with_its_line_as_it_is_typed() {
    let mut session = session();
    session.press("ctrl-t").text("a\"");
    assert_eq!(faults(&session).len(), 1);
    assert!(faults(&session)[0].contains("not JSON"), "{:?}", faults(&session));
    session.press("ctrl-l");
    assert!(session.model.notices.current().unwrap().text.starts_with("Mend the JSON first"));
    session.press("ctrl-s");
    assert!(field(&session).error.as_ref().unwrap().contains("not a JSON object"), "{:?}", field(&session).error);
}

#[test]
fn a_sketch_that_nobody_touched_is_no_draft_and_no_secret_is_in_one() {
    let kept = |session: &Session| {
        let mut drafts = session
            .asked
            .iter()
            .filter_map(|effect| if let Effect::KeepDraft(_, _, values) = effect { Some(values.clone()) } else { None });
        drafts.next_back().unwrap()
    };
    let mut first = session();
    first.press("esc");
    assert_eq!(kept(&first), Map::new());
    let mut second = session();
    second.press("ctrl-o ctrl-t ctrl-t ctrl-t ctrl-t ctrl-t ctrl-t ctrl-t").text("hunter2");
    let text = field(&second).text();
    assert!(text.contains("hunter2"), "{text}");
    let body = field(&second).body.as_ref().unwrap();
    assert!(!body.masked(&text).contains("hunter2") && body.masked(&text).len() == text.len(), "it is not shown either");
    second.press("esc");
    let draft = kept(&second);
    assert!(draft["action"].as_str().unwrap().contains("<secret>") && !draft["action"].to_string().contains("hunter2"), "{draft:?}");
    // It comes back over what a form begins with.
    let mut third = session();
    let id = form(&third).id;
    third.send(Message::Draft(id, draft.clone()));
    assert_eq!(Value::from(field(&third).text()), draft["action"]);
}

#[test]
fn a_large_text_is_checked_when_typing_pauses_and_not_on_the_loop() {
    let mut session = session();
    let big = json!({"note": {"text": "x"}, "status": 1, "tags": vec!["tag"; 20_000]}).to_string();
    session.press("ctrl-o");
    let effects = |session: &Session| session.asked_for(|effect| matches!(effect, Effect::Check { .. }));
    session.send(Message::Paste(big));
    let due = Effect::Wake(form(&session).check_at.unwrap());
    assert!(session.asked.contains(&due) && effects(&session).is_empty());
    session.wait(401);
    session.send(Message::Tick);
    let [Effect::Check { form, field: name, revision, text, rules }] = &effects(&session)[..] else { panic!("not asked") };
    let found = crate::core::console::form::body::faults(text, rules);
    session.send(Message::Checked(*form, name.clone(), revision - 1, Vec::new()));
    assert!(!faults(&session).is_empty(), "an answer for another text is dropped");
    session.send(Message::Checked(*form, name.clone(), *revision, found));
    assert!(faults(&session)[0].contains("not JSON"), "{:?}", faults(&session));
}
