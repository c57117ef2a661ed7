//! A PostgreSQL server of a test's own: a new cluster in a temporary folder, on a free port of this machine.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::PATIENCE;

/// Where Debian has the programs, newest first; else they are looked for on the path.
const FOLDERS: [&str; 4] = [
    "/usr/lib/postgresql/18/bin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
];
/// Whom the server runs as when the test runs as root, which it refuses to run as.
const USER: &str = "postgres";
/// The cluster's own superuser.
const SUPERUSER: &str = "spark";

/// The running server. Dropping it kills it and removes its data.
#[derive(Debug)]
pub struct Postgres {
    dir: TempDir,
    port: u16,
    env: Vec<(String, String)>,
    child: Child,
}

impl Postgres {
    /// Makes a cluster and starts its server.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start; with what it said.
    pub async fn start() -> Result<Self> {
        Self::with(&[]).await
    }

    /// The same with variables of its environment.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub async fn with(env: &[(&str, &str)]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("spark-postgres-").tempdir()?;
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg(USER).arg(dir.path())).await?;
        }
        let data = dir.path().join("data");
        let mut init = as_user("initdb", &[])?;
        init.arg("-D").arg(&data).args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync"]);
        run(&mut init).await?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let env =
            env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>();
        let child = serve(dir.path(), port, &env)?;
        let server = Self { dir, port, env, child };
        server.answers().await?;
        Ok(server)
    }

    /// Address and port it listens on.
    pub fn addr(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Address of a database of its own, which is made here.
    ///
    /// # Errors
    /// When the server does not take it.
    pub async fn database(&self, name: &str) -> Result<String> {
        let mut psql = self.psql("postgres");
        run(psql.arg("-c").arg(format!("CREATE DATABASE {name}"))).await?;
        Ok(format!("postgres://{SUPERUSER}@127.0.0.1:{}/{name}", self.port))
    }

    /// Runs a statement in a database and returns what it says, without decoration.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn query(&self, database: &str, statement: &str) -> Result<String> {
        let mut psql = self.psql(database);
        let output = psql.args(["-A", "-t", "-c", statement]).output().await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Stops the server in the middle of everything, with its connections open; or lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn freeze(&self, is_frozen: bool) -> Result<()> {
        let signal = if is_frozen { Signal::STOP } else { Signal::CONT };
        // Each connection is a process of its own; they are all children of the first.
        let parent = self.child.id().context("the server has ended")?;
        for pid in std::iter::once(parent).chain(children(parent)?) {
            kill_process(Pid::from_raw(pid.try_into()?).context("a process id")?, signal)?;
        }
        Ok(())
    }

    /// Kills the server as a power cut would, and starts it again on the same data.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart(&mut self) -> Result<()> {
        let pid = Pid::from_raw(self.child.id().context("the server has ended")?.try_into()?)
            .context("a process id")?;
        kill_process(pid, Signal::QUIT)?;
        self.child.wait().await?;
        self.child = serve(self.dir.path(), self.port, &self.env)?;
        self.answers().await
    }

    fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(program("psql").unwrap_or_else(|_| "psql".into()));
        psql.args([
            "-X",
            "-q",
            "-h",
            "127.0.0.1",
            "-U",
            SUPERUSER,
            "-d",
            database,
            "-p",
            &self.port.to_string(),
        ]);
        psql
    }

    async fn answers(&self) -> Result<()> {
        let tries = PATIENCE.as_millis() / 100;
        for _ in 0..tries {
            if self.query("postgres", "SELECT 1").await.is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        bail!("PostgreSQL does not answer")
    }
}

fn serve(dir: &Path, port: u16, env: &[(String, String)]) -> Result<Child> {
    let mut server = as_user("postgres", env)?;
    server.arg("-D").arg(dir.join("data")).arg("-k").arg(dir).args([
        "-h",
        "127.0.0.1",
        "-p",
        &port.to_string(),
    ]);
    server.args(["-c", "max_connections=200", "-c", "logging_collector=off"]);
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    server.spawn().context("start postgres")
}

/// A program of PostgreSQL's, run as somebody whom it accepts, who alone has the environment. `setpriv` and `env` become
/// the program, so that its process id is the program's.
fn as_user(name: &str, env: &[(String, String)]) -> Result<Command> {
    let program = program(name)?;
    if !rustix::process::geteuid().is_root() {
        let mut command = Command::new(program);
        command.envs(env.iter().map(|(name, value)| (name, value)));
        return Ok(command);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "env"]);
    command.args(env.iter().map(|(name, value)| format!("{name}={value}"))).arg(program);
    command.current_dir("/");
    Ok(command)
}

fn program(name: &str) -> Result<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let folders = FOLDERS.iter().map(PathBuf::from).chain(std::env::split_paths(&on_path));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| format!("{name} is not installed: apt-get install postgresql"))
}

async fn run(command: &mut Command) -> Result<()> {
    let output = command.output().await?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Processes that a process has begun.
fn children(parent: u32) -> Result<Vec<u32>> {
    let text = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    Ok(text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}
