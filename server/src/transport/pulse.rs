//! Whether the peer of a socket is alive: pings that it has not answered.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Pings in a row that may stay unanswered; when the next one is due the peer is given up.
const UNANSWERED_MAX: u32 = 2;
/// Stands for a count while a command is being obeyed: what the peer sends meanwhile is not read yet.
const HELD: u32 = u32::MAX;

/// What the two halves of a socket know of its peer.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    unanswered: AtomicU32,
    lost: Notify,
}

impl Pulse {
    /// The peer has sent something, whatever it is, or has at last taken what was sent to it.
    pub fn heard(&self) {
        self.unanswered.store(0, Ordering::Relaxed);
    }

    /// Nothing is read until the next [`Pulse::heard`], so that the peer's silence says nothing.
    pub fn hold(&self) {
        self.unanswered.store(HELD, Ordering::Relaxed);
    }

    /// Counts a ping that is due; false when the peer is given up instead.
    fn ping(&self) -> bool {
        let more = |unanswered| (unanswered < UNANSWERED_MAX).then(|| unanswered + 1);
        let counted = self.unanswered.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        let is_lost = counted.is_err_and(|unanswered| unanswered != HELD);
        if is_lost {
            self.lost.notify_one();
        }
        !is_lost
    }

    /// Ends when the peer is given up.
    pub async fn lost(&self) {
        self.lost.notified().await;
    }
}

/// When a socket is pinged: at each heartbeat, with what is written anyway.
#[derive(Debug)]
pub(super) struct Pinger<'a> {
    pulse: &'a Pulse,
    interval: Duration,
    due: Instant,
}

impl<'a> Pinger<'a> {
    /// The first ping is due an interval from now. A heartbeat has to be due no sooner.
    pub fn new(pulse: &'a Pulse, interval: Duration) -> Self {
        Self { pulse, interval, due: Instant::now() + interval }
    }

    /// What is known of the peer.
    pub fn pulse(&self) -> &'a Pulse {
        self.pulse
    }

    /// Whether a ping goes out now.
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        if now < self.due {
            return false;
        }
        // Not from now on: the next heartbeat would come just before it is due.
        while self.due <= now {
            self.due += self.interval;
        }
        self.pulse.ping()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::time::advance;

    const INTERVAL: Duration = Duration::from_secs(15);

    #[tokio::test(start_paused = true)]
    async fn the_third_ping_is_not_sent_to_a_peer_that_answered_neither_of_two() {
        let pulse = Pulse::default();
        let mut pinger = Pinger::new(&pulse, INTERVAL);
        assert!(!pinger.is_due(), "not at once");
        for is_sent in [true, true, false] {
            advance(INTERVAL).await;
            assert_eq!(pinger.is_due(), is_sent);
            assert!(!pinger.is_due(), "once an interval");
            assert_eq!(pulse.lost().now_or_never().is_some(), !is_sent);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_the_peer_sends_and_whatever_is_not_read_keeps_it() {
        let pulse = Pulse::default();
        let mut pinger = Pinger::new(&pulse, INTERVAL);
        for n in 0..30 {
            // A heartbeat may be late, by more than an interval too.
            advance(INTERVAL * (1 + n % 3) + Duration::from_millis(7)).await;
            assert!(pinger.is_due(), "{n}");
            match n {
                10 => pulse.hold(),
                11..20 => {}
                _ if n % 2 == 0 => pulse.heard(),
                _ => {}
            }
        }
        assert!(pulse.lost().now_or_never().is_none());
    }
}
