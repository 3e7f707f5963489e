//! What one look finds in the luma of a picture: histogram, and brightness and detail over a grid of cells.

/// Cells across.
pub(super) const COLUMNS: usize = 44;
/// Cells down.
pub(super) const ROWS: usize = 36;
/// Cells.
pub(super) const CELLS: usize = COLUMNS * ROWS;

/// The measures of one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures {
    /// Luma that one pixel in twenty is below.
    pub p05: u8,
    /// Luma that one pixel in twenty is above.
    pub p95: u8,
    /// Share of the pixels with the most common luma, give or take one.
    pub flat_share: f32,
    /// FNV-1a of all luma.
    pub hash: u64,
    /// Mean luma of each cell.
    pub(super) light: Vec<f32>,
    /// Mean absolute Laplacian of each cell.
    pub(super) detail: Vec<f32>,
}

impl Measures {
    /// Measures a luma plane without padding. Nothing for a picture smaller than two pixels a cell, or of another size than
    /// it says.
    pub fn of(luma: &[u8], width: usize, height: usize) -> Option<Self> {
        if width < 2 * COLUMNS || height < 2 * ROWS || width.checked_mul(height) != Some(luma.len()) {
            return None;
        }
        let mut counts = [0_u32; 256];
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for &pixel in luma {
            counts[usize::from(pixel)] += 1;
            hash = (hash ^ u64::from(pixel)).wrapping_mul(0x0100_0000_01b3);
        }
        let (light, detail) = cells(luma, width, height);
        let most = counts.windows(3).map(|w| w.iter().sum::<u32>()).max().unwrap_or(0);
        let total = luma.len() as u32;
        let below = |share: u32| {
            let mut sum = 0;
            counts
                .iter()
                .position(|c| {
                    sum += c;
                    sum > share
                })
                .unwrap_or(255) as u8
        };
        let (p05, p95) = (below(total / 20), below(total - total / 20 - 1));
        Some(Self { p05, p95, flat_share: most as f32 / total as f32, hash, light, detail })
    }
}

fn cells(luma: &[u8], width: usize, height: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut light, mut detail, mut counts) = (vec![0.0; CELLS], vec![0.0; CELLS], vec![0.0_f32; CELLS]);
    for y in 1..height - 1 {
        let row = y * ROWS / height * COLUMNS;
        let (above, here, under) = (&luma[(y - 1) * width..], &luma[y * width..], &luma[(y + 1) * width..]);
        for x in 1..width - 1 {
            let cell = row + x * COLUMNS / width;
            let at = |line: &[u8], i: usize| i32::from(line[i]);
            let around = at(above, x) + at(under, x) + at(here, x - 1) + at(here, x + 1);
            light[cell] += f32::from(here[x]);
            detail[cell] += (4 * at(here, x) - around).unsigned_abs() as f32;
            counts[cell] += 1.0;
        }
    }
    for ((light, detail), count) in light.iter_mut().zip(&mut detail).zip(counts) {
        *light /= count;
        *detail /= count;
    }
    (light, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_cells_and_sizes() {
        let (width, height) = (88, 72);
        let mut luma = vec![20; width * height];
        luma[..width * height / 2].fill(200);
        let measures = Measures::of(&luma, width, height).unwrap();
        assert_eq!((measures.p05, measures.p95), (20, 200));
        assert!((measures.flat_share - 0.5).abs() < 0.01);
        assert_eq!((measures.light[0], measures.light[CELLS - 1]), (200.0, 20.0));
        assert!(measures.detail[17 * COLUMNS + 20] > 10.0 && measures.detail[0] == 0.0, "only the edge has detail");
        assert_eq!(Measures::of(&luma, width, height + 1), None);
        assert_eq!(Measures::of(&luma[..100], 10, 10), None);
    }
}
