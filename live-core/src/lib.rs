#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! - [`envelope`]: what travels, its encoding and validation; [`scan`] is the fast path of the latter.
//! - [`event`], [`copilot`] and [`system`]: the payloads known by type; [`job`]: how a job stands.
//! - [`channel`]: names, modes, namespaces; [`access`]: who may read which.
//! - [`sequence`]: order, gaps, positions; [`cursor`] is all positions of a client as one text.
//! - [`staleness`]: fresh, stale, disconnected.
//! - [`backpressure`]: the bounded queue and what happens when it is full.
//! - [`outbox`]: all that waits for one connection.
//! - [`sse`]: reading an event stream.
//! - [`store`]: the client's store.
//! - [`canonical`]: canonical JSON and its hash.
//! - [`error`]: the catalogue of error codes.

pub mod access;
pub mod backpressure;
pub mod canonical;
pub mod channel;
pub mod copilot;
pub mod cursor;
mod decimal;
pub mod envelope;
pub mod error;
pub mod event;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod generated;
pub mod job;
mod json;
pub mod outbox;
pub mod scan;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod schemas;
pub mod sequence;
pub mod sse;
pub mod staleness;
pub mod store;
pub mod system;

pub use json::{Fault, NESTING_MAX};
