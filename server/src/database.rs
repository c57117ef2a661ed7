//! The databases that the gateway keeps things in: a file of SQLite where nothing else is set up, PostgreSQL for many
//! nodes. What is kept is the business of others, who bring their statements.

use std::future::Future;
use std::pin::Pin;

pub mod postgres;
pub mod sqlite;

/// A call to something that is kept elsewhere.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store did not do what it was asked, within its time. Of a change that ran out of time while it was written down
/// nobody knows whether it was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store {store} cannot be used: {reason}")]
pub struct StoreError {
    /// Which store: `memory`, `sqlite`, `redis`, `postgres`.
    pub store: &'static str,
    /// Why, for a log: never with a token, a key or a password.
    pub reason: String,
}
