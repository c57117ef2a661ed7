//! Fan-out: who is subscribed to what, and the joint between snapshot and live.
//!
//! A subscription is first put behind a gate that holds what is published meanwhile, then the engine is asked
//! what comes after the client's position, then the gate opens: what the answer has already is passed over, the
//! rest follows it. So nothing is missed and nothing comes twice, also when the engine takes its time.

mod connection;
mod fanout;
mod gate;
mod out;
mod pace;
mod state;
mod subscription;
mod tally;

use std::sync::Arc;

use live_core::channel::{ChannelName, Mode, Namespaces};
use live_core::error::ErrorCode;
use live_core::sequence::Position;

pub use self::connection::Connection;
pub use self::fanout::Fanout;
pub use self::out::Out;
pub use self::state::Drained;
pub use self::subscription::Ticket;

use self::state::GateOpened;
use crate::auth::Identity;
use crate::broker::{Broker, BrokerError};
use crate::config::{LimitsConfig, LiveConfig};
use crate::status::Status;

/// How often the engine is asked when more was published meanwhile than the gate holds.
const ATTACH_ATTEMPTS: usize = 2;
/// Most that the engine is asked for at once of a channel whose every item counts.
const PAGE_ITEMS: usize = 128;

/// What is known of a channel that is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Age from which a value is stale, in milliseconds, where the channel knows better than its namespace.
    pub stale_after_ms: Option<u64>,
}

/// Says which channels there are, and for whom.
pub trait Directory: Send + Sync {
    /// What is known of a channel; `None` when it is not served.
    fn find(&self, channel: &ChannelName) -> Option<ChannelInfo>;

    /// Whether somebody may have a channel, if it is served.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`], or [`ErrorCode::ChannelUnknown`] for one that somebody is not to know of.
    fn judge(&self, identity: &Identity, channel: &ChannelName) -> Result<(), ErrorCode>;
}

/// A wish to subscribe.
#[derive(Clone, Debug)]
pub struct Request {
    /// The command that asks, if there is one.
    pub id: Option<u64>,
    /// The channel.
    pub channel: ChannelName,
    /// A bound of the rate that the client asks for, in envelopes a second.
    pub max_hz: Option<f64>,
    /// What the client has already.
    pub since: Since,
}

/// What a client has of a channel already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// Nothing that it knows of.
    Nothing,
    /// Everything up to there.
    At(Position),
    /// It said something that is no position; it is told so, and gets what one with nothing gets.
    Invalid,
}

/// Connections, subscriptions, and the way from the engine to them.
pub struct Hub {
    fanout: Arc<Fanout>,
    broker: Arc<dyn Broker>,
    directory: Arc<dyn Directory>,
    namespaces: Namespaces,
    live: LiveConfig,
    subscriptions_max: usize,
    status: Option<Arc<Status>>,
}

impl Hub {
    /// A hub without connections. `fanout` is what `broker` hands on to.
    pub fn new(
        fanout: Arc<Fanout>,
        broker: Arc<dyn Broker>,
        directory: Arc<dyn Directory>,
        namespaces: Namespaces,
        live: LiveConfig,
        limits: &LimitsConfig,
    ) -> Self {
        let subscriptions_max = limits.subscriptions;
        Self { fanout, broker, directory, namespaces, live, subscriptions_max, status: None }
    }

    /// Tells clients of the doubts that `status` has about the engine.
    #[must_use]
    pub fn watched_by(self, status: Arc<Status>) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Whether the engine is known to deliver, as far as anybody looks.
    pub fn vouches_for_engine(&self) -> bool {
        self.status.as_ref().is_none_or(|status| status.checks().broker.ok)
    }

    /// How values are to be delivered.
    pub fn settings(&self) -> &LiveConfig {
        &self.live
    }

    /// Opens a connection. It ends, with its subscriptions, when it is dropped. `session_id` is that of a session
    /// that goes on; without it there is a new one. Until it is [told](Connection::set_identity) whose it is, it is nobody's.
    pub fn connect(&self, session_id: Option<Box<str>>) -> Connection {
        Connection::new(Arc::clone(&self.fanout), &self.live, session_id)
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.fanout.connections()
    }

    /// How many subscriptions a channel has.
    pub fn subscribers(&self, channel: &ChannelName) -> usize {
        self.fanout.subscribers(channel)
    }

    /// How the channels of a namespace behave; `None` where there is no such namespace.
    pub fn mode(&self, channel: &ChannelName) -> Option<Mode> {
        self.namespaces.policy(channel).ok().map(|policy| policy.mode)
    }

    /// Whether this connection may have that channel: the one place where it is decided, for every subscription
    /// and whenever those that there are are [looked through](Self::review) again.
    ///
    /// # Errors
    /// [`ErrorCode::ChannelUnknown`] when its namespace is unknown or it is not served, and what the directory says
    /// of whom the connection belongs to.
    pub fn may_subscribe(
        &self,
        connection: &Connection,
        channel: &ChannelName,
    ) -> Result<ChannelInfo, ErrorCode> {
        self.namespaces.policy(channel)?;
        self.directory.judge(&connection.identity(), channel)?;
        self.directory.find(channel).ok_or(ErrorCode::ChannelUnknown)
    }

    /// Ends those subscriptions that the connection may not have any more, and returns them, each with the
    /// reason, for the client to be told.
    pub fn review(&self, connection: &Connection) -> Vec<(ChannelName, ErrorCode)> {
        let mut ended = Vec::new();
        for channel in connection.channels() {
            if let Err(code) = self.may_subscribe(connection, &channel)
                && connection.end(&channel)
            {
                ended.push((channel, code));
            }
        }
        ended
    }

    /// Subscribes a connection: its acknowledgement, what it lacks and everything after that are queued in
    /// this order. A channel that it has already starts again.
    ///
    /// # Errors
    /// Nothing is subscribed: [`ErrorCode::ChannelUnknown`], [`ErrorCode::SubscriptionLimit`],
    /// [`ErrorCode::ResyncFailed`] when more is published than can be held meanwhile, or what the engine says.
    ///
    /// # Cancel safety
    /// A subscription whose future is dropped stays behind its gate until the connection ends.
    pub async fn subscribe(&self, connection: &Connection, request: Request) -> Result<(), ErrorCode> {
        let info = self.may_subscribe(connection, &request.channel)?;
        let channel = request.channel.clone();
        let policy = self.namespaces.policy(&channel)?;
        connection.room_for_control().await;
        let ticket = connection.begin(request, policy, info, self.subscriptions_max)?;
        // What the connection may have was narrowed while it waited, perhaps, and those subscriptions looked
        // through that there were.
        let attached = match self.may_subscribe(connection, &channel) {
            Ok(_) => self.attach(connection, ticket, &channel).await,
            Err(code) => Err(code),
        };
        if attached.is_err() {
            connection.end_ticket(&channel, ticket);
        }
        attached
    }

    /// Ends a subscription. Nothing of the channel is sent after this.
    pub fn unsubscribe(&self, connection: &Connection, channel: &ChannelName) {
        connection.end(channel);
    }

    /// Bounds the rate of a subscription, in envelopes a second; without `max_hz` only its namespace's bound
    /// holds. What may not be merged is not bounded.
    ///
    /// # Errors
    /// [`ErrorCode::ChannelUnknown`] when the connection is not subscribed to the channel.
    pub fn set_rate(
        &self,
        connection: &Connection,
        channel: &ChannelName,
        max_hz: Option<f64>,
    ) -> Result<(), ErrorCode> {
        match connection.set_rate(channel, max_hz) {
            true => Ok(()),
            false => Err(ErrorCode::ChannelUnknown),
        }
    }

    /// Brings a subscription that could not take everything back in step: from its own position where every
    /// item counts, else from a fresh snapshot. One that was ended meanwhile, or replaced by another to the same
    /// channel, is no failure.
    ///
    /// # Errors
    /// The subscription is ended: [`ErrorCode::ResyncFailed`] when more is published than can be held
    /// meanwhile, or what the engine says.
    pub async fn catch_up(
        &self,
        connection: &Connection,
        ticket: Ticket,
        channel: &ChannelName,
    ) -> Result<(), ErrorCode> {
        match self.attach(connection, ticket, channel).await {
            Err(code) if connection.end_ticket(channel, ticket) => Err(code),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn attach(
        &self,
        connection: &Connection,
        ticket: Ticket,
        channel: &ChannelName,
    ) -> Result<(), ErrorCode> {
        let limit = match self.namespaces.policy(channel)?.mode {
            Mode::Lossless => PAGE_ITEMS,
            Mode::State | Mode::Keyed | Mode::Event => usize::MAX,
        };
        for _ in 0..ATTACH_ATTEMPTS {
            let since = connection.shut_gate(ticket);
            let attached = self.broker.attach(channel, since.as_ref(), limit).await;
            let attached = attached.map_err(|error| refusal(&error))?;
            match connection.open_gate(ticket, &attached) {
                GateOpened::Yes => return Ok(()),
                GateOpened::Overflowed => {}
            }
        }
        Err(ErrorCode::ResyncFailed)
    }
}

fn refusal(error: &BrokerError) -> ErrorCode {
    tracing::warn!(%error, "not attached");
    error.code()
}

#[cfg(test)]
mod tests;
