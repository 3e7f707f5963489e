//! What moves: people, lorries, a barrier, polishing sparks, a flame, a cloud. `t` runs from 0 to 1 over the loop.

use std::f32::consts::TAU;

use super::super::view::{Look, Place};
use super::canvas::{Area, Canvas, Paint, grain};
use super::places::depth_scale;

const SKIN: Paint = Paint(150.0, 112.0, 148.0);
const TROUSERS: Paint = Paint(52.0, 132.0, 124.0);
const HELMET: Paint = Paint(190.0, 60.0, 150.0);
const VEST: Paint = Paint(168.0, 70.0, 176.0);
const OVERALL: Paint = Paint(76.0, 158.0, 112.0);
const TYRE: Paint = Paint::grey(30.0);

/// Draws everything that moves at a place.
pub(super) fn draw(canvas: &mut Canvas, place: Place, look: Look, t: f32) {
    match place {
        Place::TankFarm => tank_farm(canvas, t),
        Place::Workshop => workshop(canvas, t),
        Place::Gate => gate(canvas, t),
        Place::Corridor => corridor(canvas, t),
    }
    let at = match place {
        Place::TankFarm => (330.0, 424.0),
        Place::Workshop => (404.0, 300.0),
        Place::Gate => (610.0, 250.0),
        Place::Corridor => (150.0, 330.0),
    };
    match look {
        Look::Flame => flame(canvas, at, t),
        Look::Leak => leak(canvas, at, t),
        _ => {}
    }
}

/// There and back.
fn swing(t: f32) -> f32 {
    1.0 - (2.0 * t.fract() - 1.0).abs()
}

fn tank_farm(canvas: &mut Canvas, t: f32) {
    lorry(canvas, (-260.0 + 1_250.0 * t, 372.0), 0.8, Paint(196.0, 126.0, 130.0));
    canvas.gradient(Area(-400.0, 372.0, 1_500.0, 34.0), Paint(168.0, 126.0, 130.0), Paint(113.0, 126.0, 130.0));
    person(canvas, (120.0 + 330.0 * swing(t), 552.0), 1.3, t * 14.0, (VEST, true));
    person(canvas, (620.0 - 90.0 * swing(t + 0.3), 400.0), 0.8, t * 8.0, (OVERALL, true));
}

fn workshop(canvas: &mut Canvas, t: f32) {
    for (i, x) in [-20.0, 190.0, 400.0].into_iter().enumerate() {
        let lean = 6.0 * (TAU * (t * 6.0 + i as f32 * 0.3)).sin();
        person(canvas, (x + 40.0 + lean, 424.0), 1.12, 0.0, (OVERALL, true));
        sparks(canvas, (x + 96.0, 300.0), t + i as f32 * 0.17);
    }
    person(canvas, (-80.0 + 860.0 * t, 548.0), 1.5, t * 18.0, (VEST, true));
}

fn gate(canvas: &mut Canvas, t: f32) {
    // A lorry comes up the road, waits at the barrier, and the barrier opens for it.
    let near = (t * 1.5).min(1.0);
    let scale = 0.35 + 1.1 * near * near;
    if t < 0.93 {
        front(canvas, (354.0 - 10.0 * near, 225.0 + 250.0 * near * near), scale);
    }
    let open = ((t - 0.7) * 9.0).clamp(0.0, 1.0) * ((1.0 - t) * 14.0).clamp(0.0, 1.0);
    let (sin, cos) = (open * 1.35).sin_cos();
    for i in 0..9 {
        let (a, b) = (36.0 * i as f32, 36.0 * (i + 1) as f32);
        let paint = if i % 2 == 0 { Paint(100.0, 104.0, 205.0) } else { Paint::grey(226.0) };
        canvas.stroke((522.0 - a * cos, 352.0 - a * sin), (522.0 - b * cos, 352.0 - b * sin), 9.0, paint);
    }
    person(canvas, (600.0 + 60.0 * swing(t), 440.0), 1.2, t * 6.0, (Paint(60.0, 138.0, 122.0), false));
    person(canvas, (150.0 - 330.0 * t + 120.0, 330.0), 0.8, t * 12.0, (VEST, true));
    person(canvas, (-100.0 + 330.0 * t, 480.0), 1.35, t * 13.0, (OVERALL, false));
}

fn corridor(canvas: &mut Canvas, t: f32) {
    let coats =
        [Paint(70.0, 140.0, 160.0), Paint(150.0, 118.0, 140.0), Paint(60.0, 150.0, 118.0), Paint(44.0, 128.0, 128.0)];
    let mut people: Vec<(f32, f32, usize)> = (0..7)
        .map(|i| {
            let own = (t + i as f32 * 0.29).fract();
            // Odd ones walk away from the camera.
            (if i % 2 == 0 { own } else { 1.0 - own }, -0.75 + 0.25 * i as f32, i)
        })
        .collect();
    people.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (depth, side, i) in people {
        let s = depth_scale(0) * 4.6_f32.powf(depth);
        let foot = (352.0 + side * 46.0 * s, 252.0 + 44.0 * s);
        person(canvas, foot, 0.42 * s, t * 16.0 + i as f32, (coats[i % 4], false));
    }
}

/// A person standing on a point; `step` counts strides.
fn person(canvas: &mut Canvas, (x, foot): (f32, f32), size: f32, step: f32, (coat, helmet): (Paint, bool)) {
    let u = size * 10.0;
    let stride = 0.8 * (TAU * step).sin();
    canvas.spot((x, foot), (u * 1.8, u * 0.5), (Paint::grey(40.0), 0.5));
    for side in [-1.0, 1.0] {
        canvas.stroke((x, foot - 3.4 * u), (x + side * stride * u, foot), 0.85 * u, TROUSERS);
        canvas.stroke(
            (x + side * 0.9 * u, foot - 5.8 * u),
            (x - side * stride * u * 0.8 + side * u, foot - 3.6 * u),
            0.6 * u,
            coat.lit(-14.0),
        );
    }
    canvas.cylinder(Area(x - u, foot - 6.4 * u, 2.0 * u, 3.2 * u), coat.lit(-8.0));
    if helmet {
        canvas.rect(Area(x - u, foot - 5.0 * u, 2.0 * u, 0.35 * u), Paint::grey(214.0));
    }
    canvas.ellipse((x, foot - 7.2 * u), (0.72 * u, 0.85 * u), SKIN);
    let cap = if helmet { HELMET } else { Paint::grey(40.0) };
    canvas.shade(Area(x - 0.85 * u, foot - 8.3 * u, 1.7 * u, 1.1 * u), |px, py| {
        let (dx, dy) = ((px - x) / (0.85 * u), (py - foot + 7.2 * u) / (1.05 * u));
        (dx * dx + dy * dy <= 1.0).then_some((cap, 1.0))
    });
}

/// A tank lorry seen from the side, standing on `foot`.
fn lorry(canvas: &mut Canvas, (x, foot): (f32, f32), size: f32, paint: Paint) {
    let u = size * 10.0;
    canvas.pipe(Area(x, foot - 9.5 * u, 20.0 * u, 7.0 * u), paint);
    canvas.rect(Area(x, foot - 5.6 * u, 20.0 * u, 1.2 * u), Paint(110.0, 110.0, 190.0));
    canvas.rect(Area(x, foot - 2.7 * u, 27.0 * u, 1.0 * u), Paint::grey(50.0));
    canvas.gradient(
        Area(x + 21.0 * u, foot - 9.0 * u, 6.0 * u, 7.0 * u),
        Paint(120.0, 112.0, 180.0),
        Paint(84.0, 112.0, 176.0),
    );
    canvas.rect(Area(x + 23.6 * u, foot - 8.2 * u, 2.8 * u, 2.6 * u), Paint(64.0, 138.0, 122.0));
    for wheel in [3.0, 6.2, 16.5, 24.0] {
        canvas.ellipse((x + wheel * u, foot - 1.4 * u), (1.5 * u, 1.5 * u), TYRE);
        canvas.ellipse((x + wheel * u, foot - 1.4 * u), (0.6 * u, 0.6 * u), Paint::grey(140.0));
    }
}

/// A lorry seen from the front.
fn front(canvas: &mut Canvas, (x, foot): (f32, f32), size: f32) {
    let u = size * 10.0;
    canvas.spot((x, foot), (8.0 * u, 1.6 * u), (Paint::grey(34.0), 0.7));
    canvas.gradient(
        Area(x - 6.0 * u, foot - 15.0 * u, 12.0 * u, 14.0 * u),
        Paint(116.0, 150.0, 104.0),
        Paint(84.0, 150.0, 106.0),
    );
    canvas.rect(Area(x - 5.2 * u, foot - 13.4 * u, 10.4 * u, 4.6 * u), Paint(58.0, 138.0, 122.0));
    canvas.rect(Area(x - 4.0 * u, foot - 6.4 * u, 8.0 * u, 3.2 * u), Paint::grey(44.0));
    canvas.rect(Area(x - 2.2 * u, foot - 2.9 * u, 4.4 * u, 1.3 * u), Paint(170.0, 70.0, 140.0));
    for side in [-1.0, 1.0] {
        canvas.ellipse((x + side * 4.7 * u, foot - 4.2 * u), (0.95 * u, 0.8 * u), Paint::grey(236.0));
        canvas.rect(Area(x + side * 4.8 * u - 1.1 * u, foot - 1.4 * u, 2.2 * u, 1.5 * u), TYRE);
    }
}

fn sparks(canvas: &mut Canvas, (x, y): (f32, f32), t: f32) {
    for i in 0..14 {
        let own = (t * 26.0 + i as f32 * 0.37).fract();
        let spread = grain(i as f32, (t * 26.0 + i as f32 * 0.37).floor(), 5);
        let (dx, dy) = (own * (34.0 + 20.0 * spread), own * own * 42.0 - own * 18.0 * spread);
        canvas.ellipse((x + dx, y + dy), (1.8, 1.8), Paint(228.0, 86.0, 160.0));
    }
}

/// Tongues that flicker between 2 and 8 Hz under rising smoke.
fn flame(canvas: &mut Canvas, (x, y): (f32, f32), t: f32) {
    let beat = |hz: f32, phase: f32| 0.5 + 0.5 * (TAU * (t * 8.0 * hz + phase)).sin();
    for i in 0..14 {
        let rise = (t * 4.0 + i as f32 / 14.0).fract();
        let sway = 26.0 * grain(i as f32 * 3.1, rise * 3.0, 11);
        let r = 16.0 + 62.0 * rise;
        canvas.spot((x + sway * rise * 2.0, y - 60.0 - 250.0 * rise), (r, r), (Paint::grey(58.0), 0.75 * (1.0 - rise)));
    }
    canvas.spot((x, y - 30.0), (150.0, 120.0), (Paint(226.0, 78.0, 168.0), 0.28 + 0.14 * beat(5.0, 0.1)));
    for (i, (dx, hz)) in [(-26.0, 3.0), (0.0, 4.0), (24.0, 6.0), (-10.0, 7.0), (12.0, 2.0)].into_iter().enumerate() {
        let h = 44.0 + 50.0 * beat(hz, i as f32 * 0.21);
        canvas.spot((x + dx, y - h * 0.55), (30.0, h), (Paint(168.0, 66.0, 200.0), 0.95));
    }
    for (i, (dx, hz)) in [(-12.0, 5.0), (8.0, 8.0), (0.0, 3.0)].into_iter().enumerate() {
        let h = 30.0 + 32.0 * beat(hz, i as f32 * 0.4);
        canvas.spot((x + dx, y - h * 0.4), (19.0, h), (Paint(236.0, 60.0, 156.0), 1.0));
    }
}

/// A white cloud that creeps along the ground and thins out.
fn leak(canvas: &mut Canvas, (x, y): (f32, f32), t: f32) {
    for i in 0..26 {
        let age = (t * 2.0 + i as f32 / 26.0).fract();
        let drift = 240.0 * age;
        let lift = -20.0 * grain(i as f32 * 1.7, age * 2.0, 13) - 36.0 * age * (1.0 - age);
        let r = 12.0 + 96.0 * age;
        canvas.spot((x + drift, y + lift), (r, r * 0.55), (Paint(222.0, 130.0, 127.0), 0.8 * (1.0 - age)));
    }
    canvas.spot((x + 8.0, y), (26.0, 12.0), (Paint::grey(238.0), 1.0));
}
