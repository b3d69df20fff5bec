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
const MEMBERS: [(&str, EntityKind); 36] = [
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
    ("userprincipalname", EntityKind::User),
    ("userid", EntityKind::User),
    ("useruuid", EntityKind::User),
    ("username", EntityKind::User),
    ("userlogin", EntityKind::User),
    ("accountname", EntityKind::User),
    ("useremail", EntityKind::Mail),
    ("email", EntityKind::Mail),
    ("mail", EntityKind::Mail),
    ("deviceuuid", EntityKind::Device),
    ("deviceid", EntityKind::Device),
    ("azureaddeviceid", EntityKind::Device),
    ("devicednsname", EntityKind::Host),
    ("hostname", EntityKind::Host),
    ("computername", EntityKind::Host),
    ("devicename", EntityKind::Host),
    ("dsthostname", EntityKind::Host),
    ("sha1", EntityKind::Hash),
    ("sha256", EntityKind::Hash),
    ("md5", EntityKind::Hash),
    ("objecthashsha1", EntityKind::Hash),
    ("filehash", EntityKind::Hash),
    ("domainname", EntityKind::Domain),
    ("providerid", EntityKind::CloudResource),
    ("provideruniqueid", EntityKind::CloudResource),
    ("filename", EntityKind::File),
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
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '<' | '>' | '(' | ')' | '|')) {
        let word = word.trim_end_matches(['.', ':', '!', '?']);
        if word.len() < 6 {
            continue;
        }
        if word.starts_with("https://") || word.starts_with("http://") {
            add(EntityKind::Url, word);
            if let Ok(url) = url::Url::parse(word)
                && let Some(url::Host::Domain(domain)) = url.host()
            {
                add(EntityKind::Domain, domain);
            }
        } else if is_mail(word) {
            add(EntityKind::Mail, word);
        } else if is_cve(word) {
            add(EntityKind::Cve, word);
        } else if matches!(word.len(), 32 | 40 | 64)
            && word.bytes().all(|byte| byte.is_ascii_hexdigit())
            && word.bytes().any(|byte| byte.is_ascii_alphabetic())
        {
            add(EntityKind::Hash, word);
        } else if let Some(ip) = address(word).filter(|_| word.contains('.') || word.starts_with('[')) {
            add(EntityKind::Ip, &ip);
        }
    }
}

fn is_mail(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '#' | '\'');
    !local.is_empty()
        && text.len() < 255
        && local.chars().all(fine)
        && domain.contains('.')
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

/// An IP address in any of the vendors' spellings: with a port, in brackets, mapped into IPv6.
fn address(text: &str) -> Option<String> {
    use std::net::{IpAddr, SocketAddr};
    let text = text.trim();
    let ip = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| text.strip_prefix('[')?.split(']').next()?.parse().ok())?;
    Some(ip.to_canonical().to_string())
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
}
