//! `GET /api/live/poll?channels=a,b&cursor=c&wait=25`: what a client lacks, as soon as there is something.
//!
//! Nothing waits for a client between two polls: each goes on from the positions in its cursor, which any
//! gateway can do. The work is that of a stream which ends with its first flush.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use live_core::channel::Mode;
use live_core::cursor::CursorWriter;
use live_core::outbox::Measured;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::channels::Refusal;
use super::question::{Came, Params, Question};
use super::session::{Lifecycle, goodbye, greeting, heartbeats};
use super::token::follow;
use crate::auth::{Auth, Caller};
use crate::error::{AppError, AppQuery};
use crate::hub::{Connection, Hub, Out};
use crate::random;
use crate::rate::Rate;

/// Longest time that an answer is waited for, in seconds, and the time where nothing is said.
const WAIT_MAX: u64 = 25;
/// About how many bytes of envelopes one answer has; what is more comes with the next. The snapshot of a keyed
/// channel is never divided.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Answers as soon as there is something, or after the time that the client waits.
///
/// # Errors
/// When the question is not understood, the token is bad or ends meanwhile, the process stops or takes on no more, or none of the channels can be had.
pub async fn open(
    State(hub): State<Arc<Hub>>,
    State(auth): State<Arc<Auth>>,
    State(opens): State<Arc<Rate>>,
    State(lifecycle): State<Lifecycle>,
    caller: Caller,
    AppQuery(params): AppQuery<Params>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    if lifecycle.draining.is_cancelled() {
        return Err(AppError::draining());
    }
    let wait = params.wait.unwrap_or(WAIT_MAX);
    if wait > WAIT_MAX {
        return Err(AppError::bad_request("wait", "is not a number of seconds from 0 to 25"));
    }
    let _held = lifecycle.tasks.token();
    let came = Came::read(&headers, &params);
    let (connection, mut session) = caller.go_on(&auth, &hub, &opens, came.session())?;
    let question = Question::read(&hub, &connection, &params, &came)?;
    let mut cursor = question.cursor(Some(connection.session_id()));
    let poll = Poll { hub: &hub, connection: &connection, batch: Vec::new(), bytes: 0 };
    let grace = auth.sessions().grace();
    let batch = tokio::select! {
        batch = poll.run(question, Duration::from_secs(wait), &lifecycle.draining) => batch,
        code = follow(&hub, &connection, &mut session, grace) => return Err(AppError::of(code)),
    };
    // It says what the time is, and the answer may have been held back for long.
    let greeting = Out::Notice(greeting(&hub, &connection));
    let body = answer(std::iter::once(&greeting).chain(&batch), &mut cursor);
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, body).into_response())
}

/// One poll on its way.
struct Poll<'a> {
    hub: &'a Hub,
    connection: &'a Connection,
    batch: Vec<Out>,
    bytes: usize,
}

impl Poll<'_> {
    /// Gathers what there is. A client that goes away drops this, and with it everything that it holds.
    async fn run(mut self, question: Question, wait: Duration, draining: &CancellationToken) -> Vec<Out> {
        let deadline = Instant::now() + wait;
        // What follows something within a moment travels with it.
        let mut flush_at = None;
        let mut is_subscribed = false;
        let mut subscribing = std::pin::pin!(question.subscribe(self.hub, self.connection));
        loop {
            let (next_due, is_full) = self.gather().await;
            if is_full {
                break;
            }
            let now = Instant::now();
            if flush_at.is_none() && self.has_news() {
                flush_at = Some(now + self.hub.settings().coalesce);
            }
            let is_over = flush_at.is_some_and(|at| now >= at) || now >= deadline;
            if is_subscribed && (is_over || draining.is_cancelled()) {
                break;
            }
            let until = flush_at.map_or(deadline, |at| at.min(deadline));
            let until = next_due.map_or(until, |due| due.min(until));
            tokio::select! {
                () = &mut subscribing, if !is_subscribed => is_subscribed = true,
                () = self.connection.wait() => {}
                () = sleep_until(until), if is_subscribed => {}
                () = draining.cancelled(), if is_subscribed => {}
            }
        }
        if draining.is_cancelled() {
            self.batch.push(goodbye(random::within(self.hub.settings().reconnect_window)));
        } else if !self.has_news() {
            self.batch.extend(heartbeats(self.hub, self.connection));
        }
        self.batch
    }

    /// Takes what can be had now. Returns when to look again, and whether the answer is full.
    async fn gather(&mut self) -> (Option<Instant>, bool) {
        loop {
            let before = self.batch.len();
            // Once it is full: one by one, up to where it may end.
            let room = ANSWER_BYTES_MAX.saturating_sub(self.bytes).max(1);
            let drained = self.connection.drain(&mut self.batch, room);
            self.bytes += self.batch[before..].iter().map(Measured::len_bytes).sum::<usize>();
            if self.bytes >= ANSWER_BYTES_MAX && (drained.is_exhausted || self.may_end()) {
                return (None, true);
            }
            if !drained.is_exhausted {
                continue;
            }
            let Some((ticket, channel)) = drained.behind else { return (drained.next_due, false) };
            if let Err(code) = self.hub.catch_up(self.connection, ticket, &channel).await {
                self.batch.push(Out::Notice(Refusal::of(&channel, code, None).envelope));
            }
        }
    }

    /// Whether the last envelope can be the answer's. Within the snapshot of a keyed channel it cannot: its items are
    /// as old as their keys, and from the position of one that has left the history nobody can go on, so that the
    /// next poll would begin at the first item again. What comes of a keyed channel in a row is at most its snapshot
    /// or a lane, 1,000 keys each.
    fn may_end(&self) -> bool {
        match self.batch.last() {
            Some(Out::Publication(last)) => self.hub.mode(last.channel()) != Some(Mode::Keyed),
            _ => true,
        }
    }

    fn has_news(&self) -> bool {
        self.batch.iter().any(Out::is_news)
    }
}

/// The answer's text, and the cursor that goes with it.
fn answer<'a>(outs: impl Iterator<Item = &'a Out> + Clone, cursor: &mut CursorWriter) -> Vec<u8> {
    for out in outs.clone() {
        if let Some((channel, epoch, seq)) = out.position() {
            cursor.set(channel, epoch, seq);
        }
    }
    let envelopes = outs.map(Out::envelope).filter(|envelope| !envelope.is_empty());
    let len = envelopes.clone().map(|envelope| envelope.len() + 1).sum::<usize>();
    let mut text = Vec::with_capacity(len + cursor.as_str().len() + 32);
    // A cursor has no character that JSON would escape.
    text.extend_from_slice(b"{\"cursor\":\"");
    text.extend_from_slice(cursor.as_str().as_bytes());
    text.extend_from_slice(b"\",\"envelopes\":[");
    for (at, envelope) in envelopes.enumerate() {
        if at > 0 {
            text.push(b',');
        }
        text.extend_from_slice(envelope);
    }
    text.extend_from_slice(b"]}");
    text
}

#[cfg(test)]
mod tests;
