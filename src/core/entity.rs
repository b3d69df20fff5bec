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
