//! Field mapping: which source path fills which field of a document, and where entities stand.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::entity::{Entity, EntityKind};

/// How records of one kind become events.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// Main event JSON path of the document: `$.data.nodes`.
    pub main_path: String,
    /// Which records it is for, as a member and its value (`__typename`, `Issue`); empty means all.
    pub search: Option<(String, String)>,
    /// Field name → source path (`.sourceRule.name`, `.projects[*].name`), in the order of the document. Missing sources are left out.
    pub fields: Vec<(String, String)>,
    /// Where entities stand.
    pub entities: Vec<(EntityKind, String)>,
}

impl Mapping {
    /// A mapping from its tables.
    pub fn new(main_path: &str, fields: &[(&str, &str)], entities: &[(EntityKind, &str)]) -> Self {
        Self {
            main_path: main_path.into(),
            search: None,
            fields: fields.iter().map(|(name, path)| ((*name).into(), (*path).into())).collect(),
            entities: entities.iter().map(|(kind, path)| (*kind, (*path).into())).collect(),
        }
    }

    /// The same for records whose member has this value.
    #[must_use]
    pub fn search(mut self, member: &str, value: &str) -> Self {
        self.search = Some((member.into(), value.into()));
        self
    }

    /// Whether a record is meant.
    pub fn is_for(&self, raw: &Value) -> bool {
        self.search.as_ref().is_none_or(|(member, value)| raw.get(member).and_then(Value::as_str) == Some(value))
    }

    /// The mapped fields of a record. One value keeps its type; several scalars are joined, each once.
    pub fn fields_of(&self, raw: &Value) -> Map<String, Value> {
        self.fields.iter().filter_map(|(name, path)| Some((name.clone(), one(&values_at(raw, path))?))).collect()
    }

    /// The entities of a record that stand at declared paths.
    pub fn entities_of(&self, raw: &Value) -> Vec<Entity> {
        let mut found: Vec<Entity> = Vec::new();
        for (kind, path) in &self.entities {
            for (path, value) in values_at(raw, path) {
                let value = scalar(value).filter(|text| !text.is_empty());
                if let Some(value) = value
                    && !found.iter().any(|known| known.kind == *kind && known.value == value)
                {
                    found.push(Entity { kind: *kind, value, path });
                }
            }
        }
        found
    }
}

/// A scalar as text; nothing for null, lists and objects.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The first scalar at a path, as text; empty text counts as none.
pub fn text_at(raw: &Value, path: &str) -> Option<String> {
    values_at(raw, path).into_iter().find_map(|(_, value)| scalar(value)).filter(|text| !text.is_empty())
}

/// What makes a record one event: its id, be it text or number. Where it has none it is what it says, so that no two fall together.
pub fn key_at(record: &Value, path: &str) -> String {
    text_at(record, path).unwrap_or_else(|| {
        let digest = Sha256::digest(record.to_string().as_bytes());
        let short = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        format!("without-id-{short:016x}")
    })
}

/// All values at a path with their JSONPaths. A path is members and `[*]` or `[n]` (`.notes[*].text`, `$.a.b`, `a.b`); lists on the way are
/// walked through even without `[*]`, since vendors' documents leave it out.
pub fn values_at<'a>(raw: &'a Value, path: &str) -> Vec<(String, &'a Value)> {
    let mut here = vec![("$".to_owned(), raw)];
    for step in path.trim_start_matches('$').split('.').filter(|step| !step.is_empty()) {
        let (member, brackets) = step.find('[').map_or((step, ""), |at| step.split_at(at));
        if !member.is_empty() {
            here = here.into_iter().flat_map(|(path, value)| members(path, value, member)).collect();
        }
        for bracket in brackets.split('[').filter(|bracket| !bracket.is_empty()) {
            let index = bracket.trim_end_matches(']').parse::<usize>().ok();
            here = here
                .into_iter()
                .flat_map(|(path, value)| {
                    elements(path, value)
                        .into_iter()
                        .enumerate()
                        .filter(move |(at, _)| index.is_none_or(|index| index == *at))
                        .map(|(_, one)| one)
                })
                .collect();
        }
    }
    here.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn members<'a>(path: String, value: &'a Value, member: &str) -> Vec<(String, &'a Value)> {
    match value {
        Value::Object(object) => object.get(member).map(|found| (format!("{path}.{member}"), found)).into_iter().collect(),
        Value::Array(_) => elements(path, value).into_iter().flat_map(|(path, item)| members(path, item, member)).collect(),
        _ => Vec::new(),
    }
}

fn elements(path: String, value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (format!("{path}[{at}]"), item)).collect(),
        _ => vec![(path, value)],
    }
}

fn one(values: &[(String, &Value)]) -> Option<Value> {
    match values {
        [] => None,
        [(_, only)] => Some((*only).clone()),
        several => {
            let mut texts: Vec<String> = Vec::new();
            for (_, value) in several {
                let text = scalar(value).unwrap_or_else(|| value.to_string());
                if !text.is_empty() && !texts.contains(&text) {
                    texts.push(text);
                }
            }
            (!texts.is_empty()).then(|| Value::from(texts.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_follow_paths_through_lists_and_leave_out_what_is_missing() {
        let mapping = Mapping::new(
            "$.x",
            &[("Notes", ".notes[*].text"), ("Rule", "rule.name"), ("Name", ".responses.displayName"), ("Gone", ".a.b"), ("N", ".n")],
            &[(EntityKind::Ip, ".ips[*]")],
        );
        let raw = json!({"notes": [{"text": "a"}, {"text": "b"}, {"text": "a"}], "rule": {"name": "r"}, "responses": [{"displayName": "d"}],
            "a": null, "n": 5, "ips": ["10.0.0.1", "10.0.0.1", "10.0.0.2"]});
        let fields = mapping.fields_of(&raw);
        assert_eq!(Value::from(fields), json!({"Notes": "a, b", "Rule": "r", "Name": "d", "N": 5}));
        let paths: Vec<_> = mapping.entities_of(&raw).into_iter().map(|entity| entity.path).collect();
        assert_eq!(paths, ["$.ips[0]", "$.ips[2]"]);
    }
}
