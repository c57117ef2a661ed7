use super::*;
use crate::market::load_shipped;

fn file(symbol: &str, days: i64) -> Played {
    let bar = |day: i64| {
        let [open, high, low, close] = [10 + day, 14 + day, 8 + day, 12 + day].map(Decimal::from);
        Bar { open_time: day, open, high, low, close, volume: Decimal::from(103) }
    };
    let tape = Tape::Bars(intervals::interval("1d"), (0..days).map(bar).collect());
    Played { symbol: symbol.into(), tape, history: Vec::new(), skipped_rows: 2 }
}

/// The next `count` events with the milliseconds since the start at which they came.
async fn play(replay: &mut Replay, count: usize) -> Vec<(u128, SourceEvent)> {
    let start = Instant::now();
    let mut events = Vec::new();
    while events.len() < count {
        let mut batch = Vec::new();
        replay.next(&mut batch).await;
        events.extend(batch.into_iter().map(|event| (start.elapsed().as_millis(), event)));
    }
    events
}

fn shown(event: &SourceEvent) -> String {
    match event {
        SourceEvent::Restart { instrument } => format!("{instrument} restart"),
        SourceEvent::Trade { instrument, trade } => {
            format!("{instrument} {} of {} at {}", trade.price, trade.quantity, trade.time)
        }
        SourceEvent::End { instrument } => format!("{instrument} end"),
        SourceEvent::Print(p) => {
            let end = if p.closes_bar { " closes" } else { "" };
            format!("{} {} {} at {}{end}", p.instrument, p.price, p.quantity, p.open_time)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_bar_is_four_prints_and_the_file_starts_over_in_the_middle() {
    let mut replay = Replay::new(vec![file("A", 3)], 2.0);
    let instruments = replay.instruments();
    assert_eq!((instruments[0].history[0].1.len(), instruments[0].skipped_rows), (1, 2));
    assert_eq!((instruments[0].print_gap, instruments[0].speed), (Duration::from_millis(125), 172_800.0));
    let events = play(&mut replay, 10).await;
    let texts: Vec<String> = events.iter().map(|(at, event)| format!("{at}: {}", shown(event))).collect();
    let expected = [
        "0: 0 11 25 at 1",
        "125: 0 9 25 at 1",
        "250: 0 15 25 at 1",
        "375: 0 13 28 at 1 closes",
        "500: 0 12 25 at 2",
        "625: 0 10 25 at 2",
        "750: 0 16 25 at 2",
        "875: 0 14 28 at 2 closes",
        "1000: 0 restart",
        "1000: 0 11 25 at 1",
    ];
    // The timer of a paused clock has a grain of a millisecond.
    let grain = |text: &str| text.replace("126: ", "125: ").replace("376: ", "375: ");
    assert_eq!(texts.iter().map(|text| grain(text)).collect::<Vec<_>>(), expected);
}

#[test]
fn a_falling_day_goes_high_before_low_and_keeps_its_exact_volume() {
    let Tape::Bars(_, bars) = file("A", 1).tape else { panic!("bars") };
    let falling = Bar { close: Decimal::from(9), volume: Decimal::new(75, 1), ..bars[0] };
    let print = |nth| print_of(0, &falling, nth);
    let prints: Vec<String> =
        (0..4).map(print).map(|print| format!("{} x {}", print.price, print.quantity)).collect();
    assert_eq!(prints, ["10 x 1", "14 x 1", "8 x 1", "9 x 4.5"]);
}

#[tokio::test(start_paused = true)]
async fn files_of_any_length_play_side_by_side() {
    let mut replay = Replay::new(vec![file("ONE", 1), file("NONE", 0), file("TWO", 2)], 1.0);
    assert_eq!(replay.instruments().iter().map(|i| i.history[0].1.len()).collect::<Vec<_>>(), [0, 1]);
    let events = play(&mut replay, 12).await;
    let of = |wanted: usize| {
        events.iter().filter(|(_, event)| shown(event).starts_with(&wanted.to_string())).count()
    };
    assert_eq!((of(0), of(1)), (6, 6));
    assert_eq!(shown(&events[0].1), "0 10 25 at 0");
    assert_eq!((events[1].0, shown(&events[1].1)), (125, "1 11 25 at 1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn the_schedule_does_not_drift_at_full_speed() {
    let mut replay = Replay::new(played(load_shipped().files), 1_000.0);
    let start = Instant::now();
    let mut prints = 0;
    while start.elapsed() < Duration::from_secs(10) {
        let mut batch = Vec::new();
        replay.next(&mut batch).await;
        prints += batch.iter().filter(|event| matches!(event, SourceEvent::Print(_))).count();
    }
    // 5 symbols x 4 prints x 1000 bars x 10 s, give or take the last millisecond.
    assert!((200_000..=200_040).contains(&prints), "{prints}");
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_it_goes_on_where_it_was() {
    let mut replay = Replay::new(vec![file("A", 100)], 1.0);
    play(&mut replay, 1).await;
    tokio::time::advance(Duration::from_secs(3_600)).await;
    assert_eq!(play(&mut replay, 1).await.len(), 1);
    let events = play(&mut replay, 4).await;
    assert_eq!(events.iter().map(|(at, _)| at / 10).collect::<Vec<_>>(), [25, 50, 75, 100]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_loses_nothing() {
    let mut replay = Replay::new(vec![file("A", 100)], 1.0);
    let mut batch = Vec::new();
    replay.next(&mut batch).await;
    for _ in 0..10 {
        let given_up = tokio::time::timeout(Duration::from_millis(20), replay.next(&mut batch)).await;
        assert!(given_up.is_err());
    }
    replay.next(&mut batch).await;
    assert_eq!(batch.iter().map(shown).collect::<Vec<_>>(), ["0 60 25 at 50", "0 58 25 at 50"]);
}

fn trades(times: &[i64]) -> Played {
    let trade = |&time: &i64| Trade {
        time,
        id: None,
        side: None,
        price: Decimal::from(1 + time % 10),
        quantity: Decimal::ONE,
    };
    let tape = Tape::Trades(times.iter().map(trade).collect());
    Played { symbol: "T".into(), tape, history: Vec::new(), skipped_rows: 0 }
}

#[tokio::test(start_paused = true)]
async fn trades_keep_their_distances_and_start_over() {
    let mut replay = Replay::new(vec![trades(&[10_000, 10_000, 10_250, 14_000])], 2.0);
    let instrument = &replay.instruments()[0];
    assert_eq!((instrument.print_gap, instrument.speed), (Duration::from_millis(1_875), 2.0));
    let events = play(&mut replay, 8).await;
    let texts: Vec<String> = events.iter().map(|(at, event)| format!("{at}: {}", shown(event))).collect();
    let expected = [
        "0: 0 1 of 1 at 10000",
        "0: 0 1 of 1 at 10000",
        "125: 0 1 of 1 at 10250",
        "2000: 0 1 of 1 at 14000",
        "2000: 0 end",
        "7000: 0 restart",
        "7000: 0 1 of 1 at 10000",
        "7000: 0 1 of 1 at 10000",
    ];
    // The timer of a paused clock has a grain of a millisecond.
    let grain = |text: &str| text.replace("126: ", "125: ").replace("001: ", "000: ");
    assert_eq!(texts.iter().map(|text| grain(text)).collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn between_two_trades_time_passes_up_to_the_next_one() {
    let mut replay = Replay::new(vec![trades(&[10_000, 14_000]), file("A", 3)], 2.0);
    let mut batch = Vec::new();
    replay.next(&mut batch).await;
    assert_eq!((replay.clock(0), replay.clock(1)), (Some(10_000), None));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(replay.clock(0), Some(12_000));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(replay.clock(0), Some(14_000));
}

#[test]
fn what_ends_before_the_first_print_is_history() {
    let day = |nth: i64| nth * 86_400_000;
    let Tape::Bars(length, bars) = file("A", 4).tape else { panic!("bars") };
    let at = |nth: i64, bar: &Bar| Bar { open_time: day(nth), ..*bar };
    let daily: Vec<Bar> = (0..4).map(|nth| at(nth, &bars[0])).collect();
    let played = Played { history: vec![(length, daily)], ..trades(&[day(2) + 5, day(2) + 9]) };
    let history = Replay::new(vec![played], 1.0).instruments()[0].history.clone();
    assert_eq!(history[0].1.iter().map(|bar| bar.open_time).collect::<Vec<_>>(), [day(0), day(1)]);
}

#[tokio::test(start_paused = true)]
async fn the_history_of_a_file_that_joins_is_made_beside_the_feed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (folder, _) = Folder::open(dir.path().to_owned()).expect("a folder");
    let mut replay = Replay::new(vec![file("A", 3)], 1.0).watching(folder);
    let rows = "Date,Open,High,Low,Close,Volume\n2020-01-01,1,1,1,1,1\n2020-01-02,2,2,2,2,1\n";
    std::fs::write(dir.path().join("B.csv"), rows).expect("written");
    let mut events = Vec::new();
    let joined = loop {
        replay.next(&mut events).await;
        let joined = events.drain(..).find_map(|event| match event {
            SourceEvent::Joined { place, instrument } => Some((place, instrument)),
            _ => None,
        });
        if let Some(joined) = joined {
            break joined;
        }
    };
    let (place, opening) = joined;
    assert_eq!((place, &*opening.name), (1, "B"));
    assert_ne!(opening.made_on, std::thread::current().id());
}

#[tokio::test(start_paused = true)]
async fn splits_that_come_later_count_for_who_asks_then_and_are_not_played() {
    let dir = tempfile::tempdir().expect("a folder");
    let (folder, loaded) = Folder::open(dir.path().to_owned()).expect("a folder");
    let played = file("A", 4);
    let Tape::Bars(interval, _) = played.tape else { panic!("bars") };
    let mut replay = Replay::new(vec![played], 1.0).knowing(loaded.splits).watching(folder);
    let library = replay.library().expect("there is one");
    let first = |of: &dyn Library| of.bars("A", interval).expect("there are bars").exact()[0];
    let before = first(&*library);
    let text = "Symbol,Date,Ratio\nA,1970-01-02,4\n";
    std::fs::write(dir.path().join("splits.csv"), text).expect("written");
    let mut events = Vec::new();
    while first(&*library).close == before.close {
        replay.next(&mut events).await;
    }
    let after = first(&*library);
    let four = Decimal::from(4);
    assert_eq!((after.close * four, after.volume), (before.close, before.volume * four));
    assert_eq!(replay.instruments()[0].history[0].1[0], before, "as it was traded");
    assert!(!events.iter().any(|event| matches!(event, SourceEvent::Joined { .. })));
}
