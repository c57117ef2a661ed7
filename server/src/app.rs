//! Everything that lives as long as the process, built once from the settings.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use anyhow::Context;
use axum::extract::FromRef;
use tokio::sync::{Notify, Semaphore};

use crate::auth::Auth;
use crate::backtest::blobs::Blobs;
use crate::backtest::blobs::link::Links;
use crate::backtest::board::Board;
use crate::backtest::http::Jobs;
use crate::backtest::polls::Polls;
use crate::backtest::results::cursor::Cursors;
use crate::backtest::results::http::ResultsState;
use crate::backtest::stats::JobStats;
use crate::backtest::worker::janitor::Janitor;
use crate::backtest::worker::{Desk, Worker};
use crate::broker::Broker;
use crate::broker::memory::MemoryBroker;
use crate::config::{Config, Profile};
use crate::confirmation::record::MacKeys;
use crate::copilot::chat::{self, Chat, Origin};
use crate::copilot::keeper::{Keeper, StoreHealth};
use crate::copilot::provider::Provider;
use crate::copilot::provider::offline::Offline;
use crate::copilot::provider::openai::OpenAi;
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
use crate::random;
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
    /// Conversations.
    pub chat: Arc<Chat>,
    /// What was asked and done.
    pub evidence: Evidence,
    /// What was started.
    pub jobs: Jobs,
    /// What came of it.
    pub results: ResultsState,
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
    pub async fn build(config: &Config) -> anyhow::Result<(Self, Feed, Background)> {
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
        let bulletin = Arc::default();
        let board = Board { bulletin, broker: Arc::clone(&broker), owners: Arc::clone(&owners) };
        let Copilot { tools, evidence, jobs, results, background } =
            copilot(config, &signing, &metrics, &market, board, (&auth, &status)).await?;
        let (tools, lifecycle) = (Arc::new(tools), Lifecycle::default());
        let chat = Chat::new(chat::Parts {
            tools: Arc::clone(&tools),
            provider: provider(config, &market)?,
            broker: Arc::clone(&broker),
            owners: Arc::clone(&owners),
            evidence: Arc::clone(&evidence.store),
            auth: Arc::clone(&auth),
            origin: Origin::open(dir).context("tell this node from others")?,
            patience: config.copilot.answer_timeout,
            lifecycle: lifecycle.clone(),
        });
        let state = Self {
            auth,
            tools,
            chat: Arc::new(chat),
            evidence,
            jobs,
            results,
            stores: Arc::clone(&background.keeper.health),
            publisher: Arc::new(publisher),
            hub: Arc::new(hub),
            broker,
            owners,
            status,
            market,
            metrics: Arc::new(metrics),
            origins: Arc::new(Origins::new(config.allowed_origins.clone())),
            opens: Arc::new(Rate::new(config.limits.opens_per_second, config.limits.opens_per_second)),
            lifecycle,
            started: Started(Instant::now()),
        };
        Ok((state, feed, background))
    }
}

/// What answers in conversations.
fn provider(config: &Config, market: &Arc<Market>) -> anyhow::Result<Arc<dyn Provider>> {
    let provider: Arc<dyn Provider> = match &config.copilot.model {
        Some(model) => Arc::new(OpenAi::new(model.clone()).context("open the language model")?),
        None => Arc::new(Offline::new(Arc::clone(market))),
    };
    tracing::info!(provider = provider.name(), "conversations");
    Ok(provider)
}

/// What goes on beside the requests.
pub struct Background {
    /// Looks after tokens and evidence.
    pub keeper: Keeper,
    /// Looks after jobs and results.
    pub janitor: Janitor,
    /// Runs jobs.
    pub worker: Worker,
}

/// Tools, jobs and results, and what goes on beside them.
struct Copilot {
    tools: Tools,
    evidence: Evidence,
    jobs: Jobs,
    results: ResultsState,
    background: Background,
}

/// Opens the stores, and puts the tools, the jobs and what goes on beside them together.
async fn copilot(
    config: &Config,
    signing: &SigningKeys,
    metrics: &Metrics,
    market: &Arc<Market>,
    board: Board,
    (auth, status): (&Auth, &Arc<Status>),
) -> anyhow::Result<Copilot> {
    let dir = config.state_dir.as_deref();
    let keys = MacKeys::of(signing);
    let stores = Stores::open(&config.stores, dir, keys.clone(), config.results.lease).await?;
    let Stores { confirmations: store, evidence, queue, results, readings } = stores;
    let blobs = Arc::new(Blobs::open(&config.results.place, dir)?);
    let ledger = Arc::new(Ledger::new(Arc::clone(&evidence)));
    let health = Arc::new(StoreHealth::new(store.name()));
    let job_stats = Arc::new(JobStats::new(metrics).context("name the metrics")?);
    for readings in [readings, ledger.readings(), vec![health.reading()], job_stats.readings()] {
        metrics.add(readings).context("name the metrics")?;
    }
    let stats = CopilotStats::new(metrics, store.name()).context("name the metrics")?;
    let polls = Polls::new(metrics).context("name the metrics")?;
    let bell = Arc::<Notify>::default();
    let desk = Arc::new(Desk {
        queue: Arc::clone(&queue),
        results: Arc::clone(&results),
        blobs: Arc::clone(&blobs),
        market: Arc::clone(market),
        board: board.clone(),
        ledger: Arc::clone(&ledger),
        stats: Arc::clone(&job_stats),
        retention: config.results.retention,
        timeout: config.results.timeout,
        lease: config.results.lease,
        cores: Arc::new(Semaphore::new(available_parallelism().map_or(1, NonZero::get))),
        bell: Arc::clone(&bell),
    });
    let tools = Tools::new(Parts {
        store: Arc::clone(&store),
        queue: Arc::clone(&queue),
        results: Arc::clone(&results),
        keys,
        ttl: config.stores.token_ttl,
        market: Arc::clone(market),
        access: Arc::clone(auth.access()),
        status: Arc::clone(status),
        health: Arc::clone(&health),
        ledger: Arc::clone(&ledger),
        stats: Arc::clone(&stats),
        takes_guests: config.profile == Profile::Demo,
        calls: Rates::new(config.limits.calls_per_second, config.limits.calls_burst),
        board: board.clone(),
        bell,
    });
    let worker = Worker { desk: Arc::clone(&desk), places: config.results.workers, name: random::text(12) };
    Ok(Copilot {
        tools,
        evidence: Evidence { store: evidence, sealer: Arc::new(Sealer::new(signing)?) },
        jobs: Jobs { queue: Arc::clone(&queue), board, polls },
        results: ResultsState {
            queue,
            results,
            blobs,
            cursors: Arc::new(Cursors::new(signing)),
            links: Arc::new(Links::new(signing)),
            link_ttl: config.results.link_ttl,
            stats: job_stats,
        },
        background: Background {
            keeper: Keeper { store, ledger, stats, health },
            janitor: Janitor(desk),
            worker,
        },
    })
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

impl FromRef<AppState> for Arc<Chat> {
    fn from_ref(state: &AppState) -> Self {
        Arc::clone(&state.chat)
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

impl FromRef<AppState> for ResultsState {
    fn from_ref(state: &AppState) -> Self {
        state.results.clone()
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
