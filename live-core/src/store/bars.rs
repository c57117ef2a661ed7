//! The bars of one candles channel: history under live ones, one bar for each open time.

use crate::decimal;
use crate::event::BarNumbers;
use crate::json::{Cursor, Members, TIME_MAX_MS, Unknown};

/// Most bars that a channel holds; the oldest go first.
pub const BARS_MAX: usize = 10_000;

/// One bar; symbol and interval stand in the channel's name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Its prices, volume and open time, which is its key.
    pub numbers: BarNumbers,
    /// `seq` of the publication that brought it; 0 for one from history.
    pub seq: u64,
}

impl Bar {
    fn open_time(&self) -> i64 {
        self.numbers.open_time
    }

    /// Whether it may stand where `held` stands: a newer publication does, and what is final is not
    /// replaced by what was still forming.
    fn supersedes(&self, held: &Self) -> bool {
        match (self.seq, held.seq) {
            // History is final: it replaces what is not, and older history.
            (0, 0) => true,
            (0, _) => !held.numbers.closed,
            (_, 0) => self.numbers.closed || !held.numbers.closed,
            (new, old) => new >= old,
        }
    }
}

/// Why a page of history was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The channel is not one of candles.
    #[error("the channel has no bars")]
    NotCandles,
    /// The page belongs to another symbol or interval.
    #[error("the page is of another symbol or interval")]
    Foreign,
    /// The page is not what it should be.
    #[error("{field} {reason} (row {row})")]
    Malformed {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
        /// The row, counted from 1; 0 for the page as a whole.
        row: usize,
    },
}

/// Bars that are visible, and what will change them at the next flush.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bars {
    visible: Vec<Bar>,
    incoming: Vec<Bar>,
    history: Option<Vec<Bar>>,
    /// Live bars of before are void.
    starts_again: bool,
    /// The history that is visible was loaded before the channel started again: it may reach beyond where
    /// the channel is now.
    history_is_old: bool,
    has_history: bool,
}

impl Bars {
    pub(crate) fn visible(&self) -> &[Bar] {
        &self.visible
    }

    pub(crate) fn has_history(&self) -> bool {
        self.has_history
    }

    /// Takes in a live bar. Returns whether it replaced one that nobody has seen yet.
    pub(crate) fn take(&mut self, bar: Bar) -> bool {
        // The forming bar is nearly always the last that came.
        match self.incoming.iter_mut().rev().find(|held| held.open_time() == bar.open_time()) {
            Some(held) => {
                if bar.supersedes(held) {
                    *held = bar;
                }
                true
            }
            None => {
                self.incoming.push(bar);
                false
            }
        }
    }

    /// Voids the live bars. Those from history stay until a new page replaces them, but for what lies beyond
    /// the first live bar that comes.
    pub(crate) fn start_again(&mut self) {
        self.incoming.clear();
        self.starts_again = true;
        self.history_is_old = true;
        self.has_history = false;
    }

    pub(crate) fn put_history(&mut self, rows: Vec<Bar>) {
        self.history = Some(rows);
    }

    /// Makes the changes visible.
    pub(crate) fn publish(&mut self) {
        if std::mem::take(&mut self.starts_again) {
            self.visible.retain(|bar| bar.seq == 0);
        }
        if let Some(rows) = self.history.take() {
            self.visible.retain(|bar| bar.seq != 0);
            for row in rows {
                self.place(row);
            }
            self.has_history = true;
            self.history_is_old = false;
        }
        if self.history_is_old
            && let Some(first) = self.incoming.iter().map(Bar::open_time).min()
        {
            self.visible.retain(|bar| bar.seq != 0 || bar.open_time() < first);
        }
        for bar in std::mem::take(&mut self.incoming) {
            self.place(bar);
        }
        let surplus = self.visible.len().saturating_sub(BARS_MAX);
        self.visible.drain(..surplus);
    }

    fn place(&mut self, bar: Bar) {
        match self.visible.last() {
            Some(last) if last.open_time() >= bar.open_time() => {}
            _ => return self.visible.push(bar),
        }
        match self.visible.binary_search_by_key(&bar.open_time(), Bar::open_time) {
            Ok(at) if bar.supersedes(&self.visible[at]) => self.visible[at] = bar,
            Ok(_) => {}
            Err(at) => self.visible.insert(at, bar),
        }
    }
}

/// Reads a page of `GET /api/market/candles` for one symbol and interval.
pub(crate) fn read_page(page: &[u8], symbol: &str, interval: &str) -> Result<Vec<Bar>, PageError> {
    const NAMES: &[&str] = &["symbol", "interval", "rows"];
    let whole = |field, reason| PageError::Malformed { field, reason, row: 0 };
    let page = str::from_utf8(page).map_err(|_| whole("page", "is not UTF-8"))?;
    let members = Members::read(page, NAMES, Unknown::Ignore).map_err(|fault| whole("page", fault.reason))?;
    let text = |index| members.string(index).map_err(|fault| whole(NAMES[index], fault.reason));
    if text(0)? != symbol || text(1)? != interval {
        return Err(PageError::Foreign);
    }
    let rows = members.raw(2).map_err(|fault| whole("rows", fault.reason))?;
    read_rows(&mut Cursor::new(rows.as_bytes()))
}

fn read_rows(from: &mut Cursor<'_>) -> Result<Vec<Bar>, PageError> {
    let mut rows: Vec<Bar> = Vec::new();
    let shape =
        |row| PageError::Malformed { field: "rows", reason: "is not a list of rows of six numbers", row };
    from.token(b'[').ok_or_else(|| shape(0))?;
    if from.token(b']').is_some() {
        return Ok(rows);
    }
    loop {
        let row = rows.len() + 1;
        let numbers = read_row(from).ok_or_else(|| shape(row))?;
        let bar = bar_of(numbers).map_err(|(field, reason)| PageError::Malformed { field, reason, row })?;
        if rows.last().is_some_and(|last| last.open_time() >= bar.open_time()) {
            return Err(PageError::Malformed { field: "openTime", reason: "does not ascend", row });
        }
        rows.push(bar);
        if from.token(b',').is_none() {
            from.token(b']').ok_or_else(|| shape(row))?;
            return Ok(rows);
        }
    }
}

fn read_row(from: &mut Cursor<'_>) -> Option<[f64; 6]> {
    let mut numbers = [0.0; 6];
    for (at, number) in numbers.iter_mut().enumerate() {
        from.token(if at == 0 { b'[' } else { b',' })?;
        from.white_space();
        *number = decimal::parse(str::from_utf8(from.short_number()?).ok()?);
    }
    from.token(b']')?;
    Some(numbers)
}

fn bar_of(
    [open_time, open, high, low, close, volume]: [f64; 6],
) -> Result<Bar, (&'static str, &'static str)> {
    if open_time.fract() != 0.0 || open_time.abs() > TIME_MAX_MS as f64 {
        return Err(("openTime", "is not a time in whole milliseconds"));
    }
    let numbers = BarNumbers { open_time: open_time as i64, open, high, low, close, volume, closed: true };
    if let Some((index, reason)) = numbers.price_fault() {
        return Err((BarNumbers::NAMES[index], reason));
    }
    if volume < 0.0 {
        return Err(("volume", "is negative"));
    }
    Ok(Bar { numbers, seq: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bar(open_time: i64, close: f64, closed: bool, seq: u64) -> Bar {
        let numbers = BarNumbers { open_time, open: 1.0, high: 9.0, low: 0.0, close, volume: 0.0, closed };
        Bar { numbers, seq }
    }

    fn shown(bars: &Bars) -> Vec<(i64, f64)> {
        bars.visible().iter().map(|bar| (bar.open_time(), bar.numbers.close)).collect()
    }

    #[test]
    fn history_goes_under_live_bars_without_a_seam() {
        let mut bars = Bars::default();
        bars.take(bar(30, 3.0, true, 7));
        bars.take(bar(40, 4.0, false, 8));
        bars.publish();
        bars.put_history(vec![bar(10, 1.0, true, 0), bar(20, 2.0, true, 0), bar(30, 2.9, true, 0)]);
        bars.take(bar(40, 4.5, false, 9));
        bars.publish();
        assert_eq!(shown(&bars), [(10, 1.0), (20, 2.0), (30, 3.0), (40, 4.5)]);
        assert!(bars.has_history());
    }

    #[test]
    fn what_closed_while_the_link_was_away_is_final() {
        let mut bars = Bars::default();
        bars.take(bar(10, 1.0, false, 7));
        bars.publish();
        bars.put_history(vec![bar(10, 2.0, true, 0)]);
        bars.publish();
        assert_eq!(shown(&bars), [(10, 2.0)]);
        bars.take(bar(10, 1.5, false, 8));
        bars.publish();
        assert_eq!(shown(&bars), [(10, 2.0)], "a late forming bar does not reopen it");
    }

    #[test]
    fn starting_again_voids_live_bars_only() {
        let mut bars = Bars::default();
        bars.put_history(vec![bar(10, 1.0, true, 0)]);
        bars.take(bar(20, 2.0, true, 7));
        bars.take(bar(30, 3.0, false, 8));
        bars.publish();
        bars.take(bar(40, 4.0, false, 9));
        bars.start_again();
        bars.take(bar(20, 2.5, false, 1));
        bars.publish();
        assert_eq!(shown(&bars), [(10, 1.0), (20, 2.5)]);
    }

    #[test]
    fn history_of_before_does_not_hide_where_the_channel_is_now() {
        let mut bars = Bars::default();
        bars.put_history([10, 20, 30, 40].map(|time| bar(time, 1.0, true, 0)).into());
        bars.publish();
        bars.start_again();
        assert!(!bars.has_history());
        bars.take(bar(20, 2.5, false, 1));
        bars.publish();
        assert_eq!(shown(&bars), [(10, 1.0), (20, 2.5)]);
        bars.put_history(vec![bar(10, 1.5, true, 0)]);
        bars.publish();
        assert_eq!((shown(&bars), bars.has_history()), (vec![(10, 1.5), (20, 2.5)], true));
    }

    #[test]
    fn pages_are_read_strictly() {
        let page = |rows: &str| {
            format!(r#"{{"symbol":"A","interval":"1d","columns":[],"rows":{rows},"nextCursor":null}}"#)
        };
        let read = |rows: &str| read_page(page(rows).as_bytes(), "A", "1d").map(|rows| rows.len());
        assert_eq!(read("[]"), Ok(0));
        assert_eq!(read("[[1,2,3,1,2,0],[ 2, 2, 3, 1, 2.5, 10 ]]"), Ok(2));
        assert_eq!(read_page(page("[]").as_bytes(), "B", "1d"), Err(PageError::Foreign));
        for (rows, field, row) in [
            ("[[1,2,3,1,2,0],[1,2,3,1,2,0]]", "openTime", 2),
            ("[[1,2,1,1,2,0]]", "high", 1),
            ("[[1,2,3,2.5,2,0]]", "low", 1),
            ("[[1,2,3,1,2,-1]]", "volume", 1),
            ("[[1.5,2,3,1,2,1]]", "openTime", 1),
            ("[[1,2,3,1,2]]", "rows", 1),
            ("[[1,2,3,1,2,null]]", "rows", 1),
            ("{}", "rows", 0),
        ] {
            let found = read(rows);
            assert!(
                matches!(found, Err(PageError::Malformed { field: f, row: r, .. }) if f == field && r == row),
                "{rows}: {found:?}"
            );
        }
        assert!(matches!(read_page(b"[", "A", "1d"), Err(PageError::Malformed { field: "page", .. })));
    }

    proptest! {
        #[test]
        fn bars_ascend_and_the_newest_of_each_wins(
            steps in prop::collection::vec((0i64..30, 0.0..9.0f64, any::<bool>()), 1..120),
        ) {
            let mut bars = Bars::default();
            let mut expected = std::collections::BTreeMap::new();
            for (seq, &(time, close, flush)) in steps.iter().enumerate() {
                bars.take(bar(time, close, false, seq as u64 + 1));
                expected.insert(time, close);
                if flush { bars.publish(); }
            }
            bars.publish();
            prop_assert_eq!(shown(&bars), expected.into_iter().collect::<Vec<_>>());
        }
    }
}
