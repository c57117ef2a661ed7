//! Everything that waits for one connection: a bounded queue for each channel, a queue of its own for
//! control messages, and one cap on the bytes of all.

use std::collections::VecDeque;

use crate::backpressure::{Item, Offer, Queue};
use crate::channel::Mode;
use crate::system::{BackpressureDrop, Side};

/// Most control messages that wait for one connection; they are never dropped.
pub const CONTROL_MAX: usize = 64;
/// Most bytes that wait for one connection where nothing else is said.
pub const BYTES_MAX_DEFAULT: usize = 1024 * 1024;

/// What an outbox has to know of an item besides what a queue does.
pub trait Measured {
    /// Bytes on the wire.
    fn len_bytes(&self) -> usize;
}

/// A channel's place in an outbox, given by [`Outbox::open`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane(u32);

impl Lane {
    /// Its number: lanes of one outbox are numbered from 0, without holes, and again when one was closed.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The next thing to send.
#[derive(Clone, Debug, PartialEq)]
pub enum Next<T, C> {
    /// A control message.
    Control(C),
    /// An item of that lane.
    Item(Lane, T),
    /// A loss on that lane's channel, to be told before its next envelope.
    Lost(Lane, BackpressureDrop),
}

/// The control queue is full: the peer does not read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("64 control messages wait already")]
pub struct ControlFull;

#[derive(Debug)]
struct Slot<T> {
    queue: Queue<T>,
    /// It stands in `ready`.
    is_ready: bool,
}

impl<T: Item + Measured> Slot<T> {
    fn len_bytes(&self) -> usize {
        self.queue.iter().map(Measured::len_bytes).sum()
    }
}

/// Queues of one connection. Lanes are served in turn, one item each, so that a busy channel does not
/// hold up a quiet one; within a lane order is kept.
///
/// `T` is what waits in a lane, `C` a control message.
#[derive(Debug)]
pub struct Outbox<T, C> {
    control: VecDeque<C>,
    lanes: Vec<Option<Slot<T>>>,
    free: Vec<u32>,
    ready: VecDeque<u32>,
    capacity: usize,
    bytes: usize,
    bytes_max: usize,
    full_since_ms: Option<f64>,
    /// There may be a loss to be told.
    has_losses: bool,
}

impl<T: Item + Measured, C> Outbox<T, C> {
    /// An empty one. `capacity` is that of each lane in envelopes, `bytes_max` the cap over all lanes.
    pub fn new(capacity: usize, bytes_max: usize) -> Self {
        Self {
            control: VecDeque::new(),
            lanes: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            capacity,
            bytes: 0,
            bytes_max,
            full_since_ms: None,
            has_losses: false,
        }
    }

    /// Opens a lane for a channel of that mode.
    pub fn open(&mut self, mode: Mode) -> Lane {
        let slot = Slot { queue: Queue::new(mode, self.capacity, Side::Gateway), is_ready: false };
        if let Some(index) = self.free.pop() {
            self.lanes[index as usize] = Some(slot);
            return Lane(index);
        }
        self.lanes.push(Some(slot));
        Lane(self.lanes.len() as u32 - 1)
    }

    /// Closes a lane and forgets what waits in it. The lane may be given out again.
    pub fn close(&mut self, lane: Lane) {
        self.clear(lane);
        if let Some(slot) = self.lanes.get_mut(lane.0 as usize)
            && slot.take().is_some()
        {
            self.ready.retain(|&index| index != lane.0);
            self.free.push(lane.0);
        }
    }

    /// Forgets what waits in a lane, for a subscription that starts again.
    pub fn clear(&mut self, lane: Lane) {
        let mut freed = 0;
        if let Some(Some(slot)) = self.lanes.get_mut(lane.0 as usize) {
            slot.queue.clear(&mut |item: T| freed += item.len_bytes());
        }
        self.give_back(freed);
        self.see_room();
    }

    /// Offers an item to a lane. A lane that is not open takes nothing and says [`Offer::Refused`].
    ///
    /// At the byte cap the lane first gives back what its mode allows, and a full `lossless` lane joins what
    /// waits in it. What still does not fit is refused; under `event` it is counted into the loss that will
    /// be told.
    pub fn offer(&mut self, lane: Lane, item: T, now_ms: f64) -> Offer {
        let Some(Some(slot)) = self.lanes.get_mut(lane.0 as usize) else { return Offer::Refused };
        let len = item.len_bytes();
        let mode = slot.queue.mode();
        let mut freed = 0;
        let mut count = |gone: T| freed += gone.len_bytes();
        let mut shed = 0;
        let is_heavy = self.bytes + len > self.bytes_max;
        if is_heavy {
            self.full_since_ms.get_or_insert(now_ms);
            if let Offer::Merged { merged } | Offer::DroppedOldest { dropped: merged } =
                slot.queue.shed(&mut count)
            {
                shed = merged;
            }
        }
        if mode == Mode::Lossless && (is_heavy || slot.queue.len() >= slot.queue.capacity()) {
            let before = slot.len_bytes();
            shed = slot.queue.join();
            self.bytes = self.bytes - before + slot.len_bytes();
        }
        let fits = self.bytes - freed + len <= self.bytes_max;
        let mut count = |gone: T| freed += gone.len_bytes();
        let offer = match fits {
            true => slot.queue.offer(item, &mut count),
            // A marker is never counted as lost: it has no place in the channel's order.
            false if mode == Mode::Event && item.seq() != 0 => {
                slot.queue.count_lost(item.seq());
                Offer::DroppedOldest { dropped: 1 }
            }
            false => Offer::Refused,
        };
        let taken = fits && offer != Offer::Refused;
        if !slot.is_ready && !slot.queue.is_empty() {
            slot.is_ready = true;
            self.ready.push_back(lane.0);
        }
        self.give_back(freed);
        if taken {
            self.bytes += len;
        }
        self.see_room();
        let offer = joined(offer, shed, mode);
        self.has_losses |= matches!(offer, Offer::DroppedOldest { .. });
        offer
    }

    /// Queues a control message; these go out before any envelope.
    ///
    /// # Errors
    /// [`ControlFull`] when [`CONTROL_MAX`] wait already; the connection should be closed.
    pub fn control(&mut self, item: C) -> Result<(), ControlFull> {
        if self.control.len() >= CONTROL_MAX {
            return Err(ControlFull);
        }
        self.control.push_back(item);
        Ok(())
    }

    /// The next thing to send: control messages first, then one of each lane in turn. A lane that has lost
    /// something waits until that may be told.
    pub fn next(&mut self, now_ms: f64) -> Option<Next<T, C>> {
        if let Some(item) = self.control.pop_front() {
            return Some(Next::Control(item));
        }
        for _ in 0..self.ready.len() {
            let index = self.ready.pop_front()?;
            let Some(Some(slot)) = self.lanes.get_mut(index as usize) else { continue };
            // What was lost came after a marker that waits in front: a new beginning is told before its losses.
            let begins = slot.queue.iter().next().is_some_and(|item| item.seq() == 0);
            if !begins && slot.queue.has_loss() {
                self.ready.push_back(index);
                match slot.queue.take_notice(now_ms) {
                    Some(lost) => return Some(Next::Lost(Lane(index), lost)),
                    // What follows waits for it: so the range stays exact, and whoever's line is cut meanwhile
                    // comes back to a position before the loss.
                    None => continue,
                }
            }
            let item = slot.queue.pop();
            slot.is_ready = !slot.queue.is_empty();
            if slot.is_ready {
                self.ready.push_back(index);
            }
            if let Some(item) = item {
                self.give_back(item.len_bytes());
                self.see_room();
                return Some(Next::Item(Lane(index), item));
            }
        }
        None
    }

    /// When to look again although nothing is offered: a loss waits to be told. `None` when none does.
    pub fn due_ms(&mut self) -> Option<f64> {
        if !self.has_losses {
            return None;
        }
        let due = self.lanes.iter().flatten().filter_map(|slot| slot.queue.notice_due_ms()).reduce(f64::min);
        self.has_losses = due.is_some();
        due
    }

    /// How many control messages wait.
    pub fn control_len(&self) -> usize {
        self.control.len()
    }

    /// Whether nothing waits in that lane.
    pub fn is_quiet(&self, lane: Lane) -> bool {
        matches!(self.lanes.get(lane.0 as usize), Some(Some(slot)) if slot.queue.is_empty())
    }

    /// Bytes that wait in all lanes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Since when the byte cap has been full without a pause; `None` when it is not.
    pub fn full_since_ms(&self) -> Option<f64> {
        self.full_since_ms
    }

    /// Below half, there is room again; at the brim a reader only made room for one more.
    fn see_room(&mut self) {
        if self.bytes * 2 < self.bytes_max {
            self.full_since_ms = None;
        }
    }

    fn give_back(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.bytes, "more given back than was taken");
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// One outcome for what was shed and what was offered.
fn joined(offer: Offer, shed: u64, mode: Mode) -> Offer {
    match offer {
        Offer::Accepted if shed > 0 && mode == Mode::Event => Offer::DroppedOldest { dropped: shed },
        Offer::Accepted if shed > 0 => Offer::Merged { merged: shed },
        Offer::Merged { merged } => Offer::Merged { merged: merged + shed },
        Offer::DroppedOldest { dropped } => Offer::DroppedOldest { dropped: dropped + shed },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Thing {
        seq: u64,
        len: usize,
    }

    impl Item for Thing {
        fn seq(&self) -> u64 {
            self.seq
        }
    }

    impl Measured for Thing {
        fn len_bytes(&self) -> usize {
            self.len
        }
    }

    /// A piece of a text: neighbours can be joined up to a length.
    #[derive(Clone, Debug, PartialEq)]
    struct Piece {
        from: u64,
        seq: u64,
        text: String,
    }

    impl Item for Piece {
        fn seq(&self) -> u64 {
            self.seq
        }
        fn join(&mut self, later: Self) -> Result<(), Self> {
            if self.text.len() + later.text.len() > 20 {
                return Err(later);
            }
            self.text.push_str(&later.text);
            self.seq = later.seq;
            Ok(())
        }
    }

    impl Measured for Piece {
        fn len_bytes(&self) -> usize {
            // What is joined has one head in place of two.
            self.text.len() + 5
        }
    }

    type Things = Outbox<Thing, Thing>;

    fn thing(seq: u64) -> Thing {
        Thing { seq, len: 10 }
    }

    fn sent(outbox: &mut Things) -> Vec<u64> {
        std::iter::from_fn(|| outbox.next(0.0))
            .filter_map(|next| match next {
                Next::Control(thing) | Next::Item(_, thing) => Some(thing.seq),
                Next::Lost(..) => None,
            })
            .collect()
    }

    #[test]
    fn control_goes_first_and_lanes_take_turns() {
        let mut outbox = Things::new(16, 1_000);
        let (a, b) = (outbox.open(Mode::Event), outbox.open(Mode::State));
        for seq in [1, 2, 3] {
            outbox.offer(a, thing(seq), 0.0);
        }
        outbox.offer(b, thing(100), 0.0);
        outbox.control(thing(0)).expect("room");
        assert_eq!(sent(&mut outbox), [0, 1, 100, 2, 3]);
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn at_the_byte_cap_a_state_lane_merges_and_an_event_lane_tells() {
        let mut outbox = Things::new(16, 50);
        let (state, event) = (outbox.open(Mode::State), outbox.open(Mode::Event));
        for seq in 1..=4 {
            outbox.offer(state, thing(seq), 0.0);
        }
        assert_eq!(outbox.offer(event, thing(1), 0.0), Offer::Accepted);
        assert_eq!(outbox.offer(state, thing(5), 7.0), Offer::Merged { merged: 3 });
        assert_eq!(outbox.full_since_ms(), Some(7.0));
        for seq in 2..=9 {
            outbox.offer(event, thing(seq), 9.0);
        }
        assert!(outbox.bytes() <= 50);
        assert_eq!(outbox.full_since_ms(), Some(7.0));
        let told: Vec<_> = std::iter::from_fn(|| outbox.next(0.0)).collect();
        assert!(
            told.iter()
                .any(|next| matches!(next, Next::Lost(lane, lost) if *lane == event && lost.from_seq == 1))
        );
        assert_eq!(outbox.full_since_ms(), None);
    }

    #[test]
    fn a_closed_lane_takes_nothing_and_is_given_out_again() {
        let mut outbox = Things::new(16, 50);
        let lane = outbox.open(Mode::Event);
        outbox.offer(lane, thing(1), 0.0);
        outbox.close(lane);
        assert_eq!((outbox.bytes(), outbox.offer(lane, thing(2), 0.0)), (0, Offer::Refused));
        assert_eq!(outbox.open(Mode::State), lane);
        assert_eq!(sent(&mut outbox), [0u64; 0]);
    }

    #[test]
    fn a_new_beginning_is_told_before_what_was_lost_after_it() {
        let mut outbox = Things::new(16, 50);
        let lane = outbox.open(Mode::Event);
        for seq in 0..=9 {
            outbox.offer(lane, thing(seq), 0.0);
        }
        assert_eq!(outbox.next(0.0), Some(Next::Item(lane, thing(0))));
        assert!(matches!(outbox.next(0.0), Some(Next::Lost(_, lost)) if lost.from_seq == 1));
    }

    #[test]
    fn a_cleared_outbox_is_not_full() {
        let mut outbox = Things::new(16, 50);
        let lane = outbox.open(Mode::Lossless);
        for seq in 1..=6 {
            outbox.offer(lane, thing(seq), 1.0);
        }
        assert_eq!(outbox.full_since_ms(), Some(1.0));
        outbox.clear(lane);
        assert_eq!((outbox.bytes(), outbox.full_since_ms()), (0, None));
    }

    #[test]
    fn a_marker_that_does_not_fit_is_refused_and_not_told_as_lost() {
        let mut outbox = Things::new(16, 50);
        let (lane, other) = (outbox.open(Mode::Event), outbox.open(Mode::Lossless));
        outbox.offer(other, Thing { seq: 1, len: 50 }, 0.0);
        assert_eq!(outbox.offer(lane, thing(0), 0.0), Offer::Refused);
        assert!(outbox.is_quiet(lane));
    }

    #[test]
    fn control_messages_are_bounded() {
        let mut outbox = Things::new(16, 50);
        for _ in 0..CONTROL_MAX {
            outbox.control(thing(0)).expect("room");
        }
        assert_eq!(outbox.control(thing(0)), Err(ControlFull));
    }

    #[test]
    fn a_cap_that_was_full_for_a_moment_is_not_full() {
        let mut outbox = Things::new(16, 100);
        let lane = outbox.open(Mode::State);
        for seq in 1..=11 {
            outbox.offer(lane, thing(seq), 3.0);
        }
        assert_eq!((outbox.bytes(), outbox.full_since_ms()), (20, None));
    }

    #[test]
    fn what_follows_a_loss_waits_until_it_is_told() {
        let mut outbox = Things::new(16, 1_000);
        let (lane, other) = (outbox.open(Mode::Event), outbox.open(Mode::Event));
        let lost = |next| match next {
            Some(Next::Lost(_, lost)) => Some((lost.dropped, lost.from_seq, lost.to_seq)),
            _ => None,
        };
        (1..=17).for_each(|seq| {
            outbox.offer(lane, thing(seq), 0.0);
        });
        assert_eq!(lost(outbox.next(0.0)), Some((1, 1, 1)));
        assert_eq!(outbox.next(0.0), Some(Next::Item(lane, thing(2))));
        (18..=20).for_each(|seq| {
            outbox.offer(lane, thing(seq), 0.0);
        });
        outbox.offer(other, thing(1), 0.0);
        assert_eq!(outbox.next(999.0), Some(Next::Item(other, thing(1))));
        assert_eq!((outbox.next(999.0), outbox.due_ms()), (None, Some(1_000.0)));
        assert_eq!(lost(outbox.next(1_000.0)), Some((2, 3, 4)));
        assert_eq!(outbox.next(1_000.0), Some(Next::Item(lane, thing(5))));
    }

    proptest! {
        /// However slowly it is read: every number comes, or is in a range that is told before what follows it.
        #[test]
        fn an_event_lane_is_whole_or_says_exactly_what_it_lost(
            steps in prop::collection::vec((0u8..12, 1usize..200, 0u16..400), 1..400),
        ) {
            let mut outbox = Things::new(16, 1_500);
            let lane = outbox.open(Mode::Event);
            let (mut seq, mut now, mut due) = (0, 0.0, 1);
            let mut read = |outbox: &mut Things, now: f64| {
                match outbox.next(now) {
                    Some(Next::Item(_, thing)) => {
                        prop_assert_eq!(thing.seq, due);
                        due += 1;
                    }
                    Some(Next::Lost(_, lost)) => {
                        prop_assert_eq!((lost.from_seq, lost.dropped), (due, lost.to_seq + 1 - lost.from_seq));
                        due = lost.to_seq + 1;
                    }
                    _ => return Ok(None),
                }
                Ok(Some(due))
            };
            for (step, len, wait) in steps {
                now += f64::from(wait);
                if step < 4 {
                    read(&mut outbox, now)?;
                } else {
                    seq += 1;
                    outbox.offer(lane, Thing { seq, len }, now);
                }
            }
            let mut last = 1;
            while let Some(due) = read(&mut outbox, now)? {
                last = due;
                now += 1_000.0;
            }
            prop_assert!(last == 1 || last == seq + 1);
        }

        /// However much is read in between: every piece arrives, in order, exactly once, until one is refused.
        #[test]
        fn a_lossless_lane_joins_and_loses_nothing(
            steps in prop::collection::vec((0usize..3, 0usize..20), 1..400),
        ) {
            let mut outbox = Outbox::<Piece, Piece>::new(16, 250);
            let lane = outbox.open(Mode::Lossless);
            let (mut seq, mut said, mut heard, mut last) = (0, String::new(), String::new(), 0);
            let mut read = |outbox: &mut Outbox<Piece, Piece>| {
                let Some(Next::Item(_, piece)) = outbox.next(0.0) else { return Ok(false) };
                prop_assert_eq!(piece.from, last + 1);
                last = piece.seq;
                heard.push_str(&piece.text);
                Ok(true)
            };
            for (step, len) in steps {
                if step == 0 {
                    read(&mut outbox)?;
                    continue;
                }
                let text = char::from(b'a' + (seq % 26) as u8).to_string().repeat(len);
                let piece = Piece { from: seq + 1, seq: seq + 1, text };
                let text = piece.text.clone();
                if outbox.offer(lane, piece, 0.0) != Offer::Refused {
                    seq += 1;
                    said.push_str(&text);
                }
                let waiting: usize = outbox.lanes.iter().flatten().map(Slot::len_bytes).sum();
                prop_assert_eq!(outbox.bytes(), waiting);
                prop_assert!(waiting <= 250);
            }
            while read(&mut outbox)? {}
            prop_assert_eq!((last, heard), (seq, said));
        }

        #[test]
        fn bytes_are_accounted_for_exactly(
            steps in prop::collection::vec((0u8..8, 0usize..3, 1usize..400), 1..300),
        ) {
            let mut outbox = Things::new(16, 1_000);
            let lanes = [outbox.open(Mode::State), outbox.open(Mode::Event), outbox.open(Mode::Lossless)];
            let mut seq = 0;
            for (step, lane, len) in steps {
                match step {
                    0..=4 => {
                        seq += 1;
                        outbox.offer(lanes[lane], Thing { seq, len }, 0.0);
                    }
                    5 => outbox.clear(lanes[lane]),
                    _ => { outbox.next(f64::from(step)); }
                }
                let waiting: usize = outbox.lanes.iter().flatten().map(|slot| slot.queue.iter().map(Measured::len_bytes).sum::<usize>()).sum();
                prop_assert_eq!(outbox.bytes(), waiting);
                prop_assert!(waiting <= 1_000);
            }
            while outbox.next(f64::INFINITY).is_some() {}
            prop_assert_eq!((outbox.bytes(), outbox.due_ms()), (0, None));
            prop_assert!(lanes.iter().all(|lane| outbox.is_quiet(*lane)));
        }
    }
}
