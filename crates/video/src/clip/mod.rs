//! Alarms keep what their cameras saw: linked at once, extended while the alarm lasts, written down when it is over.

mod budget;
mod export;
mod keeper;
mod manifest;
mod table;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use runtime::{Counter, Metrics, Tasks};

pub use export::{ExportError, Exported};
pub use table::{Clip, ClipFile, ClipState};

use crate::index::IndexError;
use crate::room::Held;
use crate::volume::Volume;
use keeper::Keeper;

/// Alarms that wait for their clips.
const QUEUE_MAX: usize = 10_000;
/// New segments of active clips are linked this often.
const LOOK: Duration = Duration::from_millis(250);

/// What the hall says about an alarm, each time it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmSeen {
    /// Its number.
    pub alarm: u64,
    /// Enterprise.
    pub enterprise: String,
    /// Tag.
    pub tag: String,
    /// When it was raised, microseconds.
    pub raised_at: i64,
    /// None while the condition lasts; else when it was over.
    pub over_at: Option<i64>,
}

/// The thread that keeps clips, and what it is asked.
pub struct Clips {
    input: Mutex<Option<SyncSender<AlarmSeen>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    volumes: Vec<Arc<Volume>>,
    shed: Counter,
}

impl Clips {
    /// Starts the thread; clips that were active before go on.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn start(cameras: Vec<Arc<Held>>, volumes: Vec<Arc<Volume>>, metrics: &Metrics) -> io::Result<Self> {
        let (input, output) = std::sync::mpsc::sync_channel(QUEUE_MAX);
        let mut keeper = Keeper::new(cameras, volumes.clone(), metrics);
        let thread = Tasks::thread("video-clips", move || run(&mut keeper, &output))?;
        let label = "reason=\"queue\"";
        let shed = metrics.counter("fenghuo_video_clips_refused_total", label, "Clips of alarms that were not kept.");
        Ok(Self { input: Mutex::new(Some(input)), thread: Mutex::new(Some(thread)), volumes, shed })
    }

    /// Binds an alarm to its cameras, or tells that it goes on or is over. Never blocks.
    pub fn alarm(&self, seen: AlarmSeen) {
        let input = self.input.lock();
        if let Some(Err(TrySendError::Full(seen))) = input.as_ref().map(|i| i.try_send(seen)) {
            self.shed.add(1);
            tracing::warn!(alarm = seen.alarm, "too many alarms at once: no clip is kept of this one");
        }
    }

    /// The clips of an alarm.
    ///
    /// # Errors
    /// The index's.
    pub fn of_alarm(&self, alarm: u64) -> Result<Vec<Clip>, IndexError> {
        let mut all = Vec::new();
        for volume in &self.volumes {
            all.extend(volume.with_reader(|index| table::of_alarm(index, alarm))?);
        }
        Ok(all)
    }

    /// Makes one MP4 of a clip, with a manifest that says who took it.
    ///
    /// # Errors
    /// When there is no such clip, nothing in it, or the disk fails.
    pub fn export(&self, alarm: u64, camera: &str, by: &str) -> Result<Exported, ExportError> {
        for volume in &self.volumes {
            let clips = volume.with_reader(|index| table::of_alarm(index, alarm)).map_err(ExportError::Index)?;
            if let Some(clip) = clips.into_iter().find(|c| c.camera == camera) {
                return export::run(volume, &clip, by);
            }
        }
        Err(ExportError::NoClip)
    }

    /// The file of an export; none: no such name.
    pub fn exported(&self, alarm: u64, name: &str) -> Option<std::path::PathBuf> {
        self.volumes.iter().find_map(|v| export::find(v, alarm, name))
    }

    /// Ends the thread after what waits is done.
    pub(crate) fn stop(&self) {
        drop(self.input.lock().take());
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the keeper of clips panicked");
        }
    }
}

fn run(keeper: &mut Keeper, input: &Receiver<AlarmSeen>) {
    let mut looked = Instant::now();
    loop {
        match input.recv_timeout(LOOK.saturating_sub(looked.elapsed())) {
            Ok(seen) => keeper.alarm(&seen),
            Err(RecvTimeoutError::Disconnected) => return keeper.look(),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if looked.elapsed() >= LOOK {
            keeper.look();
            looked = Instant::now();
        }
    }
}
