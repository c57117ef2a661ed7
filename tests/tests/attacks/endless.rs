//! A model that never has enough.

use serde_json::{Value, json};
use spark_live_tests::Gateway;
use spark_live_tests::copilot::usual;
use spark_live_tests::openai::{Act, OpenAiServer, Step};

use crate::stand::{codes, counted, evidence, options, person, results, stand};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn round_after_round_of_tools_is_ended() {
    let (model, gateway) = stand().await;
    model.will(vec![Act::call("getRuntimeHealth", "{}"); 40]);
    let told = person("ann").say(&gateway, None, "hi").await.unwrap();
    assert_eq!(told.data("copilot.error")["code"], "MODEL_FAILED");
    assert_eq!((model.asked().len(), results(&told).len()), (9, 8), "nothing is done in vain");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_proposal_after_the_other_leaves_the_person_some() {
    let (model, gateway) = stand().await;
    let ann = person("ann");
    let propose = |at| Step::Call(at, None, Some("startBacktest"), usual().to_string());
    let many = Act::Say((0..16).map(propose).chain([Step::Finish("tool_calls"), Step::Done]).collect());
    model.will([many.clone(), many, Act::text("enough")]);
    let told = ann.say(&gateway, None, "hi").await.unwrap();
    let codes = codes(&told);
    assert_eq!((codes.len(), codes.iter().filter(|code| *code == "ok").count()), (32, 3), "{codes:?}");
    assert!(codes[3..].iter().all(|code| code == "PROPOSAL_LIMIT"), "{codes:?}");
    assert_eq!(counted(&ann, &gateway, "copilot_token_issued_total{tool=\"startBacktest\"}").await, 3);
    let written = evidence(&ann, &gateway, &told.session_id).await;
    assert_eq!(written.matches("PROPOSAL_LIMIT").count(), 29, "{written}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_asks_the_tools_for_too_much_is_ended() {
    let (model, gateway) = stand().await;
    let call = |at| Step::Call(at, Some("c"), Some("getCandles"), r#"{"symbol":"AAPL","limit":200}"#.into());
    let many = Act::Say((0..16).map(call).chain([Step::Finish("tool_calls"), Step::Done]).collect());
    model.will(vec![many; 40]);
    let told = person("ann").say(&gateway, None, "hi").await.unwrap();
    let error = told.data("copilot.error");
    assert_eq!(error["code"], "MODEL_FAILED");
    assert!(error["message"].as_str().unwrap().contains("for too much"), "{error}");
    let largest = model.asked().iter().map(|asked| asked.body.to_string().len()).max().unwrap();
    assert!(largest < 1024 * 1024, "{largest} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_or_a_name_that_goes_on_and_on_is_not_kept() {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options().envs(model.settings()).env("SPARK_LOG", "info").start().await.unwrap();
    let ann = person("ann");
    // What an answer takes by itself is taken already when it is measured.
    model.will([Act::call("getRuntimeHealth", "{}"), Act::text("well")]);
    ann.say(&gateway, None, "hi").await.unwrap();
    let before = resident_kib(&gateway);
    // 12 MB each.
    let long = "i".repeat(60_000);
    let endless = |part: Value| {
        let chunk = json!({ "choices": [{ "delta": { "tool_calls": [part] } }] });
        let first = Step::Call(0, None, Some("getRuntimeHealth"), "{}".into());
        let parts = std::iter::repeat_n(Step::Raw(format!("data: {chunk}\n\n")), 200);
        let end = [Step::Finish("tool_calls"), Step::Done];
        Act::Say(std::iter::once(first).chain(parts).chain(end).collect())
    };
    // The id is none, and the call is as good as one without.
    let id = json!({ "index": 0, "id": long, "function": { "arguments": "" } });
    model.will([endless(id), Act::text("well")]);
    let told = ann.say(&gateway, None, "hi").await.unwrap();
    assert_eq!((codes(&told), told.text()), (vec!["ok".to_owned()], "well".to_owned()));
    // The name is that of a tool that nobody can call.
    let name = json!({ "index": 0, "function": { "name": long, "arguments": "" } });
    model.will([endless(name)]);
    let told = ann.say(&gateway, None, "hi").await.unwrap();
    let error = told.data("copilot.error");
    assert_eq!((&error["code"], codes(&told).len()), (&json!("MODEL_FAILED"), 0), "{error}");
    let more = resident_kib(&gateway).saturating_sub(before);
    assert!(more < 6 * 1024, "{more} KiB more");
}

/// The most memory that a gateway has had, in KiB.
fn resident_kib(gateway: &Gateway) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
