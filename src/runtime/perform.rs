//! Effects made real: each becomes a task that ends in a message.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::adding;
use super::cases;
use super::document;
use super::fetch::FetchOptions;
use super::follow;
use super::jobs::Kind;
use super::log;
use super::lookup;
use super::opened::Opened;
use super::outbox::Posted;
use super::playbook;
use super::read;
use super::run::{Progress, RunOptions, RunReport, Runner};
use super::shell;
use super::store::{Decision, Store, Was};
use crate::config::{Problem, views};
use crate::core::case::format_of;
use crate::core::confirm::Ready;
use crate::core::effect::{Before, Change, Effect, Gather, Source, Text};
use crate::core::event::Status;
use crate::core::form::body::faults;
use crate::core::json::Document;
use crate::core::message::{Decided, Message};
use crate::core::notice::Tone;
use crate::core::outbox::{Difference, Letter, LetterId};
use crate::core::outcome::{Failure, Outcome, ReturnData};
use crate::core::playbook::Playbook;
use crate::core::queue::FIRST_LIMIT;
use crate::core::task::{Report, TaskId};
use crate::core::telling::Call;
use crate::core::views::Saved;
use crate::core::work::{Arrived, Ticket, Work};

/// How often the store is asked whether others have committed.
const LOOK: Duration = Duration::from_millis(1000);
/// How long tasks may take to end when the console is left.
const FAREWELL: Duration = Duration::from_secs(2);

/// Decisions that are recorded together; others who write need not wait longer than for one such lot.
const LOT: usize = 1_000;

/// What is looked for on the queue's behalf, one of a kind at a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Looking {
    Rows,
    Count,
}

/// The world behind the console.
pub struct World {
    /// None where there is nothing but a document: no connections and no store.
    runner: Option<Runner>,
    pub(super) inbox: mpsc::Sender<Message>,
    cancels: HashMap<TaskId, CancellationToken>,
    looking: HashMap<Looking, CancellationToken>,
    tracker: TaskTracker,
    pub(super) ending: CancellationToken,
}

/// Follows what vendors accepted, until the console is left.
#[derive(Clone)]
pub(super) struct Following {
    inbox: mpsc::Sender<Message>,
    tracker: TaskTracker,
    ending: CancellationToken,
}

impl Following {
    /// Begins to follow what a command's vendor accepted, if it only accepted it; of that task, where what comes of it is told there.
    pub(super) async fn begin(&self, runner: &Runner, connection: &str, run: &RunReport, task: Option<TaskId>) {
        let Some(follow) = run.outcome.follow.clone() else { return };
        if let Some(seq) = run.audit
            && let Err(error) = runner.store().end_intent(seq, "Accepted, not yet observed", Value::Null).await
        {
            tracing::warn!(%error, "what was accepted could not be recorded");
        }
        let at = runner.vendors_time(connection, run.started_at).await;
        let accepted = follow::Accepted { connection: connection.to_owned(), follow, audit: run.audit, at: Some(at) };
        let kept = runner.store().follow_push(serde_json::json!(accepted)).await.unwrap_or_default();
        let following = follow::follow(runner.clone(), kept, accepted, task, self.inbox.clone());
        self.tracker.spawn(self.ending.clone().run_until_cancelled_owned(following));
    }
}

impl World {
    /// A world that answers into an inbox.
    pub fn new(runner: Option<Runner>, inbox: mpsc::Sender<Message>) -> Self {
        Self {
            runner,
            inbox,
            cancels: HashMap::new(),
            looking: HashMap::new(),
            tracker: TaskTracker::new(),
            ending: CancellationToken::new(),
        }
    }

    pub(super) fn following(&self) -> Following {
        Following { inbox: self.inbox.clone(), tracker: self.tracker.clone(), ending: self.ending.clone() }
    }

    /// The session that was kept.
    pub async fn session(&self) -> Option<Value> {
        self.runner.as_ref()?.store().view_state().await.ok().flatten()
    }

    /// Sends a message when the work is done. A panic becomes a notice, not a dead console.
    fn answer(&self, work: impl Future<Output = Message> + Send + 'static) {
        let inbox = self.inbox.clone();
        let work = self.tracker.spawn(work);
        self.tracker.spawn(async move {
            let message = work.await.unwrap_or_else(|error| Message::Notice(Tone::Error, format!("Something broke in here: {error}")));
            // Without a receiver nobody wants it any more.
            let _ = inbox.send(message).await;
        });
    }

    /// The same in the place of what was looked for before, which nobody waits for any more.
    fn answer_instead(&mut self, what: Looking, work: impl Future<Output = Message> + Send + 'static) {
        let cancel = self.ending.child_token();
        if let Some(before) = self.looking.insert(what, cancel.clone()) {
            before.cancel();
        }
        let inbox = self.inbox.clone();
        self.tracker.spawn(async move {
            if let Some(message) = cancel.run_until_cancelled_owned(work).await {
                let _ = inbox.send(message).await;
            }
        });
    }

    /// The same for a task: whatever happens, it ends.
    pub(super) fn task(&mut self, id: TaskId, work: impl Future<Output = Message> + Send + 'static, cancel: CancellationToken) {
        self.cancels.insert(id, cancel);
        let inbox = self.inbox.clone();
        let work = self.tracker.spawn(work);
        self.tracker.spawn(async move {
            let message =
                work.await.unwrap_or_else(|error| Message::Ended(id, ReturnData::Failed, format!("The task broke: {error}"), None));
            let _ = inbox.send(message).await;
        });
    }

    /// Carries an effect out. Nothing here waits for the vendor.
    pub async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Read(ticket, source) => self.read(ticket, source),
            Effect::Work(work) => self.work(work),
            Effect::Save(path, text) => self.answer(save(path, text)),
            Effect::Extract(document, path) => self.answer(async move { Message::Document(read::extract(document, path).await) }),
            Effect::Log => self.answer(async { Message::Page("Log: what the program did, newest first".into(), log::newest()) }),
            other => {
                if let Some(runner) = self.runner.clone() {
                    self.perform_on(runner, other).await;
                }
            }
        }
    }

    /// Reads a document. It is not waited for when the console is left: what is piped in may never end.
    fn read(&self, ticket: Ticket, source: Source) {
        let (inbox, ending) = (self.inbox.clone(), self.ending.clone());
        tokio::spawn(async move {
            let (broken, told) = (ticket.clone(), inbox.clone());
            let reading = tokio::task::spawn_blocking(move || document::read(ticket, &source, inbox, ending));
            if let Err(error) = reading.await {
                let _ = told.send(Message::Read(broken, Arrived::Failed(format!("Something broke in here: {error}")))).await;
            }
        });
    }

    fn work(&self, work: Box<Work>) {
        let (inbox, ending) = (self.inbox.clone(), self.ending.clone());
        self.tracker.spawn(async move {
            let answer = inbox.clone();
            let work = tokio::task::spawn_blocking(move || document::work(work, inbox, ending));
            let message = match work.await {
                Ok(Some(work)) => Message::Worked(work),
                Ok(None) => return,
                Err(error) => Message::Notice(Tone::Error, format!("Something broke in here: {error}")),
            };
            let _ = answer.send(message).await;
        });
    }

    async fn perform_on(&mut self, runner: Runner, effect: Effect) {
        let store = runner.store().clone();
        match effect {
            Effect::Rows { generation, view, limit } => {
                let work = async move { Message::Rows(generation, read::listing(&store, &view, limit).await) };
                self.answer_instead(Looking::Rows, work);
            }
            Effect::Tally(view, grouping) => self.answer_instead(Looking::Count, async move {
                let tally = read::tally(&store, &view, grouping).await;
                Message::Tallied(view, grouping, tally)
            }),
            Effect::Members { generation, view, grouping, group } => self.answer(async move {
                let rows = read::members(&store, &view, grouping, &group, FIRST_LIMIT).await;
                Message::Members(generation, group, rows)
            }),
            Effect::Mark { view, which, then } => self.answer(async move {
                let ids = read::meant(&store, &view, &which).await;
                Message::Marked(view, which, then, ids)
            }),
            Effect::Show(id) => self.answer(async move { Message::Shown(id, read::shown(&store, id).await.map(Box::new)) }),
            // Nobody is told of a part only: however many there are, all are read.
            Effect::Gather(ids, why @ (Gather::Offer | Gather::Tell(_))) => {
                self.answer(async move { Message::Gathered(why, store.events_of(ids).await.map_err(|error| error.to_string())) });
            }
            Effect::Gather(ids, why) => self.answer(async move { Message::Gathered(why, read::events(&store, &ids).await) }),
            Effect::Decide(ids, change) => {
                let actor = runner.actor().to_owned();
                self.answer(async move {
                    let (before, fault) = decide(&store, &actor, &ids, &change).await;
                    Message::Decided(Decided::Change(ids, change), before, fault)
                });
            }
            Effect::Restore(before) => {
                let actor = runner.actor().to_owned();
                self.answer(async move {
                    let (done, fault) = restore(&store, &actor, &before).await;
                    Message::Decided(Decided::Restored(before), done, fault)
                });
            }
            Effect::Run(id, ready) => self.run(runner, id, ready),
            Effect::Play(id, play) => self.play(runner, id, *play),
            Effect::KeepPlaybook(playbook) => self.answer(async move { keep_playbook(&runner, *playbook).await }),
            Effect::RecordEvent(event, name) => self.answer(async move {
                match recorded(&runner, event, &name).await {
                    Ok(playbook) => keep_playbook(&runner, playbook).await,
                    Err(message) => Message::Playbooks(name, Err(message)),
                }
            }),
            Effect::Tell(id, calls) => self.tell(runner, id, calls),
            Effect::KeepForLater(id, ready) => self.keep_for_later(runner, id, ready),
            Effect::Outbox => self.answer(async move { Message::Outbox(letters(&runner).await) }),
            Effect::Post(id, letter, confirmed) => self.post(runner, id, letter, confirmed),
            Effect::TakeBack(letter) => {
                let inbox = self.inbox.clone();
                self.answer(async move {
                    let actor = runner.actor().to_owned();
                    let notice = match store.cancel_letter(letter, &actor, Timestamp::now()).await {
                        Ok(true) => Message::Notice(Tone::Done, "Taken back; it will not be sent.".into()),
                        Ok(false) => Message::Notice(Tone::Warning, "It cannot be taken back any more.".into()),
                        Err(error) => Message::Notice(Tone::Error, error.to_string()),
                    };
                    let _ = inbox.send(notice).await;
                    Message::Outbox(letters(&runner).await)
                });
            }
            Effect::Plan { connection, command, given, names } => self.answer(async move {
                let options = RunOptions { dry_run: true, ..RunOptions::default() };
                let report = runner.run(&connection, &command, given, options).await;
                Message::Page("Requests, exactly as they would be sent; nothing was sent".into(), read::plan(&report, &names))
            }),
            Effect::Pick { form, field, connection, pick, asked } => {
                let cancel = self.ending.child_token();
                self.answer(async move { Message::Picks(form, field, lookup::look(&runner, &connection, &pick, &asked, &cancel).await) });
            }
            Effect::Check { form, field, revision, text, rules } => self.answer(async move {
                let found = tokio::task::spawn_blocking(move || faults(&text, &rules)).await.unwrap_or_default();
                Message::Checked(form, field, revision, found)
            }),
            Effect::Name { form, field, connection, pick, asked } => {
                let cancel = self.ending.child_token();
                self.answer(async move { Message::Names(form, field, lookup::look(&runner, &connection, &pick, &asked, &cancel).await) });
            }
            Effect::Fetch { task, connection, window } => self.fetch(runner, task, connection, window),
            Effect::Test(id, connection) => {
                let cancel = self.ending.child_token();
                let options = RunOptions { cancel: cancel.clone(), ..RunOptions::default() };
                self.task(
                    id,
                    async move {
                        match runner.connection(&connection).cloned() {
                            Some(opened) => ended(id, runner.test(&opened, options).await),
                            None => Message::Ended(id, ReturnData::Failed, format!("There is no connection {connection}."), None),
                        }
                    },
                    cancel,
                );
            }
            Effect::Cancel(id) => {
                if let Some(cancel) = self.cancels.get(&id) {
                    cancel.cancel();
                }
            }
            Effect::AddConnection(wanted) => self.answer(async move {
                let (vendor, name) = (wanted.vendor.clone(), wanted.name.clone());
                let written = tokio::task::spawn_blocking(move || adding::add(runner.paths(), runner.vault(), &wanted)).await;
                Message::Added(vendor, name, written.unwrap_or_else(|error| Err(error.to_string())))
            }),
            Effect::Health => self.answer(async move { Message::Health(read::health(&runner).await) }),
            Effect::History => self.answer(async move {
                let lines = read::history(&store).await.unwrap_or_else(|error| vec![format!("The record cannot be read: {error}")]);
                Message::Page("History: what was run and decided, newest first".into(), lines)
            }),
            Effect::Cases => self.answer(async move { Message::Cases(store.case_list().await.map_err(|error| error.to_string())) }),
            Effect::Case(name) => self.answer(async move {
                let dossier = cases::dossier(&store, &name).await.map(Box::new);
                Message::Case(name, dossier)
            }),
            Effect::OnCase(name, change) => self.answer(async move {
                let done = cases::change(&runner, &name, &change).await;
                Message::OnCase(change, done)
            }),
            Effect::ExportCase(name, path) => self.answer(async move {
                match cases::export(&store, &name, format_of(&path)).await {
                    Ok(text) => save(path, Text::Plain(text)).await,
                    Err(message) => Message::Notice(Tone::Error, message),
                }
            }),
            Effect::Changes(id, revision) => {
                self.answer(async move { Message::Document(read::changes(&store, id, revision).await) });
            }
            Effect::Count(queries) => self.answer(async move { Message::Counts(read::counts(&store, queries).await) }),
            Effect::KeepView(view) => self.answer(async move {
                let paths = runner.paths().clone();
                let done = format!("Saved as view {} in {}", view.name, paths.views().display());
                Message::Views(written(tokio::task::spawn_blocking(move || views::save(&paths, &view)).await, done))
            }),
            Effect::ForgetView(name) => self.answer(async move {
                let paths = runner.paths().clone();
                let done = format!("View {name} removed from {}", paths.views().display());
                Message::Views(written(tokio::task::spawn_blocking(move || views::remove(&paths, &name)).await, done))
            }),
            // The session is kept before the loop goes on: it may be the last thing that it does.
            Effect::Keep(session) => {
                if let Err(error) = store.set_view_state(session).await {
                    tracing::warn!(%error, "the session could not be kept");
                }
            }
            Effect::Draft(form, connection, command) => self
                .answer(async move { Message::Draft(form, store.draft(&connection, &command).await.ok().flatten().unwrap_or_default()) }),
            Effect::KeepDraft(connection, command, draft) => {
                if let Err(error) = store.set_draft(&connection, &command, draft).await {
                    tracing::warn!(%error, "the draft could not be kept");
                }
            }
            // These were done already, or belong to the loop.
            Effect::Read(..)
            | Effect::Work(_)
            | Effect::Save(..)
            | Effect::Extract(..)
            | Effect::Log
            | Effect::Copy(_)
            | Effect::Outside(..)
            | Effect::Wake(_)
            | Effect::Mouse(_)
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Quit => {}
        }
    }

    /// Tells of progress as it comes.
    fn progress(&self, id: TaskId) -> mpsc::Sender<Progress> {
        let (sender, mut receiver) = mpsc::channel::<Progress>(16);
        let inbox = self.inbox.clone();
        self.tracker.spawn(async move {
            while let Some(progress) = receiver.recv().await {
                let _ = inbox.send(Message::Progress(id, progress.text, progress.done, progress.total)).await;
            }
        });
        sender
    }

    fn run(&mut self, runner: Runner, id: TaskId, ready: Ready) {
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

    fn tell(&mut self, runner: Runner, id: TaskId, calls: Vec<Call>) {
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

    fn keep_for_later(&self, runner: Runner, id: TaskId, ready: Ready) {
        let inbox = self.inbox.clone();
        self.answer(async move {
            let Ready { connection, command, title, given, events, .. } = ready;
            let why = "Its vendor could not be reached when it was to be run.";
            let notice = match runner.put_off(&connection, &command, &title, given, events, why).await {
                Ok(letter) => {
                    Message::Followed(Some(id), Tone::Done, format!("{title} waits in the outbox (letter {letter}); g b shows it."))
                }
                Err(reason) => Message::Notice(Tone::Error, reason),
            };
            let _ = inbox.send(notice).await;
            Message::Outbox(letters(&runner).await)
        });
    }

    fn post(&mut self, runner: Runner, id: TaskId, letter: LetterId, confirmed: Option<Vec<Difference>>) {
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

    fn fetch(&mut self, runner: Runner, id: TaskId, connection: String, window: Option<(Timestamp, Timestamp)>) {
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

    /// Pipes a text into a shell line and shows what it printed.
    pub fn pipe(&self, line: String, text: Text) {
        self.answer(async move {
            match shell::pipe(&line, text).await {
                Ok(lines) => Message::Page(format!("| {line}"), lines),
                Err(message) => Message::Notice(Tone::Error, message),
            }
        });
    }

    /// Looks whether anybody has committed, and says so only then.
    pub fn watch_store(&self) {
        let Some(store) = self.runner.as_ref().map(|runner| runner.store().clone()) else { return };
        let (inbox, ending) = (self.inbox.clone(), self.ending.clone());
        self.tracker.spawn(ending.run_until_cancelled_owned(async move {
            let mut last = store.data_version().await.unwrap_or_default();
            loop {
                tokio::time::sleep(LOOK).await;
                let Ok(version) = store.data_version().await else { return };
                if version != last {
                    last = version;
                    if inbox.send(Message::Changed).await.is_err() {
                        return;
                    }
                }
            }
        }));
    }

    /// Goes on following what an earlier console was told of.
    pub async fn go_on_following(&self) {
        let Some(runner) = &self.runner else { return };
        for (id, kept) in runner.store().follows().await.unwrap_or_default() {
            if let Ok(accepted) = serde_json::from_value(kept) {
                let following = follow::follow(runner.clone(), id, accepted, None, self.inbox.clone());
                self.tracker.spawn(self.ending.clone().run_until_cancelled_owned(following));
            }
        }
    }

    /// Fetches every connection once.
    pub fn fill(&self) {
        let Some(runner) = &self.runner else { return };
        for opened in runner.connections() {
            let (runner, opened, inbox) = (runner.clone(), Arc::clone(opened), self.inbox.clone());
            self.tracker.spawn(self.ending.clone().run_until_cancelled_owned(async move {
                let name = &opened.connection.name;
                let _ = inbox.send(Message::Job(name.clone(), Some(Kind::Fetch.doing()))).await;
                runner.fetch(&opened, &FetchOptions::default()).await;
                let _ = inbox.send(Message::Job(name.clone(), None)).await;
            }));
        }
    }

    /// Runs the scheduled jobs while the console is open.
    pub fn run_jobs(&self) {
        let Some(runner) = &self.runner else { return };
        for opened in runner.connections().iter().filter(|opened| opened.connection.active) {
            let kept = keep_schedule(runner.clone(), Arc::clone(opened), self.inbox.clone(), self.ending.child_token());
            self.tracker.spawn(self.ending.clone().run_until_cancelled_owned(kept));
        }
    }

    /// Ends everything that runs; waits for it a little.
    pub async fn finish(&mut self) {
        self.ending.cancel();
        self.tracker.close();
        // Answers that still come have nobody to read them; the tasks must not wait for that.
        let _ = tokio::time::timeout(FAREWELL, self.tracker.wait()).await;
    }
}

/// Runs the jobs of a connection when they are due; each connection for itself, since a vendor that does not answer must hold up no other.
async fn keep_schedule(runner: Runner, opened: Arc<Opened>, inbox: mpsc::Sender<Message>, cancel: CancellationToken) {
    let connection = &opened.connection.name;
    loop {
        let mut next = Timestamp::MAX;
        for job in runner.scheduled(&opened).await {
            if runner.job_state(&job).await.is_due(Timestamp::now()) {
                let _ = inbox.send(Message::Job(connection.clone(), Some(job.kind.doing()))).await;
                // On a task of its own: a fault in one run must not end the schedule.
                let (runs, due, stops) = (runner.clone(), job.clone(), cancel.clone());
                if let Err(error) = tokio::spawn(async move { runs.run_job(&due, stops).await }).await {
                    let (text, now) = (format!("The job broke: {error}; the log has more."), Timestamp::now());
                    let _ = runner.store().record_health(connection, Some(&text), now).await;
                    let _ = runner.store().job_run(&job.name(), now, now, ReturnData::Failed.as_str()).await;
                }
                let _ = inbox.send(Message::Job(connection.clone(), None)).await;
            }
            next = next.min(runner.job_state(&job).await.next_run_at.unwrap_or(Timestamp::MAX));
        }
        // Another process may have run a job meanwhile; a minute is soon enough to notice.
        let wait = next.as_millisecond().saturating_sub(Timestamp::now().as_millisecond()).clamp(5_000, 60_000);
        tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
    }
}

async fn letters(runner: &Runner) -> Result<Vec<Letter>, String> {
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

/// How events were for which something was recorded, and why it was not for all.
pub(super) type Recorded = (Vec<Before>, Option<String>);

pub(super) async fn decide(store: &Store, actor: &str, ids: &[i64], change: &Change) -> Recorded {
    let mut decision = Decision { actor: actor.to_owned(), ..Decision::default() };
    match change {
        Change::Close(disposition, note) => {
            decision.status = Some(Status::Closed);
            decision.disposition = Some(Some(*disposition));
            decision.note = (!note.is_empty()).then(|| note.clone());
        }
        Change::Take => {
            decision.status = Some(Status::InProgress);
            decision.assignee = Some(Some(actor.to_owned()));
        }
        Change::Reopen => {
            decision.status = Some(Status::New);
            decision.disposition = Some(None);
            decision.assignee = Some(None);
        }
        Change::Note(text) => decision.note = Some(text.clone()),
        Change::Case(name) => {
            for lot in ids.chunks(LOT) {
                if let Err(error) = store.case_add(name, lot.to_vec(), actor, Timestamp::now()).await {
                    return (Vec::new(), Some(error.to_string()));
                }
            }
            return (Vec::new(), None);
        }
    }
    record(store, ids, &decision).await
}

/// A playbook made from what was done on an event.
async fn recorded(runner: &Runner, event: i64, name: &str) -> Result<Playbook, String> {
    let failed = |error: super::store::StoreError| error.to_string();
    let stored = runner.store().event(event).await.map_err(failed)?.ok_or_else(|| format!("There is no event {event}."))?;
    let done = playbook::done_on(runner, runner.store(), &stored).await.map_err(failed)?;
    if done.is_empty() {
        return Err(format!("No command was run on event {event} yet, so there is nothing to record."));
    }
    Ok(crate::core::playbook::record(name, &[stored], &done))
}

/// Writes a playbook, and reads all of them anew.
async fn keep_playbook(runner: &Runner, playbook: Playbook) -> Message {
    let (dir, name) = (runner.paths().config_dir.clone(), playbook.name.clone());
    let written = tokio::task::spawn_blocking(move || {
        let file = playbook::save(&dir, &playbook, false)?;
        let done = format!("Saved in {}; : and P list it.", file.display());
        Ok::<_, String>((playbook::library(&dir).0, done))
    });
    Message::Playbooks(name, written.await.unwrap_or_else(|error| Err(error.to_string())))
}

async fn restore(store: &Store, actor: &str, before: &[Before]) -> Recorded {
    let mut alike: Vec<(Status, Option<crate::core::event::Disposition>, Vec<i64>)> = Vec::new();
    for (id, status, disposition) in before {
        match alike.iter_mut().find(|(known, verdict, _)| known == status && verdict == disposition) {
            Some((_, _, ids)) => ids.push(*id),
            None => alike.push((*status, *disposition, vec![*id])),
        }
    }
    let mut all = Vec::new();
    for (status, disposition, ids) in alike {
        let assignee = (status == Status::New).then_some(None);
        let decision = Decision { actor: actor.to_owned(), status: Some(status), disposition: Some(disposition), assignee, note: None };
        let (done, fault) = record(store, &ids, &decision).await;
        all.extend(done);
        if fault.is_some() {
            return (all, fault);
        }
    }
    (all, None)
}

/// Records a decision lot by lot.
async fn record(store: &Store, ids: &[i64], decision: &Decision) -> Recorded {
    let mut before = Vec::new();
    for lot in ids.chunks(LOT) {
        match store.decide(lot.to_vec(), decision.clone(), Timestamp::now()).await {
            Ok(was) => before.extend(was.into_iter().map(|Was { id, status, disposition, .. }| (id, status, disposition))),
            Err(error) => return (before, Some(error.to_string())),
        }
    }
    (before, None)
}

type Views = Result<Vec<Saved>, Vec<Problem>>;

/// The views as they are after they were written, or why they were not.
fn written(result: Result<Views, tokio::task::JoinError>, done: String) -> Result<(Vec<Saved>, String), String> {
    match result {
        Ok(Ok(views)) => Ok((views, done)),
        Ok(Err(problems)) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        Err(error) => Err(error.to_string()),
    }
}

async fn save(path: String, text: Text) -> Message {
    let written = tokio::task::spawn_blocking(move || {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        // What is there already is not overwritten.
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| text.parts().try_for_each(|part| file.write_all(part.as_bytes())))
            .map(|()| format!("Written to {path}"))
            .map_err(|error| format!("{path}: {error}"))
    });
    match written.await {
        Ok(Ok(done)) => Message::Notice(Tone::Done, done),
        Ok(Err(message)) => Message::Notice(Tone::Error, message),
        Err(error) => Message::Notice(Tone::Error, error.to_string()),
    }
}
