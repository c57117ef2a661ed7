//! A language model's server, in all the ways in which it may speak and fail: what the person is told, and what is asked
//! of the model again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in helpers, where a panic is the verdict of the test"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use spark_live_tests::chat::Told;
use spark_live_tests::copilot::{Person, SECRET};
use spark_live_tests::openai::{API_KEY, Act, Asked, OpenAiServer, Step};
use spark_live_tests::{Gateway, GatewayOptions, Signer};

fn person(subject: &str) -> Person {
    Person::with(&Signer::new(SECRET).token_for(subject, &["trader"], Duration::from_secs(3_600)).unwrap())
}

fn options(model: &OpenAiServer) -> GatewayOptions {
    let options = Gateway::options().env("SPARK_JWT_SECRET", SECRET).env("SPARK_LIMITS_CALLS_BURST", 1_000);
    let options = options.envs(model.settings()).env("SPARK_LOG", "trace");
    let options = options.env("SPARK_COPILOT_FIRST_BYTE_TIMEOUT_MS", 500);
    options.env("SPARK_COPILOT_CHUNK_TIMEOUT_MS", 500).env("SPARK_COPILOT_ANSWER_TIMEOUT_MS", 3_000)
}

fn say(steps: impl IntoIterator<Item = Step>) -> Act {
    Act::Say(steps.into_iter().collect())
}

fn text(text: &str) -> Step {
    Step::Text(text.to_owned())
}

fn raw(text: &str) -> Step {
    Step::Raw(text.to_owned())
}

fn results(told: &Told) -> Vec<Value> {
    let results = told.envelopes.iter().filter(|envelope| envelope["event"] == "copilot.tool_result");
    results.map(|envelope| envelope["data"].clone()).collect()
}

/// What comes of a fault: the code, when to try again, and how often the model was asked. The session goes on after it.
async fn fault(acts: Vec<Act>) -> (String, Option<u64>, usize, Told) {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options(&model).start().await.unwrap();
    let ann = person("ann");
    model.will(acts);
    let told = ann.say(&gateway, None, "hi").await.unwrap();
    let questions = model.asked().len();
    let error = told.data("copilot.error");
    assert!(!error.is_null(), "{:?}", told.envelopes);
    assert!(!told.envelopes.iter().any(|envelope| envelope.to_string().contains(API_KEY)), "{error}");
    model.will([Act::text("fine now")]);
    let next = ann.say(&gateway, Some(&told.session_id), "and now?").await.unwrap();
    assert_eq!(next.text(), "fine now");
    let code = error["code"].as_str().unwrap().to_owned();
    (code, error["retryAfterMs"].as_u64(), questions, told)
}

async fn check(acts: Vec<Act>, code: &str, retry_after_ms: Option<u64>, questions: usize) {
    let (found, found_ms, asked, _) = fault(acts).await;
    assert_eq!((found.as_str(), found_ms, asked), (code, retry_after_ms, questions));
}

/// What is answered when the model first does this, and then says what it has come to.
async fn goes_well(act: Act) -> (Told, OpenAiServer) {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options(&model).start().await.unwrap();
    model.will([act, Act::text("so it is")]);
    let told = person("ann").say(&gateway, None, "hi").await.unwrap();
    assert_eq!(told.text(), "so it is", "{:?}", told.envelopes);
    (told, model)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_call_in_pieces_is_put_together() {
    let (told, model) = goes_well(Act::call("getCandles", r#"{"symbol":"AAPL","limit":2}"#)).await;
    let call = told.data("copilot.tool_call");
    assert_eq!((&call["tool"], &call["arguments"]["limit"]), (&json!("getCandles"), &json!(2)));
    assert_eq!(results(&told)[0]["data"]["rows"].as_array().unwrap().len(), 2);
    assert!(model.asked()[1].last("tool").contains("openTime"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_tool_calls_at_once_are_told_apart_though_their_pieces_are_mixed() {
    let part = |at, text: &str| Step::Call(at, None, None, text.into());
    let (told, model) = goes_well(say([
        Step::Call(0, Some("a"), Some("getCandles"), r#"{"symbol":"#.into()),
        Step::Call(1, Some("b"), Some("getMarketSnapshot"), r#"{"symbols":"#.into()),
        part(0, r#""AAPL","limit":1}"#),
        part(1, r#"["IBM"]}"#),
        Step::Finish("tool_calls"),
        Step::Done,
    ]))
    .await;
    let found = results(&told);
    assert_eq!((&found[0]["callId"], &found[0]["data"]["symbol"]), (&json!("a"), &json!("AAPL")));
    assert_eq!((&found[1]["callId"], &found[1]["data"]["prices"][0]["symbol"]), (&json!("b"), &json!("IBM")));
    let messages = model.asked()[1].body["messages"].clone();
    let ids: Vec<_> =
        messages.as_array().unwrap().iter().filter_map(|it| it["tool_call_id"].as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_not_numbered_are_told_apart_by_their_ids() {
    let call = |id: &str, tool: &str, arguments: &str| json!({ "id": id, "type": "function", "function": { "name": tool, "arguments": arguments } });
    let both = json!([
        call("a", "getCandles", r#"{"symbol":"AAPL","limit":1}"#),
        call("b", "getCandles", r#"{"symbol":"IBM","limit":1}"#),
    ]);
    let chunk = json!({ "choices": [{ "delta": { "tool_calls": both }, "finish_reason": "tool_calls" }] });
    let (told, _) = goes_well(say([raw(&format!("data: {chunk}\n\n")), Step::Done])).await;
    let symbols: Vec<_> = results(&told).iter().map(|it| it["data"]["symbol"].clone()).collect();
    assert_eq!(symbols, ["AAPL", "IBM"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_and_a_name_that_each_piece_repeats_stand_there_once() {
    let part = |text: &str| Step::Call(0, Some("call_7"), Some("getCandles"), text.into());
    let steps = [part(r#"{"symbol":"#), part(r#""AAPL","limit":1}"#), Step::Finish("tool_calls"), Step::Done];
    let (told, _) = goes_well(say(steps)).await;
    let call = told.data("copilot.tool_call");
    assert_eq!((&call["callId"], &call["tool"]), (&json!("call_7"), &json!("getCandles")));
    assert_eq!(results(&told)[0]["ok"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_are_left_out_are_no_calls() {
    let call = Step::Call(5, Some("a"), Some("getRuntimeHealth"), "{}".into());
    let (told, model) = goes_well(say([call, Step::Finish("tool_calls"), Step::Done])).await;
    assert_eq!(results(&told).len(), 1, "{:?}", told.envelopes);
    let said = model.asked()[1].body["messages"].to_string();
    assert!(!said.contains(r#""name":"""#), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_does_not_exist_is_refused_with_those_that_do() {
    let (told, model) = goes_well(Act::call("placeOrder", "{}")).await;
    let found = results(&told);
    assert_eq!((&found[0]["ok"], &found[0]["errorCode"]), (&json!(false), &json!("TOOL_UNKNOWN")));
    let said = model.asked()[1].last("tool");
    assert!(said.contains("startBacktest") && !said.contains("confirmBacktest"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_no_server_takes_back_is_not_handed_back_as_it_was() {
    // A server that checks what it is handed would refuse every later question of the conversation.
    let (_, model) = goes_well(Act::call("place order!", "{oops")).await;
    let said = model.asked()[1].body["messages"].clone();
    let call = said.as_array().unwrap().iter().find(|it| it["tool_calls"].is_array()).unwrap();
    let function = &call["tool_calls"][0]["function"];
    let name = function["name"].as_str().unwrap();
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{name}");
    let arguments: Value = serde_json::from_str(function["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_400_is_told_and_not_tried_again() {
    check(vec![Act::Refuse(400, None)], "MODEL_FAILED", None, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_401_is_told_without_the_key() {
    check(vec![Act::Refuse(401, None)], "MODEL_FAILED", None, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_429_with_a_time_is_told_with_it() {
    check(vec![Act::Refuse(429, Some("7"))], "RATE_LIMITED", Some(7_000), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_429_with_a_date_is_told_as_a_time() {
    let (code, retry_after_ms, ..) =
        fault(vec![Act::Refuse(429, Some("Fri, 31 Dec 2100 23:59:59 GMT"))]).await;
    assert_eq!((code.as_str(), retry_after_ms), ("RATE_LIMITED", Some(3_600_000)), "an hour at most");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_429_without_a_time_is_told_with_the_usual_one() {
    for said in [None, Some("soon"), Some("-3")] {
        check(vec![Act::Refuse(429, said)], "RATE_LIMITED", Some(5_000), 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_500_is_tried_once_more() {
    check(vec![Act::Refuse(500, None), Act::Refuse(500, None)], "MODEL_UNAVAILABLE", None, 2).await;
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options(&model).start().await.unwrap();
    model.will([Act::Refuse(500, None), Act::text("second try")]);
    assert_eq!(person("ann").say(&gateway, None, "hi").await.unwrap().text(), "second try");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_503_that_says_when_is_not_tried_before() {
    check(vec![Act::Refuse(503, Some("9"))], "MODEL_UNAVAILABLE", Some(9_000), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_first_byte_is_told_in_time() {
    let wait = || Act::Wait(Duration::from_secs(3));
    check(vec![wait(), wait()], "MODEL_UNAVAILABLE", None, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_midway_is_told_and_what_was_said_is_kept() {
    let stall = say([text("half "), Step::Pause(Duration::from_secs(10))]);
    let (code, _, questions, told) = fault(vec![stall]).await;
    assert_eq!((code.as_str(), questions, told.text().as_str()), ("MODEL_UNAVAILABLE", 1, "half "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_after_the_reason_of_the_end_is_an_end() {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options(&model).start().await.unwrap();
    model.will([say([text("all"), Step::Finish("stop"), Step::Pause(Duration::from_secs(10))])]);
    let told = person("ann").say(&gateway, None, "hi").await.unwrap();
    assert_eq!((told.text().as_str(), &told.data("copilot.done")["reason"]), ("all", &json!("stop")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_ends_early_is_told() {
    check(vec![say([text("half ")])], "MODEL_FAILED", None, 1).await;
    check(vec![say([text("half "), Step::Cut])], "MODEL_UNAVAILABLE", None, 1).await;
    // A call that is not whole is not made.
    let call = Step::Call(0, Some("a"), Some("startBacktest"), r#"{"symbol":"AAPL","#.into());
    let (code, _, _, told) = fault(vec![say([call])]).await;
    assert_eq!((code.as_str(), results(&told).len()), ("MODEL_FAILED", 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_events_and_json_are_told_and_what_came_before_is_kept() {
    let chunk = r#"data: {"choices":[{"delta":{"content":"half "}}]}"#;
    for bad in [
        "data: {oops\n\n",
        "data: \u{1}\n\n",
        "data: 7\n\n",
        "data: {\"choices\":{}}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":[]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":-1}]}}]}\n\n",
    ] {
        // In one piece, so that they arrive together.
        let (code, _, questions, told) = fault(vec![say([raw(&format!("{chunk}\n\n{bad}"))])]).await;
        assert_eq!((code.as_str(), questions, told.text().as_str()), ("MODEL_FAILED", 1, "half "), "{bad}");
    }
    check(vec![say([raw("<html>no stream at all</html>")])], "MODEL_FAILED", None, 1).await;
    let failed = raw("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\n");
    check(vec![say([text("half "), failed, Step::Done])], "MODEL_FAILED", None, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_in_mid_stream_is_told_by_what_it_is() {
    for (error, code) in [
        (json!({ "message": format!("bad {API_KEY}"), "type": "server_error" }), "MODEL_UNAVAILABLE"),
        (json!({ "message": "slow", "type": "tokens", "code": "rate_limit_exceeded" }), "RATE_LIMITED"),
        (json!({ "message": "long", "code": "context_length_exceeded" }), "MODEL_FAILED"),
    ] {
        let chunk = raw(&format!("data: {}\n\n", json!({ "error": error })));
        let (found, _, questions, told) = fault(vec![say([Step::Role, text("half "), chunk])]).await;
        assert_eq!((found.as_str(), questions, told.text().as_str()), (code, 1, "half "), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_answer_at_all_is_told_by_what_it_is() {
    let html =
        || ("<html><title>502</title></html>".to_owned(), vec![("content-type", "text/html; charset=utf-8")]);
    let json =
        |error: Value| (json!({ "error": error }).to_string(), vec![("content-type", "application/json")]);
    let quota = || json!({ "code": "insufficient_quota", "message": format!("{API_KEY} has none left") });
    let whole = (json!({ "choices": [{ "message": { "content": "hi" } }] }).to_string(), json(json!({})).1);
    for (status, (body, headers), code, questions, word) in [
        (502, html(), "MODEL_UNAVAILABLE", 2, "status 502"),
        (200, html(), "MODEL_FAILED", 1, "in between"),
        (200, whole, "MODEL_FAILED", 1, "piece by piece"),
        (200, json(quota()), "MODEL_FAILED", 1, "nothing left"),
        (429, json(quota()), "MODEL_FAILED", 1, "nothing left"),
        (403, json(json!({ "code": "model_not_found" })), "MODEL_FAILED", 1, "key"),
        (404, json(json!({ "code": "model_not_found" })), "MODEL_FAILED", 1, "no model of that name"),
        (404, html(), "MODEL_FAILED", 1, "no model of that name"),
        (400, json(json!({ "code": "context_length_exceeded" })), "MODEL_FAILED", 1, "more than the model"),
        (400, (format!("{{{}", "x".repeat(40_000)), Vec::new()), "MODEL_FAILED", 1, "status 400"),
    ] {
        let act = Act::Reply(status, headers, body);
        let (found, _, asked, told) = fault(vec![act; questions]).await;
        let message = told.data("copilot.error")["message"].as_str().unwrap().to_owned();
        assert_eq!((found.as_str(), asked), (code, questions), "{status} {message}");
        assert!(message.contains(word), "{status} {message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_429_is_told_with_the_time_of_what_is_used_up() {
    let used_up = vec![
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-reset-requests", "1s"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ];
    check(vec![Act::Reply(429, used_up, String::new())], "RATE_LIMITED", Some(360_000), 1).await;
    let both = vec![("retry-after", "7"), ("retry-after-ms", "6500")];
    check(vec![Act::Reply(429, both, String::new())], "RATE_LIMITED", Some(6_500), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_that_is_too_long_for_a_model_goes_on_with_its_newest_turn() {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options(&model).start().await.unwrap();
    let ann = person("ann");
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
    assert!(asked.iter().all(Asked::is_in_turns));
    // Not even that: it is told, and not asked for ever.
    let told = ann.say(&gateway, session, "third").await.unwrap();
    assert_eq!((told.data("copilot.error")["code"].as_str(), model.asked().len()), (Some("MODEL_FAILED"), 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_is_asked_is_in_turns_whatever_has_happened() {
    let model = OpenAiServer::start().await.unwrap();
    let options = options(&model).env("SPARK_COPILOT_CHUNK_TIMEOUT_MS", 60_000);
    let options = options.env("SPARK_COPILOT_FIRST_BYTE_TIMEOUT_MS", 60_000);
    let gateway = options.env("SPARK_COPILOT_ANSWER_TIMEOUT_MS", 60_000).start().await.unwrap();
    let ann = person("ann");
    let hangs = say([Step::Role, Step::Hold(Arc::default())]);
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
    let stop = format!("/api/copilot/sessions/{session}/stop");
    while model.asked().len() < 4 {
        tokio::task::yield_now().await;
    }
    ann.ask(&gateway, "POST", &stop, None, None).await.unwrap();
    stopped.until("copilot.stopped").await.unwrap();
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
        assert!(question.is_in_turns(), "{:?}", question.roles());
    }
    let said = asked[6].last("user");
    assert!(
        said.starts_with("[gateway] The person has confirmed") && said.contains("\n\nfive\n\n[gateway]"),
        "{said}"
    );
    assert!(said.ends_with(&format!("It was started as job {}.", confirmed.text("jobId"))), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_the_model_is_what_it_says() {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options(&model).start().await.unwrap();
    let part = |text: &str| {
        raw(&format!("data: {}\r\n\r\n", json!({ "choices": [{ "delta": { "refusal": text } }] })))
    };
    model.will([say([
        Step::Role,
        part("I can't "),
        raw(": ping\r\n\r\n"),
        part("do that."),
        Step::Finish("stop"),
        Step::Done,
    ])]);
    let told = person("ann").say(&gateway, None, "hi").await.unwrap();
    assert_eq!(
        (told.text().as_str(), &told.data("copilot.done")["reason"]),
        ("I can't do that.", &json!("stop"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_only_their_names_tell_apart_are_two() {
    let call = |symbol: &str| {
        let arguments = json!({ "symbol": symbol, "limit": 1 }).to_string();
        Step::Call(0, None, Some("getCandles"), arguments)
    };
    let steps = [Step::Role, call("AAPL"), call("IBM"), Step::Finish("tool_calls"), Step::Done];
    let (told, model) = goes_well(say(steps)).await;
    let symbols: Vec<_> = results(&told).iter().map(|it| it["data"]["symbol"].clone()).collect();
    assert_eq!(symbols, ["AAPL", "IBM"]);
    assert!(model.asked()[1].is_in_turns());
    // As older servers ask for one.
    let part = |call: Value| {
        raw(&format!("data: {}\n\n", json!({ "choices": [{ "delta": { "function_call": call } }] })))
    };
    let named = part(json!({ "name": "getCandles", "arguments": "" }));
    let given = part(json!({ "arguments": r#"{"symbol":"AAPL","limit":1}"# }));
    let (told, _) =
        goes_well(say([Step::Role, named, given, Step::Finish("function_call"), Step::Done])).await;
    assert_eq!(results(&told)[0]["data"]["symbol"], "AAPL");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_servers_leave_empty_is_no_fault() {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options(&model).start().await.unwrap();
    model.will([say([
        raw(": a comment\n\nevent: x\nid: 7\n\ndata:\n\n"),
        raw("data: {\"choices\":null}\n\ndata: {\"choices\":[{\"delta\":null}]}\n\n"),
        raw("data: {\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":null},\"finish_reason\":null}]}\n\n"),
        text("all"),
        Step::Finish("stop"),
        Step::Done,
    ])]);
    let told = person("ann").say(&gateway, None, "hi").await.unwrap();
    assert_eq!(told.text(), "all", "{:?}", told.envelopes);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_key_is_in_no_log_metric_error_event_evidence_or_file() {
    let model = OpenAiServer::start().await.unwrap();
    let gateway = options(&model).start().await.unwrap();
    let ann = person("ann");
    let leak = raw(&format!("data: {{\"error\":{{\"message\":\"bad key {API_KEY}\"}}}}\n\n"));
    let broken = raw(&format!("data: {{\"choices\":\"{API_KEY}\"}}\n\n"));
    let mut shown = Vec::new();
    for act in [
        Act::text("fine"),
        Act::Refuse(400, None),
        Act::Refuse(401, None),
        Act::Refuse(429, Some("1")),
        Act::Refuse(302, None),
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
    let log = gateway.stderr();
    assert!(log.iter().any(|line| line.contains("TRACE")), "it says everything");
    assert!(model.asked().iter().all(|asked| asked.authorization == format!("Bearer {API_KEY}")));
    shown.extend(log);
    let hex: String = API_KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    for needle in [API_KEY, &API_KEY[8..], &hex] {
        for text in &shown {
            assert!(!text.contains(needle), "{needle}: {text:.300}");
        }
    }
    let mut kept = Vec::new();
    files(gateway.folder(), &mut kept);
    for (file, bytes) in kept {
        assert!(!bytes.windows(API_KEY.len()).any(|part| part == API_KEY.as_bytes()), "{file}");
    }
}
