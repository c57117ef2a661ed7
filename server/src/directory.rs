//! Which channels there are: those of the source, the gateway's own status, those that belong to a person,
//! and all of the namespaces of the settings.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use live_core::channel::{ChannelName, NamespacePolicy};
use live_core::error::ErrorCode;

use crate::auth::{Access, Identity};
use crate::hub::{ChannelInfo, Directory};
use crate::market::Market;
use crate::status;

/// Namespaces whose channels belong to the person who opened them.
pub const OWNED: [&str; 2] = ["copilot", "job"];
/// Most channels with an owner; beyond it the oldest are forgotten.
const OWNED_MAX: usize = 100_000;

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
    /// In the order in which they were opened.
    opened: VecDeque<ChannelName>,
}

impl Owners {
    /// Whose a channel is; `None` where nobody has opened it.
    pub fn of(&self, channel: &ChannelName) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).subjects.get(channel).cloned()
    }

    /// Opens a channel for a person, or finds it opened for the same. Returns whether it is theirs now.
    pub fn open(&self, channel: &ChannelName, subject: &str) -> bool {
        let mut owned = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = owned.subjects.get(channel) {
            return **owner == *subject;
        }
        if owned.opened.len() >= OWNED_MAX
            && let Some(oldest) = owned.opened.pop_front()
        {
            owned.subjects.remove(&oldest);
        }
        owned.subjects.insert(channel.clone(), subject.into());
        owned.opened.push_back(channel.clone());
        true
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

    #[test]
    fn channels_come_from_where_they_belong() {
        let owners = Arc::<Owners>::default();
        let access = Arc::new(Access::new(&Config::defaults().expect("sound").auth.rules));
        let weather =
            NamespacePolicy { name: "weather".into(), mode: Mode::State, max_hz: None, stale_after_ms: None };
        let channels =
            Channels::new(Arc::new(Market::new("replay", &[])), Arc::clone(&owners), &[weather], access);
        let is_served = |text: &str| channels.find(&name(text)).is_some();
        assert!(is_served("weather:Izmir") && is_served("system:status"));
        for unknown in ["price:NOPE", "system:other", "job:1", "copilot:1", "nope:1"] {
            assert!(!is_served(unknown), "{unknown}");
        }
        assert!(owners.open(&name("job:1"), "ada"));
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
        assert!(owners.open(&name("job:1"), "ada") && owners.open(&name("job:1"), "ada"));
        assert!(!owners.open(&name("job:1"), "bob"));
        assert_eq!(owners.of(&name("job:1")).as_deref(), Some("ada"));
    }

    #[test]
    fn the_oldest_owners_are_forgotten() {
        let owners = Owners::default();
        for number in 0..=OWNED_MAX {
            assert!(owners.open(&name(&format!("job:{number}")), "ada"));
        }
        assert_eq!(owners.of(&name("job:0")), None);
        assert!(owners.of(&name("job:1")).is_some());
    }
}
