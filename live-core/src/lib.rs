//! The rules of the live layer, compiled natively into the gateway and to WebAssembly into the browser
//! client, so that both ends take the same decision from the same code.
//!
//! Nothing here does I/O, reads a clock (time is an argument) or panics on input.
//!
//! - [`envelope`]: what travels, its encoding and validation; [`scan`] is the fast path of the latter.
//! - [`event`] and [`system`]: the payloads known by type.
//! - [`channel`]: names, modes, namespaces.
//! - [`sequence`]: order, gaps, positions.
//! - [`staleness`]: fresh, stale, disconnected.
//! - [`backpressure`]: the bounded queue and what happens when it is full.
//! - [`outbox`]: all that waits for one connection.
//! - [`sse`]: reading an event stream.
//! - [`store`]: the client's store.
//! - [`error`]: the catalogue of error codes.

pub mod backpressure;
pub mod channel;
mod decimal;
pub mod envelope;
pub mod error;
pub mod event;
mod json;
pub mod outbox;
pub mod scan;
pub mod sequence;
pub mod sse;
pub mod staleness;
pub mod store;
pub mod system;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod typescript;

pub use json::{Fault, NESTING_MAX};
