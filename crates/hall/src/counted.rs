//! What the hall counts about itself.

use std::time::{Duration, Instant};

use runtime::{Counter, Gauge, Histogram, Metrics};

pub(crate) struct Counted {
    pub provisional: Counter,
    pub commits: Counter,
    pub inputs: Counter,
    pub facts: Counter,
    pub late: Counter,
    pub duplicate: Counter,
    pub commit_us: Gauge,
    pub sync_us: Histogram,
    pub replay_inputs: Gauge,
    pub waiting: Gauge,
}

impl Counted {
    pub fn new(metrics: &Metrics) -> Self {
        let counter = |name, labels: &str, help| metrics.counter(name, labels, help);
        let stored = "Readings stored, by what became of them.";
        Self {
            provisional: counter("fenghuo_frames_provisional_total", "", "Frames pushed before commit."),
            commits: counter("fenghuo_journal_commits_total", "", "Group commits."),
            inputs: counter("fenghuo_readings_stored_total", "", "Readings made durable."),
            facts: counter("fenghuo_facts_total", "", "Facts made durable."),
            late: counter("fenghuo_readings_judged_total", "timing=\"late\"", stored),
            duplicate: counter("fenghuo_readings_judged_total", "timing=\"duplicate\"", stored),
            commit_us: metrics.gauge("fenghuo_journal_commit_us", "", "Duration of the last group commit."),
            sync_us: metrics.histogram("fenghuo_journal_sync_us", "What the disk took to sync an urgent commit."),
            replay_inputs: metrics.gauge("fenghuo_start_replayed_inputs", "", "Inputs replayed at the start."),
            waiting: metrics.gauge("fenghuo_intake_waiting", "", "Readings waiting for the hall."),
        }
    }
}

/// How often submissions come, measured over windows of 50 ms.
pub(crate) struct Rate {
    pub per_s: f64,
    count: usize,
    since: Instant,
}

impl Rate {
    const WINDOW: Duration = Duration::from_millis(50);

    pub fn new() -> Self {
        Self { per_s: 0.0, count: 0, since: Instant::now() }
    }

    pub fn add(&mut self, count: usize) {
        self.count += count;
        let elapsed = self.since.elapsed();
        if elapsed >= Self::WINDOW {
            self.per_s = self.count as f64 / elapsed.as_secs_f64();
            self.count = 0;
            self.since = Instant::now();
        }
    }
}
