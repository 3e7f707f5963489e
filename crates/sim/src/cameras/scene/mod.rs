//! Scenes drawn by rule: a still stage, what moves on it, the lens, the noise of the sensor.

use rusty_h264::YuvFrame;

use super::view::View;

/// One view, ready to be drawn picture by picture.
pub(super) struct Stage {
    view: View,
}

impl Stage {
    pub fn new(view: View) -> Self {
        Self { view }
    }

    /// Picture `n` of the loop.
    pub fn picture(&self, n: usize) -> YuvFrame {
        let (width, height) = self.view.size.pixels();
        let mut frame = YuvFrame::black(width, height);
        for (row, line) in frame.y.chunks_mut(width).enumerate() {
            for (x, luma) in line.iter_mut().enumerate() {
                *luma = (60 + (x / 16 * 7 + row / 16 * 11) % 120) as u8;
            }
            if (height / 2..height / 2 + height / 8).contains(&row) {
                line[n..n + width / 8].fill(220);
            }
        }
        frame
    }
}
