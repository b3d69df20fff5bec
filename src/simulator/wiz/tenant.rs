//! The invented tenant: compact records, made once; what the API shows of them is rendered page by page.

use jiff::{SignedDuration, Timestamp};

use super::rules::{FRAMEWORKS, MALWARE, PROJECTS, RULES, RuleKind, WEAKNESSES};
use crate::simulator::world::{Dice, World};

/// What every record has.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Id in the API.
    pub id: String,
    /// Seed of everything about it that is made up when it is rendered.
    pub seed: u64,
    /// When it comes into being; before, the API does not know it.
    pub visible_from: Timestamp,
    /// Whether it is indexed late when that fault is on.
    pub late: bool,
    /// Whether its texts are hostile when that fault is on.
    pub hostile: bool,
}

/// A note on an issue.
#[derive(Clone, Debug)]
pub struct Note {
    /// Id in the API.
    pub id: String,
    /// When it was written.
    pub created: Timestamp,
    /// What it says.
    pub text: String,
    /// Who wrote it, as an index of the world's people; nobody for a service account.
    pub author: Option<usize>,
}

/// An issue.
#[derive(Clone, Debug)]
pub struct Issue {
    /// What every record has.
    pub facts: Facts,
    /// Whether it is of the campaign.
    pub campaign: bool,
    /// Index of its rule; nothing where the rule was deleted.
    pub rule: Option<usize>,
    /// Its type.
    pub kind: &'static str,
    /// Its severity.
    pub severity: &'static str,
    /// Its status.
    pub status: String,
    /// When it was raised.
    pub created: Timestamp,
    /// When its status last changed, where that is known.
    pub changed: Option<Timestamp>,
    /// When anything about it last changed.
    pub updated: Timestamp,
    /// When it is to be solved.
    pub due: Option<Timestamp>,
    /// When it was solved or rejected.
    pub resolved: Option<Timestamp>,
    /// Why it was solved or rejected.
    pub reason: Option<String>,
    /// The legacy note.
    pub note: Option<String>,
    /// Its notes; nothing where the API answers null.
    pub notes: Option<Vec<Note>>,
    /// Its projects, as indices; nothing where the API answers null.
    pub projects: Option<Vec<usize>>,
}

/// A cloud configuration finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What every record has.
    pub facts: Facts,
    /// Index of its rule.
    pub rule: usize,
    /// Its severity.
    pub severity: &'static str,
    /// Its status.
    pub status: &'static str,
    /// What the check came to.
    pub result: &'static str,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last analysed.
    pub analyzed: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// A vulnerability finding.
#[derive(Clone, Debug)]
pub struct Vulnerability {
    /// What every record has.
    pub facts: Facts,
    /// Index of its weakness.
    pub weakness: usize,
    /// GraphQL type of the asset that has it.
    pub asset: &'static str,
    /// Its status.
    pub status: &'static str,
    /// When it was first detected.
    pub first: Timestamp,
    /// When it was last detected.
    pub last: Timestamp,
    /// When it was solved.
    pub resolved: Option<Timestamp>,
    /// When it last changed.
    pub updated: Timestamp,
}

/// Everything that the tenant holds.
#[derive(Debug, Default)]
pub struct Tenant {
    /// Its issues.
    pub issues: Vec<Issue>,
    /// Its cloud configuration findings.
    pub findings: Vec<Finding>,
    /// Its vulnerability findings.
    pub vulnerabilities: Vec<Vulnerability>,
}

/// Assets that have weaknesses, by GraphQL type; the first is by far the most common.
const ASSETS: [&str; 8] = [
    "VulnerableAssetVirtualMachine",
    "VulnerableAssetVirtualMachine",
    "VulnerableAssetVirtualMachine",
    "VulnerableAssetVirtualMachine",
    "VulnerableAssetContainerImage",
    "VulnerableAssetContainer",
    "VulnerableAssetServerless",
    "VulnerableAssetRepositoryBranch",
];

/// What goes on arriving after the start: the first record after this many minutes, then one every so many, for two days.
const ARRIVALS: (i64, i64, i64) = (10, 6, 2 * 24 * 60);

/// The issue that is of the campaign.
const CAMPAIGN: usize = 1;

impl Tenant {
    /// Makes up a tenant with so many records, and what will arrive later.
    pub fn new(world: &World, records: usize) -> Self {
        let mut dice = Dice::for_part(world.seed, "wiz");
        let mut tenant = Self::default();
        let (issues, findings) = (records * 45 / 100, records * 25 / 100);
        let mut shared = world.start;
        for n in 0..records {
            // A scan writes many records with one time stamp.
            let time = if n > 0 && dice.chance(6) { shared } else { past(&mut dice, world.start) };
            shared = time;
            match n {
                CAMPAIGN => tenant.issues.push(issue(&mut dice, world, world.start - SignedDuration::from_mins(110), n)),
                n if n < issues.max(1) => tenant.issues.push(issue(&mut dice, world, time, n)),
                n if n < issues + findings => tenant.findings.push(finding(&mut dice, time)),
                _ => tenant.vulnerabilities.push(vulnerability(&mut dice, time)),
            }
        }
        tenant.mark_late(world.start);
        let (first, every, last) = ARRIVALS;
        for number in 0..(last - first) / every {
            let time = world.start + SignedDuration::from_micros((first + number * every) * 60_000_000 + 1_000 * (number % 7));
            match number % 3 {
                0 => tenant.issues.push(issue(&mut dice, world, time, CAMPAIGN + 1)),
                1 => tenant.vulnerabilities.push(vulnerability(&mut dice, time)),
                _ => tenant.findings.push(finding(&mut dice, time)),
            }
        }
        tenant
    }

    /// The newest hour before the start is indexed late, in part, and at least one record of each kind.
    fn mark_late(&mut self, start: Timestamp) {
        let recent = start - SignedDuration::from_hours(1);
        for issue in self.issues.iter_mut().filter(|issue| issue.changed > Some(recent)) {
            issue.facts.late = issue.facts.seed % 5 < 2;
        }
        for finding in self.findings.iter_mut().filter(|finding| finding.first_seen > recent) {
            finding.facts.late = finding.facts.seed % 5 < 2;
        }
        for vulnerability in self.vulnerabilities.iter_mut().filter(|vulnerability| vulnerability.updated > recent) {
            vulnerability.facts.late = vulnerability.facts.seed % 5 < 2;
        }
        if let Some(newest) = self.issues.iter_mut().max_by_key(|issue| issue.changed) {
            newest.facts.late = true;
        }
        if let Some(newest) = self.findings.iter_mut().max_by_key(|finding| finding.first_seen) {
            newest.facts.late = true;
        }
        if let Some(newest) = self.vulnerabilities.iter_mut().max_by_key(|vulnerability| vulnerability.updated) {
            newest.facts.late = true;
        }
    }
}

/// A moment before the start: a third of all in the last day, half in the week before that, the rest older.
fn past(dice: &mut Dice, start: Timestamp) -> Timestamp {
    const HOUR: usize = 3_600_000_000;
    let micros = match dice.below(100) {
        0..35 => dice.below(24 * HOUR),
        35..85 => 24 * HOUR + dice.below(6 * 24 * HOUR),
        _ => 7 * 24 * HOUR + dice.below(38 * 24 * HOUR),
    };
    before(start, micros)
}

fn before(time: Timestamp, micros: usize) -> Timestamp {
    let micros = i64::try_from(micros).unwrap_or(0);
    Timestamp::from_microsecond(time.as_microsecond() - micros).unwrap_or(time)
}

fn facts(dice: &mut Dice, visible_from: Timestamp) -> Facts {
    Facts { id: dice.uuid(), seed: dice.next(), visible_from, late: false, hostile: dice.chance(20) }
}

fn issue(dice: &mut Dice, world: &World, time: Timestamp, number: usize) -> Issue {
    let facts = facts(dice, time);
    // The first issue is of the rule that the source document's sample shows.
    let any = dice.below(if number == 0 { 1 } else { RULES.len() });
    let campaign = number == CAMPAIGN;
    let at = if campaign { RULES.iter().position(|rule| rule.name == MALWARE).unwrap_or(any) } else { any };
    let rule = &RULES[at];
    let threat = rule.kind == RuleKind::Event;
    let status = match dice.below(100) {
        _ if number == 0 || campaign => "OPEN",
        0..56 => "OPEN",
        56..74 => "IN_PROGRESS",
        74..90 => "RESOLVED",
        _ => "REJECTED",
    };
    // A threat is raised once; the others may have been open for weeks before something changed.
    let fresh = threat || status == "OPEN" && dice.chance(60);
    let created = if fresh { time } else { before(time, dice.below(30 * 24 * 3_600_000_000)) };
    let closed = matches!(status, "RESOLVED" | "REJECTED");
    let reason = closed.then(|| {
        let reasons: &[&str] = match (status, threat) {
            ("REJECTED", _) => &["FALSE_POSITIVE", "EXCEPTION", "WONT_FIX"],
            (_, true) => &["MALICIOUS_THREAT", "NOT_MALICIOUS_THREAT", "SECURITY_TEST_THREAT", "PLANNED_ACTION_THREAT"],
            _ => &["ISSUE_FIXED", "OBJECT_DELETED", "CONTROL_CHANGED"],
        };
        (*dice.pick(reasons)).to_owned()
    });
    let notes = match dice.below(100) {
        _ if number == 0 => Some(Vec::new()),
        0..25 => None,
        25..75 => Some(Vec::new()),
        _ => Some((0..=dice.below(2)).map(|_| note(dice, world, time)).collect()),
    };
    let projects = match dice.below(100) {
        _ if number == 0 => None,
        0..20 => None,
        _ => Some((0..=dice.below(2)).map(|_| dice.below(PROJECTS.len())).collect()),
    };
    Issue {
        campaign,
        rule: (number == 0 || !dice.chance(3) || campaign).then_some(at),
        kind: if rule.kind == RuleKind::Control && dice.chance(6) { "ATTACK_SURFACE" } else { rule.kind.issue_type() },
        severity: rule.severity,
        status: status.into(),
        created,
        // Old records never had their status changed.
        changed: (!fresh || number == 0 || !dice.chance(2)).then_some(time),
        updated: time,
        due: dice.chance(15).then(|| time + SignedDuration::from_hours(24 * 7)),
        resolved: closed.then_some(time),
        reason,
        note: (status == "REJECTED").then(|| "Accepted until the migration.".to_owned()),
        notes,
        projects,
        facts,
    }
}

fn note(dice: &mut Dice, world: &World, time: Timestamp) -> Note {
    const TEXTS: [&str; 5] = [
        "Asked the owner; waiting for an answer.",
        "Same as last week, see the ticket.",
        "Key revoked, workload restarted.",
        "Seen on two more machines.",
        "Handed over to the night shift.",
    ];
    Note {
        id: dice.uuid(),
        created: before(time, dice.below(3_600_000_000)),
        text: (*dice.pick(&TEXTS)).into(),
        author: dice.chance(80).then(|| dice.below(world.people.len())),
    }
}

fn finding(dice: &mut Dice, time: Timestamp) -> Finding {
    let facts = facts(dice, time);
    let first = RULES.iter().position(|rule| rule.kind == RuleKind::Configuration).unwrap_or(0);
    let rule = first + dice.below(RULES.len() - first);
    let status = ["OPEN", "OPEN", "OPEN", "RESOLVED", "REJECTED"][dice.below(5)];
    Finding {
        rule,
        severity: RULES[rule].severity,
        status,
        result: if status == "RESOLVED" { "PASS" } else { ["FAIL", "FAIL", "FAIL", "ERROR", "NOT_ASSESSED"][dice.below(5)] },
        first_seen: time,
        analyzed: time,
        updated: time,
        facts,
    }
}

fn vulnerability(dice: &mut Dice, time: Timestamp) -> Vulnerability {
    let facts = facts(dice, time);
    let status = ["OPEN", "OPEN", "OPEN", "RESOLVED", "REJECTED"][dice.below(5)];
    Vulnerability {
        weakness: dice.below(WEAKNESSES.len()),
        asset: ASSETS[dice.below(ASSETS.len())],
        status,
        first: before(time, dice.below(20 * 24 * 3_600_000_000)),
        last: time,
        resolved: (status == "RESOLVED").then_some(time),
        updated: time,
        facts,
    }
}

/// The framework entry of a rule.
pub fn framework(rule: usize) -> (&'static str, &'static str, &'static str) {
    FRAMEWORKS[rule % FRAMEWORKS.len()]
}
