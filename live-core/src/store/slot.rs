//! What the store holds of one channel.

use crate::backpressure::{CAPACITY_DEFAULT, Offer, Queue};
use crate::channel::{ChannelName, Mode, NamespacePolicy};
use crate::envelope::Envelope;
use crate::error::ErrorCode;
use crate::event::{BarNumbers, CandleBar, PriceTick, TickNumbers, is_last_word};
use crate::sequence::{Arrival, Continuity};
use crate::staleness::{Cause, ChannelState, Freshness, Link, StalePolicy, Staleness, compute_staleness};
use crate::store::Counters;
use crate::store::bars::{self, Bar, Bars, PageError};
use crate::store::notice::{Notice, NoticeKind};
use crate::store::order::{Order, Standing};
use crate::store::raw::Raw;
use crate::store::tap::Tap;
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
    /// It could not be held; the next flush asks for the channel anew.
    Overrun,
    /// It was joined of what was seen and what was not; the last one that was seen.
    Overlap(u64),
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
    /// It tells of one piece of work, which ends.
    ends: bool,
    order: Order,
    visible_continuity: Continuity,
    tap: Option<Tap>,
    /// More came than could be held, and the page has not been told.
    is_overrun: bool,
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
        let ends = mode == Mode::Lossless || name.namespace() == "job";
        Self {
            ends,
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
            order: Order::default(),
            visible_continuity: Continuity::Unknown,
            tap: None,
            is_overrun: false,
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
        self.order.position()
    }

    /// Begins or ends to keep every envelope. While they are kept the log has nothing to hold.
    pub(crate) fn set_tap(&mut self, on: bool) {
        self.drain_log();
        let known = self.tap.take();
        self.tap = on.then(|| known.unwrap_or_default());
    }

    /// Forgets where the channel stands, if each of its envelopes counts. Returns whether it did.
    pub(crate) fn start_over(&mut self) -> bool {
        self.mode.is_contiguous() && self.order.start_over()
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

    /// The link is gone.
    pub(crate) fn lose_sight(&mut self) {
        self.order.lose_sight();
    }

    /// Takes in a publication, whose whole text is `raw`. One for which there is no room is left for later.
    /// If it `is_forced` the oldest make room; where none may go, nothing more is taken in until the channel is
    /// subscribed to anew.
    pub(crate) fn take(
        &mut self,
        envelope: &Envelope<'_>,
        raw: &[u8],
        born_ms: f64,
        counters: &mut Counters,
        is_forced: bool,
    ) -> Taken {
        if self.order.awaits_ack() {
            return Taken::Ignored;
        }
        if envelope.seq > self.order.last() && self.is_full() {
            if !is_forced {
                return Taken::Full;
            }
            if self.mode == Mode::Lossless {
                return self.overrun();
            }
        }
        let taken = self.judge_publication(envelope, born_ms, counters);
        if matches!(taken, Taken::Kept | Taken::Failed) {
            self.counts.delivered += 1;
            if let Some(tap) = &mut self.tap {
                tap.keep(raw, envelope.seq);
            }
        }
        taken
    }

    /// Whether that was the last to be expected of it.
    pub(crate) fn ends_with(&self, event: &str) -> bool {
        self.ends && is_last_word(event)
    }

    /// Whether something has to be taken out before more can be held.
    fn is_full(&self) -> bool {
        let is_log_full = matches!(&self.beside, Beside::Log(queue) if queue.len() >= queue.capacity());
        is_log_full || self.tap.as_ref().is_some_and(Tap::is_full)
    }

    fn overrun(&mut self) -> Taken {
        self.order.await_renewal();
        self.is_overrun = true;
        Taken::Overrun
    }

    fn judge_publication(&mut self, envelope: &Envelope<'_>, born_ms: f64, counters: &mut Counters) -> Taken {
        if envelope.error_code.is_some() && is_value(&envelope.event) {
            // The source failed to give a value: the last one stays, and the place in the order is taken.
            self.order.place(envelope, self.mode);
            return Taken::Failed;
        }
        if let Beside::Bars(bars) = &mut self.beside
            && envelope.event == CandleBar::EVENT
        {
            // The items of a snapshot may come in any order; each bar judges for itself.
            let Ok(numbers) = BarNumbers::judge(envelope.data) else { return Taken::Ignored };
            let merged = u64::from(bars.take(Bar { numbers, seq: envelope.seq }));
            counters.merged += merged;
            self.counts.merged += merged;
            if self.order.place(envelope, self.mode) != Arrival::Old {
                self.newest.set(envelope, born_ms);
                self.has_newest = true;
            }
            return Taken::Kept;
        }
        match self.order.place(envelope, self.mode) {
            Arrival::Old => return Taken::Ignored,
            Arrival::Overlap => {
                self.order.await_renewal();
                return Taken::Overlap(self.order.last());
            }
            Arrival::Jump { from, to } if self.mode.is_contiguous() => self.lose(from, to, counters),
            // Under `state` a jump is a merge by definition, and any value is the whole truth.
            _ if self.order.continuity == Continuity::Unknown || !self.mode.is_contiguous() => {
                self.order.continuity = Continuity::Proven;
            }
            _ => {}
        }
        if let Beside::Log(queue) = &mut self.beside
            && self.tap.is_none()
        {
            let mut raw = Raw::default();
            raw.set(envelope, born_ms);
            return match queue.offer(raw, &mut drop) {
                Offer::Refused => self.overrun(),
                _ => Taken::Kept,
            };
        }
        // Of a channel that is no value each was kept for the page.
        let merged = u64::from(self.has_newest && !self.mode.is_contiguous());
        counters.merged += merged;
        self.counts.merged += merged;
        self.newest.set(envelope, born_ms);
        self.has_newest = true;
        Taken::Kept
    }

    fn lost(&mut self, count: u64, counters: &mut Counters) {
        counters.dropped = counters.dropped.saturating_add(count);
        self.counts.dropped = self.counts.dropped.saturating_add(count);
    }

    /// A subscription is in place; `code` says why it did not go on from its position.
    pub(crate) fn acknowledge(&mut self, ack: &Ack, code: Option<&str>, counters: &mut Counters) {
        // It goes on from where nobody stands any more: the answer to who held the channel before.
        if ack.resumed && !self.order.is_placed() {
            return;
        }
        self.stale_after_ms = ack.stale_after_ms.map(|ms| ms as f64);
        self.counts.max_hz = ack.max_hz;
        if ack.mode != self.mode {
            self.mode = ack.mode;
            self.beside = beside(&self.name, ack.mode);
        }
        self.is_overrun = false;
        let last = self.order.last();
        if self.order.acknowledge(ack, code == Some(ErrorCode::CursorInvalid.as_str())) {
            self.restart(true);
            // How the history of before ended cannot be learned any more.
            self.count_gap(u64::from(last > 0 && self.mode.is_contiguous()), counters);
        }
    }

    /// The gateway voids what is held.
    pub(crate) fn resync(&mut self, epoch: &str) {
        self.is_overrun = false;
        let (is_other, starts_again) = self.order.resync(epoch, self.mode);
        if starts_again {
            self.restart(is_other);
        }
    }

    /// The snapshot is complete.
    pub(crate) fn snapshot_end(&mut self) {
        self.order.snapshot_end();
    }

    /// These are missing.
    fn lose(&mut self, from: u64, to: u64, counters: &mut Counters) {
        self.order.continuity.lose(from, to);
        self.count_gap(1, counters);
    }

    fn count_gap(&mut self, count: u64, counters: &mut Counters) {
        self.counts.gaps += count;
        counters.gaps += count;
    }

    /// That many of these were dropped, at either end.
    pub(crate) fn dropped(&mut self, lost: &BackpressureDrop, counters: &mut Counters) {
        self.lose(lost.from_seq, lost.to_seq, counters);
        self.lost(lost.dropped, counters);
    }

    /// Compares with the head that a heartbeat names.
    pub(crate) fn compare(&mut self, head: u64, counters: &mut Counters) -> Standing {
        let last = self.order.last();
        let standing = self.order.compare(head);
        if !matches!(standing, Standing::Level) {
            self.lose(last + 1, head, counters);
        }
        // What is on its way already comes again after what is missing. A value needs nothing before it.
        if matches!(standing, Standing::Behind(_)) && self.mode != Mode::State {
            self.order.await_renewal();
        }
        standing
    }

    /// What comes now repeats nothing of what is held; if the history `is_other`, nor of what was told.
    fn restart(&mut self, is_other: bool) {
        if let Some(tap) = self.tap.as_mut().filter(|_| is_other) {
            tap.restart();
        }
        match &mut self.beside {
            Beside::Nothing => {}
            Beside::Bars(bars) => bars.start_again(),
            Beside::Log(queue) => queue.clear(&mut drop),
        }
    }

    fn drain_log(&mut self) {
        if let Beside::Log(queue) = &mut self.beside
            && let Some(last) = queue.drain().last()
        {
            self.newest = last;
            self.has_newest = true;
        }
    }

    /// Tells what did not fit since the last flush.
    fn tell_losses(&mut self, notices: &mut Vec<Notice>, counters: &mut Counters) {
        let of_log = match &mut self.beside {
            Beside::Log(queue) => queue.take_loss(),
            _ => None,
        };
        let of_tap = self.tap.as_mut().and_then(Tap::take_lost);
        for lost in [of_log, of_tap].into_iter().flatten() {
            match self.mode.is_contiguous() {
                true => self.dropped(&lost, counters),
                // The value is whole; only who wanted every one of them lacks some.
                false => self.lost(lost.dropped, counters),
            }
            notices.push(Notice::dropped(self.name.as_str(), &lost));
        }
        if std::mem::take(&mut self.is_overrun) {
            notices.push(Notice::new(NoticeKind::Overrun, self.name.as_str(), "{}"));
        }
    }

    /// Makes what has arrived visible.
    pub(crate) fn publish(&mut self, notices: &mut Vec<Notice>, counters: &mut Counters) {
        self.is_pending = false;
        self.drain_log();
        if let Beside::Bars(bars) = &mut self.beside {
            bars.publish();
        }
        self.tell_losses(notices, counters);
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
            || self.order.continuity != self.visible_continuity;
        self.verdict = verdict;
        self.visible_continuity = self.order.continuity;
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
