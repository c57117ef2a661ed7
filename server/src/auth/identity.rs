//! Who somebody is, once their token has been judged.

use std::fmt;
use std::sync::Arc;

use live_core::access::Rules;

/// What somebody is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Looks on.
    Guest,
    /// Looks on, and acts for themselves.
    Trader,
    /// Publishes.
    Publisher,
    /// Reads everything, and takes tokens back.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Guest, Self::Trader, Self::Publisher, Self::Admin];

    /// The name in a token and in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Trader => "trader",
            Self::Publisher => "publisher",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// A set of roles.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// Whether a role is among them.
    pub fn has(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// Those that are among them.
    pub fn iter(self) -> impl Iterator<Item = Role> + Clone {
        Role::ALL.into_iter().filter(move |&role| self.has(role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |set, role| set | 1 << role as u8))
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Role::as_str)).finish()
    }
}

/// Somebody, and what their token says of them. Nothing of it is secret.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// Who it is; `None` for somebody without a token.
    pub subject: Option<Arc<str>>,
    /// What they are there for.
    pub roles: Roles,
    /// What the token narrows the roles to.
    pub rules: Option<Rules>,
    /// When the token was made, in milliseconds since the Unix epoch, if it says so.
    pub issued_at: Option<u64>,
    /// When it ends, in milliseconds since the Unix epoch; `None` for somebody without a token.
    pub expires_at: Option<u64>,
    /// The token's own name, if it has one.
    pub jti: Option<Arc<str>>,
}

impl Identity {
    /// Somebody who may do nothing yet.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Somebody without a token, where the settings let them look on.
    pub fn anonymous() -> Self {
        Self { roles: Roles::from_iter([Role::Guest]), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_a_set_by_name() {
        let roles: Roles =
            ["trader", "nobody", "admin", "Guest"].into_iter().filter_map(Role::from_name).collect();
        assert_eq!(format!("{roles:?}"), r#"{"trader", "admin"}"#);
        assert!(roles.has(Role::Admin) && !roles.has(Role::Guest));
        assert_eq!(Identity::nobody().roles.iter().count(), 0);
    }
}
