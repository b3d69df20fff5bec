//! Who and what there is: one invented company that all five vendors watch.
//!
//! Names, machines, addresses and files are made from a seed. A vendor spells a thing its own way (`DANA.WEISS@…`,
//! `CORP\dana.weiss`, an upper-case SHA-1), which is what pivots have to see through.

use std::fmt::Write as _;

use jiff::Timestamp;

/// A small deterministic generator (SplitMix64): enough for invention, no more.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice for a part of the world that must not depend on how often the others were thrown.
    pub fn for_part(seed: u64, part: &str) -> Self {
        Self(part.bytes().fold(seed ^ 0x9E37_79B9_7F4A_7C15, |all, byte| (all ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)))
    }

    /// The next 64 bits.
    #[expect(clippy::should_implement_trait, reason = "dice have no end, and are thrown rather than iterated")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit` (0 when the limit is 0).
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap_or(0)
    }

    /// True in `percent` of the throws.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of the items; the first few are picked far more often when `skewed`, as in life.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let index = self.below(items.len());
        &items[index]
    }

    /// A version-4-shaped UUID.
    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xFFFF,
            a & 0xFFF,
            0x8000 | ((b >> 48) & 0x3FFF),
            b & 0xFFFF_FFFF_FFFF
        )
    }

    /// So many hexadecimal digits.
    pub fn hex(&mut self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            let _ = write!(text, "{:016x}", self.next());
        }
        text.truncate(digits);
        text
    }
}

/// Somebody who works at the company.
#[derive(Clone, Debug)]
pub struct Person {
    /// `Dana Weiss`
    pub name: String,
    /// `dana.weiss`
    pub login: String,
    /// `dana.weiss@northwind.example`
    pub mail: String,
    /// Object id in the directory.
    pub id: String,
    /// `Finance`
    pub department: &'static str,
}

/// A computer of the company.
#[derive(Clone, Debug)]
pub struct Machine {
    /// `WS-DANAW-07`
    pub host: String,
    /// Device UUID, the same at every vendor that knows it.
    pub id: String,
    /// Private address.
    pub ip: String,
    /// Whose it is, as an index of [`World::people`].
    pub owner: usize,
    /// Whether it is a server.
    pub server: bool,
    /// `Windows 11 Pro`, `Ubuntu 24.04 LTS`
    pub os: &'static str,
}

/// A file that an analyst would want to know about.
#[derive(Clone, Debug)]
pub struct Sample {
    /// `invoice_8841.exe`
    pub name: String,
    /// SHA-1, lower-case.
    pub sha1: String,
    /// SHA-256, lower-case.
    pub sha256: String,
    /// Detection name such as `Win32/Agent.TXK`.
    pub detection: &'static str,
}

/// The one intrusion that every vendor sees a part of, each in its own words.
#[derive(Clone, Copy, Debug)]
pub struct Campaign<'a> {
    /// Whose account was taken over.
    pub victim: &'a Person,
    /// The victim's machine, as an index of [`World::machines`].
    pub machine: usize,
    /// Where the other side comes from.
    pub address: &'a str,
    /// The file that it brought.
    pub sample: &'a Sample,
}

/// The company and what threatens it.
#[derive(Clone, Debug)]
pub struct World {
    /// The seed it was made from.
    pub seed: u64,
    /// When it was made; events lie before it.
    pub start: Timestamp,
    /// Tenant id in the directory.
    pub tenant: String,
    /// Mail and web domain.
    pub domain: &'static str,
    /// The staff.
    pub people: Vec<Person>,
    /// Their machines and the servers.
    pub machines: Vec<Machine>,
    /// Addresses on the internet (documentation ranges), the first dozen of them bad.
    pub addresses: Vec<String>,
    /// Domains that belong to the other side.
    pub domains: Vec<&'static str>,
    /// Files of the other side.
    pub samples: Vec<Sample>,
}

const FIRST: [&str; 24] = [
    "Dana", "Ilse", "Marek", "Noor", "Tomás", "Yuki", "Amara", "Pavel", "Lin", "Søren", "Ada", "Rui", "Greta", "Omar", "Inés", "Kofi",
    "Mei", "Jonas", "Elif", "Hugo", "Priya", "Leon", "Sanna", "Bruno",
];
const LAST: [&str; 24] = [
    "Weiss",
    "Okafor",
    "Novak",
    "Haddad",
    "García",
    "Tanaka",
    "Diallo",
    "Sokolov",
    "Chen",
    "Lindqvist",
    "Moreau",
    "Costa",
    "Bauer",
    "Farouk",
    "Ruiz",
    "Mensah",
    "Zhang",
    "Keller",
    "Yildiz",
    "Martin",
    "Nair",
    "Fischer",
    "Virtanen",
    "Conti",
];
const DEPARTMENTS: [&str; 8] = ["Finance", "Sales", "Engineering", "Operations", "Legal", "People", "Support", "Research"];
const DETECTIONS: [&str; 10] = [
    "Win32/Agent.TXK",
    "MSIL/Kryptik.AJXQ",
    "JS/TrojanDownloader.Nemucod",
    "Win64/CoinMiner.ACV",
    "PowerShell/Agent.BLP",
    "Win32/Emotet.CQ",
    "DOC/TrojanDownloader.Agent",
    "Python/Spy.Stealer.K",
    "Linux/Mirai.OX",
    "Win32/Filecoder.LockBit",
];
const FILE_NAMES: [&str; 10] = [
    "invoice_8841.exe",
    "Teams_update.msi",
    "scan-0093.js",
    "helper64.exe",
    "load.ps1",
    "shipping label.exe",
    "Q3 forecast.docm",
    "build_tool.py",
    "sshd-agent",
    "svch0st.exe",
];
const BAD_DOMAINS: [&str; 8] = [
    "login-northwind.example",
    "cdn-update.invalid",
    "files-share.example",
    "mail-verify.invalid",
    "paste-drop.example",
    "tele-metrics.invalid",
    "xn--nrthwind-n4a.example",
    "drive-sync.example",
];

impl World {
    /// Makes up a company.
    pub fn new(seed: u64, start: Timestamp) -> Self {
        let mut dice = Dice::for_part(seed, "world");
        let domain = "northwind.example";
        let people: Vec<Person> = (0..48)
            .map(|n| {
                let (first, last) = (FIRST[n % FIRST.len()], LAST[(n * 7 + n / FIRST.len()) % LAST.len()]);
                let login = plain(&format!("{first}.{last}"));
                Person {
                    name: format!("{first} {last}"),
                    mail: format!("{login}@{domain}"),
                    login,
                    id: dice.uuid(),
                    department: DEPARTMENTS[n % DEPARTMENTS.len()],
                }
            })
            .collect();
        let machines = (0..72)
            .map(|n| {
                let owner = n % people.len();
                let server = n >= 56;
                let host = if server {
                    format!("{}-{:02}", ["SRV-SQL", "SRV-WEB", "SRV-FILE", "SRV-BUILD"][n % 4], n - 55)
                } else {
                    let (first, last) = people[owner].login.split_once('.').unwrap_or((&people[owner].login, "x"));
                    format!("{}-{}{}-{:02}", if n % 5 == 0 { "LT" } else { "WS" }, first, &last[..1], n % 90 + 1).to_uppercase()
                };
                let os = match (server, n % 4) {
                    (true, 0 | 1) => "Ubuntu 24.04 LTS",
                    (true, _) => "Windows Server 2022",
                    (false, 3) => "macOS 15",
                    (false, _) => "Windows 11 Pro",
                };
                Machine { host, id: dice.uuid(), ip: format!("10.{}.{}.{}", 20 + n % 4, n / 4, 10 + n), owner, server, os }
            })
            .collect();
        let addresses = (0..90).map(|n| format!("{}.{}", ["203.0.113", "198.51.100", "192.0.2"][n % 3], 5 + (n * 37) % 240)).collect();
        let samples = (0..FILE_NAMES.len())
            .map(|n| Sample { name: FILE_NAMES[n].into(), sha1: dice.hex(40), sha256: dice.hex(64), detection: DETECTIONS[n] })
            .collect();
        Self { seed, start, tenant: dice.uuid(), domain, people, machines, addresses, domains: BAD_DOMAINS.to_vec(), samples }
    }
}

impl World {
    /// The intrusion that is under way.
    pub fn campaign(&self) -> Campaign<'_> {
        // The machine of that number is the person's of the same.
        const VICTIM: usize = 3;
        Campaign { victim: &self.people[VICTIM], machine: VICTIM, address: &self.addresses[0], sample: &self.samples[0] }
    }
}

/// A login made of a name: lower case, ASCII letters and dots only.
fn plain(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .filter_map(|c| match c {
            'á' => Some('a'),
            'é' => Some('e'),
            'í' => Some('i'),
            'ø' => Some('o'),
            'a'..='z' | '.' => Some(c),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_world() {
        let now = Timestamp::UNIX_EPOCH;
        let (a, b, c) = (World::new(1, now), World::new(1, now), World::new(2, now));
        assert_eq!(a.tenant, b.tenant);
        assert_ne!(a.tenant, c.tenant);
        assert_eq!(a.people.len(), 48);
        let mut mails: Vec<_> = a.people.iter().map(|person| &person.mail).collect();
        mails.sort();
        mails.dedup();
        assert_eq!(mails.len(), 48, "no two people share a mail address");
    }
}
