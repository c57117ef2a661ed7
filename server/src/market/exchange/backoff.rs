//! When to come back after a failure.

use std::time::Duration;

use crate::random;

/// Full jitter: a random time up to a bound that doubles with each failure, so that many who were cut off at once do
/// not come back at once.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, failures: 0 }
    }

    /// How long to wait after one more failure.
    pub(super) fn after_failure(&mut self) -> Duration {
        let bound = self.bound();
        self.failures = self.failures.saturating_add(1);
        random::within(bound)
    }

    /// What was reached has lasted: the next failure is the first one again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    fn bound(&self) -> Duration {
        let factor = 2u32.saturating_pow(self.failures);
        self.base.saturating_mul(factor).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_cap_and_waits_spread_below_it() {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(30));
        let mut bounds = Vec::new();
        for _ in 0..9 {
            let bound = backoff.bound();
            bounds.push(bound.as_millis());
            assert!(backoff.after_failure() <= bound);
        }
        assert_eq!(bounds, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        backoff.failures = u32::MAX;
        let waits: Vec<Duration> = (0..200).map(|_| backoff.after_failure()).collect();
        assert!(waits.iter().all(|wait| *wait <= backoff.cap));
        // Not all in one half; the chance of that is 2 in 2^200.
        assert!(waits.iter().any(|w| *w < backoff.cap / 2) && waits.iter().any(|w| *w > backoff.cap / 2));
        backoff.reset();
        assert_eq!(backoff.bound().as_millis(), 250);
    }
}
