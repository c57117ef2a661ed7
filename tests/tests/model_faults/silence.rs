//! Models that stop speaking, or never do. Each silence is without end, and each gateway has one short limit: the others
//! would end it long after the test has given up, and are told in other words.

use std::time::Duration;

use serde_json::json;
use spark_live_tests::openai::{Act, Step};

use crate::stand::{Stand, say, text};

const FIRST_BYTE: &str = "SPARK_COPILOT_FIRST_BYTE_TIMEOUT_MS";
const CHUNK: &str = "SPARK_COPILOT_CHUNK_TIMEOUT_MS";
const ANSWER: &str = "SPARK_COPILOT_ANSWER_TIMEOUT_MS";

/// A gateway that waits so long at most, and for everything else ten minutes.
async fn stand(limit: &str, limit_ms: u64) -> Stand {
    Stand::with(|options| {
        let limits = [FIRST_BYTE, CHUNK, ANSWER];
        let options = limits.into_iter().fold(options, |options, name| options.env(name, 600_000));
        options.env(limit, limit_ms)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_at_all_is_told_in_time_after_a_second_try() {
    let stand = stand(FIRST_BYTE, 500).await;
    let fault = stand.fault("nothing", vec![Act::Silence, Act::Silence]).await;
    assert_eq!((fault.code.as_str(), fault.questions), ("MODEL_UNAVAILABLE", 2));
    assert!(fault.message.contains("does not answer in time"), "{}", fault.message);
    for at in 0..2 {
        stand.model.until_left(at).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_has_only_a_head_is_told_in_time() {
    // Long enough for the head, on a busy machine too.
    let stand = stand(FIRST_BYTE, 3_000).await;
    let fault = stand.fault("a head", vec![say([Step::Silence])]).await;
    assert_eq!((fault.code.as_str(), fault.questions), ("MODEL_UNAVAILABLE", 1));
    assert!(fault.message.contains("stopped in mid-answer"), "{}", fault.message);
    stand.model.until_left(0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_midway_is_told_and_what_was_said_is_kept() {
    let stand = stand(CHUNK, 500).await;
    let fault = stand.fault("half", vec![say([text("half "), Step::Silence])]).await;
    assert_eq!((fault.code.as_str(), fault.questions), ("MODEL_UNAVAILABLE", 1));
    assert!(fault.message.contains("stopped in mid-answer"), "{}", fault.message);
    assert_eq!(fault.told.text(), "half ");
    stand.model.until_left(0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_after_the_reason_of_the_end_is_an_end() {
    let stand = stand(CHUNK, 500).await;
    // Together, so that nothing is between them.
    let end = r#"data: {"choices":[{"delta":{"content":"all"},"finish_reason":"stop"}]}"#;
    let (told, _) = stand.say([say([Step::Raw(format!("{end}\n\n")), Step::Silence])]).await;
    assert_eq!((told.text().as_str(), &told.data("copilot.done")["reason"]), ("all", &json!("stop")));
    stand.model.until_left(0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_end_is_ended() {
    // Long enough for the first word, on a busy machine too.
    let stand = stand(ANSWER, 3_000).await;
    let fault = stand.fault("a drip", vec![say([Step::Drip(Duration::from_millis(100))])]).await;
    assert_eq!((fault.code.as_str(), fault.questions), ("MODEL_UNAVAILABLE", 1));
    assert!(fault.message.contains("takes too long"), "{}", fault.message);
    assert!(fault.told.text().starts_with("drip "), "{:?}", fault.told.envelopes);
    stand.model.until_left(0).await.unwrap();
}
