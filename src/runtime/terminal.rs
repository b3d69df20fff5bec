//! The terminal: entered, left, drawn on, and given back whatever happens.
//!
//! Frames are compared with the one before and only what differs is written, in one piece, as a synchronised update. Nothing is ever
//! asked of the terminal (cursor position, capabilities): an answer would arrive as input.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, queue};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::writer;

/// How long a terminal that takes nothing is waited for before it is given back.
const FAREWELL: Duration = Duration::from_secs(1);

static ENTERED: AtomicBool = AtomicBool::new(false);
/// How long the process may go on after its terminal vanished.
const GRACE: Duration = Duration::from_millis(1500);

/// The terminal, ours until dropped.
pub struct Terminal {
    last: Option<Buffer>,
    cursor: Option<(u16, u16)>,
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When there is none.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        if !has_keys() || !io::stdout().is_terminal() {
            return Err(io::Error::other("the console needs a terminal; on the command line use a verb, see: nightdesk --help"));
        }
        if std::env::var_os("TERM").is_some_and(|kind| kind == "dumb") {
            let what = "TERM is dumb: this terminal says that it cannot draw a screen. Set TERM to what it is (such as xterm), or use a verb, \
                        see: nightdesk --help";
            return Err(io::Error::other(what));
        }
        // NO_COLOR is honoured by the theme; crossterm's own way of honouring it breaks reverse and bold.
        crossterm::style::force_color_output(true);
        let mut terminal = Self { last: None, cursor: None, mouse };
        terminal.take()?;
        Ok(terminal)
    }

    /// Takes the terminal again after [`Terminal::leave`].
    ///
    /// # Errors
    /// When it is gone.
    pub fn take(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        self.last = None;
        let mut out = Vec::new();
        queue!(out, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        if self.mouse {
            queue!(out, EnableMouseCapture)?;
        }
        write(out)
    }

    /// Gives the terminal back for a while.
    pub fn leave(&mut self) {
        restore();
    }

    /// Forgets what is on the screen: the next frame is drawn whole.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// Turns the mouse on or off.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        let mut out = Vec::new();
        if on {
            queue!(out, EnableMouseCapture)?;
        } else {
            queue!(out, DisableMouseCapture)?;
        }
        write(out)
    }

    /// The terminal's size.
    pub fn size() -> (u16, u16) {
        crossterm::terminal::size().unwrap_or((80, 24))
    }

    /// Shows a frame; writes nothing where nothing differs.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn show(&mut self, frame: Buffer, cursor: Option<(u16, u16)>) -> io::Result<()> {
        let whole = self.last.as_ref().is_none_or(|last| last.area != frame.area);
        let blank = Buffer::empty(frame.area);
        let before = self.last.as_ref().filter(|_| !whole).unwrap_or(&blank);
        let changes = before.diff(&frame);
        if !whole && changes.is_empty() && cursor == self.cursor {
            return Ok(());
        }
        let mut out = Vec::new();
        queue!(out, BeginSynchronizedUpdate, cursor::Hide)?;
        if whole {
            queue!(out, crossterm::style::ResetColor, Clear(ClearType::All))?;
        }
        CrosstermBackend::new(&mut out).draw(changes.into_iter())?;
        if let Some((x, y)) = cursor {
            queue!(out, cursor::MoveTo(x, y), cursor::Show)?;
        }
        queue!(out, EndSynchronizedUpdate)?;
        write(out)?;
        self.last = Some(frame);
        self.cursor = cursor;
        Ok(())
    }

    /// An area as big as the terminal.
    pub fn area(size: (u16, u16)) -> Rect {
        Rect::new(0, 0, size.0, size.1)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether keys can be read: from standard input, or, where a document is piped in, from the terminal itself.
pub fn has_keys() -> bool {
    io::stdin().is_terminal() || keys().is_ok()
}

/// What keys are read from (crossterm decides in the same way).
fn keys() -> io::Result<OwnedFd> {
    if io::stdin().is_terminal() {
        return rustix::stdio::stdin().try_clone_to_owned();
    }
    Ok(File::options().read(true).write(true).open("/dev/tty")?.into())
}

/// Writes bytes to the terminal, in one piece. A terminal that takes nothing just now is not waited for.
///
/// # Errors
/// When the terminal is gone.
pub fn write(bytes: Vec<u8>) -> io::Result<()> {
    writer::send(bytes)
}

/// Whether the terminal has not taken what was written last: another frame would only wait behind it.
pub fn is_busy() -> bool {
    writer::is_busy()
}

/// Waits until the terminal has taken what was written.
pub async fn taken() {
    writer::taken().await;
}

/// Whether the console has the terminal now.
pub fn is_entered() -> bool {
    ENTERED.load(Ordering::SeqCst)
}

/// Gives the terminal back as it was. Does so once, however often it is called.
pub fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = Vec::new();
    let queued = queue!(out, EndSynchronizedUpdate, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    // A terminal that is gone or frozen cannot be restored, and must not keep the process.
    if queued.is_ok() && writer::settle(FAREWELL) && takes_more() {
        let _ = writer::now(&out);
    }
    let _ = disable_raw_mode();
}

/// Whether the terminal takes bytes now.
fn takes_more() -> bool {
    let out = rustix::stdio::stdout();
    let mut end = [PollFd::new(&out, PollFlags::OUT)];
    matches!(poll(&mut end, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1..)) && end[0].revents().contains(PollFlags::OUT)
}

/// Ends the process when the terminal vanishes: `gone` is called first; whatever happens, the process has ended two seconds later.
///
/// crossterm's reader spins on a terminal that is gone, so this has a thread and a poll of its own, which wake for nothing else.
pub fn watch(gone: impl FnOnce() + Send + 'static) {
    let watch = move || {
        // Without it, SIGHUP still ends the program.
        let Ok(input) = keys() else { return };
        let flags = PollFlags::empty();
        loop {
            let mut ends = [PollFd::new(&input, flags)];
            match poll(&mut ends, None) {
                Ok(_) if ends.iter().any(|end| end.revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)) => break,
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
        gone();
        std::thread::sleep(GRACE);
        std::process::exit(129);
    };
    // Without the thread, SIGHUP still ends the program.
    let _ = std::thread::Builder::new().name("terminal-watch".into()).spawn(watch);
}

/// Whether this process may go to the background: a stopped session leader could never be continued.
pub fn can_suspend() -> bool {
    rustix::process::getsid(None).is_ok_and(|leader| leader != rustix::process::getpid())
}
