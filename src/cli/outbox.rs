//! `nightdesk outbox`: what waits to be sent to vendors that could not be reached.

use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::WRONG_CALL;
use super::context::{Context, interruptible};
use super::output::complain;
use crate::core::outbox::{Difference, Letter, LetterId, Standing};
use crate::core::outcome::ReturnData;
use crate::runtime::outbox::Posted;
use crate::runtime::run::{RunOptions, Runner};
use crate::runtime::store::StoreError;

/// Verbs of `nightdesk outbox`.
#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// List what waits, what was held and what is not known
    List {
        /// Those that are over too
        #[arg(long)]
        all: bool,
    },
    /// Send what waits: once, and only where the vendor says still what it said when it was decided
    Send {
        /// Their numbers (default: all that wait)
        ids: Vec<LetterId>,
        /// Send what is destructive, and what was held for the differences that the list shows
        #[arg(long)]
        yes: bool,
    },
    /// Take letters back
    Cancel {
        /// Their numbers
        #[arg(required = true)]
        ids: Vec<LetterId>,
    },
}

const COLUMNS: [(&str, &str); 6] =
    [("LETTER", "id"), ("STANDING", "standing"), ("MADE", "made_at"), ("CONNECTION", "connection"), ("WHAT", "title"), ("WHY", "detail")];

impl Outbox {
    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let runner = match context.runner() {
            Ok(runner) => runner,
            Err(cannot) => return cannot.say(),
        };
        let done = match self {
            Self::List { all } => list(context, &runner, all).await,
            Self::Send { ids, yes } => send(context, &runner, ids, yes).await,
            Self::Cancel { ids } => cancel(context, &runner, ids).await,
        };
        done.unwrap_or_else(|error| {
            complain(&error.to_string());
            1
        })
    }
}

fn line(letter: &Letter) -> Value {
    json!({
        "id": letter.id, "standing": letter.standing, "made_at": letter.made_at, "changed_at": letter.changed_at, "actor": letter.actor,
        "connection": letter.connection, "command": letter.command, "title": letter.title, "arguments": letter.arguments,
        "events": letter.events, "destructive": letter.destructive, "detail": letter.detail, "differences": letter.differences,
    })
}

async fn list(context: &Context, runner: &Runner, all: bool) -> Result<u8, StoreError> {
    let letters = runner.letters(all).await?;
    context.output.rows(&letters.iter().map(line).collect::<Vec<_>>(), &COLUMNS);
    if !context.output.is_json() {
        letters.iter().flat_map(|letter| &letter.differences).for_each(|difference| context.output.line(&difference.line()));
    }
    Ok(0)
}

async fn send(context: &Context, runner: &Runner, ids: Vec<LetterId>, yes: bool) -> Result<u8, StoreError> {
    let all = runner.letters(true).await?;
    let wanted: Vec<&Letter> = if ids.is_empty() {
        all.iter().rev().filter(|letter| letter.standing == Standing::Waiting && (yes || !letter.destructive)).collect()
    } else {
        ids.iter().filter_map(|id| all.iter().find(|letter| letter.id == *id)).collect()
    };
    let missing = ids.iter().filter(|id| !all.iter().any(|letter| letter.id == **id));
    let mut failed = missing.map(|id| complain(&format!("there is no letter {id}"))).count();
    if !yes && let Some(letter) = wanted.iter().find(|letter| letter.destructive && letter.standing.is_open()) {
        complain(&format!("{} is destructive; confirm it with --yes. Nothing was sent.", letter.title));
        return Ok(WRONG_CALL);
    }
    let cancel = interruptible();
    let (mut sent, mut rows) = (0, Vec::new());
    for letter in wanted {
        // What was shown can be confirmed; what was not, cannot.
        let confirmed: Option<Vec<Difference>> = (yes && letter.standing == Standing::Held).then(|| letter.differences.clone());
        let options = RunOptions { cancel: cancel.clone(), ..RunOptions::default() };
        let (standing, detail, differences) = match runner.post(letter.id, confirmed, options).await? {
            Posted::Sent(outcome) => {
                let after = runner.store().letter(letter.id).await?.map_or(Standing::Unknown, |letter| letter.standing);
                sent += usize::from(outcome.return_data != ReturnData::Failed);
                failed += usize::from(outcome.return_data == ReturnData::Failed);
                (after, outcome.message.clone(), Vec::new())
            }
            Posted::Unreached(why) => {
                failed += 1;
                (Standing::Waiting, why, Vec::new())
            }
            Posted::Held(held) => {
                failed += 1;
                (Standing::Held, held.detail.clone(), held.differences)
            }
            Posted::Not(why) => {
                failed += 1;
                (letter.standing, why, Vec::new())
            }
        };
        if !context.output.is_json() {
            differences.iter().for_each(|difference| complain(&difference.line()));
        }
        rows.push(json!({"id": letter.id, "standing": standing, "title": letter.title, "detail": detail, "differences": differences}));
    }
    context.output.rows(&rows, &[("LETTER", "id"), ("STANDING", "standing"), ("WHAT", "title"), ("WHY", "detail")]);
    Ok(match (sent, failed) {
        (_, 0) => 0,
        (0, _) => 1,
        _ => 3,
    })
}

async fn cancel(context: &Context, runner: &Runner, ids: Vec<LetterId>) -> Result<u8, StoreError> {
    let (mut rows, mut done) = (Vec::new(), 0);
    for id in &ids {
        let cancelled = runner.store().cancel_letter(*id, runner.actor(), Timestamp::now()).await?;
        if !cancelled {
            complain(&format!("there is no letter {id} that can be taken back"));
        }
        done += usize::from(cancelled);
        rows.push(json!({"id": id, "cancelled": cancelled}));
    }
    context.output.rows(&rows, &[("LETTER", "id"), ("CANCELLED", "cancelled")]);
    Ok(match (done, ids.len() - done) {
        (_, 0) => 0,
        (0, _) => 1,
        _ => 3,
    })
}
