//! ESET PROTECT Cloud over ESET Connect: five services, each on a port of its own as they are on hosts of their own in life
//! (vendors/eset-connect.md §1).
//!
//! What is not certain about the real API is decided for the stricter side: an unknown query parameter is refused, a refresh token works
//! once, updating targets or triggers replaces them, a time in the past is no expiry.

mod auth;
mod detections;
mod devices;
mod gate;
mod policies;
mod query;
mod tasks;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::Value;

use self::detections::Detections;
use self::devices::Fleet;
use self::gate::Parked;
use self::policies::Policies;
use self::tasks::Tasks;
use super::world::Dice;
use super::{Connection, Shared, Vendor, fault, serve};

/// An API user: name, password, and whether it may change anything.
pub type Account = (&'static str, &'static str, bool);

/// The API user with every right. Its password holds what a careless form encoding breaks.
pub const FULL: Account = ("api-user@northwind.example", "Eset&demo=4Hx9+ %ü", true);
/// An API user that may only read.
pub const READER: Account = ("api-reader@northwind.example", "reader-demo-2Kp7", false);

const ACCOUNTS: [Account; 2] = [FULL, READER];

/// The services beside the sign-in: name in the configuration.
const SERVICES: [&str; 4] = ["device", "automation", "policy", "incident"];

/// Everything behind the five ports.
struct State {
    shared: Arc<Shared>,
    fleet: Fleet,
    detections: Detections,
    tasks: Mutex<Tasks>,
    policies: Mutex<Policies>,
    tokens: Mutex<auth::Tokens>,
    calls: Mutex<HashMap<&'static str, VecDeque<Timestamp>>>,
    parked: Mutex<HashMap<String, Parked>>,
    /// How often the policies were listed and a task was made, for the answers that come later.
    lists: AtomicUsize,
    creations: AtomicUsize,
    dice: Mutex<Dice>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a service makes of a request: a JSON answer, or a status without a body.
type Answered = Result<Value, StatusCode>;

/// What a service is asked, once it is known who asks.
struct Ask<'a> {
    method: &'a str,
    /// The path's segments behind the leading slash; a verb (`:batchGet`) is split off.
    path: Vec<&'a str>,
    /// What follows the last colon of the path.
    verb: &'a str,
    query: &'a query::Query,
    body: Value,
    now: Timestamp,
}

/// Starts the vendor.
///
/// # Errors
/// When no loopback port can be bound.
pub async fn start(shared: &Arc<Shared>) -> io::Result<Vendor> {
    let seed = shared.world.seed;
    let fleet = Fleet::new(&shared.world);
    let state = Arc::new(State {
        shared: Arc::clone(shared),
        detections: Detections::new(&shared.world, shared.share(25)),
        tasks: Mutex::new(Tasks::new(&shared.world, &fleet)),
        policies: Mutex::new(Policies::new(&shared.world, &fleet)),
        fleet,
        tokens: Mutex::default(),
        calls: Mutex::default(),
        parked: Mutex::default(),
        lists: AtomicUsize::new(0),
        creations: AtomicUsize::new(0),
        dice: Mutex::new(Dice::for_part(seed, "eset-tokens")),
    });
    let signing = Arc::clone(&state);
    let auth = serve(|_| Router::new().fallback(async move |request: Request| auth::token(&signing, request).await)).await?;
    let mut endpoints = vec![("eset.auth".to_owned(), auth.root.clone())];
    let mut servers = vec![auth];
    for service in SERVICES {
        let state = Arc::clone(&state);
        let stamping = Arc::clone(&state);
        let server = serve(|_| {
            let router = Router::new().fallback(async move |request: Request| gate::service(&state, service, request).await);
            // Outside the faults, since whatever a request comes to has an id.
            fault::layer(router, shared).layer(map_response(move |mut answer: Response| {
                gate::stamp(&stamping, &mut answer);
                async { answer }
            }))
        })
        .await?;
        endpoints.push((format!("eset.{service}"), server.root.clone()));
        servers.push(server);
    }
    let roots: Vec<String> = endpoints.iter().map(|(name, root)| format!("{} = \"{root}\"", name.trim_start_matches("eset."))).collect();
    let connection = Connection {
        name: "eset-demo",
        vendor: "eset-protect-cloud",
        parameters: vec![
            ("region", "\"EU\"".into()),
            ("username", format!("\"{}\"", FULL.0)),
            ("endpoints", format!("{{ {} }}", roots.join(", "))),
        ],
        secrets: vec![("password", FULL.1.into())],
        extra: Vec::new(),
    };
    Ok(Vendor { endpoints, connection, servers })
}

/// Answers a request of somebody who may make it.
fn route(state: &State, service: &str, ask: &Ask<'_>) -> Answered {
    match service {
        "device" => devices::route(state, ask),
        "automation" => tasks::route(state, ask),
        "policy" => policies::route(state, ask),
        _ => detections::route(state, ask),
    }
}
