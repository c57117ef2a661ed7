//! Two benchmarks of the gateway as a process of its own, `fanout` and `market`, and one of its engine of backtests, `sweep`.
//!
//! `fanout`: from one channel to many subscribers: processor time of the server for a delivery, latency, memory
//! for an idle connection. The same harness drives Nchan where it is installed, in the same run, with messages
//! of the same size; `npm run bench -- fanout` runs it.
//!
//! The harness shares the machine with the server that it measures, so latencies hold for both in the same way
//! and the processor time is that of the server's own processes.

mod gateway;
mod histogram;
mod market;
mod nchan;
mod process;
mod publisher;
mod report;
mod subscriber;
mod sweep;

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;

use self::gateway::Gateway;
use self::nchan::Nchan;
use self::report::{FanOut, Idle, Report};
use self::subscriber::{Audience, Door};

/// Which benchmark.
#[derive(Parser)]
enum Bench {
    /// One channel to many subscribers, beside Nchan.
    Fanout(Plan),
    /// Made-up trades through the whole gateway, and how exactly a file of trades keeps its time.
    Market(market::Plan),
    /// A sweep of backtests beside the Python package `backtesting`.
    Sweep(sweep::Plan),
}

/// What to measure.
#[derive(clap::Args)]
struct Plan {
    /// The gateway's binary, a release build.
    #[arg(long, default_value = "target/release/spark-live")]
    gateway: std::path::PathBuf,
    /// Subscribers of the one channel.
    #[arg(long, default_value_t = 500)]
    subscribers: usize,
    /// Publications a second, one run each.
    #[arg(long, value_delimiter = ',', default_value = "100,400")]
    rates: Vec<u32>,
    /// Length of a run, in seconds.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Idle connections at which memory is looked at.
    #[arg(long, value_delimiter = ',', default_value = "1000,5000")]
    idle: Vec<usize>,
    /// Measures only Nchan.
    #[arg(long)]
    without_gateway: bool,
}

/// What a server offers to the harness.
trait Server {
    /// Its name in the report.
    fn name(&self) -> &'static str;
    /// Its processes.
    fn pids(&self) -> Vec<u32>;
    /// What a publisher sends for one message that carries that time.
    fn publication(&self, time_ns: u64) -> Vec<u8>;
    /// How a subscriber opens its line.
    fn subscription(&self, door: Door, number: usize) -> Vec<u8>;
    /// What the subscriber sends when the line is open, for a server that wants to be asked.
    fn greeting(&self, door: Door) -> Option<String>;
    /// Where it listens.
    fn port(&self) -> u16;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let plan = match Bench::parse() {
        Bench::Fanout(plan) => plan,
        Bench::Market(plan) => return market::run(&plan).await,
        Bench::Sweep(plan) => return sweep::run(&plan),
    };
    let mut report = Report::default();
    if !plan.without_gateway {
        let binary = plan.gateway.display();
        ensure!(plan.gateway.exists(), "{binary} is not there: cargo build --release -p spark-live");
        measure(&plan, &Start::Gateway, &mut report).await.context("the gateway")?;
    }
    if nchan::is_installed() {
        measure(&plan, &Start::Nchan, &mut report).await.context("Nchan")?;
    } else {
        report.note("Nchan is not installed (apt-get install nginx-light libnginx-mod-nchan): nothing to compare with");
    }
    report.print();
    Ok(())
}

/// Which server; each measurement starts one anew, so that none inherits the memory of another.
enum Start {
    Gateway,
    Nchan,
}

impl Start {
    async fn server(&self, plan: &Plan) -> anyhow::Result<Box<dyn Server>> {
        Ok(match self {
            Self::Gateway => Box::new(Gateway::start(&plan.gateway).await?),
            Self::Nchan => Box::new(Nchan::start().await?),
        })
    }
}

async fn measure(plan: &Plan, start: &Start, report: &mut Report) -> anyhow::Result<()> {
    for door in [Door::Sse, Door::WebSocket] {
        for &rate in &plan.rates {
            let server = start.server(plan).await?;
            report.fan_out(fan_out(server.as_ref(), door, plan, rate).await?);
        }
        for &connections in &plan.idle {
            let server = start.server(plan).await?;
            report.idle(idle(server.as_ref(), door, connections).await?);
        }
    }
    Ok(())
}

async fn fan_out(server: &dyn Server, door: Door, plan: &Plan, rate: u32) -> anyhow::Result<FanOut> {
    let mut audience = Audience::gather(server, door, plan.subscribers).await?;
    let mut publisher = publisher::Publisher::connect(server.port()).await?;
    // The first second warms both ends up and is not counted.
    publisher.publish(server, rate, Duration::from_secs(1)).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    audience.forget();
    let cpu_before = process::cpu_time(&server.pids())?;
    let published = publisher.publish(server, rate, Duration::from_secs(plan.seconds)).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let cpu = process::cpu_time(&server.pids())? - cpu_before;
    let heard = audience.heard();
    audience.check_open(plan.subscribers)?;
    let expected = published * plan.subscribers as u64;
    Ok(FanOut {
        server: server.name(),
        door,
        rate,
        delivered: heard.count(),
        expected,
        cpu_us: cpu.as_secs_f64() * 1e6 / heard.count().max(1) as f64,
        p50: heard.quantile(0.5),
        p99: heard.quantile(0.99),
    })
}

async fn idle(server: &dyn Server, door: Door, connections: usize) -> anyhow::Result<Idle> {
    let before = process::memory(&server.pids())?;
    let mut audience = Audience::gather(server, door, connections).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = process::memory(&server.pids())?;
    audience.check_open(connections)?;
    let bytes = after.saturating_sub(before) as f64 / connections as f64;
    Ok(Idle { server: server.name(), door, connections, bytes })
}
