//! A playbook in the console: its steps as they begin and end, and what came of the whole.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::decide::decide;
use super::playbook::{PlaybookOptions, StepReport, Told, carry_out};
use super::run::{Progress, RunReport, Runner, given};
use super::tasks::{ended, report};
use super::world::World;
use crate::core::catalogue::{Effect, validate};
use crate::core::console::message::Message;
use crate::core::console::play::{Play, StepDone};
use crate::core::console::task::TaskId;
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::playbook::{Call, HERE, Playbook, change_of, command_of, no_command};

impl World {
    /// Runs a playbook: every step is told as it begins and ends, and what a vendor accepted is followed.
    pub(super) fn play(&mut self, runner: Runner, id: TaskId, play: Play) {
        let cancel = self.ending.child_token();
        let (told, tellings) = mpsc::unbounded_channel::<Told>();
        let (progress, steps) = mpsc::channel::<Progress>(16);
        let options = PlaybookOptions {
            dry_run: false,
            yes: play.most.effect == Effect::Destructive,
            most: Some(play.most),
            chosen: play.chosen,
            timeout: None,
            cancel: cancel.clone(),
            progress: Some(progress),
        };
        let (following, inbox) = (self.following(), self.inbox.clone());
        let stopped = cancel.clone();
        let work = async move {
            let (playbook, event) = (play.run.playbook().clone(), play.run.event().map(|event| event.id));
            let telling = tokio::spawn(Telling { id, runner: runner.clone(), following, inbox }.tell(tellings, steps));
            carry_out(&runner, play.run, &options, |one| {
                // Who tells outlives what is told.
                let _ = told.send(one);
            })
            .await;
            drop((told, options));
            let reports = telling.await.unwrap_or_default();
            let outcome = summary(&runner, &playbook, event, &reports, stopped.is_cancelled());
            Message::Ended(id, outcome.return_data, outcome.message.clone(), Some(Box::new(report(outcome, false))))
        };
        self.task(id, work, cancel);
    }
}

/// Who tells the console how a playbook goes.
struct Telling {
    id: TaskId,
    runner: Runner,
    following: super::world::Following,
    inbox: mpsc::Sender<Message>,
}

impl Telling {
    /// Tells everything in its order; gives back what came of the steps.
    async fn tell(self, mut tellings: mpsc::UnboundedReceiver<Told>, mut steps: mpsc::Receiver<Progress>) -> Vec<StepReport> {
        let mut reports = Vec::new();
        let mut now = (String::new(), 0, 0);
        loop {
            let message = tokio::select! {
                biased;
                told = tellings.recv() => match told {
                    None => return reports,
                    Some(Told::Begins { step, at, of }) => {
                        now = (step, at, of);
                        Message::Progress(self.id, now.0.clone(), now.1, Some(now.2))
                    }
                    Some(Told::Ended(step)) => {
                        let done = self.done(&step).await;
                        reports.push(*step);
                        Message::Step(self.id, Box::new(done))
                    }
                },
                Some(progress) = steps.recv() => Message::Progress(self.id, format!("{}: {}", now.0, progress.text), now.1, Some(now.2)),
            };
            let _ = self.inbox.send(message).await;
        }
    }

    /// A step that ended, as the console keeps it.
    async fn done(&self, step: &StepReport) -> StepDone {
        let connection = step.report.as_ref().map_or("", |report| report.connection.as_str());
        let opened = self.runner.connection(connection);
        let own = command_of(&step.command).filter(|_| connection == HERE);
        let command = own.as_ref().or_else(|| opened?.entry.command(&step.command));
        let given = given(&step.arguments);
        let arguments = command.and_then(|command| validate(command, given.clone(), Timestamp::now()).ok());
        let title = command.map_or_else(|| step.command.clone(), |command| command.title.clone());
        if let Some(run) = &step.report {
            self.following.begin(&self.runner, connection, run, None).await;
        }
        let message = step.report.as_ref().map_or_else(|| step.reason.clone(), said);
        StepDone {
            step: step.step.clone(),
            title: if connection == HERE || connection.is_empty() { title } else { format!("{title} on {connection}") },
            connection: connection.to_owned(),
            command: step.command.clone(),
            given,
            changes: command.zip(arguments.as_ref()).is_some_and(|(command, arguments)| command.class_of(arguments).effect != Effect::Read),
            arguments: arguments.map(|arguments| arguments.masked()).unwrap_or_default(),
            message,
            report: step.report.as_ref().map(|run| report(run.outcome.clone(), run.unsent)),
        }
    }
}

/// What a run says in its end: its own words, else its first failure's.
fn said(run: &RunReport) -> String {
    match ended(0, run.clone()) {
        Message::Ended(_, _, text, _) => text,
        _ => String::new(),
    }
}

/// What came of a whole playbook: which steps were done and which were not, and what takes back what was done.
pub fn summary(runner: &Runner, playbook: &Playbook, event: Option<i64>, reports: &[StepReport], cancelled: bool) -> Outcome {
    let done: Vec<&StepReport> = reports.iter().filter(|step| step.report.is_some() && !step.failed).collect();
    let partly = |step: &&StepReport| {
        step.failed || step.report.as_ref().is_some_and(|run| run.outcome.return_data == ReturnData::PartiallySuccessful)
    };
    let failed = reports.iter().filter(partly).count();
    let begun = |name: &str| reports.iter().any(|step| step.step == name);
    let waiting: Vec<&str> = playbook.steps.iter().map(|step| step.name.as_str()).filter(|name| !begun(name)).collect();
    let state = match (done.is_empty(), failed > 0 || cancelled || !waiting.is_empty()) {
        (_, false) => ReturnData::Successful,
        (true, true) => ReturnData::Failed,
        (false, true) => ReturnData::PartiallySuccessful,
    };
    let mut outcome = Outcome::new(state).raw(json!({
        "playbook": playbook.name, "event": event, "steps": reports.iter().map(StepReport::json).collect::<Vec<Value>>(),
    }));
    let mut lines = vec![format!("{} of {} steps done.", count(&done), playbook.steps.len())];
    for step in reports {
        let said = match &step.report {
            Some(run) => run.outcome.return_data.as_str().to_owned(),
            None if step.failed => format!("Failed: {}", step.reason),
            None => format!("left out: {}", step.reason),
        };
        let item = step.item.as_ref().map(|item| format!(" ({})", item.as_str().map_or_else(|| item.to_string(), str::to_owned)));
        let name = format!("{}{}", step.step, item.unwrap_or_default());
        lines.push(format!("  {name}: {said}"));
        outcome = outcome.result(&name, said);
        for failure in step.report.iter().flat_map(|run| &run.outcome.errors) {
            let item = failure.item.as_ref().map_or_else(|| step.step.clone(), |item| format!("{}: {item}", step.step));
            outcome.errors.push(Failure { item: Some(item), ..failure.clone() });
        }
        if step.report.is_none() && step.failed {
            outcome.errors.push(Failure::new("Step failed.", step.reason.clone()).item(step.step.clone()));
        }
    }
    outcome = waiting.iter().fold(outcome, |outcome, name| outcome.result(name, "not begun"));
    if let Some(step) = reports.iter().rfind(|step| step.failed) {
        let why = step.report.as_ref().map_or_else(|| step.reason.clone(), said);
        lines.push(format!("Step {} failed: {}", step.step, why.lines().next().unwrap_or_default()));
    }
    if cancelled {
        lines.push("Cancelled here; a vendor may have acted on what was under way.".into());
    }
    if !waiting.is_empty() {
        lines.push(format!("Not begun: {}.", waiting.join(", ")));
    }
    let back: Vec<String> = done.iter().rev().filter_map(|step| way_back(runner, step)).collect();
    if !back.is_empty() {
        lines.push(format!("To take back, the last first: {}.", back.join(", ")));
    }
    outcome.message(lines.join("\n"))
}

/// How many steps are done, each once however often it ran.
fn count(done: &[&StepReport]) -> usize {
    done.iter().map(|step| step.step.as_str()).collect::<std::collections::BTreeSet<_>>().len()
}

fn way_back(runner: &Runner, step: &StepReport) -> Option<String> {
    let entry = &runner.connection(&step.report.as_ref()?.connection)?.entry;
    let inverse = entry.command(&step.command)?.inverse.as_ref()?;
    let title = entry.command(&inverse.command).map_or(&inverse.command, |command| &command.title);
    Some(format!("{title} (step {})", step.step))
}

/// Decides about the event itself, as a step asks.
pub(super) async fn decided(runner: &Runner, event: Option<i64>, call: &Call, dry_run: bool) -> RunReport {
    let begun = Timestamp::now();
    let report = |outcome: Outcome, refused: bool, requests: Option<Vec<Value>>| RunReport {
        connection: HERE.into(),
        vendor: Some(HERE.into()),
        command: call.command.clone(),
        outcome,
        requests,
        refused,
        audit: None,
        unsent: false,
        started_at: begun,
        finished_at: Timestamp::now(),
    };
    let refused = |text: String| report(Outcome::failed(Failure::new("Run failed.", text)), true, None);
    let Some(command) = command_of(&call.command) else { return refused(no_command(HERE, &call.command)) };
    let Some(id) = event else { return refused(format!("{} needs an event; name one with --event.", command.title)) };
    let change = match validate(&command, given(&call.arguments), begun) {
        Ok(arguments) => change_of(&call.command, &arguments),
        Err(complaints) => return refused(complaints.into_iter().map(|complaint| complaint.message).collect::<Vec<_>>().join(" ")),
    };
    let Some(change) = change else { return refused(no_command(HERE, &call.command)) };
    if dry_run {
        let text = format!("{}: event {id}. Nothing was recorded.", command.title);
        return report(Outcome::new(ReturnData::Successful).message(text), false, Some(Vec::new()));
    }
    match decide(runner.store(), runner.actor(), &[id], &change).await.1 {
        None => {
            let raw = json!({"event": id, "decision": call.command, "arguments": call.arguments});
            report(Outcome::successful(raw).message(format!("{}: event {id}.", command.title)), false, None)
        }
        Some(fault) => report(Outcome::failed(Failure::new(format!("{} failed.", command.title), fault)), false, None),
    }
}
