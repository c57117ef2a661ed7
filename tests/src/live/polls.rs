//! Long polling as a [`Live`] client.

use std::collections::VecDeque;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Ask, Ended, Live, Standing, refused};
use crate::line::{Body, Head};
use crate::{Envelope, Line};

/// Polls one after the other over one connection.
#[derive(Debug)]
pub(super) struct PollLive {
    line: Line,
    ask: Ask,
    is_asked: bool,
    /// The answer that is being read, so that a cancelled wait loses nothing.
    answering: Option<(Body, Head, Vec<u8>)>,
    waiting: VecDeque<Envelope>,
    /// What the standing becomes when everything that waits has been handed over.
    next_cursor: Option<String>,
    standing: Standing,
}

/// An answer as it travels.
#[derive(Deserialize)]
struct Answer {
    cursor: String,
    envelopes: Vec<Box<RawValue>>,
}

impl PollLive {
    /// Connects and asks for the first time. A question without a cursor is answered at once, and its refusal told
    /// here; one that may wait is not waited for.
    pub(super) async fn open(addr: SocketAddr, ask: &Ask) -> Result<Self> {
        let mut live = Self {
            line: ask.line(addr).await?,
            ask: ask.clone(),
            is_asked: false,
            answering: None,
            waiting: VecDeque::new(),
            next_cursor: None,
            standing: ask.standing.clone(),
        };
        match live.standing.cursor {
            None => live.poll().await?,
            Some(_) => live.ask().await?,
        }
        Ok(live)
    }

    async fn ask(&mut self) -> Result<()> {
        if !self.is_asked {
            let cursor = self.standing.cursor.as_ref().map(|cursor| format!("&cursor={cursor}"));
            let wait = self.ask.wait.map(|seconds| format!("&wait={seconds}"));
            let request = format!(
                "GET /api/live/poll?{}{}{} HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
                self.ask.query(),
                cursor.unwrap_or_default(),
                wait.unwrap_or_default(),
                self.ask.authorization()
            );
            self.line.send(request.as_bytes()).await.context(Ended { code: None })?;
            self.is_asked = true;
        }
        Ok(())
    }

    async fn poll(&mut self) -> Result<()> {
        self.ask().await?;
        if self.answering.is_none() {
            let head = self.line.head().await.context(Ended { code: None })?;
            self.answering = Some((head.body()?, head, Vec::new()));
        }
        let Some((body, _, whole)) = &mut self.answering else { bail!("no answer") };
        while let Some(piece) = self.line.piece(body).await.context(Ended { code: None })? {
            whole.extend_from_slice(&piece);
        }
        let Some((_, head, body)) = self.answering.take() else { bail!("no answer") };
        self.is_asked = false;
        if head.status != 200 {
            return Err(refused(&head, &body));
        }
        let answer: Answer = serde_json::from_slice(&body)?;
        for envelope in &answer.envelopes {
            self.waiting.push_back(Envelope::parse(envelope.get())?);
        }
        ensure!(
            self.waiting.front().is_some_and(|first| first.event == "system.hello"),
            "an answer without a greeting: {}",
            String::from_utf8_lossy(&body)
        );
        self.next_cursor = Some(answer.cursor);
        Ok(())
    }

    async fn read(&mut self) -> Result<Envelope> {
        loop {
            if let Some(envelope) = self.waiting.pop_front() {
                self.standing.follow(&envelope)?;
                if self.waiting.is_empty() {
                    self.standing.cursor = self.next_cursor.take();
                }
                return Ok(envelope);
            }
            self.poll().await?;
        }
    }
}

impl Live for PollLive {
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
