//! The stream of a connection: how long a peer may take to ask, to pause and to read, and what it is told.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::head::{Ambiguity, Scan};
use super::refusal;
use super::request::Activity;

/// What an HTTP/2 connection begins with.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long what a peer still sends is passed over after it was refused: what is left unread when a socket is
/// closed takes with it what was written.
const LINGER: Duration = Duration::from_secs(2);
/// How much of it is passed over.
const LINGER_BYTES: usize = 2 * 1024 * 1024;

/// How long the parts of a connection's life may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// The head of a request, and what comes before the first one.
    pub head: Duration,
    /// The pause between two requests.
    pub idle: Duration,
    /// The whole body of a request.
    pub body: Duration,
    /// A pause within it.
    pub body_idle: Duration,
    /// A write that is blocked.
    pub write: Duration,
}

/// A stream that ends, to the one that reads from it, when no request comes in time, and fails with
/// [`io::ErrorKind::TimedOut`] when nothing could be written for a while: the last resort against a peer that
/// does not read, whatever is being written to it.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    stream: S,
    times: Times,
    activity: Arc<Activity>,
    /// What was read to know the version, and is to be read again; also the end of a spoiled head.
    replay: Bytes,
    is_http2: bool,
    /// Requests that had begun when it was last looked.
    begun: usize,
    /// Where in the requests what was read ends.
    scan: Scan,
    /// Why the parser was given a head that it refuses.
    ambiguity: Option<Ambiguity>,
    /// Runs while a request is waited for.
    patience: Option<Pin<Box<Sleep>>>,
    /// Runs while a write is blocked.
    blocked: Option<Pin<Box<Sleep>>>,
    /// What is written in place of an answer of the parser's own.
    instead: Bytes,
    has_refused: bool,
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Guarded<S> {
    pub fn new(stream: S, times: Times, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            times,
            activity,
            replay: Bytes::new(),
            is_http2: false,
            begun: 0,
            scan: Scan::default(),
            ambiguity: None,
            patience: None,
            blocked: None,
            instead: Bytes::new(),
            has_refused: false,
            lingering: None,
        }
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.blocked = None;
            return written;
        }
        let limit = self.times.write;
        let blocked = self.blocked.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(blocked.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")))
    }

    /// Starts to wait for the next request when one has been answered since the last look.
    fn look_at_activity(&mut self) {
        let begun = self.activity.begun();
        if begun != self.begun || self.activity.is_busy() {
            self.begun = begun;
            self.patience = None;
        }
    }

    /// Ready when the next request has taken too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let is_head = self.scan.is_within_head() || self.begun == 0;
        let limit = if is_head { self.times.head } else { self.times.idle };
        self.patience.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    /// Reads as much as is needed to know whether this is HTTP/2; it is read again afterwards.
    ///
    /// # Errors
    /// When the stream ends or breaks before that, or the peer takes too long.
    pub async fn begins_as_http2(&mut self) -> io::Result<bool> {
        let mut preface = Vec::new();
        while preface.len() < HTTP2_PREFACE.len() && HTTP2_PREFACE.starts_with(&preface) {
            let mut bytes = [0; HTTP2_PREFACE.len()];
            let mut buf = ReadBuf::new(&mut bytes[preface.len()..]);
            std::future::poll_fn(|context| Pin::new(&mut *self).poll_read(context, &mut buf)).await?;
            if buf.filled().is_empty() {
                break;
            }
            preface.extend_from_slice(buf.filled());
        }
        self.is_http2 = preface == HTTP2_PREFACE;
        let is_empty = preface.is_empty();
        preface.extend_from_slice(&self.replay);
        self.replay = preface.into();
        if is_empty { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(self.is_http2) }
    }

    /// Looks at what was read. A head that can be read in two ways is spoiled, so that the parser refuses it when
    /// it comes to it, after the answers to what was asked before; nothing behind it is read.
    fn look_at_requests(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        if self.is_http2 || self.activity.is_upgraded() {
            return;
        }
        let was_within_head = self.scan.is_within_head();
        let looked = self.scan.look(&buf.filled()[before..]);
        if !was_within_head && self.scan.is_within_head() && self.begun > 0 {
            // The first byte of a head ends the pause; before the first one there is only one time.
            self.patience = None;
        }
        if let Err((at, ambiguity)) = looked {
            buf.set_filled(before + at + 1);
            // Allowed nowhere in a head, which the parser looks at again when it is whole.
            buf.filled_mut()[before + at] = 0;
            self.replay = Bytes::from_static(b"\r\n\r\n");
            self.ambiguity = Some(ambiguity);
            self.has_refused = true;
        }
    }

    /// Answers by itself and ends. An answer is small: it fits into the system's buffer, unless the peer does
    /// not read, and then it is not owed one.
    fn refuse(&mut self, context: &mut Context<'_>, answer: &[u8]) {
        if !self.has_refused {
            self.has_refused = true;
            let _written = Pin::new(&mut self.stream).poll_write(context, answer);
            let _shut = Pin::new(&mut self.stream).poll_shutdown(context);
        }
    }

    /// Writes `instead` to its end and says that all of `len` bytes were written.
    fn poll_instead(&mut self, context: &mut Context<'_>, len: usize) -> Poll<io::Result<usize>> {
        while self.instead.has_remaining() {
            let written = Pin::new(&mut self.stream).poll_write(context, &self.instead);
            match ready!(self.watch(context, written)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(written) => self.instead.advance(written),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(len))
    }

    /// Whether what is to be written is an answer of the parser's own, for which another goes out.
    fn is_replaced(&mut self, written: &[u8]) -> bool {
        if !self.instead.is_empty() {
            return true;
        }
        if self.is_http2 || self.activity.is_busy() {
            return false;
        }
        let Some(instead) = refusal::instead_of(written) else { return false };
        self.instead = self.ambiguity.map_or(instead, refusal::ambiguous);
        self.has_refused = true;
        true
    }

    /// Passes over what still comes, for a while.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (time, left) = self.lingering.get_or_insert_with(|| (Box::pin(sleep(LINGER)), LINGER_BYTES));
        let mut bytes = [0; 1024];
        while *left > 0 && time.as_mut().poll(context).is_pending() {
            let mut buf = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => *left = left.saturating_sub(buf.filled().len()),
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.replay.has_remaining() {
            let len = this.replay.len().min(buf.remaining());
            buf.put_slice(&this.replay.split_to(len));
            // What has come of the head already goes along: a parser that reads twice takes a buffer of twice the
            // size, and keeps it.
            if this.replay.is_empty() && !this.has_refused && !this.is_http2 && buf.remaining() > 0 {
                let before = buf.filled().len();
                if let Poll::Ready(Ok(())) = Pin::new(&mut this.stream).poll_read(context, buf) {
                    this.look_at_requests(buf, before);
                }
            }
            return Poll::Ready(Ok(()));
        }
        if this.has_refused {
            return Poll::Ready(Ok(()));
        }
        this.look_at_activity();
        let before = buf.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(context, buf) {
            this.look_at_requests(buf, before);
            return Poll::Ready(read);
        }
        if this.activity.is_busy() {
            return Poll::Pending;
        }
        ready!(this.poll_patience(context));
        // To the reader this is the end of the stream.
        if this.scan.is_within_head() && !this.is_http2 {
            this.refuse(context, &refusal::head_timeout());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_replaced(buf) {
            return self.poll_instead(context, buf.len());
        }
        let written = Pin::new(&mut self.stream).poll_write(context, buf);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = bufs
            && self.is_replaced(only)
        {
            return self.poll_instead(context, only.len());
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bufs);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        if !self.is_http2 && !self.activity.is_upgraded() && (self.has_refused || self.activity.has_unread())
        {
            ready!(self.poll_linger(context));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
