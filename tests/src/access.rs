//! Tokens of every kind, and requests that carry one.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::{Answer, Gateway, GatewayOptions, PATIENCE};

/// The secret of the gateways under test.
const SECRET: &str = "of the tests: 0123456789abcdefghijklmnopqrstuvwxyz";

/// Seconds since the Unix epoch, as tokens count.
#[must_use]
pub fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A token of that person, with that role, that ends so many seconds from now.
///
/// # Errors
/// When it cannot be signed.
pub fn token(subject: &str, role: &str, lives_seconds: u64) -> Result<String> {
    let now = now_seconds();
    token_of(
        &json!({"sub": subject, "roles": [role], "iat": now, "exp": now + lives_seconds, "jti": format!("{subject}-1")}),
    )
}

/// A token that says anything, signed with the secret of the gateways under test.
///
/// # Errors
/// When it cannot be signed.
pub fn token_of(claims: &Value) -> Result<String> {
    token_signed(claims, SECRET)
}

/// A token that says anything, signed with any secret.
///
/// # Errors
/// When it cannot be signed.
pub fn token_signed(claims: &Value, secret: &str) -> Result<String> {
    Ok(encode(&Header::default(), claims, &EncodingKey::from_secret(secret.as_bytes()))?)
}

impl GatewayOptions {
    /// Lets in whoever has a token of these tests, and nobody else.
    #[must_use]
    pub fn closed(self) -> Self {
        self.env("SPARK_JWT_SECRET", SECRET).env("SPARK_AUTH_ANONYMOUS", false)
    }
}

impl Gateway {
    /// Sends a request with a token, or without, and reads the whole answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Result<Answer> {
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let mut request = client.request(method.parse()?, self.url(path));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.with_context(|| format!("{method} {path}"))?;
        let content_type = response.headers().get("content-type");
        let content_type = content_type.and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        Ok(Answer { status: response.status().as_u16(), content_type, body: response.text().await? })
    }
}
