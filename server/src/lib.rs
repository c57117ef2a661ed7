//! The gateway: takes market data in, and delivers it live to browsers over three transports.
//!
//! [`run`] is the whole of it: the caller owns the port and says when it is over. How it is operated stands
//! in `README.md` beside this crate; what travels, in `live-core`.

pub mod app;
pub mod auth;
pub mod backtest;
pub mod broker;
pub mod config;
pub mod confirmation;
pub mod copilot;
pub mod crash;
pub mod database;
pub mod directory;
pub mod doctor;
pub mod error;
pub mod evidence;
pub mod hub;
pub mod import;
pub mod listener;
pub mod market;
pub mod metrics;
pub mod middleware;
pub mod origin;
pub mod page;
pub mod publish;
pub mod random;
pub mod rate;
pub mod ready;
pub mod router;
pub mod schema;
pub mod shutdown;
pub mod signing;
pub mod status;
pub mod stores;
pub mod transport;
pub mod wire;

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{AppState, Background};
use crate::config::Config;
use crate::market::Feed;
use crate::status::{Status, Watch};

/// A gateway that has loaded everything and serves nobody yet.
pub struct Gateway {
    config: Config,
    state: AppState,
    feed: Feed,
    background: Background,
}

impl Gateway {
    /// Loads data and puts the parts together.
    ///
    /// # Errors
    /// When the source or a store cannot be opened.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let (state, feed, background) = AppState::build(&config).await?;
        Ok(Self { config, state, feed, background })
    }

    /// The parts, for whoever looks on from outside.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Serves on `listener` until `shutdown` completes, then says goodbye to everybody, within the time
    /// that the settings give it.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let lifecycle = self.state.lifecycle.clone();
        let AppState { status, broker, market, .. } = &self.state;
        let feed = tokio::spawn(watched(self.feed, lifecycle.ending.clone(), Arc::clone(status)));
        let watch = Watch::new(Arc::clone(status), Arc::clone(broker), market.source());
        let watch = tokio::spawn(watch.run(lifecycle.clone()));
        let Background { keeper, janitor, worker } = self.background;
        let (stopping, ending) = (lifecycle.stopping.clone(), lifecycle.ending.clone());
        let worker = tokio::spawn(worker.run(stopping, ending.clone()));
        let janitor = tokio::spawn(janitor.run(ending.clone()));
        let keeper = tokio::spawn(keeper.run(ending));
        let limit = self.config.shutdown;
        let router = router::router(self.state);
        let accept = tokio::spawn(listener::accept(listener, router, self.config, lifecycle.clone()));
        shutdown.await;
        shutdown::drain(&lifecycle, limit).await;
        lifecycle.ending.cancel();
        for (name, task) in [
            ("accept", accept),
            ("feed", feed),
            ("watch", watch),
            ("worker", worker),
            ("janitor", janitor),
            ("keeper", keeper),
        ] {
            if let Err(error) = task.await {
                tracing::error!(name, %error, "task failed");
            }
        }
        tracing::info!("stopped");
    }
}

/// Runs the feed and says so at once when it fails. The gateway goes on: its channels become stale, and what
/// it has is still served.
async fn watched(feed: Feed, stop: CancellationToken, status: Arc<Status>) {
    if let Err(error) = tokio::spawn(feed.run(stop)).await {
        status.source_failed();
        tracing::error!(%error, "the feed has failed; no new prices come");
    }
}

/// Runs a gateway from its settings to its end.
///
/// # Errors
/// When the source or a store cannot be opened.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    Gateway::build(config).await?.serve(listener, shutdown).await;
    Ok(())
}
