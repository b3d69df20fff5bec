//! The record: every command run and every decision taken, chained by hashes so that a change to it shows.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Store, StoreError, limit_of};
use crate::core::catalogue::Effect;
use crate::runtime::http::token::hex;

/// State of an entry that says what is about to be done; the entry that refers to it says what came of it.
pub(super) const INTENT: &str = "intent";
/// What stands for the hash before the first entry.
const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is about to be done.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Who does it.
    pub actor: String,
    /// Connection that it goes to; empty for a decision that stays here.
    pub connection: String,
    /// Name of the command.
    pub command: String,
    /// Its arguments, secrets masked.
    pub arguments: Map<String, Value>,
    /// The ids that it concerns.
    pub items: Vec<String>,
    /// What it may change.
    pub effect: Effect,
}

/// One entry of the record.
#[derive(Clone, Debug, Serialize)]
pub struct AuditEntry {
    /// Its number, from 1 without a break.
    pub seq: i64,
    /// When it was written.
    pub time: Timestamp,
    /// Who did it.
    pub actor: String,
    /// Connection that it went to; none for a decision that stays here.
    pub connection: Option<String>,
    /// Name of the command.
    pub command: String,
    /// The ids that it concerns.
    pub items: Vec<String>,
    /// What it may change: read, write or destructive.
    pub effect: String,
    /// `intent`, or the state that it ended in.
    pub state: String,
    /// Hash over this entry and the one before.
    pub hash: String,
    /// Hash of the entry before.
    pub previous: String,
    /// The intent whose end this is.
    pub refers_to: Option<i64>,
    /// The arguments, secrets masked.
    pub arguments: Value,
    /// What came of it.
    pub detail: Value,
}

/// Whether the chain is whole.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Whether it is.
    pub ok: bool,
    /// How many entries there are.
    pub entries: usize,
    /// Hash of the last entry; written down elsewhere, it proves later that nothing up to it was replaced.
    pub head: Option<String>,
    /// The first bad entry and what is wrong with it.
    pub first_bad: Option<(i64, String)>,
}

/// An entry as the table keeps it.
#[derive(Clone, Debug, Default)]
struct Stored {
    seq: i64,
    time: String,
    actor: String,
    connection: Option<String>,
    command: String,
    items: String,
    effect: String,
    state: String,
    refers_to: Option<i64>,
    arguments: String,
    detail: String,
    previous: String,
    hash: String,
}

const COLUMNS: &str = "seq, time, actor, connection, command, items, effect, state, refers_to, arguments, detail, previous, hash";

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            time: row.get(1)?,
            actor: row.get(2)?,
            connection: row.get(3)?,
            command: row.get(4)?,
            items: row.get(5)?,
            effect: row.get(6)?,
            state: row.get(7)?,
            refers_to: row.get(8)?,
            arguments: row.get(9)?,
            detail: row.get(10)?,
            previous: row.get(11)?,
            hash: row.get(12)?,
        })
    }

    /// The hash over every column but itself. Each part is led by its length, so that no two entries read alike.
    fn digest(&self) -> String {
        let (seq, refers_to) = (self.seq.to_string(), self.refers_to.map(|seq| seq.to_string()));
        let parts: [Option<&str>; 12] = [
            Some(&seq),
            Some(&self.time),
            Some(&self.actor),
            self.connection.as_deref(),
            Some(&self.command),
            Some(&self.items),
            Some(&self.effect),
            Some(&self.state),
            refers_to.as_deref(),
            Some(&self.arguments),
            Some(&self.detail),
            Some(&self.previous),
        ];
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
            hasher.update(part.unwrap_or_default());
        }
        hex(&hasher.finalize())
    }

    fn entry(self) -> AuditEntry {
        // A damaged entry is still shown, as far as it goes; `audit verify` says that it is.
        let json = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
        AuditEntry {
            seq: self.seq,
            time: self.time.parse().unwrap_or_default(),
            items: serde_json::from_str(&self.items).unwrap_or_else(|_| vec![self.items.clone()]),
            arguments: json(&self.arguments),
            detail: json(&self.detail),
            actor: self.actor,
            connection: self.connection,
            command: self.command,
            effect: self.effect,
            state: self.state,
            hash: self.hash,
            previous: self.previous,
            refers_to: self.refers_to,
        }
    }
}

impl Store {
    /// Records what is about to be done, on the disk when this returns; gives the entry's number.
    ///
    /// # Errors
    /// When it could not be recorded; it must not be done then.
    pub async fn begin_intent(&self, intent: Intent) -> Result<i64, StoreError> {
        self.change(move |db| append(db, stored(&intent, INTENT, &Value::Null), Timestamp::now())).await
    }

    /// Records what came of an intent, as an entry of its own that refers to it.
    ///
    /// # Errors
    /// When the store fails, or there is no such intent.
    pub async fn end_intent(&self, seq: i64, state: &str, detail: Value) -> Result<(), StoreError> {
        let state = state.to_owned();
        self.change(move |db| {
            let sql = format!("SELECT {COLUMNS} FROM audit WHERE seq = ?1");
            let intent = db.prepare_cached(&sql)?.query_row([seq], Stored::read).optional()?;
            let intent = intent.ok_or_else(|| StoreError::Damaged(format!("the record has no entry {seq}")))?;
            append(db, Stored { state, refers_to: Some(seq), detail: detail.to_string(), ..intent }, Timestamp::now())?;
            Ok(())
        })
        .await
    }

    /// Records something that is over and needed no intent, such as a read, as one entry.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record(&self, intent: Intent, state: &str, detail: Value) -> Result<i64, StoreError> {
        let state = state.to_owned();
        self.change(move |db| record(db, &intent, &state, &detail, Timestamp::now())).await
    }

    /// The record, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit_list(&self, limit: Option<usize>, offset: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(move |db| {
            let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM audit ORDER BY seq DESC LIMIT ?1 OFFSET ?2"))?;
            let rows = statement.query_map(params![limit_of(limit), limit_of(Some(offset))], Stored::read)?;
            Ok(rows.map(|row| row.map(Stored::entry)).collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Checks the whole chain.
    ///
    /// # Errors
    /// When the store cannot be read; a broken chain is a verdict, not an error.
    pub async fn audit_verify(&self) -> Result<Verdict, StoreError> {
        self.search(|db| verify(&*db.transaction()?)).await
    }
}

/// The entries about a case and its events, in order: of each run its end, or its intent where that never ended.
pub(super) fn about_case(db: &Connection, case: i64, name: &str) -> Result<Vec<AuditEntry>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM audit AS this WHERE NOT EXISTS (SELECT 1 FROM audit AS later WHERE later.refers_to = this.seq)
         AND EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(this.items) THEN this.items ELSE '[]' END) AS item WHERE item.value = ?2
         OR item.value IN (SELECT 'event ' || event FROM case_event WHERE \"case\" = ?1)) ORDER BY this.seq"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(params![case, format!("case {name}")], Stored::read)?;
    Ok(rows.map(|row| row.map(Stored::entry)).collect::<Result<_, _>>()?)
}

/// An entry without number, time, place in the chain.
fn stored(intent: &Intent, state: &str, detail: &Value) -> Stored {
    Stored {
        actor: intent.actor.clone(),
        connection: Some(intent.connection.clone()).filter(|name| !name.is_empty()),
        command: intent.command.clone(),
        items: json!(intent.items).to_string(),
        effect: json!(intent.effect).as_str().unwrap_or_default().to_owned(),
        state: state.to_owned(),
        arguments: Value::from(intent.arguments.clone()).to_string(),
        detail: detail.to_string(),
        ..Stored::default()
    }
}

/// Within a transaction that holds the write lock: records something that is done in that same transaction.
pub(super) fn record(db: &Connection, intent: &Intent, state: &str, detail: &Value, at: Timestamp) -> Result<i64, StoreError> {
    append(db, stored(intent, state, detail), at)
}

fn append(db: &Connection, mut entry: Stored, at: Timestamp) -> Result<i64, StoreError> {
    let head: Option<(i64, String)> =
        db.prepare_cached("SELECT seq, hash FROM audit_head")?.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    // The head, not the last entry: an entry that was cut off stays missing.
    let (last, previous) = head.unwrap_or((0, FIRST.into()));
    let most: i64 = db.prepare_cached("SELECT coalesce(max(seq), 0) FROM audit")?.query_row([], |row| row.get(0))?;
    entry.seq = last.max(most) + 1;
    entry.time = at.to_string();
    entry.previous = previous;
    entry.hash = entry.digest();
    db.prepare_cached(&format!("INSERT INTO audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"))?.execute(
        params![
            entry.seq,
            entry.time,
            entry.actor,
            entry.connection,
            entry.command,
            entry.items,
            entry.effect,
            entry.state,
            entry.refers_to,
            entry.arguments,
            entry.detail,
            entry.previous,
            entry.hash,
        ],
    )?;
    db.prepare_cached(
        "INSERT INTO audit_head (one, seq, hash) VALUES (1, ?1, ?2) ON CONFLICT DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
    )?
    .execute(params![entry.seq, entry.hash])?;
    Ok(entry.seq)
}

fn verify(db: &Connection) -> Result<Verdict, StoreError> {
    let mut verdict = Verdict { ok: true, entries: 0, head: None, first_bad: None };
    let mut bad = |seq: i64, what: String| {
        verdict.first_bad.get_or_insert((seq, what));
    };
    let (mut last, mut previous) = (0, FIRST.to_owned());
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        verdict.entries += 1;
        let entry = match Stored::read(row) {
            Ok(entry) => entry,
            Err(error) => {
                bad(row.get(0)?, format!("entry {} cannot be read: {error}", last + 1));
                last = row.get(0)?;
                continue;
            }
        };
        if entry.seq != last + 1 {
            bad(last + 1, format!("entry {} is missing", last + 1));
        } else if entry.previous != previous {
            bad(entry.seq, format!("entry {} does not follow the entry before it", entry.seq));
        }
        if entry.hash != entry.digest() {
            bad(entry.seq, format!("entry {} was changed", entry.seq));
        }
        (last, previous) = (entry.seq, entry.hash);
    }
    let head: Option<(i64, String)> =
        db.query_row("SELECT seq, hash FROM audit_head", [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match head {
        Some((seq, _)) if seq > last => bad(last + 1, format!("entries {} to {seq} are missing from the end", last + 1)),
        Some((seq, hash)) if seq != last || hash != previous => bad(last, format!("entry {last} is not the one that was written last")),
        None if last > 0 => bad(last, "the note of the last entry is gone".into()),
        _ => {}
    }
    verdict.ok = verdict.first_bad.is_none();
    verdict.head = (verdict.entries > 0).then_some(previous);
    Ok(verdict)
}
