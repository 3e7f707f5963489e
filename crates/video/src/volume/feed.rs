//! From a camera's session to its disk: a bounded way that says what it dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use parking_lot::Mutex;

use super::recorder::{Action, Recorder};
use super::{Common, Keep, Recorded};
use crate::clock::Alignment;
use crate::frame::Frame;
use crate::gap::Reason;

/// One camera on one disk.
#[derive(Debug)]
pub struct Slot {
    index: usize,
    recorded: Recorded,
    /// The writer gave up the file: the feed must begin anew.
    cut: AtomicBool,
    /// Why nothing is recorded now; none while a file is open.
    gap: Mutex<Option<Reason>>,
    clock: Mutex<Option<Alignment>>,
}

impl Slot {
    pub(super) fn new(index: usize, recorded: Recorded, gap: Reason) -> Self {
        Self { index, recorded, cut: AtomicBool::new(false), gap: Mutex::new(Some(gap)), clock: Mutex::default() }
    }

    /// Its place among the cameras of the disk.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// Camera id.
    pub fn camera(&self) -> &str {
        &self.recorded.camera
    }

    /// For how long it is kept.
    pub(super) fn keep(&self) -> &Keep {
        &self.recorded.keep
    }

    /// Why nothing is recorded now.
    pub fn gap(&self) -> Option<Reason> {
        *self.gap.lock()
    }

    pub(super) fn set_gap(&self, gap: Option<Reason>) {
        *self.gap.lock() = gap;
    }

    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }

    pub(super) fn clock(&self) -> Option<Alignment> {
        *self.clock.lock()
    }
}

/// What the writer is told.
pub(super) enum Input {
    Do(Arc<Slot>, Action),
    /// Nothing can be recorded from now on.
    Down(Arc<Slot>, Reason),
    Close,
}

/// Bytes that wait for a writer.
#[derive(Clone)]
pub(crate) struct Waiting {
    bytes: Arc<AtomicUsize>,
    max: usize,
}

impl Waiting {
    pub(super) fn new(max: usize) -> Self {
        Self { bytes: Arc::default(), max }
    }

    fn take(&self, bytes: usize) -> bool {
        let before = self.bytes.fetch_add(bytes, Ordering::AcqRel);
        let fits = before + bytes <= self.max;
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    pub(super) fn get(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }
}

/// Bytes of a message in memory, as [`Waiting`] counts them.
pub(super) fn weight(action: &Action) -> usize {
    match action {
        Action::Append(part) => part.bytes() as usize,
        Action::Begin { init, .. } => init.len(),
        Action::End { .. } | Action::Pause { .. } => 0,
    }
}

/// One camera's way to its disk. Owned by its session.
pub struct Feed {
    slot: Arc<Slot>,
    common: Arc<Common>,
    recorder: Recorder,
    input: SyncSender<Input>,
    waiting: Waiting,
    /// Messages that found the queue full and must not be lost; at most an end and a reason.
    owed: Vec<Input>,
    /// After an overflow nothing is sent before the next segment begins.
    overflowing: bool,
}

impl Feed {
    pub(super) fn new(slot: Arc<Slot>, common: Arc<Common>, input: SyncSender<Input>, waiting: Waiting) -> Self {
        let recorder = Recorder::new(common.settings.lengths, stagger(slot.camera()));
        Self { slot, common, recorder, input, waiting, owed: Vec::new(), overflowing: false }
    }

    /// Records a frame; never blocks.
    pub fn push(&mut self, frame: Arc<Frame>) {
        if let Some(reason) = self.common.disk.refuses(self.slot.keep()) {
            return self.down(reason);
        }
        if self.slot.cut.swap(false, Ordering::AcqRel) {
            // The writer has closed the file already; what the recorder would still say about it is void.
            drop(self.recorder.stop(Reason::DiskError));
        }
        let actions = self.recorder.push(frame);
        self.send(actions);
    }

    /// Writes what has waited too long; tells what could not be told before.
    pub fn tick(&mut self, now: Instant) {
        let actions = self.recorder.tick(now);
        self.send(actions);
    }

    /// Nothing can be recorded from now on. May be called again and again.
    pub fn down(&mut self, reason: Reason) {
        let actions = self.recorder.stop(reason);
        self.send(actions);
        if self.slot.gap() != Some(reason) {
            self.must_send(Input::Down(self.slot.clone(), reason));
        }
    }

    /// How the camera's clock stands to ours, for the segments to come.
    pub fn clock(&self, alignment: Option<Alignment>) {
        *self.slot.clock.lock() = alignment;
    }

    fn send(&mut self, actions: Vec<Action>) {
        self.pay();
        for action in actions {
            self.overflowing &= !matches!(action, Action::Begin { .. });
            if self.overflowing {
                continue;
            }
            match action {
                Action::End { .. } => self.must_send(Input::Do(self.slot.clone(), action)),
                _ => self.try_send(action),
            }
        }
    }

    fn try_send(&mut self, action: Action) {
        let bytes = weight(&action);
        let sent = self.owed.is_empty() && self.waiting.take(bytes);
        if sent && self.input.try_send(Input::Do(self.slot.clone(), action)).is_ok() {
            return;
        }
        if sent {
            self.waiting.give_back(bytes);
        }
        self.overflow();
    }

    /// The segment ends where the queue was full; the next one begins at a key frame for which there is place.
    fn overflow(&mut self) {
        self.common.counts.overflows.add(1);
        self.overflowing = true;
        drop(self.recorder.stop(Reason::Overflow));
        self.must_send(Input::Down(self.slot.clone(), Reason::Overflow));
    }

    fn must_send(&mut self, input: Input) {
        self.pay();
        if !self.owed.is_empty() {
            self.owe(input);
        } else if let Err(std::sync::mpsc::TrySendError::Full(input)) = self.input.try_send(input) {
            self.owe(input);
        }
    }

    /// A later reason replaces an earlier one that nobody was told.
    fn owe(&mut self, input: Input) {
        if matches!(input, Input::Down(..)) {
            self.owed.retain(|o| !matches!(o, Input::Down(..)));
        }
        self.owed.push(input);
    }

    fn pay(&mut self) {
        while !self.owed.is_empty() {
            let input = self.owed.remove(0);
            if let Err(std::sync::mpsc::TrySendError::Full(input)) = self.input.try_send(input) {
                return self.owed.insert(0, input);
            }
        }
    }
}

/// Spreads cameras over 0..=255 by their names (FNV-1a).
fn stagger(camera: &str) -> u8 {
    let hash = camera.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    (hash >> 32) as u8
}
