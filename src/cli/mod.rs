//! The command line: the verbs of the contract, one file each.

mod audit;
mod case;
mod catalogue;
mod configuration;
mod connections;
mod console;
mod context;
mod events;
mod fetch;
mod help;
mod jobs;
mod keys;
mod outbox;
mod output;
mod playbook;
mod run;
mod secrets;
mod simulators;
mod triage;
mod view;
mod write_back;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

pub use context::Context;
pub use output::Output;

use crate::core::outcome::ReturnData;

/// The call itself is wrong; nothing was sent.
pub const WRONG_CALL: u8 = 2;
/// Interrupted by the user.
pub const INTERRUPTED: u8 = 130;

/// The exit code of several: how each ended, and whether it was refused before anything was sent.
fn exit_code(ended: &[(ReturnData, bool)]) -> u8 {
    let failed = ended.iter().filter(|(state, _)| *state == ReturnData::Failed).count();
    let partly = ended.iter().any(|(state, _)| *state == ReturnData::PartiallySuccessful);
    match () {
        () if failed == 0 && !partly => 0,
        () if ended.iter().all(|(_, refused)| *refused) => WRONG_CALL,
        () if failed == ended.len() => 1,
        () => 3,
    }
}

/// Heading of the flags that every verb takes.
const EVERYWHERE: &str = "Everywhere";

/// An investigation console for security analysts.
///
/// Without a verb it opens the console on the configured connections.
#[derive(Debug, Parser)]
#[command(name = "nightdesk", version, max_term_width = 110)]
pub struct Call {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// Flags that every verb takes, before or after its own arguments.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Folder of connections.toml and settings.toml
    #[arg(long, global = true, env = "NIGHTDESK_CONFIG_DIR", hide_env_values = true, value_name = "DIR", help_heading = EVERYWHERE)]
    pub config_dir: Option<PathBuf>,
    /// Folder of the store, the vault and the quarantine
    #[arg(long, global = true, env = "NIGHTDESK_DATA_DIR", hide_env_values = true, value_name = "DIR", help_heading = EVERYWHERE)]
    pub data_dir: Option<PathBuf>,
    /// How results are printed (default: table on a terminal, json otherwise)
    #[arg(long, global = true, value_enum, help_heading = EVERYWHERE)]
    pub output: Option<Form>,
    /// Say more on stderr; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = EVERYWHERE)]
    pub verbose: u8,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// One JSON object a line.
    Json,
    /// For reading.
    Table,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start the built-in simulators and a throw-away store, and open the console on them
    Demo(simulators::Demo),
    /// Run the simulators alone until interrupted
    Sim(simulators::Sim),
    /// List, test or edit the connections
    #[command(subcommand)]
    Connections(connections::Connections),
    /// Keep secrets in the encrypted vault
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// What can be run: commands, parameters, limits, permissions, effect
    Commands(catalogue::Commands),
    /// Run one vendor command
    Run(run::Run),
    /// Bring new events into the store
    Fetch(fetch::Fetch),
    /// List stored events that match a query
    Events(events::Events),
    /// Show events, take, judge and close them, write notes
    #[command(subcommand)]
    Event(triage::Event),
    /// What waits to be sent to vendors that could not be reached
    #[command(subcommand)]
    Outbox(outbox::Outbox),
    /// What every vendor said about an entity
    Entities(triage::Entities),
    /// Cases: events that belong together
    #[command(subcommand)]
    Case(case::Case),
    /// Write stored events as JSON Lines, CSV, Markdown or OCSF
    Export(triage::Export),
    /// Reports
    #[command(subcommand)]
    Report(triage::Report),
    /// Playbooks: steps that are done again and again
    #[command(subcommand)]
    Playbook(playbook::Playbook),
    /// Look at a JSON document, whatever its size: tree, table, text, search
    View(view::View),
    /// The scheduled jobs
    #[command(subcommand)]
    Jobs(jobs::Jobs),
    /// The record of every command run and every decision taken
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Every action of the console with its keys
    Keys(keys::Keys),
    /// Where things are, and whether the configuration is right
    #[command(subcommand)]
    Config(configuration::Config),
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// Reads argv and does what it says.
pub fn main() -> ExitCode {
    crate::secrets::keep_out_of_dumps();
    crate::runtime::mishap::tell_of_panics();
    let arguments = negations(std::env::args_os().collect());
    let read = help::with_endings(Call::command()).try_get_matches_from(&arguments);
    let call = match read.and_then(|read| Call::from_arg_matches(&read)) {
        Ok(call) => call,
        Err(error) => {
            let _ = error.print();
            // Help and version are no errors.
            return ExitCode::from(if error.use_stderr() { misread(&arguments, &error) } else { 0 });
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("nightdesk cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(call.carry_out());
    // Blocking work that waits for a lock or a program must not hold the exit up.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    ExitCode::from(output::unless_lost(code))
}

/// Reports a call that could not be read: `run` prints its object on every exit code.
fn misread(arguments: &[OsString], error: &clap::Error) -> u8 {
    let read = Call::command().ignore_errors(true).try_get_matches_from(arguments);
    if let Some(("run", given)) = read.as_ref().ok().and_then(clap::ArgMatches::subcommand) {
        let text = |name: &str| given.try_get_one::<String>(name).ok().flatten().cloned().unwrap_or_default();
        let dir = |name: &str| given.try_get_one::<PathBuf>(name).ok().flatten().cloned();
        let form = given.try_get_one::<Form>("output").ok().flatten().copied();
        let global = Global { config_dir: dir("config_dir"), data_dir: dir("data_dir"), output: form, verbose: 0 };
        let reason = error.to_string();
        let reason = reason.lines().map(str::trim).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        run::misread(&Context::new(&global), text("connection"), text("command"), reason.trim_start_matches("error: "));
    }
    WRONG_CALL
}

/// Writes the `-term` of a query as `not term`, since to a command line it looks like a flag.
fn negations(arguments: Vec<OsString>) -> Vec<OsString> {
    if !arguments.iter().any(|argument| argument == "events" || argument == "export") {
        return arguments;
    }
    let is_term = |text: &str| {
        let inner = text.strip_prefix('-').unwrap_or_default();
        let flag = inner.starts_with('-') || matches!(inner, "h" | "V") || inner.chars().all(|c| c == 'v');
        (!flag).then(|| inner.to_owned())
    };
    let split = |argument: OsString| match argument.to_str().filter(|text| text.starts_with('-')).and_then(is_term) {
        Some(term) => vec![OsString::from("not"), OsString::from(term)],
        None => vec![argument],
    };
    arguments.into_iter().flat_map(split).collect()
}

impl Call {
    async fn carry_out(self) -> u8 {
        let context = Context::new(&self.global);
        match self.verb {
            None => console::open(&context).await,
            Some(Verb::Demo(demo)) => demo.carry_out(&context).await,
            Some(Verb::Sim(sim)) => sim.carry_out(&context).await,
            Some(Verb::Connections(verb)) => verb.carry_out(&context).await,
            Some(Verb::Secrets(verb)) => verb.carry_out(&context),
            Some(Verb::Commands(verb)) => verb.carry_out(&context),
            Some(Verb::Run(run)) => run.carry_out(&context).await,
            Some(Verb::Fetch(fetch)) => fetch.carry_out(&context).await,
            Some(Verb::Events(events)) => events.carry_out(&context).await,
            Some(Verb::Event(verb)) => verb.carry_out(&context).await,
            Some(Verb::Outbox(verb)) => verb.carry_out(&context).await,
            Some(Verb::Entities(verb)) => verb.carry_out(&context).await,
            Some(Verb::Case(verb)) => verb.carry_out(&context).await,
            Some(Verb::Export(verb)) => verb.carry_out(&context).await,
            Some(Verb::Report(verb)) => verb.carry_out(&context).await,
            Some(Verb::Playbook(verb)) => verb.carry_out(&context).await,
            Some(Verb::View(view)) => view.carry_out(&context).await,
            Some(Verb::Jobs(verb)) => verb.carry_out(&context).await,
            Some(Verb::Audit(verb)) => verb.carry_out(&context).await,
            Some(Verb::Keys(keys)) => keys.carry_out(&context),
            Some(Verb::Config(verb)) => verb.carry_out(&context),
            Some(Verb::Completions { shell }) => {
                let mut text = Vec::new();
                clap_complete::generate(shell, &mut Call::command(), "nightdesk", &mut text);
                context.output.bytes(&text);
                0
            }
            Some(Verb::Man) => {
                let page = help::man(Call::command());
                context.output.bytes(page.as_deref().unwrap_or_default());
                u8::from(page.is_err())
            }
        }
    }
}

/// A name that something is given.
fn named(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("a name must not be empty".into()) } else { Ok(text.to_owned()) }
}

/// A number of rows. More than can be counted is as good as all.
fn rows(text: &str) -> Result<usize, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(text.parse().unwrap_or(usize::MAX)) } else { Err("must be a whole number".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_is_well_formed() {
        Call::command().debug_assert();
    }

    #[test]
    fn a_negated_term_is_no_flag() {
        let read = |text: &str| negations(text.split(' ').map(OsString::from).collect()).join(&OsString::from(" "));
        assert_eq!(read("nightdesk -v events -vendor:wiz --limit 5 a"), "nightdesk -v events not vendor:wiz --limit 5 a");
        assert_eq!(read("nightdesk fetch -x"), "nightdesk fetch -x");
    }

    /// The words of a line as a shell reads them, up to a comment or a redirection.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for c in line.chars().chain([' ']) {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, ' ') => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
                (_, c) => word.push(c),
            }
        }
        words.into_iter().take_while(|word| word != "#" && word != ">").collect()
    }

    #[test]
    fn every_call_that_the_readme_names_can_be_made() {
        let readme = include_str!("../../README.md").replace("\\\n", " ").replace("--fault NAME", "--fault throttled");
        let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).flat_map(str::lines);
        let spans = readme.split('`').skip(1).step_by(2);
        let calls = blocks.chain(spans).flat_map(|line| line.split(" && ")).map(str::trim);
        let mut made = 0;
        for call in calls.filter(|call| call.starts_with("nightdesk ") && !call.contains('\n')) {
            let arguments = negations(words(call).into_iter().map(OsString::from).collect());
            let read = Call::command().try_get_matches_from(&arguments);
            // A page that stands for others may stop at a verb that wants more.
            let told = read.err().filter(|error| error.kind() != clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
            assert!(told.is_none(), "{call}: {}", told.unwrap());
            made += 1;
        }
        assert!(made > 25, "{made}");
    }
}
