//! Tokens and jobs in PostgreSQL, for many nodes: consumption and job are one transaction, time is the database's.
//!
//! A consumption is one `UPDATE ... RETURNING` whose conditions are those of the token; only when it has changed nothing a
//! second statement says why. Under `READ COMMITTED` whoever comes second waits for the first and then sees the row as it
//! is after that, so that exactly one of any number changes it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::time::timeout;
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::{NoTls, Row, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::judge::{Judgement, judge};
use super::record::{MARKER_MS, MISMATCHES_MAX, MacKeys, Record};
use super::store::{Attempt, ConfirmationStore, JobRecord, StoreError, StoreFuture, Verdict};
use super::token::TokenHash;

const NAME: &str = "postgres";
/// How long a call may take.
const CALL_TIME: Duration = Duration::from_secs(2);
/// How long the server may take for one statement, in milliseconds: less, so that its own word comes first.
const STATEMENT_MS: u64 = 1_500;
/// Connections of one node.
const CONNECTIONS: usize = 16;
/// The lock under which the tables are brought up to date; any number that nobody else takes.
const MIGRATION_LOCK: i64 = 0x7370_6172_6b5f_6d69;

/// What brings the tables from one version to the next; the first makes version 1. They are never changed, only added to.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE copilot_confirmation_tokens (
        token_hash varchar(64) PRIMARY KEY,
        params_hash varchar(64) NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        created_at timestamptz NOT NULL,
        v smallint, subject text, tool text, params text, session_id text, proposal_id text,
        mismatches integer NOT NULL DEFAULT 0,
        job_id text, idem_hash varchar(64), revoked_at timestamptz, mac text
    );
    CREATE INDEX copilot_confirmation_tokens_expires_at ON copilot_confirmation_tokens (expires_at);
    CREATE TABLE jobs (
        id text PRIMARY KEY,
        token_hash varchar(64) NOT NULL UNIQUE,
        subject text NOT NULL, tool text NOT NULL, params text NOT NULL, params_hash varchar(64) NOT NULL,
        state text NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version bigint NOT NULL DEFAULT 1
    );
"];

/// A moment as milliseconds since the Unix epoch.
macro_rules! ms {
    ($column:literal) => {
        concat!("floor(extract(epoch FROM ", $column, ") * 1000)::bigint")
    };
}

/// Milliseconds since the Unix epoch as a moment, exactly.
macro_rules! moment {
    ($parameter:literal) => {
        concat!("(timestamptz 'epoch' + ", $parameter, "::bigint * interval '1 millisecond')")
    };
}

/// A record's columns, in the order in which [`record`] reads them.
macro_rules! columns {
    () => {
        concat!(
            "v, subject, tool, params, params_hash, session_id, proposal_id, ",
            ms!("created_at"),
            ", ",
            ms!("expires_at"),
            ", mismatches, ",
            ms!("used_at"),
            ", job_id, idem_hash, ",
            ms!("revoked_at"),
            ", mac"
        )
    };
}

const NOW: &str = concat!("SELECT ", ms!("clock_timestamp()"));
const CREATE: &str = concat!(
    "INSERT INTO copilot_confirmation_tokens (token_hash, params_hash, expires_at, created_at, v, subject, tool, params, \
     session_id, proposal_id, mac) VALUES ($1, $2, ",
    moment!("$3"),
    ", ",
    moment!("$4"),
    ", $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (token_hash) DO NOTHING"
);
const CONSUME: &str = concat!(
    "UPDATE copilot_confirmation_tokens SET used_at = date_trunc('milliseconds', clock_timestamp()), job_id = $5, \
     idem_hash = $6 WHERE token_hash = $1 AND subject = $2 AND tool = $3 AND params_hash = coalesce($4, params_hash) \
     AND used_at IS NULL AND revoked_at IS NULL AND expires_at > clock_timestamp() RETURNING ",
    columns!()
);
const LOOK: &str = concat!(
    "SELECT ",
    columns!(),
    ", ",
    ms!("clock_timestamp()"),
    " FROM copilot_confirmation_tokens WHERE token_hash = $1"
);
const COUNT: &str = "UPDATE copilot_confirmation_tokens SET mismatches = mismatches + 1, revoked_at = CASE WHEN \
    mismatches + 1 >= $2 THEN clock_timestamp() END WHERE token_hash = $1 AND used_at IS NULL AND revoked_at IS NULL";
const REVOKE: &str = "UPDATE copilot_confirmation_tokens SET revoked_at = clock_timestamp() WHERE token_hash = $1 AND \
    used_at IS NULL AND revoked_at IS NULL";
const CLEAN_UP: &str = "DELETE FROM copilot_confirmation_tokens WHERE token_hash IN (SELECT token_hash FROM \
    copilot_confirmation_tokens WHERE expires_at < clock_timestamp() - $1::bigint * interval '1 millisecond' ORDER BY \
    expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
const START: &str = concat!(
    "INSERT INTO jobs (id, token_hash, subject, tool, params, params_hash, state, created_at, updated_at) VALUES \
     ($1, $2, $3, $4, $5, $6, $7, ",
    moment!("$8"),
    ", ",
    moment!("$8"),
    ") ON CONFLICT (token_hash) DO NOTHING"
);
const JOB: &str = concat!(
    "SELECT id, token_hash, subject, tool, params, params_hash, state, ",
    ms!("created_at"),
    " FROM jobs WHERE "
);

/// A store in a PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: Pool,
    keys: MacKeys,
}

impl PostgresStore {
    /// Opens a database by its address, `postgres://user:password@host/database` (`sslmode=require` for TLS, judged by the
    /// system's certificates), and brings its tables up to date; however many nodes begin at once, one does it.
    ///
    /// # Errors
    /// When the address is none, the database does not answer, or its tables are of a newer version of this program.
    pub async fn open(url: &str, keys: MacKeys) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(|_| failed("its address cannot be read"))?;
        config.connect_timeout(CALL_TIME);
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
        let store = Self { pool: pool.map_err(|error| failed(&error))?, keys };
        store.migrate().await?;
        Ok(store)
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

    async fn client(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => told(&error),
            PoolError::Timeout(_) => failed("it does not answer in time"),
            other => failed(&other),
        })
    }

    async fn execute(
        &self,
        statement: &str,
        parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(statement).await.map_err(|error| told(&error))?;
        client.execute(&statement, parameters).await.map_err(|error| told(&error))
    }

    /// Consumes, or says why not; `None` when the token looked consumable a moment after it was not.
    async fn try_consume(&self, hash: &TokenHash, attempt: &Attempt) -> Result<Option<Verdict>, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(|error| told(&error))?;
        let text = hash.to_string();
        let Attempt { subject, tool, params_hash, job_id, idem_hash } = attempt;
        let statement = transaction.prepare_cached(CONSUME).await.map_err(|error| told(&error))?;
        let consumed = transaction
            .query_opt(&statement, &[&text, subject, tool, params_hash, job_id, idem_hash])
            .await
            .map_err(|error| told(&error))?;
        if let Some(row) = consumed {
            let record = record(&row).ok_or_else(|| failed("a record has no signature"));
            // Dropped without a commit, the transaction has changed nothing.
            return match record {
                Ok(record) if self.keys.is_genuine(hash, &record) => {
                    self.start(transaction, hash, record).await.map(Some)
                }
                _ => Ok(Some(Verdict::Tampered)),
            };
        }
        let statement = transaction.prepare_cached(LOOK).await.map_err(|error| told(&error))?;
        let found = transaction.query_opt(&statement, &[&text]).await.map_err(|error| told(&error))?;
        let Some(row) = found else { return Ok(Some(Verdict::Unknown)) };
        let Some(record) = record(&row) else { return Ok(Some(Verdict::Tampered)) };
        let now: i64 = row.get(15);
        match judge(Some(&record), &self.keys, hash, attempt, now) {
            Judgement::Tell(verdict) => Ok(Some(verdict)),
            Judgement::Consume => Ok(None),
            Judgement::Count(of) => {
                let limit = MISMATCHES_MAX as i32;
                transaction.execute(COUNT, &[&text, &limit]).await.map_err(|error| told(&error))?;
                transaction.commit().await.map_err(|error| told(&error))?;
                Ok(Some(Verdict::Mismatch { of }))
            }
        }
    }

    /// Writes the job down, in the transaction that has consumed the token.
    async fn start(
        &self,
        transaction: deadpool_postgres::Transaction<'_>,
        hash: &TokenHash,
        record: Record,
    ) -> Result<Verdict, StoreError> {
        let job = JobRecord::queued(*hash, &record);
        let JobRecord { id, subject, tool, params, params_hash, state, created_at, .. } = &job;
        let text = hash.to_string();
        let started = transaction
            .execute(START, &[id, &text, subject, tool, params, params_hash, state, created_at])
            .await
            .map_err(|error| told(&error))?;
        if started == 0 {
            // The token was forgotten and made anew: what it has paid for is there.
            let job = job_by(&transaction, "token_hash = $1", &text).await?;
            return job.map(|job| Verdict::Used { job_id: job.id }).ok_or_else(|| failed("a job has gone"));
        }
        transaction.commit().await.map_err(|error| told(&error))?;
        Ok(Verdict::Consumed(Box::new(record)))
    }
}

impl ConfirmationStore for PostgresStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn now(&self) -> StoreFuture<'_, i64> {
        limited(async {
            let client = self.client().await?;
            let statement = client.prepare_cached(NOW).await.map_err(|error| told(&error))?;
            let row = client.query_one(&statement, &[]).await.map_err(|error| told(&error))?;
            Ok(row.get(0))
        })
    }

    fn create<'a>(&'a self, hash: &'a TokenHash, record: &'a Record) -> StoreFuture<'a, bool> {
        limited(async move {
            let Record { params_hash, expires_at, created_at, subject, tool, params, .. } = record;
            let (text, v) = (hash.to_string(), i16::from(record.v));
            let (session, proposal, mac) = (&record.session_id, &record.proposal_id, &record.mac);
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 11] = [
                &text,
                params_hash,
                expires_at,
                created_at,
                &v,
                subject,
                tool,
                params,
                session,
                proposal,
                mac,
            ];
            Ok(self.execute(CREATE, &values).await? == 1)
        })
    }

    fn consume<'a>(&'a self, hash: &'a TokenHash, attempt: &'a Attempt) -> StoreFuture<'a, Verdict> {
        limited(async move {
            // Twice: the database's clock may have been set back between the two statements.
            for _ in 0..2 {
                if let Some(verdict) = self.try_consume(hash, attempt).await? {
                    return Ok(verdict);
                }
            }
            Err(failed("its clock does not stand still"))
        })
    }

    fn revoke<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, bool> {
        limited(async move { Ok(self.execute(REVOKE, &[&hash.to_string()]).await? == 1) })
    }

    fn clean_up(&self, limit: u32) -> StoreFuture<'_, u64> {
        limited(async move { self.execute(CLEAN_UP, &[&MARKER_MS, &i64::from(limit)]).await })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        limited(async { self.execute("SELECT 1", &[]).await.map(|_| ()) })
    }

    fn job<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<JobRecord>> {
        limited(async move {
            let mut client = self.client().await?;
            let transaction = client.transaction().await.map_err(|error| told(&error))?;
            job_by(&transaction, "id = $1", job_id).await
        })
    }

    fn recover(&self) -> StoreFuture<'_, u64> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

async fn job_by(
    transaction: &Transaction<'_>,
    which: &str,
    value: &str,
) -> Result<Option<JobRecord>, StoreError> {
    let found = transaction.query_opt(&format!("{JOB}{which}"), &[&value]).await;
    let job = |row: Row| {
        Some(JobRecord {
            id: row.get(0),
            token_hash: TokenHash::parse(row.get(1))?,
            subject: row.get(2),
            tool: row.get(3),
            params: row.get(4),
            params_hash: row.get(5),
            state: row.get(6),
            created_at: row.get(7),
        })
    };
    Ok(found.map_err(|error| told(&error))?.and_then(job))
}

/// Reads [`columns`]; `None` of a row that has not all that this program writes.
fn record(row: &Row) -> Option<Record> {
    Some(Record {
        v: row.get::<_, Option<i16>>(0)?.try_into().ok()?,
        subject: row.get::<_, Option<String>>(1)?,
        tool: row.get::<_, Option<String>>(2)?,
        params: row.get::<_, Option<String>>(3)?,
        params_hash: row.get(4),
        session_id: row.get::<_, Option<String>>(5)?,
        proposal_id: row.get::<_, Option<String>>(6)?,
        created_at: row.get(7),
        expires_at: row.get(8),
        mismatches: row.get::<_, i32>(9).try_into().ok()?,
        used_at: row.get(10),
        job_id: row.get(11),
        idem_hash: row.get(12),
        revoked_at: row.get(13),
        mac: row.get::<_, Option<String>>(14)?,
    })
}

/// A call with its limit of time. One that is given up closes its transaction with its connection.
fn limited<'a, T>(call: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> StoreFuture<'a, T> {
    Box::pin(async move {
        timeout(CALL_TIME, call).await.unwrap_or_else(|_| Err(failed("it does not answer in time")))
    })
}

fn failed(reason: &(impl std::fmt::Display + ?Sized)) -> StoreError {
    StoreError { store: NAME, reason: reason.to_string() }
}

/// What the database says, without values: its details may repeat a row.
fn told(error: &tokio_postgres::Error) -> StoreError {
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
