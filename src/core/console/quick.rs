//! Quick commands on the console: which there are for the events under the keys, and what choosing one does.

use super::action::Action;
use super::chooser::{Choice, Purpose};
use super::effect::Effect;
use super::fit;
use super::layer::Layer;
use super::model::Model;
use super::notice::Tone;
use super::run;
use crate::core::catalogue::Quick;
use crate::core::event::StoredEvent;
use crate::core::health::Connected;

/// Fills the list of quick commands that an open list waits for.
pub fn fill(model: &mut Model, events: Vec<StoredEvent>) {
    let choices = match choices(model, &events) {
        Ok(choices) => choices,
        Err(why) => {
            model.layers.pop();
            model.tell(Tone::Info, why);
            return;
        }
    };
    let Some(Layer::Chooser(chooser)) = model.layers.last_mut() else { return };
    if let Some(first) = events.first() {
        chooser.title = format!("{} · {}", first.event.event_type, first.connection);
    }
    chooser.purpose = Purpose::Quick(events);
    chooser.fill(choices);
}

fn choices(model: &Model, events: &[StoredEvent]) -> Result<Vec<Choice>, String> {
    let (connected, all) = common(model, events)?;
    let several = events.len() > 1;
    let choice = |quick: Quick| {
        let command = connected.entry.command(&quick.command)?;
        let fits = fit::choice(command, connected, model.setup.read_only, events);
        // What is taken from one record is meant for that one.
        let single = (several && quick.asks.is_some()).then(|| "one event at a time".to_owned());
        Some(Choice {
            id: quick.letter.to_string(),
            title: quick.title,
            note: command.title.clone(),
            letter: Some(quick.letter),
            reason: fits.reason.or(quick.reason).or(single),
            hint: fits.hint,
        })
    };
    Ok(all.into_iter().filter_map(choice).collect())
}

/// The quick commands of the first event, if all events are of its kind.
fn common<'a>(model: &'a Model, events: &[StoredEvent]) -> Result<(&'a Connected, Vec<Quick>), String> {
    let first = events.first().ok_or("The event is not in the store any more.")?;
    let same = |event: &StoredEvent| event.connection == first.connection && event.event.event_type == first.event.event_type;
    if !events.iter().all(same) {
        return Err("The marked events are of several kinds; quick commands are for one kind at a time.".into());
    }
    let connected =
        model.connected(&first.connection).ok_or_else(|| format!("The connection {} is not configured any more.", first.connection))?;
    let source = connected.entry.sources.iter().find(|source| source.event_type == first.event.event_type);
    let quick = source.map(|source| (source.quick)(&first.event.raw)).unwrap_or_default();
    if quick.is_empty() {
        let act = model.key(Action::Act);
        return Err(format!(
            "{} has no quick commands for {}; {act} lists what can be filled in.",
            connected.title, first.event.event_type
        ));
    }
    Ok((connected, quick))
}

/// A quick command was chosen, by its letter.
pub fn chosen(model: &mut Model, letter: &str, events: &[StoredEvent]) -> Vec<Effect> {
    let found = common(model, events).ok().and_then(|(connected, all)| {
        let quick = all.into_iter().find(|quick| letter.chars().eq([quick.letter]))?;
        Some((connected.name.clone(), quick))
    });
    match found {
        Some((connection, quick)) => run::quick(model, quick, &connection, events),
        None => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::{Map, Value, json};

    use super::*;
    use crate::core::catalogue::{Class, Command, Entry, Fetched, Given, Parameter, Source, Type};
    use crate::core::console::confirm::Need;
    use crate::core::console::session::{Session, noon, setup};
    use crate::core::event::{Event, StoredEvent};
    use crate::core::mapping::Mapping;
    use crate::core::outcome::{Outcome, ReturnData};

    fn quick_of(record: &Value) -> Vec<Quick> {
        let run = |letter, title: &str, index: &str| {
            Quick::new(letter, title, "answer")
                .value("uuid", record["id"].clone())
                .value("index", index)
                .short()
                .fact("Requester", record["who"].as_str().map(str::to_owned))
                .word(title)
                .unless((record["answered"] == true).then_some("it was answered already"))
                .reread("show", Map::new())
        };
        let deny = run('d', "Deny", "1");
        let deny = if record["why"] == true { deny.ask("because", Parameter::new("Why", Type::TEXT, "").required()) } else { deny };
        vec![
            run('a', "Approve", "0"),
            deny,
            Quick::new('h', "History", "show").value("uuid", record["id"].clone()).short(),
            Quick::new('n', "Note", "act").ask("action.note.text", Parameter::new("Note", Type::TEXT, "").required()),
            Quick::new('c', "Comment", "comment"),
            Quick::new('t', "Tag", "tag"),
        ]
    }

    /// A console whose events have quick commands.
    pub(crate) fn session(records: &[Value]) -> Session {
        let command = |title: &str| Command::new(title, "", |_, _, _| async { Outcome::new(ReturnData::Successful) });
        let text = |name: &str| Parameter::new(name, Type::TEXT, "");
        let commands = vec![
            command("Answer")
                .class(Class::IRREVERSIBLE)
                .parameter(text("UUID").required())
                .parameter(text("Index"))
                .parameter(text("Because")),
            command("Show").parameter(text("UUID")),
            command("Comment").parameter(text("Run ID").required().prefill_path("runs", "$.id")).parameter(text("Comment").required()),
            command("Tag")
                .class(Class::NOTE)
                .parameter(Parameter::new("Run IDs", Type::texts(1), "").required().prefill_path("runs", "$.id")),
            command("Act").class(Class::NOTE).parameter(Parameter::new("Action", Type::Object { schema: None }, "")),
        ];
        let source = Source::new("runs", "runs", Mapping::new("$.runs", &[], &[]), Duration::ZERO, |_, _, _| async { Fetched::default() });
        let mut setup = setup();
        setup.connected[0].entry = Arc::new(Entry { commands, sources: vec![source.quick(quick_of)], ..Entry::default() });
        let event = |(n, raw): (usize, &Value)| StoredEvent {
            id: i64::try_from(n).unwrap() + 1,
            connection: "eset-eu".into(),
            vendor: "eset-protect-cloud".into(),
            event: Event {
                event_type: "runs".into(),
                key: format!("run-{n}"),
                title: "Access to crm".into(),
                occurred_at: noon(),
                raw: raw.clone(),
                ..Event::default()
            },
            ..StoredEvent::default()
        };
        Session::with(setup, records.iter().enumerate().map(event).collect())
    }

    fn runs(session: &Session) -> Vec<crate::core::console::confirm::Ready> {
        let runs = session.asked_for(|effect| matches!(effect, Effect::Run(..)));
        runs.into_iter().filter_map(|effect| if let Effect::Run(_, ready) = effect { Some(ready) } else { None }).collect()
    }

    #[test]
    fn a_run_is_answered_by_two_keys_and_its_confirmation() {
        let mut session = session(&[json!({"id": "r1", "who": "Dana"})]);
        session.type_ahead("x a").settle();
        let Some(Layer::Confirm(confirm)) = session.model.layers.last() else { panic!("{:?}", session.model.layers) };
        assert_eq!(confirm.need, Need::Text("Approve".into()));
        assert!(confirm.lines.iter().any(|line| line.contains("Requester") && line.contains("Dana")), "{:?}", confirm.lines);
        assert!(runs(&session).is_empty());
        // The exact requests can be looked at without answering.
        session.press("ctrl-p");
        assert!(matches!(session.model.layers.last(), Some(Layer::Page(_))));
        session.press("esc").wait(801);
        session.text("approve").press("enter");
        let [ready] = &runs(&session)[..] else { panic!("{:?}", session.asked) };
        assert_eq!(ready.given, [("uuid".to_owned(), Given::Json(json!("r1"))), ("index".to_owned(), Given::Json(json!("0")))]);
        assert_eq!((ready.events.as_slice(), ready.reread.as_ref().map(|(command, _)| command.as_str())), (&[1_i64][..], Some("show")));
    }

    #[test]
    fn what_the_record_demands_is_asked_first() {
        let mut session = session(&[json!({"id": "r1", "why": true})]);
        session.press("x d enter");
        let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("{:?}", session.model.layers) };
        assert_eq!(form.fields[0].error.as_deref(), Some("Why is required."));
        session.text("Not today.").press("enter").wait(801);
        session.text("deny").press("enter");
        let [ready] = &runs(&session)[..] else { panic!("{:?}", session.model.layers) };
        assert_eq!(ready.arguments["because"], "Not today.");
    }

    #[test]
    fn reading_and_noting_need_no_question() {
        let mut session = session(&[json!({"id": "r1"})]);
        session.press("x h");
        assert_eq!(runs(&session)[0].given, [("uuid".to_owned(), Given::Json(json!("r1")))]);
        session.press("esc x n").text("Seen.").press("enter");
        assert_eq!(runs(&session)[1].given, [("action".to_owned(), Given::Json(json!({"note": {"text": "Seen."}})))]);
    }

    #[test]
    fn what_takes_one_thing_is_not_done_to_several() {
        let reason = |session: &Session, title: &str| {
            let Some(Layer::Chooser(chooser)) = session.model.layers.last() else { panic!("{:?}", session.model.layers) };
            chooser.choices.iter().find(|choice| choice.title == title).unwrap().reason.clone()
        };
        let refused = Some("one event at a time".to_owned());
        let mut session = session(&[json!({"id": "r1"}), json!({"id": "r2"})]);
        session.press("ctrl-a x c");
        assert_eq!((reason(&session, "Comment"), reason(&session, "Tag")), (refused.clone(), None));
        session.press("esc a");
        assert_eq!((reason(&session, "Comment"), reason(&session, "Tag")), (refused, None));
        // The form of the last run is not opened on several either.
        session.press("esc M x c").text("Seen.").press("enter ctrl-s esc ctrl-a g r");
        assert!(session.model.layers.is_empty(), "{:?}", session.model.layers);
        assert_eq!(session.model.notices.current().unwrap().text, "Comment: one event at a time; 2 are marked.");
        // Two events about the same thing are as good as one.
        let mut session = super::tests::session(&[json!({"id": "r1"}), json!({"id": "r1"})]);
        session.press("ctrl-a x");
        assert_eq!(reason(&session, "Comment"), None);
    }

    #[test]
    fn what_cannot_be_done_says_why() {
        let mut session = session(&[json!({"id": "r1", "answered": true}), json!({"id": "r2"})]);
        session.press("x a");
        let Some(Layer::Chooser(chooser)) = session.model.layers.last() else { panic!("{:?}", session.model.layers) };
        assert_eq!(chooser.choices[0].reason.as_deref(), Some("it was answered already"));
        // What is taken from one record is not done to several.
        session.press("esc ctrl-a x d");
        let Some(Layer::Chooser(chooser)) = session.model.layers.last() else { panic!("{:?}", session.model.layers) };
        assert_eq!(chooser.choices[3].reason.as_deref(), Some("one event at a time"));
        session.press("esc M");
        session.model.setup.read_only = true;
        session.press("x n");
        assert!(matches!(session.model.layers.last(), Some(Layer::Chooser(_))), "nothing is offered read-only");
        let mut session = Session::new();
        session.press("x");
        assert!(session.model.layers.is_empty());
        assert!(session.model.notices.current().unwrap().text.contains("no quick commands"));
    }
}
