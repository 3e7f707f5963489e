//! The still part of each place.

use super::super::view::Place;
use super::canvas::{Area, Canvas, Paint};

const SKY: Paint = Paint(190.0, 138.0, 122.0);
const SKY_LOW: Paint = Paint(214.0, 130.0, 126.0);
const TREES: Paint = Paint(82.0, 116.0, 118.0);
const CONCRETE: Paint = Paint(138.0, 126.0, 130.0);
const ASPHALT: Paint = Paint(92.0, 129.0, 127.0);
const STEEL: Paint = Paint(168.0, 129.0, 127.0);
const YELLOW: Paint = Paint(176.0, 60.0, 148.0);
const RED: Paint = Paint(92.0, 106.0, 200.0);
const BLUE: Paint = Paint(84.0, 160.0, 108.0);
const GREEN: Paint = Paint(110.0, 110.0, 96.0);
const DARK: Paint = Paint::grey(46.0);
const WHITE: Paint = Paint::grey(222.0);

/// Draws a place without anything that moves.
pub(super) fn draw(canvas: &mut Canvas, place: Place) {
    match place {
        Place::TankFarm => tank_farm(canvas),
        Place::Workshop => workshop(canvas),
        Place::Gate => gate(canvas),
        Place::Corridor => corridor(canvas),
    }
}

fn outside(canvas: &mut Canvas, horizon: f32, ground: Paint) {
    let Area(left, top, width, height) = canvas.all();
    canvas.gradient(Area(left, top, width, horizon - top), SKY, SKY_LOW);
    canvas.rect(Area(left, horizon - 34.0, width, 36.0), TREES);
    canvas.rough(Area(left, horizon - 34.0, width, 36.0), 5.0, 26.0);
    canvas.gradient(Area(left, horizon, width, top + height - horizon), ground.lit(14.0), ground.lit(-12.0));
    canvas.rough(Area(left, horizon, width, top + height - horizon), 4.0, 9.0);
}

fn tank_farm(canvas: &mut Canvas) {
    outside(canvas, 250.0, CONCRETE);
    tank(canvas, Area(-150.0, 130.0, 170.0, 220.0), 3);
    tank(canvas, Area(60.0, 110.0, 190.0, 250.0), 1);
    tank(canvas, Area(280.0, 140.0, 160.0, 205.0), 2);
    sphere(canvas, (560.0, 215.0), 88.0);
    tank(canvas, Area(720.0, 150.0, 160.0, 200.0), 4);
    // The bund, a wall around the tanks.
    canvas.gradient(Area(-400.0, 372.0, 1_500.0, 34.0), CONCRETE.lit(30.0), CONCRETE.lit(-25.0));
    canvas.rect(Area(-400.0, 370.0, 1_500.0, 4.0), CONCRETE.lit(45.0));
    for i in 0..26 {
        canvas.rect(Area(-390.0 + 58.0 * i as f32, 376.0, 2.0, 30.0), CONCRETE.lit(-40.0));
    }
    for (y, h, paint) in [(424.0, 15.0, STEEL), (446.0, 12.0, YELLOW), (466.0, 18.0, STEEL.lit(-25.0))] {
        canvas.pipe(Area(-400.0, y, 1_500.0, h), paint);
        for i in 0..12 {
            canvas.pipe(Area(-360.0 + 131.0 * i as f32 + y / 8.0, y - 5.0, 9.0, h + 10.0), paint.lit(-35.0));
        }
    }
    for i in 0..14 {
        canvas.rect(Area(-330.0 + 110.0 * i as f32, 484.0, 10.0, 42.0), DARK.lit(24.0));
    }
    canvas.rect(Area(360.0, 300.0, 64.0, 40.0), WHITE);
    canvas.rect(Area(364.0, 304.0, 56.0, 32.0), RED);
    canvas.rect(Area(370.0, 316.0, 44.0, 7.0), WHITE);
    lamp(canvas, 470.0, 90.0, 372.0);
    canvas.rough(Area(-400.0, 372.0, 1_500.0, 160.0), 3.0, 5.0);
}

fn tank(canvas: &mut Canvas, area: Area, bands: usize) {
    let Area(x, y, w, h) = area;
    canvas.ellipse((x + w / 2.0 + 18.0, y + h), (w / 2.0 + 16.0, 14.0), CONCRETE.lit(-55.0));
    canvas.cylinder(area, Paint(178.0, 128.0, 128.0));
    canvas.ellipse((x + w / 2.0, y), (w / 2.0, 15.0), Paint::grey(204.0));
    for i in 1..6 {
        canvas.rect(Area(x, y + h * i as f32 / 6.0, w, 1.6), Paint::grey(128.0));
    }
    canvas.rect(Area(x, y + h * 0.22, w, 7.0 * bands as f32), BLUE);
    // A stair winds up, with a rail.
    for i in 0..22 {
        let t = i as f32 / 22.0;
        canvas.rect(Area(x + w * (0.15 + 0.7 * t), y + h * (0.96 - 0.9 * t), w * 0.045, 3.0), DARK.lit(30.0));
    }
    canvas.stroke((x + w * 0.15, y + h * 0.88), (x + w * 0.86, y + h * -0.02), 2.2, YELLOW);
    canvas.rect(Area(x + w * 0.1, y - 22.0, w * 0.8, 2.0), STEEL.lit(-50.0));
    for i in 0..9 {
        canvas.rect(Area(x + w * (0.1 + 0.098 * i as f32), y - 22.0, 1.8, 18.0), STEEL.lit(-50.0));
    }
}

fn sphere(canvas: &mut Canvas, (cx, cy): (f32, f32), r: f32) {
    for i in 0..6 {
        let x = cx - r * 0.85 + r * 0.34 * i as f32;
        canvas.cylinder(Area(x - 4.0, cy, 9.0, r * 1.55), STEEL.lit(-30.0));
    }
    canvas.ball((cx, cy), r, Paint(186.0, 128.0, 128.0));
    canvas.rect(Area(cx - r, cy - 3.0, 2.0 * r, 6.0), RED.lit(20.0));
    canvas.stroke((cx - r * 0.8, cy + r * 1.5), (cx + r * 0.8, cy + r * 0.6), 2.5, STEEL.lit(-60.0));
    canvas.stroke((cx + r * 0.8, cy + r * 1.5), (cx - r * 0.8, cy + r * 0.6), 2.5, STEEL.lit(-60.0));
    canvas.cylinder(Area(cx - 9.0, cy - r - 22.0, 18.0, 26.0), STEEL);
}

fn lamp(canvas: &mut Canvas, x: f32, top: f32, foot: f32) {
    canvas.cylinder(Area(x, top, 6.0, foot - top), STEEL.lit(-40.0));
    canvas.rect(Area(x - 24.0, top - 6.0, 34.0, 8.0), DARK.lit(20.0));
    canvas.rect(Area(x - 22.0, top + 2.0, 14.0, 3.0), WHITE);
}

fn workshop(canvas: &mut Canvas) {
    let Area(left, top, width, height) = canvas.all();
    canvas.gradient(Area(left, top, width, 300.0 - top), Paint(118.0, 126.0, 130.0), Paint(150.0, 124.0, 130.0));
    canvas.gradient(
        Area(left, 300.0, width, top + height - 300.0),
        Paint(112.0, 124.0, 126.0),
        Paint(84.0, 124.0, 126.0),
    );
    canvas.rough(canvas.all(), 6.0, 6.0);
    for i in 0..9 {
        let x = -260.0 + 140.0 * i as f32;
        window(canvas, Area(x, 74.0, 92.0, 96.0));
        canvas.cylinder(Area(x + 106.0, top, 20.0, 320.0 - top), Paint(132.0, 132.0, 124.0));
    }
    // The dust duct along the ceiling with a branch down to each bench.
    canvas.pipe(Area(left, 26.0, width, 30.0), STEEL.lit(10.0));
    for i in 0..14 {
        canvas.rect(Area(-330.0 + 100.0 * i as f32, 24.0, 4.0, 34.0), STEEL.lit(-55.0));
    }
    for i in 0..7 {
        bench(canvas, -330.0 + 210.0 * i as f32);
    }
    for i in 0..24 {
        let x = -600.0 + 80.0 * i as f32;
        canvas.stroke((352.0 + (x - 352.0) * 0.55, 300.0), (x, 800.0), 1.6, Paint::grey(76.0));
    }
    for y in [412.0, 470.0, 545.0, 640.0] {
        canvas.rect(Area(left, y, width, 2.0), Paint::grey(76.0));
    }
    canvas.rect(Area(left, 430.0, width, 9.0), YELLOW);
    canvas.rect(Area(612.0, 190.0, 40.0, 62.0), RED);
    canvas.rect(Area(618.0, 196.0, 28.0, 10.0), WHITE);
}

fn window(canvas: &mut Canvas, area: Area) {
    let Area(x, y, w, h) = area;
    canvas.rect(Area(x - 4.0, y - 4.0, w + 8.0, h + 8.0), Paint::grey(96.0));
    canvas.gradient(area, Paint(226.0, 134.0, 124.0), Paint(204.0, 130.0, 126.0));
    for i in 1..4 {
        canvas.rect(Area(x + w * i as f32 / 4.0, y, 2.5, h), Paint::grey(100.0));
    }
    canvas.rect(Area(x, y + h / 2.0, w, 2.5), Paint::grey(100.0));
}

fn bench(canvas: &mut Canvas, x: f32) {
    canvas.cylinder(Area(x + 66.0, 56.0, 16.0, 176.0), STEEL.lit(-12.0));
    canvas.polygon(&[(x + 56.0, 228.0), (x + 92.0, 228.0), (x + 112.0, 262.0), (x + 36.0, 262.0)], STEEL.lit(-30.0));
    canvas.rect(Area(x + 12.0, 316.0, 128.0, 10.0), Paint(104.0, 118.0, 140.0));
    canvas.gradient(Area(x + 20.0, 326.0, 112.0, 58.0), GREEN, GREEN.lit(-40.0));
    canvas.rect(Area(x + 30.0, 336.0, 40.0, 30.0), GREEN.lit(26.0));
    canvas.rect(Area(x + 86.0, 338.0, 12.0, 8.0), RED);
    canvas.ellipse((x + 74.0, 298.0), (19.0, 19.0), DARK.lit(30.0));
    canvas.ellipse((x + 74.0, 298.0), (6.0, 6.0), STEEL);
    canvas.pipe(Area(x + 84.0, 288.0, 44.0, 22.0), BLUE.lit(-10.0));
    for i in 0..4 {
        canvas.rect(Area(x + 18.0 + 11.0 * i as f32, 306.0 - 3.0 * (i % 2) as f32, 9.0, 10.0), STEEL.lit(16.0));
    }
}

fn gate(canvas: &mut Canvas) {
    outside(canvas, 210.0, Paint(128.0, 120.0, 128.0));
    canvas.polygon(&[(320.0, 210.0), (390.0, 210.0), (930.0, 800.0), (-90.0, 800.0)], ASPHALT);
    canvas.rough(Area(-200.0, 210.0, 1_100.0, 600.0), 3.5, 7.0);
    for i in 0..9 {
        let y = 225.0 + 4.6 * (i * i) as f32;
        canvas.rect(Area(354.0 - y / 90.0, y, 2.0 + y / 60.0, 3.0 + y / 28.0), WHITE.lit(-20.0));
    }
    for i in 0..40 {
        let x = -420.0 + 40.0 * i as f32;
        if !(180.0..560.0).contains(&x) {
            canvas.rect(Area(x, 206.0, 3.0, 92.0), STEEL.lit(-70.0));
        }
    }
    for (from, to) in [(-430.0, 200.0), (560.0, 1_200.0)] {
        canvas.rect(Area(from, 212.0, to - from, 4.0), STEEL.lit(-70.0));
        canvas.rect(Area(from, 288.0, to - from, 4.0), STEEL.lit(-70.0));
    }
    for x in [186.0, 548.0] {
        canvas.cylinder(Area(x, 160.0, 30.0, 150.0), Paint(150.0, 118.0, 142.0));
        canvas.rect(Area(x - 4.0, 152.0, 38.0, 10.0), Paint::grey(190.0));
    }
    canvas.rect(Area(190.0, 128.0, 384.0, 26.0), RED.lit(6.0));
    for i in 0..9 {
        canvas.rect(Area(220.0 + 38.0 * i as f32, 134.0, 20.0, 14.0), Paint(190.0, 70.0, 140.0));
    }
    booth(canvas);
    lamp(canvas, 96.0, 70.0, 300.0);
}

fn booth(canvas: &mut Canvas) {
    canvas.gradient(Area(560.0, 240.0, 120.0, 170.0), Paint(196.0, 128.0, 128.0), Paint(156.0, 128.0, 128.0));
    canvas.rect(Area(548.0, 226.0, 144.0, 16.0), BLUE);
    canvas.rect(Area(572.0, 264.0, 60.0, 56.0), Paint(70.0, 136.0, 122.0));
    canvas.stroke((576.0, 314.0), (620.0, 268.0), 5.0, Paint(112.0, 134.0, 124.0));
    canvas.rect(Area(642.0, 268.0, 30.0, 142.0), Paint(120.0, 126.0, 130.0));
    canvas.rect(Area(664.0, 338.0, 4.0, 10.0), DARK);
    canvas.cylinder(Area(520.0, 330.0, 24.0, 78.0), YELLOW);
    for i in 0..3 {
        canvas.rect(Area(520.0, 342.0 + 24.0 * i as f32, 24.0, 9.0), DARK);
    }
}

fn corridor(canvas: &mut Canvas) {
    let far = Area(292.0, 206.0, 120.0, 92.0);
    canvas.rect(canvas.all(), Paint(150.0, 124.0, 132.0));
    canvas.polygon(&[(-500.0, 860.0), (far.0, 298.0), (412.0, 298.0), (1_200.0, 860.0)], Paint(156.0, 122.0, 134.0));
    canvas.polygon(&[(-500.0, -380.0), (1_200.0, -380.0), (412.0, 206.0), (far.0, 206.0)], Paint(196.0, 126.0, 129.0));
    canvas.rough(canvas.all(), 7.0, 5.0);
    canvas.gradient(far, Paint(176.0, 126.0, 132.0), Paint(140.0, 126.0, 132.0));
    for (depth, side) in (0..5).flat_map(|d| [(d, -1.0), (d, 1.0)]) {
        shop_front(canvas, depth, side);
    }
    for i in 0..6 {
        let (s, y) = (depth_scale(i), 252.0 - 46.0 * depth_scale(i) * 1.9);
        canvas.rect(Area(352.0 - 30.0 * s, y, 60.0 * s, 6.0 * s), Paint::grey(236.0));
        canvas.spot((352.0, 252.0 + 86.0 * s), (46.0 * s, 10.0 * s), (Paint::grey(214.0), 0.55));
    }
    for i in 0..12 {
        let x = -700.0 + 190.0 * i as f32;
        canvas.stroke((352.0 + (x - 352.0) * 0.06, 298.0), (x, 860.0), 1.6, Paint(128.0, 124.0, 132.0));
    }
    for i in 0..7 {
        let s = depth_scale(i);
        canvas.rect(Area(352.0 - 420.0 * s, 252.0 + 46.0 * s, 840.0 * s, 1.6), Paint(128.0, 124.0, 132.0));
    }
    canvas.rect(Area(330.0, 184.0, 44.0, 16.0), Paint(130.0, 108.0, 70.0));
    canvas.rect(Area(336.0, 189.0, 32.0, 6.0), WHITE);
}

/// How large things are at a depth, 1 at the far end.
pub(super) fn depth_scale(depth: usize) -> f32 {
    1.35_f32.powi(depth as i32) * 1.05
}

fn shop_front(canvas: &mut Canvas, depth: usize, side: f32) {
    let (near, far) = (depth_scale(depth + 1) * 1.02, depth_scale(depth) * 1.06);
    let at = |s: f32, y: f32| (352.0 + side * 60.0 * s * 1.06, 252.0 + y * s);
    let tint = [Paint(120.0, 108.0, 150.0), Paint(140.0, 150.0, 116.0), Paint(110.0, 132.0, 120.0)]
        [(depth + usize::from(side > 0.0)) % 3];
    let quad = |canvas: &mut Canvas, top: f32, bottom: f32, paint: Paint| {
        let mut corners = [at(far, top), at(near, top), at(near, bottom), at(far, bottom)];
        if side < 0.0 {
            corners.reverse();
        }
        canvas.polygon(&corners, paint);
    };
    quad(canvas, -34.0, -22.0, tint.lit(30.0));
    quad(canvas, -20.0, 40.0, Paint(66.0, 130.0, 124.0).lit(12.0 * (depth % 2) as f32));
    quad(canvas, 8.0, 36.0, tint.lit(-30.0));
    quad(canvas, -8.0, 2.0, tint.lit(44.0));
}
