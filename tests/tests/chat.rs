//! Conversations with the built-in: from a question to a backtest that is done, dropped connections, stops, restarts, and
//! other people.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in helpers, where a panic is the verdict of the test"
)]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use spark_live_tests::chat::{Told, text};
use spark_live_tests::copilot::{Person, SECRET};
use spark_live_tests::openai::{Act, OpenAiServer, Step};
use spark_live_tests::{Gateway, GatewayOptions, Signer, Sse};
use tokio::sync::Notify;

const ASK: &str = "backtest an SMA crossover 10/30 on AAPL from 2005 to 2010";

fn token_of(subject: &str, roles: &[&str]) -> String {
    Signer::new(SECRET).token_for(subject, roles, Duration::from_secs(3_600)).unwrap()
}

fn person(subject: &str) -> Person {
    Person::with(&token_of(subject, &["trader"]))
}

fn options() -> GatewayOptions {
    Gateway::options().env("SPARK_JWT_SECRET", SECRET).env("SPARK_LIMITS_CALLS_BURST", 1_000)
}

async fn listen(gateway: &Gateway, subject: &str, roles: &[&str], session: &str, cursor: &str) -> Sse {
    let cursor = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
    let url = gateway.url(&format!("/api/live/sse?channels=copilot:{session}{cursor}"));
    let bearer = format!("Bearer {}", token_of(subject, roles));
    Sse::open(&url, &[("authorization", &bearer)]).await.unwrap()
}

/// Envelopes of a channel until one of that name.
async fn until(stream: &mut Sse, event: &str) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let envelope = stream.next_envelope().await.unwrap();
        if !envelope.event.starts_with("copilot.") {
            continue;
        }
        let data: Value = envelope.data_as().unwrap();
        all.push(json!({ "event": envelope.event, "seq": envelope.seq, "data": data }));
        if envelope.event == event {
            return all;
        }
    }
}

async fn confirm(person: &Person, gateway: &Gateway, told: &Told, message: &str) -> Told {
    let body = json!({
        "sessionId": told.session_id, "message": message, "confirmationToken": told.token().unwrap(),
    });
    person.open(gateway, &body).await.unwrap().to_end().await.unwrap()
}

#[tokio::test]
async fn a_session_is_opened_before_its_first_word() {
    let gateway = options().start().await.unwrap();
    let ann = person("ann");
    let reply = ann.ask(&gateway, "POST", "/api/copilot/sessions", None, None).await.unwrap();
    assert_eq!(reply.status, 201);
    let session = reply.text("sessionId");
    let expected = json!({
        "sessionId": session, "channel": format!("copilot:{session}"), "state": "idle", "answerId": null,
    });
    let path = format!("/api/copilot/sessions/{session}");
    assert_eq!((&reply.envelope["data"], reply.location.as_deref()), (&expected, Some(&*path)));

    // Whoever listens from then on is told the token that nobody is told again.
    let mut stream = listen(&gateway, "ann", &["trader"], session, "").await;
    ann.say(&gateway, Some(session), ASK).await.unwrap();
    let told = until(&mut stream, "copilot.done").await;
    let confirm = told.iter().find(|envelope| envelope["event"] == "copilot.confirm").unwrap();
    assert!(confirm["data"]["confirmationToken"].is_string(), "{confirm}");

    let refused = person("bob").ask(&gateway, "GET", &path, None, None).await.unwrap();
    assert_eq!(refused.judged(), (404, "NOT_FOUND"));
    let refused = Person::with("nonsense").ask(&gateway, "POST", "/api/copilot/sessions", None, None).await;
    assert_eq!(refused.unwrap().judged(), (401, "UNAUTHENTICATED"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backtest_is_asked_for_confirmed_and_looked_at() {
    let gateway = options().env("SPARK_LOG", "trace").start().await.unwrap();
    let ann = person("ann");
    for (ask, yes, show, word) in [
        (ASK, "", "show the result", "Total return"),
        ("AAPL için 2005-2010 arası 10/30 SMA kesişimi testi", "evet", "sonucu göster", "Toplam getiri"),
    ] {
        let told = ann.say(&gateway, None, ask).await.unwrap();
        let events = ["start", "tool_call", "tool_result", "confirm", "delta", "done"];
        assert_eq!(told.events(), events, "{:?}", told.envelopes);
        let card = told.data("copilot.confirm");
        assert_eq!((&card["tool"], &card["combinations"]), (&json!("startBacktest"), &json!(1)));
        assert_eq!(card["params"]["strategy"]["fast"], 10);
        assert!(card["bars"].as_u64().unwrap() > 1_000 && card["expiresAt"].as_u64().unwrap() > 0, "{card}");
        let token = told.token().unwrap();
        let others = told.envelopes.iter().filter(|envelope| envelope["event"] != "copilot.confirm");
        assert!(
            others.clone().count() > 5 && others.clone().all(|other| !other.to_string().contains("sct_"))
        );

        let started = confirm(&ann, &gateway, &told, yes).await;
        let begins = ["start", "tool_call", "tool_result", "confirmed"];
        assert_eq!(started.events()[..4], begins, "{:?}", started.envelopes);
        assert_eq!(started.data("copilot.confirmed")["proposalId"], card["proposalId"]);
        let job_id = started.data("copilot.tool_result")["data"]["jobId"].as_str().unwrap().to_owned();
        assert!(started.text().contains(&job_id), "{}", started.text());
        assert_eq!(ann.ended(&gateway, &job_id).await.unwrap()["state"], "done");
        let shown = ann.say(&gateway, Some(&told.session_id), show).await.unwrap();
        assert!(shown.text().starts_with(word), "{}", shown.text());
        let result = shown.data("copilot.tool_result")["data"].clone();
        assert_eq!((&result["jobId"], &result["equity"]["shown"]), (&json!(job_id), &json!(12)));
        assert!(result["truncated"].as_array().unwrap().contains(&json!("equity")), "{result}");

        // Used is used, and what was said goes on from there.
        let again = confirm(&ann, &gateway, &told, "").await;
        assert_eq!(again.data("copilot.tool_result")["errorCode"], "TOKEN_USED");
        let changed = ann.say(&gateway, Some(&told.session_id), "now with 20/50").await.unwrap();
        assert_eq!(changed.data("copilot.confirm")["params"]["strategy"]["slow"], 50);
        let evidence =
            ann.file(&gateway, &format!("/api/copilot/evidence/{}", told.session_id)).await.unwrap();
        for word in ["\"request\"", "\"answer\"", "startBacktest", "confirmBacktest", "getBacktestResult"] {
            assert!(evidence.contains(word), "{word}");
        }
        assert!(!evidence.contains("sct_"));
        let log = gateway.stderr().join("\n");
        assert!(log.len() > 1_000 && !log.contains(&token) && !log.contains("sct_"));
    }
    let metrics = ann.file(&gateway, "/api/public/metrics").await.unwrap();
    assert!(metrics.contains("copilot_result_truncated_total{reason=\"equity\"} 2"), "{metrics}");
    assert!(metrics.contains("copilot_result_truncated_total{reason=\"metrics\"} 0"));
    assert!(metrics.contains("copilot_answers_total{outcome=\"done\"} 10"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_confirmed_by_itself_is_told_to_every_window() {
    let gateway = options().start().await.unwrap();
    let ann = person("ann");
    let told = ann.say(&gateway, None, ASK).await.unwrap();
    let session = told.session_id.as_str();
    let mut window = listen(&gateway, "ann", &["trader"], session, "").await;
    until(&mut window, "copilot.done").await;
    let (card, token) = (told.data("copilot.confirm"), told.token().unwrap());
    let mut job_ids = Vec::new();
    // Twice by the same key: told twice, started once.
    for is_replayed in [false, true] {
        let reply = ann.confirm(&gateway, &token, Some("key-1")).await.unwrap();
        assert_eq!((reply.status, &reply.envelope["data"]["replayed"]), (202, &json!(is_replayed)));
        assert_eq!(
            (reply.text("proposalId"), reply.text("sessionId")),
            (card["proposalId"].as_str().unwrap(), session)
        );
        let heard = until(&mut window, "copilot.confirmed").await;
        let expected = json!({
            "proposalId": card["proposalId"], "paramsHash": card["paramsHash"], "jobId": reply.text("jobId"),
        });
        assert_eq!((heard.len(), &heard[0]["data"]), (1, &expected));
        job_ids.push(reply.text("jobId").to_owned());
    }
    assert_eq!(job_ids[0], job_ids[1]);
    assert_eq!(ann.ended(&gateway, &job_ids[0]).await.unwrap()["state"], "done");
    // The next message goes on from there.
    let shown = ann.say(&gateway, Some(session), "show the result").await.unwrap();
    assert_eq!(shown.data("copilot.tool_result")["data"]["jobId"], job_ids[0], "{:?}", shown.envelopes);
    until(&mut window, "copilot.done").await;

    // A card of a reload is proposed anew in its conversation, and told there: by its parameters.
    let path = format!("/api/copilot/tools/startBacktest?sessionId={session}");
    let params = card["params"].to_string();
    let anew = ann.ask(&gateway, "POST", &path, None, Some(&params)).await.unwrap();
    assert_eq!((anew.status, anew.text("sessionId")), (200, session));
    assert_eq!(card["paramsHash"], anew.text("paramsHash"));
    let again = ann.confirm(&gateway, anew.text("confirmationToken"), None).await.unwrap();
    assert_eq!(again.status, 202);
    let heard = until(&mut window, "copilot.confirmed").await;
    assert_eq!(heard[0]["data"]["proposalId"], anew.text("proposalId"));
    assert_ne!(heard[0]["data"]["proposalId"], card["proposalId"]);
    // Nobody else can do so.
    let foreign = person("bob").ask(&gateway, "POST", &path, None, Some(&params)).await.unwrap();
    assert_eq!(foreign.judged(), (404, "NOT_FOUND"));
    // Used without a key, it is not told again.
    assert_eq!(
        ann.confirm(&gateway, anew.text("confirmationToken"), None).await.unwrap().code(),
        "TOKEN_USED"
    );
    ann.say(&gateway, Some(session), "hello").await.unwrap();
    let rest = until(&mut window, "copilot.done").await;
    assert!(rest.iter().all(|envelope| envelope["event"] != "copilot.confirmed"), "{rest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmation_beside_an_answer_comes_in_its_place() {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options().envs(model.settings()).start().await.unwrap();
    let ann = person("ann");
    let propose = json!({ "symbol": "AAPL", "strategy": { "name": "buy_and_hold" } }).to_string();
    let go_on = Arc::<Notify>::default();
    let (before, after) = (Step::Text("look ".into()), Step::Text("at the card".into()));
    model.will([
        Act::call("startBacktest", &propose),
        Act::Say(vec![before, Step::Hold(Arc::clone(&go_on)), after, Step::Finish("stop"), Step::Done]),
        Act::text("it runs"),
    ]);
    let mut stream = ann.open(&gateway, &json!({ "message": "propose" })).await.unwrap();
    let card = stream.until("copilot.confirm").await.unwrap()["data"].clone();
    stream.until("copilot.delta").await.unwrap();
    let token = card["confirmationToken"].as_str().unwrap();
    let reply = ann.confirm(&gateway, token, Some("key-1")).await.unwrap();
    assert_eq!(reply.status, 202);
    // Without a gap, and the text is as it would have been.
    go_on.notify_one();
    let told = stream.to_end().await.unwrap();
    assert_eq!(told.data("copilot.confirmed")["jobId"], reply.text("jobId"));
    assert_eq!(told.events()[4..], ["delta", "confirmed", "delta", "done"]);
    assert_eq!(told.text(), "look at the card");
    ann.say(&gateway, Some(&told.session_id), "and?").await.unwrap();
    let asked = model.asked();
    assert!(!asked[1].body["messages"].to_string().contains("has confirmed"), "its question stands");
    let said = asked[2].last("user");
    assert!(said.contains(reply.text("jobId")) && said.ends_with("\n\nand?"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_reaches_open_streams_of_the_person_and_no_history() {
    let gateway = options().start().await.unwrap();
    let ann = person("ann");
    let session = ann.say(&gateway, None, "hello").await.unwrap().session_id;
    let mut own = listen(&gateway, "ann", &["trader"], &session, "").await;
    let mut admin = listen(&gateway, "root", &["admin"], &session, "").await;
    for stream in [&mut own, &mut admin] {
        until(stream, "copilot.done").await;
    }
    // Told on the channel alone.
    let request = ann.request(&gateway, reqwest::Method::POST, "/api/copilot/chat");
    let request = request.header("accept", "application/json").header("content-type", "application/json");
    let answer =
        request.body(json!({ "sessionId": session, "message": ASK }).to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let accepted: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(accepted["data"]["channel"], format!("copilot:{session}"));
    let find = |all: &[Value]| all.iter().find(|it| it["event"] == "copilot.confirm").unwrap().clone();
    let heard = find(&until(&mut own, "copilot.done").await);
    let token = heard["data"]["confirmationToken"].as_str().unwrap().to_owned();
    let seen = find(&until(&mut admin, "copilot.done").await);
    assert_eq!((&seen["seq"], &seen["data"]["confirmationToken"]), (&heard["seq"], &Value::Null));
    // A reload, and a poll.
    let mut reload = listen(&gateway, "ann", &["trader"], &session, "").await;
    until(&mut reload, "copilot.done").await;
    let kept = find(&until(&mut reload, "copilot.done").await);
    assert_eq!((&kept["seq"], &kept["data"]["confirmationToken"]), (&heard["seq"], &Value::Null));
    let polled =
        ann.file(&gateway, &format!("/api/live/poll?channels=copilot:{session}&wait=0")).await.unwrap();
    assert!(polled.contains("copilot.confirm") && !polled.contains("sct_"), "{polled}");
    assert_eq!(ann.confirm(&gateway, &token, None).await.unwrap().status, 202, "it is good");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_connection_loses_nothing() {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options().envs(model.settings()).start().await.unwrap();
    let ann = person("ann");
    let go_on = Arc::<Notify>::default();
    let words: Vec<String> = (0..60).map(|n| format!("w{n} ")).collect();
    let mut steps: Vec<Step> = words.iter().cloned().map(Step::Text).collect();
    steps.insert(30, Step::Hold(Arc::clone(&go_on)));
    steps.extend([Step::Finish("stop"), Step::Done]);
    model.will([Act::Say(steps)]);
    let mut stream = ann.open(&gateway, &json!({ "message": "go", "sessionId": "drop-1" })).await.unwrap();
    while text(&stream.envelopes).len() < 60 {
        stream.next().await.unwrap().unwrap();
    }
    let (mut heard, cursor) = (text(&stream.envelopes), stream.cursor.clone());
    let last = stream.envelopes.last().unwrap()["seq"].as_u64().unwrap();
    drop(stream);
    // The rest is said while nobody listens.
    go_on.notify_one();
    let mut channel = listen(&gateway, "ann", &["trader"], "drop-1", &cursor).await;
    let rest = until(&mut channel, "copilot.done").await;
    assert_eq!(rest[0]["seq"], last + 1);
    heard.push_str(&text(&rest));
    assert_eq!(heard, words.concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_can_be_stopped_and_only_one_is_given_at_once() {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options().envs(model.settings()).start().await.unwrap();
    let ann = person("ann");
    let slow = || Act::Say(vec![Step::Text("one ".into()), Step::Silence]);
    // Stopped after a tool, so that its call and result stay together.
    model.will([Act::call("getRuntimeHealth", "{}"), slow(), slow(), Act::text("free again")]);
    let mut first = ann.open(&gateway, &json!({ "message": "a", "sessionId": "s1" })).await.unwrap();
    first.until("copilot.delta").await.unwrap();
    // The same session is busy, another one is not.
    let busy =
        ann.ask(&gateway, "POST", "/api/copilot/chat", None, Some(r#"{"message":"b","sessionId":"s1"}"#));
    let busy = busy.await.unwrap();
    assert_eq!((busy.judged(), busy.text("field")), ((429, "RATE_LIMITED"), "sessionId"));
    let mut second = ann.open(&gateway, &json!({ "message": "a", "sessionId": "s2" })).await.unwrap();
    second.until("copilot.delta").await.unwrap();
    let looked = ann.ask(&gateway, "GET", "/api/copilot/sessions/s1", None, None).await.unwrap();
    assert_eq!((looked.status, looked.text("state")), (200, "answering"));
    for other in ["bob", "root"] {
        let stop =
            person(other).ask(&gateway, "POST", "/api/copilot/sessions/s1/stop", None, None).await.unwrap();
        assert_eq!(stop.judged(), (404, "NOT_FOUND"));
    }
    let stop = ann.ask(&gateway, "POST", "/api/copilot/sessions/s1/stop", None, None).await.unwrap();
    assert_eq!((stop.status, &stop.envelope["data"]["stopping"]), (200, &json!(true)));
    let told = first.to_end().await.unwrap();
    let events = ["start", "tool_call", "tool_result", "delta", "stopped"];
    assert_eq!((told.events(), told.text()), (events.map(str::to_owned).to_vec(), "one ".into()));
    // Nobody pays for what nobody hears.
    model.until_left(1).await.unwrap();
    assert!(!model.asked()[2].is_left, "the other one goes on");
    let again = ann.say(&gateway, Some("s1"), "c").await.unwrap();
    assert_eq!(again.text(), "free again");
    assert!(model.asked()[3].body["messages"].to_string().contains("one "), "what it had said is known");
    let none = ann.ask(&gateway, "POST", "/api/copilot/sessions/s1/stop", None, None).await.unwrap();
    assert_eq!(none.envelope["data"]["stopping"], false);
    drop(second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_told() {
    let model = OpenAiServer::start().await.unwrap();
    let options = options().envs(model.settings()).env("SPARK_LIVE_RECONNECT_WINDOW_MS", 300);
    let mut gateway = options.start().await.unwrap();
    let ann = person("ann");
    let slow = || Act::Say(vec![Step::Text("one ".into()), Step::Silence]);
    model.will([slow(), slow(), Act::text("back")]);
    let mut stream = ann.open(&gateway, &json!({ "message": "a", "sessionId": "s1" })).await.unwrap();
    stream.until("copilot.delta").await.unwrap();
    gateway.terminate().unwrap();
    let told = stream.to_end().await.unwrap();
    let error = told.data("copilot.error");
    assert_eq!((&error["code"], error["retryAfterMs"].as_u64().is_some()), (&json!("DRAINING"), true));
    gateway.wait(Duration::from_secs(20)).await.unwrap();
    gateway.restart().await.unwrap();
    // Killed in the middle: nobody can be told then, so it is told when the session is opened again.
    let mut stream = ann.open(&gateway, &json!({ "message": "b", "sessionId": "s1" })).await.unwrap();
    stream.until("copilot.delta").await.unwrap();
    gateway.kill().await.unwrap();
    gateway.restart().await.unwrap();
    let looked = ann.ask(&gateway, "GET", "/api/copilot/sessions/s1", None, None).await.unwrap();
    assert_eq!((looked.status, looked.text("state")), (200, "idle"));
    let mut channel = listen(&gateway, "ann", &["trader"], "s1", "").await;
    let told = until(&mut channel, "copilot.error").await;
    assert_eq!(told[0]["data"]["code"], "INTERNAL");
    assert_eq!(ann.say(&gateway, Some("s1"), "c").await.unwrap().text(), "back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_is_its_persons() {
    let gateway = options().start().await.unwrap();
    let (ann, bob) = (person("ann"), person("bob"));
    let told = ann.say(&gateway, None, ASK).await.unwrap();
    let session = told.session_id.clone();
    for (method, path, body) in [
        (
            "POST",
            "/api/copilot/chat".to_owned(),
            Some(json!({ "sessionId": session, "message": "hi" }).to_string()),
        ),
        ("POST", format!("/api/copilot/sessions/{session}/stop"), None),
        ("GET", format!("/api/copilot/sessions/{session}"), None),
        ("GET", format!("/api/copilot/evidence/{session}"), None),
    ] {
        let reply = bob.ask(&gateway, method, &path, None, body.as_deref()).await.unwrap();
        assert_eq!(reply.judged(), (404, "NOT_FOUND"), "{method} {path}");
    }
    let stolen = json!({ "message": "", "confirmationToken": told.token().unwrap() });
    let stolen = bob.open(&gateway, &stolen).await.unwrap().to_end().await.unwrap();
    assert_eq!(stolen.data("copilot.tool_result")["errorCode"], "TOKEN_MISMATCH");
    assert_eq!(confirm(&ann, &gateway, &told, "").await.data("copilot.tool_result")["ok"], true);
    let feed = Person::with(&token_of("feed", &["publisher"]));
    for (who, expected) in [(feed, (403, "FORBIDDEN")), (Person::with("nonsense"), (401, "UNAUTHENTICATED"))]
    {
        let reply =
            who.ask(&gateway, "POST", "/api/copilot/chat", None, Some(r#"{"message":"hi"}"#)).await.unwrap();
        assert_eq!(reply.judged(), expected);
    }
    for (body, field) in [
        (json!({}), "message"),
        (json!({ "message": "x".repeat(4_001) }), "message"),
        (json!({ "message": "a", "more": 1 }), "more"),
        (json!({ "message": "a", "sessionId": "../x" }), "sessionId"),
    ] {
        let reply =
            ann.ask(&gateway, "POST", "/api/copilot/chat", None, Some(&body.to_string())).await.unwrap();
        assert_eq!((reply.judged(), reply.text("field")), ((422, "PARAMS_INVALID"), field), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tool_can_be_called_by_itself() {
    let gateway = options().start().await.unwrap();
    let (ann, bob) = (person("ann"), person("bob"));
    let job_id = ann
        .start(&gateway, &json!({ "symbol": "IBM", "strategy": { "name": "buy_and_hold" } }))
        .await
        .unwrap();
    ann.ended(&gateway, &job_id).await.unwrap();
    let own = json!({ "jobId": job_id });
    for (tool, arguments, event) in [
        ("getRuntimeHealth", json!({}), "runtime.health"),
        ("getMarketSnapshot", json!({ "symbols": ["AAPL", "IBM"] }), "market.snapshot"),
        ("getCandles", json!({ "symbol": "AAPL", "limit": 3 }), "market.candles"),
        ("getBacktestStatus", own.clone(), "backtest.job"),
        ("getBacktestResult", json!({ "jobId": job_id, "points": 5, "trades": 0 }), "backtest.summary"),
        ("cancelBacktest", own.clone(), "backtest.job"),
    ] {
        let reply = ann.call(&gateway, tool, None, &arguments).await.unwrap();
        assert_eq!((reply.status, &reply.envelope["event"]), (200, &json!(event)), "{}", reply.envelope);
        if arguments.get("jobId").is_some() {
            assert_eq!(
                bob.call(&gateway, tool, None, &arguments).await.unwrap().judged(),
                (404, "JOB_NOT_FOUND")
            );
        }
        let mut more = arguments;
        more["more"] = json!(1);
        let refused = ann.call(&gateway, tool, None, &more).await.unwrap();
        assert_eq!((refused.judged(), refused.text("field")), ((422, "PARAMS_INVALID"), "more"), "{tool}");
    }
    for (tool, arguments, field) in [
        ("getMarketSnapshot", json!({ "symbols": [] }), "symbols"),
        ("getMarketSnapshot", json!({ "symbols": ["NOPE"] }), "symbols[0]"),
        ("getCandles", json!({}), "symbol"),
        ("getCandles", json!({ "symbol": "AAPL", "limit": 201 }), "limit"),
        ("getCandles", json!({ "symbol": "AAPL", "interval": "7x" }), "interval"),
        ("getBacktestResult", json!({ "jobId": job_id, "points": 1 }), "points"),
        ("getBacktestStatus", json!({ "jobId": 1 }), "jobId"),
    ] {
        let refused = ann.call(&gateway, tool, None, &arguments).await.unwrap();
        assert_eq!(
            (refused.judged(), refused.text("field")),
            ((422, "PARAMS_INVALID"), field),
            "{tool} {arguments}"
        );
        assert!(!refused.text("allowed").is_empty());
    }
}
