//! Whose pages may connect.

use axum::http::{HeaderMap, HeaderValue, Uri, header};

/// Origins whose pages may open a WebSocket: our own, and those of the settings.
#[derive(Clone, Debug)]
pub struct Origins {
    allowed: Vec<HeaderValue>,
}

impl Origins {
    /// Our own origin and these.
    pub fn new(allowed: Vec<HeaderValue>) -> Self {
        Self { allowed }
    }

    /// The origins beside our own.
    pub fn others(&self) -> &[HeaderValue] {
        &self.allowed
    }

    /// Whether a request may open a WebSocket. A program sends no `Origin` and is not what the check is
    /// for; a browser always does, and a page without a proper one sends `null`, which is refused.
    /// `uri` is the request's: HTTP/2 names the host there, and a browser then sends no `Host`.
    pub fn allow(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return true };
        if origins.next().is_some() {
            return false;
        }
        self.allowed.contains(origin) || host(headers, uri).is_some_and(|host| is_same(origin, host))
    }
}

/// The host that a request was sent to, with its port.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => uri.authority().map(axum::http::uri::Authority::as_str),
    }
}

/// Whether an origin names the host that the request was sent to. The scheme is not compared: behind a
/// proxy that speaks TLS the page is `https` and we are not.
fn is_same(origin: &HeaderValue, host: &str) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let usual_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let host = host.strip_suffix(usual_port).unwrap_or(host);
    !host.is_empty() && authority.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether both ways of naming the host, that of HTTP/1.1 and that of HTTP/2, lead to this.
    fn allowed(origin: &[&'static str], host: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        for origin in origin {
            headers.append(header::ORIGIN, HeaderValue::from_static(origin));
        }
        let origins = Origins::new(vec![HeaderValue::from_static("https://app.example.org")]);
        let path = Uri::from_static("/api/live/sse");
        let whole = format!("http://{host}/api/live/sse").parse().expect("an address");
        let in_address = origins.allow(&headers, &whole);
        headers.insert(header::HOST, HeaderValue::from_static(host));
        assert_eq!(origins.allow(&headers, &path), in_address, "{origin:?}");
        in_address
    }

    #[test]
    fn programs_our_own_pages_and_those_of_the_settings_may_connect() {
        assert!(allowed(&[], "127.0.0.1:8080"));
        assert!(allowed(&["http://127.0.0.1:8080"], "127.0.0.1:8080"));
        assert!(allowed(&["https://live.example.org"], "live.example.org"));
        assert!(allowed(&["http://live.example.org"], "live.example.org:80"));
        assert!(allowed(&["https://app.example.org"], "live.example.org"));
    }

    #[test]
    fn without_a_host_no_page_is_our_own() {
        let headers = HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static("http://a"))]);
        assert!(!Origins::new(Vec::new()).allow(&headers, &Uri::from_static("/")));
    }

    #[test]
    fn other_pages_may_not() {
        for origin in [
            "null",
            "",
            "http://",
            "http://127.0.0.1",
            "http://127.0.0.1:8081",
            "http://127.0.0.1:8080.evil.org",
            "http://evil.org/127.0.0.1:8080",
            "http://u@127.0.0.1:8080",
            "file://127.0.0.1:8080",
            "127.0.0.1:8080",
            "https://app.example.org.evil.org",
            "https://app.example.org:443",
            "http://app.example.org",
            "https://xapp.example.org",
            "HTTPS://app.example.org",
            "https://app.example.org/",
            "https://app.example.org:8443",
            "https://app.example.org.",
            "https://APP.example.org",
            "https://app.example.org@evil.org",
            "https://evil.org?https://app.example.org",
            "https://app.example.org, https://evil.org",
            "https://app\texample.org",
            "http://127.0.0.1:8080/",
            "http://127.0.0.1:8080 ",
            "http://127.0.0.1:08080",
            "http://127.0.0.1.:8080",
            "http://2130706433:8080",
            "http://127.1:8080",
            "HTTP://127.0.0.1:8080",
            "ws://127.0.0.1:8080",
            "//127.0.0.1:8080",
            "Null",
        ] {
            assert!(!allowed(&[origin], "127.0.0.1:8080"), "{origin}");
        }
        assert!(!allowed(&["http://127.0.0.1:8080", "http://127.0.0.1:8080"], "127.0.0.1:8080"));
    }
}
