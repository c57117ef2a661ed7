//! When and how the process ends.

use std::io;
use std::time::Duration;

use crate::transport::Lifecycle;

/// What is left, at the end of the time to stop, for tasks that were told to end at once.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Ends with the first SIGTERM or SIGINT.
///
/// # Errors
/// When the process cannot be told of signals.
#[cfg(unix)]
pub fn signalled() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("stopping on SIGTERM"),
            _ = interrupt.recv() => tracing::info!("stopping on SIGINT"),
        }
    })
}

/// Ends with the first Ctrl-C.
///
/// # Errors
/// None here; elsewhere the process may not be told of signals.
#[cfg(not(unix))]
pub fn signalled() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        match tokio::signal::ctrl_c().await {
            Ok(()) => tracing::info!("stopping on Ctrl-C"),
            Err(error) => tracing::error!(%error, "stopping: Ctrl-C cannot be waited for"),
        }
    })
}

/// Says goodbye on every connection, waits for them, and ends by force what is left shortly before `limit`.
pub async fn drain(lifecycle: &Lifecycle, limit: Duration) {
    lifecycle.draining.cancel();
    lifecycle.tasks.close();
    let patience = limit.saturating_sub(LAST_MOMENT);
    if tokio::time::timeout(patience, lifecycle.tasks.wait()).await.is_ok() {
        return;
    }
    tracing::warn!(connections = lifecycle.tasks.len(), "still open; ending them");
    lifecycle.ending.cancel();
    if tokio::time::timeout(limit.min(LAST_MOMENT), lifecycle.tasks.wait()).await.is_err() {
        tracing::warn!(connections = lifecycle.tasks.len(), "left behind");
    }
}
