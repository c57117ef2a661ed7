//! Clients that are slow on purpose: heads that dribble, bodies that stop, answers that nobody reads. They are closed
//! in time, cost little memory, and others are served all the while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use spark_live_tests::process::{p99, resident, sockets};
use spark_live_tests::{Envelope, Gateway, Line, PATIENCE};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{interval, sleep};

/// All of a crowd are closed within this, counted from when the last one came.
const CLOSED_WITHIN: Duration = Duration::from_secs(15);
/// What a crowd may cost, in bytes.
const MEMORY: u64 = 50_000_000;
/// Receive buffer of a client that does not read, in bytes.
const NARROW: u32 = 8 * 1024;

/// Answers that a client asks for and does not read.
const ANSWERS: usize = 250;

/// What one crowd costs must not show in the figures of another.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const ALIVE: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// How a client is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slow {
    Head,
    Body,
    Reader,
}

impl Slow {
    /// What it sends at once.
    fn begins(self) -> String {
        match self {
            Self::Head => "GET /healthz HTTP/1.1\r\nHost: a\r\nX: ".to_owned(),
            Self::Body => "POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{".to_owned(),
            Self::Reader => {
                // About 8 MB of answers, more than the system's buffers take.
                "GET /api/schema/envelope.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(ANSWERS)
            }
        }
    }

    /// The error code that it is told.
    fn told(self) -> Option<&'static str> {
        match self {
            Self::Head => Some("HEADER_TIMEOUT"),
            Self::Body => Some("BODY_TIMEOUT"),
            Self::Reader => None,
        }
    }
}

/// How many clients are slow at once, and a gateway for them: with the times that it has by itself in the long form.
async fn crowd_and_gateway() -> Result<(usize, Gateway)> {
    // They all come from one address.
    let options = Gateway::options().env("SPARK_LIMITS_CONNECTIONS_PER_ADDRESS", 10_000);
    if std::env::var_os("SPARK_TEST_LONG").is_some() {
        return Ok((1_000, options.start().await?));
    }
    let options = options
        .env("SPARK_LIMITS_HEADER_TIMEOUT_MS", 2_000)
        .env("SPARK_LIMITS_BODY_IDLE_TIMEOUT_MS", 2_000)
        .env("SPARK_LIVE_WRITE_TIMEOUT_MS", 2_000);
    Ok((150, options.start().await?))
}

/// Somebody else, who asks on, and how long each answer takes.
struct Bystander {
    is_over: Arc<AtomicBool>,
    asks: JoinHandle<Result<Vec<Duration>>>,
}

impl Bystander {
    fn new(mut line: Line) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let asks = tokio::spawn(async move {
            let mut delays = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                line.send(ALIVE).await?;
                let (head, _) = line.answer().await?;
                ensure!(head.status == 200, "{head:?}");
                delays.push(began.elapsed());
                sleep(Duration::from_millis(5)).await;
            }
            Ok(delays)
        });
        Self { is_over, asks }
    }

    /// The p99 of its answers, and how many there were.
    async fn ends(self) -> Result<(Duration, usize)> {
        self.is_over.store(true, Ordering::Relaxed);
        let mut delays = self.asks.await?.context("the bystander")?;
        ensure!(!delays.is_empty(), "the bystander was never served");
        Ok((p99(&mut delays), delays.len()))
    }
}

/// One slow client: `None` when it was closed without a word.
async fn slow(mut line: Line, slow: Slow) -> Result<Option<(u16, Envelope)>> {
    line.send(slow.begins().as_bytes()).await?;
    if slow == Slow::Reader {
        // It holds the line for as long as the test waits.
        sleep(CLOSED_WITHIN * 2).await;
        return Ok(None);
    }
    let mut dribble = interval(Duration::from_millis(300));
    loop {
        tokio::select! {
            answered = line.look(1) => {
                answered.context("closed without a word")?;
                break;
            }
            _ = dribble.tick() => if slow == Slow::Head {
                line.send(b"x").await?;
            }
        }
    }
    let (head, body) = line.answer().await?;
    ensure!(!line.fill().await.unwrap_or(false), "something came behind {head:?}");
    Ok(Some((head.status, Envelope::parse(std::str::from_utf8(&body)?)?)))
}

/// Waits until the gateway has so many sockets.
async fn filled(pid: u32, wanted: usize) -> Result<()> {
    let began = Instant::now();
    while sockets(pid)? < wanted {
        ensure!(began.elapsed() < PATIENCE, "only {} at once", sockets(pid)?);
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Waits until the gateway has no more sockets than `wanted`, and returns how long that took and the most memory that
/// it had.
async fn emptied(pid: u32, wanted: usize) -> Result<(Duration, u64)> {
    let began = Instant::now();
    let mut most = 0;
    loop {
        most = most.max(resident(pid)?);
        let open = sockets(pid)?;
        if open <= wanted {
            return Ok((began.elapsed(), most));
        }
        ensure!(began.elapsed() < CLOSED_WITHIN, "{} are still open", open - wanted);
        sleep(Duration::from_millis(50)).await;
    }
}

/// Judges a crowd that is slow in one way, and returns the figures.
async fn judge(kind: Slow) -> Result<String> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (count, gateway) = crowd_and_gateway().await?;
    let (pid, addr) = (gateway.pid(), gateway.addr().parse()?);
    let alone = Bystander::new(Line::connect(addr).await?);
    sleep(Duration::from_millis(1_500)).await;
    let (alone, _) = alone.ends().await?;
    let bystander = Bystander::new(Line::connect(addr).await?);
    sleep(Duration::from_millis(300)).await;
    let (quiet, before) = (sockets(pid)?, resident(pid)?);
    let mut crowd = JoinSet::new();
    for _ in 0..count {
        crowd.spawn(slow(Line::connect_narrow(addr, NARROW).await?, kind));
    }
    // The first ones may be closed before the last ones come.
    filled(pid, quiet + count * 9 / 10).await?;
    let (closed_after, most) = emptied(pid, quiet).await?;
    let (beside, answers) = bystander.ends().await?;
    let grown = most.saturating_sub(before);
    ensure!(grown < MEMORY, "{grown} bytes more");
    ensure!(beside < alone * 10 + Duration::from_millis(500), "p99 {beside:?} beside them, {alone:?} alone");
    if let Some(code) = kind.told() {
        while let Some(told) = crowd.join_next().await {
            let (status, envelope) = told??.context("not told")?;
            ensure!((status, envelope.error_code.as_deref()) == (408, Some(code)), "{status} {envelope}");
        }
    }
    Ok(format!(
        "{kind:?}: {count} sockets at once, all closed after {closed_after:?}, {:.1} MB more; p99 of {answers} others \
         {beside:?}, without them {alone:?}",
        grown as f64 / 1e6
    ))
}

#[tokio::test]
async fn slow_heads_are_told_and_closed_and_nobody_waits_for_them() -> Result<()> {
    println!("{}", judge(Slow::Head).await?);
    Ok(())
}

#[tokio::test]
async fn slow_bodies_are_told_and_closed_and_nobody_waits_for_them() -> Result<()> {
    println!("{}", judge(Slow::Body).await?);
    Ok(())
}

#[tokio::test]
async fn slow_readers_are_closed_and_nobody_waits_for_them() -> Result<()> {
    println!("{}", judge(Slow::Reader).await?);
    Ok(())
}

#[tokio::test]
async fn a_body_that_dribbles_has_a_time_for_all_of_it() -> Result<()> {
    let options = Gateway::options()
        .env("SPARK_LIMITS_BODY_TIMEOUT_MS", 1_500)
        .env("SPARK_LIMITS_BODY_IDLE_TIMEOUT_MS", 1_000);
    let gateway = options.start().await?;
    let mut line = Line::connect(gateway.addr().parse()?).await?;
    line.send(Slow::Body.begins().as_bytes()).await?;
    let began = Instant::now();
    let mut dribble = interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            answered = line.look(1) => {
                answered?;
                break;
            }
            _ = dribble.tick() => line.send(b" ").await?,
        }
    }
    let (head, body) = line.answer().await?;
    let envelope = Envelope::parse(std::str::from_utf8(&body)?)?;
    ensure!((head.status, envelope.error_code.as_deref()) == (408, Some("BODY_TIMEOUT")), "{envelope}");
    ensure!(began.elapsed() >= Duration::from_millis(1_400), "no pause was too long: {:?}", began.elapsed());
    Ok(())
}
