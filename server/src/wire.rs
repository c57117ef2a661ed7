//! Envelopes of the gateway's own.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use live_core::envelope::{self, EncodeError, Outgoing};
use live_core::error::ErrorCode;
use live_core::system::{ErrorDetail, name};
use serde::Serialize;

/// The greatest integer of an envelope, which is the longest one, too.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The wall clock in milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A system event about a channel, or about the whole connection when `channel` is empty.
///
/// What cannot be encoded is a fault of the gateway's own; it is logged, and an empty text comes back,
/// which every framing passes over.
pub fn system(event: &str, channel: &str, data: &impl Serialize) -> Bytes {
    encode(event, channel, 0, now_ms(), None, data)
}

/// An answer to a request that was understood.
pub fn answer(event: &str, data: &impl Serialize) -> Bytes {
    encode(event, "", 0, now_ms(), None, data)
}

/// The same where the data may be longer than what travels on a stream.
pub fn long_answer(event: &str, data: &impl Serialize) -> Bytes {
    match serde_json::to_string(data) {
        Ok(data) => written_answer(event, &data),
        Err(fault) => {
            tracing::error!(event, %fault, "an answer cannot be written");
            Bytes::new()
        }
    }
}

/// The same of data that is JSON already.
pub fn written_answer(event: &str, data: &str) -> Bytes {
    let ts = now_ms();
    format!(
        r#"{{"v":1,"event":"{event}","channel":"","seq":0,"ts":{ts},"ok":true,"errorCode":null,"data":{data}}}"#
    )
    .into()
}

/// A refusal. `channel` is the one that it is about, if its name is grammatical, else empty.
pub fn error(code: ErrorCode, channel: &str, detail: &ErrorDetail) -> Bytes {
    encode(name::ERROR, channel, 0, now_ms(), Some(code), detail)
}

/// An envelope in its canonical form; empty, and logged, when it would break a rule of the protocol.
pub fn encode(
    event: &str,
    channel: &str,
    seq: u64,
    ts: u64,
    code: Option<ErrorCode>,
    data: &impl Serialize,
) -> Bytes {
    let mut out = Vec::with_capacity(256);
    let outgoing = Outgoing { event, channel, seq, ts, error_code: code, data };
    if let Err(fault) = envelope::encode(&mut out, &outgoing) {
        tracing::error!(event, channel, seq, %fault, "an envelope of our own breaks the protocol");
    }
    out.into()
}

/// Whether something can be told on a channel: an envelope with it breaks no rule of the protocol, whatever its place.
///
/// # Errors
/// The rule.
pub fn check(event: &str, channel: &str, data: &impl Serialize) -> Result<(), EncodeError> {
    let outgoing = Outgoing { event, channel, seq: INTEGER_MAX, ts: INTEGER_MAX, error_code: None, data };
    envelope::encode(&mut Vec::with_capacity(256), &outgoing)
}

/// A text as it is repeated in an error: at most 64 characters.
pub fn cut(text: &str) -> Box<str> {
    text.chars().take(64).collect::<String>().into()
}
