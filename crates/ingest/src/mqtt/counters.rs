//! The door's counters. offered = accepted + refused(reason) + shed(reason), at every moment between batches.

use runtime::{Counter, Gauge, Metrics};

use crate::{Batch, Code};

const REFUSED: &str = "fenghuo_ingest_refused_total";
const SHED: &str = "fenghuo_ingest_shed_total";
const AWAY: &str = "fenghuo_mqtt_turned_away_total";

/// Shared by all connections; touched once per batch.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    metrics: Metrics,
    pub(crate) offered: Counter,
    pub(crate) accepted: Counter,
    refused: Vec<(Code, Counter)>,
    flagged: Vec<(Code, Counter)>,
    shed: Counter,
    pub(crate) connections: Gauge,
    pub(crate) undeliverable: Counter,
}

impl Counters {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let by_code = |name: &'static str, kept: bool, help: &'static str| {
            let codes = Code::ALL.into_iter().filter(move |code| code.is_kept() == kept);
            codes.map(|c| (c, metrics.counter(name, &format!("reason=\"{}\"", c.as_str()), help))).collect()
        };
        Self {
            offered: metrics.counter("fenghuo_ingest_offered_total", "", "Readings offered by devices."),
            accepted: metrics.counter("fenghuo_ingest_accepted_total", "", "Readings handed to the hall."),
            refused: by_code(REFUSED, false, "Readings refused, by reason."),
            flagged: by_code("fenghuo_ingest_flagged_total", true, "Readings kept with a flag, by reason."),
            shed: metrics.counter(SHED, "reason=\"hall_full\"", "Readings dropped, by reason."),
            connections: metrics.gauge("fenghuo_mqtt_connections", "", "Open MQTT connections."),
            undeliverable: metrics.counter(
                "fenghuo_mqtt_undeliverable_total",
                "",
                "Outgoing messages larger than the subscriber takes.",
            ),
            metrics: metrics.clone(),
        }
    }

    /// Counts a batch that is to be handed over.
    pub(crate) fn offer(&self, batch: &Batch) {
        self.offered.add(batch.offered);
        for row in &batch.refused {
            add(&self.refused, row.code, row.count);
        }
    }

    /// The hall has it.
    pub(crate) fn accept(&self, readings: usize) {
        self.accepted.add(readings as u64);
    }

    /// The hall did not take it.
    pub(crate) fn shed(&self, readings: usize) {
        self.shed.add(readings as u64);
    }

    /// A reading was kept with a flag.
    pub(crate) fn flag(&self, code: Code) {
        add(&self.flagged, code, 1);
    }

    /// A connection was not let in, or was cut.
    pub(crate) fn turned_away(&self, reason: &'static str) {
        let help = "Connections refused or cut, by reason.";
        self.metrics.counter(AWAY, &format!("reason=\"{reason}\""), help).add(1);
    }
}

fn add(rows: &[(Code, Counter)], code: Code, count: u64) {
    if let Some((_, counter)) = rows.iter().find(|(c, _)| *c == code) {
        counter.add(count);
    }
}
