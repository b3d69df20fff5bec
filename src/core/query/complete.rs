//! Completion in the query line: fields, mapped fields by the documents' names, and values.

use std::collections::BTreeSet;

use super::FIELDS;
use crate::core::health::Connected;
use crate::core::listing::short_vendor;

/// What a query can name on this desk.
#[derive(Default)]
pub struct Known<'a> {
    /// The connections.
    pub connections: Vec<&'a str>,
    /// The vendors' ids.
    pub vendors: BTreeSet<&'a str>,
    /// The names of mapped fields.
    pub mapped: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    /// What these connections, their vendors and their sources are called.
    pub fn of(connected: &'a [Connected]) -> Self {
        let sources = connected.iter().flat_map(|one| &one.entry.sources);
        Self {
            connections: connected.iter().map(|one| one.name.as_str()).collect(),
            vendors: connected.iter().map(|one| one.vendor.as_str()).collect(),
            mapped: sources.flat_map(|source| &source.mapping.fields).map(|(name, _)| name.as_str()).collect(),
        }
    }
}

/// What could come next: the texts that replace the line from a place up to the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The place, in characters.
    pub from: usize,
    /// The texts.
    pub texts: Vec<String>,
}

/// What could complete the word that ends here. A word of no letter gets nothing.
pub fn complete(before: &str, known: &Known) -> Completion {
    let from = word_start(before);
    let word: String = before.chars().skip(from).collect();
    let texts = match word.split_once(':') {
        _ if word.is_empty() => Vec::new(),
        Some((field, value)) if !field.starts_with('"') => values(field, value, known),
        Some(_) => Vec::new(),
        None => fields(&word, known),
    };
    Completion { from, texts }
}

/// Where the last word begins: a blank within quotes ends no word, and a dash before one negates it.
fn word_start(before: &str) -> usize {
    let mut quoted = false;
    let mut start = 0;
    for (at, c) in before.chars().enumerate() {
        match c {
            '"' => quoted = !quoted,
            ' ' | '(' if !quoted => start = at + 1,
            '-' if !quoted && start == at => start = at + 1,
            _ => {}
        }
    }
    start
}

fn fields(word: &str, known: &Known) -> Vec<String> {
    let bare = word.trim_start_matches('"').to_lowercase();
    let own = FIELDS.iter().map(|(name, _)| format!("{name}:")).filter(|name| name.starts_with(word));
    let mapped = known.mapped.iter().filter(|name| name.to_lowercase().starts_with(&bare)).map(|name| format!("\"{name}\":"));
    own.chain(mapped.filter(|_| !bare.is_empty())).collect()
}

fn values(field: &str, value: &str, known: &Known) -> Vec<String> {
    // A span has its sign with it, since without one it means nothing.
    let sign = if field == "age" { 0 } else { value.len() - value.trim_start_matches(['>', '<', '=']).len() };
    let (sign, value) = value.split_at(sign);
    let members = FIELDS.iter().find(|(name, _)| *name == field).and_then(|(_, field)| field.members());
    let names: Vec<&str> = match (members, field) {
        (Some((_, names)), _) => names,
        (_, "vendor") => known.vendors.iter().flat_map(|vendor| [*vendor, short_vendor(vendor)]).collect(),
        (_, "connection") => known.connections.clone(),
        (_, "age") => vec!["<1h", "<24h", "<7d", ">30d"],
        _ => Vec::new(),
    };
    let fitting = names.into_iter().filter(|name| name.starts_with(value) && *name != value);
    fitting.map(|name| format!("{field}:{sign}{name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(before: &str) -> Vec<String> {
        let known = Known {
            connections: vec!["wiz-prod", "eset"],
            vendors: ["eset-protect-cloud", "management-activity", "wiz"].into(),
            mapped: ["Rule name", "Status"].into(),
        };
        complete(before, &known).texts
    }

    #[test]
    fn fields_and_their_values_are_completed() {
        assert_eq!(texts("x sev"), ["severity:"]);
        assert_eq!(texts("severity:>=h"), ["severity:>=high"]);
        assert_eq!(texts("-connection:w"), ["connection:wiz-prod"]);
        assert_eq!(texts("(vendor:eset-p"), ["vendor:eset-protect-cloud"]);
        assert_eq!(texts("vendor:m3"), ["vendor:m365"]);
        assert_eq!(texts("drift:"), ["drift:yes", "drift:no"]);
        assert_eq!(texts("ru"), ["rule:", "\"Rule name\":"]);
        assert_eq!(texts("age:>"), ["age:>30d"]);
        assert!(texts("free words ").is_empty());
        assert!(texts("\"some sev").is_empty(), "within quotes nothing is a field of ours");
    }

    #[test]
    fn mapped_fields_are_offered_by_their_names_in_quotes() {
        assert_eq!(texts("stat"), ["status:", "\"Status\":"]);
        assert_eq!(texts("a -\"rule n"), ["\"Rule name\":"]);
        assert_eq!(complete("é -\"rule n", &Known::default()).from, 3);
    }
}
