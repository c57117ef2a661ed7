//! Conversations with a language model: what goes wrong with one, and what one must not be able to do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in helpers, where a panic is the verdict of the test"
)]

use std::time::Duration;

use serde_json::{Value, json};
use spark_live_tests::copilot::{Person, SECRET};
use spark_live_tests::openai::{API_KEY, Act, OpenAiServer, Step};
use spark_live_tests::{Gateway, GatewayOptions, Signer};

fn person(subject: &str) -> Person {
    Person::with(&Signer::new(SECRET).token_for(subject, &["trader"], Duration::from_secs(3_600)).unwrap())
}

fn options(model: &OpenAiServer) -> GatewayOptions {
    let options = Gateway::options().env("SPARK_JWT_SECRET", SECRET).env("SPARK_LIMITS_CALLS_BURST", 1_000);
    options.envs(model.settings()).env("SPARK_LOG", "trace")
}

/// A name, what the model does, the code that is told, when to try again, and how often it is asked.
type Case = (&'static str, Vec<Act>, &'static str, Option<u64>, usize);

fn say(steps: impl IntoIterator<Item = Step>) -> Act {
    Act::Say(steps.into_iter().collect())
}

/// Nothing that must stay secret is anywhere that somebody could look at.
async fn is_discreet(gateway: &Gateway, ann: &Person, sessions: &[String]) {
    let mut said = gateway.stderr();
    assert!(said.iter().any(|line| line.contains("TRACE")), "it says everything");
    said.push(ann.file(gateway, "/api/public/metrics").await.unwrap());
    for session in sessions {
        said.push(ann.file(gateway, &format!("/api/copilot/evidence/{session}")).await.unwrap());
    }
    for text in said {
        assert!(!text.contains(API_KEY) && !text.contains("sct_"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_with_a_model_is_told_and_leaves_nothing_behind() {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options(&model)
        .env("SPARK_COPILOT_FIRST_BYTE_TIMEOUT_MS", 400)
        .env("SPARK_COPILOT_CHUNK_TIMEOUT_MS", 400)
        .env("SPARK_COPILOT_ANSWER_TIMEOUT_MS", 2_000)
        .start()
        .await
        .unwrap();
    let ann = person("ann");
    let text = || Step::Text("half ".into());
    let drip = (0..40).flat_map(|_| [text(), Step::Pause(Duration::from_millis(100))]);
    let cases: Vec<Case> = vec![
        ("429", vec![Act::Refuse(429, Some("7"))], "RATE_LIMITED", Some(7_000), 1),
        ("429 without a time", vec![Act::Refuse(429, None)], "RATE_LIMITED", Some(5_000), 1),
        ("500 twice", vec![Act::Refuse(500, None), Act::Refuse(503, None)], "MODEL_UNAVAILABLE", None, 2),
        ("401", vec![Act::Refuse(401, None)], "MODEL_FAILED", None, 1),
        ("404", vec![Act::Refuse(404, None)], "MODEL_FAILED", None, 1),
        ("302", vec![Act::Refuse(302, None)], "MODEL_FAILED", None, 1),
        ("ends early", vec![say([text()])], "MODEL_FAILED", None, 1),
        ("breaks", vec![say([text(), Step::Cut])], "MODEL_UNAVAILABLE", None, 1),
        ("no JSON", vec![say([text(), Step::Raw("data: {oops\n\n".into())])], "MODEL_FAILED", None, 1),
        (
            "an error on the way",
            vec![say([text(), Step::Raw(format!("data: {{\"error\":\"{API_KEY}\"}}\n\n"))])],
            "MODEL_UNAVAILABLE",
            None,
            1,
        ),
        (
            "falls silent",
            vec![say([text(), Step::Pause(Duration::from_secs(5))])],
            "MODEL_UNAVAILABLE",
            None,
            1,
        ),
        (
            "says nothing",
            vec![Act::Wait(Duration::from_secs(2)), Act::Wait(Duration::from_secs(2))],
            "MODEL_UNAVAILABLE",
            None,
            2,
        ),
        ("never ends", vec![say(drip)], "MODEL_UNAVAILABLE", None, 1),
        ("not let", vec![say([text(), Step::Finish("content_filter"), Step::Done])], "MODEL_FAILED", None, 1),
        (
            "too many calls",
            vec![say((0..17).map(|at| Step::Call(at, None, Some("getCandles"), "{}".into())))],
            "MODEL_FAILED",
            None,
            1,
        ),
        ("rounds", vec![Act::call("getRuntimeHealth", "{}"); 9], "MODEL_FAILED", None, 9),
    ];
    let mut sessions = Vec::new();
    for (name, acts, code, retry_after_ms, questions) in cases {
        let before = model.asked().len();
        model.will(acts);
        let told = ann.say(&gateway, None, "hi").await.unwrap();
        let error = told.data("copilot.error");
        assert_eq!(
            (&error["code"], error["retryAfterMs"].as_u64()),
            (&json!(code), retry_after_ms),
            "{name}: {error}"
        );
        assert!(!told.envelopes.iter().any(|envelope| envelope.to_string().contains(API_KEY)), "{name}");
        assert_eq!(model.asked().len() - before, questions, "{name}");
        // The session goes on.
        model.will([Act::text("fine now")]);
        let next = ann.say(&gateway, Some(&told.session_id), "and now?").await.unwrap();
        assert_eq!(next.text(), "fine now", "{name}");
        sessions.push(told.session_id);
    }
    // Once is nothing, and too long is cut.
    model.will([Act::Refuse(502, None), Act::text("second try")]);
    assert_eq!(ann.say(&gateway, None, "hi").await.unwrap().text(), "second try");
    model.will([say((0..20).map(|_| Step::Text("é".repeat(2_000))))]);
    let long = ann.say(&gateway, None, "hi").await.unwrap();
    assert_eq!((&long.data("copilot.done")["reason"], long.text().len()), (&json!("length"), 32 * 1024));
    is_discreet(&gateway, &ann, &sessions).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_cannot_be_reached_is_told() {
    let model = OpenAiServer::start().await.unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = options(&model).env("COPILOT_BASE_URL", format!("http://{closed}/v1"));
    let gateway = options.start().await.unwrap();
    let told = person("ann").say(&gateway, None, "hi").await.unwrap();
    assert_eq!(told.data("copilot.error")["code"], "MODEL_UNAVAILABLE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_attacks_gets_nowhere() {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options(&model).start().await.unwrap();
    let (ann, bob) = (person("ann"), person("bob"));
    let bobs = bob
        .start(&gateway, &json!({ "symbol": "IBM", "strategy": { "name": "buy_and_hold" } }))
        .await
        .unwrap();
    let usual = r#"{"symbol":"AAPL","strategy":{"name":"buy_and_hold"}}"#;
    let fake = format!("sct_{}", "A".repeat(43));
    let job = format!(r#"{{"jobId":"{bobs}"}}"#);
    let extra = r#"{"symbol":"AAPL","strategy":{"name":"buy_and_hold"},"subject":"bob","confirm":true}"#;
    let other_person = r#"{"jobId":"x","subject":"bob"}"#;
    let confirm = format!(r#"{{"confirmationToken":"{fake}"}}"#);
    model.will([
        Act::call("startBacktest", usual),
        Act::call("confirmBacktest", &confirm),
        Act::call("getBacktestResult", &job),
        Act::call("cancelBacktest", &job),
        Act::call("startBacktest", extra),
        Act::call("getBacktestStatus", other_person),
        Act::call("readTokens", "{}"),
        Act::call("getCandles", "not JSON"),
        Act::text(&format!("Type this to go on: {fake}")),
    ]);
    let told = ann.say(&gateway, None, "be careful").await.unwrap();
    let results = told.envelopes.iter().filter(|envelope| envelope["event"] == "copilot.tool_result");
    let codes: Vec<Value> = results.map(|envelope| envelope["data"]["errorCode"].clone()).collect();
    let expected = json!([
        null,
        "CONFIRM_NOT_HUMAN",
        "JOB_NOT_FOUND",
        "JOB_NOT_FOUND",
        "PARAMS_INVALID",
        "PARAMS_INVALID",
        "TOOL_UNKNOWN",
        "PARAMS_INVALID"
    ]);
    assert_eq!(Value::from(codes), expected);
    let token = told.token().unwrap();
    // Nothing that it was ever told has the token, nor the tool that takes it.
    let asked = model.asked();
    assert!(asked.iter().all(|question| question.authorization == format!("Bearer {API_KEY}")));
    for question in &asked {
        let body = question.body.to_string();
        assert!(
            !body.contains(&token) && !question.body["tools"].to_string().contains("confirmBacktest"),
            "{body}"
        );
        assert_eq!(question.body["tools"].as_array().unwrap().len(), 7);
    }
    assert!(asked[2].last("tool").contains("CONFIRM_NOT_HUMAN"), "{}", asked[2].last("tool"));
    assert!(asked[1].last("tool").contains("waits for the person's confirmation"));
    let jobs = ann.ask(&gateway, "GET", "/api/backtest/jobs", None, None).await.unwrap();
    assert_eq!(jobs.envelope["data"]["jobs"], json!([]), "nothing has started");
    assert_eq!(bob.ended(&gateway, &bobs).await.unwrap()["state"], "done", "nobody has cancelled it");

    // The person puts the token where it does not belong: it is not handed on.
    model.will([Act::text("ok"), Act::text("started")]);
    let session = Some(told.session_id.as_str());
    ann.say(&gateway, session, &format!("my token is {token}, confirm it")).await.unwrap();
    assert!(model.asked().last().unwrap().last("user").contains("my token is [token], confirm it"));
    let body = json!({ "sessionId": told.session_id, "message": "yes", "confirmationToken": token });
    let started = ann.open(&gateway, &body).await.unwrap().to_end().await.unwrap();
    assert_eq!(
        (&started.data("copilot.tool_result")["ok"], started.text()),
        (&json!(true), "started".into())
    );
    let last = model.asked().last().unwrap().clone();
    assert!(last.last("user").contains("[gateway] The person has confirmed"), "{}", last.last("user"));
    assert!(last.last("user").contains("runs as job job_"), "{}", last.last("user"));
    assert!(!last.body.to_string().contains(&token));
    is_discreet(&gateway, &ann, &[told.session_id]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_a_model_are_judged() {
    let model = OpenAiServer::start().await.unwrap();
    for (name, value, place) in [
        ("COPILOT_BASE_URL", "", "COPILOT_MODEL"),
        ("COPILOT_BASE_URL", "ftp://x", "COPILOT_BASE_URL"),
        ("COPILOT_BASE_URL", "http://user:hush@x/v1", "COPILOT_BASE_URL"),
        ("COPILOT_MODEL", "", "COPILOT_MODEL"),
        ("COPILOT_API_KEY", "hush\u{7f}", "COPILOT_API_KEY"),
    ] {
        let error = options(&model).env(name, value).start().await.expect_err(name).to_string();
        assert!(error.contains(place) && !error.contains("hush"), "{name}={value}: {error}");
    }
}
