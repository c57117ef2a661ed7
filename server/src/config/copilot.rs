//! The language model that answers in conversations.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;

use super::Profile;
use super::reader::Reader;
use crate::auth::secret::Secret;

/// The section `copilot`.
#[derive(Clone, Debug)]
pub struct CopilotConfig {
    /// A language model elsewhere; without one the built-in answers.
    pub model: Option<ModelConfig>,
    /// Longest time of an answer, with the tools that it calls.
    pub answer_timeout: Duration,
}

/// A language model behind an interface like OpenAI's.
#[derive(Clone, Debug)]
pub struct ModelConfig {
    /// Where it is asked: the base with `/chat/completions`.
    pub url: Url,
    /// Its name there.
    pub model: String,
    /// What it lets the gateway in with.
    pub api_key: Option<Secret>,
    /// Longest time until there is a connection.
    pub connect_timeout: Duration,
    /// Longest time until the first word.
    pub first_byte_timeout: Duration,
    /// Longest pause within what it says.
    pub idle_timeout: Duration,
    /// Longest time of what it says to one question.
    pub timeout: Duration,
}

impl CopilotConfig {
    pub(super) fn read(reader: &mut Reader, profile: Option<Profile>) -> Option<Self> {
        let base = reader.text("copilot.base_url");
        let model = reader.text("copilot.model");
        let api_key = reader.secret("copilot.api_key");
        let connect_timeout = reader.millis("copilot.connect_timeout_ms", 10..=120_000);
        let first_byte_timeout = reader.millis("copilot.first_byte_timeout_ms", 10..=600_000);
        let idle_timeout = reader.millis("copilot.chunk_timeout_ms", 10..=600_000);
        let answer_timeout = reader.millis("copilot.answer_timeout_ms", 100..=3_600_000);
        let (base, model, api_key, answer_timeout) = (base?, model?, api_key?, answer_timeout?);
        let api_key = (!api_key.expose().is_empty()).then_some(api_key);
        if base.is_empty() {
            for (key, is_set) in
                [("copilot.model", !model.is_empty()), ("copilot.api_key", api_key.is_some())]
            {
                if is_set {
                    reader.complain(key, "is set, but COPILOT_BASE_URL is not");
                }
            }
            return Some(Self { model: None, answer_timeout });
        }
        if model.is_empty() {
            reader.complain("copilot.model", "is not set, but COPILOT_BASE_URL is");
        }
        if api_key.as_ref().is_some_and(|key| !key.expose().iter().all(u8::is_ascii_graphic)) {
            reader.complain("copilot.api_key", "has a character that no key has");
        }
        let url = read_base(reader, &base)?;
        if profile == Some(Profile::Production) && api_key.is_some() && is_open(&url) {
            reader.complain("copilot.base_url", "is not https: the key would travel in the open");
        }
        let model = ModelConfig {
            url,
            model,
            api_key,
            connect_timeout: connect_timeout?,
            first_byte_timeout: first_byte_timeout?,
            idle_timeout: idle_timeout?,
            timeout: answer_timeout,
        };
        Some(Self { model: Some(model), answer_timeout })
    }
}

fn read_base(reader: &mut Reader, base: &str) -> Option<Url> {
    let url = Url::parse(&format!("{}/chat/completions", base.trim_end_matches('/'))).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url =
        url.filter(|url| url.username().is_empty() && url.password().is_none() && url.query().is_none());
    if url.is_none() {
        // Not what it is: there may be a password in it.
        reader.complain(
            "copilot.base_url",
            "is not an address such as https://api.example.org/v1, without a password",
        );
    }
    url
}

/// Whether others could read what travels there.
fn is_open(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "http" && !is_local
}
