//! One connection's subscription to one channel.

use std::sync::Arc;

use bytes::Bytes;
use live_core::channel::{ChannelName, Mode, NamespacePolicy};
use live_core::error::ErrorCode;
use live_core::outbox::Lane;
use live_core::sequence::Position;
use live_core::system::{Ack, BackpressureDrop, Rate, Resync, Side, SnapshotEnd, name};
use tokio::time::Instant;

use super::gate::Gate;
use super::out::{Out, Placed};
use super::pace::Pace;
use super::tally::Tally;
use super::{ChannelInfo, Request, Since};
use crate::broker::{Attached, Verdict};
use crate::wire;

/// Why a client's channel starts over without that the engine said so.
const FELL_BEHIND: &str = "history has gone on further than what was sent";

/// Names a subscription within its connection; none is given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Its place among the connection's subscriptions; that one may be given out again.
    pub(super) index: u32,
    pub(super) number: u64,
}

/// How a subscription stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// The engine's answer is on its way; what is published meanwhile is held.
    Attaching(Gate),
    /// Everything goes to the connection's outbox.
    Live,
    /// Nothing is offered until the engine brings it back in step, after what waits was sent.
    Behind,
}

/// A subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub channel: ChannelName,
    pub mode: Mode,
    pub phase: Phase,
    pub pace: Pace,
    pub tally: Tally,
    /// Its place in the connection's outbox.
    pub lane: Lane,
    pub number: u64,
    pub epoch: Arc<str>,
    /// An order to start again that waits to be sent. It is no part of the lane, which gives up what it holds
    /// when a connection is full; a later one takes its place, so there is never more than one.
    pub owed: Option<Vec<Out>>,
    /// `seq` of the newest publication that it took, or that was merged away for it.
    pub head: u64,
    id: Option<u64>,
    since: Since,
    pub max_hz: Option<f64>,
    max_hz_bound: Option<f64>,
    stale_after_ms: Option<u64>,
    is_acknowledged: bool,
}

impl Subscription {
    pub fn new(
        request: Request,
        policy: &NamespacePolicy,
        info: ChannelInfo,
        lane: Lane,
        number: u64,
    ) -> Self {
        let now = Instant::now();
        // What may not be merged is not held back, whatever was asked for.
        let may_wait = !policy.mode.is_contiguous();
        let max_hz_bound = policy.max_hz.filter(|_| may_wait);
        let max_hz = lower(request.max_hz.filter(|_| may_wait), max_hz_bound);
        Self {
            channel: request.channel,
            mode: policy.mode,
            phase: Phase::Attaching(Gate::default()),
            pace: Pace::new(policy.mode, max_hz),
            tally: Tally::new(now),
            lane,
            number,
            epoch: "".into(),
            owed: None,
            head: 0,
            id: request.id,
            since: request.since,
            max_hz,
            max_hz_bound,
            stale_after_ms: info.stale_after_ms.or(policy.stale_after_ms),
            is_acknowledged: false,
        }
    }

    /// Bounds the rate by what the client asks for, and by its namespace.
    pub fn set_rate(&mut self, max_hz: Option<f64>) {
        if !self.mode.is_contiguous() {
            self.max_hz = lower(max_hz, self.max_hz_bound);
            self.pace.set(self.max_hz, Instant::now());
        }
    }

    /// Where to go on from: at first what the client said; later what it took, where the mode forbids a jump.
    pub fn position(&self) -> Option<Position> {
        match &self.since {
            Since::At(position) if !self.is_acknowledged => Some(position.clone()),
            _ if self.is_acknowledged && self.mode.is_contiguous() => {
                Some(Position { epoch: (&*self.epoch).into(), seq: self.head })
            }
            _ => None,
        }
    }

    /// Takes over the engine's answer, and says what the client is sent for it: at first an acknowledgement;
    /// later, where it is another history or something is gone, the order to start again.
    pub fn start_from(&mut self, attached: &Attached) -> Vec<Out> {
        let last_taken = std::mem::replace(&mut self.head, attached.head);
        let has_moved = self.epoch != attached.epoch;
        self.epoch = Arc::clone(&attached.epoch);
        self.phase = Phase::Live;
        if !attached.is_complete {
            self.head = attached.items.last().map_or(attached.head, |item| item.seq());
        }
        let mut opening = Vec::with_capacity(attached.items.len() + 2);
        let is_news = if !self.is_acknowledged {
            self.is_acknowledged = true;
            opening.push(self.acknowledgement(attached));
            self.since = Since::Nothing;
            attached.verdict != Verdict::Resumed || !attached.items.is_empty()
        } else {
            if has_moved || matches!(attached.verdict, Verdict::Lost(_)) {
                let from = attached.items.first().map_or(attached.head, |item| item.seq() - 1);
                opening.push(self.resync(FELL_BEHIND, from));
                if !has_moved && from > last_taken {
                    opening.push(self.loss(last_taken + 1, from));
                }
            }
            true
        };
        opening.extend(attached.items.iter().map(|item| Out::Publication(Arc::clone(item))));
        self.end_snapshot(&mut opening, attached.items.len(), is_news);
        opening
    }

    /// Takes over a new epoch that begins empty, and owes the client the order to start again. Returns
    /// whether it owed none before.
    pub fn start_over(&mut self, epoch: &Arc<str>, reason: &str) -> bool {
        self.epoch = Arc::clone(epoch);
        self.head = 0;
        self.pace.clear();
        let mut opening = vec![self.resync(reason, 0)];
        self.end_snapshot(&mut opening, 0, true);
        self.owed.replace(opening).is_none()
    }

    /// What was merged of the channel, for the client.
    pub fn report(&mut self, now: Instant) -> Out {
        let rate: Rate = self.tally.report(now, self.max_hz);
        Out::Notice(wire::system(name::RATE, self.channel.as_str(), &rate))
    }

    fn end_snapshot(&self, opening: &mut Vec<Out>, count: usize, is_news: bool) {
        if self.mode == Mode::Keyed {
            let end = SnapshotEnd { epoch: (&*self.epoch).into(), head: self.head, count: count as u64 };
            let envelope = wire::system(name::SNAPSHOT_END, self.channel.as_str(), &end);
            opening.push(self.placed(envelope, self.head, is_news));
        }
    }

    fn acknowledgement(&self, attached: &Attached) -> Out {
        let code = match (attached.verdict, &self.since) {
            (_, Since::Invalid) => Some(ErrorCode::CursorInvalid),
            (Verdict::Lost(code), _) => Some(code),
            (Verdict::First | Verdict::Resumed, _) => None,
        };
        let is_resumed = attached.verdict == Verdict::Resumed;
        let ack = Ack {
            id: self.id,
            channel: self.channel.as_str().into(),
            epoch: (&*self.epoch).into(),
            head: attached.head,
            resumed: is_resumed,
            mode: self.mode,
            max_hz: self.max_hz,
            stale_after_ms: self.stale_after_ms,
        };
        let channel = self.channel.as_str();
        let envelope = wire::encode(name::ACK, channel, 0, wire::now_ms(), code, &ack);
        match &self.since {
            Since::At(position) if is_resumed => self.placed(envelope, position.seq, false),
            // Until what follows has been sent, a client that comes back has to get all of it.
            _ if attached.items.is_empty() && self.mode != Mode::Keyed => {
                self.placed(envelope, attached.head, true)
            }
            _ => Out::Notice(envelope),
        }
    }

    fn resync(&self, reason: &str, seq: u64) -> Out {
        let resync = Resync { epoch: (&*self.epoch).into(), reason: reason.into() };
        self.placed(wire::system(name::RESYNC, self.channel.as_str(), &resync), seq, true)
    }

    /// What is gone from history before it could be sent.
    fn loss(&self, from_seq: u64, to_seq: u64) -> Out {
        let dropped = to_seq - from_seq + 1;
        let lost = BackpressureDrop { dropped, from_seq, to_seq, capacity: dropped, side: Side::Gateway };
        Out::Notice(wire::system(name::BACKPRESSURE_DROP, self.channel.as_str(), &lost))
    }

    fn placed(&self, envelope: Bytes, seq: u64, is_news: bool) -> Out {
        let (channel, epoch) = (self.channel.clone(), Arc::clone(&self.epoch));
        Out::Placed(Box::new(Placed { channel, epoch, seq, envelope, is_news }))
    }
}

fn lower(wanted: Option<f64>, bound: Option<f64>) -> Option<f64> {
    match (wanted, bound) {
        (Some(wanted), Some(bound)) => Some(wanted.min(bound)),
        (wanted, bound) => wanted.or(bound),
    }
}
