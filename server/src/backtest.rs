//! Backtests: what is asked for, judged before anything costs something.

pub mod bulletin;
pub mod fields;
pub mod http;
pub mod job;
pub mod params;
pub mod polls;
pub mod queue;
pub mod results;
