//! Samples not sealed yet, all tags in one set of columns: 21 bytes a sample and nothing per tag, so that 100,000
//! tags cost no 100,000 vectors. A query scans the tag column; at 2 million samples that is about a millisecond.

use model::{Quality, Reading};

use super::codec::{Bytes, Sample, signed};

/// Columns in the order of arrival.
#[derive(Debug, Default)]
pub struct Live {
    tags: Vec<u32>,
    times: Vec<i64>,
    values: Vec<f64>,
    qualities: Vec<Quality>,
}

/// Bytes a sample takes here.
pub const SAMPLE_BYTES: usize = 21;

impl Live {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// Appends one sample.
    pub fn push(&mut self, tag: u32, sample: Sample) {
        self.tags.push(tag);
        self.times.push(sample.time);
        self.values.push(sample.value);
        self.qualities.push(sample.quality);
    }

    /// Appends a batch.
    pub fn extend(&mut self, readings: &[Reading]) {
        self.tags.extend(readings.iter().map(|r| r.tag.0));
        self.times.extend(readings.iter().map(|r| r.source_time.0));
        self.values.extend(readings.iter().map(|r| r.value));
        self.qualities.extend(readings.iter().map(|r| r.quality));
    }

    /// Forgets all and keeps the memory.
    pub fn clear(&mut self) {
        self.tags.clear();
        self.times.clear();
        self.values.clear();
        self.qualities.clear();
    }

    /// The sample at a position.
    pub fn sample(&self, at: usize) -> Sample {
        Sample { time: self.times[at], value: self.values[at], quality: self.qualities[at] }
    }

    /// Samples of one tag in a range of times, in the order of arrival.
    pub fn of(&self, tag: u32, from: i64, to: i64) -> Vec<Sample> {
        let positions = self.tags.iter().enumerate().filter(|(_, t)| **t == tag);
        positions.map(|(at, _)| self.sample(at)).filter(|s| (from..to).contains(&s.time)).collect()
    }

    /// Positions in the order of tags and, within a tag, of arrival: a counting sort.
    pub fn order_by_tag(&self) -> Vec<u32> {
        let tags_len = self.tags.iter().max().map_or(0, |max| *max as usize + 1);
        let mut next = vec![0u32; tags_len + 1];
        self.tags.iter().for_each(|tag| next[*tag as usize + 1] += 1);
        for i in 1..next.len() {
            next[i] += next[i - 1];
        }
        let mut order = vec![0u32; self.len()];
        for (at, tag) in self.tags.iter().enumerate() {
            let place = &mut next[*tag as usize];
            order[*place as usize] = at as u32;
            *place += 1;
        }
        order
    }

    /// The tag at a position.
    pub fn tag(&self, at: usize) -> u32 {
        self.tags[at]
    }

    /// Encodes the samples from position `from` on for a raw row, in the order of arrival.
    pub fn encode(&self, from: usize, out: &mut Vec<u8>) {
        let (mut tag, mut time) = (0u32, 0i64);
        for at in from..self.len() {
            signed(out, i64::from(self.tags[at]) - i64::from(tag));
            signed(out, self.times[at].wrapping_sub(time));
            out.push(self.qualities[at] as u8);
            out.extend_from_slice(&self.values[at].to_bits().to_le_bytes());
            (tag, time) = (self.tags[at], self.times[at]);
        }
    }

    /// Appends what `encode` wrote; none if the bytes are damaged (what came before the damage stays).
    pub fn decode(&mut self, bytes: &[u8]) -> Option<()> {
        let mut bytes = Bytes(bytes);
        let (mut tag, mut time) = (0u32, 0i64);
        while !bytes.0.is_empty() {
            tag = u32::try_from(i64::from(tag).checked_add(bytes.signed()?)?).ok()?;
            time = time.wrapping_add(bytes.signed()?);
            let quality = Quality::from_u8(bytes.byte()?);
            self.push(tag, Sample { time, value: bytes.double()?, quality });
        }
        Some(())
    }
}
