//! A language model behind an interface like OpenAI's: `POST {base}/chat/completions`, streamed.

mod question;
mod refusal;
mod stream;
mod wire;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use self::refusal::{Refusal, failed, refused};
use self::stream::{Ended, Reader};
use super::{Answering, Finish, Kind, Piece, Provider, ProviderError, Request};
use crate::config::ModelConfig;

/// How often a question is asked that has not begun to be answered.
const ATTEMPTS: usize = 2;
/// How long before the second time.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(250);
/// Most of a refusal that is read, in bytes, and how long it is waited for.
const REFUSAL_LEN_MAX: usize = 16 * 1024;
const REFUSAL_WITHIN: Duration = Duration::from_secs(2);

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
        let asked = match self.ask(&request, deadline).await {
            Err(refusal) if refusal.is_too_long => {
                let newest = question::newest_turn(request.messages);
                if newest == 0 {
                    return Err(refusal.error);
                }
                tracing::info!(
                    "the model is asked with the newest turn alone: the conversation is too long for it"
                );
                let messages = &request.messages[newest..];
                self.ask(&Request { messages, ..request }, deadline).await
            }
            asked => asked,
        };
        let response = asked.map_err(|refusal| refusal.error)?;
        self.read(response, &pieces, deadline).await
    }

    /// Asks until there is an answer, twice at most; nothing of one has been seen before.
    async fn ask(&self, request: &Request<'_>, deadline: Instant) -> Result<Response, Refusal> {
        let body = question::body(&self.config.model, request);
        let mut attempt = 1;
        loop {
            let failed = match self.ask_once(&body, deadline).await {
                Ok(response) if response.status().is_server_error() => {
                    refused(response.status().as_u16(), response.headers(), None).error
                }
                Ok(response) => return judged(response, deadline).await,
                Err(error) => error,
            };
            // Who says when is not asked before.
            let is_told = failed.retry_after.is_some_and(|after| after > ATTEMPT_PAUSE);
            if attempt == ATTEMPTS || is_told || Instant::now() + ATTEMPT_PAUSE >= deadline {
                return Err(failed.into());
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
                    let broken = ProviderError::new(Kind::Unavailable, "the model's answer has broken off");
                    return reader.finish().ok_or(broken);
                }
                // After the reason of the end nothing is missing.
                Err(_) => {
                    let stopped =
                        ProviderError::new(Kind::Unavailable, "the model has stopped in mid-answer");
                    return reader.finish().ok_or(stopped);
                }
            };
            patience = self.config.idle_timeout;
            let ended = match &chunk {
                Some(chunk) => reader.feed(chunk),
                None => reader.end(),
            };
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

/// An answer that is one, or why it is none.
async fn judged(response: Response, deadline: Instant) -> Result<Response, Refusal> {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
    match (status, &*kind) {
        (StatusCode::OK, "text/html") => {
            tracing::warn!("a page of something in between comes in place of the model's answer");
            Err(failed("something in between answers in place of the model").into())
        }
        (StatusCode::OK, "application/json") => {
            let error = said(response, deadline).await.filter(|body| body.get("error").is_some());
            Err(match error {
                Some(error) => refused(400, &Default::default(), Some(&error)),
                None => failed("the model does not answer piece by piece").into(),
            })
        }
        (StatusCode::OK, _) => Ok(response),
        _ => {
            let headers = response.headers().clone();
            let body = if status.is_client_error() { said(response, deadline).await } else { None };
            Err(refused(status.as_u16(), &headers, body.as_ref()))
        }
    }
}

/// The JSON that a refusal says, if it is some and not too much.
async fn said(mut response: Response, deadline: Instant) -> Option<Value> {
    let deadline = deadline.min(Instant::now() + REFUSAL_WITHIN);
    let mut body = Vec::new();
    while let Ok(Ok(Some(chunk))) = timeout_at(deadline, response.chunk()).await {
        body.extend_from_slice(&chunk);
        if body.len() > REFUSAL_LEN_MAX {
            return None;
        }
    }
    serde_json::from_slice(&body).ok()
}
