//! The end of a file: the replay starts over, and every subscriber is told that this is another history.

#![allow(clippy::unwrap_used, reason = "also in helpers, where a panic is the verdict of the test")]

use std::collections::BTreeSet;

use spark_live_tests::{DataDir, Envelope, Gateway, WebSocket};

const ROWS: [&str; 6] = [
    "2020-01-01,10,12,9,11,100",
    "2020-01-02,11,13,10,12,100",
    "2020-01-03,12,14,11,13,100",
    "2020-01-06,13,15,12,14,100",
    "2020-01-07,14,16,13,15,100",
    "2020-01-08,15,17,14,16,100",
];

async fn next_resync(socket: &mut WebSocket, channel: &str) -> Envelope {
    socket.find(|envelope| envelope.event == "system.resync" && envelope.channel == channel).await.unwrap()
}

#[tokio::test]
async fn when_the_file_ends_the_channel_starts_again_under_a_new_epoch() {
    let data = DataDir::new().unwrap().csv("TINY", &ROWS).unwrap();
    let gateway = Gateway::options().data_dir(&data.path()).speed(4.0).start().await.unwrap();
    for channel in ["price:TINY", "candles:TINY.1d"] {
        let mut socket = gateway.websocket().await.unwrap();
        socket.subscribe(&[channel]).await.unwrap();
        let ack = socket.find(|envelope| envelope.event == "system.ack").await.unwrap();
        let mut epochs = BTreeSet::from([ack.field::<String>("epoch").unwrap()]);
        for _ in 0..2 {
            let resync = next_resync(&mut socket, channel).await;
            assert_eq!(resync.seq, 0);
            assert!(!resync.field::<String>("reason").unwrap().is_empty(), "{resync}");
            assert!(epochs.insert(resync.field("epoch").unwrap()), "not a new epoch: {resync}");
            let first = socket.find(Envelope::is_data).await.unwrap();
            // Candles are sent four times a second at most: the states of the first bar before that are merged.
            assert!((1..=4).contains(&first.seq), "{first}");
        }
    }
}

#[tokio::test]
async fn history_never_reaches_into_the_replays_future() {
    let data = DataDir::new().unwrap().csv("TINY", &ROWS).unwrap();
    let gateway = Gateway::options().data_dir(&data.path()).speed(20.0).start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["candles:TINY.1d"]).await.unwrap();
    next_resync(&mut socket, "candles:TINY.1d").await;
    // Whatever moment it is asked at: the first half of the file and at most the bars played since.
    for _ in 0..20 {
        let page = gateway.candles(&spark_live_tests::CandleQuery::daily("TINY")).await.unwrap();
        assert!((3..=6).contains(&page.rows.len()), "{page:?}");
        assert_eq!(page.total, page.rows.len() as u64);
    }
}

#[tokio::test]
async fn a_file_of_one_row_plays_that_row() {
    let data = DataDir::new().unwrap().csv("ONE", &ROWS[..1]).unwrap();
    let gateway = Gateway::options().data_dir(&data.path()).speed(2.0).start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["price:ONE"]).await.unwrap();
    let tick = socket.find(|envelope| envelope.event == "price.tick").await.unwrap();
    let price: f64 = tick.field("price").unwrap();
    assert!((9.0..=12.0).contains(&price), "{tick}");
}
