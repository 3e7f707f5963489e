//! The one thread that makes durable what the writer wrote, then says so in the index, and deletes what is too old.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use runtime::Tasks;

use super::{COMMIT_EVERY, Common, Sync, retention};
use crate::index::{Change, Index};

/// Old recordings are looked for this often.
const RETAIN_EVERY: Duration = Duration::from_secs(5);
/// Looks this often whether it is time, or the end.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn start(common: Arc<Common>, index: Index) -> io::Result<JoinHandle<()>> {
    let name = format!("commit-{}", common.settings.id);
    Tasks::thread(&name, move || Committer { common, index }.run())
}

struct Committer {
    common: Arc<Common>,
    index: Index,
}

impl Committer {
    fn run(mut self) {
        let mut retained = Instant::now();
        loop {
            let closed = self.wait();
            self.commit();
            if closed {
                break;
            }
            if retained.elapsed() >= RETAIN_EVERY {
                self.common.counts.free.set(self.common.disk.inspect() as f64);
                retention::run(&self.common, &mut self.index);
                retained = Instant::now();
            }
        }
        if let Err(error) = self.index.stopped(runtime::unix_now()) {
            tracing::warn!(%error, "the index does not know that the stop was in order");
        }
    }

    /// Until it is time to commit; true at the end.
    fn wait(&self) -> bool {
        let began = Instant::now();
        while began.elapsed() < COMMIT_EVERY {
            if self.common.pending.lock().is_closed() {
                return true;
            }
            std::thread::sleep(LOOK);
        }
        false
    }

    fn commit(&mut self) {
        let now = runtime::unix_now();
        let changes = self.common.pending.lock().take();
        let began = Instant::now();
        if let Err(error) = self.sync(&changes) {
            // After a failed sync the pages may be gone: what lies in these files is not vouched for, but it is still the
            // best there is; the disk is marked and the rows are written.
            self.common.counts.write_errors.add(1);
            self.common.disk.failed(&error);
            tracing::error!(%error, volume = self.common.settings.id, "recordings could not be made durable");
        }
        self.common.counts.sync_us.observe(began.elapsed().as_micros() as u64);
        match self.index.commit(&changes, now) {
            Ok(()) => self.common.pending.lock().committed(),
            Err(error) => {
                // They stay pending and are tried again.
                self.common.counts.commit_errors.add(1);
                tracing::error!(error = %chain(&error), volume = self.common.settings.id, "the index took nothing");
            }
        }
    }

    fn sync(&self, changes: &[Change]) -> io::Result<()> {
        match self.common.settings.sync {
            Sync::None => Ok(()),
            Sync::Syncfs => self.common.disk.sync_all(),
            Sync::Fdatasync => {
                let files = changes.iter().filter_map(|c| match c {
                    Change::Segment(s) => Some(self.common.settings.path.join(&s.file)),
                    _ => None,
                });
                files.into_iter().try_for_each(|path| match File::open(path) {
                    Ok(file) => file.sync_data(),
                    Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
                    Err(e) => Err(e),
                })
            }
        }
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(e) = cause {
        text += &format!(": {e}");
        cause = e.source();
    }
    text
}
