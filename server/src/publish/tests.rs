use super::*;
use crate::auth::Access;
use crate::broker::memory::MemoryBroker;
use crate::directory::Channels;
use crate::hub::Fanout;
use crate::market::Market;
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use live_core::access::Rules;
use live_core::channel::NamespacePolicy;
use serde_json::{Value, json};

fn publisher(per_second: u32) -> Publisher {
    let policy =
        |name: &str, mode| NamespacePolicy { name: name.into(), mode, max_hz: None, stale_after_ms: None };
    let own = [policy("weather", Mode::State), policy("board", Mode::Keyed)];
    let namespaces = own.iter().cloned().try_fold(Namespaces::builtin(), Namespaces::with).expect("sound");
    let broker = Arc::new(MemoryBroker::new(namespaces.clone(), 100, Arc::<Fanout>::default()));
    let owners = Arc::<Owners>::default();
    let market = Arc::new(Market::new("replay"));
    // Who reads is not asked here.
    let access = Arc::new(Access::new(&std::array::from_fn(|_| Rules::default())));
    let directory = Arc::new(Channels::new(market, Arc::clone(&owners), &own, access));
    Publisher::new(broker, directory, owners, namespaces, per_second)
}

async fn publish(publisher: &Publisher, body: &str) -> (u16, Value) {
    match publisher.publish("pia", body.as_bytes()).await {
        Ok(bytes) => (200, serde_json::from_slice(&bytes).expect("JSON")),
        Err(error) => {
            let response = error.into_response();
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.expect("a body").to_bytes();
            (status, serde_json::from_slice(&body).expect("JSON"))
        }
    }
}

/// Status, code and field.
async fn refused(body: &str) -> (u16, String, String) {
    let (status, envelope) = publish(&publisher(10_000), body).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (status, text(&envelope["errorCode"]), text(&envelope["data"]["field"]))
}

#[tokio::test]
async fn one_and_many_are_given_their_places() {
    let publisher = publisher(10_000);
    let (status, one) =
        publish(&publisher, r#"{"channel":"weather:A","event":"weather.now","data":{"c":21}}"#).await;
    assert_eq!((status, &one["event"], &one["data"]["seq"]), (200, &json!("publish.accepted"), &json!(1)));
    let items: Vec<Value> = (0..ITEMS_MAX)
        .map(|key| json!({"channel":"board:main","event":"board.set","data":[key],"key":key.to_string()}))
        .collect();
    let (status, many) = publish(&publisher, &json!(items).to_string()).await;
    let results = many["data"]["results"].as_array().expect("a list");
    assert_eq!((status, results.len(), &results[999]["seq"]), (200, 1_000, &json!(1_000)));
    assert_eq!(results[0]["channel"], "board:main");
}

#[tokio::test]
async fn a_repetition_is_one_and_another_payload_under_its_key_is_refused() {
    let publisher = publisher(10_000);
    let body = |data: i32| {
        format!(r#"{{"channel":"weather:A","event":"weather.now","data":{data},"idempotencyKey":"k-1"}}"#)
    };
    let (_, first) = publish(&publisher, &body(1)).await;
    let (_, again) = publish(&publisher, &body(1)).await;
    assert_eq!((&first["data"]["duplicate"], &again["data"]["duplicate"]), (&json!(false), &json!(true)));
    assert_eq!(first["data"]["seq"], again["data"]["seq"]);
    let (status, other) = publish(&publisher, &body(2)).await;
    assert_eq!((status, &other["errorCode"]), (422, &json!("IDEMPOTENCY_MISMATCH")));
    assert_eq!(other["data"]["field"], "idempotencyKey");
}

#[tokio::test]
async fn a_channel_of_a_person_is_opened_for_them_alone() {
    let publisher = publisher(10_000);
    let body = |owner: &str| format!(r#"{{"channel":"job:1","event":"job.progress","data":1{owner}}}"#);
    assert_eq!(publish(&publisher, &body("")).await.0, 404);
    assert_eq!(publish(&publisher, &body(r#","owner":"ada""#)).await.0, 200);
    assert_eq!(publish(&publisher, &body("")).await.0, 200);
    assert_eq!(publish(&publisher, &body(r#","owner":"bob""#)).await.0, 403);
}

#[tokio::test]
async fn nothing_of_a_list_is_published_when_one_is_wrong() {
    let publisher = publisher(10_000);
    let good = r#"{"channel":"weather:A","event":"weather.now","data":1}"#;
    let (status, _) = publish(&publisher, &format!(r#"[{good},{good},{{"channel":"x"}}]"#)).await;
    assert_eq!(status, 400);
    assert_eq!(publish(&publisher, good).await.1["data"]["seq"], 1);
}

#[tokio::test]
async fn a_list_that_is_refused_opens_no_channel() {
    let publisher = publisher(10_000);
    let job = |number: u32, owner: &str| {
        format!(r#"{{"channel":"job:{number}","event":"job.progress","data":1{owner}}}"#)
    };
    let ada = r#","owner":"ada""#;
    let elsewhere = r#"{"channel":"price:NOPE","event":"a.b","data":1}"#.to_owned();
    for (second, status, field) in [
        (elsewhere, 404, "[1].channel"),
        (job(2, ""), 404, "[1].channel"),
        (job(1, r#","owner":"bob""#), 403, "[1].owner"),
    ] {
        let (refused, envelope) = publish(&publisher, &format!("[{},{second}]", job(1, ada))).await;
        assert_eq!((refused, &envelope["data"]["field"]), (status, &json!(field)), "{envelope}");
        assert_eq!(publish(&publisher, &job(1, "")).await.0, 404, "nobody's yet");
    }
    let (status, both) = publish(&publisher, &format!("[{},{}]", job(1, ada), job(1, ""))).await;
    assert_eq!((status, &both["data"]["results"][1]["seq"]), (200, &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn each_publisher_has_a_rate() {
    let publisher = publisher(2);
    let good = r#"{"channel":"weather:A","event":"weather.now","data":1}"#;
    let (status, _) = publish(&publisher, &format!("[{good},{good}]")).await;
    assert_eq!(status, 200);
    let (status, limited) = publish(&publisher, good).await;
    assert_eq!((status, &limited["errorCode"]), (429, &json!("RATE_LIMITED")));
    assert_eq!(limited["data"]["retryAfterMs"], 500);
    assert!(publisher.publish("other", good.as_bytes()).await.is_ok());
}

#[tokio::test]
async fn wrong_publications_name_what_is_wrong() {
    let bad = |field: &str| (400, "BAD_REQUEST".to_owned(), field.to_owned());
    let item =
        |members: &str| format!(r#"{{"channel":"weather:A","event":"weather.now","data":1{members}}}"#);
    for (body, expected) in [
        ("", bad("body")),
        ("nonsense", bad("body")),
        ("1", bad("body")),
        ("[]", bad("body")),
        ("[1]", bad("[0]")),
        (&format!("[{}]", vec!["1"; 1_001].join(",")), bad("body")),
        (r#"{"event":"a.b","data":1}"#, bad("channel")),
        (r#"{"channel":"weather:A","data":1}"#, bad("event")),
        (r#"{"channel":"weather:A","event":"a.b"}"#, bad("data")),
        (r#"{"channel":1,"event":"a.b","data":1}"#, bad("channel")),
        (r#"{"channel":"weather:A","event":"a b","data":1}"#, bad("event")),
        (r#"{"channel":"weather:A","event":"system.ack","data":1}"#, bad("event")),
        (r#"{"channel":"weather:A","event":"backpressure_drop","data":1}"#, bad("event")),
        (r#"{"channel":"weather:A","event":"price.tick","data":{}}"#, bad("data.symbol")),
        (&item(r#","ts":-1"#), bad("ts")),
        (&item(r#","ts":9007199254740992"#), bad("ts")),
        (&item(r#","ts":"now""#), bad("ts")),
        (&item(r#","colour":"red""#), bad("colour")),
        (&item(r#","data":2"#), bad("data")),
        (&item(r#","key":"k""#), bad("key")),
        (&item(r#","owner":"ada""#), bad("owner")),
        (&format!("[{}]", item(r#","colour":1"#)), bad("[0].colour")),
        (r#"{"channel":"board:A","event":"a.b","data":1}"#, bad("key")),
        (r#"{"channel":"board:A","event":"a.b","data":1,"key":""}"#, bad("key")),
        (
            &format!(r#"{{"channel":"board:A","event":"a.b","data":1,"key":"{}"}}"#, "k".repeat(129)),
            bad("key"),
        ),
        (
            r#"{"channel":"weather","event":"a.b","data":1}"#,
            (400, "CHANNEL_INVALID".into(), "channel".into()),
        ),
        (r#"{"channel":"nope:A","event":"a.b","data":1}"#, (404, "CHANNEL_UNKNOWN".into(), "channel".into())),
        (
            r#"{"channel":"price:NOPE","event":"a.b","data":1}"#,
            (404, "CHANNEL_UNKNOWN".into(), "channel".into()),
        ),
        (
            r#"{"channel":"system:status","event":"a.b","data":1}"#,
            (403, "FORBIDDEN".into(), "channel".into()),
        ),
        (
            &item(r#","idempotencyKey":"a b""#),
            (400, "IDEMPOTENCY_KEY_INVALID".into(), "idempotencyKey".into()),
        ),
        (&item(r#","idempotencyKey":"""#), (400, "IDEMPOTENCY_KEY_INVALID".into(), "idempotencyKey".into())),
        (
            &format!(r#"{{"channel":"weather:A","event":"a.b","data":"{}"}}"#, "x".repeat(65_500)),
            (413, "PAYLOAD_TOO_LARGE".into(), "data".into()),
        ),
    ] {
        assert_eq!(refused(body).await, expected, "{}", wire::cut(body));
    }
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    let deep = format!(r#"{{"channel":"weather:A","event":"a.b","data":{deep}}}"#);
    assert_eq!(refused(&deep).await.1, "BAD_REQUEST");
}
