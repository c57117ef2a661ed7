//! Statuses and bodies that are no answer: what is told of them, when it may be tried again, and what is not asked twice.

use serde_json::{Value, json};
use spark_live_tests::openai::{API_KEY, Act, MODEL, OpenAiServer};

use crate::stand::{Stand, ann, options};

/// What the model does each time it is asked, the code that is told, when to try again, how often it is asked, and a
/// word of what is told.
type Case = (Act, &'static str, Option<u64>, usize, &'static str);

async fn check(cases: impl IntoIterator<Item = Case>) {
    let stand = Stand::start().await;
    for (act, code, retry_after_ms, questions, word) in cases {
        let name = format!("{act:.200?}");
        let fault = stand.passing(&name, vec![act; questions]).await;
        let found = (fault.code.as_str(), fault.retry_after_ms, fault.questions);
        assert_eq!(found, (code, retry_after_ms, questions), "{name}: {}", fault.message);
        assert!(fault.message.contains(word), "{name}: {}", fault.message);
    }
}

fn error(status: u16, error: &Value) -> Act {
    let body = json!({ "error": error }).to_string();
    Act::Reply(status, vec![("content-type", "application/json; charset=utf-8")], body)
}

fn headed(status: u16, headers: &[(&'static str, &'static str)]) -> Act {
    Act::Reply(status, headers.to_vec(), String::new())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_is_told_and_asked_again_only_where_that_helps() {
    check([
        (Act::Refuse(400, None), "MODEL_FAILED", None, 1, "status 400"),
        (Act::Refuse(401, None), "MODEL_FAILED", None, 1, "key"),
        (Act::Refuse(404, None), "MODEL_FAILED", None, 1, "no model of that name"),
        (Act::Refuse(408, None), "MODEL_UNAVAILABLE", None, 1, "not heard the question"),
        (Act::Refuse(500, None), "MODEL_UNAVAILABLE", None, 2, "status 500"),
        (Act::Refuse(503, None), "MODEL_UNAVAILABLE", None, 2, "status 503"),
        // Who says when is not asked before.
        (Act::Refuse(503, Some("9")), "MODEL_UNAVAILABLE", Some(9_000), 1, "status 503"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_try_that_goes_well_is_an_answer() {
    let stand = Stand::start().await;
    for status in [500, 502] {
        let (told, asked) = stand.say([Act::Refuse(status, None), Act::text("second try")]).await;
        assert_eq!((told.text().as_str(), asked.len()), ("second try", 2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_429_is_told_with_the_time_to_try_again() {
    let used_up = [
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-reset-requests", "1s"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ];
    let both = [("retry-after", "7"), ("retry-after-ms", "6500")];
    // An hour at most, and where it is not said the usual time.
    let far = Some("Fri, 31 Dec 2100 23:59:59 GMT");
    let often = |act, after_ms| (act, "RATE_LIMITED", Some(after_ms), 1, "too often");
    check([
        often(Act::Refuse(429, Some("7")), 7_000),
        often(Act::Refuse(429, far), 3_600_000),
        often(Act::Refuse(429, None), 5_000),
        often(Act::Refuse(429, Some("soon")), 5_000),
        often(Act::Refuse(429, Some("-3")), 5_000),
        often(headed(429, &used_up), 360_000),
        often(headed(429, &both), 6_500),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_answer_at_all_is_told_by_what_it_is() {
    let quota = json!({ "code": "insufficient_quota", "message": format!("{API_KEY} has none left") });
    let unknown = json!({ "code": "model_not_found" });
    let long = json!({ "code": "context_length_exceeded" });
    let whole = json!({ "choices": [{ "message": { "content": "hi" } }] }).to_string();
    let whole = Act::Reply(200, vec![("content-type", "application/json")], whole);
    let endless = Act::Reply(400, Vec::new(), format!("{{{}", "x".repeat(40_000)));
    check([
        (Act::Html(502), "MODEL_UNAVAILABLE", None, 2, "status 502"),
        (Act::Html(200), "MODEL_FAILED", None, 1, "in between"),
        (Act::Html(404), "MODEL_FAILED", None, 1, "no model of that name"),
        (whole, "MODEL_FAILED", None, 1, "piece by piece"),
        (error(200, &quota), "MODEL_FAILED", None, 1, "nothing left"),
        (error(429, &quota), "MODEL_FAILED", None, 1, "nothing left"),
        (error(403, &unknown), "MODEL_FAILED", None, 1, "key"),
        (error(404, &unknown), "MODEL_FAILED", None, 1, "no model of that name"),
        (error(400, &long), "MODEL_FAILED", None, 1, "more than the model"),
        (endless, "MODEL_FAILED", None, 1, "status 400"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_to_where_a_model_leads() {
    let elsewhere = OpenAiServer::start().await.unwrap();
    let stand = Stand::start().await;
    let fault = stand.passing("307", vec![Act::Redirect(elsewhere.url())]).await;
    assert_eq!((fault.code.as_str(), fault.questions), ("MODEL_FAILED", 1));
    assert!(fault.message.contains("leads to another"), "{}", fault.message);
    assert!(elsewhere.asked().is_empty(), "{:?}", elsewhere.asked());
    // Somebody who goes where he is sent gets there, with the question.
    stand.model.will([Act::Redirect(elsewhere.url())]);
    let question = json!({ "model": MODEL, "stream": true, "messages": [
        { "role": "system", "content": "Be brief." }, { "role": "user", "content": "hi" },
    ] });
    let client = reqwest::Client::new().post(stand.model.url()).bearer_auth(API_KEY);
    client.body(question.to_string()).send().await.unwrap();
    assert_eq!(elsewhere.asked()[0].body, question);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_without_a_key_is_asked_without_one() {
    let model = OpenAiServer::start_open().await.unwrap();
    let gateway = options(&model).start().await.unwrap();
    model.will([Act::text("come in")]);
    assert_eq!(ann().say(&gateway, None, "hi").await.unwrap().text(), "come in");
    assert_eq!(model.asked()[0].authorization, None);
}
