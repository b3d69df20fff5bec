//! A command's conversation with its vendor: planned without a byte leaving, or held to its end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::attachment::Quarantine;
use super::http::{Door, Scope, prepare};
use super::run::{Prepared, Progress, RunOptions, Runner};
use crate::core::catalogue::{Auth, Effect};
use crate::core::outcome::{Failure, Fate, Outcome};
use crate::core::request::{Answer, Request, Trouble};
use crate::core::talk::{Counts, Input, Step, Talk};
use crate::secrets::Redactor;
use crate::secrets::redact::mask_fields;

/// How long a run may take that was given no time of its own and does not poll (contract, Repeats).
const RUN_TIME: Duration = Duration::from_secs(60);
/// Requests of one step that are under way at once.
const SIDE_BY_SIDE: usize = 6;

impl Runner {
    /// The previews of every request whose bytes are known.
    pub fn plan(&self, prepared: &Prepared) -> Vec<Value> {
        let talk = Talk::new(prepared.arguments.now(), true);
        let mut conversation = prepared.command.start(talk, Arc::clone(&prepared.opened.connection), prepared.arguments.clone());
        let mut input = Input::Start;
        loop {
            input = match conversation.resume(input) {
                Step::Done(_) => break,
                Step::Send(requests) => Input::Answers(requests.iter().map(|_| Err(Trouble::Planned)).collect()),
                Step::Deliver(_) => Input::Stored(Counts::default()),
                Step::Recall(_) => Input::Recalled(None),
                Step::Random(bytes) => Input::Random("0".repeat(bytes * 2)),
                _ => Input::Done,
            };
        }
        let entry = &prepared.opened.entry;
        let mut previews: Vec<Value> = conversation.planned().iter().map(|request| prepare::preview(entry, request)).collect();
        previews.iter_mut().for_each(|preview| {
            mask_fields(&mut preview["body"], &entry.secret_fields);
            self.redactor().json(preview);
        });
        for secret in prepared.arguments.secrets() {
            let redactor = Redactor::default();
            redactor.add(&secret);
            previews.iter_mut().for_each(|preview| redactor.json(preview));
        }
        previews
    }

    /// Holds a command's conversation to its end.
    pub(super) async fn hold(&self, prepared: &Prepared, door: &Door, options: &RunOptions, left: &mut Left) -> Outcome {
        let talk = Talk::new(prepared.arguments.now(), false);
        let mut conversation = prepared.command.start(talk, Arc::clone(&prepared.opened.connection), prepared.arguments.clone());
        let begun = Instant::now();
        let mut scope = self.scope(options, begun + options.timeout.unwrap_or(RUN_TIME));
        let bounded = options.timeout.is_some();
        let mut input = Input::Start;
        loop {
            conversation.tell_elapsed(begun.elapsed());
            input = match conversation.resume(input) {
                Step::Done(outcome) => return outcome,
                Step::Send(requests) => Input::Answers(self.send(prepared, door, requests, &scope, left, options).await),
                Step::Wait(time) => {
                    // Who polls has more time, unless the time of the whole run is bounded: the wait, and as long again for what comes
                    // after it.
                    if !bounded {
                        scope.deadline = Instant::now() + time + RUN_TIME;
                    }
                    let end = (Instant::now() + time).min(scope.deadline);
                    tokio::select! {
                        () = scope.cancel.cancelled() => {}
                        () = tokio::time::sleep_until(end) => {}
                    }
                    Input::Done
                }
                Step::Deliver(page) => Input::Stored(self.keep_events(&prepared.opened, page.events).await.unwrap_or_default()),
                other => self.aside(prepared, door, other, options).await,
            };
            if scope.cancel.is_cancelled() && begun.elapsed() > Duration::from_secs(3600) {
                return Outcome::failed(Failure::new(format!("{} failed.", prepared.command.title), "Cancelled."));
            }
        }
    }

    /// A scope for sending.
    pub(super) fn scope(&self, options: &RunOptions, deadline: Instant) -> Scope {
        let dir = options.save_dir.clone().unwrap_or_else(|| self.paths().quarantine());
        Scope { deadline, cancel: options.cancel.clone(), quarantine: Quarantine { dir } }
    }

    /// Steps that are not about sending.
    pub(super) async fn aside(&self, prepared: &Prepared, door: &Door, step: Step<Outcome>, options: &RunOptions) -> Input {
        let done = |result: Result<(), String>| result.map_or_else(Input::Failed, |()| Input::Done);
        match step {
            Step::ForgetTokens => done(door.tokens().forget().await),
            Step::KeepRefreshToken { slot, token } => {
                let roots = &prepared.opened.entry.roots;
                let sign_in = roots.iter().find_map(|root| match &root.auth {
                    Auth::SignIn(sign_in) if sign_in.slot == slot => Some(sign_in),
                    _ => None,
                });
                match sign_in {
                    Some(sign_in) => done(door.tokens().keep(sign_in, &token).await),
                    None => Input::Failed(format!("the connection has no sign-in {slot}")),
                }
            }
            Step::Remember(name, value) => {
                if let Some(value) = value.as_deref().filter(|value| value.len() >= 16) {
                    self.redactor().add(value);
                }
                done(door.tokens().remember(&name, value.as_deref()).await)
            }
            Step::Recall(name) => Input::Recalled(door.tokens().recall(&name).await),
            Step::Random(bytes) => Input::Random(random_hex(bytes)),
            Step::Progress { text, done, total } => {
                if let Some(progress) = &options.progress {
                    // Nobody waits for a bar to move.
                    let _ = progress.try_send(Progress { text: self.redactor().text(&text), done, total });
                }
                Input::Done
            }
            Step::Done(_) | Step::Send(_) | Step::Wait(_) | Step::Deliver(_) => Input::Done,
        }
    }

    /// Sends a step's requests. A changing request that repeats an earlier one of the same run is an intent of its own.
    pub(super) async fn send(
        &self,
        prepared: &Prepared,
        door: &Door,
        requests: Vec<Request>,
        scope: &Scope,
        left: &mut Left,
        options: &RunOptions,
    ) -> Vec<Answer> {
        for request in requests.iter().filter(|request| request.changes && prepared.class.effect != Effect::Read) {
            let same = format!("{:?}{:?}{:?}", request.method, request.target, request.body);
            if !left.seen.insert(same) {
                match self.store().begin_intent(self.intent(prepared, options)).await {
                    Ok(seq) => {
                        let _ = self.store().end_intent(seq, "repeated", json!({})).await;
                    }
                    Err(error) => {
                        let refused = format!("The intent could not be recorded, so nothing was sent: {error}.");
                        return requests.iter().map(|_| Err(Trouble::Refused(refused.clone()))).collect();
                    }
                }
            }
        }
        let changing: Vec<bool> = requests.iter().map(|request| request.changes).collect();
        let answers = send_all(door, requests, scope).await;
        for (answer, changing) in answers.iter().zip(changing) {
            left.note(answer, changing);
        }
        answers
    }
}

/// What has left in a run.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// The changing requests that were made, to tell a repeat.
    seen: HashSet<String>,
    /// Whether one of them may have left.
    changing: bool,
    /// Whether a host could not be reached.
    unreached: bool,
}

impl Left {
    /// Whether a host could not be reached before anything left that changes something.
    pub(super) fn is_unsent(&self) -> bool {
        self.unreached && !self.changing
    }

    fn note(&mut self, answer: &Answer, changing: bool) {
        match answer {
            Err(Trouble::Unreached(_)) => self.unreached = true,
            Err(Trouble::SignIn(failure)) => self.unreached |= failure.fate == Fate::Unsent,
            Err(Trouble::Planned | Trouble::Refused(_) | Trouble::ForeignLink(_)) => {}
            _ => self.changing |= changing,
        }
    }
}

/// Sends requests side by side, a few at a time; answers in the same order.
pub(super) async fn send_all(door: &Door, requests: Vec<Request>, scope: &Scope) -> Vec<Answer> {
    let answers = futures::stream::iter(requests.into_iter().map(|request| async move { Box::pin(door.send(&request, scope)).await }));
    let answers: Vec<Answer> = answers.buffered(SIDE_BY_SIDE).collect().await;
    answers
}

/// Random bytes as hexadecimal text.
pub(super) fn random_hex(bytes: usize) -> String {
    let mut text = String::new();
    while text.len() < bytes * 2 {
        text.push_str(&super::http::token::hex(&crate::secrets::vault::random::<16>()));
    }
    text.truncate(bytes * 2);
    text
}
