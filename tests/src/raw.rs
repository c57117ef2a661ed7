//! Bytes over a connection, as no well-behaved client would send them.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{Envelope, Gateway, PATIENCE};

/// A connection without a protocol.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer as it stood on the wire.
#[derive(Clone, Debug, Default)]
pub struct RawAnswer {
    /// Status; 0 where no answer came.
    pub status: u16,
    /// The lines of the head, in small letters.
    pub head: String,
    /// The body, as far as `Content-Length` says.
    pub body: String,
}

impl RawAnswer {
    /// The error code of an envelope; empty when there is none.
    #[must_use]
    pub fn code(&self) -> String {
        Envelope::parse(&self.body).ok().and_then(|envelope| envelope.error_code).unwrap_or_default()
    }
}

impl Gateway {
    /// Opens a connection.
    ///
    /// # Errors
    /// When it is not accepted.
    pub async fn raw(&self) -> Result<Raw> {
        let stream = TcpStream::connect(self.addr()).await.context("connect")?;
        Ok(Raw { stream, received: Vec::new() })
    }
}

impl Raw {
    /// Sends bytes. That the other end has closed meanwhile is no error: it has said why.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _sent = timeout(PATIENCE, self.stream.write_all(bytes)).await;
    }

    /// Ends the sending half.
    pub async fn finish(&mut self) {
        let _finished = self.stream.shutdown().await;
    }

    /// Reads one answer, or what there is when the connection ends.
    ///
    /// # Errors
    /// When neither happens in time.
    pub async fn answer(&mut self) -> Result<RawAnswer> {
        loop {
            if let Some((answer, len)) = complete(&self.received) {
                self.received.drain(..len);
                return Ok(answer);
            }
            if self.more().await? == 0 {
                return Ok(RawAnswer { body: self.text(), ..RawAnswer::default() });
            }
        }
    }

    /// Reads until the connection ends, and returns everything that was not taken yet.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn rest(&mut self) -> Result<Vec<u8>> {
        while self.more().await? > 0 {}
        Ok(std::mem::take(&mut self.received))
    }

    /// Reads what comes within a while, without waiting for an end.
    pub async fn listen(&mut self, time: Duration) -> &[u8] {
        let _elapsed = timeout(time, async { while self.more().await.is_ok_and(|len| len > 0) {} }).await;
        &self.received
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    /// How many bytes came; a reset ends a connection as well as anything.
    async fn more(&mut self) -> Result<usize> {
        let mut bytes = [0; 4096];
        let read = timeout(PATIENCE, self.stream.read(&mut bytes)).await.context("no end in time")?;
        let len = read.unwrap_or(0);
        self.received.extend_from_slice(&bytes[..len]);
        Ok(len)
    }
}

/// A whole answer at the beginning of some bytes, and its length.
fn complete(bytes: &[u8]) -> Option<(RawAnswer, usize)> {
    let text = String::from_utf8_lossy(bytes);
    let (head, _) = text.split_once("\r\n\r\n")?;
    let status = head.get(9..12)?.parse().ok()?;
    let lower = head.to_lowercase();
    let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    let (start, length) = (head.len() + 4, length.unwrap_or(0));
    let body = bytes.get(start..start + length)?;
    let body = String::from_utf8_lossy(body).into_owned();
    Some((RawAnswer { status, head: lower, body }, start + length))
}
