//! Requests for a stream or a poll that are wrong: cursors that are none, in the header and in the address,
//! parameters out of range, heads that no library would send. Each is answered, and nobody else notices.

use anyhow::{Context, Result, ensure};
use spark_live_tests::live::{Ask, SocketLive, Transport, beside, until};
use spark_live_tests::{Envelope, Line, Target, unique};

const CHANNEL: &str = "gauge:sse-bad";

/// What was answered: the status, and the envelopes of the first bytes.
#[derive(Debug)]
struct Answered {
    status: u16,
    envelopes: Vec<Envelope>,
}

/// Sends a request as it is and reads until the channel is acknowledged or the answer ends.
async fn ask(target: &Target, request: &[u8]) -> Result<Answered> {
    let mut line = Line::connect(target.addr()).await?;
    line.send(request).await?;
    let head = line.head().await?;
    let mut body = head.body()?;
    let mut text = String::new();
    while !text.contains("system.ack") || !text.ends_with('\n') && !text.ends_with("]}") {
        let Some(piece) = line.piece(&mut body).await? else { break };
        text.push_str(std::str::from_utf8(&piece)?);
    }
    let envelopes = match head.header("content-type") {
        "text/event-stream" => {
            let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
            data.map(|data| Envelope::parse(data.trim_start())).collect::<Result<_>>()?
        }
        _ if text.starts_with("{\"cursor\"") => {
            let (_, list) = text.split_once("\"envelopes\":").context("no envelopes")?;
            let list: Vec<Box<serde_json::value::RawValue>> =
                serde_json::from_str(list.trim_end().strip_suffix('}').context("no end")?)?;
            list.iter().map(|envelope| Envelope::parse(envelope.get())).collect::<Result<_>>()?
        }
        _ => vec![Envelope::parse(text.trim_end()).with_context(|| format!("status {}", head.status))?],
    };
    Ok(Answered { status: head.status, envelopes })
}

fn request(token: &str, path: &str, headers: &[u8]) -> Vec<u8> {
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n");
    [head.as_bytes(), headers, b"\r\n"].concat()
}

/// Texts that are no cursor, or none of ours.
fn no_cursors() -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = [
        "x",
        "0",
        "1",
        "2.",
        "1,",
        ".",
        "1.x",
        "1.,",
        "1.,,",
        "1.~",
        "1.~,",
        "1.@",
        "1.:@:",
        "1.gauge:a",
        "1.gauge:a@",
        "1.gauge:a@:",
        "1.gauge:a@abcdefgh",
        "1.gauge:a@abcdefgh:",
        "1.gauge:a@:1",
        "1.gauge:a@abcdefgh:-1",
        "1.gauge:a@abcdefgh:1.5",
        "1.gauge:a@abcdefgh:9007199254740992",
        "1.gauge:a@abcdefgh:99999999999999999999",
        "1.gauge:a@abcdefgh:1,gauge:a@abcdefgh:2",
        "1.gauge:..@abcdefgh:1",
        "1.gauge:a@abc:1",
        "1.gauge:a@abcdefgh:1,",
        "1.gauge:a@abcdefgh:1;",
        "1. gauge:a@abcdefgh:1",
        "1.~a,~b",
        "1.gauge:a@abcdefgh:1,~s",
        "abcdefgh:1",
        "null",
        "{}",
        "[]",
        "' OR 1=1 --",
        "../../etc/passwd",
        "<script>",
        "${jndi:x}",
        "%00",
        "1.%67auge:a@abcdefgh:1",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    texts.push(b"1.gauge:a@abcdefgh:1\x80".to_vec());
    texts.push("1.gauge:\u{131}@abcdefgh:1".as_bytes().to_vec());
    texts.push("\u{1f600}".as_bytes().to_vec());
    // 8 KB, and more channels than a cursor may have.
    texts.push(format!("1.{}", "a".repeat(8 * 1024)).into_bytes());
    let many: Vec<String> = (0..1_001).map(|n| format!("a:{n}@abcd-efgh:1")).collect();
    texts.push(format!("1.{}", many[..400].join(",")).into_bytes());
    texts
}

/// Percent-encodes every byte.
fn encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

fn is_verdict(answered: &Answered, code: &str) -> Result<()> {
    ensure!(answered.status == 200, "{answered:?}");
    let ack = answered.envelopes.iter().find(|envelope| envelope.event == "system.ack").context("no ack")?;
    ensure!(ack.channel == CHANNEL && ack.error_code.as_deref() == Some(code), "{ack}");
    ensure!(!ack.field::<bool>("resumed")?, "{ack}");
    Ok(())
}

#[tokio::test]
async fn a_cursor_that_is_none_is_told_in_the_acknowledgement() -> Result<()> {
    let target = Target::start().await?;
    let token = target.reader()?;
    let mut bystander =
        SocketLive::open(target.addr(), &Ask::new([unique("gauge:")]).token(target.reader()?)).await?;
    let mut faults = Vec::new();
    let texts = no_cursors();
    ensure!(texts.len() >= 40);
    let judged = async {
        for text in &texts {
            let stream = format!("/api/live/sse?channels={CHANNEL}");
            let header = [b"Last-Event-ID: ", &text[..], b"\r\n"].concat();
            let query = encoded(text);
            let requests = [
                ("Last-Event-ID", request(&token, &stream, &header)),
                ("sse?cursor=", request(&token, &format!("{stream}&cursor={query}"), b"")),
                (
                    "poll?cursor=",
                    request(&token, &format!("/api/live/poll?wait=0&channels={CHANNEL}&cursor={query}"), b""),
                ),
            ];
            for (how, bytes) in requests {
                if bytes.len() > 16_000 {
                    continue;
                }
                let judged = match ask(&target, &bytes).await {
                    Ok(answered) => is_verdict(&answered, "CURSOR_INVALID"),
                    Err(error) => Err(error),
                };
                if let Err(error) = judged {
                    let shown = String::from_utf8_lossy(text).chars().take(60).collect::<String>();
                    faults.push(format!("{how} {shown:?}: {error:#}"));
                }
            }
        }
    };
    beside(&mut bystander, judged).await?;
    println!("{} cursors in three places, {} not as they should be", texts.len(), faults.len());
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    let pong = bystander.answer(serde_json::json!({"cmd": "ping"})).await?;
    ensure!(pong.ok, "the bystander is told {pong}");
    Ok(())
}

#[tokio::test]
async fn a_head_that_is_none_is_refused() -> Result<()> {
    let target = Target::start().await?;
    let token = target.reader()?;
    let path = format!("/api/live/sse?channels={CHANNEL}");
    let heads: [(&str, Vec<u8>); 7] = [
        ("NUL in Last-Event-ID", b"Last-Event-ID: 1.\0\r\n".to_vec()),
        ("CR in Last-Event-ID", b"Last-Event-ID: 1.\rX\r\n".to_vec()),
        ("a control character in Last-Event-ID", b"Last-Event-ID: 1.\x07\r\n".to_vec()),
        ("a name with a space", b"Last Event ID: 1.\r\n".to_vec()),
        ("a line without a colon", b"Last-Event-ID\r\n".to_vec()),
        ("64 KiB of Last-Event-ID", [b"Last-Event-ID: ", &vec![b'a'; 65_536][..], b"\r\n"].concat()),
        ("a thousand headers", b"X: y\r\n".repeat(1_000)),
    ];
    for (name, headers) in heads {
        let mut line = Line::connect(target.addr()).await?;
        // The server may answer before it has read everything.
        let _sent = line.send(&request(&token, &path, &headers)).await;
        let head = line.head().await.with_context(|| name.to_owned())?;
        ensure!((400..500).contains(&head.status), "{name}: {}", head.status);
    }
    Ok(())
}

#[tokio::test]
async fn wrong_parameters_are_refused_by_name() -> Result<()> {
    let target = Target::start().await?;
    let token = target.reader()?;
    let cases = [
        ("", "channels"),
        ("channels=", "channels"),
        ("channels=gauge:a&maxHz=x", "maxHz"),
        ("channels=gauge:a&maxHz=0", "maxHz"),
        ("channels=gauge:a&maxHz=-1", "maxHz"),
        ("channels=gauge:a&maxHz=1001", "maxHz"),
        ("channels=gauge:a&maxHz=NaN", "maxHz"),
        ("channels=gauge:a&maxHz=inf", "maxHz"),
        ("channels=gauge:a&maxHz=gauge:a@", "maxHz"),
        ("channels=gauge:a&maxHz=gauge:a@5,", "maxHz"),
    ];
    for (query, field) in cases {
        for path in ["sse", "poll"] {
            let bytes = request(&token, &format!("/api/live/{path}?{query}"), b"");
            let answered = ask(&target, &bytes).await.with_context(|| format!("{path}?{query}"))?;
            let error = answered.envelopes.first().context("no envelope")?;
            ensure!(answered.status == 400, "{path}?{query}: {answered:?}");
            ensure!(error.error_code.as_deref() == Some("BAD_REQUEST"), "{path}?{query}: {error}");
            ensure!(
                error.field::<Option<String>>("field")?.as_deref() == Some(field),
                "{path}?{query}: {error}"
            );
        }
    }
    for wait in ["-1", "26", "1.5", "x", "25s", "18446744073709551616"] {
        let bytes = request(&token, &format!("/api/live/poll?channels=gauge:a&wait={wait}"), b"");
        let answered = ask(&target, &bytes).await?;
        ensure!(answered.status == 400, "wait={wait}: {answered:?}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "BREW"] {
        for path in ["sse", "poll", "ws"] {
            let head = format!(
                "{method} /api/live/{path}?channels=gauge:a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
            );
            let answered = ask(&target, head.as_bytes()).await.with_context(|| format!("{method} {path}"))?;
            ensure!(answered.status == 405, "{method} {path}: {answered:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_header_wins_over_the_parameter() -> Result<()> {
    let target = Target::start().await?;
    let token = target.reader()?;
    let mut live = Transport::Sse.open(target.addr(), &Ask::new([CHANNEL]).token(&token)).await?;
    until(&mut *live, |envelope| envelope.event == "system.ack").await?;
    let good = loop {
        if let Some(cursor) = live.standing().cursor.clone().filter(|cursor| cursor.contains('@')) {
            break cursor;
        }
        live.next().await?;
    };
    let path = format!("/api/live/sse?channels={CHANNEL}");
    let header = format!("Last-Event-ID: {good}\r\n");
    let both = request(&token, &format!("{path}&cursor=nonsense"), header.as_bytes());
    let answered = ask(&target, &both).await?;
    let ack = answered.envelopes.iter().find(|envelope| envelope.event == "system.ack").context("no ack")?;
    ensure!(ack.ok && ack.field::<bool>("resumed")?, "{ack}");
    let both = request(
        &token,
        &format!("{path}&cursor={}", encoded(good.as_bytes())),
        b"Last-Event-ID: nonsense\r\n",
    );
    is_verdict(&ask(&target, &both).await?, "CURSOR_INVALID")
}
