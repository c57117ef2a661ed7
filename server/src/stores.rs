//! Where tokens, jobs and evidence are kept, opened as the settings say.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::auth::secret::Secret;
use crate::auth::state_dir;
use crate::backtest::queue::Queue;
use crate::backtest::queue::postgres::PostgresQueue;
use crate::backtest::queue::sqlite::SqliteQueue;
use crate::backtest::results::Results;
use crate::backtest::results::postgres::PostgresResults;
use crate::backtest::results::sqlite::SqliteResults;
use crate::config::{StoresConfig, TokenStore};
use crate::confirmation::clock::{Clock, SystemClock};
use crate::confirmation::jobs::Jobs;
use crate::confirmation::jobs::postgres::PostgresJobs;
use crate::confirmation::jobs::sqlite::SqliteJobs;
use crate::confirmation::postgres::PostgresStore;
use crate::confirmation::record::MacKeys;
use crate::confirmation::redis::RedisStore;
use crate::confirmation::sqlite::SqliteStore;
use crate::confirmation::store::ConfirmationStore;
use crate::database::{postgres, sqlite};
use crate::evidence::store::{EvidenceStore, PostgresEvidence, SqliteEvidence};
use crate::metrics::Reading;

/// What was opened.
pub struct Stores {
    /// Confirmation tokens and the jobs that they pay for.
    pub confirmations: Arc<dyn ConfirmationStore>,
    /// Evidence.
    pub evidence: Arc<dyn EvidenceStore>,
    /// The jobs that wait, run and have ended.
    pub queue: Arc<dyn Queue>,
    /// The rows of their results.
    pub results: Arc<dyn Results>,
    /// What can be measured of them.
    pub readings: Vec<Reading>,
}

/// The database of all that is not kept elsewhere.
enum Database {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

impl Stores {
    /// Opens the databases and brings their tables up to date. A worker has a job for `lease` without saying that it lives.
    ///
    /// # Errors
    /// When one of them does not answer, or is of a newer version of this program.
    pub async fn open(
        config: &StoresConfig,
        state_dir: Option<&Path>,
        keys: MacKeys,
        lease: Duration,
    ) -> anyhow::Result<Self> {
        let database = Database::open(config, state_dir).await?;
        let clock = || Arc::new(SystemClock::default()) as Arc<dyn Clock>;
        let mut readings = Vec::new();
        let confirmations: Arc<dyn ConfirmationStore> = match (config.tokens, &database) {
            (TokenStore::Redis, _) => {
                let jobs: Arc<dyn Jobs> = match &database {
                    Database::Postgres(database) => Arc::new(PostgresJobs::new(database.clone())),
                    Database::Sqlite(database) => Arc::new(SqliteJobs::new(database.clone(), clock())),
                };
                let urls = text(config.redis_url.as_ref())?;
                let store = RedisStore::open(urls, keys, jobs).await.context("open SPARK_REDIS_URL")?;
                let counted = store.clone();
                let help = "Consumptions of tokens that no replica of Redis had in time.";
                let read = move || counted.unreplicated();
                readings.push(Reading::counter("copilot_token_unreplicated_total", help, read));
                Arc::new(store)
            }
            (_, Database::Sqlite(database)) => Arc::new(SqliteStore::new(database.clone(), keys, clock())),
            (_, Database::Postgres(database)) => Arc::new(PostgresStore::new(database.clone(), keys)),
        };
        for advice in confirmations.advice().await.context("ask the store of tokens")? {
            tracing::warn!(store = confirmations.name(), "{advice}");
        }
        Ok(match database {
            Database::Sqlite(database) => Self {
                confirmations,
                evidence: Arc::new(SqliteEvidence::new(database.clone())),
                queue: Arc::new(SqliteQueue::new(database.clone(), clock()).with_lease(lease)),
                results: Arc::new(SqliteResults::new(database, clock())),
                readings,
            },
            Database::Postgres(database) => Self {
                confirmations,
                evidence: Arc::new(PostgresEvidence::new(database.clone())),
                queue: Arc::new(PostgresQueue::new(database.clone()).with_lease(lease)),
                results: Arc::new(PostgresResults::new(database)),
                readings,
            },
        })
    }
}

impl Database {
    async fn open(config: &StoresConfig, state_dir: Option<&Path>) -> anyhow::Result<Self> {
        let is_postgres = match config.tokens {
            TokenStore::Memory | TokenStore::Sqlite => false,
            TokenStore::Postgres => true,
            TokenStore::Redis => config.database_url.is_some(),
        };
        if is_postgres {
            let url = text(config.database_url.as_ref())?;
            let database = postgres::Database::open(url).await.context("open SPARK_DATABASE_URL")?;
            return Ok(Self::Postgres(database));
        }
        match (config.tokens, state_dir) {
            (TokenStore::Memory, _) | (_, None) => Ok(Self::Sqlite(sqlite::Database::in_memory()?)),
            (_, Some(dir)) => {
                state_dir::prepare(dir)?;
                let dir = dir.to_owned();
                let opening = tokio::task::spawn_blocking(move || sqlite::Database::open(&dir));
                Ok(Self::Sqlite(opening.await?.context("open the state folder")?))
            }
        }
    }
}

fn text(secret: Option<&Secret>) -> anyhow::Result<&str> {
    Ok(std::str::from_utf8(secret.context("an address is missing")?.expose())?)
}
