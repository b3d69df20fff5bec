//! Records as events: fields, entities, title, and how bad they are.
//!
//! The feed itself knows no severity. Alerts and policy matches carry their own; for the rest [`RULES`] says what a record of that
//! operation is worth looking at, and the event is marked as derived.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::content::{Blob, moment};
use super::record_types;
use crate::core::entity::EntityKind;
use crate::core::event::{Event, Severity, SeverityOrigin};
use crate::core::mapping::{Mapping, text_at};

/// The context paths of the document with the record's members; `ResultsStatus` is spelt as there.
pub(super) const FIELDS: [(&str, &str); 13] = [
    ("ID", "Id"),
    ("CreationTime", "CreationTime"),
    ("RecordType", "RecordType"),
    ("Operation", "Operation"),
    ("UserType", "UserType"),
    ("OrganizationID", "OrganizationId"),
    ("UserKey", "UserKey"),
    ("ClientIP", "ClientIP"),
    ("Scope", "Scope"),
    ("Workload", "Workload"),
    ("ResultsStatus", "ResultStatus"),
    ("ObjectID", "ObjectId"),
    ("UserID", "UserId"),
];

/// Operations that are worth a look, and how much. An operation that is not listed is for information.
const RULES: [(&str, Severity); 38] = [
    ("FileMalwareDetected", Severity::High),
    ("Disable Strong Authentication.", Severity::High),
    ("Add service principal credentials.", Severity::High),
    ("Update application – Certificates and secrets management", Severity::High),
    ("Set-AdminAuditLogConfig", Severity::High),
    ("Set-MailboxAuditBypassAssociation", Severity::High),
    ("New-TransportRule", Severity::High),
    ("New-InboxRule", Severity::Medium),
    ("Set-InboxRule", Severity::Medium),
    ("UpdateInboxRules", Severity::Medium),
    ("Add-MailboxPermission", Severity::Medium),
    ("Add member to role.", Severity::Medium),
    ("Consent to application.", Severity::Medium),
    ("Add delegated permission grant.", Severity::Medium),
    ("Add app role assignment to service principal.", Severity::Medium),
    ("Set domain authentication.", Severity::High),
    ("SiteCollectionAdminAdded", Severity::Medium),
    ("AnonymousLinkCreated", Severity::Medium),
    ("New-ComplianceSearchAction", Severity::Medium),
    ("TIMailData", Severity::Medium),
    ("TIUrlClickData", Severity::High),
    ("AirInvestigationData", Severity::Medium),
    ("QuarantineReleaseMessage", Severity::Low),
    ("UserLoginFailed", Severity::Low),
    ("Reset user password.", Severity::Low),
    ("Change user license.", Severity::Informational),
    ("SendAs", Severity::Low),
    ("SendOnBehalf", Severity::Low),
    ("HardDelete", Severity::Low),
    ("Set-Mailbox", Severity::Low),
    ("SharingSet", Severity::Low),
    ("SharingInvitationCreated", Severity::Low),
    ("CompanyLinkCreated", Severity::Low),
    ("AppInstalled", Severity::Low),
    ("MemberRoleChanged", Severity::Low),
    ("ExportReport", Severity::Low),
    ("CreateFlow", Severity::Low),
    ("DlpRuleMatch", Severity::Medium),
];

/// How records become events.
pub(super) fn mapping() -> Mapping {
    Mapping::new(
        "$",
        &FIELDS,
        &[
            (EntityKind::User, ".UserId"),
            (EntityKind::Mail, ".MailboxOwnerUPN"),
            (EntityKind::File, ".SourceFileName"),
            (EntityKind::Hash, ".FileHash"),
            (EntityKind::Hash, ".AttachmentData[*].SHA256"),
            (EntityKind::File, ".AttachmentData[*].FileName"),
            (EntityKind::Mail, ".P1Sender"),
            (EntityKind::Mail, ".Members[*].UPN"),
            (EntityKind::Device, ".DeviceId"),
        ],
    )
}

/// The fields of a record by the document's names; null and absent members are left out.
pub(super) fn fields(record: &Value) -> Map<String, Value> {
    FIELDS
        .iter()
        .filter_map(|(name, member)| Some(((*name).to_owned(), record.get(member)?.clone())))
        .filter(|(_, value)| !value.is_null())
        .collect()
}

/// The key of a record: its id, or, since some lack one, its place in its blob.
pub(super) fn key(record: &Value, blob: &Blob, n: usize) -> String {
    text_at(record, ".Id").unwrap_or_else(|| format!("{}#{n}", blob.id))
}

/// A record as an event.
pub(super) fn event(content_type: &str, mapping: &Mapping, record: Value, blob: &Blob, n: usize) -> Event {
    let (severity, severity_origin, vendor_severity) = severity(&record);
    let mut fields = fields(&record);
    if let Some(name) = record_types::of(&record).and_then(record_types::name) {
        fields.insert("RecordTypeName".into(), Value::from(name));
    }
    Event {
        event_type: content_type.into(),
        key: key(&record, blob, n),
        title: title(&record),
        severity,
        severity_origin,
        vendor_severity,
        vendor_status: text_at(&record, ".ResultStatus"),
        vendor_means: None,
        occurred_at: happened(&record).unwrap_or(blob.created),
        updated_at: None,
        assignee: None,
        entities: entities(mapping, &record),
        fields,
        raw: record,
    }
}

/// When a record's event happened; the time has no zone and is UTC.
pub(super) fn happened(record: &Value) -> Option<Timestamp> {
    moment(&text_at(record, ".CreationTime")?)
}

fn entities(mapping: &Mapping, record: &Value) -> Vec<crate::core::entity::Entity> {
    let mut found = mapping.entities_of(record);
    let object = text_at(record, ".ObjectId").unwrap_or_default();
    let kind = if object.starts_with("https://") || object.starts_with("http://") {
        Some(EntityKind::Url)
    } else if object.contains('@') && !object.contains([' ', '<', '\\']) {
        Some(EntityKind::Mail)
    } else {
        None
    };
    if let Some(kind) = kind {
        found.push(crate::core::entity::Entity { kind, value: object, path: "$.ObjectId".into() });
    }
    found
}

fn title(record: &Value) -> String {
    let operation = text_at(record, ".Operation").unwrap_or_else(|| "Record without an operation".into());
    let what = [".Name", ".SourceFileName", ".Item.Subject", ".Subject", ".PolicyDetails[0].PolicyName", ".TeamName", ".VirusInfo"];
    let what = what.iter().find_map(|path| text_at(record, path));
    match (text_at(record, ".UserId"), what) {
        (Some(user), Some(what)) => format!("{operation}: {what} ({user})"),
        (Some(user), None) => format!("{operation}: {user}"),
        (None, Some(what)) => format!("{operation}: {what}"),
        (None, None) => operation,
    }
}

/// How bad a record is, who says so, and the vendor's own word.
fn severity(record: &Value) -> (Severity, SeverityOrigin, Option<String>) {
    let own = text_at(record, ".Severity").or_else(|| {
        let rules = crate::core::mapping::values_at(record, ".PolicyDetails[*].Rules[*].Severity");
        let words = rules.into_iter().filter_map(|(_, value)| value.as_str());
        words.max_by_key(|word| Severity::parse(word).unwrap_or_default()).map(str::to_owned)
    });
    if let Some(word) = own {
        return (Severity::parse(word.trim()).unwrap_or_default(), SeverityOrigin::Vendor, Some(word));
    }
    let operation = text_at(record, ".Operation").unwrap_or_default();
    let rule = RULES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&operation)).map(|(_, severity)| *severity);
    let severity = match (rule, operation.as_str()) {
        // A rule that sends mail out of the house or deletes it on arrival is what a take-over leaves behind.
        (Some(_), "New-InboxRule" | "Set-InboxRule" | "Set-Mailbox") if forwards(record) => Severity::High,
        (Some(_), "Add member to role.") if grants_all(record) => Severity::High,
        (Some(severity), _) => severity,
        (None, "") => return (Severity::Unknown, SeverityOrigin::None, None),
        (None, _) => Severity::Informational,
    };
    (severity, SeverityOrigin::Derived, None)
}

fn forwards(record: &Value) -> bool {
    let parameters = record.get("Parameters").and_then(Value::as_array);
    parameters.into_iter().flatten().any(|parameter| {
        let name = parameter.get("Name").and_then(Value::as_str).unwrap_or_default();
        let value = parameter.get("Value").and_then(Value::as_str).unwrap_or_default();
        matches!(name, "ForwardTo" | "ForwardAsAttachmentTo" | "RedirectTo" | "ForwardingSmtpAddress") && !value.is_empty()
    })
}

fn grants_all(record: &Value) -> bool {
    let properties = record.get("ModifiedProperties").and_then(Value::as_array);
    properties.into_iter().flatten().any(|property| {
        let value = property.get("NewValue").and_then(Value::as_str).unwrap_or_default();
        value.contains("Global Administrator") || value.contains("Company Administrator") || value.contains("Privileged Role")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn blob() -> Blob {
        Blob { id: "b".into(), uri: String::new(), created: Timestamp::UNIX_EPOCH }
    }

    fn made(record: Value) -> Event {
        event("Audit.General", &mapping(), record, &blob(), 3)
    }

    #[test]
    fn a_record_is_mapped_by_the_documents_names() {
        let event = made(json!({"CreationTime": "2026-11-01T09:58:31", "Id": "6a1c", "Operation": "MemberAdded", "OrganizationId": "o",
            "RecordType": 25, "UserKey": "k", "UserType": 12, "Version": 1, "Workload": "MicrosoftTeams", "UserId": "dana@contoso.example",
            "ClientIP": null, "ResultStatus": "Success", "ObjectId": "team-42"}));
        assert_eq!((event.key.as_str(), event.occurred_at.to_string().as_str()), ("6a1c", "2026-11-01T09:58:31Z"));
        assert_eq!(event.fields["ResultsStatus"], "Success");
        assert_eq!((&event.fields["RecordType"], &event.fields["RecordTypeName"]), (&json!(25), &json!("MicrosoftTeams")));
        assert!(!event.fields.contains_key("ClientIP"), "null is absent");
        assert_eq!((event.severity, event.severity_origin), (Severity::Informational, SeverityOrigin::Derived));
        assert!(event.entities.iter().any(|entity| entity.kind == EntityKind::User && entity.value == "dana@contoso.example"));
    }

    #[test]
    fn severity_is_the_vendors_where_it_has_one_and_derived_else() {
        for (record, severity, origin) in [
            (json!({"Operation": "AlertTriggered", "Severity": "High"}), Severity::High, SeverityOrigin::Vendor),
            (
                json!({"Operation": "DlpRuleMatch", "PolicyDetails": [{"Rules": [{"Severity": "Low"}, {"Severity": "High"}]}]}),
                Severity::High,
                SeverityOrigin::Vendor,
            ),
            (json!({"Operation": "AlertTriggered", "Severity": "Sev1"}), Severity::Unknown, SeverityOrigin::Vendor),
            (json!({"Operation": "UserLoginFailed", "ResultStatus": "Success"}), Severity::Low, SeverityOrigin::Derived),
            (
                json!({"Operation": "New-InboxRule", "Parameters": [{"Name": "ForwardTo", "Value": "x@y"}]}),
                Severity::High,
                SeverityOrigin::Derived,
            ),
            (json!({"Operation": "New-InboxRule", "Parameters": []}), Severity::Medium, SeverityOrigin::Derived),
            (json!({}), Severity::Unknown, SeverityOrigin::None),
        ] {
            let event = made(record.clone());
            assert_eq!((event.severity, event.severity_origin), (severity, origin), "{record}");
        }
    }

    #[test]
    fn records_without_an_id_do_not_share_a_key() {
        assert_eq!(made(json!({"Operation": "x"})).key, "b#3");
        assert_ne!(key(&json!({"Id": ""}), &blob(), 1), key(&json!({}), &blob(), 2));
    }
}
