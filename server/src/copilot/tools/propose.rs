//! Proposes a backtest: judges its parameters, and makes the token that confirms it.

use live_core::canonical::sha256_hex;
use live_core::error::ErrorCode;

use super::{Proposed, Refusal, Tools, Trace};
use crate::backtest::params::Params;
use crate::confirmation::record::{Record, VERSION};
use crate::confirmation::token::RawToken;
use crate::copilot::tool::Tool;
use crate::random;

impl Tools {
    pub(super) async fn propose(
        &self,
        subject: &str,
        arguments: &[u8],
        trace: &mut Trace,
    ) -> Result<Proposed, Refusal> {
        let params = Box::new(Params::read(arguments)?);
        params.check(&self.market)?;
        let text = params.canonical();
        let params_hash = sha256_hex(text.as_bytes());
        trace.params_hash = Some(params_hash.clone());
        let proposal_id = random::text(20);
        // Twice: that there is a token of this hash means that the first was not random.
        for _ in 0..2 {
            let token = RawToken::generate();
            let hash = token.hash();
            self.proposals.add(subject, hash, self.ttl).map_err(|after| Refusal {
                retry_after: Some(after),
                ..Refusal::of(ErrorCode::ProposalLimit)
            })?;
            trace.token_hash = Some(hash);
            let kept = async {
                let now = self.store.now().await?;
                let record = Record {
                    v: VERSION,
                    subject: subject.to_owned(),
                    tool: Tool::StartBacktest.name().to_owned(),
                    params: text.clone(),
                    params_hash: params_hash.clone(),
                    session_id: trace.session_id.clone(),
                    proposal_id: proposal_id.clone(),
                    created_at: now,
                    expires_at: now + self.ttl.as_millis() as i64,
                    mismatches: 0,
                    used_at: None,
                    job_id: None,
                    idem_hash: None,
                    revoked_at: None,
                    mac: String::new(),
                };
                let record = Record { mac: self.keys.sign(&hash, &record), ..record };
                Ok((self.store.create(&hash, &record).await?, record.expires_at))
            };
            match kept.await {
                Ok((true, expires_at)) => {
                    trace.is_issued = true;
                    let session_id = trace.session_id.clone();
                    return Ok(Proposed { token, expires_at, params, params_hash, proposal_id, session_id });
                }
                Ok((false, _)) => self.proposals.settle(subject, hash),
                Err(error) => return Err(self.failed(error)),
            }
        }
        tracing::error!("two random tokens were there already");
        Err(Refusal::of(ErrorCode::Internal))
    }
}
