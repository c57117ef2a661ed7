//! The WebSocket as a [`Live`] client.

use std::collections::VecDeque;
use std::net::SocketAddr;

use anyhow::{Result, bail};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{Ask, Ended, Live, Standing};
use crate::Envelope;
use crate::frame::{RawSocket, message, opcode};

/// An open WebSocket that keeps its positions.
#[derive(Debug)]
pub struct SocketLive {
    socket: RawSocket,
    waiting: VecDeque<Envelope>,
    standing: Standing,
    last_id: u64,
}

impl SocketLive {
    /// Opens a socket and subscribes to what is asked for, if there is any.
    ///
    /// # Errors
    /// When the upgrade is refused.
    pub async fn open(addr: SocketAddr, ask: &Ask) -> Result<Self> {
        let line = ask.line(addr).await?;
        let socket = RawSocket::over(line, "/api/live/ws", ask.token.as_deref()).await?;
        let mut live = Self { socket, waiting: VecDeque::new(), standing: ask.standing.clone(), last_id: 0 };
        if !ask.channels.is_empty() {
            live.subscribe(ask).await?;
        }
        Ok(live)
    }

    /// Subscribes and returns the command's id; the answers are still to be read.
    ///
    /// # Errors
    /// When the line is gone.
    pub async fn subscribe(&mut self, ask: &Ask) -> Result<u64> {
        let channels = ask.channels.iter().map(|name| {
            let mut wanted = json!({ "name": name });
            if let Some(position) = ask.standing.positions.get(name) {
                wanted["since"] = format!("{}:{}", position.epoch, position.seq).into();
            }
            if let Some(hz) = ask.max_hz {
                wanted["maxHz"] = hz.into();
            }
            wanted
        });
        let channels: Vec<Value> = channels.collect();
        self.command(json!({ "cmd": "subscribe", "channels": channels })).await
    }

    /// Sends a command under the next id, which is returned.
    ///
    /// # Errors
    /// When the line is gone.
    pub async fn command(&mut self, mut command: Value) -> Result<u64> {
        self.last_id += 1;
        command["id"] = self.last_id.into();
        self.socket.send_text(&command.to_string()).await?;
        Ok(self.last_id)
    }

    /// Sends a command and returns its answer; what comes before it is passed over.
    ///
    /// # Errors
    /// As [`Live::next`].
    pub async fn answer(&mut self, command: Value) -> Result<Envelope> {
        let id = self.command(command).await?;
        loop {
            let envelope = self.read().await?;
            if envelope.field::<Option<u64>>("id").ok().flatten() == Some(id) {
                return Ok(envelope);
            }
        }
    }

    /// The frames below.
    pub fn raw(&mut self) -> &mut RawSocket {
        &mut self.socket
    }

    async fn read(&mut self) -> Result<Envelope> {
        loop {
            if let Some(envelope) = self.waiting.pop_front() {
                self.standing.follow(&envelope)?;
                return Ok(envelope);
            }
            let frame = self.socket.next().await?;
            match frame.opcode {
                opcode::TEXT | opcode::BINARY => {
                    for line in std::str::from_utf8(&frame.payload)?.split('\n') {
                        self.waiting.push_back(Envelope::parse(line)?);
                    }
                }
                opcode::PING => self.socket.send(&message(opcode::PONG, &frame.payload)).await?,
                opcode::PONG => {}
                opcode::CLOSE => {
                    // The peer waits for the same in return.
                    let _answered = self.socket.send(&message(opcode::CLOSE, &frame.payload)).await;
                    return Err(Ended { code: frame.close_code() }.into());
                }
                other => bail!("a frame of kind {other}"),
            }
        }
    }
}

impl Live for SocketLive {
    fn next(&mut self) -> BoxFuture<'_, Result<Envelope>> {
        Box::pin(self.read())
    }

    fn has_more(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn standing(&self) -> &Standing {
        &self.standing
    }
}
