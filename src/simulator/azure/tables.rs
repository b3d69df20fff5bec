//! What the simulated cloud holds: made from the world, changed by requests.
//!
//! Records are JSON as Graph shows it; fields whose name begins with `_` are ours and never shown.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::simulator::Shared;
use crate::simulator::world::{Dice, Machine, Person, Sample, World};

/// The tables by name.
#[derive(Debug)]
pub struct Tables {
    all: BTreeMap<&'static str, Vec<Value>>,
    read: HashSet<&'static str>,
    /// When a limited service was last asked.
    pub seen: BTreeMap<&'static str, Vec<Timestamp>>,
    /// Requests that brought a credential to the content host.
    pub leaks: Vec<String>,
    /// Progress monitors and how often they were asked.
    pub monitors: BTreeMap<String, u32>,
}

/// Alert titles with category, severity, source and what they are about.
const ALERTS: [(&str, &str, &str, &str, Subject); 14] = [
    ("Impossible travel activity", "InitialAccess", "medium", "microsoftDefenderForCloudApps", Subject::SignIn),
    ("Password spray attack", "CredentialAccess", "high", "azureAdIdentityProtection", Subject::SignIn),
    ("Anonymous IP address involving one user", "InitialAccess", "medium", "azureAdIdentityProtection", Subject::SignIn),
    ("Unfamiliar sign-in properties", "InitialAccess", "low", "azureAdIdentityProtection", Subject::SignIn),
    ("Suspicious inbox forwarding rule", "Collection", "high", "microsoftDefenderForOffice365", Subject::Mail),
    (
        "Email messages containing malicious file removed after delivery",
        "InitialAccess",
        "informational",
        "microsoftDefenderForOffice365",
        Subject::Mail,
    ),
    ("A potentially malicious URL click was detected", "InitialAccess", "high", "microsoftDefenderForOffice365", Subject::Mail),
    ("Suspicious PowerShell command line", "Execution", "medium", "microsoftDefenderForEndpoint", Subject::Endpoint),
    ("Malware was detected and blocked", "Malware", "informational", "microsoftDefenderForEndpoint", Subject::Endpoint),
    ("Ransomware activity", "Impact", "high", "microsoftDefenderForEndpoint", Subject::Endpoint),
    ("Suspicious credential access through LSASS memory", "CredentialAccess", "high", "microsoftDefenderForEndpoint", Subject::Endpoint),
    ("Unusual addition of credentials to an OAuth app", "Persistence", "medium", "microsoftDefenderForCloudApps", Subject::App),
    ("Mass download by a single user", "Exfiltration", "medium", "microsoftDefenderForCloudApps", Subject::SignIn),
    ("Connection to a custom network indicator", "CommandAndControl", "low", "microsoftDefenderForEndpoint", Subject::Endpoint),
];

/// What of these shows the campaign.
const CAMPAIGN: [usize; 2] = [8, 0];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Subject {
    SignIn,
    Mail,
    Endpoint,
    App,
}

/// Sign-in results with what Entra says about them, and how often they occur (percent).
const SIGN_INS: [(u32, &str, usize); 7] = [
    (0, "Other.", 74),
    (50126, "Error validating credentials due to invalid username or password.", 11),
    (50053, "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.", 3),
    (50076, "Due to a configuration change made by your administrator, you must use multi-factor authentication.", 6),
    (53003, "Access has been blocked by Conditional Access policies.", 3),
    (50074, "Strong Authentication is required.", 2),
    (50057, "The user account is disabled.", 1),
];

const AUDITS: [(&str, &str, &str); 14] = [
    ("Add member to role", "RoleManagement", "Core Directory"),
    ("Consent to application", "ApplicationManagement", "Core Directory"),
    ("Add service principal credentials", "ApplicationManagement", "Core Directory"),
    ("Update application – Certificates and secrets management", "ApplicationManagement", "Core Directory"),
    ("Reset user password", "UserManagement", "Core Directory"),
    ("Update user", "UserManagement", "Core Directory"),
    ("Add user", "UserManagement", "Core Directory"),
    ("Delete user", "UserManagement", "Core Directory"),
    ("Disable account", "UserManagement", "Core Directory"),
    ("User registered security info", "UserManagement", "Authentication Methods"),
    ("Add conditional access policy", "Policy", "Conditional Access"),
    ("Update conditional access policy", "Policy", "Conditional Access"),
    ("Invite external user", "UserManagement", "Invited Users"),
    ("Add member to group", "GroupManagement", "Core Directory"),
];

const APPS: [&str; 6] =
    ["Office 365 Exchange Online", "Microsoft Teams", "Azure Portal", "SharePoint Online", "Northwind Expenses", "One Outlook Web"];
const PLACES: [(&str, &str); 6] =
    [("Hamburg", "DE"), ("Rotterdam", "NL"), ("Lyon", "FR"), ("Lagos", "NG"), ("Da Nang", "VN"), ("Curitiba", "BR")];

/// A time as Graph writes it.
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

struct Maker<'a> {
    world: &'a World,
    dice: Dice,
    /// Whether what is made now is of the campaign.
    campaign: bool,
}

impl Maker<'_> {
    /// A moment before the start: half of them within a day, the rest within two weeks.
    fn moment(&mut self) -> Timestamp {
        if self.campaign {
            return self.world.start - SignedDuration::from_mins(90);
        }
        let span = if self.dice.chance(50) { 23 * 3_600 } else { 14 * 86_400 };
        self.world.start - SignedDuration::from_secs(i64::try_from(self.dice.below(span) + 60).unwrap_or(60))
    }

    fn person(&mut self) -> Person {
        if self.campaign {
            return self.world.campaign().victim.clone();
        }
        // A few people are talked about far more than the others.
        let index = if self.dice.chance(40) { self.dice.below(6) } else { self.dice.below(self.world.people.len()) };
        self.world.people.get(index).cloned().unwrap_or_else(|| self.world.people[0].clone())
    }

    fn machine(&mut self) -> Machine {
        let machine = self.dice.pick(&self.world.machines);
        if self.campaign { &self.world.machines[self.world.campaign().machine] } else { machine }.clone()
    }

    fn sample(&mut self) -> Sample {
        let sample = self.dice.pick(&self.world.samples);
        if self.campaign { self.world.campaign().sample } else { sample }.clone()
    }

    fn address(&mut self, bad: bool) -> String {
        if bad && self.campaign {
            return self.world.campaign().address.to_owned();
        }
        let index = if bad { self.dice.below(12) } else { self.dice.below(self.world.addresses.len()) };
        self.world.addresses.get(index).cloned().unwrap_or_default()
    }

    fn machine_of(&self, person: &Person) -> Option<&Machine> {
        self.world.machines.iter().find(|machine| self.world.people.get(machine.owner).is_some_and(|owner| owner.id == person.id))
    }
}

impl Tables {
    pub(super) fn new(shared: &Shared) -> Self {
        let mut make = Maker { world: &shared.world, dice: Dice::for_part(shared.options.seed, "azure"), campaign: false };
        let mut tables: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
        tables.insert("organization", vec![json!({"id": shared.world.tenant, "displayName": "Northwind", "verifiedDomains": [{"name": shared.world.domain, "isDefault": true}]})]);
        people(&mut make, &mut tables);
        applications(&mut make, &mut tables);
        mail_and_files(&mut make, &mut tables);
        tables.insert("signIns", sorted(sign_ins(&mut make, shared.share(11)), "createdDateTime"));
        tables.insert("directoryAudits", sorted(audits(&mut make, shared.share(4)), "activityDateTime"));
        let alerts = sorted(alerts(&mut make, shared.share(3)), "createdDateTime");
        tables.insert("incidents", sorted(incidents(&mut make, &alerts), "lastUpdateDateTime"));
        tables.insert("alerts", alerts);
        tables.insert("auditQueries", Vec::new());
        tables.insert("machineActions", Vec::new());
        Self { all: tables, read: HashSet::new(), seen: BTreeMap::new(), leaks: Vec::new(), monitors: BTreeMap::new() }
    }

    /// A table to change.
    pub fn table(&mut self, name: &'static str) -> &mut Vec<Value> {
        self.all.entry(name).or_default()
    }

    /// A record to change.
    pub fn record(&mut self, table: &'static str, id: &str) -> Option<&mut Value> {
        self.table(table).iter_mut().find(|record| record["id"] == id)
    }

    /// A table as it is shown. Every second record since `late` is not there until the table was read once.
    pub fn shown(&self, table: &'static str, late: Option<Timestamp>, hostile: bool) -> Vec<Value> {
        let events = matches!(table, "signIns" | "directoryAudits" | "alerts" | "incidents");
        let late = late.filter(|_| events && !self.read.contains(table)).map(stamp);
        let is_late = |record: &Value| {
            let at = ["activityDateTime", "createdDateTime"].iter().find_map(|name| record[*name].as_str());
            late.as_deref().is_some_and(|since| at.is_some_and(|at| at > since))
        };
        let records = self.all.get(table).map(Vec::as_slice).unwrap_or_default();
        let mut shown: Vec<Value> =
            records.iter().enumerate().filter(|(n, record)| !(n % 2 == 0 && is_late(record))).map(|(_, record)| record.clone()).collect();
        if hostile && events {
            shown.iter_mut().enumerate().filter(|(n, _)| n % 3 == 0).for_each(|(n, record)| poison(record, n));
        }
        shown
    }

    /// Notes that a table was read to its end: what was late is there from now on.
    pub fn mark_read(&mut self, table: &'static str) {
        self.read.insert(table);
    }

    /// The alerts of an incident.
    pub fn alerts_of(&self, incident: &Value) -> Value {
        let alerts = self.all.get("alerts").map(Vec::as_slice).unwrap_or_default();
        alerts.iter().filter(|alert| alert["incidentId"] == *incident).map(|alert| super::odata::select(alert, None)).collect()
    }

    /// The object id of a user named by id or by user principal name.
    pub fn user_id(&self, name: &str) -> Option<String> {
        let users = self.all.get("users")?;
        let fits = |user: &&Value| {
            ["id", "userPrincipalName"].iter().any(|key| user[*key].as_str().is_some_and(|have| have.eq_ignore_ascii_case(name)))
        };
        users.iter().find(fits).and_then(|user| user["id"].as_str()).map(str::to_owned)
    }

    /// Whether the account of a user is switched off.
    pub fn user_is_disabled(&self, id: &str) -> bool {
        self.all.get("users").is_some_and(|users| users.iter().any(|user| user["id"] == id && user["accountEnabled"] == false))
    }
}

fn sorted(mut records: Vec<Value>, by: &str) -> Vec<Value> {
    records.sort_by(|a, b| b[by].as_str().cmp(&a[by].as_str()));
    records
}

/// What an attacker writes into names and titles.
fn poison(record: &mut Value, n: usize) {
    const POISON: [&str; 5] = [
        "\u{1b}[31;7mred\u{1b}]0;owned\u{7}",
        "invoice\u{202e}fdp.exe",
        "=HYPERLINK(\"http://evil.invalid\",\"x\")",
        "a\u{200b}dmin\u{2028}ok\r\nroot",
        "\u{1b}]52;c;cm0gLXJm\u{7}",
    ];
    let text = POISON.get(n / 3 % POISON.len()).copied().unwrap_or_default();
    for key in ["title", "description", "displayName", "appDisplayName", "userDisplayName", "activityDisplayName"] {
        if let Some(Value::String(have)) = record.get_mut(key) {
            have.push(' ');
            have.push_str(text);
        }
    }
}

fn people(make: &mut Maker<'_>, tables: &mut BTreeMap<&'static str, Vec<Value>>) {
    let world = make.world;
    for (n, person) in world.people.iter().enumerate() {
        let risky = n % 6 == 0;
        let detected = stamp(make.moment());
        tables.entry("users").or_default().push(json!({
            "id": person.id, "displayName": person.name, "userPrincipalName": person.mail, "mail": person.mail, "department": person.department,
            "accountEnabled": true, "userType": "Member", "createdDateTime": "2021-04-12T07:30:00Z", "signInSessionsValidFromDateTime": "2025-01-07T09:00:00Z",
        }));
        tables.entry("registrations").or_default().push(json!({
            "id": person.id, "userPrincipalName": person.mail, "userDisplayName": person.name, "isMfaRegistered": n % 5 != 4, "isMfaCapable": n % 5 != 4,
            "methodsRegistered": if n % 5 == 4 { json!([]) } else { json!(["microsoftAuthenticatorPush"]) },
        }));
        tables.entry("methods").or_default().push(json!({
            "@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "id": make.dice.uuid(), "_user": person.id, "displayName": "Pixel 9",
            "createdDateTime": stamp(make.moment()),
        }));
        if n % 8 == 0 {
            tables.entry("roles").or_default().push(json!({
                "id": make.dice.uuid(), "_user": person.id, "displayName": if n == 0 { "Global Administrator" } else { "Security Reader" }, "roleTemplateId": make.dice.uuid(),
            }));
        }
        if risky {
            let level = ["high", "medium", "low"][n / 6 % 3];
            tables.entry("riskyUsers").or_default().push(json!({
                "id": person.id, "userPrincipalName": person.mail, "userDisplayName": person.name, "isDeleted": false, "isProcessing": false,
                "riskLevel": level, "riskState": "atRisk", "riskDetail": "none", "riskLastUpdatedDateTime": detected,
            }));
            tables.entry("riskHistory").or_default().push(json!({
                "id": make.dice.uuid(), "userId": person.id, "userPrincipalName": person.mail, "riskLevel": level, "riskState": "atRisk", "riskLastUpdatedDateTime": detected,
            }));
            tables.entry("riskDetections").or_default().push(json!({
                "id": make.dice.uuid(), "userId": person.id, "userPrincipalName": person.mail, "riskEventType": "unfamiliarFeatures", "riskLevel": level, "riskState": "atRisk",
                "ipAddress": make.address(true), "detectedDateTime": detected, "activityDateTime": detected, "source": "IdentityProtection",
            }));
        }
    }
    for machine in &world.machines {
        let owner = world.people.get(machine.owner).map(|person| person.id.clone());
        tables.entry("devices").or_default().push(json!({
            "id": make.dice.uuid(), "deviceId": machine.id, "displayName": machine.host, "operatingSystem": machine.os, "accountEnabled": true, "isCompliant": true,
            "_user": if machine.server { None } else { owner },
        }));
        // Defender names a machine by forty hexadecimal digits.
        tables.entry("machines").or_default().push(json!({
            "id": defender_id(machine), "computerDnsName": format!("{}.{}", machine.host.to_lowercase(), world.domain), "aadDeviceId": machine.id,
            "osPlatform": machine.os, "lastIpAddress": machine.ip, "healthStatus": "Active", "riskScore": "Medium",
        }));
    }
}

/// The id that Defender gives a machine, made from the one that all vendors share.
fn defender_id(machine: &Machine) -> String {
    let mut id = machine.id.replace('-', "");
    id.push_str("00c0ffee");
    id
}

fn applications(make: &mut Maker<'_>, tables: &mut BTreeMap<&'static str, Vec<Value>>) {
    let world = make.world;
    for (n, name) in ["Northwind Expenses", "Mail Sync Pro", "DocuView Free", "Backup Agent"].into_iter().enumerate() {
        let (app, principal) = (make.dice.uuid(), make.dice.uuid());
        tables
            .entry("applications")
            .or_default()
            .push(json!({"id": make.dice.uuid(), "appId": app, "displayName": name, "createdDateTime": stamp(make.moment())}));
        tables.entry("servicePrincipals").or_default().push(json!({
            "id": principal, "appId": app, "displayName": name, "accountEnabled": true, "publisherName": if n == 1 { Value::Null } else { json!("Northwind") },
        }));
        tables.entry("appRoles").or_default().push(json!({
            "id": make.dice.hex(22), "principalId": principal, "principalDisplayName": name, "resourceDisplayName": "Microsoft Graph", "appRoleId": make.dice.uuid(),
        }));
        for person in world.people.iter().skip(n).step_by(9) {
            tables.entry("grants").or_default().push(json!({
                "id": make.dice.hex(32), "clientId": principal, "consentType": "Principal", "principalId": person.id, "scope": "Mail.Read offline_access",
            }));
        }
    }
    tables.insert(
        "policies",
        vec![
            json!({"id": make.dice.uuid(), "displayName": "Require MFA for administrators", "state": "enabled"}),
            json!({"id": make.dice.uuid(), "displayName": "Block legacy authentication", "state": "enabledForReportingButNotEnforced"}),
        ],
    );
    tables.insert("namedLocations", vec![json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "id": make.dice.uuid(), "displayName": "Head office", "isTrusted": true, "ipRanges": [{"cidrAddress": "198.51.100.0/28"}]})]);
}

fn mail_and_files(make: &mut Maker<'_>, tables: &mut BTreeMap<&'static str, Vec<Value>>) {
    let world = make.world;
    for (n, person) in world.people.iter().enumerate().take(24) {
        let (domain, sample) = (*make.dice.pick(&world.domains), make.sample());
        let (received, sender) = (stamp(make.moment()), format!("billing@{domain}"));
        let id = format!("AAMk{}", make.dice.hex(24));
        let internet = format!("<{}@{domain}>", make.dice.hex(16));
        tables.entry("messages").or_default().push(json!({
            "id": id, "_user": person.id, "subject": format!("Invoice {} is overdue", 8_800 + n), "receivedDateTime": received, "hasAttachments": true,
            "from": {"emailAddress": {"name": "Billing", "address": sender}}, "internetMessageId": internet, "parentFolderId": "inbox", "_attachment": sample.name,
            "internetMessageHeaders": [{"name": "Received", "value": format!("from mx.{domain} ({})", make.address(true))}, {"name": "Authentication-Results", "value": "spf=fail; dkim=none; dmarc=fail"}],
        }));
        let trace = make.dice.uuid();
        tables.entry("messageTraces").or_default().push(json!({
            "id": trace, "messageId": internet, "subject": format!("Invoice {} is overdue", 8_800 + n), "senderAddress": sender, "recipientAddress": person.mail,
            "receivedDateTime": received, "status": "delivered", "fromIP": make.address(true), "toIP": "10.20.0.5", "size": 48_211,
        }));
        if n % 5 == 0 {
            tables.entry("messageRules").or_default().push(json!({
                "id": format!("AQAA{}", make.dice.hex(6)), "_user": person.id, "displayName": "..", "isEnabled": true, "sequence": 1,
                "conditions": {"subjectContains": ["invoice"]}, "actions": {"forwardTo": [{"emailAddress": {"address": format!("drop@{domain}")}}], "delete": true},
            }));
        }
        let item = format!("01{}", make.dice.hex(20).to_uppercase());
        tables.entry("driveItems").or_default().push(json!({
            "id": item, "_user": person.id, "name": sample.name, "size": 4_096 * (n + 1), "parentReference": {"driveId": format!("b!{}", make.dice.hex(20))},
            "file": {"hashes": {"sha1Hash": sample.sha1.to_uppercase(), "sha256Hash": sample.sha256.to_uppercase()}}, "lastModifiedDateTime": stamp(make.moment()),
        }));
        tables
            .entry("itemPermissions")
            .or_default()
            .push(json!({"id": make.dice.hex(12), "_item": item, "roles": ["read"], "link": {"scope": "anonymous", "type": "view"}}));
        tables.entry("chats").or_default().push(json!({"id": make.dice.hex(13), "_user": person.id, "chatId": format!("19:{}@thread.v2", make.dice.hex(16)), "createdDateTime": stamp(make.moment()), "body": {"contentType": "text", "content": format!("see https://{domain}/login")}}));
        tables.entry("channelMessages").or_default().push(json!({"id": make.dice.hex(13), "_channel": "19:general@thread.tacv2", "createdDateTime": stamp(make.moment()), "from": {"user": {"id": person.id, "displayName": person.name}}, "body": {"contentType": "text", "content": "please review"}}));
    }
}

fn sign_ins(make: &mut Maker<'_>, count: usize) -> Vec<Value> {
    (0..count)
        .map(|_| {
            let (person, at) = (make.person(), make.moment());
            let mut throw = make.dice.below(100);
            let (code, reason) = SIGN_INS
                .iter()
                .find_map(|(code, reason, share)| {
                    let hit = throw < *share;
                    throw = throw.saturating_sub(*share);
                    hit.then_some((*code, *reason))
                })
                .unwrap_or((0, "Other."));
            let bad = code != 0 && make.dice.chance(60);
            let (city, country) = if bad { *make.dice.pick(&PLACES[3..]) } else { *make.dice.pick(&PLACES[..3]) };
            let device = make.machine_of(&person).map_or(json!({"deviceId": "", "displayName": ""}), |machine| {
                json!({"deviceId": machine.id, "displayName": machine.host, "operatingSystem": machine.os, "browser": "Edge 131.0", "isCompliant": true, "isManaged": true, "trustType": "Azure AD joined"})
            });
            let unattended = make.dice.chance(25);
            json!({
                "id": make.dice.uuid(), "createdDateTime": stamp(at), "userDisplayName": person.name, "userPrincipalName": person.mail, "userId": person.id,
                "appId": make.dice.uuid(), "appDisplayName": make.dice.pick(&APPS), "ipAddress": make.address(bad), "clientAppUsed": if make.dice.chance(5) { "IMAP4" } else { "Browser" },
                "correlationId": make.dice.uuid(), "conditionalAccessStatus": if code == 53003 { "failure" } else { "success" }, "isInteractive": !unattended,
                "signInEventTypes": [if unattended { "nonInteractiveUser" } else { "interactiveUser" }],
                "riskDetail": "none", "riskLevelAggregated": if bad { "medium" } else { "none" }, "riskLevelDuringSignIn": if bad { "high" } else { "none" },
                "riskState": if bad { "atRisk" } else { "none" }, "riskEventTypes_v2": if bad { json!(["unfamiliarFeatures"]) } else { json!([]) },
                "resourceDisplayName": "Windows Azure Active Directory", "resourceId": make.dice.uuid(),
                "status": {"errorCode": code, "failureReason": reason, "additionalDetails": null},
                "deviceDetail": device, "location": {"city": city, "state": "", "countryOrRegion": country, "geoCoordinates": {"latitude": 0.5, "longitude": 0.5}},
            })
        })
        .collect()
}

fn audits(make: &mut Maker<'_>, count: usize) -> Vec<Value> {
    (0..count)
        .map(|_| {
            let (activity, category, service) = *make.dice.pick(&AUDITS);
            let (who, target) = (make.person(), make.person());
            let failed = make.dice.chance(8);
            json!({
                "id": format!("Directory_{}_{}", make.dice.uuid(), make.dice.hex(6)), "category": category, "correlationId": make.dice.uuid(),
                "result": if failed { "failure" } else { "success" }, "resultReason": if failed { "Insufficient privileges" } else { "" },
                "activityDisplayName": activity, "activityDateTime": stamp(make.moment()), "loggedByService": service,
                "operationType": if activity.starts_with("Add") { "Add" } else { "Update" },
                "initiatedBy": {"user": {"id": who.id, "displayName": who.name, "userPrincipalName": who.mail, "ipAddress": make.address(false)}, "app": null},
                "targetResources": [{"id": target.id, "displayName": target.name, "type": "User", "userPrincipalName": target.mail, "modifiedProperties": [{"displayName": "Role.DisplayName", "oldValue": null, "newValue": "\"Helpdesk Administrator\""}]}],
                "additionalDetails": [],
            })
        })
        .collect()
}

fn alerts(make: &mut Maker<'_>, count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| {
            let any = *make.dice.pick(&ALERTS);
            // The first two are of the campaign: the file, and the sign-in.
            let (title, category, severity, source, subject) = if n < 2 { ALERTS[CAMPAIGN[n]] } else { any };
            make.campaign = n < 2;
            let (person, machine, sample, at) = (make.person(), make.machine(), make.sample(), make.moment());
            let id = format!("{}{}_1", if subject == Subject::Endpoint { "da" } else { "ca" }, make.dice.hex(32));
            let created = stamp(at);
            let evidence = evidence(make, subject, &person, &machine, &sample, &created);
            make.campaign = false;
            let status = ["new", "new", "new", "inProgress", "resolved"][n % 5];
            let technique = ["T1078", "T1566.002", "T1059.001"][n % 3];
            json!({
                "@odata.type": "#microsoft.graph.security.alert", "id": id, "providerAlertId": id, "incidentId": (4_100 + n / 3).to_string(), "status": status, "severity": severity,
                "classification": null, "determination": null, "serviceSource": source, "detectionSource": source, "detectorId": make.dice.uuid(), "tenantId": make.world.tenant,
                "title": title, "description": format!("{title}: {} on {}.", person.name, machine.host), "recommendedActions": "Validate the alert. Scope the suspicious activity.",
                "category": category, "assignedTo": null, "alertWebUrl": format!("https://security.microsoft.com/alerts/{id}"),
                "incidentWebUrl": format!("https://security.microsoft.com/incidents/{}", 4_100 + n / 3), "actorDisplayName": null, "threatDisplayName": sample.detection, "threatFamilyName": null,
                "mitreTechniques": [technique], "createdDateTime": created, "lastUpdateDateTime": created, "firstActivityDateTime": created,
                "lastActivityDateTime": created, "resolvedDateTime": if status == "resolved" { json!(created) } else { Value::Null }, "comments": [], "evidence": evidence,
            })
        })
        .collect()
}

fn evidence(make: &mut Maker<'_>, subject: Subject, person: &Person, machine: &Machine, sample: &Sample, created: &str) -> Value {
    let kind = |name: &str| format!("#microsoft.graph.security.{name}");
    let user = json!({
        "@odata.type": kind("userEvidence"), "createdDateTime": created, "verdict": "unknown", "remediationStatus": "none", "roles": ["compromised"],
        // Defender spells accounts its own way.
        "userAccount": {"accountName": person.login, "domainName": "NORTHWIND", "userSid": "S-1-5-21-1004336348-1177238915-682003330-1105", "azureAdUserId": person.id, "userPrincipalName": person.mail.to_uppercase(), "displayName": person.name},
    });
    let address = json!({"@odata.type": kind("ipEvidence"), "createdDateTime": created, "verdict": "suspicious", "ipAddress": make.address(true), "countryLetterCode": "NG"});
    let device = json!({
        "@odata.type": kind("deviceEvidence"), "createdDateTime": created, "verdict": "unknown", "mdeDeviceId": defender_id(machine), "azureAdDeviceId": machine.id,
        "deviceDnsName": format!("{}.{}", machine.host.to_lowercase(), make.world.domain), "osPlatform": machine.os, "ipInterfaces": [machine.ip], "healthStatus": "active", "riskScore": "medium",
    });
    let file = json!({
        "@odata.type": kind("fileEvidence"), "createdDateTime": created, "verdict": "malicious", "detectionStatus": "prevented", "mdeDeviceId": defender_id(machine),
        "fileDetails": {"sha1": sample.sha1, "sha256": sample.sha256, "fileName": sample.name, "filePath": "C:\\Users\\Public", "fileSize": 84_480},
    });
    let domain = *make.dice.pick(&make.world.domains);
    match subject {
        Subject::SignIn => json!([user, address]),
        Subject::Endpoint => json!([device, file, user]),
        Subject::Mail => json!([
            user,
            {"@odata.type": kind("analyzedMessageEvidence"), "createdDateTime": created, "verdict": "malicious", "networkMessageId": make.dice.uuid(), "internetMessageId": format!("<{}@{domain}>", make.dice.hex(16)), "subject": "Invoice is overdue", "p1Sender": {"emailAddress": format!("bounce@{domain}"), "domainName": domain}, "p2Sender": {"emailAddress": format!("billing@{domain}"), "displayName": "Billing", "domainName": domain}, "senderIp": make.address(true), "recipientEmailAddress": person.mail, "urls": [format!("https://{domain}/login")], "deliveryLocation": "inbox"},
            {"@odata.type": kind("urlEvidence"), "createdDateTime": created, "verdict": "malicious", "url": format!("https://{domain}/login")},
        ]),
        Subject::App => {
            json!([user, {"@odata.type": kind("oauthApplicationEvidence"), "createdDateTime": created, "verdict": "suspicious", "appId": make.dice.uuid(), "displayName": "Mail Sync Pro", "objectId": make.dice.uuid(), "publisher": "unknown"}])
        }
    }
}

fn incidents(make: &mut Maker<'_>, alerts: &[Value]) -> Vec<Value> {
    let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for alert in alerts {
        groups.entry(alert["incidentId"].as_str().unwrap_or_default().to_owned()).or_default().push(alert);
    }
    let rank = |alert: &&&Value| ["informational", "low", "medium", "high"].iter().position(|level| alert["severity"] == *level);
    groups
        .into_iter()
        .filter_map(|(id, alerts)| {
            let worst = alerts.iter().max_by_key(rank)?;
            let first = alerts.iter().filter_map(|alert| alert["createdDateTime"].as_str()).min()?;
            let last = alerts.iter().filter_map(|alert| alert["createdDateTime"].as_str()).max()?;
            Some(json!({
                "id": id, "displayName": format!("Multi-stage incident: {}", worst["title"].as_str().unwrap_or_default()), "severity": worst["severity"], "status": "active",
                "classification": "unknown", "determination": "unknown", "assignedTo": null, "customTags": [], "systemTags": [], "tenantId": make.world.tenant,
                "incidentWebUrl": format!("https://security.microsoft.com/incidents/{id}"), "createdDateTime": first, "lastUpdateDateTime": last, "lastModifiedBy": "Automation", "comments": [], "redirectIncidentId": null,
                "summary": format!("{} alerts", alerts.len()),
            }))
        })
        .collect()
}
