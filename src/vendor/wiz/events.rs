//! The three event types: which list they come from, by which clock they are fetched, and how a record becomes an event.
//!
//! The field mappings are those of the source document (seed 001, Fetch Event Field Mapping), in its order and spelling.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::api::Document;
use super::list::{List, PAGE};
use super::write_back::meaning;
use crate::core::entity::{Entity, EntityKind};
use crate::core::event::{Event, Severity, SeverityOrigin};
use crate::core::mapping::{Mapping, key_at, scalar, text_at, values_at};

/// One of the document's event types.
#[derive(Debug)]
pub struct EventType {
    /// The document's name.
    pub name: &'static str,
    /// `__typename` of its records.
    pub type_name: &'static str,
    /// The list that it comes from.
    pub list: List,
    /// Filter and field that tell when a record counts as new: status changed, first seen, updated.
    pub clock: &'static str,
    /// Field that tells when it happened.
    happened: &'static str,
    /// Paths of the severity, best first.
    severity: &'static [&'static str],
    /// Statuses that it can be asked for.
    pub statuses: &'static [&'static str],
    /// How the API calls the lowest severity in a filter.
    pub lowest: &'static str,
    /// Paths of the two halves of a title.
    title: [&'static [&'static str]; 2],
    /// Paths of the type, the name and the id of what it is about.
    asset: [&'static str; 3],
    fields: &'static [(&'static str, &'static str)],
    entities: &'static [(EntityKind, &'static str)],
}

/// The event types, in the order of the document.
pub const TYPES: [EventType; 3] = [
    EventType {
        name: "Issues",
        type_name: "Issue",
        list: List { document: Document::ISSUES, root: "issues", title: "issues", page: PAGE },
        // No filter on `updatedAt` is known for issues: "modified" means that the status changed.
        clock: "statusChangedAt",
        happened: "createdAt",
        severity: &[".severity"],
        statuses: &["OPEN", "IN_PROGRESS", "RESOLVED", "REJECTED"],
        lowest: "INFORMATIONAL",
        title: [&[".sourceRule.name", ".description", ".type"], &[".entitySnapshot.name"]],
        asset: [".entitySnapshot.type", ".entitySnapshot.name", ".entitySnapshot.id"],
        fields: &[
            ("Document ID", ".id"),
            ("Start Time", ".createdAt"),
            ("Description", ".sourceRule.controlDescription"),
            ("Status", ".status"),
            ("Source type", ".sourceRule.name"),
            ("Resolved Time", ".resolvedAt"),
            ("Due Time", ".dueAt"),
            ("Updated Time", ".updatedAt"),
            ("Project Names", ".projects[*].name"),
            ("Related Service Tickets", ".serviceTickets"),
            ("Severity", ".severity"),
            ("Notes", ".notes[*].text"),
            ("Rule name", ".sourceRule.name"),
            ("Entity Provider ID", ".entitySnapshot.providerId"),
            ("Event Type", ".EventType"),
            ("Issue Type", ".type"),
            ("Entity ID", ".entitySnapshot.id"),
            ("Entity Type", ".entitySnapshot.type"),
            ("Entity Name", ".entitySnapshot.name"),
        ],
        entities: &[
            (EntityKind::CloudResource, ".entitySnapshot.providerId"),
            (EntityKind::TenantObject, ".sourceRule.id"),
            (EntityKind::TenantObject, ".projects[*].id"),
        ],
    },
    EventType {
        name: "Cloud Configuration Findings",
        type_name: "ConfigurationFinding",
        list: List {
            document: Document::CONFIGURATION_FINDINGS,
            root: "configurationFindings",
            title: "cloud configuration findings",
            page: PAGE,
        },
        clock: "firstSeenAt",
        happened: "firstSeenAt",
        severity: &[".severity"],
        statuses: &["OPEN", "RESOLVED", "REJECTED"],
        lowest: "INFORMATIONAL",
        title: [&[".rule.name"], &[".resource.name"]],
        asset: [".resource.type", ".resource.name", ".resource.id"],
        fields: &[
            ("Unique Event Key", ".id"),
            ("Start Time", ".firstSeenAt"),
            ("Description", ".rule.description"),
            ("Status", ".status"),
            ("Severity", ".severity"),
            ("Rule name", "rule.name"),
            ("Tag", ".tags"),
            ("Event Type", ".EventType"),
            ("Action result", ".result"),
            ("Remediation", ".remediation"),
            ("Target External ID", ".targetExternalId"),
            ("Resource Type", ".resource.type"),
            ("Resource Name", ".resource.name"),
            ("Resource ID", ".resource.id"),
            ("Rule ID", ".rule.id"),
            ("Subscription ID", ".resource.subscription.id"),
            ("Cloud Provider", ".resource.subscription.cloudProvider"),
            ("Security Sub Category Title", ".securitySubCategories[*].title"),
            ("Security Sub Category ID", ".securitySubCategories[*].id"),
        ],
        entities: &[
            (EntityKind::CloudResource, ".resource.providerId"),
            (EntityKind::TenantObject, ".rule.id"),
            (EntityKind::TenantObject, ".resource.projects[*].id"),
        ],
    },
    EventType {
        name: "Vulnerability Findings",
        type_name: "VulnerabilityFinding",
        list: List {
            document: Document::VULNERABILITY_FINDINGS,
            root: "vulnerabilityFindings",
            title: "vulnerability findings",
            page: PAGE,
        },
        clock: "updatedAt",
        happened: "firstDetectedAt",
        severity: &[".vendorSeverity", ".severity", ".CVSSSeverity"],
        statuses: &["OPEN", "RESOLVED", "REJECTED"],
        lowest: "NONE",
        title: [&[".name", ".detailedName"], &[".vulnerableAsset.name"]],
        asset: [".vulnerableAsset.type", ".vulnerableAsset.name", ".vulnerableAsset.id"],
        fields: &[
            ("Unique Event Key", ".id"),
            ("Start Time", ".firstDetectedAt"),
            ("Description", ".description"),
            ("Status", ".status"),
            ("Event name", ".name"),
            ("Last Detected Time", ".lastDetectedAt"),
            ("Score", ".score"),
            ("CVE", ".CVEDescription"),
            ("Project Names", ".projects[*].name"),
            ("Exploitability Score", ".exploitabilityScore"),
            ("Severity", ".vendorSeverity"),
            ("Impact Score", ".impactScore"),
            ("Remediation", ".remediation"),
            ("object path", ".locationPath"),
            ("Event Type", ".EventType"),
            ("Issue Type", ".type"),
            ("Version", ".version"),
            ("Fixed Version", ".fixedVersion"),
            ("EPSS Severity", ".epssSeverity"),
            ("Vulnerable Asset Type", ".vulnerableAsset.type"),
            ("Vulnerable Asset Name", ".vulnerableAsset.name"),
            ("Vulnerable Asset ID", ".vulnerableAsset.id"),
            ("Cloud Platform", ".vulnerableAsset.cloudPlatform"),
            ("Vulnerable Asset Subscription", ".vulnerableAsset.subscriptionName"),
            ("Vulnerable Asset Status", ".vulnerableAsset.status"),
            ("Operating system", ".vulnerableAsset.operatingSystem"),
            ("Vulnerable Asset IP Addresses", ".vulnerableAsset.ipAddresses"),
            ("Image Name", ".vulnerableAsset.imageName"),
            ("Vulnerable Asset Tags", ".vulnerableAsset.tags"),
        ],
        entities: &[
            (EntityKind::Cve, ".name"),
            (EntityKind::Ip, ".vulnerableAsset.ipAddresses[*]"),
            (EntityKind::CloudResource, ".vulnerableAsset.providerUniqueId"),
            (EntityKind::TenantObject, ".projects[*].id"),
        ],
    },
];

/// The event type of that name.
pub fn find(name: &str) -> Option<&'static EventType> {
    const ALL: &[EventType; 3] = &TYPES;
    ALL.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}

impl EventType {
    /// The mapping of the document.
    pub fn mapping(&self) -> Mapping {
        Mapping::new("$.data.nodes", self.fields, self.entities).search("__typename", self.type_name)
    }

    /// When a record counts as new, by the clock that it is fetched by.
    pub fn time(&self, record: &Value) -> Option<Timestamp> {
        record.get(self.clock)?.as_str()?.parse().ok()
    }

    /// A record as an event; `received` stands in where it does not say when it happened.
    pub fn event(&self, mapping: &Mapping, record: Value, received: Timestamp) -> Event {
        let moment = |path: &str| text_at(&record, path).and_then(|text| text.parse::<Timestamp>().ok());
        let severity = self.severity.iter().find_map(|path| text_at(&record, path));
        let first = |paths: &[&str]| paths.iter().find_map(|path| text_at(&record, path));
        let title = match (first(self.title[0]), first(self.title[1])) {
            (Some(what), Some(whose)) => format!("{what}: {whose}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => format!("{} without a name", self.type_name),
        };
        Event {
            event_type: self.name.into(),
            key: key_at(&record, ".id"),
            title,
            severity: severity.as_deref().map_or(Severity::Unknown, rank),
            severity_origin: if severity.is_some() { SeverityOrigin::Vendor } else { SeverityOrigin::None },
            vendor_severity: severity,
            vendor_means: text_at(&record, ".status").as_deref().and_then(meaning),
            vendor_status: text_at(&record, ".status"),
            occurred_at: moment(self.happened).or_else(|| self.time(&record)).unwrap_or(received),
            updated_at: moment(".updatedAt").or_else(|| self.time(&record)),
            assignee: None,
            entities: self.entities(mapping, &record),
            fields: self.fields(mapping, &record),
            raw: record,
        }
    }

    /// The mapped fields. `EventType` is no field of Wiz's; the document's mapping takes it from there all the same.
    fn fields(&self, mapping: &Mapping, record: &Value) -> Map<String, Value> {
        let mut own = mapping.fields_of(record);
        let mut fields = Map::new();
        for (name, path) in &mapping.fields {
            match own.remove(name) {
                Some(value) => fields.insert(name.clone(), value),
                None if path == ".EventType" => fields.insert(name.clone(), Value::from(self.name)),
                None => None,
            };
        }
        fields
    }

    /// What the mapping says, and what the asset's name and id are, which only its type tells. Addresses and the like inside texts are
    /// found by the core.
    fn entities(&self, mapping: &Mapping, record: &Value) -> Vec<Entity> {
        let mut found = mapping.entities_of(record);
        let [kind, name, id] = self.asset;
        let kind = text_at(record, kind).unwrap_or_default();
        let is = |known: &[&str]| known.iter().any(|part| kind.contains(part));
        let kinds: &[(EntityKind, &str)] = if is(&["VIRTUAL_MACHINE", "HOST", "COMPUTE_INSTANCE", "ENDPOINT"]) {
            &[(EntityKind::Host, name), (EntityKind::Device, id)]
        } else if is(&["USER", "SERVICE_ACCOUNT", "IDENTITY"]) {
            &[(EntityKind::User, name)]
        } else {
            &[]
        };
        for (kind, path) in kinds {
            let values = values_at(record, path).into_iter();
            found.extend(values.filter_map(|(path, value)| Some(Entity { kind: *kind, value: scalar(value)?, path })));
        }
        found.retain(|entity| !entity.value.is_empty());
        found
    }
}

/// A severity by rank. Wiz has five for issues, and `NONE` where nobody rated.
fn rank(text: &str) -> Severity {
    match text {
        "NONE" | "INFO" => Severity::Informational,
        other => Severity::parse(other).unwrap_or(Severity::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(name: &str, record: Value) -> Event {
        let kind = find(name).unwrap();
        kind.event(&kind.mapping(), record, Timestamp::UNIX_EPOCH)
    }

    /// The record of the source document.
    fn sample() -> Value {
        json!({"id": "i-1", "__typename": "Issue", "sourceRule": {"__typename": "Control", "id": "r-1",
            "name": "Secrets not stored in a secret container", "controlDescription": "", "resolutionRecommendation": "",
            "securitySubCategories": null, "risks": null}, "createdAt": "2024-04-17T19:17:28.470891Z",
            "updatedAt": "2024-10-16T16:31:35.986012Z", "dueAt": null, "type": "TOXIC_COMBINATION", "resolvedAt": null,
            "statusChangedAt": "2024-10-15T22:16:15.403053Z", "projects": null, "status": "OPEN", "severity": "HIGH",
            "entitySnapshot": {"id": "e-1", "type": "SECRET_INSTANCE", "nativeType": "", "name": "Certificate for kubernetes",
            "status": null, "cloudPlatform": null, "providerId": "k8s/configmap/x", "tags": {}}, "serviceTickets": [], "notes": []})
    }

    #[test]
    fn an_issue_is_mapped_as_the_document_says() {
        let event = event("Issues", sample());
        assert_eq!((event.key.as_str(), event.severity), ("i-1", Severity::High));
        assert_eq!(event.title, "Secrets not stored in a secret container: Certificate for kubernetes");
        assert_eq!(event.occurred_at.to_string(), "2024-04-17T19:17:28.470891Z");
        assert_eq!(event.updated_at.unwrap().to_string(), "2024-10-16T16:31:35.986012Z");
        assert_eq!(event.raw, sample());
        assert_eq!(
            Value::from(event.fields),
            json!({"Document ID": "i-1", "Start Time": "2024-04-17T19:17:28.470891Z", "Description": "", "Status": "OPEN",
                "Source type": "Secrets not stored in a secret container", "Updated Time": "2024-10-16T16:31:35.986012Z",
                "Related Service Tickets": [], "Severity": "HIGH", "Rule name": "Secrets not stored in a secret container",
                "Entity Provider ID": "k8s/configmap/x", "Event Type": "Issues", "Issue Type": "TOXIC_COMBINATION", "Entity ID": "e-1",
                "Entity Type": "SECRET_INSTANCE", "Entity Name": "Certificate for kubernetes"})
        );
    }

    #[test]
    fn findings_of_both_kinds_are_mapped_with_their_own_oddities() {
        let configuration = event(
            "Cloud Configuration Findings",
            json!({"id": "f", "firstSeenAt": "2026-01-01T00:00:00Z", "severity": "NONE", "result": "FAIL", "rule": {"id": "r", "name": "n"},
                "resource": {"type": "USER_ACCOUNT", "name": "dana@northwind.example", "subscription": {"id": "s", "cloudProvider": "AWS"},
                "tags": [{"key": "a", "value": "b"}]}, "securitySubCategories": [{"id": "1", "title": "x"}, {"id": "2", "title": "y"}]}),
        );
        assert_eq!(configuration.severity, Severity::Informational);
        assert_eq!(configuration.fields["Rule name"], json!("n"));
        assert_eq!(configuration.fields["Security Sub Category ID"], json!("1, 2"));
        assert!(!configuration.fields.contains_key("Tag"), "the document's path is not where the tags are");
        let kinds: Vec<_> = configuration.entities.iter().map(|entity| entity.kind).collect();
        assert!(kinds.contains(&EntityKind::User));
        let vulnerability = event(
            "Vulnerability Findings",
            json!({"id": "v", "name": "CVE-2024-3094", "CVEDescription": "d", "vendorSeverity": null, "severity": "weird", "score": 10,
                "vulnerableAsset": {"type": "VIRTUAL_MACHINE", "name": "SRV-1", "id": "m", "ipAddresses": ["10.0.0.1"], "tags": {"owner": "a@b.example"}}}),
        );
        assert_eq!((vulnerability.severity, vulnerability.vendor_severity.as_deref()), (Severity::Unknown, Some("weird")));
        assert_eq!(vulnerability.fields["CVE"], json!("d"));
        assert_eq!(vulnerability.fields["Vulnerable Asset IP Addresses"], json!(["10.0.0.1"]));
        let found: Vec<_> = vulnerability.entities.iter().map(|entity| (entity.kind.as_str(), entity.value.as_str())).collect();
        for wanted in [("cve", "CVE-2024-3094"), ("ip", "10.0.0.1"), ("host", "SRV-1"), ("device", "m")] {
            assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
        }
    }

    #[test]
    fn a_record_with_nothing_in_it_is_still_an_event() {
        for kind in &TYPES {
            let event = event(kind.name, json!({"id": "x"}));
            assert_eq!((event.key.as_str(), event.severity), ("x", Severity::Unknown));
            assert!(!event.title.is_empty());
        }
    }
}
