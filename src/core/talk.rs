//! Conversations: commands as ordinary code that is still pure.
//!
//! A handler is an `async fn` that is given a [`Talk`]. What it awaits is not the world but an answer: [`Conversation::resume`]
//! runs the code until it needs something, hands out a [`Step`], and goes on when it is given what came of it. Nothing here knows
//! a network, a clock or a runtime, so a handler is tested by answering its steps by hand; and batch-then-single, get-union-post,
//! page-then-blob and polling are loops and `if`s.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;

use super::catalogue::{Fetched, Page};
use super::outcome::Outcome;
use super::request::{Answer, Request, Trouble};

/// What a conversation asks of the world.
#[derive(Debug)]
pub enum Step<T> {
    /// Send these requests (side by side, within the connection's rate) and answer with [`Input::Answers`] in the same order.
    Send(Vec<Request>),
    /// Wait so long, then answer with [`Input::Done`].
    Wait(Duration),
    /// Store this page, then answer with [`Input::Stored`].
    Deliver(Page),
    /// Forget every token of the connection (`auth-reset`), then answer with [`Input::Done`].
    ForgetTokens,
    /// Keep a refresh token for the connection in this slot, replacing the old, then answer with [`Input::Done`] (or
    /// [`Input::Failed`]).
    KeepRefreshToken {
        /// Slot of the sign-in.
        slot: String,
        /// The token.
        token: String,
    },
    /// Remember a small private value of the connection (a sign-in's `state` and verifier), or forget it with `None`; then answer
    /// with [`Input::Done`].
    Remember(String, Option<String>),
    /// Answer with [`Input::Recalled`]: the small private value.
    Recall(String),
    /// Answer with [`Input::Random`]: this many random bytes, as hexadecimal text.
    Random(usize),
    /// Say how far it is, then answer with [`Input::Done`].
    Progress {
        /// What was just done, for people.
        text: String,
        /// Parts done.
        done: usize,
        /// Parts in all, where that is known.
        total: Option<usize>,
    },
    /// The end.
    Done(T),
}

/// What the world answers.
#[derive(Debug)]
pub enum Input {
    /// Begin.
    Start,
    /// Answers to [`Step::Send`].
    Answers(Vec<Answer>),
    /// Stored: how many of the page's events were new, revised and unchanged.
    Stored(Counts),
    /// It is done.
    Done,
    /// It could not be done.
    Failed(String),
    /// The small private value.
    Recalled(Option<String>),
    /// Random text.
    Random(String),
}

/// What became of delivered events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not seen before.
    pub new: usize,
    /// Seen before, changed since.
    pub updated: usize,
    /// Seen before, unchanged.
    pub unchanged: usize,
}

impl Counts {
    /// All of them.
    pub fn total(self) -> usize {
        self.new + self.updated + self.unchanged
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}

enum Ask {
    Send(Vec<Request>),
    Wait(Duration),
    Deliver(Page),
    ForgetTokens,
    KeepRefreshToken { slot: String, token: String },
    Remember(String, Option<String>),
    Recall(String),
    Random(usize),
    Progress { text: String, done: usize, total: Option<usize> },
}

#[derive(Default)]
struct Line {
    ask: Option<Ask>,
    input: Option<Input>,
    planned: Vec<Request>,
    elapsed: Duration,
}

/// A handler's side of the conversation.
#[derive(Clone)]
pub struct Talk {
    line: Arc<Mutex<Line>>,
    now: Timestamp,
    planning: bool,
}

impl Talk {
    /// A line for one conversation. `planning` makes it a dry run: nothing is sent, every request is noted.
    pub fn new(now: Timestamp, planning: bool) -> Self {
        Self { line: Arc::default(), now, planning }
    }

    /// The time when the run began; times are fixed once.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How long the run has taken, as far as the world has said so.
    pub fn elapsed(&self) -> Duration {
        self.lock().elapsed
    }

    /// Whether this is a dry run: requests are noted, and every answer is [`Trouble::Planned`].
    pub fn planning(&self) -> bool {
        self.planning
    }

    /// Sends a request and waits for its answer.
    pub async fn send(&self, request: Request) -> Answer {
        self.send_all(vec![request]).await.pop().unwrap_or(Err(Trouble::Cancelled))
    }

    /// Sends requests side by side and waits for all answers, in the same order.
    pub async fn send_all(&self, requests: Vec<Request>) -> Vec<Answer> {
        let count = requests.len();
        if self.planning {
            self.lock().planned.extend(requests);
            return (0..count).map(|_| Err(Trouble::Planned)).collect();
        }
        match self.ask(Ask::Send(requests)).await {
            Input::Answers(answers) => answers,
            _ => (0..count).map(|_| Err(Trouble::Cancelled)).collect(),
        }
    }

    /// In a dry run, notes a request that needs an earlier answer: its open places say so (`<from step 1: what>`), and
    /// [`Request::depends_on`] names the step.
    pub fn plan(&self, request: Request) {
        self.lock().planned.push(request);
    }

    /// Waits; not at all in a dry run.
    pub async fn wait(&self, time: Duration) {
        if !self.planning {
            self.ask(Ask::Wait(time)).await;
        }
    }

    /// Has a page of events stored and says what became of them.
    pub async fn deliver(&self, page: Page) -> Counts {
        match self.ask(Ask::Deliver(page)).await {
            Input::Stored(counts) => counts,
            _ => Counts::default(),
        }
    }

    /// Forgets every token of the connection.
    pub async fn forget_tokens(&self) {
        if !self.planning {
            self.ask(Ask::ForgetTokens).await;
        }
    }

    /// Keeps a refresh token for the connection.
    ///
    /// # Errors
    /// When it cannot be kept; the reason.
    pub async fn keep_refresh_token(&self, slot: &str, token: &str) -> Result<(), String> {
        match self.ask(Ask::KeepRefreshToken { slot: slot.into(), token: token.into() }).await {
            Input::Failed(reason) => Err(reason),
            _ => Ok(()),
        }
    }

    /// Remembers a small private value of the connection, in the vault.
    pub async fn remember(&self, name: &str, value: Option<&str>) {
        if !self.planning {
            self.ask(Ask::Remember(name.into(), value.map(str::to_owned))).await;
        }
    }

    /// Recalls a small private value of the connection.
    pub async fn recall(&self, name: &str) -> Option<String> {
        match self.ask(Ask::Recall(name.into())).await {
            Input::Recalled(value) => value,
            _ => None,
        }
    }

    /// Random bytes as hexadecimal text.
    pub async fn random(&self, bytes: usize) -> String {
        match self.ask(Ask::Random(bytes)).await {
            Input::Random(text) => text,
            _ => String::new(),
        }
    }

    /// Says how far it is.
    pub async fn progress(&self, text: impl Into<String>, done: usize, total: Option<usize>) {
        if !self.planning {
            self.ask(Ask::Progress { text: text.into(), done, total }).await;
        }
    }

    async fn ask(&self, ask: Ask) -> Input {
        self.lock().ask = Some(ask);
        std::future::poll_fn(|_| match self.lock().input.take() {
            Some(input) => Poll::Ready(input),
            None => Poll::Pending,
        })
        .await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The world's side of a conversation that ends in a `T`.
pub struct Talking<T> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    talk: Talk,
}

/// A command's conversation.
pub type Conversation = Talking<Outcome>;

/// A fetch's conversation.
pub type Fetching = Talking<Fetched>;

impl<T> Talking<T> {
    /// A conversation over a line; the future must talk over the same one.
    pub fn new(talk: &Talk, future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { future: Box::pin(future), talk: talk.clone() }
    }

    /// The same conversation, whose end is made into something else.
    #[must_use]
    pub fn map<U>(self, end: impl FnOnce(T) -> U + Send + 'static) -> Talking<U>
    where
        T: 'static,
    {
        let future = self.future;
        Talking { future: Box::pin(async move { end(future.await) }), talk: self.talk }
    }

    /// Goes on until the next thing is needed. Begin with [`Input::Start`].
    pub fn resume(&mut self, input: Input) -> Step<T> {
        if !matches!(input, Input::Start) {
            self.talk.lock().input = Some(input);
        }
        match self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(end) => Step::Done(end),
            Poll::Pending => match self.talk.lock().ask.take() {
                Some(Ask::Send(requests)) => Step::Send(requests),
                Some(Ask::Wait(time)) => Step::Wait(time),
                Some(Ask::Deliver(page)) => Step::Deliver(page),
                Some(Ask::ForgetTokens) => Step::ForgetTokens,
                Some(Ask::KeepRefreshToken { slot, token }) => Step::KeepRefreshToken { slot, token },
                Some(Ask::Remember(name, value)) => Step::Remember(name, value),
                Some(Ask::Recall(name)) => Step::Recall(name),
                Some(Ask::Random(bytes)) => Step::Random(bytes),
                Some(Ask::Progress { text, done, total }) => Step::Progress { text, done, total },
                // A handler that awaits something else would never wake: let time pass and ask again.
                None => Step::Wait(Duration::from_millis(50)),
            },
        }
    }

    /// Says how long the run has taken; what is resumed next may go by it.
    pub fn tell_elapsed(&self, elapsed: Duration) {
        self.talk.lock().elapsed = elapsed;
    }

    /// What a dry run noted so far, in order.
    pub fn planned(&self) -> Vec<Request> {
        self.talk.lock().planned.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::Reply;

    async fn twice(talk: Talk) -> u16 {
        let first = talk.send(Request::get("api", "/a")).await.map_or(0, |reply| reply.status);
        talk.wait(Duration::from_secs(1)).await;
        first + talk.send(Request::get("api", "/b")).await.map_or(0, |reply| reply.status)
    }

    #[test]
    fn a_conversation_hands_out_its_steps_in_order() {
        let talk = Talk::new(Timestamp::UNIX_EPOCH, false);
        let mut conversation = Talking::new(&talk.clone(), twice(talk));
        let reply = || Input::Answers(vec![Ok(Reply { status: 200, ..Reply::default() })]);
        assert!(matches!(conversation.resume(Input::Start), Step::Send(requests) if requests.len() == 1));
        assert!(matches!(conversation.resume(reply()), Step::Wait(_)));
        assert!(matches!(conversation.resume(Input::Done), Step::Send(_)));
        assert!(matches!(conversation.resume(reply()), Step::Done(400)));
    }

    #[test]
    fn a_dry_run_sends_nothing_and_notes_every_request() {
        let talk = Talk::new(Timestamp::UNIX_EPOCH, true);
        let mut conversation = Talking::new(&talk.clone(), twice(talk));
        assert!(matches!(conversation.resume(Input::Start), Step::Done(0)));
        assert_eq!(conversation.planned().len(), 2);
    }
}
