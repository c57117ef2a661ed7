//! What is refused, with which code, and what goes on all the same.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use spark_live_tests::frame::{message, opcode};
use spark_live_tests::live::{Ask, Ended, Live, SocketLive, Transport, until};
use spark_live_tests::{Target, unique};

use crate::{Source, acknowledged, over_each_transport, until_number};

async fn too_many(target: &Target, transport: Transport) -> Result<()> {
    let channels: Vec<String> = (0..101).map(|_| unique("gauge:")).collect();
    let mut live = transport.open(target.addr(), &Ask::new(channels.clone()).token(target.reader()?)).await?;
    let (mut acks, mut refused) = (0, Vec::new());
    until(&mut *live, |envelope| {
        acks += usize::from(envelope.event == "system.ack");
        refused.extend((envelope.event == "system.error").then(|| envelope.clone()));
        acks + refused.len() == channels.len()
    })
    .await?;
    let [error] = &refused[..] else { anyhow::bail!("{acks} acks and {refused:?}") };
    ensure!(error.error_code.as_deref() == Some("SUBSCRIPTION_LIMIT"), "{error}");
    ensure!(error.channel == channels[100], "{error}");
    ensure!(!error.field::<String>("message")?.is_empty(), "{error}");
    Ok(())
}

#[tokio::test]
async fn the_hundred_and_first_channel_is_refused_alone() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, too_many);
    Ok(())
}

#[tokio::test]
async fn an_error_of_a_command_carries_its_id() -> Result<()> {
    let target = Target::start().await?;
    let ask = Ask::new([] as [String; 0]).token(target.reader()?);
    let mut live = SocketLive::open(target.addr(), &ask).await?;
    for (command, code, channel) in [
        (json!({"cmd": "dance"}), "BAD_REQUEST", ""),
        (json!({"cmd": "subscribe", "channels": []}), "BAD_REQUEST", ""),
        (json!({"cmd": "subscribe", "channels": [{"name": "gauge:.."}]}), "CHANNEL_INVALID", ""),
        (json!({"cmd": "subscribe", "channels": [{"name": "weather:a"}]}), "CHANNEL_UNKNOWN", "weather:a"),
        (json!({"cmd": "rate", "channel": "gauge:never", "maxHz": 1}), "CHANNEL_UNKNOWN", "gauge:never"),
    ] {
        let answer = live.answer(command.clone()).await.with_context(|| command.to_string())?;
        ensure!(answer.event == "system.error" && answer.channel == channel, "{command}: {answer}");
        ensure!(answer.error_code.as_deref() == Some(code), "{command}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_comes_after_an_unsubscription_and_all_of_it_after_the_next() -> Result<()> {
    let target = Target::start().await?;
    let mut source = Source::new(&target, "feed").await?;
    let ask = source.ask(&target)?;
    let mut live = SocketLive::open(target.addr(), &ask).await?;
    acknowledged(&mut live).await?;
    source.publish(3).await?;
    until_number(&mut live, 3).await?;
    let standing = live.standing().clone();
    let answer = live.answer(json!({"cmd": "unsubscribe", "channels": [source.channel]})).await?;
    ensure!(answer.ok, "{answer}");
    source.publish(3).await?;
    let id = live.command(json!({"cmd": "ping"})).await?;
    let seen =
        until(&mut live, |envelope| envelope.field::<Option<u64>>("id").ok().flatten() == Some(id)).await?;
    ensure!(!seen.iter().any(|envelope| envelope.channel == source.channel), "{seen:?}");
    live.subscribe(&ask.from(&standing)).await?;
    let ack = acknowledged(&mut live).await?;
    ensure!(ack.field::<bool>("resumed")?, "{ack}");
    let seen = crate::numbers(&until_number(&mut live, 6).await?)?;
    ensure!(seen == [4, 5, 6], "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn what_a_socket_must_not_send_closes_it_with_its_code() -> Result<()> {
    let target = Target::start().await?;
    let large = vec![b' '; 64 * 1024 + 1];
    for (bytes, code) in [
        (message(opcode::TEXT, &large), 4005),
        (message(opcode::TEXT, &[0xff]), 4000),
        (message(0x3, b""), 4000),
    ] {
        let ask = Ask::new([unique("gauge:")]).token(target.reader()?);
        let mut live = SocketLive::open(target.addr(), &ask).await?;
        acknowledged(&mut live).await?;
        let _sent = live.raw().send(&bytes).await;
        let Err(error) = until(&mut live, |_| false).await else { anyhow::bail!("it goes on") };
        let ended = error.downcast_ref::<Ended>().copied();
        ensure!(ended == Some(Ended { code: Some(code) }), "{code}: {error:#}");
    }
    Ok(())
}
