//! Where results of jobs are kept, for how long, and how jobs are run.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use super::reader::Reader;

/// Longest time that a result is kept, in days.
const RETENTION_DAYS_MAX: u64 = 3_650;
/// Longest life of a link, which is the longest that S3 knows: 7 days.
const LINK_MS_MAX: u64 = 7 * 24 * 3_600 * 1_000;

/// Where the files of results are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultsPlace {
    /// In this process, to be forgotten with it.
    Memory,
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket of S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// What stands before every name in it; empty or without slashes at its ends.
        prefix: String,
        /// Where the gateway reaches it; `None` is Amazon's own.
        endpoint: Option<String>,
        /// Where people reach it, if elsewhere.
        public_endpoint: Option<String>,
    },
}

/// Where results of jobs are kept, and for how long.
#[derive(Clone, Debug)]
pub struct ResultsConfig {
    /// Where their files are.
    pub place: ResultsPlace,
    /// How long rows and files are kept.
    pub retention: Duration,
    /// How long a link to a file is good.
    pub link_ttl: Duration,
    /// Jobs that are run at once here; none on a node that only serves.
    pub workers: usize,
    /// How long a job may take.
    pub timeout: Duration,
    /// How long a worker has a job without saying that it lives.
    pub lease: Duration,
}

impl ResultsConfig {
    pub(super) fn read(reader: &mut Reader, state_dir: Option<&Option<PathBuf>>) -> Option<Self> {
        let place = read_place(reader, state_dir);
        let wanted = "a number of days, hours, minutes or seconds such as 30d, 12h, 90m, 45s, up to 3650d";
        let retention = reader.checked("result_retention", read_duration, wanted);
        let link_ttl = reader.millis("link_ttl_ms", 1_000..=LINK_MS_MAX);
        let workers = match reader.is("jobs.workers", "auto") {
            true => Some(available_parallelism().map_or(1, NonZero::get)),
            false => reader.size("jobs.workers", 0..=256),
        };
        let timeout = reader.millis("jobs.timeout_ms", 100..=86_400_000);
        let lease = reader.millis("jobs.lease_ms", 2_000..=600_000);
        Some(Self {
            place: place?,
            retention: retention?,
            link_ttl: link_ttl?,
            workers: workers?,
            timeout: timeout?,
            lease: lease?,
        })
    }
}

fn read_place(reader: &mut Reader, state_dir: Option<&Option<PathBuf>>) -> Option<ResultsPlace> {
    let wanted = "s3://bucket or s3://bucket/prefix";
    let is_given = !reader.is("results_url", "");
    let bucket = match is_given {
        true => reader.checked("results_url", read_bucket, wanted).map(Some),
        false => Some(None),
    };
    let (endpoint, public) =
        (read_endpoint(reader, "s3_endpoint"), read_endpoint(reader, "s3_public_endpoint"));
    let (bucket, endpoint, public_endpoint) = (bucket?, endpoint?, public?);
    match (bucket, state_dir?) {
        (Some((bucket, prefix)), _) => Some(ResultsPlace::S3 { bucket, prefix, endpoint, public_endpoint }),
        (None, dir) => {
            for (key, given) in [("s3_endpoint", &endpoint), ("s3_public_endpoint", &public_endpoint)] {
                if given.is_some() {
                    reader.complain(key, "has no use without SPARK_RESULTS_URL");
                }
            }
            Some(dir.clone().map_or(ResultsPlace::Memory, ResultsPlace::Folder))
        }
    }
}

/// Bucket and prefix of an address.
fn read_bucket(url: &str) -> Option<(String, String)> {
    let (bucket, prefix) = url.strip_prefix("s3://")?.split_once('/').unwrap_or((&url[5..], ""));
    let is_bucket = (3..=63).contains(&bucket.len())
        && bucket
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
    let prefix = prefix.trim_matches('/');
    let is_plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let is_prefix = prefix.is_empty() || prefix.split('/').all(is_plain);
    (is_bucket && is_prefix).then(|| (bucket.to_owned(), prefix.to_owned()))
}

fn read_endpoint(reader: &mut Reader, key: &str) -> Option<Option<String>> {
    let read = |text: &str| match text {
        "" => Some(None),
        url => {
            let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
            let is_good =
                !host.is_empty() && !host.contains(['@', '?', '#']) && !host.contains(char::is_whitespace);
            is_good.then(|| Some(url.trim_end_matches('/').to_owned()))
        }
    };
    reader.checked(key, read, "an address such as http://127.0.0.1:9000")
}

/// A time such as `30d`.
fn read_duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "d" => 24 * 3_600,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return None,
    };
    let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = number.parse::<u64>().ok().filter(|_| is_plain)?.checked_mul(seconds)?;
    (1..=RETENTION_DAYS_MAX * 24 * 3_600).contains(&seconds).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        let seconds = |text| read_duration(text).map(|time| time.as_secs());
        assert_eq!(
            ["30d", "12h", "90m", "45s", "3650d"].map(seconds),
            [2_592_000, 43_200, 5_400, 45, 315_360_000].map(Some)
        );
        for bad in
            ["", "d", "30", "0d", "-1d", "+1d", "1.5d", "30 d", "30D", "3651d", "99999999999999999999d", "1ä"]
        {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn buckets_may_have_a_prefix() {
        let read = |url| read_bucket(url).map(|(bucket, prefix)| format!("{bucket}|{prefix}"));
        assert_eq!(read("s3://results").as_deref(), Some("results|"));
        assert_eq!(read("s3://results/").as_deref(), Some("results|"));
        assert_eq!(read("s3://my.results-1/a/b/").as_deref(), Some("my.results-1|a/b"));
        for bad in [
            "",
            "results",
            "s3://",
            "s3://ab",
            "s3://Bucket",
            "s3://bucket/a//b",
            "s3://bucket/../b",
            "http://bucket",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
