use super::*;
use crate::auth::revocations::Revocation;
use tokio::time::{advance, timeout};

const LIMITS: SessionLimits =
    SessionLimits { warn: Duration::from_secs(30), grace: Duration::from_secs(25), connections_per_user: 2 };

fn sessions() -> Arc<Sessions> {
    let revocations = Revocations::open(None, 1_000_000).expect("nothing to read");
    Arc::new(Sessions::new(LIMITS, Arc::new(revocations)))
}

/// Somebody whose token lives that long.
fn somebody(subject: &str, lives: Duration) -> Arc<Identity> {
    let now = now_ms();
    Arc::new(Identity {
        subject: Some(subject.into()),
        issued_at: Some(now),
        expires_at: Some(now + lives.as_millis() as u64),
        jti: Some("1".into()),
        ..Identity::default()
    })
}

const MINUTE: Duration = Duration::from_secs(60);

/// What comes within so long.
async fn within(session: &mut Session, time: Duration) -> Option<Signal> {
    timeout(time, session.next()).await.ok()
}

#[tokio::test(start_paused = true)]
async fn a_token_is_warned_of_then_ends_then_is_over() {
    let sessions = sessions();
    let identity = somebody("ada", MINUTE);
    let expires_at = identity.expires_at.expect("it ends");
    let mut session = sessions.open("s", identity).expect("opened");
    assert_eq!(within(&mut session, Duration::from_secs(29)).await, None);
    assert_eq!(within(&mut session, Duration::from_secs(2)).await, Some(Signal::Expiring { expires_at }));
    assert_eq!(within(&mut session, Duration::from_secs(28)).await, None);
    assert_eq!(within(&mut session, Duration::from_secs(2)).await, Some(Signal::Expired { expires_at }));
    assert_eq!(within(&mut session, Duration::from_secs(24)).await, None);
    assert_eq!(within(&mut session, Duration::from_secs(2)).await, Some(Signal::Over));
    assert_eq!(within(&mut session, Duration::ZERO).await, Some(Signal::Over));
}

#[tokio::test(start_paused = true)]
async fn a_new_token_begins_again() {
    let sessions = sessions();
    let mut session = sessions.open("s", somebody("ada", Duration::from_secs(10))).expect("opened");
    assert!(
        matches!(within(&mut session, MINUTE).await, Some(Signal::Expiring { .. })),
        "at once, for it is short"
    );
    let newer = somebody("ada", 10 * MINUTE);
    assert_eq!(sessions.refresh("s", Arc::clone(&newer)), Ok(()));
    assert_eq!(within(&mut session, MINUTE).await, Some(Signal::Refreshed(Arc::clone(&newer))));
    assert_eq!(session.identity(), newer);
    assert_eq!(within(&mut session, MINUTE).await, None);
    assert_eq!(sessions.refresh("s", somebody("bob", MINUTE)), Err(RefreshFault::OtherSubject));
    assert_eq!(sessions.refresh("t", somebody("ada", MINUTE)), Err(RefreshFault::Unknown));
    assert!(matches!(within(&mut session, 10 * MINUTE).await, Some(Signal::Expiring { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_no_later_is_not_warned_of_again() {
    let sessions = sessions();
    let identity = somebody("ada", Duration::from_secs(20));
    let mut session = sessions.open("s", Arc::clone(&identity)).expect("opened");
    assert!(matches!(within(&mut session, Duration::ZERO).await, Some(Signal::Expiring { .. })));
    for _ in 0..3 {
        assert_eq!(sessions.refresh("s", Arc::clone(&identity)), Ok(()));
        assert!(matches!(within(&mut session, Duration::ZERO).await, Some(Signal::Refreshed(_))));
        assert_eq!(within(&mut session, Duration::from_secs(5)).await, None);
    }
    assert!(matches!(within(&mut session, Duration::from_secs(6)).await, Some(Signal::Expired { .. })));
    assert_eq!(within(&mut session, Duration::from_secs(24)).await, None);
    assert_eq!(within(&mut session, Duration::from_secs(2)).await, Some(Signal::Over));
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_back_ends_its_sessions_and_lets_none_begin() {
    let sessions = sessions();
    let mut session = sessions.open("s", somebody("ada", MINUTE)).expect("opened");
    let mut other = sessions.open("t", somebody("bob", MINUTE)).expect("opened");
    sessions.revocations.add(&Revocation::Subject("ada".to_owned()), now_ms()).expect("added");
    assert_eq!((sessions.end_revoked(), sessions.end_revoked()), (1, 0));
    assert_eq!(within(&mut session, Duration::ZERO).await, Some(Signal::Revoked));
    assert_eq!(within(&mut other, Duration::from_secs(1)).await, None);
    let old = somebody("ada", MINUTE);
    let old = Arc::new(Identity { issued_at: None, ..(*old).clone() });
    assert_eq!(sessions.open("u", old).map(|_| ()), Err(ErrorCode::AuthRevoked));
}

#[tokio::test(start_paused = true)]
async fn a_person_has_so_many_connections() {
    let sessions = sessions();
    let open = |id: &str| sessions.open(id, somebody("ada", MINUTE)).map_err(ErrorCode::as_str);
    let first = open("a").expect("opened");
    let _second = open("b").expect("opened");
    assert_eq!(open("c").map(|_| ()), Err("CONNECTION_LIMIT"));
    let nobody =
        sessions.open("n", Arc::new(Identity::anonymous())).expect("people without a token are not counted");
    assert_eq!(nobody.refresh(somebody("ada", MINUTE)), Err(RefreshFault::ConnectionLimit));
    drop(first);
    assert_eq!(nobody.refresh(somebody("ada", MINUTE)), Ok(()));
    assert_eq!(open("c").map(|_| ()), Err("CONNECTION_LIMIT"), "now counted as who it became");
    drop(nobody);
    assert!(open("c").is_ok());
    drop(_second);
    assert!(sessions.lock().connections.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_session_is_kept_between_two_polls_and_warned_of_once() {
    let sessions = sessions();
    let identity = somebody("ada", 2 * MINUTE);
    drop(sessions.open("p", Arc::clone(&identity)).expect("opened").kept());
    let newer = somebody("ada", 3 * MINUTE);
    assert_eq!(sessions.refresh("p", Arc::clone(&newer)), Ok(()));
    assert_eq!(sessions.granted("p", "ada").as_ref(), Some(&newer));
    assert!(sessions.granted("p", "bob").is_none());
    assert!(
        sessions.is_of("p", Some("ada")) && !sessions.is_of("p", Some("bob")) && !sessions.is_of("p", None)
    );
    assert_eq!(sessions.open("p", somebody("bob", MINUTE)).map(|_| ()), Err(ErrorCode::SubjectMismatch));
    let mut poll = sessions.open("p", identity).expect("opened").kept();
    assert_eq!(poll.identity(), newer, "the older token does not take over");
    assert_eq!(within(&mut poll, Duration::from_secs(149)).await, None);
    assert!(matches!(within(&mut poll, Duration::from_secs(2)).await, Some(Signal::Expiring { .. })));
    drop(poll);
    let mut poll = sessions.open("p", newer).expect("opened").kept();
    assert_eq!(within(&mut poll, Duration::from_secs(5)).await, None, "it has been told");
    drop(poll);
    advance(idle::KEPT).await;
    drop(sessions.open("q", Arc::new(Identity::anonymous())).expect("opened"));
    assert!(sessions.lock().by_id.is_empty(), "both are forgotten");
    assert!(!sessions.is_of("p", Some("ada")), "what is not known is nobody's");
}

/// Opens a session of somebody, or of nobody in particular, and leaves it for the next poll.
fn leave(sessions: &Arc<Sessions>, id: &str, subject: Option<&str>) {
    let identity = subject.map_or_else(|| Arc::new(Identity::anonymous()), |name| somebody(name, MINUTE));
    drop(sessions.open(id, identity).expect("opened").kept());
}

#[tokio::test(start_paused = true)]
async fn of_one_person_the_newest_sessions_between_two_polls_are_kept() {
    let sessions = sessions();
    leave(&sessions, "bob", Some("bob"));
    for id in ["a", "b", "a", "c"] {
        leave(&sessions, id, Some("ada"));
    }
    let known = |id: &str, subject: &str| sessions.is_of(id, Some(subject));
    assert!(known("a", "ada") && known("c", "ada") && !known("b", "ada") && known("bob", "bob"));
    // Who had no token becomes ada, and one of hers has to go.
    leave(&sessions, "n", None);
    assert!(sessions.is_of("n", None));
    assert_eq!(sessions.refresh("n", somebody("ada", MINUTE)), Ok(()));
    assert!(known("n", "ada") && known("c", "ada") && !known("a", "ada"));
    assert!(sessions.lock().connections.is_empty());
}

#[tokio::test(start_paused = true)]
async fn sessions_between_two_polls_are_bounded_in_all_and_those_of_nobody_leave_room() {
    let sessions = sessions();
    leave(&sessions, "first", Some("ada"));
    for number in 0..idle::IDLE_MAX {
        leave(&sessions, &format!("n{number}"), None);
    }
    assert_eq!(sessions.lock().by_id.len(), IDLE_ANONYMOUS_MAX + 1);
    assert!(sessions.is_of("first", Some("ada")) && !sessions.is_of("n0", None));
    for number in 0..idle::IDLE_MAX {
        leave(&sessions, &format!("p{number}"), Some(&format!("person-{number}")));
    }
    assert_eq!(sessions.lock().by_id.len(), idle::IDLE_MAX);
    assert!(!sessions.is_of("first", Some("ada")), "the oldest went");
    advance(idle::KEPT).await;
    leave(&sessions, "last", Some("ada"));
    assert_eq!(sessions.lock().by_id.len(), 1, "all the others are over");
}
