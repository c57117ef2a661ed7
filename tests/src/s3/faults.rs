//! What the store does wrong when it is told to.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::StatusCode;

/// Faults that can be switched while the store is running.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Now>);

#[derive(Debug, Default)]
struct Now {
    delay: Duration,
    refusal: Option<StatusCode>,
    is_corrupt: bool,
}

impl Faults {
    /// Does what a line says; `None` when it cannot be understood.
    pub fn obey(&self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["slow", ms] => self.now().delay = Duration::from_millis(ms.parse().ok()?),
            ["refuse", "no"] => self.now().refusal = None,
            ["refuse", status] => self.now().refusal = Some(status.parse().ok()?),
            ["corrupt", "on"] => self.now().is_corrupt = true,
            ["corrupt", "off"] => self.now().is_corrupt = false,
            _ => return None,
        }
        Some(())
    }

    /// How long an answer is held back.
    pub(super) fn delay(&self) -> Duration {
        self.now().delay
    }

    /// What everything is answered with.
    pub(super) fn refusal(&self) -> Option<StatusCode> {
        self.now().refusal
    }

    /// Whether uploads arrive with one byte changed.
    pub(super) fn is_corrupt(&self) -> bool {
        self.now().is_corrupt
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_switch_faults_and_others_are_not_understood() {
        let faults = Faults::default();
        for line in ["slow 250", "refuse 503", "corrupt on"] {
            assert_eq!(faults.obey(line), Some(()), "{line}");
        }
        assert_eq!(faults.delay(), Duration::from_millis(250));
        assert_eq!(faults.refusal(), Some(StatusCode::SERVICE_UNAVAILABLE));
        assert!(faults.is_corrupt());
        for line in ["", "slow", "slow down", "refuse 1", "refuse  no", "corrupt", "corrupt on off"] {
            assert_eq!(faults.obey(line), None, "{line}");
        }
        for line in ["slow 0", "refuse no", "corrupt off"] {
            assert_eq!(faults.obey(line), Some(()), "{line}");
        }
        assert_eq!((faults.delay(), faults.refusal(), faults.is_corrupt()), (Duration::ZERO, None, false));
    }
}
