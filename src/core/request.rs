//! Requests and replies as values. What a preview shows is what is sent, byte for byte.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::outcome::{Attachment, Failure, Fate};

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
    /// HEAD
    Head,
    /// OPTIONS
    Options,
}

impl Method {
    /// Every method with its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("GET", Self::Get),
        ("POST", Self::Post),
        ("PUT", Self::Put),
        ("PATCH", Self::Patch),
        ("DELETE", Self::Delete),
        ("HEAD", Self::Head),
        ("OPTIONS", Self::Options),
    ];

    /// The method's name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, method)| *method == self).map_or("GET", |(name, _)| name)
    }

    /// The method of that name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, method)| *method)
    }

    /// Whether HTTP calls it safe (GET, HEAD, OPTIONS).
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }
}

/// Text in which secrets stand by name; the runtime puts the values in when it sends, previews show marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(pub Vec<Piece>);

/// One piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// The value of a secret parameter of the connection.
    Secret(String),
    /// The refresh token that the vault holds for this sign-in, else the connection's secret parameter of this name.
    RefreshToken(String),
    /// The value of a secret argument of the command: shown as `***` everywhere.
    Masked(String),
    /// A signed client assertion (RFC 7523) for the token endpoint `audience`.
    Assertion {
        /// Client id: issuer and subject.
        client_id: String,
        /// SHA-1 thumbprint of the certificate, hexadecimal.
        thumbprint: String,
        /// Secret parameter that holds the private key in PEM.
        private_key: String,
        /// The token endpoint.
        audience: String,
    },
}

impl Template {
    /// Nothing but one secret parameter of the connection.
    pub fn secret(name: &str) -> Self {
        Self(vec![Piece::Secret(name.into())])
    }

    /// Nothing but the vault's refresh token, or the configured one.
    pub fn refresh_token(parameter: &str) -> Self {
        Self(vec![Piece::RefreshToken(parameter.into())])
    }

    /// Nothing but a secret argument's value.
    pub fn masked(value: impl Into<String>) -> Self {
        Self(vec![Piece::Masked(value.into())])
    }

    /// The same with more text.
    #[must_use]
    pub fn then(mut self, piece: Piece) -> Self {
        self.0.push(piece);
        self
    }

    /// As a preview shows it.
    pub fn shown(&self) -> String {
        self.0.iter().map(|piece| if let Piece::Text(text) = piece { text.as_str() } else { "***" }).collect()
    }

    /// The plain text, where it holds no secret.
    pub fn plain(&self) -> Option<String> {
        self.0.iter().map(|piece| if let Piece::Text(text) = piece { Some(text.as_str()) } else { None }).collect()
    }
}

impl<T: Into<String>> From<T> for Template {
    fn from(text: T) -> Self {
        Self(vec![Piece::Text(text.into())])
    }
}

/// Stands in a path or query for the tenant (claim `tid`) of the access token that is sent, where nothing else tells it.
pub const TOKEN_TENANT: &str = "$tid";

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A path below a declared root of the connection; the path is percent-encoded already and begins with `/` or is empty.
    Service {
        /// Name of the root.
        root: String,
        /// The path.
        path: String,
    },
    /// An absolute URL that a vendor handed us (next page, content, location). It must lie on a declared root's host, else the
    /// request is refused; it gets that root's credentials.
    Link(String),
    /// An absolute URL that the user gave. It gets the credentials of the root on whose host it lies, and none elsewhere.
    Open(String),
}

/// What a request carries.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// JSON, with `Content-Type: application/json` unless a header says otherwise.
    Json(Value),
    /// A form, with `Content-Type: application/x-www-form-urlencoded`.
    Form(Vec<(String, Template)>),
    /// Text as it is; the content type is given by a header.
    Text(String),
    /// Bytes as they are; the content type is given by a header.
    Bytes(Arc<[u8]>),
}

/// How redirects are followed. Never with credentials, cookies or secret headers to another host, never by a changing request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Follow {
    /// On the same host, a few times, for reads.
    #[default]
    SameOrigin,
    /// Anywhere, bare, for reads (Execute HTTP Request).
    Anywhere,
    /// Not at all: the 3xx is the reply.
    No,
}

/// Where a reply's body goes instead of memory: into an archive in the quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// Whether the archive has a password (`infected`).
    pub password: bool,
    /// Whether that is ZipCrypto instead of AES-256.
    pub legacy: bool,
    /// Whether an answer with a status of 400 or more is kept in memory instead.
    pub only_success: bool,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub target: Target,
    /// Query parameters that are added, in order.
    pub query: Vec<(String, Template)>,
    /// Headers; credentials are added by the runtime.
    pub headers: Vec<(String, Template)>,
    /// What it carries.
    pub body: Body,
    /// Whether it changes anything at the vendor. Such a request is sent at most once.
    pub changes: bool,
    /// How redirects are followed.
    pub follow: Follow,
    /// The longest silence between bytes, where it is not the connection's.
    pub idle_timeout: Option<Duration>,
    /// Where the body goes instead of memory.
    pub sink: Option<Sink>,
    /// What it is for, for people: `page 2 of issues`.
    pub purpose: String,
    /// Whether the runtime retries and renews by itself; off where the command has its own rule.
    pub retry: bool,
    /// In a dry run: the number (from 1) of the earlier request whose answer it needs.
    pub depends_on: Option<usize>,
    /// Whether it never goes through a proxy, whatever the connection says: what it asks is known on this machine only.
    pub direct: bool,
}

impl Request {
    /// A request below a root. Whether it changes anything is taken from the method; say otherwise with [`Request::reads`].
    pub fn new(method: Method, root: &str, path: impl Into<String>) -> Self {
        Self::to(method, Target::Service { root: root.into(), path: path.into() })
    }

    /// A request to any target.
    pub fn to(method: Method, target: Target) -> Self {
        Self {
            method,
            target,
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            changes: !method.is_safe(),
            follow: Follow::default(),
            idle_timeout: None,
            sink: None,
            purpose: String::new(),
            retry: true,
            depends_on: None,
            direct: false,
        }
    }

    /// GET below a root.
    pub fn get(root: &str, path: impl Into<String>) -> Self {
        Self::new(Method::Get, root, path)
    }

    /// POST below a root.
    pub fn post(root: &str, path: impl Into<String>) -> Self {
        Self::new(Method::Post, root, path)
    }

    /// The same, known to change nothing (a GraphQL query by POST).
    #[must_use]
    pub fn reads(mut self) -> Self {
        self.changes = false;
        self
    }

    /// The same with a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<Template>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Template>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// The same with a form field.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Template>) -> Self {
        if let Body::Form(fields) = &mut self.body {
            fields.push((name.into(), value.into()));
        } else {
            self.body = Body::Form(vec![(name.into(), value.into())]);
        }
        self
    }

    /// The same with what it is for.
    #[must_use]
    pub fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.purpose = purpose.into();
        self
    }

    /// The same, needing the answer of an earlier request (dry run).
    #[must_use]
    pub fn depends_on(mut self, step: usize) -> Self {
        self.depends_on = Some(step);
        self
    }
}

/// An answer, whatever its status.
#[derive(Clone, Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body after content decoding; empty where it went into a sink.
    pub body: Arc<[u8]>,
    /// Every URL asked, the last being the one that answered.
    pub urls: Vec<String>,
    /// The vendor's id of the request, where a header gave one.
    pub request_id: Option<String>,
    /// The file that the body went into.
    pub attachment: Option<Attachment>,
}

impl Reply {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header's first value, by name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not JSON, or nested too deeply.
    pub fn json(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The body as text, broken bytes replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies may hold secrets, and are long.
        f.debug_struct("Reply").field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// This is a dry run: the request was noted, not sent. Say what would come next and stop.
    Planned,
    /// The link leaves its host, or is none; nothing was sent there.
    ForeignLink(String),
    /// No token could be had; nothing was sent to the service.
    SignIn(Failure),
    /// The answer was too large, too deep or endless; the limit is named.
    TooLarge(String),
    /// No answer in time.
    TimedOut(String),
    /// No connection could be made; nothing was sent.
    Unreached(String),
    /// The connection broke.
    Transport(String),
    /// The run was cancelled.
    Cancelled,
    /// The run may not send it (read-only connection, intent not recorded).
    Refused(String),
}

impl Trouble {
    /// What happened, in a sentence.
    pub fn message(&self) -> String {
        match self {
            Self::Planned => "Not sent: this is a dry run.".into(),
            Self::SignIn(failure) => failure.message.clone(),
            Self::Cancelled => "Cancelled.".into(),
            Self::ForeignLink(text)
            | Self::TooLarge(text)
            | Self::TimedOut(text)
            | Self::Unreached(text)
            | Self::Transport(text)
            | Self::Refused(text) => text.clone(),
        }
    }

    /// As a failure of a command, with its indicator.
    pub fn failure(&self, indicator: &str) -> Failure {
        if let Self::SignIn(failure) = self {
            return Failure { failure_indicator: indicator.into(), ..failure.clone() };
        }
        let fate = match self {
            Self::Unreached(_) => Fate::Unsent,
            Self::TooLarge(_) | Self::TimedOut(_) | Self::Transport(_) | Self::Cancelled => Fate::Unknown,
            _ => Fate::Plain,
        };
        Failure { fate, ..Failure::new(indicator, self.message()) }
    }
}

/// An answer, or why there is none.
pub type Answer = Result<Reply, Trouble>;
