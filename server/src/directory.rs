//! Which channels there are: those of the source, the gateway's own status, those that belong to a person,
//! and all of the namespaces of the settings.

use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use live_core::channel::{ChannelName, NamespacePolicy};
use live_core::error::ErrorCode;

use crate::auth::{Access, Identity};
use crate::hub::{ChannelInfo, Directory};
use crate::market::Market;
use crate::status;

/// Namespaces whose channels belong to the person who opened them.
pub const OWNED: [&str; 2] = ["copilot", "job"];
/// Most channels of one person; beyond it the oldest of theirs are forgotten.
const OWNED_OF_ONE_MAX: usize = 2_000;
/// Most channels with an owner; beyond it those who have the most lose their oldest, as many at once as are left room for
/// here, since it is some work to find them.
const OWNED_MAX: usize = 100_000;
const OWNED_ROOM: usize = 1_000;

/// All channels that are served.
pub struct Channels {
    market: Arc<Market>,
    owners: Arc<Owners>,
    configured: HashSet<Box<str>>,
    access: Arc<Access>,
}

impl Channels {
    /// Those of a source, of persons, and of the namespaces `configured` that the protocol does not have.
    /// `access` says who may read which.
    pub fn new(
        market: Arc<Market>,
        owners: Arc<Owners>,
        configured: &[NamespacePolicy],
        access: Arc<Access>,
    ) -> Self {
        let configured = configured.iter().map(|policy| policy.name.clone()).collect();
        Self { market, owners, configured, access }
    }
}

impl Directory for Channels {
    fn find(&self, channel: &ChannelName) -> Option<ChannelInfo> {
        match channel.namespace() {
            "price" | "candles" => self.market.find(channel),
            "system" => (channel.as_str() == status::CHANNEL).then(ChannelInfo::default),
            name if OWNED.contains(&name) => self.owners.of(channel).map(|_| ChannelInfo::default()),
            name => self.configured.contains(name).then(ChannelInfo::default),
        }
    }

    fn judge(&self, identity: &Identity, channel: &ChannelName) -> Result<(), ErrorCode> {
        if OWNED.contains(&channel.namespace()) {
            return self.access.judge_owned(identity, channel, self.owners.of(channel).as_deref());
        }
        self.access.judge(identity, channel)
    }
}

/// Whose the channels of [`OWNED`] namespaces are.
#[derive(Debug, Default)]
pub struct Owners(RwLock<Owned>);

#[derive(Debug, Default)]
struct Owned {
    subjects: HashMap<ChannelName, Arc<str>>,
    /// Those of each person, in the order in which they were opened.
    opened: HashMap<Arc<str>, VecDeque<ChannelName>>,
}

impl Owned {
    fn open(&mut self, channel: ChannelName, subject: Arc<str>) {
        let opened = self.opened.entry(Arc::clone(&subject)).or_default();
        opened.push_back(channel.clone());
        let is_too_much = opened.len() > OWNED_OF_ONE_MAX;
        self.subjects.insert(channel, Arc::clone(&subject));
        if is_too_much {
            self.forget_oldest(&subject);
        }
        if self.subjects.len() > OWNED_MAX {
            self.make_room();
        }
    }

    /// Nobody loses the channels of theirs to somebody who opens more and more.
    fn make_room(&mut self) {
        let sizes = self.opened.iter().map(|(subject, opened)| (opened.len(), Arc::clone(subject)));
        let mut sizes: BinaryHeap<_> = sizes.collect();
        while self.subjects.len() > OWNED_MAX - OWNED_ROOM
            && let Some((size, subject)) = sizes.pop()
        {
            self.forget_oldest(&subject);
            sizes.push((size - 1, subject));
        }
    }

    fn forget_oldest(&mut self, subject: &Arc<str>) {
        let Some(opened) = self.opened.get_mut(subject) else { return };
        if let Some(oldest) = opened.pop_front() {
            self.subjects.remove(&oldest);
        }
        if opened.is_empty() {
            self.opened.remove(subject);
        }
    }
}

impl Owners {
    /// Whose a channel is; `None` where nobody has opened it.
    pub fn of(&self, channel: &ChannelName) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).subjects.get(channel).cloned()
    }

    /// Judges a list of channels, each with the person it is to be opened for, or without one where it is open already:
    /// before, or by what stands in front of it in the list. Nothing is opened yet.
    ///
    /// # Errors
    /// The place of the first one that cannot be had, and why.
    pub fn judge<'a>(
        &self,
        wanted: impl IntoIterator<Item = (&'a ChannelName, Option<&'a str>)>,
    ) -> Result<Opening<'_>, (usize, OwnerFault)> {
        let owned = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut new: HashMap<ChannelName, Arc<str>> = HashMap::new();
        for (index, (channel, subject)) in wanted.into_iter().enumerate() {
            match (owned.subjects.get(channel).or_else(|| new.get(channel)), subject) {
                (Some(owner), Some(subject)) if **owner != *subject => {
                    return Err((index, OwnerFault::Other));
                }
                (Some(_), _) => {}
                (None, Some(subject)) => drop(new.insert(channel.clone(), subject.into())),
                (None, None) => return Err((index, OwnerFault::Nobody)),
            }
        }
        Ok(Opening { owned, new })
    }
}

/// Why a channel is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerFault {
    /// It is somebody else's.
    Other,
    /// Nobody has opened it, and it is not said for whom.
    Nobody,
}

/// Channels that can be opened; until they are, nobody else opens any.
#[derive(Debug)]
pub struct Opening<'a> {
    owned: RwLockWriteGuard<'a, Owned>,
    new: HashMap<ChannelName, Arc<str>>,
}

impl Opening<'_> {
    /// Opens those that were not open. Where there are too many others are forgotten: those of the same person first.
    pub fn open(mut self) {
        for (channel, subject) in self.new {
            self.owned.open(channel, subject);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use live_core::channel::Mode;

    fn name(text: &str) -> ChannelName {
        ChannelName::parse(text).expect("a good name")
    }

    fn open(owners: &Owners, list: &[(&str, Option<&str>)]) -> Result<(), (usize, OwnerFault)> {
        let names: Vec<ChannelName> = list.iter().map(|(text, _)| name(text)).collect();
        let opening = owners.judge(names.iter().zip(list.iter().map(|(_, owner)| *owner)))?;
        opening.open();
        Ok(())
    }

    #[test]
    fn channels_come_from_where_they_belong() {
        let owners = Arc::<Owners>::default();
        let access = Arc::new(Access::new(&Config::defaults().expect("sound").auth.rules));
        let weather =
            NamespacePolicy { name: "weather".into(), mode: Mode::State, max_hz: None, stale_after_ms: None };
        let channels =
            Channels::new(Arc::new(Market::new("replay")), Arc::clone(&owners), &[weather], access);
        let is_served = |text: &str| channels.find(&name(text)).is_some();
        assert!(is_served("weather:Izmir") && is_served("system:status"));
        for unknown in ["price:NOPE", "system:other", "job:1", "copilot:1", "nope:1"] {
            assert!(!is_served(unknown), "{unknown}");
        }
        assert_eq!(open(&owners, &[("job:1", Some("ada"))]), Ok(()));
        assert!(is_served("job:1") && !is_served("job:2"));
        let ada = Identity { subject: Some("ada".into()), ..Identity::anonymous() };
        let judged = |identity: &Identity, text: &str| channels.judge(identity, &name(text)).err();
        assert_eq!((judged(&ada, "price:A"), judged(&ada, "job:1")), (None, None));
        assert_eq!(judged(&ada, "weather:Izmir"), Some(ErrorCode::Forbidden));
        assert_eq!(judged(&Identity::anonymous(), "job:1"), Some(ErrorCode::ChannelUnknown));
        assert_eq!(judged(&Identity::nobody(), "price:A"), Some(ErrorCode::Forbidden));
    }

    #[test]
    fn a_channel_has_one_owner() {
        let owners = Owners::default();
        for _ in 0..2 {
            assert_eq!(open(&owners, &[("job:1", Some("ada")), ("job:1", None)]), Ok(()));
        }
        assert_eq!(open(&owners, &[("job:1", Some("bob"))]), Err((0, OwnerFault::Other)));
        assert_eq!(owners.of(&name("job:1")).as_deref(), Some("ada"));
    }

    #[test]
    fn a_list_with_a_fault_opens_nothing() {
        let owners = Owners::default();
        for (last, fault) in
            [(("job:3", None), OwnerFault::Nobody), (("job:1", Some("bob")), OwnerFault::Other)]
        {
            let list = [("job:1", Some("ada")), ("job:2", Some("bob")), last];
            assert_eq!(open(&owners, &list), Err((2, fault)));
            assert_eq!(owners.of(&name("job:1")), None);
        }
        assert_eq!(open(&owners, &[("job:1", None), ("job:1", Some("ada"))]), Err((0, OwnerFault::Nobody)));
    }

    #[test]
    fn who_opens_too_many_loses_their_own_oldest() {
        let owners = Owners::default();
        assert_eq!(open(&owners, &[("job:eves", Some("eve"))]), Ok(()));
        for number in 0..=OWNED_OF_ONE_MAX {
            assert_eq!(open(&owners, &[(&format!("job:{number}"), Some("ada"))]), Ok(()));
        }
        assert_eq!(owners.of(&name("job:0")), None);
        assert!(owners.of(&name("job:1")).is_some() && owners.of(&name("job:eves")).is_some());
        assert_eq!(owners.0.read().expect("held").subjects.len(), OWNED_OF_ONE_MAX + 1);
    }

    #[test]
    fn where_all_open_too_many_those_lose_who_have_the_most() {
        let owners = Owners::default();
        assert_eq!(open(&owners, &[("job:eves", Some("eve"))]), Ok(()));
        for number in 0..OWNED_MAX {
            let subject = format!("ada-{}", number % 100);
            assert_eq!(open(&owners, &[(&format!("job:{number}"), Some(&subject))]), Ok(()));
        }
        let owned = owners.0.read().expect("held");
        assert_eq!(owned.subjects.len(), OWNED_MAX - OWNED_ROOM);
        assert_eq!(owned.opened.values().map(VecDeque::len).sum::<usize>(), owned.subjects.len());
        drop(owned);
        assert!(owners.of(&name("job:eves")).is_some(), "she has but one");
        assert_eq!(owners.of(&name("job:0")), None);
        assert!(owners.of(&name(&format!("job:{}", OWNED_MAX - 1))).is_some());
    }
}
