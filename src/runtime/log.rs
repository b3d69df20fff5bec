//! What the program logs: the last lines for the console, all of them in a private file; known secrets are masked in both.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::files;
use crate::core::text::visible;
use crate::secrets::Redactor;

/// Lines that the console can show.
const KEPT: usize = 2000;
/// Longer lines are cut.
const LINE: usize = 2000;
/// The file is put aside at this size; one such is kept.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;

static LOG: OnceLock<Log> = OnceLock::new();

/// The log of this process.
struct Log {
    redactor: Redactor,
    lines: Mutex<VecDeque<String>>,
    file: Mutex<Option<Kept>>,
}

/// The log's file.
struct Kept {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Kept {
    fn open(path: &Path) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            files::private_dir(dir)?;
        }
        let file = files::append_private(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size })
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        if self.size > FILE_LIMIT {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            *self = Self::open(&self.path)?;
        }
        self.file.write_all(format!("{line}\n").as_bytes())?;
        self.size += line.len() as u64 + 1;
        Ok(())
    }
}

impl Log {
    fn new(redactor: Redactor, file: Option<Kept>) -> Self {
        Self { redactor, lines: Mutex::default(), file: Mutex::new(file) }
    }

    /// Takes a line: masked, made visible, cut.
    fn take(&self, text: &str) {
        let line: String = visible(self.redactor.text(text).trim_end()).as_str().chars().take(LINE).collect();
        if let Some(kept) = self.file.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // A full disk must not end what is being logged.
            let _ = kept.write(&line);
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_back(line);
        if lines.len() > KEPT {
            lines.pop_front();
        }
    }

    /// The lines, newest first; masked again, as a secret may have become known after it was logged.
    fn newest(&self, zone: &TimeZone) -> Vec<String> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .rev()
            .map(|line| to_read(&self.redactor.text(line), zone))
            .collect()
    }
}

/// A line as it is read here: of its time, the year and the parts of a second are in the file only.
fn to_read(line: &str, zone: &TimeZone) -> String {
    let parts = line.split_once(' ').and_then(|(time, rest)| Some((time.parse::<Timestamp>().ok()?, rest.trim_start())));
    let Some((time, rest)) = parts else { return line.to_owned() };
    let (level, message) = rest.split_once(' ').unwrap_or((rest, ""));
    format!("{}  {level:<5}  {message}", time.to_zoned(zone.clone()).strftime("%m-%d %H:%M:%S %Z"))
}

/// One logged event on its way into the log.
struct Entry;

impl Write for Entry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(log) = LOG.get() {
            log.take(&String::from_utf8_lossy(bytes));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where events are written: one write is one event.
struct Sink;

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Entry;

    fn make_writer(&'a self) -> Entry {
        Entry
    }
}

/// Begins to log, once a process. `NIGHTDESK_LOG` says what, as `RUST_LOG` would (`nightdesk=debug`).
pub fn start(file: &Path, redactor: &Redactor) {
    let log = Log::new(redactor.clone(), Kept::open(file).ok());
    if LOG.set(log).is_err() {
        return;
    }
    let filter = EnvFilter::try_from_env("NIGHTDESK_LOG").unwrap_or_else(|_| EnvFilter::new("warn,nightdesk=info"));
    let logger = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_target(false).with_writer(Sink).finish();
    // A program that embeds us may log already; then that log is the one.
    let _ = tracing::subscriber::set_global_default(logger);
}

/// The log's file, where there is one.
pub fn file() -> Option<PathBuf> {
    LOG.get()?.file.try_lock().ok()?.as_ref().map(|kept| kept.path.clone())
}

/// The last lines, newest first, times in a zone.
pub fn newest(zone: &TimeZone) -> Vec<String> {
    LOG.get().map(|log| log.newest(zone)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_masked_made_visible_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nightdesk.log");
        let redactor = Redactor::default();
        let log = Log::new(redactor.clone(), Some(Kept::open(&path).unwrap()));
        redactor.add("hunter22");
        log.take("a hunter22 b\u{1b}[31m\nnext\n");
        log.take("later-secret");
        redactor.add("later-secret");
        assert_eq!(
            to_read("2026-03-03T10:58:24.507858Z  INFO wiz: 200 in 5 ms: GET api/v1", &TimeZone::fixed(jiff::tz::offset(2))),
            "03-03 12:58:24 +02  INFO   wiz: 200 in 5 ms: GET api/v1"
        );
        assert_eq!(log.newest(&TimeZone::UTC), ["***", "a *** b⟨ESC⟩[31m⟨LF⟩next"]);
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("a *** b⟨ESC⟩"));
        for number in 0..KEPT + 5 {
            log.take(&format!("line {number}"));
        }
        assert_eq!((log.newest(&TimeZone::UTC).len(), log.newest(&TimeZone::UTC)[0].as_str()), (KEPT, "line 2004"));
        log.file.lock().unwrap().as_mut().unwrap().size = FILE_LIMIT + 1;
        log.take("in a new file");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "in a new file\n");
        assert!(dir.path().join("nightdesk.log.1").exists());
    }
}
