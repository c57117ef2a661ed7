//! Publishing over HTTP from outside: what is taken and given a place, what is refused and how it is told, and who reads
//! the channels of a person.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use spark_live_tests::access::now_seconds;
use spark_live_tests::live::{Ask, Ended, Live, Refused, Transport, until};
use spark_live_tests::{Envelope, Gateway, Line, Published, Publisher, RawAnswer, Target, unique};
use tokio::time::timeout;

/// Longest time until a token that was taken back has no connection any more.
const REVOKED_WITHIN: Duration = Duration::from_secs(5);

fn item(channel: &str, data: Value) -> Value {
    json!({"channel": channel, "event": "test.item", "data": data})
}

/// The same with another member.
fn with(mut item: Value, name: &str, value: impl Into<Value>) -> Value {
    item[name] = value.into();
    item
}

/// Posts a body and makes sure that it is refused so: status, code and field.
async fn is_refused(
    publisher: &mut Publisher,
    body: &Value,
    (status, code, field): (u16, &str, &str),
) -> Result<()> {
    let (answered, envelope) = publisher.post(&body.to_string()).await?;
    let found: String = envelope.field("field").unwrap_or_default();
    let is_expected = envelope.event == "system.error"
        && (answered, envelope.error_code.as_deref(), found.as_str()) == (status, Some(code), field);
    ensure!(is_expected, "{answered} {envelope} in place of {status} {code} at {field}");
    Ok(())
}

async fn publish_one(publisher: &mut Publisher, item: &Value) -> Result<Published> {
    let (status, envelope) = publisher.post(&item.to_string()).await?;
    ensure!(status == 200 && envelope.event == "publish.accepted", "{status} {envelope}");
    envelope.data_as()
}

#[tokio::test]
async fn one_and_a_thousand_are_given_their_places_and_delivered() -> Result<()> {
    let target = Target::start().await?;
    let (channel, mut publisher) = (unique("tale:"), target.publisher().await?);
    let first = publish_one(&mut publisher, &item(&channel, json!(0))).await?;
    ensure!(first.seq == 1 && first.channel == channel && !first.duplicate, "{first:?}");
    let ask = Ask::new([channel.clone()]).token(target.reader()?);
    let mut live = Transport::WebSocket.open(target.addr(), &ask).await?;
    let many: Vec<Value> = (1..=1_000).map(|n| item(&channel, json!(n))).collect();
    let places = publisher.publish_all(&many).await?;
    ensure!(places.iter().map(|place| place.seq).eq(2..=1_001), "{places:?}");
    ensure!(places.iter().all(|place| place.epoch == first.epoch && place.channel == channel));
    let more: Vec<Value> = (0..1_001).map(|n| item(&channel, json!(n))).collect();
    is_refused(&mut publisher, &json!(more), (400, "BAD_REQUEST", "body")).await?;
    is_refused(&mut publisher, &json!([]), (400, "BAD_REQUEST", "body")).await?;
    let last = publish_one(&mut publisher, &item(&channel, json!(1_001))).await?;
    ensure!(last.seq == 1_002, "{last:?}");
    let seen = until(&mut *live, |envelope| envelope.is_data() && envelope.seq == last.seq).await?;
    let seen: Vec<&Envelope> = seen.iter().filter(|envelope| envelope.is_data()).collect();
    ensure!(seen.len() == 1_002, "{}", seen.len());
    for (n, envelope) in seen.iter().enumerate() {
        ensure!(envelope.seq == n as u64 + 1 && envelope.data.get() == n.to_string(), "{envelope}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_published_again_under_its_key_is_published_once() -> Result<()> {
    let target = Target::start().await?;
    let (channel, mut publisher) = (unique("feed:"), target.publisher().await?);
    let keyed = with(item(&channel, json!({"n": 1})), "idempotencyKey", "A-1_z");
    let first = publish_one(&mut publisher, &keyed).await?;
    let again = publish_one(&mut publisher, &keyed).await?;
    ensure!(!first.duplicate && again == Published { duplicate: true, ..first.clone() }, "{again:?}");
    let list = publisher.publish_all(&[item(&channel, json!(2)), keyed.clone()]).await?;
    ensure!(list[0].seq == 2 && list[1] == again, "{list:?}");
    let other = with(keyed.clone(), "data", json!({"n": 2}));
    is_refused(&mut publisher, &other, (422, "IDEMPOTENCY_MISMATCH", "idempotencyKey")).await?;
    for bad in ["", "a b", "é", &"k".repeat(65)] {
        let bad = with(keyed.clone(), "idempotencyKey", bad);
        is_refused(&mut publisher, &bad, (400, "IDEMPOTENCY_KEY_INVALID", "idempotencyKey")).await?;
        let place = (400, "IDEMPOTENCY_KEY_INVALID", "[1].idempotencyKey");
        is_refused(&mut publisher, &json!([keyed, bad]), place).await?;
    }
    // The key of another person, and the same on another channel, is another one.
    let theirs = publish_one(&mut target.publisher().await?, &other).await?;
    ensure!(theirs.seq == 3 && !theirs.duplicate, "{theirs:?}");
    let elsewhere = publish_one(&mut publisher, &with(other, "channel", unique("feed:"))).await?;
    ensure!(elsewhere.seq == 1 && !elsewhere.duplicate, "{elsewhere:?}");
    Ok(())
}

#[tokio::test]
async fn a_key_for_which_there_is_no_room_is_refused_and_not_forgotten_in_silence() -> Result<()> {
    let target = Target::of(Gateway::options().env("SPARK_LIMITS_IDEMPOTENCY_KEYS", 2)).await?;
    let (channel, mut publisher) = (unique("feed:"), target.publisher().await?);
    let keyed = |key: &str| with(item(&channel, json!(1)), "idempotencyKey", key);
    publisher.publish_all(&[keyed("a"), keyed("b")]).await?;
    is_refused(&mut publisher, &keyed("c"), (429, "RATE_LIMITED", "idempotencyKey")).await?;
    let list = json!([keyed("a"), item(&channel, json!(1)), keyed("c")]);
    let (status, envelope) = publisher.post(&list.to_string()).await?;
    ensure!(status == 429 && envelope.field::<String>("field")? == "[2].idempotencyKey", "{envelope}");
    ensure!((1..=630_000).contains(&envelope.field::<u64>("retryAfterMs")?), "{envelope}");
    let known = publish_one(&mut publisher, &keyed("a")).await?;
    ensure!(known.duplicate && known.seq == 1, "{known:?}");
    Ok(())
}

#[tokio::test]
async fn a_fault_is_told_with_its_place_and_then_nothing_is_published() -> Result<()> {
    let target = Target::start().await?;
    let (channel, mut publisher) = (unique("feed:"), target.publisher().await?);
    let good = item(&channel, json!(1));
    let job = unique("job:");
    let opens = with(item(&job, json!(1)), "owner", "ada");
    for (bad, status, code, member) in [
        (with(good.clone(), "colour", "red"), 400, "BAD_REQUEST", "colour"),
        (with(good.clone(), "channel", "nowhere:1"), 404, "CHANNEL_UNKNOWN", "channel"),
        (with(good.clone(), "channel", "price:NOPE"), 404, "CHANNEL_UNKNOWN", "channel"),
        (with(good.clone(), "channel", "feed"), 400, "CHANNEL_INVALID", "channel"),
        (with(good.clone(), "channel", "system:status"), 403, "FORBIDDEN", "channel"),
        (with(good.clone(), "event", "system.ack"), 400, "BAD_REQUEST", "event"),
        (with(good.clone(), "owner", "ada"), 400, "BAD_REQUEST", "owner"),
        (with(good.clone(), "channel", unique("table:")), 400, "BAD_REQUEST", "key"),
        (with(opens.clone(), "owner", "bob"), 403, "FORBIDDEN", "owner"),
        (with(good.clone(), "data", "x".repeat(65_536)), 413, "PAYLOAD_TOO_LARGE", "data"),
    ] {
        let list = json!([good, opens, good, bad, good]);
        is_refused(&mut publisher, &list, (status, code, &format!("[3].{member}"))).await?;
        if member != "owner" || code != "FORBIDDEN" {
            is_refused(&mut publisher, &bad, (status, code, member)).await?;
        }
        // The person's channel was not opened either.
        is_refused(&mut publisher, &item(&job, json!(1)), (404, "CHANNEL_UNKNOWN", "channel")).await?;
    }
    let first = publish_one(&mut publisher, &good).await?;
    ensure!(first.seq == 1, "something was published: {first:?}");
    Ok(())
}

#[tokio::test]
async fn only_publishers_and_admins_publish() -> Result<()> {
    let target = Target::of(Gateway::options()).await?;
    let body = item(&unique("feed:"), json!(1));
    let signer = target.signer();
    let late = signer.sign(&json!({"sub": "p", "roles": ["publisher"], "exp": now_seconds() - 3_600}))?;
    for (token, status, code) in [
        (signer.token("p", &["trader"])?, 403, "FORBIDDEN"),
        (signer.token("p", &["guest"])?, 403, "FORBIDDEN"),
        (signer.token("p", &[])?, 403, "FORBIDDEN"),
        ("nonsense".to_owned(), 401, "UNAUTHENTICATED"),
        (late, 401, "AUTH_EXPIRED"),
    ] {
        let mut publisher = Publisher::connect(target.addr(), token).await?;
        let (answered, envelope) = publisher.post(&body.to_string()).await?;
        ensure!((answered, envelope.error_code.as_deref()) == (status, Some(code)), "{answered} {envelope}");
    }
    let body = body.to_string();
    let unsigned = request("", &format!("Content-Type: application/json\r\n{}", length(&body)), &body);
    let answer = posted(&target, unsigned.as_bytes()).await?;
    ensure!((answer.status, answer.code().as_str()) == (401, "UNAUTHENTICATED"), "{answer:?}");
    let mut admin = Publisher::connect(target.addr(), signer.token("root", &["admin"])?).await?;
    ensure!(admin.post(&body).await?.0 == 200);
    Ok(())
}

/// A request as text; each of the further header lines with its end.
fn request(token: &str, headers: &str, body: &str) -> String {
    let token = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    format!("POST /api/live/publish HTTP/1.1\r\nHost: localhost\r\n{token}{headers}\r\n{body}")
}

fn length(body: &str) -> String {
    format!("Content-Length: {}\r\n", body.len())
}

async fn posted(target: &Target, request: &[u8]) -> Result<RawAnswer> {
    let mut raw = target.gateway().context("a gateway of our own")?.raw().await?;
    raw.send(request).await;
    raw.answer().await
}

#[tokio::test]
async fn bodies_that_are_none_or_too_long_are_refused() -> Result<()> {
    let target = Target::of(Gateway::options()).await?;
    let token = target.signer().token("p", &["publisher"])?;
    let good = item(&unique("feed:"), json!(1)).to_string();
    let padded = format!("{good}{}", " ".repeat(1024 * 1024 - good.len()));
    let (json_type, long) = ("Content-Type: application/json\r\n", format!("{padded} "));
    let chunked = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    let text_type = "Content-Type: text/plain\r\n";
    let gzip = format!("{json_type}Content-Encoding: gzip\r\n");
    for (headers, body, status, code) in [
        (format!("{json_type}{}", length(&good)), good.as_str(), 200, ""),
        (format!("{json_type}{}", length(&padded)), &padded, 200, ""),
        (format!("{json_type}{}", length(&long)), &long, 413, "PAYLOAD_TOO_LARGE"),
        (format!("{json_type}Transfer-Encoding: chunked\r\n"), &chunked, 413, "PAYLOAD_TOO_LARGE"),
        (json_type.to_owned(), "", 411, "BAD_REQUEST"),
        (format!("{text_type}{}", length(&good)), &good, 415, "BAD_REQUEST"),
        (length(&good), &good, 415, "BAD_REQUEST"),
        (format!("{gzip}{}", length(&good)), &good, 415, "BAD_REQUEST"),
        (format!("{json_type}{}", length("")), "", 400, "BAD_REQUEST"),
        (format!("{json_type}{}", length("{\"channel\"")), "{\"channel\"", 400, "BAD_REQUEST"),
        (format!("{json_type}{}", length("1")), "1", 400, "BAD_REQUEST"),
    ] {
        let answer = posted(&target, request(&token, &headers, body).as_bytes()).await?;
        ensure!((answer.status, answer.code().as_str()) == (status, code), "{headers}: {answer:?}");
    }
    let mut bytes = request(&token, &format!("{json_type}Content-Length: 2\r\n"), "").into_bytes();
    bytes.extend_from_slice(&[0xff, 0xfe]);
    let answer = posted(&target, &bytes).await?;
    ensure!((answer.status, answer.code().as_str()) == (400, "BAD_REQUEST"), "{answer:?}");
    let mut publisher = target.publisher().await?;
    let seq = publish_one(&mut publisher, &serde_json::from_str(&good)?).await?.seq;
    ensure!(seq == 3, "only what was answered with 200 is published: {seq}");
    Ok(())
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() -> Result<()> {
    let target = Target::of(Gateway::options().env("SPARK_LIMITS_BODY_TIMEOUT_MS", 500)).await?;
    let token = target.signer().token("p", &["publisher"])?;
    let headers = "Content-Type: application/json\r\nContent-Length: 100\r\n";
    let answer = posted(&target, request(&token, headers, "{\"channel\":").as_bytes()).await?;
    ensure!((answer.status, answer.code().as_str()) == (408, "BODY_TIMEOUT"), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn a_publisher_that_is_too_fast_is_told_when_to_come_again() -> Result<()> {
    let target = Target::of(Gateway::options().env("SPARK_LIMITS_PUBLISH_PER_SECOND", 2)).await?;
    let channel = unique("feed:");
    let body = json!([item(&channel, json!(1)), item(&channel, json!(2))]).to_string();
    let token = target.signer().token("p", &["publisher"])?;
    let request = request(&token, &format!("Content-Type: application/json\r\n{}", length(&body)), &body);
    let mut line = Line::connect(target.addr()).await?;
    let mut accepted = 0;
    for _ in 0..200 {
        line.send(request.as_bytes()).await?;
        let (head, body) = line.answer().await?;
        let envelope = Envelope::parse(std::str::from_utf8(&body)?.trim_end())?;
        if head.status == 200 {
            accepted += 1;
            continue;
        }
        ensure!((head.status, envelope.error_code.as_deref()) == (429, Some("RATE_LIMITED")), "{envelope}");
        let after: u64 = envelope.field("retryAfterMs")?;
        ensure!((1..=1_000).contains(&after) && head.header("retry-after") == "1", "{envelope} {head:?}");
        // Somebody else is not held up, and the refused list was published in no part.
        let next = publish_one(&mut target.publisher().await?, &item(&channel, json!(3))).await?;
        ensure!(next.seq == accepted * 2 + 1, "{next:?} after {accepted}");
        return Ok(());
    }
    bail!("200 lists of two within moments")
}

/// The envelope that refuses a channel, whatever the transport makes of it.
async fn refused(target: &Target, transport: Transport, ask: &Ask) -> Result<Envelope> {
    let mut live = match transport.open(target.addr(), ask).await {
        Ok(live) => live,
        Err(error) => return Ok(error.downcast::<Refused>()?.envelope),
    };
    let seen = until(&mut *live, |envelope| envelope.event == "system.error").await?;
    ensure!(!seen.iter().any(Envelope::is_data), "{seen:?}");
    seen.into_iter().next_back().context("no refusal")
}

#[tokio::test]
async fn the_channel_of_a_person_is_read_by_nobody_else() -> Result<()> {
    let target = Target::start().await?;
    let mut publisher = target.publisher().await?;
    let (owner, other) = (unique("owner"), unique("other"));
    for transport in Transport::ALL {
        for namespace in ["job:", "copilot:"] {
            let channel = unique(namespace);
            let ask = |subject: &str, role: &str| -> Result<Ask> {
                Ok(Ask::new([channel.clone()]).token(target.signer().token(subject, &[role])?))
            };
            let early = refused(&target, transport, &ask(&owner, "trader")?).await?;
            ensure!(early.error_code.as_deref() == Some("CHANNEL_UNKNOWN"), "not opened yet: {early}");
            publish_one(&mut publisher, &with(item(&channel, json!("first")), "owner", owner.clone()))
                .await?;
            let mut live = transport.open(target.addr(), &ask(&owner, "trader")?).await?;
            until(&mut *live, |envelope| envelope.data.get() == "\"first\"").await?;
            publish_one(&mut publisher, &item(&channel, json!("second"))).await?;
            let seen = until(&mut *live, |envelope| envelope.data.get() == "\"second\"").await?;
            ensure!(seen.last().is_some_and(|last| last.seq == 2), "{seen:?}");
            let refusal = refused(&target, transport, &ask(&other, "trader")?).await?;
            ensure!(
                refusal.error_code.as_deref() == Some("CHANNEL_UNKNOWN") && refusal.channel == channel,
                "{transport:?}: {refusal}"
            );
            let stolen = with(item(&channel, json!("third")), "owner", other.clone());
            is_refused(&mut publisher, &stolen, (403, "FORBIDDEN", "owner")).await?;
        }
    }
    Ok(())
}

/// Reads to the end of a connection: the code of what ended it.
async fn end(mut live: Box<dyn Live>) -> Result<String> {
    let mut last = String::new();
    loop {
        match live.next().await {
            Ok(envelope) if envelope.event == "system.error" => {
                last = envelope.error_code.unwrap_or_default();
            }
            Ok(_) => {}
            Err(error) => {
                return match (error.downcast_ref::<Refused>(), error.downcast_ref::<Ended>()) {
                    (Some(refused), _) => Ok(refused.envelope.error_code.clone().unwrap_or_default()),
                    (_, Some(Ended { code: Some(4004) | None })) => Ok(last),
                    _ => Err(error),
                };
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_is_taken_back_reads_its_channel_no_more() -> Result<()> {
    let target = Target::start().await?;
    let (channel, owner, jti) = (unique("job:"), unique("owner"), unique("token"));
    let exp = now_seconds() + 600;
    let token =
        |jti: &str| target.signer().sign(&json!({"sub": owner, "roles": ["trader"], "exp": exp, "jti": jti}));
    let mut publisher = target.publisher().await?;
    publish_one(&mut publisher, &with(item(&channel, json!("first")), "owner", owner.clone())).await?;
    let ask = Ask::new([channel.clone()]);
    let (taken_back, kept) = (ask.clone().token(token(&jti)?), ask.token(token(&unique("token"))?));
    let mut lives = Vec::new();
    for transport in Transport::ALL {
        let mut live = transport.open(target.addr(), &taken_back).await?;
        until(&mut *live, Envelope::is_data).await?;
        lives.push(live);
    }
    let mut staying = Transport::Sse.open(target.addr(), &kept).await?;
    let ends =
        tokio::spawn(timeout(REVOKED_WITHIN, futures_util::future::join_all(lives.into_iter().map(end))));
    let admin = target.signer().token("root", &["admin"])?;
    let body = json!({ "jti": jti }).to_string();
    let head = format!(
        "POST /api/auth/revoke HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {admin}\r\n\
         Content-Type: application/json\r\n{}\r\n{body}",
        length(&body)
    );
    let mut line = Line::connect(target.addr()).await?;
    line.send(head.as_bytes()).await?;
    let (answer, body) = line.answer().await?;
    ensure!(answer.status == 200, "{}", String::from_utf8_lossy(&body));
    for (end, transport) in ends.await?.context("not within 5 s")?.into_iter().zip(Transport::ALL) {
        let code = end.with_context(|| format!("over {transport:?}"))?;
        ensure!(code == "AUTH_REVOKED", "{transport:?} ended with {code:?}");
        let again = transport.open(target.addr(), &taken_back).await;
        ensure!(again.is_err(), "{transport:?} is opened again");
    }
    // Another token of the same person still reads.
    publish_one(&mut publisher, &item(&channel, json!("second"))).await?;
    until(&mut *staying, |envelope| envelope.data.get() == "\"second\"").await?;
    Ok(())
}
