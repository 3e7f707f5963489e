//! Says what a start is doing when it takes longer than a second.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing is said about what is done sooner, and it is said again this often.
const PATIENCE: Duration = Duration::from_secs(1);

/// Phases of a start; dropped when it is done.
pub struct Progress {
    phases: Option<SyncSender<&'static str>>,
    teller: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins with its first phase.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn begin(phase: &'static str) -> std::io::Result<Self> {
        let (phases, told) = sync_channel(8);
        let teller = runtime::Tasks::thread("progress", move || {
            let (mut now, mut since) = (phase, Instant::now());
            loop {
                match told.recv_timeout(PATIENCE) {
                    Ok(next) => (now, since) = (next, Instant::now()),
                    Err(RecvTimeoutError::Timeout) => say(now, since.elapsed()),
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self { phases: Some(phases), teller: Some(teller) })
    }

    /// The next phase begins.
    pub fn phase(&self, phase: &'static str) {
        if let Some(phases) = &self.phases {
            // Eight wait at most; a phase that nobody could be told of was over at once.
            let _ = phases.try_send(phase);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.phases = None;
        if self.teller.take().is_some_and(|teller| teller.join().is_err()) {
            tracing::error!("the progress thread panicked");
        }
    }
}

#[allow(clippy::print_stderr, reason = "somebody waits at a terminal")]
fn say(phase: &str, elapsed: Duration) {
    eprintln!("  … {phase}, {} s", elapsed.as_secs());
}
