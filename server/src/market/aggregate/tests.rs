use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::market::intervals::{interval, name};

fn trade(time: i64, id: u64, price: i64, quantity: i64) -> Trade {
    let (price, quantity) = (Decimal::new(price, 2), Decimal::new(quantity, 3));
    Trade { time, id: Some(id), side: None, price, quantity }
}

fn shown(update: &Update) -> String {
    let Bar { open_time, open, high, low, close, volume } = update.bar;
    let end = if update.is_closed { " final" } else { "" };
    format!("{} {open_time} {open} {high} {low} {close} {volume}{end}", name(update.interval))
}

fn of<'a>(updates: &'a [Update], wanted: &'a str) -> Vec<String> {
    updates.iter().filter(|update| update.interval == interval(wanted)).map(shown).collect()
}

/// The bars of one interval, computed the plain way.
fn plainly(trades: &[Trade], interval: Interval) -> Vec<Bar> {
    let mut sorted = trades.to_vec();
    sorted.sort_by_key(|trade| (trade.time, trade.id));
    let mut bars: BTreeMap<i64, Bar> = BTreeMap::new();
    for Trade { time, price, quantity, .. } in sorted {
        let open_time = floor(time, interval);
        bars.entry(open_time)
            .and_modify(|bar| {
                bar.high = bar.high.max(price);
                bar.low = bar.low.min(price);
                bar.close = price;
                bar.volume += quantity;
            })
            .or_insert(Bar {
                open_time,
                open: price,
                high: price,
                low: price,
                close: price,
                volume: quantity,
            });
    }
    bars.into_values().collect()
}

#[test]
fn a_trade_is_in_the_bars_of_its_time() {
    let mut book = Book::new(interval("1s"), 1_000);
    let mut closed = Vec::new();
    for (time, id, price) in [(59_100, 1, 100), (59_900, 2, 300), (60_100, 3, 200), (59_500, 4, 50)] {
        book.trade(&trade(time, id, price, 1), &mut closed).expect("in time");
    }
    assert_eq!(closed, []);
    let mut seen = Vec::new();
    book.look(&mut seen);
    // The last one came late and is in the middle of its second: neither its open nor its close.
    assert_eq!(of(&seen, "1s"), ["1s 59000 1.00 3.00 0.50 3.00 0.003", "1s 60000 2.00 2.00 2.00 2.00 0.001"]);
    assert_eq!(of(&seen, "1m"), ["1m 0 1.00 3.00 0.50 3.00 0.003", "1m 60000 2.00 2.00 2.00 2.00 0.001"]);
    assert_eq!(of(&seen, "5m"), ["5m 0 1.00 3.00 0.50 2.00 0.004"]);
    assert!(!book.is_dirty());

    // A second past the end of the bar it is final, and a trade of it is told.
    book.trade(&trade(61_000, 5, 210, 1), &mut closed).expect("in time");
    assert_eq!(
        closed.iter().map(shown).collect::<Vec<_>>(),
        ["1s 59000 1.00 3.00 0.50 3.00 0.003 final", "1m 0 1.00 3.00 0.50 3.00 0.003 final"]
    );
    seen.clear();
    book.look(&mut seen);
    assert_eq!(of(&seen, "1s"), ["1s 61000 2.10 2.10 2.10 2.10 0.001"]);
    assert_eq!(of(&seen, "1m"), ["1m 60000 2.00 2.10 2.00 2.10 0.002"]);
}

#[test]
fn a_trade_that_comes_after_its_second_is_in_the_longer_bars_that_are_not_final() {
    let mut book = Book::new(interval("1s"), 1_000);
    let (mut closed, mut seen) = (Vec::new(), Vec::new());
    book.trade(&trade(59_100, 1, 100, 1), &mut closed).expect("in time");
    book.trade(&trade(60_100, 2, 200, 1), &mut closed).expect("in time");
    // An outage: time goes on without trades, and these are fetched after it.
    book.advance(90_000, &mut closed);
    book.look(&mut seen);
    closed.clear();
    seen.clear();
    for (time, id, price) in [(59_999, 3, 50), (60_050, 4, 150), (75_000, 5, 900), (74_000, 6, 300)] {
        book.trade(&trade(time, id, price, 1), &mut closed).expect("in time for the longer ones");
    }
    assert!(book.is_dirty() && closed.is_empty());
    book.look(&mut seen);
    assert_eq!((of(&seen, "1s"), book.is_dirty()), (vec![], false));
    assert_eq!(of(&seen, "1m"), ["1m 60000 1.50 9.00 1.50 9.00 0.004"]);
    assert_eq!(of(&seen, "5m"), ["5m 0 1.00 9.00 0.50 9.00 0.006"]);
    // What comes next goes on from there.
    book.trade(&trade(90_100, 7, 400, 1), &mut closed).expect("in time");
    book.advance(122_000, &mut closed);
    assert_eq!(of(&closed, "1m"), ["1m 60000 1.50 9.00 1.50 4.00 0.005 final"]);
    book.advance(i64::MAX, &mut closed);
    let final_to = floor(i64::MAX - 1_000, interval("1s"));
    let late = book.trade(&trade(90_200, 8, 900, 1), &mut closed);
    assert_eq!(late, Err(BookFault::Late { time: 90_200, final_to }));
}

#[test]
fn time_alone_makes_bars_final_and_makes_none_up() {
    let mut book = Book::new(interval("1s"), 0);
    let mut closed = Vec::new();
    book.trade(&trade(1_500, 1, 100, 1), &mut closed).expect("in time");
    book.advance(1_999, &mut closed);
    assert_eq!(closed, []);
    book.advance(2_000, &mut closed);
    book.advance(60_000, &mut closed);
    book.advance(7_200_000, &mut closed);
    let all: Vec<String> = closed.iter().map(|update| name(update.interval)).collect();
    assert_eq!(all, ["1s", "1m", "5m", "15m", "1h"]);
    book.finish(&mut closed);
    assert_eq!(
        closed[5..].iter().map(|update| name(update.interval)).collect::<Vec<_>>(),
        ["4h", "1d", "1w"]
    );
}

#[test]
fn prints_close_their_bar_with_the_last_one() {
    let mut book = Book::new(interval("1d"), 0);
    let mut closed = Vec::new();
    let day = 86_400_000;
    let print = |book: &mut Book, start, price, closes, closed: &mut Vec<Update>| {
        book.print(start, Decimal::from(price), Decimal::ONE, closes, closed)
    };
    // A Friday and the Monday after it.
    print(&mut book, day, 10, false, &mut closed).expect("good");
    print(&mut book, day, 12, true, &mut closed).expect("good");
    assert_eq!(of(&closed, "1d"), ["1d 86400000 10 12 10 12 2 final"]);
    assert!(print(&mut book, day, 13, false, &mut closed).is_err());
    print(&mut book, 4 * day, 9, false, &mut closed).expect("good");
    assert_eq!(of(&closed, "1w"), ["1w -259200000 10 12 10 12 2 final"]);
    let mut seen = Vec::new();
    book.look(&mut seen);
    assert_eq!(of(&seen, "1w"), ["1w 345600000 9 9 9 9 1"]);
}

#[test]
fn a_bar_that_began_before_goes_on() {
    let mut book = Book::new(interval("1s"), 0);
    book.seed(interval("1m"), &plainly(&[trade(0, 1, 500, 7)], interval("1m"))[0]);
    let mut closed = Vec::new();
    book.trade(&trade(30_000, 2, 100, 1), &mut closed).expect("in time");
    book.advance(60_000, &mut closed);
    assert_eq!(of(&closed, "1m"), ["1m 0 5.00 5.00 1.00 1.00 0.008 final"]);
}

#[test]
fn what_is_said_late_of_how_a_bar_began_replaces_what_was_heard() {
    let mut book = Book::new(interval("1s"), 1_000);
    let (mut closed, mut seen) = (Vec::new(), Vec::new());
    for (time, id, price) in [(70_000, 1, 300), (75_000, 2, 400), (79_500, 3, 350)] {
        book.trade(&trade(time, id, price, 1), &mut closed).expect("in time");
    }
    let said = plainly(&[trade(60_000, 0, 500, 6), trade(79_500, 3, 350, 3)], interval("1m"))[0];
    assert!(book.seed(interval("1m"), &said));
    book.look(&mut seen);
    assert_eq!(of(&seen, "1m"), ["1m 60000 5.00 5.00 3.50 3.50 0.009"]);
    assert_eq!(of(&seen, "1s"), ["1s 79000 3.50 3.50 3.50 3.50 0.001"]);
    book.trade(&trade(80_000, 4, 200, 1), &mut closed).expect("in time");
    assert!(
        book.trade(&trade(74_000, 5, 900, 1), &mut closed).is_ok(),
        "in the longer ones that nothing was said of"
    );
    book.advance(121_000, &mut closed);
    assert_eq!(of(&closed, "1m"), ["1m 60000 5.00 5.00 2.00 2.00 0.010 final"]);
    assert_eq!(of(&closed, "1s").last().expect("one"), "1s 80000 2.00 2.00 2.00 2.00 0.001 final");
    // A bar that was heard from its beginning needs nobody to say more of it, nor does one that is final.
    assert!(!book.seed(interval("1m"), &Bar { open_time: 120_000, ..said }));
    assert!(!book.seed(interval("1m"), &said));
    assert!(!book.seed(interval("1d"), &Bar { open_time: 86_400_000, ..said }));
    assert!(book.seed(interval("1d"), &Bar { open_time: 0, ..said }));
}

#[test]
fn numbers_that_are_too_large_change_nothing() {
    let mut book = Book::new(interval("1s"), 0);
    let mut closed = Vec::new();
    let huge = Trade { quantity: Decimal::MAX, ..trade(0, 1, 100, 1) };
    book.trade(&huge, &mut closed).expect("fits");
    assert_eq!(book.trade(&Trade { price: Decimal::MAX, ..huge }, &mut closed), Err(BookFault::Overflow));
    let mut seen = Vec::new();
    book.look(&mut seen);
    assert_eq!(seen[0].bar.high, Decimal::ONE);
}

proptest! {
    /// Whatever the order within the lateness, and whenever somebody looks: the final bars are those of the plain
    /// computation, each told once, in order; and what is seen before is on the way to it.
    #[test]
    fn final_bars_are_those_of_the_plain_computation(
        steps in prop::collection::vec((0i64..4_000, 1i64..100_000, 1i64..1_000, 0i64..900, any::<bool>()), 1..200),
    ) {
        let mut time = 1_675_329_590_000;
        let mut trades = Vec::new();
        for (nth, (step, price, quantity, back, _)) in steps.iter().enumerate() {
            time += step;
            trades.push(trade(time - back, nth as u64, *price, *quantity));
        }
        let mut book = Book::new(interval("1s"), 1_000);
        let (mut closed, mut seen) = (Vec::new(), Vec::new());
        for (trade, step) in trades.iter().zip(&steps) {
            book.trade(trade, &mut closed).expect("never later than the lateness");
            if step.4 {
                book.look(&mut seen);
                prop_assert!(!book.is_dirty());
            }
        }
        book.finish(&mut closed);
        for served in book.intervals().collect::<Vec<_>>() {
            let found: Vec<Bar> =
                closed.iter().filter(|update| update.interval == served).map(|update| update.bar).collect();
            prop_assert_eq!(&found, &plainly(&trades, served));
            for update in seen.iter().filter(|update| update.interval == served) {
                let last = found.iter().find(|bar| bar.open_time == update.bar.open_time).expect("becomes final");
                prop_assert!(update.bar.volume <= last.volume && update.bar.high <= last.high);
                prop_assert!(update.bar.low >= last.low && !update.is_closed);
            }
        }
    }

    /// However late trades come: the final bars of a length are those of the plain computation of the trades that came
    /// before their bar of that length was final.
    #[test]
    fn a_bar_has_every_trade_that_came_before_it_was_final(
        steps in prop::collection::vec((0i64..40_000, 1i64..100_000, 1i64..1_000, 0i64..6_000_000), 1..200),
    ) {
        let mut time = 1_675_329_590_000;
        let mut book = Book::new(interval("1s"), 1_000);
        let (mut trades, mut closed) = (Vec::new(), Vec::new());
        for (nth, (step, price, quantity, back)) in steps.iter().enumerate() {
            let final_to = floor(time - 1_000, book.base());
            time += step;
            // Every third one is late.
            let back = if nth % 3 == 2 { *back } else { 0 };
            let trade = trade(time - back, nth as u64, *price, *quantity);
            let is_in_time = |length: Interval| floor(trade.time, length) + length.length_ms() as i64 > final_to;
            let taken = book.trade(&trade, &mut closed);
            prop_assert_eq!(taken.is_ok(), nth == 0 || book.intervals().any(is_in_time));
            trades.push((trade, if nth == 0 { i64::MIN } else { final_to }));
            // By the clock, as a feed has it.
            book.advance(time, &mut closed);
        }
        book.finish(&mut closed);
        for length in book.intervals().collect::<Vec<_>>() {
            let is_in_time = |(trade, final_to): &&(Trade, i64)| {
                floor(trade.time, length).saturating_add(length.length_ms() as i64) > *final_to
            };
            let in_time: Vec<Trade> = trades.iter().filter(is_in_time).map(|(trade, _)| *trade).collect();
            let found: Vec<Bar> =
                closed.iter().filter(|update| update.interval == length).map(|update| update.bar).collect();
            prop_assert_eq!(&found, &plainly(&in_time, length));
        }
    }
}
