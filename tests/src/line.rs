//! HTTP/1.1 over a plain TCP connection, so that a test can send what no library would, read a body as it
//! comes, and cut the line in the middle of it.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::PATIENCE;

/// Longest head of an answer that is read.
const HEAD_MAX: usize = 64 * 1024;
/// Largest segment that a narrow connection takes, in bytes.
const SEGMENT: u32 = 1_000;

/// A TCP connection to a server. Dropping it cuts the line.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    received: Vec<u8>,
}

/// The head of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    /// Status of the answer.
    pub status: u16,
    /// Names in lower case, with their values.
    pub headers: Vec<(String, String)>,
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// That many bytes are still to come.
    Length(usize),
    /// In chunks, each with its own length.
    Chunked,
    /// Everything until the connection ends.
    UntilEnd,
    /// It has been read to its end.
    Done,
}

impl Head {
    /// A header's value, empty when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// How the body that follows ends.
    ///
    /// # Errors
    /// When its length is no number.
    pub fn body(&self) -> Result<Body> {
        if self.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
            return Ok(Body::Chunked);
        }
        match self.header("content-length") {
            "" => Ok(Body::UntilEnd),
            length => Ok(Body::Length(length.parse().context("Content-Length")?)),
        }
    }
}

impl Line {
    /// Connects.
    ///
    /// # Errors
    /// When nothing listens there.
    pub async fn connect(addr: SocketAddr) -> Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect(addr)).await.context("no connection in time")??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Connects with a receive buffer of about `bytes`, so that not reading is felt soon at the other end.
    ///
    /// # Errors
    /// When nothing listens there.
    pub async fn connect_narrow(addr: SocketAddr, bytes: u32) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(bytes)?;
        // The sender's buffer grows with the segments: over loopback they would be of 64 KB.
        SockRef::from(&socket).set_tcp_mss(SEGMENT)?;
        let stream = timeout(PATIENCE, socket.connect(addr)).await.context("no connection in time")??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection is gone, or does not take them in time.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(timeout(PATIENCE, self.stream.write_all(bytes)).await.context("not taken in time")??)
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn finish(&mut self) -> Result<()> {
        Ok(self.stream.shutdown().await?)
    }

    /// Waits for more bytes; false at the end of the connection.
    ///
    /// # Errors
    /// When the connection breaks or nothing comes in time.
    pub async fn fill(&mut self) -> Result<bool> {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
        Ok(read.context("nothing came in time")?? > 0)
    }

    /// Waits until that many bytes can be looked at, and returns all that have come.
    ///
    /// # Errors
    /// When the connection ends before.
    ///
    /// # Cancel safety
    /// Nothing is taken.
    pub async fn look(&mut self, len: usize) -> Result<&[u8]> {
        while self.received.len() < len {
            ensure!(self.fill().await?, "the connection has ended");
        }
        Ok(&self.received)
    }

    /// Exactly that many bytes.
    ///
    /// # Errors
    /// When the connection ends before.
    ///
    /// # Cancel safety
    /// Takes all or nothing.
    pub async fn take(&mut self, len: usize) -> Result<Vec<u8>> {
        self.look(len).await?;
        Ok(self.received.drain(..len).collect())
    }

    /// Everything up to and with `end`, without it.
    ///
    /// # Errors
    /// When the connection ends before.
    pub async fn take_until(&mut self, end: &[u8]) -> Result<Vec<u8>> {
        loop {
            if let Some(at) = self.received.windows(end.len()).position(|window| window == end) {
                let taken: Vec<u8> = self.received.drain(..at + end.len()).collect();
                return Ok(taken[..at].to_vec());
            }
            ensure!(self.received.len() < HEAD_MAX, "no end of the head");
            ensure!(self.fill().await?, "the connection has ended");
        }
    }

    /// The head of the next answer.
    ///
    /// # Errors
    /// When the connection ends, or what comes is no head.
    pub async fn head(&mut self) -> Result<Head> {
        let text = String::from_utf8_lossy(&self.take_until(b"\r\n\r\n").await?).into_owned();
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status line")?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        Ok(Head { status: status.parse().context("status")?, headers: headers.collect() })
    }

    /// The next piece of a body, `None` at its end.
    ///
    /// # Errors
    /// When the connection ends within the body.
    ///
    /// # Cancel safety
    /// Takes a whole piece or nothing.
    pub async fn piece(&mut self, body: &mut Body) -> Result<Option<Vec<u8>>> {
        match *body {
            Body::Done => Ok(None),
            Body::Length(0) => {
                *body = Body::Done;
                Ok(None)
            }
            Body::Length(left) => {
                if self.received.is_empty() && !self.fill().await? {
                    bail!("the connection has ended within the body");
                }
                let len = left.min(self.received.len());
                *body = Body::Length(left - len);
                Ok(Some(self.received.drain(..len).collect()))
            }
            Body::UntilEnd => {
                if self.received.is_empty() && !self.fill().await? {
                    *body = Body::Done;
                    return Ok(None);
                }
                Ok(Some(std::mem::take(&mut self.received)))
            }
            Body::Chunked => {
                let (head_len, len) = self.chunk().await?;
                let whole = self.take(head_len + len + 2).await?;
                if len == 0 {
                    *body = Body::Done;
                    return Ok(None);
                }
                Ok(Some(whole[head_len..head_len + len].to_vec()))
            }
        }
    }

    /// Lengths of the next chunk's head, its line's end included, and of the chunk.
    async fn chunk(&mut self) -> Result<(usize, usize)> {
        let mut looked = 1;
        loop {
            let received = self.look(looked).await?;
            if let Some(at) = received.windows(2).position(|window| window == b"\r\n") {
                let head = std::str::from_utf8(&received[..at])?;
                let len = usize::from_str_radix(head.split(';').next().unwrap_or_default().trim(), 16)?;
                return Ok((at + 2, len));
            }
            ensure!(received.len() < HEAD_MAX, "no end of a chunk's head");
            looked = received.len() + 1;
        }
    }

    /// The next answer with its whole body.
    ///
    /// # Errors
    /// When the connection ends before it is complete.
    pub async fn answer(&mut self) -> Result<(Head, Vec<u8>)> {
        let head = self.head().await?;
        let mut body = head.body()?;
        let mut whole = Vec::new();
        while let Some(piece) = self.piece(&mut body).await? {
            whole.extend_from_slice(&piece);
        }
        Ok((head, whole))
    }
}
