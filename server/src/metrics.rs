//! What can be measured of the gateway, for Prometheus: `GET /api/public/metrics`, in its text format 0.0.4.
//!
//! Most of it is counted where it happens, in plain atomics, and read when somebody asks: a [`Reading`] says what it is.
//! No label has a value that a person or a channel could make up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{HistogramOpts, HistogramVec, Registry, TextEncoder};

use crate::error::AppError;

/// What Prometheus is told that it gets.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that is measured.
#[derive(Debug, Default)]
pub struct Metrics {
    registry: Registry,
}

/// How a value behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows while the process lives.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A value that is kept elsewhere.
pub struct Reading {
    /// Name, in base units; those of counters end in `_total`.
    pub name: &'static str,
    /// What it is, in a sentence. Readings of one name share it.
    pub help: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Names and values of its labels, where there are several of one name.
    pub labels: Vec<(&'static str, &'static str)>,
    /// Reads it.
    pub read: Box<dyn Fn() -> f64 + Send + Sync>,
}

impl Reading {
    /// A counter.
    pub fn counter(
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self { name, help, kind: Kind::Counter, labels: Vec::new(), read: Box::new(move || read() as f64) }
    }

    /// A value of now.
    pub fn gauge(
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self { name, help, kind: Kind::Gauge, labels: Vec::new(), read: Box::new(read) }
    }

    /// The same with a label, or one more.
    #[must_use]
    pub fn labelled(mut self, name: &'static str, value: &'static str) -> Self {
        self.labels.push((name, value));
        self
    }
}

/// One counter of several: the value of its label, and where it is.
pub type Field<T> = (&'static str, fn(&T) -> &AtomicU64);

/// Counters of one name that differ in a label, read from the fields of something that is shared.
pub fn counters<T: Send + Sync + 'static>(
    of: &Arc<T>,
    name: &'static str,
    help: &'static str,
    label: &'static str,
    fields: impl IntoIterator<Item = Field<T>>,
) -> Vec<Reading> {
    let reading = |(value, field): Field<T>| {
        let of = Arc::clone(of);
        Reading::counter(name, help, move || field(&of).load(Ordering::Relaxed)).labelled(label, value)
    };
    fields.into_iter().map(reading).collect()
}

impl Metrics {
    /// Adds values that are read when somebody asks.
    ///
    /// # Errors
    /// When a name is not one, or is there already.
    pub fn add(&self, readings: Vec<Reading>) -> Result<(), prometheus::Error> {
        let mut families: BTreeMap<&'static str, Vec<Reading>> = BTreeMap::new();
        for reading in readings {
            families.entry(reading.name).or_default().push(reading);
        }
        for readings in families.into_values() {
            let first = &readings[0];
            let labels = first.labels.iter().map(|(name, _)| (*name).to_owned()).collect();
            let desc = Desc::new(first.name.to_owned(), first.help.to_owned(), labels, Default::default())?;
            self.registry.register(Box::new(Read { desc, readings }))?;
        }
        Ok(())
    }

    /// Adds histograms of one name that differ in a label. Each value of the label is there from the start.
    ///
    /// # Errors
    /// When a name is not one, or is there already.
    pub fn histograms(
        &self,
        name: &'static str,
        help: &'static str,
        (label, values): (&'static str, &[&'static str]),
        bounds: &[f64],
    ) -> Result<Histograms, prometheus::Error> {
        let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
        let family = HistogramVec::new(options, &[label])?;
        for value in values {
            family.with_label_values(&[value]);
        }
        self.registry.register(Box::new(family.clone()))?;
        Ok(Histograms(family))
    }

    /// Adds a histogram without a label.
    ///
    /// # Errors
    /// When its name is not one, or is there already.
    pub fn histogram(
        &self,
        name: &'static str,
        help: &'static str,
        bounds: &[f64],
    ) -> Result<Histogram, prometheus::Error> {
        let histogram =
            prometheus::Histogram::with_opts(HistogramOpts::new(name, help).buckets(bounds.to_vec()))?;
        self.registry.register(Box::new(histogram.clone()))?;
        Ok(Histogram(histogram))
    }

    /// Everything in the text format of Prometheus.
    ///
    /// # Errors
    /// When a family is empty, which none is.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut text = String::new();
        TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// How often values of each size were seen.
#[derive(Clone, Debug)]
pub struct Histogram(prometheus::Histogram);

impl Histogram {
    /// A value was seen.
    pub fn observe(&self, value: f64) {
        self.0.observe(value);
    }
}

/// How often values of each size were seen, by one label.
#[derive(Clone, Debug)]
pub struct Histograms(HistogramVec);

impl Histograms {
    /// A value was seen.
    pub fn observe(&self, label: &'static str, value: f64) {
        self.0.with_label_values(&[label]).observe(value);
    }
}

/// One family of readings.
struct Read {
    desc: Desc,
    readings: Vec<Reading>,
}

impl Collector for Read {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let first = &self.readings[0];
        let mut family = MetricFamily::default();
        family.set_name(first.name.to_owned());
        family.set_help(first.help.to_owned());
        family.set_field_type(match first.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
        });
        family.set_metric(self.readings.iter().map(metric).collect());
        vec![family]
    }
}

fn metric(reading: &Reading) -> Metric {
    let label = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    let mut metric = Metric::from_label(reading.labels.iter().map(label).collect());
    let value = (reading.read)();
    match reading.kind {
        Kind::Counter => {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        }
        Kind::Gauge => {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
    }
    metric
}

/// Answers with everything.
///
/// # Errors
/// [`live_core::error::ErrorCode::Internal`] when it cannot be written down.
pub async fn page(State(metrics): State<Arc<Metrics>>) -> Result<Response, AppError> {
    let text = metrics.text().map_err(|fault| AppError::internal(fault.to_string()))?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Counts {
        good: AtomicU64,
        bad: AtomicU64,
    }

    #[test]
    fn what_is_counted_elsewhere_is_read_when_somebody_asks() {
        let counts = Arc::new(Counts::default());
        let metrics = Metrics::default();
        let fields: [Field<Counts>; 2] = [("good", |c| &c.good), ("bad", |c| &c.bad)];
        metrics.add(counters(&counts, "eggs_total", "Eggs.", "quality", fields)).expect("new");
        metrics.add(vec![Reading::gauge("up", "Whether.", || 0.5)]).expect("new");
        counts.bad.store(3, Ordering::Relaxed);
        let expected = "# HELP eggs_total Eggs.\n# TYPE eggs_total counter\neggs_total{quality=\"bad\"} 3\n\
            eggs_total{quality=\"good\"} 0\n# HELP up Whether.\n# TYPE up gauge\nup 0.5\n";
        assert_eq!(metrics.text().expect("writes"), expected);
        assert!(metrics.add(vec![Reading::gauge("up", "Whether.", || 1.0)]).is_err());
    }
}
