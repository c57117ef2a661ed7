//! What is judged: a gateway of the test's own, or any other server that speaks the protocol.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::{Gateway, GatewayOptions, Publisher, Signer};

/// Secret that gateways of the tests are given.
const SECRET: &str = "a secret for tests, of more than thirty-two bytes";
/// Settings that the cases rely on: the namespaces `feed` (event), `tale` (lossless), `gauge` (state, 20 Hz) and
/// `table` (keyed), and short intervals.
const SETTINGS: &str = include_str!("target/settings.toml");

/// A server under judgement.
///
/// `SPARK_TARGET_URL` (an address with a port) names one that runs already, with the settings of
/// `tests/src/target/settings.toml`; `SPARK_TARGET_SECRET` is the secret that it checks HS256 tokens with. Without
/// them a gateway of the test's own is started.
#[derive(Debug)]
pub struct Target {
    addr: SocketAddr,
    signer: Signer,
    gateway: Option<Gateway>,
}

impl Target {
    /// The server that is named, or a new gateway.
    ///
    /// # Errors
    /// When the address is none, or the gateway does not start.
    pub async fn start() -> Result<Self> {
        let Ok(url) = std::env::var("SPARK_TARGET_URL") else {
            return Self::of(Gateway::options()).await;
        };
        let secret = std::env::var("SPARK_TARGET_SECRET").context("SPARK_TARGET_SECRET is not set")?;
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let addr = host.to_socket_addrs().with_context(|| url.clone())?.next().context("no address")?;
        Ok(Self { addr, signer: Signer::new(&secret), gateway: None })
    }

    /// A gateway of the test's own with further settings, also when another server is named.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn of(options: GatewayOptions) -> Result<Self> {
        let options = options.settings(SETTINGS).env("SPARK_JWT_SECRET", SECRET);
        let gateway = options.start().await?;
        let addr = gateway.addr().parse().context("address of the gateway")?;
        Ok(Self { addr, signer: Signer::new(SECRET), gateway: Some(gateway) })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The gateway, if it is the test's own: it can be killed, stopped, and its log be read.
    #[must_use]
    pub fn gateway(&self) -> Option<&Gateway> {
        self.gateway.as_ref()
    }

    /// The same, to restart it.
    pub fn gateway_mut(&mut self) -> Option<&mut Gateway> {
        self.gateway.as_mut()
    }

    /// Signs tokens that it takes.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// A token of a person that nobody else is, who may read everything.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn reader(&self) -> Result<String> {
        self.signer.token(&unique("reader"), &["admin"])
    }

    /// A publisher.
    ///
    /// # Errors
    /// When nothing listens.
    pub async fn publisher(&self) -> Result<Publisher> {
        Publisher::connect(self.addr, self.signer.token(&unique("publisher"), &["publisher"])?).await
    }
}

/// A name that nothing else has, here or in another run: `feed:` becomes `feed:t1k3x9-1`.
#[must_use]
pub fn unique(prefix: &str) -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let run = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    format!("{prefix}t{run:x}-{}", LAST.fetch_add(1, Ordering::Relaxed))
}
