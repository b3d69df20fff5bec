//! Content blobs: what is there when the simulation starts, and what arrives while it runs.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::world::Dice;
use super::super::{Fault, Shared};
use super::{CONTENT_TYPES, records};

/// Share of all made-up events that this vendor has, in percent.
const SHARE: usize = 30;
/// How much of that each content type has, in percent, in the order of [`CONTENT_TYPES`].
const WEIGHTS: [usize; 5] = [30, 24, 24, 18, 4];
/// Nothing new arrives in the first minutes, so that two looks in a row can be compared.
const QUIET: i64 = 180;
/// Seconds between arrivals after that.
const PERIOD: i64 = 90;
/// Days for which content can be had.
const KEPT: i64 = 7;

/// One blob.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    pub(super) id: String,
    pub(super) content_type: &'static str,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) records: Vec<Value>,
    /// A blob that turns up only after its time was listed once.
    pub(super) late: bool,
    /// The listing that first passed it over.
    pub(super) passed_over_by: Option<u64>,
}

/// All blobs, by the time they became available.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    list: Vec<Blob>,
    index: HashMap<String, usize>,
    arrived: i64,
    number: u64,
}

impl Blobs {
    /// Makes up the past week: two thirds of it in the last day.
    pub(super) fn new(shared: &Shared) -> Self {
        let mut blobs = Self::default();
        let (world, start) = (&shared.world, shared.world.start);
        let total = shared.share(SHARE);
        for (content_type, weight) in CONTENT_TYPES.into_iter().zip(WEIGHTS) {
            let mut dice = Dice::for_part(world.seed, content_type);
            let mut left = (total * weight / 100).max(3);
            let mut previous: Option<Value> = None;
            while left > 0 {
                let minutes = if dice.chance(66) { 2 + dice.below(1_430) } else { 1_440 + dice.below(8_500) };
                let created = start - seconds(minutes * 60 + dice.below(60)) - SignedDuration::from_millis(millis(&mut dice));
                // Events of one blob belong together; busy tenants have blobs of many.
                let size = if dice.chance(15) { 10 + dice.below(20) } else { 1 + dice.below(8) };
                let size = size.min(left);
                left -= size;
                let mut content: Vec<Value> = Vec::with_capacity(size);
                for _ in 0..size {
                    let at = records::happened(&mut dice, created);
                    content.push(records::record(world, &mut dice, content_type, at));
                }
                // The service does not promise to say a thing once.
                if dice.chance(6)
                    && let Some(again) = previous.take()
                {
                    content.push(again);
                }
                previous = content.first().cloned();
                let late = minutes < 90;
                blobs.push(&mut dice, content_type, created, content, late);
            }
            // One that the list still shows and that is gone all the same, at the very edge of what can be asked for.
            let created = start - SignedDuration::from_hours(KEPT * 24 - 2);
            let at = records::happened(&mut dice, created);
            let gone = vec![records::record(world, &mut dice, content_type, at)];
            blobs.push(&mut dice, content_type, created, gone, false);
            if let Some(last) = blobs.list.last_mut() {
                last.expires = start;
            }
        }
        blobs.add_takeover(shared);
        blobs.order();
        blobs
    }

    /// One account is taken over some hours before the start; whoever looks for it can follow it over three content types.
    fn add_takeover(&mut self, shared: &Shared) {
        let mut dice = Dice::for_part(shared.world.seed, "takeover");
        for step in 0.. {
            let at = shared.world.start - SignedDuration::from_mins(300) + seconds(step * 420);
            let Some((content_type, record)) = records::takeover(&shared.world, &mut dice, step, at) else { break };
            let Some(content_type) = CONTENT_TYPES.into_iter().find(|known| *known == content_type) else { break };
            self.push(&mut dice, content_type, at + SignedDuration::from_mins(11), vec![record], false);
        }
    }

    fn push(&mut self, dice: &mut Dice, content_type: &'static str, created: Timestamp, records: Vec<Value>, late: bool) {
        self.number += 1;
        let name = content_type.replace('.', "_");
        let stamp = |at: Timestamp| at.strftime("%Y%m%d%H%M%S%3f").to_string();
        let from = created - SignedDuration::from_secs(45);
        let id = format!(
            "{}{:06}${}{:06}${}${name}$na{:04}$na{:04}",
            stamp(from),
            self.number % 1_000_000,
            stamp(created),
            dice.below(1_000_000),
            name.to_lowercase(),
            dice.below(60),
            dice.below(60)
        );
        let expires = created + SignedDuration::from_hours(KEPT * 24);
        self.list.push(Blob { id, content_type, created, expires, records, late, passed_over_by: None });
    }

    fn order(&mut self) {
        self.list.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        self.index = self.list.iter().enumerate().map(|(n, blob)| (blob.id.clone(), n)).collect();
    }

    /// Lets arrive what is due.
    pub(super) fn catch_up(&mut self, shared: &Shared) {
        let elapsed = shared.clock.now().as_second() - shared.world.start.as_second();
        let due = (elapsed - QUIET).div_euclid(PERIOD) + 1;
        if due <= self.arrived {
            return;
        }
        for n in self.arrived..due {
            let mut dice = Dice::for_part(shared.world.seed, &format!("arrival {n}"));
            let content_type = CONTENT_TYPES[dice.below(CONTENT_TYPES.len())];
            let created =
                shared.world.start + SignedDuration::from_secs(QUIET + n * PERIOD) - SignedDuration::from_millis(millis(&mut dice));
            let content = (0..=dice.below(4))
                .map(|_| {
                    let at = records::happened(&mut dice, created);
                    records::record(&shared.world, &mut dice, content_type, at)
                })
                .collect();
            self.push(&mut dice, content_type, created, content, true);
        }
        self.arrived = due;
        self.order();
    }

    /// A blob by its id.
    pub(super) fn get(&self, id: &str) -> Option<&Blob> {
        self.index.get(id).and_then(|n| self.list.get(*n))
    }

    /// The blobs of a content type whose time lies in this half-open window, after a place in the order, in order.
    ///
    /// With the fault `late-records` a late blob is passed over by the first listing that should have shown it.
    pub(super) fn window(&mut self, shared: &Shared, wanted: &Wanted<'_>) -> Vec<Blob> {
        let withhold = shared.faults.has(Fault::LateRecords);
        let mut found = Vec::new();
        for blob in &mut self.list {
            let in_window = blob.content_type == wanted.content_type && wanted.from <= blob.created && blob.created < wanted.to;
            let after = wanted.after.is_none_or(|(created, id)| (blob.created, blob.id.as_str()) > (created, id));
            if !in_window || !after {
                continue;
            }
            if withhold && blob.late && *blob.passed_over_by.get_or_insert(wanted.listing) == wanted.listing {
                continue;
            }
            found.push(blob.clone());
        }
        found
    }
}

/// What a listing asks for.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) content_type: &'a str,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// Time and id of the last blob of the page before.
    pub(super) after: Option<(Timestamp, &'a str)>,
    /// Number of the listing; its pages share it.
    pub(super) listing: u64,
}

fn seconds(count: usize) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(count).unwrap_or(i64::MAX))
}

fn millis(dice: &mut Dice) -> i64 {
    i64::try_from(dice.below(1_000)).unwrap_or(0)
}
