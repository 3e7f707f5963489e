//! What waits for one page: a bounded queue for each tile, emptied in the order in which frames came. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::channel::Coded;
use super::page::Mode;
use crate::picture::Still;

/// What may wait for one tile, besides what the cache gave at its beginning.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Frames: two seconds and a half at 25 a second.
    pub frames: usize,
    /// Bytes.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frames: 64, bytes: 4 << 20 }
    }
}

/// A frame on its way to a tile.
#[derive(Clone, Debug)]
pub struct Queued {
    /// The frame.
    pub coded: Arc<Coded>,
    /// From the cache.
    pub cached: bool,
    /// The first after some that were dropped.
    pub after_drop: bool,
}

#[derive(Debug)]
struct Tile {
    mode: Mode,
    waiting: VecDeque<Queued>,
    bytes: usize,
    /// Frames of the cache that still wait; they do not count against the limit.
    cached: usize,
    needs_key: bool,
    after_drop: bool,
    dropped: u64,
}

/// All tiles of a page.
#[derive(Debug, Default)]
pub struct Queue {
    limits: Limits,
    tiles: BTreeMap<u16, Tile>,
    /// A tile for every frame that waits, oldest first; frames that were dropped leave theirs behind.
    order: VecDeque<u16>,
    /// The newest picture of each tile that shows single ones.
    stills: BTreeMap<u16, Arc<Still>>,
}

impl Queue {
    /// Empty.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// A tile begins, with what the cache has.
    pub fn open(&mut self, number: u16, mode: Mode, cache: impl IntoIterator<Item = Arc<Coded>>) {
        let mut tile = Tile {
            mode,
            waiting: VecDeque::new(),
            bytes: 0,
            cached: 0,
            needs_key: true,
            after_drop: false,
            dropped: 0,
        };
        for coded in cache {
            tile.needs_key = false;
            tile.cached += 1;
            tile.waiting.push_back(Queued { coded, cached: true, after_drop: false });
            self.order.push_back(number);
        }
        self.tiles.insert(number, tile);
    }

    /// A tile ends.
    pub fn close(&mut self, number: u16) {
        self.tiles.remove(&number);
        self.stills.remove(&number);
        self.order.retain(|n| *n != number);
    }

    /// A frame for a tile. Answers how many frames had to go for want of place.
    pub fn push(&mut self, number: u16, coded: &Arc<Coded>) -> u64 {
        let Some(tile) = self.tiles.get_mut(&number) else { return 0 };
        let mut dropped = 0;
        let full =
            tile.waiting.len() >= self.limits.frames + tile.cached || tile.bytes + coded.bytes() > self.limits.bytes;
        if full && !tile.waiting.is_empty() {
            dropped = tile.waiting.len() as u64;
            (tile.bytes, tile.cached) = (0, 0);
            tile.waiting.clear();
            (tile.needs_key, tile.after_drop) = (true, true);
            self.order.retain(|n| *n != number);
        }
        if tile.needs_key && !coded.is_key() {
            // Before its first key frame a tile misses nothing that it could show.
            dropped += u64::from(tile.after_drop);
        } else {
            let after_drop = std::mem::take(&mut tile.after_drop);
            tile.needs_key = false;
            tile.bytes += coded.bytes();
            tile.waiting.push_back(Queued { coded: coded.clone(), cached: false, after_drop });
            self.order.push_back(number);
        }
        tile.dropped += dropped;
        dropped
    }

    /// The frame that waits longest.
    pub fn pop(&mut self) -> Option<(u16, Mode, Queued)> {
        while let Some(number) = self.order.pop_front() {
            let Some(tile) = self.tiles.get_mut(&number) else { continue };
            let Some(queued) = tile.waiting.pop_front() else { continue };
            if queued.cached {
                tile.cached = tile.cached.saturating_sub(1);
            } else {
                tile.bytes = tile.bytes.saturating_sub(queued.coded.bytes());
            }
            return Some((number, tile.mode, queued));
        }
        None
    }

    /// A picture for a tile; takes the place of one that still waits.
    pub fn show(&mut self, number: u16, still: &Arc<Still>) {
        if self.tiles.contains_key(&number) {
            self.stills.insert(number, still.clone());
        }
    }

    /// A picture that waits.
    pub fn pop_still(&mut self) -> Option<(u16, Arc<Still>)> {
        self.stills.pop_first()
    }

    /// Frames of a tile that were dropped so far.
    pub fn dropped(&self, number: u16) -> u64 {
        self.tiles.get(&number).map_or(0, |t| t.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::super::channel::coded;
    use super::*;

    /// `K` a key frame, `p` another, `<` one is taken; what was taken comes out, `!` behind a drop.
    #[track_caller]
    fn check(limit: usize, cache: &str, life: &str, taken: &str, dropped: u64) {
        let mut queue = Queue::new(Limits { frames: limit, bytes: 1_000 });
        let made = |n: usize, c: char| Arc::new(coded(n as u32, c == 'K', 10));
        queue.open(1, Mode::Mse, cache.chars().enumerate().map(|(n, c)| made(n, c)));
        let (mut seen, mut counted) = (String::new(), 0);
        for (n, c) in life.chars().enumerate() {
            match c {
                '<' => match queue.pop() {
                    Some((1, Mode::Mse, q)) => {
                        seen.push(if q.coded.is_key() { 'K' } else { 'p' });
                        seen.push_str(if q.after_drop { "!" } else { "" });
                    }
                    other => seen.push_str(if other.is_none() { "-" } else { "?" }),
                },
                c => counted += queue.push(1, &made(n, c)),
            }
        }
        assert_eq!((seen.as_str(), counted), (taken, dropped), "{life}");
        assert_eq!(queue.dropped(1), dropped);
    }

    #[test]
    fn nothing_before_the_first_key_frame_and_it_counts_as_no_loss() {
        check(8, "", "ppKp<<<", "Kp-", 0);
    }

    #[test]
    fn the_cache_comes_first_and_takes_no_place() {
        check(2, "Kppp", "pp<<<<<<<", "Kppppp-", 0);
    }

    #[test]
    fn a_slow_viewer_loses_up_to_the_next_key_frame_and_it_is_counted() {
        check(3, "", "Kpppp<Kp<<", "-K!p", 5);
    }

    #[test]
    fn one_tile_that_is_full_takes_nothing_from_another() {
        let mut queue = Queue::new(Limits { frames: 2, bytes: 1_000 });
        queue.open(1, Mode::Mse, []);
        queue.open(2, Mode::Raw, []);
        for n in 0..9 {
            queue.push(1, &Arc::new(coded(n, n == 0, 10)));
        }
        queue.push(2, &Arc::new(coded(0, true, 10)));
        assert!(matches!(queue.pop(), Some((2, Mode::Raw, _))));
        assert!(queue.pop().is_none());
        assert!(queue.dropped(1) > 0 && queue.dropped(2) == 0);
    }

    #[test]
    fn bytes_are_limited_too() {
        let mut queue = Queue::new(Limits { frames: 100, bytes: 25 });
        queue.open(1, Mode::Mse, []);
        assert_eq!((0..3).map(|n| queue.push(1, &Arc::new(coded(n, true, 10)))).sum::<u64>(), 2);
    }
}
