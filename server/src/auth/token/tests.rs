use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RsaEncoding};
use aws_lc_rs::{hmac, signature};
use serde_json::json;

use super::*;
use crate::auth::identity::Role;
use crate::auth::keys::read_key_set;
use crate::auth::secret::Secret;

const NOW_MS: u64 = 1_800_000_000_000;
const NOW: u64 = NOW_MS / 1_000;
const SECRET: &[u8] = b"0123456789abcdefghijklmnopqrstuv";

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A mint, with the keys that whoever makes tokens has, and the ring of those who judge them.
struct World {
    rsa: RsaKeyPair,
    ed: Ed25519KeyPair,
    keys: Vec<Key>,
    policy: Policy,
}

impl World {
    fn new() -> Self {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let ed = Ed25519KeyPair::generate().expect("a key");
        // The modulus of a key of that size in its usual encoding; the exponent is always the same.
        let modulus = &rsa.public_key().as_ref()[9..265];
        let set = json!({"keys": [
            {"kty": "RSA", "kid": "rsa", "use": "sig", "n": b64(modulus), "e": "AQAB"},
            {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(ed.public_key())},
        ]});
        let mut keys = read_key_set(set.to_string().as_bytes()).expect("a key set");
        keys.push(Key::from_secret(&Secret::new(SECRET.to_vec())));
        let policy = Policy {
            audience: Some("live".to_owned()),
            issuer: Some("https://id.example.org".to_owned()),
            skew_ms: 60_000,
            lifetime_ms_max: 86_400_000,
        };
        Self { rsa, ed, keys, policy }
    }

    fn judge(&self, token: &str) -> Result<Identity, TokenFault> {
        let parts = Parts::read(token)?;
        let key = self.keys.iter().find(|key| key.id() == parts.key_id.as_deref()).ok_or(TokenFault::Key)?;
        parts.judge(key, &self.policy, NOW_MS)
    }

    /// The fault of a token, which is judged by two rules at most: nothing of it is in the fault's text.
    fn fault(&self, token: &str) -> Option<TokenFault> {
        self.judge(token).err()
    }

    fn rsa_signed(&self, header: &str, claims: &str, padding: &'static dyn RsaEncoding) -> String {
        let message = format!("{}.{}", b64(header), b64(claims));
        let mut signed = vec![0; self.rsa.public_modulus_len()];
        self.rsa.sign(padding, &SystemRandom::new(), message.as_bytes(), &mut signed).expect("signed");
        format!("{message}.{}", b64(signed))
    }

    fn ed_signed(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", b64(header), b64(claims));
        let signed = self.ed.sign(message.as_bytes());
        format!("{message}.{}", b64(signed))
    }
}

/// Signed with a secret as HS256 does it, whatever the header says.
fn signed_with(secret: &[u8], header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let message = format!("{}.{}", b64(header), b64(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", b64(tag))
}

fn signed(header: &str, claims: &str) -> String {
    signed_with(SECRET, header, claims)
}

const HS: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Good claims, with some members replaced, added or (by null) taken out.
fn claims(changes: &Value) -> String {
    let mut claims = json!({"sub": "ada", "exp": NOW + 3_600, "iat": NOW, "roles": ["trader"],
        "aud": "live", "iss": "https://id.example.org", "jti": "1"});
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => claims.as_object_mut().expect("an object").remove(name),
            value => claims.as_object_mut().expect("an object").insert(name.clone(), value.clone()),
        };
    }
    claims.to_string()
}

fn good() -> String {
    claims(&json!({}))
}

#[test]
fn good_tokens_of_every_kind_are_taken() {
    let world = World::new();
    let rsa = world.rsa_signed(r#"{"alg":"RS256","kid":"rsa"}"#, &good(), &RSA_PKCS1_SHA256);
    let ed = world.ed_signed(r#"{"alg":"EdDSA","kid":"ed","typ":"at+jwt"}"#, &good());
    for token in [signed(HS, &good()), rsa, ed] {
        let identity = world.judge(&token).expect("good");
        assert_eq!(identity.subject.as_deref(), Some("ada"));
        assert!(identity.roles.has(Role::Trader) && !identity.roles.has(Role::Admin));
        assert_eq!((identity.expires_at, identity.jti.as_deref()), (Some(NOW_MS + 3_600_000), Some("1")));
    }
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"jwt","x5t":"x","zip":"DEF"}"#,
        r#"{"alg":"HS256","typ":"application/at+jwt"}"#,
    ] {
        assert_eq!(world.fault(&signed(header, &good())), None, "{header}");
    }
    for changes in [
        json!({"aud": ["other", "live"]}),
        json!({"exp": NOW - 59, "iat": NOW - 100}),
        json!({"nbf": NOW + 59}),
        json!({"exp": NOW + 86_400}),
        json!({"iat": null, "jti": null, "roles": null}),
        json!({"roles": ["trader", "somebody-elses"], "email": {"a": 1}}),
        json!({"channels": {}}),
    ] {
        assert_eq!(world.fault(&signed(HS, &claims(&changes))), None, "{changes}");
    }
}

#[test]
fn what_is_no_token_is_refused_before_its_key_is_looked_for() {
    let world = World::new();
    let token = signed(HS, &good());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    let with_header = |header: &str| signed(header, &good());
    use TokenFault::*;
    let cases: Vec<(String, TokenFault)> = vec![
        (String::new(), Parts),
        (".".to_owned(), Parts),
        (format!("{header}.{payload}"), Parts),
        (format!("{token}.{signature}"), Parts),
        (format!("{token}."), Parts),
        ("..".to_owned(), Header),
        ("a".repeat(TOKEN_LEN_MAX + 1), TooLong),
        (signed(HS, &claims(&json!({"pad": "x".repeat(64 * 1024)}))), TooLong),
        (format!("{token}="), Encoding),
        (format!("{header}.{payload}.{}!", &signature[1..]), Encoding),
        (format!("{header}=.{payload}.{signature}"), Encoding),
        (format!("{header}.{payload}+/.{signature}"), Encoding),
        (format!("{header}.{payload}.{signature}\n"), Encoding),
        (format!(" {token}"), Encoding),
        (format!("{header}.{payload}.{signature}\u{0}"), Encoding),
        (format!("{header}.{payload}.{signature}\u{131}"), Encoding),
        (with_header("{"), Header),
        (with_header("[]"), Header),
        (with_header(r#""HS256""#), Header),
        (with_header("{}"), Header),
        (with_header(r#"{"alg":null}"#), Header),
        (with_header(r#"{"alg":["HS256"]}"#), Header),
        (with_header(r#"{"alg":"HS256","kid":7}"#), Header),
        (with_header(r#"{"alg":"none","alg":"HS256"}"#), Repeated),
        (with_header(r#"{"alg":"HS256","crit":["exp"],"exp":1}"#), NotFollowed),
        (with_header(r#"{"alg":"HS256","jku":"https://evil.example/keys"}"#), NotFollowed),
        (with_header(r#"{"alg":"HS256","x5u":"https://evil.example/cert"}"#), NotFollowed),
        (with_header(r#"{"alg":"HS256","jwk":{"kty":"oct","k":"eA"}}"#), NotFollowed),
        (with_header(r#"{"alg":"HS256","typ":"dpop+jwt"}"#), Type),
        (with_header(r#"{"alg":"HS256","typ":"JWE"}"#), Type),
        (with_header(r#"{"alg":"HS256","typ":null}"#), Type),
    ];
    assert!(cases.len() >= 31, "only {}", cases.len());
    for (token, fault) in cases {
        assert_eq!(world.fault(&token), Some(fault), "{}", token.chars().take(80).collect::<String>());
        assert_eq!(fault.code(), ErrorCode::Unauthenticated);
    }
}

#[test]
fn a_token_is_signed_by_its_key_in_its_key_s_own_way() {
    let world = World::new();
    let token = signed(HS, &good());
    let (message, signature) = token.rsplit_once('.').expect("a signature");
    let unsigned =
        |algorithm: &str| format!("{}.{}.", b64(format!(r#"{{"alg":"{algorithm}"}}"#)), b64(good()));
    let public = world.rsa.public_key().as_ref();
    use TokenFault::*;
    let cases: Vec<(String, TokenFault)> = vec![
        (unsigned("none"), Algorithm),
        (unsigned("None"), Algorithm),
        (unsigned("nOnE"), Algorithm),
        (unsigned("NONE"), Algorithm),
        (unsigned(""), Algorithm),
        (unsigned("HS256"), Signature),
        (signed(r#"{"alg":"hs256"}"#, &good()), Algorithm),
        (signed(r#"{"alg":"HS512"}"#, &good()), Algorithm),
        (signed(r#"{"alg":"RS256"}"#, &good()), Algorithm),
        // The public key as the secret.
        (signed_with(public, r#"{"alg":"HS256","kid":"rsa"}"#, good()), Algorithm),
        (signed_with(public, r#"{"alg":"RS256","kid":"rsa"}"#, good()), Signature),
        (signed_with(world.ed.public_key().as_ref(), r#"{"alg":"HS256","kid":"ed"}"#, good()), Algorithm),
        (world.rsa_signed(r#"{"alg":"RS384","kid":"rsa"}"#, &good(), &RSA_PKCS1_SHA384), Algorithm),
        (world.rsa_signed(r#"{"alg":"RS256","kid":"rsa"}"#, &good(), &RSA_PKCS1_SHA384), Signature),
        (world.rsa_signed(r#"{"alg":"PS256","kid":"rsa"}"#, &good(), &signature::RSA_PSS_SHA256), Algorithm),
        (world.rsa_signed(r#"{"alg":"RS256","kid":"ed"}"#, &good(), &RSA_PKCS1_SHA256), Algorithm),
        (world.ed_signed(r#"{"alg":"EdDSA","kid":"rsa"}"#, &good()), Algorithm),
        (world.ed_signed(r#"{"alg":"EdDSA"}"#, &good()), Algorithm),
        (signed_with(b"another secret of thirty-two byte", HS, good()), Signature),
        (signed_with(b"", HS, good()), Signature),
        (format!("{message}.{}", &signature[..40]), Signature),
        (format!("{message}.{}", b64([0; 32])), Signature),
        (format!("{}.{}.{signature}", b64(HS), b64(claims(&json!({"sub": "bob"})))), Signature),
        (signed(r#"{"alg":"HS256","kid":"../../dev/null"}"#, &good()), Key),
        (signed(r#"{"alg":"HS256","kid":"x' UNION SELECT 'key"}"#, &good()), Key),
        (signed(r#"{"alg":"HS256","kid":""}"#, &good()), Key),
        (signed(r#"{"alg":"HS256","kid":"RSA"}"#, &good()), Key),
    ];
    assert!(cases.len() >= 26, "only {}", cases.len());
    for (token, fault) in cases {
        assert_eq!(world.fault(&token), Some(fault), "{token}");
    }
}

#[test]
fn claims_are_judged_one_by_one() {
    let world = World::new();
    use TokenFault::*;
    let changed: Vec<(Value, TokenFault)> = vec![
        (json!({"exp": null}), Expiry),
        (json!({"exp": "1800003600"}), Expiry),
        (json!({"exp": NOW as f64 + 0.5}), Expiry),
        (json!({"exp": -1}), Expiry),
        (json!({"exp": u64::MAX}), Expiry),
        (json!({"exp": [NOW + 60]}), Expiry),
        (json!({"exp": NOW + 86_400 + 61}), TooFarAhead),
        (json!({"exp": 253_402_300_799u64}), TooFarAhead),
        (json!({"exp": NOW_MS}), TooFarAhead),
        (json!({"exp": 0}), Expired),
        (json!({"exp": NOW - 60}), Expired),
        (json!({"exp": NOW - 61}), Expired),
        (json!({"nbf": NOW + 61}), NotYet),
        (json!({"nbf": "soon"}), Time),
        (json!({"nbf": 1.5}), Time),
        (json!({"iat": NOW + 61}), NotYet),
        (json!({"iat": -5}), Time),
        (json!({"aud": null}), Audience),
        (json!({"aud": "other"}), Audience),
        (json!({"aud": "live "}), Audience),
        (json!({"aud": []}), Audience),
        (json!({"aud": {"live": true}}), Audience),
        (json!({"iss": null}), Issuer),
        (json!({"iss": "https://id.example.org/"}), Issuer),
        (json!({"iss": "https://id.example.org.evil.example"}), Issuer),
        (json!({"iss": ["https://id.example.org"]}), Issuer),
        (json!({"sub": null}), Subject),
        (json!({"sub": ""}), Subject),
        (json!({"sub": 7}), Subject),
        (json!({"sub": "a\nb"}), Subject),
        (json!({"sub": "x".repeat(129)}), Subject),
        (json!({"jti": 7}), Id),
        (json!({"roles": "admin"}), Roles),
        (json!({"roles": [1]}), Roles),
        (json!({"channels": []}), Channels),
        (json!({"channels": {"allow": "price:*"}}), Channels),
        (json!({"channels": {"allow": ["price:x*"]}}), Channels),
        (json!({"channels": {"alow": []}}), Channels),
    ];
    assert!(changed.len() >= 38, "only {}", changed.len());
    for (changes, fault) in changed {
        assert_eq!(world.fault(&signed(HS, &claims(&changes))), Some(fault), "{changes}");
    }
    let twice = |more: &str| good().replacen('{', &format!("{{{more},"), 1);
    for (text, fault) in [
        ("", Claims),
        ("[]", Claims),
        ("null", Claims),
        (r#"{"exp":1"#, Claims),
        (&twice(r#""exp":1"#), Repeated),
        (&twice(r#""\u0073ub":"bob""#), Repeated),
        (&twice(r#""channels":{"allow":[],"allow":["**:**"]}"#), Repeated),
    ] {
        assert_eq!(world.fault(&signed(HS, text)), Some(fault), "{text}");
    }
    assert_eq!(world.fault(&signed_with(SECRET, HS, b"{\"sub\":\"\xff\"}")), Some(Claims));
    assert_eq!((Expired.code(), Revoked.code()), (ErrorCode::AuthExpired, ErrorCode::AuthRevoked));
}

#[test]
fn a_token_s_own_rules_narrow_its_roles() {
    use live_core::access::may_read;
    use live_core::channel::ChannelName;
    let world = World::new();
    let reads = |channels: Value, name: &str| {
        let identity = world.judge(&signed(HS, &claims(&json!({"channels": channels})))).expect("good");
        let everything = live_core::access::Rules::everything();
        let channel = ChannelName::parse(name).expect("a good name");
        may_read(&channel, Some("ada"), std::iter::once(&everything), identity.rules.as_ref())
    };
    assert!(reads(json!({}), "price:AAPL"));
    assert!(!reads(json!({"allow": []}), "price:AAPL"));
    assert!(reads(json!({"deny": ["price:IBM"]}), "price:AAPL"));
    assert!(!reads(json!({"deny": ["price:IBM"]}), "price:IBM"));
    assert!(reads(json!({"allow": ["inbox:{user}"]}), "inbox:ada"));
    assert!(!reads(json!({"allow": ["inbox:{user}"]}), "inbox:bob"));
}

#[test]
fn nothing_of_a_token_is_in_what_is_said_of_it() {
    let world = World::new();
    let token = signed(HS, &claims(&json!({"sub": "secretive", "exp": 1})));
    let said = format!("{:?} {}", world.fault(&token), world.fault(&token).expect("a fault"));
    assert!(!said.contains("secretive"));
    assert!(token.split('.').all(|part| !said.contains(part)), "{said}");
    assert!(!format!("{:?}", world.keys).contains("0123456789"), "{:?}", world.keys);
}
