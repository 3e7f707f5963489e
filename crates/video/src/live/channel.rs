//! One stream and everybody who watches it. Each frame is prepared once and shared.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use runtime::{Counter, Gauge, Metrics};

use super::page::{Mode, Shared};
use super::timeline::Timeline;
use crate::fmp4::{Layout, Run, RunSample, VIDEO, fragment_head, init_segment, parameters};
use crate::frame::{Codec, Frame, Track};
use crate::picture::{Decoding, Still, Why};

/// Frames since the last key frame are kept up to so many bytes for one stream.
const CACHE_BYTES_MAX: usize = 4 << 20;
/// The same for all streams together.
const CACHES_BYTES_MAX: usize = 512 << 20;

/// Single pictures are at least so far apart, microseconds: a little under a second, for key frames come a little early.
const PICTURE_US: i64 = 900_000;

/// What all channels count together.
#[derive(Clone, Debug)]
pub struct Counts {
    dropped: Counter,
    uncached: Counter,
    viewers: Gauge,
    watching: Arc<AtomicUsize>,
    cached: Arc<AtomicUsize>,
}

impl Counts {
    /// All at zero.
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            dropped: metrics.counter("fenghuo_live_frames_dropped_total", "", "Frames dropped for slow viewers."),
            uncached: metrics.counter(
                "fenghuo_live_groups_uncached_total",
                "",
                "Groups of pictures too large to be kept for new viewers.",
            ),
            viewers: metrics.gauge("fenghuo_live_tiles", "", "Tiles on which somebody watches live pictures."),
            watching: Arc::default(),
            cached: Arc::default(),
        }
    }

    fn watching(&self, by: isize) {
        let now = self.watching.fetch_add(by as usize, Ordering::AcqRel).wrapping_add(by as usize);
        self.viewers.set(now as f64);
    }
}

/// One run of frames with the same parameters and one line of time.
#[derive(Debug)]
pub struct Take {
    id: u64,
    track: Arc<Track>,
    init: Bytes,
    parameters: Bytes,
}

impl Take {
    fn new(track: Arc<Track>) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        let init = init_segment(&[Layout { entries: &[&track], hidden: 0 }]).into();
        let parameters = parameters(&track.sample_entry);
        Self { id, track, init, parameters }
    }

    /// Tells it from every other.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How its frames are to be read.
    pub fn track(&self) -> &Arc<Track> {
        &self.track
    }

    /// What a viewer needs before the first frame.
    pub fn beginning(&self, mode: Mode) -> Bytes {
        if mode == Mode::Raw { self.parameters.clone() } else { self.init.clone() }
    }
}

/// A frame as viewers get it.
#[derive(Debug)]
pub struct Coded {
    /// The frame.
    pub frame: Arc<Frame>,
    /// What it belongs to.
    pub take: Arc<Take>,
    /// Counts the frames of the stream.
    pub number: u32,
    /// Its time in the media, microseconds.
    pub media_us: i64,
    time: u64,
    duration: u32,
    fragment: OnceLock<Bytes>,
}

impl Coded {
    /// Can be decoded alone.
    pub fn is_key(&self) -> bool {
        self.frame.key
    }

    /// Bytes of the picture.
    pub fn bytes(&self) -> usize {
        self.frame.bytes.len()
    }

    /// `moof` and the head of `mdat`, made when the first viewer wants it.
    pub fn fragment(&self) -> Bytes {
        let made = || {
            let (duration, bytes, key) = (self.duration, self.bytes() as u32, self.is_key());
            let run = Run { track: VIDEO, entry: 1, time: self.time, samples: &[RunSample { duration, bytes, key }] };
            fragment_head(self.number, &[run]).into()
        };
        self.fragment.get_or_init(made).clone()
    }
}

/// A place at a channel; given back with [`Channel::leave`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat(u64);

struct Viewer {
    seat: Seat,
    page: Arc<Shared>,
    tile: u16,
    mode: Mode,
}

#[derive(Default)]
struct Inner {
    timeline: Timeline,
    take: Option<Arc<Take>>,
    number: u32,
    /// Frames since the last key frame.
    cache: Vec<Arc<Coded>>,
    cache_bytes: usize,
    viewers: Vec<Viewer>,
    seats: u64,
    /// The newest single picture, or why there is none.
    still: Option<Result<Arc<Still>, Why>>,
    /// Server time of the frame that was last asked for as a picture.
    asked_us: i64,
}

/// One stream of one camera.
pub struct Channel {
    inner: Mutex<Inner>,
    counts: Counts,
    decoding: Option<Decoding>,
    me: Weak<Self>,
}

impl Channel {
    /// Nobody watches, nothing came.
    pub fn new(counts: Counts, decoding: Option<Decoding>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self { inner: Mutex::default(), counts, decoding, me: me.clone() })
    }

    /// A frame for everybody; never blocks. Sound is not sent.
    pub fn publish(&self, frame: &Arc<Frame>) {
        if frame.is_sound() {
            return;
        }
        let mut inner = self.inner.lock();
        let coded = Arc::new(inner.prepare(frame));
        inner.keep(&coded, &self.counts);
        if coded.is_key() && inner.viewers.iter().any(|v| v.mode == Mode::Jpeg) {
            self.picture(&mut inner, &coded);
        }
        for viewer in inner.viewers.iter().filter(|v| v.mode != Mode::Jpeg) {
            let dropped = viewer.page.push(viewer.tile, &coded);
            self.counts.dropped.add(dropped);
        }
    }

    /// No frames come any more: what is kept is no beginning for anybody.
    pub fn down(&self) {
        let mut inner = self.inner.lock();
        inner.forget(&self.counts);
        inner.take = None;
        inner.still = None;
    }

    /// The newest key frame.
    pub fn key(&self) -> Option<Arc<Coded>> {
        self.inner.lock().cache.first().cloned()
    }

    /// A tile begins to watch: it gets what is kept, then every frame.
    pub fn join(&self, page: &Arc<Shared>, tile: u16, mode: Mode) -> Seat {
        let mut inner = self.inner.lock();
        inner.seats += 1;
        let seat = Seat(inner.seats);
        inner.viewers.push(Viewer { seat, page: page.clone(), tile, mode });
        self.counts.watching(1);
        if mode != Mode::Jpeg {
            page.open(tile, mode, inner.cache.iter().cloned());
            return seat;
        }
        page.open(tile, mode, []);
        if let Some(Ok(still)) = &inner.still {
            page.show(tile, still);
        }
        if let Some(key) = inner.cache.first().cloned() {
            self.picture(&mut inner, &key);
        }
        seat
    }

    /// Asks for a frame as a single picture, unless the last one was just now.
    fn picture(&self, inner: &mut Inner, coded: &Arc<Coded>) {
        let at = coded.frame.received_us;
        if (at - inner.asked_us).abs() < PICTURE_US {
            return;
        }
        inner.asked_us = at;
        if coded.frame.track.codec == Codec::Mjpeg {
            let still = Still { jpeg: coded.frame.bytes.clone(), received_us: at };
            return inner.show(Ok(Arc::new(still)));
        }
        let (Some(decoding), me) = (&self.decoding, self.me.clone()) else { return };
        let made = decoding.make(coded.frame.clone(), move |result| {
            if let Some(channel) = me.upgrade() {
                channel.inner.lock().show(result.map(Arc::new));
            }
        });
        if let Err(why) = made {
            inner.show(Err(why));
        }
    }

    /// Why the frames that come make no picture.
    pub fn undecoded(&self) -> Option<Why> {
        self.inner.lock().still.as_ref().and_then(|s| s.as_ref().err().copied())
    }

    /// It watches no more.
    pub fn leave(&self, seat: Seat) {
        let mut inner = self.inner.lock();
        let before = inner.viewers.len();
        inner.viewers.retain(|v| v.seat != seat);
        self.counts.watching(inner.viewers.len() as isize - before as isize);
    }

    /// Tiles that watch.
    pub fn viewers(&self) -> usize {
        self.inner.lock().viewers.len()
    }
}

impl Inner {
    fn show(&mut self, still: Result<Arc<Still>, Why>) {
        if let Ok(still) = &still {
            self.viewers.iter().filter(|v| v.mode == Mode::Jpeg).for_each(|v| v.page.show(v.tile, still));
        }
        self.still = Some(still);
    }

    fn prepare(&mut self, frame: &Arc<Frame>) -> Coded {
        let take = match &self.take {
            Some(take) if Arc::ptr_eq(&take.track, &frame.track) || take.track == frame.track => take.clone(),
            _ => {
                self.timeline = self.timeline.restarted(frame.track.clock_hz);
                self.take.insert(Arc::new(Take::new(frame.track.clone()))).clone()
            }
        };
        let (time, duration) = self.timeline.place(frame.rtp);
        self.number = self.number.wrapping_add(1);
        Coded {
            frame: frame.clone(),
            take,
            number: self.number,
            media_us: self.timeline.us(time),
            time,
            duration,
            fragment: OnceLock::new(),
        }
    }

    fn keep(&mut self, coded: &Arc<Coded>, counts: &Counts) {
        if coded.is_key() {
            self.forget(counts);
        } else if self.cache.is_empty() {
            // Nothing to decode it from.
            return;
        }
        let bytes = coded.bytes();
        let all = counts.cached.fetch_add(bytes, Ordering::AcqRel) + bytes;
        self.cache_bytes += bytes;
        if self.cache_bytes > CACHE_BYTES_MAX || all > CACHES_BYTES_MAX {
            self.forget(counts);
            return counts.uncached.add(1);
        }
        self.cache.push(coded.clone());
    }

    fn forget(&mut self, counts: &Counts) {
        counts.cached.fetch_sub(std::mem::take(&mut self.cache_bytes), Ordering::AcqRel);
        self.cache = Vec::new();
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.inner.get_mut().forget(&self.counts);
    }
}

/// A frame of so many bytes, for tests of what carries frames.
#[cfg(test)]
pub(super) fn coded(number: u32, key: bool, bytes: usize) -> Coded {
    let mut inner = Inner { number: number.wrapping_sub(1), ..Inner::default() };
    inner.prepare(&Arc::new(tests::frame(i64::from(number), key, bytes)))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::queue::Limits;
    use super::*;

    pub fn track(width: u16) -> Arc<Track> {
        Arc::new(Track {
            codec: Codec::H264,
            rfc6381: "avc1.42c01e".into(),
            width,
            height: 288,
            clock_hz: 90_000,
            sample_entry: Bytes::from_static(&[0; 8]),
        })
    }

    pub fn frame(number: i64, key: bool, bytes: usize) -> Frame {
        let bytes = vec![7; bytes].into();
        let received_us = 1_000_000 + number * 40_000;
        Frame { track: track(352), bytes, rtp: number * 3_600, received_us, received: Instant::now(), key, loss: 0 }
    }

    fn publish(channel: &Channel, from: i64, life: &str) {
        for (n, c) in life.chars().enumerate() {
            channel.publish(&Arc::new(frame(from + n as i64, c == 'K', 1_000)));
        }
    }

    /// Numbers and flags of what waits for a page.
    fn taken(page: &Arc<Shared>) -> String {
        let mut seen = Vec::new();
        while let Some((tile, _, q)) = page.pop() {
            seen.push(format!("{tile}:{}{}", q.coded.number, if q.cached { "c" } else { "" }));
        }
        seen.join(" ")
    }

    #[test]
    fn a_new_viewer_gets_everything_since_the_last_key_frame_and_then_what_comes() {
        let channel = Channel::new(Counts::new(&Metrics::default()), None);
        publish(&channel, 0, "KppKpp");
        let page = Arc::new(Shared::new(Limits::default()));
        channel.join(&page, 9, Mode::Mse);
        publish(&channel, 6, "pK");
        assert_eq!(taken(&page), "9:4c 9:5c 9:6c 9:7 9:8");
    }

    #[test]
    fn after_a_break_nothing_old_is_shown_as_new() {
        let channel = Channel::new(Counts::new(&Metrics::default()), None);
        publish(&channel, 0, "Kpp");
        channel.down();
        let page = Arc::new(Shared::new(Limits::default()));
        let seat = channel.join(&page, 1, Mode::Mse);
        publish(&channel, 9, "ppK");
        assert_eq!(taken(&page), "1:6");
        channel.leave(seat);
        publish(&channel, 12, "K");
        assert_eq!((taken(&page).as_str(), channel.viewers()), ("", 0));
    }

    #[test]
    fn a_group_that_is_too_large_is_not_kept_and_the_next_is() {
        let counts = Counts::new(&Metrics::default());
        let channel = Channel::new(counts.clone(), None);
        channel.publish(&Arc::new(frame(0, true, CACHE_BYTES_MAX)));
        channel.publish(&Arc::new(frame(1, false, 10)));
        assert!(channel.key().is_none());
        assert_eq!((counts.uncached.get(), counts.cached.load(Ordering::Acquire)), (1, 0));
        channel.publish(&Arc::new(frame(2, true, 10)));
        assert!(channel.key().is_some());
        drop(channel);
        assert_eq!(counts.cached.load(Ordering::Acquire), 0);
    }

    #[test]
    fn other_parameters_begin_another_run_on_the_same_line_of_time() {
        let channel = Channel::new(Counts::new(&Metrics::default()), None);
        let page = Arc::new(Shared::new(Limits::default()));
        channel.join(&page, 1, Mode::Mse);
        publish(&channel, 0, "Kp");
        channel.publish(&Arc::new(Frame { track: track(704), ..frame(2, true, 10) }));
        let got: Vec<_> =
            std::iter::from_fn(|| page.pop()).map(|(_, _, q)| (q.coded.take.id(), q.coded.media_us)).collect();
        assert_eq!(got.iter().map(|g| g.1).collect::<Vec<_>>(), [0, 40_000, 80_000]);
        assert!(got[0].0 == got[1].0 && got[1].0 != got[2].0);
    }

    #[test]
    fn twenty_five_tiles_of_one_page_get_each_frame_once() {
        let channels: Vec<_> = (0..25).map(|_| Channel::new(Counts::new(&Metrics::default()), None)).collect();
        let page = Arc::new(Shared::new(Limits::default()));
        for (tile, channel) in (0..).zip(&channels) {
            channel.join(&page, tile, Mode::Mse);
        }
        for n in 0..10 {
            channels.iter().for_each(|c| publish(c, n, if n == 0 { "K" } else { "p" }));
        }
        let mut of = [0; 25];
        while let Some((tile, _, q)) = page.pop() {
            of[usize::from(tile)] += 1;
            assert_eq!(q.coded.number, of[usize::from(tile)]);
        }
        assert_eq!(of, [10; 25]);
    }
}
