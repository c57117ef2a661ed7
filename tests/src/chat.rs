//! Conversations with a gateway: what is said, and what comes of it on the request's own stream.

use anyhow::{Context, Result, ensure};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::copilot::Person;
use crate::{Gateway, PATIENCE};

/// The stream of a request.
#[derive(Debug)]
pub struct Stream {
    response: Response,
    received: Vec<u8>,
    /// Every envelope that has come.
    pub envelopes: Vec<Value>,
    /// Where the channel stands after the last one.
    pub cursor: String,
}

/// Everything of an answer.
#[derive(Clone, Debug)]
pub struct Told {
    /// The conversation.
    pub session_id: String,
    /// What was told, in order.
    pub envelopes: Vec<Value>,
}

impl Told {
    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        text(&self.envelopes)
    }

    /// The data of the first event of that name; null where there is none.
    #[must_use]
    pub fn data(&self, event: &str) -> Value {
        let found = self.envelopes.iter().find(|envelope| envelope["event"] == event);
        found.map_or(Value::Null, |envelope| envelope["data"].clone())
    }

    /// The names of the events, each run of pieces once.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for envelope in &self.envelopes {
            let name = envelope["event"].as_str().unwrap_or_default();
            let name = name.trim_start_matches("copilot.");
            if names.last().is_none_or(|last| last != name || name != "delta") {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// The token that confirms what was proposed.
    ///
    /// # Errors
    /// When there is none.
    pub fn token(&self) -> Result<String> {
        let confirm = self.data("copilot.confirm");
        Ok(confirm["confirmationToken"].as_str().with_context(|| format!("{:?}", self.envelopes))?.to_owned())
    }
}

/// The text of some envelopes.
#[must_use]
pub fn text(envelopes: &[Value]) -> String {
    let deltas = envelopes.iter().filter(|envelope| envelope["event"] == "copilot.delta");
    deltas.filter_map(|envelope| envelope["data"]["text"].as_str()).collect()
}

impl Person {
    /// Says something, and opens the stream of what comes of it.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn open(&self, gateway: &Gateway, body: &Value) -> Result<Stream> {
        let request = self.request(gateway, Method::POST, "/api/copilot/chat");
        let request = request.timeout(PATIENCE * 3).header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await?;
        let status = response.status();
        if !status.is_success() {
            anyhow::bail!("{status}: {}", response.text().await?);
        }
        let (received, envelopes, cursor) = Default::default();
        Ok(Stream { response, received, envelopes, cursor })
    }

    /// Says something, and waits for all that comes of it.
    ///
    /// # Errors
    /// When it is refused, or the stream does not end well.
    pub async fn say(&self, gateway: &Gateway, session: Option<&str>, message: &str) -> Result<Told> {
        let mut body = json!({ "message": message });
        if let Some(session) = session {
            body["sessionId"] = json!(session);
        }
        self.open(gateway, &body).await?.to_end().await
    }
}

impl Stream {
    /// The next envelope; `None` at the end.
    ///
    /// # Errors
    /// When nothing comes in time, or something that is no envelope.
    pub async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\n\n") {
                let rest = self.received.split_off(end + 2);
                let block =
                    String::from_utf8(std::mem::replace(&mut self.received, rest)).context("UTF-8")?;
                let mut envelope = None;
                for line in block.lines() {
                    if let Some(data) = line.strip_prefix("data: ") {
                        envelope = Some(serde_json::from_str::<Value>(data).context("an envelope")?);
                    }
                    if let Some(id) = line.strip_prefix("id: ") {
                        self.cursor = id.to_owned();
                    }
                }
                if let Some(envelope) = envelope {
                    self.envelopes.push(envelope.clone());
                    return Ok(Some(envelope));
                }
                continue;
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.context("nothing came in time")??;
            let Some(chunk) = chunk else { return Ok(None) };
            self.received.extend_from_slice(&chunk);
        }
    }

    /// Goes on until an event of that name.
    ///
    /// # Errors
    /// When the stream ends before.
    pub async fn until(&mut self, event: &str) -> Result<Value> {
        while let Some(envelope) = self.next().await? {
            if envelope["event"] == event {
                return Ok(envelope);
            }
        }
        anyhow::bail!("the stream ends without {event}: {:?}", self.envelopes)
    }

    /// All of it. It must begin with `copilot.start`, be without a gap, and end with one of the three last words.
    ///
    /// # Errors
    /// When it is not so.
    pub async fn to_end(mut self) -> Result<Told> {
        while self.next().await?.is_some() {}
        let envelopes = self.envelopes;
        let first = envelopes.first().context("nothing came")?;
        ensure!(first["event"] == "copilot.start", "{first}");
        let last = envelopes.last().and_then(|last| last["event"].as_str()).unwrap_or_default();
        ensure!(["copilot.done", "copilot.error", "copilot.stopped"].contains(&last), "it ends with {last}");
        let seqs: Vec<u64> = envelopes.iter().filter_map(|envelope| envelope["seq"].as_u64()).collect();
        ensure!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "a gap: {seqs:?}");
        let channel = first["channel"].as_str().unwrap_or_default();
        let session_id = channel.strip_prefix("copilot:").context("a channel")?.to_owned();
        Ok(Told { session_id, envelopes })
    }
}
