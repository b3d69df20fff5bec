//! Where each source stands: watermark, place to go on from, what is covered, and what is missing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError, moment, nanos};
use crate::core::catalogue::{Fetched, Gap, Page, Position, Window};

/// Where a source stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Everything before it was delivered or is a gap.
    pub watermark: Option<Timestamp>,
    /// Where a fetch that ended at its maximum goes on.
    pub resume: Option<Position>,
    /// What is gone for good.
    pub lasting_gaps: Vec<Gap>,
    /// What maxima cut off of windows that were asked for, in order.
    pub rests: Vec<Rest>,
    /// Stretches that are whole, in order.
    pub covered: Vec<(Timestamp, Timestamp)>,
}

/// A stretch that is still owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Start, inclusive.
    pub from: Timestamp,
    /// End, exclusive.
    pub to: Timestamp,
    /// At its very start, only events behind this key are owed.
    pub key: Option<String>,
}

/// What a source covered, for the screen.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// The source.
    pub source: String,
    /// Everything before it was delivered or is a gap.
    pub watermark: Option<Timestamp>,
    /// Stretches that are whole, in order.
    pub covered: Vec<(Timestamp, Timestamp)>,
    /// Stretches that are missing.
    pub gaps: Vec<Gap>,
}

impl Store {
    /// Where a source stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn mark(&self, connection: &str, source: &str) -> Result<Mark, StoreError> {
        let (connection, source) = (connection.to_owned(), source.to_owned());
        self.read(move |db| {
            let row = db
                .prepare_cached("SELECT watermark, resume_time, resume_key FROM mark WHERE connection = ?1 AND source = ?2")?
                .query_row([&connection, &source], |row| {
                    Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, Option<String>>(2)?))
                })
                .optional()?;
            let (watermark, time, key) = row.unwrap_or_default();
            let resume = time.zip(key).map(|(time, key)| Position { time: moment(time), key });
            let lasting_gaps = gaps(db, &connection, &source)?.into_iter().filter(|gap| gap.lasting).collect();
            let rests = owed(db, &connection, &source, i64::MIN, i64::MAX)?.into_iter();
            let rests = rests.map(|(from, to, key)| Rest { from: moment(from), to: moment(to), key }).collect();
            let covered = covered(db, &connection, &source)?;
            Ok(Mark { watermark: watermark.map(moment), resume, lasting_gaps, rests, covered })
        })
        .await
    }

    /// Begins a fetch of a source: where the first plain one ever began is known even when it dies, so that the next one, later, does not
    /// look back less far. What a fetch left behind that died is of no use to this one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin_fetch(&self, connection: &str, window: &Window, plain: bool) -> Result<(), StoreError> {
        let (connection, window) = (connection.to_owned(), window.clone());
        self.change(move |db| {
            if plain {
                anchor(db, &connection, &window.source, &window)?;
            }
            forget_page(db, &connection, &window.source)
        })
        .await
    }

    /// Ends a fetch of a source: moves the watermark, or keeps where to go on, and notes what is missing. Only a plain fetch moves
    /// the watermark, and never backwards, unless it lies ahead of the present; what the maximum cut off of any other is owed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn finish_fetch(
        &self,
        connection: &str,
        source: &str,
        window: &Window,
        fetched: &Fetched,
        plain: bool,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (connection, source, window, fetched) = (connection.to_owned(), source.to_owned(), window.clone(), fetched.clone());
        self.change(move |db| {
            let reached = if fetched.truncated && !plain { Some(owe(db, &connection, &source, &window)?) } else { None };
            if let Some(to) = fetched.complete_to.max(reached).filter(|to| *to > window.from) {
                cover(db, &connection, &source, nanos(window.from), nanos(to))?;
            }
            if plain {
                stand(db, &connection, &source, &window, &fetched)?;
            }
            // What a fetch left behind that died is of no use to the next one.
            forget_page(db, &connection, &source)?;
            fetched.gaps.iter().filter(|gap| gap.from < gap.to).try_for_each(|gap| miss(db, &connection, &source, gap, at))
        })
        .await
    }

    /// What each source of a connection covered, and what is missing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn coverage(&self, connection: &str) -> Result<Vec<Coverage>, StoreError> {
        let connection = connection.to_owned();
        self.read(move |db| {
            let mut sources: Vec<Coverage> = Vec::new();
            let mut known = db.prepare_cached(
                "SELECT source, watermark FROM mark WHERE connection = ?1
                 UNION SELECT source, NULL FROM gap WHERE connection = ?1 AND source NOT IN (SELECT source FROM mark WHERE connection = ?1) ORDER BY 1",
            )?;
            let rows = known.query_map([&connection], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?)))?;
            for row in rows {
                let (source, watermark) = row?;
                let covered = covered(db, &connection, &source)?;
                let gaps = gaps(db, &connection, &source)?;
                sources.push(Coverage { source, watermark: watermark.map(moment), covered, gaps });
            }
            Ok(sources)
        })
        .await
    }
}

fn covered(db: &Connection, connection: &str, source: &str) -> Result<Vec<(Timestamp, Timestamp)>, StoreError> {
    let mut statement = db.prepare_cached("SELECT start, end FROM coverage WHERE connection = ?1 AND source = ?2 ORDER BY start")?;
    let rows = statement.query_map([connection, source], |row| Ok((moment(row.get(0)?), moment(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The rests that reach into a stretch.
fn owed(db: &Connection, connection: &str, source: &str, from: i64, to: i64) -> Result<Vec<(i64, i64, Option<String>)>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT start, end, key FROM rest WHERE connection = ?1 AND source = ?2 AND start < ?4 AND end > ?3 ORDER BY start",
    )?;
    let rows = statement.query_map(params![connection, source, from, to], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes what the maximum cut off of a window, from the last page's position on; says up to when nothing was cut off.
fn owe(db: &Connection, connection: &str, source: &str, window: &Window) -> Result<Timestamp, StoreError> {
    let (from, to) = (nanos(window.from), nanos(window.to));
    let page = db
        .query_row(
            "SELECT page_time, page_key FROM mark WHERE connection = ?1 AND source = ?2 AND page_time IS NOT NULL",
            [connection, source],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let (start, key): (i64, Option<String>) = page.unwrap_or_else(|| (from, window.resume.as_ref().map(|resume| resume.key.clone())));
    // A vendor may list what lies outside of what it was asked for.
    let start = start.clamp(from, from.max(to - 1));
    settle(db, connection, source, from, to)?;
    keep_rest(db, connection, source, (start, to), key.as_deref())?;
    Ok(moment(start))
}

/// Takes a stretch out of the rests: what reaches beyond it is still owed.
fn settle(db: &Connection, connection: &str, source: &str, from: i64, to: i64) -> Result<(), StoreError> {
    for (start, end, key) in owed(db, connection, source, from, to)? {
        db.prepare_cached("DELETE FROM rest WHERE connection = ?1 AND source = ?2 AND start = ?3")?
            .execute(params![connection, source, start])?;
        keep_rest(db, connection, source, (start, from), key.as_deref())?;
        keep_rest(db, connection, source, (to, end), None)?;
    }
    Ok(())
}

fn keep_rest(db: &Connection, connection: &str, source: &str, (start, end): (i64, i64), key: Option<&str>) -> Result<(), StoreError> {
    if start < end {
        db.prepare_cached("INSERT OR REPLACE INTO rest (connection, source, start, end, key) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![connection, source, start, end, key])?;
    }
    Ok(())
}

fn gaps(db: &Connection, connection: &str, source: &str) -> Result<Vec<Gap>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT start, end, reason, lasting FROM gap WHERE connection = ?1 AND source = ?2 ORDER BY start")?;
    let rows = statement.query_map([connection, source], |row| {
        Ok(Gap { from: moment(row.get(0)?), to: moment(row.get(1)?), reason: row.get(2)?, lasting: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A first fetch that did not come to its end has a place to begin again all the same: what it was to bring is not let go when the next
/// one looks back from a later hour.
fn anchor(db: &Connection, connection: &str, source: &str, window: &Window) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO mark (connection, source, watermark) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET watermark = coalesce(watermark, ?3)",
        params![connection, source, nanos(window.from)],
    )?;
    Ok(())
}

/// Where a source stands after a plain fetch.
fn stand(db: &Connection, connection: &str, source: &str, window: &Window, fetched: &Fetched) -> Result<(), StoreError> {
    anchor(db, connection, source, window)?;
    if fetched.truncated {
        db.execute(
            "UPDATE mark SET resume_time = page_time, resume_key = page_key
             WHERE connection = ?1 AND source = ?2 AND page_time IS NOT NULL",
            [connection, source],
        )?;
        return Ok(());
    }
    db.execute("UPDATE mark SET resume_time = NULL, resume_key = NULL WHERE connection = ?1 AND source = ?2", [connection, source])?;
    if let Some(to) = fetched.complete_to {
        // One that lies ahead of the present was set by a clock that was wrong. Where the present is not known, none is ahead of it.
        db.execute(
            "UPDATE mark SET watermark = CASE WHEN watermark > ?4 THEN ?3 ELSE max(watermark, ?3) END WHERE connection = ?1 AND source = ?2",
            params![connection, source, nanos(to), fetched.present.map_or(i64::MAX, nanos)],
        )?;
    }
    Ok(())
}

fn forget_page(db: &Connection, connection: &str, source: &str) -> Result<(), StoreError> {
    db.execute("UPDATE mark SET page_time = NULL, page_key = NULL WHERE connection = ?1 AND source = ?2", [connection, source])?;
    Ok(())
}

/// Notes a stretch that is missing; shorter ones of the same kind within it are part of it.
fn miss(db: &Connection, connection: &str, source: &str, gap: &Gap, at: Timestamp) -> Result<(), StoreError> {
    let (from, to) = (nanos(gap.from), nanos(gap.to));
    let known: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM gap WHERE connection = ?1 AND source = ?2 AND lasting = 1 AND start <= ?3 AND end >= ?4)",
        params![connection, source, from, to],
        |row| row.get(0),
    )?;
    if known {
        return Ok(());
    }
    db.execute(
        "DELETE FROM gap WHERE connection = ?1 AND source = ?2 AND lasting <= ?5 AND start >= ?3 AND end <= ?4",
        params![connection, source, from, to, gap.lasting],
    )?;
    db.execute(
        "INSERT INTO gap (connection, source, start, end, reason, lasting, found_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET reason = excluded.reason, found_at = excluded.found_at",
        params![connection, source, from, to, gap.reason, gap.lasting, nanos(at)],
    )?;
    Ok(())
}

/// Within a page's transaction: how far the fetch has come, and the stretch that is whole now.
pub(super) fn advance(db: &Connection, connection: &str, source: &str, page: &Page) -> Result<(), StoreError> {
    if let Some(position) = &page.position {
        db.prepare_cached(
            "INSERT INTO mark (connection, source, page_time, page_key) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET page_time = excluded.page_time, page_key = excluded.page_key",
        )?
        .execute(params![connection, source, nanos(position.time), position.key])?;
    }
    if let Some((from, to)) = page.covered.filter(|(from, to)| from < to) {
        cover(db, connection, source, nanos(from), nanos(to))?;
    }
    Ok(())
}

/// Adds a stretch to what is covered, joins it with its neighbours, and takes it out of the rests and the open gaps.
fn cover(db: &Connection, connection: &str, source: &str, from: i64, to: i64) -> Result<(), StoreError> {
    settle(db, connection, source, from, to)?;
    let (start, end): (Option<i64>, Option<i64>) = db
        .prepare_cached("SELECT min(start), max(end) FROM coverage WHERE connection = ?1 AND source = ?2 AND start <= ?4 AND end >= ?3")?
        .query_row(params![connection, source, from, to], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (start, end) = (start.map_or(from, |start| start.min(from)), end.map_or(to, |end| end.max(to)));
    db.prepare_cached("DELETE FROM coverage WHERE connection = ?1 AND source = ?2 AND start <= ?4 AND end >= ?3")?
        .execute(params![connection, source, from, to])?;
    db.prepare_cached("INSERT INTO coverage (connection, source, start, end) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![connection, source, start, end])?;
    // An open gap that reaches beyond the stretch keeps what is still missing of it.
    let open: Vec<(i64, i64, String, i64)> = db
        .prepare_cached("SELECT start, end, reason, found_at FROM gap WHERE connection = ?1 AND source = ?2 AND lasting = 0 AND start < ?4 AND end > ?3")?
        .query_map(params![connection, source, from, to], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    for (gap_from, gap_to, reason, found_at) in open {
        db.prepare_cached("DELETE FROM gap WHERE connection = ?1 AND source = ?2 AND lasting = 0 AND start = ?3 AND end = ?4")?
            .execute(params![connection, source, gap_from, gap_to])?;
        for (left, right) in [(gap_from, from), (to, gap_to)].into_iter().filter(|(left, right)| left < right) {
            db.prepare_cached(
                "INSERT OR REPLACE INTO gap (connection, source, start, end, reason, lasting, found_at) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)",
            )?
            .execute(params![connection, source, left, right, reason, found_at])?;
        }
    }
    Ok(())
}
