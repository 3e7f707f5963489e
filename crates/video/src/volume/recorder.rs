//! One camera's frames become segments and fragments. Pure: time comes with the frames, effects are data.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::fmp4::{Layout, Run, RunSample, SOUND, VIDEO, fragment_head, init_segment};
use crate::frame::{Codec, Frame, Track};
use crate::gap::Reason;

/// A pause longer than this is a gap row; the segment goes on.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// A pause or leap of timestamps longer than this ends the segment.
const LEAP_MAX: Duration = Duration::from_secs(10);
/// The server's clock counts as set when it left the monotonic one by more than this.
const STEP_MAX_US: i64 = 1_000_000;
/// A fragment that was not full is written after this long without a frame.
const LINGER_MAX: Duration = Duration::from_secs(1);
/// Bytes of one fragment in memory.
const FRAGMENT_BYTES_MAX: usize = 16 << 20;
/// Samples of one AAC packet (ISO/IEC 14496-3, AAC-LC).
const AAC_SAMPLES: u32 = 1_024;

/// How long segments and fragments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// A segment ends at the first key frame after this long.
    pub segment: Duration,
    /// A fragment is written after this long.
    pub fragment: Duration,
}

/// A key frame: where its fragment begins, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Microseconds since the segment's beginning.
    pub after_us: u32,
    /// Byte of the file.
    pub at: u32,
}

/// What the writer must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Make a file and write its beginning.
    Begin {
        /// `ftyp` and `moov`.
        init: Vec<u8>,
        /// How its pictures are to be read.
        track: Arc<Track>,
        /// Server receive time of its first frame.
        t0: i64,
        /// RTP timestamp of its first frame.
        rtp: i64,
    },
    /// Append a fragment.
    Append(Part),
    /// The file is complete.
    End {
        /// Where its last picture ends.
        t1: i64,
        /// Why no other begins at once; none: one does.
        gap: Option<Reason>,
    },
    /// A pause within the segment.
    Pause {
        /// From.
        t0: i64,
        /// To.
        t1: i64,
        /// Why.
        reason: Reason,
    },
}

/// A fragment on its way to the disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// `moof` and the head of `mdat`.
    pub head: Vec<u8>,
    /// The samples.
    pub data: Vec<Bytes>,
    /// Pictures.
    pub frames: u32,
    /// RTP packets lost.
    pub loss: u32,
    /// When its last picture ends.
    pub t1: i64,
    /// Begins with a key frame at so many microseconds.
    pub key: Option<u32>,
}

impl Part {
    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        (self.head.len() + self.data.iter().map(Bytes::len).sum::<usize>()) as u64
    }
}

/// One camera's recording.
#[derive(Debug)]
pub struct Recorder {
    lengths: Lengths,
    /// The first segment is shorter, by this share of 256, so that a thousand cameras do not close files in one second.
    stagger: Option<u8>,
    sound: Option<Arc<Track>>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    track: Arc<Track>,
    sound: Option<Arc<Track>>,
    t0: i64,
    first: Arc<Frame>,
    until: Duration,
    sequence: u32,
    /// The newest picture, written or not.
    newest: Seen,
    pictures: Vec<Arc<Frame>>,
    packets: Vec<Arc<Frame>>,
    bytes: usize,
    /// RTP timestamp and time of the first packet of sound.
    sound_from: Option<(i64, u64)>,
    /// Usual distance of two frames, in the track's clock.
    usual: u32,
}

impl Recorder {
    /// A recording that has not begun; `stagger` spreads the ends of the first segments.
    pub fn new(lengths: Lengths, stagger: u8) -> Self {
        Self { lengths, stagger: Some(stagger), sound: None, open: None }
    }

    /// Whether a segment is open.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes a frame.
    pub fn push(&mut self, frame: Arc<Frame>) -> Vec<Action> {
        let mut actions = Vec::new();
        if frame.is_sound() {
            self.push_sound(frame);
            return actions;
        }
        match self.open.as_ref().map(|open| (open, open.next(&frame))) {
            None | Some((_, Next::Goes)) => {}
            Some((open, Next::Paused)) => actions.push(open.pause(&frame)),
            Some((_, Next::Parameters)) if frame.key => self.close_before(&frame, &mut actions),
            Some((_, Next::Parameters)) => self.end(Some(Reason::NoKeyFrame), &mut actions),
            Some((_, Next::Cut(reason))) => self.end(Some(reason), &mut actions),
        }
        let full = self.open.as_ref().is_some_and(|o| frame.key && o.age(&frame) >= o.until);
        if full {
            self.close_before(&frame, &mut actions);
        }
        match &mut self.open {
            Some(open) => open.take(frame, self.lengths.fragment, &mut actions),
            None if frame.key => self.begin(frame, &mut actions),
            None => {}
        }
        actions
    }

    /// Writes what has waited too long.
    pub fn tick(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(open) = &mut self.open
            && open.pictures.last().is_some_and(|f| now.saturating_duration_since(f.received) > LINGER_MAX)
        {
            open.flush(None, &mut actions);
        }
        actions
    }

    /// Ends what is open. The time from here on is missing for this reason.
    pub fn stop(&mut self, reason: Reason) -> Vec<Action> {
        let mut actions = Vec::new();
        self.end(Some(reason), &mut actions);
        actions
    }

    fn push_sound(&mut self, frame: Arc<Frame>) {
        self.sound = Some(frame.track.clone());
        let Some(open) = &mut self.open else { return };
        // A file's tracks are written at its beginning: sound that appears later is in the next file.
        if open.sound.as_ref() == Some(&frame.track) && open.bytes < FRAGMENT_BYTES_MAX {
            open.bytes += frame.bytes.len();
            open.packets.push(frame);
        }
    }

    fn begin(&mut self, frame: Arc<Frame>, actions: &mut Vec<Action>) {
        let share = self.stagger.take().map_or(256, |s| 128 + u32::from(s) / 2);
        let (track, sound) = (frame.track.clone(), self.sound.clone());
        let layout = |entries| Layout { entries, hidden: 0 };
        let picture: &[&Track] = &[&track];
        let init = match &sound {
            Some(sound) => init_segment(&[layout(picture), layout(&[sound])]),
            None => init_segment(&[layout(picture)]),
        };
        actions.push(Action::Begin { init, track: track.clone(), t0: frame.received_us, rtp: frame.rtp });
        self.open = Some(Open {
            until: self.lengths.segment * share / 256,
            t0: frame.received_us,
            sequence: 1,
            newest: Seen::of(&frame),
            bytes: frame.bytes.len(),
            first: frame.clone(),
            pictures: vec![frame],
            packets: Vec::new(),
            sound_from: None,
            // 25 frames a second until we know better.
            usual: track.clock_hz / 25,
            track,
            sound,
        });
    }

    fn end(&mut self, gap: Option<Reason>, actions: &mut Vec<Action>) {
        let Some(mut open) = self.open.take() else { return };
        let t1 = open.end_of_last();
        open.flush(None, actions);
        actions.push(Action::End { t1, gap });
    }

    /// Ends the segment where the next one begins: nothing is missing in between.
    fn close_before(&mut self, next: &Frame, actions: &mut Vec<Action>) {
        let Some(mut open) = self.open.take() else { return };
        open.flush(Some(next), actions);
        actions.push(Action::End { t1: next.received_us, gap: None });
    }
}

/// When a picture was received, by both clocks that matter.
#[derive(Clone, Copy, Debug)]
struct Seen {
    rtp: i64,
    received: Instant,
}

impl Seen {
    fn of(frame: &Frame) -> Self {
        Self { rtp: frame.rtp, received: frame.received }
    }
}

/// What a frame means for the open segment.
enum Next {
    Goes,
    Paused,
    Parameters,
    Cut(Reason),
}

impl Open {
    fn age(&self, frame: &Frame) -> Duration {
        self.age_at(frame.received)
    }

    fn age_at(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.first.received)
    }

    fn next(&self, frame: &Frame) -> Next {
        let last = self.newest;
        let passed = frame.received.saturating_duration_since(last.received);
        let wall_passed = frame.received_us - self.t0;
        if frame.track != self.track {
            return Next::Parameters;
        }
        if (wall_passed - self.age(frame).as_micros() as i64).abs() > STEP_MAX_US {
            return Next::Cut(Reason::ClockStep);
        }
        let by_rtp = i128::from(frame.rtp - last.rtp) * 1_000_000 / i128::from(self.track.clock_hz.max(1));
        let leap = by_rtp - passed.as_micros() as i128;
        if by_rtp < 0 || leap.unsigned_abs() > LEAP_MAX.as_micros() {
            return Next::Cut(Reason::TimeJump);
        }
        match passed {
            p if p > LEAP_MAX => Next::Cut(Reason::Stalled),
            p if p > PAUSE_MAX => Next::Paused,
            _ => Next::Goes,
        }
    }

    /// Time between two pictures: as received, or as taken, for after a stall many are received at once.
    fn span(&self, from: &Frame, to: &Frame) -> Duration {
        let taken = (to.rtp - from.rtp).max(0) as u64 * 1_000_000 / u64::from(self.track.clock_hz.max(1));
        to.received.saturating_duration_since(from.received).max(Duration::from_micros(taken))
    }

    fn pause(&self, frame: &Frame) -> Action {
        Action::Pause { t0: self.end_of_last(), t1: self.time_of(frame), reason: Reason::Stalled }
    }

    /// Server time of a frame: the clock that is never set, counted from the segment's beginning.
    fn time_of(&self, frame: &Frame) -> i64 {
        self.t0 + self.age(frame).as_micros() as i64
    }

    fn end_of_last(&self) -> i64 {
        let usual_us = u64::from(self.usual) * 1_000_000 / u64::from(self.track.clock_hz.max(1));
        self.t0 + self.age_at(self.newest.received).as_micros() as i64 + usual_us as i64
    }

    fn take(&mut self, frame: Arc<Frame>, fragment: Duration, actions: &mut Vec<Action>) {
        let since = self.pictures.first().map_or(Duration::ZERO, |first| self.span(first, &frame));
        // Of motion JPEG every frame is a key frame, and none needs a fragment of its own.
        let begins = frame.key && frame.track.codec != Codec::Mjpeg;
        if begins || since >= fragment || self.bytes > FRAGMENT_BYTES_MAX {
            self.flush(Some(&frame), actions);
        }
        self.newest = Seen::of(&frame);
        self.bytes += frame.bytes.len();
        self.pictures.push(frame);
    }

    /// Makes a fragment of what waits. The picture after it tells how long the last one lasts.
    fn flush(&mut self, next: Option<&Frame>, actions: &mut Vec<Action>) {
        let (pictures, packets) = (std::mem::take(&mut self.pictures), std::mem::take(&mut self.packets));
        self.bytes = 0;
        let Some(first) = pictures.first() else {
            self.packets = packets;
            return;
        };
        let samples = self.samples(&pictures, next);
        let sound = self.sound_run(&packets);
        let time = (first.rtp - self.first.rtp).max(0) as u64;
        let mut runs = vec![Run { track: VIDEO, entry: 1, time, samples: &samples }];
        if let Some((time, samples)) = &sound {
            runs.push(Run { track: SOUND, entry: 1, time: *time, samples });
        }
        actions.push(Action::Append(Part {
            head: fragment_head(self.sequence, &runs),
            data: pictures.iter().chain(&packets).map(|f| f.bytes.clone()).collect(),
            frames: pictures.len() as u32,
            loss: pictures.iter().map(|f| u32::from(f.loss)).sum(),
            t1: next.map_or_else(|| self.end_of_last(), |n| self.time_of(n)),
            key: first.key.then(|| self.age(first).as_micros() as u32),
        }));
        self.sequence += 1;
    }

    /// A picture lasts until the next one.
    fn samples(&mut self, pictures: &[Arc<Frame>], next: Option<&Frame>) -> Vec<RunSample> {
        let ends: Vec<i64> = pictures.iter().skip(1).map(|f| f.rtp).chain(next.map(|f| f.rtp)).collect();
        let mut samples = Vec::with_capacity(pictures.len());
        for (i, frame) in pictures.iter().enumerate() {
            let known = ends.get(i).map(|end| (end - frame.rtp).clamp(0, i64::from(u32::MAX)) as u32);
            if let Some(duration) = known.filter(|d| (1..=self.track.clock_hz).contains(d)) {
                self.usual = duration;
            }
            let duration = known.unwrap_or(self.usual);
            samples.push(RunSample { duration, bytes: frame.bytes.len() as u32, key: frame.key });
        }
        samples
    }

    /// Sound lies where it was received, and from then on where its own timestamps say.
    fn sound_run(&mut self, packets: &[Arc<Frame>]) -> Option<(u64, Vec<RunSample>)> {
        let first = packets.first()?;
        let hz = u64::from(first.track.clock_hz);
        let placed = self.age(first).as_micros() as u64 * hz / 1_000_000;
        let (rtp, time) = *self.sound_from.get_or_insert((first.rtp, placed));
        let time = time.saturating_add_signed(first.rtp - rtp);
        let sample = |f: &Arc<Frame>| RunSample { duration: AAC_SAMPLES, bytes: f.bytes.len() as u32, key: true };
        Some((time, packets.iter().map(sample).collect()))
    }
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
