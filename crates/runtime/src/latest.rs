//! The newest value of every tag, written by the hall, read by anyone without a lock.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering, fence};

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latest {
    /// Value.
    pub value: f64,
    /// Microseconds since the epoch.
    pub source_time: i64,
    /// Quality as a number, 0 good.
    pub quality: u8,
    /// Counts changes of this row; 0: never written.
    pub version: u32,
}

#[derive(Debug, Default)]
struct Row {
    /// Odd while being written; upper half: quality. A sequence lock with one writer.
    sequence: AtomicU64,
    value: AtomicU64,
    source_time: AtomicI64,
}

/// Fixed number of rows; a reload that adds tags makes a larger table.
#[derive(Debug)]
pub struct LatestTable {
    rows: Vec<Row>,
}

impl LatestTable {
    /// A table of `len` rows that were never written.
    pub fn new(len: usize) -> Self {
        Self { rows: std::iter::repeat_with(Row::default).take(len).collect() }
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes a row; one writer at a time: the hall calls it under its desk's lock. Unknown rows are ignored.
    pub fn set(&self, index: u32, value: f64, source_time: i64, quality: u8) {
        let Some(row) = self.rows.get(index as usize) else { return };
        let version = (row.sequence.load(Ordering::Relaxed) as u32).wrapping_add(1) | 1;
        row.sequence.store(u64::from(version), Ordering::Relaxed);
        fence(Ordering::Release);
        row.value.store(value.to_bits(), Ordering::Relaxed);
        row.source_time.store(source_time, Ordering::Relaxed);
        let done = u64::from(version.wrapping_add(1)) | (u64::from(quality) << 32);
        row.sequence.store(done, Ordering::Release);
    }

    /// Reads a row; none if it was never written.
    pub fn get(&self, index: u32) -> Option<Latest> {
        let row = self.rows.get(index as usize)?;
        loop {
            let before = row.sequence.load(Ordering::Acquire);
            let version = before as u32;
            if version == 0 {
                return None;
            }
            if version & 1 == 0 {
                let value = f64::from_bits(row.value.load(Ordering::Relaxed));
                let source_time = row.source_time.load(Ordering::Relaxed);
                fence(Ordering::Acquire);
                if row.sequence.load(Ordering::Relaxed) == before {
                    return Some(Latest { value, source_time, quality: (before >> 32) as u8, version });
                }
            }
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn never_written_rows_are_none_and_a_write_is_seen() {
        let table = LatestTable::new(2);
        assert_eq!(table.get(0), None);
        table.set(0, 1.5, 99, 2);
        assert_eq!(table.get(0), Some(Latest { value: 1.5, source_time: 99, quality: 2, version: 2 }));
        table.set(7, 0.0, 0, 0);
        assert_eq!(table.get(7), None);
    }

    #[test]
    fn a_reader_never_sees_half_a_write() {
        let table = Arc::new(LatestTable::new(1));
        let writer = {
            let table = table.clone();
            std::thread::spawn(move || (1..=50_000).for_each(|i| table.set(0, f64::from(i), i64::from(i), 0)))
        };
        while !writer.is_finished() {
            if let Some(row) = table.get(0) {
                assert_eq!(row.value as i64, row.source_time);
            }
        }
        writer.join().unwrap();
    }
}
