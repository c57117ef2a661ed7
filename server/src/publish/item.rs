//! One publication as a publisher writes it, read and judged.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use live_core::channel::{ChannelName, Mode};
use live_core::envelope::{self, EncodeError, Outgoing};
use live_core::error::ErrorCode;
use live_core::event::CandleBar;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::broker::{Idempotency, Message};
use crate::directory::OWNED;
use crate::wire;

/// Longest key of a keyed channel, in characters.
const KEY_LEN_MAX: usize = 128;
/// Longest idempotency key, in characters.
const IDEMPOTENCY_LEN_MAX: usize = 64;
/// Longest subject that a channel can be opened for, in bytes.
const OWNER_LEN_MAX: usize = 256;
/// The highest number that a publication can have, which makes the longest envelope.
const SEQ_MAX: u64 = (1 << 53) - 1;

/// Why a publication is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub code: ErrorCode,
    /// Name of the member at fault; empty for the whole.
    pub field: String,
    pub reason: String,
}

impl Refused {
    pub fn new(code: ErrorCode, field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { code, field: field.into(), reason: reason.into() }
    }

    fn bad(field: &str, reason: &str) -> Self {
        Self::new(ErrorCode::BadRequest, field, reason)
    }
}

/// A publication that could be published.
#[derive(Debug)]
pub(super) struct Item {
    pub message: Message,
    /// Whom the channel is to be opened for.
    pub owner: Option<String>,
}

/// The members of an object in order; a repeated one is still there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    const NAMES: [&'static str; 7] = ["channel", "event", "data", "ts", "key", "idempotencyKey", "owner"];

    fn read(item: &'a RawValue) -> Result<Self, Refused> {
        let members: Self =
            serde_json::from_str(item.get()).map_err(|_| Refused::bad("", "is not an object"))?;
        for (index, (name, _)) in members.0.iter().enumerate() {
            if !Self::NAMES.contains(&name.as_str()) {
                return Err(Refused::bad(&wire::cut(name), "is not a member that is known"));
            }
            if members.0[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Refused::bad(name, "is there twice"));
            }
        }
        Ok(members)
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    fn required(&self, name: &str) -> Result<&'a RawValue, Refused> {
        self.get(name).ok_or_else(|| Refused::bad(name, "is missing"))
    }

    fn text(&self, name: &str) -> Result<Option<String>, Refused> {
        self.get(name)
            .map(|value| serde_json::from_str(value.get()).map_err(|_| Refused::bad(name, "is not a text")))
            .transpose()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}

/// Reads and judges one publication of `subject`. `mode` says how the channels of a namespace behave.
pub(super) fn read(
    item: &RawValue,
    subject: &str,
    mode: impl Fn(&ChannelName) -> Result<Mode, ErrorCode>,
) -> Result<Item, Refused> {
    let members = Members::read(item)?;
    let required_text = |name: &str| members.text(name)?.ok_or_else(|| Refused::bad(name, "is missing"));
    let channel = ChannelName::parse(&required_text("channel")?)
        .map_err(|fault| Refused::new(ErrorCode::ChannelInvalid, "channel", fault.to_string()))?;
    let mode = mode(&channel).map_err(|code| Refused::new(code, "channel", code.meaning()))?;
    let event = required_text("event")?;
    if envelope::is_system(event.as_bytes()) {
        return Err(Refused::bad("event", "is one of the protocol's own"));
    }
    let data = members.required("data")?;
    let given_ts = members.get("ts");
    let ts = match given_ts {
        None => wire::now_ms(),
        Some(ts) => serde_json::from_str(ts.get())
            .map_err(|_| Refused::bad("ts", "is not milliseconds since the Unix epoch"))?,
    };
    let outgoing = Outgoing {
        event: &event,
        channel: channel.as_str(),
        seq: SEQ_MAX,
        ts,
        error_code: None,
        data: &data,
    };
    envelope::encode(&mut Vec::with_capacity(data.get().len() + 256), &outgoing).map_err(refused)?;
    let given_key = members.text("key")?;
    let owner = read_owner(&members, &channel)?;
    let idempotency = members
        .text("idempotencyKey")?
        .map(|key| {
            idempotency(
                subject,
                key,
                &[
                    Some(&event),
                    given_ts.map(RawValue::get),
                    given_key.as_deref(),
                    owner.as_deref(),
                    Some(data.get()),
                ],
            )
        })
        .transpose()?;
    let key = match mode {
        Mode::Keyed => read_key(given_key.as_deref(), &event, data)?,
        _ if given_key.is_some() => return Err(Refused::bad("key", "is only for keyed channels")),
        _ => 0,
    };
    let data = Bytes::copy_from_slice(data.get().as_bytes());
    Ok(Item { message: Message { channel, event: Cow::Owned(event), ts, key, data, idempotency }, owner })
}

/// What the envelope's own rules say, in the publisher's terms.
fn refused(error: EncodeError) -> Refused {
    match error {
        EncodeError::Data(_) => Refused::bad("data", "is not JSON"),
        EncodeError::Refused(reject) if reject.at == envelope::ENVELOPE_LEN_MAX => {
            Refused::new(ErrorCode::PayloadTooLarge, "data", reject.reason)
        }
        EncodeError::Refused(reject) => Refused::bad(&reject.field, reject.reason),
    }
}

fn read_owner(members: &Members<'_>, channel: &ChannelName) -> Result<Option<String>, Refused> {
    let Some(owner) = members.text("owner")? else { return Ok(None) };
    if !OWNED.contains(&channel.namespace()) {
        return Err(Refused::bad("owner", "is only for channels that belong to a person"));
    }
    if owner.is_empty() || owner.len() > OWNER_LEN_MAX {
        return Err(Refused::bad("owner", "is not 1 to 256 bytes"));
    }
    Ok(Some(owner))
}

/// The key of a keyed channel: a bar has its own, in its data. The others are as good as their hash: of 1,000
/// keys of a channel two meet once in 10^13 times.
fn read_key(given: Option<&str>, event: &str, data: &RawValue) -> Result<i64, Refused> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Bar {
        open_time: i64,
    }
    match given {
        None if event == CandleBar::EVENT => {
            let bar: Bar = serde_json::from_str(data.get())
                .map_err(|_| Refused::bad("data.openTime", "is not a time"))?;
            Ok(bar.open_time)
        }
        Some(_) if event == CandleBar::EVENT => {
            Err(Refused::bad("key", "is the openTime of a bar and is not given beside it"))
        }
        None => Err(Refused::bad("key", "is missing on a keyed channel")),
        Some(key) if key.is_empty() || key.chars().count() > KEY_LEN_MAX => {
            Err(Refused::bad("key", "is not 1 to 128 characters"))
        }
        Some(key) => {
            let hash = Sha256::digest(key.as_bytes());
            let (first, _) = hash.split_at(8);
            Ok(first.iter().fold(0, |number: i64, byte| (number << 8) | i64::from(*byte)))
        }
    }
}

fn idempotency(subject: &str, key: String, said: &[Option<&str>]) -> Result<Idempotency, Refused> {
    let is_word = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if key.is_empty() || key.len() > IDEMPOTENCY_LEN_MAX || !is_word {
        let code = ErrorCode::IdempotencyKeyInvalid;
        return Err(Refused::new(code, "idempotencyKey", "is not 1 to 64 letters, digits, '_' and '-'"));
    }
    let mut hash = Sha256::new();
    for part in said {
        // Lengths first, so that no two lists of parts are the same bytes.
        hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
        hash.update(part.unwrap_or_default());
    }
    Ok(Idempotency { subject: subject.into(), key: key.into(), fingerprint: hash.finalize().into() })
}
