//! Bindings of `live-core` for the browser: they translate and never decide.
//!
//! Bytes come in through [`Core::input_ptr`], one copy and one call for each piece that arrives. Numbers
//! go out through a small area of memory that is read at once ([`Core::scratch_ptr`]), or as copies in
//! typed arrays. Channels are numbers; strings cross where calls are rare.

mod convert;
mod core;
mod judge;

pub use crate::core::Core;
pub use crate::judge::compute_staleness;
