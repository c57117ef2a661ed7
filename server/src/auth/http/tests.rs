//! The routes as a service, without a socket.

use axum::body::Body;
use http_body_util::BodyExt;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::app::AppState;
use crate::auth::secret::Secret;
use crate::auth::sessions::Signal;
use crate::config::Config;
use crate::router::router;

const SECRET: &str = "0123456789abcdefghijklmnopqrstuv";

async fn state(change: impl FnOnce(&mut Config)) -> AppState {
    let mut config = Config::defaults().expect("sound");
    config.auth.secret = Some(Secret::from(SECRET.to_owned()));
    config.allowed_origins = vec!["https://app.example.org".parse().expect("a value")];
    change(&mut config);
    AppState::build(&config).await.expect("shipped data").0
}

/// A token that lives a minute.
fn token(subject: &str, role: &str) -> String {
    let now = wire::now_ms() / 1_000;
    let claims = json!({"sub": subject, "roles": [role], "exp": now + 60, "iat": now - 1, "jti": format!("{subject}-1")});
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("signed")
}

/// Status and envelope of an answer.
async fn ask(state: &AppState, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, Value) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let request = request.body(Body::from(body.to_owned())).expect("a request");
    let response = router(state.clone()).oneshot(request).await.expect("an answer");
    let status = response.status().as_u16();
    assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).expect("JSON"))
}

/// Status, code and reason of a refusal.
fn refusal((status, envelope): &(u16, Value)) -> (u16, &str, &str) {
    let text = |value: &'static str| envelope["data"][value].as_str().unwrap_or_default();
    (*status, envelope["errorCode"].as_str().unwrap_or_default(), text("reason"))
}

#[tokio::test]
async fn a_guest_gets_a_token_and_later_another_one_of_the_same_name() {
    let state = state(|_| {}).await;
    let (status, first) = ask(&state, "POST", "/api/session", None, "").await;
    assert_eq!((status, &first["event"]), (200, &json!("session.created")));
    let subject = first["data"]["subject"].as_str().expect("a name");
    assert!(subject.starts_with("guest-") && subject.len() == 26, "{subject}");
    let lives = first["data"]["expiresAt"].as_u64().expect("a time") - wire::now_ms();
    assert!((3_590_000..=3_600_000).contains(&lives), "{lives}");
    let token = first["data"]["token"].as_str().expect("a token");
    let (_, again) = ask(&state, "POST", "/api/session", Some(token), "{}").await;
    assert_eq!(again["data"]["subject"], subject);
    let (_, other) = ask(&state, "POST", "/api/session", None, "{}").await;
    assert_ne!(other["data"]["subject"], subject);
    let refused = ask(&state, "POST", "/api/session", Some(&self::token("ada", "trader")), "").await;
    assert_eq!(refusal(&refused).1, "FORBIDDEN");
    let refused = ask(&state, "POST", "/api/session", Some("x.y.z"), "").await;
    assert_eq!(refusal(&refused).1, "UNAUTHENTICATED");
    let refused = ask(&state, "POST", "/api/session", None, r#"{"subject":"ada"}"#).await;
    assert_eq!(refusal(&refused).1, "BAD_REQUEST");
    let none = self::state(|config| config.auth.guest = false).await;
    assert_eq!(refusal(&ask(&none, "POST", "/api/session", None, "").await).0, 404);
}

#[tokio::test]
async fn a_live_connection_is_given_a_new_token_of_the_same_person() {
    let state = state(|_| {}).await;
    let ada = state.auth.identify(&token("ada", "trader"), None).await.expect("good");
    let mut session = state.auth.sessions().open("s1", ada).expect("opened");
    let path = "/api/live/session/s1/auth";
    let (status, answer) = ask(&state, "POST", path, Some(&token("ada", "trader")), "").await;
    assert_eq!(
        (status, &answer["event"], &answer["data"]["state"]),
        (200, &json!("system.auth"), &json!("ok"))
    );
    assert!(answer["data"]["expiresAt"].as_u64() > Some(wire::now_ms()));
    assert!(matches!(session.next().await, Signal::Refreshed(_)));
    let bob = token("bob", "trader");
    assert_eq!(refusal(&ask(&state, "POST", path, Some(&bob), "").await).1, "SUBJECT_MISMATCH");
    assert_eq!(refusal(&ask(&state, "POST", path, None, "").await).1, "UNAUTHENTICATED");
    let other = "/api/live/session/s2/auth";
    assert_eq!(refusal(&ask(&state, "POST", other, Some(&bob), "").await).0, 404);
}

#[tokio::test]
async fn an_admin_takes_tokens_back() {
    let state = state(|_| {}).await;
    let (ada, root) = (token("ada", "trader"), token("root", "admin"));
    let identity = state.auth.identify(&ada, None).await.expect("good");
    let mut session = state.auth.sessions().open("s1", identity).expect("opened");
    let path = "/api/auth/revoke";
    let by_subject = r#"{"subject":"ada"}"#;
    assert_eq!(refusal(&ask(&state, "POST", path, Some(&ada), by_subject).await).1, "FORBIDDEN");
    assert_eq!(refusal(&ask(&state, "POST", path, None, by_subject).await).1, "UNAUTHENTICATED");
    for body in
        ["{}", r#"{"jti":"1","subject":"a"}"#, r#"{"jti":""}"#, r#"{"jti":1}"#, r#"{"x":"y"}"#, "[]", "x"]
    {
        assert_eq!(refusal(&ask(&state, "POST", path, Some(&root), body).await).1, "BAD_REQUEST", "{body}");
    }
    let (status, answer) = ask(&state, "POST", path, Some(&root), by_subject).await;
    assert_eq!(
        (status, &answer["event"], &answer["data"]["connections"]),
        (200, &json!("auth.revoked"), &json!(1))
    );
    assert_eq!(session.next().await, Signal::Revoked);
    let refused = ask(&state, "POST", "/api/live/session/s1/auth", Some(&ada), "").await;
    assert_eq!(refusal(&refused), (401, "AUTH_REVOKED", "was taken back"));
    let bob = token("bob", "trader");
    ask(&state, "POST", path, Some(&root), r#"{"jti":"bob-1"}"#).await;
    assert_eq!(
        state.auth.identify(&bob, None).await.map_err(|refused| refused.code),
        Err(ErrorCode::AuthRevoked)
    );
}

#[tokio::test]
async fn bad_tokens_of_an_address_are_counted_and_good_ones_pass() {
    let state = state(|_| {}).await;
    let address = Some("192.0.2.7".parse().expect("an address"));
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(state.auth.identify("x.y.z", address).await.expect_err("bad").code.as_str());
    }
    assert_eq!(codes[..5], ["UNAUTHENTICATED"; 5]);
    assert_eq!(codes[5], "RATE_LIMITED");
    let refused = state.auth.identify("x.y.z", address).await.expect_err("bad");
    let response = AppError::from(refused).into_response();
    assert_eq!((response.status().as_u16(), response.headers().contains_key("retry-after")), (429, true));
    assert!(state.auth.identify(&token("ada", "trader"), address).await.is_ok());
}

#[tokio::test]
async fn pages_of_strangers_may_not_post() {
    let state = state(|_| {}).await;
    for (origin, status) in [
        ("https://app.example.org", 200),
        ("null", 403),
        ("https://evil.example", 403),
        ("https://app.example.org.evil", 403),
    ] {
        let request =
            Request::post("/api/session").header("origin", origin).body(Body::empty()).expect("a request");
        let response = router(state.clone()).oneshot(request).await.expect("an answer");
        assert_eq!(response.status().as_u16(), status, "{origin}");
        let allowed = response.headers().get("access-control-allow-origin");
        assert_eq!(allowed.is_some(), status == 200, "{origin}");
    }
    let preflight = Request::options("/api/session")
        .header("origin", "https://app.example.org")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let preflight = preflight.body(Body::empty()).expect("a request");
    let answer = router(state.clone()).oneshot(preflight).await.expect("an answer");
    let headers = answer.headers()["access-control-allow-headers"].to_str().expect("text");
    assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
}

#[tokio::test]
async fn a_token_in_an_address_is_refused() {
    let state = state(|_| {}).await;
    let path = format!("/api/session?access_token={}", token("ada", "trader"));
    let refused = ask(&state, "POST", &path, None, "").await;
    assert_eq!(refusal(&refused), (400, "BAD_REQUEST", "tokens do not belong in an address"));
    assert_eq!(refused.1["data"]["field"], "access_token");
}
