//! Many at once.

use super::super::store::{Attempt, Verdict};
use super::{LONG_MS, Rig, attempt, kept, new_job_id};

/// Consumers of one token.
const CONSUMERS: usize = 64;
/// Nodes that they come from.
const HANDLES: usize = 4;

/// Who wins is one, and its job is the one that all the others are told of and that is there.
pub(super) async fn one_of_many_wins(rig: &dyn Rig) {
    let is_long = std::env::var_os("SPARK_TEST_LONG").is_some();
    let handles = &rig.fresh(HANDLES).await;
    for round in 0..if is_long { 1_000 } else { 50 } {
        let (hash, _) = kept(&handles[round % HANDLES], LONG_MS).await;
        // Now and then as one who pressed a button 64 times.
        let idem_hash = (round % 5 == 4).then(|| format!("{round:064}"));
        let attempts = (0..CONSUMERS).map(|n| {
            let store = handles[n % HANDLES].clone();
            let attempt = Attempt { idem_hash: idem_hash.clone(), ..attempt(&new_job_id()) };
            tokio::spawn(
                async move { (store.consume(&hash, &attempt).await.expect("judged"), attempt.job_id) },
            )
        });
        let (mut won, mut told, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for task in attempts.collect::<Vec<_>>() {
            let (verdict, own) = task.await.expect("it ends");
            match (verdict, &idem_hash) {
                (Verdict::Consumed(record), _) => won.push(record.job_id.expect("a job")),
                (Verdict::Used { job_id }, None) | (Verdict::Replayed { job_id }, Some(_)) => {
                    told.push(job_id);
                    refused.push(own);
                }
                (other, _) => panic!("round {round}: {other:?}"),
            }
        }
        assert_eq!((won.len(), told.len()), (1, CONSUMERS - 1), "round {round}");
        let job_id = won.remove(0);
        assert!(told.iter().all(|told| *told == job_id), "round {round}");
        let job = |id: String| async move { handles[0].job(&id).await.expect("looked up") };
        assert_eq!(job(job_id.clone()).await.map(|job| job.token_hash), Some(hash));
        for own in refused.into_iter().filter(|own| *own != job_id) {
            assert_eq!(job(own).await, None, "round {round}");
        }
    }
}
