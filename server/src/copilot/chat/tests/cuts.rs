//! What a gateway's end has cut is told, once, and nothing else is.

use super::*;

/// Writes down that a request was taken, by a process, so long ago.
async fn request(stand: &Stand, origin: &Origin, answer_id: &str, age_ms: u64) {
    let body = Body {
        at: now_ms() - age_ms,
        kind: "request".into(),
        reason: Some(answer_id.to_owned()),
        origin: Some(origin.text()),
        ..Body::default()
    };
    stand.state.tools.session("ann", Some("s")).await.expect("hers");
    stand.state.tools.ledger().note("s", body, &[]).await;
}

async fn call(stand: &Stand) {
    let body = Body { at: now_ms(), kind: "tool_call".into(), ..Body::default() };
    stand.state.tools.ledger().note("s", body, &[]).await;
}

#[tokio::test]
async fn what_was_cut_is_told_before_anything_else_and_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = || Origin::open(Some(dir.path())).expect("a node");
    let stand = Stand::new().await.restarted(origin());
    let before = origin();
    request(&stand, &before, "cut", 1_000).await;
    // However much was done meanwhile.
    for _ in 0..300 {
        call(&stand).await;
    }
    stand.script.will([Act::Text("hello"), Act::Text("again")]);
    // Who looks and who says something come at once: one waits for the other.
    let ann = ann();
    let (told, looked) = tokio::join!(stand.say("s", "hi"), stand.chat.look(&ann, "s"));
    looked.expect("hers");
    assert_eq!(names(&told), ["start", "delta", "done"]);
    let all = stand.told("s").await;
    let events: Vec<_> = all.iter().map(|(event, _)| event.trim_start_matches("copilot.")).collect();
    assert_eq!(events, ["error", "start", "delta", "done"]);
    assert_eq!((&all[0].1["answerId"], &all[0].1["code"]), (&json!("cut"), &json!("INTERNAL")));
    // Not again.
    let again = stand.restarted(origin());
    again.say("s", "hi").await;
    assert_eq!(stand.told("s").await.iter().filter(|(event, _)| event == "copilot.error").count(), 1);
}

#[tokio::test]
async fn what_goes_on_here_or_elsewhere_was_not_cut() {
    let dir = tempfile::tempdir().expect("a folder");
    let own = Origin::open(Some(dir.path())).expect("a node");
    let other = Origin::open(None).expect("a node");
    for (origin, age_ms, is_cut) in [
        // Its end waits for the store.
        (&own, 1_000_000, false),
        // Another node is at it, and may be for as long as an answer takes.
        (&other, 1_000, false),
        (&other, 121_000, true),
    ] {
        let stand = Stand::new().await.restarted(own.clone());
        request(&stand, origin, "a", age_ms).await;
        stand.chat.look(&ann(), "s").await.expect("hers");
        assert_eq!(!stand.told("s").await.is_empty(), is_cut, "{age_ms}");
    }
}
