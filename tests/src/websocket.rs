//! A client of the WebSocket transport.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::{Answer, Envelope, Gateway, PATIENCE};

/// What a frame was, without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text frame.
    Text,
    /// A binary frame.
    Binary,
}

/// An open WebSocket.
#[derive(Debug)]
pub struct WebSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waiting: VecDeque<Envelope>,
    last_frame: Option<Frame>,
    last_id: u64,
}

impl Gateway {
    /// Opens a WebSocket with text frames.
    ///
    /// # Errors
    /// When the upgrade is refused.
    pub async fn websocket(&self) -> Result<WebSocket> {
        WebSocket::open(&self.ws_url("/api/live/ws")).await
    }

    /// Opens a WebSocket with binary frames.
    ///
    /// # Errors
    /// When the upgrade is refused.
    pub async fn websocket_binary(&self) -> Result<WebSocket> {
        WebSocket::open(&self.ws_url("/api/live/ws?frames=binary")).await
    }

    /// Opens a WebSocket the way a page of that origin would, or tells what came instead.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn websocket_of_page(&self, origin: &str) -> Result<Result<WebSocket, Answer>> {
        self.websocket_with("/api/live/ws", "Origin", origin).await
    }

    /// The same at any path with any header.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn websocket_with(
        &self,
        path: &str,
        header: &str,
        value: &str,
    ) -> Result<Result<WebSocket, Answer>> {
        let uri = self.ws_url(path).parse().context("address of the gateway")?;
        let request = ClientRequestBuilder::new(uri).with_header(header, value);
        match timeout(PATIENCE, connect_async(request)).await.context("no upgrade in time")? {
            Ok((socket, _response)) => Ok(Ok(WebSocket::over(socket))),
            Err(Error::Http(response)) => {
                let content_type = response.headers().get("content-type");
                let content_type = content_type.and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
                let status = response.status().as_u16();
                let body = String::from_utf8(response.into_body().unwrap_or_default())?;
                Ok(Err(Answer { status, content_type, body }))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl WebSocket {
    async fn open(url: &str) -> Result<Self> {
        let connected = timeout(PATIENCE, connect_async(url)).await.context("no upgrade in time")?;
        let (socket, _response) = connected.with_context(|| format!("upgrade of {url}"))?;
        Ok(Self::over(socket))
    }

    fn over(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self { socket, waiting: VecDeque::new(), last_frame: None, last_id: 0 }
    }

    /// What the frame of the last envelope was.
    #[must_use]
    pub fn last_frame(&self) -> Option<Frame> {
        self.last_frame
    }

    /// Sends any text.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn send_text(&mut self, text: impl Into<String>) -> Result<()> {
        Ok(self.socket.send(Message::text(text.into())).await?)
    }

    /// Sends a command under the next id, which is returned.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn send(&mut self, mut command: Value) -> Result<u64> {
        self.last_id += 1;
        command["id"] = json!(self.last_id);
        self.send_text(command.to_string()).await?;
        Ok(self.last_id)
    }

    /// Subscribes to channels and returns the command's id. The answers are still to be read.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn subscribe(&mut self, channels: &[&str]) -> Result<u64> {
        let channels: Vec<Value> = channels.iter().map(|name| json!({ "name": name })).collect();
        self.send(json!({ "cmd": "subscribe", "channels": channels })).await
    }

    /// The next envelope, from a frame of any kind.
    ///
    /// # Errors
    /// When the connection is closed (with code and reason) or nothing comes in time.
    pub async fn next(&mut self) -> Result<Envelope> {
        loop {
            if let Some(envelope) = self.waiting.pop_front() {
                return Ok(envelope);
            }
            let text = match self.next_message().await? {
                Message::Text(text) => {
                    self.last_frame = Some(Frame::Text);
                    text.to_string()
                }
                Message::Binary(bytes) => {
                    self.last_frame = Some(Frame::Binary);
                    String::from_utf8(bytes.to_vec()).context("binary frame is not UTF-8")?
                }
                Message::Close(frame) => bail!("closed: {frame:?}"),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            for line in text.split('\n').filter(|line| !line.is_empty()) {
                self.waiting.push_back(Envelope::parse(line)?);
            }
        }
    }

    /// The next envelope that fits; those before it are passed over.
    ///
    /// # Errors
    /// As [`WebSocket::next`].
    pub async fn find(&mut self, fits: impl Fn(&Envelope) -> bool) -> Result<Envelope> {
        loop {
            let envelope = self.next().await?;
            if fits(&envelope) {
                return Ok(envelope);
            }
        }
    }

    /// Reads until the peer closes and returns the code, and the envelopes that came before it.
    ///
    /// # Errors
    /// When it does not close in time, or closes without a code.
    pub async fn closed(&mut self) -> Result<(u16, Vec<Envelope>)> {
        let mut before: Vec<Envelope> = self.waiting.drain(..).collect();
        loop {
            match self.next_message().await? {
                Message::Text(text) => {
                    for line in text.split('\n').filter(|line| !line.is_empty()) {
                        before.push(Envelope::parse(line)?);
                    }
                }
                Message::Close(Some(frame)) => return Ok((frame.code.into(), before)),
                Message::Close(None) => bail!("closed without a code"),
                _ => {}
            }
        }
    }

    async fn next_message(&mut self) -> Result<Message> {
        let message = timeout(PATIENCE, self.socket.next()).await.context("nothing came in time")?;
        Ok(message.context("the connection has ended without a close frame")??)
    }
}
