//! What can wait: snapshots, and deleting what they cover.

use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use runtime::{Tasks, unix_now};

use super::Writer;

/// Inputs between snapshots at high rates: bounds what a start must replay.
const SNAPSHOT_READINGS: u64 = 2_000_000;
/// A start that replayed so many wants a snapshot at once: a hall that is killed again and again must not replay ever more.
const REPLAYED_MANY: u64 = 50_000;
/// Input rows deleted at a time, and how often: 5,000 a second, more than there are group commits.
const PRUNE_ROWS: u64 = 512;
const PRUNE_EVERY: Duration = Duration::from_millis(100);

impl Writer {
    /// What can wait until nobody is waiting.
    pub(super) fn housekeep(&mut self) {
        self.shared.counted.waiting.set(self.shared.intake.weight() as f64);
        let counts = self.shared.desk.lock().counts;
        self.shared.counted.late.add(counts.late - self.shared.counted.late.get());
        self.shared.counted.duplicate.add(counts.duplicate - self.shared.counted.duplicate.get());
        if self.shared.failed.lock().is_some() {
            return;
        }
        self.save_snapshot();
        self.prune();
    }

    /// After a start that replayed `inputs`: the first commit with doors open takes a snapshot if they were many.
    pub(super) fn hurry_snapshot(&mut self, inputs: u64) {
        self.readings_since_snapshot = if inputs >= REPLAYED_MANY { SNAPSHOT_READINGS } else { inputs };
    }

    /// Time or readings since the last one, something new to save, and no save under way.
    pub(super) fn snapshot_is_due(&self) -> bool {
        let due = self.snapshot_at.elapsed() >= self.shared.settings.snapshot_every
            || self.readings_since_snapshot >= SNAPSHOT_READINGS;
        due && self.saving.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Writes the state that was taken with the last commit, on a thread of its own.
    pub(super) fn save_snapshot(&mut self) {
        let Some(state) = self.state.take() else { return };
        let (seq, snapshots) = (self.journal.last_input_seq(), self.journal.snapshots());
        self.snapshot_at = Instant::now();
        self.readings_since_snapshot = 0;
        let shared = self.shared.clone();
        let save = move || {
            let saved = postcard::to_stdvec(&state).map_err(|e| e.to_string());
            let saved = saved.and_then(|bytes| snapshots.save(seq, &bytes).map_err(|e| e.chain()));
            match saved.and_then(|()| snapshots.covered().map_err(|e| e.chain())) {
                Ok(covered) => shared.covered.store(covered, Ordering::Release),
                Err(error) => tracing::error!(error, "a snapshot could not be saved; the next start replays more"),
            }
        };
        match Tasks::thread("snapshot", save) {
            Ok(thread) => self.saving = Some(thread),
            Err(error) => tracing::error!(%error, "no thread for the snapshot"),
        }
    }

    /// Deletes inputs that snapshots and historian cover, a chunk at a time, as long as there are any. The relief watches
    /// it like a commit, for it waits for the same disk.
    fn prune(&mut self) {
        let covered = self.shared.covered.load(Ordering::Acquire).min((self.shared.settings.historian_seq)());
        if covered <= self.pruned || self.pruned_at.elapsed() < PRUNE_EVERY {
            return;
        }
        self.pruned_at = Instant::now();
        self.shared.committing_since.store(unix_now(), Ordering::Release);
        let result = self.journal.prune_to(covered, PRUNE_ROWS);
        self.shared.committing_since.store(0, Ordering::Release);
        match result {
            Ok(deleted) if deleted < PRUNE_ROWS => self.pruned = covered,
            Ok(_) => {}
            Err(error) => self.fail(&error),
        }
    }
}
