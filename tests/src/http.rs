//! Plain questions over HTTP and the pages of candles.

use anyhow::{Context, Result};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Bar, Envelope, Gateway, PATIENCE};

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status of the answer.
    pub status: u16,
    /// `Content-Type`, empty when there is none.
    pub content_type: String,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The body as an envelope.
    ///
    /// # Errors
    /// See [`Envelope::parse`].
    pub fn envelope(&self) -> Result<Envelope> {
        Envelope::parse(self.body.trim_end())
    }
}

/// What page of candles is asked for; what is `None` is left out of the question.
#[derive(Clone, Debug, Default)]
pub struct CandleQuery {
    /// `symbol=`, as text so that a wrong one can be asked for.
    pub symbol: Option<String>,
    /// `interval=`.
    pub interval: Option<String>,
    /// `cursor=`.
    pub cursor: Option<String>,
    /// `limit=`.
    pub limit: Option<String>,
}

impl CandleQuery {
    /// The daily candles of a symbol, newest page, default size.
    #[must_use]
    pub fn daily(symbol: &str) -> Self {
        Self { symbol: Some(symbol.to_owned()), interval: Some("1d".to_owned()), ..Self::default() }
    }

    /// The same with a number of rows.
    #[must_use]
    pub fn limit(mut self, limit: impl ToString) -> Self {
        self.limit = Some(limit.to_string());
        self
    }

    /// The same from a cursor on.
    #[must_use]
    pub fn cursor(mut self, cursor: impl ToString) -> Self {
        self.cursor = Some(cursor.to_string());
        self
    }

    fn path(&self) -> String {
        let pairs = [
            ("symbol", &self.symbol),
            ("interval", &self.interval),
            ("cursor", &self.cursor),
            ("limit", &self.limit),
        ];
        let query: Vec<String> = pairs
            .into_iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={value}")))
            .collect();
        format!("/api/market/candles?{}", query.join("&"))
    }
}

/// One page of closed candles.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CandlePage {
    /// Symbol the page is of.
    pub symbol: String,
    /// Interval the page is of.
    pub interval: String,
    /// Names of the columns of `rows`.
    pub columns: Vec<String>,
    /// Rows in ascending order of their open time, each number as it was sent.
    pub rows: Vec<Vec<Box<RawValue>>>,
    /// Where the next page, of older candles, goes on; `None` at the oldest.
    pub next_cursor: Option<String>,
    /// Closed candles in all.
    pub total: u64,
}

impl CandlePage {
    /// The rows as bars.
    ///
    /// # Errors
    /// When a row has not six numbers.
    pub fn bars(&self) -> Result<Vec<Bar>> {
        self.rows.iter().map(|row| bar_of(row)).collect()
    }
}

fn bar_of(row: &[Box<RawValue>]) -> Result<Bar> {
    let number = |index: usize| -> Result<Decimal> {
        let text = row.get(index).context("row is too short")?.get();
        text.parse().with_context(|| format!("not a plain number: {text}"))
    };
    Ok(Bar {
        open_time: row.first().context("row is empty")?.get().parse()?,
        open: number(1)?,
        high: number(2)?,
        low: number(3)?,
        close: number(4)?,
        volume: number(5)?,
    })
}

impl Gateway {
    /// Asks for a path and reads the whole answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let response = client.get(self.url(path)).send().await.with_context(|| format!("GET {path}"))?;
        let content_type = response.headers().get("content-type");
        let content_type = content_type.and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        Ok(Answer { status: response.status().as_u16(), content_type, body: response.text().await? })
    }

    /// Asks for candles, whatever the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn candles_answer(&self, query: &CandleQuery) -> Result<Answer> {
        self.get(&query.path()).await
    }

    /// Asks for a page of candles.
    ///
    /// # Errors
    /// When the answer is not a page.
    pub async fn candles(&self, query: &CandleQuery) -> Result<CandlePage> {
        let answer = self.candles_answer(query).await?;
        serde_json::from_str(&answer.body).with_context(|| format!("{}: {}", answer.status, answer.body))
    }
}
