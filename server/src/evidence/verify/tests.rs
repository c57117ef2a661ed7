use std::sync::Arc;

use futures_util::TryStreamExt;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::database::sqlite::Database;
use crate::evidence::bundle::bundle;
use crate::evidence::chain::Body;
use crate::evidence::seal::Sealer;
use crate::evidence::store::{EvidenceStore, SqliteEvidence};
use crate::signing::SigningKeys;

fn sealer() -> Arc<Sealer> {
    let secret = crate::auth::secret::Secret::new(vec![3; 32]);
    Arc::new(Sealer::new(&SigningKeys::open(&[secret], None).expect("given")).expect("a key"))
}

async fn written(session_id: &str, entries: u64) -> Vec<u8> {
    let store: Arc<dyn EvidenceStore> = Arc::new(SqliteEvidence::new(Database::in_memory().expect("opened")));
    store.open(session_id, "ann").await.expect("opened");
    for at in 0..entries {
        let body =
            Body { at, kind: "tool_call".into(), tool: Some("startBacktest".into()), ..Body::default() };
        store.append(session_id, &body).await.expect("added");
    }
    let session = store.session(session_id).await.expect("asked").expect("opened");
    let pieces: Vec<_> = bundle(store, sealer(), session).try_collect().await.expect("read");
    pieces.concat()
}

fn file(entries: u64) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    serde_json::from_slice(&runtime.block_on(written("s", entries))).expect("JSON")
}

fn judged(bundle: &Value) -> Result<u64, (Damage, Option<u64>)> {
    let judged = verify(bundle.to_string().as_bytes(), None);
    judged.map(|good| good.entries).map_err(|fault| (fault.damage, fault.place))
}

fn entries(bundle: &mut Value) -> &mut Vec<Value> {
    bundle["entries"].as_array_mut().expect("entries")
}

/// As somebody would do it who knows how hashes are made.
fn rehash(entry: &mut Value) {
    entry.as_object_mut().expect("an object").remove("hash");
    let text = stable_stringify(entry.to_string().as_bytes()).expect("JSON");
    entry["hash"] = json!(sha256_hex(text.as_bytes()));
}

#[tokio::test]
async fn what_was_written_is_good_however_long() {
    for count in [0, 1, 5, 501, 1_000] {
        let bytes = written("s", count).await;
        let good = verify(&bytes, Some(&sealer().public_key())).expect("good");
        assert_eq!((good.entries, good.session_id.as_str(), good.subject.as_str()), (count, "s", "ann"));
        assert_eq!(String::from_utf8_lossy(&bytes).lines().count() as u64, count + 6, "one entry a line");
    }
    let fault = verify(&written("s", 1).await, Some("AAAA")).expect_err("another key");
    assert_eq!(fault.damage, Damage::Foreign);
}

#[test]
fn each_damage_is_named_with_the_first_bad_entry() {
    let whole = file(6);
    let after = |change: &dyn Fn(&mut Value)| {
        let mut bundle = whole.clone();
        change(&mut bundle);
        judged(&bundle).expect_err("damaged")
    };
    // Changed.
    assert_eq!(after(&|it| it["entries"][3]["at"] = json!(9)), (Damage::Changed, Some(4)));
    assert_eq!(after(&|it| it["entries"][2]["more"] = json!(1)), (Damage::Changed, Some(3)));
    assert_eq!(after(&|it| it["entries"][2] = json!(1)), (Damage::Changed, Some(3)));
    assert_eq!(after(&|it| it["subject"] = json!("bob")), (Damage::Spliced, Some(1)), "it is not bob's");
    let changed = |it: &mut Value| {
        it["entries"][3]["at"] = json!(9);
        rehash(&mut it["entries"][3]);
    };
    assert_eq!(after(&changed), (Damage::Spliced, Some(5)), "the next one builds on another");
    let last = |it: &mut Value| {
        it["entries"][5]["at"] = json!(9);
        rehash(&mut it["entries"][5]);
    };
    assert_eq!(after(&last), (Damage::Changed, None), "another one was signed");
    let forged = |it: &mut Value| {
        last(it);
        it["seal"]["head"] = it["entries"][5]["hash"].clone();
    };
    assert_eq!(after(&forged), (Damage::Changed, None), "and the signature does not fit");
    assert_eq!(after(&|it| it["seal"]["exportedAt"] = json!(1)), (Damage::Changed, None));
    // Reordered.
    assert_eq!(after(&|it| entries(it).swap(1, 2)), (Damage::Reordered, Some(2)));
    assert_eq!(after(&|it| entries(it).reverse()), (Damage::Reordered, Some(1)));
    assert_eq!(after(&|it| entries(it).swap(4, 5)), (Damage::Reordered, Some(5)));
    // Truncated.
    assert_eq!(after(&|it| entries(it).truncate(4)), (Damage::Truncated, Some(5)));
    assert_eq!(after(&|it| entries(it).clear()), (Damage::Truncated, Some(1)));
    assert_eq!(after(&|it| drop(entries(it).remove(0))), (Damage::Truncated, Some(1)));
    assert_eq!(after(&|it| drop(entries(it).drain(2..4))), (Damage::Truncated, Some(3)));
    let counted = |it: &mut Value| {
        entries(it).truncate(4);
        it["seal"]["count"] = json!(4);
        it["seal"]["head"] = it["entries"][3]["hash"].clone();
    };
    assert_eq!(after(&counted), (Damage::Changed, None), "the signature does not fit");
    // Spliced.
    let twice = |it: &mut Value| {
        let entry = entries(it)[1].clone();
        entries(it).insert(2, entry);
    };
    assert_eq!(after(&twice), (Damage::Spliced, Some(3)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let other: Value = serde_json::from_slice(&runtime.block_on(written("t", 6))).expect("JSON");
    assert_eq!(after(&|it| it["entries"][3] = other["entries"][3].clone()), (Damage::Spliced, Some(4)));
    assert_eq!(after(&|it| entries(it).push(other["entries"][5].clone())), (Damage::Spliced, Some(7)));
    assert_eq!(after(&|it| it["seal"] = other["seal"].clone()), (Damage::Changed, None));
}

#[test]
fn what_is_no_bundle_is_told() {
    let text = file(3).to_string();
    for end in [1, text.len() / 2, text.len() - 1] {
        let fault = verify(&text.as_bytes()[..end], None).expect_err("cut");
        assert_eq!(fault.damage, Damage::Truncated, "{fault}");
    }
    for (bad, reason) in [
        ("[]", "invalid"),
        ("{}", "missing field"),
        ("nonsense", "expected"),
        (&text.replacen("\"v\":1", "\"v\":2", 1), "version is 2"),
        (&text.replacen("\"v\":1", "\"v\":1,\"w\":2", 1), "unknown field"),
    ] {
        let fault = verify(bad.as_bytes(), None).expect_err("no bundle");
        assert_eq!(fault.damage, Damage::Unreadable, "{fault}");
        assert!(fault.reason.contains(reason), "{fault}");
    }
    let twice = text.replacen("\"n\":2", "\"n\":2,\"n\":2", 1);
    let fault = verify(twice.as_bytes(), None).expect_err("a name twice");
    assert_eq!((fault.damage, fault.place), (Damage::Changed, Some(2)), "{fault}");
}

proptest! {
    #[test]
    fn any_changed_byte_is_found(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let bytes = runtime.block_on(written("s", 4));
        let mut changed = bytes.clone();
        let at = at.index(changed.len());
        changed[at] = byte;
        let before: Option<Value> = serde_json::from_slice(&bytes).ok();
        let after: Option<Value> = serde_json::from_slice(&changed).ok();
        // White space, and what is written in another way, says the same.
        prop_assert_eq!(verify(&changed, None).is_ok(), before == after);
    }
}
