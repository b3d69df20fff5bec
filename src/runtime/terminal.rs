//! The terminal: entered, left, drawn on, and given back whatever happens.
//!
//! Frames are compared with the one before and only what differs is written, in one piece, as a synchronised update. Nothing is ever
//! asked of the terminal (cursor position, capabilities): an answer would arrive as input.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
use rustix::event::{PollFd, PollFlags, poll};

static ENTERED: AtomicBool = AtomicBool::new(false);
/// Writings to the terminal, begun and ended: odd while one is under way.
static WRITINGS: AtomicU64 = AtomicU64::new(0);
/// How long the process may go on after it was told to end, or after its terminal vanished.
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
        restore_on_panic();
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
        write(&out)
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
        write(&out)
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
        write(&out)?;
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

/// Writes bytes to the terminal at once.
///
/// # Errors
/// When the terminal is gone.
pub fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    WRITINGS.fetch_add(1, Ordering::SeqCst);
    let written = out.write_all(bytes).and_then(|()| out.flush());
    WRITINGS.fetch_add(1, Ordering::SeqCst);
    written
}

/// Ends a process that was told to end by a signal, and cannot: a terminal that takes nothing, such as that of a frozen connection, holds
/// it in the middle of a writing.
pub async fn end_if_stuck(signal: i32) {
    let mut before = WRITINGS.load(Ordering::SeqCst);
    loop {
        tokio::time::sleep(GRACE).await;
        let now = WRITINGS.load(Ordering::SeqCst);
        if now % 2 == 1 && now == before {
            // Nothing more can be written; that keys are taken as they are can still be ended.
            let _ = disable_raw_mode();
            std::process::exit(128 + signal);
        }
        before = now;
    }
}

/// Gives the terminal back as it was. Does so once, however often it is called.
pub fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = Vec::new();
    let queued = queue!(out, EndSynchronizedUpdate, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    if queued.is_ok() {
        // A terminal that is gone cannot be restored.
        let _ = write(&out);
    }
    let _ = disable_raw_mode();
}

/// A panic of the loop's own thread restores the terminal before it is told. One of a task becomes a failed task and must not.
fn restore_on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let ours = std::thread::current().id();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == ours {
                restore();
                before(info);
            } else if ENTERED.load(Ordering::SeqCst) {
                tracing::error!("a task panicked: {info}");
            } else {
                before(info);
            }
        }));
    });
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
