//! `nightdesk event close --write-back`: the decision here, and the vendor told of it.

use std::io::IsTerminal;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::{Context, confirm, interruptible};
use super::output::complain;
use super::triage::Decide;
use super::{INTERRUPTED, WRONG_CALL};
use crate::core::catalogue::{Effect, Ruling};
use crate::core::event::{Disposition, Status};
use crate::core::telling::{Became, Call, Plan, worst};
use crate::runtime::run::{RunOptions, Runner, actor};
use crate::runtime::store::{Decision, StoreError};
use crate::runtime::tell::Told;

pub(super) async fn close(context: &Context, decide: &Decide, verdict: Disposition, note: String, yes: bool) -> u8 {
    let runner = match context.runner() {
        Ok(runner) => runner,
        Err(cannot) => return cannot.say(),
    };
    match closed(context, &runner, decide, verdict, note, yes).await {
        Ok(code) => code,
        Err(error) => {
            complain(&error.to_string());
            1
        }
    }
}

async fn closed(
    context: &Context,
    runner: &Runner,
    decide: &Decide,
    verdict: Disposition,
    note: String,
    yes: bool,
) -> Result<u8, StoreError> {
    let events = runner.store().events_of(decide.ids.clone()).await?;
    let missing: Vec<i64> = decide.ids.iter().filter(|id| !events.iter().any(|event| event.id == **id)).copied().collect();
    missing.iter().for_each(|id| complain(&format!("there is no event {id}")));
    let ruling = Ruling { status: Status::Closed, disposition: Some(verdict), note: note.clone() };
    let plan = runner.plan_telling(&events, |_| ruling.clone());
    if decide.dry_run {
        print(context, runner, &plan).await;
        return Ok(code(events.len(), missing.len() + plan.refused.len()));
    }
    let command = |connection: &str, command: &str| runner.connection(connection).and_then(|opened| opened.entry.command(command));
    if !yes && worst(&plan.calls, command).is_some_and(|class| class.effect == Effect::Destructive) {
        let what: Vec<String> = plan.calls.iter().map(Call::title).collect();
        let question = format!("{} cannot be undone.\nGo on? [y/N]", what.join("; "));
        if !std::io::stdin().is_terminal() || !confirm(&question) {
            complain("the write-back cannot be undone; confirm it with --yes. Nothing was decided or sent");
            return Ok(WRONG_CALL);
        }
    }
    let decision = Decision {
        actor: actor(),
        status: Some(Status::Closed),
        disposition: Some(Some(verdict)),
        note: Some(note).filter(|note| !note.is_empty()),
        ..Decision::default()
    };
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
