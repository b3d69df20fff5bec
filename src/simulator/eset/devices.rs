//! Devices and their groups. The devices are the world's machines.

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::detections::spoil;
use super::{Answered, Ask, State, lock};
use crate::simulator::Fault;
use crate::simulator::world::{Dice, World};

/// UUID of the group that holds everything.
const ALL: &str = "00000000-0000-0000-7001-000000000001";

/// A group of devices.
pub struct Group {
    /// UUID.
    pub uuid: String,
    name: String,
    parent: Option<String>,
    fixed: bool,
    /// Members of its own, as indices of the world's machines.
    members: Vec<usize>,
}

/// The groups, and which devices cannot be reached.
pub struct Fleet {
    /// Every group; the first holds everything.
    pub groups: Vec<Group>,
    tokens: Vec<String>,
}

/// Whether a device is switched off: it runs no task and has not been seen for days.
pub fn is_offline(machine: usize) -> bool {
    machine % 9 == 4
}

impl Fleet {
    /// Makes up the groups: a company, its workstations by department, its servers by system, and two groups that fill themselves.
    pub fn new(world: &World) -> Self {
        let mut dice = Dice::for_part(world.seed, "eset-groups");
        let mut groups = vec![Group { uuid: ALL.into(), name: "All".into(), parent: None, fixed: true, members: Vec::new() }];
        let mut add = |name: &str, parent: &str, fixed: bool, members: Vec<usize>| {
            let uuid = dice.uuid();
            groups.push(Group { uuid: uuid.clone(), name: name.into(), parent: Some(parent.into()), fixed, members });
            uuid
        };
        let those = |wanted: &dyn Fn(usize) -> bool| (0..world.machines.len()).filter(|at| wanted(*at)).collect::<Vec<_>>();
        add("Lost and found", ALL, true, Vec::new());
        let workstations = add("Workstations", ALL, true, Vec::new());
        let department = |at: usize| world.people.get(world.machines[at].owner).map_or("", |person| person.department);
        let mut departments: Vec<&str> = world.people.iter().map(|person| person.department).collect();
        departments.sort_unstable();
        departments.dedup();
        for name in departments {
            add(name, &workstations, true, those(&|at| !world.machines[at].server && department(at) == name));
        }
        let servers = add("Servers", ALL, true, Vec::new());
        add("Linux servers", &servers, true, those(&|at| world.machines[at].server && world.machines[at].os.starts_with("Ubuntu")));
        add("Windows servers", &servers, true, those(&|at| world.machines[at].server && world.machines[at].os.starts_with("Windows")));
        add("Windows computers", ALL, false, those(&|at| world.machines[at].os.starts_with("Windows")));
        add("Not connected for 3 days", ALL, false, those(&is_offline));
        let tokens = (0..world.machines.len()).map(|_| dice.hex(48)).collect();
        Self { groups, tokens }
    }

    /// A group by its UUID.
    pub fn group(&self, uuid: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.uuid == uuid)
    }

    /// The devices of a group, each once; with those of its subgroups when `recurse`.
    pub fn members(&self, uuid: &str, recurse: bool) -> Vec<usize> {
        let (mut open, mut found) = (vec![uuid.to_owned()], Vec::new());
        while let Some(uuid) = open.pop() {
            found.extend(self.group(&uuid).into_iter().flat_map(|group| group.members.iter().copied()));
            if recurse {
                open.extend(self.groups.iter().filter(|group| group.parent.as_deref() == Some(&uuid)).map(|group| group.uuid.clone()));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The fixed group in which a device lies.
    fn home(&self, machine: usize) -> &str {
        self.groups.iter().find(|group| group.fixed && group.members.contains(&machine)).map_or(ALL, |group| &group.uuid)
    }
}

/// The device of that UUID, as an index of the world's machines.
pub fn find(world: &World, uuid: &str) -> Option<usize> {
    world.machines.iter().position(|machine| machine.id == uuid)
}

/// Answers a request to the device service.
pub fn route(state: &State, ask: &Ask<'_>) -> Answered {
    let gone = lock(&state.tasks).unmanaged(ask.now);
    let query = ask.query;
    match (ask.method, ask.path.as_slice(), ask.verb) {
        ("GET", ["v1", "device_groups"], "") => {
            query.only(&["pageSize", "pageToken"])?;
            let page = query.page("deviceGroups", &state.fleet.groups, state.shared.faults.has(Fault::DuplicateRecords), |group| {
                json!({
                    "uuid": group.uuid, "displayName": group.name, "isSecurityGroup": group.fixed, "parentGroupUuid": group.parent,
                    "linkedEntityType": if group.parent.is_none() { "DEVICE_GROUP_ENTITY_TYPE_COMPANY" } else { "DEVICE_GROUP_ENTITY_TYPE_UNSPECIFIED" },
                    "etag": "1",
                })
            })?;
            Ok(page.into())
        }
        ("GET", ["v1", "device_groups", uuid, "devices"], "") => {
            query.only(&["pageSize", "pageToken", "recurseSubgroups"])?;
            state.fleet.group(uuid).ok_or(StatusCode::NOT_FOUND)?;
            let mut members = state.fleet.members(uuid, query.flag("recurseSubgroups")?);
            members.retain(|machine| !gone.contains(machine));
            let total = members.len();
            let repeat = state.shared.faults.has(Fault::DuplicateRecords);
            let mut page = query.page("devices", &members, repeat, |at| {
                json!({"uuid": state.shared.world.machines[*at].id, "displayName": name(state, *at), "groupUuid": state.fleet.home(*at)})
            })?;
            page.insert("totalSize".into(), total.into());
            Ok(page.into())
        }
        ("GET", ["v1", "devices"], "batchGet") => {
            query.only(&["devicesUuids"])?;
            let uuids = query.all("devicesUuids");
            if uuids.is_empty() || uuids.len() > 100 {
                return Err(StatusCode::BAD_REQUEST);
            }
            // All or nothing: one device that is not known spoils the answer.
            let devices: Result<Vec<Value>, StatusCode> = uuids.into_iter().map(|uuid| device(state, uuid, &gone, ask.now)).collect();
            Ok(json!({"devices": devices?}))
        }
        ("GET", ["v1", "devices", uuid], "") => {
            query.only(&[])?;
            Ok(json!({"device": device(state, uuid, &gone, ask.now)?}))
        }
        _ => Err(StatusCode::NOT_FOUND),
    }
}

fn name(state: &State, machine: usize) -> String {
    let host = &state.shared.world.machines[machine].host;
    if state.shared.faults.has(Fault::HostileText) && machine.is_multiple_of(8) { spoil(machine, host) } else { host.clone() }
}

fn device(state: &State, uuid: &str, gone: &HashSet<usize>, now: Timestamp) -> Answered {
    let world = &state.shared.world;
    let at = find(world, uuid).filter(|at| !gone.contains(at)).ok_or(StatusCode::NOT_FOUND)?;
    let machine = &world.machines[at];
    let (family, bits) = if machine.os.starts_with("Windows") { (1, 64) } else { (3, 64) };
    let isolated = lock(&state.tasks).isolated(at, now);
    let behind =
        if is_offline(at) { SignedDuration::from_hours(80 + 7 * i64::try_from(at).unwrap_or(0)) } else { SignedDuration::from_secs(40) };
    let problems = usize::from(isolated) + usize::from(is_offline(at)) + usize::from(at % 13 == 2);
    let status = if problems == 0 { "OK" } else { "ATTENTION_REQUIRED" };
    let product = if machine.server { "ESET Server Security" } else { "ESET Endpoint Security" };
    Ok(json!({
        "uuid": machine.id, "displayName": name(state, at), "originalDisplayName": machine.host.to_lowercase(),
        "description": format!("Used by {}", world.people.get(machine.owner).map_or("nobody", |person| &person.name)),
        "deviceType": if machine.server { "DEVICE_TYPE_SERVER" } else { "DEVICE_TYPE_DESKTOP" },
        "isMobile": false, "isMaster": false, "isMuted": false,
        "enrollmentStatus": "DEVICE_ENROLLMENT_STATUS_ENROLLED",
        "functionalityStatus": format!("DEVICE_FUNCTIONALITY_STATUS_{status}"), "functionalityProblemCount": problems,
        "lastSyncTime": (now - behind).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "managementDomain": world.domain, "parentGroupUuid": state.fleet.home(at), "etag": "3",
        "deviceToken": state.fleet.tokens.get(at), "primaryLocalIpAddress": machine.ip,
        "publicIpAddress": world.addresses.last(), "tags": if machine.server { json!(["server", "24x7"]) } else { json!([]) },
        "operatingSystem": {"displayName": machine.os, "bitness": bits, "familyId": family.to_string(), "version": {"name": "1.0", "major": 1}},
        "deployedComponents": [
            {"displayName": "ESET Management Agent", "name": "agent", "version": {"name": "11.4.1107.0", "major": "11"}},
            {"displayName": product, "name": "product", "version": {"name": "11.1.2052.0", "major": "11"}}],
        "activeProducts": [{"id": "1", "name": product, "validityDate": {"year": 2027, "month": 6, "day": 30}}],
        "hardwareProfiles": [{"manufacturer": "Northwind", "model": "N-14", "networkAdapters": [{"caption": "Ethernet", "macAddress": format!("02:00:5e:10:00:{at:02x}")}]}],
    }))
}

/// Devices per UUID, for whoever resolves targets.
pub fn by_uuid(world: &World) -> HashMap<String, usize> {
    world.machines.iter().enumerate().map(|(at, machine)| (machine.id.clone(), at)).collect()
}
