//! Counters, gauges and histograms by name and label, shown at `/metrics` in the Prometheus text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::histogram::Histogram;

/// Only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Its value.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

#[derive(Clone, Debug)]
enum Value {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

#[derive(Debug, Default)]
struct Family {
    help: &'static str,
    rows: BTreeMap<String, Value>,
}

/// All metrics of the process. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    families: Arc<Mutex<BTreeMap<&'static str, Family>>>,
}

impl Metrics {
    /// The counter `name{labels}`; `labels` is empty or `reason="late"`.
    pub fn counter(&self, name: &'static str, labels: &str, help: &'static str) -> Counter {
        match self.row(name, labels, help, || Value::Counter(Counter::default())) {
            Value::Counter(counter) => counter,
            // Same name used for both kinds: a bug in our own code; the metric is then not shown.
            _ => Counter::default(),
        }
    }

    /// The gauge `name{labels}`.
    pub fn gauge(&self, name: &'static str, labels: &str, help: &'static str) -> Gauge {
        match self.row(name, labels, help, || Value::Gauge(Gauge::default())) {
            Value::Gauge(gauge) => gauge,
            _ => Gauge::default(),
        }
    }

    /// The histogram `name`, in microseconds.
    pub fn histogram(&self, name: &'static str, help: &'static str) -> Histogram {
        match self.row(name, "", help, || Value::Histogram(Histogram::default())) {
            Value::Histogram(histogram) => histogram,
            _ => Histogram::default(),
        }
    }

    fn row(&self, name: &'static str, labels: &str, help: &'static str, make: fn() -> Value) -> Value {
        let mut families = self.families.lock();
        let family = families.entry(name).or_default();
        family.help = help;
        family.rows.entry(labels.to_owned()).or_insert_with(make).clone()
    }

    /// The Prometheus text format.
    pub fn render(&self) -> String {
        let mut out = String::new();
        for (name, family) in self.families.lock().iter() {
            let kind = match family.rows.values().next() {
                Some(Value::Counter(_)) => "counter",
                Some(Value::Histogram(_)) => "histogram",
                _ => "gauge",
            };
            let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} {kind}", family.help);
            for (labels, value) in &family.rows {
                let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
                let _ = match value {
                    Value::Counter(c) => writeln!(out, "{name}{labels} {}", c.get()),
                    Value::Gauge(g) => writeln!(out, "{name}{labels} {}", g.get()),
                    Value::Histogram(h) => {
                        h.render(name, &mut out);
                        Ok(())
                    }
                };
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_and_labels_share_one_counter() {
        let metrics = Metrics::default();
        metrics.counter("fenghuo_readings_rejected_total", "reason=\"late\"", "Readings rejected.").add(2);
        metrics.counter("fenghuo_readings_rejected_total", "reason=\"late\"", "Readings rejected.").add(3);
        let text = metrics.render();
        assert!(text.contains("fenghuo_readings_rejected_total{reason=\"late\"} 5"), "{text}");
    }
}
