//! Data of the protocol's own events.

use serde::{Serialize, Serializer};

use crate::channel::Mode;
use crate::json::{Fault, Members, Unknown, each_member, read_integer};
use crate::sequence::is_epoch;

/// `system.hello`: the first envelope of every connection.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// Names the connection; a token is refreshed under it.
    pub session_id: Box<str>,
    /// The gateway's wall clock, in milliseconds since the Unix epoch.
    #[cfg_attr(test, ts(type = "number"))]
    pub server_time: u64,
    /// Time between two heartbeats, in milliseconds.
    #[cfg_attr(test, ts(type = "number"))]
    pub heartbeat_ms: u64,
}

/// `system.ack` of a subscription: where it really starts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// The command's id; absent where there was no command.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub id: Option<u64>,
    /// The channel that the verdict is about.
    pub channel: Box<str>,
    /// 8 to 12 characters that change when the channel's history is lost.
    pub epoch: Box<str>,
    /// `seq` of the newest publication; 0 before the first.
    #[cfg_attr(test, ts(type = "number"))]
    pub head: u64,
    /// Whether everything after the client's position follows; `false`: a snapshot follows.
    pub resumed: bool,
    /// What may be merged or dropped.
    pub mode: Mode,
    /// Bound of the rate, in envelopes a second.
    pub max_hz: Option<f64>,
    /// Age from which a value counts as stale, in milliseconds.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub stale_after_ms: Option<u64>,
}

/// `system.ack` of any other command.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CommandAck {
    /// The command's id.
    #[cfg_attr(test, ts(type = "number"))]
    pub id: u64,
    /// The gateway's wall clock, in milliseconds since the Unix epoch; answers a `ping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub server_time: Option<u64>,
}

/// `system.heartbeat`: the link is alive, and this is how far each quiet channel has come.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// The gateway's wall clock, in milliseconds since the Unix epoch.
    #[cfg_attr(test, ts(type = "number"))]
    pub server_time: u64,
    /// `seq` of the newest publication of each of the client's channels for which nothing waits.
    #[cfg_attr(test, ts(type = "Record<string, number>"))]
    #[serde(serialize_with = "as_map")]
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, u64>"))]
    pub heads: Vec<(Box<str>, u64)>,
    /// Whether the gateway vouches for its own link to the engine; absent where it does. While it does not,
    /// values are stale, with the cause `broker`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub broker_ok: Option<bool>,
}

/// `system.snapshot_end`: all items of a keyed channel have been sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SnapshotEnd {
    /// The channel's epoch.
    pub epoch: Box<str>,
    /// `seq` of the newest publication when the snapshot was taken.
    #[cfg_attr(test, ts(type = "number"))]
    pub head: u64,
    /// How many items the snapshot had.
    #[cfg_attr(test, ts(type = "number"))]
    pub count: u64,
}

/// `system.resync`: what the client holds of the channel is void; a snapshot follows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Resync {
    /// The channel's new epoch.
    pub epoch: Box<str>,
    /// Why, in plain words.
    pub reason: Box<str>,
}

/// `system.rate`: how much of a channel was merged on its way to this client.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// Envelopes whose place a newer one took, in the window.
    #[cfg_attr(test, ts(type = "number"))]
    pub merged: u64,
    /// Envelopes that were sent in the window.
    #[cfg_attr(test, ts(type = "number"))]
    pub delivered: u64,
    /// Length of the window, in milliseconds.
    #[cfg_attr(test, ts(type = "number"))]
    pub window_ms: u64,
    /// What was sent, in envelopes a second.
    pub effective_hz: f64,
    /// Bound of the rate, in envelopes a second.
    pub max_hz: Option<f64>,
}

/// What became of a connection's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AuthState {
    /// It is accepted.
    Ok,
    /// It ends soon; a fresh one is wanted.
    Expiring,
    /// It has ended; the connection follows it after a moment.
    Expired,
    /// It was taken back.
    Revoked,
}

/// `system.auth`: how the connection's token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// What became of the token.
    pub state: AuthState,
    /// When it ends, in milliseconds since the Unix epoch; absent where nothing ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub expires_at: Option<u64>,
    /// How long the connection goes on after that, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub grace_ms: Option<u64>,
}

/// `system.drain`: the node is being stopped.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Drain {
    /// When to reconnect, in milliseconds from now; drawn at random so that not all come at once.
    #[cfg_attr(test, ts(type = "number"))]
    pub reconnect_after_ms: u64,
}

/// `system.error`: what was refused, and where the fault lies.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// The command's id; absent where there was no command.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub id: Option<u64>,
    /// What happened, for people.
    pub message: Box<str>,
    /// The channel's name as it was given, cut to 64 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub channel: Option<Box<str>>,
    /// The field or parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub field: Option<Box<str>>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub reason: Option<Box<str>>,
    /// What it is, cut to 64 characters; never a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub value: Option<Box<str>>,
    /// What would have been accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub allowed: Option<Box<str>>,
    /// The job that a confirmation token has started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub job_id: Option<Box<str>>,
    /// The store that cannot be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub store: Option<Box<str>>,
    /// When to try again, in milliseconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub retry_after_ms: Option<u64>,
}

/// At which end a queue was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Between the gateway's hub and the connection.
    Gateway,
    /// Between the connection and the page.
    Client,
}

/// `backpressure_drop`: exactly which envelopes of a channel were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BackpressureDrop {
    /// How many.
    #[cfg_attr(test, ts(type = "number"))]
    pub dropped: u64,
    /// First `seq` that was dropped.
    #[cfg_attr(test, ts(type = "number"))]
    pub from_seq: u64,
    /// Last `seq` that was dropped.
    #[cfg_attr(test, ts(type = "number"))]
    pub to_seq: u64,
    /// Capacity of the queue, in envelopes.
    #[cfg_attr(test, ts(type = "number"))]
    pub capacity: u64,
    /// Whose queue it was.
    pub side: Side,
}

/// Names of the protocol's own events.
pub mod name {
    /// See [`super::Hello`].
    pub const HELLO: &str = "system.hello";
    /// See [`super::Ack`] and [`super::CommandAck`].
    pub const ACK: &str = "system.ack";
    /// See [`super::Heartbeat`].
    pub const HEARTBEAT: &str = "system.heartbeat";
    /// See [`super::SnapshotEnd`].
    pub const SNAPSHOT_END: &str = "system.snapshot_end";
    /// See [`super::Resync`].
    pub const RESYNC: &str = "system.resync";
    /// See [`super::Rate`].
    pub const RATE: &str = "system.rate";
    /// See [`super::Auth`].
    pub const AUTH: &str = "system.auth";
    /// See [`super::Drain`].
    pub const DRAIN: &str = "system.drain";
    /// See [`super::ErrorDetail`].
    pub const ERROR: &str = "system.error";
    /// See [`super::BackpressureDrop`].
    pub const BACKPRESSURE_DROP: &str = "backpressure_drop";
}

fn as_map<S: Serializer>(heads: &[(Box<str>, u64)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(heads.iter().map(|(channel, head)| (channel, head)))
}

/// Judges the data of a system event. One that is not known passes untouched.
pub(crate) fn check(event: &str, data: &str) -> Result<(), Box<Fault>> {
    match event {
        name::HELLO => Hello::read(data).map(|_| ()),
        name::ACK => AnyAck::read(data).map(|_| ()),
        name::HEARTBEAT => Heartbeat::read(data).map(|_| ()),
        name::SNAPSHOT_END => SnapshotEnd::read(data).map(|_| ()),
        name::RESYNC => Resync::read(data).map(|_| ()),
        name::RATE => Rate::read(data).map(|_| ()),
        name::AUTH => Auth::read(data).map(|_| ()),
        name::DRAIN => Drain::read(data).map(|_| ()),
        name::ERROR => ErrorDetail::read(data).map(|_| ()),
        name::BACKPRESSURE_DROP => BackpressureDrop::read(data).map(|_| ()),
        _ => Ok(()),
    }
}

/// Reads the members that a type names, and ignores others: a newer gateway may say more.
macro_rules! members {
    ($data:expr, $($name:literal),+) => {{
        Members::read($data, &[$($name),+], Unknown::Ignore)?
    }};
}

impl Hello {
    /// Reads and judges the data; the first fault names its member.
    pub(crate) fn read(data: &str) -> Result<Self, Box<Fault>> {
        let members = members!(data, "sessionId", "serverTime", "heartbeatMs");
        Ok(Self {
            session_id: members.text(0)?,
            server_time: members.integer(1)?,
            heartbeat_ms: members.integer(2)?,
        })
    }
}

/// Either kind of `system.ack`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AnyAck {
    Channel(Ack),
    Command(CommandAck),
}

impl AnyAck {
    pub(crate) fn read(data: &str) -> Result<Self, Box<Fault>> {
        let members = members!(
            data,
            "id",
            "channel",
            "epoch",
            "head",
            "resumed",
            "mode",
            "maxHz",
            "staleAfterMs",
            "serverTime"
        );
        if members.optional(1).is_none() {
            let server_time = members.optional_integer(8)?;
            return Ok(Self::Command(CommandAck { id: members.integer(0)?, server_time }));
        }
        let mode = members.string(5)?;
        let mode = Mode::from_name(&mode).ok_or_else(|| members.fault(5, "is not a mode"))?;
        let epoch = members.text(2)?;
        if !is_epoch(&epoch) {
            return Err(members.fault(2, "is not 8 to 12 letters or digits"));
        }
        Ok(Self::Channel(Ack {
            id: members.optional_integer(0)?,
            channel: members.text(1)?,
            epoch,
            head: members.integer(3)?,
            resumed: members.boolean(4)?,
            mode,
            max_hz: members.nullable(6, |members| members.number(6))?,
            stale_after_ms: members.nullable(7, |members| members.integer(7))?,
        }))
    }
}

impl Heartbeat {
    /// Reads and judges the data; the first fault names its member.
    pub(crate) fn read(data: &str) -> Result<Self, Box<Fault>> {
        let members = members!(data, "serverTime", "heads", "brokerOk");
        let server_time = members.integer(0)?;
        let broker_ok = members.optional(2).map(|_| members.boolean(2)).transpose()?;
        let fault = || members.fault(1, "is not an object of channels and their seq");
        let mut heads = Vec::new();
        each_member(members.raw(1)?, |channel, head, _| {
            heads.push((channel.into(), read_integer(head).map_err(|_| fault())?));
            Ok(())
        })
        .map_err(|_| fault())?;
        Ok(Self { server_time, heads, broker_ok })
    }
}

impl SnapshotEnd {
    /// Reads and judges the data; the first fault names its member.
    pub(crate) fn read(data: &str) -> Result<Self, Box<Fault>> {
        let members = members!(data, "epoch", "head", "count");
        Ok(Self { epoch: members.text(0)?, head: members.integer(1)?, count: members.integer(2)? })
    }
}

impl Resync {
    /// Reads and judges the data; the first fault names its member.
    pub(crate) fn read(data: &str) -> Result<Self, Box<Fault>> {
        let members = members!(data, "epoch", "reason");
        Ok(Self { epoch: members.text(0)?, reason: members.text(1)? })
    }
}

impl Rate {
    /// Reads and judges the data; the first fault names its member.
    pub(crate) fn read(data: &str) -> Result<Self, Box<Fault>> {
        let members = members!(data, "merged", "delivered", "windowMs", "effectiveHz", "maxHz");
        Ok(Self {
            merged: members.integer(0)?,
            delivered: members.integer(1)?,
            window_ms: members.integer(2)?,
            effective_hz: members.number(3)?,
            max_hz: members.nullable(4, |members| members.number(4))?,
        })
    }
}

impl AuthState {
    /// The state of that name.
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "ok" => Self::Ok,
            "expiring" => Self::Expiring,
            "expired" => Self::Expired,
            "revoked" => Self::Revoked,
            _ => return None,
        })
    }
}

impl Auth {
    /// Reads and judges the data; the first fault names its member.
    pub(crate) fn read(data: &str) -> Result<Self, Box<Fault>> {
        let members = members!(data, "state", "expiresAt", "graceMs");
        let state = AuthState::from_name(&members.string(0)?)
            .ok_or_else(|| members.fault(0, "is not \"ok\", \"expiring\", \"expired\" or \"revoked\""))?;
        Ok(Self { state, expires_at: members.optional_integer(1)?, grace_ms: members.optional_integer(2)? })
    }
}

impl Drain {
    /// Reads and judges the data; the first fault names its member.
    pub(crate) fn read(data: &str) -> Result<Self, Box<Fault>> {
        let members = members!(data, "reconnectAfterMs");
        Ok(Self { reconnect_after_ms: members.integer(0)? })
    }
}

impl ErrorDetail {
    /// Reads and judges the data; the first fault names its member.
    pub(crate) fn read(data: &str) -> Result<Self, Box<Fault>> {
        let members = members!(
            data,
            "id",
            "message",
            "channel",
            "field",
            "reason",
            "allowed",
            "retryAfterMs",
            "value",
            "jobId",
            "store"
        );
        Ok(Self {
            id: members.optional_integer(0)?,
            message: members.text(1)?,
            channel: members.optional_text(2)?,
            field: members.optional_text(3)?,
            reason: members.optional_text(4)?,
            allowed: members.optional_text(5)?,
            retry_after_ms: members.optional_integer(6)?,
            value: members.optional_text(7)?,
            job_id: members.optional_text(8)?,
            store: members.optional_text(9)?,
        })
    }
}

impl BackpressureDrop {
    /// Reads and judges the data; the first fault names its member.
    pub(crate) fn read(data: &str) -> Result<Self, Box<Fault>> {
        let members = members!(data, "dropped", "fromSeq", "toSeq", "capacity", "side");
        let side = match &*members.string(4)? {
            "gateway" => Side::Gateway,
            "client" => Side::Client,
            _ => return Err(members.fault(4, "is not \"gateway\" or \"client\"")),
        };
        let drop = Self {
            dropped: members.integer(0)?,
            from_seq: members.integer(1)?,
            to_seq: members.integer(2)?,
            capacity: members.integer(3)?,
            side,
        };
        if drop.to_seq < drop.from_seq {
            return Err(members.fault(2, "is below fromSeq"));
        }
        if drop.dropped > drop.to_seq - drop.from_seq + 1 {
            return Err(members.fault(0, "is more than the range holds"));
        }
        Ok(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_with_every_member_is_read_as_it_is_written() {
        let text = |text: &str| Some(text.into());
        let detail = ErrorDetail {
            id: Some(7),
            message: "m".into(),
            channel: text("price:A"),
            field: text("f"),
            reason: text("r"),
            value: text("v"),
            allowed: text("a"),
            job_id: text("j"),
            store: text("redis"),
            retry_after_ms: Some(5),
        };
        let json = serde_json::to_string(&detail).expect("JSON");
        assert_eq!(ErrorDetail::read(&json).expect("read"), detail);
    }
}
