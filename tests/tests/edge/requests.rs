//! Heads, bodies and questions that are wrong, by the table.

use std::time::Duration;

use spark_live_tests::{Gateway, Raw};

use crate::{ALIVE, Bystander, assert_no_panic};

/// Sends each of so many at least and judges the answer: `(what it is, what is sent, status, code)`. Status 0: no answer at all.
async fn judge(gateway: &Gateway, at_least: usize, cases: &[(&str, String, u16, &str)]) {
    assert!(cases.len() >= at_least, "only {} cases", cases.len());
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
        30,
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
        20,
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
    let revoke = |lines: &str| {
        request("POST", "/api/auth/revoke", &format!("Content-Length: 11\r\n{lines}")) + r#"{"jti":"x"}"#
    };
    let json = "Content-Type: application/json\r\n";
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    judge(
        &gateway,
        30,
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
            ("a body of another type", revoke("Content-Type: text/plain\r\n"), 415, "BAD_REQUEST"),
            ("a body of nearly that type", revoke("Content-Type: application/jsonp\r\n"), 415, "BAD_REQUEST"),
            (
                "a body of a form",
                revoke("Content-Type: application/x-www-form-urlencoded\r\n"),
                415,
                "BAD_REQUEST",
            ),
            ("a body of no type", revoke(""), 415, "BAD_REQUEST"),
            (
                "a body that is compressed",
                revoke(&format!("{json}Content-Encoding: gzip\r\n")),
                415,
                "BAD_REQUEST",
            ),
            ("nobody who takes back", revoke(json), 401, "UNAUTHENTICATED"),
            ("channels twice", get("/api/live/sse?channels=a&channels=b", ""), 400, "BAD_REQUEST"),
        ],
    )
    .await;
}
