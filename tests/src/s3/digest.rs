//! Whether an upload is what its headers say.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use sha2::{Digest, Sha256};

/// The hash that goes into the signature: of the body in hexadecimal, or a word that says that there is none.
const SIGNED: &str = "x-amz-content-sha256";
/// The checksum that is kept with an object.
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// S3's code for a body that is not what was signed, or has another SHA-256. Bodies that are signed piece by piece are
/// not judged here.
pub(super) fn mismatch(headers: &HeaderMap, body: &[u8]) -> Option<&'static str> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let signed = text(SIGNED).unwrap_or_default();
    if signed.starts_with("STREAMING-") {
        return None;
    }
    let hash = Sha256::digest(body);
    let is_hash = signed.len() == 64;
    if is_hash && !signed.eq_ignore_ascii_case(&hexadecimal(&hash)) {
        return Some("XAmzContentSHA256Mismatch");
    }
    let is_other = text(CHECKSUM).is_some_and(|checksum| checksum != STANDARD.encode(hash));
    is_other.then_some("BadDigest")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const BASE64: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

    fn judge(headers: &[(&'static str, &str)], body: &[u8]) -> Option<&'static str> {
        let pair = |(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        mismatch(&headers.iter().map(pair).collect(), body)
    }

    #[test]
    fn a_body_is_held_to_what_its_headers_say() {
        for headers in [
            &[][..],
            &[(SIGNED, HEX)],
            &[(CHECKSUM, BASE64)],
            &[(SIGNED, HEX), (CHECKSUM, BASE64)],
            &[(SIGNED, "UNSIGNED-PAYLOAD"), (CHECKSUM, BASE64)],
        ] {
            assert_eq!(judge(headers, b"abc"), None, "{headers:?}");
        }
        assert_eq!(judge(&[(SIGNED, HEX)], b"abd"), Some("XAmzContentSHA256Mismatch"));
        assert_eq!(judge(&[(SIGNED, "UNSIGNED-PAYLOAD"), (CHECKSUM, BASE64)], b"abd"), Some("BadDigest"));
        assert_eq!(judge(&[(SIGNED, "UNSIGNED-PAYLOAD")], b"abd"), None);
        assert_eq!(judge(&[(SIGNED, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), (CHECKSUM, BASE64)], b"3"), None);
    }
}
