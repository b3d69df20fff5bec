//! What every verb needs: where things are, how to print, the configuration, the store, the runner.

use std::io::{IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use tokio_util::sync::CancellationToken;

use super::output::complain;
use super::{Global, Output, WRONG_CALL};
use crate::config::{Connections, Paths, Problem, Settings, connections, settings, views};
use crate::core::console::views::Saved;
use crate::runtime::log;
use crate::runtime::run::Runner;
use crate::runtime::store::Store;
use crate::secrets::Vault;
use crate::vendor;

/// What every verb needs.
#[derive(Clone, Debug)]
pub struct Context {
    /// Where things are.
    pub paths: Paths,
    /// How results are printed.
    pub output: Output,
    /// How much is said on stderr.
    pub verbose: u8,
}

/// Why a verb could not begin.
#[derive(Debug)]
pub struct CannotBegin {
    /// What is wrong, a line each.
    pub reasons: Vec<String>,
    /// The status code that a source document gives the error.
    pub status_code: Option<u16>,
}

impl CannotBegin {
    fn new(reason: impl std::fmt::Display) -> Self {
        Self { reasons: vec![reason.to_string()], status_code: None }
    }

    /// Says it on stderr and gives the exit code.
    pub fn say(&self) -> u8 {
        self.reasons.iter().for_each(|reason| complain(reason));
        WRONG_CALL
    }
}

impl From<Vec<Problem>> for CannotBegin {
    fn from(problems: Vec<Problem>) -> Self {
        Self {
            reasons: problems.iter().map(ToString::to_string).collect(),
            status_code: problems.iter().find_map(|problem| problem.status_code),
        }
    }
}

impl Context {
    /// A context of the global flags.
    pub fn new(global: &Global) -> Self {
        let paths = Paths::new(global.config_dir.clone(), global.data_dir.clone());
        Self { paths, output: Output::new(global.output), verbose: global.verbose }
    }

    /// The same with its folders elsewhere.
    #[must_use]
    pub fn at(mut self, paths: Paths) -> Self {
        self.paths = paths;
        self
    }

    /// The settings.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn settings(&self) -> Result<Settings, CannotBegin> {
        settings::load(&self.paths).map_err(CannotBegin::new)
    }

    /// The configured connections; warnings are said on stderr.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn connections(&self) -> Result<Connections, CannotBegin> {
        let read = connections::load(&self.paths, &vendor::all())?;
        for warning in &read.warnings {
            complain(&format!("warning: {warning}"));
        }
        Ok(read)
    }

    /// The analyst's own views.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn views(&self) -> Result<Vec<Saved>, CannotBegin> {
        Ok(views::load(&self.paths)?)
    }

    /// The vault.
    ///
    /// # Errors
    /// When the settings that say where its key is are wrong.
    pub fn vault(&self) -> Result<Vault, CannotBegin> {
        let vault = Vault::new(&self.paths.data_dir, &self.paths.config_dir, &self.settings()?);
        if let Some(notice) = vault.notice() {
            complain(&format!("warning: {notice}"));
        }
        Ok(vault)
    }

    /// The store, made where it is not there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn store(&self) -> Result<Store, CannotBegin> {
        Store::open(&self.paths.data_dir).map_err(CannotBegin::new)
    }

    /// A runner over all configured connections, each of which must be right.
    ///
    /// # Errors
    /// When the configuration is wrong or the store cannot be opened.
    pub fn runner(&self) -> Result<Runner, CannotBegin> {
        self.runner_over(self.connections()?)
    }

    /// A runner for these connections; with none named, for all. What is wrong with others is said and is no hindrance.
    ///
    /// # Errors
    /// When one of these is misconfigured, the file is wrong as a whole, or the store cannot be opened.
    pub fn runner_for(&self, names: &[String]) -> Result<Runner, CannotBegin> {
        if names.is_empty() {
            return self.runner();
        }
        let read = connections::load_usable(&self.paths, &vendor::all())?;
        if let Some(one) = read.misconfigured.iter().find(|one| names.contains(&one.name)) {
            return Err(one.problems.clone().into());
        }
        read.misconfigured
            .iter()
            .flat_map(|one| &one.problems)
            .chain(&read.warnings)
            .for_each(|problem| complain(&format!("warning: {problem}")));
        self.runner_over(read)
    }

    /// A runner over what can be used; what is wrong is told by whoever shows the connections.
    ///
    /// # Errors
    /// When the file is wrong as a whole, or the store cannot be opened.
    pub fn runner_of_usable(&self) -> Result<Runner, CannotBegin> {
        let read = connections::load_usable(&self.paths, &vendor::all())?;
        read.warnings.iter().for_each(|warning| complain(&format!("warning: {warning}")));
        self.runner_over(read)
    }

    fn runner_over(&self, connections: Connections) -> Result<Runner, CannotBegin> {
        let settings = self.settings()?;
        let runner = Runner::new(self.paths.clone(), &settings, connections, &vendor::all(), self.store()?).map_err(|complaints| {
            CannotBegin { reasons: complaints.into_iter().map(|complaint| complaint.message).collect(), status_code: None }
        })?;
        log::start(&self.paths.log(), runner.redactor());
        for notice in [runner.vault().notice(), runner.store().notice().map(str::to_owned)].into_iter().flatten() {
            complain(&format!("warning: {notice}"));
        }
        Ok(runner)
    }
}

/// A token that Ctrl-C, SIGTERM and a vanished terminal cancel; a second one, or four seconds, end the process.
pub fn interruptible() -> CancellationToken {
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        signalled().await;
        cancel.cancel();
        // What was under way has a moment to end well.
        tokio::select! {
            () = signalled() => {}
            () = tokio::time::sleep(std::time::Duration::from_secs(4)) => {}
        }
        std::process::exit(i32::from(super::INTERRUPTED));
    });
    token
}

/// Waits for Ctrl-C, SIGTERM, or SIGHUP where nobody asked for that to be ignored.
pub async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let told = |kind: Option<SignalKind>| async move {
        match kind.and_then(|kind| signal(kind).ok()) {
            Some(mut signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = told(Some(SignalKind::interrupt())) => {}
        _ = told(Some(SignalKind::terminate())) => {}
        _ = told(Some(SignalKind::hangup()).filter(|_| !ignores_hangups())) => {}
    }
}

/// Whether this process was started to outlive its terminal (`nohup`); where that cannot be known, it is.
fn ignores_hangups() -> bool {
    // A mask in hexadecimal, SIGHUP is its lowest bit (proc(5)).
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).and_then(|mask| u128::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 == 1)
}

/// Asks a yes-or-no question on the terminal; anything but `y` or `yes` is no.
pub fn confirm(question: &str) -> bool {
    complain(question);
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// Until it is closed: whoever ends the process while a secret is typed gets the terminal back as it was.
fn give_back(before: Termios) -> std::io::Result<Handle> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let handle = signals.handle();
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &before);
            let _ = writeln!(std::io::stderr());
            std::process::exit(i32::from(super::INTERRUPTED));
        }
    });
    Ok(handle)
}

/// Reads a secret: from stdin to its end, or, on a terminal, a line that is not echoed.
///
/// # Errors
/// When nothing was given.
pub fn read_secret(prompt: &str) -> Result<SecretString, String> {
    let stdin = std::io::stdin();
    let mut text = String::new();
    if stdin.is_terminal() {
        let before = tcgetattr(&stdin).map_err(|error| error.to_string())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Now, &silent).map_err(|error| error.to_string())?;
        let watch = give_back(before.clone()).map_err(|error| error.to_string())?;
        // Only now, so that nothing typed at once is seen.
        let _ = write!(std::io::stderr(), "{prompt}: ");
        let read = stdin.read_line(&mut text);
        watch.close();
        let _ = tcsetattr(&stdin, OptionalActions::Now, &before);
        let _ = writeln!(std::io::stderr());
        read.map_err(|error| error.to_string())?;
    } else {
        stdin.lock().read_to_string(&mut text).map_err(|error| error.to_string())?;
    }
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if value.is_empty() { Err("no value was given".into()) } else { Ok(SecretString::from(value)) }
}
