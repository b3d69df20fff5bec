//! Stories of the console: keys in, effects out.

mod add;
mod answers;
mod bodies;
mod cases;
mod drafts;
mod explorer;
mod names;
mod notes;
mod opening;
mod playbooks;
mod readme;
mod undo;
mod view;
mod views;
mod wrong;

pub(crate) use bodies::session as with_body;
pub(crate) use cases::with_case;
pub(crate) use explorer::hiding;
use std::collections::BTreeSet;

use serde_json::json;

use super::effect::Effect;
use super::keys::Key;
use super::layer::Layer;
use super::message::{Decided, Message};
use super::model::{OPEN, Pane};
use super::queue::Item;
use super::session::{Session, events, report, setup};
use super::task::{Stage, TaskId};
use crate::core::catalogue::{Given, Inverse};
use crate::core::event::{Disposition, Status};
use crate::core::outcome::{Follow, Outcome, ReturnData};
use crate::core::triage::Change;

fn decisions(session: &Session) -> Vec<Effect> {
    session.asked_for(|effect| matches!(effect, Effect::Decide(..) | Effect::Restore(..)))
}

#[test]
fn a_benign_event_is_closed_with_three_keys_and_the_next_one_selected() {
    let mut session = Session::new();
    session.press("d b enter");
    assert_eq!(decisions(&session), [Effect::Decide(vec![1], Change::Close(Disposition::Benign, String::new()))]);
    assert_eq!(session.model.queue.selected, Some(Item::Event(2)));
    assert_eq!(session.model.queue.total, 11);
    assert_eq!(session.model.meter.decisions[0].keys, 3);
}

#[test]
fn all_alike_are_closed_at_once_and_taken_back_with_one_key() {
    let mut session = Session::new();
    session.press("j j * d f tab enter");
    let [Effect::Decide(ids, Change::Close(Disposition::FalsePositive, note))] = &decisions(&session)[..] else {
        panic!("{:?}", decisions(&session))
    };
    assert_eq!(ids, &[3, 4, 5, 6, 7, 8]);
    assert!(!note.is_empty(), "tab puts a template in");
    assert!(session.model.queue.marks.is_empty());
    assert_eq!(session.model.queue.selected, Some(Item::Event(9)));
    session.press("u");
    assert_eq!(session.events.iter().filter(|event| event.status == Status::New).count(), 12);
}

#[test]
fn only_alike_lists_what_is_alike_whatever_its_title_holds() {
    let mut session = Session::new();
    // Titled alike, but of another rule.
    session.events[3].event.fields.insert("Rule name".into(), json!("A \"rare\" one"));
    session.send(Message::Changed).settle();
    session.press("j j *");
    let marked = session.model.queue.marks.clone();
    assert_eq!(marked.len(), 5);
    session.press("&").settle();
    let listed = |session: &Session| session.model.queue.rows.iter().map(|row| row.id).collect::<BTreeSet<_>>();
    assert_eq!(listed(&session), marked.into_iter().collect());
    session.press("esc j &").settle();
    assert_eq!(listed(&session), [4].into());
}

/// A console that was given two rows of twelve.
fn short() -> Session {
    let mut session = Session::new();
    session.most = Some(2);
    session.send(Message::Changed).settle();
    assert_eq!((session.model.queue.rows.len(), session.model.queue.total, session.model.queue.counted), (2, 12, true));
    session
}

#[test]
fn marks_reach_what_is_not_listed_and_keys_typed_ahead_wait_for_them() {
    let mut session = short();
    session.press("ctrl-a");
    assert_eq!(session.model.queue.marks.len(), 12, "all of the view");
    assert!(session.model.notices.list.iter().any(|notice| notice.text == "marked 12"));
    session.press("M").type_ahead("* d b enter").settle();
    assert_eq!(decisions(&session), [Effect::Decide(vec![1], Change::Close(Disposition::Benign, String::new()))], "one is alike");
    // Another view meanwhile: the marks are not for it.
    session.type_ahead("ctrl-a").model.queue.view.query = "disk".into();
    session.settle();
    assert!(session.model.queue.marks.is_empty() && !session.model.queue.marking);
}

#[test]
fn a_group_counts_unfolds_and_is_closed_whole_though_little_of_it_is_listed() {
    let mut session = short();
    session.press("=").text("rule").press("enter");
    let failed = "Failed sign-in from …";
    assert_eq!((session.model.queue.items().len(), session.model.queue.count(failed)), (4, 6));
    session.press("-");
    assert_eq!(session.model.queue.items()[..3], [Item::Group(failed.into()), Item::Event(3), Item::Event(4)]);
    session.press("-");
    assert_eq!(session.model.queue.items().len(), 4, "folded again");
    // The members were brought; a group of which they were not is marked first.
    session.press("j").type_ahead("d f enter").settle();
    let closed = Effect::Decide(vec![12, 11, 10, 9], Change::Close(Disposition::FalsePositive, String::new()));
    assert_eq!(decisions(&session), [closed]);
    session.press("u");
    assert!(session.events.iter().all(|event| event.status == Status::New), "what was not listed is taken back too");
}

#[test]
fn what_was_not_recorded_is_told_and_only_the_rest_taken_back() {
    let mut session = Session::new();
    session.press("v j v j v").type_ahead("d b enter u");
    assert!(session.asked_for(|effect| matches!(effect, Effect::Restore(_))).is_empty(), "it is not recorded yet");
    let what = Decided::Change(vec![1, 2, 3], Change::Close(Disposition::Benign, String::new()));
    session.open.clear();
    session.send(Message::Decided(what, vec![(1, Status::InProgress, None)], Some("the disk is full".into())));
    let last = session.model.notices.list.last().map(|notice| notice.text.clone());
    assert_eq!(last.as_deref(), Some("Recorded for 1 event only: the disk is full"));
    session.press("u");
    assert_eq!(session.asked_for(|effect| matches!(effect, Effect::Restore(_))), [Effect::Restore(vec![(1, Status::InProgress, None)])]);
}

#[test]
fn the_last_verdict_is_repeated_with_one_key() {
    let mut session = Session::new();
    session.press(".");
    assert!(decisions(&session).is_empty(), "there is nothing to repeat yet");
    session.press("d b").text("Known.").press("enter .");
    let again = Effect::Decide(vec![2], Change::Close(Disposition::Benign, "Known.".into()));
    assert_eq!(decisions(&session)[1], again);
    assert_eq!(session.model.meter.decisions[1].keys, 1);
}

#[test]
fn thirty_events_cost_at_most_six_keys_each_in_the_median() {
    let mut session = Session::new();
    session.press("d b enter d b enter * d f enter * d b enter");
    assert!(session.events.iter().all(|event| event.status == Status::Closed));
    assert!(session.model.meter.median_per_close().unwrap() <= 600);
}

#[test]
fn an_event_is_isolated_within_twenty_five_keys() {
    let mut session = Session::new();
    let before = session.model.meter.keys;
    session.press("a").text("iso").press("enter");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("{:?}", session.model.layers) };
    assert_eq!(form.fields[0].text(), "dev-7", "the event knows its device");
    session.press("enter");
    session.wait(801);
    session.text("1 host").press("enter");
    let runs = session.asked_for(|effect| matches!(effect, Effect::Run(..)));
    let [Effect::Run(_, ready)] = &runs[..] else { panic!("{runs:?}") };
    assert_eq!((ready.connection.as_str(), ready.command.as_str()), ("eset-eu", "isolate-endpoints"));
    assert_eq!(ready.given, [("device_uuids".to_owned(), Given::Text("dev-7".into()))]);
    let keys = session.model.meter.keys - before;
    assert!(keys <= 25, "{keys}");
    assert!(matches!(session.model.layers.last(), Some(Layer::Outcome(_))), "the outcome is on show");
    // And back: u offers the inverse with the same device.
    session.press("esc u");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert_eq!((form.command.name.as_str(), form.fields[0].text().as_str()), ("end-isolation", "dev-7"));
}

/// An isolation that its vendor has only accepted, and its task.
pub(crate) fn accepted() -> (Session, TaskId) {
    let mut setup = setup();
    let mut entry = (*setup.connected[0].entry).clone();
    entry.commands[0].recall = Some(Inverse {
        command: "list-devices".into(),
        arguments: |_, _| Some(serde_json::Map::new()),
        condition: "while it has not run".into(),
    });
    setup.connected[0].entry = std::sync::Arc::new(entry);
    let mut session = Session::with(setup, events());
    session.press("a").text("iso").press("enter enter").wait(801);
    session.text("1 host").type_ahead("enter");
    session.open.clear();
    let task = session.model.tasks.list[0].id;
    let mut outcome = Outcome::new(ReturnData::Successful);
    outcome.follow = Some(Follow {
        title: "Isolate".into(),
        command: "list-devices".into(),
        arguments: serde_json::Map::new(),
        state: String::new(),
        done: Vec::new(),
        failed: Vec::new(),
        ended: None,
        least: 1,
        expires_at: None,
    });
    session.send(Message::Ended(task, ReturnData::Successful, "Accepted.".into(), Some(Box::new(report(outcome)))));
    (session, task)
}

#[test]
fn what_was_only_accepted_is_taken_back_otherwise_than_what_ran() {
    let (mut session, task) = accepted();
    assert_eq!(session.model.tasks.list[0].stage, Some(Stage::Accepted));
    let form = |session: &Session| match session.model.layers.last() {
        Some(Layer::Form(form)) => form.command.name.clone(),
        other => panic!("{other:?}"),
    };
    session.settle().press("esc u");
    assert_eq!(form(&session), "list-devices", "it has not run yet");
    session.send(Message::Followed(Some(task), super::notice::Tone::Done, "Observed.".into()));
    assert_eq!(session.model.tasks.list[0].stage, Some(Stage::Observed { well: true }));
    session.press("esc u");
    assert_eq!(form(&session), "end-isolation", "now it has");
}

#[test]
fn keys_typed_ahead_of_the_lists_and_questions_do_what_they_would_have_done() {
    let mut session = Session::new();
    // All before the first answer: the list takes what was meant for it.
    session.type_ahead("a i s o enter").settle();
    assert!(matches!(session.model.layers.last(), Some(Layer::Form(_))));
    // But nothing typed ahead confirms.
    session.type_ahead("enter 1 space h o s t enter").settle();
    assert!(session.asked_for(|effect| matches!(effect, Effect::Run(..))).is_empty());
    let Some(Layer::Confirm(confirm)) = session.model.layers.last() else { panic!("no question") };
    assert!(confirm.line.is_empty());
}

#[test]
fn a_pivot_is_one_key_and_a_letter_and_escape_goes_back() {
    let mut session = Session::new();
    session.type_ahead("p i").settle();
    assert_eq!(session.model.queue.view.query, "ip:=\"10.0.0.7\"");
    assert_eq!(session.model.queue.total, 2);
    session.press("esc");
    assert_eq!(session.model.queue.view.query, OPEN);
    session.press("L");
    assert_eq!(session.model.queue.view.query, "ip:=\"10.0.0.7\"");
    session.press("H j p u");
    assert_eq!(session.model.queue.total, 7, "every event of that user, whatever the vendor");
}

#[test]
fn a_wrong_query_is_mended_where_it_was_typed() {
    let mut session = Session::new();
    session.press("/ ctrl-u").text("bad:x").press("enter");
    let Some(Layer::Prompt(prompt)) = session.model.layers.last() else { panic!("the prompt is gone") };
    assert!(prompt.error.as_ref().unwrap().contains("column 1"));
    assert_eq!(session.model.queue.view.query, OPEN, "the list is still the one before");
    session.press("ctrl-u").text("disk").press("enter");
    assert!(session.model.layers.is_empty());
    assert_eq!(session.model.queue.total, 4);
}

#[test]
fn a_paste_triggers_nothing() {
    let mut session = Session::new();
    let asked = session.asked.len();
    session.send(Message::Paste("dfi\n:quit\nq\u{1b}[31m".repeat(1000)));
    assert_eq!(session.asked.len(), asked);
    assert!(session.model.layers.is_empty() && !session.model.leaving);
    // In a question it types nothing either.
    session.press("a").text("iso").press("enter enter").wait(900);
    session.send(Message::Paste("1 host\n".into()));
    assert!(session.asked_for(|effect| matches!(effect, Effect::Run(..))).is_empty());
    let Some(Layer::Confirm(confirm)) = session.model.layers.last() else { panic!("no question") };
    assert!(confirm.line.is_empty());
}

#[test]
fn forms_say_what_is_wrong_where_it_is_wrong() {
    let mut session = Session::new();
    session.press("j a").text("update").press("enter");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert_eq!((form.fields[0].text().as_str(), form.at), ("key-2", 1), "filled from the record; the next to fill has the focus");
    session.press("enter");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert!(form.fields[1].error.is_some(), "a required field is missing");
    session.press("space space enter");
    session.wait(900).press("y");
    let runs = session.asked_for(|effect| matches!(effect, Effect::Run(..)));
    let [Effect::Run(_, ready)] = &runs[..] else { panic!("{runs:?}") };
    assert_eq!(ready.arguments.get("issue_status"), Some(&json!("Rejected")));
}

#[test]
fn a_preview_sends_nothing_and_a_pick_list_shows_names() {
    let mut session = Session::new();
    session.press("a").text("iso").press("enter ctrl-p");
    assert!(matches!(session.model.layers.last(), Some(Layer::Page(page)) if page.lines[0].contains("isolate")));
    session.press("esc");
    session.press("ctrl-l").text("ws-9").press("enter");
    let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("no form") };
    assert_eq!(form.fields[0].values(), ["dev-7", "dev-9"]);
    let (targets, noun) = form.targets();
    let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
    assert_eq!((targets, noun), (vec!["ws-danaw-07 (dev-7)".to_owned(), "ws-9 (dev-9)".to_owned()], "host"));
    assert!(session.asked_for(|effect| matches!(effect, Effect::Run(..))).is_empty());
}

#[test]
fn what_a_vendor_does_not_allow_is_shown_with_its_reason() {
    let mut setup = setup();
    setup.connected[0].read_only = true;
    let mut session = Session::with(setup, events());
    session.press("a");
    let Some(Layer::Chooser(chooser)) = session.model.layers.last() else { panic!("no list") };
    let isolate = chooser.choices.iter().find(|choice| choice.title == "Isolate Endpoints").unwrap();
    assert!(isolate.reason.as_ref().unwrap().contains("read-only"));
    session.text("isolate endp").press("enter");
    assert!(matches!(session.model.layers.last(), Some(Layer::Chooser(_))), "it cannot be chosen");
}

#[test]
fn escape_always_goes_back_and_never_leaves() {
    let mut session = Session::new();
    session.press("space enter ] ? esc esc esc esc esc esc");
    assert!(session.model.layers.is_empty() && !session.model.leaving);
    assert_eq!(session.model.focus, Pane::Queue);
}

#[test]
fn escape_and_a_letter_in_one_packet_are_escape_and_that_letter() {
    let mut session = Session::new();
    session.press("? alt-/");
    assert!(matches!(session.model.layers.as_slice(), [Layer::Prompt(_)]), "help is closed and the filter open");
    session.press("esc ? g alt-q");
    assert!(session.model.layers.is_empty() && !session.model.leaving, "escape takes the chord back, and q closes the page");
    session.press("alt-q");
    assert!(session.model.leaving);
}

#[test]
fn leaving_asks_only_when_something_runs_and_names_it() {
    let mut session = Session::new();
    session.type_ahead("f q");
    let Some(Layer::Confirm(confirm)) = session.model.layers.last() else { panic!("no question") };
    assert!(confirm.lines.iter().any(|line| line.contains("Fetch eset-eu")), "{:?}", confirm.lines);
    session.type_ahead("esc").settle().type_ahead("q");
    assert!(session.model.leaving);
    assert_eq!(session.asked.last(), Some(&Effect::Quit));
}

#[test]
fn answers_that_nobody_wants_any_more_are_dropped() {
    let mut session = Session::new();
    session.type_ahead("enter");
    session.press("esc");
    session.send(Message::Rows(0, Err("late".into())));
    assert_eq!(session.model.queue.fault, None);
    session.send(Message::Ended(99, crate::core::outcome::ReturnData::Failed, "late".into(), None));
    assert!(session.model.notices.list.iter().all(|notice| !notice.text.contains("late")));
}

#[test]
fn a_session_comes_back_at_the_same_row_and_nothing_is_armed() {
    let mut session = Session::new();
    session.press("j j enter ] ]");
    session.press("a").text("iso").press("enter enter");
    assert!(matches!(session.model.layers.last(), Some(Layer::Confirm(_))));
    let kept = super::resume::session(&session.model);
    let mut back = Session::new();
    super::resume::resume(&mut back.model, &kept);
    let list = back.model.list();
    back.open.push(list);
    back.settle();
    assert_eq!(back.model.queue.selected, Some(Item::Event(3)));
    assert_eq!((back.model.focus, back.model.detail.tab), (Pane::Record, super::detail::Tab::Entities));
    let [Layer::Form(form)] = &back.model.layers[..] else { panic!("{:?}", back.model.layers) };
    assert_eq!((form.fields[0].text().as_str(), &form.events[..]), ("dev-3", &[3][..]), "the form is there, its question is not");
}

#[test]
fn what_is_typed_is_kept_when_the_typing_pauses() {
    let mut session = Session::new();
    let kept = |session: &Session| session.asked_for(|effect| matches!(effect, Effect::Keep(_))).len();
    session.press("j j m").text("Seen bef");
    session.wait(1_500).send(Message::Tick);
    assert_eq!(kept(&session), 0, "half a word");
    session.text("ore").wait(1_500).send(Message::Tick);
    assert_eq!(kept(&session), 0, "the pause begins anew with every key");
    session.wait(501).send(Message::Tick);
    let asked = session.asked_for(|effect| matches!(effect, Effect::Keep(_)));
    assert!(matches!(&asked[..], [Effect::Keep(state)] if state["typing"]["note"] == "Seen before"), "{asked:?}");
    session.wait(60_000).send(Message::Tick);
    assert_eq!(kept(&session), 1, "once");
    session.press("esc j").wait(60_000).send(Message::Tick);
    assert_eq!(kept(&session), 1, "going about the list is no typing");
}

#[test]
fn the_tree_is_folded_searched_and_copied_from() {
    let mut session = Session::new();
    session.press("enter ] ] ] / n e e d l e enter y v y p");
    session.press("y y y p");
    let copied = session.asked_for(|effect| matches!(effect, Effect::Copy(_)));
    assert_eq!(copied.last(), Some(&Effect::Copy("$.note".into())));
    session.press("] y y");
    let copied = session.asked_for(|effect| matches!(effect, Effect::Copy(_)));
    assert_eq!(copied.last(), Some(&Effect::Copy("1".into())), "the first list as a table");
}

#[test]
fn groups_are_folded_with_their_counts_and_decided_as_one() {
    let mut session = Session::new();
    session.press("=").text("rule").press("enter");
    assert!(session.model.queue.items().iter().all(|item| matches!(item, Item::Group(_))));
    session.press("d f enter");
    assert!(matches!(&decisions(&session)[..], [Effect::Decide(ids, _)] if ids.len() == 6));
}

#[test]
fn every_action_can_be_asked_for_anywhere_without_harm() {
    for row in super::action::Action::table() {
        for keys in ["", "enter", "enter ] ] ]", "enter ] ] ] ]", "1", "4", "?"] {
            let mut session = Session::new();
            if !keys.is_empty() {
                session.press(keys);
            }
            let effects = super::act::perform(&mut session.model, row.action);
            session.open.extend(effects);
            session.settle();
            session.send(Message::Key(Key::char('\u{1}')));
        }
    }
}

#[test]
fn new_events_do_not_move_a_cursor_that_was_moved_and_carry_along_one_that_was_not() {
    let mut session = Session::new();
    session.events.insert(0, {
        let mut newer = events()[0].clone();
        newer.id = 77;
        newer
    });
    session.send(Message::Changed).settle();
    assert_eq!(session.model.queue.selected, Some(Item::Event(77)));
    session.press("j");
    session.events.insert(0, {
        let mut newer = events()[0].clone();
        newer.id = 78;
        newer
    });
    session.send(Message::Changed).settle();
    assert_eq!(session.model.queue.selected, Some(Item::Event(1)));
    // Another view begins at its top, and going back finds the row again.
    session.press("/ ctrl-u").text("disk").press("enter");
    assert_eq!(session.model.queue.selected, Some(Item::Event(9)));
    session.press("esc");
    assert_eq!(session.model.queue.selected, Some(Item::Event(1)));
}

#[test]
fn events_that_arrive_do_not_close_a_line_under_edit() {
    let mut session = Session::new();
    session.press("/ ctrl-u").text("dis");
    session.send(Message::Changed).settle();
    session.text("k").press("enter");
    assert_eq!((session.model.queue.view.query.as_str(), session.model.queue.total), ("disk", 4));
}

#[test]
fn escape_takes_back_what_was_typed_ahead_of_a_view() {
    let mut session = Session::new();
    session.press("/ ctrl-u").text("disk");
    session.type_ahead("enter d b enter esc").settle();
    assert!(decisions(&session).is_empty() && session.model.layers.is_empty());
    assert_eq!(session.model.queue.view.query, "disk", "the view itself stays");
}

#[test]
fn keys_pressed_before_a_view_is_there_are_meant_for_it() {
    let mut session = Session::new();
    session.press("/ ctrl-u").text("disk");
    session.type_ahead("enter j d b enter").settle();
    assert_eq!(decisions(&session), [Effect::Decide(vec![10], Change::Close(Disposition::Benign, String::new()))]);
}
