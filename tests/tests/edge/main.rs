//! The edge of the gateway: bad input of every kind, slow peers, and who is let in. Whatever one connection
//! does, the others are served and nothing panics.

mod requests;

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
