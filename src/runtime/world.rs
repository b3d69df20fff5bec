//! The world behind the console: what runs on its behalf, how that ends in messages, and what goes on of itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fetch::FetchOptions;
use super::follow;
use super::jobs::{Job, Kind};
use super::opened::Opened;
use super::run::{Progress, RunReport, Runner};
use crate::core::console::message::Message;
use crate::core::console::notice::Tone;
use crate::core::console::task::TaskId;
use crate::core::outcome::ReturnData;

/// How often the store is asked whether others have committed.
const LOOK: Duration = Duration::from_millis(1000);
/// How long tasks may take to end when the console is left.
const FAREWELL: Duration = Duration::from_secs(2);

/// What is looked for on the queue's behalf, one of a kind at a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Looking {
    /// Its rows.
    Rows,
    /// How many there are.
    Count,
}

/// The world behind the console.
pub struct World {
    /// None where there is nothing but a document: no connections and no store.
    pub(super) runner: Option<Runner>,
    pub(super) inbox: mpsc::Sender<Message>,
    cancels: HashMap<TaskId, CancellationToken>,
    looking: HashMap<Looking, CancellationToken>,
    /// The number of what is asked for just now to be opened.
    pub(super) opening: Option<u64>,
    /// The last of what is done in order.
    in_order: Option<JoinHandle<()>>,
    pub(super) tracker: TaskTracker,
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
            opening: None,
            in_order: None,
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

    /// Does work after all that was asked for in this way before: a draft is read as it was last written, and nobody waits for the writing.
    pub(super) fn in_order(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let before = self.in_order.take();
        self.in_order = Some(self.tracker.spawn(async move {
            if let Some(before) = before {
                let _ = before.await;
            }
            work.await;
        }));
    }

    /// Sends a message when the work is done. A panic becomes a notice, not a dead console.
    pub(super) fn answer(&self, work: impl Future<Output = Message> + Send + 'static) {
        let (inbox, opening) = (self.inbox.clone(), self.opening);
        let work = self.tracker.spawn(work);
        self.tracker.spawn(async move {
            let message = work.await.unwrap_or_else(|error| Message::Notice(Tone::Error, format!("Something broke in here: {error}")));
            let message = match opening {
                Some(number) => Message::Opened(number, Box::new(message)),
                None => message,
            };
            // Without a receiver nobody wants it any more.
            let _ = inbox.send(message).await;
        });
    }

    /// The same in the place of what was looked for before, which nobody waits for any more.
    pub(super) fn answer_instead(&mut self, what: Looking, work: impl Future<Output = Message> + Send + 'static) {
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

    /// Tells of progress as it comes.
    pub(super) fn progress(&self, id: TaskId) -> mpsc::Sender<Progress> {
        let (sender, mut receiver) = mpsc::channel::<Progress>(16);
        let inbox = self.inbox.clone();
        self.tracker.spawn(async move {
            while let Some(progress) = receiver.recv().await {
                let _ = inbox.send(Message::Progress(id, progress.text, progress.done, progress.total)).await;
            }
        });
        sender
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
                during(&inbox, &opened, Kind::Fetch, runner.fetch(&opened, &FetchOptions::default())).await;
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

    /// Stops a task; it ends in its own message.
    pub(super) fn cancel(&self, id: TaskId) {
        if let Some(cancel) = self.cancels.get(&id) {
            cancel.cancel();
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

/// Tells what a connection does of itself while it does it.
async fn during(inbox: &mpsc::Sender<Message>, opened: &Opened, kind: Kind, work: impl Future) {
    let name = &opened.connection.name;
    let _ = inbox.send(Message::Job(name.clone(), Some(kind.doing()))).await;
    work.await;
    let _ = inbox.send(Message::Job(name.clone(), None)).await;
}

/// Runs a job that is due, on a task of its own: a fault in one run must not end the schedule.
async fn run_due(runner: &Runner, job: &Job, cancel: CancellationToken) {
    let (runs, due) = (runner.clone(), job.clone());
    if let Err(error) = tokio::spawn(async move { runs.run_job(&due, cancel).await }).await {
        let (text, now) = (format!("The job broke: {error}; the log has more."), Timestamp::now());
        let _ = runner.store().record_health(&job.opened.connection.name, Some(&text), now).await;
        let _ = runner.store().job_run(&job.name(), now, now, ReturnData::Failed.as_str()).await;
    }
}

/// Runs the jobs of a connection when they are due; each connection for itself, since a vendor that does not answer must hold up no other.
async fn keep_schedule(runner: Runner, opened: Arc<Opened>, inbox: mpsc::Sender<Message>, cancel: CancellationToken) {
    loop {
        let mut next = Timestamp::MAX;
        for job in runner.scheduled(&opened).await {
            if runner.job_state(&job).await.is_due(Timestamp::now()) {
                during(&inbox, &opened, job.kind, run_due(&runner, &job, cancel.clone())).await;
            }
            next = next.min(runner.job_state(&job).await.next_run_at.unwrap_or(Timestamp::MAX));
        }
        // Another process may have run a job meanwhile; a minute is soon enough to notice.
        let wait = next.as_millisecond().saturating_sub(Timestamp::now().as_millisecond()).clamp(5_000, 60_000);
        tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
    }
}
