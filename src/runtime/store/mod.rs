//! The store: SQLite in one file, written by one thread of a process and read by three others; any number of processes share it.
//!
//! One reader answers what takes no time (one event, a mark, a draft), another looks for rows, a third counts over all events: the
//! detail view never waits for a search, and a search never for a count. What nobody waits for any more is broken off.

mod audit;
mod cases;
mod console;
mod events;
mod fetched;
mod open;
mod outbox;
mod pivot;
mod read;
mod rows;
mod same_file;
mod sql;
mod state;
#[cfg(test)]
mod tests;
mod triage;

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

pub use audit::{AuditEntry, Intent, Verdict};
pub use cases::WholeCase;
pub use fetched::{Coverage, Mark, Rest};
pub use pivot::{Mentioned, Pivot, Share, Spelt};
pub use state::{Health, JobRun};
pub use triage::{Closed, Decision, Happened, HappenedKind, Note, Precedent, Precedents, Was};

/// Steps of the database between two looks whether anybody still waits: some tenths of a millisecond.
const STEPS: i32 = 10_000;
/// Pieces of work that may wait for a thread.
const WAITING: usize = 64;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or the file cannot be used.
    #[error("the store {} cannot be used: {error}", .0.display(), error = .1)]
    File(PathBuf, std::io::Error),
    /// A newer nightdesk made it.
    #[error("the store was made by a newer nightdesk (schema {0}); use that one")]
    Newer(i64),
    /// The database complains.
    #[error("{}", explain(.0))]
    Database(#[from] rusqlite::Error),
    /// Something stored is not what it was.
    #[error("the store holds something unreadable: {0}")]
    Damaged(String),
    /// There is a case of that name already.
    #[error("there is a case {0} already; give another name, or add to it")]
    Taken(String),
    /// There is no case of that name.
    #[error("there is no case {0}; look at the list of cases, or open one")]
    NoCase(String),
    /// The store's thread has ended.
    #[error("the store has ended")]
    Ended,
}

fn explain(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full; make room and try again. Nothing half-done was kept".into(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another nightdesk has held the store for too long; try again".into(),
        Some(ErrorCode::ReadOnly) => "the store cannot be written: its file or folder is read-only".into(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the store's file is damaged; restore it from a backup or move it away".into()
        }
        Some(ErrorCode::SystemIoFailure) => format!("the store's file cannot be read or written: {error}"),
        _ => format!("the store failed: {error}"),
    }
}

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// A handle on the store; clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    writer: mpsc::Sender<Work>,
    reader: mpsc::Sender<Work>,
    searcher: mpsc::Sender<Work>,
    counter: mpsc::Sender<Work>,
    notice: Option<Arc<str>>,
}

impl Store {
    /// Opens the store of a data directory, made where it is not there.
    ///
    /// # Errors
    /// When the folder or the file cannot be used, or a newer nightdesk made it.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let ([writing, reading, searching, counting], notice) = open::all(data_dir)?;
        Ok(Self {
            writer: thread("store-writer", writing)?,
            reader: thread("store-reader", reading)?,
            searcher: thread("store-searcher", searching)?,
            counter: thread("store-counter", counting)?,
            notice: notice.map(Arc::from),
        })
    }

    /// What the analyst should know of where the store lies.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// Runs work on the writer's thread within a transaction that is kept only when the work succeeds.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        send(&self.writer, true, move |db| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await
    }

    /// Runs work on the reader's thread.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        send(&self.reader, false, work).await
    }

    /// Runs work that counts over all events, on a thread of its own.
    async fn tally<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        send(&self.counter, false, work).await
    }

    /// Runs work that may look through all events, on a thread of its own.
    async fn search<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        send(&self.searcher, false, work).await
    }

    /// A number that changes when another process, or this one's writer, has committed.
    ///
    /// # Errors
    /// When the store has ended.
    pub async fn data_version(&self) -> Result<i64, StoreError> {
        self.read(|db| Ok(db.query_row("PRAGMA data_version", [], |row| row.get(0))?)).await
    }
}

async fn send<T: Send + 'static>(
    to: &mpsc::Sender<Work>,
    always: bool,
    work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (answer, answered) = oneshot::channel();
    // Lives as long as somebody waits for the answer.
    let waiting = Arc::new(());
    let waits = Arc::downgrade(&waiting);
    let work: Work = Box::new(move |db| {
        // What was to be written is. What nobody waits for any more need not be looked for, nor looked for to its end.
        if always {
            let _ = answer.send(work(db));
        } else if waits.strong_count() > 0 {
            let _ = db.progress_handler(STEPS, Some(move || waits.strong_count() == 0));
            let _ = answer.send(work(db));
            let _ = db.progress_handler(0, None::<fn() -> bool>);
        }
    });
    to.send(work).await.map_err(|_| StoreError::Ended)?;
    let answer = answered.await.map_err(|_| StoreError::Ended)?;
    drop(waiting);
    answer
}

fn thread(name: &str, mut db: Connection) -> Result<mpsc::Sender<Work>, StoreError> {
    let (send, mut receive) = mpsc::channel::<Work>(WAITING);
    let run = move || {
        while let Some(work) = receive.blocking_recv() {
            // A fault in one piece of work fails that piece (its transaction is taken back), not all that comes after it.
            if std::panic::catch_unwind(AssertUnwindSafe(|| work(&mut db))).is_err() {
                let _ = db.progress_handler(0, None::<fn() -> bool>);
            }
        }
    };
    std::thread::Builder::new().name(name.into()).spawn(run).map_err(|error| StoreError::File(PathBuf::from(name), error))?;
    Ok(send)
}

/// A limit as SQL takes it; -1 is none.
fn limit_of(limit: Option<usize>) -> i64 {
    limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX))
}

/// A moment as the store keeps it: nanoseconds since 1970, as vendors' positions are that fine. What lies beyond 1677 or 2262 is
/// kept as that bound.
fn nanos(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX })
}

/// A moment from the store.
fn moment(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or_default()
}
