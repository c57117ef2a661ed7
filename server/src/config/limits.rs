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
    /// Most of these from one address.
    pub connections_per_address: usize,
    /// Most new live connections a second.
    pub opens_per_second: u32,
    /// Most publications of one publisher a second.
    pub publish_per_second: u32,
    /// Calls of tools by one person over time.
    pub calls_per_second: u32,
    /// Most of them at once.
    pub calls_burst: u32,
    /// Most idempotency keys that are remembered.
    pub idempotency_keys: usize,
    /// Longest time for the head of a request to arrive.
    pub header_timeout: Duration,
    /// Longest pause between two requests of a connection.
    pub idle_timeout: Duration,
    /// Longest time for the body of a request to arrive.
    pub body_timeout: Duration,
    /// Longest pause within a body.
    pub body_idle_timeout: Duration,
}

impl LimitsConfig {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let subscriptions = reader.size("limits.subscriptions", 1..=10_000);
        let connections = reader.size("limits.connections", 1..=1_000_000);
        let connections_per_address = reader.size("limits.connections_per_address", 1..=1_000_000);
        let opens_per_second = reader.integer("limits.opens_per_second", 1..=1_000_000);
        let publish_per_second = reader.integer("limits.publish_per_second", 1..=1_000_000);
        let calls_per_second = reader.integer("limits.calls_per_second", 1..=1_000_000);
        let calls_burst = reader.integer("limits.calls_burst", 1..=1_000_000);
        let idempotency_keys = reader.size("limits.idempotency_keys", 1..=100_000_000);
        let header_timeout = reader.millis("limits.header_timeout_ms", 100..=120_000);
        let idle_timeout = reader.millis("limits.idle_timeout_ms", 100..=3_600_000);
        let body_timeout = reader.millis("limits.body_timeout_ms", 100..=600_000);
        let body_idle_timeout = reader.millis("limits.body_idle_timeout_ms", 100..=600_000);
        Some(Self {
            subscriptions: subscriptions?,
            connections: connections?,
            connections_per_address: connections_per_address?,
            opens_per_second: opens_per_second? as u32,
            publish_per_second: publish_per_second? as u32,
            calls_per_second: calls_per_second? as u32,
            calls_burst: calls_burst? as u32,
            idempotency_keys: idempotency_keys?,
            header_timeout: header_timeout?,
            idle_timeout: idle_timeout?,
            body_timeout: body_timeout?,
            body_idle_timeout: body_idle_timeout?,
        })
    }
}
