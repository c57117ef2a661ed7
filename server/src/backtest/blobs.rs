//! The files of results: `backtest-results/<jobId>.json.gz` in a folder, in S3, or in memory. Each attempt at a job has a file
//! of its own (the second is `<jobId>.2.json.gz`), so that one that was thought dead touches no other's.

use std::fs::File;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientConfigKey, ClientOptions, GetOptions, GetRange, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, RetryConfig,
};
use reqwest::Method;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::document::{Written, hex};
use crate::auth::state_dir;
use crate::config::ResultsPlace;

pub mod http;
pub mod link;

/// Where all of them are.
const FOLDER: &str = "backtest-results";
/// What they are.
pub const CONTENT_TYPE: &str = "application/gzip";
/// Bytes that are sent at once; a file that is not longer is sent in one request. S3 takes parts from 5 MiB on.
const PART_LEN: usize = 5 * 1024 * 1024;
/// How long one request may take, and how long nothing may be heard of it: so long a part may take on its way.
const REQUEST_TIME: Duration = Duration::from_secs(300);
const SILENCE: Duration = Duration::from_secs(20);
/// How long one is repeated that fails.
const RETRY_TIME: Duration = Duration::from_secs(10);

/// Why a file cannot be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is none of that job.
    #[error("there is no such file")]
    Missing,
    /// The storage does not do what it should.
    #[error("{store}: {reason}")]
    Storage {
        /// Which one: `local`, `s3`, `memory`.
        store: &'static str,
        /// What it says, for a log.
        reason: String,
    },
}

/// The files of results.
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    name: &'static str,
    /// Signs links, where the storage answers people itself; with what stands before every name.
    signer: Option<(AmazonS3, String)>,
    /// Where a file is written before it is whole.
    spool: PathBuf,
}

/// A stored file, or a part of it.
pub struct Stored {
    /// Length of the whole.
    pub len: u64,
    /// Its bytes.
    pub bytes: BoxStream<'static, Result<Bytes, BlobError>>,
}

/// What a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// The job.
    pub job_id: &'a str,
    /// The attempt at it, from 1.
    pub attempt: u32,
}

/// A file that nobody may need any more.
pub struct Listed {
    /// The job that it is of.
    pub job_id: String,
    /// The attempt.
    pub attempt: u32,
    /// When it was last written, in milliseconds since the Unix epoch.
    pub modified_at: i64,
}

impl Blobs {
    /// Opens the storage. Credentials of S3 are found as its own tools find them: `AWS_*` variables, a role of the
    /// machine.
    ///
    /// # Errors
    /// When the folder cannot be made, or the settings of S3 are not whole.
    pub fn open(place: &ResultsPlace, state_dir: Option<&FilePath>) -> anyhow::Result<Self> {
        let spool = state_dir.map_or_else(std::env::temp_dir, FilePath::to_owned);
        let (store, name, signer): (Arc<dyn ObjectStore>, _, _) = match place {
            ResultsPlace::Memory => (Arc::new(InMemory::new()), "memory", None),
            ResultsPlace::Folder(dir) => {
                state_dir::prepare(dir)?;
                let store = LocalFileSystem::new_with_prefix(dir).context("open the folder of results")?;
                (Arc::new(store.with_fsync(true)), "local", None)
            }
            ResultsPlace::S3 { bucket, prefix, endpoint, public_endpoint } => {
                let store = s3(bucket, endpoint.as_deref())?;
                let signer = s3(bucket, public_endpoint.as_deref().or(endpoint.as_deref()))?;
                (Arc::new(PrefixStore::new(store, prefix.as_str())), "s3", Some((signer, prefix.clone())))
            }
        };
        Ok(Self { store, name, signer, spool })
    }

    /// What it is: `local`, `s3`, `memory`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The folder in which a file is written before it is whole.
    pub fn spool(&self) -> &FilePath {
        &self.spool
    }

    /// Keeps the file of a job, in place of one that is there. It is seen when it is whole, and not before.
    ///
    /// # Errors
    /// When the storage cannot be used.
    pub async fn put(&self, name: Name<'_>, written: Written, created_at: i64) -> Result<(), BlobError> {
        let attributes = match self.name {
            // Folders have none.
            "local" => Attributes::new(),
            _ => Attributes::from_iter([
                (Attribute::ContentType, CONTENT_TYPE.to_owned()),
                (Attribute::Metadata("resultHash".into()), written.result_hash.clone()),
                (Attribute::Metadata("createdAt".into()), created_at.to_string()),
            ]),
        };
        self.send(&path(name), written.file, attributes).await
    }

    async fn send(&self, path: &Path, file: File, attributes: Attributes) -> Result<(), BlobError> {
        let mut file = tokio::fs::File::from_std(file);
        let first = self.part(&mut file).await?;
        if first.len() < PART_LEN {
            let options = PutOptions { attributes, ..PutOptions::default() };
            return self
                .store
                .put_opts(path, first.into(), options)
                .await
                .map(drop)
                .map_err(|error| self.told(error));
        }
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let mut upload =
            self.store.put_multipart_opts(path, options).await.map_err(|error| self.told(error))?;
        let sent = async {
            let mut part = first;
            while !part.is_empty() {
                upload.put_part(part.into()).await.map_err(|error| self.told(error))?;
                part = self.part(&mut file).await?;
            }
            upload.complete().await.map(drop).map_err(|error| self.told(error))
        };
        let sent = sent.await;
        if sent.is_err() {
            // As well as it goes: what is left of it is never seen.
            let _ = upload.abort().await;
        }
        sent
    }

    /// The next bytes of a file; fewer than [`PART_LEN`] at its end.
    async fn part(&self, file: &mut tokio::fs::File) -> Result<Bytes, BlobError> {
        let mut part = BytesMut::with_capacity(PART_LEN);
        while part.len() < PART_LEN {
            let left = (PART_LEN - part.len()) as u64;
            let read = file.take(left).read_buf(&mut part).await;
            if read.map_err(|error| self.failed(error.to_string()))? == 0 {
                break;
            }
        }
        Ok(part.freeze())
    }

    /// Reads a file, or a range of it, as it comes.
    ///
    /// # Errors
    /// When it is not there, or the storage cannot be used.
    pub async fn read(
        &self,
        name: Name<'_>,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<Stored, BlobError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.store.get_opts(&path(name), options).await.map_err(|error| self.told(error))?;
        let (len, store) = (found.meta.size, self.name);
        let bytes = found.into_stream().map(move |piece| piece.map_err(|error| told(store, error)));
        Ok(Stored { len, bytes: bytes.boxed() })
    }

    /// Length of a file.
    ///
    /// # Errors
    /// When it is not there, or the storage cannot be used.
    pub async fn len(&self, name: Name<'_>) -> Result<u64, BlobError> {
        self.store.head(&path(name)).await.map(|meta| meta.size).map_err(|error| self.told(error))
    }

    /// SHA-256 of a file as it is stored.
    ///
    /// # Errors
    /// When it is not there, or the storage cannot be used.
    pub async fn sha256(&self, name: Name<'_>) -> Result<String, BlobError> {
        let mut stored = self.read(name, None).await?;
        let mut sha = Sha256::new();
        while let Some(piece) = stored.bytes.next().await {
            sha.update(&piece?);
        }
        Ok(hex(sha))
    }

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    /// When the storage cannot be used.
    pub async fn remove(&self, name: Name<'_>) -> Result<(), BlobError> {
        match self.store.delete(&path(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.told(error)),
        }
    }

    /// All files, by the jobs that they are named after.
    pub fn list(&self) -> BoxStream<'static, Result<Listed, BlobError>> {
        let name = self.name;
        let listed = self.store.list(Some(&Path::from(FOLDER))).filter_map(move |found| async move {
            let found = match found {
                Ok(found) => found,
                Err(error) => return Some(Err(told(name, error))),
            };
            let stem = found.location.filename()?.strip_suffix(".json.gz")?;
            let (job_id, attempt) = match stem.split_once('.') {
                Some((job_id, attempt)) => (job_id.to_owned(), attempt.parse().ok()?),
                None => (stem.to_owned(), 1),
            };
            Some(Ok(Listed { job_id, attempt, modified_at: found.last_modified.timestamp_millis() }))
        });
        listed.boxed()
    }

    /// A link that leads to a file in the storage itself, under a name to be saved by; `None` where the gateway hands
    /// files out.
    ///
    /// # Errors
    /// When there are no credentials to sign with.
    pub async fn presigned(
        &self,
        name: Name<'_>,
        filename: &str,
        ttl: Duration,
    ) -> Result<Option<String>, BlobError> {
        let Some((signer, prefix)) = &self.signer else { return Ok(None) };
        let place = Path::from(format!("{prefix}/{}", path(name)));
        let disposition = disposition(filename);
        let options = SignedUrlOptions::default().with_query([
            ("response-content-disposition", disposition),
            ("response-content-type", CONTENT_TYPE.into()),
        ]);
        let link = signer.signed_url_opts(Method::GET, &place, ttl, &options).await;
        link.map(|link| Some(link.into())).map_err(|error| self.told(error))
    }

    fn told(&self, error: object_store::Error) -> BlobError {
        told(self.name, error)
    }

    fn failed(&self, reason: String) -> BlobError {
        BlobError::Storage { store: self.name, reason }
    }
}

/// How a browser saves a file (RFC 6266, with the name as of RFC 8187).
pub fn disposition(filename: &str) -> String {
    format!("attachment; filename=\"{filename}\"; filename*=UTF-8''{filename}")
}

fn told(store: &'static str, error: object_store::Error) -> BlobError {
    match error {
        object_store::Error::NotFound { .. } => BlobError::Missing,
        error => BlobError::Storage { store, reason: error.to_string() },
    }
}

fn path(Name { job_id, attempt }: Name<'_>) -> Path {
    match attempt {
        1 => Path::from(format!("{FOLDER}/{job_id}.json.gz")),
        attempt => Path::from(format!("{FOLDER}/{job_id}.{attempt}.json.gz")),
    }
}

fn s3(bucket: &str, endpoint: Option<&str>) -> anyhow::Result<AmazonS3> {
    // More than one library brings a provider of cryptography, so that none is the default by itself.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(2), ..BackoffConfig::default() };
    // Bounded by time alone: the attempts at a job outlast half a minute without the storage.
    let retry = RetryConfig { backoff, retry_timeout: RETRY_TIME, max_retries: usize::MAX };
    let client = ClientOptions::new()
        .with_timeout(REQUEST_TIME)
        .with_config(ClientConfigKey::ReadTimeout, format!("{} seconds", SILENCE.as_secs()))
        .with_connect_timeout(Duration::from_secs(3));
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_retry(retry)
        // What is changed on its way is refused there.
        .with_checksum_algorithm(Checksum::SHA256);
    let mut client = client;
    if let Some(endpoint) = endpoint {
        client = client.with_allow_http(endpoint.starts_with("http://"));
        builder = builder.with_endpoint(endpoint);
    }
    builder.with_client_options(client).build().context("open SPARK_RESULTS_URL")
}

#[cfg(test)]
mod tests;
