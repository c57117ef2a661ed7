//! What one connection, and all together, may take.

use std::time::Duration;

use super::reader::Reader;

/// The section `limits`.
#[derive(Clone, Debug)]
pub struct LimitsConfig {
    /// Most subscriptions of one connection.
    pub subscriptions: usize,
    /// Most connections of any kind.
    pub connections: usize,
    /// Longest time for the head of a request to arrive.
    pub header_timeout: Duration,
}

impl LimitsConfig {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let subscriptions = reader.size("limits.subscriptions", 1..=10_000);
        let connections = reader.size("limits.connections", 1..=1_000_000);
        let header_timeout = reader.millis("limits.header_timeout_ms", 100..=120_000);
        Some(Self {
            subscriptions: subscriptions?,
            connections: connections?,
            header_timeout: header_timeout?,
        })
    }
}
