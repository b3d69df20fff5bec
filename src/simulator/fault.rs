//! What can go wrong, on demand.
//!
//! The faults that look the same at every vendor are a layer around its router ([`layer`]); those that need to know the
//! vendor's shapes (`foreign-next-link`, `duplicate-records`, `late-records`, `lost-tasks`, `deleted-records`, `hostile-text`) are asked for
//! by the vendor with [`Faults::has`].

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::Shared;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Tokens are expired as soon as they are handed out, though the answer says otherwise.
    ExpiredToken,
    /// The first authorised request of each vendor is answered 401.
    UnauthorizedOnce,
    /// Every authorised request is answered 403.
    Forbidden,
    /// Every second authorised request is answered 429 with `Retry-After: 1`.
    Throttled,
    /// Two of three authorised requests are answered 500.
    ServerErrors,
    /// Answers come one byte at a time.
    SlowDrip,
    /// Answers end in the middle of their body.
    CutBody,
    /// The second page or the content lies, by its link, on another host.
    ForeignNextLink,
    /// Records come twice, in one page and on two.
    DuplicateRecords,
    /// Records turn up after the time they belong to was read.
    LateRecords,
    /// Tasks for devices are accepted and never carried out.
    LostTasks,
    /// Every second record is deleted just before it is to be changed.
    DeletedRecords,
    /// Names and descriptions hold escape sequences, bidi controls and formulas.
    HostileText,
}

impl Fault {
    /// Every fault with its name on the command line.
    pub const ALL: [(&'static str, Self); 13] = [
        ("expired-token", Self::ExpiredToken),
        ("unauthorized-once", Self::UnauthorizedOnce),
        ("forbidden", Self::Forbidden),
        ("throttled", Self::Throttled),
        ("server-errors", Self::ServerErrors),
        ("slow-drip", Self::SlowDrip),
        ("cut-body", Self::CutBody),
        ("foreign-next-link", Self::ForeignNextLink),
        ("duplicate-records", Self::DuplicateRecords),
        ("late-records", Self::LateRecords),
        ("lost-tasks", Self::LostTasks),
        ("deleted-records", Self::DeletedRecords),
        ("hostile-text", Self::HostileText),
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, fault)| fault == self).map_or("?", |(name, _)| name))
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|(known, _)| *known).collect();
            format!("no fault is called {name}; there are {}", known.join(", "))
        })
    }
}

/// The faults that are on, and what they have done so far.
#[derive(Debug, Default)]
pub struct Faults {
    on: Mutex<HashSet<Fault>>,
}

impl Faults {
    /// Faults that are on from the start.
    pub fn new(on: &[Fault]) -> Self {
        Self { on: Mutex::new(on.iter().copied().collect()) }
    }

    /// Whether this goes wrong now.
    pub fn has(&self, fault: Fault) -> bool {
        self.on.lock().unwrap_or_else(PoisonError::into_inner).contains(&fault)
    }

    /// Switches a fault on or off; tests do so in the middle of a story.
    pub fn set(&self, fault: Fault, on: bool) {
        let mut set = self.on.lock().unwrap_or_else(PoisonError::into_inner);
        if on {
            set.insert(fault)
        } else {
            set.remove(&fault)
        };
    }
}

/// Lays the faults that are the same at every vendor around a router. Requests without an `Authorization` header (sign-ins)
/// pass untouched.
pub fn layer(router: Router, shared: &Arc<Shared>) -> Router {
    let shared = Arc::clone(shared);
    let count = Arc::new(AtomicUsize::new(0));
    router.layer(from_fn(move |request: Request, next: Next| {
        let (shared, count) = (Arc::clone(&shared), Arc::clone(&count));
        async move {
            if !request.headers().contains_key(header::AUTHORIZATION) {
                return next.run(request).await;
            }
            let turn = count.fetch_add(1, Ordering::Relaxed);
            let on = |fault| shared.faults.has(fault);
            if on(Fault::UnauthorizedOnce) && turn == 0 {
                return plain(StatusCode::UNAUTHORIZED, "token expired");
            }
            if on(Fault::Forbidden) {
                return plain(StatusCode::FORBIDDEN, "access denied");
            }
            if on(Fault::Throttled) && turn % 2 == 0 {
                let mut answer = plain(StatusCode::TOO_MANY_REQUESTS, "too many requests");
                answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                return answer;
            }
            if on(Fault::ServerErrors) && turn % 3 != 2 {
                return plain(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong here");
            }
            let answer = next.run(request).await;
            if on(Fault::CutBody) {
                return rebody(answer, |bytes| cut(&bytes)).await;
            }
            if on(Fault::SlowDrip) {
                return rebody(answer, drip).await;
            }
            answer
        }
    }))
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, text).into_response()
}

async fn rebody(answer: Response, change: fn(Bytes) -> Body) -> Response {
    let (head, body) = answer.into_parts();
    match axum::body::to_bytes(body, usize::MAX).await {
        // The head keeps its content length, so that a cut is a cut and not a short answer.
        Ok(bytes) => Response::from_parts(head, change(bytes)),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn cut(bytes: &Bytes) -> Body {
    let half = bytes.slice(..bytes.len() / 2);
    let broken = Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut"));
    Body::from_stream(futures::stream::iter([Ok(half), broken]))
}

fn drip(bytes: Bytes) -> Body {
    Body::from_stream(futures::stream::iter(bytes).then(|byte| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok::<_, std::io::Error>(Bytes::copy_from_slice(&[byte]))
    }))
}
