//! Attackers: a language model that does what it must not, and a person in another's conversation. All of it is refused,
//! counted and written down, and nothing of it works.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in helpers, where a panic is the verdict of the test"
)]

mod endless;
mod model;
mod stand;
mod stranger;
