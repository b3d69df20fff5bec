//! What events told of files under several digests, kept and asked for.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::StoreError;
use crate::core::same_file::{Digest, SameFile, Told, files, resolve};

/// Events that are asked which vendor told of two digests.
const WITNESSES: usize = 1_000;

/// Every pair of digests that a record tells to be of one file, both ways: one, the algorithm of the other, the other.
pub(super) fn pairs(record: &Value) -> Vec<(String, &'static str, String)> {
    let both = |file: &Vec<String>| {
        let ways = file.iter().flat_map(|one| file.iter().map(move |other| (one.clone(), other.clone())));
        ways.filter(|(one, other)| one != other)
            .filter_map(|(one, other)| Some((one, Digest::of(&other)?.as_str(), other)))
            .collect::<Vec<_>>()
    };
    files(record).iter().flat_map(both).collect()
}

/// Keeps what an event tells now in the place of what it told before.
pub(super) fn learn(db: &Connection, event: i64, record: &Value) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM same_file WHERE event = ?1")?.execute([event])?;
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO same_file (hash, digest, other, event) VALUES (?1, ?2, ?3, ?4)")?;
    pairs(record).into_iter().try_for_each(|(one, digest, other)| insert.execute(params![one, digest, other, event]).map(|_| ()))?;
    Ok(())
}

/// The file that a digest (in lower case) names.
pub(super) fn same_file(db: &Connection, hash: &str) -> rusqlite::Result<SameFile> {
    let mut same = resolve(hash, |hash, digest| told(db, hash, digest))?;
    let mut before = hash.to_owned();
    for other in &mut same.others {
        // A digest may have been told beside the one before it only.
        other.told_by = witnesses(db, hash, &other.value)?;
        if other.told_by.is_empty() {
            other.told_by = witnesses(db, &before, &other.value)?;
        }
        before.clone_from(&other.value);
    }
    Ok(same)
}

fn told(db: &Connection, hash: &str, digest: Digest) -> rusqlite::Result<Told> {
    let end = |order: &str| {
        db.prepare_cached(&format!(
            "SELECT other FROM same_file WHERE hash = ?1 AND digest = ?2 ORDER BY hash {order}, digest {order}, other {order}, event {order} LIMIT 1"
        ))?
        .query_row(params![hash, digest.as_str()], |row| row.get::<_, String>(0))
        .optional()
    };
    Ok(match (end("ASC")?, end("DESC")?) {
        (Some(first), Some(last)) if first == last => Told::One(first),
        (None, _) | (_, None) => Told::Nothing,
        _ => Told::Several,
    })
}

fn witnesses(db: &Connection, one: &str, other: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT DISTINCT vendor FROM event WHERE id IN (SELECT event FROM same_file WHERE hash = ?1 AND digest = ?2 AND other = ?3 LIMIT {WITNESSES})
         ORDER BY 1"
    ))?;
    let digest = Digest::of(other).map_or("", Digest::as_str);
    statement.query_map(params![one, digest, other], |row| row.get(0))?.collect()
}
