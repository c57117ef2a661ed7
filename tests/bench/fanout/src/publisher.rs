//! One keep-alive connection that publishes at a steady rate.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Server;
use crate::subscriber::now_ns;

/// The publisher.
pub struct Publisher {
    stream: TcpStream,
}

impl Publisher {
    /// Connects it.
    pub async fn connect(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.context("connect the publisher")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// Publishes at `rate` a second for that long, each at its own moment. Returns how many.
    pub async fn publish(&mut self, server: &dyn Server, rate: u32, length: Duration) -> anyhow::Result<u64> {
        let (start, period) = (Instant::now(), Duration::from_secs(1) / rate);
        let count = u64::from(rate) * length.as_secs();
        for number in 0..count {
            tokio::time::sleep_until((start + period * number as u32).into()).await;
            self.stream.write_all(&server.publication(now_ns())).await?;
            self.answer().await?;
        }
        Ok(count)
    }

    /// Reads one answer to its end.
    async fn answer(&mut self) -> anyhow::Result<()> {
        let mut text = Vec::with_capacity(1024);
        loop {
            if self.stream.read_buf(&mut text).await? == 0 {
                bail!("the server closed the publisher's connection");
            }
            let Some(end) = memchr::memmem::find(&text, b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
            if !head.starts_with("http/1.1 20") {
                bail!("a publication was refused: {}", String::from_utf8_lossy(&text));
            }
            let body_len = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|len| len.trim().parse::<usize>().ok())
                .context("the answer has no length")?;
            if text.len() >= end + 4 + body_len {
                return Ok(());
            }
        }
    }
}
