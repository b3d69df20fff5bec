//! One file under several digests: one vendor names a file by its SHA-1, another by its SHA-256, a third by both.
//!
//! That two digests are one file's is learned only from an object of a record that names both as its own (`fileDetails` with `sha1` and
//! `sha256`), never because they stand in the same event. What vendors send is written by others too, so what was told is believed with
//! care: a file has one digest of each algorithm, so a digest that is told with two of one algorithm is believed with neither (the dispute
//! is shown), each of the two must name only the other, and a file has at most three digests. However many hostile events come, a pivot
//! never takes in more than two further hashes, and says who told it of them.

use serde::Serialize;
use serde_json::Value;

/// The algorithms that vendors name files by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Digest {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Digest {
    /// Every algorithm with its name and how many hexadecimal digits it gives.
    pub const ALL: [(&'static str, usize, Self); 3] = [("md5", 32, Self::Md5), ("sha1", 40, Self::Sha1), ("sha256", 64, Self::Sha256)];

    /// The algorithm's name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, _, digest)| *digest == self).map_or("", |(name, _, _)| name)
    }

    /// The algorithm that gives such a digest, by its length.
    pub fn of(hash: &str) -> Option<Self> {
        let hex = hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        Self::ALL.iter().find(|(_, digits, _)| hex && *digits == hash.len()).map(|(_, _, digest)| *digest)
    }

    /// The algorithm that a member's name says its value is of: `sha1`, `objectHashSha1`, `File_SHA256`. Other digests of a file (`sha256Ac`)
    /// and those of other files (`parentSha1`) are none.
    fn named(member: &str) -> Option<Self> {
        let name = member.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let name = name.strip_prefix("object").or_else(|| name.strip_prefix("file")).unwrap_or(&name);
        let name = name.strip_prefix("hash").or_else(|| name.strip_suffix("hash")).unwrap_or(name);
        Self::ALL.iter().find(|(known, _, _)| *known == name).map(|(_, _, digest)| *digest)
    }
}

/// The most files of which a record tells several digests.
const MOST: usize = 64;

/// The digests, in lower case, of each file of which an object of a record names several.
pub fn files(record: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut left = vec![record];
    while let Some(value) = left.pop().filter(|_| found.len() < MOST) {
        match value {
            Value::Object(members) => {
                left.extend(members.values());
                let named: Vec<(Digest, String)> = members.iter().filter_map(|(name, value)| named(name, value)).collect();
                // Two of an algorithm are two files', and which of them the third is of nobody says.
                let clear = named.iter().enumerate().all(|(at, (digest, _))| named.iter().skip(at + 1).all(|(other, _)| other != digest));
                if named.len() > 1 && clear {
                    found.push(named.into_iter().map(|(_, hash)| hash).collect());
                }
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
    found
}

fn named(member: &str, value: &Value) -> Option<(Digest, String)> {
    let hash = value.as_str()?.trim();
    let digest = Digest::named(member).filter(|digest| Digest::of(hash) == Some(*digest))?;
    Some((digest, hash.to_lowercase()))
}

/// What was told to be the digest of an algorithm of the file that another digest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// The same by all who told.
    One(String),
    /// Not the same by all.
    Several,
}

/// Another digest of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Other {
    /// It, in lower case.
    pub value: String,
    /// Its algorithm.
    pub digest: Digest,
    /// The vendors who told of it.
    pub told_by: Vec<String>,
}

/// What is known of the file that a digest names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SameFile {
    /// Its other digests.
    pub others: Vec<Other>,
    /// Algorithms of which more than one digest was told; none of these is believed.
    pub disputed: Vec<Digest>,
}

/// The file that a digest (in lower case) names, by what was told of it.
///
/// # Errors
/// Those of `told`.
pub fn resolve<E>(hash: &str, mut told: impl FnMut(&str, Digest) -> Result<Told, E>) -> Result<SameFile, E> {
    let Some(first) = Digest::of(hash) else { return Ok(SameFile::default()) };
    let mut family = vec![(hash.to_owned(), first)];
    let mut disputed = Vec::new();
    let mut at = 0;
    while let Some((here, own)) = family.get(at).cloned() {
        at += 1;
        for (_, _, digest) in Digest::ALL {
            if family.iter().any(|(_, known)| *known == digest) {
                continue;
            }
            match told(&here, digest)? {
                Told::Nothing => {}
                Told::One(other) if told(&other, own)? == Told::One(here.clone()) => family.push((other, digest)),
                Told::One(_) | Told::Several => disputed.push(digest),
            }
        }
    }
    disputed.sort_unstable();
    disputed.dedup();
    disputed.retain(|digest| family.iter().all(|(_, known)| known != digest));
    let others = family.into_iter().skip(1).map(|(value, digest)| Other { value, digest, told_by: Vec::new() }).collect();
    Ok(SameFile { others, disputed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    fn digest(of: Digest, seed: char) -> String {
        let digits = Digest::ALL.iter().find(|(_, _, known)| *known == of).unwrap().1;
        seed.to_string().repeat(digits)
    }

    #[test]
    fn only_an_object_of_one_file_tells_its_digests() {
        let (md5, sha1, sha256) = (digest(Digest::Md5, 'a'), digest(Digest::Sha1, 'b'), digest(Digest::Sha256, 'c'));
        let told = |record: Value| files(&record);
        assert_eq!(told(json!({"evidence": [{"fileDetails": {"sha1": sha1.to_uppercase(), "sha256": sha256}}]})), [[&*sha1, &*sha256]]);
        assert_eq!(told(json!({"file": {"hashes": {"sha1Hash": sha1, "sha256Hash": sha256}}})), [[&*sha1, &*sha256]]);
        assert_eq!(told(json!({"MD5": md5, "objectHashSha1": sha1, "file_sha256": sha256})), [[&*md5, &*sha1, &*sha256]]);
        for apart in [
            json!({"files": [{"sha1": sha1}, {"sha256": sha256}]}),
            json!({"text": format!("{sha1} {sha256}")}),
            json!({"sha1": sha1, "sha256Ac": sha256}),
            json!({"sha1": sha1, "parentSha256": sha256}),
            json!({"sha1": sha1, "objectHashSha1": digest(Digest::Sha1, 'd'), "sha256": sha256}),
            json!({"sha1": sha1, "sha256": "unknown"}),
            json!({"sha1": sha256, "sha256": sha1}),
        ] {
            assert_eq!(files(&apart), Vec::<Vec<String>>::new(), "{apart}");
        }
    }

    /// A world in which so much was told.
    fn believed(pairs: &[(&str, &str)], hash: &str) -> SameFile {
        let told = |here: &str, digest: Digest| {
            let others: BTreeSet<&str> = pairs
                .iter()
                .flat_map(|(a, b)| [(*a, *b), (*b, *a)])
                .filter(|(a, b)| *a == here && Digest::of(b) == Some(digest))
                .map(|(_, b)| b)
                .collect();
            let mut others = others.into_iter();
            Ok::<_, ()>(match (others.next(), others.next()) {
                (None, _) => Told::Nothing,
                (Some(one), None) => Told::One(one.into()),
                _ => Told::Several,
            })
        };
        resolve(hash, told).unwrap()
    }

    #[test]
    fn what_all_tell_alike_is_believed_and_what_is_disputed_is_not() {
        let (md5, sha1, sha256) = (digest(Digest::Md5, 'a'), digest(Digest::Sha1, 'b'), digest(Digest::Sha256, 'c'));
        let values = |same: &SameFile| same.others.iter().map(|other| other.value.clone()).collect::<Vec<_>>();
        let pairs = [(&*sha1, &*sha256), (&*md5, &*sha256)];
        assert_eq!(values(&believed(&pairs, &md5)), [&*sha256, &*sha1], "over the SHA-256 to the SHA-1");
        assert_eq!(values(&believed(&pairs, &sha1)), [&*sha256, &*md5]);
        assert_eq!(believed(&pairs, &digest(Digest::Sha1, 'e')), SameFile::default());
        // Somebody tells of the same SHA-1 that it is another file's: nobody is followed, from either side.
        let lie = digest(Digest::Sha256, 'd');
        let pairs = [(&*sha1, &*sha256), (&*sha1, &*lie)];
        for hash in [&sha1, &sha256, &lie] {
            let same = believed(&pairs, hash);
            assert_eq!((values(&same), same.disputed.len()), (Vec::new(), 1), "{hash}");
        }
    }

    #[test]
    fn hostile_events_never_join_more_than_the_digests_of_one_file() {
        // Everything is told to be the same as everything.
        let all: Vec<String> = ('0'..='9').flat_map(|seed| Digest::ALL.map(|(_, _, of)| digest(of, seed))).collect();
        let pairs: Vec<(&str, &str)> = all.iter().flat_map(|a| all.iter().map(move |b| (a.as_str(), b.as_str()))).collect();
        assert_eq!(believed(&pairs, &all[0]).others, []);
        // A chain without end: each names only the next.
        let chain: Vec<(&str, &str)> = all.windows(2).map(|two| (two[0].as_str(), two[1].as_str())).collect();
        assert!(all.iter().all(|hash| believed(&chain, hash).others.len() <= 2));
    }
}
