//! The store: SQLite in one file, written by one thread of a process and read by another; any number of processes share it.

mod audit;
mod event;
mod fetched;
mod read;
mod sql;
mod state;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

pub use audit::{AuditEntry, Intent, Verdict};
pub use fetched::{Coverage, Mark};
pub use state::{Health, JobRun};

use crate::config::files;

/// Numbered changes of the schema. Never edit one that was released; add the next.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_store.sql")];
/// How long a write waits for another process's.
const BUSY: Duration = Duration::from_secs(10);
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
}

impl Store {
    /// Opens the store of a data directory, made where it is not there.
    ///
    /// # Errors
    /// When the folder or the file cannot be used, or a newer nightdesk made it.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let file = data_dir.join("nightdesk.db");
        let fail = |error| StoreError::File(file.clone(), error);
        files::private_dir(data_dir).map_err(fail)?;
        // SQLite's own files take their mode from this one.
        let made = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(&file).map_err(fail)?;
        made.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(fail)?;
        let shared = is_network(&made);
        drop(made);
        if shared {
            tracing::warn!(file = %file.display(), "the store lies on a network file system: it is slower there, and locks may not hold; move it with --data-dir");
        }
        let mut writing = connect(&file, shared)?;
        migrate(&mut writing)?;
        let reading = connect(&file, shared)?;
        Ok(Self { writer: thread("store-writer", writing)?, reader: thread("store-reader", reading)? })
    }

    /// Runs work on the writer's thread.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        send(&self.writer, work).await
    }

    /// Runs work on the reader's thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        send(&self.reader, work).await
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
    work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (answer, answered) = oneshot::channel();
    let work: Work = Box::new(move |db| {
        let _ = answer.send(work(db));
    });
    to.send(work).await.map_err(|_| StoreError::Ended)?;
    answered.await.map_err(|_| StoreError::Ended)?
}

fn thread(name: &str, mut db: Connection) -> Result<mpsc::Sender<Work>, StoreError> {
    let (send, mut receive) = mpsc::channel::<Work>(WAITING);
    let run = move || {
        while let Some(work) = receive.blocking_recv() {
            work(&mut db);
        }
    };
    std::thread::Builder::new().name(name.into()).spawn(run).map_err(|error| StoreError::File(PathBuf::from(name), error))?;
    Ok(send)
}

fn connect(file: &Path, shared: bool) -> Result<Connection, StoreError> {
    let db = Connection::open(file)?;
    db.busy_timeout(BUSY)?;
    // A write-ahead log needs memory that all processes share, which a network file system has not.
    db.pragma_update(None, "journal_mode", if shared { "DELETE" } else { "WAL" })?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "cache_size", -16_000)?;
    db.set_prepared_statement_cache_capacity(64);
    sql::functions(&db)?;
    Ok(db)
}

fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(version).map_err(|_| StoreError::Newer(version))?;
    if done > MIGRATIONS.len() {
        return Err(StoreError::Newer(version));
    }
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", i64::try_from(MIGRATIONS.len()).unwrap_or_default())?;
    transaction.commit()?;
    Ok(())
}

fn is_network(file: &std::fs::File) -> bool {
    const NETWORK: [i64; 5] = [0x6969, 0x517B, 0xFF53_4D42, 0xFE53_4D42, 0x0102_1997];
    rustix::fs::fstatfs(file).is_ok_and(|about| NETWORK.contains(&(about.f_type & 0xFFFF_FFFF)))
}

/// A moment as the store keeps it.
fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A moment from the store.
fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}
