//! Accepting connections: how many, how long the head of a request may take, how long a write may block.

mod guarded;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
#[cfg(any(target_os = "linux", target_os = "android"))]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use self::guarded::Guarded;
use crate::config::{Config, LimitsConfig};
use crate::transport::Lifecycle;

/// Most headers of a request.
const HEADERS_MAX: usize = 100;
/// Largest head of a request, in bytes.
const HEAD_LEN_MAX: usize = 16 * 1024;
/// How long to wait when the system has no more of something that a connection needs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a peer may leave unacknowledged what was sent to it: a link that is dead without a word is found
/// by its heartbeats.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);
/// The sessions' own limit comes first, since they can still say goodbye.
const WRITE_GRACE: Duration = Duration::from_secs(2);

/// A connection's place among all. It is given back when the last part of the connection is gone, which
/// for a WebSocket is long after its request.
#[derive(Clone, Debug)]
pub struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// Accepts connections until the process stops; then the port is free again.
pub async fn accept(listener: TcpListener, router: Router, config: Config, lifecycle: Lifecycle) {
    let places = Arc::new(Semaphore::new(config.limits.connections));
    let write_timeout = config.live.write_timeout + WRITE_GRACE;
    loop {
        let next = async {
            let permit = Arc::clone(&places).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let Some((permit, accepted)) = lifecycle.draining.run_until_cancelled(next).await else { return };
        let (Ok(permit), Ok((stream, _peer))) =
            (permit, accepted.inspect_err(|error| tracing::warn!(%error, "not accepted")))
        else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let place = Place { _permit: Arc::new(permit) };
        let connection =
            serve(stream, place, router.clone(), config.limits.clone(), write_timeout, lifecycle.clone());
        lifecycle.tasks.spawn(connection);
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

/// Serves one connection until it ends, or the process does.
async fn serve(
    stream: TcpStream,
    place: Place,
    router: Router,
    limits: LimitsConfig,
    write_timeout: Duration,
    lifecycle: Lifecycle,
) {
    tune(&stream);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(place.clone());
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_LEN_MAX)
        .serve_connection(TokioIo::new(Guarded::new(stream, write_timeout)), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = lifecycle.draining.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                served = connection.as_mut() => served,
                () = lifecycle.ending.cancelled() => Ok(()),
            }
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "connection broke");
    }
}
