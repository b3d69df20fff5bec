//! A guided sign-in: the link to open, the address to paste, what became of it. What is pasted is masked, handed to the command and
//! forgotten; it is kept neither in a draft nor in the session.

use super::action::Action;
use super::confirm::Ready;
use super::effect::Effect;
use super::keys::{Code, Key, Match};
use super::layer::Layer;
use super::line::Line;
use super::model::Model;
use super::notice::Tone;
use super::run;
use super::task::TaskId;
use crate::core::catalogue::{Effect as Changes, Given, Guided, validate};
use crate::core::outcome::{Outcome, ReturnData};

/// A sign-in under way.
#[derive(Clone, Debug)]
pub struct Guide {
    /// The connection.
    pub connection: String,
    /// Its two halves.
    pub guided: Guided,
    /// The link to open.
    pub link: String,
    /// What was pasted; shown masked.
    pub line: Line,
    /// The exchange that runs or ran.
    pub task: Option<TaskId>,
    /// Why it did not work.
    pub fault: Option<String>,
    /// What it says now that it worked.
    pub done: Option<String>,
}

/// The sign-in of the selected connection, if it is guided.
pub fn of(model: &Model) -> Option<(String, Guided)> {
    let connected = model.connection.as_ref().and_then(|name| model.connected(name))?;
    Some((connected.name.clone(), connected.entry.guided.clone()?))
}

/// Begins the sign-in of the selected connection: by the form of its first half.
pub fn begin(model: &mut Model) -> Vec<Effect> {
    let Some((connection, guided)) = of(model) else { return Vec::new() };
    run::open_form(model, &connection, &guided.link, &[], &serde_json::Map::new())
}

/// Takes a key.
pub fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    match model.setup.keymap.find(&[super::action::Context::SignIn], &[key]) {
        Match::Action(action) => return super::act::perform(model, action),
        Match::Pending | Match::None => {}
    }
    let Some(Layer::Guide(guide)) = model.layers.last_mut() else { return Vec::new() };
    match key.code {
        Code::Esc => {
            model.layers.pop();
        }
        Code::Enter if guide.done.is_some() => {
            model.layers.pop();
        }
        Code::Enter => return submit(model),
        _ => {
            if guide.done.is_none() && guide.line.input(key) {
                guide.fault = None;
            }
        }
    }
    Vec::new()
}

/// Copies the link.
pub fn copy(model: &Model) -> Vec<Effect> {
    match model.layers.last() {
        Some(Layer::Guide(guide)) => vec![Effect::Copy(guide.link.clone())],
        _ => Vec::new(),
    }
}

/// Makes another link: the first half again.
pub fn renew(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Guide(guide)) = model.layers.pop() else { return Vec::new() };
    run::open_form(model, &guide.connection, &guide.guided.link, &[], &serde_json::Map::new())
}

/// Exchanges what was pasted. It leaves the screen at once, whatever comes of it.
pub fn submit(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Guide(guide)) = model.layers.last_mut() else { return Vec::new() };
    let text = guide.line.text();
    guide.line = Line::default();
    let (connection, guided) = (guide.connection.clone(), guide.guided.clone());
    let busy = guide.task.is_some_and(|task| model.tasks.get(task).is_some_and(super::task::Task::is_running));
    if busy || guide.done.is_some() {
        return Vec::new();
    }
    match ready(model, &connection, &guided, text) {
        Ok(ready) => {
            let task = model.tasks.begin(model.now, ready.title.clone(), &ready.connection, &ready.command);
            if let Some(begun) = model.tasks.get_mut(task) {
                begun.arguments.clone_from(&ready.arguments);
                begun.changes = true;
            }
            if let Some(Layer::Guide(guide)) = model.layers.last_mut() {
                (guide.task, guide.fault) = (Some(task), None);
            }
            vec![Effect::Run(task, ready)]
        }
        Err(why) => {
            if let Some(Layer::Guide(guide)) = model.layers.last_mut() {
                guide.fault = Some(why);
            }
            Vec::new()
        }
    }
}

fn ready(model: &Model, connection: &str, guided: &Guided, text: String) -> Result<Ready, String> {
    let connected = model.connected(connection).ok_or_else(|| format!("There is no connection {connection} any more."))?;
    let command = connected.entry.command(&guided.answer).ok_or_else(|| format!("{connection} has no command {}.", guided.answer))?;
    if command.class.effect != Changes::Read && (model.setup.read_only || connected.read_only) {
        return Err("Nothing may be changed here: the console or the connection is read-only.".into());
    }
    if text.trim().is_empty() {
        return Err("Paste the whole address that the browser ended at, then press enter.".into());
    }
    let given = vec![(guided.parameter.clone(), Given::Text(text))];
    let arguments = validate(command, given.clone(), model.now)
        .map_err(|complaints| complaints.into_iter().next().map(|complaint| complaint.message).unwrap_or_default())?;
    Ok(Ready {
        connection: connection.into(),
        command: command.name.clone(),
        title: format!("{} on {connection}", command.title),
        class: command.class_of(&arguments),
        arguments: arguments.masked(),
        given,
        events: Vec::new(),
        reread: None,
    })
}

/// A task ended: the first half's outcome becomes the guide, the second half's is told in it. Says whether it was one of them.
pub fn ended(model: &mut Model, id: TaskId, state: ReturnData) -> bool {
    let Some(task) = model.tasks.get(id) else { return false };
    let outcome = task.report.as_ref().map(|report| &report.outcome);
    let connection = task.connection.clone();
    let guided = model.connected(&connection).and_then(|connected| connected.entry.guided.clone());
    let Some(guided) = guided.filter(|guided| [&guided.link, &guided.answer].contains(&&task.command)) else { return false };
    let failed = state == ReturnData::Failed;
    if task.command == guided.answer {
        let said = told(outcome);
        let mut open = model.layers.iter_mut().filter_map(|layer| if let Layer::Guide(guide) = layer { Some(guide) } else { None });
        let Some(guide) = open.find(|guide| guide.task == Some(id)) else { return false };
        (guide.fault, guide.done) = if failed { (Some(said), None) } else { (None, Some(said)) };
        return true;
    }
    let watched = matches!(model.layers.last(), Some(Layer::Outcome(view)) if view.task == id);
    let shown = outcome.and_then(|outcome| outcome.result.iter().find(|item| item.name == guided.shown));
    let Some(link) = shown.and_then(|item| item.value.as_str()).filter(|_| watched && !failed).map(str::to_owned) else { return false };
    model.layers.pop();
    let guide = Guide { connection, guided, link, line: Line::default(), task: None, fault: None, done: None };
    model.layers.push(Layer::Guide(Box::new(guide)));
    let copy = model.key(Action::CopyLink);
    model.tell(Tone::Info, format!("{copy} copies the link"));
    true
}

fn told(outcome: Option<&Outcome>) -> String {
    let Some(outcome) = outcome else { return "It broke off; nothing was kept.".to_owned() };
    let hint = outcome.errors.first().and_then(|failure| failure.hint.as_deref()).map(|hint| format!("\n{hint}")).unwrap_or_default();
    format!("{}{hint}", outcome.message)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::core::catalogue::{Class, Command, Entry, Invalid, Parameter, Type};
    use crate::core::console::message::Message;
    use crate::core::console::session::{Session, events, report, setup};
    use crate::core::outcome::Failure;

    const LINK: &str = "https://login.example/tenant/oauth2/v2.0/authorize?client_id=app&redirect_uri=http%3A%2F%2Flocalhost&scope=user.read+offline_access&state=5a7e";

    /// A console whose first connection is signed in to by a browser, at the guide.
    pub(crate) fn session() -> Session {
        let command = |title: &str| Command::new(title, "", |_, _, _| async { Outcome::new(ReturnData::Successful) });
        let link = command("Get Link").parameter(Parameter::new("Scopes", Type::TEXT, "").default("user.read"));
        let token = command("Take Address")
            .class(Class::NOTE)
            .parameter(Parameter::new("Address", Type::TEXT, "").required().secret())
            .rule(|arguments| match arguments.text("address") {
                Some(text) if text.contains("code=") => Ok(()),
                _ => Err(Invalid::new("address", "The 'code' parameter is missing.")),
            });
        let guided = Guided { link: "get-link".into(), shown: "Link".into(), answer: "take-address".into(), parameter: "address".into() };
        let mut setup = setup();
        setup.connected[0].entry = Arc::new(Entry { commands: vec![link, token], guided: Some(guided), ..Entry::default() });
        let mut session = Session::with(setup, events());
        session.press("1").type_ahead("s");
        session.settle().type_ahead("enter");
        let task = session.model.tasks.list[0].id;
        let outcome = Outcome::new(ReturnData::Successful).result("Link", LINK);
        session.open.clear();
        session.send(Message::Ended(task, ReturnData::Successful, String::new(), Some(Box::new(report(outcome)))));
        session
    }

    fn guide(session: &Session) -> &Guide {
        match session.model.layers.last() {
            Some(Layer::Guide(guide)) => guide,
            other => panic!("{other:?}"),
        }
    }

    fn pasted(session: &mut Session, text: &str) -> Vec<Ready> {
        session.asked.clear();
        session.send(Message::Paste(text.into())).type_ahead("enter");
        let asked = std::mem::take(&mut session.asked);
        session.open.clear();
        asked.into_iter().filter_map(|effect| if let Effect::Run(_, ready) = effect { Some(ready) } else { None }).collect()
    }

    fn answered(session: &mut Session, outcome: Outcome) {
        let task = session.model.tasks.list[0].id;
        session.send(Message::Ended(task, outcome.return_data, outcome.message.clone(), Some(Box::new(report(outcome)))));
    }

    #[test]
    fn a_link_is_copied_an_address_pasted_and_nothing_of_it_kept() {
        let mut session = session();
        assert_eq!(guide(&session).link, LINK);
        session.asked.clear();
        session.type_ahead("ctrl-y");
        assert_eq!(session.asked, [Effect::Copy(LINK.into())]);
        let address = "http://localhost/?code=c0de&state=5a7e";
        let runs = pasted(&mut session, address);
        assert_eq!(runs[0].given, [("address".to_owned(), Given::Text(address.into()))]);
        assert_eq!(runs[0].arguments["address"], "***");
        assert!(guide(&session).line.is_empty(), "it leaves the screen at once");
        answered(&mut session, Outcome::new(ReturnData::Successful).message("It is kept.\nGood until 13:00."));
        assert_eq!(guide(&session).done.as_deref(), Some("It is kept.\nGood until 13:00."));
        let kept = crate::core::console::resume::keep(&session.model);
        assert!(!format!("{kept:?}{:?}{:?}", session.model.last_run, session.model.tasks.list).contains("c0de"));
        session.type_ahead("enter");
        assert!(session.model.layers.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_without_repeating_it() {
        let mut session = session();
        assert!(pasted(&mut session, "").is_empty());
        assert!(guide(&session).fault.as_ref().unwrap().contains("Paste the whole address"));
        assert!(pasted(&mut session, "http://localhost/?sta7e=x").is_empty());
        assert_eq!(guide(&session).fault.as_deref(), Some("The 'code' parameter is missing."));
        assert_eq!(pasted(&mut session, "http://localhost/?code=01d").len(), 1);
        let failure = Failure::new("Failed.", "The code has expired.").hint("Get another link.");
        answered(&mut session, Outcome::failed(failure));
        assert_eq!(guide(&session).fault.as_deref(), Some("The code has expired.\nGet another link."));
        session.settle().type_ahead("ctrl-r");
        assert!(matches!(session.model.layers.last(), Some(Layer::Form(form)) if form.command.name == "get-link"));
    }

    #[test]
    fn only_what_signs_in_by_a_browser_is_guided() {
        let mut session = Session::new();
        session.press("1 s");
        assert!(session.model.layers.is_empty());
        assert!(session.model.notices.current().unwrap().text.contains("signs in by itself"));
    }
}
