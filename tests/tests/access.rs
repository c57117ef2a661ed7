//! Who is let in, for how long, and to what, over every transport.

use anyhow::Result;
use serde_json::{Value, json};
use spark_live_tests::access::{now_seconds, token, token_of, token_signed};
use spark_live_tests::{Envelope, Gateway, GatewayOptions, Sse, WebSocket};

const CHANNEL: &str = "price:AAPL";

/// Tokens are warned of at once and have a short grace.
fn strict() -> GatewayOptions {
    Gateway::options()
        .closed()
        .env("SPARK_AUTH_WARN_MS", 60_000)
        .env("SPARK_AUTH_GRACE_MS", 300)
        .env("SPARK_JWT_SKEW_MS", 0)
        .env("SPARK_LIMITS_BAD_AUTHS_PER_MINUTE", 1_000)
        .env("SPARK_ALLOWED_ORIGINS", "https://app.example.org")
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

async fn stream(gateway: &Gateway, channels: &str, token: &str) -> Sse {
    let opened = gateway.sse_with(channels, &[("authorization", &bearer(token))]).await.expect("an answer");
    opened.expect("a stream")
}

/// A socket that has signed in with a command.
async fn signed_in(gateway: &Gateway, token: &str) -> WebSocket {
    let mut socket = gateway.websocket().await.expect("upgraded");
    socket.send(json!({"cmd": "auth", "token": token})).await.expect("sent");
    is_auth(&socket.find(|envelope| envelope.event == "system.auth").await.expect("an answer"), "ok");
    socket
}

fn is_auth(envelope: &Envelope, state: &str) {
    assert_eq!(
        (envelope.event.as_str(), envelope.field::<String>("state").expect("a state").as_str()),
        ("system.auth", state)
    );
}

fn state_is(state: &'static str) -> impl Fn(&Envelope) -> bool {
    move |envelope| {
        envelope.event == "system.auth" && envelope.field::<String>("state").is_ok_and(|found| found == state)
    }
}

/// Everything that comes until a stream ends.
async fn rest(stream: &mut Sse) -> Vec<Envelope> {
    let mut envelopes = Vec::new();
    while let Ok(envelope) = stream.next_envelope().await {
        envelopes.push(envelope);
    }
    envelopes
}

/// One poll with a token: status, the cursor of the answer and its envelopes.
async fn poll(gateway: &Gateway, channels: &str, cursor: &str, token: &str) -> (u16, String, Vec<Value>) {
    let path = format!("/api/live/poll?channels={channels}&cursor={cursor}&wait=10");
    let answer = gateway.ask("GET", &path, Some(token), None).await.expect("an answer");
    let mut body: Value = serde_json::from_str(&answer.body).expect("JSON");
    match body["envelopes"].take() {
        Value::Array(envelopes) => {
            (answer.status, body["cursor"].as_str().expect("a cursor").to_owned(), envelopes)
        }
        _ => (answer.status, String::new(), vec![body]),
    }
}

fn states(envelopes: &[Value]) -> Vec<&str> {
    let of_tokens = envelopes.iter().filter(|envelope| envelope["event"] == "system.auth");
    of_tokens.filter_map(|envelope| envelope["data"]["state"].as_str()).collect()
}

#[tokio::test]
async fn a_socket_is_warned_and_goes_on_with_a_new_token() {
    let gateway = strict().start().await.unwrap();
    let mut socket = signed_in(&gateway, &token("ada", "trader", 2).unwrap()).await;
    socket.subscribe(&[CHANNEL]).await.unwrap();
    let warning = socket.find(state_is("expiring")).await.unwrap();
    assert_eq!(warning.field::<u64>("graceMs").unwrap(), 300);
    let first_end = warning.field::<i64>("expiresAt").unwrap();
    let id =
        socket.send(json!({"cmd": "auth", "token": token("ada", "trader", 3_600).unwrap()})).await.unwrap();
    let ack =
        socket.find(|envelope| envelope.event == "system.ack" && envelope.channel.is_empty()).await.unwrap();
    assert_eq!(ack.field::<u64>("id").unwrap(), id);
    let taken = socket.find(state_is("ok")).await.unwrap();
    assert!(taken.field::<i64>("expiresAt").unwrap() > first_end);
    // Past the end and the grace of the first token, prices still come.
    let later = |envelope: &Envelope| envelope.event == "price.tick" && envelope.ts > first_end + 400;
    socket.find(later).await.unwrap();
}

#[tokio::test]
async fn a_socket_whose_token_ends_is_closed_after_the_grace() {
    let gateway = strict().start().await.unwrap();
    let mut socket = signed_in(&gateway, &token("ada", "trader", 2).unwrap()).await;
    let (code, before) = socket.closed().await.unwrap();
    assert_eq!(code, 4110);
    assert!(before.iter().any(state_is("expiring")) && before.iter().any(state_is("expired")), "{before:?}");
    assert_eq!(before.last().unwrap().error_code.as_deref(), Some("AUTH_EXPIRED"));
}

#[tokio::test]
async fn a_stream_goes_on_with_a_new_token_and_ends_without_one() {
    let gateway = strict().start().await.unwrap();
    let mut ending = stream(&gateway, CHANNEL, &token("bob", "trader", 2).unwrap()).await;
    let mut going_on = stream(&gateway, CHANNEL, &token("ada", "trader", 2).unwrap()).await;
    let session = going_on.next_envelope().await.unwrap().field::<String>("sessionId").unwrap();
    let first_end = going_on.find(state_is("expiring")).await.unwrap().field::<i64>("expiresAt").unwrap();
    let path = format!("/api/live/session/{session}/auth");
    let stranger =
        gateway.ask("POST", &path, Some(&token("bob", "trader", 60).unwrap()), None).await.unwrap();
    assert_eq!(stranger.envelope().unwrap().error_code.as_deref(), Some("SUBJECT_MISMATCH"));
    let answer =
        gateway.ask("POST", &path, Some(&token("ada", "trader", 3_600).unwrap()), None).await.unwrap();
    is_auth(&answer.envelope().unwrap(), "ok");
    going_on.find(state_is("ok")).await.unwrap();
    going_on.find(|envelope| envelope.event == "price.tick" && envelope.ts > first_end + 400).await.unwrap();
    let last = rest(&mut ending).await;
    assert_eq!(last.last().unwrap().error_code.as_deref(), Some("AUTH_EXPIRED"), "{last:?}");
}

#[tokio::test]
async fn a_poller_is_warned_once_and_refused_after_the_grace() {
    let gateway = strict().start().await.unwrap();
    let short = token("ada", "trader", 2).unwrap();
    // A channel on which nothing comes by itself.
    let channel = "system:status";
    let (status, mut cursor, first) = poll(&gateway, channel, "", &short).await;
    assert_eq!(status, 200);
    let mut told: Vec<String> = states(&first).into_iter().map(str::to_owned).collect();
    let refusal = loop {
        let (status, next, envelopes) = poll(&gateway, channel, &cursor, &short).await;
        if status != 200 {
            break (status, envelopes[0]["errorCode"].clone());
        }
        told.extend(states(&envelopes).into_iter().map(str::to_owned));
        cursor = next;
    };
    assert_eq!(refusal, (401, json!("AUTH_EXPIRED")));
    assert_eq!(told.iter().filter(|state| *state == "expiring").count(), 1, "{told:?}");
    let (status, _, envelopes) = poll(&gateway, channel, &cursor, &token("ada", "trader", 60).unwrap()).await;
    assert_eq!((status, envelopes[0]["event"].as_str()), (200, Some("system.hello")));
}

#[tokio::test]
async fn a_session_given_a_new_token_between_two_polls_goes_on_with_it() {
    let gateway = strict().start().await.unwrap();
    let short = token("ada", "trader", 2).unwrap();
    let (_, cursor, first) = poll(&gateway, CHANNEL, "", &short).await;
    let session = first[0]["data"]["sessionId"].as_str().unwrap();
    let path = format!("/api/live/session/{session}/auth");
    let taken =
        gateway.ask("POST", &path, Some(&token("ada", "trader", 3_600).unwrap()), None).await.unwrap();
    assert_eq!(taken.status, 200, "{}", taken.body);
    rest(&mut stream(&gateway, CHANNEL, &token("bob", "trader", 2).unwrap()).await).await;
    // The short token has ended by now: alone it opens nothing, with its session it does.
    assert_eq!(poll(&gateway, CHANNEL, "", &short).await.0, 401);
    let (status, _, envelopes) = poll(&gateway, CHANNEL, &cursor, &short).await;
    assert_eq!((status, envelopes[0]["data"]["sessionId"].as_str()), (200, Some(session)));
}

#[tokio::test]
async fn a_token_that_is_taken_back_ends_every_connection_and_stays_so() {
    let mut gateway = strict().start().await.unwrap();
    let (ada, root) = (token("ada", "trader", 3_600).unwrap(), token("root", "admin", 3_600).unwrap());
    let mut socket = signed_in(&gateway, &ada).await;
    let mut stream = stream(&gateway, "system:status", &ada).await;
    stream.next_envelope().await.unwrap();
    let (_, cursor, _) = poll(&gateway, "system:status", "", &ada).await;
    let revoke = async {
        let body = Some(json!({"subject": "ada"}));
        let answer = gateway.ask("POST", "/api/auth/revoke", Some(&root), body).await.unwrap();
        assert_eq!(answer.envelope().unwrap().event, "auth.revoked", "{}", answer.body);
    };
    let (_, (status, _, refusal)) = tokio::join!(revoke, poll(&gateway, "system:status", &cursor, &ada));
    assert_eq!((status, &refusal[0]["errorCode"]), (401, &json!("AUTH_REVOKED")));
    let (code, before) = socket.closed().await.unwrap();
    assert!(code == 4004 && before.iter().any(state_is("revoked")), "{code} {before:?}");
    assert_eq!(rest(&mut stream).await.last().unwrap().error_code.as_deref(), Some("AUTH_REVOKED"));
    gateway.restart().await.unwrap();
    assert_eq!(poll(&gateway, CHANNEL, "", &ada).await.0, 401);
}

/// Tokens that nobody is let in with.
fn bad_tokens() -> Vec<(&'static str, String)> {
    let now = now_seconds();
    let claims = |more: Value| {
        let mut claims = json!({"sub": "ada", "roles": ["trader"], "exp": now + 60, "aud": "live"});
        claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        claims
    };
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJleHAiOjQxMDI0NDQ4MDB9.";
    vec![
        ("alg none", unsigned.to_owned()),
        (
            "wrong key",
            token_signed(&claims(json!({})), "another secret: 0123456789abcdefghijklmnopq").expect("signed"),
        ),
        ("wrong audience", token_of(&claims(json!({"aud": "others"}))).expect("signed")),
        ("not valid yet", token_of(&claims(json!({"nbf": now + 600}))).expect("signed")),
        ("too long a life", token_of(&claims(json!({"exp": now + 200_000}))).expect("signed")),
        ("no token at all", "x".to_owned()),
    ]
}

#[tokio::test]
async fn bad_tokens_are_refused_over_every_transport() {
    let gateway = strict().env("SPARK_JWT_AUDIENCE", "live").start().await.unwrap();
    for (what, token) in bad_tokens() {
        let header = bearer(&token);
        let refused =
            gateway.sse_with(CHANNEL, &[("authorization", &header)]).await.unwrap().expect_err(what).0;
        assert_eq!(refused.envelope().unwrap().error_code.as_deref(), Some("UNAUTHENTICATED"), "{what}");
        assert!(refused.status == 401 && (token.len() == 1 || !refused.body.contains(&token)), "{what}");
        assert_eq!(poll(&gateway, CHANNEL, "", &token).await.0, 401, "{what}");
        let upgrade = gateway.websocket_with("/api/live/ws", "Authorization", &header).await.unwrap();
        assert_eq!(upgrade.expect_err(what).status, 401, "{what}");
        let mut socket = gateway.websocket().await.unwrap();
        let id = socket.send(json!({"cmd": "auth", "token": token})).await.unwrap();
        let (code, before) = socket.closed().await.unwrap();
        assert_eq!(code, 4002, "{what}");
        assert_eq!(before.last().unwrap().field::<u64>("id").unwrap(), id, "{what}: {before:?}");
    }
    assert!(gateway.stderr().iter().all(|line| !line.contains("eyJ")), "a token is in the log");
}

#[tokio::test]
async fn a_token_in_an_address_and_a_page_of_a_stranger_are_refused_over_every_transport() {
    let gateway = strict().start().await.unwrap();
    let good = token("ada", "trader", 60).unwrap();
    for path in ["/api/live/sse?channels=price:AAPL&", "/api/live/poll?channels=price:AAPL&", "/api/live/ws?"]
    {
        let answer = gateway.ask("GET", &format!("{path}token={good}"), None, None).await.unwrap();
        let envelope = answer.envelope().unwrap();
        assert_eq!(
            (answer.status, envelope.field::<String>("field").unwrap().as_str()),
            (400, "token"),
            "{path}"
        );
    }
    for (origin, may) in [("https://app.example.org", true), ("https://evil.example", false), ("null", false)]
    {
        let headers = [("authorization", bearer(&good)), ("origin", origin.to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(gateway.sse_with(CHANNEL, &headers).await.unwrap().is_ok(), may, "{origin}");
        assert_eq!(gateway.websocket_of_page(origin).await.unwrap().is_ok(), may, "{origin}");
    }
}

#[tokio::test]
async fn a_socket_without_a_token_may_only_sign_in() {
    let gateway = strict().env("SPARK_LIMITS_AUTH_WITHIN_MS", 400).start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    let id = socket.subscribe(&[CHANNEL]).await.unwrap();
    let refused = socket.find(|envelope| envelope.event == "system.error").await.unwrap();
    assert_eq!(
        (refused.error_code.as_deref(), refused.field::<u64>("id").unwrap()),
        (Some("UNAUTHENTICATED"), id)
    );
    socket.send(json!({"cmd": "ping"})).await.unwrap();
    socket.find(|envelope| envelope.event == "system.ack").await.unwrap();
    assert_eq!(socket.closed().await.unwrap().0, 4002);
    assert_eq!(gateway.get("/api/market/symbols").await.unwrap().status, 401);
    assert_eq!(gateway.sse_or_refusal(CHANNEL).await.unwrap().expect_err("no token").0.status, 401);
}

#[tokio::test]
async fn a_token_reads_what_it_allows_and_a_new_one_is_judged_anew() {
    let gateway = strict().start().await.unwrap();
    let claims = |channels: Value| {
        let now = now_seconds();
        json!({"sub": "ada", "roles": ["trader"], "exp": now + 3_600, "iat": now, "channels": channels})
    };
    let mut socket = signed_in(&gateway, &token_of(&claims(json!({}))).unwrap()).await;
    socket.subscribe(&[CHANNEL, "price:IBM", "job:1", "system:other"]).await.unwrap();
    let refused = socket.find(|envelope| envelope.channel == "job:1").await.unwrap();
    assert_eq!(refused.error_code.as_deref(), Some("CHANNEL_UNKNOWN"));
    let refused = socket.find(|envelope| envelope.channel == "system:other").await.unwrap();
    assert_eq!(refused.error_code.as_deref(), Some("FORBIDDEN"));
    let narrower = token_of(&claims(json!({"deny": ["price:IBM"]}))).unwrap();
    socket.send(json!({"cmd": "auth", "token": narrower})).await.unwrap();
    let ended = socket
        .find(|envelope| envelope.event == "system.error" && envelope.channel == "price:IBM")
        .await
        .unwrap();
    assert_eq!(ended.error_code.as_deref(), Some("FORBIDDEN"));
    socket.find(|envelope| envelope.event == "price.tick" && envelope.channel == CHANNEL).await.unwrap();
    socket.send(json!({"cmd": "auth", "token": token("bob", "trader", 60).unwrap()})).await.unwrap();
    assert_eq!(socket.closed().await.unwrap().0, 4003);
}

#[tokio::test]
async fn a_person_has_so_many_connections_and_a_socket_so_many_commands() -> Result<()> {
    let gateway = strict()
        .env("SPARK_LIMITS_CONNECTIONS_PER_USER", 1)
        .env("SPARK_LIMITS_COMMANDS_BURST", 5)
        .start()
        .await?;
    let ada = token("ada", "trader", 3_600)?;
    let mut socket = signed_in(&gateway, &ada).await;
    let refused =
        gateway.sse_with(CHANNEL, &[("authorization", &bearer(&ada))]).await?.expect_err("one too many").0;
    assert_eq!((refused.status, refused.envelope()?.error_code.as_deref()), (503, Some("CONNECTION_LIMIT")));
    let mut second = gateway.websocket().await?;
    second.send(json!({"cmd": "auth", "token": ada})).await?;
    assert_eq!(second.closed().await?.0, 4105);
    for _ in 0..20 {
        socket.send(json!({"cmd": "ping"})).await?;
    }
    let limited = socket.find(|envelope| envelope.error_code.as_deref() == Some("RATE_LIMITED")).await?;
    assert!(limited.field::<u64>("id")? > 4 && limited.field::<u64>("retryAfterMs")? > 0);
    for _ in 0..600 {
        if socket.send(json!({"cmd": "ping"})).await.is_err() {
            break;
        }
    }
    assert_eq!(socket.closed().await?.0, 4106);
    Ok(())
}

#[tokio::test]
async fn a_poll_with_a_session_that_somebody_made_up_is_a_new_connection() {
    let gateway = Gateway::options().env("SPARK_LIMITS_OPENS_PER_SECOND", 1).start().await.unwrap();
    let poll = async |cursor: &str| {
        let path = format!("/api/live/poll?channels=system:status&wait=0&cursor={cursor}");
        let answer = gateway.get(&path).await.unwrap();
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        (answer.status, body)
    };
    let (status, first) = poll("").await;
    assert_eq!(status, 200, "{first}");
    let cursor = first["cursor"].as_str().unwrap();
    let mut refused = 0;
    for number in 0..10 {
        refused += u32::from(poll(&format!("1.~made-up-{number}")).await.0 == 503);
        let (status, next) = poll(cursor).await;
        assert_eq!(status, 200, "whoever polls goes on: {next}");
        assert_eq!(next["envelopes"][0]["data"]["sessionId"], first["envelopes"][0]["data"]["sessionId"]);
    }
    assert!(refused > 0, "ten within a second");
}

#[tokio::test]
async fn a_guest_of_the_demo_signs_in_with_the_token_it_is_given() {
    let mut gateway = Gateway::start().await.unwrap();
    let created = gateway.ask("POST", "/api/session", None, None).await.unwrap().envelope().unwrap();
    let token: String = created.field("token").unwrap();
    signed_in(&gateway, &token).await;
    gateway.restart().await.unwrap();
    signed_in(&gateway, &token).await;
    let mut anonymous = gateway.websocket().await.unwrap();
    anonymous.subscribe(&[CHANNEL, "job:1"]).await.unwrap();
    anonymous.find(|envelope| envelope.event == "price.tick").await.unwrap();
}
