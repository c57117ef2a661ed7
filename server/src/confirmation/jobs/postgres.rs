//! Jobs in PostgreSQL.

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::super::store::{JobRecord, StoreError};
use super::super::token::TokenHash;
use super::{Intended, Jobs};
use crate::database::StoreFuture;
use crate::database::postgres::{Database, failed, limited, moment, ms, told};

const INSERT: &str = concat!(
    "INSERT INTO jobs (id, token_hash, subject, session_id, tool, params, params_hash, idem_hash, state, created_at, \
     updated_at, run_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, ",
    moment!("$10"),
    ", ",
    moment!("$10"),
    ", ",
    moment!("$10"),
    ") ON CONFLICT DO NOTHING"
);
/// A job's columns, in the order in which [`read`] takes them.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT id, token_hash, subject, session_id, tool, params, params_hash, idem_hash, state, ",
            ms!("created_at"),
            " FROM jobs WHERE ",
            $which
        )
    };
}
const IS_UNDER: &str = "SELECT 1 FROM jobs WHERE idem_hash = $1 AND token_hash <> $2";
const INTEND: &str = "INSERT INTO confirm_intents (token_hash, job_id, created_at) VALUES ($1, $2, clock_timestamp()) \
    ON CONFLICT (token_hash) DO UPDATE SET created_at = excluded.created_at RETURNING job_id";
const FORGET: &str = "DELETE FROM confirm_intents WHERE token_hash = $1";
const INTENDED: &str = "SELECT token_hash FROM confirm_intents WHERE created_at < clock_timestamp() - $1::bigint * \
    interval '1 millisecond' ORDER BY created_at LIMIT $2";

/// Writes a job down; false when its token has one, or there is one of that id.
pub(in super::super) async fn insert(
    client: &impl GenericClient,
    job: &JobRecord,
) -> Result<bool, StoreError> {
    let JobRecord {
        id, subject, session_id, tool, params, params_hash, idem_hash, state, created_at, ..
    } = job;
    let hash = job.token_hash.to_string();
    let statement = client.prepare_cached(INSERT).await.map_err(|error| told(&error))?;
    let inserted = client
        .execute(
            &statement,
            &[id, &hash, subject, session_id, tool, params, params_hash, idem_hash, state, created_at],
        )
        .await;
    inserted.map(|rows| rows == 1).map_err(|error| told(&error))
}

/// The job that a token has paid for.
pub(in super::super) async fn of_token(
    client: &impl GenericClient,
    hash: &TokenHash,
) -> Result<Option<JobRecord>, StoreError> {
    one(client, select!("token_hash = $1"), &hash.to_string()).await
}

/// A job by its id.
pub(in super::super) async fn by_id(
    database: &Database,
    job_id: &str,
) -> Result<Option<JobRecord>, StoreError> {
    one(&database.client().await?, select!("id = $1"), job_id).await
}

/// Whether there is a job of another token under an idempotency key.
pub(in super::super) async fn is_under_another(
    client: &impl GenericClient,
    idem_hash: &str,
    hash: &TokenHash,
) -> Result<bool, StoreError> {
    let statement = client.prepare_cached(IS_UNDER).await.map_err(|error| told(&error))?;
    let found = client.query_opt(&statement, &[&idem_hash, &hash.to_string()]).await;
    found.map(|row| row.is_some()).map_err(|error| told(&error))
}

async fn one(
    client: &impl GenericClient,
    sql: &'static str,
    value: &str,
) -> Result<Option<JobRecord>, StoreError> {
    let statement = client.prepare_cached(sql).await.map_err(|error| told(&error))?;
    let found = client.query_opt(&statement, &[&value]).await.map_err(|error| told(&error))?;
    found.map(|row| read(&row).ok_or_else(|| failed("a job cannot be read"))).transpose()
}

fn read(row: &Row) -> Option<JobRecord> {
    Some(JobRecord {
        id: row.get(0),
        token_hash: TokenHash::parse(row.get(1))?,
        subject: row.get(2),
        session_id: row.get(3),
        tool: row.get(4),
        params: row.get(5),
        params_hash: row.get(6),
        idem_hash: row.get(7),
        state: row.get(8),
        created_at: row.get(9),
    })
}

/// Jobs of tokens that are kept elsewhere.
#[derive(Clone, Debug)]
pub struct PostgresJobs {
    database: Database,
}

impl PostgresJobs {
    /// Jobs in an open database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

impl Jobs for PostgresJobs {
    fn intend<'a>(
        &'a self,
        hash: &'a TokenHash,
        job_id: &'a str,
        idem_hash: Option<&'a str>,
    ) -> StoreFuture<'a, Intended> {
        limited(async move {
            let client = self.database.client().await?;
            if let Some(job) = of_token(&client, hash).await? {
                return Ok(Intended::Started(Box::new(job)));
            }
            if let Some(idem_hash) = idem_hash
                && is_under_another(&client, idem_hash, hash).await?
            {
                return Ok(Intended::KeyTaken);
            }
            let statement = client.prepare_cached(INTEND).await.map_err(|error| told(&error))?;
            let row = client.query_one(&statement, &[&hash.to_string(), &job_id]).await;
            row.map(|row| Intended::As { job_id: row.get(0) }).map_err(|error| told(&error))
        })
    }

    fn start<'a>(&'a self, job: &'a JobRecord) -> StoreFuture<'a, (String, bool)> {
        limited(async move {
            let mut client = self.database.client().await?;
            let transaction = client.transaction().await.map_err(|error| told(&error))?;
            let mut is_new = insert(&transaction, job).await?;
            let mut started = of_token(&transaction, &job.token_hash).await?;
            if started.is_none() && job.idem_hash.is_some() {
                // Its key came to stand for another token's job while this one was consumed: it was paid for all the same.
                is_new = insert(&transaction, &JobRecord { idem_hash: None, ..job.clone() }).await?;
                started = of_token(&transaction, &job.token_hash).await?;
            }
            let text = job.token_hash.to_string();
            transaction.execute(FORGET, &[&text]).await.map_err(|error| told(&error))?;
            transaction.commit().await.map_err(|error| told(&error))?;
            started
                .map(|started| (started.id, is_new))
                .ok_or_else(|| failed("there is a job of that name already"))
        })
    }

    fn forget<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, ()> {
        limited(async move { self.database.execute(FORGET, &[&hash.to_string()]).await.map(drop) })
    }

    fn intended(&self, older_than_ms: i64, limit: u32) -> StoreFuture<'_, Vec<TokenHash>> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(INTENDED).await.map_err(|error| told(&error))?;
            let rows = client.query(&statement, &[&older_than_ms, &i64::from(limit)]).await;
            let rows = rows.map_err(|error| told(&error))?;
            Ok(rows.iter().filter_map(|row| TokenHash::parse(row.get(0))).collect())
        })
    }

    fn job<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<JobRecord>> {
        limited(by_id(&self.database, job_id))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        limited(async { self.database.execute("SELECT 1", &[]).await.map(drop) })
    }
}
