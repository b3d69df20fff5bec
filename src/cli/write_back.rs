//! `nightdesk event take|status|close --write-back`: the decision here, and the vendor told of it.

use std::io::IsTerminal;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::{Context, confirm, interruptible};
use super::output::complain;
use super::triage::Decide;
use super::{INTERRUPTED, WRONG_CALL};
use crate::core::catalogue::{Effect, Ruling};
use crate::core::telling::{Became, Call, Plan, worst};
use crate::runtime::run::{RunOptions, Runner};
use crate::runtime::store::{Decision, StoreError};
use crate::runtime::tell::Told;

pub(super) async fn decide(context: &Context, decide: &Decide, decision: Decision, yes: bool) -> u8 {
    let runner = match context.runner() {
        Ok(runner) => runner,
        Err(cannot) => return cannot.say(),
    };
    let confirmed = |question: &str| yes || std::io::stdin().is_terminal() && confirm(question);
    match decided(context, &runner, decide, decision, confirmed).await {
        Ok(code) => code,
        Err(error) => {
            complain(&error.to_string());
            1
        }
    }
}

async fn decided(
    context: &Context,
    runner: &Runner,
    decide: &Decide,
    decision: Decision,
    confirmed: impl Fn(&str) -> bool,
) -> Result<u8, StoreError> {
    let events = runner.store().events_of(decide.ids.clone()).await?;
    let missing: Vec<i64> = decide.ids.iter().filter(|id| !events.iter().any(|event| event.id == **id)).copied().collect();
    missing.iter().for_each(|id| complain(&format!("there is no event {id}")));
    let ruling = Ruling {
        status: decision.status.unwrap_or_default(),
        disposition: decision.disposition.flatten(),
        note: decision.note.clone().unwrap_or_default(),
    };
    let plan = runner.plan_telling(&events, |_| ruling.clone());
    if decide.dry_run {
        print(context, runner, &plan).await;
        return Ok(code(events.len(), missing.len() + plan.refused.len()));
    }
    let command = |connection: &str, command: &str| runner.connection(connection).and_then(|opened| opened.entry.command(command));
    if worst(&plan.calls, command).is_some_and(|class| class.effect == Effect::Destructive) {
        let what: Vec<String> = plan.calls.iter().map(Call::title).collect();
        if !confirmed(&format!("{} cannot be undone.\nGo on? [y/N]", what.join("; "))) {
            complain("the write-back cannot be undone; confirm it with --yes. Nothing was decided or sent");
            return Ok(WRONG_CALL);
        }
    }
    let before = runner.store().decide(decide.ids.clone(), decision, Timestamp::now()).await?;
    let done: Vec<i64> = before.into_iter().map(|was| was.id).collect();
    let cancel = interruptible();
    let (told, _) = runner.tell(&plan.calls, RunOptions { cancel: cancel.clone(), ..RunOptions::default() }).await;
    let row = |id: &i64| {
        let told = told.iter().find(|one| one.event == *id);
        let reason = plan.refused.iter().find(|(refused, _)| refused == id).map(|(_, reason)| reason.clone());
        json!({
            "id": id, "done": true, "write_back": told.map_or("not told", |one| one.became.as_str()), "sets": told.map(|one| &one.sets),
            "reason": told.and_then(|one| one.message.clone()).or(reason), "outbox": told.and_then(|one| one.letter),
        })
    };
    let rows: Vec<Value> = done.iter().map(row).collect();
    context.output.rows(
        &rows,
        &[("EVENT", "id"), ("DONE", "done"), ("VENDOR", "write_back"), ("SETS", "sets"), ("OUTBOX", "outbox"), ("WHY NOT", "reason")],
    );
    if cancel.is_cancelled() {
        return Ok(INTERRUPTED);
    }
    let failed = missing.len() + plan.refused.len() + told.iter().filter(|one: &&Told| one.became != Became::Done).count();
    Ok(code(done.len(), failed))
}

fn code(done: usize, failed: usize) -> u8 {
    match (done, failed) {
        (0, _) => 1,
        (_, 0) => 0,
        _ => 3,
    }
}

/// What would be sent, request by request; nothing is.
async fn print(context: &Context, runner: &Runner, plan: &Plan) {
    let mut rows = Vec::new();
    for call in &plan.calls {
        let options = RunOptions { dry_run: true, ..RunOptions::default() };
        let report = runner.run(&call.connection, &call.command, call.given(), options).await;
        let failures: Vec<&str> = report.outcome.errors.iter().map(|failure| failure.message.as_str()).collect();
        for (id, _) in &call.events {
            rows.push(json!({
                "id": id, "done": false, "sets": format!("{} at {}", call.sets, call.vendor), "connection": call.connection,
                "command": call.command, "arguments": call.arguments, "requests": report.requests, "reason": failures.first(),
            }));
        }
    }
    rows.extend(plan.refused.iter().map(|(id, reason)| json!({"id": id, "done": false, "sets": null, "reason": reason})));
    context.output.rows(&rows, &[("EVENT", "id"), ("WOULD SET", "sets"), ("COMMAND", "command"), ("WHY NOT", "reason")]);
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::cli::Output;
    use crate::config::{Paths, Settings, connections};
    use crate::core::catalogue::{Class, Vendor};
    use crate::core::event::{Disposition, Event, Status};
    use crate::runtime::store::Store;
    use crate::vendor;

    /// Wiz, with an update of issues that cannot be undone.
    fn grave() -> Vendor {
        fn open(
            connection: &crate::core::connection::Connection,
        ) -> Result<crate::core::catalogue::Entry, Vec<crate::core::catalogue::Invalid>> {
            let wiz = vendor::all().into_iter().find(|vendor| vendor.id == "wiz").unwrap();
            let mut entry = (wiz.open)(connection)?;
            let update = entry.commands.iter_mut().find(|command| command.name == "update-issues").unwrap();
            (update.class, update.escalate) = (Class::IRREVERSIBLE, None);
            Ok(entry)
        }
        Vendor { open, ..vendor::all().into_iter().find(|vendor| vendor.id == "wiz").unwrap() }
    }

    #[tokio::test]
    async fn what_cannot_be_undone_is_told_only_when_it_was_confirmed() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::new(Some(home.path().join("config")), Some(home.path().join("data")));
        std::fs::create_dir_all(&paths.config_dir).unwrap();
        let listening = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let root = format!("http://{}", listening.local_addr().unwrap());
        let text = format!(
            "[[connection]]\nname = \"wiz\"\nvendor = \"wiz\"\n[connection.parameters]\napi_endpoint_url = \"{root}\"\nauth_url = \"{root}/token\"\n\
             client_id = \"a\"\nclient_secret = \"b\"\n"
        );
        std::fs::write(paths.config_dir.join("connections.toml"), text).unwrap();
        let read = connections::load(&paths, &vendor::all()).unwrap();
        let runner = Runner::new(paths.clone(), &Settings::default(), read, &[grave()], Store::open(&paths.data_dir).unwrap()).unwrap();
        let raw = json!({"id": "0b9f6c1e-0000-4000-8000-000000000001", "status": "OPEN", "type": "TOXIC_COMBINATION"});
        let key = raw["id"].as_str().unwrap().to_owned();
        let event = Event { event_type: "Issues".into(), key, vendor_status: Some("OPEN".into()), raw, ..Event::default() };
        runner.store().store_events("wiz", "wiz", vec![event], Timestamp::now()).await.unwrap();
        let context = Context { paths, output: Output::new(None), verbose: 0 };
        let decide = Decide { ids: vec![1], dry_run: false };
        let decision = Decision {
            actor: "dana".into(),
            status: Some(Status::Closed),
            disposition: Some(Some(Disposition::FalsePositive)),
            note: Some("scanner".into()),
            ..Decision::default()
        };
        let asked = RefCell::new(Vec::new());
        let ask = |answer: bool| {
            let asked = &asked;
            move |question: &str| {
                asked.borrow_mut().push(question.to_owned());
                answer
            }
        };
        let code = decided(&context, &runner, &decide, decision.clone(), ask(false)).await.unwrap();
        assert_eq!(code, WRONG_CALL);
        assert!(asked.borrow()[0].contains("REJECTED (False Positive) at Wiz cannot be undone"), "{asked:?}");
        let untouched = runner.store().event(1).await.unwrap().unwrap();
        assert_eq!((untouched.status, untouched.disposition), (Status::New, None), "nothing was decided");
        assert!(runner.store().audit_list(None, 0).await.unwrap().is_empty(), "nor recorded, as nothing was meant to be sent");
        listening.set_nonblocking(true).unwrap();
        assert!(listening.accept().is_err(), "nor sent");
        // Confirmed, it is decided, and the vendor is told; here nobody answers, so that it waits in the outbox.
        drop(listening);
        let code = decided(&context, &runner, &decide, decision, ask(true)).await.unwrap();
        assert_eq!((code, asked.borrow().len()), (3, 2));
        assert_eq!(runner.store().event(1).await.unwrap().unwrap().status, Status::Closed);
        assert_eq!(runner.letters(false).await.unwrap().len(), 1);
    }
}
