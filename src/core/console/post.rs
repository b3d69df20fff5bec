//! Telling vendors, trying again what failed, and the outbox: what the console does about them.

use jiff::SignedDuration;

use super::act;
use super::action::Action;
use super::confirm::{About, Confirm, Subject};
use super::dispose::Offer;
use super::effect::{Effect, Gather};
use super::layer::Layer;
use super::model::{Model, Pane, Tell};
use super::notice::Tone;
use super::opening;
use super::run;
use super::task::{State, Task, TaskId};
use crate::core::catalogue::{Class, Effect as Changes, Reach, Ruling};
use crate::core::event::{Disposition, Status, StoredEvent};
use crate::core::listing::{rule, spread};
use crate::core::outbox::{Difference, Letter, LetterId, Standing};
use crate::core::outcome::{Fate, ReturnData};
use crate::core::target::Target;
use crate::core::telling::{self, Call, Plan, Side};

/// What it would take to tell the vendors of these events.
fn plan(model: &Model, events: &[StoredEvent], ruling: impl Fn(&StoredEvent) -> Ruling) -> Plan {
    let side = |name: &str| {
        let connected = model.connected(name)?;
        Some(Side { title: &connected.title, read_only: connected.read_only || model.setup.read_only, entry: &connected.entry })
    };
    telling::plan(side, events, ruling)
}

/// The records for the verdict sheet are there: what could be told of each verdict.
pub fn offer(model: &mut Model, events: &[StoredEvent]) {
    let offers = Disposition::ALL.map(|(_, _, disposition)| {
        let ruling = Ruling { status: Status::Closed, disposition: Some(disposition), note: String::new() };
        let plan = plan(model, events, |_| ruling.clone());
        (disposition, Offer { sets: plan.offers(), reasons: plan.reasons() })
    });
    if let Some(Layer::Dispose(dispose)) = model.layers.last_mut()
        && events.iter().all(|event| dispose.events.contains(&event.id))
    {
        dispose.offers = offers.to_vec();
        let each = events.iter().map(|event| (event.connection.as_str(), rule(&event.event), event.event.severity));
        dispose.spread = spread(each, dispose.events.len());
        dispose.loading = false;
    }
}

/// Asks for the records of events whose vendors are to be told; of what each is here, where no ruling is given.
pub fn tell(model: &Model, events: Vec<i64>, ruling: Option<Ruling>) -> Option<Effect> {
    let nobody = events.is_empty() || model.setup.read_only;
    (!nobody).then_some(Effect::Gather(events, Gather::Tell(ruling)))
}

/// Asks for the question whether the vendors are to be told of what the targets are here.
pub fn offer_to_tell(model: &mut Model) -> Vec<Effect> {
    let tell = tell(model, model.targets(), None);
    tell.map(|tell| opening::ask(model, "Tell the vendor", tell)).unwrap_or_default()
}

/// The records are there: tells the vendors, after a question where nobody has said yes yet or much depends on it.
pub fn gathered(model: &mut Model, events: &[StoredEvent], ruling: Option<&Ruling>) -> Vec<Effect> {
    let own = |event: &StoredEvent| Ruling { status: event.status, disposition: event.disposition, note: String::new() };
    let plan = plan(model, events, |event| ruling.cloned().unwrap_or_else(|| own(event)));
    for reason in plan.reasons() {
        model.tell(Tone::Warning, format!("The vendor is not told. {reason}"));
    }
    if plan.calls.is_empty() {
        return Vec::new();
    }
    // Who asked for it without a sheet before it has not seen yet what is set.
    let asked = ruling.is_some();
    confirmed(model, plan.calls, asked)
}

/// Starts calls, or asks first.
fn confirmed(model: &mut Model, calls: Vec<Call>, said_yes: bool) -> Vec<Effect> {
    let Some(class) = telling::worst(&calls, |connection, command| model.command(connection, command)) else { return Vec::new() };
    if said_yes && class.effect != Changes::Destructive && class.reach <= Reach::Reversible {
        return start(model, calls);
    }
    let targets: Vec<String> = calls.iter().flat_map(|call| call.events.iter().map(|(_, id)| id.clone())).collect();
    let titles: Vec<String> = calls.iter().map(Call::title).collect();
    let connections = names(calls.iter().map(|call| call.connection.as_str()));
    let armed_at = model.now + SignedDuration::from_millis(model.setup.arm_millis);
    // An id alone tells nobody which event it is.
    let told = calls.iter().flat_map(|call| call.events.iter());
    let titles_of = told.take(3).filter_map(|(id, _)| Some(("Event".to_owned(), model.queue.row(*id)?.title.clone())));
    let facts = titles_of.collect();
    let about = About { targets: targets.into_iter().map(Target::from).collect(), noun: "event", facts, ..About::default() };
    let confirm = Confirm::of(Subject::Tell(calls), &titles.join("; "), &connections, class, &about, armed_at);
    ask(model, confirm)
}

fn ask(model: &mut Model, confirm: Confirm) -> Vec<Effect> {
    let wake = Effect::Wake(confirm.armed_at);
    model.layers.push(Layer::Confirm(Box::new(confirm)));
    vec![wake]
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = names.collect();
    all.sort_unstable();
    all.dedup();
    all.join(", ")
}

/// Starts calls: together they are one task.
pub fn start(model: &mut Model, calls: Vec<Call>) -> Vec<Effect> {
    let title = match calls.as_slice() {
        [only] => only.title(),
        several => format!(
            "Tell {} of {} events",
            names(several.iter().map(|call| call.vendor.as_str())),
            several.iter().map(|call| call.events.len()).sum::<usize>()
        ),
    };
    let connection = names(calls.iter().map(|call| call.connection.as_str()));
    let task = model.tasks.begin(model.now, title, &connection, "write-back");
    if let Some(begun) = model.tasks.get_mut(task) {
        begun.events = calls.iter().flat_map(|call| call.events.iter().map(|(id, _)| *id)).collect();
        begun.changes = true;
        begun.calls.clone_from(&calls);
    }
    vec![Effect::Tell(task, calls)]
}

/// The task that an action is about: the one whose outcome is on show, else the selected one.
fn task(model: &Model) -> Option<&Task> {
    match model.layers.last() {
        Some(Layer::Outcome(view)) => model.tasks.get(view.task),
        None if model.focus == Pane::Tasks => model.tasks.current(),
        _ => None,
    }
}

/// Whether something of the task failed that may be tried again.
///
/// # Errors
/// Why not.
pub fn can_retry(model: &Model) -> Result<(), String> {
    let Some(task) = task(model) else { return Err("no task is on show".into()) };
    match &task.state {
        State::Ended(ReturnData::PartiallySuccessful | ReturnData::Failed) => {}
        State::Ended(_) => return Err("nothing of it failed".into()),
        _ => return Err("it still runs".into()),
    }
    let again = if task.calls.is_empty() { again(task).is_some() } else { !calls_again(task).is_empty() };
    if again { Ok(()) } else { Err("no item of it failed that may be tried again".into()) }
}

/// The arguments for the failed items of a run.
fn again(task: &Task) -> Option<serde_json::Map<String, serde_json::Value>> {
    telling::failed_only(&task.arguments, &task.report.as_ref()?.outcome.errors)
}

/// The calls for the events that vendors refused. What could not be sent waits in the outbox; what got no answer is not repeated.
fn calls_again(task: &Task) -> Vec<Call> {
    let Some(report) = &task.report else { return Vec::new() };
    let errors = &report.outcome.errors;
    let refused = |id: &str| errors.iter().any(|failure| failure.item.as_deref() == Some(id) && failure.fate == Fate::Plain);
    let narrowed =
        task.calls.iter().filter_map(|call| call.narrowed(|event| call.events.iter().any(|(known, id)| *known == event && refused(id))));
    narrowed.collect()
}

/// Opens the form again with only the failed items; asks again about calls to vendors.
pub fn retry(model: &mut Model) -> Vec<Effect> {
    let Some(task) = task(model).cloned() else { return Vec::new() };
    let on_show = matches!(model.layers.last(), Some(Layer::Outcome(_)));
    if task.calls.is_empty() {
        let Some(values) = again(&task) else { return Vec::new() };
        if on_show {
            model.layers.pop();
        }
        let effects = run::open_form(model, &task.connection, &task.command, &[], &values);
        if let Some(Layer::Form(form)) = model.layers.last_mut() {
            form.events.clone_from(&task.events);
        }
        return effects;
    }
    if on_show {
        model.layers.pop();
    }
    confirmed(model, calls_again(&task), false)
}

/// Whether the task's run can be kept for later.
///
/// # Errors
/// Why not.
pub fn can_keep(model: &Model) -> Result<(), String> {
    let Some(task) = task(model) else { return Err("no task is on show".into()) };
    if task.kept {
        return Err("it is in the outbox already".into());
    }
    match (&task.ready, &task.report) {
        (Some(_), Some(report)) if report.unsent => Ok(()),
        _ => Err("only what could not be sent at all can wait in the outbox".into()),
    }
}

/// Puts a run that could not be sent into the outbox.
pub fn keep(model: &mut Model) -> Vec<Effect> {
    let Some(id) = task(model).map(|task| task.id) else { return Vec::new() };
    let Some(task) = model.tasks.get_mut(id) else { return Vec::new() };
    let Some(ready) = task.ready.clone() else { return Vec::new() };
    task.kept = true;
    vec![Effect::KeepForLater(id, *ready)]
}

/// Opens the outbox.
pub fn open(model: &mut Model) -> Vec<Effect> {
    act::lay(model, Layer::Outbox);
    vec![Effect::Outbox]
}

/// Sends the selected letter, after a question where it is destructive or was held.
pub fn send(model: &mut Model) -> Vec<Effect> {
    let Some(letter) = model.outbox.current().cloned() else { return Vec::new() };
    match letter.standing {
        Standing::Held => ask_about(model, &letter),
        Standing::Waiting if letter.by_hand() => ask_about(model, &letter),
        Standing::Waiting => post(model, letter.id, &letter.title, letter.connection.as_str(), None),
        Standing::Unknown => {
            model.tell(Tone::Warning, "It may have been sent; look at the vendor. It is never sent again.");
            Vec::new()
        }
        other => {
            model.tell(Tone::Info, format!("It is {}; there is nothing to send.", other.as_str()));
            Vec::new()
        }
    }
}

/// Asks whether a letter is to be sent, whatever the vendor says otherwise now.
fn ask_about(model: &mut Model, letter: &Letter) -> Vec<Effect> {
    let class = model.command(&letter.connection, &letter.command).map_or(Class::IRREVERSIBLE, |command| match &letter.call {
        Some(call) => call.class(command),
        None => command.class,
    });
    let class =
        if letter.destructive { Class { effect: Changes::Destructive, reach: class.reach.max(Reach::Disruptive), ..class } } else { class };
    let events: Vec<String> = letter.events.iter().map(|id| format!("event {id}")).collect();
    let armed_at = model.now + SignedDuration::from_millis(model.setup.arm_millis);
    let subject = Subject::Post(letter.id, letter.differences.clone());
    let about = About { targets: events.into_iter().map(Target::from).collect(), noun: "event", ..About::default() };
    let mut confirm = Confirm::of(subject, &letter.title, &letter.connection, class, &about, armed_at);
    if !letter.differences.is_empty() {
        confirm.lines.push("Changed at the vendor since it was decided:".into());
        confirm.lines.extend(letter.differences.iter().take(8).map(|difference| format!("  {}", difference.line())));
    }
    confirm.lines.extend(letter.blind().map(|text| format!("{text} It was decided {} UTC.", letter.made_at.strftime("%Y-%m-%d %H:%M"))));
    ask(model, confirm)
}

/// Sends a letter; `confirmed` are the differences that were shown.
pub fn post(model: &mut Model, id: LetterId, title: &str, connection: &str, confirmed: Option<Vec<Difference>>) -> Vec<Effect> {
    let task = model.tasks.begin(model.now, format!("Send from the outbox: {title}"), connection, "outbox");
    if let Some(begun) = model.tasks.get_mut(task) {
        begun.changes = true;
    }
    vec![Effect::Post(task, id, confirmed)]
}

/// A letter was confirmed.
pub fn post_confirmed(model: &mut Model, id: LetterId, differences: Vec<Difference>) -> Vec<Effect> {
    let Some(letter) = model.outbox.letters.iter().find(|letter| letter.id == id).cloned() else { return Vec::new() };
    post(model, id, &letter.title, &letter.connection, Some(differences))
}

/// Takes the selected letter back.
pub fn take_back(model: &mut Model) -> Vec<Effect> {
    match model.outbox.current() {
        Some(letter) if letter.standing.is_open() => vec![Effect::TakeBack(letter.id)],
        Some(letter) => {
            let text = format!("It is {}; it cannot be taken back.", letter.standing.as_str());
            model.tell(Tone::Info, text);
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// The letters, read anew.
pub fn letters(model: &mut Model, result: Result<Vec<Letter>, String>) -> Vec<Effect> {
    let held = |model: &Model| model.outbox.letters.iter().filter(|letter| letter.standing == Standing::Held).count();
    match result {
        Ok(letters) => {
            let before = held(model);
            model.outbox.fill(letters);
            if held(model) > before {
                let key = model.key(Action::OpenOutbox);
                model.tell(Tone::Warning, format!("The outbox holds what does not fit any more; {key} shows it"));
            }
        }
        Err(message) => model.tell(Tone::Error, format!("The outbox cannot be read: {message}")),
    }
    Vec::new()
}

/// A letter was held: what differs is shown, and asked about where the outbox is on show.
pub fn held(model: &mut Model, task: TaskId, letter: &Letter) -> Vec<Effect> {
    let id = letter.id;
    let text = format!("Held: {} of the values that {} rests on changed at the vendor", letter.differences.len(), letter.title);
    if let Some(task) = model.tasks.get_mut(task) {
        task.state = State::Ended(ReturnData::Failed);
        task.ended_at = Some(model.now);
        task.message = if letter.differences.is_empty() { letter.detail.clone() } else { text.clone() };
    }
    model.tell(
        Tone::Warning,
        if letter.differences.is_empty() {
            format!("Held: {}", letter.detail)
        } else {
            format!("{text}; {} shows them", model.key(Action::OpenOutbox))
        },
    );
    let known = model.outbox.letters.iter_mut().find(|known| known.id == id);
    if let Some(known) = known {
        *known = letter.clone();
    }
    let mut effects = vec![Effect::Outbox];
    if matches!(model.layers.last(), Some(Layer::Outbox)) && !letter.differences.is_empty() {
        effects.extend(ask_about(model, letter));
    }
    effects
}

/// Whether a decision is told to the vendor without being asked for.
pub fn always(model: &Model) -> bool {
    model.setup.tell == Tell::Always
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::session::{Session, events, letter, setup};
    use super::*;
    use crate::core::outbox::Seen;

    fn told(session: &Session) -> Vec<Vec<Value>> {
        let tells = session.asked.iter().filter_map(|effect| match effect {
            Effect::Tell(_, calls) => Some(calls.iter().map(|call| json!(call.arguments)).collect()),
            _ => None,
        });
        tells.collect()
    }

    #[test]
    fn closing_tells_the_vendor_with_one_more_key_and_stays_here_without_it() {
        let mut session = Session::new();
        session.press("j d f enter");
        assert!(told(&session).is_empty());
        session.press("u d f w tab enter");
        let expected = json!({"issue_ids": ["key-2"], "issue_status": "Rejected", "note": "Detection matches legitimate software."});
        assert_eq!(told(&session), [[expected.clone()]]);
        assert!(session.model.layers.is_empty(), "it is a task like others");
        assert!(session.model.tasks.list[0].title.contains("REJECTED (why) at Wiz"));
        // Typed ahead of the records it is said all the same, once they are there.
        let mut session = Session::new();
        session.press("j").type_ahead("d f w tab enter").settle();
        assert_eq!(told(&session), [[expected]]);
    }

    #[test]
    fn what_cannot_be_told_has_its_reason_and_stays_here() {
        let mut session = Session::new();
        session.press("j d t");
        let Some(Layer::Dispose(sheet)) = session.model.layers.last() else { panic!("no sheet") };
        assert_eq!(sheet.offer().unwrap().reasons, ["Wiz resolves it itself."]);
        session.press("w enter");
        assert!(told(&session).is_empty());
        // The first event is of a vendor that has no way at all.
        session.press("g g W");
        assert!(session.model.notices.list.iter().any(|notice| notice.text.contains("The vendor is not told")));
    }

    #[test]
    fn the_setting_tells_always_or_never() {
        let mut session = Session::with(super::super::model::Setup { tell: Tell::Always, ..setup() }, events());
        session.press("j d f enter");
        assert_eq!(told(&session).len(), 1);
        let mut session = Session::with(super::super::model::Setup { tell: Tell::Never, ..setup() }, events());
        session.press("j d f w enter");
        assert!(told(&session).is_empty());
        assert!(session.asked_for(|effect| matches!(effect, Effect::Gather(_, Gather::Offer))).is_empty());
    }

    #[test]
    fn events_alike_share_a_call_and_only_those_that_failed_are_told_again() {
        let mut session = Session::new();
        session.refused = vec!["key-10".into()];
        session.press("G * d b w enter");
        assert_eq!(
            told(&session),
            [[json!({"issue_ids": ["key-9", "key-10", "key-11", "key-12"], "issue_status": "Rejected", "note": ""})]]
        );
        session.press("4 R");
        assert!(matches!(session.model.layers.last(), Some(Layer::Confirm(_))), "{:?}", session.model.notices.current());
        session.refused.clear();
        session.wait(801).press("y");
        assert_eq!(told(&session)[1], [json!({"issue_ids": ["key-10"], "issue_status": "Rejected", "note": ""})]);
        session.press("R");
        assert!(!matches!(session.model.layers.last(), Some(Layer::Confirm(_))), "nothing failed any more");
    }

    #[test]
    fn a_run_that_failed_in_part_opens_again_with_only_what_failed() {
        let mut session = Session::new();
        session.refused = vec!["dev-4".into(), "dev-5".into()];
        session.press("j j space space space a").text("isolate").press("enter enter").wait(801);
        session.text("3 hosts").press("enter R");
        let Some(Layer::Form(form)) = session.model.layers.last() else { panic!("{:?}", session.model.notices.current()) };
        assert_eq!((form.fields[0].values(), &form.events[..]), (vec!["dev-4".to_owned(), "dev-5".to_owned()], &[3, 4, 5][..]));
    }

    #[test]
    fn a_run_that_could_not_be_sent_waits_in_the_outbox_when_asked_to() {
        let mut session = Session::new();
        session.offline = true;
        session.press("a").text("isolate").press("enter enter").wait(801);
        session.text("1 host").press("enter");
        assert!(session.letters.is_empty(), "not by itself");
        session.press("b b");
        assert_eq!(session.letters.len(), 1, "and once");
        session.press("esc g b");
        assert_eq!(session.model.outbox.open(), 1);
        session.press("x");
        assert!(session.letters.is_empty());
    }

    #[test]
    fn a_letter_that_rests_on_nothing_seen_is_sent_after_a_question_that_says_so() {
        let mut session = Session::new();
        session.letters = vec![letter(7, "Isolate Endpoints on eset", "eset", "isolate-endpoints")];
        session.press("g b enter");
        assert!(session.asked_for(|effect| matches!(effect, Effect::Post(..))).is_empty());
        let Some(Layer::Confirm(confirm)) = session.model.layers.last() else { panic!("{:?}", session.model.notices.current()) };
        let said = confirm.lines.iter().any(|line| line.contains("How it is at the vendor now is not known") && line.contains("decided 2"));
        assert!(said, "{:?}", confirm.lines);
    }

    #[test]
    fn what_changed_at_the_vendor_is_shown_before_a_letter_is_sent() {
        let mut session = Session::new();
        let difference = Difference { event: 2, path: ".status".into(), then: "OPEN".into(), now: "RESOLVED".into() };
        let seen = vec![Seen { event: 2, values: vec![(".status".into(), "OPEN".into())] }];
        session.letters =
            vec![Letter { differences: vec![difference], seen, ..letter(7, "Set REJECTED at Wiz", "wiz-prod", "update-issues") }];
        session.press("g b enter");
        let Some(Layer::Confirm(confirm)) = session.model.layers.last() else { panic!("{:?}", session.model.notices.current()) };
        assert!(confirm.lines.iter().any(|line| line.contains("status: OPEN → RESOLVED")), "{:?}", confirm.lines);
        session.press("esc");
        assert_eq!(session.letters[0].standing, Standing::Held);
        session.press("enter").wait(801).press("y");
        assert_eq!(session.letters[0].standing, Standing::Sent);
        let posts = session.asked_for(|effect| matches!(effect, Effect::Post(..)));
        assert!(matches!(&posts[..], [Effect::Post(_, 7, None), Effect::Post(_, 7, Some(shown))] if shown.len() == 1), "{posts:?}");
    }
}
