//! What the engine keeps, for how long, and what it says to a position.

use bytes::Bytes;
use live_core::error::ErrorCode;

use super::channel::*;
use super::*;
use crate::broker::{Idempotency, Publication, Verdict};

/// A channel that somebody listens to.
const LISTENED: &str = "system:listened";

/// Keeps what it is handed.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Deliver for Kept {
    fn deliver(&self, publication: &Arc<Publication>) {
        self.0.lock().expect("no panic").push(format!("{} {}", publication.channel(), publication.seq()));
    }
    fn reset(&self, channel: &ChannelName, _: &Arc<str>, reason: &str) {
        self.0.lock().expect("no panic").push(format!("{channel} {reason}"));
    }
    fn has_subscribers(&self, channel: &ChannelName) -> bool {
        channel.as_str() == LISTENED
    }
}

fn message(channel: &str, key: i64) -> Message {
    let channel = ChannelName::parse(channel).expect("a good name");
    Message {
        channel,
        event: "test.made".into(),
        ts: 1,
        key,
        data: Bytes::from_static(b"{}"),
        idempotency: None,
    }
}

fn broker(keys_max: usize) -> (MemoryBroker, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    (MemoryBroker::new(Namespaces::builtin(), keys_max, Arc::clone(&kept) as _), kept)
}

async fn seqs(broker: &MemoryBroker, channel: &str) -> (u64, Vec<(u64, i64)>) {
    let snapshot = broker.attach(&message(channel, 0).channel, None, usize::MAX).await.expect("in memory");
    (snapshot.head, snapshot.items.iter().map(|item| (item.seq(), item.key())).collect())
}

#[tokio::test]
async fn what_is_let_go_of_is_told_to_whoever_is_behind() {
    let (broker, _) = broker(2);
    for channel in ["copilot:a", LISTENED, "price:A", "candles:A.1d"] {
        let behind = broker.publish(message(channel, 0)).await.expect("in memory").position;
        let newest = broker.publish(message(channel, 1)).await.expect("in memory").position;
        let name = message(channel, 0).channel;
        broker.forget(&name).await.expect("in memory");
        let verdict = async |since: &Position| {
            let attached = broker.attach(&name, Some(since), usize::MAX).await.expect("in memory");
            (attached.verdict, attached.items.len())
        };
        // One that nobody listens to is not even known any more.
        let is_listened = channel == LISTENED;
        let lost = if is_listened { ErrorCode::CursorExpired } else { ErrorCode::EpochChanged };
        assert_eq!(verdict(&behind).await, (Verdict::Lost(lost), 0), "{channel}");
        if is_listened {
            assert_eq!(verdict(&newest).await, (Verdict::Resumed, 0));
            let next = broker.publish(message(channel, 2)).await.expect("in memory").position;
            assert_eq!((next.seq, &next.epoch), (3, &newest.epoch), "the numbers go on");
        }
    }
    assert!(broker.forget(&message("copilot:never", 0).channel).await.is_ok());
}

#[tokio::test]
async fn one_call_numbers_keeps_and_hands_on() {
    let (broker, kept) = broker(2);
    for key in 0..3 {
        broker.publish(message("price:A", key)).await.expect("in memory");
    }
    let position = broker.publish(message("price:B", 0)).await.expect("in memory").position;
    assert_eq!(position.seq, 1);
    assert!(Position::parse(&position.to_string()).is_ok(), "{position}");
    assert_eq!(*kept.0.lock().expect("no panic"), ["price:A 1", "price:A 2", "price:A 3", "price:B 1"]);
    assert_eq!(seqs(&broker, "price:A").await, (3, vec![(3, 2)]));
}

#[tokio::test]
async fn a_keyed_channel_keeps_the_newest_of_the_newest_keys_in_order_of_seq() {
    let (broker, _) = broker(2);
    for key in [10, 20, 10, 30, 20] {
        broker.publish(message("candles:A.1d", key)).await.expect("in memory");
    }
    assert_eq!(seqs(&broker, "candles:A.1d").await, (5, vec![(4, 30), (5, 20)]));
}

#[tokio::test]
async fn an_event_channel_keeps_its_newest_history() {
    let (broker, _) = broker(2);
    for _ in 0..300 {
        broker.publish(message("system:status", 0)).await.expect("in memory");
    }
    let (head, items) = seqs(&broker, "system:status").await;
    assert_eq!((head, items.len(), items[0].0), (300, 256, 45));
}

#[tokio::test]
async fn a_reset_forgets_and_starts_again_under_a_new_epoch() {
    let (broker, kept) = broker(2);
    let before = broker.publish(message("price:A", 0)).await.expect("in memory").position;
    let after = broker.reset(&message("price:A", 0).channel, "starts over").await.expect("in memory");
    assert_ne!(before.epoch, after.epoch);
    assert_eq!(seqs(&broker, "price:A").await, (0, vec![]));
    assert_eq!(broker.publish(message("price:A", 0)).await.expect("in memory").position.seq, 1);
    assert_eq!(*kept.0.lock().expect("no panic"), ["price:A 1", "price:A starts over", "price:A 1"]);
}

#[tokio::test]
async fn a_namespace_that_is_not_known_is_refused() {
    let (broker, kept) = broker(2);
    let refused = broker.publish(message("weather:A", 0)).await.expect_err("refused");
    assert_eq!(refused.code(), ErrorCode::ChannelUnknown);
    assert!(kept.0.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn a_value_that_nobody_wants_is_never_encoded() {
    let (broker, _) = broker(2);
    broker.publish(message("price:A", 0)).await.expect("in memory");
    let snapshot = broker.attach(&message("price:A", 0).channel, None, usize::MAX).await.expect("in memory");
    assert!(snapshot.items[0].encoded.get().is_none());
    let first = snapshot.items[0].envelope().as_ptr();
    assert_eq!(snapshot.items[0].envelope().as_ptr(), first, "once for all");
}

#[test]
fn data_that_breaks_the_protocol_has_no_envelope() {
    let broken = Message { data: Bytes::from_static(b"{"), ..message("price:A", 0) };
    assert!(Publication::new(broken, "abcdefgh".into(), 1).envelope().is_empty());
    let wrong = Message { event: "price.tick".into(), ..message("price:A", 0) };
    assert!(Publication::new(wrong, "abcdefgh".into(), 1).envelope().is_empty());
}

/// Publishes an event of that name.
async fn say(broker: &MemoryBroker, channel: &str, event: &'static str) -> Position {
    let message = Message { event: event.into(), ..message(channel, 0) };
    broker.publish(message).await.expect("in memory").position
}

async fn fill(broker: &MemoryBroker, channel: &str, count: usize) -> Position {
    for _ in 1..count {
        say(broker, channel, "test.made").await;
    }
    say(broker, channel, "test.made").await
}

/// The verdict on a position and the `seq` of what follows it.
async fn attach(broker: &MemoryBroker, channel: &str, since: &Position) -> (Verdict, Vec<u64>) {
    let name = ChannelName::parse(channel).expect("a good name");
    let attached = broker.attach(&name, Some(since), usize::MAX).await.expect("in memory");
    (attached.verdict, attached.items.iter().map(|item| item.seq()).collect())
}

fn at(newest: &Position, seq: u64) -> Position {
    Position { seq, ..newest.clone() }
}

const EXPIRED: Verdict = Verdict::Lost(ErrorCode::CursorExpired);

#[tokio::test]
async fn a_position_is_resumed_while_all_that_came_after_it_is_held() {
    for (channel, followed, whole) in [
        ("system:status", vec![299, 300], 256),
        ("price:A", vec![300], 1),
        ("candles:A.1d", vec![300], 1),
        ("copilot:a", vec![299, 300], 300),
    ] {
        let (broker, _) = broker(2);
        let newest = fill(&broker, channel, 300).await;
        assert_eq!(attach(&broker, channel, &newest).await, (Verdict::Resumed, vec![]), "{channel}");
        assert_eq!(
            attach(&broker, channel, &at(&newest, 298)).await,
            (Verdict::Resumed, followed),
            "{channel}"
        );
        assert_eq!(attach(&broker, channel, &at(&newest, 44)).await.0, Verdict::Resumed, "{channel}");
        let (verdict, items) = attach(&broker, channel, &at(&newest, 43)).await;
        let is_lossless = channel == "copilot:a";
        assert_eq!(verdict, if is_lossless { Verdict::Resumed } else { EXPIRED }, "{channel}");
        assert_eq!(items.len(), if is_lossless { 257 } else { whole }, "{channel}");
    }
}

#[tokio::test]
async fn a_position_that_is_none_of_the_channel_is_told_from_one_that_is_too_old() {
    for channel in ["system:status", "price:A", "candles:A.1d", "copilot:a"] {
        let (broker, _) = broker(2);
        let newest = fill(&broker, channel, 3).await;
        let (verdict, items) = attach(&broker, channel, &at(&newest, 4)).await;
        assert_eq!(verdict, Verdict::Lost(ErrorCode::CursorInvalid), "{channel}");
        assert!(!items.is_empty(), "the snapshot follows");
        let other = Position { epoch: "otherepoch".into(), seq: 1 };
        assert_eq!(
            attach(&broker, channel, &other).await.0,
            Verdict::Lost(ErrorCode::EpochChanged),
            "{channel}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_history_ends_after_two_minutes_but_a_value_stays() {
    for channel in ["system:status", "price:A", "candles:A.1d"] {
        let (broker, _) = broker(2);
        let first = fill(&broker, channel, 1).await;
        tokio::time::advance(Duration::from_secs(60)).await;
        let newest = fill(&broker, channel, 1).await;
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(attach(&broker, channel, &at(&first, 0)).await.0, Verdict::Resumed, "{channel}");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(attach(&broker, channel, &at(&first, 0)).await.0, EXPIRED, "{channel}");
        assert_eq!(attach(&broker, channel, &first).await.0, Verdict::Resumed, "{channel}");
        tokio::time::advance(Duration::from_secs(3_600)).await;
        let (verdict, items) = attach(&broker, channel, &first).await;
        assert_eq!((verdict, items.len()), (EXPIRED, usize::from(channel != "system:status")), "{channel}");
        assert_eq!(attach(&broker, channel, &newest).await.0, Verdict::Resumed, "nothing came after it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_held_until_ten_minutes_after_its_last_word() {
    let (broker, _) = broker(2);
    let first = fill(&broker, "copilot:a", 3).await;
    let start = at(&first, 0);
    tokio::time::advance(Duration::from_secs(7_200)).await;
    assert_eq!(attach(&broker, "copilot:a", &start).await, (Verdict::Resumed, vec![1, 2, 3]));
    say(&broker, "copilot:a", "copilot.done").await;
    tokio::time::advance(Duration::from_secs(599)).await;
    assert_eq!(attach(&broker, "copilot:a", &start).await.1, [1, 2, 3, 4]);
    // A later event opens it again, the end of that one ends it.
    say(&broker, "copilot:a", "copilot.delta_made").await;
    tokio::time::advance(Duration::from_secs(7_200)).await;
    assert_eq!(attach(&broker, "copilot:a", &start).await.1, [1, 2, 3, 4, 5]);
    say(&broker, "copilot:a", "copilot.stopped").await;
    tokio::time::advance(Duration::from_secs(601)).await;
    assert_eq!(attach(&broker, "copilot:a", &start).await, (EXPIRED, vec![]));
}

#[tokio::test]
async fn a_stream_is_bounded_in_number_and_in_bytes() {
    let (broker, _) = broker(2);
    let newest = fill(&broker, "copilot:a", LOSSLESS_MAX + 5).await;
    assert_eq!(attach(&broker, "copilot:a", &at(&newest, 4)).await.0, EXPIRED);
    let (verdict, items) = attach(&broker, "copilot:a", &at(&newest, 5)).await;
    assert_eq!((verdict, items.len(), items[0]), (Verdict::Resumed, LOSSLESS_MAX, 6));

    let large = Message { data: Bytes::from(vec![b'1'; 60_000]), ..message("copilot:b", 0) };
    for _ in 0..200 {
        broker.publish(large.clone()).await.expect("in memory");
    }
    let held = seqs(&broker, "copilot:b").await.1.len();
    assert_eq!(held, LOSSLESS_BYTES_MAX / 60_000);
}

#[tokio::test]
async fn what_is_ordered_comes_by_pages_that_join() {
    for channel in ["copilot:a", "system:status"] {
        let (broker, _) = broker(2);
        let name = ChannelName::parse(channel).expect("a good name");
        fill(&broker, channel, 100).await;
        let (mut since, mut found) = (None, Vec::new());
        loop {
            let page = broker.attach(&name, since.as_ref(), 30).await.expect("in memory");
            assert_eq!(page.head, 100);
            assert_eq!(page.verdict, if since.is_some() { Verdict::Resumed } else { Verdict::First });
            found.extend(page.items.iter().map(|item| item.seq()));
            if page.is_complete {
                break;
            }
            since = Some(Position {
                epoch: (&*page.epoch).into(),
                seq: found.last().copied().unwrap_or_default(),
            });
        }
        assert_eq!(found, (1..=100).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_key_that_went_for_want_of_room_makes_older_positions_void() {
    let (broker, _) = broker(2);
    for key in [1, 2, 3] {
        broker.publish(message("candles:A.1d", key)).await.expect("in memory");
    }
    let newest = broker.publish(message("candles:A.1d", 3)).await.expect("in memory").position;
    assert_eq!(attach(&broker, "candles:A.1d", &at(&newest, 0)).await, (EXPIRED, vec![2, 4]));
    assert_eq!(attach(&broker, "candles:A.1d", &at(&newest, 1)).await, (Verdict::Resumed, vec![2, 4]));
    assert_eq!(attach(&broker, "candles:A.1d", &at(&newest, 3)).await, (Verdict::Resumed, vec![4]));
}

fn keyed_by(key: &str, subject: &str, fingerprint: u8) -> Message {
    let idempotency =
        Idempotency { subject: subject.into(), key: key.into(), fingerprint: [fingerprint; 32] };
    Message { idempotency: Some(idempotency), ..message("copilot:a", 0) }
}

#[tokio::test(start_paused = true)]
async fn a_repetition_is_published_once_within_ten_minutes() {
    let (broker, kept) = broker(2);
    let publish = async |message| broker.publish(message).await;
    let first = publish(keyed_by("k", "me", 1)).await.expect("in memory");
    let again = publish(keyed_by("k", "me", 1)).await.expect("in memory");
    assert_eq!((first.is_duplicate, again.is_duplicate), (false, true));
    assert_eq!(first.position, again.position);
    let refused = publish(keyed_by("k", "me", 2)).await.expect_err("another payload");
    assert_eq!(refused.code(), ErrorCode::IdempotencyMismatch);
    assert_eq!(publish(keyed_by("k", "you", 2)).await.map(|it| it.position.seq), Ok(2));
    // Also when the channel has begun anew meanwhile.
    broker.reset(&message("copilot:a", 0).channel, "test").await.expect("in memory");
    assert_eq!(publish(keyed_by("k", "me", 1)).await.map(|it| it.position), Ok(first.position));
    tokio::time::advance(Duration::from_secs(600)).await;
    assert!(publish(keyed_by("k", "me", 1)).await.is_ok_and(|again| again.is_duplicate));
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(
        publish(keyed_by("k", "me", 2)).await.map(|it| (it.position.seq, it.is_duplicate)),
        Ok((1, false))
    );
    assert_eq!(kept.0.lock().expect("no panic").len(), 4);
}

#[tokio::test(start_paused = true)]
async fn no_key_is_forgotten_before_its_time_however_many_follow() {
    let (broker, _) = broker(2);
    for number in 0..50_000 {
        broker.publish(keyed_by(&format!("k{number}"), "me", 1)).await.expect("in memory");
        tokio::time::advance(Duration::from_millis(10)).await;
    }
    for number in [0, 1, 30_000, 49_999] {
        let again = broker.publish(keyed_by(&format!("k{number}"), "me", 1)).await.expect("in memory");
        assert_eq!((again.position.seq, again.is_duplicate), (number + 1, true));
    }
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_room_a_new_key_is_refused_until_there_is() {
    let (broker, kept) = broker(2);
    let broker = broker.with_idempotency_keys(3);
    for key in ["a", "b", "c"] {
        broker.publish(keyed_by(key, "me", 1)).await.expect("there is room");
        tokio::time::advance(Duration::from_secs(20)).await;
    }
    let publish = async |key| broker.publish(keyed_by(key, "me", 1)).await;
    let retry_after = Duration::from_secs(570);
    assert_eq!(publish("d").await, Err(BrokerError::IdempotencyFull { retry_after }));
    assert_eq!(publish("a").await.map(|it| it.is_duplicate), Ok(true), "what is known is still known");
    assert!(broker.publish(message("copilot:a", 0)).await.is_ok(), "without a key there is always room");
    assert_eq!(kept.0.lock().expect("no panic").len(), 4, "what was refused is not published");
    tokio::time::advance(retry_after).await;
    assert_eq!(publish("d").await.map(|it| it.position.seq), Ok(5));
    assert_eq!(publish("c").await.map(|it| it.is_duplicate), Ok(true), "the newer ones are not forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_holds_nothing_and_has_no_listener_is_forgotten() {
    let (broker, _) = broker(2);
    let mut before = Vec::new();
    for channel in ["system:idle", LISTENED, "price:A"] {
        before.push((channel, fill(&broker, channel, 1).await));
    }
    broker.publish(keyed_by("k", "me", 1)).await.expect("in memory");
    for number in 0..100 {
        seqs(&broker, &format!("system:s{number}")).await;
    }
    // Any call looks through the channels from time to time.
    let known = async |seconds| {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        seqs(&broker, "price:A").await;
        broker.channels.read().expect("no panic").len()
    };
    assert_eq!(known(50).await, 104);
    assert_eq!(known(40).await, 4, "nothing was ever published on the others");
    assert_eq!(known(3_600).await, 3);
    for (channel, position) in before {
        let expected = match channel {
            "system:idle" => Verdict::Lost(ErrorCode::EpochChanged),
            _ => Verdict::Resumed,
        };
        assert_eq!(attach(&broker, channel, &position).await.0, expected, "{channel}");
    }
}
