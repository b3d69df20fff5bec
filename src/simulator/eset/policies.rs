//! Policies and what they are assigned to, in order of rank (vendors/eset-connect.md §10.2, §10.3, §10.11, §10.12).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::devices::{self, Fleet};
use super::{Answered, Ask, State, lock};
use crate::simulator::Fault;
use crate::simulator::world::{Dice, World};

/// Name, description, whether it is ESET's own.
const POLICIES: [(&str, &str, bool); 14] = [
    ("Antivirus - Balanced", "Recommended for most setups; scans on access and cleans automatically.", true),
    ("Antivirus - Maximum security", "Machine learning, deep behavioural inspection and SSL filtering.", true),
    ("Firewall - Block all traffic except ESET", "Blocks everything but the way to the console.", true),
    ("Device control - All devices read-only", "Removable media may be read, never written.", true),
    ("Visibility - Invisible mode", "Shows nothing to the user.", true),
    ("Logging - Full diagnostic logging", "Everything from diagnostic upwards.", true),
    ("LiveGuard - Protection enabled", "Suspicious files wait for the verdict.", true),
    ("Workstations baseline", "What every workstation has.", false),
    ("Servers baseline", "What every server has; no restart by day.", false),
    ("Finance hardening", "No macros, no scripts from temporary folders.", false),
    ("Engineering exclusions", "Build folders are left out of on-access scans.", false),
    ("Update ring 1", "Module updates at once.", false),
    ("Update ring 2", "Module updates twelve hours later.", false),
    ("Incident lock-down", "Strictest rules, for machines under investigation.", false),
];

struct Policy {
    uuid: String,
    name: &'static str,
    about: &'static str,
    own: bool,
}

/// What a policy is assigned to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Device(String),
    Group(String),
}

impl Target {
    fn json(&self) -> Value {
        match self {
            Self::Device(uuid) => json!({"deviceUuid": uuid}),
            Self::Group(uuid) => json!({"deviceGroupUuid": uuid}),
        }
    }
}

struct Assignment {
    uuid: String,
    policy: String,
    target: Target,
    rank: usize,
}

impl Assignment {
    fn json(&self) -> Value {
        json!({"uuid": self.uuid, "policyUuid": self.policy, "rank": self.rank, "target": self.target.json()})
    }
}

/// Policies and assignments.
pub struct Policies {
    known: Vec<Policy>,
    assignments: Vec<Assignment>,
    dice: Dice,
}

impl Policies {
    /// Makes up what was assigned before.
    pub fn new(world: &World, fleet: &Fleet) -> Self {
        let mut dice = Dice::for_part(world.seed, "eset-policies");
        let policies: Vec<Policy> =
            POLICIES.iter().map(|(name, about, own)| Policy { uuid: dice.uuid(), name, about, own: *own }).collect();
        let mut all = Self { known: policies, assignments: Vec::new(), dice };
        let uuid = |at: usize| all.known.get(at).map(|policy| policy.uuid.clone()).unwrap_or_default();
        let group = |at: usize| fleet.groups.get(at).map(|group| Target::Group(group.uuid.clone()));
        let mut wanted: Vec<(String, Target)> = Vec::new();
        for (policy, at) in [(0, 0), (5, 0), (7, 2), (9, 4), (8, 11), (3, 11), (11, 2)] {
            wanted.extend(group(at).map(|target| (uuid(policy), target)));
        }
        for (at, machine) in world.machines.iter().enumerate().filter(|(at, _)| at % 11 == 3) {
            wanted.push((uuid(10 + at % 3), Target::Device(machine.id.clone())));
        }
        for (policy, target) in wanted {
            all.assign(policy, target);
        }
        all
    }

    /// Assigns a policy at the end of its target's order.
    fn assign(&mut self, policy: String, target: Target) -> Value {
        let rank = self.assignments.iter().filter(|assignment| assignment.target == target).count() + 1;
        let assignment = Assignment { uuid: self.dice.uuid(), policy, target, rank };
        let json = assignment.json();
        self.assignments.push(assignment);
        json
    }

    /// Takes an assignment away; those behind it move up.
    fn remove(&mut self, uuid: &str) -> Result<(), StatusCode> {
        let at = self.assignments.iter().position(|assignment| assignment.uuid == uuid).ok_or(StatusCode::NOT_FOUND)?;
        let removed = self.assignments.remove(at);
        for assignment in &mut self.assignments {
            if assignment.target == removed.target && assignment.rank > removed.rank {
                assignment.rank -= 1;
            }
        }
        Ok(())
    }
}

/// Answers a request to the policy service.
pub fn route(state: &State, ask: &Ask<'_>) -> Answered {
    let mut policies = lock(&state.policies);
    let repeat = state.shared.faults.has(Fault::DuplicateRecords);
    match (ask.method, ask.path.as_slice(), ask.verb) {
        ("GET", ["v2", "policies"], "") => {
            ask.query.only(&["pageSize", "pageToken"])?;
            let page = ask.query.page("policies", &policies.known, repeat, |policy| {
                json!({
                    "uuid": policy.uuid, "displayName": policy.name, "description": policy.about, "builtIn": policy.own,
                    "features": [{"featureId": 7, "configuration": {"@type": "type.googleapis.com/eset.Configuration", "value": "AAECAwQFBgc="}, "flags": {}}],
                })
            })?;
            Ok(page.into())
        }
        ("GET", ["v2", "policy-assignments"], "") => {
            ask.query.only(&["pageSize", "pageToken", "policyUuid", "target.deviceUuid", "target.deviceGroupUuid"])?;
            let (policy, device, group) =
                (ask.query.one("policyUuid")?, ask.query.one("target.deviceUuid")?, ask.query.one("target.deviceGroupUuid")?);
            let target = match (device, group) {
                (Some(_), Some(_)) => return Err(StatusCode::BAD_REQUEST),
                (Some(uuid), None) => Some(Target::Device(uuid.into())),
                (None, Some(uuid)) => Some(Target::Group(uuid.into())),
                (None, None) => None,
            };
            let mut found: Vec<&Assignment> = policies
                .assignments
                .iter()
                .filter(|one| {
                    policy.is_none_or(|policy| one.policy == policy) && target.as_ref().is_none_or(|target| one.target == *target)
                })
                .collect();
            found.sort_by_key(|one| one.rank);
            Ok(ask.query.page("assignments", &found, repeat, |one| one.json())?.into())
        }
        ("POST", ["v2", "policy-assignments"], "") => {
            ask.query.only(&[])?;
            let assignment = ask.body.get("assignment").and_then(Value::as_object).ok_or(StatusCode::BAD_REQUEST)?;
            let policy = assignment.get("policyUuid").and_then(Value::as_str).ok_or(StatusCode::BAD_REQUEST)?;
            let target =
                assignment.get("target").and_then(Value::as_object).filter(|target| target.len() == 1).ok_or(StatusCode::BAD_REQUEST)?;
            let uuid = |name: &str| target.get(name).and_then(Value::as_str);
            let target = match (uuid("deviceUuid"), uuid("deviceGroupUuid")) {
                (Some(uuid), _) if devices::find(&state.shared.world, uuid).is_some() => Target::Device(uuid.into()),
                (_, Some(uuid)) if state.fleet.group(uuid).is_some() => Target::Group(uuid.into()),
                (None, None) => return Err(StatusCode::BAD_REQUEST),
                _ => return Err(StatusCode::NOT_FOUND),
            };
            if !policies.known.iter().any(|known| known.uuid == policy) {
                return Err(StatusCode::NOT_FOUND);
            }
            let policy = policy.to_owned();
            Ok(json!({"assignment": policies.assign(policy, target)}))
        }
        ("DELETE", ["v2", "policy-assignments", uuid], "") => {
            ask.query.only(&[])?;
            policies.remove(uuid)?;
            Ok(json!({}))
        }
        _ => Err(StatusCode::NOT_FOUND),
    }
}
