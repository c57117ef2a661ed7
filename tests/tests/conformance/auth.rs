//! Tokens: who is let in, for how long, and to what, over each transport.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use spark_live_tests::live::{Ask, Ended, Live, Refused, SocketLive, Transport, until};
use spark_live_tests::{Envelope, Gateway, Line, Target, unique};

/// A gateway that lets in nobody without a token, warns at once and has a short grace.
async fn strict() -> Result<Target> {
    let options = Gateway::options()
        .env("SPARK_AUTH_ANONYMOUS", false)
        .env("SPARK_AUTH_WARN_MS", 60_000)
        .env("SPARK_AUTH_GRACE_MS", 300)
        .env("SPARK_JWT_SKEW_MS", 0)
        .env("SPARK_LIMITS_BAD_AUTHS_PER_MINUTE", 1_000);
    Target::of(options).await
}

fn is_state(envelope: &Envelope, state: &str) -> bool {
    envelope.event == "system.auth" && envelope.field::<String>("state").is_ok_and(|found| found == state)
}

/// Reads to the end of a connection and returns all that came, and how it ended.
async fn to_the_end(live: &mut dyn Live) -> (Vec<Envelope>, anyhow::Error) {
    let mut seen = Vec::new();
    loop {
        match live.next().await {
            Ok(envelope) => seen.push(envelope),
            Err(error) => return (seen, error),
        }
    }
}

#[tokio::test]
async fn a_token_that_ends_ends_the_connection_with_its_code() -> Result<()> {
    let target = strict().await?;
    for transport in Transport::ALL {
        let token = target.signer().token_for(&unique("p"), &["admin"], Duration::from_secs(2))?;
        let mut ask = Ask::new([unique("feed:")]).token(token);
        ask.wait = Some(1);
        let mut live = transport.open(target.addr(), &ask).await?;
        let (seen, end) = to_the_end(&mut *live).await;
        let seen = || seen.iter();
        ensure!(seen().any(|envelope| is_state(envelope, "expiring")), "{transport:?}: no warning");
        let last = seen().next_back().context("nothing")?;
        match transport {
            Transport::WebSocket => {
                let ended = end.downcast_ref::<Ended>().copied();
                ensure!(ended == Some(Ended { code: Some(4110) }), "{end:#}");
            }
            Transport::Sse => ensure!(last.error_code.as_deref() == Some("AUTH_EXPIRED"), "{last}"),
            Transport::Poll => {
                let refused = end.downcast_ref::<Refused>().with_context(|| format!("{end:#}"))?;
                let code = refused.envelope.error_code.as_deref();
                ensure!(refused.status == 401 && code == Some("AUTH_EXPIRED"), "{refused}");
            }
        }
    }
    Ok(())
}

/// Posts a token for a session and returns the answer's status and envelope.
async fn renew(target: &Target, session: &str, token: &str) -> Result<(u16, Envelope)> {
    let mut line = Line::connect(target.addr()).await?;
    let request = format!(
        "POST /api/live/session/{session}/auth HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: 0\r\n\r\n"
    );
    line.send(request.as_bytes()).await?;
    let (head, body) = line.answer().await?;
    Ok((head.status, Envelope::parse(std::str::from_utf8(&body)?.trim_end())?))
}

#[tokio::test]
async fn a_new_token_goes_on_without_a_new_connection() -> Result<()> {
    let target = strict().await?;
    for transport in [Transport::WebSocket, Transport::Sse] {
        let person = unique("p");
        let token = target.signer().token_for(&person, &["admin"], Duration::from_secs(2))?;
        let ask = Ask::new([unique("feed:")]).token(token);
        let mut live = transport.open(target.addr(), &ask).await?;
        let warned = until(&mut *live, |envelope| is_state(envelope, "expiring")).await?;
        let ends: i64 = warned.last().context("no warning")?.field("expiresAt")?;
        let session = live.standing().session.clone();
        let (status, answer) =
            renew(&target, &session, &target.signer().token(&unique("q"), &["admin"])?).await?;
        ensure!(
            status == 401 && answer.error_code.as_deref() == Some("SUBJECT_MISMATCH"),
            "{status} {answer}"
        );
        let (status, answer) = renew(&target, &session, &target.signer().token(&person, &["admin"])?).await?;
        ensure!(status == 200 && is_state(&answer, "ok"), "{status} {answer}");
        // Past the end and the grace of the first token it still goes on.
        let later = |envelope: &Envelope| envelope.event == "system.heartbeat" && envelope.ts > ends + 1_000;
        let seen = until(&mut *live, later).await?;
        ensure!(!seen.iter().any(|envelope| is_state(envelope, "expired")), "{transport:?}: {seen:?}");
    }
    let (status, answer) = renew(&target, "nobody-has-this", &target.reader()?).await?;
    ensure!(status == 404 && answer.error_code.as_deref() == Some("NOT_FOUND"), "{status} {answer}");
    Ok(())
}

#[tokio::test]
async fn without_a_token_nothing_is_had() -> Result<()> {
    let target = strict().await?;
    for token in [None, Some("nonsense"), Some("a.b.c")] {
        for transport in [Transport::Sse, Transport::Poll] {
            let mut ask = Ask::new(["price:AAPL"]);
            ask.token = token.map(str::to_owned);
            let Err(error) = transport.open(target.addr(), &ask).await else {
                anyhow::bail!("{token:?} is let in")
            };
            let refused = error.downcast::<Refused>()?;
            let code = refused.envelope.error_code.as_deref();
            ensure!(refused.status == 401 && code == Some("UNAUTHENTICATED"), "{token:?}: {refused}");
        }
    }
    let mut live = SocketLive::open(target.addr(), &Ask::default()).await?;
    let answer = live.answer(json!({"cmd": "subscribe", "channels": [{"name": "price:AAPL"}]})).await?;
    ensure!(answer.error_code.as_deref() == Some("UNAUTHENTICATED"), "{answer}");
    let answer = live.answer(json!({"cmd": "ping"})).await?;
    ensure!(answer.ok, "{answer}");
    let answer = live.answer(json!({"cmd": "auth", "token": "nonsense"})).await?;
    ensure!(answer.error_code.as_deref() == Some("UNAUTHENTICATED"), "{answer}");
    let (_, end) = to_the_end(&mut live).await;
    ensure!(end.downcast_ref::<Ended>() == Some(&Ended { code: Some(4002) }), "{end:#}");
    Ok(())
}

#[tokio::test]
async fn a_channel_that_a_role_does_not_read_is_forbidden_and_of_a_person_unknown() -> Result<()> {
    let target = strict().await?;
    let cases = [
        ("feed:secret", "FORBIDDEN"),
        ("copilot:somebody", "CHANNEL_UNKNOWN"),
        ("job:other", "CHANNEL_UNKNOWN"),
    ];
    for (channel, code) in cases {
        for transport in Transport::ALL {
            let token = target.signer().token(&unique("p"), &["trader"])?;
            let ask = Ask::new([channel, "price:AAPL"]).token(token);
            let mut live = transport.open(target.addr(), &ask).await?;
            let seen = until(&mut *live, |envelope| !envelope.ok).await?;
            let error = seen.last().context("no error")?;
            ensure!(
                error.error_code.as_deref() == Some(code) && error.channel == channel,
                "{transport:?}: {error}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_flood_of_commands_is_slowed_and_then_closed() -> Result<()> {
    let target = strict().await?;
    let ask = Ask { token: Some(target.reader()?), ..Ask::default() };
    let mut live = SocketLive::open(target.addr(), &ask).await?;
    for _ in 0..500 {
        // The other end may have closed already.
        let _sent = live.command(json!({"cmd": "ping"})).await;
    }
    let (seen, end) = to_the_end(&mut live).await;
    let refused: Vec<_> = seen.iter().filter(|envelope| !envelope.ok).collect();
    let first = refused.first().context("nothing was refused")?;
    ensure!(first.error_code.as_deref() == Some("RATE_LIMITED"), "{first}");
    ensure!(first.field::<u64>("id")? > 20 && first.field::<u64>("retryAfterMs")? > 0, "{first}");
    ensure!(end.downcast_ref::<Ended>() == Some(&Ended { code: Some(4106) }), "{end:#}");
    Ok(())
}
