//! The command line of the gateway.

use std::io::{ErrorKind, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use serde_json::json;
use spark_live::Gateway;
use spark_live::auth::state_dir;
use spark_live::config::{Config, Overrides, ProcessEnvironment};
use spark_live::doctor;
use spark_live::evidence::seal::Sealer;
use spark_live::evidence::verify;
use spark_live::import;
use spark_live::shutdown::on_signals;
use spark_live::signing::SigningKeys;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Exit code when the settings are wrong, or there is nothing to import.
const EXIT_USAGE: u8 = 2;

/// Live market data in the browser.
#[derive(Parser)]
#[command(name = "spark-live", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the gateway with the web page inside it.
    Serve(ServeArgs),
    /// Looks whether the stores of a gateway with these settings answer and are set up well, and whether every stored result
    /// is what was written. It may run beside the gateway.
    ///
    /// Exit code 0: all is good; 1: something is not; 2: the settings are wrong.
    Doctor {
        /// A file of settings.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Prints one object of JSON instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Evidence of what was asked and done.
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Checks and describes data files without starting anything.
    ///
    /// Exit code 0: all is good; 1: some rows or files are not; 2: PATH cannot be read or holds no data file.
    Import(ImportArgs),
}

#[derive(Subcommand)]
enum EvidenceCommand {
    /// Says whether a bundle is what was written, and else what was done to it, with the first bad entry.
    ///
    /// Exit code 0: it is; 1: it is not; 2: FILE cannot be read.
    Verify {
        /// A bundle, as GET /api/copilot/evidence/{sessionId} gives it.
        file: PathBuf,
        /// The key that it must have been signed with, as `spark-live evidence key` prints it. Without it anybody's
        /// signature is good.
        #[arg(long)]
        key: Option<String>,
        /// Prints one object of JSON instead of a line.
        #[arg(long)]
        json: bool,
    },
    /// Prints the key that bundles of a gateway with these settings are signed with.
    Key {
        /// A file of settings.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

#[derive(Args)]
struct ImportArgs {
    /// A folder of data files, or one file.
    path: PathBuf,
    /// Prints one object of JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// Every setting can also be given in the file or the environment; see config.default.toml.
#[derive(Args)]
struct ServeArgs {
    /// A file of settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on; port 0 picks a free one.
    #[arg(long)]
    addr: Option<String>,
    /// Where prices come from: replay, synthetic, binance, coinbase or kraken.
    #[arg(long)]
    source: Option<String>,
    /// Folder of data files of your own.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Bars a second of the replay; of trades, how much faster than they were made.
    #[arg(long, value_name = "BARS")]
    replay_speed: Option<String>,
}

impl From<ServeArgs> for Overrides {
    fn from(args: ServeArgs) -> Self {
        let options = [
            ("addr", "--addr", args.addr),
            ("market.source", "--source", args.source),
            ("market.data_dir", "--data-dir", args.data_dir),
            ("market.replay_speed", "--replay-speed", args.replay_speed),
        ];
        let settings =
            options.into_iter().filter_map(|(key, option, value)| Some((key, option, value?))).collect();
        Self { settings, file: args.config }
    }
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(args) => start(args),
        Command::Import(args) => import(&args),
        Command::Doctor { config, json } => examine(config, json),
        Command::Evidence(EvidenceCommand::Verify { file, key, json }) => verify(&file, key.as_deref(), json),
        Command::Evidence(EvidenceCommand::Key { config }) => evidence_key(config),
    }
}

fn import(args: &ImportArgs) -> ExitCode {
    let report = match import::check(&args.path) {
        Ok(report) => report,
        Err(error) => return fail(EXIT_USAGE, &error.to_string()),
    };
    let text = if args.json { report.json() } else { import::text(&report) };
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever reads it may stop in the middle.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => fail(1, &format!("print the report: {error}")),
        _ if report.is_good() => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    }
}

#[tokio::main]
async fn examine(config: Option<PathBuf>, is_json: bool) -> ExitCode {
    let overrides = Overrides { file: config, ..Overrides::default() };
    let config = match Config::load(&overrides, &ProcessEnvironment) {
        Ok(config) => config,
        Err(error) => return fail(EXIT_USAGE, &format!("settings are wrong:\n{error}")),
    };
    let report = doctor::examine(&config).await;
    let text = if is_json { json!(report).to_string() } else { report.to_string() };
    print_line(&text, if report.is_good() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn verify(file: &Path, key: Option<&str>, is_json: bool) -> ExitCode {
    let bundle = match std::fs::read(file) {
        Ok(bundle) => bundle,
        Err(error) => return fail(EXIT_USAGE, &format!("{}: {error}", file.display())),
    };
    let verified = verify::verify(&bundle, key);
    let report = match &verified {
        Ok(good) => json!({
            "ok": true, "sessionId": good.session_id, "subject": good.subject, "entries": good.entries,
            "publicKey": good.public_key, "isKeyChecked": key.is_some(),
        }),
        Err(fault) => json!({
            "ok": false, "damage": fault.damage.to_string(), "firstBadEntry": fault.place, "reason": fault.reason,
        }),
    };
    let text = match (&verified, is_json) {
        (_, true) => report.to_string(),
        (Ok(good), false) => {
            let key =
                if key.is_some() { "the key that was given" } else { "a key that was not checked (--key)" };
            let verify::Verified { session_id, subject, entries, public_key } = good;
            format!(
                "good: {entries} entries of session {session_id} of {subject}, signed with {key}: {public_key}"
            )
        }
        (Err(fault), false) => fault.to_string(),
    };
    let code = if verified.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) };
    print_line(&text, code)
}

fn evidence_key(config: Option<PathBuf>) -> ExitCode {
    let overrides = Overrides { file: config, ..Overrides::default() };
    let key = Config::load(&overrides, &ProcessEnvironment).map_err(anyhow::Error::from).and_then(|config| {
        let dir = config.state_dir.as_deref();
        dir.map_or(Ok(()), state_dir::prepare)?;
        Ok(Sealer::new(&SigningKeys::open(&config.stores.signing_keys, dir)?)?.public_key())
    });
    match key {
        Ok(key) => print_line(&key, ExitCode::SUCCESS),
        Err(error) => fail(EXIT_USAGE, &format!("{error:#}")),
    }
}

fn print_line(text: &str, code: ExitCode) -> ExitCode {
    match writeln!(std::io::stdout(), "{text}") {
        // Whoever reads it may have gone.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => fail(1, &format!("print: {error}")),
        _ => code,
    }
}

fn start(args: ServeArgs) -> ExitCode {
    let config = match Config::load(&args.into(), &ProcessEnvironment) {
        Ok(config) => config,
        Err(error) => return fail(EXIT_USAGE, &format!("settings are wrong:\n{error}")),
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&config.log))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .finish()
        .with(filter_fn(|about| is_discreet(about.target(), *about.level())))
        .init();
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &format!("{error:#}")),
    }
}

/// Whether what is said there may be in a log, whatever its settings are: the library of the sockets tells each
/// message, and with it the tokens of `auth` commands; that of PostgreSQL everything that is written.
fn is_discreet(target: &str, level: Level) -> bool {
    let is_chatty = level == Level::TRACE && target.starts_with("tungstenite")
        || level > Level::INFO && target.starts_with("tokio_postgres");
    !is_chatty
}

#[tokio::main]
async fn serve(config: Config) -> anyhow::Result<()> {
    let gateway = Gateway::build(config.clone()).await?;
    let stop = CancellationToken::new();
    let end = gateway.state().lifecycle.ending.clone();
    let signals = on_signals(stop.clone(), end).context("listen for signals")?;
    let listener =
        TcpListener::bind(config.addr).await.with_context(|| format!("listen on {}", config.addr))?;
    let addr = listener.local_addr().context("address of the listener")?;
    let listening = json!({
        "url": format!("http://{}", reachable(addr)),
        "addr": addr.to_string(),
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
    });
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{listening}").and_then(|()| stdout.flush()).context("say where it listens")?;
    tracing::info!(%addr, "listening");
    let signals = tokio::spawn(signals);
    gateway.serve(listener, stop.cancelled_owned()).await;
    signals.abort();
    Ok(())
}

/// Where a browser on this machine finds an address that stands for all of the machine's.
fn reachable(addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), addr.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), addr.port()),
        _ => addr,
    }
}

fn fail(code: u8, message: &str) -> ExitCode {
    // Nobody is left to tell when the error output is closed too.
    let _ = writeln!(std::io::stderr(), "spark-live: {message}");
    ExitCode::from(code)
}
