//! The real binary on a pseudo-terminal: keys in, screen out. Waits for text, never for time.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// The longest that a text is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A console on a pseudo-terminal.
pub struct Console {
    parser: vt100::Parser,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

impl Console {
    /// Starts the binary with these arguments on a terminal of this size.
    pub fn start(arguments: &[&str], rows: u16, columns: u16) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_nightdesk"));
        command.args(arguments);
        Self::spawn(command, rows, columns)
    }

    /// Starts any command on a terminal of this size.
    pub fn spawn(command: CommandBuilder, rows: u16, columns: u16) -> Self {
        Self::spawn_as(command, rows, columns, "xterm-256color", false)
    }

    /// Starts any command on a terminal of this size and kind.
    pub fn spawn_as(mut command: CommandBuilder, rows: u16, columns: u16, kind: &str, colourless: bool) -> Self {
        let pty = native_pty_system().openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        command.env("TERM", kind);
        command.env_remove("NO_COLOR");
        if colourless {
            command.env("NO_COLOR", "1");
        }
        command.env("TZ", "UTC");
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().unwrap();
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(read) = reader.read(&mut buffer) {
                if read == 0 || send.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pty.master.take_writer().unwrap();
        let parser = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
        Self { parser, output, keys, child, _master: pty.master }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Presses keys again and again until the screen shows a text: for a question that takes no answer before it was read.
    pub fn press_until(&mut self, keys: &str, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.parser.screen().contents().contains(text) {
            assert!(Instant::now() < deadline, "pressing {keys:?} never led to {text:?}:\n{}", self.parser.screen().contents());
            self.press(keys);
            let next = Instant::now() + Duration::from_millis(500);
            while let Ok(bytes) = self.output.recv_timeout(next.saturating_duration_since(Instant::now())) {
                self.parser.process(&bytes);
                if self.parser.screen().contents().contains(text) {
                    return;
                }
            }
        }
    }

    /// Waits until the screen shows a text, and gives it.
    pub fn until(&mut self, text: &str) -> String {
        self.until_that(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is as wanted, and gives it.
    pub fn until_that(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.parser.screen().contents();
            if wanted(&screen) {
                return screen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(ended) => panic!("the screen never showed {what:?} ({ended}); it shows\n{screen}"),
            }
        }
    }

    /// Waits until nothing was drawn for a while.
    pub fn rest(&mut self) {
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(400)) {
            self.parser.process(&bytes);
        }
    }

    /// Leaves with `q`, whatever is asked first, and gives how the process ended.
    pub fn leave(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        self.press("q");
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            let screen = self.parser.screen().contents();
            assert!(Instant::now() < deadline, "the process does not end; its screen shows\n{screen}");
            // Answered again and again, since a question takes no answer before it was read.
            if screen.contains("Leave nightdesk?") {
                let _ = self.keys.write_all(b"y").and_then(|()| self.keys.flush());
            }
            match self.output.recv_timeout(Duration::from_millis(50)) {
                Ok(bytes) => self.parser.process(&bytes),
                // It has closed its terminal and is about to end.
                Err(RecvTimeoutError::Disconnected) => std::thread::yield_now(),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// The screen with its attributes.
    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
