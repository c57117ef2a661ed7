//! Where tokens, jobs and evidence are kept, and what is signed with.

use std::time::Duration;

use super::Profile;
use super::reader::Reader;
use crate::auth::keys::SECRET_LEN_MIN;
use crate::auth::secret::Secret;

/// Where confirmation tokens are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStore {
    /// In this process, with everything else.
    Memory,
    /// In a file of the state folder, with everything else.
    Sqlite,
    /// In PostgreSQL, with everything else.
    Postgres,
    /// In Redis; everything else in PostgreSQL where that is set up, else in the state folder.
    Redis,
}

/// Where tokens, jobs and evidence are kept, and what is signed with.
#[derive(Clone, Debug)]
pub struct StoresConfig {
    /// Where confirmation tokens are kept.
    pub tokens: TokenStore,
    /// Address of PostgreSQL, with the password that is in it.
    pub database_url: Option<Secret>,
    /// Address of Redis, or addresses of a cluster, with the passwords that are in them.
    pub redis_url: Option<Secret>,
    /// How long a confirmation token is valid.
    pub token_ttl: Duration,
    /// What tokens of the gateway's own, links and evidence are signed with, the current secret first; empty where they are
    /// made here.
    pub signing_keys: Vec<Secret>,
}

impl StoresConfig {
    pub(super) fn read(reader: &mut Reader, profile: Option<Profile>, has_state_dir: bool) -> Option<Self> {
        let choices = [
            ("auto", None),
            ("memory", Some(TokenStore::Memory)),
            ("sqlite", Some(TokenStore::Sqlite)),
            ("postgres", Some(TokenStore::Postgres)),
            ("redis", Some(TokenStore::Redis)),
        ];
        let chosen = reader.choice("token_store", &choices);
        let database_url = read_url(reader, "database_url", &["postgres://", "postgresql://"]);
        let redis_url = read_url(reader, "redis_url", &["redis://", "rediss://"]);
        let token_ttl = reader.millis("token_ttl_ms", 1_000..=86_400_000);
        let signing_keys = read_keys(reader);
        let (chosen, database_url, redis_url) = (chosen?, database_url?, redis_url?);
        let tokens = chosen.unwrap_or(match (&database_url, &redis_url) {
            (Some(_), _) => TokenStore::Postgres,
            (None, Some(_)) => TokenStore::Redis,
            (None, None) if has_state_dir => TokenStore::Sqlite,
            (None, None) => TokenStore::Memory,
        });
        let is_production = profile == Some(Profile::Production);
        match tokens {
            TokenStore::Memory if is_production => {
                let what = "memory is not for production: what people have confirmed would be forgotten";
                reader.complain("token_store", what);
            }
            TokenStore::Memory | TokenStore::Sqlite if database_url.is_some() => {
                reader.complain("token_store", "leaves SPARK_DATABASE_URL without use");
            }
            TokenStore::Sqlite if !has_state_dir => {
                reader.complain("token_store", "sqlite needs a state folder, and SPARK_STATE_DIR is empty");
            }
            TokenStore::Postgres if database_url.is_none() => {
                reader.complain("token_store", "postgres needs SPARK_DATABASE_URL, which is not set");
            }
            TokenStore::Redis if redis_url.is_none() => {
                reader.complain("token_store", "redis needs SPARK_REDIS_URL, which is not set");
            }
            TokenStore::Redis if database_url.is_none() && !has_state_dir => {
                let what = "redis needs SPARK_DATABASE_URL or a state folder for the jobs";
                reader.complain("token_store", what);
            }
            _ => {}
        }
        let signing_keys = signing_keys?;
        if is_production && signing_keys.is_empty() {
            reader.complain("signing_keys", "is not set: production makes no secret by itself");
        }
        Some(Self { tokens, database_url, redis_url, token_ttl: token_ttl?, signing_keys })
    }
}

fn read_url(reader: &mut Reader, key: &str, schemes: &[&str]) -> Option<Option<Secret>> {
    let url = reader.secret(key)?;
    if url.expose().is_empty() {
        return Some(None);
    }
    let text = std::str::from_utf8(url.expose()).unwrap_or_default();
    if text.split(',').all(|part| schemes.iter().any(|scheme| part.trim().starts_with(scheme))) {
        return Some(Some(url));
    }
    reader.complain(key, &format!("does not begin with {}", schemes.join(" or ")));
    None
}

fn read_keys(reader: &mut Reader) -> Option<Vec<Secret>> {
    let keys = reader.secret("signing_keys")?;
    let parts = keys.expose().split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let keys: Vec<Secret> =
        parts.filter(|part| !part.is_empty()).map(|part| Secret::new(part.to_vec())).collect();
    if keys.iter().any(|key| key.expose().len() < SECRET_LEN_MIN) {
        reader.complain("signing_keys", "has one that is shorter than 32 bytes");
        return None;
    }
    Some(keys)
}
