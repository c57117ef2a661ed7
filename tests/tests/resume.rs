//! Resume under fire: many clients of each transport, publishers that do not wait, lines that are cut at random
//! moments for random times. Every client must have every publication once and in order, or know the exact range
//! that it lost.
//!
//! `SPARK_TEST_LONG=1` runs the long form; `SPARK_TEST_SEED` repeats a run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use spark_live_tests::live::{Ask, Ended, Live, Standing, Transport};
use spark_live_tests::{Dice, Envelope, Gateway, Ledger, Mode, Proxy, Publisher, Target, Took, unique};
use tokio::sync::watch;
use tokio::time::{interval, sleep, timeout};

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Clients of each transport.
    clients: usize,
    /// Channels, half of them `event`, half `lossless`.
    channels: usize,
    /// Channels that one client has.
    each: usize,
    /// Publications a second over all channels.
    rate: u64,
    /// How long is published.
    time: Duration,
    /// Longest time between two cuts of one client.
    cut_every: Duration,
    /// Longest time that a line stays cut.
    cut_for: Duration,
}

const SHORT: Plan = Plan {
    clients: 20,
    channels: 10,
    each: 2,
    rate: 500,
    time: Duration::from_secs(5),
    cut_every: Duration::from_millis(1_500),
    cut_for: Duration::from_millis(500),
};

const LONG: Plan = Plan {
    clients: 200,
    channels: 50,
    each: 2,
    rate: 2_000,
    time: Duration::from_secs(60),
    cut_every: Duration::from_secs(10),
    cut_for: Duration::from_secs(5),
};

/// Time from the last publication in which every client must have come to the end.
const CATCH_UP: Duration = Duration::from_secs(60);
/// Publications of one request.
const BATCH: u64 = 50;

/// What one client did.
#[derive(Debug, Default)]
struct Told {
    delivered: u64,
    resent: u64,
    resumed: u64,
    lost: u64,
    gaps: usize,
    cuts: u64,
}

impl Told {
    fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.resent += other.resent;
        self.resumed += other.resumed;
        self.lost += other.lost;
        self.gaps += other.gaps;
        self.cuts += other.cuts;
    }
}

/// What all clients share.
struct Fire {
    plan: Plan,
    target: Target,
    proxy: Proxy,
    /// The newest number of each channel once all is published; empty before.
    heads: watch::Receiver<BTreeMap<String, u64>>,
    /// Nobody goes on once one has failed.
    is_over: AtomicBool,
}

/// One client over all its lines.
struct Client {
    transport: Transport,
    ask: Ask,
    standing: Standing,
    ledgers: BTreeMap<String, Ledger>,
    dice: Dice,
    cuts: u64,
}

impl Client {
    /// Reads until everything that was published is accounted for, over as many lines as it takes.
    async fn run(mut self, fire: &Fire) -> Result<Told> {
        while !self.is_done(fire) {
            ensure!(!fire.is_over.load(Ordering::Relaxed), "another has failed");
            let ask = self.ask.clone().from(&self.standing);
            let mut live = match self.transport.open(fire.proxy.addr(), &ask).await {
                Ok(live) => live,
                Err(error) if is_cut(&error) => {
                    self.cuts += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let is_firing = fire.heads.borrow().is_empty();
            let life = self.dice.up_to(fire.plan.cut_every);
            let life = if is_firing { life } else { CATCH_UP };
            let read = timeout(life, self.read(&mut *live, fire)).await;
            self.standing = live.standing().clone();
            drop(live);
            match read {
                Ok(Ok(())) => continue,
                Ok(Err(error)) if is_cut(&error) => {}
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    ensure!(
                        is_firing,
                        "not at the end in time: {:?} of {:?}",
                        self.ends(),
                        *fire.heads.borrow()
                    );
                }
            }
            self.cuts += 1;
            sleep(self.dice.up_to(fire.plan.cut_for)).await;
        }
        self.told()
    }

    async fn read(&mut self, live: &mut dyn Live, fire: &Fire) -> Result<()> {
        let mut heads = fire.heads.clone();
        while !self.is_done(fire) {
            let next = tokio::select! {
                next = live.next() => next,
                _ = heads.changed() => continue,
            };
            let envelope = next?;
            let Some(ledger) = self.ledgers.get_mut(&envelope.channel) else { continue };
            ensure!(envelope.event != "system.error", "{envelope}");
            match ledger.take(&envelope).with_context(|| format!("at {envelope}"))? {
                Took::New(from) => is_whole(&envelope, from)?,
                Took::Known => {
                    // A stream that was cut within a flush comes back to the end of the one before.
                    ensure!(self.transport == Transport::Sse && self.cuts > 0, "twice: {envelope}");
                }
                Took::Other => {}
            }
        }
        Ok(())
    }

    fn is_done(&self, fire: &Fire) -> bool {
        let heads = fire.heads.borrow();
        !heads.is_empty() && self.ledgers.iter().all(|(channel, ledger)| ledger.last() == heads[channel])
    }

    fn ends(&self) -> BTreeMap<&str, u64> {
        self.ledgers.iter().map(|(channel, ledger)| (channel.as_str(), ledger.last())).collect()
    }

    fn told(self) -> Result<Told> {
        let mut told = Told { cuts: self.cuts, ..Told::default() };
        for (channel, ledger) in self.ledgers {
            let first = ledger.first().unwrap_or(1);
            let whole = ledger.last() + 1 - first;
            ensure!(ledger.delivered + ledger.lost == whole, "{channel}: {ledger:?}");
            ensure!(
                ledger.lost == 0 || channel.starts_with("feed:"),
                "{channel} is lossless: {:?}",
                ledger.gaps
            );
            told.delivered += ledger.delivered;
            told.resent += ledger.resent;
            told.resumed += ledger.resumed;
            told.lost += ledger.lost;
            told.gaps += ledger.gaps.len();
        }
        Ok(told)
    }
}

/// A line that is stalled for longer than two heartbeats is taken for dead.
const PING_TIMEOUT: u16 = 4109;

/// The line is gone, and nothing else is wrong.
fn is_cut(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Ended>() {
        Some(ended) => ended.code.is_none_or(|code| code == PING_TIMEOUT),
        None => {
            error.downcast_ref::<std::io::Error>().is_some() || format!("{error:#}").contains("has ended")
        }
    }
}

/// Cuts all lines at once, or stalls them, until there is nothing left to spoil.
async fn spoil(fire: &Fire, mut dice: Dice) -> u32 {
    let mut storms = 0;
    while fire.heads.borrow().is_empty() && !fire.is_over.load(Ordering::Relaxed) {
        sleep(dice.up_to(fire.plan.cut_every)).await;
        storms += 1;
        if dice.roll().is_multiple_of(2) {
            fire.proxy.cut();
        } else {
            fire.proxy.set(Mode::Stall);
            sleep(dice.up_to(fire.plan.cut_for)).await;
            fire.proxy.set(Mode::Pass);
        }
    }
    storms
}

/// The data must be that of the numbers it stands for: one, or joined pieces of a text.
fn is_whole(envelope: &Envelope, from: u64) -> Result<()> {
    let text: String = envelope.field("text")?;
    let first = envelope.field::<Option<u64>>("fromSeq")?.unwrap_or(envelope.seq);
    let wanted: String = (first..=envelope.seq).map(|n| format!("{n};")).collect();
    ensure!(text == wanted && from >= first, "{envelope} is not {wanted}");
    Ok(())
}

/// Publishes over all channels at the plan's rate and tells the newest number of each.
async fn publish(
    publisher: &mut Publisher,
    channels: &[String],
    plan: Plan,
    is_over: &AtomicBool,
) -> Result<BTreeMap<String, u64>> {
    let mut heads: BTreeMap<String, u64> = channels.iter().map(|channel| (channel.clone(), 0)).collect();
    let mut tick = interval(Duration::from_millis(1_000 * BATCH / plan.rate));
    let mut at = 0;
    for _ in 0..plan.rate * plan.time.as_secs() / BATCH {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        tick.tick().await;
        let mut items = Vec::new();
        for _ in 0..BATCH {
            let channel = &channels[at % channels.len()];
            at += 1;
            let Some(head) = heads.get_mut(channel) else { bail!("{channel}") };
            *head += 1;
            items.push(
                json!({"channel": channel, "event": "copilot.delta", "data": {"text": format!("{head};")}}),
            );
        }
        let items: Vec<Value> = items;
        for published in publisher.publish_all(&items).await? {
            ensure!(published.seq <= heads[&published.channel], "{published:?}");
        }
    }
    Ok(heads)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_has_everything_once_and_in_order_or_knows_what_it_lost() -> Result<()> {
    let plan = if std::env::var_os("SPARK_TEST_LONG").is_some() { LONG } else { SHORT };
    let mut dice = Dice::from_environment();
    println!("seed {}, {plan:?}", dice.seed());
    let options = Gateway::options()
        .env("SPARK_LIVE_HEARTBEAT_MS", 1_000)
        // After a moment without the processor the publisher makes up for it.
        .env("SPARK_LIMITS_PUBLISH_PER_SECOND", 1_000_000);
    let target = Target::of(options).await?;
    let proxy = Proxy::start(target.addr(), None).await?;
    let channels: Vec<String> =
        (0..plan.channels).map(|n| unique(if n % 2 == 0 { "feed:" } else { "tale:" })).collect();
    let (heads, told_heads) = watch::channel(BTreeMap::new());
    let mut publisher = target.publisher().await?;
    let fire = Arc::new(Fire { plan, target, proxy, heads: told_heads, is_over: AtomicBool::new(false) });
    let mut running = Vec::new();
    for n in 0..plan.clients * 3 {
        let chosen = (0..plan.each).map(|k| channels[(n / 3 + k) % channels.len()].clone());
        let chosen: Vec<String> = chosen.collect();
        let client = Client {
            transport: Transport::ALL[n % 3],
            ask: Ask::new(chosen.clone()).token(fire.target.reader()?),
            standing: Standing::default(),
            ledgers: chosen.into_iter().map(|channel| (channel, Ledger::default())).collect(),
            dice: dice.split(),
            cuts: 0,
        };
        let (transport, fire) = (client.transport, Arc::clone(&fire));
        running.push(tokio::spawn(async move {
            let told = client.run(&fire).await.with_context(|| format!("client {n} over {transport:?}"));
            if told.is_err() {
                fire.is_over.store(true, Ordering::Relaxed);
            }
            (transport, told)
        }));
    }
    let spoiling = dice.split();
    let spoiler = tokio::spawn({
        let fire = Arc::clone(&fire);
        async move { spoil(&fire, spoiling).await }
    });
    let began = Instant::now();
    let published = publish(&mut publisher, &channels, plan, &fire.is_over).await?;
    let count: u64 = published.values().sum();
    println!("{count} published in {:?}", began.elapsed());
    let began = Instant::now();
    heads.send_replace(published);
    let mut sums: BTreeMap<Transport, Told> = BTreeMap::new();
    let mut faults = Vec::new();
    for client in running {
        let (transport, told) = client.await?;
        match told {
            Ok(told) => sums.entry(transport).or_default().add(&told),
            Err(fault) => faults.push(format!("{fault:#}")),
        }
    }
    println!("{} times all lines were cut or stalled at once", spoiler.await?);
    println!("all had caught up {:?} after the last publication", began.elapsed());
    for (transport, told) in &sums {
        println!("{transport:?}: {told:?}");
    }
    ensure!(faults.is_empty(), "seed {}\n{}", dice.seed(), faults.join("\n"));
    for (transport, told) in &sums {
        ensure!(told.cuts > 0 && told.resumed > 0, "{transport:?} was not under fire: {told:?}");
    }
    Ok(())
}
