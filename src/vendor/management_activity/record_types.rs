//! Record types: the table of numbers and names, and filters over records.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::core::mapping::scalar;

/// The table, by number. The service knows more types than any table.
static TABLE: LazyLock<BTreeMap<i64, String>> = LazyLock::new(|| {
    let table: toml::Table =
        toml::from_str(include_str!("../../../assets/vendors/management-activity/record-types.toml")).unwrap_or_default();
    table.into_iter().filter_map(|(number, name)| Some((number.parse().ok()?, name.as_str()?.to_owned()))).collect()
});

/// The name of a record type, where it is known.
pub(super) fn name(number: i64) -> Option<&'static str> {
    TABLE.get(&number).map(String::as_str)
}

/// A record type by number or by name, in any case.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return (number >= 0).then_some(number);
    }
    TABLE.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(number, _)| *number)
}

/// What is said of a record type that is none.
pub(super) fn unknown(text: &str) -> String {
    format!(
        "{} is not a legal record type in the Microsoft Management Activity API; give its number or its name, such as 29 or MailSubmission.",
        text.trim()
    )
}

/// The record type of a record; numbers may come as text, and names too.
pub(super) fn of(record: &Value) -> Option<i64> {
    let value = record.get("RecordType")?;
    value.as_i64().or_else(|| parse(value.as_str()?))
}

/// Which records are wanted: within a list any, over the three lists all. An empty list wants everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    record_types: Vec<i64>,
    workloads: Vec<String>,
    operations: Vec<String>,
}

impl Filter {
    /// A filter from its three lists.
    pub(super) fn new(record_types: &[String], workloads: &[String], operations: &[String]) -> Self {
        let trimmed =
            |list: &[String]| -> Vec<String> { list.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect() };
        Self {
            record_types: trimmed(record_types).iter().filter_map(|item| parse(item)).collect(),
            workloads: trimmed(workloads),
            operations: trimmed(operations),
        }
    }

    /// Whether a record is wanted.
    pub(super) fn wants(&self, record: &Value) -> bool {
        let among = |list: &[String], member: &str| {
            let value = record.get(member).and_then(scalar);
            list.is_empty() || value.is_some_and(|value| list.iter().any(|item| item.eq_ignore_ascii_case(value.trim())))
        };
        let typed = self.record_types.is_empty() || of(record).is_some_and(|number| self.record_types.contains(&number));
        typed && among(&self.workloads, "Workload") && among(&self.operations, "Operation")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_type_is_known_by_number_and_by_name() {
        assert_eq!((parse(" 29 "), parse("mailsubmission"), name(29)), (Some(29), Some(29), Some("MailSubmission")));
        assert_eq!((parse("1791"), name(1_791)), (Some(1_791), None), "a number without a name is a type all the same");
        assert_eq!((parse("NoSuchType"), parse("-1"), parse("")), (None, None, None));
        assert!(TABLE.len() > 250);
    }

    #[test]
    fn filters_are_trimmed_and_all_of_them_must_agree() {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let record = json!({"RecordType": 15, "Workload": "AzureActiveDirectory", "Operation": "UserLoggedIn"});
        let filter =
            |types: &[&str], workloads: &[&str], operations: &[&str]| Filter::new(&list(types), &list(workloads), &list(operations));
        assert!(Filter::default().wants(&record));
        assert!(filter(&["8", " AzureActiveDirectoryStsLogon "], &[], &[" UserLoggedIn"]).wants(&record));
        assert!(filter(&["15"], &["AzureActiveDirectory"], &["x", "UserLoggedIn"]).wants(&record));
        assert!(!filter(&["15"], &["Exchange"], &[]).wants(&record));
        assert!(!filter(&["8"], &[], &[]).wants(&record));
        assert!(filter(&["15"], &[], &[]).wants(&json!({"RecordType": "15"})), "a number as text is a number");
    }
}
