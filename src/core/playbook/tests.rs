//! Playbooks without a network: files, templates, the planner, recording.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::*;
use crate::core::catalogue::Given;
use crate::core::entity::{Entity, EntityKind};
use crate::core::event::{Event, StoredEvent};
use crate::core::outcome::ReturnData;

const HEAD: &str = "name = \"try\"\ntitle = \"Try\"\n";

fn event() -> StoredEvent {
    let entity = |kind, value: &str| Entity { kind, value: value.into(), path: "$".into() };
    let event = Event {
        title: "Trojan".into(),
        entities: vec![
            entity(EntityKind::Device, "D-1"),
            entity(EntityKind::Device, "d-1"),
            entity(EntityKind::Device, "D-2"),
            entity(EntityKind::Mail, "dana@northwind.example"),
        ],
        raw: json!({"id": "e-1", "context": {"count": 3}}),
        ..Event::default()
    };
    StoredEvent { id: 7, vendor: "wiz".into(), event, ..StoredEvent::default() }
}

fn playbook(rest: &str) -> Playbook {
    parse("try.toml", &format!("{HEAD}{rest}")).unwrap()
}

fn problems(rest: &str) -> Vec<String> {
    parse("try.toml", &format!("{HEAD}{rest}")).unwrap_err().iter().map(ToString::to_string).collect()
}

fn begun(rest: &str, event: Option<StoredEvent>, given: &[(&str, &str)]) -> Result<Run, Vec<String>> {
    let given: Vec<_> = given.iter().map(|(name, text)| ((*name).to_owned(), Given::Text((*text).to_owned()))).collect();
    let now = "2026-03-01T00:00:00Z".parse().unwrap();
    Run::begin(playbook(rest), &given, event, now).map_err(|wrong| wrong.into_iter().map(|wrong| wrong.message).collect())
}

#[track_caller]
fn call(run: &mut Run) -> Call {
    match run.next_call() {
        Next::Call(call) => call,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_shipped_playbook_can_be_read_and_survives_being_written() {
    assert_eq!(shipped().len(), SHIPPED.len());
    for (name, text) in SHIPPED {
        let read = parse(name, text).unwrap();
        assert_eq!(read.name, name);
        let again = parse(name, &to_toml(&read)).unwrap();
        assert_eq!(again.steps, read.steps);
        assert_eq!(format!("{:?}", again.inputs), format!("{:?}", read.inputs));
    }
}

#[test]
fn complaints_name_file_line_and_key() {
    let step = "[[step]]\nname = \"a\"\nvendor = \"wiz\"\ncommand = \"c\"\n";
    assert!(problems(&format!("{step}colour = 1\n"))[0].starts_with("try.toml:7: unknown field"));
    assert_eq!(
        problems(&format!("{step}arguments = {{ x = \"[Input.no]\", y = [\"${{steps.b.$.z}}\"] }}\n")),
        ["try.toml:4: step a: arguments.x: there is no input no", "try.toml:4: step a: arguments.y: there is no step b before this one"]
    );
    assert!(problems(&format!("{step}when = \"${{entity.ghost}}\"\n"))[0].contains("step a: when: ${entity.ghost}: ghost is not a kind"));
    assert!(problems("[[step]]\nname = \"a\"\ncommand = \"c\"\n")[0].contains("say either vendor or connection"));
}

#[test]
fn placeholders_keep_their_type_and_expand_within_lists() {
    let rest = "[[input]]\nname = \"who\"\nfrom = [\"mail\"]\n[[input]]\nname = \"note\"\n[[step]]\nname = \"a\"\nvendor = \"wiz\"\ncommand = \"c\"\n\
                arguments = { devices = [\"${entity.device}\", \"x\"], count = \"${event.$.context.count}\", text = \"on ${event.id} by [Input.who]\", note = \"[Input.note?]\" }\n";
    let arguments = call(&mut begun(rest, Some(event()), &[]).unwrap()).arguments;
    assert_eq!(Value::from(arguments), json!({"devices": ["D-1", "D-2", "x"], "count": 3, "text": "on 7 by dana@northwind.example"}));
    let arguments = call(&mut begun(rest, Some(event()), &[("who", "me"), ("note", "n")]).unwrap()).arguments;
    assert_eq!((&arguments["text"], &arguments["note"]), (&json!("on 7 by me"), &json!("n")));
}

#[test]
fn what_is_missing_is_said_before_anything_is_sent() {
    let rest = "[[input]]\nname = \"who\"\nrequired = true\nfrom = [\"user\"]\n[[step]]\nname = \"a\"\nvendor = \"wiz\"\ncommand = \"c\"\n\
                [[step]]\nname = \"b\"\nvendor = \"wiz\"\ncommand = \"c\"\narguments = { x = \"${entity.hash}\" }\n";
    assert!(begun(rest, Some(event()), &[]).unwrap_err()[0].contains("Event 7 has no user for input who"));
    assert_eq!(begun(rest, Some(event()), &[("who", "me")]).unwrap_err(), ["Step b: x: ${entity.hash}: event 7 mentions no hash."]);
    assert!(begun(rest, None, &[("who", "me")]).unwrap_err()[0].contains("needs an event"));
    // A device's id says nothing to another vendor.
    let local =
        "[[input]]\nname = \"what\"\nrequired = true\nfrom = [\"device\"]\n[[step]]\nname = \"a\"\nvendor = \"eset\"\ncommand = \"c\"\n";
    assert!(begun(local, Some(event()), &[]).is_err());
    assert!(begun(&local.replace("eset", "wiz"), Some(event()), &[]).is_ok());
    assert!(begun(rest, None, &[("nobody", "me")]).unwrap_err()[0].contains("There is no input nobody; there are: who."));
}

#[test]
fn results_feed_later_steps_one_by_one() {
    let rest = "[[step]]\nname = \"a\"\nvendor = \"wiz\"\ncommand = \"list\"\n[[step]]\nname = \"b\"\nvendor = \"wiz\"\ncommand = \"c\"\n\
                for_each = \"${steps.a.$.rows[*].id}\"\narguments = { id = \"${item}\" }\n[[step]]\nname = \"c\"\nvendor = \"wiz\"\ncommand = \"d\"\n\
                when = \"${steps.b.$[1].state} == done\"\narguments = { all = \"${steps.b.$[*].state}\" }\n";
    let mut run = begun(rest, None, &[]).unwrap();
    assert_eq!(call(&mut run).step, "a");
    // What was not ended is given again.
    assert_eq!(call(&mut run).step, "a");
    run.ended(ReturnData::Successful, Some(json!({"rows": [{"id": 1}, {"id": 2}]})));
    for (id, state) in [(1, "new"), (2, "done")] {
        let next = call(&mut run);
        assert_eq!((next.arguments["id"].clone(), next.pending.len()), (json!(id), 0));
        run.ended(ReturnData::Successful, Some(json!({"state": state})));
    }
    assert_eq!(call(&mut run).arguments["all"], json!(["new", "done"]));
    run.ended(ReturnData::Successful, None);
    assert_eq!(run.next_call(), Next::Done);
}

#[test]
fn without_results_the_placeholder_is_shown_and_named() {
    let rest = "[[step]]\nname = \"a\"\nvendor = \"wiz\"\ncommand = \"list\"\n[[step]]\nname = \"b\"\nvendor = \"wiz\"\ncommand = \"c\"\n\
                arguments = { ids = [\"${steps.a.$.id}\"] }\n";
    let mut run = begun(rest, None, &[]).unwrap();
    call(&mut run);
    run.ended(ReturnData::Successful, None);
    let next = call(&mut run);
    assert_eq!((next.arguments["ids"].clone(), next.pending), (json!(["${steps.a.$.id}"]), vec!["a".to_owned()]));
}

#[test]
fn a_failure_ends_it_unless_the_step_may_fail() {
    let step = |name: &str, more: &str| format!("[[step]]\nname = \"{name}\"\nvendor = \"wiz\"\ncommand = \"c\"\n{more}");
    let mut run = begun(&format!("{}{}{}", step("a", "continue_on_error = true\n"), step("b", ""), step("c", "")), None, &[]).unwrap();
    call(&mut run);
    run.ended(ReturnData::Failed, Some(Value::Null));
    assert_eq!(call(&mut run).step, "b");
    run.ended(ReturnData::Failed, Some(Value::Null));
    assert_eq!(run.next_call(), Next::Done);
}

#[test]
fn what_was_done_can_be_done_again_elsewhere() {
    let map = |value: Value| value.as_object().cloned().unwrap_or_else(Map::new);
    let run = |command: &str, arguments: Value, results: &[(&str, Value)]| Done {
        connection: "eset".into(),
        vendor: Some("eset-protect-cloud".into()),
        command: command.into(),
        arguments: map(arguments),
        takes: BTreeMap::new(),
        results: results.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect(),
    };
    let done = [
        run("isolate", json!({"devices": ["D-1", "d-2"], "why": "it is", "key": "***"}), &[("$.task.uuid", json!("t-1"))]),
        run("history", json!({"tasks": ["t-1"], "issue": "e-1"}), &[]),
    ];
    let recorded = record("mine", &[event()], &done);
    let read = parse("mine.toml", &to_toml(&recorded)).unwrap();
    assert_eq!(Value::from(read.steps[0].arguments.clone()), json!({"devices": ["[Input.device]"], "why": "it is", "key": "[Input.key]"}));
    assert_eq!(Value::from(read.steps[1].arguments.clone()), json!({"tasks": ["${steps.isolate.$.task.uuid}"], "issue": "[Input.issue]"}));
    let inputs: Vec<_> = read.inputs.iter().map(|input| (input.name.as_str(), input.r#type.name(), input.required)).collect();
    assert_eq!(inputs, [("device", "list", true), ("key", "text", true), ("issue", "text", true)]);
    // The same on another event: its own device, and the new task.
    let mut other = event();
    other.vendor = "eset-protect-cloud".into();
    other.event.entities = vec![Entity { kind: EntityKind::Device, value: "Z".into(), path: "$".into() }];
    let given = [("key".to_owned(), Given::Text("k".into()))];
    let mut run = Run::begin(read, &given, Some(other), "2026-03-01T00:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(call(&mut run).arguments["devices"], json!(["Z"]));
    run.ended(ReturnData::Successful, Some(json!({"task": {"uuid": "t-2"}})));
    assert_eq!(call(&mut run).arguments["tasks"], json!(["t-2"]));
}

#[test]
fn an_input_is_filled_by_what_its_parameters_take_all_of_them() {
    let mut event = event();
    event.event.entities.push(Entity { kind: EntityKind::User, value: "0b1c".into(), path: "$".into() });
    let done = |parameter: &str, takes: &[EntityKind]| Done {
        connection: "azure".into(),
        vendor: Some("azure-api".into()),
        command: parameter.into(),
        arguments: [(parameter.to_owned(), json!("0b1c"))].into_iter().collect(),
        takes: BTreeMap::from([(parameter.to_owned(), takes.to_vec())]),
        results: Vec::new(),
    };
    let kinds = |done: &[Done]| {
        let read = parse("x.toml", &to_toml(&record("x", std::slice::from_ref(&event), done))).unwrap();
        read.inputs.iter().map(|input| input.prefill.clone()).collect::<Vec<_>>()
    };
    let (any, id) = (done("user", &[EntityKind::Mail, EntityKind::User]), done("user_id", &[EntityKind::User]));
    assert_eq!(kinds(std::slice::from_ref(&any)), [[EntityKind::User, EntityKind::Mail]], "a mail address will do elsewhere");
    assert_eq!(kinds(&[any, id]), [[EntityKind::User]], "not for what takes an object id only");
}
