//! A page and its tiles: what it watches, and what it is told, in one order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Source;
use super::channel::{Coded, Seat};
use super::packet::{CACHED, DROPPED, KEY, Kind, Packet, head};
use super::queue::{Limits, Queue, Queued};
use crate::frame::Codec;
use crate::picture::{Still, Why};
use crate::session::State;

/// Tiles of one page: twenty-five on the wall, and what is opened beside it.
const TILES_MAX: usize = 32;
/// The states of the tiles are looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A stream that is opened on demand stays this long after the last look: a page that is reloaded finds it open.
const LINGER_US: i64 = 10_000_000;

/// Which stream of a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that is recorded.
    Main,
    /// The smaller one, or the main one if there is none.
    Sub,
}

/// What a tile is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// MP4 fragments, one frame each.
    Mse,
    /// Frames as they are.
    Raw,
    /// Key frames as JPEG, at most one a second.
    Jpeg,
}

/// A tile that shall show a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Its number on the page.
    pub tile: u16,
    /// Camera.
    pub camera: String,
    /// Stream.
    pub which: Which,
    /// Form.
    pub mode: Mode,
}

/// How a tile is.
#[derive(Clone, Debug, PartialEq)]
pub struct TileState {
    /// Its number.
    pub tile: u16,
    /// Camera.
    pub camera: String,
    /// The stream it gets: sub only if there is one.
    pub which: Which,
    /// What its session does.
    pub state: State,
    /// Why there is no picture.
    pub why: Option<Why>,
    /// Codec and codec as browsers name it, once frames came.
    pub codec: Option<(Codec, String)>,
    /// Pixels.
    pub size: (u16, u16),
    /// Frames dropped because this page was slow.
    pub dropped: u64,
}

/// What a page is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// To be sent as it is.
    Packet(Packet),
    /// A tile's state changed.
    Tile(TileState),
}

/// What the page shares with the channels it watches.
#[derive(Debug)]
pub struct Shared {
    queue: Mutex<Queue>,
    news: Notify,
}

impl Shared {
    /// Nothing waits.
    pub fn new(limits: Limits) -> Self {
        Self { queue: Mutex::new(Queue::new(limits)), news: Notify::new() }
    }

    pub(super) fn open(&self, tile: u16, mode: Mode, cache: impl IntoIterator<Item = Arc<Coded>>) {
        self.queue.lock().open(tile, mode, cache);
        self.news.notify_one();
    }

    pub(super) fn push(&self, tile: u16, coded: &Arc<Coded>) -> u64 {
        let dropped = self.queue.lock().push(tile, coded);
        self.news.notify_one();
        dropped
    }

    pub(super) fn show(&self, tile: u16, still: &Arc<Still>) {
        self.queue.lock().show(tile, still);
        self.news.notify_one();
    }

    pub(super) fn pop(&self) -> Option<(u16, Mode, Queued)> {
        self.queue.lock().pop()
    }
}

struct Tile {
    watch: Watch,
    source: Arc<Source>,
    which: Which,
    /// The stream it is meant to get, which is still being opened; meanwhile it gets the main one.
    goal: Option<Arc<Source>>,
    seat: Seat,
    /// The take whose beginning was sent.
    begun: u64,
    told: Option<TileState>,
}

/// One page. Dropping it gives back its places.
pub struct Page {
    shared: Arc<Shared>,
    tiles: BTreeMap<u16, Tile>,
    told: VecDeque<Told>,
    /// Single pictures sent.
    pictures: u32,
    look: tokio::time::Interval,
}

impl Page {
    /// Watches nothing yet. Called within the async runtime.
    pub fn new(limits: Limits) -> Self {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self { shared: Arc::new(Shared::new(limits)), tiles: BTreeMap::new(), told: VecDeque::new(), pictures: 0, look }
    }

    /// Shows exactly these tiles from now on; what goes on goes on undisturbed. `find` knows the streams. Answers those
    /// that cannot be: no such camera, or more than a page may have.
    pub fn watch(
        &mut self,
        wanted: Vec<Watch>,
        find: impl Fn(&str, Which) -> Option<(Arc<Source>, Which)>,
    ) -> Vec<Watch> {
        let gone: Vec<u16> = self.tiles.values().filter(|t| !wanted.contains(&t.watch)).map(|t| t.watch.tile).collect();
        gone.into_iter().for_each(|tile| self.close(tile));
        let mut refused = Vec::new();
        for watch in wanted {
            if self.tiles.get(&watch.tile).is_some_and(|t| t.watch == watch) {
                continue;
            }
            let found = find(&watch.camera, watch.which).filter(|_| self.tiles.len() < TILES_MAX);
            // A small stream that nobody watched yet takes its time to open; the main one is there.
            let main = || find(&watch.camera, Which::Main).filter(|(main, _)| main.channel.key().is_some());
            match found {
                Some((goal, Which::Sub)) if goal.channel.key().is_none() => match main() {
                    Some((main, _)) => self.open(watch, (main, Which::Main), Some(goal)),
                    None => self.open(watch, (goal, Which::Sub), None),
                },
                Some(source) => self.open(watch, source, None),
                None => refused.push(watch),
            }
        }
        refused
    }

    fn open(&mut self, watch: Watch, (source, which): (Arc<Source>, Which), goal: Option<Arc<Source>>) {
        self.close(watch.tile);
        let until = runtime::unix_now() + LINGER_US;
        [Some(&source), goal.as_ref()].into_iter().flatten().for_each(|s| s.want_until(until));
        let seat = source.channel.join(&self.shared, watch.tile, watch.mode);
        let tile = Tile { watch, source, which, goal, seat, begun: 0, told: None };
        self.tiles.insert(tile.watch.tile, tile);
        self.look.reset_immediately();
    }

    fn close(&mut self, number: u16) {
        if let Some(tile) = self.tiles.remove(&number) {
            tile.source.channel.leave(tile.seat);
            self.shared.queue.lock().close(number);
        }
    }

    /// What comes next. May be dropped and called again: nothing is lost by that.
    pub async fn next(&mut self) -> Told {
        loop {
            if let Some(told) = self.told.pop_front() {
                return told;
            }
            if let Some((tile, mode, queued)) = self.shared.pop() {
                self.say(tile, mode, &queued);
                continue;
            }
            let still = self.shared.queue.lock().pop_still();
            if let Some((tile, still)) = still {
                return self.picture(tile, &still);
            }
            tokio::select! {
                () = self.shared.news.notified() => {}
                _ = self.look.tick() => self.look(),
            }
        }
    }

    /// To the stream it is meant to get, if that is there now.
    fn reach(&mut self, number: u16) -> bool {
        let Some(tile) = self.tiles.get(&number) else { return false };
        let Some(goal) = tile.goal.clone().filter(|g| g.channel.key().is_some()) else { return false };
        self.open(tile.watch.clone(), (goal, Which::Sub), None);
        true
    }

    fn say(&mut self, number: u16, mode: Mode, queued: &Queued) {
        if self.reach(number) {
            return;
        }
        let Some(tile) = self.tiles.get_mut(&number) else { return };
        let (coded, take) = (&queued.coded, &queued.coded.take);
        let picture = take.track().codec == Codec::Mjpeg;
        let times = (coded.frame.received_us, coded.media_us);
        if tile.begun != take.id() {
            tile.begun = take.id();
            let dropped = self.shared.queue.lock().dropped(number);
            let mut state = state(tile, dropped);
            state.codec = Some((take.track().codec, take.track().rfc6381.clone()));
            state.size = (take.track().width, take.track().height);
            tile.told = Some(state.clone());
            self.told.push_back(Told::Tile(state));
            let kind = if mode == Mode::Raw { Kind::Parameters } else { Kind::Init };
            if !picture {
                let head = head(kind, 0, number, coded.number, times);
                self.told.push_back(Told::Packet(Packet { head, parts: [take.beginning(mode), Default::default()] }));
            }
        }
        let (kind, first) = match mode {
            _ if picture => (Kind::Picture, Default::default()),
            Mode::Mse => (Kind::Fragment, coded.fragment()),
            Mode::Raw | Mode::Jpeg => (Kind::Frame, Default::default()),
        };
        let head = head(kind, flags(queued), number, coded.number, times);
        self.told.push_back(Told::Packet(Packet { head, parts: [first, coded.frame.bytes.clone()] }));
    }

    fn picture(&mut self, number: u16, still: &Still) -> Told {
        self.pictures = self.pictures.wrapping_add(1);
        let head = head(Kind::Picture, KEY, number, self.pictures, (still.received_us, 0));
        Told::Packet(Packet { head, parts: [still.jpeg.clone(), Default::default()] })
    }

    /// Keeps streams open, and says what changed.
    fn look(&mut self) {
        let until = runtime::unix_now() + LINGER_US;
        let waiting: Vec<u16> = self.tiles.values().filter(|t| t.goal.is_some()).map(|t| t.watch.tile).collect();
        for number in waiting {
            self.reach(number);
        }
        for tile in self.tiles.values_mut() {
            [Some(&tile.source), tile.goal.as_ref()].into_iter().flatten().for_each(|s| s.want_until(until));
            let dropped = self.shared.queue.lock().dropped(tile.watch.tile);
            let state = state(tile, dropped);
            if tile.told.as_ref() != Some(&state) {
                tile.told = Some(state.clone());
                self.told.push_back(Told::Tile(state));
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let all: Vec<u16> = self.tiles.keys().copied().collect();
        all.into_iter().for_each(|tile| self.close(tile));
    }
}

fn flags(queued: &Queued) -> u8 {
    let flag = |on: bool, flag| if on { flag } else { 0 };
    flag(queued.coded.is_key(), KEY) | flag(queued.cached, CACHED) | flag(queued.after_drop, DROPPED)
}

fn state(tile: &Tile, dropped: u64) -> TileState {
    let status = tile.source.status();
    let trouble = status.trouble.filter(|_| status.state != State::Receiving);
    let trouble = trouble.map(|t| Why { code: t.code, zh: t.zh, en: t.en });
    // A stream that comes but makes no picture says that, and only to those who wait for pictures.
    let undecoded = || tile.source.channel.undecoded().filter(|_| tile.watch.mode == Mode::Jpeg);
    let track = status.track;
    TileState {
        tile: tile.watch.tile,
        camera: tile.watch.camera.clone(),
        which: tile.which,
        state: status.state,
        why: trouble.or_else(undecoded),
        codec: track.as_ref().map(|t| (t.codec, t.rfc6381.clone())),
        size: track.as_ref().map_or((0, 0), |t| (t.width, t.height)),
        dropped,
    }
}
