//! A person who calls the copilot's tools over HTTP, and a gateway with its stores.

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, RequestBuilder};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::postgres::Postgres;
use crate::redis::Redis;
use crate::{Gateway, GatewayOptions, PATIENCE};

/// A secret that tests sign tokens with.
pub const SECRET: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

/// Somebody with a token.
#[derive(Clone, Debug)]
pub struct Person {
    client: Client,
    token: String,
}

/// What a tool has answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status of the answer.
    pub status: u16,
    /// `Location`, where there is one.
    pub location: Option<String>,
    /// The whole envelope.
    pub envelope: Value,
}

impl Reply {
    /// A field of the data, as text; empty where there is none.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.envelope["data"][field].as_str().unwrap_or_default()
    }

    /// The error's code, empty on success.
    #[must_use]
    pub fn code(&self) -> &str {
        self.envelope["errorCode"].as_str().unwrap_or_default()
    }

    /// Status and code.
    #[must_use]
    pub fn judged(&self) -> (u16, &str) {
        (self.status, self.code())
    }
}

impl Person {
    /// Somebody with this token.
    #[must_use]
    pub fn with(token: &str) -> Self {
        Self { client: Client::new(), token: token.to_owned() }
    }

    /// A new guest of a gateway.
    ///
    /// # Errors
    /// When it has none.
    pub async fn guest(gateway: &Gateway) -> Result<Self> {
        let answer = Client::new().post(gateway.url("/api/session")).timeout(PATIENCE).send().await?;
        let envelope: Value = serde_json::from_str(&answer.text().await?)?;
        Ok(Self::with(envelope["data"]["token"].as_str().context("a token")?))
    }

    /// Sends a request with the person's token.
    ///
    /// # Errors
    /// When no envelope comes back.
    pub async fn ask(
        &self,
        gateway: &Gateway,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&str>,
    ) -> Result<Reply> {
        let mut request = self.client.request(Method::from_bytes(method.as_bytes())?, gateway.url(path));
        request = request.timeout(PATIENCE).bearer_auth(&self.token);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_owned());
        }
        let answer = request.send().await?;
        let location =
            answer.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, text) = (answer.status().as_u16(), answer.text().await?);
        let envelope = serde_json::from_str(&text).with_context(|| format!("{status}: {text}"))?;
        Ok(Reply { status, location, envelope })
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// When no envelope comes back.
    pub async fn call(
        &self,
        gateway: &Gateway,
        tool: &str,
        key: Option<&str>,
        arguments: &Value,
    ) -> Result<Reply> {
        let path = format!("/api/copilot/tools/{tool}");
        self.ask(gateway, "POST", &path, key, Some(&arguments.to_string())).await
    }

    /// Proposes the usual backtest; the token that confirms it.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn propose(&self, gateway: &Gateway) -> Result<String> {
        let reply = self.call(gateway, "startBacktest", None, &usual()).await?;
        let token = reply.envelope["data"]["confirmationToken"].as_str();
        Ok(token.with_context(|| reply.envelope.to_string())?.to_owned())
    }

    /// Confirms what a token stands for.
    ///
    /// # Errors
    /// When no envelope comes back.
    pub async fn confirm(&self, gateway: &Gateway, token: &str, key: Option<&str>) -> Result<Reply> {
        self.call(gateway, "confirmBacktest", key, &json!({ "confirmationToken": token })).await
    }

    /// Proposes a backtest and confirms it; the id of its job.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn start(&self, gateway: &Gateway, params: &Value) -> Result<String> {
        let proposed = self.call(gateway, "startBacktest", None, params).await?;
        let token = proposed.envelope["data"]["confirmationToken"].as_str();
        let token = token.with_context(|| proposed.envelope.to_string())?;
        let confirmed = self.confirm(gateway, token, None).await?;
        let job_id = confirmed.envelope["data"]["jobId"].as_str();
        Ok(job_id.with_context(|| confirmed.envelope.to_string())?.to_owned())
    }

    /// Waits until a job has ended; the job as it is then.
    ///
    /// # Errors
    /// When the gateway does not answer, or it does not end in time.
    pub async fn ended(&self, gateway: &Gateway, job_id: &str) -> Result<Value> {
        let path = format!("/api/backtest/jobs/{job_id}?wait=5");
        let wait = async {
            loop {
                let reply = self.ask(gateway, "GET", &path, None, None).await?;
                ensure!(reply.status == 200, "{}", reply.envelope);
                if !["queued", "running"].contains(&reply.text("state")) {
                    return Ok(reply.envelope["data"].clone());
                }
            }
        };
        timeout(PATIENCE * 4, wait).await.context("the job does not end")?
    }

    /// A request with the person's token, for what is no envelope.
    pub fn request(&self, gateway: &Gateway, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, gateway.url(path)).timeout(PATIENCE).bearer_auth(&self.token)
    }

    /// A page or a file, as text.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn file(&self, gateway: &Gateway, path: &str) -> Result<String> {
        let request = self.client.get(gateway.url(path)).timeout(PATIENCE).bearer_auth(&self.token);
        Ok(request.send().await?.error_for_status()?.text().await?)
    }
}

/// Parameters of a backtest that is taken.
#[must_use]
pub fn usual() -> Value {
    json!({ "symbol": "AAPL", "strategy": { "name": "sma_cross" } })
}

/// Where a gateway keeps tokens, and jobs with evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// All in a file.
    Sqlite,
    /// All in PostgreSQL.
    Postgres,
    /// Tokens in Redis, the rest in a file.
    RedisSqlite,
    /// Tokens in Redis, the rest in PostgreSQL.
    RedisPostgres,
}

/// A gateway with the servers that it keeps things in.
#[derive(Debug)]
pub struct Stand {
    /// The gateway.
    pub gateway: Gateway,
    /// Redis, where it has one.
    pub redis: Option<Redis>,
    /// PostgreSQL, where it has one.
    pub postgres: Option<Postgres>,
}

/// The database of a stand in PostgreSQL.
pub const DATABASE: &str = "spark";

impl Keeping {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Sqlite, Self::Postgres, Self::RedisSqlite, Self::RedisPostgres];

    /// Starts a gateway that keeps things so. It runs no jobs unless it is said how many.
    ///
    /// # Errors
    /// When a server or the gateway does not start.
    pub async fn stand(self, options: GatewayOptions) -> Result<Stand> {
        let mut options = options.env("SPARK_JWT_SECRET", SECRET).or_env("SPARK_JOBS_WORKERS", 0);
        let has_redis = matches!(self, Self::RedisSqlite | Self::RedisPostgres);
        let redis = if has_redis { Some(Redis::start().await?) } else { None };
        let has_postgres = matches!(self, Self::Postgres | Self::RedisPostgres);
        let postgres = if has_postgres { Some(Postgres::start().await?) } else { None };
        if let Some(redis) = &redis {
            options = options.env("SPARK_REDIS_URL", redis.url()).env("SPARK_TOKEN_STORE", "redis");
        }
        if let Some(postgres) = &postgres {
            options = options.env("SPARK_DATABASE_URL", postgres.database(DATABASE).await?);
        }
        Ok(Stand { gateway: options.start().await?, redis, postgres })
    }
}

impl Stand {
    /// Ids of the jobs that are written down, in order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn jobs(&self) -> Result<Vec<String>> {
        let sql = "SELECT id FROM jobs ORDER BY created_at, id";
        let text = match &self.postgres {
            Some(postgres) => postgres.query(DATABASE, sql).await?,
            None => sqlite(&self.gateway, sql)?,
        };
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// What a gateway's file answers to a question: the first column, a line a row.
fn sqlite(gateway: &Gateway, sql: &str) -> Result<String> {
    let file = gateway.folder().join(".spark/spark.sqlite");
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.join("\n"))
}
