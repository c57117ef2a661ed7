//! What the rows of a file of bars or trades are: columns by their names, good rows kept, bad ones told.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use live_core::event::Interval;

use super::super::intervals;
use super::super::problem::Fault;
use super::super::{Bar, Trade};
use super::row::{self, FieldFault, cut};
use super::spacing::Grid;
use super::table::{BadRows, Table, column, judge_time, latest_ms};
use super::times::{Moment, shown};
use super::{Content, Limits};

/// Names of the column of times, the best first: where a file has several, the first of these is meant.
const TIMES: [&str; 8] =
    ["timestamp", "open_time", "open time", "opentime", "datetime", "date_time", "date", "time"];

/// Where the columns of bars stand.
#[derive(Clone, Debug)]
struct BarColumns {
    time: usize,
    /// The time of day, where it is a column of its own.
    clock: Option<usize>,
    /// Open, high, low, close, volume.
    numbers: [usize; 5],
}

/// Where the columns of trades stand.
#[derive(Clone, Debug)]
struct TradeColumns {
    time: usize,
    id: Option<usize>,
    side: Option<usize>,
    price: usize,
    amount: usize,
}

#[derive(Clone, Debug)]
enum Columns {
    Bars(BarColumns),
    Trades(TradeColumns),
}

/// The rows of one file on their way in. What is kept is bounded: by the rows that a file may have, and by the faults
/// that are told.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Columns,
    /// The column that names the symbol, and what it says in the first good row.
    symbol: Option<(usize, Option<String>)>,
    /// How many columns there are.
    width: usize,
    latest_ms: i64,
    rows_max: usize,
    bars: Vec<(u64, Moment, Bar)>,
    trades: Vec<Trade>,
    ids: HashSet<u64>,
    /// Rows that cannot be used.
    pub bad: BadRows,
}

impl Table for Rows {
    fn new(head: &[&str], limits: Limits) -> Result<Self, FieldFault> {
        let names: Vec<String> = head.iter().map(|name| name.trim().to_lowercase()).collect();
        let is_of_trades =
            names.iter().any(|name| name == "price") && !names.iter().any(|name| name == "open");
        let columns = if is_of_trades { trade_columns(&names) } else { bar_columns(&names) }?;
        let symbol = column(&names, "symbol", &["symbol", "ticker"])?.map(|at| (at, None));
        Ok(Self {
            columns,
            symbol,
            width: head.len(),
            latest_ms: latest_ms(),
            rows_max: limits.rows_max,
            bars: Vec::new(),
            trades: Vec::new(),
            ids: HashSet::new(),
            bad: BadRows::default(),
        })
    }

    fn full(&self) -> Option<String> {
        self.bad.full(self.bars.len() + self.trades.len(), self.rows_max)
    }

    fn take(&mut self, line: u64, fields: &[&[u8]]) {
        if let Err(fault) = self.read(line, fields) {
            self.report(line, fault);
        }
    }

    fn report(&mut self, line: u64, fault: FieldFault) {
        self.bad.report(line, fault);
    }
}

impl Rows {
    /// Whether they are trades.
    pub fn is_of_trades(&self) -> bool {
        matches!(self.columns, Columns::Trades(_))
    }

    /// The columns that are read, for whoever can leave the others out.
    pub fn wanted(&self) -> Vec<usize> {
        let mut wanted = match &self.columns {
            Columns::Bars(of) => [&[of.time], &of.numbers[..], of.clock.as_slice()].concat(),
            Columns::Trades(of) => {
                [&[of.time, of.price, of.amount], of.id.as_slice(), of.side.as_slice()].concat()
            }
        };
        wanted.extend(self.symbol.iter().map(|(at, _)| *at));
        wanted
    }

    fn read(&mut self, line: u64, fields: &[&[u8]]) -> Result<(), FieldFault> {
        if fields.len() != self.width {
            return Err((None, Fault::ColumnCount { found: fields.len(), expected: self.width }));
        }
        let text = |at: usize, name| str::from_utf8(fields[at]).map_err(|_| (Some(name), Fault::NotUtf8));
        let symbol = self.symbol.as_ref().map(|(at, _)| text(*at, "symbol")).transpose()?.map(str::trim);
        if let (Some(found), Some((_, Some(expected)))) = (symbol, &self.symbol)
            && found != expected
        {
            let (found, expected) = (cut(found), cut(expected));
            return Err((Some("symbol"), Fault::OtherSymbol { found, expected }));
        }
        match &self.columns {
            Columns::Bars(of) => {
                let clock = of.clock.map(|at| text(at, "time")).transpose()?;
                let names = ["open", "high", "low", "close", "volume"];
                let mut numbers = [""; 5];
                for ((number, at), name) in numbers.iter_mut().zip(of.numbers).zip(names) {
                    *number = text(at, name)?;
                }
                let (moment, bar) = row::bar(text(of.time, "date")?, clock, numbers)?;
                judge_time("date", bar.open_time, self.latest_ms)?;
                self.bars.push((line, moment, bar));
            }
            Columns::Trades(of) => {
                let id = of.id.map(|at| text(at, "id")).transpose()?;
                let side = of.side.map(|at| text(at, "side")).transpose()?;
                let (price, amount) = (text(of.price, "price")?, text(of.amount, "amount")?);
                let trade = row::trade(text(of.time, "timestamp")?, id, side, price, amount)?;
                judge_time("timestamp", trade.time, self.latest_ms)?;
                if let Some(id) = trade.id.filter(|id| !self.ids.insert(*id)) {
                    return Err((Some("id"), Fault::DuplicateTrade(id)));
                }
                self.trades.push(trade);
            }
        }
        // Only now: a bad row does not say what the good ones are of.
        if let (Some(found), Some((_, first @ None))) = (symbol, &mut self.symbol) {
            *first = Some(found.to_owned());
        }
        Ok(())
    }

    /// What the good rows are, in ascending order; `None` when there is none. `named` is the interval that the file's
    /// name says.
    pub fn finish(&mut self, named: Option<Interval>) -> Result<Option<Content>, Fault> {
        let content = if self.is_of_trades() {
            let mut trades = std::mem::take(&mut self.trades);
            trades.sort_by_key(|trade| (trade.time, trade.id));
            (!trades.is_empty()).then_some(Content::Trades(trades))
        } else {
            let rows = std::mem::take(&mut self.bars);
            let mut moments: Vec<Moment> = rows.iter().map(|(_, moment, _)| *moment).collect();
            moments.sort_unstable_by_key(|at| at.utc_ms);
            let grid = match named {
                Some(interval) => Grid::named(interval, &moments)?,
                None => Grid::told(&moments)?,
            };
            let bars = self.place(rows, grid);
            (!bars.is_empty()).then_some(Content::Bars { interval: grid.interval, bars })
        };
        self.bad.sort();
        Ok(content)
    }

    /// Puts bars at the beginnings that their interval has. Of two of one time the first one stays.
    fn place(&mut self, rows: Vec<(u64, Moment, Bar)>, grid: Grid) -> Vec<Bar> {
        let mut bars = BTreeMap::new();
        for (line, moment, bar) in rows {
            let Some(open_time) = grid.start(moment) else {
                let (time, interval) = (shown(bar.open_time), intervals::name(grid.interval));
                self.report(line, (Some("date"), Fault::OffGrid { time, interval }));
                continue;
            };
            match bars.entry(open_time) {
                Entry::Vacant(place) => drop(place.insert(Bar { open_time, ..bar })),
                Entry::Occupied(_) => {
                    self.report(line, (Some("date"), Fault::DuplicateDate(shown(bar.open_time))));
                }
            }
        }
        bars.into_values().collect()
    }
}

fn bar_columns(names: &[String]) -> Result<Columns, FieldFault> {
    let time = time_column(names, "date")?;
    let clock = if names[time] == "date" { column(names, "time", &["time"])? } else { None };
    let mut numbers = [0; 5];
    for (number, name) in numbers.iter_mut().zip(["open", "high", "low", "close"]) {
        *number = column(names, name, &[name])?.ok_or((Some(name), Fault::MissingColumn))?;
    }
    numbers[4] =
        column(names, "volume", &["volume", "vol"])?.ok_or((Some("volume"), Fault::MissingColumn))?;
    Ok(Columns::Bars(BarColumns { time, clock, numbers }))
}

fn trade_columns(names: &[String]) -> Result<Columns, FieldFault> {
    let amounts = ["amount", "quantity", "qty", "size", "volume"];
    Ok(Columns::Trades(TradeColumns {
        time: time_column(names, "timestamp")?,
        id: column(names, "id", &["id", "trade_id"])?,
        side: column(names, "side", &["side"])?,
        price: column(names, "price", &["price"])?.ok_or((Some("price"), Fault::MissingColumn))?,
        amount: column(names, "amount", &amounts)?.ok_or((Some("amount"), Fault::MissingColumn))?,
    }))
}

fn time_column(names: &[String], field: &'static str) -> Result<usize, FieldFault> {
    column(names, field, &TIMES)?.ok_or((Some(field), Fault::MissingColumn))
}
