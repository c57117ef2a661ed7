//! One connection to an exchange: its subscriptions, its life signs, and how it ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use super::link::Timing;
use super::rest::{BAN_DEFAULT, BAN_MAX, is_ban, retry_after};
use super::{Subscription, text};

/// Longest frame that is taken: many times the longest that an exchange sends.
const FRAME_LEN_MAX: usize = 8 << 20;

/// The next frame of text, or how the connection ended.
pub(super) type Frame = Result<Utf8Bytes, Lost>;

/// How a connection ended, or why there was none.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// There was none.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// The exchange answered something else.
    #[error("it refuses the connection with status {status}")]
    Refused { status: u16, retry_after: Option<Duration> },
    /// Not all that was subscribed to was acknowledged in time.
    #[error("it has not acknowledged the subscriptions")]
    Unacknowledged,
    /// It refused a subscription.
    #[error("it refuses a subscription: {0}")]
    Denied(String),
    /// Nothing was heard.
    #[error("nothing is heard")]
    Silent,
    /// The exchange ended it, or the line broke.
    #[error("the connection ended: {0}")]
    Ended(String),
}

impl Lost {
    /// How long the exchange wants to be left alone at least.
    pub(super) fn retry_after(&self) -> Duration {
        match self {
            Self::Refused { retry_after: Some(wait), .. } => *wait,
            _ => Duration::ZERO,
        }
    }
}

/// How connections to one address are made.
#[derive(Clone)]
pub(super) struct Dialer {
    url: String,
    connector: Connector,
}

impl Dialer {
    /// Connections to `url`; the certificates of `wss` are judged by the system's own store.
    pub(super) fn new(url: String) -> Result<Self, rustls::Error> {
        let connector = if url.starts_with("wss:") {
            Connector::Rustls(Arc::new(rustls::ClientConfig::with_platform_verifier()?))
        } else {
            Connector::Plain
        };
        Ok(Self { url, connector })
    }

    /// Opens a connection and begins to subscribe.
    pub(super) async fn dial(
        &self,
        subscriptions: Vec<Subscription>,
        message_gap: Duration,
        timing: Timing,
    ) -> Result<Connection, Lost> {
        let config = WebSocketConfig::default()
            .max_message_size(Some(FRAME_LEN_MAX))
            .max_frame_size(Some(FRAME_LEN_MAX));
        let dialled =
            connect_async_tls_with_config(&self.url, Some(config), true, Some(self.connector.clone()));
        let (socket, _) = match timeout(timing.connect, dialled).await {
            Ok(dialled) => dialled.map_err(|fault| refused(&fault))?,
            Err(_) => return Err(Lost::Unreachable("no answer in time".to_owned())),
        };
        let now = Instant::now();
        Ok(Connection {
            socket,
            to_acknowledge: subscriptions.iter().map(|message| message.acknowledgements).sum(),
            ready_by: now + timing.connect + message_gap * subscriptions.len() as u32,
            outgoing: subscriptions.into_iter().map(|message| Message::text(message.frame)).collect(),
            message_gap,
            next_send: now,
            is_unflushed: false,
            opened: now,
            heard: now,
            pinged: None,
            timing,
        })
    }
}

fn refused(fault: &Error) -> Lost {
    match fault {
        Error::Http(response) => {
            let status = response.status();
            let retry_after = retry_after(response.headers());
            let wait = retry_after.or(is_ban(status).then_some(BAN_DEFAULT)).map(|wait| wait.min(BAN_MAX));
            Lost::Refused { status: status.as_u16(), retry_after: wait }
        }
        other => Lost::Unreachable(text::cut(&other.to_string())),
    }
}

/// An open connection.
pub(super) struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    outgoing: VecDeque<Message>,
    message_gap: Duration,
    next_send: Instant,
    is_unflushed: bool,
    to_acknowledge: usize,
    ready_by: Instant,
    opened: Instant,
    /// When anything came last.
    heard: Instant,
    /// When we asked whether the other end is there, if it has said nothing since.
    pinged: Option<Instant>,
    timing: Timing,
}

impl Connection {
    /// Whether all that was subscribed to is in place.
    pub(super) fn is_ready(&self) -> bool {
        self.to_acknowledge == 0
    }

    /// So many more subscriptions are in place.
    pub(super) fn acknowledge(&mut self, count: usize) {
        self.to_acknowledge = self.to_acknowledge.saturating_sub(count);
    }

    /// How long it has been open.
    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// The next frame of text; of binary ones, which no exchange here sends, an empty text.
    ///
    /// A link that dies without a word is noticed by silence: exchanges ping, and so do we after a while.
    ///
    /// # Cancel safety
    /// No frame is lost, and nothing is sent twice.
    pub(super) async fn next(&mut self) -> Frame {
        loop {
            if self.is_unflushed {
                let flushed = timeout(self.timing.answer, self.socket.flush()).await;
                flushed.map_err(|_| Lost::Silent)?.map_err(|fault| ended(&fault))?;
                self.is_unflushed = false;
            }
            let silent_at =
                self.pinged.map_or(self.heard + self.timing.quiet, |pinged| pinged + self.timing.answer);
            tokio::select! {
                biased;
                () = sleep_until(self.next_send), if !self.outgoing.is_empty() => self.feed().await?,
                () = sleep_until(self.ready_by), if !self.is_ready() => return Err(Lost::Unacknowledged),
                message = self.socket.next() => {
                    if let Some(frame) = self.hear(message)? {
                        return Ok(frame);
                    }
                }
                () = sleep_until(silent_at) => self.ask()?,
            }
        }
    }

    fn hear(&mut self, message: Option<Result<Message, Error>>) -> Result<Option<Utf8Bytes>, Lost> {
        self.heard = Instant::now();
        self.pinged = None;
        match message {
            Some(Ok(Message::Text(frame))) => Ok(Some(frame)),
            Some(Ok(Message::Binary(_))) => Ok(Some(Utf8Bytes::default())),
            // A ping is answered by the library.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Ok(Message::Close(frame))) => {
                let said = frame.map(|frame| format!("{} {}", frame.code, frame.reason));
                Err(Lost::Ended(text::cut(said.as_deref().unwrap_or("closed without a word").trim())))
            }
            Some(Err(fault)) => Err(ended(&fault)),
            None => Err(Lost::Ended("closed".to_owned())),
        }
    }

    /// Hands the next message over to the socket, which has it whole when this returns.
    async fn feed(&mut self) -> Result<(), Lost> {
        let Some(message) = self.outgoing.front() else { return Ok(()) };
        self.socket.feed(message.clone()).await.map_err(|fault| ended(&fault))?;
        self.outgoing.pop_front();
        self.is_unflushed = true;
        self.next_send = Instant::now() + self.message_gap;
        Ok(())
    }

    fn ask(&mut self) -> Result<(), Lost> {
        if self.pinged.is_some() {
            return Err(Lost::Silent);
        }
        self.pinged = Some(Instant::now());
        self.outgoing.push_front(Message::Ping(bytes::Bytes::new()));
        Ok(())
    }
}

fn ended(fault: &Error) -> Lost {
    Lost::Ended(text::cut(&fault.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_does_not_speak_tls_is_not_reached() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            use tokio::io::AsyncWriteExt;
            while let Ok((mut stream, _)) = listener.accept().await {
                let _gone = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            }
        });
        let dialer = Dialer::new(format!("wss://{addr}/stream")).expect("TLS can be set up");
        let lost = dialer.dial(Vec::new(), Duration::ZERO, Timing::default()).await.err();
        assert!(matches!(lost, Some(Lost::Unreachable(_))), "{lost:?}");
    }
}
