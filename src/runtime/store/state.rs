//! How connections are, when jobs ran, and small values that the console keeps.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::{Store, StoreError, moment, nanos};

/// How a connection is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// When it last worked.
    pub last_success_at: Option<Timestamp>,
    /// What was wrong the last time it did not.
    pub last_error: Option<String>,
    /// How often in a row it has not.
    pub consecutive_failures: u32,
}

/// A run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRun {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The state that it ended in.
    pub result: String,
}

impl Store {
    /// How a connection is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn health(&self, connection: &str) -> Result<Health, StoreError> {
        let connection = connection.to_owned();
        self.read(move |db| {
            let found = db
                .prepare_cached("SELECT last_success_at, last_error, consecutive_failures FROM health WHERE connection = ?1")?
                .query_row([connection], |row| {
                    Ok(Health {
                        last_success_at: row.get::<_, Option<i64>>(0)?.map(moment),
                        last_error: row.get(1)?,
                        consecutive_failures: row.get(2)?,
                    })
                })
                .optional()?;
            Ok(found.unwrap_or_default())
        })
        .await
    }

    /// Keeps that a connection worked, or what was wrong.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record_health(&self, connection: &str, error: Option<&str>, at: Timestamp) -> Result<(), StoreError> {
        let (connection, error) = (connection.to_owned(), error.map(str::to_owned));
        self.change(move |db| {
            match error {
                None => db.execute(
                    "INSERT INTO health (connection, last_success_at) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET
                     last_success_at = excluded.last_success_at, last_error = NULL, last_error_at = NULL, consecutive_failures = 0",
                    params![connection, nanos(at)],
                )?,
                Some(error) => db.execute(
                    "INSERT INTO health (connection, last_error, last_error_at, consecutive_failures) VALUES (?1, ?2, ?3, 1)
                     ON CONFLICT DO UPDATE SET last_error = excluded.last_error, last_error_at = excluded.last_error_at,
                     consecutive_failures = consecutive_failures + 1",
                    params![connection, error, nanos(at)],
                )?,
            };
            Ok(())
        })
        .await
    }

    /// Keeps a run of a job.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn job_run(&self, name: &str, started: Timestamp, finished: Timestamp, result: &str) -> Result<(), StoreError> {
        let (name, result) = (name.to_owned(), result.to_owned());
        self.change(move |db| {
            db.execute(
                "INSERT INTO job_run (name, started_at, finished_at, result) VALUES (?1, ?2, ?3, ?4)",
                params![name, nanos(started), nanos(finished), result],
            )?;
            // A job that runs every minute must not fill the disk.
            db.execute(
                "DELETE FROM job_run WHERE name = ?1 AND id <= (SELECT id FROM job_run WHERE name = ?1 ORDER BY id DESC LIMIT 1 OFFSET 100)",
                [name],
            )?;
            Ok(())
        })
        .await
    }

    /// The last run of a job.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_job(&self, name: &str) -> Result<Option<JobRun>, StoreError> {
        let name = name.to_owned();
        self.read(move |db| {
            Ok(db
                .prepare_cached("SELECT started_at, finished_at, result FROM job_run WHERE name = ?1 ORDER BY id DESC LIMIT 1")?
                .query_row([name], |row| {
                    Ok(JobRun { started_at: moment(row.get(0)?), finished_at: moment(row.get(1)?), result: row.get(2)? })
                })
                .optional()?)
        })
        .await
    }

    /// A small value that the console keeps (`view`, `draft`, `form`, `follow`, …) by key.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn kept(&self, kind: &str, key: &str) -> Result<Option<Value>, StoreError> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        self.read(move |db| {
            let text: Option<String> = db
                .prepare_cached("SELECT value FROM keep WHERE kind = ?1 AND key = ?2")?
                .query_row([kind, key], |row| row.get(0))
                .optional()?;
            Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
        })
        .await
    }

    /// All values of a kind, by key, the last changed first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all_kept(&self, kind: &str) -> Result<Vec<(String, Value)>, StoreError> {
        let kind = kind.to_owned();
        self.read(move |db| {
            let mut statement = db.prepare_cached("SELECT key, value FROM keep WHERE kind = ?1 ORDER BY changed_at DESC, key")?;
            let rows = statement.query_map([kind], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            let all: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
            Ok(all.into_iter().filter_map(|(key, text)| Some((key, serde_json::from_str(&text).ok()?))).collect())
        })
        .await
    }

    /// Keeps a small value, or forgets it with `None`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep(&self, kind: &str, key: &str, value: Option<Value>) -> Result<(), StoreError> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        self.change(move |db| {
            match value {
                Some(value) => db
                    .prepare_cached(
                        "INSERT INTO keep (kind, key, value, changed_at) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
                    )?
                    .execute(params![kind, key, value.to_string(), nanos(Timestamp::now())])?,
                None => db.prepare_cached("DELETE FROM keep WHERE kind = ?1 AND key = ?2")?.execute(params![kind, key])?,
            };
            Ok(())
        })
        .await
    }
}
