//! A picture as JPEG, straight from its YCbCr planes.

use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor};

use super::{Picture, UNDECODABLE, Why};

/// JPEG quality: what a duty officer can read a plate on.
const QUALITY: u8 = 80;

/// Video has brightness 16 to 235 and colour 16 to 240 (ITU-R BT.601 §2.5.3); JPEG has 0 to 255 for both.
struct Planes<'a> {
    picture: &'a Picture,
    luma: [u8; 256],
    chroma: [u8; 256],
}

fn stretched(low: f32, span: f32, zero: f32) -> [u8; 256] {
    std::array::from_fn(|v| ((v as f32 - low) * 255.0 / span + zero).round().clamp(0.0, 255.0) as u8)
}

impl ImageBuffer for Planes<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.picture.width as u16
    }

    fn height(&self) -> u16 {
        self.picture.height as u16
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let (p, row) = (self.picture, usize::from(y));
        let half = p.width / 2;
        let line = &p.y[row * p.width..(row + 1) * p.width];
        buffers[0].extend(line.iter().map(|v| self.luma[usize::from(*v)]));
        let at = (row / 2).min((p.height / 2).saturating_sub(1)) * half;
        for (buffer, plane) in buffers[1..3].iter_mut().zip([&p.u, &p.v]) {
            let line = &plane[at..at + half];
            // An odd width has one column more than its colour has.
            buffer.extend((0..p.width).map(|x| self.chroma[usize::from(line[(x / 2).min(half - 1)])]));
        }
    }
}

pub(super) fn encode(picture: &Picture) -> Result<Vec<u8>, Why> {
    let mut out = Vec::with_capacity(picture.y.len() / 8);
    let mut encoder = Encoder::new(&mut out, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let planes = Planes { picture, luma: stretched(16.0, 219.0, 0.0), chroma: stretched(128.0, 224.0, 128.0) };
    encoder.encode_image(planes).map_err(|_| UNDECODABLE)?;
    Ok(out)
}
