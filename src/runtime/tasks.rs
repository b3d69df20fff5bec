//! What the tasks of the console do: each ends in one message, whatever happens.

use jiff::Timestamp;

use super::fetch::FetchOptions;
use super::outbox::Posted;
use super::run::{RunOptions, RunReport, Runner};
use super::world::World;
use crate::core::console::confirm::Ready;
use crate::core::console::message::Message;
use crate::core::console::notice::Tone;
use crate::core::console::task::{Report, TaskId};
use crate::core::json::Document;
use crate::core::outbox::{Difference, Letter, LetterId};
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::telling::Call;

impl World {
    pub(super) fn run(&mut self, runner: Runner, id: TaskId, ready: Ready) {
        let cancel = self.ending.child_token();
        let cancelled = cancel.clone();
        let options =
            RunOptions { cancel: cancel.clone(), progress: Some(self.progress(id)), events: ready.events.clone(), ..RunOptions::default() };
        let following = self.following();
        let work = async move {
            let run = runner.run(&ready.connection, &ready.command, ready.given, options).await;
            if let Some((command, arguments)) = ready.reread.filter(|_| run.outcome.return_data != ReturnData::Failed) {
                // What it brings is stored with it; whether it can be had is nobody's worry, the next fetch brings it too.
                runner
                    .run(
                        &ready.connection,
                        &command,
                        super::run::given(&arguments),
                        RunOptions { cancel: cancelled, ..RunOptions::default() },
                    )
                    .await;
            }
            following.begin(&runner, &ready.connection, &run, Some(id)).await;
            ended(id, run)
        };
        self.task(id, work, cancel);
    }

    pub(super) fn tell(&mut self, runner: Runner, id: TaskId, calls: Vec<Call>) {
        let cancel = self.ending.child_token();
        let options = RunOptions { cancel: cancel.clone(), progress: Some(self.progress(id)), ..RunOptions::default() };
        let inbox = self.inbox.clone();
        let work = async move {
            let (_, outcome) = runner.tell(&calls, options).await;
            let _ = inbox.send(Message::Outbox(letters(&runner).await)).await;
            Message::Ended(id, outcome.return_data, outcome.message.clone(), Some(Box::new(report(outcome, false))))
        };
        self.task(id, work, cancel);
    }

    pub(super) fn keep_for_later(&self, runner: Runner, id: TaskId, ready: Ready) {
        let inbox = self.inbox.clone();
        self.answer(async move {
            let Ready { connection, command, title, given, events, .. } = ready;
            let why = "Its vendor could not be reached when it was to be run.";
            let notice = match runner.put_off(&connection, &command, &title, given, events, why).await {
                Ok(letter) => Message::Followed(Some(id), Tone::Done, format!("{title} waits in the outbox (letter {letter})")),
                Err(reason) => Message::Notice(Tone::Error, reason),
            };
            let _ = inbox.send(notice).await;
            Message::Outbox(letters(&runner).await)
        });
    }

    pub(super) fn post(&mut self, runner: Runner, id: TaskId, letter: LetterId, confirmed: Option<Vec<Difference>>) {
        let cancel = self.ending.child_token();
        let options = RunOptions { cancel: cancel.clone(), progress: Some(self.progress(id)), ..RunOptions::default() };
        let inbox = self.inbox.clone();
        let work = async move {
            let message = match runner.post(letter, confirmed, options).await {
                Ok(Posted::Sent(outcome)) => {
                    Message::Ended(id, outcome.return_data, outcome.message.clone(), Some(Box::new(report(*outcome, false))))
                }
                Ok(Posted::Held(letter)) => Message::Held(id, letter),
                Ok(Posted::Unreached(why)) => Message::Ended(id, ReturnData::Failed, format!("Not sent, it waits on: {why}"), None),
                Ok(Posted::Not(why)) => Message::Ended(id, ReturnData::Failed, why, None),
                Err(error) => Message::Ended(id, ReturnData::Failed, error.to_string(), None),
            };
            let _ = inbox.send(Message::Outbox(letters(&runner).await)).await;
            message
        };
        self.task(id, work, cancel);
    }

    pub(super) fn fetch(&mut self, runner: Runner, id: TaskId, connection: String, window: Option<(Timestamp, Timestamp)>) {
        let cancel = self.ending.child_token();
        let run = RunOptions { cancel: cancel.clone(), progress: Some(self.progress(id)), ..RunOptions::default() };
        let options = FetchOptions { from: window.map(|(from, _)| from), to: window.map(|(_, to)| to), run, ..FetchOptions::default() };
        let work = async move {
            let Some(opened) = runner.connection(&connection).cloned() else {
                return Message::Ended(id, ReturnData::Failed, format!("There is no connection {connection}."), None);
            };
            let fetched = runner.fetch(&opened, &options).await;
            let counts = fetched.counts;
            let gaps = match fetched.gaps.len() {
                0 => String::new(),
                1 => ", 1 gap".into(),
                several => format!(", {several} gaps"),
            };
            // Why comes first: what is cut at the edge of a line is the least of it.
            let why = fetched.errors.first().map(|failure| format!("{} ", failure.message)).unwrap_or_default();
            let notice = fetched.notice.as_ref().map(|notice| format!(". {notice}")).unwrap_or_default();
            let text = format!("{why}{} new, {} updated, {} unchanged{gaps}{notice}", counts.new, counts.updated, counts.unchanged);
            let mut outcome = Outcome::new(fetched.return_data).raw(fetched.json()).message(text.clone());
            outcome.errors.clone_from(&fetched.errors);
            Message::Ended(id, fetched.return_data, text, Some(Box::new(report(outcome, false))))
        };
        self.task(id, work, cancel);
    }
}

pub(super) async fn letters(runner: &Runner) -> Result<Vec<Letter>, String> {
    runner.letters(false).await.map_err(|error| error.to_string())
}

pub(super) fn report(outcome: Outcome, unsent: bool) -> Report {
    let document = Document::parse(outcome.raw_data.to_string().into_bytes());
    Report { outcome, document, unsent }
}

pub(super) fn ended(id: TaskId, run: RunReport) -> Message {
    let unsent = run.unsent;
    let outcome = run.outcome;
    let text = match (&outcome.message, outcome.errors.first()) {
        (message, Some(Failure { message: failure, .. })) if message.is_empty() => failure.clone(),
        (message, _) => message.clone(),
    };
    Message::Ended(id, outcome.return_data, text, Some(Box::new(report(outcome, unsent))))
}
