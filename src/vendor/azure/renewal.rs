//! The Refresh Token Renewal Job, as far as it is pure: which connections it is for (seed 000, Job parameters).

/// Reads *Integration Environments*: names in double quotes, separated by commas; one bare name; nothing means all.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn environments(text: &str) -> Result<Vec<String>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if !text.contains('"') {
        return Ok(vec![text.to_owned()]);
    }
    if text.matches('"').count() % 2 == 1 {
        return Err(format!("the environments have an unmatched double quote: {text}; write '\"A\",\"B\"'."));
    }
    let mut names: Vec<String> = Vec::new();
    let mut rest = text;
    loop {
        let inner = rest.strip_prefix('"').and_then(|inner| inner.split_once('"'));
        let Some((name, after)) = inner else {
            return Err(format!("each environment must be enclosed in double quotes; this is not: {rest}"));
        };
        let name = name.trim();
        if name.is_empty() {
            return Err("an environment has no name (\"\").".into());
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        let after = after.trim_start();
        if after.is_empty() {
            return Ok(names);
        }
        let Some(next) = after.strip_prefix(',') else {
            return Err(format!("after an environment comes a comma; this does not: {after}"));
        };
        rest = next.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::environments;

    #[test]
    fn environments_are_read_as_the_document_writes_them() {
        for (text, names) in [
            ("", Some(vec![])),
            ("Default Environment", Some(vec!["Default Environment"])),
            ("A, B", Some(vec!["A, B"])),
            ("\"A\",\"B\"", Some(vec!["A", "B"])),
            ("\"A\" , \"B\"", Some(vec!["A", "B"])),
            ("\"A, Inc\",\"B\"", Some(vec!["A, Inc", "B"])),
            ("\"A\",\"A\"", Some(vec!["A"])),
            ("\"A\",B", None),
            ("\"A", None),
            ("\"A\",\"\"", None),
            ("\"A\" \"B\"", None),
            ("\"A\",", None),
        ] {
            let read = environments(text);
            assert_eq!(read.clone().ok(), names.map(|names| names.into_iter().map(str::to_owned).collect()), "{text}: {read:?}");
        }
    }
}
