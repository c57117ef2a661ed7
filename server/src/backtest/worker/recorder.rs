//! Takes a backtest's rows as the engine makes them: into the file of the result, and in chunks towards the database.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::mpsc::Sender;

use crate::backtest::document::{Document, write_equity, write_trade};
use crate::backtest::engine::{EquityRow, Sink, Trade};
use crate::backtest::results::{CHUNK_ROWS, Part};

/// A chunk of rows on its way to the database.
#[derive(Debug)]
pub struct Chunk {
    /// Of which part.
    pub part: Part,
    /// Its number, from 0.
    pub n: u64,
    /// Its rows, a JSON array.
    pub rows: String,
}

/// Why a backtest does not go on.
#[derive(Debug)]
pub enum Stopped {
    /// Nobody wants it any more.
    Told,
    /// Its file cannot be written.
    Disk(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// What engine and worker tell each other while it runs.
#[derive(Debug, Default)]
pub struct Control {
    is_over: AtomicBool,
    /// A float's bits, from 0 to 1.
    done: AtomicU64,
}

impl Control {
    /// Has the engine end.
    pub fn stop(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Whether it is to end.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// How much is done, from 0 to 1.
    pub fn done(&self) -> f64 {
        f64::from_bits(self.done.load(Ordering::Relaxed))
    }

    /// So much is done.
    pub fn set_done(&self, done: f64) {
        self.done.store(done.to_bits(), Ordering::Relaxed);
    }
}

/// Rows of a part that are no chunk yet.
struct Open {
    part: Part,
    chunk: u64,
    rows: u64,
    in_all: u64,
    /// Canonical JSON, separated by commas.
    text: String,
}

impl Open {
    fn of(part: Part) -> Self {
        Self { part, chunk: 0, rows: 0, in_all: 0, text: String::new() }
    }
}

/// Takes rows.
pub struct Recorder<'a> {
    document: Document,
    chunks: Sender<Chunk>,
    control: &'a Control,
    /// What part of all the work this backtest is: where it begins, and how much it is.
    share: (f64, f64),
    equity: Open,
    trades: Open,
}

impl<'a> Recorder<'a> {
    /// Writes to a document and sends chunks. The backtest is `share.1` of all the work, behind `share.0`.
    pub fn new(document: Document, chunks: Sender<Chunk>, control: &'a Control, share: (f64, f64)) -> Self {
        let (equity, trades) = (Open::of(Part::Equity), Open::of(Part::Trades));
        Self { document, chunks, control, share, equity, trades }
    }

    /// The document with all rows, and how many there are of equity and of trades.
    ///
    /// # Errors
    /// As the sink's.
    pub fn finish(mut self) -> Result<(Document, u64, u64), Stopped> {
        for part in [Part::Equity, Part::Trades] {
            self.flush(part)?;
        }
        Ok((self.document, self.equity.in_all, self.trades.in_all))
    }

    fn begun(open: &mut Open) -> &mut String {
        if open.rows > 0 {
            open.text.push(',');
        }
        open.rows += 1;
        open.in_all += 1;
        &mut open.text
    }

    fn flush(&mut self, part: Part) -> Result<(), Stopped> {
        let open = if part == Part::Trades { &mut self.trades } else { &mut self.equity };
        if open.rows == 0 {
            return Ok(());
        }
        match part {
            Part::Trades => self.document.trades(&open.text)?,
            _ => self.document.equity(&open.text)?,
        }
        let mut rows = String::with_capacity(open.text.len() + 2);
        rows.extend(["[", &open.text, "]"]);
        let chunk = Chunk { part: open.part, n: open.chunk, rows };
        open.text.clear();
        open.rows = 0;
        open.chunk += 1;
        self.chunks.blocking_send(chunk).map_err(|_| Stopped::Told)
    }
}

impl Sink for Recorder<'_> {
    type Error = Stopped;

    fn equity(&mut self, row: &EquityRow) -> Result<(), Stopped> {
        write_equity(Self::begun(&mut self.equity), row);
        if self.equity.rows == CHUNK_ROWS { self.flush(Part::Equity) } else { Ok(()) }
    }

    fn trade(&mut self, trade: &Trade) -> Result<(), Stopped> {
        write_trade(Self::begun(&mut self.trades), trade);
        if self.trades.rows == CHUNK_ROWS { self.flush(Part::Trades) } else { Ok(()) }
    }

    fn progress(&mut self, done: f64) -> Result<(), Stopped> {
        let (from, share) = self.share;
        self.control.set_done(from + share * done);
        if self.control.is_over() { Err(Stopped::Told) } else { Ok(()) }
    }
}
