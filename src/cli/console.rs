//! `nightdesk` without a verb: the console on the configured connections.

use std::io::IsTerminal;

use super::WRONG_CALL;
use super::context::Context;
use super::output::complain;
use crate::runtime::console;
use crate::runtime::run::Runner;

/// Opens the console on the configured connections.
pub(super) async fn open(context: &Context) -> u8 {
    match context.runner() {
        Ok(runner) => open_on(context, runner, false).await,
        Err(cannot) => cannot.say(),
    }
}

/// Opens the console on a runner.
pub(super) async fn open_on(context: &Context, runner: Runner, demo: bool) -> u8 {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        complain("the console needs a terminal; on the command line everything is a verb, see: nightdesk --help");
        return WRONG_CALL;
    }
    let settings = match context.settings() {
        Ok(settings) => settings,
        Err(cannot) => return cannot.say(),
    };
    match console::open(runner, &settings, demo).await {
        Ok(()) => 0,
        Err(reason) => {
            complain(&reason);
            1
        }
    }
}
