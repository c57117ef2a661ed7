//! From what sources say to typed events: every trade is a `price.tick` and a part of its bars.

use live_core::event::{CandleBar, Interval, PriceTick};
use rust_decimal::{Decimal, RoundingStrategy};

use super::aggregate::{Book, BookFault, Update};
use super::decimal::nearest;
use super::intervals::{self, floor};
use super::{Bar, Instrument, Made, Print, Quote, Trade};

/// Decimal places of `changePct`.
const PERCENT_PLACES: u32 = 4;
/// How far ahead of its source's clock a trade may be, in milliseconds.
const AHEAD_MAX_MS: i64 = 60_000;

/// Why something that a source said was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarketFault {
    /// The source named an instrument that it does not have.
    #[error("instrument {0} is unknown")]
    Instrument(usize),
    /// A price of zero or below, or a negative quantity.
    #[error("price or quantity is not positive")]
    NotPositive,
    /// The bid is above the ask.
    #[error("the bid is above the ask")]
    Crossed,
    /// Its time has not come yet.
    #[error("its time {0} has not come yet")]
    Future(i64),
    /// It does not fit into the bars.
    #[error(transparent)]
    Book(#[from] BookFault),
    /// The numbers are larger than any market's.
    #[error("numbers are too large to compute with")]
    Overflow,
}

/// One instrument on its way: its forming bars, its day, its newest tick.
#[derive(Clone, Debug)]
pub struct Normalizer {
    book: Option<Book>,
    day: Day,
    /// Time of the newest trade.
    newest: i64,
    tick: PriceTick,
    has_price: bool,
    bars: Vec<CandleBar>,
    intervals: Vec<Interval>,
    /// Where it starts over.
    origin: Box<(Option<Book>, Day)>,
}

/// What the market's day is compared with and has brought so far.
#[derive(Clone, Copy, Debug)]
struct Day {
    interval: Interval,
    /// The source makes bars of this interval itself, and so says the volume.
    is_made: bool,
    open_time: i64,
    open: Decimal,
    volume: Decimal,
    last: Option<Decimal>,
    /// The close of the day before.
    reference: Option<Decimal>,
}

/// Final bars by their interval, in ascending order.
pub type History = Vec<(Interval, Vec<Bar>)>;

impl Normalizer {
    /// A normalizer of an instrument, and its history in all intervals that there are.
    pub fn new(instrument: &Instrument) -> (Self, History) {
        let (book, history) = book_of(instrument);
        let mut intervals: Vec<Interval> = history.iter().map(|(interval, _)| *interval).collect();
        intervals.sort_by_key(|interval| interval.length_ms());
        let day_length = intervals::interval("1d");
        let day_interval = match &book {
            Some(book) if book.base().length_ms() > day_length.length_ms() => book.base(),
            _ => day_length,
        };
        let mut day = Day::new(day_interval, instrument.makes.contains(&day_interval));
        let days = history.iter().find(|(interval, _)| *interval == day_interval);
        day.last = days.and_then(|(_, bars)| bars.last()).map(|bar| bar.close);
        if let Some(bar) = book.as_ref().and_then(|book| book.forming(day_interval)) {
            day.set(bar);
            day.reference = days.and_then(|(_, bars)| bars.last()).map(|bar| bar.close);
        }
        let bar = |interval: &Interval| CandleBar {
            symbol: (&*instrument.symbol).into(),
            interval: intervals::name(*interval).into(),
            open_time: 0,
            open: 0.0,
            high: 0.0,
            low: 0.0,
            close: 0.0,
            volume: 0.0,
            closed: false,
        };
        let tick = PriceTick {
            symbol: (&*instrument.symbol).into(),
            price: 0.0,
            bid: None,
            ask: None,
            volume: 0.0,
            change: 0.0,
            change_pct: 0.0,
            market_time: 0,
        };
        let normalizer = Self {
            bars: intervals.iter().map(bar).collect(),
            intervals,
            newest: i64::MIN,
            tick,
            has_price: false,
            origin: Box::new((book.clone(), day)),
            book,
            day,
        };
        (normalizer, history)
    }

    /// The intervals of its bars, from the shortest.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// Goes back to where the history ends.
    pub fn restart(&mut self) {
        (self.book, self.day) = (*self.origin).clone();
        (self.newest, self.has_price) = (i64::MIN, false);
        (self.tick.bid, self.tick.ask) = (None, None);
    }

    /// Takes a trade in. The tick that it makes comes back; there is none of a trade that is older than the newest
    /// one, for which the price would jump back. `clock` is the source's, where it has one.
    ///
    /// # Errors
    /// When the trade cannot be right or comes too late; nothing has changed then.
    pub fn trade(
        &mut self,
        trade: &Trade,
        clock: Option<i64>,
        closed: &mut Vec<Update>,
    ) -> Result<Option<&PriceTick>, MarketFault> {
        if trade.price <= Decimal::ZERO || trade.quantity < Decimal::ZERO {
            return Err(MarketFault::NotPositive);
        }
        if clock.is_some_and(|clock| trade.time > clock.saturating_add(AHEAD_MAX_MS)) {
            return Err(MarketFault::Future(trade.time));
        }
        let day = self.day.after(trade.time, trade.price, trade.quantity)?;
        let change = day.change(trade.price)?;
        if let Some(book) = &mut self.book {
            book.trade(trade, closed)?;
        }
        if trade.time < self.newest {
            self.day = Day { last: self.day.last, ..day };
            return Ok(None);
        }
        self.day = day;
        self.newest = trade.time;
        Ok(Some(self.tick(trade.price, change, trade.time)))
    }

    /// Takes a print in.
    ///
    /// # Errors
    /// As [`Normalizer::trade`].
    pub fn print(&mut self, print: &Print, closed: &mut Vec<Update>) -> Result<&PriceTick, MarketFault> {
        if print.price <= Decimal::ZERO || print.quantity < Decimal::ZERO {
            return Err(MarketFault::NotPositive);
        }
        let day = self.day.after(print.open_time, print.price, print.quantity)?;
        let change = day.change(print.price)?;
        if let Some(book) = &mut self.book {
            book.print(print.open_time, print.price, print.quantity, print.closes_bar, closed)?;
        }
        self.day = day;
        Ok(self.tick(print.price, change, print.open_time))
    }

    /// Takes the best offers in; there is a tick as soon as there is a price.
    ///
    /// # Errors
    /// When they cannot be right; nothing has changed then.
    pub fn quote(&mut self, quote: &Quote) -> Result<Option<&PriceTick>, MarketFault> {
        if quote.bid <= Decimal::ZERO || quote.ask <= Decimal::ZERO {
            return Err(MarketFault::NotPositive);
        }
        if quote.bid > quote.ask {
            return Err(MarketFault::Crossed);
        }
        (self.tick.bid, self.tick.ask) = (Some(nearest(quote.bid)), Some(nearest(quote.ask)));
        self.tick.market_time = self.tick.market_time.max(quote.time);
        Ok(self.has_price.then_some(&self.tick))
    }

    /// Takes in a bar that the source has made itself.
    ///
    /// # Errors
    /// When it cannot be right.
    pub fn made(&mut self, made: &Made) -> Result<Update, MarketFault> {
        let Made { interval, bar, is_closed, .. } = *made;
        let Bar { open, high, low, close, volume, .. } = bar;
        let range_holds = low <= open.min(close) && high >= open.max(close);
        if low <= Decimal::ZERO || volume < Decimal::ZERO || !range_holds {
            return Err(MarketFault::NotPositive);
        }
        if self.day.is_made && interval == self.day.interval {
            self.day.set(&bar);
        }
        Ok(Update { interval, bar, is_closed })
    }

    /// Sets what is known of the time before the first trade: the bar that is forming. It may come after trades that it
    /// has in it.
    pub fn seed(&mut self, interval: Interval, bar: &Bar) {
        let is_news = self.book.as_mut().is_none_or(|book| book.seed(interval, bar));
        if is_news && interval == self.day.interval {
            let heard = self.day.last.filter(|_| self.has_price);
            self.day.set(bar);
            self.day.last = heard.or(self.day.last);
            self.compare();
        }
    }

    /// Sets the bar before the one that is forming: a day's close is what prices are compared with.
    pub fn reference(&mut self, interval: Interval, bar: &Bar) {
        if interval == self.day.interval {
            self.day.reference = Some(bar.close);
            self.compare();
        }
    }

    /// Compares the newest price with a day of which more is known than before.
    fn compare(&mut self) {
        if let Some(price) = self.day.last
            && self.has_price
            && let Ok((change, percent)) = self.day.change(price)
        {
            (self.tick.change, self.tick.change_pct) = (nearest(change), nearest(percent));
            self.tick.volume = nearest(self.day.volume);
        }
    }

    /// The market's time has come to `now`.
    pub fn advance(&mut self, now: i64, closed: &mut Vec<Update>) {
        if let Some(book) = &mut self.book {
            book.advance(now, closed);
        }
    }

    /// No trade is to come any more.
    pub fn finish(&mut self, closed: &mut Vec<Update>) {
        if let Some(book) = &mut self.book {
            book.finish(closed);
        }
    }

    /// Appends the forming bars that have changed since the last look.
    pub fn look(&mut self, out: &mut Vec<Update>) {
        if let Some(book) = &mut self.book {
            book.look(out);
        }
    }

    /// Whether a forming bar has changed since the last look.
    pub fn is_dirty(&self) -> bool {
        self.book.as_ref().is_some_and(Book::is_dirty)
    }

    /// The newest tick, once there was a price.
    pub fn newest_tick(&self) -> Option<&PriceTick> {
        self.has_price.then_some(&self.tick)
    }

    /// A bar as the protocol has it, and the place of its interval.
    pub fn event(&mut self, update: &Update) -> Option<(usize, &CandleBar)> {
        let place = self.intervals.iter().position(|interval| *interval == update.interval)?;
        let event = &mut self.bars[place];
        let Bar { open_time, open, high, low, close, volume } = update.bar;
        (event.open_time, event.closed) = (open_time, update.is_closed);
        (event.open, event.high) = (nearest(open), nearest(high));
        (event.low, event.close) = (nearest(low), nearest(close));
        event.volume = nearest(volume);
        Some((place, event))
    }

    fn tick(
        &mut self,
        price: Decimal,
        (change, percent): (Decimal, Decimal),
        market_time: i64,
    ) -> &PriceTick {
        let tick = &mut self.tick;
        (tick.price, tick.market_time) = (nearest(price), market_time);
        (tick.change, tick.change_pct) = (nearest(change), nearest(percent));
        tick.volume = nearest(self.day.volume);
        self.has_price = true;
        tick
    }
}

impl Day {
    fn new(interval: Interval, is_made: bool) -> Self {
        let (open, volume) = (Decimal::ZERO, Decimal::ZERO);
        Self { interval, is_made, open_time: i64::MIN, open, volume, last: None, reference: None }
    }

    /// The day after a trade.
    fn after(&self, time: i64, price: Decimal, quantity: Decimal) -> Result<Self, MarketFault> {
        let open_time = floor(time, self.interval);
        let mut day = *self;
        if open_time > self.open_time {
            day.reference = self.last.or(self.reference);
            (day.open_time, day.open, day.volume) = (open_time, price, Decimal::ZERO);
        }
        if open_time == day.open_time && !self.is_made {
            day.volume = day.volume.checked_add(quantity).ok_or(MarketFault::Overflow)?;
        }
        day.last = Some(price);
        Ok(day)
    }

    /// Takes over what a whole bar of the day says.
    fn set(&mut self, bar: &Bar) {
        if bar.open_time > self.open_time && self.open_time != i64::MIN {
            self.reference = self.last.or(self.reference);
        }
        if bar.open_time >= self.open_time {
            (self.open_time, self.open, self.volume) = (bar.open_time, bar.open, bar.volume);
            self.last = Some(bar.close);
        }
    }

    /// Change since the close of the day before, and the same in percent. Before there is one to compare with, a day
    /// is compared with its own open.
    fn change(&self, price: Decimal) -> Result<(Decimal, Decimal), MarketFault> {
        let reference = self.reference.unwrap_or(self.open);
        let change = price.checked_sub(reference).ok_or(MarketFault::Overflow)?;
        let percent = change
            .checked_mul(Decimal::ONE_HUNDRED)
            .and_then(|hundredfold| hundredfold.checked_div(reference))
            .ok_or(MarketFault::Overflow)?
            .round_dp_with_strategy(PERCENT_PLACES, RoundingStrategy::MidpointAwayFromZero);
        Ok((change, percent))
    }
}

/// The book of an instrument as it is after its history, and that history in all intervals.
fn book_of(instrument: &Instrument) -> (Option<Book>, History) {
    let mut history: History = instrument.makes.iter().map(|interval| (*interval, Vec::new())).collect();
    let mut book = instrument.base.map(|base| Book::without(base, instrument.lateness_ms, &instrument.makes));
    if let Some(book) = &mut book {
        let mut closed = Vec::new();
        let base = book.base();
        let of_base = instrument.history.iter().filter(|(interval, _)| *interval == base);
        for bar in of_base.flat_map(|(_, bars)| bars) {
            // One that does not fit is not in the history either.
            let _ = book.bar(bar, &mut closed);
        }
        for interval in book.intervals() {
            let bars = closed.iter().filter(|update| update.interval == interval);
            history.push((interval, bars.map(|update| update.bar).collect()));
        }
    }
    for (interval, given) in &instrument.history {
        match history.iter_mut().find(|(known, _)| known == interval) {
            // What was made of shorter bars goes on where the longer ones that were given end.
            Some((_, bars)) => {
                let end = bars.first().map_or(i64::MAX, |bar| bar.open_time);
                let older = given.iter().filter(|bar| bar.open_time < end).copied();
                bars.splice(0..0, older.collect::<Vec<_>>());
            }
            None => history.push((*interval, given.clone())),
        }
    }
    history.sort_by_key(|(interval, _)| interval.length_ms());
    (book, history)
}

#[cfg(test)]
mod tests;
