//! Bad frames and bad commands against the real binary, on the plan of the Autobahn test suite: each gets its
//! code, the connection goes on where the protocol lets it, and nobody else notices.

#![allow(clippy::panic, reason = "a panic is the verdict of the test")]

mod commands;
mod wire;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use spark_live_tests::frame::{RawSocket, message, opcode};
use spark_live_tests::live::{Ask, Live, SocketLive, beside};
use spark_live_tests::{Envelope, Line, Target, unique};
use tokio::time::timeout;

/// Longest that a case may take before it counts as a hang.
const HANG: Duration = Duration::from_secs(10);
/// Id of the ping that asks whether the connection goes on.
const PROBE: u64 = 777_777;

/// What is sent and what must come of it.
struct Case {
    name: String,
    bytes: Vec<u8>,
    want: Want,
}

/// What must come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// Nothing is wrong: no error, and the connection goes on.
    Fine,
    /// An error envelope with that code, and the connection goes on.
    Error(&'static str),
    /// So many of them.
    Errors(&'static str, usize),
    /// An acknowledgement with that code, and the connection goes on.
    Verdict(&'static str),
    /// A close frame with one of these codes.
    Closed(&'static [u16]),
    /// The end of the connection, once nothing more is sent.
    End,
}

impl Case {
    fn new(name: impl Into<String>, bytes: Vec<u8>, want: Want) -> Self {
        Self { name: name.into(), bytes, want }
    }

    fn text(name: impl Into<String>, text: &str, want: Want) -> Self {
        Self::new(name, message(opcode::TEXT, text.as_bytes()), want)
    }
}

/// What came of a case.
#[derive(Debug, Default)]
struct Outcome {
    /// Codes of what came, envelopes without one left out.
    codes: Vec<String>,
    is_alive: bool,
    close: Option<u16>,
}

/// Sends a case over a connection of its own and reads until the probe is answered or the connection ends.
async fn outcome(target: &Target, token: &str, case: &Case) -> Result<Outcome> {
    let mut socket = RawSocket::open(target.addr(), "/api/live/ws", Some(token)).await?;
    // The other end may have closed the connection before it has taken everything.
    let _sent = socket.send(&case.bytes).await;
    if case.want == Want::End {
        let _finished = socket.finish().await;
    } else {
        let probe = format!(r#"{{"id":{PROBE},"cmd":"ping"}}"#);
        let _sent = socket.send_text(&probe).await;
    }
    let mut outcome = Outcome::default();
    while let Ok(frame) = socket.next().await {
        ensure!(frame.reserved == 0, "a frame with reserved bits: {frame:?}");
        match frame.opcode {
            opcode::TEXT => {
                for line in std::str::from_utf8(&frame.payload)?.split('\n') {
                    let envelope = Envelope::parse(line)?;
                    outcome.codes.extend(envelope.error_code.clone());
                    let is_probe = envelope.field::<Option<u64>>("id").ok().flatten() == Some(PROBE);
                    outcome.is_alive |= is_probe && envelope.ok;
                }
            }
            opcode::CLOSE => {
                outcome.close = frame.close_code();
                let _answered = socket.send(&message(opcode::CLOSE, &frame.payload)).await;
            }
            _ => {}
        }
        if outcome.is_alive {
            break;
        }
    }
    Ok(outcome)
}

async fn judge(target: &Target, token: &str, case: &Case) -> Result<()> {
    let outcome = timeout(HANG, outcome(target, token, case)).await.context("it hangs")??;
    let has = |code: &str| outcome.codes.iter().any(|found| found == code);
    let is_met = match case.want {
        Want::Fine => outcome.is_alive && outcome.codes.is_empty(),
        Want::Error(code) | Want::Verdict(code) => outcome.is_alive && has(code) && outcome.codes.len() == 1,
        Want::Errors(code, count) => {
            outcome.is_alive
                && outcome.codes.len() == count
                && outcome.codes.iter().all(|found| found == code)
        }
        Want::Closed(codes) => outcome.close.is_some_and(|code| codes.contains(&code)),
        Want::End => !outcome.is_alive,
    };
    ensure!(is_met, "wanted {:?}, got {outcome:?}", case.want);
    Ok(())
}

/// Judges every case while somebody else listens, who must not notice any of it.
async fn judge_all(cases: Vec<Case>, at_least: usize) -> Result<()> {
    ensure!(cases.len() >= at_least, "only {} cases", cases.len());
    let target = Target::start().await?;
    let token = target.reader()?;
    let ask = Ask::new([unique("gauge:")]).token(target.reader()?);
    let mut bystander = SocketLive::open(target.addr(), &ask).await?;
    let session = bystander.next().await?;
    ensure!(session.event == "system.hello", "{session}");
    let mut faults = Vec::new();
    let judged = async {
        for case in &cases {
            if let Err(error) = judge(&target, &token, case).await {
                faults.push(format!("{}: {error:#}", case.name));
            }
        }
    };
    beside(&mut bystander, judged).await?;
    ensure!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
    let pong = bystander.answer(serde_json::json!({"cmd": "ping"})).await?;
    ensure!(pong.ok, "the bystander is told {pong}");
    let beat = timeout(HANG, async {
        loop {
            let envelope = bystander.next().await?;
            ensure!(envelope.ok, "the bystander is told {envelope}");
            if envelope.event == "system.heartbeat" {
                return Ok(envelope);
            }
        }
    });
    beat.await.context("no heartbeat for the bystander")??;
    Ok(())
}

#[tokio::test]
async fn frames_that_break_the_standard_are_closed_with_a_code() -> Result<()> {
    judge_all(wire::cases(), 150).await
}

#[tokio::test]
async fn commands_that_are_none_are_answered_with_their_code() -> Result<()> {
    judge_all(commands::cases(), 150).await
}

#[tokio::test]
async fn what_is_cut_within_a_frame_ends_quietly() -> Result<()> {
    let whole = message(opcode::TEXT, br#"{"id":1,"cmd":"ping"}"#);
    let cut =
        (1..whole.len()).map(|len| Case::new(format!("cut at {len}"), whole[..len].to_vec(), Want::End));
    judge_all(cut.collect(), 20).await
}

#[tokio::test]
async fn an_upgrade_that_is_none_is_refused_with_an_envelope() -> Result<()> {
    let target = Target::start().await?;
    let token = target.reader()?;
    let good = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let changes = [
        ("Upgrade", None),
        ("Upgrade", Some("h3")),
        ("Connection", None),
        ("Connection", Some("close")),
        ("Sec-WebSocket-Version", None),
        ("Sec-WebSocket-Version", Some("8")),
        ("Sec-WebSocket-Version", Some("x")),
        ("Sec-WebSocket-Key", None),
    ];
    for (name, value) in changes {
        let headers = good.iter().map(|&(key, usual)| (key, if key == name { value } else { Some(usual) }));
        let headers: String =
            headers.filter_map(|(key, value)| Some(format!("{key}: {}\r\n", value?))).collect();
        let request = format!(
            "GET /api/live/ws HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
        );
        let mut line = Line::connect(target.addr()).await?;
        line.send(request.as_bytes()).await?;
        let (head, body) =
            timeout(HANG, line.answer()).await.with_context(|| format!("{name} {value:?}"))??;
        let envelope = Envelope::parse(std::str::from_utf8(&body)?.trim_end())?;
        ensure!(head.status == 400 && !envelope.ok, "{name} {value:?}: {} {envelope}", head.status);
    }
    for query in ["frames=json", "frames=", "frames=text&frames=binary"] {
        match RawSocket::open(target.addr(), &format!("/api/live/ws?{query}"), Some(&token)).await {
            Ok(_) => bail!("{query} is taken"),
            Err(error) => ensure!(format!("{error:#}").contains("400"), "{query}: {error:#}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn compression_is_not_agreed_to() -> Result<()> {
    let target = Target::start().await?;
    let token = target.reader()?;
    for offer in
        ["permessage-deflate", "permessage-deflate; client_max_window_bits", "x-webkit-deflate-frame"]
    {
        let mut line = Line::connect(target.addr()).await?;
        let request = format!(
            "GET /api/live/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Extensions: {offer}\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        line.send(request.as_bytes()).await?;
        let head = line.head().await?;
        ensure!(
            head.status == 101 && head.header("sec-websocket-extensions").is_empty(),
            "{offer}: {head:?}"
        );
    }
    Ok(())
}
