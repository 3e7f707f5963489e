//! Trends: samples of one tag as they are, or as buckets when there are more than the picture has points.

use std::sync::Arc;

use model::{Quality, TagIndex, Time};

use super::Shared;
use super::codec::Sample;
use super::day::{self, Found, Summary};
use super::writer::last_of_each_time;
use crate::{Database, StoreError};

/// Most points one query gives.
pub const POINTS_MAX: usize = 10_000;

/// One point of a trend: a sample, or the samples of one bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Time of the sample, or of the first sample of the bucket.
    pub t: Time,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Mean value.
    pub avg: f64,
    /// First value.
    pub first: f64,
    /// Last value.
    pub last: f64,
    /// Number of samples.
    pub count: u64,
    /// Worst quality.
    pub quality: Quality,
}

impl From<Summary> for Point {
    fn from(summary: Summary) -> Self {
        let Summary { t0, t1: _, count, min, max, sum, first, last, worst } = summary;
        Self { t: Time(t0), min, max, avg: sum / count as f64, first, last, count, quality: worst }
    }
}

/// The door for queries. Calls block on the disk: use it on a blocking thread.
#[derive(Clone, Debug)]
pub struct History {
    shared: Arc<Shared>,
}

/// Samples that lie together: one chunk, or what is in memory.
enum Piece {
    Chunk { day: usize, found: Found },
    Live(Vec<Sample>),
}

impl Piece {
    fn span(&self) -> (i64, i64) {
        match self {
            Self::Chunk { found, .. } => (found.summary.t0, found.summary.t1),
            Self::Live(samples) => (samples[0].time, samples[samples.len() - 1].time),
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::Chunk { found, .. } => found.summary.count,
            Self::Live(samples) => samples.len() as u64,
        }
    }
}

/// One query while it runs.
struct Query {
    tag: u32,
    from: i64,
    to: i64,
    days: Vec<Database>,
}

impl History {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Samples of `tag` in `from..to`, oldest first: all of them if there are at most `points`, else that many buckets
    /// of equal width (empty ones left out).
    pub fn history(&self, tag: TagIndex, from: Time, to: Time, points: usize) -> Result<Vec<Point>, StoreError> {
        let points = points.clamp(1, POINTS_MAX);
        let (mut query, groups) = self.find(tag, from, to)?;
        let total: u64 = groups.iter().flatten().map(Piece::len).sum();
        if total <= points as u64 {
            let samples = query.all(groups)?;
            return Ok(samples.into_iter().map(|sample| Summary::one(sample).into()).collect());
        }
        query.buckets(groups, points)
    }

    /// Every sample of `tag` in `from..to`, oldest first, as `(time, value, quality)`.
    pub fn samples(&self, tag: TagIndex, from: Time, to: Time) -> Result<Vec<(Time, f64, Quality)>, StoreError> {
        let (mut query, groups) = self.find(tag, from, to)?;
        let samples = query.all(groups)?;
        Ok(samples.into_iter().map(|s| (Time(s.time), s.value, s.quality)).collect())
    }

    /// Pieces in groups: pieces of different groups do not overlap in time. Memory is looked at first: what is being
    /// sealed meanwhile is then found twice, which is harmless, and not missed.
    fn find(&self, tag: TagIndex, from: Time, to: Time) -> Result<(Query, Vec<Vec<Piece>>), StoreError> {
        let mut query = Query { tag: tag.0, from: from.0, to: to.0, days: Vec::new() };
        let mut live = self.shared.live.read().of(tag.0, from.0, to.0);
        let mut pieces = Vec::new();
        for day in day::list(&self.shared.folder)? {
            let inside = (day::day_of(from.0)..=day::day_of(to.0)).contains(&day);
            if !inside {
                continue;
            }
            let mut database = Database::open_sqlite(&day::file_name(&self.shared.folder, day), 0, true)?;
            let found = day::find(&mut database, tag.0, from.0, to.0).map_err(StoreError::sql("find chunks"))?;
            pieces.extend(found.into_iter().map(|found| Piece::Chunk { day: query.days.len(), found }));
            query.days.push(database);
        }
        if !live.is_empty() {
            last_of_each_time(&mut live);
            pieces.push(Piece::Live(live));
        }
        Ok((query, grouped(pieces)))
    }
}

fn grouped(mut pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    // Stable: within a group the order of sealing, which says what was written last, is restored below.
    let order: Vec<(i64, i64)> = pieces.iter().map(Piece::span).collect();
    let mut numbered: Vec<(usize, Piece)> = pieces.drain(..).enumerate().collect();
    numbered.sort_by_key(|(number, _)| order[*number].0);
    let mut groups: Vec<(i64, Vec<(usize, Piece)>)> = Vec::new();
    for (number, piece) in numbered {
        let (t0, t1) = order[number];
        match groups.last_mut() {
            Some((end, group)) if t0 <= *end => {
                *end = (*end).max(t1);
                group.push((number, piece));
            }
            _ => groups.push((t1, vec![(number, piece)])),
        }
    }
    let in_order = |(_, mut group): (i64, Vec<(usize, Piece)>)| {
        group.sort_by_key(|(number, _)| *number);
        group.into_iter().map(|(_, piece)| piece).collect()
    };
    groups.into_iter().map(in_order).collect()
}

impl Query {
    fn all(&mut self, groups: Vec<Vec<Piece>>) -> Result<Vec<Sample>, StoreError> {
        let mut samples = Vec::new();
        for group in groups {
            samples.extend(self.samples(group)?);
        }
        Ok(samples)
    }

    /// The samples of one group, one per time.
    fn samples(&mut self, group: Vec<Piece>) -> Result<Vec<Sample>, StoreError> {
        let mut samples = Vec::new();
        for piece in group {
            match piece {
                Piece::Live(live) => samples.extend(live),
                Piece::Chunk { day, found } => samples.extend(self.chunk(day, &found)?),
            }
        }
        samples.retain(|sample| (self.from..self.to).contains(&sample.time));
        last_of_each_time(&mut samples);
        Ok(samples)
    }

    fn chunk(&mut self, day: usize, found: &Found) -> Result<Vec<Sample>, StoreError> {
        let samples = day::samples(&mut self.days[day], self.tag, found.seal);
        samples.map_err(StoreError::sql("read a chunk"))?.ok_or(StoreError::Damaged {
            table: "chunks",
            row: found.seal,
            problem: format!("the samples of tag {} do not decode", self.tag),
        })
    }

    fn buckets(&mut self, groups: Vec<Vec<Piece>>, points: usize) -> Result<Vec<Point>, StoreError> {
        let width = (self.to.saturating_sub(self.from) / points as i64 + 1).max(1);
        let from = self.from;
        let bucket = |time: i64| (time - from) / width;
        let mut buckets: Vec<(i64, Summary)> = Vec::new();
        let mut add = |summary: Summary| match buckets.last_mut() {
            Some((number, sum)) if *number == bucket(summary.t0) => sum.add(&summary),
            _ => buckets.push((bucket(summary.t0), summary)),
        };
        for group in groups {
            match &group[..] {
                // Wholly inside one bucket: its columns say all that is needed.
                [Piece::Chunk { found, .. }]
                    if self.inside(&found.summary) && bucket(found.summary.t0) == bucket(found.summary.t1) =>
                {
                    add(found.summary);
                }
                _ => self.samples(group)?.into_iter().for_each(|sample| add(Summary::one(sample))),
            }
        }
        Ok(buckets.into_iter().map(|(_, summary)| summary.into()).collect())
    }

    fn inside(&self, summary: &Summary) -> bool {
        summary.t0 >= self.from && summary.t1 < self.to
    }
}
