//! Settings: embedded defaults, then a file, then the environment, then the command line.
//!
//! What each setting does, its unit, default and range stand in `config.default.toml`, once.

mod layers;
mod limits;
mod live;
mod market;
mod namespaces;
mod reader;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use tracing_subscriber::EnvFilter;

pub use self::limits::LimitsConfig;
pub use self::live::LiveConfig;
pub use self::market::{MarketConfig, SourceKind};

use self::layers::Layers;
use self::reader::Reader;

/// The defaults that the binary embeds, which are also the documentation of every setting.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// How long after the last client was to be gone everything is ended by force.
const AFTER_WINDOW: Duration = Duration::from_secs(15);

/// Everything that can be set, checked.
#[derive(Clone, Debug)]
pub struct Config {
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

    /// The defaults, for tests and tools.
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
        Self::load(&Overrides::default(), &Nothing)
    }

    /// Reads every concern before giving up, so that all mistakes come to light.
    fn read(reader: &mut Reader) -> Option<Self> {
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
        Some(Self {
            addr: addr?,
            log: log?,
            allowed_origins: allowed_origins?,
            shutdown: shutdown?,
            market: market?,
            live: live?,
            limits: limits?,
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
mod tests {
    use super::*;

    struct Vars(Vec<(&'static str, &'static str)>);

    impl Environment for Vars {
        fn vars(&self) -> Vec<(OsString, OsString)> {
            self.0.iter().map(|(name, value)| (name.into(), value.into())).collect()
        }
    }

    fn load(vars: &[(&'static str, &'static str)]) -> Result<Config, Vec<String>> {
        Config::load(&Overrides::default(), &Vars(vars.to_vec())).map_err(|error| error.0)
    }

    fn load_file(text: &str) -> Result<Config, Vec<String>> {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("spark.toml");
        std::fs::write(&file, text).expect("written");
        Config::load(&Overrides { file: Some(file), ..Overrides::default() }, &Vars(Vec::new()))
            .map_err(|error| error.0)
    }

    #[test]
    fn the_embedded_defaults_are_sound() {
        let config = Config::defaults().expect("sound");
        assert_eq!(config.addr.to_string(), "127.0.0.1:8080");
        assert_eq!(config.live.queue_capacity, 128);
        assert_eq!(config.live.heartbeat, Duration::from_secs(15));
        assert_eq!(config.limits.subscriptions, 100);
        assert!(config.market.data_dir.is_none() && config.allowed_origins.is_empty());
    }

    #[test]
    fn every_setting_names_its_variable_and_default_in_the_file() {
        for key in layers::known_keys() {
            let variable = layers::variable(&key);
            let name = key.rsplit('.').next().expect("a name");
            let (documentation, _) =
                DEFAULTS.split_once(&format!("\n{name} = ")).expect("it is set in the file");
            let comment = documentation.rsplit("\n\n").next().expect("a comment");
            assert!(comment.contains(&format!("# {variable}")), "{key}: {comment}");
            assert!(comment.contains("Default "), "{key}: {comment}");
        }
    }

    #[test]
    fn the_environment_overrides_the_file_and_the_command_line_both() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("spark.toml");
        std::fs::write(
            &file,
            "[market]\nreplay_speed = 2\n[live]\ncoalesce_ms = 5\n[limits]\nsubscriptions = 7",
        )
        .expect("written");
        let settings = vec![("limits.subscriptions", "--subscriptions", "9".to_owned())];
        let vars = Vars(vec![("SPARK_REPLAY_SPEED", "4"), ("SPARK_LIMITS_SUBSCRIPTIONS", "8")]);
        let config = Config::load(&Overrides { settings, file: Some(file) }, &vars).expect("sound");
        assert_eq!(config.market.replay_speed.to_string(), "4");
        assert_eq!(config.live.coalesce, Duration::from_millis(5));
        assert_eq!(config.limits.subscriptions, 9);
    }

    #[test]
    fn every_mistake_is_told_at_once_by_name() {
        let mistakes = load(&[
            ("SPARK_ADDR", "nowhere"),
            ("SPARK_SOURCE", "moon"),
            ("SPARK_REPLAY_SPEED", "NaN"),
            ("SPARK_LIVE_QUEUE_CAPACITY", "201"),
            ("SPARK_ALLOWED_ORIGINS", "https://a.example,null"),
            ("SPARK_LOG", "a=b=c"),
            ("SPARK_ADR", "127.0.0.1:1"),
            ("HOME", "/root"),
        ])
        .expect_err("mistakes");
        let expected = [
            r#"SPARK_ADR: unknown setting; did you mean SPARK_ADDR?"#,
            r#"SPARK_ADDR: "nowhere" is not an address and port such as 127.0.0.1:8080"#,
            r#"SPARK_LOG: "a=b=c" is not a log filter such as info"#,
            r#"SPARK_ALLOWED_ORIGINS: "null" is not an origin such as https://app.example.org"#,
            r#"SPARK_SOURCE: "moon" is not one of: replay"#,
            r#"SPARK_REPLAY_SPEED: "NaN" is not a number from 0.01 to 1000"#,
            r#"SPARK_LIVE_QUEUE_CAPACITY: "201" is not a whole number from 16 to 200"#,
        ];
        assert_eq!(mistakes, expected);
    }

    #[test]
    fn mistakes_in_a_file_name_the_file_and_the_key() {
        let mistakes = load_file(
            "adr = 'x'\nshutdown_ms = 'soon'\n[live]\nheartbeat_ms = 1.5\nhearbeat_ms = 1\n[other]\nx = 1",
        )
        .expect_err("mistakes");
        let places: Vec<&str> =
            mistakes.iter().filter_map(|text| text.split("spark.toml: ").nth(1)).collect();
        let expected = [
            "adr: unknown setting; did you mean addr?",
            "live.hearbeat_ms: unknown setting; did you mean live.heartbeat_ms?",
            "other.x: unknown setting",
            "shutdown_ms: \"soon\" is not a whole number from 0 to 600000",
            "live.heartbeat_ms: 1.5 is not a whole number from 100 to 600000",
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn namespaces_are_added_or_refused_by_name() {
        let sound = "[[live.namespaces]]\nname = 'weather'\nmode = 'state'\nmax_hz = 2\n\
            [[live.namespaces]]\nname = 'orders'\nmode = 'lossless'";
        let config = load_file(sound).expect("sound");
        let names: Vec<_> = config.live.own_namespaces.iter().map(|policy| &*policy.name).collect();
        assert_eq!(names, ["weather", "orders"]);
        let mistakes = load(&[(
            "SPARK_LIVE_NAMESPACES",
            r#"[{name="a",mode="event",max_hz=1}, {name="price",mode="keyed"}, {name="b:",mode="state"},
                {name="c",mode="latest"}, {name="d"}, {name="e",mode="state",hz=1}, {name="f",mode="state"},
                {name="f",mode="state"}]"#,
        )])
        .expect_err("mistakes");
        let expected = [
            r#"number 1 ("a"): max_hz would merge what must not be merged"#,
            r#"number 2 ("price"): mode cannot be changed: clients know this namespace as state"#,
            r#"number 3 ("b:"): name is not 1 to 32 letters, digits, '_' and '-'"#,
            r#"number 4 ("c"): mode "latest" is not one of: state, keyed, event, lossless"#,
            r#"number 5 ("d"): missing field `mode`"#,
            r#"number 6 ("e"): unknown field `hz`"#,
            r#"number 8 ("f"): is there twice"#,
        ];
        assert_eq!(mistakes.len(), expected.len(), "{mistakes:?}");
        for (mistake, expected) in mistakes.iter().zip(expected) {
            assert!(mistake.starts_with(&format!("SPARK_LIVE_NAMESPACES: {expected}")), "{mistake}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let overrides = Overrides { file: Some("/nowhere/spark.toml".into()), ..Overrides::default() };
        let error = Config::load(&overrides, &Vars(Vec::new())).expect_err("no file");
        assert!(error.to_string().starts_with("/nowhere/spark.toml: "), "{error}");
        let mistakes = load_file("addr = ").expect_err("not TOML");
        assert!(mistakes[0].contains("spark.toml: ") && mistakes.len() == 1, "{mistakes:?}");
    }

    #[test]
    fn origins_are_taken_only_as_browsers_write_them() {
        for good in ["http://localhost:5173", "https://app.example.org", "http://[::1]:8080"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "null",
            "*",
            "https://",
            "https://a.example/",
            "https://A.example",
            "ftp://a",
            "https://a:443",
            "http://a:80",
            "http://u@a",
            "a.example",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }

    #[test]
    fn the_variable_of_the_tests_is_not_a_setting() {
        assert!(load(&[("SPARK_BIN", "/y")]).is_ok());
        assert_eq!(
            load(&[("SPARK_STATE_DIR", "/z")]).expect_err("a mistake"),
            ["SPARK_STATE_DIR: unknown setting; did you mean SPARK_DATA_DIR?"]
        );
    }
}
