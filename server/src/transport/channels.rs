//! Channel names as clients write them, and the refusal of those that cannot be had.

use bytes::Bytes;
use live_core::channel::ChannelName;
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;

use crate::hub::Hub;
use crate::wire;

/// Why a channel was refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub code: ErrorCode,
    /// The channel of the envelope: empty when the name is not grammatical.
    channel: String,
    pub detail: ErrorDetail,
}

impl Refusal {
    /// A refusal of a channel whose name is grammatical.
    pub fn of(channel: &ChannelName, code: ErrorCode, id: Option<u64>) -> Self {
        let detail = ErrorDetail { id, message: code.meaning().into(), ..ErrorDetail::default() };
        Self { code, channel: channel.to_string(), detail }
    }

    /// The envelope that tells it.
    pub fn envelope(&self) -> Bytes {
        wire::error(self.code, &self.channel, &self.detail)
    }
}

/// Reads a name and makes sure that the channel is served.
pub(super) fn resolve(hub: &Hub, name: &str, id: Option<u64>) -> Result<ChannelName, Refusal> {
    let channel = ChannelName::parse(name).map_err(|fault| {
        let detail = ErrorDetail {
            id,
            message: fault.to_string().into(),
            channel: Some(wire::cut(name)),
            field: Some("channels".into()),
            reason: Some(fault.reason.as_str().into()),
            ..ErrorDetail::default()
        };
        Refusal { code: ErrorCode::ChannelInvalid, channel: String::new(), detail }
    })?;
    match hub.check(&channel) {
        Ok(_) => Ok(channel),
        Err(code) => Err(Refusal::of(&channel, code, id)),
    }
}
