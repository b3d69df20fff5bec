//! `nightdesk` without a verb: the console on the configured connections.

use super::WRONG_CALL;
use super::context::Context;
use super::output::complain;
use crate::config::settings;
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
    let settings = match settings::load(&context.paths) {
        Ok(settings) => settings,
        Err(problem) => {
            complain(&problem.to_string());
            return WRONG_CALL;
        }
    };
    match console::open(runner, &settings, demo).await {
        Ok(()) => 0,
        Err(message) => {
            complain(&message);
            WRONG_CALL
        }
    }
}
