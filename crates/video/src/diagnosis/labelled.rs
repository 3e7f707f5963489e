//! The labelled run: simulated scenes and the faults injected into them, decoded by the real decoder, on simulated time.

use std::sync::Arc;
use std::time::Duration;

use runtime::Tasks;
use sim::cameras::{Camera, Fault, Handle, Look, Place, Settings, Size, Stream, serve};

use super::decode::{Luma, luma};
use super::{Condition, Diagnosis, Measures, Note, THRESHOLDS};

const FAULTS: [(Look, Condition); 7] = [
    (Look::Frozen, Condition::Frozen),
    (Look::Black, Condition::Black),
    (Look::WhiteOut, Condition::WhiteOut),
    (Look::Occluded, Condition::Occluded),
    (Look::Shifted, Condition::Shifted),
    (Look::Blurred, Condition::Blurred),
    (Look::NoSignal, Condition::NoSignal),
];
/// Looks at clean pictures in a camera-month of 30 days at one look in 30 s.
const MONTH_LOOKS: u64 = 30 * 86_400 / 30;
const FRAME_US: i64 = 40_000;

/// A frame of a clip; key frames with their luma.
struct Seen {
    note: Note,
    luma: Option<Luma>,
}

async fn clip(handle: &Handle, camera: &str, look: Look) -> Vec<Seen> {
    handle.inject(camera, Fault::Look(look)).unwrap();
    let stream = handle.annex_b(camera, Stream::Sub).await.unwrap();
    let at_work = Arc::default();
    let decode = |unit: &[u8]| luma(unit.to_vec(), Duration::from_secs(20), &at_work).unwrap();
    let seen = |unit: &Vec<u8>| {
        let key = unit[4] & 0x1f == 7;
        Seen { note: Note { key, bytes: unit.len(), loss: 0 }, luma: key.then(|| decode(unit)) }
    };
    stream.iter().map(seen).collect()
}

/// One camera watched over simulated time; what was raised, and how many looks were made.
struct Watched {
    diagnosis: Diagnosis,
    now: i64,
    raised: Vec<Condition>,
    looks: u64,
}

impl Watched {
    fn new() -> Self {
        Self { diagnosis: Diagnosis::new(THRESHOLDS), now: 0, raised: Vec::new(), looks: 0 }
    }

    /// Loops a clip for so many seconds; each decoded picture goes through `change` first.
    fn watch(&mut self, clip: &[Seen], seconds: i64, mut change: impl FnMut(&Luma, u64) -> Luma) {
        let frames = (seconds * 1_000_000 / FRAME_US) as usize;
        for seen in clip.iter().cycle().take(frames) {
            self.now += FRAME_US;
            let wanted = self.diagnosis.frame(self.now, seen.note);
            if let Some(luma) = seen.luma.as_ref().filter(|_| wanted) {
                self.looks += 1;
                let luma = change(luma, self.looks);
                let measures = Measures::of(&luma.pixels, luma.width, luma.height).unwrap();
                self.diagnosis
                    .looked(self.now, &measures)
                    .into_iter()
                    .filter(|c| c.active)
                    .for_each(|c| self.raised.push(c.condition));
            }
            if self.now % 1_000_000 == 0 {
                self.raised.extend(self.diagnosis.tick(self.now).filter(|c| c.active).map(|c| c.condition));
            }
        }
    }
}

/// Light that wanders between 80 and 110 percent over the hours, and fresh noise in every look.
fn weather(seed: u64) -> impl FnMut(&Luma, u64) -> Luma {
    let mut noise = seed | 1;
    move |luma, look| {
        let gain = 0.95 + 0.15 * (look as f32 / 160.0 + seed as f32).sin();
        let mut pixel = |p: &u8| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let grain = (noise >> 61) as f32 - 3.5;
            (f32::from(*p) * gain + grain * 0.7).clamp(0.0, 255.0) as u8
        };
        Luma { pixels: luma.pixels.iter().map(&mut pixel).collect(), ..luma.clone() }
    }
}

fn cameras() -> Vec<Camera> {
    let places = [Place::TankFarm, Place::Workshop, Place::Gate, Place::Corridor];
    let day = places.map(|p| Camera::new(format!("{p:?}-day"), p).with_main(Size::Cif));
    let night = places.map(|p| Camera::new(format!("{p:?}-night"), p).with_main(Size::Cif).at_night());
    day.into_iter().chain(night).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labelled_faults_are_found_and_clean_scenes_raise_nothing() {
    // In `make test` some hours of each camera; a soak sets this to a month in all.
    let clean_looks: u64 = std::env::var("FENGHUO_CLEAN_LOOKS").map_or(480, |v| v.parse().unwrap());
    let tasks = Tasks::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("camera-clips");
    let handle = serve(&tasks, listener, Settings::new(cameras(), folder)).await.unwrap();
    let (mut labelled, mut missed, mut wrong, mut looks) = (0, Vec::new(), Vec::new(), 0);
    for (n, camera) in cameras().iter().enumerate() {
        let clean = clip(&handle, &camera.name, Look::Clean).await;
        for look in [Look::Flame, Look::Leak] {
            let event = clip(&handle, &camera.name, look).await;
            let mut watched = Watched::new();
            watched.watch(&clean, 300, weather(n as u64));
            watched.watch(&event, 300, weather(n as u64));
            looks += watched.looks;
            wrong.extend(watched.raised.iter().map(|c| format!("{} {look:?}: {c:?}", camera.name)));
        }
        let mut watched = Watched::new();
        watched.watch(&clean, (clean_looks / 8 * 30) as i64, weather(n as u64));
        looks += watched.looks;
        wrong.extend(watched.raised.iter().map(|c| format!("{} clean: {c:?}", camera.name)));
        for (look, condition) in FAULTS {
            let faulty = clip(&handle, &camera.name, look).await;
            let mut watched = Watched::new();
            watched.watch(&clean, 300, |luma, _| luma.clone());
            watched.watch(&faulty, 120, |luma, _| luma.clone());
            labelled += 1;
            if watched.raised != [condition] {
                missed.push(format!("{} {look:?}: {:?}", camera.name, watched.raised));
            }
            watched.watch(&clean, 300, |luma, _| luma.clone());
            assert_eq!(watched.diagnosis.active(), [], "{} {look:?}: it ends", camera.name);
        }
    }
    let recall = 1.0 - missed.len() as f64 / f64::from(labelled);
    let per_month = wrong.len() as f64 * MONTH_LOOKS as f64 / looks as f64;
    println!(
        "recall {recall:.3} of {labelled}; false {} in {looks} clean looks = {per_month:.2} per camera-month",
        wrong.len()
    );
    assert!(recall >= 0.95, "missed or misnamed: {missed:#?}");
    assert!(wrong.is_empty(), "false: {wrong:#?}");
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[test]
fn a_stall_is_told_once_and_ends_with_the_next_frame() {
    let mut diagnosis = Diagnosis::new(THRESHOLDS);
    diagnosis.frame(0, Note { key: true, bytes: 9_000, loss: 0 });
    assert_eq!(diagnosis.tick(2_000_000), None);
    let change = diagnosis.tick(3_100_000).unwrap();
    assert_eq!((change.condition, change.active), (Condition::Stalled, true));
    assert_eq!(diagnosis.tick(4_000_000), None);
    diagnosis.frame(5_000_000, Note { key: false, bytes: 900, loss: 0 });
    assert!(diagnosis.tick(5_100_000).is_some_and(|c| !c.active));
}
