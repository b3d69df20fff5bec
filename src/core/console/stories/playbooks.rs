//! Playbooks in the console: chosen, filled in, seen as a dry run, confirmed, run, taken back; and recorded.

use serde_json::json;

use super::names::nameless;
use crate::core::catalogue::Given;
use crate::core::console::confirm::Need;
use crate::core::console::effect::Effect;
use crate::core::console::layer::Layer;
use crate::core::console::message::Message;
use crate::core::console::play::Sheet;
use crate::core::console::session::{Session, events, setup};
use crate::core::console::task::State;
use crate::core::outcome::ReturnData;
use crate::core::playbook::{Fate, to_toml};

fn sheet(session: &Session) -> &Sheet {
    match session.model.layers.iter().rev().find(|layer| matches!(layer, Layer::Sheet(_) | Layer::Form(_))) {
        Some(Layer::Sheet(sheet)) => sheet,
        other => panic!("no dry run: {other:?}"),
    }
}

fn plays(session: &Session) -> Vec<Effect> {
    session.asked_for(|effect| matches!(effect, Effect::Play(..)))
}

fn notice(session: &Session) -> &str {
    session.model.notices.list.last().map_or("", |notice| &notice.text)
}

#[test]
fn the_playbooks_of_an_event_are_listed_best_first_and_the_palette_has_all() {
    let mut session = Session::new();
    session.press("P");
    let Some(Layer::Chooser(chooser)) = session.model.layers.last() else { panic!("no list") };
    let titles: Vec<&str> = chooser.choices.iter().map(|choice| choice.title.as_str()).collect();
    assert_eq!(titles, ["Contain a host", "Reject an issue", "Record what was done on this event"]);
    assert_eq!((chooser.choices[0].note.as_str(), chooser.choices[0].hint.as_str()), ("3 steps · fills devices", "playbook"));
    session.press("esc j P");
    let Some(Layer::Chooser(chooser)) = session.model.layers.last() else { panic!("no list") };
    assert_eq!(chooser.choices[0].title, "Reject an issue");
    assert_eq!(chooser.choices[1].note, "3 steps · asks for devices");
    session.press("esc k :").text("contain").press("enter");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert_eq!((form.fields[0].text().as_str(), form.fields[0].origin.as_deref()), ("dev-7", Some("from the event")));
    session.press("esc space j space P");
    assert!(notice(&session).contains("a playbook is for one event; 2 are chosen"), "{}", notice(&session));
}

#[test]
fn a_dry_run_comes_first_and_shows_each_step_with_its_targets_and_way_back() {
    let mut session = Session::new();
    session.press("P enter enter");
    let shown = sheet(&session);
    assert!(plays(&session).is_empty(), "nothing is run yet");
    let [look, isolate, close] = &shown.steps[..] else { panic!("{:?}", shown.steps) };
    assert_eq!((look.connection.as_str(), &look.fate), ("eset-eu", &Fate::Run));
    assert_eq!((isolate.targets.as_slice(), isolate.noun), (&["ws-danaw-07".to_owned()][..], "host"));
    assert_eq!(isolate.way_back.as_deref(), Some("End Isolation, while the device answers"));
    assert_eq!(
        (isolate.pending.as_slice(), &isolate.arguments["comment"]),
        (&["look".to_owned()][..], &json!("of ${steps.look.$.devices[0].uuid}"))
    );
    assert_eq!(close.connection, "nightdesk");
    // The exact requests of the selected step, on demand.
    session.press("j enter");
    let plans = session.asked_for(|effect| matches!(effect, Effect::Plan { .. }));
    let [Effect::Plan { command, given, .. }] = &plans[..] else { panic!("{plans:?}") };
    assert_eq!((command.as_str(), &given[0].1), ("isolate-endpoints", &Given::Json(json!("dev-7"))));
    session.press("esc esc");
    assert!(matches!(session.model.layers.last(), Some(Layer::Form(_))), "the inputs can still be mended");
}

#[test]
fn a_playbook_is_confirmed_as_its_furthest_step_and_its_results_feed_the_next() {
    let mut session = Session::new();
    session.press("P enter enter ctrl-s");
    let Some(Layer::Confirm(confirm)) = session.model.layers.last() else { panic!("no question") };
    assert_eq!(confirm.need, Need::Text("1 host".into()));
    assert!(confirm.lines.iter().any(|line| line.contains("isolate: Isolate Endpoints on eset-eu")), "{:?}", confirm.lines);
    assert!(confirm.lines.iter().any(|line| line.contains("End Isolation")), "{:?}", confirm.lines);
    session.text("1 host").press("enter");
    assert!(plays(&session).is_empty(), "what is typed before it could be read does not count");
    session.wait(801).text("1 host").press("enter");
    assert!(matches!(&plays(&session)[..], [Effect::Play(_, play)] if play.run.event().is_some_and(|event| event.id == 1)));
    assert!(matches!(session.model.layers.as_slice(), [Layer::Outcome(_)]), "{:?}", session.model.layers);
    // The whole, and below it each step with what it gave back.
    let titles: Vec<&str> = session.model.tasks.list.iter().map(|task| task.title.as_str()).collect();
    assert_eq!(titles[0], "Playbook Contain a host");
    let isolated = session.model.tasks.list.iter().find(|task| task.command == "isolate-endpoints").unwrap();
    assert_eq!((&isolated.arguments["comment"], &isolated.state), (&json!("of dev-7"), &State::Ended(ReturnData::Successful)));
    assert_eq!(isolated.events, [1]);
    // The last done is taken back first: the verdict, then the isolation.
    session.press("esc u");
    assert!(matches!(session.asked_for(|effect| matches!(effect, Effect::Restore(_))).as_slice(), [_]));
    session.press("u");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert_eq!((form.command.name.as_str(), form.fields[0].text().as_str()), ("end-isolation", "dev-7"));
}

#[test]
fn a_failed_step_ends_it_and_what_was_done_can_be_taken_back() {
    let mut session = Session::new();
    session.failing = vec!["close".into()];
    session.press("P enter enter ctrl-s").wait(801).text("1 host").press("enter");
    let whole = session.model.tasks.list.iter().find(|task| task.title == "Playbook Contain a host").unwrap();
    assert_eq!(whole.state, State::Ended(ReturnData::PartiallySuccessful));
    // On its outcome already.
    session.press("u");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert_eq!(form.command.name, "end-isolation", "a decision that failed is none");
    session.press("esc esc u");
    assert!(matches!(session.model.layers.last(), Some(Layer::Form(form)) if form.command.name == "end-isolation"), "and beside it");
}

#[test]
fn what_only_reads_or_is_reversible_needs_less_and_a_read_only_console_runs_nothing() {
    let mut session = Session::new();
    session.press("j P enter enter ctrl-s").wait(801);
    let Some(Layer::Confirm(confirm)) = session.model.layers.last() else { panic!("no question") };
    assert_eq!(confirm.need, Need::Key);
    session.press("y");
    assert_eq!(plays(&session).len(), 1);

    let mut session = Session::with(crate::core::console::model::Setup { read_only: true, ..setup() }, events());
    session.press("P enter enter ctrl-s");
    assert_eq!(sheet(&session).steps[1].fate, Fate::Blocked("the console is read-only".into()));
    assert!(notice(&session).contains("Step isolate cannot be run, so nothing is"), "{}", notice(&session));
    assert!(plays(&session).is_empty());
}

#[test]
fn an_input_that_is_missing_is_asked_for_where_it_is_typed_and_several_connections_are_chosen_from() {
    let mut session = Session::new();
    session.press("j P").text("contain").press("enter enter");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert!(form.fields[0].error.is_some());
    session.press("esc");

    let mut setup = setup();
    let mut other = setup.connected[0].clone();
    other.name = "eset-us".into();
    setup.connected.push(other);
    let mut session = Session::with(setup, events());
    session.press("P enter");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert_eq!(form.fields[1].text(), "eset-eu", "the connection that brought the event");
    session.press("tab space enter");
    assert!(sheet(&session).steps.iter().take(2).all(|step| step.connection == "eset-us"));
}

#[test]
fn what_is_done_is_recorded_and_runs_again_on_another_event() {
    let mut session = Session::new();
    session.press("j j Q");
    assert!(session.model.recording.is_some());
    session.press("a").text("iso").press("enter enter").wait(801).text("1 host").press("enter esc");
    session.press("m").text("cut off").press("enter");
    session.press("d b enter u");
    session.press("k d t enter");
    assert_eq!(session.model.recording.as_ref().unwrap().done.len(), 3, "what was taken back was not done");
    session.press("Q").text("contain").press("enter");
    let Some(Layer::Prompt(prompt)) = session.model.layers.last() else { panic!("no prompt") };
    assert!(prompt.error.as_ref().unwrap().contains("there is a playbook contain already"));
    session.press("ctrl-u").text("cut off").press("enter");
    assert!(session.model.recording.is_none());
    let kept = session.asked_for(|effect| matches!(effect, Effect::KeepPlaybook(_)));
    let [Effect::KeepPlaybook(playbook)] = &kept[..] else { panic!("{kept:?}") };
    let text = to_toml(playbook);
    for part in [
        "name = \"cut-off\"",
        "from = [\"device\"]",
        "device_uuids = [\"[Input.device]\"]",
        "vendor = \"nightdesk\"",
        "disposition = \"true_positive\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // It is in the palette at once, and is for another event as well.
    session.press("j j j :").text("cut off").press("enter enter");
    assert_eq!(sheet(&session).steps.len(), 3);
    assert_ne!(sheet(&session).steps[0].targets, ["ws-3"]);
}

#[test]
fn a_recording_of_nothing_is_none_and_one_that_cannot_be_saved_goes_on() {
    let mut session = Session::new();
    session.press("Q Q");
    assert!(session.model.recording.is_none());
    session.press("Q t Q").text("mine").press("esc");
    assert_eq!(session.model.recording.as_ref().unwrap().done.len(), 1, "it goes on");
    session.press("P").text("record what").press("enter").text("from the record").press("enter");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::RecordEvent(..))), [Effect::RecordEvent(1, "from-the-record".into())]);
    assert!(notice(&session).contains("no command was run on this event yet"));
    assert!(session.model.recording.is_some());
}

#[test]
fn the_inputs_and_the_dry_run_show_the_names_of_ids_where_a_step_knows_who_tells_them() {
    let mut session = nameless();
    session.press("P").text("contain").type_ahead("enter");
    let asks = session.asked_for(|effect| matches!(effect, Effect::Name { .. }));
    let [Effect::Name { connection, pick, asked, .. }] = &asks[..] else { panic!("{asks:?}") };
    assert_eq!(
        (connection.as_str(), pick.command.as_str(), asked.values.as_slice()),
        ("eset-eu", "list-devices", &["dev-7".to_owned()][..])
    );
    session.settle();
    session.press("ctrl-s");
    assert_eq!(sheet(&session).target("dev-7").to_string(), "dev-7.example (dev-7)");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::Name { .. })).len(), 1, "a name is asked for once");
    session.press("ctrl-s");
    let Some(Layer::Confirm(confirm)) = session.model.layers.last() else { panic!("no question") };
    assert!(confirm.lines.iter().any(|line| line.contains("dev-7.example (dev-7)")), "{:?}", confirm.lines);
}

#[test]
fn names_that_come_late_stand_in_the_question_that_is_open_already() {
    let mut session = nameless();
    session.press("P").text("contain").type_ahead("enter");
    let asks = session.asked_for(|effect| matches!(effect, Effect::Name { .. }));
    let [Effect::Name { form, field, .. }] = &asks[..] else { panic!("{asks:?}") };
    let (form, field) = (*form, field.clone());
    session.open.clear();
    session.type_ahead("ctrl-s ctrl-s 1");
    let asked = |session: &Session| match session.model.layers.last() {
        Some(Layer::Confirm(confirm)) => confirm.lines.join("\n"),
        other => panic!("no question: {other:?}"),
    };
    assert!(asked(&session).contains("    dev-7\n"), "{}", asked(&session));
    session.send(Message::Names(form, field, Ok(vec![("dev-7".into(), "ws-danaw-07".into())])));
    assert!(asked(&session).contains("    ws-danaw-07 (dev-7)\n"), "{}", asked(&session));
    assert_eq!(sheet(&session).target("dev-7").to_string(), "ws-danaw-07 (dev-7)");
}
