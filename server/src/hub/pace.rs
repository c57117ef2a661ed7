//! The bound of a channel's rate towards one connection: what comes too soon waits, merged as the mode says.

use std::sync::Arc;
use std::time::Duration;

use live_core::backpressure::KEYS_MAX;
use live_core::channel::Mode;
use tokio::time::Instant;

use crate::broker::Publication;

/// Most room that is kept for what will wait.
const ROOM_KEPT: usize = 16;

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paced {
    /// It may go.
    Now,
    /// It waits, in the place of so many older ones.
    Waits { merged: u64 },
}

/// Lets through at most so many deliveries a second; between two, the newest value (of each key) waits.
#[derive(Debug)]
pub(super) struct Pace {
    mode: Mode,
    /// Time between two deliveries; zero is no bound.
    period: Duration,
    /// When the next delivery may be.
    due: Option<Instant>,
    waiting: Vec<Arc<Publication>>,
}

impl Pace {
    /// `max_hz` bounds only what may be merged; the other modes are never held back.
    pub fn new(mode: Mode, max_hz: Option<f64>) -> Self {
        let period = match max_hz {
            Some(hz) if !mode.is_contiguous() && hz > 0.0 => Duration::from_secs_f64(1.0 / hz),
            _ => Duration::ZERO,
        };
        Self { mode, period, due: None, waiting: Vec::new() }
    }

    /// Another bound from now on. What waits goes no later than it would under the new one.
    pub fn set(&mut self, max_hz: Option<f64>, now: Instant) {
        let Self { period, .. } = Self::new(self.mode, max_hz);
        self.period = period;
        self.due = self.due.map(|due| due.min(now + period));
    }

    /// Takes a value, which may go now or waits.
    pub fn offer(&mut self, publication: &Arc<Publication>, now: Instant) -> Paced {
        if self.waiting.is_empty() && self.due.is_none_or(|due| now >= due) {
            self.advance(now);
            return Paced::Now;
        }
        let before = self.waiting.len();
        if self.mode == Mode::State {
            self.waiting.clear();
        } else {
            self.waiting.retain(|waiting| waiting.key() != publication.key());
        }
        let merged = before - self.waiting.len();
        self.waiting.push(Arc::clone(publication));
        Paced::Waits { merged: merged as u64 }
    }

    /// Whether what waits may go.
    pub fn is_due(&self, now: Instant) -> bool {
        !self.waiting.is_empty() && self.due.is_none_or(|due| now >= due)
    }

    /// Whether so many keys wait that they have to go before they are due.
    pub fn is_overfull(&self) -> bool {
        self.waiting.len() >= KEYS_MAX
    }

    /// All that waits, in order; it goes now. To be given [back](Self::give_back), so that its room is used again.
    pub fn take(&mut self, now: Instant) -> Vec<Arc<Publication>> {
        self.advance(now);
        std::mem::take(&mut self.waiting)
    }

    /// See [`take`](Self::take).
    pub fn give_back(&mut self, mut taken: Vec<Arc<Publication>>) {
        taken.clear();
        if self.waiting.is_empty() && taken.capacity() <= ROOM_KEPT {
            self.waiting = taken;
        }
    }

    /// When something that waits may go; `None` when nothing waits.
    pub fn next_due(&self) -> Option<Instant> {
        if self.waiting.is_empty() { None } else { self.due }
    }

    /// Forgets what waits, for a subscription that starts again: its next value goes at once.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.due = None;
    }

    /// Whether nothing waits.
    pub fn is_quiet(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A delivery that came a little late does not push back those after it, else a source that publishes
    /// at just the allowed rate would fall behind by its own jitter.
    fn advance(&mut self, now: Instant) {
        if self.period.is_zero() {
            return;
        }
        let earliest = now.checked_sub(self.period / 2).unwrap_or(now);
        let from = self.due.map_or(now, |due| due.max(earliest));
        self.due = Some(from + self.period);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Message;
    use live_core::channel::ChannelName;

    fn publication(seq: u64, key: i64) -> Arc<Publication> {
        let channel = ChannelName::parse("price:A").expect("a good name");
        let message = Message {
            channel,
            event: "test.made".into(),
            ts: 1,
            key,
            data: bytes::Bytes::from_static(b"{}"),
            idempotency: None,
        };
        Arc::new(Publication::new(message, "abcdefgh".into(), seq))
    }

    /// Offers, and returns what may go at once.
    fn offered(pace: &mut Pace, seq: u64, key: i64, now: Instant) -> Vec<u64> {
        match pace.offer(&publication(seq, key), now) {
            Paced::Now => vec![seq],
            Paced::Waits { .. } => Vec::new(),
        }
    }

    fn due(pace: &mut Pace, now: Instant) -> Vec<u64> {
        let found = if pace.is_due(now) { pace.take(now) } else { Vec::new() };
        let seqs = found.iter().map(|publication| publication.seq()).collect();
        pace.give_back(found);
        seqs
    }

    #[test]
    fn a_state_channel_keeps_its_newest_until_it_is_due() {
        let (mut pace, start) = (Pace::new(Mode::State, Some(20.0)), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(offered(&mut pace, 1, 0, at(0)), [1]);
        assert!(offered(&mut pace, 2, 0, at(10)).is_empty());
        assert!(offered(&mut pace, 3, 0, at(20)).is_empty());
        assert_eq!(pace.next_due(), Some(at(50)));
        assert_eq!(due(&mut pace, at(49)), [0u64; 0]);
        assert_eq!(due(&mut pace, at(51)), [3]);
        assert!(pace.is_quiet() && pace.next_due().is_none());
        assert_eq!(offered(&mut pace, 4, 0, at(100)), [4]);
    }

    #[test]
    fn a_keyed_channel_keeps_the_newest_of_each_key_in_order() {
        let (mut pace, start) = (Pace::new(Mode::Keyed, Some(4.0)), Instant::now());
        assert_eq!(offered(&mut pace, 1, 7, start), [1]);
        for (seq, key) in [(2, 7), (3, 8), (4, 7)] {
            assert!(offered(&mut pace, seq, key, start).is_empty());
        }
        assert_eq!(due(&mut pace, start + Duration::from_millis(250)), [3, 4]);
    }

    #[test]
    fn a_source_at_just_the_allowed_rate_is_never_merged() {
        let (mut pace, start) = (Pace::new(Mode::State, Some(4.0)), Instant::now());
        let mut out = Vec::new();
        for (seq, jitter_ms) in (0..40).zip([0, 2, 1, 5, 0, 3, 1].into_iter().cycle()) {
            let now = start + Duration::from_millis(seq * 250 + jitter_ms);
            out.extend(due(&mut pace, now));
            out.extend(offered(&mut pace, seq, 0, now));
        }
        out.extend(due(&mut pace, start + Duration::from_secs(60)));
        assert_eq!(out, (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn too_many_keys_do_not_wait() {
        let (mut pace, now) = (Pace::new(Mode::Keyed, Some(1.0)), Instant::now());
        for seq in 0..KEYS_MAX as u64 {
            offered(&mut pace, seq, seq as i64, now);
            assert!(!pace.is_overfull());
        }
        offered(&mut pace, 9_999, -1, now);
        assert!(pace.is_overfull());
        assert_eq!((pace.take(now).len(), pace.is_quiet()), (KEYS_MAX, true));
    }

    #[test]
    fn a_bound_that_is_lifted_lets_go_what_waits() {
        let (mut pace, start) = (Pace::new(Mode::State, Some(0.1)), Instant::now());
        assert_eq!(offered(&mut pace, 1, 0, start), [1]);
        assert_eq!(pace.offer(&publication(2, 0), start), Paced::Waits { merged: 0 });
        assert_eq!(pace.offer(&publication(3, 0), start), Paced::Waits { merged: 1 });
        let at = |ms| start + Duration::from_millis(ms);
        pace.set(Some(10.0), at(5));
        assert_eq!((due(&mut pace, at(104)), due(&mut pace, at(105))), (vec![], vec![3]));
        pace.set(None, at(110));
        assert_eq!(offered(&mut pace, 4, 0, at(110)), [4]);
        assert_eq!(offered(&mut pace, 5, 0, at(110)), [5]);
    }

    #[test]
    fn what_may_not_be_merged_is_not_held_back() {
        let (mut pace, now) = (Pace::new(Mode::Event, Some(1.0)), Instant::now());
        assert!((1..5).all(|seq| !offered(&mut pace, seq, 0, now).is_empty()));
    }
}
