//! The catalogue of error codes: one enum from which documentation and TypeScript are generated.

use std::fmt;

/// When a caller may try again after an error, and on what condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request will fail the same way.
    Never,
    /// Later, with a growing and random delay, or after the `retryAfterMs` that came with the error.
    Backoff,
    /// At once, or after the delay that the goodbye named.
    Now,
    /// With a fresh token.
    AfterAuth,
    /// The channel starts again from a snapshot; the connection goes on.
    Snapshot,
}

impl Retry {
    /// The name on the wire and in the documentation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Backoff => "backoff",
            Self::Now => "now",
            Self::AfterAuth => "after_auth",
            Self::Snapshot => "snapshot",
        }
    }
}

/// Declares [`ErrorCode`] and its table in one place, so that no column can be forgotten.
macro_rules! catalogue {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $http:expr, $close:expr, $retry:ident;)+) => {
        /// Why something was refused, closed or failed. The string is stable; the message beside it is not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable string, as in `errorCode`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// Status of an HTTP answer that carries this code; `None` where it never answers a request.
            pub const fn http_status(self) -> Option<u16> {
                match self { $(Self::$variant => $http,)+ }
            }

            /// Close code of the WebSocket; `None` where only a channel or a request ends.
            ///
            /// 40xx: do not reconnect. 41xx: reconnect with backoff. 42xx: reconnect at once.
            pub const fn close_code(self) -> Option<u16> {
                match self { $(Self::$variant => $close,)+ }
            }

            /// When to try again.
            pub const fn retry(self) -> Retry {
                match self { $(Self::$variant => Retry::$retry,)+ }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

catalogue! {
    /// The envelope breaks a rule of the protocol.
    BadEnvelope = "BAD_ENVELOPE", Some(400), Some(4000), Never;
    /// The protocol version is not one that this end speaks.
    UnsupportedVersion = "UNSUPPORTED_VERSION", Some(400), Some(4001), Never;
    /// The request or command is not understood.
    BadRequest = "BAD_REQUEST", Some(400), Some(4000), Never;
    /// There is nothing at this path.
    NotFound = "NOT_FOUND", Some(404), None, Never;
    /// There is no valid token.
    Unauthenticated = "UNAUTHENTICATED", Some(401), Some(4002), Never;
    /// The new token belongs to another person than the connection.
    SubjectMismatch = "SUBJECT_MISMATCH", Some(401), Some(4003), Never;
    /// The token is past its time limit.
    AuthExpired = "AUTH_EXPIRED", Some(401), Some(4110), AfterAuth;
    /// The token was taken back.
    AuthRevoked = "AUTH_REVOKED", Some(401), Some(4004), Never;
    /// The person may not do this.
    Forbidden = "FORBIDDEN", Some(403), None, Never;
    /// There is no such channel, or none that this person may know of.
    ChannelUnknown = "CHANNEL_UNKNOWN", Some(404), None, Never;
    /// The text is not a channel name.
    ChannelInvalid = "CHANNEL_INVALID", Some(400), None, Never;
    /// The connection already holds as many subscriptions as it may.
    SubscriptionLimit = "SUBSCRIPTION_LIMIT", Some(409), None, Never;
    /// The person, the address or the node already holds as many connections as it may.
    ConnectionLimit = "CONNECTION_LIMIT", Some(503), Some(4105), Backoff;
    /// Too many requests or commands in too short a time.
    RateLimited = "RATE_LIMITED", Some(429), Some(4106), Backoff;
    /// The position is older than the history that is still held.
    CursorExpired = "CURSOR_EXPIRED", Some(410), None, Snapshot;
    /// The channel's history was lost since the position was taken.
    EpochChanged = "EPOCH_CHANGED", Some(410), None, Snapshot;
    /// The text is not a cursor of this channel or page.
    CursorInvalid = "CURSOR_INVALID", Some(400), None, Snapshot;
    /// The gateway cannot prove that nothing was lost.
    ContinuityUnknown = "CONTINUITY_UNKNOWN", Some(410), None, Snapshot;
    /// A subscription could not be brought back in step.
    ResyncFailed = "RESYNC_FAILED", Some(410), None, Snapshot;
    /// The client does not read fast enough.
    SlowConsumer = "SLOW_CONSUMER", None, Some(4108), Backoff;
    /// The client did not answer in time.
    PingTimeout = "PING_TIMEOUT", None, Some(4109), Backoff;
    /// The gateway has lost its own link to the engine.
    BrokerUnavailable = "BROKER_UNAVAILABLE", Some(503), Some(4107), Backoff;
    /// The node takes no more work for now.
    Overloaded = "OVERLOADED", Some(503), Some(4107), Backoff;
    /// The node is being stopped; another one serves.
    Draining = "DRAINING", Some(503), Some(4200), Now;
    /// The body, frame or message is larger than allowed.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", Some(413), Some(4005), Never;
    /// An idempotency key is not 1 to 64 letters, digits, '_' and '-'.
    IdempotencyKeyInvalid = "IDEMPOTENCY_KEY_INVALID", Some(400), None, Never;
    /// The idempotency key was used for another request.
    IdempotencyMismatch = "IDEMPOTENCY_MISMATCH", Some(422), None, Never;
    /// A parameter is missing, unknown or out of range.
    ParamsInvalid = "PARAMS_INVALID", Some(422), None, Never;
    /// The head of the request did not arrive in time.
    HeaderTimeout = "HEADER_TIMEOUT", Some(408), None, Backoff;
    /// The body of the request did not arrive in time.
    BodyTimeout = "BODY_TIMEOUT", Some(408), None, Backoff;
    /// The range of bytes is not one that the content has.
    RangeInvalid = "RANGE_INVALID", Some(416), None, Never;
    /// The confirmation token is not one that was issued, or was taken back.
    TokenInvalid = "TOKEN_INVALID", Some(400), None, Never;
    /// The confirmation token was used; what it started is named beside this.
    TokenUsed = "TOKEN_USED", Some(409), None, Never;
    /// The confirmation token was never used and is past its time limit.
    TokenExpired = "TOKEN_EXPIRED", Some(410), None, Never;
    /// The confirmation token was issued to another person, or for something else.
    TokenMismatch = "TOKEN_MISMATCH", Some(403), None, Never;
    /// The person has too many proposals open, or made too many lately.
    ProposalLimit = "PROPOSAL_LIMIT", Some(429), None, Backoff;
    /// What was true when it was proposed is not any more; the token is not used up.
    ConfirmRefused = "CONFIRM_REFUSED", Some(403), None, Never;
    /// Only the person can confirm, in a session of their own.
    ConfirmNotHuman = "CONFIRM_NOT_HUMAN", Some(403), None, Never;
    /// There is no such tool.
    ToolUnknown = "TOOL_UNKNOWN", Some(404), None, Never;
    /// The language model does not answer, or asks to be asked later.
    ModelUnavailable = "MODEL_UNAVAILABLE", Some(503), None, Backoff;
    /// What the language model has answered cannot be used, or it refuses the gateway.
    ModelFailed = "MODEL_FAILED", Some(502), None, Never;
    /// There is no such job, or none that this person may know of.
    JobNotFound = "JOB_NOT_FOUND", Some(404), None, Never;
    /// The person has as many jobs waiting or running as they may.
    JobLimit = "JOB_LIMIT", Some(429), None, Backoff;
    /// The job ended without a result.
    JobFailed = "JOB_FAILED", Some(200), None, Never;
    /// The job was cancelled.
    JobCancelled = "JOB_CANCELLED", Some(200), None, Never;
    /// The job took longer than it may.
    JobTimeout = "JOB_TIMEOUT", Some(200), None, Never;
    /// The job broke its worker every time that it was tried.
    JobPoisoned = "JOB_POISONED", Some(200), None, Never;
    /// The job has not ended yet.
    ResultNotReady = "RESULT_NOT_READY", Some(409), None, Backoff;
    /// The result is past the time for which it is kept.
    ResultExpired = "RESULT_EXPIRED", Some(410), None, Never;
    /// The stored result is not what was written.
    ResultCorrupt = "RESULT_CORRUPT", Some(500), None, Never;
    /// The link was not signed here, or is not for this.
    LinkInvalid = "LINK_INVALID", Some(403), None, Never;
    /// The link is past its time limit; a new one can be asked for.
    LinkExpired = "LINK_EXPIRED", Some(403), None, Never;
    /// A store cannot be reached.
    StoreUnavailable = "STORE_UNAVAILABLE", Some(503), None, Backoff;
    /// The storage of results cannot be reached.
    StorageUnavailable = "STORAGE_UNAVAILABLE", Some(503), None, Backoff;
    /// Something went wrong inside; the log knows more.
    Internal = "INTERNAL", Some(500), Some(4100), Backoff;
}

impl ErrorCode {
    /// The code of that name, if it is in the catalogue.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_own_name_only() {
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.as_str()), Some(code));
        }
        assert_eq!(ErrorCode::from_name("bad_envelope"), None);
    }

    #[test]
    fn the_range_of_a_close_code_says_when_to_reconnect() {
        for &code in ErrorCode::ALL {
            let Some(close) = code.close_code() else { continue };
            match close / 100 {
                40 => assert_eq!(code.retry(), Retry::Never, "{code}"),
                41 => assert!(matches!(code.retry(), Retry::Backoff | Retry::AfterAuth), "{code}"),
                42 => assert_eq!(code.retry(), Retry::Now, "{code}"),
                _ => panic!("{code} closes with {close}"),
            }
        }
    }
}
