//! What the API shows of a record: every field of the schema, as JSON.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::rules::{CLOUDS, HOSTILE, PROJECTS, RULES, Rule, WEAKNESSES};
use super::tenant::{Finding, Issue, Note, Vulnerability, framework};
use crate::simulator::world::{Dice, World};

/// What rendering needs to know beside the record.
pub struct Scene<'a> {
    /// Who and what there is.
    pub world: &'a World,
    /// Whether texts are hostile.
    pub hostile: bool,
}

/// A stable id for something that is known by name.
fn id_of(kind: &str, name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{kind}/{name}").as_bytes()).to_string()
}

fn time(time: Timestamp) -> Value {
    Value::from(time.to_string())
}

fn maybe(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, time)
}

/// Id of the project at an index.
pub fn project_id(index: usize) -> String {
    id_of("project", PROJECTS.get(index).map_or("?", |project| project.0))
}

/// Id of the rule at an index.
pub fn rule_id(index: usize) -> String {
    id_of("rule", RULES.get(index).map_or("?", |rule| rule.name))
}

impl Scene<'_> {
    /// A text, spoiled where the record is hostile and that fault is on.
    fn text(&self, hostile: bool, seed: u64, text: &str) -> String {
        if hostile && self.hostile {
            let spoil = HOSTILE[usize::try_from(seed % 6).unwrap_or(0)];
            if seed.is_multiple_of(2) { format!("{spoil} {text}") } else { format!("{text} {spoil}") }
        } else {
            text.to_owned()
        }
    }

    /// An issue.
    pub fn issue(&self, issue: &Issue) -> Value {
        let mut dice = Dice::new(issue.facts.seed);
        let (hostile, seed) = (issue.facts.hostile, issue.facts.seed);
        let rule = issue.rule.map(|at| self.rule(at, hostile, seed));
        let base = issue.rule.and_then(|at| RULES.get(at));
        let name = base.map_or("", |rule| rule.name);
        let entity = base.map_or("VIRTUAL_MACHINE", |rule| rule.entity);
        let tickets = match dice.below(10) {
            0..3 => Value::Null,
            3..8 => json!([]),
            n => json!([{"externalId": format!("SEC-{}", 1000 + n * 7 + dice.below(900)), "name": name,
                "url": format!("https://tickets.{}/browse/SEC", self.world.domain)}]),
        };
        let machine = issue.campaign.then(|| self.world.campaign().machine);
        let snapshot = self.snapshot(&mut dice, entity, machine, issue.created, hostile, seed);
        json!({
            "id": issue.facts.id, "type": issue.kind, "status": issue.status, "severity": issue.severity,
            "description": self.story(&mut dice, base, issue.campaign, &snapshot),
            "createdAt": time(issue.created), "updatedAt": time(issue.updated), "dueAt": maybe(issue.due),
            "resolvedAt": maybe(issue.resolved), "statusChangedAt": maybe(issue.changed), "rejectionExpiredAt": null,
            "resolutionReason": issue.reason, "resolutionNote": null, "note": issue.note,
            "url": format!("https://app.wiz.io/issues#~(issue~'{})", issue.facts.id),
            "sourceRule": rule, "sourceRules": rule.as_ref().map(|rule| json!([rule])), "control": null,
            "entitySnapshot": snapshot,
            "projects": issue.projects.as_ref().map(|all| all.iter().map(|at| project(*at)).collect::<Vec<_>>()),
            "serviceTickets": tickets,
            "notes": issue.notes.as_ref().map(|all| all.iter().map(|one| self.note(one)).collect::<Vec<_>>()),
            "assignee": null,
        })
    }

    /// A note on an issue.
    pub fn note(&self, note: &Note) -> Value {
        let person = note.author.and_then(|at| self.world.people.get(at));
        json!({
            "id": note.id, "createdAt": time(note.created), "updatedAt": time(note.created), "text": note.text,
            "user": person.map(|person| json!({"id": person.id, "name": person.name, "email": person.mail})),
            "serviceAccount": person.is_none().then(|| json!({"id": "nightdesk", "name": "nightdesk"})),
        })
    }

    fn rule(&self, at: usize, hostile: bool, seed: u64) -> Value {
        let Some(rule) = RULES.get(at) else { return Value::Null };
        let (name, category, title) = framework(at);
        let framework = json!({"id": id_of("framework", name), "name": name});
        let category = json!({"id": id_of("category", category), "name": category, "framework": framework});
        // The rule of the source document's sample has neither.
        let known = at > 0;
        json!({
            "__typename": rule.kind.type_name(), "id": rule_id(at), "shortId": format!("EC2-{:03}", at * 7),
            "graphId": id_of("graph", rule.name),
            "name": self.text(hostile, seed, rule.name), "description": rule.about, "resolutionRecommendation": rule.advice,
            "remediationInstructions": rule.advice, "sourceType": "CLOUD_EVENT", "type": "SINGLE_EVENT", "functionAsControl": true,
            "serviceType": "AWS",
            "securitySubCategories": known.then(|| json!([{"id": id_of("sub", title), "title": title, "category": category}])),
            "risks": known.then(|| json!(["EXTERNAL_EXPOSURE"])),
        })
    }

    /// What happened, in words; of threats with addresses, people and files in it.
    fn story(&self, dice: &mut Dice, rule: Option<&Rule>, campaign: bool, snapshot: &Value) -> Value {
        let Some(rule) = rule.filter(|rule| rule.kind == super::rules::RuleKind::Event) else { return Value::Null };
        let about = snapshot.get("name").and_then(Value::as_str).unwrap_or("?");
        let bad = &self.world.addresses[dice.below(12)];
        let person = dice.pick(&self.world.people);
        let sample = dice.pick(&self.world.samples);
        let known = self.world.campaign();
        let (bad, sample) = if campaign { (known.address, known.sample) } else { (bad.as_str(), sample) };
        Value::from(match rule.entity {
            "VIRTUAL_MACHINE" => format!(
                "{} Seen on {about}: {} (SHA-256 {}), talking to {} at {bad}.",
                rule.about,
                sample.name,
                sample.sha256,
                dice.pick(&self.world.domains)
            ),
            "BUCKET" | "ACCESS_KEY" => format!("{} Concerns {about}, used by {} from {bad}.", rule.about, person.mail),
            _ => format!("{} Concerns {about}; the address was {bad}.", rule.about),
        })
    }

    fn snapshot(&self, dice: &mut Dice, entity: &str, machine: Option<usize>, created: Timestamp, hostile: bool, seed: u64) -> Value {
        let (platform, subscription, number, region) = *dice.pick(&CLOUDS);
        if entity == "SECRET_INSTANCE" {
            // As in the source document: empty text, not null, where there is nothing.
            let provider = format!("k8s/configmap/{}/kube-system/extension-apiserver-authentication##API Response##9026", dice.uuid());
            return json!({"id": dice.uuid(), "type": entity, "nativeType": "", "name": "Certificate for kubernetes", "status": null,
                "cloudPlatform": null, "cloudProviderURL": "", "providerId": provider, "region": "", "resourceGroupExternalId": "",
                "subscriptionExternalId": "", "subscriptionName": "", "subscriptionTags": null, "tags": {}, "createdAt": null,
                "externalId": provider});
        }
        let any = dice.pick(&self.world.machines);
        let machine = machine.map_or(any, |at| &self.world.machines[at]);
        let person = self.world.people.get(machine.owner).unwrap_or(&self.world.people[0]);
        let (id, name, native, path, tags) = match entity {
            "VIRTUAL_MACHINE" => {
                let tags = json!({"owner": person.mail, "private-ip": machine.ip, "team": person.department});
                (machine.id.clone(), machine.host.clone(), "virtualMachine", format!("instance/i-{}", &machine.id[..8]), tags)
            }
            "USER_ACCOUNT" => (person.id.clone(), person.mail.clone(), "user", format!("user/{}", person.login), json!({})),
            "ACCESS_KEY" => {
                let key = format!("AKIA{}", dice.hex(16).to_uppercase());
                (id_of("key", &key), key.clone(), "accessKey", format!("user/{}/key/{key}", person.login), json!({"owner": person.mail}))
            }
            other => {
                let name = format!("northwind-{}-{}", person.department.to_lowercase(), dice.hex(4));
                let native = other.to_lowercase();
                let path = format!("{native}/{name}");
                (id_of(other, &name), name, if other == "BUCKET" { "s3Bucket" } else { "resource" }, path, json!({"owner": person.mail}))
            }
        };
        let provider = format!("arn:{}:{region}:{number}:{path}", platform.to_lowercase());
        json!({
            "id": id, "type": entity, "nativeType": native, "name": self.text(hostile, seed / 7, &name),
            "status": if dice.chance(85) { json!("Active") } else if dice.chance(50) { json!("Inactive") } else { Value::Null },
            "cloudPlatform": platform, "cloudProviderURL": format!("https://console.{}.example/{path}", platform.to_lowercase()),
            "providerId": provider, "region": region,
            "resourceGroupExternalId": if platform == "Azure" { "rg-production" } else { "" },
            "subscriptionExternalId": number, "subscriptionName": subscription, "subscriptionTags": {"stage": "prod"}, "tags": tags,
            "createdAt": time(created), "externalId": provider,
        })
    }

    /// A cloud configuration finding.
    pub fn finding(&self, finding: &Finding) -> Value {
        let mut dice = Dice::new(finding.facts.seed);
        let (hostile, seed) = (finding.facts.hostile, finding.facts.seed);
        let rule = self.rule(finding.rule, hostile, seed);
        let entity = RULES.get(finding.rule).map_or("BUCKET", |rule| rule.entity);
        let snapshot = self.snapshot(&mut dice, entity, None, finding.first_seen, hostile, seed);
        let sub = rule.get("securitySubCategories").cloned().unwrap_or_default();
        let part = |name: &str| snapshot.get(name).cloned().unwrap_or_default();
        let account = part("subscriptionExternalId").as_str().unwrap_or_default().to_owned();
        let project = dice.below(PROJECTS.len());
        json!({
            "id": finding.facts.id, "targetExternalId": part("externalId"), "deleted": false,
            "targetObjectProviderUniqueId": part("providerId"),
            "firstSeenAt": time(finding.first_seen), "analyzedAt": time(finding.analyzed), "updatedAt": time(finding.updated),
            "severity": finding.severity, "result": finding.result, "status": finding.status,
            "remediation": rule.get("remediationInstructions"), "source": "WIZ_CSPM",
            "resource": {
                "id": part("id"), "providerId": part("providerId"), "name": part("name"), "nativeType": part("nativeType"),
                "type": part("type"), "region": part("region"), "cloudPlatform": part("cloudPlatform"), "status": part("status"),
                "subscription": {"id": id_of("account", &account), "name": part("subscriptionName"), "externalId": account,
                    "cloudProvider": part("cloudPlatform")},
                "projects": if dice.chance(25) { Value::Null } else { json!([self::project(project)]) },
                "tags": [{"key": "stage", "value": "prod"}],
            },
            "rule": rule, "securitySubCategories": sub,
            "evidence": {"currentValue": "true", "expectedValue": "false", "configurationPath": "PublicAccess", "cloudConfigurationLink": ""},
            "ignoreRules": if dice.chance(50) { Value::Null } else { json!([]) },
        })
    }

    /// A vulnerability finding.
    pub fn vulnerability(&self, record: &Vulnerability) -> Value {
        let mut dice = Dice::new(record.facts.seed);
        let (hostile, seed) = (record.facts.hostile, record.facts.seed);
        let Some(known) = WEAKNESSES.get(record.weakness) else { return Value::Null };
        let epss = f64::from(u32::try_from(dice.below(9_500)).unwrap_or(0)) / 10_000.0;
        let about = format!("{} {} is affected by {}.", known.package, known.version, known.cve);
        let advice =
            if known.fixed.is_empty() { String::new() } else { format!("Upgrade {} to version {} or later.", known.package, known.fixed) };
        json!({
            "id": record.facts.id, "portalUrl": format!("https://app.wiz.io/explorer/vulnerability-findings#~(id~'{})", record.facts.id),
            "name": known.cve, "CVEDescription": self.text(hostile, seed, &format!("A weakness in {} lets an attacker in.", known.package)),
            "CVSSSeverity": known.severity, "score": known.score, "exploitabilityScore": (known.score * 0.39 * 10.0).round() / 10.0,
            "impactScore": (known.score * 0.59 * 10.0).round() / 10.0, "dataSourceName": null, "hasExploit": known.exploit,
            "hasCisaKevExploit": known.exploit && known.score > 9.0, "hasFix": !known.fixed.is_empty(), "status": record.status,
            "vendorSeverity": known.severity, "severity": known.severity,
            "firstDetectedAt": time(record.first), "lastDetectedAt": time(record.last), "resolvedAt": maybe(record.resolved),
            "updatedAt": time(record.updated), "description": self.text(hostile, seed / 3, &about), "remediation": advice,
            "detailedName": known.package, "version": known.version, "fixedVersion": known.fixed, "detectionMethod": "PACKAGE",
            "link": format!("https://nvd.nist.gov/vuln/detail/{}", known.cve), "locationPath": format!("/usr/lib/{}", known.package),
            "resolutionReason": null, "epssSeverity": known.severity, "epssPercentile": (epss * 1_000.0).round() / 10.0,
            "epssProbability": epss, "validatedInRuntime": null, "vulnerabilityExternalId": known.cve,
            "layerMetadata": null, "projects": if dice.chance(40) { Value::Null } else { json!([project(dice.below(PROJECTS.len()))]) },
            "ignoreRules": null, "vulnerableAsset": self.asset(&mut dice, record.asset, hostile, seed),
        })
    }

    fn asset(&self, dice: &mut Dice, kind: &str, hostile: bool, seed: u64) -> Value {
        let machine = dice.pick(&self.world.machines);
        let (platform, subscription, number, region) = *dice.pick(&CLOUDS);
        let name = match kind {
            "VulnerableAssetVirtualMachine" => machine.host.clone(),
            "VulnerableAssetContainerImage" => format!("registry.{}/shop/web:{}", self.world.domain, dice.hex(7)),
            "VulnerableAssetContainer" => format!("web-{}", dice.hex(5)),
            "VulnerableAssetServerless" => format!("resize-images-{}", dice.hex(3)),
            _ => "shop/main".to_owned(),
        };
        let id = if kind == "VulnerableAssetVirtualMachine" { machine.id.clone() } else { id_of(kind, &name) };
        let owner = self.world.people.get(machine.owner).map_or("", |person| &person.mail);
        json!({
            "__typename": kind, "id": id, "name": self.text(hostile, seed / 5, &name),
            "type": match kind {
                "VulnerableAssetVirtualMachine" => "VIRTUAL_MACHINE",
                "VulnerableAssetContainerImage" => "CONTAINER_IMAGE",
                "VulnerableAssetContainer" => "CONTAINER",
                "VulnerableAssetServerless" => "SERVERLESS",
                _ => "REPOSITORY_BRANCH",
            },
            "region": region, "providerUniqueId": format!("arn:{}:{region}:{number}:{name}", platform.to_lowercase()),
            "cloudProviderURL": "", "cloudPlatform": platform, "status": "Active", "subscriptionName": subscription,
            "subscriptionExternalId": number, "subscriptionId": id_of("account", number), "tags": {"owner": owner},
            "hasLimitedInternetExposure": dice.chance(30), "hasWideInternetExposure": dice.chance(10),
            "operatingSystem": if machine.os.starts_with("Win") { "Windows" } else { "Linux" }, "ipAddresses": [machine.ip],
            "imageName": if machine.server { json!("ubuntu-24.04-base") } else { Value::Null }, "runtime": "nodejs16.x",
            "imageId": format!("sha256:{}", dice.hex(64)), "ImageExternalId": format!("sha256:{}", dice.hex(64)),
            "VmExternalId": machine.id, "ServerlessContainer": false, "PodNamespace": "shop", "PodName": name, "NodeName": machine.host,
            "repositoryId": "shop",
        })
    }
}

/// The project at an index.
pub fn project(index: usize) -> Value {
    let Some((name, unit, impact, folder, archived)) = PROJECTS.get(index) else { return Value::Null };
    json!({
        "id": project_id(index), "name": name, "slug": name.to_lowercase().replace(' ', "-"), "isFolder": folder, "archived": archived,
        "businessUnit": unit, "description": if *folder { String::new() } else { format!("Everything that belongs to {name}") },
        "riskProfile": {"businessImpact": impact}, "securityScore": 60 + index, "cloudAccountCount": index % 4,
        "projectOwners": [], "securityChampions": null,
    })
}
