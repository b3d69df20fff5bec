//! Lists to pick from and names beside ids: what a list's command is given, and which name stands beside which value.

use std::collections::BTreeMap;

use serde_json::Value;

use super::catalogue::{Feed, Given, Pick};
use super::mapping::{scalar, values_at};

/// Values with what they are called; an empty text where that is not known.
pub type Named = Vec<(String, String)>;

/// What stands between the parts of a name.
const BETWEEN: &str = " · ";

/// What a list is read for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// What the other fields of the form hold, by parameter.
    pub fields: BTreeMap<String, Vec<String>>,
    /// The values that names are wanted for; none where there is a list to choose from.
    pub values: Vec<String>,
}

/// What the command of a list is given now, or the list that has to be read first: only what is called by that name is wanted of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Supply<'a> {
    /// These values.
    Known(Vec<String>),
    /// Those of another list.
    List(&'a Pick, &'a str),
}

impl Asked {
    /// Where the first of these that has something leads; nothing where none has.
    pub fn supply<'a>(&self, feeds: &'a [Feed]) -> Option<Supply<'a>> {
        feeds.iter().find_map(|feed| match feed {
            Feed::Field(name) => self.fields.get(name).filter(|values| !values.is_empty()).cloned().map(Supply::Known),
            Feed::Values => (!self.values.is_empty()).then(|| Supply::Known(self.values.clone())),
            Feed::List(pick, name) => Some(Supply::List(pick, name)),
        })
    }
}

/// The values of a list that are called so; all of them where none is.
pub fn called(rows: Named, name: &str) -> Vec<String> {
    let any = rows.iter().any(|(_, known)| known == name);
    rows.into_iter().filter(|(_, known)| !any || known == name).map(|(value, _)| value).collect()
}

/// Values as a parameter of a list's command takes them: a list of one is taken where one value is wanted.
pub fn given(parameter: &str, values: Vec<String>) -> (String, Given) {
    (parameter.to_owned(), Given::Json(Value::from(values)))
}

/// The rows of an answer: each value once, with the texts of its labels.
pub fn rows(raw: &Value, pick: &Pick) -> Vec<(String, Vec<Option<String>>)> {
    let labels: Vec<BTreeMap<Vec<usize>, String>> = pick.labels.iter().map(|label| by_row(raw, &label.path)).collect();
    let mut rows: Vec<(String, Vec<Option<String>>)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (path, value) in values_at(raw, &pick.value) {
        let Some(value) = scalar(value).filter(|value| seen.insert(value.clone())) else { continue };
        let row = indices(&path);
        rows.push((value, labels.iter().map(|label| label.get(&row).cloned()).collect()));
    }
    rows
}

/// One name of the parts that are known.
pub fn name_of(parts: &[Option<String>]) -> String {
    parts.iter().flatten().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(BETWEEN)
}

/// What stands at a path, by the row that it stands in: what belongs together has the same places in the same lists.
fn by_row(raw: &Value, path: &str) -> BTreeMap<Vec<usize>, String> {
    let found = values_at(raw, path).into_iter();
    found.filter_map(|(path, value)| Some((indices(&path), scalar(value)?))).collect()
}

/// The indices in a path: `$.a[1].b[2].c` has 1 and 2.
fn indices(path: &str) -> Vec<usize> {
    path.split('[').skip(1).filter_map(|rest| rest.split(']').next()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_stand_beside_their_own_values_also_where_some_are_missing() {
        let pick =
            Pick::new("list", "$.Results[*].devices[*].uuid", "$.Results[*].devices[*].name").label(".Results[*].devices[*].os", None);
        let raw = json!({"Results": [{"devices": [{"uuid": "a"}, {"uuid": "b", "name": "B", "os": "Linux"}]},
            {"devices": [{"uuid": "b", "name": "B again"}, {"uuid": "c", "name": "C"}]}]});
        let named: Vec<_> = rows(&raw, &pick).iter().map(|(value, parts)| (value.clone(), name_of(parts))).collect();
        let pairs = [("a", ""), ("b", "B · Linux"), ("c", "C")];
        assert_eq!(named, pairs.map(|(value, name)| (value.to_owned(), name.to_owned())));
    }

    #[test]
    fn the_first_that_has_something_feeds_a_list() {
        let groups = Pick::new("list-groups", "$.uuid", "$.name");
        let feeds = [Feed::Field("groups".into()), Feed::List(Box::new(groups.clone()), "All".into())];
        let mut wanted = Asked::default();
        assert_eq!(wanted.supply(&feeds), Some(Supply::List(&groups, "All")));
        wanted.fields.insert("groups".into(), vec!["g1".into()]);
        assert_eq!(wanted.supply(&feeds), Some(Supply::Known(vec!["g1".into()])));
        assert_eq!(wanted.supply(&[Feed::Values]), None);
        let rows = |names: &[&str]| names.iter().map(|name| (format!("id of {name}"), (*name).to_owned())).collect::<Named>();
        assert_eq!(called(rows(&["Sales", "All"]), "All"), ["id of All"]);
        assert_eq!(called(rows(&["Sales", "IT"]), "All").len(), 2);
    }
}
