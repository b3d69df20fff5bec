//! What is secret by the name it stands under: headers, query parameters, members of a body.

use std::borrow::Cow;

use serde_json::Value;
use url::form_urlencoded;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Whether a header's value is a secret (contract, Origins).
pub fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie")
        || ["key", "token", "secret", "password"].iter().any(|word| name.contains(word))
}

/// Whether a member of something that was given is a secret: it may be a header, whatever holds it.
pub fn is_secret_member(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_secret_header(name) || ["authorization", "cookie"].iter().any(|word| lower.contains(word))
}

/// Whether a name means a credential wherever it stands: `client_secret`, `apiKey`. A key alone may be an id, and what leads to the next
/// page is called a token, too.
pub fn is_credential(name: &str) -> bool {
    let bare = bare(name);
    ["apikey", "accesskey", "privatekey", "secretkey", "sharedkey", "subscriptionkey", "password", "secret", "cookie", "codeverifier"]
        .iter()
        .any(|word| bare.ends_with(word))
        || (bare.ends_with("token") && !turns_pages(&bare))
}

/// Whether a parameter of a query, or a field of a form, is a secret: a credential, a signature, an authorization code. Options of OData
/// are none, whatever they are called (`$skiptoken`).
pub fn is_secret_query(name: &str) -> bool {
    let bare = bare(name);
    let named = || ["secret", "password"].iter().any(|word| bare.contains(word)) || (bare.contains("token") && !turns_pages(&bare));
    let ends = || ["key", "sig", "signature", "auth", "assertion", "cookie"].iter().any(|word| bare.ends_with(word));
    !name.starts_with('$') && (matches!(bare.as_str(), "code" | "authcode") || is_credential(name) || named() || ends())
}

/// A name as words are looked for in it.
fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn turns_pages(bare: &str) -> bool {
    ["page", "next", "skip", "continu", "delta"].iter().any(|word| bare.contains(word))
}

/// The name and value of one piece of a query, where it has both and the value is a secret.
fn secret_pair(piece: &str) -> Option<(&str, &str)> {
    let (name, value) = piece.split_once('=').filter(|(_, value)| !value.is_empty())?;
    // What has other signs in it is no query but text.
    let plain = |c: char| c.is_ascii_alphanumeric() || "$%-._~[]".contains(c);
    let decoded = form_urlencoded::parse(name.as_bytes()).next()?.0;
    (name.chars().all(plain) && is_secret_query(&decoded)).then_some((name, value))
}

/// An address, a path or a form with the values of secret parameters masked; other text as it is.
pub fn masked_query(text: &str) -> Cow<'_, str> {
    if secrets_of_query(text).next().is_none() {
        return text.into();
    }
    let masked = |whole: &str| {
        let piece = whole.trim_end_matches(SEPARATORS);
        let end = &whole[piece.len()..];
        secret_pair(piece).map_or_else(|| whole.to_owned(), |(name, _)| format!("{name}={MASK}{end}"))
    };
    text.split_inclusive(SEPARATORS).map(masked).collect::<String>().into()
}

/// What begins and parts the pairs of a query.
const SEPARATORS: [char; 3] = ['?', '&', '#'];

/// The values that [`masked_query`] masks, decoded.
pub fn secrets_of_query(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let decoded = |(_, value): (&str, &str)| form_urlencoded::parse(value.as_bytes()).next().map(|(value, _)| value.into_owned().into());
    text.split(SEPARATORS).filter_map(secret_pair).filter_map(decoded)
}

/// A value with the texts and numbers masked whose members' names are secret by this rule, and the queries within its texts.
pub fn masked_members(value: &Value, is_secret: fn(&str) -> bool) -> Value {
    let hides = |name: &str, inner: &Value| is_secret(name) && !matches!(inner, Value::Null | Value::Bool(_));
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, inner)| (name.clone(), if hides(name, inner) { MASK.into() } else { masked_members(inner, is_secret) }))
            .collect(),
        Value::Array(items) => items.iter().map(|item| masked_members(item, is_secret)).collect(),
        Value::String(text) => Value::from(masked_query(text)),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_tell_what_is_secret() {
        for name in ["Authorization", "Cookie", "X-Key", "X-Secret-Id", "Ocp-Apim-Subscription-Key"] {
            assert!(is_secret_header(name), "{name}");
        }
        for (name, credential, query) in [
            ("client_secret", true, true),
            ("access_token", true, true),
            ("apiKey", true, true),
            ("key", false, true),
            ("sig", false, true),
            ("tempauth", false, true),
            ("X-Amz-Signature", false, true),
            ("code", false, true),
            ("$skiptoken", false, false),
            ("page_token", false, false),
            ("nextToken", false, false),
            ("assignedTo", false, false),
            ("author", false, false),
            ("keyword", false, false),
            ("status_code", false, false),
        ] {
            assert_eq!((is_credential(name) && !name.starts_with('$'), is_secret_query(name)), (credential, query), "{name}");
        }
    }

    #[test]
    fn queries_are_masked_and_other_text_stays() {
        for (text, masked) in [
            ("/v1.0/users?$top=1&access_token=a&sig=b&code=c", "/v1.0/users?$top=1&access_token=***&sig=***&code=***"),
            (
                "https://a.example/x?access%5Ftoken=a&%24skiptoken=t#id_token=u",
                "https://a.example/x?access%5Ftoken=***&%24skiptoken=t#id_token=***",
            ),
            ("grant_type=refresh_token&client_secret=a%26b", "grant_type=refresh_token&client_secret=***"),
            ("/x?sig=&a=b", "/x?sig=&a=b"),
            ("Events | where key == 1 & token = x", "Events | where key == 1 & token = x"),
            ("What is its code? Nobody knows.", "What is its code? Nobody knows."),
        ] {
            assert_eq!(masked_query(text), masked);
        }
        assert_eq!(secrets_of_query("a=b&client_secret=a%26b").collect::<Vec<_>>(), ["a&b"]);
    }

    #[test]
    fn members_are_masked_at_any_depth() {
        let value = json!({"a": [{"client_secret": "x", "make_token": true, "url": "/x?sig=s"}], "key": "k", "token": null});
        let masked = json!({"a": [{"client_secret": "***", "make_token": true, "url": "/x?sig=***"}], "key": "k", "token": null});
        assert_eq!(masked_members(&value, is_credential), masked);
    }
}
