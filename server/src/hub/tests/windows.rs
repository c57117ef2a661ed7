//! Channels with many subscribers, for whom what comes soon after one another is handed on together.

use super::*;
use crate::hub::Fanout;

/// More than are handed on to at once.
const MANY: usize = 70;
/// Longer than any window.
const LATER: Duration = Duration::from_millis(30);

fn many() -> Setup {
    let config = Config::defaults().expect("sound");
    setup_with(Arc::new(Fanout::new(&config.live)), config)
}

async fn crowd(setup: &Setup, channel: &str) -> Vec<Connection> {
    let mut crowd = Vec::new();
    for _ in 0..MANY {
        let connection = setup.subscribed(channel).await;
        sent(&connection);
        crowd.push(connection);
    }
    crowd
}

/// What each of them has now, which is the same.
fn had(crowd: &[Connection]) -> Vec<String> {
    let mut had: Vec<_> = crowd.iter().map(|connection| events(&sent(connection))).collect();
    had.dedup();
    assert_eq!(had.len(), 1, "{had:?}");
    had.remove(0)
}

#[tokio::test(start_paused = true)]
async fn the_first_goes_at_once_and_the_others_together_and_in_order() {
    let setup = many();
    let crowd = crowd(&setup, "system:status").await;
    for round in 0..3 {
        let expected = |n: u64| format!("system:status {}", round * 4 + n);
        (0..4).for_each(|_| setup.publish("system:status", 0, 1));
        assert_eq!(had(&crowd), [expected(1)], "round {round}");
        tokio::time::sleep(LATER).await;
        assert_eq!(had(&crowd), [expected(2), expected(3), expected(4)], "round {round}");
        tokio::time::sleep(LATER).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_is_held_than_a_queue_has_room_for() {
    let setup = many();
    let crowd = crowd(&setup, "system:status").await;
    (0..40).for_each(|_| setup.publish("system:status", 0, 1));
    assert_eq!(had(&crowd).len(), 33, "one at once, 32 when they were too many, without a clock");
    tokio::time::sleep(LATER).await;
    assert_eq!(had(&crowd).len(), 7);
}

#[tokio::test(start_paused = true)]
async fn who_comes_within_a_window_misses_nothing_and_has_nothing_twice() {
    let setup = many();
    let crowd = crowd(&setup, "copilot:a").await;
    (0..3).for_each(|_| setup.publish("copilot:a", 0, 1));
    let late = setup.subscribed("copilot:a").await;
    let numbers = |from, to| (from..=to).map(|n| format!("copilot:a {n}")).collect::<Vec<_>>();
    assert_eq!(events(&sent(&late))[1..], numbers(1, 3), "from history");
    setup.publish("copilot:a", 0, 1);
    tokio::time::sleep(LATER).await;
    assert_eq!(events(&sent(&late)), numbers(4, 4));
    assert_eq!(had(&crowd), numbers(1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_channel_starts_over_after_what_was_held() {
    let setup = many();
    let crowd = crowd(&setup, "system:status").await;
    (0..3).for_each(|_| setup.publish("system:status", 0, 1));
    sent(&crowd[0]);
    setup.reset("system:status");
    setup.publish("system:status", 0, 1);
    tokio::time::sleep(LATER).await;
    assert_eq!(events(&sent(&crowd[0])), ["system.resync", "system:status 1"]);
    // The others' lanes were cleared: what waited there belongs to what is over.
    assert_eq!(events(&sent(&crowd[1])), ["system.resync", "system:status 1"]);
}

#[tokio::test(start_paused = true)]
async fn the_clock_runs_only_while_something_is_held() {
    let setup = many();
    let crowd = crowd(&setup, "system:status").await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..5 {
        (0..2).for_each(|_| setup.publish("system:status", 0, 1));
        assert_eq!(tasks(), before + 1);
        tokio::time::sleep(LATER * 2).await;
        assert_eq!(tasks(), before);
    }
    assert_eq!(had(&crowd).len(), 10);
}
