//! The order of one symbol's trades, by their numbers.
//!
//! Numbers ascend by one. A number that is too large means that trades were missed: it and what follows wait until
//! these have been fetched, or are given up. A number that has been is a repetition, unless its trade is later than
//! the newest by [`RESTART_AFTER_MS`]: then the exchange has begun to number anew.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::super::Trade;
use super::Missing;

/// Most trades that wait for those before them; one more, and these are given up.
const HELD_MAX: usize = 10_000;
/// How much later than the newest trade one with an old number must be for the numbers to have begun anew.
const RESTART_AFTER_MS: i64 = 10_000;

/// A trade with its number; without the trade where it was not believed, so that it is not taken for missed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Numbered {
    pub(super) id: u64,
    pub(super) time: i64,
    pub(super) trade: Option<Trade>,
}

/// What to do after an offer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// It is next: pass it on.
    Pass,
    /// It has been.
    Repeated,
    /// It waits for others.
    Held,
    /// It waits for these, which nobody has asked for yet.
    Gap(Missing),
    /// The exchange numbers anew: pass it on.
    Restarted,
    /// All that was missed has come after all: [`Sequence::release`].
    Complete,
    /// Too many wait: [`Sequence::release`] without what was missed.
    Overflow,
}

/// What comes out of a gap at its end.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Released {
    /// Trades in their order.
    pub(super) trades: Vec<Trade>,
    /// Trades of those that were fetched.
    pub(super) filled: u64,
    /// Trades that are given up.
    pub(super) lost: u64,
    /// A further gap behind those.
    pub(super) gap: Option<Missing>,
}

/// The trades of one symbol.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// Number and time of the newest that was passed on.
    last: Option<(u64, i64)>,
    missing: Option<RangeInclusive<u64>>,
    held: BTreeMap<u64, Numbered>,
    /// How many of those that are missing have come meanwhile.
    came: u64,
    /// The newest trade, as the exchange said last.
    announced: Option<u64>,
}

impl Sequence {
    /// Offers the next trade as it came.
    pub(super) fn offer(&mut self, numbered: Numbered) -> Step {
        let Some((last, last_time)) = self.last else {
            self.last = Some((numbered.id, numbered.time));
            return Step::Pass;
        };
        if numbered.id <= last {
            if numbered.time <= last_time.saturating_add(RESTART_AFTER_MS) {
                return Step::Repeated;
            }
            self.restart(numbered);
            return Step::Restarted;
        }
        if let Some(missing) = &self.missing {
            if self.held.insert(numbered.id, numbered).is_some() {
                return Step::Repeated;
            }
            self.came += u64::from(missing.contains(&numbered.id));
            return match self.held.len() {
                _ if self.came > missing.end() - missing.start() => Step::Complete,
                0..=HELD_MAX => Step::Held,
                _ => Step::Overflow,
            };
        }
        if numbered.id == last + 1 {
            self.last = Some((numbered.id, numbered.time));
            return Step::Pass;
        }
        self.held.insert(numbered.id, numbered);
        Step::Gap(self.open(last, last_time, numbered.id - 1))
    }

    /// The exchange says what its newest trade is. It may overtake the trade itself: those up to it are missing when
    /// they have not come by the next time that it says so.
    pub(super) fn newest(&mut self, id: u64) -> Option<Missing> {
        let announced = self.announced.replace(id)?;
        let (last, last_time) = self.last?;
        let is_missing = self.missing.is_none() && announced > last && announced <= id;
        is_missing.then(|| self.open(last, last_time, announced))
    }

    /// Whether trades wait for these.
    pub(super) fn waits_for(&self, ids: &RangeInclusive<u64>) -> bool {
        self.missing.as_ref() == Some(ids)
    }

    /// Ends a gap with what could be fetched of it.
    pub(super) fn release(&mut self, found: Vec<Numbered>) -> Released {
        let (Some(missing), Some((_, mut last_time))) = (self.missing.take(), self.last) else {
            return Released::default();
        };
        let mut released = Released::default();
        let mut of_gap = self.held.split_off(missing.start());
        let behind = missing.end().checked_add(1).map(|next| of_gap.split_off(&next)).unwrap_or_default();
        for numbered in found.into_iter().filter(|numbered| missing.contains(&numbered.id)) {
            if of_gap.insert(numbered.id, numbered).is_none() {
                released.filled += 1;
            }
        }
        released.lost = missing.end().abs_diff(*missing.start()) + 1 - of_gap.len() as u64;
        for numbered in of_gap.into_values() {
            last_time = numbered.time;
            released.trades.extend(numbered.trade);
        }
        self.last = Some((*missing.end(), last_time));
        self.held = behind;
        self.follow(&mut released);
        released
    }

    /// Passes on what waits, up to the next hole.
    fn follow(&mut self, released: &mut Released) {
        while let Some((last, last_time)) = self.last
            && let Some(entry) = self.held.first_entry()
        {
            if *entry.key() != last + 1 {
                let end = *entry.key() - 1;
                released.gap = Some(self.open(last, last_time, end));
                return;
            }
            let numbered = entry.remove();
            self.last = Some((numbered.id, numbered.time));
            released.trades.extend(numbered.trade);
        }
    }

    fn open(&mut self, last: u64, since: i64, end: u64) -> Missing {
        let ids = last + 1..=end;
        self.missing = Some(ids.clone());
        self.came = 0;
        Missing { ids, since }
    }

    fn restart(&mut self, numbered: Numbered) {
        *self = Self { last: Some((numbered.id, numbered.time)), ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    fn at(id: u64, time: i64) -> Numbered {
        let trade = Trade { time, id: Some(id), side: None, price: Decimal::ONE, quantity: Decimal::ONE };
        Numbered { id, time, trade: Some(trade) }
    }

    fn nth(id: u64) -> Numbered {
        at(id, id as i64)
    }

    fn ids(released: &Released) -> Vec<u64> {
        released.trades.iter().filter_map(|trade| trade.id).collect()
    }

    fn missing(ids: RangeInclusive<u64>, since: i64) -> Missing {
        Missing { ids, since }
    }

    #[test]
    fn what_was_missed_comes_at_its_place() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.offer(nth(10)), Step::Pass);
        assert_eq!(sequence.offer(nth(11)), Step::Pass);
        assert_eq!(sequence.offer(nth(11)), Step::Repeated);
        assert_eq!(sequence.offer(nth(15)), Step::Gap(missing(12..=14, 11)));
        assert_eq!(sequence.offer(nth(15)), Step::Repeated);
        assert_eq!(sequence.offer(nth(13)), Step::Held);
        assert_eq!(sequence.offer(nth(18)), Step::Held);
        let released = sequence.release(vec![nth(12), nth(13), nth(99)]);
        assert_eq!(ids(&released), [12, 13, 15]);
        assert_eq!((released.filled, released.lost), (1, 1));
        assert_eq!(released.gap, Some(missing(16..=17, 15)));
        let released = sequence.release(vec![nth(16), nth(17)]);
        assert_eq!((ids(&released), released.lost, released.gap), (vec![16, 17, 18], 0, None));
        assert_eq!(sequence.offer(nth(19)), Step::Pass);
    }

    #[test]
    fn what_comes_late_needs_not_be_fetched() {
        let mut sequence = Sequence::default();
        sequence.offer(nth(1));
        sequence.offer(nth(4));
        assert_eq!(sequence.offer(nth(3)), Step::Held);
        assert_eq!(sequence.offer(nth(5)), Step::Held);
        assert_eq!(sequence.offer(nth(2)), Step::Complete);
        let released = sequence.release(Vec::new());
        assert_eq!((ids(&released), released.lost, released.filled), (vec![2, 3, 4, 5], 0, 0));
        assert!(!sequence.waits_for(&(2..=3)));
    }

    #[test]
    fn a_trade_that_was_not_believed_is_not_missed() {
        let mut sequence = Sequence::default();
        sequence.offer(nth(1));
        assert_eq!(sequence.offer(Numbered { trade: None, ..nth(2) }), Step::Pass);
        assert_eq!(sequence.offer(nth(3)), Step::Pass);
        sequence.offer(nth(5));
        let released = sequence.release(vec![Numbered { trade: None, ..nth(4) }]);
        assert_eq!((ids(&released), released.lost), (vec![5], 0));
    }

    #[test]
    fn what_the_exchange_says_is_newest_opens_a_gap() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.newest(5), None);
        sequence.offer(nth(5));
        assert_eq!(sequence.newest(5), None);
        // Perhaps it is on its way.
        assert_eq!(sequence.newest(7), None);
        assert_eq!(sequence.newest(8), Some(missing(6..=7, 5)));
        assert_eq!(sequence.newest(9), None);
        assert_eq!(ids(&sequence.release(vec![nth(6), nth(7)])), [6, 7]);
        sequence.offer(nth(8));
        sequence.offer(nth(9));
        assert_eq!(sequence.newest(9), None);
    }

    #[test]
    fn numbers_that_begin_anew_are_told_from_repetitions_by_their_time() {
        let mut sequence = Sequence::default();
        sequence.offer(at(1_000, 50_000));
        assert_eq!(sequence.offer(at(3, 60_000)), Step::Repeated);
        assert_eq!(sequence.offer(at(3, 60_001)), Step::Restarted);
        assert_eq!(sequence.offer(at(4, 60_002)), Step::Pass);
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let mut sequence = Sequence::default();
        sequence.offer(nth(0));
        sequence.offer(nth(2));
        let held = (3..).take_while(|id| sequence.offer(nth(*id)) == Step::Held).count();
        assert_eq!(held, HELD_MAX - 1);
        let released = sequence.release(Vec::new());
        assert_eq!((released.trades.len(), released.lost), (HELD_MAX + 1, 1));
    }

    #[test]
    fn the_largest_numbers_are_numbers() {
        let mut sequence = Sequence::default();
        sequence.offer(nth(0));
        assert_eq!(sequence.offer(at(u64::MAX, 0)), Step::Gap(missing(1..=u64::MAX - 1, 0)));
        assert_eq!(sequence.release(Vec::new()).lost, u64::MAX - 1);
        assert_eq!(sequence.offer(at(u64::MAX, 0)), Step::Repeated);
        assert_eq!(sequence.newest(u64::MAX), None);
    }

    proptest! {
        #[test]
        fn every_number_is_passed_on_once_and_in_order_or_is_told(
            order in proptest::collection::vec(0u64..60, 1..200),
            answers in proptest::collection::vec(any::<bool>(), 200),
        ) {
            let (mut sequence, mut out, mut lost) = (Sequence::default(), Vec::new(), 0);
            let mut gap: Option<Missing> = None;
            for (turn, id) in order.iter().enumerate() {
                match sequence.offer(at(*id, 0)) {
                    Step::Pass => out.push(*id),
                    Step::Gap(missing) => gap = Some(missing),
                    _ => {}
                }
                if answers[turn] && let Some(missing) = gap.take() {
                    let found = missing.ids.filter(|id| id % 3 != 0).map(|id| at(id, 0)).collect();
                    let released = sequence.release(found);
                    out.extend(ids(&released));
                    lost += released.lost;
                    gap = released.gap;
                }
            }
            prop_assert!(out.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", out);
            let span = out.last().zip(out.first()).map_or(0, |(last, first)| last - first + 1);
            // The end of a gap that was given up may lie behind the newest trade; never more than told.
            prop_assert!(span <= out.len() as u64 + lost);
        }
    }
}
