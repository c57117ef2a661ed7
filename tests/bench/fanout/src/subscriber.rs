//! Many subscribers that do as little as can be: they look for the time in what arrives.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Server;
use crate::histogram::Histogram;

/// What stands before the time in a message.
const MARK: &[u8] = br#""t":1"#;
/// Digits of the time after the one in the mark.
const DIGITS: usize = 18;
/// Connections that are opened in a second: below what the gateway admits.
const OPEN_A_SECOND: u32 = 350;
/// How often a WebSocket gives a sign of life, in nanoseconds: more often than a server asks for one.
const ALIVE_NS: u64 = 10_000_000_000;
/// A sign of life: an empty pong, with a mask of zeros.
pub const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// The transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Server-sent events.
    Sse,
    /// A WebSocket.
    WebSocket,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sse => "SSE",
            Self::WebSocket => "WebSocket",
        })
    }
}

/// Nanoseconds of a clock that never goes back, with a one before 18 digits so that its length stays.
pub fn now_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    10u64.pow(DIGITS as u32) + START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// The subscribers, and what they have heard. They leave when it is dropped.
pub struct Audience {
    heard: Arc<Mutex<Histogram>>,
    lines: JoinSet<()>,
}

impl Audience {
    /// Opens that many lines, one after the other, and waits until each is open.
    pub async fn gather(server: &dyn Server, door: Door, count: usize) -> anyhow::Result<Self> {
        let heard = Arc::new(Mutex::new(Histogram::default()));
        let mut lines = JoinSet::new();
        let start = Instant::now();
        for number in 0..count {
            let due = start + Duration::from_secs(1) * number as u32 / OPEN_A_SECOND;
            tokio::time::sleep_until(due.into()).await;
            let line = open(server, door, number).await.with_context(|| format!("open line {number}"))?;
            lines.spawn(listen(line, door, Arc::clone(&heard)));
        }
        Ok(Self { heard, lines })
    }

    /// Begins to count anew.
    pub fn forget(&self) {
        *lock(&self.heard) = Histogram::default();
    }

    /// What has been heard so far.
    pub fn heard(&self) -> Histogram {
        lock(&self.heard).clone()
    }

    /// Makes sure that no line was closed meanwhile: what it did not get would be missing from the numbers.
    pub fn check_open(&mut self, count: usize) -> anyhow::Result<()> {
        while self.lines.try_join_next().is_some() {}
        ensure!(self.lines.len() == count, "the server closed {} of {count} lines", count - self.lines.len());
        Ok(())
    }
}

/// Opens one line and reads the head of the answer.
async fn open(server: &dyn Server, door: Door, number: usize) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&server.subscription(door, number)).await?;
    let mut head = Vec::with_capacity(512);
    while memchr::memmem::find(&head, b"\r\n\r\n").is_none() {
        if stream.read_buf(&mut head).await? == 0 {
            bail!("the server closed the line");
        }
    }
    let wanted: &[u8] = if door == Door::Sse { b"HTTP/1.1 200" } else { b"HTTP/1.1 101" };
    if !head.starts_with(wanted) {
        bail!("the server answered {}", String::from_utf8_lossy(&head));
    }
    if let Some(greeting) = server.greeting(door) {
        stream.write_all(&masked(&greeting)).await?;
    }
    Ok(stream)
}

/// Reads until the line ends. A mark may be cut in two by the end of a piece, so its tail is looked at again.
async fn listen(line: TcpStream, door: Door, heard: Arc<Mutex<Histogram>>) {
    const KEPT: usize = MARK.len() + DIGITS - 1;
    let mark = memchr::memmem::Finder::new(MARK);
    let mut text = Vec::new();
    let mut alive = now_ns();
    loop {
        // Memory is taken only while there is something to read, so that idle lines cost the harness little.
        if line.readable().await.is_err() {
            return;
        }
        text.reserve(16 * 1024);
        match line.try_read_buf(&mut text) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        }
        let now = now_ns();
        if door == Door::WebSocket && now - alive > ALIVE_NS {
            alive = now;
            // It fits: nothing else is sent.
            if line.try_write(&PONG).is_err() {
                return;
            }
        }
        let mut searched = 0;
        {
            let mut heard = lock(&heard);
            while let Some(at) = mark.find(&text[searched..]) {
                // The one that ends the mark is the time's first digit.
                let from = searched + at + MARK.len() - 1;
                let Some(digits) = text.get(from..=from + DIGITS) else { break };
                let sent = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
                heard.record(now.saturating_sub(sent));
                searched = from + DIGITS + 1;
            }
        }
        let kept = text.len().saturating_sub(KEPT).max(searched);
        text.drain(..kept);
        if text.capacity() > 64 * 1024 {
            text.shrink_to(KEPT);
        }
    }
}

/// A text frame as a client sends it; a mask of zeros is a mask.
pub fn masked(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

fn lock(heard: &Mutex<Histogram>) -> std::sync::MutexGuard<'_, Histogram> {
    heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
