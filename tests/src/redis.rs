//! A Redis server of a test's own: an empty one in a temporary folder, on a free port of this machine.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::PATIENCE;

/// The running server. Dropping it kills it and removes its data.
#[derive(Debug)]
pub struct Redis {
    dir: TempDir,
    port: u16,
    settings: Vec<String>,
    child: Child,
}

impl Redis {
    /// Starts a server that writes everything down, as one that keeps tokens should.
    ///
    /// # Errors
    /// When Redis is not installed, or does not start.
    pub async fn start() -> Result<Self> {
        Self::with(&["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"])
            .await
    }

    /// Starts a server with settings of its own, as its command line takes them.
    ///
    /// # Errors
    /// When Redis is not installed, or does not start.
    pub async fn with(settings: &[&str]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("spark-redis-").tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect::<Vec<_>>();
        let child = serve(&dir, port, &settings)?;
        let server = Self { dir, port, settings, child };
        server.answers().await?;
        Ok(server)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Address and port it listens on.
    pub fn addr(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs a command and returns what the server says, a line for each part.
    ///
    /// # Errors
    /// When the server refuses it or does not answer.
    pub async fn command(&self, parts: &[&str]) -> Result<String> {
        let mut client = Command::new("redis-cli");
        client.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-e", "--raw"]).args(parts);
        let output = client.output().await.context("run redis-cli")?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(output.status.success(), "{parts:?}: {text} {}", String::from_utf8_lossy(&output.stderr));
        Ok(text)
    }

    /// Stops the server in the middle of everything, with its connections open; or lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn freeze(&self, is_frozen: bool) -> Result<()> {
        let signal = if is_frozen { Signal::STOP } else { Signal::CONT };
        Ok(kill_process(self.pid()?, signal)?)
    }

    /// Kills the server as a power cut would; [`Redis::revive`] starts it again.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn kill(&mut self) -> Result<()> {
        kill_process(self.pid()?, Signal::KILL)?;
        self.child.wait().await?;
        Ok(())
    }

    /// Starts the server again on what it has written down.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn revive(&mut self) -> Result<()> {
        self.child = serve(&self.dir, self.port, &self.settings)?;
        self.answers().await
    }

    fn pid(&self) -> Result<Pid> {
        Pid::from_raw(self.child.id().context("the server has ended")?.try_into()?).context("a process id")
    }

    async fn answers(&self) -> Result<()> {
        let tries = PATIENCE.as_millis() / 50;
        for _ in 0..tries {
            // It says that it is loading until it has read what it has written down.
            if self.command(&["PING"]).await.is_ok_and(|answer| answer == "PONG") {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
        bail!("Redis does not answer")
    }
}

fn serve(dir: &TempDir, port: u16, settings: &[String]) -> Result<Child> {
    let mut server = Command::new("redis-server");
    server.current_dir(dir.path()).args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    server.args(["--dir", &dir.path().display().to_string()]).args(settings);
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    server.spawn().context("start redis-server: apt-get install redis-server")
}
