//! Names of channels that are none, over every transport: each gets its code, what is asked for beside it is
//! served, and nobody else notices.

use anyhow::{Context, Result, ensure};
use spark_live_tests::live::{Ask, Refused, SocketLive, Transport, beside, until};
use spark_live_tests::{Envelope, Target, unique};

const INVALID: &str = "CHANNEL_INVALID";
const UNKNOWN: &str = "CHANNEL_UNKNOWN";

/// Names and the code that each must get.
fn names() -> Vec<(String, &'static str)> {
    let fixed = [
        ":",
        "gauge",
        "gauge:",
        ":a",
        "::",
        "gauge::a",
        "gauge:a:b",
        "gauge:.",
        "gauge:..",
        "gauge:...",
        "gauge:.a",
        "gauge:a.",
        "gauge:a..b",
        "gauge:a.b..c",
        "../etc/passwd",
        "gauge:../a",
        "gauge:a/../b",
        "gauge:a/b",
        "gauge:a\\b",
        "gauge:a b",
        " gauge:a",
        "gauge:a ",
        "gauge: a",
        "gauge:a*",
        "gauge:*",
        "gauge:**",
        "*:a",
        "gauge:{user}",
        "gauge:a?b",
        "gauge:a#b",
        "gauge:a&b",
        "gauge:a%b",
        "gauge:%2e%2e",
        "gauge:a=b",
        "gauge:a+b",
        "gauge:a@b",
        "gauge:a;b",
        "gauge:a'b",
        "gauge:a\"b",
        "gauge:a<b>",
        "gauge:a|b",
        "gauge:a~b",
        "gauge:a!b",
        "gauge:a$b",
        "gauge:a(b)",
        "gauge:a[0]",
        "gauge:a^b",
        "gauge:a`b",
        // What a person may take for a letter: dotless and dotted i, full width, Cyrillic, combining, invisible.
        "gauge:\u{131}stanbul",
        "gauge:\u{130}stanbul",
        "pr\u{131}ce:AAPL",
        "gauge:\u{ff41}",
        "gauge:\u{430}",
        "gauge:e\u{301}",
        "gauge:a\u{200b}b",
        "gauge:\u{202e}a",
        "\u{feff}gauge:a",
        "gauge:\u{1f600}",
        "gauge:a\u{a0}b",
        "gauge\u{ff1a}a",
        "gauge:a\u{2024}b",
        "gauge:\u{661}",
        // Control characters.
        "gauge:a\0b",
        "gauge:a\nb",
        "gauge:a\rb",
        "gauge:a\r\nid: 1",
        "gauge:a\tb",
        "gauge:a\u{7f}",
        "gauge:\u{1b}[2J",
        "gauge:a\u{85}b",
        "gauge:a.b.c.d.e.f.g.h.i",
    ];
    let unknown = [
        "weather:a",
        "PRICE:AAPL",
        "Gauge:a",
        "gauges:a",
        "gaug:a",
        "__proto__:a",
        "constructor:a",
        "price:NOPE",
    ];
    let mut names: Vec<_> = fixed.iter().map(|name| ((*name).to_owned(), INVALID)).collect();
    names.extend(unknown.iter().map(|name| ((*name).to_owned(), UNKNOWN)));
    names.push((format!("gauge:{}", "a".repeat(123)), INVALID));
    names.push((format!("gauge:{}", "a".repeat(5_000)), INVALID));
    names.push((format!("{}:a", "g".repeat(127)), INVALID));
    names.push((format!("{}:a", "g".repeat(126)), UNKNOWN));
    names
}

/// Percent-encodes every byte that is no letter or digit, so that any name can stand in an address.
fn encoded(name: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(encode).collect()
}

/// What is asked for over this transport to mean that name.
fn asked(transport: Transport, name: &str) -> String {
    match transport {
        Transport::WebSocket => name.to_owned(),
        Transport::Sse | Transport::Poll => encoded(name),
    }
}

fn judged(error: &Envelope, name: &str, code: &str) -> Result<()> {
    ensure!(error.error_code.as_deref() == Some(code), "{error}");
    ensure!(error.event == "system.error" && error.seq == 0, "{error}");
    // A text that is no name never stands where names stand; what is repeated of it is short.
    let channel = if code == INVALID { "" } else { name };
    ensure!(error.channel == channel, "channel is {}", error.channel);
    ensure!(error.text.len() < 1_024, "{} bytes", error.text.len());
    Ok(())
}

/// Asks for a name beside a good one: the good one is served, the other refused.
async fn together(target: &Target, transport: Transport, name: &str, code: &str) -> Result<()> {
    let good = unique("gauge:");
    let ask = Ask::new([asked(transport, name), good.clone()]).token(target.reader()?);
    let mut live = transport.open(target.addr(), &ask).await?;
    let (mut error, mut ack) = (None, None);
    until(&mut *live, |envelope| {
        match envelope.event.as_str() {
            "system.error" => error = Some(envelope.clone()),
            "system.ack" => ack = Some(envelope.clone()),
            _ => {}
        }
        error.is_some() && ack.is_some()
    })
    .await?;
    judged(&error.context("no error")?, name, code)?;
    ensure!(ack.is_some_and(|ack| ack.channel == good && ack.ok));
    Ok(())
}

/// Asks for nothing else: a stream and a poll are refused as a whole.
async fn alone(target: &Target, transport: Transport, name: &str, code: &str) -> Result<()> {
    let ask = Ask::new([asked(transport, name)]).token(target.reader()?);
    let refused = match transport.open(target.addr(), &ask).await {
        Ok(_) => anyhow::bail!("it is taken"),
        Err(error) => error.downcast::<Refused>()?,
    };
    let status = if code == INVALID { 400 } else { 404 };
    ensure!(refused.status == status, "{refused}");
    judged(&refused.envelope, name, code)
}

#[tokio::test]
async fn every_name_gets_its_code_over_every_transport_and_nobody_else_notices() -> Result<()> {
    let target = Target::start().await?;
    let mut bystander =
        SocketLive::open(target.addr(), &Ask::new([unique("gauge:")]).token(target.reader()?)).await?;
    let names = names();
    ensure!(names.len() >= 60, "only {} names", names.len());
    let mut faults = Vec::new();
    let judged = async {
        for (name, code) in &names {
            for transport in Transport::ALL {
                if let Err(error) = together(&target, transport, name, code).await {
                    faults.push(format!("{name:?} over {transport:?}: {error:#}"));
                }
                if transport != Transport::WebSocket
                    && let Err(error) = alone(&target, transport, name, code).await
                {
                    faults.push(format!("{name:?} alone over {transport:?}: {error:#}"));
                }
            }
        }
    };
    beside(&mut bystander, judged).await?;
    println!("{} names over 3 transports, {} not as they should be", names.len(), faults.len());
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    let pong = bystander.answer(serde_json::json!({"cmd": "ping"})).await?;
    ensure!(pong.ok, "the bystander is told {pong}");
    let beat = until(&mut bystander, |envelope| envelope.event == "system.heartbeat").await?;
    ensure!(beat.iter().all(|envelope| envelope.ok), "{beat:?}");
    Ok(())
}

#[tokio::test]
async fn the_longest_and_the_deepest_name_are_served() -> Result<()> {
    let target = Target::start().await?;
    let longest = format!("gauge:{}", "a".repeat(122));
    let names = [longest.as_str(), "gauge:a.b.c.d.e.f.g.h", "gauge:-", "gauge:_", "gauge:0", "price:AAPL"];
    for transport in Transport::ALL {
        let ask = Ask::new(names).token(target.reader()?);
        let mut live = transport.open(target.addr(), &ask).await?;
        let mut acks = 0;
        let seen = until(&mut *live, |envelope| {
            acks += usize::from(envelope.event == "system.ack");
            acks == names.len()
        });
        let seen = seen.await?;
        ensure!(seen.iter().all(|envelope| envelope.ok), "{seen:?}");
    }
    Ok(())
}
