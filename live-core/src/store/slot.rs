//! What the store holds of one channel.

use crate::backpressure::{CAPACITY_DEFAULT, Item, Offer, Queue};
use crate::channel::{ChannelName, Mode, NamespacePolicy};
use crate::envelope::Envelope;
use crate::event::{BarNumbers, CandleBar, PriceTick, TickNumbers};
use crate::sequence::{Arrival, Continuity, Sequence};
use crate::staleness::{Cause, ChannelState, Freshness, Link, StalePolicy, Staleness, compute_staleness};
use crate::store::bars::{self, Bar, Bars, PageError};
use crate::store::{Counters, Notice};
use crate::system::{Ack, Side};

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

/// What became of a publication.
pub(crate) enum Taken {
    Kept,
    Ignored,
    /// It says why there is no value.
    Failed,
    Overrun,
}

/// Whether an event's data is the channel's value itself.
fn is_value(event: &str) -> bool {
    matches!(event, PriceTick::EVENT | CandleBar::EVENT)
}

/// The bytes of one envelope that are kept: its event's name and its data. The memory is used again.
#[derive(Clone, Debug, Default)]
struct Raw {
    bytes: Vec<u8>,
    event_len: usize,
    seq: u64,
    ts: u64,
    born_ms: f64,
}

impl Raw {
    fn set(&mut self, envelope: &Envelope<'_>, born_ms: f64) {
        self.bytes.clear();
        self.bytes.extend_from_slice(envelope.event.as_bytes());
        self.bytes.extend_from_slice(envelope.data.as_bytes());
        self.event_len = envelope.event.len();
        (self.seq, self.ts, self.born_ms) = (envelope.seq, envelope.ts, born_ms);
    }

    fn event(&self) -> &[u8] {
        &self.bytes[..self.event_len]
    }

    fn data(&self) -> Option<&str> {
        str::from_utf8(&self.bytes[self.event_len..]).ok()
    }
}

impl Item for Raw {
    fn seq(&self) -> u64 {
        self.seq
    }
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
    pub(crate) stale_after_ms: Option<f64>,
    pub(crate) verdict: Staleness,
    pub(crate) mode: Mode,
    epoch: Option<Box<str>>,
    sequence: Sequence,
    continuity: Continuity,
    visible_continuity: Continuity,
    newest: Raw,
    has_newest: bool,
    visible: Raw,
    has_visible: bool,
    beside: Beside,
}

impl Slot {
    pub(crate) fn new(name: ChannelName, policy: &NamespacePolicy, link: usize) -> Self {
        let beside = beside(&name, policy.mode);
        Self {
            name,
            link,
            is_held: true,
            is_pending: false,
            is_changed: false,
            stale_after_ms: policy.stale_after_ms.map(|ms| ms as f64),
            verdict: Staleness {
                freshness: Freshness::Pending,
                age_ms: None,
                cause: None,
                changes_at_ms: f64::INFINITY,
            },
            mode: policy.mode,
            epoch: None,
            sequence: Sequence::default(),
            continuity: Continuity::Unknown,
            visible_continuity: Continuity::Unknown,
            newest: Raw::default(),
            has_newest: false,
            visible: Raw::default(),
            has_visible: false,
            beside,
        }
    }

    pub(crate) fn hold(&mut self, link: usize) {
        self.is_held = true;
        self.link = link;
    }

    /// Back to how it was before the first envelope; a flush that still names it shows nothing.
    pub(crate) fn forget(&mut self) {
        self.is_held = false;
        self.epoch = None;
        self.has_newest = false;
        self.has_visible = false;
        self.verdict = Staleness {
            freshness: Freshness::Pending,
            age_ms: None,
            cause: None,
            changes_at_ms: f64::INFINITY,
        };
        self.restart();
        self.beside = beside(&self.name, self.mode);
    }

    /// The link is gone: nothing is known of what is published now.
    pub(crate) fn lose_sight(&mut self) {
        if self.continuity == Continuity::Proven {
            self.continuity = Continuity::Unknown;
        }
    }

    /// Takes in a publication.
    pub(crate) fn take(&mut self, envelope: &Envelope<'_>, born_ms: f64, counters: &mut Counters) -> Taken {
        if !self.is_held {
            return Taken::Ignored;
        }
        if envelope.error_code.is_some() && is_value(&envelope.event) {
            // The source failed to give a value: the last one stays, and the place in the order is taken.
            self.sequence.observe(envelope.seq);
            return Taken::Failed;
        }
        if let Beside::Bars(bars) = &mut self.beside
            && envelope.event == CandleBar::EVENT
        {
            // A snapshot sends its items by key, so that `seq` need not ascend; each bar judges for itself.
            let Ok(bar) = BarNumbers::judge(envelope.data) else { return Taken::Ignored };
            counters.merged += u64::from(bars.take(Bar::live(&bar, envelope.seq)));
            if self.sequence.observe(envelope.seq) != Arrival::Old {
                self.newest.set(envelope, born_ms);
                self.has_newest = true;
            }
            return Taken::Kept;
        }
        match self.sequence.observe(envelope.seq) {
            Arrival::Old => return Taken::Ignored,
            Arrival::Jump { from, to } if self.mode.is_contiguous() => {
                self.continuity.lose(from, to);
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
        counters.merged += u64::from(self.has_newest);
        self.newest.set(envelope, born_ms);
        self.has_newest = true;
        Taken::Kept
    }

    /// A subscription is in place.
    pub(crate) fn acknowledge(&mut self, ack: &Ack) {
        self.stale_after_ms = ack.stale_after_ms.map(|ms| ms as f64);
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
        if ack.resumed || ack.head == 0 {
            self.continuity = Continuity::Proven;
        }
        self.epoch = Some(ack.epoch.clone());
    }

    /// The gateway voids what is held.
    pub(crate) fn resync(&mut self, epoch: &str) {
        self.epoch = Some(epoch.into());
        self.restart();
    }

    /// The snapshot is complete.
    pub(crate) fn snapshot_end(&mut self) {
        self.continuity = Continuity::Proven;
    }

    /// These were dropped on the way here.
    pub(crate) fn lose(&mut self, from: u64, to: u64) {
        self.continuity.lose(from, to);
    }

    /// Whether a head that a heartbeat names has not arrived; `Some` is the last that has.
    pub(crate) fn is_behind(&self, head: u64) -> Option<u64> {
        (self.is_held && self.epoch.is_some() && self.sequence.last() < head).then(|| self.sequence.last())
    }

    fn restart(&mut self) {
        self.sequence = Sequence::default();
        self.continuity = Continuity::Unknown;
        match &mut self.beside {
            Beside::Nothing => {}
            Beside::Bars(bars) => bars.start_again(),
            Beside::Log(queue) => queue.clear(&mut drop),
        }
    }

    /// Makes what has arrived visible. Returns whether there was anything.
    pub(crate) fn publish(
        &mut self,
        now_ms: f64,
        notices: &mut Vec<Notice>,
        counters: &mut Counters,
    ) -> bool {
        self.is_pending = false;
        if !self.is_held {
            return false;
        }
        match &mut self.beside {
            Beside::Nothing => {}
            Beside::Bars(bars) => bars.publish(),
            Beside::Log(queue) => {
                if let Some(last) = queue.drain().last() {
                    self.newest = last;
                    self.has_newest = true;
                }
                if let Some(lost) = queue.take_notice(now_ms) {
                    self.continuity.lose(lost.from_seq, lost.to_seq);
                    counters.dropped = counters.dropped.saturating_add(lost.dropped);
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
        true
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
