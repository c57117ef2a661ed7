//! Fan-out: who is subscribed to what, and the joint between snapshot and live.
//!
//! A subscription is first put behind a gate that holds what is published meanwhile, then the snapshot is
//! taken, then the gate opens: what the snapshot has already is passed over, the rest follows it. So nothing
//! is missed and nothing comes twice, also when the engine takes its time with the snapshot.

mod connection;
mod fanout;
mod out;
mod pace;
mod subscription;

use std::sync::Arc;

use live_core::channel::{ChannelName, Namespaces};
use live_core::error::ErrorCode;

pub use self::connection::{Connection, Drained};
pub use self::fanout::Fanout;
pub use self::out::Out;
pub use self::subscription::Ticket;

use self::connection::GateOpened;
use self::subscription::Subscription;
use crate::broker::{Broker, BrokerError};
use crate::config::{LimitsConfig, LiveConfig};

/// How often a snapshot is taken when more was published meanwhile than the gate holds.
const ATTACH_ATTEMPTS: usize = 2;

/// What is known of a channel that is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Age from which a value is stale, in milliseconds, where the channel knows better than its namespace.
    pub stale_after_ms: Option<u64>,
}

/// Says which channels there are.
pub trait Directory: Send + Sync {
    /// What is known of a channel; `None` when it is not served.
    fn find(&self, channel: &ChannelName) -> Option<ChannelInfo>;
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
}

/// Connections, subscriptions, and the way from the engine to them.
pub struct Hub {
    fanout: Arc<Fanout>,
    broker: Arc<dyn Broker>,
    directory: Arc<dyn Directory>,
    namespaces: Namespaces,
    live: LiveConfig,
    subscriptions_max: usize,
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
        Self { fanout, broker, directory, namespaces, live, subscriptions_max: limits.subscriptions }
    }

    /// How values are to be delivered.
    pub fn settings(&self) -> &LiveConfig {
        &self.live
    }

    /// Opens a connection. It ends, with its subscriptions, when it is dropped.
    pub fn connect(&self) -> Connection {
        Connection::new(Arc::clone(&self.fanout), &self.live)
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.fanout.connections()
    }

    /// How many subscriptions a channel has.
    pub fn subscribers(&self, channel: &ChannelName) -> usize {
        self.fanout.subscribers(channel)
    }

    /// Whether a channel can be subscribed to.
    ///
    /// # Errors
    /// [`ErrorCode::ChannelUnknown`] when its namespace is unknown or it is not served.
    pub fn check(&self, channel: &ChannelName) -> Result<ChannelInfo, ErrorCode> {
        self.namespaces.policy(channel)?;
        self.directory.find(channel).ok_or(ErrorCode::ChannelUnknown)
    }

    /// Subscribes a connection: its acknowledgement, its snapshot and everything after it are queued in
    /// this order. A channel that it has already starts again.
    ///
    /// # Errors
    /// Nothing is subscribed: [`ErrorCode::ChannelUnknown`], [`ErrorCode::SubscriptionLimit`],
    /// [`ErrorCode::ResyncFailed`] when more is published than can be held meanwhile, or what the engine says.
    ///
    /// # Cancel safety
    /// A subscription whose future is dropped stays behind its gate until the connection ends.
    pub async fn subscribe(&self, connection: &Connection, request: Request) -> Result<(), ErrorCode> {
        let info = self.check(&request.channel)?;
        let policy = self.namespaces.policy(&request.channel)?;
        connection.room_for_control().await;
        let subscription = Subscription::new(&request, policy, info);
        let ticket = connection.begin(subscription, self.subscriptions_max)?;
        let attached = self.attach(connection, ticket, &request.channel).await;
        if attached.is_err() {
            connection.end_ticket(&request.channel, ticket);
        }
        attached
    }

    /// Ends a subscription. Nothing of the channel is sent after this.
    pub fn unsubscribe(&self, connection: &Connection, channel: &ChannelName) {
        connection.end(channel);
    }

    /// Brings a subscription that could not take everything back in step, from a fresh snapshot. One that
    /// was ended meanwhile, or replaced by another to the same channel, is no failure.
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
        for _ in 0..ATTACH_ATTEMPTS {
            connection.shut_gate(ticket);
            let snapshot =
                self.broker.attach(channel, None, usize::MAX).await.map_err(|error| refusal(&error))?;
            match connection.open_gate(ticket, &snapshot) {
                GateOpened::Yes => return Ok(()),
                GateOpened::Overflowed => {}
            }
        }
        Err(ErrorCode::ResyncFailed)
    }
}

fn refusal(error: &BrokerError) -> ErrorCode {
    tracing::warn!(%error, "no snapshot");
    error.code()
}

#[cfg(test)]
mod tests;
