//! Bars of the past.

use std::time::{SystemTime, UNIX_EPOCH};

use spark_live::market::exchange::RestFault;
use spark_live_tests::exchange::Candle;

use crate::rig::{Rig, interval};

const MINUTE: i64 = 60_000;

#[tokio::test]
async fn closed_bars_and_the_forming_one_are_told_apart() {
    let rig = Rig::start(&["ETHUSDT", "NOSUCH"]).await;
    rig.handle.measure_clock().await.unwrap();
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    // The forming one begins at the next full minute, so that it is forming however slow this test is.
    let forming = now / MINUTE * MINUTE + MINUTE;
    for nth in 0..=20 {
        let open = (100 + nth).to_string();
        let candle = Candle::new(forming - nth * MINUTE, [&open, "200.50", "50", "100", "1.25"], nth > 0);
        rig.server.past_bar("ETHUSDT", "1m", &candle);
    }
    rig.server.past_bar("ETHUSDT", "1m", &Candle::new(forming - 3 * MINUTE, ["1", "0", "2", "1", "1"], true));
    let fetched = rig.handle.history(0, interval("1m"), 10).await.unwrap().unwrap();
    let opens: Vec<String> = fetched.closed.iter().map(|bar| bar.open.to_string()).collect();
    // Ten and the forming one were asked for; one of them cannot have been.
    assert_eq!(opens, ["110", "109", "108", "107", "106", "105", "104", "102", "101"]);
    assert_eq!(
        fetched.forming.map(|bar| (bar.open_time, bar.high.to_string())),
        Some((forming, "200.50".to_owned()))
    );
    assert_eq!(fetched.refused, 1);
    assert!(fetched.closed.windows(2).all(|pair| pair[0].open_time < pair[1].open_time));
    assert_eq!(rig.handle.history(0, interval("7m"), 10).await.unwrap(), None);
    assert_eq!(rig.handle.history(9, interval("1m"), 10).await.unwrap(), None);
    let fault = rig.handle.history(1, interval("1m"), 10).await.unwrap_err();
    assert!(
        matches!(&fault, RestFault::Refused { status: 400, said } if said.contains("Invalid symbol")),
        "{fault}"
    );
}

#[tokio::test]
async fn a_symbol_without_a_past_has_none() {
    let rig = Rig::start(&["ETHUSDT"]).await;
    let fetched = rig.handle.history(0, interval("1d"), 500).await.unwrap().unwrap();
    assert!(fetched.closed.is_empty() && fetched.forming.is_none());
}
