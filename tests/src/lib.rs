//! End-to-end harness: runs the real `spark-live` binary on a free port and speaks to it as any
//! client would.
//!
//! Nothing here depends on the gateway's code. [`Gateway`] starts, kills and restarts the process;
//! [`Sse`] and [`WebSocket`] speak the documented protocol; [`Envelope`] keeps the order of the fields
//! and the digits of the numbers as they were sent, so that a test can judge both.

pub mod access;
mod csv;
mod envelope;
mod gateway;
mod http;
mod raw;
mod sse;
mod websocket;

pub use csv::{Bar, DataDir, shipped_bars};
pub use envelope::{ENVELOPE_FIELDS, Envelope};
pub use gateway::{Gateway, GatewayOptions};
pub use http::{Answer, CandlePage, CandleQuery};
pub use raw::{Raw, RawAnswer};
pub use sse::{Refusal, Sse, SseMessage};
pub use websocket::{Frame, WebSocket};

use std::time::Duration;

/// Longest wait for anything that must happen, in every test: far beyond what a busy machine needs,
/// short enough that a hang is a failure and not a lost hour.
pub const PATIENCE: Duration = Duration::from_secs(20);
