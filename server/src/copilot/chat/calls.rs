//! Calls of tools that a model or a person has asked for within an answer: told, done, and handed back as data.

use std::sync::Arc;

use live_core::copilot::{CopilotConfirm, CopilotConfirmed, CopilotToolCall, CopilotToolResult};
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::answer::{Answer, Stopped};
use super::confirmed;
use crate::auth::Identity;
use crate::confirmation::token::{RawToken, masked};
use crate::copilot::provider::ToolCall;
use crate::copilot::tool::Tool;
use crate::copilot::tools::{Accepted, Answer as ToolAnswer, By, Call, Proposed, Refusal, Told, Tools};
use crate::{random, wire};

/// Longest arguments that are told, in bytes.
const ARGUMENTS_LEN_MAX: usize = 8 * 1024;
/// Longest result that a model is told, in bytes.
const RESULT_LEN_MAX: usize = 24 * 1024;
/// Most that is proposed in one answer: who has to decide that much has said more than one thing.
const PROPOSALS_MAX: usize = 3;

/// A proposal whose card nobody was shown yet. If nobody is, it waits for no one.
pub(super) struct Unshown {
    tools: Arc<Tools>,
    subject: Arc<str>,
    proposed: Option<Proposed>,
}

impl Unshown {
    /// Of somebody.
    pub fn new(tools: &Arc<Tools>, identity: &Identity, proposed: Proposed) -> Self {
        let subject = identity.subject.clone().unwrap_or_default();
        Self { tools: Arc::clone(tools), subject, proposed: Some(proposed) }
    }
}

impl Drop for Unshown {
    fn drop(&mut self) {
        if let Some(proposed) = &self.proposed {
            self.tools.withdraw(&self.subject, proposed);
        }
    }
}

/// What a tool has answered a model.
enum Done {
    Told(Told),
    Proposed(Unshown),
    /// No model confirms.
    Accepted,
}

impl Answer {
    /// Calls a tool as the model has asked; what it is to be told.
    pub(super) async fn call(&mut self, call: &ToolCall) -> Result<String, Stopped> {
        self.still_holds()?;
        let name: Box<str> = wire::cut(&masked(&call.tool));
        self.tell_call(&call.id, &name, &call.arguments).await?;
        let Some(tool) = Tool::from_name(&call.tool) else {
            let known: Vec<_> = self.chat.listed.iter().map(|tool| tool.name).collect();
            let mut refusal = Refusal::of(ErrorCode::ToolUnknown);
            refusal.detail.allowed = Some(known.join(", ").into());
            self.note_refusal(None, &refusal, format!("there is no {name}")).await;
            return self.refuse(&call.id, &name, &refusal).await;
        };
        if tool == Tool::StartBacktest && self.proposals >= PROPOSALS_MAX {
            let message = "as much was proposed in this answer as may be: the person decides first";
            let refusal = Refusal::told(ErrorCode::ProposalLimit, message);
            self.note_refusal(Some(tool), &refusal, format!("{PROPOSALS_MAX} in one answer")).await;
            return self.refuse(&call.id, &name, &refusal).await;
        }
        let (tools, identity) = (Arc::clone(&self.chat.tools), Arc::clone(&self.identity));
        let (session, arguments) = (self.conversation.id.clone(), call.arguments.clone());
        let done = self.to_its_end(async move {
            let arguments = arguments.as_bytes();
            let call =
                Call { tool, by: By::Model, session_id: Some(&*session), idempotency_key: None, arguments };
            Ok(match tools.call_for_model(&identity, call).await? {
                ToolAnswer::Told(told) => Done::Told(told),
                ToolAnswer::Proposed(proposed) => Done::Proposed(Unshown::new(&tools, &identity, proposed)),
                ToolAnswer::Accepted(_) => Done::Accepted,
            })
        });
        match done.await {
            Ok(Done::Told(Told { data, .. })) => self.told(&call.id, &name, data).await,
            Ok(Done::Proposed(unshown)) => self.proposed(&call.id, &name, unshown).await,
            Ok(Done::Accepted) => {
                self.refuse(&call.id, &name, &Refusal::of(ErrorCode::ConfirmNotHuman)).await
            }
            Err(refusal) => self.refuse(&call.id, &name, &refusal).await,
        }
    }

    /// Confirms what the person has confirmed, as that person. What the model is to be told of it.
    pub(super) async fn confirm(&mut self, token: &RawToken) -> Result<String, Stopped> {
        self.still_holds()?;
        let (call_id, name) = (format!("call_{}", random::text(12)), Tool::ConfirmBacktest.name());
        self.tell_call(&call_id, name, "{}").await?;
        let (tools, identity) = (Arc::clone(&self.chat.tools), Arc::clone(&self.identity));
        let session = self.conversation.id.clone();
        let arguments = json!({ "confirmationToken": token.expose() }).to_string().into_bytes();
        let arguments = zeroize::Zeroizing::new(arguments);
        let answered = self.to_its_end(async move {
            let call = Call {
                tool: Tool::ConfirmBacktest,
                by: By::Person,
                session_id: Some(&*session),
                idempotency_key: None,
                arguments: &arguments,
            };
            tools.confirm_for_person(&identity, call).await
        });
        match answered.await {
            Ok(accepted) => {
                let Accepted { job_id, state, params_hash, is_replayed, session_id, .. } = &accepted;
                let data = json!({
                    "jobId": job_id, "state": state, "paramsHash": params_hash, "replayed": is_replayed,
                });
                self.told(&call_id, name, data.to_string()).await?;
                match **session_id == *self.conversation.id {
                    true => self.tell(CopilotConfirmed::EVENT, &confirmed::event(&accepted)).await?,
                    // It was proposed in another one.
                    false => {
                        let subject = self.identity.subject.as_deref().unwrap_or_default();
                        self.chat.confirmed(subject, &accepted).await;
                    }
                }
                Ok(confirmed::note(job_id))
            }
            Err(refusal) => {
                self.refuse(&call_id, name, &refusal).await?;
                let job = refusal.detail.job_id.as_deref().map(|id| format!(" It was started as job {id}."));
                let job = job.unwrap_or_default();
                Ok(format!("The person's confirmation was refused: {}.{job}", refusal.code))
            }
        }
    }

    /// Has something go on to its end and be written down, also when the answer is stopped: the process waits for it.
    async fn to_its_end<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.chat.lifecycle.tasks.spawn(call).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a tool has failed");
            Err(Refusal::of(ErrorCode::Internal))
        })
    }

    /// Writes down that a call was refused which no tool has seen.
    async fn note_refusal(&self, tool: Option<Tool>, refusal: &Refusal, reason: String) {
        self.chat.tools.note_refusal(&self.conversation.id, tool, refusal.code, reason).await;
    }

    async fn tell_call(&mut self, id: &str, tool: &str, arguments: &str) -> Result<(), Stopped> {
        let is_short = arguments.len() <= ARGUMENTS_LEN_MAX;
        let arguments = Some(masked(arguments))
            .filter(|_| is_short)
            .and_then(|text| serde_json::from_str::<Value>(&text).ok().filter(Value::is_object));
        let mut call = CopilotToolCall { call_id: id.into(), tool: tool.into(), arguments: raw(&arguments)? };
        // Such as nest deeper than an envelope may.
        if wire::check(CopilotToolCall::EVENT, self.conversation.channel.as_str(), &call).is_err() {
            call.arguments = raw(&Value::Null)?;
        }
        self.tell(CopilotToolCall::EVENT, &call).await
    }

    /// Hands back what a tool has answered.
    async fn told(&mut self, id: &str, tool: &str, data: String) -> Result<String, Stopped> {
        let data = masked(&if data.len() <= RESULT_LEN_MAX {
            data
        } else {
            json!({ "omitted": true, "reason": "is too long for a conversation", "bytes": data.len() })
                .to_string()
        });
        let raw = RawValue::from_string(data.clone()).map_err(|_| Stopped::from(ErrorCode::Internal))?;
        let result = CopilotToolResult {
            call_id: id.into(),
            tool: tool.into(),
            ok: true,
            error_code: None,
            data: raw,
        };
        self.tell(CopilotToolResult::EVENT, &result).await?;
        Ok(data)
    }

    /// Hands back why a tool has refused.
    async fn refuse(&mut self, id: &str, tool: &str, refusal: &Refusal) -> Result<String, Stopped> {
        let retry_after_ms = refusal.retry_after.map(|after| after.as_millis() as u64);
        let detail = ErrorDetail { retry_after_ms, ..(*refusal.detail).clone() };
        let code = refusal.code.as_str();
        let result = CopilotToolResult {
            call_id: id.into(),
            tool: tool.into(),
            ok: false,
            error_code: Some(code.into()),
            data: raw(&detail)?,
        };
        self.tell(CopilotToolResult::EVENT, &result).await?;
        Ok(json!({ "errorCode": code, "error": detail }).to_string())
    }

    /// Tells the model what was proposed, and the person how to confirm it: only the latter has the token.
    async fn proposed(&mut self, id: &str, tool: &str, mut unshown: Unshown) -> Result<String, Stopped> {
        let Some(proposed) = &unshown.proposed else { return Err(ErrorCode::Internal.into()) };
        let Proposed { token, expires_at, params, params_hash, proposal_id, .. } = proposed;
        let (summary, combinations, bars) =
            (params.summary(), params.combinations(), self.chat.tools.bars(params));
        let data = json!({
            "proposalId": proposal_id, "state": "waits for the person's confirmation", "summary": summary,
            "combinations": combinations, "bars": bars, "params": **params, "paramsHash": params_hash,
            "expiresAt": expires_at,
        });
        let result = self.told(id, tool, data.to_string()).await?;
        let confirm = CopilotConfirm {
            proposal_id: proposal_id.as_str().into(),
            tool: Tool::StartBacktest.name().into(),
            params: raw(&**params)?,
            params_hash: params_hash.as_str().into(),
            summary: summary.into(),
            combinations: combinations as u64,
            bars,
            expires_at: *expires_at,
            confirmation_token: Some(token.expose().into()),
        };
        self.conversation.confirm(confirm).await?;
        unshown.proposed = None;
        self.proposals += 1;
        Ok(result)
    }
}

fn raw(value: &impl Serialize) -> Result<Box<RawValue>, Stopped> {
    to_raw_value(value).map_err(|error| {
        tracing::error!(%error, "an answer of a tool cannot be written");
        Stopped::from(ErrorCode::Internal)
    })
}
