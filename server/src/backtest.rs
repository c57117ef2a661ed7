//! Backtests: what is asked for, judged before anything costs something.

pub mod bulletin;
pub mod engine;
pub mod fields;
pub mod http;
mod indicators;
pub mod job;
pub mod metrics;
pub mod params;
pub mod polls;
pub mod queue;
pub mod results;
pub mod strategy;
pub mod sweep;
