//! What comes back of Execute HTTP Request: the fields of the JSON result, text decoding, and what an error says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chardetng::EncodingDetector;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use serde_json::{Map, Value, json};

use crate::core::request::Reply;
use crate::core::secrecy::masked_query;

/// The fields of the JSON result in the order of the document (seed 000, Fields To Return).
pub const FIELDS: [&str; 6] = ["response_data", "redirects", "response_code", "response_cookies", "response_headers", "apparent_encoding"];

/// The body as it is judged: parsed JSON if it is JSON, whatever its content type, else text.
pub fn parsed(reply: &Reply) -> Value {
    if reply.body.is_empty() {
        return Value::from("");
    }
    let text = text(reply);
    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or(Value::String(text))
}

/// The JSON result with the fields asked for.
///
/// `data` stands for the body: parsed, or base64.
pub fn result(reply: &Reply, data: Value, fields: &[String]) -> Value {
    let mut result = Map::new();
    let mut data = Some(data);
    for name in FIELDS.into_iter().filter(|name| fields.iter().any(|field| field == name)) {
        let value = match name {
            "response_data" => data.take().unwrap_or_default(),
            "redirects" => redirects(reply),
            "response_code" => json!(reply.status),
            "response_cookies" => cookies(reply),
            "response_headers" => headers(reply),
            _ => apparent_encoding(&reply.body).map_or(Value::Null, Value::from),
        };
        result.insert(name.into(), value);
    }
    Value::Object(result)
}

/// The raw bytes as base64.
///
/// # Errors
/// When the text would be longer than the limit, in characters.
pub fn base64(reply: &Reply, limit: usize) -> Result<Value, String> {
    let length = reply.body.len().div_ceil(3) * 4;
    if length > limit {
        return Err(format!("the response body is {length} characters long in Base64; the limit is 15 MB ({limit} characters)."));
    }
    Ok(Value::from(STANDARD.encode(&reply.body)))
}

/// Every address asked, the one that answered last. Signatures in pre-authenticated addresses are masked.
fn redirects(reply: &Reply) -> Value {
    reply.urls.iter().map(|url| Value::from(masked_query(url))).collect()
}

/// The cookies that the last answer set.
fn cookies(reply: &Reply) -> Value {
    let set = reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let pairs = set.filter_map(|(_, value)| value.split(';').next()?.split_once('='));
    Value::Object(pairs.map(|(name, value)| (name.trim().to_owned(), Value::from(value.trim().trim_matches('"')))).collect())
}

/// The headers; repeated ones are joined. Names are written the usual way, since HTTP does not keep their case.
fn headers(reply: &Reply) -> Value {
    let mut headers = Map::new();
    for (name, value) in &reply.headers {
        match headers.get_mut(&usual_case(name)) {
            Some(Value::String(have)) => {
                have.push_str(", ");
                have.push_str(value);
            }
            _ => {
                headers.insert(usual_case(name), Value::from(value.as_str()));
            }
        }
    }
    Value::Object(headers)
}

fn usual_case(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "etag" => "ETag".into(),
        "www-authenticate" => "WWW-Authenticate".into(),
        // Microsoft writes these in lower case.
        lower @ ("request-id" | "client-request-id") => lower.into(),
        lower if lower.starts_with("x-ms-") => lower.into(),
        lower => lower
            .split('-')
            .map(|word| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>())
            .collect::<Vec<_>>()
            .join("-"),
    }
}

/// The body as text: by its content type's charset, as Latin-1 for `text/*` without one, else by guess; what cannot be read is replaced.
fn text(reply: &Reply) -> String {
    let kind = reply.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let named = kind.split(';').skip(1).find_map(|part| part.trim().strip_prefix("charset=").map(|name| name.trim_matches(['"', '\''])));
    let encoding = match named.and_then(|name| Encoding::for_label(name.as_bytes())) {
        Some(encoding) => encoding,
        None if Encoding::for_bom(&reply.body).is_some() || std::str::from_utf8(&reply.body).is_ok() => UTF_8,
        None if kind.starts_with("text/") => WINDOWS_1252,
        None => guess(&reply.body),
    };
    encoding.decode(&reply.body).0.into_owned()
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new();
    detector.feed(bytes, true);
    detector.guess(None, true)
}

/// A guess at the encoding from the bytes alone: a hint, nothing to be compared with. Nothing for what is no text.
pub fn apparent_encoding(bytes: &[u8]) -> Option<String> {
    let name = match bytes {
        [] => "utf-8",
        [0xEF, 0xBB, 0xBF, ..] => "UTF-8-SIG",
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => "UTF-32",
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "UTF-16",
        bytes if bytes.iter().any(|byte| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B)) => return None,
        bytes if bytes.is_ascii() => "ascii",
        bytes if std::str::from_utf8(bytes).is_ok() => "utf-8",
        bytes => return Some(guess(bytes).name().to_ascii_lowercase()),
    };
    Some(name.into())
}

/// What a failed answer says: Graph's code and message, a sign-in's error, or the text; with the HTTP status in front.
pub fn reason(reply: &Reply) -> String {
    let status = format!("HTTP {}", reply.status);
    let value = parsed(reply);
    let text = match &value {
        Value::Object(object) => match object.get("error") {
            Some(Value::Object(error)) => {
                let part = |name: &str| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
                match (part("code"), part("message")) {
                    (Some(code), Some(message)) => format!("{code}: {message}"),
                    (Some(one), None) | (None, Some(one)) => one.to_owned(),
                    (None, None) => Value::Object(error.clone()).to_string(),
                }
            }
            Some(Value::String(error)) => match object.get("error_description").and_then(Value::as_str) {
                Some(description) => format!("{error}: {description}"),
                None => error.clone(),
            },
            _ => object.get("message").and_then(Value::as_str).map_or_else(|| value.to_string(), str::to_owned),
        },
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let text: String = text.chars().take(600).collect();
    if text.is_empty() { status } else { format!("{status} {text}") }
}

/// What to do next about a failed answer.
pub fn hint(reply: &Reply) -> Option<&'static str> {
    Some(match reply.status {
        401 => "The token was not accepted: check the scopes and that the address belongs to the root the token is for.",
        403 if reply.text().contains("insufficient_claims") => "Conditional Access asks for more: sign in again with Get Authorization.",
        403 => "Grant the permission to the application (or consent to it, for delegated sign-in) in Entra and sign in again.",
        404 => "Check the address and that the object still exists.",
        429 | 503 => "The service asks to slow down: wait and try again.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn reply(kind: &str, body: &[u8]) -> Reply {
        Reply { status: 200, headers: vec![("content-type".into(), kind.into())], body: Arc::from(body), ..Reply::default() }
    }

    #[test]
    fn bodies_are_parsed_or_read_as_text() {
        for (kind, body, data, guess) in [
            ("text/plain", &b"{\"state\":\"finished\"}"[..], json!({"state": "finished"}), Some("ascii")),
            ("text/plain; charset=iso-8859-1", b"caf\xe9", json!("café"), Some("windows-1252")),
            ("text/plain", "grün".as_bytes(), json!("grün"), Some("utf-8")),
            ("application/json", "\u{feff}{\"a\":1}".as_bytes(), json!({"a": 1}), Some("UTF-8-SIG")),
            ("text/plain; charset=utf-16", b"\xff\xfeg\x00\xf6\x00", json!("gö"), Some("UTF-16")),
            ("", b"", json!(""), Some("utf-8")),
            ("application/octet-stream", b"MZ\x00\x01", json!("MZ\u{0}\u{1}"), None),
        ] {
            let reply = reply(kind, body);
            assert_eq!(parsed(&reply), data, "{kind}");
            let apparent = apparent_encoding(body);
            // Between Latin encodings the detector may choose otherwise.
            if guess != Some("windows-1252") {
                assert_eq!(apparent.as_deref(), guess, "{kind}");
            }
        }
    }

    #[test]
    fn numbers_survive() {
        assert_eq!(parsed(&reply("application/json", b"{\"n\":12345678901234567890.10}")).to_string(), "{\"n\":12345678901234567890.10}");
    }

    #[test]
    fn the_result_has_exactly_the_fields_asked_for_in_the_documents_order() {
        let mut reply = reply("application/json", b"{}");
        reply.headers.extend([
            ("set-cookie".to_owned(), "session=abc; Path=/; HttpOnly".to_owned()),
            ("set-cookie".to_owned(), "lang=de".to_owned()),
            ("x-cloud-trace-context".to_owned(), "t".to_owned()),
        ]);
        reply.urls = vec!["https://a.example/x?sig=abc&$skiptoken=t".into()];
        let all: Vec<String> = FIELDS.iter().rev().map(ToString::to_string).collect();
        let result = super::result(&reply, parsed(&reply), &all);
        let names: Vec<_> = result.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, FIELDS);
        assert_eq!(result["response_cookies"], json!({"session": "abc", "lang": "de"}));
        assert_eq!(result["response_headers"]["Set-Cookie"], "session=abc; Path=/; HttpOnly, lang=de");
        assert_eq!(result["response_headers"]["X-Cloud-Trace-Context"], "t");
        assert_eq!(result["redirects"], json!(["https://a.example/x?sig=***&$skiptoken=t"]));
        assert_eq!(super::result(&reply, Value::Null, &["response_code".into()]), json!({"response_code": 200}));
    }

    #[test]
    fn base64_has_a_limit_in_characters() {
        let reply = reply("", b"abcd");
        assert_eq!(base64(&reply, 8), Ok(json!("YWJjZA==")));
        assert!(base64(&reply, 7).unwrap_err().contains("15 MB"));
    }

    #[test]
    fn errors_are_read_in_every_shape() {
        for (body, text) in [
            (
                r#"{"error":{"code":"Authorization_RequestDenied","message":"Missing X"}}"#,
                "HTTP 200 Authorization_RequestDenied: Missing X",
            ),
            (r#"{"error":"invalid_grant","error_description":"AADSTS1: no"}"#, "HTTP 200 invalid_grant: AADSTS1: no"),
            (r#"{"error":"invalid_grant"}"#, "HTTP 200 invalid_grant"),
            (r#"{"message":"no"}"#, "HTTP 200 no"),
            ("<h1>no</h1>", "HTTP 200 <h1>no</h1>"),
            ("", "HTTP 200"),
        ] {
            assert_eq!(reason(&reply("application/json", body.as_bytes())), text);
        }
    }
}
