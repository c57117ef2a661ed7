//! What a client gets first, and what follows, under each mode.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use spark_live_tests::live::{Live, Transport, until};
use spark_live_tests::{Gateway, Target};

use crate::{Source, acknowledged, numbers, over_each_transport, stood, until_number};

async fn state(target: &Target, transport: Transport) -> Result<()> {
    let mut source = Source::new(target, "gauge").await?;
    source.publish(5).await?;
    let ask = source.ask(target)?;
    let mut live = transport.open(target.addr(), &ask).await?;
    acknowledged(&mut *live).await?;
    ensure!(numbers(&until_number(&mut *live, 5).await?)? == [5], "the newest alone");
    source.publish(1).await?;
    ensure!(numbers(&until_number(&mut *live, 6).await?)? == [6]);
    // Going on from an older value: the newest once more; from the newest: nothing until there is a newer one.
    let standing = stood(target, transport, &ask, 6).await?;
    source.publish(4).await?;
    let mut live = transport.open(target.addr(), &ask.clone().from(&standing)).await?;
    ensure!(acknowledged(&mut *live).await?.field::<bool>("resumed")?);
    ensure!(numbers(&until_number(&mut *live, 10).await?)? == [10]);
    let standing = stood(target, transport, &ask, 10).await?;
    let mut live = transport.open(target.addr(), &ask.from(&standing)).await?;
    source.publish(1).await?;
    ensure!(numbers(&until_number(&mut *live, 11).await?)? == [11], "what is known does not come again");
    Ok(())
}

#[tokio::test]
async fn state_is_the_newest_value() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, state);
    Ok(())
}

/// Reads a snapshot and returns the numbers of its items.
async fn snapshot(live: &mut dyn Live) -> Result<Vec<u64>> {
    let ack = acknowledged(live).await?;
    let seen = until(live, |envelope| envelope.event == "system.snapshot_end").await?;
    let end = seen.last().context("no end")?;
    let items = numbers(&seen)?;
    ensure!(end.field::<usize>("count")? == items.len(), "{end} after {items:?}");
    ensure!(end.field::<String>("epoch")? == ack.field::<String>("epoch")?, "{end}");
    ensure!(end.field::<u64>("head")? == ack.field::<u64>("head")?, "{end}");
    Ok(items)
}

async fn keyed(target: &Target, transport: Transport) -> Result<()> {
    let mut source = Source::new(target, "table").await?;
    // Keys are the numbers' remainders by three: 8, 9 and 10 are the newest of theirs.
    source.publish(10).await?;
    let ask = source.ask(target)?;
    let mut live = transport.open(target.addr(), &ask).await?;
    let mut items = snapshot(&mut *live).await?;
    items.sort_unstable();
    ensure!(items == [8, 9, 10], "{items:?}");
    source.publish(1).await?;
    ensure!(numbers(&until_number(&mut *live, 11).await?)? == [11]);
    let standing = stood(target, transport, &ask, 11).await?;
    source.publish(2).await?;
    let mut live = transport.open(target.addr(), &ask.from(&standing)).await?;
    let mut items = snapshot(&mut *live).await?;
    items.sort_unstable();
    ensure!(items == [12, 13], "what is newer than the position: {items:?}");
    Ok(())
}

#[tokio::test]
async fn keyed_is_the_newest_of_each_key_and_an_end() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, keyed);
    Ok(())
}

/// A snapshot of 800 KB, most of whose items have left the history, and what follows it.
async fn large(target: &Target, transport: Transport) -> Result<()> {
    const KEYS: usize = 400;
    let mut source = Source::new(target, "table").await?;
    let item = |n: usize| {
        let data = json!({"n": n, "text": "x".repeat(2_000)});
        json!({"channel": source.channel, "event": source.event, "key": format!("k{n}"), "data": data})
    };
    let items: Vec<_> = (1..=KEYS).map(item).collect();
    source.publisher.publish_all(&items).await?;
    source.count = KEYS as u64;
    let ask = source.ask(target)?;
    let mut live = transport.open(target.addr(), &ask).await?;
    acknowledged(&mut *live).await?;
    let mut count = 0;
    // One that begins again and again is found out by what is too much.
    let seen = until(&mut *live, |envelope| {
        count += usize::from(envelope.is_data());
        envelope.event == "system.snapshot_end" || count > KEYS
    });
    let items = numbers(&seen.await?)?;
    ensure!(items == (1..=source.count).collect::<Vec<_>>(), "{} items: {items:?}", items.len());
    source.publish(1).await?;
    let next = numbers(&until_number(&mut *live, source.count).await?)?;
    ensure!(next == [source.count], "{next:?}");
    Ok(())
}

#[tokio::test]
async fn a_large_snapshot_comes_once_and_whole() -> Result<()> {
    let target = Target::of(Gateway::options().env("SPARK_LIVE_SNAPSHOT_KEYS", 1_000)).await?;
    over_each_transport!(&target, large);
    Ok(())
}

async fn in_order(target: &Target, transport: Transport) -> Result<()> {
    for namespace in ["feed", "tale"] {
        let mut source = Source::new(target, namespace).await?;
        source.publish(100).await?;
        let mut live = transport.open(target.addr(), &source.ask(target)?).await?;
        let mut seen = numbers(&until_number(&mut *live, 100).await?)?;
        for _ in 0..10 {
            source.publish(20).await?;
            seen.extend(numbers(&until_number(&mut *live, source.count).await?)?);
        }
        ensure!(seen == (1..=300).collect::<Vec<_>>(), "{namespace}: {seen:?}");
    }
    Ok(())
}

#[tokio::test]
async fn events_begin_with_the_history_and_follow_in_order() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, in_order);
    Ok(())
}

async fn empty(target: &Target, transport: Transport) -> Result<()> {
    for namespace in ["feed", "tale", "gauge", "table"] {
        let mut source = Source::new(target, namespace).await?;
        let mut live = transport.open(target.addr(), &source.ask(target)?).await?;
        let ack = acknowledged(&mut *live).await?;
        ensure!(ack.ok && ack.field::<u64>("head")? == 0, "{ack}");
        if namespace == "table" {
            let end = until(&mut *live, |envelope| envelope.event == "system.snapshot_end").await?;
            ensure!(end.last().is_some_and(|end| end.field::<u64>("count").is_ok_and(|count| count == 0)));
        }
        source.publish(2).await?;
        let seen = numbers(&until_number(&mut *live, 2).await?)?;
        ensure!(seen.last() == Some(&2) && (namespace != "feed" || seen == [1, 2]), "{namespace}: {seen:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_channel_without_a_word_is_acknowledged_and_waits() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, empty);
    Ok(())
}

/// The end of a story stays to be read, and a new word opens it again.
async fn ended(target: &Target, transport: Transport) -> Result<()> {
    let mut source = Source::new(target, "tale").await?;
    source.publish(5).await?;
    source.event = "test.done";
    source.publish(1).await?;
    let mut live = transport.open(target.addr(), &source.ask(target)?).await?;
    let seen = until_number(&mut *live, 6).await?;
    ensure!(numbers(&seen)? == [1, 2, 3, 4, 5, 6]);
    source.event = "test.item";
    source.publish(1).await?;
    ensure!(numbers(&until_number(&mut *live, 7).await?)? == [7]);
    Ok(())
}

#[tokio::test]
async fn a_story_that_has_ended_is_still_read_from_its_beginning() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, ended);
    Ok(())
}
