//! End-to-end harness: runs the real `spark-live` binary on a free port and speaks to it as any
//! client would.
//!
//! Nothing here depends on the gateway's code. [`Gateway`] starts, kills and restarts the process;
//! [`Sse`] and [`WebSocket`] speak the documented protocol; [`Envelope`] keeps the order of the fields
//! and the digits of the numbers as they were sent, so that a test can judge both. [`live`] has one client for
//! all three transports, [`frame`] and [`Line`] send what no library would, [`Proxy`] spoils the line, and
//! [`Ledger`] keeps the books of what came. [`Target`] is what all of it is pointed at.

pub mod access;
pub mod chat;
pub mod copilot;
mod csv;
mod dice;
mod envelope;
pub mod exchange;
pub mod frame;
mod gateway;
mod http;
pub mod http2;
mod ledger;
mod line;
pub mod live;
pub mod openai;
pub mod postgres;
pub mod process;
mod proxy;
mod publisher;
mod raw;
pub mod redis;
pub mod s3;
mod sse;
mod target;
mod token;
mod websocket;

pub use csv::{Bar, DataDir, shipped_bars};
pub use dice::Dice;
pub use envelope::{ENVELOPE_FIELDS, Envelope};
pub use gateway::{Gateway, GatewayOptions, binary};
pub use http::{Answer, CandlePage, CandleQuery};
pub use ledger::{Ledger, Took};
pub use line::{Body, Head, Line};
pub use proxy::{Mode, Proxy};
pub use publisher::{Published, Publisher};
pub use raw::{Raw, RawAnswer};
pub use sse::{Refusal, Sse, SseMessage};
pub use target::{Target, unique};
pub use token::Signer;
pub use websocket::{Frame, WebSocket};

use std::time::Duration;

/// Longest wait for anything that must happen, in every test: far beyond what a busy machine needs,
/// short enough that a hang is a failure and not a lost hour.
pub const PATIENCE: Duration = Duration::from_secs(20);
