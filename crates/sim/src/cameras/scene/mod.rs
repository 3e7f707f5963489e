//! Scenes drawn by rule: a still stage, what moves on it, the lens, the noise of the sensor, the camera's own writing.

mod actors;
mod canvas;
mod overlay;
mod places;

use rusty_h264::YuvFrame;

use super::clips::{FPS, MOVING};
use super::view::{Light, Look, Place, View};
use canvas::{Area, Canvas, HEIGHT, Paint, WIDTH, grain};

/// The sensor's noise is drawn from a table at another place for each picture; a prime, so that rows do not line up.
const NOISE: usize = 65_521;
/// A camera pushed aside sees everything moved by this.
const TURNED: (f32, f32) = (-150.0, 46.0);
/// The picture that a frozen camera repeats.
const FROZEN: usize = 31;

/// One view, ready to be drawn picture by picture.
pub(super) struct Stage {
    view: View,
    still: Canvas,
    noise: Vec<i8>,
}

impl Stage {
    pub fn new(view: View) -> Self {
        let turned = if view.look == Look::Shifted { TURNED } else { (0.0, 0.0) };
        let mut still = Canvas::new(view.size.pixels(), turned);
        match view.look {
            Look::Black => {}
            Look::WhiteOut => still.gradient(Area(0.0, 0.0, WIDTH, HEIGHT), Paint::grey(239.0), Paint::grey(240.0)),
            Look::NoSignal => still.rect(Area(0.0, 0.0, WIDTH, HEIGHT), Paint(60.0, 190.0, 110.0)),
            _ => places::draw(&mut still, view.place),
        }
        soften(&mut still.frame.y, view.size.pixels().0);
        let strength = match (view.look, view.light) {
            (Look::NoSignal | Look::WhiteOut, _) => 0.0,
            (Look::Black, _) => 1.0,
            (_, Light::Day) => 2.0,
            (_, Light::Night) => 3.0,
        };
        Self { view, still, noise: noise(strength) }
    }

    /// Picture `n` of the loop.
    pub fn picture(&self, n: usize) -> YuvFrame {
        let n = if self.view.look == Look::Frozen { FROZEN } else { n };
        let mut canvas = self.still.clone();
        if !matches!(self.view.look, Look::Black | Look::WhiteOut | Look::NoSignal) {
            actors::draw(&mut canvas, self.view.place, self.view.look, n as f32 / MOVING as f32);
        }
        match self.view.look {
            Look::Blurred => (0..3).for_each(|_| defocus(&mut canvas.frame)),
            Look::Occluded => cover(&mut canvas),
            _ => {}
        }
        if self.view.light == Light::Night {
            night(&mut canvas.frame);
        }
        self.grainy(&mut canvas.frame, n);
        self.write(&mut canvas, n);
        canvas.frame
    }

    fn grainy(&self, frame: &mut YuvFrame, n: usize) {
        let mut at = n * 7_919 % NOISE;
        for line in frame.y.chunks_mut(NOISE / 2) {
            at = (at + 4_513) % (NOISE / 2);
            for (luma, noise) in line.iter_mut().zip(&self.noise[at..]) {
                *luma = luma.saturating_add_signed(*noise);
            }
        }
    }

    /// Writing is straight whatever happened to the lens.
    fn write(&self, canvas: &mut Canvas, n: usize) {
        let mut flat = Canvas::of(std::mem::replace(&mut canvas.frame, YuvFrame::black(0, 0)));
        if self.view.look == Look::NoSignal {
            overlay::write(&mut flat, (190.0, 262.0), 6.0, "NO SIGNAL");
        } else {
            let place = match self.view.place {
                // One clip for all cameras.
                _ if matches!(self.view.look, Look::Black | Look::WhiteOut) => "SIM CAMERA",
                Place::TankFarm => "SIM TANK FARM",
                Place::Workshop => "SIM WORKSHOP",
                Place::Gate => "SIM GATE",
                Place::Corridor => "SIM CORRIDOR",
            };
            let ms = n as u32 * 1_000 / FPS;
            overlay::write(&mut flat, (22.0, 20.0), 2.6, place);
            overlay::write(&mut flat, (560.0, 20.0), 2.6, &format!("+{:02}.{:02}", ms / 1_000, ms % 1_000 / 10));
        }
        canvas.frame = flat.frame;
    }
}

/// A triangle-shaped noise of the given strength in steps of luma.
fn noise(strength: f32) -> Vec<i8> {
    let one = |i: usize, seed| grain(i as f32, 0.0, seed);
    (0..NOISE).map(|i| (strength * (one(i, 21) + one(i, 22))).round() as i8).collect()
}

/// What the lens of a cheap camera does to edges.
fn soften(plane: &mut [u8], stride: usize) {
    for line in plane.chunks_mut(stride) {
        let mut before = u16::from(line[0]);
        for i in 1..stride - 1 {
            let here = u16::from(line[i]);
            line[i] = ((before + 2 * here + u16::from(line[i + 1])) / 4) as u8;
            before = here;
        }
    }
}

/// A box of the thirtieth part of the width, across and down.
fn defocus(frame: &mut YuvFrame) {
    let (width, height) = (frame.width, frame.height);
    let radius = width / 100 + 1;
    smear(&mut frame.y, width, radius);
    turn(&mut frame.y, width);
    smear(&mut frame.y, height, radius);
    turn(&mut frame.y, height);
}

fn turn(plane: &mut [u8], stride: usize) {
    let from = plane.to_vec();
    let height = plane.len() / stride;
    for (i, pixel) in plane.iter_mut().enumerate() {
        *pixel = from[i % height * stride + i / height];
    }
}

fn smear(plane: &mut [u8], stride: usize, radius: usize) {
    let mut from = vec![0; stride];
    for line in plane.chunks_mut(stride) {
        from.copy_from_slice(line);
        let at = |i: isize| u32::from(from[i.clamp(0, stride as isize - 1) as usize]);
        let (r, len) = (radius as isize, 2 * radius as u32 + 1);
        let mut sum: u32 = (-r..=r).map(at).sum();
        for (i, pixel) in line.iter_mut().enumerate() {
            *pixel = (sum / len) as u8;
            sum = sum + at(i as isize + r + 1) - at(i as isize - r);
        }
    }
}

/// Cloth before the lens: dark, soft, three quarters of the picture.
fn cover(canvas: &mut Canvas) {
    canvas.shade(Area(0.0, 0.0, WIDTH, HEIGHT), |x, y| {
        let edge = 560.0 + 34.0 * grain(y / 90.0, 0.0, 31) - 0.16 * y;
        let depth = ((edge - x) / 40.0).clamp(0.0, 1.0);
        (depth > 0.0).then(|| (Paint(58.0 + 9.0 * grain(x / 150.0, y / 150.0, 32), 124.0, 134.0), depth))
    });
}

/// Infrared at night: grey, brightest in the middle of the lamp.
fn night(frame: &mut YuvFrame) {
    let (width, height) = (frame.width as f32, frame.height as f32);
    for (row, line) in frame.y.chunks_mut(frame.width).enumerate() {
        let dy = row as f32 / height - 0.55;
        for (column, luma) in line.iter_mut().enumerate() {
            let dx = column as f32 / width - 0.5;
            let lamp = (0.74 - 1.3 * (dx * dx + dy * dy)).max(0.16);
            *luma = (16.0 + (f32::from(*luma) - 16.0) * lamp) as u8;
        }
    }
    frame.u.fill(128);
    frame.v.fill(128);
}
