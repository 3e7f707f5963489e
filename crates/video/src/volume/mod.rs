//! Disks that hold recordings: one writer and one committer each.

mod committer;
mod disk;
mod feed;
mod pending;
pub mod recorder;
mod recovery;
mod retention;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use runtime::{Counter, Gauge, Metrics};

pub(crate) use committer::chain;
pub use disk::DiskError;
pub use feed::{Feed, Slot};
pub use retention::Keep;

use crate::gap::Reason;
use crate::index::{Gap, Index, IndexError, Segment};
use disk::Disk;
use feed::Input;
use pending::Pending;
use recorder::Lengths;

/// Messages that wait for the writer: five a second for each of a thousand cameras, for two seconds.
const QUEUE_MAX: usize = 10_000;
/// Bytes that wait for the writer.
const QUEUE_BYTES_MAX: usize = 128 << 20;

/// How written bytes are made durable, once a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// The whole file system at once.
    Syncfs,
    /// Every open file.
    Fdatasync,
    /// Left to the operating system.
    None,
}

/// One disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Its name.
    pub id: String,
    /// Its folder.
    pub path: PathBuf,
    /// Segment and fragment.
    pub lengths: Lengths,
    /// Durability.
    pub sync: Sync,
    /// Bytes set aside for the index and for alarms when the disk is full.
    pub reserve_bytes: u64,
    /// Recordings are deleted early when less than this is free.
    pub min_free_bytes: u64,
    /// Share of the disk's size that clips of alarms may hold, 0 to 1.
    pub clips_max: f64,
}

/// What the volume counts.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    pub bytes: Counter,
    pub fragments: Counter,
    pub overflows: Counter,
    pub write_errors: Counter,
    pub commit_errors: Counter,
    pub expired: Counter,
    pub evicted: Counter,
    pub free: Gauge,
    pub queue: Gauge,
    pub sync_us: runtime::Histogram,
}

impl Counts {
    fn new(metrics: &Metrics, volume: &str) -> Self {
        let label = format!("volume=\"{volume}\"");
        let deleted = |why| format!("volume=\"{volume}\",reason=\"{why}\"");
        Self {
            bytes: metrics.counter("fenghuo_video_written_bytes_total", &label, "Bytes of recordings written."),
            fragments: metrics.counter("fenghuo_video_fragments_total", &label, "Fragments written."),
            overflows: metrics.counter("fenghuo_video_overflows_total", &label, "Recordings cut by a full queue."),
            write_errors: metrics.counter("fenghuo_video_write_errors_total", &label, "Writes that failed."),
            commit_errors: metrics.counter("fenghuo_video_commit_errors_total", &label, "Index commits that failed."),
            expired: metrics.counter("fenghuo_video_deleted_total", &deleted("expired"), "Segments deleted."),
            evicted: metrics.counter("fenghuo_video_deleted_total", &deleted("evicted"), "Segments deleted."),
            free: metrics.gauge("fenghuo_video_free_bytes", &label, "Free bytes of the volume."),
            queue: metrics.gauge("fenghuo_video_queue_bytes", &label, "Bytes waiting for the writer."),
            sync_us: metrics.histogram("fenghuo_video_sync_us", "Time of one sync of a volume, microseconds."),
        }
    }
}

/// What writer, committer, feeds and readers share.
pub(crate) struct Common {
    pub settings: Settings,
    pub disk: Disk,
    pub pending: Mutex<Pending>,
    pub slots: Vec<Arc<Slot>>,
    pub counts: Counts,
    /// Held while files are linked into clips or deleted: neither may see half of the other.
    pub files: Mutex<()>,
}

/// An open volume.
pub struct Volume {
    pub(crate) common: Arc<Common>,
    input: std::sync::mpsc::SyncSender<Input>,
    waiting: feed::Waiting,
    reader: Mutex<Index>,
    writer: Mutex<Option<JoinHandle<()>>>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

/// Why a volume does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk.
    #[error("volume {id}")]
    Disk {
        /// Which.
        id: String,
        /// Why.
        #[source]
        source: DiskError,
    },
    /// The index.
    #[error("volume {id}")]
    Index {
        /// Which.
        id: String,
        /// Why.
        #[source]
        source: IndexError,
    },
    /// No thread could be started.
    #[error("volume {id}: no thread")]
    Thread {
        /// Which.
        id: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A camera that records here.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its id.
    pub camera: String,
    /// For how long.
    pub keep: Keep,
}

impl Volume {
    /// Opens a disk, repairs what a crash left, and starts its two threads. `known` is the identity that this path had
    /// before, if any.
    ///
    /// # Errors
    /// When the disk is another one, cannot be written, or its index cannot be used.
    pub fn open(
        settings: Settings,
        cameras: &[Recorded],
        known: Option<&str>,
        metrics: &Metrics,
    ) -> Result<Self, OpenError> {
        let id = settings.id.clone();
        let disk_error = |source| OpenError::Disk { id: id.clone(), source };
        let index_error = |source| OpenError::Index { id: id.clone(), source };
        let disk = Disk::open(&settings, known).map_err(disk_error)?;
        let file = settings.path.join("index.db");
        let mut index = Index::open(&file).map_err(index_error)?;
        let now = runtime::unix_now();
        let reasons = recovery::run(&mut index, &settings.path, cameras, now).map_err(index_error)?;
        let slots = cameras.iter().zip(&reasons).enumerate();
        let slots = slots.map(|(i, (c, reason))| Arc::new(Slot::new(i, c.clone(), *reason))).collect();
        let next = index.last_segment().map_err(index_error)? + 1;
        let common = Arc::new(Common {
            counts: Counts::new(metrics, &id),
            settings,
            disk,
            pending: Mutex::new(Pending::new(next)),
            slots,
            files: Mutex::new(()),
        });
        let (input, output) = std::sync::mpsc::sync_channel(QUEUE_MAX);
        let waiting = feed::Waiting::new(QUEUE_BYTES_MAX);
        let reader = Index::open(&file).map_err(index_error)?;
        let thread_error = |source| OpenError::Thread { id: id.clone(), source };
        let writer = writer::start(common.clone(), output, waiting.clone()).map_err(thread_error)?;
        let committer = committer::start(common.clone(), index).map_err(thread_error)?;
        Ok(Self {
            common,
            input,
            waiting,
            reader: Mutex::new(reader),
            writer: Mutex::new(Some(writer)),
            committer: Mutex::new(Some(committer)),
        })
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.common.settings
    }

    /// What tells this disk from another.
    pub fn identity(&self) -> &str {
        self.common.disk.identity()
    }

    /// What is wrong with it, in Chinese and English.
    pub fn trouble(&self) -> Option<(&'static str, &'static str)> {
        self.common.disk.trouble()
    }

    /// The way of one camera's frames to this disk.
    pub fn feed(&self, camera: &str) -> Option<Feed> {
        let slot = self.common.slots.iter().find(|s| s.camera() == camera)?;
        Some(Feed::new(slot.clone(), self.common.clone(), self.input.clone(), self.waiting.clone()))
    }

    /// Segments and gaps of a camera within a time, what is not yet committed included.
    ///
    /// # Errors
    /// The index's.
    pub fn recordings(&self, camera: &str, from: i64, to: i64) -> Result<(Vec<Segment>, Vec<Gap>), IndexError> {
        let reader = self.reader.lock();
        // Taken before the tables are read: what is committed in between is then seen twice, not never.
        let newest = self.common.pending.lock().of(camera);
        let (segments, gaps) = (reader.segments(camera, from, to)?, reader.gaps(camera, from, to)?);
        Ok(newest.over(segments, gaps, from, to))
    }

    /// A segment by number.
    ///
    /// # Errors
    /// The index's.
    pub fn segment(&self, id: i64) -> Result<Option<Segment>, IndexError> {
        let reader = self.reader.lock();
        let newest = self.common.pending.lock().segment(id);
        match newest {
            Some(segment) => Ok(Some(segment)),
            None => reader.segment(id),
        }
    }

    /// Why a camera is not recorded now; none: it is.
    pub fn gap(&self, camera: &str) -> Option<Reason> {
        self.common.slots.iter().find(|s| s.camera() == camera).map_or(Some(Reason::Starting), |s| s.gap())
    }

    /// Reads from the index.
    pub(crate) fn with_reader<T>(&self, read: impl FnOnce(&Index) -> Result<T, IndexError>) -> Result<T, IndexError> {
        read(&self.reader.lock())
    }

    /// Held while files are linked or deleted.
    pub(crate) fn files(&self) -> &Mutex<()> {
        &self.common.files
    }

    /// Bytes of the whole disk.
    pub(crate) fn size(&self) -> u64 {
        self.common.disk.size()
    }

    /// Where a file of this volume lies.
    pub fn path_of(&self, file: &str) -> PathBuf {
        self.common.settings.path.join(file)
    }

    /// Writes everything down and ends both threads. Feeds that still send are ignored.
    pub fn close(&self) {
        for slot in &self.common.slots {
            // Waits for a place: this is the end, and the writer is still there to make one.
            let _ = self.input.send(Input::Down(slot.clone(), Reason::Stopped));
        }
        let _ = self.input.send(Input::Close);
        join(&self.writer);
        self.common.pending.lock().close();
        join(&self.committer);
    }
}

fn join(handle: &Mutex<Option<JoinHandle<()>>>) {
    if let Some(handle) = handle.lock().take()
        && handle.join().is_err()
    {
        tracing::error!("a thread of a volume panicked");
    }
}

/// How often the committer makes durable what was written.
pub(crate) const COMMIT_EVERY: Duration = Duration::from_secs(1);
