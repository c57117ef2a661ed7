//! Everything that lives as long as the process, built once from the settings.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use axum::extract::FromRef;

use crate::auth::Auth;
use crate::broker::Broker;
use crate::broker::memory::MemoryBroker;
use crate::config::Config;
use crate::directory::{Channels, Owners};
use crate::hub::{Directory, Fanout, Hub};
use crate::market::{self, Feed, Market};
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::publish::Publisher;
use crate::rate::Rate;
use crate::status::{Aviary, Status};
use crate::transport::Lifecycle;

/// What handlers may ask for, each the part that it needs.
#[derive(Clone)]
pub struct AppState {
    /// Who is let in.
    pub auth: Arc<Auth>,
    /// Connections and subscriptions.
    pub hub: Arc<Hub>,
    /// Numbers, keeps and hands on.
    pub broker: Arc<dyn Broker>,
    /// Takes publications from outside.
    pub publisher: Arc<Publisher>,
    /// Whose the channels of persons are.
    pub owners: Arc<Owners>,
    /// How the gateway itself is.
    pub status: Arc<Status>,
    /// History.
    pub market: Arc<Market>,
    /// What is measured.
    pub metrics: Arc<Metrics>,
    /// Whose pages may connect.
    pub origins: Arc<Origins>,
    /// New live connections.
    pub opens: Arc<Rate>,
    /// How the process ends.
    pub lifecycle: Lifecycle,
    /// When it began.
    pub started: Started,
}

/// When the process began to serve.
#[derive(Clone, Copy, Debug)]
pub struct Started(pub Instant);

impl AppState {
    /// Loads the source's data and puts hub, engine and feed together. The feed does not run yet.
    ///
    /// # Errors
    /// When the source, or a file of keys or of the state folder, cannot be opened.
    pub fn build(config: &Config) -> anyhow::Result<(Self, Feed)> {
        let auth =
            Auth::open(&config.auth, config.state_dir.as_deref()).context("open keys and state folder")?;
        let auth = Arc::new(auth);
        let (source, problems) = market::open(&config.market)?;
        for problem in &problems {
            tracing::warn!("{problem}");
        }
        let instruments = source.instruments();
        let skipped_rows: u64 = instruments.iter().map(|instrument| instrument.skipped_rows).sum();
        tracing::info!(source = source.name(), symbols = instruments.len(), skipped_rows, "source opened");
        let market = Arc::new(Market::new(source.name()));
        let fanout = Arc::new(Fanout::new(&config.live));
        let namespaces = config.live.namespaces.clone();
        let status = Arc::<Status>::default();
        let owners = Arc::<Owners>::default();
        let channels: Arc<dyn Directory> = Arc::new(Channels::new(
            Arc::clone(&market),
            Arc::clone(&owners),
            &config.live.own_namespaces,
            Arc::clone(auth.access()),
        ));
        let engine = MemoryBroker::new(
            namespaces.clone(),
            config.live.snapshot_keys,
            Arc::new(Aviary::new(Arc::clone(&status), Arc::clone(&fanout) as _)),
        );
        let broker: Arc<dyn Broker> = Arc::new(engine.with_idempotency_keys(config.limits.idempotency_keys));
        let hub = Hub::new(
            fanout,
            Arc::clone(&broker),
            Arc::clone(&channels),
            namespaces.clone(),
            config.live.clone(),
            &config.limits,
        )
        .watched_by(Arc::clone(&status));
        let metrics = Metrics::default();
        let mut readings = source.readings();
        readings.extend(market.readings());
        metrics.add(readings).context("name the metrics")?;
        let feed = Feed::new(source, Arc::clone(&market), Arc::clone(&broker))
            .context("name the source's channels")?
            .watched_by(Arc::clone(&status));
        let publisher = Publisher::new(
            Arc::clone(&broker),
            channels,
            Arc::clone(&owners),
            namespaces,
            config.limits.publish_per_second,
        );
        let state = Self {
            auth,
            publisher: Arc::new(publisher),
            hub: Arc::new(hub),
            broker,
            owners,
            status,
            market,
            metrics: Arc::new(metrics),
            origins: Arc::new(Origins::new(config.allowed_origins.clone())),
            opens: Arc::new(Rate::new(config.limits.opens_per_second, config.limits.opens_per_second)),
            lifecycle: Lifecycle::default(),
            started: Started(Instant::now()),
        };
        Ok((state, feed))
    }
}

impl FromRef<AppState> for Arc<Auth> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.auth)
    }
}

impl FromRef<AppState> for Arc<Hub> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.hub)
    }
}

impl FromRef<AppState> for Arc<Market> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.market)
    }
}

impl FromRef<AppState> for Arc<Metrics> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.metrics)
    }
}

impl FromRef<AppState> for Arc<Origins> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.origins)
    }
}

impl FromRef<AppState> for Arc<Publisher> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.publisher)
    }
}

impl FromRef<AppState> for Arc<Status> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.status)
    }
}

impl FromRef<AppState> for Arc<Rate> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.opens)
    }
}

impl FromRef<AppState> for Lifecycle {
    fn from_ref(state: &AppState) -> Self {
        state.lifecycle.clone()
    }
}

impl FromRef<AppState> for Started {
    fn from_ref(state: &AppState) -> Self {
        state.started
    }
}
