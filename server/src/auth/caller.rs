//! Who sends a request, by its `Authorization` header and nothing else.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;

use super::identity::{Identity, Role};
use super::sessions::Session;
use super::{Auth, Refused};
use crate::confirmation::token::discreet;
use crate::error::AppError;
use crate::hub::{Connection, Hub};
use crate::listener::Peer;
use crate::rate::Rate;

/// Names under which people put tokens into addresses.
const TOKEN_PARAMS: [&str; 4] = ["token", "access_token", "jwt", "authorization"];

/// When somebody with as many connections as one may have is to try again.
const CONNECTION_RETRY: Duration = Duration::from_secs(5);

/// Who sends a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is; nobody when the request has no token and the settings let nobody look on without one.
    pub identity: Arc<Identity>,
    /// Where it comes from, where that is known.
    pub address: Option<IpAddr>,
    /// The token is past its end, but the session that it asks for may have a newer one of this person.
    pub late: Option<Arc<str>>,
}

impl Caller {
    /// Makes sure that the caller is somebody, if only a guest without a token.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`].
    pub fn somebody(&self) -> Result<&Arc<Identity>, AppError> {
        match self.late.is_some() {
            true => Err(AppError::of(ErrorCode::AuthExpired)),
            false if *self.identity == Identity::nobody() => Err(unauthenticated("there is no token")),
            false => Ok(&self.identity),
        }
    }

    /// Registers a live connection as the caller's, with its session.
    ///
    /// # Errors
    /// [`ErrorCode::ConnectionLimit`], [`ErrorCode::AuthRevoked`].
    pub(crate) fn open(&self, auth: &Auth, connection: &Connection) -> Result<Session, AppError> {
        if self.late.is_some() {
            return Err(AppError::of(ErrorCode::AuthExpired));
        }
        enter(auth, connection, &self.identity)
    }

    /// The same for a poll. One that goes on with a session of the caller's that is known is no new connection, and a
    /// newer token of the same person that was given to the session holds as well. Any other is taken on as one of
    /// `opens`, in a new session.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`ErrorCode::Unauthenticated`], [`ErrorCode::AuthExpired`],
    /// [`ErrorCode::Overloaded`].
    pub(crate) fn go_on(
        &self,
        auth: &Auth,
        hub: &Hub,
        opens: &Rate,
        session_id: Option<&str>,
    ) -> Result<(Connection, Session), AppError> {
        let sessions = auth.sessions();
        let identity = match &self.late {
            None => Arc::clone(self.somebody()?),
            Some(subject) => session_id
                .and_then(|id| sessions.granted(id, subject))
                .ok_or_else(|| AppError::of(ErrorCode::AuthExpired))?,
        };
        let session_id = session_id.filter(|id| sessions.is_of(id, identity.subject.as_deref()));
        if session_id.is_none() {
            opens.take(1).map_err(|after| AppError::later(ErrorCode::Overloaded, after))?;
        }
        let connection = hub.connect(session_id.map(Into::into));
        let session = enter(auth, &connection, &identity)?;
        Ok((connection, session.kept()))
    }

    /// Makes sure that the caller has a token.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`].
    pub fn with_token(&self) -> Result<&Arc<Identity>, AppError> {
        let identity = self.somebody()?;
        match identity.subject.is_some() {
            true => Ok(identity),
            false => Err(unauthenticated("there is no token")),
        }
    }

    /// Makes sure that the caller has a token with one of these roles.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`], [`ErrorCode::Forbidden`].
    pub fn with_role(&self, roles: &[Role]) -> Result<&Arc<Identity>, AppError> {
        let identity = self.with_token()?;
        match roles.iter().any(|&role| identity.roles.has(role)) {
            true => Ok(identity),
            false => Err(AppError::forbidden("the token has no role that may do this")),
        }
    }
}

fn enter(auth: &Auth, connection: &Connection, identity: &Arc<Identity>) -> Result<Session, AppError> {
    let session = auth.sessions().open(connection.session_id(), Arc::clone(identity));
    let session = session.map_err(|code| match code {
        ErrorCode::ConnectionLimit => AppError::later(code, CONNECTION_RETRY),
        code => AppError::of(code),
    })?;
    connection.set_identity(session.identity());
    Ok(session)
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Arc<Auth>: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let auth = Arc::<Auth>::from_ref(state);
        let address = parts.extensions.get::<Peer>().map(|peer| peer.0);
        refuse_tokens(parts.uri.query())?;
        let Some(token) = bearer(&parts.headers)? else {
            let identity = match auth.settings().anonymous {
                true => Identity::anonymous(),
                false => Identity::nobody(),
            };
            return Ok(Self { identity: Arc::new(identity), address, late: None });
        };
        match auth.identify(token, address).await {
            Ok(identity) => Ok(Self { identity, address, late: None }),
            Err(refused) if refused.code == ErrorCode::AuthExpired => match auth.was(token).await {
                Some(subject) => Ok(Self { identity: Arc::default(), address, late: Some(subject) }),
                None => Err(refused.into()),
            },
            Err(refused) => Err(refused.into()),
        }
    }
}

impl From<Refused> for AppError {
    fn from(refused: Refused) -> Self {
        match refused.retry_after {
            Some(after) => Self::later(refused.code, after),
            None => Self::with_detail(refused.code, &detail(&refused)),
        }
    }
}

/// What a client is told of a token that was refused.
pub(crate) fn detail(refused: &Refused) -> ErrorDetail {
    ErrorDetail {
        message: refused.code.meaning().into(),
        field: Some("token".into()),
        reason: Some(refused.fault.to_string().into()),
        retry_after_ms: refused.retry_after.map(|after: Duration| after.as_millis() as u64),
        ..ErrorDetail::default()
    }
}

fn unauthenticated(reason: &str) -> AppError {
    let code = ErrorCode::Unauthenticated;
    let detail = ErrorDetail {
        message: code.meaning().into(),
        field: Some("Authorization".into()),
        reason: Some(reason.into()),
        ..ErrorDetail::default()
    };
    AppError::with_detail(code, &detail)
}

/// The token of the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, AppError> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(unauthenticated("stands there twice"));
    }
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
    });
    token.filter(|token| !token.is_empty()).map(Some).ok_or_else(|| unauthenticated("is not a Bearer token"))
}

/// Refuses a question with a token in it: addresses are kept in logs and histories.
fn refuse_tokens(query: Option<&str>) -> Result<(), AppError> {
    for param in query.unwrap_or_default().split('&') {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        let name = decoded(name).to_ascii_lowercase();
        if TOKEN_PARAMS.contains(&name.as_str())
            || looks_like_token(&name)
            || looks_like_token(&decoded(value))
        {
            return Err(AppError::bad_request(&discreet(name), "tokens do not belong in an address"));
        }
    }
    Ok(())
}

/// A confirmation token says what it is, and every JSON object that begins as headers do begins so in base64url.
fn looks_like_token(value: &str) -> bool {
    if value.contains(crate::confirmation::token::PREFIX) {
        return true;
    }
    let value = value.trim_start_matches([' ', '+']);
    let value =
        value.get(..7).filter(|start| start.eq_ignore_ascii_case("bearer ")).map_or(value, |_| &value[7..]);
    value.starts_with("eyJ") && value.bytes().filter(|&byte| byte == b'.').count() >= 2
}

/// A text of an address as it was meant; what is no escape stays.
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(escaped) => {
                out.push(escaped);
                at += 3;
            }
            None => {
                out.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_token_in_an_address_is_refused_however_it_is_written() {
        for query in [
            "token=x",
            "channels=price:A&access_token=x",
            "jwt",
            "authorization=Bearer+x",
            "AUTHORIZATION=x",
            "%74oken=x",
            "x=eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
            "cursor=Bearer%20eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
            "sessionId=sct_AAAA",
            "sct_AAAA",
            "%73ct_AAAA=1",
            "cursor=%65yJhbGciOiJIUzI1NiJ9.e30.c2ln",
        ] {
            assert!(refuse_tokens(Some(query)).is_err(), "{query}");
        }
        for query in
            ["", "channels=price:A,copilot:eyJ", "cursor=1.price:A@abcdefgh:1", "maxHz=0.5", "%", "%zz=%"]
        {
            assert!(refuse_tokens(Some(query)).is_ok(), "{query}");
        }
        assert!(refuse_tokens(None).is_ok());
    }

    #[test]
    fn a_token_comes_in_one_header_of_one_kind() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            bearer(&headers).map(|token| token.map(str::to_owned)).map_err(|_| ())
        };
        assert_eq!(read(&[]), Ok(None));
        for good in ["Bearer x.y", "bearer x.y", "BEARER   x.y"] {
            assert_eq!(read(&[good]), Ok(Some("x.y".to_owned())), "{good}");
        }
        for bad in ["", "Bearer", "Bearer ", "x.y", "Basic eDp5", "Bearerx.y"] {
            assert_eq!(read(&[bad]), Err(()), "{bad}");
        }
        assert_eq!(read(&["Bearer x.y", "Bearer x.y"]), Err(()));
    }
}
