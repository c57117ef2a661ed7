//! A model, a gateway, and what can be seen of what has happened.

use std::time::Duration;

use serde_json::Value;
use spark_live_tests::chat::Told;
use spark_live_tests::copilot::{Person, SECRET};
use spark_live_tests::openai::{Asked, OpenAiServer};
use spark_live_tests::{Gateway, GatewayOptions, Signer};

pub fn token_of(subject: &str) -> String {
    Signer::new(SECRET).token_for(subject, &["trader"], Duration::from_secs(3_600)).unwrap()
}

pub fn person(subject: &str) -> Person {
    Person::with(&token_of(subject))
}

pub fn options() -> GatewayOptions {
    let options = Gateway::options().env("SPARK_JWT_SECRET", SECRET).env("SPARK_LIMITS_CALLS_BURST", 1_000);
    options.env("SPARK_LOG", "trace")
}

pub async fn stand() -> (OpenAiServer, Gateway) {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options().envs(model.settings()).start().await.unwrap();
    (model, gateway)
}

/// What the tools have answered, in order.
pub fn results(told: &Told) -> Vec<Value> {
    let results = told.envelopes.iter().filter(|envelope| envelope["event"] == "copilot.tool_result");
    results.map(|envelope| envelope["data"].clone()).collect()
}

pub fn codes(told: &Told) -> Vec<String> {
    results(told).iter().map(|it| it["errorCode"].as_str().unwrap_or("ok").to_owned()).collect()
}

/// The entries of a session's evidence.
pub async fn evidence(person: &Person, gateway: &Gateway, session: &str) -> String {
    person.file(gateway, &format!("/api/copilot/evidence/{session}")).await.unwrap()
}

/// A counter, by its name with labels.
pub async fn counted(person: &Person, gateway: &Gateway, name: &str) -> u64 {
    let text = person.file(gateway, "/api/public/metrics").await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// The evidence as soon as something stands in it.
pub async fn written_down(person: &Person, gateway: &Gateway, session: &str, what: &str) -> String {
    for _ in 0..100 {
        let text = evidence(person, gateway, session).await;
        if text.contains(what) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what} is not written down in {session}")
}

pub async fn jobs(person: &Person, gateway: &Gateway) -> Value {
    person.ask(gateway, "GET", "/api/backtest/jobs", None, None).await.unwrap().envelope["data"]["jobs"]
        .clone()
}

/// None of the questions holds a token, whole or without what it begins with, as it is or escaped.
pub fn hold_nothing_of(asked: &[Asked], token: &str) {
    for question in asked {
        let body = question.body.to_string();
        assert!(!body.contains(&token[4..]), "{body}");
        assert!(!body.contains("sct_"), "{body}");
    }
}
