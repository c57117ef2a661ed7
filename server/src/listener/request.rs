//! Requests on their way in and answers on their way out: how long a body may take, and when a connection is
//! at work.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode, Version, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::service::Service;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::ServiceExt;

use super::guarded::Times;
use super::{Peer, Place};
use crate::error::AppError;
use crate::middleware;

/// What the stream of a connection has to know of its requests.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Requests that are being answered.
    active: AtomicUsize,
    /// Requests in all.
    begun: AtomicUsize,
    is_upgraded: AtomicBool,
    has_unread: AtomicBool,
}

impl Activity {
    /// Whether a request is being answered, or the connection is not HTTP any more.
    pub fn is_busy(&self) -> bool {
        self.active.load(Ordering::Acquire) > 0 || self.is_upgraded()
    }

    /// Whether the connection is not HTTP any more.
    pub fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Ordering::Acquire)
    }

    /// How many requests there were.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Acquire)
    }

    /// Whether a body was left unread: what comes of it still has to be passed over.
    pub fn has_unread(&self) -> bool {
        self.has_unread.load(Ordering::Acquire)
    }
}

/// Counts a request as being answered for as long as it lives.
#[derive(Debug)]
struct Busy(Arc<Activity>);

impl Busy {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.active.fetch_add(1, Ordering::AcqRel);
        activity.begun.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(activity))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Hands the requests of one connection to the router.
pub(super) struct Handler {
    router: Router,
    activity: Arc<Activity>,
    times: Times,
    place: Place,
    peer: Peer,
}

impl Handler {
    pub fn new(router: Router, activity: Arc<Activity>, times: Times, place: Place, peer: Peer) -> Self {
        Self { router, activity, times, place, peer }
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Answer>, Infallible>> + Send>>;

impl Service<Request<Incoming>> for Handler {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let busy = Busy::begin(&self.activity);
        if !names_its_host(&request) {
            let mut refusal = AppError::bad_request("Host", "is not there exactly once").into_response();
            middleware::harden(refusal.headers_mut());
            return Box::pin(async { Ok(refusal.map(|body| Answer { body, _busy: busy })) });
        }
        let mut request = request.map(|body| match body.is_end_stream() {
            true => Body::empty(),
            false => Body::new(Limited::new(body, self.times, Arc::clone(&self.activity))),
        });
        request.extensions_mut().insert(self.place.clone());
        request.extensions_mut().insert(self.peer);
        let answering = self.router.clone().oneshot(request);
        Box::pin(async move {
            let response = answering.await?;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                busy.0.is_upgraded.store(true, Ordering::Release);
            }
            Ok(response.map(|body| Answer { body, _busy: busy }))
        })
    }
}

/// Whether a request says once for which host it is: else two proxies could read it differently. HTTP/2 has a
/// place of its own for it; a `Host` beside that must say the same.
fn names_its_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() != Version::HTTP_11,
        (Some(host), None) if request.version() == Version::HTTP_2 => {
            let same = |authority: &str| authority.as_bytes().eq_ignore_ascii_case(host.as_bytes());
            request.uri().authority().is_none_or(|authority| same(authority.as_str()))
        }
        (Some(_), None) => true,
        (Some(_), Some(_)) => false,
    }
}

/// The body of an answer; the request is being answered until it is gone.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body did not arrive in time.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
pub struct BodyTimeout;

/// The body of a request, which fails with [`BodyTimeout`] when all of it takes too long, or a pause in it does.
#[derive(Debug)]
pub struct Limited<B = Incoming> {
    body: B,
    times: Times,
    activity: Arc<Activity>,
    over: Instant,
    /// Runs while nothing comes.
    pause: Option<Pin<Box<Sleep>>>,
    is_read: bool,
}

impl<B> Limited<B> {
    pub(super) fn new(body: B, times: Times, activity: Arc<Activity>) -> Self {
        Self { body, times, activity, over: Instant::now() + times.body, pause: None, is_read: false }
    }
}

impl<B: HttpBody<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin> HttpBody for Limited<B> {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if Instant::now() < self.over
            && let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context)
        {
            self.pause = None;
            self.is_read = frame.is_none();
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let until = self.over.min(Instant::now() + self.times.body_idle);
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(pause.as_mut().poll(context));
        Poll::Ready(Some(Err(Box::new(BodyTimeout))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Limited<B> {
    fn drop(&mut self) {
        if !self.is_read {
            self.activity.has_unread.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};
    use std::time::Duration;
    use tokio::time::sleep;

    const SECOND: Duration = Duration::from_secs(1);
    const TIMES: Times = Times {
        head: SECOND,
        idle: SECOND,
        body: SECOND.saturating_mul(30),
        body_idle: SECOND.saturating_mul(10),
        write: SECOND,
    };

    /// A body of `pieces`, each of which takes a while.
    fn body(
        pieces: usize,
        each: Duration,
    ) -> Limited<Pin<Box<impl HttpBody<Data = Bytes, Error = Infallible>>>> {
        let pieces = stream::unfold(pieces, move |left| async move {
            let left = left.checked_sub(1)?;
            sleep(each).await;
            Some((Ok(Frame::data(Bytes::from_static(b"x"))), left))
        });
        Limited::new(Box::pin(StreamBody::new(pieces)), TIMES, Arc::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_has_a_time_for_a_pause_and_one_for_all_of_it() {
        let began = Instant::now();
        let whole = body(3, SECOND.saturating_mul(9)).collect().await.expect("in time").to_bytes();
        assert_eq!((whole.len(), began.elapsed().as_secs()), (3, 27));
        for (pieces, each_s, after_s) in [(1, 11, 10), (4, 9, 30), (40, 1, 30)] {
            let began = Instant::now();
            let error = body(pieces, SECOND.saturating_mul(each_s)).collect().await.expect_err("too slow");
            assert!(error.is::<BodyTimeout>(), "{error}");
            assert_eq!(began.elapsed().as_secs(), after_s, "{pieces} pieces");
        }
    }

    #[tokio::test]
    async fn what_is_left_of_a_body_is_noted() {
        let activity = Arc::<Activity>::default();
        let read = Limited::new(http_body_util::Empty::new(), TIMES, Arc::clone(&activity));
        read.collect().await.expect("empty");
        assert!(!activity.has_unread());
        drop(Limited::new(http_body_util::Empty::<Bytes>::new(), TIMES, Arc::clone(&activity)));
        assert!(activity.has_unread());
    }
}
