//! A language model behind an interface like OpenAI's: `POST {base}/chat/completions`, streamed.

mod stream;
mod wire;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use self::stream::{Ended, Reader};
use super::{Answering, Finish, Kind, Piece, Provider, ProviderError, Request};
use crate::config::ModelConfig;

/// When to ask again where the model has not said when.
const RETRY_DEFAULT: Duration = Duration::from_secs(5);
/// Longest time to wait that is believed.
const RETRY_MAX: Duration = Duration::from_secs(3_600);
/// How often a question is asked that has not begun to be answered.
const ATTEMPTS: usize = 2;
/// How long before the second time.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(250);

/// The model, and how it is reached.
pub struct OpenAi {
    client: Client,
    config: ModelConfig,
    /// `Bearer` and the key; it is marked so that nobody prints it.
    authorization: Option<HeaderValue>,
}

impl OpenAi {
    /// By the settings.
    ///
    /// # Errors
    /// When the key cannot stand in a header, or there is no TLS.
    pub fn new(config: ModelConfig) -> anyhow::Result<Self> {
        let authorization = match &config.api_key {
            None => None,
            Some(key) => {
                let value = [b"Bearer ", key.expose()].concat();
                let value = HeaderValue::from_bytes(&value);
                // Why not would be told with the key in it.
                let mut value =
                    value.map_err(|_| anyhow::anyhow!("COPILOT_API_KEY cannot stand in a header"))?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        // A redirection could take the key somewhere else.
        let client = Client::builder().redirect(Policy::none()).connect_timeout(config.connect_timeout);
        Ok(Self { client: client.build()?, config, authorization })
    }

    async fn run(&self, request: Request<'_>, pieces: mpsc::Sender<Piece>) -> Result<Finish, ProviderError> {
        let deadline = Instant::now() + self.config.timeout;
        let body = wire::body(&self.config.model, &request);
        let response = self.ask(&body, deadline).await?;
        self.read(response, &pieces, deadline).await
    }

    /// Asks until there is an answer, twice at most; nothing of one has been seen before.
    async fn ask(&self, body: &str, deadline: Instant) -> Result<Response, ProviderError> {
        let mut attempt = 1;
        loop {
            let failed = match self.ask_once(body, deadline).await {
                Ok(response) if response.status().is_server_error() => refused(&response),
                Ok(response) if response.status() == StatusCode::OK => return Ok(response),
                Ok(response) => return Err(refused(&response)),
                Err(error) => error,
            };
            // Who says when is not asked before.
            let is_told = failed.retry_after.is_some_and(|after| after > ATTEMPT_PAUSE);
            if attempt == ATTEMPTS || is_told || Instant::now() + ATTEMPT_PAUSE >= deadline {
                return Err(failed);
            }
            tracing::debug!(%failed, "the model is asked once more");
            attempt += 1;
            tokio::time::sleep(ATTEMPT_PAUSE).await;
        }
    }

    async fn ask_once(&self, body: &str, deadline: Instant) -> Result<Response, ProviderError> {
        let mut request = self.client.post(self.config.url.clone()).body(body.to_owned());
        request = request.header("content-type", "application/json").header("accept", "text/event-stream");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let head_by = deadline.min(Instant::now() + self.config.first_byte_timeout);
        match timeout_at(head_by, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                let what = if error.is_connect() { "cannot be reached" } else { "has closed the connection" };
                // The address is in the settings; a log needs no more than what went wrong.
                tracing::warn!(error = %error.without_url(), "the model {what}");
                Err(ProviderError::new(Kind::Unavailable, format!("the model {what}")))
            }
            Err(_) => Err(ProviderError::new(Kind::Unavailable, "the model does not answer in time")),
        }
    }

    async fn read(
        &self,
        mut response: Response,
        pieces: &mpsc::Sender<Piece>,
        deadline: Instant,
    ) -> Result<Finish, ProviderError> {
        let mut reader = Reader::default();
        let mut patience = self.config.first_byte_timeout;
        loop {
            let chunk = match timeout_at(deadline.min(Instant::now() + patience), response.chunk()).await {
                Ok(Ok(chunk)) => chunk,
                Ok(Err(error)) => {
                    tracing::warn!(error = %error.without_url(), "the model's answer has broken off");
                    None
                }
                // After the reason of the end nothing is missing.
                Err(_) => {
                    let stopped =
                        ProviderError::new(Kind::Unavailable, "the model has stopped in mid-answer");
                    return reader.cut().map_err(|_| stopped);
                }
            };
            patience = self.config.idle_timeout;
            let Some(chunk) = chunk else { return reader.cut() };
            let ended = reader.feed(&chunk);
            // What came before a fault was said.
            for piece in reader.take() {
                if pieces.send(piece).await.is_err() {
                    return Ok(Finish::Stop);
                }
            }
            if let Ended::Yes(finish) = ended? {
                return Ok(finish);
            }
        }
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn answer<'a>(&'a self, request: Request<'a>, pieces: mpsc::Sender<Piece>) -> Answering<'a> {
        Box::pin(self.run(request, pieces))
    }
}

/// What an answer is told as that is none. What it says beside its status is not repeated: some repeat the key.
fn refused(response: &Response) -> ProviderError {
    let status = response.status();
    let said = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let said = said.and_then(|text| retry_after(text.trim()));
    let (kind, message) = match status.as_u16() {
        429 => (Kind::RateLimited, "the model is asked too often".to_owned()),
        401 | 403 => (Kind::Failed, "the model refuses the gateway's key".to_owned()),
        300..=399 => (Kind::Failed, "the model's address leads to another one".to_owned()),
        500..=599 => {
            (Kind::Unavailable, format!("the model fails with status {status}", status = status.as_u16()))
        }
        other => (Kind::Failed, format!("the model does not take the question: status {other}")),
    };
    tracing::warn!(status = status.as_u16(), "the model gives no answer");
    let usual = (kind == Kind::RateLimited).then_some(RETRY_DEFAULT);
    let retry_after = said.filter(|_| kind != Kind::Failed).or(usual).map(|after| after.min(RETRY_MAX));
    ProviderError { retry_after, ..ProviderError::new(kind, message) }
}

/// What `Retry-After` says: seconds, or a date.
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(jiff::Timestamp::now())).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_try_again_is_in_seconds_or_a_date() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO), "long ago");
        assert!(retry_after("Fri, 31 Dec 2100 23:59:59 GMT").is_some_and(|after| after > RETRY_MAX));
        for text in ["", "-3", "soon", "1.5", "31 December"] {
            assert_eq!(retry_after(text), None, "{text}");
        }
    }
}
