//! How every connection begins.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use spark_live_tests::live::{Ask, Transport, until};
use spark_live_tests::{Envelope, Target, unique};

use crate::{Source, acknowledged, over_each_transport};

fn members(envelope: &Envelope) -> Result<BTreeSet<String>> {
    let data: serde_json::Map<String, serde_json::Value> = envelope.data_as()?;
    Ok(data.keys().cloned().collect())
}

async fn hello(target: &Target, transport: Transport) -> Result<()> {
    let mut live =
        transport.open(target.addr(), &Ask::new([unique("feed:")]).token(target.reader()?)).await?;
    let hello = live.next().await?;
    ensure!(hello.event == "system.hello" && hello.channel.is_empty() && hello.seq == 0, "{hello}");
    ensure!(hello.field::<String>("sessionId")?.len() >= 8, "{hello}");
    ensure!((100..=600_000).contains(&hello.field::<u64>("heartbeatMs")?), "{hello}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    ensure!(now.abs_diff(hello.field("serverTime")?) < 60_000, "{hello}");
    ensure!(hello.ts.unsigned_abs().abs_diff(hello.field("serverTime")?) < 60_000, "{hello}");
    Ok(())
}

#[tokio::test]
async fn hello_comes_first() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, hello);
    Ok(())
}

#[tokio::test]
async fn the_hello_of_an_answer_that_was_held_back_says_the_time_of_the_answer() -> Result<()> {
    let target = Target::start().await?;
    let mut source = Source::new(&target, "feed").await?;
    source.publish(1).await?;
    let mut ask = source.ask(&target)?;
    ask.wait = Some(1);
    let mut live = Transport::Poll.open(target.addr(), &ask).await?;
    let mut times = Vec::new();
    while times.len() < 3 {
        let envelope = live.next().await?;
        if envelope.event == "system.hello" {
            times.push(envelope.field::<u64>("serverTime")?);
        }
    }
    // The first has something to say; those after it wait for their second.
    ensure!(times[1] >= times[0] + 900 && times[2] >= times[1] + 900, "{times:?}");
    Ok(())
}

async fn ack(target: &Target, transport: Transport) -> Result<()> {
    let modes = [("feed", "event"), ("tale", "lossless"), ("gauge", "state"), ("table", "keyed")];
    for (namespace, mode) in modes {
        let mut source = Source::new(target, namespace).await?;
        source.publish(3).await?;
        let mut live = transport.open(target.addr(), &source.ask(target)?).await?;
        let ack = acknowledged(&mut *live).await?;
        let mut wanted = ["channel", "epoch", "head", "resumed", "mode", "maxHz", "staleAfterMs"]
            .map(str::to_owned)
            .to_vec();
        if transport == Transport::WebSocket {
            wanted.push("id".to_owned());
        }
        ensure!(members(&ack)? == wanted.into_iter().collect(), "{ack}");
        ensure!(ack.channel == source.channel && ack.field::<String>("channel")? == source.channel, "{ack}");
        ensure!(ack.ok && ack.seq == 0 && !ack.field::<bool>("resumed")?, "{ack}");
        ensure!(ack.field::<u64>("head")? == 3, "{ack}");
        ensure!((8..=12).contains(&ack.field::<String>("epoch")?.len()), "{ack}");
        ensure!(ack.field::<String>("mode")? == mode, "{ack}");
        let max_hz: Option<f64> = ack.field("maxHz")?;
        ensure!(max_hz == (namespace == "gauge").then_some(20.0), "{ack}");
        ensure!(ack.digits("staleAfterMs")?.is_some(), "{ack}");
    }
    Ok(())
}

#[tokio::test]
async fn an_acknowledgement_has_everything_that_a_client_needs() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, ack);
    Ok(())
}

async fn one_after_the_other(target: &Target, transport: Transport) -> Result<()> {
    let mut sources = Vec::new();
    for namespace in ["feed", "tale", "gauge", "table", "feed"] {
        let mut source = Source::new(target, namespace).await?;
        source.publish(5).await?;
        sources.push(source);
    }
    let ask = Ask::new(sources.iter().map(|source| source.channel.clone())).token(target.reader()?);
    let mut live = transport.open(target.addr(), &ask).await?;
    let mut acknowledged = BTreeSet::new();
    let mut begun = BTreeSet::new();
    let seen = until(&mut *live, |envelope| {
        if envelope.is_data() {
            begun.insert(envelope.channel.clone());
        }
        begun.len() == sources.len()
    });
    for envelope in seen.await? {
        if envelope.event == "system.ack" {
            ensure!(acknowledged.insert(envelope.channel.clone()), "twice: {envelope}");
        }
        ensure!(
            !envelope.is_data() || acknowledged.contains(&envelope.channel),
            "before its ack: {envelope}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn each_channel_is_acknowledged_once_and_before_its_data() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, one_after_the_other);
    Ok(())
}

/// What a publisher says comes out as it went in, byte for byte.
async fn untouched(target: &Target, transport: Transport) -> Result<()> {
    let mut source = Source::new(target, "feed").await?;
    let texts = [
        r#"{"price":1.10,"zeros":0.000,"big":12345678901234567890123,"exp":1E+2}"#,
        r#"{"b":1,"a":2,"":null}"#,
        r#"["é","\u00e9","😀","\ud83d\ude00","\u0000","\/"]"#,
        "null",
        "\"\"",
        "[[[[[[[[1]]]]]]]]",
    ];
    for text in texts {
        let body = format!(r#"{{"channel":"{}","event":"test.raw","data":{text},"ts":123}}"#, source.channel);
        let (status, answer) = source.publisher.post(&body).await?;
        ensure!(status == 200, "{text}: {answer}");
    }
    let mut live = transport.open(target.addr(), &source.ask(target)?).await?;
    let seen = until(&mut *live, |envelope| envelope.seq == texts.len() as u64).await?;
    let data: Vec<_> = seen.iter().filter(|envelope| envelope.is_data()).collect();
    for (envelope, text) in data.iter().zip(texts) {
        ensure!(envelope.data.get() == text, "{text} became {}", envelope.data);
        ensure!(envelope.event == "test.raw" && envelope.ts == 123, "{envelope}");
    }
    ensure!(data.len() == texts.len(), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn data_of_unknown_events_passes_untouched() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, untouched);
    Ok(())
}
