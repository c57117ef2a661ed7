//! The copilot's tools over HTTP, with each way of keeping tokens and jobs: what is proposed, confirmed, refused, written
//! down and survived.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in helpers, where a panic is the verdict of the test"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use spark_live_tests::copilot::{Keeping, Person, Reply, SECRET, Stand, usual};
use spark_live_tests::postgres::Postgres;
use spark_live_tests::redis::Redis;
use spark_live_tests::{DataDir, Gateway, GatewayOptions, Mode, PATIENCE, Proxy, Signer, binary};
use tokio::time::{sleep, sleep_until, timeout};

fn is_long() -> bool {
    std::env::var_os("SPARK_TEST_LONG").is_some()
}

fn signed(subject: &str, roles: &[&str]) -> Person {
    Person::with(&Signer::new(SECRET).token_for(subject, roles, Duration::from_secs(36_000)).unwrap())
}

fn ann() -> Person {
    signed("ann", &["trader"])
}

fn options() -> GatewayOptions {
    let options = Gateway::options().env("TOKEN_TTL_MS", 600_000);
    options.env("SPARK_LIMITS_CALLS_PER_SECOND", 100_000).env("SPARK_LIMITS_CALLS_BURST", 100_000)
}

async fn sqlite() -> Stand {
    Keeping::Sqlite.stand(options()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_proposed_is_done_once_after_it_was_confirmed() {
    for keeping in Keeping::ALL {
        let stand = keeping.stand(options()).await.unwrap();
        let (ann, gateway) = (ann(), &stand.gateway);
        let proposed = ann.call(gateway, "startBacktest", None, &usual()).await.unwrap();
        assert_eq!(
            (proposed.status, &proposed.envelope["event"]),
            (200, &json!("backtest.proposed")),
            "{keeping:?}"
        );
        let data = &proposed.envelope["data"];
        assert_eq!(
            data["preview"]["params"]["strategy"]["slow"], 30,
            "what was left out is filled in: {data}"
        );
        assert_eq!(proposed.text("paramsHash").len(), 64);
        let token = proposed.text("confirmationToken");
        assert!(token.starts_with("sct_") && token.len() == 47);
        assert!(stand.jobs().await.unwrap().is_empty(), "{keeping:?}: nothing runs yet");

        // With the parameters as they were shown.
        let arguments = json!({ "confirmationToken": token, "params": data["preview"]["params"] });
        let accepted = ann.call(gateway, "confirmBacktest", Some("k1"), &arguments).await.unwrap();
        assert_eq!((accepted.status, &accepted.envelope["event"]), (202, &json!("backtest.accepted")));
        let job_id = accepted.text("jobId").to_owned();
        assert_eq!(accepted.location, Some(format!("/api/backtest/jobs/{job_id}")));
        let expected = json!({
            "jobId": job_id, "state": "queued", "paramsHash": data["paramsHash"], "replayed": false,
            "proposalId": data["proposalId"], "sessionId": data["sessionId"],
        });
        assert_eq!(accepted.envelope["data"], expected);
        assert_eq!(stand.jobs().await.unwrap(), std::slice::from_ref(&job_id), "{keeping:?}");

        let again = ann.confirm(gateway, token, Some("k1")).await.unwrap();
        assert_eq!(
            (again.status, again.text("jobId"), &again.envelope["data"]["replayed"]),
            (202, &*job_id, &json!(true))
        );
        for key in [None, Some("k2")] {
            let used = ann.confirm(gateway, token, key).await.unwrap();
            assert_eq!((used.judged(), used.text("jobId")), ((409, "TOKEN_USED"), &*job_id), "{keeping:?}");
        }
        let other = json!({ "confirmationToken": token, "params": { "symbol": "IBM", "strategy": { "name": "buy_and_hold" } } });
        let mismatch = ann.call(gateway, "confirmBacktest", Some("k1"), &other).await.unwrap();
        assert_eq!(mismatch.judged(), (422, "IDEMPOTENCY_MISMATCH"));
        let second = ann.propose(gateway).await.unwrap();
        let taken = ann.confirm(gateway, &second, Some("k1")).await.unwrap();
        assert_eq!((taken.judged(), taken.text("field")), ((422, "IDEMPOTENCY_MISMATCH"), "Idempotency-Key"));
        assert_eq!(
            ann.confirm(gateway, &second, Some("k3")).await.unwrap().status,
            202,
            "it was not used up"
        );
        assert_eq!(stand.jobs().await.unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_learn_nothing_and_use_nothing_up() {
    for keeping in [Keeping::Sqlite, Keeping::RedisSqlite] {
        let stand = keeping.stand(options()).await.unwrap();
        let (ann, bob, gateway) = (ann(), signed("bob", &["trader"]), &stand.gateway);
        let token = ann.propose(gateway).await.unwrap();
        let open = bob.confirm(gateway, &token, None).await.unwrap();
        assert_eq!(open.judged(), (403, "TOKEN_MISMATCH"));
        assert_eq!(ann.confirm(gateway, &token, Some("k")).await.unwrap().status, 202);
        let used = bob.confirm(gateway, &token, Some("k")).await.unwrap();
        assert_eq!(used.envelope["data"], open.envelope["data"], "the same, used or not");

        // Other parameters: five times is enough.
        let other = json!({ "symbol": "IBM", "strategy": { "name": "buy_and_hold" } });
        let token = ann.propose(gateway).await.unwrap();
        let arguments = json!({ "confirmationToken": token, "params": other });
        for _ in 0..5 {
            let reply = ann.call(gateway, "confirmBacktest", None, &arguments).await.unwrap();
            assert_eq!(reply.judged(), (403, "TOKEN_MISMATCH"));
        }
        assert_eq!(ann.confirm(gateway, &token, None).await.unwrap().judged(), (400, "TOKEN_INVALID"));
        assert_eq!(stand.jobs().await.unwrap().len(), 1, "{keeping:?}");

        // The theft is in both conversations.
        let metrics = ann.file(gateway, "/api/public/metrics").await.unwrap();
        assert!(metrics.contains("copilot_evidence_entries_total{kind=\"alert\"} 1"), "{metrics}");
        assert!(metrics.contains("copilot_token_revoked_total{reason=\"mismatches\"} 1"), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_people_who_may_can_propose_and_confirm() {
    let stand = sqlite().await;
    let gateway = &stand.gateway;
    let guest = Person::guest(gateway).await.unwrap();
    let token = guest.propose(gateway).await.unwrap();
    assert_eq!(guest.confirm(gateway, &token, None).await.unwrap().status, 202, "a guest of the demo may");
    let token = ann().propose(gateway).await.unwrap();
    for (roles, start, confirm) in [
        (&["publisher"][..], (403, "FORBIDDEN"), (403, "CONFIRM_NOT_HUMAN")),
        (&["publisher", "trader"], (200, ""), (403, "CONFIRM_NOT_HUMAN")),
        (&["admin"], (403, "FORBIDDEN"), (403, "CONFIRM_NOT_HUMAN")),
    ] {
        let person = signed("ann", roles);
        let reply = person.call(gateway, "startBacktest", None, &usual()).await.unwrap();
        assert_eq!(reply.judged(), start, "{roles:?}");
        assert_eq!(person.confirm(gateway, &token, None).await.unwrap().judged(), confirm, "{roles:?}");
    }
    let nobody = Person::with("nonsense");
    assert_eq!(nobody.confirm(gateway, &token, None).await.unwrap().judged(), (401, "UNAUTHENTICATED"));
    assert_eq!(ann().confirm(gateway, &token, None).await.unwrap().status, 202, "nothing was used up");

    let strict = options()
        .env("SPARK_PROFILE", "production")
        .env("SPARK_JWT_AUDIENCE", "live")
        .env("SPARK_SIGNING_KEYS", "a-secret-that-is-long-enough-to-be-one");
    let strict = Keeping::Sqlite.stand(strict).await.unwrap();
    let claims = |role: &str| json!({ "sub": "ann", "aud": "live", "roles": [role], "exp": 4_000_000_000_u64.min(soon()) });
    let person = |role: &str| Person::with(&Signer::new(SECRET).sign(&claims(role)).unwrap());
    let reply = person("guest").call(&strict.gateway, "startBacktest", None, &usual()).await.unwrap();
    assert_eq!(reply.judged(), (403, "FORBIDDEN"), "no guests in production");
    assert_eq!(
        person("trader").call(&strict.gateway, "startBacktest", None, &usual()).await.unwrap().status,
        200
    );
}

fn soon() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 3_600
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_a_token_is_told_so_and_never_repeated() {
    let stand = sqlite().await;
    let (ann, gateway) = (ann(), &stand.gateway);
    let good = ann.propose(gateway).await.unwrap();
    let body = &good[4..];
    let mut bad: Vec<Value> = [
        String::new(),
        "sct_".into(),
        body.into(),
        good[..46].into(),
        format!("{good}A"),
        format!("{good}="),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}\0"),
        good.to_uppercase(),
        good.to_lowercase(),
        format!("SCT_{body}"),
        format!("sct-{body}"),
        format!("sk_{body}"),
        format!("sct_sct_{body}"),
        format!("sct_{}", "A".repeat(43)),
        format!("sct_{}", "A".repeat(42)),
        format!("sct_{}", "A".repeat(44)),
        format!("sct_{}B", "A".repeat(42)),
        format!("sct_{}", "/".repeat(43)),
        format!("sct_{}", "+".repeat(43)),
        format!("sct_{}", "\u{430}".repeat(43)),
        format!("sct_{}\u{430}", &body[..42]),
        format!("\u{455}ct_{body}"),
        format!("sct_{}", "=".repeat(43)),
        format!("sct_{}%", &body[..42]),
        format!("{good},{good}"),
        format!("Bearer {good}"),
        "0".repeat(64),
        "null".into(),
        "../../etc/passwd".into(),
        "' OR 1=1 --".into(),
        "*".into(),
        "copilot:ctok:*".into(),
        "A".repeat(50_000),
    ]
    .into_iter()
    .map(Value::String)
    .collect();
    // Another character in each place of one that is good.
    bad.extend((4..good.len()).map(|at| {
        let other = if &good[at..=at] == "Q" { "R" } else { "Q" };
        Value::String(format!("{}{other}{}", &good[..at], &good[at + 1..]))
    }));
    bad.extend([json!(5), json!(1.5), json!(true), json!([good]), json!({ "token": good })]);
    assert!(bad.len() >= 80, "{}", bad.len());
    for token in bad {
        let reply =
            ann.call(gateway, "confirmBacktest", None, &json!({ "confirmationToken": token })).await.unwrap();
        assert_eq!(reply.judged(), (400, "TOKEN_INVALID"), "{token}");
        assert!(!reply.envelope.to_string().contains("sct_"), "{token}: {}", reply.envelope);
    }
    for (arguments, code, field) in [
        (json!({}), "PARAMS_INVALID", "confirmationToken"),
        (json!({ "confirmationToken": null }), "PARAMS_INVALID", "confirmationToken"),
        (json!([good]), "PARAMS_INVALID", "body"),
        (json!({ "token": good }), "PARAMS_INVALID", "token"),
        (json!({ "confirmationToken": good, "more": good }), "PARAMS_INVALID", "more"),
        (json!({ "confirmationToken": good, "params": [] }), "PARAMS_INVALID", "params."),
        (
            json!({ "confirmationToken": good, "params": { "symbol": good } }),
            "PARAMS_INVALID",
            "params.strategy",
        ),
    ] {
        let reply = ann.call(gateway, "confirmBacktest", None, &arguments).await.unwrap();
        assert_eq!((reply.status, reply.code(), reply.text("field")), (422, code, field), "{arguments}");
        assert!(!reply.envelope.to_string().contains(&good), "{}", reply.envelope);
    }
    let path = "/api/copilot/tools/confirmBacktest";
    let twice = format!(r#"{{"confirmationToken":"{good}","confirmationToken":"{good}"}}"#);
    for body in ["{", "nonsense", &twice, "\u{feff}{}"] {
        let reply = ann.ask(gateway, "POST", path, None, Some(body)).await.unwrap();
        assert_eq!(reply.judged(), (422, "PARAMS_INVALID"), "{body}");
        assert!(!reply.envelope.to_string().contains(&good));
    }
    let long = format!(r#"{{"confirmationToken":"{}"}}"#, "A".repeat(70_000));
    assert_eq!(
        ann.ask(gateway, "POST", path, None, Some(&long)).await.unwrap().judged(),
        (413, "PAYLOAD_TOO_LARGE")
    );
    for question in [format!("sessionId={good}"), good.clone(), format!("{good}=1")] {
        let reply = ann.ask(gateway, "POST", &format!("{path}?{question}"), None, Some("{}")).await.unwrap();
        assert_eq!(reply.judged(), (400, "BAD_REQUEST"), "tokens do not belong in an address");
        assert!(!reply.envelope.to_string().contains(&good), "{}", reply.envelope);
    }
    for key in ["", "a b", "\u{e4}", &"k".repeat(65), "a/b"] {
        let reply = ann.confirm(gateway, &good, Some(key)).await.unwrap();
        assert_eq!(
            (reply.judged(), reply.text("field")),
            ((400, "IDEMPOTENCY_KEY_INVALID"), "Idempotency-Key"),
            "{key}"
        );
    }
    assert_eq!(
        ann.ask(gateway, "POST", "/api/copilot/tools/nope", None, Some("{}")).await.unwrap().judged(),
        (404, "TOOL_UNKNOWN")
    );
    assert_eq!(
        ann.confirm(gateway, &good, Some(&"k".repeat(64))).await.unwrap().status,
        202,
        "after all that"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_parameters_are_named_and_tools_are_listed() {
    let stand = sqlite().await;
    let (ann, gateway) = (ann(), &stand.gateway);
    for (params, field, value) in [
        (json!({ "symbol": "NOPE", "strategy": { "name": "sma_cross" } }), "symbol", "\"NOPE\""),
        (
            json!({ "symbol": "AAPL", "interval": "7m", "strategy": { "name": "sma_cross" } }),
            "interval",
            "\"7m\"",
        ),
        (json!({ "symbol": "AAPL", "strategy": { "name": "sma_cross", "fast": 0 } }), "strategy.fast", "0"),
    ] {
        let reply = ann.call(gateway, "startBacktest", None, &params).await.unwrap();
        assert_eq!(
            (reply.judged(), reply.text("field"), reply.text("value")),
            ((422, "PARAMS_INVALID"), field, value)
        );
        assert!(!reply.text("allowed").is_empty(), "{}", reply.envelope);
    }
    let listed = ann.ask(gateway, "GET", "/api/copilot/tools", None, None).await.unwrap();
    let tools = listed.envelope["data"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    let expected = [
        "getRuntimeHealth",
        "getMarketSnapshot",
        "getCandles",
        "startBacktest",
        "confirmBacktest",
        "getBacktestStatus",
        "getBacktestResult",
        "cancelBacktest",
    ];
    assert_eq!(names, expected);
    assert_eq!(tools[3]["inputSchema"]["required"], json!(["symbol", "strategy"]));
    // So many at once.
    let busy = Keeping::Sqlite.stand(Gateway::options().env("SPARK_LIMITS_CALLS_BURST", 5)).await.unwrap();
    let replies = join_all((0..8).map(|_| ann.confirm(&busy.gateway, "x", None))).await;
    let limited =
        replies.into_iter().filter(|reply| reply.as_ref().unwrap().judged() == (429, "RATE_LIMITED")).count();
    assert!((1..=3).contains(&limited), "{limited}");
    // Twenty may wait.
    let limit = async {
        loop {
            let reply = ann.call(gateway, "startBacktest", None, &usual()).await.unwrap();
            if reply.status != 200 {
                return reply;
            }
        }
    };
    let reply = timeout(PATIENCE, limit).await.unwrap();
    assert_eq!(reply.judged(), (429, "PROPOSAL_LIMIT"));
    assert!(reply.envelope["data"]["retryAfterMs"].as_u64().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_says_more_than_that_there_is_no_room() {
    let stand = Keeping::Sqlite.stand(options().env("TOKEN_TTL_MS", 3_000)).await.unwrap();
    let (ann, gateway) = (ann(), &stand.gateway);
    for _ in 0..20 {
        let token = ann.propose(gateway).await.unwrap();
        assert_eq!(ann.confirm(gateway, &token, None).await.unwrap().status, 202);
    }
    let token = ann.propose(gateway).await.unwrap();
    let other = json!({ "symbol": "IBM", "strategy": { "name": "buy_and_hold" } });
    let arguments = json!({ "confirmationToken": token, "params": other });
    let reply = ann.call(gateway, "confirmBacktest", None, &arguments).await.unwrap();
    assert_eq!(reply.judged(), (403, "TOKEN_MISMATCH"));
    let full = ann.confirm(gateway, &token, None).await.unwrap();
    assert_eq!(full.judged(), (429, "JOB_LIMIT"));
    sleep(Duration::from_millis(3_100)).await;
    assert_eq!(ann.confirm(gateway, &token, None).await.unwrap().judged(), (410, "TOKEN_EXPIRED"));
    // Room for one, and the last moment has passed all the same.
    let job_id = stand.jobs().await.unwrap().remove(0);
    ann.ask(gateway, "DELETE", &format!("/api/backtest/jobs/{job_id}"), None, None).await.unwrap();
    let token = ann.propose(gateway).await.unwrap();
    assert_eq!(ann.confirm(gateway, &token, None).await.unwrap().status, 202, "nothing was used up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_another_ones_session() {
    let stand = sqlite().await;
    let (ann, bob, gateway) = (ann(), signed("bob", &["trader"]), &stand.gateway);
    let proposed = ann.call(gateway, "startBacktest", None, &usual()).await.unwrap();
    let own = proposed.text("sessionId").to_owned();
    let tomorrows = format!("{}20991231", &own[..own.len() - 8]);
    for session in [own.as_str(), tomorrows.as_str(), "direct-x"] {
        let path = format!("/api/copilot/tools/startBacktest?sessionId={session}");
        let reply = bob.ask(gateway, "POST", &path, None, Some(&usual().to_string())).await.unwrap();
        assert_eq!(reply.judged(), (404, "NOT_FOUND"), "{session}");
    }
    let path = format!("/api/copilot/tools/startBacktest?sessionId={tomorrows}");
    let reply = ann.ask(gateway, "POST", &path, None, Some(&usual().to_string())).await.unwrap();
    assert_eq!(reply.status, 200, "it is hers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_is_written_down_too() {
    let stand = sqlite().await;
    let (ann, gateway) = (ann(), &stand.gateway);
    let token = ann.propose(gateway).await.unwrap();
    let hung_up = timeout(Duration::from_micros(1_200), ann.confirm(gateway, &token, Some("k"))).await;
    // Perhaps it was not sent yet, or answered already: in the end there is one job and an entry for it.
    drop(hung_up);
    let reply = ann.confirm(gateway, &token, Some("k")).await.unwrap();
    let path = format!("/api/copilot/evidence/{}", reply.text("sessionId"));
    let written = async {
        loop {
            let bundle = ann.file(gateway, &path).await.unwrap();
            if bundle.contains("copilot_token_consume_total{outcome=\\\"consumed\\\"}") {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, written).await.unwrap();
    assert_eq!(stand.jobs().await.unwrap().len(), 1);
}

/// The moment so many seconds after another.
fn at(began: tokio::time::Instant, seconds: f64) -> tokio::time::Instant {
    began + Duration::from_secs_f64(seconds)
}

/// Row T8 of the fault matrix.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_lives_and_dies_by_its_limit_across_restarts() {
    let judged = Keeping::ALL.map(|keeping| async move {
        let mut stand = keeping.stand(Gateway::options().env("TOKEN_TTL_MS", 10_000)).await.unwrap();
        let ann = ann();
        let began = tokio::time::Instant::now();
        let gateway = &stand.gateway;
        let (late, early, used) = (
            ann.propose(gateway).await.unwrap(),
            ann.propose(gateway).await.unwrap(),
            ann.propose(gateway).await.unwrap(),
        );
        stand.gateway.restart().await.unwrap();
        if let Some(redis) = &mut stand.redis {
            redis.kill().await.unwrap();
            redis.revive().await.unwrap();
        }
        sleep_until(at(began, 5.0)).await;
        let job_id = ann.confirm(&stand.gateway, &used, None).await.unwrap().text("jobId").to_owned();
        assert!(!job_id.is_empty(), "{keeping:?}");
        sleep_until(at(began, 8.5)).await;
        let at_nine = ann.confirm(&stand.gateway, &late, None).await.unwrap();
        // On a machine so busy that this comes too late nothing is said of it.
        if began.elapsed() < Duration::from_secs(10) {
            assert_eq!(at_nine.status, 202, "{keeping:?} {}", at_nine.envelope);
        }
        sleep_until(at(began, 11.0)).await;
        for _ in 0..2 {
            let expired = ann.confirm(&stand.gateway, &early, None).await.unwrap();
            assert_eq!(expired.judged(), (410, "TOKEN_EXPIRED"), "{keeping:?}");
            let reply = ann.confirm(&stand.gateway, &used, None).await.unwrap();
            assert_eq!((reply.judged(), reply.text("jobId")), ((409, "TOKEN_USED"), &*job_id), "{keeping:?}");
            stand.gateway.restart().await.unwrap();
        }
    });
    join_all(judged).await;
}

/// Row T2: the process ends at a step of a confirmation, and the same is confirmed again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crash_at_any_step_leaves_one_job() {
    let rounds = if is_long() { 50 } else { 1 };
    // It is started often: little data is read quickly.
    let data =
        DataDir::new().unwrap().csv("AAPL", &["2020-01-01,1,2,1,2,10", "2020-01-02,2,3,2,3,10"]).unwrap();
    let data = &data.path();
    let pairs = [Keeping::Sqlite, Keeping::Postgres, Keeping::RedisSqlite].map(|keeping| async move {
        let mut stand = keeping.stand(options().data_dir(data)).await.unwrap();
        let has_intents = stand.redis.is_some();
        let steps = ["received", "looked", "intended", "consumed", "started", "judged", "noted", "answered"];
        let steps = steps.into_iter().filter(|step| has_intents || *step != "intended");
        let (mut jobs, mut n) = (0, 0);
        for (step, round) in steps.flat_map(|step| (0..rounds).map(move |round| (step, round))) {
            for key in [Some(format!("{step}-{round}")), None] {
                n += 1;
                // Each a person of their own: one may not propose so much.
                let person = signed(&format!("person-{n}"), &["trader"]);
                let token = person.propose(&stand.gateway).await.unwrap();
                stand.gateway.restart_with("SPARK_TEST_CRASH_AT", Some(step)).await.unwrap();
                let crashed = person.confirm(&stand.gateway, &token, key.as_deref()).await;
                assert!(crashed.is_err(), "{keeping:?} {step}: {crashed:?}");
                stand.gateway.restart_with("SPARK_TEST_CRASH_AT", None).await.unwrap();
                let again = person.confirm(&stand.gateway, &token, key.as_deref()).await.unwrap();
                let place = format!("{keeping:?} {step} {key:?}: {}", again.envelope);
                match key {
                    Some(_) => assert_eq!(again.status, 202, "{place}"),
                    None => assert!(matches!(again.judged(), (202, "") | (409, "TOKEN_USED")), "{place}"),
                }
                jobs += 1;
                let written = stand.jobs().await.unwrap();
                assert_eq!(written.len(), jobs, "{place}");
                assert!(written.contains(&again.text("jobId").to_owned()), "{place}");
                let third = person.confirm(&stand.gateway, &token, None).await.unwrap();
                assert_eq!(
                    (third.judged(), third.text("jobId")),
                    ((409, "TOKEN_USED"), again.text("jobId")),
                    "{place}"
                );
            }
        }
        assert_eq!(stand.jobs().await.unwrap().len(), jobs, "{keeping:?}");
    });
    join_all(pairs).await;
}

/// Nobody confirms again, and the job is there nevertheless.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_paid_for_is_written_down_by_whoever_finds_it_missing() {
    for step in ["intended", "consumed"] {
        let mut stand = Keeping::RedisSqlite.stand(options()).await.unwrap();
        let ann = ann();
        let token = ann.propose(&stand.gateway).await.unwrap();
        stand.gateway.restart_with("SPARK_TEST_CRASH_AT", Some(step)).await.unwrap();
        ann.confirm(&stand.gateway, &token, None).await.unwrap_err();
        stand.gateway.restart_with("SPARK_TEST_CRASH_AT", None).await.unwrap();
        assert!(stand.jobs().await.unwrap().is_empty(), "{step}");
        let is_used = step == "consumed";
        let waited = timeout(Duration::from_secs(40), async {
            while stand.jobs().await.unwrap().is_empty() {
                sleep(Duration::from_millis(200)).await;
            }
        });
        if is_used {
            waited.await.expect("within 15 s, and patience for a busy machine");
            let metrics = ann.file(&stand.gateway, "/api/public/metrics").await.unwrap();
            assert!(metrics.contains("copilot_confirm_recovered_total 1"), "{metrics}");
        }
        let reply = ann.confirm(&stand.gateway, &token, None).await.unwrap();
        assert_eq!(reply.status, if is_used { 409 } else { 202 }, "{step}: {}", reply.envelope);
        assert_eq!(stand.jobs().await.unwrap().len(), 1);
    }
}

/// Row T1 over HTTP: many nodes' worth of confirmations at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_confirmations_wins() {
    let rounds = if is_long() { 50 } else { 3 };
    for keeping in Keeping::ALL {
        let stand = keeping.stand(options()).await.unwrap();
        for round in 0..rounds {
            let person = signed(&format!("person-{round}"), &["trader"]);
            let token = person.propose(&stand.gateway).await.unwrap();
            let replies = join_all((0..64).map(|_| person.confirm(&stand.gateway, &token, None))).await;
            let mut counts = BTreeMap::new();
            for reply in replies {
                *counts.entry(reply.unwrap().judged().0).or_insert(0) += 1;
            }
            assert_eq!(counts, BTreeMap::from([(202, 1), (409, 63)]), "{keeping:?} {round}");
            assert_eq!(stand.jobs().await.unwrap().len(), round + 1, "{keeping:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_down_is_told_by_name_in_time_and_comes_back_by_itself() {
    let redis = async {
        let mut stand = Keeping::RedisSqlite.stand(options()).await.unwrap();
        let token = ann().propose(&stand.gateway).await.unwrap();
        stand.redis.as_ref().unwrap().freeze(true).unwrap();
        is_told(&stand, &token, "redis").await;
        stand.redis.as_ref().unwrap().freeze(false).unwrap();
        comes_back(&stand, &token).await;
        let token = ann().propose(&stand.gateway).await.unwrap();
        stand.redis.as_mut().unwrap().kill().await.unwrap();
        is_told(&stand, &token, "redis").await;
        stand.redis.as_mut().unwrap().revive().await.unwrap();
        comes_back(&stand, &token).await;
    };
    let postgres = async {
        let mut stand = Keeping::Postgres.stand(options()).await.unwrap();
        let token = ann().propose(&stand.gateway).await.unwrap();
        stand.postgres.as_ref().unwrap().freeze(true).unwrap();
        is_told(&stand, &token, "postgres").await;
        stand.postgres.as_ref().unwrap().freeze(false).unwrap();
        comes_back(&stand, &token).await;
        let token = ann().propose(&stand.gateway).await.unwrap();
        stand.postgres.as_mut().unwrap().restart().await.unwrap();
        comes_back(&stand, &token).await;
    };
    let jobs_of_redis = async {
        let stand = Keeping::RedisPostgres.stand(options()).await.unwrap();
        let token = ann().propose(&stand.gateway).await.unwrap();
        stand.postgres.as_ref().unwrap().freeze(true).unwrap();
        is_told(&stand, &token, "postgres").await;
        stand.postgres.as_ref().unwrap().freeze(false).unwrap();
        comes_back(&stand, &token).await;
    };
    tokio::join!(redis, postgres, jobs_of_redis);
}

async fn is_told(stand: &Stand, token: &str, store: &str) {
    let ann = ann();
    let began = Instant::now();
    let reply = ann.confirm(&stand.gateway, token, None).await.unwrap();
    assert_eq!((reply.judged(), reply.text("store")), ((503, "STORE_UNAVAILABLE"), store));
    // Two seconds are promised, and two calls that each take as long would be four.
    assert!(began.elapsed() < Duration::from_millis(3_800), "{:?}", began.elapsed());
    let is_seen = async {
        loop {
            let ready = ann.ask(&stand.gateway, "GET", "/readyz", None, None).await.unwrap();
            let check = &ready.envelope["data"]["checks"]["tokenStore"];
            if (ready.status, &check["ok"], &check["failing"]) == (200, &json!(false), &json!(store)) {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, is_seen).await.expect("readyz says which store");
    let metrics = ann.file(&stand.gateway, "/api/public/metrics").await.unwrap();
    assert!(
        metrics.lines().any(|line| line.starts_with("spark_store_up{") && line.ends_with(" 0")),
        "{metrics}"
    );
}

/// The token can be used, or was used and has its job; there is no third thing.
async fn comes_back(stand: &Stand, token: &str) {
    let before = stand.jobs().await;
    let answered = timeout(PATIENCE, async {
        loop {
            let reply = ann().confirm(&stand.gateway, token, None).await.unwrap();
            if reply.code() != "STORE_UNAVAILABLE" {
                return reply;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    let reply = answered.await.expect("it comes back by itself");
    assert!(matches!(reply.judged(), (202, "") | (409, "TOKEN_USED")), "{}", reply.envelope);
    let jobs = stand.jobs().await.unwrap();
    assert!(jobs.contains(&reply.text("jobId").to_owned()), "{jobs:?} {before:?}");
}

/// Row T6: the line to the store is cut at any moment, carries single bytes, or stands still. A confirmation is answered,
/// or refused with STORE_UNAVAILABLE, and asked again there is its one job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_line_to_a_store_loses_nothing() {
    let rounds = if is_long() { 150 } else { 12 };
    let redis = async {
        let redis = Redis::start().await.unwrap();
        let line = Proxy::start(redis.addr(), None).await.unwrap();
        let options = options()
            .env("SPARK_JWT_SECRET", SECRET)
            .env("SPARK_REDIS_URL", format!("redis://{}", line.addr()));
        let gateway = options.start().await.unwrap();
        let stand = Stand { gateway, redis: Some(redis), postgres: None };
        with_a_bad_line(&stand, &line, rounds).await;
    };
    let postgres = async {
        let postgres = Postgres::start().await.unwrap();
        let line = Proxy::start(postgres.addr(), None).await.unwrap();
        let url = postgres
            .database("spark")
            .await
            .unwrap()
            .replace(&postgres.addr().to_string(), &line.addr().to_string());
        let options = options().env("SPARK_JWT_SECRET", SECRET).env("SPARK_DATABASE_URL", url);
        let gateway = options.start().await.unwrap();
        let stand = Stand { gateway, redis: None, postgres: Some(postgres) };
        with_a_bad_line(&stand, &line, rounds).await;
    };
    tokio::join!(redis, postgres);
}

async fn with_a_bad_line(stand: &Stand, line: &Proxy, rounds: u64) {
    for round in 0..rounds {
        let person = signed(&format!("person-{round}"), &["trader"]);
        let usual = usual();
        let token = patiently(|| person.call(&stand.gateway, "startBacktest", None, &usual)).await;
        let token = token.text("confirmationToken").to_owned();
        let confirming = person.confirm(&stand.gateway, &token, Some("key"));
        let first = match round % 3 {
            0 => {
                line.set(Mode::Slice);
                let reply = confirming.await.unwrap();
                line.set(Mode::Pass);
                assert!(matches!(reply.status, 202 | 503), "{}", reply.envelope);
                reply
            }
            1 => {
                // Somewhere within the few answers that it takes.
                let cut = async {
                    sleep(Duration::from_micros(400 * (round % 20))).await;
                    line.cut();
                };
                tokio::join!(confirming, cut).0.unwrap()
            }
            _ => {
                line.set(Mode::Stall);
                let began = Instant::now();
                let reply = confirming.await.unwrap();
                assert_eq!(reply.judged(), (503, "STORE_UNAVAILABLE"));
                assert!(began.elapsed() < Duration::from_millis(3_800), "{:?}", began.elapsed());
                line.set(Mode::Pass);
                reply
            }
        };
        assert!(matches!(first.judged(), (202, "") | (503, "STORE_UNAVAILABLE")), "{}", first.envelope);
        let again = patiently(|| person.confirm(&stand.gateway, &token, Some("key"))).await;
        assert_eq!(again.status, 202, "round {round}: {}", again.envelope);
        assert!(first.status == 503 || first.text("jobId") == again.text("jobId"));
        let jobs = stand.jobs().await.unwrap();
        assert_eq!(jobs.len() as u64, round + 1, "one each");
        assert!(jobs.contains(&again.text("jobId").to_owned()));
    }
}

/// Asks until the store is there.
async fn patiently<F>(ask: impl Fn() -> F) -> Reply
where
    F: Future<Output = anyhow::Result<Reply>>,
{
    let answered = timeout(PATIENCE, async {
        loop {
            let reply = ask().await.unwrap();
            if reply.code() != "STORE_UNAVAILABLE" {
                return reply;
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    answered.await.expect("it comes back by itself")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_says_what_was_done_and_shows_when_it_was_changed() {
    for keeping in [Keeping::Sqlite, Keeping::Postgres] {
        let stand = keeping.stand(options()).await.unwrap();
        let (ann, gateway) = (ann(), &stand.gateway);
        let session = "?sessionId=s1";
        let call = async |tool: &str, body: Value| {
            let path = format!("/api/copilot/tools/{tool}{session}");
            ann.ask(gateway, "POST", &path, None, Some(&body.to_string())).await.unwrap()
        };
        let token = call("startBacktest", usual()).await.text("confirmationToken").to_owned();
        for _ in 0..2 {
            call("confirmBacktest", json!({ "confirmationToken": token })).await;
        }
        call("confirmBacktest", json!({ "confirmationToken": format!("sct_{}", "A".repeat(43)) })).await;
        call("startBacktest", json!({})).await;

        let text = ann.file(gateway, "/api/copilot/evidence/s1").await.unwrap();
        let bundle: Value = serde_json::from_str(&text).unwrap();
        let entries = bundle["entries"].as_array().unwrap();
        let codes: Vec<_> = entries.iter().map(|entry| entry["errorCodes"].to_string()).collect();
        assert_eq!(codes, ["[]", "[]", r#"["TOKEN_USED"]"#, r#"["TOKEN_INVALID"]"#, r#"["PARAMS_INVALID"]"#]);
        assert!(entries[..2].iter().all(|entry| entry["paramsHash"] == entries[0]["paramsHash"]));
        assert_eq!(entries[1]["jobId"], entries[2]["jobId"]);

        // Every counter can be recomputed from it.
        let metrics = ann.file(gateway, "/api/public/metrics").await.unwrap();
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, count) in entries.iter().flat_map(|entry| entry["counters"].as_object().unwrap()) {
            *sums.entry(name).or_default() += count.as_u64().unwrap();
        }
        let told = |line: &str| {
            line.split_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap_or(0)))
        };
        let told: BTreeMap<String, u64> =
            metrics.lines().filter(|line| !line.starts_with('#')).filter_map(told).collect();
        let counted = [
            "copilot_token_issued",
            "copilot_token_consume_total",
            "copilot_token_consume_fail",
            "copilot_tool_exec_ms_count",
        ];
        for (name, value) in
            told.iter().filter(|(name, _)| counted.iter().any(|start| name.starts_with(start)))
        {
            assert_eq!(sums.get(name.as_str()).copied().unwrap_or(0), *value, "{name}");
        }
        assert_eq!(sums.len(), 8, "{sums:?}");

        // Others and strangers see none of it.
        for person in [signed("bob", &["trader"]), signed("pub", &["publisher"])] {
            let reply = person.ask(gateway, "GET", "/api/copilot/evidence/s1", None, None).await.unwrap();
            assert_eq!(reply.judged(), (404, "NOT_FOUND"));
        }
        let bobs = signed("bob", &["trader"]);
        let reply = bobs
            .ask(gateway, "POST", "/api/copilot/tools/startBacktest?sessionId=s1", None, Some("{}"))
            .await
            .unwrap();
        assert_eq!(reply.judged(), (404, "NOT_FOUND"), "it is hers");
        assert!(signed("root", &["admin"]).file(gateway, "/api/copilot/evidence/s1").await.is_ok());
        let unknown = ann.ask(gateway, "GET", "/api/copilot/evidence/nope", None, None).await.unwrap();
        assert_eq!(unknown.judged(), (404, "NOT_FOUND"));

        verified(gateway, &text).await;
    }
}

/// The command of the documentation, on the bundle and on what somebody might make of it.
async fn verified(gateway: &Gateway, text: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("evidence.json");
    let run = async |arguments: &[&str], text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = tokio::process::Command::new(binary().unwrap());
        command.current_dir(gateway.folder()).arg("evidence").args(arguments);
        let output = command.output().await.unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let path = file.display().to_string();
    let (_, key) = run(&["key"], text).await;
    let verify = ["verify", &path, "--key", key.trim()];
    let (code, said) = run(&verify, text).await;
    assert!(code == 0 && said.starts_with("good: 5 entries of session s1 of ann"), "{said}");
    let lines: Vec<&str> = text.lines().collect();
    let without = |gone: usize| {
        let mut lines = lines.clone();
        lines.remove(gone);
        lines.join("\n")
    };
    let swapped = {
        let mut lines = lines.clone();
        lines.swap(5, 6);
        lines.join("\n")
    };
    for (changed, expected) in [
        (text.replacen("TOKEN_USED", "TOKEN_EXPIRED", 1), "changed: entry 3: "),
        (swapped, "reordered: entry 2: "),
        (without(5), "truncated: entry 2: "),
        (text[..text.len() / 2].to_owned(), "truncated: the file ends too soon"),
        (text.replacen("\"subject\":\"ann\"", "\"subject\":\"bob\"", 1), "spliced: entry 1: "),
        (text.replacen("\"count\":5", "\"count\":4", 1), "spliced: entry 5: "),
        ("{}".to_owned(), "not a bundle: "),
    ] {
        let (code, said) = run(&verify, &changed).await;
        assert!(code == 1 && said.starts_with(expected), "{expected}: {said}");
    }
    let (code, said) = run(&["verify", &path, "--key", "AAAA"], text).await;
    assert!(code == 1 && said.starts_with("signed by another key"), "{said}");
    let (code, said) = run(&["verify", &path, "--json"], text).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, &said["ok"], &said["entries"], &said["isKeyChecked"]),
        (0, &json!(true), &json!(5), &json!(false))
    );
    let (code, _) = run(&["verify", "/nowhere"], text).await;
    assert_eq!(code, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_anywhere_but_in_its_one_answer() {
    for keeping in Keeping::ALL {
        let stand = keeping.stand(options().env("SPARK_LOG", "trace")).await.unwrap();
        let (ann, bob, gateway) = (ann(), signed("bob", &["trader"]), &stand.gateway);
        let mut said = Vec::new();
        let mut tokens = Vec::new();
        for round in 0..4 {
            let token = ann.propose(gateway).await.unwrap();
            let key = format!("key-{round}");
            let wrong = json!({ "confirmationToken": token, "params": { "symbol": "IBM", "strategy": { "name": "buy_and_hold" } } });
            let misplaced = json!({ "confirmationToken": token, "params": { "symbol": token, "strategy": { "name": token } }, });
            for body in [&wrong, &misplaced, &json!({ "symbol": token }), &json!({ token.as_str(): 1 })] {
                for tool in ["confirmBacktest", "startBacktest"] {
                    said.push(ann.call(gateway, tool, None, body).await.unwrap().envelope.to_string());
                }
            }
            said.push(bob.confirm(gateway, &token, None).await.unwrap().envelope.to_string());
            for key in [Some(key.as_str()), Some(&key), None] {
                said.push(ann.confirm(gateway, &token, key).await.unwrap().envelope.to_string());
            }
            let misspelled = format!("/api/copilot/tools/{token}?sessionId={token}");
            said.push(
                ann.ask(gateway, "POST", &misspelled, Some(&token), Some("{}"))
                    .await
                    .unwrap()
                    .envelope
                    .to_string(),
            );
            tokens.push(token);
        }
        said.push(ann.file(gateway, "/api/public/metrics").await.unwrap());
        let session: Value = serde_json::from_str(&said[said.len() - 4]).unwrap();
        let session = session["data"]["sessionId"].as_str().map(str::to_owned);
        let session = match session {
            Some(session) => session,
            None => {
                let reply = ann.call(gateway, "startBacktest", None, &usual()).await.unwrap();
                tokens.push(reply.text("confirmationToken").to_owned());
                reply.text("sessionId").to_owned()
            }
        };
        let evidence = ann.file(gateway, &format!("/api/copilot/evidence/{session}")).await.unwrap();
        assert!(evidence.contains("TOKEN_MISMATCH") && evidence.contains("TOKEN_USED"), "{evidence}");
        said.push(evidence);
        let log = gateway.stderr();
        assert!(log.iter().any(|line| line.contains("DEBUG")), "it says everything");
        said.extend(log);
        if let Some(redis) = &stand.redis {
            for key in redis.command(&["KEYS", "*"]).await.unwrap().lines() {
                said.push(format!("{key} {}", redis.command(&["GET", key]).await.unwrap()));
            }
            assert!(said.iter().any(|text| text.starts_with("copilot:ctok:")));
        }
        if let Some(postgres) = &stand.postgres {
            for table in [
                "copilot_confirmation_tokens",
                "jobs",
                "confirm_intents",
                "copilot_evidence",
                "copilot_sessions",
            ] {
                said.push(postgres.query("spark", &format!("SELECT * FROM {table}")).await.unwrap());
            }
        }
        for entry in std::fs::read_dir(gateway.folder().join(".spark")).unwrap() {
            said.push(String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()).into_owned());
        }
        for token in &tokens {
            let found = said.iter().find(|text| text.contains(&token[4..]));
            assert!(found.is_none(), "{keeping:?}: {}", found.unwrap());
        }
    }
}

/// A clock that a test moves: what libfaketime adds to it stands in a file, and is read at every look.
struct MovedClock(tempfile::TempDir);

impl MovedClock {
    fn new() -> Self {
        let clock = Self(tempfile::tempdir().unwrap());
        // The process may run as somebody else.
        std::process::Command::new("chmod").arg("755").arg(clock.0.path()).status().unwrap();
        clock.set("+0");
        clock
    }

    /// By so many seconds, such as `-3600`.
    fn set(&self, offset: &str) {
        // Renamed, so that nobody reads a half.
        let (new, file) = (self.0.path().join("new"), self.file());
        std::fs::write(&new, offset).unwrap();
        std::process::Command::new("chmod").arg("644").arg(&new).status().unwrap();
        std::fs::rename(new, file).unwrap();
    }

    fn file(&self) -> std::path::PathBuf {
        self.0.path().join("offset")
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", FAKETIME.to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_DONT_RESET", "1".to_owned()),
        ]
    }

    fn around(&self, options: GatewayOptions) -> GatewayOptions {
        self.env().into_iter().fold(options, |options, (name, value)| options.env(name, value))
    }
}

/// Where Debian has it.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/// An hour ahead, an hour back, and a little off.
const JUMPS: [&str; 5] = ["+3600", "-3600", "+0.05", "-0.05", "+0"];

/// Row T7: whatever the clocks of gateway and database do, nobody's token lives longer than it may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moved_clocks_lengthen_no_life() {
    if !std::path::Path::new(FAKETIME).exists() {
        eprintln!("skipped: there is no {FAKETIME} (apt-get install faketime)");
        return;
    }
    let short = || Gateway::options().env("TOKEN_TTL_MS", 2_000);
    // The gateway's clock, where the database has one of its own: it does not matter.
    let with_database = async {
        let clock = MovedClock::new();
        let stand = Keeping::Postgres.stand(clock.around(short())).await.unwrap();
        for jump in JUMPS.iter().cycle().take(10) {
            let ann = ann();
            let (in_time, late) =
                (ann.propose(&stand.gateway).await.unwrap(), ann.propose(&stand.gateway).await.unwrap());
            let began = Instant::now();
            clock.set(jump);
            let reply = ann.confirm(&stand.gateway, &in_time, None).await.unwrap();
            if began.elapsed() < Duration::from_millis(1_500) {
                assert_eq!(reply.status, 202, "{jump}: {}", reply.envelope);
            }
            sleep(Duration::from_millis(2_100)).await;
            let reply = ann.confirm(&stand.gateway, &late, None).await.unwrap();
            assert_eq!(reply.judged(), (410, "TOKEN_EXPIRED"), "{jump}");
        }
    };
    // The gateway's clock, where it is the store's: set back, it revives nothing.
    let with_file = async {
        let clock = MovedClock::new();
        let stand = Keeping::Sqlite.stand(clock.around(short())).await.unwrap();
        for jump in JUMPS.iter().cycle().take(10) {
            let ann = ann();
            clock.set("+0");
            let late = ann.propose(&stand.gateway).await.unwrap();
            clock.set(jump);
            sleep(Duration::from_millis(2_100)).await;
            let reply = ann.confirm(&stand.gateway, &late, None).await.unwrap();
            assert_eq!(reply.judged(), (410, "TOKEN_EXPIRED"), "{jump}");
        }
    };
    // The database's own clock is the one that counts.
    let of_database = async {
        let clock = MovedClock::new();
        let env = clock.env();
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let postgres = Postgres::with(&env).await.unwrap();
        let url = postgres.database("moved").await.unwrap();
        let gateway =
            options().env("SPARK_JWT_SECRET", SECRET).env("SPARK_DATABASE_URL", url).start().await.unwrap();
        for (n, jump) in ["+3600", "+7200", "+10800"].into_iter().enumerate() {
            let person = signed(&format!("person-{n}"), &["trader"]);
            let token = person.propose(&gateway).await.unwrap();
            let (early, late) = (
                person.confirm(&gateway, &token, None).await.unwrap(),
                person.propose(&gateway).await.unwrap(),
            );
            assert_eq!(early.status, 202, "{}", early.envelope);
            clock.set(jump);
            let reply = person.confirm(&gateway, &late, None).await.unwrap();
            assert_eq!(reply.judged(), (410, "TOKEN_EXPIRED"), "an hour has passed there: {jump}");
            let reply = person.confirm(&gateway, &token, None).await.unwrap();
            assert_eq!(reply.judged(), (409, "TOKEN_USED"), "{jump}");
        }
    };
    tokio::join!(with_database, with_file, of_database);
}
