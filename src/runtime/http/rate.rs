//! The client-side rate limit of a connection: a token bucket for all its commands together.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// A bucket that fills steadily. `None` never waits.
#[derive(Debug)]
pub struct Rate {
    interval: Option<Duration>,
    next: Mutex<Instant>,
}

impl Rate {
    /// So many requests a second.
    pub fn new(per_second: Option<f64>) -> Self {
        let interval = per_second.filter(|rate| *rate > 0.0).map(|rate| Duration::from_secs_f64(1.0 / rate));
        Self { interval, next: Mutex::new(Instant::now()) }
    }

    /// Waits until the next request may go. Slots are handed out in order.
    pub async fn wait(&self) {
        let Some(interval) = self.interval else { return };
        let slot = {
            let mut next = self.next.lock().await;
            let slot = (*next).max(Instant::now());
            *next = slot + interval;
            slot
        };
        sleep_until(slot).await;
    }
}
