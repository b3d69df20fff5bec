//! `nightdesk` without a verb: the console on the configured connections.

use super::WRONG_CALL;
use super::context::Context;
use super::output::complain;
use crate::runtime::run::Runner;

/// Opens the console on the configured connections.
pub(super) async fn open(context: &Context) -> u8 {
    match context.runner() {
        Ok(runner) => open_on(context, runner).await,
        Err(cannot) => cannot.say(),
    }
}

/// Opens the console on a runner.
pub(super) async fn open_on(context: &Context, runner: Runner) -> u8 {
    let _ = (context, runner);
    complain("the console is not in this build yet");
    WRONG_CALL
}
