//! The interface as a service, without a socket.

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::config::Config;

async fn service() -> Router {
    let mut config = Config::defaults().expect("sound");
    config.allowed_origins = vec!["https://app.example.org".parse().expect("a value")];
    router(AppState::build(&config).await.expect("shipped data").0)
}

async fn ask(service: Router, request: Request<Body>) -> (u16, HeaderMap, String) {
    let response = service.oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).expect("text"))
}

async fn get(path: &str) -> (u16, Value) {
    let (status, headers, body) =
        ask(service().await, Request::get(path).body(Body::empty()).expect("a request")).await;
    assert_eq!(headers["content-type"], "application/json", "{path}");
    let caching = if path == "/api/market/symbols" { "private, no-cache" } else { "no-store" };
    assert_eq!(headers["cache-control"], caching, "{path}");
    (status, serde_json::from_str(&body).expect("JSON"))
}

/// Status, code and field of a refusal.
async fn refused(path: &str) -> (u16, String, Option<String>) {
    let (status, envelope) = get(path).await;
    assert_eq!((&envelope["event"], &envelope["ok"]), (&json!("system.error"), &json!(false)), "{path}");
    let field = envelope["data"]["field"].as_str().map(str::to_owned);
    (status, envelope["errorCode"].as_str().unwrap_or_default().to_owned(), field)
}

#[tokio::test]
async fn answers_are_envelopes() {
    let (status, health) = get("/healthz").await;
    assert_eq!(
        (status, &health["event"], &health["data"]["status"]),
        (200, &json!("system.health"), &json!("ok"))
    );
    let (status, symbols) = get("/api/market/symbols").await;
    assert_eq!((status, &symbols["event"], &symbols["v"]), (200, &json!("market.symbols"), &json!(1)));
    assert_eq!(symbols["data"]["symbols"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn a_page_of_candles_is_ascending_and_leads_to_older_ones() {
    let (status, page) = get("/api/market/candles?symbol=FB&interval=1d&limit=2").await;
    assert_eq!((status, &page["total"]), (200, &json!(98)));
    let time = |page: &Value, row: usize| page["rows"][row][0].as_i64().expect("a time");
    assert!(time(&page, 0) < time(&page, 1));
    let cursor = page["nextCursor"].as_str().expect("there are older ones");
    let (_, older) = get(&format!("/api/market/candles?symbol=FB&interval=1d&limit=2&cursor={cursor}")).await;
    assert!(time(&older, 1) < time(&page, 0));
    let (_, oldest) = get("/api/market/candles?symbol=FB&interval=1d").await;
    assert_eq!((&oldest["nextCursor"], oldest["rows"].as_array().map(Vec::len)), (&Value::Null, Some(98)));
    assert_eq!(oldest["rows"][0], json!([1_337_299_200_000i64, 42.05, 45, 38, 38.2318, 573_576_400]));
}

#[tokio::test]
async fn wrong_questions_name_what_is_wrong() {
    let params = |field: &str| (422, "PARAMS_INVALID".to_owned(), Some(field.to_owned()));
    let cursor = (400, "CURSOR_INVALID".to_owned(), Some("cursor".to_owned()));
    let good = "/api/market/candles?symbol=FB&interval=1d";
    assert_eq!(refused("/api/market/candles?interval=1d").await, params("symbol"));
    assert_eq!(refused("/api/market/candles?symbol=NOPE&interval=1d").await, params("symbol"));
    assert_eq!(refused("/api/market/candles?symbol=FB").await, params("interval"));
    assert_eq!(refused("/api/market/candles?symbol=FB&interval=1m").await, params("interval"));
    for limit in ["0", "5001", "-1", "+5", "x", "", "99999999999999999999"] {
        assert_eq!(refused(&format!("{good}&limit={limit}")).await, params("limit"), "{limit}");
    }
    for text in [
        "",
        "x",
        "b1",
        "b1:FB.1d:",
        "b1:FB.1d:x",
        "b1:FB.1d:%2B1",
        "b1:AAPL.1d:1",
        "b2:FB.1d:1",
        "b1:FB.1d:99999999999999999999",
    ] {
        assert_eq!(refused(&format!("{good}&cursor={text}")).await, cursor, "{text}");
    }
    let query = (400, "BAD_REQUEST".to_owned(), Some("query".to_owned()));
    assert_eq!(refused(&format!("{good}&colour=red")).await, query);
    assert_eq!(refused(&format!("{good}&symbol=IBM")).await, query);
    assert_eq!(refused("/api/live/sse?channels=a&channels=b").await, query);
    let (_, envelope) = get("/api/market/candles?symbol=NOPE&interval=1d").await;
    assert_eq!(envelope["data"]["allowed"], "AAPL, FB, GOOG, IBM, MSFT");
}

#[tokio::test]
async fn what_is_not_there_is_refused_as_an_envelope() {
    assert_eq!(refused("/api/nope").await, (404, "NOT_FOUND".to_owned(), None));
    assert_eq!(refused("/api/live/ws").await.0, 400, "not an upgrade");
    assert_eq!(refused("/api/live/sse").await, (400, "BAD_REQUEST".to_owned(), Some("channels".to_owned())));
    let (status, headers, _) =
        ask(service().await, Request::post("/healthz").body(Body::empty()).expect("a request")).await;
    assert_eq!((status, &headers["content-type"]), (405, &"application/json".parse().expect("a value")));
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_it() {
    for path in ["/", "/healthz", "/api/nope", "/api/market/symbols", "/api/live/sse?channels=price:AAPL"] {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let headers = service().await.oneshot(request).await.expect("an answer").into_parts().0.headers;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        let policy = headers["content-security-policy"].to_str().expect("text");
        assert!(
            policy.contains("'wasm-unsafe-eval'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
    }
}

#[tokio::test]
async fn only_pages_of_the_settings_may_read_across_origins() {
    for (origin, may) in [("https://app.example.org", true), ("https://evil.example.org", false)] {
        let request = Request::get("/api/market/symbols").header("origin", origin).body(Body::empty());
        let (_, headers, _) = ask(service().await, request.expect("a request")).await;
        let allowed = headers.get("access-control-allow-origin").and_then(|value| value.to_str().ok());
        assert_eq!(allowed, may.then_some(origin));
    }
}

#[tokio::test]
async fn a_handler_that_panics_is_an_internal_error_and_no_more() {
    async fn broken() -> &'static str {
        panic!("a secret")
    }
    let service = Router::new()
        .route("/broken", get_route(broken))
        .route("/whole", get_route(async || "fine"))
        .layer(CatchPanicLayer::custom(middleware::panicked));
    let request = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
    let (status, _, body) = ask(service.clone(), request("/broken")).await;
    assert!(status == 500 && body.contains("\"INTERNAL\"") && !body.contains("secret"), "{body}");
    assert_eq!(ask(service, request("/whole")).await.2, "fine");
}

use axum::routing::get as get_route;
