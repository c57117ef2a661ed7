//! Streams that end badly, and odd ones that do not.

use serde_json::json;
use spark_live_tests::openai::{API_KEY, Step};

use crate::stand::{Stand, chunk, raw, results, say, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_ends_early_is_told() {
    let stand = Stand::start().await;
    for (last, code, word) in
        [(vec![], "MODEL_FAILED", "ended too early"), (vec![Step::Cut], "MODEL_UNAVAILABLE", "broken off")]
    {
        let steps = [text("half ")].into_iter().chain(last);
        let fault = stand.passing(word, vec![say(steps)]).await;
        assert_eq!((fault.code.as_str(), fault.questions), (code, 1), "{}", fault.message);
        assert!(fault.message.contains(word), "{}", fault.message);
        assert_eq!(fault.told.text(), "half ");
    }
    // A call that is not whole is not made.
    let call = Step::Call(0, Some("a"), Some("startBacktest"), r#"{"symbol":"AAPL","#.into());
    let fault = stand.passing("half a call", vec![say([call])]).await;
    assert_eq!((fault.code.as_str(), results(&fault.told).len()), ("MODEL_FAILED", 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_events_and_json_are_told_and_what_came_before_is_kept() {
    let stand = Stand::start().await;
    let half = r#"data: {"choices":[{"delta":{"content":"half "}}]}"#;
    for bad in [
        "data: {oops\n\n",
        "data: \u{1}\n\n",
        "data: 7\n\n",
        "data: {\"choices\":{}}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":[]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":-1}]}}]}\n\n",
    ] {
        // In one piece, so that they arrive together.
        let fault = stand.passing(bad, vec![say([raw(&format!("{half}\n\n{bad}"))])]).await;
        assert_eq!((fault.code.as_str(), fault.questions), ("MODEL_FAILED", 1), "{bad}");
        assert!(fault.message.contains("not JSON of its kind"), "{bad} {}", fault.message);
        assert_eq!(fault.told.text(), "half ", "{bad}");
    }
    let fault = stand.passing("no stream", vec![say([raw("<html>no stream at all</html>")])]).await;
    assert_eq!(fault.code, "MODEL_FAILED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_in_mid_stream_is_told_by_what_it_is() {
    let stand = Stand::start().await;
    for (error, code) in [
        (json!({ "message": format!("bad {API_KEY}"), "type": "server_error" }), "MODEL_UNAVAILABLE"),
        (json!(API_KEY), "MODEL_UNAVAILABLE"),
        (json!({ "message": "slow", "type": "tokens", "code": "rate_limit_exceeded" }), "RATE_LIMITED"),
        (json!({ "message": "long", "code": "context_length_exceeded" }), "MODEL_FAILED"),
    ] {
        let steps = [Step::Role, text("half "), chunk(&json!({ "error": error }))];
        let fault = stand.passing(code, vec![say(steps)]).await;
        assert_eq!((fault.code.as_str(), fault.questions), (code, 1), "{error}");
        assert_eq!(fault.told.text(), "half ", "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_is_none_is_told() {
    let stand = Stand::start().await;
    let many = (0..17).map(|at| Step::Call(at, None, Some("getCandles"), "{}".into())).collect();
    for (steps, word) in [
        (vec![text("half "), Step::Finish("error"), Step::Done], "ended with an error"),
        (vec![text("half "), Step::Finish("content_filter"), Step::Done], "not let answer"),
        (many, "too many tools at once"),
    ] {
        let fault = stand.passing(word, vec![say(steps)]).await;
        assert_eq!((fault.code.as_str(), fault.questions), ("MODEL_FAILED", 1), "{word}");
        assert!(fault.message.contains(word), "{word}: {}", fault.message);
        assert_eq!(results(&fault.told).len(), 0, "{word}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_is_too_long_is_cut() {
    let stand = Stand::start().await;
    // The letters of the second do not come out even.
    for (letter, len) in [("é", 32 * 1024), ("€", 32 * 1024 - 2)] {
        let (told, _) = stand.say([say((0..20).map(|_| text(&letter.repeat(2_000))))]).await;
        assert_eq!((&told.data("copilot.done")["reason"], told.text().len()), (&json!("length"), len));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_streams_are_read_as_they_are_meant() {
    let stand = Stand::start().await;
    let part = |text: &str| {
        raw(&format!("data: {}\r\n\r\n", json!({ "choices": [{ "delta": { "refusal": text } }] })))
    };
    let end = || [Step::Finish("stop"), Step::Done];
    // What the model does not want to do is what it says.
    let refusal = [Step::Role, part("I can't "), raw(": ping\r\n\r\n"), part("do that.")];
    let (told, _) = stand.say([say(refusal.into_iter().chain(end()))]).await;
    assert_eq!(
        (told.text().as_str(), &told.data("copilot.done")["reason"]),
        ("I can't do that.", &json!("stop"))
    );
    // What is left empty is no fault.
    let empty = [
        raw(": a comment\n\nevent: x\nid: 7\n\ndata:\n\n"),
        raw("data: {\"choices\":null}\n\ndata: {\"choices\":[{\"delta\":null}]}\n\n"),
        raw(
            "data: {\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":null},\"finish_reason\":null}]}\n\n",
        ),
        text("all"),
    ];
    let (told, _) = stand.say([say(empty.into_iter().chain(end()))]).await;
    assert_eq!(told.text(), "all", "{:?}", told.envelopes);
}
