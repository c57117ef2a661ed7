//! A publisher: `POST /api/live/publish`.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Envelope, Line};

/// Publishes over one connection, one request after the other.
#[derive(Debug)]
pub struct Publisher {
    line: Line,
    token: String,
}

/// Place that a publication was given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Published {
    /// Where it was published.
    pub channel: String,
    /// Name of the channel's history.
    pub epoch: String,
    /// Its number there.
    pub seq: u64,
    /// The same idempotency key was used before, for the same publication.
    pub duplicate: bool,
}

/// Places of a list of publications.
#[derive(Deserialize)]
struct Results {
    results: Vec<Published>,
}

impl Publisher {
    /// Connects as the bearer of a token.
    ///
    /// # Errors
    /// When nothing listens there.
    pub async fn connect(addr: SocketAddr, token: impl Into<String>) -> Result<Self> {
        Ok(Self { line: Line::connect(addr).await?, token: token.into() })
    }

    /// Posts any body and returns status and envelope.
    ///
    /// # Errors
    /// When there is no answer, or one that is no envelope.
    pub async fn post(&mut self, body: &str) -> Result<(u16, Envelope)> {
        let head = format!(
            "POST /api/live/publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        self.line.send(head.as_bytes()).await?;
        self.line.send(body.as_bytes()).await?;
        let (head, body) = self.line.answer().await?;
        let text = String::from_utf8(body)?;
        Ok((
            head.status,
            Envelope::parse(text.trim_end()).with_context(|| format!("status {}", head.status))?,
        ))
    }

    /// Publishes one.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn publish(&mut self, channel: &str, event: &str, data: Value) -> Result<Published> {
        let item = json!({ "channel": channel, "event": event, "data": data });
        let (status, envelope) = self.post(&item.to_string()).await?;
        ensure!(status == 200 && envelope.ok, "{status} {envelope}");
        envelope.data_as()
    }

    /// Publishes a list, in order.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn publish_all(&mut self, items: &[Value]) -> Result<Vec<Published>> {
        let (status, envelope) = self.post(&serde_json::to_string(items)?).await?;
        ensure!(status == 200 && envelope.ok, "{status} {envelope}");
        Ok(envelope.data_as::<Results>()?.results)
    }
}
