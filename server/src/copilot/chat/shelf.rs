//! The conversations that are known, and how much is kept of them: of each person's, and of all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::conversation::{Conversation, Running};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Most conversations of one person.
    pub of_one: usize,
    /// Most bytes of these, about.
    pub bytes_of_one: usize,
    /// Most conversations of all.
    pub of_all: usize,
    /// Most bytes of these, about.
    pub bytes_of_all: usize,
    /// Most answers that one person is given at once.
    pub answers: usize,
}

/// What is usual.
pub(super) const USUAL: Bounds = Bounds {
    of_one: 100,
    bytes_of_one: 16 * 1024 * 1024,
    of_all: 10_000,
    bytes_of_all: 256 * 1024 * 1024,
    answers: 4,
};

/// Why no answer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Busy {
    /// The conversation is being answered.
    Session,
    /// As many of the person's are as may be.
    Person,
}

type All = HashMap<String, Arc<Conversation>>;

/// The conversations that are known. Whoever needs more room than there is loses their own that was quiet for longest;
/// where all together need more, the person with the most does. None that is being answered goes.
pub(super) struct Shelf {
    bounds: Bounds,
    all: Mutex<All>,
}

/// A conversation as it counts.
struct Counted {
    id: String,
    subject: Box<str>,
    bytes: usize,
    last_used: Instant,
    may_go: bool,
}

impl Shelf {
    /// An empty one.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, all: Mutex::default() }
    }

    /// A conversation that is known.
    pub fn find(&self, id: &str) -> Option<Arc<Conversation>> {
        self.all().get(id).cloned()
    }

    /// Adds a conversation, unless it is there already. Also those that had to go for it.
    pub fn put(&self, new: Conversation) -> (Arc<Conversation>, Vec<Arc<Conversation>>) {
        let mut all = self.all();
        if let Some(known) = all.get(&*new.id) {
            return (Arc::clone(known), Vec::new());
        }
        let new = Arc::new(new);
        all.insert(new.id.to_string(), Arc::clone(&new));
        let gone = self.make_room(&mut all, &new);
        (new, gone)
    }

    /// Begins an answer, and makes room for what it says. Also those conversations that had to go for it.
    ///
    /// # Errors
    /// When one is on its way, or too many of the person's are.
    pub fn begin(
        &self,
        conversation: &Arc<Conversation>,
        answer_id: &str,
    ) -> Result<(Running, Vec<Arc<Conversation>>), Busy> {
        let mut all = self.all();
        let is_theirs = |other: &&Arc<Conversation>| other.subject == conversation.subject;
        if all.values().filter(is_theirs).filter(|other| other.is_running()).count() >= self.bounds.answers {
            return Err(Busy::Person);
        }
        // It may have gone since it was found, and another may stand in its place.
        let known = all.entry(conversation.id.to_string()).or_insert_with(|| Arc::clone(conversation));
        let known = Arc::clone(known);
        let running = Arc::ptr_eq(&known, conversation).then(|| conversation.begin(answer_id)).flatten();
        let running = running.ok_or(Busy::Session)?;
        Ok((running, self.make_room(&mut all, conversation)))
    }

    /// Takes out what is too much, but not this one.
    fn make_room(&self, all: &mut All, but: &Conversation) -> Vec<Arc<Conversation>> {
        let counted = all.values().map(|conversation| Counted {
            id: conversation.id.to_string(),
            subject: conversation.subject.clone(),
            bytes: conversation.len_bytes(),
            last_used: conversation.last_used(),
            may_go: conversation.id != but.id && !conversation.is_running(),
        });
        let mut counted: Vec<Counted> = counted.collect();
        counted.sort_unstable_by_key(|conversation| conversation.last_used);
        let mut gone = Vec::new();
        while let Some(at) = one_too_many(&counted, &self.bounds, &but.subject) {
            gone.extend(all.remove(&counted.remove(at).id));
        }
        gone
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which of the conversations, the longest quiet one first, goes where there is too much.
fn one_too_many(counted: &[Counted], bounds: &Bounds, subject: &str) -> Option<usize> {
    let may_go = |whose: &str| {
        let found = counted.iter().position(|it| it.may_go && *it.subject == *whose);
        found.or_else(|| counted.iter().position(|it| it.may_go))
    };
    let own = counted.iter().filter(|it| *it.subject == *subject);
    let bytes = |it: &Counted| it.bytes;
    if own.clone().count() > bounds.of_one || own.map(bytes).sum::<usize>() > bounds.bytes_of_one {
        // Nobody else's: there is no room but the person's own.
        if let Some(at) = counted.iter().position(|it| it.may_go && *it.subject == *subject) {
            return Some(at);
        }
    }
    if counted.len() > bounds.of_all {
        return may_go(whose_are_most(counted, |_| 1)?);
    }
    if counted.iter().map(bytes).sum::<usize>() > bounds.bytes_of_all {
        return may_go(whose_are_most(counted, bytes)?);
    }
    None
}

/// Who has the most of something.
fn whose_are_most(counted: &[Counted], size: impl Fn(&Counted) -> usize) -> Option<&str> {
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    for conversation in counted {
        *sizes.entry(&conversation.subject).or_default() += size(conversation);
    }
    sizes.into_iter().max_by_key(|(_, size)| *size).map(|(subject, _)| subject)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use live_core::channel::{ChannelName, Namespaces};
    use live_core::event::CopilotDelta;
    use tokio::time::advance;

    use super::*;
    use crate::broker::Broker;
    use crate::broker::memory::MemoryBroker;
    use crate::config::Config;
    use crate::copilot::provider::Message;
    use crate::hub::Fanout;

    const SMALL: Bounds =
        Bounds { of_one: 3, bytes_of_one: 10_000, of_all: 6, bytes_of_all: 20_000, answers: 2 };

    fn conversation(subject: &str, at: usize) -> Conversation {
        let id = format!("{subject}-{at}");
        let channel = ChannelName::parse(&format!("copilot:{id}")).expect("a name");
        let fanout = Fanout::new(&Config::defaults().expect("sound").live);
        let broker: Arc<dyn Broker> =
            Arc::new(MemoryBroker::new(Namespaces::builtin(), 1, Arc::new(fanout) as _));
        Conversation::new(&id, subject, channel, broker)
    }

    /// Puts a conversation there in which so much was said; those that went.
    async fn put(shelf: &Shelf, subject: &str, at: usize, len: usize) -> Vec<String> {
        advance(Duration::from_secs(1)).await;
        let (conversation, mut gone) = shelf.put(conversation(subject, at));
        let (_, more) = shelf.begin(&conversation, "a").expect("free");
        gone.extend(more);
        let delta = CopilotDelta { text: "".into(), from_seq: None };
        let said = vec![Message::Person("x".repeat(len))];
        conversation.end(said, CopilotDelta::EVENT, &delta).await.expect("told");
        gone.into_iter().map(|it| it.id.to_string()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_needs_more_room_loses_their_own() {
        let shelf = Shelf::new(SMALL);
        assert!(put(&shelf, "ann", 0, 1).await.is_empty());
        for at in 0..3 {
            assert!(put(&shelf, "bob", at, 1).await.is_empty());
        }
        assert_eq!(put(&shelf, "bob", 3, 6_000).await, ["bob-0"], "he has as many as he may");
        // By their bytes, too.
        assert!(put(&shelf, "bob", 3, 3_000).await.is_empty());
        assert_eq!(put(&shelf, "bob", 4, 1).await, ["bob-1", "bob-2", "bob-3"]);
        assert!(shelf.find("ann-0").is_some() && shelf.find("bob-4").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_need_more_who_has_the_most_loses() {
        let shelf = Shelf::new(SMALL);
        for (subject, at) in [("ann", 0), ("bob", 0), ("bob", 1), ("bob", 2), ("cat", 0), ("dan", 0)] {
            assert!(put(&shelf, subject, at, 1).await.is_empty());
        }
        assert_eq!(put(&shelf, "eve", 0, 1).await, ["bob-0"]);
        assert!(put(&shelf, "cat", 0, 9_000).await.is_empty());
        assert!(put(&shelf, "dan", 0, 8_000).await.is_empty());
        assert_eq!(put(&shelf, "ann", 0, 1).await, ["cat-0"], "with what the engine keeps it is too much");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_told_counts_for_as_long_as_it_is_kept() {
        let shelf = Shelf::new(SMALL);
        let (conversation, _) = shelf.put(conversation("ann", 0));
        let delta = CopilotDelta { text: "x".repeat(2_000).into(), from_seq: None };
        conversation.tell(CopilotDelta::EVENT, &delta).await.expect("told");
        assert!(conversation.len_bytes() > 4_000, "{}", conversation.len_bytes());
        advance(Duration::from_secs(601)).await;
        assert_eq!(conversation.len_bytes(), 0);
        conversation.tell(CopilotDelta::EVENT, &delta).await.expect("told");
        assert!(conversation.len_bytes() < 5_000, "{}", conversation.len_bytes());
    }

    #[tokio::test(start_paused = true)]
    async fn none_that_is_being_answered_goes_and_none_is_answered_twice() {
        let shelf = Shelf::new(SMALL);
        let (first, _) = shelf.put(conversation("ann", 0));
        shelf.begin(&first, "a").expect("free");
        assert_eq!(shelf.begin(&first, "b").expect_err("busy"), Busy::Session);
        for at in 1..6 {
            put(&shelf, "ann", at, 1).await;
        }
        assert!(shelf.find("ann-0").is_some());
        // One that went while somebody had it in hand comes back; in place of another one it does not.
        let (second, _) = shelf.put(conversation("ann", 1));
        for at in 2..6 {
            put(&shelf, "ann", at, 1).await;
        }
        assert!(shelf.find("ann-1").is_none());
        let (third, _) = shelf.put(conversation("ann", 1));
        assert_eq!(shelf.begin(&second, "c").expect_err("another stands there"), Busy::Session);
        shelf.begin(&third, "c").expect("free");
        let (fourth, _) = shelf.put(conversation("ann", 9));
        assert_eq!(shelf.begin(&fourth, "d").expect_err("two are answered"), Busy::Person);
    }
}
