//! Evidence: what was asked and done in a conversation, in a chain that shows when it was changed.
//!
//! ```text
//! tool call ─▶ Ledger (counts and writes down) ─▶ EvidenceStore ─▶ bundle: entries and seal ─▶ spark-live evidence verify
//! ```
//! Each entry carries the hash of the one before it, the first one that of the session's name and owner; the seal of a
//! bundle signs how many there are and the last hash.

pub mod bundle;
pub mod chain;
pub mod http;
pub mod ledger;
pub mod seal;
pub mod store;
pub mod verify;
