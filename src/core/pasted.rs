//! What somebody pastes after a sign-in in a browser: the address it ended at, or the bare code of it.

use url::{Url, form_urlencoded};

/// What an analyst pasted.
#[derive(Debug, PartialEq, Eq)]
pub enum Pasted {
    /// A code, with the `state` that came back.
    Code {
        /// The code.
        code: String,
        /// What came back with it.
        state: Option<String>,
    },
    /// Entra's refusal.
    Refused(String),
    /// The answer of an administrator's consent, which brings no code.
    AdminConsent,
    /// Neither.
    Nothing,
}

/// Reads the pasted address: its query, else its fragment, else a bare code.
pub fn pasted(text: &str) -> Pasted {
    let text: String = text.trim().trim_matches(['"', '\'', '<', '>']).chars().filter(|c| !c.is_whitespace()).collect();
    let Ok(url) = Url::parse(&text) else {
        let code =
            text.len() >= 16 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '~' | '*' | '!' | '$'));
        return if code { Pasted::Code { code: text, state: None } } else { Pasted::Nothing };
    };
    for part in [url.query(), url.fragment()].into_iter().flatten() {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(part.as_bytes()).into_owned().collect();
        let field =
            |name: &str| pairs.iter().find(|(known, value)| known == name && !value.trim().is_empty()).map(|(_, value)| value.clone());
        if let Some(error) = field("error") {
            return Pasted::Refused(field("error_description").map_or(error.clone(), |text| format!("{error}: {text}")));
        }
        if let Some(code) = field("code") {
            return Pasted::Code { code, state: field("state") };
        }
        if field("admin_consent").is_some() {
            return Pasted::AdminConsent;
        }
    }
    Pasted::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_is_understood() {
        let code = |code: &str, state: Option<&str>| Pasted::Code { code: code.into(), state: state.map(str::to_owned) };
        for (text, read) in [
            ("http://localhost/?code=abc&state=s&session_state=x", code("abc", Some("s"))),
            (" \"http://localhost/?code=a%2Bb\"\n", code("a+b", None)),
            ("http://localhost/?co\nde=abc", code("abc", None)),
            ("http://localhost/#code=abc&state=s", code("abc", Some("s"))),
            ("0.AXYAbcdefghijklmnop-_", code("0.AXYAbcdefghijklmnop-_", None)),
            (
                "http://localhost/?error=access_denied&error_description=User+declined",
                Pasted::Refused("access_denied: User declined".into()),
            ),
            ("http://localhost/?admin_consent=True&tenant=t", Pasted::AdminConsent),
            ("http://localhost/?code=", Pasted::Nothing),
            ("http://localhost/", Pasted::Nothing),
            ("short", Pasted::Nothing),
        ] {
            assert_eq!(pasted(text), read, "{text}");
        }
    }
}
