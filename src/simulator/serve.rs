//! A router on a free loopback port, for as long as somebody holds it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server on loopback; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    /// Its root, `http://127.0.0.1:PORT`.
    pub root: String,
    task: Option<JoinHandle<()>>,
}

impl Server {
    /// Waits until the server ends.
    pub async fn ended(mut self) {
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Binds a loopback port first and makes the router from its root, since answers hold links to themselves.
///
/// # Errors
/// When no loopback port can be bound.
pub async fn serve(router: impl FnOnce(&str) -> Router) -> io::Result<Server> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let root = format!("http://{}", listener.local_addr()?);
    let router = router(&root);
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::warn!(%error, "a simulator ended");
        }
    });
    Ok(Server { root, task: Some(task) })
}

/// The listener that belongs to nobody: remembers every request that reaches it, credentials and all, and serves the list at
/// `/seen`, so that a test can say what leaked.
///
/// # Errors
/// When no loopback port can be bound.
pub async fn foreign() -> io::Result<Server> {
    let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
    serve(move |_| {
        let list = Arc::clone(&seen);
        Router::new()
            .route("/seen", axum::routing::get(move || async move { Json(list.lock().unwrap_or_else(PoisonError::into_inner).clone()) }))
            .fallback(move |request: Request| async move {
                let headers: serde_json::Map<String, Value> = request
                    .headers()
                    .iter()
                    .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
                    .collect();
                let entry = json!({"method": request.method().as_str(), "uri": request.uri().to_string(), "headers": headers});
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
                Json(json!([]))
            })
    })
    .await
}
