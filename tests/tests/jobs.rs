//! Jobs over HTTP: seen, waited for, listed and cancelled, each by whoever may.

#![allow(clippy::unwrap_used, reason = "also in helpers, where a panic is the verdict of the test")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use spark_live_tests::copilot::{Keeping, Person, SECRET, Stand};
use spark_live_tests::live::{Ask, Refused, Transport, until};
use spark_live_tests::{Gateway, Signer};

fn signed(subject: &str, role: &str) -> Person {
    Person::with(&Signer::new(SECRET).token(subject, &[role]).unwrap())
}

async fn stand() -> Stand {
    Keeping::Sqlite.stand(Gateway::options()).await.unwrap()
}

/// The id of a job that was confirmed.
async fn started(person: &Person, gateway: &Gateway) -> String {
    let token = person.propose(gateway).await.unwrap();
    person.confirm(gateway, &token, None).await.unwrap().text("jobId").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_seen_by_its_person_and_by_admins() {
    let stand = stand().await;
    let (ann, gateway) = (signed("ann", "trader"), &stand.gateway);
    let id = started(&ann, gateway).await;
    let path = format!("/api/backtest/jobs/{id}");
    let seen = ann.ask(gateway, "GET", &path, None, None).await.unwrap();
    assert_eq!(
        (seen.status, &seen.envelope["event"], seen.text("jobId")),
        (200, &json!("backtest.job"), &*id)
    );
    let data = &seen.envelope["data"];
    assert_eq!((&data["params"]["symbol"], data["paramsHash"].as_str().unwrap().len()), (&json!("AAPL"), 64));
    assert!(data["version"].as_u64().unwrap() > 0 && data["createdAt"].as_u64().unwrap() > 0);
    for person in [signed("bob", "trader"), signed("eve", "publisher"), Person::guest(gateway).await.unwrap()]
    {
        for method in ["GET", "DELETE"] {
            let reply = person.ask(gateway, method, &path, None, None).await.unwrap();
            assert_eq!(reply.judged(), (404, "JOB_NOT_FOUND"), "{method}: as one that is not there");
        }
    }
    let nobodys = ann.ask(gateway, "GET", "/api/backtest/jobs/job_nope", None, None).await.unwrap();
    assert_eq!(nobodys.judged(), (404, "JOB_NOT_FOUND"));
    assert_eq!(signed("root", "admin").ask(gateway, "GET", &path, None, None).await.unwrap().status, 200);
    let stranger = Person::with("nonsense").ask(gateway, "GET", &path, None, None).await.unwrap();
    assert_eq!(stranger.judged(), (401, "UNAUTHENTICATED"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_job_hears_of_its_end_at_once() {
    let stand = stand().await;
    let (ann, gateway) = (signed("ann", "trader"), &stand.gateway);
    let id = started(&ann, gateway).await;
    let path = format!("/api/backtest/jobs/{id}?wait=25");
    let waiting = async {
        loop {
            let reply = ann.ask(gateway, "GET", &path, None, None).await.unwrap();
            let state = reply.text("state").to_owned();
            if !["queued", "running"].contains(&state.as_str()) {
                return (state, Instant::now());
            }
        }
    };
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let reply = ann.ask(gateway, "DELETE", &path[..path.len() - 8], None, None).await.unwrap();
        (reply.status, Instant::now())
    };
    let ((state, heard_at), (status, cancelled_at)) = tokio::join!(waiting, cancelling);
    assert_eq!((state.as_str(), status), ("cancelled", 200));
    // At once, and not at the next look; the rest is for a machine that is busy.
    assert!(heard_at.saturating_duration_since(cancelled_at) < Duration::from_millis(1_500));
    let ended = ann.ask(gateway, "GET", &path, None, None).await.unwrap();
    assert_eq!(ended.envelope["data"]["error"]["errorCode"], "JOB_CANCELLED");
    let metrics = ann.file(gateway, "/api/public/metrics").await.unwrap();
    assert!(
        metrics.contains("copilot_active_polls 0")
            && metrics.contains("copilot_job_poll_total{status=\"failed\"}")
    );
    for wait in ["-1", "26", "ten", ""] {
        let path = format!("/api/backtest/jobs/{id}?wait={wait}");
        let reply = ann.ask(gateway, "GET", &path, None, None).await.unwrap();
        assert_eq!((reply.judged(), reply.text("field")), ((422, "PARAMS_INVALID"), "wait"), "{wait}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_go_on_page_by_page() {
    let stand = stand().await;
    let (ann, gateway) = (signed("ann", "trader"), &stand.gateway);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(started(&ann, gateway).await);
    }
    started(&signed("bob", "trader"), gateway).await;
    ids.reverse();
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ann
            .ask(gateway, "GET", &format!("/api/backtest/jobs?limit=2{cursor}"), None, None)
            .await
            .unwrap();
        let jobs = page.envelope["data"]["jobs"].as_array().unwrap();
        assert!((1..=2).contains(&jobs.len()));
        listed.extend(jobs.iter().map(|job| job["jobId"].as_str().unwrap().to_owned()));
        match &page.envelope["data"]["nextCursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => break,
        }
    }
    listed.sort_unstable();
    ids.sort_unstable();
    assert_eq!(listed, ids, "her own, each once");
    for (query, code) in [
        ("limit=0", (422, "PARAMS_INVALID")),
        ("limit=201", (422, "PARAMS_INVALID")),
        ("cursor=x", (400, "CURSOR_INVALID")),
        ("more=1", (400, "BAD_REQUEST")),
    ] {
        let reply =
            ann.ask(gateway, "GET", &format!("/api/backtest/jobs?{query}"), None, None).await.unwrap();
        assert_eq!(reply.judged(), code, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jobs_channel_tells_its_person_how_it_stands() {
    let stand = stand().await;
    let gateway = &stand.gateway;
    let token = |subject: &str| Signer::new(SECRET).token(subject, &["trader"]).unwrap();
    let ann = Person::with(&token("ann"));
    let id = started(&ann, gateway).await;
    let channel = format!("job:{id}");
    let addr = gateway.addr().parse().unwrap();
    for transport in Transport::ALL {
        let refused = async {
            let ask = Ask::new([channel.as_str()]).token(token("bob"));
            let mut live = transport.open(addr, &ask).await?;
            until(&mut *live, |envelope| !envelope.ok).await
        };
        let told = match refused.await {
            Ok(envelopes) => envelopes.last().unwrap().text.clone(),
            Err(error) => format!("{error:#} {:?}", error.downcast_ref::<Refused>()),
        };
        assert!(told.contains("FORBIDDEN") || told.contains("CHANNEL_UNKNOWN"), "{told}");
    }
    let mut live =
        Transport::ALL[0].open(addr, &Ask::new([channel.as_str()]).token(token("ann"))).await.unwrap();
    until(&mut *live, |envelope| envelope.event == "system.ack").await.unwrap();
    ann.ask(gateway, "DELETE", &format!("/api/backtest/jobs/{id}"), None, None).await.unwrap();
    let seen = until(&mut *live, |envelope| envelope.event == "job.progress").await.unwrap();
    let data = &serde_json::from_str::<Value>(&seen.last().unwrap().text).unwrap()["data"];
    assert_eq!((&data["jobId"], &data["state"]), (&json!(id), &json!("cancelled")));
    assert!(data["version"].as_u64().unwrap() > 1 && data.get("params").is_none(), "{data}");
}
