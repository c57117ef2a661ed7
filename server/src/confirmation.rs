//! One-time confirmation tokens: an action that costs something is proposed first, and done once after a person has
//! confirmed it.
//!
//! ```text
//! propose ──▶ token (shown once) ──▶ confirm ──▶ ConfirmationStore::consume ──▶ the one job that it pays for
//!                 `── hash, record with MAC ─────────┘   (one atomic step, by the store's clock)
//! ```
//! What is stored is the token's hash and a [`record::Record`]; the token itself leaves the process in one answer.

pub mod clock;
#[doc(hidden)]
pub mod conformance;
pub mod jobs;
pub mod judge;
pub mod memory;
pub mod postgres;
pub mod record;
pub mod redis;
pub mod sqlite;
pub mod store;
pub mod token;
