//! The web page, out of the binary.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::Embed;

use crate::error::AppError;

/// What the build of the page wrote. Beside a file may stand the same file compressed, as `.br` and `.gz`.
#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../www/dist"]
#[allow_missing = true]
struct Dist;

/// The page that every path without a file of its own leads to.
const INDEX: &str = "index.html";
/// Files below have a hash of their content in their name.
const HASHED: &str = "assets/";
/// Encodings by preference, with the end of the file that has it.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Spark Live</title>\n\
    <h1>Spark Live is running</h1>\n\
    <p>Its web page was not built into this binary. Build it with <code>npm run build</code>, then build the \
    gateway again, or run <code>npm start</code>, which does both.</p>\n\
    <p>The data is at <a href=\"/api/market/symbols\">/api/market/symbols</a> and \
    <a href=\"/api/live/sse?channels=price:AAPL\">/api/live/sse?channels=price:AAPL</a>.</p>\n</html>\n";

/// Some files by their path.
trait Files {
    fn file(&self, path: &str) -> Option<File>;
}

struct File {
    content: Cow<'static, [u8]>,
    hash: [u8; 32],
    content_type: String,
}

struct Embedded;

impl Files for Embedded {
    fn file(&self, path: &str) -> Option<File> {
        let file = Dist::get(path)?;
        let hash = file.metadata.sha256_hash();
        Some(File { hash, content_type: file.metadata.mimetype().to_owned(), content: file.data })
    }
}

/// Answers whatever no route takes.
pub async fn fallback(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    respond(&Embedded, &method, uri.path(), &headers)
}

fn respond(files: &impl Files, method: &Method, path: &str, headers: &HeaderMap) -> Response {
    let path = path.trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return AppError::not_found().into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return AppError::method_not_allowed().into_response();
    }
    let is_variant = ENCODINGS.iter().any(|(_, end)| path.ends_with(end));
    let has_extension = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    if !path.is_empty()
        && !is_variant
        && let Some(file) = files.file(path)
    {
        return answer(files, path, file, headers);
    }
    if has_extension {
        return AppError::not_found().into_response();
    }
    match files.file(INDEX) {
        Some(file) => answer(files, INDEX, file, headers),
        None => (
            [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")],
            NOT_BUILT,
        )
            .into_response(),
    }
}

fn answer(files: &impl Files, path: &str, plain: File, headers: &HeaderMap) -> Response {
    let variants = ENCODINGS.map(|(encoding, end)| (encoding, files.file(&format!("{path}{end}"))));
    let varies = variants.iter().any(|(_, file)| file.is_some());
    let accepted = |encoding: &str| accepts(headers, encoding);
    let chosen = variants
        .into_iter()
        .find_map(|(encoding, file)| file.filter(|_| accepted(encoding)).map(|file| (encoding, file)));
    let content_type = with_charset(plain.content_type);
    let (encoding, file) = match chosen {
        Some((encoding, file)) => (Some(encoding), File { content_type, ..file }),
        None => (None, File { content_type, content: plain.content, hash: plain.hash }),
    };
    let etag =
        format!("\"{}\"", file.hash[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let caching = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut fields: Vec<(HeaderName, String)> = vec![(header::CACHE_CONTROL, caching.into())];
    if varies {
        fields.push((header::VARY, "accept-encoding".into()));
    }
    let is_known = is_listed(headers, &etag);
    fields.push((header::ETAG, etag));
    let (status, body) = if is_known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        fields.push((header::CONTENT_TYPE, file.content_type));
        fields.extend(encoding.map(|encoding| (header::CONTENT_ENCODING, encoding.to_owned())));
        (StatusCode::OK, Body::from(file.content))
    };
    let mut response = (status, body).into_response();
    for (name, value) in fields {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn with_charset(content_type: String) -> String {
    let is_text = content_type.starts_with("text/") || content_type == "application/javascript";
    if is_text && !content_type.contains("charset") { content_type + "; charset=utf-8" } else { content_type }
}

/// Whether a client takes an encoding: it names it, and not with a weight of zero.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
        is_named && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// Whether a client has that version already. `etag` is without the mark of a weak one, which makes no difference here
/// (RFC 9110, 13.1.2).
pub(crate) fn is_listed(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = |item: &str| item.trim() == "*" || item.trim().trim_start_matches("W/") == etag;
    lists.flat_map(|list| list.split(',')).any(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;

    /// Files whose content is their own path.
    struct Paths(&'static [&'static str]);

    impl Files for Paths {
        fn file(&self, path: &str) -> Option<File> {
            let path = self.0.iter().find(|known| **known == path)?;
            let hash = [path.len() as u8; 32];
            let content_type = if path.ends_with(".html") { "text/html" } else { "application/wasm" };
            Some(File { content: path.as_bytes().into(), hash, content_type: content_type.into() })
        }
    }

    const BUILT: Paths = Paths(&[
        "index.html",
        "index.html.br",
        "index.html.gz",
        "assets/core-1a.wasm",
        "assets/core-1a.wasm.gz",
        "icon.svg",
    ]);

    async fn get(files: &Paths, path: &str, fields: &[(HeaderName, &str)]) -> (u16, HeaderMap, String) {
        let headers =
            fields.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value"))).collect();
        let response = respond(files, &Method::GET, path, &headers);
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10_000).await.expect("a body");
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).expect("text"))
    }

    fn field(headers: &HeaderMap, name: HeaderName) -> &str {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[tokio::test]
    async fn the_best_encoding_that_is_accepted_is_sent() {
        for (accept, body, encoding) in [
            ("gzip, deflate, br", "index.html.br", "br"),
            ("gzip;q=1.0, br;q=0", "index.html.gz", "gzip"),
            ("identity", "index.html", ""),
            ("brotli", "index.html", ""),
        ] {
            let (status, headers, found) = get(&BUILT, "/", &[(header::ACCEPT_ENCODING, accept)]).await;
            assert_eq!((status, found.as_str()), (200, body), "{accept}");
            assert_eq!(field(&headers, header::CONTENT_ENCODING), encoding);
            assert_eq!(field(&headers, header::VARY), "accept-encoding");
            assert_eq!(field(&headers, header::CONTENT_TYPE), "text/html; charset=utf-8");
            assert_eq!(field(&headers, header::CACHE_CONTROL), "no-cache");
        }
    }

    #[tokio::test]
    async fn hashed_files_are_kept_for_ever_and_others_are_asked_about() {
        let (_, headers, body) = get(&BUILT, "/assets/core-1a.wasm", &[]).await;
        assert_eq!(body, "assets/core-1a.wasm");
        assert_eq!(field(&headers, header::CONTENT_TYPE), "application/wasm");
        assert_eq!(field(&headers, header::CACHE_CONTROL), "public, max-age=31536000, immutable");
        let (_, headers, _) = get(&BUILT, "/icon.svg", &[]).await;
        assert_eq!((field(&headers, header::CACHE_CONTROL), field(&headers, header::VARY)), ("no-cache", ""));
    }

    #[tokio::test]
    async fn what_a_client_has_is_not_sent_again() {
        let (_, headers, _) = get(&BUILT, "/", &[]).await;
        let etag = field(&headers, header::ETAG).to_owned();
        for known in [etag.clone(), format!("\"x\", W/{etag}"), "*".to_owned()] {
            let (status, headers, body) = get(&BUILT, "/", &[(header::IF_NONE_MATCH, &known)]).await;
            assert_eq!(
                (status, body.as_str(), field(&headers, header::ETAG)),
                (304, "", etag.as_str()),
                "{known}"
            );
        }
        // Another encoding is another version.
        let br = [(header::IF_NONE_MATCH, etag.as_str()), (header::ACCEPT_ENCODING, "br")];
        assert_eq!(get(&BUILT, "/", &br).await.0, 200);
    }

    #[tokio::test]
    async fn paths_of_the_page_lead_to_it_and_others_do_not() {
        assert_eq!(get(&BUILT, "/symbols/AAPL", &[]).await.2, "index.html");
        for path in [
            "/missing.js",
            "/assets/missing.wasm",
            "/index.html.br",
            "/api",
            "/api/nope",
            "/api/nope.html",
            "/../Cargo.toml",
            "/%2e%2e/x.y",
        ] {
            let (status, headers, body) = get(&BUILT, path, &[]).await;
            assert_eq!((status, field(&headers, header::CONTENT_TYPE)), (404, "application/json"), "{path}");
            assert!(body.contains("\"errorCode\":\"NOT_FOUND\""), "{path}: {body}");
        }
        assert_eq!(respond(&BUILT, &Method::POST, "/", &HeaderMap::new()).status(), 405);
        assert_eq!(respond(&BUILT, &Method::HEAD, "/", &HeaderMap::new()).status(), 200);
    }

    #[tokio::test]
    async fn a_page_that_was_not_built_says_how() {
        let (status, headers, body) = get(&Paths(&[]), "/", &[]).await;
        assert_eq!((status, field(&headers, header::CONTENT_TYPE)), (200, "text/html; charset=utf-8"));
        assert!(body.contains("npm start"), "{body}");
    }
}
