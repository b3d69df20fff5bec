//! What all vendors said about an entity, however each spells it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::read::json;
use super::rows::{order_by, rows, size};
use super::same_file::same_file;
use super::{Store, StoreError, moment};
use crate::core::entity::{Entity, EntityKind, lookups};
use crate::core::listing::{Listed, Order};
use crate::core::same_file::SameFile;

/// The most rows of a pivot.
const MOST: usize = 500;

/// How much of a vendor mentions an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The vendor.
    pub vendor: String,
    /// How many of its events.
    pub count: usize,
    /// When the first happened.
    pub first: Timestamp,
    /// When the last happened.
    pub last: Timestamp,
}

/// How a vendor spells an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelt {
    /// The vendor.
    pub vendor: String,
    /// Its spelling.
    pub value: String,
    /// How many of the newest events have it.
    pub count: usize,
}

/// How much every vendor mentions an entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentioned {
    /// By vendor.
    pub shares: Vec<Share>,
    /// For a hash: what else names that file.
    pub same_file: SameFile,
}

/// Every event that mentions an entity, over all vendors.
#[derive(Clone, Debug, Default)]
pub struct Pivot {
    /// How many, by vendor.
    pub per_vendor: Vec<Share>,
    /// For a hash: what else names that file.
    pub same_file: SameFile,
    /// How each vendor spells it in the newest of them.
    pub spelt: Vec<Spelt>,
    /// The newest of them.
    pub rows: Vec<Listed>,
}

/// An entity as the index has it: every kind and value under which it is found.
pub(super) struct Wanted {
    lookups: Vec<(EntityKind, String)>,
    same_file: SameFile,
}

impl Wanted {
    pub(super) fn new(db: &Connection, kind: EntityKind, value: &str) -> rusqlite::Result<Self> {
        let mut lookups = lookups(kind, value);
        let same_file = match lookups.first() {
            Some((EntityKind::Hash, hash)) => same_file(db, hash)?,
            _ => SameFile::default(),
        };
        lookups.extend(same_file.others.iter().map(|other| (EntityKind::Hash, other.value.clone())));
        Ok(Self { lookups, same_file })
    }

    /// The ids of the events that mention it, as SQL with its values.
    pub(super) fn sql(&self) -> (String, Vec<Value>) {
        let sql = vec!["SELECT event FROM entity WHERE kind = ? AND normal = ?"; self.lookups.len()].join(" UNION ");
        let values = self.lookups.iter().flat_map(|(kind, normal)| [Value::from(kind.as_str().to_owned()), Value::from(normal.clone())]);
        (sql, values.collect())
    }

    fn is(&self, entity: &Entity) -> bool {
        lookups(entity.kind, &entity.value).iter().any(|one| self.lookups.contains(one))
    }
}

impl Store {
    /// Every event of every vendor that mentions an entity, however each spells it; of a hash also those that name the same file by
    /// another digest.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pivot(&self, kind: EntityKind, value: &str) -> Result<Pivot, StoreError> {
        let value = value.to_owned();
        self.search(move |db| {
            let wanted = Wanted::new(db, kind, &value)?;
            let (within, values) = wanted.sql();
            let per_vendor = shares(db, &within, &values)?;
            let order = order_by(Order::default());
            let newest = format!("WHERE event.id IN ({within}) ORDER BY {order} LIMIT {MOST}");
            let spelt = spelt(db, &newest, &values, &wanted)?;
            let rows = rows(db, &newest, values)?;
            Ok(Pivot { per_vendor, same_file: wanted.same_file, spelt, rows })
        })
        .await
    }

    /// How much every vendor mentions each of these entities, in their order.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn mentioned(&self, entities: &[Entity]) -> Result<Vec<Mentioned>, StoreError> {
        let entities = entities.to_vec();
        self.search(move |db| {
            let mentioned = |entity: &Entity| {
                let wanted = Wanted::new(db, entity.kind, &entity.value)?;
                let (within, values) = wanted.sql();
                Ok(Mentioned { shares: shares(db, &within, &values)?, same_file: wanted.same_file })
            };
            entities.iter().map(mentioned).collect()
        })
        .await
    }
}

fn shares(db: &Connection, within: &str, values: &[Value]) -> Result<Vec<Share>, StoreError> {
    let sql = format!(
        "SELECT vendor, count(*), min(occurred_at), max(occurred_at) FROM event WHERE id IN ({within}) GROUP BY vendor ORDER BY 2 DESC, 1"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let shares = statement.query_map(params_from_iter(values), |row| {
        Ok(Share { vendor: row.get(0)?, count: size(row, 1)?, first: moment(row.get(2)?), last: moment(row.get(3)?) })
    })?;
    Ok(shares.collect::<Result<_, _>>()?)
}

/// The spellings in these events, by vendor, the frequent ones first.
fn spelt(db: &Connection, newest: &str, values: &[Value], wanted: &Wanted) -> Result<Vec<Spelt>, StoreError> {
    let mut statement = db.prepare(&format!("SELECT event.vendor, event.entities FROM event {newest}"))?;
    let events = statement.query_map(params_from_iter(values), |row| Ok((row.get::<_, String>(0)?, json::<Vec<Entity>>(row, 1)?)))?;
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for event in events {
        let (vendor, entities) = event?;
        let spellings: std::collections::BTreeSet<String> =
            entities.into_iter().filter(|entity| wanted.is(entity)).map(|entity| entity.value).collect();
        for value in spellings {
            *counts.entry((vendor.clone(), value)).or_default() += 1;
        }
    }
    let mut spelt: Vec<Spelt> = counts.into_iter().map(|((vendor, value), count)| Spelt { vendor, value, count }).collect();
    spelt.sort_by(|a, b| a.vendor.cmp(&b.vendor).then(b.count.cmp(&a.count)));
    Ok(spelt)
}
