//! What can happen to the terminal of the console: it freezes, it can do less, the process is stopped, the program itself has a fault.
#![cfg(test)]

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nightdesk::runtime::{log, mishap, terminal};
use nightdesk::secrets::Redactor;
use nightdesk::simulator::{Options, Simulation};
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// How long anything may take before a test says that it will not happen.
const PATIENCE: Duration = Duration::from_secs(60);
const BINARY: &str = env!("CARGO_BIN_EXE_nightdesk");
/// What an environment must not decide but where a test says so.
const DECIDING: [&str; 9] = ["NO_COLOR", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "TMUX", "DISPLAY", "WAYLAND_DISPLAY", "NIGHTDESK_LOG"];

/// A terminal with a program on it.
struct Terminal {
    shown: Arc<(Mutex<Shown>, Condvar)>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    _master: Box<dyn MasterPty + Send>,
}

/// What was shown so far.
struct Shown {
    screen: vt100::Parser,
    bytes: Vec<u8>,
    /// Whether nobody reads, as when the other end of an SSH session is gone.
    frozen: bool,
}

impl Terminal {
    /// Runs a line of shell on a terminal of 100 columns and 30 rows.
    fn run(shell: &str, line: &str, environment: &[(&str, &str)]) -> Self {
        let pty = native_pty_system().openpty(PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(shell);
        command.args(["-c", line]);
        DECIDING.iter().for_each(|name| command.env_remove(name));
        command.env("TERM", "xterm-256color");
        environment.iter().for_each(|(name, value)| command.env(name, value));
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let screen = vt100::Parser::new(30.try_into().unwrap(), 100.try_into().unwrap(), 0);
        let shown = Arc::new((Mutex::new(Shown { screen, bytes: Vec::new(), frozen: false }), Condvar::new()));
        let (mut reader, sink) = (pty.master.try_clone_reader().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let mut shown = sink.1.wait_while(sink.0.lock().unwrap(), |shown| shown.frozen).unwrap();
                shown.screen.process(&buffer[..count]);
                shown.bytes.extend_from_slice(&buffer[..count]);
                sink.1.notify_all();
            }
        });
        Self { shown, child, keys: pty.master.take_writer().unwrap(), _master: pty.master }
    }

    fn wait(&self, text: &str) {
        self.wait_for(text, |shown| shown.screen.screen().contents().contains(text));
    }

    fn wait_for(&self, what: &str, holds: impl Fn(&Shown) -> bool) {
        let waited = self.shown.1.wait_timeout_while(self.shown.0.lock().unwrap(), PATIENCE, |shown| !holds(shown)).unwrap();
        assert!(!waited.1.timed_out(), "{what:?} was never shown:\n{}", waited.0.screen.screen().contents());
    }

    /// Everything that was written, with its sequences.
    fn bytes(&self) -> String {
        String::from_utf8_lossy(&self.shown.0.lock().unwrap().bytes).into_owned()
    }

    fn contents(&self) -> String {
        self.shown.0.lock().unwrap().screen.screen().contents()
    }

    fn freeze(&self, frozen: bool) {
        self.shown.0.lock().unwrap_or_else(PoisonError::into_inner).frozen = frozen;
        self.shown.1.notify_all();
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).unwrap();
    }

    fn signal(&self, name: &str) {
        kill(self.child.process_id().unwrap(), name);
    }

    /// The memory that the process uses, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.process_id().unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it did not end:\n{}", self.contents());
            std::thread::yield_now();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.freeze(false);
        let _ = self.child.kill();
    }
}

fn kill(process: u32, name: &str) {
    assert!(std::process::Command::new("kill").args(["-s", name, &process.to_string()]).status().unwrap().success());
}

/// A simulated Wiz, and the call that opens a console on it.
struct World {
    _simulation: Simulation,
    _runtime: tokio::runtime::Runtime,
    home: tempfile::TempDir,
}

impl World {
    fn new(events: usize) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut simulation = runtime.block_on(Simulation::start(Options { events, ..Options::default() })).unwrap();
        simulation.vendors.retain(|simulated| simulated.connection.vendor == "wiz");
        let home = tempfile::tempdir().unwrap();
        simulation.write_config(&home.path().join("config")).unwrap();
        Self { _simulation: simulation, _runtime: runtime, home }
    }

    fn call(&self) -> String {
        let home = self.home.path().display();
        format!("{BINARY} --config-dir {home}/config --data-dir {home}/data")
    }

    /// How many events are stored.
    fn stored(&self) -> i64 {
        let file = self.home.path().join("data/nightdesk.db");
        let db = rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        db.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn a_frozen_terminal_holds_up_nothing_and_is_drawn_once_when_it_is_back() {
    let world = World::new(3000);
    let mut terminal = Terminal::run("sh", &format!("exec {}", world.call()), &[]);
    terminal.wait("2 Queue");
    terminal.freeze(true);
    // More than a terminal holds by itself: its line of communication is full from here on.
    terminal.press(&"\u{c}".repeat(20));
    let before = terminal.memory();
    terminal.press("f");
    let start = Instant::now();
    while world.stored() < 100 {
        assert!(start.elapsed() < PATIENCE, "nothing is fetched while the terminal is frozen");
        std::thread::yield_now();
    }
    for _ in 0..100 {
        terminal.press(&"\u{c}jk".repeat(5));
    }
    // What the fetch itself takes is not what is piling up for the terminal: a hundred times a whole screen would be more.
    let after = terminal.memory();
    assert!(after < before + 60 * 1024, "{before} KiB became {after} KiB");
    let behind = terminal.bytes().len();
    terminal.freeze(false);
    terminal.press("gs");
    terminal.wait("Keys in all");
    let caught_up = terminal.bytes().len() - behind;
    assert!(caught_up < 2_000_000, "{caught_up} bytes were kept for the terminal");

    // Told to end while frozen again, it does: the terminal cannot be given back, and is not waited for.
    terminal.freeze(true);
    terminal.press(&"\u{c}".repeat(50));
    let start = Instant::now();
    terminal.signal("TERM");
    terminal.ended();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

/// An environment, whether the console opens in it, and whether it draws with ASCII alone.
type Surroundings = (&'static [(&'static str, &'static str)], bool, bool);

#[test]
fn a_terminal_is_used_as_far_as_it_can_be() {
    let world = World::new(60);
    let cases: [Surroundings; 10] = [
        (&[("TERM", "dumb")], false, false),
        (&[("TERM", "linux")], true, false),
        (&[("TERM", "screen")], true, false),
        (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], true, false),
        (&[("TERM", "xterm"), ("COLORTERM", "")], true, false),
        (&[("NO_COLOR", "1"), ("COLORTERM", "24bit")], true, false),
        (&[("LANG", "C")], true, true),
        (&[("LC_ALL", "POSIX"), ("LANG", "en_GB.UTF-8")], true, true),
        (&[("LANG", "C.UTF-8")], true, false),
        (&[("LC_CTYPE", "de_DE.utf8"), ("LANG", "de_DE.ISO-8859-1")], true, false),
    ];
    for (environment, opens, ascii) in cases {
        let mut terminal = Terminal::run("sh", &format!("exec {}", world.call()), environment);
        if !opens {
            assert!(!terminal.ended().success());
            terminal.wait("TERM is dumb");
            assert!(!terminal.bytes().contains('\u{1b}'), "nothing is drawn on it");
            continue;
        }
        terminal.wait("2 Queue");
        terminal.press("?");
        terminal.wait("HERE");
        let (shown, bytes) = (terminal.contents(), terminal.bytes());
        assert_eq!(shown.is_ascii(), ascii, "{environment:?}:\n{shown}");
        let plain = environment.iter().any(|(name, _)| *name == "NO_COLOR");
        let colours = colours(&bytes);
        assert_eq!(colours.is_empty(), plain, "{environment:?}: {colours:?}");
        assert!(
            !colours.iter().any(|colour| colour.contains("8;2;")),
            "sixteen colours are enough unless a theme asks for more: {colours:?}"
        );
        terminal.press("\u{1b}q");
        assert!(terminal.ended().success(), "{environment:?}");
    }
}

/// The sequences that set a colour.
fn colours(bytes: &str) -> Vec<String> {
    let sets = |sequence: &str| {
        let (values, _) = sequence.split_once('m')?;
        let is_colour = |value: &str| value.parse().is_ok_and(|value: u8| matches!(value, 30..=38 | 40..=48 | 90..=107));
        (values.chars().all(|c| c.is_ascii_digit() || c == ';') && values.split(';').any(is_colour)).then(|| values.to_owned())
    };
    bytes.split("\u{1b}[").filter_map(sets).collect()
}

#[test]
fn a_console_that_was_stopped_comes_back_and_the_shell_has_its_terminal_meanwhile() {
    let world = World::new(60);
    // A shell with job control: what stops is its child, and goes on when the shell says so.
    let place = world.home.path().display();
    let line = format!(
        "set -m; stty -a > {place}/before; {}; stty -a > {place}/between; echo the shell; read; fg; stty -a > {place}/between; read; fg",
        world.call()
    );
    let mut terminal = Terminal::run("bash", &line, &[]);
    for stop in ["key", "signal"] {
        terminal.wait("2 Queue");
        terminal.press("?");
        terminal.wait("HERE");
        if stop == "key" {
            terminal.press("\u{1a}");
        } else {
            let children = std::process::Command::new("pgrep").args(["-P", &terminal.child.process_id().unwrap().to_string()]).output();
            kill(String::from_utf8(children.unwrap().stdout).unwrap().trim().parse().unwrap(), "TSTP");
        }
        terminal.wait_for("the shell", |shown| !shown.screen.screen().alternate_screen());
        let [before, between] = ["before", "between"].map(|name| world.home.path().join(name));
        let start = Instant::now();
        while std::fs::read(&between).unwrap_or_default() != std::fs::read(&before).unwrap() {
            assert!(start.elapsed() < PATIENCE, "{}", std::fs::read_to_string(&between).unwrap_or_default());
            std::thread::yield_now();
        }
        std::fs::remove_file(between).unwrap();
        terminal.press("\r");
        terminal.wait_for("the console", |shown| shown.screen.screen().alternate_screen());
        // It goes on where it was.
        terminal.wait("HERE");
        terminal.press("\u{1b}");
    }
    terminal.wait("2 Queue");
    terminal.press("q");
    assert!(terminal.ended().success());
}

/// A secret that a fault's own words hold.
const CANARY: &str = "canary-in-a-panic";

/// Not a test by itself: a program with a fault, for [`a_fault_of_its_own_gives_the_terminal_back_and_tells_no_secret`].
#[test]
#[ignore = "has a fault on purpose"]
fn a_program_with_a_fault() {
    let home = std::env::var("NIGHTDESK_TEST_HOME").unwrap();
    let redactor = Redactor::default();
    redactor.add(CANARY);
    log::start(&Path::new(&home).join("nightdesk.log"), &redactor);
    mishap::tell_of_panics();
    let held = terminal::Terminal::enter(false).unwrap();
    // One of a task disturbs nothing.
    std::thread::spawn(|| panic!("the task had {CANARY}")).join().unwrap_err();
    terminal::write(b"still drawing".to_vec()).unwrap();
    assert!(terminal::is_entered());
    // Given back by the panic, not by the end of what holds it.
    std::mem::forget(held);
    panic!("the parser had {CANARY}");
}

#[test]
fn a_fault_of_its_own_gives_the_terminal_back_and_tells_no_secret() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().display().to_string();
    let program = std::env::current_exe().unwrap();
    let line = format!(
        "stty -a > {place}/before; {} --ignored --exact a_program_with_a_fault --nocapture; stty -a > {place}/after",
        program.display()
    );
    let mut terminal = Terminal::run("sh", &line, &[("NIGHTDESK_TEST_HOME", &place)]);
    terminal.wait_for("still drawing", |shown| String::from_utf8_lossy(&shown.bytes).contains("still drawing"));
    terminal.ended();
    let [before, after] = ["before", "after"].map(|name| std::fs::read_to_string(home.path().join(name)).unwrap());
    assert_eq!(before, after);
    let said = terminal.bytes();
    assert!(!terminal.shown.0.lock().unwrap().screen.screen().alternate_screen());
    let given_back = said.find("\u{1b}[?1049l").unwrap();
    let told: Vec<usize> = said.match_indices("a fault of its own at tests/terminal.rs:").map(|(at, _)| at).collect();
    assert!(told.len() == 1 && told[0] > given_back, "one line, after the screen was given back:\n{said}");
    assert!(said.contains("nightdesk.log has the rest"), "{said}");
    let log = std::fs::read_to_string(home.path().join("nightdesk.log")).unwrap();
    assert!(log.contains("the task had ***") && log.contains("the parser had ***"), "{log}");
    assert!(!said.contains(CANARY) && !log.contains(CANARY), "{said}{log}");
}
