//! `nightdesk` without a verb: the console on the configured connections.

use std::io::IsTerminal;

use super::WRONG_CALL;
use super::context::Context;
use super::output::complain;
use super::simulators::Demo;
use crate::core::console::model::Exit;
use crate::runtime::console;
use crate::runtime::run::Runner;

/// Opens the console on the configured connections, again and again while one is added; and the demo, where that was chosen.
pub(super) async fn open(context: &Context) -> u8 {
    let mut greeting = None;
    loop {
        let runner = match context.runner_of_usable() {
            Ok(runner) => runner,
            Err(cannot) => return cannot.say(),
        };
        match open_on(context, runner, false, greeting).await {
            Ok(Exit::Shell) => return 0,
            Ok(Exit::Again(text)) => greeting = Some(text),
            Ok(Exit::Demo) => return Demo::plain().carry_out(context).await,
            Err(code) => return code,
        }
    }
}

/// Opens the console on a runner; says what comes after it, or the exit code.
pub(super) async fn open_on(context: &Context, runner: Runner, demo: bool, greeting: Option<String>) -> Result<Exit, u8> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        complain("the console needs a terminal; on the command line everything is a verb, see: nightdesk --help");
        return Err(WRONG_CALL);
    }
    let settings = context.settings().map_err(|cannot| cannot.say())?;
    console::open(runner, &settings, demo, greeting).await.map_err(|reason| {
        complain(&reason);
        1
    })
}
