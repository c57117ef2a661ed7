//! How much of a channel was merged on its way to one client, told from time to time.

use std::time::Duration;

use live_core::system::Rate;
use tokio::time::Instant;

/// Counts of a window, which begins with the first merge after the last report.
#[derive(Debug)]
pub(super) struct Tally {
    began: Instant,
    merged: u64,
    delivered: u64,
}

impl Tally {
    pub fn new(now: Instant) -> Self {
        Self { began: now, merged: 0, delivered: 0 }
    }

    /// Counts what was sent.
    pub fn deliver(&mut self) {
        self.delivered += 1;
    }

    /// Counts what was merged, and returns when that will be told where it was nothing before.
    pub fn merge(&mut self, merged: u64, now: Instant, every: Duration) -> Option<Instant> {
        if merged == 0 {
            return None;
        }
        let is_first = self.merged == 0;
        if is_first && now >= self.began + every {
            // A window without a merge is over; nobody wants to know of it.
            (self.began, self.delivered) = (now, 0);
        }
        self.merged += merged;
        is_first.then_some(self.began + every)
    }

    /// When the window ends; `None` when there is nothing to tell of it.
    pub fn due(&self, every: Duration) -> Option<Instant> {
        (self.merged > 0).then(|| self.began + every)
    }

    /// The window that is over, and begins the next.
    pub fn report(&mut self, now: Instant, max_hz: Option<f64>) -> Rate {
        let window = now - self.began;
        let rate = Rate {
            merged: self.merged,
            delivered: self.delivered,
            window_ms: window.as_millis() as u64,
            effective_hz: hundredths(self.delivered as f64 / window.as_secs_f64().max(0.001)),
            max_hz,
        };
        *self = Self::new(now);
        rate
    }
}

fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
