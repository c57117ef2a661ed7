//! The bounded queue between a producer that does not wait and a consumer that may be slow.
//!
//! The same queue runs for each (connection, channel) in the gateway and for each channel in the client.
//! What becomes of an item is an outcome that the caller looks at; every loss is kept as a range to be told.

use std::collections::VecDeque;

use crate::channel::Mode;
use crate::system::{BackpressureDrop, Side};

/// Capacity of a queue where nothing else is said, in envelopes.
pub const CAPACITY_DEFAULT: usize = 128;
/// Smallest capacity that may be set.
pub const CAPACITY_MIN: usize = 16;
/// Largest capacity that may be set.
pub const CAPACITY_MAX: usize = 200;
/// Most keys that a `keyed` queue holds, whatever its capacity.
pub const KEYS_MAX: usize = 1_000;
/// Least time between two `backpressure_drop` of one channel towards a peer, in milliseconds; losses between are
/// joined.
pub const NOTICE_EVERY_MS: f64 = 1_000.0;

/// What a queue has to know of an item.
pub trait Item {
    /// Whether items have keys at all; those that have none are all of one under `keyed`.
    const HAS_KEYS: bool = true;
    /// `seq` on the channel; 0 for a marker (an acknowledgement, an end of snapshot), which is neither
    /// merged nor dropped.
    fn seq(&self) -> u64;
    /// Key under `keyed`: items of one key replace each other.
    fn key(&self) -> i64 {
        0
    }
    /// Takes in the item that follows this one under `lossless`, so that both take one place: nothing of
    /// either is lost. Gives it back where they cannot be joined.
    ///
    /// # Errors
    /// The other item, untouched.
    fn join(&mut self, later: Self) -> Result<(), Self>
    where
        Self: Sized,
    {
        Err(later)
    }
}

/// What became of an item that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It waits; nothing else changed.
    Accepted,
    /// It waits, and took the place of older ones whose value it supersedes.
    Merged {
        /// How many older ones are gone.
        merged: u64,
    },
    /// It waits, and the oldest are gone; the range will be told by [`Queue::take_notice`].
    DroppedOldest {
        /// How many older ones are gone.
        dropped: u64,
    },
    /// It was not taken: the subscription has to be brought back in step from history.
    Refused,
}

/// A bounded queue of one channel's envelopes.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    items: VecDeque<T>,
    mode: Mode,
    capacity: usize,
    side: Side,
    lost: Option<BackpressureDrop>,
    notice_allowed_ms: f64,
}

impl<T: Item> Queue<T> {
    /// An empty queue. `capacity` is brought into [`CAPACITY_MIN`]..=[`CAPACITY_MAX`]; markers do not count.
    pub fn new(mode: Mode, capacity: usize, side: Side) -> Self {
        let capacity = capacity.clamp(CAPACITY_MIN, CAPACITY_MAX);
        Self {
            items: VecDeque::new(),
            mode,
            capacity,
            side,
            lost: None,
            notice_allowed_ms: f64::NEG_INFINITY,
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing waits, not even a loss to be told.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.lost.is_none()
    }

    /// The most that wait before something is merged, dropped or refused.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// What may be merged or dropped.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What waits, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    /// Offers an item to the back. `gone` receives those that are merged away or dropped, so that their
    /// bytes can be accounted for.
    pub fn offer(&mut self, item: T, gone: &mut impl FnMut(T)) -> Offer {
        if item.seq() == 0 || self.items.len() < self.capacity {
            self.items.push_back(item);
            return Offer::Accepted;
        }
        match self.mode {
            Mode::State => self.keep_latest(item, gone),
            Mode::Keyed if T::HAS_KEYS => self.keep_latest_of_key(item, gone),
            Mode::Keyed => self.keep_latest(item, gone),
            Mode::Event => self.drop_oldest(item, gone),
            Mode::Lossless => Offer::Refused,
        }
    }

    /// Gives back memory, for a connection whose byte cap is reached: merges what the mode allows to merge,
    /// or drops everything and keeps the range. Under `lossless` nothing can be given back.
    pub fn shed(&mut self, gone: &mut impl FnMut(T)) -> Offer {
        match self.mode {
            Mode::State => {
                let newest = self.items.iter().rposition(|item| item.seq() != 0);
                Offer::Merged { merged: self.retain(gone, |at, _| Some(at) == newest) }
            }
            Mode::Keyed => Offer::Merged { merged: self.merge_keys(gone) },
            Mode::Event => {
                let mut dropped = 0;
                while let Some(at) = self.items.iter().position(|item| item.seq() != 0) {
                    dropped += self.lose(at, gone);
                }
                Offer::DroppedOldest { dropped }
            }
            Mode::Lossless => Offer::Refused,
        }
    }

    /// Joins neighbours where the mode allows nothing else, and returns how many places that freed. What is
    /// joined is as long as before, or about so: whoever accounts for bytes measures again.
    pub fn join(&mut self) -> u64 {
        if self.mode != Mode::Lossless {
            return 0;
        }
        let mut joined = 0;
        let mut items: VecDeque<T> = VecDeque::with_capacity(self.items.len());
        for item in self.items.drain(..) {
            let left = match items.back_mut() {
                Some(neighbour) if neighbour.seq() != 0 && item.seq() != 0 => neighbour.join(item).err(),
                _ => Some(item),
            };
            match left {
                Some(item) => items.push_back(item),
                None => joined += 1,
            }
        }
        self.items = items;
        joined
    }

    /// The next one to be sent.
    pub fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// Everything that waits, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        self.items.drain(..)
    }

    /// Whether there is a loss to be told.
    pub fn has_loss(&self) -> bool {
        self.lost.is_some()
    }

    /// The loss to be told before the next item. For as long as no item is popped before it is told, its range
    /// under `event` is exact: all in it is lost.
    pub fn take_loss(&mut self) -> Option<BackpressureDrop> {
        self.lost.take()
    }

    /// The same, at most once a second. `now_ms` is of any clock that never goes back.
    pub fn take_notice(&mut self, now_ms: f64) -> Option<BackpressureDrop> {
        if now_ms < self.notice_allowed_ms {
            return None;
        }
        let lost = self.take_loss()?;
        self.notice_allowed_ms = now_ms + NOTICE_EVERY_MS;
        Some(lost)
    }

    /// When a loss that waits may be told; `None` when none waits.
    pub fn notice_due_ms(&self) -> Option<f64> {
        self.lost.map(|_| self.notice_allowed_ms)
    }

    /// Forgets everything that waits and every loss, for a subscription that starts again.
    pub fn clear(&mut self, gone: &mut impl FnMut(T)) {
        self.items.drain(..).for_each(gone);
        self.lost = None;
    }

    fn keep_latest(&mut self, item: T, gone: &mut impl FnMut(T)) -> Offer {
        let merged = self.retain(gone, |_, _| false);
        self.items.push_back(item);
        Offer::Merged { merged }
    }

    fn keep_latest_of_key(&mut self, item: T, gone: &mut impl FnMut(T)) -> Offer {
        let key = item.key();
        self.items.push_back(item);
        // The usual case needs one pass and no memory: the new item's own key waits already.
        let newest = self.items.len() - 1;
        let merged = self.retain(gone, |at, other| at == newest || other.key() != key);
        if merged > 0 {
            return Offer::Merged { merged };
        }
        let merged = self.merge_keys(gone);
        if self.items.len() <= KEYS_MAX {
            return if merged > 0 { Offer::Merged { merged } } else { Offer::Accepted };
        }
        let oldest = self.items.iter().position(|item| item.seq() != 0).unwrap_or_default();
        Offer::DroppedOldest { dropped: self.lose(oldest, gone) }
    }

    fn drop_oldest(&mut self, item: T, gone: &mut impl FnMut(T)) -> Offer {
        let oldest = self.items.iter().position(|item| item.seq() != 0);
        let dropped = oldest.map_or(0, |at| self.lose(at, gone));
        self.items.push_back(item);
        Offer::DroppedOldest { dropped }
    }

    /// Keeps of each key only the newest.
    fn merge_keys(&mut self, gone: &mut impl FnMut(T)) -> u64 {
        let mut newest = std::collections::HashMap::with_capacity(self.items.len());
        for (at, item) in self.items.iter().enumerate().filter(|(_, item)| item.seq() != 0) {
            newest.insert(item.key(), at);
        }
        self.retain(gone, |at, item| newest.get(&item.key()) == Some(&at))
    }

    /// Keeps markers and what `keep(index, item)` says; counts the others.
    fn retain(&mut self, gone: &mut impl FnMut(T), keep: impl Fn(usize, &T) -> bool) -> u64 {
        let mut merged = 0;
        for at in 0..self.items.len() {
            let Some(item) = self.items.pop_front() else { break };
            if item.seq() == 0 || keep(at, &item) {
                self.items.push_back(item);
            } else {
                merged += 1;
                gone(item);
            }
        }
        merged
    }

    fn lose(&mut self, at: usize, gone: &mut impl FnMut(T)) -> u64 {
        let Some(item) = self.items.remove(at) else { return 0 };
        self.count_lost(item.seq());
        gone(item);
        1
    }

    /// Counts an item that could not be queued at all as dropped, so that its range is told.
    pub(crate) fn count_lost(&mut self, seq: u64) {
        let lost = self.lost.get_or_insert(BackpressureDrop {
            dropped: 0,
            from_seq: seq,
            to_seq: seq,
            capacity: self.capacity as u64,
            side: self.side,
        });
        lost.dropped += 1;
        lost.from_seq = lost.from_seq.min(seq);
        lost.to_seq = lost.to_seq.max(seq);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Thing {
        seq: u64,
        key: i64,
    }

    impl Item for Thing {
        fn seq(&self) -> u64 {
            self.seq
        }
        fn key(&self) -> i64 {
            self.key
        }
    }

    fn filled(mode: Mode, count: u64) -> Queue<Thing> {
        let mut queue = Queue::new(mode, 16, Side::Gateway);
        for seq in 1..=count {
            assert_eq!(queue.offer(Thing { seq, key: seq as i64 % 4 }, &mut drop), Offer::Accepted);
        }
        queue
    }

    #[test]
    fn a_full_state_queue_keeps_the_latest() {
        let mut queue = filled(Mode::State, 16);
        assert_eq!(queue.offer(Thing { seq: 17, key: 0 }, &mut drop), Offer::Merged { merged: 16 });
        assert_eq!(queue.drain().map(|t| t.seq).collect::<Vec<_>>(), [17]);
    }

    #[test]
    fn a_full_keyed_queue_keeps_the_latest_of_each_key() {
        let mut queue = filled(Mode::Keyed, 16);
        assert_eq!(queue.offer(Thing { seq: 17, key: 1 }, &mut drop), Offer::Merged { merged: 4 });
        queue.shed(&mut drop);
        assert_eq!(queue.drain().map(|t| t.seq).collect::<Vec<_>>(), [14, 15, 16, 17]);
    }

    #[test]
    fn a_full_event_queue_drops_the_oldest_and_tells_the_range_once_a_second() {
        let mut queue = filled(Mode::Event, 16);
        for seq in 17..=20 {
            assert_eq!(queue.offer(Thing { seq, key: 0 }, &mut drop), Offer::DroppedOldest { dropped: 1 });
        }
        let told = BackpressureDrop { dropped: 4, from_seq: 1, to_seq: 4, capacity: 16, side: Side::Gateway };
        assert_eq!(queue.take_notice(0.0), Some(told));
        queue.offer(Thing { seq: 21, key: 0 }, &mut drop);
        assert_eq!(queue.take_notice(999.0), None);
        assert_eq!(queue.notice_due_ms(), Some(1_000.0));
        assert_eq!(queue.take_notice(1_000.0).map(|lost| (lost.from_seq, lost.to_seq)), Some((5, 5)));
    }

    #[test]
    fn a_full_lossless_queue_refuses() {
        let mut queue = filled(Mode::Lossless, 16);
        assert_eq!(queue.offer(Thing { seq: 17, key: 0 }, &mut drop), Offer::Refused);
        assert_eq!(queue.len(), 16);
    }

    #[test]
    fn markers_are_never_lost() {
        for mode in [Mode::State, Mode::Keyed, Mode::Event] {
            let mut queue = Queue::new(mode, 16, Side::Client);
            queue.offer(Thing { seq: 0, key: 0 }, &mut drop);
            for seq in 1..=100 {
                queue.offer(Thing { seq, key: 7 }, &mut drop);
            }
            queue.shed(&mut drop);
            assert!(queue.drain().any(|thing| thing.seq == 0), "{mode:?}");
        }
    }

    #[test]
    fn a_marker_does_not_supersede_the_item_of_its_key() {
        let mut queue = Queue::new(Mode::Keyed, 16, Side::Gateway);
        queue.offer(Thing { seq: 1, key: 0 }, &mut drop);
        queue.offer(Thing { seq: 0, key: 0 }, &mut drop);
        assert_eq!(queue.shed(&mut drop), Offer::Merged { merged: 0 });
        assert_eq!(queue.drain().map(|t| t.seq).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn past_a_thousand_keys_the_oldest_goes_and_is_told() {
        let mut queue = Queue::new(Mode::Keyed, 16, Side::Gateway);
        for seq in 1..=KEYS_MAX as u64 {
            assert_eq!(queue.offer(Thing { seq, key: seq as i64 }, &mut drop), Offer::Accepted);
        }
        let next = KEYS_MAX as u64 + 1;
        assert_eq!(queue.offer(Thing { seq: next, key: -1 }, &mut drop), Offer::DroppedOldest { dropped: 1 });
        assert_eq!(queue.len(), KEYS_MAX);
        assert_eq!(queue.take_notice(0.0).map(|lost| (lost.from_seq, lost.to_seq)), Some((1, 1)));
    }

    proptest! {
        /// Whatever is offered and popped: nothing is lost that was not told, bounds hold, order holds.
        #[test]
        fn every_item_is_delivered_merged_told_or_refused(
            mode in prop::sample::select(vec![Mode::State, Mode::Keyed, Mode::Event, Mode::Lossless]),
            capacity in 0usize..40,
            steps in prop::collection::vec((any::<bool>(), 0i64..1_200, 0u8..20), 1..400),
        ) {
            let mut queue = Queue::new(mode, capacity, Side::Client);
            let (mut seq, mut now) = (0u64, 0.0);
            let (mut gone, mut out, mut told, mut refused) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            let mut newest = std::collections::HashMap::new();
            for (pops, key, wait) in steps {
                now += f64::from(wait) * 100.0;
                if pops {
                    told.extend(queue.take_notice(now));
                    // What comes after a loss waits until that is told.
                    if !queue.has_loss() {
                        out.extend(queue.pop());
                    }
                    continue;
                }
                seq += 1;
                let before = gone.len();
                let offer = queue.offer(Thing { seq, key }, &mut |thing| gone.push(thing));
                let went = (gone.len() - before) as u64;
                match offer {
                    Offer::Accepted => prop_assert_eq!(went, 0),
                    Offer::Merged { merged } => prop_assert!(merged == went && matches!(mode, Mode::State | Mode::Keyed)),
                    Offer::DroppedOldest { dropped } => prop_assert!(dropped == went && matches!(mode, Mode::Event | Mode::Keyed)),
                    Offer::Refused => { prop_assert_eq!(mode, Mode::Lossless); refused.push(seq); continue }
                }
                newest.insert(if mode == Mode::Keyed { key } else { 0 }, seq);
                let bound = if mode == Mode::Keyed { KEYS_MAX } else { queue.capacity() };
                prop_assert!(queue.len() <= bound);
            }
            told.extend(queue.take_notice(f64::INFINITY));
            out.extend(queue.drain());
            prop_assert!(out.windows(2).all(|pair| pair[0].seq < pair[1].seq), "order");
            let mut all: Vec<u64> = out.iter().chain(&gone).map(|t| t.seq).chain(refused).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (1..=seq).collect::<Vec<_>>());
            if mode == Mode::Event {
                let dropped: u64 = told.iter().map(|lost| lost.dropped).sum();
                prop_assert_eq!(dropped, gone.len() as u64);
                let mut ranges: Vec<u64> = told.iter().flat_map(|lost| lost.from_seq..=lost.to_seq).collect();
                ranges.sort_unstable();
                let lost: Vec<u64> = gone.iter().map(|thing| thing.seq).collect();
                prop_assert_eq!(ranges, lost, "the exact range, each once");
            }
            if matches!(mode, Mode::State | Mode::Keyed) && told.is_empty() {
                for (_, seq) in newest {
                    prop_assert!(out.iter().any(|thing| thing.seq == seq), "the newest of a key is delivered");
                }
            }
        }
    }
}
