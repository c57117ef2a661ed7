//! Settings: embedded defaults, then a file, then the environment, then the command line.
//!
//! What each setting does, its unit, default and range stand in `config.default.toml`, once.

mod auth;
mod copilot;
mod layers;
mod limits;
mod live;
mod market;
mod namespaces;
mod reader;
mod results;
mod stores;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use tracing_subscriber::EnvFilter;

pub use self::auth::AuthConfig;
pub use self::copilot::{CopilotConfig, ModelConfig};
pub use self::limits::LimitsConfig;
pub use self::live::LiveConfig;
pub use self::market::{MarketConfig, SourceKind};
pub use self::results::{ResultsConfig, ResultsPlace};
pub use self::stores::{StoresConfig, TokenStore};

use self::layers::Layers;
use self::reader::Reader;

/// The defaults that the binary embeds, which are also the documentation of every setting.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// How long after the last client was to be gone everything is ended by force.
const AFTER_WINDOW: Duration = Duration::from_secs(15);

/// What the gateway is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// To be tried out: guests are let in, and what is not set is made at the first start.
    Demo,
    /// For others to rely on: what is not safe is refused by name.
    Production,
}

impl Profile {
    const ALL: [(&'static str, Self); 2] = [("demo", Self::Demo), ("production", Self::Production)];
}

/// Everything that can be set, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// What it is run for.
    pub profile: Profile,
    /// The folder of what outlives the process; without one nothing does.
    pub state_dir: Option<PathBuf>,
    /// Address to listen on; port 0 picks a free one.
    pub addr: SocketAddr,
    /// Directives of the log's filter.
    pub log: String,
    /// Origins beside our own whose pages may connect.
    pub allowed_origins: Vec<HeaderValue>,
    /// From the signal to stop until the process has ended.
    pub shutdown: Duration,
    /// The source of prices.
    pub market: MarketConfig,
    /// Delivery to clients.
    pub live: LiveConfig,
    /// What one connection, and all together, may take.
    pub limits: LimitsConfig,
    /// Who is let in.
    pub auth: AuthConfig,
    /// Where tokens, jobs and evidence are kept.
    pub stores: StoresConfig,
    /// Where results are kept, and how jobs are run.
    pub results: ResultsConfig,
    /// What answers in conversations.
    pub copilot: CopilotConfig,
}

/// The process's environment, read here and nowhere else; tests bring their own.
pub trait Environment {
    /// All variables.
    fn vars(&self) -> Vec<(OsString, OsString)>;
}

/// The environment of this process.
#[derive(Clone, Copy, Debug)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn vars(&self) -> Vec<(OsString, OsString)> {
        std::env::vars_os().collect()
    }
}

/// What the command line says; it overrides everything else.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Settings by key, with the name of the option that gave them.
    pub settings: Vec<(&'static str, &'static str, String)>,
    /// A file of settings.
    pub file: Option<PathBuf>,
}

/// Every mistake in the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Puts the layers together and checks the result.
    ///
    /// # Errors
    /// Every mistake at once: each names the setting and where it was given.
    pub fn load(overrides: &Overrides, environment: &dyn Environment) -> Result<Self, ConfigError> {
        let (layers, mut problems) = Layers::collect(overrides, environment);
        let mut reader = Reader::new(layers);
        let config = Self::read(&mut reader);
        problems.extend(reader.into_problems());
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError(problems)),
        }
    }

    /// The defaults, for tests and tools, but for the folder of what outlives the process: there is none.
    ///
    /// # Errors
    /// None, as long as the embedded file is sound, which a test makes sure of.
    pub fn defaults() -> Result<Self, ConfigError> {
        struct Nothing;
        impl Environment for Nothing {
            fn vars(&self) -> Vec<(OsString, OsString)> {
                Vec::new()
            }
        }
        Self::load(&Overrides::default(), &Nothing).map(|mut config| {
            config.state_dir = None;
            config.stores.tokens = TokenStore::Memory;
            config.results.place = ResultsPlace::Memory;
            config
        })
    }

    /// Reads every concern before giving up, so that all mistakes come to light.
    fn read(reader: &mut Reader) -> Option<Self> {
        let profile = reader.choice("profile", &Profile::ALL);
        let state_dir = reader.text("state_dir");
        let addr = reader.parsed("addr", "an address and port such as 127.0.0.1:8080");
        let log = reader.checked(
            "log",
            |text| EnvFilter::try_new(text).map(|_| text.to_owned()).ok(),
            "a log filter such as info",
        );
        let allowed_origins = read_origins(reader);
        let shutdown = reader.millis_or("shutdown_ms", 0..=600_000);
        let market = MarketConfig::read(reader);
        let live = LiveConfig::read(reader);
        let shutdown = shutdown
            .zip(live.as_ref())
            .map(|(given, live)| given.unwrap_or(live.reconnect_window + AFTER_WINDOW));
        let limits = LimitsConfig::read(reader);
        let auth = AuthConfig::read(reader, profile);
        let state_dir = state_dir.map(|text| (!text.is_empty()).then(|| PathBuf::from(text)));
        let stores = StoresConfig::read(reader, profile, state_dir != Some(None));
        let results = ResultsConfig::read(reader, state_dir.as_ref());
        let copilot = CopilotConfig::read(reader, profile);
        Some(Self {
            profile: profile?,
            state_dir: state_dir?,
            addr: addr?,
            log: log?,
            allowed_origins: allowed_origins?,
            shutdown: shutdown?,
            market: market?,
            live: live?,
            limits: limits?,
            auth: auth?,
            stores: stores?,
            results: results?,
            copilot: copilot?,
        })
    }
}

fn read_origins(reader: &mut Reader) -> Option<Vec<HeaderValue>> {
    let origins = reader.list("allowed_origins")?;
    let mut read = Vec::new();
    for origin in &origins {
        match is_origin(origin).then(|| HeaderValue::from_str(origin).ok()).flatten() {
            Some(value) => read.push(value),
            None => reader.complain(
                "allowed_origins",
                &format!("{origin:?} is not an origin such as https://app.example.org"),
            ),
        }
    }
    (read.len() == origins.len()).then_some(read)
}

/// Whether a text is written exactly as browsers write an origin: scheme, host, port unless it is the usual one.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let usual_port = if scheme == "https" { ":443" } else { ":80" };
    matches!(scheme, "http" | "https")
        && !authority.is_empty()
        && authority.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b))
        && !authority.ends_with(usual_port)
        && !authority.ends_with(':')
}

#[cfg(test)]
mod tests;
