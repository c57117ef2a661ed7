//! How values are delivered to clients.

use std::time::Duration;

use live_core::backpressure::{CAPACITY_MAX, CAPACITY_MIN, KEYS_MAX};
use live_core::channel::{NamespacePolicy, Namespaces};

use super::namespaces;
use super::reader::Reader;

/// Window in which clients leave a node that stops, where others serve meanwhile.
const WINDOW_OF_MANY: Duration = Duration::from_secs(30);
/// The same of a node that is alone: whoever restarted it waits.
const WINDOW_OF_ONE: Duration = Duration::from_secs(2);

/// The section `live`.
#[derive(Clone, Debug)]
pub struct LiveConfig {
    /// Between two heartbeats on a connection.
    pub heartbeat: Duration,
    /// Most envelopes of one channel that wait for one connection.
    pub queue_capacity: usize,
    /// Most bytes that wait for one connection.
    pub connection_bytes: usize,
    /// Least time between two writes to a connection.
    pub coalesce: Duration,
    /// The same, for what comes of a channel with very many subscribers.
    pub coalesce_max: Duration,
    /// Longest time that one write may block.
    pub write_timeout: Duration,
    /// Newest keys of a keyed channel that are kept for a snapshot.
    pub snapshot_keys: usize,
    /// Least time between two reports on what was merged of one channel for one client.
    pub rate_report: Duration,
    /// Window from which each client's time to come back is drawn on a stop.
    pub reconnect_window: Duration,
    /// All namespaces: those of the protocol and those of the settings.
    pub namespaces: Namespaces,
    /// Those of the settings.
    pub own_namespaces: Vec<NamespacePolicy>,
}

impl LiveConfig {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let heartbeat = reader.millis("live.heartbeat_ms", 100..=600_000);
        let queue_capacity = reader.size("live.queue_capacity", CAPACITY_MIN as u64..=CAPACITY_MAX as u64);
        let connection_bytes = reader.size("live.connection_bytes", 65_536..=67_108_864);
        let coalesce = reader.millis("live.coalesce_ms", 0..=1_000);
        let coalesce_max = reader.millis("live.coalesce_max_ms", 0..=1_000);
        let write_timeout = reader.millis("live.write_timeout_ms", 100..=120_000);
        let snapshot_keys = reader.size("live.snapshot_keys", 1..=KEYS_MAX as u64);
        let rate_report = reader.millis("live.rate_report_ms", 100..=3_600_000);
        let is_production = reader.is("profile", "production");
        let usual_window = if is_production { WINDOW_OF_MANY } else { WINDOW_OF_ONE };
        let reconnect_window = reader.millis_or("live.reconnect_window_ms", 0..=300_000);
        let reconnect_window = reconnect_window.map(|given| given.unwrap_or(usual_window));
        let (namespaces, own_namespaces) = namespaces::read(reader).unzip();
        Some(Self {
            heartbeat: heartbeat?,
            queue_capacity: queue_capacity?,
            connection_bytes: connection_bytes?,
            coalesce: coalesce?,
            coalesce_max: coalesce_max?,
            write_timeout: write_timeout?,
            snapshot_keys: snapshot_keys?,
            rate_report: rate_report?,
            reconnect_window: reconnect_window?,
            namespaces: namespaces?,
            own_namespaces: own_namespaces?,
        })
    }
}
