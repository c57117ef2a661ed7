//! Writes generated JSON texts with their canonical form by this build, one JSON object a line, so that other builds
//! can be held to it: `cargo run -p live-core --example canonical -- FILE [COUNT] [SEED]`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{self, BufWriter, Write as _};

use base64::Engine as _;
use live_core::canonical::stable_stringify;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or_else(|| io::Error::other("usage: canonical FILE [COUNT] [SEED]"))?;
    let mut number =
        |default: u64| args.next().map_or(Ok(default), |text| text.parse().map_err(io::Error::other));
    let (count, seed) = (number(20_000)?, number(1)?);
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let mut random = common::Random(seed);
    for _ in 0..count {
        let input = common::json::document(&mut random);
        let base64 = base64::engine::general_purpose::STANDARD.encode(&input);
        let line = match stable_stringify(&input) {
            Ok(canonical) => serde_json::json!({ "input": base64, "canonical": canonical }),
            Err(fault) => serde_json::json!({
                "input": base64, "path": fault.path, "reason": fault.reason, "at": fault.at,
            }),
        };
        writeln!(out, "{line}")?;
    }
    out.flush()
}
