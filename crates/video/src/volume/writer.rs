//! The one thread that writes a volume's files.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, IoSlice, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use model::Time;
use runtime::Tasks;

use super::Common;
use super::feed::{Input, Slot, Waiting, weight};
use super::recorder::{Action, Key, Part};
use crate::gap::Reason;
use crate::index::{Change, Gap, Segment};

/// The queue's length is shown this often.
const IDLE: Duration = Duration::from_millis(500);

pub(super) fn start(common: Arc<Common>, input: Receiver<Input>, waiting: Waiting) -> io::Result<JoinHandle<()>> {
    let name = format!("video-{}", common.settings.id);
    Tasks::thread(&name, move || Writer { common, waiting, files: HashMap::new() }.run(&input))
}

struct Writer {
    common: Arc<Common>,
    waiting: Waiting,
    /// By the slot's index.
    files: HashMap<usize, Arc<File>>,
}

impl Writer {
    fn run(mut self, input: &Receiver<Input>) {
        loop {
            match input.recv_timeout(IDLE) {
                Ok(Input::Do(slot, action)) => {
                    let bytes = weight(&action);
                    self.act(&slot, action);
                    self.waiting.give_back(bytes);
                }
                Ok(Input::Down(slot, reason)) => self.down(&slot, reason),
                Ok(Input::Close) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.common.counts.queue.set(self.waiting.get() as f64);
        }
    }

    fn act(&mut self, slot: &Arc<Slot>, action: Action) {
        let result = match action {
            Action::Begin { .. } => self.begin(slot, action),
            Action::Append(part) => self.append(slot, &part),
            Action::End { t1, gap } => {
                self.end(slot, Some(t1), gap);
                Ok(())
            }
            Action::Pause { t0, t1, reason } => {
                let gap = Gap { camera: slot.camera().to_owned(), t0, t1: Some(t1), reason };
                self.common.pending.lock().change(Change::Gap(gap));
                Ok(())
            }
        };
        if let Err(error) = result {
            self.failed(slot, &error);
        }
    }

    fn begin(&mut self, slot: &Arc<Slot>, action: Action) -> io::Result<()> {
        let Action::Begin { init, track, t0, .. } = action else { return Ok(()) };
        // A session that broke off without a word left its file open.
        self.end(slot, None, Some(Reason::Offline));
        let number = self.common.pending.lock().number();
        let name = file_name(slot.camera(), t0, number);
        let mut file = create(&self.common.settings.path.join(&name))?;
        file.write_all(&init)?;
        self.files.insert(slot.index(), Arc::new(file));
        let segment = Segment {
            id: number,
            camera: slot.camera().to_owned(),
            t0,
            t1: t0,
            file: name,
            bytes: init.len() as u64,
            frames: 0,
            loss: 0,
            codec: track.rfc6381.clone(),
            width: track.width,
            height: track.height,
            open: true,
            keys: Vec::new(),
            sha256: String::new(),
            clock: slot.clock(),
        };
        let mut pending = self.common.pending.lock();
        pending.begin(segment);
        if slot.gap().is_some() {
            pending.change(Change::GapEnds { camera: slot.camera().to_owned(), at: t0 });
            slot.set_gap(None);
        }
        Ok(())
    }

    fn append(&mut self, slot: &Slot, part: &Part) -> io::Result<()> {
        // A file that was given up: the feed begins a new one.
        let Some(file) = self.files.get(&slot.index()) else { return Ok(()) };
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(part.data.len() + 1);
        slices.push(IoSlice::new(&part.head));
        slices.extend(part.data.iter().map(|d| IoSlice::new(d)));
        write_all_vectored(file, &mut slices)?;
        self.common.counts.bytes.add(part.bytes());
        self.common.counts.fragments.add(1);
        let mut pending = self.common.pending.lock();
        let Some(segment) = pending.open(slot.camera()) else { return Ok(()) };
        if let (Some(after_us), Ok(at)) = (part.key, u32::try_from(segment.bytes)) {
            segment.keys.push(Key { after_us, at });
        }
        segment.bytes += part.bytes();
        segment.frames += u64::from(part.frames);
        segment.loss += u64::from(part.loss);
        segment.t1 = part.t1;
        segment.clock = slot.clock().or(segment.clock);
        Ok(())
    }

    /// Closes the file, and says why nothing follows.
    fn end(&mut self, slot: &Slot, t1: Option<i64>, gap: Option<Reason>) {
        if self.files.remove(&slot.index()).is_none() {
            return;
        }
        let mut pending = self.common.pending.lock();
        let Some(segment) = pending.open(slot.camera()) else { return };
        segment.t1 = t1.unwrap_or(segment.t1).max(segment.t0);
        let t0 = segment.t1;
        pending.end(slot.camera());
        if let Some(reason) = gap {
            pending.change(Change::GapBegins(Gap { camera: slot.camera().to_owned(), t0, t1: None, reason }));
            slot.set_gap(Some(reason));
        }
    }

    fn down(&mut self, slot: &Slot, reason: Reason) {
        self.end(slot, None, Some(reason));
        if slot.gap() == Some(reason) {
            return;
        }
        let (camera, now) = (slot.camera().to_owned(), runtime::unix_now());
        let mut pending = self.common.pending.lock();
        pending.change(Change::GapEnds { camera: camera.clone(), at: now });
        pending.change(Change::GapBegins(Gap { camera, t0: now, t1: None, reason }));
        slot.set_gap(Some(reason));
    }

    /// What is whole stays; the rest of the file is cut off, and the camera begins anew.
    fn failed(&mut self, slot: &Slot, error: &io::Error) {
        self.common.counts.write_errors.add(1);
        let reason = self.common.disk.failed(error);
        tracing::error!(camera = slot.camera(), %error, volume = self.common.settings.id, "a recording cannot be written");
        let whole = self.common.pending.lock().open(slot.camera()).map(|s| s.bytes);
        if let (Some(file), Some(whole)) = (self.files.get(&slot.index()), whole)
            && let Err(error) = file.set_len(whole)
        {
            tracing::error!(camera = slot.camera(), %error, "a torn fragment stays until the next start");
        }
        slot.cut();
        self.down(slot, reason);
    }
}

/// `seg/20261127/gate-1/1795771038123-17.mp4`.
fn file_name(camera: &str, t0: i64, number: i64) -> String {
    format!("seg/{}/{camera}/{}-{number}.mp4", day(t0), t0 / 1_000)
}

/// The day of a time, UTC, as its folder is called.
pub(super) fn day(at: i64) -> String {
    model::format_rfc3339(Time(at)).chars().filter(char::is_ascii_digit).take(8).collect()
}

fn create(path: &std::path::Path) -> io::Result<File> {
    let open = || File::options().write(true).create_new(true).open(path);
    match open() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            open()
        }
        other => other,
    }
}

fn write_all_vectored(mut file: &File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => IoSlice::advance_slices(&mut slices, n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
