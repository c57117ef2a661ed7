//! When and how the process ends.

use std::io;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::transport::Lifecycle;

/// What is left, at the end of the time to stop, for tasks that were told to end at once.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Cancels `stop` with the first SIGTERM or SIGINT from now on and `end` with the second.
///
/// One future waits for both: signals that come while nobody waits are one to the system, so the second counts
/// only for who has seen the first, and nobody learns of the stop before that.
///
/// # Errors
/// When the process cannot be told of signals.
#[cfg(unix)]
pub fn on_signals(stop: CancellationToken, end: CancellationToken) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        for token in [stop, end] {
            tokio::select! {
                _ = terminate.recv() => tracing::info!("SIGTERM"),
                _ = interrupt.recv() => tracing::info!("SIGINT"),
            }
            token.cancel();
        }
    })
}

/// Cancels `stop` with the first Ctrl-C from now on and `end` with the second.
///
/// # Errors
/// None here; elsewhere the process may not be told of signals.
#[cfg(not(unix))]
pub fn on_signals(stop: CancellationToken, end: CancellationToken) -> io::Result<impl Future<Output = ()>> {
    Ok(async move {
        for token in [stop, end] {
            if let Err(error) = tokio::signal::ctrl_c().await {
                tracing::error!(%error, "Ctrl-C cannot be waited for");
                return;
            }
            token.cancel();
        }
    })
}

/// Says goodbye on every connection and waits until each has gone at its time, or until everything is told to
/// end; what is left shortly before `limit` is ended by force.
pub async fn drain(lifecycle: &Lifecycle, limit: Duration) {
    lifecycle.stopping.cancel();
    lifecycle.tasks.close();
    let patience = limit.saturating_sub(LAST_MOMENT);
    let left = async {
        // Whoever tells of the stop says when.
        lifecycle.draining.cancelled().await;
        lifecycle.tasks.wait().await;
    };
    let gone = lifecycle.ending.run_until_cancelled(tokio::time::timeout(patience, left)).await;
    if matches!(gone, Some(Ok(()))) {
        return;
    }
    tracing::warn!(connections = lifecycle.tasks.len(), "still open; ending them");
    lifecycle.draining.cancel();
    lifecycle.ending.cancel();
    if tokio::time::timeout(limit.min(LAST_MOMENT), lifecycle.tasks.wait()).await.is_err() {
        tracing::warn!(connections = lifecycle.tasks.len(), "left behind");
    }
}
