use std::time::Duration;

use super::*;
use crate::market::intervals::interval;

const DAY_MS: i64 = 86_400_000;

fn number(text: &str) -> Decimal {
    text.parse().expect("a number")
}

fn bar(day: i64, [open, high, low, close]: [&str; 4], volume: &str) -> Bar {
    let [open, high, low, close] = [open, high, low, close].map(number);
    Bar { open_time: day * DAY_MS, open, high, low, close, volume: number(volume) }
}

fn instrument(base: &str, history: Vec<(Interval, Vec<Bar>)>) -> Instrument {
    Instrument {
        symbol: "A".into(),
        base: Some(interval(base)),
        lateness_ms: 0,
        makes: Vec::new(),
        history,
        history_max: None,
        skipped_rows: 0,
        print_gap: Duration::from_secs(1),
        speed: 1.0,
    }
}

fn daily(history: Vec<Bar>) -> Normalizer {
    Normalizer::new(&instrument("1d", vec![(interval("1d"), history)])).0
}

fn print(day: i64, price: &str, quantity: &str, closes_bar: bool) -> Print {
    let open_time = day * DAY_MS;
    Print { instrument: 0, price: number(price), quantity: number(quantity), open_time, closes_bar }
}

fn trade(time: i64, price: &str, quantity: &str) -> Trade {
    Trade { time, id: None, side: None, price: number(price), quantity: number(quantity) }
}

fn looked(normalizer: &mut Normalizer) -> Vec<Update> {
    let mut seen = Vec::new();
    normalizer.look(&mut seen);
    seen
}

#[test]
fn prints_build_up_a_bar() {
    let mut normalizer = daily(vec![bar(0, ["1", "1", "1", "118.56"], "5")]);
    let mut closed = Vec::new();
    let first = normalizer.print(&print(1, "120", "10", false), &mut closed).expect("good");
    assert_eq!((first.change, first.change_pct, first.market_time), (1.44, 1.2146, DAY_MS));
    normalizer.print(&print(1, "118.5", "10", false), &mut closed).expect("good");
    normalizer.print(&print(1, "132.06", "10", false), &mut closed).expect("good");
    let forming = looked(&mut normalizer)[0];
    assert_eq!((forming.bar, forming.is_closed), (bar(1, ["120", "132.06", "118.5", "132.06"], "30"), false));
    let (place, event) = normalizer.event(&forming).expect("its own interval");
    assert_eq!((place, &*event.interval, event.high, event.closed), (0, "1d", 132.06, false));
    let last = normalizer.print(&print(1, "130.31", "12", true), &mut closed).expect("good");
    assert_eq!(last.volume, 42.0);
    assert_eq!(closed[0].bar, bar(1, ["120", "132.06", "118.5", "130.31"], "42"));
    let next = normalizer.print(&print(2, "130.31", "1", false), &mut closed).expect("good");
    assert_eq!((next.change, next.change_pct, next.volume), (0.0, 0.0, 1.0));
}

#[test]
fn the_first_bar_of_all_is_compared_with_its_own_open() {
    let mut normalizer = daily(Vec::new());
    let mut closed = Vec::new();
    assert_eq!(normalizer.print(&print(1, "10", "1", false), &mut closed).expect("good").change, 0.0);
    let tick = normalizer.print(&print(1, "9", "1", true), &mut closed).expect("good");
    assert_eq!((tick.change, tick.change_pct), (-1.0, -10.0));
}

#[test]
fn a_restart_goes_back_to_the_end_of_the_history() {
    let mut normalizer = daily(vec![bar(0, ["1", "1", "1", "100"], "5")]);
    let mut closed = Vec::new();
    normalizer.print(&print(1, "200", "1", true), &mut closed).expect("good");
    assert!(normalizer.print(&print(1, "200", "1", true), &mut closed).is_err());
    normalizer.restart();
    assert_eq!(normalizer.newest_tick(), None);
    let tick = normalizer.print(&print(1, "150", "1", false), &mut closed).expect("good");
    assert_eq!(tick.change_pct, 50.0);
}

#[test]
fn prints_that_cannot_be_right_are_refused_and_change_nothing() {
    let mut normalizer = daily(vec![bar(5, ["1", "1", "1", "100"], "5")]);
    let mut closed = Vec::new();
    normalizer.print(&print(6, "100", "1", false), &mut closed).expect("good");
    let mut refused = |print: Print| normalizer.print(&print, &mut closed).expect_err("cannot be right");
    assert_eq!(refused(print(6, "0", "1", false)), MarketFault::NotPositive);
    assert_eq!(refused(print(6, "1", "-1", false)), MarketFault::NotPositive);
    assert!(matches!(refused(print(4, "1", "1", false)), MarketFault::Book(BookFault::Late { .. })));
    let huge = Print { price: Decimal::MAX, ..print(6, "1", "1", false) };
    assert_eq!(refused(huge), MarketFault::Overflow);
    let heavy = Print { quantity: Decimal::MAX, ..print(6, "1", "1", false) };
    assert_eq!(refused(heavy), MarketFault::Overflow);
    normalizer.print(&print(6, "101", "1", false), &mut closed).expect("good");
    assert_eq!(looked(&mut normalizer)[0].bar, bar(6, ["100", "101", "100", "101"], "2"));
}

#[test]
fn trades_are_compared_with_the_day_before() {
    let history = vec![(interval("1d"), vec![bar(0, ["1", "1", "1", "100"], "5")])];
    let (mut normalizer, history) = Normalizer::new(&instrument("1s", history));
    assert_eq!(history.len(), 8);
    let mut closed = Vec::new();
    let mut tick = |time, price: &str| {
        let tick = normalizer.trade(&trade(DAY_MS + time, price, "1"), None, &mut closed).expect("good");
        tick.map(|tick| (tick.change, tick.volume, tick.market_time - DAY_MS))
    };
    assert_eq!(tick(500, "101"), Some((1.0, 1.0, 500)));
    assert_eq!(tick(900, "103"), Some((3.0, 2.0, 900)));
    // One that comes late is in the bar and in the day's volume, and is no price of now.
    assert_eq!(tick(700, "90"), None);
    assert_eq!(tick(900, "102"), Some((2.0, 4.0, 900)));
    assert_eq!(tick(DAY_MS, "102.5"), Some((0.5, 1.0, DAY_MS)));
    let seconds: Vec<Bar> =
        closed.iter().filter(|update| update.interval == interval("1s")).map(|update| update.bar).collect();
    assert_eq!(seconds, [bar(1, ["101", "103", "90", "102"], "4")]);
}

#[test]
fn a_trade_of_the_future_is_refused() {
    let mut normalizer = Normalizer::new(&instrument("1s", Vec::new())).0;
    let mut closed = Vec::new();
    let ahead = trade(AHEAD_MAX_MS + 1, "1", "1");
    assert_eq!(normalizer.trade(&ahead, Some(0), &mut closed), Err(MarketFault::Future(AHEAD_MAX_MS + 1)));
    assert!(normalizer.trade(&ahead, Some(1), &mut closed).is_ok());
}

#[test]
fn offers_wait_for_a_price_and_must_make_sense() {
    let mut normalizer = Normalizer::new(&instrument("1s", Vec::new())).0;
    let quote = |bid: &str, ask: &str| Quote { time: 7, bid: number(bid), ask: number(ask) };
    assert_eq!(normalizer.quote(&quote("9", "11")), Ok(None));
    normalizer.trade(&trade(5, "10", "1"), None, &mut Vec::new()).expect("good");
    let tick = normalizer.quote(&quote("9.5", "10.5")).expect("good").expect("has a price");
    assert_eq!((tick.price, tick.bid, tick.ask, tick.market_time), (10.0, Some(9.5), Some(10.5), 7));
    assert_eq!(normalizer.quote(&quote("11", "10")), Err(MarketFault::Crossed));
    assert_eq!(normalizer.quote(&quote("0", "10")), Err(MarketFault::NotPositive));
}

#[test]
fn bars_that_the_source_makes_are_passed_on_and_say_the_volume() {
    let makes = vec![interval("1m"), interval("1d")];
    let (mut normalizer, _) = Normalizer::new(&Instrument { makes, ..instrument("1s", Vec::new()) });
    let names: Vec<String> = normalizer.intervals().iter().map(|of| intervals::name(*of)).collect();
    assert_eq!(names, ["1s", "1m", "5m", "15m", "1h", "4h", "1d", "1w"]);
    let made = |day, close: &str, is_closed| {
        let bar = bar(day, ["100", "200", "50", close], "900");
        Made { instrument: 0, interval: interval("1d"), bar, is_closed }
    };
    normalizer.made(&made(0, "100", true)).expect("good");
    let update = normalizer.made(&made(1, "110", false)).expect("good");
    assert_eq!((update.is_closed, normalizer.event(&update).map(|(place, _)| place)), (false, Some(6)));
    let tick = normalizer.trade(&trade(DAY_MS + 1, "120", "1"), None, &mut Vec::new()).expect("good");
    assert_eq!(tick.map(|tick| (tick.volume, tick.change)), Some((900.0, 20.0)));
    // What the source makes is not made a second time.
    assert!(looked(&mut normalizer).iter().all(|update| update.interval != interval("1m")));
    let upside_down = Made { bar: bar(1, ["100", "50", "200", "100"], "1"), ..made(1, "100", false) };
    assert!(normalizer.made(&upside_down).is_err());
}

#[test]
fn shorter_bars_of_a_history_are_made_into_longer_ones() {
    let hours: Vec<Bar> = (0..60)
        .map(|hour| Bar {
            open_time: hour * 3_600_000,
            ..bar(0, ["2", "3", "1", &format!("{}", 1 + hour % 3)], "10")
        })
        .collect();
    let older = vec![bar(-3, ["7", "8", "6", "7"], "1"), bar(0, ["9", "9", "9", "9"], "1")];
    let given = vec![(interval("1h"), hours), (interval("1d"), older)];
    let (mut normalizer, history) = Normalizer::new(&instrument("1h", given));
    let days = &history.iter().find(|(of, _)| *of == interval("1d")).expect("served").1;
    // What was given is older; the days of the hours are made of them, and the last one is forming.
    assert_eq!(days.iter().map(|bar| bar.open_time / DAY_MS).collect::<Vec<_>>(), [-3, 0, 1]);
    assert_eq!(days[1], bar(0, ["2", "3", "1", "3"], "240"));
    let mut closed = Vec::new();
    let next = Print { open_time: 60 * 3_600_000, ..print(0, "2.5", "1", false) };
    let tick = normalizer.print(&next, &mut closed).expect("good");
    assert_eq!((tick.volume, tick.change), (121.0, -0.5));
}
