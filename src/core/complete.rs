//! Completion in the query line.

use super::event::{Disposition, Severity, Status};
use super::layer::Prompt;

const FIELDS: [&str; 25] = [
    "severity:",
    "status:",
    "vendor:",
    "connection:",
    "type:",
    "entity:",
    "title:",
    "assignee:",
    "disposition:",
    "age:",
    "case:",
    "key:",
    "drift:",
    "ip:",
    "host:",
    "device:",
    "user:",
    "mail:",
    "hash:",
    "domain:",
    "url:",
    "file:",
    "cve:",
    "cloud_resource:",
    "tenant_object:",
];

/// What could come next after a text: fields, or values of a field.
pub fn candidates(before: &str, connections: &[String]) -> Vec<String> {
    let word = before.rsplit([' ', '(']).next().unwrap_or_default();
    let word = word.strip_prefix('-').unwrap_or(word);
    if word.is_empty() {
        return Vec::new();
    }
    let starts = |candidate: &&&str| candidate.starts_with(word) && **candidate != word;
    let Some((field, value)) = word.split_once(':') else {
        return FIELDS.iter().filter(starts).map(|field| (*field).to_owned()).collect();
    };
    let sign = value.len() - value.trim_start_matches(['>', '<', '=']).len();
    let (sign, value) = value.split_at(sign);
    let values: Vec<String> = match field {
        "severity" => Severity::ALL.iter().rev().map(|(name, _)| (*name).to_owned()).collect(),
        "status" => Status::ALL.iter().map(|(name, _)| (*name).to_owned()).collect(),
        "disposition" => Disposition::ALL.iter().map(|(name, _, _)| (*name).to_owned()).collect(),
        "vendor" => ["azure-api", "eset-protect-cloud", "lacework-edge", "management-activity", "wiz"].map(str::to_owned).to_vec(),
        "connection" => connections.to_vec(),
        "drift" => ["yes", "no"].map(str::to_owned).to_vec(),
        "age" => ["<1h", "<24h", "<7d", ">30d"].map(str::to_owned).to_vec(),
        _ => Vec::new(),
    };
    values.into_iter().filter(|known| known.starts_with(value) && known != value).map(|known| format!("{field}:{sign}{known}")).collect()
}

/// Puts the next candidate in the place of the last word.
pub fn next(prompt: &mut Prompt) {
    if prompt.candidates.is_empty() {
        return;
    }
    let at = prompt.candidate.map_or(0, |at| (at + 1) % prompt.candidates.len());
    prompt.candidate = Some(at);
    let text = prompt.line.text();
    let start = text.rfind([' ', '(']).map_or(0, |at| at + 1);
    let (head, word) = text.split_at(start);
    let minus = if word.starts_with('-') { "-" } else { "" };
    if let Some(candidate) = prompt.candidates.get(at) {
        prompt.line.set(&format!("{head}{minus}{candidate}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_their_values_are_completed() {
        assert_eq!(candidates("x sev", &[]), ["severity:"]);
        assert_eq!(candidates("severity:>=h", &[]), ["severity:>=high"]);
        assert_eq!(candidates("-connection:w", &["wiz-prod".to_owned(), "eset".to_owned()]), ["connection:wiz-prod"]);
        assert!(candidates("free words ", &[]).is_empty());
    }
}
