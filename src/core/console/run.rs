//! From a command to its outcome: form, preview, confirmation, task.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::action::Action;
use super::chooser::{Choice, Chooser, Purpose};
use super::confirm::{About, Confirm, Ready, Subject};
use super::effect::{Effect, Gather};
use super::form::Form;
use super::layer::{Layer, OutcomeView};
use super::model::{Model, Pane, Undoable, Way};
use super::notice::Tone;
use super::play;
use super::task::{State, TaskId};
use super::{add, decide, edit, opening};
use crate::core::catalogue::{Effect as Changes, Given, Inverse, Quick, Reach};
use crate::core::event::StoredEvent;
use crate::core::fill::refusal;
use crate::core::lookup::Named;
use crate::core::outcome::Outcome;

/// Opens the form of a command, filled from events and values. What was begun earlier comes back where nothing was filled in.
pub fn open_form(model: &mut Model, connection: &str, command: &str, events: &[StoredEvent], values: &Map<String, Value>) -> Vec<Effect> {
    let Some(mut form) = form_of(model, connection, command, events) else { return Vec::new() };
    form.fill(values);
    push_form(model, form, values.is_empty())
}

/// A form of a command, unless it cannot be had; then the reason is told.
fn form_of(model: &mut Model, connection: &str, command: &str, events: &[StoredEvent]) -> Option<Form> {
    let Some(connected) = model.connected(connection) else {
        model.tell(Tone::Error, format!("There is no connection {connection} any more."));
        return None;
    };
    let Some(found) = connected.entry.command(command) else {
        model.tell(Tone::Error, format!("{connection} has no command {command}."));
        return None;
    };
    if found.class.effect != Changes::Read && (model.setup.read_only || connected.read_only) {
        let what = if model.setup.read_only { "The console".to_owned() } else { format!("Connection {connection}") };
        model.tell(Tone::Warning, format!("{what} is read-only; {} changes something.", found.title));
        return None;
    }
    if let Some(why) = refusal(found, &connected.vendor, events) {
        model.tell(Tone::Info, format!("{}: {why}; {} are marked.", found.title, events.len()));
        return None;
    }
    let form = Form::new(model.next_form + 1, connection, &connected.environment, &connected.vendor, found, events);
    model.next_form += 1;
    Some(form)
}

fn push_form(model: &mut Model, mut form: Form, draft: bool) -> Vec<Effect> {
    let changes = form.command.class.effect != Changes::Read;
    let mut effects = if changes { form.seek_names() } else { Vec::new() };
    if draft {
        effects.push(Effect::Draft(form.id, form.connection.clone(), form.draft_name()));
    }
    model.layers.push(Layer::Form(Box::new(form)));
    effects
}

/// Begins a quick command on events: at once where nothing is left to be asked, else by a form that asks just that.
pub fn quick(model: &mut Model, quick: Quick, connection: &str, events: &[StoredEvent]) -> Vec<Effect> {
    let Some(form) = form_of(model, connection, &quick.command, events) else { return Vec::new() };
    let Some(vendor) = model.connected(connection).map(|connected| connected.vendor.clone()) else { return Vec::new() };
    if quick.asks.is_none() {
        let mut form = form;
        form.fill(&quick.values);
        let reads = form.command.class.effect == Changes::Read && form.is_answered();
        let mut effects = push_form(model, form, quick.values.is_empty() && !reads);
        if reads {
            effects.extend(submit(model));
        }
        return effects;
    }
    let form = form.shortened(quick, &vendor, events);
    let (answered, asks) = (form.is_answered(), !form.fields.is_empty());
    let mut effects = push_form(model, form, asks);
    if answered {
        effects.extend(submit(model));
    } else if let Some(Layer::Form(form)) = model.layers.last_mut()
        && form.field().is_some_and(|field| field.parameter.pick.is_some())
    {
        // What can only be picked is picked first.
        effects.extend(pick(model));
    }
    effects
}

/// The form of that number, if it is still open.
pub fn form_mut(model: &mut Model, id: u64) -> Option<&mut Form> {
    model
        .layers
        .iter_mut()
        .find_map(|layer| if let Layer::Form(form) = layer { Some(form.as_mut()).filter(|form| form.id == id) } else { None })
}

/// Names of a form's values came, or not: a question about them that is open shows them. A question does not depend on names.
pub fn named(model: &mut Model, id: u64, field: &str, result: Result<Named, String>) -> Vec<Effect> {
    let Some(form) = form_mut(model, id) else { return Vec::new() };
    match result {
        Ok(named) => form.learn_names(field, named),
        Err(why) => form.nameless = Some(why),
    }
    let form = form.clone();
    let known = form.known_names();
    let about = about(model, &form);
    for at in 0..model.layers.len() {
        // What lies on the form or on the dry run is the question about it.
        let (below, above) = model.layers.split_at_mut(at + 1);
        match (below.last_mut(), above.first_mut()) {
            (Some(Layer::Form(form)), Some(Layer::Confirm(confirm))) if form.id == id => confirm.retell(&about),
            (Some(Layer::Sheet(sheet)), question) => {
                sheet.names.extend(known.clone());
                if let Some(Layer::Confirm(confirm)) = question {
                    confirm.retell_play(sheet);
                }
            }
            _ => {}
        }
    }
    Vec::new()
}

/// Opens the last run's form again.
pub fn again(model: &mut Model) -> Vec<Effect> {
    let Some(last) = model.last_run.clone() else { return Vec::new() };
    let form = Gather::Form { connection: last.connection, command: last.command, values: Map::new() };
    opening::ask(model, last.title, Effect::Gather(model.targets(), form))
}

/// Closes the form and keeps what was typed.
pub fn put_away(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Form(form)) = model.layers.pop() else { return Vec::new() };
    keep_draft(&form).into_iter().collect()
}

/// Keeps what was typed into a form, or forgets what was typed before where nothing of it is left.
pub fn keep_draft(form: &Form) -> Option<Effect> {
    let draft = form.draft();
    // One that was closed before it knew what was typed earlier has nothing to say about that.
    let says = form.drafted || !draft.is_empty();
    says.then(|| Effect::KeepDraft(form.connection.clone(), form.draft_name(), draft))
}

/// Puts the last answer in the place of every `${last.$.path}` of the form, so that one sees what is sent before it is.
pub fn expand(model: &mut Model) -> bool {
    let answer = model.tasks.last_answer();
    match model.layers.last_mut() {
        Some(Layer::Form(form)) => form.expand(answer),
        _ => true,
    }
}

fn ready(model: &mut Model) -> Option<Ready> {
    let now = model.now;
    if !expand(model) {
        return None;
    }
    let Some(Layer::Form(form)) = model.layers.last_mut() else { return None };
    let arguments = form.check(now)?;
    let title = format!("{} on {}", form.command.title, form.connection);
    Some(Ready {
        connection: form.connection.clone(),
        command: form.command.name.clone(),
        title,
        given: form.given(now),
        class: form.command.class_of(&arguments),
        arguments: arguments.masked(),
        events: form.events.clone(),
        reread: form.quick.as_ref().and_then(|quick| quick.reread.clone()),
    })
}

/// Checks the form; runs what only reads, asks about the rest.
pub fn submit(model: &mut Model) -> Vec<Effect> {
    match model.layers.last() {
        Some(Layer::Sheet(_)) => return play::go(model),
        Some(Layer::Form(form)) if form.playbook.is_some() => return play::submit(model),
        Some(Layer::Form(form)) if form.adds => return add::submit(model),
        _ => {}
    }
    let Some(ready) = ready(model) else { return Vec::new() };
    if ready.class.effect == Changes::Read {
        return start(model, ready);
    }
    let Some(Layer::Form(form)) = model.layers.last() else { return Vec::new() };
    // What was typed for nothing but the record needs no question.
    if form.quick.is_some() && ready.class.reach == Reach::Note {
        return start(model, ready);
    }
    let mut form = form.clone();
    let about = about(model, &form);
    let confirm = Confirm::for_run(ready, &about, model.now + jiff::SignedDuration::from_millis(model.setup.arm_millis));
    let mut effects = vec![Effect::Wake(confirm.armed_at)];
    effects.extend(form.seek_names());
    if let Some(open) = model.layers.last_mut() {
        *open = Layer::Form(form);
    }
    model.layers.push(Layer::Confirm(Box::new(confirm)));
    effects
}

/// What a question shows about the run of a form.
fn about(model: &Model, form: &Form) -> About {
    let (targets, noun) = form.targets();
    let inverse = form.command.inverse.as_ref().map(|inverse| {
        let title = model.command(&form.connection, &inverse.command).map_or(inverse.command.clone(), |command| command.title.clone());
        if inverse.condition.is_empty() { title } else { format!("{title}, {}", inverse.condition) }
    });
    let quick = form.quick.as_deref();
    let mut facts = form.others();
    facts.extend(quick.map(|quick| quick.facts.clone()).unwrap_or_default());
    if let Some(why) = form.nameless.as_ref().filter(|_| targets.iter().any(|target| target.name.is_none())) {
        facts.push(("Names".into(), format!("not to be had: {why}")));
    }
    let (environment, word) = (form.environment.clone(), quick.and_then(|quick| quick.word.clone()));
    About { targets, noun, environment, inverse, facts, word }
}

/// Starts a run: it becomes a task, and its outcome is shown as it comes.
pub fn start(model: &mut Model, ready: Ready) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let Some(Layer::Form(form)) = model.layers.last_mut() {
        effects.push(Effect::KeepDraft(form.connection.clone(), form.draft_name(), Map::new()));
        let way = form.takes_back.take();
        model.layers.pop();
        if let Some(way) = way {
            decide::taken_back(model, &way);
        }
    }
    let task = model.tasks.begin(model.now, ready.title.clone(), &ready.connection, &ready.command);
    if let Some(begun) = model.tasks.get_mut(task) {
        begun.arguments.clone_from(&ready.arguments);
        begun.given = Some(ready.given.clone());
        begun.events.clone_from(&ready.events);
        begun.changes = ready.class.effect != Changes::Read;
        begun.ready = begun.changes.then(|| Box::new(ready.clone()));
    }
    if ready.class.effect != Changes::Read {
        model.meter.decide(model.now, &format!("ran {}", ready.title), ready.events.len().max(1));
        // Marks are for one run: the next one is marked anew.
        model.queue.marks.clear();
    }
    model.last_run = Some(ready.clone());
    model.layers.push(Layer::Outcome(Box::new(OutcomeView::new(task))));
    effects.push(Effect::Run(task, ready));
    effects
}

/// Shows what a task gave back, or how far it is.
pub fn show_outcome(model: &mut Model, task: TaskId) {
    let mut view = OutcomeView::new(task);
    if let Some(report) = model.tasks.get(task).and_then(|task| task.report.as_ref()) {
        let explorer = super::explorer::Explorer::new(report.document.clone());
        view.fill(explorer, report.outcome.return_data, report.outcome.errors.len());
    }
    model.layers.push(Layer::Outcome(Box::new(view)));
}

/// What takes a run back, if something does.
pub fn way_back(model: &Model, task: TaskId, outcome: &Outcome) -> Option<Undoable> {
    let task = model.tasks.get(task)?;
    inverse(model, task.id, &task.connection, &task.command, task.given.as_ref()?, task.started_at, outcome)
}

/// What takes a command back that was given this at that time and came to this.
pub fn inverse(
    model: &Model,
    task: TaskId,
    connection: &str,
    command: &str,
    given: &[(String, Given)],
    at: Timestamp,
    outcome: &Outcome,
) -> Option<Undoable> {
    let command = model.command(connection, command)?;
    let inverse = command.inverse.as_ref()?;
    let arguments = crate::core::catalogue::validate(command, given.to_vec(), at).ok()?;
    let way = |inverse: &Inverse| {
        let values = (inverse.arguments)(&arguments, outcome)?;
        Some((inverse.command.clone(), values, inverse.condition.clone()))
    };
    let recall = command.recall.as_ref().filter(|_| outcome.follow.is_some()).and_then(way);
    Some(Undoable::Run(Way { task, connection: connection.to_owned(), back: way(inverse)?, recall }))
}

/// Shows the exact requests, of a form or of what only waits to be confirmed.
pub fn preview(model: &mut Model) -> Vec<Effect> {
    if matches!(model.layers.last(), Some(Layer::Form(form)) if form.adds) {
        model.tell(Tone::Info, "Nothing is sent: it is written into connections.toml.");
        return Vec::new();
    }
    let form = model.layers.iter().rev().find_map(|layer| if let Layer::Form(form) = layer { Some(form.all_names()) } else { None });
    let names = form.unwrap_or_default();
    let plan =
        |connection: &str, command: &str, given| Effect::Plan { connection: connection.into(), command: command.into(), given, names };
    let plan = match model.layers.last() {
        Some(Layer::Sheet(_)) => return play::preview(model),
        Some(Layer::Form(form)) if form.playbook.is_some() => return play::submit(model),
        Some(Layer::Confirm(confirm)) => match &confirm.subject {
            Subject::Run(ready) => Some(plan(&ready.connection, &ready.command, ready.given.clone())),
            // Of several calls the first; the others are like it.
            Subject::Tell(calls) => calls.first().map(|call| plan(&call.connection, &call.command, call.given())),
            Subject::Play(_) | Subject::Post(..) | Subject::Quit => None,
        },
        _ => ready(model).map(|ready| plan(&ready.connection, &ready.command, ready.given)),
    };
    plan.map(|plan| opening::ask(model, "Requests", plan)).unwrap_or_default()
}

/// Opens the pick list of the field in focus.
pub fn pick(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Form(form)) = model.layers.last_mut() else { return Vec::new() };
    let (id, connection) = (form.id, form.connection.clone());
    let Some(field) = form.fields.get(form.at) else { return Vec::new() };
    if field.body.is_some() {
        return edit::offer(model);
    }
    let name = field.parameter.name.clone();
    let title = format!("{}: pick", field.parameter.label);
    let choices = field.choices();
    let purpose = Purpose::Value { form: id, field: name.clone() };
    if !choices.is_empty() {
        let choices = choices.into_iter().map(|label| Choice { id: label.clone(), title: label, ..Choice::default() }).collect();
        model.layers.push(Layer::Chooser(Box::new(Chooser::new(purpose, &title, choices))));
        return Vec::new();
    }
    let Some(pick) = field.parameter.pick.clone() else {
        model.tell(Tone::Info, "This field has no list to pick from.");
        return Vec::new();
    };
    let asked = form.asked(&pick, Vec::new());
    model.layers.push(Layer::Chooser(Box::new(Chooser::loading(purpose, &title))));
    opening::ask(model, title, Effect::Pick { form: id, field: name, connection, pick, asked })
}

fn begin_fetch(model: &mut Model, connection: &str, window: Option<(jiff::Timestamp, jiff::Timestamp)>) -> Effect {
    let task = model.tasks.begin(model.now, format!("Fetch {connection}"), connection, "");
    Effect::Fetch { task, connection: connection.into(), window }
}

/// Fetches the selected connection, or from the queue all active ones.
pub fn fetch(model: &mut Model) -> Vec<Effect> {
    let names: Vec<String> = match (model.focus, &model.connection) {
        (Pane::Connections, Some(name)) => vec![name.clone()],
        _ => model.setup.connected.iter().filter(|connected| connected.active).map(|connected| connected.name.clone()).collect(),
    };
    let running: Vec<String> = model.tasks.running().filter(|task| task.command.is_empty()).map(|task| task.connection.clone()).collect();
    let names: Vec<String> = names.into_iter().filter(|name| !running.contains(name)).collect();
    names.iter().map(|name| begin_fetch(model, name, None)).collect()
}

/// Fetches the first gap of the selected connection.
pub fn refill(model: &mut Model) -> Vec<Effect> {
    let Some(name) = model.connection.clone() else { return Vec::new() };
    match model.health_of(&name).and_then(|health| health.open_gap()).cloned() {
        Some(gap) => vec![begin_fetch(model, &name, Some((gap.from, gap.to)))],
        None => {
            model.tell(Tone::Info, format!("{name} has no gap that can be fetched."));
            Vec::new()
        }
    }
}

/// Tests the selected connection.
pub fn test(model: &mut Model) -> Vec<Effect> {
    let Some(name) = model.connection.clone() else { return Vec::new() };
    let task = model.tasks.begin(model.now, format!("Test {name}"), &name, "test-connection");
    vec![Effect::Test(task, name)]
}

/// Cancels the selected task.
pub fn cancel(model: &mut Model) -> Vec<Effect> {
    let Some(task) = model.tasks.current().map(|task| task.id) else { return Vec::new() };
    let mut changes = false;
    if let Some(task) = model.tasks.get_mut(task) {
        task.state = State::Cancelling;
        changes = task.changes;
    }
    if changes {
        model.tell(Tone::Warning, "Cancelled here; the vendor may have acted already. Look before you run it again.");
    }
    vec![Effect::Cancel(task)]
}

/// What a question's reach means for its colours.
pub fn is_dangerous(reach: Reach) -> bool {
    reach >= Reach::Disruptive
}

/// Opens the list of what can be done with the targets, filled already.
pub fn fill_actions(model: &mut Model, events: Vec<StoredEvent>) {
    let choices = super::fit::commands(&model.setup.connected, model.setup.read_only, &events);
    if let Some(Layer::Chooser(chooser)) = model.layers.last_mut() {
        if choices.is_empty() {
            model.layers.pop();
            model.tell(Tone::Info, format!("No command takes what this event knows; {} lists all commands.", model.key(Action::Palette)));
            return;
        }
        let numbers = events.iter().map(|event| event.id).collect();
        chooser.purpose = Purpose::Act(events, numbers);
        chooser.fill(choices);
    }
}

/// Opens the list of what can be done with the answer on show, or with the part of it that the cursor is on.
pub fn act_on_answer(model: &mut Model) -> Vec<Effect> {
    let Some((answer, events)) = answer_on_show(model) else { return Vec::new() };
    let known = vec![answer];
    let choices = super::fit::commands(&model.setup.connected, model.setup.read_only, &known);
    if choices.is_empty() {
        model.tell(Tone::Info, format!("No command takes what this answer names; {} lists all commands.", model.key(Action::Palette)));
        return Vec::new();
    }
    let chooser = Chooser::new(Purpose::Act(known, events), "Do with what this answer names", choices);
    model.layers.push(Layer::Chooser(Box::new(chooser)));
    Vec::new()
}

/// The answer on show as something to fill forms from, and the events that its command was about.
fn answer_on_show(model: &Model) -> Option<(StoredEvent, Vec<i64>)> {
    let Some(Layer::Outcome(view)) = model.layers.last() else { return None };
    let task = model.tasks.get(view.task)?;
    let connected = model.connected(&task.connection);
    let raw = &task.report.as_ref()?.outcome.raw_data;
    let part = model.face().and_then(|face| view.explorer.as_ref()?.part(face));
    Some((crate::core::answer::of(connected, &task.command, raw, part), task.events.clone()))
}

/// Takes the keys that came before what they were meant for.
pub fn replay(model: &mut Model, early: Vec<super::keys::Key>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in early {
        // They were counted when they were pressed.
        model.meter.keys = model.meter.keys.saturating_sub(1);
        model.meter.current = model.meter.current.saturating_sub(1);
        effects.extend(super::press::key(model, key));
    }
    effects
}
