//! Signs of life: a socket is pinged at each heartbeat, and closed when it answers nothing.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use spark_live_tests::frame::{RawSocket, message, opcode};
use spark_live_tests::{Gateway, PATIENCE};
use tokio::time::timeout;

const BEAT: Duration = Duration::from_millis(200);

async fn gateway() -> Result<Gateway> {
    Gateway::options().env("SPARK_LIVE_HEARTBEAT_MS", BEAT.as_millis()).start().await
}

async fn open(gateway: &Gateway) -> Result<RawSocket> {
    RawSocket::open(gateway.addr().parse()?, "/api/live/ws", None).await
}

/// Reads for a while, sends `said` whenever it is pinged, and returns how many pings came and the code that it was
/// closed with.
async fn listen(socket: &mut RawSocket, time: Duration, said: &[u8]) -> Result<(usize, Option<u16>)> {
    let mut pings = 0;
    let until = Instant::now() + time;
    while let Ok(frame) = timeout(until.saturating_duration_since(Instant::now()), socket.next()).await {
        let frame = frame?;
        match frame.opcode {
            opcode::PING => {
                ensure!(frame.payload.len() <= 125 && frame.is_last, "{frame:?}");
                pings += 1;
                socket.send(said).await?;
            }
            opcode::CLOSE => return Ok((pings, Some(frame.close_code().context("no code")?))),
            _ => {}
        }
    }
    Ok((pings, None))
}

#[tokio::test]
async fn a_socket_that_reads_but_answers_no_ping_is_closed() -> Result<()> {
    let gateway = gateway().await?;
    let began = Instant::now();
    let mut socket = open(&gateway).await?;
    let (pings, code) = listen(&mut socket, PATIENCE, b"").await?;
    assert_eq!((pings, code), (2, Some(4109)));
    ensure!(began.elapsed() >= BEAT * 3, "two pings have their time: {:?}", began.elapsed());
    Ok(())
}

#[tokio::test]
async fn whatever_a_socket_sends_is_a_sign_of_life() -> Result<()> {
    let gateway = gateway().await?;
    let signs = [
        ("a pong", message(opcode::PONG, b"")),
        ("a pong of something else", message(opcode::PONG, b"?")),
        ("a ping", message(opcode::PING, b"")),
        ("a command", message(opcode::TEXT, br#"{"id":1,"cmd":"ping"}"#)),
        ("a command that is none", message(opcode::BINARY, b"{")),
    ];
    let sockets = signs.iter().map(|(what, sign)| {
        let gateway = &gateway;
        async move {
            let mut socket = open(gateway).await?;
            let (pings, code) = listen(&mut socket, BEAT * 12, sign).await?;
            if pings < 5 || code.is_some() {
                bail!("{what}: {pings} pings, closed with {code:?}");
            }
            // A sign of life is only good for its time.
            let (_, code) = listen(&mut socket, PATIENCE, b"").await?;
            ensure!(code == Some(4109), "{what}: closed with {code:?}");
            Ok(())
        }
    });
    futures_util::future::try_join_all(sockets).await.map(drop)
}

#[tokio::test]
async fn a_client_like_a_browser_answers_by_itself() -> Result<()> {
    let gateway = gateway().await?;
    let mut socket = gateway.websocket().await?;
    // It subscribes to nothing and says nothing.
    for _ in 0..12 {
        socket.find(|envelope| envelope.event == "system.heartbeat").await?;
    }
    Ok(())
}
