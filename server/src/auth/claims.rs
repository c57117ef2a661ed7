//! What a token says, judged after its signature.

use std::sync::Arc;

use live_core::access::Rules;
use serde_json::{Map, Value};

use super::identity::{Identity, Role, Roles};
use super::strict::{Object, ObjectFault};
use super::token::TokenFault;

/// Longest subject and longest id, in characters.
const NAME_LEN_MAX: usize = 128;

/// What tokens are held to.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whom they must be for; anybody when it is not set.
    pub audience: Option<String>,
    /// Who must have made them; anybody who has the key when it is not set.
    pub issuer: Option<String>,
    /// How far the clock of who makes them may be off, in milliseconds.
    pub skew_ms: u64,
    /// How far ahead they may end, in milliseconds.
    pub lifetime_ms_max: u64,
}

/// Reads the claims.
pub(super) fn read(payload: &[u8], policy: &Policy, now_ms: u64) -> Result<Identity, TokenFault> {
    let Object(claims) = Object::read(payload).map_err(|fault| match fault {
        ObjectFault::Unreadable => TokenFault::Claims,
        ObjectFault::Repeated => TokenFault::Repeated,
    })?;
    if let Some(audience) = &policy.audience
        && !is_for(claims.get("aud"), audience)
    {
        return Err(TokenFault::Audience);
    }
    if let Some(issuer) = &policy.issuer
        && claims.get("iss").and_then(Value::as_str) != Some(issuer)
    {
        return Err(TokenFault::Issuer);
    }
    let expires_at = seconds(claims.get("exp").ok_or(TokenFault::Expiry)?).ok_or(TokenFault::Expiry)?;
    if expires_at > now_ms.saturating_add(policy.lifetime_ms_max).saturating_add(policy.skew_ms) {
        return Err(TokenFault::TooFarAhead);
    }
    if now_ms >= expires_at.saturating_add(policy.skew_ms) {
        return Err(TokenFault::Expired);
    }
    let time = |name: &str| claims.get(name).map(|value| seconds(value).ok_or(TokenFault::Time)).transpose();
    let (issued_at, not_before) = (time("iat")?, time("nbf")?);
    if issued_at.max(not_before).is_some_and(|from| from > now_ms.saturating_add(policy.skew_ms)) {
        return Err(TokenFault::NotYet);
    }
    let subject = claims.get("sub").and_then(name).ok_or(TokenFault::Subject)?;
    let jti = claims.get("jti").map(|id| name(id).ok_or(TokenFault::Id)).transpose()?;
    Ok(Identity {
        subject: Some(subject),
        roles: roles(&claims)?,
        rules: claims.get("channels").map(rules).transpose()?,
        issued_at,
        expires_at: Some(expires_at),
        jti,
    })
}

/// Whole seconds since the Unix epoch, in milliseconds.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64()?.checked_mul(1_000)
}

fn is_for(aud: Option<&Value>, audience: &str) -> bool {
    match aud {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

/// A name that can stand in a log line.
fn name(value: &Value) -> Option<Arc<str>> {
    let text = value.as_str()?;
    let is_good =
        !text.is_empty() && text.chars().count() <= NAME_LEN_MAX && !text.contains(char::is_control);
    is_good.then(|| text.into())
}

/// The roles that there are; others are somebody else's business.
fn roles(claims: &Map<String, Value>) -> Result<Roles, TokenFault> {
    let Some(value) = claims.get("roles") else { return Ok(Roles::default()) };
    let names = value.as_array().ok_or(TokenFault::Roles)?;
    let names =
        names.iter().map(|name| name.as_str().ok_or(TokenFault::Roles)).collect::<Result<Vec<_>, _>>()?;
    Ok(names.into_iter().filter_map(Role::from_name).collect())
}

/// `{allow, deny}`, both optional. What says nothing about what is allowed narrows nothing but what it denies.
fn rules(value: &Value) -> Result<Rules, TokenFault> {
    let members = value.as_object().ok_or(TokenFault::Channels)?;
    if members.keys().any(|name| name != "allow" && name != "deny") {
        return Err(TokenFault::Channels);
    }
    let list = |name: &str| -> Result<Option<Vec<&str>>, TokenFault> {
        let Some(value) = members.get(name) else { return Ok(None) };
        let texts = value.as_array().ok_or(TokenFault::Channels)?;
        texts.iter().map(|text| text.as_str().ok_or(TokenFault::Channels)).collect::<Result<_, _>>().map(Some)
    };
    let (allow, deny) = (list("allow")?, list("deny")?.unwrap_or_default());
    let mut rules =
        Rules::parse(&allow.clone().unwrap_or_default(), &deny).map_err(|_| TokenFault::Channels)?;
    if allow.is_none() {
        rules.allow = Rules::everything().allow;
    }
    Ok(rules)
}
