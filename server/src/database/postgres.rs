//! PostgreSQL, for many nodes: a pool of connections, and the tables brought up to date.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::time::timeout;
use tokio_postgres::NoTls;
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::types::ToSql;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{StoreError, StoreFuture};

/// Its name in errors and metrics.
pub const NAME: &str = "postgres";
/// How long a call may take: less than whoever calls has, so that it is told which store it was.
const CALL_TIME: Duration = Duration::from_millis(1_500);
/// How long what was sent may stay unacknowledged, and how long nothing may be heard, before a line is given up.
const LINE_TIME: Duration = Duration::from_secs(3);
/// How long the server may take for one statement, in milliseconds: less, so that its own word comes first.
const STATEMENT_MS: u64 = 1_200;
/// Connections of one node.
const CONNECTIONS: usize = 16;
/// The lock under which the tables are brought up to date; any number that nobody else takes.
const MIGRATION_LOCK: i64 = 0x7370_6172_6b5f_6d69;

/// What brings the tables from one version to the next; the first makes version 1. They are never changed, only added to.
const MIGRATIONS: [&str; 3] = [
    include_str!("../../migrations/postgres/0001_tokens_jobs_evidence.sql"),
    include_str!("../../migrations/postgres/0002_queue_results.sql"),
    include_str!("../../migrations/postgres/0003_ends_crashes.sql"),
];

/// A moment as milliseconds since the Unix epoch.
macro_rules! ms {
    ($column:literal) => {
        concat!("floor(extract(epoch FROM ", $column, ") * 1000)::bigint")
    };
}
pub(crate) use ms;

/// Milliseconds since the Unix epoch as a moment, exactly.
macro_rules! moment {
    ($parameter:literal) => {
        concat!("(timestamptz 'epoch' + ", $parameter, "::bigint * interval '1 millisecond')")
    };
}
pub(crate) use moment;

/// A database; clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool,
}

impl Database {
    /// Opens a database by its address, `postgres://user:password@host/database` (`sslmode=require` for TLS, judged by the
    /// system's certificates), and brings its tables up to date; however many nodes begin at once, one does it.
    ///
    /// # Errors
    /// When the address is none, the database does not answer, or its tables are of a newer version of this program.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(|_| failed("its address cannot be read"))?;
        config.connect_timeout(CALL_TIME);
        // A line whose other end has gone without a word is given up.
        config.tcp_user_timeout(LINE_TIME);
        config.keepalives_idle(LINE_TIME).keepalives_interval(LINE_TIME / 3).keepalives_retries(3);
        config.application_name("spark-live");
        config.options(format!("-c statement_timeout={STATEMENT_MS} -c lock_timeout={STATEMENT_MS}"));
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match config.get_ssl_mode() {
            SslMode::Require => Manager::from_config(config, tls()?, recycling),
            _ => Manager::from_config(config, NoTls, recycling),
        };
        let limit = Some(CALL_TIME);
        let pool = Pool::builder(manager).max_size(CONNECTIONS).runtime(Runtime::Tokio1);
        let pool = pool.timeouts(Timeouts { wait: limit, create: limit, recycle: limit }).build();
        let database = Self { pool: pool.map_err(|error| failed(&error))? };
        database.migrate().await?;
        Ok(database)
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(|error| told(&error))?;
        let steps = async {
            transaction.execute("SET LOCAL statement_timeout = 60000; ", &[]).await?;
            transaction.execute("SET LOCAL lock_timeout = 60000", &[]).await?;
            transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
            transaction
                .batch_execute("CREATE TABLE IF NOT EXISTS spark_schema (version integer NOT NULL)")
                .await?;
            let row =
                transaction.query_one("SELECT coalesce(max(version), 0) FROM spark_schema", &[]).await?;
            let version: i32 = row.get(0);
            for (nth, migration) in MIGRATIONS.iter().enumerate().skip(usize::try_from(version).unwrap_or(0))
            {
                transaction.batch_execute(migration).await?;
                let reached = nth as i32 + 1;
                transaction.execute("INSERT INTO spark_schema (version) VALUES ($1)", &[&reached]).await?;
            }
            Ok::<_, tokio_postgres::Error>(version)
        };
        let version = steps.await.map_err(|error| told(&error))?;
        if version as usize > MIGRATIONS.len() {
            return Err(failed(&format!(
                "its tables are of version {version}, newer than this program's {}",
                MIGRATIONS.len()
            )));
        }
        transaction.commit().await.map_err(|error| told(&error))
    }

    /// A connection of the pool.
    ///
    /// # Errors
    /// When there is none to be had in time.
    pub async fn client(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => told(&error),
            PoolError::Timeout(_) => failed("it does not answer in time"),
            other => failed(&other),
        })
    }

    /// Runs one statement; how many rows it has changed.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(statement).await.map_err(|error| told(&error))?;
        client.execute(&statement, parameters).await.map_err(|error| told(&error))
    }
}

/// A call with its limit of time. The server gives up its statement by itself.
pub fn limited<'a, T>(call: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> StoreFuture<'a, T> {
    Box::pin(async move {
        timeout(CALL_TIME, call).await.unwrap_or_else(|_| Err(failed("it does not answer in time")))
    })
}

/// What has failed here, in the words of the cause.
pub fn failed(reason: &(impl std::fmt::Display + ?Sized)) -> StoreError {
    StoreError { store: NAME, reason: reason.to_string() }
}

/// What the database says, without values: its details may repeat a row.
pub fn told(error: &tokio_postgres::Error) -> StoreError {
    match error.as_db_error() {
        Some(error) => failed(&format!("{} ({})", error.message(), error.code().code())),
        None => failed(error),
    }
}

/// TLS, judged by the system's own store of certificates.
fn tls() -> Result<MakeRustlsConnect, StoreError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config =
        config.and_then(BuilderVerifierExt::with_platform_verifier).map_err(|error| failed(&error))?;
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}
