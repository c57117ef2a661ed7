//! What travels: one envelope of exactly eight fields, its encoding, and its validation.

use std::borrow::Cow;

use serde::Serialize;

use crate::channel::check_channel;
use crate::error::ErrorCode;
use crate::event;
use crate::json::{Fault, Members, Unknown};
use crate::scan;

/// The protocol version that this crate speaks.
pub const VERSION: u64 = 1;
/// Largest envelope, in bytes.
pub const ENVELOPE_LEN_MAX: usize = 64 * 1024;
/// Longest event name, in bytes.
pub const EVENT_LEN_MAX: usize = 64;
/// The fields, in the order in which they travel.
pub const FIELDS: [&str; 8] = ["v", "event", "channel", "seq", "ts", "ok", "errorCode", "data"];

/// A validated envelope that borrows from the bytes it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<'a> {
    /// What happened, `domain.verb`.
    pub event: Cow<'a, str>,
    /// Where; empty for what concerns the whole connection.
    pub channel: Cow<'a, str>,
    /// +1 for every publication on the channel within an epoch; 0 on system events.
    pub seq: u64,
    /// Source time in milliseconds since the Unix epoch.
    pub ts: u64,
    /// Set if and only if the envelope says `ok: false`. A code that is not in the catalogue is passed
    /// on, so that an older client still learns of a newer gateway's errors.
    pub error_code: Option<Cow<'a, str>>,
    /// The JSON text of `data`.
    pub data: &'a str,
}

/// Why an envelope was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {field} {reason} (at byte {at})")]
pub struct Reject {
    /// [`ErrorCode::BadEnvelope`] or [`ErrorCode::UnsupportedVersion`].
    pub code: ErrorCode,
    /// The field, `data.<member>` for one of the payload's, `envelope` for the whole.
    pub field: Cow<'static, str>,
    /// The reason in plain words; the same text on every build.
    pub reason: &'static str,
    /// Byte offset of the fault, as near as it is known.
    pub at: usize,
}

impl Reject {
    fn bad(field: &'static str, reason: &'static str, at: usize) -> Self {
        Self { code: ErrorCode::BadEnvelope, field: Cow::Borrowed(field), reason, at }
    }

    fn from_envelope(fault: Fault) -> Self {
        let Fault { field, reason, at } = fault;
        Self { code: ErrorCode::BadEnvelope, field: field.unwrap_or(Cow::Borrowed("envelope")), reason, at }
    }

    pub(crate) fn from_data(fault: Fault, data_at: usize) -> Self {
        let field = match fault.field {
            Some(member) => Cow::Owned(format!("data.{member}")),
            None => Cow::Borrowed("data"),
        };
        Self { code: ErrorCode::BadEnvelope, field, reason: fault.reason, at: data_at + fault.at }
    }
}

/// Reads and validates one envelope: the strict scanner takes the canonical form, anything else the full
/// parser. Both give the same verdict on what both take.
///
/// # Errors
/// The first fault found, with its field and reason. Nothing panics on any input.
pub fn parse(text: &[u8]) -> Result<Envelope<'_>, Reject> {
    match scan::scan(text) {
        Some(envelope) => Ok(envelope),
        None => parse_full(text),
    }
}

/// The full path of [`parse`]: any order of fields, white space and escapes.
///
/// # Errors
/// As [`parse`].
pub fn parse_full(text: &[u8]) -> Result<Envelope<'_>, Reject> {
    if text.len() > ENVELOPE_LEN_MAX {
        return Err(Reject::bad("envelope", "is longer than 65536 bytes", ENVELOPE_LEN_MAX));
    }
    let text = str::from_utf8(text).map_err(|e| Reject::bad("envelope", "is not UTF-8", e.valid_up_to()))?;
    let members = Members::read(text, &FIELDS, Unknown::Refuse).map_err(|fault| {
        // Another version may have other fields: then its number is the better answer.
        let members = Members::read(text, &FIELDS, Unknown::Ignore);
        members
            .ok()
            .and_then(|members| other_version(&members))
            .unwrap_or_else(|| Reject::from_envelope(*fault))
    })?;
    if let Some(reject) = other_version(&members) {
        return Err(reject);
    }
    let envelope = read_fields(&members).map_err(|fault| Reject::from_envelope(*fault))?;
    let data_at = members.offset(DATA);
    if envelope.error_code.is_none() {
        event::check(&envelope.event, envelope.data).map_err(|fault| Reject::from_data(*fault, data_at))?;
    }
    Ok(envelope)
}

fn other_version(members: &Members<'_>) -> Option<Reject> {
    let is_other = members.integer(V).is_ok_and(|version| version != VERSION);
    let reject = || Reject::bad("v", "is not 1", members.offset(V));
    is_other.then(|| Reject { code: ErrorCode::UnsupportedVersion, ..reject() })
}

const V: usize = 0;
const EVENT: usize = 1;
const CHANNEL: usize = 2;
const SEQ: usize = 3;
const TS: usize = 4;
const OK: usize = 5;
const ERROR_CODE: usize = 6;
const DATA: usize = 7;

fn read_fields<'a>(members: &Members<'a>) -> Result<Envelope<'a>, Box<Fault>> {
    for index in 0..FIELDS.len() {
        members.raw(index)?;
    }
    members.integer(V)?;
    let event = members.string(EVENT)?;
    if !is_event_name(event.as_bytes()) {
        return Err(members.fault(EVENT, "is not words joined by dots, of at most 64 characters"));
    }
    let channel = members.string(CHANNEL)?;
    if !channel.is_empty() {
        check_channel(channel.as_bytes()).map_err(|e| members.fault(CHANNEL, e.reason.as_str()))?;
    }
    let seq = members.integer(SEQ)?;
    if seq != 0 && is_system(event.as_bytes()) {
        return Err(members.fault(SEQ, "is not 0 on a system event"));
    }
    if seq == 0 && !channel.is_empty() && !is_system(event.as_bytes()) {
        return Err(members.fault(SEQ, "is 0 on a publication"));
    }
    let ts = members.integer(TS)?;
    let ok = members.boolean(OK)?;
    let error_code = match members.raw(ERROR_CODE)? {
        "null" => None,
        _ => Some(members.string(ERROR_CODE)?),
    };
    if error_code.as_deref().is_some_and(|code| !is_error_code(code.as_bytes())) {
        return Err(members.fault(ERROR_CODE, "is not an error code"));
    }
    if ok != error_code.is_none() {
        return Err(members.fault(OK, "does not go with errorCode"));
    }
    Ok(Envelope { event, channel, seq, ts, error_code, data: members.raw(DATA)? })
}

/// Whether a text is an event's name: words of letters, digits and `_` that begin with a letter, joined by dots.
pub(crate) fn is_event_name(name: &[u8]) -> bool {
    name.len() <= EVENT_LEN_MAX
        && name.split(|&b| b == b'.').all(|word| {
            word.first().is_some_and(u8::is_ascii_alphabetic)
                && word.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_')
        })
}

/// Whether an event is one of the protocol's own, which carry `seq` 0.
pub fn is_system(event: &[u8]) -> bool {
    event.starts_with(b"system.") || event == b"backpressure_drop"
}

pub(crate) fn is_error_code(code: &[u8]) -> bool {
    code.len() <= 64
        && code.first().is_some_and(u8::is_ascii_uppercase)
        && code.iter().all(|&b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Why an envelope could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// `data` cannot be written as JSON.
    #[error("data cannot be written as JSON")]
    Data(#[from] serde_json::Error),
    /// The result would be refused by every receiver.
    #[error(transparent)]
    Refused(#[from] Reject),
}

/// What an envelope is to say, for [`encode`].
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a, D> {
    /// What happened, `domain.verb`.
    pub event: &'a str,
    /// Where; empty for what concerns the whole connection.
    pub channel: &'a str,
    /// +1 for every publication on the channel within an epoch; 0 on system events. At most 2^53 - 1.
    pub seq: u64,
    /// Source time in milliseconds since the Unix epoch, at most 2^53 - 1.
    pub ts: u64,
    /// Why it says `ok: false`; `None` for `ok: true`.
    pub error_code: Option<ErrorCode>,
    /// The payload.
    pub data: &'a D,
}

impl<D: Serialize> Outgoing<'_, D> {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        out.extend_from_slice(b"{\"v\":1,\"event\":");
        serde_json::to_writer(&mut *out, self.event)?;
        out.extend_from_slice(b",\"channel\":");
        serde_json::to_writer(&mut *out, self.channel)?;
        out.extend_from_slice(b",\"seq\":");
        serde_json::to_writer(&mut *out, &self.seq)?;
        out.extend_from_slice(b",\"ts\":");
        serde_json::to_writer(&mut *out, &self.ts)?;
        match self.error_code {
            None => out.extend_from_slice(b",\"ok\":true,\"errorCode\":null,\"data\":"),
            Some(code) => {
                out.extend_from_slice(b",\"ok\":false,\"errorCode\":\"");
                out.extend_from_slice(code.as_str().as_bytes());
                out.extend_from_slice(b"\",\"data\":");
            }
        }
        serde_json::to_writer(&mut *out, self.data)?;
        out.push(b'}');
        Ok(())
    }
}

/// Appends an envelope in the canonical form, without a newline, and validates what it wrote.
/// On an error nothing is appended.
///
/// # Errors
/// When the data is not representable, or the envelope breaks a rule of the protocol.
pub fn encode(out: &mut Vec<u8>, envelope: &Outgoing<'_, impl Serialize>) -> Result<(), EncodeError> {
    let start = out.len();
    let checked = envelope.write(out).map_err(EncodeError::Data).and_then(|()| {
        // A newline separates envelopes; inside JSON it can only be white space between tokens.
        out[start..].iter_mut().filter(|b| matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
        parse(&out[start..]).map(|_| ()).map_err(EncodeError::Refused)
    });
    if checked.is_err() {
        out.truncate(start);
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing<'a, D>(event: &'a str, channel: &'a str, seq: u64, data: &'a D) -> Outgoing<'a, D> {
        Outgoing { event, channel, seq, ts: 5, error_code: None, data }
    }

    #[test]
    fn an_envelope_has_its_fields_in_order() {
        let mut out = Vec::new();
        encode(&mut out, &outgoing("user.made", "price:A", 3, &[1, 2])).expect("encodes");
        let text = r#"{"v":1,"event":"user.made","channel":"price:A","seq":3,"ts":5,"ok":true,"errorCode":null,"data":[1,2]}"#;
        assert_eq!(String::from_utf8(out).as_deref(), Ok(text));
    }

    #[test]
    fn what_cannot_be_sent_leaves_no_trace() {
        let mut out = b"before".to_vec();
        let refused = encode(&mut out, &outgoing("price.tick", "price:A", 1, &serde_json::json!({})));
        assert!(matches!(refused, Err(EncodeError::Refused(reject)) if reject.field == "data.symbol"));
        assert!(encode(&mut out, &outgoing("a.b", "no channel", 1, &0)).is_err());
        assert_eq!(out, b"before");
    }

    #[test]
    fn raw_newlines_in_data_cannot_split_a_frame() {
        let raw = serde_json::value::RawValue::from_string("{\"a\":\r\n1}".into()).expect("valid");
        let mut out = Vec::new();
        encode(&mut out, &outgoing("a.b", "price:A", 1, &raw)).expect("encodes");
        assert!(!out.contains(&b'\n') && !out.contains(&b'\r'));
    }
}
