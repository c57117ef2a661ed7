//! Where cursors travel: with every flush of a stream and every answer to a poll.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use spark_live_tests::live::{Ask, Transport, until};
use spark_live_tests::{Sse, Target};

use crate::{Source, numbers, over_each_transport, stood, until_number};

/// Opens a stream with a cursor in the address.
async fn stream(target: &Target, source: &Source, cursor: &str) -> Result<Sse> {
    let url = format!("http://{}/api/live/sse?channels={}&cursor={cursor}", target.addr(), source.channel);
    Sse::open(&url, &[("Authorization", &format!("Bearer {}", target.reader()?))]).await
}

#[tokio::test]
async fn a_stream_gives_its_cursor_with_the_greeting_and_with_every_flush() -> Result<()> {
    let target = Target::start().await?;
    let mut source = Source::new(&target, "feed").await?;
    let mut events = stream(&target, &source, "").await?;
    let hello = events.next().await?;
    ensure!(hello.data.concat().contains("system.hello") && hello.id.as_deref() == Some("1."), "{hello:?}");
    let mut cursor = String::new();
    for round in 1..=5 {
        source.publish(1).await?;
        loop {
            let message = events.next().await?;
            let is_data = message.data.concat().contains("test.item");
            // Published one by one, each is the last event of its flush, or a later one of the same flush has it.
            if let Some(id) = message.id {
                cursor = id;
                if is_data {
                    break;
                }
            }
            ensure!(!is_data || round == 1, "no cursor with {:?}", message.data);
        }
    }
    drop(events);
    let mut back = stream(&target, &source, &cursor).await?;
    let hello = back.next().await?;
    ensure!(hello.id.as_deref() == Some(&cursor), "{hello:?}");
    source.publish(1).await?;
    let first = back.find(spark_live_tests::Envelope::is_data).await?;
    ensure!(first.seq == 6, "{first}");
    Ok(())
}

#[tokio::test]
async fn header_and_parameter_lead_to_the_same_place() -> Result<()> {
    let target = Target::start().await?;
    let mut source = Source::new(&target, "tale").await?;
    source.publish(20).await?;
    let ask = source.ask(&target)?;
    let standing = stood(&target, Transport::Sse, &ask, 20).await?;
    source.publish(10).await?;
    let mut by_header = Transport::Sse.open(target.addr(), &ask.from(&standing)).await?;
    let from_header = numbers(&until_number(&mut *by_header, 30).await?)?;
    let cursor = standing.cursor.context("no cursor")?;
    let mut by_query = stream(&target, &source, &cursor).await?;
    let mut from_query = Vec::new();
    while from_query.last() != Some(&30) {
        from_query.push(by_query.find(spark_live_tests::Envelope::is_data).await?.seq);
    }
    ensure!(from_header == (21..=30).collect::<Vec<_>>() && from_query == from_header, "{from_query:?}");
    Ok(())
}

/// A cursor of one transport is one of every other.
#[tokio::test]
async fn streams_and_polls_take_each_others_cursors() -> Result<()> {
    let target = Target::start().await?;
    let mut source = Source::new(&target, "feed").await?;
    let ask = source.ask(&target)?;
    let mut last = 0;
    let mut standing = spark_live_tests::live::Standing::default();
    for transport in [Transport::Sse, Transport::Poll, Transport::Sse, Transport::Poll, Transport::Poll] {
        source.publish(10).await?;
        let from = ask.clone().from(&standing);
        let mut live = transport.open(target.addr(), &from).await?;
        let seen = numbers(&until_number(&mut *live, last + 10).await?)?;
        ensure!(seen == (last + 1..=last + 10).collect::<Vec<_>>(), "{transport:?}: {seen:?}");
        last += 10;
        drop(live);
        standing = stood(&target, transport, &from, last).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_long_answer_comes_in_parts_and_the_cursor_says_so() -> Result<()> {
    let target = Target::start().await?;
    let mut source = Source::new(&target, "tale").await?;
    let text = "x".repeat(4_000);
    // 1.6 MB in all: an answer has about a sixth of it.
    for _ in 0..4 {
        source.publish_with(100, |n| json!({"n": n, "text": text})).await?;
    }
    let mut live = Transport::Poll.open(target.addr(), &source.ask(&target)?).await?;
    let seen = until_number(&mut *live, 400).await?;
    ensure!(numbers(&seen)? == (1..=400).collect::<Vec<_>>());
    let sessions: Vec<String> = seen
        .iter()
        .filter(|envelope| envelope.event == "system.hello")
        .map(|envelope| envelope.field("sessionId"))
        .collect::<Result<_>>()?;
    ensure!(sessions.len() >= 4, "{} answers", sessions.len());
    ensure!(sessions.iter().all(|session| *session == sessions[0]), "{sessions:?}");
    Ok(())
}

/// What a cursor has of other channels is passed over, and a channel that it does not have begins anew.
async fn other_channels(target: &Target, transport: Transport) -> Result<()> {
    let mut first = Source::new(target, "feed").await?;
    let mut second = Source::new(target, "feed").await?;
    first.publish(5).await?;
    second.publish(5).await?;
    let both = Ask::new([first.channel.clone(), second.channel.clone()]).token(target.reader()?);
    let mut standing = stood(target, transport, &first.ask(target)?, 5).await?;
    let mut live = transport.open(target.addr(), &both.clone().from(&standing)).await?;
    let mut ends = 0;
    let seen = until(&mut *live, |envelope| {
        ends += u32::from(envelope.event == "system.ack");
        ends >= 2 && envelope.channel == second.channel && envelope.seq == 5
    })
    .await?;
    let of = |channel: &str| seen.iter().filter(move |e| e.is_data() && e.channel == channel).count();
    ensure!((of(&first.channel), of(&second.channel)) == (0, 5), "{seen:?}");
    standing = live.standing().clone();
    if transport == Transport::WebSocket || standing.cursor.is_some() {
        first.publish(1).await?;
        let mut live = transport.open(target.addr(), &first.ask(target)?.from(&standing)).await?;
        let seen = until_number(&mut *live, 6).await?;
        ensure!(seen.iter().all(|envelope| envelope.channel != second.channel), "{seen:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_cursor_counts_for_the_channels_that_are_asked_for() -> Result<()> {
    let target = Target::start().await?;
    over_each_transport!(&target, other_channels);
    Ok(())
}
