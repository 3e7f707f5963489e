//! What the clips' thread does: binds alarms, links segments, completes clips.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runtime::{Counter, Gauge, Histogram, Metrics};

use super::budget::Budget;
use super::table::{self, Clip, ClipState};
use super::{AlarmSeen, manifest};
use crate::index::{Index, IndexError, Segment};
use crate::room::Held;
use crate::volume::{Volume, chain};

/// A clip is complete when its time is over and the newest segment in it is closed, or after so long in any case.
const CLOSING_MAX_US: i64 = 180_000_000;
/// How much the clips hold is counted this often.
const WEIGH_EVERY: Duration = Duration::from_secs(5);
/// While an alarm lasts, its clip is planned this far ahead: a crash in between loses no protection.
const AHEAD_US: i64 = 3_600_000_000;

/// A disk as the keeper sees it.
struct Shelf {
    volume: Arc<Volume>,
    index: Index,
    held_bytes: u64,
}

/// A clip that is not complete.
struct Active {
    shelf: usize,
    clip: Clip,
    after_us: i64,
}

/// Keeps clips.
pub(super) struct Keeper {
    cameras: Vec<Arc<Held>>,
    shelves: Vec<Shelf>,
    active: HashMap<(u64, String), Active>,
    budget: Budget,
    weighed: Instant,
    bound: Counter,
    failed: Counter,
    over_budget: Counter,
    over_share: Counter,
    held: Gauge,
    delay_us: Histogram,
}

impl Keeper {
    /// With the clips that a run before left active.
    pub(super) fn new(cameras: Vec<Arc<Held>>, volumes: Vec<Arc<Volume>>, metrics: &Metrics) -> Self {
        let refused = |why| {
            let label = format!("reason=\"{why}\"");
            metrics.counter("fenghuo_video_clips_refused_total", &label, "Clips of alarms that were not kept.")
        };
        let mut keeper = Self {
            cameras,
            shelves: Vec::new(),
            active: HashMap::new(),
            budget: Budget::default(),
            weighed: Instant::now(),
            bound: metrics.counter("fenghuo_video_clips_total", "", "Clips of alarms."),
            failed: refused("disk"),
            over_budget: refused("budget"),
            over_share: refused("share"),
            held: metrics.gauge("fenghuo_video_clips_bytes", "", "Bytes that clips of alarms hold."),
            delay_us: metrics
                .histogram("fenghuo_video_clip_delay_us", "From the hall's word to linked files, microseconds."),
        };
        for volume in volumes {
            // Alarms that are still open are bound again at a start, and a disk's own sync takes these rows along.
            match Index::open_relaxed(&volume.path_of("index.db")) {
                Ok(index) => keeper.shelves.push(Shelf { volume, index, held_bytes: 0 }),
                Err(error) => tracing::error!(error = %chain(&error), "no clips are kept on a disk"),
            }
        }
        keeper.resume();
        keeper.weigh();
        keeper
    }

    fn resume(&mut self) {
        for (shelf, s) in self.shelves.iter().enumerate() {
            let clips = table::active(&s.index).unwrap_or_else(|error| {
                tracing::error!(error = %chain(&error), "active clips are not read");
                Vec::new()
            });
            for clip in clips {
                let camera = self.cameras.iter().find(|c| c.camera.id == clip.camera);
                let after_us = camera.map_or(0, |c| c.camera.around_us.1);
                self.active.insert((clip.alarm, clip.camera.clone()), Active { shelf, clip, after_us });
            }
        }
    }

    /// An alarm was raised, goes on, or is over.
    pub(super) fn alarm(&mut self, seen: &AlarmSeen) {
        let began = Instant::now();
        let cameras: Vec<_> = self.cameras.iter().filter(|c| c.sees(&seen.enterprise, &seen.tag)).cloned().collect();
        for camera in cameras {
            if let Err(error) = self.bind(seen, &camera) {
                self.failed.add(1);
                tracing::error!(alarm = seen.alarm, camera = camera.camera.id, error = %chain(&error), "no clip is kept");
            }
        }
        self.delay_us.observe(began.elapsed().as_micros() as u64);
    }

    fn bind(&mut self, seen: &AlarmSeen, camera: &Arc<Held>) -> Result<(), IndexError> {
        let (before, after) = camera.camera.around_us;
        let now = runtime::unix_now();
        let t1 = seen.over_at.map_or(now + AHEAD_US, |over| over + after);
        if t1 > now {
            camera.want_until(seen.over_at.map_or(i64::MAX, |over| over + after));
        }
        let key = (seen.alarm, camera.camera.id.clone());
        if let Some(active) = self.active.get_mut(&key) {
            active.clip.t1 = t1;
            let shelf = &mut self.shelves[active.shelf];
            return table::update(&mut shelf.index, &active.clip);
        }
        let Some(shelf) = self.shelf_for(camera) else { return Ok(()) };
        let before_it = table::of_alarm(&self.shelves[shelf].index, seen.alarm)?;
        let known = before_it.iter().find(|c| c.camera == camera.camera.id);
        // Somebody acknowledges an alarm whose clip is complete: nothing to keep.
        let settled = known.is_some_and(|c| c.state == ClipState::Complete && seen.over_at.is_some() && t1 <= c.t1);
        if settled || (known.is_none() && !self.may_keep(shelf, camera, now)) {
            return Ok(());
        }
        let new = Clip {
            id: 0,
            alarm: seen.alarm,
            enterprise: seen.enterprise.clone(),
            camera: camera.camera.id.clone(),
            alarm_at: seen.raised_at,
            t0: seen.raised_at - before,
            t1,
            state: ClipState::Active,
        };
        let mut clip = table::make(&mut self.shelves[shelf].index, &new)?;
        (clip.t1, clip.state) = (t1, ClipState::Active);
        table::update(&mut self.shelves[shelf].index, &clip)?;
        self.shelves[shelf].link(&clip)?;
        self.bound.add(1);
        self.active.insert(key, Active { shelf, clip, after_us: after });
        Ok(())
    }

    fn shelf_for(&self, camera: &Held) -> Option<usize> {
        let volume = camera.volume()?;
        self.shelves.iter().position(|s| Arc::ptr_eq(&s.volume, volume))
    }

    fn may_keep(&mut self, shelf: usize, camera: &Held, now: i64) -> bool {
        let s = &self.shelves[shelf];
        let most = s.volume.settings().clips_max * s.volume.size() as f64;
        if s.held_bytes as f64 > most {
            self.over_share.add(1);
            tracing::error!(camera = camera.camera.id, "clips hold all the space they may: no new one is kept");
            return false;
        }
        let granted = self.budget.take(&camera.camera.id, now);
        if !granted {
            self.over_budget.add(1);
        }
        granted
    }

    /// Links what is new, completes what is over.
    pub(super) fn look(&mut self) {
        let now = runtime::unix_now();
        let mut done = Vec::new();
        for (key, active) in &mut self.active {
            match self.shelves[active.shelf].advance(active, now) {
                Ok(false) => {}
                Ok(true) => done.push(key.clone()),
                Err(error) => {
                    self.failed.add(1);
                    tracing::error!(alarm = key.0, camera = key.1, error = %chain(&error), "a clip does not go on");
                }
            }
        }
        for key in done {
            self.active.remove(&key);
        }
        if self.weighed.elapsed() >= WEIGH_EVERY {
            self.weigh();
        }
    }

    fn weigh(&mut self) {
        self.weighed = Instant::now();
        for shelf in &mut self.shelves {
            shelf.held_bytes = table::held_bytes(&mut shelf.index).unwrap_or(shelf.held_bytes);
        }
        self.held.set(self.shelves.iter().map(|s| s.held_bytes).sum::<u64>() as f64);
    }
}

impl Shelf {
    /// Holds the segments of a clip that are not held yet. Those that are still written are linked too: a link is the
    /// same file.
    fn link(&mut self, clip: &Clip) -> Result<Vec<Segment>, IndexError> {
        let volume = self.volume.clone();
        let _files = volume.files().lock();
        let (segments, _) = volume.recordings(&clip.camera, clip.t0, clip.t1)?;
        let held = table::held(&self.index, clip.id)?;
        let mut links = Vec::new();
        for segment in segments.iter().filter(|s| !held.contains(&s.id)) {
            let link = match table::link_of(&mut self.index, segment.id)? {
                Some(link) => link,
                None => match link(&volume, clip, segment) {
                    Ok(link) => link,
                    Err(error) => {
                        tracing::error!(alarm = clip.alarm, file = segment.file, %error, "a segment is not kept");
                        continue;
                    }
                },
            };
            links.push((segment.id, link));
        }
        if !links.is_empty() {
            table::hold(&mut self.index, clip.id, &links)?;
        }
        Ok(segments)
    }

    /// True when the clip is complete.
    fn advance(&mut self, active: &mut Active, now: i64) -> Result<bool, IndexError> {
        let segments = self.link(&active.clip)?;
        let writing = segments.iter().any(|s| s.open);
        if now < active.clip.t1 || (writing && now < active.clip.t1 + CLOSING_MAX_US) {
            return Ok(false);
        }
        active.clip.state = ClipState::Complete;
        let files = table::files(&self.index, active.clip.id)?;
        let gaps = self.volume.recordings(&active.clip.camera, active.clip.t0, active.clip.t1)?.1;
        match manifest::write(&self.volume, (&active.clip, active.after_us), &files, &gaps) {
            Ok(hashes) => {
                for (segment, hash) in hashes {
                    table::hashed(&mut self.index, segment, &hash)?;
                }
            }
            Err(error) => {
                tracing::error!(alarm = active.clip.alarm, %error, "the manifest of a clip is not written; tried again");
                active.clip.state = ClipState::Active;
                return Ok(false);
            }
        }
        table::update(&mut self.index, &active.clip)?;
        Ok(true)
    }
}

/// `incident/A-000012/gate-1-1795771038123-17.mp4`, the same file under a second name.
fn link(volume: &Volume, clip: &Clip, segment: &Segment) -> io::Result<String> {
    let folder = folder(clip.alarm);
    std::fs::create_dir_all(volume.path_of(&folder))?;
    let name = format!("{folder}/{}-{}-{}.mp4", segment.camera, segment.t0 / 1_000, segment.id);
    match std::fs::hard_link(volume.path_of(&segment.file), volume.path_of(&name)) {
        // Linked before a crash, the row was not written.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(name),
        Err(e) => Err(e),
        Ok(()) => Ok(name),
    }
}

/// An alarm's number as people read it, e.g. `A-000012`.
pub(super) fn label(alarm: u64) -> String {
    format!("A-{alarm:06}")
}

/// Folder of an alarm's files, relative to the disk.
pub(super) fn folder(alarm: u64) -> String {
    format!("incident/{}", label(alarm))
}
