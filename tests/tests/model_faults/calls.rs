//! Calls of tools, in all the ways in which servers send them.

use serde_json::{Value, json};
use spark_live_tests::openai::{Act, Step};

use crate::stand::{Stand, chunk, results, say};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_put_together_however_they_come() {
    let stand = Stand::start().await;
    in_pieces(&stand).await;
    several_whose_pieces_are_mixed(&stand).await;
    told_apart_by_their_ids(&stand).await;
    told_apart_by_their_names(&stand).await;
    with_an_id_and_a_name_in_each_piece(&stand).await;
    with_numbers_that_are_left_out(&stand).await;
    as_older_servers_ask(&stand).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_cannot_be_done_are_answered_so_that_the_model_goes_on() {
    let stand = Stand::start().await;
    of_a_tool_that_does_not_exist(&stand).await;
    that_no_server_takes_back(&stand).await;
}

async fn in_pieces(stand: &Stand) {
    let (told, asked) = stand.goes_well(Act::call("getCandles", r#"{"symbol":"AAPL","limit":2}"#)).await;
    let call = told.data("copilot.tool_call");
    assert_eq!((&call["tool"], &call["arguments"]["limit"]), (&json!("getCandles"), &json!(2)));
    assert_eq!(results(&told)[0]["data"]["rows"].as_array().unwrap().len(), 2);
    assert!(asked[1].last("tool").contains("openTime"));
}

async fn several_whose_pieces_are_mixed(stand: &Stand) {
    let part = |at, text: &str| Step::Call(at, None, None, text.into());
    let steps = [
        Step::Call(0, Some("a"), Some("getCandles"), r#"{"symbol":"#.into()),
        Step::Call(1, Some("b"), Some("getMarketSnapshot"), r#"{"symbols":"#.into()),
        part(0, r#""AAPL","limit":1}"#),
        part(1, r#"["IBM"]}"#),
        Step::Finish("tool_calls"),
        Step::Done,
    ];
    let (told, asked) = stand.goes_well(say(steps)).await;
    let found = results(&told);
    assert_eq!((&found[0]["callId"], &found[0]["data"]["symbol"]), (&json!("a"), &json!("AAPL")));
    assert_eq!((&found[1]["callId"], &found[1]["data"]["prices"][0]["symbol"]), (&json!("b"), &json!("IBM")));
    let messages = asked[1].body["messages"].as_array().unwrap();
    let ids: Vec<_> = messages.iter().filter_map(|it| it["tool_call_id"].as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
}

/// Whose the candles are that both calls of `getCandles` have read.
async fn symbols(stand: &Stand, act: Act) -> Vec<Value> {
    let (told, _) = stand.goes_well(act).await;
    results(&told).iter().map(|it| it["data"]["symbol"].clone()).collect()
}

async fn told_apart_by_their_ids(stand: &Stand) {
    let call = |id: &str, arguments: &str| json!({ "id": id, "type": "function", "function": { "name": "getCandles", "arguments": arguments } });
    let both = [call("a", r#"{"symbol":"AAPL","limit":1}"#), call("b", r#"{"symbol":"IBM","limit":1}"#)];
    let delta = json!({ "choices": [{ "delta": { "tool_calls": both }, "finish_reason": "tool_calls" }] });
    assert_eq!(symbols(stand, say([chunk(&delta), Step::Done])).await, ["AAPL", "IBM"]);
}

async fn told_apart_by_their_names(stand: &Stand) {
    let call = |symbol: &str| {
        let arguments = json!({ "symbol": symbol, "limit": 1 }).to_string();
        Step::Call(0, None, Some("getCandles"), arguments)
    };
    let steps = [Step::Role, call("AAPL"), call("IBM"), Step::Finish("tool_calls"), Step::Done];
    assert_eq!(symbols(stand, say(steps)).await, ["AAPL", "IBM"]);
}

async fn with_an_id_and_a_name_in_each_piece(stand: &Stand) {
    let part = |text: &str| Step::Call(0, Some("call_7"), Some("getCandles"), text.into());
    let steps = [part(r#"{"symbol":"#), part(r#""AAPL","limit":1}"#), Step::Finish("tool_calls"), Step::Done];
    let (told, _) = stand.goes_well(say(steps)).await;
    let call = told.data("copilot.tool_call");
    assert_eq!((&call["callId"], &call["tool"]), (&json!("call_7"), &json!("getCandles")));
    assert_eq!(results(&told)[0]["ok"], true);
}

async fn with_numbers_that_are_left_out(stand: &Stand) {
    let call = Step::Call(5, Some("a"), Some("getRuntimeHealth"), "{}".into());
    let (told, _) = stand.goes_well(say([call, Step::Finish("tool_calls"), Step::Done])).await;
    assert_eq!(results(&told).len(), 1, "those before it are none: {:?}", told.envelopes);
}

async fn as_older_servers_ask(stand: &Stand) {
    let part = |call: Value| chunk(&json!({ "choices": [{ "delta": { "function_call": call } }] }));
    let named = part(json!({ "name": "getCandles", "arguments": "" }));
    let given = part(json!({ "arguments": r#"{"symbol":"AAPL","limit":1}"# }));
    let steps = [Step::Role, named, given, Step::Finish("function_call"), Step::Done];
    assert_eq!(symbols(stand, say(steps)).await, ["AAPL"]);
}

async fn of_a_tool_that_does_not_exist(stand: &Stand) {
    let (told, asked) = stand.goes_well(Act::call("placeOrder", "{}")).await;
    let found = results(&told);
    assert_eq!((&found[0]["ok"], &found[0]["errorCode"]), (&json!(false), &json!("TOOL_UNKNOWN")));
    let said = asked[1].last("tool");
    assert!(said.contains("startBacktest") && !said.contains("confirmBacktest"), "{said}");
}

async fn that_no_server_takes_back(stand: &Stand) {
    // A server that checks what it is handed would refuse every later question of the conversation.
    let (_, asked) = stand.goes_well(Act::call("place order!", "{oops")).await;
    let said = asked[1].body["messages"].as_array().unwrap();
    let call = said.iter().find(|it| it["tool_calls"].is_array()).unwrap();
    let function = &call["tool_calls"][0]["function"];
    let name = function["name"].as_str().unwrap();
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{name}");
    assert_eq!(function["arguments"], "{}");
}
