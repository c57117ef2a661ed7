//! The file of a result, written as it is made: one document of canonical JSON (RFC 8785), `{"equity":[..],"metrics":{..},
//! "trades":[..]}`, packed with gzip.
//!
//! The hash of the unpacked text is the result's: `gunzip -c FILE | sha256sum`. The same rows make the same bytes. Memory
//! stays flat: rows go to a file without a name as they come, and those of trades, which stand behind the metrics, wait in
//! another.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use live_core::canonical::write_number;
use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use super::engine::{EquityRow, Trade};

/// How hard it is packed; fixed, because it is part of what makes the bytes the same.
const LEVEL: u32 = 6;
/// Bytes of trades that wait in memory before they wait in a file.
const SPOOL_BYTES: usize = 1024 * 1024;

/// A document that is being written.
pub struct Document {
    packed: GzEncoder<Counted<BufWriter<File>>>,
    plain: Sha256,
    trades: SpooledTempFile,
    has_equity: bool,
    has_trades: bool,
}

/// A document that is whole.
#[derive(Debug)]
pub struct Written {
    /// Its packed bytes, from the beginning.
    pub file: File,
    /// SHA-256 of the text.
    pub result_hash: String,
    /// SHA-256 of the packed bytes.
    pub blob_sha256: String,
    /// How many these are.
    pub blob_bytes: u64,
}

impl Document {
    /// Begins a document in a folder; nothing of it can be seen there.
    ///
    /// # Errors
    /// When no file can be made there.
    pub fn create(dir: &Path) -> io::Result<Self> {
        let file = Counted { inner: BufWriter::new(tempfile::tempfile_in(dir)?), sha: Sha256::new(), len: 0 };
        let mut document = Self {
            // Without a name and a time of its own.
            packed: GzEncoder::new(file, Compression::new(LEVEL)),
            plain: Sha256::new(),
            trades: tempfile::spooled_tempfile_in(SPOOL_BYTES, dir),
            has_equity: false,
            has_trades: false,
        };
        document.write(br#"{"equity":["#)?;
        Ok(document)
    }

    /// Adds rows of equity: canonical JSON, separated by commas.
    ///
    /// # Errors
    /// When the file cannot take them.
    pub fn equity(&mut self, rows: &str) -> io::Result<()> {
        if std::mem::replace(&mut self.has_equity, true) {
            self.write(b",")?;
        }
        self.write(rows.as_bytes())
    }

    /// Adds rows of trades in the same form.
    ///
    /// # Errors
    /// When the file cannot take them.
    pub fn trades(&mut self, rows: &str) -> io::Result<()> {
        if std::mem::replace(&mut self.has_trades, true) {
            self.trades.write_all(b",")?;
        }
        self.trades.write_all(rows.as_bytes())
    }

    /// Ends the document with its metrics, an object in canonical JSON.
    ///
    /// # Errors
    /// When the file cannot take them.
    pub fn finish(mut self, metrics: &str) -> io::Result<Written> {
        self.write(br#"],"metrics":"#)?;
        self.write(metrics.as_bytes())?;
        self.write(br#","trades":["#)?;
        self.trades.seek(SeekFrom::Start(0))?;
        let mut piece = vec![0; 64 * 1024];
        loop {
            let len = match self.trades.read(&mut piece) {
                Ok(0) => break,
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.write(&piece[..len])?;
        }
        self.write(b"]}")?;
        let Counted { inner, sha, len } = self.packed.finish()?;
        let mut file = inner.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Written { file, result_hash: hex(self.plain), blob_sha256: hex(sha), blob_bytes: len })
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.plain.update(text);
        self.packed.write_all(text)
    }
}

/// Digits of a hash.
pub fn hex(sha: Sha256) -> String {
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Counts and hashes what goes through it.
struct Counted<W> {
    inner: W,
    sha: Sha256,
    len: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.inner.write(bytes)?;
        self.sha.update(&bytes[..len]);
        self.len += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Appends a row of equity in canonical JSON.
pub fn write_equity(out: &mut String, row: &EquityRow) {
    let EquityRow { open_time, equity, cash, units, drawdown } = *row;
    number(out, "{\"cash\":", cash);
    number(out, ",\"drawdown\":", drawdown);
    number(out, ",\"equity\":", equity);
    whole(out, ",\"openTime\":", Some(open_time));
    whole(out, ",\"units\":", Some(units));
    out.push('}');
}

/// Appends a row of a trade in canonical JSON.
pub fn write_trade(out: &mut String, trade: &Trade) {
    let signed = |number: u64| number as i64;
    whole(out, "{\"entryBar\":", Some(signed(trade.entry_bar)));
    number(out, ",\"entryPrice\":", trade.entry_price);
    whole(out, ",\"entryTime\":", Some(trade.entry_time));
    whole(out, ",\"exitBar\":", trade.exit_bar.map(signed));
    match trade.exit_price {
        Some(price) => number(out, ",\"exitPrice\":", price),
        None => out.push_str(",\"exitPrice\":null"),
    }
    whole(out, ",\"exitTime\":", trade.exit_time);
    number(out, ",\"fees\":", trade.fees);
    whole(out, ",\"n\":", Some(signed(trade.n)));
    number(out, ",\"pnl\":", trade.pnl);
    whole(out, ",\"units\":", Some(trade.units));
    out.push('}');
}

fn number(out: &mut String, name: &str, number: f64) {
    out.push_str(name);
    // JSON has no infinities: what has left all bounds is not known.
    if number.is_finite() { write_number(out, number) } else { out.push_str("null") }
}

fn whole(out: &mut String, name: &str, number: Option<i64>) {
    use std::fmt::Write as _;
    out.push_str(name);
    // Writing to a string cannot fail.
    let _ = match number {
        Some(number) => write!(out, "{number}"),
        None => out.write_str("null"),
    };
}

#[cfg(test)]
mod tests {
    use flate2::read::GzDecoder;
    use live_core::canonical::{sha256_hex, stable_stringify};
    use proptest::prelude::*;

    use super::*;

    fn unpacked(written: &Written) -> String {
        let mut text = String::new();
        GzDecoder::new(&written.file).read_to_string(&mut text).expect("packed");
        text
    }

    fn trade(n: u64, exit: Option<f64>) -> Trade {
        Trade {
            n,
            units: -3,
            entry_bar: 1,
            entry_time: 86_400_000,
            entry_price: 1.5,
            exit_bar: exit.map(|_| 4),
            exit_time: exit.map(|_| 4 * 86_400_000),
            exit_price: exit,
            pnl: -0.1,
            fees: 1e-7,
        }
    }

    #[test]
    fn it_is_one_canonical_document_with_the_hash_of_its_text() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = || {
            let mut document = Document::create(dir.path()).expect("made");
            for part in ["{\"a\":1},{\"a\":2}", "{\"a\":3}"] {
                document.trades(part).expect("taken");
                document.equity(part).expect("taken");
            }
            document.finish("{\"sharpe\":null}").expect("whole")
        };
        let (written, again) = (write(), write());
        let text = unpacked(&written);
        let rows = r#"[{"a":1},{"a":2},{"a":3}]"#;
        assert_eq!(text, format!(r#"{{"equity":{rows},"metrics":{{"sharpe":null}},"trades":{rows}}}"#));
        assert_eq!(stable_stringify(text.as_bytes()).as_ref(), Ok(&text));
        assert_eq!(written.result_hash, sha256_hex(text.as_bytes()));
        let mut packed = Vec::new();
        (&again.file).read_to_end(&mut packed).expect("read");
        assert_eq!(
            (again.blob_sha256.as_str(), again.blob_bytes),
            (&*sha256_hex(&packed), packed.len() as u64)
        );
        assert_eq!(written.blob_sha256, again.blob_sha256, "the same bytes");
        let empty = Document::create(dir.path()).expect("made").finish("{}").expect("whole");
        assert_eq!(unpacked(&empty), r#"{"equity":[],"metrics":{},"trades":[]}"#);
        assert_eq!(dir.path().read_dir().expect("read").count(), 0, "nothing of it can be seen");
    }

    proptest! {
        #[test]
        fn rows_are_as_their_json_is_in_canonical_form(
            open_time in -1_i64 << 53..1 << 53, equity: f64, cash: f64, units in -9_000_000_000_000_000_i64..1 << 53,
            drawdown in 0.0..1.0_f64, exit: Option<f64>, n in 1_u64..1 << 53,
        ) {
            let row = EquityRow { open_time, equity, cash, units, drawdown };
            let mut text = String::new();
            write_equity(&mut text, &row);
            let expected = stable_stringify(&serde_json::to_vec(&row).expect("JSON"));
            prop_assert_eq!(Ok(text), expected);
            let trade = trade(n, exit);
            let mut text = String::new();
            write_trade(&mut text, &trade);
            let expected = stable_stringify(&serde_json::to_vec(&trade).expect("JSON"));
            prop_assert_eq!(Ok(text), expected);
        }
    }
}
