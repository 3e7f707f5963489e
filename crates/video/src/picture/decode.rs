//! From a key frame to a picture in memory. Nothing here trusts a byte of the camera.

use rusty_h264::Decoder;

use super::{NO_DECODER, UNDECODABLE, Why};
use crate::fmp4::parameters;
use crate::frame::{Codec, Frame};

/// Larger pictures are not decoded: 4K and what is near it.
const PIXELS_MAX: usize = 4_096 * 2_304;
/// Between NAL units (ITU-T H.264 Annex B).
const START: [u8; 4] = [0, 0, 0, 1];

/// A picture, 4:2:0, as the camera meant it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Brightness, a byte a pixel.
    pub y: Vec<u8>,
    /// Blue, a byte for four pixels.
    pub u: Vec<u8>,
    /// Red.
    pub v: Vec<u8>,
}

/// Decodes a key frame. May panic on hostile input: the caller catches that.
///
/// # Errors
/// `NO_DECODER` or `UNDECODABLE`.
pub fn decode(frame: &Frame) -> Result<Picture, Why> {
    if frame.track.codec != Codec::H264 {
        return Err(NO_DECODER);
    }
    if usize::from(frame.track.width) * usize::from(frame.track.height) > PIXELS_MAX {
        return Err(UNDECODABLE);
    }
    let stream = annex_b(&parameters(&frame.track.sample_entry), &frame.bytes).ok_or(UNDECODABLE)?;
    let decoded = Decoder::new().decode(&stream).map_err(|_| UNDECODABLE)?.ok_or(UNDECODABLE)?;
    let (width, height) = (decoded.width, decoded.height);
    let (half, quarter) = (width / 2, (width / 2) * (height / 2));
    let whole = half > 0 && width * height <= PIXELS_MAX && decoded.y.len() >= width * height;
    if !whole || decoded.u.len() < quarter || decoded.v.len() < quarter {
        return Err(UNDECODABLE);
    }
    Ok(Picture { width, height, y: decoded.y, u: decoded.u, v: decoded.v })
}

/// Parameter sets of an `avcC` (ISO/IEC 14496-15 §5.3.3.1) and the frame's NAL units, behind start codes.
fn annex_b(avcc: &[u8], frame: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(frame.len() + avcc.len() + 64);
    let mut rest = avcc.get(5..)?;
    for mask in [0x1f, 0xff] {
        let (&count, after) = rest.split_first()?;
        rest = after;
        for _ in 0..count & mask {
            let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
            append(&mut out, rest.get(2..2 + length)?);
            rest = &rest[2 + length..];
        }
    }
    let mut rest = frame;
    while !rest.is_empty() {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        append(&mut out, rest.get(4..4usize.checked_add(length)?)?);
        rest = &rest[4 + length..];
    }
    Some(out)
}

fn append(out: &mut Vec<u8>, unit: &[u8]) {
    out.extend_from_slice(&START);
    out.extend_from_slice(unit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_sets_and_units_go_behind_start_codes() {
        let avcc = [1, 66, 0, 30, 0xff, 0xe1, 0, 2, 0x67, 1, 1, 0, 1, 0x68];
        let frame = [0, 0, 0, 2, 0x65, 9];
        let expected = [&START[..], &[0x67, 1], &START, &[0x68], &START, &[0x65, 9]].concat();
        assert_eq!(annex_b(&avcc, &frame), Some(expected));
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let avcc = [1, 66, 0, 30, 0xff, 0xe1, 0, 2, 0x67, 1, 0];
        for frame in [&[0, 0, 0, 3, 1, 2][..], &[0xff, 0xff, 0xff, 0xff, 0], &[0, 0, 1]] {
            assert_eq!(annex_b(&avcc, frame), None);
        }
        for end in 0..avcc.len() - 1 {
            assert_eq!(annex_b(&avcc[..end], &[]), None, "{end} bytes");
        }
    }
}
