//! From trades to bars, in one place: all lengths of one symbol at once, in exact decimals.
//!
//! - A trade belongs to the bar of its own time, whenever it comes. Of a bar, the open is the price of the earliest
//!   trade and the close that of the latest, by time and then by the order of their numbers (or of their coming, where
//!   they have none).
//! - A bar becomes final once the market's time is `lateness` past its end. Until then a late trade is put where it
//!   belongs. One that comes after its shortest bar is final, as all do that are fetched after an outage, is still put
//!   into the longer ones that are not; where there is none it changes nothing and is told as [`BookFault::Late`].
//! - No bar is made up for a time without trades.
//!
//! A trade in time touches the shortest bar alone; the longer ones are put together when one of those has become final, or when
//! somebody looks. What is kept are the bars that are not final: a handful, whatever the number of trades.

use std::collections::VecDeque;

use live_core::event::Interval;
use rust_decimal::Decimal;

use super::intervals::{floor, served};
use super::{Bar, Trade};

/// Why a trade is in no bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookFault {
    /// All its bars are final.
    #[error("its time {time} is before {final_to}, up to where bars are final")]
    Late {
        /// The trade's time, in milliseconds since the Unix epoch.
        time: i64,
        /// Bars that end here or before do not change any more.
        final_to: i64,
    },
    /// The numbers are larger than any market's.
    #[error("its numbers are too large to compute with")]
    Overflow,
}

/// A bar as it stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// Its length.
    pub interval: Interval,
    /// The bar.
    pub bar: Bar,
    /// It is final.
    pub is_closed: bool,
}

/// The bars of one symbol that are not final.
#[derive(Clone, Debug)]
pub struct Book {
    base: Interval,
    /// How long a bar waits for late trades, in milliseconds of the market's time.
    lateness: i64,
    /// Bars of the base, in ascending order.
    cells: VecDeque<Cell>,
    levels: Vec<Level>,
    /// The market's time as far as it is known.
    now: i64,
    /// Bars that end here or before are final.
    final_to: i64,
    /// Time of the first trade.
    first: Option<i64>,
}

/// A bar with the places of its first and last trade.
#[derive(Clone, Copy, Debug)]
struct Cell {
    bar: Bar,
    first: Place,
    last: Place,
    /// It has changed since somebody looked.
    is_dirty: bool,
}

/// Place of a trade among others: time and number.
type Place = (i64, u64);

/// Bars of one longer interval.
#[derive(Clone, Debug)]
struct Level {
    interval: Interval,
    /// What final bars of the base, and trades that came after these, make up of the current one.
    done: Option<Cell>,
    /// Bars of the base that begin before are in what was said of the beginning.
    from: i64,
}

impl Book {
    /// A book whose shortest bars are of `base`, and that makes the standard longer ones of them.
    pub fn new(base: Interval, lateness: i64) -> Self {
        Self::without(base, lateness, &[])
    }

    /// The same without the longer ones that the source makes itself.
    pub fn without(base: Interval, lateness: i64, made: &[Interval]) -> Self {
        let wanted = served(base).into_iter().skip(1).filter(|interval| !made.contains(interval));
        let levels = wanted.map(|interval| Level { interval, done: None, from: i64::MIN }).collect();
        let (now, final_to) = (i64::MIN, i64::MIN);
        Self { base, lateness, cells: VecDeque::new(), levels, now, final_to, first: None }
    }

    /// Length of the shortest bars.
    pub fn base(&self) -> Interval {
        self.base
    }

    /// All its intervals, from the shortest.
    pub fn intervals(&self) -> impl Iterator<Item = Interval> {
        std::iter::once(self.base).chain(self.levels.iter().map(|level| level.interval))
    }

    /// Takes in a trade. Bars that became final by it are appended to `closed`.
    ///
    /// # Errors
    /// When it comes too late or its numbers are too large; nothing has changed then.
    pub fn trade(&mut self, trade: &Trade, closed: &mut Vec<Update>) -> Result<(), BookFault> {
        let start = floor(trade.time, self.base);
        let place = (trade.time, trade.id.unwrap_or_default());
        let taken = self.take(start, place, trade.price, trade.quantity);
        if taken.is_err() && !(start < self.final_to && self.take_late(place, trade.price, trade.quantity)) {
            return taken;
        }
        self.first.get_or_insert(trade.time);
        self.advance(trade.time, closed);
        Ok(())
    }

    /// Takes in a print of the base's bar that begins at `start`, in the order in which they were made; the last one
    /// of a bar closes it.
    ///
    /// # Errors
    /// As [`Book::trade`].
    pub fn print(
        &mut self,
        start: i64,
        price: Decimal,
        quantity: Decimal,
        closes_bar: bool,
        closed: &mut Vec<Update>,
    ) -> Result<(), BookFault> {
        self.take(start, (start, 0), price, quantity)?;
        self.advance(start, closed);
        if closes_bar {
            self.advance(self.end_of(start).saturating_add(self.lateness), closed);
        }
        Ok(())
    }

    /// Takes in a final bar of the base whole.
    ///
    /// # Errors
    /// As [`Book::trade`].
    pub fn bar(&mut self, bar: &Bar, closed: &mut Vec<Update>) -> Result<(), BookFault> {
        if bar.open_time < self.final_to {
            return Err(BookFault::Late { time: bar.open_time, final_to: self.final_to });
        }
        let place = (bar.open_time, 0);
        self.cells.push_back(Cell { bar: *bar, first: place, last: place, is_dirty: true });
        self.advance(self.end_of(bar.open_time).saturating_add(self.lateness), closed);
        Ok(())
    }

    /// The market's time has come to `now`, in milliseconds since the Unix epoch, with or without a trade.
    pub fn advance(&mut self, now: i64, closed: &mut Vec<Update>) {
        if now <= self.now {
            return;
        }
        self.now = now;
        self.settle(now.saturating_sub(self.lateness), closed);
    }

    /// No trade is to come any more: every bar is final.
    pub fn finish(&mut self, closed: &mut Vec<Update>) {
        let Some(last) = self.cells.back().map(|cell| cell.bar.open_time).or_else(|| self.newest_start())
        else {
            return;
        };
        let end = |interval| floor(last, interval).saturating_add(length(interval));
        let end = self.intervals().map(end).max().unwrap_or(last);
        self.settle(end, closed);
    }

    /// Appends what has changed since the last look and is not final.
    pub fn look(&mut self, out: &mut Vec<Update>) {
        for cell in self.cells.iter().filter(|cell| cell.is_dirty) {
            out.push(Update { interval: self.base, bar: cell.bar, is_closed: false });
        }
        for level in &self.levels {
            let mut current = level.done.map(|done| done.bar);
            let mut is_dirty = level.done.is_some_and(|done| done.is_dirty);
            for cell in self.cells.iter().filter(|cell| cell.bar.open_time >= level.from) {
                let start = floor(cell.bar.open_time, level.interval);
                match &mut current {
                    Some(bar) if bar.open_time == start => append(bar, &cell.bar),
                    _ => {
                        push_if(out, is_dirty, level.interval, current);
                        (current, is_dirty) = (Some(Bar { open_time: start, ..cell.bar }), false);
                    }
                }
                is_dirty |= cell.is_dirty;
            }
            push_if(out, is_dirty, level.interval, current);
        }
        for cell in
            self.cells.iter_mut().chain(self.levels.iter_mut().filter_map(|level| level.done.as_mut()))
        {
            cell.is_dirty = false;
        }
    }

    /// Whether there is something to look at.
    pub fn is_dirty(&self) -> bool {
        let done = self.levels.iter().filter_map(|level| level.done.as_ref());
        self.cells.iter().chain(done).any(|cell| cell.is_dirty)
    }

    /// What final bars of the base make up of the current bar of an interval.
    pub fn forming(&self, interval: Interval) -> Option<&Bar> {
        self.levels.iter().find(|level| level.interval == interval)?.done.as_ref().map(|done| &done.bar)
    }

    /// Sets what is known of a bar that began before the first trade here: its trades so far, with those that have come
    /// here, to the second. False when nothing has changed: the whole bar has been heard, it is final, or there is none
    /// of that interval.
    pub fn seed(&mut self, interval: Interval, bar: &Bar) -> bool {
        let is_whole = self.first.is_some_and(|first| first < bar.open_time);
        let is_final = bar.open_time.saturating_add(length(interval)) <= self.final_to;
        let from = self.cells.back().map_or(self.final_to, |cell| self.end_of(cell.bar.open_time));
        let Some(level) = self.levels.iter_mut().find(|level| level.interval == interval) else {
            return false;
        };
        if is_whole || is_final {
            return false;
        }
        // Whatever comes was made after its trades.
        let place = (i64::MIN, 0);
        level.done = Some(Cell { bar: *bar, first: place, last: place, is_dirty: true });
        level.from = from;
        true
    }

    fn newest_start(&self) -> Option<i64> {
        self.levels.iter().filter_map(|level| level.done).map(|done| done.bar.open_time).max()
    }

    fn end_of(&self, start: i64) -> i64 {
        start.saturating_add(length(self.base))
    }

    /// Puts a trade into its cell.
    fn take(&mut self, start: i64, place: Place, price: Decimal, quantity: Decimal) -> Result<(), BookFault> {
        if start < self.final_to {
            return Err(BookFault::Late { time: place.0, final_to: self.final_to });
        }
        // Nearly always it is the last one.
        let at = self.cells.iter().rposition(|cell| cell.bar.open_time <= start);
        if let Some(cell) = at.map(|at| &mut self.cells[at])
            && cell.bar.open_time == start
        {
            return cell.take(place, price, quantity);
        }
        self.cells.insert(at.map_or(0, |at| at + 1), Cell::new(start, place, price, quantity));
        Ok(())
    }

    /// Puts a trade whose bar of the base is final into the longer ones that are not. False where there is none.
    fn take_late(&mut self, place: Place, price: Decimal, quantity: Decimal) -> bool {
        let mut is_taken = false;
        for level in &mut self.levels {
            let is_in_seed = floor(place.0, self.base) < level.from;
            is_taken |= !is_in_seed && level.take_late(self.final_to, place, price, quantity);
        }
        is_taken
    }

    /// Makes everything final that ends at `to` or before.
    fn settle(&mut self, to: i64, closed: &mut Vec<Update>) {
        if to <= self.final_to {
            return;
        }
        while let Some(cell) = self.cells.front()
            && self.end_of(cell.bar.open_time) <= to
        {
            let cell = *cell;
            self.cells.pop_front();
            closed.push(Update { interval: self.base, bar: cell.bar, is_closed: true });
            for level in &mut self.levels {
                level.take(&cell, closed);
            }
        }
        for level in &mut self.levels {
            level.close(to, closed);
        }
        // A bar of the base that has begun by then is not final.
        self.final_to = floor(to, self.base);
    }
}

impl Cell {
    fn new(open_time: i64, place: Place, price: Decimal, quantity: Decimal) -> Self {
        let bar = Bar { open_time, open: price, high: price, low: price, close: price, volume: quantity };
        Self { bar, first: place, last: place, is_dirty: true }
    }

    fn take(&mut self, place: Place, price: Decimal, quantity: Decimal) -> Result<(), BookFault> {
        let bar = &mut self.bar;
        bar.volume = bar.volume.checked_add(quantity).ok_or(BookFault::Overflow)?;
        bar.high = bar.high.max(price);
        bar.low = bar.low.min(price);
        if place >= self.last {
            (self.last, bar.close) = (place, price);
        }
        if place < self.first {
            (self.first, bar.open) = (place, price);
        }
        self.is_dirty = true;
        Ok(())
    }
}

impl Level {
    /// Takes in a final bar of the base.
    fn take(&mut self, cell: &Cell, closed: &mut Vec<Update>) {
        let start = floor(cell.bar.open_time, self.interval);
        self.close(start, closed);
        if cell.bar.open_time < self.from {
            return;
        }
        match &mut self.done {
            Some(done) => {
                append(&mut done.bar, &cell.bar);
                done.last = cell.last;
            }
            None => {
                let bar = Bar { open_time: start, ..cell.bar };
                self.done = Some(Cell { bar, is_dirty: false, ..*cell });
            }
        }
    }

    /// Takes in a trade of before `final_to`. False when its bar is final too.
    fn take_late(&mut self, final_to: i64, place: Place, price: Decimal, quantity: Decimal) -> bool {
        let start = floor(place.0, self.interval);
        if start.saturating_add(length(self.interval)) <= final_to {
            return false;
        }
        match &mut self.done {
            Some(done) => done.bar.open_time == start && done.take(place, price, quantity).is_ok(),
            None => {
                self.done = Some(Cell::new(start, place, price, quantity));
                true
            }
        }
    }

    /// Closes the bar if it ends at `to` or before.
    fn close(&mut self, to: i64, closed: &mut Vec<Update>) {
        let interval = self.interval;
        let is_over = |done: &mut Cell| done.bar.open_time.saturating_add(length(interval)) <= to;
        if let Some(Cell { bar, .. }) = self.done.take_if(is_over) {
            closed.push(Update { interval, bar, is_closed: true });
        }
    }
}

fn length(interval: Interval) -> i64 {
    interval.length_ms() as i64
}

fn push_if(out: &mut Vec<Update>, is_dirty: bool, interval: Interval, bar: Option<Bar>) {
    if let Some(bar) = bar.filter(|_| is_dirty) {
        out.push(Update { interval, bar, is_closed: false });
    }
}

/// Longer bars of shorter ones that are in ascending order.
pub(super) fn roll_up(bars: &[Bar], interval: Interval) -> Vec<Bar> {
    let mut longer: Vec<Bar> = Vec::new();
    for bar in bars {
        let open_time = floor(bar.open_time, interval);
        match longer.last_mut() {
            Some(last) if last.open_time == open_time => append(last, bar),
            _ => longer.push(Bar { open_time, ..*bar }),
        }
    }
    longer
}

/// A longer bar with the next shorter one in it.
fn append(bar: &mut Bar, next: &Bar) {
    bar.high = bar.high.max(next.high);
    bar.low = bar.low.min(next.low);
    bar.close = next.close;
    bar.volume = bar.volume.saturating_add(next.volume);
}

#[cfg(test)]
mod tests;
