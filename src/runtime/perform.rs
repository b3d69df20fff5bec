//! Effects made real: each becomes a task that ends in a message.

use jiff::Timestamp;

use super::adding;
use super::cases;
use super::decide::{decide, restore};
use super::document;
use super::log;
use super::lookup;
use super::playbook;
use super::read;
use super::run::{RunOptions, Runner};
use super::shell;
use super::tasks::{ended, letters};
use super::world::{Looking, World};
use crate::config::{Problem, views};
use crate::core::case::format_of;
use crate::core::console::effect::{Effect, Gather, Source, Text};
use crate::core::console::form::body::faults;
use crate::core::console::message::{Decided, Message};
use crate::core::console::notice::Tone;
use crate::core::console::queue::FIRST_LIMIT;
use crate::core::console::views::Saved;
use crate::core::console::work::{Arrived, Ticket, Work};
use crate::core::outcome::ReturnData;
use crate::core::playbook::Playbook;

impl World {
    /// Carries an effect out. That it is no `async` function keeps the loop from ever waiting here.
    pub fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Read(ticket, source) => self.read(ticket, source),
            Effect::Work(work) => self.work(work),
            Effect::Open(number, effect) => {
                self.opening = Some(number);
                self.perform(*effect);
                self.opening = None;
            }
            Effect::Save(path, text) => self.answer(save(path, text)),
            Effect::Pipe(line, text) => self.answer(async move {
                match shell::pipe(&line, text).await {
                    Ok(lines) => Message::Page(format!("| {line}"), lines),
                    Err(message) => Message::Notice(Tone::Error, message),
                }
            }),
            Effect::Extract(document, path) => self.answer(async move { Message::Document(read::extract(document, path).await) }),
            Effect::Log(zone) => {
                self.answer(async move { Message::Page("Log: what the program did, newest first".into(), log::newest(&zone)) });
            }
            other => match self.runner.clone() {
                Some(runner) => self.perform_on(runner, other),
                // Keys wait for what is to open: they are told that it does not.
                None if self.opening.is_some() => {
                    self.answer(async { Message::Notice(Tone::Info, "Only a document is open here.".into()) });
                }
                None => {}
            },
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

    fn perform_on(&mut self, runner: Runner, effect: Effect) {
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
            Effect::Cancel(id) => self.cancel(id),
            Effect::AddConnection(wanted) => self.answer(async move {
                let (vendor, name) = (wanted.vendor.clone(), wanted.name.clone());
                let written = tokio::task::spawn_blocking(move || adding::add(runner.paths(), runner.vault(), &wanted)).await;
                Message::Added(vendor, name, written.unwrap_or_else(|error| Err(error.to_string())))
            }),
            Effect::Health => self.answer(async move { Message::Health(read::health(&runner).await) }),
            Effect::History(zone) => self.answer(async move {
                let lines = read::history(&store, &zone).await.unwrap_or_else(|error| vec![format!("The record cannot be read: {error}")]);
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
            Effect::Keep(session) => self.in_order(async move {
                if let Err(error) = store.set_view_state(session).await {
                    tracing::warn!(%error, "the session could not be kept");
                }
            }),
            Effect::KeepDraft(connection, command, draft) => self.in_order(async move {
                if let Err(error) = store.set_draft(&connection, &command, draft).await {
                    tracing::warn!(%error, "the draft could not be kept");
                }
            }),
            Effect::Draft(form, connection, command) => {
                let inbox = self.inbox.clone();
                self.in_order(async move {
                    let draft = store.draft(&connection, &command).await.ok().flatten().unwrap_or_default();
                    let _ = inbox.send(Message::Draft(form, draft)).await;
                });
            }
            // These were done already, or belong to the loop.
            Effect::Read(..)
            | Effect::Work(_)
            | Effect::Open(..)
            | Effect::Pipe(..)
            | Effect::Save(..)
            | Effect::Extract(..)
            | Effect::Log(_)
            | Effect::Copy(_)
            | Effect::Outside(..)
            | Effect::Wake(_)
            | Effect::Mouse(_)
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Quit => {}
        }
    }
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
        let done = format!("Saved in {}", file.display());
        Ok::<_, String>((playbook::library(&dir).0, done))
    });
    Message::Playbooks(name, written.await.unwrap_or_else(|error| Err(error.to_string())))
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
