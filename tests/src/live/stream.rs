//! The event stream as a [`Live`] client.

use std::collections::VecDeque;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use futures_util::future::BoxFuture;

use super::{Ask, Ended, Live, Standing, refused};
use crate::line::Body;
use crate::{Envelope, Line};

/// An open event stream that keeps the last `id:`, with which it would come back as `Last-Event-ID`.
#[derive(Debug)]
pub(super) struct StreamLive {
    line: Line,
    body: Body,
    received: String,
    waiting: VecDeque<Message>,
    standing: Standing,
}

impl StreamLive {
    pub(super) async fn open(addr: SocketAddr, ask: &Ask) -> Result<Self> {
        let mut line = ask.line(addr).await?;
        let back = ask.standing.cursor.as_ref().map(|cursor| format!("Last-Event-ID: {cursor}\r\n"));
        let request = format!(
            "GET /api/live/sse?{} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{}{}\r\n",
            ask.query(),
            ask.authorization(),
            back.unwrap_or_default()
        );
        line.send(request.as_bytes()).await?;
        let head = line.head().await?;
        let mut body = head.body()?;
        if head.status != 200 {
            let mut whole = Vec::new();
            while let Some(piece) = line.piece(&mut body).await? {
                whole.extend_from_slice(&piece);
            }
            return Err(refused(&head, &whole));
        }
        let content_type = head.header("content-type");
        ensure!(content_type.starts_with("text/event-stream"), "Content-Type is {content_type}");
        Ok(Self {
            line,
            body,
            received: String::new(),
            waiting: VecDeque::new(),
            standing: ask.standing.clone(),
        })
    }

    async fn read(&mut self) -> Result<Envelope> {
        loop {
            while let Some(Message { data, id }) = self.waiting.pop_front() {
                if id.is_some() {
                    self.standing.cursor = id;
                }
                if let Some(data) = data {
                    let envelope = Envelope::parse(&data)?;
                    self.standing.follow(&envelope)?;
                    return Ok(envelope);
                }
            }
            let piece = self.line.piece(&mut self.body).await.context(Ended { code: None })?;
            let piece = piece.context(Ended { code: None })?;
            self.received.push_str(std::str::from_utf8(&piece).context("cut within a character")?);
            let Some(end) = self.received.rfind("\n\n") else { continue };
            let rest = self.received.split_off(end + 2);
            let whole = std::mem::replace(&mut self.received, rest);
            for block in whole.split("\n\n").filter(|block| !block.is_empty()) {
                self.waiting.push_back(Message::read(block)?);
            }
        }
    }
}

impl Live for StreamLive {
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

/// What stands between two empty lines.
#[derive(Debug, Default)]
struct Message {
    data: Option<String>,
    id: Option<String>,
}

impl Message {
    fn read(block: &str) -> Result<Self> {
        let mut message = Self::default();
        for line in block.lines() {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "data" => {
                    ensure!(message.data.is_none(), "two lines of data: {block}");
                    message.data = Some(value.to_owned());
                }
                "id" => message.id = Some(value.to_owned()),
                "" | "retry" => {}
                _ => anyhow::bail!("a line {name}: {block}"),
            }
        }
        Ok(message)
    }
}
