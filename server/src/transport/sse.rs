//! `GET /api/live/sse?channels=a,b`: an event stream of envelopes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use live_core::channel::ChannelName;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::channels::{Refusal, resolve};
use super::session::{End, Gone, Lifecycle, Sink, greet, write_all};
use crate::error::{AppError, AppQuery};
use crate::hub::{Connection, Hub, Out, Request};
use crate::random;

/// Least time that a browser's own `EventSource` waits before it comes back.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// Window on top of it, so that not all come back at once.
const RETRY_WINDOW: Duration = Duration::from_secs(4);

/// Most names in one question.
const NAMES_MAX: usize = 1_000;

/// What the question may say.
#[derive(Debug, Deserialize)]
pub struct Params {
    /// Names of channels, separated by commas.
    #[serde(default)]
    channels: String,
}

/// Opens a stream over the channels that can be had.
///
/// # Errors
/// When none can: the refusal of the first one.
pub async fn open(
    State(hub): State<Arc<Hub>>,
    State(lifecycle): State<Lifecycle>,
    AppQuery(params): AppQuery<Params>,
) -> Result<Response, AppError> {
    if lifecycle.draining.is_cancelled() {
        return Err(AppError::draining());
    }
    if params.channels.is_empty() {
        return Err(AppError::bad_request("channels", "names no channel"));
    }
    let mut seen = BTreeSet::new();
    let names: Vec<&str> = params.channels.split(',').filter(|name| seen.insert(*name)).collect();
    if names.len() > NAMES_MAX {
        return Err(AppError::bad_request("channels", "names more than 1000 channels"));
    }
    let wanted: Vec<_> = names.into_iter().map(|name| resolve(&hub, name, None)).collect();
    if wanted.iter().all(Result::is_err)
        && let Some(Err(refusal)) = wanted.first()
    {
        return Err(AppError::envelope(refusal.code, refusal.envelope.clone()));
    }
    // One chunk at a time: what more there is waits in the outbox, which is bounded and merges.
    let (chunks, body) = mpsc::channel(1);
    let tasks = lifecycle.tasks.clone();
    tasks.spawn(serve(hub, lifecycle, wanted, chunks));
    let body = stream::unfold(body, |mut body| async {
        let chunk: Bytes = body.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), body))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Runs a stream until its client is gone. Its subscriptions end with it.
async fn serve(
    hub: Arc<Hub>,
    lifecycle: Lifecycle,
    wanted: Vec<Result<ChannelName, Refusal>>,
    chunks: mpsc::Sender<Bytes>,
) {
    let connection = hub.connect();
    let mut sink = SseSink { chunks: chunks.clone(), cursor: BTreeMap::new(), has_retry: false };
    greet(&hub, &connection).await;
    let subscribing = async {
        for channel in wanted {
            subscribe(&hub, &connection, channel).await;
        }
        // The stream goes on for as long as it is written.
        std::future::pending::<()>().await;
    };
    let end = tokio::select! {
        end = write_all(&hub, &connection, &mut sink, &lifecycle) => end,
        () = subscribing => End::Gone,
        () = chunks.closed() => End::Gone,
    };
    tracing::debug!(session = connection.session_id(), ?end, "stream ended");
}

async fn subscribe(hub: &Hub, connection: &Connection, wanted: Result<ChannelName, Refusal>) {
    let refusal = match wanted {
        Ok(channel) => {
            let request = Request { id: None, channel: channel.clone(), max_hz: None };
            match hub.subscribe(connection, request).await {
                Ok(()) => return,
                Err(code) => Refusal::of(&channel, code, None),
            }
        }
        Err(refusal) => refusal,
    };
    connection.answer(refusal.envelope).await;
}

/// Frames envelopes as events and keeps the cursor.
struct SseSink {
    chunks: mpsc::Sender<Bytes>,
    /// How far each channel has been sent.
    cursor: BTreeMap<ChannelName, (Arc<str>, u64)>,
    has_retry: bool,
}

impl Sink for SseSink {
    async fn write(&mut self, batch: &[Out]) -> Result<(), Gone> {
        let chunk = self.frame(batch);
        self.chunks.send(chunk).await.map_err(|_| Gone)
    }
}

impl SseSink {
    /// One event an envelope; the last of the batch carries the cursor, the first of the stream the time
    /// to come back after.
    fn frame(&mut self, batch: &[Out]) -> Bytes {
        let mut chunk = Vec::new();
        if !self.has_retry {
            self.has_retry = true;
            let retry_ms = (RETRY_MIN + random::within(RETRY_WINDOW)).as_millis();
            chunk.extend_from_slice(format!("retry: {retry_ms}\n").as_bytes());
        }
        for out in batch {
            if let Some((channel, epoch, seq)) = out.position() {
                self.cursor.insert(channel.clone(), (Arc::clone(epoch), seq));
            }
        }
        let mut envelopes =
            batch.iter().flat_map(Out::envelopes).filter(|envelope| !envelope.is_empty()).peekable();
        while let Some(envelope) = envelopes.next() {
            chunk.extend_from_slice(b"data: ");
            chunk.extend_from_slice(envelope);
            chunk.push(b'\n');
            if envelopes.peek().is_none() && !self.cursor.is_empty() {
                chunk.extend_from_slice(format!("id: {}\n", self.cursor_text()).as_bytes());
            }
            chunk.push(b'\n');
        }
        chunk.into()
    }

    /// `channel@epoch:seq`, separated by commas: opaque to clients, and safe in a URL as it is.
    fn cursor_text(&self) -> String {
        let mut text = String::new();
        for (channel, (epoch, seq)) in &self.cursor {
            let comma = if text.is_empty() { "" } else { "," };
            // Writing to a text cannot fail.
            let _ok = write!(text, "{comma}{channel}@{epoch}:{seq}");
        }
        text
    }
}
