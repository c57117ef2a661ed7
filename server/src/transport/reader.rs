//! The reading half of a socket: commands, one after the other.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use live_core::channel::ChannelName;
use live_core::error::ErrorCode;
use live_core::sequence::Position;
use live_core::system::{CommandAck, ErrorDetail, name};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use super::channels::{Refusal, resolve};
use super::command::{Command, Wanted};
use super::pulse::Pulse;
use super::session::End;
use super::token::{is_nobody, review};
use crate::auth::Auth;
use crate::auth::caller::detail;
use crate::auth::http::accepted;
use crate::auth::secret::Secret;
use crate::hub::{Connection, Hub, Request, Since};
use crate::rate::Rate;
use crate::wire;

/// Most commands that are refused within [`ABUSE_WINDOW`] before the socket is closed.
const REFUSED_MAX: u32 = 200;
/// The time in which refused commands are counted.
const ABUSE_WINDOW: Duration = Duration::from_secs(10);

/// Takes the commands of one socket.
pub(super) struct Reader<'a> {
    hub: &'a Hub,
    auth: &'a Auth,
    connection: &'a Connection,
    address: Option<IpAddr>,
    pulse: &'a Pulse,
    rate: Rate,
    /// Since when refused commands are counted, and how many there were.
    refused: (Instant, u32),
}

/// Why the reading ended, and what the client is told before the socket is closed.
pub(super) type Ended = (End, Option<Bytes>);

impl<'a> Reader<'a> {
    pub fn new(
        hub: &'a Hub,
        auth: &'a Auth,
        connection: &'a Connection,
        address: Option<IpAddr>,
        pulse: &'a Pulse,
    ) -> Self {
        let settings = auth.settings();
        let rate = Rate::new(settings.commands_per_second, settings.commands_burst);
        Self { hub, auth, connection, address, pulse, rate, refused: (Instant::now(), 0) }
    }

    /// Reads until the socket or the reading ends.
    pub async fn run(&mut self, from_peer: &mut SplitStream<WebSocket>) -> Ended {
        while let Some(message) = from_peer.next().await {
            let command = match &message {
                Ok(Message::Text(text)) => Command::read(text.as_bytes()),
                Ok(Message::Binary(bytes)) => Command::read(bytes),
                // The library answers these by itself.
                Ok(Message::Ping(_) | Message::Pong(_)) => {
                    self.pulse.heard();
                    continue;
                }
                Ok(Message::Close(_)) => return (End::Left, None),
                Err(error) => return (broken(error), None),
            };
            // Until there is room for the answers nothing is read.
            self.pulse.hold();
            if let Some(ended) = self.take(command).await {
                return ended;
            }
            self.pulse.heard();
        }
        (End::Gone, None)
    }

    /// Obeys a command that is understood, allowed, and not one too many.
    async fn take(&mut self, command: Result<Command, Box<ErrorDetail>>) -> Option<Ended> {
        let id = command.as_ref().map_or_else(|detail| detail.id, |command| Some(command.id()));
        if let Err(after) = self.rate.take(1) {
            return self.refuse(id, after).await;
        }
        match command {
            Ok(Command::Auth { id, token }) => return self.authenticate(id, &token).await,
            Ok(Command::Ping { id }) => self.acknowledge(id, Some(wire::now_ms())).await,
            Err(detail) => self.connection.answer(wire::error(ErrorCode::BadRequest, "", &detail)).await,
            Ok(_) if is_nobody(self.connection) => {
                let code = ErrorCode::Unauthenticated;
                let detail = ErrorDetail { id, message: code.meaning().into(), ..ErrorDetail::default() };
                self.connection.answer(wire::error(code, "", &detail)).await;
            }
            Ok(Command::Subscribe { id, channels }) => {
                for wanted in channels {
                    self.subscribe(id, wanted).await;
                }
            }
            Ok(Command::Unsubscribe { id, channels }) => {
                for name in channels {
                    if let Ok(channel) = ChannelName::parse(&name) {
                        self.hub.unsubscribe(self.connection, &channel);
                    }
                }
                self.acknowledge(id, None).await;
            }
            Ok(Command::Rate { id, channel, max_hz }) => match self.set_rate(id, &channel, max_hz) {
                Ok(()) => self.acknowledge(id, None).await,
                Err(refusal) => self.connection.answer(refusal.envelope).await,
            },
        }
        None
    }

    async fn acknowledge(&self, id: u64, server_time: Option<u64>) {
        self.connection.answer(wire::system(name::ACK, "", &CommandAck { id, server_time })).await;
    }

    /// One command too many. Whoever goes on like that is closed.
    async fn refuse(&mut self, id: Option<u64>, after: Duration) -> Option<Ended> {
        let now = Instant::now();
        if now - self.refused.0 > ABUSE_WINDOW {
            self.refused = (now, 0);
        }
        self.refused.1 += 1;
        let code = ErrorCode::RateLimited;
        let retry_after_ms = Some((after.as_millis() as u64).max(1));
        let detail =
            ErrorDetail { id, message: code.meaning().into(), retry_after_ms, ..ErrorDetail::default() };
        let envelope = wire::error(code, "", &detail);
        if self.refused.1 > REFUSED_MAX {
            return Some((End::Closed(code), Some(envelope)));
        }
        self.connection.answer(envelope).await;
        None
    }

    /// Takes a token. A first one that is bad ends the connection, a later one changes nothing.
    async fn authenticate(&self, id: u64, token: &Secret) -> Option<Ended> {
        let before = self.connection.identity();
        let token = String::from_utf8_lossy(token.expose());
        let refused = match self.auth.identify(&token, self.address).await {
            Ok(identity) => {
                let taken = self.auth.sessions().refresh(self.connection.session_id(), identity.clone());
                let Err(fault) = taken else {
                    self.connection.set_identity(identity);
                    self.acknowledge(id, None).await;
                    self.connection.answer(accepted(&self.connection.identity())).await;
                    review(self.hub, self.connection).await;
                    return None;
                };
                let message = fault.code().meaning().into();
                let detail = ErrorDetail { id: Some(id), message, ..ErrorDetail::default() };
                let code = fault.code();
                return Some((End::Closed(code), Some(wire::error(code, "", &detail))));
            }
            Err(refused) => refused,
        };
        let detail = ErrorDetail { id: Some(id), ..detail(&refused) };
        let envelope = wire::error(refused.code, "", &detail);
        if before.subject.is_none() || refused.code == ErrorCode::RateLimited {
            return Some((End::Closed(refused.code), Some(envelope)));
        }
        self.connection.answer(envelope).await;
        None
    }

    async fn subscribe(&self, id: u64, wanted: Wanted) {
        let refusal = match resolve(self.hub, self.connection, &wanted.name, Some(id)) {
            Ok(channel) => {
                let since = match wanted.since.as_deref().map(Position::parse) {
                    None => Since::Nothing,
                    Some(Ok(position)) => Since::At(position),
                    Some(Err(_)) => Since::Invalid,
                };
                let request =
                    Request { id: Some(id), channel: channel.clone(), max_hz: wanted.max_hz, since };
                match self.hub.subscribe(self.connection, request).await {
                    Ok(()) => return,
                    Err(code) => Refusal::of(&channel, code, Some(id)),
                }
            }
            Err(refusal) => refusal,
        };
        self.connection.answer(refusal.envelope).await;
    }

    fn set_rate(&self, id: u64, name: &str, max_hz: Option<f64>) -> Result<(), Refusal> {
        let channel = resolve(self.hub, self.connection, name, Some(id))?;
        let set = self.hub.set_rate(self.connection, &channel, max_hz);
        set.map_err(|code| Refusal::of(&channel, code, Some(id)))
    }
}

/// What ended the reading: a message that is too large or breaks the standard is told, a link that broke cannot be.
fn broken(error: &axum::Error) -> End {
    use std::error::Error as _;
    match error.source().and_then(|source| source.downcast_ref()) {
        Some(tungstenite::Error::Capacity(_)) => End::Closed(ErrorCode::PayloadTooLarge),
        Some(tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => End::Gone,
        Some(tungstenite::Error::Utf8(_) | tungstenite::Error::Protocol(_)) => {
            End::Closed(ErrorCode::BadRequest)
        }
        _ => {
            tracing::debug!(%error, "reading ended");
            End::Gone
        }
    }
}
