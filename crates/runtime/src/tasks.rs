//! Named tasks with a parent, a stop token and a restart rule.
#![allow(clippy::disallowed_methods, reason = "the one place that spawns")]

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::Backoff;

/// Microseconds since the epoch by the system clock. The one place that reads it.
pub fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64)
}

/// A group of tasks that stop together. Cloning shares the group.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// A group of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token that tells the tasks to stop.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs a task to its end.
    pub fn run<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tracing::trace!(name, "task starts");
        self.tracker.spawn(task);
    }

    /// Runs `job` until the group stops; restarts it after an error or a panic, waiting 1 s to 30 s.
    /// A run that lasted a minute counts as healthy and resets the wait.
    pub fn supervise<J, F, E>(&self, name: &'static str, mut job: J)
    where
        J: FnMut(CancellationToken) -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30), name.len() as u64);
            while !stop.is_cancelled() {
                let started = Instant::now();
                // A task of its own, so that a panic is a value here.
                match AbortOnDropHandle::new(tokio::spawn(job(stop.child_token()))).await {
                    Ok(Ok(())) => return tracing::debug!(name, "finished"),
                    Ok(Err(error)) => tracing::warn!(name, %error, "failed; will restart"),
                    Err(panic) => tracing::error!(name, %panic, "panicked; will restart"),
                }
                if started.elapsed() > Duration::from_secs(60) {
                    backoff.reset();
                }
                tokio::select! { biased; () = stop.cancelled() => break, () = tokio::time::sleep(backoff.wait()) => {} }
            }
        });
    }

    /// Tells all tasks to stop and waits for them, at most `limit`. Returns false if some were still running.
    pub async fn stop(&self, limit: Duration) -> bool {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait()).await.is_ok()
    }

    /// As [`Tasks::thread`], for a thread without which the program only pretends to work: its panic ends the process, so
    /// that whoever watches the process starts it again and the journal recovers.
    ///
    /// # Errors
    /// The operating system's, when it can start no thread.
    pub fn vital_thread<F>(name: &'static str, body: F) -> std::io::Result<std::thread::JoinHandle<()>>
    where
        F: FnOnce() + Send + 'static,
    {
        Self::thread(name, move || {
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err() {
                tracing::error!(name, "a vital thread panicked; the process ends");
                std::process::abort();
            }
        })
    }

    /// A plain thread with a name, for blocking owners such as the hall.
    ///
    /// # Errors
    /// The operating system's, when it can start no thread.
    pub fn thread<F>(name: &str, body: F) -> std::io::Result<std::thread::JoinHandle<()>>
    where
        F: FnOnce() + Send + 'static,
    {
        std::thread::Builder::new().name(name.to_owned()).spawn(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_restarted_and_stop_ends_it() {
        let tasks = Tasks::new();
        let runs = Arc::new(AtomicU32::new(0));
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let counted = runs.clone();
        tasks.supervise("test", move |stop| {
            let n = counted.fetch_add(1, Ordering::Relaxed);
            let tell = tell.clone();
            async move {
                assert!(n > 0, "the first run panics");
                let _ = tell.send(());
                stop.cancelled().await;
                Ok::<(), std::io::Error>(())
            }
        });
        told.recv().await;
        assert!(tasks.stop(Duration::from_secs(1)).await);
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }
}
