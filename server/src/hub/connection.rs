//! One client: its subscriptions and what waits to be written to it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use live_core::channel::{ChannelName, NamespacePolicy};
use live_core::error::ErrorCode;
use live_core::sequence::Position;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::fanout::Fanout;
use super::out::Out;
use super::state::{Drained, GateOpened, State};
use super::subscription::Ticket;
use super::{ChannelInfo, Request};
use crate::auth::Identity;
use crate::broker::{Attached, Publication};
use crate::config::LiveConfig;
use crate::random;

/// Characters of a session's id; 100 bits.
const SESSION_ID_LEN: usize = 20;

/// A client's connection, whatever its transport. Dropping it ends its subscriptions at once.
pub struct Connection {
    session_id: Box<str>,
    identity: Mutex<Arc<Identity>>,
    shared: Arc<Shared>,
    fanout: Arc<Fanout>,
}

impl Connection {
    pub(super) fn new(fanout: Arc<Fanout>, live: &LiveConfig, session_id: Option<Box<str>>) -> Self {
        fanout.connected();
        let shared = Shared {
            state: Mutex::new(State::new(live, Instant::now())),
            wake: Notify::new(),
            room: Notify::new(),
            hears_for: Mutex::default(),
        };
        let session_id = session_id.unwrap_or_else(|| random::text(SESSION_ID_LEN).into());
        let identity = Mutex::new(Arc::new(Identity::nobody()));
        Self { session_id, identity, shared: Arc::new(shared), fanout }
    }

    /// Names the connection towards the client.
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// Whose it is.
    pub fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says whose it is from now on. Its subscriptions stay until they are [reviewed](super::Hub::review).
    pub fn set_identity(&self, identity: Arc<Identity>) {
        let subject = identity.subject.clone();
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity;
        let mut hears_for = self.shared.hears_for.lock().unwrap_or_else(PoisonError::into_inner);
        if hears_for.is_some() {
            *hears_for = Some(subject);
        }
    }

    /// From now on it is handed what is for its person alone. For connections that stay: what is handed on once and kept
    /// nowhere would be lost on one that begins with what is kept.
    pub fn hear_asides(&self) {
        let subject = self.identity().subject.clone();
        *self.shared.hears_for.lock().unwrap_or_else(PoisonError::into_inner) = Some(subject);
    }

    /// Queues an answer, after there is room for it: a client that asks without reading is not read either.
    ///
    /// # Cancel safety
    /// The answer is either queued or not.
    pub async fn answer(&self, envelope: Bytes) {
        self.room_for_control().await;
        self.shared.lock().notice(envelope);
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
        let drained = self.shared.lock().drain(batch, bytes_max);
        self.shared.room.notify_one();
        drained
    }

    /// How far each channel has come for which nothing waits, for a heartbeat.
    pub fn quiet_heads(&self) -> Vec<(ChannelName, u64)> {
        self.shared.lock().quiet_heads()
    }

    /// The channels that it is subscribed to.
    pub fn channels(&self) -> Vec<ChannelName> {
        self.shared.lock().channels()
    }

    /// How long the byte cap has been full without a pause.
    pub fn full_for(&self) -> Duration {
        self.shared.lock().full_for()
    }

    /// Bytes that wait to be sent, without control messages.
    pub fn waiting_bytes(&self) -> usize {
        self.shared.lock().waiting_bytes()
    }

    /// Puts a subscription behind its gate. One to the same channel ends first.
    pub(super) fn begin(
        &self,
        request: Request,
        policy: &NamespacePolicy,
        info: ChannelInfo,
        subscriptions_max: usize,
    ) -> Result<Ticket, ErrorCode> {
        let channel = request.channel.clone();
        self.end(&channel);
        let ticket = self.shared.lock().begin(request, policy, info, subscriptions_max)?;
        self.fanout.join(&channel, ticket, &self.shared);
        Ok(ticket)
    }

    /// Ends the subscription to a channel and forgets what waits of it. Returns whether there was one.
    pub(super) fn end(&self, channel: &ChannelName) -> bool {
        let ticket = self.shared.lock().ticket(channel);
        ticket.is_some_and(|ticket| self.end_ticket(channel, ticket))
    }

    /// Ends one subscription; another one to the same channel that took its place goes on. Returns whether
    /// it was the channel's.
    pub(super) fn end_ticket(&self, channel: &ChannelName, ticket: Ticket) -> bool {
        let was_there = self.shared.lock().end(ticket);
        if was_there {
            self.fanout.leave(channel, ticket, &self.shared);
        }
        was_there
    }

    /// Bounds the rate of a channel. Returns whether there is a subscription to it.
    pub(super) fn set_rate(&self, channel: &ChannelName, max_hz: Option<f64>) -> bool {
        let is_there = {
            let mut state = self.shared.lock();
            let ticket = state.ticket(channel);
            let subscription = ticket.and_then(|ticket| state.get_mut(ticket));
            subscription.map(|subscription| subscription.set_rate(max_hz)).is_some()
        };
        self.shared.wake.notify_one();
        is_there
    }

    /// Holds from now on what is published, for an answer of the engine that is asked for after this.
    /// Returns where the subscription goes on from.
    pub(super) fn shut_gate(&self, ticket: Ticket) -> Option<Position> {
        self.shared.lock().shut_gate(ticket)
    }

    /// Queues the engine's answer and after it what was held.
    pub(super) fn open_gate(&self, ticket: Ticket, attached: &Attached) -> GateOpened {
        let opened = self.shared.lock().open_gate(ticket, attached);
        self.shared.wake.notify_one();
        opened
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        for channel in self.channels() {
            self.end(&channel);
        }
        self.fanout.disconnected();
    }
}

/// The part of a connection that publishers reach.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something may be there to send.
    wake: Notify,
    /// Something was sent.
    room: Notify,
    /// Whom it is handed asides for; the outer `None` is nobody, whoever it belongs to.
    hears_for: Mutex<Option<Option<Arc<str>>>>,
}

impl Shared {
    /// Offers publications to a subscription, in order. Never waits.
    pub fn offer(&self, ticket: Ticket, publications: &[Arc<Publication>], now: Instant) {
        let mut has_to_look = false;
        {
            let mut state = self.lock();
            for publication in publications {
                let aside = publication.has_aside().then(|| self.aside_of(publication)).flatten();
                has_to_look |= state.publication(ticket, aside.as_ref().unwrap_or(publication), now);
            }
        }
        if has_to_look {
            self.wake.notify_one();
        }
    }

    /// What of a publication is for this connection's person alone.
    fn aside_of(&self, publication: &Publication) -> Option<Arc<Publication>> {
        let hears_for = self.hears_for.lock().unwrap_or_else(PoisonError::into_inner);
        let subject = hears_for.as_ref()?.as_deref()?;
        publication.aside_for(subject).cloned()
    }

    /// Tells a subscription that its channel starts over.
    pub fn reset(&self, ticket: Ticket, epoch: &Arc<str>, reason: &str) {
        let has_to_look = self.lock().reset(ticket, epoch, reason);
        if has_to_look {
            self.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in there can be left half done by a panic that matters more than ending the others too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
