//! Files of results in S3: kept, linked to and spoiled, and jobs whose storage is down, slow or lying.
//!
//! `SPARK_TEST_LONG=1` runs the long form.

#![allow(clippy::unwrap_used, reason = "also in helpers, where a panic is the verdict of the test")]

use std::time::Duration;

use live_core::canonical::sha256_hex;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use spark_live_tests::copilot::{Keeping, Person, SECRET, Stand, usual};
use spark_live_tests::s3::{PREFIX, S3};
use spark_live_tests::{Gateway, Signer};
use tokio::time::sleep;

fn is_long() -> bool {
    std::env::var_os("SPARK_TEST_LONG").is_some()
}

fn ann() -> Person {
    Person::with(&Signer::new(SECRET).token("ann", &["trader"]).unwrap())
}

/// A gateway on PostgreSQL and S3.
async fn stand(s3: &S3, more: &[(&str, &str)]) -> Stand {
    let mut options =
        Gateway::options().envs(s3.env()).env("SPARK_JOBS_WORKERS", 2).env("SPARK_JOBS_LEASE_MS", 2_000);
    for (name, value) in more {
        options = options.env(name, value);
    }
    Keeping::Postgres.stand(options).await.unwrap()
}

async fn ended(stand: &Stand, id: &str) -> Value {
    ann().ended(&stand.gateway, id).await.unwrap()
}

async fn done(stand: &Stand) -> Value {
    let id = ann().start(&stand.gateway, &usual()).await.unwrap();
    let job = ended(stand, &id).await;
    assert_eq!(job["state"], "done", "{job}");
    job
}

fn key(job: &Value) -> String {
    format!("{PREFIX}/backtest-results/{}.json.gz", job["jobId"].as_str().unwrap())
}

async fn link(stand: &Stand, job: &Value) -> (u16, Value) {
    let path = format!("/api/backtest/jobs/{}/result/download", job["jobId"].as_str().unwrap());
    let reply = ann().ask(&stand.gateway, "GET", &path, None, None).await.unwrap();
    (reply.status, reply.envelope)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_is_downloaded_from_the_storage_itself() {
    let s3 = S3::start().await.unwrap();
    let stand = stand(&s3, &[("SPARK_LINK_TTL_MS", "3000")]).await;
    let job = done(&stand).await;
    assert_eq!((s3.objects().unwrap(), s3.uploads().unwrap()), (vec![key(&job)], 0));
    let (status, envelope) = link(&stand, &job).await;
    let data = &envelope["data"];
    let url = data["url"].as_str().unwrap();
    assert!(status == 200 && url.starts_with(&s3.endpoint()), "{url}");
    let client = Client::new();
    let answer = client.get(url).send().await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((answer.status().as_u16(), header("content-type").as_str()), (200, "application/gzip"));
    assert_eq!(header("x-amz-meta-resulthash"), job["resultHash"].as_str().unwrap());
    assert!(header("content-disposition").contains(data["filename"].as_str().unwrap()));
    assert!(!answer.headers().contains_key("content-encoding"), "it is a file, and no packed page");
    let bytes = answer.bytes().await.unwrap();
    assert_eq!(
        (sha256_hex(&bytes), bytes.len()),
        (data["blobSha256"].as_str().unwrap().to_owned(), data["bytes"].as_u64().unwrap() as usize)
    );
    let part = client.get(url).header("Range", "bytes=0-9").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.bytes().await.unwrap()), (206, bytes.slice(..10)));
    let (before, signature) = url.split_once("X-Amz-Signature=").unwrap();
    let changed = if signature.starts_with('1') { "2" } else { "1" };
    for bad in [
        format!("{before}X-Amz-Signature={changed}{}", &signature[1..]),
        url.replace("X-Amz-Expires=3", "X-Amz-Expires=300"),
        url.replace(job["jobId"].as_str().unwrap(), "job_other"),
        before.trim_end_matches('&').to_owned(),
        url.split_once('?').unwrap().0.to_owned(),
    ] {
        assert_ne!(bad, url);
        let status = client.get(&bad).send().await.unwrap().status().as_u16();
        assert!(status == 403 || status == 400, "{status} {bad}");
    }
    assert_eq!(client.request(Method::PUT, url).body("x").send().await.unwrap().status().as_u16(), 403);
    sleep(Duration::from_millis(4_100)).await;
    assert_eq!(client.get(url).send().await.unwrap().status().as_u16(), 403, "its time is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_spoiled_is_found() {
    let s3 = S3::start().await.unwrap();
    let stand = stand(&s3, &[]).await;
    let job = done(&stand).await;
    let file = s3.path(&key(&job));
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, &good[..good.len() - 1]).unwrap();
    assert_eq!(link(&stand, &job).await.1["errorCode"], "RESULT_CORRUPT", "cut short");
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    std::fs::write(&file, &flipped).unwrap();
    let (_, envelope) = link(&stand, &job).await;
    let bytes = Client::new()
        .get(envelope["data"]["url"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_ne!(sha256_hex(&bytes), envelope["data"]["blobSha256"], "whoever looks at the digest knows");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(link(&stand, &job).await.1["errorCode"], "RESULT_CORRUPT", "gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_waits_for_its_storage_or_fails_by_its_name() {
    let mut s3 = S3::start().await.unwrap();
    let stand = stand(&s3, &[]).await;
    let expected = done(&stand).await["resultHash"].clone();
    let rounds = if is_long() { 10 } else { 1 };
    let away = Duration::from_secs(if is_long() { 20 } else { 3 });
    for round in 0..rounds {
        for fault in ["killed", "frozen", "refusing", "slow", "lying"] {
            match fault {
                "killed" => s3.kill().await.unwrap(),
                "frozen" => s3.freeze(true).unwrap(),
                "refusing" => s3.refuse(Some(503)).await.unwrap(),
                "slow" => s3.slow(Duration::from_secs(2)).await.unwrap(),
                _ => s3.corrupt(true).await.unwrap(),
            }
            let id = ann().start(&stand.gateway, &usual()).await.unwrap();
            sleep(away).await;
            let path = format!("/api/backtest/jobs/{id}/result?part=equity");
            if fault != "slow" {
                let reply = ann().ask(&stand.gateway, "GET", &path, None, None).await.unwrap();
                let code = reply.code();
                assert!(
                    ["RESULT_NOT_READY", "NOT_FOUND"].contains(&code),
                    "{fault}: nothing half-written is seen"
                );
            }
            match fault {
                "killed" => s3.restart().await.unwrap(),
                "frozen" => s3.freeze(false).unwrap(),
                "refusing" => s3.refuse(None).await.unwrap(),
                "slow" => s3.slow(Duration::ZERO).await.unwrap(),
                _ => s3.corrupt(false).await.unwrap(),
            }
            let job = ended(&stand, &id).await;
            match job["state"].as_str().unwrap() {
                "done" => assert_eq!(job["resultHash"], expected, "{fault}"),
                state => {
                    assert_eq!(
                        (state, &job["error"]["cause"]),
                        ("failed", &json!("storage")),
                        "{fault}: {job}"
                    );
                    assert_eq!(job["error"]["message"], "the storage of results (s3) cannot be used");
                }
            }
            println!("{round} {fault}: {} after attempt {}", job["state"], job["attempt"]);
            let (status, envelope) = link(&stand, &job).await;
            assert_eq!(status == 200, job["state"] == "done", "{fault}: {envelope}");
        }
    }
    // Down for longer than anybody waits.
    s3.refuse(Some(503)).await.unwrap();
    let id = ann().start(&stand.gateway, &usual()).await.unwrap();
    let job = ended(&stand, &id).await;
    assert_eq!((&job["state"], &job["error"]["cause"]), (&json!("failed"), &json!("storage")), "{job}");
    let reply =
        ann().ask(&stand.gateway, "GET", &format!("/api/backtest/jobs/{id}"), None, None).await.unwrap();
    assert_eq!(reply.status, 200, "everything else goes on");
    s3.refuse(None).await.unwrap();
    done(&stand).await;
    assert_eq!(s3.uploads().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_attempt_has_a_file_of_its_own() {
    let mut s3 = S3::start().await.unwrap();
    let stand = stand(&s3, &[]).await;
    s3.refuse(Some(503)).await.unwrap();
    let id = ann().start(&stand.gateway, &usual()).await.unwrap();
    let path = format!("/api/backtest/jobs/{id}");
    let again = async {
        loop {
            let job =
                ann().ask(&stand.gateway, "GET", &path, None, None).await.unwrap().envelope["data"].clone();
            if job["attempt"] == 2 {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.unwrap();
    s3.refuse(None).await.unwrap();
    let job = ended(&stand, &id).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("done"), &json!(2)), "{job}");
    let name = format!("{PREFIX}/backtest-results/{id}.2.json.gz");
    assert_eq!(s3.objects().unwrap(), [name]);
    // What the first attempt may still write changes nothing.
    let late = s3.path(&key(&job));
    std::fs::write(&late, "late").unwrap();
    let (status, envelope) = link(&stand, &job).await;
    let bytes = Client::new()
        .get(envelope["data"]["url"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_eq!(
        (status, sha256_hex(&bytes)),
        (200, envelope["data"]["blobSha256"].as_str().unwrap().to_owned())
    );
}
