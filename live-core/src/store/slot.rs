//! What the store holds of one channel.

use crate::backpressure::{CAPACITY_DEFAULT, Offer, Queue};
use crate::channel::{ChannelName, Mode, NamespacePolicy};
use crate::envelope::Envelope;
use crate::event::{BarNumbers, CandleBar, CopilotDelta, PriceTick, TickNumbers};
use crate::sequence::{Arrival, Continuity, Sequence};
use crate::staleness::{Cause, ChannelState, Freshness, Link, StalePolicy, Staleness, compute_staleness};
use crate::store::bars::{self, Bar, Bars, PageError};
use crate::store::raw::Raw;
use crate::store::tap::Tap;
use crate::store::{Counters, Notice};
use crate::system::{Ack, BackpressureDrop, Rate, Side};

/// The visible head of a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Head {
    /// `seq` of the newest visible envelope.
    pub seq: u64,
    /// Its source time.
    pub ts: u64,
    /// When it was born, on the clock of `now_ms`.
    pub born_ms: f64,
    /// The verdict of the last flush.
    pub freshness: Freshness,
    /// What fell silent.
    pub cause: Option<Cause>,
    /// Whether anything is missing.
    pub continuity: Continuity,
}

/// What has happened on one channel since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Values that a newer one replaced before anybody saw them, at either end.
    pub merged: u64,
    /// Envelopes that a full queue dropped, at either end.
    pub dropped: u64,
    /// Times that something was found missing.
    pub gaps: u64,
    /// Values that were taken in.
    pub delivered: u64,
    /// Envelopes a second that the gateway last told of.
    pub effective_hz: Option<f64>,
    /// Bound of the rate that the gateway keeps.
    pub max_hz: Option<f64>,
}

/// What became of a publication.
pub(crate) enum Taken {
    Kept,
    Ignored,
    /// It says why there is no value.
    Failed,
    /// Nothing more can be held before a flush; it was not taken.
    Full,
    /// It could not be held, and was lost.
    Overrun,
    /// It was joined of what was seen and what was not; the last one that was seen.
    Overlap(u64),
}

/// Where a channel stands against the head that the gateway names.
pub(crate) enum Standing {
    /// Everything has arrived.
    Level,
    /// What is missing was not held by the gateway either; the channel goes on from the head.
    Settled,
    /// What came after this one has not arrived.
    Behind(u64),
}

/// Whether an event's data is the channel's value itself.
fn is_value(event: &str) -> bool {
    matches!(event, PriceTick::EVENT | CandleBar::EVENT)
}

/// What stands beside the newest value, by mode.
#[derive(Clone, Debug)]
enum Beside {
    /// Nothing: the newest value is all.
    Nothing,
    /// Bars by open time.
    Bars(Bars),
    /// Every envelope between the wire and the page, in order.
    Log(Queue<Raw>),
}

#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) name: ChannelName,
    pub(crate) link: usize,
    pub(crate) is_held: bool,
    /// It waits for the next flush.
    pub(crate) is_pending: bool,
    /// The flush under way has named it already.
    pub(crate) is_changed: bool,
    /// What the gateway, or before its word the namespace, says.
    stale_after_ms: Option<f64>,
    /// What the page wants at most.
    tight_ms: Option<f64>,
    pub(crate) counts: Counts,
    pub(crate) verdict: Staleness,
    pub(crate) mode: Mode,
    epoch: Option<Box<str>>,
    sequence: Sequence,
    /// The newest publication when the subscription began, where a snapshot followed: what of it is missing
    /// was not held any more.
    settled: u64,
    tap: Option<Tap>,
    continuity: Continuity,
    visible_continuity: Continuity,
    newest: Raw,
    has_newest: bool,
    visible: Raw,
    has_visible: bool,
    beside: Beside,
}

impl Slot {
    /// Of a namespace that is not known the acknowledgement will say more; it always comes first.
    pub(crate) fn new(name: ChannelName, policy: Option<&NamespacePolicy>, link: usize) -> Self {
        let mode = policy.map_or(Mode::State, |policy| policy.mode);
        let beside = beside(&name, mode);
        Self {
            name,
            link,
            is_held: true,
            is_pending: false,
            is_changed: false,
            stale_after_ms: policy.and_then(|policy| policy.stale_after_ms).map(|ms| ms as f64),
            tight_ms: None,
            counts: Counts::default(),
            verdict: Staleness {
                freshness: Freshness::Pending,
                age_ms: None,
                cause: None,
                changes_at_ms: f64::INFINITY,
            },
            mode,
            epoch: None,
            sequence: Sequence::default(),
            settled: 0,
            tap: None,
            continuity: Continuity::Unknown,
            visible_continuity: Continuity::Unknown,
            newest: Raw::default(),
            has_newest: false,
            visible: Raw::default(),
            has_visible: false,
            beside,
        }
    }

    /// Nothing is held any more, and no memory either.
    pub(crate) fn forget(&mut self) {
        *self = Self { is_held: false, ..Self::new(self.name.clone(), None, self.link) };
    }

    /// Where the channel stands; `None` when a snapshot is needed.
    pub(crate) fn position(&self) -> Option<(&str, u64)> {
        let (epoch, last) = (self.epoch.as_deref()?, self.sequence.last());
        (last > 0 || self.settled == 0).then_some((epoch, last))
    }

    /// Begins or ends to keep every envelope.
    pub(crate) fn set_tap(&mut self, on: bool) {
        let known = self.tap.take();
        self.tap = on.then(|| known.unwrap_or_default());
    }

    /// What was kept since the last time.
    pub(crate) fn take_events(&mut self) -> Option<String> {
        self.tap.as_mut()?.take()
    }

    /// Bounds the age from which a value is stale.
    pub(crate) fn tighten(&mut self, stale_ms: f64) {
        self.tight_ms = Some(stale_ms);
    }

    /// Age from which a value is stale: the page may only tighten what the gateway says.
    pub(crate) fn stale_after_ms(&self) -> Option<f64> {
        [self.stale_after_ms, self.tight_ms].into_iter().flatten().reduce(f64::min)
    }

    /// The gateway tells what it merged.
    pub(crate) fn rate(&mut self, rate: &Rate) {
        self.counts.merged = self.counts.merged.saturating_add(rate.merged);
        self.counts.effective_hz = Some(rate.effective_hz);
        self.counts.max_hz = rate.max_hz;
    }

    /// The link is gone: nothing is known of what is published now.
    pub(crate) fn lose_sight(&mut self) {
        if self.continuity == Continuity::Proven {
            self.continuity = Continuity::Unknown;
        }
    }

    /// Takes in a publication, whose whole text is `raw`. Unless `is_forced`, one for which there is no room
    /// is left for later.
    pub(crate) fn take(
        &mut self,
        envelope: &Envelope<'_>,
        raw: &[u8],
        born_ms: f64,
        counters: &mut Counters,
        is_forced: bool,
    ) -> Taken {
        if !is_forced && self.is_full() && envelope.seq > self.sequence.last() {
            return Taken::Full;
        }
        let taken = self.judge_publication(envelope, born_ms, counters);
        if matches!(taken, Taken::Kept | Taken::Failed) {
            self.counts.delivered += 1;
            if let Some(tap) = &mut self.tap
                && !tap.keep(raw, envelope.seq)
            {
                self.lost(1, counters);
            }
        }
        taken
    }

    /// Whether something has to be taken out before more can be held.
    fn is_full(&self) -> bool {
        let is_log_full = matches!(&self.beside, Beside::Log(queue) if queue.len() >= queue.capacity());
        is_log_full || self.tap.as_ref().is_some_and(Tap::is_full)
    }

    fn judge_publication(&mut self, envelope: &Envelope<'_>, born_ms: f64, counters: &mut Counters) -> Taken {
        if envelope.error_code.is_some() && is_value(&envelope.event) {
            // The source failed to give a value: the last one stays, and the place in the order is taken.
            self.sequence.observe(envelope.seq);
            return Taken::Failed;
        }
        if let Beside::Bars(bars) = &mut self.beside
            && envelope.event == CandleBar::EVENT
        {
            // A snapshot sends its items by key, so that `seq` need not ascend; each bar judges for itself.
            let Ok(numbers) = BarNumbers::judge(envelope.data) else { return Taken::Ignored };
            let merged = u64::from(bars.take(Bar { numbers, seq: envelope.seq }));
            counters.merged += merged;
            self.counts.merged += merged;
            if self.sequence.observe(envelope.seq) != Arrival::Old {
                self.newest.set(envelope, born_ms);
                self.has_newest = true;
            }
            return Taken::Kept;
        }
        match self.arrival(envelope) {
            Arrival::Old => return Taken::Ignored,
            Arrival::Overlap => return Taken::Overlap(self.sequence.last()),
            Arrival::Jump { from, to } if self.mode.is_contiguous() => {
                self.lose(from, to);
                counters.gaps += 1;
            }
            // Under `state` a jump is a merge by definition, and any value is the whole truth.
            _ if matches!(self.continuity, Continuity::Unknown) || !self.mode.is_contiguous() => {
                self.continuity = Continuity::Proven;
            }
            _ => {}
        }
        if let Beside::Log(queue) = &mut self.beside {
            let mut raw = Raw::default();
            raw.set(envelope, born_ms);
            return match queue.offer(raw, &mut drop) {
                Offer::Refused => Taken::Overrun,
                _ => Taken::Kept,
            };
        }
        let merged = u64::from(self.has_newest);
        counters.merged += merged;
        self.counts.merged += merged;
        self.newest.set(envelope, born_ms);
        self.has_newest = true;
        Taken::Kept
    }

    /// Places an envelope in the channel's order; a piece of text may have been joined of several.
    fn arrival(&mut self, envelope: &Envelope<'_>) -> Arrival {
        let from_seq = match &*envelope.event {
            CopilotDelta::EVENT => CopilotDelta::read(envelope.data).ok().and_then(|delta| delta.from_seq),
            _ => None,
        };
        match from_seq {
            Some(from) => self.sequence.observe_joined(from, envelope.seq),
            None => self.sequence.observe(envelope.seq),
        }
    }

    fn lost(&mut self, count: u64, counters: &mut Counters) {
        counters.dropped = counters.dropped.saturating_add(count);
        self.counts.dropped = self.counts.dropped.saturating_add(count);
    }

    /// A subscription is in place.
    pub(crate) fn acknowledge(&mut self, ack: &Ack) {
        self.stale_after_ms = ack.stale_after_ms.map(|ms| ms as f64);
        self.counts.max_hz = ack.max_hz;
        if ack.mode != self.mode {
            self.mode = ack.mode;
            self.beside = beside(&self.name, ack.mode);
        }
        let is_other_history = self.epoch.as_ref().is_some_and(|epoch| *epoch != ack.epoch);
        if is_other_history {
            self.restart();
        } else if !ack.resumed && !self.mode.is_contiguous() {
            // The snapshot repeats what may be held already.
            self.sequence = Sequence::default();
        }
        self.settled = if ack.resumed { 0 } else { ack.head };
        if ack.resumed || ack.head == 0 {
            self.continuity = Continuity::Proven;
        }
        self.epoch = Some(ack.epoch.clone());
    }

    /// The gateway voids what is held. Of the same history what was told once is not told again: a jump will
    /// say what is missing.
    pub(crate) fn resync(&mut self, epoch: &str) {
        let is_same = self.epoch.as_deref() == Some(epoch);
        if !is_same || !self.mode.is_contiguous() {
            self.restart();
        }
        self.settled = 0;
        self.epoch = Some(epoch.into());
    }

    /// The snapshot is complete.
    pub(crate) fn snapshot_end(&mut self) {
        self.continuity = Continuity::Proven;
    }

    /// These were dropped on the way here.
    pub(crate) fn lose(&mut self, from: u64, to: u64) {
        self.continuity.lose(from, to);
        self.counts.gaps += 1;
    }

    /// The gateway has dropped that many of these.
    pub(crate) fn dropped(&mut self, lost: &BackpressureDrop, counters: &mut Counters) {
        self.lose(lost.from_seq, lost.to_seq);
        self.lost(lost.dropped, counters);
        counters.gaps += 1;
    }

    /// Compares with the head that a heartbeat names.
    pub(crate) fn compare(&mut self, head: u64) -> Standing {
        let last = self.sequence.last();
        if self.epoch.is_none() || last >= head {
            return Standing::Level;
        }
        if last > 0 || head > self.settled {
            self.lose(last + 1, head);
        }
        if head > self.settled {
            return Standing::Behind(last);
        }
        self.sequence = Sequence::starting_after(head);
        Standing::Settled
    }

    fn restart(&mut self) {
        self.sequence = Sequence::default();
        self.continuity = Continuity::Unknown;
        self.settled = 0;
        if let Some(tap) = &mut self.tap {
            tap.restart();
        }
        match &mut self.beside {
            Beside::Nothing => {}
            Beside::Bars(bars) => bars.start_again(),
            Beside::Log(queue) => queue.clear(&mut drop),
        }
    }

    /// Makes what has arrived visible.
    pub(crate) fn publish(&mut self, now_ms: f64, notices: &mut Vec<Notice>, counters: &mut Counters) {
        self.is_pending = false;
        match &mut self.beside {
            Beside::Nothing => {}
            Beside::Bars(bars) => bars.publish(),
            Beside::Log(queue) => {
                if let Some(last) = queue.drain().last() {
                    self.newest = last;
                    self.has_newest = true;
                }
                if let Some(lost) = queue.take_notice(now_ms) {
                    self.dropped(&lost, counters);
                    notices.push(Notice::dropped(self.name.as_str(), &lost));
                }
            }
        }
        if self.has_newest {
            std::mem::swap(&mut self.newest, &mut self.visible);
            self.has_newest = false;
            self.has_visible = true;
        }
        self.is_changed = true;
    }

    /// Judges staleness and shows continuity; returns whether either differs from before.
    pub(crate) fn judge(&mut self, now_ms: f64, link: Link, policy: &StalePolicy) -> bool {
        let born_ms = self.has_visible.then_some(self.visible.born_ms);
        let verdict = compute_staleness(now_ms, &ChannelState { born_ms, link }, policy);
        let differs = (verdict.freshness, verdict.cause) != (self.verdict.freshness, self.verdict.cause)
            || self.continuity != self.visible_continuity;
        self.verdict = verdict;
        self.visible_continuity = self.continuity;
        differs
    }

    pub(crate) fn head(&self) -> Option<Head> {
        self.has_visible.then_some(Head {
            seq: self.visible.seq,
            ts: self.visible.ts,
            born_ms: self.visible.born_ms,
            freshness: self.verdict.freshness,
            cause: self.verdict.cause,
            continuity: self.visible_continuity,
        })
    }

    pub(crate) fn tick(&self) -> Option<TickNumbers> {
        let is_tick = self.has_visible && self.visible.event() == PriceTick::EVENT.as_bytes();
        if is_tick { TickNumbers::read(self.visible.data()?) } else { None }
    }

    pub(crate) fn visible(&self) -> Option<(&str, &str)> {
        if !self.has_visible {
            return None;
        }
        Some((str::from_utf8(self.visible.event()).ok()?, self.visible.data()?))
    }

    pub(crate) fn age_ms(&self, now_ms: f64) -> Option<f64> {
        self.has_visible.then(|| (now_ms - self.visible.born_ms).max(0.0))
    }

    pub(crate) fn bars(&self) -> &[Bar] {
        if let Beside::Bars(bars) = &self.beside { bars.visible() } else { &[] }
    }

    pub(crate) fn has_history(&self) -> bool {
        matches!(&self.beside, Beside::Bars(bars) if bars.has_history())
    }

    pub(crate) fn history_page(&mut self, page: &[u8]) -> Result<usize, PageError> {
        let Beside::Bars(bars) = &mut self.beside else { return Err(PageError::NotCandles) };
        let (symbol, interval) = self.name.path().rsplit_once('.').ok_or(PageError::NotCandles)?;
        let rows = bars::read_page(page, symbol, interval)?;
        let count = rows.len();
        bars.put_history(rows);
        Ok(count)
    }
}

fn beside(name: &ChannelName, mode: Mode) -> Beside {
    match mode {
        Mode::Keyed if name.namespace() == "candles" => Beside::Bars(Bars::default()),
        Mode::State | Mode::Keyed => Beside::Nothing,
        Mode::Event | Mode::Lossless => Beside::Log(Queue::new(mode, CAPACITY_DEFAULT, Side::Client)),
    }
}
