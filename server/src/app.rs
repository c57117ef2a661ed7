//! Everything that lives as long as the process, built once from the settings.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use axum::extract::FromRef;

use crate::auth::Auth;
use crate::backtest::http::Jobs;
use crate::backtest::polls::Polls;
use crate::broker::Broker;
use crate::broker::memory::MemoryBroker;
use crate::config::{Config, Profile};
use crate::confirmation::record::MacKeys;
use crate::copilot::keeper::{Keeper, StoreHealth};
use crate::copilot::stats::CopilotStats;
use crate::copilot::tools::{Parts, Tools};
use crate::directory::{Channels, Owners};
use crate::evidence::http::Evidence;
use crate::evidence::ledger::Ledger;
use crate::evidence::seal::Sealer;
use crate::hub::{Directory, Fanout, Hub};
use crate::market::{self, Feed, Market, RowProblem};
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::publish::Publisher;
use crate::rate::{Rate, Rates};
use crate::signing::SigningKeys;
use crate::status::{Aviary, Status};
use crate::stores::Stores;
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
    /// What can be asked for and done.
    pub tools: Arc<Tools>,
    /// What was asked and done.
    pub evidence: Evidence,
    /// What was started.
    pub jobs: Jobs,
    /// Whether the stores answer.
    pub stores: Arc<StoreHealth>,
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
    /// Loads the source's data, opens the stores, and puts hub, engine and feed together. The feed does not run yet, nor
    /// does what goes on beside the calls of tools.
    ///
    /// # Errors
    /// When the source, a store, or a file of keys or of the state folder, cannot be opened.
    pub async fn build(config: &Config) -> anyhow::Result<(Self, Feed, Keeper)> {
        let dir = config.state_dir.as_deref();
        let auth = Arc::new(Auth::open(&config.auth, dir).context("open keys and state folder")?);
        let (source, problems) = market::open(&config.market)?;
        for problem in &problems {
            tracing::warn!("{problem}");
        }
        let instruments = source.instruments();
        let skipped_rows: u64 = problems.iter().map(RowProblem::rows).sum();
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
        let signing = SigningKeys::open(&config.stores.signing_keys, dir).context("open the signing keys")?;
        let (tools, evidence, jobs, keeper) = copilot(config, &signing, &metrics, &market).await?;
        let state = Self {
            auth,
            tools: Arc::new(tools),
            evidence,
            jobs,
            stores: Arc::clone(&keeper.health),
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
        Ok((state, feed, keeper))
    }
}

/// Opens the stores, and puts the tools and what goes on beside them together.
async fn copilot(
    config: &Config,
    signing: &SigningKeys,
    metrics: &Metrics,
    market: &Arc<Market>,
) -> anyhow::Result<(Tools, Evidence, Jobs, Keeper)> {
    let keys = MacKeys::of(signing);
    let stores = Stores::open(&config.stores, config.state_dir.as_deref(), keys.clone()).await?;
    let Stores { confirmations: store, evidence, queue, readings } = stores;
    let ledger = Arc::new(Ledger::new(Arc::clone(&evidence)));
    let health = Arc::new(StoreHealth::new(store.name()));
    metrics.add(readings).context("name the metrics")?;
    metrics.add(ledger.readings()).context("name the metrics")?;
    metrics.add(vec![health.reading()]).context("name the metrics")?;
    let stats = CopilotStats::new(metrics, store.name()).context("name the metrics")?;
    let polls = Polls::new(metrics).context("name the metrics")?;
    let jobs = Jobs { queue: Arc::clone(&queue), bulletin: Arc::default(), polls };
    let tools = Tools::new(Parts {
        store: Arc::clone(&store),
        queue,
        keys,
        ttl: config.stores.token_ttl,
        market: Arc::clone(market),
        ledger: Arc::clone(&ledger),
        stats: Arc::clone(&stats),
        takes_guests: config.profile == Profile::Demo,
        calls: Rates::new(config.limits.calls_per_second, config.limits.calls_burst),
    });
    let evidence = Evidence { store: evidence, sealer: Arc::new(Sealer::new(signing)?) };
    Ok((tools, evidence, jobs, Keeper { store, ledger, stats, health }))
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

impl FromRef<AppState> for Arc<Tools> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.tools)
    }
}

impl FromRef<AppState> for Evidence {
    fn from_ref(state: &AppState) -> Self {
        state.evidence.clone()
    }
}

impl FromRef<AppState> for Jobs {
    fn from_ref(state: &AppState) -> Self {
        state.jobs.clone()
    }
}

impl FromRef<AppState> for Arc<StoreHealth> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.stores)
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
