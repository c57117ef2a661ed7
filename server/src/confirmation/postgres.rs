//! Tokens and jobs in PostgreSQL, for many nodes: consumption and job are one transaction, time is the database's.
//!
//! A consumption is one `UPDATE ... RETURNING` whose conditions are those of the token; only when it has changed nothing a
//! second statement says why. Under `READ COMMITTED` whoever comes second waits for the first and then sees the row as it
//! is after that, so that exactly one of any number changes it.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::jobs::postgres as jobs;
use super::judge::{Judgement, judge};
use super::record::{MARKER_MS, MISMATCHES_MAX, MacKeys, Record};
use super::store::{Attempt, ConfirmationStore, JobRecord, StoreError, StoreFuture, Verdict};
use super::token::TokenHash;
use crate::crash;
use crate::database::postgres::{Database, NAME, failed, limited, moment, ms, told};

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
/// A store in a PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    database: Database,
    keys: MacKeys,
}

impl PostgresStore {
    /// A store in an open database.
    pub fn new(database: Database, keys: MacKeys) -> Self {
        Self { database, keys }
    }

    /// Consumes, or says why not; `None` when the token looked consumable a moment after it was not.
    async fn try_consume(&self, hash: &TokenHash, attempt: &Attempt) -> Result<Option<Verdict>, StoreError> {
        let mut client = self.database.client().await?;
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

    /// Writes the job down, in the transaction that has consumed the token. Dropped without a commit, it has changed
    /// nothing.
    async fn start(
        &self,
        transaction: deadpool_postgres::Transaction<'_>,
        hash: &TokenHash,
        record: Record,
    ) -> Result<Verdict, StoreError> {
        crash::point("consumed");
        let job = JobRecord::queued(*hash, &record);
        if jobs::insert(&transaction, &job).await? {
            crash::point("started");
            transaction.commit().await.map_err(|error| told(&error))?;
            return Ok(Verdict::Consumed(Box::new(record)));
        }
        // The token was forgotten and made anew: what it has paid for is there.
        let started = jobs::of_token(&transaction, hash).await?;
        if let (None, Some(idem_hash)) = (&started, &job.idem_hash)
            && jobs::is_under_another(&transaction, idem_hash, hash).await?
        {
            return Ok(Verdict::KeyTaken);
        }
        started
            .map(|job| Verdict::Used { job_id: job.id })
            .ok_or_else(|| failed("there is a job of that name already"))
    }
}

impl ConfirmationStore for PostgresStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn now(&self) -> StoreFuture<'_, i64> {
        limited(async {
            let client = self.database.client().await?;
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
            let values: [&(dyn ToSql + Sync); 11] = [
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
            Ok(self.database.execute(CREATE, &values).await? == 1)
        })
    }

    fn look<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, Option<Record>> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(LOOK).await.map_err(|error| told(&error))?;
            let found =
                client.query_opt(&statement, &[&hash.to_string()]).await.map_err(|error| told(&error))?;
            Ok(found.as_ref().and_then(record))
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
        limited(async move { Ok(self.database.execute(REVOKE, &[&hash.to_string()]).await? == 1) })
    }

    fn clean_up(&self, limit: u32) -> StoreFuture<'_, u64> {
        limited(async move { self.database.execute(CLEAN_UP, &[&MARKER_MS, &i64::from(limit)]).await })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        limited(async { self.database.execute("SELECT 1", &[]).await.map(|_| ()) })
    }

    fn job<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<JobRecord>> {
        limited(jobs::by_id(&self.database, job_id))
    }

    fn recover(&self) -> StoreFuture<'_, u64> {
        Box::pin(std::future::ready(Ok(0)))
    }
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
