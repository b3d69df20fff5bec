//! The shift hand-over: what is open, what was done and how it ended, what was not fetched, and the head of the record.

use jiff::Timestamp;

use super::run::Runner;
use super::store::{AuditEntry, StoreError};
use crate::core::query::Query;
use crate::core::text::{defanged, markdown_safe};

/// The most rows of a section.
const MOST: usize = 50;

/// Writes the hand-over of a shift as Markdown.
///
/// # Errors
/// When the store fails.
pub async fn handover(runner: &Runner, from: Timestamp, to: Timestamp) -> Result<String, StoreError> {
    let store = runner.store();
    let safe = |text: &str| markdown_safe(&defanged(text));
    let mut out = format!("# Hand-over\n\nShift from {from} to {to}, written by {}.\n\n", safe(runner.actor()));
    let query = |text: &str| Query::parse(text).unwrap_or_default();

    out.push_str("## Open\n\n");
    for (heading, text) in [("In progress", "status:in_progress"), ("New, high or worse", "status:new severity:>=high")] {
        let found = store.events(&query(text), Some(MOST), 0, to).await?;
        let all = store.count(&query(text), to).await?;
        out.push_str(&format!("**{heading}**: {all}\n\n"));
        for stored in &found {
            let who = stored.taken_by.as_deref().map(|who| format!(", {}", safe(who))).unwrap_or_default();
            out.push_str(&format!(
                "- {} {} ({}, {}{who})\n",
                stored.id,
                safe(&stored.event.title),
                stored.event.severity.as_str(),
                stored.vendor
            ));
        }
        out.push('\n');
    }

    let record: Vec<AuditEntry> = store.audit_list(None, 0).await?.into_iter().filter(|entry| entry.time >= from).collect();
    out.push_str("## Done\n\n");
    let done: Vec<&AuditEntry> = record.iter().filter(|entry| entry.effect != "read" && entry.state != "intent").collect();
    if done.is_empty() {
        out.push_str("Nothing was changed.\n");
    }
    for entry in done.iter().rev() {
        let items = entry.items.join(", ");
        let undo = undo(runner, entry);
        out.push_str(&format!(
            "- {} {} **{}** {} {} — {}{undo}\n",
            entry.time,
            safe(&entry.actor),
            safe(&entry.command),
            safe(entry.connection.as_deref().unwrap_or("")),
            safe(&items),
            safe(&entry.state)
        ));
    }
    let ended: Vec<i64> = record.iter().filter_map(|entry| entry.refers_to).collect();
    for entry in record.iter().filter(|entry| entry.state == "intent" && entry.effect != "read" && !ended.contains(&entry.seq)) {
        out.push_str(&format!(
            "- {} **{}** {} — unknown: it began and never ended; look before repeating it\n",
            entry.time,
            safe(&entry.command),
            safe(entry.connection.as_deref().unwrap_or(""))
        ));
    }

    out.push_str("\n## Not fetched\n\n");
    let mut whole = true;
    for one in runner.misconfigured() {
        whole = false;
        out.push_str(&format!("- {}: it is misconfigured, so nothing is fetched; nightdesk config check says why\n", safe(&one.name)));
    }
    let usable = runner.connections().iter().map(|opened| &opened.connection.name);
    for name in usable.chain(runner.misconfigured().iter().map(|one| &one.name)) {
        for coverage in store.coverage(name).await? {
            for gap in coverage.gaps {
                whole = false;
                let kind = if gap.lasting { "for good" } else { "will be asked for again" };
                out.push_str(&format!(
                    "- {} {}: {} to {}, {} ({kind})\n",
                    safe(name),
                    safe(&coverage.source),
                    gap.from,
                    gap.to,
                    safe(&gap.reason)
                ));
            }
        }
    }
    if whole {
        out.push_str("No gaps are known.\n");
    }

    let verdict = store.audit_verify().await?;
    let head = verdict.head.as_deref().unwrap_or("empty");
    let state = if verdict.ok { "whole" } else { "NOT WHOLE" };
    out.push_str(&format!("\n## Record\n\n{} entries, {state}, head `{head}`\n", verdict.entries));
    Ok(out)
}

/// Whether and how an action can be taken back.
fn undo(runner: &Runner, entry: &AuditEntry) -> String {
    let opened = entry.connection.as_deref().and_then(|name| runner.connection(name));
    match opened.and_then(|opened| opened.entry.command(&entry.command)).and_then(|command| command.inverse.as_ref()) {
        Some(inverse) => format!(" (undo: {}, {})", inverse.command, inverse.condition),
        None => String::new(),
    }
}
