//! The doors to the hub: what they share is the session, what differs is the framing.

pub mod polling;
mod pulse;
pub mod sse;
pub mod websocket;

mod channels;
mod command;
mod handover;
mod question;
mod reader;
mod session;
mod token;

pub use self::session::Lifecycle;
