//! Files of one's own: bad rows are reported with their place and passed over, good ones play.

use spark_live_tests::{CandleQuery, DataDir, Gateway};

/// Row by row: what is wrong (a word of the reason that must be told), or nothing.
const ROWS: [(&str, Option<&str>); 12] = [
    ("2020-01-01,10,12,9,11,100", None),
    ("2020-01-02,11,13,10,12", Some("column")),
    ("2020-01-03,eleven,13,10,12,100", Some("open")),
    ("2020-01-06,11,9,10,12,100", Some("high")),
    ("2020-01-01,11,13,10,12,100", Some("duplicate")),
    ("2020-01-07,11,13,10,12,-5", Some("volume")),
    ("not-a-date,11,13,10,12,100", Some("date")),
    ("2020-01-08,NaN,13,10,12,100", Some("open")),
    ("2020-01-09,11,13,10,12,100", None),
    ("2020-01-10,12,14,11,13,100", None),
    ("2020-01-13,13,15,12,14,100", None),
    ("2020-01-14,14,15,12,13,100", None),
];

#[tokio::test]
async fn every_bad_row_is_reported_with_file_line_and_reason() {
    let rows = ROWS.map(|(row, _)| row);
    let data = DataDir::new().unwrap().csv("MIXED", &rows).unwrap();
    let gateway = Gateway::options().data_dir(&data.path()).start().await.unwrap();
    for (index, (row, wrong)) in ROWS.iter().enumerate() {
        // The head line is line 1.
        let place = format!("MIXED.csv:{}:", index + 2);
        if let Some(word) = wrong {
            let line = gateway.stderr_line(|line| line.contains(&place)).await.unwrap();
            assert!(line.to_lowercase().contains(word), "{row}: {line}");
        } else {
            assert!(!gateway.stderr().iter().any(|line| line.contains(&place)), "{row}");
        }
    }
    let symbols = gateway.get("/api/market/symbols").await.unwrap();
    assert!(symbols.body.contains("\"skippedRows\":7"), "{}", symbols.body);
}

#[tokio::test]
async fn the_good_rows_play_in_order_of_their_days() {
    let rows = ROWS.map(|(row, _)| row);
    let data = DataDir::new().unwrap().csv("MIXED", &rows).unwrap();
    let gateway = Gateway::options().data_dir(&data.path()).speed(2.0).start().await.unwrap();
    let page = gateway.candles(&CandleQuery::daily("MIXED")).await.unwrap();
    let history: Vec<String> = page.bars().unwrap().iter().map(|bar| bar.close.to_string()).collect();
    assert!(history.starts_with(&["11".to_owned(), "12".to_owned()]), "{history:?}");
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["price:MIXED"]).await.unwrap();
    let tick = socket.find(|envelope| envelope.event == "price.tick").await.unwrap();
    assert_eq!(tick.field::<String>("symbol").unwrap(), "MIXED");
}

#[tokio::test]
async fn a_file_without_a_good_row_is_told_and_the_others_are_served() {
    let data = DataDir::new().unwrap();
    let data = data.csv("EMPTY", &[]).unwrap();
    let data = data.csv("BROKEN", &["what is this"]).unwrap();
    let data = data.file("notes.txt", "not a data file").unwrap();
    let data = data.csv("GOOD", &["2020-01-01,1,1,1,1,1", "2020-01-02,2,2,2,2,2"]).unwrap();
    let gateway = Gateway::options().data_dir(&data.path()).start().await.unwrap();
    for name in ["EMPTY.csv", "BROKEN.csv"] {
        gateway.stderr_line(|line| line.contains(name)).await.unwrap();
    }
    let symbols = gateway.get("/api/market/symbols").await.unwrap().body;
    assert!(
        symbols.contains("GOOD") && !symbols.contains("EMPTY") && !symbols.contains("BROKEN"),
        "{symbols}"
    );
}

#[tokio::test]
async fn a_missing_folder_is_named_and_nothing_is_served_in_its_place() {
    let missing = DataDir::new().unwrap().path().join("absent");
    let error = Gateway::options().data_dir(&missing).start().await.unwrap_err();
    assert!(format!("{error:#}").contains("absent"), "{error:#}");
}

#[tokio::test]
async fn splits_change_nothing_that_is_shown_and_a_bad_one_is_told() {
    let days = [
        "2020-01-01,8,8,8,8,100",
        "2020-01-02,9,9,9,9,100",
        "2020-01-03,4,4,4,4,200",
        "2020-01-06,4,4,4,4,200",
    ];
    let data = DataDir::new().unwrap().csv("GOOD", &days).unwrap();
    let text = "Symbol,Date,Ratio\nGOOD,2020-01-03,2\nGOOD,2020-01-03,3\nGOOD,2020-01-06,none\n";
    let data = data.file("splits.csv", text).unwrap();
    let gateway = Gateway::options().data_dir(&data.path()).speed(0.01).start().await.unwrap();
    for told in
        ["splits.csv:3: date 2020-01-03 is a duplicate", "splits.csv:4: ratio \"none\" is not a number"]
    {
        gateway.stderr_line(|line| line.contains(told)).await.unwrap();
    }
    gateway
        .stderr_line(|line| line.contains("source opened") && line.contains("skipped_rows=2"))
        .await
        .unwrap();
    let symbols = gateway.get("/api/market/symbols").await.unwrap();
    assert!(symbols.body.contains("GOOD") && !symbols.body.contains("splits"), "{}", symbols.body);
    let page = gateway.candles(&CandleQuery::daily("GOOD")).await.unwrap();
    let history: Vec<String> = page.bars().unwrap().iter().map(|bar| bar.close.to_string()).collect();
    assert_eq!(history, ["8", "9"], "as it was traded");
}
