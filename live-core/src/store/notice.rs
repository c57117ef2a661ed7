//! What the store tells the connection.

use std::borrow::Cow;

use serde::Serialize;

use crate::channel::Mode;
use crate::envelope::Reject;
use crate::system::{BackpressureDrop, ErrorDetail};

/// Something that only the connection can act on. Rare, so these travel as JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Notice {
    /// The gateway greets: the link works.
    Hello {
        /// Names the connection.
        session_id: Box<str>,
        /// The gateway's wall clock in milliseconds.
        server_time: u64,
        /// Time between heartbeats in milliseconds.
        heartbeat_ms: u64,
    },
    /// A subscription is in place.
    Ack {
        /// The command's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        /// The channel.
        channel: Box<str>,
        /// Its epoch.
        epoch: Box<str>,
        /// `seq` of its newest publication.
        head: u64,
        /// Whether everything after the client's position follows.
        resumed: bool,
        /// What may be merged or dropped.
        mode: Mode,
        /// Bound of its rate, in envelopes a second.
        max_hz: Option<f64>,
        /// Age from which it is stale, in milliseconds.
        stale_after_ms: Option<u64>,
    },
    /// Any other command was carried out.
    AckCommand {
        /// The command's id.
        id: u64,
    },
    /// The gateway refused something.
    Error {
        /// The code as it came.
        code: Box<str>,
        /// What and where.
        #[serde(flatten)]
        detail: ErrorDetail,
    },
    /// The channel starts again; what came before is void.
    Resync {
        /// The channel.
        channel: Box<str>,
        /// Why.
        reason: Box<str>,
    },
    /// A heartbeat shows that the channel's last publications did not arrive: subscribe again.
    Behind {
        /// The channel.
        channel: Box<str>,
        /// Last `seq` that arrived.
        last: u64,
        /// `seq` that should have.
        head: u64,
    },
    /// A lossless channel brought more than the page took in: subscribe again from the position held.
    Overrun {
        /// The channel.
        channel: Box<str>,
    },
    /// Envelopes were dropped at either end.
    Dropped {
        /// The channel.
        channel: Box<str>,
        /// Which, and where.
        #[serde(flatten)]
        lost: BackpressureDrop,
    },
    /// The node is being stopped.
    Drain {
        /// When to reconnect, in milliseconds from now.
        reconnect_after_ms: u64,
    },
    /// An envelope was refused.
    Rejected {
        /// `BAD_ENVELOPE` or `UNSUPPORTED_VERSION`.
        code: &'static str,
        /// The field.
        field: Cow<'static, str>,
        /// The reason.
        reason: &'static str,
        /// Byte offset of the fault.
        at: usize,
    },
}

impl From<Reject> for Notice {
    fn from(reject: Reject) -> Self {
        Self::Rejected {
            code: reject.code.as_str(),
            field: reject.field,
            reason: reject.reason,
            at: reject.at,
        }
    }
}
