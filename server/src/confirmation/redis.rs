//! Tokens in Redis, with the jobs that they pay for in a database of SQL.
//!
//! ```text
//! GET, MAC ─▶ SQL: intent ─▶ Redis: one script, one key (judge, consume) ─▶ SQL: job, intent removed ─▶ answer
//!                 │                                                            ▲
//!                 `── ten seconds later, if it is still there: was it used? ───'  (recover)
//! ```
//! A token is the key `copilot:ctok:<tokenHash>`, its value the [`Record`] as JSON. The key's own time to live is only
//! what clears it away; what is expired is judged by `expiresAt` and the server's `TIME`. One key a script makes it fit
//! for a cluster.
//!
//! Redis may lose what it has acknowledged (a failover, a power cut, an eviction). A token that is lost is
//! [`Verdict::Unknown`]; one whose use was lost meets its job, which is written down once a token, and is
//! [`Verdict::Used`]. So nothing that Redis forgets starts a second job.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, ServerErrorKind};
use tokio::time::timeout;

use super::jobs::{Intended, Jobs};
use super::judge::{Judgement, judge};
use super::record::{MARKER_MS, MISMATCHES_MAX, MacKeys, Record};
use super::store::{Attempt, ConfirmationStore, JobRecord, Mismatch, StoreError, StoreFuture, Verdict};
use super::token::TokenHash;

/// Its name in errors and metrics.
pub const NAME: &str = "redis";
/// What the keys of tokens begin with.
const PREFIX: &str = "copilot:ctok:";
/// How long a call may take, the database of the jobs included.
const CALL_TIME: Duration = Duration::from_secs(2);
/// How long Redis may take for one answer.
const ANSWER_TIME: Duration = Duration::from_millis(500);
/// How long what was sent may stay unacknowledged, and how long nothing may be heard, before the line is given up.
const LINE_TIME: Duration = Duration::from_secs(3);
/// How long a replica is waited for after a consumption, in milliseconds.
const REPLICA_MS: u64 = 100;
/// Age from which an intent is nobody's who is still at it, in milliseconds.
const INTENT_MS: i64 = 10_000;
/// Intents that are looked at in one go.
const INTENTS_MAX: u32 = 1_000;

/// A store in Redis. Clones share its connection.
#[derive(Clone)]
pub struct RedisStore {
    link: Link,
    keys: MacKeys,
    jobs: Arc<dyn Jobs>,
    consume: Arc<Script>,
    revoke: Arc<Script>,
    around: Arc<Around>,
}

/// One server, or several that share the keys.
#[derive(Clone)]
enum Link {
    One(ConnectionManager),
    Cluster(ClusterConnection),
}

#[derive(Default)]
struct Around {
    has_replica: AtomicBool,
    /// Held by whoever waits for a replica.
    waiting: tokio::sync::Mutex<()>,
    /// Consumptions that no replica had in time.
    unreplicated: AtomicU64,
}

struct Script {
    text: &'static str,
    sha: String,
}

impl Script {
    fn new(text: &'static str) -> Arc<Self> {
        Arc::new(Self { text, sha: redis::Script::new(text).get_hash().to_owned() })
    }
}

impl RedisStore {
    /// Connects to a server by its address, `redis://user:password@host:port/database` (`rediss://` for TLS, judged by
    /// the system's certificates), or to a cluster by the addresses of some of its nodes, separated by commas.
    ///
    /// # Errors
    /// When an address is none, or Redis does not answer.
    pub async fn open(urls: &str, keys: MacKeys, jobs: Arc<dyn Jobs>) -> Result<Self, StoreError> {
        // Fails when somebody was faster, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let link = match urls.contains(',') {
            false => {
                let info = urls.into_connection_info().map_err(|_| failed("its address cannot be read"))?;
                let client = Client::open(info.set_tcp_settings(tcp()));
                let client = client.map_err(|_| failed("its address cannot be read"))?;
                let config = ConnectionManagerConfig::new()
                    .set_connection_timeout(Some(ANSWER_TIME))
                    .set_response_timeout(Some(ANSWER_TIME))
                    .set_number_of_retries(1)
                    .set_min_delay(Duration::from_millis(20))
                    .set_max_delay(Duration::from_millis(100));
                Link::One(client.get_connection_manager_with_config(config).await.map_err(|e| told(&e))?)
            }
            true => {
                let client = ClusterClientBuilder::new(urls.split(',').map(str::trim))
                    .connection_timeout(ANSWER_TIME)
                    .response_timeout(ANSWER_TIME)
                    .tcp_settings(tcp())
                    .retries(1)
                    .build()
                    .map_err(|_| failed("its addresses cannot be read"))?;
                Link::Cluster(client.get_async_connection().await.map_err(|e| told(&e))?)
            }
        };
        let store = Self {
            link,
            keys,
            jobs,
            consume: Script::new(include_str!("redis/consume.lua")),
            revoke: Script::new(include_str!("redis/revoke.lua")),
            around: Arc::default(),
        };
        store.look_around().await?;
        Ok(store)
    }

    /// Consumptions that no replica had in time, of a server that has replicas.
    pub fn unreplicated(&self) -> u64 {
        self.around.unreplicated.load(Ordering::Relaxed)
    }

    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        match self.link.clone() {
            Link::One(mut link) => command.query_async(&mut link).await,
            Link::Cluster(mut link) => command.query_async(&mut link).await,
        }
    }

    /// Runs a script by its hash, and by its text where the server has forgotten it.
    async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        args: &[&str],
    ) -> Result<T, StoreError> {
        let command = |name: &str, which: &str| {
            let mut command = redis::cmd(name);
            command.arg(which).arg(1).arg(key).arg(args);
            command
        };
        match self.run(&command("EVALSHA", &script.sha)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.run(&command("EVAL", script.text)).await
            }
            answer => answer,
        }
        .map_err(|error| told(&error))
    }

    /// What is kept of a token; once more if the connection turns out to be broken.
    async fn get(&self, hash: &TokenHash) -> Result<Kept, StoreError> {
        let mut command = redis::cmd("GET");
        command.arg(key(hash));
        let answer: Result<Option<Vec<u8>>, RedisError> = match self.run(&command).await {
            Err(error) if is_broken(&error) => self.run(&command).await,
            answer => answer,
        };
        match answer {
            Ok(None) => Ok(Kept::Nothing),
            Ok(Some(json)) => {
                Ok(serde_json::from_slice(&json).map_or(Kept::Junk, |record| Kept::Record(Box::new(record))))
            }
            Err(error) if error.code() == Some("WRONGTYPE") => Ok(Kept::Junk),
            Err(error) => Err(told(&error)),
        }
    }

    async fn judge(&self, hash: &TokenHash, attempt: &Attempt) -> Result<Verdict, StoreError> {
        let record = match self.get(hash).await? {
            Kept::Nothing => return Ok(Verdict::Unknown),
            Kept::Junk => return Ok(Verdict::Tampered),
            Kept::Record(record) => record,
        };
        // Whether it has expired is for the server to say.
        match judge(Some(&record), &self.keys, hash, attempt, i64::MIN) {
            Judgement::Consume => {}
            Judgement::Count(_) => return self.consume(hash, attempt, &record, &attempt.job_id).await,
            Judgement::Tell(verdict @ (Verdict::Used { .. } | Verdict::Replayed { .. })) => {
                return self.told_job(hash, &record, verdict).await;
            }
            Judgement::Tell(verdict) => return Ok(verdict),
        }
        let intended = self.jobs.intend(hash, &attempt.job_id, attempt.idem_hash.as_deref()).await?;
        crate::crash::point("intended");
        let job_id = match intended {
            Intended::As { job_id } => job_id,
            Intended::KeyTaken => return Ok(Verdict::KeyTaken),
            Intended::Started(job) => {
                // Redis has forgotten that it was used.
                let is_same = attempt.idem_hash.is_some() && attempt.idem_hash == job.idem_hash;
                let JobRecord { id: job_id, .. } = *job;
                return Ok(if is_same { Verdict::Replayed { job_id } } else { Verdict::Used { job_id } });
            }
        };
        let verdict = self.consume(hash, attempt, &record, &job_id).await?;
        if !matches!(verdict, Verdict::Consumed(_) | Verdict::Used { .. } | Verdict::Replayed { .. }) {
            self.jobs.forget(hash).await?;
        }
        Ok(verdict)
    }

    /// Has the server judge and consume, and writes the job down.
    async fn consume(
        &self,
        hash: &TokenHash,
        attempt: &Attempt,
        genuine: &Record,
        job_id: &str,
    ) -> Result<Verdict, StoreError> {
        let args = [
            genuine.mac.as_str(),
            &attempt.subject,
            &attempt.tool,
            attempt.params_hash.as_deref().unwrap_or_default(),
            job_id,
            attempt.idem_hash.as_deref().unwrap_or_default(),
            &MISMATCHES_MAX.to_string(),
        ];
        let answer: Vec<String> = self.script(&self.consume, &key(hash), &args).await?;
        crate::crash::point("consumed");
        let mut answer = answer.into_iter();
        let (word, json) = (answer.next().unwrap_or_default(), answer.next());
        let record = json.and_then(|json| serde_json::from_str::<Record>(&json).ok());
        let record = record.filter(|record| self.keys.is_genuine(hash, record));
        match (word.as_str(), record) {
            ("consumed", Some(record)) => {
                self.replicated().await;
                let (job_id, _) = self.jobs.start(&JobRecord::queued(*hash, &record)).await?;
                crate::crash::point("started");
                // Who was told that it was used may have written the job down first; another job was paid for before.
                let is_own = record.job_id.as_ref() == Some(&job_id);
                Ok(if is_own { Verdict::Consumed(Box::new(record)) } else { Verdict::Used { job_id } })
            }
            ("used", Some(record)) => {
                let Judgement::Tell(verdict) = judge(Some(&record), &self.keys, hash, attempt, i64::MIN)
                else {
                    return Ok(Verdict::Tampered);
                };
                self.told_job(hash, &record, verdict).await
            }
            ("unknown", _) => Ok(Verdict::Unknown),
            ("subject", _) => Ok(Verdict::Mismatch { of: Mismatch::Subject }),
            ("tool", _) => Ok(Verdict::Mismatch { of: Mismatch::Tool }),
            ("params", _) => Ok(Verdict::Mismatch { of: Mismatch::Params }),
            ("revoked", _) => Ok(Verdict::Revoked),
            ("expired", _) => Ok(Verdict::Expired),
            ("tampered" | "consumed" | "used", _) => Ok(Verdict::Tampered),
            (other, _) => Err(failed(&format!("it has answered {other:?}"))),
        }
    }

    /// Before somebody is told that a token was used, the job is there.
    async fn told_job(
        &self,
        hash: &TokenHash,
        record: &Record,
        verdict: Verdict,
    ) -> Result<Verdict, StoreError> {
        if record.job_id.is_none() {
            return Ok(Verdict::Tampered);
        }
        let (job_id, _) = self.jobs.start(&JobRecord::queued(*hash, record)).await?;
        Ok(match verdict {
            Verdict::Replayed { .. } => Verdict::Replayed { job_id },
            _ => Verdict::Used { job_id },
        })
    }

    /// Waits until a replica has what was written, where there is one, but not for long, and not twice at once: who waits
    /// holds up the one connection.
    async fn replicated(&self) {
        if !self.around.has_replica.load(Ordering::Relaxed) {
            return;
        }
        let Ok(_one_at_a_time) = self.around.waiting.try_lock() else {
            self.around.unreplicated.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut command = redis::cmd("WAIT");
        command.arg(1).arg(REPLICA_MS);
        if !matches!(self.run::<u64>(&command).await, Ok(1..)) {
            self.around.unreplicated.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether there are replicas. In a cluster, where `WAIT` would have to find the right node, none is waited for.
    async fn look_around(&self) -> Result<(), StoreError> {
        if matches!(self.link, Link::Cluster(_)) {
            return self.run::<String>(&redis::cmd("PING")).await.map(drop).map_err(|error| told(&error));
        }
        let mut command = redis::cmd("INFO");
        command.arg("replication");
        let text: String = self.run(&command).await.map_err(|error| told(&error))?;
        let replicas = text.lines().find_map(|line| line.trim().strip_prefix("connected_slaves:"));
        let has_replica = replicas.is_some_and(|count| count != "0");
        self.around.has_replica.store(has_replica, Ordering::Relaxed);
        Ok(())
    }

    async fn advise(&self) -> Result<Vec<String>, StoreError> {
        if matches!(self.link, Link::Cluster(_)) {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("CONFIG");
        command.arg("GET").arg(&["maxmemory-policy", "appendonly", "min-replicas-to-write"][..]);
        let settings: HashMap<String, String> = match self.run(&command).await {
            Ok(settings) => settings,
            Err(error) if is_broken(&error) => return Err(told(&error)),
            // Not everybody may look; some who run Redis for others hide it.
            Err(_) => return Ok(vec!["its settings cannot be read".to_owned()]),
        };
        let has_replica = self.around.has_replica.load(Ordering::Relaxed);
        let wanted = [
            ("maxmemory-policy", "noeviction", "else tokens may be evicted", true),
            ("appendonly", "yes", "else used tokens may be forgotten in a crash", true),
            ("min-replicas-to-write", "1", "else a failover may forget used tokens", has_replica),
        ];
        let is_off = |name: &str, value: &str| {
            settings.get(name).is_some_and(|set| set != value && (value != "1" || set == "0"))
        };
        let off = wanted.iter().filter(|(name, value, _, applies)| *applies && is_off(name, value));
        Ok(off.map(|(name, value, why, _)| format!("{name} should be {value}: {why}")).collect())
    }

    /// Writes the job of an intent down if its token was used. What can still be used is left: somebody may be about to.
    async fn finish(&self, hash: &TokenHash, now: i64) -> Result<bool, StoreError> {
        match self.get(hash).await? {
            Kept::Record(record) if self.keys.is_genuine(hash, &record) => {
                if record.used_at.is_some() && record.job_id.is_some() {
                    let started = self.jobs.start(&JobRecord::queued(*hash, &record)).await;
                    return started.map(|(_, is_new)| is_new);
                }
                if record.revoked_at.is_none() && now < record.expires_at {
                    return Ok(false);
                }
            }
            Kept::Record(_) | Kept::Nothing | Kept::Junk => {}
        }
        self.jobs.forget(hash).await.map(|()| false)
    }
}

/// What is found under a token's key.
enum Kept {
    Nothing,
    Junk,
    Record(Box<Record>),
}

impl ConfirmationStore for RedisStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn now(&self) -> StoreFuture<'_, i64> {
        limited(async {
            let command = redis::cmd("TIME");
            let answer: Result<(i64, i64), RedisError> = match self.run(&command).await {
                Err(error) if is_broken(&error) => self.run(&command).await,
                answer => answer,
            };
            answer.map(|(seconds, micros)| seconds * 1_000 + micros / 1_000).map_err(|error| told(&error))
        })
    }

    fn create<'a>(&'a self, hash: &'a TokenHash, record: &'a Record) -> StoreFuture<'a, bool> {
        limited(async move {
            let json = serde_json::to_vec(record).map_err(|error| failed(&error.to_string()))?;
            let mut command = redis::cmd("SET");
            command.arg(key(hash)).arg(json).arg("NX").arg("PXAT").arg(record.expires_at + MARKER_MS);
            let answer: Option<String> = self.run(&command).await.map_err(|error| told(&error))?;
            Ok(answer.is_some())
        })
    }

    fn look<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, Option<Record>> {
        limited(async move {
            Ok(match self.get(hash).await? {
                Kept::Record(record) => Some(*record),
                Kept::Nothing | Kept::Junk => None,
            })
        })
    }

    fn consume<'a>(&'a self, hash: &'a TokenHash, attempt: &'a Attempt) -> StoreFuture<'a, Verdict> {
        limited(self.judge(hash, attempt))
    }

    fn revoke<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, bool> {
        limited(async move { self.script::<u8>(&self.revoke, &key(hash), &[]).await.map(|it| it == 1) })
    }

    fn clean_up(&self, _limit: u32) -> StoreFuture<'_, u64> {
        // The keys end by themselves.
        Box::pin(std::future::ready(Ok(0)))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        limited(async {
            self.look_around().await?;
            self.jobs.ping().await
        })
    }

    fn advice(&self) -> StoreFuture<'_, Vec<String>> {
        limited(self.advise())
    }

    fn job<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<JobRecord>> {
        self.jobs.job(job_id)
    }

    fn recover(&self) -> StoreFuture<'_, u64> {
        // Each step has its own limit of time.
        Box::pin(async move {
            let mut finished = 0;
            let intended = self.jobs.intended(INTENT_MS, INTENTS_MAX).await?;
            if intended.is_empty() {
                return Ok(0);
            }
            let now = self.now().await?;
            for hash in intended {
                finished += u64::from(self.finish(&hash, now).await?);
            }
            Ok(finished)
        })
    }
}

/// A line whose other end has gone without a word is given up.
fn tcp() -> TcpSettings {
    let keepalive = TcpKeepalive::new().with_time(LINE_TIME).with_interval(LINE_TIME / 3).with_retries(3);
    let settings = TcpSettings::default().set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(LINE_TIME);
    settings
}

fn key(hash: &TokenHash) -> String {
    format!("{PREFIX}{hash}")
}

/// Whether it is the connection that has failed, and another try may find a new one.
fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped() || error.is_timeout()
}

fn limited<'a, T>(call: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> StoreFuture<'a, T> {
    Box::pin(async move {
        timeout(CALL_TIME, call).await.unwrap_or_else(|_| Err(failed("it does not answer in time")))
    })
}

fn failed(reason: &str) -> StoreError {
    StoreError { store: NAME, reason: reason.to_owned() }
}

/// What the server says, without what it was sent.
fn told(error: &RedisError) -> StoreError {
    match error.code() {
        Some(code) => failed(&format!("it has answered {code}")),
        None => failed(error.category()),
    }
}
