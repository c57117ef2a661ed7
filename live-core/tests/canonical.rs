//! Canonical JSON: the vectors that TypeScript shares, and the numbers that RFC 8785 names a hash of.

mod common;

use base64::Engine as _;
use common::Random;
use live_core::canonical::{CanonicalError, canonical_params, params_hash, sha256_hex, stable_stringify};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

#[test]
fn every_vector_gets_its_canonical_form() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("vectors/canonical.json")).expect("the vectors are JSON");
    assert!(vectors.len() > 100);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str();
        let input = match (text("input"), text("inputBase64"), text("bits")) {
            (Some(input), ..) => input.as_bytes().to_vec(),
            (_, Some(base64), _) => base64::engine::general_purpose::STANDARD.decode(base64).expect("base64"),
            (.., Some(bits)) => exactly(u64::from_str_radix(bits, 16).expect("bits")).into_bytes(),
            _ => panic!("{vector} has no input"),
        };
        let found = match stable_stringify(&input) {
            Ok(canonical) => json!({ "canonical": canonical }),
            Err(CanonicalError { path, reason, at }) => json!({ "path": path, "reason": reason, "at": at }),
        };
        for name in ["canonical", "path", "reason", "at"] {
            assert_eq!(found[name], vector[name], "{}", vector["name"]);
        }
    }
}

/// A double with all of its digits.
fn exactly(bits: u64) -> String {
    format!("{:.1100}", f64::from_bits(bits))
}

#[test]
fn the_published_numbers_have_the_published_hash() {
    // Appendix B of RFC 8785 refers to a list of a hundred million doubles, of which the hash is known after every
    // power of ten lines `bits,number`.
    const FIRST_100_000: &str = "22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7";
    let mut hash = Sha256::new();
    let mut canonical = String::new();
    for number in published_numbers().take(100_000) {
        canonical = stable_stringify(format!("{number:e}").as_bytes()).expect("a number");
        hash.update(format!("{:x},{canonical}\n", number.to_bits()));
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, FIRST_100_000, "the last number is {canonical}");
}

/// Numbers that the RFC's authors chose, the 2,000 smallest normal ones, and then what a chain of hashes makes.
fn published_numbers() -> impl Iterator<Item = f64> {
    let chosen = include_str!("vectors/numbers.txt").lines().map(|line| line.parse().expect("a number"));
    let smallest = (0..2_000).map(|n| f64::from_bits((1 << 52) + n));
    let mut block = [0; 32];
    let chain = std::iter::repeat_with(move || {
        block = Sha256::digest(block).into();
        block
    });
    let of_chain = chain
        .flat_map(|block| block.as_chunks::<8>().0.to_vec())
        .map(f64::from_le_bytes)
        .filter(|number| number.is_finite() && *number != 0.0);
    chosen.chain(smallest).chain(of_chain)
}

#[test]
fn a_canonical_text_is_its_own_canonical_form() {
    let mut random = Random(8785);
    let (mut canonical, mut refused) = (0, 0);
    for round in 0..20_000 {
        let input = common::json::document(&mut random);
        let Ok(once) = stable_stringify(&input) else {
            refused += 1;
            continue;
        };
        canonical += 1;
        assert_eq!(stable_stringify(once.as_bytes()).as_ref(), Ok(&once), "round {round}");
        if let Ok(params) = canonical_params(&input) {
            assert_eq!(params, once);
            assert_eq!(params_hash(&input), Ok(sha256_hex(once.as_bytes())));
        }
    }
    // A generator that makes nothing good, or nothing bad, would prove nothing.
    assert!(canonical > 10_000 && refused > 1_000, "{canonical} canonical, {refused} refused");
}

#[test]
fn the_order_of_members_makes_no_difference() {
    let mut random = Random(1);
    for _ in 0..2_000 {
        let mut members: Vec<String> = (0..random.below(40))
            .map(|n| format!("\"{}/{n}\":{n}", common::json::name(&mut random)))
            .collect();
        let first = stable_stringify(format!("{{{}}}", members.join(",")).as_bytes());
        assert!(first.is_ok(), "{first:?}");
        for last in (1..members.len()).rev() {
            members.swap(last, random.below(last + 1));
        }
        assert_eq!(stable_stringify(format!("{{{}}}", members.join(",")).as_bytes()), first);
    }
}
