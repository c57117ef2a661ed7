//! Backtests: what is asked for, judged before anything costs something.

pub mod blobs;
pub mod board;
pub mod bulletin;
pub mod document;
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
pub mod stats;
pub mod strategy;
pub mod sweep;
pub mod worker;
