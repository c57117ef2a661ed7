//! Where a channel stands in its history, and what of it is missing.

use crate::channel::Mode;
use crate::envelope::Envelope;
use crate::event::CopilotDelta;
use crate::sequence::{Arrival, Continuity, Sequence};
use crate::system::Ack;

/// Where a channel stands against the head that the gateway names.
pub(super) enum Standing {
    /// Everything has arrived, or is on its way.
    Level,
    /// What is missing was not held by the gateway either; the channel goes on from the head.
    Settled,
    /// What came after this one has not arrived.
    Behind(u64),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    epoch: Option<Box<str>>,
    sequence: Sequence,
    /// The newest publication when the subscription began, where a snapshot followed: what of it is missing
    /// was not held any more.
    settled: u64,
    /// It stood before the first publication of its history: whatever comes first, all before that is missing.
    /// Only where order counts.
    is_from_start: bool,
    /// While the snapshot of a `keyed` channel arrives: `seq` of the position before it. Its items come in any
    /// order, so that none of them is a position to go on from.
    before_snapshot: Option<u64>,
    /// What comes next could not be placed: nothing is taken in until the channel is subscribed to anew.
    awaits_renewal: bool,
    pub continuity: Continuity,
}

impl Order {
    /// Epoch and `seq` to go on from; `None` when a snapshot is needed.
    pub fn position(&self) -> Option<(&str, u64)> {
        let epoch = self.epoch.as_deref()?;
        let seq = self.before_snapshot.unwrap_or(self.sequence.last());
        (seq > 0 || self.settled == 0).then_some((epoch, seq))
    }

    /// The newest `seq` that was taken in; 0 before the first.
    pub fn last(&self) -> u64 {
        self.sequence.last()
    }

    /// Takes an envelope's place in the order; where order counts, a piece of text may have been joined of
    /// several.
    pub fn place(&mut self, envelope: &Envelope<'_>, mode: Mode) -> Arrival {
        let from_seq = match &*envelope.event {
            CopilotDelta::EVENT if mode.is_contiguous() => {
                CopilotDelta::read(envelope.data).ok().and_then(|delta| delta.from_seq)
            }
            _ => None,
        };
        let arrival = match from_seq {
            Some(from) => self.sequence.observe_joined(from, envelope.seq),
            None => self.sequence.observe(envelope.seq),
        };
        match from_seq.unwrap_or(envelope.seq) {
            from if from > 1 && self.is_from_start && arrival == Arrival::First => {
                Arrival::Jump { from: 1, to: from - 1 }
            }
            _ => arrival,
        }
    }

    /// A subscription is in place. `is_refused`: the position that was asked for cannot be one. Returns whether
    /// the history is not the one that is held.
    pub fn acknowledge(&mut self, ack: &Ack, is_refused: bool) -> bool {
        let is_same = self.epoch.as_deref().is_none_or(|epoch| epoch == &*ack.epoch);
        // The gateway has not come as far as this under the same epoch: it has lost what is held here.
        let is_ahead = is_refused && self.last() > ack.head;
        let is_other = !is_same || is_ahead;
        if is_other {
            self.restart();
        } else if !ack.resumed && !ack.mode.is_contiguous() {
            // The snapshot repeats what may be held already.
            self.sequence = Sequence::default();
        }
        self.is_from_start |= (ack.resumed || ack.head == 0) && self.last() == 0 && ack.mode.is_contiguous();
        self.awaits_renewal = false;
        self.before_snapshot = (ack.mode == Mode::Keyed).then(|| self.last());
        self.settled = if ack.resumed { 0 } else { ack.head };
        if ack.resumed || ack.head == 0 {
            self.continuity = Continuity::Proven;
        }
        self.epoch = Some(ack.epoch.clone());
        is_other
    }

    /// The gateway voids what is held. Of the same history what was told once is not told again where order
    /// counts: a jump will say what is missing. Returns whether the history is another, and whether it
    /// begins anew.
    pub fn resync(&mut self, epoch: &str, mode: Mode) -> (bool, bool) {
        let is_other = self.epoch.as_deref() != Some(epoch);
        let starts_again = is_other || !mode.is_contiguous();
        if starts_again {
            self.restart();
        }
        self.awaits_renewal = false;
        self.before_snapshot = (mode == Mode::Keyed).then_some(0);
        if is_other {
            self.settled = 0;
            self.is_from_start = mode.is_contiguous();
        }
        self.epoch = Some(epoch.into());
        (is_other, starts_again)
    }

    /// All that was published is to come again. Returns false where nothing was taken in yet.
    pub fn start_over(&mut self) -> bool {
        let has_begun = self.last() > 0;
        if has_begun {
            *self = Self::default();
        }
        has_begun
    }

    fn restart(&mut self) {
        self.sequence = Sequence::default();
        self.is_from_start = false;
        self.continuity = Continuity::Unknown;
    }

    /// The snapshot is complete.
    pub fn snapshot_end(&mut self) {
        self.before_snapshot = None;
        self.continuity = Continuity::Proven;
    }

    /// Compares with the head that a heartbeat names.
    pub fn compare(&mut self, head: u64) -> Standing {
        let last = self.last();
        if self.awaits_ack() || last >= head {
            return Standing::Level;
        }
        if head > self.settled {
            return Standing::Behind(last);
        }
        self.sequence = Sequence::starting_after(head);
        // What came before the first one that was seen is not missed.
        if last == 0 && !self.is_from_start { Standing::Level } else { Standing::Settled }
    }

    /// The link is gone: nothing is known of what is published now.
    pub fn lose_sight(&mut self) {
        if self.continuity == Continuity::Proven {
            self.continuity = Continuity::Unknown;
        }
    }

    /// Takes nothing in until the channel is subscribed to anew from where it stands.
    pub fn await_renewal(&mut self) {
        self.awaits_renewal = true;
        self.lose_sight();
    }

    /// Whether nothing is taken in before the next acknowledgement.
    pub fn awaits_ack(&self) -> bool {
        self.awaits_renewal || !self.is_placed()
    }

    /// Whether it stands in a history: what comes before the first acknowledgement is of an earlier subscription.
    pub fn is_placed(&self) -> bool {
        self.epoch.is_some()
    }
}
