//! Heartbeats, bounds of the rate, and what is told of what was merged.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use spark_live_tests::live::{Live, SocketLive, Transport, until};
use spark_live_tests::{Envelope, Target};
use tokio::time::interval;

use crate::{Source, acknowledged, over_each_transport, until_number};

async fn heads(target: &Target, transport: Transport) -> Result<()> {
    for namespace in ["feed", "tale", "gauge", "table"] {
        let mut source = Source::new(target, namespace).await?;
        source.publish(7).await?;
        let mut ask = source.ask(target)?;
        ask.wait = Some(1);
        let mut live = transport.open(target.addr(), &ask).await?;
        let beat_ms: u64 = live.next().await?.field("heartbeatMs")?;
        until_number(&mut *live, 7).await?;
        let began = Instant::now();
        for _ in 0..2 {
            let seen = until(&mut *live, |envelope| envelope.event == "system.heartbeat").await?;
            let beat = seen.last().context("no beat")?;
            ensure!(beat.channel.is_empty() && beat.seq == 0, "{beat}");
            ensure!(beat.field::<u64>("serverTime")? > 0, "{beat}");
            let heads: BTreeMap<String, u64> = beat.field("heads")?;
            ensure!(heads.get(&source.channel) == Some(&7), "{beat}");
        }
        // Twice the time of two beats, and what a busy machine needs.
        let limit = Duration::from_millis(beat_ms * 4) + Duration::from_secs(5);
        ensure!(began.elapsed() < limit, "two beats took {:?}", began.elapsed());
    }
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_names_the_heads_of_quiet_channels() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, heads);
    Ok(())
}

/// Publishes 250 values in about two seconds and returns what came of them and how long it took.
async fn flood(source: &mut Source, live: &mut dyn Live) -> Result<(Vec<Envelope>, Duration)> {
    let last = source.count + 250;
    let began = Instant::now();
    let publishing = async {
        let mut tick = interval(Duration::from_millis(40));
        for _ in 0..50 {
            tick.tick().await;
            source.publish(5).await?;
        }
        anyhow::Ok(())
    };
    let (published, seen) = tokio::join!(publishing, until_number(live, last));
    published?;
    Ok((seen?, began.elapsed()))
}

async fn bounded(target: &Target, transport: Transport) -> Result<()> {
    for (asked, hz) in [(None, 20.0), (Some(4.0), 4.0), (Some(500.0), 20.0)] {
        let mut source = Source::new(target, "gauge").await?;
        let mut ask = source.ask(target)?;
        ask.max_hz = asked;
        let mut live = transport.open(target.addr(), &ask).await?;
        let ack = acknowledged(&mut *live).await?;
        ensure!(ack.field::<f64>("maxHz")? == hz, "{ack}");
        let (mut seen, took) = flood(&mut source, &mut *live).await?;
        let values = seen.iter().filter(|envelope| envelope.is_data());
        let seqs: Vec<u64> = values.map(|envelope| envelope.seq).collect();
        ensure!(seqs.is_sorted() && seqs.last() == Some(&250), "{seqs:?}");
        let most = (took.as_secs_f64() * hz).ceil() as usize + 3;
        // Nothing waits between two polls: there the rate is that of the questions.
        let is_bounded = transport != Transport::Poll;
        ensure!(!is_bounded || seqs.len() <= most, "{} values in {took:?} at {hz} Hz", seqs.len());
        let is_rate = |envelope: &Envelope| envelope.event == "system.rate";
        if transport != Transport::Poll && !seen.iter().any(is_rate) {
            seen.extend(until(&mut *live, is_rate).await?);
        }
        for rate in seen.iter().filter(|envelope| is_rate(envelope)) {
            ensure!(rate.channel == source.channel && rate.field::<u64>("merged")? > 0, "{rate}");
            ensure!(rate.field::<f64>("maxHz")? == hz && rate.field::<u64>("windowMs")? > 0, "{rate}");
            ensure!(
                rate.digits("delivered")?.is_some() && rate.field::<f64>("effectiveHz")? >= 0.0,
                "{rate}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_rate_is_bounded_by_the_namespace_and_by_the_client_and_merging_is_told() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, bounded);
    Ok(())
}

/// Under `event` and `lossless` nothing may be merged, whatever a client asks for.
async fn unbounded(target: &Target, transport: Transport) -> Result<()> {
    for namespace in ["feed", "tale"] {
        let mut source = Source::new(target, namespace).await?;
        let mut live = transport.open(target.addr(), &source.ask(target)?.max_hz(1.0)).await?;
        acknowledged(&mut *live).await?;
        source.publish(60).await?;
        let seen = until_number(&mut *live, 60).await?;
        ensure!(seen.iter().filter(|envelope| envelope.is_data()).count() == 60, "{namespace}");
    }
    Ok(())
}

#[tokio::test]
async fn a_bound_of_the_rate_merges_no_events() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, unbounded);
    Ok(())
}

#[tokio::test]
async fn a_rate_can_be_changed_and_taken_back() -> Result<()> {
    let target = Target::start().await?;
    let mut source = Source::new(&target, "gauge").await?;
    let mut live = SocketLive::open(target.addr(), &source.ask(&target)?).await?;
    acknowledged(&mut live).await?;
    let answer = live.answer(json!({"cmd": "rate", "channel": source.channel, "maxHz": 2})).await?;
    ensure!(answer.ok && answer.event == "system.ack" && answer.channel.is_empty(), "{answer}");
    let (seen, took) = flood(&mut source, &mut live).await?;
    let slow = seen.iter().filter(|envelope| envelope.is_data()).count();
    ensure!(slow <= (took.as_secs_f64() * 2.0).ceil() as usize + 3, "{slow} in {took:?}");
    let answer = live.answer(json!({"cmd": "rate", "channel": source.channel, "maxHz": null})).await?;
    ensure!(answer.ok, "{answer}");
    let (seen, _) = flood(&mut source, &mut live).await?;
    let fast = seen.iter().filter(|envelope| envelope.is_data()).count();
    ensure!(fast > slow, "{fast} after {slow}");
    Ok(())
}
