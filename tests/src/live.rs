//! One client for all three transports, so that the same case judges each of them.
//!
//! What a client remembers between two connections is its [`Standing`]: the positions that acknowledgements and
//! envelopes told (what a WebSocket names in `since`) and the cursor that streams and polls were given.

mod polls;
mod socket;
mod stream;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use anyhow::{Context, Result, anyhow, ensure};
use futures_util::future::BoxFuture;

use crate::Envelope;

pub use socket::SocketLive;

/// How a client is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// `GET /api/live/ws`.
    WebSocket,
    /// `GET /api/live/sse`.
    Sse,
    /// `GET /api/live/poll`, again and again.
    Poll,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::Sse, Self::Poll];

    /// Connects to the server at `addr` and asks for what is wanted.
    ///
    /// # Errors
    /// When there is no connection, or the request is refused as a whole ([`Refused`]).
    pub async fn open(self, addr: SocketAddr, ask: &Ask) -> Result<Box<dyn Live>> {
        Ok(match self {
            Self::WebSocket => Box::new(SocketLive::open(addr, ask).await?),
            Self::Sse => Box::new(stream::StreamLive::open(addr, ask).await?),
            Self::Poll => Box::new(polls::PollLive::open(addr, ask).await?),
        })
    }
}

/// An open subscription over any transport. Dropping it cuts the line.
pub trait Live: Send {
    /// The next envelope. Cancelling it loses nothing.
    ///
    /// # Errors
    /// [`Ended`] when the line is gone; else what broke the protocol.
    fn next(&mut self) -> BoxFuture<'_, Result<Envelope>>;

    /// Whether an envelope can be had without waiting, because it came together with the last one.
    fn has_more(&self) -> bool;

    /// Where this client stands: what it would come back with.
    fn standing(&self) -> &Standing;
}

/// The line is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The code of a WebSocket's close frame, if there was one.
    pub code: Option<u16>,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the line has ended with {:?}", self.code)
    }
}

impl std::error::Error for Ended {}

/// The request was refused as a whole.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Status of the answer.
    pub status: u16,
    /// The envelope that says why.
    pub envelope: Envelope,
    /// `Retry-After`, empty when it is absent.
    pub retry_after: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {}: {}", self.status, self.envelope)
    }
}

impl std::error::Error for Refused {}

/// Place on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Name of the channel's history.
    pub epoch: String,
    /// Number of the last envelope that was had.
    pub seq: u64,
}

/// What a client comes back with.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// By channel.
    pub positions: BTreeMap<String, Position>,
    /// The last cursor, as it was given.
    pub cursor: Option<String>,
    /// The session that `system.hello` named.
    pub session: String,
}

impl Standing {
    /// Follows what an envelope says of positions.
    ///
    /// # Errors
    /// When an acknowledgement has no epoch.
    pub fn follow(&mut self, envelope: &Envelope) -> Result<()> {
        match envelope.event.as_str() {
            "system.hello" => self.session = envelope.field("sessionId")?,
            "system.ack" if !envelope.channel.is_empty() => {
                let epoch: String = envelope.field("epoch")?;
                let is_resumed: bool = envelope.field("resumed")?;
                let known =
                    self.positions.get(&envelope.channel).filter(|known| is_resumed && known.epoch == epoch);
                let seq = known.map_or(0, |known| known.seq);
                self.positions.insert(envelope.channel.clone(), Position { epoch, seq });
            }
            "system.resync" => {
                let position = Position { epoch: envelope.field("epoch")?, seq: 0 };
                self.positions.insert(envelope.channel.clone(), position);
            }
            _ if envelope.is_data() => {
                if let Some(position) = self.positions.get_mut(&envelope.channel) {
                    position.seq = position.seq.max(envelope.seq);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// What a client asks for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Names of the channels.
    pub channels: Vec<String>,
    /// Most envelopes a second of each, when it is bounded.
    pub max_hz: Option<f64>,
    /// Where to go on from.
    pub standing: Standing,
    /// Whose request it is.
    pub token: Option<String>,
    /// Seconds that a poll may wait.
    pub wait: Option<u64>,
    /// Receive buffer of the connection, in bytes; the system's own without it.
    pub narrow: Option<u32>,
}

impl Ask {
    /// For these channels, without a position.
    pub fn new<S: Into<String>>(channels: impl IntoIterator<Item = S>) -> Self {
        Self { channels: channels.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// As the bearer of a token.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// From where a client stood.
    #[must_use]
    pub fn from(mut self, standing: &Standing) -> Self {
        self.standing = standing.clone();
        self
    }

    /// With a bound of the rate.
    #[must_use]
    pub fn max_hz(mut self, hz: f64) -> Self {
        self.max_hz = Some(hz);
        self
    }

    /// The query of a stream or a poll, without the cursor.
    fn query(&self) -> String {
        let rate = self.max_hz.map(|hz| format!("&maxHz={hz}")).unwrap_or_default();
        format!("channels={}{rate}", self.channels.join(","))
    }

    fn authorization(&self) -> String {
        self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default()
    }

    async fn line(&self, addr: SocketAddr) -> Result<crate::Line> {
        match self.narrow {
            Some(bytes) => crate::Line::connect_narrow(addr, bytes).await,
            None => crate::Line::connect(addr).await,
        }
    }
}

/// Reads on until an envelope fits and returns all up to and with it, the fitting one last.
///
/// # Errors
/// As [`Live::next`], with what came before.
pub async fn until(live: &mut dyn Live, mut fits: impl FnMut(&Envelope) -> bool) -> Result<Vec<Envelope>> {
    let mut seen: Vec<Envelope> = Vec::new();
    loop {
        let envelope = live.next().await.map_err(|error| {
            let tail: Vec<&str> = seen.iter().rev().take(5).map(|envelope| envelope.text.as_str()).collect();
            error.context(format!("after {} envelopes, the last of them (newest first) {tail:?}", seen.len()))
        })?;
        let is_found = fits(&envelope);
        seen.push(envelope);
        if is_found {
            return Ok(seen);
        }
    }
}

/// Does `work` while `bystander` reads, as every client has to: whoever answers no ping is closed.
///
/// # Errors
/// When the bystander is told of an error, or loses its connection.
pub async fn beside<T>(bystander: &mut dyn Live, work: impl Future<Output = T>) -> Result<T> {
    let reads = async {
        loop {
            match bystander.next().await.context("the bystander") {
                Ok(envelope) if envelope.ok => {}
                Ok(envelope) => return anyhow!("the bystander is told {envelope}"),
                Err(error) => return error,
            }
        }
    };
    tokio::select! {
        done = work => Ok(done),
        fault = reads => Err(fault),
    }
}

/// Judges a refusal of the whole request.
fn refused(head: &crate::Head, body: &[u8]) -> anyhow::Error {
    let judged = || -> Result<Refused> {
        let content_type = head.header("content-type");
        ensure!(content_type.starts_with("application/json"), "Content-Type is {content_type}");
        let envelope = Envelope::parse(std::str::from_utf8(body)?.trim_end())?;
        ensure!(!envelope.ok, "{} with {envelope}", head.status);
        Ok(Refused { status: head.status, envelope, retry_after: head.header("retry-after").to_owned() })
    };
    match judged() {
        Ok(refused) => refused.into(),
        Err(error) => error.context(format!("{} {}", head.status, String::from_utf8_lossy(body))),
    }
}
