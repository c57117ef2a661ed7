//! The edge of the gateway: bad input of every kind, slow peers, and who is let in. Whatever one connection
//! does, the others are served and nothing panics.

use std::time::Duration;

use spark_live_tests::{Gateway, GatewayOptions, Raw};

/// A request for the simplest page.
const ALIVE: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// A connection that somebody else has, and that must not notice anything.
struct Bystander(Raw);

impl Bystander {
    async fn of(gateway: &Gateway) -> Self {
        Self(gateway.raw().await.expect("a connection"))
    }

    async fn is_served(&mut self, after: &str) {
        self.0.send(ALIVE.as_bytes()).await;
        let answer = self.0.answer().await.expect("an answer");
        assert_eq!(answer.status, 200, "another connection after {after}: {answer:?}");
    }
}

fn assert_no_panic(gateway: &Gateway) {
    let panics: Vec<_> = gateway.stderr().into_iter().filter(|line| line.contains("panic")).collect();
    assert!(panics.is_empty(), "{panics:?}");
}

/// Sends each and judges the answer: `(what it is, what is sent, status, code)`. Status 0: no answer at all.
async fn judge(gateway: &Gateway, cases: &[(&str, String, u16, &str)]) {
    let mut bystander = Bystander::of(gateway).await;
    let mut wrong = Vec::new();
    for (what, sent, status, code) in cases {
        let mut raw = gateway.raw().await.expect("a connection");
        raw.send(sent.as_bytes()).await;
        if *status == 0 {
            raw.finish().await;
        }
        let answer = raw.answer().await.expect("an answer or an end");
        if (answer.status, answer.code().as_str()) != (*status, *code) {
            wrong.push(format!("{what}: {} {} instead of {status} {code}", answer.status, answer.code()));
        }
        let is_protected = answer.status == 0 || answer.head.contains("x-content-type-options: nosniff");
        assert!(is_protected, "{what}: {answer:?}");
        bystander.is_served(what).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_no_panic(gateway);
}

/// A request with these lines after the first.
fn get(path: &str, lines: &str) -> String {
    request("GET", path, lines)
}

fn request(method: &str, path: &str, lines: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
}

#[tokio::test]
async fn heads_that_are_not_http_are_refused() {
    let gateway = Gateway::start().await.unwrap();
    let bad = |what, sent: &str| (what, sent.to_owned(), 400, "BAD_REQUEST");
    judge(
        &gateway,
        &[
            bad("words", "hello there\r\n\r\n"),
            bad("a method alone", "GET\r\n\r\n"),
            bad("no version", "GET /\r\n\r\n"),
            bad("a version to come", "GET / HTTP/9.9\r\nHost: a\r\n\r\n"),
            bad("version 2 in words", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
            bad("a version in small letters", "GET / http/1.1\r\nHost: a\r\n\r\n"),
            bad("a method that is no word", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"),
            bad("a tab in the first line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
            bad("another protocol", "SSH-2.0-client\r\n\r\n"),
            bad("the beginning of TLS", "\u{16}\u{3}\u{1}\r\n\r\n"),
            bad("a bare line feed", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
            bad("a bare line feed after a header", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
            bad("a bare line feed at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
            bad("no host", "GET / HTTP/1.1\r\n\r\n"),
            bad("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
            bad("the same host twice", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"),
            bad("a header without a colon", &get("/healthz", "X\r\n")),
            bad("a space before the colon", &get("/healthz", "X : y\r\n")),
            bad("a folded header", &get("/healthz", "X: y\r\n z\r\n")),
            bad("a name that is no word", &get("/healthz", "X\u{e9}: y\r\n")),
            bad("an empty name", &get("/healthz", ": y\r\n")),
            bad("a zero in a value", &get("/healthz", "X: a\0b\r\n")),
            bad("a carriage return in a value", &get("/healthz", "X: a\rb\r\n")),
            ("101 headers", get("/healthz", &"X: y\r\n".repeat(100)), 431, "BAD_REQUEST"),
            ("100 headers", get("/healthz", &"X: y\r\n".repeat(99)), 200, ""),
            (
                "a header of 64 KB",
                get("/healthz", &format!("X: {}\r\n", "y".repeat(65_536))),
                431,
                "BAD_REQUEST",
            ),
            ("a path of 20 KB", get(&format!("/{}", "a".repeat(20_000)), ""), 431, "BAD_REQUEST"),
            ("half a head", "GET /healthz HTTP/1.1\r\nHo".to_owned(), 0, ""),
            ("nothing", String::new(), 0, ""),
            ("empty lines first", format!("\r\n\r\n{ALIVE}"), 200, ""),
            ("version 1.0 without a host", "GET /healthz HTTP/1.0\r\n\r\n".to_owned(), 200, ""),
            (
                "an offer of another protocol",
                get("/healthz", "Connection: upgrade\r\nUpgrade: h2c\r\n"),
                200,
                "",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn bodies_whose_end_is_not_clear_are_refused() {
    let gateway = Gateway::start().await.unwrap();
    let bad = |what, lines: &str| (what, request("POST", "/healthz", lines) + "hello", 400, "BAD_REQUEST");
    let chunked = "Transfer-Encoding: chunked\r\n";
    let guest =
        |what, body: &str| (what, request("POST", "/api/session", chunked) + body, 400, "BAD_REQUEST");
    let not_allowed =
        |what, lines: &str| (what, request("POST", "/healthz", lines) + "hello", 405, "BAD_REQUEST");
    judge(
        &gateway,
        &[
            bad("two lengths", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            bad("two lengths, the other way", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
            bad("lengths that differ", "Content-Length: 5\r\nContent-Length: 6\r\n"),
            bad("a length in words", "Content-Length: five\r\n"),
            bad("a negative length", "Content-Length: -5\r\n"),
            bad("a length with a sign", "Content-Length: +5\r\n"),
            bad("a length with a comma", "Content-Length: 5, 6\r\n"),
            bad("an immense length", "Content-Length: 99999999999999999999999\r\n"),
            bad("identity", "Transfer-Encoding: identity\r\n"),
            bad("gzip", "Transfer-Encoding: gzip\r\n"),
            bad("chunked, but not last", "Transfer-Encoding: chunked, gzip\r\n"),
            bad("nearly chunked", "Transfer-Encoding: xchunked\r\n"),
            (
                "chunks in version 1.0",
                "POST /healthz HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
                400,
                "BAD_REQUEST",
            ),
            guest("a bare line feed after the size of a chunk", "2\n{}\r\n0\r\n\r\n"),
            guest("a bare line feed in a trailer", "2\r\n{}\r\n0\r\nX: y\n\r\n"),
            guest("a chunk that is longer than it says", "2\r\n{}}\r\n0\r\n\r\n"),
            guest("a chunk of a negative size", "-2\r\n{}\r\n0\r\n\r\n"),
            guest("a chunk of an immense size", "fffffffffffffffff\r\n{}"),
            guest("a chunk whose size is no number", "x\r\n{}\r\n0\r\n\r\n"),
            not_allowed("a method that is not there", "Content-Length: 5\r\n"),
            not_allowed("the same length twice", "Content-Length: 5\r\nContent-Length: 5\r\n"),
            not_allowed("a body that is waited for", "Content-Length: 5\r\nExpect: 100-continue\r\n"),
            not_allowed("a chunk without a size", "Transfer-Encoding: chunked\r\n"),
            not_allowed("a body that is far longer", "Content-Length: 1000000000\r\n"),
        ],
    )
    .await;
}

/// Heads that two programs would read differently, and the field that is named.
const AMBIGUOUS: [(&str, &str); 4] = [
    ("GET /healthz HTTP/1.1\nHost: a\r\n\r\n", "head"),
    ("GET /healthz HTTP/1.1\r\nHost: a\r\n\n", "head"),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding",
    ),
];

/// The next answer is the refusal of an ambiguous head, and the last one.
async fn is_refused_in_its_turn(raw: &mut Raw, field: &str, what: &str) {
    let answer = raw.answer().await.expect("an answer");
    assert_eq!((answer.status, answer.code().as_str()), (400, "BAD_REQUEST"), "{what}: {answer:?}");
    assert!(answer.body.contains(&format!("\"field\":\"{field}\"")), "{what}: {answer:?}");
    assert_eq!(raw.rest().await.expect("an end"), b"", "{what}: nothing behind it is answered");
}

#[tokio::test]
async fn every_head_of_a_connection_is_judged_wherever_it_stands() {
    let gateway = Gateway::start().await.unwrap();
    let mut bystander = Bystander::of(&gateway).await;
    let guest = |lines: &str, body: &str| request("POST", "/api/session", lines) + body;
    let good = [
        ALIVE.to_owned(),
        ALIVE.repeat(3),
        guest("Content-Length: 2\r\n", "{}"),
        guest("Transfer-Encoding: chunked\r\n", "1;x=y\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n"),
    ];
    for first in &good {
        for (bad, field) in AMBIGUOUS {
            let what = format!("{first:?} and {bad:?}");
            let mut raw = gateway.raw().await.unwrap();
            raw.send(format!("{first}{bad}{ALIVE}").as_bytes()).await;
            for _ in 0..first.matches("HTTP/1.1").count() {
                assert_eq!(raw.answer().await.unwrap().status, 200, "{what}");
            }
            is_refused_in_its_turn(&mut raw, field, &what).await;
        }
    }
    let mut raw = gateway.raw().await.unwrap();
    raw.send(good.concat().as_bytes()).await;
    for _ in 0..6 {
        assert_eq!(raw.answer().await.unwrap().status, 200, "good ones go on");
    }
    bystander.is_served("pipelined requests").await;
    assert_no_panic(&gateway);
}

#[tokio::test]
async fn a_head_that_comes_while_another_is_answered_is_judged_too() {
    let gateway = Gateway::start().await.unwrap();
    for (bad, field) in AMBIGUOUS {
        let mut raw = gateway.raw().await.unwrap();
        raw.send(get("/api/live/poll?channels=system:status&wait=0", "").as_bytes()).await;
        let first = raw.answer().await.unwrap();
        let cursor = first.body.split('"').nth(3).expect("a cursor");
        raw.send(
            get(&format!("/api/live/poll?channels=system:status&wait=1&cursor={cursor}"), "").as_bytes(),
        )
        .await;
        // Whenever it comes: the answer takes a second.
        tokio::time::sleep(Duration::from_millis(200)).await;
        raw.send(format!("{bad}{ALIVE}").as_bytes()).await;
        assert_eq!(raw.answer().await.unwrap().status, 200, "{bad:?}");
        is_refused_in_its_turn(&mut raw, field, bad).await;
    }
    assert_no_panic(&gateway);
}

#[tokio::test]
async fn questions_that_cannot_be_answered_are_refused() {
    let gateway = Gateway::start().await.unwrap();
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    judge(
        &gateway,
        &[
            ("a path that is not there", get("/api/nope", ""), 404, "NOT_FOUND"),
            ("a file that is not there", get("/nope.js", ""), 404, "NOT_FOUND"),
            ("two dots", get("/../Cargo.toml", ""), 404, "NOT_FOUND"),
            ("two dots in percent", get("/%2e%2e/Cargo.toml", ""), 404, "NOT_FOUND"),
            ("a slash in percent", get("/..%2f..%2fetc%2fpasswd.x", ""), 404, "NOT_FOUND"),
            ("a zero in percent", get("/%00.js", ""), 404, "NOT_FOUND"),
            ("half a percent", get("/%.js", ""), 404, "NOT_FOUND"),
            ("DELETE", request("DELETE", "/api/market/symbols", ""), 405, "BAD_REQUEST"),
            ("PUT", request("PUT", "/", ""), 405, "BAD_REQUEST"),
            ("TRACE", request("TRACE", "/", ""), 405, "BAD_REQUEST"),
            ("a small method", request("get", "/healthz", ""), 405, "BAD_REQUEST"),
            ("a method of its own", request("BREW", "/healthz", ""), 405, "BAD_REQUEST"),
            ("no upgrade", get("/api/live/ws", ""), 400, "BAD_REQUEST"),
            ("an upgrade without a key", get("/api/live/ws", upgrade), 400, "BAD_REQUEST"),
            (
                "an upgrade of another version",
                get("/api/live/ws", &format!("{upgrade}{key}Sec-WebSocket-Version: 12\r\n")),
                400,
                "BAD_REQUEST",
            ),
            (
                "a page without an origin of its own",
                get("/api/live/ws", &format!("{upgrade}{key}Sec-WebSocket-Version: 13\r\nOrigin: null\r\n")),
                403,
                "FORBIDDEN",
            ),
            ("no channels", get("/api/live/sse", ""), 400, "BAD_REQUEST"),
            ("a channel that is none", get("/api/live/sse?channels=price", ""), 400, "CHANNEL_INVALID"),
            ("a zero in a channel", get("/api/live/sse?channels=price:A%00", ""), 400, "CHANNEL_INVALID"),
            ("half a letter", get("/api/live/sse?channels=price:%E2%82", ""), 400, "CHANNEL_INVALID"),
            ("a channel nobody has", get("/api/live/sse?channels=price:NOPE", ""), 404, "CHANNEL_UNKNOWN"),
            ("a canary", get("/api/live/sse?channels=system:canary", ""), 403, "FORBIDDEN"),
            (
                "a session that is no text",
                request("POST", "/api/live/session/%ff/auth", "Content-Length: 0\r\n"),
                400,
                "BAD_REQUEST",
            ),
            ("a schema that is no text", get("/api/schema/%ff", ""), 400, "BAD_REQUEST"),
            ("channels twice", get("/api/live/sse?channels=a&channels=b", ""), 400, "BAD_REQUEST"),
        ],
    )
    .await;
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `GET http://a/`, compressed.
const ASK: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];

#[tokio::test]
async fn floods_and_faults_of_http2_end_their_own_connection() {
    let gateway = Gateway::start().await.unwrap();
    let mut bystander = Bystander::of(&gateway).await;
    let resets = (0..1_000u32).flat_map(|n| {
        let stream = 2 * n + 1;
        [frame(HEADERS, END_STREAM | END_HEADERS, stream, ASK), frame(3, 0, stream, &[0, 0, 0, 8])].concat()
    });
    let continuations = frame(HEADERS, END_STREAM, 1, ASK)
        .into_iter()
        .chain((0..10_000).flat_map(|_| frame(9, 0, 1, &[0x40, 1, b'x', 1, b'y'])));
    let large = (0..8).flat_map(|_| {
        frame(9, 0, 1, &[[0x40, 1, b'x', 0x7f, 0x81, 0x7d].as_slice(), &[b'y'; 16_000]].concat())
    });
    let cases: [(&str, Vec<u8>); 11] = [
        ("rapid resets", resets.collect()),
        ("endless continuations", continuations.collect()),
        ("headers of 128 KB", frame(HEADERS, END_STREAM, 1, ASK).into_iter().chain(large).collect()),
        ("data on stream 0", frame(0, 0, 0, b"x")),
        ("headers on stream 0", frame(HEADERS, END_HEADERS, 0, ASK)),
        ("headers on a stream of ours", frame(HEADERS, END_HEADERS, 2, ASK)),
        ("a frame that is too large", frame(0, 0, 1, &[0; 20_000])),
        ("a ping that is too short", frame(6, 0, 0, b"x")),
        ("settings on a stream", frame(4, 0, 1, &[])),
        ("a window of nothing", frame(8, 0, 0, &[0; 4])),
        ("headers that cannot be decompressed", frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0xff; 8])),
    ];
    for (what, frames) in cases {
        let mut raw = gateway.raw().await.unwrap();
        raw.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        raw.send(&frame(4, 0, 0, &[])).await;
        raw.send(&frames).await;
        raw.rest().await.unwrap_or_else(|error| panic!("{what}: {error:#}"));
        bystander.is_served(what).await;
    }
    assert_no_panic(&gateway);
}

#[tokio::test]
async fn http2_is_spoken_to_those_who_know() {
    let gateway = Gateway::start().await.unwrap();
    let mut raw = gateway.raw().await.unwrap();
    raw.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let path = [&[0x82, 0x86, 0x41, 1, b'a', 0x44, 8], b"/healthz".as_slice()].concat();
    raw.send(&[frame(4, 0, 0, &[]), frame(HEADERS, END_STREAM | END_HEADERS, 1, &path)].concat()).await;
    let said = String::from_utf8_lossy(raw.listen(Duration::from_secs(2)).await).into_owned();
    assert!(said.contains("system.health"), "{said:?}");
}

/// Times that a test can wait for.
fn impatient() -> GatewayOptions {
    Gateway::options()
        .env("SPARK_LIMITS_HEADER_TIMEOUT_MS", 700)
        .env("SPARK_LIMITS_IDLE_TIMEOUT_MS", 700)
        .env("SPARK_LIVE_WRITE_TIMEOUT_MS", 700)
}

#[tokio::test]
async fn slow_heads_and_long_pauses_end_and_others_go_on() {
    let gateway = impatient().start().await.unwrap();
    let mut stream = gateway.sse("price:AAPL").await.unwrap();
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut raw = gateway.raw().await.unwrap();
        raw.send(b"GET /healthz HTTP/1.1\r\nHo").await;
        slow.push(raw);
    }
    for mut raw in slow {
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (408, "HEADER_TIMEOUT"), "{answer:?}");
        assert_eq!(raw.rest().await.unwrap(), b"");
    }
    let mut silent = gateway.raw().await.unwrap();
    assert_eq!(silent.rest().await.unwrap(), b"", "it never asked");
    let mut paused = gateway.raw().await.unwrap();
    paused.send(ALIVE.as_bytes()).await;
    assert_eq!(paused.answer().await.unwrap().status, 200);
    assert_eq!(paused.rest().await.unwrap(), b"", "it does not ask again");
    stream.find(|envelope| envelope.event == "price.tick").await.unwrap();
    assert_no_panic(&gateway);
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_is_told() {
    let gateway = Gateway::options().env("SPARK_LIMITS_CONNECTIONS_PER_ADDRESS", 3).start().await.unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(Bystander::of(&gateway).await);
        held.last_mut().unwrap().is_served("connecting").await;
    }
    let answer = gateway.raw().await.unwrap().answer().await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (503, "CONNECTION_LIMIT"), "{answer:?}");
    assert!(answer.head.contains("retry-after: 1"), "{answer:?}");
    held.pop();
    // The place is free as soon as the gateway has seen the end.
    let mut tries = 0;
    loop {
        let mut raw = gateway.raw().await.unwrap();
        raw.send(ALIVE.as_bytes()).await;
        if raw.answer().await.unwrap().status == 200 {
            break;
        }
        tries += 1;
        assert!(tries < 200, "a place that was given back is not given away");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn too_many_new_live_connections_are_put_off() {
    let gateway = Gateway::options().env("SPARK_LIMITS_OPENS_PER_SECOND", 1).start().await.unwrap();
    let _first = gateway.sse("price:AAPL").await.unwrap();
    let mut refused = None;
    for _ in 0..5 {
        if let Err(refusal) = gateway.sse_or_refusal("price:AAPL").await.unwrap() {
            refused = Some(refusal.0);
        }
    }
    let refused = refused.expect("five within a second");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.envelope().unwrap().error_code.as_deref(), Some("OVERLOADED"));
    assert_eq!(gateway.get("/healthz").await.unwrap().status, 200, "only live connections are counted");
}

#[tokio::test]
async fn a_gateway_is_ready_when_its_canary_came_back_and_not_once_it_stops() {
    let mut gateway = Gateway::options().env("SPARK_LIVE_RECONNECT_WINDOW_MS", 3_000).start().await.unwrap();
    let ready = loop {
        let answer = gateway.get("/readyz").await.unwrap();
        if answer.status == 200 {
            break answer.envelope().unwrap();
        }
        assert_eq!(answer.envelope().unwrap().error_code.as_deref(), Some("BROKER_UNAVAILABLE"));
    };
    assert_eq!(ready.event, "system.ready");
    assert!(ready.text.contains(r#""source":{"ok":true}"#), "{ready}");
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["system:status"]).await.unwrap();
    let status = socket.find(|envelope| envelope.event == "status.changed").await.unwrap();
    assert_eq!(status.field::<String>("status").unwrap(), "ok");
    gateway.terminate().unwrap();
    socket.find(|envelope| envelope.text.contains("draining")).await.unwrap();
    for path in ["/readyz", "/api/live/sse?channels=price:AAPL"] {
        let answer = gateway.get(path).await.unwrap();
        let code = answer.envelope().unwrap().error_code;
        assert_eq!((answer.status, code.as_deref()), (503, Some("DRAINING")), "{path}");
    }
    drop(socket);
    assert_eq!(gateway.wait(Duration::from_secs(20)).await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn clients_leave_one_after_the_other_and_are_served_until_then() {
    const WINDOW_MS: u64 = 3_000;
    let mut gateway = Gateway::options()
        .env("SPARK_LIVE_RECONNECT_WINDOW_MS", WINDOW_MS)
        .speed(20.0)
        .start()
        .await
        .unwrap();
    let mut sockets = Vec::new();
    for _ in 0..30 {
        let mut socket = gateway.websocket().await.unwrap();
        socket.subscribe(&["price:AAPL"]).await.unwrap();
        sockets.push(socket);
    }
    gateway.terminate().unwrap();
    let mut told = Vec::new();
    let mut served = 0;
    for mut socket in sockets {
        let (code, before) = socket.closed().await.unwrap();
        assert_eq!(code, 4200);
        let at = before.iter().position(|envelope| envelope.event == "system.drain").expect("it is told");
        served += before[at..].iter().filter(|envelope| envelope.event == "price.tick").count();
        told.push(before[at].field::<u64>("reconnectAfterMs").unwrap());
    }
    told.sort_unstable();
    assert!(told.iter().all(|wait| *wait <= WINDOW_MS), "{told:?}");
    assert!(told[29] - told[0] > WINDOW_MS / 4, "30 draws from the window lie apart: {told:?}");
    assert!(served > 0, "prices come until it is time to leave");
    assert_eq!(gateway.wait(Duration::from_secs(20)).await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let mut gateway =
        Gateway::options().env("SPARK_LIVE_RECONNECT_WINDOW_MS", 300_000).start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    socket.next().await.unwrap();
    gateway.terminate().unwrap();
    socket.find(|envelope| envelope.event == "system.drain").await.unwrap();
    gateway.terminate().unwrap();
    assert_eq!(gateway.wait(Duration::from_secs(20)).await.unwrap().code(), Some(0));
}
