//! `spark-live doctor`: whether the stores answer and are set up well, and whether every stored result is what was written.

use std::fmt;

use serde::Serialize;

use crate::backtest::blobs::{BlobError, Blobs};
use crate::backtest::results::page;
use crate::backtest::results::{Part, Results, Stored};
use crate::config::Config;
use crate::confirmation::record::MacKeys;
use crate::signing::SigningKeys;
use crate::stores::Stores;

/// Results that are asked for at once.
const RESULTS_AT_ONCE: u32 = 100;

/// What was found.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What was looked at and is good.
    pub good: Vec<String>,
    /// What works, and should be set up otherwise.
    pub advice: Vec<String>,
    /// What does not work, or is not what was written.
    pub bad: Vec<String>,
}

impl Report {
    /// Whether nothing is bad. What should only be otherwise is no fault.
    pub fn is_good(&self) -> bool {
        self.bad.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [("good", &self.good), ("advice", &self.advice), ("BAD", &self.bad)];
        let lines =
            kinds.iter().flat_map(|(kind, lines)| lines.iter().map(move |line| format!("{kind:<7} {line}")));
        to.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

/// Looks at everything that a gateway with these settings keeps things in.
pub async fn examine(config: &Config) -> Report {
    let mut report = Report::default();
    if let Err(error) = look(config, &mut report).await {
        report.bad.push(format!("{error:#}"));
    }
    report
}

async fn look(config: &Config, report: &mut Report) -> anyhow::Result<()> {
    let dir = config.state_dir.as_deref();
    let signing = SigningKeys::open(&config.stores.signing_keys, dir)?;
    let stores = Stores::open(&config.stores, dir, MacKeys::of(&signing), config.results.lease).await?;
    let name = stores.confirmations.name();
    match stores.confirmations.ping().await {
        Ok(()) => report.good.push(format!("the store of tokens ({name}) answers")),
        Err(error) => report.bad.push(format!("the store of tokens ({name}): {error}")),
    }
    report.advice.extend(stores.confirmations.advice().await?);
    let depth = stores.queue.depth().await?;
    report.good.push(format!("the database of jobs answers; it has {}", depth.by_state.iter().sum::<u64>()));
    let blobs = Blobs::open(&config.results.place, dir)?;
    let counted = check_results(&*stores.results, &blobs, report).await?;
    let name = blobs.name();
    report.good.push(format!(
        "{counted} stored results ({name}) are there: files as they were written, and all rows"
    ));
    Ok(())
}

/// Looks at every result; how many are good.
async fn check_results(results: &dyn Results, blobs: &Blobs, report: &mut Report) -> anyhow::Result<u64> {
    let (mut behind, mut good) = (String::new(), 0);
    loop {
        let found = results.list(&behind, RESULTS_AT_ONCE).await?;
        let Some((last, _)) = found.last() else { return Ok(good) };
        behind.clone_from(last);
        for (job_id, stored) in &found {
            let faults = [check_file(blobs, job_id, stored).await, check_rows(results, job_id, stored).await];
            let mut faults: Vec<String> = faults.into_iter().filter_map(Result::err).collect();
            // Its time may be over since it was listed.
            if !faults.is_empty() && results.get(job_id).await?.is_none_or(|result| result.is_expired) {
                faults.clear();
            }
            good += u64::from(faults.is_empty());
            report.bad.extend(faults.into_iter().map(|fault| format!("the result of {job_id}: {fault}")));
        }
    }
}

async fn check_file(blobs: &Blobs, job_id: &str, stored: &Stored) -> Result<(), String> {
    let told = |error| match error {
        BlobError::Missing => "its file is gone".to_owned(),
        error => format!("its file cannot be read: {error}"),
    };
    let len = blobs.len(stored.file(job_id)).await.map_err(told)?;
    if len != stored.blob_bytes {
        return Err(format!("its file has {len} bytes and should have {}", stored.blob_bytes));
    }
    match blobs.sha256(stored.file(job_id)).await.map_err(told)? {
        sha256 if sha256 == stored.blob_sha256 => Ok(()),
        sha256 => Err(format!("its file has the digest {sha256} and should have {}", stored.blob_sha256)),
    }
}

/// Reads all rows, and what is beside them.
async fn check_rows(results: &dyn Results, job_id: &str, stored: &Stored) -> Result<(), String> {
    for part in [Part::Equity, Part::Trades] {
        let mut from = 0;
        while from < stored.rows(part) {
            let read = page::read(results, job_id, stored, part, from, page::ROWS_MAX).await;
            let read = read.map_err(|error| format!("its rows of {}: {}", part.name(), error.reason))?;
            from = read.next.unwrap_or(u64::MAX);
        }
    }
    let metrics = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&stored.metrics);
    metrics.map(drop).map_err(|_| "its metrics are no object".to_owned())
}
