//! Documents from outside, read and indexed off the loop: the beginning is told of at once, then how far it is, then the whole.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::core::console::effect::Source;
use crate::core::console::message::Message;
use crate::core::console::work::{AT_ONCE, Arrived, Ticket, Work};
use crate::core::json::Document;

/// What is read first, and shown when there is more.
const HEAD: usize = 128 * 1024;
/// What is read or indexed between two looks at whether anybody still wants it.
const STEP: usize = 4 * 1024 * 1024;
/// The most that an index can name.
const MOST: u64 = u32::MAX as u64 - 1;
/// How long a stream may keep us waiting before what has come is shown.
const IDLE: Timespec = Timespec { tv_sec: 0, tv_nsec: 30_000_000 };
/// How often it is told how far it is.
const TELL: Duration = Duration::from_millis(100);

/// Someone who waits for an answer, and how to tell them.
struct Listener {
    ticket: Ticket,
    inbox: mpsc::Sender<Message>,
    ending: CancellationToken,
    told: Instant,
}

impl Listener {
    fn new(ticket: Ticket, inbox: mpsc::Sender<Message>, ending: CancellationToken) -> Self {
        Self { ticket, inbox, ending, told: Instant::now() }
    }

    fn is_there(&self) -> bool {
        self.ticket.is_wanted() && !self.ending.is_cancelled()
    }

    /// Whether it is time to say something again.
    fn is_due(&mut self) -> bool {
        let due = self.told.elapsed() >= TELL;
        if due {
            self.told = Instant::now();
        }
        due
    }

    fn tell(&self, reading: Arrived) {
        // Without a receiver nobody wants it any more.
        let _ = self.inbox.blocking_send(Message::Read(self.ticket.clone(), reading));
    }
}

/// Reads a document and tells of it as it comes. Blocks.
pub fn read(ticket: Ticket, source: &Source, inbox: mpsc::Sender<Message>, ending: CancellationToken) {
    let mut listener = Listener::new(ticket, inbox, ending);
    let opened = match source {
        Source::File(path) => open(path),
        Source::Input => input(),
    };
    let document =
        opened.and_then(|(file, size)| bytes(file, size, &mut listener)).map(|bytes| bytes.and_then(|bytes| index(bytes, &mut listener)));
    match document {
        Ok(Some(document)) => listener.tell(Arrived::Whole(document)),
        Ok(None) => {}
        Err(message) => listener.tell(Arrived::Failed(message)),
    }
}

/// A path as it is typed: `~/` is the home folder.
fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

/// Whether there is a file that can be opened, and its size.
///
/// # Errors
/// Why it cannot be opened.
pub fn look(path: &str) -> Result<u64, String> {
    let about = std::fs::metadata(expanded(path)).map_err(|error| format!("{path} cannot be opened: {error}"))?;
    match about.len() {
        _ if about.is_dir() => Err(format!("{path} is a folder; name a file in it")),
        size if size > MOST => Err(format!("{path} has {size} bytes; the explorer takes up to 4 GiB: cut it first (jq, split)")),
        size => Ok(size),
    }
}

fn open(path: &str) -> Result<(File, u64), String> {
    let size = look(path)?;
    let file = File::open(expanded(path)).map_err(|error| format!("{path} cannot be opened: {error}"))?;
    Ok((file, size))
}

fn input() -> Result<(File, u64), String> {
    let file = rustix::stdio::stdin().try_clone_to_owned().map_err(|error| format!("standard input cannot be read: {error}"))?;
    Ok((File::from(file), 0))
}

/// Reads to the end. `None`: nobody waits for it any more.
fn bytes(mut file: File, size: u64, listener: &mut Listener) -> Result<Option<Vec<u8>>, String> {
    let size = usize::try_from(size).unwrap_or(0);
    let broken = |so_far: usize, error: std::io::Error| format!("reading broke off after {so_far} bytes: {error}");
    // Room for the end to be noticed, and for the bracket of a sequence.
    let mut bytes = Vec::with_capacity(size + 64);
    let mut shown = 0;
    loop {
        // Of a stream that keeps us waiting, what has come is shown.
        while size == 0 && !is_ready(&file) {
            if !listener.is_there() {
                return Ok(None);
            }
            if (shown + 1..=AT_ONCE).contains(&bytes.len()) {
                shown = bytes.len();
                listener.tell(Arrived::Head(Document::head_of(&bytes)));
            }
        }
        let step = if size == 0 || shown == 0 { HEAD } else { STEP };
        let read = more(&mut file, &mut bytes, step).map_err(|error| broken(bytes.len(), error))?;
        if !listener.is_there() {
            return Ok(None);
        }
        if read == 0 {
            return Ok(Some(bytes));
        }
        if bytes.len() as u64 > MOST {
            return Err("there is more than 4 GiB; cut it first (jq, split)".into());
        }
        // What is small is whole before anybody could look at its head.
        if shown == 0 && bytes.len() >= HEAD && bytes.len() != size {
            shown = bytes.len();
            listener.tell(Arrived::Head(Document::head_of(&bytes)));
        }
        if listener.is_due() {
            listener.tell(Arrived::Progress(match size {
                0 => format!("read {} MB", bytes.len() / 1_000_000),
                size => format!("read {} %", bytes.len() * 100 / size),
            }));
        }
    }
}

/// Whether reading would not wait, or not for long.
fn is_ready(file: &File) -> bool {
    let mut ends = [PollFd::new(file, PollFlags::IN)];
    poll(&mut ends, Some(&IDLE)).is_ok_and(|ready| ready > 0)
}

/// Reads what is there, up to so many bytes. Zero: the end.
fn more(file: &mut File, bytes: &mut Vec<u8>, step: usize) -> std::io::Result<usize> {
    let before = bytes.len();
    // What is reserved is enough for a file; growing by doubling is for streams.
    let room = bytes.capacity() - before;
    bytes.resize(before + if room == 0 { step } else { room.min(step) }, 0);
    let read = loop {
        match file.read(bytes.get_mut(before..).unwrap_or_default()) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    bytes.truncate(before + read.as_ref().copied().unwrap_or(0));
    read
}

/// Indexes it. `None`: nobody waits for it any more.
fn index(bytes: Vec<u8>, listener: &mut Listener) -> Option<Document> {
    let mut opening = Document::open(bytes);
    loop {
        let progress = opening.advance(STEP);
        if !listener.is_there() {
            return None;
        }
        if progress.done && opening.is_sequence() {
            opening = opening.into_sequence();
        } else if progress.done {
            return Some(opening.finish());
        } else if listener.is_due() {
            listener.tell(Arrived::Progress(format!("indexed {} %", progress.scanned * 100 / progress.total.max(1))));
        }
    }
}

/// Works on a document; gives the work back when it is done, or nothing when nobody wants it any more. Blocks.
pub fn work(mut work: Box<Work>, inbox: mpsc::Sender<Message>, ending: CancellationToken) -> Option<Box<Work>> {
    let mut listener = Listener::new(work.ticket.clone(), inbox, ending);
    while let Some(percent) = work.step() {
        if !listener.is_there() {
            return None;
        }
        if listener.is_due() {
            let _ = listener.inbox.blocking_send(Message::Working(work.ticket.clone(), percent));
        }
    }
    Some(work)
}
