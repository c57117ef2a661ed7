//! `GET /api/live/sse?channels=a,b`: an event stream of envelopes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use live_core::cursor::CursorWriter;
use live_core::outbox::Measured;
use tokio::time::timeout;

use super::handover::{Giver, handover};
use super::question::{Came, Params, Question, first_cursor};
use super::session::{End, Gone, Lifecycle, Sink, greet, write_all};
use super::token::{follow, last_words};
use crate::auth::sessions::Session;
use crate::auth::{Auth, Caller};
use crate::error::{AppError, AppQuery};
use crate::hub::{Connection, Hub, Out};
use crate::random;

/// Least time that a browser's own `EventSource` waits before it comes back.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// Window on top of it, so that not all come back at once.
const RETRY_WINDOW: Duration = Duration::from_secs(4);
/// How long the last words to a client may take.
const LAST_TIMEOUT: Duration = Duration::from_secs(2);
/// What an event takes besides its envelope, and a little more.
const FRAME_LEN: usize = 16;

/// Opens a stream over the channels that can be had.
///
/// # Errors
/// When the question is not understood, the process stops, or none of the channels can be had.
pub async fn open(
    State(hub): State<Arc<Hub>>,
    State(auth): State<Arc<Auth>>,
    State(lifecycle): State<Lifecycle>,
    caller: Caller,
    AppQuery(params): AppQuery<Params>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    if lifecycle.draining.is_cancelled() {
        return Err(AppError::draining());
    }
    let came = Came::read(&headers, &params);
    caller.somebody()?;
    let connection = hub.connect(None);
    connection.hear_asides();
    let session = caller.open(&auth, &connection)?;
    let question = Question::read(&hub, &connection, &params, &came)?;
    let first_cursor = first_cursor(&came, &headers, &params);
    // One chunk at a time: what more there is waits in the outbox, which is bounded and merges.
    let (chunks, body) = handover();
    let sink =
        SseSink { chunks: Arc::new(chunks), cursor: question.cursor(None), first_cursor: Some(first_cursor) };
    let tasks = lifecycle.tasks.clone();
    let grace = auth.sessions().grace();
    let stream = Stream { hub, lifecycle, connection, session, grace };
    tasks.spawn(stream.run(question, sink));
    let body =
        stream::poll_fn(move |context| body.poll_take(context).map(|chunk| chunk.map(Ok::<_, Infallible>)));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// A client's stream.
struct Stream {
    hub: Arc<Hub>,
    lifecycle: Lifecycle,
    connection: Connection,
    session: Session,
    grace: Duration,
}

impl Stream {
    /// Runs until the client is gone or its token ends. The subscriptions end with it.
    async fn run(mut self, question: Question, mut sink: SseSink) {
        let (hub, connection) = (&*self.hub, &self.connection);
        let chunks = Arc::clone(&sink.chunks);
        greet(hub, connection).await;
        let subscribing = async {
            // Its room is given back once it is done; the stream lasts.
            Box::pin(question.subscribe(hub, connection)).await;
            // The stream goes on for as long as it is written.
            std::future::pending::<()>().await;
        };
        let (end, last) = tokio::select! {
            end = write_all(hub, connection, &mut sink, &self.lifecycle) => (end, Vec::new()),
            () = subscribing => (End::Gone, Vec::new()),
            () = chunks.closed() => (End::Gone, Vec::new()),
            code = follow(hub, connection, &mut self.session, self.grace) => (End::Closed(code), last_words(code)),
        };
        tracing::debug!(session = connection.session_id(), ?end, "stream ended");
        if !last.is_empty() {
            // Whoever does not read it is closed all the same.
            let _told = timeout(LAST_TIMEOUT, sink.write(&last)).await;
        }
    }
}

/// Frames envelopes as events and keeps the cursor.
struct SseSink {
    chunks: Arc<Giver>,
    /// How far each channel has been sent.
    cursor: CursorWriter,
    /// What goes with the greeting; gone when that was sent.
    first_cursor: Option<Box<str>>,
}

impl Sink for SseSink {
    async fn write(&mut self, batch: &[Out]) -> Result<(), Gone> {
        let chunk = self.frame(batch);
        if self.chunks.give(chunk).await { Ok(()) } else { Err(Gone) }
    }
}

impl SseSink {
    /// One event an envelope; the last of the batch and the greeting carry a cursor, the first of the stream
    /// the time to come back after.
    fn frame(&mut self, batch: &[Out]) -> Bytes {
        let len = batch.iter().map(|out| out.len_bytes() + FRAME_LEN).sum::<usize>();
        let mut chunk = Vec::with_capacity(len + self.cursor.as_str().len() + FRAME_LEN);
        if self.first_cursor.is_some() {
            let retry_ms = (RETRY_MIN + random::within(RETRY_WINDOW)).as_millis();
            chunk.extend_from_slice(format!("retry: {retry_ms}\n").as_bytes());
        }
        for out in batch {
            if let Some((channel, epoch, seq)) = out.position() {
                self.cursor.set(channel, epoch, seq);
            }
        }
        let mut envelopes =
            batch.iter().map(Out::envelope).filter(|envelope| !envelope.is_empty()).peekable();
        while let Some(envelope) = envelopes.next() {
            chunk.extend_from_slice(b"data: ");
            chunk.extend_from_slice(envelope);
            chunk.push(b'\n');
            let greeting = self.first_cursor.take();
            let cursor = match &greeting {
                Some(cursor) => Some(&**cursor),
                None => envelopes.peek().is_none().then(|| self.cursor.as_str()),
            };
            if let Some(cursor) = cursor {
                chunk.extend_from_slice(b"id: ");
                chunk.extend_from_slice(cursor.as_bytes());
                chunk.push(b'\n');
            }
            chunk.push(b'\n');
        }
        chunk.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::{Message, Publication};
    use live_core::channel::ChannelName;

    fn value(seq: u64) -> Out {
        let channel = ChannelName::parse("price:A").expect("a good name");
        let data = Bytes::from_static(b"1");
        let message = Message { channel, event: "test.made".into(), ts: 1, key: 0, data, idempotency: None };
        Out::Publication(Arc::new(Publication::new(message, "abcdefgh".into(), seq)))
    }

    fn ids(chunk: &Bytes) -> Vec<String> {
        let text = String::from_utf8(chunk.to_vec()).expect("text");
        let events = text.split_terminator("\n\n");
        let id = |event: &str| event.lines().find_map(|line| line.strip_prefix("id: ").map(str::to_owned));
        events.map(|event| id(event).unwrap_or_default()).collect()
    }

    #[test]
    fn the_greeting_and_the_last_event_of_every_flush_carry_a_cursor() {
        let (chunks, _body) = handover();
        let first_cursor = Some("1.price:A@abcdefgh:7".into());
        let mut sink = SseSink { chunks: Arc::new(chunks), cursor: CursorWriter::new(None), first_cursor };
        let hello = Out::Notice(Bytes::from_static(b"{}"));
        let after = |seq| format!("1.price:A@abcdefgh:{seq}");
        assert_eq!(ids(&sink.frame(&[hello, value(8), value(9)])), [after(7), String::new(), after(9)]);
        assert_eq!(ids(&sink.frame(&[value(10)])), [after(10)]);
        let unsaid = Out::Notice(Bytes::new());
        assert_eq!(ids(&sink.frame(&[value(11), value(12), unsaid])), [String::new(), after(12)]);
    }
}
