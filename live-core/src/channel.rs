//! Where an envelope belongs: the grammar of channel names, the modes, and the namespaces' policies.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::error::ErrorCode;

/// Longest channel name, in bytes (every allowed character is one byte).
pub const CHANNEL_LEN_MAX: usize = 128;
/// Most segments after the namespace.
pub const CHANNEL_SEGMENTS_MAX: usize = 8;

/// Why a text is not a channel name, with the byte offset of the first fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {at}", reason.as_str())]
pub struct ChannelError {
    /// What is wrong.
    pub reason: ChannelFault,
    /// Byte offset of the fault in the text.
    pub at: usize,
}

/// What can be wrong with a channel name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelFault {
    /// Nothing at all, or nothing before the colon.
    NoNamespace,
    /// There is no colon.
    NoColon,
    /// Nothing between two dots, after the colon, or after the last dot.
    EmptySegment,
    /// A character outside `A-Z a-z 0-9 _ -`.
    Character,
    /// More than [`CHANNEL_LEN_MAX`] bytes.
    TooLong,
    /// More than [`CHANNEL_SEGMENTS_MAX`] segments.
    TooManySegments,
}

impl ChannelFault {
    /// The reason in plain words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoNamespace => "channel has no namespace",
            Self::NoColon => "channel has no colon after its namespace",
            Self::EmptySegment => "channel has an empty segment",
            Self::Character => "channel has a character other than letters, digits, '_' and '-'",
            Self::TooLong => "channel is longer than 128 characters",
            Self::TooManySegments => "channel has more than 8 segments",
        }
    }
}

/// Checks a name against the grammar `namespace:segment(.segment)*` and returns where the colon is.
///
/// # Errors
/// The first fault from the left; length is judged before anything else.
pub fn check_channel(name: &[u8]) -> Result<usize, ChannelError> {
    let fault = |reason, at| Err(ChannelError { reason, at });
    if name.len() > CHANNEL_LEN_MAX {
        return fault(ChannelFault::TooLong, CHANNEL_LEN_MAX);
    }
    let mut colon = None;
    let mut segments = 1;
    let mut segment_start = 0;
    for (at, &byte) in name.iter().enumerate() {
        match (byte, colon) {
            (b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-', _) => {}
            (b':', None) if at == 0 => return fault(ChannelFault::NoNamespace, 0),
            (b':', None) => {
                colon = Some(at);
                segment_start = at + 1;
            }
            (b'.', Some(_)) if at == segment_start => return fault(ChannelFault::EmptySegment, at),
            (b'.', Some(_)) if segments == CHANNEL_SEGMENTS_MAX => {
                return fault(ChannelFault::TooManySegments, at);
            }
            (b'.', Some(_)) => {
                segments += 1;
                segment_start = at + 1;
            }
            _ => return fault(ChannelFault::Character, at),
        }
    }
    match colon {
        None if name.is_empty() => fault(ChannelFault::NoNamespace, 0),
        None => fault(ChannelFault::NoColon, name.len()),
        Some(_) if segment_start == name.len() => fault(ChannelFault::EmptySegment, name.len()),
        Some(colon) => Ok(colon),
    }
}

/// A channel name that has passed [`check_channel`]; cheap to clone and to share.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName {
    name: Arc<str>,
    colon: u8,
}

impl ChannelName {
    /// Reads a name.
    ///
    /// # Errors
    /// The first fault, with its place; the error code for it is [`ErrorCode::ChannelInvalid`].
    pub fn parse(name: &str) -> Result<Self, ChannelError> {
        let colon = check_channel(name.as_bytes())?;
        // At most CHANNEL_LEN_MAX, so it fits.
        Ok(Self { name: name.into(), colon: colon as u8 })
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// What stands before the colon.
    pub fn namespace(&self) -> &str {
        self.name.get(..usize::from(self.colon)).unwrap_or_default()
    }

    /// What stands after the colon, with its dots.
    pub fn path(&self) -> &str {
        self.name.get(usize::from(self.colon) + 1..).unwrap_or_default()
    }

    /// The parts of [`path`](Self::path) between the dots, one to eight of them, none empty.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.path().split('.')
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// What may become of an envelope that cannot be delivered at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Only the newest value matters; older ones may be merged away.
    State,
    /// The newest value of each key matters.
    Keyed,
    /// Order matters; under pressure the oldest go, and the exact range is told.
    Event,
    /// Every item matters; nothing is dropped, past the limit history is read again.
    Lossless,
}

impl Mode {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Keyed => "keyed",
            Self::Event => "event",
            Self::Lossless => "lossless",
        }
    }

    /// The mode of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::State, Self::Keyed, Self::Event, Self::Lossless].into_iter().find(|mode| mode.as_str() == name)
    }

    /// Whether a jump in `seq` is a loss (`true`) or a merge by definition (`false`).
    pub const fn is_contiguous(self) -> bool {
        matches!(self, Self::Event | Self::Lossless)
    }
}

/// How the channels of one namespace behave. Rates are in envelopes a second for each channel and client.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespacePolicy {
    /// What stands before the colon.
    pub name: Box<str>,
    /// What may be merged or dropped.
    pub mode: Mode,
    /// Upper bound of the rate towards one client; `None` is no bound.
    pub max_hz: Option<f64>,
    /// Age after which a channel counts as stale, in milliseconds since its last value was born;
    /// `None` where silence says nothing. A source that knows its own pace may say otherwise in `system.ack`.
    pub stale_after_ms: Option<u64>,
}

/// Longest name of a namespace, in bytes: it leaves room for a path.
pub const NAMESPACE_LEN_MAX: usize = 32;
/// Least bound of a rate, in envelopes a second.
pub const MAX_HZ_MIN: f64 = 0.01;
/// Greatest bound of a rate, in envelopes a second.
pub const MAX_HZ_MAX: f64 = 1_000.0;

/// Why a namespace cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamespaceFault {
    /// It cannot stand before the colon of a channel's name.
    #[error("name is not 1 to 32 letters, digits, '_' and '-'")]
    Name,
    /// No rate that can be kept.
    #[error("max_hz is not a number from 0.01 to 1000")]
    Rate,
    /// A bound of the rate merges values; under `event` and `lossless` every one counts.
    #[error("max_hz would merge what must not be merged: in this mode every envelope counts")]
    MergesWhatMustNotBe,
    /// Clients know the namespace with that mode.
    #[error("mode cannot be changed: clients know this namespace as {}", .0.as_str())]
    ModeOfAnother(Mode),
}

/// The namespaces that an end knows. Both ends start from [`Namespaces::builtin`].
#[derive(Clone, Debug, PartialEq)]
pub struct Namespaces {
    policies: Vec<NamespacePolicy>,
}

impl Namespaces {
    /// The namespaces of the protocol.
    pub fn builtin() -> Self {
        let policy = |name: &str, mode, max_hz, stale_after_ms| NamespacePolicy {
            name: name.into(),
            mode,
            max_hz,
            stale_after_ms,
        };
        Self {
            policies: vec![
                policy("price", Mode::State, Some(20.0), Some(5_000)),
                // The bound of staleness depends on the interval, so it always travels in the ack.
                policy("candles", Mode::Keyed, Some(4.0), None),
                policy("copilot", Mode::Lossless, None, None),
                policy("job", Mode::State, Some(10.0), Some(15_000)),
                policy("system", Mode::Event, None, None),
            ],
        }
    }

    /// These and one more. One of the protocol's own can be given another rate and another age, not another mode.
    ///
    /// # Errors
    /// When the two ends would not agree on what it is, or its policy breaks its mode's promise.
    pub fn with(mut self, policy: NamespacePolicy) -> Result<Self, NamespaceFault> {
        if check_channel(format!("{}:x", policy.name).as_bytes()).is_err()
            || policy.name.len() > NAMESPACE_LEN_MAX
        {
            return Err(NamespaceFault::Name);
        }
        if policy.max_hz.is_some_and(|hz| !(MAX_HZ_MIN..=MAX_HZ_MAX).contains(&hz)) {
            return Err(NamespaceFault::Rate);
        }
        if policy.max_hz.is_some() && policy.mode.is_contiguous() {
            return Err(NamespaceFault::MergesWhatMustNotBe);
        }
        match self.policies.iter_mut().find(|known| known.name == policy.name) {
            Some(known) if known.mode != policy.mode => {
                return Err(NamespaceFault::ModeOfAnother(known.mode));
            }
            Some(known) => *known = policy,
            None => self.policies.push(policy),
        }
        Ok(self)
    }

    /// The policy of a channel's namespace.
    ///
    /// # Errors
    /// [`ErrorCode::ChannelUnknown`] when there is no such namespace.
    pub fn policy(&self, channel: &ChannelName) -> Result<&NamespacePolicy, ErrorCode> {
        let wanted = channel.namespace();
        self.policies.iter().find(|policy| &*policy.name == wanted).ok_or(ErrorCode::ChannelUnknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(name: &str, expected: Result<(), (ChannelFault, usize)>) {
        let found = ChannelName::parse(name).map(|_| ()).map_err(|e| (e.reason, e.at));
        assert_eq!(found, expected, "{name:?}");
    }

    #[test]
    fn names_are_judged_from_the_left() {
        check("price:AAPL", Ok(()));
        check("candles:AAPL.1m", Ok(()));
        check("a:1.2.3.4.5.6.7.8", Ok(()));
        check("", Err((ChannelFault::NoNamespace, 0)));
        check(":AAPL", Err((ChannelFault::NoNamespace, 0)));
        check("price", Err((ChannelFault::NoColon, 5)));
        check("price:", Err((ChannelFault::EmptySegment, 6)));
        check("price:A..B", Err((ChannelFault::EmptySegment, 8)));
        check("price:.A", Err((ChannelFault::EmptySegment, 6)));
        check("price:A.", Err((ChannelFault::EmptySegment, 8)));
        check("pri.ce:A", Err((ChannelFault::Character, 3)));
        check("price:A:B", Err((ChannelFault::Character, 7)));
        check("price:\u{131}", Err((ChannelFault::Character, 6)));
        check("price:A\n", Err((ChannelFault::Character, 7)));
        check("a:1.2.3.4.5.6.7.8.9", Err((ChannelFault::TooManySegments, 17)));
        check(&format!("p:{}", "A".repeat(126)), Ok(()));
        check(&format!("p:{}", "A".repeat(127)), Err((ChannelFault::TooLong, 128)));
    }

    #[test]
    fn parts_are_found() {
        let name = ChannelName::parse("candles:BRK.B.1d").expect("a good name");
        assert_eq!((name.namespace(), name.path()), ("candles", "BRK.B.1d"));
        assert_eq!(name.segments().next_back(), Some("1d"));
    }

    #[test]
    fn an_unknown_namespace_is_said() {
        let name = ChannelName::parse("nope:A").expect("a good name");
        assert_eq!(Namespaces::builtin().policy(&name), Err(ErrorCode::ChannelUnknown));
    }

    #[test]
    fn a_namespace_keeps_the_promise_of_its_mode() {
        let policy = |name: &str, mode, max_hz| NamespacePolicy {
            name: name.into(),
            mode,
            max_hz,
            stale_after_ms: Some(1_000),
        };
        let add = |policy| Namespaces::builtin().with(policy).map(|_| ());
        assert_eq!(add(policy("weather", Mode::State, Some(2.0))), Ok(()));
        assert_eq!(add(policy("orders", Mode::Lossless, None)), Ok(()));
        assert_eq!(add(policy("price", Mode::State, Some(5.0))), Ok(()));
        for mode in [Mode::Event, Mode::Lossless] {
            assert_eq!(add(policy("x", mode, Some(1.0))), Err(NamespaceFault::MergesWhatMustNotBe));
        }
        let other = Err(NamespaceFault::ModeOfAnother(Mode::Lossless));
        assert_eq!(add(policy("copilot", Mode::State, None)), other);
        for name in ["", "a:b", "a.b", "a b", "\u{131}", &"a".repeat(33)] {
            assert_eq!(add(policy(name, Mode::State, None)), Err(NamespaceFault::Name), "{name}");
        }
        for hz in [0.0, -1.0, f64::NAN, f64::INFINITY, 1_001.0] {
            assert_eq!(add(policy("x", Mode::State, Some(hz))), Err(NamespaceFault::Rate), "{hz}");
        }
    }

    #[test]
    fn a_namespace_of_the_protocol_takes_another_rate() {
        let policy = NamespacePolicy {
            name: "price".into(),
            mode: Mode::State,
            max_hz: Some(5.0),
            stale_after_ms: None,
        };
        let namespaces = Namespaces::builtin().with(policy.clone()).expect("sound");
        let channel = ChannelName::parse("price:A").expect("a good name");
        assert_eq!(namespaces.policy(&channel), Ok(&policy));
    }

    proptest! {
        #[test]
        fn a_name_passes_exactly_when_the_grammar_says_so(name in "[A-Za-z0-9_.:é-]{0,24}") {
            let word = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            let by_grammar = name.split_once(':').is_some_and(|(ns, path)| {
                word(ns) && path.split('.').all(word) && path.split('.').count() <= CHANNEL_SEGMENTS_MAX
            });
            prop_assert_eq!(ChannelName::parse(&name).is_ok(), by_grammar);
        }
    }
}
