//! What every store of results must do, as one suite. It asserts, so it is for tests alone.

#![allow(clippy::panic, reason = "a test that fails panics, wherever it is compiled")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::page::{self, Rows};
use super::{CHUNK_ROWS, EXPIRED_MS, Part, Results, Stored};
use crate::backtest::job::{Committed, End, Job};
use crate::backtest::queue::Queue;
use crate::backtest::queue::conformance::{committed, confirmed};
use crate::confirmation::jobs::Jobs;

/// What a rig does.
pub type RigFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// New and empty tables, by who uses them.
pub struct Tables {
    /// Where results are.
    pub results: Arc<dyn Results>,
    /// Where jobs wait.
    pub queue: Arc<dyn Queue>,
    /// Where they are written down.
    pub jobs: Arc<dyn Jobs>,
}

/// Brings a store to be tested.
pub trait Rig: Send + Sync {
    /// New and empty tables.
    fn fresh(&self) -> RigFuture<'_, Tables>;

    /// Lets so much time pass for leases and results.
    fn advance(&self, ms: i64) -> RigFuture<'_, ()>;
}

/// Asserts all that the stores have in common.
pub async fn suite(rig: &dyn Rig) {
    nothing_is_visible_before_it_is_whole(rig).await;
    pages_go_on_to_the_end(rig).await;
    a_worker_that_has_lost_its_job_writes_no_rows(rig).await;
    results_are_removed_when_their_time_is_over(rig).await;
}

/// Rows from one number to another.
fn rows(from: u64, to: u64) -> String {
    let rows: Vec<String> = (from..to).map(|row| format!("{{\"n\":{row}}}")).collect();
    format!("[{}]", rows.join(","))
}

async fn running(tables: &Tables, id: &str) -> Job {
    confirmed(&tables.jobs, id, id, 1_700_000_000_000).await;
    tables.queue.claim("worker").await.expect("asked").expect("it waits")
}

/// Writes so many rows of equity, and ends the job with them.
async fn whole(tables: &Tables, id: &str, count: u64) -> Stored {
    let job = running(tables, id).await;
    for chunk in 0..count.div_ceil(CHUNK_ROWS) {
        let rows = rows(chunk * CHUNK_ROWS, count.min((chunk + 1) * CHUNK_ROWS));
        assert_eq!(tables.results.put(&job, Part::Equity, chunk, &rows).await, Ok(true));
    }
    assert_eq!(tables.results.get(id).await, Ok(None), "not yet");
    let end = End::Done(Committed {
        equity_rows: count,
        trades_rows: 0,
        metrics: "{\"a\":1}".into(),
        ..committed()
    });
    assert_eq!(tables.queue.end(&job, &end).await, Ok(true));
    tables.results.get(id).await.expect("asked").expect("it is whole")
}

/// The numbers of a page's rows.
fn numbers(page: &Rows) -> Vec<u64> {
    let rows: Vec<serde_json::Value> = serde_json::from_str(&page.json).expect("JSON");
    rows.iter().map(|row| row["n"].as_u64().expect("a number")).collect()
}

async fn nothing_is_visible_before_it_is_whole(rig: &dyn Rig) {
    let tables = rig.fresh().await;
    let stored = whole(&tables, "a", 3).await;
    assert_eq!((stored.attempt, stored.equity_rows, stored.is_expired), (1, 3, false));
    assert_eq!(stored.result_hash, committed().result_hash);
    assert!(stored.expires_at > stored.created_at);
    let page = page::read(&*tables.results, "a", &stored, Part::Metrics, 0, 10).await.expect("read");
    let metrics: serde_json::Value = serde_json::from_str(&page.json).expect("JSON");
    assert_eq!((metrics, page.next), (serde_json::json!([{"a": 1}]), None));
    let none = page::read(&*tables.results, "a", &stored, Part::Trades, 0, 10).await.expect("read");
    assert_eq!(none, Rows { json: "[]".into(), next: None });

    let cancelled = running(&tables, "b").await;
    assert_eq!(tables.results.put(&cancelled, Part::Equity, 0, "[1]").await, Ok(true));
    tables.queue.end(&cancelled, &End::Cancelled).await.expect("ended");
    assert_eq!(tables.results.get("b").await, Ok(None));
    assert_eq!(tables.results.clean_up(100).await, Ok(1), "what was half written");
    assert_eq!(tables.results.clean_up(100).await, Ok(0), "and nothing else");
    assert_eq!(
        numbers(&page::read(&*tables.results, "a", &stored, Part::Equity, 0, 9).await.expect("read")),
        [0, 1, 2]
    );
}

async fn pages_go_on_to_the_end(rig: &dyn Rig) {
    let tables = rig.fresh().await;
    let total = 2 * CHUNK_ROWS + 345;
    let stored = whole(&tables, "a", total).await;
    for limit in [1_u64, 7, 500, CHUNK_ROWS, CHUNK_ROWS + 1, 5_000] {
        // Single rows only around the seams.
        let mut from = if limit == 1 { CHUNK_ROWS - 2 } else { 0 };
        let until = if limit == 1 { CHUNK_ROWS + 2 } else { total };
        let mut seen = Vec::new();
        while from < until {
            let page =
                page::read(&*tables.results, "a", &stored, Part::Equity, from, limit).await.expect("read");
            let numbers = numbers(&page);
            assert!(numbers.len() as u64 <= limit);
            assert_eq!(
                page.next,
                Some(from + numbers.len() as u64).filter(|next| *next < total),
                "{limit} {from}"
            );
            seen.extend(numbers);
            from = page.next.unwrap_or(total);
        }
        let first = if limit == 1 { CHUNK_ROWS - 2 } else { 0 };
        assert_eq!(seen, (first..until).collect::<Vec<_>>(), "{limit}");
    }
    for beyond in [total, total + 1, u64::MAX] {
        let page = page::read(&*tables.results, "a", &stored, Part::Equity, beyond, 10).await.expect("read");
        assert_eq!(page, Rows { json: "[]".into(), next: None });
    }
    let missing = Stored { equity_rows: total + 1, ..stored };
    page::read(&*tables.results, "a", &missing, Part::Equity, total - 1, 10)
        .await
        .expect_err("rows are missing");
}

async fn a_worker_that_has_lost_its_job_writes_no_rows(rig: &dyn Rig) {
    let tables = rig.fresh().await;
    let zombie = running(&tables, "a").await;
    assert_eq!(tables.results.put(&zombie, Part::Equity, 0, "[1]").await, Ok(true));
    rig.advance(60_000).await;
    tables.queue.reap().await.expect("reaped");
    assert_eq!(tables.results.put(&zombie, Part::Equity, 1, "[1]").await, Ok(false));
    let heir = tables.queue.claim("heir").await.expect("asked").expect("it waits again");
    assert_eq!(tables.results.put(&zombie, Part::Equity, 1, "[1]").await, Ok(false));
    assert_eq!(tables.results.put(&heir, Part::Equity, 0, "[{\"n\":7}]").await, Ok(true));
    assert_eq!(
        tables.results.put(&heir, Part::Equity, 0, "[{\"n\":8}]").await,
        Ok(true),
        "once more is the same"
    );
    let end = End::Done(Committed { equity_rows: 1, ..committed() });
    assert_eq!(tables.queue.end(&heir, &end).await, Ok(true));
    let stored = tables.results.get("a").await.expect("asked").expect("it is whole");
    assert_eq!(stored.attempt, 2);
    assert_eq!(
        numbers(&page::read(&*tables.results, "a", &stored, Part::Equity, 0, 9).await.expect("read")),
        [8]
    );
    assert_eq!(tables.results.clean_up(100).await, Ok(1), "the first attempt's");
}

async fn results_are_removed_when_their_time_is_over(rig: &dyn Rig) {
    let tables = rig.fresh().await;
    let stored = whole(&tables, "a", 1_500).await;
    assert_eq!(tables.results.list("", 9).await, Ok(vec![("a".to_owned(), stored.clone())]));
    assert_eq!(tables.results.list("a", 9).await, Ok(vec![]));
    assert_eq!(tables.results.expire(100).await, Ok(0));
    rig.advance(stored.expires_at - stored.created_at + 1_000).await;
    assert_eq!(tables.results.files_left(9).await, Ok(vec![]));
    assert_eq!(tables.results.expire(100).await, Ok(1));
    assert_eq!(tables.results.expire(100).await, Ok(0), "once");
    let expired = tables.results.get("a").await.expect("asked").expect("it is remembered");
    assert!(expired.is_expired);
    assert_eq!(tables.results.list("", 9).await, Ok(vec![]));
    // A few chunks at a time, however many there are.
    assert_eq!(tables.results.clean_up(1).await, Ok(1));
    assert_eq!(tables.results.clean_up(100).await, Ok(1));
    assert_eq!(tables.results.chunks("a", 1, Part::Equity, 0, 9).await, Ok(vec![]));
    assert_eq!(tables.results.files_left(9).await, Ok(vec![("a".to_owned(), 1)]));
    assert!(tables.results.get("a").await.expect("asked").is_some());
    rig.advance(EXPIRED_MS + 1_000).await;
    tables.results.clean_up(100).await.expect("cleaned up");
    assert!(tables.results.get("a").await.expect("asked").is_some(), "its file is still there");
    tables.results.file_removed("a").await.expect("marked");
    assert_eq!(tables.results.files_left(9).await, Ok(vec![]));
    tables.results.clean_up(100).await.expect("cleaned up");
    assert_eq!(tables.results.get("a").await, Ok(None));
}
