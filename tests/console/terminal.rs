//! A pseudo-terminal with a program on it: keys in, screen out. Waits for what is shown, never for time.

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// How long anything may take before a test says that it will not happen.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_nightdesk");
/// What an environment must not decide but where a test says so.
const DECIDING: [&str; 9] = ["NO_COLOR", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "TMUX", "DISPLAY", "WAYLAND_DISPLAY", "NIGHTDESK_LOG"];

/// A terminal with a program on it.
pub struct Terminal {
    shown: Arc<(Mutex<Shown>, Condvar)>,
    child: Box<dyn Child + Send + Sync>,
    keys: Option<Box<dyn Write + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    reading: Option<JoinHandle<()>>,
}

/// What was shown so far.
pub struct Shown {
    screen: vt100::Parser,
    bytes: Vec<u8>,
    reader: Reader,
}

/// Who reads what the program writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Somebody who looks.
    There,
    /// Nobody, as when the other end of an SSH session is gone.
    Frozen,
    /// Somebody who goes away with the next output.
    Leaving,
    /// Nobody any more: nothing will be shown.
    Gone,
}

/// A command whose surroundings decide nothing but what a test says.
pub fn command(program: &str, arguments: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(program);
    command.args(arguments);
    DECIDING.iter().for_each(|name| command.env_remove(name));
    command.env("TERM", "xterm-256color");
    command.env("TZ", "UTC");
    command
}

/// Sends a signal to a process.
pub fn kill(process: u32, name: &str) {
    assert!(std::process::Command::new("kill").args(["-s", name, &process.to_string()]).status().unwrap().success());
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

impl Shown {
    /// The screen with its attributes.
    pub fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    /// The screen's text.
    pub fn text(&self) -> String {
        self.screen().contents()
    }

    /// Everything that was written from a byte on, with its sequences.
    pub fn written(&self, from: usize) -> String {
        String::from_utf8_lossy(&self.bytes[from..]).into_owned()
    }
}

impl Terminal {
    /// Runs a command.
    pub fn run(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let pty = native_pty_system().openpty(size(columns, rows)).unwrap();
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let screen = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
        let shown = Arc::new((Mutex::new(Shown { screen, bytes: Vec::new(), reader: Reader::There }), Condvar::new()));
        let (mut reader, sink) = (pty.master.try_clone_reader().unwrap(), Arc::clone(&shown));
        let reading = std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let mut shown = sink.1.wait_while(sink.0.lock().unwrap(), |shown| shown.reader == Reader::Frozen).unwrap();
                shown.screen.process(&buffer[..count]);
                shown.bytes.extend_from_slice(&buffer[..count]);
                sink.1.notify_all();
                if shown.reader == Reader::Leaving {
                    break;
                }
            }
            sink.0.lock().unwrap_or_else(PoisonError::into_inner).reader = Reader::Gone;
            sink.1.notify_all();
        });
        let keys = Some(pty.master.take_writer().unwrap());
        Self { shown, child, keys, master: Some(pty.master), reading: Some(reading) }
    }

    /// Runs the program itself.
    pub fn call(arguments: &[&str], columns: u16, rows: u16) -> Self {
        Self::run(command(BINARY, arguments), columns, rows)
    }

    /// Runs a line of shell.
    pub fn shell(line: &str, columns: u16, rows: u16) -> Self {
        Self::run(command("sh", &["-c", line]), columns, rows)
    }

    /// What is shown now; nothing more is, as long as it is held.
    pub fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The screen as it is now, with its attributes.
    pub fn screen(&self) -> vt100::Screen {
        self.shown().screen().clone()
    }

    /// The screen's text as it is now.
    pub fn text(&self) -> String {
        self.shown().text()
    }

    /// How many bytes were written.
    pub fn count(&self) -> usize {
        self.shown().bytes.len()
    }

    /// Waits until the screen has a text, and gives the screen.
    pub fn wait(&self, text: &str) -> String {
        self.wait_that(text, |screen| screen.contains(text))
    }

    /// Waits until the screen's text is as wanted, and gives it.
    pub fn wait_that(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.waited(what, |shown| wanted(&shown.text())).text()
    }

    /// Waits until what was shown is as wanted.
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&Shown) -> bool) {
        drop(self.waited(what, wanted));
    }

    fn waited(&self, what: &str, wanted: impl Fn(&Shown) -> bool) -> MutexGuard<'_, Shown> {
        let waits = |shown: &mut Shown| shown.reader != Reader::Gone && !wanted(shown);
        let (shown, _) = self.shown.1.wait_timeout_while(self.shown(), PATIENCE, waits).unwrap();
        if !wanted(&shown) {
            let why = if shown.reader == Reader::Gone { "the program has ended" } else { "it was waited for long enough" };
            let text = shown.text();
            drop(shown);
            panic!("{what:?} was never shown: {why}\n{text}");
        }
        shown
    }

    /// Waits until nothing was written for a while: a drawing that comes in pieces is whole then.
    pub fn rest(&self) {
        self.silent_for(Duration::from_millis(400));
    }

    /// Waits until nothing was written for so long.
    pub fn silent_for(&self, time: Duration) {
        let start = Instant::now();
        while self.is_written_to_within(time) {
            assert!(start.elapsed() < PATIENCE, "the screen never rests:\n{}", self.text());
        }
    }

    /// Whether anything is written within a time; waits no longer than for that.
    pub fn is_written_to_within(&self, time: Duration) -> bool {
        let shown = self.shown();
        let before = shown.bytes.len();
        let (shown, _) = self.shown.1.wait_timeout_while(shown, time, |shown| shown.bytes.len() == before).unwrap();
        shown.bytes.len() != before
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).unwrap();
    }

    /// Presses keys again and again until the screen shows a text: for a question that takes no answer before it was read.
    pub fn press_until(&mut self, keys: &str, text: &str) {
        let start = Instant::now();
        while !self.text().contains(text) {
            assert!(start.elapsed() < PATIENCE, "pressing {keys:?} never led to {text:?}:\n{}", self.text());
            self.press(keys);
            let waits = |shown: &mut Shown| !shown.text().contains(text);
            drop(self.shown.1.wait_timeout_while(self.shown(), Duration::from_millis(500), waits).unwrap());
        }
    }

    /// Brings the events of a console's connections.
    pub fn fetch(&mut self) {
        self.press("f");
        self.wait("Successful");
        // The list follows the notice.
        self.wait("▲");
    }

    /// Leaves a console with `q`, whatever is asked first, and gives how the process ended.
    pub fn leave(&mut self) -> ExitStatus {
        let start = Instant::now();
        self.press("q");
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            let screen = self.text();
            assert!(start.elapsed() < PATIENCE, "the process does not end; its screen shows\n{screen}");
            // Answered again and again, since a question takes no answer before it was read. It may have ended by now.
            if screen.contains("Leave nightdesk?")
                && let Some(keys) = &mut self.keys
            {
                let _ = keys.write_all(b"y").and_then(|()| keys.flush());
            }
            self.is_written_to_within(Duration::from_millis(50));
        }
    }

    /// Waits until the process has ended.
    pub fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it did not end:\n{}", self.text());
            std::thread::yield_now();
        }
    }

    /// Whether the process is there still.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The number of the process.
    pub fn process(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Sends a signal to the process.
    pub fn signal(&self, name: &str) {
        kill(self.process(), name);
    }

    /// Gives the terminal another size, and the screen that is looked at its own.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    /// Gives the screen that is looked at another size.
    pub fn look_at(&self, columns: u16, rows: u16) {
        self.shown().screen.set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
    }

    /// Reads no more of what the program writes, or reads on.
    pub fn freeze(&self, frozen: bool) {
        self.shown().reader = if frozen { Reader::Frozen } else { Reader::There };
        self.shown.1.notify_all();
    }

    /// Closes the terminal's other end. The reader holds a copy of it, and ends with the output that `last` brings.
    pub fn vanish(&mut self, last: &str) {
        self.shown().reader = Reader::Leaving;
        self.press(last);
        self.reading.take().unwrap().join().unwrap();
        self.keys = None;
        self.master = None;
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        {
            let mut shown = self.shown();
            if shown.reader == Reader::Frozen {
                shown.reader = Reader::There;
            }
        }
        self.shown.1.notify_all();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
