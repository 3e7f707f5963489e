//! Waiting for a state, never for a time.

use std::time::{Duration, Instant};

/// Asks `question` until it gives an answer.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut question: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Usual patience with a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
