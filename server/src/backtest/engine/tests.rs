use std::convert::Infallible;

use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use serde_json::json;

use super::*;
use crate::backtest::params::Strategy;

/// Keeps everything.
#[derive(Default)]
struct Kept {
    equity: Vec<EquityRow>,
    trades: Vec<Trade>,
}

impl Sink for Kept {
    type Error = Infallible;

    fn equity(&mut self, row: &EquityRow) -> Result<(), Infallible> {
        self.equity.push(*row);
        Ok(())
    }

    fn trade(&mut self, trade: &Trade) -> Result<(), Infallible> {
        self.trades.push(*trade);
        Ok(())
    }

    fn progress(&mut self, done: f64) -> Result<(), Infallible> {
        assert!((0.0..=1.0).contains(&done));
        Ok(())
    }
}

const DAY: i64 = 86_400_000;

fn params(strategy: serde_json::Value) -> Params {
    Params::read(json!({ "symbol": "A", "strategy": strategy, "initialCash": 1_000 }).to_string().as_bytes())
        .expect("good")
}

/// Bars whose opens are the closes before them.
fn rows(closes: &[f64]) -> Vec<Row> {
    let mut before = closes.first().copied().unwrap_or(1.0);
    let bar = |(close, at): (&f64, i64)| {
        let open = std::mem::replace(&mut before, *close);
        Row(at * DAY, [open, open.max(*close), open.min(*close), *close, 100.0])
    };
    closes.iter().zip(0..).map(bar).collect()
}

fn test(rows: &[Row], params: &Params) -> (Kept, Metrics) {
    let mut kept = Kept::default();
    let Ok(metrics) = run(rows, params, &Shelf::default(), &mut kept);
    let mut streamed = Kept::default();
    let Ok(same) = run_over(rows.iter().copied(), rows.len(), params, &mut streamed);
    assert_eq!((&streamed.equity, &streamed.trades, &same), (&kept.equity, &kept.trades, &metrics));
    (kept, metrics)
}

#[test]
fn orders_fill_at_the_next_open_with_fee_and_slippage() {
    let cross = json!({ "name": "sma_cross", "fast": 1, "slow": 2 });
    let rows = rows(&[10.0, 9.0, 11.0, 12.0, 8.0, 7.0, 7.0]);
    let (kept, metrics) = test(&rows, &params(cross.clone()));
    // Known from the third close on: above; bought at the open of the fourth, which is the third close.
    assert_eq!(kept.trades.len(), 1);
    let trade = kept.trades[0];
    assert_eq!((trade.units, trade.entry_bar, trade.entry_price), (90, 3, 11.0), "1000 / 11");
    assert_eq!((trade.exit_bar, trade.exit_price, trade.pnl), (Some(5), Some(8.0), -270.0));
    assert_eq!(
        kept.equity[3],
        EquityRow { open_time: 3 * DAY, equity: 1_090.0, cash: 10.0, units: 90, drawdown: 0.0 }
    );
    assert_eq!((metrics.final_equity, metrics.trades, metrics.win_rate), (730.0, 1, Some(0.0)));

    let dear = Params { fee_bps: 100.0, slippage_bps: 1_000.0, ..params(cross) };
    let (kept, metrics) = test(&rows, &dear);
    let trade = kept.trades[0];
    let (bought, sold) = (11.0 * 1.1, 8.0 * 0.9);
    assert_eq!(
        (trade.units, trade.entry_price, trade.exit_price),
        (81, bought, Some(sold)),
        "1000 / (12.1 * 1.01)"
    );
    let fees = 81.0 * (bought + sold) * 0.01;
    assert!((trade.fees - fees).abs() < 1e-9 && (metrics.fees - fees).abs() < 1e-9);
    assert!((metrics.final_equity - (1_000.0 + 81.0 * (sold - bought) - fees)).abs() < 1e-9);
}

#[test]
fn what_is_owed_is_bought_back_and_can_ruin() {
    let short = json!({ "name": "sma_cross", "fast": 1, "slow": 2, "allowShort": true });
    let (kept, metrics) = test(&rows(&[10.0, 9.0, 8.0, 7.0, 5.0, 6.0, 7.0]), &params(short.clone()));
    assert_eq!(kept.trades[0].units, -125);
    assert_eq!(
        (kept.trades[0].entry_price, kept.trades[0].exit_price, kept.trades[0].pnl),
        (8.0, Some(6.0), 250.0)
    );
    assert_eq!(kept.trades[1].units, 208, "1250 / 6, the other way at once");
    assert_eq!(metrics.trades, 2);

    let (kept, metrics) = test(&rows(&[10.0, 9.0, 8.0, 7.9, 100.0, 1.0, 2.0, 3.0]), &params(short));
    assert!(
        metrics.final_equity < 0.0 && kept.equity[5..].iter().all(|row| row.units == 0 && row.equity < 0.0)
    );
    assert_eq!(kept.trades.len(), 1, "nothing more begins");
    assert_eq!((metrics.cagr, metrics.max_drawdown > 1.0), (None, true));
}

#[test]
fn sizes_are_whole_units_that_can_be_paid() {
    let hold = |sizing: serde_json::Value| {
        let text = json!({ "symbol": "A", "strategy": { "name": "buy_and_hold" }, "initialCash": 1_000, "sizing": sizing });
        let params = Params::read(text.to_string().as_bytes()).expect("good");
        let (kept, _) = test(&rows(&[30.0, 31.0, 32.0]), &params);
        (kept.equity[0].units, kept.equity[2].units, kept.trades.len())
    };
    assert_eq!(hold(json!({ "kind": "all_in" })), (0, 33, 1), "at the second bar's open");
    assert_eq!(hold(json!({ "kind": "fraction", "fraction": 0.5 })), (0, 16, 1));
    assert_eq!(hold(json!({ "kind": "fraction", "fraction": 0.01 })), (0, 0, 0));
    assert_eq!(hold(json!({ "kind": "units", "units": 7 })), (0, 7, 1));
    assert_eq!(hold(json!({ "kind": "units", "units": 34 })), (0, 0, 0), "all or none");
    let (kept, metrics) = test(&[], &params(json!({ "name": "buy_and_hold" })));
    assert_eq!((kept.equity.len(), metrics.bars, metrics.final_equity), (0, 0, 1_000.0));
}

#[test]
fn a_sink_that_has_enough_ends_it() {
    struct Full(usize);
    impl Sink for Full {
        type Error = &'static str;
        fn equity(&mut self, _: &EquityRow) -> Result<(), &'static str> {
            self.0 += 1;
            Ok(())
        }
        fn trade(&mut self, _: &Trade) -> Result<(), &'static str> {
            Ok(())
        }
        fn progress(&mut self, done: f64) -> Result<(), &'static str> {
            if done > 0.4 { Err("cancelled") } else { Ok(()) }
        }
    }
    let mut full = Full(0);
    let rows = rows(&vec![5.0; 10 * LOOK_EVERY]);
    let ended = run(&rows, &params(json!({ "name": "buy_and_hold" })), &Shelf::default(), &mut full);
    assert_eq!((ended.err(), full.0), (Some("cancelled"), 5 * LOOK_EVERY));
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    let short = any::<bool>();
    prop_oneof![
        (1_u32..6, 1_u32..8, short).prop_map(|(fast, more, allow_short)| Strategy::SmaCross {
            fast,
            slow: fast + more,
            allow_short
        }),
        (2_u32..6, 5.0..45.0_f64, 55.0..95.0_f64, short).prop_map(|(period, low, high, allow_short)| {
            Strategy::RsiReversion { period, low, high, allow_short }
        }),
        (1_u32..8, 1_u32..8, short).prop_map(|(entry, exit, allow_short)| Strategy::DonchianBreakout {
            entry,
            exit,
            allow_short
        }),
        short.prop_map(|allow_short| Strategy::BuyAndHold { allow_short }),
    ]
}

fn any_params() -> impl proptest::strategy::Strategy<Value = Params> {
    let sizing = prop_oneof![
        Just(Sizing::AllIn),
        (0.01..1.0_f64).prop_map(|fraction| Sizing::Fraction { fraction }),
        (1_u32..40).prop_map(|units| Sizing::Units { units }),
    ];
    (strategies(), sizing, 0.0..200.0_f64, 0.0..200.0_f64).prop_map(
        |(strategy, sizing, fee_bps, slippage_bps)| Params {
            strategy,
            sizing,
            fee_bps,
            slippage_bps,
            ..params(json!({ "name": "buy_and_hold" }))
        },
    )
}

proptest! {
    #[test]
    fn the_future_changes_nothing_of_the_past(
        closes in prop::collection::vec(1.0..50.0_f64, 2..80), other in prop::collection::vec(1.0..50.0_f64, 1..40),
        cut in any::<prop::sample::Index>(), params in any_params(),
    ) {
        let cut = cut.index(closes.len());
        let changed: Vec<f64> = closes[..cut].iter().chain(&other).copied().collect();
        let (one, _) = test(&rows(&closes), &params);
        let (two, _) = test(&rows(&changed), &params);
        prop_assert_eq!(&one.equity[..cut], &two.equity[..cut.min(two.equity.len())]);
        let ended = |kept: &Kept| -> Vec<Trade> {
            kept.trades.iter().filter(|trade| trade.exit_bar.is_some_and(|bar| bar < cut as u64)).copied().collect()
        };
        prop_assert_eq!(ended(&one), ended(&two));
    }

    #[test]
    fn the_sums_are_right(closes in prop::collection::vec(1.0..50.0_f64, 1..120), params in any_params()) {
        let rows = rows(&closes);
        let (kept, metrics) = test(&rows, &params);
        prop_assert_eq!(kept.equity.len(), rows.len());
        let is_ruined = kept.equity.iter().any(|row| row.equity <= 0.0);
        // Fortunes may grow a lot on bars like these.
        let turnover: f64 = kept.trades.iter().map(|trade| trade.units.unsigned_abs() as f64 * trade.entry_price).sum();
        let near = 1e-9 * (params.initial_cash + turnover);
        for (row, equity) in rows.iter().zip(&kept.equity) {
            prop_assert!((equity.cash + equity.units as f64 * row.1[CLOSE] - equity.equity).abs() < near);
            prop_assert!(equity.drawdown >= 0.0);
        }
        let pnl: f64 = kept.trades.iter().map(|trade| trade.pnl).sum();
        let fees: f64 = kept.trades.iter().map(|trade| trade.fees).sum();
        prop_assert!((fees - metrics.fees).abs() < near);
        prop_assert!(is_ruined || (metrics.final_equity - params.initial_cash - pnl).abs() < near);
        for pair in kept.trades.windows(2) {
            prop_assert!(pair[0].exit_bar.is_some_and(|exit| exit <= pair[1].entry_bar), "one at a time");
        }
        // Never more than there is cash for.
        prop_assert!(kept.trades.iter().all(|trade| trade.units != 0));
        prop_assert!(kept.equity.iter().all(|row| row.units <= 0 || row.cash >= -near));
        let again = test(&rows, &params);
        prop_assert_eq!((again.0.equity, again.0.trades, again.1), (kept.equity, kept.trades, metrics), "the same again");
    }
}
