//! What a server says in place of an answer: its status, its headers, and of its error the words that are known.
//! Nothing of that is repeated to anybody: some repeat the key.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, RETRY_AFTER};
use serde_json::Value;

use crate::copilot::provider::{Kind, ProviderError};

/// When to ask again where the model has not said when.
const RETRY_DEFAULT: Duration = Duration::from_secs(5);
/// Longest time to wait that is believed.
const RETRY_MAX: Duration = Duration::from_secs(3_600);
/// In milliseconds, for those who want it exactly.
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
/// What there are bounds of.
const BOUNDED: [&str; 2] = ["requests", "tokens"];

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What is told.
    pub error: ProviderError,
    /// What was asked is more than the model takes in.
    pub is_too_long: bool,
}

impl From<ProviderError> for Refusal {
    fn from(error: ProviderError) -> Self {
        Self { error, is_too_long: false }
    }
}

/// What an error is about, as far as its words are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// What was asked is more than the model takes in.
    TooLong,
    /// Whoever pays for it has nothing left.
    Quota,
    /// It is asked too often.
    Often,
    /// Anything else.
    Other,
}

impl Cause {
    /// Of the body of a refusal, or of what comes in the middle of an answer.
    pub fn of(error: &Value) -> Self {
        let error = error.get("error").filter(|inner| !inner.is_null()).unwrap_or(error);
        let word = |name: &str| error[name].as_str().unwrap_or_default();
        let words = [word("code"), word("type")];
        let message = error.as_str().unwrap_or_else(|| word("message")).to_ascii_lowercase();
        let is_any = |known: &[&str]| words.iter().any(|word| known.contains(word));
        let says = |known: &[&str]| known.iter().any(|part| message.contains(part));
        if is_any(&["context_length_exceeded", "exceed_context_size_error", "string_above_max_length"])
            || says(&["context length", "context size", "context window", "prompt is too long"])
        {
            Self::TooLong
        } else if is_any(&["insufficient_quota", "billing_hard_limit_reached"]) {
            Self::Quota
        } else if is_any(&["rate_limit_exceeded", "rate_limit_error", "tokens", "requests"])
            || error["code"] == 429
        {
            Self::Often
        } else {
            Self::Other
        }
    }

    /// What is told where the cause says all, whatever the status.
    pub fn told(self) -> Option<ProviderError> {
        match self {
            Self::TooLong => Some(failed("what was said is more than the model takes in")),
            Self::Quota => Some(failed("the account that the model is paid from has nothing left")),
            Self::Often | Self::Other => None,
        }
    }
}

/// What is told of a refusal by its status and headers, and of its body, where that was read.
pub(super) fn refused(status: u16, headers: &HeaderMap, body: Option<&Value>) -> Refusal {
    tracing::warn!(status, "the model gives no answer");
    let cause = body.map_or(Cause::Other, Cause::of);
    if (400..500).contains(&status)
        && let Some(error) = cause.told()
    {
        return Refusal { error, is_too_long: cause == Cause::TooLong };
    }
    let (kind, message): (_, Cow<'static, str>) = match status {
        429 => (Kind::RateLimited, "the model is asked too often".into()),
        401 | 403 => (Kind::Failed, "the model refuses the gateway's key".into()),
        404 => (Kind::Failed, "there is no model of that name at its address".into()),
        300..=399 => (Kind::Failed, "the model's address leads to another one".into()),
        408 => (Kind::Unavailable, "the model has not heard the question in time".into()),
        500..=599 => (Kind::Unavailable, format!("the model fails with status {status}").into()),
        other => (Kind::Failed, format!("the model does not take the question: status {other}").into()),
    };
    let usual = (kind == Kind::RateLimited).then_some(RETRY_DEFAULT);
    let said = retry_after(headers).filter(|_| kind != Kind::Failed);
    let retry_after = said.or(usual).map(|after| after.min(RETRY_MAX));
    ProviderError { retry_after, ..ProviderError::new(kind, message) }.into()
}

/// A failure with nothing to wait for.
pub(super) fn failed(message: &'static str) -> ProviderError {
    ProviderError::new(Kind::Failed, message)
}

/// When it may be asked again, where a server says so: by itself, or by when what it counts is free again.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let millis = text(RETRY_AFTER_MS.as_str()).and_then(|text| text.parse::<u64>().ok());
    if let Some(millis) = millis {
        return Some(Duration::from_millis(millis));
    }
    if let Some(after) = text(RETRY_AFTER.as_str()).and_then(seconds_or_date) {
        return Some(after);
    }
    let resets = BOUNDED.map(|what| {
        let reset = text(&format!("x-ratelimit-reset-{what}")).and_then(span)?;
        Some((text(&format!("x-ratelimit-remaining-{what}")) == Some("0"), reset))
    });
    let resets = resets.into_iter().flatten();
    // What is used up says when; else what is longest.
    resets.max().map(|(_, reset)| reset)
}

/// What `Retry-After` says.
fn seconds_or_date(text: &str) -> Option<Duration> {
    if let Some(seconds) = number(text) {
        return Some(seconds);
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(jiff::Timestamp::now())).unwrap_or_default())
}

/// Seconds, perhaps with a fraction.
fn number(text: &str) -> Option<Duration> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = text.parse().ok().filter(|_| is_plain)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// A time such as `6m0s`, `1h2m3.5s`, `120ms`, or seconds alone.
fn span(text: &str) -> Option<Duration> {
    if let Some(seconds) = number(text) {
        return Some(seconds);
    }
    let (mut rest, mut whole) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let at = rest.find(|letter: char| letter.is_ascii_alphabetic())?;
        let (count, tail) = rest.split_at(at);
        let end = tail.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, more) = tail.split_at(end);
        let unit = match unit {
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number(count)?.as_secs_f64() * unit).ok()?;
        whole = whole.checked_add(part)?;
        rest = more;
    }
    (!text.is_empty()).then_some(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), value.parse().expect("a value"))
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn a_time_to_try_again_is_in_seconds_or_a_date() {
        assert_eq!(seconds_or_date("7"), Some(Duration::from_secs(7)));
        assert_eq!(seconds_or_date("1.5"), Some(Duration::from_millis(1_500)));
        assert_eq!(seconds_or_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO), "long ago");
        assert!(seconds_or_date("Fri, 31 Dec 2100 23:59:59 GMT").is_some_and(|after| after > RETRY_MAX));
        for text in ["", "-3", "soon", "1e3", "inf", "NaN", "31 December"] {
            assert_eq!(seconds_or_date(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_used_up_says_when() {
        let check = |fields: &[(&'static str, &str)], expected_ms: Option<u64>| {
            let found = retry_after(&headers(fields)).map(|after| after.as_millis() as u64);
            assert_eq!(found, expected_ms, "{fields:?}");
        };
        check(&[("retry-after", "2"), ("retry-after-ms", "1500")], Some(1_500));
        check(&[("retry-after", "2"), ("x-ratelimit-reset-tokens", "9s")], Some(2_000));
        check(&[("x-ratelimit-reset-requests", "6m0s")], Some(360_000));
        check(&[("x-ratelimit-reset-tokens", "1h2m3.5s")], Some(3_723_500));
        let both = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-remaining-tokens", "90"),
            ("x-ratelimit-reset-tokens", "9s"),
        ];
        check(&both, Some(120));
        check(&both[1..], Some(9_000));
        for odd in ["", "s", "1x", "1s2", "-1s", "1..2s"] {
            check(&[("x-ratelimit-reset-tokens", odd)], None);
        }
    }

    #[test]
    fn a_cause_is_known_by_its_words() {
        for (error, cause) in [
            (json!({ "error": { "code": "context_length_exceeded" } }), Cause::TooLong),
            (
                json!({ "object": "error", "message": "This model's maximum context length is 4096 tokens." }),
                Cause::TooLong,
            ),
            (json!({ "error": { "code": 400, "type": "exceed_context_size_error" } }), Cause::TooLong),
            (json!({ "error": { "type": "insufficient_quota", "code": null } }), Cause::Quota),
            (json!({ "type": "tokens", "code": "rate_limit_exceeded" }), Cause::Often),
            (json!({ "error": { "code": 429, "message": "slow down" } }), Cause::Often),
            (json!("the context window is full"), Cause::TooLong),
            (json!({ "error": null }), Cause::Other),
            (json!([1]), Cause::Other),
            (json!({ "error": { "message": "Incorrect API key provided: sk-1" } }), Cause::Other),
        ] {
            assert_eq!(Cause::of(&error), cause, "{error}");
        }
    }

    #[test]
    fn a_refusal_is_told_by_its_status_and_its_cause() {
        let none = HeaderMap::new();
        let quota = json!({ "error": { "code": "insufficient_quota", "message": "sk-1" } });
        let check = |status: u16, body: Option<&Value>, kind: Kind, retry: Option<u64>| {
            let Refusal { error, .. } = refused(status, &none, body);
            let found = error.retry_after.map(|after| after.as_secs());
            assert_eq!((error.kind, found), (kind, retry), "{status} {body:?}");
            assert!(!error.to_string().contains("sk-1"));
        };
        check(429, None, Kind::RateLimited, Some(5));
        check(429, Some(&quota), Kind::Failed, None);
        check(408, None, Kind::Unavailable, None);
        check(503, Some(&quota), Kind::Unavailable, None);
        for status in [302, 400, 401, 403, 404, 418, 422] {
            check(status, None, Kind::Failed, None);
        }
        let long = json!({ "error": { "code": "context_length_exceeded" } });
        assert!(refused(400, &none, Some(&long)).is_too_long && !refused(400, &none, None).is_too_long);
    }
}
