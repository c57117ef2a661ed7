//! The joint between what was and what comes, while the publisher does not wait.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use spark_live_tests::live::{Ask, Transport};
use spark_live_tests::{Ledger, Target, Took, unique};
use tokio::sync::watch;
use tokio::time::{interval, timeout};

use crate::Source;

/// Publications a second of each channel.
const BATCHES: u64 = 60;
const BATCH: u64 = 4;

/// Joins in the middle and reads to the last; nothing may be missing or come twice.
async fn join(target: &Target, transport: Transport, ask: Ask, last: u64) -> Result<Ledger> {
    let mut live = transport.open(target.addr(), &ask).await?;
    let mut ledger = Ledger::default();
    while ledger.last() < last {
        let envelope = live.next().await?;
        if envelope.channel != ask.channels[0] {
            continue;
        }
        if let Took::New(from) = ledger.take(&envelope)? {
            ensure!(from == envelope.seq && envelope.field::<u64>("n")? == from, "{envelope}");
        }
    }
    ensure!(ledger.resent == 0, "{} came twice", ledger.resent);
    ensure!(ledger.lost == 0, "lost {:?}", ledger.gaps);
    Ok(ledger)
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_for_who_joins_while_the_publisher_goes_on() -> Result<()> {
    let target = std::sync::Arc::new(Target::start().await?);
    let mut feed = Source::new(&target, "feed").await?;
    let mut tale = Source::new(&target, "tale").await?;
    let channels = [feed.channel.clone(), tale.channel.clone()];
    let publishing = tokio::spawn(async move {
        let mut tick = interval(Duration::from_millis(25));
        for _ in 0..BATCHES {
            tick.tick().await;
            feed.publish(BATCH).await?;
            tale.publish(BATCH).await?;
        }
        anyhow::Ok(())
    });
    let mut joining = Vec::new();
    for n in 0..30_u64 {
        tokio::time::sleep(Duration::from_millis(37)).await;
        let transport = Transport::ALL[n as usize % 3];
        let channel = &channels[n as usize / 3 % 2];
        let ask = Ask::new([channel.clone()]).token(target.reader()?);
        let target = std::sync::Arc::clone(&target);
        joining.push(tokio::spawn(async move {
            let joined = join(&target, transport, ask, BATCHES * BATCH).await;
            joined.with_context(|| format!("number {n} over {transport:?}"))
        }));
    }
    publishing.await??;
    for joined in joining {
        let ledger = joined.await??;
        ensure!(ledger.first() == Some(1), "the history is held from the beginning: {:?}", ledger.first());
    }
    Ok(())
}

/// Joins a channel on which more is published at once than any gate holds: either everything is accounted for, or
/// the subscription is given up with a code.
async fn burst(
    target: &Target,
    transport: Transport,
    ask: &Ask,
    over: &mut watch::Receiver<u64>,
) -> Result<bool> {
    let mut live = transport.open(target.addr(), ask).await?;
    let mut ledger = Ledger::default();
    loop {
        let last = *over.borrow_and_update();
        if last > 0 && ledger.last() >= last {
            return Ok(true);
        }
        let next = tokio::select! {
            next = live.next() => next?,
            _ = over.changed(), if last == 0 => continue,
        };
        if next.channel != ask.channels[0] {
            continue;
        }
        if next.error_code.as_deref() == Some("RESYNC_FAILED") {
            return Ok(false);
        }
        ledger.take(&next)?;
    }
}

#[tokio::test]
async fn a_burst_at_the_joint_is_accounted_for_or_given_up_with_a_code() -> Result<()> {
    let target = std::sync::Arc::new(Target::start().await?);
    for namespace in ["feed", "tale"] {
        let channel = unique(&format!("{namespace}:"));
        let (done, over) = watch::channel(0);
        let mut joining = Vec::new();
        for n in 0..9 {
            let transport = Transport::ALL[n % 3];
            let mut ask = Ask::new([channel.clone()]).token(target.reader()?);
            ask.wait = Some(1);
            let (target, mut over) = (std::sync::Arc::clone(&target), over.clone());
            joining.push(tokio::spawn(async move {
                let judged =
                    timeout(Duration::from_secs(30), burst(&target, transport, &ask, &mut over)).await;
                judged.context("it hangs").flatten().with_context(|| format!("number {n} over {transport:?}"))
            }));
        }
        let mut publisher = target.publisher().await?;
        let mut last = 0;
        for _ in 0..4 {
            let item = |_| json!({"channel": channel, "event": "test.item", "data": null});
            let items: Vec<Value> = (0..1_000).map(item).collect();
            last = publisher.publish_all(&items).await?.last().context("none")?.seq;
        }
        done.send_replace(last);
        let mut whole = 0;
        for joined in joining {
            whole += usize::from(joined.await??);
        }
        println!("{namespace}: {whole} of 9 accounted for all of {last}");
    }
    Ok(())
}
