//! Backtests: what is asked for, judged before anything costs something.

pub mod fields;
pub mod job;
pub mod params;
pub mod queue;
