//! What the store tells the connection.

use std::fmt::Write as _;

use crate::envelope::Reject;
use crate::error::ErrorCode;
use crate::system::{BackpressureDrop, Side};

/// Something that only the connection can act on. Rare, so these travel as JSON; what the gateway said is
/// passed on as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// The channel it happened on; empty for the connection as a whole.
    pub channel: Box<str>,
    /// The error's code.
    pub code: Option<Box<str>>,
    /// An object, as JSON text.
    pub data: Box<str>,
}

/// Kinds of notices, with the members of their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// The gateway greets, the link works: [`Hello`](crate::system::Hello).
    Hello,
    /// A subscription is in place: [`Ack`](crate::system::Ack); the code says why it did not go on from its
    /// position.
    Ack,
    /// Any other command was carried out: [`CommandAck`](crate::system::CommandAck).
    AckCommand,
    /// The gateway refused something: [`ErrorDetail`](crate::system::ErrorDetail).
    Error,
    /// An error stands in a value's place, the subscription goes on: [`ErrorDetail`](crate::system::ErrorDetail)
    /// and `seq`.
    Failed,
    /// The channel starts again, what came before is void: [`Resync`](crate::system::Resync).
    Resync,
    /// A heartbeat shows that the channel's last publications did not arrive, subscribe again: `last`, `head`.
    Behind,
    /// A lossless channel brought more than the page took in, subscribe again from the position held.
    Overrun,
    /// Envelopes were dropped at either end: [`BackpressureDrop`].
    Dropped,
    /// How the token stands: [`Auth`](crate::system::Auth).
    Auth,
    /// The node is being stopped: [`Drain`](crate::system::Drain).
    Drain,
    /// An envelope was refused: `field`, `reason`, `at`.
    Rejected,
}

impl NoticeKind {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Ack => "ack",
            Self::AckCommand => "ackCommand",
            Self::Error => "error",
            Self::Failed => "failed",
            Self::Resync => "resync",
            Self::Behind => "behind",
            Self::Overrun => "overrun",
            Self::Dropped => "dropped",
            Self::Auth => "auth",
            Self::Drain => "drain",
            Self::Rejected => "rejected",
        }
    }
}

impl Notice {
    pub(super) fn new(kind: NoticeKind, channel: &str, data: &str) -> Self {
        Self { kind, channel: channel.into(), code: None, data: data.into() }
    }

    /// `detail` is a JSON object with members.
    pub(super) fn failed(channel: &str, detail: &str, seq: u64) -> Self {
        let members = detail.strip_suffix('}').unwrap_or("{\"message\":\"\"");
        Self::new(NoticeKind::Failed, channel, &format!("{members},\"seq\":{seq}}}"))
    }

    pub(super) fn behind(channel: &str, last: u64, head: u64) -> Self {
        Self::new(NoticeKind::Behind, channel, &format!("{{\"last\":{last},\"head\":{head}}}"))
    }

    pub(super) fn dropped(channel: &str, lost: &BackpressureDrop) -> Self {
        let BackpressureDrop { dropped, from_seq, to_seq, capacity, side } = lost;
        let side = match side {
            Side::Gateway => "gateway",
            Side::Client => "client",
        };
        let data = format!(
            "{{\"dropped\":{dropped},\"fromSeq\":{from_seq},\"toSeq\":{to_seq},\"capacity\":{capacity},\"side\":\"{side}\"}}"
        );
        Self::new(NoticeKind::Dropped, channel, &data)
    }

    pub(super) fn rejected(reject: &Reject) -> Self {
        Self::unreadable(reject.code, &reject.field, reject.reason, reject.at)
    }

    /// What arrived breaks a rule: where, and which.
    pub(super) fn unreadable(code: ErrorCode, field: &str, reason: &str, at: usize) -> Self {
        let mut data = String::from("{\"field\":");
        write_string(&mut data, field);
        data.push_str(",\"reason\":");
        write_string(&mut data, reason);
        // Writing to a string cannot fail.
        let _ = write!(data, ",\"at\":{at}}}");
        Self { code: Some(code.as_str().into()), ..Self::new(NoticeKind::Rejected, "", &data) }
    }

    /// Appends the notice as one JSON object: the members of its data, then `channel`, `code` and `kind`,
    /// which win over members of the same name.
    pub fn write_json(&self, out: &mut String) {
        out.push_str(self.data.strip_suffix('}').unwrap_or("{").trim_end());
        let mut member = |name: &str, value: &str| {
            if !out.ends_with('{') {
                out.push(',');
            }
            out.push('"');
            out.push_str(name);
            out.push_str("\":");
            write_string(out, value);
        };
        if !self.channel.is_empty() {
            member("channel", &self.channel);
        }
        if let Some(code) = &self.code {
            member("code", code);
        }
        member("kind", self.kind.as_str());
        out.push('}');
    }
}

/// Appends a text as a JSON string.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' => {
                out.push_str("\\u00");
                for digit in [u32::from(c) >> 4, u32::from(c) & 15] {
                    out.extend(char::from_digit(digit, 16));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The notices as a JSON array.
pub fn to_json(notices: &[Notice]) -> String {
    let mut out = String::from("[");
    for (at, notice) in notices.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        notice.write_json(&mut out);
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn check(notice: &Notice, expected: &str) {
        let mut out = String::new();
        notice.write_json(&mut out);
        assert_eq!(out, expected);
        assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok());
    }

    #[test]
    fn a_notice_is_what_the_gateway_said_and_what_the_store_knows() {
        check(&Notice::new(NoticeKind::Drain, "", "{}"), r#"{"kind":"drain"}"#);
        check(
            &Notice::new(NoticeKind::Ack, "price:A", r#"{"heads":{"a":{}},"kind":"x"}"#),
            r#"{"heads":{"a":{}},"kind":"x","channel":"price:A","kind":"ack"}"#,
        );
        check(
            &Notice::failed("price:A", r#"{"message":"no feed","seq":"x"}"#, 7),
            r#"{"message":"no feed","seq":"x","seq":7,"channel":"price:A","kind":"failed"}"#,
        );
        check(&Notice::behind("price:A", 3, 5), r#"{"last":3,"head":5,"channel":"price:A","kind":"behind"}"#);
    }

    #[test]
    fn a_refused_field_of_any_name_is_written_safely() {
        let reject =
            Reject { code: ErrorCode::BadEnvelope, field: Cow::Borrowed("a\"\\\n"), reason: "is odd", at: 7 };
        check(
            &Notice::rejected(&reject),
            r#"{"field":"a\"\\\u000a","reason":"is odd","at":7,"code":"BAD_ENVELOPE","kind":"rejected"}"#,
        );
    }
}
