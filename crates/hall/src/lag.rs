//! How far facts are told and how far the tables have them: the redo log lets the telling go first.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

#[derive(Debug)]
pub(crate) struct Lag {
    /// The newest fact that was told.
    newest: AtomicU64,
    /// The newest one that the tables have.
    tables: Mutex<u64>,
    changed: Condvar,
    /// A reader waits.
    asked: AtomicBool,
}

impl Lag {
    pub fn new(seq: u64) -> Self {
        Self {
            newest: AtomicU64::new(seq),
            tables: Mutex::new(seq),
            changed: Condvar::new(),
            asked: AtomicBool::new(false),
        }
    }

    pub fn tell(&self, seq: u64) {
        self.newest.store(seq, Ordering::Release);
    }

    pub fn settled(&self, seq: u64) {
        *self.tables.lock() = seq;
        self.asked.store(false, Ordering::Release);
        self.changed.notify_all();
    }

    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Waits at most `limit` until the tables have what is told now; `ask` wakes the hall.
    pub fn wait(&self, limit: Duration, ask: impl Fn()) {
        let (told, deadline) = (self.newest.load(Ordering::Acquire), Instant::now() + limit);
        let mut tables = self.tables.lock();
        while *tables < told {
            self.asked.store(true, Ordering::Release);
            ask();
            if self.changed.wait_until(&mut tables, deadline).timed_out() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_asks_and_waits_until_the_tables_have_it() {
        let lag = Lag::new(4);
        lag.wait(Duration::ZERO, || panic!("nothing is owed"));
        lag.tell(5);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| lag.wait(Duration::from_secs(600), || ()));
            while !lag.is_asked() {
                std::thread::yield_now();
            }
            lag.settled(5);
            reader.join().expect("reads");
        });
        assert!(!lag.is_asked());
    }

    #[test]
    fn a_stuck_disk_does_not_hold_up_a_reader_for_ever() {
        let lag = Lag::new(0);
        lag.tell(1);
        lag.wait(Duration::from_millis(1), || ());
        assert!(lag.is_asked());
    }
}
