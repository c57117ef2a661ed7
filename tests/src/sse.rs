//! A client of the event stream that keeps every line, so that a test can judge the framing too.

use anyhow::{Context, Result, bail};
use tokio::time::timeout;

use crate::{Answer, Envelope, Gateway, PATIENCE};

/// One message of an event stream: the fields between two empty lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseMessage {
    /// The lines as they came.
    pub lines: Vec<String>,
    /// Values of the `data:` lines.
    pub data: Vec<String>,
    /// Value of `id:`.
    pub id: Option<String>,
    /// Value of `retry:`.
    pub retry: Option<String>,
    /// Value of `event:`.
    pub event: Option<String>,
}

/// What came instead of a stream.
#[derive(Clone, Debug)]
pub struct Refusal(pub Answer);

/// An open event stream.
#[derive(Debug)]
pub struct Sse {
    response: reqwest::Response,
    received: String,
}

impl Gateway {
    /// Opens a stream over these channels, separated by commas.
    ///
    /// # Errors
    /// When there is no answer, or a refusal.
    pub async fn sse(&self, channels: &str) -> Result<Sse> {
        match self.sse_or_refusal(channels).await? {
            Ok(stream) => Ok(stream),
            Err(Refusal(answer)) => bail!("refused with {}: {}", answer.status, answer.body),
        }
    }

    /// Opens a stream or tells what came instead.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn sse_or_refusal(&self, channels: &str) -> Result<Result<Sse, Refusal>> {
        self.sse_with(channels, &[]).await
    }

    /// The same with headers of one's own.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn sse_with(&self, channels: &str, headers: &[(&str, &str)]) -> Result<Result<Sse, Refusal>> {
        let url = self.url(&format!("/api/live/sse?channels={channels}"));
        let mut request = reqwest::Client::new().get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = timeout(PATIENCE, request.send()).await.context("no answer in time")??;
        if response.status().is_success() {
            return Ok(Ok(Sse { response, received: String::new() }));
        }
        let content_type = response.headers().get("content-type");
        let content_type = content_type.and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let status = response.status().as_u16();
        Ok(Err(Refusal(Answer { status, content_type, body: response.text().await? })))
    }
}

impl Sse {
    /// Opens a stream at an address, with these headers.
    ///
    /// # Errors
    /// When there is no answer, or a refusal.
    pub async fn open(url: &str, headers: &[(&str, &str)]) -> Result<Self> {
        let request = reqwest::Client::new().get(url);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = timeout(PATIENCE, request.send()).await.context("no answer in time")??;
        if !response.status().is_success() {
            bail!("refused with {}: {}", response.status(), response.text().await?);
        }
        Ok(Self { response, received: String::new() })
    }

    /// A header of the answer, empty when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let value = self.response.headers().get(name);
        value.and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// The next message; comments alone are no message.
    ///
    /// # Errors
    /// When the stream ends, or nothing comes in time.
    pub async fn next(&mut self) -> Result<SseMessage> {
        loop {
            if let Some((block, rest)) = self.received.split_once("\n\n") {
                let message = parse(block);
                self.received = rest.to_owned();
                if message.lines.iter().any(|line| !line.starts_with(':')) {
                    return Ok(message);
                }
                continue;
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.context("nothing came in time")??;
            let chunk = chunk.context("the stream has ended")?;
            self.received.push_str(std::str::from_utf8(&chunk).context("cut within a character")?);
        }
    }

    /// The next envelope, of a message that carries one.
    ///
    /// # Errors
    /// As [`Sse::next`], and when a message carries data that is not one envelope on one line.
    pub async fn next_envelope(&mut self) -> Result<Envelope> {
        loop {
            let message = self.next().await?;
            match &message.data[..] {
                [] => {}
                [one] => return Envelope::parse(one),
                more => bail!("{} data lines in one message: {more:?}", more.len()),
            }
        }
    }

    /// The next envelope that fits; those before it are passed over.
    ///
    /// # Errors
    /// As [`Sse::next_envelope`].
    pub async fn find(&mut self, fits: impl Fn(&Envelope) -> bool) -> Result<Envelope> {
        loop {
            let envelope = self.next_envelope().await?;
            if fits(&envelope) {
                return Ok(envelope);
            }
        }
    }
}

fn parse(block: &str) -> SseMessage {
    let mut message = SseMessage::default();
    for line in block.lines() {
        message.lines.push(line.to_owned());
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match name {
            "data" => message.data.push(value),
            "id" => message.id = Some(value),
            "retry" => message.retry = Some(value),
            "event" => message.event = Some(value),
            _ => {}
        }
    }
    message
}
