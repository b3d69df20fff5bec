//! The real binary on a real terminal.
#![cfg(test)]

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nightdesk::config::Paths;
use nightdesk::simulator::{Options, Simulation};
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// How long anything may take before a test says that it will not happen.
const PATIENCE: Duration = Duration::from_secs(60);
/// What gives the terminal back: the main screen, and the cursor.
const GIVEN_BACK: &str = "\u{1b}[?1049l";

/// What the terminal has shown.
struct Shown {
    screen: vt100::Parser,
    bytes: Vec<u8>,
}

/// A console on a terminal of its own, with a simulated Wiz behind it.
struct Console {
    shown: Arc<(Mutex<Shown>, Condvar)>,
    child: Box<dyn Child + Send + Sync>,
    keys: Option<Box<dyn Write + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    reading: Option<JoinHandle<()>>,
    closing: Arc<AtomicBool>,
    _simulation: Simulation,
    _runtime: tokio::runtime::Runtime,
    _home: tempfile::TempDir,
}

/// Opens a console. `before` goes before the call in a shell.
fn open(columns: u16, rows: u16, before: &str) -> Console {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut simulation = runtime.block_on(Simulation::start(Options { events: 60, ..Options::default() })).unwrap();
    simulation.vendors.retain(|simulated| simulated.connection.vendor == "wiz");
    let home = tempfile::tempdir().unwrap();
    let paths = Paths { config_dir: home.path().join("config"), data_dir: home.path().join("data") };
    simulation.write_config(&paths.config_dir).unwrap();
    let pty = native_pty_system().openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut command = CommandBuilder::new("sh");
    let call = format!(
        "{before} exec {} --config-dir '{}' --data-dir '{}'",
        env!("CARGO_BIN_EXE_nightdesk"),
        paths.config_dir.display(),
        paths.data_dir.display()
    );
    command.args(["-c", &call]);
    command.env("TERM", "xterm-256color");
    for name in ["NO_COLOR", "TMUX", "DISPLAY", "WAYLAND_DISPLAY"] {
        command.env_remove(name);
    }
    let child = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    let shown = Arc::new((
        Mutex::new(Shown { screen: vt100::Parser::new(NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap(), 0), bytes: Vec::new() }),
        Condvar::new(),
    ));
    let mut reader = pty.master.try_clone_reader().unwrap();
    let sink = Arc::clone(&shown);
    let closing = Arc::new(AtomicBool::new(false));
    let close = Arc::clone(&closing);
    let reading = std::thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            let mut shown = sink.0.lock().unwrap();
            shown.screen.process(&buffer[..count]);
            shown.bytes.extend_from_slice(&buffer[..count]);
            sink.1.notify_all();
            if close.load(Ordering::SeqCst) {
                break;
            }
        }
        sink.1.notify_all();
    });
    let keys = Some(pty.master.take_writer().unwrap());
    let console = Console {
        shown,
        child,
        keys,
        master: Some(pty.master),
        reading: Some(reading),
        closing,
        _simulation: simulation,
        _runtime: runtime,
        _home: home,
    };
    console.wait("Queue");
    console
}

impl Console {
    /// Waits until the screen has a text.
    fn wait(&self, text: &str) {
        self.wait_for(text, |shown| shown.screen.screen().contents().contains(text));
    }

    fn wait_for(&self, what: &str, holds: impl Fn(&Shown) -> bool) {
        let (shown, changed) = (&self.shown.0, &self.shown.1);
        let (shown, waited) = changed.wait_timeout_while(shown.lock().unwrap(), PATIENCE, |shown| !holds(shown)).unwrap();
        assert!(!waited.timed_out(), "{what:?} was never shown:\n{}", shown.screen.screen().contents());
    }

    fn press(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Brings events.
    fn fill(&mut self) {
        self.press("f");
        self.wait("Successful");
        // The list follows the notice.
        self.wait("▲");
    }

    fn signal(&self, name: &str) {
        let id = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the console did not end");
            std::thread::yield_now();
        }
    }

    fn count(&self) -> usize {
        self.shown.0.lock().unwrap().bytes.len()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn a_session_from_the_first_key_to_the_last() {
    let mut console = open(120, 40, "");
    console.fill();
    console.press("/\u{15}severity:>=high\r");
    console.wait("severity:>=high ·");
    console.press("\r");
    console.wait("Summary");
    console.press("]]]");
    console.wait("id: ");
    console.press("d");
    console.wait("true positive");
    console.press("b\r");
    console.wait("closed as benign");
    console.press("u");
    console.wait("Taken back");
    console.press("q");
    assert!(console.ended().success());
    console.wait_for("the main screen", |shown| String::from_utf8_lossy(&shown.bytes).contains(GIVEN_BACK));
    assert!(!console.shown.0.lock().unwrap().screen.screen().alternate_screen());
}

#[test]
fn the_smallest_screen_is_of_use() {
    let mut console = open(40, 12, "");
    console.fill();
    console.press("2\r");
    console.wait("Severity");
    console.press("q");
    assert!(console.ended().success());
}

#[test]
fn a_paste_triggers_nothing() {
    let mut console = open(80, 24, "");
    console.fill();
    console.press(&format!("\u{1b}[200~{}\u{1b}[201~", "dfb\rq:quit\r".repeat(20_000)));
    console.wait("Pasted text");
    // Still there, nothing decided.
    console.press("gs");
    console.wait("Events closed         0");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for name in ["TERM", "HUP", "INT"] {
        let mut console = open(80, 24, "");
        console.signal(name);
        console.ended();
        console.wait_for(name, |shown| String::from_utf8_lossy(&shown.bytes).contains(GIVEN_BACK));
    }
}

#[test]
fn a_terminal_that_vanishes_ends_the_program_even_where_hangups_are_ignored() {
    for before in ["", "trap '' HUP;"] {
        let mut console = open(80, 24, before);
        // The reader holds a copy of the terminal's other end; it ends with the next output.
        console.closing.store(true, Ordering::SeqCst);
        console.press("?");
        console.reading.take().unwrap().join().unwrap();
        console.keys = None;
        console.master = None;
        console.ended();
    }
}

#[test]
fn an_idle_console_is_silent() {
    let mut console = open(80, 24, "");
    console.fill();
    console.press("?");
    console.wait("HERE");
    // A quiet stretch may only be broken by a clock that reads otherwise.
    let mut before = console.count();
    let start = Instant::now();
    let mut draws = 0;
    while start.elapsed() < Duration::from_secs(4) {
        let (shown, changed) = (&console.shown.0, &console.shown.1);
        let guard = shown.lock().unwrap();
        let left = Duration::from_secs(4).saturating_sub(start.elapsed());
        let (guard, _) = changed.wait_timeout_while(guard, left, |shown| shown.bytes.len() == before).unwrap();
        if guard.bytes.len() != before {
            before = guard.bytes.len();
            draws += 1;
        }
    }
    assert!(draws <= 2, "{draws} draws in four idle seconds");
}
