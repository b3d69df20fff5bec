//! Opening the store's file: private, in the journal mode that its file system allows, in the newest schema.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::{StoreError, sql};
use crate::config::files;

/// The store's file within the data directory.
const FILE: &str = "nightdesk.db";
/// Numbered changes of the schema. Never edit one that was released; add the next.
const MIGRATIONS: [&str; 8] = [
    include_str!("migrations/0001_store.sql"),
    include_str!("migrations/0002_search.sql"),
    include_str!("migrations/0003_write_back.sql"),
    include_str!("migrations/0004_outbox.sql"),
    include_str!("migrations/0005_million.sql"),
    include_str!("migrations/0006_same_file.sql"),
    include_str!("migrations/0007_named.sql"),
    include_str!("migrations/0008_rest.sql"),
];
/// How long a write waits for another process's.
const BUSY: Duration = Duration::from_secs(10);

/// Connections for the writer and the three readers; and what the analyst should know of where the store lies.
pub(super) fn all(data_dir: &Path) -> Result<([Connection; 4], Option<String>), StoreError> {
    let file = data_dir.join(FILE);
    let fail = |error| StoreError::File(file.clone(), error);
    files::private_dir(data_dir).map_err(fail)?;
    // SQLite's own files beside it take their mode from this one.
    let made = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(&file).map_err(fail)?;
    made.set_permissions(Permissions::from_mode(0o600)).map_err(fail)?;
    let network = rustix::fs::fstatfs(&made).is_ok_and(|about| is_network(about.f_type));
    drop(made);
    let mut writing = connect(&file, network)?;
    migrate(&mut writing)?;
    let notice = network.then(|| {
        format!(
            "The store {} lies on a network file system: it is slower there, without a write-ahead log, and the locks between several \
             nightdesks may not hold. Put it on a local disk with --data-dir or NIGHTDESK_DATA_DIR.",
            file.display()
        )
    });
    Ok(([writing, connect(&file, network)?, connect(&file, network)?, connect(&file, network)?], notice))
}

fn connect(file: &Path, network: bool) -> Result<Connection, StoreError> {
    let db = Connection::open(file)?;
    db.busy_timeout(BUSY)?;
    // A write-ahead log needs memory that all processes share, which a network file system has not.
    journal(&db, if network { "delete" } else { "wal" })?;
    // An intent must be on the disk before the first byte goes out, so every commit is.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "cache_size", -16_000)?;
    db.set_prepared_statement_cache_capacity(128);
    sql::functions(&db)?;
    Ok(db)
}

/// Sets the journal mode. SQLite does not wait for other processes here, so this does.
fn journal(db: &Connection, wanted: &str) -> Result<(), StoreError> {
    let end = Instant::now() + BUSY;
    loop {
        let set = db
            .query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0))
            .and_then(|mode| if mode.eq_ignore_ascii_case(wanted) { Ok(()) } else { db.pragma_update(None, "journal_mode", wanted) });
        match set {
            Ok(()) => return Ok(()),
            Err(error) if is_busy(&error) && Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    // An up-to-date store is not locked, so that opening waits for nobody.
    if version(db)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in MIGRATIONS.iter().skip(version(&transaction)?) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", i64::try_from(MIGRATIONS.len()).unwrap_or_default())?;
    transaction.commit()?;
    Ok(())
}

fn version(db: &Connection) -> Result<usize, StoreError> {
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    usize::try_from(version).ok().filter(|done| *done <= MIGRATIONS.len()).ok_or(StoreError::Newer(version))
}

/// Whether a file system is NFS, SMB (all three of Linux's kinds), 9P or FUSE, by its magic number of statfs(2).
fn is_network(kind: i64) -> bool {
    const NETWORK: [i64; 6] = [0x6969, 0x517B, 0xFF53_4D42, 0xFE53_4D42, 0x0102_1997, 0x6573_5546];
    NETWORK.contains(&(kind & 0xFFFF_FFFF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_network_file_system_there_is_no_write_ahead_log() {
        for (kind, network) in
            [(0x6969, true), (0xFF53_4D42, true), (-0x00AC_B2BE, true), (0x6573_5546, true), (0xEF53, false), (0x0102_1994, false)]
        {
            assert_eq!(is_network(kind), network, "{kind:x}");
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE);
        let mode = |db: &Connection| db.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)).unwrap();
        let mut local = connect(&file, false).unwrap();
        migrate(&mut local).unwrap();
        assert_eq!(mode(&local), "wal");
        drop(local);
        // The home was moved there: the log that it had goes.
        let moved = connect(&file, true).unwrap();
        assert_eq!(mode(&moved), "delete");
        assert!(!dir.path().join("nightdesk.db-wal").exists());
    }
}
