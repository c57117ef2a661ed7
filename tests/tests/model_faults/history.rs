//! What a model is told of what was said before: always so that a strict server takes it, which the model here is.

use serde_json::json;
use spark_live_tests::openai::{Act, Step};

use crate::stand::{Stand, say};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_that_is_too_long_for_a_model_goes_on_with_its_newest_turn() {
    let Stand { model, gateway, ann } = Stand::start().await;
    let too_long = || {
        let error = json!({ "error": { "message": "maximum context length is 4096 tokens", "code": 400 } });
        Act::Reply(400, vec![("content-type", "application/json")], error.to_string())
    };
    model.will([Act::text("long ago"), too_long(), Act::text("just now"), too_long(), too_long()]);
    let first = ann.say(&gateway, None, "first").await.unwrap();
    let session = Some(first.session_id.as_str());
    assert_eq!(ann.say(&gateway, session, "second").await.unwrap().text(), "just now");
    let asked = model.asked();
    let said = |at: usize| asked[at].body["messages"].to_string();
    assert!(said(1).contains("long ago") && said(2).contains("second") && !said(2).contains("long ago"));
    // Not even that: it is told, and not asked for ever.
    let told = ann.say(&gateway, session, "third").await.unwrap();
    assert_eq!((told.data("copilot.error")["code"].as_str(), model.asked().len()), (Some("MODEL_FAILED"), 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_long_answer_the_oldest_rounds_of_tools_are_forgotten() {
    let Stand { model, gateway, ann } = Stand::start().await;
    // More messages than are kept.
    let call = |at| Step::Call(at, None, Some("getRuntimeHealth"), "{}".into());
    let round = Act::Say((0..16).map(call).chain([Step::Finish("tool_calls"), Step::Done]).collect());
    model.will(vec![round; 6]);
    model.will([Act::text("all is well"), Act::text("bye")]);
    let told = ann.say(&gateway, None, "how are you?").await.unwrap();
    assert_eq!(told.text(), "all is well", "{:?}", told.envelopes.last());
    assert_eq!(ann.say(&gateway, Some(&told.session_id), "and?").await.unwrap().text(), "bye");
    let asked = model.asked();
    let (before, after) = (asked[6].roles(), asked[7].roles());
    assert!(after.len() < before.len() && after.contains(&"tool"), "{} {}", before.len(), after.len());
    let said = asked[7].body["messages"].to_string();
    assert!(said.contains("how are you?") && said.contains("all is well"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_is_asked_is_in_turns_whatever_has_happened() {
    let Stand { model, gateway, ann } = Stand::start().await;
    let hangs = say([Step::Role, Step::Silence]);
    let propose = json!({ "symbol": "AAPL", "strategy": { "name": "buy_and_hold" } }).to_string();
    model.will([Act::Refuse(401, None), Act::call("startBacktest", &propose), Act::text("there"), hangs]);
    model.will([
        Act::call("getRuntimeHealth", "{}"),
        say([Step::Role, Step::Cut]),
        Act::text("it runs"),
        Act::text("bye"),
    ]);
    // Unanswered, proposed, stopped before the first word, broken off after a tool, confirmed by itself and with a message.
    let first = ann.say(&gateway, None, "one").await.unwrap();
    let session = first.session_id.clone();
    let proposed = ann.say(&gateway, Some(&session), "two").await.unwrap();
    let mut stopped = ann.open(&gateway, &json!({ "sessionId": session, "message": "three" })).await.unwrap();
    stopped.until("copilot.start").await.unwrap();
    model.until_asked(4).await.unwrap();
    let stop = format!("/api/copilot/sessions/{session}/stop");
    ann.ask(&gateway, "POST", &stop, None, None).await.unwrap();
    stopped.until("copilot.stopped").await.unwrap();
    model.until_left(3).await.unwrap();
    let broken = ann.say(&gateway, Some(&session), "four").await.unwrap();
    assert_eq!(broken.events(), ["start", "tool_call", "tool_result", "error"]);
    let confirmed = ann.confirm(&gateway, &proposed.token().unwrap(), Some("key")).await.unwrap();
    assert_eq!(confirmed.status, 202);
    let body =
        json!({ "sessionId": session, "message": "five", "confirmationToken": proposed.token().unwrap() });
    let five = ann.open(&gateway, &body).await.unwrap().to_end().await.unwrap();
    assert_eq!(five.text(), "it runs", "{:?}", five.envelopes);
    ann.say(&gateway, Some(&session), "six").await.unwrap();
    let asked = model.asked();
    assert_eq!(asked.len(), 8);
    for question in &asked {
        assert_eq!(question.misfit(), None, "{:?}", question.roles());
    }
    let said = asked[6].last("user");
    assert!(
        said.starts_with("[gateway] The person has confirmed") && said.contains("\n\nfive\n\n[gateway]"),
        "{said}"
    );
    assert!(said.ends_with(&format!("It was started as job {}.", confirmed.text("jobId"))), "{said}");
}
