//! A desk: private folders, the simulators beside it, and the binary to work with.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_nightdesk");

/// What a process said and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Its output as JSON Lines; everything on stdout must be one.
    pub fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    /// Its one line of JSON.
    pub fn line(&self) -> Value {
        let mut lines = self.lines();
        assert_eq!(lines.len(), 1, "{self:?}");
        lines.remove(0)
    }

    /// The same, once the exit code was looked at.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// `nightdesk sim`, until dropped.
pub struct Simulators {
    child: Child,
    pub ready: Value,
}

impl Drop for Simulators {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A configuration, a store and, mostly, simulators.
pub struct Desk {
    pub home: tempfile::TempDir,
    pub simulators: Option<Simulators>,
}

impl Desk {
    /// A desk with nothing on it.
    pub fn bare() -> Self {
        Self { home: tempfile::tempdir().unwrap(), simulators: None }
    }

    /// A desk whose connections are these simulated ones.
    pub fn with(connections: &[&str], arguments: &[&str]) -> Self {
        let mut desk = Self::bare();
        desk.simulate(arguments);
        desk.only(connections);
        desk
    }

    /// Starts simulators, whose configuration becomes this desk's.
    pub fn simulate(&mut self, arguments: &[&str]) {
        let few: &[&str] = if arguments.contains(&"--events") { &[] } else { &["--events", "400"] };
        // Nothing may rely on a careful umask.
        let mut child = Command::new("sh")
            .args(["-c", "umask 0; exec \"$0\" sim --write-config \"$@\"", BINARY])
            .arg(self.config_dir())
            .args(few)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.simulators = Some(Simulators { child, ready: serde_json::from_str(&line).unwrap() });
    }

    /// Keeps these connections and drops the others.
    pub fn only(&self, names: &[&str]) {
        let text = self.connections();
        let kept: Vec<&str> = text
            .split("\n[[connection]]")
            .skip(1)
            .filter(|part| names.iter().any(|name| part.contains(&format!("name = \"{name}\""))))
            .collect();
        assert_eq!(kept.len(), names.len(), "{text}");
        self.configure(&format!("[[connection]]{}\n", kept.join("\n[[connection]]")));
    }

    pub fn config_dir(&self) -> PathBuf {
        self.home.path().join("config")
    }

    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    pub fn connections(&self) -> String {
        std::fs::read_to_string(self.config_dir().join("connections.toml")).unwrap()
    }

    pub fn configure(&self, text: &str) {
        std::fs::create_dir_all(self.config_dir()).unwrap();
        std::fs::write(self.config_dir().join("connections.toml"), text).unwrap();
    }

    /// The process of the simulators.
    pub fn process(&self) -> u32 {
        self.simulators.as_ref().unwrap().child.id()
    }

    /// The root of a simulated service.
    pub fn endpoint(&self, name: &str) -> String {
        self.simulators.as_ref().unwrap().ready["endpoints"][name].as_str().unwrap().to_owned()
    }

    /// A call on this desk, yet to be made.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .env("NIGHTDESK_CONFIG_DIR", self.config_dir())
            .env("NIGHTDESK_DATA_DIR", self.data_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Makes a call and waits for its end.
    pub fn call(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.command(arguments))
    }

    /// Makes a call whose stdin is this text.
    pub fn call_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // Who refuses early does not read.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        read(child.wait_with_output().unwrap())
    }

    /// Every file below the desk, but for the secrets that the simulators hand out.
    pub fn files(&self) -> Vec<PathBuf> {
        fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        walk(&self.data_dir(), &mut found);
        found
    }

    /// The stored events, newest first, in full.
    pub fn events(&self) -> Vec<Value> {
        self.call(&["events", "--limit", "1000000"]).ended(0).lines()
    }
}

/// Makes a call and waits for its end.
pub fn ran(command: &mut Command) -> Ran {
    read(command.output().unwrap())
}

fn read(output: std::process::Output) -> Ran {
    Ran {
        // A shell's way to tell of a signal, so that a killed process never passes for one that ended.
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
