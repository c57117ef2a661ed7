//! `GET /api/live/ws`: envelopes in frames one way, commands the other.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use live_core::channel::ChannelName;
use live_core::error::ErrorCode;
use live_core::sequence::Position;
use live_core::system::{CommandAck, name};
use serde::Deserialize;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;

use super::channels::{Refusal, resolve};
use super::command::{Command, Wanted};
use super::session::{End, Gone, Lifecycle, Sink, greet, write_all};
use crate::error::{AppError, AppQuery};
use crate::hub::{Connection, Hub, Out, Request, Since};
use crate::listener::Place;
use crate::origin::Origins;
use crate::wire;

/// Largest message and frame that a client may send.
const INCOMING_MAX: usize = 64 * 1024;
/// Read buffer of a connection; the library's own default would be most of what an idle one costs.
const READ_BUFFER: usize = 4 * 1024;
/// Most bytes that wait within the library.
const WRITE_BUFFER_MAX: usize = 1024 * 1024;
/// About how large a frame gets; an envelope that is larger has one of its own.
const FRAME_LEN_MAX: usize = 64 * 1024;
/// How long the goodbye to a peer may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the question may say.
#[derive(Debug, Deserialize)]
pub struct Params {
    #[serde(default)]
    frames: Option<String>,
}

/// Upgrades a request of a page that may connect.
///
/// # Errors
/// When the page's origin is not allowed, the process stops, or `frames` is not known.
pub async fn open(
    State(hub): State<Arc<Hub>>,
    State(lifecycle): State<Lifecycle>,
    State(origins): State<Arc<Origins>>,
    AppQuery(params): AppQuery<Params>,
    place: Option<Extension<Place>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, AppError> {
    if !origins.allow(&headers) {
        return Err(AppError::forbidden("pages of this origin may not connect"));
    }
    if lifecycle.draining.is_cancelled() {
        return Err(AppError::draining());
    }
    let framing = match params.frames.as_deref() {
        None | Some("text") => Framing::Text,
        Some("binary") => Framing::Binary,
        Some(_) => return Err(AppError::bad_request("frames", "is not text or binary")),
    };
    let upgrade = upgrade.map_err(|rejection| AppError::bad_request("upgrade", &rejection.body_text()))?;
    let upgrade = upgrade
        .max_message_size(INCOMING_MAX)
        .max_frame_size(INCOMING_MAX)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_MAX);
    // The framework runs the session in a task of its own; the token makes it one of ours, and with the
    // place it still counts as a connection.
    let held = (lifecycle.tasks.token(), place);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _held = held;
        serve(&hub, &lifecycle, socket, framing).await;
    }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Text,
    Binary,
}

/// Runs a socket until one end closes it. Its subscriptions end with it.
async fn serve(hub: &Hub, lifecycle: &Lifecycle, socket: WebSocket, framing: Framing) {
    let connection = hub.connect(None);
    greet(hub, &connection).await;
    let (to_peer, mut from_peer) = socket.split();
    let mut sink = WebSocketSink { to_peer, framing };
    let end = tokio::select! {
        end = write_all(hub, &connection, &mut sink, lifecycle) => end,
        end = read_all(hub, &connection, &mut from_peer) => end,
    };
    tracing::debug!(session = connection.session_id(), ?end, "socket ended");
    // Nothing is delivered to a connection that is being closed.
    drop(connection);
    match end {
        End::Closed(code) => sink.close(code, &mut from_peer).await,
        End::Left => sink.part(&mut from_peer).await,
        End::Gone => {}
    }
}

/// Takes commands one after the other.
async fn read_all(hub: &Hub, connection: &Connection, from_peer: &mut SplitStream<WebSocket>) -> End {
    while let Some(message) = from_peer.next().await {
        let command = match &message {
            Ok(Message::Text(text)) => Command::read(text.as_bytes()),
            Ok(Message::Binary(bytes)) => Command::read(bytes),
            // The library answers these by itself.
            Ok(Message::Ping(_) | Message::Pong(_)) => continue,
            Ok(Message::Close(_)) => return End::Left,
            Err(error) => return broken(error),
        };
        match command {
            Ok(Command::Subscribe { id, channels }) => {
                for wanted in channels {
                    subscribe(hub, connection, id, wanted).await;
                }
            }
            Ok(Command::Unsubscribe { id, channels }) => {
                for name in channels {
                    if let Ok(channel) = ChannelName::parse(&name) {
                        hub.unsubscribe(connection, &channel);
                    }
                }
                connection.answer(wire::system(name::ACK, "", &CommandAck { id, server_time: None })).await;
            }
            Ok(Command::Rate { id, channel, max_hz }) => {
                let answer = match set_rate(hub, connection, id, &channel, max_hz) {
                    Ok(()) => wire::system(name::ACK, "", &CommandAck { id, server_time: None }),
                    Err(refusal) => refusal.envelope,
                };
                connection.answer(answer).await;
            }
            Ok(Command::Ping { id }) => {
                let ack = CommandAck { id, server_time: Some(wire::now_ms()) };
                connection.answer(wire::system(name::ACK, "", &ack)).await;
            }
            Err(detail) => connection.answer(wire::error(ErrorCode::BadRequest, "", &detail)).await,
        }
    }
    End::Gone
}

async fn subscribe(hub: &Hub, connection: &Connection, id: u64, wanted: Wanted) {
    let refusal = match resolve(hub, connection, &wanted.name, Some(id)) {
        Ok(channel) => {
            let since = match wanted.since.as_deref().map(Position::parse) {
                None => Since::Nothing,
                Some(Ok(position)) => Since::At(position),
                Some(Err(_)) => Since::Invalid,
            };
            let request = Request { id: Some(id), channel: channel.clone(), max_hz: wanted.max_hz, since };
            match hub.subscribe(connection, request).await {
                Ok(()) => return,
                Err(code) => Refusal::of(&channel, code, Some(id)),
            }
        }
        Err(refusal) => refusal,
    };
    connection.answer(refusal.envelope).await;
}

fn set_rate(
    hub: &Hub,
    connection: &Connection,
    id: u64,
    name: &str,
    max_hz: Option<f64>,
) -> Result<(), Refusal> {
    let channel = resolve(hub, connection, name, Some(id))?;
    hub.set_rate(connection, &channel, max_hz).map_err(|code| Refusal::of(&channel, code, Some(id)))
}

/// What ended the reading: a message that is too large is told, a link that broke cannot be.
fn broken(error: &axum::Error) -> End {
    use std::error::Error as _;
    match error.source().and_then(|source| source.downcast_ref()) {
        Some(tungstenite::Error::Capacity(_)) => End::Closed(ErrorCode::PayloadTooLarge),
        Some(tungstenite::Error::Utf8(_)) => End::Closed(ErrorCode::BadRequest),
        _ => {
            tracing::debug!(%error, "reading ended");
            End::Gone
        }
    }
}

struct WebSocketSink {
    to_peer: SplitSink<WebSocket, Message>,
    framing: Framing,
}

impl Sink for WebSocketSink {
    async fn write(&mut self, batch: &[Out]) -> Result<(), Gone> {
        for frame in frames(batch) {
            let message = match self.framing {
                Framing::Text => Message::Text(frame.try_into().map_err(|_| Gone)?),
                Framing::Binary => Message::Binary(frame),
            };
            self.to_peer.feed(message).await.map_err(|_| Gone)?;
        }
        self.to_peer.flush().await.map_err(|_| Gone)
    }
}

impl WebSocketSink {
    /// Lets the library's answer to the peer's goodbye go out, and the peer close, as the protocol wants it.
    async fn part(&mut self, from_peer: &mut SplitStream<WebSocket>) {
        let answered = async {
            // The close has been answered already when there is nothing to flush.
            let _flushed = self.to_peer.flush().await;
            while let Some(Ok(_)) = from_peer.next().await {}
        };
        let _closed = timeout(CLOSE_TIMEOUT, answered).await;
    }

    /// Says goodbye and waits a moment for the peer to say it too, so that the reason is not lost to a reset.
    async fn close(&mut self, code: ErrorCode, from_peer: &mut SplitStream<WebSocket>) {
        let Some(number) = code.close_code() else { return };
        let frame = CloseFrame { code: number, reason: code.as_str().into() };
        // Reading goes on meanwhile: a peer may be stuck in writing to us, and what is left unread when a
        // socket is closed takes with it what was written.
        let goodbye = async {
            let read = async { while let Some(Ok(_)) = from_peer.next().await {} };
            tokio::join!(self.to_peer.send(Message::Close(Some(frame))), read)
        };
        // A peer that does not answer has been told all the same.
        let _answered = timeout(CLOSE_TIMEOUT, goodbye).await;
    }
}

/// Joins envelopes to frames, separated by newlines.
fn frames(batch: &[Out]) -> Vec<Bytes> {
    let envelopes = batch.iter().map(Out::envelope).filter(|envelope| !envelope.is_empty());
    let mut rest = envelopes.clone();
    if let (Some(only), None) = (rest.next(), rest.next()) {
        // Most frames have one envelope; its bytes are shared as they are.
        return vec![only.clone()];
    }
    let len = envelopes.clone().map(|envelope| envelope.len() + 1).sum::<usize>();
    let mut frames = Vec::with_capacity(1);
    let mut frame: Vec<u8> = Vec::with_capacity(len.min(FRAME_LEN_MAX));
    for envelope in envelopes {
        if !frame.is_empty() && frame.len() + envelope.len() >= FRAME_LEN_MAX {
            frames.push(std::mem::take(&mut frame).into());
        }
        if !frame.is_empty() {
            frame.push(b'\n');
        }
        frame.extend_from_slice(envelope);
    }
    if !frame.is_empty() {
        frames.push(frame.into());
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_share_frames_up_to_a_size() {
        let notice = |len: usize| Out::Notice(vec![b'x'; len].into());
        let lens = |batch: &[Out]| frames(batch).iter().map(Bytes::len).collect::<Vec<_>>();
        assert_eq!(lens(&[notice(3), notice(0), notice(4)]), [8]);
        assert_eq!(lens(&[notice(40_000), notice(20_000), notice(20_000)]), [60_001, 20_000]);
        assert_eq!(lens(&[notice(10), notice(65_536), notice(10)]), [10, 65_536, 10]);
        assert_eq!(lens(&[notice(0)]), [0usize; 0]);
    }
}
