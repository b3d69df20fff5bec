//! The one door out: every request of every connection is made by [`Door::send`].
//!
//! Credentials are attached here, per hop, only when scheme, host and port equal those of a declared root. Size caps, time limits, rate
//! limits, retries, redirects and renewal live here and nowhere else.

pub mod assertion;
pub mod body;
mod certificate;
pub mod prepare;
pub mod rate;
pub mod secrets;
pub mod token;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::core::catalogue::{Auth, Entry, Root};
use crate::core::connection::Connection;
use crate::core::outcome::Attachment;
use crate::core::request::{Answer, Body, Follow, Method, Reply, Request, TOKEN_TENANT, Template, Trouble};
use crate::core::secrecy::is_secret_header;
use crate::runtime::attachment::Quarantine;
use crate::secrets::Redactor;
use prepare::{origin, resolve, with_query};
use rate::Rate;
use secrets::Secrets;
use token::Tokens;

/// The longest `Retry-After` that is told from a longer one.
const LONGEST: Duration = Duration::from_hours(24 * 365);
/// All tries of one request together have this time (contract, Repeats).
const TRY_TIME: Duration = Duration::from_secs(15);
/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The longest silence that is waited through, unless a request says otherwise.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
/// The most redirects followed on the same host, and anywhere.
const HOPS: (usize, usize) = (5, 30);
/// Stands for a difference that is not known.
const UNTOLD: i64 = i64::MIN;
/// Clocks that differ by less are taken to agree.
const CLOCKS_AGREE: SignedDuration = SignedDuration::from_mins(1);

/// The way out of one connection.
#[derive(Debug)]
pub struct Door {
    connection: Arc<Connection>,
    entry: Arc<Entry>,
    http: reqwest::Client,
    /// For what must not go through the connection's proxy.
    direct: reqwest::Client,
    rate: Rate,
    secrets: Arc<Secrets>,
    tokens: Tokens,
    redactor: Redactor,
    /// By how many seconds this machine's clock was ahead of the vendor's at its last answer; [`UNTOLD`] where it has not told the time.
    ahead: AtomicI64,
}

/// Until when, and until whose word, sending goes on.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The end of the whole run.
    pub deadline: Instant,
    /// The analyst's change of mind.
    pub cancel: CancellationToken,
    /// Where attachments go.
    pub quarantine: Quarantine,
}

impl Door {
    /// Makes the way out of a connection.
    ///
    /// # Errors
    /// When the certificate authorities or the proxy cannot be used.
    pub fn new(
        connection: Arc<Connection>,
        entry: Arc<Entry>,
        secrets: Secrets,
        vault: crate::secrets::Vault,
        lock_dir: std::path::PathBuf,
        redactor: Redactor,
    ) -> Result<Self, String> {
        // Another connection may have done it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = client(&connection, connection.proxy.as_deref())?;
        let direct = if connection.proxy.is_some() { client(&connection, None)? } else { http.clone() };
        let secrets = Arc::new(secrets);
        let tokens = Tokens::new(Arc::clone(&connection), Arc::clone(&secrets), vault, lock_dir, redactor.clone());
        let rate = Rate::new(entry.rate);
        Ok(Self { connection, entry, http, direct, rate, secrets, tokens, redactor, ahead: AtomicI64::new(UNTOLD) })
    }

    /// The tokens of the connection.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// By how much this machine's clock is ahead of the vendor's (behind, where negative); nothing where they agree, or the vendor does not
    /// tell the time.
    pub fn clock_ahead(&self) -> Option<SignedDuration> {
        self.difference().filter(|ahead| ahead.abs() > CLOCKS_AGREE)
    }

    /// What the vendor's clock shows now, where it has told the time.
    pub fn vendors_present(&self) -> Option<Timestamp> {
        Timestamp::now().checked_sub(self.difference()?).ok()
    }

    fn difference(&self) -> Option<SignedDuration> {
        Some(self.ahead.load(Ordering::Relaxed)).filter(|ahead| *ahead != UNTOLD).map(SignedDuration::from_secs)
    }

    /// Sends a request: with its credentials, within the limits, again where that is safe.
    pub async fn send(&self, request: &Request, scope: &Scope) -> Answer {
        tokio::select! {
            biased;
            () = scope.cancel.cancelled() => Err(Trouble::Cancelled),
            answer = tokio::time::timeout_at(scope.deadline, self.tries(request, scope)) => {
                answer.unwrap_or_else(|_| Err(Trouble::TimedOut("No answer within the time of this run; give it more with --timeout.".into())))
            }
        }
    }

    async fn tries(&self, request: &Request, scope: &Scope) -> Answer {
        let begun = Instant::now();
        let backoff = |tried| backoff(tried).min(self.entry.retry.pause);
        let mut renewed: Option<String> = None;
        let mut tried = 0;
        loop {
            tried += 1;
            let (answer, token) = self.hops(request, scope, renewed.as_deref()).await;
            if !request.retry || tried >= self.entry.retry.tries {
                return answer;
            }
            let pause = match &answer {
                // Nothing was carried out: the same request may follow, once, with a new token.
                Ok(reply) if reply.status == 401 => match token {
                    Some(token) if renewed.is_none() => {
                        renewed = Some(token);
                        continue;
                    }
                    _ => return answer,
                },
                Ok(reply) if reply.status == 429 || (reply.status == 503 && !request.changes) => {
                    retry_after(reply).unwrap_or_else(|| backoff(tried))
                }
                Ok(reply) if matches!(reply.status, 500 | 502 | 504) && !request.changes => {
                    retry_after(reply).unwrap_or_else(|| backoff(tried))
                }
                Err(Trouble::Unreached(_) | Trouble::Transport(_) | Trouble::TimedOut(_)) if !request.changes => backoff(tried),
                _ => return answer,
            };
            let end = Instant::now() + pause;
            if end > begun + TRY_TIME || end > scope.deadline {
                return answer;
            }
            sleep(pause).await;
        }
    }

    /// Sends once, following redirects by hand. Gives back the token that was used, too.
    async fn hops(&self, request: &Request, scope: &Scope, rejected: Option<&str>) -> (Answer, Option<String>) {
        let resolved = match resolve(&self.entry, &request.target) {
            Ok(resolved) => resolved,
            Err(trouble) => return (Err(trouble), None),
        };
        let (mut url, mut root) = (resolved.url, resolved.root);
        match self.pairs(&request.query) {
            Ok(pairs) => with_query(&mut url, &pairs),
            Err(trouble) => return (Err(trouble), None),
        }
        let first = origin(&url);
        let mut urls = vec![url.to_string()];
        let mut used = None;
        let mut method = request.method;
        let limit = match request.follow {
            Follow::No => 0,
            Follow::SameOrigin => HOPS.0,
            Follow::Anywhere => HOPS.1,
        };
        loop {
            let home = origin(&url) == first;
            let credentials = match self.credentials(root, home, rejected, scope).await {
                Ok(credentials) => credentials,
                Err(trouble) => return (Err(trouble), used),
            };
            used = credentials.token.clone().or(used);
            if let Err(trouble) = with_tenant(&mut url, credentials.token.as_deref()) {
                return (Err(trouble), used);
            }
            let begun = Instant::now();
            let answer = self.once(request, method, url.clone(), home, credentials, scope).await;
            self.note(method, &url, &answer, begun);
            let reply = match answer {
                Ok(reply) => reply,
                Err(trouble) => return (Err(trouble), used),
            };
            let next =
                reply.header("location").filter(|_| matches!(reply.status, 301 | 302 | 303 | 307 | 308)).and_then(|to| url.join(to).ok());
            let after = redirected(request, method, reply.status);
            let next = match next {
                Some(next) if limit > 0 && (after != method || may_carry(request, method, origin(&next) == first)) => next,
                _ => return (Ok(Reply { urls, ..reply }), used),
            };
            if urls.len() > limit {
                return (
                    // No failure that a second try would mend.
                    Err(Trouble::TooLarge(format!(
                        "More than {limit} redirects, which is the limit; the last led to {}.",
                        next.host_str().unwrap_or_default()
                    ))),
                    used,
                );
            }
            if request.follow == Follow::SameOrigin && origin(&next) != first {
                let place = next.origin().ascii_serialization();
                return (Err(Trouble::ForeignLink(format!("A redirect leads to another host ({place}); it was not followed."))), used);
            }
            if origin(&next) != first {
                root = None;
                let down = url.scheme() == "https" && next.scheme() != "https";
                if let Err(why) =
                    crate::core::origin::judge(&next).and(if down { Err("must be https as the address before it") } else { Ok(()) })
                {
                    let host = next.host_str().unwrap_or_default();
                    return (Err(Trouble::ForeignLink(format!("A redirect leads to {host}, which {why}; it was not followed."))), used);
                }
            }
            method = after;
            url = next;
            urls.push(url.to_string());
        }
    }

    /// Logs a request and how it ended; what is in its query and body is nobody's business.
    fn note(&self, method: Method, url: &Url, answer: &Answer, begun: Instant) {
        let (connection, method, millis) = (&self.connection.name, method.as_str(), begun.elapsed().as_millis());
        let place = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
        match answer {
            Ok(reply) => tracing::info!("{connection}: {} in {millis} ms: {method} {place}", reply.status),
            Err(trouble) => tracing::warn!("{connection}: {} ({millis} ms): {method} {place}", trouble.message()),
        }
    }

    /// What authorises a request to a root, if anything may.
    async fn credentials(&self, root: Option<&Root>, home: bool, rejected: Option<&str>, scope: &Scope) -> Result<Credentials, Trouble> {
        let Some(root) = root.filter(|_| home) else { return Ok(Credentials::default()) };
        let fill = |template: &Template| self.secrets.fill(template, None, Timestamp::now()).map_err(Trouble::Refused);
        Ok(match &root.auth {
            Auth::None => Credentials::default(),
            Auth::SignIn(sign_in) => {
                let token = self.tokens.token(self, sign_in, rejected, scope).await?;
                let header = Some((sign_in.attach.0.clone(), format!("{}{token}", sign_in.attach.1)));
                Credentials { header, query: None, token: Some(token) }
            }
            Auth::Header(name, value) => Credentials { header: Some((name.clone(), fill(value)?)), ..Credentials::default() },
            Auth::Query(name, value) => Credentials { query: Some((name.clone(), fill(value)?)), ..Credentials::default() },
            Auth::Basic { username, password } => {
                let user = self.connection.text(username).or_else(|| self.secrets.expose(username)).unwrap_or(username);
                let value = format!("{user}:{}", self.secrets.expose(password).unwrap_or_default());
                let value = STANDARD.encode(value);
                self.redactor.add(&value);
                Credentials { header: Some(("Authorization".into(), format!("Basic {value}"))), ..Credentials::default() }
            }
        })
    }

    /// Sends once, to one place. `home` says whether it is the host that the request names: elsewhere no secret header goes.
    async fn once(&self, request: &Request, method: Method, mut url: Url, home: bool, credentials: Credentials, scope: &Scope) -> Answer {
        if let Some(pair) = credentials.query {
            with_query(&mut url, &[pair]);
        }
        let mut headers = HeaderMap::new();
        set(&mut headers, "accept-encoding", "gzip, deflate")?;
        for (name, value) in &self.entry.headers {
            set(&mut headers, name, value)?;
        }
        if let Some((name, value)) = credentials.header {
            set(&mut headers, &name, &value)?;
        }
        let send_body = method == request.method;
        if let Some(content_type) = prepare::content_type(&request.body).filter(|_| send_body) {
            set(&mut headers, "content-type", content_type)?;
        }
        for (name, value) in self.pairs(&request.headers)? {
            if !home && is_secret_header(&name) || !send_body && name.eq_ignore_ascii_case("content-type") {
                continue;
            }
            // An empty value takes a header away.
            if value.is_empty() {
                if let Ok(name) = HeaderName::try_from(name.as_str()) {
                    headers.remove(name);
                }
            } else {
                set(&mut headers, &name, &value)?;
            }
        }
        let bytes: Vec<u8> = match &request.body {
            _ if !send_body => Vec::new(),
            Body::Empty => Vec::new(),
            Body::Json(value) => value.to_string().into_bytes(),
            Body::Form(fields) => prepare::form(&self.pairs(fields)?).into_bytes(),
            Body::Text(text) => text.clone().into_bytes(),
            Body::Bytes(bytes) => bytes.to_vec(),
        };
        if bytes.is_empty() && matches!(method, Method::Post | Method::Put | Method::Patch) {
            set(&mut headers, "content-length", "0")?;
        }
        let idle = request.idle_timeout.or(self.entry.timeout).unwrap_or(IDLE_LIMIT);
        self.rate.wait().await;
        let method = reqwest::Method::from_bytes(method.as_str().as_bytes()).map_err(|error| Trouble::Refused(error.to_string()))?;
        let http = if request.direct { &self.direct } else { &self.http };
        let mut built = http.request(method, url).headers(headers);
        if !bytes.is_empty() {
            built = built.body(bytes);
        }
        let answer = match tokio::time::timeout(idle, built.send()).await {
            Err(_) => return Err(Trouble::TimedOut(format!("No answer within {} s.", idle.as_secs()))),
            Ok(Err(error)) if error.is_builder() => {
                return Err(Trouble::Refused(format!("The request cannot be made: {}.", self.safe(error))));
            }
            Ok(Err(error)) if error.is_connect() => {
                if let Some(complaint) = certificate::complaint(&error) {
                    return Err(Trouble::Unreached(format!("Nothing was sent: the certificate of who answers {complaint}.")));
                }
                return Err(Trouble::Unreached(format!(
                    "The vendor cannot be reached: {}. Check its address, the network and the proxy, then try again.",
                    self.safe(error)
                )));
            }
            Ok(Err(error)) => {
                let text = self.safe(error);
                if text.contains("head is too large") || text.contains("too many headers") {
                    return Err(Trouble::TooLarge(format!("Stopped reading: the answer's headers pass the limit ({text}).")));
                }
                return Err(Trouble::Transport(format!("The connection failed: {text}.")));
            }
            Ok(Ok(answer)) => answer,
        };
        if home && let Some(date) = answer.headers().get("date").and_then(|date| date.to_str().ok()).and_then(http_date) {
            self.ahead.store(Timestamp::now().as_second() - date.as_second(), Ordering::Relaxed);
        }
        self.receive(request, answer, idle, scope).await
    }

    async fn receive(&self, request: &Request, answer: reqwest::Response, idle: Duration, scope: &Scope) -> Answer {
        let status = answer.status().as_u16();
        let headers: Vec<(String, String)> = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let mut reply = Reply { status, headers, request_id: None, ..Reply::default() };
        reply.request_id =
            ["request-id", "x-request-id", "x-ms-request-id", "x-ms-correlation-request-id", "client-request-id", "x-correlation-id"]
                .iter()
                .find_map(|name| reply.header(name))
                .map(str::to_owned);
        let redirect = matches!(status, 301 | 302 | 303 | 307 | 308) && reply.header("location").is_some();
        match request.sink.as_ref().filter(|sink| !(redirect || sink.only_success && status >= 400)) {
            Some(sink) => {
                let archive = scope.quarantine.begin(sink).map_err(Trouble::Refused)?;
                let archive = body::read(answer, archive, idle).await?;
                let attachment: Attachment = archive.finish().map_err(Trouble::Refused)?;
                reply.attachment = Some(attachment);
            }
            None => {
                let memory = body::read(answer, body::Memory::default(), idle).await?;
                let text = memory.0.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&memory.0);
                if matches!(text.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'[')) {
                    body::check_shape(&memory.0)?;
                }
                reply.body = Arc::from(memory.0);
            }
        }
        Ok(reply)
    }

    fn pairs(&self, pairs: &[(String, Template)]) -> Result<Vec<(String, String)>, Trouble> {
        pairs
            .iter()
            .map(|(name, value)| Ok((name.clone(), self.secrets.fill(value, None, Timestamp::now()).map_err(Trouble::Refused)?)))
            .collect()
    }

    fn safe(&self, error: reqwest::Error) -> String {
        self.redactor.text(&body::chain(&error.without_url()))
    }
}

/// The HTTP client of a connection, through its proxy or through none.
fn client(connection: &Connection, proxy: Option<&str>) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_LIMIT)
        .user_agent(concat!("nightdesk/", env!("CARGO_PKG_VERSION")))
        .tls_danger_accept_invalid_certs(connection.insecure);
    builder = match proxy {
        None => builder.no_proxy(),
        Some("environment") => builder,
        Some(url) => {
            builder.no_proxy().proxy(reqwest::Proxy::all(url).map_err(|error| format!("the proxy {url} cannot be used: {error}"))?)
        }
    };
    if let Some(file) = &connection.ca_file {
        let pem = std::fs::read(file).map_err(|error| format!("ca_file {file} cannot be read: {error}"))?;
        let authorities = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| format!("ca_file {file} is not PEM: {error}"))?;
        builder = builder.tls_certs_merge(authorities);
    }
    builder.build().map_err(|error| format!("no HTTP client can be made: {}", body::chain(&error)))
}

/// The method after a redirect. Execute HTTP Request does as HTTP clients do: 303 and 302 go on as GET, 301 does after a POST.
fn redirected(request: &Request, method: Method, status: u16) -> Method {
    match (status, request.follow) {
        (303, _) | (302, Follow::Anywhere) if method != Method::Head => Method::Get,
        (301, Follow::Anywhere) if method == Method::Post => Method::Get,
        _ => method,
    }
}

/// Whether a redirect may carry the same method on. A request with a body goes nowhere but to its own host, and a changing one only
/// where the server said that it was not carried out (Execute HTTP Request).
fn may_carry(request: &Request, method: Method, home: bool) -> bool {
    match request.follow {
        Follow::Anywhere => method.is_safe() || home,
        _ => !request.changes || method.is_safe(),
    }
}

/// Puts the tenant of a token where a URL leaves its place open. The token's signature is its issuer's affair, not ours.
fn with_tenant(url: &mut Url, token: Option<&str>) -> Result<(), Trouble> {
    let encoded = TOKEN_TENANT.replace('$', "%24");
    let text = url.as_str();
    if !text.contains(TOKEN_TENANT) && !text.contains(&encoded) {
        return Ok(());
    }
    let claims = token.and_then(|token| URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok());
    let claims: Option<serde_json::Value> = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
    let tenant = claims.as_ref().and_then(|claims| claims.get("tid")?.as_str());
    let tenant = tenant.filter(|tenant| tenant.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')));
    let Some(tenant) = tenant else {
        return Err(Trouble::Refused("The access token does not say of which tenant it is; configure tenant_id.".into()));
    };
    let text = text.replace(TOKEN_TENANT, tenant).replace(&encoded, tenant);
    *url = Url::parse(&text).map_err(|error| Trouble::Refused(format!("{text} is not a URL: {error}.")))?;
    Ok(())
}

#[derive(Default)]
struct Credentials {
    header: Option<(String, String)>,
    query: Option<(String, String)>,
    token: Option<String>,
}

fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Trouble> {
    let name = HeaderName::try_from(name).map_err(|_| Trouble::Refused(format!("{name} is not a header's name.")))?;
    let mut value =
        HeaderValue::try_from(value).map_err(|_| Trouble::Refused(format!("The value of the header {name} holds a control character.")))?;
    value.set_sensitive(is_secret_header(name.as_str()));
    headers.insert(name, value);
    Ok(())
}

/// How long the vendor asks to wait: seconds, or a date.
fn retry_after(reply: &Reply) -> Option<Duration> {
    let text = reply.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        // What no clock can hold is longer than anybody waits.
        return (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST));
    }
    let at = http_date(text)?;
    Some(Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO))
}

/// A time as HTTP headers give it.
fn http_date(text: &str) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp())
}

/// Exponential back-off with full jitter.
fn backoff(tried: u32) -> Duration {
    let most = 250_u64 << tried.min(5);
    let random = u64::from_le_bytes(crate::secrets::vault::random::<8>());
    Duration::from_millis(50 + random % most)
}
