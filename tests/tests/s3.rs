//! The harness's own S3-compatible store: that it keeps and refuses what a real one would, and fails as it is told to.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in helpers, where a panic is the verdict of the test"
)]

use std::collections::HashMap;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum};
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer, Url};
use object_store::{
    Attribute, Attributes, ClientOptions, Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutOptions,
    RetryConfig,
};
use reqwest::StatusCode;
use spark_live_tests::PATIENCE;
use spark_live_tests::s3::{PREFIX, S3};
use tokio::time::{sleep, timeout};

/// Smallest part that is not the last.
const PART_LEN: usize = 5 * 1024 * 1024;
/// What a client that does not want to wait waits.
const BRIEF: Duration = Duration::from_millis(300);
/// How long a link is good in tests that do not wait for its end.
const LONG: Duration = Duration::from_secs(600);

/// A client that has been told what the gateway will be told, and tries once.
fn client(s3: &S3, limit: Duration) -> AmazonS3 {
    settings(s3, limit).build().unwrap()
}

fn settings(s3: &S3, limit: Duration) -> AmazonS3Builder {
    let env = HashMap::from(s3.env());
    AmazonS3Builder::new()
        .with_url(&env["SPARK_RESULTS_URL"])
        .with_endpoint(&env["SPARK_S3_ENDPOINT"])
        .with_access_key_id(&env["AWS_ACCESS_KEY_ID"])
        .with_secret_access_key(&env["AWS_SECRET_ACCESS_KEY"])
        .with_region(&env["AWS_REGION"])
        .with_client_options(ClientOptions::new().with_allow_http(true).with_timeout(limit))
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
}

/// The name of an object, as the gateway would make one.
fn key(name: &str) -> Path {
    Path::from(format!("{PREFIX}/{name}"))
}

/// Bytes that differ from place to place.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 + at / 251) as u8).collect()
}

async fn read(client: &AmazonS3, name: &str) -> Vec<u8> {
    client.get(&key(name)).await.unwrap().bytes().await.unwrap().to_vec()
}

async fn link(client: &AmazonS3, name: &str, lasts: Duration) -> Url {
    let as_file = [("response-content-disposition", r#"attachment; filename="my run.parquet""#)];
    let options = SignedUrlOptions::new().with_query(as_file);
    client.signed_url_opts(Method::GET, &key(name), lasts, &options).await.unwrap()
}

async fn status(url: Url) -> (StatusCode, String) {
    let answer = reqwest::get(url).await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn objects_are_kept_with_what_is_said_about_them() {
    let s3 = S3::start().await.unwrap();
    let client = client(&s3, PATIENCE);
    let attributes = Attributes::from_iter([
        (Attribute::ContentType, "application/vnd.apache.parquet"),
        (Attribute::Metadata("resulthash".into()), "sha256-of-it"),
    ]);
    let content = bytes(100_000);
    let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
    client.put_opts(&key("a/run.parquet"), content.clone().into(), options).await.unwrap();

    let answer = client.get(&key("a/run.parquet")).await.unwrap();
    for (attribute, value) in &attributes {
        assert_eq!(answer.attributes.get(attribute), Some(value), "{attribute:?}");
    }
    assert_eq!(answer.bytes().await.unwrap(), content);
    let part = client.get_range(&key("a/run.parquet"), 70_000..70_100).await.unwrap();
    assert_eq!(part, content[70_000..70_100]);
    assert_eq!(client.head(&key("a/run.parquet")).await.unwrap().size, 100_000);

    client.put(&key("b"), "second".into()).await.unwrap();
    assert_eq!(s3.objects().unwrap(), ["results/a/run.parquet", "results/b"]);
    assert_eq!(std::fs::read(s3.path("results/a/run.parquet")).unwrap(), content);
    client.delete(&key("a/run.parquet")).await.unwrap();
    assert_eq!(s3.objects().unwrap(), ["results/b"]);
    let gone = client.get(&key("a/run.parquet")).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound { .. }), "{gone}");
}

#[tokio::test]
async fn an_upload_in_parts_is_no_object_before_it_is_complete() {
    let s3 = S3::start().await.unwrap();
    let client = client(&s3, PATIENCE);
    let content = bytes(2 * PART_LEN);
    let mut upload = client.put_multipart(&key("big")).await.unwrap();
    upload.put_part(content[..PART_LEN].to_vec().into()).await.unwrap();
    upload.put_part(content[PART_LEN..].to_vec().into()).await.unwrap();
    assert_eq!((s3.objects().unwrap().len(), s3.uploads().unwrap()), (0, 1));
    upload.complete().await.unwrap();
    assert_eq!((s3.objects().unwrap(), s3.uploads().unwrap()), (vec!["results/big".to_owned()], 0));
    assert!(read(&client, "big").await == content, "other bytes come back");

    let mut given_up = client.put_multipart(&key("never")).await.unwrap();
    given_up.put_part(content[..PART_LEN].to_vec().into()).await.unwrap();
    assert_eq!(s3.uploads().unwrap(), 1);
    given_up.abort().await.unwrap();
    assert_eq!((s3.objects().unwrap().len(), s3.uploads().unwrap()), (1, 0));
}

#[tokio::test]
async fn a_link_gives_its_object_under_the_name_it_says() {
    let s3 = S3::start().await.unwrap();
    let client = client(&s3, PATIENCE);
    client.put(&key("run"), "content".into()).await.unwrap();
    let answer = reqwest::get(link(&client, "run", LONG).await).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-disposition"], r#"attachment; filename="my run.parquet""#);
    assert_eq!(answer.text().await.unwrap(), "content");
}

#[tokio::test]
async fn a_link_that_was_changed_is_refused() {
    let s3 = S3::start().await.unwrap();
    let client = client(&s3, PATIENCE);
    for name in ["run", "other"] {
        client.put(&key(name), "content".into()).await.unwrap();
    }
    let link = link(&client, "run", LONG).await;
    let signature = link.query_pairs().find(|(name, _)| name == "X-Amz-Signature").unwrap().1.into_owned();
    let first = if signature.starts_with('0') { "1" } else { "0" };
    let forged = format!("{first}{}", &signature[1..]);
    for (from, to) in [
        (signature.as_str(), forged.as_str()),
        ("X-Amz-Expires=600", "X-Amz-Expires=6000"),
        ("my%20run", "your%20run"),
        ("/results/run?", "/results/other?"),
    ] {
        let changed = link.as_str().replacen(from, to, 1);
        assert_ne!(changed, link.as_str(), "{from} is not in it");
        let (status, said) = status(changed.parse().unwrap()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{to}: {said}");
        assert!(said.contains("SignatureDoesNotMatch"), "{to}: {said}");
    }
    let http = reqwest::Client::new();
    for method in [Method::PUT, Method::DELETE] {
        let answer = http.request(method.clone(), link.clone()).body("mine").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method}");
    }
    assert_eq!(read(&client, "run").await, b"content");
}

#[tokio::test]
async fn a_link_ends_when_it_says() {
    let s3 = S3::start().await.unwrap();
    let client = client(&s3, PATIENCE);
    client.put(&key("run"), "content".into()).await.unwrap();
    let link = link(&client, "run", Duration::from_secs(1)).await;
    let expired = async {
        loop {
            match status(link.clone()).await {
                (StatusCode::OK, _) => sleep(Duration::from_millis(50)).await,
                refused => return refused,
            }
        }
    };
    let (status, said) = timeout(PATIENCE, expired).await.unwrap();
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(said.contains("expired"), "{said}");
}

#[tokio::test]
async fn nobody_without_the_secret_is_served() {
    let s3 = S3::start().await.unwrap();
    client(&s3, PATIENCE).put(&key("run"), "content".into()).await.unwrap();
    let guess = settings(&s3, PATIENCE).with_secret_access_key("guess").build().unwrap();
    let refused = guess.get(&key("run")).await.unwrap_err();
    assert!(matches!(refused, Error::PermissionDenied { .. }), "{refused}");
    let refused = guess.put(&key("run"), "mine".into()).await.unwrap_err();
    assert!(matches!(refused, Error::PermissionDenied { .. }), "{refused}");
    let unsigned = format!("{}/spark-test/results/run", s3.endpoint());
    assert_eq!(status(unsigned.parse().unwrap()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(std::fs::read(s3.path("results/run")).unwrap(), b"content");
}

#[tokio::test]
async fn a_store_that_was_killed_comes_back_with_its_objects() {
    let mut s3 = S3::start().await.unwrap();
    let client = client(&s3, PATIENCE);
    client.put(&key("run"), "content".into()).await.unwrap();
    let addr = s3.addr();
    s3.kill().await.unwrap();
    client.get(&key("run")).await.unwrap_err();
    assert_eq!(s3.objects().unwrap(), ["results/run"]);
    s3.restart().await.unwrap();
    assert_eq!(s3.addr(), addr);
    assert_eq!(read(&client, "run").await, b"content");
    s3.restart().await.unwrap();
    client.put(&key("next"), "more".into()).await.unwrap();
    assert_eq!(s3.objects().unwrap(), ["results/next", "results/run"]);
}

#[tokio::test]
async fn a_frozen_store_answers_when_it_goes_on() {
    let s3 = S3::start().await.unwrap();
    let patient = client(&s3, PATIENCE);
    patient.put(&key("run"), "content".into()).await.unwrap();
    s3.freeze(true).unwrap();
    client(&s3, BRIEF).get(&key("run")).await.unwrap_err();
    let (content, ()) = tokio::join!(read(&patient, "run"), async { s3.freeze(false).unwrap() });
    assert_eq!(content, b"content");
}

#[tokio::test]
async fn a_frozen_store_can_be_killed() {
    let mut s3 = S3::start().await.unwrap();
    s3.freeze(true).unwrap();
    s3.restart().await.unwrap();
    client(&s3, PATIENCE).put(&key("run"), "content".into()).await.unwrap();
}

#[tokio::test]
async fn a_slow_store_has_done_what_the_client_did_not_wait_for() {
    let mut s3 = S3::start().await.unwrap();
    s3.slow(PATIENCE).await.unwrap();
    client(&s3, BRIEF).put(&key("run"), "content".into()).await.unwrap_err();
    assert_eq!(s3.objects().unwrap(), ["results/run"]);
    s3.slow(Duration::ZERO).await.unwrap();
    assert_eq!(read(&client(&s3, PATIENCE), "run").await, b"content");
}

#[tokio::test]
async fn a_store_that_refuses_does_nothing() {
    let mut s3 = S3::start().await.unwrap();
    let client = client(&s3, PATIENCE);
    for (status, code) in [(503, "SlowDown"), (500, "InternalError"), (403, "AccessDenied")] {
        s3.refuse(Some(status)).await.unwrap();
        let refused = client.put(&key("run"), bytes(PART_LEN).into()).await.unwrap_err().to_string();
        assert!(refused.contains(code), "{status}: {refused}");
    }
    assert!(s3.objects().unwrap().is_empty());
    s3.refuse(None).await.unwrap();
    client.put(&key("run"), "content".into()).await.unwrap();
}

#[tokio::test]
async fn what_changes_on_its_way_is_refused_by_its_hash() {
    let mut s3 = S3::start().await.unwrap();
    let signed = client(&s3, PATIENCE);
    let hashed = settings(&s3, PATIENCE).with_checksum_algorithm(Checksum::SHA256);
    let hashed = hashed.with_unsigned_payload(true).build().unwrap();
    for (client, code) in [(&signed, "XAmzContentSHA256Mismatch"), (&hashed, "BadDigest")] {
        let mut upload = client.put_multipart(&key("big")).await.unwrap();
        s3.corrupt(true).await.unwrap();
        let refused = client.put(&key("run"), bytes(100_000).into()).await.unwrap_err().to_string();
        assert!(refused.contains("400 Bad Request") && refused.contains(code), "{refused}");
        let refused = upload.put_part(bytes(PART_LEN).into()).await.unwrap_err().to_string();
        assert!(refused.contains("400 Bad Request") && refused.contains(code), "{refused}");
        assert!(s3.objects().unwrap().is_empty());
        s3.corrupt(false).await.unwrap();
        upload.abort().await.unwrap();
        client.put(&key("run"), bytes(100_000).into()).await.unwrap();
        assert!(read(client, "run").await == bytes(100_000), "other bytes come back");
        client.delete(&key("run")).await.unwrap();
    }
}

#[tokio::test]
async fn what_changes_on_its_way_without_a_hash_is_kept() {
    let mut s3 = S3::start().await.unwrap();
    let client = settings(&s3, PATIENCE).with_unsigned_payload(true).build().unwrap();
    s3.corrupt(true).await.unwrap();
    client.put(&key("run"), bytes(100_000).into()).await.unwrap();
    let kept = read(&client, "run").await;
    assert_eq!(kept.iter().zip(bytes(100_000)).filter(|(kept, sent)| **kept != *sent).count(), 1);
}

#[tokio::test]
async fn a_file_that_is_spoiled_is_served_as_it_is() {
    let s3 = S3::start().await.unwrap();
    let client = client(&s3, PATIENCE);
    client.put(&key("run"), "content".into()).await.unwrap();
    let file = s3.path("results/run");
    std::fs::write(&file, "cOntent").unwrap();
    assert_eq!(read(&client, "run").await, b"cOntent");
    std::fs::write(&file, "con").unwrap();
    assert_eq!(read(&client, "run").await, b"con");
    std::fs::remove_file(&file).unwrap();
    client.get(&key("run")).await.unwrap_err();
}
