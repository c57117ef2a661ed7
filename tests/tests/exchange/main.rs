//! The connector of exchanges against an exchange on this machine that speaks the published protocol, through
//! everything that happens to such a link.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in helpers, where a panic is the verdict of the test"
)]

mod bans;
mod clock;
mod faults;
mod gateway;
mod history;
mod others;
mod outages;
mod rig;
mod start;
