//! Who is let in, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use live_core::access::Rules;
use reqwest::Url;

use super::Profile;
use super::reader::Reader;
use crate::auth::keyring::KeySetPlace;
use crate::auth::keys::SECRET_LEN_MIN;
use crate::auth::secret::Secret;
use crate::auth::sessions::SessionLimits;
use crate::auth::{Policy, Role};

/// Fewest different bytes of a secret that production takes: words and repetitions have fewer.
const SECRET_BYTES_MIN: usize = 12;

/// The sections `jwt` and `auth`, and the limits that go with them.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// The secret that both ends have.
    pub secret: Option<Secret>,
    /// Where the key set is.
    pub key_set: Option<KeySetPlace>,
    /// What tokens are held to.
    pub policy: Policy,
    /// Whether people without a token are let in, as guests.
    pub anonymous: bool,
    /// Whether the gateway signs tokens for guests.
    pub guest: bool,
    /// How long these live.
    pub guest_ttl: Duration,
    /// Of each role, in the order of [`Role::ALL`].
    pub rules: [Rules; Role::ALL.len()],
    /// What sessions are held to.
    pub sessions: SessionLimits,
    /// How long a socket may stay open without a token where one is needed.
    pub within: Duration,
    /// Most bad tokens of one address in a minute that are told what is wrong with them.
    pub bad_auths_per_minute: usize,
    /// Commands of a connection over time.
    pub commands_per_second: u32,
    /// Most of them at once.
    pub commands_burst: u32,
}

impl AuthConfig {
    pub(super) fn read(reader: &mut Reader, profile: Option<Profile>) -> Option<Self> {
        let is_demo = profile != Some(Profile::Production);
        let secret = read_secret(reader);
        let key_set = read_key_set(reader, is_demo);
        let policy = read_policy(reader);
        let anonymous = reader.switch("auth.anonymous", is_demo);
        let guest = reader.switch("auth.guest", is_demo);
        let guest_ttl = reader.millis("auth.guest_ttl_ms", 1_000..=86_400_000);
        let rules = Role::ALL.map(|role| read_rules(reader, role));
        let warn = reader.millis("auth.warn_ms", 0..=600_000);
        let grace = reader.millis("auth.grace_ms", 0..=600_000);
        let per_user = reader.size("limits.connections_per_user", 1..=1_000_000);
        let within = reader.millis("limits.auth_within_ms", 10..=600_000);
        let bad_auths = reader.size("limits.bad_auths_per_minute", 1..=1_000_000);
        let commands = reader.integer("limits.commands_per_second", 1..=1_000_000);
        let burst = reader.integer("limits.commands_burst", 1..=1_000_000);
        let [guest_rules, trader, publisher, admin] = rules;
        let config = Self {
            secret: secret?,
            key_set: key_set?,
            policy: policy?,
            anonymous: anonymous?,
            guest: guest?,
            guest_ttl: guest_ttl?,
            rules: [guest_rules?, trader?, publisher?, admin?],
            sessions: SessionLimits { warn: warn?, grace: grace?, connections_per_user: per_user? },
            within: within?,
            bad_auths_per_minute: bad_auths?,
            commands_per_second: commands? as u32,
            commands_burst: burst? as u32,
        };
        if !is_demo {
            config.refuse_what_is_not_for_production(reader);
        }
        Some(config)
    }

    fn refuse_what_is_not_for_production(&self, reader: &mut Reader) {
        if self.anonymous {
            reader.complain("auth.anonymous", "true is not for production: everybody would be let in");
        }
        if self.guest {
            reader.complain("auth.guest", "true is not for production: everybody would be given a token");
        }
        if self.secret.is_none() && self.key_set.is_none() {
            reader.complain(
                "jwt.secret",
                "is not set, and neither is SPARK_JWKS: production makes no secret by itself",
            );
        }
        if self.secret.as_ref().is_some_and(is_easy) {
            reader.complain("jwt.secret", "is easy to guess: production wants random bytes");
        }
        if self.policy.audience.is_none() {
            reader.complain("jwt.audience", "is not set: tokens for others would be taken in production");
        }
    }
}

fn is_easy(secret: &Secret) -> bool {
    let mut bytes = secret.expose().to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    bytes.len() < SECRET_BYTES_MIN
}

fn read_secret(reader: &mut Reader) -> Option<Option<Secret>> {
    let secret = reader.secret("jwt.secret")?;
    if secret.expose().is_empty() {
        return Some(None);
    }
    if secret.expose().len() < SECRET_LEN_MIN {
        reader.complain("jwt.secret", "is shorter than 32 bytes");
        return None;
    }
    Some(Some(secret))
}

fn read_key_set(reader: &mut Reader, is_demo: bool) -> Option<Option<KeySetPlace>> {
    let text = reader.text("jwks")?;
    if text.is_empty() {
        return Some(None);
    }
    if !text.contains("://") {
        return Some(Some(KeySetPlace::File(PathBuf::from(text))));
    }
    let url = Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.username().is_empty());
    let Some(url) = url else {
        reader.complain("jwks", "is not the path of a file or an http or https address without a user");
        return None;
    };
    let is_near = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if !is_demo && url.scheme() == "http" && !is_near {
        reader.complain("jwks", "http is not for production: keys could be changed on their way");
        return None;
    }
    Some(Some(KeySetPlace::Url(url)))
}

fn read_policy(reader: &mut Reader) -> Option<Policy> {
    let given = |text: Option<String>| text.map(|text| Some(text).filter(|text| !text.is_empty()));
    let audience = given(reader.text("jwt.audience"));
    let issuer = given(reader.text("jwt.issuer"));
    let skew_ms = reader.integer("jwt.skew_ms", 0..=300_000);
    let lifetime_ms_max = reader.integer("jwt.lifetime_max_ms", 1_000..=86_400_000);
    Some(Policy {
        audience: audience?,
        issuer: issuer?,
        skew_ms: skew_ms?,
        lifetime_ms_max: lifetime_ms_max?,
    })
}

fn read_rules(reader: &mut Reader, role: Role) -> Option<Rules> {
    let name = role.as_str();
    let (allow_key, deny_key) = (format!("auth.{name}_allow"), format!("auth.{name}_deny"));
    let (allow, deny) = (reader.list(&allow_key), reader.list(&deny_key));
    let mut read = |key: &str, allow: Vec<String>, deny: Vec<String>| {
        Rules::parse(&allow, &deny)
            .map_err(|(text, fault)| reader.complain(key, &format!("{text:?}: {fault}")))
            .ok()
    };
    let allow = read(&allow_key, allow?, Vec::new());
    let deny = read(&deny_key, Vec::new(), deny?);
    Some(Rules { allow: allow?.allow, deny: deny?.deny })
}
