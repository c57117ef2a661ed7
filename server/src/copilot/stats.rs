//! What is counted of tools and tokens. Every value of a label is there from the start.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::copilot::tool::Tool;
use crate::evidence::ledger::Count;
use crate::metrics::{Histograms, Metrics, Reading};

/// Bounds of the time that a tool takes, in milliseconds.
const EXEC_MS: [f64; 14] =
    [1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 30_000.0];
/// Bounds of the time that a store takes, in seconds.
const CONSUME_SECONDS: [f64; 10] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 2.0];

/// What became of an attempt to confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was the one that consumed the token.
    Consumed,
    /// It was the same confirmation again.
    Replayed,
    /// The token was used before.
    Used,
    /// The token was too old.
    Expired,
    /// There was no such token, or it was taken back or tampered with.
    Invalid,
    /// The token was another one's, or for something else.
    Mismatch,
    /// What was proposed cannot be done any more, or the idempotency key stands for something else.
    Refused,
    /// The store could not be used.
    Store,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Consumed,
        Self::Replayed,
        Self::Used,
        Self::Expired,
        Self::Invalid,
        Self::Mismatch,
        Self::Refused,
        Self::Store,
    ];

    /// Its label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consumed => "consumed",
            Self::Replayed => "replayed",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Invalid => "invalid",
            Self::Mismatch => "mismatch",
            Self::Refused => "refused",
            Self::Store => "store",
        }
    }

    /// Whether it is a failure to consume the token.
    const fn is_failure(self) -> bool {
        matches!(self, Self::Used | Self::Expired | Self::Invalid | Self::Mismatch | Self::Store)
    }
}

/// What a summary of a result may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Rows of trades.
    Trades,
    /// Rows of equity.
    Equity,
    /// Metrics: rows of a sweep's table.
    Metrics,
}

impl Cut {
    /// Everything.
    pub const ALL: [Self; 3] = [Self::Trades, Self::Equity, Self::Metrics];

    /// Its label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Equity => "equity",
            Self::Metrics => "metrics",
        }
    }
}

/// How an answer of the copilot can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is whole.
    Done,
    /// It was stopped by its person.
    Stopped,
    /// It could not be given.
    Error,
}

impl Ending {
    /// Every ending.
    pub const ALL: [Self; 3] = [Self::Done, Self::Stopped, Self::Error];

    /// Its label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Error => "error",
        }
    }
}

/// Counters of tools and tokens.
pub struct CopilotStats {
    truncated: [AtomicU64; Cut::ALL.len()],
    answers: [AtomicU64; Ending::ALL.len()],
    issued: AtomicU64,
    outcomes: [AtomicU64; Outcome::ALL.len()],
    /// Jobs that were written down by whoever found them missing.
    pub recovered: AtomicU64,
    /// Tokens that were taken back after too many wrong attempts.
    pub revoked: AtomicU64,
    /// Calls to the store that have failed.
    pub store_errors: AtomicU64,
    intrusions: AtomicU64,
    exec_ms: Histograms,
    consume_seconds: Histograms,
}

impl CopilotStats {
    /// Counters that stand at 0, added to the metrics. `store` is the name of the store of tokens.
    ///
    /// # Errors
    /// When a name is there already.
    pub fn new(metrics: &Metrics, store: &'static str) -> Result<Arc<Self>, prometheus::Error> {
        let tools = Tool::ALL.map(Tool::name);
        let stats = Arc::new(Self {
            truncated: Default::default(),
            answers: Default::default(),
            issued: AtomicU64::new(0),
            outcomes: Default::default(),
            recovered: AtomicU64::new(0),
            revoked: AtomicU64::new(0),
            store_errors: AtomicU64::new(0),
            intrusions: AtomicU64::new(0),
            exec_ms: metrics.histograms(
                "copilot_tool_exec_ms",
                "Time that a call of a tool took, in milliseconds.",
                ("tool", &tools),
                &EXEC_MS,
            )?,
            consume_seconds: metrics.histograms(
                "copilot_token_consume_seconds",
                "Time that the store took to judge a confirmation.",
                ("store", &[store]),
                &CONSUME_SECONDS,
            )?,
        });
        metrics.add(stats.readings(store))?;
        Ok(stats)
    }

    /// A judgement of the store took so long.
    pub fn judged_in(&self, store: &'static str, time: Duration) {
        self.consume_seconds.observe(store, time.as_secs_f64());
    }

    fn readings(self: &Arc<Self>, store: &'static str) -> Vec<Reading> {
        let mut readings = Vec::new();
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            let read = |stats: Arc<Self>| move || stats.outcomes[at].load(Ordering::Relaxed);
            let help = "Attempts to confirm, by what became of them.";
            readings.push(
                Reading::counter("copilot_token_consume_total", help, read(Arc::clone(self)))
                    .labelled("outcome", outcome.name()),
            );
            if outcome.is_failure() {
                let help = "Attempts to confirm that have not consumed the token.";
                readings.push(
                    Reading::counter("copilot_token_consume_fail_total", help, read(Arc::clone(self)))
                        .labelled("reason", outcome.name()),
                );
            }
        }
        for (at, cut) in Cut::ALL.into_iter().enumerate() {
            let stats = Arc::clone(self);
            let read = move || stats.truncated[at].load(Ordering::Relaxed);
            let help = "Summaries of results that have left something out, by what.";
            let reading = Reading::counter("copilot_result_truncated_total", help, read);
            readings.push(reading.labelled("reason", cut.name()));
        }
        for (at, ending) in Ending::ALL.into_iter().enumerate() {
            let stats = Arc::clone(self);
            let read = move || stats.answers[at].load(Ordering::Relaxed);
            let reading =
                Reading::counter("copilot_answers_total", "Answers of the copilot, by how they ended.", read);
            readings.push(reading.labelled("outcome", ending.name()));
        }
        let mut counter = |name, help, label, field: fn(&Self) -> &AtomicU64| {
            let stats = Arc::clone(self);
            let reading = Reading::counter(name, help, move || field(&stats).load(Ordering::Relaxed));
            readings.push(match label {
                Some((name, value)) => reading.labelled(name, value),
                None => reading,
            });
        };
        let tool = Some(("tool", Tool::StartBacktest.name()));
        counter("copilot_token_issued_total", "Confirmation tokens that were made.", tool, |it| &it.issued);
        let reason = Some(("reason", "mismatches"));
        counter("copilot_token_revoked_total", "Tokens that were taken back.", reason, |it| &it.revoked);
        let help = "Jobs that were written down after a crash had come between.";
        counter("copilot_confirm_recovered_total", help, None, |it| &it.recovered);
        let store = Some(("store", store));
        let help = "Calls to the store of tokens that have failed.";
        counter("copilot_token_store_errors_total", help, store, |it| &it.store_errors);
        let help = "Requests for the session of somebody else.";
        counter("copilot_session_refused_total", help, None, |it| &it.intrusions);
        readings
    }
}

/// A token was made.
pub struct Issued<'a>(pub &'a CopilotStats);

impl Count for Issued<'_> {
    fn name(&self) -> String {
        format!("copilot_token_issued_total{{tool=\"{}\"}}", Tool::StartBacktest.name())
    }

    fn count(&self) {
        self.0.issued.fetch_add(1, Ordering::Relaxed);
    }
}

/// An attempt to confirm has come to something.
pub struct Judged<'a>(pub &'a CopilotStats, pub Outcome);

impl Count for Judged<'_> {
    fn name(&self) -> String {
        format!("copilot_token_consume_total{{outcome=\"{}\"}}", self.1.name())
    }

    fn count(&self) {
        self.0.outcomes[self.1 as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// The same, named as a failure; it is counted with [`Judged`].
pub struct Failed(pub Outcome);

impl Failed {
    /// Of an outcome that is one.
    pub fn of(outcome: Outcome) -> Option<Self> {
        outcome.is_failure().then_some(Self(outcome))
    }
}

impl Count for Failed {
    fn name(&self) -> String {
        format!("copilot_token_consume_fail_total{{reason=\"{}\"}}", self.0.name())
    }

    fn count(&self) {}
}

/// Somebody has asked for another's session.
pub struct Intruded<'a>(pub &'a CopilotStats);

impl Count for Intruded<'_> {
    fn name(&self) -> String {
        "copilot_session_refused_total".to_owned()
    }

    fn count(&self) {
        self.0.intrusions.fetch_add(1, Ordering::Relaxed);
    }
}

/// A summary has left something out.
pub struct Truncated<'a>(pub &'a CopilotStats, pub Cut);

impl Count for Truncated<'_> {
    fn name(&self) -> String {
        format!("copilot_result_truncated_total{{reason=\"{}\"}}", self.1.name())
    }

    fn count(&self) {
        self.0.truncated[self.1 as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// An answer of the copilot has ended.
pub struct Answered<'a>(pub &'a CopilotStats, pub Ending);

impl Count for Answered<'_> {
    fn name(&self) -> String {
        format!("copilot_answers_total{{outcome=\"{}\"}}", self.1.name())
    }

    fn count(&self) {
        self.0.answers[self.1 as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// A call of a tool has taken so long.
pub struct Executed<'a>(pub &'a CopilotStats, pub Tool, pub Duration);

impl Count for Executed<'_> {
    fn name(&self) -> String {
        format!("copilot_tool_exec_ms_count{{tool=\"{}\"}}", self.1.name())
    }

    fn count(&self) {
        self.0.exec_ms.observe(self.1.name(), self.2.as_secs_f64() * 1_000.0);
    }
}
