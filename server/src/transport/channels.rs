//! Channel names as clients write them, and the refusal of those that cannot be had.

use bytes::Bytes;
use live_core::channel::{ChannelError, ChannelName};
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;

use crate::hub::{Connection, Hub};
use crate::wire;

/// Why a channel was refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub code: ErrorCode,
    /// The envelope that tells it.
    pub envelope: Bytes,
}

impl Refusal {
    /// A refusal of a channel whose name is grammatical.
    pub fn of(channel: &ChannelName, code: ErrorCode, id: Option<u64>) -> Self {
        let detail = ErrorDetail { id, message: code.meaning().into(), ..ErrorDetail::default() };
        Self { code, envelope: wire::error(code, channel.as_str(), &detail) }
    }

    /// A refusal of a text that is no name. The envelope's own channel stays empty.
    fn invalid(name: &str, fault: ChannelError, id: Option<u64>) -> Self {
        let detail = ErrorDetail {
            id,
            message: fault.to_string().into(),
            channel: Some(wire::cut(name)),
            field: Some("channels".into()),
            reason: Some(fault.reason.as_str().into()),
            ..ErrorDetail::default()
        };
        let code = ErrorCode::ChannelInvalid;
        Self { code, envelope: wire::error(code, "", &detail) }
    }
}

/// Reads a name and makes sure that the connection may have the channel.
pub(super) fn resolve(
    hub: &Hub,
    connection: &Connection,
    name: &str,
    id: Option<u64>,
) -> Result<ChannelName, Refusal> {
    let channel = ChannelName::parse(name).map_err(|fault| Refusal::invalid(name, fault, id))?;
    match hub.may_subscribe(connection, &channel) {
        Ok(_) => Ok(channel),
        Err(code) => Err(Refusal::of(&channel, code, id)),
    }
}
