//! What an identity may read.

use live_core::access::{Rules, may_read};
use live_core::channel::ChannelName;
use live_core::error::ErrorCode;

use super::identity::{Identity, Role};

/// The rules of each role.
#[derive(Clone, Debug)]
pub struct Access {
    rules: [Rules; Role::ALL.len()],
}

impl Access {
    /// Rules in the order of [`Role::ALL`].
    pub fn new(rules: &[Rules; Role::ALL.len()]) -> Self {
        Self { rules: rules.clone() }
    }

    /// Whether somebody may read a channel by the rules. Whose a channel is, is another question.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`].
    pub fn judge(&self, identity: &Identity, channel: &ChannelName) -> Result<(), ErrorCode> {
        let rules = identity.roles.iter().map(|role| &self.rules[role as usize]);
        match may_read(channel, identity.subject.as_deref(), rules, identity.rules.as_ref()) {
            true => Ok(()),
            false => Err(ErrorCode::Forbidden),
        }
    }

    /// The same for a channel that belongs to a person: to others it does not exist.
    ///
    /// # Errors
    /// [`ErrorCode::ChannelUnknown`] to everybody but its owner and whoever reads everything; else as
    /// [`judge`](Self::judge).
    pub fn judge_owned(
        &self,
        identity: &Identity,
        channel: &ChannelName,
        owner: Option<&str>,
    ) -> Result<(), ErrorCode> {
        let is_theirs = owner.is_some_and(|owner| identity.subject.as_deref() == Some(owner));
        if is_theirs || (owner.is_some() && identity.roles.has(Role::Admin)) {
            return self.judge(identity, channel);
        }
        Err(ErrorCode::ChannelUnknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// What somebody may do with a channel by the rules of the defaults.
    fn check(
        roles: &[Role],
        subject: Option<&str>,
        channel: &str,
        owner: Option<&str>,
    ) -> Result<(), ErrorCode> {
        let access = Access::new(&Config::defaults().expect("sound").auth.rules);
        let identity = Identity {
            subject: subject.map(Into::into),
            roles: roles.iter().copied().collect(),
            ..Identity::default()
        };
        let channel = ChannelName::parse(channel).expect("a good name");
        match ["copilot", "job"].contains(&channel.namespace()) {
            true => access.judge_owned(&identity, &channel, owner),
            false => access.judge(&identity, &channel),
        }
    }

    #[test]
    fn roles_read_what_the_defaults_say() {
        let forbidden = Err(ErrorCode::Forbidden);
        for role in [Role::Guest, Role::Trader] {
            for channel in ["price:AAPL", "price:BRK.B", "candles:AAPL.1d", "system:status"] {
                assert_eq!(check(&[role], Some("ada"), channel, None), Ok(()), "{role:?} {channel}");
            }
            assert_eq!(check(&[role], Some("ada"), "system:other", None), forbidden);
            assert_eq!(check(&[role], Some("ada"), "orders:1", None), forbidden);
        }
        assert_eq!(check(&[Role::Publisher], Some("feed"), "price:AAPL", None), forbidden);
        assert_eq!(check(&[], Some("ada"), "price:AAPL", None), forbidden);
        assert_eq!(check(&[Role::Admin], Some("root"), "orders:1", None), Ok(()));
    }

    #[test]
    fn a_channel_of_somebody_else_does_not_exist() {
        let unknown = Err(ErrorCode::ChannelUnknown);
        let trader = [Role::Trader];
        for channel in ["job:1", "copilot:1"] {
            assert_eq!(check(&trader, Some("ada"), channel, Some("ada")), Ok(()));
            assert_eq!(check(&trader, Some("bob"), channel, Some("ada")), unknown);
            assert_eq!(check(&trader, None, channel, Some("ada")), unknown);
            assert_eq!(check(&trader, Some("ada"), channel, None), unknown);
            assert_eq!(check(&[Role::Admin], Some("root"), channel, Some("ada")), Ok(()));
            assert_eq!(check(&[Role::Admin], Some("root"), channel, None), unknown);
            assert_eq!(
                check(&[Role::Publisher], Some("ada"), channel, Some("ada")),
                Err(ErrorCode::Forbidden)
            );
        }
    }
}
