//! The gateway as a process of its own: started on a free port, killed by its id, started again.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::PATIENCE;

/// How a gateway is to be started. Nothing of the caller's own `SPARK_*`, `AWS_*` and `COPILOT_*` environment gets
/// through.
#[derive(Clone, Debug, Default)]
pub struct GatewayOptions {
    env: Vec<(String, String)>,
    settings: Option<String>,
    patience: Option<Duration>,
}

impl GatewayOptions {
    /// A file of settings, given with `--config`.
    #[must_use]
    pub fn settings(mut self, toml: &str) -> Self {
        self.settings = Some(toml.to_owned());
        self
    }

    /// One setting, by the name of its environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.env.push((name.to_owned(), value.to_string()));
        self
    }

    /// One setting where nothing was said of it yet.
    #[must_use]
    pub fn or_env(self, name: &str, value: impl ToString) -> Self {
        if self.env.iter().any(|(given, _)| given == name) { self } else { self.env(name, value) }
    }

    /// Several settings, such as those that another server of the harness gives.
    #[must_use]
    pub fn envs<N: Into<String>>(mut self, settings: impl IntoIterator<Item = (N, String)>) -> Self {
        self.env.extend(settings.into_iter().map(|(name, value)| (name.into(), value)));
        self
    }

    /// How long it may take until it listens, if it has much to read.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Bars a second of the replay.
    #[must_use]
    pub fn speed(self, bars_a_second: f64) -> Self {
        self.env("SPARK_REPLAY_SPEED", bars_a_second)
    }

    /// A folder of data files in place of the shipped ones.
    #[must_use]
    pub fn data_dir(self, dir: &std::path::Path) -> Self {
        self.env("SPARK_DATA_DIR", dir.display())
    }

    /// Starts the gateway and waits until it listens.
    ///
    /// # Errors
    /// When the binary is missing, ends before it listens, or does not say where it listens; with what
    /// it wrote to its error output.
    pub async fn start(self) -> Result<Gateway> {
        Gateway::start_with(self).await
    }
}

/// A running gateway. Dropping it kills the process, and fails the test if the process has panicked.
#[derive(Debug)]
pub struct Gateway {
    options: GatewayOptions,
    child: Child,
    listening: Listening,
    output: Output,
    /// The process's working folder, so that whatever it keeps is not left in the checkout.
    state_dir: Arc<TempDir>,
}

/// The one line of JSON that the gateway prints when it listens.
#[derive(Clone, Debug, Deserialize)]
struct Listening {
    url: String,
    addr: String,
    version: String,
    pid: u32,
}

impl Gateway {
    /// A gateway with default settings and the shipped data.
    ///
    /// # Errors
    /// See [`GatewayOptions::start`].
    pub async fn start() -> Result<Self> {
        GatewayOptions::default().start().await
    }

    /// Settings for a gateway that is not started yet.
    #[must_use]
    pub fn options() -> GatewayOptions {
        GatewayOptions::default()
    }

    async fn start_with(options: GatewayOptions) -> Result<Self> {
        let state_dir = Arc::new(tempfile::tempdir().context("a folder for the gateway")?);
        Self::spawn(options, "127.0.0.1:0", state_dir).await
    }

    async fn spawn(options: GatewayOptions, addr: &str, state_dir: Arc<TempDir>) -> Result<Self> {
        let binary = binary()?;
        let mut command = Command::new(&binary);
        command.arg("serve");
        if let Some(settings) = &options.settings {
            let file = state_dir.path().join("settings.toml");
            std::fs::write(&file, settings).with_context(|| file.display().to_string())?;
            command.arg("--config").arg(file);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["SPARK_", "AWS_", "COPILOT_"].iter().any(|own| text.starts_with(own)) {
                command.env_remove(name);
            }
        }
        command.env("SPARK_ADDR", addr).current_dir(state_dir.path());
        command.envs(options.env.iter().map(|(name, value)| (name, value)));
        let mut child = command.spawn().with_context(|| format!("start {}", binary.display()))?;
        let (said, mut lines) = mpsc::unbounded_channel();
        let output = Output::default();
        tokio::spawn(read_lines(child.stdout.take().context("standard output")?, move |line| {
            // Nobody listens any more once the gateway has said where it is.
            let _unheard = said.send(line);
        }));
        let collector = output.clone();
        let errors = tokio::spawn(read_lines(child.stderr.take().context("error output")?, move |line| {
            collector.push(line);
        }));
        let first = timeout(options.patience.unwrap_or(PATIENCE), lines.recv()).await;
        let Ok(Some(line)) = first else {
            let status = child.try_wait();
            if matches!(first, Ok(None)) {
                // It has ended. What it said last is still on its way.
                let _late = timeout(PATIENCE, errors).await;
            }
            bail!("gateway does not listen ({status:?}); it said:\n{}", output.text());
        };
        let listening =
            serde_json::from_str(&line).with_context(|| format!("first line of output: {line}"))?;
        Ok(Self { options, child, listening, output, state_dir })
    }

    /// Where it listens, with `path` (which starts with a slash) behind it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.listening.url.trim_end_matches('/'))
    }

    /// The same for a WebSocket.
    #[must_use]
    pub fn ws_url(&self, path: &str) -> String {
        self.url(path).replacen("http", "ws", 1)
    }

    /// Address and port it listens on.
    #[must_use]
    pub fn addr(&self) -> &str {
        &self.listening.addr
    }

    /// The version that it says it is.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.listening.version
    }

    /// The process id that it says it has.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.listening.pid
    }

    /// The folder that it runs in: whatever it keeps is in there.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.state_dir.path()
    }

    /// What it has written to its error output so far.
    #[must_use]
    pub fn stderr(&self) -> Vec<String> {
        self.output.lines()
    }

    /// Waits until a line of the error output fits, and returns it.
    ///
    /// # Errors
    /// When none has come in time; with everything that was written.
    pub async fn stderr_line(&self, fits: impl Fn(&str) -> bool) -> Result<String> {
        let wait = async {
            loop {
                // Registered before the look, so that a line between the two is not missed.
                let more = self.output.more.notified();
                if let Some(line) = self.output.lines().into_iter().find(|line| fits(line)) {
                    return line;
                }
                more.await;
            }
        };
        match timeout(PATIENCE, wait).await {
            Ok(line) => Ok(line),
            Err(_) => bail!("no such line; it wrote:\n{}", self.output.text()),
        }
    }

    /// Kills the process the way a power cut would, and waits until it is gone.
    ///
    /// # Errors
    /// When the process cannot be killed or waited for.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("kill the gateway")
    }

    /// Asks the process to stop (SIGTERM).
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Stops the process where it is, or lets it go on.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn freeze(&self, is_frozen: bool) -> Result<()> {
        self.signal(if is_frozen { Signal::STOP } else { Signal::CONT })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.child.id().context("the gateway has ended already")?;
        let pid = Pid::from_raw(i32::try_from(pid)?).context("process id is zero")?;
        kill_process(pid, signal).with_context(|| format!("send {signal:?}"))
    }

    /// Waits for the process to end by itself.
    ///
    /// # Errors
    /// When it has not ended within `limit`.
    pub async fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        match timeout(limit, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => bail!("gateway still runs after {limit:?}; it wrote:\n{}", self.output.text()),
        }
    }

    /// Kills it and starts it again on the same port, with one more variable of its environment, or one less.
    ///
    /// # Errors
    /// See [`GatewayOptions::start`].
    pub async fn restart_with(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        self.options.env.retain(|(known, _)| known != name);
        self.options.env.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        self.restart().await
    }

    /// Kills it and starts it again with the same settings on the same port.
    ///
    /// # Errors
    /// See [`GatewayOptions::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        let addr = self.listening.addr.clone();
        *self = Self::spawn(self.options.clone(), &addr, Arc::clone(&self.state_dir)).await?;
        ensure!(self.listening.addr == addr, "came back on {} instead of {addr}", self.listening.addr);
        Ok(())
    }
}

impl Drop for Gateway {
    /// No test passes in which the gateway panicked, even where the panic was caught and nobody noticed.
    #[allow(clippy::panic, reason = "a panic is the verdict of the test")]
    fn drop(&mut self) {
        let panicked = self.output.lines().into_iter().find(|line| line.contains("panicked at"));
        if let (Some(line), false) = (panicked, std::thread::panicking()) {
            panic!("the gateway panicked: {line}\n{}", self.output.text());
        }
    }
}

/// Lines of the error output, shared with the task that reads them.
#[derive(Clone, Debug, Default)]
struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    more: Arc<Notify>,
}

impl Output {
    fn push(&self, line: String) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        self.more.notify_waiters();
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn text(&self) -> String {
        self.lines().join("\n")
    }
}

async fn read_lines(stream: impl AsyncRead + Unpin, mut take: impl FnMut(String)) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        take(line);
    }
}

/// The binary under test: `SPARK_BIN`, else the one beside this test's own executable.
///
/// # Errors
/// When it has not been built.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("SPARK_BIN") {
        return Ok(path.into());
    }
    built("spark-live").context("no gateway to test: SPARK_BIN may name one")
}

/// A binary beside this test's own executable.
///
/// # Errors
/// When it has not been built.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("path of this test")?;
    let profile_dir = own.parent().and_then(std::path::Path::parent).context("folder of the build")?;
    let path = profile_dir.join(name);
    ensure!(path.is_file(), "there is no {}: run `cargo build --bin {name}`", path.display());
    Ok(path)
}
