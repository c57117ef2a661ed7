//! One connection's subscription to one channel.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use live_core::channel::{ChannelName, Mode, NamespacePolicy};
use live_core::outbox::Lane;
use live_core::system::{Ack, Resync, SnapshotEnd, name};

use super::out::Opening;
use super::pace::Pace;
use super::{ChannelInfo, Request};
use crate::broker::{Attached, Publication};
use crate::wire;

/// What a gate holds while the snapshot is on its way.
const GATE_MAX: usize = 256;

/// Names a subscription within its connection; none is given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub(super) u64);

/// How a subscription stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// The snapshot is on its way; what is published meanwhile is held.
    Attaching(Gate),
    /// Everything goes to the connection's outbox.
    Live,
    /// The outbox could not take everything. Nothing is offered until a fresh snapshot brings it back in step.
    Behind,
}

/// What was published while the snapshot was on its way.
#[derive(Debug, Default)]
pub(super) struct Gate {
    held: VecDeque<Held>,
    pub overflowed: bool,
}

/// One thing that is held.
#[derive(Debug)]
pub(super) enum Held {
    Publication(Arc<Publication>),
    Reset { epoch: Arc<str>, reason: Box<str> },
}

impl Gate {
    pub fn hold(&mut self, held: Held) {
        if self.held.len() >= GATE_MAX {
            self.overflowed = true;
            self.held.clear();
        }
        if !self.overflowed {
            self.held.push_back(held);
        }
    }

    /// What is to follow a snapshot: of what came before the snapshot's epoch began, nothing.
    pub fn after(mut self, snapshot: &Attached) -> VecDeque<Held> {
        let begins = |held: &Held| matches!(held, Held::Reset { epoch, .. } if *epoch == snapshot.epoch);
        if let Some(at) = self.held.iter().rposition(begins) {
            self.held.drain(..=at);
        }
        self.held
    }
}

/// A subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub channel: ChannelName,
    pub mode: Mode,
    pub phase: Phase,
    pub pace: Pace,
    /// Its place in the connection's outbox, once it has one.
    pub lane: Option<Lane>,
    pub epoch: Arc<str>,
    /// An order to start again that waits to be sent. It is no part of the lane, which gives up what it holds
    /// when a connection is full; a later one takes its place, so there is never more than one.
    pub owed: Option<Opening>,
    /// `seq` of the newest publication that it was offered.
    pub head: u64,
    id: Option<u64>,
    max_hz: Option<f64>,
    stale_after_ms: Option<u64>,
    is_acknowledged: bool,
}

impl Subscription {
    pub fn new(request: &Request, policy: &NamespacePolicy, info: ChannelInfo) -> Self {
        let max_hz = match (request.max_hz, policy.max_hz) {
            (Some(wanted), Some(bound)) => Some(wanted.min(bound)),
            (wanted, bound) => wanted.or(bound),
        };
        Self {
            channel: request.channel.clone(),
            mode: policy.mode,
            phase: Phase::Attaching(Gate::default()),
            pace: Pace::new(policy.mode, max_hz),
            lane: None,
            epoch: "".into(),
            owed: None,
            head: 0,
            id: request.id,
            max_hz,
            stale_after_ms: info.stale_after_ms.or(policy.stale_after_ms),
            is_acknowledged: false,
        }
    }

    /// Takes over a snapshot's position, and says what the client is sent for it: at first an
    /// acknowledgement; later, where it is another history or the mode forbids a jump, the order to start again.
    pub fn start_from(&mut self, snapshot: &Attached) -> Opening {
        let is_void = self.mode.is_contiguous() || self.epoch != snapshot.epoch;
        self.epoch = Arc::clone(&snapshot.epoch);
        self.head = snapshot.head;
        self.phase = Phase::Live;
        let mut envelopes = Vec::with_capacity(snapshot.items.len() + 2);
        if !self.is_acknowledged {
            self.is_acknowledged = true;
            envelopes.push(self.acknowledgement());
        } else if is_void {
            envelopes.push(self.resync("more was published than waits for one connection"));
        }
        envelopes.extend(snapshot.items.iter().map(|item| item.envelope().clone()));
        self.opening(envelopes, snapshot.items.len())
    }

    /// Takes over a new epoch that begins empty, and owes the client the order to start again. Returns
    /// whether it owed none before.
    pub fn start_over(&mut self, epoch: &Arc<str>, reason: &str) -> bool {
        self.epoch = Arc::clone(epoch);
        self.head = 0;
        self.pace.clear();
        let opening = self.opening(vec![self.resync(reason)], 0);
        self.owed.replace(opening).is_none()
    }

    fn opening(&self, mut envelopes: Vec<Bytes>, count: usize) -> Opening {
        if self.mode == Mode::Keyed {
            let end = SnapshotEnd { epoch: (&*self.epoch).into(), head: self.head, count: count as u64 };
            envelopes.push(wire::system(name::SNAPSHOT_END, self.channel.as_str(), &end));
        }
        Opening { channel: self.channel.clone(), epoch: Arc::clone(&self.epoch), head: self.head, envelopes }
    }

    fn acknowledgement(&self) -> Bytes {
        let ack = Ack {
            id: self.id,
            channel: self.channel.as_str().into(),
            epoch: (&*self.epoch).into(),
            head: self.head,
            resumed: false,
            mode: self.mode,
            max_hz: self.max_hz,
            stale_after_ms: self.stale_after_ms,
        };
        wire::system(name::ACK, self.channel.as_str(), &ack)
    }

    fn resync(&self, reason: &str) -> Bytes {
        let resync = Resync { epoch: (&*self.epoch).into(), reason: reason.into() };
        wire::system(name::RESYNC, self.channel.as_str(), &resync)
    }
}
