//! The record of every command run and every decision taken: a chain in which each entry carries the hash of the one before.
//!
//! An intent is committed, synced, before anything is sent; its outcome follows as an entry of its own that refers to it. An intent
//! without an outcome reads "unknown". The head of the chain is kept beside it, so that a record cut short is noticed; somebody who can
//! rewrite both the record and its head can only be found out by a head that left this host.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Store, StoreError};
use crate::core::catalogue::Effect;

/// What is about to be done.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Who does it.
    pub actor: String,
    /// On which connection.
    pub connection: String,
    /// Which command.
    pub command: String,
    /// The ids it concerns.
    pub items: Vec<String>,
    /// Whether it changes anything.
    pub effect: Effect,
    /// Its arguments, secrets masked.
    pub arguments: Map<String, Value>,
}

/// One entry of the record.
#[derive(Clone, Debug, Serialize)]
pub struct AuditEntry {
    /// Its number.
    pub seq: i64,
    /// When.
    pub time: String,
    /// Who.
    pub actor: String,
    /// On which connection, if on one.
    pub connection: Option<String>,
    /// Which command or decision.
    pub command: String,
    /// The ids it concerns.
    pub items: Value,
    /// `read`, `write` or `destructive`.
    pub effect: String,
    /// `intent`, or what came of it.
    pub state: String,
    /// The intent that this is the outcome of.
    pub refers_to: Option<i64>,
    /// The arguments, secrets masked.
    pub arguments: Value,
    /// What came of it.
    pub detail: Value,
    /// Hash of this entry.
    pub hash: String,
    /// Hash of the entry before.
    pub previous: String,
}

/// Whether the chain is whole.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Whether it is.
    pub ok: bool,
    /// Entries in it.
    pub entries: usize,
    /// Hash of the last entry.
    pub head: Option<String>,
    /// Number of the first bad entry, and what is wrong with it.
    pub first_bad: Option<(i64, String)>,
}

/// An entry before it has a number and a hash.
pub(super) struct Draft {
    pub(super) actor: String,
    pub(super) connection: Option<String>,
    pub(super) command: String,
    pub(super) items: Value,
    pub(super) effect: Effect,
    pub(super) state: String,
    pub(super) refers_to: Option<i64>,
    pub(super) arguments: Value,
    pub(super) detail: Value,
}

const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const COLUMNS: &str = "seq, time, actor, connection, command, items, effect, state, refers_to, arguments, detail, previous, hash";

impl Store {
    /// Records what is about to be done; it is on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot be recorded; then it must not be done.
    pub async fn begin_intent(&self, intent: Intent) -> Result<i64, StoreError> {
        let draft = Draft {
            actor: intent.actor,
            connection: Some(intent.connection),
            command: intent.command,
            items: intent.items.into(),
            effect: intent.effect,
            state: "intent".into(),
            refers_to: None,
            arguments: Value::Object(intent.arguments),
            detail: Value::Null,
        };
        self.write(move |db| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let seq = append(&transaction, draft)?;
            transaction.commit()?;
            Ok(seq)
        })
        .await
    }

    /// Records what came of an intent.
    ///
    /// # Errors
    /// When it cannot be recorded; the intent then reads "unknown".
    pub async fn end_intent(&self, seq: i64, state: &str, detail: Value) -> Result<i64, StoreError> {
        let state = state.to_owned();
        self.write(move |db| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let intent = transaction
                .query_row(&format!("SELECT {COLUMNS} FROM audit WHERE seq = ?1"), [seq], entry)
                .optional()?
                .ok_or_else(|| StoreError::Damaged(format!("the record has no entry {seq}")))?;
            let draft = Draft {
                actor: intent.actor,
                connection: intent.connection,
                command: intent.command,
                items: intent.items,
                effect: serde_json::from_value(Value::from(intent.effect)).unwrap_or(Effect::Write),
                state,
                refers_to: Some(seq),
                arguments: Value::Null,
                detail,
            };
            let seq = append(&transaction, draft)?;
            transaction.commit()?;
            Ok(seq)
        })
        .await
    }

    /// The record, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit_list(&self, limit: Option<usize>, offset: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(move |db| {
            let limit = limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
            let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM audit ORDER BY seq DESC LIMIT ?1 OFFSET ?2"))?;
            let rows = statement.query_map(params![limit, i64::try_from(offset).unwrap_or(i64::MAX)], entry)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Checks the whole chain.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit_verify(&self) -> Result<Verdict, StoreError> {
        self.read(|db| {
            let head: Option<(i64, String)> =
                db.query_row("SELECT seq, hash FROM audit_head", [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY seq"))?;
            let mut rows = statement.query([])?;
            let mut verdict = Verdict { ok: true, ..Verdict::default() };
            let (mut expected, mut previous) = (1, FIRST.to_owned());
            while let Some(row) = rows.next()? {
                let stored = Stored::read(row);
                let seq: i64 = row.get(0).unwrap_or(expected);
                let wrong = match &stored {
                    Err(error) => Some(format!("it cannot be read: {error}")),
                    Ok(_) if seq != expected => Some(format!("entry {expected} is missing")),
                    Ok(stored) if stored.previous != previous => Some("it does not follow the entry before".into()),
                    Ok(stored) if stored.hash != stored.digest() => Some("it was changed".into()),
                    Ok(_) => None,
                };
                if let Some(reason) = wrong {
                    return Ok(Verdict { ok: false, first_bad: Some((seq, reason)), ..verdict });
                }
                if let Ok(stored) = stored {
                    previous = stored.hash;
                }
                verdict.entries += 1;
                expected += 1;
                verdict.head = Some(previous.clone());
            }
            let last = expected - 1;
            let cut = match &head {
                Some((seq, hash)) => *seq != last || *hash != previous,
                None => last > 0,
            };
            if cut {
                let reason = head.map_or("the head of the record is missing".into(), |(seq, _)| {
                    format!("the record ends at {last}, but its head is {seq}")
                });
                verdict.ok = false;
                verdict.first_bad = Some((last + 1, reason));
            }
            Ok(verdict)
        })
        .await
    }
}

/// An entry exactly as its columns are: what the hash covers.
struct Stored {
    columns: Vec<Value>,
    previous: String,
    hash: String,
}

impl Stored {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        use rusqlite::types::ValueRef;
        let mut columns = Vec::new();
        for at in 0..11 {
            columns.push(match row.get_ref(at)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::from(number),
                ValueRef::Real(number) => json!({"real": number}),
                ValueRef::Text(bytes) => Value::from(String::from_utf8_lossy(bytes).into_owned()),
                ValueRef::Blob(bytes) => json!({"blob": bytes}),
            });
        }
        Ok(Self { columns, previous: row.get(11)?, hash: row.get(12)? })
    }

    fn digest(&self) -> String {
        digest(&self.columns, &self.previous)
    }
}

fn digest(columns: &[Value], previous: &str) -> String {
    let text = Value::from(columns.to_vec()).to_string();
    let hash = Sha256::new().chain_update(previous.as_bytes()).chain_update([0]).chain_update(text.as_bytes()).finalize();
    crate::runtime::http::token::hex(&hash)
}

/// Appends an entry within the caller's transaction, which holds the write lock.
pub(super) fn append(db: &Connection, draft: Draft) -> Result<i64, StoreError> {
    let last: Option<(i64, String)> = db
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (seq, previous) = last.map_or((1, FIRST.to_owned()), |(seq, hash)| (seq + 1, hash));
    let text = |value: &Value| Value::from(value.to_string());
    let effect = serde_json::to_value(draft.effect).map_err(|error| StoreError::Damaged(error.to_string()))?;
    let columns = vec![
        Value::from(seq),
        Value::from(Timestamp::now().to_string()),
        Value::from(draft.actor),
        draft.connection.map_or(Value::Null, Value::from),
        Value::from(draft.command),
        text(&draft.items),
        effect,
        Value::from(draft.state),
        draft.refers_to.map_or(Value::Null, Value::from),
        text(&draft.arguments),
        text(&draft.detail),
    ];
    let hash = digest(&columns, &previous);
    let values = columns.iter().map(|column| match column {
        Value::Number(number) => rusqlite::types::Value::Integer(number.as_i64().unwrap_or_default()),
        Value::String(text) => rusqlite::types::Value::Text(text.clone()),
        _ => rusqlite::types::Value::Null,
    });
    let values: Vec<_> = values.chain([rusqlite::types::Value::Text(previous), rusqlite::types::Value::Text(hash.clone())]).collect();
    db.prepare_cached(&format!("INSERT INTO audit ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"))?
        .execute(rusqlite::params_from_iter(values))?;
    db.prepare_cached(
        "INSERT INTO audit_head (one, seq, hash) VALUES (1, ?1, ?2) ON CONFLICT DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
    )?
    .execute(params![seq, hash])?;
    Ok(seq)
}

pub(super) fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditEntry> {
    let json = |at: usize| row.get::<_, String>(at).map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)));
    Ok(AuditEntry {
        seq: row.get(0)?,
        time: row.get(1)?,
        actor: row.get(2)?,
        connection: row.get(3)?,
        command: row.get(4)?,
        items: json(5)?,
        effect: row.get(6)?,
        state: row.get(7)?,
        refers_to: row.get(8)?,
        arguments: json(9)?,
        detail: json(10)?,
        previous: row.get(11)?,
        hash: row.get(12)?,
    })
}
