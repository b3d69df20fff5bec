//! From a request as a value to the bytes that are sent; the preview is made by the same code.

use serde_json::{Map, Value, json};
use url::Url;

use crate::core::catalogue::{Auth, Entry, Root};
use crate::core::request::{Body, Request, Target, Template, Trouble};
use crate::core::secrecy::{MASK, is_credential, is_secret_header, masked_members, masked_query};

/// Where a request goes, and whose credentials it may carry.
#[derive(Debug)]
pub struct Resolved<'a> {
    /// The URL, without query parameters that hold secrets.
    pub url: Url,
    /// The root on whose host it lies.
    pub root: Option<&'a Root>,
}

/// Scheme, host and port: together they name a host.
pub fn origin(url: &Url) -> (String, String, Option<u16>) {
    (url.scheme().to_owned(), url.host_str().unwrap_or_default().to_ascii_lowercase(), url.port_or_known_default())
}

/// Judges a request's target.
///
/// # Errors
/// A link that is none, or leaves the connection's hosts.
pub fn resolve<'a>(entry: &'a Entry, target: &Target) -> Result<Resolved<'a>, Trouble> {
    match target {
        Target::Service { root, path } => {
            let root = entry
                .roots
                .iter()
                .find(|known| known.name == *root)
                .ok_or_else(|| Trouble::Refused(format!("The connection has no root {root}.")))?;
            // A URL would climb up at these, wherever an id was meant.
            let climbs = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
            if path.split('?').next().unwrap_or_default().split('/').any(climbs) {
                return Err(Trouble::Refused(format!("An id must not be . or .. ({path}); nothing was sent.")));
            }
            let text = format!("{}{path}", root.url.trim_end_matches('/'));
            let url = Url::parse(&text).map_err(|error| Trouble::Refused(format!("{text} is not a URL: {error}.")))?;
            Ok(Resolved { url, root: Some(root) })
        }
        Target::Link(text) => {
            let url = link(text)?;
            match root_of(entry, &url, false) {
                Some(root) => Ok(Resolved { url, root: Some(root) }),
                None => Err(Trouble::ForeignLink(format!(
                    "The vendor's link leads to another host ({}); it was not followed.",
                    url.origin().ascii_serialization()
                ))),
            }
        }
        Target::Open(text) => {
            let url = Url::parse(text).map_err(|error| Trouble::Refused(format!("{text} is not an absolute URL: {error}.")))?;
            if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
                return Err(Trouble::Refused(format!("{text} is not an http or https URL.")));
            }
            let root = root_of(entry, &url, true);
            Ok(Resolved { url, root })
        }
    }
}

/// The root that an address belongs to. Several may share a host: the one whose path is the longest prefix is meant, and of two the one
/// that has credentials. `below` says whether the address must lie below the root's path, not just on its host.
fn root_of<'a>(entry: &'a Entry, url: &Url, below: bool) -> Option<&'a Root> {
    let prefix = |root: &Root| {
        Url::parse(&root.url)
            .ok()
            .filter(|known| url.path().starts_with(known.path().trim_end_matches('/')))
            .map(|known| known.path().len())
    };
    let here = |root: &&Root| Url::parse(&root.url).is_ok_and(|known| origin(&known) == origin(url)) && (!below || prefix(root).is_some());
    entry.roots.iter().filter(here).max_by_key(|root| (prefix(root), !matches!(root.auth, Auth::None)))
}

/// A vendor's link, parsed and checked for tricks.
fn link(text: &str) -> Result<Url, Trouble> {
    let url = Url::parse(text)
        .map_err(|error| Trouble::ForeignLink(format!("The vendor's link is not a URL ({error}); it was not followed.")))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(Trouble::ForeignLink("The vendor's link carries a user name or a fragment; it was not followed.".into()));
    }
    Ok(url)
}

/// Appends query parameters to a URL. Values are form-encoded but for the blank, which becomes `%20`.
pub fn with_query(url: &mut Url, pairs: &[(String, String)]) {
    if pairs.is_empty() {
        return;
    }
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let added: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let query = match url.query() {
        Some(old) if !old.is_empty() => format!("{old}&{}", added.join("&")),
        _ => added.join("&"),
    };
    url.set_query(Some(&query));
}

/// Form fields as they are sent.
pub fn form(fields: &[(String, String)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        form.append_pair(name, value);
    }
    form.finish()
}

/// A request as a preview shows it: everything that would be sent, with secrets masked.
pub fn preview(entry: &Entry, request: &Request) -> Value {
    let shown = |pairs: &[(String, Template)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| (name.clone(), value.shown())).collect()
    };
    let mut headers = Map::new();
    let (url, root) = match resolve(entry, &request.target) {
        Ok(resolved) => {
            let mut url = resolved.url;
            with_query(&mut url, &shown(&request.query));
            (url.to_string(), resolved.root)
        }
        Err(_) => match &request.target {
            Target::Service { path, .. } => (path.clone(), None),
            Target::Link(text) | Target::Open(text) => (text.clone(), None),
        },
    };
    let url = masked_query(&url);
    // A place that waits for an earlier answer stays readable.
    let url = url.replace("%3Cfrom%20step", "<from step").replace("%3E", ">").replace("%3C", "<");
    let url = if url.contains("<from step") { url.replace("%20", " ") } else { url };
    for (name, value) in &entry.headers {
        headers.insert(name.clone(), value.as_str().into());
    }
    match root.map(|root| &root.auth) {
        Some(Auth::SignIn(sign_in)) => {
            headers.insert(sign_in.attach.0.clone(), format!("{}***", sign_in.attach.1).into());
        }
        Some(Auth::Header(name, value)) => {
            headers.insert(name.clone(), value.shown().into());
        }
        Some(Auth::Basic { .. }) => {
            headers.insert("Authorization".into(), "Basic ***".into());
        }
        Some(Auth::Query(..) | Auth::None) | None => {}
    }
    if let Some(content_type) = content_type(&request.body) {
        headers.insert("Content-Type".into(), content_type.into());
    }
    for (name, value) in shown(&request.headers) {
        headers.retain(|known, _| !known.eq_ignore_ascii_case(&name));
        let value = if is_secret_header(&name) && !value.is_empty() { MASK.to_owned() } else { value };
        headers.insert(name, value.into());
    }
    let body = match &request.body {
        Body::Empty => Value::Null,
        Body::Json(value) => masked_members(value, is_credential),
        Body::Form(fields) => {
            let fields: Vec<(String, String)> = shown(fields);
            Value::from(masked_query(&form(&fields).replace("%2A%2A%2A", MASK)))
        }
        Body::Text(text) => Value::from(masked_query(text)),
        Body::Bytes(bytes) => Value::from(format!("<{} bytes>", bytes.len())),
    };
    let mut preview = json!({"method": request.method.as_str(), "url": url, "headers": headers, "body": body});
    if let Some(step) = request.depends_on {
        preview["depends_on"] = step.into();
    }
    if !request.purpose.is_empty() {
        preview["purpose"] = request.purpose.as_str().into();
    }
    preview
}

/// The content type that a body has unless a header says otherwise.
pub fn content_type(body: &Body) -> Option<&'static str> {
    match body {
        Body::Json(_) => Some("application/json"),
        Body::Form(_) => Some("application/x-www-form-urlencoded"),
        Body::Empty | Body::Text(_) | Body::Bytes(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry { roots: vec![Root { name: "api".into(), url: "https://api.example/base/".into(), auth: Auth::None }], ..Entry::default() }
    }

    #[test]
    fn only_the_declared_host_is_followed() {
        for foreign in [
            "https://api.example.evil/x",
            "https://api.example:444/x",
            "http://api.example/x",
            "https://user@api.example/x",
            "https://api.example@evil/x",
            "https://api.example/x#y",
            "//evil/x",
            "not a url",
        ] {
            assert!(matches!(resolve(&entry(), &Target::Link(foreign.into())), Err(Trouble::ForeignLink(_))), "{foreign}");
        }
        for own in ["https://api.example/other?x=1", "https://API.example:443/y"] {
            assert!(resolve(&entry(), &Target::Link(own.into())).is_ok(), "{own}");
        }
    }

    #[test]
    fn an_id_never_climbs_out_of_its_path() {
        for path in ["/v2/policy-assignments/..", "/a/./b", "/a/%2E%2e/b"] {
            assert!(
                matches!(resolve(&entry(), &Target::Service { root: "api".into(), path: path.into() }), Err(Trouble::Refused(_))),
                "{path}"
            );
        }
        assert!(resolve(&entry(), &Target::Service { root: "api".into(), path: "/a/..b/c.d?x=../y".into() }).is_ok());
    }

    #[test]
    fn an_open_target_elsewhere_has_no_root() {
        assert!(resolve(&entry(), &Target::Open("https://elsewhere.example/".into())).unwrap().root.is_none());
        assert!(resolve(&entry(), &Target::Open("https://api.example/base/x".into())).unwrap().root.is_some());
        assert!(resolve(&entry(), &Target::Open("file:///etc/passwd".into())).is_err());
    }

    #[test]
    fn a_preview_masks_what_is_secret() {
        let request = Request::post("api", "/t")
            .field("a", "b c")
            .field("secret", Template::secret("client_secret"))
            .field("code", "canary")
            .header("X-Api-Key", "canary")
            .query("sig", "canary");
        let shown = preview(&entry(), &request);
        assert_eq!(shown["url"], "https://api.example/base/t?sig=***");
        assert_eq!(shown["body"], "a=b+c&secret=***&code=***");
        assert!(!shown.to_string().contains("canary"));
    }
}
