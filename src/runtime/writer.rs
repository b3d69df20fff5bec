//! What goes to the terminal, written by a thread of its own: a terminal that takes nothing for a while (a frozen SSH session, Ctrl-S)
//! holds up that thread and nobody else.

use std::io::{self, Write};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

static WRITER: OnceLock<Option<Writer>> = OnceLock::new();

struct Writer {
    pieces: Sender<Vec<u8>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    idle: Notify,
}

#[derive(Default)]
struct State {
    /// Pieces that the terminal has not taken yet.
    waiting: usize,
    /// Whether the terminal is gone.
    failed: bool,
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer of this process; none where no thread can be had.
fn writer() -> Option<&'static Writer> {
    let start = || {
        let (pieces, waiting) = channel::<Vec<u8>>();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let write = move || {
            while let Ok(piece) = waiting.recv() {
                let written = now(&piece);
                let mut state = own.state();
                state.waiting -= 1;
                state.failed |= written.is_err();
                own.changed.notify_all();
                own.idle.notify_one();
            }
        };
        std::thread::Builder::new().name("terminal-writer".into()).spawn(write).ok().map(|_| Writer { pieces, shared })
    };
    WRITER.get_or_init(start).as_ref()
}

/// Writes bytes here and now.
///
/// # Errors
/// When the terminal is gone.
pub(super) fn now(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Has bytes written, in one piece, after what waits already.
///
/// # Errors
/// When the terminal was gone already.
pub(super) fn send(bytes: Vec<u8>) -> io::Result<()> {
    let Some(Writer { pieces, shared }) = writer() else { return now(&bytes) };
    let mut state = shared.state();
    if state.failed {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    state.waiting += 1;
    pieces.send(bytes).map_err(|_| io::ErrorKind::BrokenPipe.into())
}

/// Whether the terminal has not taken everything yet.
pub(super) fn is_busy() -> bool {
    WRITER.get().and_then(Option::as_ref).is_some_and(|writer| writer.shared.state().waiting > 0)
}

/// Waits until the terminal has taken everything.
pub(super) async fn taken() {
    while is_busy() {
        if let Some(writer) = writer() {
            writer.shared.idle.notified().await;
        }
    }
}

/// Waits for so long at most until the terminal has taken everything; says whether it has.
pub(super) fn settle(limit: Duration) -> bool {
    let Some(writer) = WRITER.get().and_then(Option::as_ref) else { return true };
    let settled = writer.shared.changed.wait_timeout_while(writer.shared.state(), limit, |state| state.waiting > 0);
    settled.is_ok_and(|(state, _)| state.waiting == 0)
}
