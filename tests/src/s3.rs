//! An S3-compatible store of a test's own: a folder that a process of its own serves, on a free port of this machine.
//!
//! What it keeps lies in plain files, so that a test can spoil one behind the server's back. Requests must be signed,
//! and are judged: the signature, the age of a link, the checksum of what came.

mod digest;
mod faults;
mod server;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

pub use self::faults::Faults;
pub use self::server::S3Server;
use crate::PATIENCE;
use crate::gateway::built;

/// The one bucket.
pub const BUCKET: &str = "spark-test";
/// What the names of the gateway's objects begin with.
pub const PREFIX: &str = "results";
/// Whom the store serves.
pub const ACCESS_KEY: &str = "spark-test-key";
/// What requests are signed with.
pub const SECRET_KEY: &str = "spark-test-secret";
/// The region that goes into signatures.
pub const REGION: &str = "eu-central-1";

/// The running store. Dropping it kills the server and removes what was stored.
#[derive(Debug)]
pub struct S3 {
    dir: TempDir,
    addr: SocketAddr,
    process: Process,
}

/// The server, with the lines to and from it.
#[derive(Debug)]
struct Process {
    child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// The line that the server prints when it listens.
#[derive(Deserialize)]
struct Listening {
    addr: SocketAddr,
}

impl S3 {
    /// Starts a store with one empty bucket.
    ///
    /// # Errors
    /// When the server has not been built, or does not start.
    pub async fn start() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("spark-s3-").tempdir()?;
        let (process, addr) = Process::start(dir.path(), 0).await?;
        Ok(Self { dir, addr, process })
    }

    /// Address and port it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its address, for clients of S3 that name the bucket in the path.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What a gateway has to be told in order to keep its results here.
    #[must_use]
    pub fn env(&self) -> [(&'static str, String); 5] {
        [
            ("SPARK_RESULTS_URL", format!("s3://{BUCKET}/{PREFIX}")),
            ("SPARK_S3_ENDPOINT", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
            ("AWS_REGION", REGION.to_owned()),
        ]
    }

    /// Names of the objects in the bucket, in order. An upload that is not finished has none.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn objects(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        collect(&self.dir.path().join(BUCKET), "", &mut names)?;
        names.sort();
        Ok(names)
    }

    /// The file that holds an object's bytes, whether there is one or not; `key` as [`S3::objects`] names it.
    #[must_use]
    pub fn path(&self, key: &str) -> PathBuf {
        self.dir.path().join(BUCKET).join(key)
    }

    /// Uploads in parts that were begun and neither completed nor given up, or of which parts are left.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn uploads(&self) -> Result<usize> {
        let mut uploads = BTreeSet::new();
        for entry in std::fs::read_dir(self.dir.path())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // `.upload-<id>.json`, and `.upload_id-<id>.part-<number>` for each part.
            let id = name.strip_prefix(".upload-").or_else(|| name.strip_prefix(".upload_id-"));
            uploads.extend(id.and_then(|id| id.split('.').next()).map(str::to_owned));
        }
        Ok(uploads.len())
    }

    /// Every answer is held back for that long from now on, after what was asked for has been done.
    ///
    /// # Errors
    /// When the server does not take it: it was killed or is frozen.
    pub async fn slow(&mut self, delay: Duration) -> Result<()> {
        self.process.command(&format!("slow {}", delay.as_millis())).await
    }

    /// Every request is answered with that status from now on, and nothing is done; `None` ends it.
    ///
    /// # Errors
    /// As [`S3::slow`].
    pub async fn refuse(&mut self, status: Option<u16>) -> Result<()> {
        let status = status.map_or_else(|| "no".to_owned(), |status| status.to_string());
        self.process.command(&format!("refuse {status}")).await
    }

    /// One byte of everything that is uploaded from now on is another one when it arrives; or no longer.
    ///
    /// # Errors
    /// As [`S3::slow`].
    pub async fn corrupt(&mut self, is_corrupt: bool) -> Result<()> {
        self.process.command(if is_corrupt { "corrupt on" } else { "corrupt off" }).await
    }

    /// Stops the server in the middle of everything, with its connections open; or lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn freeze(&self, is_frozen: bool) -> Result<()> {
        let signal = if is_frozen { Signal::STOP } else { Signal::CONT };
        let pid = self.process.child.id().context("the store has ended")?;
        Ok(kill_process(Pid::from_raw(pid.try_into()?).context("a process id")?, signal)?)
    }

    /// Kills the server as a power cut would; [`S3::restart`] starts it again. Frozen or killed already, it is gone
    /// too.
    ///
    /// # Errors
    /// When it cannot be killed or waited for.
    pub async fn kill(&mut self) -> Result<()> {
        self.process.child.kill().await.context("kill the store")
    }

    /// Starts the server again on the same port and the same folder, killing it first if it still runs. It does what
    /// it should again, whatever it was told before.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        (self.process, self.addr) = Process::start(self.dir.path(), self.addr.port()).await?;
        Ok(())
    }
}

impl Process {
    async fn start(dir: &Path, port: u16) -> Result<(Self, SocketAddr)> {
        let mut server = Command::new(built("spark-live-test-s3")?);
        server.arg(dir).arg(port.to_string());
        server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
        let mut child = server.spawn().context("start the store")?;
        let commands = child.stdin.take().context("standard input")?;
        let answers = BufReader::new(child.stdout.take().context("standard output")?).lines();
        let mut process = Self { child, commands, answers };
        let line = process.line().await.context("the store does not listen")?;
        let Listening { addr } =
            serde_json::from_str(&line).with_context(|| format!("first line: {line}"))?;
        Ok((process, addr))
    }

    /// Sends a command and waits until it is in force.
    async fn command(&mut self, command: &str) -> Result<()> {
        self.commands.write_all(format!("{command}\n").as_bytes()).await?;
        let line = self.line().await.with_context(|| command.to_owned())?;
        let done = serde_json::json!({"done": command}).to_string();
        ensure!(line == done, "{command}: {line}");
        Ok(())
    }

    async fn line(&mut self) -> Result<String> {
        match timeout(PATIENCE, self.answers.next_line()).await {
            Ok(line) => line?.context("the store has ended"),
            Err(_) => bail!("the store says nothing"),
        }
    }
}

/// Adds the names of the files in a folder and in those within.
fn collect(dir: &Path, prefix: &str, names: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}
