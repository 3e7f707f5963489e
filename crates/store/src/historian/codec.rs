//! One tag's samples as bytes: times as zigzag varints of the delta of deltas, values as deltas of scaled decimals
//! (exact, or as XOR of the bits when no scale is exact), quality as runs. Values come back bit for bit.
//!
//! ```text
//! chunk   = 0x01 (version) count times values quality
//! values  = scale (0..=6: value = integer / 10^scale) delta*  |  0xFF xor*   (bytes swapped, so zeros lead)
//! quality = (quality, run)*
//! ```

use model::Quality;

const VERSION: u8 = 1;
const XOR: u8 = 0xFF;
const SCALES: [f64; 7] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];
/// Integers above this are not exact in a double.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;
/// Samples a chunk may hold; more is damage.
const COUNT_MAX: u64 = 1 << 24;

/// One stored sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Source time, microseconds.
    pub time: i64,
    /// Value.
    pub value: f64,
    /// Quality.
    pub quality: Quality,
}

/// Appends the chunk of `samples` to `out`.
pub fn encode(samples: &[Sample], out: &mut Vec<u8>) {
    out.push(VERSION);
    unsigned(out, samples.len() as u64);
    encode_times(samples, out);
    match scale_of(samples) {
        Some(scale) => encode_decimals(samples, scale, out),
        None => encode_bits(samples, out),
    }
    encode_quality(samples, out);
}

fn encode_times(samples: &[Sample], out: &mut Vec<u8>) {
    let (mut last, mut delta) = (0i64, 0i64);
    for sample in samples {
        let next = sample.time.wrapping_sub(last);
        signed(out, next.wrapping_sub(delta));
        (last, delta) = (sample.time, next);
    }
}

/// The smallest scale at which every value is an exact integer.
fn scale_of(samples: &[Sample]) -> Option<usize> {
    let mut scale = 0;
    for sample in samples {
        while !is_exact(sample.value, SCALES[scale]) {
            scale += 1;
            if scale == SCALES.len() {
                return None;
            }
        }
    }
    // A value exact at a small scale need not be at a larger one.
    samples.iter().all(|s| is_exact(s.value, SCALES[scale])).then_some(scale)
}

fn is_exact(value: f64, scale: f64) -> bool {
    let scaled = (value * scale).round();
    scaled.abs() < INTEGER_MAX && ((scaled as i64) as f64 / scale).to_bits() == value.to_bits()
}

fn encode_decimals(samples: &[Sample], scale: usize, out: &mut Vec<u8>) {
    out.push(scale as u8);
    let mut last = 0i64;
    for sample in samples {
        let scaled = (sample.value * SCALES[scale]).round() as i64;
        signed(out, scaled - last);
        last = scaled;
    }
}

fn encode_bits(samples: &[Sample], out: &mut Vec<u8>) {
    out.push(XOR);
    let mut last = 0u64;
    for sample in samples {
        let bits = sample.value.to_bits();
        unsigned(out, (bits ^ last).swap_bytes());
        last = bits;
    }
}

fn encode_quality(samples: &[Sample], out: &mut Vec<u8>) {
    for run in samples.chunk_by(|a, b| a.quality == b.quality) {
        out.push(run[0].quality as u8);
        unsigned(out, run.len() as u64);
    }
}

/// The samples of a chunk; none if the bytes are damaged.
pub fn decode(bytes: &[u8]) -> Option<Vec<Sample>> {
    let mut bytes = Bytes(bytes);
    if bytes.byte()? != VERSION {
        return None;
    }
    let count = bytes.unsigned().filter(|count| *count <= COUNT_MAX)?;
    let mut samples = decode_times(&mut bytes, count)?;
    match bytes.byte()? {
        XOR => decode_bits(&mut bytes, &mut samples)?,
        scale => decode_decimals(&mut bytes, *SCALES.get(usize::from(scale))?, &mut samples)?,
    }
    decode_quality(&mut bytes, &mut samples)?;
    bytes.0.is_empty().then_some(samples)
}

fn decode_times(bytes: &mut Bytes<'_>, count: u64) -> Option<Vec<Sample>> {
    // Every sample takes two bytes or more: damage cannot make us reserve much.
    let mut samples = Vec::with_capacity((count as usize).min(bytes.0.len()));
    let (mut last, mut delta) = (0i64, 0i64);
    for _ in 0..count {
        delta = delta.wrapping_add(bytes.signed()?);
        last = last.wrapping_add(delta);
        samples.push(Sample { time: last, value: 0.0, quality: Quality::Good });
    }
    Some(samples)
}

fn decode_decimals(bytes: &mut Bytes<'_>, scale: f64, samples: &mut [Sample]) -> Option<()> {
    let mut last = 0i64;
    for sample in samples {
        last = last.wrapping_add(bytes.signed()?);
        sample.value = last as f64 / scale;
    }
    Some(())
}

fn decode_bits(bytes: &mut Bytes<'_>, samples: &mut [Sample]) -> Option<()> {
    let mut last = 0u64;
    for sample in samples {
        last ^= bytes.unsigned()?.swap_bytes();
        sample.value = f64::from_bits(last);
    }
    Some(())
}

fn decode_quality(bytes: &mut Bytes<'_>, samples: &mut [Sample]) -> Option<()> {
    let mut rest = samples;
    while !rest.is_empty() {
        let quality = Quality::from_u8(bytes.byte()?);
        let run = usize::try_from(bytes.unsigned()?).ok().filter(|run| (1..=rest.len()).contains(run))?;
        let (now, later) = rest.split_at_mut(run);
        now.iter_mut().for_each(|sample| sample.quality = quality);
        rest = later;
    }
    Some(())
}

pub(super) fn unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn signed(out: &mut Vec<u8>, value: i64) {
    unsigned(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Reads what the functions above wrote.
pub(super) struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(super) fn double(&mut self) -> Option<f64> {
        let (bits, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(f64::from_bits(u64::from_le_bytes(*bits)))
    }
}
