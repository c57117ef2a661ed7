//! One backtest: bars in, trades and equity out.
//!
//! What a strategy wants at the close of a bar is done at the open of the next: no order knows more than the bars before
//! its own. A buy fills above that open by the slippage, a sale below it; the fee is a part of what changes hands. Units
//! are whole, and as many as the equity at that moment pays for with the fee. What is held at the end stays held, and
//! counts at the last close. The same bars and parameters give the same result to the last bit.

use serde::Serialize;

use super::metrics::{Metrics, Tally};
use super::params::{Params, Sizing};
use super::strategy::{Shelf, Target, Watcher, targets};
use crate::market::Row;

/// Bars between two looks at whether to go on: far below ten milliseconds of work.
const LOOK_EVERY: usize = 1_024;
/// Numbers of a bar's open and close among its five.
const OPEN: usize = 0;
const CLOSE: usize = 3;

/// The account at the close of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EquityRow {
    /// The bar, by its open time in milliseconds since the Unix epoch.
    pub open_time: i64,
    /// Cash and what is held at the close's price.
    pub equity: f64,
    /// Cash; of units that are owed what they were sold for is in it.
    pub cash: f64,
    /// Units that are held; below zero those that are owed.
    pub units: i64,
    /// How far the equity is below its highest, as a fraction of that.
    pub drawdown: f64,
}

/// A trade: units bought and sold, or sold and bought back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trade {
    /// Its number, from 1.
    pub n: u64,
    /// Units; below zero of one that began with a sale.
    pub units: i64,
    /// Number of the bar that it began at, from 0 at the first bar of the backtest.
    pub entry_bar: u64,
    /// That bar, by its open time.
    pub entry_time: i64,
    /// Price it began at.
    pub entry_price: f64,
    /// Number of the bar that it ended at; null while it goes on.
    pub exit_bar: Option<u64>,
    /// That bar, by its open time.
    pub exit_time: Option<i64>,
    /// Price it ended at.
    pub exit_price: Option<f64>,
    /// What was gained, after fees; of one that goes on, by the last close.
    pub pnl: f64,
    /// Fees so far.
    pub fees: f64,
}

/// Takes what comes of a backtest, as it is made.
pub trait Sink {
    /// Why it cannot take more.
    type Error;

    /// The account at the close of the next bar.
    ///
    /// # Errors
    /// When it cannot be taken; the backtest ends with that.
    fn equity(&mut self, row: &EquityRow) -> Result<(), Self::Error>;

    /// A trade that has ended, or goes on after the last bar.
    ///
    /// # Errors
    /// As [`Sink::equity`].
    fn trade(&mut self, trade: &Trade) -> Result<(), Self::Error>;

    /// So much is done, from 0 to 1; asked at least every few milliseconds.
    ///
    /// # Errors
    /// When it should not go on.
    fn progress(&mut self, done: f64) -> Result<(), Self::Error>;
}

/// The account, and the trade that goes on.
struct Account {
    cash: f64,
    fees: f64,
    fee: f64,
    slippage: f64,
    open: Option<Trade>,
    trades: u64,
}

/// Runs one backtest over bars in ascending order, with what others have on the shelf. A sweep is not looked at.
///
/// # Errors
/// What the sink has refused to take.
pub fn run<S: Sink>(rows: &[Row], params: &Params, shelf: &Shelf, sink: &mut S) -> Result<Metrics, S::Error> {
    let mut wanted = targets(&params.strategy, rows, shelf).into_iter();
    let want = |_: &Row| wanted.next().unwrap_or(Target::Keep);
    drive(rows.iter().copied(), rows.len(), params, want, sink)
}

/// The same over bars as they come, of which there are `len`: nothing of them is kept.
///
/// # Errors
/// What the sink has refused to take.
pub fn run_over<S: Sink>(
    rows: impl Iterator<Item = Row>,
    len: usize,
    params: &Params,
    sink: &mut S,
) -> Result<Metrics, S::Error> {
    let mut watcher = Watcher::new(&params.strategy);
    drive(rows, len, params, |row| watcher.next(row), sink)
}

/// Does at each bar's open what was wanted at the close before.
fn drive<S: Sink>(
    rows: impl Iterator<Item = Row>,
    len: usize,
    params: &Params,
    mut want: impl FnMut(&Row) -> Target,
    sink: &mut S,
) -> Result<Metrics, S::Error> {
    let mut account = Account {
        cash: params.initial_cash,
        fees: 0.0,
        fee: params.fee_bps / 10_000.0,
        slippage: params.slippage_bps / 10_000.0,
        open: None,
        trades: 0,
    };
    let mut tally = Tally::new(params.initial_cash);
    let (mut target, mut last) = (Target::Keep, None);
    for (at, row) in rows.enumerate() {
        if at.is_multiple_of(LOOK_EVERY) {
            sink.progress(at as f64 / len.max(1) as f64)?;
        }
        account.reach(target, at, &row, &params.sizing, &mut tally, sink)?;
        target = want(&row);
        let close = row.1[CLOSE];
        let mut equity = account.equity(close);
        if equity <= 0.0 {
            // Nothing is left, as after owed units have risen: what is open ends here, and nothing more begins.
            account.close(at, &row, close, &mut tally, sink)?;
            equity = account.cash.min(0.0);
            account.cash = equity;
        }
        let units = account.open.map_or(0, |trade| trade.units);
        let drawdown = tally.bar(row.0, equity, units != 0);
        sink.equity(&EquityRow { open_time: row.0, equity, cash: account.cash, units, drawdown })?;
        last = Some(row);
    }
    if let (Some(trade), Some(last)) = (account.open, last) {
        let pnl = trade.units as f64 * (last.1[CLOSE] - trade.entry_price) - trade.fees;
        sink.trade(&Trade { pnl, ..trade })?;
    }
    sink.progress(1.0)?;
    Ok(tally.metrics(account.fees))
}

impl Account {
    /// Cash and what is held or owed, at a price.
    fn equity(&self, price: f64) -> f64 {
        self.open.map_or(self.cash, |trade| self.cash + trade.units as f64 * price)
    }

    /// Does at a bar's open what was wanted at the close before.
    fn reach<S: Sink>(
        &mut self,
        target: Target,
        at: usize,
        row: &Row,
        sizing: &Sizing,
        tally: &mut Tally,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let held = self.open.map_or(0, |trade| trade.units.signum());
        let side = match target {
            Target::Keep => held,
            Target::Flat => 0,
            Target::Long => 1,
            Target::Short => -1,
        };
        if side == held {
            return Ok(());
        }
        let open = row.1[OPEN];
        self.close(at, row, self.worse(open, -held), tally, sink)?;
        if side != 0 {
            let price = self.worse(open, side);
            let units = self.affordable(price, sizing);
            if units > 0 {
                self.open(at, row, price, side * units);
                tally.opened();
            }
        }
        Ok(())
    }

    /// A price for whoever buys (1) or sells (-1).
    fn worse(&self, price: f64, side: i64) -> f64 {
        price * (1.0 + side as f64 * self.slippage)
    }

    /// Whole units at a price, with their fee.
    fn affordable(&self, price: f64, sizing: &Sizing) -> i64 {
        let unit = price * (1.0 + self.fee);
        let most = (self.cash / unit).floor();
        let units = match sizing {
            Sizing::AllIn => most,
            Sizing::Fraction { fraction } => (self.cash * fraction / unit).floor(),
            // All or none.
            Sizing::Units { units } => Some(f64::from(*units)).filter(|units| *units <= most).unwrap_or(0.0),
        };
        // Beyond 2^53 units are not whole any more.
        if (1.0..9e15).contains(&units) { units as i64 } else { 0 }
    }

    fn open(&mut self, at: usize, row: &Row, price: f64, units: i64) {
        let value = units as f64 * price;
        let fees = value.abs() * self.fee;
        self.cash -= value + fees;
        self.fees += fees;
        self.trades += 1;
        self.open = Some(Trade {
            n: self.trades,
            units,
            entry_bar: at as u64,
            entry_time: row.0,
            entry_price: price,
            exit_bar: None,
            exit_time: None,
            exit_price: None,
            pnl: 0.0,
            fees,
        });
    }

    fn close<S: Sink>(
        &mut self,
        at: usize,
        row: &Row,
        price: f64,
        tally: &mut Tally,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let Some(trade) = self.open.take() else { return Ok(()) };
        let value = trade.units as f64 * price;
        let fee = value.abs() * self.fee;
        self.cash += value - fee;
        self.fees += fee;
        let fees = trade.fees + fee;
        let pnl = trade.units as f64 * (price - trade.entry_price) - fees;
        tally.closed(pnl);
        let (exit_bar, exit_time, exit_price) = (Some(at as u64), Some(row.0), Some(price));
        sink.trade(&Trade { exit_bar, exit_time, exit_price, pnl, fees, ..trade })
    }
}

#[cfg(test)]
mod tests;
