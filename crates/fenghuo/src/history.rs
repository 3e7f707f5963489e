//! The historian's place in the building: behind the journal, beside the hall.

use std::sync::Arc;

use model::{Reading, Time};
use protocol::{HistoryPoint, Problem};
use runtime::Metrics;
use store::{Historian, HistorianSettings, Location, Point};

use crate::building::Plan;
use crate::exit;

/// The running historian.
pub struct History {
    historian: Arc<Historian>,
}

impl History {
    /// Starts it; what it lacks it reads back from the journal in the background.
    ///
    /// # Errors
    /// Exit 74 when its folder cannot be used.
    pub fn open(plan: &Plan, location: &Location) -> anyhow::Result<Self> {
        let wanted = &plan.loaded.settings.historian;
        let settings = HistorianSettings {
            memory_mib: wanted.memory_mib as usize,
            days: wanted.retain_days,
            ..HistorianSettings::default()
        };
        let folder = plan.data_dir.join("historian");
        let historian = Historian::open(&folder, location, settings).map_err(|e| exit::with(74, e.chain()))?;
        Ok(Self { historian: Arc::new(historian) })
    }

    /// Takes durable readings; never waits.
    pub fn sink(&self) -> Box<dyn Fn(u64, Vec<Reading>) + Send + Sync> {
        let historian = self.historian.clone();
        Box::new(move |seq, readings| historian.offer(seq, readings.into()))
    }

    /// Up to which batch it is durable.
    pub fn durable_seq(&self) -> Arc<dyn Fn() -> u64 + Send + Sync> {
        let historian = self.historian.clone();
        Arc::new(move || historian.durable_input_seq())
    }

    /// For the API.
    pub fn query(&self) -> Arc<dyn Fn(api::HistoryQuery) -> Result<Vec<HistoryPoint>, Problem> + Send + Sync> {
        let history = self.historian.history();
        Arc::new(move |q| {
            let points = history.history(q.tag, Time(q.from), Time(q.to), q.points).map_err(|e| {
                tracing::error!(error = %e.chain(), "history cannot be read");
                Problem::new("INTERNAL", "tag")
            })?;
            Ok(points.iter().map(point).collect())
        })
    }

    /// Puts its counts among the metrics.
    pub fn measure(&self, metrics: &Metrics) {
        let counts = self.historian.counts();
        let gauge = |what: &str, value: u64| {
            let help = "Readings the historian took, read back, refused, or found damaged, since the start.";
            metrics.gauge("fenghuo_historian_readings", &format!("what=\"{what}\""), help).set(value as f64);
        };
        gauge("taken", counts.taken);
        gauge("read_back", counts.read_back);
        gauge("expired", counts.expired);
        gauge("damaged", counts.damaged);
    }

    /// For `/readyz`.
    pub fn state(&self) -> api::Subsystem {
        let counts = self.historian.counts();
        let reason = format!("{} readings taken, {} disk errors survived", counts.taken, counts.errors);
        ("historian".to_owned(), counts.damaged == 0, reason)
    }

    /// Another handle to the same historian.
    pub fn share(&self) -> Self {
        Self { historian: self.historian.clone() }
    }
}

fn point(p: &Point) -> HistoryPoint {
    HistoryPoint {
        t: p.t.0,
        min: p.min,
        max: p.max,
        avg: p.avg,
        last: p.last,
        quality: p.quality as u8,
        count: p.count,
    }
}
