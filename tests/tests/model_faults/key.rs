//! The key of a model is nowhere that somebody could look.

use std::path::Path;

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use spark_live_tests::Gateway;
use spark_live_tests::openai::{API_KEY, Act, OpenAiServer, Step};

use crate::stand::{Stand, ann, options, raw, say, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_key_is_in_no_log_metric_error_event_evidence_or_file() {
    let Stand { model, gateway, ann } = Stand::with(|options| options.env("SPARK_LOG", "trace")).await;
    let leak = raw(&format!("data: {{\"error\":{{\"message\":\"bad key {API_KEY}\"}}}}\n\n"));
    let broken = raw(&format!("data: {{\"choices\":\"{API_KEY}\"}}\n\n"));
    let mut shown = Vec::new();
    for act in [
        Act::text("fine"),
        Act::Refuse(400, None),
        Act::Refuse(401, None),
        Act::Refuse(429, Some("1")),
        Act::Redirect(model.url()),
        say([leak]),
        say([broken]),
        say([text("half"), Step::Cut]),
    ] {
        model.will([act]);
        let told = ann.say(&gateway, None, "hi").await.unwrap();
        shown.extend(told.envelopes.iter().map(Value::to_string));
        shown.push(ann.file(&gateway, &format!("/api/copilot/evidence/{}", told.session_id)).await.unwrap());
    }
    // What the gateway says of itself.
    for path in ["/api/public/metrics", "/healthz", "/readyz", "/api/copilot/tools"] {
        shown.push(ann.file(&gateway, path).await.unwrap());
    }
    let health = ann.call(&gateway, "getRuntimeHealth", None, &json!({})).await.unwrap();
    shown.push(health.envelope.to_string());
    let asked = model.asked();
    assert_eq!(asked.len(), 8);
    let bearer = format!("Bearer {API_KEY}");
    assert!(asked.iter().all(|question| question.authorization.as_ref() == Some(&bearer)), "{asked:?}");
    is_nowhere(&gateway, shown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_cannot_be_reached_is_told_without_the_key() {
    // A port that is taken and at which nobody listens, so that nobody else comes to it meanwhile.
    let taken = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    taken.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    let nobody = taken.local_addr().unwrap().as_socket().unwrap();
    let model = OpenAiServer::start().await.unwrap();
    let options = options(&model).env("COPILOT_BASE_URL", format!("http://{nobody}/v1"));
    let gateway = options.env("SPARK_LOG", "trace").start().await.unwrap();
    let ann = ann();
    let told = ann.say(&gateway, None, "hi").await.unwrap();
    let error = told.data("copilot.error");
    assert_eq!(error["code"], "MODEL_UNAVAILABLE");
    assert!(error["message"].as_str().unwrap().contains("cannot be reached"), "{error}");
    let mut shown: Vec<_> = told.envelopes.iter().map(Value::to_string).collect();
    shown.push(ann.file(&gateway, &format!("/api/copilot/evidence/{}", told.session_id)).await.unwrap());
    is_nowhere(&gateway, shown);
}

/// The key, a part of it, and what a dump of bytes would show of it are not in what was shown, said or kept.
fn is_nowhere(gateway: &Gateway, mut shown: Vec<String>) {
    let log = gateway.stderr();
    let is_clients = |line: &&String| line.contains("TRACE") && line.contains("hyper_util::client");
    assert!(log.iter().find(is_clients).is_some(), "the client says nothing: {} lines", log.len());
    shown.extend(log);
    let hex: String = API_KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    for needle in [API_KEY, &API_KEY[8..], &hex] {
        for text in &shown {
            assert!(!text.contains(needle), "{needle}: {text:.300}");
        }
    }
    let mut kept = Vec::new();
    files(gateway.folder(), &mut kept);
    assert!(!kept.is_empty());
    for (file, bytes) in kept {
        assert!(!bytes.windows(API_KEY.len()).any(|part| part == API_KEY.as_bytes()), "{file}");
    }
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push((path.display().to_string(), std::fs::read(&path).unwrap())),
        }
    }
}
