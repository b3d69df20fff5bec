//! What is behind a console and outlives it.

use std::path::Path;

use nightdesk::simulator::{Options, Simulation};
use serde_json::Value;

use crate::terminal::{BINARY, Terminal};

/// Simulated vendors, and where a console's configuration and data lie.
pub struct World {
    _simulation: Simulation,
    _runtime: tokio::runtime::Runtime,
    home: tempfile::TempDir,
}

impl World {
    /// A world of these vendors with so many events.
    pub fn of(vendors: &[&str], events: usize) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut simulation = runtime.block_on(Simulation::start(Options { events, ..Options::default() })).unwrap();
        simulation.vendors.retain(|simulated| vendors.contains(&simulated.connection.vendor));
        let home = tempfile::tempdir().unwrap();
        simulation.write_config(&home.path().join("config")).unwrap();
        Self { _simulation: simulation, _runtime: runtime, home }
    }

    /// A small world of Wiz.
    pub fn small() -> Self {
        Self::of(&["wiz"], 60)
    }

    /// Where it lies.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The line of shell that opens a console on it.
    pub fn line(&self) -> String {
        let home = self.home().display();
        format!("{BINARY} --config-dir '{home}/config' --data-dir '{home}/data'")
    }

    /// Opens a console on it.
    pub fn console(&self, columns: u16, rows: u16) -> Terminal {
        self.console_after("", columns, rows)
    }

    /// The same from a shell that did something before.
    pub fn console_after(&self, before: &str, columns: u16, rows: u16) -> Terminal {
        let terminal = Terminal::shell(&format!("{before} exec {}", self.line()), columns, rows);
        terminal.wait("nightdesk");
        terminal
    }

    /// Makes a call on the command line, and gives what it printed.
    pub fn call(&self, arguments: &[&str]) -> Vec<Value> {
        let mut command = std::process::Command::new(BINARY);
        command.args(arguments).env("NIGHTDESK_CONFIG_DIR", self.home().join("config"));
        let output = command.env("NIGHTDESK_DATA_DIR", self.home().join("data")).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Its store, opened beside the console.
    pub fn store(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.home().join("data/nightdesk.db")).unwrap()
    }
}
