//! The feed itself: subscriptions, listings and blobs under `/api/v1.0/{tenant}/activity/feed`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::{Fault, Shared};
use super::blobs::{Blob, Blobs, Wanted};
use super::tokens::Tokens;
use super::{CONTENT_TYPES, NOT_STARTED, records};

/// Blobs on a page: few, so that every busy day has several pages.
const PAGE: usize = 12;
/// Requests in a minute that a caller with a publisher id of its own may make.
const QUOTA: usize = 2_000;
/// The same for all who give none; they share a pool.
const SHARED_QUOTA: usize = 200;
/// Starts in a quarter of an hour.
const STARTS: usize = 8;
/// Reported where a caller gave no publisher id.
const NO_PUBLISHER: &str = "00000000-0000-0000-0000-000000000000";

type Fields = HashMap<String, String>;

struct Feed {
    shared: Arc<Shared>,
    tokens: Arc<Tokens>,
    root: String,
    state: Mutex<Inner>,
}

struct Inner {
    subscriptions: BTreeMap<&'static str, Subscription>,
    blobs: Blobs,
    listings: u64,
    /// Blobs that have failed once already.
    stumbled: HashMap<String, u32>,
    calls: HashMap<String, VecDeque<i64>>,
    starts: VecDeque<i64>,
}

/// A subscription: when it was on. What came in between is lost.
struct Subscription {
    on: Vec<(Timestamp, Option<Timestamp>)>,
    webhook: Value,
}

impl Subscription {
    fn enabled(&self) -> bool {
        self.on.last().is_some_and(|(_, until)| until.is_none())
    }

    fn covers(&self, time: Timestamp) -> bool {
        self.on.iter().any(|(from, until)| *from <= time && until.is_none_or(|until| time < until))
    }
}

/// Who asks, as far as it matters.
struct Caller {
    publisher: String,
    dlp: bool,
}

/// How the feed says no.
struct Refusal(Box<Response>);

impl Refusal {
    fn new(answer: impl IntoResponse) -> Self {
        Self(Box::new(answer.into_response()))
    }
}

pub(super) fn router(shared: &Arc<Shared>, tokens: &Arc<Tokens>, root: &str) -> Router {
    let begin = shared.world.start - SignedDuration::from_hours(24 * 30);
    let subscriptions = CONTENT_TYPES
        .into_iter()
        .filter(|content_type| *content_type != NOT_STARTED)
        .map(|content_type| (content_type, Subscription { on: vec![(begin, None)], webhook: Value::Null }))
        .collect();
    let state = Inner {
        subscriptions,
        blobs: Blobs::new(shared),
        listings: 0,
        stumbled: HashMap::new(),
        calls: HashMap::new(),
        starts: VecDeque::new(),
    };
    let feed = Feed { shared: Arc::clone(shared), tokens: Arc::clone(tokens), root: root.to_owned(), state: Mutex::new(state) };
    let base = "/api/{version}/{tenant}/activity/feed";
    let route = |path: &str| format!("{base}{path}");
    Router::new()
        .route(&route("/subscriptions/start"), post(start))
        .route(&route("/subscriptions/stop"), post(stop))
        .route(&route("/subscriptions/list"), get(list))
        .route(&route("/subscriptions/content"), get(content))
        .route(&route("/audit/{id}"), get(audit))
        .with_state(Arc::new(feed))
}

async fn start(
    State(feed): State<Arc<Feed>>,
    Path((_, tenant)): Path<(String, String)>,
    headers: HeaderMap,
    Query(query): Query<Fields>,
    body: String,
) -> Response {
    feed.start(&tenant, &headers, &query, &body).unwrap_or_else(|refusal| *refusal.0)
}

async fn stop(
    State(feed): State<Arc<Feed>>,
    Path((_, tenant)): Path<(String, String)>,
    headers: HeaderMap,
    Query(query): Query<Fields>,
) -> Response {
    feed.stop(&tenant, &headers, &query).unwrap_or_else(|refusal| *refusal.0)
}

async fn list(
    State(feed): State<Arc<Feed>>,
    Path((_, tenant)): Path<(String, String)>,
    headers: HeaderMap,
    Query(query): Query<Fields>,
) -> Response {
    feed.list(&tenant, &headers, &query).unwrap_or_else(|refusal| *refusal.0)
}

async fn content(
    State(feed): State<Arc<Feed>>,
    Path((version, tenant)): Path<(String, String)>,
    headers: HeaderMap,
    Query(query): Query<Fields>,
) -> Response {
    feed.content(&version, &tenant, &headers, &query).unwrap_or_else(|refusal| *refusal.0)
}

async fn audit(
    State(feed): State<Arc<Feed>>,
    Path((_, tenant, id)): Path<(String, String, String)>,
    headers: HeaderMap,
    Query(query): Query<Fields>,
) -> Response {
    feed.audit(&tenant, &id, &headers, &query).unwrap_or_else(|refusal| *refusal.0)
}

impl Feed {
    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, Inner> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.blobs.catch_up(&self.shared);
        state
    }

    /// Lets in whoever may: a token that is good, for this service, with the permission, of this tenant, within the quota.
    fn admit(&self, method: &str, tenant: &str, headers: &HeaderMap, query: &Fields) -> Result<Caller, Refusal> {
        let denied = || {
            let body = json!({"Message": "Authorization has been denied for this request."});
            Refusal::new((StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], Json(body)))
        };
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")).ok_or_else(denied)?;
        let claims = self.tokens.read(token, self.now()).ok_or_else(denied)?;
        if !claims["aud"].as_str().is_some_and(|audience| self.tokens.is_feed(audience)) {
            return Err(denied());
        }
        let granted: Vec<&str> = match (&claims["roles"], &claims["scp"]) {
            (Value::Array(roles), _) => roles.iter().filter_map(Value::as_str).collect(),
            (_, Value::String(scopes)) => scopes.split(' ').collect(),
            _ => Vec::new(),
        };
        if !granted.contains(&"ActivityFeed.Read") {
            let text = format!(
                "The permission set ({}) sent in the request does not include the expected permission ActivityFeed.Read.",
                granted.join(" ")
            );
            return Err(refuse(StatusCode::FORBIDDEN, "AF10001", &text));
        }
        if uuid::Uuid::parse_str(tenant).is_err() {
            return Err(bad("AF20013", &format!("The tenant ID passed in the URL ({tenant}) is not a valid GUID.")));
        }
        let own = claims["tid"].as_str().unwrap_or_default();
        if !own.eq_ignore_ascii_case(tenant) {
            let text =
                format!("The tenant ID passed in the URL ({tenant}) does not match the tenant ID passed in the access token ({own}).");
            return Err(bad("AF20010", &text));
        }
        let publisher = query.get("PublisherIdentifier").map_or(NO_PUBLISHER, String::as_str);
        if uuid::Uuid::parse_str(publisher).is_err() {
            return Err(bad("AF20002", "Invalid parameter type: PublisherIdentifier. Expected type: guid"));
        }
        self.count(method, publisher)?;
        Ok(Caller { publisher: publisher.to_owned(), dlp: granted.contains(&"ActivityFeed.ReadDlp") })
    }

    fn count(&self, method: &str, publisher: &str) -> Result<(), Refusal> {
        let now = self.now().as_second();
        let limit = if publisher == NO_PUBLISHER { SHARED_QUOTA } else { QUOTA };
        let mut state = self.state();
        let calls = state.calls.entry(publisher.to_owned()).or_default();
        while calls.front().is_some_and(|call| *call <= now - 60) {
            calls.pop_front();
        }
        if calls.len() >= limit {
            return Err(throttled(StatusCode::TOO_MANY_REQUESTS, method, publisher));
        }
        calls.push_back(now);
        Ok(())
    }

    fn start(&self, tenant: &str, headers: &HeaderMap, query: &Fields, body: &str) -> Result<Response, Refusal> {
        self.admit("StartSubscription", tenant, headers, query)?;
        has_length(headers)?;
        let content_type = content_type(query)?;
        let webhook = match body.trim() {
            "" => Value::Null,
            body => serde_json::from_str::<Value>(body).map_or(Value::Null, |body| body["webhook"].clone()),
        };
        if !webhook.is_null() {
            // Nobody can be called from here, so no address can be validated.
            return Err(bad("AF20021", "The webhook endpoint could not be validated."));
        }
        let now = self.now();
        let mut state = self.state();
        let known = state.subscriptions.get(content_type);
        if known.is_some_and(Subscription::enabled) {
            return Err(bad("AF20024", "The subscription is already enabled. No property change."));
        }
        let fresh = known.is_none();
        while state.starts.front().is_some_and(|start| *start <= now.as_second() - 900) {
            state.starts.pop_front();
        }
        if state.starts.len() >= STARTS {
            let wait = state.starts.front().map_or(900, |start| start + 900 - now.as_second());
            let text = format!("Too many frequent subscription start requests. Please retry again after {}m {}s", wait / 60, wait % 60);
            return Err(Refusal::new((StatusCode::TOO_MANY_REQUESTS, text)));
        }
        state.starts.push_back(now.as_second());
        // A first subscription is filled back by most of a day; a restarted one begins now.
        let from = if fresh { now - SignedDuration::from_hours(22) } else { now };
        let subscription = state.subscriptions.entry(content_type).or_insert(Subscription { on: Vec::new(), webhook: Value::Null });
        subscription.on.push((from, None));
        Ok(Json(json!({"contentType": content_type, "status": "enabled", "webhook": subscription.webhook})).into_response())
    }

    fn stop(&self, tenant: &str, headers: &HeaderMap, query: &Fields) -> Result<Response, Refusal> {
        self.admit("StopSubscription", tenant, headers, query)?;
        has_length(headers)?;
        let content_type = content_type(query)?;
        let now = self.now();
        match self.state().subscriptions.get_mut(content_type).filter(|subscription| subscription.enabled()) {
            Some(subscription) => {
                if let Some(last) = subscription.on.last_mut() {
                    last.1 = Some(now);
                }
                Ok(StatusCode::OK.into_response())
            }
            None => Err(no_subscription()),
        }
    }

    fn list(&self, tenant: &str, headers: &HeaderMap, query: &Fields) -> Result<Response, Refusal> {
        self.admit("ListSubscriptions", tenant, headers, query)?;
        let state = self.state();
        let all: Vec<Value> = state
            .subscriptions
            .iter()
            .map(|(content_type, subscription)| {
                let status = if subscription.enabled() { "enabled" } else { "disabled" };
                json!({"contentType": content_type, "status": status, "webhook": subscription.webhook})
            })
            .collect();
        Ok(Json(all).into_response())
    }

    fn content(&self, version: &str, tenant: &str, headers: &HeaderMap, query: &Fields) -> Result<Response, Refusal> {
        let caller = self.admit("GetBlobs", tenant, headers, query)?;
        let content_type = content_type(query)?;
        let (from, to) = self.window(query)?;
        let place = query.get("nextPage").map(|place| Place::read(place)).transpose()?;
        let mut state = self.state();
        if !state.subscriptions.get(content_type).is_some_and(Subscription::enabled) {
            return Err(no_subscription());
        }
        let listing = if let Some(place) = &place {
            place.listing
        } else {
            state.listings += 1;
            state.listings
        };
        let wanted = Wanted { content_type, from, to, after: place.as_ref().map(|place| (place.created, place.id.as_str())), listing };
        let mut blobs = state.blobs.window(&self.shared, &wanted);
        if let Some(subscription) = state.subscriptions.get(content_type) {
            blobs.retain(|blob| subscription.covers(blob.created));
        }
        drop(state);
        let more = blobs.len() > PAGE;
        blobs.truncate(PAGE);
        let mut page: Vec<Value> = blobs.iter().enumerate().map(|(n, blob)| self.descriptor(tenant, blob, n)).collect();
        if self.shared.faults.has(Fault::DuplicateRecords)
            && let Some(first) = page.first().cloned()
        {
            page.push(first);
        }
        let mut answer = Json(page).into_response();
        if let (true, Some(last)) = (more, blobs.last()) {
            let base = if self.shared.faults.has(Fault::ForeignNextLink) { &self.shared.foreign } else { &self.root };
            // The page that follows repeats the last blob where duplicates are wanted.
            let before = if self.shared.faults.has(Fault::DuplicateRecords) { blobs.get(PAGE - 2).unwrap_or(last) } else { last };
            let next = format!(
                "{base}/api/{version}/{tenant}/activity/feed/subscriptions/content?contentType={content_type}&startTime={}&endTime={}&nextPage={}",
                stamp(from),
                stamp(to),
                Place { listing, created: before.created, id: before.id.clone() }.write()
            );
            if let Ok(next) = HeaderValue::from_str(&next) {
                answer.headers_mut().insert("NextPageUri", next);
            }
        }
        tracing::trace!(publisher = caller.publisher, content_type, "listed");
        Ok(answer)
    }

    fn descriptor(&self, tenant: &str, blob: &Blob, n: usize) -> Value {
        let astray = n == 0 && self.shared.faults.has(Fault::ForeignNextLink);
        let base = if astray { &self.shared.foreign } else { &self.root };
        json!({
            "contentUri": format!("{base}/api/v1.0/{tenant}/activity/feed/audit/{}", blob.id), "contentId": blob.id,
            "contentType": blob.content_type, "contentCreated": blob.created.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "contentExpiration": blob.expires.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        })
    }

    fn audit(&self, tenant: &str, id: &str, headers: &HeaderMap, query: &Fields) -> Result<Response, Refusal> {
        let caller = self.admit("GetBlob", tenant, headers, query)?;
        if id.split('$').count() != 6 {
            return Err(bad("AF20052", &format!("Content ID {id} in the URL is invalid.")));
        }
        let mut state = self.state();
        let Some(blob) = state.blobs.get(id).cloned() else {
            return Err(bad("AF20050", &format!("The specified content ({id}) does not exist.")));
        };
        if !state
            .subscriptions
            .get(blob.content_type)
            .is_some_and(|subscription| subscription.enabled() && subscription.covers(blob.created))
        {
            return Err(no_subscription());
        }
        let gone = blob.expires <= self.now();
        let text = "Content requested with the key {0} has already expired. Content older than 7 days cannot be retrieved.";
        if gone {
            return Err(bad("AF20051", &text.replace("{0}", id)));
        }
        if let Some(refusal) = stumble(&mut state.stumbled, id, &caller.publisher) {
            return Err(refusal);
        }
        drop(state);
        Ok(Json(self.records(&blob, caller.dlp)).into_response())
    }

    fn records(&self, blob: &Blob, dlp: bool) -> Vec<Value> {
        let mut content = blob.records.clone();
        for (n, record) in content.iter_mut().enumerate() {
            if self.shared.faults.has(Fault::HostileText) {
                records::make_hostile(record, n);
            }
            if !dlp {
                records::without_sensitive(record);
            }
        }
        if self.shared.faults.has(Fault::DuplicateRecords) {
            content.extend(content.clone());
        }
        content
    }

    /// The window of a listing, in UTC; the last 24 hours where none is given.
    fn window(&self, query: &Fields) -> Result<(Timestamp, Timestamp), Refusal> {
        let now = self.now();
        let (start, end) = match (query.get("startTime"), query.get("endTime")) {
            (None, None) => return Ok((now - SignedDuration::from_hours(24), now)),
            (Some(start), Some(end)) => (time("startTime", start)?, time("endTime", end)?),
            _ => return Err(bad("AF20030", "Start time and end time must both be specified (or both omitted).")),
        };
        let oldest = now - SignedDuration::from_hours(7 * 24);
        if start >= end || end.duration_since(start) > SignedDuration::from_hours(24) || start < oldest {
            let text = format!(
                "Start time and end time must both be specified (or both omitted) and must be less than or equal to 24 hours apart, with the start time no more than 7 days in the past. StartTime:{}, EndTime:{}",
                stamp(start),
                stamp(end)
            );
            return Err(bad("AF20055", &text));
        }
        Ok((start, end))
    }
}

/// Where a page begins, as the opaque value of `nextPage`.
struct Place {
    listing: u64,
    created: Timestamp,
    id: String,
}

impl Place {
    fn write(&self) -> String {
        use base64::Engine;
        let text = format!("{}|{}|{}", self.listing, self.created.as_nanosecond(), self.id);
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    }

    fn read(text: &str) -> Result<Self, Refusal> {
        use base64::Engine;
        let read = || {
            let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let mut parts = text.splitn(3, '|');
            let listing = parts.next()?.parse().ok()?;
            let created = Timestamp::from_nanosecond(parts.next()?.parse().ok()?).ok()?;
            Some(Self { listing, created, id: parts.next()?.to_owned() })
        };
        read().ok_or_else(|| bad("AF20031", &format!("Invalid nextPage Input: {text}.")))
    }
}

/// About one blob in sixty fails once with a 500, and one with the throttle's 403, before it can be had.
fn stumble(stumbled: &mut HashMap<String, u32>, id: &str, publisher: &str) -> Option<Refusal> {
    let kind = id.bytes().fold(7_u32, |all, byte| all.wrapping_mul(31).wrapping_add(u32::from(byte))) % 60;
    if kind > 1 {
        return None;
    }
    let times = stumbled.entry(id.to_owned()).or_default();
    *times += 1;
    (*times == 1).then(|| match kind {
        0 => refuse(StatusCode::INTERNAL_SERVER_ERROR, "AF50000", "An internal error occurred. Retry the request."),
        _ => throttled(StatusCode::FORBIDDEN, "GetBlob", publisher),
    })
}

fn content_type(query: &Fields) -> Result<&'static str, Refusal> {
    let Some(asked) = query.get("contentType").filter(|asked| !asked.is_empty()) else {
        return Err(bad("AF20001", "Missing parameter: contentType."));
    };
    CONTENT_TYPES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(asked))
        .ok_or_else(|| bad("AF20020", &format!("The specified content type ({asked}) is not valid.")))
}

/// A time without a zone; a zone is what the service does not take.
fn time(name: &str, text: &str) -> Result<Timestamp, Refusal> {
    let wrong = || bad("AF20002", &format!("Invalid parameter type: {name}. Expected type: datetime"));
    let shaped = matches!(text.len(), 10 | 16 | 19) && text.bytes().all(|byte| byte.is_ascii_digit() || b"-T:".contains(&byte));
    if !shaped {
        return Err(wrong());
    }
    let time: DateTime = text.parse().map_err(|_| wrong())?;
    time.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|_| wrong())
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn has_length(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING) {
        return Ok(());
    }
    Err(Refusal::new((StatusCode::LENGTH_REQUIRED, "Length Required")))
}

fn no_subscription() -> Refusal {
    bad("AF20022", "No subscription found for the specified content type.")
}

fn throttled(status: StatusCode, method: &str, publisher: &str) -> Refusal {
    refuse(status, "AF429", &format!("Too many requests. Method={method}, PublisherId={publisher}"))
}

fn bad(code: &str, message: &str) -> Refusal {
    refuse(StatusCode::BAD_REQUEST, code, message)
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Refusal {
    Refusal::new((status, Json(json!({"error": {"code": code, "message": message}}))))
}
