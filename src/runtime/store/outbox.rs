//! The outbox's letters. Each step is one transaction, so that of two processes one gets a letter.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::audit::{Intent, record};
use super::read::json;
use super::{Store, StoreError, moment, nanos};
use crate::core::catalogue::Effect;
use crate::core::outbox::{Difference, Letter, LetterId, Standing};

const COLUMNS: &str = "id, made_at, changed_at, actor, connection, command, title, arguments, events, call, seen, destructive, standing,
    detail, differences";

impl Store {
    /// Puts a letter in, on the disk when this returns; gives its number. The record keeps who did.
    ///
    /// # Errors
    /// When the store fails; nothing is kept then.
    pub async fn put_letter(&self, letter: Letter) -> Result<LetterId, StoreError> {
        self.change(move |db| {
            db.prepare_cached(
                "INSERT INTO outbox (made_at, changed_at, actor, connection, command, title, arguments, events, call, seen, destructive,
                 standing, detail, differences) VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, '[]')",
            )?
            .execute(params![
                nanos(letter.made_at),
                letter.actor,
                letter.connection,
                letter.command,
                letter.title,
                text(&letter.arguments)?,
                text(&letter.events)?,
                text(&letter.call)?,
                text(&letter.seen)?,
                letter.destructive,
                Standing::Waiting.as_str(),
                letter.detail,
            ])?;
            let id = db.last_insert_rowid();
            note(db, &Letter { id, ..letter.clone() }, &letter.actor, "outbox put", letter.made_at)?;
            Ok(id)
        })
        .await
    }

    /// The letters, the newest first; without those that are over, unless all are wanted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn letters(&self, all: bool) -> Result<Vec<Letter>, StoreError> {
        self.read(move |db| {
            let over = if all { "" } else { "WHERE standing NOT IN ('sent', 'cancelled')" };
            let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox {over} ORDER BY id DESC LIMIT 1000"))?;
            Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// A letter.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn letter(&self, id: LetterId) -> Result<Option<Letter>, StoreError> {
        self.read(move |db| one(db, id)).await
    }

    /// Claims a letter for sending; false where it is not there to be sent any more. After this it is sent by the claimer or not at all.
    ///
    /// # Errors
    /// When the store fails; nothing may be sent then.
    pub async fn claim_letter(&self, id: LetterId, at: Timestamp) -> Result<bool, StoreError> {
        self.change(move |db| {
            let sql = "UPDATE outbox SET standing = 'sending', changed_at = ?2, differences = '[]' WHERE id = ?1 AND standing IN ('waiting', 'held')";
            Ok(db.prepare_cached(sql)?.execute(params![id, nanos(at)])? == 1)
        })
        .await
    }

    /// Says where a letter stands, if it stands where it is thought to; whether it did.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn settle_letter(
        &self,
        id: LetterId,
        from: &'static [Standing],
        to: Standing,
        detail: &str,
        differences: Vec<Difference>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let detail = detail.to_owned();
        self.change(move |db| settle(db, id, from, to, &detail, &differences, at)).await
    }

    /// Takes a letter back; false where it cannot be any more. The record keeps who did.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cancel_letter(&self, id: LetterId, actor: &str, at: Timestamp) -> Result<bool, StoreError> {
        let actor = actor.to_owned();
        self.change(move |db| {
            let detail = format!("Taken back by {actor}.");
            let done = settle(db, id, &[Standing::Waiting, Standing::Held], Standing::Cancelled, &detail, &[], at)?;
            if let (true, Some(letter)) = (done, one(db, id)?) {
                note(db, &letter, &actor, "outbox cancel", at)?;
            }
            Ok(done)
        })
        .await
    }
}

fn settle(
    db: &Connection,
    id: LetterId,
    from: &[Standing],
    to: Standing,
    detail: &str,
    differences: &[Difference],
    at: Timestamp,
) -> Result<bool, StoreError> {
    let from: Vec<String> = from.iter().map(|standing| format!("'{}'", standing.as_str())).collect();
    let sql = format!(
        "UPDATE outbox SET standing = ?2, detail = ?3, differences = ?4, changed_at = ?5 WHERE id = ?1 AND standing IN ({})",
        from.join(", ")
    );
    Ok(db.prepare_cached(&sql)?.execute(params![id, to.as_str(), detail, text(&differences)?, nanos(at)])? == 1)
}

/// Puts what was done with a letter into the record, in the transaction that does it.
fn note(db: &Connection, letter: &Letter, actor: &str, what: &str, at: Timestamp) -> Result<(), StoreError> {
    let arguments = json!({"letter": letter.id, "command": letter.command, "arguments": letter.arguments});
    let intent = Intent {
        actor: actor.into(),
        connection: letter.connection.clone(),
        command: what.into(),
        arguments: arguments.as_object().cloned().unwrap_or_default(),
        items: letter.events.iter().map(|id| format!("event {id}")).collect(),
        effect: Effect::Write,
    };
    record(db, &intent, "Successful", &json!({"detail": letter.detail}), at)?;
    Ok(())
}

fn one(db: &Connection, id: LetterId) -> Result<Option<Letter>, StoreError> {
    Ok(db.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1"))?.query_row([id], read).optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Letter> {
    Ok(Letter {
        id: row.get(0)?,
        made_at: moment(row.get(1)?),
        changed_at: moment(row.get(2)?),
        actor: row.get(3)?,
        connection: row.get(4)?,
        command: row.get(5)?,
        title: row.get(6)?,
        arguments: json::<Map<String, Value>>(row, 7)?,
        events: json(row, 8)?,
        call: json(row, 9)?,
        seen: json(row, 10)?,
        destructive: row.get(11)?,
        // A standing that is not known is of a newer nightdesk: nothing is sent on its account.
        standing: Standing::parse(&row.get::<_, String>(12)?).unwrap_or(Standing::Unknown),
        detail: row.get(13)?,
        differences: json(row, 14)?,
    })
}

fn text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Damaged(error.to_string()))
}
