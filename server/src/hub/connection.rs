//! One client: its subscriptions and what waits to be written to it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use live_core::backpressure::Offer;
use live_core::channel::ChannelName;
use live_core::error::ErrorCode;
use live_core::outbox::{CONTROL_MAX, Lane, Measured, Next, Outbox};
use live_core::system::{BackpressureDrop, name};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::fanout::Fanout;
use super::out::Out;
use super::subscription::{Gate, Held, Phase, Subscription, Ticket};
use crate::broker::{Attached, Publication};
use crate::config::LiveConfig;
use crate::{random, wire};

/// Characters of a session's id; 100 bits.
const SESSION_ID_LEN: usize = 20;

/// A client's connection, whatever its transport. Dropping it ends its subscriptions at once.
pub struct Connection {
    session_id: Box<str>,
    shared: Arc<Shared>,
    fanout: Arc<Fanout>,
}

/// What became of a look into the outbox.
#[derive(Debug, Default)]
pub struct Drained {
    /// Nothing more can be sent now.
    pub is_exhausted: bool,
    /// When to look again although nothing new comes.
    pub next_due: Option<Instant>,
    /// A subscription that needs a fresh snapshot. There may be others, which come one at a time, each
    /// after the one before was sent.
    pub behind: Option<(Ticket, ChannelName)>,
}

/// Whether what was held could follow the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GateOpened {
    /// It did, or the subscription has ended meanwhile.
    Yes,
    /// More was published than the gate holds.
    Overflowed,
}

impl Connection {
    pub(super) fn new(fanout: Arc<Fanout>, live: &LiveConfig) -> Self {
        fanout.connected();
        let state = State {
            outbox: Outbox::new(live.queue_capacity, live.connection_bytes),
            control_waiting: 0,
            control_bytes: 0,
            control_bytes_max: live.connection_bytes,
            starting_over: VecDeque::new(),
            subscriptions: HashMap::new(),
            tickets: BTreeMap::new(),
            last_ticket: 0,
        };
        let shared = Shared {
            state: Mutex::new(state),
            opened: Instant::now(),
            wake: Notify::new(),
            room: Notify::new(),
        };
        Self { session_id: random::text(SESSION_ID_LEN).into(), shared: Arc::new(shared), fanout }
    }

    /// Names the connection towards the client.
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// Queues an answer, after there is room for it: a client that asks without reading is not read either.
    ///
    /// # Cancel safety
    /// The answer is either queued or not.
    pub async fn answer(&self, envelope: Bytes) {
        self.room_for_control().await;
        self.shared.lock().control(Out::Notice(envelope));
        self.shared.wake.notify_one();
    }

    /// Waits until a control message can be queued: snapshots are among these, so they are bounded by their
    /// bytes too. One task waits here; the last place is left to the snapshots that the writing task asks for.
    pub(super) async fn room_for_control(&self) {
        while !self.shared.lock().has_room_for_control() {
            self.shared.room.notified().await;
        }
    }

    /// Waits until there may be something to send.
    ///
    /// # Cancel safety
    /// A wake-up that comes while nobody waits is kept for the next one who does.
    pub async fn wait(&self) {
        self.shared.wake.notified().await;
    }

    /// Moves what can be sent now, in order and up to about `bytes_max`, to the end of `batch`.
    pub fn drain(&self, batch: &mut Vec<Out>, bytes_max: usize) -> Drained {
        let drained = self.shared.lock().drain(batch, bytes_max, &self.shared);
        self.shared.room.notify_one();
        drained
    }

    /// How far each channel has come for which nothing waits, for a heartbeat.
    pub fn quiet_heads(&self) -> Vec<(ChannelName, u64)> {
        let state = self.shared.lock();
        let is_quiet = |s: &&Subscription| {
            matches!(s.phase, Phase::Live)
                && s.pace.is_quiet()
                && s.owed.is_none()
                && s.lane.is_some_and(|lane| state.outbox.is_quiet(lane))
        };
        state.subscriptions.values().filter(is_quiet).map(|s| (s.channel.clone(), s.head)).collect()
    }

    /// How long the byte cap has been full without a pause.
    pub fn full_for(&self) -> Duration {
        let since_ms = self.shared.lock().outbox.full_since_ms();
        let full_ms = since_ms.map_or(0.0, |since| self.shared.now_ms() - since);
        Duration::from_secs_f64(full_ms.max(0.0) / 1_000.0)
    }

    /// Bytes that wait to be sent, without control messages.
    pub fn waiting_bytes(&self) -> usize {
        self.shared.lock().outbox.bytes()
    }

    /// Puts a subscription behind its gate. One to the same channel ends first.
    pub(super) fn begin(
        &self,
        mut subscription: Subscription,
        subscriptions_max: usize,
    ) -> Result<Ticket, ErrorCode> {
        let channel = subscription.channel.clone();
        self.end(&channel);
        let ticket = {
            let mut state = self.shared.lock();
            if state.subscriptions.len() >= subscriptions_max {
                return Err(ErrorCode::SubscriptionLimit);
            }
            state.last_ticket += 1;
            let ticket = Ticket(state.last_ticket);
            subscription.lane = Some(state.outbox.open(subscription.mode));
            state.tickets.insert(channel.clone(), ticket);
            state.subscriptions.insert(ticket, subscription);
            ticket
        };
        self.fanout.join(&channel, ticket, &self.shared);
        Ok(ticket)
    }

    /// Ends the subscription to a channel, if there is one, and forgets what waits of it.
    pub(super) fn end(&self, channel: &ChannelName) {
        let ticket = self.shared.lock().tickets.get(channel).copied();
        if let Some(ticket) = ticket {
            self.end_ticket(channel, ticket);
        }
    }

    /// Ends one subscription; another one to the same channel that took its place goes on. Returns whether
    /// it was the channel's.
    pub(super) fn end_ticket(&self, channel: &ChannelName, ticket: Ticket) -> bool {
        let is_current = {
            let mut state = self.shared.lock();
            let is_current = state.tickets.get(channel) == Some(&ticket);
            if is_current {
                state.tickets.remove(channel);
            }
            if let Some(Subscription { lane: Some(lane), .. }) = state.subscriptions.remove(&ticket) {
                state.outbox.close(lane);
            }
            is_current
        };
        self.fanout.leave(channel, ticket, &self.shared);
        is_current
    }

    /// Holds from now on what is published, for a snapshot that is taken after this.
    pub(super) fn shut_gate(&self, ticket: Ticket) {
        if let Some(subscription) = self.shared.lock().subscriptions.get_mut(&ticket) {
            subscription.phase = Phase::Attaching(Gate::default());
        }
    }

    /// Queues the snapshot and after it what was held.
    pub(super) fn open_gate(&self, ticket: Ticket, snapshot: &Attached) -> GateOpened {
        let opened = self.shared.lock().open_gate(ticket, snapshot, &self.shared);
        self.shared.wake.notify_one();
        opened
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let channels: Vec<ChannelName> = self.shared.lock().tickets.keys().cloned().collect();
        for channel in channels {
            self.end(&channel);
        }
        self.fanout.disconnected();
    }
}

/// The part of a connection that publishers reach.
pub(super) struct Shared {
    state: Mutex<State>,
    opened: Instant,
    /// Something may be there to send.
    wake: Notify,
    /// Something was sent.
    room: Notify,
}

impl Shared {
    /// Offers a publication to a subscription. Never waits.
    pub fn offer(&self, ticket: Ticket, publication: &Arc<Publication>) {
        if self.lock().take(ticket, Held::Publication(Arc::clone(publication)), self) {
            self.wake.notify_one();
        }
    }

    /// Tells a subscription that its channel starts over.
    pub fn reset(&self, ticket: Ticket, epoch: &Arc<str>, reason: &str) {
        let held = Held::Reset { epoch: Arc::clone(epoch), reason: reason.into() };
        if self.lock().take(ticket, held, self) {
            self.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in there can be left half done by a panic that matters more than ending the others too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> f64 {
        self.opened.elapsed().as_secs_f64() * 1_000.0
    }
}

/// Everything behind the lock, which is held only for moments.
struct State {
    outbox: Outbox<Out>,
    /// Control messages in the outbox; these come out of it first.
    control_waiting: usize,
    /// Bytes of these.
    control_bytes: usize,
    /// From how many bytes of these on nothing more is asked for.
    control_bytes_max: usize,
    /// Subscriptions that owe an order to start again; these come before anything of a lane.
    starting_over: VecDeque<Ticket>,
    subscriptions: HashMap<Ticket, Subscription>,
    tickets: BTreeMap<ChannelName, Ticket>,
    last_ticket: u64,
}

impl State {
    fn has_room_for_control(&self) -> bool {
        self.control_waiting < CONTROL_MAX - 1 && self.control_bytes < self.control_bytes_max
    }

    fn control(&mut self, out: Out) {
        let len = out.len_bytes();
        // Whoever queues has waited for room.
        match self.outbox.control(out) {
            Ok(()) => {
                self.control_waiting += 1;
                self.control_bytes += len;
            }
            Err(full) => tracing::error!(%full, "a control message is lost"),
        }
    }

    /// What the engine hands on, on its way to the gate or to the outbox. Returns whether the writing task
    /// has to look: a value that only takes the place of one that waits for its time is sent then.
    fn take(&mut self, ticket: Ticket, held: Held, shared: &Shared) -> bool {
        let Some(subscription) = self.subscriptions.get_mut(&ticket) else { return false };
        match (&mut subscription.phase, held) {
            (Phase::Attaching(gate), held) => {
                gate.hold(held);
                false
            }
            (Phase::Behind, _) => false,
            (Phase::Live, Held::Reset { epoch, reason }) => {
                if subscription.start_over(&epoch, &reason) {
                    self.starting_over.push_back(ticket);
                }
                if let Some(lane) = subscription.lane {
                    self.outbox.clear(lane);
                }
                true
            }
            (Phase::Live, Held::Publication(publication)) => {
                if *publication.epoch() != subscription.epoch || publication.seq() <= subscription.head {
                    return false;
                }
                subscription.head = publication.seq();
                let waited = subscription.pace.next_due().is_some();
                let mut ready = Vec::from_iter(subscription.pace.offer(publication, Instant::now()));
                ready.extend(subscription.pace.take_overflow());
                let has_ready = !ready.is_empty();
                for publication in ready {
                    offer(&mut self.outbox, subscription, Out::Publication(publication), shared.now_ms());
                }
                has_ready || (!waited && subscription.pace.next_due().is_some())
            }
        }
    }

    fn open_gate(&mut self, ticket: Ticket, snapshot: &Attached, shared: &Shared) -> GateOpened {
        let Some(subscription) = self.subscriptions.get_mut(&ticket) else { return GateOpened::Yes };
        let Phase::Attaching(gate) = &mut subscription.phase else { return GateOpened::Yes };
        if gate.overflowed {
            return GateOpened::Overflowed;
        }
        let held = std::mem::take(gate).after(snapshot);
        let opening = subscription.start_from(snapshot);
        self.control(Out::Opening(Arc::new(opening)));
        for held in held {
            self.take(ticket, held, shared);
        }
        GateOpened::Yes
    }

    fn drain(&mut self, batch: &mut Vec<Out>, bytes_max: usize, shared: &Shared) -> Drained {
        let (now, now_ms) = (Instant::now(), shared.now_ms());
        for subscription in self.subscriptions.values_mut() {
            for publication in subscription.pace.take_due(now) {
                offer(&mut self.outbox, subscription, Out::Publication(publication), now_ms);
            }
        }
        let mut bytes = 0;
        while bytes < bytes_max {
            if self.control_waiting == 0
                && let Some(opening) = self.next_owed()
            {
                bytes += opening.len_bytes();
                batch.push(opening);
                continue;
            }
            let Some(next) = self.outbox.next(now_ms) else { return self.exhausted(shared) };
            let out = match next {
                Next::Item(out) => out,
                Next::Lost(lane, lost) => match self.loss(lane, &lost) {
                    Some(envelope) => Out::Notice(envelope),
                    None => continue,
                },
            };
            // Control messages come out first.
            if self.control_waiting > 0 {
                self.control_waiting -= 1;
                self.control_bytes -= out.len_bytes();
            }
            bytes += out.len_bytes();
            batch.push(out);
        }
        Drained::default()
    }

    /// The next order to start again. In a lane it could be refused or be told after a loss that comes after it.
    fn next_owed(&mut self) -> Option<Out> {
        while let Some(ticket) = self.starting_over.pop_front() {
            let owed = self.subscriptions.get_mut(&ticket).and_then(|subscription| subscription.owed.take());
            if let Some(opening) = owed {
                return Some(Out::Opening(Arc::new(opening)));
            }
        }
        None
    }

    fn exhausted(&mut self, shared: &Shared) -> Drained {
        let mut drained = Drained { is_exhausted: true, ..Drained::default() };
        for (&ticket, subscription) in &mut self.subscriptions {
            drained.next_due = earlier(drained.next_due, subscription.pace.next_due());
            if drained.behind.is_none() && matches!(subscription.phase, Phase::Behind) {
                subscription.phase = Phase::Attaching(Gate::default());
                drained.behind = Some((ticket, subscription.channel.clone()));
            }
        }
        let told_at =
            self.outbox.due_ms().map(|ms| shared.opened + Duration::from_secs_f64(ms.max(0.0) / 1_000.0));
        drained.next_due = earlier(drained.next_due, told_at);
        drained
    }

    fn loss(&self, lane: Lane, lost: &BackpressureDrop) -> Option<Bytes> {
        let subscription = self.subscriptions.values().find(|s| s.lane == Some(lane))?;
        Some(wire::system(name::BACKPRESSURE_DROP, subscription.channel.as_str(), lost))
    }
}

/// Offers something to a subscription's lane. What does not fit puts the subscription behind.
fn offer(outbox: &mut Outbox<Out>, subscription: &mut Subscription, out: Out, now_ms: f64) {
    let Some(lane) = subscription.lane else { return };
    if matches!(subscription.phase, Phase::Behind) || out.len_bytes() <= 1 {
        return;
    }
    if outbox.offer(lane, out, now_ms) == Offer::Refused {
        outbox.clear(lane);
        subscription.pace.clear();
        subscription.phase = Phase::Behind;
    }
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
