//! Clients that stop reading: what they cost, what they lose, what they are told, and that nobody else waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use spark_live_tests::live::{Ask, Ended, Live, Transport};
use spark_live_tests::process::{p99, resident};
use spark_live_tests::{Gateway, GatewayOptions, Ledger, Mode, Proxy, Publisher, Target, Took, unique};
use tokio::time::{interval, sleep, timeout};

/// Length of the text in each publication, so that buffers fill soon.
const TEXT_LEN: usize = 8_000;
/// Receive buffer of a client that is to feel its own slowness, in bytes.
const NARROW: u32 = 16 * 1024;
/// Clients that stop reading at once.
const SLOW: usize = 10;
/// What the gateway may need beside its caps: the channel's history is in it and what the allocator keeps, buffers
/// of the system are not.
const MEMORY_SLACK: u64 = 12 << 20;
/// Texts that are published while nobody reads them: 40 MB, far more than the caps and the slack together, so that
/// a queue without a bound is found out.
const UNREAD: u64 = 5_000;
/// Most bytes that wait for one connection.
const CONNECTION_BYTES: u64 = 1 << 20;

fn options() -> GatewayOptions {
    // Who does not read for a second answers no pings meanwhile: they are for longer silences.
    let options = Gateway::options().env("SPARK_LIVE_HEARTBEAT_MS", 1_500);
    options.env("SPARK_LIMITS_PUBLISH_PER_SECOND", 1_000_000)
}

/// Publishes the n-th text of a channel, `count` of them, and returns the newest number.
async fn publish(publisher: &mut Publisher, channel: &str, count: u64, began: Instant) -> Result<u64> {
    let text = "x".repeat(TEXT_LEN);
    let sent_us = began.elapsed().as_micros() as u64;
    let item =
        |_| json!({"channel": channel, "event": "test.text", "data": {"sentUs": sent_us, "text": text}});
    let items: Vec<Value> = (0..count).map(item).collect();
    Ok(publisher.publish_all(&items).await?.last().context("none")?.seq)
}

/// Reads until it is told to stop and returns each delay, in microseconds.
async fn delays(mut live: Box<dyn Live>, began: Instant, is_over: Arc<AtomicBool>) -> Result<Vec<u64>> {
    let mut delays = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let envelope = live.next().await?;
        if envelope.is_data() {
            let now = began.elapsed().as_micros() as u64;
            delays.push(now.saturating_sub(envelope.field("sentUs")?));
        }
    }
    Ok(delays)
}

/// Publishes for two seconds to readers of each transport and returns the p99 of their delays.
async fn measured(target: &Target, publisher: &mut Publisher, channel: &str, began: Instant) -> Result<u64> {
    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for n in 0..6 {
        let ask = Ask::new([channel.to_owned()]).token(target.reader()?);
        let mut live = Transport::ALL[n % 3].open(target.addr(), &ask).await?;
        // What was held of before is no measure.
        let ack = loop {
            let envelope = live.next().await?;
            if envelope.event == "system.ack" {
                break envelope;
            }
        };
        let head: u64 = ack.field("head")?;
        while head > 0 && live.next().await?.seq < head {}
        readers.push(tokio::spawn(delays(live, began, Arc::clone(&is_over))));
    }
    let mut tick = interval(Duration::from_millis(20));
    for n in 0..100 {
        tick.tick().await;
        if n == 99 {
            is_over.store(true, Ordering::Relaxed);
        }
        publish(publisher, channel, 4, began).await?;
    }
    let mut all = Vec::new();
    for reader in readers {
        all.extend(reader.await??);
    }
    ensure!(all.len() > 1_000, "only {} arrived", all.len());
    Ok(p99(&mut all))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_stop_reading_cost_little_and_nobody_else_waits() -> Result<()> {
    let target = Target::of(options().env("SPARK_LIVE_WRITE_TIMEOUT_MS", 60_000)).await?;
    let pid = target.gateway().context("a gateway of its own")?.pid();
    let mut publisher = target.publisher().await?;
    let channel = unique("feed:");
    let began = Instant::now();
    let alone_us = measured(&target, &mut publisher, &channel, began).await?;
    let before = resident(pid)?;
    let mut slow = Vec::new();
    for n in 0..SLOW {
        let mut ask = Ask::new([channel.clone()]).token(target.reader()?);
        ask.narrow = Some(NARROW);
        slow.push(Transport::ALL[n % 2].open(target.addr(), &ask).await?);
    }
    let mut most = 0;
    let beside_us = measured(&target, &mut publisher, &channel, began).await?;
    for _ in 0..UNREAD / 100 {
        publish(&mut publisher, &channel, 100, began).await?;
        most = most.max(resident(pid)?);
    }
    let grown = most.saturating_sub(before);
    println!("p99 alone {alone_us} us, beside {SLOW} that do not read {beside_us} us");
    println!("resident {} KiB before, {} KiB at most, {} KiB more", before >> 10, most >> 10, grown >> 10);
    ensure!(grown <= SLOW as u64 * CONNECTION_BYTES + MEMORY_SLACK, "{grown} bytes more");
    ensure!(beside_us <= (alone_us * 10).max(1_000_000), "p99 {beside_us} us, alone it was {alone_us} us");
    drop(slow);
    Ok(())
}

/// Reads on after a pause until all that was published was had, or told as lost before what follows it.
async fn close_books(live: &mut dyn Live, mut ledger: Ledger, channel: &str, last: u64) -> Result<Ledger> {
    while ledger.last() < last {
        let envelope = live.next().await?;
        if envelope.channel == channel {
            ensure!(ledger.take(&envelope)? != Took::Known, "twice: {envelope}");
        }
    }
    ensure!(ledger.delivered + ledger.lost == last, "{ledger:?}");
    Ok(ledger)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_again_has_everything_or_is_told_what_was_lost() -> Result<()> {
    let target = Target::of(options().env("SPARK_LIVE_WRITE_TIMEOUT_MS", 60_000)).await?;
    for transport in [Transport::WebSocket, Transport::Sse] {
        for namespace in ["feed:", "tale:"] {
            let channel = unique(namespace);
            let proxy = Proxy::start(target.addr(), Some(NARROW)).await?;
            let ask = Ask::new([channel.clone()]).token(target.reader()?);
            let mut live = transport.open(proxy.addr(), &ask).await?;
            let mut publisher = target.publisher().await?;
            let mut ledger = Ledger::default();
            while live.standing().positions.is_empty() {
                ledger.take(&live.next().await?)?;
            }
            proxy.set(Mode::Stall);
            let began = Instant::now();
            let mut last = 0;
            // 12 MB: more than the buffers of the system and the gateway's own together.
            for _ in 0..15 {
                last = publish(&mut publisher, &channel, 100, began).await?;
                sleep(Duration::from_millis(20)).await;
            }
            proxy.set(Mode::Pass);
            let ledger =
                timeout(Duration::from_secs(60), close_books(&mut *live, ledger, &channel, last)).await;
            let ledger = ledger.context("it hangs").flatten();
            let ledger = ledger.with_context(|| format!("{namespace} over {transport:?}"))?;
            println!(
                "{namespace} over {transport:?}: {} had, {} lost in {} ranges, all told",
                ledger.delivered,
                ledger.lost,
                ledger.gaps.len()
            );
            match namespace {
                "feed:" => ensure!(ledger.lost > 0, "it was never slow"),
                _ => ensure!(ledger.lost == 0, "lost {:?}", ledger.gaps),
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_blocks_too_long_ends_the_connection_and_the_position_survives() -> Result<()> {
    let write_timeout = Duration::from_millis(1_000);
    let options = options().env("SPARK_LIVE_WRITE_TIMEOUT_MS", write_timeout.as_millis());
    let target = Target::of(options).await?;
    for transport in [Transport::WebSocket, Transport::Sse] {
        let channel = unique("tale:");
        let proxy = Proxy::start(target.addr(), Some(NARROW)).await?;
        let ask = Ask::new([channel.clone()]).token(target.reader()?);
        let mut live = transport.open(proxy.addr(), &ask).await?;
        let mut publisher = target.publisher().await?;
        let began = Instant::now();
        publish(&mut publisher, &channel, 10, began).await?;
        while live.next().await?.seq < 10 {}
        proxy.set(Mode::Stall);
        let mut last = 0;
        for _ in 0..8 {
            last = publish(&mut publisher, &channel, 100, began).await?;
        }
        // Longer than the write may block, shorter than the goodbye takes.
        sleep(write_timeout + Duration::from_millis(900)).await;
        proxy.set(Mode::Pass);
        let mut had = 10;
        let mut codes = Vec::new();
        let ended = loop {
            match live.next().await {
                Ok(envelope) if envelope.is_data() => {
                    ensure!(envelope.seq == had + 1, "{} after {had}", envelope.seq);
                    had = envelope.seq;
                }
                Ok(envelope) => codes.extend(envelope.error_code),
                Err(error) => match error.downcast_ref::<Ended>() {
                    Some(ended) => break *ended,
                    None => bail!("{transport:?}: {error:#}"),
                },
            }
        };
        println!("{transport:?}: ended with {ended:?} and {codes:?} after {had} of {last}");
        ensure!(had < last, "it was never slow");
        ensure!(ended.code.is_none_or(|code| code == 4108), "{ended:?}");
        ensure!(codes.iter().all(|code| code == "SLOW_CONSUMER"), "{codes:?}");
        // Nothing of a lossless channel is lost by it.
        let mut back = transport.open(target.addr(), &ask.from(live.standing())).await?;
        let mut next = None;
        while had < last {
            let envelope = back.next().await?;
            if envelope.event == "system.ack" {
                ensure!(envelope.field::<bool>("resumed")?, "{envelope}");
            }
            if envelope.is_data() {
                let first = *next.get_or_insert(envelope.seq);
                // A stream that ended within a flush comes back to the end of the one before.
                ensure!(first <= had + 1 && (envelope.seq <= had || envelope.seq == had + 1), "{envelope}");
                had = had.max(envelope.seq);
            }
        }
    }
    Ok(())
}
