//! Accepting connections: how many in all and from one address, how long a head, a body, a pause and a blocked
//! write may take, and which version of HTTP is spoken.

mod addresses;
mod guarded;
mod head;
mod refusal;
mod request;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
#[cfg(any(target_os = "linux", target_os = "android"))]
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

pub(crate) use self::addresses::network;
pub use self::request::{BodyTimeout, Limited};

use self::addresses::{Addresses, Seat};
use self::guarded::{Guarded, Times};
use self::request::{Activity, Handler};
use crate::config::Config;
use crate::transport::Lifecycle;

/// Most headers of a request.
const HEADERS_MAX: usize = 100;
/// Largest head of a request, in bytes.
const HEAD_LEN_MAX: usize = 16 * 1024;
/// Most streams that one HTTP/2 connection may have open.
const STREAMS_MAX: u32 = 100;
/// Most streams of one HTTP/2 connection that were opened and reset before anybody looked at them.
const RESETS_MAX: usize = 20;
/// Most streams of one HTTP/2 connection that break a rule of the protocol.
const FAULTS_MAX: usize = 100;
/// How much of a body may be under way to us, for a stream and for all streams of one HTTP/2 connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// Most bytes of one HTTP/2 stream that wait to be written.
const SEND_BUFFER_MAX: usize = 64 * 1024;
/// How often a quiet HTTP/2 connection is asked whether it is alive, and how long it may take to answer.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait when the system has no more of something that a connection needs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a peer may leave unacknowledged what was sent to it: a link that is dead without a word is found
/// by its heartbeats.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);
/// The sessions' own limit comes first, since they can still say goodbye.
const WRITE_GRACE: Duration = Duration::from_secs(2);
/// Most connections at a time that are told why they are not served; more are closed without a word.
const REFUSALS_MAX: usize = 64;
/// How long telling it may take.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection's place among all. It is given back when the last part of the connection is gone, which
/// for a WebSocket is long after its request.
#[derive(Clone, Debug)]
pub struct Place {
    _held: Arc<(OwnedSemaphorePermit, Seat)>,
}

/// The address at the other end of a request's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Accepts connections until the process ends: while it is being stopped whoever asks whether it is ready is
/// still answered, and everybody else is refused.
pub async fn accept(listener: TcpListener, router: Router, config: Config, lifecycle: Lifecycle) {
    let places = Arc::new(Semaphore::new(config.limits.connections));
    let addresses = Addresses::new(config.limits.connections_per_address);
    let refusing = Arc::new(Semaphore::new(REFUSALS_MAX));
    let server = Server::new(router, &config, &lifecycle);
    loop {
        let next = async {
            let permit = Arc::clone(&places).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let Some((permit, accepted)) = lifecycle.ending.run_until_cancelled(next).await else { return };
        let (Ok(permit), Ok((stream, peer))) =
            (permit, accepted.inspect_err(|error| tracing::warn!(%error, "not accepted")))
        else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // The same host, whichever way it is written.
        let address = peer.ip().to_canonical();
        match addresses.take(address) {
            Some(seat) => {
                let place = Place { _held: Arc::new((permit, seat)) };
                lifecycle.tasks.spawn(server.clone().serve(stream, place, Peer(address)));
            }
            None => {
                tracing::debug!(%address, "as many connections as an address may have");
                if let Ok(refusing) = Arc::clone(&refusing).try_acquire_owned() {
                    lifecycle.tasks.spawn(async move {
                        refuse(stream).await;
                        drop((refusing, permit));
                    });
                }
            }
        }
    }
}

/// Sends small writes at once, and gives up a peer that acknowledges nothing. A socket on which this fails
/// is about to fail altogether, and will say so itself.
fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    // Other systems have their own limits, of minutes.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX));
}

/// Tells a connection that its address has too many, without reading what it asks.
async fn refuse(mut stream: TcpStream) {
    let told = async {
        stream.write_all(&refusal::too_many_connections()).await?;
        stream.shutdown().await?;
        // What is left unread when a socket is closed takes with it what was written.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    };
    // Whether the peer heard it is its own affair.
    let _told = timeout(REFUSAL_TIMEOUT, told).await;
}

/// What every connection is served with.
#[derive(Clone)]
struct Server {
    router: Router,
    times: Times,
    http1: http1::Builder,
    http2: http2::Builder<Tracked>,
    lifecycle: Lifecycle,
}

impl Server {
    fn new(router: Router, config: &Config, lifecycle: &Lifecycle) -> Self {
        let limits = &config.limits;
        let mut http1 = http1::Builder::new();
        // Heads are timed by the stream itself, which can still answer. With a limit of its own, which comes
        // later, the parser reads on after each answer, and so the stream's clock runs.
        let after_ours = limits.idle_timeout + limits.header_timeout;
        http1.timer(TokioTimer::new()).header_read_timeout(after_ours);
        http1.max_headers(HEADERS_MAX).max_buf_size(HEAD_LEN_MAX);
        let mut http2 = http2::Builder::new(Tracked(lifecycle.tasks.clone()));
        http2.timer(TokioTimer::new()).keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_TIMEOUT);
        http2.max_concurrent_streams(STREAMS_MAX).max_header_list_size(HEAD_LEN_MAX as u32);
        http2.max_pending_accept_reset_streams(RESETS_MAX).max_local_error_reset_streams(FAULTS_MAX);
        http2.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
        http2.max_send_buf_size(SEND_BUFFER_MAX);
        let times = Times {
            head: limits.header_timeout,
            idle: limits.idle_timeout,
            body: limits.body_timeout,
            body_idle: limits.body_idle_timeout,
            write: config.live.write_timeout + WRITE_GRACE,
        };
        Self { router, times, http1, http2, lifecycle: lifecycle.clone() }
    }

    /// Serves one connection until it ends, or the process does. What it is made of is boxed once it is known
    /// which of the two it is: the task of an idle connection is small.
    async fn serve(self, stream: TcpStream, place: Place, peer: Peer) {
        tune(&stream);
        let activity = Arc::<Activity>::default();
        let mut stream = Guarded::new(stream, self.times, Arc::clone(&activity));
        let Ok(is_http2) = stream.begins_as_http2().await else { return };
        let handler = Handler::new(self.router, activity, self.times, place, peer);
        let served = if self.lifecycle.draining.is_cancelled() {
            // One question, of somebody who does not know yet; a whole session of them is not begun any more.
            if is_http2 {
                return;
            }
            let connection =
                self.http1.clone().keep_alive(false).serve_connection(TokioIo::new(stream), handler);
            self.lifecycle.ending.run_until_cancelled(Box::pin(connection)).await.unwrap_or(Ok(()))
        } else if is_http2 {
            let connection = Box::pin(self.http2.serve_connection(TokioIo::new(stream), handler));
            until_stopped(connection, http2::Connection::graceful_shutdown, &self.lifecycle).await
        } else {
            let connection =
                Box::pin(self.http1.serve_connection(TokioIo::new(stream), handler).with_upgrades());
            until_stopped(connection, http1::UpgradeableConnection::graceful_shutdown, &self.lifecycle).await
        };
        if let Err(error) = served {
            tracing::debug!(%error, "connection broke");
        }
    }
}

/// Runs a connection to its end. When the process stops it takes no more requests, and at the very end it is
/// dropped.
async fn until_stopped<C: Future<Output = hyper::Result<()>>>(
    mut connection: std::pin::Pin<Box<C>>,
    stop: impl FnOnce(std::pin::Pin<&mut C>),
    lifecycle: &Lifecycle,
) -> hyper::Result<()> {
    tokio::select! {
        served = connection.as_mut() => return served,
        () = lifecycle.draining.cancelled() => stop(connection.as_mut()),
    }
    lifecycle.ending.run_until_cancelled(connection).await.unwrap_or(Ok(()))
}

/// Makes the tasks of HTTP/2 streams some of those that the end of the process waits for.
#[derive(Clone, Debug)]
struct Tracked(TaskTracker);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tracked {
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}
