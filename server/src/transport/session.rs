//! The life of one client on any transport: greeting, values, heartbeats, goodbye.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use live_core::channel::ChannelName;
use live_core::error::ErrorCode;
use live_core::system::{Drain, Heartbeat, Hello, name};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::channels::Refusal;
use crate::hub::{Connection, Hub, Out};
use crate::{random, wire};

/// About how many bytes go out in one write.
const BATCH_BYTES_MAX: usize = 64 * 1024;
/// Most channels in one heartbeat, so that it stays far below the largest envelope.
const HEADS_MAX: usize = 256;
/// Most room that is kept for what goes out in one write.
const BATCH_KEPT: usize = 8;
/// How long the byte cap of a connection may stay full.
const FULL_MAX: Duration = Duration::from_secs(5);
/// How often that is looked at while a write is blocked.
const FULL_LOOK: Duration = Duration::from_millis(500);

/// The end of the process, in two steps, and the tasks that have to come to theirs before it.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// The process is being stopped; draining follows as soon as that has been told.
    pub stopping: CancellationToken,
    /// Nothing new is taken on, and everybody is told.
    pub draining: CancellationToken,
    /// Whatever still runs ends at once.
    pub ending: CancellationToken,
    /// Every task that serves a client.
    pub tasks: TaskTracker,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client is gone, or its connection broke.
    Gone,
    /// The client said goodbye, which wants an answer.
    Left,
    /// This end closes, for that reason.
    Closed(ErrorCode),
}

/// The writing half of a transport.
pub(super) trait Sink {
    /// Writes a batch, which is not empty, and waits until the transport has taken it.
    fn write(&mut self, batch: &[Out]) -> impl Future<Output = Result<(), Gone>> + Send;
}

/// The peer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// Greets a client. To be queued before anything else.
pub(super) async fn greet(hub: &Hub, connection: &Connection) {
    connection.answer(greeting(hub, connection)).await;
}

/// The greeting, as of now.
pub(super) fn greeting(hub: &Hub, connection: &Connection) -> Bytes {
    let hello = Hello {
        session_id: connection.session_id().into(),
        server_time: wire::now_ms(),
        heartbeat_ms: hub.settings().heartbeat.as_millis() as u64,
    };
    wire::system(name::HELLO, "", &hello)
}

/// Writes to a client until it is gone, reads too slowly, or the process stops.
pub(super) async fn write_all(
    hub: &Hub,
    connection: &Connection,
    sink: &mut impl Sink,
    lifecycle: &Lifecycle,
) -> End {
    let mut writer =
        Writer { hub, connection, sink, heartbeat_due: Instant::now() + hub.settings().heartbeat };
    tokio::select! {
        end = writer.run(&lifecycle.draining) => end,
        () = lifecycle.ending.cancelled() => End::Closed(ErrorCode::Draining),
    }
}

struct Writer<'a, S> {
    hub: &'a Hub,
    connection: &'a Connection,
    sink: &'a mut S,
    heartbeat_due: Instant,
}

impl<S: Sink> Writer<'_, S> {
    async fn run(&mut self, draining: &CancellationToken) -> End {
        let mut batch = Vec::new();
        let mut timer = pin!(sleep_until(self.heartbeat_due));
        let mut refusal = None;
        // When it last began to write.
        let mut sent = None;
        // Once the process stops: when this client is to be gone.
        let mut leaves_at = None;
        loop {
            let is_last = leaves_at.is_some_and(|at| at <= Instant::now());
            batch.clear();
            batch.shrink_to(BATCH_KEPT);
            batch.extend(refusal.take());
            let drained = self.connection.drain(&mut batch, BATCH_BYTES_MAX);
            let began = Instant::now();
            if drained.is_exhausted && began >= self.heartbeat_due {
                // After everything that waited: what it says of a channel is what the client has.
                self.heartbeat_due = began + self.hub.settings().heartbeat;
                batch.extend(heartbeats(self.hub, self.connection));
            }
            if leaves_at.is_none() && draining.is_cancelled() && drained.is_exhausted {
                let after = random::within(self.hub.settings().reconnect_window);
                leaves_at = Some(began + after);
                batch.push(goodbye(after));
            }
            if !batch.is_empty()
                && let Err(end) = self.write(&batch).await
            {
                return end;
            }
            if !drained.is_exhausted {
                continue;
            }
            if is_last {
                return End::Closed(ErrorCode::Draining);
            }
            if let Some((ticket, channel)) = drained.behind {
                // A failure ends that subscription and is told to the client, by this task itself: it is the one
                // that makes room for answers.
                if let Err(code) = self.hub.catch_up(self.connection, ticket, &channel).await {
                    refusal = Some(Out::Notice(Refusal::of(&channel, code, None).envelope));
                }
                continue;
            }
            let dues = [drained.next_due, leaves_at].into_iter().flatten();
            let next_due = dues.fold(self.heartbeat_due, Instant::min);
            // A clock that is set already is not set again.
            if timer.deadline() != next_due {
                timer.as_mut().reset(next_due);
            }
            if !batch.is_empty() {
                sent = Some(began);
            }
            tokio::select! {
                () = self.idle(sent, timer.as_mut()) => {}
                () = draining.cancelled(), if leaves_at.is_none() => {}
            }
        }
    }

    /// Waits until there is something to send: of what comes soon after it sent something, all that comes within
    /// the time in which everything travels in one write.
    async fn idle(&self, sent: Option<Instant>, timer: Pin<&mut Sleep>) {
        tokio::select! {
            () = self.connection.wait() => {}
            () = timer => {}
        }
        if let Some(sent) = sent {
            let ends = sent + self.hub.settings().coalesce;
            if ends > Instant::now() {
                sleep_until(ends).await;
            }
        }
    }

    async fn write(&mut self, batch: &[Out]) -> Result<(), End> {
        let connection = self.connection;
        let stays_full = async {
            // Also one that takes each write, but never so much that there would be room.
            while connection.full_for() < FULL_MAX {
                tokio::time::sleep(FULL_LOOK).await;
            }
        };
        let write = timeout(self.hub.settings().write_timeout, self.sink.write(batch));
        let written = tokio::select! {
            // Nearly every write is done at once, and then no clock has to be set.
            biased;
            written = write => written,
            () = stays_full => return Err(End::Closed(ErrorCode::SlowConsumer)),
        };
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Gone)) => Err(End::Gone),
            Err(_) => Err(End::Closed(ErrorCode::SlowConsumer)),
        }
    }
}

/// Heartbeats that name how far each channel has come for which nothing waits, and say so while the engine is in
/// doubt.
pub(super) fn heartbeats(hub: &Hub, connection: &Connection) -> Vec<Out> {
    let broker_ok = (!hub.vouches_for_engine()).then_some(false);
    let heads = connection.quiet_heads();
    let mut parts = heads.chunks(HEADS_MAX).collect::<Vec<_>>();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let beat = |part: &[(ChannelName, u64)]| {
        let heads = part.iter().map(|(channel, head)| (channel.as_str().into(), *head)).collect();
        let heartbeat = Heartbeat { server_time: wire::now_ms(), heads, broker_ok };
        Out::Notice(wire::system(name::HEARTBEAT, "", &heartbeat))
    };
    parts.into_iter().map(beat).collect()
}

/// The word that the process stops and when to come back.
pub(super) fn goodbye(after: Duration) -> Out {
    let drain = Drain { reconnect_after_ms: after.as_millis() as u64 };
    Out::Notice(wire::system(name::DRAIN, "", &drain))
}

#[cfg(test)]
mod tests;
