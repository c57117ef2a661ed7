//! The harness's S3-compatible store as a process of its own, so that a test can kill, freeze and restart it, and for
//! tests in other languages: it serves a folder, on a given port or on a free one, and does what it is told.
//!
//! ```text
//! spark-live-test-s3 <folder> [<port>]
//! ```
//!
//! It prints where it is and what to sign with as one line of JSON and then reads commands, one a line:
//!
//! ```text
//! slow 500            holds every answer back, in milliseconds; `slow 0` ends it
//! refuse 503          answers every request so; `refuse no` ends it
//! corrupt on          changes one byte of what is uploaded, before it is looked at; `corrupt off` ends it
//! ```
//! Once a command is in force, a line of JSON says so. It ends with its standard input. What it does not understand it
//! says on its error output.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use spark_live_tests::s3::{ACCESS_KEY, BUCKET, Faults, REGION, S3Server, SECRET_KEY};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("usage: spark-live-test-s3 <folder> [<port>]")?;
    let port = arguments.next().map_or(Ok(0), |port| port.parse()).context("the port")?;
    let server = S3Server::open(Path::new(&folder), port).await?;
    let addr = server.addr()?;
    let keys = json!({"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY, "region": REGION});
    println!("{}", json!({"url": format!("http://{addr}"), "addr": addr, "bucket": BUCKET, "keys": keys}));
    let faults = server.faults();
    tokio::select! {
        ended = server.serve() => ended,
        ended = listen(&faults) => ended,
    }
}

/// Obeys until the standard input ends.
async fn listen(faults: &Faults) -> Result<()> {
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match faults.obey(&line) {
            Some(()) => println!("{}", json!({"done": line})),
            None => eprintln!("not understood: {line}"),
        }
    }
    Ok(())
}
