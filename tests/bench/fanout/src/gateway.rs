//! The gateway: a namespace of its own, in which nothing is merged, and a publisher with a token.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Server;
use crate::subscriber::Door;

/// What fills a message up to the size of a price: an envelope of about 220 bytes.
const FILL: &str = "0123456789012345678901234567890123456789012345678901234567890123";

/// A running gateway; it ends with this.
pub struct Gateway {
    port: u16,
    pid: u32,
    secret: String,
    publisher: String,
    _child: Child,
    _home: TempDir,
}

impl Gateway {
    /// Starts it on a free port.
    pub async fn start(binary: &Path) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let port = free_port()?;
        let settings = home.path().join("settings.toml");
        std::fs::write(&settings, "[[live.namespaces]]\nname = \"bench\"\nmode = \"event\"\n")?;
        let secret = URL_SAFE_NO_PAD.encode(std::array::from_fn::<u8, 48, _>(|at| at as u8));
        let child = Command::new(binary)
            .args(["serve", "--config"])
            .arg(&settings)
            .env("SPARK_ADDR", format!("127.0.0.1:{port}"))
            .env("SPARK_STATE_DIR", home.path())
            .env("SPARK_JWT_SECRET", &secret)
            .env("SPARK_LIMITS_CONNECTIONS_PER_ADDRESS", "10000")
            .env("SPARK_LOG", "warn")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start the gateway")?;
        wait_for_port(port).await?;
        let pid = child.id().context("the gateway has ended")?;
        let publisher = token(&secret, "publisher", "publisher")?;
        Ok(Self { port, pid, secret, publisher, _child: child, _home: home })
    }
}

impl Server for Gateway {
    fn name(&self) -> &'static str {
        "Spark Live"
    }

    fn pids(&self) -> Vec<u32> {
        vec![self.pid]
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn publication(&self, time_ns: u64) -> Vec<u8> {
        let body = format!(r#"{{"channel":"bench:feed","event":"feed.item","data":{}}}"#, data(time_ns));
        format!(
            "POST /api/live/publish HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.publisher,
            body.len()
        )
        .into_bytes()
    }

    fn subscription(&self, door: Door, number: usize) -> Vec<u8> {
        // A person has at most so many connections; these are as many people.
        let token = token(&self.secret, &format!("reader-{number}"), "admin").unwrap_or_default();
        let authorization = format!("authorization: Bearer {token}\r\n");
        match door {
            Door::Sse => opening("/api/live/sse?channels=bench:feed", door, &authorization),
            Door::WebSocket => opening("/api/live/ws", door, &authorization),
        }
    }

    fn greeting(&self, door: Door) -> Option<String> {
        let subscribe = json!({"id": 1, "cmd": "subscribe", "channels": [{"name": "bench:feed"}]});
        (door == Door::WebSocket).then(|| subscribe.to_string())
    }
}

/// The data of a message.
pub fn data(time_ns: u64) -> String {
    format!(r#"{{"t":{time_ns},"fill":"{FILL}"}}"#)
}

/// The request that opens a line.
pub fn opening(path: &str, door: Door, headers: &str) -> Vec<u8> {
    let of_door = match door {
        Door::Sse => "accept: text/event-stream\r\n",
        Door::WebSocket => {
            "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        }
    };
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{of_door}{headers}\r\n").into_bytes()
}

/// A port that was free a moment ago.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until something listens.
pub async fn wait_for_port(port: u16) -> anyhow::Result<()> {
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("nothing listens on port {port} after 10 s")
}

fn token(secret: &str, subject: &str, role: &str) -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({"sub": subject, "roles": [role], "iat": now, "exp": now + 3_600});
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).context("a key of any length will do")?;
    mac.update(signed.as_bytes());
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}
