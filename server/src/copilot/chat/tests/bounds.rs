//! How much one person can make a gateway keep.

use live_core::sequence::Position;

use super::*;
use crate::broker::Verdict;

#[tokio::test]
async fn what_a_conversation_has_told_goes_with_it() {
    let stand = Stand::new().await;
    stand.script.will((0..3).map(|_| Act::Text("hello")));
    stand.say("s-0", "hi").await;
    let name = channel("s-0").expect("a name");
    let at = stand.state.broker.attach(&name, None, usize::MAX).await.expect("in memory");
    assert!(!at.items.is_empty());
    for at in 1..=shelf::USUAL.of_one {
        // As if time went by: no more may be opened at once.
        let new = Conversation::new(
            &format!("s-{at}"),
            "ann",
            channel(&format!("s-{at}")).expect("a name"),
            Arc::clone(&stand.state.broker),
        );
        let (_, gone) = stand.chat.shelf.put(new);
        stand.chat.forget(&gone).await;
    }
    assert!(stand.chat.shelf.find("s-0").is_none());
    let since = Position { epoch: (&*at.epoch).into(), seq: 1 };
    let again = stand.state.broker.attach(&name, Some(&since), usize::MAX).await.expect("in memory");
    assert!(matches!(again.verdict, Verdict::Lost(_)) && again.items.is_empty(), "{again:?}");
}

#[tokio::test]
async fn conversations_are_opened_at_a_rate_and_used_without() {
    let stand = Stand::new().await;
    let opened = |at: u32| {
        let chat = Arc::clone(&stand.chat);
        async move { chat.open("ann", &format!("s-{at}")).await }
    };
    // The clock goes on meanwhile, and with it the rate.
    let mut count = 0;
    while opened(count).await.is_ok() {
        count += 1;
        assert!(count < 2 * OPENS_BURST, "there is no end");
    }
    assert!(count >= OPENS_BURST, "{count}");
    opened(0).await.expect("it is open");
    assert!(stand.chat.open("bob", "bobs").await.is_ok(), "he has his own");
}
