//! How much the exchange's clock is ahead of ours, as closely as answers tell.

/// Between what the difference is, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    low: i64,
    high: i64,
}

impl Bounds {
    /// What an answer says: that it was `there`, rounded down to `step`, at some moment between `sent` and `received`
    /// by our clock.
    pub(super) fn of(there: i64, step: i64, sent: i64, received: i64) -> Self {
        Self { low: there.saturating_sub(received), high: there.saturating_add(step).saturating_sub(sent) }
    }

    /// What this and a later answer say together; where they contradict each other a clock has been set, and the later
    /// one counts.
    pub(super) fn and(self, later: Self) -> Self {
        let (low, high) = (self.low.max(later.low), self.high.min(later.high));
        if low <= high { Self { low, high } } else { later }
    }

    /// The best guess; it is wrong by half the distance of the bounds at most.
    pub(super) fn offset(self) -> i64 {
        self.low + (self.high - self.low) / 2
    }

    /// How long to wait from `now` by our clock until an answer halves what is not known of a clock of whole steps.
    pub(super) fn wait(self, step: i64, now: i64) -> u64 {
        let in_step = now.saturating_add(self.offset()).rem_euclid(step);
        (step - in_step).rem_euclid(step).unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known after some answers that took `took` each, of a clock that is `ahead`.
    fn measured(ahead: i64, step: i64, took: &[i64]) -> Bounds {
        let mut now = 1_700_000_000_123;
        let mut known: Option<Bounds> = None;
        for took in took {
            now += known.map_or(0, |known| known.wait(step, now) as i64);
            let there = (now + took / 3 + ahead).div_euclid(step) * step;
            let said = Bounds::of(there, step, now, now + took);
            now += took;
            known = Some(known.map_or(said, |known| known.and(said)));
        }
        known.expect("answers")
    }

    #[test]
    fn the_difference_is_known_to_half_the_quickest_answer() {
        for ahead in [-3_000, -1, 0, 7, 60_000] {
            let known = measured(ahead, 1, &[900, 40, 300]);
            assert!((known.offset() - ahead).abs() <= 21, "{ahead} {known:?}");
        }
    }

    #[test]
    fn a_clock_of_whole_seconds_is_known_closer_with_each_answer() {
        for ahead in [-3_000, -2_501, 0, 333, 499, 500, 777, 60_999] {
            let known = measured(ahead, 1_000, &[40, 40, 40, 40]);
            assert!((known.offset() - ahead).abs() <= 125, "{ahead} {known:?}");
        }
    }

    #[test]
    fn a_clock_that_was_set_is_believed() {
        let (before, after) = (Bounds { low: 10, high: 30 }, Bounds { low: 500, high: 600 });
        assert_eq!((before.and(after), before.and(after).offset()), (after, 550));
        assert_eq!(before.and(Bounds { low: 0, high: 20 }), Bounds { low: 10, high: 20 });
    }
}
