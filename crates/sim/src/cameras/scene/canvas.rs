//! A picture to draw on: 4:2:0 planes, coordinates of a 704 x 576 picture whatever its real size, a camera that may be turned.

use rusty_h264::YuvFrame;

/// Width of the coordinates.
pub(super) const WIDTH: f32 = 704.0;
/// Height of the coordinates.
pub(super) const HEIGHT: f32 = 576.0;

/// A colour: luma and chroma of BT.601, limited range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(pub f32, pub f32, pub f32);

impl Paint {
    /// Without colour.
    pub const fn grey(luma: f32) -> Self {
        Self(luma, 128.0, 128.0)
    }

    /// Brighter or darker.
    pub fn lit(self, by: f32) -> Self {
        Self(self.0 + by, self.1, self.2)
    }
}

/// A rectangle: left, top, width, height.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area(pub f32, pub f32, pub f32, pub f32);

/// The picture.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    pub frame: YuvFrame,
    scale: (f32, f32),
    turned: (f32, f32),
}

impl Canvas {
    /// An empty picture; `turned` moves everything drawn, as a camera that was pushed aside sees it.
    pub fn new((width, height): (usize, usize), turned: (f32, f32)) -> Self {
        let scale = (width as f32 / WIDTH, height as f32 / HEIGHT);
        Self { frame: YuvFrame::black(width, height), scale, turned }
    }

    /// A finished picture to write on, straight.
    pub fn of(frame: YuvFrame) -> Self {
        let scale = (frame.width as f32 / WIDTH, frame.height as f32 / HEIGHT);
        Self { frame, scale, turned: (0.0, 0.0) }
    }

    /// The whole picture in the coordinates of the scene.
    pub fn all(&self) -> Area {
        Area(-self.turned.0, -self.turned.1, WIDTH, HEIGHT)
    }

    /// Mixes paint into every pixel of an area for which `paint` has one, by its opacity 0 to 1.
    pub fn shade(&mut self, Area(left, top, width, height): Area, paint: impl Fn(f32, f32) -> Option<(Paint, f32)>) {
        let ((sx, sy), (dx, dy)) = (self.scale, self.turned);
        let span = |from: f32, len: f32, scale: f32, max: usize| {
            let clamp = |v: f32| (v * scale).round().clamp(0.0, max as f32) as usize;
            clamp(from)..clamp(from + len)
        };
        let columns = span(left + dx, width, sx, self.frame.width);
        let rows = span(top + dy, height, sy, self.frame.height);
        let (stride, half) = (self.frame.width, self.frame.width / 2);
        for row in rows {
            let y = (row as f32 + 0.5) / sy - dy;
            for column in columns.clone() {
                let Some((Paint(luma, cb, cr), opacity)) = paint((column as f32 + 0.5) / sx - dx, y) else { continue };
                mix(&mut self.frame.y[row * stride + column], luma, opacity);
                if row % 2 == 0 && column % 2 == 0 {
                    let at = row / 2 * half + column / 2;
                    mix(&mut self.frame.u[at], cb, opacity);
                    mix(&mut self.frame.v[at], cr, opacity);
                }
            }
        }
    }

    /// A plain rectangle.
    pub fn rect(&mut self, area: Area, paint: Paint) {
        self.shade(area, |_, _| Some((paint, 1.0)));
    }

    /// From one paint at the top to another at the bottom.
    pub fn gradient(&mut self, area: Area, from: Paint, to: Paint) {
        self.shade(area, |_, y| {
            let t = ((y - area.1) / area.3).clamp(0.0, 1.0);
            Some((Paint(lerp(from.0, to.0, t), lerp(from.1, to.1, t), lerp(from.2, to.2, t)), 1.0))
        });
    }

    /// A standing cylinder lit from the left.
    pub fn cylinder(&mut self, area: Area, paint: Paint) {
        self.shade(area, |x, y| {
            Some((paint.lit(round((x - area.0) / area.2) + 5.0 * grain(x / 9.0, y / 40.0, 3)), 1.0))
        });
    }

    /// A lying cylinder lit from above: pipes.
    pub fn pipe(&mut self, area: Area, paint: Paint) {
        self.shade(area, |_, y| Some((paint.lit(round((y - area.1) / area.3)), 1.0)));
    }

    /// An ellipse around a point.
    pub fn ellipse(&mut self, (cx, cy): (f32, f32), (rx, ry): (f32, f32), paint: Paint) {
        self.shade(Area(cx - rx, cy - ry, 2.0 * rx, 2.0 * ry), |x, y| {
            let (dx, dy) = ((x - cx) / rx, (y - cy) / ry);
            (dx * dx + dy * dy <= 1.0).then_some((paint, 1.0))
        });
    }

    /// A ball lit from the upper left.
    pub fn ball(&mut self, (cx, cy): (f32, f32), r: f32, paint: Paint) {
        self.shade(Area(cx - r, cy - r, 2.0 * r, 2.0 * r), |x, y| {
            let (dx, dy) = ((x - cx) / r, (y - cy) / r);
            let d = dx * dx + dy * dy;
            (d <= 1.0).then(|| (paint.lit(25.0 - 45.0 * ((dx + 0.35).powi(2) + (dy + 0.4).powi(2))), 1.0))
        });
    }

    /// A soft spot, opaque in its middle by `opacity`: glow, smoke, vapour.
    pub fn spot(&mut self, (cx, cy): (f32, f32), (rx, ry): (f32, f32), (paint, opacity): (Paint, f32)) {
        self.shade(Area(cx - rx, cy - ry, 2.0 * rx, 2.0 * ry), |x, y| {
            let (dx, dy) = ((x - cx) / rx, (y - cy) / ry);
            let d = dx * dx + dy * dy;
            (d < 1.0).then_some((paint, opacity * (1.0 - d) * (1.0 - d)))
        });
    }

    /// A convex polygon, corners clockwise on the screen.
    pub fn polygon(&mut self, corners: &[(f32, f32)], paint: Paint) {
        let fold = |pick: fn(&(f32, f32)) -> f32, start: f32, choose: fn(f32, f32) -> f32| {
            corners.iter().map(pick).fold(start, choose)
        };
        let (left, right) = (fold(|c| c.0, f32::MAX, f32::min), fold(|c| c.0, f32::MIN, f32::max));
        let (top, bottom) = (fold(|c| c.1, f32::MAX, f32::min), fold(|c| c.1, f32::MIN, f32::max));
        self.shade(Area(left, top, right - left, bottom - top), |x, y| {
            let inside = corners
                .iter()
                .zip(corners.iter().cycle().skip(1))
                .all(|(a, b)| (b.0 - a.0) * (y - a.1) - (b.1 - a.1) * (x - a.0) >= 0.0);
            inside.then_some((paint, 1.0))
        });
    }

    /// A straight stroke of a width.
    pub fn stroke(&mut self, (x0, y0): (f32, f32), (x1, y1): (f32, f32), width: f32, paint: Paint) {
        let (dx, dy) = (x1 - x0, y1 - y0);
        let len = (dx * dx + dy * dy).max(0.01);
        let area = Area(x0.min(x1) - width, y0.min(y1) - width, dx.abs() + 2.0 * width, dy.abs() + 2.0 * width);
        self.shade(area, |x, y| {
            let t = (((x - x0) * dx + (y - y0) * dy) / len).clamp(0.0, 1.0);
            let (ex, ey) = (x - x0 - t * dx, y - y0 - t * dy);
            (ex * ex + ey * ey <= width * width / 4.0).then_some((paint, 1.0))
        });
    }

    /// Roughness of a surface: concrete, leaves, plaster.
    pub fn rough(&mut self, Area(left, top, width, height): Area, size: f32, by: f32) {
        let ((sx, sy), (dx, dy), stride) = (self.scale, self.turned, self.frame.width);
        for (row, line) in self.frame.y.chunks_mut(stride).enumerate() {
            let y = (row as f32 + 0.5) / sy - dy;
            for (column, luma) in line.iter_mut().enumerate() {
                let x = (column as f32 + 0.5) / sx - dx;
                if (left..left + width).contains(&x) && (top..top + height).contains(&y) {
                    let change = grain(x / size, y / size, 7) + 0.5 * grain(x / size * 2.7, y / size * 2.7, 8);
                    let opaque = f32::from(*luma) + by * change;
                    mix(luma, opaque, 1.0);
                }
            }
        }
    }
}

/// Brightness over a round body from its lit edge to the other.
fn round(t: f32) -> f32 {
    30.0 - 130.0 * (t - 0.35) * (t - 0.35)
}

fn mix(pixel: &mut u8, paint: f32, opacity: f32) {
    *pixel = (f32::from(*pixel) + (paint - f32::from(*pixel)) * opacity).clamp(16.0, 240.0) as u8;
}

pub(super) fn lerp(from: f32, to: f32, t: f32) -> f32 {
    from + (to - from) * t
}

/// Smooth noise between -1 and 1.
pub(super) fn grain(x: f32, y: f32, seed: u32) -> f32 {
    let (ix, iy) = (x.floor(), y.floor());
    let (fx, fy) = (x - ix, y - iy);
    let (fx, fy) = (fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy));
    let at = |dx: f32, dy: f32| hash(ix + dx, iy + dy, seed);
    lerp(lerp(at(0.0, 0.0), at(1.0, 0.0), fx), lerp(at(0.0, 1.0), at(1.0, 1.0), fx), fy)
}

fn hash(x: f32, y: f32, seed: u32) -> f32 {
    let mut h = (x as i32 as u32).wrapping_mul(0x9e37_79b1) ^ (y as i32 as u32).wrapping_mul(0x85eb_ca6b) ^ seed;
    h = (h ^ h >> 15).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ h >> 12).wrapping_mul(0x297a_2d39);
    ((h ^ h >> 15) & 0xffff) as f32 / 32_767.5 - 1.0
}
