//! Audit records, made up: what people, applications and the other side do in a tenant.
//!
//! Each operation is one row of [`OPERATIONS`]. Spelling varies as it does in life: user names in three cases, client addresses
//! with a port, in brackets or absent, numbers that no table explains, a record without an id.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::World;
use super::super::world::{Campaign, Dice, Person, Sample};

const AZURE: &str = "Audit.AzureActiveDirectory";
const EXCHANGE: &str = "Audit.Exchange";
const SHAREPOINT: &str = "Audit.SharePoint";
const GENERAL: &str = "Audit.General";
const DLP: &str = "DLP.All";

/// What an operation's maker can draw on.
struct Scene<'a> {
    world: &'a World,
    dice: &'a mut Dice,
    person: &'a Person,
    sample: &'a Sample,
    user: String,
    /// An address of the company's own.
    home: &'a str,
    /// An address of the other side.
    away: &'a str,
    at: Timestamp,
}

type Make = fn(&mut Scene<'_>) -> Value;

/// Content type, record type, workload, operation, how often, and what else the record says.
const OPERATIONS: [(&str, u16, &str, &str, usize, Make); 36] = [
    (AZURE, 15, "AzureActiveDirectory", "UserLoggedIn", 40, logged_in),
    (AZURE, 15, "AzureActiveDirectory", "UserLoginFailed", 25, login_failed),
    (AZURE, 8, "AzureActiveDirectory", "Add member to role.", 3, add_to_role),
    (AZURE, 8, "AzureActiveDirectory", "Consent to application.", 3, consent),
    (AZURE, 8, "AzureActiveDirectory", "Update user.", 8, update_user),
    (AZURE, 8, "AzureActiveDirectory", "Reset user password.", 4, update_user),
    (AZURE, 8, "AzureActiveDirectory", "Add service principal credentials.", 2, credentials_added),
    (AZURE, 8, "AzureActiveDirectory", "Disable Strong Authentication.", 1, update_user),
    (EXCHANGE, 50, "Exchange", "MailItemsAccessed", 30, mail_accessed),
    (EXCHANGE, 1, "Exchange", "New-InboxRule", 4, inbox_rule),
    (EXCHANGE, 1, "Exchange", "Set-Mailbox", 5, set_mailbox),
    (EXCHANGE, 1, "Exchange", "Add-MailboxPermission", 3, mailbox_permission),
    (EXCHANGE, 2, "Exchange", "Send", 15, mail_item),
    (EXCHANGE, 3, "Exchange", "HardDelete", 8, mail_item),
    (EXCHANGE, 2, "Exchange", "SendAs", 3, mail_item),
    (SHAREPOINT, 6, "SharePoint", "FileDownloaded", 25, file),
    (SHAREPOINT, 6, "OneDrive", "FileAccessed", 25, file),
    (SHAREPOINT, 6, "OneDrive", "FileUploaded", 12, file),
    (SHAREPOINT, 6, "SharePoint", "FileMalwareDetected", 2, malware_file),
    (SHAREPOINT, 14, "SharePoint", "SharingSet", 8, sharing),
    (SHAREPOINT, 14, "OneDrive", "AnonymousLinkCreated", 4, sharing),
    (SHAREPOINT, 4, "SharePoint", "SiteCollectionAdminAdded", 1, site_admin),
    (GENERAL, 25, "MicrosoftTeams", "MemberAdded", 12, team_member),
    (GENERAL, 25, "MicrosoftTeams", "TeamsSessionStarted", 18, team_session),
    (GENERAL, 25, "MicrosoftTeams", "AppInstalled", 3, team_app),
    (GENERAL, 18, "SecurityComplianceCenter", "New-ComplianceSearchAction", 2, compliance_search),
    (GENERAL, 40, "SecurityComplianceCenter", "AlertTriggered", 6, alert),
    (GENERAL, 28, "ThreatIntelligence", "TIMailData", 6, threat_mail),
    (GENERAL, 41, "ThreatIntelligence", "TIUrlClickData", 4, threat_click),
    (GENERAL, 64, "AirInvestigation", "AirInvestigationData", 2, investigation),
    (GENERAL, 65, "Quarantine", "QuarantineReleaseMessage", 3, quarantine),
    (GENERAL, 20, "PowerBI", "ExportReport", 3, report),
    (GENERAL, 30, "MicrosoftFlow", "CreateFlow", 2, flow),
    // No table explains this type; a live tenant has many such.
    (GENERAL, 1791, "Fabric", "LakehouseShortcutCreated", 2, flow),
    (DLP, 11, "SharePoint", "DlpRuleMatch", 10, dlp_file),
    (DLP, 13, "Exchange", "DlpRuleMatch", 10, dlp_mail),
];

/// A record of this content type about something that happened at this time.
pub(super) fn record(world: &World, dice: &mut Dice, content_type: &str, at: Timestamp) -> Value {
    let total: usize = OPERATIONS.iter().filter(|row| row.0 == content_type).map(|row| row.4).sum();
    let mut left = dice.below(total);
    for row in OPERATIONS.iter().filter(|row| row.0 == content_type) {
        if left < row.4 {
            return filled(world, dice, row, None, at);
        }
        left -= row.4;
    }
    Value::Null
}

/// One step of an account take-over: the same person, operation by operation, from an address of the other side.
pub(super) fn takeover(world: &World, dice: &mut Dice, step: usize, at: Timestamp) -> Option<(&'static str, Value)> {
    const STEPS: [&str; 13] = [
        "TIMailData",
        "UserLoginFailed",
        "UserLoginFailed",
        "UserLoginFailed",
        "UserLoginFailed",
        "UserLoggedIn",
        "MailItemsAccessed",
        "New-InboxRule",
        "Consent to application.",
        "FileDownloaded",
        "FileDownloaded",
        "AnonymousLinkCreated",
        "Send",
    ];
    let row = OPERATIONS.iter().find(|row| Some(&row.3) == STEPS.get(step).as_ref().copied())?;
    let away = world.campaign().address;
    let mut record = filled(world, dice, row, Some(world.campaign()), at);
    // A mail has a sender, not a client; Exchange writes the client with its port.
    if row.2 == "Exchange" {
        record["ClientIP"] = json!(format!("{away}:{}", 49_152 + dice.below(16_000)));
    } else if !record["ClientIP"].is_null() {
        record["ClientIP"] = json!(away);
    }
    if record.get("ActorIpAddress").is_some() {
        record["ActorIpAddress"] = json!(away);
    }
    Some((row.0, record))
}

fn filled(
    world: &World,
    dice: &mut Dice,
    row: &(&str, u16, &'static str, &'static str, usize, Make),
    campaign: Option<Campaign<'_>>,
    at: Timestamp,
) -> Value {
    let (_, record_type, workload, operation, _, make) = *row;
    let person = campaign.map_or_else(|| dice.pick(&world.people), |campaign| campaign.victim);
    let sample = campaign.map_or_else(|| dice.pick(&world.samples), |campaign| campaign.sample);
    let user = spelt(dice, person);
    let (bad, good) = world.addresses.split_at(world.addresses.len().min(12));
    let (any, home) = (dice.pick(bad).as_str(), dice.pick(good.get(..8).unwrap_or(good)).as_str());
    let id = dice.uuid();
    let user_type = if dice.chance(2) { 11 } else { *dice.pick(&[0, 0, 0, 0, 0, 0, 2, 4, 5, 6, 10]) };
    let mut record = json!({
        "CreationTime": at.strftime("%Y-%m-%dT%H:%M:%S").to_string(), "Id": id, "Operation": operation,
        "OrganizationId": world.tenant, "RecordType": record_type, "UserKey": person.id, "UserType": user_type, "Version": 1,
        "Workload": workload, "UserId": user,
    });
    let client = address(dice, home);
    record["ClientIP"] = client;
    let away = campaign.map_or(any, |campaign| campaign.address);
    let mut scene = Scene { world, dice, person, sample, user, home, away, at };
    if let Value::Object(extra) = make(&mut scene) {
        for (name, value) in extra {
            record[name.as_str()] = value;
        }
    }
    // Microsoft lists Id as mandatory; about one record in four hundred comes without all the same.
    if dice.below(400) == 0
        && let Value::Object(fields) = &mut record
    {
        fields.remove("Id");
    }
    record
}

fn spelt(dice: &mut Dice, person: &Person) -> String {
    match dice.below(8) {
        0 => person.mail.to_uppercase(),
        1 => {
            let mut words: Vec<String> = person.login.split('.').map(capital).collect();
            words.truncate(2);
            format!("{}@{}", words.join("."), person.mail.rsplit('@').next().unwrap_or_default())
        }
        _ => person.mail.clone(),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A client address as the workloads write it.
fn address(dice: &mut Dice, ip: &str) -> Value {
    match dice.below(12) {
        0 => json!(format!("{ip}:{}", 49_152 + dice.below(16_000))),
        1 => json!(format!("[2001:db8:{:x}::{:x}]:{}", dice.below(9), 1 + dice.below(200), 49_152 + dice.below(16_000))),
        2 => json!(format!("2001:db8::{:x}", 1 + dice.below(200))),
        3 => json!(format!("[::1]:{}", 49_152 + dice.below(16_000))),
        4 => Value::Null,
        5 => json!(format!("::ffff:{ip}")),
        _ => json!(ip),
    }
}

fn logged_in(scene: &mut Scene<'_>) -> Value {
    let ip = if scene.dice.chance(4) { scene.away } else { scene.home };
    let agent = *scene.dice.pick(&["Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Mozilla/5.0 (Macintosh)", "python-requests/2.32"]);
    json!({
        "ResultStatus": "Success", "ObjectId": "00000003-0000-0000-c000-000000000000", "ActorIpAddress": ip, "ClientIP": ip,
        "AzureActiveDirectoryEventType": 1, "ApplicationId": scene.dice.uuid(), "ErrorNumber": "0", "IntraSystemId": scene.dice.uuid(),
        "ExtendedProperties": [{"Name": "ResultStatusDetail", "Value": "Redirect"}, {"Name": "UserAgent", "Value": agent}],
        "DeviceProperties": [{"Name": "OS", "Value": "Windows10"}, {"Name": "SessionId", "Value": scene.dice.uuid()}],
        "Actor": [{"ID": scene.person.id, "Type": 0}, {"ID": scene.user, "Type": 5}],
    })
}

fn login_failed(scene: &mut Scene<'_>) -> Value {
    let (number, error) = *scene.dice.pick(&[
        ("50126", "InvalidUserNameOrPassword"),
        ("50053", "IdsLocked"),
        ("50074", "UserStrongAuthClientAuthNRequired"),
        ("53003", "BlockedByConditionalAccess"),
    ]);
    let ip = if scene.dice.chance(60) { scene.away } else { scene.home };
    // The status of a failed sign-in does say so only sometimes.
    let status = if scene.dice.chance(50) { "Success" } else { "Failed" };
    json!({
        "ResultStatus": status, "ObjectId": "Unknown", "ClientIP": ip, "ActorIpAddress": ip, "AzureActiveDirectoryEventType": 1,
        "LogonError": error, "ErrorNumber": number, "ApplicationId": scene.dice.uuid(),
        "ExtendedProperties": [{"Name": "RequestType", "Value": "OAuth2:Token"}, {"Name": "UserAgent", "Value": "BAV2ROPC"}],
        "Actor": [{"ID": scene.person.id, "Type": 0}, {"ID": scene.user, "Type": 5}],
    })
}

fn add_to_role(scene: &mut Scene<'_>) -> Value {
    let target = scene.dice.pick(&scene.world.people);
    let role = *scene.dice.pick(&["Global Administrator", "Exchange Administrator", "Helpdesk Administrator", "Reports Reader"]);
    json!({
        "ResultStatus": "Success", "ObjectId": target.mail, "AzureActiveDirectoryEventType": 1,
        "ModifiedProperties": [{"Name": "Role.DisplayName", "NewValue": role, "OldValue": ""}],
        "Target": [{"ID": format!("User_{}", target.id), "Type": 2}, {"ID": target.mail, "Type": 5}],
    })
}

fn consent(scene: &mut Scene<'_>) -> Value {
    let app = *scene.dice.pick(&["Mail Backup Pro", "PDF Merge Online", "Northwind Planner", "eM Client"]);
    json!({
        "ResultStatus": "Success", "ObjectId": scene.dice.uuid(), "AzureActiveDirectoryEventType": 1,
        "ModifiedProperties": [
            {"Name": "ConsentContext.IsAdminConsent", "NewValue": if scene.dice.chance(40) { "True" } else { "False" }, "OldValue": ""},
            {"Name": "ConsentAction.Permissions", "NewValue": "[[Scope: Mail.Read offline_access User.Read]]", "OldValue": ""}],
        "Target": [{"ID": format!("ServicePrincipal_{}", scene.dice.uuid()), "Type": 2}, {"ID": app, "Type": 1}],
    })
}

fn update_user(scene: &mut Scene<'_>) -> Value {
    let target = scene.dice.pick(&scene.world.people);
    json!({
        "ResultStatus": *scene.dice.pick(&["Success", "Success", "Failure"]), "ObjectId": target.mail, "AzureActiveDirectoryEventType": 1,
        "ModifiedProperties": [{"Name": "StrongAuthenticationMethod", "NewValue": "[]", "OldValue": "[{\"MethodType\":6}]"}],
        "ExtendedProperties": [{"Name": "additionalDetails", "Value": "{\"UserType\":\"Member\"}"}],
    })
}

fn credentials_added(scene: &mut Scene<'_>) -> Value {
    json!({
        "ResultStatus": "Success", "ObjectId": scene.dice.uuid(), "AzureActiveDirectoryEventType": 1,
        "ModifiedProperties": [{"Name": "KeyDescription",
            "NewValue": format!("[KeyIdentifier={},KeyType=Password,KeyUsage=Verify,DisplayName=ci]", scene.dice.uuid()), "OldValue": "[]"}],
    })
}

fn mail_accessed(scene: &mut Scene<'_>) -> Value {
    let access = *scene.dice.pick(&["Bind", "Bind", "Sync"]);
    json!({
        "ResultStatus": "Succeeded", "MailboxOwnerUPN": scene.person.mail, "MailboxGuid": scene.dice.uuid(),
        "LogonType": 0, "ExternalAccess": false, "ClientInfoString": "Client=REST;Client=RESTSystem;;",
        "ClientIPAddress": scene.home, "OperationCount": 1 + scene.dice.below(40),
        "OperationProperties": [{"Name": "MailAccessType", "Value": access}, {"Name": "IsThrottled", "Value": "False"}],
        "Folders": [{"Path": "\\Inbox", "FolderItems": [{"InternetMessageId": format!("<{}@{}>", scene.dice.hex(12), scene.world.domain)}]}],
        "AppAccessContext": {"AADSessionId": scene.dice.uuid(), "ClientAppId": scene.dice.uuid(), "ClientAppName": "Outlook", "UniqueTokenId": scene.dice.hex(22), "IssuedAtTime": scene.at.strftime("%Y-%m-%dT%H:%M:%S").to_string()},
    })
}

fn inbox_rule(scene: &mut Scene<'_>) -> Value {
    let to = format!("archive@{}", scene.dice.pick(&scene.world.domains));
    let name = *scene.dice.pick(&[".", "..", "rss", "Invoices"]);
    json!({
        "ResultStatus": "True", "ObjectId": format!("{}\\{name}", scene.person.mail), "OriginatingServer": "AM0PR01 (15.20.8000.012)",
        "Parameters": [{"Name": "Name", "Value": name}, {"Name": "ForwardTo", "Value": to},
            {"Name": "SubjectOrBodyContainsWords", "Value": "invoice;payment;wire"}, {"Name": "DeleteMessage", "Value": "True"}],
    })
}

fn set_mailbox(scene: &mut Scene<'_>) -> Value {
    let forward = if scene.dice.chance(30) { format!("smtp:copy@{}", scene.dice.pick(&scene.world.domains)) } else { String::new() };
    json!({
        "ResultStatus": "True", "ObjectId": scene.person.login, "UserId": "NT AUTHORITY\\SYSTEM (w3wp)", "UserType": 3, "ClientIP": "",
        "Parameters": [{"Name": "Identity", "Value": scene.person.mail}, {"Name": "ForwardingSmtpAddress", "Value": forward}],
    })
}

fn mailbox_permission(scene: &mut Scene<'_>) -> Value {
    let other = scene.dice.pick(&scene.world.people);
    json!({
        "ResultStatus": if scene.dice.chance(90) { "True" } else { "False" }, "ObjectId": other.login,
        "Parameters": [{"Name": "Identity", "Value": other.mail}, {"Name": "User", "Value": scene.person.mail}, {"Name": "AccessRights", "Value": "FullAccess"}],
    })
}

fn mail_item(scene: &mut Scene<'_>) -> Value {
    let subject =
        *scene.dice.pick(&["Re: Q3 figures", "Invoice 8841 overdue", "Wire instructions", "Lunch?", "Your mailbox is almost full"]);
    let sample = scene.sample;
    json!({
        "ResultStatus": *scene.dice.pick(&["Succeeded", "Succeeded", "PartiallySucceeded"]), "MailboxOwnerUPN": scene.person.mail,
        "LogonType": scene.dice.below(3), "ClientInfoString": "Client=OWA;Action=ViaProxy",
        "Item": {"Subject": subject, "Attachments": format!("{} (84211b)", sample.name),
            "InternetMessageId": format!("<{}@{}>", scene.dice.hex(12), scene.world.domain), "ParentFolder": {"Path": "\\Sent Items"}},
    })
}

fn path(scene: &mut Scene<'_>, name: &str) -> (String, String) {
    let site = *scene.dice.pick(&["Finance", "Board", "Engineering", "People"]);
    let site = format!("https://northwind.sharepoint.example/sites/{site}");
    (format!("{site}/Shared Documents/{name}"), format!("{site}/"))
}

fn file(scene: &mut Scene<'_>) -> Value {
    let name = *scene.dice.pick(&["Budget 2027.xlsx", "Payroll.xlsx", "Roadmap.pptx", "keys.kdbx", "Contract – Fabrikam.docx", "notes.md"]);
    let (object, site) = path(scene, name);
    json!({
        "ObjectId": object, "SiteUrl": site, "SourceFileName": name, "SourceFileExtension": name.rsplit('.').next(),
        "SourceRelativeUrl": "Shared Documents", "ItemType": "File", "EventSource": "SharePoint", "UserAgent": "OneDriveSync/24.1",
        "UserKey": format!("i:0h.f|membership|{}@live.com", scene.dice.hex(16)), "Scope": 0, "Site": scene.dice.uuid(), "WebId": scene.dice.uuid(),
        "FileSizeBytes": 1_000 + scene.dice.below(9_000_000),
    })
}

fn malware_file(scene: &mut Scene<'_>) -> Value {
    let sample = scene.sample;
    let (object, site) = path(scene, &sample.name);
    json!({
        "ObjectId": object, "SiteUrl": site, "SourceFileName": sample.name, "ItemType": "File", "VirusInfo": sample.detection,
        "VirusVendor": "Default", "EventSource": "SharePoint",
    })
}

fn sharing(scene: &mut Scene<'_>) -> Value {
    let name = *scene.dice.pick(&["Budget 2027.xlsx", "Customer list.csv", "Org chart.vsdx"]);
    let (object, site) = path(scene, name);
    let outside = format!("{}@{}", scene.dice.pick(&["j.doe", "info", "drop"]), scene.dice.pick(&scene.world.domains));
    json!({
        "ObjectId": object, "SiteUrl": site, "SourceFileName": name, "ItemType": "File", "EventSource": "SharePoint",
        "TargetUserOrGroupType": "Guest", "TargetUserOrGroupName": outside, "EventData": "<Type>Edit</Type>", "UniqueSharingId": scene.dice.uuid(),
    })
}

fn site_admin(scene: &mut Scene<'_>) -> Value {
    let (_, site) = path(scene, "");
    let other = scene.dice.pick(&scene.world.people);
    json!({"ObjectId": site, "SiteUrl": site, "ItemType": "Web", "TargetUserOrGroupName": other.mail, "TargetUserOrGroupType": "Member",
        "ModifiedProperties": [{"Name": "SiteAdmin", "NewValue": other.mail, "OldValue": ""}]})
}

fn team_member(scene: &mut Scene<'_>) -> Value {
    let guest = scene.dice.chance(20);
    let member = if guest {
        format!("guest_{}#EXT#@{}", scene.dice.hex(4), scene.world.domain)
    } else {
        scene.dice.pick(&scene.world.people).mail.clone()
    };
    json!({
        "ObjectId": scene.dice.uuid(), "TeamName": *scene.dice.pick(&["Finance", "All hands", "Project Heron", "SOC"]), "TeamGuid": format!("19:{}@thread.tacv2", scene.dice.hex(32)),
        "Members": [{"UPN": member, "DisplayName": "", "Role": if guest { 3 } else { 1 }}], "CommunicationType": "Team", "ItemName": "Team",
    })
}

fn team_session(scene: &mut Scene<'_>) -> Value {
    json!({"ObjectId": *scene.dice.pick(&["Windows (1.7)", "iOS (6.1)", "Unknown(Unknown)"]), "ResultStatus": "success", "ItemName": scene.user})
}

fn team_app(scene: &mut Scene<'_>) -> Value {
    json!({"AddOnName": *scene.dice.pick(&["Polly", "Remote Screen Helper", "Trello"]), "AddOnType": 4, "AddOnGuid": scene.dice.uuid(), "OperationScope": "User"})
}

fn compliance_search(scene: &mut Scene<'_>) -> Value {
    json!({
        "ObjectId": format!("case-{}_Export", scene.dice.hex(4)), "ResultStatus": "Succeeded", "SecurityComplianceCenterEventType": 0, "ClientApplication": "EMC",
        "CmdletVersion": "8.0", "Parameters": "-Export \"True\" -Format \"FxStream\"", "StartTime": scene.at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
    })
}

fn alert(scene: &mut Scene<'_>) -> Value {
    let (name, severity) = *scene.dice.pick(&[
        ("Suspicious email sending patterns detected", "Medium"),
        ("Creation of forwarding/redirect rule", "Informational"),
        ("Elevation of Exchange admin privilege", "Low"),
        ("User restricted from sending email", "High"),
        ("Malware campaign detected after delivery", "High"),
    ]);
    json!({
        "AlertId": scene.dice.uuid(), "ObjectId": scene.dice.uuid(), "Name": name, "Severity": severity, "Category": "ThreatManagement", "Source": "Office 365 Security & Compliance",
        "Status": "Active", "ResultStatus": "Succeeded", "UserId": "SecurityComplianceAlerts", "UserType": 4, "ClientIP": Value::Null, "AlertEntityId": scene.person.mail, "EntityType": "User",
        "Data": json!({"etype": "User", "eid": scene.person.mail, "sev": severity}).to_string(),
    })
}

fn threat_mail(scene: &mut Scene<'_>) -> Value {
    let sample = scene.sample;
    let sender = format!("billing@{}", scene.dice.pick(&scene.world.domains));
    let away = scene.away;
    json!({
        "ObjectId": scene.dice.uuid(), "UserId": "ThreatIntel", "UserKey": "ThreatIntel", "UserType": 4, "ClientIP": Value::Null,
        "P1Sender": sender, "P2Sender": sender, "SenderIp": away, "Recipients": [scene.person.mail], "Subject": "Invoice 8841 overdue",
        "Verdict": *scene.dice.pick(&["Phish", "Malware", "Spam"]), "DeliveryAction": *scene.dice.pick(&["Delivered", "DeliveredAsSpam", "Blocked"]),
        "DetectionMethod": "File detonation", "NetworkMessageId": scene.dice.uuid(), "Directionality": "Inbound",
        "AttachmentData": [{"FileName": sample.name, "FileType": "exe", "FileVerdict": 1, "MalwareFamily": sample.detection, "SHA256": sample.sha256.to_uppercase()}],
    })
}

fn threat_click(scene: &mut Scene<'_>) -> Value {
    let url = format!("https://{}/owa/{}", scene.dice.pick(&scene.world.domains), scene.dice.hex(6));
    json!({
        "ObjectId": url, "Url": url, "UserIp": scene.home, "SourceWorkload": "Mail", "SourceId": scene.dice.uuid(), "AppName": "Mail", "UrlClickAction": *scene.dice.pick(&[2, 3, 5]),
        "EventDeepLink": "https://protection.office.example/?hash=x", "TimeOfClick": scene.at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
    })
}

fn investigation(scene: &mut Scene<'_>) -> Value {
    json!({
        "ObjectId": scene.dice.uuid(), "UserId": "AirInvestigation", "UserType": 4, "ClientIP": Value::Null, "InvestigationId": format!("urn:ZappedUrlInvestigation:{}", scene.dice.hex(32)), "InvestigationType": "ZappedUrlInvestigation",
        "InvestigationName": "Mail with malicious urls is zapped", "Status": "Pending Action", "RunningTime": scene.dice.below(9000),
        "Data": json!({"Entities": [{"Type": "mailbox", "Upn": scene.person.mail}], "Severity": "Medium"}).to_string(),
    })
}

fn quarantine(scene: &mut Scene<'_>) -> Value {
    json!({"ObjectId": scene.dice.uuid(), "NetworkMessageId": scene.dice.uuid(), "RequestSource": 0, "RequestType": 4, "ReleaseTo": scene.person.mail})
}

fn report(scene: &mut Scene<'_>) -> Value {
    json!({"ObjectId": "Quarterly revenue", "ReportName": "Quarterly revenue", "WorkSpaceName": "Board", "Activity": "ExportReport", "IsSuccess": true, "ItemName": "Quarterly revenue", "RequestId": scene.dice.uuid()})
}

fn flow(scene: &mut Scene<'_>) -> Value {
    json!({"ObjectId": format!("/providers/Microsoft.ProcessSimple/flows/{}", scene.dice.uuid()), "ResultStatus": "Success", "FlowConnectorNames": "Office 365 Outlook, HTTP"})
}

fn dlp(scene: &mut Scene<'_>, severity: &str) -> Value {
    let value = format!("4111 1111 1111 {:04}", scene.dice.below(10_000));
    json!([{"PolicyId": scene.dice.uuid(), "PolicyName": "Payment cards leave the house", "Rules": [{"RuleId": scene.dice.uuid(), "RuleName": "Many card numbers", "Severity": severity,
        "Actions": ["BlockAccess", "NotifyUser"], "ConditionsMatched": {"SensitiveInformation": [{"SensitiveType": "50842eb7-edc8-4019-85dd-5a5c1f2bb085", "Count": 3, "Confidence": 85,
            "SensitiveInformationDetections": {"DetectedValues": [{"Name": "CreditCardNumber", "Value": value}], "ResultsTruncated": false}}]}}]}])
}

fn dlp_file(scene: &mut Scene<'_>) -> Value {
    let (object, site) = path(scene, "Customer list.csv");
    let severity = *scene.dice.pick(&["Low", "Medium", "High"]);
    let details = dlp(scene, severity);
    json!({"ObjectId": object, "UserType": 4, "UserKey": "DlpAgent", "IncidentId": scene.dice.uuid(), "SensitiveInfoDetectionIsIncluded": true, "PolicyDetails": details,
        "SharePointMetaData": {"FileName": "Customer list.csv", "FilePathUrl": object, "SiteCollectionUrl": site, "From": scene.person.mail}})
}

fn dlp_mail(scene: &mut Scene<'_>) -> Value {
    let to = format!("info@{}", scene.dice.pick(&scene.world.domains));
    let severity = *scene.dice.pick(&["Low", "Medium", "High"]);
    let details = dlp(scene, severity);
    json!({"ObjectId": format!("<{}@{}>", scene.dice.hex(12), scene.world.domain), "UserType": 4, "IncidentId": scene.dice.uuid(), "SensitiveInfoDetectionIsIncluded": true, "PolicyDetails": details,
        "ExchangeMetaData": {"From": scene.person.mail, "To": [to], "Subject": "cards", "MessageID": scene.dice.hex(12)}})
}

/// When something happened whose record became available at this time: mostly an hour or so before, now and then days.
pub(super) fn happened(dice: &mut Dice, available: Timestamp) -> Timestamp {
    let minutes = if dice.chance(2) { 1_440 + dice.below(2_880) } else { 3 + dice.below(85) };
    available - SignedDuration::from_secs(i64::try_from(minutes * 60 + dice.below(60)).unwrap_or(0))
}

/// What the other side would write into a name, were it asked for one.
const HOSTILE: [&str; 4] = [
    "\u{1b}[2J\u{1b}[31mowned\u{7}",
    "invoice\u{202e}fdp.exe",
    "=HYPERLINK(\"http://evil.invalid\",\"open\")",
    "line one\r\nline two\u{2028}\u{200b}\u{9b}31m",
];

/// Puts hostile text into the fields that outsiders can choose.
pub(super) fn make_hostile(record: &mut Value, turn: usize) {
    let text = HOSTILE[turn % HOSTILE.len()];
    let Value::Object(fields) = record else { return };
    for name in ["ObjectId", "SourceFileName", "Subject", "TeamName", "Name", "AddOnName"] {
        if let Some(Value::String(value)) = fields.get_mut(name) {
            *value = format!("{text} {value}");
        }
    }
}

/// Takes out what only `ActivityFeed.ReadDlp` may see.
pub(super) fn without_sensitive(record: &mut Value) {
    if let Some(included) = record.get_mut("SensitiveInfoDetectionIsIncluded") {
        *included = json!(false);
    }
    for policy in record.get_mut("PolicyDetails").and_then(Value::as_array_mut).into_iter().flatten() {
        for rule in policy["Rules"].as_array_mut().into_iter().flatten() {
            rule["ConditionsMatched"] = json!({});
        }
    }
}
