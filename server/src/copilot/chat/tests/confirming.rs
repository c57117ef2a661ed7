//! What a person has confirmed is told in the conversation in which it was proposed.

use super::*;

/// Proposes in a conversation, as a card of a reload does; its token and its id.
async fn propose(stand: &Stand, session_id: Option<&str>) -> (String, String) {
    match stand.call(Tool::StartBacktest, session_id, None, &usual()).await {
        ToolAnswer::Proposed(proposed) => (proposed.token.expose().to_owned(), proposed.proposal_id),
        answer => panic!("{answer:?}"),
    }
}

async fn confirm(stand: &Stand, token: &str, key: Option<&str>) -> crate::copilot::tools::Accepted {
    match stand.call(Tool::ConfirmBacktest, None, key, &json!({ "confirmationToken": token })).await {
        ToolAnswer::Accepted(accepted) => accepted,
        answer => panic!("{answer:?}"),
    }
}

fn notes(messages: &[Message]) -> Vec<&str> {
    let mut notes = Vec::new();
    for message in messages {
        if let Message::Note(text) = message {
            notes.push(text.as_str());
        }
    }
    notes
}

#[tokio::test]
async fn between_two_answers_it_is_told_and_the_model_knows_with_the_next_message() {
    let stand = Stand::new().await;
    stand.script.will([Act::Text("hello"), Act::Text("it runs")]);
    stand.say("s", "hi").await;
    let (token, proposal_id) = propose(&stand, Some("s")).await;
    let accepted = confirm(&stand, &token, Some("key")).await;
    assert_eq!((&accepted.proposal_id, accepted.session_id.as_str()), (&proposal_id, "s"));
    let (event, data) = stand.told("s").await.pop().expect("told");
    let expected = json!({
        "proposalId": proposal_id, "paramsHash": accepted.params_hash, "jobId": accepted.job_id,
    });
    assert_eq!((event.as_str(), &data), ("copilot.confirmed", &expected));
    // The same again is told again, and noted once.
    assert!(confirm(&stand, &token, Some("key")).await.is_replayed);
    let told = stand.told("s").await;
    assert_eq!(told.iter().filter(|(event, _)| event == "copilot.confirmed").count(), 2);
    stand.say("s", "and?").await;
    let asked = stand.script.asked();
    assert_eq!(notes(&asked[1]), [confirmed::note(&accepted.job_id)]);
    assert_eq!(asked[1].last(), Some(&Message::Person("and?".into())));
}

#[tokio::test]
async fn beside_an_answer_it_is_told_in_its_place_and_leaves_the_answer_as_it_is() {
    let stand = Stand::new().await;
    let go_on = Arc::<Notify>::default();
    stand.script.will([
        Act::Call("startBacktest", usual().to_string(), 1),
        Act::Wait("look at ", Arc::clone(&go_on)),
        Act::Text("next"),
    ]);
    let mut begun = stand.ask("s", "propose").await.expect("taken");
    let card = until(&mut begun, "copilot.confirm").await["data"].clone();
    until(&mut begun, "copilot.delta").await;
    let accepted = confirm(&stand, card["confirmationToken"].as_str().expect("a token"), Some("key")).await;
    let confirmed = until(&mut begun, "copilot.confirmed").await;
    assert_eq!(confirmed["data"]["proposalId"], card["proposalId"]);
    go_on.notify_one();
    until(&mut begun, "copilot.done").await;
    assert!(begun.events.recv().await.is_none(), "nothing follows the last word");
    stand.say("s", "and?").await;
    let asked = stand.script.asked();
    assert!(notes(&asked[1]).is_empty());
    // After the turn in which it was proposed, before the next.
    let kinds: Vec<_> = asked[2]
        .iter()
        .map(|message| match message {
            Message::Person(_) => "person",
            Message::Model { .. } => "model",
            Message::Tool { .. } => "tool",
            Message::Note(_) => "note",
        })
        .collect();
    assert_eq!(kinds, ["person", "model", "tool", "model", "note", "person"]);
    assert_eq!(notes(&asked[2]), [confirmed::note(&accepted.job_id)]);
}

#[tokio::test]
async fn with_a_message_it_is_told_within_the_answer() {
    let stand = Stand::new().await;
    let (token, proposal_id) = propose(&stand, Some("other")).await;
    stand.script.will([Act::Text("hello"), Act::Text("it runs"), Act::Text("here too")]);
    stand.say("other", "hi").await;
    // In the one in which it was proposed.
    let (own, _) = propose(&stand, Some("s")).await;
    for (token, is_here) in [(own, true), (token, false)] {
        let body = json!({ "sessionId": "s", "confirmationToken": token }).to_string();
        let told = all(stand.chat.ask(&ann(), body.as_bytes()).await.expect("taken")).await;
        let expected: &[&str] = match is_here {
            true => &["start", "tool_call", "tool_result", "confirmed", "delta", "done"],
            false => &["start", "tool_call", "tool_result", "delta", "done"],
        };
        assert_eq!(names(&told), expected);
    }
    let (event, data) = stand.told("other").await.pop().expect("told");
    assert_eq!((event.as_str(), &data["proposalId"]), ("copilot.confirmed", &json!(proposal_id)));
    // Used is used, and nothing is told of it.
    let before = stand.told("s").await.len();
    let asked = stand.script.asked();
    assert_eq!(notes(&asked[1]).len(), 1);
    assert_eq!(stand.told("s").await.len(), before);
}

#[tokio::test]
async fn a_session_of_calls_alone_is_told_nothing() {
    let stand = Stand::new().await;
    for session_id in [None, Some("calls")] {
        let (token, _) = propose(&stand, session_id).await;
        let accepted = confirm(&stand, &token, None).await;
        assert!(stand.told(&accepted.session_id).await.is_empty(), "{}", accepted.session_id);
        assert!(stand.chat.shelf.find(&accepted.session_id).is_none());
        assert!(stand.state.owners.of(&channel(&accepted.session_id).expect("a name")).is_none());
    }
}

#[tokio::test]
async fn a_conversation_of_before_a_restart_is_told_too() {
    let stand = Stand::new().await;
    stand.script.will([Act::Text("hello"), Act::Text("again")]);
    stand.say("s", "hi").await;
    let opened = stand.chat.begin_session(&ann()).await.expect("opened");
    for session_id in ["s", &*opened] {
        let (token, _) = propose(&stand, Some(session_id)).await;
        let again = Stand::new().await;
        let restarted =
            Stand { state: AppState { owners: again.state.owners, ..stand.state.clone() }, ..again };
        let restarted = restarted.restarted(Origin::open(None).expect("a node"));
        confirm(&restarted, &token, None).await;
        let (event, _) = stand.told(session_id).await.pop().expect("told");
        assert_eq!(event, "copilot.confirmed", "{session_id}");
    }
}
