//! Commands of a WebSocket client.

use live_core::error::ErrorCode;
use live_core::sequence::SAFE_INTEGER_MAX;
use live_core::system::ErrorDetail;
use serde::Deserialize;
use serde_json::Value;

use super::question::is_rate;
use crate::auth::secret::Secret;
use crate::wire;

/// Most channels that one command may name.
const CHANNELS_MAX: usize = 1_000;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Command {
    Auth { id: u64, token: Secret },
    Subscribe { id: u64, channels: Vec<Wanted> },
    Unsubscribe { id: u64, channels: Vec<String> },
    Rate { id: u64, channel: String, max_hz: Option<f64> },
    Ping { id: u64 },
}

/// One channel of a `subscribe`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Wanted {
    pub name: String,
    /// A position to go on from, `epoch:seq`.
    #[serde(default)]
    pub since: Option<String>,
    #[serde(default)]
    pub max_hz: Option<f64>,
}

/// What every command has. Its other members are judged by the command.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    cmd: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    #[serde(rename = "id")]
    _id: u64,
    #[serde(rename = "cmd")]
    _cmd: String,
    channels: Vec<Wanted>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unsubscribe {
    #[serde(rename = "id")]
    _id: u64,
    #[serde(rename = "cmd")]
    _cmd: String,
    channels: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rate {
    #[serde(rename = "id")]
    _id: u64,
    #[serde(rename = "cmd")]
    _cmd: String,
    channel: String,
    #[serde(default)]
    max_hz: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Auth {
    #[serde(rename = "id")]
    _id: u64,
    #[serde(rename = "cmd")]
    _cmd: String,
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ping {
    #[serde(rename = "id")]
    _id: u64,
    #[serde(rename = "cmd")]
    _cmd: String,
}

impl Command {
    /// What its answer is found by.
    pub fn id(&self) -> u64 {
        match self {
            Self::Auth { id, .. }
            | Self::Subscribe { id, .. }
            | Self::Unsubscribe { id, .. }
            | Self::Rate { id, .. }
            | Self::Ping { id } => *id,
        }
    }

    /// Reads a command.
    ///
    /// # Errors
    /// What is wrong with it, for a `BAD_REQUEST`, with the command's id if it has a good one.
    pub fn read(text: &[u8]) -> Result<Self, Box<ErrorDetail>> {
        let head: Head =
            serde_json::from_slice(text).map_err(|fault| refuse(None, None, &fault.to_string()))?;
        let id = head.id.as_u64().filter(|&id| id <= SAFE_INTEGER_MAX);
        let Some(id) = id else {
            return Err(refuse(None, Some("id"), "is not a whole number from 0 to 2^53 - 1"));
        };
        match head.cmd.as_str() {
            // What the parser says of a token could repeat it.
            Some("auth") => match serde_json::from_slice(text) {
                Ok(Auth { token, .. }) => Ok(Self::Auth { id, token: token.into() }),
                Err(_) => Err(refuse(Some(id), Some("token"), "is not the one other member, a text")),
            },
            Some("subscribe") => {
                let Subscribe { channels, .. } = parse(text, id)?;
                check_count(id, channels.len())?;
                for wanted in &channels {
                    check_rate(id, "channels.maxHz", wanted.max_hz)?;
                }
                Ok(Self::Subscribe { id, channels })
            }
            Some("unsubscribe") => {
                let Unsubscribe { channels, .. } = parse(text, id)?;
                check_count(id, channels.len())?;
                Ok(Self::Unsubscribe { id, channels })
            }
            Some("rate") => {
                let Rate { channel, max_hz, .. } = parse(text, id)?;
                check_rate(id, "maxHz", max_hz)?;
                Ok(Self::Rate { id, channel, max_hz })
            }
            Some("ping") => parse::<Ping>(text, id).map(|_| Self::Ping { id }),
            _ => {
                let mut detail = refuse(Some(id), Some("cmd"), "is not a command that is known");
                detail.allowed = Some("auth, subscribe, unsubscribe, rate, ping".into());
                Err(detail)
            }
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a [u8], id: u64) -> Result<T, Box<ErrorDetail>> {
    serde_json::from_slice(text).map_err(|fault| refuse(Some(id), None, &fault.to_string()))
}

fn check_rate(id: u64, field: &str, max_hz: Option<f64>) -> Result<(), Box<ErrorDetail>> {
    match max_hz.is_none_or(is_rate) {
        true => Ok(()),
        false => Err(refuse(Some(id), Some(field), "is not a number from 0.01 to 1000")),
    }
}

fn check_count(id: u64, count: usize) -> Result<(), Box<ErrorDetail>> {
    match count {
        0 => Err(refuse(Some(id), Some("channels"), "is empty")),
        1..=CHANNELS_MAX => Ok(()),
        _ => Err(refuse(Some(id), Some("channels"), "has more than 1000 members")),
    }
}

fn refuse(id: Option<u64>, field: Option<&str>, reason: &str) -> Box<ErrorDetail> {
    // Texts of the parser may repeat what the client wrote.
    let reason: String = reason.chars().take(200).collect();
    Box::new(ErrorDetail {
        id,
        message: ErrorCode::BadRequest.meaning().into(),
        field: field.map(wire::cut),
        reason: Some(reason.into()),
        ..ErrorDetail::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (Option<u64>, Option<String>, String) {
        let detail = Command::read(text.as_bytes()).expect_err(text);
        (detail.id, detail.field.map(Into::into), detail.reason.map(Into::into).unwrap_or_default())
    }

    #[test]
    fn commands_are_read() {
        let text = r#"{"id":2,"cmd":"subscribe","channels":[{"name":"price:A","since":"abcdefgh:1","maxHz":10},{"name":"x"}]}"#;
        let Ok(Command::Subscribe { id: 2, channels }) = Command::read(text.as_bytes()) else {
            panic!("not read")
        };
        let found: Vec<_> = channels.iter().map(|wanted| (wanted.name.as_str(), wanted.max_hz)).collect();
        assert_eq!(found, [("price:A", Some(10.0)), ("x", None)]);
        let text = r#"{"channels":["price:A"],"cmd":"unsubscribe","id":3}"#;
        assert_eq!(
            Command::read(text.as_bytes()),
            Ok(Command::Unsubscribe { id: 3, channels: vec!["price:A".into()] })
        );
        let rate = |max_hz| Ok(Command::Rate { id: 4, channel: "price:A".to_owned(), max_hz });
        assert_eq!(Command::read(br#"{"id":4,"cmd":"rate","channel":"price:A","maxHz":5}"#), rate(Some(5.0)));
        assert_eq!(Command::read(br#"{"id":4,"cmd":"rate","channel":"price:A","maxHz":null}"#), rate(None));
        assert_eq!(Command::read(br#"{"id":0,"cmd":"ping"}"#), Ok(Command::Ping { id: 0 }));
    }

    #[test]
    fn what_is_wrong_is_told_with_the_id_where_there_is_one() {
        for text in
            ["{", "[]", "null", "\"ping\"", r#"{"id":1,"id":2,"cmd":"ping"}"#, "\u{feff}{}", "", "[[[["]
        {
            assert_eq!(refused(text).0, None, "{text}");
        }
        for text in [
            r#"{"cmd":"ping"}"#,
            r#"{"id":"1","cmd":"ping"}"#,
            r#"{"id":-1,"cmd":"ping"}"#,
            r#"{"id":9007199254740992,"cmd":"ping"}"#,
        ] {
            assert_eq!(refused(text).1.as_deref(), Some("id"), "{text}");
        }
        for text in [r#"{"id":1}"#, r#"{"id":1,"cmd":"dance","step":3}"#, r#"{"id":1,"cmd":7}"#] {
            let (id, field, _) = refused(text);
            assert_eq!((id, field.as_deref()), (Some(1), Some("cmd")), "{text}");
        }
        for (text, reason) in [
            (r#"{"id":1,"cmd":"subscribe"}"#, "missing field `channels`"),
            (r#"{"id":1,"cmd":"subscribe","channels":[]}"#, "is empty"),
            (r#"{"id":1,"cmd":"subscribe","channels":["price:A"]}"#, "invalid type"),
            (r#"{"id":1,"cmd":"subscribe","channels":[{"name":"a","maxhz":1}]}"#, "unknown field `maxhz`"),
            (
                r#"{"id":1,"cmd":"subscribe","channels":[{"name":"a","maxHz":0}]}"#,
                "is not a number from 0.01 to 1000",
            ),
            (r#"{"id":1,"cmd":"rate","channel":"a","maxHz":-1}"#, "is not a number from 0.01 to 1000"),
            (r#"{"id":1,"cmd":"rate","maxHz":1}"#, "missing field `channel`"),
            (r#"{"id":1,"cmd":"ping","x":1}"#, "unknown field `x`"),
        ] {
            let (id, _, found) = refused(text);
            assert!(id == Some(1) && found.starts_with(reason), "{text}: {found}");
        }
    }
}
