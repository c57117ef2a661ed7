//! The doors to the hub: what they share is the session, what differs is the framing.

pub mod sse;
pub mod websocket;

mod channels;
mod command;
mod session;

pub use self::session::Lifecycle;
