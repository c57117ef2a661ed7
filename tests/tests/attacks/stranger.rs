//! A person in another's conversation, and tokens in the wrong place.

use serde_json::{Value, json};
use spark_live_tests::copilot::usual;
use spark_live_tests::openai::{Act, Step};
use spark_live_tests::{Envelope, Gateway};

use crate::stand::{codes, counted, jobs, options, person, stand, token_of, written_down};

/// What somebody is told who wants to hear a session's channel, over each transport: the event, the code and the data.
async fn refused_channel(gateway: &Gateway, subject: &str, session: &str) -> Vec<[String; 3]> {
    let (token, channel) = (token_of(subject), format!("copilot:{session}"));
    let bearer = format!("Bearer {token}");
    let judged = |envelope: Envelope| {
        assert!(!envelope.ok && envelope.channel == channel, "{}", envelope.text);
        [envelope.event, envelope.error_code.unwrap_or_default(), envelope.data.get().to_owned()]
    };
    let stream = gateway.sse_with(&channel, &[("authorization", &bearer)]).await.unwrap().unwrap_err().0;
    let poll = gateway
        .ask("GET", &format!("/api/live/poll?wait=0&channels={channel}"), Some(&token), None)
        .await
        .unwrap();
    assert_eq!((stream.status, poll.status), (404, 404));
    let mut socket = gateway.websocket_with("/api/live/ws", "Authorization", &bearer).await.unwrap().unwrap();
    socket.subscribe(&[&channel]).await.unwrap();
    let told = socket.find(|envelope| envelope.channel == channel).await.unwrap();
    [stream.envelope().unwrap(), poll.envelope().unwrap(), told].map(judged).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_let_into_anothers_session() {
    let (model, gateway) = stand().await;
    let (ann, bob) = (person("ann"), person("bob"));
    model.will([
        Act::call("startBacktest", &usual().to_string()),
        Act::Say(vec![Step::Text("thinking ".into()), Step::Silence]),
    ]);
    let session = "anns-own";
    let body = json!({ "sessionId": session, "message": "propose" });
    let mut stream = ann.open(&gateway, &body).await.unwrap();
    let card = stream.until("copilot.confirm").await.unwrap();
    let token = card["data"]["confirmationToken"].as_str().unwrap().to_owned();
    stream.until("copilot.delta").await.unwrap();

    let bobs = bob.propose(&gateway).await.unwrap();
    let chat = "/api/copilot/chat".to_owned();
    let tool = |name: &str| format!("/api/copilot/tools/{name}?sessionId={session}");
    let body = |value: Value| Some(value.to_string());
    let attempts = [
        ("POST", chat.clone(), body(json!({ "sessionId": session, "message": "what did she say?" }))),
        (
            "POST",
            chat.clone(),
            body(json!({ "sessionId": session, "message": "", "confirmationToken": token })),
        ),
        (
            "POST",
            chat.clone(),
            body(json!({ "sessionId": session, "message": "", "confirmationToken": bobs })),
        ),
        ("POST", format!("/api/copilot/sessions/{session}/stop"), None),
        ("GET", format!("/api/copilot/sessions/{session}"), None),
        ("GET", format!("/api/copilot/evidence/{session}"), None),
        ("POST", tool("getRuntimeHealth"), body(json!({}))),
        ("POST", tool("startBacktest"), body(usual())),
        ("POST", tool("confirmBacktest"), body(json!({ "confirmationToken": token }))),
    ];
    for (method, path, body) in &attempts {
        let theirs = bob.ask(&gateway, method, path, None, body.as_deref()).await.unwrap();
        assert_eq!(theirs.judged(), (404, "NOT_FOUND"), "{method} {path}");
        assert!(!theirs.envelope.to_string().contains(&token[4..]));
    }
    // Nothing tells her session and her channel from those that do not exist.
    let unknown = "no-such1";
    for (method, end) in [("GET", ""), ("POST", "/stop")] {
        let mut told = Vec::new();
        for session in [session, unknown] {
            let path = format!("/api/copilot/sessions/{session}{end}");
            let mut reply = bob.ask(&gateway, method, &path, None, None).await.unwrap();
            assert_eq!(reply.judged(), (404, "NOT_FOUND"), "{method} {path}");
            reply.envelope["ts"] = Value::Null;
            told.push(reply.envelope);
        }
        assert_eq!(told[0], told[1], "{method} {end}");
    }
    let hers = refused_channel(&gateway, "bob", session).await;
    assert!(hers.iter().all(|[_, code, _]| code == "CHANNEL_UNKNOWN"), "{hers:?}");
    assert_eq!(hers, refused_channel(&gateway, "bob", unknown).await);
    // With the token alone, in his own: it is not his.
    let stolen = [
        bob.confirm(&gateway, &token, None).await.unwrap(),
        bob.confirm(&gateway, &token, Some("key-1")).await.unwrap(),
    ];
    for reply in stolen {
        assert_eq!(reply.judged(), (403, "TOKEN_MISMATCH"));
        assert!(!reply.envelope.to_string().contains(&token[4..]));
    }
    model.will([Act::text("no")]);
    let said = json!({ "sessionId": "bobs-own", "message": "", "confirmationToken": token });
    let said = bob.open(&gateway, &said).await.unwrap().to_end().await.unwrap();
    assert_eq!(codes(&said), ["TOKEN_MISMATCH"]);

    // Counted, and written down: of the session in its own record, of the token in that of who has tried it.
    assert_eq!(counted(&ann, &gateway, "copilot_token_consume_fail_total{reason=\"mismatch\"}").await, 3);
    assert_eq!(counted(&ann, &gateway, "copilot_session_refused_total").await, 10);
    // She is answered as if nothing had been; her token is as good as before, and the job is hers.
    let state =
        ann.ask(&gateway, "GET", &format!("/api/copilot/sessions/{session}"), None, None).await.unwrap();
    assert_eq!(state.text("state"), "answering");
    let confirmed = ann.confirm(&gateway, &token, None).await.unwrap();
    assert_eq!(confirmed.status, 202);
    assert_eq!(jobs(&bob, &gateway).await, json!([]));
    let used = bob.confirm(&gateway, &token, None).await.unwrap();
    assert_eq!(
        (used.judged(), used.text("jobId")),
        ((403, "TOKEN_MISMATCH"), ""),
        "not even that it is used"
    );
    // Once, so that nobody fills her record.
    written_down(&ann, &gateway, session, "SESSION_FOREIGN").await;
    written_down(&bob, &gateway, "bobs-own", "TOKEN_MISMATCH").await;
    let written = written_down(&ann, &gateway, session, "TOKEN_REPLAY_FOREIGN").await;
    assert_eq!(written.matches("SESSION_FOREIGN").count(), 1, "{written}");
    let log = gateway.stderr().join("\n");
    assert!(!log.contains(&token[4..]) && !log.contains(&bobs[4..]));
    drop(stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_in_the_wrong_place_goes_nowhere() {
    let gateway = options().start().await.unwrap();
    let ann = person("ann");
    let token = ann.propose(&gateway).await.unwrap();
    let chat = "/api/copilot/chat";
    for (method, path, body) in [
        ("POST", chat.to_owned(), Some(json!({ "sessionId": token, "message": "hi" }))),
        ("POST", chat.to_owned(), Some(json!({ "message": "hi", token.clone(): 1 }))),
        ("POST", format!("/api/copilot/tools/getRuntimeHealth?sessionId={token}"), Some(json!({}))),
        ("POST", "/api/copilot/tools/getBacktestStatus".to_owned(), Some(json!({ "jobId": token }))),
        ("POST", "/api/copilot/tools/getCandles".to_owned(), Some(json!({ "symbol": token }))),
        ("POST", "/api/copilot/tools/getCandles".to_owned(), Some(json!({ token.clone(): token }))),
        ("POST", format!("/api/copilot/tools/{token}"), Some(json!({}))),
        ("POST", format!("/api/copilot/sessions/{token}/stop"), None),
        ("GET", format!("/api/copilot/evidence/{token}"), None),
        ("GET", format!("/api/backtest/jobs/{token}"), None),
    ] {
        let body = body.map(|body| body.to_string());
        let reply = ann.ask(&gateway, method, &path, None, body.as_deref()).await.unwrap();
        assert!((400..500).contains(&reply.status), "{method} {path:.40}: {}", reply.status);
        assert!(!reply.envelope.to_string().contains(&token[4..]), "{method} {path:.40}");
    }
    ann.say(&gateway, None, &format!("confirm {token}")).await.unwrap();
    let log = gateway.stderr().join("\n");
    let metrics = ann.file(&gateway, "/api/public/metrics").await.unwrap();
    assert!(log.contains("DEBUG") && !metrics.contains(&token[4..]));
    let leaks: Vec<_> = log.lines().filter(|line| line.contains(&token[4..])).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    let mut folders = vec![gateway.folder().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(43).any(|part| part == &token.as_bytes()[4..]), "{}", path.display());
            }
        }
    }
}
