//! Results over HTTP, as a new user would: started, awaited, read page by page, downloaded and checked; and what everybody
//! is told who asks for what is not there or not theirs.

#![allow(clippy::unwrap_used, reason = "also in helpers, where a panic is the verdict of the test")]

use std::io::Read;
use std::process::Command;
use std::time::Duration;

use flate2::read::GzDecoder;
use reqwest::Method;
use serde_json::{Value, json};
use spark_live_tests::copilot::{Keeping, Person, SECRET, Stand, usual};
use spark_live_tests::{Gateway, GatewayOptions, Signer};
use tokio::time::sleep;

fn signed(subject: &str, role: &str) -> Person {
    Person::with(&Signer::new(SECRET).token(subject, &[role]).unwrap())
}

fn ann() -> Person {
    signed("ann", "trader")
}

fn options() -> GatewayOptions {
    Gateway::options().env("SPARK_JOBS_WORKERS", 2)
}

async fn stand() -> Stand {
    Keeping::Sqlite.stand(options()).await.unwrap()
}

/// A job that has ended as `done`.
async fn done(person: &Person, gateway: &Gateway, params: &Value) -> Value {
    let id = person.start(gateway, params).await.unwrap();
    let job = person.ended(gateway, &id).await.unwrap();
    assert_eq!(job["state"], "done", "{job}");
    job
}

fn id(job: &Value) -> &str {
    job["jobId"].as_str().unwrap()
}

/// Every row of a part, page by page.
async fn rows(person: &Person, gateway: &Gateway, job: &Value, part: &str, limit: u32) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/backtest/jobs/{}/result?part={part}&limit={limit}{cursor}", id(job));
        let page = person.ask(gateway, "GET", &path, None, None).await.unwrap();
        assert_eq!((page.status, page.text("part")), (200, part), "{}", page.envelope);
        let data = &page.envelope["data"];
        assert_eq!(data["resultHash"], job["resultHash"]);
        rows.extend(data["rows"].as_array().unwrap().iter().cloned());
        match data["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => {
                assert_eq!(data["total"], rows.len());
                return rows;
            }
        }
    }
}

async fn link(person: &Person, gateway: &Gateway, job: &Value) -> Value {
    let path = format!("/api/backtest/jobs/{}/result/download", id(job));
    let reply = person.ask(gateway, "GET", &path, None, None).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.envelope);
    reply.envelope["data"].clone()
}

/// What a link leads to; nobody needs a token for it.
async fn fetched(gateway: &Gateway, url: &str, range: Option<&str>) -> (u16, Vec<u8>) {
    let mut request = reqwest::Client::new().get(gateway.url(url));
    if let Some(range) = range {
        request = request.header("Range", range);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.bytes().await.map(|bytes| bytes.to_vec()).unwrap_or_default())
}

fn unpacked(packed: &[u8]) -> Value {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The hash of a file's content as a script of a few lines computes it.
fn hash_of(packed: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), packed).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/result_hash.py");
    let output = Command::new("python3").arg(script).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_is_read_by_pages_and_downloaded_and_all_of_it_is_one() {
    let params = json!({
        "symbol": "AAPL", "from": "2001-01-01", "to": "2010-12-31", "feeBps": 20, "slippageBps": 5,
        "strategy": { "name": "sma_cross", "fast": 10, "slow": 30, "allowShort": true },
    });
    let mut hashes = Vec::new();
    for keeping in [Keeping::Sqlite, Keeping::Postgres] {
        let stand = keeping.stand(options()).await.unwrap();
        let (ann, gateway) = (ann(), &stand.gateway);
        let job = done(&ann, gateway, &params).await;
        assert_eq!(
            (&job["progress"], &job["attempt"], &job["error"]),
            (&json!(1.0), &json!(1), &Value::Null)
        );
        let link = link(&ann, gateway, &job).await;
        let (status, packed) = fetched(gateway, link["url"].as_str().unwrap(), None).await;
        assert_eq!((status, packed.len()), (200, link["bytes"].as_u64().unwrap() as usize));
        assert_eq!(hash_of(&packed), job["resultHash"].as_str().unwrap());
        assert_eq!(
            (&link["contentType"], &link["contentEncoding"]),
            (&json!("application/gzip"), &Value::Null)
        );
        let whole = unpacked(&packed);
        for (part, limit) in [("equity", 1_000), ("trades", 7), ("metrics", 500)] {
            let rows = rows(&ann, gateway, &job, part, limit).await;
            assert!(!rows.is_empty());
            let expected = if part == "metrics" { &json!([whole[part]]) } else { &whole[part] };
            assert!(&Value::from(rows) == expected, "{part}: the sum of the pages is the whole");
        }
        let splits = &whole["metrics"]["splits"];
        assert_eq!(
            splits,
            &json!([{ "ratio": 2, "time": 1_109_548_800_000_u64 }]),
            "only what lies behind its first bar"
        );
        let bundle = format!("/api/copilot/evidence/{}", evidence_of(&ann, gateway).await);
        let bundle = ann.file(gateway, &bundle).await.unwrap();
        assert!(bundle.contains(job["resultHash"].as_str().unwrap()), "the evidence knows the result");
        hashes.push((job["resultHash"].clone(), link["blobSha256"].clone()));
        let again = done(&ann, gateway, &params).await;
        assert_eq!(again["resultHash"], job["resultHash"], "the same again");
    }
    assert_eq!(hashes[0], hashes[1], "on both databases");
}

/// The session that calls without one belong to.
async fn evidence_of(person: &Person, gateway: &Gateway) -> String {
    let proposed = person.call(gateway, "startBacktest", None, &usual()).await.unwrap();
    proposed.text("sessionId").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_have_tags_and_bounds() {
    let stand = stand().await;
    let (ann, gateway) = (ann(), &stand.gateway);
    let job = done(&ann, gateway, &usual()).await;
    let path = format!("/api/backtest/jobs/{}/result?part=equity&limit=5000", id(&job));
    let answer = ann.request(gateway, Method::GET, &path).send().await.unwrap();
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let hash = job["resultHash"].as_str().unwrap();
    assert_eq!(tag, format!("\"{}.equity.0.5000\"", &hash[..16]));
    assert_eq!(answer.headers()["cache-control"], "private, max-age=0, must-revalidate");
    let known = ann.request(gateway, Method::GET, &path).header("If-None-Match", &tag).send().await.unwrap();
    assert_eq!((known.status().as_u16(), known.headers()["etag"].to_str().unwrap()), (304, &*tag));
    let packed =
        ann.request(gateway, Method::GET, &path).header("Accept-Encoding", "gzip").send().await.unwrap();
    assert_eq!(
        packed.headers()["etag"].to_str().unwrap(),
        format!("W/{tag}"),
        "other bytes for the same rows"
    );
    let first: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(first["data"]["rows"].as_array().unwrap().len(), 3_270);

    let bob = signed("bob", "trader");
    let other = done(&ann, gateway, &json!({ "symbol": "IBM", "strategy": { "name": "sma_cross" } })).await;
    let at = |job: &Value, query: &str| format!("/api/backtest/jobs/{}/result?{query}", id(job));
    let cursor = |job: &Value, part: &str| {
        let path = at(job, &format!("part={part}&limit=1"));
        let ann = ann.clone();
        async move { ann.ask(gateway, "GET", &path, None, None).await.unwrap().text("nextCursor").to_owned() }
    };
    let (own, of_other, of_trades) =
        (cursor(&job, "equity").await, cursor(&other, "equity").await, cursor(&job, "trades").await);
    let changed = format!("{}{}", &own[..own.len() - 1], if own.ends_with('A') { "B" } else { "A" });
    for cursor in [&of_other, &of_trades, &changed, &own[1..].to_owned(), &String::new(), &"%00".to_owned()] {
        let path = at(&job, &format!("part=equity&cursor={cursor}"));
        let reply = ann.ask(gateway, "GET", &path, None, None).await.unwrap();
        assert_eq!((reply.judged(), reply.text("field")), ((400, "CURSOR_INVALID"), "cursor"), "{cursor}");
    }
    for limit in ["0", "-1", "5001", "ten", "", "1.5", "+1", "99999999999999999999"] {
        let path = at(&job, &format!("part=equity&limit={limit}"));
        let reply = ann.ask(gateway, "GET", &path, None, None).await.unwrap();
        assert_eq!((reply.judged(), reply.text("field")), ((422, "PARAMS_INVALID"), "limit"), "{limit}");
        assert_eq!(reply.text("allowed"), "a whole number from 1 to 5000");
    }
    for query in ["", "part=", "part=Equity", "part=rows"] {
        let reply = ann.ask(gateway, "GET", &at(&job, query), None, None).await.unwrap();
        assert_eq!((reply.judged(), reply.text("field")), ((422, "PARAMS_INVALID"), "part"), "{query}");
    }
    let reply = ann.ask(gateway, "GET", &at(&job, "part=equity&part=trades"), None, None).await.unwrap();
    assert_eq!(reply.judged(), (400, "BAD_REQUEST"), "said twice");
    for path in [at(&job, "part=equity"), format!("/api/backtest/jobs/{}/result/download", id(&job))] {
        assert_eq!(
            bob.ask(gateway, "GET", &path, None, None).await.unwrap().judged(),
            (404, "JOB_NOT_FOUND")
        );
        assert_eq!(signed("root", "admin").ask(gateway, "GET", &path, None, None).await.unwrap().status, 200);
        let nobody = reqwest::get(gateway.url(&path)).await.unwrap();
        assert_eq!(nobody.status().as_u16(), 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_yet_or_any_more_is_told() {
    let idle = Keeping::Sqlite.stand(Gateway::options()).await.unwrap();
    let (ann, gateway) = (ann(), &idle.gateway);
    let waiting = ann.start(gateway, &usual()).await.unwrap();
    for path in ["result?part=equity", "result/download"] {
        let path = format!("/api/backtest/jobs/{waiting}/{path}");
        let reply = ann.ask(gateway, "GET", &path, None, None).await.unwrap();
        assert_eq!(reply.judged(), (409, "RESULT_NOT_READY"));
        assert!(reply.envelope["data"]["retryAfterMs"].as_u64().unwrap() > 0);
    }
    ann.ask(gateway, "DELETE", &format!("/api/backtest/jobs/{waiting}"), None, None).await.unwrap();
    let path = format!("/api/backtest/jobs/{waiting}/result?part=equity");
    let reply = ann.ask(gateway, "GET", &path, None, None).await.unwrap();
    assert_eq!(reply.judged(), (404, "NOT_FOUND"), "it ended without one");
    assert!(reply.text("reason").contains("cancelled"), "{}", reply.envelope);

    // Kept for a second.
    let brief = options().env("RESULT_RETENTION", "1s").env("SPARK_JOBS_LEASE_MS", 2_000);
    let brief = Keeping::Sqlite.stand(brief).await.unwrap();
    let gateway = &brief.gateway;
    let job = done(&ann, gateway, &usual()).await;
    let url = link(&ann, gateway, &job).await["url"].as_str().unwrap().to_owned();
    let file = gateway.folder().join(format!(".spark/backtest-results/{}.json.gz", id(&job)));
    assert!(file.is_file());
    let path = format!("/api/backtest/jobs/{}/result?part=equity", id(&job));
    for _ in 0..100 {
        let reply = ann.ask(gateway, "GET", &path, None, None).await.unwrap();
        if reply.judged() == (410, "RESULT_EXPIRED") && !file.is_file() {
            break;
        }
        sleep(Duration::from_millis(200)).await;
    }
    let reply = ann.ask(gateway, "GET", &path, None, None).await.unwrap();
    assert_eq!((reply.judged(), file.is_file()), ((410, "RESULT_EXPIRED"), false), "rows and file are gone");
    assert_eq!(fetched(gateway, &url, None).await.0, 410);
    assert_eq!(ann.ended(gateway, id(&job)).await.unwrap()["state"], "done", "the job is still known");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_good_for_one_file_and_a_while() {
    let stand = Keeping::Sqlite.stand(options().env("SPARK_LINK_TTL_MS", 3_000)).await.unwrap();
    let (ann, gateway) = (ann(), &stand.gateway);
    let job = done(&ann, gateway, &usual()).await;
    let other =
        done(&ann, gateway, &json!({ "symbol": "IBM", "strategy": { "name": "buy_and_hold" } })).await;
    let given = link(&ann, gateway, &job).await;
    let url = given["url"].as_str().unwrap();
    let (_, whole) = fetched(gateway, url, None).await;
    let (path, query) = url.split_once('?').unwrap();
    let fields: Vec<&str> = query.split('&').collect();
    let mut bad =
        vec![path.to_owned(), format!("{path}?"), format!("{url}&x=1"), url.replace(id(&job), id(&other))];
    bad.push(url.replace(id(&job), "job_nope"));
    for (at, field) in fields.iter().enumerate() {
        let with = |changed: Option<String>| {
            let fields = fields.iter().enumerate().map(|(n, field)| (n != at, (*field).to_owned()));
            let kept =
                fields.filter_map(|(is_kept, field)| if is_kept { Some(field) } else { changed.clone() });
            format!("{path}?{}", kept.collect::<Vec<_>>().join("&"))
        };
        bad.push(with(None));
        bad.push(format!("{url}&{field}"));
        for byte in 2..field.len() {
            let replaced = if &field[byte..=byte] == "1" { "2" } else { "1" };
            bad.push(with(Some(format!("{}{replaced}{}", &field[..byte], &field[byte + 1..]))));
        }
    }
    assert!(bad.len() > 80, "{}", bad.len());
    for url in &bad {
        let (status, body) = fetched(gateway, url, None).await;
        let envelope: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, envelope["errorCode"].as_str()), (403, Some("LINK_INVALID")), "{url}");
    }
    let len = whole.len();
    for (range, part) in [
        ("bytes=0-0", &whole[..1]),
        ("bytes=-1", &whole[len - 1..]),
        ("bytes=10-", &whole[10..]),
        ("bytes=10-19", &whole[10..20]),
        ("bytes=0-99999999", &whole[..]),
    ] {
        assert_eq!(fetched(gateway, url, Some(range)).await, (206, part.to_vec()), "{range}");
    }
    let many = format!("bytes={}", vec!["0-0"; 1_000].join(","));
    for range in ["bytes=5-2", "bytes=x", "lines=1-2", &many] {
        let (status, body) = fetched(gateway, url, Some(range)).await;
        assert!((status, body.len()) == (200, len), "{range}");
    }
    let client = reqwest::Client::new();
    let beyond = client.get(gateway.url(url)).header("Range", "bytes=99999999-").send().await.unwrap();
    assert_eq!(beyond.headers()["content-range"].to_str().unwrap(), format!("bytes */{len}"));
    assert_eq!(beyond.status().as_u16(), 416);
    let head = client.head(gateway.url(url)).send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()),
        (200, &*len.to_string())
    );
    assert!(head.headers()["repr-digest"].to_str().unwrap().starts_with("sha-256=:"));
    let name = given["filename"].as_str().unwrap();
    assert!(head.headers()["content-disposition"].to_str().unwrap().contains(name));
    let tag = head.headers()["etag"].clone();
    let known = client.get(gateway.url(url)).header("If-None-Match", &tag).send().await.unwrap();
    assert_eq!(known.status().as_u16(), 304);
    let stale = client.get(gateway.url(url)).header("If-Range", "\"old\"").header("Range", "bytes=0-0");
    assert_eq!(stale.send().await.unwrap().status().as_u16(), 200, "the whole of what it is now");
    for method in [Method::PUT, Method::POST, Method::DELETE] {
        assert_eq!(client.request(method, gateway.url(url)).send().await.unwrap().status().as_u16(), 405);
    }
    sleep(Duration::from_millis(3_100)).await;
    let (status, body) = fetched(gateway, url, None).await;
    let envelope: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, envelope["errorCode"].as_str()), (403, Some("LINK_EXPIRED")));
    let log = gateway.stderr().join("\n");
    let code = fields.iter().find_map(|field| field.strip_prefix("s=")).unwrap();
    assert!(!log.contains(code), "no link is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_what_was_written_is_found_when_it_is_handed_out() {
    let stand = stand().await;
    let (ann, gateway) = (ann(), &stand.gateway);
    let job = done(&ann, gateway, &usual()).await;
    let file = gateway.folder().join(format!(".spark/backtest-results/{}.json.gz", id(&job)));
    let good = std::fs::read(&file).unwrap();
    let url = link(&ann, gateway, &job).await["url"].as_str().unwrap().to_owned();
    let path = format!("/api/backtest/jobs/{}/result/download", id(&job));
    let mut found = 0;
    for round in 0..20 {
        let mut bad = good.clone();
        match round % 3 {
            0 => bad[(round * 997) % good.len()] ^= 1 << (round % 8),
            1 => bad.truncate(good.len() - 1 - round),
            _ => bad.iter_mut().rev().take(64).for_each(|byte| *byte = !*byte),
        }
        std::fs::write(&file, &bad).unwrap();
        let (status, body) = fetched(gateway, &url, None).await;
        let is_whole = status == 200 && body.len() == good.len();
        assert!(!is_whole, "{round}: nobody takes it for what it should be");
        found += 1;
        if bad.len() != good.len() {
            let reply = ann.ask(gateway, "GET", &path, None, None).await.unwrap();
            assert_eq!(reply.judged(), (500, "RESULT_CORRUPT"));
            found += 1;
        }
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(ann.ask(gateway, "GET", &path, None, None).await.unwrap().judged(), (500, "RESULT_CORRUPT"));
    let metrics = ann.file(gateway, "/api/public/metrics").await.unwrap();
    let counted = format!("spark_result_integrity_failures_total{{where=\"download\"}} {}", found + 1);
    assert!(metrics.contains(&counted), "{counted}\n{metrics}");
    std::fs::write(&file, &good).unwrap();
    assert_eq!(fetched(gateway, &url, None).await, (200, good));
}

/// What `spark-live doctor` says of a gateway's folder, and its exit code.
fn examined(gateway: &Gateway) -> (Value, i32) {
    let mut command = Command::new(spark_live_tests::binary().unwrap());
    command.args(["doctor", "--json"]).current_dir(gateway.folder());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SPARK_") {
            command.env_remove(name);
        }
    }
    let output = command.output().unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_every_file_that_is_not_what_was_written() {
    let stand = stand().await;
    let (ann, gateway) = (ann(), &stand.gateway);
    let mut jobs = Vec::new();
    for symbol in ["AAPL", "IBM", "MSFT", "GOOG"] {
        jobs.push(
            done(&ann, gateway, &json!({ "symbol": symbol, "strategy": { "name": "sma_cross" } })).await,
        );
    }
    let (report, code) = examined(gateway);
    assert_eq!((code, &report["bad"]), (0, &json!([])), "{report}");
    assert!(report["good"].to_string().contains("4 stored results (local)"), "{report}");
    let file = |job: &Value| gateway.folder().join(format!(".spark/backtest-results/{}.json.gz", id(job)));
    let mut bytes = std::fs::read(file(&jobs[0])).unwrap();
    bytes[1_000] ^= 1;
    std::fs::write(file(&jobs[0]), &bytes).unwrap();
    std::fs::write(file(&jobs[1]), &bytes).unwrap();
    std::fs::remove_file(file(&jobs[2])).unwrap();
    let (report, code) = examined(gateway);
    let bad = report["bad"].as_array().unwrap();
    assert_eq!((code, bad.len()), (1, 3), "{report}");
    for (job, reason) in jobs.iter().zip(["has the digest", " bytes and should have", "is gone"]) {
        let found = bad
            .iter()
            .any(|line| line.as_str().unwrap().contains(id(job)) && line.to_string().contains(reason));
        assert!(found, "{reason}: {report}");
    }
}

/// Days and minutes of bars of one symbol.
fn minutes(count: u32) -> tempfile::TempDir {
    use std::fmt::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::from("Date,Open,High,Low,Close,Volume\n");
    for at in 0..count {
        let time = 1_577_836_800 + u64::from(at) * 60;
        let price = 100.0 + 30.0 * (f64::from(at) / 40.0).sin() + f64::from(at % 1_009 * 79 % 13);
        writeln!(text, "{time},{price:.2},{:.2},{:.2},{price:.2},1000", price + 1.0, price - 1.0).unwrap();
    }
    std::fs::write(dir.path().join("BIG.csv"), text).unwrap();
    dir
}

/// Memory of a process in MiB: now, and the most since it was asked to forget that.
fn memory(pid: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let read = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1_024
    };
    (read("VmRSS:"), read("VmHWM:"))
}

/// 200,000 rows; `SPARK_TEST_LONG=1`: a million. Times are printed, and judged by nobody.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_result_costs_little_memory_and_the_same_at_both_ends() {
    let count = if std::env::var_os("SPARK_TEST_LONG").is_some() { 1_000_000 } else { 200_000 };
    let data = minutes(count);
    let stand = Keeping::Sqlite
        .stand(options().data_dir(data.path()).patience(Duration::from_secs(90)))
        .await
        .unwrap();
    drop(data);
    let (ann, gateway) = (ann(), &stand.gateway);
    std::fs::write(format!("/proc/{}/clear_refs", gateway.pid()), "5").unwrap();
    let (before, _) = memory(gateway.pid());
    let params = json!({ "symbol": "BIG", "interval": "1m", "strategy": { "name": "sma_cross" } });
    let job = done(&ann, gateway, &params).await;
    let given = link(&ann, gateway, &job).await;
    let (_, packed) = fetched(gateway, given["url"].as_str().unwrap(), None).await;
    assert_eq!(hash_of(&packed), job["resultHash"].as_str().unwrap());
    let (_, most) = memory(gateway.pid());
    let path =
        |cursor: &str| format!("/api/backtest/jobs/{}/result?part=equity&limit=1000{cursor}", id(&job));
    let (mut cursor, mut read) = (String::new(), 0);
    let last = loop {
        let page = ann.ask(gateway, "GET", &path(&cursor), None, None).await.unwrap();
        read += page.envelope["data"]["rows"].as_array().unwrap().len();
        match page.envelope["data"]["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break cursor,
        }
    };
    assert_eq!(read, count as usize);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..40 {
        for (cursor, times) in ["", &last].into_iter().zip(&mut times) {
            let began = std::time::Instant::now();
            ann.ask(gateway, "GET", &path(cursor), None, None).await.unwrap();
            times.push(began.elapsed());
        }
    }
    let [first, last] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    println!(
        "{count} rows: {before} MiB before, {most} MiB at most; first page {first:?}, last page {last:?}"
    );
    // What it takes does not grow with the rows: of a million the equity alone is 84 MB.
    assert!(most < before + 40, "{before} MiB before, {most} MiB at most");
}
