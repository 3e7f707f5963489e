//! What is known of a camera's place, and how a picture differs from it.

use super::Condition;
use super::measures::{CELLS, COLUMNS, Measures, ROWS};
use super::thresholds::Thresholds;

/// Cells by which a turned camera is searched for, across and down.
const REACH: (i32, i32) = (14, 8);
/// Cells to each side that are a cell's surroundings.
const AROUND: usize = 4;
/// Luma at which what stands out counts half.
const SQUASH: f32 = 4.0;
/// Below this many cells with detail nothing can be said (a wall, a sky).
const DETAILED_MIN: usize = 60;

/// The place: mean of good looks, then slowly following light and seasons.
#[derive(Clone, Debug, Default)]
pub(super) struct Reference {
    looks: u32,
    light: Vec<f32>,
    detail: Vec<f32>,
}

impl Reference {
    /// A good look.
    pub fn learn(&mut self, measures: &Measures, t: &Thresholds) {
        if self.looks == 0 {
            (self.light, self.detail) = (measures.light.clone(), measures.detail.clone());
        }
        self.looks = self.looks.saturating_add(1);
        let weight = if self.looks <= t.learn_looks { 1.0 / self.looks as f32 } else { t.learn_weight };
        for (known, seen) in [(&mut self.light, &measures.light), (&mut self.detail, &measures.detail)] {
            for (known, seen) in known.iter_mut().zip(seen) {
                *known += weight * (seen - *known);
            }
        }
    }

    /// What distinguishes a picture from the place.
    pub fn compare(&self, measures: &Measures, t: &Thresholds) -> Option<Condition> {
        if self.looks < t.learn_looks {
            return None;
        }
        let lost = self.lost(measures)?;
        let likeness = likeness(&self.light, &measures.light);
        if lost >= t.lost_share_min && likeness >= t.blurred_likeness_min {
            return Some(Condition::Blurred);
        }
        // The search costs more than the rest: only where the picture agrees badly as it is.
        let (known, seen) = (shape(&self.light), shape(&measures.light));
        let unmoved = Self::agreement(&known, &seen, (0, 0));
        let least = t.shifted_match_min.max(unmoved + t.shifted_gain_min);
        if unmoved < 1.0 - t.shifted_gain_min && Self::moved(&known, &seen) >= least {
            return Some(Condition::Shifted);
        }
        (lost >= t.lost_share_min && likeness <= t.occluded_likeness_max).then_some(Condition::Occluded)
    }

    /// Share of the place's detailed cells that are smooth now.
    fn lost(&self, measures: &Measures) -> Option<f32> {
        let mut sorted = self.detail.clone();
        sorted.sort_by(f32::total_cmp);
        let floor = sorted[CELLS / 5];
        let detailed = self.detail.iter().zip(&measures.detail).filter(|(known, _)| **known > 2.0 * floor + 2.0);
        let (mut all, mut lost) = (0, 0);
        for (known, seen) in detailed {
            all += 1;
            lost += usize::from(*seen < floor + 0.4 * (known - floor));
        }
        (all >= DETAILED_MIN).then(|| lost as f32 / all as f32)
    }

    /// Correlation of shapes with the place moved by so many cells, over what both see.
    fn agreement(known: &[f32], seen: &[f32], (dx, dy): (i32, i32)) -> f32 {
        let mut sums = Sums::default();
        for y in 0..ROWS as i32 {
            for x in 0..COLUMNS as i32 {
                let (fx, fy) = (x - dx, y - dy);
                if (0..COLUMNS as i32).contains(&fx) && (0..ROWS as i32).contains(&fy) {
                    let (here, there) = (y as usize * COLUMNS + x as usize, fy as usize * COLUMNS + fx as usize);
                    sums.add(known[there], seen[here]);
                }
            }
        }
        sums.correlation()
    }

    /// The best agreement of a real move.
    fn moved(known: &[f32], seen: &[f32]) -> f32 {
        let moves = (-REACH.1..=REACH.1).flat_map(|dy| (-REACH.0..=REACH.0).map(move |dx| (dx, dy)));
        let real = moves.filter(|(dx, dy)| dx.abs() + dy.abs() >= 2);
        real.map(|by| Self::agreement(known, seen, by)).fold(f32::MIN, f32::max)
    }
}

/// What stands out against its surroundings, squashed: neither the lamp's vignette nor the camera's writing, which stay where
/// they are when it turns, outweigh the rest.
fn shape(light: &[f32]) -> Vec<f32> {
    let here = |x: usize, y: usize| light[y * COLUMNS + x];
    let mut shape = Vec::with_capacity(CELLS);
    for y in 0..ROWS {
        for x in 0..COLUMNS {
            let rows = y.saturating_sub(AROUND)..(y + AROUND + 1).min(ROWS);
            let columns = x.saturating_sub(AROUND)..(x + AROUND + 1).min(COLUMNS);
            let count = (rows.len() * columns.len()) as f32;
            let sum: f32 = rows.flat_map(|y| columns.clone().map(move |x| here(x, y))).sum();
            let out = here(x, y) - sum / count;
            shape.push(out / (out.abs() + SQUASH));
        }
    }
    shape
}

fn likeness(known: &[f32], seen: &[f32]) -> f32 {
    let mut sums = Sums::default();
    known.iter().zip(seen).for_each(|(a, b)| sums.add(*a, *b));
    sums.correlation()
}

/// Sums of Pearson's correlation.
#[derive(Default)]
struct Sums {
    n: f32,
    a: f32,
    b: f32,
    aa: f32,
    bb: f32,
    ab: f32,
}

impl Sums {
    fn add(&mut self, a: f32, b: f32) {
        self.n += 1.0;
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
    }

    fn correlation(&self) -> f32 {
        let (va, vb) = (self.n * self.aa - self.a * self.a, self.n * self.bb - self.b * self.b);
        if va <= 0.0 || vb <= 0.0 { 0.0 } else { (self.n * self.ab - self.a * self.b) / (va.sqrt() * vb.sqrt()) }
    }
}
