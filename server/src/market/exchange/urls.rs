//! Where an exchange is found.

use reqwest::Url;

/// The two bases of an exchange's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls {
    /// Of its socket: `ws` or `wss`.
    pub socket: Url,
    /// Of its REST interface: `http` or `https`.
    pub rest: Url,
}

/// Why an address is none of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It is not an address.
    #[error("{0:?} is not an address such as https://relay.example")]
    Unreadable(String),
    /// It has another scheme.
    #[error("the scheme {0:?} is none of http, https, ws and wss")]
    Scheme(String),
    /// It has a query or a fragment, which would end up in the middle of every request.
    #[error("an address of an exchange has no query and no fragment")]
    Query,
}

impl Urls {
    /// Both bases from one address, such as that of a relay: `http` and `ws` mean each other, as do `https` and `wss`.
    ///
    /// # Errors
    /// When it is not such an address.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        let url = Url::parse(text).map_err(|_| UrlFault::Unreadable(text.to_owned()))?;
        let (socket, rest) = match url.scheme() {
            "http" | "ws" => ("ws", "http"),
            "https" | "wss" => ("wss", "https"),
            other => return Err(UrlFault::Scheme(other.to_owned())),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UrlFault::Query);
        }
        let with = |scheme: &str| {
            let rest = text.split_once(':').map_or("", |(_, rest)| rest);
            Url::parse(&format!("{scheme}:{rest}")).map_err(|_| UrlFault::Unreadable(text.to_owned()))
        };
        Ok(Self { socket: with(socket)?, rest: with(rest)? })
    }

    /// An exchange's own addresses, which are known to be right.
    pub(super) fn of(socket: &'static str, rest: &'static str) -> Self {
        let parse = |text| Url::parse(text).expect("an address of the exchange's own");
        Self { socket: parse(socket), rest: parse(rest) }
    }

    /// Address of a path (with a query, or not) below a base.
    pub(super) fn join(base: &Url, path: &str) -> String {
        format!("{}{path}", base.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_both_bases() {
        for (text, socket, rest) in [
            ("http://127.0.0.1:81", "ws://127.0.0.1:81/stream", "http://127.0.0.1:81/stream"),
            ("wss://relay.example/b/", "wss://relay.example/b/stream", "https://relay.example/b/stream"),
            (
                "HTTPS://relay.example:444",
                "wss://relay.example:444/stream",
                "https://relay.example:444/stream",
            ),
        ] {
            let urls = Urls::parse(text).expect(text);
            assert_eq!(Urls::join(&urls.socket, "/stream"), socket);
            assert_eq!(Urls::join(&urls.rest, "/stream"), rest);
        }
        for (text, fault) in [
            ("relay.example", UrlFault::Unreadable("relay.example".into())),
            ("ftp://relay.example", UrlFault::Scheme("ftp".into())),
            ("http://relay.example/?a=1", UrlFault::Query),
            ("http://relay.example/#a", UrlFault::Query),
        ] {
            assert_eq!(Urls::parse(text), Err(fault), "{text}");
        }
    }
}
