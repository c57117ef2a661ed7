//! What becomes of a position, over each transport.

use anyhow::{Context, Result, ensure};
use spark_live_tests::live::Transport;
use spark_live_tests::{Envelope, Gateway, Target};

use crate::{Source, acknowledged, numbers, over_each_transport, stood, until_number};

fn is_verdict(ack: &Envelope, code: &str) -> Result<()> {
    ensure!(!ack.ok && ack.error_code.as_deref() == Some(code), "wanted {code}: {ack}");
    ensure!(ack.event == "system.ack" && !ack.field::<bool>("resumed")?, "{ack}");
    Ok(())
}

/// What was published meanwhile follows, all of it, in order, once.
async fn resumed(target: &Target, transport: Transport) -> Result<()> {
    for namespace in ["feed", "tale"] {
        let mut source = Source::new(target, namespace).await?;
        source.publish(5).await?;
        let ask = source.ask(target)?;
        let standing = stood(target, transport, &ask, 5).await?;
        source.publish(200).await?;
        let mut live = transport.open(target.addr(), &ask.clone().from(&standing)).await?;
        let ack = acknowledged(&mut *live).await?;
        ensure!(ack.ok && ack.field::<bool>("resumed")? && ack.field::<u64>("head")? == 205, "{ack}");
        let mut seen = numbers(&until_number(&mut *live, 205).await?)?;
        source.publish(3).await?;
        seen.extend(numbers(&until_number(&mut *live, 208).await?)?);
        ensure!(seen == (6..=208).collect::<Vec<_>>(), "{namespace}: {seen:?}");
        // At the head there is nothing to follow but what comes.
        let standing = stood(target, transport, &ask, 208).await?;
        let mut live = transport.open(target.addr(), &ask.from(&standing)).await?;
        source.publish(1).await?;
        let ack = acknowledged(&mut *live).await?;
        ensure!(ack.ok && ack.field::<bool>("resumed")?, "{ack}");
        ensure!(numbers(&until_number(&mut *live, 209).await?)? == [209]);
    }
    Ok(())
}

#[tokio::test]
async fn a_position_within_the_history_is_gone_on_from() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, resumed);
    Ok(())
}

async fn expired(target: &Target, transport: Transport) -> Result<()> {
    let mut source = Source::new(target, "feed").await?;
    source.publish(5).await?;
    let ask = source.ask(target)?;
    let standing = stood(target, transport, &ask, 5).await?;
    source.publish(400).await?;
    let mut live = transport.open(target.addr(), &ask.from(&standing)).await?;
    let ack = acknowledged(&mut *live).await?;
    is_verdict(&ack, "CURSOR_EXPIRED")?;
    ensure!(ack.field::<String>("epoch")? == standing.positions[&source.channel].epoch, "{ack}");
    let seen = numbers(&until_number(&mut *live, 405).await?)?;
    let first = *seen.first().context("nothing")?;
    ensure!(seen == (first..=405).collect::<Vec<_>>(), "{seen:?}");
    ensure!(seen.len() >= 256, "{} of the history of 256", seen.len());
    Ok(())
}

#[tokio::test]
async fn a_position_before_the_history_is_expired() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, expired);
    Ok(())
}

/// A story that goes on is kept from its beginning.
async fn kept(target: &Target, transport: Transport) -> Result<()> {
    let mut source = Source::new(target, "tale").await?;
    source.publish(3).await?;
    let ask = source.ask(target)?;
    let standing = stood(target, transport, &ask, 3).await?;
    source.publish(1_000).await?;
    source.publish(500).await?;
    let mut live = transport.open(target.addr(), &ask.from(&standing)).await?;
    let ack = acknowledged(&mut *live).await?;
    ensure!(ack.ok && ack.field::<bool>("resumed")?, "{ack}");
    let seen = numbers(&until_number(&mut *live, 1_503).await?)?;
    ensure!(seen == (4..=1_503).collect::<Vec<_>>(), "{} of 1500", seen.len());
    let mut live = transport.open(target.addr(), &source.ask(target)?).await?;
    let seen = numbers(&until_number(&mut *live, 1_503).await?)?;
    ensure!(seen == (1..=1_503).collect::<Vec<_>>(), "{} of 1503", seen.len());
    Ok(())
}

#[tokio::test]
async fn lossless_history_is_whole_while_the_story_goes_on() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, kept);
    Ok(())
}

async fn invalid(target: &Target, transport: Transport) -> Result<()> {
    for namespace in ["feed", "tale", "gauge", "table"] {
        let mut source = Source::new(target, namespace).await?;
        source.publish(5).await?;
        let ask = source.ask(target)?;
        let mut standing = stood(target, transport, &ask, 5).await?;
        // Beyond the head on a socket, and a text that is none elsewhere.
        standing.positions.values_mut().for_each(|position| position.seq += 1_000);
        standing.cursor = Some("nonsense".to_owned());
        let mut live = transport.open(target.addr(), &ask.from(&standing)).await?;
        is_verdict(&acknowledged(&mut *live).await?, "CURSOR_INVALID").context(namespace)?;
        let seen = numbers(&until_number(&mut *live, 5).await?)?;
        ensure!(seen.last() == Some(&5), "{seen:?}");
        source.publish(1).await?;
        until_number(&mut *live, 6).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_position_that_is_none_refuses_nothing() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, invalid);
    Ok(())
}

#[tokio::test]
async fn after_a_restart_every_history_is_another() -> Result<()> {
    let mut target = Target::of(Gateway::options()).await?;
    let mut standings = Vec::new();
    for transport in Transport::ALL {
        for namespace in ["feed", "tale", "gauge", "table"] {
            let mut source = Source::new(&target, namespace).await?;
            source.publish(5).await?;
            let ask = source.ask(&target)?;
            let standing = stood(&target, transport, &ask, 5).await?;
            standings.push((transport, source, ask.from(&standing)));
        }
    }
    target.gateway_mut().context("a gateway of its own")?.restart().await?;
    for (transport, mut source, ask) in standings {
        let old = ask.standing.positions[&source.channel].epoch.clone();
        source.publisher = target.publisher().await?;
        source.count = 0;
        source.publish(2).await?;
        let mut live = transport.open(target.addr(), &ask).await?;
        let ack = acknowledged(&mut *live).await?;
        is_verdict(&ack, "EPOCH_CHANGED").with_context(|| format!("{transport:?}"))?;
        ensure!(ack.field::<String>("epoch")? != old, "{ack}");
        let seen = numbers(&until_number(&mut *live, 2).await?)?;
        ensure!(seen.last() == Some(&2), "{seen:?}");
    }
    Ok(())
}
