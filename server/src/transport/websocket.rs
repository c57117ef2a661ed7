//! `GET /api/live/ws`: envelopes in frames one way, commands the other.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use live_core::error::ErrorCode;
use serde::Deserialize;
use tokio::time::timeout;

use super::pulse::{Pinger, Pulse};
use super::reader::Reader;
use super::session::{End, Gone, Lifecycle, Sink, greet, write_all};
use super::token::{follow, is_nobody, last_words};
use crate::auth::sessions::Session;
use crate::auth::{Auth, Caller};
use crate::error::{AppError, AppQuery};
use crate::hub::{Connection, Hub, Out};
use crate::listener::Place;

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

/// Upgrades a request; whether its page may connect has been judged before.
///
/// # Errors
/// When the token is bad, the process stops, or `frames` is not known.
pub async fn open(
    State(hub): State<Arc<Hub>>,
    State(auth): State<Arc<Auth>>,
    State(lifecycle): State<Lifecycle>,
    caller: Caller,
    AppQuery(params): AppQuery<Params>,
    place: Option<Extension<Place>>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, AppError> {
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
    let connection = hub.connect(None);
    connection.hear_asides();
    let session = caller.open(&auth, &connection)?;
    // The framework runs the session in a task of its own; the token makes it one of ours, and with the
    // place it still counts as a connection.
    let held = (lifecycle.tasks.token(), place);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _held = held;
        let served = Served { hub: &hub, auth: &auth, lifecycle: &lifecycle, address: caller.address };
        served.run(connection, session, socket, framing).await;
    }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Text,
    Binary,
}

/// What a socket is served with.
struct Served<'a> {
    hub: &'a Hub,
    auth: &'a Auth,
    lifecycle: &'a Lifecycle,
    address: Option<IpAddr>,
}

impl Served<'_> {
    /// Runs a socket until one end closes it. Its subscriptions end with it.
    async fn run(&self, connection: Connection, mut session: Session, socket: WebSocket, framing: Framing) {
        let hub = self.hub;
        greet(hub, &connection).await;
        let (to_peer, mut from_peer) = socket.split();
        let pulse = Pulse::default();
        let mut sink =
            WebSocketSink { to_peer, framing, pinger: Pinger::new(&pulse, hub.settings().heartbeat) };
        let mut reader = Reader::new(hub, self.auth, &connection, self.address, &pulse);
        let grace = self.auth.sessions().grace();
        let (end, last) = tokio::select! {
            end = write_all(hub, &connection, &mut sink, self.lifecycle) => (end, Vec::new()),
            (end, last) = reader.run(&mut from_peer) => (end, last.into_iter().map(Out::Notice).collect()),
            code = follow(hub, &connection, &mut session, grace) => (End::Closed(code), last_words(code)),
            code = self.unauthenticated(&connection) => (End::Closed(code), last_words(code)),
            () = pulse.lost() => (End::Closed(ErrorCode::PingTimeout), Vec::new()),
        };
        tracing::debug!(session = connection.session_id(), ?end, "socket ended");
        // Nothing is delivered to a connection that is being closed.
        drop((connection, session));
        if !last.is_empty() {
            // Whoever does not read it is closed all the same.
            let _told = timeout(CLOSE_TIMEOUT, sink.write(&last)).await;
        }
        match end {
            End::Closed(code) => sink.close(code, &mut from_peer).await,
            End::Left => sink.part(&mut from_peer).await,
            End::Gone => {}
        }
    }

    /// Ends when a client has not said in time who it is, where that is needed.
    async fn unauthenticated(&self, connection: &Connection) -> ErrorCode {
        tokio::time::sleep(self.auth.settings().within).await;
        match is_nobody(connection) {
            true => ErrorCode::Unauthenticated,
            false => std::future::pending().await,
        }
    }
}

struct WebSocketSink<'a> {
    to_peer: SplitSink<WebSocket, Message>,
    framing: Framing,
    pinger: Pinger<'a>,
}

impl Sink for WebSocketSink<'_> {
    async fn write(&mut self, batch: &[Out]) -> Result<(), Gone> {
        let pulse = self.pinger.pulse();
        let mut write = pin!(self.write_now(batch));
        let mut was_blocked = false;
        let written = poll_fn(|context| {
            let written = write.as_mut().poll(context);
            was_blocked |= written.is_pending();
            written
        });
        let written = written.await;
        if was_blocked {
            // Somebody takes what is written, if slowly, and finds the pings behind it.
            pulse.heard();
        }
        written
    }
}

impl WebSocketSink<'_> {
    async fn write_now(&mut self, batch: &[Out]) -> Result<(), Gone> {
        for frame in frames(batch) {
            let message = match self.framing {
                Framing::Text => Message::Text(frame.try_into().map_err(|_| Gone)?),
                Framing::Binary => Message::Binary(frame),
            };
            self.to_peer.feed(message).await.map_err(|_| Gone)?;
        }
        // A heartbeat is written at its time, or what waits before it.
        if self.pinger.is_due() {
            self.to_peer.feed(Message::Ping(Bytes::new())).await.map_err(|_| Gone)?;
        }
        self.to_peer.flush().await.map_err(|_| Gone)
    }

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
