//! Entities: what an event mentions, and what a pivot goes by.

use serde::{Deserialize, Serialize};

/// The kinds of entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// An IP address.
    Ip,
    /// A host name.
    Host,
    /// A device, by its vendor's id.
    Device,
    /// A user, by login or directory id.
    User,
    /// A mail address.
    Mail,
    /// A file hash.
    Hash,
    /// A domain.
    Domain,
    /// An address on the web.
    Url,
    /// A file, by path or name.
    File,
    /// A known weakness, `CVE-…`.
    Cve,
    /// A resource in a cloud, by its provider's id.
    CloudResource,
    /// An object of a tenant (group, application, policy, project, rule), by id.
    TenantObject,
}

impl EntityKind {
    /// Every kind with its name.
    pub const ALL: [(&'static str, Self); 12] = [
        ("ip", Self::Ip),
        ("host", Self::Host),
        ("device", Self::Device),
        ("user", Self::User),
        ("mail", Self::Mail),
        ("hash", Self::Hash),
        ("domain", Self::Domain),
        ("url", Self::Url),
        ("file", Self::File),
        ("cve", Self::Cve),
        ("cloud_resource", Self::CloudResource),
        ("tenant_object", Self::TenantObject),
    ];

    /// The kind's name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether its values are ids that only their own vendor knows.
    pub fn is_local(self) -> bool {
        matches!(self, Self::Device | Self::TenantObject | Self::CloudResource)
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
    }
}

/// Something that an event mentions, as the vendor spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// As the vendor spells it.
    pub value: String,
    /// Where in the record it stands, as a JSONPath.
    pub path: String,
}

/// Members whose whole value is an entity, by name in lower case without signs. Vendors spell them many ways; the meaning is the same.
const MEMBERS: [(&str, EntityKind); 53] = [
    ("clientip", EntityKind::Ip),
    ("clientipaddress", EntityKind::Ip),
    ("ipaddress", EntityKind::Ip),
    ("ipaddresses", EntityKind::Ip),
    ("actoripaddress", EntityKind::Ip),
    ("remoteipaddress", EntityKind::Ip),
    ("localipaddress", EntityKind::Ip),
    ("senderip", EntityKind::Ip),
    ("lastexternalipaddress", EntityKind::Ip),
    ("lastipaddress", EntityKind::Ip),
    ("srcip", EntityKind::Ip),
    ("dstip", EntityKind::Ip),
    ("sourceip", EntityKind::Ip),
    ("destinationip", EntityKind::Ip),
    ("remoteip", EntityKind::Ip),
    ("localip", EntityKind::Ip),
    ("publicip", EntityKind::Ip),
    ("privateip", EntityKind::Ip),
    ("userprincipalname", EntityKind::User),
    ("upn", EntityKind::User),
    ("accountupn", EntityKind::User),
    ("userid", EntityKind::User),
    ("useruuid", EntityKind::User),
    ("username", EntityKind::User),
    ("userlogin", EntityKind::User),
    ("accountname", EntityKind::User),
    ("useremail", EntityKind::Mail),
    ("email", EntityKind::Mail),
    ("mail", EntityKind::Mail),
    ("emailaddress", EntityKind::Mail),
    ("deviceuuid", EntityKind::Device),
    ("deviceid", EntityKind::Device),
    ("azureaddeviceid", EntityKind::Device),
    ("mdedeviceid", EntityKind::Device),
    ("devicednsname", EntityKind::Host),
    ("hostname", EntityKind::Host),
    ("computername", EntityKind::Host),
    ("devicename", EntityKind::Host),
    ("dsthostname", EntityKind::Host),
    ("machinename", EntityKind::Host),
    ("fqdn", EntityKind::Host),
    ("sha1", EntityKind::Hash),
    ("sha256", EntityKind::Hash),
    ("md5", EntityKind::Hash),
    ("objecthashsha1", EntityKind::Hash),
    ("filehash", EntityKind::Hash),
    ("filesha256", EntityKind::Hash),
    ("cveid", EntityKind::Cve),
    ("domainname", EntityKind::Domain),
    ("providerid", EntityKind::CloudResource),
    ("provideruniqueid", EntityKind::CloudResource),
    ("filename", EntityKind::File),
    ("filepath", EntityKind::File),
];

/// The most entities that are taken from one record by pattern.
const MOST: usize = 64;
/// The longest text that is looked into.
const LONGEST: usize = 8_192;

/// Entities that stand in a record where no mapping says so: by the member's name, and by their look within texts.
pub fn extract(raw: &serde_json::Value) -> Vec<Entity> {
    let mut found = Vec::new();
    walk(raw, "", &mut "$".to_owned(), &mut found);
    found
}

fn walk(value: &serde_json::Value, member: &str, path: &mut String, found: &mut Vec<Entity>) {
    use std::fmt::Write;
    if found.len() >= MOST {
        return;
    }
    let length = path.len();
    match value {
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                let _ = if plain { write!(path, ".{name}") } else { write!(path, "[{}]", serde_json::Value::from(name.as_str())) };
                walk(value, name, path, found);
                path.truncate(length);
            }
        }
        serde_json::Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let _ = write!(path, "[{at}]");
                walk(item, member, path, found);
                path.truncate(length);
            }
        }
        serde_json::Value::String(text) if !text.is_empty() && text.len() <= LONGEST => look(text, member, path, found),
        _ => {}
    }
}

fn look(text: &str, member: &str, path: &str, found: &mut Vec<Entity>) {
    let name: String = member.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    // In snake case it is the customer's account, not a person's (seed 004).
    let name = if member == "account_name" { String::new() } else { name };
    let mut add = |kind: EntityKind, value: &str| {
        if !value.is_empty() && found.len() < MOST && !found.iter().any(|known| known.kind == kind && known.value == value) {
            found.push(Entity { kind, value: value.to_owned(), path: path.to_owned() });
        }
    };
    if let Some((_, kind)) = MEMBERS.iter().find(|(known, _)| *known == name) {
        match kind {
            EntityKind::Ip => {
                if let Some(ip) = address(text) {
                    add(EntityKind::Ip, &ip);
                }
                return;
            }
            EntityKind::User if is_mail(text) => {
                add(EntityKind::Mail, text);
                add(EntityKind::User, text);
                return;
            }
            EntityKind::Mail if !is_mail(text) => {}
            EntityKind::User | EntityKind::Device | EntityKind::Host | EntityKind::Hash if text.len() > 256 => return,
            kind => {
                add(*kind, text);
                return;
            }
        }
    }
    if let Some(kind) = whole(text, &name) {
        add(kind, text.trim());
        return;
    }
    // An id that looks like a mail address, and links that vendors leave blanks in.
    if name.ends_with("messageid") {
        return;
    }
    if is_url(text) && ["url", "uri", "link", "objectid"].iter().any(|end| name.ends_with(end)) && !text.contains(['\n', '"']) {
        add_url(text.trim(), &mut add);
        return;
    }
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '<' | '>' | '(' | ')' | '|' | '{' | '}')) {
        let word = word.trim_end_matches(['.', ':', '!', '?']);
        if is_url(word) {
            add_url(word, &mut add);
        } else if let Some((kind, value)) = word_kind(word).or_else(|| word_kind(word.rsplit('=').next().unwrap_or(word))) {
            add(kind, &value);
        }
    }
}

/// A link, and the host that it leads to.
fn add_url(link: &str, add: &mut impl FnMut(EntityKind, &str)) {
    add(EntityKind::Url, link);
    match url::Url::parse(link).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(domain)) => add(EntityKind::Domain, domain),
        Some(url::Host::Ipv4(ip)) => add(EntityKind::Ip, &ip.to_string()),
        Some(url::Host::Ipv6(ip)) => add(EntityKind::Ip, &ip.to_canonical().to_string()),
        None => {}
    }
}

fn is_url(word: &str) -> bool {
    ["https://", "http://", "ftp://", "hxxps://", "hxxp://"]
        .iter()
        .any(|scheme| word.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// What a single word is, and how it is spelt.
fn word_kind(word: &str) -> Option<(EntityKind, String)> {
    let hex = || word.bytes().all(|byte| byte.is_ascii_hexdigit()) && word.bytes().any(|byte| byte.is_ascii_alphabetic());
    if word.len() < 6 {
        None
    } else if is_mail(word) {
        Some((EntityKind::Mail, word.into()))
    } else if is_cve(word) {
        Some((EntityKind::Cve, word.into()))
    } else if matches!(word.len(), 32 | 40 | 64) && hex() {
        Some((EntityKind::Hash, word.into()))
    } else {
        let bare = word.contains("::") || word.split(':').count() == 8 && word.len() > 23;
        let likely = word.contains('.') || word.starts_with('[') || bare;
        address(word).filter(|_| likely).map(|ip| (EntityKind::Ip, ip))
    }
}

/// What a text is as a whole, which splitting it into words would tear apart: a path, a cloud's id of a resource, a login with its domain.
fn whole(text: &str, member: &str) -> Option<EntityKind> {
    /// Where paths of Unix begin; what begins elsewhere is as likely a path of an API.
    const ROOTS: [&str; 12] =
        ["/bin/", "/sbin/", "/usr/", "/etc/", "/tmp/", "/var/", "/home/", "/opt/", "/root/", "/dev/", "/Users/", "/Applications/"];
    let text = text.trim();
    if text.len() > 1_024 || text.contains(['\n', '\r', '"']) {
        return None;
    }
    let mut start = text.chars();
    let drive = start.next().is_some_and(|c| c.is_ascii_alphabetic()) && start.next() == Some(':') && start.next() == Some('\\');
    let share = text.strip_prefix("\\\\").is_some_and(|rest| rest.contains('\\'));
    if drive || share || (ROOTS.iter().any(|root| text.starts_with(root)) && !text.contains(' ')) {
        return Some(EntityKind::File);
    }
    let lower = text.get(..15).unwrap_or(text).to_ascii_lowercase();
    if (lower.starts_with("/subscriptions/") || lower.starts_with("arn:aws")) && !text.contains(' ') {
        return Some(EntityKind::CloudResource);
    }
    let who = ["user", "account", "actor", "owner", "login", "principal"].iter().any(|part| member.contains(part));
    let login = text.split_once('\\').is_some_and(|(domain, login)| {
        let fine = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '$'));
        domain.len() <= 64 && fine(domain) && fine(login)
    });
    (who && login).then_some(EntityKind::User)
}

fn is_mail(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '#' | '\'' | '&' | '!' | '~');
    !local.is_empty()
        && text.len() < 255
        && local.chars().all(fine)
        && domain.split('.').count() > 1
        && domain.split('.').all(|label| !label.is_empty())
        && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
}

fn is_cve(text: &str) -> bool {
    let mut parts = text.split('-');
    let digits =
        |part: Option<&str>, least: usize| part.is_some_and(|part| part.len() >= least && part.bytes().all(|byte| byte.is_ascii_digit()));
    parts.next().is_some_and(|part| part.eq_ignore_ascii_case("cve"))
        && digits(parts.next(), 4)
        && digits(parts.next(), 4)
        && parts.next().is_none()
}

/// An IP address in any of the vendors' spellings: with a port, in brackets, with a zone, mapped into IPv6.
fn address(text: &str) -> Option<String> {
    use std::net::{IpAddr, SocketAddr};
    let text = text.trim();
    let ip = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| text.strip_prefix('[')?.split([']', '%']).next()?.parse().ok())
        .or_else(|| text.split_once('%')?.0.parse().ok())?;
    // "No address" stands for nothing that could be looked for.
    (!ip.is_unspecified()).then(|| ip.to_canonical().to_string())
}

/// An entity's value for comparison, the same for every vendor's spelling of it. Never for showing.
pub fn normalise(kind: EntityKind, value: &str) -> String {
    let value = value.trim();
    match kind {
        EntityKind::Ip => address(value).unwrap_or_else(|| value.to_lowercase()),
        EntityKind::Hash | EntityKind::Device | EntityKind::Cve | EntityKind::TenantObject => value.to_lowercase(),
        // A user is its login, whoever writes it: CORP\dana.weiss, DANA.WEISS@northwind.example, dana.weiss.
        EntityKind::User => {
            let value = value.to_lowercase();
            let login = value.rsplit('\\').next().unwrap_or(&value);
            login.split('@').next().unwrap_or(login).to_owned()
        }
        EntityKind::Mail | EntityKind::Domain => value.trim_end_matches('.').to_lowercase(),
        // A host is its name without the domain, but an address stays one.
        EntityKind::Host => {
            address(value).unwrap_or_else(|| value.trim_end_matches('.').to_lowercase().split('.').next().unwrap_or_default().to_owned())
        }
        EntityKind::Url => url::Url::parse(value).map_or_else(|_| value.to_owned(), |url| url.to_string()),
        EntityKind::File => value.rsplit(['\\', '/']).next().unwrap_or(value).to_lowercase(),
        EntityKind::CloudResource => value.to_lowercase(),
    }
}

/// The kinds and values under which an entity is found: a mail address is its user too.
pub fn lookups(kind: EntityKind, value: &str) -> Vec<(EntityKind, String)> {
    let mut all = vec![(kind, normalise(kind, value))];
    match kind {
        EntityKind::Mail => all.push((EntityKind::User, normalise(EntityKind::User, value))),
        EntityKind::User if is_mail(value) => all.push((EntityKind::Mail, normalise(EntityKind::Mail, value))),
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_spelling_of_a_thing_is_the_same_thing() {
        for (kind, one, other) in [
            (EntityKind::User, "CORP\\dana.weiss", "DANA.WEISS@northwind.example"),
            (EntityKind::Ip, "203.0.113.9:50122", "203.0.113.9"),
            (EntityKind::Ip, "[2001:db8::1]:443", "2001:DB8:0::1"),
            (EntityKind::Ip, "::ffff:203.0.113.9", "203.0.113.9"),
            (EntityKind::Hash, "AB12", "ab12"),
            (EntityKind::Host, "WS-DANAW-07", "ws-danaw-07.northwind.example."),
            (EntityKind::Ip, "fe80::1%eth0", "FE80::1"),
            (EntityKind::Domain, "Evil.Example.", "evil.example"),
            (EntityKind::Mail, " Dana.Weiss@Northwind.Example", "dana.weiss@northwind.example"),
            (EntityKind::File, "C:\\Users\\x\\Invoice.exe", "invoice.exe"),
        ] {
            assert_eq!(normalise(kind, one), normalise(kind, other), "{one} and {other}");
        }
        assert_ne!(normalise(EntityKind::User, "dana.weiss"), normalise(EntityKind::User, "ilse.okafor"));
    }

    #[test]
    fn entities_are_found_by_name_and_by_look() {
        let raw = json!({"ClientIP": "203.0.113.9:443", "UserId": "Dana.Weiss@northwind.example", "n": {"text": ["see https://evil.example/x and CVE-2024-12345, da39a3ee5e6b4b0d3255bfef95601890afd80709"]}, "x": "not.an.entity 1.2.3"});
        let found: Vec<(EntityKind, String, String)> =
            extract(&raw).into_iter().map(|entity| (entity.kind, entity.value, entity.path)).collect();
        let has = |kind: EntityKind, value: &str, path: &str| found.contains(&(kind, value.to_owned(), path.to_owned()));
        assert!(has(EntityKind::Ip, "203.0.113.9", "$.ClientIP"));
        assert!(has(EntityKind::User, "Dana.Weiss@northwind.example", "$.UserId"));
        assert!(has(EntityKind::Url, "https://evil.example/x", "$.n.text[0]"));
        assert!(has(EntityKind::Domain, "evil.example", "$.n.text[0]"));
        assert!(has(EntityKind::Cve, "CVE-2024-12345", "$.n.text[0]"));
        assert!(has(EntityKind::Hash, "da39a3ee5e6b4b0d3255bfef95601890afd80709", "$.n.text[0]"));
        assert_eq!(found.len(), 7, "{found:?}");
    }
    #[test]
    fn what_a_text_is_as_a_whole_or_within_is_found() {
        for (member, text, kind, value) in [
            ("ImagePath", "C:\\Program Files\\x\\a.exe", EntityKind::File, "C:\\Program Files\\x\\a.exe"),
            ("from", "\\\\files\\share\\a.doc", EntityKind::File, "\\\\files\\share\\a.doc"),
            ("p", "/usr/bin/curl", EntityKind::File, "/usr/bin/curl"),
            ("id", "/subscriptions/1/resourceGroups/r", EntityKind::CloudResource, "/subscriptions/1/resourceGroups/r"),
            ("id", "arn:aws:s3:::bucket", EntityKind::CloudResource, "arn:aws:s3:::bucket"),
            ("RequestedUser", "CORP\\dana.weiss", EntityKind::User, "CORP\\dana.weiss"),
            ("ActorIpAddress", "[2001:db8::1]:443", EntityKind::Ip, "2001:db8::1"),
            ("text", "blocked 2001:db8::9, twice", EntityKind::Ip, "2001:db8::9"),
            ("text", "src=203.0.113.7 dst=x", EntityKind::Ip, "203.0.113.7"),
            ("text", "see http://203.0.113.8/x", EntityKind::Ip, "203.0.113.8"),
            ("text", "<dana.weiss@northwind.example>", EntityKind::Mail, "dana.weiss@northwind.example"),
            ("MachineName", "WS-1", EntityKind::Host, "WS-1"),
            ("ObjectId", "https://a.example/Shared Documents/x y.docx", EntityKind::Url, "https://a.example/Shared Documents/x y.docx"),
            ("ObjectId", "https://a.example/Shared Documents/x y.docx", EntityKind::Domain, "a.example"),
            ("mdeDeviceId", "27658db6a38a489c993f6f4518b8044e00c0ffee", EntityKind::Device, "27658db6a38a489c993f6f4518b8044e00c0ffee"),
        ] {
            let found = extract(&json!({ member: text }));
            assert!(found.iter().any(|one| one.kind == kind && one.value == value), "{member} {text}: {found:?}");
        }
        for text in [
            "at 10:20:30",
            "aa:bb:cc:dd:ee:ff",
            "Chrome/120.0.0.0",
            "/api/v1/things",
            "1.2.3",
            "a@b",
            "::",
            "0.0.0.0",
            "12345678901234567890123456789012",
        ] {
            assert_eq!(extract(&json!({ "text": text })), [], "{text}");
        }
        assert_eq!(extract(&json!({"InternetMessageId": "<02a16cd105a7@northwind.example>"})), []);
    }
}
