//! How often an exchange is asked.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Limits;

/// A bucket of tokens, one for each request: it holds a burst of them, and a new one comes with each gap.
#[derive(Debug)]
pub(super) struct Pace {
    gap: Duration,
    burst: Duration,
    /// When the bucket is full again.
    full_at: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new(limits: Limits) -> Self {
        let gap = limits.request_gap;
        Self { gap, burst: gap * limits.request_burst.max(1), full_at: Mutex::new(Instant::now()) }
    }

    /// Waits for a token.
    ///
    /// # Cancel safety
    /// The token of a future that is dropped is gone.
    pub(super) async fn turn(&self) {
        sleep(self.take(Instant::now())).await;
    }

    /// Takes a token; how long it is until that one comes.
    fn take(&self, now: Instant) -> Duration {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        *full_at = (*full_at).max(now) + self.gap;
        full_at.saturating_duration_since(now + self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_what_follows_comes_at_the_pace() {
        let limits = Limits {
            streams_per_connection: 1,
            message_gap: Duration::ZERO,
            lifetime: None,
            request_gap: Duration::from_millis(100),
            request_burst: 3,
        };
        let pace = Pace::new(limits);
        let start = Instant::now();
        let waits = |after_ms: u64| {
            pace.take(start + Duration::from_millis(after_ms)).as_millis().next_multiple_of(10)
        };
        assert_eq!([0; 5].map(waits), [0, 0, 0, 100, 200]);
        // Half of them have come again, and the next ones wait from there.
        assert_eq!([350, 350, 350].map(waits), [0, 50, 150]);
        // No more than the burst is saved up.
        assert_eq!([9_000; 4].map(waits), [0, 0, 0, 100]);
    }
}
