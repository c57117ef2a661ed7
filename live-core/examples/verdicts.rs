//! Writes generated inputs with the native build's verdicts, one JSON object a line, so that another build
//! can be held to them: `cargo run -p live-core --example verdicts -- FILE [COUNT] [SEED]`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{self, BufWriter, Write as _};

use base64::Engine as _;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or_else(|| io::Error::other("usage: verdicts FILE [COUNT] [SEED]"))?;
    let mut number =
        |default: u64| args.next().map_or(Ok(default), |text| text.parse().map_err(io::Error::other));
    let (count, seed) = (number(20_000)?, number(1)?);
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let mut random = common::Random(seed);
    for _ in 0..count {
        let input = common::input(&mut random);
        let line = serde_json::json!({
            "input": base64::engine::general_purpose::STANDARD.encode(&input),
            "verdict": common::verdict(&input),
        });
        writeln!(out, "{line}")?;
    }
    out.flush()
}
