//! A language model's server, in all the ways in which it may speak and fail: what the person is told, and what is asked
//! of the model again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in helpers, where a panic is the verdict of the test"
)]

mod calls;
mod history;
mod key;
mod refusals;
mod settings;
mod silence;
mod stand;
mod streams;
